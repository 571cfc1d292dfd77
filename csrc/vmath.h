/* exp, tanh, the logistic sigmoid, the normal distribution and GELU, written so that a loop over them becomes vector
 * instructions: no branch, no table, no call.
 *
 * exp:   x = n ln 2 + r with n whole and |r| <= ln 2 / 2, so e^x = 2^n e^r. e^r is its Taylor series, cut where
 *        the next term is below the rounding error (r^8/8! < 6e-9 in float32, r^14/14! < 5e-18 in float64).
 *        n comes out of adding 1.5 * 2^23 (or 2^52): the sum has no room for a fraction, so the processor rounds
 *        it, and n stands in the low bits of the sum. This is why the build must not reorder additions.
 * expm1: e^x - 1 = 2^n (e^r - 1) + (2^n - 1), exact to the last digits also near 0.
 *
 * Error bounds, in units in the last place: 1.1 for exp, 2.5 for sigmoid, 2.6 for tanh, 12 for normal_cdf and gelu.
 * (Measured, with and without fused multiplications: for all float32 up to 2^7 in size, and for 60 million float64, the
 * last two for fewer; tests/kernels/test_vmath.py holds them against wider arithmetic.) Where the value lies below the
 * smallest normal number it is 0 (host.h); exp is infinite from 2^127.5 (2^1023.5) on, half a binary order early; NaN
 * passes through.
 */
#ifndef NNLITE_VMATH_H
#define NNLITE_VMATH_H

#define exp_of(x) BY_TYPE(x, exp)(x)
#define sigmoid_of(x) BY_TYPE(x, sigmoid)(x)
#define tanh_of(x) BY_TYPE(x, tanh)(x)
#define normal_cdf_of(x) BY_TYPE(x, normal_cdf)(x)
#define gelu_of(x) BY_TYPE(x, gelu)(x)
#define gelu_slope_of(x) BY_TYPE(x, gelu_slope)(x)

/* The polynomials, the highest power first: (e^r - 1 - r) / r^2, then numerator and denominator of R. */
static const float exp_series_f32[] = {1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 1.0f / 2};
static const double exp_series_f64[] = {
    1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320,
    1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2,
};
static const float tail_over_f32[] = {0.0040289369f, 0.0400433911f, 0.181482896f, 0.435924902f, 0.5f};
static const float tail_under_f32[] = {0.0100989062f, 0.100381191f, 0.464845212f, 1.19521717f, 1.66973473f, 1.0f};
static const double tail_over_f64[] = {
    1.3713849775442775e-06, 3.6935564436078786e-05, 0.00048693295750949935, 0.0040653500538333906, 0.023510124894260589,
    0.097333277469765472, 0.28852008855320982, 0.59291279489738191, 0.77409466823505302, 0.5,
};
static const double tail_under_f64[] = {
    3.4375523601281086e-06, 9.2583730152600143e-05, 0.0012239974717178047, 0.010282905109453318, 0.060144829063008748,
    0.25398348705204599, 0.77973726449616088, 1.7107314286743447, 2.5577217309317573, 2.3460738972729627, 1.0,
};

#define POLYNOMIAL(coefficients, x) \
    TYPED(polynomial)(sizeof(coefficients) / sizeof *(coefficients), coefficients, x)

#endif

static inline REAL TYPED(from_bits)(BITS bits) { REAL x; memcpy(&x, &bits, sizeof x); return x; }
static inline BITS TYPED(bits_of)(REAL x) { BITS bits; memcpy(&bits, &x, sizeof x); return bits; }

INLINE REAL TYPED(polynomial)(const int n, const REAL *coefficients, REAL x)
{
    REAL p = coefficients[0];
    UNROLL for (int i = 1; i < n; i++)
        p = p * x + coefficients[i];
    return p;
}

/* 2^n and e^r - 1 of one argument: what exp and expm1 are made of. The argument is x - rest, where rest is less than
 * the last digit of x. */
typedef struct { REAL scale, expm1_r; } TYPED(exp_parts);

INLINE TYPED(exp_parts) TYPED(split_exp)(REAL x, REAL rest)
{
    const REAL rounder = PICK(12582912.0f, 6755399441055744.0);                /* 1.5 * 2^23, or 2^52 */
    const REAL sum = x * PICK(1.44269504f, 1.4426950408889634) + rounder;      /* low bits: n = round(x / ln 2) */
    const REAL n = sum - rounder;
    const REAL ln2_high = PICK(0.693359375f, 6.93147180369123816490e-01);      /* n times it is exact */
    const REAL ln2_low = PICK(-2.12194440e-4f, 1.90821492927058770002e-10);
    const REAL r = ((x - n * ln2_high) - n * ln2_low) - rest;
    const int digits = PICK(23, 52);
    const BITS bias = PICK(127, 1023);
    const UBITS exponent = (UBITS)TYPED(bits_of)(sum) << digits;               /* unsigned: the upper bits fall off */
    const REAL p = POLYNOMIAL(TYPED(exp_series), r);
    return (TYPED(exp_parts)){TYPED(from_bits)((BITS)(exponent + ((UBITS)bias << digits))), p * r * r + r};
}

/* The comparisons are written so that NaN fails them and stays NaN. */
INLINE REAL TYPED(exp)(REAL x)
{
    const REAL lowest = PICK(-87.33654f, -708.3964185322641);                  /* ln 2^-126, or 2^-1022 */
    const REAL highest = PICK(88.37626f, 709.4361393031039);                   /* ln 2^127.5, or 2^1023.5 */
    REAL inside = x < lowest ? lowest : x;
    inside = inside > highest ? highest : inside;
    const TYPED(exp_parts) e = TYPED(split_exp)(inside, 0);
    const REAL y = (1 + e.expm1_r) * e.scale;                                  /* their product may be subnormal */
    return x < lowest ? 0 : x > highest ? (REAL)INFINITY : y;
}

/* sigmoid(x) = 1 / (1 + e^-x) */
INLINE REAL TYPED(sigmoid)(REAL x)
{
    const REAL lowest = PICK(-87.33654f, -708.3964185322641);
    REAL t = x < lowest ? -lowest : -x;
    t = t < lowest ? lowest : t;
    const TYPED(exp_parts) e = TYPED(split_exp)(t, 0);
    const REAL y = 1 / (1 + (e.expm1_r * e.scale + e.scale));
    return x < lowest ? 0 : y;
}

/* tanh(|x|) = -m / (2 + m) with m = e^(-2|x|) - 1; from |x| = 10 (20) on it is 1 to the last digit. */
INLINE REAL TYPED(tanh)(REAL x)
{
    const REAL far = PICK(10.0f, 20.0), a = PICK(fabsf, fabs)(x);
    const TYPED(exp_parts) e = TYPED(split_exp)(-2 * (a > far ? far : a), 0);
    const REAL m = e.expm1_r * e.scale + (e.scale - 1);
    return PICK(copysignf, copysign)(-m / (2 + m), x);
}

/* The normal distribution. With a = |x|
 *
 *     density(x) = e^(-a^2/2) / sqrt(2 pi)            Phi(x) = e^(-a^2/2) R(a) for x <= 0, one minus that for x > 0
 *
 * where R(a) = e^(a^2/2) Phi(-a) falls slowly from 1/2 to 1/(a sqrt(2 pi)). R is the quotient of two polynomials,
 * fitted over all a for which e^(-a^2/2) is not 0, with a relative error of 5.2e-9 (float32) and 5.3e-17 (float64). So
 * Phi keeps its digits where it is small, which 1/2 + erf(x / sqrt 2)/2 loses. a^2 is large there, and its rounding
 * would cost some: it is taken exactly, as the rounded square and a rest.
 */
typedef struct { REAL a, gauss, R; } TYPED(normal_parts);      /* |x|, e^(-a^2/2), and R(a) */

INLINE TYPED(normal_parts) TYPED(split_normal)(REAL x)
{
    const REAL far = PICK(13.266f, 37.659), half = 0.5;         /* where 2^n of e^(-a^2/2) is 0 in place of 2^-127 */
    REAL a = PICK(fabsf, fabs)(x);
    a = a > far ? far : a;
    const REAL square = a * a;
#if MULTIPLY_ADD
    const REAL rest = FUSED(a, a, -square);
#else /* from the two halves of a's digits */
    const REAL high = TYPED(from_bits)(TYPED(bits_of)(a) & ~(BITS)PICK(0xfff, 0x7ffffff)), low = a - high;
    const REAL rest = ((high * high - square) + 2 * high * low) + low * low;
#endif
    const TYPED(exp_parts) e = TYPED(split_exp)(-half * square, half * rest);
    const REAL g = (1 + e.expm1_r) * e.scale;
    return (TYPED(normal_parts)){a, g, POLYNOMIAL(TYPED(tail_over), a) / POLYNOMIAL(TYPED(tail_under), a)};
}

INLINE REAL TYPED(normal_cdf)(REAL x)
{
    const TYPED(normal_parts) z = TYPED(split_normal)(x);
    const REAL tail = z.gauss * z.R;
    return x > 0 ? 1 - tail : tail;
}

/* x Phi(x), where Phi is 1 minus the tail for x > 0. Nothing becomes infinity times 0: a is limited. */
INLINE REAL TYPED(gelu)(REAL x)
{
    const TYPED(normal_parts) z = TYPED(split_normal)(x);
    return (x < 0 ? 0 : x) - z.a * (z.gauss * z.R);
}

/* Its derivative, Phi(x) + x density(x). Of two products, one from the other, a compiler may round either, and on ARM took
 * one in vectors and the other in what is left over: here the second is rounded. */
INLINE REAL TYPED(gelu_slope)(REAL x)
{
    const TYPED(normal_parts) z = TYPED(split_normal)(x);
    const REAL density = z.a * PICK(0.398942280f, 0.39894228040143268) * z.gauss;
    const REAL left = FUSED(z.gauss, z.R, -density);
    return x > 0 ? 1 - left : left;
}
