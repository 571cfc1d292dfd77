"""Regularizers: a price on large weights, which is added to the loss. Names, arguments and defaults are those of Keras.

    Dense(10, kernel_regularizer="l2")          Conv2D(8, 3, kernel_regularizer=L1(0.001))

`fit` and `evaluate` show the loss with the price, training adds its gradient to that of the weights, and
`gradcheck(model, x, y=y, loss=loss)` checks the two together.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from . import checks
from .arguments import Configured
from .arguments.classes import defined, is_ours, refuse_half


class Regularizer(Configured):
    """Base of regularizers. Your own defines `penalty` and `gradient`.

    Example:
        >>> import numpy as np
        >>> from nnlite.regularizers import Regularizer
        >>> class SumToZero(Regularizer):
        ...     def penalty(self, W):
        ...         return float(W.sum() ** 2)
        ...     def gradient(self, W):
        ...         return np.full_like(W, 2 * W.sum())
        >>> SumToZero()(np.array([1.0, 2.0]))
        9.0
    """

    is_value = True

    def penalty(self, W: np.ndarray) -> float:
        """The price of these weights."""
        raise NotImplementedError(f"{type(self).__name__} has no penalty(W)")

    def gradient(self, W: np.ndarray) -> np.ndarray:
        """Its gradient with respect to W, in the shape and dtype of W."""
        raise NotImplementedError(f"{type(self).__name__} has no gradient(W)")

    def __call__(self, W: np.ndarray) -> float:
        return self.penalty(W)


class L1L2(Regularizer):
    """The sum of both prices.

        penalty = l1 * sum of |W| + l2 * sum of W^2             dW = l1 * sign(W) + 2 * l2 * W

    Args:
        l1, l2: at least 0.

    Raises:
        TypeError, ValueError: l1 or l2 is not a number of at least 0.

    Example:
        >>> import numpy as np
        >>> from nnlite.regularizers import L1L2
        >>> W = np.array([[1.0, -2.0]])
        >>> L1L2(l1=0.5, l2=0.25).penalty(W)  # 0.5 * 3 + 0.25 * 5
        2.75
        >>> L1L2(l1=0.5, l2=0.25).gradient(W)
        array([[ 1. , -1.5]])
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = (checks.between(name, value, 0, np.inf, False) for name, value in (("l1", l1), ("l2", l2)))

    def penalty(self, W: np.ndarray) -> float:
        W = W.astype(np.float64, copy=False)
        return float(self.l1 * np.abs(W).sum() + self.l2 * np.square(W).sum())

    def gradient(self, W: np.ndarray) -> np.ndarray:
        return self.l1 * np.sign(W) + 2 * self.l2 * W


class L1(L1L2):
    """The sum of |W|, times l1: it drives weights that are of little use to exactly 0.

    Args:
        l1: at least 0.
    """

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=l1)


class L2(L1L2):
    """The sum of W^2, times l2: it keeps all weights small.

    Args:
        l2: at least 0.
    """

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=l2)


l1, l2, l1_l2 = L1, L2, L1L2

_BY_NAME = {"l1": L1, "l2": L2, "l1_l2": L1L2, "L1": L1, "L2": L2, "L1L2": L1L2}


def get(regularizer: Any, name: str = "regularizer") -> Regularizer | None:
    """The regularizer of this name, or of this configuration, or the object itself; None for None.

    Raises:
        ValueError: no regularizer has this name.
        TypeError: neither a name nor a regularizer.
    """
    expected = f"{name}: expected a Regularizer, such as L2(0.01), or one of {sorted(_BY_NAME)[3:]}"
    if isinstance(regularizer, dict) and regularizer.keys() == {"class", "config"}:
        kind = _BY_NAME.get(regularizer["class"]) or defined(regularizer["class"], Regularizer, "regularizer")
        return kind.from_config(regularizer["config"])
    if isinstance(regularizer, str):
        if regularizer not in _BY_NAME:
            raise ValueError(f"{expected}, got {regularizer!r}")
        return _BY_NAME[regularizer]()
    if regularizer is None or isinstance(regularizer, Regularizer):
        refuse_half(type(regularizer), "penalty", "gradient", "gradient(self, W)")
        return regularizer
    hint = f": make one, {regularizer.__name__}(0.01)" if isinstance(regularizer, type) else ""
    raise TypeError(f"{expected}, got {regularizer!r}{hint}")


def penalty(layers: Iterable[Any]) -> float:
    """The price of all regularized parameters of these layers, and of layers inside them; not of frozen ones."""
    price = 0.0
    for layer, name, regularizer in _regularized(layers):
        price += _asked(regularizer, "penalty", layer.params[name])
    return price


def add_gradients(layers: Iterable[Any]) -> None:
    """Add its gradient to the layers' `grads`, after `backward` has filled them."""
    for layer, name, regularizer in _regularized(layers):
        grad = layer.grads[name]
        gradient = _asked(regularizer, "gradient", layer.params[name])
        if np.shape(gradient) != grad.shape:  # NumPy would spread it
            expected, got = checks.shape_text(grad.shape), checks.shape_text(np.shape(gradient))
            what = f"{type(regularizer).__name__}.gradient"
            raise ValueError(f"{what}: expected it to return an array of the shape of W = {expected}, got {got}")
        grad += gradient


def _asked(regularizer, method, W):
    """What a regularizer says of W. One of one's own gets W read-only: it looks at the weights and changes none."""
    what = f"{type(regularizer).__name__}.{method}"
    if not is_ours(regularizer):
        W = W.view()
        W.flags.writeable = False
    try:
        found = getattr(regularizer, method)(W)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise ValueError(
            f"{what}: expected W to stay as it is, got a change in place: compute in a new array, such as W = W * 0.5 "
            f"instead of W *= 0.5"
        ) from error
    return checks.returned(what, found) if method == "penalty" else found


def _regularized(layers: Iterable[Any]) -> Iterator[tuple[Any, str, Regularizer]]:
    for layer in layers:
        own = getattr(layer, "regularizers", None)  # a model has none
        if own == {} or not getattr(layer, "_trainable", True):
            continue
        if own:
            yield from ((layer, name, own[name]) for name in layer.params if name in own)
        yield from _regularized(getattr(layer, "layers", ()))
