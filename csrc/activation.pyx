"""Activations: one function for every number. Where the derivative can be written with y, backward needs no x.

    forward     (1) y = tanh(x)                  backward    dx = dy (1 - y^2)                  undoes (1)
                (2) y = 1 / (1 + e^-x)                       dx = dy y (1 - y)                  undoes (2)
                (3) y = max(x, 0)                            dx = dy where y > 0                undoes (3)
                (4) y = x, or a x where x < 0                dx = dy, or a dy where y <= 0      undoes (4)
                (5) y = x Phi(x)                             dx = dy (Phi(x) + x phi(x))        undoes (5)
                (6) y = x s, s = sigmoid(2 u)                dx = dy (s + x s (1 - s) 2 u')     undoes (6)
                    u = sqrt(2/pi) (x + 0.044715 x^3)

Phi is the normal distribution's cumulative function, phi its density, and 1 + tanh(u) = 2 sigmoid(2 u).

Design: the functions of vmath.h have no branches, so each loop becomes vector instructions, and the threads share it.
Numbers are independent, so any split gives the same bits. Shapes do not matter: arrays come as one long row.
"""

from cython cimport floating
from cython.parallel cimport prange

cimport vmath
from tile cimport threads_for

# The cost of a number, in multiplications, from which the number of threads follows.
cdef enum:
    MOVE = 4
    TRANSCENDENTAL = 16

# Below -FAR the sigmoid of (6) is 0, above FAR it is 1, in either dtype. x is limited because 0 times infinity would be
# NaN.
cdef enum:
    FAR = 40


def exp(const floating[::1] x, floating[::1] y):  # IN (n) OUT (n)
    """y = e^x: no layer, but a door through which tests measure the error of vmath.h."""
    cdef Py_ssize_t n = x.shape[0], i
    for i in prange(n, nogil=True, schedule="static", num_threads=threads_for(TRANSCENDENTAL * n)):
        y[i] = vmath.exp(x[i])


def tanh_forward(const floating[::1] x, floating[::1] y):  # IN (n) OUT (n)
    cdef Py_ssize_t n = x.shape[0], i
    for i in prange(n, nogil=True, schedule="static", num_threads=threads_for(TRANSCENDENTAL * n)):
        y[i] = vmath.tanh(x[i])  # (1)


def tanh_backward(const floating[::1] y, const floating[::1] dy, floating[::1] dx):  # IN (n) (n) OUT (n)
    cdef Py_ssize_t n = y.shape[0], i
    for i in prange(n, nogil=True, schedule="static", num_threads=threads_for(MOVE * n)):
        dx[i] = dy[i] * (<floating>1 - y[i] * y[i])


def sigmoid_forward(const floating[::1] x, floating[::1] y):  # IN (n) OUT (n)
    cdef Py_ssize_t n = x.shape[0], i
    for i in prange(n, nogil=True, schedule="static", num_threads=threads_for(TRANSCENDENTAL * n)):
        y[i] = vmath.sigmoid(x[i])  # (2)


def sigmoid_backward(const floating[::1] y, const floating[::1] dy, floating[::1] dx):  # IN (n) (n) OUT (n)
    cdef Py_ssize_t n = y.shape[0], i
    for i in prange(n, nogil=True, schedule="static", num_threads=threads_for(MOVE * n)):
        dx[i] = dy[i] * y[i] * (<floating>1 - y[i])


def relu_forward(const floating[::1] x, floating[::1] y):  # IN (n) OUT (n)
    cdef Py_ssize_t n = x.shape[0], i
    for i in prange(n, nogil=True, schedule="static", num_threads=threads_for(MOVE * n)):
        y[i] = 0 if x[i] < 0 else x[i]  # (3), in the form that lets NaN through


def relu_backward(const floating[::1] y, const floating[::1] dy, floating[::1] dx):  # IN (n) (n) OUT (n)
    cdef Py_ssize_t n = y.shape[0], i
    for i in prange(n, nogil=True, schedule="static", num_threads=threads_for(MOVE * n)):
        dx[i] = 0 if y[i] <= 0 else dy[i]


def leaky_relu_forward(const floating[::1] x, floating[::1] y, double slope):  # IN (n) OUT (n)
    cdef Py_ssize_t n = x.shape[0], i
    cdef floating a = slope, one = 1
    for i in prange(n, nogil=True, schedule="static", num_threads=threads_for(MOVE * n)):
        y[i] = x[i] * (a if x[i] < 0 else one)  # (4): where every x is multiplied, every subnormal one becomes 0


def leaky_relu_backward(const floating[::1] y, const floating[::1] dy, floating[::1] dx,  # IN (n) (n) OUT (n)
                        double slope):
    cdef Py_ssize_t n = y.shape[0], i
    cdef floating a = slope, one = 1
    for i in prange(n, nogil=True, schedule="static", num_threads=threads_for(MOVE * n)):
        dx[i] = dy[i] * (a if y[i] <= 0 else one)


cdef inline floating not_below(floating x, floating lowest) noexcept nogil:
    return lowest if x < lowest else x


cdef inline floating not_above(floating x, floating highest) noexcept nogil:
    return highest if x > highest else x


def normal_cdf(const floating[::1] x, floating[::1] y):  # IN (n) OUT (n)
    """y = Phi(x): no layer, but a door through which tests measure the error of vmath.h."""
    cdef Py_ssize_t n = x.shape[0], i
    for i in prange(n, nogil=True, schedule="static", num_threads=threads_for(TRANSCENDENTAL * n)):
        y[i] = vmath.normal_cdf(x[i])


def gelu_forward(const floating[::1] x, floating[::1] y):  # IN (n) OUT (n)
    cdef Py_ssize_t n = x.shape[0], i
    for i in prange(n, nogil=True, schedule="static", num_threads=threads_for(TRANSCENDENTAL * n)):
        y[i] = vmath.gelu(x[i])  # (5)


def gelu_backward(const floating[::1] x, const floating[::1] dy, floating[::1] dx):  # IN (n) (n) OUT (n)
    cdef Py_ssize_t n = x.shape[0], i
    for i in prange(n, nogil=True, schedule="static", num_threads=threads_for(TRANSCENDENTAL * n)):
        dx[i] = dy[i] * vmath.gelu_slope(x[i])


# (6), and the derivative of 2 u.
cdef inline floating twice_u(floating x) noexcept nogil:
    cdef floating a = 1.5957691216057308, b = 0.044715  # 2 sqrt(2/pi)
    return a * (x + b * x * x * x)


cdef inline floating twice_du(floating x) noexcept nogil:
    cdef floating a = 1.5957691216057308, one = 1, b = 3 * 0.044715
    return a * (one + b * x * x)


def gelu_tanh_forward(const floating[::1] x, floating[::1] y):  # IN (n) OUT (n)
    cdef Py_ssize_t n = x.shape[0], i
    cdef floating right
    for i in prange(n, nogil=True, schedule="static", num_threads=threads_for(TRANSCENDENTAL * n)):
        right = not_below(x[i], <floating>-FAR)
        y[i] = right * vmath.sigmoid(twice_u(right))


def gelu_tanh_backward(const floating[::1] x, const floating[::1] dy, floating[::1] dx):  # IN (n) (n) OUT (n)
    cdef Py_ssize_t n = x.shape[0], i
    cdef floating near, s
    for i in prange(n, nogil=True, schedule="static", num_threads=threads_for(TRANSCENDENTAL * n)):
        near = not_above(not_below(x[i], <floating>-FAR), <floating>FAR)
        s = vmath.sigmoid(twice_u(near))
        dx[i] = dy[i] * (s + near * s * (<floating>1 - s) * twice_du(near))
