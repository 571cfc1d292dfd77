"""LearningRateScheduler: a learning rate for each epoch."""

import inspect
from collections.abc import Callable, Mapping

from ..schedules import Schedule
from .base import Callback, Logs, verbosity


class LearningRateScheduler(Callback):
    """Sets the optimizer's learning rate before each epoch, and logs it as "learning_rate".

    For a learning rate that changes from step to step, give a schedule to the optimizer:
    Adam(CosineDecay(0.01, decay_steps=1000)).

    Args:
        schedule: a function of the epoch, counted from 0, or of the epoch and the learning rate so far.
        verbose: 1 to print each learning rate.

    Raises:
        TypeError: no such function, or, when `fit` starts, the optimizer has a schedule of its own.

    Example:
        >>> from nnlite.callbacks import LearningRateScheduler
        >>> callback = LearningRateScheduler(lambda epoch: 0.1 * 0.5**epoch)
        >>> callback = LearningRateScheduler(lambda epoch, lr: lr * 0.9)
    """

    order = -2
    adds: Mapping[str, type] = {"learning_rate": float}

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if isinstance(schedule, Schedule):
            raise TypeError(
                f"schedule: expected a function of the epoch, got {schedule!r}, which counts steps: give it to the "
                f"optimizer, as in Adam({schedule!r})"
            )
        if not callable(schedule):
            raise TypeError(f"schedule: expected a function of the epoch, got {schedule!r}: use lambda epoch: ...")
        self.schedule, self.verbose = schedule, verbosity(verbose)
        self._takes_rate = _takes_two(schedule)

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        if self.loop.batch:  # resumed within an epoch: its learning rate is the optimizer's already
            return
        optimizer = self.model.optimizer
        rate = self.schedule(epoch, optimizer.learning_rate) if self._takes_rate else self.schedule(epoch)
        if isinstance(rate, Schedule):  # which the optimizer would take, and count steps by it
            raise TypeError(f"schedule: expected it to return a number, got {rate!r}: give that to the optimizer")
        optimizer.learning_rate = rate
        if self.verbose:
            print(f"epoch {epoch + 1}: learning rate {optimizer.learning_rate:g}", flush=True)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        logs["learning_rate"] = self.model.optimizer.learning_rate


def _takes_two(schedule):
    """Whether a function takes the epoch and the learning rate."""
    try:
        inspect.signature(schedule).bind(0, 0.1)
    except (TypeError, ValueError):  # ValueError: without a signature, as of some built-in functions
        return False
    return True
