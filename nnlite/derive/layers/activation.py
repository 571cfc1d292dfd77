"""Derivations of Tanh, Sigmoid, ReLU and LeakyReLU, elementwise."""

import numpy as np

from ...layers import LeakyReLU, ReLU, Sigmoid, Tanh
from ...layers.base.layer import Layer
from ..engine import Page, Quantity, constant, equations, largest, sigmoid, tanh

ZERO = constant("0", 0)


def forward(page: Page, layer: Layer, x_array: np.ndarray) -> dict[str, Quantity]:
    x, y = Quantity("x", x_array), Quantity.unknown("y", x_array.shape)
    page.formula(*equations(_kind(layer), "y"))
    for index in page.choice.all("y"):
        value, side = _value(layer, x[index])
        y[index] = page.equation(y.letters(index) + side, value)
    return {"y": y}


def backward(page: Page, layer: Layer, x_array: np.ndarray, dy_array: np.ndarray) -> dict[str, Quantity]:
    x, dy = Quantity("x", x_array), Quantity("dy", dy_array)
    y, dx = Quantity.unknown("y", x.shape), Quantity.unknown("dx", x.shape)
    page.formula(*equations(_kind(layer), "dx"))
    for index in page.choice.all("dx"):
        y[index], _ = _value(layer, x[index])
        gradient, side = _gradient(layer, dy[index], x[index], y[index])
        dx[index] = page.equation(dx.letters(index) + side, gradient)
    return {"dx": dx}


def _kind(layer):
    """The layer whose docstring has the equations."""
    return next(kind for kind in (Tanh, Sigmoid, ReLU, LeakyReLU) if isinstance(layer, kind))


def _value(layer, x):
    """y, and the side of the kink that x is on as the formula says it; empty without a kink."""
    if isinstance(layer, LeakyReLU):
        return (x, " where x >= 0") if x.value >= 0 else (_slope(layer) * x, " else")
    if isinstance(layer, ReLU):
        return largest([x, ZERO]), ""
    return (tanh if isinstance(layer, Tanh) else sigmoid)(x), ""


def _gradient(layer, dy, x, y):
    """dx, and the side of the kink."""
    if isinstance(layer, LeakyReLU):
        return (dy, " where x > 0") if x.value > 0 else (_slope(layer) * dy, " else")
    if isinstance(layer, ReLU):
        return (dy, " where y > 0") if y.value > 0 else (ZERO, " else")
    return dy * (1 - y.squared()) if isinstance(layer, Tanh) else dy * y * (1 - y), ""


def _slope(layer):
    return constant("a", layer.negative_slope, rounded=True)
