"""Base class of models: parameters, summary, configuration."""

import copy
import os
from typing import Any, Self

import numpy as np

from .. import checks, layers
from ..arguments import ChecksArguments
from ..layers.base.layer import Layer, Seed, Shape
from ..layers.base.parameters import ModelParameters
from ..optimizers import Optimizer
from ..turns import copy_at_rest


def _of_all_layers(what: str) -> property:
    """All layers' arrays of one kind as a property of a model: a dict with names such as "dense.W"."""

    def gathered(self: Any) -> dict[str, np.ndarray]:
        arrays = {}
        for layer in self.layers:
            for name, array in getattr(layer, what).items():
                arrays[f"{layer.name}.{name}"] = array
        return ModelParameters(what, arrays, self)

    def set_all(self: Any, value: dict[str, np.ndarray]) -> None:
        # model.params |= {...} has already set the arrays.
        if getattr(value, "model", None) is not self:
            raise AttributeError(f"{what}: expected arrays to be set by name, as in {what}['dense.W'] = W, got a dict")

    return property(gathered, set_all)


class Model(ChecksArguments):
    """Base of models: layers, their parameters, a summary, a configuration.

    A model has `layers`, `name`, `rng`, `dtype` and `input_shape` (None until it is known), and defines `forward` and
    `backward`. See `Sequential`.
    """

    layers: list[Layer]
    name: str
    rng: np.random.Generator
    dtype: np.dtype
    input_shape: tuple | None
    optimizer: Any = None
    loss: Any = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return copy_at_rest(self, vars(self), memo)._with_its_optimizer()

    def __getstate__(self) -> dict[str, Any]:
        """For pickle: as the model is between two steps."""
        return vars(copy.deepcopy(self))

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._with_its_optimizer()

    def __copy__(self) -> Self:
        new = type(self).__new__(type(self))
        vars(new).update(vars(self))
        return new

    def _with_its_optimizer(self):
        """This model, which was copied together with its optimizer."""
        if isinstance(self.optimizer, Optimizer):
            self.optimizer.belongs_to(self)
        return self

    def forward(self, x: np.ndarray, training: bool = False, lengths: np.ndarray | None = None) -> np.ndarray:
        """y from x."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(x, training=False)")

    def backward(self, dy: np.ndarray, needs_dx: bool = True) -> np.ndarray | None:
        """dx from dy = dL/dy; fills `grads`."""
        raise NotImplementedError(f"{type(self).__name__} has no backward(dy)")

    params, grads, statistics = map(_of_all_layers, ("params", "grads", "statistics"))

    @property
    def built(self) -> bool:
        """Whether all layers have their parameters."""
        return self.input_shape is not None

    @property
    def parameter_count(self) -> int:
        """How many numbers the model learns."""
        return sum(layer.parameter_count for layer in self.layers)

    @property
    def stateful_layers(self) -> list[Any]:
        """The layers that carry a state from one batch to the next, be it in training alone."""
        return [layer for layer in self.layers if getattr(layer, "stateful", False)]

    @property
    def keeps_steps(self) -> bool:
        """Whether y has the time steps of x: no recurrent layer gives its last step alone."""
        return all(getattr(layer, "return_sequences", True) for layer in self.layers)

    def _real_steps(self, batch):
        """Which steps the loss sees, (N, T); None for all of y."""
        return batch.real_steps() if batch.lengths is not None and self.keeps_steps else None

    def reset_state(self) -> None:
        """Let the recurrent layers forget: the next step, or batch of a stateful layer, starts from zeros."""
        for layer in self.layers:
            if hasattr(layer, "reset_state"):
                layer.reset_state()

    def __call__(self, x: np.ndarray, training: bool = False, lengths: np.ndarray | None = None) -> np.ndarray:
        return self.forward(x, training) if lengths is None else self.forward(x, training, lengths=lengths)

    def __repr__(self):
        return f"{type(self).__name__}([{', '.join(map(repr, self.layers))}])"

    def output_shape(self, input_shape: Shape | None = None) -> tuple:
        """Shape of the output for inputs of this shape, both without the batch axis."""
        return self.shapes(input_shape)[-1]

    def summary(self) -> None:
        """Print a table of the layers: name and class, shape of the output, number of parameters."""
        from .summary import print_summary

        print_summary(self)

    def explain(self, input_shape: Shape | None = None) -> str:
        """The shape and parameter arithmetic of every layer written out with its numbers, as a text.

        Args:
            input_shape: without the batch axis; by default the one that the model was built with.

        Example:
            >>> from nnlite import Dense, Sequential
            >>> print(Sequential([Dense(3), Dense(2)]).explain((4,)))
            dense: Dense(units=3)
              output   (3,): the last axis becomes units = 3
              parameters   F * units + units = 4 * 3 + 3 = 15
            dense_1: Dense(units=2)
              output   (2,): the last axis becomes units = 2
              parameters   F * units + units = 3 * 2 + 2 = 8
        """
        shapes = self.shapes(input_shape)
        return "\n".join(
            f"{layer.name}: {layer.explain(shape)}" for layer, shape in zip(self.layers, shapes, strict=False)
        )

    def save(self, path: str | os.PathLike) -> None:
        """Save the model to one file; see `save_model`."""
        from ..saving.training_state import save_model

        save_model(self, path)

    def get_config(self) -> dict[str, Any]:
        """What the model is made of, without its weights, as JSON can write it."""
        return {
            "name": self.name,
            "input_shape": None if self.input_shape is None else list(self.input_shape),
            "layers": [{"class": type(layer).__name__, "config": layer.get_config()} for layer in self.layers],
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, type] | None = None, seed: Seed = None
    ) -> Self:
        """The model that `get_config` describes, with new weights.

        Args:
            custom_objects: dict from names to the layer classes that are your own; others come from `nnlite.layers`.
            seed: of the new model's random generator.

        Raises:
            ValueError: a layer's class is not known.
        """
        known = {name: getattr(layers, name) for name in layers.__all__} | (custom_objects or {})
        unknown = [entry["class"] for entry in config["layers"] if entry["class"] not in known]
        if unknown:
            raise ValueError(
                f"layer class {unknown[0]!r} is not in nnlite.layers: if it is your own, give it as "
                f"custom_objects={{{unknown[0]!r}: {unknown[0]}}}"
            )
        made = [known[entry["class"]].from_config(entry["config"]) for entry in config["layers"]]
        make: Any = cls  # a subclass, which takes them
        return make(made, input_shape=config["input_shape"], seed=seed, name=config["name"])

    def shapes(self, input_shape: Shape | None = None) -> list[tuple]:
        """The shapes of the input and of every layer's output, without the batch axis."""
        input_shape = self.input_shape if input_shape is None else input_shape
        if input_shape is None:
            raise ValueError(f"{self.name}: the shape of the input is not known yet: give input_shape")
        shapes = [shape_without_batch(input_shape)]
        for layer in self.layers:
            shapes.append(layer.output_shape(shapes[-1]))
        return shapes


def prepare(layers, dtype, rng):
    """Make one model's layers of them: different names, one dtype, one random generator. Return them and the dtype."""
    if not hasattr(layers, "__iter__"):
        raise TypeError(f"layers: expected a list of layers, got {layers!r}")
    layers = list(layers)
    if not layers:
        raise ValueError("layers: expected at least one layer, got none")
    seen: set[int] = set()
    for i, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            hint = f": make one, {layer.__name__}(...)" if isinstance(layer, type) else ""
            raise TypeError(f"layers[{i}]: expected a layer, got {layer!r}{hint}")
        if id(layer) in seen:
            # A layer keeps one input for backward and writes its gradients: its second use would undo the first.
            raise ValueError(f"layers[{i}]: this {type(layer).__name__} is in the list already: make another one")
        if getattr(layer, "return_state", False):
            raise ValueError(
                f"layers[{i}]: {layer!r}: a model hands one array on from layer to layer: leave return_state out, and "
                f"read the layer's state after the model has run"
            )
        seen.add(id(layer))
    names: dict[str, int] = {}
    for layer in layers:
        _rename(layer, names)
        layer.rng = rng
        if dtype is not None and not layer.built:
            layer.dtype = checks.float_dtype("dtype", dtype)
    common = layers[0].dtype if dtype is None else checks.float_dtype("dtype", dtype)
    for layer in layers:
        if layer.dtype != common:
            raise ValueError(
                f"{layer.name} has dtype {layer.dtype.name}, the model {common.name}: make all of them with one dtype"
            )
    return layers, common


def _rename(layer, taken):
    """Give the layer a name that is not taken: in a model, names are the keys of parameters.

    Args:
        taken: from each name to the last number that was added to it.
    """
    if "/" in layer.name:  # which separates names in a checkpoint
        raise ValueError(f"a layer's name cannot have a '/', got {layer.name!r}")
    stem = layer.name
    while layer.name in taken:
        taken[stem] += 1
        layer.name = f"{stem}_{taken[stem]}"
    taken[layer.name] = 0


def shape_without_batch(shape):
    """input_shape as a tuple of whole numbers of at least 1, or None for any size."""
    if isinstance(shape, str) or not hasattr(shape, "__iter__"):
        raise TypeError(f"input_shape: expected a tuple without the batch axis, such as (T, F), got {shape!r}")
    return tuple(None if size is None else checks.positive("input_shape", size) for size in shape)
