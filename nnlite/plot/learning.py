"""The curves of several trainings in one picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .canvas import LOOKS, new_axes
from .curves import draw_landmarks, named_landmarks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["learning_curves"]


def learning_curves(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    ax: Axes | None = None,
    landmarks=None,
    title: str = "Smoothed loss while training",
) -> Axes:
    """Draw the smoothed losses of trainings over their iterations.

    Args:
        curves: from names to (iterations, losses). A curve that leaves the picture at its top, because the training
            blew up, ends in a cross there. A single curve needs no name: "".
        ax: where to draw; by default into a new figure.
        landmarks: losses that say what a good one is, drawn as lines with their names: a dict, or what
            `nnlite.text.landmarks(text)` gives.
        title: of the picture.

    Raises:
        ValueError: there is no curve, or one without a number.

    Example:
        >>> from matplotlib.figure import Figure
        >>> from nnlite.plot import learning_curves
        >>> ax = Figure().add_subplot()  # without it: a new figure of pyplot
        >>> curves = {"100 units": ([0, 100, 200], [3.6, 3.0, 2.5]), "200 units": ([0, 100, 200], [3.6, 3.1, 2.7])}
        >>> learning_curves(curves, ax=ax).get_xlabel()
        'iteration'
    """
    curves = {name: _checked(name, *curve) for name, curve in curves.items()}
    if not curves:
        raise ValueError("curves: expected at least one, got none")
    landmarks = named_landmarks(landmarks)
    ax = new_axes() if ax is None else ax
    top = _top(curves, landmarks)
    for number, (name, (iterations, losses)) in enumerate(curves.items()):
        colour, dashes = LOOKS[number % len(LOOKS)]
        inside = len(losses)
        while losses[inside - 1] > top:  # it ends outside: cut off where it left for good
            inside -= 1
        ax.plot(iterations[:inside], losses[:inside], color=colour, linestyle=dashes, linewidth=1.8, label=name)
        if inside < len(losses):
            place = iterations[max(0, inside - 1)], top
            ax.plot(*place, "x", color=colour, markersize=9, markeredgewidth=2.5, clip_on=False, label="_")
            ax.annotate(
                f"{name} blows up".strip(), place, xytext=(9, -5), textcoords="offset points",
                ha="left", va="top", color=colour, fontsize="small",
            )  # fmt: skip
    draw_landmarks(ax, landmarks)
    ax.set_title(title)
    ax.set_xlabel("iteration")
    ax.set_ylabel("smoothed loss" + (" (nats per character)" if landmarks else ""))
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.set_ylim(top=top)
    if any(curves):
        handles, names = ax.get_legend_handles_labels()
        ax.legend(handles, names, framealpha=1, edgecolor="none", handlelength=4)
    return ax


def _checked(name, iterations, losses):
    """A curve, where NaN has become infinity: it blew up as well."""
    if not len(losses) or len(iterations) != len(losses) or not math.isfinite(losses[0]):
        raise ValueError(
            f"curves: {name!r} has {len(iterations)} iterations and {len(losses)} losses: expected as many of both, "
            f"the first of them finite"
        )
    return list(iterations), [math.inf if math.isnan(loss) else loss for loss in losses]


def _top(curves, landmarks):
    """Just above what is of interest: where trainings start, what guessing costs, and curves that stay near to it."""
    starts = max([*landmarks.values(), *(losses[0] for _, losses in curves.values())])
    near = [max(losses) for _, losses in curves.values() if max(losses) < 1.5 * starts]
    lowest = min(min(losses) for _, losses in curves.values())
    highest = max([starts, *near])
    return highest + 0.05 * (highest - lowest) + 1e-6
