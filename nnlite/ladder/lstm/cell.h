/* The cell of some units, a vector at a time. It has a rung of its own: exp in vectors. */
#ifndef NNLITE_LADDER_CELL_H
#define NNLITE_LADDER_CELL_H

#include "vectors.h"

typedef int integers __attribute__((vector_size(VECTOR_BYTES)));

/* 1 / (1 + e^-x). With -x = n ln 2 + r and n whole, e^-x = 2^n e^r: n goes into the exponent's bits, e^r is seven terms of
 * its series. Adding 1.5 * 2^23 leaves no room for a fraction, so the processor rounds, and n is in the low bits. */
static inline vector sigmoid(vector x)
{
    const vector high = (vector){0} + 87.0f, rounder = (vector){0} + 12582912.0f;
    const integers below = x < -high, above = x > high; /* all bits of a lane, or none */
    x = (vector)(((integers)x & ~(below | above)) | ((integers)-high & below) | ((integers)high & above));
    const vector sum = x * -1.44269504f + rounder, n = sum - rounder;
    const vector r = -x - n * 0.693359375f + n * 2.12194440e-4f;
    const vector e_r = 1 + r * (1 + r * (0.5f + r * (1.f / 6 + r * (1.f / 24 + r * (1.f / 120 + r * (1.f / 720))))));
    return 1 / (1 + e_r * (vector)(((integers)sum << 23) + 0x3f800000));
}

static inline vector hyperbolic(vector x) { return 2 * sigmoid(2 * x) - 1; } /* tanh */

static inline void cell(vector i, vector f, vector g, vector o, float *c, float *h)
{
    const vector state = sigmoid(f) * *(vector *)c + sigmoid(i) * hyperbolic(g);
    *(vector *)c = state;
    *(vector *)h = sigmoid(o) * hyperbolic(state);
}

#endif
