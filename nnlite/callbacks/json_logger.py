"""JSONLogger: a line of JSON for each epoch."""

import json
import math
import os
from pathlib import Path
from typing import Any, BinaryIO

from .. import checks
from ..saving import states
from ..saving.atomic_file import make_folder
from .base import Callback, Logs


class JSONLogger(Callback):
    """Writes a line of JSON for each epoch: {"epoch": 1, "step": 132, "loss": 2.9, "val_loss": 2.5}.

    The file can be read during the training. A resumed training removes the lines written after the last backup, and so
    ends with the same file as an uninterrupted one.

    Args:
        path: the file.
        every: number of steps between additional lines, with "batch" and the mean loss of the epoch so far.
        append: keep the content of the file.

    Example:
        >>> from nnlite.callbacks import JSONLogger
        >>> callback = JSONLogger("log.jsonl", every=100)
    """

    def __init__(self, path: str | os.PathLike, every: int | None = None, append: bool = False) -> None:
        self.path, self.append = Path(path), append
        self.every = None if every is None else checks.positive("every", every)
        self._file: BinaryIO | None = None
        self._start = 0

    def on_train_begin(self, logs: Logs) -> None:
        make_folder(self.path)
        self._start = self.path.stat().st_size if self.append and self.path.exists() else 0

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        step = self.model.optimizer.iterations
        if self.every and step % self.every == 0:
            self._write({"epoch": self.loop.epoch + 1, "batch": batch + 1, "step": step, **logs})

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self._write({"epoch": epoch + 1, "step": self.model.optimizer.iterations, **logs})

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def get_state(self) -> dict[str, Any]:
        file = self._opened()
        os.fsync(file.fileno())  # a backup must not count lines that a power cut can lose
        return {"bytes": file.tell()}

    def check_state(self, state: dict[str, Any]) -> None:
        self._check_fields(state, {"bytes": states.count})

    def set_state(self, state: dict[str, Any]) -> None:
        self._start = state["bytes"]

    def _write(self, record):
        record = {name: _plain(value) for name, value in record.items()}
        file = self._opened()
        file.write(json.dumps(record, allow_nan=False).encode() + b"\n")
        file.flush()

    def _opened(self):
        """The file; the first call opens it and truncates it to a whole line at or before `_start`."""
        if self._file is None:
            self._file = file = open(self.path, "a+b")  # noqa: SIM115  closed by close()
            start = min(self._start, file.seek(0, os.SEEK_END))
            file.seek(0)
            file.truncate(file.read(start).rfind(b"\n") + 1)
            file.seek(0, os.SEEK_END)
        return self._file


def _plain(value):
    """A JSON value: a list for an array, and None for NaN and infinity, which JSON lacks."""
    value = value.tolist() if hasattr(value, "tolist") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
