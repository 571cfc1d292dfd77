"""Climb a ladder: run and time every rung, and compare it with the one below."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

import nnlite
from nnlite import extras
from nnlite.roofline.kernels import best_of

from .problems import PROBLEMS, Problem
from .rung import Rung, rungs

BATCH = {"conv2d": 32, "lstm": 24}
ROWS = 6  # of a tile: an LSTM's batch is a multiple of it
SHORT = 0.3  # seconds that a rung is measured for: one that takes longer runs once,
LONG = 10  # and one that would take so many times as long, on one example


@dataclass(frozen=True)
class Step:
    """A rung, as it ran here.

    Attributes:
        rung: the rung.
        seconds: for the whole batch; None where it could not run.
        share: of the measured peak of the cores that it used; None where there is no such measurement.
        difference: the largest from the rung below, or None for the lowest.
        error: the largest from the result in float64.
        threads: that it used.
        measured: how, in words: "best of several", "one run", or "1 of 32 images, times 32".
        missing: why it could not run, or "".
    """

    rung: Rung
    seconds: float | None = None
    share: float | None = None
    difference: float | None = None
    error: float | None = None
    threads: int = 1
    measured: str = ""
    missing: str = ""


def climb(
    name: str,
    batch: int | None = None,
    threads: int | None = None,
    peak: float | None = None,
    seconds: float = SHORT,
    only: Sequence[int] | None = None,
) -> Iterator[Step]:
    """Run the rungs of a ladder one after the other, all on the same numbers, and time them.

    Args:
        name: "conv2d" or "lstm".
        batch: images, or sequences (then a multiple of 6); by default 32 and 24.
        threads: of the rungs that use several; by default as many as nnlite does. All others use one, BLAS, too.
        peak: operations per second of a core, such as `nnlite.roofline.measure().peak`; without it there are no shares.
        seconds: that a rung is measured for. One that takes longer runs once; one in Python that would take over ten
            times as long runs on one example, and its time is that example's times `batch`.
        only: the rungs to run, counted from 1; by default all.

    Raises:
        ImportError: the extra `ladder` is not installed.
        ValueError: there is no such ladder or rung, or the batch is not of its sizes.

    Example:
        >>> from nnlite import ladder
        >>> three, four = ladder.climb("conv2d", batch=4, only=(3, 4))
        >>> three.seconds > four.seconds, max(three.error, four.error) < 1e-5
        (True, True)
    """
    chosen = rungs(name)
    if only is not None:
        if not set(only) <= {*range(1, len(chosen) + 1)}:
            raise ValueError(f"only: expected rungs from 1 to {len(chosen)}, got {only}")
        chosen = [chosen[place - 1] for place in sorted(only)]
    extras.require("ladder")
    problem = PROBLEMS[name](BATCH[name] if batch is None else batch)
    if problem.batch < 1 or (name == "lstm" and problem.batch % ROWS):
        expected = f"a multiple of {ROWS}, the rows of a tile" if name == "lstm" else "at least 1"
        raise ValueError(f"batch: expected {expected}, got {batch}")
    threads = threads or nnlite.get_num_threads()
    inputs, exact, below = problem.inputs(), problem.exact(), None
    for rung in chosen:
        used = threads if rung.uses_threads else 1
        try:
            forward = rung.prepare(problem, used)
        except RuntimeError as error:
            yield Step(rung, threads=used, missing=str(error))
            continue
        with on_threads(used):
            y, taken, measured = _timed(rung, forward, problem, inputs, seconds)
        share = problem.operations / taken / (peak * used) if peak else None
        difference = None if below is None else _largest(y, below)
        yield Step(rung, taken, share, difference, _largest(y, exact), used, measured)
        below = y


def _timed(rung: Rung, forward, problem: Problem, inputs, seconds):
    """The result, of all examples or of one; seconds for all; and how they were measured."""
    x, *weights = inputs
    if rung.is_python and not rung.is_own and problem.batch > 1:
        y, one = _once(forward, x[:1], *weights)
        if problem.batch * one > LONG * seconds:
            return y, problem.batch * one, f"1 of {problem.batch} {problem.example}s, times {problem.batch}"
    y, once = _once(forward, *inputs)
    if once > seconds:
        return y, once, "one run"
    return y, best_of(lambda: forward(*inputs), seconds), "best of several"


def _once(forward, *arrays):
    began = time.perf_counter()
    return forward(*arrays), time.perf_counter() - began


def _largest(y, other):
    """The largest difference of what both have: either may be of the first example alone."""
    common = min(len(y), len(other))
    return float(np.max(np.abs(y[:common] - other[:common])))


@contextlib.contextmanager
def on_threads(n: int) -> Iterator[None]:
    """So many threads for nnlite, and one for BLAS."""
    import threadpoolctl

    before = nnlite.get_num_threads()
    nnlite.set_num_threads(n)
    try:
        with threadpoolctl.threadpool_limits(1, user_api="blas"):
            yield
    finally:
        nnlite.set_num_threads(before)


def blas() -> str:
    """Whose BLAS NumPy calls, and which CPU it takes this one for."""
    import threadpoolctl

    found = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    names = (f"{pool['internal_api']} {pool['version']} for {pool.get('architecture', 'this CPU')}" for pool in found)
    return ", ".join(names) or "unknown"
