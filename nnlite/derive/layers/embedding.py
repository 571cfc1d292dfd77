"""Derivation of Embedding: rows of a table."""

import numpy as np

from ...layers import Embedding
from ..engine import Page, Quantity, equations


def forward(page: Page, layer: Embedding, x: np.ndarray) -> dict[str, Quantity]:
    W = Quantity("W", layer.params["W"])
    y = Quantity.unknown("y", (*x.shape, W.shape[1]))
    page.formula(*equations(Embedding, "y"), "y[n,u] = W[x[n],u]")
    page.tables(W)
    for *n, u in page.choice.all("y"):
        y[*n, u] = page.equation(y.letters((*n, u)), W[int(x[*n]), u])
    return {"y": y}


def backward(page: Page, layer: Embedding, x: np.ndarray, dy_array: np.ndarray) -> dict[str, Quantity]:
    dy, dW = Quantity("dy", dy_array), Quantity.unknown("dW", layer.params["W"].shape)
    page.formula(*equations(Embedding, "dW[v]"))
    page.tables(dy)
    for v, u in page.choice.all("dW"):
        dW[v, u] = page.sum(dW.letters((v, u)), [[dy[*n, u] for n in np.ndindex(x.shape) if x[n] == v]])
    return {"dW": dW}
