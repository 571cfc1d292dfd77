"""Derivations of MaxPool2D, whose gradient goes to the largest number, and AvgPool2D: to all in equal shares."""

import numpy as np

from ...layers import AvgPool2D, MaxPool2D
from ...layers.base.pooling import Pooling
from ..engine import Expression, Page, Quantity, equations, largest, total
from .sliding_window import Windows


def forward(page: Page, layer: Pooling, x_array: np.ndarray) -> dict[str, Quantity]:
    windows, kind = Windows(layer, x_array), _kind(layer)
    x = windows.x
    y = Quantity.unknown("y", (x.shape[0], *windows.count, x.shape[3]), axes=(1, 2))
    page.formula(*equations(kind, "y[n,i,j,c]"))
    _say_padding(page, layer, x)
    page.tables(x)
    for n, i, j, c in page.choice.all("y"):
        seen = [x[n, h, w, c] for h, w in _counted(layer, windows, i, j)]
        result = largest(seen) if kind is MaxPool2D else total(seen) / len(seen)
        y[n, i, j, c] = page.equation(y.letters((n, i, j, c)), result)
    return {"y": y}


def backward(page: Page, layer: Pooling, x_array: np.ndarray, dy_array: np.ndarray) -> dict[str, Quantity]:
    windows, kind = Windows(layer, x_array), _kind(layer)
    x, dy, dx = windows.x, Quantity("dy", dy_array, axes=(1, 2)), Quantity.unknown("dx", x_array.shape, axes=(1, 2))
    page.formula(*equations(kind, "dx[n,h,w,c]"))
    _say_padding(page, layer, x)
    if kind is MaxPool2D:
        page.tables(x, dy)
        received = _from_maxima(page, windows, dy, dx)
    else:
        page.tables(dy)
        received = {
            (n, h, w, c): [dy[n, i, j, c] / len(_counted(layer, windows, i, j)) for i, j, _, _ in windows.seeing(h, w)]
            for n, h, w, c in page.choice.all("dx")
        }
    for index, terms in received.items():
        dx[index] = page.sum(dx.letters(index), [terms])
    return {"dx": dx}


def _from_maxima(page, windows, dy, dx):
    """What each chosen pixel receives: the dy of every window whose largest number it is, the first of equal ones."""
    x, chosen = windows.x, page.choice.all("dx")
    received: dict[tuple[int, ...], list[Expression]] = {index: [] for index in chosen}
    for n, i, j, c in sorted({(n, i, j, c) for n, h, w, c in chosen for i, j, _, _ in windows.seeing(h, w)}):
        pixels = [(n, h, w, c) for h, w in windows.pixels(i, j)]
        first = max(pixels, key=lambda pixel: x[pixel].value)
        page.equation(f"y[{n},{i},{j},{c}]", largest([x[pixel] for pixel in pixels]))
        page.flush()
        page.line(f"  so {dy.letters((n, i, j, c))} goes to {dx.letters(first)}")
        if first in received:
            received[first].append(dy[n, i, j, c])
    page.line()
    return received


def _kind(layer):
    return MaxPool2D if isinstance(layer, MaxPool2D) else AvgPool2D


def _counted(layer, windows, i, j):
    """The pixels of window (i, j) that count."""
    return (windows.places if getattr(layer, "count_include_pad", False) else windows.pixels)(i, j)


def _say_padding(page, layer, x):
    if not any(x.margin):
        return
    if isinstance(layer, MaxPool2D):
        page.line("  Padding, shown as 0, means -infinity: it is never the largest, and is left out.")
    else:
        page.line(f"  Padding {'counts, as pixels of 0' if layer.count_include_pad else 'does not count'}.")
    page.line()
