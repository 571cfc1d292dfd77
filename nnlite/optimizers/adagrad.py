"""Adagrad: a learning rate for each element, which only shrinks."""

import math
from typing import Unpack

import numpy as np

from .. import checks
from ..kernels import backend, of_dtype
from ..schedules import Schedule
from .base import Optimizer, Options, Slots


class Adagrad(Optimizer):
    """Each element has its own learning rate, which shrinks as its squared gradients accumulate:

        a += g^2
        p -= learning_rate * g / sqrt(a + epsilon)

    Args:
        learning_rate: by default 0.001; 0.1 suits small recurrent models.
        initial_accumulator_value: the initial a, by default 0.1.
        epsilon: by default 1e-7.
        weight_decay, clipnorm, clipvalue, global_clipnorm: as in `Optimizer`.

    `Adagrad(0.1, initial_accumulator_value=0.0, epsilon=1e-8, clipvalue=5.0)` is the recipe of the minimal
    character-level RNN (Karpathy, 2015).

    Source: Duchi, Hazan and Singer, Adaptive subgradient methods for online learning and stochastic optimization, 2011.

    Example:
        >>> import numpy as np
        >>> from nnlite.optimizers import Adagrad
        >>> params, optimizer = {"W": np.array([1.0])}, Adagrad(0.1, initial_accumulator_value=0.0)
        >>> for _ in range(3):
        ...     optimizer.apply({"W": np.array([2.0])}, params)  # steps of 0.1, 0.1 / sqrt(2), 0.1 / sqrt(3)
        ...     print(params["W"].round(4))
        [0.9]
        [0.8293]
        [0.7716]
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        start = checks.between("initial_accumulator_value", initial_accumulator_value, 0, math.inf, closed=False)
        self.initial_accumulator_value, self.slots = start, self.slots | {"accumulator": start}
        self.epsilon = checks.above_zero("epsilon", epsilon)

    def update(self, grad: np.ndarray, param: np.ndarray, slots: Slots, scale: float, clip: float) -> None:
        kernel = of_dtype(backend().update.adagrad, param.dtype)
        kernel(grad, param, slots["accumulator"], self._learning_rate, self.epsilon, scale, clip)
