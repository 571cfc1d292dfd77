"""Threads take turns: one computes at a time.

The kernels run without Python's own lock. Two threads in one layer would write to the same scratch memory and
gradients, and give wrong answers without an error. With `computing` a second thread waits until the first is done.
There is one such lock, not one for each model: a loss or a layer may use another model, and two threads that wait for
each other would wait for ever. A kernel uses all cores by itself; to train two models at once, use two processes.
"""

import copy
import functools
import inspect
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, Self, TypeVar

import numpy as np

computing = threading.RLock()

if hasattr(os, "register_at_fork"):  # a thread that computes is not in the child, and would never let go there
    os.register_at_fork(after_in_child=computing._at_fork_reinit)  # type: ignore[attr-defined]

T = TypeVar("T")

METHODS = {"forward", "backward", "step", "apply"}


class TakesTurns:
    """Base of layers, losses and optimizers: one thread at a time runs their `METHODS`, also those of a subclass."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in METHODS:
            # Also what comes from a mixin that knows nothing of turns.
            method = next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)
            if inspect.isfunction(method) and not hasattr(method, "takes_turns"):
                setattr(cls, name, in_turn(method))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return copy_at_rest(self, self.__getstate__(), memo)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self)


def copy_at_rest(original: T, state: dict[str, Any], memo: dict[int, Any]) -> T:
    """A deep copy with these attributes, not from the middle of a step; for `__deepcopy__`."""
    new = memo[id(original)] = type(original).__new__(type(original))
    with computing:
        vars(new).update(copy.deepcopy(dict(state), memo))  # which may grow, by what needs no turn
    return new


def in_turn(method: Callable) -> Callable:
    """The method, run by one thread at a time."""

    turns = sys.modules[__name__]  # a class of a user's program may be pickled with its methods, as a lock cannot be

    @functools.wraps(method)
    def run(self, *args, **kwargs):
        with turns.computing:
            return method(self, *args, **kwargs)

    run.takes_turns = True  # type: ignore[attr-defined]
    return run


class Keeps(TakesTurns):
    """Base of layers and losses: keeps what `forward` has computed until `backward` needs it."""

    _memory: tuple | None = None  # the thread of the last forward, and what it kept

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).copy().items() if name != "_memory"}

    @property
    def kept(self) -> Any:
        """What the last `forward` kept for `backward`, read-only. None before the first."""
        return vars(self).get("_own_kept", None if self._memory is None else _read_only(self._memory[1]))

    @kept.setter
    def kept(self, value: Any) -> None:
        if type(self).__module__.startswith("nnlite."):
            raise AttributeError(f"{type(self).__name__}.kept is read-only: the kernels trust what forward kept")
        self._own_kept = value  # a layer of a user's own, which keeps what it likes

    def _keep(self, first: Any, *values: Any) -> None:
        """Keep these values. The first, where it is the caller's array, is kept as a view: he may reshape his."""
        first = first.view() if isinstance(first, np.ndarray) else first
        object.__setattr__(self, "_memory", (threading.get_ident(), (first, *values)))

    def _kept(self) -> tuple:
        """What this thread's last `forward` kept."""
        if self._memory is None:
            raise RuntimeError(
                f"{type(self).__name__}: backward needs a forward before it, and no fit, evaluate or predict in between"
            )
        thread, kept = self._memory
        if thread != threading.get_ident():
            raise RuntimeError(
                f"{type(self).__name__}: backward needs a forward in the same thread, but the last one ran in another: "
                f"give each thread its own model, copy.deepcopy(model)"
            )
        return kept

    def _forget(self) -> None:
        """Free the memory of what was kept."""
        self._memory = None


def _read_only(value):
    if isinstance(value, tuple):
        return tuple(map(_read_only, value))
    if isinstance(value, np.ndarray):
        value = value.view()
        value.flags.writeable = False
    return value
