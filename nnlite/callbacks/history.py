"""History: the numbers of each epoch."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..notebook import Drawing, Shown, Table, plots, side_by_side
from ..saving import states
from .base import Callback, Logs

SIZE = (6.0, 3.6)  # of a picture in a notebook, in inches
ROWS = 20  # of the table that is printed: of more epochs, the first and the last


class History(Callback, Shown):
    """The numbers of each epoch. `fit` returns it. Prints as a table; a notebook shows the curves of the loss, too.

    Attributes:
        history: lists with one number for each epoch, such as {"loss": [3.1, 2.5], "val_loss": [2.9, 2.6]}; None in
            epochs that did not log it.
        epoch: the epochs' numbers, from 0.

    Example:
        >>> import numpy as np
        >>> from nnlite import Dense, Sequential
        >>> model = Sequential([Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.zeros((4, 2), "float32"), np.ones((4, 1), "float32"), epochs=3, verbose=0)
        >>> history.epoch, [round(loss, 3) for loss in history.history["loss"]]
        ([0, 1, 2], [1.0, 0.96, 0.922])
        >>> history
        epoch    loss
            1  1.0000
            2  0.9604
            3  0.9224
    """

    order = -1

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs) -> None:
        self.history, self.epoch = {}, []

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        for name in self.history:
            self._fill(name)
        self.epoch.append(epoch)
        self._taken: set[str] = set()
        self.add(epoch, logs)

    def add(self, epoch: int, logs: Logs) -> None:
        """Take from the logs of an epoch what is new in them: `fit` calls this after each callback, for what it adds.

        The backup, which comes last, finds all of it; and so do callbacks that read the history before.
        """
        if not self.epoch or self.epoch[-1] != epoch:  # callbacks that come before this one
            return
        for name, value in logs.items():
            if name not in self._taken:
                self._taken.add(name)
                self._fill(name, epochs=len(self.epoch) - 1).append(value)

    def _fill(self, name, epochs=None):
        """The list of a number, as long as there are epochs: what is appended to it belongs to the next one."""
        values: list[Any] = self.history.setdefault(name, [])
        values += [None] * ((len(self.epoch) if epochs is None else epochs) - len(values))
        return values

    def close(self) -> None:
        for name in self.history:
            self._fill(name)

    def get_state(self) -> dict[str, Any]:
        history = {name: [*map(_in_a_file, values)] for name, values in self.history.items()}
        return {"history": history, "epoch": self.epoch}

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        for values in self.history.values():
            values[:] = map(states.from_a_file, values)

    def _state_rules(self) -> dict[str, states.Rule]:
        return {"history": self._require_history, "epoch": states.list_of(states.count)}

    def _require_history(self, name, history):
        states.mapping(name, history)
        for log, values in history.items():
            # A user's callback may log anything.
            rule = states.any_number if log in self.loop.measured else states.anything
            states.list_of(states.optional(rule))(f"{name}: {log}", values)

    def __str__(self) -> str:
        return str(self._table()) if self.epoch else "no epoch is complete"

    def html(self) -> str:
        if not self.history.get("loss"):
            return super().html()
        plot, drawings = plots(), []
        for name, values in self.history.items():
            if name == "loss":
                svg = plot.svg(plot.loss_curves, self, size=SIZE)
            elif (
                name.startswith("val_")
                or name == "perplexity"
                or not all(map(_is_number, [v for v in values if v is not None]))
            ):
                continue
            else:
                svg = plot.svg(plot.metric_curves, self, name, size=SIZE)
            drawings.append(
                Drawing(f"{name} while training, {_shown(values[-1]) or 'nothing'} in the last epoch", svg).html()
            )
        return side_by_side(drawings) + self._table().html()

    def _table(self):
        epochs = [str(epoch + 1) for epoch in self.epoch]
        columns = [epochs, *(map(_shown, values) for values in self.history.values())]
        rows: list[Sequence[str]] = list(itertools.zip_longest(*columns, fillvalue=""))
        if len(rows) > ROWS:
            half = ROWS // 2
            rows = [*rows[:half], ["..."] * len(columns), *rows[-half:]]
        return Table(rows, ["epoch", *self.history], align="r" * len(columns), folded="numbers")


def _shown(value: Any) -> str:
    """A number with four decimals, or digits where that says more; what a user's callback logs may be anything."""
    if not _is_number(value):
        return "" if value is None else str(value)
    return f"{value:.4f}" if 0.01 <= abs(float(value)) < 10000 else f"{value:.4g}"


def _in_a_file(value: Any) -> Any:
    """What a user's callback logs, as a checkpoint can hold it: of other objects there is text."""
    value = states.in_a_file(value.item() if isinstance(value, np.generic) else value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return value
    return value if value is None or isinstance(value, int | float | str) else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.floating)
