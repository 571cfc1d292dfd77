"""Layer: what every layer has in common."""

import functools
import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from ... import checks, initializers
from ...turns import Keeps
from .parameters import Parameters

Shape = Sequence[int | None]  # without the batch axis; None is a size that varies
Seed = int | np.random.Generator | None

LINE = 64  # bytes of a cache line


class Layer(Keeps):
    """Base of all layers: parameters, their gradients, and a forward and a backward pass.

    A layer of your own defines `forward(x, training=False)` and `backward(dy)`, and `build(input_shape)` where it
    has parameters. `forward` keeps what `backward` needs; `backward` fills `grads` and returns dx. Where it is cheaper
    without dx, define `backward(dy, needs_dx=True)`: training calls a model's first layer with needs_dx=False.

    Args:
        dtype: "float32" or "float64", of parameters, inputs and outputs. Nothing is cast silently.
        seed: starts the layer's random generator, for initial weights and dropout.
        name: by default the class' name in lower case, such as "max_pool2d".

    Attributes:
        params, grads: dicts from names such as "W" to arrays, with the same keys.
        statistics: dict from names to float64 arrays: what the layer takes down in training, without a gradient. Saved
            with the parameters.
        built: whether the parameters exist. A layer is built by its first input, or by `build`.
        takes_lengths: whether `forward` has an argument `lengths`, as recurrent layers have.
        kept: what the last `forward` kept for `backward`, read-only. Arrays of floats are not copied: leave the numbers
            of x and y as they are until `backward` has run, in the same thread.

    New weights go into `params["W"][...] = W`, or `params["W"] = W`, with the shape and dtype of the old ones. Threads
    that use one layer take turns. A copy, by `copy.deepcopy` or pickle, has nothing of the last pass.

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

    def __init__(self, *, dtype: DTypeLike = "float32", seed: Seed = None, name: str | None = None) -> None:
        self.dtype = checks.float_dtype("dtype", dtype)
        self.name = name or re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", type(self).__name__).lower()
        self.rng = np.random.default_rng(seed)
        is_ours = type(self).__module__.startswith("nnlite.layers.")
        self.params: dict[str, np.ndarray] = Parameters("params", {}, closed=is_ours)
        self.grads: dict[str, np.ndarray] = Parameters("grads", {}, closed=is_ours)
        self.statistics: dict[str, np.ndarray] = Parameters("statistics", {}, closed=is_ours)
        self.built = False
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._found: dict[str, dict[str, np.ndarray]] = {"params": {}, "grads": {}, "statistics": {}}
        self._buffers: dict[str, np.ndarray] = {}
        self._saved: Mapping[str, np.ndarray] | None = None  # parameters and statistics to start from, out of a file

    def __getstate__(self):
        return super().__getstate__() | {"_buffers": {}}

    def build(self, input_shape: Shape) -> None:
        """Make the parameters for inputs of this shape, without the batch axis, such as (T, F)."""
        self.built = True

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Compute y from x, and keep what backward needs."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(x, training=False)")

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        """Compute dx from dy = dL/dy, None where the input was ids, and fill `grads`."""
        raise NotImplementedError(f"{type(self).__name__} has no backward(dy)")

    def step(self, x: np.ndarray) -> np.ndarray:
        """One time step: x without its time axis. Layers that look at one position at a time need no other."""
        return self.forward(x)

    def stepper(self, N: int) -> Callable[[np.ndarray], np.ndarray]:
        """`step` for a loop of many steps of a batch of N: a function that has looked everything up already.

        What it returns may be overwritten by its next call, and parameters that are exchanged meanwhile are not seen.
        """
        return self.step

    def output_shape(self, input_shape: Shape) -> tuple:
        """Shape of the output for inputs of this shape, both without the batch axis."""
        return tuple(input_shape)

    def explain(self, input_shape: Shape) -> str:
        """The layer's shape and parameter arithmetic written out with its numbers, as a text."""
        output_shape = self.output_shape(input_shape)
        return f"{self!r}\n  output   {checks.shape_text(output_shape, 'any')}: {self._shape_rule(input_shape)}\n" + (
            f"  parameters   {self._parameter_rule(input_shape)}"
        )

    def _shape_rule(self, input_shape):
        return "the shape of the input"

    def _parameter_rule(self, input_shape):
        return "none"

    @property
    def parameter_count(self) -> int:
        """How many numbers the layer learns; 0 before it is built."""
        return sum(param.size for param in self.params.values())

    def __call__(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        return self.forward(x, training)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can write them."""
        return {"dtype": self.dtype.name, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The layer that `get_config` describes, with new parameters."""
        return cls(**config)

    def __repr__(self):
        """As one would write it: without what is at its default."""
        defaults = {k: parameter.default for k, parameter in inspect.signature(type(self)).parameters.items()}
        config = {k: v for k, v in self.get_config().items() if k not in ("dtype", "name")}
        arguments = {k: v for k, v in config.items() if k not in defaults or v != defaults[k]}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in arguments.items())})"

    # What layers build themselves from.

    def _ensure_built(self, x):
        if not self.built:
            self.build(x.shape[1:])

    def _add_param(self, name, shape, initializer):
        """A parameter from `initializers`, and room for its gradient."""
        what = f"{type(self).__name__}: parameter {name}"
        if None in shape:
            text = checks.shape_text(shape, "?")
            raise ValueError(f"{what} would have shape {text}: the number of features cannot be left open")
        if 0 in shape:
            raise ValueError(f"{what} would have shape {shape}: the input is empty")
        checks.memory(what, shape, self.dtype)
        values = self._initial(name, shape, lambda: initializers.get(initializer)(shape, self.rng))
        if values.shape != shape:
            raise ValueError(f"{what}: expected shape {shape} from its initializer, got {values.shape}")
        for arrays, start in ((self.params, values), (self.grads, 0)):
            array = _aligned(shape, self.dtype)
            array[...] = start
            arrays.add(name, array)
        self._shapes[name] = shape

    def _add_statistic(self, name, shape, value):
        """A statistic that starts with this value everywhere.

        In float64 for any dtype: small steps are added to it, which the rounding of a large float32 would swallow.
        """
        self.statistics.add(name, np.array(self._initial(name, shape, lambda: np.full(shape, value)), np.float64))
        self._shapes[name] = shape

    def _initial(self, name, shape, draw):
        """What an array starts from: what was saved of it, else what is drawn."""
        if self._saved is None:
            return np.asarray(draw())
        saved = self._saved.get(name)
        if saved is None or saved.shape != shape:
            found = "missing" if saved is None else checks.shape_text(saved.shape)
            raise ValueError(f"{self.name}.{name} is {found} in the file and {checks.shape_text(shape)} in the model")
        return saved

    def _weights(self, *names):
        """The parameters of these names, checked: the kernels trust their sizes."""
        return self._fitting("params", self.params, names, self.dtype)

    def _gradients(self, *names):
        """The gradients of these parameters, checked, to be written to."""
        return self._fitting("grads", self.grads, names, self.dtype)

    def _taken_down(self, *names):
        """The statistics of these names, checked."""
        return self._fitting("statistics", self.statistics, names, np.dtype(np.float64))

    def _fitting(self, what, arrays, names, dtype):
        fitting, known = [], self._found[what]
        for name in names:
            array, shape = arrays.get(name), self._shapes[name]
            # Mostly it is the array of the step before.
            if array is None or array is not known.get(name) or array.shape != shape:
                if not checks.fits(array, dtype, shape):
                    where = f"{self.name}.{what}[{name!r}]"
                    checks.floats(where, array, dtype, shape, "as built")
                    # A copy would do to read, but backward and optimizers write.
                    raise ValueError(f"{where}: expected a C-contiguous array: use np.ascontiguousarray(...)")
                known[name] = array
            fitting.append(array)
        return fitting

    def _buffer(self, name, *shape):
        """Scratch memory that is kept while its shape repeats: a fresh array costs a page fault every 4 KiB.

        Never for what a caller receives.
        """
        buffer = self._buffers.get(name)
        if buffer is None or buffer.shape != shape or buffer.dtype != self.dtype:
            buffer = self._buffers[name] = self._empty(name, *shape)
        return buffer

    def _empty(self, name, *shape):
        """An array for a result: fresh each time, as its caller keeps it."""
        checks.memory(f"{type(self).__name__}: {name}", shape, self.dtype)
        return _aligned(shape, self.dtype)

    def _flat(self, x):
        """x with all axes but the last made one: what works on single positions takes any number of axes."""
        if x.ndim == 2:
            return x
        return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


@functools.cache
def leaves_dx_out(kind: type) -> bool:
    """Whether the backward of this class of layers or models takes `needs_dx`."""
    return "needs_dx" in inspect.signature(kind.backward).parameters


def _aligned(shape, dtype):
    """np.empty whose first number stands where a cache line begins.

    A vector that lies in two lines is read twice, and NumPy's arrays begin anywhere in a line: a step of an LSTM of 200
    units took a quarter more time in three models of four, a convolution of 64 channels a fifth.
    """
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + LINE, np.uint8)
    start = -memory.__array_interface__["data"][0] % LINE
    return memory[start : start + size].view(dtype).reshape(shape)
