"""The folder of an experiment: made, opened, gone on with, never overwritten by itself."""

import dataclasses
import json
from pathlib import Path

from nnlite import __version__, atomic, load_model


class ExperimentError(Exception):
    """A run folder is not what it should be. The message names it, says what is wrong, and what to do."""


class Experiment:
    """Base of all experiments: a folder, and the settings in it.

    An experiment defines `kind`, `Settings`, `FILES`, `model`, `data` and `fit`.

    Args:
        folder: where everything is kept; made by `create`.
        settings: by default those of the class.
    """

    kind: str  # in config.json, and how its folders are named
    Settings: type  # a dataclass of what JSON can write
    FILES: dict[str, str]  # what each file of the folder holds
    EARLIER: dict = {}  # noqa: RUF012  what runs did that do not have these settings yet, in their config.json

    def __init__(self, folder, settings=None):
        self.folder, self.settings = Path(folder), settings or self.Settings()

    def model(self):
        """The model before its training."""
        raise NotImplementedError(f"{type(self).__name__} has no model()")

    def data(self):
        """What to learn from and what to judge by, each a pair (x, y)."""
        raise NotImplementedError(f"{type(self).__name__} has no data()")

    def fit(self, callbacks=(), verbose="auto"):
        """Train, or go on with a training that was stopped, at whatever moment. Return the `History`."""
        raise NotImplementedError(f"{type(self).__name__} has no fit()")

    def saved_model(self):
        """The model in model.safetensors."""
        return load_model(self.folder / "model.safetensors")

    def write(self, name, data):
        """Write a file of the folder, all of it or nothing."""
        atomic.write(self.folder / name, data)

    def copies(self):
        """What the folder keeps of the data, as they may change elsewhere: bytes by the names of files."""
        return {}

    def facts(self):
        """What config.json holds besides the settings."""
        return {}

    def restore(self, facts):
        """Take what `facts` gave."""

    @property
    def exists(self):
        """Whether the folder holds an experiment already."""
        return (self.folder / "config.json").exists()

    def create(self, overwrite=False):
        """Make the folder and write the settings into it.

        Args:
            overwrite: remove the files of an older experiment of this kind there.

        Raises:
            ExperimentError: there is one and it is not to be overwritten, or the folder holds other things.
            ValueError, TypeError: the settings do not work. Nothing was written or removed then.
        """
        self.model(), self.data()
        copies = self.copies()
        if self.exists and not overwrite:
            raise ExperimentError(f"{self.folder} holds a run already")
        if self.exists and kind_of(self.folder) not in (self.kind, None):
            raise ExperimentError(f"{self.folder} holds a run on {kind_of(self.folder)}: choose another name")
        if not self.exists and self.folder.exists() and not _is_empty(self.folder, copies):
            raise ExperimentError(f"{self.folder} is there already, and it is no run folder: choose another name")
        # The settings go last and come first: without them the folder is no run, whatever is in it.
        for name in sorted(self.FILES, key="config.json".__eq__):
            (self.folder / name).unlink(missing_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, data in copies.items():
            self.write(name, data)
        settings = dataclasses.asdict(self.settings)
        config = {"nnlite": __version__, "experiment": self.kind, "settings": settings, **self.facts()}
        self.write("config.json", json.dumps(config, indent=2).encode() + b"\n")

    @classmethod
    def open(cls, folder):
        """The experiment in a folder.

        Raises:
            ExperimentError: there is none, or one of another kind, or its settings cannot be read.
        """
        path = Path(folder, "config.json")
        try:
            config = json.loads(path.read_text(encoding="utf-8"))
            settings = {k: tuple(v) if isinstance(v, list) else v for k, v in config["settings"].items()}
            if kind_of(folder) != cls.kind:
                raise ExperimentError(f"{folder} holds a run on {kind_of(folder)}, not on {cls.kind}")
            experiment = cls(folder, cls.Settings(**cls.EARLIER | settings))
            experiment.restore(config)
        except FileNotFoundError:
            raise ExperimentError(f"{folder} holds no run: there is no {path}") from None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ExperimentError(f"cannot read the settings in {path}: {error}") from error
        return experiment


def kind_of(folder):
    """The kind of experiment in a folder, such as "sonnets"; None where its config.json cannot be read."""
    try:
        config = json.loads(Path(folder, "config.json").read_text(encoding="utf-8"))
        return str(config.get("experiment", "sonnets"))  # the first experiment, and for some time the only one
    except (OSError, ValueError, AttributeError):
        return None


def find_runs(parent="runs", kind=None):
    """The run folders in a folder, all or those of one kind, the one worked on last at the end."""
    runs = [path.parent for path in Path(parent).glob("*/config.json")]
    runs = [run for run in runs if kind is None or kind_of(run) in (kind, None)]
    return sorted(runs, key=lambda run: max(file.stat().st_mtime for file in run.iterdir()))


def new_folder(name, parent="runs"):
    """The first of runs/sonnets, runs/sonnets-2, runs/sonnets-3 ... that nobody has taken."""
    names = (name if number == 1 else f"{name}-{number}" for number in range(1, 10**6))
    return next(folder for folder in (Path(parent, n) for n in names) if not folder.exists())


def _is_empty(folder, copies):
    """Whether it is a folder with nothing in it but what `create` leaves when it is killed."""
    return folder.is_dir() and all(
        path.name.startswith(".") or (path.name in copies and path.read_bytes() == copies[path.name])
        for path in folder.iterdir()
    )
