"""Optimizer: base class of all optimizers."""

import inspect
import itertools
import math
from typing import Any, NamedTuple, NoReturn, Self, TypedDict

import numpy as np

from .. import checks
from ..arguments import Configured, is_ours, nearest_of_ours
from ..arguments.kinds import takes_config
from ..arguments.translations import arguments, methods
from ..kernels import backend, of_dtype, uninterrupted
from ..schedules import Schedule, made
from ..turns import TakesTurns, in_turn
from .memory import HasMemory

Slots = dict[str, np.ndarray]  # the optimizer's arrays for a parameter, by their names


class Limits(TypedDict, total=False):
    """How every optimizer clips gradients: see `Optimizer`."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None


class Options(Limits, total=False):
    """What every optimizer takes besides its learning rate: see `Optimizer`."""

    weight_decay: float | None


class Optimizer(Configured, HasMemory, TakesTurns):
    """Base class of optimizers: clipping, state, and the loop over the parameters.

    Your own optimizer defines `update`, which changes one parameter, and `slots`, from the names of the state arrays
    it keeps for each parameter to their initial values.

    Args:
        learning_rate: at least 0, or a schedule of the step, such as CosineDecay(0.01, decay_steps=1000). The attribute
            with this name is the rate of the latest step; where it is no schedule, it can be set between steps.
        weight_decay: at least 0: before each step every parameter shrinks by learning_rate * weight_decay times itself,
            as in Keras; PyTorch's optimizers, except its AdamW, add weight_decay * p to the gradient instead.
        clipnorm: scale each gradient with a larger norm down to this norm.
        clipvalue: clip each element to ±clipvalue; NaN stays NaN.
        global_clipnorm: if the norm of all gradients together is larger, scale all by one factor to this norm, which
            keeps the direction of the step. Give at most one of these three.

    Attributes:
        iterations: the number of steps so far.
        schedule: where the learning rate follows one, else None.
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
    decays_in_update = False  # whether the class's own `update` sees to weight_decay; who writes one anew leaves it out
    _is_own = False  # whether a user wrote the class
    parallel: Any = None  # the `nnlite.distributed.DataParallel` that shares its model's batches with other processes

    def __init__(
        self,
        learning_rate: float | Schedule,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
    ) -> None:
        self._check_update()
        self.iterations = 0
        self.schedule: Schedule | None = None
        self.learning_rate = learning_rate
        if weight_decay is not None:
            weight_decay = checks.between("weight_decay", weight_decay, 0, math.inf, closed=False)
        self.weight_decay = weight_decay
        limits = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = [name for name, limit in limits.items() if limit is not None]
        if len(given) > 1:
            raise ValueError(
                f"{' and '.join(given)}: expected at most one limit, got {len(given)}: use only one of them"
            )
        checked = [limit if limit is None else checks.above_zero(name, limit) for name, limit in limits.items()]
        self.clipnorm, self.clipvalue, self.global_clipnorm = checked
        self.state: dict[str, np.ndarray] = {}
        self._rows: list[_Row] = []

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        first = next(base for base in cls.__mro__ if vars(base).keys() & {"update", "decays_in_update"})
        cls.decays_in_update = vars(first).get("decays_in_update", False)

    def _constructed(self, by_place: int) -> None:
        super()._constructed(by_place)
        self._is_own = not is_ours(type(self))
        self._settable = inspect.signature(nearest_of_ours(type(self))).parameters.keys() - {"learning_rate"}

    def _checked_setting(self, name, value):
        rate = {"learning_rate": self._learning_rate}
        before, as_set = self._as_ours(rate), self._as_ours({**rate, name: value})
        own = {slot: start for slot, start in self.slots.items() if slot not in before.slots}
        self.slots, self._rows = {**own, **as_set.slots}, []  # such as that of a momentum that was 0
        return getattr(as_set, name)

    def __getstate__(self):
        # Rows are views, which a copy would take for arrays of its own; and a copy has no model yet. Other processes
        # know nothing of it.
        return super().__getstate__() | {"_rows": [], "_model": None, "_layers": {}, "parallel": None}

    @property
    def learning_rate(self) -> float:
        # Computed, so that it is right also after loading.
        if self.schedule is None:
            return methods.Scalar(self._learning_rate)
        return methods.ScheduledRate(self._scheduled(max(0, self.iterations - 1)))

    @learning_rate.setter
    def learning_rate(self, value: float | Schedule) -> None:
        if isinstance(value, Schedule):
            self.schedule = value
            self._learning_rate = self._scheduled(self._iterations)
        elif self.schedule is not None:
            raise TypeError(
                f"learning_rate: expected to be left to its schedule, {self.schedule!r}, got {value!r}: who sets it "
                f"needs an optimizer with a number, such as {type(self).__name__}({self._learning_rate:g})"
            )
        else:
            self._learning_rate = _number(value)

    @property
    def iterations(self) -> int:
        return methods.Count(self._iterations)

    @iterations.setter
    def iterations(self, value: int) -> None:
        self._iterations = checks.positive("iterations", value, least=0)

    def _scheduled(self, step):
        """The schedule's learning rate of a step, counted from 0."""
        assert self.schedule is not None
        try:
            rate = self.schedule(step)
        except OverflowError:  # as of 1e300 ** 2
            rate = math.inf
        return checks.between(f"{self.schedule!r} at step {step}", rate, 0, math.inf, closed=False)

    def _no_lr(self, _: float | None = None) -> NoReturn:
        raise methods.missing(self, "lr")

    lr = property(_no_lr, _no_lr, doc="Not here: its name is learning_rate. Setting it is not silent either.")

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
            if (model := getattr(params, "model", None)) is not None:
                self.state = self.agreed_state(model)
                self._layers = model.all_layers
            grads = self._checked(grads, params)
        frozen = getattr(params, "frozen", ())
        scales = self._scales({name: grad for name, grad in grads.items() if name not in frozen} if frozen else grads)
        if not known:
            self._rows = [self._row(name, grads[name], param) for name, param in params.items()]
        clip = math.inf if self.clipvalue is None else self.clipvalue
        if self.schedule is not None:
            self._learning_rate = self._scheduled(self._iterations)
        decay = 0.0 if self.decays_in_update else self._learning_rate * (self.weight_decay or 0.0)
        with uninterrupted:  # Ctrl-C interrupts before or after a step, never within
            object.__setattr__(self, "_iterations", self._iterations + 1)  # past `__setattr__`: nobody else sets it
            for name, _, _, _, grad, param, slots in self._rows:
                if name in frozen:
                    continue
                if decay:
                    param[...] -= decay * param
                given = dict(slots) if self._is_own else slots
                if self.update(grad, param, given, scales.get(name, 1.0), clip) is not None:  # type: ignore[func-returns-value]
                    raise TypeError(
                        f"{type(self).__name__}.update: expected it to change param in place and return nothing, got a "
                        f"value: write param -= ..., or param[...] = ..., and no return"
                    )
                if self._is_own:
                    self._write_back(name, given, slots)

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
            self._require_grads(grads, params)
            raise ValueError(
                f"apply: expected grads and params with the same names, got {', '.join(odd)} in only one of them"
            )
        for name, param in params.items():
            self._check_param(name, param)
        self._check_places(grads, params)
        return {
            name: checks.floats(f"gradient of {name}", grad, params[name].dtype, params[name].shape, "of the parameter")
            for name, grad in grads.items()
        }

    def update(self, grad: np.ndarray, param: np.ndarray, slots: Slots, scale: float, clip: float) -> None:
        """Change one parameter in place. All arrays are flat; use the gradient scale * grad, clipped to ±clip."""
        raise NotImplementedError(f"{type(self).__name__} has no update(grad, param, slots, scale, clip)")

    def _check_update(self):
        """Refuse an `update` of one's own that cannot be called as `apply` calls it."""
        signature = inspect.signature(self.update)
        try:
            signature.bind("grad", "param", "slots", "scale", "clip")
        except TypeError:
            raise TypeError(
                f"{type(self).__name__}.update: expected the arguments (grad, param, slots, scale, clip), got "
                f"({', '.join(signature.parameters)}): write def update(self, grad, param, slots, scale, clip)"
            ) from None

    @staticmethod
    def _require_grads(grads, params):
        """Name the layer of a model whose backward has left a gradient out."""
        model: Any = getattr(params, "model", None)
        for name in sorted(params.keys() - grads.keys()) if model is not None else ():
            layer, _, key = name.rpartition(".")
            raise ValueError(
                f"gradient of {name}: expected an array, got none: {type(model.all_layers[layer]).__name__}.backward "
                f"did not set self.grads[{key!r}]"
            )

    @staticmethod
    def _check_places(grads, params):
        """Refuse an array in two places: one step would write it twice, and of a model's gradients keep the last."""
        places: dict[int, str] = {}
        pairs = []
        for what, arrays in (("parameter", params), ("gradient of", grads)):
            for name, array in arrays.items():
                place = f"{what} {name}"
                other = places.setdefault(id(array), place)
                if other != place and (other.startswith("parameter") or hasattr(grads, "model")):
                    pairs.append((place, other))
        # Others may be parts of one: a parameter is one block of memory.
        blocks = sorted((p.__array_interface__["data"][0], p.nbytes, name) for name, p in params.items() if p.size)
        for (start, size, name), (after, _, other) in itertools.pairwise(blocks):
            if after < start + size:
                pairs.append((f"parameter {other}", f"parameter {name}"))
        for place, other in pairs:
            raise ValueError(
                f"{place}: expected an array of its own, got that of the {other}, so that one step would write it "
                f"twice: use a copy, or the same layer only once"
            )

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

    def _row(self, name, grad, param):
        slots, kept = {}, []
        for slot, start in self.slots.items():
            key = f"{slot}/{name}"
            memory = self.state.get(key)
            if memory is None:
                memory = self.state[key] = np.full_like(param, start)
            self._fitting(memory, slot, name, param)
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
        squares = {
            name: of_dtype(kernel.sum_of_squares, grad.dtype)(grad.reshape(-1), work) for name, grad in grads.items()
        }
        for name, square in squares.items():
            if not math.isfinite(square):
                raise FloatingPointError(
                    f"gradient of {name}: expected a finite norm to clip, got {square}: it contains NaN, infinity or "
                    f"numbers near it. The parameters are unchanged: try a smaller learning rate"
                )
        if together is not None:
            # In parts of 2^-20, which change no bit: the sum of finite squares may be beyond the largest float.
            norm = 2**10 * math.sqrt(math.fsum(square / 2**20 for square in squares.values()))
            return dict.fromkeys(squares, limit / norm if norm > limit else 1.0)
        norms = {name: math.sqrt(square) for name, square in squares.items()}
        return {name: limit / norm if norm > limit else 1.0 for name, norm in norms.items()}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can write them, and always those of every optimizer."""
        shared = {name: getattr(self, name) for name in ("learning_rate", *Options.__annotations__)}
        config = {**shared, **super().get_config()}
        return config if self.schedule is None else {**config, "learning_rate": self.schedule.describe()}

    @classmethod
    @takes_config()
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A new optimizer, as `get_config` describes it."""
        rate = config.get("learning_rate")
        return cls(**{**config, "learning_rate": made(rate)} if isinstance(rate, dict) else config)

    def __repr__(self):
        given = {name: value for name, value in self.get_config().items() if value is not None}
        if self.schedule is not None:
            given["learning_rate"] = self.schedule
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


def _number(learning_rate):
    """A learning rate that is no schedule."""
    if callable(learning_rate):
        raise TypeError(
            f"learning_rate: expected a number or a schedule, got {learning_rate!r}: use a schedule such as "
            f"CosineDecay, or a class of your own derived from nnlite.schedules.Schedule; for a function of the epoch "
            f"there is the callback LearningRateScheduler"
        )
    if hasattr(learning_rate, "__iter__") and not isinstance(learning_rate, str):
        raise TypeError(
            f"learning_rate: expected a number or a schedule, got {type(learning_rate).__name__}: "
            f"{arguments.REMEDIES['Optimizer']['params']}"
        )
    return checks.between("learning_rate", learning_rate, 0, math.inf, closed=False)
