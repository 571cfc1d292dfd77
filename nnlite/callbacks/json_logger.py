"""JSONLogger: a line of JSON for each epoch."""

import json
import math
import os

from .. import checks
from .base import Logs
from .line_logger import LineLogger


class JSONLogger(LineLogger):
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
        super().__init__(path, append)
        self.every = None if every is None else checks.positive("every", every)

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        step = self.model.optimizer.iterations
        if self.every and step % self.every == 0:
            self._record({"epoch": self.loop.epoch + 1, "batch": batch + 1, "step": step, **logs})

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self._record({"epoch": epoch + 1, "step": self.model.optimizer.iterations, **logs})

    def _is_torn(self, line):
        try:
            json.loads(line)
        except ValueError:
            return '{"epoch": '.startswith(line[:10])
        return False

    def _record(self, record):
        items = [f"{json.dumps(str(name))}: {_json(name, value)}" for name, value in record.items()]
        self._write(f"{{{', '.join(items)}}}")


def _json(name, value):
    """A value of the logs as JSON; the line is written when all of them are."""
    try:
        return json.dumps(_plain(value))
    except (RecursionError, TypeError, ValueError) as error:
        raise TypeError(
            f"JSONLogger: logs[{name!r}]: expected what JSON can hold, such as numbers, texts, and lists and dicts of "
            f"them, got {value!r:.200}: put float(...) or str(...) of it into the logs"
        ) from error


def _plain(value):
    """A JSON value: a list for an array, and None for NaN and infinity, which JSON lacks."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
