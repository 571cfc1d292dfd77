"""Several things at once, in threads: what they wait for are processes of their own."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(function: Callable[[Item], Result], items: Iterable[Item], jobs: int) -> list[Result]:
    """What a function returns for each item, `jobs` of them at once. An error, or Ctrl-C, ends those that wait.

    Example:
        >>> from nnlite.homework.parallel import in_threads
        >>> in_threads(abs, [-1, 2], jobs=2)
        [1, 2]
    """
    pool = ThreadPoolExecutor(jobs)
    try:
        return list(pool.map(function, items))
    finally:
        pool.shutdown(cancel_futures=True)
