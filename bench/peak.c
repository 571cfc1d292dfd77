/* Peak multiply-add throughput of one core: a loop of multiply-adds on numbers in registers.
 *
 * Twelve sums, since a multiply-add takes four cycles and up to two start per cycle; vectors as wide as the kernels'
 * (csrc/host.h). Prints float32 operations per second in GFLOP/s, a multiply-add counting as two: the best of many
 * tries, since other load only lowers it.
 */
#include <stdio.h>
#include <time.h>
#include "host.h"

typedef float vector __attribute__((vector_size(VECTOR_BYTES)));
enum { SUMS = 12, TURNS = 1000000, TRIES = 50 };

static double seconds(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

int main(void)
{
    vector sum[SUMS], x = (vector){0} + 1e-9f, y = (vector){0} + 0.999f;
    double best = 1e9, start;
    for (int i = 0; i < SUMS; i++)
        sum[i] = (vector){0} + (float)i; /* equal sums would be computed once */
    for (int try = 0; try < TRIES; try++) {
        start = seconds();
        for (int turn = 0; turn < TURNS; turn++)
            _Pragma("GCC unroll 12") for (int i = 0; i < SUMS; i++) sum[i] = sum[i] * y + x;
        start = seconds() - start;
        best = start < best ? start : best;
    }
    for (int i = 1; i < SUMS; i++)
        sum[0] += sum[i];
    fprintf(stderr, "%g\n", (double)sum[0][0]); /* prints the result, so that it is computed */
    printf("%.1f\n", 1e-9 * TURNS * SUMS * 2 * (VECTOR_BYTES / sizeof(float)) / best);
    return 0;
}
