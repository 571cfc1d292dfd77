/* The register tile: the innermost loop of all dense products and most convolutions, and the packing that feeds it.
 *
 *        B (often packed)                    A is `rows` x depth, with its numbers at a[i * a_row + k * a_depth]
 *        +-----------+ k = 0                 B is depth x `vectors`: its row k begins at b[k * b_row]. Packed into a
 *        |  vectors  | k = 1                     panel, its rows follow each other, and the loop reads on and on
 *        |           | ...                   C is `rows` x cols, its numbers at c[i * c_row + j]
 *     k  +-----------+ k = depth - 1
 *   +---+-----------+
 *   | A |  C: sums   |   For each k: load the row of B (one to three vectors, or half of one), for each row of A
 *   |   |  in        |   multiply it by one number and add. The sums stay in registers from the first k to the last.
 *   +---+  registers |
 *       +-----------+
 *
 * A may be cut into `runs` of the same depth, a_run apart, while B continues through all of them: so a convolution
 * reads the rows of its window in place, from the image.
 *
 * The sums stay in registers only when the compiler knows the tile's size. So `tile_of` is written once with the
 * size as arguments, and `tile` calls it with constants: one instance for every height and width, tails included.
 * Each sum adds its products in the order of k in every instance: how a matrix is cut into tiles never changes
 * a bit of the result.
 *
 * A tile can fetch what comes next meanwhile, `ahead`: a little with each row of B, as fetches that come all at once
 * wait for each other.
 *
 * typed.h includes this file for REAL = float and double, each time first with half vectors for `tile_of` alone: eight
 * columns would leave half of a vector of AVX-512 empty.
 */
#ifndef NNLITE_TILE_H
#define NNLITE_TILE_H

#define HALF_LANES ((int)(HALF_VECTOR_BYTES / sizeof(REAL)))
#define PANEL_WIDTH (TILE_VECTORS * LANES)
#define WIDE_WIDTH (WIDE_VECTORS * LANES)
#define REACH 3              /* rows of A to each pointer: the second and third are a_row and 2 a_row further on */
#define ALL_ROWS NARROW_ROWS /* the same where A lies in columns: row i is i numbers further on */
#define SHORT_RUN 16         /* depth below which all runs are one loop */
#define ROWS_AT_ONCE 8 /* of a matrix that no near cache holds: their factors fit the registers, too */
#define ROW_VECTORS 8 /* whose sums fit the registers of every CPU, and are enough to keep its multiply units busy */

/* Where the numbers of a matrix lie: number (i, j) at i * row + j * col. */
typedef struct {
    ptrdiff_t row, col;
} Strides;

typedef struct {
    int rows, cols;           /* of C: up to TILE_ROWS x PANEL_WIDTH, NARROW_ROWS x LANES or WIDE_ROWS x WIDE_WIDTH */
    ptrdiff_t runs, a_run;    /* how many pieces A is cut into, and how far apart they begin; */
    ptrdiff_t depth;          /* of each */
    ptrdiff_t a_row, a_depth; /* how far apart its numbers lie, down and along: one of the two is 1 */
    ptrdiff_t b_row;          /* how far apart the rows of B begin, */
    ptrdiff_t start_row;      /* of what the sums start from, */
    ptrdiff_t c_row;          /* and of C */
    const char *ahead;        /* what tile_ahead fetches meanwhile: */
    ptrdiff_t ahead_step;     /* so many bytes of it with each row of B */
} Tile;

/* What sums start from where they start from zero, and are then added to C: of very many products, which C has grown
 * large by, the last ones would be rounded away. */
static __attribute__((unused)) char apart_from_c;
#define APART ((void *)&apart_from_c)

/* The numbers of two vectors in turns: of their lower halves, and of their upper ones. */
#define LOW_2 0, 2
#define HIGH_2 1, 3
#define LOW_4 0, 4, 1, 5
#define HIGH_4 2, 6, 3, 7
#define LOW_8 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_8 4, 12, 5, 13, 6, 14, 7, 15
#define LOW_16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#if VECTOR_BYTES == 64
#define ZIP_LOW PICK(LOW_16, LOW_8)
#define ZIP_HIGH PICK(HIGH_16, HIGH_8)
#elif VECTOR_BYTES == 32
#define ZIP_LOW PICK(LOW_8, LOW_4)
#define ZIP_HIGH PICK(HIGH_8, HIGH_4)
#else
#define ZIP_LOW PICK(LOW_4, LOW_2)
#define ZIP_HIGH PICK(HIGH_4, HIGH_2)
#endif

#define TILE_CASE(R)                                                    \
    case R:                                                             \
        if (width == PANEL_WIDTH)                                       \
            TYPED(tile_of)(R, 2, 0, t, a, b, start, c);                 \
        else                                                            \
            NARROW_TILE(R)                                              \
        break;
#define NARROW_CASE(R)                                                  \
    case R:                                                             \
        NARROW_TILE(R)                                                  \
        break;
#define NARROW_TILE(R)                                                  \
    if (width == LANES)                                                 \
        TYPED(tile_of)(R, 1, 0, t, a, b, start, c);                     \
    else                                                                \
        HALF(tile_of)(R, 1, 0, t, a, b, start, c);
#define AHEAD_CASE(R)                                                   \
    case R:                                                             \
        TYPED(tile_of)(R, 2, 1, t, a, b, start, c);                     \
        break;
#define WIDE_CASE(R)                                                    \
    case R:                                                             \
        TYPED(tile_of)(R, WIDE_VECTORS, 0, t, a, b, start, c);          \
        break;
#define ROW_CASE(V)                                                              \
    case V:                                                                      \
        TYPED(row_of)(V, depth, a, b + j, b_row, c + j, last, last_row, last_c); \
        break;

/* As many sums as arrays of them have room for, here and in block.h. */
_Static_assert(TILE_ROWS <= NARROW_ROWS && NARROW_ROWS <= TILE_ROWS * WIDE_VECTORS, "NARROW_ROWS: expected fewer");
_Static_assert(!STREAMS || NARROW_ROWS == TILE_ROWS, "NARROW_ROWS: expected those of a tile, where tiles are streamed");

#define tile_width(cols, dtype) BY_TYPE(dtype, tile_width)(cols)
#define tile_height(cols, dtype) BY_TYPE(dtype, tile_height)(cols)
#define write_rows(depth, cols, b, at, out, out_row) BY_TYPE(out, write_rows)(depth, cols, b, at, out, out_row)
#define pack_panel(depth, cols, b, at, panel, width) BY_TYPE(panel, pack_panel)(depth, cols, b, at, panel, width)
#define tile(t, a, b, start, c) BY_TYPE(c, tile)(t, a, b, start, c)
#define tile_ahead(t, a, b, start, c) BY_TYPE(c, tile_ahead)(t, a, b, start, c)
#define add_row_product(depth, cols, a, b, b_row, c) BY_TYPE(c, add_row_product)(depth, cols, a, b, b_row, c)

#endif

/* A vector register, and the same at an address that need not be aligned to it. */
typedef REAL TYPED(vector) __attribute__((vector_size(BYTES)));
typedef REAL TYPED(unaligned) __attribute__((vector_size(BYTES), aligned(sizeof(REAL)), may_alias));

INLINE void TYPED(move_rows)(const int rows, const int reach, const REAL **row, ptrdiff_t by)
{
    UNROLL for (int i = 0; i < rows; i += reach)
        row[i / reach] += by;
}

/* sum += the products of a column of A, where each pointer in `row` reaches some rows, and a row of B. Then the
 * pointers move on to the next column of A, and the next row of B. */
INLINE void TYPED(tile_step)(const int rows, const int vectors, const int fetches, const int reach, const Tile *t,
                             const REAL **row, const REAL **b, const char **ahead, TYPED(vector) sum[][WIDE_VECTORS])
{
    enum { lanes = BYTES / sizeof(REAL) };
    const ptrdiff_t a_row = reach == ALL_ROWS ? 1 : t->a_row, a_depth = reach == ALL_ROWS ? t->a_depth : 1;
    TYPED(vector) b_k[WIDE_VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) {
        b_k[v] = *(const TYPED(unaligned) *)(*b + v * lanes);
        IN_REGISTER(b_k[v]); /* or GCC loads it again for each of up to four rows (AVX2: 0.65 of the speed) */
    }
    if (fetches) {
        __builtin_prefetch(*ahead, 0, 2);
        *ahead += t->ahead_step;
    }
    UNROLL for (int i = 0; i < rows; i++) {
        UNROLL for (int v = 0; v < vectors; v++)
            sum[i][v] += row[i / reach][i % reach * a_row] * b_k[v];
        if (vectors == 2)
            ROW_BY_ROW(sum[i]);
    }
    TYPED(move_rows)(rows, reach, row, a_depth);
    *b += t->b_row;
}

/* sum += A B, step by step.
 *
 * A core whose other thread is busy decodes half as many instructions for each, and what is no multiply-add counts: so
 * there are two steps a turn, with addresses that need no computing (12 multiply-adds in 23.5 instructions instead of
 * 30: products take 0.65 to 0.8 of the time then, and the same on a quiet core). Short runs are one loop: with a loop
 * for each, 1 to 8 channels took 1.13 times as long. */
INLINE void TYPED(tile_sums)(const int rows, const int vectors, const int fetches, const int reach, const Tile *t,
                             const REAL *a, const REAL *b, TYPED(vector) sum[][WIDE_VECTORS])
{
    const ptrdiff_t depth = t->depth, to_next_run = t->a_run - depth * t->a_depth;
    const char *ahead = t->ahead;
    const REAL *row[NARROW_ROWS]; /* of which only some are there */
    UNROLL for (int i = 0; i < rows; i += reach) {
        row[i / reach] = a + i * t->a_row;
        UNRELATED(row[i / reach]);
    }
    if (depth < SHORT_RUN)
        for (ptrdiff_t n = t->runs * depth, left = depth; n > 0; n--) {
            TYPED(tile_step)(rows, vectors, fetches, reach, t, row, &b, &ahead, sum);
            if (--left == 0) {
                TYPED(move_rows)(rows, reach, row, to_next_run);
                left = depth;
            }
        }
    else
        for (ptrdiff_t run = 0; run < t->runs; run++) {
            ptrdiff_t left = depth;
            for (; left > 1; left -= 2)
                UNROLL for (int twice = 0; twice < 2; twice++)
                    TYPED(tile_step)(rows, vectors, fetches, reach, t, row, &b, &ahead, sum);
            if (left)
                TYPED(tile_step)(rows, vectors, fetches, reach, t, row, &b, &ahead, sum);
            TYPED(move_rows)(rows, reach, row, to_next_run);
        }
}

/* C = start + A B for a tile of constant size. The sums begin at start[i * start_row + j]: at C itself to add to what
 * is there, at a bias with start_row = 0, at zero where start is NULL or APART. */
INLINE void TYPED(tile_of)(const int rows, const int vectors, const int fetches, const Tile *shape, const REAL *a,
                           const REAL *b, const REAL *start, REAL *c)
{
    enum { lanes = BYTES / sizeof(REAL) };
    const Tile copy = *shape, *const t = &copy; /* for the compiler to keep in registers */
    const ptrdiff_t start_row = t->start_row, c_row = t->c_row;
    TYPED(vector) sum[NARROW_ROWS][WIDE_VECTORS];
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int v = 0; v < vectors; v++)
            if (start && start != APART)
                sum[i][v] = *(const TYPED(unaligned) *)(start + i * start_row + v * lanes);
            else
                sum[i][v] = (TYPED(vector)){0};

    /* Fetched now, C is there when the sums are: up to a quarter of a convolution's time on few channels. */
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int v = 0; v < vectors; v++)
            __builtin_prefetch(c + i * c_row + v * lanes, 1);

    if (t->a_depth == 1)
        TYPED(tile_sums)(rows, vectors, fetches, REACH, t, a, b, sum);
    else
        TYPED(tile_sums)(rows, vectors, fetches, ALL_ROWS, t, a, b, sum);

    /* The compiler would keep the rows' addresses since the fetch above, and has no registers to spare. */
    __asm__("" : "+r"(c));
    if (start == APART) {
        UNROLL for (int i = 0; i < rows; i++, c += c_row)
            UNROLL for (int v = 0; v < vectors; v++)
                *(TYPED(unaligned) *)(c + v * lanes) += sum[i][v];
        return;
    }
    UNROLL for (int i = 0; i < rows; i++, c += c_row)
        UNROLL for (int v = 0; v < vectors; v++)
            *(TYPED(unaligned) *)(c + v * lanes) = sum[i][v];
}

#ifdef HALF

/* How many columns the narrowest tile for `cols` of them has: half a vector, a vector, or two. */
static inline int TYPED(tile_width)(ptrdiff_t cols)
{
    return cols <= HALF_LANES ? HALF_LANES : cols <= LANES ? LANES : PANEL_WIDTH;
}

/* How many rows the tiles for `cols` columns may have. */
static inline int TYPED(tile_height)(ptrdiff_t cols)
{
    return cols > LANES ? TILE_ROWS : NARROW_ROWS;
}

/* Transpose n vectors, n a power of two: they become LANES rows of n numbers, one after the other. Each round riffles
 * the numbers as the cards of a deck: those of the first and of the second half take turns. */
INLINE void TYPED(transpose)(const int n, TYPED(vector) *rows)
{
    TYPED(vector) old[LANES];
    UNROLL for (int round = 1; round < n; round *= 2) {
        UNROLL for (int i = 0; i < n; i++)
            old[i] = rows[i];
        UNROLL for (int i = 0; i < n / 2; i++) {
            rows[2 * i] = SHUFFLE(old[i], old[i + n / 2], ZIP_LOW);
            rows[2 * i + 1] = SHUFFLE(old[i], old[i + n / 2], ZIP_HIGH);
        }
    }
}

/* Write the transpose of a square of LANES x LANES numbers. */
INLINE void TYPED(write_square)(const REAL *b, ptrdiff_t b_row, REAL *out, ptrdiff_t out_row)
{
    TYPED(vector) rows[LANES];
    UNROLL for (int i = 0; i < LANES; i++)
        rows[i] = *(const TYPED(unaligned) *)(b + i * b_row);
    TYPED(transpose)(LANES, rows);
    UNROLL for (int i = 0; i < LANES; i++)
        *(TYPED(unaligned) *)(out + i * out_row) = rows[i];
}

/* Write a depth x cols matrix B in rows that begin out_row apart. Long rows are copied. A transpose goes through
 * registers, square by square (a quarter of the time of single numbers); the last square of a column may repeat rows of
 * the one before. Of what is left four numbers of a row are one store. */
SHARED void TYPED(write_rows)(ptrdiff_t depth, ptrdiff_t cols, const REAL *b, Strides at, REAL *restrict out,
                              ptrdiff_t out_row)
{
    ptrdiff_t j = 0;
    if (at.col == 1 && cols >= LANES) {
        for (ptrdiff_t k = 0; k < depth; k++)
            if (cols == PANEL_WIDTH) /* a constant: no call */
                memcpy(out + k * out_row, b + k * at.row, PANEL_WIDTH * sizeof(REAL));
            else
                memcpy(out + k * out_row, b + k * at.row, (size_t)cols * sizeof(REAL));
        return;
    }
    if (at.row == 1 && depth >= LANES)
        for (; j + LANES <= cols; j += LANES)
            for (ptrdiff_t k = 0; k < depth; k += LANES) {
                const ptrdiff_t from = k + LANES <= depth ? k : depth - LANES;
                TYPED(write_square)(b + from + j * at.col, at.col, out + from * out_row + j, out_row);
            }
    for (; j + 4 <= cols; j += 4)
        for (ptrdiff_t k = 0; k < depth; k++)
            UNROLL for (int i = 0; i < 4; i++)
                out[k * out_row + j + i] = b[k * at.row + (j + i) * at.col];
    for (; j < cols; j++)
        for (ptrdiff_t k = 0; k < depth; k++)
            out[k * out_row + j] = b[k * at.row + j * at.col];
}

/* Pack the first `width` columns of a depth x cols matrix B, row after row; columns beyond the matrix are filled with
 * zeros. */
SHARED void TYPED(pack_panel)(ptrdiff_t depth, ptrdiff_t cols, const REAL *b, Strides at, REAL *panel, int width)
{
    const int inside = cols < width ? (int)cols : width;
    TYPED(write_rows)(depth, inside, b, at, panel, width);
    const int filled = TYPED(tile_width)(inside) < width ? TYPED(tile_width)(inside) : width;
    for (int j = inside; j < filled; j++)
        for (ptrdiff_t k = 0; k < depth; k++)
            panel[k * width + j] = 0;
}

/* The width is a tile_width, or WIDE_WIDTH. */
SHARED void TYPED(whole_tile)(int width, const Tile *t, const REAL *a, const REAL *b, const REAL *start, REAL *c)
{
#if WIDE_ROWS
    if (width > PANEL_WIDTH) {
        switch (t->rows) {
            WIDE_CASE(1) WIDE_CASE(2) WIDE_CASE(3) WIDE_CASE(4) WIDE_CASE(5) WIDE_CASE(6) WIDE_CASE(7) WIDE_CASE(8)
        }
        return;
    }
#endif
    switch (t->rows) {
        TILE_CASE(1) TILE_CASE(2) TILE_CASE(3) TILE_CASE(4) TILE_CASE(5) TILE_CASE(6)
#if TILE_ROWS > 6
        TILE_CASE(7) TILE_CASE(8) TILE_CASE(9) TILE_CASE(10)
#else
        NARROW_CASE(7) NARROW_CASE(8)
#if NARROW_ROWS > 8
        NARROW_CASE(9) NARROW_CASE(10) NARROW_CASE(11) NARROW_CASE(12)
#endif
#endif
    }
}

/* The same for columns of C that do not fill a width: by a copy. */
SHARED void TYPED(tile_by_copy)(int width, const Tile *t, const REAL *a, const REAL *b, const REAL *start, REAL *c)
{
    const size_t filled = (size_t)t->cols * sizeof(REAL);
    Tile whole = *t;
    whole.c_row = width;
    REAL copy[TILE_ROWS * WIDE_WIDTH];
    if (start == APART) {
        TYPED(whole_tile)(width, &whole, a, b, NULL, copy);
        for (int i = 0; i < t->rows; i++)
            for (int j = 0; j < t->cols; j++)
                c[i * t->c_row + j] += copy[i * width + j];
        return;
    }
    if (start && t->start_row) {
        memset(copy, 0, (size_t)(t->rows * width) * sizeof(REAL));
        for (int i = 0; i < t->rows; i++)
            memcpy(copy + i * width, start + i * t->start_row, filled);
        start = copy;
        whole.start_row = width;
    }
    TYPED(whole_tile)(width, &whole, a, b, start, copy);
    for (int i = 0; i < t->rows; i++)
        memcpy(c + i * t->c_row, copy + i * width, filled);
}

/* C = start + A B. B, and where start_row is 0 start, too, hold whole tile widths. Inlined: a second call for each tile
 * took 4 % of a convolution on one channel. */
INLINE void TYPED(tile)(const Tile *t, const REAL *a, const REAL *b, const REAL *start, REAL *c)
{
    const int width = WIDE_ROWS && t->cols > PANEL_WIDTH ? WIDE_WIDTH : TYPED(tile_width)(t->cols);
    if (t->cols == width)
        TYPED(whole_tile)(width, t, a, b, start, c);
    else
        TYPED(tile_by_copy)(width, t, a, b, start, c);
}

/* The same, and t->ahead is fetched meanwhile, if the tile is as wide as a panel. */
SHARED void TYPED(tile_ahead)(const Tile *t, const REAL *a, const REAL *b, const REAL *start, REAL *c)
{
    switch (t->cols == PANEL_WIDTH ? t->rows : 0) {
        AHEAD_CASE(1) AHEAD_CASE(2) AHEAD_CASE(3) AHEAD_CASE(4) AHEAD_CASE(5) AHEAD_CASE(6)
#if TILE_ROWS > 6
        AHEAD_CASE(7) AHEAD_CASE(8) AHEAD_CASE(9) AHEAD_CASE(10)
#endif
    default:
        TYPED(tile)(t, a, b, start, c);
    }
}

/* c += a B for one row, in so many vectors of columns. The last of them is at `last` in the first row of B, last_row
 * further on in each other, and its sums are at last_c. */
INLINE void TYPED(row_of)(const int vectors, ptrdiff_t depth, const REAL *a, const REAL *b, ptrdiff_t b_row, REAL *c,
                          const REAL *last, ptrdiff_t last_row, REAL *last_c)
{
    TYPED(vector) sum[ROW_VECTORS];
    UNROLL for (int v = 0; v < vectors; v++)
        sum[v] = *(const TYPED(unaligned) *)(v < vectors - 1 ? c + v * LANES : last_c);
    for (ptrdiff_t k = 0; k < depth; k++, b += b_row, last += last_row)
        UNROLL for (int v = 0; v < vectors; v++)
            sum[v] += a[k] * *(const TYPED(unaligned) *)(v < vectors - 1 ? b + v * LANES : last);
    UNROLL for (int v = 0; v < vectors; v++)
        *(TYPED(unaligned) *)(v < vectors - 1 ? c + v * LANES : last_c) = sum[v];
}

/* The same for any number of columns, and so many rows of B side by side. The last vector is summed up in `last`. */
INLINE void TYPED(rows_of)(const int rows, ptrdiff_t cols, const REAL *a, const REAL *b, ptrdiff_t b_row, REAL *c,
                           TYPED(vector) *last)
{
    for (ptrdiff_t j = 0; j + LANES < cols; j += LANES) {
        TYPED(vector) sum = *(const TYPED(unaligned) *)(c + j);
        UNROLL for (int k = 0; k < rows; k++)
            sum += a[k] * *(const TYPED(unaligned) *)(b + k * b_row + j);
        *(TYPED(unaligned) *)(c + j) = sum;
    }
    UNROLL for (int k = 0; k < rows; k++)
        *last += a[k] * *(const TYPED(unaligned) *)(b + k * b_row + cols - LANES);
}

/* For a B that no near cache holds: some rows at a time are read from beginning to end, as fast as memory hands them
 * over, while the sums wait in the first-level cache (512 units: 0.85 of the time). */
SHARED void TYPED(add_far_rows)(ptrdiff_t depth, ptrdiff_t cols, const REAL *a, const REAL *b, ptrdiff_t b_row, REAL *c)
{
    TYPED(vector) last = *(const TYPED(unaligned) *)(c + cols - LANES);
    ptrdiff_t k = 0;
    for (; k + ROWS_AT_ONCE <= depth; k += ROWS_AT_ONCE)
        TYPED(rows_of)(ROWS_AT_ONCE, cols, a + k, b + k * b_row, b_row, c, &last);
    for (; k < depth; k++)
        TYPED(rows_of)(1, cols, a + k, b + k * b_row, b_row, c, &last);
    *(TYPED(unaligned) *)(c + cols - LANES) = last;
}

/* c += a B for one row, with B in rows: each of its numbers is needed once, so packing would cost more than it saves.
 * The columns are cut into blocks of vectors, whose sums stay in registers as those of a tile do. The last vector may
 * overlap the one before: these sums are computed twice, with the same result. Or B is split, where b_row < cols: its
 * rows hold whole vectors, and what is left of each lies behind all of them, followed by a vector of anything. */
SHARED void TYPED(add_row_product)(ptrdiff_t depth, ptrdiff_t cols, const REAL *a, const REAL *b, ptrdiff_t b_row,
                                   REAL *c)
{
    const ptrdiff_t total = (cols + LANES - 1) / LANES, blocks = (total + ROW_VECTORS - 1) / ROW_VECTORS;
    if (cols < LANES) {
        for (ptrdiff_t k = 0; k < depth; k++)
            for (ptrdiff_t j = 0; j < cols; j++)
                c[j] += a[k] * b[k * b_row + j];
        return;
    }
    if (depth * cols * (ptrdiff_t)sizeof(REAL) > L2_BYTES) {
        TYPED(add_far_rows)(depth, cols, a, b, b_row, c);
        return;
    }
    const int split = b_row < cols;
    REAL rest[LANES] = {0};
    if (split)
        memcpy(rest, c + b_row, (size_t)(cols - b_row) * sizeof(REAL));
    for (ptrdiff_t block = 0; block < blocks; block++) {
        const ptrdiff_t v = total * block / blocks, end = total * (block + 1) / blocks, j = v * LANES;
        const ptrdiff_t last_j = end < total ? (end - 1) * LANES : cols - LANES;
        const int is_rest = split && end == total;
        const REAL *last = b + (is_rest ? depth * b_row : last_j);
        const ptrdiff_t last_row = is_rest ? cols - b_row : b_row;
        REAL *last_c = is_rest ? rest : c + last_j;
        switch (end - v) {
            ROW_CASE(1) ROW_CASE(2) ROW_CASE(3) ROW_CASE(4) ROW_CASE(5) ROW_CASE(6) ROW_CASE(7) ROW_CASE(8)
        }
    }
    if (split)
        memcpy(c + b_row, rest, (size_t)(cols - b_row) * sizeof(REAL));
}

#endif
