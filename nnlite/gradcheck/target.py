"""The layer at the point where it is checked: evaluate it, and ask it for its gradients."""

import inspect

import numpy as np

from .point import is_constant
from .report import GradientCheckError


class Subject:
    """A layer, its input, and the number L that is differentiated.

    Attributes:
        arrays: dict from names such as "parameter Wh" to the arrays that L depends on, the layer's own.
        weights: L = weights @ outputs().
        base: outputs() at the point itself.
        input: the name of x in `arrays`.
        title: the layer's class, for messages.
        moved: what is not at its own numbers, a list of `point.Moved`; also in what else holds the layer.
        constant: the names of given arrays that hold one number throughout.
    """

    def __init__(self, layer, x, y=None, loss=None, initial_state=None, training=False, rng=None, title=None, moved=()):
        if (loss is None) != (y is None):
            raise ValueError("gradcheck: loss and y belong together: give both or neither")
        self.layer, self.y, self.training = layer, y, training
        self.title = title or type(layer).__name__
        self.input = f"input {getattr(layer, 'input_name', 'x')}"
        self.loss = _loss(loss)
        self.x = _input(x)
        self.takes_training = "training" in _arguments(layer.forward)
        self.takes_state = "initial_state" in _arguments(layer.forward)
        self.takes_dstate = self.takes_state and "dstate" in _arguments(layer.backward) and loss is None
        self.parts = _parts(layer)
        self.generators, self.statistics, self.state = self._generators(), [], None
        self.moved, self.states = list(moved), self._states()
        _refuse_float32("the layer", getattr(layer, "dtype", None))
        try:
            self._settle(x, initial_state, rng)
        except BaseException:
            self.leave()
            raise

    def _settle(self, x, initial_state, rng):
        """Build the layer, find what L depends on, and evaluate it there."""
        before = set(self.params)
        self.forward(training=False)  # to build what is not built, without its taking statistics down
        if set(self.params) != before:  # it drew its weights
            self.generators = self._generators()
        self.statistics = self._statistics()
        self.forward()
        if not np.array_equal(self.x, x, equal_nan=True):
            cause = "an operation in place, such as x *= ...: it must leave what it is given as it is"
            self._refuse(self.input, f"forward changes {self.input}", cause)
        self.state = self._initial_state(initial_state, rng)
        self.arrays = self._arrays()
        given = {self.input: self.x} | (self._named_states() if initial_state is not None else {})
        self.constant = [name for name, array in given.items() if array.size > 1 and is_constant(array)]
        self.base = self.outputs()
        if not np.isfinite(self.base).all():
            raise ValueError(f"gradcheck: {self.title}.forward gives NaN or infinity here: nothing to differentiate")
        if not np.array_equal(self.base, self.outputs()):
            raise GradientCheckError(
                self.title,
                "output",
                "it draws random numbers elsewhere than from a numpy.random.Generator in an attribute, such as "
                "self.rng, or it carries something over from one call to the next: a recurrent layer needs "
                "reset_state()",
                problem="forward gives two different outputs for the same input",
            )
        self.weights = np.ones(1) if self.loss else signed(rng, self.base.size)

    # ------------------------------------------------------------------------------------------------ evaluate

    def outputs(self):
        """Everything that L counts in, as one row of numbers: the output and the final states, or the loss."""
        y = self.forward()
        if self.loss:
            return np.array([self.loss.forward(self.y, y)], np.float64)
        return np.concatenate([part.reshape(-1) for part in self._results(y)])

    def gradients(self, stale=None, between=None):
        """dL/d(array) by name, as forward and backward compute them.

        Args:
            stale: what `grads` is filled with before.
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

    def output_steps(self):
        """The time steps of the output, where it has them, and what `weights` becomes for a loss of one step only."""
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
    def params(self):
        return getattr(self.layer, "params", {})

    @property
    def grads(self):
        return getattr(self.layer, "grads", {})

    @property
    def is_sequence(self):
        """Whether the second axis of x is time: (N, T, F), or ids (N, T)."""
        return self.x.ndim == (3 if self.x.dtype.kind == "f" else 2)

    def restore(self):
        """Make every evaluation the same: the random generators where they were, the statistics, and no state."""
        for generator, state in self.generators:
            generator.bit_generator.state = state
        for array, kept in self.statistics:
            array[...] = kept
        for part in self.parts:
            if hasattr(part, "reset_state"):
                part.reset_state()

    def leave(self):
        """Leave the generators, the statistics and the states as they were found."""
        self.restore()
        for part, state, copies in self.states:
            part.state = state
            for array, copy in zip(_listed(state), copies, strict=True):
                if isinstance(array, np.ndarray) and array.flags.writeable:
                    array[...] = copy

    def place(self, array, values):
        """Go on at other values of a parameter or of statistics."""
        self.restore()
        array[...] = values
        self.statistics = self._statistics()
        self.base = self.outputs()

    def beside(self, layer, x, state=None, title=None):
        """Another layer, input or state under the same conditions, without a loss."""
        rng = np.random.default_rng(0)
        return Subject(layer, x, None, None, state, self.training, rng, title, self.moved)

    def forward(self, training=None):
        """What the layer's forward returns."""
        self.restore()
        training = self.training if training is None else training
        arguments = {"training": training} if self.takes_training else {}
        if self.state is not None:
            arguments["initial_state"] = self.state
        return self.layer.forward(self.x, **arguments)

    def _generators(self):
        """The random generators in attributes of the layer and of those inside it, and where each one is."""
        values = [value for part in self.parts for value in getattr(part, "__dict__", {}).values()]
        return [(value, value.bit_generator.state) for value in values if isinstance(value, np.random.Generator)]

    def _statistics(self):
        """The statistics of the layer and of those inside it, and what they hold."""
        arrays = [array for part in self.parts for array in getattr(part, "statistics", {}).values()]
        return [(array, array.copy()) for array in arrays]

    def _states(self):
        """The states that layers carry on, and copies of their arrays."""
        parts = [part for part in self.parts if "state" in getattr(part, "__dict__", {})]
        return [(part, part.state, [np.copy(array) for array in _listed(part.state)]) for part in parts]

    def _named_states(self):
        return {f"initial state {i}": s for i, s in enumerate(_listed(self.state))}

    def _results(self, y):
        """The output, and the final states where backward takes their gradient."""
        if not isinstance(y, np.ndarray) or y.dtype != np.float64:
            got = y.dtype.name if isinstance(y, np.ndarray) else type(y).__name__
            raise TypeError(
                f"gradcheck: {self.title}.forward gives {got}, not an array of float64, for a float64 input"
            )
        return [y, *_listed(self.layer.state)] if self.state is not None and self.takes_dstate else [y]

    def _backward_arguments(self, y):
        """The gradient of L for each result."""
        if self.loss:
            self.loss.forward(self.y, y)
            return {"dy": self.loss.backward()}
        results, start = [], 0
        for part in self._results(y):
            results.append(self.weights[start : start + part.size].reshape(part.shape).copy())
            start += part.size
        if self.state is None or not self.takes_dstate:
            return {"dy": results[0]}
        return {"dy": results[0], "dstate": tuple(results[1:]) if isinstance(self.state, tuple) else results[1]}

    # ------------------------------------------------------------------------------------------ what L depends on

    def _initial_state(self, given, rng):
        """The state to start from: as given, or drawn, in the shapes that the layer's own state has."""
        if given is not None and not self.takes_state:
            raise ValueError(f"gradcheck: {self.title}.forward takes no initial_state")
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
                raise TypeError(f"gradcheck: parameter {name}: expected a NumPy array, got {type(param).__name__}")
            _refuse_float32(f"parameter {name}", param.dtype)
            found[f"parameter {name}"] = param
        found |= self._named_states()
        found = {name: array for name, array in found.items() if array.size}
        if not found:
            raise ValueError(f"gradcheck: {self.title} has nothing to check: no parameters, and x is ids or empty")
        return found

    def _collect(self, dx):
        """Copies of the gradients, by the names of the arrays."""
        found = {self.input: dx, **{f"parameter {k}": v for k, v in self.grads.items()}}
        if self.state is not None:
            dstate = _listed(getattr(self.layer, "dinitial_state", None))
            found |= {f"initial state {i}": d for i, d in enumerate(dstate)}
        return {name: self._as_gradient(name, found.get(name), array) for name, array in self.arrays.items()}

    def _as_gradient(self, name, gradient, array):
        where = {"i": "return it from backward", "p": f"backward must write it into grads[{name[10:]!r}]"}[name[0]]
        if name.startswith("initial"):
            where = "backward must put it into dinitial_state"
        if gradient is None:
            self._refuse(name, f"backward gives no gradient of {name}", where)
        if not isinstance(gradient, np.ndarray) or gradient.dtype != np.float64:
            got = gradient.dtype.name if isinstance(gradient, np.ndarray) else type(gradient).__name__
            cause = "an array made without dtype=x.dtype, or a result cast on its way"
            self._refuse(name, f"the gradient of {name} is {got}, not float64", cause)
        if gradient.shape != array.shape:
            cause = "the factors of a product in the wrong order, or a sum over the wrong axis"
            if gradient.shape == array.shape[::-1]:
                cause = "it is transposed: (A @ B).T is B.T @ A.T, so swap the factors and transpose each"
            elif gradient.size == array.size * self.x.shape[0]:
                cause = "the sum over the batch is missing: every example adds to the gradient"
            problem = f"the gradient of {name} has shape {gradient.shape}, and {name} has shape {array.shape}"
            self._refuse(name, problem, cause)
        if not np.isfinite(gradient).all():
            index = tuple(map(int, np.argwhere(~np.isfinite(gradient))[0]))
            cause = "a division by 0, or an exp or log of something out of range"
            if name.startswith("parameter"):
                cause += "; or numbers that np.empty left and backward did not write"
            self._refuse(name, f"the gradient of {name} is {gradient[index]} at index {index}", cause, index)
        return gradient.copy()

    def _refuse(self, name, problem, cause, index=None):
        raise GradientCheckError(self.title, name, cause, problem=problem, index=index)


def signed(rng, size):
    """Random numbers of either sign and a size near 1: none too small to be noticed, no two that cancel exactly."""
    return rng.uniform(0.5, 1.5, size) * rng.choice([-1.0, 1.0], size)


def _listed(state):
    return [] if state is None else list(state) if isinstance(state, tuple | list) else [state]


def _input(x):
    if not isinstance(x, np.ndarray) or x.dtype.kind not in "fiu":
        got = x.dtype.name if isinstance(x, np.ndarray) else type(x).__name__
        raise TypeError(f"gradcheck: x: expected a NumPy array of float64 or integer ids, got {got}")
    if x.dtype.kind == "f":
        _refuse_float32("x", x.dtype)
    return np.array(x, order="C")


def _refuse_float32(what, dtype):
    if dtype is not None and np.dtype(dtype) != np.float64:
        raise TypeError(
            f"gradcheck: {what} is {np.dtype(dtype).name}. Central differences need float64: they subtract two numbers "
            f"that agree in their first digits, and of float32's seven next to none would be left. Make the layer or "
            f"model with dtype='float64', and x with x.astype('float64')"
        )


def _loss(loss):
    if not isinstance(loss, str):
        return loss
    from .. import losses

    return losses.get(loss)


def _arguments(function):
    return inspect.signature(function).parameters


def _parts(layer):
    """The layer and all layers inside it, in attributes or in lists and dicts there."""
    found = []

    def visit(part):
        if any(part is other for other in found):
            return
        found.append(part)
        for value in getattr(part, "__dict__", {}).values():
            items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
            for item in items:
                if hasattr(item, "forward") and hasattr(item, "backward") and not isinstance(item, type):
                    visit(item)

    visit(layer)
    return found
