"""GRU: a recurrent layer whose update gate decides how much of the state stays."""

from typing import Unpack

import numpy as np

from .. import checks
from ..kernels import backend, of_dtype
from .base import by_id
from .base.has_states import States
from .base.recurrent import Recurrent, RecurrentOptions


class GRU(Recurrent):
    """Gated recurrent unit.

        z_t = sigmoid(x_t Wxz + b0z + h_{t-1} Whz + b1z)       the update gate: how much stays
        r_t = sigmoid(x_t Wxr + b0r + h_{t-1} Whr + b1r)       the reset gate: how much the candidate sees
        g_t = tanh(x_t Wxh + b0h + r_t * (h_{t-1} Whh + b1h))  the candidate
        h_t = z_t * h_{t-1} + (1 - z_t) * g_t                  the state, and the output

    Where z_t is near 1, the state and its gradient pass through unchanged, as through the cell state of an `LSTM`, with
    three quarters of the weights. The reset gate is applied after the product with Whh, as in Keras and PyTorch: so one
    product with h_{t-1} serves all gates. With reset_after=False it is applied before it, as in the paper.

    Letters: N batch, T time, F features, H units. x is (N, T, F), or integer ids (N, T), shorthand for one-hot vectors
    of size F = input_dim. y is h_T (N, H), or with return_sequences every h_t (N, T, H).

    Sequences of unequal length: `forward(x, lengths=lengths)`, as in `LSTM`.

    Args:
        units: H.
        reset_after: False for g_t = tanh(x_t Wxh + bh + (r_t * h_{t-1}) Whh), and one bias b for each gate. This is the
            paper's GRU, and ONNX's by default (linear_before_reset = 0).
        return_sequences: return every step instead of the last one.
        stateful: start each batch from the final state of the previous batch, until `reset_state()`. "training" does so
            in training only; `evaluate` and `predict` then start from zeros and take batches of any size.
        return_state, go_backwards, dropout, recurrent_dropout: as in `LSTM`; the state is h alone.
        input_dim: F; required if x are ids.
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Parameters: Wx (F, 3H), Glorot uniform; Wh (H, 3H), orthogonal; b (2, 3H), zeros: a row for x, and one for h;
    with reset_after=False (3H). The blocks are in the order z, r, h, as in Keras: its weights load unchanged.

    Attributes:
        state: (h,), h (N, H) after the last step; None before the first.
        dinitial_state: dL/d(initial state) = (dh,) after backward.

    Raises:
        TypeError, ValueError: x holds no numbers, has another shape, or no time steps.
        IndexError: an id is outside 0 .. F - 1, or a length outside 0 .. T.

    Source: Cho et al., Learning phrase representations using RNN encoder-decoder for statistical machine translation,
    2014.

    Example:
        >>> import numpy as np
        >>> from nnlite import GRU
        >>> layer = GRU(5, return_sequences=True, input_dim=38, seed=0)
        >>> layer.forward(np.array([[18, 7, 0], [11, 11, 2]])).shape
        (2, 3, 5)
        >>> print(layer.explain((3,)))
        GRU(units=5, return_sequences=True, input_dim=38)
          output   (3, 5): T = 3 steps of units = 5
          parameters   3 gates * (F * H + H * H + 2 * H) = 3 * (38 * 5 + 5 * 5 + 2 * 5) = 675
    """

    blocks = 4  # the third gate's is in two: itself, and what of h goes into it
    gates = 3
    kernel = "gru"
    states = ("h",)

    def __init__(self, units: int, *, reset_after: bool = True, **options: Unpack[RecurrentOptions]) -> None:
        super().__init__(units, **options)
        self._reset_after = checks.boolean("reset_after", reset_after)
        self.kernel, self.biases = ("gru", 2) if reset_after else ("gru_reset_before", 1)

    @property
    def reset_after(self) -> bool:
        """Whether r is applied after the product with Whh. It cannot be set: the parameters are made for it."""
        return self._reset_after

    def forward(
        self, x: np.ndarray, training: bool = False, initial_state: States = None, lengths: np.ndarray | None = None
    ) -> np.ndarray:
        gru = getattr(backend(), self.kernel)
        x, lengths = self._time_major(x, lengths, training)  # (T, N, F), or ids (T, N)
        (T, N), H = x.shape[:2], self._units
        gates = self._buffer("gates", T, N, 4 * H)  # z, r, g, and what of h goes into g
        (h,) = self._states(T, N, initial_state, training)  # (T + 1, N, H), of which h[0] is set
        weights, y, work = self._arrays("params", "Wx", "Wh", "b"), self._room_for_y(N, T), self._work(gru)
        of_dtype(gru.forward, self.dtype)(x, lengths, weights, h, gates, y, work)
        self._keep(x, lengths, h, gates)
        self.state = (h[T].copy(),)
        return self._y(y, lengths)

    def backward(self, dy: np.ndarray, dstate: States = None, needs_dx: bool = True) -> np.ndarray | None:
        gru = getattr(backend(), self.kernel)
        x, lengths, h, gates = self._kept()
        (T, N), H = x.shape[:2], self._units
        dy, dx = self._dy(dy, N, T, lengths), self._room_for_dx(x, needs_dx)
        (dh,) = self.dinitial_state = self._copied("dstate", dstate, N)  # first the final, then the initial state's
        da = self._buffer("da", gru.backward_steps(N, T), N, 4 * H)
        weights, (dWx, dWh, db) = self._arrays("params", "Wx", "Wh", "b"), self._arrays("grads", "Wx", "Wh", "b")
        x, table, owners = by_id.spread(x, dWx)
        upstream = x, lengths, weights, h, gates, dy, dh
        of_dtype(gru.backward, self.dtype)(*upstream, dx, (table, dWh, db), da, self._work(gru))
        by_id.collect(table, owners, dWx)
        return self._batch_first(dx, lengths)
