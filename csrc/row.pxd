"""The largest number, the sum, dot products and the moments of a row, and what layer norm writes, of row.h."""

from cython cimport floating


cdef extern from "typed.h" nogil:
    const int BESIDE
    double max_of_row(Py_ssize_t n, const void *x) noexcept
    double sum_of_row(Py_ssize_t n, const void *x) noexcept
    double dot_of_rows(Py_ssize_t n, const void *x, const void *y) noexcept
    void row_sums(Py_ssize_t rows, Py_ssize_t n, const void *x, void *sums) noexcept
    void row_moments(Py_ssize_t rows, Py_ssize_t n, const void *x, const void *m, void *first, void *second) noexcept
    void row_products(Py_ssize_t rows, Py_ssize_t n, const void *x, const void *dy, const void *gamma, const void *high,
                      const void *low, const void *r, void *sums, void *means) noexcept
    void row_outputs(Py_ssize_t rows, Py_ssize_t n, const void *x, const void *gamma, const void *beta,
                     const void *high, const void *low, const void *r, void *y) noexcept
    void row_gradients(Py_ssize_t rows, Py_ssize_t n, const void *x, const void *dy, const void *gamma,
                       const void *high, const void *low, const void *r, const void *means, void *dx) noexcept


cdef inline floating row_max(Py_ssize_t n, const floating *x) noexcept nogil:
    return max_of_row(n, x)


cdef inline floating row_sum(Py_ssize_t n, const floating *x) noexcept nogil:
    return sum_of_row(n, x)


cdef inline floating row_dot(Py_ssize_t n, const floating *x, const floating *y) noexcept nogil:
    return dot_of_rows(n, x, y)
