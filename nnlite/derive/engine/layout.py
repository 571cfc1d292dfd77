"""Page: the text of a derivation, in lines of at most 100 characters."""

import contextlib
import itertools
import textwrap
from collections.abc import Container, Iterable, Iterator
from typing import TypeVar

import numpy as np

from ... import checks
from .expression import Expression, Quantity, total
from .selection import Choice

WIDTH = 100
MAX_LINES = 300  # two steps of an LSTM of two units, and back
SMALL = 64  # arrays with more numbers are not shown as tables

T = TypeVar("T")
Row = list[tuple[str, str]]  # terms of a sum, in letters and in numbers
Equation = tuple[str, list[Row], str]  # name, rows and value


class Page:
    """The text of a derivation while it is written.

    An equation has four parts: a name, its right side in letters, the same in numbers, and the value. Consecutive
    equations have their parts in columns if they fit, else on lines of their own.

    Args:
        choice: which numbers are written out.
        precision: number of digits printed. The computation keeps all.
        max_lines: the largest number of lines; one more raises a ValueError.
    """

    def __init__(self, choice: Choice, precision: int = 4, max_lines: int = MAX_LINES) -> None:
        self.choice, self.precision, self.max_lines = choice, precision, max_lines
        self.rounded = False  # whether a printed number has fewer digits than its value
        self._lines: list[str] = []
        self._pending: list[Equation] = []
        self._silent = False

    def line(self, text: str = "") -> None:
        """Write a line; of consecutive empty lines only the first."""
        if self._silent:
            return
        self.flush()
        if text or (self._lines and self._lines[-1]):
            if len(self._lines) >= self.max_lines:
                raise ValueError(
                    f"max_lines: expected a text of at most {self.max_lines} lines, got a longer one: choose what is "
                    f"written out with at=, {self.choice.hint()}; or take a smaller input, or "
                    f"max_lines={self.max_lines * 5}"
                )
            self._lines.append(text.rstrip())

    def formula(self, *lines: str) -> None:
        """Write formulas, indented."""
        for line in lines:
            self.line(f"  {line}")
        self.line()

    def equation(self, name: str, expression: Expression) -> Expression:
        """Write name = letters = numbers = value; returns the value under this name."""
        return self.sum(name, [[expression]])

    def sum(self, name: str, rows: list[list[Expression]]) -> Expression:
        """Write an equation whose right side is a sum, in rows: lists of terms."""
        rows = [row for row in rows if row] or [[total([])]]
        whole = total([term for row in rows for term in row])
        if self._silent:
            return whole.named(name)
        alone = sum(map(len, rows)) == 1  # a single negative number needs no parentheses
        pieces = [[(t.letters, t.numbers) if alone else t.inside(0) for t in row] for row in rows]
        written = [[(letters, self._text(numbers)) for letters, numbers in row] for row in pieces]
        value = self.number(whole.value)
        if alone and written[0][0][1] == value:  # no repetition as in y = x = 3 = 3 or y = 0 = 0 = 0
            letters = written[0][0][0]
            written = [[("" if letters == value else letters, "")]]
        self._pending.append((name, written, value))
        return whole.named(name)

    @contextlib.contextmanager
    def silent(self, silent: bool = True) -> Iterator[None]:
        """Inside the `with`, compute without writing."""
        before, self._silent = self._silent, silent or self._silent
        try:
            yield
        finally:
            self._silent = before

    def showing(self, shown: Container, every: Iterable[T]) -> Iterator[T]:
        """Loop over all items, and write what is computed for those in `shown`."""
        for item in every:
            with self.silent(item not in shown):
                yield item

    def flush(self) -> None:
        """End the block of equations: as many as fit go into columns, one that is too wide on lines of its own."""
        block, self._pending = self._pending, []
        for together in _packed(block, _fits):
            for equation in together:
                if _fits(together):
                    self._in_columns(equation, _widths(together))
                else:
                    self._in_lines(*equation)

    def _in_columns(self, equation, widths):
        name, rows, value = equation
        for i, row in enumerate(rows):
            sign, (letters, numbers) = "+" if i else "=", _side_by_side(row)
            text = f"{'' if i else name:<{widths[0]}}"
            for part, width in ((letters, widths[1]), (numbers, widths[2])):
                if width:
                    text += f" {f'{sign} {part}' if part else '':<{width + 2}}"
            self.line(f"{text} = {value}" if i == len(rows) - 1 else text)

    def _in_lines(self, name, rows, value):
        room = WIDTH - len(name) - 3
        lines = [("+" if i else "=", _abbreviated([term[0] for term in row], room)) for i, row in enumerate(rows)]
        for i, row in enumerate(rows):
            numbers = _packed([term[1] for term in row], lambda some: len(" + ".join(some)) <= room)
            lines += [("+" if i or k else "=", " + ".join(terms)) for k, terms in enumerate(numbers)]
        sign, last = lines[-1]
        if len(last) + len(value) + 3 <= room:
            lines[-1] = sign, f"{last} = {value}"
        else:
            lines.append(("=", value))
        for sign, text in lines:
            # A part that is still too long, such as the maximum of many numbers, breaks between two of them.
            for more in textwrap.wrap(text, room):
                self.line(f"{name} {sign} {more}")
                name, sign = " " * len(name), " "

    def number(self, value: float) -> str:
        """A number with `precision` digits; a whole number below a million with all."""
        value = float(value)
        if value.is_integer() and abs(value) < 1e6:
            return str(int(value))
        text = f"{value:.{self.precision}g}"
        read = float(text)
        # 0.1 is printed in full, though neither float32 nor float64 can hold it.
        with np.errstate(over="ignore"):  # large float64 overflow float32
            if abs(read - value) > 1e-12 * abs(value) and np.float32(read) != value:
                self.rounded = True
        return text

    def _text(self, numbers):
        return "".join(piece if isinstance(piece, str) else self.number(piece) for piece in numbers)

    def tables(self, *quantities: Quantity) -> None:
        """Write small quantities as tables side by side, one for each index of the axes that are not in a table."""
        large = [f"{q.name} {checks.shape_text(q.shape)}" for q in quantities if q.values.size > SMALL]
        if large:
            self.line(f"  Too large to show: {', '.join(large)}.")
            self.line()
        small = [quantity for quantity in quantities if quantity.shape and quantity.values.size <= SMALL]
        self._beside([grid for quantity in small for table in _tables(quantity) for grid in self._grids(*table)])

    def compared(self, quantity: Quantity, kernel: np.ndarray) -> None:
        """Write the tables of a derived quantity, each beside the kernel's."""
        if not quantity.shape or quantity.values.size > SMALL:
            return
        grids = []
        pairs = zip(_tables(quantity), _tables(Quantity("kernel", kernel, quantity.axes)), strict=True)
        for (name, derived, *_), (_, computed, *_) in pairs:
            if not np.isnan(derived).all():
                beside = itertools.zip_longest(self._grids(name, derived), self._grids("kernel", computed))
                grids += [grid for pair in beside for grid in pair if grid]
        self._beside(grids)

    def _grids(self, label, matrix, row=0, column=0):
        """A table as lines of equal length, with the indices of its rows and columns; in halves if it is too wide."""
        cells = [["." if np.isnan(v) else self.number(v) for v in numbers] for numbers in np.atleast_2d(matrix)]
        heads = [str(column + j) for j in range(len(cells[0]))]
        sides = [str(row + i) if matrix.ndim > 1 else "" for i in range(len(cells))]
        widths = [max(map(len, numbers)) for numbers in zip(heads, *cells, strict=True)]
        first = max(len(label), *map(len, sides))
        if first + sum(widths) + 2 * len(widths) > WIDTH and len(widths) > 1:
            half = len(widths) // 2
            yield from self._grids(label, matrix[..., :half], row, column)
            yield from self._grids(label, matrix[..., half:], row, column + half)
            return
        lines = [f"{label:<{first}}", *(f"{side:>{first}}" for side in sides)]
        for k, numbers in enumerate((heads, *cells)):
            lines[k] += "".join(f"  {cell:>{width}}" for cell, width in zip(numbers, widths, strict=True))
        yield lines

    def _beside(self, grids):
        for beside in _packed(grids, lambda some: sum(len(g[0]) + 6 for g in some) - 6 <= WIDTH):
            for k in range(max(map(len, beside))):
                self.line((" " * 6).join(g[k] if k < len(g) else " " * len(g[0]) for g in beside))
            self.line()

    def __str__(self) -> str:
        self.flush()
        return "\n".join(self._lines).rstrip()


def _tables(quantity):
    """The tables of a quantity: its name there, an array of at most two axes, and the first row and column."""
    array, (top, bottom, left, right) = quantity.values, quantity.margin
    table = [axis % array.ndim for axis in quantity.axes] if array.ndim > 1 else [0]
    for others in np.ndindex(*(size for axis, size in enumerate(array.shape) if axis not in table)):
        rest = iter(others)
        index = tuple(slice(None) if axis in table else next(rest) for axis in range(array.ndim))
        where = ",".join(":" if isinstance(i, slice) else str(i) for i in index)
        matrix = np.pad(array[index], ((top, bottom), (left, right))) if any(quantity.margin) else array[index]
        yield f"{quantity.name}[{where}]" if others else quantity.name, matrix, -top, -left


def _widths(block):
    """The widths of the names, the letters and the numbers of equations in columns."""
    rows = [_side_by_side(row) for _, rows, _ in block for row in rows]
    return max(len(name) for name, _, _ in block), *(max(len(row[side]) for row in rows) for side in (0, 1))


def _fits(block):
    return sum(_widths(block)) + max(len(value) for _, _, value in block) + 9 <= WIDTH


def _side_by_side(row):
    return tuple(" + ".join(term[side] for term in row) for side in (0, 1))


def _abbreviated(terms, room):
    """The terms on one line: if they do not fit, the first two or one, and the last."""
    shorter = [terms, [*terms[:2], "...", terms[-1]], [terms[0], "...", terms[-1]]]
    texts = [" + ".join(some) for some in shorter[: max(1, len(terms) - 1)]]
    return next((text for text in texts if len(text) <= room), texts[-1])


def _packed(items, fits):
    """The items in groups of consecutive ones: as many in each as fit, at least one."""
    groups: list[list] = []
    for item in items:
        if groups and fits([*groups[-1], item]):
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups
