"""Plot training and validation loss."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .canvas import BLUE, GREY, VERMILION, new_axes, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nnlite import History

__all__ = ["loss_curves"]


class Landmarks(Protocol):
    """A named tuple of losses, such as `nnlite.text.Landmarks`."""

    def _asdict(self) -> dict[str, float]: ...


def loss_curves(
    history: History | Mapping[str, list[float]] | str | os.PathLike,
    ax: Axes | None = None,
    landmarks: Landmarks | Mapping[str, float] | None = None,
) -> Axes:
    """Draw the loss of each epoch and, if present, the validation loss with its best epoch.

    If both fall, the model still learns; if the validation loss rises while the loss falls, it memorizes its training
    data. The loss is a mean over the epoch, the validation loss is measured at its end, so early on the validation loss
    may be the smaller one.

    Args:
        history: the result of `fit`; a dict of lists like its `history`; or the path of a `JSONLogger` log.
        ax: where to draw; by default into a new figure.
        landmarks: reference losses, drawn as labelled lines: a dict, or the result of
            `nnlite.text.landmarks(text)`.

    Raises:
        ValueError: there is no epoch with a loss.

    Example:
        >>> from matplotlib.figure import Figure
        >>> from nnlite.plot import loss_curves
        >>> ax = Figure().add_subplot()  # without it: a new figure of pyplot
        >>> loss_curves({"loss": [2.9, 2.2, 1.9], "val_loss": [2.5, 2.1, 2.2]}, ax=ax).get_xlabel()
        'epoch'
    """
    curves = _curves(history)
    landmarks = named_landmarks(landmarks)
    ax = new_axes() if ax is None else ax
    epochs = range(1, len(curves["loss"]) + 1)
    ax.plot(epochs, curves["loss"], "--o", color=BLUE, markersize=4, label="training")
    if "val_loss" in curves:
        ax.plot(epochs, curves["val_loss"], "-s", color=VERMILION, markersize=4, label="validation")
        _mark_best(ax, curves["val_loss"])
    draw_landmarks(ax, landmarks)
    ax.set_title("Loss while training")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss" + (" (nats per character)" if landmarks else " (nats)" if "perplexity" in curves else ""))
    whole_ticks(ax.xaxis)
    ax.legend(framealpha=1, edgecolor="none")
    return ax


def named_landmarks(landmarks: Landmarks | Mapping[str, float] | None) -> dict[str, float]:
    """Landmarks as a dict."""
    return dict(landmarks or {}) if landmarks is None or isinstance(landmarks, Mapping) else landmarks._asdict()


def draw_landmarks(ax: Axes, landmarks: Mapping[str, float]) -> None:
    """A dotted line for each landmark, labelled with its name and loss."""
    for name, loss in landmarks.items():
        ax.axhline(loss, color=GREY, linewidth=1, linestyle=":", zorder=0)
        ax.annotate(
            f"{name} {loss:.3f}", (1, loss), xycoords=("axes fraction", "data"), xytext=(-4, 2),
            textcoords="offset points", ha="right", va="bottom", color=GREY, fontsize="small",
        )  # fmt: skip


def _curves(history):
    """The values of each epoch, as a dict of lists."""
    if isinstance(history, str | os.PathLike):
        records = [json.loads(line) for line in Path(history).read_text(encoding="utf-8").splitlines()]
        records = [record for record in records if "loss" in record and "batch" not in record]
        # null stands for NaN and infinity, which JSON lacks.
        names = records[0] if records else ()
        curves = {n: [float("nan") if r.get(n) is None else r[n] for r in records] for n in names}
    else:
        curves = getattr(history, "history", history)
    if not curves.get("loss"):
        raise ValueError("history: expected at least one epoch with a loss, got none")
    return curves


def _mark_best(ax, losses):
    numbers = [(loss, epoch) for epoch, loss in enumerate(losses, 1) if not math.isnan(loss)]
    if not numbers:
        return
    loss, epoch = min(numbers)
    ax.plot(epoch, loss, "o", color=VERMILION, markersize=10, fillstyle="none")
    # Centred above the point, except at the ends, where the label would leave the plot.
    ends = {len(losses): "right", 1: "left"}
    ax.annotate(
        f"best: {loss:.3f}, epoch {epoch}", (epoch, loss), xytext=(0, 12),
        textcoords="offset points", ha=ends.get(epoch, "center"), va="bottom", color=VERMILION,
    )  # fmt: skip
