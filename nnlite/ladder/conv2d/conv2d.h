/* What the rungs in C share: sizes, and where a pixel's window begins. No rung pads, and every stride is 1. */
#ifndef NNLITE_LADDER_CONV2D_H
#define NNLITE_LADDER_CONV2D_H

#include <string.h>
#include "vectors.h"

enum { ROWS = 6, WIDTH = 2 * LANES }; /* of a tile: pixels side by side, and filters */

typedef struct {
    int N, H, W, C, kh, kw, F; /* x is (N,H,W,C), W (kh,kw,C,F); F is a multiple of WIDTH, */
    int OH, OW, threads;       /* y is (N,OH,OW,F), and OW a multiple of ROWS */
} Sizes;

/* The window of pixel p, of all pixels of y. */
static inline const float *window(const Sizes *s, const float *x, int p)
{
    const int n = p / (s->OH * s->OW), h = p / s->OW % s->OH, w = p % s->OW;
    return x + ((n * s->H + h) * s->W + w) * s->C;
}

static inline void add_bias(const Sizes *s, const float *b, float *y)
{
    for (int p = 0; p < s->N * s->OH * s->OW; p++)
        for (int f = 0; f < s->F; f++)
            y[p * s->F + f] += b[f];
}

#endif
