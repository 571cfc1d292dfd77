"""Activations: one function for every number. Where the derivative can be written with y, backward needs no x.

The arrays are of one axis: the shape does not matter.
"""

import math

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


def leaky_relu_forward(x, y, slope):  # IN (n) OUT (n)
    y[:] = np.where(x < 0, slope * x, x)


def leaky_relu_backward(y, dy, dx, slope):  # IN (n) (n) OUT (n)
    dx[:] = np.where(y <= 0, slope * dy, dy)


FAR = 40  # where Phi is 0 or 1: beyond it, x is cut, for 0 times infinity is NaN


def normal_cdf(x, y):  # IN (n) OUT (n)
    # With erfc a small Phi keeps its digits; with (1 + erf) / 2 it would lose them.
    y[:] = [0.5 * math.erfc(-float(v) / math.sqrt(2)) for v in x]


def normal_density(x):
    return np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def gelu_forward(x, y):  # IN (n) OUT (n)
    normal_cdf(x, y)
    y *= np.maximum(x, -FAR)


def gelu_backward(x, dy, dx):  # IN (n) (n) OUT (n)
    normal_cdf(x, dx)
    near = np.clip(x, -FAR, FAR)
    dx[:] = dy * (dx + near * normal_density(near))


def gelu_tanh_forward(x, y):  # IN (n) OUT (n)
    right = np.maximum(x, -FAR)
    sigmoid_forward(2 * tanh_argument(right), y)
    y *= right


def gelu_tanh_backward(x, dy, dx):  # IN (n) (n) OUT (n)
    near, s = np.clip(x, -FAR, FAR), np.empty_like(x)
    sigmoid_forward(2 * tanh_argument(near), s)
    slope = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * near**2)
    dx[:] = dy * (s + near * s * (1 - s) * 2 * slope)


def tanh_argument(x):
    """u in x (1 + tanh u) / 2 = x sigmoid(2 u), the approximation of x Phi(x)."""
    with np.errstate(over="ignore"):  # infinite on the right, where the sigmoid is 1
        return math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
