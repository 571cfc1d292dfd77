"""The curves of a training."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from .canvas import BLUE, GREY, VERMILION, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["loss_curves"]


def loss_curves(history, ax: Axes | None = None, landmarks=None) -> Axes:
    """Draw the loss of each epoch, and the validation loss with its best epoch where there is one.

    The two tell whether a model still learns (both fall), or learns its training data by heart (the validation loss
    rises while the other goes on falling). The loss of an epoch is a mean over the time in which the model learned,
    the validation loss is measured at its end: early on, the second may be the smaller one.

    Args:
        history: what `fit` returns; a dict of lists such as its `history`; or the path of a log of `JSONLogger`.
        ax: where to draw; by default into a new figure.
        landmarks: losses that say what a good one is, drawn as lines with their names: a dict, or what
            `nnlite.text.landmarks(text)` gives.

    Raises:
        ValueError: there is no epoch with a loss in it.

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
        _point_out_best(ax, curves["val_loss"])
    draw_landmarks(ax, landmarks)
    ax.set_title("Loss while training")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss" + (" (nats per character)" if landmarks else " (nats)" if "perplexity" in curves else ""))
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend(framealpha=1, edgecolor="none")
    return ax


def named_landmarks(landmarks):
    """Landmarks as a dict: they may be that, or what `nnlite.text.landmarks` gives, or None."""
    return landmarks._asdict() if hasattr(landmarks, "_asdict") else dict(landmarks or {})


def draw_landmarks(ax, landmarks):
    """A dotted line for each, with its name and its loss."""
    for name, loss in landmarks.items():
        ax.axhline(loss, color=GREY, linewidth=1, linestyle=":", zorder=0)
        ax.annotate(
            f"{name} {loss:.3f}", (1, loss), xycoords=("axes fraction", "data"), xytext=(-4, 2),
            textcoords="offset points", ha="right", va="bottom", color=GREY, fontsize="small",
        )  # fmt: skip


def _curves(history):
    """The numbers of each epoch, as a dict of lists."""
    if isinstance(history, str | os.PathLike):
        records = [json.loads(line) for line in Path(history).read_text(encoding="utf-8").splitlines()]
        records = [record for record in records if "loss" in record and "batch" not in record]
        # A null stands for a number that JSON cannot write.
        names = records[0] if records else ()
        curves = {n: [float("nan") if r.get(n) is None else r[n] for r in records] for n in names}
    else:
        curves = getattr(history, "history", history)
    if not curves.get("loss"):
        raise ValueError("history: expected at least one epoch with a loss in it, got none")
    return curves


def _point_out_best(ax, losses):
    numbers = [(loss, epoch) for epoch, loss in enumerate(losses, 1) if not math.isnan(loss)]
    if not numbers:
        return
    loss, epoch = min(numbers)
    ax.plot(epoch, loss, "o", color=VERMILION, markersize=10, fillstyle="none")
    # In the middle above its point; at either end the words would leave the picture.
    ends = {len(losses): "right", 1: "left"}
    ax.annotate(
        f"best: {loss:.3f}, epoch {epoch}", (epoch, loss), xytext=(0, 12),
        textcoords="offset points", ha=ends.get(epoch, "center"), va="bottom", color=VERMILION,
    )  # fmt: skip
