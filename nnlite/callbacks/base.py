"""Callback: base class of the objects that `fit` calls at each batch and epoch."""

import difflib
from collections.abc import Callable, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from ..arguments import ChecksArguments
from ..saving import states

Logs = dict[str, float]  # such as {"loss": 3.1, "val_loss": 2.9}


class Callback(ChecksArguments):
    """Base class of all callbacks: override the methods you need.

    Epochs and batches are counted from 0 here, as in Keras; printed text counts from 1. A callback may be used for a
    second training, after the first: `nnlite.testing.check_callback` tries it, and more.

    Attributes:
        model: the model in training. `self.model.stop_training = True` ends the training after this batch.
        loop: the progress of `fit`: `epoch`, `batch`, `epochs`, `batches`, `resumed`.
        params: as in Keras: {"epochs": ..., "steps": ...}, while `fit` runs.
        adds: names and types that `on_epoch_end` adds to the logs, such as {"speed": float}. With it, names in the path
            or monitor of a later callback are checked before the first epoch, not after it.

    Example:
        >>> from nnlite.callbacks import Callback
        >>> class PrintLoss(Callback):
        ...     def on_epoch_end(self, epoch, logs):
        ...         print(f"epoch {epoch + 1}: loss {logs['loss']:.2f}")
        >>> PrintLoss().on_epoch_end(0, {"loss": 3.14159})
        epoch 1: loss 3.14
    """

    # Callbacks are called in ascending `order`, those of equal order as they were given: first those that add to the
    # logs for all others, then the history, which also takes what later ones add, and last the backup, which saves the
    # state of all others.
    order = 0

    adds: Mapping[str, type] = {}

    model: Any = None
    loop: Any = None

    # Attributes that no copy has: a model can be large, and knows the data of its training; a file is open here alone.
    # Each is None in the class.
    _of_this_process: tuple[str, ...] = ("model", "loop")

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in self._of_this_process}

    def __getattr__(self, name: str) -> Any:
        if name == "params" and self.loop is not None:
            return {"epochs": self.loop.epochs, "steps": self.loop.batches}
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def on_train_begin(self, logs: Logs) -> None:
        """Called once, before the first epoch. Reset here what is left of an earlier training."""

    def on_train_end(self, logs: Logs) -> None:
        """Called once, after the last epoch; not after an error."""

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        """Called before an epoch, or before its rest if a training is resumed in the middle of it."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Called after an epoch. `logs` holds "loss", "val_loss" and the additions of earlier callbacks."""

    def on_train_batch_begin(self, batch: int, logs: Logs) -> None:
        """Called before a batch."""

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """Called after a batch. `logs["loss"]` is the mean of the epoch so far."""

    def on_batch_begin(self, batch: int, logs: Logs) -> None:
        """Another name of on_train_batch_begin: called where a class does not override that one."""

    def on_batch_end(self, batch: int, logs: Logs) -> None:
        """Another name of on_train_batch_end: called where a class does not override that one."""

    def on_test_begin(self, logs: Logs) -> None:
        """Called before the validation at the end of an epoch; not by `evaluate`."""

    def on_test_end(self, logs: Logs) -> None:
        """Called after the validation. `logs` holds its "loss" and metrics."""

    def close(self) -> None:
        """Close files and other resources. Called at the very end, also after an error."""

    def get_state(self) -> dict[str, Any]:
        """The state that a resumed training needs: a dict of JSON values and arrays."""
        return {name: states.in_a_file(getattr(self, name)) for name in self._state_rules()}

    def check_state(self, state: dict[str, Any]) -> None:
        """Check that `get_state` can have returned this state: checkpoints may come from anyone, and hold anything.

        Called before `set_state`, and before the model, the optimizer or any callback changes. `nnlite.saving.states`
        has rules for it. The states of a class that defines `get_state` or `set_state`, but not this method, are not
        checked.

        Raises:
            ValueError: the state does not fit; the message says what is wrong.

        Example:
            >>> from nnlite import Callback
            >>> from nnlite.saving import states
            >>> class Patience(Callback):
            ...     left = 3
            ...     def get_state(self):
            ...         return {"left": self.left}
            ...     def check_state(self, state):
            ...         states.fields("Patience", state, {"left": states.count})
            ...     def set_state(self, state):
            ...         self.left = state["left"]
            >>> Patience().check_state({"left": -1})
            Traceback (most recent call last):
            ValueError: Patience: left: expected a whole number of at least 0, got -1
        """
        states.fields(type(self).__name__, state, self._state_rules())

    @property
    def checks_its_state(self) -> bool:
        """Whether `check_state` is to be asked: not where a class defines its own state, and no check of it."""
        return says(self, "check_state", "get_state", "set_state")

    @property
    def file_of_state(self) -> Path | None:
        """The file that the state speaks of, if any: it tells the state from that of another callback of the class."""
        return None

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what `get_state` returned. Called after `on_train_begin`."""
        for name in self._state_rules():
            setattr(self, name, states.from_a_file(state[name]))

    def _state_rules(self) -> dict[str, states.Rule]:
        """The attributes that make up the state, with a rule for each, if a class has no methods of its own for it."""
        return {}


HOOKS = [name for name in vars(Callback) if name.startswith("on_")]
_OTHER_NAME = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}

# Keras' hooks that nothing here calls.
_NEVER = {
    "set_model": "use on_train_begin, where self.model is set",
    "set_params": "use on_train_begin, where self.params is set",
    "on_test_batch_begin": "use on_test_begin",
    "on_test_batch_end": "use on_test_end",
    "on_predict_begin": "call it yourself before model.predict",
    "on_predict_end": "call it yourself after model.predict",
    "on_predict_batch_begin": "loop over the batches yourself, with model.predict",
    "on_predict_batch_end": "loop over the batches yourself, with model.predict",
}


def own_method(callback: Callback, event: str) -> Callable | None:
    """A callback's method for an event, or None where it has none of its own: an empty call is still a call."""
    for name in (event, _OTHER_NAME.get(event)):
        method = getattr(callback, name) if name else None
        if method and getattr(method, "__func__", None) is not vars(Callback)[name or event]:
            return method
    return None


def check_hooks(callback: Callback) -> None:
    """Refuse a callback with a method that looks like a hook and would never be called."""
    for name in {*dir(type(callback)), *vars(callback)}.difference(HOOKS):
        if name.startswith(("on_", "set_model", "set_params")) and callable(getattr(callback, name)):
            near = difflib.get_close_matches(name, HOOKS, n=1, cutoff=0.7)
            if name in _NEVER or near:
                remedy = _NEVER.get(name) or f"use {near[0]}"
                raise TypeError(f"{type(callback).__name__}: fit would never call {name}: {remedy}, or rename it")


def checked_callbacks(callbacks: Any) -> list[Callback]:
    """The callbacks that `fit` was given, as a list, each with `check_hooks`."""
    given = [] if callbacks is None else [callbacks] if isinstance(callbacks, Callback) else callbacks
    for callback in given if isinstance(given, tuple | list) else [given]:
        if not isinstance(callback, Callback):
            hint = f"use {callback.__name__}(...)" if isinstance(callback, type) else "derive it from nnlite.Callback"
            raise TypeError(f"fit: callbacks: expected a list of Callback objects, got {callback!r:.200}: {hint}")
        check_hooks(callback)
    for i, callback in enumerate(given):
        if any(callback is other for other in given[:i]):
            what = type(callback).__name__
            raise ValueError(f"fit: callbacks[{i}]: this {what} is in the list already: make another one, {what}(...)")
    return [*given]


def verbosity(verbose: int) -> int:
    """Whether a callback prints what it does: 0, 1 or 2, as in Keras."""
    if verbose not in (0, 1, 2):
        raise ValueError(f"verbose: expected 0 or 1, got {verbose!r}")
    return int(verbose)


def says(callback: Callback, declaration: str, *methods: str) -> bool:
    """Whether a class attribute of a callback, such as `adds`, is valid for its methods.

    It is not if a user's class overrides one of the methods and not the attribute. nnlite's own classes are complete.
    """
    for namespace in map(vars, (callback, *type(callback).__mro__)):
        if declaration in namespace or namespace.get("__module__", "").startswith("nnlite."):
            return True
        if any(method in namespace for method in methods):
            return False
    return False


def coming_logs(callback: Callback) -> tuple[dict[str, type], list[str]]:
    """The logs that a callback will get at the end of an epoch: names and types, and which callbacks may add others.

    The metrics of `fit` and the additions of nnlite's callbacks are known. A user's callback with an on_epoch_end and
    without `adds` may add anything.
    """
    names: dict[str, type] = dict.fromkeys(callback.loop.measured, float)
    silent: list[str] = []
    for other in takewhile(lambda other: other is not callback, callback.loop.callbacks):
        if says(other, "adds", "on_epoch_end"):
            names |= other.adds
        else:
            silent.append(type(other).__name__)
    return names, silent
