"""ModelCheckpoint: saves the model after each epoch, or after each best one."""

import math
import os
import re
import weakref

from .. import checks
from ..divergence import check_params
from ..saving import training_state
from ..saving.atomic_file import make_folder, make_place
from .base import Logs, coming_logs
from .monitor import Monitor


class ModelCheckpoint(Monitor):
    """Saves the model after each epoch, or after each epoch that is the best so far.

    With save_best_only, a second `fit` of the same model with the same callback starts from the best value of the
    first, and keeps its file until an epoch is better. Another model, or a model whose file was removed, starts without
    a best value. A new callback ignores an existing file: its first epoch replaces it, unless
    `initial_value_threshold` is given.

    Args:
        filepath: the file. "{epoch}" and names of the logs are filled in, as in "{epoch:02d}.safetensors", also in
            names of folders: "e{epoch}/model.safetensors" makes them. Write "{{" and "}}" for braces.
        monitor, mode: the number that decides what is best; as in `EarlyStopping`.
        verbose: 1 to print what is saved.
        save_best_only: save only after an epoch that is better than all before.
        save_weights_only: False; a file holds the whole model, and `load_model` reads it.
        save_freq: "epoch"; within an epoch `BackupAndRestore` saves.
        initial_value_threshold: save only below (or above) this value, such as the best of an earlier program.

    Attributes:
        best, best_epoch: with save_best_only, the best value, and its epoch (from 0) within its `fit`.

    Raises:
        TypeError: before the first epoch, or after the first batch, which builds the model: it cannot be saved.
        ValueError: before the first epoch: a name in filepath, or monitor, is not in the logs, or its format is wrong.
            If a user's callback may still add the name, the error comes after the first epoch, whose model is then
            saved as FILEPATH.rescued. Give that callback `adds` to have it checked before.
        NonFiniteLossError: a parameter is NaN or infinite; nothing is saved.

    Example:
        >>> from nnlite.callbacks import ModelCheckpoint
        >>> callback = ModelCheckpoint("best.safetensors", save_best_only=True)
    """

    _best_of: weakref.ref | None = None  # the model whose best it is
    _of_this_process = (*Monitor._of_this_process, "_best_of")

    def __init__(
        self,
        filepath: str | os.PathLike,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, verbose)
        if checks.boolean("save_weights_only", save_weights_only):
            raise ValueError(
                "save_weights_only: expected False, got True: a file holds the layers and the optimizer as well, and "
                "nnlite.load_model(filepath) reads them: leave it out"
            )
        if save_freq != "epoch":
            raise ValueError(
                f"save_freq: expected 'epoch', got {save_freq!r}: use BackupAndRestore(path, save_freq=...) to save "
                f"within an epoch"
            )
        self.filepath = training_state.check_ending("filepath", filepath)
        self.save_best_only = checks.boolean("save_best_only", save_best_only)
        if initial_value_threshold is not None:
            checks.between("initial_value_threshold", initial_value_threshold, -math.inf, math.inf)
        self.initial_value_threshold = initial_value_threshold

    def on_train_begin(self, logs: Logs) -> None:
        self._is_checked = False
        self._check_saving()
        names, silent = coming_logs(self)
        self._filled_in(1, {name: kind() for name, kind in names.items()}, silent)
        start = re.findall(r"(?:[^{}]|{{|}})*", self.filepath)[0]  # up to the first name
        fixed, is_pattern = start.format(), start != self.filepath
        make_folder(fixed) if is_pattern else make_place(fixed)
        if self.save_best_only:
            super().on_train_begin(logs)
            if self._best_of is None or self._best_of() is not self.model or not (is_pattern or os.path.exists(fixed)):
                self.best, self.best_epoch = self.initial_value_threshold, None
            self._best_of = weakref.ref(self.model)

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        if not self._is_checked:
            self._check_saving()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        value = None
        try:
            if self.save_best_only:
                value = self._value(logs)
                if not self._is_better(value):
                    return
            path = self._filled_in(epoch + 1, logs)
        except (TypeError, ValueError) as error:  # of a name that could not be checked before: do not lose the epoch
            raise ValueError(
                f"{error}. The model of this epoch is in {self._save(f'{self.filepath}.rescued')}"
            ) from error
        self._save(path)
        if self.verbose:
            what = f"{self.monitor} is {value:.5g}, the best so far: " if self.save_best_only else ""
            print(f"epoch {epoch + 1}: {what}saved {path}", flush=True)
        if self.save_best_only:
            self.best, self.best_epoch = value, epoch

    def _check_saving(self):
        """Do not train for an epoch what cannot be saved. Until it is built, a layer may not have all its arguments."""
        if self.model.built:
            training_state.check_saving(self.model)
            self._is_checked = True

    def _save(self, path):
        check_params(self.model, self.loop)
        make_folder(path)
        training_state.save_model(self.model, path)
        return path

    def _filled_in(self, epoch, logs, silent=()):
        try:
            return self.filepath.format_map(_Lenient({**logs, "epoch": epoch}) if silent else {**logs, "epoch": epoch})
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            others = f", and what {' and '.join(silent)} may add" if silent else ""
            raise ValueError(
                f"ModelCheckpoint: filepath={self.filepath!r} cannot be filled in ({error}): there are "
                f"{', '.join(['epoch', *logs])}{others}"
            ) from error


class _Lenient(dict):
    """Values to test a pattern with; a missing name, and what a pattern takes from it, fits any format."""

    def __missing__(self, key: object) -> "_Lenient":
        return _Lenient()

    def __getattr__(self, name: str) -> "_Lenient":
        return self

    def __format__(self, spec: str) -> str:
        return ""
