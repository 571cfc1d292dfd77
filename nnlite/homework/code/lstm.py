"""The LSTM's backward."""

from typing import Any

import numpy as np

from nnlite import LSTM
from nnlite.gradcheck.wrong_line import Witness

from .lines import sigmoid
from .question import Case, CodeQuestion

NAMES = ("Wx", "Wh", "b")


def _layer_of(x_shape, Wx, Wh, b):
    layer = LSTM(len(Wh), return_sequences=True, dtype="float64")
    layer.build(x_shape[1:])
    for name, array in zip(NAMES, (Wx, Wh, b), strict=True):
        layer.params[name][:] = array
    return layer


def backward(x: Any, h0: Any, c0: Any, Wx: Any, Wh: Any, b: Any, dh: Any) -> tuple[np.ndarray, ...]:
    layer = _layer_of(x.shape, Wx, Wh, b)
    x, h0, c0, dh = (np.asarray(array, np.float64) for array in (x, h0, c0, dh))
    layer.forward(x, initial_state=[h0, c0])
    dx = layer.backward(dh)
    return (dx, *layer.dinitial_state, *(layer.grads[name] for name in NAMES))


SORTS = (("one step", 1), ("several steps", 4), ("one sequence", 3), ("float32", 3))


def _cases(rng):
    cases = []
    for name, T in SORTS:
        N = 1 if name == "one sequence" else int(rng.integers(2, 4))
        F, H = (int(size) for size in rng.permutation([2, 3, 4])[:2])
        shapes = {"x": (N, T, F), "h0": (N, H), "c0": (N, H), "Wx": (F, 4 * H), "Wh": (H, 4 * H), "b": (4 * H,)}
        arguments = {key: rng.normal(size=shape) for key, shape in (shapes | {"dh": (N, T, H)}).items()}
        if name == "float32":
            arguments = {key: array.astype(np.float32) for key, array in arguments.items()}
        cases.append(Case(name, arguments))
    return cases


class Layer:
    """An LSTM whose backward is a student's."""

    kernel, states = "lstm", ("h", "c")  # the gates' order, and the letters that messages use

    def __init__(self, function: Any, arguments: dict[str, Any]) -> None:
        self.function, arguments = function, {k: np.array(v, np.float64) for k, v in arguments.items()}
        self.params = {name: arguments[name] for name in NAMES}
        self.grads = {name: np.zeros_like(array) for name, array in self.params.items()}
        self.state: Any = (arguments["h0"], arguments["c0"])
        self.dinitial_state: Any = None

    def forward(self, x: np.ndarray, initial_state: Any = None) -> np.ndarray:
        states = [np.zeros((len(x), len(self.params["Wh"])))] * 2 if initial_state is None else list(initial_state)
        self.x, self.initial = x, [np.array(state, np.float64) for state in states]
        layer = _layer_of(x.shape, *self.params.values())
        y = layer.forward(x, initial_state=self.initial)
        self.state = tuple(layer.state)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        h0, c0 = self.initial
        dx, dh0, dc0, *gradients = self.function(x=self.x, h0=h0, c0=c0, **self.params, dh=dy)
        self.dinitial_state = (dh0, dc0)
        for name, gradient in zip(NAMES, gradients, strict=True):
            self.grads[name][...] = gradient
        return dx


def _layer(function, case):
    return Layer(function, case.arguments), np.asarray(case.arguments["x"], np.float64)


def _states(x, h, c, Wx, Wh, b):
    """All h: (N,T,H). The tape knows its variables by the names that students use."""
    outputs = []
    for t in range(x.shape[1]):
        z = x[:, t] @ Wx + h @ Wh + b
        i, f, g, o = np.split(z, 4, axis=1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c = f * c + i * g
        h = o * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, axis=1)


def _on_tape(witness: Witness, arguments: dict[str, Any]) -> list[np.ndarray]:
    noted = [witness.array(arguments[name]) for name in ("x", "h0", "c0", *NAMES)]
    witness.backward(witness.call(_states, *noted), arguments["dh"])
    return [witness.gradient(array) for array in noted]


BACKWARD = CodeQuestion(
    name="lstm_backward",
    title="An LSTM, backward",
    statement="Write `lstm_backward(x, h0, c0, Wx, Wh, b, dh)`: backpropagation through all steps of an LSTM. "
    "Its forward pass is given.",
    file="lstm.py",
    results=("dx", "dh0", "dc0", "dWx", "dWh", "db"),
    right=backward,
    draw=_cases,
    kernels=("lstm",),
    layer=_layer,
    forward=_on_tape,
)
