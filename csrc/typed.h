/* One source for float and double: the inner loops of the kernels, each compiled for both.
 *
 * Such a header is written for REAL, and TYPED(name) in it is name_f32 or name_f64. It is included here, once for each
 * type; what is the same for both stands behind a guard in its first lines. BY_TYPE then gives the two functions one
 * name: row_sum(n, x) is row_sum_f32 where x is an array of floats.
 *
 * So a .pxd declares a function once. Cython knows no such names: what it is told is `void *`, or double, and the C
 * compiler, which sees what really comes, checks it.
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
#define INLINE static inline __attribute__((always_inline)) /* so that arguments can be constants inside */
#define SHARED static __attribute__((unused))               /* one copy in each kernel that calls it */
#define NOINLINE static __attribute__((noinline, unused))   /* a function with the registers to itself */

#include "vmath.h"

#define REAL float
#define BITS int32_t
#define SUFFIX _half_f32
#define BYTES HALF_VECTOR_BYTES
#include "tile.h"
#undef SUFFIX
#undef BYTES
#define SUFFIX _f32
#define HALF(name) JOIN(name, _half_f32)
#define BYTES VECTOR_BYTES
#include "tile.h"
#include "row.h"
#include "winograd.h"
#include "pool.h"
#undef REAL
#undef BITS
#undef SUFFIX
#undef HALF
#undef BYTES

#define REAL double
#define BITS int64_t
#define SUFFIX _half_f64
#define BYTES HALF_VECTOR_BYTES
#include "tile.h"
#undef SUFFIX
#undef BYTES
#define SUFFIX _f64
#define HALF(name) JOIN(name, _half_f64)
#define BYTES VECTOR_BYTES
#include "tile.h"
#include "row.h"
#include "winograd.h"
#include "pool.h"
#undef REAL
#undef BITS
#undef SUFFIX
#undef HALF
#undef BYTES

#endif
