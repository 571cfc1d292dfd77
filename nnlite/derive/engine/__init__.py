"""The engine of derivations: expressions, layout, and comparison with the layer."""

from .docstring_equations import equations
from .expression import Expression, Quantity, apply, constant, exp, largest, log, sigmoid, sqrt, tanh, total
from .layout import Page

__all__ = ["Expression", "Page", "Quantity", "constant", "equations", "total"]
__all__ += ["apply", "exp", "largest", "log", "sigmoid", "sqrt", "tanh"]
