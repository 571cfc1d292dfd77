"""Where the layers find their kernels: `backend().lstm` is the compiled module, or the NumPy one of the same name.

    from nnlite.kernels import backend

    backend().dense.forward(x, W, b, y)

The two have the same functions with the same arguments, and tests hold them equal. Without compiled kernels, as in the
wheel for any machine, every layer finds those of NumPy.
"""

import contextlib
import contextvars
import functools
import importlib
import os
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

# A thread that waits for others spins, by default for milliseconds: where another program wants the core too, it takes
# it from the very thread that it waits for. Beside one busy program, a training step of 20 ms took 104 ms, and 40 with
# this. OpenMP's library reads the setting when it is loaded, with the first kernel; what the user has set comes first.
_own_spin_count = not os.environ.keys() & {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}
if _own_spin_count:
    os.environ["GOMP_SPINCOUNT"] = "10000"


_COMPILE = (
    "Kernels for this CPU need a C compiler and the folder of nnlite's sources. "
    "In that folder, run: pip install . (or, where make has built it: make clean build)"
)


def _not_compiled(name):
    """What to do where a kernel is missing: in a checkout before its first `make build`, or for another Python."""
    checkout = Path(__file__).parents[2]
    remedy = f"run `make build` in {checkout}" if (checkout / "csrc").is_dir() else "install nnlite-learn again"
    return ImportError(
        f"nnlite's kernel {name!r} is not compiled for Python {sys.version.split()[0]} on this machine: {remedy}. "
        f"NNLITE_BACKEND=reference runs on NumPy instead, 3 to 7 times slower"
    )


class _Backend:
    """The kernel modules of one package, each imported when it is first asked for."""

    def __init__(self, package):
        self._package = package

    def __getattr__(self, name):
        if name.startswith("_"):  # what doctest and inspect ask every object for
            raise AttributeError(name)
        try:
            module = importlib.import_module(f"{self._package}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{self._package}.{name}":
                raise
            raise _not_compiled(name) from error
        setattr(self, name, module)  # from now on it is found without this function
        return module


_BACKENDS = {"compiled": _Backend("nnlite.kernels"), "reference": _Backend("nnlite.reference")}


def _load_compiled():
    """`host` of the compiled kernels, or None; and why they cannot run here, or "".

    Where a step was forgotten it is an error: nobody is slow unawares.
    """
    try:
        compiled = importlib.import_module(f"{__name__}.host")
    except ModuleNotFoundError as error:
        here = Path(__file__).parent
        if (here.parents[1] / "csrc").is_dir() or any(here.glob("host.*.*")):  # such as host.cp311-win_amd64.pyd
            raise _not_compiled("host") from error
        return None, "it was installed without compiled kernels"
    if missing := compiled.missing_feature():
        return compiled, f"its kernels need {missing} (NNLITE_ARCH={compiled.architecture()}), which this CPU lacks"
    return compiled, ""


def _load_host(wanted):
    """`host` of the compiled kernels or of the reference; and why it is that of the reference, or "".

    pip knows neither instruction sets nor, on some systems, a wheel with kernels: what it had to choose works there, if
    slowly, and says so once.
    """
    if wanted not in ("", *_BACKENDS):
        raise ImportError(f"NNLITE_BACKEND: expected 'compiled' or 'reference', got {wanted!r}")
    host, reason = (None, "NNLITE_BACKEND=reference was set") if wanted == "reference" else _load_compiled()
    if not reason:
        return host, ""
    if wanted == "compiled":
        raise ImportError(f"NNLITE_BACKEND=compiled was set, and nnlite cannot run so: {reason}. {_COMPILE}")
    if not wanted:
        if sys.stderr:
            print(f"nnlite runs on NumPy, 3 to 7 times slower: {reason}. {_COMPILE}", file=sys.stderr)
        os.environ["NNLITE_BACKEND"] = "reference"  # what this process starts need not say it again
    return importlib.import_module("nnlite.reference.host"), reason


try:
    host: Any
    host, why_reference = _load_host(os.environ.get("NNLITE_BACKEND", ""))
finally:
    if _own_spin_count:
        del os.environ["GOMP_SPINCOUNT"]
empty, uninterrupted = host.empty, host.uninterrupted

# The C library gives freed arrays back to the system and gets them anew, page by page, at every step of a training:
# that took a third of a small CNN's time. GNU's stops for arrays up to the largest that it has seen freed, or
# 32 MiB. This costs nothing: memory that is not written to is never there.
np.empty(2**25 - 2**16, np.uint8)


_current: contextvars.ContextVar[Any] = contextvars.ContextVar(
    "nnlite backend", default=_BACKENDS["reference" if why_reference else "compiled"]
)
backend = _current.get

_C_NAMES = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}


@functools.cache
def of_dtype(kernel: Any, dtype: np.dtype) -> Callable:
    """The one of a kernel's two functions that takes arrays of this dtype: for what is called often, and is quick.

    `kernel` itself looks at its arrays at every call to tell which of the two it is, which takes 0.3 microseconds: 3 %
    of a small RNN's training, and of a character that a GRU writes. A kernel of NumPy is one function for both.
    """
    return kernel[_C_NAMES[dtype]] if hasattr(kernel, "__signatures__") else kernel


class _Replaced:
    """A backend some of whose modules are a user's own."""

    def __init__(self, others, own):
        self.others = others
        self.__dict__ |= {name: _completed(name, module) for name, module in own.items()}

    def __getattr__(self, name):
        return getattr(self.others, name)


def _completed(name, own):
    """A user's own kernel, with the reference's functions for those that it lacks."""
    paths = Path(__file__).parents[1].joinpath("reference").glob("[a-z]*.py")
    known = sorted({path.stem for path in paths} - {"host"})
    if name not in known:
        raise ValueError(f"use_backend: expected a kernel's name, one of {', '.join(known)}, got {name!r}")
    reference = vars(getattr(_BACKENDS["reference"], name))
    functions = {key: f for key, f in reference.items() if callable(f) and not key.startswith("_")}
    replaced = {key: getattr(own, key) for key in functions if callable(getattr(own, key, None))}
    if not replaced:
        raise ValueError(
            f"use_backend: {name}: expected a module with functions of nnlite/reference/{name}.py, such as forward and "
            f"backward, got {own!r}"
        )
    return types.SimpleNamespace(**functions | replaced)


@contextlib.contextmanager
def use_backend(name: str | None = None, **kernels: Any) -> Iterator[None]:
    """Run what is inside the `with` on the "compiled" kernels or on the NumPy "reference", or on kernels of your own.

    Holds for the current thread (or asyncio task) only.

    Args:
        name: "compiled" or "reference"; by default what is in use.
        kernels: modules of your own by the name of the kernel that each replaces: `use_backend(lstm=my_lstm)`, where
            my_lstm.py defines some of the functions of nnlite/reference/lstm.py, with the same arguments: each gets its
            inputs and writes into the arrays that it is handed. The reference's take the place of the others.

    Raises:
        ImportError: this nnlite has no compiled kernels that run here.
        ValueError: for any other name, or a module without any of the kernel's functions.

    Example:
        >>> import types
        >>> import numpy as np, nnlite
        >>> with nnlite.use_backend("reference"):
        ...     y = nnlite.Dense(2).forward(np.ones((1, 3), "float32"))
        >>> y.shape
        (1, 2)
        >>> def forward(x, W, b, y):
        ...     y[:] = 7
        >>> with nnlite.use_backend(dense=types.SimpleNamespace(forward=forward)):
        ...     nnlite.Dense(2).forward(np.ones((1, 3), "float32")).tolist()
        [[7.0, 7.0]]
    """
    if name is not None and name not in _BACKENDS:
        raise ValueError(f"use_backend: expected 'compiled' or 'reference', got {name!r}")
    if name == "compiled" and why_reference:
        raise ImportError(f"use_backend: 'compiled' is not there, as nnlite runs on NumPy: {why_reference}. {_COMPILE}")
    chosen = _BACKENDS[name] if name else backend()
    token = _current.set(_Replaced(chosen, kernels) if kernels else chosen)
    try:
        yield
    finally:
        _current.reset(token)


def get_backend() -> str:
    """What layers run on here: "compiled", or "reference" as inside of `use_backend` or where there are no kernels.

    Example:
        >>> import nnlite
        >>> with nnlite.use_backend("reference"):
        ...     nnlite.get_backend()
        'reference'
    """
    current = backend()
    while isinstance(current, _Replaced):
        current = current.others
    return next(name for name, known in _BACKENDS.items() if known is current)


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
    if not text.strip().isdecimal() or not 1 <= int(text) <= 1024:
        raise ImportError(f"NNLITE_NUM_THREADS: expected a whole number from 1 to 1024, got {text!r}")
    set_num_threads(int(text))


def _say_that_there_is_no_openmp():
    """pip shows nobody what the build says. One line, and none where one thread is what was asked for."""
    wanted = os.environ.get("NNLITE_NUM_THREADS", os.environ.get("OMP_NUM_THREADS"))
    if why_reference or host.has_openmp() or wanted == "1":
        return
    if sys.stderr:
        print(
            "nnlite was compiled without OpenMP: its kernels use one thread, which NNLITE_NUM_THREADS=1 says is right. "
            "For more, install OpenMP (macOS: brew install libomp; for Clang, Debian, Ubuntu: apt install libomp-dev; "
            f"Fedora: dnf install libomp-devel), and compile again. {_COMPILE}",
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
if host.checks_indices() or os.environ.get("NNLITE_DEBUG", "0") not in ("", "0"):
    importlib.import_module(f"{__name__}._doors").guard(_BACKENDS["compiled"])
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
