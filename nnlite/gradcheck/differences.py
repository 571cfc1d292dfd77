"""Central differences against gradients, entry by entry or along random directions, and what to do at a corner.

With v a direction, g a gradient, and L = weights @ outputs:

    slope = weights @ (outputs(p + step v) - outputs(p - step v)) / (2 step)        should be        g @ v

The error of the left side is of the order of step^2, for the terms that the difference leaves out, and of
epsilon / step, for the digits that the subtraction loses. Near 1e-5 the sum of both is smallest: about 1e-10.

Where they differ, smaller steps are tried: a corner (kink) that lies a little beside the point is then out of reach.
One at the point itself stays: the slopes on its two sides differ, however small the step. There any slope between
the two is let pass, as the mathematics does with a subgradient.
"""

from dataclasses import dataclass, field

import numpy as np

from .report import Row
from .target import signed

STEPS = (1e-5, 1e-6, 1e-7)
DIRECTIONS = 3
EPSILON = np.finfo(np.float64).eps


@dataclass
class Direction:
    """Which numbers of an array move, and how far in proportion."""

    where: object  # an index, or a tuple of flat indices
    amounts: object

    @classmethod
    def entry(cls, index):
        return cls(index, 1.0)

    @classmethod
    def random(cls, array, rng):
        """Along all numbers. Of many each moves less, so that all together do not go far."""
        if array.ndim == 0:
            return cls.entry(())
        where = np.unravel_index(np.arange(array.size), array.shape)
        return cls(where, signed(rng, array.size) / array.size**0.25)

    @property
    def size(self):
        return np.size(self.amounts)


@dataclass
class Found:
    """A comparison: both slopes, their relative difference (at most the tolerance where they agree), the verdict."""

    analytic: float
    numeric: float
    error: float
    right: bool
    kink: bool = False


@dataclass
class Result:
    """The check of one array: the row of the report, and what is wrong.

    `wrong` holds the comparisons that failed by index; in fast mode by index or None.
    """

    row: Row
    wrong: dict = field(default_factory=dict)


def check_array(subject, name, gradient, fast, tolerance):
    """Compare the gradient of one array with central differences."""
    array = subject.arrays[name]
    row = Row(name, array.size, 0, 0, float(np.abs(gradient).max()), 0.0)
    result = Result(row)
    if fast:
        _along_directions(subject, name, gradient, tolerance, result)
    else:
        for index in np.ndindex(array.shape):
            found = compare(subject, name, Direction.entry(index), gradient, tolerance)
            row.checked += 1
            _note(result, index, found)
    return result


def _note(result, index, found):
    if found.kink:
        result.row.kinks.append(index)
    elif found.right:
        result.row.error = max(result.row.error, found.error)
    else:
        result.wrong[index] = found


def _along_directions(subject, name, gradient, tolerance, result):
    rng = np.random.default_rng(result.row.size)
    for _ in range(DIRECTIONS):
        direction = Direction.random(subject.arrays[name], rng)
        found = compare(subject, name, direction, gradient, tolerance)
        result.row.directions += 1
        if not found.right:
            if name == subject.input and subject.is_sequence:
                direction, found = _last_wrong_step(subject, name, gradient, tolerance, direction, found)
            result.wrong = dict([locate(subject, name, gradient, tolerance, direction, found)])
            return
        _note(result, None, found)


def _last_wrong_step(subject, name, gradient, tolerance, direction, found):
    """What of a direction lies in the last time step that is wrong: backward comes from there."""
    for t in reversed(range(subject.x.shape[1])):
        here = direction.where[1] == t
        step = Direction(tuple(axis[here] for axis in direction.where), direction.amounts[here])
        found_here = compare(subject, name, step, gradient, tolerance)
        if not found_here.right:
            return step, found_here
    return direction, found


def locate(subject, name, gradient, tolerance, direction, found):
    """Halve a direction along which the slopes differ until one entry is left: its index, and the comparison."""
    while direction.size > 1:
        middle = direction.size // 2
        halves = [
            Direction(tuple(axis[part] for axis in direction.where), direction.amounts[part])
            for part in (slice(None, middle), slice(middle, None))
        ]
        tried = [(half, compare(subject, name, half, gradient, tolerance)) for half in halves]
        tried = [(half, f) for half, f in tried if not f.right]
        if not tried:  # what differs is too small to be seen alone
            return None, found
        direction, found = max(tried, key=lambda pair: abs(pair[1].analytic - pair[1].numeric))
    index = tuple(int(axis[0]) for axis in direction.where)
    return index, compare(subject, name, Direction.entry(index), gradient, tolerance)


def compare(subject, name, direction, gradient, tolerance):
    """The slope along a direction, by a gradient and by central differences."""
    tried = []
    for step in STEPS:
        above, below, moved = _move(subject, name, direction, step)
        analytic = float(np.sum(gradient[direction.where] * moved))
        numeric = float(subject.weights @ ((above - below) / (2 * step)))
        error = relative(analytic, numeric, uncertainty(subject, step, moved), tolerance)
        if error <= tolerance:
            return Found(analytic, numeric, error, right=True)
        tried.append(Found(analytic, numeric, error, right=False))
    return _at_a_kink(subject, name, direction, gradient, tolerance) or tried[0]


def relative(analytic, numeric, uncertain, tolerance):
    """The difference over the larger of both, less what central differences cannot tell apart."""
    difference = abs(analytic - numeric)
    if difference == 0:
        return 0.0
    room = uncertain / tolerance if tolerance else 0.0
    return difference / (max(abs(analytic), abs(numeric)) + room)


def uncertainty(subject, step, moved):
    """How far off central differences may be: see the file's first lines."""
    scale = np.linalg.norm(subject.weights * (np.abs(subject.base) + 0.1))
    return float(scale * (np.sum(np.square(step * moved)) + 16 * EPSILON / step))


def _move(subject, name, direction, step):
    """outputs() a step ahead and a step back, and the direction that rounding has left."""
    array = subject.arrays[name]
    kept = np.copy(array[direction.where])
    ahead, back = kept + step * direction.amounts, kept - step * direction.amounts
    try:
        array[direction.where] = ahead
        above = subject.outputs()
        array[direction.where] = back
        below = subject.outputs()
    finally:
        array[direction.where] = kept
    return above, below, (ahead - back) / (2 * step)


def _at_a_kink(subject, name, direction, gradient, tolerance):
    """The comparison where the function has a corner at the point itself; None where it has none, or g is outside."""
    corners = []
    for step in STEPS[1:]:
        above, below, moved = _move(subject, name, direction, step)
        ahead, behind = (above - subject.base) / step, (subject.base - below) / step
        noise = 1e3 * EPSILON / step * (np.abs(subject.base) + 1)
        corners.append(ahead - behind)
        is_corner = np.abs(corners[-1]) > noise
    # Of a smooth function the difference of both sides shrinks with the step; of a corner it stays.
    stays = is_corner & (np.abs(corners[1] - corners[0]) < 0.5 * np.abs(corners[0]))
    if not stays.any():
        return None
    analytic = float(np.sum(gradient[direction.where] * moved))
    numeric = float(subject.weights @ ((ahead + behind) / 2))
    reach = float(np.abs(subject.weights * corners[1])[stays].sum() / 2)
    allowed = reach + tolerance * max(abs(analytic), abs(numeric)) + uncertainty(subject, step, moved)
    return Found(analytic, numeric, 0.0, right=True, kink=True) if abs(analytic - numeric) <= allowed else None
