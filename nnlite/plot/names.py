"""Write names beside points so that none covers another, a point, or the legend."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from .canvas import GREY, Axes

FAR = 8, 14, 22, 32, 44, 58, 74, 92, 112  # points from a point to the edge of its name
ANGLES = range(0, 360, 15)
NEAR = 9  # up to here a name needs no line to its point
POINT = 4  # half of a marker, with a margin


def names_beside(ax: Axes, names: Sequence[tuple[str, float, float]]) -> None:
    """Write each name near its point (x, y), with a thin line to it where there is no room close by.

    All other lines of the axes, and its legend, are to be there already. Crowded points choose first.
    """
    ax.figure.figure.draw_without_rendering()  # the layout sets the axes' size
    unit = ax.figure.dpi / 72
    points = ax.transData.transform([(x, y) for _, x, y in names]) / unit
    taken = [np.array([*(point - POINT), *(point + POINT)]) for point in points]
    if legend := ax.get_legend():
        taken.append(np.asarray(legend.get_window_extent().extents) / unit)
    frame = np.asarray(ax.bbox.extents) / unit
    lines = np.concatenate([_along(ax, line) for line in ax.lines]) / unit
    neighbours = [np.sum(np.hypot(*(points - point).T) < 60) for point in points]
    for number in np.argsort(np.negative(neighbours), kind="stable"):
        (name, x, y), point = names[number], points[number]
        label = ax.annotate(
            name, (x, y), (0, 0), textcoords="offset points", fontsize="small", ha="center", va="center"
        )
        half = np.array([label.get_window_extent().width, label.get_window_extent().height]) / unit / 2 + (3, 1)
        far, offset = min(
            _places(half), key=lambda place: _cost(place[0], _box(point + place[1], half), taken, lines, frame)
        )
        label.xyann = tuple(offset)
        taken.append(_box(point + offset, half))
        if far > NEAR:
            toward = offset / np.hypot(*offset) * (far + 2)
            ends = ax.transData.inverted().transform([point * unit, (point + toward) * unit])
            ax.plot(*ends.T, color=GREY, linewidth=0.6, zorder=1, label="_")


def _places(half: np.ndarray) -> Iterator[tuple[float, np.ndarray]]:
    """How far a name may be, and where its middle is then, from the point."""
    for far, angle in itertools.product(FAR, ANGLES):
        direction = np.array([math.cos(math.radians(angle)), math.sin(math.radians(angle))])
        yield far, direction * (far + np.min(half / np.maximum(np.abs(direction), 1e-9)))


def _box(middle: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Left, bottom, right and top."""
    return np.concatenate([middle - half, middle + half])


def _cost(far: float, box: np.ndarray, taken: list[np.ndarray], lines: np.ndarray, frame: np.ndarray) -> tuple:
    """How bad a place is: what is covered first, then how far it is, and how much of a line it covers."""
    others = np.array(taken)
    covered = np.sum(np.all((box[:2] < others[:, 2:]) & (others[:, :2] < box[2:]), axis=1))
    outside = np.any(box[:2] < frame[:2]) or np.any(box[2:] > frame[2:])
    crossed = np.sum(np.all((box[:2] < lines) & (lines < box[2:]), axis=1))
    return covered + outside, far + 4 * crossed


def _along(ax, line):
    """Points of a straight line, four points apart."""
    ends = line.get_transform().transform(line.get_xydata())
    return np.linspace(ends[0], ends[-1], 2 + int(np.hypot(*(ends[-1] - ends[0])) / 4))
