"""LearningRateScheduler: changes the learning rate during the training."""

from collections.abc import Callable, Mapping
from typing import Any

from ..saving import states
from ..schedules import Schedule
from .base import Callback, Logs


class LearningRateScheduler(Callback):
    """Sets the optimizer's learning rate before each step, and logs it as "learning_rate".

    Args:
        schedule: from `nnlite.schedules`, or a function that maps the number of steps so far to a learning rate.

    Example:
        >>> from nnlite.callbacks import LearningRateScheduler
        >>> from nnlite.schedules import CosineDecay, WarmUp
        >>> callback = LearningRateScheduler(WarmUp(CosineDecay(3e-3, decay_steps=1000), warmup_steps=50))
    """

    order = -2
    adds: Mapping[str, type] = {"learning_rate": float}

    def __init__(self, schedule: Callable[[int], float]) -> None:
        if not callable(schedule):
            raise TypeError(f"schedule: expected a schedule, or a function of the step, got {schedule!r}")
        self.schedule = schedule

    def on_train_batch_begin(self, batch: int, logs: Logs) -> None:
        optimizer = self.model.optimizer
        optimizer.learning_rate = self.schedule(optimizer.iterations)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        logs["learning_rate"] = self.model.optimizer.learning_rate

    def get_state(self) -> dict[str, Any]:
        # The optimizer keeps the step; only the schedule itself is saved.
        return {"schedule": repr(self.schedule)} if isinstance(self.schedule, Schedule) else {}

    def check_state(self, state: dict[str, Any]) -> None:
        self._check_fields(state, {"schedule": states.text})
        if state != self.get_state():
            raise ValueError(f"its schedule was {state['schedule']}, and is {self.schedule!r} now")
