"""Files that are read are regular files, of a bounded size where they may come from a stranger."""

import errno
import json
import os
import stat
from collections.abc import Iterator
from io import BufferedReader, FileIO
from typing import Any

# The longest config.json: settings, and a vocabulary of at most 1.1 million characters of 12 bytes. What Python makes
# of JSON takes up to 25 times the memory of the text.
LONGEST_JSON = 2**24


def open_regular(path: str | os.PathLike | bytes) -> BufferedReader:
    """Open a file to read its bytes; links are followed. Reading a pipe could block, and a device may have no end.

    Raises:
        OSError: from the system; or it is a folder, a pipe or a device.

    Example:
        >>> from nnlite.saving.regular_file import open_regular
        >>> open_regular("/dev/null")
        Traceback (most recent call last):
        OSError: [Errno 22] it is not a file but a device or a pipe: save it as a file first: '/dev/null'
    """
    return BufferedReader(_Named(os.fspath(path), "rb", opener=_open))


class _Named(FileIO):
    """A file whose errors of reading, such as those of a broken disk, name it: the system's do not."""

    def readinto(self, buffer: Any) -> int | None:
        return self._naming(super().readinto, buffer)

    def readall(self) -> bytes:
        return self._naming(super().readall)

    def _naming(self, read, *args):
        try:
            return read(*args)
        except OSError as error:
            raise OSError(error.errno, error.strerror, os.fsdecode(self.name)) from None


def _open(name, flags):
    require_regular(name)
    return os.open(name, flags)


def require_regular(path: Any) -> None:
    """Refuse a folder, a pipe or a device, with an OSError; also a path where there is nothing."""
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", os.fsdecode(path))
    if not stat.S_ISREG(mode):
        what = "it is not a file but a device or a pipe: save it as a file first"
        raise OSError(errno.EINVAL, what, os.fsdecode(path))


def read_json(path: str | os.PathLike) -> Any:
    """The value in a JSON file of at most `LONGEST_JSON` bytes.

    Raises:
        OSError: it cannot be read.
        ValueError: it is longer, or no JSON, or nested too deeply.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size  # to read takes the memory that is asked for, whatever there is
        return _parsed(file.read(min(size, LONGEST_JSON + 1)))


def read_json_lines(path: str | os.PathLike) -> Iterator[dict[str, Any]]:
    """The dicts of a log, one a line, as `JSONLogger` writes them. A last line that is not complete yet is left out.

    Raises:
        OSError: it cannot be read.
        ValueError: a line is no dict in JSON; the message names file and line.
    """
    with open_regular(path) as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_JSON + 1), b""), 1):
            try:
                record = _parsed(line)
                if not isinstance(record, dict):
                    raise ValueError("expected entries with names")
            except ValueError as error:
                if not line.endswith(b"\n") and len(line) <= LONGEST_JSON:
                    return
                raise ValueError(f"{os.fspath(path)}: line {number}: {error}") from None
            yield record


def _parsed(data):
    if len(data) > LONGEST_JSON:
        raise ValueError(f"expected at most {LONGEST_JSON:,} bytes, got more")
    try:
        return json.loads(data.decode())
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
