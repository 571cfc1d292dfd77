"""What the layers that change nothing but the shape share."""

import math

from .layer import Layer, Shape


class Reshaping(Layer):
    """Base of the layers whose y is a view of x under another shape. No number is moved.

    Layers never write to what they are given, so this is safe as long as the caller leaves x and y as they are until
    `backward` has run, as `Layer.kept` asks.
    """

    @staticmethod
    def _count(shape: Shape) -> int | None:
        """How many numbers one example of this shape holds; None where a size varies."""
        sizes = [size for size in shape if size is not None]
        return math.prod(sizes) if len(sizes) == len(shape) else None
