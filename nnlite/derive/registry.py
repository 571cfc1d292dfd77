"""The registry of derivations: which layers and losses have one."""

from collections.abc import Callable
from typing import Any

_KNOWN: dict[type, Any] = {}


def register(kind: type, derivation: Any) -> None:
    """Add the derivation of a layer or loss of your own. Its subclasses use it, too, unless they have their own.

    Args:
        kind: the class.
        derivation: an object, such as a module, with the functions forward(page, layer, x) and
            backward(page, layer, x, dy). They write on the page and return a dict from "y", or from "dx" and "dW" for
            every parameter W, to the `Quantity` they derived. For a recurrent layer they also take `initial_state` and
            `dstate`. For a loss it has one function, loss(page, loss, y_true, y_pred), which returns "loss" and
            "dy_pred".

    Raises:
        TypeError: kind is not a class.

    Example:
        >>> import numpy as np
        >>> from nnlite import Layer, derive
        >>> class Double(Layer):
        ...     def forward(self, x, training=False):
        ...         return 2 * x
        >>> class DoubleDerivation:
        ...     @staticmethod
        ...     def forward(page, layer, x):
        ...         x, y = derive.Quantity("x", x), derive.Quantity.unknown("y", x.shape)
        ...         page.formula("y = 2 * x")
        ...         for i in page.choice.all("y"):
        ...             y[i] = page.equation(y.letters(i), 2 * x[i])
        ...         return {"y": y}
        >>> derive.register(Double, DoubleDerivation)
        >>> print(derive.forward(Double(), np.array([[1.5, -1]], "float32")))
        Double(), forward, float32
        <BLANKLINE>
          y = 2 * x
        <BLANKLINE>
        y[0,0] = 2 * x[0,0] = 2*1.5  = 3
        y[0,1] = 2 * x[0,1] = 2*(-1) = -2
        <BLANKLINE>
        y  0   1      kernel  0   1
        0  3  -2           0  3  -2
        <BLANKLINE>
        The layer computes the same.
           numbers  largest difference  allowed there  at     derived  kernel
        y  2        0                   4e-06          [0,0]  3        3
    """
    if not isinstance(kind, type):
        raise TypeError(f"kind: expected a class, got {kind!r}: give type(layer)")
    _KNOWN[kind] = derivation


def derivation_of(thing: Any, function: str) -> Callable:
    """The function "forward", "backward" or "loss" of the derivation of a layer or loss, if it has one."""
    for kind in type(thing).__mro__:
        if kind in _KNOWN and hasattr(_KNOWN[kind], function):
            return getattr(_KNOWN[kind], function)
    name = type(thing).__name__
    known = sorted(kind.__name__ for kind, derivation in _KNOWN.items() if hasattr(derivation, function))
    raise TypeError(
        f"derive.{function}: expected one of {', '.join(known)}, got {name}, which has no derivation: add one with "
        f"derive.register({name}, derivation), see help(nnlite.derive.register)"
    )
