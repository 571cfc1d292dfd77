"""Loss: base class of all losses, and what they check and weigh in the same way."""

import math
from typing import Any

import numpy as np

from .. import checks
from ..arguments import Configured
from ..arguments.translations.methods import Scalar
from ..turns import Keeps

# Smaller probabilities are raised to this: log 0 is infinite. The smallest power of ten that float32 has in full.
SMALLEST_PROBABILITY = 1e-37

# How the losses of all positions become one number: Keras' names.
REDUCTIONS = ("sum_over_batch_size", "sum")

_OWN = "which stands for Keras' call: write forward, which returns a float, and backward, its gradient"


class Loss(Configured, Keeps):
    """Base class of losses. Your own loss needs only `forward(y_true, y_pred)` and `backward()`, not this base.

    Args:
        reduction: "sum_over_batch_size" for the mean over all positions, or "sum". A sum, and its gradients, grow with
            the batch size and the sequence length.

    Example:
        >>> import numpy as np
        >>> class AbsoluteError:
        ...     def forward(self, y_true, y_pred):
        ...         self.difference = y_pred - y_true
        ...         return float(np.abs(self.difference).mean())
        ...     def backward(self):
        ...         return np.sign(self.difference) / self.difference.size
        >>> loss = AbsoluteError()
        >>> loss.forward(np.array([1.0, 2.0]), np.array([1.5, 1.0]))
        0.75
        >>> loss.backward()
        array([ 0.5, -0.5])
    """

    takes_labels = False  # whether y_true holds no values, but the numbers of labels, each below V

    def __init__(self, reduction: str = "sum_over_batch_size") -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(
                f"reduction: expected one of {', '.join(REDUCTIONS)}, got {reduction!r}: the first is the mean"
            )
        self.reduction = reduction

    def forward(self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        """The mean loss over all positions, or their sum; 0 without positions. Keeps what backward needs.

        Args:
            sample_weight: factors of the losses: (N,), one for each sample, or one for each position. The divisor
                stays the number of positions, as in Keras.
        """
        raise NotImplementedError(f"{type(self).__name__} has no forward(y_true, y_pred), {_OWN}")

    def backward(self) -> np.ndarray:
        """The gradient of the last loss with respect to y_pred, with y_pred's shape and dtype."""
        raise NotImplementedError(f"{type(self).__name__} has no backward(), {_OWN}")

    def _divisor(self, positions):
        """The divisor D of the summed losses."""
        return 1 if self.reduction == "sum" else max(1, positions)

    def _elements(self, shape):
        """The divisor where the loss of a position is the mean over its F elements."""
        return max(1, shape[-1]) * self._divisor(math.prod(shape[:-1]))

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        weights = () if sample_weight is None else (sample_weight,)
        return Scalar(self.forward(y_true, y_pred, *weights))


def predictions(y_true: Any, y_pred: Any, shape: checks.Expected, letters: str) -> np.ndarray:
    """y_pred, checked by `checks.floats`, in float32 if that holds all of its dtype's numbers, else in float64.

    Raises:
        TypeError: y_pred are integers and y_true are floats: these are the targets and the predictions.
        ValueError: y_pred has too few axes.
    """
    if type(y_pred) is not np.ndarray or y_pred.dtype.kind != "f":
        y_pred = checks.numbers("y_pred", y_pred)
        if y_pred.dtype.kind != "f" and checks.numbers("y_true", y_true).dtype.kind == "f":
            raise TypeError(
                f"y_pred: expected predictions, which are floats, got {y_pred.dtype.name}, and y_true are floats: the "
                f"order is loss(y_true, y_pred): swap them, or use y_pred.astype(float)"
            )
    if type(y_pred) is not np.ndarray or y_pred.dtype != np.float32:  # saves a call
        y_pred = checks.as_floats("y_pred", y_pred)
    try:
        return checks.floats("y_pred", y_pred, y_pred.dtype, shape, letters)
    except ValueError as error:
        if np.ndim(y_true) <= np.ndim(y_pred):
            raise
        raise ValueError(f"{error}, and y_true with {np.ndim(y_true)}: the order is loss(y_true, y_pred)") from error


def pair(y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    """Targets and predictions with the same shape (N, ..., F) and dtype. (N,) and (N, 1) fit, whichever is which."""
    y_pred = predictions(y_true, y_pred, (...,), "(N, ...)")
    if type(y_true) is not np.ndarray or y_true.shape != y_pred.shape:
        y_true = checks.like("y_true", y_true, y_pred)
        if y_true.shape != y_pred.shape:
            expected, got = checks.shape_text(y_pred.shape), checks.shape_text(y_true.shape)
            raise ValueError(f"y_true: expected shape of y_pred = {expected}, got {got}{_hint(y_true, y_pred)}")
    return checks.floats("y_true", y_true, y_pred.dtype, y_pred.shape, "of y_pred"), y_pred


def _hint(y_true, y_pred):
    """The end of the message where the shapes of targets and predictions differ; may be empty."""
    if y_true.shape != y_pred.shape[:-1]:
        return ""
    if y_true.dtype.kind not in "iu":
        return ": end the model with Dense(1)"
    return (
        f": labels are for SparseCategoricalCrossentropy; for this loss use np.eye({y_pred.shape[-1]})[y_true]; and "
        f"where they are no labels, end the model with Dense(1)"
    )


def check_probabilities(loss: Loss, y_pred: np.ndarray, layer: str) -> None:
    """Check that the predictions are what this loss takes without from_logits."""
    logits = f"{type(loss).__name__}(from_logits=True)"
    checks.between_0_and_1("y_pred", y_pred, "probabilities", f"end the model with {layer}(), or use {logits}")


def weights_of(sample_weight: Any, positions: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """A weight for each position, from (N,) or one for each, maybe with a last axis of 1."""
    weights = checks.numbers("sample_weight", sample_weight)
    while weights.ndim > 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    if weights.ndim == 0 or weights.shape != positions[: weights.ndim]:
        each = checks.shape_text(positions)
        first = f"{checks.shape_text(positions[:1])}, one for each sample, or {each}" if len(positions) > 1 else each
        raise ValueError(f"sample_weight: expected shape {first}, got {checks.shape_text(weights.shape)}")
    weights = checks.floats("sample_weight", weights, dtype, weights.shape, "(N, ...)")
    return np.broadcast_to(weights.reshape(weights.shape + (1,) * (len(positions) - weights.ndim)), positions)


def element_weights(sample_weight: Any, y_pred: np.ndarray) -> np.ndarray | None:
    """What to multiply the elements of (N, ..., F) with; None without weights."""
    if sample_weight is None:
        return None
    if y_pred.ndim == 1:
        return weights_of(sample_weight, y_pred.shape, y_pred.dtype)
    return weights_of(sample_weight, y_pred.shape[:-1], y_pred.dtype)[..., None]


def weighted(array: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Losses or gradients times their weights, where there are any."""
    return array if weights is None else array * weights
