"""Pooling: every channel of a window becomes one number.

Letters: N images, H W height and width, C channels, OH OW height and width of y; kh kw of the window, sh sw its steps,
top left the padding before the image. Position i kw + j of a window is its pixel in row i, column j.
"""

import numpy as np


def max_forward(x, y, index, kh, kw, sh, sw, top, left):  # IN (N,H,W,C)  OUT (N,OH,OW,C) twice
    index[:] = -1
    for position, windows, pixels in _positions(x, y, kh, kw, sh, sw, top, left):
        v, best = x[pixels], y[windows]
        better = (index[windows] == -1) | (v > best) | np.isnan(v)  # the first of equal numbers stays; NaN goes through
        y[windows] = np.where(better, v, best)
        index[windows] = np.where(better, position, index[windows])


def max_backward(dy, index, dx, kh, kw, sh, sw, top, left):  # IN (N,OH,OW,C) twice  OUT (N,H,W,C)
    dx[:] = 0
    for position, windows, pixels in _positions(dx, dy, kh, kw, sh, sw, top, left):
        dx[pixels] += np.where(index[windows] == position, dy[windows], 0)


def average_forward(x, y, kh, kw, sh, sw, top, left, include_pad):  # IN (N,H,W,C)  OUT (N,OH,OW,C)
    y[:] = 0
    for _, windows, pixels in _positions(x, y, kh, kw, sh, sw, top, left):
        y[windows] += x[pixels]
    y /= _counts(x, y, kh, kw, sh, sw, top, left, include_pad)


def average_backward(dy, dx, kh, kw, sh, sw, top, left, include_pad):  # IN (N,OH,OW,C)  OUT (N,H,W,C)
    share = dy / _counts(dx, dy, kh, kw, sh, sw, top, left, include_pad)
    dx[:] = 0
    for _, windows, pixels in _positions(dx, dy, kh, kw, sh, sw, top, left):
        dx[pixels] += share[windows]


def _counts(x, y, kh, kw, sh, sw, top, left, include_pad):
    """What the sum of each window is divided by (1,OH,OW,1)."""
    if include_pad:
        return np.full((1, 1, 1, 1), kh * kw, y.dtype)
    counts = np.zeros((1, *y.shape[1:3], 1), y.dtype)
    for _, windows, _ in _positions(x, y, kh, kw, sh, sw, top, left):
        counts[windows] += 1
    return counts


def _positions(x, y, kh, kw, sh, sw, top, left):
    """For each position in a window, in order: the windows that have a pixel of the image there, and those pixels.

    Positions at which no window has one are left out.
    """
    rows, cols = (
        _on_image(*axis) for axis in zip((kh, kw), (sh, sw), (top, left), x.shape[1:3], y.shape[1:3], strict=True)
    )
    for i, oh, h in rows:
        for j, ow, w in cols:
            yield i * kw + j, (slice(None), oh, ow), (slice(None), h, w)


def _on_image(size, step, before, pixels, count):
    """Where window w sees the pixel start + w step at a position: the position, the slice of windows whose pixel is on
    the image, and these pixels. Positions without any are left out."""
    seen = []
    for position in range(max(0, before - (count - 1) * step), min(size, before + pixels)):
        start = position - before
        first = max(0, -(start // step))
        stop = min(count, -((start - pixels) // step))
        if first < stop:
            windows, on_image = slice(first, stop), slice(start + first * step, start + stop * step, step)
            seen.append((position, windows, on_image))
    return seen
