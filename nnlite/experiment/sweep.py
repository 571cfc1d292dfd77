"""Sweep: trainings of the minimal recipe, each with one setting changed, in parallel processes."""

import contextlib
import csv
import functools
import io
import json
import logging
import os
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import nnlite
from nnlite import extras
from nnlite.saving import states
from nnlite.saving.regular_file import read_json

from . import minimal_rnn
from .folder import Experiment, ExperimentError, InUseError, Pair, kind_of, own_folder
from .minimal_rnn import MinimalRNN

MOST = 1000  # trainings, each with a folder


@dataclass(frozen=True)
class Settings:
    """Settings to try. The baseline has the first of `units` and of `adagrad`; the other values replace one at a time.

    Args:
        units: hidden sizes.
        adagrad: learning rates of Adagrad.
        sgd: learning rates of plain SGD.
        iterations, seed: for every training.

    Raises:
        ValueError: units or adagrad is empty, or there are more than `MOST` values. The other settings are checked
            where they are used.
    """

    units: tuple[int, ...] = (100, 150, 200)
    adagrad: tuple[float, ...] = (0.1,)
    sgd: tuple[float, ...] = (0.01, 0.1)
    iterations: int = minimal_rnn.Settings.iterations
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("units", "adagrad"):
            if not getattr(self, name):
                raise ValueError(f"{name}: expected at least one, got none")
        if (tried := len(self.units) + len(self.adagrad) + len(self.sgd)) > MOST:
            raise ValueError(f"units, adagrad and sgd: expected at most {MOST} values together, got {tried}")


@dataclass(frozen=True)
class Result:
    """The result of one training. Smoothed losses are in nats per character.

    Attributes:
        name: name of its folder.
        units, optimizer, learning_rate: its settings.
        iteration, loss: the last iteration in its log, and the smoothed loss there.
        best_iteration, best_loss: the lowest smoothed loss, and its iteration.
        state: "waiting", "running", "done", "blew up", or "failed" after another error.
        seconds: duration, in the process that finished it; None before.
        problem: the error message, if any.
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
    def is_final(self) -> bool:
        """Whether the training has ended. One that has failed, as by a full disk, is tried again by the next `fit`."""
        return self.state in ("done", "blew up")


# Of a result in sweep.json.
RULES = {
    "name": states.text,
    "units": states.count,
    "optimizer": states.text,
    "learning_rate": states.number,
    "iteration": states.count,
    "loss": states.number,
    "best_iteration": states.count,
    "best_loss": states.number,
    "state": states.text,
    "seconds": states.optional(states.number),
    "problem": states.optional(states.text),
}


class Sweep(Experiment):
    """Trainings of the minimal recipe with different settings, in a run folder. Arguments are those of `Experiment`.

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
    FILES: ClassVar = {
        "config.json": "settings",
        "sweep.csv": "the table above",
        "sweep.json": "the same, with error messages",
        "curves.png": "all curves in one picture",
    }

    def __init__(self, folder: str | os.PathLike, settings: Any = None) -> None:
        super().__init__(folder, settings)
        s = self.settings
        first = s.units[0]
        tried = [(units, "adagrad", s.adagrad[0]) for units in s.units]
        tried += [(first, "adagrad", rate) for rate in s.adagrad[1:]] + [(first, "sgd", rate) for rate in s.sgd]
        self.runs = []
        for units, name, rate in dict.fromkeys(tried):
            recipe = minimal_rnn.Settings(
                units, optimizer=name, learning_rate=rate, iterations=s.iterations, seed=s.seed
            )
            short = f"{rate:g}"  # of 0.1234567 it would name the folder of another rate, too
            self.runs.append(
                MinimalRNN(self.folder / f"{units}-{name}-{short if float(short) == rate else rate}", recipe)
            )

    def model(self) -> nnlite.Sequential:
        """The model of the first training. All models are made, so that errors show before any training."""
        models = [run.model() for run in self.runs]
        return models[0]

    def data(self) -> Pair:
        return self.runs[0].data()

    def create(self, overwrite: bool = False) -> None:
        self.start  # noqa: B018  wrong settings fail before anything is removed
        if overwrite and kind_of(self.folder) == self.kind:
            self.check_folder()
            old = [run for run in Sweep.open(self.folder).runs if run.exists]
            for run in old:
                own_folder(run.folder)
                run.check_folder()
            for run in old:
                for name in run.FILES:
                    (run.folder / name).unlink(missing_ok=True)
                if not any(run.folder.iterdir()):
                    run.folder.rmdir()
        super().create(overwrite)

    def check_folder(self) -> None:
        super().check_folder()
        for run in self.runs:
            own_folder(run.folder)

    def fit(self, jobs: int | None = None, backend: str | None = None) -> Generator[Result, None, None]:
        """Train, or resume, all trainings that have not ended, in processes of one thread each.

        Yields each `Result` as it arrives, also of trainings that diverge. If it is stopped, finished trainings are
        kept, and the next `fit` does the rest.

        Processes of joblib's own backends are on this machine, and write into the run folders. Others may be anywhere:
        what they need and what they have made goes through the backend, and this process writes it; of a training that
        is stopped nothing is kept there.

        Args:
            jobs: number of processes; by default one for each core that this process may use.
            backend: of joblib, such as "dask"; by default that of `joblib.parallel_config`, or else "loky". Where there
                is no Dask client, it starts a cluster on this machine, or uses the one of DASK_SCHEDULER_ADDRESS.

        Raises:
            ImportError: a backend's package is not installed.
            ValueError: joblib knows no such backend, or it cannot hand over results one by one.
        """
        self.check_folder()
        if backend is not None:
            self.require_backend(backend)
        with self.alone(), engine(backend, jobs):
            yield from self._fit(jobs)

    @staticmethod
    def require_backend(backend: str) -> None:
        """Refuse a backend by which a sweep cannot run.

        Raises:
            ValueError: joblib knows no such backend, or it cannot hand over results one by one.

        Example:
            >>> from nnlite.experiment import Sweep
            >>> Sweep.require_backend("threading")
        """
        extras.require("sweep")
        from joblib import parallel

        known = {*parallel.BACKENDS, *parallel.EXTERNAL_BACKENDS} - {
            "multiprocessing"
        }  # which gives all results at once
        if backend not in known:
            raise ValueError(f"backend: expected one of joblib's, {', '.join(sorted(known))}, got {backend!r}")

    def _fit(self, jobs):
        extras.require("sweep")
        import joblib

        done = {result.name for result in self.results() if result.is_final}
        todo = [run for run in self.runs if run.folder.name not in done]
        backend, usual = joblib.parallel.get_active_backend()
        is_here = type(backend).__module__.startswith("joblib._parallel_backends")
        jobs = jobs or (usual if usual not in (None, 1) else joblib.cpu_count())
        if jobs > 0:
            jobs = min(jobs, max(1, len(todo)))
        parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
        # The longest first, so that no long training runs alone at the end.
        todo.sort(key=lambda run: -run.settings.units)
        by_name = {run.folder.name: run for run in todo}
        tasks = (
            joblib.delayed(train)(run.folder, run.settings, os.getpid(), None if is_here else files_of(run))
            for run in todo
        )
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "[0-9]+ tasks", UserWarning)  # "... were cancelled"
                for result, files in parallel(tasks):
                    keep(by_name[result.name], files)
                    self._save({**self._saved(), result.name: result})
                    yield result
        except Exception as error:
            if type(error).__name__ not in ("BrokenProcessPool", "TerminatedWorkerError", "KilledWorker"):
                raise
            raise ExperimentError(
                f"a process of the sweep in {self.folder} was killed, perhaps because memory ran out. Finished "
                f"trainings are kept: resume with fewer processes"
            ) from error

    @property
    def is_finished(self) -> bool:
        return all(result.is_final for result in self.results())

    def results(self) -> list[Result]:
        """The current `Result` of each training."""
        saved = self._saved()
        return [saved.get(run.folder.name) or measure(run) for run in self.runs]

    def draw(self) -> None:
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

    # Results in the folder.

    def _saved(self):
        """The final results, by name."""
        try:
            path = self.folder / "sweep.json"
            records = read_json(path) if path.is_file() else []
            states.list_of(lambda name, record: states.fields(name, record, RULES))("results", records)
            return {record["name"]: Result(**record) for record in records}
        except ValueError as error:
            raise ExperimentError(f"cannot read {path}: {error}. Remove it to train again") from error

    def _save(self, results):
        records = [asdict(results[run.folder.name]) for run in self.runs if run.folder.name in results]
        self.write("sweep.json", json.dumps(records, indent=2).encode() + b"\n")
        table = io.StringIO()
        writer = csv.DictWriter(table, records[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
        self.write("sweep.csv", table.getvalue().encode())


@contextlib.contextmanager
def engine(backend: str | None, jobs: int | None) -> Iterator[None]:
    """What runs the trainings: a backend of joblib, with its cluster if that is Dask's and there is none yet."""
    if backend is None:
        yield
        return
    import joblib

    with contextlib.ExitStack() as stack:
        if backend == "dask":
            try:
                import dask
                from dask.distributed import Client, get_client
            except ImportError as error:
                raise ImportError(f"backend='dask' needs it: pip install 'nnlite-learn[dask]' ({error})") from error
            try:
                get_client()
            except ValueError:
                own = {"n_workers": jobs or joblib.cpu_count(), "threads_per_worker": 1, "dashboard_address": None}
                own["silence_logs"] = logging.CRITICAL  # of workers that Ctrl-C ends
                stack.enter_context(Client(**{} if dask.config.get("scheduler-address", None) else own))
        stack.enter_context(joblib.parallel_config(backend))
        yield


def files_of(run: MinimalRNN) -> dict[str, bytes]:
    """The files of a training, by name."""
    return {name: path.read_bytes() for name in run.FILES if (path := run.folder / name).is_file()}


def keep(run: MinimalRNN, files: dict[str, bytes]) -> None:
    """Write the files that another machine has made."""
    if files and not run.exists:
        run.create()
    for name, data in files.items():
        run.write(name, data)


def train(
    folder: Path, settings: minimal_rnn.Settings, parent: int, files: dict[str, bytes] | None = None
) -> tuple[Result, dict[str, bytes]]:
    """Run one training in its own process. Return its `Result`, also after an error, and the files that it has made.

    Args:
        parent: the process of the sweep.
        files: those that it goes on from, where the folder is on another machine; else None, and it makes them there.
    """
    if os.getpid() != parent:  # joblib runs a single job in the parent
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes: the parent ends the others
        nnlite.set_num_threads(1)
        if files is None:
            end_with(parent)
    with contextlib.ExitStack() as stack:
        if files is not None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nnlite-")), folder.name)
            folder.mkdir()
            for name, data in files.items():
                (folder / name).write_bytes(data)
        run = MinimalRNN(folder, settings)
        result = finish(run)
        return result, {} if files is None else files_of(run)


@functools.cache
def end_with(parent: int) -> None:
    """Let this process end with the one that started it, even where that is killed."""

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def finish(run: MinimalRNN) -> Result:
    """Run a training, or its rest."""
    start = time.perf_counter()
    try:
        if not run.exists:
            run.create()
        run.draw(run.fit(verbose=0).history)
        state, problem = "done", None
    except nnlite.NonFiniteLossError as error:
        state, problem = "blew up", str(error)
    except InUseError:  # of a sweep that was killed, whose processes may train on: nothing has failed
        raise
    except Exception as error:  # a failed training must not stop the others
        state, problem = "failed", f"{type(error).__name__}: {error}"
    return measure(run, state, time.perf_counter() - start, problem)


def measure(
    run: MinimalRNN, state: str | None = None, seconds: float | None = None, problem: str | None = None
) -> Result:
    """The `Result` of a training, from its log. Without a state the training has not ended."""
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
