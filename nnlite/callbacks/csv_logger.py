"""CSVLogger: a table with a row for each epoch."""

import csv
import io
import os
from typing import Any

from ..saving import states
from .base import Logs, coming_logs
from .line_logger import LineLogger


class CSVLogger(LineLogger):
    """Writes a row for each epoch, counted from 0 as in Keras, below a row with the names.

    A resumed training removes the rows written after the last backup. See `JSONLogger` for a file that can also hold
    the numbers within an epoch.

    Args:
        filename: the file.
        separator: between two numbers.
        append: keep the content of the file, a table with the same names, and write no second row of names.

    Raises:
        ValueError: when `fit` starts, the file to append to is no such table.

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
        self._is_new = False

    def on_train_begin(self, logs: Logs) -> None:
        super().on_train_begin(logs)
        self._names = self._names_in_file() if self._start else None
        self._is_new = self._names is not None  # whether nothing was written below the names of the file
        self._check_names(coming_logs(self)[0])

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if self._names is None:
            self._names = sorted(logs)
        if self._is_new:  # what a user's callback adds is known only now
            self._check_names(logs)
        self._is_new = False
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

    def _names_in_file(self):
        """The names in the first row of a file to append to."""
        with open(self.path, encoding="utf-8", errors="replace", newline="") as file:
            row = next(csv.reader(file, delimiter=self.separator), [])
        if row[:1] != ["epoch"]:
            raise ValueError(
                f"CSVLogger: append: expected a table of a CSVLogger with separator={self.separator!r}, which begins "
                f"with epoch, got {self.separator.join(row)!r:.200} as first row of {self.path}: use another file"
            )
        return row[1:]

    def _check_names(self, names):
        """Refuse to write numbers below the names of others."""
        if self._names is not None and (new := sorted(set(names).difference(self._names))):
            raise ValueError(
                f"CSVLogger: append: expected the columns of {self.path}, {', '.join(self._names)}, got also "
                f"{', '.join(new)}: use another file, or append=False to begin a new table"
            )

    def _is_torn(self, line):
        row = next(csv.reader([line], delimiter=self.separator), [])
        return bool(row) and row[0].isdigit() and len(row) <= len(self._names or ())

    def _row(self, values):
        row = io.StringIO()
        csv.writer(row, delimiter=self.separator, lineterminator="").writerow(values)
        return row.getvalue()
