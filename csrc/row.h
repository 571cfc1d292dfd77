/* The maximum, the sum, the dot product and the moments of rows: loops that end in one number, or two; and what layer
 * norm makes of these.
 *
 * In the order of the row, each addition would wait for the one before, and the compiler may not reorder them. So here
 * a vector of sums runs along the row, and is folded in halves at the end:
 *
 *        |  vector  |  vector  |  vector  | left |
 *                                  |    vector   |      What is left over is read as the row's last whole vector, in
 *                                                       which sums set the lanes to 0 that are counted already.
 *
 * The order depends on the length of the row and never on its address: equal rows have equal sums, bit for bit.
 */
#ifndef NNLITE_ROW_H
#define NNLITE_ROW_H

/* Steps of folding `lanes`, `count` of them: the upper half of the first 2 * HALF joins the lower. Sizes are constants,
 * so that each is one vector operation; for sums this has to be spelled out, or GCC takes the lanes one by one. */
#define ROW_FOLD(step, count) step(8, count) step(4, count) step(2, count) step(1, count)
#define ADD_HALVES(HALF, count)                                              \
    if (count > HALF) {                                                      \
        typedef REAL vector __attribute__((vector_size(HALF * sizeof(REAL)))); \
        vector lower, upper;                                                 \
        memcpy(&lower, lanes, sizeof lower);                                 \
        memcpy(&upper, lanes + HALF, sizeof upper);                          \
        lower += upper;                                                      \
        memcpy(lanes, &lower, sizeof lower);                                 \
    }
#define LARGER_HALF(HALF, count)                                             \
    if (count > HALF)                                                        \
        for (int k = 0; k < HALF; k++)                                       \
            lanes[k] = lanes[k + HALF] > lanes[k] ? lanes[k + HALF] : lanes[k];

#define max_of_row(n, x) BY_TYPE(x, row_max)(n, x)
#define sum_of_row(n, x) BY_TYPE(x, row_sum)(n, x)
#define dot_of_rows(n, x, y) BY_TYPE(x, row_dot)(n, x, y)
#define row_sums(rows, n, x, sums) BY_TYPE(x, row_sums)(rows, n, x, sums)
#define row_moments(rows, n, x, m, first, second) BY_TYPE(x, row_moments)(rows, n, x, m, first, second)
#define row_products(rows, n, x, dy, gamma, high, low, r, sums, means) \
    BY_TYPE(x, row_products)(rows, n, x, dy, gamma, high, low, r, sums, means)
#define row_outputs(rows, n, x, gamma, beta, high, low, r, y) \
    BY_TYPE(x, row_outputs)(rows, n, x, gamma, beta, high, low, r, y)
#define row_gradients(rows, n, x, dy, gamma, high, low, r, means, dx) \
    BY_TYPE(x, row_gradients)(rows, n, x, dy, gamma, high, low, r, means, dx)

/* Each addition to a row's vector waits for the one before, for three or four cycles. The sums of other rows do not: so
 * BESIDE rows go through a loop side by side, and those left one at a time. A row's own order is the same in any
 * company, and what is summed over the rows is added row by row. */
#define BESIDE 4
#define EACH_FEW(rows, step)                                \
    ptrdiff_t k = 0;                                        \
    for (const int few = BESIDE; k + few <= rows; k += few) \
        step;                                               \
    for (const int few = 1; k < rows; k += few)             \
        step;

#endif

typedef BITS TYPED(bits) __attribute__((vector_size(VECTOR_BYTES)));

static const BITS TYPED(row_index)[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* The sum of all lanes. */
INLINE REAL TYPED(folded)(TYPED(vector) sum)
{
    typedef REAL half __attribute__((vector_size(VECTOR_BYTES / 2)));
    half halves[2]; /* so these stay in registers; memcpy to `lanes` would be a store, which the loads wait for */
    REAL lanes[LANES / 2];
    memcpy(halves, &sum, sizeof halves);
    halves[0] += halves[1];
    memcpy(lanes, halves, sizeof lanes);
    ROW_FOLD(ADD_HALVES, LANES / 2)
    return lanes[0];
}

/* The largest of n numbers, -infinity if there is none. NaN is ignored. */
static inline REAL TYPED(row_max)(ptrdiff_t n, const REAL *x)
{
    REAL lanes[LANES] = {-INFINITY};
    if (n >= LANES) {
        TYPED(vector) largest = (TYPED(vector)){0} - INFINITY;
        for (ptrdiff_t i = 0; i < n; i += LANES) {
            const ptrdiff_t first = i + LANES <= n ? i : n - LANES;
            const TYPED(vector) next = *(const TYPED(unaligned) *)(x + first);
            const TYPED(bits) larger = next > largest;
            largest = (TYPED(vector))(((TYPED(bits))next & larger) | ((TYPED(bits))largest & ~larger));
        }
        memcpy(lanes, &largest, sizeof lanes);
        ROW_FOLD(LARGER_HALF, LANES)
    } else
        for (ptrdiff_t i = 0; i < n; i++)
            lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
    return lanes[0];
}

/* All bits of the lanes in which a row's last whole vector has what is left over: of the others none. */
INLINE TYPED(bits) TYPED(left_over)(ptrdiff_t n)
{
    TYPED(bits) index;
    memcpy(&index, TYPED(row_index), sizeof index);
    return index >= LANES - (int)(n % LANES);
}

/* Of each row, x_0 y_0 + x_1 y_1 + ...; where y is NULL, which the compiler sees, x_0 + x_1 + ... */
INLINE void TYPED(dots)(int rows, ptrdiff_t n, const REAL *x, const REAL *y, REAL *totals)
{
    if (n >= LANES) {
        const ptrdiff_t last = n - LANES;
        TYPED(vector) sum[BESIDE];
        UNROLL
        for (int k = 0; k < rows; k++) {
            sum[k] = *(const TYPED(unaligned) *)(x + k * n + last);
            if (y)
                sum[k] *= *(const TYPED(unaligned) *)(y + k * n + last);
            sum[k] = (TYPED(vector))((TYPED(bits))sum[k] & TYPED(left_over)(n));
        }
        for (ptrdiff_t i = 0; i <= last; i += LANES)
            UNROLL
            for (int k = 0; k < rows; k++) {
                const TYPED(vector) next = *(const TYPED(unaligned) *)(x + k * n + i);
                sum[k] += y ? next * *(const TYPED(unaligned) *)(y + k * n + i) : next;
            }
        UNROLL
        for (int k = 0; k < rows; k++)
            totals[k] = TYPED(folded)(sum[k]);
    } else
        for (int k = 0; k < rows; k++) {
            REAL total = 0;
            for (ptrdiff_t i = k * n; i < (k + 1) * n; i++)
                total += y ? x[i] * y[i] : x[i];
            totals[k] = total;
        }
}

INLINE REAL TYPED(row_dot)(ptrdiff_t n, const REAL *x, const REAL *y)
{
    REAL total;
    TYPED(dots)(1, n, x, y, &total);
    return total;
}

static inline REAL TYPED(row_sum)(ptrdiff_t n, const REAL *x)
{
    return TYPED(row_dot)(n, x, NULL);
}

static inline void TYPED(row_sums)(ptrdiff_t rows, ptrdiff_t n, const REAL *x, REAL *sums)
{
    EACH_FEW(rows, TYPED(dots)(few, n, x + k * n, NULL, sums + k))
}

/* Of each row, the sums of x_i - m and of (x_i - m)^2. */
INLINE void TYPED(moments)(int rows, ptrdiff_t n, const REAL *x, const REAL *m, REAL *first, REAL *second)
{
    if (n >= LANES) {
        const ptrdiff_t last = n - LANES;
        TYPED(vector) sum[BESIDE], square[BESIDE];
        UNROLL
        for (int k = 0; k < rows; k++) {
            sum[k] = *(const TYPED(unaligned) *)(x + k * n + last) - m[k];
            sum[k] = (TYPED(vector))((TYPED(bits))sum[k] & TYPED(left_over)(n));
            square[k] = sum[k] * sum[k];
        }
        for (ptrdiff_t i = 0; i <= last; i += LANES)
            UNROLL
            for (int k = 0; k < rows; k++) {
                const TYPED(vector) next = *(const TYPED(unaligned) *)(x + k * n + i) - m[k];
                sum[k] += next;
                square[k] += next * next;
            }
        UNROLL
        for (int k = 0; k < rows; k++) {
            first[k] = TYPED(folded)(sum[k]);
            second[k] = TYPED(folded)(square[k]);
        }
    } else
        for (int k = 0; k < rows; k++) {
            REAL sum = 0, square = 0;
            for (ptrdiff_t i = k * n; i < (k + 1) * n; i++) {
                sum += x[i] - m[k];
                square += (x[i] - m[k]) * (x[i] - m[k]);
            }
            first[k] = sum;
            second[k] = square;
        }
}

static inline void TYPED(row_moments)(ptrdiff_t rows, ptrdiff_t n, const REAL *x, const REAL *m, REAL *first,
                                      REAL *second)
{
    EACH_FEW(rows, TYPED(moments)(few, n, x + k * n, m + k, first + k, second + k))
}

/* Layer norm's sums over rows whose numbers are normalised to u = ((x - high) - low) r: of gamma dy and of gamma dy u,
 * neighbours in `means`. In `dgamma` and `dbeta`, every number's dy u and dy are added to those of other rows. For all
 * that the compiler knows, these might overwrite high, low and r: the copies in the struct stay in registers. */
typedef struct {
    ptrdiff_t n;
    const REAL *x, *dy, *gamma;
    REAL *dgamma, *dbeta;
    REAL high[BESIDE], low[BESIDE], r[BESIDE];
} TYPED(rows_to_undo);

INLINE void TYPED(add_products)(int rows, const TYPED(rows_to_undo) *of, ptrdiff_t i, TYPED(bits) counts,
                                TYPED(vector) *g, TYPED(vector) *gu)
{
    const TYPED(vector) gamma = *(const TYPED(unaligned) *)(of->gamma + i);
    TYPED(vector) dgamma = *(const TYPED(unaligned) *)(of->dgamma + i);
    TYPED(vector) dbeta = *(const TYPED(unaligned) *)(of->dbeta + i);
    UNROLL
    for (int k = 0; k < rows; k++) {
        const TYPED(vector) x = *(const TYPED(unaligned) *)(of->x + k * of->n + i);
        TYPED(vector) dy = *(const TYPED(unaligned) *)(of->dy + k * of->n + i);
        TYPED(vector) product = dy * (((x - of->high[k]) - of->low[k]) * of->r[k]);
        dy = (TYPED(vector))((TYPED(bits))dy & counts);
        product = (TYPED(vector))((TYPED(bits))product & counts);
        dgamma += product;
        dbeta += dy;
        g[k] += dy * gamma;
        gu[k] += product * gamma;
    }
    *(TYPED(unaligned) *)(of->dgamma + i) = dgamma;
    *(TYPED(unaligned) *)(of->dbeta + i) = dbeta;
}

INLINE void TYPED(products)(int rows, ptrdiff_t n, const REAL *x, const REAL *dy, const REAL *gamma, const REAL *high,
                            const REAL *low, const REAL *r, REAL *sums, REAL *means)
{
    if (n >= LANES) {
        const ptrdiff_t last = n - LANES;
        TYPED(rows_to_undo) of = {n, x, dy, gamma, sums, sums + n};
        TYPED(vector) sum[BESIDE] = {{0}}, product[BESIDE] = {{0}};
        UNROLL
        for (int k = 0; k < rows; k++) {
            of.high[k] = high[k];
            of.low[k] = low[k];
            of.r[k] = r[k];
        }
        if (n % LANES)
            TYPED(add_products)(rows, &of, last, TYPED(left_over)(n), sum, product);
        for (ptrdiff_t i = 0; i <= last; i += LANES)
            TYPED(add_products)(rows, &of, i, ~(TYPED(bits)){0}, sum, product);
        UNROLL
        for (int k = 0; k < rows; k++) {
            means[2 * k] = TYPED(folded)(sum[k]);
            means[2 * k + 1] = TYPED(folded)(product[k]);
        }
    } else
        for (int k = 0; k < rows; k++, x += n, dy += n) {
            REAL products[LANES];
            for (ptrdiff_t i = 0; i < n; i++) {
                products[i] = dy[i] * (((x[i] - high[k]) - low[k]) * r[k]);
                sums[i] += products[i];
                sums[n + i] += dy[i];
            }
            means[2 * k] = TYPED(row_dot)(n, dy, gamma);
            means[2 * k + 1] = TYPED(row_dot)(n, products, gamma);
        }
}

static inline void TYPED(row_products)(ptrdiff_t rows, ptrdiff_t n, const REAL *x, const REAL *dy, const REAL *gamma,
                                       const REAL *high, const REAL *low, const REAL *r, REAL *sums, REAL *means)
{
    EACH_FEW(rows, TYPED(products)(few, n, x + k * n, dy + k * n, gamma, high + k, low + k, r + k, sums, means + 2 * k))
}

/* What layer norm writes: forward y = gamma u + beta, backward dx. The sums of the rows that come next would wait for
 * memory: so as many rows are fetched meanwhile, vector by vector, as a burst would have to be waited for. The last
 * vector writes some numbers again. */
static inline void TYPED(row_outputs)(ptrdiff_t rows, ptrdiff_t n, const REAL *x, const REAL *gamma, const REAL *beta,
                                      const REAL *high, const REAL *low, const REAL *r, REAL *y)
{
    const ptrdiff_t ahead = rows * n, last = n - LANES;
    for (ptrdiff_t k = 0; k < rows; k++, x += n, y += n) {
        const REAL h = high[k], l = low[k], s = r[k];
        if (n >= LANES)
            for (ptrdiff_t i = 0; i < n; i += LANES) {
                const ptrdiff_t at = i < last ? i : last;
                const TYPED(vector) u = ((*(const TYPED(unaligned) *)(x + at) - h) - l) * s;
                const TYPED(vector) shift = *(const TYPED(unaligned) *)(beta + at);
                *(TYPED(unaligned) *)(y + at) = *(const TYPED(unaligned) *)(gamma + at) * u + shift;
                prefetch(x + at + ahead, 1);
            }
        else
            for (ptrdiff_t i = 0; i < n; i++)
                y[i] = gamma[i] * (((x[i] - h) - l) * s) + beta[i];
    }
}

static inline void TYPED(row_gradients)(ptrdiff_t rows, ptrdiff_t n, const REAL *x, const REAL *dy, const REAL *gamma,
                                        const REAL *high, const REAL *low, const REAL *r, const REAL *means, REAL *dx)
{
    const ptrdiff_t ahead = rows * n, last = n - LANES;
    for (ptrdiff_t k = 0; k < rows; k++, x += n, dy += n, dx += n) {
        const REAL h = high[k], l = low[k], s = r[k], g = means[2 * k], gu = means[2 * k + 1];
        if (n >= LANES)
            for (ptrdiff_t i = 0; i < n; i += LANES) {
                const ptrdiff_t at = i < last ? i : last;
                const TYPED(vector) u = ((*(const TYPED(unaligned) *)(x + at) - h) - l) * s;
                const TYPED(vector) slope = *(const TYPED(unaligned) *)(gamma + at);
                *(TYPED(unaligned) *)(dx + at) = s * ((slope * *(const TYPED(unaligned) *)(dy + at) - g) - u * gu);
                prefetch(x + at + ahead, 1);
                prefetch(dy + at + ahead, 1);
            }
        else
            for (ptrdiff_t i = 0; i < n; i++)
                dx[i] = s * ((gamma[i] * dy[i] - g) - ((x[i] - h) - l) * s * gu);
    }
}
