/* The maximum, the sum, the dot product and the moments of rows: loops that end in one number, or two.
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
#define row_moments(n, x, m, first, second) BY_TYPE(x, row_moments)(n, x, m, first, second)
#define row_products(n, x, dy, gamma, high, low, r, sums, g, gu) \
    BY_TYPE(x, row_products)(n, x, dy, gamma, high, low, r, sums, g, gu)

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

/* x_0 y_0 + x_1 y_1 + ...; where y is NULL, which the compiler sees in row_sum, x_0 + x_1 + ... */
INLINE REAL TYPED(row_dot)(ptrdiff_t n, const REAL *x, const REAL *y)
{
    REAL total = 0;
    if (n >= LANES) {
        const ptrdiff_t last = n - LANES;
        TYPED(vector) sum = *(const TYPED(unaligned) *)(x + last);
        TYPED(bits) index;
        if (y)
            sum *= *(const TYPED(unaligned) *)(y + last);
        memcpy(&index, TYPED(row_index), sizeof index);
        sum = (TYPED(vector))((TYPED(bits))sum & (index >= LANES - (int)(n % LANES)));
        for (ptrdiff_t i = 0; i <= last; i += LANES) {
            const TYPED(vector) next = *(const TYPED(unaligned) *)(x + i);
            sum += y ? next * *(const TYPED(unaligned) *)(y + i) : next;
        }
        return TYPED(folded)(sum);
    }
    for (ptrdiff_t i = 0; i < n; i++)
        total += y ? x[i] * y[i] : x[i];
    return total;
}

static inline REAL TYPED(row_sum)(ptrdiff_t n, const REAL *x)
{
    return TYPED(row_dot)(n, x, NULL);
}

/* The sums of x_i - m and of (x_i - m)^2. */
static inline void TYPED(row_moments)(ptrdiff_t n, const REAL *x, REAL m, REAL *first, REAL *second)
{
    *first = *second = 0;
    if (n >= LANES) {
        const ptrdiff_t last = n - LANES;
        TYPED(bits) index;
        memcpy(&index, TYPED(row_index), sizeof index);
        TYPED(vector) sum = *(const TYPED(unaligned) *)(x + last) - m;
        sum = (TYPED(vector))((TYPED(bits))sum & (index >= LANES - (int)(n % LANES)));
        TYPED(vector) square = sum * sum;
        for (ptrdiff_t i = 0; i <= last; i += LANES) {
            const TYPED(vector) next = *(const TYPED(unaligned) *)(x + i) - m;
            sum += next;
            square += next * next;
        }
        *first = TYPED(folded)(sum);
        *second = TYPED(folded)(square);
    } else
        for (ptrdiff_t i = 0; i < n; i++) {
            *first += x[i] - m;
            *second += (x[i] - m) * (x[i] - m);
        }
}

/* Layer norm's sums over a row whose numbers are normalised to u = ((x - high) - low) r: g of gamma dy, and gu of
 * gamma dy u. In `dgamma` and `dbeta`, every number's dy u and dy are added to those of other rows. */
typedef struct {
    const REAL *x, *dy, *gamma;
    REAL high, low, r;
    REAL *dgamma, *dbeta;
} TYPED(row_to_undo);

INLINE void TYPED(add_products)(const TYPED(row_to_undo) *row, ptrdiff_t i, TYPED(bits) counts, TYPED(vector) *g,
                                TYPED(vector) *gu)
{
    const TYPED(vector) gamma = *(const TYPED(unaligned) *)(row->gamma + i);
    const TYPED(vector) x = *(const TYPED(unaligned) *)(row->x + i);
    TYPED(vector) dy = *(const TYPED(unaligned) *)(row->dy + i);
    TYPED(vector) product = dy * (((x - row->high) - row->low) * row->r);
    dy = (TYPED(vector))((TYPED(bits))dy & counts);
    product = (TYPED(vector))((TYPED(bits))product & counts);
    *(TYPED(unaligned) *)(row->dgamma + i) += product;
    *(TYPED(unaligned) *)(row->dbeta + i) += dy;
    *g += dy * gamma;
    *gu += product * gamma;
}

static inline void TYPED(row_products)(ptrdiff_t n, const REAL *x, const REAL *dy, const REAL *gamma, REAL high,
                                       REAL low, REAL r, REAL *sums, REAL *g, REAL *gu)
{
    const TYPED(row_to_undo) row = {x, dy, gamma, high, low, r, sums, sums + n};
    if (n >= LANES) {
        const ptrdiff_t last = n - LANES;
        TYPED(vector) sum = {0}, product = {0};
        TYPED(bits) index;
        memcpy(&index, TYPED(row_index), sizeof index);
        if (n % LANES)
            TYPED(add_products)(&row, last, index >= LANES - (int)(n % LANES), &sum, &product);
        for (ptrdiff_t i = 0; i <= last; i += LANES)
            TYPED(add_products)(&row, i, index >= 0, &sum, &product);
        *g = TYPED(folded)(sum);
        *gu = TYPED(folded)(product);
    } else {
        REAL products[LANES];
        for (ptrdiff_t i = 0; i < n; i++) {
            products[i] = dy[i] * (((x[i] - high) - low) * r);
            row.dgamma[i] += products[i];
            row.dbeta[i] += dy[i];
        }
        *g = TYPED(row_dot)(n, dy, gamma);
        *gu = TYPED(row_dot)(n, products, gamma);
    }
}
