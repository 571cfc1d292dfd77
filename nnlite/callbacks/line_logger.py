"""LineLogger: base of callbacks that write a line for each epoch."""

import os
from io import FileIO
from pathlib import Path
from typing import Any

from .. import checks
from ..saving import states
from ..saving.atomic_file import make_place
from .base import Callback, Logs


class LineLogger(Callback):
    """Writes lines to a file: see `JSONLogger`."""

    _named = "path"  # what its constructor calls the file
    _of_this_process = (*Callback._of_this_process, "_file")

    _file: FileIO | None = None

    def __init__(self, path: str | os.PathLike, append: bool) -> None:
        self.path, self.append = Path(checks.path(self._named, path)), checks.boolean("append", append)
        self._start = 0
        self._keeps_all = False

    @property
    def file_of_state(self) -> Path:
        return self.path

    def on_train_begin(self, logs: Logs) -> None:
        make_place(self.path)
        self._start = self.path.stat().st_size if self.append and self.path.exists() else 0
        self._keeps_all = self.append

    def close(self) -> None:
        if self._file:
            self._start = self._file.tell()  # who asks for the state now must not cut the file
            self._file.close()
            self._file = None

    def get_state(self) -> dict[str, Any]:
        file = self._opened()
        os.fsync(file.fileno())  # a backup must not count lines that a power cut can lose
        return {"bytes": file.tell()}

    def _state_rules(self) -> dict[str, states.Rule]:
        return {"bytes": states.count}

    def set_state(self, state: dict[str, Any]) -> None:
        self._start, self._keeps_all = state["bytes"], False

    def _is_torn(self, line):
        """Whether a line without an end can only be the beginning of one of this logger's."""
        return False

    def _write(self, line):
        file, left = self._opened(), line.encode(errors="backslashreplace") + b"\n"
        try:
            while left:
                left = left[file.write(left) :]
        except OSError as error:  # a full disk is an error of no file
            raise type(error)(error.errno, error.strerror, os.fspath(self.path)) from error

    def _opened(self):
        """The file; the first call opens it and truncates it to a whole line at or before `_start`.

        Of a file to append to, which may be anyone's, only a last line is removed that a kill has cut off.

        Without a buffer: what a full disk did not take would be written again when the file is closed.
        """
        if self._file is None:
            self._file = file = open(self.path, "a+b", buffering=0)  # noqa: SIM115  closed by close()
            start = min(self._start, file.seek(0, os.SEEK_END))
            file.seek(0)
            kept = file.read(start)
            end = kept.rfind(b"\n") + 1
            last = kept[end:].decode(errors="replace")
            if not self._keeps_all or self._is_torn(last):
                file.truncate(end)
            elif last:
                file.write(b"\n")
            file.seek(0, os.SEEK_END)
        return self._file
