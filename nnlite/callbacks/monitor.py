"""Monitor: base of callbacks that watch one number of the logs."""

import math
from typing import Any

from ..saving import states
from .base import Callback, Logs, coming_logs, verbosity


class Monitor(Callback):
    """Watches one number of the logs."""

    def __init__(self, monitor: str, mode: str, verbose: int = 0) -> None:
        if not isinstance(monitor, str):
            raise TypeError(f"monitor: expected a name of the logs, such as 'val_loss', got {monitor!r}")
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode: expected 'auto', 'min' or 'max', got {mode!r}")
        self.monitor, self.mode, self.verbose = monitor, mode, verbosity(verbose)
        self.best: float | None = None
        self.best_epoch: int | None = None

    def on_train_begin(self, logs: Logs) -> None:
        self._mode = self._direction() if self.mode == "auto" else self.mode
        names, silent = coming_logs(self)
        name = self.monitor.removeprefix("val_")
        name = "accuracy" if name == "acc" and "accuracy" in self.model.metrics else name
        is_missing = self.monitor not in names and not self.loop.validation_data
        # Another number, such as val_f1, may be a callback's.
        if self.monitor.startswith("val_") and is_missing and (name in self.loop.measured or not silent):
            raise ValueError(
                f"{type(self).__name__}: monitor={self.monitor!r} needs validation_data in fit; "
                f"to watch the training, use monitor={name!r}"
            )
        if not silent:  # otherwise it is checked after the first epoch
            self._require_monitor(names)

    def _state_rules(self) -> dict[str, states.Rule]:
        return {
            "monitor": self._require_same,
            "best": states.optional(states.any_number),
            "best_epoch": states.optional(states.count),
        }

    def _require_same(self, name, monitor):
        # Of two callbacks of one class, only their order says which a state belongs to.
        if monitor != self.monitor:
            raise ValueError(
                f"{name}: expected {self.monitor!r}, got {states.shown(monitor)}: give callbacks of one class in the "
                f"order in which they were, new ones last"
            )

    def _direction(self):
        """Whether smaller or larger is better, by the name. As in Keras, unknown names are an error."""
        if self.monitor.endswith(("loss", "error", "perplexity", "mae", "mse")):
            return "min"
        if self.monitor.endswith(("accuracy", "acc", "auc")):
            return "max"
        raise ValueError(
            f"{type(self).__name__}: monitor={self.monitor!r} does not say whether a smaller or a larger number is "
            f"better: use mode='min' or mode='max'"
        )

    def _require_monitor(self, names):
        if self.monitor not in names:
            raise ValueError(f"{type(self).__name__}: monitor={self.monitor!r} is not among {sorted(names)}")

    def _value(self, logs):
        self._require_monitor(logs)
        value: Any = logs[self.monitor]
        try:
            return float(None if isinstance(value, str) else value)  # type: ignore[arg-type]  # a text is refused, too
        except (TypeError, ValueError):
            raise TypeError(
                f"{type(self).__name__}: monitor={self.monitor!r}: expected a number in the logs, got {value!r}: "
                f"another callback put it there"
            ) from None

    def _is_better(self, value, min_delta=0.0, than=None):
        """Whether a value is better than the best so far, or than another one."""
        than = self.best if than is None else than
        if than is None:
            return not math.isnan(value)
        return value > than + min_delta if self._mode == "max" else value < than - min_delta
