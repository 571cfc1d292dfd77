/* One window of a pool: loops over its channels, forward and backward.
 *
 *              columns                     The window's pixels, `row` numbers from one row to the next. Each has C
 *           +---+---+---+                  channels side by side, so that a pixel is a loop over numbers that lie in
 *           | C | C | C |                  one piece. A window at the border has as many rows and columns as lie on
 *     rows  +---+---+---+                  the image.
 *           | C | C | C |
 *           +---+---+---+                  Positions count from left to right, and from top to bottom in steps of
 *                                          `width`, the window's whole width. `position` is that of the first pixel.
 *
 * The loops are C for one word, `restrict`: one over 16 channels is a few instructions, and asking before it whether
 * the arrays overlap took longer than the loop. All is inlined, so that sizes can be constants: of C = 1 no loop is
 * left, and windows of 2 x 2 and 3 x 3, by far the most frequent, read and write each number once. Where there is one
 * channel, and windows of 2 x 2 lie side by side, the same loop runs over the windows: that is five times as fast.
 */
#ifndef NNLITE_POOL_H
#define NNLITE_POOL_H

#define POOL_CHANNELS 64 /* that are held on the stack, in the first-level cache, while a window is read */

/* Of a window: what lies on the image. */
typedef struct {
    ptrdiff_t rows, columns;
    ptrdiff_t row;           /* how far apart the rows of the image begin */
    int32_t position, width;
} Window;

/* Take v, at position p, in the place of the best: where it is larger, and where it is NaN, which so reaches y. */
#define POOL_TAKE(v, p)                                           \
    do {                                                          \
        const int better = (v > best) | (v != v);                 \
        best = better ? v : best;                                 \
        at = better ? p : at;                                     \
    } while (0)

#define max_window(window, C, x, y, index) BY_TYPE(y, max_window)(window, C, x, y, index)
#define max_windows(n, window, x, y, index) BY_TYPE(y, max_windows)(n, window, x, y, index)
#define max_window_back(add, window, C, dy, index, dx) BY_TYPE(dx, max_window_back)(add, window, C, dy, index, dx)
#define average_window(window, C, x, count, y) BY_TYPE(y, average_window)(window, C, x, count, y)
#define average_windows(n, window, x, count, y) BY_TYPE(y, average_windows)(n, window, x, count, y)
#define average_window_back(add, window, C, dy, share, dx) \
    BY_TYPE(dx, average_window_back)(add, window, C, dy, share, dx)

#endif

/* y = the largest number of every channel, and index = its position: of equal numbers the first, of NaNs the last. */

/* y[c] is that of the window whose first number is x[c * step], and whose columns are `column` numbers apart. */
INLINE void TYPED(max_of)(const int rows, const int columns, ptrdiff_t n, const int step, ptrdiff_t column,
                          const Window *window, const REAL *restrict x, REAL *restrict y, int32_t *restrict index)
{
    const ptrdiff_t row = window->row;
    const int32_t position = window->position, width = window->width;
    for (ptrdiff_t c = 0; c < n; c++) {
        REAL best = x[c * step];
        int32_t at = position;
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int w = 0; w < columns; w++) {
                const REAL v = x[c * step + r * row + w * column];
                POOL_TAKE(v, position + r * width + w);
            }
        y[c] = best;
        index[c] = at;
    }
}

INLINE void TYPED(max_of_any)(const Window *window, ptrdiff_t C, const REAL *restrict x, REAL *restrict y,
                              int32_t *restrict index)
{
    const ptrdiff_t rows = window->rows, columns = window->columns, row = window->row;
    const int32_t position = window->position, width = window->width;
    for (ptrdiff_t first = 0; first < C; first += POOL_CHANNELS) {
        const ptrdiff_t n = C - first < POOL_CHANNELS ? C - first : POOL_CHANNELS;
        REAL bests[POOL_CHANNELS];
        int32_t places[POOL_CHANNELS];
        for (ptrdiff_t c = 0; c < n; c++) {
            bests[c] = x[first + c];
            places[c] = position;
        }
        for (ptrdiff_t r = 0; r < rows; r++)
            for (ptrdiff_t w = 0; w < columns; w++) {
                const REAL *pixel = x + r * row + w * C + first;
                const int32_t p = position + (int32_t)(r * width + w);
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

INLINE void TYPED(max_window)(const Window *window, ptrdiff_t C, const REAL *x, REAL *y, int32_t *index)
{
    const ptrdiff_t rows = window->rows, columns = window->columns;
    if (rows == 2 && columns == 2 && C == 1)
        TYPED(max_of)(2, 2, 1, 1, 1, window, x, y, index);
    else if (rows == 2 && columns == 2)
        TYPED(max_of)(2, 2, C, 1, C, window, x, y, index);
    else if (rows == 3 && columns == 3 && C == 1)
        TYPED(max_of)(3, 3, 1, 1, 1, window, x, y, index);
    else if (rows == 3 && columns == 3)
        TYPED(max_of)(3, 3, C, 1, C, window, x, y, index);
    else if (C == 1)
        TYPED(max_of_any)(window, 1, x, y, index);
    else
        TYPED(max_of_any)(window, C, x, y, index);
}

/* The same for n windows of 2 x 2 in a row, side by side, on one channel. */
static inline void TYPED(max_windows)(ptrdiff_t n, const Window *window, const REAL *x, REAL *y, int32_t *index)
{
    TYPED(max_of)(2, 2, n, 2, 1, window, x, y, index);
}

/* Undoes max_window: dx = dy at the position of the largest number, else 0; or dx += that. */

INLINE void TYPED(max_back_2x2)(const int add, ptrdiff_t C, const REAL *restrict dy, const int32_t *restrict index,
                                int32_t position, int32_t width, REAL *restrict dx_00, REAL *restrict dx_01,
                                REAL *restrict dx_10, REAL *restrict dx_11)
{
    for (ptrdiff_t c = 0; c < C; c++) {
        const REAL d = dy[c];
        const int32_t at = index[c];
        const REAL d_00 = at == position ? d : 0, d_01 = at == position + 1 ? d : 0;
        const REAL d_10 = at == position + width ? d : 0, d_11 = at == position + width + 1 ? d : 0;
        dx_00[c] = add ? dx_00[c] + d_00 : d_00;
        dx_01[c] = add ? dx_01[c] + d_01 : d_01;
        dx_10[c] = add ? dx_10[c] + d_10 : d_10;
        dx_11[c] = add ? dx_11[c] + d_11 : d_11;
    }
}

INLINE void TYPED(max_back)(const int add, const Window *window, ptrdiff_t C, const REAL *restrict dy,
                            const int32_t *restrict index, REAL *restrict dx)
{
    const ptrdiff_t rows = window->rows, columns = window->columns, row = window->row;
    const int32_t position = window->position, width = window->width;
    if (rows == 2 && columns == 2) {
        TYPED(max_back_2x2)(add, C, dy, index, position, width, dx, dx + C, dx + row, dx + row + C);
        return;
    }
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t w = 0; w < columns; w++) {
            REAL *pixel = dx + r * row + w * C;
            const int32_t p = position + (int32_t)(r * width + w);
            for (ptrdiff_t c = 0; c < C; c++) {
                const REAL d = dy[c], d_p = index[c] == p ? d : 0;
                pixel[c] = add ? pixel[c] + d_p : d_p;
            }
        }
}

INLINE void TYPED(max_window_back)(int add, const Window *window, ptrdiff_t C, const REAL *dy, const int32_t *index,
                                   REAL *dx)
{
    if (add)
        TYPED(max_back)(1, window, C, dy, index, dx);
    else
        TYPED(max_back)(0, window, C, dy, index, dx);
}

/* y = the sum of every channel, divided by count. Each row is added up by itself: the error so grows with the rows and
 * columns of a window, not with its pixels. */

INLINE void TYPED(average_of)(const int rows, const int columns, ptrdiff_t n, const int step, ptrdiff_t column,
                              ptrdiff_t row, const REAL *restrict x, REAL count, REAL *restrict y)
{
    for (ptrdiff_t c = 0; c < n; c++) {
        REAL sum = 0;
        UNROLL for (int r = 0; r < rows; r++) {
            REAL part = 0;
            UNROLL for (int w = 0; w < columns; w++)
                part += x[c * step + r * row + w * column];
            sum += part;
        }
        y[c] = sum / count;
    }
}

INLINE void TYPED(average_of_any)(const Window *window, ptrdiff_t C, const REAL *restrict x, REAL count,
                                  REAL *restrict y)
{
    const ptrdiff_t rows = window->rows, columns = window->columns, row = window->row;
    for (ptrdiff_t first = 0; first < C; first += POOL_CHANNELS) {
        const ptrdiff_t n = C - first < POOL_CHANNELS ? C - first : POOL_CHANNELS;
        REAL sums[POOL_CHANNELS], parts[POOL_CHANNELS];
        for (ptrdiff_t c = 0; c < n; c++)
            sums[c] = 0;
        for (ptrdiff_t r = 0; r < rows; r++) {
            const REAL *pixel = x + r * row + first;
            for (ptrdiff_t c = 0; c < n; c++)
                parts[c] = 0;
            for (ptrdiff_t w = 0; w < columns; w++)
                for (ptrdiff_t c = 0; c < n; c++)
                    parts[c] += pixel[w * C + c];
            for (ptrdiff_t c = 0; c < n; c++)
                sums[c] += parts[c];
        }
        for (ptrdiff_t c = 0; c < n; c++)
            y[first + c] = sums[c] / count;
    }
}

INLINE void TYPED(average_window)(const Window *window, ptrdiff_t C, const REAL *x, REAL count, REAL *y)
{
    const ptrdiff_t rows = window->rows, columns = window->columns, row = window->row;
    if (rows == 2 && columns == 2 && C == 1)
        TYPED(average_of)(2, 2, 1, 1, 1, row, x, count, y);
    else if (rows == 2 && columns == 2)
        TYPED(average_of)(2, 2, C, 1, C, row, x, count, y);
    else if (rows == 3 && columns == 3 && C == 1)
        TYPED(average_of)(3, 3, 1, 1, 1, row, x, count, y);
    else if (rows == 3 && columns == 3)
        TYPED(average_of)(3, 3, C, 1, C, row, x, count, y);
    else if (C == 1)
        TYPED(average_of_any)(window, 1, x, count, y);
    else
        TYPED(average_of_any)(window, C, x, count, y);
}

/* The same for n windows of 2 x 2 in a row, side by side, on one channel. */
static inline void TYPED(average_windows)(ptrdiff_t n, const Window *window, const REAL *x, REAL count, REAL *y)
{
    TYPED(average_of)(2, 2, n, 2, 1, window->row, x, count, y);
}

/* Undoes average_window: dx = dy times the share of one pixel, 1 / count; or dx += that. */

INLINE void TYPED(average_back_2x2)(const int add, ptrdiff_t C, const REAL *restrict dy, REAL share,
                                    REAL *restrict dx_00, REAL *restrict dx_01, REAL *restrict dx_10,
                                    REAL *restrict dx_11)
{
    for (ptrdiff_t c = 0; c < C; c++) {
        const REAL d = dy[c] * share;
        dx_00[c] = add ? dx_00[c] + d : d;
        dx_01[c] = add ? dx_01[c] + d : d;
        dx_10[c] = add ? dx_10[c] + d : d;
        dx_11[c] = add ? dx_11[c] + d : d;
    }
}

INLINE void TYPED(average_back)(const int add, const Window *window, ptrdiff_t C, const REAL *restrict dy, REAL share,
                                REAL *restrict dx)
{
    const ptrdiff_t rows = window->rows, columns = window->columns, row = window->row;
    if (rows == 2 && columns == 2) {
        TYPED(average_back_2x2)(add, C, dy, share, dx, dx + C, dx + row, dx + row + C);
        return;
    }
    for (ptrdiff_t r = 0; r < rows; r++)
        for (ptrdiff_t w = 0; w < columns; w++) {
            REAL *pixel = dx + r * row + w * C;
            for (ptrdiff_t c = 0; c < C; c++) {
                const REAL d = dy[c] * share;
                pixel[c] = add ? pixel[c] + d : d;
            }
        }
}

INLINE void TYPED(average_window_back)(int add, const Window *window, ptrdiff_t C, const REAL *dy, REAL share, REAL *dx)
{
    if (add && C == 1)
        TYPED(average_back)(1, window, 1, dy, share, dx);
    else if (add)
        TYPED(average_back)(1, window, C, dy, share, dx);
    else if (C == 1)
        TYPED(average_back)(0, window, 1, dy, share, dx);
    else
        TYPED(average_back)(0, window, C, dy, share, dx);
}
