/* Register tile and packed weights.
 *
 * The products are those of the other ladder, with sums in registers and weights in panels. They are now fast, and what
 * is left is exp and tanh: five calls for each unit and step, one number at a time. NumPy computes them in vectors.
 */
#include <math.h>
#include "lstm.h"

static float gate(float z) { return 1 / (1 + expf(-z)); }

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
            for (int j = 0; j < H; j++) {
                const float *u = z + (n * T + t) * 4 * H + j;
                c[n * H + j] = gate(u[H]) * c[n * H + j] + gate(u[0]) * tanhf(u[2 * H]);
                y[(n * T + t) * H + j] = gate(u[3 * H]) * tanhf(c[n * H + j]);
            }
    }
}
