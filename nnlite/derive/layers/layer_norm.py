"""Derivation of LayerNorm: mean and deviation of each position, and the gradient through both."""

import numpy as np

from ...layers import LayerNorm
from ..engine import Page, Quantity, constant, equations, sqrt, total


def forward(page: Page, layer: LayerNorm, x_array: np.ndarray) -> dict[str, Quantity]:
    x, gamma, beta = Quantity("x", x_array), *(Quantity(name, layer.params[name]) for name in ("gamma", "beta"))
    y = Quantity.unknown("y", x.shape)
    page.formula(*equations(LayerNorm), "d_c = x_c - m, s = sqrt(v + epsilon)")
    page.tables(x, gamma, beta)
    for n, chosen in page.choice.rows("y").items():
        d, s = _deviations(page, layer, x, n)
        for c in chosen:
            y[*n, c] = page.equation(y.letters((*n, c)), gamma[c] * d[c] / s + beta[c])
        page.line()
    return {"y": y}


def backward(page: Page, layer: LayerNorm, x_array: np.ndarray, dy_array: np.ndarray) -> dict[str, Quantity]:
    x, dy, gamma = Quantity("x", x_array), Quantity("dy", dy_array), Quantity("gamma", layer.params["gamma"])
    dx, u = Quantity.unknown("dx", x.shape), Quantity.unknown("u", x.shape)
    places, C = list(np.ndindex(x.shape[:-1])), x.shape[-1]
    page.formula(
        "u_c = d_c / s, g_c = gamma_c dy_c                      d_c = x_c - m, s = sqrt(v + epsilon)",
        "dx_c = (g_c - a - b u_c) / s                           a = mean over c of g_c, through m",
        "dgamma_c = sum of dy_c u_c, dbeta_c = sum of dy_c      b = mean over c of g_c u_c, through v",
    )
    page.tables(x, gamma, dy)
    rows = page.choice.rows("dx")
    for n in page.showing(rows, places):
        d, s = _deviations(page, layer, x, n)
        for c in range(C):
            u[*n, c] = page.equation(u.letters((*n, c)), d[c] / s)
        page.flush()
        g = [page.equation(f"g_{c}", gamma[c] * dy[*n, c]) for c in range(C)]
        a = page.equation("a", total(g) / C)
        b = page.equation("b", total([g[c] @ u[*n, c] for c in range(C)]) / C)
        page.flush()
        for c in rows.get(n, ()):
            dx[*n, c] = page.equation(dx.letters((*n, c)), (g[c] - a - b * u[*n, c]) / s)
        page.line()
    dgamma, dbeta = (Quantity.unknown(name, (C,)) for name in ("dgamma", "dbeta"))
    for (c,) in page.choice.all("dgamma"):
        dgamma[c] = page.sum(dgamma.letters(c), [[dy[*n, c] @ u[*n, c] for n in places]])
    page.line()
    for (c,) in page.choice.all("dbeta"):
        dbeta[c] = page.sum(dbeta.letters(c), [[dy[*n, c] for n in places]])
    return {"dx": dx, "dgamma": dgamma, "dbeta": dbeta}


def _deviations(page, layer, x, n):
    """The deviations of a position's numbers from their mean, and the standard deviation."""
    C = x.shape[-1]
    page.line(x.letters((*n, ":")))
    m = page.equation("m", total([x[*n, c] for c in range(C)]) / C)
    page.flush()
    d = [page.equation(f"d_{c}", x[*n, c] - m) for c in range(C)]
    page.flush()
    v = page.equation("v", total([number.squared() for number in d]) / C)
    s = page.equation("s", sqrt(v + constant("epsilon", layer.epsilon, rounded=True)))
    page.flush()
    return d, s
