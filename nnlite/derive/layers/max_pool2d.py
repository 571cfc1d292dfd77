"""Derivation of MaxPool2D: the largest number of each window, and the gradient to its place."""

import numpy as np

from ...layers import MaxPool2D
from ..engine.docstring_equations import equations
from ..engine.expression import Expression, Quantity, largest
from ..engine.layout import Page
from .sliding_window import Windows


def forward(page: Page, layer: MaxPool2D, x_array: np.ndarray) -> dict[str, Quantity]:
    windows = Windows(layer, x_array)
    x = windows.x
    y = Quantity.unknown("y", (x.shape[0], *windows.count, x.shape[3]), axes=(1, 2))
    page.formula(*equations(MaxPool2D, "y[n,i,j,c]"))
    _say_padding(page, x)
    page.tables(x)
    for n, i, j, c in page.choice.all("y"):
        seen = [x[n, h, w, c] for row in windows.pixels(i, j) for h, w in row]
        y[n, i, j, c] = page.equation(y.letters((n, i, j, c)), largest(seen))
    return {"y": y}


def backward(page: Page, layer: MaxPool2D, x_array: np.ndarray, dy_array: np.ndarray) -> dict[str, Quantity]:
    windows = Windows(layer, x_array)
    x, dy, dx = windows.x, Quantity("dy", dy_array, axes=(1, 2)), Quantity.unknown("dx", x_array.shape, axes=(1, 2))
    page.formula(*equations(MaxPool2D, "dx[n,h,w,c]"))
    _say_padding(page, x)
    page.tables(x, dy)
    chosen = page.choice.all("dx")
    receives: dict[tuple[int, ...], list[Expression]] = {index: [] for index in chosen}
    for n, i, j, c in sorted({(n, i, j, c) for n, h, w, c in chosen for i, j, _, _ in windows.seeing(h, w)}):
        pixels = [(n, h, w, c) for row in windows.pixels(i, j) for h, w in row]
        first = max(pixels, key=lambda pixel: x[pixel].value)  # of equal numbers the first
        page.equation(f"y[{n},{i},{j},{c}]", largest([x[pixel] for pixel in pixels]))
        page.flush()
        page.line(f"  so {dy.letters((n, i, j, c))} goes to {dx.letters(first)}")
        if first in receives:
            receives[first].append(dy[n, i, j, c])
    page.line()
    for index, terms in receives.items():
        dx[index] = page.sum(dx.letters(index), [terms])
    return {"dx": dx}


def _say_padding(page, x):
    if any(x.margin):
        page.line("  Padding, shown as 0, means -infinity: it is never the largest, and is left out.")
        page.line()
