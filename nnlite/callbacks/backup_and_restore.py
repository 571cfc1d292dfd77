"""BackupAndRestore: resumes a training that was stopped."""

import math
import os
import time
from pathlib import Path

from .. import checks
from ..arguments.classes import refuse_half
from ..divergence import check_params
from ..saving import CheckpointError, training_state
from ..saving.atomic_file import make_folder
from .base import Callback, Logs


class BackupAndRestore(Callback):
    """Saves the state of a training, and resumes from it.

    If a program is killed at any moment, run it again: `fit` continues from the last backup and ends with the same
    weights, history and log, bit for bit, as an uninterrupted training. The backup holds the model, the optimizer, the
    random generator, the order of the data, the states of stateful layers, the history and the other callbacks; and
    models that are attributes of the model. It is a checkpoint like any other: `load_model` reads the model from it.

    A callback may set another learning rate while `fit` runs, and nothing else of the optimizer, layers, loss and
    metrics: the program that resumes could not tell. Validation data are not compared with those of before: where they
    are others, `EarlyStopping` still has the best of the old ones.

    Args:
        path: the backup file.
        save_freq: "epoch", or a number of steps between backups; a backup is saved after each epoch in any case.
        delete_checkpoint: remove the file at the end of the training. If it is kept, `fit` with more epochs resumes.
        save_seconds: save a backup within an epoch, too, where so many seconds have passed since the last one. Where
            saving is slow the pauses grow, so that it takes a twentieth of the time at most.
        new_schedule: accept the backup of a training with another learning rate or schedule, and use this one's from
            there on. The result is then not that of a training that had it from the beginning.

    Raises:
        CheckpointError: the file is damaged, or is from another model, optimizer, loss, schedule or data; or another
            training has written to it since this one did.
        NonFiniteLossError: a parameter is NaN or infinite; nothing is saved.

    Example:
        >>> from nnlite.callbacks import BackupAndRestore
        >>> callback = BackupAndRestore("run/backup.safetensors", save_freq=100)
    """

    order = 1

    def __init__(
        self,
        path: str | os.PathLike,
        save_freq: str | int = "epoch",
        delete_checkpoint: bool = True,
        *,
        save_seconds: float | None = None,
        new_schedule: bool = False,
    ) -> None:
        self.path = Path(checks.path("path", path))
        self.delete_checkpoint = checks.boolean("delete_checkpoint", delete_checkpoint)
        self.new_schedule = checks.boolean("new_schedule", new_schedule)
        by_epoch = isinstance(save_freq, str) and save_freq == "epoch"
        self.save_freq = "epoch" if by_epoch else checks.positive("save_freq", save_freq)
        if save_seconds is not None:
            checks.between("save_seconds", save_seconds, 0, math.inf)
        self.save_seconds = save_seconds

    def on_train_begin(self, logs: Logs) -> None:
        for callback in self.loop.callbacks:
            refuse_half(type(callback), "get_state", "set_state", "set_state(self, state)")
        make_folder(self.path)
        self._recipe = training_state.recipe_of(self.model)
        if os.path.lexists(self.path):
            training_state.restore_training(self.path, self.model, self.loop, self._recipe, self.new_schedule)
        self._known = self._on_disk()
        self._wait_from(time.monotonic(), 0.0)

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        by_steps = self.save_freq != "epoch" and self.model.optimizer.iterations % self.save_freq == 0
        if by_steps or time.monotonic() >= self._next:
            self._save()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self._save()

    def on_train_end(self, logs: Logs) -> None:
        if self.delete_checkpoint and self._on_disk() == self._known:
            self.path.unlink(missing_ok=True)

    def _save(self):
        start = time.monotonic()
        check_params(self.model, self.loop)
        if self._on_disk() not in (None, self._known):
            raise CheckpointError(
                f"cannot save to {self.path}: another training has written to it since, and both would go on "
                f"from the wrong state: give each a path of its own"
            )
        training_state.require_same(self.model, self._recipe)
        training_state.save_training(self.path, self.model, self.loop, self._recipe)
        self._known = self._on_disk()
        self._wait_from(time.monotonic(), time.monotonic() - start)

    def _on_disk(self):
        """What tells the file from another one under its path; None where there is none."""
        try:
            file = os.stat(self.path)
        except OSError:  # to be told where it is read or written
            return None
        return file.st_ino, file.st_size, file.st_mtime_ns

    def _wait_from(self, now, took):
        """Set when the next backup within an epoch is due."""
        self._next = math.inf if self.save_seconds is None else now + max(self.save_seconds, 19 * took)
