"""Reshape: gives each example another shape."""

import math
from collections.abc import Sequence
from typing import Unpack

import numpy as np

from .. import checks
from .base.layer import Layer, Options, Shape


class Reshape(Layer):
    """Gives each example another shape; its numbers stay in the order in which they lie in memory.

    Letters: N batch; x is (N, ...), y is (N, *target_shape). y shares the memory of x.

    Args:
        target_shape: without the batch axis, such as (28, 28, 1). One size may be -1: it becomes what is left over.
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Raises:
        TypeError: x or dy is not an array of the layer's dtype; target_shape is not a row of sizes.
        ValueError: the numbers of x do not fill target_shape; more than one size is -1; dy has another shape than y.

    Example:
        >>> import numpy as np
        >>> from nnlite import Reshape
        >>> layer = Reshape((2, -1))
        >>> layer.forward(np.arange(6, dtype="float32").reshape(1, 6))
        array([[[0., 1., 2.],
                [3., 4., 5.]]], dtype=float32)
        >>> print(Reshape((28, 28, 1)).explain((784,)))
        Reshape(target_shape=[28, 28, 1])
          output   (28, 28, 1): the same 784 numbers, in the order in which they lie in memory
          parameters   none
    """

    def __init__(self, target_shape: Sequence[int], **options: Unpack[Options]) -> None:
        super().__init__(**options)
        if not checks.is_row(target_shape):
            raise TypeError(
                f"target_shape: expected sizes without the batch axis, such as (28, 28), got {target_shape!r}"
            )
        sizes = tuple(target_shape)
        if sizes.count(-1) > 1:
            raise ValueError(f"target_shape: expected at most one -1, got {sizes}: the others must be known")
        self.target_shape = tuple(-1 if size == -1 else checks.positive("target_shape", size) for size in sizes)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = checks.floats("x", x, self.dtype, (...,), "(N, ...)")
        y = x.reshape(len(x), *self.output_shape(x.shape[1:]))
        self._keep(x.shape, y.shape)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        x_shape, y_shape = self._kept()
        return checks.floats("dy", dy, self.dtype, y_shape, "of y").reshape(x_shape)

    def output_shape(self, input_shape: Shape) -> tuple:
        count, target = checks.count(input_shape), self.target_shape
        known = math.prod(size for size in target if size != -1)
        if count is None:  # what varies is known with the first input
            return tuple(None if size == -1 else size for size in target)
        if count % known or (-1 not in target and count != known):
            multiple = "a multiple of " if -1 in target else ""
            sizes = " * ".join(str(size) for size in target if size != -1) or "1"
            raise ValueError(
                f"Reshape: target_shape {checks.shape_text(target)} needs {multiple}{sizes}"
                f"{f' = {known}' if sizes != str(known) else ''} numbers an example, and an input of "
                f"{checks.shape_text(input_shape)} has {count}: choose a target_shape whose product is {count}"
            )
        return tuple(count // known if size == -1 else size for size in target)

    def _shape_rule(self, input_shape):
        count = checks.count(input_shape)
        which = "numbers" if count is None else f"{count} numbers"
        return f"the same {which}, in the order in which they lie in memory"
