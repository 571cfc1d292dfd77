/* The register tile of Winograd's convolution: quads of output pixels from sixteen products each (winograd.pxd).
 *
 *     V = B^T x B       B^T = | 1  0 -1  0 |       the input transform, 4 x 4 -> 4 x 4
 *                             | 0  1  1  0 |
 *                             | 0 -1  1  0 |
 *                             | 0  1  0 -1 |
 *
 *     U = G g G^T       G   = | 1   0   0  |       the filter transform, 3 x 3 -> 4 x 4
 *                             | .5  .5  .5 |
 *                             | .5 -.5  .5 |
 *                             | 0   0   1  |
 *
 *     M[j][i] = sum over d of V[j][i][d] U[j][i][d]       for a few quads and one vector of filters
 *
 *     Y = A^T M A       A^T = | 1  1  1  0 |       the output transform, 4 x 4 -> 2 x 2
 *                             | 0  1 -1 -1 |
 *
 * Of two indices j is the column and comes first, as `quads` works on one column of M at a time: four sums a quad,
 * which stay in registers while d runs. Then A^T takes the column to two numbers, and A adds those to the pixels of the
 * quad. So M is never stored, and each sum has one order. `quad` does the last step alone, where M is stored.
 *
 * V[j][i] of a quad begins (4 j + i) v_k after V[0][0], with one number for each channel; quads are v_quad apart. A
 * panel of U holds one vector of filters for each j, channel, and i, in this order.
 */
#ifndef NNLITE_WINOGRAD_H
#define NNLITE_WINOGRAD_H

/* The pixels of one tile: one or two rows (`height`) of at most 2 * QUADS (`width`), in `filters` of a vector. */
typedef struct {
    int height, width, filters;
    ptrdiff_t depth;           /* how many channels are summed up */
    ptrdiff_t v_quad, v_k;     /* where the numbers of V lie */
    ptrdiff_t y_line, y_pixel; /* how far apart the rows of y are, and its pixels */
    int stream;                /* STREAM y, whose vectors are aligned */
} Quads;

#define QUADS_CASE(Q)                                                   \
    case Q:                                                             \
        TYPED(quads_of)(Q, t, v, u + LANES, u, y);                      \
        break;

#define input_transform(pieces, n, x, x_piece, x_step, v, v_piece, v_step) \
    BY_TYPE(v, input_transform)(pieces, n, x, x_piece, x_step, v, v_piece, v_step)
#define filter_transform(width, g, u, at) BY_TYPE(u, filter_transform)(width, g, u, at)
#define quads(t, v, u, y) BY_TYPE(y, quads)(t, v, u, y)
#define quad(t, m, m_k, start, y) BY_TYPE(y, quad)(t, m, m_k, start, y)

#endif

/* V = B^T x along one axis, for n numbers beside each other: in vectors, of which the last may hold numbers of the one
 * before. (A plain loop would first ask whether each v lies apart from each x: for one vector, most of the time.) The
 * same for `pieces` of n numbers, x_piece and v_piece apart. Inlined into a loop over rows, it would find no registers
 * left for its addresses (a twentieth of the time from 16 to 32 channels). */
NOINLINE void TYPED(input_transform)(ptrdiff_t pieces, ptrdiff_t n, const REAL *x, ptrdiff_t x_piece, ptrdiff_t x_step,
                                     REAL *v, ptrdiff_t v_piece, ptrdiff_t v_step)
{
    for (; pieces > 0; pieces--, x += x_piece, v += v_piece) {
        for (ptrdiff_t k = 0; k < n && n < LANES; k++) {
            const REAL *x_k = x + k, x0 = x_k[0], x1 = x_k[x_step], x2 = x_k[2 * x_step], x3 = x_k[3 * x_step];
            v[k] = x0 - x2, v[k + v_step] = x1 + x2, v[k + 2 * v_step] = x2 - x1, v[k + 3 * v_step] = x1 - x3;
        }
        for (ptrdiff_t k = 0; k < n && n >= LANES; k += LANES) {
            const ptrdiff_t at = k + LANES <= n ? k : n - LANES;
            const TYPED(unaligned) *x_k[4];
            TYPED(unaligned) *v_k[4];
            UNROLL for (int i = 0; i < 4; i++)
                x_k[i] = (const void *)(x + at + i * x_step), v_k[i] = (void *)(v + at + i * v_step);
            const TYPED(vector) x1 = *x_k[1], x2 = *x_k[2];
            *v_k[0] = *x_k[0] - x2, *v_k[1] = x1 + x2, *v_k[2] = x2 - x1, *v_k[3] = x1 - *x_k[3];
        }
    }
}

/* G g, along one axis. */
INLINE void TYPED(times_G)(TYPED(vector) g0, TYPED(vector) g1, TYPED(vector) g2, TYPED(vector) *u)
{
    const REAL half = PICK(0.5f, 0.5);
    u[0] = g0, u[1] = half * (g0 + g1 + g2), u[2] = half * (g0 - g1 + g2), u[3] = g2;
}

/* U = G g G^T for `width` filters, a tile_width. Their nine taps follow each other; U[j][i] goes to u + at[4 j + i], or
 * nowhere if that is negative. */
SHARED void TYPED(filter_transform)(int width, const REAL *g, REAL *u, const ptrdiff_t *at)
{
    for (int f = 0; f < width; f += LANES) { /* of half a vector, the rest holds the next taps, and is not stored */
        TYPED(vector) tap[9], G_g[3][4], U[4];
        UNROLL for (int k = 0; k < 9; k++)
            tap[k] = *(const TYPED(unaligned) *)(g + k * width + f);
        UNROLL for (int j = 0; j < 3; j++)
            TYPED(times_G)(tap[j], tap[3 + j], tap[6 + j], G_g[j]);
        UNROLL for (int i = 0; i < 4; i++) {
            TYPED(times_G)(G_g[0][i], G_g[1][i], G_g[2][i], U);
            UNROLL for (int j = 0; j < 4; j++) {
                const ptrdiff_t place = at[4 * j + i];
                if (place >= 0 && width < LANES)
                    memcpy(u + place, &U[j], HALF_LANES * sizeof(REAL));
                else if (place >= 0)
                    *(TYPED(unaligned) *)(u + place + f) = U[j];
            }
        }
    }
}

/* What column j of M adds to the pixels of a quad: A^T gives two numbers of it, and A adds those to Y. */
INLINE void TYPED(add_column)(const int j, const TYPED(vector) *M, TYPED(vector) (*Y)[2])
{
    const TYPED(vector) column[2] = {M[0] + M[1] + M[2], M[1] - M[2] - M[3]};
    UNROLL for (int r = 0; r < 2; r++) {
        if (j < 3)
            Y[r][0] += column[r];
        if (j == 1)
            Y[r][1] += column[r];
        if (j > 1)
            Y[r][1] -= column[r];
    }
}

INLINE void TYPED(store)(REAL *at, TYPED(vector) y, int stream)
{
    if (stream)
        STREAM(at, y);
    else
        *(TYPED(unaligned) *)at = y;
}

INLINE void TYPED(quads_of)(const int quads, const Quads *t, const REAL *v, const REAL *u, const REAL *start, REAL *y)
{
    const ptrdiff_t depth = t->depth, v_quad = t->v_quad, v_k = t->v_k, y_line = t->y_line, y_pixel = t->y_pixel;
    const int stream = t->stream;
    TYPED(vector) Y[QUADS][2][2];
    UNROLL for (int q = 0; q < quads; q++)
        UNROLL for (int r = 0; r < 2; r++)
            UNROLL for (int c = 0; c < 2; c++)
                Y[q][r][c] = *(const TYPED(unaligned) *)start;
    UNROLL for (int j = 0; j < 4; j++, v += 4 * v_k) {
        TYPED(vector) M[QUADS][4] = {0};
        const REAL *v_d[QUADS];
        UNROLL for (int q = 0; q < quads; q++)
            v_d[q] = v + q * v_quad;
        for (ptrdiff_t d = 0; d < depth; d++, u += 4 * LANES) {
            UNROLL for (int i = 0; i < 4; i++) {
                TYPED(vector) u_i = *(const TYPED(unaligned) *)(u + i * LANES);
                IN_REGISTER(u_i); /* or GCC loads it again for each quad, and three take a half longer */
                UNROLL for (int q = 0; q < quads; q++)
                    M[q][i] += v_d[q][i * v_k] * u_i;
            }
            UNROLL for (int q = 0; q < quads; q++)
                v_d[q]++;
        }
        UNROLL for (int q = 0; q < quads; q++)
            TYPED(add_column)(j, M[q], Y[q]);
    }
    UNROLL for (int q = 0; q < quads; q++)
        UNROLL for (int r = 0; r < 2; r++)
            UNROLL for (int c = 0; c < 2; c++)
                TYPED(store)(y + r * y_line + (2 * q + c) * y_pixel, Y[q][r][c], stream);
}

SHARED void TYPED(whole_quads)(int quads, const Quads *t, const REAL *v, const REAL *u, REAL *y)
{
    switch (quads) {
        QUADS_CASE(1) QUADS_CASE(2) QUADS_CASE(3)
#if QUADS > 3
        QUADS_CASE(4)
#endif
    }
}

/* The panel u begins with what the sums start from. What is not whole, of quads and of vectors, goes by a copy. */
SHARED void TYPED(quads)(const Quads *t, const REAL *v, const REAL *u, REAL *y)
{
    if (t->height == 2 && t->width % 2 == 0 && t->filters == LANES) {
        TYPED(whole_quads)(t->width / 2, t, v, u, y);
        return;
    }
    REAL copy[2][2 * QUADS][VECTOR_BYTES / sizeof(REAL)];
    Quads whole = *t;
    whole.y_line = 2 * QUADS * LANES, whole.y_pixel = LANES, whole.stream = 0;
    TYPED(whole_quads)((t->width + 1) / 2, &whole, v, u, copy[0][0]);
    for (int r = 0; r < t->height; r++)
        for (int c = 0; c < t->width; c++)
            memcpy(y + r * t->y_line + c * t->y_pixel, copy[r][c], (size_t)t->filters * sizeof(REAL));
}

/* Y = A^T M A for one quad, whose M[j][i] begins (4 j + i) m_k after M[0][0], with one number for each filter. (Vectors
 * of M and of what the sums start from may reach beyond the filters.) */
NOINLINE void TYPED(quad)(const Quads *t, const REAL *m, ptrdiff_t m_k, const REAL *start, REAL *y)
{
    for (int f = 0; f < t->filters; f += LANES) {
        TYPED(vector) Y[2][2];
        UNROLL for (int r = 0; r < 2; r++)
            UNROLL for (int c = 0; c < 2; c++)
                Y[r][c] = *(const TYPED(unaligned) *)(start + f);
        UNROLL for (int j = 0; j < 4; j++) {
            TYPED(vector) M[4];
            UNROLL for (int i = 0; i < 4; i++)
                M[i] = *(const TYPED(unaligned) *)(m + (4 * j + i) * m_k + f);
            TYPED(add_column)(j, M, Y);
        }
        for (int r = 0; r < t->height; r++)
            for (int c = 0; c < t->width; c++) {
                REAL *at = y + r * t->y_line + c * t->y_pixel + f;
                if (t->filters - f < LANES)
                    memcpy(at, &Y[r][c], (size_t)(t->filters - f) * sizeof(REAL));
                else
                    TYPED(store)(at, Y[r][c], t->stream);
            }
    }
}
