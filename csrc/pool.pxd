"""Rows of pooling windows, of pool.h. What is `void *` here are arrays of one dtype, float or double: see typed.h."""


cdef extern from "typed.h" nogil:
    ctypedef struct Windows:
        Py_ssize_t n, rows, columns, C
        Py_ssize_t first
        Py_ssize_t row, step
        int position, width

    void max_windows(const Windows *w, const void *x, void *y, int *index) noexcept
    void max_windows_back(bint add, const Windows *w, const void *dy, const int *index, void *dx) noexcept
    void average_windows(const Windows *w, const void *x, double count, void *y) noexcept
    void average_windows_back(bint add, const Windows *w, const void *dy, double share, void *dx) noexcept
