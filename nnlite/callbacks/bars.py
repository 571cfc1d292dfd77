"""The bar of a `ProgressBar`: two lines that are drawn again and again, in a terminal or in a notebook."""

import html
import os
import sys
from typing import Any

from ..notebook import Place, Shown, in_notebook

WIDTH = 40  # of a notebook's bar, in characters


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

        row = Table.grid(padding=(0, 1), expand=True)
        for ratio in (None, 1, None, None):
            row.add_column(no_wrap=ratio is None, ratio=ratio)
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
