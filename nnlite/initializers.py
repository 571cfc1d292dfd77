"""Parameter initializers: functions of the shape and a random generator that return float64."""

import math
from collections.abc import Callable

import numpy as np

InitialValues = Callable[[tuple[int, ...], np.random.Generator], np.ndarray]
Initializer = str | InitialValues


def zeros(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Zeros, for biases."""
    return np.zeros(shape)


def ones(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Ones, for scale factors."""
    return np.ones(shape)


def glorot_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Uniform in ±sqrt(6 / (fan_in + fan_out)), which preserves the variance of outputs and of gradients.

    The last two axes are (in, out); axes before them, such as a convolution's window, multiply both fans.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010, eq. 16.
    """
    window = math.prod(shape[:-2])
    limit = math.sqrt(6 / max(1, window * (shape[-2] + shape[-1])))
    return rng.uniform(-limit, limit, shape)


def orthogonal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Orthonormal rows or columns, uniform over all such matrices: repeated products neither grow nor shrink.

    The columns are the last axis; all axes before it, such as a convolution's window, together are the rows.

    Source: Saxe, McClelland and Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks, 2014. The signs of R's diagonal make Q uniform: Mezzadri, How to generate random matrices from the
    classical compact groups, 2007.
    """
    rows, cols = math.prod(shape[:-1]), shape[-1]
    q, r = np.linalg.qr(rng.standard_normal((max(rows, cols), min(rows, cols))))
    q *= np.sign(np.diag(r))
    return (q if rows >= cols else q.T).reshape(shape)


def normal(stddev: float) -> InitialValues:
    """Normal with mean 0 and this standard deviation."""
    return lambda shape, rng: rng.normal(0.0, stddev, shape)


def uniform(limit: float) -> InitialValues:
    """Uniform in ±limit."""
    return lambda shape, rng: rng.uniform(-limit, limit, shape)


_BY_NAME: dict[str, InitialValues] = {
    "zeros": zeros,
    "ones": ones,
    "glorot_uniform": glorot_uniform,
    "orthogonal": orthogonal,
    "uniform": uniform(0.05),
}


def get(initializer: Initializer) -> InitialValues:
    """The initializer with this name, or the function itself."""
    if callable(initializer):
        return initializer
    if initializer not in _BY_NAME:
        raise ValueError(f"initializer: expected a function or one of {sorted(_BY_NAME)}, got {initializer!r}")
    return _BY_NAME[initializer]
