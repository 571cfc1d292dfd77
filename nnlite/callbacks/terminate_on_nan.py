"""TerminateOnNaN: a loss that is not finite ends the training without an error."""

from ..divergence import NonFiniteLossError, check_params
from .base import Callback, Logs


class TerminateOnNaN(Callback):
    """Lets `fit` return where the loss becomes NaN or infinite, instead of raising `NonFiniteLossError`.

    The step that would have followed is not made, and the epoch is not in the history. The model may hold parameters
    that are not finite: `EarlyStopping(restore_best_weights=True)` puts back good ones.

    Attributes:
        error: the error that was not raised, with its place and cause; None where nothing happened.

    Example:
        >>> import numpy as np
        >>> from nnlite import Dense, Sequential
        >>> from nnlite.callbacks import TerminateOnNaN
        >>> model = Sequential([Dense(1)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> x = np.array([[1.0], [np.nan]])
        >>> history = model.fit(x, x, epochs=9, callbacks=[TerminateOnNaN()], verbose=0)
        training ended: epoch 1, batch 1: the loss is nan...
    """

    def __init__(self) -> None:
        self.error: NonFiniteLossError | None = None

    def on_train_begin(self, logs: Logs) -> None:
        self.error = None

    def on_train_end(self, logs: Logs) -> None:
        # No loss was computed after the last update: only the parameters can tell that it went wrong.
        if self.error is None:
            try:
                check_params(self.model, self.loop, "the model cannot be used any more")
            except NonFiniteLossError as error:
                self.ended_by(error)

    def ended_by(self, error: NonFiniteLossError) -> None:
        """Called by `fit` with the error, in the place of raising it."""
        self.error, self.model.stop_training = error, True
        print(f"training ended: {error}", flush=True)
