"""Reverse-mode differentiation, the whole idea: note what is computed, and read the notes from the last to the first.

Who writes the notes: array.py. What is known of each function of NumPy is a table: rules.py.
"""

import inspect
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .array import TapeArray


class Note(NamedTuple):
    """A result, the numbers of the results it was made from (None: of no array of the tape), and its rule."""

    value: np.ndarray
    parents: list[int | None]
    rule: Callable[[np.ndarray], Any]  # from dL/dvalue: what this result adds to the gradient of each parent


class Tape:
    """Record a NumPy forward pass, and differentiate it.

    The forward pass may use arithmetic, `@`, exp, log, tanh, sqrt, maximum, where, sums, means, slices, and whatever
    moves numbers (split, concatenate, reshape, ...). All is computed in float64.

    Example:
        >>> import numpy as np
        >>> from nnlite.tape import Tape
        >>> def forward(x, W):
        ...     z = x @ W
        ...     return np.tanh(z).sum()
        >>> tape = Tape()
        >>> x, W = tape.array([[1.0, 2.0]]), tape.array([[0.5], [-0.25]])
        >>> tape.backward(tape.call(forward, x, W))
        >>> tape.gradient("z"), tape.gradient(W).tolist()
        (array([[1.]]), [[1.0], [2.0]])
    """

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.gradients: dict[int, np.ndarray] = {}  # of each result that L depends on
        self.passed: dict[int, list[np.ndarray | None]] = {}  # what each result has given to each of its parents
        self.names: dict[tuple[str, int], int] = {}  # a local variable and the number of a result: the line
        self.memory: dict[str, TapeArray] = {}  # local variables that were written into

    def array(self, values: Any) -> TapeArray:
        """A copy of an array, on this tape: an argument of forward, or memory that forward writes into."""
        return self.note(np.array(values, np.float64), [], lambda dy: ())

    def note(self, value: np.ndarray, parents: list[int | None], rule: Callable) -> TapeArray:
        """Note a result."""
        self.notes.append(Note(value, parents, rule))
        return TapeArray(self, value, len(self.notes) - 1)

    def backward(self, y: TapeArray, dy: Any = 1.0, *more: Any) -> None:
        """Differentiate L = sum of dy * y, and of further pairs: `backward(y, dy, h, dh)`."""
        self.gradients, self.passed = {}, {}
        for result, gradient in zip((y, *more[::2]), (dy, *more[1::2]), strict=True):
            self._add(result.number, np.broadcast_to(np.asarray(gradient, np.float64), result.shape))
        for number in reversed(range(len(self.notes))):  # whatever uses a result comes after it
            if number in self.gradients:
                _, parents, rule = self.notes[number]
                self.passed[number] = list(map(self._add, parents, rule(self.gradients[number])))

    def _add(self, number, gradient):
        """Add to the gradient of a result, summed over the axes along which the result was repeated."""
        if number is None:
            return None
        shape = self.notes[number].value.shape
        gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
        gradient = gradient.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True).reshape(shape)
        self.gradients[number] = self.gradients.get(number, 0) + gradient
        return gradient

    def of(self, number: int) -> np.ndarray:
        """The gradient of a result, by its number."""
        return self.gradients.get(number, np.zeros_like(self.notes[number].value))

    def gradient(self, what: str | TapeArray) -> np.ndarray:
        """dL/d of an array of this tape, or of a local variable.

        Of a variable that was assigned several times, as in a loop over time, the gradients are stacked in the order
        of forward. Of memory that forward wrote into, each number's gradient is that of the last value written there.

        Raises:
            KeyError: no local variable with this name held an array of this tape.
        """
        array = what if isinstance(what, TapeArray) else self.memory.get(what)
        if array is not None:
            gradient = self.of(array.writes[0][0] if array.writes else array.number).copy()
            for _, index, after in array.writes:
                gradient[index] = self.of(after)[index]
            return gradient
        found = [self.of(number) for name, number in self.names if name == what]
        if not found:
            known = sorted({name for name, _ in self.names} | set(self.memory))
            raise KeyError(f"{what!r}: expected a local variable of forward, one of {', '.join(known)}")
        return found[0] if len(found) == 1 else np.stack(found)

    def call(self, forward: Callable, *args: Any, **kwargs: Any) -> Any:
        """What `forward(*args, **kwargs)` returns; its local variables give the results their names.

        So do those of functions in the same file that it calls.
        """
        file = inspect.unwrap(getattr(forward, "__func__", forward)).__code__.co_filename
        lines: dict[Any, int] = {}  # the line that each function is at

        def look(frame, event, arg):
            line, lines[frame] = lines.get(frame, frame.f_code.co_firstlineno), frame.f_lineno
            for name, value in frame.f_locals.items():
                if isinstance(value, TapeArray) and value.tape is self:
                    if value.writes:
                        self.memory[name] = value
                    else:
                        self.names.setdefault((name, value.number), line)
            return look

        before = sys.gettrace()
        sys.settrace(lambda frame, *_: look if frame.f_code.co_filename == file else None)
        try:
            return forward(*args, **kwargs)
        finally:
            sys.settrace(before)
