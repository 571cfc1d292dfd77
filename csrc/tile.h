/* The register tile: the innermost loop of every dense product, and the packing that feeds it.
 *
 *        panel of B (packed)                 A is `rows` x depth, its numbers at a[i * a_row + k * a_depth]
 *        +-----------+ k = 0                 B is packed: for each k the panel's columns side by side, so
 *        |  vectors  | k = 1                     that the loop reads it from front to back
 *        |           | ...                   C is `rows` x cols, its numbers at c[i * c_row + j]
 *     k  +-----------+ k = depth - 1
 *   +---+-----------+
 *   | A |  C: sums   |   For each k: load the panel's row (TILE_VECTORS vectors), and for each row of A multiply
 *   |   |  in        |   it by one number and add. The sums stay in registers from the first k to the last.
 *   +---+  registers |
 *       +-----------+
 *
 * The sums stay in registers only when the compiler knows the tile's size. So `tile_of` is written once with the
 * size as arguments, and `tile` calls it with constants: one instance for every height and width, tails included.
 * Each sum adds its products in the order of k in every instance: how a matrix is cut into tiles never changes
 * a bit of the result.
 *
 * This file includes itself twice, once with REAL = float (names end in _f32) and once with REAL = double (_f64).
 */
#ifndef REAL
#ifndef NNLITE_TILE_H
#define NNLITE_TILE_H

#include <stddef.h>
#include <string.h>
#include "host.h"

#define JOIN_(name, suffix) name##suffix
#define JOIN(name, suffix) JOIN_(name, suffix)
#define TYPED(name) JOIN(name, SUFFIX)
#define LANES ((int)(VECTOR_BYTES / sizeof(REAL)))
#define PANEL_WIDTH (TILE_VECTORS * LANES)
#define UNROLL _Pragma("GCC unroll 12")

#define REAL float
#define SUFFIX _f32
#include "tile.h"
#undef REAL
#undef SUFFIX

#define REAL double
#define SUFFIX _f64
#include "tile.h"
#undef REAL
#undef SUFFIX

#endif
#else

/* A vector register, and the same at an address that need not be aligned to it. */
typedef REAL TYPED(vector) __attribute__((vector_size(VECTOR_BYTES)));
typedef REAL TYPED(unaligned) __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));

/* The first PANEL_WIDTH columns of a depth x cols matrix, B(k, j) = b[k * b_depth + j * b_col], laid side by side for
 * each k; columns past the matrix are filled with zeros. The usual case, whole rows, is a copy of constant size. */
static void TYPED(pack_panel)(ptrdiff_t depth, ptrdiff_t cols, const REAL *b, ptrdiff_t b_depth, ptrdiff_t b_col,
                              REAL *panel)
{
    const int inside = cols < PANEL_WIDTH ? (int)cols : PANEL_WIDTH;
    if (b_col == 1 && inside == PANEL_WIDTH) {
        for (ptrdiff_t k = 0; k < depth; k++)
            memcpy(panel + k * PANEL_WIDTH, b + k * b_depth, PANEL_WIDTH * sizeof(REAL));
        return;
    }
    for (int j = 0; j < inside; j++)
        for (ptrdiff_t k = 0; k < depth; k++)
            panel[k * PANEL_WIDTH + j] = b[k * b_depth + j * b_col];
    for (int j = inside; j < PANEL_WIDTH; j++)
        for (ptrdiff_t k = 0; k < depth; k++)
            panel[k * PANEL_WIDTH + j] = 0;
}

/* C = A B, or C += A B, for a tile of constant size. */
static inline __attribute__((always_inline)) void TYPED(tile_of)(
    const int rows, const int vectors, ptrdiff_t depth, const REAL *a, ptrdiff_t a_row, ptrdiff_t a_depth,
    const REAL *panel, REAL *c, ptrdiff_t c_row, int accumulate)
{
    TYPED(vector) sum[TILE_ROWS][TILE_VECTORS];
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int v = 0; v < vectors; v++)
            if (accumulate)
                sum[i][v] = *(TYPED(unaligned) *)(c + i * c_row + v * LANES);
            else
                sum[i][v] = (TYPED(vector)){0};

    for (ptrdiff_t k = 0; k < depth; k++, a += a_depth, panel += PANEL_WIDTH) {
        TYPED(vector) b[TILE_VECTORS];
        UNROLL for (int v = 0; v < vectors; v++)
            b[v] = *(const TYPED(unaligned) *)(panel + v * LANES);
        UNROLL for (int i = 0; i < rows; i++)
            UNROLL for (int v = 0; v < vectors; v++)
                sum[i][v] += a[i * a_row] * b[v];
    }

    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int v = 0; v < vectors; v++)
            *(TYPED(unaligned) *)(c + i * c_row + v * LANES) = sum[i][v];
}

#define TILE_CASE(R)                                                                                            \
    case R:                                                                                                     \
        if (cols > LANES)                                                                                       \
            TYPED(tile_of)(R, 2, depth, a, a_row, a_depth, panel, c, c_row, accumulate);                        \
        else                                                                                                    \
            TYPED(tile_of)(R, 1, depth, a, a_row, a_depth, panel, c, c_row, accumulate);                        \
        break;

/* 1 <= rows <= TILE_ROWS, and cols must be a whole number of vectors: 1 or TILE_VECTORS of them. */
static void TYPED(whole_tile)(int rows, ptrdiff_t depth, const REAL *a, ptrdiff_t a_row, ptrdiff_t a_depth,
                              const REAL *panel, REAL *c, ptrdiff_t c_row, int cols, int accumulate)
{
    switch (rows) {
        TILE_CASE(1) TILE_CASE(2) TILE_CASE(3) TILE_CASE(4) TILE_CASE(5) TILE_CASE(6)
#if TILE_ROWS > 6
        TILE_CASE(7) TILE_CASE(8) TILE_CASE(9) TILE_CASE(10)
#endif
    }
}

/* 1 <= rows <= TILE_ROWS, 1 <= cols <= PANEL_WIDTH. Columns that do not fill a vector go by a copy. */
static void TYPED(tile)(int rows, ptrdiff_t depth, const REAL *a, ptrdiff_t a_row, ptrdiff_t a_depth,
                        const REAL *panel, REAL *c, ptrdiff_t c_row, int cols, int accumulate)
{
    if (cols % LANES == 0) {
        TYPED(whole_tile)(rows, depth, a, a_row, a_depth, panel, c, c_row, cols, accumulate);
        return;
    }
    REAL copy[TILE_ROWS * TILE_VECTORS * VECTOR_BYTES / sizeof(REAL)] = {0};
    const int whole = cols > LANES ? PANEL_WIDTH : LANES;
    if (accumulate)
        for (int i = 0; i < rows; i++)
            memcpy(copy + i * whole, c + i * c_row, (size_t)cols * sizeof(REAL));
    TYPED(whole_tile)(rows, depth, a, a_row, a_depth, panel, copy, whole, whole, accumulate);
    for (int i = 0; i < rows; i++)
        memcpy(c + i * c_row, copy + i * whole, (size_t)cols * sizeof(REAL));
}

/* C (+)= A B for any number of rows and one panel's columns, cols <= PANEL_WIDTH. B is packed here, PANEL_DEPTH of its
 * rows at a time, into a panel that stays in the first-level cache while the tiles of A pass over it. The tiles are as
 * high as each other: a low one at the end would have too few sums to keep the multiply units busy. */
static void TYPED(panel_product)(ptrdiff_t rows, ptrdiff_t depth, ptrdiff_t cols, const REAL *a, ptrdiff_t a_row,
                                 ptrdiff_t a_depth, const REAL *b, ptrdiff_t b_depth, ptrdiff_t b_col, REAL *c,
                                 ptrdiff_t c_row, int accumulate)
{
    REAL panel[PANEL_DEPTH * PANEL_WIDTH] __attribute__((aligned(VECTOR_BYTES)));
    const ptrdiff_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
    for (ptrdiff_t k = 0; k < depth; k += PANEL_DEPTH) {
        const ptrdiff_t block = depth - k < PANEL_DEPTH ? depth - k : PANEL_DEPTH;
        TYPED(pack_panel)(block, cols, b + k * b_depth, b_depth, b_col, panel);
        for (ptrdiff_t t = 0; t < tiles; t++) {
            const ptrdiff_t i = rows * t / tiles, end = rows * (t + 1) / tiles;
            TYPED(tile)((int)(end - i), block, a + i * a_row + k * a_depth, a_row, a_depth, panel, c + i * c_row,
                        c_row, (int)cols, accumulate || k > 0);
        }
    }
}

#endif
