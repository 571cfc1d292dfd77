"""Compare the learning curves of several runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .canvas import LOOKS, new_axes
from .curves import Landmarks, draw_landmarks, named_landmarks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["learning_curves"]


def learning_curves(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    ax: Axes | None = None,
    landmarks: Landmarks | Mapping[str, float] | None = None,
    title: str = "Smoothed loss while training",
) -> Axes:
    """Draw smoothed losses over iterations.

    Args:
        curves: from names to (iterations, losses). A curve that diverges beyond the top ends in a cross there. A single
            curve may have the name "".
        ax: where to draw; by default into a new figure.
        landmarks: reference losses, drawn as labelled lines: a dict, or the result of
            `nnlite.text.landmarks(text)`.
        title: of the plot.

    Raises:
        ValueError: there is no curve, or a curve has no finite first loss.

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
        while losses[inside - 1] > top:  # ends outside: cut where it last leaves
            inside -= 1
        ax.plot(iterations[:inside], losses[:inside], color=colour, linestyle=dashes, linewidth=1.8, label=name)
        if inside < len(losses):
            place = iterations[max(0, inside - 1)], top
            ax.plot(*place, "x", color=colour, markersize=9, markeredgewidth=2.5, clip_on=False, label="_")
            ax.annotate(
                f"{name} diverges".strip(), place, xytext=(9, -5), textcoords="offset points",
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
    """A curve, with NaN as infinity: both mean divergence."""
    if not len(losses) or len(iterations) != len(losses) or not math.isfinite(losses[0]):
        raise ValueError(
            f"curves: {name!r}: expected as many losses as iterations, the first of them finite, got "
            f"{len(iterations)} iterations and {len(losses)} losses"
        )
    return list(iterations), [math.inf if math.isnan(loss) else loss for loss in losses]


def _top(curves, landmarks):
    """The upper limit: just above the first losses, the landmarks, and all curves that stay near them."""
    starts = max([*landmarks.values(), *(losses[0] for _, losses in curves.values())])
    near = [max(losses) for _, losses in curves.values() if max(losses) < 1.5 * starts]
    lowest = min(min(losses) for _, losses in curves.values())
    highest = max([starts, *near])
    return highest + 0.05 * (highest - lowest) + 1e-6
