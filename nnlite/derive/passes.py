"""Run a derivation and the layer, and compare their numbers."""

import copy
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import checks, losses
from ..layers.base.layer import Layer
from ..layers.base.recurrent import Recurrent
from ..models.float64_copy import in_float64
from . import steps
from .engine.derivation import Comparison, Derivation, verdict
from .engine.layout import MAX_LINES, WIDTH, Page
from .engine.selection import At, Choice
from .layers import recurrent
from .registry import derivation_of

State = Sequence[np.ndarray] | None


def forward(
    layer: Layer,
    x: np.ndarray,
    *,
    at: At = None,
    initial_state: State = None,
    precision: int = 4,
    max_lines: int = MAX_LINES,
) -> Derivation:
    """Derive a layer's output, with every sum written out.

    The layer is compared twice: as it is, and as a copy in float64. Numbers may differ by the rounding error of the
    arithmetic as written, plus 1e-6 (float64: 1e-12) of the largest number, because a kernel may use another
    algorithm. Where nothing is rounded, as in MaxPool2D, every bit counts.

    Args:
        layer: one that has a derivation; `register` adds others. It does not change, but is built if it was not.
        x: a tiny input of the layer: numbers of any kind, or ids.
        at: which numbers of y to write out, as an index: at=(0, 1, 2) is y[0, 1, 2]. None, and axes left out at the
            end, mean the whole axis. For a recurrent layer (n, t, u): sample, time step, unit. By default all.
        initial_state: the first state of a recurrent layer; by default the one it would start from.
        precision: number of digits printed. The computation keeps all.
        max_lines: the largest number of lines.

    Returns:
        A `Derivation`. It prints as the text, `y` has the numbers, and `agrees` says whether the layer computes the
        same.

    Raises:
        TypeError: the layer has no derivation, x holds no numbers, or the layer raises this itself.
        ValueError: the text would be too long, x or a parameter is not finite, or the layer raises this itself.
        IndexError: at is outside of y.

    Example:
        >>> import numpy as np
        >>> from nnlite import Dense, derive
        >>> layer = Dense(1)
        >>> layer.build((2,))
        >>> layer.params["W"][...] = [[0.5], [-2]]
        >>> print(derive.forward(layer, np.array([[3, 1]], "float32")))
        Dense(units=1), forward, float32
        <BLANKLINE>
          y = x W + b
          y[n,u] = sum over f of x[n,f] W[f,u] + b[u]
        <BLANKLINE>
        x  0  1      W    0      b  0
        0  3  1      0  0.5         0
                     1   -2
        <BLANKLINE>
        y[0,0] = x[0,0] W[0,0] + x[0,1] W[1,0] + b[0] = 3*0.5 + 1*(-2) + 0 = -0.5
        <BLANKLINE>
        y     0      kernel     0
        0  -0.5           0  -0.5
        <BLANKLINE>
        The layer computes the same.
           numbers  largest difference  allowed there  at     derived  kernel
        y  1        0                   4e-06          [0,0]  -0.5     -0.5
    """
    if isinstance(layer, Layer) and len(layer._steps()) > 1:
        return steps.forward(forward, layer, x, at, precision=precision, max_lines=max_lines)
    states = {"initial_state": initial_state}
    return _derive_layer(layer, "forward", _run_forward, {"x": x}, states, at, precision, max_lines)


def backward(
    layer: Layer,
    x: np.ndarray,
    dy: np.ndarray,
    *,
    at: At = None,
    initial_state: State = None,
    dstate: State = None,
    precision: int = 4,
    max_lines: int = MAX_LINES,
) -> Derivation:
    """Derive a layer's gradients from dy: dx, and those of its parameters.

    Args:
        layer, x, initial_state, precision, max_lines: as in `forward`.
        dy: dL/dy, with the shape of y.
        at: which numbers to write out, as a dict from gradients to indices: at={"dW": (0, 0)}. Other gradients are left
            out. For a recurrent layer, "step" is the backward pass at (n, t, u): sample, time step, unit.
        dstate: the gradient of a recurrent layer's last state, from the steps after it.

    Returns:
        A `Derivation`. It prints as the text; `dx` and `grads` have the numbers.

    Raises:
        TypeError, ValueError, IndexError: as `forward`.

    Example:
        >>> import numpy as np
        >>> from nnlite import Tanh, derive
        >>> text = str(derive.backward(Tanh(), np.array([[0.5]], "float32"), np.array([[2]], "float32")))
        >>> print(text.splitlines()[4])
        dx[0,0] = dy[0,0] * (1 - y[0,0]^2) = 2*(1 - 0.4621^2) = 1.573
    """
    if isinstance(layer, Layer) and len(layer._steps()) > 1:
        return steps.backward(backward, layer, x, dy, at, precision=precision, max_lines=max_lines)
    states = {"initial_state": initial_state, "dstate": dstate}
    return _derive_layer(layer, "backward", _run_backward, {"x": x, "dy": dy}, states, at, precision, max_lines)


def loss(
    loss: Any, y_true: np.ndarray, y_pred: np.ndarray, *, at: At = None, precision: int = 4, max_lines: int = MAX_LINES
) -> Derivation:
    """Derive a loss and its gradient.

    Args:
        loss: one that has a derivation, or its name, as for `compile`.
        y_true, y_pred: numbers of any kind, as the loss takes them.
        at: {"dy_pred": index} writes out a part of the gradient, {"loss": ()} the loss alone.
        precision, max_lines: as in `forward`.

    Returns:
        A `Derivation`; its `values` are "loss" and "dy_pred".

    Raises:
        TypeError, ValueError, IndexError: as `forward`.

    Example:
        >>> import numpy as np
        >>> from nnlite import SparseCategoricalCrossentropy, derive
        >>> loss = SparseCategoricalCrossentropy(from_logits=True)
        >>> derived = derive.loss(loss, np.array([1]), np.array([[0.0, 0.0]]))
        >>> derived.values["dy_pred"]
        array([[ 0.5, -0.5]])
    """
    loss = losses.get(loss)
    derivation = derivation_of(loss, "loss")
    y_true, y_pred = checks.numbers("y_true", y_true), checks.as_floats("y_pred", y_pred)
    kernels = _run_loss(loss, y_true, y_pred), _run_loss(loss, _wide(y_true), _wide(y_pred))
    _require_numbers(y_pred=y_pred, y_true=y_true)
    return _derive(loss, "loss", derivation, (y_true, y_pred), {}, kernels, y_pred.dtype, at, precision, max_lines)


def _derive_layer(layer, function, run, arrays, states, *settings):
    if not isinstance(layer, Layer):
        raise TypeError(
            f"layer: expected a layer, got {layer!r}: for a model, give derive.{function} one of its layers"
        )
    derivation = derivation_of(layer, function)
    states = {name: given for name, given in states.items() if given is not None}
    if states and not hasattr(layer, "reset_state"):
        names = ", ".join(states)
        raise TypeError(f"{names}: expected a recurrent layer, got {layer!r}, which has no state: leave {names} out")
    x, *others = (checks.numbers(name, array) for name, array in arrays.items())
    for name, state in states.items():
        if isinstance(state, tuple | list):  # else the layer says what it expects
            states[name] = tuple(_as_floats(name, array, layer.dtype) for array in state)
    x = _as_taken(layer, x, {name: state for name, state in states.items() if name != "dstate"})
    arrays = dict(zip(arrays, [x, *(_as_floats("dy", dy, layer.dtype) for dy in others)], strict=True))
    kernels = _layer_and_its_copy(layer, run, arrays.values(), states)
    _require_numbers(**arrays, **layer.params, **states)
    return _derive(layer, function, derivation, arrays.values(), states, kernels, layer.dtype, *settings)


def _as_floats(name, x, dtype):
    return checks.floats(name, x, dtype, (...,), "(N, ...)")


def _as_taken(layer, x, initial):
    """x in the layer's dtype. Whole numbers stay what they are, ids, to a layer that takes no others."""
    if x.dtype.kind != "f":
        try:
            copy.deepcopy(layer).forward(x.astype(layer.dtype), **initial)
        except (IndexError, TypeError, ValueError):  # what is wrong with ids as well, the layer says soon
            return x.astype(np.intp) if x.dtype.kind == "b" else x
    return _as_floats("x", x, layer.dtype)


def _run_forward(layer, x, **options):
    found = {"y": layer.forward(x, **options)}
    if isinstance(layer, Recurrent):  # the first state is in y
        found |= {f"{name}_last": state for name, state in _named(layer, layer.state)[1:]}
    return found


def _run_backward(layer, x, dy, dstate=None, **options):
    layer.forward(x, **options)
    dx = layer.backward(dy) if dstate is None else layer.backward(dy, dstate=dstate)
    found = {} if dx is None else {"dx": dx}  # ids have no gradient
    found |= {f"d{name}": grad for name, grad in layer.grads.items()}
    if isinstance(layer, Recurrent):
        found |= {f"d{name}_initial": gradient for name, gradient in _named(layer, layer.dinitial_state)}
    return found


def _named(layer, states):
    return list(zip(layer.states, states, strict=True))


def _run_loss(loss, y_true, y_pred):
    other = copy.deepcopy(loss)
    return {"loss": np.float64(other.forward(y_true, y_pred)), "dy_pred": other.backward()}


def _layer_and_its_copy(layer, run, arrays, states):
    """The results of `run` for the layer, and for the same layer in float64.

    Both are copies, so the user's layer keeps its state, its gradients, and what its forward kept.
    """
    if not layer.built:
        x, *_ = arrays
        initial = {name: state for name, state in states.items() if name != "dstate"}
        copy.deepcopy(layer).forward(x, **initial)  # raises what the layer raises, before it is built
        layer.build(x.shape[1:])
    layer = copy.deepcopy(layer)
    layer.trainable = True  # its gradients are wanted here
    found = run(copy.deepcopy(layer), *arrays, **states)
    if layer.dtype == np.float64:
        return found, found
    states = {name: _wide(state) for name, state in states.items()}
    return found, run(in_float64(layer), *map(_wide, arrays), **states)


def _wide(value):
    """An array, or each of several, in float64; ids stay ids."""
    if isinstance(value, np.ndarray):
        return value.astype(np.float64) if value.dtype.kind == "f" else value
    return tuple(map(_wide, value))


def _require_numbers(**given):
    """Refuse arrays, or sequences of arrays, that are empty or hold NaN or infinity."""
    arrays: dict[str, np.ndarray] = {}
    for name, value in given.items():
        arrays |= {name: value} if isinstance(value, np.ndarray) else {f"{name}[{i}]": a for i, a in enumerate(value)}
    for name, array in arrays.items():
        if not array.size:
            shape = checks.shape_text(array.shape)
            raise ValueError(f"{name}: expected at least one number, got an array of shape {shape}: give a larger one")
        if not np.isfinite(array).all():
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise ValueError(f"{name}: expected finite numbers, got {array[where]} at {list(where)}: replace it")


def _derive(thing, which, derivation, arrays, states, kernels, dtype, at, precision, max_lines):
    """The `Derivation` of a layer or loss. `kernels`: two dicts of what it computes, in its dtype and in float64."""
    own, exact = kernels
    choices = {name: np.shape(array) for name, array in own.items()}
    if isinstance(thing, Recurrent):
        choices = recurrent.choices(thing, next(iter(arrays)), choices)
    page = Page(Choice(at, choices), checks.positive("precision", precision), checks.positive("max_lines", max_lines))
    title = f"{thing!r}, {which}, {dtype.name}"
    for line in textwrap.wrap(title, WIDTH, subsequent_indent="  "):
        page.line(line)
    page.line()
    derived = derivation(page, thing, *arrays, **states)
    page.line()
    comparisons = [_compared(thing, name, derived, own[name], exact[name], dtype, at) for name in own]
    comparisons = [comparison for comparison in comparisons if comparison.count]  # `at` left the others out
    for comparison in comparisons:
        page.compared(derived[comparison.name], comparison.kernel)
    if page.rounded:
        page.line(f"Numbers are printed with {precision} digits; the computation keeps all.")
    for line in verdict(comparisons, "The layer" if isinstance(thing, Layer) else "The loss"):
        page.line(line)
    return Derivation(title, str(page), comparisons)


def _compared(thing, name, derived, own, exact, dtype, at):
    """The comparison with the layer, or with its copy in float64 if only that one differs."""
    source = f"{name} from the derivation of {type(thing).__name__}"
    if name not in derived:
        raise ValueError(f"derive: expected {source}, got {', '.join(derived) or 'nothing'}: return it")
    comparison = Comparison.of(name, derived[name], own, dtype)
    missing = comparison.derived.size - comparison.count
    if at is None and missing:
        raise ValueError(f"derive: expected every number of {source}, got all but {missing}: derive those, too")
    if comparison.agrees and exact.dtype == np.float64:  # a user's own layer may always compute in float32
        copied = Comparison.of(name, derived[name], exact, exact.dtype, is_copy=True)
        return comparison if copied.agrees else copied
    return comparison
