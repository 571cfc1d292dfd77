"""The machine: what the kernels were compiled for, whether this CPU can run them, and how many threads they use.

This module alone is compiled for any CPU of the family, so that it can be asked before the others are loaded.
"""

cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #define HAS_OPENMP 1
    #else
    #define HAS_OPENMP 0
    static inline int omp_get_max_threads(void) { return 1; }
    static inline int omp_get_num_procs(void) { return 1; }
    #endif

    #define FEATURE(name) name " "
    static const char *compiled_features = "" CPU_FEATURES;
    #undef FEATURE

    static const char *first_missing_feature(void)
    {
    #if defined(__x86_64__) || defined(__i386__)
        __builtin_cpu_init();
    #define FEATURE(name) if (!__builtin_cpu_supports(name)) return name;
        CPU_FEATURES
    #undef FEATURE
    #endif
        return "";
    }

    #include <signal.h>
    #ifndef _WIN32
    #include <unistd.h>
    #endif

    /* How deep we are in what must not be interrupted, whether Ctrl-C came meanwhile, and who gets it afterwards. */
    static int depth;
    static volatile sig_atomic_t came;
    static void note(int number) { (void)number; came = 1; }

    #ifdef _WIN32
    static void (*before)(int);
    static void hold_interrupts(void) { before = signal(SIGINT, note); }
    static void release_interrupts(void) { signal(SIGINT, before); }
    static void interrupt(void) { raise(SIGINT); }
    #else
    static struct sigaction before;
    static void hold_interrupts(void)
    {
        struct sigaction ours = {.sa_handler = note, .sa_flags = SA_RESTART};
        sigaction(SIGINT, &ours, &before);
    }
    static void release_interrupts(void) { sigaction(SIGINT, &before, NULL); }
    static void interrupt(void) { kill(getpid(), SIGINT); } /* not raise: the main thread may wait for another one */
    #endif
    """
    const bint HAS_OPENMP
    const bint DEBUG
    const char *BUILT_FOR
    const char *compiled_features
    const char *first_missing_feature()
    int omp_get_max_threads()
    int omp_get_num_procs()
    int depth, came
    void hold_interrupts()
    void release_interrupts()
    void interrupt()

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer

import numpy

cdef extern from "host.h":
    const int L1_BYTES, L2_BYTES

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1

cdef enum:
    LINE = 64           # bytes of a cache line
    SMALL = 32 * 1024   # bytes that stay in the first-level cache, where a vector in two lines costs little


def architecture():
    """What NNLITE_ARCH was when the kernels were compiled, "native" by default."""
    return BUILT_FOR.decode()


def caches():
    """Bytes of the first- and second-level cache that the kernels were compiled for."""
    return L1_BYTES, L2_BYTES


def features():
    """The instruction sets that the kernels may use, such as ["avx", "avx2", "fma"]."""
    return compiled_features.decode().split()


def missing_feature():
    """An instruction set that the kernels may use and this CPU does not have; "" where it has them all."""
    return first_missing_feature().decode()


def has_openmp():
    """Whether the kernels were compiled with threads."""
    return HAS_OPENMP


def checks_indices():
    """Whether the kernels were compiled with NNLITE_DEBUG=1."""
    return DEBUG


def available_threads():
    """The number of CPUs that this process may run on; 1 without OpenMP."""
    return omp_get_num_procs()


# All kernels read it. OpenMP's own number is one for each Python thread: what the main thread sets, or the environment
# says too late, a thread of a user's pool would not know.
num_threads = min(omp_get_max_threads(), 1024)


def get_num_threads():
    """How many threads a kernel uses."""
    return num_threads


def set_num_threads(int n):
    """Set it, for all Python threads. The caller checks n."""
    global num_threads
    num_threads = n if HAS_OPENMP else 1


def empty(tuple shape, dtype, Py_ssize_t small=SMALL):
    """numpy.empty whose first number stands where a cache line begins, from `small` bytes on.

    By default that is for results, made anew at each step; what a layer keeps is worth it at any size. A vector that
    lies in two lines is read twice, and NumPy's arrays begin anywhere in a line: BatchNorm took a fifth more time,
    Sigmoid a tenth, a step of an LSTM of 200 units a quarter, each in three processes of four.
    """
    cdef Py_ssize_t n, size = dtype.itemsize
    cdef Py_buffer memory
    for n in shape:
        size *= n
    if size < small:
        return numpy.empty(shape, dtype)
    around = numpy.empty(size + LINE, numpy.uint8)
    PyObject_GetBuffer(around, &memory, PyBUF_SIMPLE)
    n = -<Py_ssize_t>memory.buf & (LINE - 1)
    PyBuffer_Release(&memory)
    return numpy.ndarray(shape, dtype, around, n)


cdef class Uninterrupted:
    """`with uninterrupted:` lets Ctrl-C wait for the end of the block: what is half done cannot be used.

    It costs half a microsecond. Python's own way, another handler by signal.signal, works in the main thread alone, and
    takes eight times as long.
    """

    def __enter__(self):
        global depth
        if depth == 0:
            hold_interrupts()
        depth += 1
        try:
            PyErr_CheckSignals()  # a Ctrl-C that came just before, and was not looked at yet: now, not inside
        except BaseException:
            self.leave()
            raise

    def __exit__(self, *error):
        self.leave()

    cdef leave(self):
        global depth, came
        depth -= 1
        if depth == 0:
            release_interrupts()
            if came:
                came = 0
                interrupt()


uninterrupted = Uninterrupted()


def after_fork():
    """In the child, where the thread that was inside of the block is not."""
    global depth, came
    if depth:
        depth = came = 0
        release_interrupts()
