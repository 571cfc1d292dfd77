"""Derivation of Softmax: powers of e, divided by their sum."""

import numpy as np

from ...layers import Softmax
from ..engine.docstring_equations import equations
from ..engine.expression import Expression, Quantity, exp, largest, total
from ..engine.layout import Page


def forward(page: Page, layer: Softmax, x_array: np.ndarray) -> dict[str, Quantity]:
    x, y = Quantity("x", x_array), Quantity.unknown("y", x_array.shape)
    page.formula(*equations(Softmax, "y_v"), "m, the largest x, is subtracted first, which does not change y")
    page.tables(x)
    for n, chosen in page.choice.rows("y").items():
        page.line(f"x[{','.join([*map(str, n), ':'])}]")
        row, _, _ = shares(page, x, n, f"y[{','.join([*map(str, n), '{}'])}]")
        for v in chosen:
            y[*n, v] = row[v]
    return {"y": y}


def backward(page: Page, layer: Softmax, x_array: np.ndarray, dy_array: np.ndarray) -> dict[str, Quantity]:
    x, dy = Quantity("x", x_array), Quantity("dy", dy_array)
    y, dx = Quantity.unknown("y", x.shape), Quantity.unknown("dx", x.shape)
    page.formula(*equations(Softmax, "dx_v"))
    rows = page.choice.rows("dx")
    for n in rows:
        with page.silent():
            for v, share in enumerate(shares(page, x, n, "")[0]):
                y[*n, v] = share
    page.tables(y, dy)
    for n, chosen in rows.items():
        mean = page.equation("sum", total([dy[*n, w] @ y[*n, w] for w in range(x.shape[-1])]))
        page.flush()
        for v in chosen:
            dx[*n, v] = page.equation(dx.letters((*n, v)), y[*n, v] @ (dy[*n, v] - mean))
        page.line()
    return {"dx": dx}


def shares(page: Page, x: Quantity, n: tuple[int, ...], name: str) -> tuple[list[Expression], Expression, Expression]:
    """The softmax of row n of x: its numbers, the largest x, and the sum of the powers.

    Args:
        name: the name of a number, with {} for its index.
    """
    V = range(x.shape[-1])
    m = page.equation("m", largest([x[*n, v] for v in V]))
    page.flush()
    powers = [page.equation(f"e_{v}", exp(x[*n, v] - m)) for v in V]
    whole = page.equation("sum", total(powers))
    page.flush()
    row = [page.equation(name.format(v), powers[v] / whole) for v in V]
    page.line()
    return row, m, whole
