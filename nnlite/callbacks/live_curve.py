"""LiveCurve: draws the loss while a model is trained in a notebook."""

import math
import time

from .. import checks
from ..notebook import Drawing, Place, in_notebook, plots
from .base import Callback, Logs

POINTS = 1000  # of a curve: more than this many are thinned out, to half
BATCHES = 50  # which a smoothed loss is a mean of, about
SHARE = 0.1  # of the time of a training, at most, goes into drawing


class LiveCurve(Callback):
    """Draws the loss in the output of a notebook's cell while `fit` runs, and the validation loss of each epoch.

    The loss of a batch goes up and down with its samples, so the curve is smoothed: the n-th loss counts 1/n, later
    ones 1/50. When the training ends, or is stopped, the last picture stays.

    Args:
        seconds: between two pictures, at least. A picture that takes long to draw comes less often, so that drawing
            takes a tenth of the time.

    Example:
        >>> from nnlite.callbacks import LiveCurve
        >>> callback = LiveCurve()  # model.fit(x, y, callbacks=[callback])
    """

    _place: Place | None = None
    _of_this_process = (*Callback._of_this_process, "_place")

    def __init__(self, seconds: float = 1.0) -> None:
        self.seconds = checks.between("seconds", seconds, 0, math.inf)

    def on_train_begin(self, logs: Logs) -> None:
        self._place = Place() if in_notebook() else None
        if self._place is None:
            print("LiveCurve draws in notebooks only: after the training there is nnlite.plot.loss_curves(history)")
        self._losses: list[tuple[int, float]] = []  # pairs of an iteration and a smoothed loss
        self._validation: list[tuple[int, float]] = []
        self._smooth, self._batches, self._every = 0.0, 0, 1
        self._next, self._has_drawn = time.perf_counter() + self.seconds, False

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        self._batches += 1
        loss = self.loop.latest["loss"]
        self._smooth += (loss - self._smooth) / min(self._batches, BATCHES)
        if self._batches % self._every == 0:
            self._losses.append((self._batches, self._smooth))
            if len(self._losses) == POINTS:
                self._losses, self._every = self._losses[1::2], 2 * self._every
        if time.perf_counter() > self._next:
            self._draw()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if "val_loss" in logs:
            self._validation.append((self._batches, logs["val_loss"]))

    def close(self) -> None:
        self._draw()  # also after an error, or when the user has stopped the cell

    def _draw(self):
        if self._place is None or not self._losses:
            return
        start = time.perf_counter()
        curves = {"training": self._losses} | ({"validation": self._validation} if self._validation else {})
        title = f"Loss while training, epoch {min(self.loop.epoch + 1, self.loop.epochs)} of {self.loop.epochs}"
        plot = plots()
        columns = {name: tuple(zip(*points, strict=True)) for name, points in curves.items()}
        svg = plot.svg(plot.learning_curves, columns, title=title)
        self._place.show(Drawing(f"{title}: {self._smooth:.4g} after {self._batches:,} batches", svg))
        now = time.perf_counter()
        took = now - start if self._has_drawn else 0.0  # the first picture waits for matplotlib to be imported
        self._next, self._has_drawn = now + max(self.seconds, took / SHARE), True
