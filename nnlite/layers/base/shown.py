"""ShownLayer: what a layer says about itself, as a text and in a notebook."""

import re
from collections.abc import Sequence
from typing import Any

from ... import checks
from ...notebook import Table, shows_itself
from .settings import Settings


def in_words(kind: type) -> str:
    """The name of a class as that of its layers: "max_pool2d" of MaxPool2D."""
    return re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", kind.__name__).lower()


class ShownLayer(Settings):
    """Base of `Layer`: its arithmetic, and its arrays' shapes."""

    params: Any
    statistics: Any
    built: bool

    def output_shape(self, input_shape: Sequence[int | None]) -> tuple:
        """See `Layer.output_shape`."""
        raise NotImplementedError

    def _steps(self) -> list[Any]:
        """The layers that this one computes with, one after the other: itself; of `Dense(8, activation="relu")` two."""
        return [self]

    @shows_itself
    def explain(self, input_shape: Sequence[int | None]) -> str:
        """The layer's shape and parameter arithmetic written out with its numbers, as a text."""
        output = f"{checks.shape_text(self.output_shape(input_shape), 'any')}: {self._shape_rule(input_shape)}"
        return f"{self!r}\n  output   {output}\n  parameters   {self._parameter_rule(input_shape)}"

    def _shape_rule(self, input_shape):
        return "the shape of the input"

    def _parameter_rule(self, input_shape):
        return "none"

    def _shown_config(self):
        return {k: v for k, v in self.get_config().items() if k not in ("dtype", "name")}

    def _repr_html_(self):
        """For a notebook: the layer, and the shapes of its arrays."""
        arrays = {**self.params, **self.statistics}
        rows = [(name, checks.shape_text(array.shape), f"{array.size:,}") for name, array in arrays.items()]
        header = ("array", "shape", "numbers") if rows else ()
        notes = [] if self.built else ["It is built by its first input."]
        return Table(rows, header, align="llr", title=repr(self), notes=notes)._repr_html_()
