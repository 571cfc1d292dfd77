"""Threads: of the kernels, and of Python."""

import contextlib
import contextvars
import math
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .. import get_num_threads, set_num_threads


@contextlib.contextmanager
def threads_of_kernels(n: int) -> Iterator[None]:
    """Let the kernels use n threads inside the `with`."""
    before = get_num_threads()
    set_num_threads(n)
    try:
        yield
    finally:
        set_num_threads(before)


def at_once(calls: list[Any], times: int) -> list[tuple]:
    """What the calls return, all at the same time, so often, in Python threads that are interrupted often."""
    start = threading.Barrier(len(calls))

    def repeat(call):
        start.wait()
        return [call() for _ in range(times)]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(len(calls)) as pool:
            contexts = [contextvars.copy_context() for _ in calls]  # with the backend of this thread
            found = [pool.submit(context.run, repeat, call) for call, context in zip(calls, contexts, strict=True)]
            return list(zip(*(future.result() for future in found), strict=True))
    finally:
        sys.setswitchinterval(interval)


def many(shape: Sequence[int]) -> int:
    """How many rows of this shape are work that threads share."""
    return min(2**12, max(64, 2**15 // math.prod(shape)))
