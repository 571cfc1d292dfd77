/* Register tile.
 *
 * Six pixels side by side, by two vectors of filters: their twelve sums stay in registers from the first product to the
 * last. Twelve multiply-adds need eight loads, of six pixels and two vectors of weights, and no store.
 */
#include "conv2d.h"

static void tile(const Sizes *s, const float *x, const float *W, float *y)
{
    vector sum[ROWS][2] = {0};
    for (int i = 0; i < s->kh; i++)
        for (int j = 0; j < s->kw; j++)
            for (int c = 0; c < s->C; c++, W += s->F)
                EACH(r, ROWS) EACH(v, 2) sum[r][v] += x[(i * s->W + j + r) * s->C + c] * ((const vector *)W)[v];
    EACH(r, ROWS) memcpy(y + r * s->F, sum[r], sizeof sum[r]);
}

void forward(const Sizes *s, const float *x, const float *W, const float *b, float *y, float *work)
{
    for (int p = 0; p < s->N * s->OH * s->OW; p += ROWS)
        for (int f = 0; f < s->F; f += WIDTH)
            tile(s, window(s, x, p), W + f, y + p * s->F + f);
    add_bias(s, b, y);
}
