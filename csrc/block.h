/* The blocked product: C = A B on one thread, from register tiles and what keeps them fed.
 *
 *                             cols                 for each piece of the depth, PANEL_DEPTH long:
 *                    +-------+-------+-----            copy the piece of A, where that pays
 *           piece    | panel | panel | ...  B          for each panel of B:
 *                    +-------+-------+-----                pack its piece, with those of the next few
 *            +-----+ +-------+-------+-----                for each tile:
 *            |tile | |       |       |                         fetch the next C
 *            +-----+ |   C   |       |                         C += A B, in registers
 *    rows  A |tile | |       |       |
 *            +-----+ |       |       |       The piece of a panel stays in the first-level cache while the tiles of all
 *            | ... | |       |       |       rows pass over it, and the piece of A, of at most BLOCK_ROWS rows, in the
 *                                            second-level cache meanwhile. Between two pieces a sum waits in C, which
 *                                            does not change it.
 *
 * All tiles have about the same height: a low one at the end would have too few sums to keep the multiply units busy.
 *
 * Recurrent weights that no near cache holds are packed once for all steps. While tiles compute with a panel, each
 * fetches its part of the next one (LSTM(512) in inference on an Intel: 0.90 of the time; both passes 0.91 to 0.98, of
 * 1024 units 0.87 to 0.97).
 *
 * A is read in place, but for two cases. Columns (A = x') are copied tile by tile, so that a tile reads on and on. Rows
 * that begin a multiple of COLLIDING bytes apart are copied to rows that do not: a cache has few places for such rows.
 */
#ifndef NNLITE_BLOCK_H
#define NNLITE_BLOCK_H

/* A second-level cache of more than a megabyte (Intel) takes longer to answer: A is copied for fewer panels, and of its
 * copy no more than is found there in spite of C passing through (512 x 512 x 512 0.82 of the time, 1024 units 0.9). */
#define SLOW_L2 (L2_BYTES > 1 << 20)
#define COLLIDING 2048
#define FEW_PANELS (SLOW_L2 ? 4 : 16) /* for so few, a copy of A does not pay, */
#define FEW_NUMBERS 64                /* nor for sums of fewer numbers */
#define TOGETHER 4     /* panels packed at a time: longer pieces of B are read twice as fast from a distant cache */
#define PACK_ROWS 16   /* rows of B packed into all these panels before the next rows */
#define COPY_ROW (PANEL_DEPTH + LANES)
#define COPY_BYTES (SLOW_L2 ? 640 << 10 : L2_BYTES / 4 * 3)
#define BLOCK_ROWS ((ptrdiff_t)(COPY_BYTES / sizeof(REAL) / COPY_ROW / TILE_ROWS * TILE_ROWS))
#define PACKED ((Strides){0, 0}) /* where B is in panels already, which no near cache holds */

#define block_rows(dtype) BY_TYPE(dtype, block_rows)()
#define pack_panels(depth, cols, b, at, panels, panel_depth) \
    BY_TYPE(panels, pack_panels)(depth, cols, b, at, panels, panel_depth, tile_width(PTRDIFF_MAX, panels))
#define block_product(rows, depth, cols, a, a_at, b, b_at, start, c, c_row) \
    BY_TYPE(c, block_product)(rows, depth, cols, a, a_at, b, b_at, start, c, c_row)
#define pixel_products(rows, depth, cols, a, panel, c, stream) \
    BY_TYPE(c, pixel_products)(rows, depth, cols, a, panel, c, stream)

/* One for each thread, and not on its stack, of which some systems give a thread little. */
static __attribute__((unused)) _Thread_local _Alignas(VECTOR_BYTES) char left_copy[COPY_BYTES];
static __attribute__((unused)) _Thread_local _Alignas(VECTOR_BYTES)
    char panel_copy[TOGETHER * PANEL_DEPTH * TILE_VECTORS * VECTOR_BYTES];

static inline ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

#endif

_Static_assert(BLOCK_ROWS > 0, "L2_BYTES: expected more, to hold a block of rows");
static inline ptrdiff_t TYPED(block_rows)(void) { return BLOCK_ROWS; }

/* Pack all columns of B into panels of `width`, each of which has room for panel_depth rows, in the order of memory. */
SHARED void TYPED(pack_panels)(ptrdiff_t depth, ptrdiff_t cols, const REAL *b, Strides at, REAL *panels,
                               ptrdiff_t panel_depth, int width)
{
    const ptrdiff_t chunk = at.row == 1 ? depth : PACK_ROWS;
    for (ptrdiff_t k = 0; k < depth; k += chunk)
        for (ptrdiff_t j = 0; j < cols; j += width)
            TYPED(pack_panel)(least(chunk, depth - k), cols - j, b + k * at.row + j * at.col, at,
                              panels + j * panel_depth + k * width, width);
}

/* Copy A: row by row, COPY_ROW apart; or tile by tile, where it lies in columns, AT_ONCE columns at a time. */
SHARED void TYPED(copy_left)(ptrdiff_t rows, ptrdiff_t depth, const REAL *a, Strides at, REAL *copy)
{
    enum { AT_ONCE = 8, LINE = VECTOR_BYTES / sizeof(REAL), WHOLE = TILE_ROWS < LINE ? LINE : TILE_ROWS };
    const ptrdiff_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
    for (ptrdiff_t i = 0; at.col == 1 && i < rows; i++)
        memcpy(copy + i * COPY_ROW, a + i * at.row, (size_t)depth * sizeof(REAL));
    for (ptrdiff_t k = 0; at.col != 1 && k < depth; k += AT_ONCE)
        for (ptrdiff_t n = 0; n < tiles; n++) {
            const ptrdiff_t i = rows * n / tiles, end = least(k + AT_ONCE, depth);
            REAL *to = copy + n * TILE_ROWS * COPY_ROW;
            for (ptrdiff_t d = k; d < end; d++)
                if (i + WHOLE <= rows) /* whole vectors: the next copy overwrites what is too much */
                    memcpy(to + d * TILE_ROWS, a + i + d * at.col, WHOLE * sizeof(REAL));
                else
                    for (ptrdiff_t r = 0; r < TILE_ROWS && i + r < rows; r++)
                        to[d * TILE_ROWS + r] = a[i + r + d * at.col];
        }
}

/* C = start + A B for at most BLOCK_ROWS rows; a_at.row or a_at.col is 1. The sums begin at C itself where `start` is
 * C, at a row that is the same for all rows, or at zero where it is NULL. Where `start` is APART, or A is a transpose, as
 * for the gradients of weights, and the sums are deep, each panel's sum begins at zero and is then added to C (rows.pxd
 * says why). */
SHARED void TYPED(block_product)(ptrdiff_t rows, ptrdiff_t depth, ptrdiff_t cols, const REAL *a, Strides a_at,
                                 const REAL *b, Strides b_at, const REAL *start, REAL *c, ptrdiff_t c_row)
{
    REAL *const copy = (REAL *)left_copy, *const panels = (REAL *)panel_copy, start_j[WIDE_WIDTH];
    const int packed = b_at.row == 0, in_columns = a_at.col != 1, far = rows * cols * sizeof(REAL) > L2_BYTES;
    const int in_place = rows <= TILE_ROWS && b_at.col == 1; /* a number of B is met once */
    const int copied = rows > TILE_ROWS && cols > FEW_PANELS * PANEL_WIDTH && depth >= FEW_NUMBERS &&
                       (in_columns || a_at.row * sizeof(REAL) % COLLIDING == 0);
    const int wide = WIDE_ROWS && !packed && cols > PANEL_WIDTH && cols <= WIDE_WIDTH &&
                     least(rows, depth) >= FEW_NUMBERS; /* one panel instead of two */
    const int width = wide ? WIDE_WIDTH : packed ? PANEL_WIDTH : TYPED(tile_width)(cols);
    const ptrdiff_t group = (in_place ? 1 : TOGETHER) * width, height = wide ? WIDE_ROWS : TYPED(tile_height)(width);
    const ptrdiff_t tiles = (rows + height - 1) / height;
    const int deep = a_at.row == 1 && depth >= DEEP;
    Tile t = {.runs = 1, .a_row = a_at.row, .a_depth = a_at.col, .c_row = c_row};
    t.ahead_step = width * (ptrdiff_t)sizeof(REAL) / tiles; /* each tile fetches a part of the next panel */
    if (copied) {
        t.a_row = in_columns ? 1 : COPY_ROW;
        t.a_depth = in_columns ? TILE_ROWS : 1;
    }
    for (ptrdiff_t k = 0; k < depth; k += PANEL_DEPTH) {
        const int apart = start == APART || (deep && k > 0);
        t.depth = least(depth - k, PANEL_DEPTH);
        if (copied)
            TYPED(copy_left)(rows, t.depth, a + k * a_at.col, a_at, copy);
        for (ptrdiff_t j = 0; j < cols; j += width) {
            const REAL *panel = packed ? b + j * depth + k * width : b + k * b_at.row + j * b_at.col;
            t.cols = (int)least(cols - j, width);
            t.b_row = width;
            if (in_place && TYPED(tile_width)(t.cols) == t.cols)
                t.b_row = b_at.row;
            else if (!packed) {
                if (j % group == 0)
                    TYPED(pack_panels)(t.depth, least(cols - j, group), panel, b_at, panels, t.depth, width);
                panel = panels + j % group * t.depth;
            }
            t.start_row = k > 0 || start == c ? c_row : 0;
            if (start && !apart && !t.start_row)
                memcpy(start_j, start + j, (size_t)t.cols * sizeof(REAL));
            const ptrdiff_t next_j = j + width < cols ? j + width : 0; /* after the last one, the first */
            const ptrdiff_t next_k = next_j ? k : k + PANEL_DEPTH < depth ? k + PANEL_DEPTH : 0;
            for (ptrdiff_t n = 0; n < tiles; n++) {
                const ptrdiff_t i = rows * n / tiles, end = rows * (n + 1) / tiles;
                const REAL *a_i = a + i * a_at.row + k * a_at.col;
                REAL *c_i = c + i * c_row + j;
                if (copied)
                    a_i = copy + (in_columns ? n * TILE_ROWS : i) * COPY_ROW;
                for (ptrdiff_t next = end; far && next < least(2 * end - i, rows); next++)
                    prefetch(c + next * c_row + j, width * sizeof(REAL));
                t.rows = (int)(end - i);
                const REAL *from = apart ? APART : t.start_row ? c_i : start ? start_j : NULL;
                if (packed) {
                    t.ahead = (const char *)(b + next_j * depth + next_k * width) + n * t.depth * t.ahead_step;
                    TYPED(tile_ahead)(&t, a_i, panel, from, c_i);
                } else
                    TYPED(tile)(&t, a_i, panel, from, c_i);
            }
        }
    }
}

/* The same for rows of memory met once: windows of 1 x 1. Each panel of B lies after the row that its sums start from.
 * A panel passes over as many tiles as the second-level cache holds, before the next: of two that do not fit the
 * first-level cache together each would be read again for every tile (256 to 64 channels: 0.88 of the time). Meanwhile
 * as many rows that follow are fetched. */
SHARED void TYPED(pixel_products)(ptrdiff_t rows, ptrdiff_t depth, ptrdiff_t cols, const REAL *a, const REAL *panels,
                                  REAL *c, int stream)
{
    _Alignas(VECTOR_BYTES) REAL near[TILE_ROWS * PANEL_WIDTH];
    const ptrdiff_t height = TYPED(tile_height)(cols), tiles = (rows + height - 1) / height;
    const ptrdiff_t row_bytes = depth * (ptrdiff_t)sizeof(REAL);
    const ptrdiff_t group = L2_BYTES / 4 / (height * (row_bytes + cols * (ptrdiff_t)sizeof(REAL))) + 1;
    Tile t = {.runs = 1, .depth = depth, .a_row = depth, .a_depth = 1, .c_row = cols};
    for (ptrdiff_t first = 0; first < tiles; first += group) {
        const REAL *panel = panels;
        for (ptrdiff_t j = 0; j < cols; j += t.cols, panel += (1 + depth) * t.b_row) {
            t.b_row = TYPED(tile_width)(cols - j);
            t.cols = (int)least(cols - j, t.b_row);
            for (ptrdiff_t n = first; n < least(first + group, tiles); n++) {
                const ptrdiff_t i = rows * n / tiles, end = rows * (n + 1) / tiles;
                if (j == 0)
                    prefetch(a + rows * (n + group) / tiles * depth, (end - i) * row_bytes);
                t.rows = (int)(end - i);
                t.c_row = stream ? PANEL_WIDTH : cols;
                TYPED(tile)(&t, a + i * depth, panel + t.b_row, panel, stream ? near : c + i * cols + j);
                for (int m = 0; stream && m < t.rows; m++)
                    for (int v = 0; v < t.cols; v += LANES)
                        STREAM(c + (i + m) * cols + j + v, *(const TYPED(vector) *)(near + m * PANEL_WIDTH + v));
            }
        }
    }
    if (stream)
        STREAM_END();
}
