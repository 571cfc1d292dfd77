"""nnlite ladder: from Python loops to the limit of the machine, rung by rung."""

import os
from typing import Annotated

import typer

from nnlite import machine, roofline
from nnlite.ladder import Rung, Step, climb, rungs
from nnlite.ladder.climbing import blas
from nnlite.roofline import compiler

from .options import Threads, number
from .runs import command, console

ONE_RUN = "one run"
WIDTH = 44  # of a title


def ladder(
    name: Annotated[str, typer.Argument(help="conv2d or lstm.", metavar="conv2d|lstm")],
    rung: Annotated[int | None, typer.Argument(help="Show the code of this rung, and run nothing.", min=1)] = None,
    start: Annotated[int, number("Machine", "Leave out the rungs below this one, which take seconds.")] = 1,
    batch: Annotated[
        int | None, number("Machine", "Images, or sequences: a multiple of 6; by default 32 and 24.")
    ] = None,
    threads: Threads = None,
) -> None:
    """Climb from Python loops to nnlite's own kernel: one forward pass, written again and again, timed on this machine.

    Each rung is a file of at most twenty lines. Those in Cython and C are compiled when they first run. The share is
    that of the measured peak of the cores in use, counted by the definition's multiplications and additions; the
    difference is the largest from the rung before.

    Examples:

        nnlite ladder conv2d
        nnlite ladder conv2d 7
        nnlite ladder conv2d --start 3
        nnlite ladder lstm --threads 1
    """
    steps = rungs(name)
    if max(rung or 1, start) > len(steps):
        raise ValueError(f"ladder: expected a rung from 1 to {len(steps)}, got {max(rung or 1, start)}")
    if rung is not None:
        show(steps[rung - 1])
        return
    peak = None
    try:
        limits = roofline.measure()
        peak = limits.peak
        known = (
            f"{compiler.compiler().version}, vectors of {limits.vector} bits; a core's peak: {peak / 1e9:.0f} GFLOP/s"
        )
    except RuntimeError:  # the rungs that need it say why
        known = "without a C compiler the peak is not measured"
    console.print(f"{machine.cpu_model()}; {known}; NumPy's BLAS, on one thread: {blas()}.\n")
    console.out(f"{'':4}{'':{WIDTH}}{'ms':>12} {'of peak':>8} {'difference':>11}", highlight=False)
    climbed = []
    only = range(start, len(steps) + 1)
    for place, step in zip(only, climb(name, batch, threads, peak, only=only), strict=True):
        console.out(line(place, step), highlight=False)
        climbed.append(step)
    for note in notes(climbed, start):
        console.print(note)
    console.print(f"\nRead one:  {command('ladder', name, 4)}")


def line(place: int, step: Step) -> str:
    """A row of the table."""
    title = step.rung.title + (f", {step.threads} threads" if step.threads > 1 else "")
    start = f"{place:2}  {title:{WIDTH}}"
    if step.seconds is None:
        return f"{start}{'-':>10}"
    mark = {"best of several": " ", ONE_RUN: "'"}.get(step.measured, "*")
    share = "" if step.share is None else f"{100 * step.share:.{1 if step.share < 0.1 else 0}f} %"
    difference = "" if step.difference is None else f"{step.difference:.1e}"
    milliseconds = 1e3 * step.seconds
    return f"{start}{milliseconds:10,.{0 if milliseconds > 99 else 2}f} {mark} {share:>7} {difference:>11}"


def notes(steps: list[Step], start: int = 1) -> list[str]:
    """What the marks mean, and what is missing why."""
    found = []
    if parts := [step for step in steps if "times" in step.measured]:
        found.append(f"* scaled: measured on {parts[0].measured}")
    if any(step.measured == ONE_RUN for step in steps):
        found.append("' one run; all other times are the best of several runs")
    if arch := os.environ.get("NNLITE_ARCH"):
        found.append(
            f"NNLITE_ARCH={arch}: the peak and the rungs in Cython and C keep to it; BLAS and nnlite's own kernel may "
            f"not, and then stand above the peak"
        )
    for reason in dict.fromkeys(step.missing for step in steps if step.missing):
        places = [str(place) for place, step in enumerate(steps, start) if step.missing == reason]
        found.append(f"- rung{'s' * (len(places) > 1)} {', '.join(places)}: {reason}")
    return ["", *found] if found else []


def show(rung: Rung) -> None:
    """Print a rung's file."""
    console.print(f"{rung.path}\n", style="dim")
    console.out(rung.source, highlight=False)
