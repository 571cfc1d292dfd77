"""BatchNorm: normalizes each channel over the batch."""

from typing import Unpack

import numpy as np

from .. import checks
from ..kernels import backend, empty
from .base.layer import Layer, Options, Shape


class BatchNorm(Layer):
    """Normalizes each channel over the batch, then applies a learned scale and shift.

        m = mean of x_c, v = mean of (x_c - m)^2        over all examples and positions, in training
        y_c = gamma_c (x_c - m) / sqrt(v + epsilon) + beta_c

        moving_mean     <- momentum moving_mean     + (1 - momentum) m         after each batch in training
        moving_variance <- momentum moving_variance + (1 - momentum) v

    Outside of training the running statistics replace m and v, so that y does not depend on the rest of the batch.
    Backward matches the last forward: in training m and v depend on x, otherwise they are constants. v is the biased
    variance, also in moving_variance, as in Keras. (PyTorch's running_var is unbiased: multiply it by (N - 1) / N for
    batches of N rows; and its momentum of 0.1 is 0.9 here.) A batch with NaN or infinity does not update the running
    statistics, which it would spoil for good. With trainable = False the layer always computes as outside of training,
    as in Keras.

    Letters: N batch, C channels; x and y are (N, ..., C): any number of leading axes.

    Args:
        momentum: of the running statistics, in [0, 1].
        epsilon: keeps the root above 0 where all values of a channel are equal.
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Parameters: gamma (C), initially 1; beta (C), initially 0.
    Statistics: moving_mean (C), initially 0; moving_variance (C), initially 1; float64 for any dtype.

    Raises:
        TypeError, ValueError: x is not an array of the layer's dtype with C in its last axis.

    Source: Ioffe and Szegedy, Batch normalization: accelerating deep network training by reducing internal covariate
    shift, 2015.

    Example:
        >>> import numpy as np
        >>> from nnlite import BatchNorm
        >>> layer = BatchNorm(momentum=0.5, dtype="float64")
        >>> layer.forward(np.array([[1.0], [3.0], [5.0]]), training=True).round(3)
        array([[-1.225],
               [ 0.   ],
               [ 1.225]])
        >>> layer.statistics["moving_mean"], layer.statistics["moving_variance"].round(3)
        (array([1.5]), array([1.833]))
        >>> print(layer.explain((14, 14, 8)))
        BatchNorm(momentum=0.5)
          output   (14, 14, 8): the shape of the input; each channel normalised over the batch
          parameters   gamma and beta: 2 * C = 2 * 8 = 16; and as many running statistics, which are not learned
    """

    def __init__(self, *, momentum: float = 0.99, epsilon: float = 1e-3, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self.momentum = checks.between("momentum", momentum, 0, 1)
        self.epsilon = checks.above_zero("epsilon", epsilon)

    def build(self, input_shape: Shape) -> None:
        self.output_shape(input_shape)
        C = input_shape[-1]
        self._add_param("gamma", (C,), "ones")
        self._add_param("beta", (C,), "zeros")
        self._add_statistic("moving_mean", (C,), 0.0)
        self._add_statistic("moving_variance", (C,), 1.0)
        self.built = True

    def output_shape(self, input_shape: Shape) -> tuple:
        if not input_shape:
            raise ValueError("BatchNorm: expected input_shape (..., C), got (): the batch axis is not part of it")
        return tuple(input_shape)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        C = self._shapes["gamma"][0] if self.built else None
        x = checks.floats("x", x, self.dtype, (..., C), "(N, ..., C)")
        self._ensure_built(x)
        gamma, beta = self._arrays("params", "gamma", "beta")
        mean, variance = self._arrays("statistics", "moving_mean", "moving_variance")
        rows, y = x.reshape(-1, len(gamma)), empty(x.shape, x.dtype)
        work = self._buffer("work", backend().norm.batch_work_size(*rows.shape))
        training = training and self.trainable
        if training:
            mean, variance = mean.copy(), variance.copy()  # those that no rows have
            backend().norm.batch_statistics(rows, mean, variance, work)
            self._update_running(mean, variance)
        backend().norm.batch_forward(rows, mean, variance, gamma, beta, y.reshape(rows.shape), work, self.epsilon)
        self._keep(x, mean, variance, training)
        return y

    def _update_running(self, mean, variance):
        if np.isfinite(variance).all():  # which it is not where the mean is not
            for name, value in (("moving_mean", mean), ("moving_variance", variance)):
                moving = self.statistics[name]
                moving += (1 - self.momentum) * (value - moving)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        x, mean, variance, training = self._kept()
        dy = checks.floats("dy", dy, self.dtype, x.shape, "of y")
        (gamma,), (dgamma, dbeta) = self._arrays("params", "gamma"), self._arrays("grads", "gamma", "beta")
        rows, dx = x.reshape(-1, len(gamma)), empty(x.shape, x.dtype)
        work = self._buffer("work", backend().norm.batch_work_size(*rows.shape))
        inputs, outputs = (rows, dy.reshape(rows.shape), mean, variance, gamma), (dx.reshape(rows.shape), dgamma, dbeta)
        backend().norm.batch_backward(*inputs, *outputs, work, self.epsilon, training)
        return dx

    def _shape_rule(self, input_shape):
        return "the shape of the input; each channel normalised over the batch"

    def _parameter_rule(self, input_shape):
        C = input_shape[-1]
        count = "C, with C of the first input" if C is None else f"C = 2 * {C} = {2 * C}"
        return f"gamma and beta: 2 * {count}; and as many running statistics, which are not learned"
