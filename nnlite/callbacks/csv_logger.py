"""CSVLogger: a table with a row for each epoch."""

import csv
import io
import os
from typing import Any

from ..saving import states
from .base import Logs
from .line_logger import LineLogger


class CSVLogger(LineLogger):
    """Writes a row for each epoch, counted from 0 as in Keras, below a row with the names.

    A resumed training removes the rows written after the last backup. See `JSONLogger` for a file that can also hold
    the numbers within an epoch.

    Args:
        filename: the file.
        separator: between two numbers.
        append: keep the content of the file; without another row of names.

    Example:
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from nnlite import Dense, Sequential
        >>> from nnlite.callbacks import CSVLogger
        >>> model = Sequential([Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.zeros((4, 2)), np.ones((4, 1))
        >>> history = model.fit(x, y, callbacks=[CSVLogger("log.csv")], verbose=0)
        >>> print(Path("log.csv").read_text(), end="")
        epoch,loss
        0,1.0
    """

    _named = "filename"

    def __init__(self, filename: str | os.PathLike, separator: str = ",", append: bool = False) -> None:
        super().__init__(filename, append)
        if not isinstance(separator, str) or len(separator) != 1 or separator.isalnum() or separator in '\r\n".-+':
            raise ValueError(
                f"separator: expected one character that is neither in a name nor in a number, got {separator!r}"
            )
        self.separator = separator
        self._names: list[str] | None = None

    def on_train_begin(self, logs: Logs) -> None:
        super().on_train_begin(logs)
        self._names = None

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if self._names is None:
            self._names = sorted(logs)
        if self._opened().tell() == 0:  # also where a resumed training does not find its file
            self._write(self._row(["epoch", *self._names]))
        self._write(self._row([epoch, *(logs.get(name, "NA") for name in self._names)]))

    def get_state(self) -> dict[str, Any]:
        return {**super().get_state(), "names": self._names}

    def _state_rules(self) -> dict[str, states.Rule]:
        return {**super()._state_rules(), "names": states.optional(states.list_of(states.text))}

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self._names = state["names"]

    def _row(self, values):
        row = io.StringIO()
        csv.writer(row, delimiter=self.separator, lineterminator="").writerow(values)
        return row.getvalue()
