"""SGD: gradient descent, with or without momentum."""

from typing import Unpack

import numpy as np

from .. import checks
from ..kernels import backend, of_dtype
from ..schedules import Schedule
from .base import Optimizer, Options, Slots


class SGD(Optimizer):
    """Gradient descent, p -= learning_rate * g; with momentum, a velocity v accumulates earlier gradients:

        v = momentum * v - learning_rate * g
        p += v                                            or, nesterov:  p += momentum * v - learning_rate * g

    Args:
        learning_rate: by default 0.01.
        momentum: in [0, 1]; the fraction of the velocity kept at each step. 0.9 is usual.
        nesterov: look ahead: make the step of the next velocity.
        weight_decay, clipnorm, clipvalue, global_clipnorm: as in `Optimizer`.

    Source: Polyak, Some methods of speeding up the convergence of iteration methods, 1964; Sutskever, Martens, Dahl
    and Hinton, On the importance of initialization and momentum in deep learning, 2013.

    Example:
        >>> import numpy as np
        >>> from nnlite.optimizers import SGD
        >>> params = {"W": np.array([1.0])}
        >>> SGD(0.5, global_clipnorm=1.0).apply({"W": np.array([8.0])}, params)
        >>> params["W"]
        array([0.5])
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = checks.between("momentum", momentum, 0, 1)
        self.nesterov = checks.boolean("nesterov", nesterov)
        self.slots = self.slots | ({"momentum": 0.0} if self.momentum > 0 else {})

    def update(self, grad: np.ndarray, param: np.ndarray, slots: Slots, scale: float, clip: float) -> None:
        if "momentum" in slots:
            rates = self._learning_rate, self.momentum, self.nesterov
            kernel = of_dtype(backend().update.sgd_momentum, param.dtype)
            kernel(grad, param, slots["momentum"], *rates, scale, clip)
        else:
            of_dtype(backend().update.sgd, param.dtype)(grad, param, self._learning_rate, scale, clip)
