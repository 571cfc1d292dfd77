"""Loss functions and their gradients."""

import difflib
from typing import Any

from ..arguments.translations.names import LOSSES, NAMES, getter
from .absolute_error import MeanAbsoluteError
from .base import REDUCTIONS, SMALLEST_PROBABILITY, Loss
from .binary import BinaryCrossentropy
from .categorical import CategoricalCrossentropy
from .sparse_categorical import SparseCategoricalCrossentropy
from .squared_error import MeanSquaredError

__all__ = ["REDUCTIONS", "SMALLEST_PROBABILITY", "BinaryCrossentropy", "CategoricalCrossentropy", "Loss"]
__all__ += ["MeanAbsoluteError", "MeanSquaredError", "SparseCategoricalCrossentropy", "get"]

_BY_NAME: dict[str, type[Loss]] = {name: globals()[kind] for name, kind in LOSSES.items()}

__getattr__ = getter(__name__, globals())


def get(loss: str | Any) -> Any:
    """The loss with this name, or the object itself if it has `forward` and `backward`.

    Names are Keras': "binary_crossentropy" ("bce"), "categorical_crossentropy" ("cce"), "mean_absolute_error" ("mae"),
    "mean_squared_error" ("mse"), "sparse_categorical_crossentropy", in capitals, too; and those of the classes.

    Raises:
        ValueError: no loss has this name.
        TypeError: neither a name nor a loss.

    Example:
        >>> from nnlite import losses
        >>> losses.get("mse")
        MeanSquaredError()
    """
    if isinstance(loss, str):
        known = _BY_NAME | {kind.__name__.lower(): kind for kind in _BY_NAME.values()}
        if loss.lower() not in known:
            # By letters alone "sparse_crossentropy" is nearest to "binary_crossentropy".
            same_word = [name for name in _BY_NAME if name.split("_")[0] == loss.lower().split("_")[0]]
            near = difflib.get_close_matches(loss.lower(), same_word or _BY_NAME, n=1)
            hint = f": {NAMES.get(loss) or f'use {near[0]}'}" if near or loss in NAMES else ""
            raise ValueError(f"loss: expected a loss or one of {sorted(_BY_NAME)}, got {loss!r}{hint}")
        return known[loss.lower()]()
    if isinstance(loss, type):
        raise TypeError(f"loss: expected a loss, got the class {loss.__name__}: use an instance, {loss.__name__}()")
    if not (callable(getattr(loss, "forward", None)) and callable(getattr(loss, "backward", None))):
        if loss is None:
            raise TypeError(
                "loss: expected a name such as 'mse', got None: give it to compile, compile(optimizer, loss)"
            )
        got = f"the function {loss.__name__}" if hasattr(loss, "__name__") else repr(loss)
        raise TypeError(
            f"loss: expected a name or an object with forward and backward, got {got}: write a class with "
            f"both, as in help(nnlite.losses.Loss)"
        )
    return loss
