/* exp, tanh and the logistic sigmoid, written so that a loop over them becomes vector instructions: no branch,
 * no table, no call.
 *
 * exp:   x = n ln 2 + r with n whole and |r| <= ln 2 / 2, so e^x = 2^n e^r. e^r is its Taylor series, cut where
 *        the next term is below the rounding error (r^8/8! < 6e-9 in float32, r^14/14! < 5e-18 in float64).
 *        n comes out of adding 1.5 * 2^23 (or 2^52): the sum has no room for a fraction, so the processor rounds
 *        it, and n stands in the low bits of the sum. This is why the build must not reorder additions.
 * expm1: e^x - 1 = 2^n (e^r - 1) + (2^n - 1), exact to the last digits also near 0.
 *
 * Error bounds, in units in the last place: 1.1 for exp, 2.5 for sigmoid, 2.6 for tanh. (Measured, with and without
 * fused multiplications: for all float32 up to 2^7 in size, and for 60 million float64; tests/kernels/test_vmath.py
 * holds them against wider arithmetic.) Where the value lies below the smallest normal number, exp and sigmoid are 0;
 * exp is infinite from 2^127.5 (2^1023.5) on, half a binary order early; NaN passes through.
 */
#ifndef NNLITE_VMATH_H
#define NNLITE_VMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float float_from_bits(int32_t bits) { float x; memcpy(&x, &bits, sizeof x); return x; }
static inline int32_t bits_of_float(float x) { int32_t bits; memcpy(&bits, &x, sizeof x); return bits; }
static inline double double_from_bits(int64_t bits) { double x; memcpy(&x, &bits, sizeof x); return x; }
static inline int64_t bits_of_double(double x) { int64_t bits; memcpy(&bits, &x, sizeof x); return bits; }

/* 2^n and e^r - 1 of one argument: what exp and expm1 are made of. */
typedef struct { float scale, expm1_r; } exp_parts_f32;
typedef struct { double scale, expm1_r; } exp_parts_f64;

static inline exp_parts_f32 split_exp_f32(float x)
{
    const float rounder = 12582912.0f;                     /* 1.5 * 2^23 */
    const float sum = x * 1.44269504f + rounder;           /* low bits: n = round(x / ln 2) */
    const float n = sum - rounder;
    const float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;   /* ln 2 in two parts: n times the first is exact */
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 1.0f / 2;
    const uint32_t exponent = (uint32_t)bits_of_float(sum) << 23;   /* unsigned: the upper bits fall off */
    return (exp_parts_f32){float_from_bits((int32_t)(exponent + (127u << 23))), p * r * r + r};
}

static inline exp_parts_f64 split_exp_f64(double x)
{
    const double rounder = 6755399441055744.0;             /* 1.5 * 2^52 */
    const double sum = x * 1.4426950408889634 + rounder;
    const double n = sum - rounder;
    const double r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
    double p = 1.0 / 6227020800;
    p = p * r + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 1.0 / 2;
    const uint64_t exponent = (uint64_t)bits_of_double(sum) << 52;
    return (exp_parts_f64){double_from_bits((int64_t)(exponent + (1023ull << 52))), p * r * r + r};
}

/* The comparisons are written so that NaN fails them and stays NaN. */
static inline float exp_f32(float x)
{
    const float lowest = -87.33654f, highest = 88.37626f;  /* ln 2^-126 and ln 2^127.5 */
    float inside = x < lowest ? lowest : x;
    inside = inside > highest ? highest : inside;
    const exp_parts_f32 e = split_exp_f32(inside);
    const float y = e.expm1_r * e.scale + e.scale;
    return x < lowest ? 0.0f : x > highest ? INFINITY : y;
}

static inline double exp_f64(double x)
{
    const double lowest = -708.3964185322641, highest = 709.4361393031039;  /* ln 2^-1022 and ln 2^1023.5 */
    double inside = x < lowest ? lowest : x;
    inside = inside > highest ? highest : inside;
    const exp_parts_f64 e = split_exp_f64(inside);
    const double y = e.expm1_r * e.scale + e.scale;
    return x < lowest ? 0.0 : x > highest ? (double)INFINITY : y;
}

/* sigmoid(x) = 1 / (1 + e^-x) */
static inline float sigmoid_f32(float x)
{
    const float lowest = -87.33654f;
    float t = x < lowest ? -lowest : -x;
    t = t < lowest ? lowest : t;
    const exp_parts_f32 e = split_exp_f32(t);
    const float y = 1.0f / (1.0f + (e.expm1_r * e.scale + e.scale));
    return x < lowest ? 0.0f : y;
}

static inline double sigmoid_f64(double x)
{
    const double lowest = -708.3964185322641;
    double t = x < lowest ? -lowest : -x;
    t = t < lowest ? lowest : t;
    const exp_parts_f64 e = split_exp_f64(t);
    const double y = 1.0 / (1.0 + (e.expm1_r * e.scale + e.scale));
    return x < lowest ? 0.0 : y;
}

/* tanh(|x|) = -m / (2 + m) with m = e^(-2|x|) - 1; from |x| = 10 (20) on it is 1 to the last digit. */
static inline float tanh_f32(float x)
{
    const float a = fabsf(x);
    const exp_parts_f32 e = split_exp_f32(-2.0f * (a > 10.0f ? 10.0f : a));
    const float m = e.expm1_r * e.scale + (e.scale - 1.0f);
    return copysignf(-m / (2.0f + m), x);
}

static inline double tanh_f64(double x)
{
    const double a = fabs(x);
    const exp_parts_f64 e = split_exp_f64(-2.0 * (a > 20.0 ? 20.0 : a));
    const double m = e.expm1_r * e.scale + (e.scale - 1.0);
    return copysign(-m / (2.0 + m), x);
}

#endif
