"""Base class of models: parameters, summary, configuration."""

import copy
import difflib
import os
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np

from .. import checks, layers
from ..arguments import ChecksArguments
from ..arguments.classes import bare, class_name, custom_classes, known, told_apart
from ..arguments.kinds import takes_config
from ..arguments.translations import methods
from ..arguments.translations.calls import translated
from ..layers.base.layer import Seed, Shape
from ..notebook import shows_itself
from ..optimizers import Optimizer
from ..turns import computing, copy_at_rest
from . import blame, settings, vocabularies
from .assembly import check_full_names, parts, shape_without_batch
from .contents import Contents


class Model(Contents, ChecksArguments):
    """Base of models: layers, their parameters, a summary, a configuration.

    A model has `layers`, `name`, `rng`, `dtype` and `input_shape` (None until it is known), and defines `forward` and
    `backward`. See `Sequential`.
    """

    rng: np.random.Generator
    dtype: np.dtype
    optimizer: Any = None
    loss: Any = None
    _fit: object | None = None  # the call of `fit` that is running
    _held = 0  # how many calls of `fit` train it, or a model that it is a part of
    _vocabulary: Any = None
    _is_at_rest = False  # whether it is part of a copy that nobody else has

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, settings.checked(self, name, value))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        with computing:
            new = copy_at_rest(self, self._without_fit(), memo)._with_its_optimizer()
            if isinstance(new.optimizer, Optimizer):  # with the names of now, as the copy knows no others
                new.optimizer.state = copy.deepcopy(self.optimizer.agreed_state(self), memo)
        return new

    def __getstate__(self) -> dict[str, Any]:
        """For pickle: as the model is between two steps, together with the models inside it."""
        if self._is_at_rest:
            return {name: value for name, value in vars(self).items() if name != "_is_at_rest"}
        copied = copy.deepcopy(self)
        for layer in copied.layers:
            for part in parts(layer):
                if isinstance(part, Model):
                    part._is_at_rest = True
        return vars(copied)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._with_its_optimizer()

    def __copy__(self) -> Self:
        new = type(self).__new__(type(self))
        vars(new).update(self._without_fit(), layers=[*self.layers])
        return new

    def _without_fit(self):
        """Its attributes; a copy that is made in a training, or of a part of a model, is not in it."""
        now = vars(self).copy()  # in one go, as another thread may set one that is new
        return {name: value for name, value in now.items() if name not in ("_fit", "_held", "_in_model", "_readers")}

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

    @property
    def built(self) -> bool:
        """Whether all layers have their parameters."""
        return self.input_shape is not None

    @property
    def vocabulary(self) -> Any:
        """What the ids stand for that a model of texts reads: a `nnlite.text.Vocabulary`, or None. It is saved, too.

        Example:
            >>> from nnlite import LSTM, Dense, Sequential
            >>> from nnlite.text import Vocabulary, generate
            >>> model = Sequential([LSTM(4, return_sequences=True, input_dim=3), Dense(3)], input_shape=(9,), seed=0)
            >>> model.vocabulary = Vocabulary("ab ")
            >>> len(generate(model, model.vocabulary, "ab", 5))
            5
        """
        return self._vocabulary

    @vocabulary.setter
    def vocabulary(self, value: Any) -> None:
        if value is not None:
            vocabularies.require(value)
        self._vocabulary = value

    @property
    def stateful_layers(self) -> list[Any]:
        """The layers that carry a state from one batch to the next, be it in training alone."""
        return [layer for layer in self.all_layers.values() if getattr(layer, "stateful", False)]

    @property
    def keeps_steps(self) -> bool:
        """Whether y has the time steps of x: no recurrent layer gives its last step alone."""
        return all(getattr(layer, "return_sequences", True) for layer in self.layers)

    return_sequences = keeps_steps  # as a layer of another model
    takes_lengths = True

    def ids_below(self, x: np.ndarray) -> int | None:
        """See `Layer.ids_below`, where this model is a layer of another."""
        return self.layers[0].ids_below(x) if self.layers else None

    def _real_steps(self, batch):
        """Which steps the loss sees, (N, T); None for all of y."""
        return batch.real_steps() if batch.lengths is not None and self.keeps_steps else None

    @property
    def metrics_names(self) -> list[str]:
        """The names of what `evaluate` returns: "loss", and the metrics."""
        return ["loss", *self.metrics]

    def reset_state(self) -> None:
        """Let the recurrent layers forget: the next step, or batch of a stateful layer, starts from zeros."""
        for layer in self.layers:
            if hasattr(layer, "reset_state"):
                layer.reset_state()

    @translated
    def __call__(self, x: np.ndarray, training: bool = False, lengths: np.ndarray | None = None) -> np.ndarray:
        y = self.forward(x, training) if lengths is None else self.forward(x, training, lengths=lengths)
        return checks.apart(y, x)

    if not TYPE_CHECKING:  # which would then expect any attribute to be there

        def __getattr__(self, name: str) -> NoReturn:
            near: list[str] = []
            if not name.startswith("_") and methods.remedy(type(self), name) is None:
                near = difflib.get_close_matches(name, [known for known in dir(type(self)) if known[0] != "_"], n=1)
            raise methods.missing(self, name, near)

    def __repr__(self):
        return f"{type(self).__name__}([{', '.join(map(repr, self.layers))}])"

    def output_shape(self, input_shape: Shape | None = None) -> tuple:
        """Shape of the output for inputs of this shape, both without the batch axis."""
        return self.shapes(input_shape)[-1]

    @translated
    def summary(self) -> None:
        """Print a table of the layers: name and class, shape of the output, number of parameters."""
        from .summary import print_summary

        print_summary(self)

    @shows_itself
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
        texts = []
        for layer, shape in zip(self.layers, self.shapes(input_shape), strict=False):
            text = layer.explain(shape)
            if isinstance(layer, Model):
                text = f"{type(layer).__name__} of {len(layer)} layers\n{textwrap.indent(text, '  ')}"
            texts.append(f"{layer.name}: {text}")
        return "\n".join(texts)

    @translated
    def save(self, path: str | os.PathLike) -> None:
        """Save the model to one file; see `save_model`."""
        from ..saving.training_state import save_model

        save_model(self, path)

    def get_config(self) -> dict[str, Any]:
        """What the model is made of, without its weights, as JSON can write it."""
        check_full_names(self.layers, [layer.name for layer in self.layers])  # which may have been set
        return {
            "name": self.name,
            "input_shape": None if self.input_shape is None else list(self.input_shape),
            "layers": [{"class": class_name(layer), "config": _config_within(layer)} for layer in self.layers],
        }

    @classmethod
    @takes_config("name", "input_shape", "layers")
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, type] | None = None, seed: Seed = None
    ) -> Self:
        """The model that `get_config` describes, with new weights.

        Args:
            custom_objects: dict from names to the layer classes that are your own; others come from `nnlite.layers`.
            seed: of the new model's random generator.

        Raises:
            ValueError: a layer's class is not known.
        """
        from .sequential import Sequential

        ours = {name: getattr(layers, name) for name in layers.__all__} | {"Sequential": Sequential}
        custom_objects, made = told_apart(custom_objects, config["layers"]), []
        for entry in config["layers"]:
            kind, name = known(entry["class"], custom_objects, ours), bare(entry["class"])
            if kind is None:
                raise ValueError(
                    f"layer class {name!r} is not in nnlite.layers: if it is your own, give it as "
                    f"custom_objects={{{name!r}: {name}}}"
                )
            options = {"custom_objects": custom_objects} if issubclass(kind, Model) else {}
            with custom_classes(custom_objects):  # for the classes inside of this layer
                made.append(kind.from_config(entry["config"], **options))
        make: Any = cls  # a subclass, which takes them
        return make(made, input_shape=config["input_shape"], seed=seed, name=config["name"])

    def shapes(self, input_shape: Shape | None = None) -> list[tuple]:
        """The shapes of the input and of every layer's output, without the batch axis."""
        input_shape = self.input_shape if input_shape is None else input_shape
        if input_shape is None:
            raise ValueError(f"{self.name}: the shape of the input is not known yet: give input_shape")
        shapes = [shape_without_batch(input_shape)]
        for layer in self.layers:
            try:
                shapes.append(layer.output_shape(shapes[-1]))
            except Exception as error:
                blame.forward(error, self, layer, shapes[-1])
                raise
        return shapes

    def _repr_html_(self):
        """For a notebook: the table of `summary`."""
        from .summary import Summary

        return Summary(self)._repr_html_()


def _config_within(layer):
    """The configuration of a layer in a model: the outermost model alone says what the inputs are."""
    return layer.get_config() | ({"input_shape": None} if isinstance(layer, Model) else {})
