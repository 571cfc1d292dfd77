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
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ._installed import BACKENDS, COMPILE, host, why_reference
from ._threads import get_num_threads as get_num_threads
from ._threads import set_num_threads as set_num_threads

empty, uninterrupted = host.empty, host.uninterrupted
if host.checks_indices() or os.environ.get("NNLITE_DEBUG", "0") not in ("", "0"):
    importlib.import_module(f"{__name__}._doors").guard(BACKENDS["compiled"])

_current: contextvars.ContextVar[Any] = contextvars.ContextVar(
    "nnlite backend", default=BACKENDS["reference" if why_reference else "compiled"]
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
    reference = vars(getattr(BACKENDS["reference"], name))
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
    if name is not None and name not in BACKENDS:
        raise ValueError(f"use_backend: expected 'compiled' or 'reference', got {name!r}")
    if name == "compiled" and why_reference:
        raise ImportError(f"use_backend: 'compiled' is not there, as nnlite runs on NumPy: {why_reference}. {COMPILE}")
    chosen = BACKENDS[name] if name else backend()
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
    return next(name for name, known in BACKENDS.items() if known is current)
