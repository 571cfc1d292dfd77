"""The bar of `fit`, `evaluate` and `predict`: two lines that are redrawn, in a terminal or in a notebook."""

import html
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from numbers import Real
from typing import Any

import numpy as np

from ..notebook import Place, Shown, in_notebook

WIDTH = 40  # of a notebook's bar, in characters
INTERVAL = 0.1  # seconds between two drawings: smooth to the eye, and cheap beside a training step


def look_of(where: str, verbose: str | int) -> str:
    """How a `ProgressBar` looks for Keras' `verbose`; "" for nothing."""
    looks = {"auto": "auto", 0: "", 1: "bar", 2: "lines"}
    if isinstance(verbose, np.ndarray) or verbose not in list(looks):  # which takes a list: a dict cannot look for one
        raise ValueError(f"{where}: verbose: expected 'auto', 0, 1 or 2, got {verbose!r:.200}")
    return looks[verbose]


def watched(
    where: str, verbose: str | int, batches: Iterator[Any], total: int, numbers: Callable[[], Mapping[str, Any]] = dict
) -> Iterator[Any]:
    """Batches, `total` of them, with a bar while they are used; at the end a line with the numbers and the speed.

    To be closed: after an error, the bar is taken away then.
    """
    look = look_of(where, verbose)
    bar = bar_for(look, None) if look else None
    start = drawn = time.perf_counter()
    samples = 0
    try:
        for done, batch in enumerate(batches, 1):
            yield batch
            now = time.perf_counter()
            samples += len(batch)
            speed = f"{rate(samples, now - start):,.0f} samples/s"
            if bar and (done == total or now - drawn > INTERVAL):
                drawn = now
                bar.draw(where, done, total, speed, numbers_text(numbers()))
    finally:
        if bar:
            bar.stop()
    if look:
        print("  ".join(filter(None, [where, numbers_text(numbers()), speed])), flush=True)


def rate(count: float, seconds: float) -> float:
    """How many in a second; 0 where a clock, which may be coarse, has not moved on."""
    return count / seconds if seconds > 0 else 0.0


def numbers_text(logs: Mapping[str, Any]) -> str:
    """Losses and metrics in a line."""
    return "  ".join(f"{name} {_number(value)}" for name, value in logs.items() if isinstance(value, Real))


def _number(value):
    return f"{value:.3f}" if 0.1 <= abs(value) < 1000 else f"{value:.3g}"


def bar_for(look: str, console: Any) -> Any:
    """The bar for a look and a console, or None where only lines can be printed."""
    if console is None and in_notebook():
        return NotebookBar() if look != "lines" else None
    return TerminalBar(console) if look == "bar" or (look == "auto" and _can_animate(console)) else None


class TerminalBar:
    """An area of the screen that is redrawn; what is printed meanwhile stands above it."""

    def __init__(self, console: Any) -> None:
        from rich.console import Console
        from rich.live import Live

        self.console = console or Console()
        self._live = Live(console=self.console, auto_refresh=False, transient=True)
        self._live.start()

    def draw(self, place: str, done: int, total: int, speed: str, numbers: str) -> None:
        """Draw that `done` of `total` batches are done."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar as RichBar
        from rich.table import Table
        from rich.text import Text

        row = Table.grid(padding=(0, 1))
        for is_text in (True, False, True, True):  # the bar takes the width that is left
            row.add_column(no_wrap=is_text)
        row.add_row(place, RichBar(total, done), f"{done}/{total}", speed)
        self._live.update(Group(row, Text(numbers)), refresh=True)

    def stop(self) -> None:
        """Take the bar away."""
        self._live.stop()


class NotebookBar:
    """A place in a cell's output that is redrawn; what is printed meanwhile stands below it."""

    console = None

    def __init__(self) -> None:
        self._place = Place()

    def draw(self, place: str, done: int, total: int, speed: str, numbers: str) -> None:
        """Draw that `done` of `total` batches are done."""
        self._place.show(_Bar(place, done, total, speed, numbers))

    def stop(self) -> None:
        """Take the bar away."""
        self._place.clear()


class _Bar(Shown):
    def __init__(self, place, done, total, speed, numbers):
        self.done, self.left = "━" * (WIDTH * done // total), "━" * (WIDTH - WIDTH * done // total)
        self.place, self.rest = place, f"{done}/{total}  {speed}\n{numbers}"

    def __str__(self):
        return f"{self.place}  {self.done}{' ' * len(self.left)}  {self.rest}"

    def html(self):
        bar = f'<span class="done">{self.done}</span><span class="left">{self.left}</span>'
        return f"<pre>{html.escape(self.place)}  {bar}  {html.escape(self.rest)}</pre>"


def _can_animate(console):
    """Whether a terminal's output can be redrawn."""
    if os.environ.get("TERM") in ("dumb", "unknown"):
        return False
    if console is not None:
        return console.is_terminal
    return bool(getattr(sys.stdout, "isatty", None) and sys.stdout.isatty())
