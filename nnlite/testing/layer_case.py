"""LayerCase: a layer to check, its inputs, and copies of it that all begin alike."""

import copy
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import Layer
from .comparison import Arrays, changed
from .contract import Contract

LAYER = Contract()  # the checks are in layer_form.py, layer_kept.py and layer_numbers.py
ROWS = 5
MODES = (False, True)  # what `training` can be
WIDE = 8  # inputs so many times as large find what changes beyond 3, such as a limit of 6

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


class LayerCase:
    """What all checks of a layer ask for.

    Attributes:
        layer: as the caller gave it; it stays as it is.
        dtype: the layer's.
        is_layer: whether it derives from `Layer`; a class may also have nothing but the two passes.
        is_ours: whether it is one of nnlite's own, of which more bits are promised.
    """

    def __init__(self, layer: Any, input_shape: Sequence[int], draw: Draw | None) -> None:
        self.layer, self.input_shape = layer, checked_shape("input_shape", input_shape)
        self.is_layer, self.is_ours = isinstance(layer, Layer), type(layer).__module__.startswith("nnlite.layers.")
        for name in ("forward", "backward"):
            if isinstance(layer, type) or not callable(getattr(layer, name, None)):
                got = f"the class {layer.__name__}" if isinstance(layer, type) else repr(layer)
                raise TypeError(f"layer: expected a layer with forward and backward, got {got}: give one, Own()")
        if self.is_layer and layer.built:
            raise ValueError(
                f"layer: expected one without parameters, as every check builds its own, got {layer!r}, which is "
                f"built: give a new one"
            )
        self.dtype = np.dtype(getattr(layer, "dtype", np.float64))
        self._draw = draw
        self._built: dict[np.dtype, Any] = {}

    def inputs(self, rows: int = ROWS, dtype: Any = None, seed: int = 0) -> np.ndarray:
        """Random inputs: ids where the layer says that whole numbers are such, else floats."""
        rng, shape = np.random.default_rng(seed), (rows, *self.input_shape)
        x = rng.standard_normal(shape) if self._draw is None else np.asarray(self._draw(rng, shape))
        if self._draw is None and self.is_layer:
            V = self.layer.ids_below(np.zeros(shape, np.intp))
            x = x if V is None else rng.integers(V, size=shape)
        return x.astype(dtype or self.dtype) if x.dtype.kind == "f" else x

    def scales(self, x: np.ndarray) -> tuple[int, ...]:
        """By what to multiply random inputs, so that they are small once, and large once: not what the caller draws."""
        return (1, WIDE) if self._draw is None and x.dtype.kind == "f" else (1,)

    def new(self, dtype: Any = None) -> Any:
        """A built layer. All of a dtype are alike; those of two dtypes have the same numbers."""
        dtype = np.dtype(dtype or self.dtype)
        if dtype not in self._built:
            self._built[dtype] = self._build(dtype)
        return copy.deepcopy(self._built[dtype])

    def unbuilt(self, dtype: Any = None) -> Any:
        """A layer as the caller gave it."""
        layer = copy.deepcopy(self.layer)
        if self.is_layer:
            layer.rng = np.random.default_rng(7)
            vars(layer)["dtype"] = np.dtype(dtype or self.dtype)  # its setter would refuse it beside parameters
            layer.equip_parts()  # as a model does
        return layer

    def drawn(self) -> list[str]:
        """Attributes with an array that build draws, and that is in none of the dicts that are saved."""
        layers = [self.unbuilt() for _ in range(2 * self.is_layer)]
        for seed, layer in enumerate(layers):
            layer.rng = np.random.default_rng(seed)
            layer.build(self.input_shape)
        return hidden(*layers) if layers else []

    def _build(self, dtype):
        layer, rng = self.unbuilt(dtype), np.random.default_rng(8)
        if self.is_layer:
            layer.build(self.input_shape)
        self.forward(layer, self.inputs(2, dtype), training=False)  # may build it, too
        for arrays in (layer_params(layer), layer_grads(layer)):
            for name, array in arrays.items():
                has_its_dtype = isinstance(array, np.ndarray) and array.dtype == self.dtype
                if self.is_layer and has_its_dtype and dtype != self.dtype:  # made by the constructor
                    arrays[name] = array.astype(dtype)
        if dtype == self.dtype:
            for array in (*layer_params(layer).values(), *getattr(layer, "statistics", {}).values()):
                array[...] = changed(array, rng)
        else:
            _take_over(layer, self.new())
        if self.is_layer:
            layer.rng = np.random.default_rng(9)
        return layer

    def forward(self, layer: Any, x: np.ndarray, training: bool = True) -> np.ndarray:
        """y, from a state of zeros."""
        if hasattr(layer, "reset_state"):
            layer.reset_state()
        takes = self.is_layer or "training" in inspect.signature(layer.forward).parameters
        return layer.forward(x, training=training) if takes else layer.forward(x)

    def run(
        self,
        x: np.ndarray,
        training: bool = True,
        *,
        layer: Any = None,
        dtype: Any = None,
        dy: np.ndarray | None = None,
    ) -> Arrays:
        """Both passes of a new layer, or of this one: y, dx, and all gradients and states, by their names."""
        layer = self.new(dtype) if layer is None else layer
        y = self.forward(layer, x, training)
        results = {"y": y}
        for i, state in enumerate(getattr(layer, "state", None) or ()):
            results[f"state[{i}]"] = np.copy(state)
        for grad in layer_grads(layer).values():
            grad.fill(np.nan)  # which has to be overwritten
        return results | self.backward(layer, self.dy(y) if dy is None else dy)

    def backward(self, layer: Any, dy: np.ndarray) -> Arrays:
        """dx, if there is one, and the gradients of the parameters."""
        dx = layer.backward(dy)
        grads = {f"grads[{name!r}]": grad.copy() for name, grad in layer_grads(layer).items()}
        return grads if dx is None else {"dx": dx, **grads}

    def dy(self, y: np.ndarray, seed: int = 1) -> np.ndarray:
        """A random gradient of y."""
        return np.random.default_rng(seed).standard_normal(np.shape(y)).astype(y.dtype)


def layer_params(layer: Any) -> dict[str, np.ndarray]:
    """A layer's parameters, also of a class that has none."""
    return getattr(layer, "params", {})


def layer_grads(layer: Any) -> dict[str, np.ndarray]:
    """A layer's gradients."""
    return getattr(layer, "grads", {})


def hidden(layer: Any, other: Any) -> list[str]:
    """Attributes with an array that the other layer has with other numbers, and that is in no dict that is saved."""
    known = {id(a) for what in ("params", "grads", "statistics") for a in getattr(layer, what, {}).values()}
    arrays = {name: a for name, a in vars(layer).items() if isinstance(a, np.ndarray) and id(a) not in known}
    return [name for name, array in arrays.items() if not np.array_equal(array, vars(other).get(name))]


def _take_over(layer, other):
    for name in ("params", "statistics"):
        for key, array in getattr(layer, name, {}).items():
            array[...] = getattr(other, name)[key]


def checked_shape(name: str, shape: Sequence[int]) -> tuple[int, ...]:
    """A shape without the batch axis, whose sizes are all given."""
    if isinstance(shape, str) or not hasattr(shape, "__iter__"):
        raise TypeError(f"{name}: expected a tuple without the batch axis, such as (T, F), got {shape!r}")
    shape = tuple(shape)
    if not all(isinstance(size, int | np.integer) and size > 0 for size in shape):
        raise ValueError(f"{name}: expected whole numbers above 0, got {shape}: give a small size for each axis")
    return shape
