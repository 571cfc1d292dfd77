"""Which kernels this process can run: the compiled ones, or those of NumPy and the reason."""

import importlib
import os
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

# A thread that waits for others spins, by default for milliseconds: where another program wants the core too, it takes
# it from the very thread that it waits for. Beside one busy program, a training step of 20 ms took 104 ms, and 40 with
# this. OpenMP's library reads the setting when it is loaded, with the first kernel; what the user has set comes first.
_own_spin_count = not os.environ.keys() & {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}
if _own_spin_count:
    os.environ["GOMP_SPINCOUNT"] = "10000"


COMPILE = (
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
        if self._package == "nnlite.reference":
            _let_round_to_zero(module)
        setattr(self, name, module)  # from now on it is found without this function
        return module


def _let_round_to_zero(module):
    """Let a module's kernels round to 0, as the compiled ones do, where the user has set np.seterr(all="raise").

    e^-1000 is 0 in a softmax, as it is meant to be.
    """
    for name, function in [*vars(module).items()]:
        if isinstance(function, types.FunctionType) and not name.startswith("_"):
            setattr(module, name, np.errstate(under="ignore")(function))


BACKENDS = {"compiled": _Backend("nnlite.kernels"), "reference": _Backend("nnlite.reference")}


def _load_compiled():
    """`host` of the compiled kernels, or None; and why they cannot run here, or "".

    Where a step was forgotten it is an error: nobody is slow unawares.
    """
    try:
        compiled = importlib.import_module("nnlite.kernels.host")
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
    if wanted not in ("", *BACKENDS):
        raise ImportError(f"NNLITE_BACKEND: expected 'compiled' or 'reference', got {wanted!r}")
    host, reason = (None, "NNLITE_BACKEND=reference was set") if wanted == "reference" else _load_compiled()
    if not reason:
        return host, ""
    if wanted == "compiled":
        raise ImportError(f"NNLITE_BACKEND=compiled was set, and nnlite cannot run so: {reason}. {COMPILE}")
    if not wanted:
        if sys.stderr:
            print(f"nnlite runs on NumPy, 3 to 7 times slower: {reason}. {COMPILE}", file=sys.stderr)
        os.environ["NNLITE_BACKEND"] = "reference"  # what this process starts need not say it again
    return importlib.import_module("nnlite.reference.host"), reason


try:
    host: Any
    host, why_reference = _load_host(os.environ.get("NNLITE_BACKEND", ""))
finally:
    if _own_spin_count:
        del os.environ["GOMP_SPINCOUNT"]

# The C library gives freed arrays back to the system and gets them anew, page by page, at every step of a training:
# that took a third of a small CNN's time. GNU's stops for arrays up to the largest that it has seen freed, or
# 32 MiB. This costs nothing: memory that is not written to is never there.
np.empty(2**25 - 2**16, np.uint8)
