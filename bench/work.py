"""Work: a computation that nnlite and its peers each implement, to be timed."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

THREADS = (1, 2)

# PyTorch has two memory layouts for images. Which is faster depends on the work.
FORMATS = {"pytorch": "contiguous_format", "pytorch, channels last": "channels_last"}


@dataclass
class Work:
    """One row of the table.

    Args:
        name: the computation and its sizes.
        contestants: from "nnlite", "reference" and "pytorch" (or another peer's name) to a function without
            arguments that prepares everything and returns the function to be timed.
        target: the least speed of nnlite in multiples of the peer's; None without a target.
        threads: the numbers of threads to measure with.
        peers: the peers to compare with: the fastest of these contestants counts.
        operations: float32 multiplications and additions in the products, as nnlite computes them. They limit the
            ratio.
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
    """Normally distributed float32 numbers, as small as weights."""
    return (0.1 * rng().standard_normal(shape)).astype(np.float32)


def in_both_formats(prepare):
    """PyTorch in both memory layouts: `prepare` gets the function that converts tensors and modules of images."""

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
    """Set the number of threads of nnlite, NumPy's BLAS and, if loaded, PyTorch."""
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
