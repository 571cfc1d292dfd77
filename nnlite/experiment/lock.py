"""One training at a time in a run folder."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows cannot lock a folder: nothing is locked there
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a lock on a folder, which leaves no file behind: the system lifts it where a process is killed.

    Raises:
        BlockingIOError: it is locked already.
    """
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # a file system of another machine may not lock folders: then nothing is locked
            pass
        yield
    finally:
        os.close(descriptor)
