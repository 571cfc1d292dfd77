"""Layer: the base class of all layers."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ... import checks, seeds
from ...arguments.translations.calls import translated
from .options import Options as Options
from .options import Seed, Shape
from .own import AdaptsOwn
from .shown import ShownLayer, in_words
from .weights import Weights

_OWN = "which stands for Keras' call: write forward, and backward(self, dy), which returns dx and fills grads"


class Layer(AdaptsOwn, ShownLayer, Weights):
    """Base of all layers: parameters, their gradients, and a forward and a backward pass.

    A layer of your own defines `forward(x, training=False)`, which keeps what backward needs, `backward(dy)`, which
    fills `grads` and returns dx, and `build(input_shape)` where it has parameters. If it is cheaper without dx, write
    `backward(dy, needs_dx=True)`: training passes needs_dx=False to a model's first layer.

    Args:
        dtype: "float32" or "float64", of parameters and outputs, never cast, and of inputs, which become it. A layer of
            your own gets floats so, and integers or bools as they are, as they may be ids: `x.astype(self.dtype)`.
        seed: of the layer's random generator, for initial weights and dropout. Without one, a layer in a model draws
            from the model's.
        name: by default the class' name in lower case, such as "max_pool2d".
        trainable: False freezes the parameters. The attribute of this name can be set at any time.
        input_shape: of x without the batch axis, for a model's first layer: the same as `Sequential(input_shape=...)`.

    Attributes:
        params, grads: dicts from names such as "W" to arrays, with the same keys. `params["W"] = W` sets new weights,
            with the shape and dtype of the old ones.
        statistics: dict of float64 arrays: running statistics, updated in training, saved with the parameters.
        built: whether the parameters exist. A layer is built by its first input, or by `build`.
        takes_lengths: whether `forward` has an argument `lengths`, as recurrent layers have.
        kept: what the last `forward` kept for `backward`, read-only. Floats are not copied: do not change x or y before
            `backward`, which has to run in the same thread.

    Threads that use the same layer take turns. Copies, by `copy.deepcopy` or pickle, keep nothing of the last pass.

    Example:
        >>> import numpy as np
        >>> from nnlite import Layer
        >>> class Square(Layer):
        ...     def forward(self, x, training=False):
        ...         self.x = x
        ...         return x * x
        ...     def backward(self, dy):
        ...         return 2 * self.x * dy
        >>> layer = Square()
        >>> layer.forward(np.array([[3.0]], "float32"))
        array([[9.]], dtype=float32)
    """

    takes_lengths = False
    _is_seeded = False  # a model leaves it its own generator
    added: tuple[str, ...] = ("trainable", "input_shape")

    def __init__(
        self,
        *,
        dtype: DTypeLike = "float32",
        seed: Seed = None,
        name: str | None = None,
        trainable: bool = True,
        input_shape: Shape | None = None,
    ) -> None:
        self.dtype = checks.float_dtype("dtype", dtype)
        self.name = in_words(type(self)) if name is None else checks.layer_name(name)
        self.rng, self._is_seeded = seeds.generator(seed), seed is not None
        self.built = False
        self._input_shape = input_shape
        super().__init__()
        if trainable is not True:  # a class of your own may have set it already
            self.trainable = trainable

    def build(self, input_shape: Shape) -> None:
        """Make the parameters for inputs of this shape, without the batch axis, such as (T, F)."""
        self.built = True

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Compute y from x, and keep what backward needs."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(x, training=False), {_OWN}")

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        """Compute dx from dy = dL/dy, None where the input was ids, and fill `grads`."""
        raise NotImplementedError(f"{type(self).__name__} has no backward(dy), {_OWN}")

    def step(self, x: np.ndarray) -> np.ndarray:
        """One time step: x without its time axis."""
        return self.forward(x)

    def stepper(self, N: int) -> Callable[[np.ndarray], np.ndarray]:
        """`step` for a batch of N, with a copy of the layer's state, and faster. A call may overwrite the last y."""
        return self.step

    def output_shape(self, input_shape: Shape) -> tuple:
        """Shape of the output for inputs of this shape, both without the batch axis."""
        return tuple(input_shape)

    @translated
    def __call__(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        if type(x) is not np.ndarray or x.dtype != self.dtype:
            x = checks.given("x", x, self.dtype)
        return checks.apart(self.forward(x, training), x)

    def ids_below(self, x: np.ndarray) -> int | None:
        """V, where x holds ids to this layer, each below V; None where it holds numbers, or the layer does not say."""
        return None

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can write them, without the seed."""
        return {**super().get_config(), "dtype": self.dtype.name, "name": self.name}
