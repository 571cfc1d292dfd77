"""Pairs: targets and predictions, as a loss or a metric takes them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .comparison import same_bits
from .layer_case import ROWS, checked_shape

DrawPair = Callable[[np.random.Generator, tuple[int, ...]], tuple[np.ndarray, np.ndarray]]


class Pairs:
    """Random pairs (y_true, y_pred) for a judge, which says by its attributes what it takes."""

    def __init__(self, judge: Any, output_shape: Sequence[int], draw: DrawPair | None) -> None:
        self.output_shape, self._draw = checked_shape("output_shape", output_shape), draw
        self.draws = draw is not None
        advice = "for labels or probabilities use draw=lambda rng, shape: (y_true, y_pred)"
        self.hint = "" if self.draws else f": it was given normal numbers; {advice}"
        self.is_ours = (getattr(judge, "__module__", None) or "").startswith("nnlite.")
        self.wants_probabilities = getattr(judge, "from_logits", None) is False
        self._wants_labels = getattr(judge, "takes_labels", False)
        self._wants_shares = hasattr(judge, "from_logits")  # of classes, where it wants no labels

    def pair(self, rows: int = ROWS, dtype: Any = "float32", seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """(y_true, y_pred) for so many rows."""
        rng, shape = np.random.default_rng(seed), (rows, *self.output_shape)
        if self._draw is not None:
            y_true, y_pred = map(np.asarray, self._draw(rng, shape))
        else:
            y_pred = rng.standard_normal(shape)
            y_true = _shares(rng.standard_normal(shape)) if self._wants_shares else rng.standard_normal(shape)
            if self.wants_probabilities:
                y_pred = _shares(y_pred)
            if self._wants_labels:
                y_true = rng.integers(shape[-1], size=shape[:-1])
        y_true, y_pred = (y.astype(dtype) if y.dtype.kind == "f" else y for y in (y_true, y_pred))
        return y_true, y_pred

    def require_unchanged(self, compute: Callable[[np.ndarray, np.ndarray], Any], when: str) -> None:
        """Refuse a judge that writes into the targets or predictions that `compute` gives it."""
        y_true, y_pred = self.pair()
        before = {"y_true": y_true.copy(), "y_pred": y_pred.copy()}
        compute(y_true, y_pred)
        remedy = "compute in a new array, such as e = y_pred - y_true"
        same_bits({"y_true": y_true, "y_pred": y_pred}, before, when, remedy)


def _shares(z):
    """Numbers between 0 and 1 whose sum along the last axis is 1, and which leave room on both sides."""
    e = np.exp(z)
    return 0.9 * e / e.sum(axis=-1, keepdims=True) + 0.1 / z.shape[-1]
