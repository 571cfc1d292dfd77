/* A row of pooling windows: loops over their channels, forward and backward.
 *
 *              columns                     A window's pixels, `row` numbers from one row to the next. Each has C
 *           +---+---+---+                  channels side by side, so a pixel is a loop over adjacent numbers. A window
 *           | C | C | C |                  at the border has only the rows and columns that lie on the image. The next
 *     rows  +---+---+---+                  window begins `step` numbers further on.
 *           | C | C | C |
 *           +---+---+---+                  Positions count from left to right, and from top to bottom in steps of
 *                                          `width`, the window's whole width. `position` is that of the first pixel.
 *
 * The loops are in C for one word, `restrict`: one over 16 channels is a few instructions, and checking before it
 * whether the arrays overlap took longer than the loop. Windows of 2 x 2 and 3 x 3, by far the most frequent, have
 * constant sizes, and read and write each number once. With one channel, the same loop runs over the windows: side by
 * side, windows of 2 x 2 are then five times as fast. Averages over other windows take whole vectors of channels, which
 * stay in registers while a window is read or written (8 x 8: half of the time).
 *
 * A row of windows is one call, of a function for 2 x 2, for 3 x 3 or for any other size. With all of them inlined in
 * one place there were too few registers: some loops took 1.4 times as long, and which ones changed with every edit.
 */
#ifndef NNLITE_POOL_H
#define NNLITE_POOL_H

#define POOL_BLOCK 8     /* windows of one channel that a loop of constant length takes; the last block may overlap */
#define POOL_CHANNELS 64 /* kept on the stack, in the first-level cache, while a window is read */
#define POOL_VECTORS 4   /* of channels, kept in registers */

/* n equal windows of a row; rows and columns are those that lie on the image. */
typedef struct {
    ptrdiff_t n, rows, columns, C;
    ptrdiff_t first;               /* where in the image the first window begins, */
    ptrdiff_t row, step;           /* and how far apart the image's rows and the windows begin */
    int32_t position, width;
} Windows;

/* Replace the best by v, at position p, if v is larger; or if it is NaN, which so reaches y. */
#define POOL_TAKE(v, p)                                           \
    do {                                                          \
        const int better = (v > best) | (v != v);                 \
        best = better ? v : best;                                 \
        at = better ? p : at;                                     \
    } while (0)

#define max_windows(w, x, y, index) BY_TYPE(y, max_windows)(w, x, y, index)
#define max_windows_back(add, w, dy, index, dx) BY_TYPE(dx, max_windows_back)(add, w, dy, index, dx)
#define average_windows(w, x, count, y) BY_TYPE(y, average_windows)(w, x, count, y)
#define average_windows_back(add, w, dy, share, dx) BY_TYPE(dx, average_windows_back)(add, w, dy, share, dx)

#endif

/* y = the largest number of every channel, and index = its position: of equal numbers the first, of NaNs the last. */

/* y[c] is that of the window whose first number is x[c * step], and whose columns are `column` numbers apart. */
INLINE void TYPED(max_of)(const int size, ptrdiff_t n, const ptrdiff_t step, ptrdiff_t column, const Windows *w,
                          const REAL *restrict x, REAL *restrict y, int32_t *restrict index)
{
    const ptrdiff_t row = w->row;
    const int32_t position = w->position, width = w->width;
    VECTORISE for (ptrdiff_t c = 0; c < n; c++) {
        REAL best = x[c * step];
        int32_t at = position;
        UNROLL for (int i = 0; i < size; i++)
            UNROLL for (int j = 0; j < size; j++) {
                const REAL v = x[c * step + i * row + j * column];
                POOL_TAKE(v, position + i * width + j);
            }
        y[c] = best;
        index[c] = at;
    }
}

INLINE void TYPED(max_of_any)(const Windows *w, ptrdiff_t C, const REAL *restrict x, REAL *restrict y,
                              int32_t *restrict index)
{
    const ptrdiff_t rows = w->rows, columns = w->columns, row = w->row;
    const int32_t position = w->position, width = w->width;
    for (ptrdiff_t first = 0; first < C; first += POOL_CHANNELS) {
        const ptrdiff_t n = C - first < POOL_CHANNELS ? C - first : POOL_CHANNELS;
        REAL bests[POOL_CHANNELS];
        int32_t places[POOL_CHANNELS];
        for (ptrdiff_t c = 0; c < n; c++) {
            bests[c] = x[first + c];
            places[c] = position;
        }
        for (ptrdiff_t i = 0; i < rows; i++)
            for (ptrdiff_t j = 0; j < columns; j++) {
                const REAL *pixel = x + i * row + j * C + first;
                const int32_t p = position + (int32_t)(i * width + j);
                for (ptrdiff_t c = 0; c < n; c++) {
                    const REAL v = pixel[c];
                    REAL best = bests[c];
                    int32_t at = places[c];
                    POOL_TAKE(v, p);
                    bests[c] = best;
                    places[c] = at;
                }
            }
        for (ptrdiff_t c = 0; c < n; c++) {
            y[first + c] = bests[c];
            index[first + c] = places[c];
        }
    }
}

INLINE void TYPED(max_of_size)(const int size, const Windows *w, const REAL *x, REAL *y, int32_t *index)
{
    const ptrdiff_t C = w->C;
    if (C == 1 && w->step == 2 && w->n >= POOL_BLOCK)
        for (ptrdiff_t k = 0; k < w->n; k += POOL_BLOCK) {
            const ptrdiff_t first = k + POOL_BLOCK <= w->n ? k : w->n - POOL_BLOCK;
            TYPED(max_of)(size, POOL_BLOCK, 2, 1, w, x + 2 * first, y + first, index + first);
        }
    else if (C == 1)
        TYPED(max_of)(size, w->n, w->step, 1, w, x, y, index);
    else
        for (ptrdiff_t k = 0; k < w->n; k++, x += w->step, y += C, index += C)
            TYPED(max_of)(size, C, 1, C, w, x, y, index);
}

NOINLINE void TYPED(max_2x2)(const Windows *w, const REAL *x, REAL *y, int32_t *index)
{
    TYPED(max_of_size)(2, w, x, y, index);
}

NOINLINE void TYPED(max_3x3)(const Windows *w, const REAL *x, REAL *y, int32_t *index)
{
    TYPED(max_of_size)(3, w, x, y, index);
}

NOINLINE void TYPED(max_any)(const Windows *w, const REAL *x, REAL *y, int32_t *index)
{
    for (ptrdiff_t k = 0; k < w->n; k++, x += w->step, y += w->C, index += w->C)
        if (w->C == 1)
            TYPED(max_of_any)(w, 1, x, y, index);
        else
            TYPED(max_of_any)(w, w->C, x, y, index);
}

INLINE void TYPED(max_windows)(const Windows *w, const REAL *x, REAL *y, int32_t *index)
{
    if (w->rows == 2 && w->columns == 2)
        TYPED(max_2x2)(w, x, y, index);
    else if (w->rows == 3 && w->columns == 3)
        TYPED(max_3x3)(w, x, y, index);
    else
        TYPED(max_any)(w, x, y, index);
}

/* Undoes max_windows: dx = dy at the position of the largest number, else 0; or dx += that. */

INLINE void TYPED(max_back_2x2)(const int add, ptrdiff_t n, const int step, const Windows *w, const REAL *restrict dy,
                                const int32_t *restrict index, REAL *restrict dx_00, REAL *restrict dx_01,
                                REAL *restrict dx_10, REAL *restrict dx_11)
{
    const int32_t position = w->position, width = w->width;
    for (ptrdiff_t c = 0; c < n; c++) {
        const REAL d = dy[c];
        const int32_t at = index[c] - position;
        const REAL d_00 = at == 0 ? d : 0, d_01 = at == 1 ? d : 0;
        const REAL d_10 = at == width ? d : 0, d_11 = at == width + 1 ? d : 0;
        dx_00[c * step] = add ? dx_00[c * step] + d_00 : d_00;
        dx_01[c * step] = add ? dx_01[c * step] + d_01 : d_01;
        dx_10[c * step] = add ? dx_10[c * step] + d_10 : d_10;
        dx_11[c * step] = add ? dx_11[c * step] + d_11 : d_11;
    }
}

INLINE void TYPED(max_back_of_any)(const int add, const Windows *w, const REAL *restrict dy,
                                   const int32_t *restrict index, REAL *restrict dx)
{
    const ptrdiff_t rows = w->rows, columns = w->columns, C = w->C, row = w->row;
    const int32_t position = w->position, width = w->width;
    for (ptrdiff_t i = 0; i < rows; i++)
        for (ptrdiff_t j = 0; j < columns; j++) {
            REAL *pixel = dx + i * row + j * C;
            const int32_t p = position + (int32_t)(i * width + j);
            for (ptrdiff_t c = 0; c < C; c++) {
                const REAL d = dy[c], d_p = index[c] == p ? d : 0;
                pixel[c] = add ? pixel[c] + d_p : d_p;
            }
        }
}

INLINE void TYPED(max_back)(const int add, const Windows *w, const REAL *dy, const int32_t *index, REAL *dx)
{
    const ptrdiff_t C = w->C, row = w->row;
    const int is_2x2 = w->rows == 2 && w->columns == 2;
    if (is_2x2 && C == 1 && w->step == 2) {
        TYPED(max_back_2x2)(add, w->n, 2, w, dy, index, dx, dx + 1, dx + row, dx + row + 1);
        return;
    }
    for (ptrdiff_t k = 0; k < w->n; k++, dy += C, index += C, dx += w->step)
        if (is_2x2)
            TYPED(max_back_2x2)(add, C, 1, w, dy, index, dx, dx + C, dx + row, dx + row + C);
        else
            TYPED(max_back_of_any)(add, w, dy, index, dx);
}

NOINLINE void TYPED(max_windows_back)(int add, const Windows *w, const REAL *dy, const int32_t *index, REAL *dx)
{
    if (add)
        TYPED(max_back)(1, w, dy, index, dx);
    else
        TYPED(max_back)(0, w, dy, index, dx);
}

/* y = the sum of every channel, divided by count. Each row is summed by itself: so the error grows with a window's rows
 * and columns, not with its pixels. */

INLINE void TYPED(average_of)(const int size, ptrdiff_t n, const ptrdiff_t step, ptrdiff_t column, ptrdiff_t row,
                              const REAL *restrict x, REAL count, REAL *restrict y)
{
    VECTORISE for (ptrdiff_t c = 0; c < n; c++) {
        REAL sum = 0;
        UNROLL for (int i = 0; i < size; i++) {
            REAL part = 0;
            UNROLL for (int j = 0; j < size; j++)
                part += x[c * step + i * row + j * column];
            sum += part;
        }
        y[c] = sum / count;
    }
}

INLINE void TYPED(average_of_vectors)(const int vectors, const Windows *w, const REAL *x, REAL count, REAL *y)
{
    TYPED(vector) sums[POOL_VECTORS] = {{0}};
    for (ptrdiff_t i = 0; i < w->rows; i++) {
        TYPED(vector) parts[POOL_VECTORS] = {{0}};
        for (ptrdiff_t j = 0; j < w->columns; j++)
            UNROLL for (int v = 0; v < vectors; v++)
                parts[v] += *(const TYPED(unaligned) *)(x + i * w->row + j * w->C + v * LANES);
        UNROLL for (int v = 0; v < vectors; v++)
            sums[v] += parts[v];
    }
    UNROLL for (int v = 0; v < vectors; v++)
        *(TYPED(unaligned) *)(y + v * LANES) = sums[v] / count;
}

INLINE void TYPED(average_of_any)(const Windows *w, const ptrdiff_t C, const REAL *restrict x, REAL count,
                                  REAL *restrict y)
{
    const ptrdiff_t rows = w->rows, columns = w->columns, row = w->row;
    ptrdiff_t first = 0;
    for (; first + POOL_VECTORS * LANES <= C; first += POOL_VECTORS * LANES)
        TYPED(average_of_vectors)(POOL_VECTORS, w, x + first, count, y + first);
    for (; first + LANES <= C; first += LANES)
        TYPED(average_of_vectors)(1, w, x + first, count, y + first);
    const ptrdiff_t n = C - first;
    REAL sums[LANES], parts[LANES];
    for (ptrdiff_t c = 0; c < n; c++)
        sums[c] = 0;
    for (ptrdiff_t i = 0; i < rows && n; i++) {
        const REAL *pixel = x + i * row + first;
        for (ptrdiff_t c = 0; c < n; c++)
            parts[c] = 0;
        for (ptrdiff_t j = 0; j < columns; j++)
            for (ptrdiff_t c = 0; c < n; c++)
                parts[c] += pixel[j * C + c];
        for (ptrdiff_t c = 0; c < n; c++)
            sums[c] += parts[c];
    }
    for (ptrdiff_t c = 0; c < n; c++)
        y[first + c] = sums[c] / count;
}

INLINE void TYPED(average_of_size)(const int size, const Windows *w, const REAL *x, REAL count, REAL *y)
{
    const ptrdiff_t C = w->C, row = w->row;
    if (C == 1 && w->step == 2 && w->n >= POOL_BLOCK)
        for (ptrdiff_t k = 0; k < w->n; k += POOL_BLOCK) {
            const ptrdiff_t first = k + POOL_BLOCK <= w->n ? k : w->n - POOL_BLOCK;
            TYPED(average_of)(size, POOL_BLOCK, 2, 1, row, x + 2 * first, count, y + first);
        }
    else if (C == 1)
        TYPED(average_of)(size, w->n, w->step, 1, row, x, count, y);
    else
        for (ptrdiff_t k = 0; k < w->n; k++, x += w->step, y += C)
            TYPED(average_of)(size, C, 1, C, row, x, count, y);
}

NOINLINE void TYPED(average_2x2)(const Windows *w, const REAL *x, REAL count, REAL *y)
{
    TYPED(average_of_size)(2, w, x, count, y);
}

NOINLINE void TYPED(average_3x3)(const Windows *w, const REAL *x, REAL count, REAL *y)
{
    TYPED(average_of_size)(3, w, x, count, y);
}

NOINLINE void TYPED(average_any)(const Windows *w, const REAL *x, REAL count, REAL *y)
{
    for (ptrdiff_t k = 0; k < w->n; k++, x += w->step, y += w->C)
        if (w->C == 1)
            TYPED(average_of_any)(w, 1, x, count, y);
        else
            TYPED(average_of_any)(w, w->C, x, count, y);
}

INLINE void TYPED(average_windows)(const Windows *w, const REAL *x, REAL count, REAL *y)
{
    if (w->rows == 2 && w->columns == 2)
        TYPED(average_2x2)(w, x, count, y);
    else if (w->rows == 3 && w->columns == 3)
        TYPED(average_3x3)(w, x, count, y);
    else
        TYPED(average_any)(w, x, count, y);
}

/* Undoes average_windows: dx = dy times the share of one pixel, 1 / count; or dx += that. */

INLINE void TYPED(average_back_2x2)(const int add, ptrdiff_t n, const int step, const REAL *restrict dy, REAL share,
                                    REAL *restrict dx_00, REAL *restrict dx_01, REAL *restrict dx_10,
                                    REAL *restrict dx_11)
{
    for (ptrdiff_t c = 0; c < n; c++) {
        const REAL d = dy[c] * share;
        dx_00[c * step] = add ? dx_00[c * step] + d : d;
        dx_01[c * step] = add ? dx_01[c * step] + d : d;
        dx_10[c * step] = add ? dx_10[c * step] + d : d;
        dx_11[c * step] = add ? dx_11[c * step] + d : d;
    }
}

INLINE void TYPED(average_back_of_vectors)(const int vectors, const Windows *w, const REAL *dy, REAL share, REAL *dx)
{
    TYPED(vector) d[POOL_VECTORS];
    UNROLL for (int v = 0; v < vectors; v++)
        d[v] = *(const TYPED(unaligned) *)(dy + v * LANES) * share;
    for (ptrdiff_t i = 0; i < w->rows; i++)
        for (ptrdiff_t j = 0; j < w->columns; j++)
            UNROLL for (int v = 0; v < vectors; v++)
                *(TYPED(unaligned) *)(dx + i * w->row + j * w->C + v * LANES) = d[v];
}

INLINE void TYPED(average_back_of_any)(const int add, const Windows *w, ptrdiff_t C, const REAL *restrict dy,
                                       REAL share, REAL *restrict dx)
{
    const ptrdiff_t rows = w->rows, columns = w->columns, row = w->row;
    ptrdiff_t first = 0;
    if (!add) { /* else a multiply-add rounds product and sum at once, as for the channels that are left */
        for (; first + POOL_VECTORS * LANES <= C; first += POOL_VECTORS * LANES)
            TYPED(average_back_of_vectors)(POOL_VECTORS, w, dy + first, share, dx + first);
        for (; first + LANES <= C; first += LANES)
            TYPED(average_back_of_vectors)(1, w, dy + first, share, dx + first);
    }
    for (ptrdiff_t i = 0; i < rows && first < C; i++)
        for (ptrdiff_t j = 0; j < columns; j++) {
            REAL *pixel = dx + i * row + j * C;
            for (ptrdiff_t c = first; c < C; c++) {
                const REAL d = dy[c] * share;
                pixel[c] = add ? pixel[c] + d : d;
            }
        }
}

INLINE void TYPED(average_back)(const int add, const Windows *w, const REAL *dy, REAL share, REAL *dx)
{
    const ptrdiff_t C = w->C, row = w->row;
    const int is_2x2 = w->rows == 2 && w->columns == 2;
    if (is_2x2 && C == 1 && w->step == 2 && !add) {
        TYPED(average_back_2x2)(add, w->n, 2, dy, share, dx, dx + 1, dx + row, dx + row + 1);
        return;
    }
    for (ptrdiff_t k = 0; k < w->n; k++, dy += C, dx += w->step)
        if (is_2x2 && C == 1)
            TYPED(average_back_2x2)(add, 1, 1, dy, share, dx, dx + 1, dx + row, dx + row + 1);
        else if (is_2x2)
            TYPED(average_back_2x2)(add, C, 1, dy, share, dx, dx + C, dx + row, dx + row + C);
        else if (C == 1)
            TYPED(average_back_of_any)(add, w, 1, dy, share, dx);
        else
            TYPED(average_back_of_any)(add, w, C, dy, share, dx);
}

NOINLINE void TYPED(average_windows_back)(int add, const Windows *w, const REAL *dy, REAL share, REAL *dx)
{
    if (add)
        TYPED(average_back)(1, w, dy, share, dx);
    else
        TYPED(average_back)(0, w, dy, share, dx);
}
