"""Embedding, derived: rows of a table."""

import numpy as np

from .written import Quantity


def forward(page, layer, x):
    W = Quantity("W", layer.params["W"])
    y = Quantity.unknown("y", (*x.shape, W.shape[1]))
    page.formula("y = W[x]      y[n,u] = W[x[n],u]")
    page.tables(W)
    for *n, u in page.choice.all("y"):
        y[*n, u] = page.equation(y.letters((*n, u)), W[int(x[*n]), u])
    return {"y": y}


def backward(page, layer, x, dy):
    dy, dW = Quantity("dy", dy), Quantity.unknown("dW", layer.params["W"].shape)
    page.formula("dW[v] = sum of dy over all places where x is v")
    page.tables(dy)
    for v, u in page.choice.all("dW"):
        dW[v, u] = page.sum(dW.letters((v, u)), [[dy[*n, u] for n in np.ndindex(x.shape) if x[n] == v]])
    return {"dW": dW}
