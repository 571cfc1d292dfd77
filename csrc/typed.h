/* One source for float and double: the inner loops of the kernels, each compiled for both.
 *
 * The headers of loops.h are written for REAL, and TYPED(name) in them is name_f32 or name_f64. They are included here
 * once for each type; what is the same for both is behind a guard in their first lines. PICK chooses what is not, such
 * as a constant's digits. BY_TYPE then gives the two functions one name: row_sum(n, x) is row_sum_f32 where x is an
 * array of floats.
 *
 * So a .pxd declares a function once. Cython does not know such names: it is told `void *`, or double, and the C
 * compiler, which sees the real types, checks them.
 */
#ifndef NNLITE_TYPED_H
#define NNLITE_TYPED_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "host.h"

#define JOIN_(name, suffix) name##suffix
#define JOIN(name, suffix) JOIN_(name, suffix)
#define TYPED(name) JOIN(name, SUFFIX)
#define BY_TYPE(x, name)                                                                                    \
    _Generic((x), float: name##_f32, float *: name##_f32, const float *: name##_f32,                       \
                  double: name##_f64, double *: name##_f64, const double *: name##_f64)

#define LANES ((int)(VECTOR_BYTES / sizeof(REAL)))
#if MULTIPLY_ADD
#define FUSED(a, b, c) PICK(__builtin_fmaf, __builtin_fma)(a, b, c) /* a b + c, rounded once */
#else
#define FUSED(a, b, c) ((a) * (b) + (c))
#endif
#define INLINE static inline __attribute__((always_inline)) /* so that arguments can be constants inside */
#define SHARED static __attribute__((unused))               /* one copy in each kernel that calls it */
#define NOINLINE static __attribute__((noinline, unused))   /* a function with the registers to itself */

#define REAL float
#define BITS int32_t
#define UBITS uint32_t
#define PICK(of_float, of_double) of_float
#define TYPE f32
#include "loops.h"
#undef REAL
#undef BITS
#undef UBITS
#undef PICK
#undef TYPE

#define REAL double
#define BITS int64_t
#define UBITS uint64_t
#define PICK(of_float, of_double) of_double
#define TYPE f64
#include "loops.h"

#endif
