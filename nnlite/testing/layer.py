"""check_layer: whether a layer keeps all that the rest of nnlite expects of one."""

import warnings
from collections.abc import Collection, Sequence
from typing import Any

from . import layer_form, layer_kept, layer_numbers  # noqa: F401  where the checks are, in their order
from .contract import ContractReport
from .layer_case import LAYER, Draw, LayerCase


def check_layer(
    layer: Any, input_shape: Sequence[int], *, draw: Draw | None = None, without: Collection[str] = ()
) -> ContractReport:
    """Check a layer, nnlite's or your own, against everything that a layer promises.

    Shapes and dtypes, parameters, configuration, files and copies; gradients by finite differences in float64; and the
    same bits whatever is around it: the other rows of a batch, the layout of memory, threads. Each check works on a
    copy, with parameters a little beside their first values, and calls public methods alone.

    Args:
        layer: one that is not built, or any object with `forward(x)`, `backward(dy)`, and dicts `params` and `grads`:
            checks that then do not apply are left out.
        input_shape: without the batch axis, small: gradients are compared number by number.
        draw: makes inputs of a shape, with the batch axis, from a random generator. By default standard normal numbers,
            or ids, where `layer.ids_below` says so.
        without: names of checks to leave out, where a layer is meant to be different.

    Returns:
        A report that prints as a table: each check with its reason, and which were left out, and why.

    Raises:
        ContractError: a check failed. The message says which, what came, what was expected, and what to do. Its
            `report` has all others as well.
        TypeError, ValueError: `layer` is no layer, or is built; input_shape is none.

    Example:
        >>> from nnlite import Dense, Layer
        >>> from nnlite.testing import check_layer
        >>> check_layer(Dense(3), (4,)).failed
        []
        >>> class Halves(Layer):
        ...     def forward(self, x, training=False):
        ...         x /= 2
        ...         return x
        ...     def backward(self, dy):
        ...         return dy / 2
        >>> check_layer(Halves(), (4,))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        nnlite.testing.contract.ContractError: Halves: check ...
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* is not in params")  # the check build says it, as an error
        return LAYER.hold(type(layer).__name__, LayerCase(layer, input_shape, draw), without)
