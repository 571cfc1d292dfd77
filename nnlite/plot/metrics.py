"""Plot a metric of each epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nnlite.utils import of_its_kinds

from .canvas import Axes, draw_epochs, new_axes, whole, whole_ticks, without_gaps

if TYPE_CHECKING:
    from nnlite import History


@of_its_kinds
def metric_curves(
    history: History | Mapping[str, list[float]], metric: str = "accuracy", ax: Axes | None = None
) -> Axes:
    """Draw a metric of each epoch, in training and, if present, in validation.

    For the loss there is `loss_curves`.

    Args:
        history: the result of `fit`, or a dict of lists like its `history`.
        metric: its name there, such as "accuracy".
        ax: where to draw; by default into a new figure.

    Raises:
        ValueError: there is no epoch with this metric.

    Example:
        >>> from matplotlib.figure import Figure
        >>> from nnlite.plot import metric_curves
        >>> ax = Figure().add_subplot()  # without it: a new figure of pyplot
        >>> metric_curves({"accuracy": [0.5, 0.8], "val_accuracy": [0.6, 0.7]}, ax=ax).get_title()
        'accuracy while training'
    """
    curves: Any = without_gaps(getattr(history, "history", history), metric)
    if not curves:
        raise ValueError("metric: expected an epoch with it, got none: train first")
    if not curves.get(metric):
        raise ValueError(f"metric: expected one of {', '.join(curves)}, got {metric!r}")
    ax = new_axes() if ax is None else ax
    draw_epochs(ax, curves, metric, [epoch + 1 for epoch in getattr(history, "epoch", ())])
    name = whole(metric).replace("$", r"\$")  # no formula
    ax.set(title=f"{name} while training", xlabel="epoch", ylabel=name)
    whole_ticks(ax.xaxis)
    ax.legend(framealpha=1, edgecolor="none")
    return ax
