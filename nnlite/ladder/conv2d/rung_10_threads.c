/* Threads.
 *
 * The tiles do not need each other, so every core takes a part of them. No sum is split: its order, and so each bit of
 * the result, is the same for any number of threads.
 */
#include "conv2d.h"

static void tile(const Sizes *s, const float *x, const float *panel, const float *b, float *y)
{
    vector sum[ROWS][2];
    EACH(r, ROWS) memcpy(sum[r], b, sizeof sum[r]);
    for (int i = 0; i < s->kh; i++, x += s->W * s->C)
        for (int k = 0; k < s->kw * s->C; k++, panel += WIDTH)
            EACH(r, ROWS) EACH(v, 2) sum[r][v] += x[r * s->C + k] * ((const vector *)panel)[v];
    EACH(r, ROWS) memcpy(y + r * s->F, sum[r], sizeof sum[r]);
}

void forward(const Sizes *s, const float *x, const float *W, const float *b, float *y, float *panel)
{
    for (int f = 0; f < s->F; f += WIDTH) {
        for (int k = 0; k < s->kh * s->kw * s->C; k++)
            memcpy(panel + k * WIDTH, W + k * s->F + f, WIDTH * sizeof(float));
#pragma omp parallel for num_threads(s->threads)
        for (int p = 0; p < s->N * s->OH * s->OW; p += ROWS)
            tile(s, window(s, x, p), panel, b + f, y + p * s->F + f);
    }
}
