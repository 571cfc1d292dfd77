"""ProgressBar: what a training shows while it runs."""

import importlib.util
import os
import sys
import time
from collections.abc import Mapping
from numbers import Real
from typing import Any

from .base import Callback, Logs

# How often the bar is drawn, in seconds: often enough for the eye, and nothing beside a step of training.
_INTERVAL = 0.1


class ProgressBar(Callback):
    """Shows loss, metrics, speed and the time that is left; `fit` adds one by itself where none is given.

    Of a sequence, with labels at each of its steps, also the perplexity: among how many characters it is unsure.

    In a terminal or a notebook it is a bar, and a line for each epoch above it; elsewhere (a pipe, a log of a build
    server, a notebook without ipywidgets) the lines alone.

    Args:
        landmarks: dict from names to losses that say what a good one is; they are shown beside the loss, and which of
            them it has passed. `nnlite.text.landmarks(text)` gives those of a text.
        unit: what the speed counts: "characters", "images"; by default "positions" of sequences and other "samples".
        look: "bar", "lines", or "auto": whichever suits the place.
        monitor: which number is set beside the landmarks; of the validation, where there is one.
        console: a `rich.console.Console` to draw on; by default one of its own.

    Example:
        >>> from nnlite.callbacks.progress_bar import ProgressBar
        >>> bar = ProgressBar(landmarks={"uniform": 3.638, "bigram": 2.364}, unit="characters")
        >>> bar.passed(2.5)
        'below uniform 3.638, above bigram 2.364'
    """

    adds: Mapping[str, type] = {}

    def __init__(
        self,
        landmarks: Mapping[str, float] | tuple[float, ...] | None = None,
        unit: str | None = None,
        look: str = "auto",
        console: Any = None,
        *,
        monitor: str = "loss",
    ) -> None:
        if look not in ("auto", "bar", "lines"):
            raise ValueError(f"look: expected 'auto', 'bar' or 'lines', got {look!r}")
        landmarks = landmarks._asdict() if hasattr(landmarks, "_asdict") else dict(landmarks or {})
        self.landmarks = dict(sorted(landmarks.items(), key=lambda item: -item[1]))
        self.unit, self.look, self.console, self.monitor = unit, look, console, monitor
        self._bar = None

    def on_train_begin(self, logs: Logs) -> None:
        self._start = self._drawn = time.perf_counter()
        self._batches_done = 0
        self._validation = ""
        self._unit = self.unit or ("positions" if self.run.is_sequence else "samples")
        if self.look == "bar" or (self.look == "auto" and _can_animate(self.console)):
            self._bar = _Bar(self.console)
        if self.landmarks:
            self._print("landmarks: " + "  ".join(f"{name} {loss:.3f}" for name, loss in self.landmarks.items()))

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        if self.run.resumed and self._batches_done == 0:
            self._print(f"resumed in epoch {epoch + 1} after {self.run.batch} of {self.run.batches} batches")
        self._epoch_start, self._epoch_first = time.perf_counter(), self.run.batch
        self._speed = 0.0

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        self._batches_done += 1
        now = time.perf_counter()
        if batch + 1 == self.run.batches or now - self._drawn > _INTERVAL:
            self._drawn = now
            samples = (batch + 1 - self._epoch_first) * self.run.batch_size
            self._speed = samples * self.run.positions / (now - self._epoch_start)
            if self._bar:
                self._draw(batch + 1, logs, now)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        shown = self._shown(logs)
        validation = {name: value for name, value in shown.items() if name.startswith("val_")}
        if "val_perplexity" in validation:  # a line has little room
            del shown["perplexity"], validation["val_perplexity"]
        self._validation = _numbers(validation)
        passed = self.passed(logs.get(f"val_{self.monitor}", logs[self.monitor]))
        width = len(str(self.run.epochs))
        place = f"epoch {epoch + 1:{width}}/{self.run.epochs}"
        self._print("  ".join(filter(None, [place, _numbers(shown), passed, f"{self._speed:,.0f} {self._unit}/s"])))

    def close(self) -> None:
        if self._bar:
            self._bar.close()
            self._bar = None

    def passed(self, loss: float) -> str:
        """Between which landmarks a loss lies, in words; "" where there are none."""
        names = [f"{name} {landmark:.3f}" for name, landmark in self.landmarks.items()]
        count = sum(loss < landmark for landmark in self.landmarks.values())
        return ", ".join(
            [*(f"below {name}" for name in names[:count][-1:]), *(f"above {name}" for name in names[count:][:1])]
        )

    def _shown(self, logs):
        """What is worth its room: not the learning rate, and no perplexity of what has one label, as an image has."""
        hidden = {"learning_rate"} if self.run.is_sequence else {"learning_rate", "perplexity", "val_perplexity"}
        return {name: value for name, value in logs.items() if name not in hidden}

    def _draw(self, batch, logs, now):
        run = self.run
        left = (run.epochs - run.epoch) * run.batches - batch
        seconds = (now - self._start) / self._batches_done * left  # validation is in the average, too
        self._bar.draw(
            f"epoch {run.epoch + 1}/{run.epochs}",
            batch,
            run.batches,
            f"{self._speed:,.0f} {self._unit}/s   {_clock(seconds)} left",
            "   ".join(filter(None, [_numbers(self._shown(logs)), self._validation, self.passed(logs[self.monitor])])),
        )

    def _print(self, line):
        if self._bar:
            self._bar.print(line)
        elif self.console:
            self.console.print(line, soft_wrap=True, highlight=False, markup=False)
        else:
            print(line, flush=True)


class _Bar:
    """The bar itself; rich is imported here and nowhere else."""

    def __init__(self, console):
        from rich.console import Console
        from rich.live import Live

        self.live = Live(console=console or Console(), auto_refresh=False, transient=True)
        self.live.start()

    def draw(self, place, done, total, speed, numbers):
        from rich.console import Group
        from rich.progress_bar import ProgressBar as RichBar
        from rich.table import Table
        from rich.text import Text

        row = Table.grid(padding=(0, 1), expand=True)
        row.add_column(no_wrap=True)
        row.add_column(ratio=1)
        for _ in range(2):
            row.add_column(no_wrap=True)
        row.add_row(place, RichBar(total, done), f"{done}/{total}", speed)
        self.live.update(Group(row, Text(numbers)), refresh=True)

    def print(self, line):
        self.live.console.print(line, soft_wrap=True, highlight=False, markup=False)

    def close(self) -> None:
        self.live.stop()


def _can_animate(console):
    """Whether what is drawn can be drawn over."""
    if os.environ.get("TERM") in ("dumb", "unknown"):
        return False
    if "ipykernel" in sys.modules and (console is None or console.is_jupyter):
        return importlib.util.find_spec("ipywidgets") is not None  # without it rich cannot draw over
    if console is not None:
        return console.is_terminal
    return bool(getattr(sys.stdout, "isatty", None) and sys.stdout.isatty())


def _numbers(logs):
    return "  ".join(f"{name} {_number(value)}" for name, value in logs.items() if isinstance(value, Real))


def _number(value):
    return f"{value:.3f}" if 0.1 <= abs(value) < 1000 else f"{value:.3g}"


def _clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
