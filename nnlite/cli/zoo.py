"""nnlite zoo: planted bugs to find."""

import math
import statistics
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from nnlite import plot
from nnlite.saving import atomic_file
from nnlite.zoo import Exhibit, check, exhibit, exhibits, hint, losses, write
from nnlite.zoo.file import POINTS, between

from .runs import command, console, require_mark

ACTIONS = ("check", "hint")


def zoo(
    what: Annotated[
        str | None,
        typer.Argument(help="An exhibit, such as lstm-07; or check, or hint, and a file.", metavar="[NAME|check|hint]"),
    ] = None,
    file: Annotated[
        Path | None, typer.Argument(help="The file to check, or to get a hint on.", metavar="[FILE]")
    ] = None,
) -> None:
    """Find planted bugs: kernels with one mistake in each, many of which train all the same.

    Without a name it lists all exhibits. With one it writes the exhibit's file and its loss curve beside the right one.
    Read the file, mend it, and let it be checked.

    Examples:

        nnlite zoo
        nnlite zoo lstm-07
        nnlite zoo hint lstm_07.py
        nnlite zoo check lstm_07.py
    """
    if what in ACTIONS:
        if file is None:
            raise ValueError(f"zoo {what}: expected a file: {command('zoo', what, 'lstm_07.py')}")
        _checked(file) if what == "check" else _hinted(file)
    elif file is not None:
        raise ValueError(f"zoo: expected check or hint before a file, got {what!r}: {command('zoo', 'check', file)}")
    elif what is None:
        console.print(_table())
        console.print(f"\nTake one:  {command('zoo', 'lstm-07')}")
    else:
        _written(exhibit(what))


def _table():
    rows = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("exhibit", "difficulty", "loss after 150 steps", "right"):
        rows.add_column(name)
    for one in exhibits().values():
        rows.add_row(one.name, "*" * one.difficulty, between(one.loss), between(one.right))
    return rows


def _written(one: Exhibit) -> None:
    picture = Path.cwd() / Path(one.file_name).with_suffix(".png")
    require_mark(picture, b"nnlite", 200, "a picture of nnlite zoo", "move it elsewhere")
    path = write(one, Path.cwd())
    console.print(f"Training for 150 steps with the mistake, and without it ({one.task}) ...")
    curves = {
        name: losses(one.task, one.kernel, module) for name, module in (("right", None), (one.name, one.module()))
    }
    points = {name: _smoothed(found) for name, found in curves.items()}
    atomic_file.write(picture, plot.png(plot.learning_curves, points))
    console.print(f"  {path.name:20} nnlite's NumPy version of {one.kernel}, with one mistake in it")
    console.print(f"  {picture.name:20} its loss, and the right one")
    console.print(f"\nMend it, then:  {command('zoo', 'check', Path(path.name))}")


def _smoothed(found):
    """Steps, and the mean loss of the last ten at each, until it is no number."""
    finite = next((step for step, loss in enumerate(found) if not math.isfinite(loss)), len(found))
    means = [statistics.mean(found[max(0, step - 9) : step + 1]) for step in range(finite)]
    return range(1, finite + 1), means


def _checked(path: Path) -> None:
    found, attempts = check(path)
    if not found:
        times = f"{attempts.checks} {'attempts' if attempts.checks > 1 else 'attempt'}"
        console.print(f"Mended, after {times}: {attempts.points} of {POINTS} points.")
        return
    first, *others = dict.fromkeys(problem.scenario for problem in found)
    console.print(f"{first}:")
    for problem in found:
        if problem.scenario == first:
            console.out(f"  {problem.message}", highlight=False)
    if others:
        console.print(f"Wrong, too: {'; '.join(others)}")
    console.print(f"\nNot yet (attempt {attempts.checks}). A hint:  {command('zoo', 'hint', path)}")
    raise typer.Exit(1)


def _hinted(path: Path) -> None:
    text, attempts = hint(path)
    console.print(text, highlight=False)
    console.print(f"({attempts.points} of {POINTS} points are left.)")
