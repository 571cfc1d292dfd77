"""CheckedLayer: evaluate a layer at a point, and get its gradients there."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import checks, losses, regularizers
from ..models.float64_copy import in_float64, layers_inside
from .report import GradientCheckError
from .target import Kind, Perturbed, Target

State = np.ndarray | Sequence[np.ndarray] | None


class CheckedLayer:
    """A layer, its input x, and the number that is differentiated: L = weights @ outputs(). At x, outputs() is `base`.

    `arrays` is a dict from targets to the arrays that L depends on, the layer's own.
    """

    def __init__(
        self,
        layer: Any,
        x: np.ndarray,
        y: np.ndarray | None = None,
        loss: Any = None,
        *,
        initial_state: State = None,
        training: bool = False,
        fast: bool = False,
        tolerance: float = 1e-6,
        rng: np.random.Generator | None = None,
        title: str | None = None,
        perturbed: Sequence[Perturbed] = (),
    ) -> None:
        if (loss is None) != (y is None):
            raise ValueError("loss, y: expected both or neither, got one of them: give the other, too")
        layer = in_float64(layer)
        self.layer, self.y, self.training, self.fast, self.tolerance = layer, y, training, fast, tolerance
        self.title = title or type(layer).__name__
        self.input = Target(Kind.INPUT, getattr(layer, "input_name", "x"))
        self.loss = None if loss is None else losses.get(loss)
        given = checks.numbers("x", x)
        self.x = np.array(given, np.float64, order="C")
        for method in ("forward(x)", "backward(dy)"):
            if not callable(getattr(layer, method.partition("(")[0], None)):
                raise TypeError(
                    f"gradcheck: layer: expected an object with forward(x) and backward(dy), got {layer!r}, "
                    f"which has no {method}"
                )
        self.takes_training = "training" in _arguments(layer.forward)
        self.takes_state = "initial_state" in _arguments(layer.forward)
        self.takes_dstate = self.takes_state and "dstate" in _arguments(layer.backward) and loss is None
        self.layers = layers_inside(layer)  # the layer and all layers inside it
        self.generators = self._generators()
        self.statistics: list[tuple[np.ndarray, np.ndarray]] = []
        self.state: State = None
        self.states = self._states()
        self.perturbed = list(perturbed)  # those of a model that holds the layer included
        _refuse_float32("the layer", getattr(layer, "dtype", None))
        try:
            self._settle(given, initial_state, rng or np.random.default_rng(0))
        except BaseException:
            self.leave()
            raise

    def _settle(self, x, initial_state, rng):
        """Build the layer, find what L depends on, and evaluate it there."""
        before = set(self.params)
        self._build(x)
        if set(self.params) != before:  # it drew its weights
            self.generators = self._generators()
        self.statistics = self._statistics()
        self.forward()
        if not np.array_equal(self.x, x, equal_nan=True):
            cause = "an operation in place, such as x *= ...: forward must leave its input unchanged"
            raise self.error(self.input, cause, problem=f"forward changes {self.input}")
        self.state = self._initial_state(initial_state, rng)
        self.arrays = self._arrays()
        given = {self.input: self.x} | (_state_targets(self.state) if initial_state is not None else {})
        # Given arrays that hold one number throughout.
        self.constant = [target for target, array in given.items() if array.size > 1 and is_constant(array)]
        self.base = self.outputs()
        if not np.isfinite(self.base).all():
            raise ValueError(
                f"gradcheck: expected a finite output, got NaN or infinity from {self.title}.forward: there is nothing "
                f"to differentiate: check x and the parameters"
            )
        if not np.array_equal(self.base, self.outputs()):
            cause = (
                "it draws random numbers from something other than a numpy.random.Generator in an attribute, such as "
                "self.rng, or it carries something over from one call to the next: a recurrent layer needs "
                "reset_state()"
            )
            raise self.error("output", cause, problem="forward returns two different outputs for the same input")
        self.weights = np.ones(1) if self.loss else signed(rng, self.base.size)

    def _build(self, x):
        """The first forward. Whole numbers are ids, and have no gradient, only to a layer that takes no others."""
        try:
            self.forward(training=False)  # builds it, without updating statistics
        except (IndexError, TypeError, ValueError):
            if x.dtype.kind == "f":
                raise
            self.x = np.array(x, order="C")
            self.forward(training=False)

    def error(self, what: Target | str, cause: str, **details: Any) -> GradientCheckError:
        """The error of this layer; `details` are the other arguments of `GradientCheckError`."""
        return GradientCheckError(self.title, what, cause, **details)

    def outputs(self) -> np.ndarray:
        """All that L is a sum of, as a vector: the output and the final states, or the loss."""
        y = self.forward()
        if self.loss:
            return np.array([self.loss.forward(self.y, y) + regularizers.penalty([self.layer])], np.float64)
        return np.concatenate([result.reshape(-1) for result in self._results(y)])

    def gradients(self, between: Callable[[], None] = lambda: None) -> dict[Target, np.ndarray]:
        """dL/d(array) for every target, as forward and backward compute them; `between` is called between the two."""
        y = self.forward()
        dy, dstate = self._output_gradients(y)
        between()
        kept = dy.copy()
        dx = self.layer.backward(dy, **dstate)
        if self.loss:
            regularizers.add_gradients([self.layer])
        if not np.array_equal(kept, dy):
            cause = "an operation in place, such as dy *= ...: work on a copy"
            raise self.error("dy", cause, problem="backward changes dy")
        return self._collect(dx)

    @property
    def params(self) -> Mapping[str, np.ndarray]:
        return getattr(self.layer, "params", {})

    @property
    def grads(self) -> Mapping[str, np.ndarray]:
        return getattr(self.layer, "grads", {})

    @property
    def is_sequence(self) -> bool:
        """Whether the second axis of x is time: (N, T, F), or ids (N, T)."""
        return self.x.ndim == (3 if self.x.dtype.kind == "f" else 2)

    def restore(self) -> None:
        """Make every evaluation the same: restore random generators and statistics, reset states."""
        for generator, state in self.generators:
            generator.bit_generator.state = state
        for array, kept in self.statistics:
            array[...] = kept
        for layer in self.layers:
            if hasattr(layer, "reset_state"):
                layer.reset_state()

    def leave(self) -> None:
        """Restore generators, statistics and states to what they were before the check."""
        self.restore()
        for layer, state, copies in self.states:
            layer.state = state
            for array, copy in zip(_listed(state), copies, strict=True):
                if isinstance(array, np.ndarray) and array.flags.writeable:
                    array[...] = copy

    def place(self, array: np.ndarray, values: np.ndarray) -> None:
        """Continue with other values of a parameter or of statistics."""
        self.restore()
        array[...] = values
        self.statistics = self._statistics()
        self.base = self.outputs()

    def other(self, layer: Any, x: np.ndarray, state: State = None, title: str | None = None) -> "CheckedLayer":
        """Another layer, input or state under the same conditions, without a loss."""
        conditions = {name: getattr(self, name) for name in ("training", "fast", "tolerance", "perturbed")}
        return CheckedLayer(layer, x, initial_state=state, title=title, **conditions)

    def forward(self, training: bool | None = None) -> np.ndarray:
        """What the layer's forward returns."""
        self.restore()
        arguments: dict[str, Any] = {}
        if self.takes_training:
            arguments["training"] = self.training if training is None else training
        if self.state is not None:
            arguments["initial_state"] = self.state
        return self.layer.forward(self.x, **arguments)

    def _generators(self):
        """The random generators in attributes of the layers, and their states."""
        values = [value for layer in self.layers for value in getattr(layer, "__dict__", {}).values()]
        return [(value, value.bit_generator.state) for value in values if isinstance(value, np.random.Generator)]

    def _statistics(self):
        """The statistics of the layers, and copies of them."""
        arrays = [array for layer in self.layers for array in getattr(layer, "statistics", {}).values()]
        return [(array, array.copy()) for array in arrays]

    def _states(self):
        """The states that layers carry from batch to batch, and copies of their arrays."""
        layers = [layer for layer in self.layers if "state" in getattr(layer, "__dict__", {})]
        return [(layer, layer.state, [np.copy(array) for array in _listed(layer.state)]) for layer in layers]

    def _results(self, y):
        """The output, and the final states if backward takes their gradient."""
        if not _is_float64(y):
            raise TypeError(
                f"gradcheck: expected an array of float64 from {self.title}.forward for a float64 input, got "
                f"{_kind_of(y)}: compute in x.dtype"
            )
        return [y, *_listed(self.layer.state)] if self.state is not None and self.takes_dstate else [y]

    def _output_gradients(self, y):
        """The gradient of L for the output, and a dict with that of the final states if backward takes it."""
        if self.loss:
            self.loss.forward(self.y, y)
            return self.loss.backward(), {}
        results = self._results(y)
        parts = np.split(self.weights, np.cumsum([result.size for result in results])[:-1])
        dy, *dstate = (part.reshape(result.shape).copy() for part, result in zip(parts, results, strict=True))
        if not dstate:
            return dy, {}
        return dy, {"dstate": tuple(dstate) if isinstance(self.state, tuple) else dstate[0]}

    def _initial_state(self, given, rng):
        """The state to start from: as given, or drawn in the shapes of the layer's own state."""
        if given is not None and not self.takes_state:
            raise ValueError(
                f"initial_state: expected None, as {self.title}.forward takes no initial_state, got "
                f"{type(given).__name__}: leave it out"
            )
        state = getattr(self.layer, "state", None) if given is None else given
        if state is None or not self.takes_state:
            return None
        if given is None:
            copies = [0.5 * signed(rng, s.shape) for s in _listed(state)]
        else:
            copies = [np.array(checks.numbers("initial_state", s), np.float64, order="C") for s in _listed(state)]
        return tuple(copies) if isinstance(state, tuple | list) else copies[0]

    def _arrays(self):
        found = {self.input: self.x} if self.x.dtype.kind == "f" else {}
        frozen = getattr(self.params, "frozen", () if getattr(self.layer, "trainable", True) else self.params)
        for name, param in self.params.items():
            if name in frozen:  # it has no gradient
                continue
            if not isinstance(param, np.ndarray):
                raise TypeError(
                    f"parameter {name}: expected a NumPy array, got {type(param).__name__}: use np.asarray(...)"
                )
            _refuse_float32(f"parameter {name}", param.dtype)
            found[Target(Kind.PARAMETER, name)] = param
        found |= _state_targets(self.state)
        found = {target: array for target, array in found.items() if array.size}
        if not found:
            raise ValueError(
                f"gradcheck: expected parameters or an x of floats, got neither: {self.title} has nothing to check: "
                f"x is ids or empty"
            )
        return found

    def _collect(self, dx):
        """Copies of the gradients, by target."""
        found = {self.input: dx, **{Target(Kind.PARAMETER, name): grad for name, grad in self.grads.items()}}
        if self.state is not None:
            found |= _state_targets(getattr(self.layer, "dinitial_state", None))
        for target, array in self.arrays.items():
            self._require_gradient(target, found.get(target), array)
        return {target: found[target].copy() for target in self.arrays}

    def _require_gradient(self, target, gradient, array):
        """Refuse what is not a finite float64 array of the right shape."""
        if gradient is None:
            remedy = {
                Kind.INPUT: "return it from backward",
                Kind.PARAMETER: f"backward must write it into grads[{target.name!r}]",
                Kind.STATE: "backward must put it into dinitial_state",
            }
            raise self.error(target, remedy[target.kind], problem=f"backward gives no gradient of {target}")
        if not _is_float64(gradient):
            cause = "an array made without dtype=x.dtype, or a result that is cast"
            problem = f"the gradient of {target} is {_kind_of(gradient)}, not float64"
            raise self.error(target, cause, problem=problem)
        if gradient.shape != array.shape:
            cause = "the factors of a product in the wrong order, or a sum over the wrong axis"
            if gradient.shape == array.shape[::-1]:
                cause = "it is transposed: (A @ B).T is B.T @ A.T, so swap the factors and transpose each"
            elif gradient.size == array.size * self.x.shape[0]:
                cause = "the sum over the batch is missing: every example adds to the gradient"
            problem = f"the gradient of {target} has shape {gradient.shape}, and {target} has shape {array.shape}"
            raise self.error(target, cause, problem=problem)
        if not np.isfinite(gradient).all():
            index = tuple(map(int, np.argwhere(~np.isfinite(gradient))[0]))
            cause = "a division by 0, or an exp or log of something out of range"
            if target.kind is Kind.PARAMETER:
                cause += "; or numbers from np.empty that backward did not overwrite"
            problem = f"the gradient of {target} is {gradient[index]} at index {index}"
            raise self.error(target, cause, problem=problem, index=index)


def is_constant(array: np.ndarray) -> bool:
    """Whether all numbers are equal."""
    return bool((array == array.flat[0]).all())


def signed(rng: np.random.Generator, size: int | tuple[int, ...]) -> np.ndarray:
    """Random numbers of both signs with magnitudes near 1: none too small to be noticed, no two that cancel exactly."""
    return rng.uniform(0.5, 1.5, size) * rng.choice([-1.0, 1.0], size)


def _listed(state):
    return [] if state is None else list(state) if isinstance(state, tuple | list) else [state]


def _state_targets(state):
    """The arrays of a state, or of its gradient, by target."""
    return {Target(Kind.STATE, str(i)): array for i, array in enumerate(_listed(state))}


def _is_float64(array):
    return isinstance(array, np.ndarray) and array.dtype == np.float64


def _kind_of(array):
    """The name of an array's dtype, or of the type of anything else."""
    return array.dtype.name if isinstance(array, np.ndarray) else type(array).__name__


def _refuse_float32(what, dtype):
    if dtype is not None and np.dtype(dtype) != np.float64:
        raise TypeError(
            f"{what}: expected float64, got {np.dtype(dtype).name}: central differences subtract two nearly equal "
            f"numbers, which leaves almost none of float32's seven digits: make the layer with dtype='float64', or "
            f"derive it from nnlite.Layer, of which gradcheck makes a copy in float64"
        )


def _arguments(function):
    return inspect.signature(function).parameters
