"""What GlobalMaxPool2D and GlobalAvgPool2D share: one window, the whole image."""

from typing import Any

from ..layer import Shape
from ..window import image_shape
from .pooling import Pooling


class GlobalPool2D(Pooling):
    """Base of the global pools."""

    def __init__(self, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(keepdims, bool):
            raise TypeError(f"keepdims: expected True or False, got {keepdims!r}")
        self.keepdims = keepdims

    def output_shape(self, input_shape: Shape) -> tuple:
        H, W, C = image_shape(type(self).__name__, input_shape)
        if H == 0 or W == 0:
            raise ValueError(f"{type(self).__name__}: expected an image of at least 1 pixel, got H = {H}, W = {W}")
        return (1, 1, C) if self.keepdims else (C,)

    def _windows(self, H, W):
        return 1, 1

    def _geometry(self, H, W):
        return H, W, H, W, 0, 0

    def _shape_rule(self, input_shape):
        return f"one number of each channel's {self._pixels(*input_shape[:2])}"

    @staticmethod
    def _pixels(H, W):
        return "H * W pixels" if None in (H, W) else f"H * W = {H} * {W} = {H * W} pixels"

    def get_config(self) -> dict[str, Any]:
        return {"keepdims": self.keepdims, **super().get_config()}
