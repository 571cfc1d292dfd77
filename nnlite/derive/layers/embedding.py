"""Embedding, derived: rows of a table."""

import numpy as np

from ...layers import Embedding
from ..engine.docstring_equations import equations
from ..engine.expression import Quantity


def forward(page, layer, x):
    W = Quantity("W", layer.params["W"])
    y = Quantity.unknown("y", (*x.shape, W.shape[1]))
    page.formula(*equations(Embedding, "y"), "y[n,u] = W[x[n],u]")
    page.tables(W)
    for *n, u in page.choice.all("y"):
        y[*n, u] = page.equation(y.letters((*n, u)), W[int(x[*n]), u])
    return {"y": y}


def backward(page, layer, x, dy):
    dy, dW = Quantity("dy", dy), Quantity.unknown("dW", layer.params["W"].shape)
    page.formula(*equations(Embedding, "dW[v]"))
    page.tables(dy)
    for v, u in page.choice.all("dW"):
        dW[v, u] = page.sum(dW.letters((v, u)), [[dy[*n, u] for n in np.ndindex(x.shape) if x[n] == v]])
    return {"dW": dW}
