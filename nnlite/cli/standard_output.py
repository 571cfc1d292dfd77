"""Standard output: a character that it cannot show, or a full disk, undoes nothing of what a command has computed."""

import contextlib
import io
import os
import sys
from collections.abc import Callable
from typing import Any


class StandardOutput:
    """Stands for `sys.stdout` during a command. After an error of writing the rest is lost; the error names it.

    Args:
        stream: the real one. What its encoding lacks is written as on standard error, such as "\\\\u53e4".
        warn: a function of a message.

    Attributes:
        is_optional: the command's result is in a run folder, so that an error is a warning.
    """

    def __init__(self, stream: Any, warn: Callable[[str], None]) -> None:
        self._stream, self._warn, self.is_optional = stream, warn, False
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, act, *arguments):
        try:
            act(*arguments)
        except BrokenPipeError:  # the reader has left, as in `nnlite sample | head -1`
            raise
        except OSError as error:
            discard(self._stream)
            problem = OSError(error.errno, error.strerror, "standard output")
            if not self.is_optional:
                raise problem from error
            self._warn(f"{problem.filename}: {problem.strerror}: what is printed from here on is lost")


def discard(stream: Any) -> None:
    """Let all that is written to a stream, also what it still holds, go nowhere."""
    with contextlib.suppress(OSError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def make_optional() -> None:
    """Say that the result of the command is in a run folder."""
    if isinstance(sys.stdout, StandardOutput):
        sys.stdout.is_optional = True
