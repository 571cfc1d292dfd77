"""RNN: the vanilla recurrent layer."""

from typing import Unpack

import numpy as np

from ..kernels import backend, of_dtype
from .base import by_id
from .base.has_states import States
from .base.recurrent import Recurrent, RecurrentOptions


class RNN(Recurrent):
    """Vanilla recurrent layer.

        h_t = f(x_t Wx + b + h_{t-1} Wh)            f = tanh, or ReLU: max(., 0)

    The state is recomputed at every step, and on its way back the gradient is multiplied by f'(z_t) and Wh' at each
    step. It vanishes or explodes like the power of a matrix, so dependencies longer than about ten steps are hardly
    learned. `LSTM` and `GRU` solve this.

    Letters: N batch, T time, F features, H units. x is (N, T, F), or integer ids (N, T), shorthand for one-hot vectors
    of size F = input_dim. y is h_T (N, H), or with return_sequences every h_t (N, T, H).

    Sequences of unequal length: `forward(x, lengths=lengths)`, as in `LSTM`.

    Args:
        units: H.
        activation: f, "tanh" or "relu".
        return_sequences: return every step instead of the last one.
        stateful: start each batch from the final state of the previous batch, until `reset_state()`. "training" does so
            in training only; `evaluate` and `predict` then start from zeros and take batches of any size.
        return_state, go_backwards, dropout, recurrent_dropout: as in `LSTM`; the state is h alone.
        input_dim: F; required if x are ids.
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Parameters: Wx (F, H), Glorot uniform; Wh (H, H), orthogonal; b (H), zeros. They are those of Keras' SimpleRNN.

    Attributes:
        state: (h,), h (N, H) after the last step; None before the first.
        dinitial_state: dL/d(initial state) = (dh,) after backward.

    Raises:
        TypeError, ValueError: x holds no numbers, has another shape, or no time steps; another activation.
        IndexError: an id is outside 0 .. F - 1, or a length outside 0 .. T.

    Source: Elman, Finding structure in time, 1990; with ReLU: Le, Jaitly and Hinton, A simple way to initialize
    recurrent networks of rectified linear units, 2015.

    Example:
        >>> import numpy as np
        >>> from nnlite import RNN
        >>> layer = RNN(5, return_sequences=True, input_dim=38, seed=0)
        >>> layer.forward(np.array([[18, 7, 0], [11, 11, 2]])).shape
        (2, 3, 5)
        >>> print(layer.explain((3,)))
        RNN(units=5, return_sequences=True, input_dim=38)
          output   (3, 5): T = 3 steps of units = 5
          parameters   F * H + H * H + H = 38 * 5 + 5 * 5 + 5 = 220
    """

    gates = 1
    blocks = 1
    keeps_gates = False
    kernel = "rnn"
    states = ("h",)

    def __init__(self, units: int, *, activation: str = "tanh", **options: Unpack[RecurrentOptions]) -> None:
        super().__init__(units, **options)
        if activation not in ("tanh", "relu"):
            raise ValueError(f"activation: expected 'tanh' or 'relu', got {activation!r}")
        self.activation = activation

    def forward(
        self, x: np.ndarray, training: bool = False, initial_state: States = None, lengths: np.ndarray | None = None
    ) -> np.ndarray:
        rnn = backend().rnn
        x, lengths = self._time_major(x, lengths, training)  # (T, N, F), or ids (T, N)
        T, N = x.shape[:2]
        (h,) = self._states(T, N, initial_state, training)  # (T + 1, N, H), of which h[0] is set
        weights, y, work = self._arrays("params", "Wx", "Wh", "b"), self._room_for_y(N, T), self._work(rnn)
        of_dtype(rnn.forward, self.dtype)(x, lengths, weights, h, y, work, self._is_relu)
        self._keep(x, lengths, h)
        self.state = (h[T].copy(),)
        return self._y(y, lengths)

    def backward(self, dy: np.ndarray, dstate: States = None, needs_dx: bool = True) -> np.ndarray | None:
        rnn = backend().rnn
        x, lengths, h = self._kept()
        (T, N), H = x.shape[:2], self._units
        dy, dx = self._dy(dy, N, T, lengths), self._room_for_dx(x, needs_dx)
        (dh,) = self.dinitial_state = self._copied("dstate", dstate, N)  # first the final, then the initial state's
        dz = self._buffer("dz", rnn.backward_steps(N, T), N, H)
        weights, (dWx, dWh, db) = self._arrays("params", "Wx", "Wh", "b"), self._arrays("grads", "Wx", "Wh", "b")
        x, table, owners = by_id.spread(x, dWx)
        upstream = x, lengths, weights, h, dy, dh
        of_dtype(rnn.backward, self.dtype)(*upstream, dx, (table, dWh, db), dz, self._work(rnn), self._is_relu)
        by_id.collect(table, owners, dWx)
        return self._batch_first(dx, lengths)

    @property
    def _is_relu(self):
        return self.activation == "relu"

    def _options(self):
        return (self._is_relu,)
