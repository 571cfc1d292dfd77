"""Layers that a user writes: what is forgiven, and what is named, with the line to add."""

import functools
import inspect
import warnings
from typing import Any

import numpy as np

from ... import checks, seeds
from ...arguments import is_ours
from ...arguments.classes import held, is_model
from .storage import Storage


def adapt(cls: type) -> None:
    """Let `build` check its shape; let a user's also mark the layer built, and a `forward(self, x)` be enough."""
    build = vars(cls).get("build")
    if inspect.isfunction(build):
        cls.build = _checked_build(build)  # type: ignore[attr-defined]
    method = None if is_ours(cls) else _found(cls, "forward")
    if inspect.isfunction(method) and not hasattr(method, "adapted") and not hasattr(method, "takes_turns"):
        cls.forward = _adapted(method)  # type: ignore[attr-defined]


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
        if not self.built and not is_ours(build):
            self.build(np.shape(x)[1:])
        is_trained = training[0] if training else options.get("training")
        if not takes_a_second:
            if training:
                options["training"], training = training[0], training[1:]
            if not by_name:
                options.pop("training", None)
        y = forward(self, x, *training, **options)
        if is_trained is True:  # by hand, without a model, one may train the parts as one likes
            refuse_hidden_parts(self)  # now, as they are built
        return y

    adapted.adapted = True  # type: ignore[attr-defined]
    return adapted


def _checked_build(build):
    @functools.wraps(build)
    def checked(self, input_shape):
        if is_ours(build):
            return build(self, checks.input_shape(input_shape))
        self.equip_parts()  # those of __init__, where no model has done so
        with seeds.shared(self.rng):
            build(self, checks.input_shape(input_shape))
        self.equip_parts()  # those that it has made, and not built: with the layer's dtype
        self.built = True
        _warn_of_hidden(self)

    return checked


def check_constructed(layer: Any) -> None:
    """Refuse a layer whose `__init__` has not called that of `Layer`."""
    cls = type(layer)
    if is_ours(cls):
        return
    if "params" not in vars(layer):
        raise TypeError(
            f"{cls.__name__}: its __init__ does not call that of Layer: add super().__init__() as its first line, or "
            f"super().__init__(**kwargs), to take dtype, seed and name"
        )
    if is_ours(_found(cls, "build")):
        _warn_of_hidden(layer)


def _warn_of_hidden(layer):
    """Warn of arrays that could be weights, and that no optimizer and no checkpoint will see."""
    if layer.params:
        return
    known = [id(array) for array in layer.statistics.values()]
    for name, value in vars(layer).copy().items():
        is_array = isinstance(value, np.ndarray) and value.dtype.kind == "f"
        if is_array and not name.startswith("_") and id(value) not in known:
            warnings.warn(
                f"{type(layer).__name__}: its array {name} is not in params: it will not be trained and not be saved: "
                f"add self.params[{name!r}] = self.{name} and self.grads[{name!r}] = np.zeros_like(self.{name}); if it "
                f"is a constant, call it _{name}",
                stacklevel=5,
            )


def refuse_hidden_parts(layer):
    """Refuse to train or save a layer, or a model, that holds others whose weights nobody trains or saves."""
    handed_on = {id(array) for array in layer.params.values()}
    for name, part in _parts(layer):
        hidden = [key for key, array in part.params.items() if id(array) not in handed_on]
        if hidden and is_model(layer):
            if part.trainable:
                raise ValueError(
                    f"{type(layer).__name__}: expected all that learns among its layers, got a layer in self.{name} "
                    f"whose parameters nobody trains or saves: put it into the list for super().__init__, and use "
                    f"self.layers in forward and backward; or set self.{name}.trainable = False"
                )
        elif hidden:
            what, key = type(layer).__name__, hidden[0]
            ours, theirs = repr(f"{name}_{key}"), repr(key)
            raise ValueError(
                f"{what}: expected all weights in params, got a layer in self.{name} whose parameters nobody trains or "
                f"saves: make a Sequential of the parts instead of {what}, or hand them on at the end of build, when "
                f"self.{name} is built: self.params[{ours}] = self.{name}.params[{theirs}] and self.grads[{ours}] = "
                f"self.{name}.grads[{theirs}]"
            )


def _parts(layer):
    """Those that are no other layers of its model, which trains them: such as one whose weights are shared."""
    for name, part in _held(layer):
        if not (getattr(part, "_in_model", False) and part.rng is layer.rng):
            yield name, part


def _held(layer):
    """The layers and models in a layer's attributes, with their names."""
    return held(layer, lambda part: isinstance(part, Storage) or is_model(part))


def hint(thing: Any) -> str:
    """The end of the message for something in the list of a model that is no layer; may be empty."""
    if isinstance(thing, type):
        return f": make one, {thing.__name__}(...)"
    if isinstance(thing, str):
        return f": use Activation({thing!r}), or the argument activation={thing!r} of the layer before"
    if callable(getattr(thing, "forward", None)):
        return f": derive its class from Layer, class {type(thing).__name__}(nnlite.Layer), and call super().__init__()"
    return ": a function has no backward pass: derive a class from nnlite.Layer" if callable(thing) else ""


class AdaptsOwn:
    """Base of `Layer`: asks of a class and of a layer that a user wrote what the functions above say."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        adapt(cls)
        super().__init_subclass__(**kwargs)

    def _constructed(self, by_place: int) -> None:
        check_constructed(self)
        super()._constructed(by_place)  # type: ignore[misc]

    def check_saving(self) -> None:
        super().check_saving()  # type: ignore[misc]
        if not is_ours(type(self)):
            refuse_hidden_parts(self)

    def equip_parts(self) -> None:
        """Let the layers in a layer of one's own draw from its generator, and have its dtype: those of it alone."""
        layer: Any = self
        for _, part in [] if is_ours(type(layer)) else _held(layer):
            inside = part.layers if is_model(part) else []
            for one in (*inside, part):  # a model's dtype is that of its layers
                is_free = not one._is_seeded and not getattr(part, "_in_model", False)
                differs = one.rng is not layer.rng or (one.dtype != layer.dtype and not one.built)
                if is_free and differs:
                    one.rng, one.dtype = layer.rng, one.dtype if one.built else layer.dtype
                    if isinstance(one, AdaptsOwn):
                        one.equip_parts()
