/* What the rungs in C share: sizes, and the product with a register tile and packed weights that conv2d/ climbs to. */
#ifndef NNLITE_LADDER_LSTM_H
#define NNLITE_LADDER_LSTM_H

#include <string.h>
#include "vectors.h"

enum { ROWS = 6, WIDTH = 2 * LANES };       /* of a tile, */
enum { CELLS = REGISTERS == 32 ? 6 : 3 }; /* and rows of one that holds four gates */

typedef struct {
    int N, T, F, H, threads; /* x is (N,T,F), y (N,T,H); N is a multiple of ROWS, and H of WIDTH */
} Sizes;

/* B (depth,cols) as panels of `width` columns each. */
static inline void pack(int depth, int cols, int width, const float *B, float *panels)
{
    for (int j = 0; j < cols; j += width)
        for (int k = 0; k < depth; k++, panels += width)
            memcpy(panels, B + k * cols + j, width * sizeof(float));
}

/* Wh as panels that hold the four gates of the same units side by side. */
static inline void pack_gates(int H, const float *Wh, float *panels)
{
    for (int j = 0; j < H; j += LANES)
        for (int k = 0; k < H; k++)
            EACH(gate, 4) {
                memcpy(panels, Wh + (k * 4 + gate) * H + j, LANES * sizeof(float));
                panels += LANES;
            }
}

/* C = start + A B, where the rows of A, start and C begin so many numbers apart. */
static inline void product(int rows, int depth, int cols, const float *A, int a, const float *panels,
                           const float *start, int s, float *C, int c)
{
    for (int j = 0; j < cols; j += WIDTH, panels += depth * WIDTH)
        for (int i = 0; i < rows; i += ROWS) {
            vector sum[ROWS][2];
            EACH(r, ROWS) memcpy(sum[r], start + (i + r) * s + j, sizeof sum[r]);
            for (int k = 0; k < depth; k++)
                EACH(r, ROWS) EACH(v, 2)
                    sum[r][v] += A[(i + r) * a + k] * ((const vector *)(panels + k * WIDTH))[v];
            EACH(r, ROWS) memcpy(C + (i + r) * c + j, sum[r], sizeof sum[r]);
        }
}

/* c = 0, and z = x Wx + b of all steps at once. */
static inline void begin(const Sizes *s, const float *x, const float *Wx, const float *b, float *c, float *z,
                         float *panels)
{
    memset(c, 0, s->N * s->H * sizeof(float));
    pack(s->F, 4 * s->H, WIDTH, Wx, panels);
    product(s->N * s->T, s->F, 4 * s->H, x, s->F, panels, b, 0, z, 4 * s->H);
}

#endif
