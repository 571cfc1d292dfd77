"""Sequential: layers, one after the other."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import checks, seeds, sequence_lengths
from ..layers.base.layer import Layer, Seed, Shape
from ..turns import computing
from . import blame, passes
from .assembly import prepare, shape_without_batch
from .model import Model
from .trainer import Trainer


class Sequential(Trainer):
    """A model: each layer works on what the one before it gives.

        y = layer_L(... layer_2(layer_1(x)))            dx = backward_1(backward_2(... backward_L(dy)))

    Args:
        layers: first to last, also models, or `Input(shape)` as the first; none, for `add`. A layer whose name is taken
            gets a number: "lstm_1". Models may share a layer, its name and state: it draws from the newer one's rng.
        input_shape: of x without the batch axis, such as (T, F), or (None, F) where T varies. With it the layers are
            built at once, else by their first input.
        dtype: "float32" or "float64", for all layers; by default each layer has its own.
        seed: starts `rng`, the random generator of the order of the data in `fit`, and of all layers without a seed.
        name: of the model.

    Attributes:
        params, grads, statistics: dicts from names such as "lstm.Wx" to the layers' own arrays, not copies.

    Raises:
        TypeError, ValueError: no layer, one of them twice, different dtypes, or shapes that do not fit.

    Example:
        >>> import numpy as np
        >>> from nnlite import Dense, Sequential
        >>> model = Sequential([Dense(3), Dense(2)], input_shape=(4,), seed=0)
        >>> list(model.params)
        ['dense.W', 'dense.b', 'dense_1.W', 'dense_1.b']
        >>> model.forward(np.ones((5, 4), "float32")).shape
        (5, 2)
    """

    def __init__(
        self,
        layers: Iterable[Layer | Model] | None = None,
        input_shape: Shape | None = None,
        dtype: DTypeLike | None = None,
        seed: Seed = None,
        name: str | None = None,
    ) -> None:
        self.name = "sequential" if name is None else checks.layer_name(name)
        self.rng, self._is_seeded = seeds.generator(seed), seed is not None
        self.input_shape, self._chosen_dtype = None, dtype
        self._arrange([] if layers is None else layers, input_shape)

    def _arrange(self, layers, input_shape=None):
        """Take these layers, and build them if the shape of the input is known."""
        self.layers, self.dtype, declared = prepare(layers, self._chosen_dtype, self.rng)
        if input_shape is not None or declared is not None:
            self.build(declared if input_shape is None else input_shape)

    def build(self, input_shape: Shape) -> None:
        """Make the parameters for inputs of this shape, without the batch axis."""
        shape = first = shape_without_batch(input_shape)
        for layer in self.layers:
            try:
                if not layer.built:
                    layer.build(shape)
                shape = layer.output_shape(shape)
            except Exception as error:
                blame.forward(error, self, layer, shape)
                raise
        self.input_shape = first

    def forward(self, x: np.ndarray, training: bool = False, lengths: np.ndarray | None = None) -> np.ndarray:
        """y from x. The layers keep what backward needs; `training` switches on what only training does: dropout.

        Args:
            lengths: how many steps of each row of x (N, T, ...) are real, integers (N,), as in `fit`.
        """
        if self.input_shape is None or not self.layers:
            passes.begin(self, x)
        if lengths is not None:
            x, lengths = sequence_lengths.cleared(x, lengths)
        if type(x) is not np.ndarray or (x.dtype != self.dtype and x.dtype.kind not in "iu"):  # saves a call
            x = checks.given("x", x, self.dtype)
        y: Any = x
        with computing:
            for layer in self.layers:
                try:
                    if lengths is None and type(layer).__module__.startswith("nnlite."):  # saves a call
                        y = layer.forward(y, training)
                    else:
                        y, lengths = passes.forward(layer, y, training, lengths)
                except Exception as error:
                    blame.forward(error, self, layer, y)
                    raise
            if self.input_shape is None or len(self.input_shape) != x.ndim - 1:
                self.input_shape = x.shape[1:]
        return y

    def backward(self, dy: np.ndarray, needs_dx: bool = True) -> np.ndarray | None:
        """dx from dy = dL/dy, None where the input was ids; fills `grads`.

        Args:
            needs_dx: False to stop at the first layer that learns, without its dx, as training does.
        """
        first = 0
        while not needs_dx and first < len(self.layers):
            if self.layers[first].params and getattr(self.layers[first], "_trainable", True):
                break
            first += 1
        dx: Any = dy
        with computing:
            for i in reversed(range(first, len(self.layers))):
                layer: Any = self.layers[i]
                try:
                    if i == first and not needs_dx:  # its dx costs as much as its y did
                        options = {"needs_dx": False} if passes.takes_needs_dx(type(layer).backward) else {}
                        layer.backward(dx, **options)
                    elif type(layer).__module__.startswith("nnlite."):
                        dx = layer.backward(dx)
                    else:
                        dx = passes.backward_own(layer, dx)
                except Exception as error:
                    blame.backward(error, self, layer, dx)
                    raise
        return dx if needs_dx else None

    def step(self, x: np.ndarray) -> np.ndarray:
        """One time step: x and y without their time axis. Recurrent layers go on from where they are."""
        with computing:
            for step in passes.steps(self):
                x = step(x)
        return x

    def stepper(self, N: int) -> Callable[[np.ndarray], np.ndarray]:
        """`step` for many steps of a batch of N, see `Layer.stepper`; with other threads, hold `turns.computing`."""
        steps = passes.steps(self, N)

        def step(x):
            for layer_step in steps:
                x = layer_step(x)
            return x

        return step
