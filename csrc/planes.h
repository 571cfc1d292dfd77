/* A convolution with so few filters that they would leave half of a vector empty: there, a vector holds the pixels of a
 * row. For that each channel of the source has a plane of its own.
 *
 * The sums of all filters for two vectors of pixels stay in registers, over all taps, in the order in which tile_of of
 * tile.h would add the same numbers. At the end these vectors, one for each filter, are transposed, so that the filters
 * of a pixel lie side by side.
 */
#ifndef NNLITE_PLANES_H
#define NNLITE_PLANES_H

typedef struct {
    ptrdiff_t lines, taps, depth; /* rows and columns of the window, and channels, */
    ptrdiff_t line, tap, plane;   /* and how far apart they lie in the source */
    ptrdiff_t second;             /* where the second vector of pixels begins, in pixels; 0: there is none */
    ptrdiff_t filters;            /* at most HALF_LANES; the weights of each tap are filled with zeros up to that */
} Planes;

#define half_lanes(dtype) BY_TYPE(dtype, half_lanes)()
#define planes(p, x, w, start, y) BY_TYPE(y, planes)(p, x, w, start, y)

#endif

static inline int TYPED(half_lanes)(void)
{
    return HALF_LANES;
}

INLINE void TYPED(planes_of)(const int vectors, const Planes *p, const REAL *x, const REAL *w, const REAL *start,
                             REAL *y)
{
    TYPED(vector) sum[HALF_LANES][2], filters[HALF_LANES];
    UNROLL for (int f = 0; f < HALF_LANES; f++)
        UNROLL for (int v = 0; v < vectors; v++)
            sum[f][v] = start[f] - (TYPED(vector)){0}; /* + 0 would turn -0 into 0 */
    for (ptrdiff_t i = 0; i < p->lines; i++)
        for (ptrdiff_t j = 0; j < p->taps; j++) {
            const REAL *x_d = x + i * p->line + j * p->tap;
            for (ptrdiff_t d = 0; d < p->depth; d++, x_d += p->plane, w += HALF_LANES) {
                TYPED(vector) pixels[2];
                UNROLL for (int v = 0; v < vectors; v++)
                    pixels[v] = *(const TYPED(unaligned) *)(x_d + v * p->second);
                UNROLL for (int f = 0; f < HALF_LANES; f++)
                    UNROLL for (int v = 0; v < vectors; v++)
                        sum[f][v] += w[f] * pixels[v];
            }
        }
    UNROLL for (int v = 0; v < vectors; v++) {
        REAL *y_v = y + v * p->second * p->filters;
        UNROLL for (int f = 0; f < HALF_LANES; f++)
            filters[f] = sum[f][v];
        TYPED(transpose)(HALF_LANES, filters);
        if (p->filters == HALF_LANES)
            UNROLL for (int f = 0; f < HALF_LANES; f++)
                *(TYPED(unaligned) *)(y_v + f * LANES) = filters[f];
        else
            for (int n = 0; n < LANES; n++)
                memcpy(y_v + n * p->filters, (const REAL *)filters + n * HALF_LANES, (size_t)p->filters * sizeof(REAL));
    }
}

SHARED void TYPED(planes)(const Planes *p, const REAL *x, const REAL *w, const REAL *start, REAL *y)
{
    if (p->second)
        TYPED(planes_of)(2, p, x, w, start, y);
    else
        TYPED(planes_of)(1, p, x, w, start, y);
}
