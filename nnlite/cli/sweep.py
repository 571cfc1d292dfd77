"""nnlite sweep: the minimal recipe, with one setting changed at a time."""

from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live
from rich.table import Table

from nnlite.experiment import ExperimentError, Sweep

from .options import Force, Resume, Seed, number, option, out
from .runs import begin, command, console, list_files, stoppable

Settings = Sweep.Settings
UNITS, ADAGRAD, SGD = list(Settings.units), list(Settings.adagrad), list(Settings.sgd)


def sweep(
    context: typer.Context,
    units: Annotated[list[int], number("Tried", "Hidden sizes. Repeat it for each.")] = UNITS,
    adagrad: Annotated[
        list[float], number("Tried", "Learning rates with Adagrad. Repeat it for each.", min=0)
    ] = ADAGRAD,
    sgd: Annotated[list[float], number("Tried", "Learning rates with plain SGD. Repeat it for each.", min=0)] = SGD,
    iterations: Annotated[int, number("Learning", "Windows that each model reads.")] = Settings.iterations,
    seed: Seed = Settings.seed,
    jobs: Annotated[
        int | None, number("Machine", "Parallel trainings, one core each; by default all cores.", max=1024)
    ] = None,
    backend: Annotated[
        str | None,
        option(
            "Machine",
            "What runs them: a backend of joblib. By default loky, processes on this machine; dask: a cluster, that of "
            "DASK_SCHEDULER_ADDRESS or one on this machine.",
            metavar="NAME",
        ),
    ] = None,
    out: Annotated[Path | None, out("sweep")] = None,
    resume: Resume = False,
    force: Force = False,
) -> None:
    """Train the minimal recipe with other hidden sizes, and with SGD instead of Adagrad; compare the curves.

    The baseline has the first hidden size and the first learning rate of Adagrad; every other training changes one of
    these. A training that diverges is a row of the table like the others.

    Examples:

        nnlite sweep
        nnlite sweep --units 50 --units 100 --units 400 --iterations 10000
        nnlite sweep --backend dask
        nnlite sweep --resume
    """
    if backend is not None:
        Sweep.require_backend(backend)  # before there is a folder
    run = begin(Sweep, context, "sweep", "plot")
    with stoppable(run, context, "the finished trainings and the checkpoints of the others"):
        train_all(run, jobs, backend)
    list_files(run)
    console.print(f"  {run.runs[0].folder.name + '/ ...':24} a run folder for each training")
    if failed := [result.name for result in run.results() if result.state == "failed"]:
        again = command("sweep", "--resume", "--out", run.folder)
        raise ExperimentError(
            f"{len(failed)} of {len(run.runs)} trainings failed ({', '.join(failed)}): try again: {again}"
        )


def train_all(run: Sweep, jobs: int | None, backend: str | None) -> None:
    """Train and show the progress: a live table in a terminal, elsewhere a line for each finished training."""
    finished = run.fit(jobs, backend)
    try:
        if console.is_terminal:
            with Live(console=console, get_renderable=lambda: table(run), refresh_per_second=2, transient=True):
                for _ in finished:
                    pass
        else:
            for result in finished:
                reached = f"{result.loss:.3f} nats per character after {result.iteration:,} iterations"
                console.print(f"{result.name}: {f'{result.state}: {result.problem}' if result.problem else reached}")
    finally:  # also after Ctrl-C
        finished.close()
        run.draw()
        console.print(table(run, ongoing="stopped"))


def table(run: Sweep, ongoing: str = "running") -> Table:
    """A table of all trainings; `ongoing` is the state of those that have begun."""
    rows = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("units", "optimizer", "rate", "iteration", "smoothed loss", "lowest", "at", "seconds", ""):
        rows.add_column(name, justify="left" if name in ("optimizer", "") else "right")
    for r in run.results():
        rows.add_row(
            f"{r.units}", r.optimizer, f"{r.learning_rate:g}", f"{r.iteration:,}", f"{r.loss:.3f}",
            f"{r.best_loss:.3f}", f"{r.best_iteration:,}", "" if r.seconds is None else f"{r.seconds:.1f}",
            ongoing if r.state == "running" else r.state,
        )  # fmt: skip
    return rows
