"""Where a random generator starts: from its seed, from that of `nnlite.utils.set_random_seed`, or anywhere."""

import contextlib
import contextvars
import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

_sequence: np.random.SeedSequence | None = None  # from which those without a seed of their own take theirs


def set_start(seed: int | None) -> None:
    """Let all generators that are made from now on without a seed follow from this one; None ends that."""
    global _sequence
    _sequence = None if seed is None else np.random.SeedSequence(seed)


# That of the layer whose `build` is running, for the layers that it makes.
_outer: contextvars.ContextVar[np.random.Generator | None] = contextvars.ContextVar("outer generator", default=None)


@contextlib.contextmanager
def shared(rng: np.random.Generator) -> Iterator[None]:
    """Let layers and models that are made inside of the `with`, and have no seed of their own, draw from this one."""
    token = _outer.set(rng)
    try:
        yield
    finally:
        _outer.reset(token)


def generator(seed: int | np.random.Generator | None = None) -> np.random.Generator:
    """A random generator from this seed, or this one itself; without a seed, that of the layer that is being built.

    Raises:
        TypeError, ValueError: what NumPy takes for no seed.
    """
    if seed is None and (outer := _outer.get()) is not None:
        return outer
    if seed is None and _sequence is not None:
        (child,) = _sequence.spawn(1)
        return np.random.Generator(np.random.PCG64(child))
    return from_seed("seed", seed)


def from_seed(name: str, seed: Any) -> np.random.Generator:
    """NumPy's random generator of a seed: a whole number, a row of them, a generator, or None.

    Raises:
        TypeError, ValueError: what NumPy takes for no seed.
    """
    try:
        if isinstance(seed, list | tuple) or (isinstance(seed, np.ndarray) and seed.ndim):
            # NumPy crashes at a list that holds itself.
            seed = [operator.index(part) for part in seed]
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:  # NumPy's message names no argument
        raise type(error)(
            f"{name}: expected a whole number of at least 0, a numpy.random.Generator or None, got {seed!r:.200}"
        ) from None
