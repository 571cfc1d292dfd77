"""Quoted: the equations of a layer or a loss, from its docstring. They are written once."""

import inspect
import re


def equations(kind, *sides, remarks=True):
    """The equations in a class' docstring, line by line.

    Args:
        sides: whose left sides; by default all.
        remarks: whether with what is said beside them.

    Example:
        >>> from nnlite import Tanh
        >>> equations(Tanh, "dx")
        ['dx = dy (1 - y^2)           the slope is 1 at 0, and vanishes where |x| is large']
    """
    lines = re.findall(r"^ {4}(\S.* = .*)$", (inspect.getdoc(kind) or "").partition("\n\nArgs:")[0], re.MULTILINE)
    lines = [line for line in lines if not sides or line.partition(" = ")[0].strip() in sides]
    # A remark stands far to the right; so may the equals sign of a short left side.
    return lines if remarks else [re.match(r".*? = .*?(?= {3,}|$)", line)[0] for line in lines]
