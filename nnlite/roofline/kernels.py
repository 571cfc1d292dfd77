"""Every kernel of nnlite on the roofline: how much it computes for each byte, and how fast it is here."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

import nnlite
from nnlite import initializers

EXP = 20  # multiplications and additions of exp, tanh or a sigmoid, as csrc/vmath.h computes them
TURN = 0.1  # seconds that a kernel is measured for, but at least FEWEST calls
FEWEST = 3


@dataclass(frozen=True)
class Placed:
    """A kernel's place on the roofline.

    Attributes:
        name: such as "Dense, 1 row".
        sizes: such as "512 to 512".
        kernel: the module that computes it, such as "dense".
        operations: multiplications and additions by the definition, from the shapes.
        bytes: of what it is given and of what it returns, each once: no way of computing it moves fewer.
        seconds: on one thread; the best of several calls.

    Example:
        >>> from nnlite.roofline import Placed
        >>> one = Placed("Dense, 1 row", "512 to 512", "dense", operations=524288, bytes=1054720, seconds=2e-5)
        >>> round(one.intensity, 2), round(one.rate / 1e9)
        (0.5, 26)
    """

    name: str
    sizes: str
    kernel: str
    operations: float
    bytes: float
    seconds: float

    @property
    def intensity(self) -> float:
        """Operations for each byte: where it stands from left to right."""
        return self.operations / self.bytes

    @property
    def rate(self) -> float:
        """Operations per second: how high it stands."""
        return self.operations / self.seconds


def place(seconds: float = TURN) -> list[Placed]:
    """Measure every kernel's forward pass, or its update of weights, on one thread.

    Args:
        seconds: for each, approximately.

    Example:
        >>> from nnlite import roofline
        >>> {one.kernel for one in roofline.place(seconds=0)} >= {"conv2d", "dense", "lstm"}
        True
    """
    threads = nnlite.get_num_threads()
    nnlite.set_num_threads(1)
    try:
        return [
            Placed(name, sizes, kernel, operations, moved, best_of(run, seconds))
            for name, sizes, kernel, operations, moved, run in works()
        ]
    finally:
        nnlite.set_num_threads(threads)


def best_of(run: Callable[[], object], seconds: float) -> float:
    """Seconds of the fastest call, after a first one that does not count. Other load only makes a call slower."""
    run()
    best, end, calls = math.inf, time.perf_counter() + seconds, 0
    while calls < FEWEST or time.perf_counter() < end:
        began = time.perf_counter()
        run()
        best, calls = min(best, time.perf_counter() - began), calls + 1
    return best


def works() -> Iterator[tuple[str, str, str, float, float, Callable[[], object]]]:
    """Name, sizes, kernel, operations, bytes, and what to time."""
    yield from products()
    yield from recurrent()
    yield from by_number()
    yield from updates()


def layer_work(name, sizes, kernel, layer, x, operations):
    """A layer's forward pass."""
    y = layer.forward(x, training=True)
    moved = x.nbytes + y.nbytes + sum(weights.nbytes for weights in layer.params.values())
    return name, sizes, kernel, operations, moved, lambda: layer.forward(x, training=True)


def numbers(*shape):
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def shape_text(shape):
    return " x ".join(map(str, shape))


def products():
    """Layers whose work is a product: 2 operations for each weight and place where it is used."""
    for name, rows, features, units in (
        ("Dense", 512, 512, 512), ("Dense, few units", 2560, 200, 38), ("Dense, 1 row", 1, 512, 512)
    ):  # fmt: skip
        sizes, operations = f"{rows} x {features} to {units}", 2 * rows * features * units
        yield layer_work(name, sizes, "dense", nnlite.Dense(units), numbers(rows, features), operations)
    for name, images, channels, filters, kernel, size, groups in (
        ("Conv2D 3 x 3", 16, 64, 64, 3, 16, 1), ("Conv2D 1 x 1", 16, 64, 64, 1, 32, 1),
        ("Conv2D 7 x 7", 4, 3, 64, 7, 64, 1), ("Conv2D, depthwise", 16, 64, 64, 3, 28, 64),
    ):  # fmt: skip
        x, layer = numbers(images, size, size, channels), nnlite.Conv2D(filters, kernel, groups=groups)
        operations = 2 * len(x) * (size - kernel + 1) ** 2 * kernel**2 * channels * filters // groups
        yield layer_work(name, f"{shape_text(x.shape)} to {filters}", "conv2d", layer, x, operations)


def recurrent(N=32, T=40, F=64, H=200):
    """2 operations for each weight, row and step; and the cells."""
    for name, kernel, gates, options in (
        ("LSTM", "lstm", 4, {}), ("GRU", "gru", 3, {}), ("RNN", "rnn", 1, {}),
        ("GRU, reset before", "gru_reset_before", 3, {"reset_after": False}),
    ):  # fmt: skip
        layer = getattr(nnlite, name.split(",")[0])(H, return_sequences=True, **options)
        operations = N * T * (2 * (F + H) * gates * H + (gates + 1) * EXP * H)
        yield layer_work(name, f"{N} x {T} x {F} to {H}", kernel, layer, numbers(N, T, F), operations)


def by_number(N=64, T=40, V=200):
    """Layers and a loss that compute as much for each number as for any other, and move much for it."""
    x, images = numbers(N, T, V), numbers(16, 32, 32, 32)
    for layer, kernel, operations in (
        (nnlite.Tanh(), "activation", EXP), (nnlite.ReLU(), "activation", 1), (nnlite.Dropout(0.2), "dropout", 2),
        (nnlite.LayerNorm(), "norm", 8), (nnlite.Softmax(), "softmax", EXP + 3),
    ):  # fmt: skip
        yield layer_work(type(layer).__name__, shape_text(x.shape), kernel, layer, x, operations * x.size)
    sizes = shape_text(images.shape)
    yield layer_work("BatchNorm", sizes, "norm", nnlite.BatchNorm(), images, 7 * images.size)
    yield layer_work("MaxPool2D", f"{sizes}, 2 x 2", "pool2d", nnlite.MaxPool2D(2), images, images.size)
    ids = np.random.default_rng(0).integers(V, size=(N, T))
    # Copying a number is no arithmetic: counted as one operation, so that it has a place.
    yield layer_work(
        "Embedding", f"{V} x 256, {ids.size} ids", "embedding", nnlite.Embedding(V, 256), ids, ids.size * 256
    )
    loss, moved = nnlite.SparseCategoricalCrossentropy(from_logits=True), 2 * x.nbytes + ids.nbytes
    sizes = shape_text(x.shape)
    yield "cross-entropy", sizes, "softmax", (EXP + 3) * x.size, moved, lambda: loss.forward(ids, x)


def updates(n=1 << 20, side=128):
    """Optimizers, which read gradients and change weights and averages; and initial weights, in float64."""
    for optimizer, operations, arrays in ((nnlite.SGD(), 2, 3), (nnlite.Adam(), 14, 7)):
        grads, params = {"W": numbers(n)}, {"W": numbers(n)}
        step = functools.partial(optimizer.apply, grads, params)
        yield type(optimizer).__name__, f"{n:,} weights", "update", operations * n, arrays * grads["W"].nbytes, step
    draw = functools.partial(initializers.orthogonal, (side, side), np.random.default_rng(0))
    yield "orthogonal weights", f"{side} x {side}, float64", "orthogonal", 4 * side**3, 2 * 8 * side**2, draw
