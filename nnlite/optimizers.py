"""Optimizers. One kernel pass updates a parameter and the optimizer's state for it.

Names, arguments, defaults and formulas are those of Keras 3.
"""

import math
import weakref
from typing import Any, NamedTuple, TypedDict, Unpack

import numpy as np

from . import checks
from .arguments import Configured
from .kernels import backend, of_dtype
from .kernels.host import uninterrupted
from .turns import TakesTurns, in_turn


class Limits(TypedDict, total=False):
    """How every optimizer clips gradients: see `Optimizer`."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None


class Optimizer(Configured, TakesTurns):
    """Base class of optimizers: clipping, state, and the loop over the parameters.

    Your own optimizer defines `update`, which changes one parameter, and `slots`, from the names of the state arrays
    it keeps for each parameter to their initial values.

    Args:
        learning_rate: at least 0. The attribute with this name can be set between steps.
        clipnorm: scale each gradient with a larger norm down to this norm.
        clipvalue: clip each element to ±clipvalue; NaN stays NaN.
        global_clipnorm: if the norm of all gradients together is larger, scale all by one factor to this norm, which
            keeps the direction of the step. Give at most one of these three.

    Attributes:
        iterations: the number of steps so far.
        state: dict from "slot/parameter" to the optimizer's arrays, created in the first step. Resuming needs only
            these, `iterations` and `learning_rate`.

    Example:
        >>> import numpy as np
        >>> from nnlite.optimizers import Optimizer
        >>> class SignDescent(Optimizer):
        ...     def update(self, grad, param, slots, scale, clip):
        ...         param -= self.learning_rate * np.sign(grad)
        >>> params = {"W": np.array([1.0, 2.0])}
        >>> SignDescent(0.25).apply({"W": np.array([0.3, -7.0])}, params)
        >>> params["W"]
        array([0.75, 2.25])
    """

    slots: dict[str, float] = {}  # noqa: RUF012  replaced, never changed

    def __init__(
        self,
        learning_rate: float,
        *,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        limits = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = [name for name, limit in limits.items() if limit is not None]
        if len(given) > 1:
            raise ValueError(
                f"{' and '.join(given)}: expected at most one limit, got {len(given)}: use only one of them"
            )
        checked = [limit if limit is None else checks.above_zero(name, limit) for name, limit in limits.items()]
        self.clipnorm, self.clipvalue, self.global_clipnorm = checked
        self.iterations = 0
        self.state: dict[str, np.ndarray] = {}
        self._rows: list[_Row] = []
        self._model: weakref.ref | None = None  # whose parameters it has updated

    def __getstate__(self):
        # Rows are views, which a copy would take for arrays of its own; and a copy has no model yet.
        return super().__getstate__() | {"_rows": [], "_model": None}

    @property
    def learning_rate(self) -> float:
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = checks.between("learning_rate", value, 0, math.inf, closed=False)

    @in_turn
    def apply(self, grads: dict[str, np.ndarray], params: dict[str, np.ndarray]) -> None:
        """Make one step: change every parameter in place. The gradients are not modified, even when clipped.

        Args:
            grads, params: dicts with the same names; arrays with the same name have the same shape and dtype.

        Raises:
            ValueError: names or shapes differ, a parameter cannot be changed in place, or earlier steps updated another
                model.
            TypeError: not an array, or dtypes differ.
            FloatingPointError: clipping by norm, and a gradient contains NaN or infinity.

        Every error is raised before the first parameter changes.
        """
        self._check_model(params)
        known = self._is_known(grads, params)
        if not known:
            grads = self._checked(grads, params)
        scales = self._scales(grads)
        if not known:
            self._rows = [self._row(name, grads[name], param) for name, param in params.items()]
        clip = math.inf if self.clipvalue is None else self.clipvalue
        with uninterrupted:  # Ctrl-C interrupts before or after a step, never within
            self.iterations += 1
            for row in self._rows:
                self.update(row.flat_grad, row.flat_param, row.slots, scales.get(row.name, 1.0), clip)

    def _is_known(self, grads, params):
        """Whether these are the arrays of the previous step, as in training: already checked."""
        if not len(grads) == len(params) == len(self._rows):
            return False
        state = self.state
        for name, grad, param, memory, _, _, _ in self._rows:
            if grads.get(name) is not grad or params.get(name) is not param or not param.flags.writeable:
                return False
            for key, array in memory:
                if state.get(key) is not array:
                    return False
        return True

    def _checked(self, grads, params):
        """The gradients, after checking them and the parameters."""
        if grads.keys() != params.keys():
            odd = sorted(grads.keys() ^ params.keys())
            raise ValueError(
                f"apply: expected grads and params with the same names, got {', '.join(odd)} in only one of them"
            )
        for name, param in params.items():
            self._check_param(name, param)
        return {
            name: checks.floats(f"gradient of {name}", grad, params[name].dtype, params[name].shape, "of the parameter")
            for name, grad in grads.items()
        }

    def update(
        self, grad: np.ndarray, param: np.ndarray, slots: dict[str, np.ndarray], scale: float, clip: float
    ) -> None:
        """Change one parameter in place. All arrays are flat; use the gradient scale * grad, clipped to ±clip."""
        raise NotImplementedError(f"{type(self).__name__} has no update(grad, param, slots, scale, clip)")

    @staticmethod
    def _check_param(name, param):
        if not isinstance(param, np.ndarray) or param.dtype not in (np.float32, np.float64):
            got = param.dtype.str if isinstance(param, np.ndarray) else type(param).__name__
            raise TypeError(f"parameter {name}: expected an array of float32 or float64, got {got}")
        if not (param.flags.c_contiguous and param.flags.writeable):
            trouble = "a non-contiguous" if param.flags.writeable else "a read-only"
            raise ValueError(
                f"parameter {name}: expected an array that can be changed in place, got {trouble} one: use a copy"
            )

    def belongs_to(self, model: Any) -> None:
        """Go on with this model alone, as after loading it: what is remembered of one says nothing of another."""
        self._model = weakref.ref(model)

    def _check_model(self, params):
        """Refuse the parameters of another model than that of the steps before."""
        model = getattr(params, "model", None)  # those of a dict of the user's own belong to whom they like
        if model is None or (self._model is not None and self._model() is model):
            return
        if self.iterations:
            raise ValueError(
                f"params: expected the model of the {self.iterations} steps before, got another model, {model.name}: "
                f"an optimizer belongs to one model: use a new one, {self!r}, or copy both with copy.deepcopy(model)"
            )
        self.belongs_to(model)

    def _row(self, name, grad, param):
        slots, kept = {}, []
        for slot, start in self.slots.items():
            key = f"{slot}/{name}"
            memory = self.state.get(key)
            if memory is None:
                memory = self.state[key] = np.full_like(param, start)
            elif memory.shape != param.shape or memory.dtype != param.dtype:
                raise ValueError(
                    f"parameter {name}: expected {checks.shape_text(memory.shape)} {memory.dtype.name}, as the "
                    f"optimizer's {slot} for it, got {checks.shape_text(param.shape)} {param.dtype.name}: an optimizer "
                    f"belongs to one model: use a new one"
                )
            if not (memory.flags.c_contiguous and memory.flags.writeable):  # as some file formats load it
                memory = self.state[key] = np.array(memory, order="C")
            slots[slot] = memory.reshape(-1)
            kept.append((key, memory))
        return _Row(name, grad, param, kept, grad.reshape(-1), param.reshape(-1), slots)

    def _scales(self, grads):
        """The factor for each gradient when clipping by norm."""
        together = self.global_clipnorm
        limit = self.clipnorm if together is None else together
        if limit is None:
            return {}
        kernel = backend().update
        work = np.empty(kernel.work_size(max([grad.size for grad in grads.values()], default=0)))
        squares = {name: kernel.sum_of_squares(grad.reshape(-1), work) for name, grad in grads.items()}
        for name, square in squares.items():
            if not math.isfinite(square):
                raise FloatingPointError(
                    f"gradient of {name}: expected a finite norm to clip, got {square}: it contains NaN, infinity or "
                    f"numbers near it. The parameters are unchanged: try a smaller learning rate"
                )
        if together is not None:
            norm = math.sqrt(math.fsum(squares.values()))
            return dict.fromkeys(squares, limit / norm if norm > limit else 1.0)
        norms = {name: math.sqrt(square) for name, square in squares.items()}
        return {name: limit / norm if norm > limit else 1.0 for name, norm in norms.items()}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can write them, and always the learning rate and the limits."""
        limits = {name: getattr(self, name) for name in Limits.__annotations__}
        return {"learning_rate": self.learning_rate, **limits, **super().get_config()}

    def __repr__(self):
        given = {name: value for name, value in self.get_config().items() if value is not None}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in given.items())})"


class _Row(NamedTuple):
    """One parameter, looked up, checked and flattened for `update`."""

    name: str
    grad: np.ndarray
    param: np.ndarray
    memory: list[tuple[str, np.ndarray]]  # entries of `state`
    flat_grad: np.ndarray
    flat_param: np.ndarray
    slots: dict[str, np.ndarray]


class SGD(Optimizer):
    """Gradient descent, p -= learning_rate * g; with momentum, a velocity v accumulates earlier gradients:

        v = momentum * v - learning_rate * g
        p += v                                            or, nesterov:  p += momentum * v - learning_rate * g

    Args:
        learning_rate: by default 0.01.
        momentum: in [0, 1]; the fraction of the velocity kept at each step. 0.9 is usual.
        nesterov: look ahead: make the step of the next velocity.
        clipnorm, clipvalue, global_clipnorm: as in `Optimizer`.

    Source: Polyak, Some methods of speeding up the convergence of iteration methods, 1964; Sutskever, Martens, Dahl
    and Hinton, On the importance of initialization and momentum in deep learning, 2013.

    Example:
        >>> import numpy as np
        >>> from nnlite.optimizers import SGD
        >>> params = {"W": np.array([1.0])}
        >>> SGD(0.5, global_clipnorm=1.0).apply({"W": np.array([8.0])}, params)
        >>> params["W"]
        array([0.5])
    """

    def __init__(
        self,
        learning_rate: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **limits: Unpack[Limits],
    ) -> None:
        super().__init__(learning_rate, **limits)
        self.momentum = checks.between("momentum", momentum, 0, 1)
        self.nesterov = bool(nesterov)
        self.slots = {"momentum": 0.0} if self.momentum > 0 else {}

    def update(
        self, grad: np.ndarray, param: np.ndarray, slots: dict[str, np.ndarray], scale: float, clip: float
    ) -> None:
        if slots:
            rates = self._learning_rate, self.momentum, self.nesterov
            kernel = of_dtype(backend().update.sgd_momentum, param.dtype)
            kernel(grad, param, slots["momentum"], *rates, scale, clip)
        else:
            of_dtype(backend().update.sgd, param.dtype)(grad, param, self.learning_rate, scale, clip)


class Adagrad(Optimizer):
    """Each element has its own learning rate, which shrinks as its squared gradients accumulate:

        a += g^2
        p -= learning_rate * g / sqrt(a + epsilon)

    Args:
        learning_rate: by default 0.001; 0.1 suits small recurrent models.
        initial_accumulator_value: the initial a, by default 0.1.
        epsilon: by default 1e-7.
        clipnorm, clipvalue, global_clipnorm: as in `Optimizer`.

    `Adagrad(0.1, initial_accumulator_value=0.0, epsilon=1e-8, clipvalue=5.0)` is the recipe of the minimal
    character-level RNN (Karpathy, 2015).

    Source: Duchi, Hazan and Singer, Adaptive subgradient methods for online learning and stochastic optimization, 2011.

    Example:
        >>> import numpy as np
        >>> from nnlite.optimizers import Adagrad
        >>> params, optimizer = {"W": np.array([1.0])}, Adagrad(0.1, initial_accumulator_value=0.0)
        >>> for _ in range(3):
        ...     optimizer.apply({"W": np.array([2.0])}, params)  # steps of 0.1, 0.1 / sqrt(2), 0.1 / sqrt(3)
        ...     print(params["W"].round(4))
        [0.9]
        [0.8293]
        [0.7716]
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **limits: Unpack[Limits],
    ) -> None:
        super().__init__(learning_rate, **limits)
        self.initial_accumulator_value = checks.between(
            "initial_accumulator_value", initial_accumulator_value, 0, math.inf, closed=False
        )
        self.epsilon = checks.above_zero("epsilon", epsilon)
        self.slots = {"accumulator": self.initial_accumulator_value}

    def update(
        self, grad: np.ndarray, param: np.ndarray, slots: dict[str, np.ndarray], scale: float, clip: float
    ) -> None:
        kernel = of_dtype(backend().update.adagrad, param.dtype)
        kernel(grad, param, slots["accumulator"], self.learning_rate, self.epsilon, scale, clip)


class RMSprop(Optimizer):
    """Adagrad with a moving average of the squared gradients, so the learning rate does not shrink forever.

        v = rho * v + (1 - rho) * g^2
        p -= learning_rate * g / sqrt(v + epsilon)

    Args:
        learning_rate: by default 0.001.
        rho: in [0, 1); the decay of the average, by default 0.9.
        momentum: in [0, 1]; m = momentum * m + (the step above), and p -= m.
        epsilon: by default 1e-7.
        centered: divide by the gradients' standard deviation: subtract the square of their moving average from v.
        clipnorm, clipvalue, global_clipnorm: as in `Optimizer`.

    Source: Tieleman and Hinton, Neural networks for machine learning, lecture 6.5, 2012; centered: Graves, Generating
    sequences with recurrent neural networks, 2013, section 4.

    Example:
        >>> import numpy as np
        >>> from nnlite.optimizers import RMSprop
        >>> params = {"W": np.array([1.0, 1.0])}
        >>> RMSprop(0.01, rho=0.75).apply({"W": np.array([3.0, -0.3])}, params)  # 0.01 / sqrt(1 - rho), up or down
        >>> params["W"].round(4)
        array([0.98, 1.02])
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **limits: Unpack[Limits],
    ) -> None:
        super().__init__(learning_rate, **limits)
        self.rho = checks.between("rho", rho, 0, 1, closed=False)
        self.momentum = checks.between("momentum", momentum, 0, 1)
        self.epsilon = checks.above_zero("epsilon", epsilon)
        self.centered = bool(centered)
        names = ["velocity", *(["average_gradient"] if centered else []), *(["momentum"] if momentum > 0 else [])]
        self.slots = dict.fromkeys(names, 0.0)

    def update(
        self, grad: np.ndarray, param: np.ndarray, slots: dict[str, np.ndarray], scale: float, clip: float
    ) -> None:
        memory = slots["velocity"], slots.get("average_gradient"), slots.get("momentum")
        rates = self.learning_rate, self.rho, self.momentum, self.epsilon
        of_dtype(backend().update.rmsprop, param.dtype)(grad, param, *memory, *rates, scale, clip)


class Adam(Optimizer):
    """Moving averages of the gradient, m, and of its square, v, both corrected for their start at 0. At step t:

        m += (1 - beta_1) * (g - m)
        v += (1 - beta_2) * (g^2 - v)
        p -= learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon)

    Args:
        learning_rate: by default 0.001.
        beta_1, beta_2: in [0, 1); the decay of the two averages, by default 0.9 and 0.999.
        epsilon: by default 1e-7. This is the paper's "epsilon hat"; the epsilon of the paper's algorithm 1, and of
            PyTorch, is epsilon hat / sqrt(1 - beta_2^t).
        clipnorm, clipvalue, global_clipnorm: as in `Optimizer`.

    Source: Kingma and Ba, Adam: a method for stochastic optimization, 2015.

    Example:
        >>> import numpy as np
        >>> from nnlite.optimizers import Adam
        >>> params = {"W": np.array([1.0, 1.0])}
        >>> Adam(0.01).apply({"W": np.array([3.0, -0.003])}, params)  # the first step is learning_rate, up or down
        >>> params["W"].round(4)
        array([0.99, 1.01])
    """

    slots = {"momentum": 0.0, "velocity": 0.0}  # noqa: RUF012
    weight_decay = 0.0

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **limits: Unpack[Limits],
    ) -> None:
        super().__init__(learning_rate, **limits)
        self.beta_1 = checks.between("beta_1", beta_1, 0, 1, closed=False)
        self.beta_2 = checks.between("beta_2", beta_2, 0, 1, closed=False)
        self.epsilon = checks.above_zero("epsilon", epsilon)

    def update(
        self, grad: np.ndarray, param: np.ndarray, slots: dict[str, np.ndarray], scale: float, clip: float
    ) -> None:
        kernel = of_dtype(backend().update.adam, param.dtype)
        decay = self._learning_rate * self.weight_decay
        rates = self._learning_rate, self.beta_1, self.beta_2, self.epsilon, decay
        kernel(grad, param, slots["momentum"], slots["velocity"], *rates, self.iterations, scale, clip)


class AdamW(Adam):
    """Adam with decoupled weight decay: first p -= learning_rate * weight_decay * p, then the step of Adam.

    Adding weight_decay * p to the gradient is not equivalent: Adam would divide it by the gradient's size.

    Args:
        weight_decay: at least 0, by default 0.004.
        learning_rate, beta_1, beta_2, epsilon, clipnorm, clipvalue, global_clipnorm: as in `Adam`.

    Source: Loshchilov and Hutter, Decoupled weight decay regularization, 2019.

    Example:
        >>> import numpy as np
        >>> from nnlite.optimizers import AdamW
        >>> params = {"W": np.array([1.0, -2.0])}
        >>> AdamW(0.5, weight_decay=0.1).apply({"W": np.array([0.0, 0.0])}, params)  # times 1 - 0.5 * 0.1
        >>> params["W"]
        array([ 0.95, -1.9 ])
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **limits: Unpack[Limits],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **limits)
        self.weight_decay = checks.between("weight_decay", weight_decay, 0, math.inf, closed=False)


_BY_NAME = {"sgd": SGD, "adagrad": Adagrad, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW}


def get(optimizer: str | Optimizer) -> Optimizer:
    """The optimizer with this name, such as "adam", with default arguments; or the optimizer itself.

    Raises:
        ValueError: no optimizer has this name.

    Example:
        >>> from nnlite import optimizers
        >>> optimizers.get("adam")
        Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07)
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    if not isinstance(optimizer, str) or optimizer.lower() not in _BY_NAME:
        raise ValueError(f"optimizer: expected an optimizer or one of {sorted(_BY_NAME)}, got {optimizer!r}")
    return _BY_NAME[optimizer.lower()]()
