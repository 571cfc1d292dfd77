"""Run folders: create, open and resume them, and never overwrite one unasked."""

import contextlib
import dataclasses
import functools
import json
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from nnlite import BackupAndRestore, CheckpointError, Sequential, __version__, load_model
from nnlite.callbacks import Logs
from nnlite.saving import atomic_file, checkpoint, states
from nnlite.saving.regular_file import read_json

from .lock import locked

# Seconds between two checkpoints within an epoch: what Ctrl-C loses at most. One of the default model, 2.3 MB, takes
# 20 ms: 1 % of the time.
SAVE_SECONDS = 2.0

LONGEST_KIND = 40  # characters: it is printed

Pair = tuple[np.ndarray, np.ndarray]  # x and y


class ExperimentError(Exception):
    """A run folder cannot be used. The message names it, says what is wrong, and what to do."""


class InUseError(ExperimentError):
    """Another process, or another experiment in this one, trains in the run folder."""


class Start(NamedTuple):
    """What a training starts from: a compiled model with its first weights, and what `Experiment.data` returns."""

    model: Sequential
    data: Any


class Progress(NamedTuple):
    """How far the training in a run folder is, by its checkpoint.

    Attributes:
        epoch, batch: how many epochs are complete, and how many batches of the next one.
        stopped: whether the training was ended before its last epoch, by its own rule.
        steps: how many batches that is, over all epochs.
    """

    epoch: int
    batch: int
    stopped: bool
    steps: int


class Experiment:
    """Base of all experiments: a run folder and its settings.

    An experiment defines `kind`, `Settings`, `FILES`, `model`, `data` and `fit`, which trains, or resumes a training
    that was stopped at any moment.

    Args:
        folder: the run folder; `create` makes it.
        settings: by default those of the class. They do not change afterwards, except by `extend`.

    Attributes:
        earlier_epochs: the numbers of epochs, or what else `goal` counts, before the run was extended.
    """

    kind: ClassVar[str]  # in config.json, and the name of its run folders
    Settings: ClassVar[Any]  # a dataclass of values that JSON can hold
    FILES: ClassVar[dict[str, str]]  # the content of each file in the folder
    goal: ClassVar[str] = "epochs"  # the setting that says how long to train
    EARLIER: ClassVar[dict[str, Any]] = {}  # values of settings that an older config.json lacks

    def __init__(self, folder: str | os.PathLike, settings: Any = None) -> None:
        self.folder, self.settings = Path(folder), settings or self.Settings()
        self.earlier_epochs: list[int] = []
        self._is_alone = self._is_extended = False

    def model(self) -> Sequential:
        """A new model, compiled, before its training.

        Raises:
            ValueError, TypeError: a setting is not valid for the model or the optimizer.
        """
        raise NotImplementedError(f"{type(self).__name__} has no model()")

    def data(self) -> Any:
        """The data: a pair (x, y) to train on, or such a pair and another one to validate on."""
        raise NotImplementedError(f"{type(self).__name__} has no data()")

    @functools.cached_property
    def start(self) -> Start:
        """The model and the data of the next `fit`, made once: `create` checks the settings with them.

        `fit` takes them away. After that `start` makes new ones: a second `fit` resumes from the checkpoint in the
        folder, and never goes on with a trained model.
        """
        return Start(self.model(), self.data())

    @contextlib.contextmanager
    def _training(self):
        """Check the folder, and take `start` for a training, alone in the folder."""
        self.check_folder()
        with self.alone():
            start = self.start
            del self.start
            self._outline = _outline(start.model)
            yield start

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep others from training in the folder, which is made where there is none. `create` and `fit` do so.

        Two trainings there would write to one log. Reading is not kept from: every file is the old or the new one.

        Raises:
            InUseError: another process, or another experiment in this one, trains there. On Windows, and where a
                network's file system locks no folders, this is not noticed.
        """
        if self._is_alone:
            yield
            return
        if os.path.lexists(self.folder) and not self.folder.is_dir():
            raise ExperimentError(f"{self.folder} exists and is no run folder: choose another name")
        self.folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(self.folder))
            except BlockingIOError:
                raise InUseError(
                    f"the run in {self.folder} is running, another process trains there: wait until it has ended, or "
                    f"choose another name"
                ) from None
            self._is_alone = True
            stack.callback(setattr, self, "_is_alone", False)
            yield

    def saved_model(self) -> Sequential:
        """Load model.safetensors; before the end of the first epoch the model of the checkpoint."""
        return load_model(self._model_path)

    def trained_model(self) -> Sequential:
        """The same, for the results of the training: the file is not to hold another model, which was put there.

        Raises:
            CheckpointError: it does; the message shows both.
        """
        found = load_model(self._model_path)
        if _outline(found) != self._outline:
            raise CheckpointError(
                f"{self._model_path}: expected the model of this run, {self.model()!s:.600}, got {found!s:.600}, "
                f"compiled with {found.loss} and {', '.join(found.metrics) or 'no metrics'}: put the run's own file "
                f"back, or remove this one to see the results of the checkpoint's model"
            )
        return found

    @functools.cached_property
    def _outline(self):
        return _outline(self.model())

    @property
    def _model_path(self):
        path = self.folder / "model.safetensors"
        return path if path.exists() or not self.checkpoint_path.exists() else self.checkpoint_path

    @property
    def checkpoint_path(self) -> Path:
        """The path of the training state."""
        return self.folder / "checkpoint.safetensors"

    def backup(self) -> "Backup":
        """The callback of `fit` that saves the training state and resumes from it."""
        return Backup(self, new_schedule=bool(self.earlier_epochs))

    @property
    def progress(self) -> Progress | None:
        """How far the training is; None before the first checkpoint.

        Raises:
            CheckpointError: the checkpoint is damaged.
        """
        if not self.checkpoint_path.exists():
            return None
        try:
            tree = checkpoint.read(self.checkpoint_path)
            run, steps = tree["run"], int(tree["optimizer"]["iterations"])
            return Progress(int(run["epoch"]), int(run["batch"]), bool(run["stop_training"]), steps)
        except (LookupError, TypeError, ValueError) as error:
            raise CheckpointError(f"cannot resume from {self.checkpoint_path}: it holds no training") from error

    @property
    def is_finished(self) -> bool:
        """Whether the training has ended."""
        progress = self.progress
        if progress is None or progress.batch:
            return False
        return progress.stopped or self._done(progress) >= getattr(self.settings, self.goal, math.inf)

    def _done(self, progress):
        """How many epochs, or what else `goal` counts, have begun."""
        return progress.epoch + bool(progress.batch)

    @property
    def has_constant_rate(self) -> bool:
        """Whether the learning rate at a step is the same for any number of epochs."""
        return getattr(self.settings, "schedule", None) == "constant"

    def extend(self, goal: int) -> None:
        """Let the training have another number of epochs, or what else `goal` counts: the next `fit` goes on to there.

        config.json says so as soon as that training has begun: one that cannot be resumed stays as it was.

        Raises:
            ExperimentError: more than that are trained already.
        """
        self.check_folder()  # before a folder is made
        with self.alone():
            self._extend(goal)

    def _extend(self, goal):
        progress = self.progress
        if progress and self._done(progress) > goal:
            raise ExperimentError(
                f"{self.folder} has trained {self._done(progress)} {self.goal} already: expected at least as many, got "
                f"{goal}"
            )
        if progress:  # else no epoch has known another number
            self.earlier_epochs.append(getattr(self.settings, self.goal))
        self.settings = dataclasses.replace(self.settings, **{self.goal: goal})
        vars(self).pop("start", None)
        self._is_extended = True

    def write(self, name: str, data: bytes) -> None:
        """Write a file in the folder atomically.

        Raises:
            ExperimentError: the folder holds no run of this kind, or the path is no regular file.
        """
        self._require_kind()
        self._put(name, data)

    def _put(self, name, data):
        atomic_file.write(own_place(self.folder / name), data)

    def pattern(self, name: str) -> str:
        """The path of a file in the folder for `ModelCheckpoint`, with braces escaped."""
        return str(self.folder / name).replace("{", "{{").replace("}", "}}")

    def copies(self) -> dict[str, Iterable[bytes]]:
        """Files that the folder keeps of the data, as the originals may change: contents by file name, part by part."""
        return {}

    def facts(self) -> dict[str, Any]:
        """Entries of config.json besides the settings."""
        return {}

    def restore(self, facts: dict[str, Any]) -> None:
        """Restore the entries of `facts` from config.json. `open` calls it before anything else."""

    @property
    def exists(self) -> bool:
        """Whether the folder holds a run of any kind."""
        return kind_of(self.folder) is not None

    def create(self, overwrite: bool = False) -> None:
        """Make the folder and write the settings into it.

        Args:
            overwrite: remove the files of an earlier run of this kind. Other files stay.

        Raises:
            ExperimentError: the folder holds a run and `overwrite` is not given, or it holds other things, or one of
                the files was not written by the earlier run.
            ValueError, TypeError: the settings do not work. Nothing was written or removed.
        """
        self.start  # noqa: B018  makes model and data: wrong settings fail before anything is written
        with self.alone():
            self._create(overwrite)

    def _create(self, overwrite):
        kind = kind_of(self.folder)
        if kind is not None:
            if not overwrite:
                raise ExperimentError(f"{self.folder} holds a run already")
            self.check_folder()
            # config.json is removed last, so that an interruption leaves a run that can be made anew; and written last.
            for name in sorted(self.kept(read_config(self.folder)), key="config.json".__eq__):
                (self.folder / name).unlink(missing_ok=True)
        elif not _is_empty(self.folder, self.copies()):
            raise ExperimentError(f"{self.folder} exists and is no run folder: choose another name")
        for name, parts in self.copies().items():
            self._put(name, parts)
        self.earlier_epochs = []
        self._write_config()

    def _write_config(self):
        settings = dataclasses.asdict(self.settings)
        earlier = {"earlier_epochs": self.earlier_epochs} if self.earlier_epochs else {}
        config = {"nnlite": __version__, "experiment": self.kind, "settings": settings, **earlier, **self.facts()}
        self._put("config.json", json.dumps(config, indent=2).encode() + b"\n")
        self._is_extended = False

    def check_folder(self) -> None:
        """Check that the folder may be written to. `fit` and `create` call it first.

        Raises:
            ExperimentError: the folder holds no run of this kind, or the path of one of its files is a link, a folder,
                or a file that no such run has written.
        """
        self._require_kind()
        config = read_config(self.folder)
        for name in dict.fromkeys(self.kept(config) + self.kept(self.facts())):
            path = own_place(self.folder / name)
            if path.exists() and not self.is_own(path, config):
                raise ExperimentError(
                    f"{path} was not written by the run in this folder, which would overwrite it: move it elsewhere"
                )

    def kept(self, config: dict[str, Any]) -> list[str]:
        """Names of the files that a run with this config.json writes: `FILES`, or a part of them."""
        return list(self.FILES)

    def is_own(self, path: Path, config: dict[str, Any]) -> bool:
        """Whether a file with one of these names can be from the run with this config.json.

        Models and checkpoints carry a mark of nnlite. Other files are recognized by their names alone.
        """
        return path.suffix != ".safetensors" or checkpoint.is_ours(path)

    def _require_kind(self):
        kind = kind_of(self.folder)
        if kind is None:
            raise ExperimentError(f"{self.folder} holds no run yet: make one with create()")
        if kind != self.kind:
            raise ExperimentError(f"{self.folder} holds a run on {kind}: choose another name")

    @classmethod
    def open(cls, folder: str | os.PathLike) -> Self:
        """Open the run in a folder.

        Raises:
            ExperimentError: there is none, it is of another kind, or its settings cannot be read.
        """
        config = read_config(folder)
        if (kind := _kind(config)) != cls.kind:
            raise ExperimentError(f"{folder} holds a run on {kind}, not on {cls.kind}")
        try:
            defaults = {field.name: field.default for field in dataclasses.fields(cls.Settings)}
            for name, value in config["settings"].items():
                if name not in defaults:
                    raise ValueError(f"settings: there is no {states.shown(name)}")
                _rule(defaults[name])(name, value)
            settings = {k: tuple(v) if isinstance(v, list) else v for k, v in config["settings"].items()}
            experiment = cls(folder, cls.Settings(**cls.EARLIER | settings))
            experiment.earlier_epochs = config.get("earlier_epochs", [])
            states.list_of(states.count)("earlier_epochs", experiment.earlier_epochs)
            experiment.restore(config)
        except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
            raise ExperimentError(f"cannot read the settings in {Path(folder, 'config.json')}: {error}") from error
        return experiment


class Backup(BackupAndRestore):
    """The backup of a run. Once the training can go on, config.json has the settings of a run that was extended."""

    def __init__(self, run: Experiment, new_schedule: bool = False) -> None:
        super().__init__(
            run.checkpoint_path, delete_checkpoint=False, save_seconds=SAVE_SECONDS, new_schedule=new_schedule
        )
        self.run = run

    def on_train_begin(self, logs: Logs) -> None:
        super().on_train_begin(logs)
        if self.run._is_extended:
            self.run._write_config()


def read_config(folder: str | os.PathLike) -> dict[str, Any]:
    """Read the config.json of a run folder. Refuses one that nnlite did not write: many programs have such a file."""
    path = Path(folder, "config.json")
    try:
        if not path.is_file():  # reading a pipe would block
            raise ExperimentError(f"{folder} holds no run: there is no {path}")
        config = read_json(path)
    except (OSError, ValueError) as error:
        raise ExperimentError(f"cannot read the settings in {path}: {error}") from error
    # The oldest runs, all of them on the sonnets, do not name their kind, but have a vocabulary.
    known = {"nnlite": str, "settings": dict}
    known |= {"experiment": str} if isinstance(config, dict) and "experiment" in config else {"vocabulary": dict}
    is_ours = isinstance(config, dict) and all(isinstance(config.get(key), kind) for key, kind in known.items())
    if not (is_ours and len(_kind(config)) <= LONGEST_KIND and _kind(config).isprintable()):
        raise ExperimentError(f"cannot read the settings in {path}: another program wrote it, {folder} holds no run")
    return config


def kind_of(folder: str | os.PathLike) -> str | None:
    """The kind of run in a folder, such as "sonnets"; None if nnlite did not write its config.json."""
    try:
        return _kind(read_config(folder))
    except ExperimentError:
        return None


def _kind(config):
    return config.get("experiment", "sonnets")


def _outline(model):
    """What results take for granted: the layers, the shapes of their weights, and what is measured."""
    kinds = [type(layer) for layer in model.all_layers.values()]
    shapes = [array.shape for array in model.params.values()]
    return kinds, shapes, type(model.loss), [*model.metrics]


def own_place(path: str | os.PathLike) -> Path:
    """Return the path if it is a regular file or does not exist.

    Nothing is written through a link: in a stranger's run folder it may point to any file of the user's. Nor is it
    replaced by a file: the user may have put it there, to use a larger disk.

    Raises:
        ExperimentError: it is a symbolic link, a folder, a pipe or a device.
    """
    return _own(path, "file", Path.is_file)


def own_folder(path: str | os.PathLike) -> Path:
    """Return the path if it is a folder or does not exist.

    Raises:
        ExperimentError: it is a symbolic link, or something else.
    """
    return _own(path, "folder", Path.is_dir)


def _own(path, kind, is_of_kind):
    path = Path(path)
    if path.is_symlink():
        raise ExperimentError(
            f"{path} is a symbolic link, but a run writes only inside its folder: put the {kind} itself there, or "
            f"remove the link"
        )
    if path.exists() and not is_of_kind(path):
        what = "a folder" if path.is_dir() else "a file" if path.is_file() else "a pipe or a device"
        raise ExperimentError(f"{path} is {what}, but a {kind} of the run belongs there: remove it")
    return path


def find_runs(parent: str | os.PathLike = "runs", kind: str | None = None) -> list[Path]:
    """The run folders in a folder, all or those of one kind, sorted by when they were last trained."""
    runs = [path.parent for path in Path(parent).glob("*/config.json")]
    runs = [run for run in runs if (found := kind_of(run)) and kind in (None, found)]
    return sorted(runs, key=_last_trained)


def _last_trained(run):
    """The time of it: pages and pictures of an older run do not make it the last one, which --resume goes on with.

    Where a run is in training, or being removed, files vanish meanwhile.
    """
    times = [0.0]
    for name in ("config.json", "log.jsonl", "checkpoint.safetensors", "model.safetensors"):
        with contextlib.suppress(OSError):
            times.append(os.lstat(run / name).st_mtime)
    return max(times)


def new_folder(name: str, parent: str | os.PathLike = "runs") -> Path:
    """The first of runs/sonnets, runs/sonnets-2, runs/sonnets-3 ... that does not exist."""
    names = (name if number == 1 else f"{name}-{number}" for number in range(1, 10**6))
    return next(folder for folder in (Path(parent, n) for n in names) if not os.path.lexists(folder))


def plain(setting: Any) -> str:
    """A setting in words."""
    return ", ".join(f"{number:g}" for number in setting) if isinstance(setting, tuple) else f"{setting}"


def _rule(default):
    """The rule for a setting with this default: config.json may come from anyone."""
    if isinstance(default, tuple) and default:
        return states.list_of(_rule(default[0]))
    if isinstance(default, bool):
        return states.boolean
    if isinstance(default, int):
        return states.positive if default else states.count  # a seed may be 0; 0 units, windows or epochs are none
    return {float: states.number, str: states.text}.get(type(default), states.anything)


def _is_empty(folder, copies):
    """Whether the folder holds at most what a killed `create` leaves."""
    return all(
        path.name.startswith(".")
        or (path.name in copies and path.is_file() and path.read_bytes() == b"".join(copies[path.name]))
        for path in folder.iterdir()
    )
