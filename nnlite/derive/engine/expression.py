"""Expressions: a number in letters, in digits, and its value, computed together.

    >>> x, W = Quantity("x", [2.0, 3.0]), Quantity("W", [0.5, -1.0])
    >>> y = total([x[0] @ W[0], x[1] @ W[1]])
    >>> y.letters, "".join(map(str, y.numbers)), y.value
    ('x[0] W[0] + x[1] W[1]', '2.0*0.5 + 3.0*(-1.0)', -2.0)

An operation writes the text and computes the value, so the text is what was computed. The arithmetic is in float64,
whatever the layer's dtype. A value has a bound of its rounding error: how far off the same computation may be with
every operation rounded, and sums added in any order.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

SUM, PRODUCT, ATOM = range(3)  # precedence: an operand with a lower one needs parentheses

Index = int | tuple[int, ...]


@dataclass(frozen=True)
class Expression:
    """A number in letters and in digits."""

    letters: str  # such as "x[0] W[0]"
    numbers: tuple[str | float, ...]  # the same in digits: text and floats in order; the page rounds the floats
    value: float
    error: float = 0.0  # the bound of its rounding error, as a multiple of the dtype's eps
    binds: int = ATOM  # SUM, PRODUCT or ATOM

    def named(self, letters: str) -> "Expression":
        """The same value under a new name, for the next equation."""
        return Expression(letters, (self.value,), self.value, self.error)

    def inside(self, level: int) -> tuple[str, tuple[str | float, ...]]:
        """Letters and numbers as an operand of an operation of this precedence, in parentheses if needed."""
        letters, numbers = self.letters, self.numbers
        if self.binds < level:
            letters = f"({letters})"
        if self.binds < level or (len(numbers) == 1 and isinstance(numbers[0], float) and numbers[0] < 0):
            numbers = ("(", *numbers, ")")
        return letters, numbers

    def __add__(self, other: "Expression | float") -> "Expression":
        return total([self, _expression(other)])

    def __radd__(self, other: "Expression | float") -> "Expression":
        return _expression(other) + self

    def __sub__(self, other: "Expression | float") -> "Expression":
        b = _expression(other)
        letters, numbers = _join(" - ", " - ", self.inside(SUM), b.inside(PRODUCT))
        value = self.value - b.value
        return Expression(letters, numbers, value, self.error + b.error + abs(value), SUM)

    def __rsub__(self, other: "Expression | float") -> "Expression":
        return _expression(other) - self

    def __mul__(self, other: "Expression | float") -> "Expression":
        """Elementwise: written with a star, as in the layers' docstrings."""
        return self._times(other, " * ")

    def __rmul__(self, other: "Expression | float") -> "Expression":
        return _expression(other) * self

    def __matmul__(self, other: "Expression | float") -> "Expression":
        """A term of a matrix product: letters side by side, as in x W."""
        return self._times(other, " ")

    def _times(self, other, sign):
        other = _expression(other)
        letters, numbers = _join(sign, "*", self.inside(PRODUCT), other.inside(PRODUCT))
        a, b = self.value, other.value
        error = self.error * abs(b) + abs(a) * other.error + abs(a * b)
        return Expression(letters, numbers, a * b, error, PRODUCT)

    def __truediv__(self, other: "Expression | float") -> "Expression":
        divisor = _expression(other)
        letters, numbers = _join(" / ", "/", self.inside(PRODUCT), divisor.inside(ATOM))
        a, b = self.value, divisor.value
        error = self.error / abs(b) + abs(a) * divisor.error / b**2 + abs(a / b)
        return Expression(letters, numbers, a / b, error, PRODUCT)

    def __rtruediv__(self, other: "Expression | float") -> "Expression":
        return _expression(other) / self

    def squared(self) -> "Expression":
        """Its square."""
        letters, numbers = self.inside(ATOM)
        value = self.value * self.value  # infinite for 1e200, where Python's ** raises an error
        error = 2 * abs(self.value) * self.error + value
        return Expression(f"{letters}^2", (*numbers, "^2"), value, error)


class Quantity:
    """An array of named numbers: Quantity("x", x)[0, 2] is the expression x[0,2].

    Args:
        name: its letters.
        values: floats. An expression assigned to an entry keeps its rounding error; NaN marks an entry not yet derived.
        axes: the rows and columns of its tables.
        margin: rows and columns of zeros around it, as (top, bottom, left, right), which indices may refer to.
    """

    def __init__(
        self, name: str, values: ArrayLike, axes: tuple[int, int] = (-2, -1), margin: Sequence[int] = (0, 0, 0, 0)
    ) -> None:
        self.name, self.values, self.axes, self.margin = name, np.array(values, np.float64), axes, margin
        self.errors = np.zeros(self.values.shape)

    @classmethod
    def unknown(cls, name: str, shape: tuple[int, ...], axes: tuple[int, int] = (-2, -1)) -> Self:
        """A quantity still to be derived."""
        return cls(name, np.full(shape, np.nan), axes)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def letters(self, index: int | tuple[int | str, ...]) -> str:
        """The name of an entry, such as "x[0,2]", or of a row, such as "x[0,:]"."""
        return f"{self.name}[{','.join(map(str, index if isinstance(index, tuple) else (index,)))}]"

    def __getitem__(self, index: Index) -> Expression:
        sizes = zip(index, self.shape, strict=True) if any(self.margin) and isinstance(index, tuple) else ()
        if not all(0 <= i < size for i, size in sizes):
            return constant(self.letters(index), 0)
        value = float(self.values[index])
        return Expression(self.letters(index), (value,), value, float(self.errors[index]))

    def __setitem__(self, index: Index, values: Expression | list[Expression]) -> None:
        """Set an entry; or a list of entries, with an index of all axes but the last."""
        if isinstance(values, Expression):
            self.values[index], self.errors[index] = values.value, values.error
        else:
            self.values[index], self.errors[index] = [v.value for v in values], [v.error for v in values]

    def row(self, index: tuple[int, ...], name: str) -> list[Expression]:
        """The numbers along the last axis, named name[0], name[1], ..."""
        return [self[*index, i].named(f"{name}[{i}]") for i in range(self.shape[-1])]


def constant(letters: str, value: float, rounded: bool = False) -> Expression:
    """A number with a name; `rounded` if a float cannot hold it exactly."""
    return Expression(letters, (float(value),), float(value), abs(value) if rounded else 0.0)


def total(terms: list[Expression]) -> Expression:
    """The sum of the terms; 0 for none."""
    if len(terms) == 1:
        return terms[0]
    letters, numbers = _join(" + ", " + ", *(term.inside(SUM) for term in terms)) if terms else ("0", (0.0,))
    error = sum(term.error for term in terms) + len(terms) * sum(abs(term.value) for term in terms)
    return Expression(letters, numbers, sum((term.value for term in terms), 0.0), error, SUM)


def largest(terms: list[Expression]) -> Expression:
    """The largest of the terms, which is exact."""
    letters, numbers = _join(", ", ", ", *((term.letters, term.numbers) for term in terms))
    best = max(terms, key=lambda term: term.value)
    return Expression(f"max({letters})", ("max(", *numbers, ")"), best.value, max(term.error for term in terms))


def apply(
    name: str, function: Callable[[float], float], slope: float, argument: Expression, units: float
) -> Expression:
    """A function of one number.

    Args:
        slope: its derivative there, which multiplies the argument's error.
        units: the error that an implementation of the function may have, in units in the last place.
    """
    value = function(argument.value)
    error = abs(slope) * argument.error + units * abs(value)
    return Expression(f"{name}({argument.letters})", (f"{name}(", *argument.numbers, ")"), value, error)


def exp(argument: Expression) -> Expression:
    value = math.exp(argument.value)
    letters, numbers = argument.inside(ATOM)
    return Expression(f"e^{letters}", ("e^", *numbers), value, value * argument.error + 2 * value)


def log(argument: Expression) -> Expression:
    return apply("log", math.log, 1 / argument.value, argument, 2)


def sqrt(argument: Expression) -> Expression:
    return apply("sqrt", math.sqrt, 0.5 / math.sqrt(argument.value), argument, 1)


def tanh(argument: Expression) -> Expression:
    return apply("tanh", math.tanh, 1 - math.tanh(argument.value) ** 2, argument, 3)


def sigmoid(argument: Expression) -> Expression:
    s = _logistic(argument.value)
    return apply("sigmoid", _logistic, s * (1 - s), argument, 3)


def _logistic(z):
    return 1 / (1 + math.exp(-z)) if z > 0 else math.exp(z) / (1 + math.exp(z))  # e^1000 would overflow


def _expression(number):
    """A plain number is written as it is: 1 - y."""
    return number if isinstance(number, Expression) else constant(f"{number:g}", number)


def _join(sign, sign_of_numbers, *parts):
    numbers = [piece for _, pieces in parts for piece in (sign_of_numbers, *pieces)]
    return sign.join(letters for letters, _ in parts), tuple(numbers[1:])
