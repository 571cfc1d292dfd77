"""What MaxPool2D and AvgPool2D share: windows that slide over the image."""

from typing import Any

from ..layer import Shape
from ..window import Window2D, image_shape, pair, short
from .pooling import Pooling


class Pool2D(Pooling):
    """Base of the pools with windows. The arguments are those of MaxPool2D; `window` holds them."""

    def __init__(self, pool_size: Any = 2, strides: Any = None, padding: Any = "valid", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        size = pair("pool_size", pool_size)
        self.window = Window2D(type(self).__name__, size, size if strides is None else strides, padding)

    def output_shape(self, input_shape: Shape) -> tuple:
        H, W, C = image_shape(type(self).__name__, input_shape)
        OH, OW = self._windows(H, W)
        self.window.refuse_padding_alone(H, W)
        return OH, OW, C

    def _windows(self, H, W):
        return self.window.output_size(H, W)

    def _geometry(self, H, W):
        top, _, left, _ = self.window.pads(H, W)
        return *self.window.size, *self.window.strides, top, left

    def _shape_rule(self, input_shape):
        return self.window.rule(*input_shape[:2])

    def get_config(self) -> dict[str, Any]:
        size, strides = self.window.size, self.window.strides
        return {
            "pool_size": short(size),
            "strides": None if strides == size else short(strides),
            "padding": short(self.window.padding),
            **super().get_config(),
        }
