"""Softmax, derived: powers of e, and their shares of the sum."""

from ...layers import Softmax
from ..engine.docstring_equations import equations
from ..engine.expression import Quantity, exp, largest, total


def forward(page, layer, x):
    x, y = Quantity("x", x), Quantity.unknown("y", x.shape)
    page.formula(*equations(Softmax, "y_v"), "m, the largest x, is taken off first: y stays the same")
    page.tables(x)
    for n, chosen in page.choice.rows("y").items():
        page.line(f"x[{','.join([*map(str, n), ':'])}]")
        row, _, _ = shares(page, x, n, f"y[{','.join([*map(str, n), '{}'])}]")
        for v in chosen:
            y[*n, v] = row[v]
    return {"y": y}


def backward(page, layer, x, dy):
    x, dy = Quantity("x", x), Quantity("dy", dy)
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


def shares(page, x, n, name):
    """The softmax of row n of x: its numbers, the largest x, and the sum of the powers.

    Args:
        name: of a number, with {} for its index.
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
