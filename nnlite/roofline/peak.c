/* What one core can do: multiply-adds on numbers in registers, and numbers from each level of memory. */
#include <stdlib.h>
#include <time.h>
#include "vectors.h"

enum { SUMS = 12, TURNS = 1000000, TRIES = 50, LINE = 64 };

static double seconds(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

int vector_bits(void) { return 8 * VECTOR_BYTES; }

/* Float32 operations per second, a multiply-add counting as two. Twelve sums, since a multiply-add takes four cycles and
 * up to two start per cycle. The best of many tries counts, since other load only lowers it. */
double peak(void)
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
    volatile float result = sum[0][0]; /* somebody wants it, so it is computed */
    (void)result;
    return 2.0 * TURNS * SUMS * LANES / best;
}

/* Bytes per second of a = b + s c, over three arrays of so many bytes in all: two numbers are read for one that is
 * written. 0 where there is no such memory. */
double bandwidth(size_t bytes)
{
    size_t lines = bytes / (3 * LINE), n = lines * (LINE / sizeof(vector)), turns = 1 + (16 << 20) / bytes;
    vector *a = aligned_alloc(LINE, 3 * LINE * lines), *b = a + n, *c = b + n, s = (vector){0} + 0.5f;
    double best = 1e9, start;
    if (!a)
        return 0;
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
    return 3.0 * LINE * lines * turns / best;
}
