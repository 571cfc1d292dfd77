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

/* For each of the first `half` lanes in turn of 8, 4, 2, 1: the statement, which joins lanes[k] and lanes[k + half].
 * Sizes are constants, so that each step is one vector operation. */
#define ROW_FOLD_STEP(HALF, statement)                            \
    if (LANES > HALF)                                         \
        for (int k = 0, half = HALF; k < HALF; k++)               \
            statement;
#define ROW_FOLD(statement)                                       \
    ROW_FOLD_STEP(8, statement)                                   \
    ROW_FOLD_STEP(4, statement)                                   \
    ROW_FOLD_STEP(2, statement)                                   \
    ROW_FOLD_STEP(1, statement)

#define max_of_row(n, x) BY_TYPE(x, row_max)(n, x)
#define sum_of_row(n, x) BY_TYPE(x, row_sum)(n, x)
#define dot_of_rows(n, x, y) BY_TYPE(x, row_dot)(n, x, y)
#define row_moments(n, x, m, first, second) BY_TYPE(x, row_moments)(n, x, m, first, second)

#endif

typedef BITS TYPED(bits) __attribute__((vector_size(VECTOR_BYTES)));

static const BITS TYPED(row_index)[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

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
        ROW_FOLD(lanes[k] = lanes[k + half] > lanes[k] ? lanes[k + half] : lanes[k])
    } else
        for (ptrdiff_t i = 0; i < n; i++)
            lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
    return lanes[0];
}

/* x_0 y_0 + x_1 y_1 + ...; where y is NULL, which the compiler sees in row_sum, x_0 + x_1 + ... */
INLINE REAL TYPED(row_dot)(ptrdiff_t n, const REAL *x, const REAL *y)
{
    REAL lanes[LANES] = {0};
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
        memcpy(lanes, &sum, sizeof lanes);
        ROW_FOLD(lanes[k] += lanes[k + half])
    } else
        for (ptrdiff_t i = 0; i < n; i++)
            lanes[0] += y ? x[i] * y[i] : x[i];
    return lanes[0];
}

static inline REAL TYPED(row_sum)(ptrdiff_t n, const REAL *x)
{
    return TYPED(row_dot)(n, x, NULL);
}

/* The sums of x_i - m and of (x_i - m)^2. */
static inline void TYPED(row_moments)(ptrdiff_t n, const REAL *x, REAL m, REAL *first, REAL *second)
{
    REAL sums[LANES] = {0}, squares[LANES] = {0};
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
        memcpy(sums, &sum, sizeof sums);
        memcpy(squares, &square, sizeof squares);
        ROW_FOLD(sums[k] += sums[k + half])
        ROW_FOLD(squares[k] += squares[k + half])
    } else
        for (ptrdiff_t i = 0; i < n; i++) {
            sums[0] += x[i] - m;
            squares[0] += (x[i] - m) * (x[i] - m);
        }
    *first = sums[0];
    *second = squares[0];
}
