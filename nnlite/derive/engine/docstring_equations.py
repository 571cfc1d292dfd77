"""The equations of a layer or loss, from its docstring, so that they are written once."""

import inspect
import re


def equations(kind: type, *sides: str, remarks: bool = True) -> list[str]:
    """The equations in the docstring of a class, line by line.

    Args:
        sides: the left sides of those to return; by default all.
        remarks: whether to include the remarks to the right of them.

    Example:
        >>> from nnlite import Tanh
        >>> equations(Tanh, "dx")
        ['dx = dy (1 - y^2)           the slope is 1 at 0, and vanishes where |x| is large']
    """
    lines = re.findall(r"^ {4}(\S.* = .*)$", (inspect.getdoc(kind) or "").partition("\n\nArgs:")[0], re.MULTILINE)
    lines = [line for line in lines if not sides or line.partition(" = ")[0].strip() in sides]
    # A remark is far to the right; so may be the equals sign of a short left side.
    return lines if remarks else [re.sub(r"^(.*? = .*?) {3,}.*$", r"\1", line) for line in lines]
