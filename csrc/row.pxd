"""The largest number, the sum and the product sum of a row: row.h under one name for both dtypes."""

from cython cimport floating


cdef extern from "row.h" nogil:
    float row_max_f32(Py_ssize_t n, const float *x) noexcept
    double row_max_f64(Py_ssize_t n, const double *x) noexcept
    float row_sum_f32(Py_ssize_t n, const float *x) noexcept
    double row_sum_f64(Py_ssize_t n, const double *x) noexcept
    float row_dot_f32(Py_ssize_t n, const float *x, const float *y) noexcept
    double row_dot_f64(Py_ssize_t n, const double *x, const double *y) noexcept


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
