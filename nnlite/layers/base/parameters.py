"""Parameters: dicts of arrays that lose nothing: a name that is not there is refused, with those that are."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ... import checks


class Parameters(dict):
    """A layer's arrays by name: its parameters, their gradients, or its statistics.

    Args:
        what: "params", "grads" or "statistics".
        arrays: what is in it.
        closed: whether new names come by `add` alone, as in nnlite's own layers. A user's own sets what it likes.

    Raises:
        KeyError: there is no such name; the message lists those that there are.

    Example:
        >>> import numpy as np
        >>> from nnlite import Dense
        >>> layer = Dense(2)
        >>> layer.build((1,))
        >>> layer.params["w"] = np.array([[3, 4]], "float32")
        Traceback (most recent call last):
        KeyError: "params: expected one of W, b, got 'w'"
    """

    def __init__(self, what: str, arrays: Mapping[str, np.ndarray], closed: bool) -> None:
        super().__init__(arrays)
        self.what, self.closed = what, closed

    def add(self, name: str, array: np.ndarray) -> None:
        """Put a new array there."""
        super().__setitem__(name, array)

    def __setitem__(self, name: str, array: np.ndarray) -> None:
        if self.closed and name not in self:
            expected = (
                f"one of {', '.join(self)}" if self else "a layer that is built, by build(input_shape) or its input"
            )
            raise KeyError(f"{self.what}: expected {expected}, got {name!r}")
        super().__setitem__(name, array)

    # A dict's other ways to set an item do not ask __setitem__.

    def update(self, *others: Any, **arrays: Any) -> None:
        for name, array in dict(*others, **arrays).items():
            self[name] = array

    def __ior__(self, other: Any) -> "Parameters":  # type: ignore[misc]  # in place, unlike `|`
        self.update(other)
        return self

    def setdefault(self, name: str, default: Any = None) -> Any:
        if name not in self:
            self[name] = default
        return self[name]

    def __reduce__(self) -> tuple:
        return Parameters, (self.what, dict(self), self.closed)


class ModelParameters(Parameters):
    """The arrays of all layers of a model, under names such as "dense.W". Values set here are copied into the layer.

    So layer, optimizer and model go on with the same array, and never with one that belongs to somebody else.

    Raises:
        KeyError: there is no such name; the message lists those that there are.
        TypeError: the new values are no numbers; or an array is to be removed.
        ValueError: they have another shape.

    Example:
        >>> from nnlite import Dense, Sequential
        >>> model = Sequential([Dense(2)], input_shape=(1,))
        >>> model.params["dense.W"] = [[3, 4]]
        >>> model.layers[0].params["W"]
        array([[3., 4.]], dtype=float32)
    """

    def __init__(self, what: str, arrays: Mapping[str, np.ndarray], model: Any) -> None:
        dict.__init__(self, arrays)
        self.what, self.closed, self.model = what, True, model

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def update(self, *others: Any, **arrays: Any) -> None:
        """Set all of these, or, if one does not fit, none."""
        changes = []
        for key, value in dict(*others, **arrays).items():
            array = self._current(key)
            if value is not array:  # as after params["dense.W"] *= 2
                changes.append((array, self._fitting(array, key, value)))
        for array, value in changes:
            array[...] = value

    @property
    def frozen(self) -> frozenset[str]:
        """The names of what no optimizer changes: the layers' `trainable` is False."""
        frozen: list[str] = []
        for layer in self.model.layers:
            if not getattr(layer, "_trainable", True):
                frozen += [f"{layer.name}.{name}" for name in layer.params]
            elif isinstance(layer.params, ModelParameters):
                frozen += [f"{layer.name}.{name}" for name in layer.params.frozen]
        return frozenset(frozen)

    def _current(self, key):
        """The layer's array."""
        for layer in self.model.layers if key in self else ():
            name = key.removeprefix(f"{layer.name}.")
            if name != key and name in getattr(layer, self.what):
                return getattr(layer, self.what)[name]
        raise KeyError(f"{self.what}: expected one of {', '.join(self) or 'none'}, got {key!r}")

    def _fitting(self, array, key, value):
        value = checks.numbers(f"{self.what}: {key}", value)
        if value.shape != array.shape:
            raise ValueError(f"{self.what}: {key}: expected shape {array.shape}, got {value.shape}")
        return value.copy()  # which may be another of these arrays

    def _refuse(self, *_: Any) -> Any:
        raise TypeError(f"{self.what}: expected new values, not a removal: the layers compute with all of them")

    __delitem__ = pop = popitem = clear = _refuse

    def __reduce__(self) -> tuple:
        return dict, (dict(self),)
