"""LambdaCallback: a callback made of functions."""

from collections.abc import Callable
from typing import Any

from .base import HOOKS, Callback


class LambdaCallback(Callback):
    """Calls functions at each batch or epoch; each has the arguments of the method with its name in `Callback`.

    Args:
        on_epoch_begin, on_epoch_end, on_train_begin, on_train_end, on_train_batch_begin, on_train_batch_end,
            on_test_begin, on_test_end: functions, or None.

    Example:
        >>> from nnlite.callbacks import LambdaCallback
        >>> callback = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
        >>> callback.on_epoch_end(0, {"loss": 3.5})
        0 3.5
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        *,
        on_batch_begin: Callable[..., Any] | None = None,
        on_batch_end: Callable[..., Any] | None = None,
        on_test_begin: Callable[..., Any] | None = None,
        on_test_end: Callable[..., Any] | None = None,
    ) -> None:
        given = locals()
        for name in HOOKS:
            function = given[name]
            if function is not None:
                if not callable(function):
                    raise TypeError(f"{name}: expected a function, got {function!r}")
                setattr(self, name, function)
