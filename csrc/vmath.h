/* exp, tanh, the logistic sigmoid and the normal distribution, written so that a loop over them becomes vector
 * instructions: no branch, no table, no call.
 *
 * exp:   x = n ln 2 + r with n whole and |r| <= ln 2 / 2, so e^x = 2^n e^r. e^r is its Taylor series, cut where
 *        the next term is below the rounding error (r^8/8! < 6e-9 in float32, r^14/14! < 5e-18 in float64).
 *        n comes out of adding 1.5 * 2^23 (or 2^52): the sum has no room for a fraction, so the processor rounds
 *        it, and n stands in the low bits of the sum. This is why the build must not reorder additions.
 * expm1: e^x - 1 = 2^n (e^r - 1) + (2^n - 1), exact to the last digits also near 0.
 *
 * Error bounds, in units in the last place: 1.1 for exp, 2.5 for sigmoid, 2.6 for tanh, 12 for normal_cdf. (Measured,
 * with and without fused multiplications: for all float32 up to 2^7 in size, and for 60 million float64, normal_cdf for
 * fewer; tests/kernels/test_vmath.py holds them against wider arithmetic.) Where the value lies below the smallest
 * normal number, exp and sigmoid are 0, and normal_cdf where e^(-x^2/2) does; exp is infinite from 2^127.5 (2^1023.5)
 * on, half a binary order early; NaN passes through.
 */
#ifndef NNLITE_VMATH_H
#define NNLITE_VMATH_H

#define exp_of(x) BY_TYPE(x, exp)(x)
#define sigmoid_of(x) BY_TYPE(x, sigmoid)(x)
#define tanh_of(x) BY_TYPE(x, tanh)(x)
#define normal_cdf_of(x) BY_TYPE(x, normal_cdf)(x)
#define normal_density_of(x) BY_TYPE(x, normal_density)(x)

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

/* The normal distribution. With a = |x|
 *
 *     density(x) = e^(-a^2/2) / sqrt(2 pi)            Phi(x) = e^(-a^2/2) R(a) for x <= 0, one minus that for x > 0
 *
 * where R(a) = e^(a^2/2) Phi(-a) falls slowly from 1/2 to 1/(a sqrt(2 pi)). R is the quotient of two polynomials,
 * fitted over all a for which e^(-a^2/2) is not 0, with a relative error of 5.2e-9 (float32) and 5.3e-17 (float64). So
 * Phi keeps its digits where it is small, which 1/2 + erf(x / sqrt 2)/2 loses. a^2 is large there, and its rounding
 * would cost some: it is taken exactly, as the rounded square and a rest, from the two halves of a's digits.
 */
typedef struct { float gauss, tail; } normal_parts_f32;      /* e^(-a^2/2), and Phi(-a) */
typedef struct { double gauss, tail; } normal_parts_f64;

static inline normal_parts_f32 split_normal_f32(float x)
{
    const float far = 40.0f;
    float a = fabsf(x);
    a = a > far ? far : a;
    const float high = float_from_bits(bits_of_float(a) & ~0xfff);
    const float low = a - high, square = a * a;
    const float rest = ((high * high - square) + 2.0f * high * low) + low * low;
    const float g = exp_f32(-0.5f * square) * (1.0f - 0.5f * rest);
    float p = 0.0040289369f;
    p = p * a + 0.0400433911f;
    p = p * a + 0.181482896f;
    p = p * a + 0.435924902f;
    p = p * a + 0.5f;
    float q = 0.0100989062f;
    q = q * a + 0.100381191f;
    q = q * a + 0.464845212f;
    q = q * a + 1.19521717f;
    q = q * a + 1.66973473f;
    q = q * a + 1.0f;
    return (normal_parts_f32){g, g * (p / q)};
}

static inline normal_parts_f64 split_normal_f64(double x)
{
    const double far = 40.0;
    double a = fabs(x);
    a = a > far ? far : a;
    const double high = double_from_bits(bits_of_double(a) & ~0x7ffffffll);
    const double low = a - high, square = a * a;
    const double rest = ((high * high - square) + 2.0 * high * low) + low * low;
    const double g = exp_f64(-0.5 * square) * (1.0 - 0.5 * rest);
    double p = 1.3713849775442775e-06;
    p = p * a + 3.6935564436078786e-05;
    p = p * a + 0.00048693295750949935;
    p = p * a + 0.0040653500538333906;
    p = p * a + 0.023510124894260589;
    p = p * a + 0.097333277469765472;
    p = p * a + 0.28852008855320982;
    p = p * a + 0.59291279489738191;
    p = p * a + 0.77409466823505302;
    p = p * a + 0.5;
    double q = 3.4375523601281086e-06;
    q = q * a + 9.2583730152600143e-05;
    q = q * a + 0.0012239974717178047;
    q = q * a + 0.010282905109453318;
    q = q * a + 0.060144829063008748;
    q = q * a + 0.25398348705204599;
    q = q * a + 0.77973726449616088;
    q = q * a + 1.7107314286743447;
    q = q * a + 2.5577217309317573;
    q = q * a + 2.3460738972729627;
    q = q * a + 1.0;
    return (normal_parts_f64){g, g * (p / q)};
}

static inline float normal_cdf_f32(float x)
{
    const float tail = split_normal_f32(x).tail;
    return x > 0.0f ? 1.0f - tail : tail;
}

static inline float normal_density_f32(float x) { return split_normal_f32(x).gauss * 0.398942280f; }

static inline double normal_cdf_f64(double x)
{
    const double tail = split_normal_f64(x).tail;
    return x > 0.0 ? 1.0 - tail : tail;
}

static inline double normal_density_f64(double x) { return split_normal_f64(x).gauss * 0.39894228040143268; }

#endif
