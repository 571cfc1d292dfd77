"""The result of `units`: the best unit for each concept, and what happens when it is held."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np

from ..notebook import Shown, Table

CLEAR = 5  # standard deviations of the other units' effects
QUARTILES = 1.349  # standard deviations between the quartiles of a normal distribution


@dataclass(frozen=True, eq=False)
class Unit:
    """The best unit for a concept.

    Attributes:
        concept: its name.
        state, unit: the state's name, such as "lstm.c", and the unit's number.
        yes_no: whether the concept is a yes or no, and `tells` is an AUC; else it is r.
        tells: AUC or r in a text that the unit was not found in. An AUC above 1/2 means that it tells there what it
            told where it was found, be it by high or by low values. NaN if all labels of a text are the same.
        chance: the AUC, or the size of r, that no unit reaches by chance for any concept: see `units`.
        value: the unit's mean, at which it is held.
        counted: what is counted in the model's own writing.
        found: whether it tells more than chance.
        free, held: the mean count of the model as it is, and with the unit held; NaN if it is not found.
        error: the larger of the standard errors of `free` and `held`, which are means of so many texts.
        others: the mean count with another unit held, for each of those that were tried.

    Example:
        >>> import numpy as np
        >>> from nnlite.inspect import Unit
        >>> others = np.array([280.0, 300.0])
        >>> unit = Unit("vowel", "gru.h", 3, True, 0.9, 0.6, 0.25, "vowels", True, 290, 120, error=4, others=others)
        >>> unit.hold, round(unit.deviations, 1), unit.needed
        ({'gru.h': {3: 0.25}}, -22.9, True)
    """

    concept: str
    state: str
    unit: int
    yes_no: bool
    tells: float
    chance: float
    value: float
    counted: str
    found: bool = False
    free: float = np.nan
    held: float = np.nan
    error: float = np.nan
    others: np.ndarray = field(default_factory=lambda: np.empty(0))

    @property
    def hold(self) -> dict[str, dict[int, float]]:
        """What `nnlite.text.generate(..., hold=...)` takes, to hold the unit at its mean."""
        return {self.state: {self.unit: self.value}}

    @property
    def deviations(self) -> float:
        """How far its effect is from that of most other units, in their standard deviations, or in `error` if larger.

        These are the median and the quartiles' distance, which is 1.349 standard deviations of a normal distribution.
        A mean would let one more unit that is needed, such as one that sees line breaks, hide this one. Without other
        units it is how far `held` is from `free`.
        """
        others = self.others[~np.isnan(self.others)]
        low, middle, high = np.quantile(others, (0.25, 0.5, 0.75)) if others.size else [self.free] * 3
        apart, spread = float(self.held - middle), float(np.fmax((high - low) / QUARTILES, self.error))
        if spread:
            return apart / spread
        return float(np.copysign(np.inf, apart)) if apart else 0.0

    @property
    def needed(self) -> bool:
        """Whether these are 5 or more."""
        return abs(self.deviations) >= CLEAR


class Units(Shown, dict[str, Unit]):
    """A dict from concepts' names to `Unit`s, returned by `units`. Prints as a table.

    Attributes:
        writings, length: how many texts the model wrote for each count, and their characters.
    """

    def __init__(self, found: Iterable[Unit], writings: int, length: int) -> None:
        super().__init__({unit.concept: unit for unit in found})
        self.writings, self.length = writings, length

    def __missing__(self, key: str) -> NoReturn:
        raise KeyError(f"concept: expected one of {', '.join(self)}, got {key!r}")

    @property
    def notes(self) -> list[str]:
        """What the columns of the table are, a line each."""
        return [
            "tells: AUC (1/2 is guessing) or r of the best unit, in a text that it was not found in",
            "chance: what no unit reaches for any concept, in 99 of 100 tries with labels shifted round the text",
            "needed: held at its mean it is apart from other units held, by 5 of their standard deviations or more",
            f"free: the count in {self.length:,} characters that the model writes, a mean of {self.writings} texts",
        ]

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The cells of the table, with its header as the first row."""
        header = "concept", "unit", "tells", "chance", "needed", "apart", "counted", "free", "held", "others held"
        return [header, *map(_row, self.values())]

    def _table(self):
        header, *rows = self.rows
        return Table(rows, header, align="lllllrlrrr", notes=self.notes)


def _row(unit):
    if np.isnan(unit.tells):
        return unit.concept, "", "not in the text", *[""] * 7
    how, sign = ("AUC", "") if unit.yes_no else ("r", "+")
    told = f"{how} {unit.tells:{sign}.2f}", f"{unit.chance:.2f}"
    if not unit.found:
        return unit.concept, "none found", *told, *[""] * 6
    others = unit.others[~np.isnan(unit.others)]
    between = f"{others.min():.3g} to {others.max():.3g}" if len(others) else ""
    apart = "yes" if unit.needed else "no", f"{unit.deviations:+.1f}"
    counts = unit.counted, f"{unit.free:.3g}", f"{unit.held:.3g}", between
    return unit.concept, f"{unit.state} {unit.unit}", *told, *apart, *counts
