/* Convolution in small groups, channel by channel: the innermost loops of depthwise.pxd.
 *
 *        a group of 4 in a vector              A vector holds neighbouring channels of x, as they lie in memory, of
 *    x   | 0 1 2 3 | 4 5 6 7 | ...             several groups. The tile of tile.h would multiply each number of x by a
 *        x w_0                                 vector of filters, but a group has too few to fill one.
 *    s_0 | 0 1 2 3 |                           Here channel d of x is multiplied by its weight for filter d ^ r of the
 *        x w_1                                 group, for each r: s_0, s_1, ... are sums that wait in the wrong place.
 *    s_1 | 1 0 3 2 |       y = s_0             They stay in registers while all taps pass. Only then is each moved to
 *        x w_2               + swap(s_1, 1)    its place, by an exchange with the neighbour r places away. So there is
 *    s_2 | 2 3 0 1 |         + swap(s_2, 2)    one load of x for all filters of its group, and nothing is moved in the
 *        x w_3               + swap(s_3, 3)    loop. Depthwise, a group is one channel, and nothing is moved at all.
 *    s_3 | 3 2 1 0 |
 *
 * A register tile is a few pixels side by side, so that weights are loaded once for all of them. In backward the roles
 * change: the sums of a few taps stay in registers while the pixels of a piece of the image pass, and dy is exchanged
 * instead, once for all taps.
 *
 * Weights, and in backward their sums, are in panels, one for each vector of channels: a row for the bias, and for each
 * tap the rows w_0, w_1, ... . The last vector ends with the last channel and may overlap the one before: what is
 * computed twice is the same. Fewer channels than fill half a vector are computed one by one.
 */
#ifndef NNLITE_DEPTHWISE_H
#define NNLITE_DEPTHWISE_H

#define GROUP_SUMS (TILE_ROWS * TILE_VECTORS) /* in registers, as many as in the tile of tile.h */
#define SMALL_GROUP 8                         /* channels of a group, at most */
#define LONG_ROW 5                            /* taps, at most, for which an x is loaded once, */
#define LONG_ROW_PIXELS 8                     /* for so many pixels: with ten GCC 12 spills, which takes 1.6 times */

typedef struct {
    int group;                   /* channels of a group: 1, 2, 4 or 8 */
    ptrdiff_t channels;          /* of all groups, C */
    ptrdiff_t taps, line;        /* in a window, and in a row of it */
    ptrdiff_t first, rows, cols; /* the rows x cols taps from the first on lie on the image, for all pixels of a call */
    ptrdiff_t x_row, x_col;      /* from a tap to the next, down and along */
    ptrdiff_t x_line, x_pixel;   /* from a pixel's window to that of the next, down and along, */
    ptrdiff_t y_line, y_pixel;   /* and from a pixel of y to the next */
    ptrdiff_t x_ahead;           /* from a pixel to what is fetched then; 0 where all of x is in a cache */
} Groups;

/* Some rows of pixels, and the taps whose sums are taken over them. */
typedef struct {
    ptrdiff_t lines, pixels;
    ptrdiff_t x_at[TILE_ROWS], w_at[TILE_ROWS]; /* where a tap begins in x, and its sums in a panel */
    ptrdiff_t x_ahead, y_ahead;                 /* from a pixel to what is fetched then, or 0 */
    int bias;                                   /* whether the sum of dy is taken, too */
} Piece;

#define vector_channels(channels, dtype) BY_TYPE(dtype, vector_channels)(channels)
#define group_pixels(t, pixels, x, panels, y) BY_TYPE(y, group_pixels)(t, pixels, x, panels, y)
#define group_gradients(t, lines, pixels, x, dy, panels) \
    BY_TYPE(panels, group_gradients)(t, lines, pixels, x, dy, panels)

/* How many pixels or taps have their sums in registers. */
static inline ptrdiff_t group_tile_height(int group)
{
    return GROUP_SUMS / group < TILE_ROWS ? GROUP_SUMS / group : TILE_ROWS;
}

/* F of constant sizes. The cases that there are no registers or lanes for are empty. */
#define GROUP_CASE(F, D, N, ...)                                                \
    case N:                                                                     \
        if (N <= TILE_ROWS && N * D <= GROUP_SUMS && D * sizeof(REAL) <= BYTES) \
            TYPED(F)(D, N, __VA_ARGS__);                                        \
        break;
#define GROUP_CASES(F, D, n, ...)                                                                              \
    case D:                                                                                                    \
        switch (n) {                                                                                           \
            GROUP_CASE(F, D, 0, __VA_ARGS__) GROUP_CASE(F, D, 1, __VA_ARGS__) GROUP_CASE(F, D, 2, __VA_ARGS__) \
            GROUP_CASE(F, D, 3, __VA_ARGS__) GROUP_CASE(F, D, 4, __VA_ARGS__) GROUP_CASE(F, D, 5, __VA_ARGS__) \
            GROUP_CASE(F, D, 6, __VA_ARGS__) GROUP_CASE(F, D, 7, __VA_ARGS__) GROUP_CASE(F, D, 8, __VA_ARGS__) \
            GROUP_CASE(F, D, 9, __VA_ARGS__) GROUP_CASE(F, D, 10, __VA_ARGS__)                                 \
        }                                                                                                      \
        break;
#define GROUP_CALL(F, D, n, ...)                                                                              \
    switch (D) {                                                                                              \
        GROUP_CASES(F, 1, n, __VA_ARGS__) GROUP_CASES(F, 2, n, __VA_ARGS__) GROUP_CASES(F, 4, n, __VA_ARGS__) \
        GROUP_CASES(F, 8, n, __VA_ARGS__)                                                                     \
    }

/* The indices of a vector's numbers after an exchange with the one s places away. */
#define SWAPPED_2(s) 0 ^ s, 1 ^ s
#define SWAPPED_4(s) SWAPPED_2(s), 2 ^ s, 3 ^ s
#define SWAPPED_8(s) SWAPPED_4(s), 4 ^ s, 5 ^ s, 6 ^ s, 7 ^ s
#define SWAPPED_16(s) SWAPPED_8(s), 8 ^ s, 9 ^ s, 10 ^ s, 11 ^ s, 12 ^ s, 13 ^ s, 14 ^ s, 15 ^ s

#endif

#if BYTES == PICK(4, 8) /* one number */
typedef REAL TYPED(vector);
typedef REAL TYPED(unaligned);
INLINE REAL TYPED(swap)(REAL v, const int s) { (void)s; return v; }
#else
#if BYTES == 16 * PICK(4, 8)
#define SWAPPED SWAPPED_16
#elif BYTES == 8 * PICK(4, 8)
#define SWAPPED SWAPPED_8
#elif BYTES == 4 * PICK(4, 8)
#define SWAPPED SWAPPED_4
#else
#define SWAPPED SWAPPED_2
#endif
INLINE TYPED(vector) TYPED(swap)(TYPED(vector) v, const int s)
{
#if BYTES >= 8 * PICK(4, 8)
    if (s == 4)
        return SHUFFLE(v, v, SWAPPED(4));
#endif
#if BYTES >= 4 * PICK(4, 8)
    if (s == 2)
        return SHUFFLE(v, v, SWAPPED(2));
#endif
    (void)s;
    return SHUFFLE(v, v, SWAPPED(1));
}
#undef SWAPPED
#endif

/* y = bias + sum over taps of x w, for n pixels and all channels. K > 0: rows have K taps, and a tap is as far from the
 * next as a pixel, so that each x is loaded once for all taps of a row; only depthwise, as it takes K registers. */
INLINE void TYPED(group_tile_of)(const int D, const int n, const int K, const Groups *t, const REAL *x_0,
                                 const REAL *panels, REAL *y_0)
{
    enum { lanes = BYTES / sizeof(REAL) };
    const ptrdiff_t rows = t->rows, cols = t->cols, x_row = t->x_row, x_col = t->x_col, x_pixel = t->x_pixel;
    const ptrdiff_t x_next = x_row - cols * x_col, w_row = t->line * D * lanes, w_next = w_row - cols * D * lanes;
    const ptrdiff_t panel = (1 + t->taps * D) * lanes, first = (1 + t->first * D) * lanes, y_pixel = t->y_pixel;
    const ptrdiff_t channels = t->channels, last = channels - lanes, ahead = t->x_ahead;
    for (ptrdiff_t v = 0; v < channels; v += lanes, panels += panel) {
        const ptrdiff_t c = v < last ? v : last;
        const REAL *x = x_0 + c, *w = panels + first;
        REAL *y = y_0 + c;
        TYPED(vector) sum[TILE_ROWS][SMALL_GROUP];
        UNROLL for (int p = 0; p < n; p++)
            UNROLL for (int r = 0; r < D; r++)
                if (r == 0)
                    sum[p][r] = *(const TYPED(unaligned) *)panels;
                else
                    sum[p][r] = (TYPED(vector)){0};
        if (K)
            for (ptrdiff_t i = rows; i > 0; i--, x += x_row, w += w_row) {
                TYPED(vector) w_j[LONG_ROW];
                UNROLL for (int j = 0; j < K; j++)
                    w_j[j] = *(const TYPED(unaligned) *)(w + j * lanes);
                UNROLL for (int p = 0; p < n + K - 1; p++) {
                    TYPED(vector) x_p = *(const TYPED(unaligned) *)(x + p * x_pixel);
                    IN_REGISTER(x_p);
                    UNROLL for (int j = 0; j < K; j++)
                        if (j <= p && p - j < n)
                            sum[p - j][0] += x_p * w_j[j];
                }
            }
        else /* one loop over all rows, as in tile.h */
            for (ptrdiff_t k = rows * cols, left = cols; k > 0; k--, w += D * lanes) {
                TYPED(vector) w_r[SMALL_GROUP];
                UNROLL for (int r = 0; r < D; r++)
                    w_r[r] = *(const TYPED(unaligned) *)(w + r * lanes);
                UNROLL for (int p = 0; p < n; p++) {
                    TYPED(vector) x_p = *(const TYPED(unaligned) *)(x + p * x_pixel);
                    if (D > 1)
                        IN_REGISTER(x_p);
                    UNROLL for (int r = 0; r < D; r++)
                        sum[p][r] += x_p * w_r[r];
                }
                x += x_col;
                left--;
                const REAL *next_row = x + x_next, *w_next_row = w + w_next;
                x = left ? x : next_row;
                w = left ? w : w_next_row;
                left = left ? left : cols;
            }
        if (ahead)
            UNROLL for (int p = 0; p < n; p++)
                __builtin_prefetch(x_0 + c + ahead + p * x_pixel);
        UNROLL for (int p = 0; p < n; p++) {
            UNROLL for (int r = D - 1; r > 0; r--)
                sum[p][r & (r - 1)] += TYPED(swap)(sum[p][r], r & -r);
            *(TYPED(unaligned) *)(y + p * y_pixel) = sum[p][0];
        }
    }
}

/* For n taps, the sums over a piece's pixels of x dy, and those of dy; all are added to what is there. K > 0: as above,
 * a pixel has all but one x of each row in common with the one before. */
INLINE void TYPED(group_sums_of)(const int D, const int n, const int K, const Groups *t, const Piece *piece,
                                 const REAL *x_0, const REAL *dy_0, REAL *panels)
{
    enum { lanes = BYTES / sizeof(REAL) };
    const ptrdiff_t lines = piece->lines, pixels = piece->pixels, x_pixel = t->x_pixel, y_pixel = t->y_pixel;
    const ptrdiff_t x_next = t->x_line - pixels * x_pixel, y_next = t->y_line - pixels * y_pixel;
    const ptrdiff_t panel = (1 + t->taps * D) * lanes, channels = t->channels, last = channels - lanes;
    const ptrdiff_t x_ahead = piece->x_ahead, y_ahead = piece->y_ahead;
    for (ptrdiff_t v = 0; v < channels; v += lanes, panels += panel) {
        const ptrdiff_t c = v < last ? v : last;
        const REAL *x = x_0 + c, *dy = dy_0 + c;
        TYPED(vector) sum[TILE_ROWS][SMALL_GROUP], x_m[TILE_ROWS], total = {0};
        UNROLL for (int m = 0; m < n; m++)
            UNROLL for (int r = 0; r < D; r++)
                sum[m][r] = *(const TYPED(unaligned) *)(panels + piece->w_at[m] + r * lanes);
        for (ptrdiff_t i = 0; i < lines; i++, x += x_next, dy += y_next) {
            if (K)
                UNROLL for (int m = 0; m < n; m++)
                    if (m % K)
                        x_m[m] = *(const TYPED(unaligned) *)(x + piece->x_at[m] - x_pixel);
            for (ptrdiff_t j = 0; j < pixels; j++, x += x_pixel, dy += y_pixel) {
                TYPED(vector) d[SMALL_GROUP];
                d[0] = *(const TYPED(unaligned) *)dy;
                total += d[0];
                UNROLL for (int r = 1; r < D; r++)
                    d[r] = TYPED(swap)(d[r & (r - 1)], r & -r);
                if (K) /* a loop of its own, or Clang unrolls neither */
                    UNROLL for (int m = 0; m < n - 1; m++)
                        if (m % K < K - 1)
                            x_m[m] = x_m[m + 1];
                UNROLL for (int m = 0; m < n; m++) {
                    if (!K || m % K == K - 1)
                        x_m[m] = *(const TYPED(unaligned) *)(x + piece->x_at[m]);
                    if (D > 1)
                        IN_REGISTER(x_m[m]);
                    UNROLL for (int r = 0; r < D; r++)
                        sum[m][r] += x_m[m] * d[r];
                }
                if (x_ahead) {
                    __builtin_prefetch(x + x_ahead);
                    __builtin_prefetch(dy + y_ahead);
                }
            }
        }
        if (piece->bias)
            *(TYPED(unaligned) *)panels += total;
        UNROLL for (int m = 0; m < n; m++)
            UNROLL for (int r = 0; r < D; r++)
                *(TYPED(unaligned) *)(panels + piece->w_at[m] + r * lanes) = sum[m][r];
    }
}

/* The same with K as it is for these taps. */
INLINE void TYPED(group_tile)(const int D, const int n, const Groups *t, const REAL *x, const REAL *panels, REAL *y)
{
    const ptrdiff_t K = D == 1 && n > 1 && t->x_col == t->x_pixel ? t->cols : 0;
    if (K == 3)
        TYPED(group_tile_of)(D, n, 3, t, x, panels, y);
    else if (K == LONG_ROW && n <= LONG_ROW_PIXELS)
        TYPED(group_tile_of)(D, n, LONG_ROW, t, x, panels, y);
    else
        TYPED(group_tile_of)(D, n, 0, t, x, panels, y);
}

INLINE void TYPED(group_sums)(const int D, const int n, const Groups *t, const Piece *piece, const REAL *x,
                              const REAL *dy, REAL *panels)
{
    const ptrdiff_t K = D == 1 && n > 0 && t->x_col == t->x_pixel ? t->cols : 0;
    if (K == 3 && n % 3 == 0)
        TYPED(group_sums_of)(D, n, 3, t, piece, x, dy, panels);
    else if (K == LONG_ROW && n % LONG_ROW == 0)
        TYPED(group_sums_of)(D, n, LONG_ROW, t, piece, x, dy, panels);
    else
        TYPED(group_sums_of)(D, n, 0, t, piece, x, dy, panels);
}

/* `pixels` pixels of y, all channels; the window of the first begins at x. */
SHARED void TYPED(group_row)(const Groups *t, ptrdiff_t pixels, const REAL *x, const REAL *panels, REAL *y)
{
    const int long_row = t->group == 1 && t->cols == LONG_ROW && TILE_ROWS > LONG_ROW_PIXELS;
    const ptrdiff_t height = long_row ? LONG_ROW_PIXELS : group_tile_height(t->group);
    for (ptrdiff_t n; pixels > 0; pixels -= n, x += n * t->x_pixel, y += n * t->y_pixel) {
        n = pixels >= 2 * height ? height : pixels > height ? (pixels + 1) / 2 : pixels;
        GROUP_CALL(group_tile, t->group, n, t, x, panels, y)
    }
}

SHARED void TYPED(group_piece)(int n, const Groups *t, const Piece *piece, const REAL *x, const REAL *dy, REAL *panels)
{
    GROUP_CALL(group_sums, t->group, n, t, piece, x, dy, panels)
}

#ifdef HALF

#define EACH_WIDTH(lanes, F, ...)                \
    if (lanes == LANES)                          \
        TYPED(F)(__VA_ARGS__);                   \
    else if (lanes == HALF_LANES)                \
        HALF(F)(__VA_ARGS__);                    \
    else                                         \
        ONE(F)(__VA_ARGS__);

/* How many channels are computed side by side: a vector, half of one, or one. */
static inline int TYPED(vector_channels)(ptrdiff_t channels)
{
    return channels >= LANES ? LANES : channels >= HALF_LANES ? HALF_LANES : 1;
}

SHARED void TYPED(group_pixels)(const Groups *t, ptrdiff_t pixels, const REAL *x, const REAL *panels, REAL *y)
{
    EACH_WIDTH(TYPED(vector_channels)(t->channels), group_row, t, pixels, x, panels, y)
}

/* What `lines` rows of `pixels` pixels add to the sums in the panels: for as many taps at a time as fit the registers,
 * whole rows of them where x is loaded once for a row. */
SHARED void TYPED(group_gradients)(const Groups *t, ptrdiff_t lines, ptrdiff_t pixels, const REAL *x, const REAL *dy,
                                   REAL *panels)
{
    const int D = t->group, lanes = TYPED(vector_channels)(t->channels);
    const ptrdiff_t taps = t->rows * t->cols, height = group_tile_height(D);
    const ptrdiff_t most = t->cols && t->cols <= height ? height / t->cols * t->cols : height;
    ptrdiff_t i = 0, j = 0, done = 0;
    Piece piece = {.lines = lines, .pixels = pixels, .bias = 1};
    if (t->x_ahead) {
        piece.x_ahead = (t->rows - 1) * t->x_row + lines * t->x_line;
        piece.y_ahead = lines * t->y_line;
    }
    do {
        const ptrdiff_t n = taps - done < most ? taps - done : most;
        for (ptrdiff_t m = 0; m < n; m++) {
            piece.x_at[m] = i * t->x_row + j * t->x_col;
            piece.w_at[m] = (1 + (t->first + i * t->line + j) * D) * lanes;
            if (++j == t->cols)
                i++, j = 0;
        }
        EACH_WIDTH(lanes, group_piece, (int)n, t, &piece, x, dy, panels)
        piece.bias = 0;
        piece.x_ahead = 0;
        done += n;
    } while (done < taps);
}

#undef EACH_WIDTH
#endif
