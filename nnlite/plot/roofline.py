"""Plot a machine's roofline, and kernels below it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from nnlite.utils import of_its_kinds

from .canvas import BLUE, GREY, VERMILION, Axes, new_axes
from .names import names_beside

DASHES = [(0, (12, 2)), (0, (6, 2)), (0, (3, 2)), (0, (1, 1.5))]  # of the levels of memory, the nearest first


class Limits(Protocol):
    """What one core can do, such as a `nnlite.roofline.Machine`."""

    @property
    def peak(self) -> float: ...
    @property
    def bandwidth(self) -> Mapping[str, float]: ...


class Kernel(Protocol):
    """What is placed, such as a `nnlite.roofline.Placed`."""

    @property
    def name(self) -> str: ...
    @property
    def intensity(self) -> float: ...
    @property
    def rate(self) -> float: ...


@of_its_kinds
def roofline(machine: Limits, kernels: Sequence[Kernel], ax: Axes | None = None) -> Axes:
    """Draw how fast a machine can be at each number of operations per byte, and where kernels are.

    Left of a roof's edge bytes limit, right of it arithmetic. A kernel above the roof of memory found its numbers in a
    cache; one above all roofs (a ring) does less than its definition says.

    Args:
        machine: with its peak in operations per second, and its bandwidth in bytes per second by level of memory.
        kernels: each with its name, its intensity in operations per byte, and its rate in operations per second.
        ax: where to draw; by default into a new figure.

    Raises:
        ValueError: there is no kernel, no level of memory, or a number that is not above 0.

    Example:
        >>> from matplotlib.figure import Figure
        >>> from nnlite.plot import roofline
        >>> from nnlite.roofline import Machine, Placed
        >>> machine = Machine(peak=2e11, vector=512, bandwidth={"L1": 6e11, "memory": 3e10}, caches={})
        >>> kernels = [Placed("Dense", "8 x 8 to 8", "dense", operations=1024, bytes=768, seconds=1e-7)]
        >>> ax = Figure().add_subplot()  # without it: a new figure of pyplot
        >>> roofline(machine, kernels, ax=ax).get_xlabel()
        'operations per byte'
    """
    numbers = [machine.peak, *machine.bandwidth.values(), *(n for k in kernels for n in (k.intensity, k.rate))]
    if not kernels or not machine.bandwidth or not all(0 < number < math.inf for number in numbers):
        raise ValueError("roofline: expected at least one kernel and one level of memory, and numbers above 0")
    ax = new_axes((9.5, 6.5)) if ax is None else ax
    ax.set(xscale="log", yscale="log", xlabel="operations per byte", ylabel="GFLOP/s on one core, float32")
    ax.set_title("What limits a kernel: bytes on the left, arithmetic on the right")
    left = min(k.intensity for k in kernels) / 2
    right = 3 * max(*(k.intensity for k in kernels), machine.peak / min(machine.bandwidth.values()))
    lowest = min(*(k.rate for k in kernels), left * min(machine.bandwidth.values()))
    ax.set(xlim=(left, right), ylim=(lowest / 2e9, 2.5 * max(machine.peak, *(k.rate for k in kernels)) / 1e9))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter("{x:g}")
    nearest, peak = max(machine.bandwidth.values()), machine.peak / 1e9
    ax.plot([machine.peak / nearest, right], [peak, peak], color="black", label=f"peak: {peak:.0f} GFLOP/s")
    for (level, bandwidth), dashes in zip(machine.bandwidth.items(), itertools.cycle(DASHES)):
        roof, name = [left * bandwidth / 1e9, peak], f"{level}: {bandwidth / 1e9:.0f} GB/s"
        ax.plot([left, machine.peak / bandwidth], roof, color=GREY, linestyle=dashes, linewidth=1.2, label=name)
    for kernel in kernels:
        above = kernel.rate > 1.03 * min(machine.peak, kernel.intensity * nearest)
        look: dict[str, Any] = {"color": VERMILION, "fillstyle": "none"} if above else {"color": BLUE}
        ax.plot(kernel.intensity, kernel.rate / 1e9, "o", markersize=5, label="_", **look)
    ax.legend(loc="lower right", framealpha=1, edgecolor="none", handlelength=3.5)
    names_beside(ax, [(kernel.name, kernel.intensity, kernel.rate / 1e9) for kernel in kernels])
    return ax
