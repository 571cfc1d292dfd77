"""ProgressBar: shows the progress of a training."""

import copy
import time
from collections.abc import Collection, Mapping
from numbers import Real
from typing import Any, Self

from .bars import INTERVAL, bar_for, numbers_text, rate
from .base import Callback, Logs, coming_logs


class ProgressBar(Callback):
    """Shows loss, metrics, speed and remaining time; `fit` adds one if none is given.

    For sequences with a label at each step it also shows the perplexity: the number of equally likely choices.

    In a terminal it draws a bar, and a line for each epoch above it; in a notebook the lines are below the bar.
    Elsewhere (a pipe, a log of a build server) it prints only the lines.

    Args:
        landmarks: reference losses by name; shown beside the loss, with those that it has passed.
            `nnlite.text.landmarks(text)` computes them for a text.
        unit: unit of the speed, such as "characters" or "images"; by default "positions" for sequences, else "samples".
        look: "bar", "lines", or "auto": a bar where one can be drawn.
        monitor: the number to compare with the landmarks; its validation value, if there is one.
        console: the `rich.console.Console` to draw on; by default a new one. If something else prints during the
            training, let it use the same, so that bar and text do not overwrite each other.
        hidden: names of the logs that are not shown, such as a loss in another unit than `monitor`.

    Example:
        >>> from nnlite.callbacks.progress_bar import ProgressBar
        >>> bar = ProgressBar(landmarks={"uniform": 3.638, "bigram": 2.364}, unit="characters")
        >>> bar.passed(2.5)
        'below uniform 3.638, above bigram 2.364'
    """

    _live: Any = None  # the bar on the screen
    _of_this_process = (*Callback._of_this_process, "_live")

    def __init__(
        self,
        landmarks: Mapping[str, float] | tuple[float, ...] | None = None,
        unit: str | None = None,
        look: str = "auto",
        console: Any = None,
        *,
        monitor: str = "loss",
        hidden: Collection[str] = (),
    ) -> None:
        if not isinstance(look, str) or look not in ("auto", "bar", "lines"):
            raise ValueError(f"look: expected 'auto', 'bar' or 'lines', got {look!r}")
        losses: Any = {} if landmarks is None else landmarks
        named = losses._asdict() if hasattr(losses, "_asdict") else losses
        if not isinstance(named, Mapping) or not all(isinstance(name, str) for name in named):
            raise TypeError(f"landmarks: expected losses by name, such as {{'uniform': 3.64}}, got {landmarks!r}")
        self.landmarks: dict[str, float] = dict(sorted(named.items(), key=lambda item: -item[1]))
        self.unit, self.look, self.console, self.monitor = unit, look, console, monitor
        self.hidden = frozenset(hidden)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        memo[id(self.console)] = self.console  # a copy draws on the same screen
        new = memo[id(self)] = copy.copy(self)
        vars(new).update({name: copy.deepcopy(value, memo) for name, value in vars(new).items()})
        return new

    def on_train_begin(self, logs: Logs) -> None:
        names, silent = coming_logs(self)
        if self.monitor not in names and not silent:
            raise ValueError(f"ProgressBar: monitor={self.monitor!r} is not among {sorted(names)}")
        self._start = self._drawn = time.perf_counter()
        self._batches_done = 0
        self._validation = ""
        self._unit = self.unit or ("positions" if self.loop.is_sequence else "samples")
        self._live = bar_for(self.look, self.console)
        if self.landmarks:
            self._print("landmarks: " + "  ".join(f"{name} {loss:.3f}" for name, loss in self.landmarks.items()))

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        if self.loop.resumed and self._batches_done == 0:
            self._print(f"resumed in epoch {epoch + 1} after {self.loop.batch} of {self.loop.batches} batches")
        self._epoch_start, self._epoch_first = time.perf_counter(), self.loop.batch
        self._speed = 0.0

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        self._batches_done += 1
        now = time.perf_counter()
        if batch + 1 == self.loop.batches or now - self._drawn > INTERVAL:
            self._drawn = now
            samples = (batch + 1 - self._epoch_first) * self.loop.batch_size
            self._speed = rate(samples * self.loop.positions, now - self._epoch_start)
            if self._live:
                self._draw(batch + 1, logs, now)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        shown = self._shown(logs)
        validation = {name: value for name, value in shown.items() if name.startswith("val_")}
        if "val_perplexity" in validation:  # to keep the line short
            del shown["perplexity"], validation["val_perplexity"]
        self._validation = numbers_text(validation)
        passed = self._passed(logs.get(f"val_{self.monitor}", logs.get(self.monitor)))
        width = len(str(self.loop.epochs))
        place = f"epoch {epoch + 1:{width}}/{self.loop.epochs}"
        self._print("  ".join(filter(None, [place, numbers_text(shown), passed, f"{self._speed:,.0f} {self._unit}/s"])))

    def close(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def passed(self, loss: float) -> str:
        """The landmarks between which a loss lies, in words; "" if there are none."""
        names = [f"{name} {landmark:.3f}" for name, landmark in self.landmarks.items()]
        count = sum(loss < landmark for landmark in self.landmarks.values())
        return ", ".join(
            [*(f"below {name}" for name in names[:count][-1:]), *(f"above {name}" for name in names[count:][:1])]
        )

    def _passed(self, loss):
        """`passed` of a number; another callback may have taken it out of the logs."""
        return self.passed(float(loss)) if isinstance(loss, Real) else ""

    def _shown(self, logs):
        """The logs to show: without the learning rate, and with perplexity only for sequences."""
        hidden = {"learning_rate"} if self.loop.is_sequence else {"learning_rate", "perplexity", "val_perplexity"}
        return {name: value for name, value in logs.items() if name not in hidden | self.hidden}

    def _draw(self, batch, logs, now):
        loop = self.loop
        left = (loop.epochs - loop.epoch) * loop.batches - batch
        seconds = (now - self._start) / self._batches_done * left  # the average includes validation
        speed = f"{self._speed:,.0f} {self._unit}/s   {_clock(seconds)} left"
        parts = [numbers_text(self._shown(logs)), self._validation, self._passed(logs.get(self.monitor))]
        numbers = "   ".join(filter(None, parts))
        self._live.draw(f"epoch {loop.epoch + 1}/{loop.epochs}", batch, loop.batches, speed, numbers)

    def _print(self, line):
        console = self._live.console if self._live else self.console
        if console:
            console.print(line, soft_wrap=not console.is_terminal, highlight=False, markup=False)
        else:
            print(line, flush=True)


def _clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
