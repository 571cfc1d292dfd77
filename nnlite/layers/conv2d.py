"""Conv2D: filters that slide over images."""

from typing import Any, Unpack

import numpy as np

from .. import checks
from ..arguments.translations.arguments import refuse_pytorchs_order
from ..kernels import backend
from .base.layer import Layer, Shape
from .base.sliding_window import Window2D, image_shape, pair
from .base.weighted import Weighted, WeightOptions, size


class Conv2D(Weighted):
    """2-D convolution: each filter computes a weighted sum of a small window, with the same weights everywhere.

        y[n,h,w,f] = b[f] + sum over i, j, c of x[n,r,s,c] W[i,j,c,f]      r = S h + D i - P, s = S w + D j - P:
        dx[n,r,s,c] = sum over h, w, i, j, f of dy[n,h,w,f] W[i,j,c,f]     the pixel that is seen from (h, w)
        dW[i,j,c,f] = sum over n, h, w of x[n,r,s,c] dy[n,h,w,f]           at (i, j) of the window; x is 0 outside
        db[f]       = sum over n, h, w of dy[n,h,w,f]                      of the image

    Letters: N batch, H height, W width, C channels, S strides, D dilation, P padding at the top and the left. x is
    (N, H, W, C), y is (N, H_out, W_out, filters). The kernel is not flipped, as in all frameworks. A pixel that is
    infinite, or nearly, can give NaN where this sum is infinite (page Conv2D of the docs, "Fewer multiplications").

    Args:
        filters: number of filters, and of channels of y.
        kernel_size, strides, dilation_rate: of the window, S, and D: whole numbers, or pairs (height, width).
        padding: "valid": none; "same": H_out = H/S and W_out = W/S, rounded up; or P: a whole number, (height, width),
            or ((top, bottom), (left, right)).
        groups: each filter sees only the channels of its own group. With C groups the convolution is depthwise.
        use_bias: add b.
        activation: f, as in `Dense`: the layer then gives f(y).
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer: as in `Dense`.
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Parameters: W (kh, kw, C/groups, filters), b (filters).

    Raises:
        TypeError, ValueError: x is not of the layer's dtype and (N, H, W, C); groups does not divide C or filters;
            or the window does not fit into the image: the message has the arithmetic.

    Source: LeCun et al., Backpropagation applied to handwritten zip code recognition, 1989, and Gradient-based learning
    applied to document recognition, 1998. The arithmetic: Dumoulin and Visin, A guide to convolution arithmetic for
    deep learning, 2016. Dilation: Yu and Koltun, Multi-scale context aggregation by dilated convolutions, 2016.

    Example:
        >>> import numpy as np
        >>> from nnlite import Conv2D
        >>> layer = Conv2D(8, 5, seed=0)
        >>> layer(np.ones((1, 32, 32, 3), "float32")).shape
        (1, 28, 28, 8)
        >>> print(layer.explain((32, 32, 3)))
        Conv2D(filters=8, kernel_size=5)
          output   (28, 28, 8): H_out = W_out = (W - F + 2P)/S + 1 = (32 - 5 + 2*0)/1 + 1 = 28; filters = 8
          parameters   filters * (kh * kw * C) + filters = 8 * (5 * 5 * 3) + 8 = 608
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: Any = "valid",
        *,
        dilation_rate: int | tuple[int, int] = 1,
        groups: int = 1,
        use_bias: bool = True,
        activation: str | Layer | None = None,
        **options: Unpack[WeightOptions],
    ) -> None:
        super().__init__(activation, use_bias, **options)
        self.filters, self.groups = checks.positive("filters", filters), checks.positive("groups", groups)
        if self.filters % self.groups:
            raise ValueError(f"groups: {groups} does not divide {filters} filters: each group needs as many")
        self.window = Window2D("Conv2D", pair("kernel_size", kernel_size), strides, padding, dilation_rate)
        self._channels: int | None = None  # C of the input that it is built for

    filters = size("filters", "How many. It cannot be set any more when the layer is built.")

    def build(self, input_shape: Shape) -> None:
        self.output_shape(input_shape)
        C = input_shape[2]
        refuse_pytorchs_order(self, C, self._by_place)
        self._add_weights(*self.window.size, C and C // self.groups, self.filters)
        self._channels, self.built = C, True

    def output_shape(self, input_shape: Shape) -> tuple:
        H, W, C = image_shape("Conv2D", input_shape)
        if C is not None and C % self.groups:
            raise ValueError(f"Conv2D: groups = {self.groups} does not divide {C} channels: each group needs as many")
        return *self.window.output_size(H, W, C), self.filters

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = checks.floats("x", x, self.dtype, (None, None, None, self._channels), "(N, H, W, C)")
        self._ensure_built(x)
        W, b = self._arrays("params", "W", "b")
        shape = len(x), *self.window.output_size(*x.shape[1:3]), W.shape[3]
        y, seen = self._empty("y", *shape), self.window.seen(x)
        backend().conv2d.forward(seen.x, W, b, y, *self._work_and_geometry(seen, W, shape))
        self._keep(seen, shape)
        return y if self.activation is None else self._activate(y, training)

    def backward(self, dy: np.ndarray, needs_dx: bool = True) -> np.ndarray | None:
        (seen, shape), dy = self._kept(), dy if self.activation is None else self.activation.backward(dy)
        (W, _), (dW, db) = self._arrays("params", "W", "b"), self._gradients()
        dy = checks.floats("dy", dy, self.dtype, shape, "of y")
        dx = self._empty("dx", *seen.x.shape) if needs_dx else None
        backend().conv2d.backward(seen.x, W, dy, dx, dW, db, *self._work_and_geometry(seen, W, shape))
        return seen.spread(dx)

    def _work_and_geometry(self, seen, W, y_shape):
        """The last arguments of the kernels: scratch memory, then strides, padding, dilation and groups."""
        geometry = *seen.geometry, seen.x.shape[3] // W.shape[2]
        size = backend().conv2d.work_size(seen.x.shape, W.shape, y_shape, *geometry)
        return self._buffer("work", size), *geometry

    def _shape_rule(self, input_shape):
        return f"{self.window.rule(*input_shape[:2])}; filters = {self.filters}"

    def _parameter_rule(self, input_shape):
        (kh, kw), C, filters, groups = self.window.size, input_shape[2], self.filters, self.groups
        words = f"filters * (kh * kw * C{'/groups' * (groups > 1)})"
        numbers = f"{filters} * ({kh} * {kw} * {C or 'C'}{f'/{groups}' * (groups > 1)})"
        return self._sum_rule(words, numbers, "filters", C and filters * kh * kw * C // groups, "C")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.window.config("kernel_size")}
