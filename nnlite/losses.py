"""Loss functions and their gradients."""

import math
from typing import Any

import numpy as np

from . import checks
from .arguments import Configured
from .kernels import backend, of_dtype
from .turns import Keeps

# Smaller probabilities are raised to this: log 0 is infinite. The smallest power of ten with an inverse in float32.
SMALLEST_PROBABILITY = 1e-37

# How the losses of all positions become one number: Keras' names.
REDUCTIONS = ("sum_over_batch_size", "sum")


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

    def __init__(self, reduction: str = "sum_over_batch_size") -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(f"reduction: expected one of {', '.join(REDUCTIONS)}, got {reduction!r}")
        self.reduction = reduction

    def forward(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        """The mean loss over all positions, or their sum; 0 without positions. Keeps what backward needs."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(y_true, y_pred)")

    def backward(self) -> np.ndarray:
        """The gradient of the last loss with respect to y_pred, with y_pred's shape and dtype."""
        raise NotImplementedError(f"{type(self).__name__} has no backward()")

    def _divisor(self, positions):
        """The divisor D of the summed losses."""
        return 1 if self.reduction == "sum" else max(1, positions)

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        return self.forward(y_true, y_pred)


class SparseCategoricalCrossentropy(Loss):
    """Cross-entropy with integer labels: the mean of -log(probability of the label).

    In nats; exp(loss) is the perplexity. A model that predicts all labels with equal probability has a loss of log V.

        p = softmax(y_pred)                     from logits;  p = y_pred from probabilities
        loss = sum of -log p[label] / D
        dy_pred = (p - onehot(label)) / D       from logits: predicted minus true probabilities
        dy_pred[label] = -1 / (p[label] D)      from probabilities, and 0 elsewhere

    N positions on any number of axes, V scores each; D = N, or 1 with reduction="sum". y_pred is (N, ..., V), float32
    or float64; y_true is (N, ...) or (N, ..., 1), labels in 0 .. V - 1 of any integer dtype.

    From logits (the output of a Dense layer) nothing overflows and no gradient underflows. Probabilities (the output
    of a Softmax layer) are used unchanged; those below 1e-37 (`SMALLEST_PROBABILITY`) are raised to it.

    Args:
        from_logits: whether y_pred holds logits; by default it holds probabilities, as in Keras.
        reduction: "sum_over_batch_size" for the mean over all positions, or "sum".

    Raises:
        TypeError: y_pred holds no numbers, or y_true no integers.
        ValueError: the shapes do not fit.
        IndexError: a label is not in 0 .. V - 1; the message says where.

    Example:
        >>> import numpy as np
        >>> from nnlite.losses import SparseCategoricalCrossentropy
        >>> loss = SparseCategoricalCrossentropy()
        >>> round(loss.forward(np.array([2]), np.array([[0.25, 0.25, 0.5]])), 6)
        0.693147
        >>> loss.backward()
        array([[ 0.,  0., -2.]])
        >>> loss = SparseCategoricalCrossentropy(from_logits=True)
        >>> loss.forward(np.array([1]), np.array([[1e4, -1e4]]))
        20000.0
        >>> loss.backward()
        array([[ 1., -1.]])
    """

    takes_labels = True  # y_true holds no values, but the numbers of labels, each below V

    def __init__(self, from_logits: bool = False, reduction: str = "sum_over_batch_size") -> None:
        super().__init__(reduction)
        if not isinstance(from_logits, bool):
            raise TypeError(f"from_logits: expected True or False, got {from_logits!r}")
        self.from_logits = from_logits

    def forward(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        y_pred = _floats("y_pred", y_pred, (..., None), "(N, ..., V)")
        labels = checks.labels("y_true", y_true, y_pred.shape).reshape(-1)
        shape = y_pred.shape
        y_pred = y_pred.reshape(labels.size, shape[-1])
        losses = np.empty(labels.size)
        if self.from_logits:
            p = np.empty(y_pred.shape, y_pred.dtype)
            of_dtype(backend().softmax.cross_entropy_forward, p.dtype)(y_pred, labels, p, losses)
        else:
            p = np.maximum(y_pred[np.arange(labels.size), labels], y_pred.dtype.type(SMALLEST_PROBABILITY))
            np.negative(np.log(p, dtype=np.float64), out=losses)
        self._keep(shape, labels, p)
        return float(np.add.reduce(losses) / self._divisor(labels.size))

    def backward(self) -> np.ndarray:
        shape, labels, p = self._kept()
        N, D = labels.size, self._divisor(labels.size)
        if self.from_logits:
            dy_pred = np.empty(p.shape, p.dtype)
            of_dtype(backend().softmax.cross_entropy_backward, p.dtype)(p, labels, dy_pred, 1 / D)
        else:
            dy_pred = np.zeros((N, shape[-1]), p.dtype)
            dy_pred[np.arange(N), labels] = -1 / (p * D)
        return dy_pred.reshape(shape)


class MeanSquaredError(Loss):
    """The mean squared difference over all elements.

        loss = sum of (y_pred - y_true)^2 / D
        dy_pred = 2 (y_pred - y_true) / D

    y_true and y_pred have the same shape (N, ..., F); where F is 1, y_true may be (N, ...). Computed in y_pred's dtype,
    float32 or float64. D is the number of elements. With reduction="sum" D = F: as in Keras, the means over the last
    axis are summed.

    Args:
        reduction: "sum_over_batch_size" or "sum".

    Raises:
        TypeError: one of them holds no numbers.
        ValueError: the shapes differ.

    Example:
        >>> import numpy as np
        >>> from nnlite.losses import MeanSquaredError
        >>> loss = MeanSquaredError()
        >>> loss.forward(np.array([[1.0, 2.0]]), np.array([[2.0, 0.0]]))
        2.5
        >>> loss.backward()
        array([[ 1., -2.]])
    """

    takes_labels = False

    def forward(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        y_pred = _floats("y_pred", y_pred, (...,), "(N, ...)")
        y_true = checks.targets("y_true", y_true, y_pred)
        difference = y_pred - y_true
        self._keep(difference)
        return float(np.square(difference, dtype=np.float64).sum() / self._elements(difference.shape))

    def backward(self) -> np.ndarray:
        (difference,) = self._kept()
        return difference * (2 / self._elements(difference.shape))

    def _elements(self, shape):
        """The divisor D."""
        F = max(1, shape[-1])
        return F * self._divisor(math.prod(shape[:-1]))


_BY_NAME = {
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
}


def get(loss: str | Any) -> Any:
    """The loss with this name, or the object itself if it has `forward` and `backward`.

    Raises:
        ValueError: no loss has this name.
        TypeError: neither a name nor a loss.

    Example:
        >>> from nnlite import losses
        >>> losses.get("mse")
        MeanSquaredError()
    """
    if isinstance(loss, str):
        if loss not in _BY_NAME:
            raise ValueError(f"loss: expected a loss or one of {sorted(_BY_NAME)}, got {loss!r}")
        return _BY_NAME[loss]()
    if isinstance(loss, type):
        raise TypeError(f"loss: expected a loss, got the class {loss.__name__}: use an instance, {loss.__name__}()")
    if not (callable(getattr(loss, "forward", None)) and callable(getattr(loss, "backward", None))):
        raise TypeError(f"loss: expected a name or an object with forward and backward, got {loss!r}")
    return loss


def _floats(name, x, shape, letters):
    """x, checked by `checks.floats`, in float32 if that holds all of its dtype's numbers, else in float64."""
    if type(x) is not np.ndarray or x.dtype != np.float32:  # saves a call
        x = checks.as_floats(name, x)
    return checks.floats(name, x, x.dtype, shape, letters)
