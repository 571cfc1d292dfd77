"""CheckedLayer: evaluate a layer at a point, and get its gradients there."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from .report import GradientCheckError
from .target import Kind, Target

if TYPE_CHECKING:
    from .perturbation import Perturbed

State = np.ndarray | Sequence[np.ndarray] | None


class CheckedLayer:
    """A layer, its input, and the number L that is differentiated.

    Attributes:
        arrays: dict from targets to the arrays that L depends on, the layer's own.
        weights: L = weights @ outputs().
        base: outputs() at the point itself.
        input: the target that stands for x.
        title: the layer's class, for messages.
        layers: the layer and all layers inside it.
        perturbed: the arrays that do not have their own values, those of a model that holds the layer included.
        constant: the targets whose given arrays hold one number throughout.
    """

    def __init__(
        self,
        layer: Any,
        x: np.ndarray,
        y: np.ndarray | None = None,
        loss: Any = None,
        initial_state: State = None,
        training: bool = False,
        rng: np.random.Generator | None = None,
        title: str | None = None,
        perturbed: Sequence["Perturbed"] = (),
    ) -> None:
        if (loss is None) != (y is None):
            raise ValueError("loss, y: expected both or neither, got one of them: give the other, too")
        self.layer, self.y, self.training = layer, y, training
        self.title = title or type(layer).__name__
        self.input = Target(Kind.INPUT, getattr(layer, "input_name", "x"))
        self.loss = _loss(loss)
        self.x = _input(x)
        self.takes_training = "training" in _arguments(layer.forward)
        self.takes_state = "initial_state" in _arguments(layer.forward)
        self.takes_dstate = self.takes_state and "dstate" in _arguments(layer.backward) and loss is None
        self.layers = _layers(layer)
        self.generators = self._generators()
        self.statistics: list[tuple[np.ndarray, np.ndarray]] = []
        self.state: State = None
        self.perturbed, self.states = list(perturbed), self._states()
        _refuse_float32("the layer", getattr(layer, "dtype", None))
        try:
            self._settle(x, initial_state, rng or np.random.default_rng(0))
        except BaseException:
            self.leave()
            raise

    def _settle(self, x, initial_state, rng):
        """Build the layer, find what L depends on, and evaluate it there."""
        before = set(self.params)
        self.forward(training=False)  # builds it, without updating statistics
        if set(self.params) != before:  # it drew its weights
            self.generators = self._generators()
        self.statistics = self._statistics()
        self.forward()
        if not np.array_equal(self.x, x, equal_nan=True):
            cause = "an operation in place, such as x *= ...: forward must leave its input unchanged"
            self._refuse(self.input, f"forward changes {self.input}", cause)
        self.state = self._initial_state(initial_state, rng)
        self.arrays = self._arrays()
        given = {self.input: self.x} | (self._state_targets() if initial_state is not None else {})
        self.constant = [target for target, array in given.items() if array.size > 1 and is_constant(array)]
        self.base = self.outputs()
        if not np.isfinite(self.base).all():
            raise ValueError(
                f"gradcheck: expected a finite output, got NaN or infinity from {self.title}.forward: there is nothing "
                f"to differentiate: check x and the parameters"
            )
        if not np.array_equal(self.base, self.outputs()):
            raise GradientCheckError(
                self.title,
                "output",
                "it draws random numbers from something other than a numpy.random.Generator in an attribute, such as "
                "self.rng, or it carries something over from one call to the next: a recurrent layer needs "
                "reset_state()",
                problem="forward returns two different outputs for the same input",
            )
        self.weights = np.ones(1) if self.loss else signed(rng, self.base.size)

    # ------------------------------------------------------------------------------------------------ evaluate

    def outputs(self) -> np.ndarray:
        """All that L is a sum of, as a vector: the output and the final states, or the loss."""
        y = self.forward()
        if self.loss:
            return np.array([self.loss.forward(self.y, y)], np.float64)
        return np.concatenate([result.reshape(-1) for result in self._results(y)])

    def gradients(
        self, stale: float | None = None, between: Callable[[], None] | None = None
    ) -> dict[Target, np.ndarray]:
        """dL/d(array) for every target, as forward and backward compute them.

        Args:
            stale: fills `grads` before.
            between: called between forward and backward.
        """
        for grad in self.grads.values():
            if stale is not None and isinstance(grad, np.ndarray):
                grad.fill(stale)
        y = self.forward()
        arguments = self._backward_arguments(y)
        if between is not None:
            between()
        kept = arguments["dy"].copy()
        dx = self.layer.backward(**arguments) if self.takes_dstate else self.layer.backward(arguments["dy"])
        if not np.array_equal(kept, arguments["dy"]):
            self._refuse("dy", "backward changes dy", "an operation in place, such as dy *= ...: work on a copy")
        return self._collect(dx)

    def output_steps(self) -> Iterator[tuple[int, np.ndarray]]:
        """The time steps of the output, if it has them, each with the `weights` of a loss of this step alone."""
        y = self.forward()
        if self.loss or not self.is_sequence or y.ndim < 3 or y.shape[1] != self.x.shape[1]:
            return
        for t in range(y.shape[1]):
            mask = np.zeros(y.shape)
            mask[:, t] = 1
            weights = np.zeros_like(self.weights)
            weights[: y.size] = self.weights[: y.size] * mask.reshape(-1)
            yield t, weights

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
        return CheckedLayer(layer, x, None, None, state, self.training, None, title, self.perturbed)

    def forward(self, training: bool | None = None) -> np.ndarray:
        """What the layer's forward returns."""
        self.restore()
        training = self.training if training is None else training
        arguments: dict[str, Any] = {"training": training} if self.takes_training else {}
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

    def _state_targets(self):
        return {Target(Kind.STATE, str(i)): state for i, state in enumerate(_listed(self.state))}

    def _results(self, y):
        """The output, and the final states if backward takes their gradient."""
        if not isinstance(y, np.ndarray) or y.dtype != np.float64:
            got = y.dtype.name if isinstance(y, np.ndarray) else type(y).__name__
            raise TypeError(
                f"gradcheck: expected an array of float64 from {self.title}.forward for a float64 input, got {got}: "
                f"compute in x.dtype"
            )
        return [y, *_listed(self.layer.state)] if self.state is not None and self.takes_dstate else [y]

    def _backward_arguments(self, y):
        """The gradient of L for each result."""
        if self.loss:
            self.loss.forward(self.y, y)
            return {"dy": self.loss.backward()}
        results, start = [], 0
        for result in self._results(y):
            results.append(self.weights[start : start + result.size].reshape(result.shape).copy())
            start += result.size
        if self.state is None or not self.takes_dstate:
            return {"dy": results[0]}
        return {"dy": results[0], "dstate": tuple(results[1:]) if isinstance(self.state, tuple) else results[1]}

    # ------------------------------------------------------------------------------------------ what L depends on

    def _initial_state(self, given, rng):
        """The state to start from: as given, or drawn in the shapes of the layer's own state."""
        if given is not None and not self.takes_state:
            raise ValueError(
                f"initial_state: expected None, as {self.title}.forward takes no initial_state, got "
                f"{type(given).__name__}: leave it out"
            )
        if not self.takes_state:
            return None
        state = getattr(self.layer, "state", None) if given is None else given
        if state is None:
            return None
        copies = [np.array(s, order="C") if given is not None else 0.5 * signed(rng, s.shape) for s in _listed(state)]
        for copy in copies:
            _refuse_float32("initial_state", copy.dtype)
        return tuple(copies) if isinstance(state, tuple | list) else copies[0]

    def _arrays(self):
        found = {self.input: self.x} if self.x.dtype.kind == "f" else {}
        for name, param in self.params.items():
            if not isinstance(param, np.ndarray):
                raise TypeError(
                    f"parameter {name}: expected a NumPy array, got {type(param).__name__}: use np.asarray(...)"
                )
            _refuse_float32(f"parameter {name}", param.dtype)
            found[Target(Kind.PARAMETER, name)] = param
        found |= self._state_targets()
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
            dstate = _listed(getattr(self.layer, "dinitial_state", None))
            found |= {Target(Kind.STATE, str(i)): d for i, d in enumerate(dstate)}
        return {target: self._as_gradient(target, found.get(target), array) for target, array in self.arrays.items()}

    def _as_gradient(self, target, gradient, array):
        if gradient is None:
            remedy = {
                Kind.INPUT: "return it from backward",
                Kind.PARAMETER: f"backward must write it into grads[{target.name!r}]",
                Kind.STATE: "backward must put it into dinitial_state",
            }
            self._refuse(target, f"backward gives no gradient of {target}", remedy[target.kind])
        if not isinstance(gradient, np.ndarray) or gradient.dtype != np.float64:
            got = gradient.dtype.name if isinstance(gradient, np.ndarray) else type(gradient).__name__
            cause = "an array made without dtype=x.dtype, or a result that is cast"
            self._refuse(target, f"the gradient of {target} is {got}, not float64", cause)
        if gradient.shape != array.shape:
            cause = "the factors of a product in the wrong order, or a sum over the wrong axis"
            if gradient.shape == array.shape[::-1]:
                cause = "it is transposed: (A @ B).T is B.T @ A.T, so swap the factors and transpose each"
            elif gradient.size == array.size * self.x.shape[0]:
                cause = "the sum over the batch is missing: every example adds to the gradient"
            problem = f"the gradient of {target} has shape {gradient.shape}, and {target} has shape {array.shape}"
            self._refuse(target, problem, cause)
        if not np.isfinite(gradient).all():
            index = tuple(map(int, np.argwhere(~np.isfinite(gradient))[0]))
            cause = "a division by 0, or an exp or log of something out of range"
            if target.kind is Kind.PARAMETER:
                cause += "; or numbers from np.empty that backward did not overwrite"
            self._refuse(target, f"the gradient of {target} is {gradient[index]} at index {index}", cause, index)
        return gradient.copy()

    def _refuse(self, what: Target | str, problem, cause, index=None) -> NoReturn:
        raise GradientCheckError(self.title, what, cause, problem=problem, index=index)


def is_constant(array: np.ndarray) -> bool:
    """Whether all numbers are equal."""
    return bool((array == array.flat[0]).all())


def signed(rng: np.random.Generator, size: int | tuple[int, ...]) -> np.ndarray:
    """Random numbers of both signs with magnitudes near 1: none too small to be noticed, no two that cancel exactly."""
    return rng.uniform(0.5, 1.5, size) * rng.choice([-1.0, 1.0], size)


def _listed(state):
    return [] if state is None else list(state) if isinstance(state, tuple | list) else [state]


def _input(x):
    if not isinstance(x, np.ndarray) or x.dtype.kind not in "fiu":
        got = x.dtype.name if isinstance(x, np.ndarray) else type(x).__name__
        raise TypeError(f"x: expected a NumPy array of float64 or integer ids, got {got}: use np.asarray(...)")
    if x.dtype.kind == "f":
        _refuse_float32("x", x.dtype)
    return np.array(x, order="C")


def _refuse_float32(what, dtype):
    if dtype is not None and np.dtype(dtype) != np.float64:
        raise TypeError(
            f"{what}: expected float64, got {np.dtype(dtype).name}: central differences subtract two nearly equal "
            f"numbers, which leaves almost none of float32's seven digits: make the layer or model with "
            f"dtype='float64', and x with x.astype('float64')"
        )


def _loss(loss):
    if not isinstance(loss, str):
        return loss
    from .. import losses

    return losses.get(loss)


def _arguments(function):
    return inspect.signature(function).parameters


def _layers(layer):
    """The layer and all layers inside it, in attributes or in lists and dicts there."""
    found: list[Any] = []

    def visit(layer):
        if any(layer is other for other in found):
            return
        found.append(layer)
        for value in getattr(layer, "__dict__", {}).values():
            items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
            for item in items:
                if hasattr(item, "forward") and hasattr(item, "backward") and not isinstance(item, type):
                    visit(item)

    visit(layer)
    return found
