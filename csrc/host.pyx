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
    """
    const bint HAS_OPENMP
    const char *BUILT_FOR
    const char *compiled_features
    const char *first_missing_feature()
    int omp_get_max_threads()
    int omp_get_num_procs()


def architecture():
    """What NNLITE_ARCH was when the kernels were compiled, "native" by default."""
    return BUILT_FOR.decode()


def features():
    """The instruction sets that the kernels may use, such as ["avx", "avx2", "fma"]."""
    return compiled_features.decode().split()


def missing_feature():
    """An instruction set that the kernels may use and this CPU does not have; "" where it has them all."""
    return first_missing_feature().decode()


def has_openmp():
    """Whether the kernels were compiled with threads."""
    return HAS_OPENMP


def available_threads():
    """The number of CPUs that this process may run on; 1 without OpenMP."""
    return omp_get_num_procs()


# All kernels read it. OpenMP's own number is one for each Python thread: what the main thread sets, or the environment
# says too late, a thread of a user's pool would not know.
num_threads = omp_get_max_threads()


def get_num_threads():
    """How many threads a kernel uses."""
    return num_threads


def set_num_threads(int n):
    """Set it, for all Python threads. The caller checks n."""
    global num_threads
    num_threads = n if HAS_OPENMP else 1
