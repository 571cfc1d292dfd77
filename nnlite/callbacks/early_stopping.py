"""EarlyStopping: ends a training that no longer improves."""

import math

import numpy as np

from .. import checks
from ..saving import states
from .base import Logs
from .monitor import Monitor


class EarlyStopping(Monitor):
    """Ends the training when a monitored number stops improving.

    Args:
        monitor: name of the number in the logs.
        min_delta: smallest change that counts as an improvement.
        patience: number of consecutive epochs without improvement that are allowed.
        verbose: 1 to print why the training ends.
        mode: "min": smaller is better; "max": larger is better; "auto": "min" for losses, "max" for accuracies.
        baseline: an epoch counts as an improvement only if it is also better than this.
        restore_best_weights: at the end of the training, restore the weights and statistics of the best epoch.
        start_from_epoch: number of epochs at the beginning that are not watched.

    Attributes:
        best, best_epoch: the best value and its epoch (from 0); None before the first.
        stopped_epoch: the epoch after which the training was stopped, or None.

    Example:
        >>> from nnlite.callbacks import EarlyStopping
        >>> callback = EarlyStopping(patience=2, restore_best_weights=True)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, verbose)
        self.min_delta = checks.between("min_delta", min_delta, 0, math.inf, closed=False)
        self.patience = checks.positive("patience", patience, least=0)
        self.baseline = None if baseline is None else checks.between("baseline", baseline, -math.inf, math.inf)
        self.restore_best_weights = checks.boolean("restore_best_weights", restore_best_weights)
        self.start_from_epoch = checks.positive("start_from_epoch", start_from_epoch, least=0)
        self.wait = 0
        self.stopped_epoch: int | None = None
        self.best_weights: dict[str, np.ndarray] | None = None

    def on_train_begin(self, logs: Logs) -> None:
        super().on_train_begin(logs)
        self.best = self.best_epoch = None
        self.wait, self.stopped_epoch, self.best_weights = 0, None, None

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        value = self._value(logs)
        if epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self._is_better(value, self.min_delta):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = {name: array.copy() for name, array in self._weights().items()}
            if self.baseline is None or self._is_better(value, self.min_delta, than=self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            if self.verbose:
                print(f"epoch {epoch + 1}: {self.monitor} did not improve: early stopping", flush=True)

    def on_train_end(self, logs: Logs) -> None:
        if self.best_weights is not None:
            # By their places: a layer may have another name by now.
            for array, best in zip(self._weights().values(), self.best_weights.values(), strict=True):
                array[...] = best

    def _weights(self):
        """All arrays of the model: weights are of no use without the running statistics that belong to them."""
        return self.model.params | self.model.statistics

    def _state_rules(self) -> dict[str, states.Rule]:
        return super()._state_rules() | {
            "wait": states.count,
            "stopped_epoch": states.optional(states.count),
            "best_weights": states.optional(lambda *given: states.arrays_like(self._weights())(*given)),
        }
