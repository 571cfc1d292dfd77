"""Optimizers. One kernel pass updates a parameter and the optimizer's state for it.

Names, arguments, defaults and formulas are those of Keras 3.
"""

import difflib

from ..arguments.translations.names import getter
from . import schedules
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .base import Limits, Optimizer, Options
from .rmsprop import RMSprop
from .sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Limits", "Optimizer", "Options", "RMSprop", "get", "schedules"]

_BY_NAME = {"sgd": SGD, "adagrad": Adagrad, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW}


def get(optimizer: str | Optimizer) -> Optimizer:
    """The optimizer with this name, such as "adam", with default arguments; or the optimizer itself.

    Raises:
        ValueError: no optimizer has this name.
        TypeError: a class, not an object of it.

    Example:
        >>> from nnlite import optimizers
        >>> optimizers.get("adam")
        Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07)
    """
    optimizer = getattr(optimizer, "optimizer", optimizer)  # that of a DataParallel
    if isinstance(optimizer, Optimizer):
        return optimizer
    if isinstance(optimizer, str) and optimizer.lower() in _BY_NAME:
        return _BY_NAME[optimizer.lower()]()
    if isinstance(optimizer, type):
        name = optimizer.__name__
        raise TypeError(f"optimizer: expected an optimizer, got the class {name}: use an instance, {name}()")
    hint = ""
    if isinstance(optimizer, str):
        near = difflib.get_close_matches(optimizer.lower(), _BY_NAME, n=1)
        hint = f": use {near[0]!r}" if near else ""
    raise ValueError(f"optimizer: expected an optimizer or one of {sorted(_BY_NAME)}, got {optimizer!r}{hint}")


__getattr__ = getter(__name__, globals())
