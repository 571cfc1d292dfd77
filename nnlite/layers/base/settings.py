"""Settings: what is set on a layer after it was made is checked as its constructor checks it."""

import functools
import inspect
from typing import Any

import numpy as np

from ... import checks
from ...arguments import Configured, is_ours, nearest_of_ours


class Settings(Configured):
    """Base of layers: an attribute that is an argument of the constructor takes what that takes, and nothing else.

    An argument that no attribute keeps, such as `strides`, cannot be set; but a class of a user's own with methods may
    have an attribute of that name.

    Attributes:
        fixed: the arguments that the weights are made for: they stay as they are when the layer has some.
    """

    fixed: tuple[str, ...] = ()
    params: Any
    name: str

    def _constructed(self, by_place: int) -> None:
        super()._constructed(by_place)
        names = _attributes(nearest_of_ours(type(self)))
        own = [value for base in type(self).__mro__[:-1] if not is_ours(base) for value in vars(base).values()]
        if any(map(inspect.isfunction, own)):  # whose attributes may have these names
            names = {name for name in names if hasattr(self, name)}
        self._settable = frozenset({"name", "dtype", "rng", *names})

    def _checked_setting(self, name, value):
        if name == "rng":
            return generator(value)
        if name == "name":
            return checks.layer_name(value)
        if not hasattr(self, name):  # no attribute keeps it, so that nobody would read it
            raise ValueError(
                f"{name}: expected to be given when the layer is made, got {value!r:.200} later: make a new layer, "
                f"{type(self).__name__}(..., {name}={value!r:.200})"
            )
        value = checks.float_dtype(name, value) if name == "dtype" else super()._checked_setting(name, value)
        before = getattr(self, name)
        if self.params and name in ("dtype", *self.fixed) and value != before:
            raise ValueError(
                f"{name}: expected {before!r}, as the weights of {self.name} are made for it, got {value!r}: make a "
                f"new layer, {type(self).__name__}(..., {name}={value!r})"
            )
        return value


@functools.cache
def _attributes(cls):
    """The arguments that may be attributes: properties see to themselves."""
    names = inspect.signature(cls).parameters
    return {name for name in names if not hasattr(inspect.getattr_static(cls, name, None), "__set__")}


def generator(value: Any) -> np.random.Generator:
    """A random generator that is set."""
    if not isinstance(value, np.random.Generator):
        raise TypeError(
            f"rng: expected a numpy.random.Generator, got {value!r}: use np.random.default_rng(seed), or make a new "
            f"one with seed=..."
        )
    return value
