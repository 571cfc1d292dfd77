/* The vector registers of the CPU that is compiled for: how many, and LANES floats in each. As csrc/host.h has it, which
 * an installed nnlite is without.
 */
#ifndef NNLITE_VECTORS_H
#define NNLITE_VECTORS_H

#if defined(__AVX512F__) || defined(__aarch64__)
#define REGISTERS 32
#else
#define REGISTERS 16
#endif
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
#define LANES ((int)(VECTOR_BYTES / sizeof(float)))

/* At any address. */
typedef float vector __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(float)), may_alias));

#if defined(__clang__) /* without it what a loop indexes stays in memory, and is no register */
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define EACH(i, n) UNROLL for (int i = 0; i < (n); i++)

#endif
