"""Activations: one function for every number. Each derivative is written with y, so that backward needs no x.

The arrays are of one axis: the shape does not matter.
"""

import numpy as np


def exp(x, y):  # IN (n) OUT (n)
    with np.errstate(over="ignore"):
        y[:] = np.exp(x)


def tanh_forward(x, y):  # IN (n) OUT (n)
    y[:] = np.tanh(x)


def tanh_backward(y, dy, dx):  # IN (n) (n) OUT (n)
    dx[:] = dy * (1 - y * y)


def sigmoid_forward(x, y):  # IN (n) OUT (n)
    with np.errstate(over="ignore"):  # e^1000 is infinite, and 1 / infinity the 0 that is wanted
        y[:] = 1 / (1 + np.exp(-x))


def sigmoid_backward(y, dy, dx):  # IN (n) (n) OUT (n)
    dx[:] = dy * y * (1 - y)


def relu_forward(x, y):  # IN (n) OUT (n)
    y[:] = np.where(x < 0, 0, x)  # in the form that lets NaN through


def relu_backward(y, dy, dx):  # IN (n) (n) OUT (n)
    dx[:] = np.where(y <= 0, 0, dy)
