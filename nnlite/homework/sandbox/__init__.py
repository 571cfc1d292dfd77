"""Run a student's file where it can do no harm: in a process of its own that never knows an answer.

    kernel.py   what the Linux kernel forbids the process
    rules.py    what Python refuses it, in sentences
    child.py    the program in the process
    wire.py     arrays over a pipe
    toy.py      a function that is passed to a graded training loop

The process inherits no environment, works in an empty folder with a copy of the file, and has limits of time, memory
and output. What it returns is compared here, where it cannot reach: changing NumPy or printing a result is in vain.
"""

import contextlib
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .wire import WireError, packed, received

__all__ = ["Limits", "Sandbox", "SandboxError", "weakness"]

CHILD = Path(__file__).with_name("child.py")
PACKAGES = Path(np.__file__).parents[1]  # where NumPy is installed
DAY = 86_400  # seconds


@dataclass(frozen=True)
class Limits:
    """What one process may use.

    Attributes:
        seconds: from the start to the end, for all calls together; at most those of a day.
        memory: bytes of address space; not on macOS and Windows.
        returned: bytes of one result.

    Raises:
        ValueError: there are no seconds, or more than those of a day.
    """

    seconds: float = 10.0
    memory: int = 1 << 30
    returned: int = 1 << 24

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= DAY:
            raise ValueError(f"seconds: expected a finite number above 0, at most {DAY:,}, a day, got {self.seconds}")


DEFAULT = Limits()


class SandboxError(Exception):
    """A student's file did not load, or a function of it gave no result.

    Attributes:
        line: of the file, if known.
        is_of_program: whether the text is the program's, which may say anything.
    """

    def __init__(self, message: str, line: int | None = None, is_of_program: bool = False) -> None:
        super().__init__(message)
        self.line, self.is_of_program = line, is_of_program


class Sandbox:
    """A process with a student's file in it, to call its functions.

    Args:
        files: the text of each of the student's files, by name.
        file: the one that is loaded.
        limits: see `Limits`.
        shows_output: whether what it prints goes to this process' output; else it is lost.

    Attributes:
        missing: what this system cannot forbid the process, in words; empty on a Linux of today.

    Raises:
        SandboxError: the file does not load; or, of `call`, the function raises an error, or the process is at its end.

    Example:
        >>> import numpy as np
        >>> from nnlite.homework.sandbox import Sandbox
        >>> files = {"mean.py": "def mean(x):\\n    return x.sum() / len(x)"}
        >>> with Sandbox(files, "mean.py") as sandbox:
        ...     sandbox.call("mean", {"x": np.array([1.0, 2.0, 6.0])})
        (array(3.), [])
        >>> with Sandbox({"key.py": "import torch"}, "key.py"):
        ...     pass
        Traceback (most recent call last):
        ...
        nnlite.homework.sandbox.SandboxError: ImportError: graded code may not import torch: it would be torch's \
answer, and no longer yours
    """

    def __init__(
        self, files: Mapping[str, str], file: str, limits: Limits = DEFAULT, *, shows_output: bool = False
    ) -> None:
        self.limits, self.missing, self._expired = limits, list[str](), False
        self._length = len(files[file].splitlines()) + 1  # lines
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="homework-"))
            for name, text in files.items():
                (Path(folder) / Path(name).name).write_text(text, "utf-8")
            self._start(stack, folder, shows_output)
            self._send({"file": file, **self._setup(folder, shows_output)})
            self.missing = self._reply()  # sent before any of the student's code runs
            self._load()
            self._cleanup = stack.pop_all()

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def call(self, function: str, arguments: Mapping[str, Any]) -> tuple[Any, list[str]]:
        """What a function returns, as arrays in lists and dicts; and the names of arguments that it has changed.

        Arguments are passed in their order: the function may call them otherwise.
        """
        self._send({"function": function, "arguments": dict(arguments)})
        reply = self._reply()
        if isinstance(reply, dict) and "error" in reply:
            raise self._error(reply["error"])
        if not isinstance(reply, dict) or "result" not in reply:
            raise SandboxError("what was returned cannot be read")
        changed = reply.get("changed")
        names = [name for name in arguments if name in changed] if isinstance(changed, list) else []
        return reply["result"], names

    def _start(self, stack, folder, shows_output):
        self._process: Any = subprocess.Popen(
            [sys.executable, "-I", "-S", "-u", str(CHILD), str(PACKAGES)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None if shows_output else subprocess.DEVNULL,
            bufsize=0, cwd=folder, env=ENVIRONMENT, start_new_session=True,
        )  # fmt: skip
        stack.callback(self._stop)
        self._clock = threading.Timer(self.limits.seconds, self._expire)
        self._clock.daemon = True
        self._clock.start()
        stack.callback(self._clock.cancel)

    def _expire(self):
        self._expired = True
        self._kill()

    def _kill(self):
        if self._process.returncode is not None:  # its number may be another's by now
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)  # with all that it started
            else:
                self._process.kill()

    def _stop(self):
        self._kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()

    def _setup(self, folder, shows_output):
        seconds = int(self.limits.seconds) + 1
        limits = {
            "RLIMIT_CPU": seconds, "RLIMIT_AS": self.limits.memory, "RLIMIT_CORE": 0, "RLIMIT_NOFILE": 64,
        }  # fmt: skip
        if not shows_output:  # which may go to a file
            limits["RLIMIT_FSIZE"] = 0
        return {"folder": folder, "limits": limits, "readable": [folder, *_readable()]}

    def _load(self):
        ready = self._reply()
        if not isinstance(ready, dict) or ready.get("error") is not None:
            raise self._error(ready["error"] if isinstance(ready, dict) else None)

    def _error(self, said):
        """What the process says of an error; it may say anything."""
        text, line = (said.get("text"), said.get("line")) if isinstance(said, dict) else (None, None)
        text = text if isinstance(text, str) else "an error"
        text = "".join(sign if sign.isprintable() else " " for sign in text[:400])
        return SandboxError(text, line if type(line) is int and 0 < line <= self._length else None, True)

    def _send(self, message):
        data = memoryview(packed(message))
        try:
            while data:
                data = data[self._process.stdin.write(data) :]
        except OSError:
            raise SandboxError(self._how_it_ended()) from None

    def _reply(self):
        try:
            return received(self._read, self.limits.returned)
        except WireError as error:
            raise SandboxError(self._how_it_ended() if "ended" in str(error) else str(error)) from None

    def _read(self, size):
        """That many bytes, or fewer at the end."""
        parts, left = [], size
        while left and (part := self._process.stdout.read(min(left, 1 << 20))):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _how_it_ended(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)
        code = self._process.returncode
        if self._expired or code == -getattr(signal, "SIGXCPU", 0):
            return f"it takes longer than {self.limits.seconds:g} seconds, which is all there are"
        if code is None or code >= 0:
            return "it ends the program, with no result"
        return f"it is ended by the signal {signal.Signals(-code).name}, with no result"


def weakness() -> str:
    """What this system cannot forbid graded code, as a warning; empty on a Linux of today.

    Example:
        >>> import sys
        >>> from nnlite.homework.sandbox import weakness
        >>> "cannot shut graded code off" in weakness() or sys.platform == "linux"
        True
    """
    with Sandbox({"empty.py": ""}, "empty.py") as sandbox:
        missing = ", and ".join(sandbox.missing)
    if not missing:
        return ""
    return (
        f"This system cannot shut graded code off from {missing}: a program made for that could read the keys, or do "
        f"harm. Grade in a container or a virtual machine, or on Linux 5.13 or newer."
    )


# Nothing of the grader's own, and one thread for BLAS. Windows cannot start Python without its folder.
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PATH": "",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
ENVIRONMENT |= {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}


@cache
def _readable() -> tuple[str, ...]:
    """Python, NumPy and the system's libraries, without what else is installed."""
    return tuple(_entries())


def _entries() -> Iterator[str]:
    yield from (str(PACKAGES / name) for name in ("numpy", "numpy.libs"))
    for name in ("stdlib", "platstdlib"):
        yield from _children(Path(sysconfig.get_path(name)), {"site-packages", "dist-packages", "python"})
    for folder in ("/lib", "/lib64", "/usr/lib", "/usr/lib64", f"{sys.base_prefix}/lib"):
        yield from _children(Path(folder), {"python"})  # of this or another version, with its packages
    yield from ("/dev/null", "/dev/urandom")


def _children(folder: Path, but: set[str]) -> Iterator[str]:
    """What is in a folder but for names that begin so."""
    if folder.is_dir():
        yield from (entry.path for entry in os.scandir(folder) if not entry.name.startswith(tuple(but)))
