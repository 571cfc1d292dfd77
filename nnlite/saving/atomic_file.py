"""Atomic file writes."""

import contextlib
import itertools
import os
import re
from collections.abc import Iterable
from pathlib import Path

from .regular_file import require_regular

# Names of temporary files: a counter, and a random name of this process, as process ids are reused, in a container even
# by the next start.
_count = itertools.count()
_run = os.urandom(4).hex()


def write(path: str | os.PathLike, data: bytes | Iterable[bytes], mode: int = 0o666) -> None:
    """Write a file atomically and durably: after a crash, and for any reader, it is the old file or the new one.

    The bytes go to a temporary file in the same folder, which is then renamed. Both bytes and name are on the disk when
    this returns. Temporary files of killed processes are removed by the next write to the same path. The folder must
    exist; a symbolic link is followed.

    Args:
        mode: who may read it, from its first byte on: by default all whom the system's umask leaves.

    Raises:
        OSError: from the system (disk full, no such folder, no permission), with the path; or it is that of a folder,
            a pipe or a device. The old file is unchanged.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "poem.txt")
        ...     write(path, b"shall i compare thee")
        ...     path.read_bytes()
        b'shall i compare thee'
    """
    given, path = os.fspath(path), Path(os.path.realpath(path))
    temporary = path.parent / f".{path.name}.{os.getpid()}-{_run}-{next(_count)}.tmp"
    try:
        with contextlib.suppress(FileNotFoundError):
            require_regular(path)  # whoever may write into /dev could replace a device
        _remove_leftovers(path)
        with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:  # x: it is new
            file.writelines([data] if isinstance(data, bytes) else data)
            file.flush()
            os.fsync(file.fileno())  # otherwise a power cut can leave an empty file under the new name
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):  # such as of a folder that is none
            temporary.unlink()
        if isinstance(error, OSError):  # a full disk is an error of no file, and the temporary one is gone
            raise type(error)(error.errno, error.strerror, given) from error
        raise
    _sync_folder(path.parent)


def make_folder(path: str | os.PathLike) -> None:
    """Make the folder of a file: an error at the start is better than one after an hour of training."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)


def make_place(path: str | os.PathLike) -> None:
    """The same, and refuse a path under which no file can be: that of a folder or a device, or one that is too long."""
    make_folder(path)
    with contextlib.suppress(FileNotFoundError):
        require_regular(path)


def _sync_folder(folder):
    """Write the folder's entries to the disk: only then is a rename durable."""
    if os.name == "nt":  # Windows cannot open folders, and does this by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_leftovers(path):
    """Remove temporary files of this path whose processes have ended."""
    leftover = re.compile(re.escape(f".{path.name}.") + r"(\d+)-([0-9a-f]+)-\d+\.tmp")
    with os.scandir(path.parent) as entries:
        found = [(entry.path, match) for entry in entries if (match := leftover.fullmatch(entry.name))]
    for temporary, match in found:
        process, run = int(match[1]), match[2]
        if not (run == _run if process == os.getpid() else _is_running(process)):
            Path(temporary).unlink(missing_ok=True)


def _is_running(process):
    if os.name == "nt":  # where signal 0 would end the process
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # a process of another user
        return True
    return True
