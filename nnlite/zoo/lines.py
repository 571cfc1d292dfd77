"""The first wrong line of a kernel's backward: its forward is recorded on a tape, and the search is gradcheck's."""

import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from nnlite.gradcheck.wrong_line import Witness, WrongLine, wrong_line

from .exhibit import alone, right_module

N, T, F, H, C = 2, 3, 5, 4, 4
Arrays = dict[str, np.ndarray]
Draw = Callable[..., np.ndarray]  # a shape's normal numbers


def _draw(seed: int) -> Draw:
    """Each call other numbers: equal ones would be mistaken for each other."""
    rng = np.random.default_rng(seed)
    return lambda *shape: rng.normal(size=shape)


class Pass(NamedTuple):
    """A backward pass to search, with what its forward pass has left on the tape."""

    name: str
    witness: Witness
    call: Callable[[Callable[..., Any]], list[np.ndarray]]
    expected: list[np.ndarray]


def first_wrong(kernel: str, module: types.ModuleType | str) -> WrongLine | None:
    """The first wrong line of a module that stands in for a kernel, or of its text.

    None if no line is wrong, or if there is no saying which one: of a convolution or a maximum, of a mistake that only
    shows with sequences of several lengths, and of what is no backward pass.

    Example:
        >>> from nnlite.zoo import exhibit, first_wrong
        >>> print(first_wrong("lstm", exhibit("lstm-13").source()))
        line 41: dc[:] = np.where(ended, dc, 0)
          all that it is computed from is right, and dc is wrong: relative difference 1, first at time step 2
    """
    source = alone(module if isinstance(module, str) else inspect.getsource(module))
    found = (wrong_line([(source, 1)], *one[1:], one.name) for one in passes(kernel))
    return next(filter(None, found), None)


def passes(kernel: str) -> Iterator[Pass]:
    """The backward passes of a kernel whose forward the tape can follow: the same numbers each time."""
    draw = _draw(1)
    if kernel in RECURRENT:
        yield _recurrent(kernel, draw)
    for name, forward, given, made, options in PASSES.get(kernel, ()):
        yield _of_layer(kernel, name, forward, given, made, options, draw)


# The functions of these take one list of arguments: what is given, what is made, and options, by their names.


def _of_layer(kernel, name, forward, given, made, options, draw):
    module, witness = right_module(kernel), Witness()
    forward = getattr(module, forward) if isinstance(forward, str) else forward
    noted = {key: witness.array(array) for key, array in given.items()}
    noted |= {key: witness.array(np.zeros(shape)) for key, shape in made.items()}
    witness.call(forward, *(noted.get(key, options.get(key)) for key in inspect.signature(forward).parameters))
    last = next(key for key in ("losses", "y") if key in made)
    dy = np.full(made[last], options["scale"]) if last == "losses" else draw(*made[last])
    witness.backward(noted[last], dy)
    parameters = inspect.signature(getattr(module, name)).parameters
    asked = [key for key in given if f"d{key}" in parameters]
    arrays = {key: array.value for key, array in noted.items()} | {"dy": dy}

    def call(function):
        own = {key: array.copy() for key, array in arrays.items()} | {
            f"d{key}": np.zeros_like(given[key]) for key in asked
        }
        function(*(own.get(key, options.get(key)) for key in parameters))
        return [own[f"d{key}"] for key in asked]

    return Pass(name, witness, call, [witness.gradient(noted[key]) for key in asked])


def _batch_norm(x, mean, variance, gamma, beta, y, work, epsilon):
    norm: Any = right_module("norm")
    norm.batch_statistics(x, mean, variance, work)
    norm.batch_forward(x, mean, variance, gamma, beta, y, work, epsilon)


drawn = _draw(0)
X, ROW = {"x": drawn(N + 1, C)}, {"gamma": drawn(C), "beta": drawn(C)}
Y = {"y": (N + 1, C)}
PASSES: dict[str, list[tuple[str, Any, Arrays, Any, dict[str, Any]]]] = {
    "dense": [("backward", "forward", {"x": drawn(N, F), "W": drawn(F, C), "b": drawn(C)}, {"y": (N, C)}, {})],
    "activation": [
        (f"{name}_backward", f"{name}_forward", X, Y, {"slope": 0.3})
        for name in ("tanh", "sigmoid", "relu", "leaky_relu")
    ],
    "softmax": [
        ("backward", "forward", X, Y, {}),
        ("cross_entropy_backward", "cross_entropy_forward", X, {**Y, "losses": (N + 1,)},
         {"labels": np.array([1, 3, 0]), "scale": 0.4}),
    ],
    "norm": [
        ("batch_backward", _batch_norm, X | ROW, {"mean": (C,), "variance": (C,), **Y},
         {"epsilon": 0.1, "from_x": True}),
        ("batch_backward", "batch_forward", X | ROW | {"mean": drawn(C), "variance": drawn(C) ** 2}, Y,
         {"epsilon": 0.1, "from_x": False}),
        ("layer_backward", "layer_forward", X | ROW, Y, {"epsilon": 0.1}),
    ],
    "pool2d": [
        ("average_backward", "average_forward", {"x": drawn(2, 4, 5, 2)}, {"y": (2, 2, 3, 2)},
         {"kh": 2, "kw": 2, "sh": 2, "sw": 2, "top": 0, "left": 0, "include_pad": False}),
    ],
}  # fmt: skip

# How many blocks along a gate's axis, states, and numbers kept of a step; what else the functions take.
RECURRENT: dict[str, tuple[int, int, int, tuple[Any, ...]]] = {
    "rnn": (1, 1, 0, (False,)), "lstm": (4, 2, 4, ()), "gru": (3, 1, 4, ()), "gru_reset_before": (3, 1, 4, ()),
}  # fmt: skip


def _recurrent(kernel, draw):
    blocks, states, kept, options = RECURRENT[kernel]
    module, witness = right_module(kernel), Witness()
    x, Wx, Wh = draw(T, N, F), draw(F, blocks * H), draw(H, blocks * H)
    b = draw(*[2][: kernel == "gru"], blocks * H)
    memory = [np.concatenate([draw(1, N, H), np.zeros((T, N, H))]) for _ in range(states)]
    memory += [np.zeros((T, N, kept * H))] if kept else []
    dy, dstates = draw(N, T, H), [draw(N, H) for _ in range(states)]
    noted = [witness.array(array) for array in (x, Wx, Wh, b, *memory, np.zeros((N, T, H)))]
    witness.call(module.forward, noted[0], None, noted[1:4], *noted[4:], None, *options)
    ends = zip((state[T] for state in noted[4 : 4 + states]), dstates, strict=True)
    witness.backward(noted[-1], dy, *(part for pair in ends for part in pair))
    after = [array.value for array in noted[4:-1]]

    def call(function):
        final, dx, gradients = [d.copy() for d in dstates], np.zeros_like(x), [np.zeros_like(w) for w in (Wx, Wh, b)]
        dz = np.zeros((T, N, max(1, kept) * H))
        own = x.copy(), None, (Wx.copy(), Wh.copy(), b.copy()), *(array.copy() for array in after), dy.copy()
        function(*own, *final, dx, gradients, dz, None, *options)
        return [dx, *gradients, *final]

    expected = [witness.gradient(array) for array in noted[:4]]
    return Pass("backward", witness, call, expected + [witness.gradient(state)[0] for state in noted[4 : 4 + states]])
