"""History: the numbers of each epoch."""

from ..saving import states
from .base import Callback, Logs


class History(Callback):
    """The numbers of each epoch. `fit` returns it.

    Attributes:
        history: lists with one number for each epoch, such as {"loss": [3.1, 2.5], "val_loss": [2.9, 2.6]}.
        epoch: the epochs' numbers, from 0.

    Example:
        >>> import numpy as np
        >>> from nnlite import Dense, Sequential
        >>> model = Sequential([Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.zeros((4, 2), "float32"), np.ones((4, 1), "float32"), epochs=3, verbose=0)
        >>> history.epoch, [round(loss, 3) for loss in history.history["loss"]]
        ([0, 1, 2], [1.0, 0.96, 0.922])
    """

    order = -1

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)

    def _state_rules(self) -> dict[str, states.Rule]:
        return {"history": self._require_history, "epoch": states.list_of(states.count)}

    def _require_history(self, name, history):
        states.mapping(name, history)
        for log, values in history.items():
            # A user's callback may log anything.
            rule = states.number if log in self.loop.measured else states.anything
            states.list_of(rule)(f"{name}: {log}", values)
