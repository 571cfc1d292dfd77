"""Written: a number as one writes it by hand, in letters and in numbers, with its value. Text and value are one.

    >>> x, W = Quantity("x", [2.0, 3.0]), Quantity("W", [0.5, -1.0])
    >>> y = total([x[0] @ W[0], x[1] @ W[1]])
    >>> y.letters, "".join(map(str, y.numbers)), y.value
    ('x[0] W[0] + x[1] W[1]', '2.0*0.5 + 3.0*(-1.0)', -2.0)

What is printed is what has been computed, since whoever writes the one computes the other. The arithmetic is that of
Python's floats, float64 whatever the layer's dtype. Along with a value goes how far off somebody may be who rounds
every step of the same computation, and adds in any order: that is what a kernel is allowed.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

SUM, PRODUCT, ATOM = range(3)  # how tightly an operation binds: what binds less tightly stands in parentheses


@dataclass(frozen=True)
class Written:
    """A number in letters and in numbers.

    Attributes:
        letters: such as "x[0] W[0]".
        numbers: the same as pieces of text and floats, which a page prints with as many digits as it likes.
        value: what it comes to.
        error: how far off rounding may lead, as a multiple of the dtype's relative precision (its eps).
        binds: SUM, PRODUCT or ATOM.
    """

    letters: str
    numbers: tuple
    value: float
    error: float = 0.0
    binds: int = ATOM

    def named(self, letters):
        """Its value under a new name, as the next equation refers to it."""
        return Written(letters, (self.value,), self.value, self.error)

    def inside(self, level):
        """Letters and numbers as they stand in an operation that binds so tightly; a negative number in parentheses."""
        letters, numbers = self.letters, self.numbers
        if self.binds < level:
            letters = f"({letters})"
        if self.binds < level or (len(numbers) == 1 and isinstance(numbers[0], float) and numbers[0] < 0):
            numbers = ("(", *numbers, ")")
        return letters, numbers

    def __add__(self, other):
        return total([self, _written(other)])

    def __radd__(self, other):
        return _written(other) + self

    def __sub__(self, other):
        other = _written(other)
        letters, numbers = _join(" - ", " - ", self.inside(SUM), other.inside(PRODUCT))
        value = self.value - other.value
        return Written(letters, numbers, value, self.error + other.error + abs(value), SUM)

    def __rsub__(self, other):
        return _written(other) - self

    def __mul__(self, other):
        """Number by number, with the star of the layers' docstrings."""
        return self._times(other, " * ")

    def __rmul__(self, other):
        return _written(other) * self

    def __matmul__(self, other):
        """A term of a matrix product, whose letters stand side by side, as in x W."""
        return self._times(other, " ")

    def _times(self, other, sign):
        other = _written(other)
        letters, numbers = _join(sign, "*", self.inside(PRODUCT), other.inside(PRODUCT))
        a, b = self.value, other.value
        error = self.error * abs(b) + abs(a) * other.error + abs(a * b)
        return Written(letters, numbers, a * b, error, PRODUCT)

    def __truediv__(self, other):
        other = _written(other)
        letters, numbers = _join(" / ", "/", self.inside(PRODUCT), other.inside(ATOM))
        a, b = self.value, other.value
        error = self.error / abs(b) + abs(a) * other.error / b**2 + abs(a / b)
        return Written(letters, numbers, a / b, error, PRODUCT)

    def __rtruediv__(self, other):
        return _written(other) / self

    def squared(self):
        letters, numbers = self.inside(ATOM)
        value = self.value * self.value  # of 1e200 that is infinite, where a power of Python's would be an error
        error = 2 * abs(self.value) * self.error + value
        return Written(f"{letters}^2", (*numbers, "^2"), value, error)


class Quantity:
    """An array whose numbers know their names: Quantity("x", x)[0, 2] is written x[0,2].

    Args:
        name: in letters.
        values: of floats. What is assigned to an entry later keeps its error; what was not is NaN.
        axes: those that are rows and columns, where it is shown as a table.
        margin: rows and columns of zeros around it, as (top, bottom, left, right): indices may lie there.
    """

    def __init__(
        self,
        name: str,
        values: ArrayLike,
        axes: tuple[int, int] = (-2, -1),
        margin: tuple[int, int, int, int] | None = None,
    ) -> None:
        self.name, self.values, self.axes, self.margin = name, np.array(values, np.float64), axes, margin
        self.errors = np.zeros(self.values.shape)

    @classmethod
    def unknown(cls, name: str, shape: tuple[int, ...], axes: tuple[int, int] = (-2, -1)) -> Self:
        """One that is yet to be derived."""
        return cls(name, np.full(shape, np.nan), axes)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def letters(self, index: int | tuple[int, ...]) -> str:
        """Such as x[0,2]."""
        return f"{self.name}[{','.join(map(str, index if isinstance(index, tuple) else (index,)))}]"

    def __getitem__(self, index):
        sizes = zip(index, self.shape, strict=True) if self.margin else ()
        if not all(0 <= i < size for i, size in sizes):
            return Written(self.letters(index), (0.0,), 0.0)
        value = float(self.values[index])
        return Written(self.letters(index), (value,), value, float(self.errors[index]))

    def __setitem__(self, index, written):
        """An entry; or with an index into all axes but the last, a list of them."""
        if isinstance(written, Written):
            self.values[index], self.errors[index] = written.value, written.error
        else:
            self.values[index], self.errors[index] = [w.value for w in written], [w.error for w in written]

    def row(self, index: int | tuple[int, ...], name: str) -> list[Written]:
        """The numbers along the last axis, under names of their own: name[0], name[1], ..."""
        numbers = zip(self.values[index], self.errors[index], strict=True)
        return [Written(f"{name}[{i}]", (float(v),), float(v), float(e)) for i, (v, e) in enumerate(numbers)]


def constant(letters, value, rounded=False):
    """A number that everybody knows by a name; `rounded` where a dtype can only come near it."""
    return Written(letters, (float(value),), float(value), abs(value) if rounded else 0.0)


def total(terms):
    """The sum of any number of terms."""
    if len(terms) == 1:
        return terms[0]
    letters, numbers = _join(" + ", " + ", *(term.inside(SUM) for term in terms)) if terms else ("0", (0.0,))
    error = sum(term.error for term in terms) + len(terms) * sum(abs(term.value) for term in terms)
    return Written(letters, numbers, sum((term.value for term in terms), 0.0), error, SUM)


def largest(terms):
    """The largest of the terms: exact, so that kernels have no excuse."""
    letters, numbers = _join(", ", ", ", *((term.letters, term.numbers) for term in terms))
    best = max(terms, key=lambda term: term.value)
    return Written(f"max({letters})", ("max(", *numbers, ")"), best.value, max(term.error for term in terms))


def apply(name, function, slope, argument, units):
    """A function of one number.

    Args:
        slope: its derivative there, by which it passes on the argument's error.
        units: how many units in the last place the kernels' own version may be off.
    """
    value = function(argument.value)
    error = abs(slope) * argument.error + units * abs(value)
    return Written(f"{name}({argument.letters})", (f"{name}(", *argument.numbers, ")"), value, error)


def exp(argument):
    value = math.exp(argument.value)
    letters, numbers = argument.inside(ATOM)
    return Written(f"e^{letters}", ("e^", *numbers), value, value * argument.error + 2 * value)


def log(argument):
    return apply("log", math.log, 1 / argument.value, argument, 2)


def sqrt(argument):
    return apply("sqrt", math.sqrt, 0.5 / math.sqrt(argument.value), argument, 1)


def tanh(argument):
    return apply("tanh", math.tanh, 1 - math.tanh(argument.value) ** 2, argument, 3)


def sigmoid(argument):
    s = _logistic(argument.value)
    return apply("sigmoid", _logistic, s * (1 - s), argument, 3)


def _logistic(z):
    return 1 / (1 + math.exp(-z)) if z > 0 else math.exp(z) / (1 + math.exp(z))  # e^1000 would overflow


def _written(number):
    """A constant is written as it is: 1 - y."""
    return number if isinstance(number, Written) else constant(f"{number:g}", number)


def _join(sign, sign_of_numbers, *parts):
    numbers = [piece for _, pieces in parts for piece in (sign_of_numbers, *pieces)]
    return sign.join(letters for letters, _ in parts), tuple(numbers[1:])
