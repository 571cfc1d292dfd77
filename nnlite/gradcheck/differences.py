"""Central differences against gradients, number by number or along random directions.

`central_differences` is the whole idea; `compare` decides whether two slopes agree, and what to do at a kink.

Central differences are off by two errors: of the order of step^2, for the terms of the Taylor series they leave out,
and of epsilon / step, for the digits the subtraction loses. Their sum is smallest near a step of 1e-5: about 1e-10.

Where the slopes differ, smaller steps are tried: they no longer reach a kink a little beside the point. A kink at the
point itself stays: the slopes on its two sides differ, however small the step. There any slope between the two passes,
as for a subgradient in mathematics.
"""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from .checked_layer import CheckedLayer, signed
from .report import Row
from .target import Kind, Target

STEPS = (1e-5, 1e-6, 1e-7)
DIRECTIONS = 3
EPSILON = float(np.finfo(np.float64).eps)


@dataclass
class Direction:
    """Which numbers of an array move, and how far each."""

    where: tuple[Any, ...]  # an index of the array: of one number, or an array of positions for every axis
    amounts: np.ndarray  # multiples of the step

    @classmethod
    def entry(cls, index: tuple[int, ...]) -> Self:
        """One number alone."""
        return cls(index, np.ones(()))

    @classmethod
    def random(cls, array: np.ndarray, rng: np.random.Generator) -> Self:
        """All numbers. The more there are, the less each moves, so that the step does not grow."""
        if array.ndim == 0:
            return cls.entry(())
        return cls(np.unravel_index(np.arange(array.size), array.shape), signed(rng, array.size) / array.size**0.25)

    @property
    def size(self) -> int:
        return int(self.amounts.size)

    def part(self, choice: slice | np.ndarray) -> "Direction":
        """Some of its numbers."""
        return Direction(tuple(axis[choice] for axis in self.where), self.amounts[choice])


@dataclass
class Slopes:
    """The slope of L along a direction, by a gradient and by central differences."""

    analytic: float
    numeric: float
    above: np.ndarray  # the outputs a step ahead
    below: np.ndarray  # the outputs a step back
    step: float
    moved: np.ndarray  # the direction as rounding left it


def central_differences(
    checked: CheckedLayer, target: Target, gradient: np.ndarray, direction: Direction, step: float = STEPS[0]
) -> Slopes:
    """The slope of L along a direction v, by the gradient and by central differences.

        (L(p + step v) - L(p - step v)) / (2 step)        should be        gradient @ v

    L = weights @ outputs, so the outputs are subtracted first, which loses fewer digits.
    """
    p, where, v = checked.arrays[target], direction.where, direction.amounts
    kept = np.copy(p[where])
    ahead, back = kept + step * v, kept - step * v
    try:
        p[where] = ahead
        above = checked.outputs()
        p[where] = back
        below = checked.outputs()
    finally:
        p[where] = kept
    moved = (ahead - back) / (2 * step)
    analytic = float(np.sum(gradient[where] * moved))
    numeric = float(checked.weights @ ((above - below) / (2 * step)))
    return Slopes(analytic, numeric, above, below, step, moved)


@dataclass
class Comparison:
    """Whether two slopes agree."""

    analytic: float
    numeric: float
    error: float  # the relative difference, at most the tolerance where they agree
    agrees: bool
    kink: bool = False


@dataclass
class Result:
    """The check of one array."""

    target: Target
    row: Row  # of the report
    wrong: dict[tuple[int, ...] | None, Comparison] = field(default_factory=dict)  # by index; None: along a direction

    def note(self, index: tuple[int, ...] | None, comparison: Comparison) -> None:
        """Add a comparison."""
        if comparison.kink:
            self.row.kinks.append(index)
        elif comparison.agrees:
            self.row.error = max(self.row.error, comparison.error)
        else:
            self.wrong[index] = comparison


def compare(checked: CheckedLayer, target: Target, gradient: np.ndarray, direction: Direction) -> Comparison:
    """Compare the slopes along a direction, with smaller and smaller steps until they agree."""
    tried = []
    for step in STEPS:
        slopes = central_differences(checked, target, gradient, direction, step)
        error = _relative_error(checked, slopes)
        tried.append(Comparison(slopes.analytic, slopes.numeric, error, agrees=error <= checked.tolerance))
        if tried[-1].agrees:
            return tried[-1]
    return _at_a_kink(checked, target, gradient, direction) or tried[0]


def _relative_error(checked, slopes):
    """The difference over the larger of both, less what central differences cannot tell apart."""
    difference = abs(slopes.analytic - slopes.numeric)
    if difference == 0:
        return 0.0
    room = _uncertainty(checked, slopes) / checked.tolerance if checked.tolerance else 0.0
    return difference / (max(abs(slopes.analytic), abs(slopes.numeric)) + room)


def _uncertainty(checked, slopes):
    """How far off central differences may be: both errors at the top of this file."""
    scale = np.linalg.norm(checked.weights * (np.abs(checked.base) + 0.1))
    return float(scale * (np.sum(np.square(slopes.step * slopes.moved)) + 16 * EPSILON / slopes.step))


def _at_a_kink(checked, target, gradient, direction):
    """The comparison if there is a kink at the point and the slope lies between its two sides; else None."""
    corners = []
    for step in STEPS[1:]:
        slopes = central_differences(checked, target, gradient, direction, step)
        ahead, behind = (slopes.above - checked.base) / step, (checked.base - slopes.below) / step
        noise = 1e3 * EPSILON / step * (np.abs(checked.base) + 1)
        corners.append(ahead - behind)
        is_corner = np.abs(corners[-1]) > noise
    # The slopes on both sides come together as the step shrinks if the function is smooth, and stay apart at a kink.
    stays = is_corner & (np.abs(corners[1] - corners[0]) < 0.5 * np.abs(corners[0]))
    if not stays.any():
        return None
    analytic, numeric = slopes.analytic, float(checked.weights @ ((ahead + behind) / 2))
    reach = float(np.abs(checked.weights * corners[1])[stays].sum() / 2)
    allowed = reach + checked.tolerance * max(abs(analytic), abs(numeric)) + _uncertainty(checked, slopes)
    return Comparison(analytic, numeric, 0.0, agrees=True, kink=True) if abs(analytic - numeric) <= allowed else None


def check_array(checked: CheckedLayer, target: Target, gradient: np.ndarray) -> Result:
    """Compare the gradient of one array with central differences."""
    array = checked.arrays[target]
    result = Result(target, Row(str(target), array.size, 0, 0, float(np.abs(gradient).max()), 0.0))
    if checked.fast:
        _along_directions(checked, target, gradient, result)
    else:
        for index in np.ndindex(array.shape):
            result.row.checked += 1
            result.note(index, compare(checked, target, gradient, Direction.entry(index)))
    return result


def _along_directions(checked, target, gradient, result):
    rng = np.random.default_rng(result.row.size)
    for _ in range(DIRECTIONS):
        direction = Direction.random(checked.arrays[target], rng)
        comparison = compare(checked, target, gradient, direction)
        result.row.directions += 1
        if not comparison.agrees:
            if target.kind is Kind.INPUT and checked.is_sequence:
                direction, comparison = _last_wrong_step(checked, target, gradient, direction, comparison)
            index, found = _locate(checked, target, gradient, direction, comparison)
            result.wrong[index] = found
            return
        result.note(None, comparison)


def _last_wrong_step(checked, target, gradient, direction, comparison):
    """The part of a direction in the last time step that is wrong: backward starts from the end."""
    for t in reversed(range(checked.x.shape[1])):
        step = direction.part(direction.where[1] == t)
        of_step = compare(checked, target, gradient, step)
        if not of_step.agrees:
            return step, of_step
    return direction, comparison


def _locate(checked, target, gradient, direction, comparison):
    """Halve a direction along which the slopes differ until one number is left: its index, and the comparison."""
    while direction.size > 1:
        middle = direction.size // 2
        halves = [direction.part(slice(None, middle)), direction.part(slice(middle, None))]
        tried = [(half, compare(checked, target, gradient, half)) for half in halves]
        tried = [(half, found) for half, found in tried if not found.agrees]
        if not tried:  # the difference is too small to be seen in either half
            return None, comparison
        direction, comparison = max(tried, key=lambda pair: abs(pair[1].analytic - pair[1].numeric))
    index = tuple(int(axis[0]) for axis in direction.where)
    return index, compare(checked, target, gradient, Direction.entry(index))
