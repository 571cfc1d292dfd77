"""Parameter initializers: functions of the shape and a random generator that return float64.

Names and numbers are those of Keras. An initializer is given by its name, "he_normal"; as a function; or, where it has
arguments, as an object, `RandomNormal(stddev=0.01)`.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import checks
from .arguments import Configured
from .arguments.classes import defined
from .kernels import backend

InitialValues = Callable[[tuple[int, ...], np.random.Generator], np.ndarray]
Given = str | InitialValues  # what a layer's argument may be


def _finite(name, value):
    value = checks.between(name, value, -math.inf, math.inf)
    if math.isinf(value):
        raise ValueError(f"{name}: expected a finite number, got {value!r}")
    return value


def zeros(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Zeros, for biases."""
    return np.zeros(shape)


def ones(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Ones, for scale factors."""
    return np.ones(shape)


def _fans(shape):
    """How many numbers each output is a sum of, and how many outputs each input is part of; see `glorot_uniform`."""
    if len(shape) < 2:
        return math.prod(shape), math.prod(shape)
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


def glorot_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Uniform in ±sqrt(6 / (fan_in + fan_out)), which preserves the variance of outputs and of gradients.

    The last two axes are (in, out); axes before them, such as a convolution's window, multiply both fans.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010, eq. 16.
    """
    limit = math.sqrt(6 / max(1, sum(_fans(shape))))
    return rng.uniform(-limit, limit, shape)


def orthogonal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Orthonormal rows or columns, uniform over all such matrices: repeated products neither grow nor shrink.

    The columns are the last axis; all axes before it, such as a convolution's window, together are the rows.

    Source: Saxe, McClelland and Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks, 2014. Of the QR decompositions of normal numbers, the one where R's diagonal is positive makes Q uniform:
    Mezzadri, How to generate random matrices from the classical compact groups, 2007.
    """
    rows, cols = math.prod(shape[:-1]), shape[-1]
    q, kernel = rng.standard_normal((max(rows, cols), min(rows, cols))), backend().orthogonal
    kernel.orthonormalise(q, np.empty(kernel.work_size(q.shape[1])))
    return (q if rows >= cols else q.T).reshape(shape)


def normal(stddev: float) -> InitialValues:
    """Normal with mean 0 and this standard deviation."""
    return lambda shape, rng: rng.normal(0.0, stddev, shape)


def uniform(limit: float) -> InitialValues:
    """Uniform in ±limit."""
    return lambda shape, rng: rng.uniform(-limit, limit, shape)


class Initializer(Configured):
    """Base of initializers with arguments. They are saved with a layer's configuration, which functions are not."""

    is_value = True

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """The first values, float64."""
        raise NotImplementedError(f"{type(self).__name__} has no __call__(shape, rng)")


class RandomNormal(Initializer):
    """Normal with this mean and standard deviation.

    Example:
        >>> import numpy as np
        >>> from nnlite import Dense
        >>> from nnlite.initializers import RandomNormal
        >>> layer = Dense(300, kernel_initializer=RandomNormal(stddev=0.01), seed=0)
        >>> layer.build((200,))
        >>> round(float(layer.params["W"].std()), 3)
        0.01
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05) -> None:
        self.mean, self.stddev = _finite("mean", mean), checks.between("stddev", stddev, 0, math.inf, closed=False)

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        return rng.normal(self.mean, self.stddev, shape)


class TruncatedNormal(RandomNormal):
    """Normal, but values more than two standard deviations from the mean are drawn again."""

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        values = rng.standard_normal(shape)
        while (outside := np.abs(values) > 2).any():
            values[outside] = rng.standard_normal(np.count_nonzero(outside))
        return self.mean + self.stddev * values


class RandomUniform(Initializer):
    """Uniform from minval to maxval."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05) -> None:
        self.minval = _finite("minval", minval)
        self.maxval = checks.between("maxval", maxval, self.minval, math.inf, closed=False)

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(self.minval, self.maxval, shape)


class Constant(Initializer):
    """One value everywhere."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = _finite("value", value)

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        return np.full(shape, self.value)


class VarianceScaling(Initializer):
    """Mean 0 and the variance scale / n, where n is a number of connections: the six that bear names are of this kind.

    Args:
        scale: above 0.
        mode: n: "fan_in", how many numbers each output is a sum of; "fan_out"; or "fan_avg", the mean of both.
        distribution: "truncated_normal", whose variance is right after what is beyond two standard deviations is drawn
            again; "untruncated_normal"; or "uniform".

    Source: He, Zhang, Ren and Sun, Delving deep into rectifiers, 2015, for "he"; LeCun, Bottou, Orr and Müller,
    Efficient backprop, 1998, for "lecun"; Glorot and Bengio, 2010, for "glorot".
    """

    def __init__(self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal") -> None:
        self.scale = checks.above_zero("scale", scale)
        for name, value, known in (("mode", mode, MODES), ("distribution", distribution, DISTRIBUTIONS)):
            if value not in known:
                raise ValueError(f"{name}: expected one of {', '.join(known)}, got {value!r}")
        self.mode, self.distribution = mode, distribution

    def __call__(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        fans = _fans(shape)
        n = {"fan_in": fans[0], "fan_out": fans[1], "fan_avg": sum(fans) / 2}[self.mode]
        variance = self.scale / max(1, n)
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return rng.uniform(-limit, limit, shape)
        if self.distribution == "untruncated_normal":
            return rng.normal(0.0, math.sqrt(variance), shape)
        return TruncatedNormal(stddev=math.sqrt(variance) / TRUNCATED)(shape, rng)


MODES = "fan_in", "fan_out", "fan_avg"
DISTRIBUTIONS = "truncated_normal", "untruncated_normal", "uniform"
TRUNCATED = 0.87962566103423978  # the standard deviation of a standard normal without what is beyond ±2

glorot_normal = VarianceScaling(1.0, "fan_avg", "truncated_normal")
he_normal = VarianceScaling(2.0, "fan_in", "truncated_normal")
he_uniform = VarianceScaling(2.0, "fan_in", "uniform")
lecun_normal = VarianceScaling(1.0, "fan_in", "truncated_normal")
lecun_uniform = VarianceScaling(1.0, "fan_in", "uniform")
random_normal, random_uniform, truncated_normal, constant = RandomNormal, RandomUniform, TruncatedNormal, Constant

_BY_NAME: dict[str, InitialValues] = {
    "zeros": zeros,
    "ones": ones,
    "glorot_uniform": glorot_uniform,
    "glorot_normal": glorot_normal,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
    "lecun_uniform": lecun_uniform,
    "lecun_normal": lecun_normal,
    "orthogonal": orthogonal,
    "random_normal": RandomNormal(),
    "random_uniform": RandomUniform(),
    "truncated_normal": TruncatedNormal(),
    "uniform": uniform(0.05),
    "normal": RandomNormal(),
}


def __getattr__(name: str) -> Any:
    """Keras' classes without arguments, such as HeNormal: HeNormal() is the function."""
    function = _BY_NAME.get(_in_lower_case(name))
    if function is None or name.lower() == name:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}: expected one of {sorted(_BY_NAME)}")

    def make() -> InitialValues:
        return function

    return make


def _in_lower_case(name):
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def given(what: str, initializer: Any) -> Any:
    """An argument of a layer: what `get` takes, as its configuration keeps it, checked when the layer is made."""
    found = _found(initializer, what)
    return found if isinstance(found, Initializer) and not isinstance(initializer, str) else initializer


def get(initializer: Any, what: str = "initializer") -> InitialValues:
    """The initializer with this name or configuration, or the function itself.

    Args:
        what: begins the messages, such as "kernel_initializer".

    Raises:
        ValueError: no initializer has this name.
        TypeError: neither a name nor a function.
    """
    return _found(initializer, what)


def _found(initializer, what):
    expected = (
        f"{what}: expected a function of (shape, rng), an initializer such as RandomNormal(stddev=0.01), or one of"
    )
    if isinstance(initializer, dict) and isinstance(initializer.get("class"), str):
        return defined(initializer["class"], Initializer, "initializer").from_config(initializer.get("config", {}))
    if isinstance(initializer, type) and issubclass(initializer, Initializer):
        return initializer()
    if callable(initializer):
        return initializer
    if not isinstance(initializer, str):
        raise TypeError(f"{expected} {sorted(_BY_NAME)}, got {initializer!r}")
    found = _BY_NAME.get(initializer) or _BY_NAME.get(_in_lower_case(initializer))
    if found is None:
        raise ValueError(f"{expected} {sorted(_BY_NAME)}, got {initializer!r}")
    return found
