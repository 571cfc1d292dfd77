"""Whether there is a notebook, and what its output is. IPython is imported only where it already runs."""

import sys
from typing import Any

from .shown import Shown


def in_notebook() -> bool:
    """Whether this program runs in a notebook's kernel, where outputs are HTML and can be changed afterwards."""
    ipython = sys.modules.get("IPython")
    # A kernel's shell knows its kernel; that of IPython in a terminal has none.
    return getattr(ipython and ipython.get_ipython(), "kernel", None) is not None


class Place:
    """A place in the output of a notebook's cell, whose content can be replaced."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, shown: Shown) -> None:
        """Put this there, instead of what was there before."""
        from IPython.display import display

        if self._handle is None:
            self._handle = display(shown, display_id=True)
        else:
            self._handle.update(shown)

    def clear(self) -> None:
        """Leave nothing there."""
        if self._handle is not None:
            self._handle.update({"text/plain": "", "text/html": ""}, raw=True)
