"""Callbacks: what `fit` calls at each batch and epoch, so that things can be done while a model trains."""

import json
import math
import os
import string
from collections.abc import Callable, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np

from . import checks, saving, states
from .finite import check_params
from .schedules import Schedule

Logs = dict[str, float]  # from names such as "val_loss" to numbers


class Callback:
    """Base of all callbacks: override what you need.

    Epochs and batches are counted from 0 here, as in Keras; everything that people read counts from 1.

    Attributes:
        model: the model that is being trained. `self.model.stop_training = True` ends the training after this batch.
        run: where `fit` stands: `epoch`, `batch`, `epochs`, `batches`, `resumed`.
        adds: what `on_epoch_end` adds to the logs: names and their types, such as {"speed": float}. What a path or a
            monitor of a later callback names can then be checked before the first epoch, and not only after it.

    Example:
        >>> from nnlite.callbacks import Callback
        >>> class PrintLoss(Callback):
        ...     def on_epoch_end(self, epoch, logs):
        ...         print(f"epoch {epoch + 1}: loss {logs['loss']:.2f}")
        >>> PrintLoss().on_epoch_end(0, {"loss": 3.14159})
        epoch 1: loss 3.14
    """

    # Callbacks are called in the order in which they were given, those with a lower number before all others:
    # first what adds to the logs, then the history, and last the backup, which has to see what all others did.
    order = 0

    adds: Mapping[str, type] = {}

    model: Any = None
    run: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("model", "run")}  # of this process

    def on_train_begin(self, logs: Logs) -> None:
        """Once, before the first epoch. A callback forgets here what it knows of an earlier training."""

    def on_train_end(self, logs: Logs) -> None:
        """Once, after the last epoch; not where an error ended the training."""

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        """Before an epoch; also before the rest of one, where a training is resumed in the middle."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """After an epoch. `logs` holds its numbers: "loss", "val_loss" and what earlier callbacks added."""

    def on_train_batch_begin(self, batch: int, logs: Logs) -> None:
        """Before a batch."""

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """After a batch. `logs["loss"]` is the mean of this epoch so far."""

    def close(self) -> None:
        """Give back files and the like: called at the very end, also after an error."""

    def get_state(self) -> dict[str, Any]:
        """What a resumed training needs to know: a dict of what JSON can write, and arrays."""
        return {}

    def check_state(self, state: dict[str, Any]) -> None:
        """Refuse a state that `get_state` cannot have given: checkpoints may come from anybody, and hold anything.

        It is called before `set_state`, and before anything of the model, the optimizer or a callback has changed.
        `nnlite.states` has what it takes. A class that defines `get_state` or `set_state`, and not this, is not
        checked.

        Raises:
            ValueError: the state does not fit; the message says what is wrong.

        Example:
            >>> from nnlite import Callback, states
            >>> class Patience(Callback):
            ...     left = 3
            ...     def get_state(self):
            ...         return {"left": self.left}
            ...     def check_state(self, state):
            ...         states.fields("Patience", state, {"left": states.count})
            ...     def set_state(self, state):
            ...         self.left = state["left"]
            >>> Patience().check_state({"left": -1})
            Traceback (most recent call last):
            ValueError: Patience: left: expected a whole number of at least 0, got -1
        """
        self._check_fields(state, {})

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` gave to another callback of this class. Called after `on_train_begin`."""

    def _check_fields(self, state, rules):
        states.fields(type(self).__name__, state, rules)


def says(callback: Callback, declaration: str, *methods: str) -> bool:
    """Whether what a callback's class says in `declaration` holds for those methods.

    It does not where a subclass has defined one of the methods anew, and said nothing of it.
    """
    for namespace in map(vars, (callback, *type(callback).__mro__)):
        if declaration in namespace:
            return True
        if any(method in namespace for method in methods):
            return False
    return False


def coming_logs(callback: Callback) -> tuple[dict[str, type], list[str]]:
    """The logs that a callback will get at an epoch's end: names and types; and who may add others, and does not say.

    What `fit` measures is known, and so is what callbacks of nnlite add. One of a user's own that has an on_epoch_end,
    and no `adds`, may add anything: this cannot be known before it has.
    """
    names, silent = dict.fromkeys(callback.run.measured, float), []
    for other in takewhile(lambda other: other is not callback, callback.run.callbacks):
        if says(other, "adds", "on_epoch_end"):
            names |= other.adds
        else:
            silent.append(type(other).__name__)
    return names, silent


class History(Callback):
    """What `fit` returns: the numbers of each epoch.

    Attributes:
        history: dict of lists with one number for each epoch, such as {"loss": [3.1, 2.5], "val_loss": [2.9, 2.6]}.
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
        # A callback of one's own may log whatever it likes.
        measured = dict.fromkeys(self.run.measured, states.list_of(states.number))
        self._check_fields(state, {"history": states.mapping, "epoch": states.list_of(states.count)})
        for name, values in state["history"].items():
            measured.get(name, states.list_of(states.anything))(f"History: {name}", values)

    def set_state(self, state: dict[str, Any]) -> None:
        self.history, self.epoch = state["history"], state["epoch"]


class LearningRateScheduler(Callback):
    """Sets the optimizer's learning rate before each step, by a schedule. The logs get "learning_rate".

    Args:
        schedule: from `nnlite.schedules`, or a function from the number of steps made so far to a learning rate.

    Example:
        >>> from nnlite.callbacks import LearningRateScheduler
        >>> from nnlite.schedules import CosineDecay, WarmUp
        >>> callback = LearningRateScheduler(WarmUp(CosineDecay(3e-3, decay_steps=1000), warmup_steps=50))
    """

    order = -2
    adds: Mapping[str, type] = {"learning_rate": float}

    def __init__(self, schedule: Callable[[int], float]) -> None:
        if not callable(schedule):
            raise TypeError(f"schedule: expected a schedule, or a function of the step, got {schedule!r}")
        self.schedule = schedule

    def on_train_batch_begin(self, batch: int, logs: Logs) -> None:
        optimizer = self.model.optimizer
        optimizer.learning_rate = self.schedule(optimizer.iterations)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        logs["learning_rate"] = self.model.optimizer.learning_rate

    def get_state(self) -> dict[str, Any]:
        # The step is the optimizer's: nothing has to be remembered but which schedule it was.
        return {"schedule": repr(self.schedule)} if isinstance(self.schedule, Schedule) else {}

    def check_state(self, state: dict[str, Any]) -> None:
        self._check_fields(state, {"schedule": states.text})
        if state != self.get_state():
            raise ValueError(f"its schedule was {state['schedule']}, and is {self.schedule!r} now")


# Of the state of what watches a number.
_BEST = {"best": states.optional(states.number), "best_epoch": states.optional(states.count)}


class _Monitor(Callback):
    """Watches one number of the logs."""

    def __init__(self, monitor: str, mode: str) -> None:
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode: expected 'auto', 'min' or 'max', got {mode!r}")
        self.monitor, self.mode = monitor, mode
        self.best: float | None = None
        self.best_epoch: int | None = None

    def on_train_begin(self, logs: Logs) -> None:
        self._mode = self._direction() if self.mode == "auto" else self.mode
        if self.monitor.startswith("val_") and not self.run.validation_data:
            raise ValueError(
                f"{type(self).__name__}: monitor={self.monitor!r} needs validation_data in fit; "
                f"to watch the training, use monitor={self.monitor.removeprefix('val_')!r}"
            )
        names, silent = coming_logs(self)
        if not silent:  # or else it is found at the end of the first epoch
            self._require_monitor(names)

    def _direction(self):
        """What is better, a smaller or a larger number, by the name. As in Keras, nothing is guessed."""
        name = self.monitor.removeprefix("val_")
        if name.endswith(("loss", "error", "perplexity")):
            return "min"
        if name.endswith(("accuracy", "acc", "auc")):
            return "max"
        raise ValueError(
            f"{type(self).__name__}: monitor={self.monitor!r} does not say whether a smaller or a larger number is "
            f"better: use mode='min' or mode='max'"
        )

    def _require_monitor(self, names):
        if self.monitor not in names:
            raise ValueError(f"{type(self).__name__}: monitor={self.monitor!r} is not among {sorted(names)}")

    def _value(self, logs):
        self._require_monitor(logs)
        return float(logs[self.monitor])

    def _is_better(self, value, min_delta=0.0):
        if self.best is None:
            return not math.isnan(value)
        return value > self.best + min_delta if self._mode == "max" else value < self.best - min_delta


class EarlyStopping(_Monitor):
    """Ends the training when a number has not become better for a while.

    Args:
        monitor: which number.
        min_delta: how much better it must become to count.
        patience: how many epochs without that are allowed in a row.
        mode: "min": smaller is better; "max": larger is; "auto": "min" for losses, "max" for accuracies.
        restore_best_weights: at the end of the training give the model the weights and statistics of its best epoch.

    Attributes:
        best, best_epoch: the best value, and in which epoch (from 0); None before the first.
        stopped_epoch: the epoch after which the training was ended; None where it was not.

    Example:
        >>> from nnlite.callbacks import EarlyStopping
        >>> callback = EarlyStopping(patience=2, restore_best_weights=True)
    """

    adds: Mapping[str, type] = {}

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        mode: str = "auto",
        restore_best_weights: bool = False,
    ) -> None:
        super().__init__(monitor, mode)
        self.min_delta = checks.between("min_delta", min_delta, 0, math.inf, closed=False)
        self.patience = patience if patience == 0 else checks.positive("patience", patience)
        self.restore_best_weights = restore_best_weights
        self.wait = 0
        self.stopped_epoch: int | None = None
        self.best_weights: dict[str, np.ndarray] | None = None

    def on_train_begin(self, logs: Logs) -> None:
        super().on_train_begin(logs)
        self.best = self.best_epoch = None
        self.wait, self.stopped_epoch, self.best_weights = 0, None, None

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        value = self._value(logs)
        if self._is_better(value, self.min_delta):
            self.best, self.best_epoch, self.wait = value, epoch, 0
            if self.restore_best_weights:
                self.best_weights = {name: array.copy() for name, array in self._weights().items()}
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs) -> None:
        if self.best_weights is not None:
            for name, array in self._weights().items():
                array[...] = self.best_weights[name]

    def _weights(self):
        """What makes the model of an epoch: without their statistics, weights would compute something else."""
        return self.model.params | self.model.statistics

    def get_state(self) -> dict[str, Any]:
        return {
            "best": self.best,
            "best_epoch": self.best_epoch,
            "wait": self.wait,
            "stopped_epoch": self.stopped_epoch,
            "best_weights": self.best_weights,
        }

    def check_state(self, state: dict[str, Any]) -> None:
        rules = {
            **_BEST,
            "wait": states.count,
            "stopped_epoch": states.optional(states.count),
            "best_weights": states.optional(states.arrays_like(self._weights())),
        }
        self._check_fields(state, rules)

    def set_state(self, state: dict[str, Any]) -> None:
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.wait, self.stopped_epoch = state["wait"], state["stopped_epoch"]
        self.best_weights = state["best_weights"]


class ModelCheckpoint(_Monitor):
    """Saves the model after each epoch, or after each that is the best so far.

    With save_best_only, a second `fit` of the same model with the same callback goes on from the best of the first, and
    leaves its file alone until an epoch is better. Another model starts without a best, and so does a model whose file
    is gone. A new callback object knows nothing of the file that is there: its first epoch replaces it, unless
    `initial_value_threshold` says what is to be beaten.

    Args:
        path: of the file; "{epoch}" and names of the logs in it are filled in, as in "{epoch:02d}.safetensors", in
            the names of folders, too: "e{epoch}/model.safetensors" makes them. "{{" and "}}" stand for braces.
        monitor, mode: as in `EarlyStopping`; what "best" is.
        save_best_only: leave the file alone where an epoch was not better than all before.
        initial_value_threshold: a value to be beaten before anything is saved, such as the best of an earlier program.

    Attributes:
        best, best_epoch: with save_best_only, the best value, and in which epoch (from 0) of its `fit`.

    Raises:
        ValueError: before the first epoch: a name in the path, or monitor, is not in the logs, or its format does not
            fit. Where a callback of your own may still add it to them, that shows after the first epoch, whose model
            is then saved as PATH.rescued. Give that callback `adds`, and it is known before.
        NonFiniteLossError: instead of saving parameters that are NaN or infinite.

    Example:
        >>> from nnlite.callbacks import ModelCheckpoint
        >>> callback = ModelCheckpoint("best.safetensors", save_best_only=True)
    """

    adds: Mapping[str, type] = {}

    def __init__(
        self,
        path: str | os.PathLike,
        monitor: str = "val_loss",
        save_best_only: bool = False,
        mode: str = "auto",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        self.path, self.save_best_only = os.fspath(path), bool(save_best_only)
        if initial_value_threshold is not None:
            checks.between("initial_value_threshold", initial_value_threshold, -math.inf, math.inf)
        self.initial_value_threshold = self.best = initial_value_threshold
        self._best_of: Any = None  # the model whose best it is

    def on_train_begin(self, logs: Logs) -> None:
        names, silent = coming_logs(self)
        trial = {name: kind() for name, kind in names.items()}
        self._filled_in(1, trial, silent)
        fixed, is_pattern = _fixed_part(self.path)
        make_folder(fixed)
        if self.save_best_only:
            super().on_train_begin(logs)
            if self._best_of is not self.model or not (is_pattern or os.path.exists(fixed)):
                self.best, self.best_epoch = self.initial_value_threshold, None
            self._best_of = self.model

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        value = None
        try:
            if self.save_best_only:
                value = self._value(logs)
                if not self._is_better(value):
                    return
            path = self._filled_in(epoch + 1, logs)
        except (TypeError, ValueError) as error:  # of a name that could not be known before: the epoch is not lost
            raise ValueError(f"{error}. The model of this epoch is in {self._save(f'{self.path}.rescued')}") from error
        self._save(path)
        if self.save_best_only:
            self.best, self.best_epoch = value, epoch

    def _save(self, path):
        check_params(self.model, self.run)
        make_folder(path)
        saving.save_model(self.model, path)
        return path

    def _filled_in(self, epoch, logs, silent=()):
        try:
            return self.path.format_map(_Lenient({**logs, "epoch": epoch}) if silent else {**logs, "epoch": epoch})
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            others = f", and what {' and '.join(silent)} may add" if silent else ""
            raise ValueError(
                f"ModelCheckpoint: path={self.path!r} cannot be filled in ({error}): there are "
                f"{', '.join(['epoch', *logs])}{others}"
            ) from error

    def get_state(self) -> dict[str, Any]:
        return {"best": self.best, "best_epoch": self.best_epoch}

    def check_state(self, state: dict[str, Any]) -> None:
        self._check_fields(state, _BEST)

    def set_state(self, state: dict[str, Any]) -> None:
        self.best, self.best_epoch = state["best"], state["best_epoch"]


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


class BackupAndRestore(Callback):
    """Saves everything that a training needs to go on, and goes on from there.

    Run the same program again after it was killed, at any moment: `fit` continues from the last backup and ends with
    the same weights, history and log, bit for bit, as if it had never been stopped. The backup holds the model, the
    optimizer, the random generator, the order of the data, stateful layers' states, the history and the other
    callbacks. It is a checkpoint like any other: `load_model` reads the model out of it.

    Args:
        path: of the backup file.
        save_freq: "epoch", or a number of steps: save after each so many, and after each epoch.
        delete_checkpoint: remove the file when the training has ended. Without that, `fit` with more epochs goes on.

    Raises:
        CheckpointError: the file is damaged, or is from another model, optimizer, loss, schedule or data.
        NonFiniteLossError: instead of saving parameters that are NaN or infinite.

    Example:
        >>> from nnlite.callbacks import BackupAndRestore
        >>> callback = BackupAndRestore("run/backup.safetensors", save_freq=100)
    """

    order = 1
    adds: Mapping[str, type] = {}

    def __init__(self, path: str | os.PathLike, save_freq: str | int = "epoch", delete_checkpoint: bool = True) -> None:
        self.path, self.delete_checkpoint = Path(path), bool(delete_checkpoint)
        self.save_freq = save_freq if save_freq == "epoch" else checks.positive("save_freq", save_freq)

    def on_train_begin(self, logs: Logs) -> None:
        make_folder(self.path)
        self._recipe = saving.recipe(self.model)
        if os.path.lexists(self.path):
            saving.restore_training(self.path, self.model, self.run, self._recipe)

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        if self.save_freq != "epoch" and self.model.optimizer.iterations % self.save_freq == 0:
            self._save()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self._save()

    def on_train_end(self, logs: Logs) -> None:
        if self.delete_checkpoint:
            self.path.unlink(missing_ok=True)

    def _save(self):
        check_params(self.model, self.run)
        saving.save_training(self.path, self.model, self.run, self._recipe)


def _plain(value):
    """What JSON can write: lists for arrays, and null for NaN and infinity, which it does not have."""
    value = value.tolist() if hasattr(value, "tolist") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


class _Lenient(dict):
    """Names and values to try a pattern with; a name that is not there fits any format."""

    def __missing__(self, name):
        return _Anything()


class _Anything:
    def __format__(self, spec):
        return ""

    def __getattr__(self, name):
        return self

    def __getitem__(self, key):
        return self


def _fixed_part(pattern):
    """What a pattern of `str.format` begins with, before its first name; and whether it has one."""
    fixed = ""
    for text, name, _, _ in string.Formatter().parse(pattern):
        fixed += text
        if name is not None:
            return fixed, True
    return fixed, False


def make_folder(path):
    """Make the folder of a file: better at the start than after an hour of training."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
