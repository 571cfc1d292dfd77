"""A piece of work that nnlite and its peers each do in their own way, to be timed."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

THREADS = (1, 2)

# PyTorch keeps images in one of two orders in memory. Which is faster depends on the work.
FORMATS = {"pytorch": "contiguous_format", "pytorch, channels last": "channels_last"}


@dataclass
class Work:
    """One row of the table.

    Args:
        name: what is done, with its sizes.
        contestants: from "nnlite", "reference" and "pytorch" (or another peer's name) to a function without
            arguments that prepares everything and returns the function to be timed.
        target: how many times the peer's speed nnlite is to reach at least; None where nothing is asked.
        threads: with how many threads.
        peers: whose speed it is: the fastest of those that are among the contestants.
        operations: multiplications and additions of float32 numbers that the products of the work take, as nnlite
            computes them. They set a limit to its ratio.
    """

    name: str
    contestants: dict[str, Callable[[], Callable[[], object]]]
    target: float | None = None
    threads: tuple[int, ...] = THREADS
    peers: tuple[str, ...] = field(default=tuple(FORMATS), kw_only=True)
    operations: float | None = field(default=None, kw_only=True)


def rng():
    return np.random.default_rng(0)


def normal(*shape):
    """float32 normals, small as weights are."""
    return (0.1 * rng().standard_normal(shape)).astype(np.float32)


def in_both_formats(prepare):
    """PyTorch twice, as contestants: `prepare` takes the function that lays tensors and modules of images out."""

    def in_format(name):
        def prepared():
            import torch

            memory_format = getattr(torch, name)

            def lay_out(thing):
                thing = torch.from_numpy(thing).permute(0, 3, 1, 2) if isinstance(thing, np.ndarray) else thing
                return thing.to(memory_format=memory_format)

            return prepare(lay_out)

        return prepared

    return {contestant: in_format(name) for contestant, name in FORMATS.items()}


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
