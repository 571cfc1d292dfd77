"""Derivation of OneHot: a 1 at the id."""

import numpy as np

from ...layers import OneHot
from ..engine import Expression, Page, Quantity, equations


def forward(page: Page, layer: OneHot, x: np.ndarray) -> dict[str, Quantity]:
    y = Quantity.unknown("y", (*x.shape, layer.vocabulary_size))
    page.formula(*equations(OneHot), "written here as [x is v]")
    for *n, v in page.choice.all("y"):
        letters = f"[x[{','.join(map(str, n))}] is {v}]"
        y[*n, v] = page.equation(y.letters((*n, v)), Expression(letters, (f"[{x[*n]} is {v}]",), float(x[*n] == v)))
    return {"y": y}


def backward(page: Page, layer: OneHot, x: np.ndarray, dy: np.ndarray) -> dict[str, Quantity]:
    page.formula("Ids have no gradient, and there are no parameters.")
    return {}
