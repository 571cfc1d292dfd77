"""The largest number, the sum, dot products and the moments of a row, of row.h."""

from cython cimport floating


cdef extern from "typed.h" nogil:
    double max_of_row(Py_ssize_t n, const void *x) noexcept
    double sum_of_row(Py_ssize_t n, const void *x) noexcept
    double dot_of_rows(Py_ssize_t n, const void *x, const void *y) noexcept
    void row_moments(Py_ssize_t n, const void *x, double m, void *first, void *second) noexcept
    void row_products(Py_ssize_t n, const void *x, const void *dy, const void *gamma, double high, double low, double r,
                      void *sums, void *g, void *gu) noexcept


cdef inline floating row_max(Py_ssize_t n, const floating *x) noexcept nogil:
    return max_of_row(n, x)


cdef inline floating row_sum(Py_ssize_t n, const floating *x) noexcept nogil:
    return sum_of_row(n, x)


cdef inline floating row_dot(Py_ssize_t n, const floating *x, const floating *y) noexcept nogil:
    return dot_of_rows(n, x, y)
