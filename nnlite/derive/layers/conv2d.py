"""Derivation of Conv2D, window by window."""

from collections.abc import Iterator

import numpy as np

from ...layers import Conv2D
from ..engine import Page, Quantity, equations
from .sliding_window import Windows


def forward(page: Page, layer: Conv2D, x_array: np.ndarray) -> dict[str, Quantity]:
    windows = _Windows(layer, x_array)
    x, W, b = windows.x, windows.W, windows.b
    y = Quantity.unknown("y", (x.shape[0], *windows.count, layer.filters), axes=(1, 2))
    formula = equations(Conv2D, "y[n,h,w,f]", remarks=False)
    page.formula(*(line if b else line.replace("b[f] + ", "") for line in formula), *windows.rules())
    windows.write(page)
    page.tables(x, W, *([b] if b else []))
    for n, h, w, f in page.choice.all("y"):
        rows = [[b[f]]] if b else []
        for i in range(W.shape[0]):
            taps = [(i, j, c) for j, c in np.ndindex(W.shape[1:3])]
            rows.append([x[n, *windows.pixel(h, w, i, j), windows.channel(f, c)] @ W[i, j, c, f] for i, j, c in taps])
        y[n, h, w, f] = page.sum(y.letters((n, h, w, f)), rows)
        page.line()
    return {"y": y}


def backward(page: Page, layer: Conv2D, x_array: np.ndarray, dy_array: np.ndarray) -> dict[str, Quantity]:
    windows = _Windows(layer, x_array)
    x, W, dy = windows.x, windows.W, Quantity("dy", dy_array, axes=(1, 2))
    N, OH, OW, F = dy.shape
    dx, dW = Quantity.unknown("dx", x.shape, axes=(1, 2)), Quantity.unknown("dW", W.shape, axes=(0, 1))
    gradients = ["dx[n,r,s,c]", "dW[i,j,c,f]", *["db[f]"] * (windows.b is not None)]
    page.formula(*equations(Conv2D, *gradients, remarks=False), *windows.rules())
    windows.write(page)
    page.tables(x, W, dy)
    for n, r, s, c in page.choice.all("dx"):
        # Every window that sees the pixel sends its dy back through the weight that it used for the pixel.
        channel, filters = c % W.shape[2], [f for f in range(F) if windows.group(f) == c // W.shape[2]]
        rows = [[dy[n, h, w, f] @ W[i, j, channel, f] for f in filters] for h, w, i, j in windows.seeing(r, s)]
        dx[n, r, s, c] = page.sum(dx.letters((n, r, s, c)), rows)
        page.line()
    for i, j, c, f in page.choice.all("dW"):
        rows = [
            [x[n, *windows.pixel(h, w, i, j), windows.channel(f, c)] @ dy[n, h, w, f] for w in range(OW)]
            for n, h in np.ndindex(N, OH)
        ]
        dW[i, j, c, f] = page.sum(dW.letters((i, j, c, f)), rows)
        page.line()
    if windows.b is None:
        return {"dx": dx, "dW": dW}
    db = Quantity.unknown("db", windows.b.shape)
    for (f,) in page.choice.all("db"):
        db[f] = page.sum(db.letters(f), [[dy[n, h, w, f] for w in range(OW)] for n, h in np.ndindex(N, OH)])
        page.line()
    return {"dx": dx, "dW": dW, "db": db}


class _Windows(Windows):
    """The windows, and which channels each filter sees."""

    def __init__(self, layer: Conv2D, x: np.ndarray) -> None:
        super().__init__(layer, x)
        self.W = Quantity("W", layer.params["W"], axes=(0, 1))
        self.b = Quantity("b", layer.params["b"]) if "b" in layer.params else None
        self.groups = layer.groups

    def rules(self) -> Iterator[str]:
        """The pixel under tap (i, j) of window (h, w), in letters and with this layer's numbers."""
        for r, h, i, S, D, P in zip("rs", "hw", "ij", self.strides, self.dilation, self.before, strict=True):
            yield f"{r} = S {h} + D {i} - P = {_times(S, h)} + {_times(D, i)}{f' - {P}' if P else ''}"

    def write(self, page: Page) -> None:
        """Write what padding and groups do."""
        if any(self.x.margin):
            page.line("  x is 0 outside the image.")
        if self.groups > 1:
            C, F = self.W.shape[2], self.W.shape[3] // self.groups
            parts = (f"{_range('filter', g * F, F)} on {_range('channel', g * C, C)}" for g in range(self.groups))
            page.line(f"  Groups: {', '.join(parts)}.")
        page.line()

    def group(self, f: int) -> int:
        """The group of a filter."""
        return f * self.groups // self.W.shape[3]

    def channel(self, f: int, c: int) -> int:
        """The channel of x that W[..., c, f] multiplies."""
        return self.group(f) * self.W.shape[2] + c


def _times(factor, letter):
    return letter if factor == 1 else f"{factor} {letter}"


def _range(what, first, count):
    return f"{what} {first}" if count == 1 else f"{what}s {first} to {first + count - 1}"
