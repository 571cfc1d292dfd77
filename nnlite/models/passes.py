"""Passes: a layer of a model where it gets more than x, the lengths of sequences, or is a user's own."""

import functools
import inspect
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import checks, sequence_lengths
from ..arguments import is_ours


@functools.cache  # each step asks: a call that is found there is none of Python's
def takes_needs_dx(backward: Callable) -> bool:
    """Whether this `backward`, of a class of layers or models, takes `needs_dx`."""
    return "needs_dx" in inspect.signature(backward).parameters


def begin(model: Any, x: Any) -> None:
    """Before a model's first input: call a `build` of its own class, which may do more than to build the layers."""
    if model.input_shape is None and not is_ours(type(model).build):
        model.build(np.shape(x)[1:])
    if not model.layers:
        raise ValueError(f"{model.name} has no layers: add some, {model.name}.add(Dense(3))")


def forward(layer: Any, x: np.ndarray, training: bool, lengths: np.ndarray | None) -> tuple[Any, np.ndarray | None]:
    """What the layer makes of x; and the lengths, None where there are no steps any more."""
    if lengths is None:
        return layer.forward(x, training) if is_ours(type(layer)) else _forward_own(layer, x, training), None
    if layer.takes_lengths:
        y = layer.forward(x, training, lengths=lengths)
        return y, lengths if layer.return_sequences else None
    # Any other layer must not mix steps with padding.
    if not layer.built:
        layer.build(x.shape[1:])
    what = f"lengths: {layer.name} ({type(layer).__name__})"
    if layer.statistics:
        raise ValueError(f"{what} takes its statistics over all steps, and would count padding: use LayerNorm")
    if getattr(layer, "_steps_apart", None) != x.ndim:
        _check_steps_apart(layer, x, lengths, what)
    y, _ = forward(layer, x, training, None)
    if y.shape[:2] != x.shape[:2]:
        raise _mixes(what, f"it makes {checks.shape_text(y.shape)} of x {checks.shape_text(x.shape)}")
    return y, lengths


def _check_steps_apart(layer, x, lengths, what):
    """Try, before the first batch with padding, that nothing of it comes into the real steps of y."""
    real = sequence_lengths.real_steps(lengths, x.shape[1])
    if real.all() or not real.any():
        return
    other = x.copy()
    other[~real] = x[real].max() + (x.dtype.kind == "f")  # an id has to stay one
    y, other_y = (forward(layer, array, False, None)[0] for array in (x, other))
    if y.shape[:2] == x.shape[:2]:
        if not np.array_equal(y[real], other_y[real], equal_nan=y.dtype.kind == "f"):
            raise _mixes(what, "its y at real steps depends on what stands in the padding")
        layer._steps_apart = x.ndim


def steps(model: Any, N: int | None = None) -> list[Callable]:
    """The `step` of each of a model's layers, or with N its `stepper`; of one's own what its class says a step is."""
    if N is not None and _said(type(model)) == "step":
        return [model.step]
    _require_step(model)
    return [_step(model, i, N) for i in range(len(model.layers))]


def _step(model, i, N):
    layer = model.layers[i]
    said = _said(type(layer))
    step = layer.step if N is None or said in ("step", "forward") else layer.stepper(N)
    if said == "forward":
        _require_step(layer)
        return _tried(model, i, step)
    return step


def _said(cls):
    """Which of these a class of one's own defines itself, the first one here; None for nnlite's own."""
    for base in itertools.takewhile(lambda base: not is_ours(base), cls.__mro__):
        for name in ("stepper", "step", "forward"):
            if name in vars(base):
                return name
    return None


def _require_step(one):
    """Refuse steps of what has states, and a forward of one's own: the step of its base would do something else."""
    if one.takes_lengths and _said(type(one)) == "forward":
        kind = type(one).__name__
        raise ValueError(
            f"step: {one.name} ({kind}) has a forward of its own, which single steps would leave out: use forward on "
            f"whole sequences, or write {kind}.step(self, x), x without its time axis"
        )


def _tried(model, i, step):
    """A step of layer i of the model, whose class is a user's, but does not say itself what a step is."""
    layer = model.layers[i]

    def tried(x):
        if getattr(layer, "_takes_steps", None) != np.ndim(x):
            if _has_steps(model, i, np.ndim(x)):
                _check_step(layer, step, x)
            layer._takes_steps = np.ndim(x)
        return step(x)

    return tried


def _has_steps(model, i, ndim):
    """Whether layer i, whose x has so many axes in a step, reads whole sequences in the model's forward."""
    if model.input_shape is None:
        return all(getattr(layer, "return_sequences", True) for layer in model.layers[:i])
    return ndim == len(model.shapes()[i])


def _check_step(layer, step, x):
    """Try that two steps in a sequence give what each gives by itself."""
    x = np.array(x)
    what = f"step: {layer.name} ({type(layer).__name__})"
    remedy = "use forward on whole sequences, or write its step(self, x), which keeps what the next step needs"
    pair = x, x[::-1] + 1 if x.dtype.kind == "f" else np.zeros_like(x)  # an id has to stay one
    try:
        apart = np.stack([np.array(step(one)) for one in pair], axis=1)
        together = layer.forward(np.stack(pair, axis=1))
    except Exception as error:
        raise ValueError(f"{what} cannot take one step, or two, by itself: {error}: {remedy}") from error
    if together.shape != apart.shape or not np.allclose(together, apart, 1e-3, 1e-5, equal_nan=True):
        raise ValueError(f"{what} mixes time steps, as its y of one step is another in a sequence: {remedy}")


def _mixes(what, how):
    return ValueError(
        f"{what} mixes steps with padding, as {how}: let a recurrent layer without return_sequences come before it"
    )


def _forward_own(layer, x, training):
    """y of the layer's own forward, checked; in the first batch, with training and without, that it leaves x alone."""
    checked = "_leaves_x_in_training" if training else "_leaves_x"
    before = None if getattr(layer, checked, False) else x.copy()
    y = layer.forward(x, training)
    if before is not None:
        if not np.array_equal(x, before, equal_nan=x.dtype.kind == "f"):
            x[...] = before  # it may be the user's data
            raise ValueError(
                "forward: expected x to stay as it is, as the layer before needs it in its backward, got other numbers "
                "in it: compute in a new array, such as x = x * 2 instead of x *= 2, or in x.copy()"
            )
        setattr(layer, checked, True)
    _check_y(layer, x, y)
    layer._x_shape = x.shape if x.dtype.kind == "f" else None
    return y


def _check_y(layer, x, y):
    """Refuse what `forward` may not return: no array, another dtype of floats, a shape that `output_shape` denies."""
    if not isinstance(y, np.ndarray):
        remedy = "add `return y` at its end" if y is None else "return an array, np.asarray(...)"
        raise TypeError(f"forward: expected it to return an array, got {type(y).__name__}: {remedy}")
    if y.dtype.kind == "f" and y.dtype != layer.dtype:
        remedy = "make its arrays with dtype=self.dtype, or add `return y.astype(self.dtype)`"
        if x.dtype.kind != "f":  # integers may be ids, and stay
            remedy = f"its x are {x.dtype.name}: if they are no ids, begin with `x = x.astype(self.dtype)`"
        raise TypeError(
            f"forward: expected it to return {layer.dtype.name}, the layer's dtype, got {y.dtype.name}: {remedy}"
        )
    promised = (len(x), *layer.output_shape(x.shape[1:]))
    if len(promised) != y.ndim or any(p not in (None, s) for p, s in zip(promised, y.shape, strict=True)):
        remedy = f"add `def output_shape(self, input_shape): return {checks.shape_text(y.shape[1:])}`"
        if y.ndim == 0 or len(y) != len(x):
            remedy = "the first axis is that of the samples, and stays as it is"
        raise ValueError(
            f"forward: expected it to return {checks.shape_text(promised, 'any')}, as output_shape says, got "
            f"{checks.shape_text(y.shape)}: {remedy}"
        )


def backward_own(layer: Any, dy: np.ndarray) -> Any:
    """dx of the layer's own backward, checked: an array of the shape of x; of ids it may be anything."""
    dx, shape = layer.backward(dy), getattr(layer, "_x_shape", None)
    if shape is not None and not isinstance(dx, np.ndarray):
        remedy = "add `return dx` at its end" if dx is None else "return an array, np.asarray(...)"
        raise TypeError(f"backward: expected it to return dx, an array, got {type(dx).__name__}: {remedy}")
    if shape is not None and dx.shape != shape:
        raise ValueError(
            f"backward: expected it to return dx with the shape of x, {checks.shape_text(shape)}, got "
            f"{checks.shape_text(dx.shape)}: dx = dL/dx has a number for each of x"
        )
    return dx
