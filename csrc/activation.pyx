"""Activations: one function for every number. Each derivative is written with y, so that backward needs no x.

    forward     (1) y = tanh(x)                  backward    dx = dy (1 - y^2)       undoes (1)
                (2) y = 1 / (1 + e^-x)                       dx = dy y (1 - y)       undoes (2)
                (3) y = max(x, 0)                            dx = dy where y > 0     undoes (3)

Design: the functions of vmath.h have no branches, so each loop becomes vector instructions, and the threads share it
out. Numbers do not meet: any cut gives the same bits. The shape is not read: arrays come as one long row.
"""

from cython cimport floating
from cython.parallel cimport prange

cimport vmath
from tile cimport threads_for

# What a number costs, in multiplications: enough of them are worth a second thread.
cdef enum:
    MOVE = 4
    TRANSCENDENTAL = 16


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
