"""JSONLogger: a line of JSON for each epoch."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import checks
from ..saving import states
from ..saving.atomic_file import make_folder
from .base import Callback, Logs


class JSONLogger(Callback):
    """Writes a line of JSON for each epoch: {"epoch": 1, "step": 132, "loss": 2.9, "val_loss": 2.5}.

    The file can be read while the training goes on. A resumed training drops the lines that the one before it had
    written after its last backup, and so ends with the same file as if it had never been stopped.

    Args:
        path: of the file.
        every: write a line also after each so many steps, with "batch", and the mean loss of the epoch so far.
        append: keep what is in the file.

    Example:
        >>> from nnlite.callbacks import JSONLogger
        >>> callback = JSONLogger("log.jsonl", every=100)
    """

    adds: Mapping[str, type] = {}

    def __init__(self, path: str | os.PathLike, every: int | None = None, append: bool = False) -> None:
        self.path, self.append = Path(path), append
        self.every = None if every is None else checks.positive("every", every)
        self._file, self._start = None, 0

    def on_train_begin(self, logs: Logs) -> None:
        make_folder(self.path)
        self._start = self.path.stat().st_size if self.append and self.path.exists() else 0

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        step = self.model.optimizer.iterations
        if self.every and step % self.every == 0:
            self._write({"epoch": self.run.epoch + 1, "batch": batch + 1, "step": step, **logs})

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self._write({"epoch": epoch + 1, "step": self.model.optimizer.iterations, **logs})

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def get_state(self) -> dict[str, Any]:
        self._open()
        os.fsync(self._file.fileno())  # a backup must not know of lines that a power cut can take
        return {"bytes": self._file.tell()}

    def check_state(self, state: dict[str, Any]) -> None:
        self._check_fields(state, {"bytes": states.count})

    def set_state(self, state: dict[str, Any]) -> None:
        self._start = state["bytes"]

    def _write(self, record):
        self._open()
        record = {name: _plain(value) for name, value in record.items()}
        self._file.write(json.dumps(record, allow_nan=False).encode() + b"\n")
        self._file.flush()

    def _open(self):
        """Open the file, once, cut to where this run starts, and there to a whole line."""
        if self._file is None:
            self._file = open(self.path, "a+b")  # noqa: SIM115  closed by close()
            start = min(self._start, self._file.seek(0, os.SEEK_END))
            self._file.seek(0)
            self._file.truncate(self._file.read(start).rfind(b"\n") + 1)
            self._file.seek(0, os.SEEK_END)


def _plain(value):
    """What JSON can write: lists for arrays, and null for NaN and infinity, which it does not have."""
    value = value.tolist() if hasattr(value, "tolist") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
