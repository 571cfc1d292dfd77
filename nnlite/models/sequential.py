"""Sequential: layers, one after the other."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import checks, seeds, sequence_lengths
from ..layers.base.layer import Layer, Seed, Shape
from ..turns import computing
from . import blame, own_layers
from .assembly import prepare, shape_without_batch
from .model import Model
from .ranges import require_ranges
from .trainer import Trainer, leaves_dx_out


class Sequential(Trainer):
    """A model: each layer works on what the one before it gives.

        y = layer_L(... layer_2(layer_1(x)))            dx = backward_1(backward_2(... backward_L(dy)))

    Args:
        layers: first to last, also models; by default none, for `add`. A layer whose name is taken gets a number:
            "lstm", "lstm_1". A layer may be in two models, such as one that ends early, to look at what a trained one
            computes inside: they share its weights and its state, and it draws its random numbers from the newer
            model's `rng`. `Input(shape)` may stand before the first, instead of input_shape.
        input_shape: of x without the batch axis, such as (T, F). With it the layers are built at once, without it by
            their first input. None stands for a size that varies, such as (None, F).
        dtype: "float32" or "float64", for all layers; by default each layer has its own.
        seed: starts `rng`, the one random generator of all layers, and of the order of the data in `fit`.
        name: of the model.

    Attributes:
        params, grads, statistics: dicts from names such as "lstm.Wx" to the layers' own arrays, not copies.

    Raises:
        TypeError: something in `layers` is not a layer.
        ValueError: one of them twice, different dtypes, or shapes that do not fit.

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
        self.name, self.rng = name or "sequential", seeds.generator(seed)
        self.input_shape, self._chosen_dtype = None, dtype
        self._own_inputs: dict[str, tuple | None] = {}  # the shapes of what layers of one's own were given last
        self._arrange([] if layers is None else layers, input_shape)

    def _arrange(self, layers, input_shape=None):
        """Take these layers, and build them if the shape of the input is known."""
        self.layers, self.dtype, declared = prepare(layers, self._chosen_dtype, self.rng)
        shape = declared if input_shape is None else input_shape
        if shape is not None:
            self.build(shape)

    def add(self, layer: Layer | Model) -> None:
        """Add a layer at the end, or `Input(shape)` at the beginning. It is built at once where its input is known."""
        before = self.layers
        try:
            self._arrange([*before, layer], self.input_shape)
        except Exception:
            self.layers = before
            raise

    def pop(self) -> Layer | Model:
        """Remove the last layer, and return it."""
        if not self.layers:
            raise IndexError(f"pop: {self.name} has no layers")
        return self.layers.pop()

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
            lengths: of x (N, T, ...), whose row n has lengths[n] steps, integers (N,). What stands beyond them never
                matters: it counts as 0, and recurrent layers stop before it. In y, the steps beyond hold no answers.
        """
        if not self.layers:
            raise ValueError(f"{self.name} has no layers: add some, {self.name}.add(Dense(3))")
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
                        y, lengths = self._through(layer, y, training, lengths)
                except Exception as error:
                    blame.forward(error, self, layer, y)
                    raise
            if self.input_shape is None or len(self.input_shape) != x.ndim - 1:
                self.input_shape = x.shape[1:]
        return y

    def _require_ranges(self, where, data):
        if type(self).forward is Sequential.forward:  # else, what goes where is its own affair
            require_ranges(self, where, data)

    def ids_below(self, x: np.ndarray) -> int | None:
        """See `Layer.ids_below`, where this model is a layer of another."""
        return self.layers[0].ids_below(x) if self.layers else None

    def _through(self, layer, x, training, lengths):
        """What the layer makes of x; and the lengths, None where there are no steps any more."""
        if lengths is not None and layer.takes_lengths:
            y = layer.forward(x, training, lengths=lengths)
            return y, lengths if layer.return_sequences else None
        if lengths is not None:
            return self._forward_by_steps(layer, x, training), lengths
        return self._forward_own(layer, x, training) if own_layers.is_own(layer) else layer.forward(x, training), None

    def _forward_own(self, layer, x, training):
        """layer.forward of a user's own layer, which is checked."""
        y = layer.forward(x, training)
        own_layers.check_y(layer, x, y)
        self._own_inputs[layer.name] = x.shape if x.dtype.kind == "f" else None
        return y

    def _forward_by_steps(self, layer, x, training):
        """layer.forward of padded sequences, which must not mix their steps with padding."""
        if not layer.built:
            layer.build(x.shape[1:])
        what = f"lengths: {layer.name} ({type(layer).__name__})"
        if layer.statistics:
            raise ValueError(f"{what} takes its statistics over all steps, and would count padding: use LayerNorm")
        y, _ = self._through(layer, x, training, None)
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
            needs_dx: False to stop at the first layer that learns, without its dx, as training does.
        """
        # Nobody needs the gradient of a model's input then, and it costs the first layer as much as its output did.
        first = 0
        while not needs_dx and first < len(self.layers):
            if self.layers[first].params and getattr(self.layers[first], "_trainable", True):
                break  # it learns
            first += 1
        dx: Any = dy
        with computing:
            for i in reversed(range(first, len(self.layers))):
                layer: Any = self.layers[i]
                try:
                    if i == first and not needs_dx and leaves_dx_out(layer):
                        layer.backward(dx, needs_dx=False)
                    else:
                        found = layer.backward(dx)
                        if self._own_inputs and (needs_dx or i > first):
                            self._check_dx(layer, found)
                        dx = found
                except Exception as error:
                    blame.backward(error, self, layer, dx)
                    raise
        return dx if needs_dx else None

    def _check_dx(self, layer, dx):
        """Check what a user's own layer returns, where somebody needs it."""
        shape = self._own_inputs.get(layer.name)
        if shape is not None and own_layers.is_own(layer):
            own_layers.check_dx(layer, shape, dx)

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
