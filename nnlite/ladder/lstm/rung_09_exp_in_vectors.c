/* exp in vectors.
 *
 * The exponential function as a polynomial, without a branch or a table (cell.h): one formula for all numbers of a
 * vector. tanh(x) is 2 sigmoid(2 x) - 1.
 */
#include "cell.h"
#include "lstm.h"

void forward(const Sizes *s, const float *x, const float *Wx, const float *Wh, const float *b, float *y, float *work)
{
    const int N = s->N, T = s->T, H = s->H;
    float *c = work, *z = c + N * H, *panels = z + N * T * 4 * H;
    begin(s, x, Wx, b, c, z, panels);
    pack(H, 4 * H, WIDTH, Wh, panels);
    for (int t = 0; t < T; t++) {
        if (t)
            product(N, H, 4 * H, y + (t - 1) * H, T * H, panels, z + t * 4 * H, T * 4 * H, z + t * 4 * H, T * 4 * H);
        for (int n = 0; n < N; n++)
            for (int j = 0; j < H; j += LANES) {
                const float *u = z + (n * T + t) * 4 * H + j;
                cell(*(const vector *)u, *(const vector *)(u + H), *(const vector *)(u + 2 * H),
                     *(const vector *)(u + 3 * H), c + n * H + j, y + (n * T + t) * H + j);
            }
    }
}
