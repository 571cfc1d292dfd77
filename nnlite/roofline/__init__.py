"""The roofline: how fast a computation can be on this machine, whatever it is.

It is limited by the arithmetic of a core, or by the bytes that reach it: whichever is less at so many operations for
each byte. `nnlite bench --roofline` measures both limits and draws every kernel below them.

    machine.py    the limits, measured by peak.c
    kernels.py    the kernels: operations and bytes from their shapes, and times
    compiler.py   compiles C and Cython at run time

Source: Williams, Waterman and Patterson, Roofline: an insightful visual performance model for multicore architectures,
2009.
"""

from nnlite.utils import getter

from .compiler import CompilerError
from .kernels import Placed, place
from .machine import Machine, cache_sizes, measure

__all__ = ["CompilerError", "Machine", "Placed", "cache_sizes", "measure", "place"]

__getattr__ = getter(__name__, __all__)
