"""Plot losses: of each epoch of one run, or over the iterations of several."""

from __future__ import annotations

import itertools
import math
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from nnlite.saving.regular_file import read_json_lines
from nnlite.utils import of_its_kinds, require

from .canvas import (
    BLUE,
    GREY,
    LOOKS,
    VERMILION,
    Axes,
    draw_epochs,
    in_a_row,
    new_axes,
    numbers_of,
    plain,
    whole,
    whole_ticks,
    without_gaps,
)

if TYPE_CHECKING:
    from nnlite import History


class Landmarks(Protocol):
    """A named tuple of losses, such as `nnlite.text.Landmarks`."""

    def _asdict(self) -> dict[str, float]: ...


@of_its_kinds
def loss_curves(
    history: History | Mapping[str, list[float]] | str | os.PathLike,
    ax: Axes | None = None,
    landmarks: Landmarks | Mapping[str, float] | None = None,
    kept: int | None = None,
) -> Axes:
    """Draw the loss of each epoch and, if present, the validation loss. A ring marks the model that is kept.

    If both fall, the model still learns; if the validation loss rises while the loss falls, it memorizes its training
    data. The loss is a mean over the epoch, the validation loss is measured at its end, so early on the validation loss
    may be the smaller one.

    Args:
        history: the result of `fit`; a dict of lists like its `history`; or the path of a `JSONLogger` log.
        ax: where to draw; by default into a new figure.
        landmarks: reference losses, drawn as labelled lines: a dict, or what `nnlite.text.landmarks(text)` returns.
        kept: the epoch, from 1, whose model is kept, such as the last one. By default that of the lowest validation
            loss, which `ModelCheckpoint(save_best_only=True)` keeps; without validation no ring is drawn.

    Raises:
        ValueError: there is no epoch with a loss, kept is none of them, or a landmark is not finite.

    Example:
        >>> from matplotlib.figure import Figure
        >>> from nnlite.plot import loss_curves
        >>> ax = Figure().add_subplot()  # without it: a new figure of pyplot
        >>> loss_curves({"loss": [2.9, 2.2, 1.9], "val_loss": [2.5, 2.1, 2.2]}, ax=ax).get_xlabel()
        'epoch'
    """
    curves, logged = _curves(history)
    landmarks = _named(landmarks)
    ax = new_axes() if ax is None else ax
    draw_epochs(ax, curves, "loss", logged)
    _draw_landmarks(ax, landmarks)
    _ring(ax, curves, logged, kept)
    unit = " (nats per character)" if landmarks else " (nats)" if "perplexity" in curves else ""
    ax.set(title="Loss while training", xlabel="epoch", ylabel=f"loss{unit}")
    whole_ticks(ax.xaxis)
    ax.legend(framealpha=1, edgecolor="none")
    return ax


@of_its_kinds
def learning_curves(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    ax: Axes | None = None,
    landmarks: Landmarks | Mapping[str, float] | None = None,
    title: str = "Smoothed loss while training",
    ring: bool = False,
) -> Axes:
    """Draw smoothed losses over iterations.

    Args:
        curves: from names to (iterations, losses). A curve that diverges beyond the top ends in a cross there. A single
            curve may have the name "".
        ax: where to draw; by default into a new figure.
        landmarks: reference losses, drawn as labelled lines: a dict, or what `nnlite.text.landmarks(text)` returns.
        title: of the plot.
        ring: mark the end of each curve by a ring with its loss: there the model is kept.

    Raises:
        ValueError: there is no curve, or a curve has no finite first loss; or a landmark is not finite.

    Example:
        >>> from matplotlib.figure import Figure
        >>> from nnlite.plot import learning_curves
        >>> ax = Figure().add_subplot()  # without it: a new figure of pyplot
        >>> curves = {"100 units": ([0, 100, 200], [3.6, 3.0, 2.5]), "200 units": ([0, 100, 200], [3.6, 3.1, 2.7])}
        >>> learning_curves(curves, ax=ax).get_xlabel()
        'iteration'
    """
    curves = {whole(name): _checked(name, curve) for name, curve in curves.items()}
    if not curves:
        raise ValueError("curves: expected at least one, got none")
    landmarks = _named(landmarks)
    ax = new_axes() if ax is None else ax
    top, ends = _top(curves, landmarks), []
    for number, (name, (iterations, losses)) in enumerate(curves.items()):
        colour, dashes = LOOKS[number % len(LOOKS)]
        inside = len(losses)
        while losses[inside - 1] > top:  # ends outside: cut where it last leaves
            inside -= 1
        ax.plot(iterations[:inside], losses[:inside], color=colour, linestyle=dashes, linewidth=1.8, label=plain(name))
        if inside < len(losses):
            place = iterations[inside - 1], top
            ax.plot(*place, "x", color=colour, markersize=9, markeredgewidth=2.5, clip_on=False, label="_")
            ax.annotate(
                f"{plain(name)} diverges".strip(), place, xytext=(9, -5), textcoords="offset points",
                ha="left", va="top", color=colour, fontsize="small",
            )  # fmt: skip
        elif ring:
            ends.append((f"kept: {losses[-1]:.3f}, iteration {iterations[-1]:,}", iterations[-1], losses[-1], colour))
    _draw_landmarks(ax, landmarks, top)
    unit = " (nats per character)" if landmarks else ""
    ax.set(title=whole(title), xlabel="iteration", ylabel=f"smoothed loss{unit}")
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    for end in ends:
        _mark(ax, *end, ("right", "center", "left"))
    if any(curves):
        ax.legend(framealpha=1, edgecolor="none", handlelength=4)
    return ax


def _named(landmarks):
    """Landmarks as a dict."""
    landmarks = landmarks._asdict() if hasattr(landmarks, "_asdict") else dict(landmarks or {})
    for name, loss in landmarks.items():
        require(f"landmarks: {name!r}", loss, "float")
        if not abs(loss) <= sys.float_info.max:
            raise ValueError(f"landmarks: {name!r}: expected a finite number, got {loss!r:.200}")
    return {plain(name): loss for name, loss in landmarks.items()}


def _draw_landmarks(ax, landmarks, top=None):
    """A dotted line for each landmark, labelled with its name and loss: below it where the frame is close above."""
    for loss in landmarks.values():
        ax.axhline(loss, color=GREY, linewidth=1, linestyle=":", zorder=0)
    ax.autoscale_view()
    if top is not None:
        ax.set_ylim(top=top)
    for name, loss in landmarks.items():
        label = ax.annotate(
            f"{name} {loss:.3f}", (1, loss), xycoords=("axes fraction", "data"), xytext=(-4, 2),
            textcoords="offset points", ha="right", va="bottom", color=GREY, fontsize="small",
        )  # fmt: skip
        if label.get_window_extent().padded(2).y1 > ax.bbox.y1:
            label.set(va="top", position=(-4, -2))


def _curves(history):
    """The values of each epoch, as a dict of lists; and the epochs' numbers, as far as they were logged."""
    if isinstance(history, str | os.PathLike):
        records = [record for record in read_json_lines(history) if "loss" in record and "batch" not in record]
        # null stands for NaN and infinity, which JSON lacks.
        names, epochs = {name for record in records for name in record}, [record.get("epoch") for record in records]
        curves = {n: [float("nan") if r.get(n) is None else r[n] for r in records] for n in names}
        for name in {"loss", "val_loss"} & curves.keys():
            if any(not isinstance(value, int | float) or abs(value) > sys.float_info.max for value in curves[name]):
                raise ValueError(f"{os.fspath(history)}: {name}: expected a number, or null, in each line")
    else:
        curves = without_gaps(getattr(history, "history", history), "loss")
        epochs = [epoch + 1 for epoch in getattr(history, "epoch", ())]
    if not curves.get("loss"):
        raise ValueError("history: expected at least one epoch with a loss, got none")
    return curves, epochs


def _ring(ax, curves, logged, kept):
    """A ring around the loss of the model that is kept, with its number."""
    name = "val_loss" if curves.get("val_loss") else "loss"
    losses, color = curves[name], VERMILION if name == "val_loss" else BLUE
    epochs = numbers_of(logged, len(losses))
    if kept is not None and kept not in epochs:
        raise ValueError(f"kept: expected an epoch from {epochs[0]} to {epochs[-1]}, got {kept}")
    if kept is None:
        numbers = [(loss, epoch) for loss, epoch in zip(losses, epochs, strict=True) if not math.isnan(loss)]
        if name == "loss" or not numbers:
            return
        loss, epoch = min(numbers)
        word = "best"
    else:
        loss, epoch, word = losses[epochs.index(kept)], kept, "kept"
    _mark(ax, f"{word}: {loss:.3f}, epoch {epoch}", epoch, loss, color, ("center", "right", "left"))


def _mark(ax, text, x, y, color, sides):
    """A ring around a point, and a text beside it where it covers least."""
    ax.plot(x, y, "o", color=color, markersize=10, fillstyle="none", clip_on=False, label="_")
    label = ax.annotate(text, (x, y), (0, 0), textcoords="offset points", color=color)
    ax.autoscale_view()  # which would else be done when it is drawn
    places = itertools.product((12, -12, 24, -24, 40, -40), sides)
    _put(label, *min(places, key=lambda place: _crossed(ax, _put(label, *place))))  # the first of the best


def _put(label, offset, ha):
    label.set(va="bottom" if offset > 0 else "top", ha=ha)
    label.xyann = (0, offset)
    return label


def _crossed(ax, label):
    """How much of the curves and the other labels a label covers; more than all where it leaves the plot."""
    box = label.get_window_extent()
    if not (ax.bbox.contains(box.x0, box.y0) and ax.bbox.contains(box.x1, box.y1)):
        return math.inf
    count = 50 * sum(box.overlaps(text.get_window_extent()) for text in ax.texts if text is not label)
    for line in ax.lines:
        x, y = line.get_transform().transform(line.get_xydata()).T
        steps = np.linspace(0, len(x) - 1, 50 * len(x))
        x, y = (np.interp(steps, np.arange(len(x)), values) for values in (x, y))
        count += int(np.sum((box.x0 - 4 < x) & (x < box.x1 + 4) & (box.y0 - 4 < y) & (y < box.y1 + 4)))
    return count


def _checked(name, curve):
    """A curve, with NaN as infinity: both mean divergence."""
    if not hasattr(curve, "__len__") or len(curve) != 2:
        raise TypeError(f"curves: {name!r}: expected a pair (iterations, losses), got {type(curve).__name__}")
    iterations, losses = (
        in_a_row(f"curves: {name!r}: {what}", values)
        for what, values in zip(("iterations", "losses"), curve, strict=True)
    )
    if not losses or len(iterations) != len(losses) or not math.isfinite(losses[0]):
        first = f", the first of them {losses[0]}" if losses else ""
        raise ValueError(
            f"curves: {name!r}: expected as many losses as iterations, the first of them finite, got "
            f"{len(iterations)} iterations and {len(losses)} losses{first}"
        )
    return iterations, [math.inf if math.isnan(loss) else loss for loss in losses]


def _top(curves, landmarks):
    """The upper limit: just above the first losses, the landmarks, and all curves that stay near them."""
    starts = max([*landmarks.values(), *(losses[0] for _, losses in curves.values())])
    near = [max(losses) for _, losses in curves.values() if max(losses) < 1.5 * starts]
    lowest = min([*landmarks.values(), *(min(losses) for _, losses in curves.values())])
    highest = max([starts, *near])
    return highest + 0.05 * (highest - lowest) + 1e-6
