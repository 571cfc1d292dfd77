/* Threads.
 *
 * Steps wait for each other, the rows of a batch do not. So each core takes some rows through all of time, and none waits
 * for another before the end.
 */
#include "cell.h"
#include "lstm.h"

static void tile(const Sizes *s, const float *z, const float *panel, const float *h, float *c, float *y)
{
    const int H = s->H, T = s->T;
    vector sum[CELLS][4];
    EACH(r, CELLS) EACH(gate, 4) sum[r][gate] = *(const vector *)(z + r * T * 4 * H + gate * H);
    for (int k = 0; k < (h ? H : 0); k++, panel += 4 * LANES)
        EACH(r, CELLS) EACH(gate, 4) sum[r][gate] += h[r * T * H + k] * ((const vector *)panel)[gate];
    EACH(r, CELLS) cell(sum[r][0], sum[r][1], sum[r][2], sum[r][3], c + r * H, y + r * T * H);
}

void forward(const Sizes *s, const float *x, const float *Wx, const float *Wh, const float *b, float *y, float *work)
{
    const int N = s->N, T = s->T, H = s->H;
    float *c = work, *z = c + N * H, *panels = z + N * T * 4 * H;
    begin(s, x, Wx, b, c, z, panels);
    pack_gates(H, Wh, panels);
    const int rows = (N / CELLS + s->threads - 1) / s->threads * CELLS;
#pragma omp parallel for num_threads(s->threads)
    for (int first = 0; first < N; first += rows)
        for (int t = 0; t < T; t++)
            for (int j = 0; j < H; j += LANES)
                for (int n = first; n < first + rows && n < N; n += CELLS)
                    tile(s, z + (n * T + t) * 4 * H + j, panels + j * 4 * H, t ? y + (n * T + t - 1) * H : NULL,
                         c + n * H + j, y + (n * T + t) * H + j);
}
