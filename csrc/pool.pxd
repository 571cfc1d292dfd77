"""One window of a pool, of pool.h. What is `void *` to Cython are arrays of one dtype, float or double: see typed.h."""


cdef extern from "typed.h" nogil:
    ctypedef struct Window:
        Py_ssize_t rows, columns
        Py_ssize_t row
        int position, width

    void max_window(const Window *window, Py_ssize_t C, const void *x, void *y, int *index) noexcept
    void max_windows(Py_ssize_t n, const Window *window, const void *x, void *y, int *index) noexcept
    void max_window_back(bint add, const Window *window, Py_ssize_t C, const void *dy, const int *index,
                         void *dx) noexcept
    void average_window(const Window *window, Py_ssize_t C, const void *x, double count, void *y) noexcept
    void average_windows(Py_ssize_t n, const Window *window, const void *x, double count, void *y) noexcept
    void average_window_back(bint add, const Window *window, Py_ssize_t C, const void *dy, double share,
                             void *dx) noexcept
