"""Storage: a layer's parameters, gradients, running statistics and scratch memory."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from ... import checks, initializers
from ...kernels import empty
from ...turns import Keeps
from .parameters import Parameters


class Storage(Keeps):
    """Base of `Layer`, which sets dtype, name and rng: what its passes read from and write to."""

    dtype: np.dtype
    name: str
    rng: np.random.Generator
    built: bool
    regularizers: dict[str, Any]

    def __init__(self) -> None:
        if early := [name for name in ("params", "grads", "statistics") if getattr(self, name, None)]:
            raise TypeError(
                f"{type(self).__name__}: {early[0]} is set before super().__init__(), which would empty it: call "
                f"super().__init__() first"
            )
        is_ours = type(self).__module__.startswith("nnlite.layers.")
        self.params = Parameters("params", {}, closed=is_ours)
        self.grads = Parameters("grads", {}, closed=is_ours)
        self.statistics = Parameters("statistics", {}, closed=is_ours)
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._found: dict[str, dict[str, np.ndarray]] = {"params": {}, "grads": {}, "statistics": {}}
        self._buffers: dict[str, np.ndarray] = {}
        self._saved: Mapping[str, np.ndarray] | None = None  # parameters and statistics to start from, out of a file

    def build(self, input_shape: Sequence[int | None]) -> None:
        """See `Layer.build`."""
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        # A copy has no scratch memory yet, and is in no model.
        return {name: value for name, value in super().__getstate__().items() if name != "_in_model"} | {"_buffers": {}}

    def __copy__(self) -> Self:
        if not self.built:  # there are no weights to share, and those that the copy makes would replace the original's
            return super().__deepcopy__({})
        new = type(self).__new__(type(self))
        vars(new).update(self.__getstate__())
        return new

    def _ensure_built(self, x):
        if not self.built:
            self.build(x.shape[1:])

    def _add_param(self, name, shape, initializer, regularizer=None):
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
        if values.dtype.kind not in "fiub" or isinstance(values, np.ma.MaskedArray):
            got = "a masked array" if isinstance(values, np.ma.MaskedArray) else values.dtype.name
            raise TypeError(f"{what}: expected real numbers from its initializer, got {got}: return an array of floats")
        for arrays, start in ((self.params, values), (self.grads, 0)):
            array = empty(shape, self.dtype, 0)
            array[...] = start
            arrays.add(name, array)
        self._shapes[name] = shape
        if regularizer is not None:
            self.regularizers[name] = regularizer

    def _add_statistic(self, name, shape, value):
        """A statistic that starts with this value everywhere.

        In float64 for any dtype: small steps are added to it, which the rounding of a large float32 would swallow.
        """
        self.statistics.add(name, np.array(self._initial(name, shape, lambda: np.full(shape, value)), np.float64))
        self._shapes[name] = shape

    def _initial(self, name, shape, draw):
        """What an array starts from: what was saved of it, else what is drawn."""
        if self._saved is None:
            return np.asanyarray(draw())
        saved: Any = self._saved.get(name)
        if saved is None or saved.shape != shape:
            found = "missing" if saved is None else checks.shape_text(saved.shape)
            raise ValueError(f"{self.name}.{name} is {found} in the file and {checks.shape_text(shape)} in the model")
        return saved

    def _arrays(self, what, *names):
        """The "params", "grads" or "statistics" of these names, checked: the kernels trust their sizes.

        None for one that the layer does not have, such as b with use_bias=False.
        """
        arrays, known, found = getattr(self, what), self._found[what], []
        for name in names:
            array, shape = arrays.get(name), self._shapes.get(name)
            is_known = array is known.get(name)  # mostly it is the array of the step before
            if shape is None:
                array = None  # a user's subclass may have an array of that name, which nothing has checked
            elif array is None or not is_known or array.shape != shape:
                self._check_array(what, name, array, shape)
                known[name] = array
            found.append(array)
        return found

    def _check_array(self, what, name, array, shape):
        dtype = np.dtype(np.float64) if what == "statistics" else self.dtype
        if not checks.fits(array, dtype, shape):
            where = f"{self.name}.{what}[{name!r}]"
            checks.floats(where, array, dtype, shape, "as built")
            # A copy would do to read, but backward and optimizers write: nothing is converted here.
            is_array = type(array) is np.ndarray
            fits_but_for_layout = is_array and array.dtype == dtype
            got = "another layout" if fits_but_for_layout else array.dtype.str if is_array else type(array).__name__
            raise (ValueError if fits_but_for_layout else TypeError)(
                f"{where}: expected a C-contiguous array of {dtype.name}, got {got}: use "
                f"np.ascontiguousarray(..., {dtype.name!r})"
            )

    def _buffer(self, name, *shape):
        """Scratch memory that is kept while its shape repeats: a fresh array costs a page fault every 4 KiB.

        Never for what a caller receives.
        """
        buffer = self._buffers.get(name)
        if buffer is None or buffer.shape != shape:
            buffer = self._buffers[name] = self._empty(name, *shape)
        return buffer

    def _empty(self, name, *shape):
        """An array for a result: fresh each time, as its caller keeps it."""
        checks.memory(f"{type(self).__name__}: {name}", shape, self.dtype)
        return empty(shape, self.dtype, 0)
