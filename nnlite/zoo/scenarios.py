"""Scenarios: what a kernel is tried on: layers with all of their options, small and in float64."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import nnlite
from nnlite import layers

N, T, F, H = 3, 4, 2, 3


class Scenario(NamedTuple):
    """A layer and its input; what `run` does with them calls the kernel."""

    name: str
    make: Callable[[], Any]
    x: np.ndarray
    forward: dict[str, Any]  # arguments
    backward: dict[str, Any]

    def run(self) -> None:
        layer, rng = self.make(), np.random.default_rng(1)
        for _ in range(2):  # weights that are no longer 0 or 1
            y = layer.forward(self.x, **self.forward)
            for array in layer.params.values():
                array += 0.1 * rng.normal(size=array.shape)
        layer.backward(rng.normal(size=y.shape), **self.backward)


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape)


def scenarios(kernel: str) -> Iterator[Scenario]:
    """The layers that use a kernel.

    Example:
        >>> from nnlite.zoo.scenarios import scenarios
        >>> [scenario.name for scenario in scenarios("dense")]
        ['Dense']
    """
    if kernel in RECURRENT:
        yield from _recurrent(*RECURRENT[kernel])
    for name, make, x, *forward in LAYERS.get(kernel, ()):
        yield Scenario(name, make, x, dict(*forward), {})


RECURRENT: dict[str, tuple[Callable, int]] = {
    "rnn": (layers.RNN, 1),
    "lstm": (layers.LSTM, 2),
    "gru": (layers.GRU, 1),
    "gru_reset_before": (lambda *args, **options: layers.GRU(*args, reset_after=False, **options), 1),
}


def _recurrent(make, states):
    state, dstate = ([drawn(N, H + k)[:, :H] for k in range(start, start + states)] for start in (0, 4))
    for sequences in (True, False):
        for lengths in (None, np.array([T, 2, 1])):
            options: dict[str, Any] = {"return_sequences": sequences, "dtype": "float64", "seed": 0}
            name = f"{'every step' if sequences else 'the last step'}{', lengths' * (lengths is not None)}"
            forward = {"initial_state": state, **({} if lengths is None else {"lengths": lengths})}
            yield Scenario(name, functools.partial(make, H, **options), drawn(N, T, F), forward, {"dstate": dstate})


def _layer(cls, *args, **options):
    return lambda: cls(*args, dtype="float64", seed=0, **options)


IMAGE = drawn(2, 5, 4, 2)
LAYERS: dict[str, list[tuple]] = {
    "dense": [("Dense", _layer(layers.Dense, 3), drawn(4, 5))],
    "conv2d": [
        ("Conv2D", _layer(layers.Conv2D, 4, (2, 3)), IMAGE),
        ("padding", _layer(layers.Conv2D, 4, 3, padding="same"), IMAGE),
        ("strides", _layer(layers.Conv2D, 4, (2, 3), strides=(2, 1), padding="same"), IMAGE),
        ("dilation", _layer(layers.Conv2D, 4, (2, 3), dilation_rate=(2, 1)), IMAGE),
        ("groups", _layer(layers.Conv2D, 4, 2, groups=2), IMAGE),
    ],
    "pool2d": [
        ("AvgPool2D", _layer(layers.AvgPool2D, 2), IMAGE),
        ("AvgPool2D, padding", _layer(layers.AvgPool2D, 2, padding="same"), IMAGE),
        ("AvgPool2D, strides", _layer(layers.AvgPool2D, 3, strides=1), IMAGE),
        ("MaxPool2D", _layer(layers.MaxPool2D, 2), IMAGE),
        ("MaxPool2D, strides", _layer(layers.MaxPool2D, 3, strides=1, padding="same"), IMAGE),
    ],
    "embedding": [("Embedding", _layer(layers.Embedding, 5, 3), np.array([[0, 4, 4], [2, 1, 0]]))],
    "activation": [
        (cls.__name__, _layer(cls), drawn(3, 5))
        for cls in (layers.Tanh, layers.Sigmoid, layers.ReLU, layers.LeakyReLU, layers.GELU)
    ],
    "softmax": [("Softmax", _layer(layers.Softmax), drawn(3, 5))],
    "norm": [
        ("BatchNorm, training", _layer(layers.BatchNorm), drawn(6, 4), {"training": True}),
        ("BatchNorm", _layer(layers.BatchNorm), drawn(6, 4)),
        ("LayerNorm", _layer(layers.LayerNorm), drawn(6, 4)),
    ],
    "dropout": [("Dropout", _layer(layers.Dropout, 0.4), drawn(6, 8), {"training": True})],
}


def _cross_entropy():
    loss = nnlite.SparseCategoricalCrossentropy(from_logits=True)
    loss.forward(np.array([0, 3, 1]), drawn(3, 5))
    loss.backward()


def _sample():
    for u in (0.05, 0.3, 0.6, 0.95):
        for temperature in (0.5, 1.0, 1.5):
            nnlite.sample(drawn(6), temperature, u)


def _update():
    kinds = (
        nnlite.SGD(0.1), nnlite.SGD(0.1, momentum=0.9), nnlite.SGD(0.1, momentum=0.9, nesterov=True),
        nnlite.Adagrad(0.1), nnlite.RMSprop(0.1), nnlite.RMSprop(0.1, momentum=0.9, centered=True),
        nnlite.Adam(0.1), nnlite.AdamW(0.1),
        nnlite.Adam(0.1, clipvalue=0.1), nnlite.SGD(0.1, clipnorm=0.5),
    )  # fmt: skip
    for optimizer in kinds:
        params = {"W": drawn(2, 3)}
        for step in range(3):
            optimizer.apply({"W": drawn(2, 3) + step}, params)


# What calls kernels without a layer.
PROGRAMS: dict[str, dict[str, Callable[[], None]]] = {
    "softmax": {"SparseCategoricalCrossentropy": _cross_entropy, "sample": _sample},
    "update": {"three steps of each optimizer": _update},
}
