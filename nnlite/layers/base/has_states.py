"""Base of all layers with states: what is returned of them, and forgotten."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...arguments.translations.calls import translated
from ...turns import computing
from .layer import Layer

States = Sequence[np.ndarray] | None  # an array (N, H) for each; None for zeros


class HasStates(Layer):
    """Base of `Recurrent` and `Bidirectional`, whose `forward` starts from states and leaves some.

    Attributes:
        state: after the last step, a tuple of arrays (N, H); None before the first.
        dinitial_state: dL/d(initial state) after `backward`, in that order.
    """

    takes_lengths = True
    return_state: bool
    state: tuple[np.ndarray, ...] | None = None
    dinitial_state: tuple[np.ndarray, ...] | None = None

    def reset_state(self) -> None:
        """Forget: the next batch starts from zeros."""
        self.state = None

    def forward(
        self, x: np.ndarray, training: bool = False, initial_state: States = None, lengths: np.ndarray | None = None
    ) -> np.ndarray:
        """y of all time steps of x (N, T, F), or ids (N, T). Also with return_state y alone: models go on with it."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(x, training, initial_state, lengths)")

    def backward(self, dy: np.ndarray, dstate: States = None, needs_dx: bool = True) -> np.ndarray | None:
        """dx (N, T, F), None for ids; `dstate` is the gradient of the final state."""
        raise NotImplementedError(f"{type(self).__name__} has no backward(dy, dstate, needs_dx)")

    @translated
    def __call__(
        self, x: np.ndarray, training: bool = False, initial_state: States = None, lengths: np.ndarray | None = None
    ) -> Any:
        """What `forward` gives; with return_state (y, *state)."""
        with computing:  # so that the states are those of this x
            y = self.forward(x, training, initial_state, lengths)
            return (y, *(self.state or ())) if self.return_state else y
