"""How many threads the compiled kernels use."""

import os
import sys

from ._installed import COMPILE, host, why_reference


def get_num_threads() -> int:
    """How many threads the compiled kernels use. Without them it is 1; NumPy has threads of its own."""
    return host.get_num_threads()


def set_num_threads(n: int) -> None:
    """Let the compiled kernels use `n` threads, from whichever Python thread they are called.

    The default is the environment variable NNLITE_NUM_THREADS, or else OMP_NUM_THREADS, or else as many as there are
    CPUs that the process may run on (a container's share of their time does not count: set it there).
    The results are the same, bit for bit, for every `n`. Where memory or a limit of the system does not allow as many
    threads, kernels use fewer. Without compiled kernels this sets nothing.

    Raises:
        ValueError: if `n` is not a whole number from 1 to 1024.
        RuntimeError: `n` is more than 1 in a process that was forked.
    """
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= 1024:
        raise ValueError(f"set_num_threads: expected a whole number from 1 to 1024, got {n!r}")
    if n > 1 and _is_forked:
        raise RuntimeError(
            f"set_num_threads: expected 1 in a forked process, got {n}: the threads of the process that it was forked "
            f"from are not in it. Start it by multiprocessing.get_context('spawn'), or 'forkserver'"
        )
    host.set_num_threads(n)


def _threads_from_environment():
    text = os.environ.get("NNLITE_NUM_THREADS")
    if text is None:
        return
    number = text.strip()
    if not (number.isdecimal() and len(number) < 100 and 1 <= int(number) <= 1024):  # of thousands int() makes none
        raise ImportError(f"NNLITE_NUM_THREADS: expected a whole number from 1 to 1024, got {text!r:.100}")
    set_num_threads(int(number))


def _say_that_there_is_no_openmp():
    """pip shows nobody what the build says. One line, and none where one thread is what was asked for."""
    wanted = os.environ.get("NNLITE_NUM_THREADS", os.environ.get("OMP_NUM_THREADS"))
    if why_reference or host.has_openmp() or wanted == "1":
        return
    if sys.stderr:
        print(
            "nnlite was compiled without OpenMP: its kernels use one thread, which NNLITE_NUM_THREADS=1 says is right. "
            "For more, install OpenMP (macOS: brew install libomp; for Clang, Debian, Ubuntu: apt install libomp-dev; "
            f"Fedora: dnf install libomp-devel), and compile again. {COMPILE}",
            file=sys.stderr,
        )
    os.environ["NNLITE_NUM_THREADS"] = "1"  # what this process starts need not say it again


# The threads of OpenMP do not survive a fork, and a child that waits for them waits for ever (Python's
# multiprocessing forks by default on Linux). One thread needs no others.
_is_forked = False


def _after_fork():
    global _is_forked
    _is_forked = True
    host.set_num_threads(1)
    host.after_fork()


_threads_from_environment()
_say_that_there_is_no_openmp()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
