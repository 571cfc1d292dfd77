"""Initial values of parameters. Each is a function of the shape and a random generator that returns float64."""

import math
from collections.abc import Callable

import numpy as np

# A name, or a function of the shape and a random generator.
Initializer = str | Callable[[tuple[int, ...], np.random.Generator], np.ndarray]


def zeros(shape, rng):
    """All zeros: for biases."""
    return np.zeros(shape)


def ones(shape, rng):
    """All ones: for factors."""
    return np.ones(shape)


def glorot_uniform(shape, rng):
    """Uniform in ±sqrt(6 / (fan_in + fan_out)): outputs, and gradients on the way back, keep their variance.

    The last two axes are (in, out); axes before them, such as those of a convolution's window, count in both fans.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010, eq. 16.
    """
    window = math.prod(shape[:-2])
    limit = math.sqrt(6 / max(1, window * (shape[-2] + shape[-1])))
    return rng.uniform(-limit, limit, shape)


def orthogonal(shape, rng):
    """Rows or columns orthonormal, drawn evenly among all such matrices: products of many neither grow nor shrink.

    The columns are the last axis; the axes before it, such as those of a convolution's window, are rows together.

    Source: Saxe, McClelland and Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks, 2014. The signs of R's diagonal make Q uniform: Mezzadri, How to generate random matrices from the
    classical compact groups, 2007.
    """
    rows, cols = math.prod(shape[:-1]), shape[-1]
    q, r = np.linalg.qr(rng.standard_normal((max(rows, cols), min(rows, cols))))
    q *= np.sign(np.diag(r))
    return (q if rows >= cols else q.T).reshape(shape)


def normal(stddev):
    """Normal with mean 0 and this standard deviation."""
    return lambda shape, rng: rng.normal(0.0, stddev, shape)


def uniform(limit):
    """Uniform in ±limit."""
    return lambda shape, rng: rng.uniform(-limit, limit, shape)


_BY_NAME = {
    "zeros": zeros,
    "ones": ones,
    "glorot_uniform": glorot_uniform,
    "orthogonal": orthogonal,
    "uniform": uniform(0.05),
}


def config(**initializers):
    """What a layer's configuration says of its initializers: names. JSON cannot write functions: they are left out."""
    return {argument: initializer for argument, initializer in initializers.items() if isinstance(initializer, str)}


def get(initializer):
    """The function of that name, or the function itself."""
    if callable(initializer):
        return initializer
    if initializer not in _BY_NAME:
        raise ValueError(f"initializer: expected a function or one of {sorted(_BY_NAME)}, got {initializer!r}")
    return _BY_NAME[initializer]
