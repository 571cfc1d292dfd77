"""Layers that a user writes: what is forgiven, and what is named, with the line to add."""

import functools
import inspect
import warnings
from typing import Any

import numpy as np


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
    return not (function.__module__ or "").startswith("nnlite.")


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


def hint(thing: Any) -> str:
    """The end of the message for something in the list of a model that is no layer; may be empty."""
    if isinstance(thing, type):
        return f": make one, {thing.__name__}(...)"
    if isinstance(thing, str):
        return f": use Activation({thing!r}), or the argument activation={thing!r} of the layer before"
    if callable(getattr(thing, "forward", None)):
        return f": derive its class from Layer, class {type(thing).__name__}(nnlite.Layer), and call super().__init__()"
    return ": a function has no backward pass: derive a class from nnlite.Layer" if callable(thing) else ""
