"""Derivation: what comes of deriving, the text and the numbers, and how they compare with the kernel's."""

from dataclasses import dataclass
from typing import Self

import numpy as np


class DerivationError(AssertionError):
    """A kernel gives other numbers than the derivation."""


@dataclass
class Comparison:
    """One array, derived and from the kernel.

    Attributes:
        name: such as "y" or "dWx".
        derived, kernel: float64 arrays of one shape; of `derived`, NaN is what has not been derived.
        allowed: by how much they may differ: what rounding explains, number by number.
    """

    name: str
    derived: np.ndarray
    kernel: np.ndarray
    allowed: np.ndarray

    @classmethod
    def of(cls, name, quantity, kernel, dtype):
        """A derived quantity against what a kernel gave, in this dtype. 0 where nothing is rounded: then bits count."""
        info = np.finfo(dtype)
        kernel = np.asarray(kernel, np.float64)
        if quantity.shape != kernel.shape:
            raise ValueError(
                f"derive: {name} was derived with shape {quantity.shape}, and the layer's is {kernel.shape}"
            )
        # Twice: the derivation rounds, too. What is smaller than any float of full precision may become 0.
        allowed = 2 * float(info.eps) * quantity.errors + np.where(quantity.errors > 0, float(info.tiny), 0)
        return cls(name, quantity.values, kernel, allowed)

    @property
    def count(self):
        """How many numbers were derived."""
        return int(np.count_nonzero(~np.isnan(self.derived)))

    @property
    def difference(self):
        """Number by number; infinite where the kernel gives none, and 0 where nothing was derived."""
        with np.errstate(invalid="ignore"):  # where both are infinite
            difference = np.where(np.isnan(self.kernel), np.inf, np.abs(self.derived - self.kernel))
        return np.where(np.isnan(self.derived) | (self.derived == self.kernel), 0, difference)

    @property
    def agrees(self):
        return bool((self.difference <= self.allowed).all())

    @property
    def worst(self):
        """The index of the number that is furthest off: of the wrong ones if there are any, as a tuple."""
        difference = self.difference
        if not self.agrees:
            difference = np.where(difference > self.allowed, difference, -1)
        else:
            difference = np.where(np.isnan(self.derived), -1, difference)
        return tuple(int(i) for i in np.unravel_index(np.argmax(difference), difference.shape))


@dataclass
class Derivation:
    """A computation step by step. Prints as the text.

    Attributes:
        title: of what, such as "Dense(units=2), forward".
        text: what it prints as.
        comparisons: of every array that was derived with the kernel's, a `Comparison`.
    """

    title: str
    text: str
    comparisons: list[Comparison]

    @property
    def agrees(self) -> bool:
        """Whether the kernel gives the same numbers, but for rounding."""
        return all(comparison.agrees for comparison in self.comparisons)

    @property
    def values(self) -> dict[str, np.ndarray]:
        """The derived arrays by name, float64. NaN is what was left out by `at`."""
        return {comparison.name: comparison.derived for comparison in self.comparisons}

    @property
    def y(self) -> np.ndarray:
        """The derived output of a forward pass."""
        return self.values["y"]

    @property
    def dx(self) -> np.ndarray:
        """The derived gradient of the input."""
        return self.values["dx"]

    @property
    def grads(self) -> dict[str, np.ndarray]:
        """The derived gradients of the parameters, with the keys of the layer's `grads`."""
        others = {"dx", "dy_pred", "dh_initial", "dc_initial"}
        return {name[1:]: v for name, v in self.values.items() if name[0] == "d" and name not in others}

    def check(self) -> Self:
        """Insist on it: returns the derivation itself where the kernel agrees.

        Raises:
            DerivationError: it does not. The message has the end of the text, which says where.
        """
        if not self.agrees:
            raise DerivationError("\n".join(verdict(self.comparisons, self.title)))
        return self

    def __str__(self):
        return self.text


def verdict(comparisons, who):
    """The last lines of a text: whether the kernel gives the same numbers, and where they differ the most."""
    if not comparisons:
        yield "There is nothing to compare."
        return
    head = ("", "numbers", "largest difference", "allowed there", "at", "derived", "kernel", "")
    rows = [head, *(_row(comparison) for comparison in comparisons)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    yield f"{who} computes {'the same' if all(c.agrees for c in comparisons) else 'SOMETHING ELSE'}."
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def _row(comparison):
    worst, size = comparison.worst, comparison.derived.size
    count = f"{size}" if comparison.count == size else f"{comparison.count} of {size}"
    off, allowed = f"{comparison.difference[worst]:.2g}", f"{comparison.allowed[worst]:.1g}"
    numbers = (f"{array[worst] + 0.0:.9g}" for array in (comparison.derived, comparison.kernel))  # -0 is 0
    at = f"[{','.join(map(str, worst))}]" if worst else ""
    return comparison.name, count, off, allowed, at, *numbers, "" if comparison.agrees else "<- differs"
