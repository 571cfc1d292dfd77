/* What one core can do: multiply-adds on numbers in registers, and numbers from each level of memory.
 *
 *   peak [BYTES ...]
 *
 * prints first the bits of a vector, as wide as the kernels' (csrc/host.h), and float32 operations per second in
 * GFLOP/s, a multiply-add counting as two. Twelve sums, since a multiply-add takes four cycles and up to two start per
 * cycle. Then for each size the bandwidth in GB/s of a = b + s c, over three arrays of so many bytes in all: two
 * numbers are read for one that is written. The best of many tries counts, since other load only lowers it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "host.h"

typedef float vector __attribute__((vector_size(VECTOR_BYTES)));
enum { SUMS = 12, TURNS = 1000000, TRIES = 50, LINE = 64 };

static double seconds(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static double peak(void)
{
    vector sum[SUMS], x = (vector){0} + 1e-9f, y = (vector){0} + 0.999f;
    double best = 1e9, start;
    for (int i = 0; i < SUMS; i++)
        sum[i] = (vector){0} + (float)i; /* equal sums would be computed once */
    for (int try = 0; try < TRIES; try++) {
        start = seconds();
        for (int turn = 0; turn < TURNS; turn++)
            UNROLL for (int i = 0; i < SUMS; i++) sum[i] = sum[i] * y + x;
        start = seconds() - start;
        best = start < best ? start : best;
    }
    for (int i = 1; i < SUMS; i++)
        sum[0] += sum[i];
    fprintf(stderr, "%g\n", (double)sum[0][0]); /* prints the result, so that it is computed */
    return 1e-9 * TURNS * SUMS * 2 * (VECTOR_BYTES / sizeof(float)) / best;
}

static double bandwidth(size_t bytes)
{
    size_t lines = bytes / (3 * LINE), n = lines * (LINE / sizeof(vector)), turns = 1 + (16 << 20) / bytes;
    vector *a = aligned_alloc(LINE, 3 * LINE * lines), *b = a + n, *c = b + n, s = (vector){0} + 0.5f;
    double best = 1e9, start;
    for (size_t i = 0; i < 3 * n; i++)
        a[i] = s;
    for (int try = 0; try < TRIES; try++) {
        start = seconds();
        for (size_t turn = 0; turn < turns; turn++) {
            for (size_t i = 0; i < n; i++)
                a[i] = b[i] + s * c[i];
            __asm__ volatile("" : : "r"(a) : "memory"); /* computes each turn anew */
        }
        start = seconds() - start;
        best = start < best ? start : best;
    }
    free(a);
    return 1e-9 * turns * 3 * LINE * lines / best;
}

int main(int count, char **sizes)
{
    printf("%d %.1f\n", 8 * VECTOR_BYTES, peak());
    for (int i = 1; i < count; i++)
        printf("%.1f\n", bandwidth(strtoull(sizes[i], NULL, 10)));
    return 0;
}
