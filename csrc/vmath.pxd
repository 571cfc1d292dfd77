"""The functions of vmath.h under one name for both dtypes."""

from cython cimport floating


cdef extern from "vmath.h" nogil:
    float exp_f32(float x) noexcept
    double exp_f64(double x) noexcept
    float normal_cdf_f32(float x) noexcept
    double normal_cdf_f64(double x) noexcept
    float normal_density_f32(float x) noexcept
    double normal_density_f64(double x) noexcept
    float sigmoid_f32(float x) noexcept
    double sigmoid_f64(double x) noexcept
    float tanh_f32(float x) noexcept
    double tanh_f64(double x) noexcept


cdef inline floating exp(floating x) noexcept nogil:
    if floating is float:
        return exp_f32(x)
    else:
        return exp_f64(x)


cdef inline floating normal_cdf(floating x) noexcept nogil:
    if floating is float:
        return normal_cdf_f32(x)
    else:
        return normal_cdf_f64(x)


cdef inline floating normal_density(floating x) noexcept nogil:
    if floating is float:
        return normal_density_f32(x)
    else:
        return normal_density_f64(x)


cdef inline floating sigmoid(floating x) noexcept nogil:
    if floating is float:
        return sigmoid_f32(x)
    else:
        return sigmoid_f64(x)


cdef inline floating tanh(floating x) noexcept nogil:
    if floating is float:
        return tanh_f32(x)
    else:
        return tanh_f64(x)
