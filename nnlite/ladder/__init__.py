"""The ladder: one forward pass written again and again, from Python loops to nnlite's own kernel.

Each rung is a file of at most twenty lines, to be read beside the one below: conv2d/ and lstm/. `nnlite ladder conv2d`
runs them on this machine.

    problems.py    what they compute, and on which sizes
    rung.py        a rung's file: what it says, and how it is called
    climbing.py    runs, times and compares them
"""

from nnlite.utils import getter

from .climbing import Step, climb
from .rung import Rung, rungs

__all__ = ["Rung", "Step", "climb", "rungs"]

__getattr__ = getter(__name__, __all__)
