"""The largest number, the sum, the product sum and the moments of a row: row.h under one name for both dtypes."""

from cython cimport floating


cdef extern from "row.h" nogil:
    float row_max_f32(Py_ssize_t n, const float *x) noexcept
    double row_max_f64(Py_ssize_t n, const double *x) noexcept
    float row_sum_f32(Py_ssize_t n, const float *x) noexcept
    double row_sum_f64(Py_ssize_t n, const double *x) noexcept
    float row_dot_f32(Py_ssize_t n, const float *x, const float *y) noexcept
    double row_dot_f64(Py_ssize_t n, const double *x, const double *y) noexcept
    void row_moments_f32(Py_ssize_t n, const float *x, float m, float *first, float *second) noexcept
    void row_moments_f64(Py_ssize_t n, const double *x, double m, double *first, double *second) noexcept


cdef inline floating row_max(Py_ssize_t n, const floating *x) noexcept nogil:
    if floating is float:
        return row_max_f32(n, x)
    else:
        return row_max_f64(n, x)


cdef inline floating row_sum(Py_ssize_t n, const floating *x) noexcept nogil:
    if floating is float:
        return row_sum_f32(n, x)
    else:
        return row_sum_f64(n, x)


cdef inline floating row_dot(Py_ssize_t n, const floating *x, const floating *y) noexcept nogil:
    if floating is float:
        return row_dot_f32(n, x, y)
    else:
        return row_dot_f64(n, x, y)


cdef inline void row_moments(Py_ssize_t n, const floating *x, floating m, floating *first,
                             floating *second) noexcept nogil:
    if floating is float:
        row_moments_f32(n, x, m, first, second)
    else:
        row_moments_f64(n, x, m, first, second)
