"""Learning-rate schedules.

A schedule maps the step, counted from 0, to a learning rate. It depends on nothing else, so resumed training continues
it exactly. Pass one to an optimizer: `Adam(CosineDecay(0.01, decay_steps=1000))`. For a learning rate by the epoch
there is the callback `LearningRateScheduler`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from . import checks
from .arguments import Configured, check_arguments
from .arguments.classes import bare, class_name, known
from .arguments.kinds import takes_config


class Schedule(Configured):
    """Base class of schedules: `schedule(step)` returns a learning rate.

    A schedule of your own keeps its constructor's arguments in attributes of the same names: then a saved model knows
    it; give its class to `load_model` as custom_objects.

    Example:
        >>> from nnlite.schedules import Schedule
        >>> class Harmonic(Schedule):
        ...     def __init__(self, rate):
        ...         self.rate = rate
        ...     def __call__(self, step):
        ...         return self.rate / (step + 1)
        >>> Harmonic(0.1)(4)
        0.02
    """

    def __call__(self, step: int) -> float:
        raise NotImplementedError(f"{type(self).__name__} has no __call__(step)")

    def __post_init__(self):
        for name, value in [*vars(self).items()]:
            if name.endswith("steps"):
                self._keep(name, checks.positive(name, value))
            elif name == "staircase":
                self._keep(name, checks.boolean(name, value))
            elif not isinstance(value, Schedule) or self.__annotations__.get(name) is float:
                self._keep(name, checks.between(name, value, 0, math.inf, closed=False))

    def _keep(self, name, number):
        """Python's own number in the place of NumPy's, which may be one of 8 bits, and of a float's whole number."""
        object.__setattr__(self, name, number)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can write them; a schedule in them as `describe` does."""
        inner = {name: value.describe() for name, value in vars(self).items() if isinstance(value, Schedule)}
        return {**super().get_config(), **inner}

    @classmethod
    @takes_config()
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A new schedule, as `get_config` describes it."""
        return cls(**_with_schedules(config))

    def describe(self) -> dict[str, Any]:
        """Class and arguments, from which `made` makes it again."""
        return {"class": class_name(self), "config": self.get_config()}


def made(description: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Schedule:
    """The schedule that `Schedule.describe` describes: of this module, or one of `custom_objects`.

    Raises:
        ValueError: there is no such schedule.
        TypeError: its arguments do not fit.

    Example:
        >>> from nnlite.schedules import Constant, made
        >>> made(Constant(0.1).describe())
        Constant(learning_rate=0.1)
    """
    name, config = description["class"], description["config"]
    kind = known(name, custom_objects, globals()) if isinstance(name, str) else None
    if not (isinstance(kind, type) and issubclass(kind, Schedule)):
        raise ValueError(f"there is no schedule {bare(str(name))!r}: if it is your own, give it in custom_objects")
    return kind.from_config(_with_schedules(config, custom_objects))


def _with_schedules(config, custom_objects=None):
    """A configuration in which what describes a schedule has become one."""
    return {
        name: made(value, custom_objects) if isinstance(value, dict) and {*value} == {"class", "config"} else value
        for name, value in config.items()
    }


def _power(rate, exponent):
    """A power, and infinity beyond the largest float, which an optimizer refuses with the step."""
    try:
        return rate**exponent
    except OverflowError:
        return math.inf


@check_arguments
@dataclass(frozen=True)
class Constant(Schedule):
    """The same learning rate at every step, for example after a `WarmUp`.

    Example:
        >>> from nnlite.schedules import Constant
        >>> Constant(0.01)(1000)
        0.01
    """

    learning_rate: float

    def __call__(self, step: int) -> float:
        return self.learning_rate


@check_arguments
@dataclass(frozen=True)
class StepDecay(Schedule):
    """Multiply the learning rate by `decay_rate` every `decay_steps` steps.

        initial_learning_rate * decay_rate ^ floor(step / decay_steps)

    Example:
        >>> from nnlite.schedules import StepDecay
        >>> schedule = StepDecay(0.1, decay_steps=100, decay_rate=0.5)
        >>> [schedule(step) for step in (0, 99, 100, 250)]
        [0.1, 0.1, 0.05, 0.025]
    """

    initial_learning_rate: float
    decay_steps: int
    decay_rate: float = 0.5

    def __call__(self, step: int) -> float:
        return self.initial_learning_rate * _power(self.decay_rate, step // self.decay_steps)


@check_arguments
@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """Decay by the factor `decay_rate` in every `decay_steps` steps, smoothly or in stairs.

        initial_learning_rate * decay_rate ^ (step / decay_steps)      with staircase=True: floor(step / decay_steps)

    Example:
        >>> from nnlite.schedules import ExponentialDecay
        >>> schedule = ExponentialDecay(0.1, decay_steps=100, decay_rate=0.25)
        >>> [schedule(step) for step in (0, 50, 100)]
        [0.1, 0.05, 0.025]
    """

    initial_learning_rate: float
    decay_steps: int
    decay_rate: float
    staircase: bool = False

    def __call__(self, step: int) -> float:
        power = step // self.decay_steps if self.staircase else step / self.decay_steps
        return self.initial_learning_rate * _power(self.decay_rate, power)


@check_arguments
@dataclass(frozen=True)
class CosineDecay(Schedule):
    """Decay along half a cosine in `decay_steps` steps, to `alpha` times the initial rate; then constant.

        initial_learning_rate * (alpha + (1 - alpha) * (1 + cos(pi * min(step / decay_steps, 1))) / 2)

    Source: Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, 2017 (without restarts).

    Example:
        >>> from nnlite.schedules import CosineDecay
        >>> schedule = CosineDecay(0.1, decay_steps=100, alpha=0.1)
        >>> [round(schedule(step), 4) for step in (0, 50, 100, 200)]
        [0.1, 0.055, 0.01, 0.01]
    """

    initial_learning_rate: float
    decay_steps: int
    alpha: float = 0.0

    def __call__(self, step: int) -> float:
        wave = (1 + math.cos(math.pi * min(step / self.decay_steps, 1.0))) / 2
        return self.initial_learning_rate * (self.alpha + (1 - self.alpha) * wave)


@check_arguments
@dataclass(frozen=True)
class WarmUp(Schedule):
    """Rise linearly to the initial value of another schedule in `warmup_steps` steps, then follow that schedule.

    Early steps are unreliable, since Adam's averages cover few batches. Small steps limit the damage.

    Args:
        schedule: starts at its own step 0 after the warm-up.
        warmup_steps: the last of them has the full learning rate.

    Example:
        >>> from nnlite.schedules import CosineDecay, WarmUp
        >>> schedule = WarmUp(CosineDecay(0.1, decay_steps=100), warmup_steps=4)
        >>> [round(schedule(step), 4) for step in (0, 1, 3, 4, 54, 104)]
        [0.025, 0.05, 0.1, 0.1, 0.05, 0.0]
    """

    schedule: Schedule
    warmup_steps: int

    def __post_init__(self):
        if not isinstance(self.schedule, Schedule):
            raise TypeError(f"schedule: expected a schedule, got {self.schedule!r}: use Constant(...) for a fixed rate")
        self._keep("warmup_steps", checks.positive("warmup_steps", self.warmup_steps))

    def __call__(self, step: int) -> float:
        if step < self.warmup_steps:
            return self.schedule(0) * (step + 1) / self.warmup_steps
        return self.schedule(step - self.warmup_steps)
