"""Shifting: more images to learn from, made of those that there are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

__all__ = ["shifted"]


def shifted(x: np.ndarray, y: np.ndarray, pixels: Sequence[float] = (0.5, 1)) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels, with each image also a little further up, down, left and right.

    A seven that lies half a pixel to the left is still a seven. A model that is told so learns what the shape of a
    seven is, and not where the few lie that it was shown. This is called data augmentation. Shift what a model learns
    from, never what it is judged by.

    A shift by half a pixel makes each pixel the mean of two neighbours: part of the two for any other part (linear
    interpolation). What comes in at an edge is 0.

    Args:
        x: (N, H, W, C) images, float32 or float64.
        y: (N,) or (N, ...) labels.
        pixels: how far, for each round of four shifts; with S of them the result has (1 + 4 S) N images.

    Returns:
        (x, y), new: first all images as they are, then all of them shifted up, all shifted down, left, right by the
        first distance, and so on.

    Raises:
        TypeError: x is no array of floats, or y no array.
        ValueError: x has not four axes, y has not a label for each image, or a distance is not above 0.

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
            raise TypeError(f"{name} must be a NumPy array, got {type(array).__name__}")
    if x.dtype not in (np.float32, np.float64):
        raise TypeError(f"x must hold float32 or float64, got {x.dtype.name}: use x.astype('float32')")
    if x.ndim != 4 or y.shape[:1] != x.shape[:1]:
        raise ValueError(f"x must have shape (N, H, W, C) and y (N, ...), got {x.shape} and {y.shape}")
    if not all(0 < distance < math.inf for distance in pixels):
        raise ValueError(f"pixels must be distances above 0, got {pixels!r}")
    moves = [(sign * distance, axis) for distance in pixels for axis in (1, 2) for sign in (-1, 1)]
    return (
        np.concatenate([x, *(_moved(x, distance, axis) for distance, axis in moves)]),
        np.concatenate([y] * (1 + len(moves))),
    )


def _moved(x, distance, axis):
    """x by so many pixels further along an axis, between two whole shifts."""
    whole = math.floor(distance)
    part = distance - whole
    if not part:
        return _moved_whole(x, whole, axis)
    return (1 - part) * _moved_whole(x, whole, axis) + part * _moved_whole(x, whole + 1, axis)


def _moved_whole(x, steps, axis):
    size = x.shape[axis]
    steps = max(-size, min(size, steps))
    moved = np.zeros_like(x)
    at, start = [slice(None)] * x.ndim, [slice(None)] * x.ndim
    at[axis] = slice(max(0, steps), size + min(0, steps))
    start[axis] = slice(max(0, -steps), size - max(0, steps))
    moved[tuple(at)] = x[tuple(start)]
    return moved
