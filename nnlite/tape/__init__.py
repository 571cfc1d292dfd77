"""Tape: the gradient of every named intermediate of a forward pass that is written in NumPy.

A witness for backward passes, which are all written by hand here: training uses none of it.

    tape = Tape()
    y = tape.call(forward, tape.array(x), tape.array(W))
    tape.backward(y, dy)
    tape.gradient("z")  # of L = sum of dy * y, for the local variable z of forward

tape.py    reverse-mode automatic differentiation: the notes, and reading them from the last to the first
array.py   an array that notes what NumPy does with it
rules.py   a table: the derivatives of NumPy's functions
"""

from .array import TapeArray
from .tape import Tape

__all__ = ["Tape", "TapeArray"]
