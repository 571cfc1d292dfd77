"""LSTM: a recurrent layer whose gates control a cell state."""

import numpy as np

from ..kernels import backend, of_dtype
from .base import by_id
from .base.has_states import States
from .base.layer import Shape
from .base.recurrent import Recurrent


class LSTM(Recurrent):
    """Long short-term memory.

        z_t = x_t Wx + b + h_{t-1} Wh               four blocks of H columns: z_i, z_f, z_g, z_o
        i, f, o = sigmoid(z_i, z_f, z_o)            the input, forget and output gates
        g = tanh(z_g)                               the candidate
        c_t = f * c_{t-1} + i * g                   the cell state
        h_t = o * tanh(c_t)                         the output

    Letters: N batch, T time, F features, H units. x is (N, T, F), or integer ids (N, T), shorthand for one-hot vectors
    of size F = input_dim. y is h_T (N, H), or with return_sequences every h_t (N, T, H). The states before the first
    step are zeros, or `initial_state`, (h, c) or a list of the two, each (N, H).

    Sequences of unequal length: `forward(x, lengths=lengths)`, integers (N,), reads the first lengths[n] steps of
    row n. The rest is padding and has no effect, whatever it holds. `state`, and y without return_sequences, are those
    of each row's own last step; with return_sequences, y is 0 in the padding and dy is ignored there.

    Args:
        units: H.
        return_sequences: return every step instead of the last one.
        stateful: start each batch from the final state of the previous batch, until `reset_state()`. "training" does so
            in training only; `evaluate` and `predict` then start from zeros and take batches of any size.
        return_state: `layer(x)` returns (y, h, c) instead of y; `forward` returns y in any case. Models refuse such a
            layer, as their layers hand on one array.
        go_backwards: read x from its last step to its first, each row from its own last one; y is in the order of
            reading. Such a layer has no `step`.
        dropout: probability in [0, 1) that, in training, a feature of a row of x is 0, at all of its steps; the others
            are divided by 1 - dropout. Of ids, as one-hot vectors: all occurrences of some ids add nothing to z.
        recurrent_dropout: 0, for programs that say so: states are not dropped.
        input_dim: F; required if x are ids.
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Parameters: Wx (F, 4H), Glorot uniform; Wh (H, 4H), orthogonal; b (4H), zeros, and ones for the forget gate. The
    gates are in the order i, f, g, o, as in Keras: its weights load unchanged.

    Attributes:
        state: (h, c), each (N, H), after the last step; None before the first.
        dinitial_state: dL/d(initial state) = (dh, dc) after backward.

    Raises:
        TypeError, ValueError: x holds no numbers, has another shape, or no time steps; stateful with go_backwards.
        IndexError: an id is outside 0 .. F - 1, or a length outside 0 .. T.

    Source: Hochreiter and Schmidhuber, Long short-term memory, 1997; the forget gate: Gers, Schmidhuber and Cummins,
    Learning to forget, 2000, and its bias of one: Jozefowicz, Zaremba and Sutskever, An empirical exploration of
    recurrent network architectures, 2015.

    Example:
        >>> import numpy as np
        >>> from nnlite import LSTM
        >>> layer = LSTM(5, return_sequences=True, input_dim=38, seed=0)
        >>> layer.forward(np.array([[18, 7, 0], [11, 11, 2]])).shape
        (2, 3, 5)
        >>> print(layer.explain((3,)))
        LSTM(units=5, return_sequences=True, input_dim=38)
          output   (3, 5): T = 3 steps of units = 5
          parameters   4 gates * (F * H + H * H + H) = 4 * (38 * 5 + 5 * 5 + 5) = 880
    """

    gates = 4
    kernel = "lstm"
    states = ("h", "c")

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        self.params["b"][self.units : 2 * self.units] = 1  # remember, until trained to forget

    def forward(
        self, x: np.ndarray, training: bool = False, initial_state: States = None, lengths: np.ndarray | None = None
    ) -> np.ndarray:
        lstm = backend().lstm
        x, lengths = self._time_major(x, lengths, training)  # (T, N, F), or ids (T, N)
        (T, N), H = x.shape[:2], self._units
        gates = self._buffer("gates", T, N, 4 * H)  # first, as the largest: it is what can be too large
        h, c = self._states(T, N, initial_state, training)  # (T + 1, N, H), of which h[0] and c[0] are set
        weights, y, work = self._arrays("params", "Wx", "Wh", "b"), self._room_for_y(N, T), self._work(lstm)
        of_dtype(lstm.forward, self.dtype)(x, lengths, weights, h, c, gates, y, work)
        self._keep(x, lengths, h, c, gates)
        self.state = h[T].copy(), c[T].copy()
        return self._y(y, lengths)

    def backward(self, dy: np.ndarray, dstate: States = None, needs_dx: bool = True) -> np.ndarray | None:
        lstm = backend().lstm
        x, lengths, h, c, gates = self._kept()
        (T, N), H = x.shape[:2], self._units
        dy, dx = self._dy(dy, N, T, lengths), self._room_for_dx(x, needs_dx)
        dh, dc = self.dinitial_state = self._copied("dstate", dstate, N)  # first the final, then the initial state's
        dz = self._buffer("dz", lstm.backward_steps(N, T), N, 4 * H)
        weights, (dWx, dWh, db) = self._arrays("params", "Wx", "Wh", "b"), self._arrays("grads", "Wx", "Wh", "b")
        x, table, owners = by_id.spread(x, dWx)
        upstream = x, lengths, weights, h, c, gates, dy, dh, dc
        of_dtype(lstm.backward, self.dtype)(*upstream, dx, (table, dWh, db), dz, self._work(lstm))
        by_id.collect(table, owners, dWx)
        return self._batch_first(dx, lengths)
