"""What the rungs compute: two forward passes, with sizes at which a tile has no remainder."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import nnlite


def _normal(*shape, scale=1.0, seed=0):
    return (scale * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


@dataclass(frozen=True)
class Problem:
    """Inputs for every rung of a ladder, and what it has to give.

    Attributes:
        batch: examples.
        name: of the ladder, and of the folder of its rungs.
        example: what an example is called.
    """

    batch: int
    name: ClassVar[str] = ""
    example: ClassVar[str] = ""

    def inputs(self) -> tuple[np.ndarray, ...]:
        """x (batch, ...) and the weights, float32."""
        raise NotImplementedError

    def layer(self) -> nnlite.Layer:
        """The layer of nnlite that computes the same, in float64."""
        raise NotImplementedError

    @property
    def result_shape(self) -> tuple[int, ...]:
        raise NotImplementedError

    @property
    def operations(self) -> float:
        """Multiplications and additions of the definition's products."""
        raise NotImplementedError

    @property
    def work(self) -> int:
        """Numbers of scratch memory for the rungs in C."""
        raise NotImplementedError

    def sizes(self, threads: int) -> ctypes.Array:
        """The struct Sizes of the rungs in C."""
        raise NotImplementedError

    def exact(self) -> np.ndarray:
        """The result in float64, by nnlite's reference."""
        x, *weights = (values.astype(np.float64) for values in self.inputs())
        with nnlite.use_backend("reference"):
            layer = self.layer()
            layer.build(x.shape[1:])
            for mine, values in zip(layer.params.values(), weights, strict=True):
                mine[:] = values
            return layer.forward(x)


class Conv2D(Problem):
    """Images (14, 14, 64) under 64 filters of 3 x 3."""

    name, example = "conv2d", "image"
    H = W = 14
    C = F = 64
    kernel = 3
    OH = OW = 12

    def inputs(self) -> tuple[np.ndarray, ...]:
        k, C, F = self.kernel, self.C, self.F
        x = _normal(self.batch, self.H, self.W, C)
        return x, _normal(k, k, C, F, scale=0.5 * (k * k * C) ** -0.5, seed=1), _normal(F, scale=0.1, seed=2)

    def layer(self) -> nnlite.Layer:
        return nnlite.Conv2D(self.F, self.kernel, dtype="float64")

    @property
    def result_shape(self) -> tuple[int, ...]:
        return self.batch, self.OH, self.OW, self.F

    @property
    def operations(self) -> float:
        return 2 * self.batch * self.OH * self.OW * self.kernel**2 * self.C * self.F

    @property
    def work(self) -> int:
        return self.kernel**2 * self.C * self.F

    def sizes(self, threads: int) -> ctypes.Array:
        k, shape = self.kernel, (self.batch, self.H, self.W, self.C)
        return (ctypes.c_int * 10)(*shape, k, k, self.F, self.OH, self.OW, threads)


class LSTM(Problem):
    """Sequences of 40 steps and 64 features through 192 units."""

    name, example = "lstm", "sequence"
    T, F, H = 40, 64, 192

    def inputs(self) -> tuple[np.ndarray, ...]:
        T, F, H = self.T, self.F, self.H
        Wx, Wh = _normal(F, 4 * H, scale=F**-0.5, seed=1), _normal(H, 4 * H, scale=H**-0.5, seed=2)
        return _normal(self.batch, T, F), Wx, Wh, _normal(4 * H, seed=3)

    def layer(self) -> nnlite.Layer:
        return nnlite.LSTM(self.H, return_sequences=True, dtype="float64")

    @property
    def result_shape(self) -> tuple[int, ...]:
        return self.batch, self.T, self.H

    @property
    def operations(self) -> float:
        return 2 * self.batch * self.T * (self.F + self.H) * 4 * self.H

    @property
    def work(self) -> int:
        """c, z of all steps, and panels."""
        return self.batch * self.H * (1 + 4 * self.T) + max(self.F, self.H) * 4 * self.H

    def sizes(self, threads: int) -> ctypes.Array:
        return (ctypes.c_int * 5)(self.batch, self.T, self.F, self.H, threads)


PROBLEMS: dict[str, type[Problem]] = {problem.name: problem for problem in (Conv2D, LSTM)}
