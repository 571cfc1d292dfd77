"""Where the check takes place: a little beside numbers that hide mistakes.

A new layer's biases are 0 and its scales are 1. There a backward pass may forget them: what is added is 0, and what is
multiplied stays. Equal numbers hide which of them was taken, and a parameter's only number may be written into
backward, such as a slope of 0.25. So these numbers move before the check, and are put back after it.
"""

from dataclasses import dataclass

import numpy as np

NEAR, FAR = 0.1, 0.3  # how far a number moves, in proportion to it: it keeps its sign. A 0 moves as a 1 does


@dataclass
class Moved:
    """A parameter, or an array of statistics, that is not checked at its own numbers."""

    name: str
    array: np.ndarray
    own: np.ndarray


def move_away(subject, rng):
    """Move what hides mistakes, where forward can be evaluated there, and note it in `subject.moved`."""
    for name, array in _movable(subject):
        subject.restore()
        own, base = array.copy(), subject.base
        there = beside(own, rng)
        if there is None:
            continue
        subject.moved.append(Moved(name, array, own))  # before it moves: from now on it is put back in any case
        evaluated = _can_be_evaluated(subject, array, there)
        unused = name.startswith("statistic") and np.array_equal(base, subject.base)  # as BatchNorm's are in training
        if not evaluated or unused:
            subject.place(array, own)
            subject.moved.pop()


def put_back(subject):
    """Everything at its own numbers."""
    for moved in reversed(subject.moved):
        moved.array[...] = moved.own


def moved_in(subject):
    """What of this layer is moved, maybe by the check of a model that holds it, under the names that it has here."""
    return [
        Moved(name, array, moved.own)
        for name, array in _movable(subject)
        for moved in subject.moved
        if moved.array is array
    ]


def beside(own, rng):
    """The numbers with other ones for those that occur more than once, and for an only one; None where all may stay."""
    _, places, counts = np.unique(own.reshape(-1), return_inverse=True, return_counts=True)
    moves = (counts[places] > 1).reshape(own.shape) & np.isfinite(own) if own.size > 1 else np.isfinite(own)
    if not moves.any():
        return None
    distance = rng.uniform(NEAR, FAR, own.shape) * rng.choice([-1.0, 1.0], own.shape)
    return np.where(moves, own + distance * np.where(own == 0, 1.0, np.abs(own)), own)


def is_constant(array):
    return bool((array == array.flat[0]).all())


def _movable(subject):
    """(name, array) of every parameter and of all statistics, each array once."""
    named = [(name, array) for name, array in subject.arrays.items() if name.startswith("parameter")]
    for part in subject.parts:
        named += [(f"statistic {name}", array) for name, array in getattr(part, "statistics", {}).items()]
    found = {}
    for name, array in named:
        found.setdefault(id(array), (name, array))
    return list(found.values())


def _can_be_evaluated(subject, array, values):
    """Place the values; False where the layer refuses them, or gives NaN or infinity."""
    try:
        with np.errstate(all="ignore"):
            subject.place(array, values)
    except Exception:  # a layer of one's own may take nothing but what it came with
        return False
    return bool(np.isfinite(subject.base).all())
