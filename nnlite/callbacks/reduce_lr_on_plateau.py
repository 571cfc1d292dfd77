"""ReduceLROnPlateau: makes smaller steps when a number stops improving."""

import math
from collections.abc import Mapping

from .. import checks
from ..saving import states
from .base import Logs
from .monitor import Monitor


class ReduceLROnPlateau(Monitor):
    """Multiplies the learning rate by a factor when a monitored number stops improving; logs it as "learning_rate".

    Args:
        monitor: name of the number in the logs.
        factor: above 0 and below 1.
        patience: number of consecutive epochs without improvement that are allowed.
        verbose: 1 to print each new learning rate.
        mode: as in `EarlyStopping`.
        min_delta: smallest change that counts as an improvement.
        cooldown: number of epochs after a reduction in which nothing is counted.
        min_lr: the learning rate does not go below it.

    Attributes:
        best, best_epoch: the best value and its epoch (from 0); None before the first.

    Raises:
        TypeError: the optimizer's learning rate follows a schedule.

    Example:
        >>> from nnlite.callbacks import ReduceLROnPlateau
        >>> callback = ReduceLROnPlateau(factor=0.5, patience=3)
    """

    order = -2
    adds: Mapping[str, type] = {"learning_rate": float}

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, verbose)
        self.factor = checks.above_zero("factor", factor)
        if factor >= 1:
            raise ValueError(f"factor: expected a number above 0 and below 1, got {factor!r}")
        self.patience = checks.positive("patience", patience, least=0)
        self.min_delta = checks.between("min_delta", min_delta, 0, math.inf, closed=False)
        self.cooldown = checks.positive("cooldown", cooldown, least=0)
        self.min_lr = checks.between("min_lr", min_lr, 0, math.inf, closed=False)
        self.wait = self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs) -> None:
        super().on_train_begin(logs)
        self.model.optimizer.learning_rate = self.model.optimizer.learning_rate  # an error where a schedule sets it
        self.best = self.best_epoch = None
        self.wait = self.cooldown_counter = 0

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        optimizer = self.model.optimizer
        rate = logs["learning_rate"] = optimizer.learning_rate
        value = self._value(logs)
        if self.cooldown_counter:
            self.cooldown_counter -= 1
        if self._is_better(value, self.min_delta):
            self.best, self.best_epoch, self.wait = value, epoch, 0
        elif not self.cooldown_counter:
            self.wait += 1
            if self.wait >= self.patience and rate > self.min_lr:
                optimizer.learning_rate = max(rate * self.factor, self.min_lr)
                self.cooldown_counter, self.wait = self.cooldown, 0
                if self.verbose:
                    print(f"epoch {epoch + 1}: learning rate reduced to {optimizer.learning_rate:g}", flush=True)

    def _state_rules(self) -> dict[str, states.Rule]:
        return super()._state_rules() | {"wait": states.count, "cooldown_counter": states.count}
