"""Several things at once, in threads: what they wait for are processes of their own."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Those that this process may use.
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(function: Callable[[Item], Result], items: Iterable[Item], jobs: int) -> list[Result]:
    """What a function returns for each item, `jobs` of them at once. An error, or Ctrl-C, ends those that wait.

    There are at most as many as cores: with more, a program would be stopped at its limit for time that others had.

    Example:
        >>> from nnlite.homework.parallel import in_threads
        >>> in_threads(abs, [-1, 2], jobs=2)
        [1, 2]
    """
    pool = ThreadPoolExecutor(min(jobs, CORES))
    try:
        return list(pool.map(function, items))
    finally:
        pool.shutdown(cancel_futures=True)
