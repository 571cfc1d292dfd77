"""RMSprop: Adagrad with a moving average."""

from typing import Unpack

import numpy as np

from .. import checks
from ..kernels import backend, of_dtype
from ..schedules import Schedule
from .base import Optimizer, Options, Slots


class RMSprop(Optimizer):
    """Adagrad with a moving average of the squared gradients, so the learning rate does not shrink forever.

        v = rho * v + (1 - rho) * g^2
        p -= learning_rate * g / sqrt(v + epsilon)

    Args:
        learning_rate: by default 0.001.
        rho: in [0, 1); the decay of the average, by default 0.9.
        momentum: in [0, 1]; m = momentum * m + (the step above), and p -= m.
        epsilon: by default 1e-7.
        centered: divide by the gradients' standard deviation: subtract the square of their moving average from v.
        weight_decay, clipnorm, clipvalue, global_clipnorm: as in `Optimizer`.

    Source: Tieleman and Hinton, Neural networks for machine learning, lecture 6.5, 2012; centered: Graves, Generating
    sequences with recurrent neural networks, 2013, section 4.

    Example:
        >>> import numpy as np
        >>> from nnlite.optimizers import RMSprop
        >>> params = {"W": np.array([1.0, 1.0])}
        >>> RMSprop(0.01, rho=0.75).apply({"W": np.array([3.0, -0.3])}, params)  # 0.01 / sqrt(1 - rho), up or down
        >>> params["W"].round(4)
        array([0.98, 1.02])
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho = checks.between("rho", rho, 0, 1, closed=False)
        self.momentum = checks.between("momentum", momentum, 0, 1)
        self.epsilon = checks.above_zero("epsilon", epsilon)
        self.centered = checks.boolean("centered", centered)
        names = ["velocity", *(["average_gradient"] if centered else []), *(["momentum"] if momentum > 0 else [])]
        self.slots = self.slots | dict.fromkeys(names, 0.0)

    def update(self, grad: np.ndarray, param: np.ndarray, slots: Slots, scale: float, clip: float) -> None:
        memory = slots["velocity"], slots.get("average_gradient"), slots.get("momentum")
        rates = self._learning_rate, self.rho, self.momentum, self.epsilon
        of_dtype(backend().update.rmsprop, param.dtype)(grad, param, *memory, *rates, scale, clip)
