"""nnlite bench: how fast the kernels are here, beside what this machine can do."""

from pathlib import Path
from typing import Annotated

from rich.table import Table

from nnlite import extras, machine, plot, report, roofline
from nnlite.roofline import Machine, Placed
from nnlite.saving import atomic_file

from .options import option
from .play import own_page
from .runs import console

HEADINGS = ("kernel", "sizes", "ms", "GFLOP/s", "per byte", "of its roof")


def bench(
    picture: Annotated[
        bool, option("Output", "Draw them below the roofline of this machine, on a page.", "--roofline")
    ] = False,
    out: Annotated[Path, option("Output", "Where to write the page.", metavar="FILE")] = Path("roofline.html"),
) -> None:
    """Measure one core, and every kernel on it.

    Arithmetic limits a kernel that computes much with each byte, the bandwidth of memory one that computes little: the
    less of both is its roof, of the nearest cache that holds its numbers. Above it are convolutions of 3 x 3, which
    need fewer multiplications than the definition, by which all are counted; and SGD, as changing a number in place
    fetches one number less than the measured a = b + s c.

    Examples:

        nnlite bench
        nnlite bench --roofline
    """
    extras.require("ladder", *(("plot", "report") if picture else ()))
    if picture:
        own_page(out, "nnlite")  # before all is measured
    limits = roofline.measure()
    console.print(f"{machine.cpu_model()}: {described(limits)}")
    console.print(f"Kernels, on one thread: {machine.describe()['kernels']}.\n")
    placed = roofline.place()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in HEADINGS:
        table.add_column(name, justify="left" if name in HEADINGS[:2] else "right")
    for one in placed:
        table.add_row(*cells(one, limits))
    console.print(table)
    if picture:
        atomic_file.write(out, page(limits, placed).encode())
        console.print(f"\nWritten: {out}")


def described(limits: Machine) -> str:
    """The limits in words."""
    levels = ", ".join(f"{bandwidth / 1e9:.0f} GB/s from {level}" for level, bandwidth in limits.bandwidth.items())
    return f"one core reaches {limits.peak / 1e9:.0f} GFLOP/s with vectors of {limits.vector} bits, and {levels}."


def cells(one: Placed, limits: Machine) -> tuple[str, ...]:
    """A row of the table."""
    share = one.rate / limits.roof(one.intensity, limits.level(one.bytes))
    numbers = f"{1e3 * one.seconds:.3f}", f"{one.rate / 1e9:.0f}", f"{one.intensity:.2f}", f"{100 * share:.0f} %"
    return one.name, one.sizes, *numbers


def page(limits: Machine, placed: list[Placed]) -> str:
    """The page with the picture, for light and dark screens."""
    drawn = plot.svg(plot.roofline, limits, placed, size=(9.5, 6.5))
    explained = (
        "A line is as fast as a core can be at so many operations for each byte, if the bytes come from that level of "
        "memory. Circles are nnlite's kernels, with each byte counted once. A ring above all lines is one that does "
        "less than its definition: Winograd's way to convolve needs 16 multiplications where the definition has 36."
    )
    table = report.Table([cells(one, limits) for one in placed], HEADINGS)
    return report.html(
        report.Report(
            "Roofline",
            kicker=f"nnlite on {machine.cpu_model()}",
            lead=f"Measured: {described(limits)}",
            sections=[
                report.Section("The kernels", [report.Picture(drawn, "All kernels below the roofs", explained), table])
            ],
        )
    )
