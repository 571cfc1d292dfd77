"""Which layers have a derivation."""

from typing import Any

_KNOWN: dict[type, Any] = {}


def register(kind: type, derivation: Any) -> None:
    """Teach `derive` a layer, or a loss, of your own. Classes derived from it are known, too, unless they have theirs.

    Args:
        kind: the class.
        derivation: an object, such as a module, with two functions: forward(page, layer, x), and
            backward(page, layer, x, dy). Both write on the page, and return a dict from "y", or "dx" and "dW" for every
            parameter W, to the `Quantity` that they derived. A recurrent layer's take `initial_state` and
            `dstate`, and a loss has the one function loss(page, loss, y_true, y_pred), which returns "loss" and
            "dy_pred".

    Raises:
        TypeError: kind is no class.

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
        raise TypeError(f"register: expected a class, got {kind!r}")
    _KNOWN[kind] = derivation


def derivation_of(thing: Any, function: str) -> Any:
    """The function of that name for this layer or loss.

    Raises:
        TypeError: it has no derivation; the message lists those that have.
    """
    for kind in type(thing).__mro__:
        if kind in _KNOWN and hasattr(_KNOWN[kind], function):
            return getattr(_KNOWN[kind], function)
    name = type(thing).__name__
    known = sorted(kind.__name__ for kind, derivation in _KNOWN.items() if hasattr(derivation, function))
    raise TypeError(
        f"derive.{function}: there is no derivation of {name}. Known are {', '.join(known)}. Add one with "
        f"derive.register({name}, derivation), of which help(nnlite.derive.register) has an example"
    )
