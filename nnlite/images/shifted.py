"""Data augmentation: shifted copies of images."""

import math
from collections.abc import Sequence

import numpy as np

from nnlite.utils import of_its_kinds


@of_its_kinds
def shifted(x: np.ndarray, y: np.ndarray, pixels: Sequence[float] = (0.5, 1)) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels, together with copies shifted up, down, left and right: (x, y), new arrays.

    A seven shifted by half a pixel is still a seven. Training on shifted copies (data augmentation) teaches a model the
    shape of a digit rather than its position. Shift the training images, never the test images.

    Shifts by fractions of a pixel interpolate linearly between neighbours. Pixels that enter at an edge are 0.

    Args:
        x: (N, H, W, C) images, float32 or float64.
        y: (N,) or (N, ...) labels.
        pixels: S distances. The result has (1 + 4 S) N images: first all original ones, then all shifted up, down, left
            and right by the first distance, and so on.

    Raises:
        TypeError: x is not an array of floats, or y is not an array.
        ValueError: x does not have four axes, y does not have one label for each image, or a distance is not above 0.

    Example:
        >>> import numpy as np
        >>> from nnlite.images import shifted
        >>> x = np.array([[0, 0, 0], [0, 8, 0], [0, 0, 0]], "float32").reshape(1, 3, 3, 1)
        >>> many, labels = shifted(x, np.array([7]), pixels=[0.5])
        >>> many.shape, labels.tolist()
        ((5, 3, 3, 1), [7, 7, 7, 7, 7])
        >>> many[1, :, :, 0]
        array([[0., 4., 0.],
               [0., 4., 0.],
               [0., 0., 0.]], dtype=float32)
    """
    for name, array in (("x", x), ("y", y)):
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{name}: expected a NumPy array, got {type(array).__name__}: use np.asarray(...)")
    if x.dtype not in (np.float32, np.float64):
        raise TypeError(f"x: expected float32 or float64, got {x.dtype.name}: use x.astype('float32')")
    if x.ndim != 4 or y.shape[:1] != x.shape[:1]:
        raise ValueError(f"x and y: expected shapes (N, H, W, C) and (N, ...), got {x.shape} and {y.shape}")
    if not all(0 < distance < math.inf for distance in pixels):
        raise ValueError(f"pixels: expected finite distances above 0, got {pixels!r}")
    moves = [(sign * distance, axis) for distance in pixels for axis in (1, 2) for sign in (-1, 1)]
    return (
        np.concatenate([x, *(_moved(x, distance, axis) for distance, axis in moves)]),
        np.concatenate([y] * (1 + len(moves))),
    )


def _moved(x, distance, axis):
    """x shifted along an axis, interpolated between the two nearest whole shifts."""
    whole = math.floor(distance)
    part = distance - whole
    if not part:
        return _moved_whole(x, whole, axis)
    return (1 - part) * _moved_whole(x, whole, axis) + part * _moved_whole(x, whole + 1, axis)


def _moved_whole(x, steps, axis):
    moved = np.zeros_like(x)
    # Views along the axis, in the direction of the shift.
    to, start = (np.moveaxis(array, axis, 0)[:: 1 if steps > 0 else -1] for array in (moved, x))
    to[abs(steps) :] = start[: max(0, len(start) - abs(steps))]
    return moved
