"""The functions of vmath.h: of a float they give a float, of a double a double."""

from cython cimport floating


cdef extern from "typed.h" nogil:
    double exp_of(double x) noexcept
    double gelu_of(double x) noexcept
    double gelu_slope_of(double x) noexcept
    double normal_cdf_of(double x) noexcept
    double sigmoid_of(double x) noexcept
    double tanh_of(double x) noexcept


cdef inline floating exp(floating x) noexcept nogil:
    return exp_of(x)


cdef inline floating gelu(floating x) noexcept nogil:
    return gelu_of(x)


cdef inline floating gelu_slope(floating x) noexcept nogil:
    return gelu_slope_of(x)


cdef inline floating normal_cdf(floating x) noexcept nogil:
    return normal_cdf_of(x)


cdef inline floating sigmoid(floating x) noexcept nogil:
    return sigmoid_of(x)


cdef inline floating tanh(floating x) noexcept nogil:
    return tanh_of(x)
