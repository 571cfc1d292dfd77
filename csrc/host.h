/* What the kernels know of the machine that they are compiled for: no other file in csrc/ asks the compiler.
 *
 *   VECTOR_BYTES   width of a vector register; HALF_VECTOR_BYTES of one that is half as wide, where there is one
 *   TILE_ROWS      rows of the register tile; its columns are TILE_VECTORS vectors wide
 *   L1_BYTES       a core's first-level cache for data, and L2_BYTES its second-level cache
 *   QUADS          quads of pixels in the register tile of Winograd's convolution
 *   UNROLL         before a short loop of constant length: unroll it, so that the arrays it indexes become registers
 *   VECTORISE      before a short loop that is to become vectors as it is: Clang would unroll it first, and then gather
 *   IN_REGISTER    tells the compiler to keep a vector in a register, and not to load it again at each use
 *   UNRELATED      tells the compiler to keep a pointer, and not to compute it from another one at each use
 *   ROW_BY_ROW     tells Clang to finish a row's two sums before the next: it would load the numbers of A for all rows
 *                  first, for which 16 registers have no room
 *   SHUFFLE        the numbers of two vectors, as one, at these constant places
 *   MULTIPLY_ADD   whether a multiplication and an addition that round once are one instruction
 *   STREAM         stores a vector to memory past the cache; STREAMS says whether there is such a store. It pays only
 *                  if a vector is a whole cache line
 *   PAUSE          between two looks at what another thread will write
 *
 * A tile needs TILE_ROWS * TILE_VECTORS registers for its sums, TILE_VECTORS for a row of B and one for a
 * number of A. AVX-512 and NEON have 32 registers: 10 * 2 + 2 + 1 = 23 (with 12 rows GCC 12 spills, and 6 % of the
 * speed is lost). AVX2 and SSE have 16: 6 * 2 + 2 + 1 = 15. A multiplication takes 4 cycles and up to two start in
 * each, so a tile of five rows already has enough independent sums to keep the multiply units busy.
 *
 * A quad needs 4 registers for the sums of a column and 4 for its pixels, which may wait in memory meanwhile: 4 quads
 * where there are 32 registers, 3 where there are 16.
 */
#ifndef NNLITE_HOST_H
#define NNLITE_HOST_H

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#define TILE_ROWS 10
#define QUADS 4
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#define TILE_ROWS 6
#define QUADS 3
#elif defined(__ARM_NEON)
#define VECTOR_BYTES 16
#define TILE_ROWS 10
#define QUADS 4
#else
#define VECTOR_BYTES 16
#define TILE_ROWS 6
#define QUADS 3
#endif

#if defined(__clang__) /* passes over GCC's pragma in silence, and a tile in memory has a quarter of the speed */
#define UNROLL _Pragma("clang loop unroll(full)")
#define VECTORISE _Pragma("clang loop unroll(disable)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#define VECTORISE
#endif

#if defined(__SSE2__)
#define IN_REGISTER(vector) __asm__("" : "+v"(vector))
#else
#define IN_REGISTER(vector) (void)(vector)
#endif

#define UNRELATED(pointer) __asm__("" : "+r"(pointer))

#if defined(__clang__) && defined(__SSE2__) && TILE_ROWS == 6
#define ROW_BY_ROW(sum) __asm__ volatile("" : "+x"((sum)[0]), "+x"((sum)[1]) : : "memory")
#else
#define ROW_BY_ROW(sum) (void)0
#endif

#if defined(__clang__) || __GNUC__ > 11
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else /* GCC 11 wants the places as a vector, of integers as wide as the numbers (typed.h) */
#define SHUFFLE(a, b, ...)                                            \
    ({                                                                \
        typedef BITS places __attribute__((vector_size(sizeof(a)))); \
        __builtin_shuffle(a, b, (places){__VA_ARGS__});               \
    })
#endif

#if defined(__AVX512F__)
#define STREAMS 1
#define STREAM(address, vector) __asm__ volatile("vmovntps %1, (%0)" : : "r"(address), "v"(vector) : "memory")
#define STREAM_END() __builtin_ia32_sfence()
#else
#define STREAMS 0
#define STREAM(address, vector) (void)0
#define STREAM_END() (void)0
#endif

#if defined(__SSE2__)
#define PAUSE() __asm__ volatile("pause")
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() (void)0
#endif

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define MULTIPLY_ADD 1
#else
#define MULTIPLY_ADD 0
#endif

#define TILE_VECTORS 2
/* A tile of a single vector has more rows where there are 16 registers, or its sums would be too few: 12 + 1 + 1 = 14.
 * Clang spills those of more than 8. */
#if TILE_ROWS > 6
#define NARROW_ROWS TILE_ROWS
#elif defined(__clang__)
#define NARROW_ROWS 8
#else
#define NARROW_ROWS 12
#endif
/* Where there are 32 registers, a product whose columns fill up to three vectors is one panel: 8 * 3 + 3 + 1 = 28. */
#define WIDE_VECTORS 3
#define WIDE_ROWS (TILE_ROWS > 6 ? 8 : 0)
#define HALF_VECTOR_BYTES (VECTOR_BYTES > 16 ? VECTOR_BYTES / 2 : VECTOR_BYTES)

/* A core's caches, which setup.py asks the system for (or NNLITE_CACHES says). They decide how products are cut into
 * pieces, and never the order of a sum: built for other caches, a kernel gives the same bits. */
#ifndef L1_BYTES
#define L1_BYTES 32768
#endif
#ifndef L2_BYTES
#define L2_BYTES 1048576
#endif

/* Depth of a packed panel, TILE_VECTORS vectors wide, which stays in the first-level cache while the row tiles pass
 * over it. With 32 and with 48 KiB, 128 and 192 rows were slower, and 384 no faster. It is the same for all caches, as
 * the order of a long sum depends on it. */
#define PANEL_DEPTH 256

/* A sum in float32 over so many rows, or more, is one of the sums of each PANEL_DEPTH of them. */
#define DEEP 4096

/* A result of more bytes leaves the cache before it is read: STREAM it. An ordinary store would first fetch what it
 * overwrites, and so move twice as much (3 to 64 channels, 3 x 3: 2.1 ms, streamed 1.2). The address must be a multiple
 * of the vector's size, and STREAM_END() must come before another thread reads. */
#define CACHE_BYTES (4 * L2_BYTES)

/* A parallel loop costs some microseconds to start: below this many multiplications one thread is faster. `make
 * test-sanitize` sets 0, so that small arrays are shared, too. */
#ifndef SERIAL_WORK
#define SERIAL_WORK 500000
#endif

/* Processors are made for numbers down to the smallest normal one, 1e-38 in float32. What is below, a subnormal number,
 * costs an x86 processor over a hundred cycles, and decaying gradients and averages are full of them: a kernel reads
 * and writes 0 in their place. The mode belongs to a thread. It is on from where a door gives Python's lock away to
 * where it takes it back, on whichever way the door is left; what the thread had set before is set again. */
#if defined(__SSE2__) && (!defined(_OPENMP) || defined(SERIAL_LOOPS) || defined(__clang__))
#define FLUSH_TO_ZERO 0x8040u /* results, and what is read */
#define GET_MODE(mode) __asm__ volatile("stmxcsr %0" : "=m"(mode) : : "memory")
#define SET_MODE(mode) __asm__ volatile("ldmxcsr %0" : : "m"(mode) : "memory")
typedef unsigned Mode;
#elif defined(__aarch64__) && (!defined(_OPENMP) || defined(SERIAL_LOOPS))
#define FLUSH_TO_ZERO (1ul << 24)
#define GET_MODE(mode) __asm__ volatile("mrs %0, fpcr" : "=r"(mode) : : "memory")
#define SET_MODE(mode) __asm__ volatile("msr fpcr, %0" : : "r"(mode) : "memory")
typedef unsigned long Mode;
#else /* no way to reach every thread: none flushes, so that the bits do not depend on their number */
#define FLUSH_TO_ZERO 0
#define GET_MODE(mode) (void)(mode)
#define SET_MODE(mode) (void)(mode)
typedef int Mode;
#endif

static _Thread_local struct {
    Mode outside;
    int depth; /* a loop that may raise an error, as with NNLITE_DEBUG=1, gives the lock away once more in each thread */
} flushing;

static inline void flush_subnormals(void)
{
    if (flushing.depth++)
        return;
    GET_MODE(flushing.outside);
    Mode inside = flushing.outside | FLUSH_TO_ZERO;
    SET_MODE(inside);
}

static inline void keep_subnormals(void)
{
    if (--flushing.depth == 0)
        SET_MODE(flushing.outside);
}

#define PyEval_SaveThread() ({ PyThreadState *given = PyEval_SaveThread(); flush_subnormals(); given; })
#define PyEval_RestoreThread(thread) (keep_subnormals(), PyEval_RestoreThread(thread))

#ifdef _OPENMP
#include <omp.h>

/* GCC enters each parallel loop through GOMP_parallel, which the linker redirects here (setup.py). Each thread of the
 * team flushes, too; threads that are made for it, and stay, begin as the caller is outside. (Clang's library hands the
 * caller's mode on by itself, on x86.) A loop on one thread needs no team: making one takes half a microsecond, and a
 * training step of a small model has twenty loops. OpenMP's calls inside a loop also work outside of any team, as on a
 * single thread. */
#ifdef SERIAL_LOOPS
struct Loop {
    void (*run)(void *);
    void *data;
};

/* ThreadSanitizer does not see how OpenMP's library, which is compiled without it, starts a team, lets it meet, and waits
 * for its end. */
#ifdef __SANITIZE_THREAD__
void __tsan_release(void *), __tsan_acquire(void *);
void __real_GOMP_barrier(void);
__attribute__((visibility("hidden"))) void __wrap_GOMP_barrier(void)
{
    static int meeting;
    __tsan_release(&meeting);
    __real_GOMP_barrier();
    __tsan_acquire(&meeting);
}
#else
#define __tsan_release(event) (void)0
#define __tsan_acquire(event) (void)0
#endif

#include <pthread.h>
#include <stdlib.h>

/* OpenMP's library ends the process where it cannot start a thread: under a limit on memory or threads, or with gigabytes
 * in OMP_STACKSIZE. So does the C library, where there is no memory for what belongs to a thread (block.h). So a team
 * larger than those before is tried with threads that wait for each other and end. If there were too few, the loop gets
 * a sixteenth of them, with the same bits: the rest of the memory is for the arrays, and for the other kernels. It takes
 * 10 microseconds a thread, once. */
enum { MOST_THREADS = 1024 };

static size_t stack_bytes(void)
{
    const char *text = getenv("OMP_STACKSIZE");
    char *unit = NULL;
    const unsigned long long n = text ? strtoull(text, &unit, 10) : 0;
    const int shift = !n ? 0 : *unit == 'b' || *unit == 'B' ? 0 : *unit == 'm' || *unit == 'M' ? 20
                      : *unit == 'g' || *unit == 'G' ? 30 : 10;
    return n > SIZE_MAX >> shift ? SIZE_MAX : (size_t)n << shift;
}

static void *pass(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

static unsigned startable(unsigned wanted)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t threads[MOST_THREADS];
    void *volatile rooms[MOST_THREADS]; /* else the compiler leaves malloc out */
    pthread_attr_t attributes;
    unsigned count = 1;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack_bytes()); /* one that is too small is refused, and the default stays */
    pthread_mutex_lock(&gate);
    for (; count < wanted && (rooms[count] = malloc(4 * L2_BYTES)); count++)
        if (pthread_create(&threads[count], &attributes, pass, &gate)) {
            free(rooms[count]);
            break;
        }
    pthread_mutex_unlock(&gate);
    for (unsigned i = 1; i < count; i++) {
        pthread_join(threads[i], NULL);
        free(rooms[i]);
    }
    pthread_attr_destroy(&attributes);
    return count;
}

static void run_in_team(void *given)
{
    struct Loop *loop = given;
    flush_subnormals();
    __tsan_acquire(&loop->run);
    loop->run(loop->data);
    __tsan_release(&loop->data);
    keep_subnormals();
}

void __real_GOMP_parallel(void (*loop)(void *), void *data, unsigned threads, unsigned flags);
__attribute__((visibility("hidden"))) void __wrap_GOMP_parallel(void (*run)(void *), void *data, unsigned threads,
                                                               unsigned flags)
{
    static _Thread_local unsigned started = 1, most = MOST_THREADS;
    struct Loop loop = {run, data};
    if (threads > most)
        threads = most;
    if (threads > started) {
        started = startable(threads);
        if (started < threads)
            started = threads = most = (started + 15) / 16;
    }
    if (threads == 1) {
        run(data);
        return;
    }
    keep_subnormals();
    __tsan_release(&loop.run);
    __real_GOMP_parallel(run_in_team, &loop, threads, flags);
    __tsan_acquire(&loop.data);
    flush_subnormals();
}
#endif
#else
static inline int omp_get_thread_num(void) { return 0; }
#endif

/* Fetch memory that is needed next, while something else is computed: into the second-level cache, as the first is in
 * use (8 % of a GRU's backward pass). */
static inline void prefetch(const void *address, long bytes)
{
    for (long at = 0; at < bytes; at += 64)
        __builtin_prefetch((const char *)address + at, 0, 2);
}

#endif
