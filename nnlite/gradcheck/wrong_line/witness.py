"""What the tape knows of a forward pass, as a backward pass meets it.

A line of forward that runs T times gives T values and T gradients: a series, here in the order of backward.
"""

import inspect
import itertools
import sys
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from nnlite import tape
from nnlite.tape import Tape

TOLERANCE = 1e-5  # of the largest number: float32 is right
DIGITS = 9  # of numbers that are one
MOST_USES = 5  # of a result, of which all sums are looked at
OWN = str(Path(tape.__file__).parent), str(Path(np.__file__).parent)  # whose lines are no places

Series = np.ndarray  # (K, ...): the arrays of K runs


class Witness(Tape):
    """A tape that knows where each result was noted: by which calls, on which line, as which part of a split."""

    def __init__(self) -> None:
        super().__init__()
        self.main = ""  # the file of forward
        self.places: list[tuple[Any, int]] = []
        self.files: list[str] = []

    def call(self, forward, *args, **kwargs):
        self.main = inspect.unwrap(forward).__code__.co_filename
        return super().call(forward, *args, **kwargs)

    def note(self, value, parents, rule):
        calls: list[Any] = []
        frame: Any = sys._getframe(1)
        while frame is not None and frame.f_code is not Tape.call.__code__:
            if not frame.f_code.co_filename.startswith(OWN):
                calls.append((frame.f_code, frame.f_lasti))
            frame = frame.f_back
        place = (*calls, rule.__code__, value.shape)
        part = 0
        if not parents:  # an array, and no result
            part = len(self.notes)
        elif self.places and self.places[-1][0] == place and self.notes[-1].parents == parents:
            part = self.places[-1][1] + 1
        self.places.append((place, part))
        self.files.append(calls[0][0].co_filename if calls else "")
        return super().note(value, parents, rule)

    def groups(self) -> list[list[int]]:
        """The results of each place, in the order of backward."""
        found = defaultdict(list)
        for number, place in enumerate(self.places):
            found[place].append(number)
        return [numbers[::-1] for numbers in found.values()]

    def is_inner(self, number: int) -> bool:
        """Whether a result stays inside of a function of another file, such as a sigmoid's exp."""
        files = {self.files[n] for n in (number, *self.users[number])}
        is_moved = self.notes[number].rule.__name__ != "<lambda>"  # the numbers are those of another
        return not is_moved and bool(self.users[number]) and not files & {"", self.main}

    @cached_property
    def users(self) -> dict[int | None, list[int]]:
        """Of each result those that are made of it."""
        found = defaultdict(list)
        for user, note in enumerate(self.notes):
            for parent in note.parents:
                found[parent].append(user)
        return found

    def uses(self):
        """Results, and what each place that uses just these gives to their gradients, in the order of backward."""
        of_place: dict[Any, tuple[list[int], list[Any]]] = defaultdict(lambda: ([], []))
        for user in sorted(self.passed, reverse=True):
            for slot, (parent, given) in enumerate(zip(self.notes[user].parents, self.passed[user], strict=True)):
                if parent is not None:
                    of, all_given = of_place[*self.places[user], slot]
                    of.append(parent)
                    all_given.append(given)
        together = defaultdict(list)
        for of, all_given in of_place.values():
            together[tuple(of)].append(all_given)
        yield from together.items()


class Known:
    """Series to look up what a line has computed."""

    def __init__(self, found: Iterable[Series]) -> None:
        by_shape: dict[Any, dict[bytes, Series]] = defaultdict(dict)
        for one in found:
            if np.any(one):
                by_shape[one.shape].setdefault(np.round(one, DIGITS).tobytes(), one)
        self.series = {shape: np.stack(list(alike.values())) for shape, alike in by_shape.items()}

    def like(self, series: Series) -> np.ndarray:
        """All of the same number and shape, (M, K, ...)."""
        return self.series.get(series.shape, np.empty((0, *series.shape)))

    def has(self, series: Series) -> bool:
        apart = np.abs(self.like(series) - series).max(axis=tuple(range(1, series.ndim + 1)), initial=0)
        return bool((apart <= TOLERANCE * np.abs(series).max(initial=0)).any())


def same(a: Series, b: Series) -> bool:
    """Whether two series differ by no more than rounding in float32."""
    return a.shape == b.shape and bool(np.abs(a - b).max(initial=0) <= TOLERANCE * np.abs(b).max(initial=0))


def values(witness):
    """What forward computes."""
    memory = [array.number for array in witness.memory.values()]
    groups = witness.groups()  # a backward pass may go forward first
    of_names: dict[str, list[int]] = defaultdict(list)  # a state's first one, too
    for name, number in witness.names:
        of_names[name].insert(0, number)
    groups += [part for numbers in of_names.values() for part in (numbers, numbers[1:], numbers[:-1]) if part]
    for numbers in [*([n] for n in memory), *groups, *(numbers[::-1] for numbers in groups)]:
        yield from _by_time([witness.notes[n].value for n in numbers], _lengths(witness))


def gradients(witness):
    """The gradients of what forward computes, and their parts: what each use of a result gives to its gradient, the
    sums of some of these, and the sums of what the runs of a line have given so far."""
    lengths = _lengths(witness)
    for numbers in witness.groups():
        if not all(map(witness.is_inner, numbers)):
            yield from _by_time([witness.of(n) for n in numbers], lengths)
    for of, each in witness.uses():
        if all(map(witness.is_inner, of)):
            continue
        for size in range(1, len(each) + 1) if len(each) <= MOST_USES else ():
            for some in itertools.combinations(each, size):
                sums = [sum(given) for given in zip(*some, strict=True)]
                yield from _by_time(sums, lengths)
                yield from _by_time(_steps(sums), lengths)
                if len(set(of)) == 1 < len(of):
                    yield np.cumsum(sums, axis=0)


def _lengths(witness):
    return {len(numbers) for numbers in witness.groups()} - {1}


def _by_time(arrays, lengths):
    """A series; stacked to one array, or cut into several, along one of the first two axes."""
    if len({array.shape for array in arrays}) != 1 or not all(np.isfinite(array).all() for array in arrays):
        return
    yield np.stack(arrays)
    first = arrays[0]
    for axis in range(min(2, first.ndim + (len(arrays) > 1))):
        if len(arrays) > 1:
            yield np.stack(arrays[::-1], axis=axis)[None]
        elif first.shape[axis] in lengths:
            yield np.moveaxis(first, axis, 0)[::-1]


def _steps(arrays):
    """The parts of memory that are not 0, if each array has one."""
    if arrays[0].ndim < 2:
        return []
    at = [np.flatnonzero(np.abs(array).sum(axis=tuple(range(1, array.ndim)))) for array in arrays]
    return [array[int(t[0])] for array, t in zip(arrays, at, strict=True)] if all(len(t) == 1 for t in at) else []


def labels(witness):
    """Of each name in forward its versions, in order: values and gradients."""
    found: dict[str, list[tuple[Series, Series]]] = defaultdict(list)
    lines: dict[Any, list[Any]] = defaultdict(list)
    for (name, number), line in witness.names.items():
        lines[name, line].append((number, ...))
    for name, memory in witness.memory.items():
        for _, index, after in memory.writes:
            t = index[0] if isinstance(index, tuple) else index
            if isinstance(t, int | np.integer):
                lines[name, str(witness.places[after])].append((after, t))
                new = witness.notes[after].parents[1]
                if new is not None:
                    lines[name, "new", str(witness.places[after])].append((new, ...))
    for (name, *_), versions in lines.items():
        arrays = [(witness.notes[n].value[t], witness.of(n)[t]) for n, t in versions[::-1]]
        if len({value.shape for value, _ in arrays}) == 1:
            found[name].append(
                (np.stack([value for value, _ in arrays]), np.stack([gradient for _, gradient in arrays]))
            )
    return found
