"""Layers that a user writes: what is forgiven, and what is named, with the line to add."""

import functools
import inspect
import warnings
from typing import Any

import numpy as np

from ... import checks


def is_own(cls: type) -> bool:
    """Whether a class is not one of nnlite's."""
    return not cls.__module__.startswith("nnlite.")


def adapt(cls: type) -> None:
    """Let `forward(self, x)` do without `training`, and let the first input build a layer with a `build` of its own."""
    if not is_own(cls):
        return
    method = _found(cls, "forward")
    if inspect.isfunction(method) and not hasattr(method, "adapted") and not hasattr(method, "takes_turns"):
        cls.forward = _adapted(method)  # type: ignore[attr-defined]
    build = vars(cls).get("build")
    if inspect.isfunction(build):
        cls.build = _marked_built(build)  # type: ignore[attr-defined]


def _found(cls, name):
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)


def _adapted(forward):
    parameters = [*inspect.signature(forward).parameters.values()]
    kinds = [p.kind for p in parameters]
    names = [p.name for p in parameters]
    places = sum(kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD) for kind in kinds)
    takes_a_second = places > 2 or inspect.Parameter.VAR_POSITIONAL in kinds
    by_name = "training" in names or inspect.Parameter.VAR_KEYWORD in kinds

    @functools.wraps(forward)
    def adapted(self, x, *training, **options):
        build = _found(type(self), "build")
        if not self.built and is_own_function(build):
            self.build(np.shape(x)[1:])
        if not takes_a_second:
            if training:
                options["training"], training = training[0], training[1:]
            if not by_name:
                options.pop("training", None)
        return forward(self, x, *training, **options)

    adapted.adapted = True  # type: ignore[attr-defined]
    return adapted


def is_own_function(function: Any) -> bool:
    """Whether a method is not one of nnlite's."""
    return not function.__module__.startswith("nnlite.")


def _marked_built(build):
    @functools.wraps(build)
    def marked(self, input_shape):
        build(self, input_shape)
        self.built = True
        _warn_of_hidden(self)

    return marked


def check_constructed(layer: Any) -> None:
    """Refuse a layer whose `__init__` has not called that of `Layer`."""
    cls = type(layer)
    if not is_own(cls):
        return
    if "params" not in vars(layer):
        raise TypeError(
            f"{cls.__name__}: its __init__ does not call that of Layer: add super().__init__() as its first line, or "
            f"super().__init__(**kwargs), to take dtype, seed and name"
        )
    if not is_own_function(_found(cls, "build")):
        _warn_of_hidden(layer)


def _warn_of_hidden(layer):
    """Warn of arrays that could be weights, and that no optimizer and no checkpoint will see."""
    if layer.params:
        return
    known = [id(array) for array in layer.statistics.values()]
    for name, value in vars(layer).items():
        is_array = isinstance(value, np.ndarray) and value.dtype.kind == "f"
        if is_array and not name.startswith("_") and id(value) not in known:
            warnings.warn(
                f"{type(layer).__name__}: its array {name} is not in params: it will not be trained and not be saved: "
                f"add self.params[{name!r}] = self.{name} and self.grads[{name!r}] = np.zeros_like(self.{name}); if it "
                f"is a constant, call it _{name}",
                stacklevel=5,
            )


def check_output(layer: Any, x: np.ndarray, y: Any) -> None:
    """Check what the `forward` of a user's own layer has returned, for a model that goes on with it.

    Raises:
        TypeError: it is no array, or one of another dtype than the layer's.
        ValueError: it has not the shape that `output_shape` says.
    """
    cls = type(layer)
    if not is_own(cls):
        return
    who = f"{layer.name} ({cls.__name__})"
    if not isinstance(y, np.ndarray):
        hint = "add return y as its last line" if y is None else "end it with return np.asarray(y, self.dtype)"
        raise TypeError(f"{who}: forward: expected an array, got {'None' if y is None else type(y).__name__}: {hint}")
    if y.dtype.kind == "f" and y.dtype != layer.dtype:
        raise TypeError(
            f"{who}: forward: expected {layer.dtype.name}, the layer's dtype, got {y.dtype.name}: end it with return "
            f"y.astype(self.dtype), or make all arrays with dtype=self.dtype, and numbers by float(...)"
        )
    announced, found = tuple(layer.output_shape(x.shape[1:])), y.shape[1:]
    if len(y) != len(x) or len(announced) != len(found) or any(a not in (None, f) for a, f in _pairs(announced, found)):
        expected, got = checks.shape_text(("N", *announced), "any"), checks.shape_text(y.shape)
        is_default = not is_own_function(_found(cls, "output_shape"))
        line = f"def output_shape(self, input_shape): return {_as_code(x.shape[1:], found)}"
        hint = f"add the method\n    {line}" if is_default else "correct one of the two"
        raise ValueError(
            f"{who}: forward gives {got} for x {checks.shape_text(x.shape)}, but output_shape says {expected}: {hint}"
        )


def _pairs(announced, found):
    return zip(announced, found, strict=True)


def _as_code(x_shape, y_shape):
    """A shape as one would write it in `output_shape`: what stays comes from input_shape."""
    kept = 0
    while kept < min(len(x_shape), len(y_shape)) and x_shape[kept] == y_shape[kept]:
        kept += 1
    if kept == len(x_shape) and kept:
        return f"(*input_shape, {', '.join(map(str, y_shape[kept:]))})"
    if kept:
        return (
            f"(*input_shape[:{kept}], {', '.join(map(str, y_shape[kept:]))})"
            if len(y_shape) > kept
            else (f"tuple(input_shape[:{kept}])")
        )
    return f"({', '.join(map(str, y_shape))}{',' * (len(y_shape) == 1)})"


def check_dx(layer: Any, dx: Any, before: Any) -> None:
    """Check what a layer's `backward` has returned, for the layer before it.

    Raises:
        TypeError: it is None.
    """
    if dx is None:
        raise TypeError(
            f"{layer.name} ({type(layer).__name__}): backward gives None, but {before.name} before it needs the "
            f"gradient of its output: end it with return dx"
        )


def hint(thing: Any) -> str:
    """The end of the message for something in the list of a model that is no layer; may be empty."""
    if isinstance(thing, type):
        return f": make one, {thing.__name__}(...)"
    if isinstance(thing, str):
        return f": use Activation({thing!r}), or the argument activation={thing!r} of the layer before"
    if callable(getattr(thing, "forward", None)):
        return (
            f": derive its class from nnlite.Layer, class {type(thing).__name__}(Layer), and call super().__init__() "
            f"in its __init__, if it has one"
        )
    return ": a function has no backward pass: derive a class from nnlite.Layer" if callable(thing) else ""
