"""The update rules of the optimizers. Letters: p parameter, g gradient, (n) each.

Every rule clips the gradient first: by a factor, `scale`, and to ±clip. p and the optimizer's memory (v, a, m, mean)
are changed in place; the formulas stand in csrc/update.pyx and in the optimizers' docstrings.
"""

import math

import numpy as np


def work_size(n):
    return 0


def sum_of_squares(g, work):
    g = g.astype(np.float64)
    return float(g @ g)


def _clipped(g, scale, clip):
    return np.clip(scale * g, -clip, clip)


def sgd(g, p, lr, scale, clip):  # IN g  IN and OUT p
    p -= lr * _clipped(g, scale, clip)


def sgd_momentum(g, p, v, lr, momentum, nesterov, scale, clip):  # IN g  IN and OUT p, v
    g = _clipped(g, scale, clip)
    v[:] = momentum * v - lr * g
    p += momentum * v - lr * g if nesterov else v


def adagrad(g, p, a, lr, epsilon, scale, clip):  # IN g  IN and OUT p, a
    g = _clipped(g, scale, clip)
    a += g * g
    p -= lr * g / np.sqrt(a + epsilon)


def rmsprop(g, p, v, mean, m, lr, rho, momentum, epsilon, scale, clip):  # IN g  IN and OUT p, v, mean, m
    """mean is None where not centered, m is None without momentum."""
    g = _clipped(g, scale, clip)
    v[:] = rho * v + (1 - rho) * g * g
    spread = v
    if mean is not None:
        mean[:] = rho * mean + (1 - rho) * g
        spread = np.maximum(v - mean * mean, 0)  # rounding could make a variance negative
    step = lr * g / np.sqrt(spread + epsilon)
    if m is not None:
        m[:] = momentum * m + step
        step = m
    p -= step


def adam(g, p, m, v, lr, beta_1, beta_2, epsilon, decay, t, scale, clip):  # IN g  IN and OUT p, m, v
    """t counts the steps from 1."""
    g = _clipped(g, scale, clip)
    rate = lr * math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    p -= decay * p
    m += (1 - beta_1) * (g - m)
    v += (1 - beta_2) * (g * g - v)
    p -= rate * m / (np.sqrt(v) + epsilon)
