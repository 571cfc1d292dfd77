"""Derivation of AvgPool2D: the mean of each window, and a gradient in equal shares."""

import numpy as np

from ...layers import AvgPool2D
from ..engine.docstring_equations import equations
from ..engine.expression import Quantity, total
from ..engine.layout import Page
from .sliding_window import Windows


def forward(page: Page, layer: AvgPool2D, x_array: np.ndarray) -> dict[str, Quantity]:
    windows = Windows(layer, x_array)
    x = windows.x
    y = Quantity.unknown("y", (x.shape[0], *windows.count, x.shape[3]), axes=(1, 2))
    page.formula(*equations(AvgPool2D, "y[n,i,j,c]"))
    _say_padding(page, layer, x)
    page.tables(x)
    for n, i, j, c in page.choice.all("y"):
        rows = _counted(layer, windows)(i, j)
        seen = [x[n, h, w, c] for row in rows for h, w in row]
        y[n, i, j, c] = page.equation(y.letters((n, i, j, c)), total(seen) / len(seen))
    return {"y": y}


def backward(page: Page, layer: AvgPool2D, x_array: np.ndarray, dy_array: np.ndarray) -> dict[str, Quantity]:
    windows = Windows(layer, x_array)
    x, dy, dx = windows.x, Quantity("dy", dy_array, axes=(1, 2)), Quantity.unknown("dx", x_array.shape, axes=(1, 2))
    page.formula(*equations(AvgPool2D, "dx[n,h,w,c]"))
    _say_padding(page, layer, x)
    page.tables(dy)
    counted = _counted(layer, windows)
    for n, h, w, c in page.choice.all("dx"):
        shares = [dy[n, i, j, c] / sum(map(len, counted(i, j))) for i, j, _, _ in windows.seeing(h, w)]
        dx[n, h, w, c] = page.sum(dx.letters((n, h, w, c)), [shares])
    return {"dx": dx}


def _counted(layer, windows):
    return windows.places if layer.count_include_pad else windows.pixels


def _say_padding(page, layer, x):
    if any(x.margin):
        counts = "counts, as pixels of 0" if layer.count_include_pad else "does not count"
        page.line(f"  Padding {counts}.")
        page.line()
