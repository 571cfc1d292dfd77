"""Derivation of Softmax: powers of e, divided by their sum."""

import numpy as np

from ...layers import Softmax
from ..engine import Expression, Page, Quantity, equations, exp, largest, total


def forward(page: Page, layer: Softmax, x_array: np.ndarray) -> dict[str, Quantity]:
    x, y = Quantity("x", x_array), Quantity.unknown("y", x_array.shape)
    page.formula(*equations(Softmax, "y_v"), "m, the largest x, is subtracted first, which does not change y")
    page.tables(x)
    for n, chosen in page.choice.rows("y").items():
        page.line(x.letters((*n, ":")))
        row, _, _ = shares(page, x, n, y.letters((*n, "{}")))
        for v in chosen:
            y[*n, v] = row[v]
    return {"y": y}


def backward(page: Page, layer: Softmax, x_array: np.ndarray, dy_array: np.ndarray) -> dict[str, Quantity]:
    x, dy = Quantity("x", x_array), Quantity("dy", dy_array)
    y, dx = Quantity.unknown("y", x.shape), Quantity.unknown("dx", x.shape)
    page.formula(*equations(Softmax, "dx_v"))
    rows = page.choice.rows("dx")
    with page.silent():
        for n in rows:
            y[n] = shares(page, x, n, "")[0]
    page.tables(y, dy)
    for n, chosen in rows.items():
        mean = page.equation("sum", total([dy[*n, w] @ y[*n, w] for w in range(x.shape[-1])]))
        page.flush()
        for v in chosen:
            dx[*n, v] = page.equation(dx.letters((*n, v)), y[*n, v] @ (dy[*n, v] - mean))
        page.line()
    return {"dx": dx}


def shares(page: Page, x: Quantity, n: tuple[int, ...], name: str) -> tuple[list[Expression], Expression, Expression]:
    """The softmax of row n of x, the largest x, and the sum of the powers. `name` names a number, {} is its index."""
    row = [x[*n, v] for v in range(x.shape[-1])]
    m = page.equation("m", largest(row))
    page.flush()
    powers = [page.equation(f"e_{v}", exp(number - m)) for v, number in enumerate(row)]
    whole = page.equation("sum", total(powers))
    page.flush()
    y = [page.equation(name.format(v), power / whole) for v, power in enumerate(powers)]
    page.line()
    return y, m, whole
