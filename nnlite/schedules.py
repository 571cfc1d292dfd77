"""Learning-rate schedules.

A schedule maps the step, counted from 0, to a learning rate. It depends on nothing else, so resumed training continues
it exactly. Pass one to `LearningRateScheduler`. Any function works as well: `lambda step: 0.1 / (step + 1)`.
"""

import math
from dataclasses import dataclass

from . import checks
from .arguments import check_arguments


class Schedule:
    """Base class of schedules: `schedule(step)` returns a learning rate."""

    def __call__(self, step: int) -> float:
        raise NotImplementedError(f"{type(self).__name__} has no __call__(step)")

    def __post_init__(self):
        for name, value in vars(self).items():
            if name.endswith("steps"):
                checks.positive(name, value)
            elif not isinstance(value, Schedule):
                checks.between(name, value, 0, math.inf, closed=False)


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
        return float(self.learning_rate)


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
        return self.initial_learning_rate * self.decay_rate ** (step // self.decay_steps)


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
        if not callable(self.schedule):
            raise TypeError(f"schedule: expected a schedule, got {self.schedule!r}: use Constant(...) for a fixed rate")
        checks.positive("warmup_steps", self.warmup_steps)

    def __call__(self, step: int) -> float:
        if step < self.warmup_steps:
            return self.schedule(0) * (step + 1) / self.warmup_steps
        return self.schedule(step - self.warmup_steps)
