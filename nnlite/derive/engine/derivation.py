"""Derivation: the text, the numbers, and their comparison with the layer's own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from ...notebook import Shown
from .expression import Quantity

# A layer may sum in any order and by any algorithm. So this much more than the rounding of the arithmetic as written is
# allowed, as a multiple of the array's largest number.
TOLERANCE = {"float64": 1e-12, "float32": 1e-6}


class DerivationError(AssertionError):
    """The layer computes other numbers than the derivation."""


@dataclass
class Comparison:
    """One array, derived and computed by the layer. All arrays are float64 and have the same shape."""

    name: str  # such as "y" or "dWx"
    derived: np.ndarray  # NaN marks what was not derived
    kernel: np.ndarray
    allowed: np.ndarray  # the largest difference: the rounding of the arithmetic as written, and TOLERANCE, or 0
    is_copy: bool = False  # whether `kernel` is from the copy of the layer in float64

    @classmethod
    def of(cls, name: str, quantity: Quantity, kernel: np.ndarray, dtype: np.dtype, is_copy: bool = False) -> Self:
        """Compare a derived quantity with what a layer of this dtype computes."""
        kernel = np.asarray(kernel, np.float64)
        if quantity.shape != kernel.shape:
            raise ValueError(
                f"derive: {name}: expected the layer's shape, {kernel.shape}, got {quantity.shape}: correct the "
                f"derivation"
            )
        info = np.finfo(dtype)
        largest = float(np.abs(kernel[np.isfinite(kernel)]).max(initial=0))
        # Twice: the derivation rounds, too. What is smaller than any float of full precision may become 0.
        rounding = 2 * float(info.eps) * quantity.errors
        allowed = np.where(quantity.errors > 0, rounding + TOLERANCE[dtype.name] * largest + float(info.tiny), 0)
        return cls(name, quantity.values, kernel, allowed, is_copy)

    @property
    def count(self) -> int:
        """How many numbers were derived."""
        return int(np.count_nonzero(~np.isnan(self.derived)))

    @property
    def difference(self) -> np.ndarray:
        """Number by number; infinite where the layer gives NaN, 0 where nothing was derived."""
        with np.errstate(invalid="ignore"):  # where both are infinite
            difference = np.where(np.isnan(self.kernel), np.inf, np.abs(self.derived - self.kernel))
        return np.where(np.isnan(self.derived) | (self.derived == self.kernel), 0, difference)

    @property
    def agrees(self) -> bool:
        return bool((self.difference <= self.allowed).all())

    @property
    def worst(self) -> tuple[int, ...]:
        """The index of the largest difference, among the wrong numbers if there are any."""
        candidates = ~np.isnan(self.derived) if self.agrees else self.difference > self.allowed
        difference = np.where(candidates, self.difference, -1)
        return tuple(int(i) for i in np.unravel_index(np.argmax(difference), difference.shape))


@dataclass(repr=False)
class Derivation(Shown):
    """A computation, step by step. Prints as its text.

    Attributes:
        title: such as "Dense(units=2), forward, float32".
        text: what it prints.
        comparisons: a `Comparison` with the layer for every derived array.
    """

    title: str
    text: str
    comparisons: list[Comparison]

    @property
    def agrees(self) -> bool:
        """Whether the layer computes the same numbers, up to rounding."""
        return all(comparison.agrees for comparison in self.comparisons)

    @property
    def values(self) -> dict[str, np.ndarray]:
        """The derived arrays by name, float64. NaN marks what `at` left out."""
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
        """Return the derivation itself if the layer agrees.

        Raises:
            DerivationError: it does not. The message is the end of the text, which says where.
        """
        if not self.agrees:
            raise DerivationError("\n".join(verdict(self.comparisons, self.title)))
        return self

    def __str__(self) -> str:
        return self.text


def verdict(comparisons: list[Comparison], who: str) -> Iterator[str]:
    """The last lines of a text: whether the layer computes the same numbers, and where they differ most."""
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
    name = f"{comparison.name} in float64" if comparison.is_copy else comparison.name
    return name, count, off, allowed, at, *numbers, "" if comparison.agrees else "<- differs"
