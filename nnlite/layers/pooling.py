"""What the four pooling layers share: a window's passes, and what is taken of it, its largest number or its mean."""

import numpy as np

from .. import checks
from ..kernels import backend
from ..layer import Layer, Shape


class Pooling(Layer):
    """Base of the pooling layers. A subclass says where the windows stand, and another what is taken of them."""

    def build(self, input_shape: Shape) -> None:
        self.output_shape(input_shape)
        super().build(input_shape)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = checks.floats("x", x, self.dtype, (None, None, None, None), "(N, H, W, C)")
        self._ensure_built(x)
        N, H, W, C = x.shape
        y_shape = N, *self.output_shape((H, W, C))
        windows, geometry = (N, *self._windows(H, W), C), self._geometry(H, W)
        y = self._empty("y", *windows)
        self._keep(x.shape, windows, y_shape, geometry, self._pool(x, y, geometry))
        return y.reshape(y_shape)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        x_shape, windows, y_shape, geometry, kept = self._kept()
        dy = checks.floats("dy", dy, self.dtype, y_shape, "of y")
        dx = np.empty(x_shape, self.dtype)
        self._unpool(dy.reshape(windows), dx, kept, geometry)
        return dx

    def _windows(self, H, W):
        """How many windows there are, as (OH, OW)."""
        raise NotImplementedError

    def _geometry(self, H, W):
        """(kh, kw, sh, sw, top, left) for the kernels."""
        raise NotImplementedError


class Largest:
    """Takes a window's largest number. What is kept of x is where it was."""

    def _pool(self, x, y, geometry):
        kh, kw = geometry[:2]
        if kh * kw >= 2**31:
            raise ValueError(f"{type(self).__name__}: expected windows of less than 2**31 pixels, got {kh} * {kw}")
        index = np.empty(y.shape, np.int32)
        backend.pool2d.max_forward(x, y, index, *geometry)
        return index

    def _unpool(self, dy, dx, index, geometry):
        backend.pool2d.max_backward(dy, index, dx, *geometry)


class Mean:
    """Takes a window's mean. Nothing is kept of x."""

    count_include_pad = False

    def _pool(self, x, y, geometry):
        backend.pool2d.average_forward(x, y, *geometry, self.count_include_pad)

    def _unpool(self, dy, dx, kept, geometry):
        backend.pool2d.average_backward(dy, dx, *geometry, self.count_include_pad)
