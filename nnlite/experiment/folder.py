"""The folder of an experiment: made, opened, gone on with, never overwritten by itself."""

import dataclasses
import json
import os
from pathlib import Path

from nnlite import __version__, load_model
from nnlite.saving import atomic_file, checkpoint, states


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
        """Write a file of the folder, all of it or nothing.

        Raises:
            ExperimentError: the folder holds no run of this kind, or something else is in the file's place.
        """
        self._require_kind()
        self._put(name, data)

    def _put(self, name, data):
        atomic_file.write(own_place(self.folder / name), data)

    def pattern(self, name):
        """The path of a file of the folder for `ModelCheckpoint`, which would fill in what its name has in braces."""
        return str(self.folder / name).replace("{", "{{").replace("}", "}}")

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
        """Whether the folder holds an experiment of nnlite already, of whatever kind."""
        return kind_of(self.folder) is not None

    def create(self, overwrite=False):
        """Make the folder and write the settings into it.

        What is in the folder already stays, unless it is a run of this kind and is to be overwritten: then the files
        of that run are removed, and whatever else is there stays.

        Args:
            overwrite: remove the files of an older experiment of this kind there.

        Raises:
            ExperimentError: there is one and it is not to be overwritten, or the folder holds other things, or one of
                its files is not from that experiment.
            ValueError, TypeError: the settings do not work. Nothing was written or removed then.
        """
        self.model(), self.data()
        copies, kind = self.copies(), kind_of(self.folder)
        if kind is not None:
            if not overwrite:
                raise ExperimentError(f"{self.folder} holds a run already")
            self.check_folder()
            # The settings go last and come first: without them the folder is no run, whatever is in it.
            for name in sorted(self.kept(read_config(self.folder)), key="config.json".__eq__):
                (self.folder / name).unlink(missing_ok=True)
        elif os.path.lexists(self.folder) and not _is_empty(self.folder, copies):
            raise ExperimentError(f"{self.folder} is there already, and it is no run folder: choose another name")
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, data in copies.items():
            self._put(name, data)
        settings = dataclasses.asdict(self.settings)
        config = {"nnlite": __version__, "experiment": self.kind, "settings": settings, **self.facts()}
        self._put("config.json", json.dumps(config, indent=2).encode() + b"\n")

    def check_folder(self):
        """Refuse a folder that is not to be written into: `fit` and `create` call it before they do.

        Raises:
            ExperimentError: it holds no run of this kind; or in the place of one of its files is a link, a folder, or a
                file that no such run has written.
        """
        self._require_kind()
        config = read_config(self.folder)
        for name in dict.fromkeys(self.kept(config) + self.kept(self.facts())):
            path = own_place(self.folder / name)
            if path.exists() and not self.is_own(path, config):
                raise ExperimentError(
                    f"{path} is not from the run in this folder, which would overwrite it: move it to another folder"
                )

    def kept(self, config):
        """The names of the files that a run with that config.json keeps: of `FILES`, all or some."""
        return list(self.FILES)

    def is_own(self, path, config):
        """Whether a file with one of these names is from the run with that config.json, as far as one can see.

        Models and checkpoints carry nnlite's mark. Other files are known by their names alone.
        """
        return path.suffix != ".safetensors" or checkpoint.is_ours(path)

    def _require_kind(self):
        kind = kind_of(self.folder)
        if kind is None:
            raise ExperimentError(f"{self.folder} holds no run yet: make one with create()")
        if kind != self.kind:
            raise ExperimentError(f"{self.folder} holds a run on {kind}: choose another name")

    @classmethod
    def open(cls, folder):
        """The experiment in a folder.

        Raises:
            ExperimentError: there is none, or one of another kind, or its settings cannot be read.
        """
        config = read_config(folder)
        if kind_of(folder) != cls.kind:
            raise ExperimentError(f"{folder} holds a run on {kind_of(folder)}, not on {cls.kind}")
        try:
            for field in dataclasses.fields(cls.Settings):
                if field.name in config["settings"]:
                    _rule(field.default)(field.name, config["settings"][field.name])
            settings = {k: tuple(v) if isinstance(v, list) else v for k, v in config["settings"].items()}
            experiment = cls(folder, cls.Settings(**cls.EARLIER | settings))
            experiment.restore(config)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ExperimentError(f"cannot read the settings in {Path(folder, 'config.json')}: {error}") from error
        return experiment


def read_config(folder):
    """What config.json says of the run in a folder.

    Raises:
        ExperimentError: there is none, or none that a run of nnlite has written: many programs have a config.json.
    """
    path = Path(folder, "config.json")
    try:
        if not path.is_file():  # a pipe would be waited for
            raise ExperimentError(f"{folder} holds no run: there is no {path}")
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, RecursionError, ValueError) as error:
        raise ExperimentError(f"cannot read the settings in {path}: {error}") from error
    # Runs of the first experiment, for some time the only one, do not say which they are: their vocabulary does.
    known = {"nnlite": str, "settings": dict}
    known |= {"experiment": str} if isinstance(config, dict) and "experiment" in config else {"vocabulary": dict}
    if not (isinstance(config, dict) and all(isinstance(config.get(key), kind) for key, kind in known.items())):
        raise ExperimentError(f"cannot read the settings in {path}: another program wrote it, {folder} holds no run")
    return config


def kind_of(folder):
    """The kind of experiment in a folder, such as "sonnets"; None where its config.json is not one of nnlite's."""
    try:
        return read_config(folder).get("experiment", "sonnets")
    except ExperimentError:
        return None


def own_place(path):
    """The path, where there is a file, or nothing yet.

    A link would lead what is written to wherever it points, and a stranger's run folder may hold one to any file of the
    user's. It is not replaced by a file either: it may be there for a reason, such as a larger disk, and then whoever
    put it there has to know.

    Raises:
        ExperimentError: there is a symbolic link, a folder, a pipe or a device.
    """
    path = Path(path)
    if path.is_symlink():
        raise ExperimentError(
            f"{path} is a symbolic link: a run writes no file outside its folder. Put the file itself there, or remove "
            f"the link"
        )
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "no file but a pipe or a device"
        raise ExperimentError(f"{path} is {what}, where a file of the run belongs: remove it")
    return path


def own_folder(path):
    """The path of a folder inside a run folder, where there is one, or nothing yet.

    Raises:
        ExperimentError: there is a symbolic link, or something else.
    """
    path = Path(path)
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        what = "a symbolic link" if path.is_symlink() else "no folder"
        raise ExperimentError(f"{path} is {what}, where a folder of the run belongs: remove it")
    return path


def find_runs(parent="runs", kind=None):
    """The run folders in a folder, all or those of one kind, the one worked on last at the end."""
    runs = [path.parent for path in Path(parent).glob("*/config.json")]
    runs = [run for run in runs if kind_of(run) is not None and kind in (None, kind_of(run))]
    return sorted(runs, key=lambda run: max(file.lstat().st_mtime for file in run.iterdir()))


def new_folder(name, parent="runs"):
    """The first of runs/sonnets, runs/sonnets-2, runs/sonnets-3 ... that nobody has taken."""
    names = (name if number == 1 else f"{name}-{number}" for number in range(1, 10**6))
    return next(folder for folder in (Path(parent, n) for n in names) if not os.path.lexists(folder))


def _rule(default):
    """What a setting with that default has to be in a config.json, which may come from anybody."""
    if isinstance(default, tuple) and default:
        return states.list_of(_rule(default[0]))
    return {int: states.whole, float: states.number, str: states.text}.get(type(default), states.anything)


def _is_empty(folder, copies):
    """Whether it is a folder with nothing in it but what `create` leaves when it is killed."""
    return folder.is_dir() and all(
        path.name.startswith(".") or (path.name in copies and path.is_file() and path.read_bytes() == copies[path.name])
        for path in folder.iterdir()
    )
