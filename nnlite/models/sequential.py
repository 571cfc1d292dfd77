"""Sequential: layers, one after the other."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import checks, sequence_lengths
from ..layers.base.layer import Layer, Seed, Shape
from ..turns import computing
from .model import prepare, shape_without_batch
from .ranges import require_ranges
from .trainer import Trainer, leaves_dx_out


class Sequential(Trainer):
    """A model: each layer works on what the one before it gives.

        y = layer_L(... layer_2(layer_1(x)))            dx = backward_1(backward_2(... backward_L(dy)))

    Args:
        layers: first to last. A layer whose name is taken gets a number: "lstm", "lstm_1". A layer may be in two
            models, such as one that ends early, to look at what a trained one computes inside: they share its weights
            and its state, and it draws its random numbers from the newer model's `rng`.
        input_shape: of x without the batch axis, such as (T, F). With it the layers are built at once, without it by
            their first input. None stands for a size that varies, such as (None, F).
        dtype: "float32" or "float64", for all layers; by default each layer has its own.
        seed: starts `rng`, the one random generator of all layers, and of the order of the data in `fit`.
        name: of the model.

    Attributes:
        params, grads, statistics: dicts from names such as "lstm.Wx" to the layers' own arrays, not copies.

    Raises:
        TypeError: something in `layers` is not a layer.
        ValueError: no layers, one of them twice, different dtypes, or shapes that do not fit.

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
        layers: Iterable[Layer],
        input_shape: Shape | None = None,
        dtype: DTypeLike | None = None,
        seed: Seed = None,
        name: str = "sequential",
    ) -> None:
        self.name, self.rng = name, np.random.default_rng(seed)
        self.layers, self.dtype = prepare(layers, dtype, self.rng)
        self.input_shape = None
        if input_shape is not None:
            self.build(input_shape)

    def build(self, input_shape: Shape) -> None:
        """Make the parameters for inputs of this shape, without the batch axis."""
        shape = first = shape_without_batch(input_shape)
        for layer in self.layers:
            if not layer.built:
                layer.build(shape)
            shape = layer.output_shape(shape)
        self.input_shape = first

    def forward(self, x: np.ndarray, training: bool = False, lengths: np.ndarray | None = None) -> np.ndarray:
        """y from x. The layers keep what backward needs; `training` switches on what only training does: dropout.

        Args:
            lengths: of x (N, T, ...), whose row n has lengths[n] steps, integers (N,). What stands beyond them never
                matters: it counts as 0, and recurrent layers stop before it. In y, the steps beyond hold no answers.
        """
        if lengths is not None:
            x, lengths = sequence_lengths.cleared(x, lengths)
        if type(x) is not np.ndarray or (x.dtype != self.dtype and x.dtype.kind not in "iu"):  # saves a call
            x = checks.given("x", x, self.dtype)
        y = x
        layer: Any
        with computing:
            for layer in self.layers:
                if lengths is None:
                    y = layer.forward(y, training)
                elif layer.takes_lengths:
                    y = layer.forward(y, training, lengths=lengths)
                    if not layer.return_sequences:
                        lengths = None
                else:
                    y = self._forward_by_steps(layer, y, training)
            if self.input_shape is None:
                self.input_shape = x.shape[1:]
        return y

    def _require_ranges(self, where, data):
        if type(self).forward is Sequential.forward:  # else, what goes where is its own affair
            require_ranges(self, where, data)

    @staticmethod
    def _forward_by_steps(layer, x, training):
        """layer.forward of padded sequences, which must not mix their steps with padding."""
        if not layer.built:
            layer.build(x.shape[1:])
        what = f"lengths: {layer.name} ({type(layer).__name__})"
        if layer.statistics:
            raise ValueError(f"{what} takes its statistics over all steps, and would count padding: use LayerNorm")
        y = layer.forward(x, training)
        if y.shape[:2] != x.shape[:2]:
            shapes = f"{checks.shape_text(y.shape)} of x {checks.shape_text(x.shape)}"
            raise ValueError(
                f"{what} mixes steps with padding, as it makes {shapes}: let a recurrent layer without "
                f"return_sequences come before it"
            )
        return y

    def backward(self, dy: np.ndarray, needs_dx: bool = True) -> np.ndarray | None:
        """dx from dy = dL/dy, None where the input was ids; fills `grads`.

        Args:
            needs_dx: False to stop at the first layer that has parameters, without its dx, as training does.
        """
        # Nobody needs the gradient of a model's input then, and it costs the first layer as much as its output did.
        first = 0
        while not needs_dx and first < len(self.layers) and not self.layers[first].params:
            first += 1
        dx: Any = dy
        with computing:
            for i in reversed(range(first, len(self.layers))):
                layer: Any = self.layers[i]
                if i == first and not needs_dx and leaves_dx_out(layer):
                    layer.backward(dx, needs_dx=False)
                else:
                    dx = layer.backward(dx)
        return dx if needs_dx else None

    def step(self, x: np.ndarray) -> np.ndarray:
        """One time step: x and y without their time axis. Recurrent layers go on from where they are."""
        with computing:
            for layer in self.layers:
                x = layer.step(x)
        return x

    def stepper(self, N: int) -> Callable[[np.ndarray], np.ndarray]:
        """`step` for a loop of many steps of a batch of N, as `Layer.stepper` describes it.

        Where another thread may use the model meanwhile, hold `nnlite.turns.computing` around the loop.
        """
        steps = [layer.stepper(N) for layer in self.layers]

        def step(x):
            for layer_step in steps:
                x = layer_step(x)
            return x

        return step
