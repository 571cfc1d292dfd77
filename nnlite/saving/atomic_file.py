"""Files that are either the old one or the new one, whatever happens while they are written."""

import itertools
import os
import re
from pathlib import Path

# A number for each temporary file, and a name for this run of Python: numbers of processes come again, in a container
# even with the next start.
_count = itertools.count()
_run = os.urandom(4).hex()


def write(path: str | os.PathLike, data: bytes) -> None:
    """Write a file in one piece, durably: a reader, or a crash, finds all of the old file or all of the new one.

    The bytes go to a temporary file in the same folder, which then takes the name. Both the bytes and the name are
    on the disk when this returns. What a killed process left over is removed by the next write to the same path.

    Args:
        path: where to; its folder exists. Through a symbolic link the file behind the link is written.
        data: all of the new contents.

    Raises:
        OSError: as the system gives it (disk full, no such folder, no permission). The old file is untouched.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "poem.txt")
        ...     write(path, b"shall i compare thee")
        ...     path.read_bytes()
        b'shall i compare thee'
    """
    path = Path(path).resolve()
    _remove_leftovers(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{_run}-{next(_count)}.tmp")
    try:
        with open(temporary, "xb") as file:  # x: nobody else writes to this file
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # without it a power cut can leave the new name on an empty file
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def make_folder(path: str | os.PathLike) -> None:
    """Make the folder of a file: better at the start than after an hour of training."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)


def _sync_folder(folder):
    """Put the folder's list of names on the disk: a rename is only there for good after this."""
    if os.name == "nt":  # which cannot open folders, and does this by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_leftovers(path):
    """Remove the temporary files for this path whose writers are dead."""
    leftover = re.compile(re.escape(f".{path.name}.") + r"(\d+)-([0-9a-f]+)-\d+\.tmp")
    with os.scandir(path.parent) as entries:
        found = [(entry.path, match) for entry in entries if (match := leftover.fullmatch(entry.name))]
    for temporary, match in found:
        process, run = int(match[1]), match[2]
        if not (run == _run if process == os.getpid() else _is_running(process)):
            Path(temporary).unlink(missing_ok=True)


def _is_running(process):
    if os.name == "nt":  # where signal 0 is no mere question
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True
