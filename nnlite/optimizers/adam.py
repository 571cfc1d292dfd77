"""Adam and AdamW: moving averages of the gradient and of its square."""

import math
from typing import Unpack

import numpy as np

from .. import checks
from ..kernels import backend, of_dtype
from ..schedules import Schedule
from .base import Limits, Optimizer, Options, Slots


class Adam(Optimizer):
    """Moving averages of the gradient, m, and of its square, v, both corrected for their start at 0. At step t:

        m += (1 - beta_1) * (g - m)
        v += (1 - beta_2) * (g^2 - v)
        p -= learning_rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon)

    Args:
        learning_rate: by default 0.001.
        beta_1, beta_2: in [0, 1); the decay of the two averages, by default 0.9 and 0.999.
        epsilon: by default 1e-7. This is the paper's "epsilon hat"; the epsilon of the paper's algorithm 1, and of
            PyTorch, is epsilon hat / sqrt(1 - beta_2^t).
        weight_decay, clipnorm, clipvalue, global_clipnorm: as in `Optimizer`.

    Source: Kingma and Ba, Adam: a method for stochastic optimization, 2015.

    Example:
        >>> import numpy as np
        >>> from nnlite.optimizers import Adam
        >>> params = {"W": np.array([1.0, 1.0])}
        >>> Adam(0.01).apply({"W": np.array([3.0, -0.003])}, params)  # the first step is learning_rate, up or down
        >>> params["W"].round(4)
        array([0.99, 1.01])
    """

    slots = {"momentum": 0.0, "velocity": 0.0}  # noqa: RUF012
    decays_in_update = True  # the kernel does it on the way

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1 = checks.between("beta_1", beta_1, 0, 1, closed=False)
        self.beta_2 = checks.between("beta_2", beta_2, 0, 1, closed=False)
        self.epsilon = checks.above_zero("epsilon", epsilon)

    def update(self, grad: np.ndarray, param: np.ndarray, slots: Slots, scale: float, clip: float) -> None:
        kernel = of_dtype(backend().update.adam, param.dtype)
        decay = self._learning_rate * (self.weight_decay or 0.0) if self.decays_in_update else 0.0
        rates = self._learning_rate, self.beta_1, self.beta_2, self.epsilon, decay
        kernel(grad, param, slots["momentum"], slots["velocity"], *rates, self._iterations, scale, clip)


class AdamW(Adam):
    """Adam with decoupled weight decay: first p -= learning_rate * weight_decay * p, then the step of Adam.

    Adding weight_decay * p to the gradient is not equivalent: Adam would divide it by the gradient's size.

    Args:
        weight_decay: at least 0, by default 0.004.
        learning_rate, beta_1, beta_2, epsilon, clipnorm, clipvalue, global_clipnorm: as in `Adam`.

    Source: Loshchilov and Hutter, Decoupled weight decay regularization, 2019.

    Example:
        >>> import numpy as np
        >>> from nnlite.optimizers import AdamW
        >>> params = {"W": np.array([1.0, -2.0])}
        >>> AdamW(0.5, weight_decay=0.1).apply({"W": np.array([0.0, 0.0])}, params)  # times 1 - 0.5 * 0.1
        >>> params["W"]
        array([ 0.95, -1.9 ])
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **limits: Unpack[Limits],
    ) -> None:
        decay = checks.between("weight_decay", weight_decay, 0, math.inf, closed=False)
        super().__init__(learning_rate, beta_1, beta_2, epsilon, weight_decay=decay, **limits)
