"""Bidirectional: reads a sequence in both directions."""

from typing import Unpack

import numpy as np

from .. import checks, sequence_lengths
from ..sequence_lengths import reversed_steps
from .base.has_states import States
from .base.layer import Options, Shape
from .base.recurrent import Recurrent
from .base.recurrent_pair import RecurrentPair

# From both outputs to y, and from dy and both outputs to their gradients.
MERGES = {
    "concat": (lambda a, b: np.concatenate([a, b], axis=-1), lambda dy, a, b: np.split(dy, 2, axis=-1)),
    "sum": (lambda a, b: a + b, lambda dy, a, b: (dy, dy)),
    "mul": (lambda a, b: a * b, lambda dy, a, b: (dy * b, dy * a)),
    "ave": (lambda a, b: (a + b) / 2, lambda dy, a, b: (dy / 2, dy / 2)),
}


class Bidirectional(RecurrentPair):
    """Two recurrent layers of one kind: one reads a sequence forward, the other backward.

        a_t = the first layer's output at step t, which knows x_1 .. x_t
        b_t = the second layer's output at step t, which knows x_T .. x_t
        y_t = a_t, b_t side by side ("concat"), or a_t + b_t, a_t * b_t, (a_t + b_t) / 2 ("sum", "mul", "ave")

    y_t depends on all of x: this suits labelling a sequence, not predicting how it continues. Without
    return_sequences, y combines the last step of each layer: a_T and b_1.

    Letters: N batch, T time, F features, H units, U = 2H for "concat", else H. x is (N, T, F), or ids (N, T), as for
    `layer`; y is (N, U), or (N, T, U) with return_sequences. With `forward(x, lengths=lengths)` the second layer begins
    at each row's own last step.

    Args:
        layer: a new recurrent layer, such as LSTM(32), used as a template for both. With dropout each has its own mask.
            With return_state, `layer(x)` returns (y, *state).
        merge_mode: "concat", "sum", "mul" or "ave".
        dtype, seed: by default those of `layer`.
        name, input_shape: as in `Layer`.
        trainable: False freezes both layers. The flag is theirs: by default that of `layer`.

    Parameters: those of both, such as forward_Wx, forward_Wh, forward_b, backward_Wx, backward_Wh, backward_b.

    Attributes:
        forward_layer, backward_layer: the two layers.
        state: after `forward`, the states of the first and then of the second, such as (h, c, h, c), each (N, H).
        dinitial_state: dL/d(initial state) after `backward`, in that order.

    Raises:
        TypeError: `layer` is not recurrent, or was given what it does not keep; x holds no numbers.
        ValueError: `layer` is stateful, reads backwards, or is built; an unknown merge_mode; x does not fit.
        RuntimeError: from `step`: the backward layer cannot start before the end is known.

    Source: Schuster and Paliwal, Bidirectional recurrent neural networks, 1997.

    Example:
        >>> import numpy as np
        >>> from nnlite import LSTM, Bidirectional
        >>> layer = Bidirectional(LSTM(5, return_sequences=True, input_dim=38), seed=0)
        >>> layer.forward(np.array([[18, 7, 0], [11, 11, 2]]), lengths=np.array([3, 2])).shape
        (2, 3, 10)
        >>> print(layer.explain((3,)))
        Bidirectional(LSTM(units=5, return_sequences=True, input_dim=38))
          output   (3, 10): T = 3 steps of units = 5, from both ends, side by side
          parameters   2 * (4 gates * (F * H + H * H + H) = 4 * (38 * 5 + 5 * 5 + 5) = 880) = 1760
    """

    def __init__(self, layer: Recurrent, merge_mode: str = "concat", **options: Unpack[Options]) -> None:
        super().__init__(layer, **options)
        if not isinstance(merge_mode, str) or merge_mode not in MERGES:
            raise ValueError(f"merge_mode: expected one of {', '.join(MERGES)}, got {merge_mode!r}")
        self.merge_mode = merge_mode

    def output_shape(self, input_shape: Shape) -> tuple:
        *steps, H = self.forward_layer.output_shape(input_shape)
        return (*steps, 2 * H if self.merge_mode == "concat" else H)

    def forward(
        self, x: np.ndarray, training: bool = False, initial_state: States = None, lengths: np.ndarray | None = None
    ) -> np.ndarray:
        self._equip()
        if lengths is not None:
            x, lengths = sequence_lengths.cleared(x, lengths)
        x = self.forward_layer._checked(x, steps=True)
        self._ensure_built(x)
        first, second = self._split("initial_state", initial_state)
        a = self.forward_layer.forward(x, training, first, lengths)
        b = self.backward_layer.forward(reversed_steps(x, lengths), training, second, lengths)
        if self.return_sequences:
            b = reversed_steps(b, lengths)
        self._keep(a, b, lengths)
        self.state = (*(self.forward_layer.state or ()), *(self.backward_layer.state or ()))
        merge, _ = MERGES[self.merge_mode]
        return merge(a, b)

    def backward(self, dy: np.ndarray, dstate: States = None, needs_dx: bool = True) -> np.ndarray | None:
        da, db = self._unmerge(dy)
        first, second = self._split("dstate", dstate)
        dx = self.forward_layer.backward(da, first, needs_dx)
        dx_reversed = self.backward_layer.backward(db, second, needs_dx)
        self.dinitial_state = tuple(d for _, layer in self._both() for d in layer.dinitial_state or ())
        return None if dx is None or dx_reversed is None else dx + reversed_steps(dx_reversed, self._kept()[-1])

    def _unmerge(self, dy):
        """What is left of dy for each layer, C-contiguous; the second one's is in the order in which it reads."""
        a, b, lengths = self._kept()
        self._equip(with_grads=True)
        *shape, H = a.shape
        dy = checks.floats("dy", dy, self.dtype, (*shape, 2 * H if self.merge_mode == "concat" else H), "of y")
        _, unmerge = MERGES[self.merge_mode]
        da, db = unmerge(dy, a, b)
        return da, reversed_steps(db, lengths) if self.return_sequences else db

    def step(self, x: np.ndarray) -> np.ndarray:
        raise RuntimeError(
            f"{self.name} (Bidirectional) has no single steps: it reads a sequence from its end, too, which has to be "
            f"known. Use forward on whole sequences, or {type(self.forward_layer).__name__} alone to write texts"
        )

    def __repr__(self):
        mode = "" if self.merge_mode == "concat" else f", merge_mode={self.merge_mode!r}"
        return f"Bidirectional({self.forward_layer!r}{mode})"

    def _shape_rule(self, input_shape):
        how = {"concat": "side by side", "sum": "added", "mul": "multiplied", "ave": "averaged"}[self.merge_mode]
        return f"{self.forward_layer._shape_rule(input_shape)}, from both ends, {how}"
