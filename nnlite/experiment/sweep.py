"""A sweep: the minimal recipe many times over, each time with one thing changed, in parallel processes.

config.json              the settings
100-adagrad-0.1/ ...     a run folder for each training
sweep.csv                what came of them, as a table
sweep.json               the same, with the messages of those that blew up
curves.png               all their curves
"""

import csv
import io
import json
import os
import signal
import time
import warnings
from dataclasses import asdict, dataclass

import nnlite

from . import minimal_rnn
from .folder import Experiment, ExperimentError, kind_of, own_folder
from .minimal_rnn import MinimalRNN


@dataclass(frozen=True)
class Settings:
    """What is tried. The first of `units` with the first rate of `adagrad` is the recipe; each other is changed alone.

    Args:
        units: hidden sizes.
        adagrad: learning rates of Adagrad.
        sgd: learning rates of plain gradient descent.
        iterations, seed: of each training.

    Raises:
        ValueError: there is no hidden size, or no rate of Adagrad. Other settings are checked where they are used.
    """

    units: tuple[int, ...] = (100, 150, 200)
    adagrad: tuple[float, ...] = (0.1,)
    sgd: tuple[float, ...] = (0.01, 0.1)
    iterations: int = minimal_rnn.Settings.iterations
    seed: int = 0

    def __post_init__(self):
        for name in ("units", "adagrad"):
            if not getattr(self, name):
                raise ValueError(f"{name}: expected at least one, got none")


@dataclass(frozen=True)
class Result:
    """What came of one training; its smoothed losses are in nats per character.

    Attributes:
        name: of its folder.
        units, optimizer, learning_rate: what it was trained with.
        iteration, loss: how far it came by the last line of its log, and the smoothed loss there.
        best_iteration, best_loss: where the smoothed loss was lowest.
        state: "waiting", "running", "done" or "blew up"; another error is "failed".
        seconds: that it took, in the process that ended it; None until then.
        problem: what the error said.
    """

    name: str
    units: int
    optimizer: str
    learning_rate: float
    iteration: int
    loss: float
    best_iteration: int
    best_loss: float
    state: str
    seconds: float | None = None
    problem: str | None = None

    @property
    def is_final(self):
        return self.state not in ("waiting", "running")


class Sweep(Experiment):
    """Trainings by the minimal recipe, with different settings, in a folder of their own.

    Args:
        folder: where everything is kept; made by `create`.
        settings: by default those of the class.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from nnlite.experiment import Sweep
        >>> settings = Sweep.Settings(units=(4, 8), sgd=(0.01,), iterations=20)
        >>> [run.folder.name for run in Sweep("unused", settings).runs]
        ['4-adagrad-0.1', '8-adagrad-0.1', '4-sgd-0.01']
    """

    kind = "sweep"
    Settings = Settings
    FILES = {  # noqa: RUF012
        "config.json": "settings",
        "sweep.csv": "the table above",
        "sweep.json": "the same, with all messages",
        "curves.png": "all curves in one picture",
    }

    def __init__(self, folder, settings=None):
        super().__init__(folder, settings)
        s = self.settings
        first = s.units[0]
        tried = [(units, "adagrad", s.adagrad[0]) for units in s.units]
        tried += [(first, "adagrad", rate) for rate in s.adagrad[1:]] + [(first, "sgd", rate) for rate in s.sgd]
        self.runs = [
            MinimalRNN(
                self.folder / f"{units}-{optimizer}-{rate:g}",
                MinimalRNN.Settings(
                    units, optimizer=optimizer, learning_rate=rate, iterations=s.iterations, seed=s.seed
                ),
            )
            for units, optimizer, rate in dict.fromkeys(tried)
        ]

    def model(self):
        """The model of the first training. All are made, so that what is wrong shows before anything is trained."""
        models = [run.model() for run in self.runs]
        return models[0]

    def data(self):
        return self.runs[0].data()

    def create(self, overwrite=False):
        self.model()
        if overwrite and kind_of(self.folder) == self.kind:
            self.check_folder()
            old = [run for run in Sweep.open(self.folder).runs if run.exists]
            for run in old:
                own_folder(run.folder)
                run.check_folder()
            for run in old:
                _remove(run)
        super().create(overwrite)

    def check_folder(self):
        super().check_folder()
        for run in self.runs:
            own_folder(run.folder)

    def fit(self, jobs=None):
        """Train all that are not done yet, or go on with them, in processes of one thread each.

        Yield each `Result` as it comes; one that blew up is a result, too. Where this is stopped in between, what is
        done stays in the folder, and the next `fit` does the rest.

        Args:
            jobs: how many processes; by default one for each core that this one may use.
        """
        import joblib

        self.check_folder()
        done = {result.name for result in self.results() if result.is_final}
        todo = [run for run in self.runs if run.folder.name not in done]
        jobs = min(jobs or joblib.cpu_count(), max(1, len(todo)))
        parallel = joblib.Parallel(n_jobs=jobs, backend="loky", return_as="generator_unordered", batch_size=1)
        # The longest first: what begins last should not keep all others waiting.
        todo.sort(key=lambda run: -run.settings.units)
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "[0-9]+ tasks", UserWarning)  # were cancelled: that is known
                for result in parallel(joblib.delayed(train)(run.folder, run.settings, os.getpid()) for run in todo):
                    self._save({**self._saved(), result.name: result})
                    yield result
        except joblib.externals.loky.BrokenProcessPool as error:
            raise ExperimentError(
                f"a process of the sweep in {self.folder} was ended from outside, perhaps for want of memory. What was "
                f"done by then is kept: go on with it, with fewer processes"
            ) from error

    def results(self):
        """A `Result` for each training, as it stands."""
        saved = self._saved()
        return [saved.get(run.folder.name) or measure(run) for run in self.runs]

    def draw(self):
        """Draw all curves into curves.png."""
        from nnlite import plot

        curves = {}
        for run in self.runs:
            s, curve = run.settings, run.curve()
            if len(curve[0]) > 1:
                curves[f"{s.units} units, {s.optimizer} {s.learning_rate:g}"] = curve
        if curves:
            landmarks = self.runs[0].landmarks
            self.write("curves.png", plot.png(plot.learning_curves, curves, size=(8.0, 5.0), landmarks=landmarks))

    # The numbers in the folder.

    def _saved(self):
        """The results that are final, by their names."""
        try:
            path = self.folder / "sweep.json"
            records = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
            return {record["name"]: Result(**record) for record in records}
        except (RecursionError, ValueError, TypeError, KeyError) as error:
            raise ExperimentError(f"cannot read {path}: {error}. Remove it, to train anew") from error

    def _save(self, results):
        records = [asdict(results[run.folder.name]) for run in self.runs if run.folder.name in results]
        self.write("sweep.json", json.dumps(records, indent=2).encode() + b"\n")
        table = io.StringIO()
        writer = csv.DictWriter(table, records[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
        self.write("sweep.csv", table.getvalue().encode())


def train(folder, settings, parent):
    """One training, in a process of its own. Return its `Result`, whatever happens in it."""
    if os.getpid() != parent:  # a single process is spared
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes: the first one ends the others
        nnlite.set_num_threads(1)
    run = MinimalRNN(folder, settings)
    start = time.perf_counter()
    try:
        if not run.exists:
            run.create()
        run.draw(run.fit(verbose=0).history)
        state, problem = "done", None
    except nnlite.NonFiniteLossError as error:
        state, problem = "blew up", str(error)
    except Exception as error:  # one training that fails is no reason to lose the others
        state, problem = "failed", f"{type(error).__name__}: {error}"
    return measure(run, state, time.perf_counter() - start, problem)


def measure(run, state=None, seconds=None, problem=None):
    """The `Result` of a training, by its log. Without a state it is one that has not come to its end."""
    s = run.settings
    iterations, losses = run.curve()
    best = min(range(len(losses)), key=losses.__getitem__)
    return Result(
        name=run.folder.name,
        units=s.units,
        optimizer=s.optimizer,
        learning_rate=s.learning_rate,
        iteration=iterations[-1],
        loss=losses[-1],
        best_iteration=iterations[best],
        best_loss=losses[best],
        state=state or ("running" if run.exists else "waiting"),
        seconds=seconds,
        problem=problem,
    )


def _remove(run):
    """Remove the files of a run, and the folder if nothing else is in it."""
    for name in run.FILES:
        (run.folder / name).unlink(missing_ok=True)
    if not any(run.folder.iterdir()):
        run.folder.rmdir()
