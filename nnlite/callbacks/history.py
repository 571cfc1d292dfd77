"""History: the numbers of each epoch."""

from collections.abc import Mapping
from typing import Any

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
    adds: Mapping[str, type] = {}

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)

    def get_state(self) -> dict[str, Any]:
        return {"history": self.history, "epoch": self.epoch}

    def check_state(self, state: dict[str, Any]) -> None:
        # A user's callback may log anything.
        measured = dict.fromkeys(self.run.measured, states.list_of(states.number))
        self._check_fields(state, {"history": states.mapping, "epoch": states.list_of(states.count)})
        for name, values in state["history"].items():
            measured.get(name, states.list_of(states.anything))(f"History: {name}", values)

    def set_state(self, state: dict[str, Any]) -> None:
        self.history, self.epoch = state["history"], state["epoch"]
