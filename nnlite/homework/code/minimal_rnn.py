"""Karpathy's loop: a window's loss and gradients, and the training with Adagrad."""

from typing import Any

import numpy as np

from nnlite import RNN, Dense, SparseCategoricalCrossentropy
from nnlite.gradcheck.wrong_line import Witness

from ..sandbox.toy import toy_loss
from .question import Case, CodeQuestion

NAMES = ("Wx", "Wh", "b", "Wy", "by")


def rnn_loss(inputs: Any, targets: Any, h: Any, **params: Any) -> tuple[Any, ...]:
    """A window's loss, gradients and last state."""
    (V, H), T = np.shape(params["Wx"]), len(inputs)
    rnn, dense = RNN(H, return_sequences=True, dtype="float64"), Dense(V, dtype="float64")
    rnn.build((T, V))
    dense.build((H,))
    for layer, mine, theirs in (*((rnn, name, name) for name in NAMES[:3]), (dense, "W", "Wy"), (dense, "b", "by")):
        layer.params[mine][:] = params[theirs]
    loss = SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    one_hot = np.eye(V)[np.asarray(inputs)][None]
    y = rnn.forward(one_hot, initial_state=[np.asarray(h, np.float64)[None]])
    value = loss.forward(np.asarray(targets), dense.forward(y[0]))
    dstates: Any = dense.backward(loss.backward())
    rnn.backward(dstates[None])
    gradients = [rnn.grads[name] for name in NAMES[:3]] + [dense.grads["W"], dense.grads["b"]]
    return float(value), *gradients, y[0, -1]


def _loss_cases(rng):
    cases = []
    for name, T in (("one character", 1), ("a window", 5), ("a window in which characters repeat", 8), ("float32", 4)):
        V, H = (int(size) for size in rng.permutation([4, 5, 6, 7])[:2])
        shapes = {"h": (H,), "Wx": (V, H), "Wh": (H, H), "b": (H,), "Wy": (H, V), "by": (V,)}
        arrays = {key: 0.7 * rng.normal(size=shape) for key, shape in shapes.items()}
        if name == "float32":
            arrays = {key: array.astype(np.float32) for key, array in arrays.items()}
        inputs = rng.integers(V, size=T) if "repeat" in name else rng.permutation(max(V, T))[:T] % V
        cases.append(Case(name, {"inputs": inputs, "targets": rng.integers(V, size=T), **arrays}))
    return cases


# What students write instead: loss, gradients and state of a mean, of wrong targets, of another start.


def _mean(inputs, **others):
    loss, *gradients, h = rnn_loss(inputs, **others)
    return loss / len(inputs), *(gradient / len(inputs) for gradient in gradients), h


def _mean_loss(inputs, **others):
    loss, *rest = rnn_loss(inputs, **others)
    return loss / len(inputs), *rest


def _state_from_zero(h, **others):
    return rnn_loss(h=0 * h, **others)


def _next_input(inputs, targets, **others):
    return rnn_loss(inputs=targets, targets=targets, **others)


def _first_state(h, **others):
    *rest, _ = rnn_loss(h=h, **others)
    return *rest, h


def _clipped(**arguments):
    loss, *gradients, h = rnn_loss(**arguments)
    return loss, *(np.clip(gradient, -5, 5) for gradient in gradients), h


def _in_two(**arguments):
    loss, *rest = rnn_loss(**arguments)
    return loss / np.log(2), *rest


class Layer:
    """A window's loss as a layer of its input ids, whose backward is a student's."""

    def __init__(self, function: Any, arguments: dict[str, Any]) -> None:
        self.function, self.targets = function, arguments["targets"]
        self.params = {name: np.array(arguments[name], np.float64) for name in NAMES}
        self.grads = {name: np.zeros_like(array) for name, array in self.params.items()}
        self.h = np.array(arguments["h"], np.float64)

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.arguments = {"inputs": x[0], "targets": self.targets[: x.shape[1]], "h": self.h, **self.params}
        return np.array([rnn_loss(**self.arguments)[0]])

    def backward(self, dy: np.ndarray) -> None:
        _, *gradients, _ = self.function(**self.arguments)
        for name, gradient in zip(NAMES, gradients, strict=True):
            self.grads[name][...] = dy[0] * gradient


def _layer(function, case):
    return Layer(function, case.arguments), case.arguments["inputs"][None]


def _loss(inputs, targets, h, Wx, Wh, b, Wy, by):
    """The loss and the last state. The tape knows its variables by the names that students use."""
    loss = 0
    for x, target in zip(np.eye(len(Wx))[inputs], targets, strict=True):
        z = x @ Wx + h @ Wh + b
        h = np.tanh(z)
        y = h @ Wy + by
        p = np.exp(y) / np.exp(y).sum()
        loss = loss - np.log(p[target])
    return loss, h


def _on_tape(witness: Witness, arguments: dict[str, Any]) -> list[Any]:
    noted = {name: witness.array(arguments[name]) for name in ("h", *NAMES)}
    loss, h = witness.call(_loss, **{**arguments, **noted})
    witness.backward(loss)
    return [loss.value, *(witness.gradient(noted[name]) for name in NAMES), h.value]


def train(
    loss_function: Any, params: Any, ids: Any, length: int, steps: int, learning_rate: float, **mistaken: Any
) -> tuple[Any, ...]:
    """The loop; `mistaken` makes one of the mistakes below."""
    first, carried = mistaken.get("target", 1), mistaken.get("carried", True)
    stride, low = mistaken.get("stride", length), mistaken.get("low", -5)
    high = mistaken.get("high", 5)
    params = {name: np.array(array, np.float64) for name, array in params.items()}
    memory = {name: np.zeros_like(array) for name, array in params.items()}
    place, state, losses = 0, None, []
    for _ in range(steps):
        if place + length + 1 > len(ids):
            place, state = 0, (state if mistaken.get("kept") else None)
            if mistaken.get("forgets"):
                memory = {name: np.zeros_like(array) for name, array in params.items()}
        inputs = ids[place : place + length]
        targets = ids[place + first : place + first + length]
        loss, grads, state = toy_loss(inputs, targets, state if carried else None, params)
        losses.append(loss)
        for name, gradient in grads.items():
            g = np.clip(gradient, low, high)
            memory[name] = g * g + (0 if mistaken.get("last") else memory[name])
            root = memory[name] + 1e-8 if mistaken.get("rootless") else np.sqrt(memory[name] + 1e-8)
            params[name] -= mistaken.get("sign", 1) * learning_rate * g / (1 if mistaken.get("sgd") else root)
        place += stride if stride != "late" else length + 1
    return params, losses


def _mistaken(**mistake):
    return lambda **arguments: train(**arguments, **mistake)


def _train_cases(rng):
    cases = []
    for name, length, windows, rest, steps in (
        ("one window", 4, 3, 2, 1), ("three windows", 3, 4, 2, 3), ("twice through the text", 4, 3, 2, 7),
        ("a text that ends with a window", 3, 4, 1, 9), ("a target is missing at the end", 5, 2, 0, 6),
    ):  # fmt: skip
        V = int(rng.integers(5, 8))
        ids = rng.integers(V, size=length * windows + rest)
        params = {"W": rng.normal(size=(V, 3)), "b": rng.normal(size=3)}
        settings = {"length": length, "steps": steps, "learning_rate": 0.1}
        cases.append(Case(name, {"loss_function": "toy_loss", "params": params, "ids": ids, **settings}))
    return cases


LOSS = CodeQuestion(
    name="rnn_loss",
    title="Karpathy's RNN: loss and gradients",
    statement="Write `rnn_loss(inputs, targets, h, Wx, Wh, b, Wy, by)`: the loss of one window of text under the "
    "minimal character-level RNN, with the gradients of all parameters.",
    file="minimal_rnn.py",
    results=("loss", "dWx", "dWh", "db", "dWy", "dby", "h"),
    right=rnn_loss,
    draw=_loss_cases,
    mistakes=(
        ("loss and gradients are a mean over the window, and should be the sum", _mean),
        ("the loss is a mean over the window, and should be the sum", _mean_loss),
        ("the window begins with a state of 0 instead of h", _state_from_zero),
        ("the targets are taken for inputs", _next_input),
        ("the state before the window is returned, and should be the one after it", _first_state),
        ("the gradients are clipped here; `train` does that", _clipped),
        ("the loss is in bits: take the natural logarithm", _in_two),
    ),
    kernels=("rnn", "dense", "softmax"),
    layer=_layer,
    forward=_on_tape,
)
TRAIN = CodeQuestion(
    name="train",
    title="Karpathy's RNN: the loop",
    statement="Write `train(loss_function, params, ids, length, steps, learning_rate)`: windows one after the other, "
    "the state carried on, gradients clipped, Adagrad.",
    file="minimal_rnn.py",
    results=("params", "losses"),
    right=train,
    draw=_train_cases,
    mistakes=(
        ("the targets are the inputs; they should be the ids one place further on", _mistaken(target=0)),
        ("the targets are two places further on instead of one", _mistaken(target=2)),
        ("windows begin one place late: each should begin where the one before has ended", _mistaken(stride="late")),
        ("windows begin one place after the other: go on by a whole window", _mistaken(stride=1)),
        ("the state is never carried on: give each window what the one before returned", _mistaken(carried=False)),
        ("the state is carried on from the end of the text to its beginning: begin with None", _mistaken(kept=True)),
        ("Adagrad's memory begins anew with the text; it should last", _mistaken(forgets=True)),
        ("Adagrad's memory has the last square alone: add each to the sum of those before", _mistaken(last=True)),
        ("Adagrad divides by the sum of squares instead of its root", _mistaken(rootless=True)),
        ("each step goes uphill: subtract", _mistaken(sign=-1)),
        ("this is plain SGD: divide by the root of the sum of squares", _mistaken(sgd=True)),
        ("the gradients are not clipped to -5 .. 5", _mistaken(low=-np.inf, high=np.inf)),
        ("negative gradients are cut off: clip to -5 .. 5", _mistaken(low=0)),
    ),
    changes=("params",),
)
