"""Tape: the gradient of every named intermediate of a forward pass that is written in NumPy.

A witness for backward passes, which are all written by hand here: training uses none of it. Arrays of a tape note each
operation and its rule. The notes, read from the last to the first, give the gradient of each result:
reverse-mode automatic differentiation.

    tape = Tape()
    y = tape.call(forward, tape.array(x), tape.array(W))
    tape.backward(y, dy)
    tape.gradient("z")  # of L = sum of dy * y, for the local variable z of forward
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .array import TapeArray

__all__ = ["Intermediate", "Tape", "TapeArray"]


class Intermediate(NamedTuple):
    """One assignment to a local variable of forward."""

    name: str
    line: int  # its number in the file of forward
    value: np.ndarray
    gradient: np.ndarray


class Tape:
    """Record a NumPy forward pass, and differentiate it.

    The forward pass may use arithmetic, `@`, exp, log, tanh, sqrt, maximum, where, sums, means, slices, and whatever
    moves numbers (split, concatenate, reshape, ...). All is computed in float64.

    Example:
        >>> import numpy as np
        >>> from nnlite.tape import Tape
        >>> def forward(x, W):
        ...     z = x @ W
        ...     h = np.tanh(z)
        ...     return h.sum()
        >>> tape = Tape()
        >>> x, W = tape.array([[1.0, 2.0]]), tape.array([[0.5], [-0.25]])
        >>> loss = tape.call(forward, x, W)
        >>> tape.backward(loss)
        >>> tape.gradient("z"), tape.gradient(W).tolist()
        (array([[1.]]), [[1.0], [2.0]])
    """

    def __init__(self) -> None:
        self._notes: list[tuple[list, Callable]] = []  # of each result: the numbers of what it came from, and the rule
        self._values: list[np.ndarray] = []
        self._named: list[tuple[str, int, int]] = []  # (name, line, number of the result)
        self._buffers: dict[str, TapeArray] = {}
        self._gradients: list[np.ndarray | None] = []

    def array(self, values: Any) -> TapeArray:
        """A copy of an array, on this tape: an argument of forward, or memory that forward writes into."""
        return self.note(np.array(values, np.float64), [], lambda dy: ())

    def call(self, forward: Callable, *args: Any, **kwargs: Any) -> Any:
        """What `forward(*args, **kwargs)` returns; its local variables give the results their names.

        So do those of functions in the same file that it calls.
        """
        file = inspect.unwrap(getattr(forward, "__func__", forward)).__code__.co_filename
        seen: set[tuple[str, int]] = set()
        lines: dict[Any, int] = {}  # the line that each function is at

        def look(frame, event, arg):
            line, lines[frame] = lines.get(frame, frame.f_code.co_firstlineno), frame.f_lineno
            for name, value in frame.f_locals.items():
                if isinstance(value, TapeArray) and value.tape is self:
                    if value.writes:
                        self._buffers[name] = value
                    elif (name, value.number) not in seen:
                        self._named.append((name, line, value.number))
                        seen.add((name, value.number))
            return look

        before = sys.gettrace()
        sys.settrace(lambda frame, *_: look if frame.f_code.co_filename == file else None)
        try:
            return forward(*args, **kwargs)
        finally:
            sys.settrace(before)

    def backward(self, y: TapeArray, dy: Any = 1.0, *more: Any) -> None:
        """Differentiate L = sum of dy * y, and of further pairs: `backward(y, dy, h, dh)`."""
        self._gradients = [None] * len(self._notes)
        for result, gradient in zip((y, *more[::2]), (dy, *more[1::2]), strict=True):
            self._add(result.number, np.broadcast_to(np.asarray(gradient, np.float64), result.shape))
        for number in reversed(range(len(self._notes))):
            dy, (parents, rule) = self._gradients[number], self._notes[number]
            if dy is not None and parents:
                for parent, gradient in zip(parents, rule(dy), strict=True):
                    if parent is not None:
                        self._add(parent, gradient)

    def gradient(self, what: str | TapeArray) -> np.ndarray:
        """dL/d of an array of this tape, or of a local variable.

        Of a variable that was assigned several times, as in a loop over time, the gradients are stacked in the order
        of forward. Of memory that forward wrote into, each number's gradient is that of the last value written there.

        Raises:
            KeyError: no local variable with this name held an array of this tape.
        """
        if isinstance(what, TapeArray):
            return self._of_buffer(what) if what.writes else self._of(what.number)
        if what in self._buffers:
            return self._of_buffer(self._buffers[what])
        found = [self._of(number) for name, _, number in self._named if name == what]
        if not found:
            names = sorted({name for name, *_ in self._named} | set(self._buffers))
            raise KeyError(f"{what!r}: expected a local variable of forward, one of {', '.join(names)}")
        return found[0] if len(found) == 1 else np.stack(found)

    def __iter__(self) -> Iterator[Intermediate]:
        """Every assignment to a local variable, in the order of forward."""
        for name, line, number in self._named:
            yield Intermediate(name, line, self._values[number], self._of(number))

    def note(self, value: np.ndarray, parents: list, rule: Callable) -> TapeArray:
        """Note a result, the numbers of the results that it came from, and what its gradient adds to each of theirs."""
        self._notes.append((parents, rule))
        self._values.append(value)
        return TapeArray(self, value, len(self._notes) - 1)

    def _add(self, number, gradient):
        """Add to the gradient of a result, summed over the axes along which it was repeated."""
        shape = self._values[number].shape
        gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
        gradient = gradient.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)
        old = self._gradients[number]
        self._gradients[number] = gradient.reshape(shape) if old is None else old + gradient.reshape(shape)

    def _of(self, number):
        gradient = self._gradients[number]
        return np.zeros_like(self._values[number]) if gradient is None else gradient

    def _of_buffer(self, buffer):
        first, *_ = buffer.writes[0]
        gradient = self._of(first).copy()
        for _, index, after in buffer.writes:
            gradient[index] = self._of(after)[index]
        return gradient
