"""Normalisation: numbers of mean 0 and variance 1, then scaled and shifted. Letters: N rows, C channels.

Batch norm normalises each channel over the rows, layer norm each row over the channels. Means are computed in float64:
for numbers near 10000 with a standard deviation of 1, a float32 mean would be off by a thousandth of that deviation.
"""

import numpy as np


def batch_work_size(N, C):
    return 0


def layer_work_size(N, C):
    return 0


def batch_statistics(x, mean, variance, work):  # IN (N,C) OUT (C) (C)
    if len(x):
        mean[:] = x.mean(axis=0, dtype=np.float64)
        variance[:] = ((x - mean) ** 2).mean(axis=0)


def batch_forward(x, mean, variance, gamma, beta, y, work, epsilon):  # IN (N,C) (C) (C) (C) (C) OUT (N,C)
    u = (x - mean) / np.sqrt(variance + epsilon)
    y[:] = gamma * u + beta


def batch_backward(
    x, dy, mean, variance, gamma, dx, dgamma, dbeta, work, epsilon, from_x
):  # IN (N,C) (N,C) (C) (C) (C) OUT (N,C) (C) (C)
    """from_x: the mean and the variance are those of x, and so depend on it. Else they are constants."""
    deviation = np.sqrt(variance + epsilon)
    u = (x - mean) / deviation
    dbeta[:] = dy.sum(axis=0)
    dgamma[:] = (dy * u).sum(axis=0)
    g = dy - (dbeta + u * dgamma) / len(x) if from_x else dy
    dx[:] = gamma * g / deviation


def layer_forward(x, gamma, beta, y, epsilon):  # IN (N,C) (C) (C) OUT (N,C)
    u, _ = normalised(x, epsilon)
    y[:] = gamma * u + beta


def layer_backward(x, gamma, dy, dx, dgamma, dbeta, work, epsilon):  # IN (N,C) (C) (N,C) OUT (N,C) (C) (C)
    u, deviation = normalised(x, epsilon)
    dbeta[:] = dy.sum(axis=0)
    dgamma[:] = (dy * u).sum(axis=0)
    g = gamma * dy
    mean_g, mean_gu = (a.mean(axis=1, keepdims=True) for a in (g, g * u))
    dx[:] = (g - mean_g - u * mean_gu) / deviation


def normalised(x, epsilon):
    """Each row with mean 0 and variance 1, and the deviation it was divided by."""
    mean = x.mean(axis=1, keepdims=True, dtype=np.float64)
    deviation = np.sqrt(((x - mean) ** 2).mean(axis=1, keepdims=True) + epsilon)
    return (x - mean) / deviation, deviation
