"""A piece of work that nnlite and its peers each do in their own way, to be timed."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

THREADS = (1, 2)


@dataclass
class Work:
    """One row of the table.

    Args:
        name: what is done, with its sizes.
        contestants: from "nnlite", "reference" and "pytorch" (or another peer's name) to a function without
            arguments that prepares everything and returns the function to be timed.
        target: how many times the peer's speed nnlite is to reach at least; None where nothing is asked.
        threads: with how many threads.
        peer: whose speed it is.
    """

    name: str
    contestants: dict[str, Callable[[], Callable[[], object]]]
    target: float | None = None
    threads: tuple[int, ...] = THREADS
    peer: str = field(default="pytorch", kw_only=True)


def rng():
    return np.random.default_rng(0)


def normal(*shape):
    """float32 normals, small as weights are."""
    return (0.1 * rng().standard_normal(shape)).astype(np.float32)


def on_reference(prepare):
    """The same function, run on the NumPy reference."""
    import nnlite

    def prepared():
        run = prepare()

        def on_the_reference():
            with nnlite.use_backend("reference"):
                return run()

        return on_the_reference

    return prepared


def set_threads(n):
    """For nnlite, for NumPy's BLAS, and for PyTorch where it is in use."""
    import sys

    import threadpoolctl

    import nnlite

    threadpoolctl.threadpool_limits(n, user_api="blas")
    nnlite.set_num_threads(n)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(n)


def time_work(benchmark, work, threads):
    """The body of every test in this folder: nnlite's part of the work, under pytest-benchmark."""
    set_threads(threads)
    run = work.contestants["nnlite"]()
    run()
    benchmark.group = work.name
    benchmark(run)
