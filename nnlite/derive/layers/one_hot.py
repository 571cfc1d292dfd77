"""OneHot, derived: a 1 at the id."""

from ...layers import OneHot
from ..engine.docstring_equations import equations
from ..engine.expression import Quantity, Written


def forward(page, layer, x):
    y = Quantity.unknown("y", (*x.shape, layer.vocabulary_size))
    page.formula(*equations(OneHot), "here written [x is v]")
    for *n, v in page.choice.all("y"):
        letters = f"[x[{','.join(map(str, n))}] is {v}]"
        y[*n, v] = page.equation(y.letters((*n, v)), Written(letters, (f"[{x[*n]} is {v}]",), float(x[*n] == v)))
    return {"y": y}


def backward(page, layer, x, dy):
    page.formula("Ids have no gradient, and there are no parameters.")
    return {}
