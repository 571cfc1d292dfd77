"""Callback: what `fit` calls at each batch and epoch, so that things can be done while a model trains."""

from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from ..saving import states

Logs = dict[str, float]  # from names such as "val_loss" to numbers


class Callback:
    """Base of all callbacks: override what you need.

    Epochs and batches are counted from 0 here, as in Keras; everything that people read counts from 1.

    Attributes:
        model: the model that is being trained. `self.model.stop_training = True` ends the training after this batch.
        run: where `fit` stands: `epoch`, `batch`, `epochs`, `batches`, `resumed`.
        adds: what `on_epoch_end` adds to the logs: names and their types, such as {"speed": float}. What a path or a
            monitor of a later callback names can then be checked before the first epoch, and not only after it.

    Example:
        >>> from nnlite.callbacks import Callback
        >>> class PrintLoss(Callback):
        ...     def on_epoch_end(self, epoch, logs):
        ...         print(f"epoch {epoch + 1}: loss {logs['loss']:.2f}")
        >>> PrintLoss().on_epoch_end(0, {"loss": 3.14159})
        epoch 1: loss 3.14
    """

    # Callbacks are called in the order in which they were given, those with a lower number before all others:
    # first what adds to the logs, then the history, and last the backup, which has to see what all others did.
    order = 0

    adds: Mapping[str, type] = {}

    model: Any = None
    run: Any = None

    def __getstate__(self) -> dict[str, Any]:
        # Without what is of this process: a model can be large, and knows the data of its training.
        return {name: value for name, value in vars(self).items() if name not in ("model", "run", "_best_of")}

    def on_train_begin(self, logs: Logs) -> None:
        """Once, before the first epoch. A callback forgets here what it knows of an earlier training."""

    def on_train_end(self, logs: Logs) -> None:
        """Once, after the last epoch; not where an error ended the training."""

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        """Before an epoch; also before the rest of one, where a training is resumed in the middle."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """After an epoch. `logs` holds its numbers: "loss", "val_loss" and what earlier callbacks added."""

    def on_train_batch_begin(self, batch: int, logs: Logs) -> None:
        """Before a batch."""

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """After a batch. `logs["loss"]` is the mean of this epoch so far."""

    def close(self) -> None:
        """Give back files and the like: called at the very end, also after an error."""

    def get_state(self) -> dict[str, Any]:
        """What a resumed training needs to know: a dict of what JSON can write, and arrays."""
        return {}

    def check_state(self, state: dict[str, Any]) -> None:
        """Refuse a state that `get_state` cannot have given: checkpoints may come from anybody, and hold anything.

        It is called before `set_state`, and before anything of the model, the optimizer or a callback has changed.
        `nnlite.saving.states` has what it takes. A class that defines `get_state` or `set_state`, and not this, is not
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
        self._check_fields(state, {})

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` gave to another callback of this class. Called after `on_train_begin`."""

    def _check_fields(self, state, rules):
        states.fields(type(self).__name__, state, rules)


def says(callback: Callback, declaration: str, *methods: str) -> bool:
    """Whether what a callback's class says in `declaration` holds for those methods.

    It does not where a subclass has defined one of the methods anew, and said nothing of it.
    """
    for namespace in map(vars, (callback, *type(callback).__mro__)):
        if declaration in namespace:
            return True
        if any(method in namespace for method in methods):
            return False
    return False


def coming_logs(callback: Callback) -> tuple[dict[str, type], list[str]]:
    """The logs that a callback will get at an epoch's end: names and types; and who may add others, and does not say.

    What `fit` measures is known, and so is what callbacks of nnlite add. One of a user's own that has an on_epoch_end,
    and no `adds`, may add anything: this cannot be known before it has.
    """
    names, silent = dict.fromkeys(callback.run.measured, float), []
    for other in takewhile(lambda other: other is not callback, callback.run.callbacks):
        if says(other, "adds", "on_epoch_end"):
            names |= other.adds
        else:
            silent.append(type(other).__name__)
    return names, silent
