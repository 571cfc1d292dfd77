"""Derivation of Dense: each output is a sum over all inputs."""

import numpy as np

from ...layers import Dense
from ..engine import Page, Quantity, equations


def forward(page: Page, layer: Dense, x_array: np.ndarray) -> dict[str, Quantity]:
    x, W = Quantity("x", x_array), Quantity("W", layer.params["W"])
    b = Quantity("b", layer.params["b"]) if layer.use_bias else None
    y = Quantity.unknown("y", (*x.shape[:-1], W.shape[1]))
    formula = [*equations(Dense, "y"), "y[n,u] = sum over f of x[n,f] W[f,u] + b[u]"]
    page.formula(*(line if b else line.replace(" + b[u]", "").replace(" + b", "") for line in formula))
    page.tables(x, W, *([b] if b else []))
    for *n, u in page.choice.all("y"):
        terms = [x[*n, f] @ W[f, u] for f in range(x.shape[-1])]
        y[*n, u] = page.sum(y.letters((*n, u)), [[*terms, *([b[u]] if b else [])]])
    return {"y": y}


def backward(page: Page, layer: Dense, x_array: np.ndarray, dy_array: np.ndarray) -> dict[str, Quantity]:
    x, dy, W = Quantity("x", x_array), Quantity("dy", dy_array), Quantity("W", layer.params["W"])
    rows = list(np.ndindex(x.shape[:-1]))
    dx, dW, db = (Quantity.unknown(*named) for named in (("dx", x.shape), ("dW", W.shape), ("db", W.shape[1:])))
    page.formula(
        "dx = dy W'       dx[n,f] = sum over u of dy[n,u] W[f,u]",
        "dW = x' dy       dW[f,u] = sum over n of x[n,f] dy[n,u]",
        *["                 db[u]   = sum over n of dy[n,u]"] * layer.use_bias,
    )
    page.tables(x, dy, W)
    for *n, f in page.choice.all("dx"):
        dx[*n, f] = page.sum(dx.letters((*n, f)), [[dy[*n, u] @ W[f, u] for u in range(W.shape[1])]])
    page.line()
    for f, u in page.choice.all("dW"):
        dW[f, u] = page.sum(dW.letters((f, u)), [[x[*n, f] @ dy[*n, u] for n in rows]])
    if not layer.use_bias:
        return {"dx": dx, "dW": dW}
    page.line()
    for (u,) in page.choice.all("db"):
        db[u] = page.sum(db.letters(u), [[dy[*n, u] for n in rows]])
    return {"dx": dx, "dW": dW, "db": db}
