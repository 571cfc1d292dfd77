"""nnlite sweep: the minimal recipe with one thing changed at a time."""

from typing import Annotated

import typer
from rich.live import Live
from rich.table import Table

from nnlite.experiment import Sweep

from .options import Force, Resume, Seed, number, out
from .runs import begin, console, list_files, stoppable

Settings = Sweep.Settings


def sweep(
    context: typer.Context,
    units: Annotated[list[int], number("Tried", "Hidden sizes. Repeat it for each.")] = Settings.units,
    adagrad: Annotated[list[float], number("Tried", "Learning rates with Adagrad. Repeat it for each.", min=0)] = (
        Settings.adagrad
    ),
    sgd: Annotated[list[float], number("Tried", "Learning rates with plain SGD. Repeat it for each.", min=0)] = (
        Settings.sgd
    ),
    iterations: Annotated[int, number("Learning", "Windows that each model reads.")] = Settings.iterations,
    seed: Seed = Settings.seed,
    jobs: Annotated[
        int | None, number("Machine", "Trainings at the same time, one core each; by default all cores.", max=1024)
    ] = None,
    out: out("sweep") = None,
    resume: Resume = False,
    force: Force = False,
):
    """Train by the minimal recipe with other hidden sizes, and with SGD in place of Adagrad; compare the curves.

    The first hidden size with the first rate of Adagrad is the recipe; each of the others is changed alone. A training
    that blows up is a row of the table like any other.

    Examples:

        nnlite sweep
        nnlite sweep --units 50 --units 100 --units 400 --iterations 10000
        nnlite sweep --resume
    """
    values = {**context.params, "units": tuple(units), "adagrad": tuple(adagrad), "sgd": tuple(sgd)}
    run = begin(Sweep, values, context, out, resume, force)
    with stoppable(run, context, "all trainings that are done, and of the others what they have saved"):
        train_all(run, jobs)
    list_files(run)
    console.print(f"  {run.runs[0].folder.name + '/ ...':24} a run folder for each training")


def train_all(run, jobs):
    """Train, and show how far all are: in a terminal all the time, elsewhere a line for each that is done."""
    finished = run.fit(jobs)
    try:
        if console.is_terminal:
            with Live(console=console, get_renderable=lambda: table(run), refresh_per_second=2, transient=True):
                for _ in finished:
                    pass
        else:
            for result in finished:
                console.print(f"{result.name}: {outcome(result)}")
    finally:  # also where they were stopped
        finished.close()
        run.draw()
        console.print(table(run, ongoing="stopped"))


def table(run, ongoing="running"):
    """All trainings as they stand, with a word for those that have begun."""
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


def outcome(result):
    if result.problem:
        return f"{result.state}: {result.problem}"
    return f"{result.loss:.3f} nats per character after {result.iteration:,} iterations"
