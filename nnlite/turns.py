"""Turns: what keeps something from one call to the next lets threads take turns.

The kernels run without Python's own lock. Two threads in one layer would write to the same scratch memory and gradients
at once, and their answers would be wrong without a word. So a second thread waits until the first one is done, and gets
what it would have got afterwards. Threads with models of their own do not wait for each other.
"""

import functools
import operator
import threading
from collections.abc import Callable, Iterable
from typing import Any, Self

import numpy as np

METHODS = {"forward", "backward", "step", "apply"}


class TakesTurns:
    """Base of layers, losses and optimizers: one thread at a time runs their `METHODS`, also those of a subclass."""

    _lock: threading.RLock

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        self._lock = threading.RLock()
        return self

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in vars(cls).keys() & METHODS:
            setattr(cls, name, in_turn(vars(cls)[name]))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_lock"}  # a copy has its own


def in_turn(method: Callable) -> Callable:
    """The method, run by one thread at a time."""

    @functools.wraps(method)
    def run(self, *args, **kwargs):
        lock = self._lock
        lock.acquire()  # half as long as `with lock`, which counts in a small model
        try:
            return method(self, *args, **kwargs)
        finally:
            lock.release()

    return run


class Keeps(TakesTurns):
    """Base of layers and losses: keeps what `forward` has found until `backward` needs it."""

    _memory: tuple | None = None  # the thread of the last forward, and what it kept

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_memory"}

    @property
    def kept(self) -> tuple | None:
        """What the last `forward` kept for `backward`, to look at: its arrays are read-only. None before the first."""
        return None if self._memory is None else _read_only(self._memory[1])

    def _keep(self, *values: Any) -> None:
        """Keep these values. Of arrays views are kept: their owner may give another shape to his."""
        kept = tuple([value.view() if isinstance(value, np.ndarray) else value for value in values])
        self._memory = threading.get_ident(), kept

    def _kept(self) -> tuple:
        """What this thread's last `forward` kept."""
        if self._memory is None:
            raise RuntimeError(f"{type(self).__name__}: backward needs a forward before it")
        thread, kept = self._memory
        if thread != threading.get_ident():
            raise RuntimeError(
                f"{type(self).__name__}: backward needs a forward in the same thread, but the last one ran in another: "
                f"give each thread its own model, copy.deepcopy(model)"
            )
        return kept

    def _forget(self) -> None:
        """Give back the memory of what was kept."""
        self._memory = None


class Turns:
    """`with turns:` waits until no other thread is in any of several things, and holds them all.

    Every thread takes them in the same order, so that no two wait for each other. Inside, `with turns` again is free.

    Args:
        members: returns the things. Those without a lock, such as a loss of a user's own, are left alone.
    """

    def __init__(self, members: Callable[[], Iterable[Any]]) -> None:
        self._members = members
        self._known: tuple[list, list] = ([], [])  # the members of the last time, and their locks
        self._thread: int | None = None
        self._depth = 0

    def __enter__(self) -> None:
        thread = threading.get_ident()
        if self._thread != thread:
            taken = []
            try:
                for lock in self._locks():
                    lock.acquire()
                    taken.append(lock)
            except BaseException:  # Ctrl-C while it waits
                _release(taken)
                raise
            self._thread, self._taken = thread, taken
        self._depth += 1

    def __exit__(self, *error: object) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._thread, taken = None, self._taken
            _release(taken)

    def _locks(self):
        members = [*self._members()]
        known, locks = self._known
        if len(members) != len(known) or not all(map(operator.is_, members, known)):
            found = {id(lock): lock for one in members if (lock := getattr(one, "_lock", None))}
            locks = [found[key] for key in sorted(found)]
            self._known = members, locks
        return locks


def _release(locks):
    for lock in locks:
        lock.release()


def _read_only(value):
    if isinstance(value, tuple):
        return tuple(map(_read_only, value))
    if isinstance(value, np.ndarray):
        value = value.view()
        value.flags.writeable = False
    return value
