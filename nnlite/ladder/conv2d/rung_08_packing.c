/* Packing.
 *
 * A tile needs two vectors of each row of W, and skips the rest of the row. Copied into a panel, they follow each other:
 * memory is read from one end to the other, and all pixels meet one panel, in the nearest cache, before the next.
 */
#include "conv2d.h"

static void tile(const Sizes *s, const float *x, const float *panel, float *y)
{
    vector sum[ROWS][2] = {0};
    for (int i = 0; i < s->kh; i++)
        for (int j = 0; j < s->kw; j++)
            for (int c = 0; c < s->C; c++, panel += WIDTH)
                EACH(r, ROWS) EACH(v, 2) sum[r][v] += x[(i * s->W + j + r) * s->C + c] * ((const vector *)panel)[v];
    EACH(r, ROWS) memcpy(y + r * s->F, sum[r], sizeof sum[r]);
}

void forward(const Sizes *s, const float *x, const float *W, const float *b, float *y, float *panel)
{
    for (int f = 0; f < s->F; f += WIDTH) {
        for (int k = 0; k < s->kh * s->kw * s->C; k++)
            memcpy(panel + k * WIDTH, W + k * s->F + f, WIDTH * sizeof(float));
        for (int p = 0; p < s->N * s->OH * s->OW; p += ROWS)
            tile(s, window(s, x, p), panel, y + p * s->F + f);
    }
    add_bias(s, b, y);
}
