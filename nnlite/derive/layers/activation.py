"""Derivations of Tanh, Sigmoid, ReLU and LeakyReLU, elementwise."""

from typing import Any

import numpy as np

from ...layers import LeakyReLU, ReLU, Sigmoid, Tanh
from ...layers.base.layer import Layer
from ..engine.docstring_equations import equations
from ..engine.expression import Expression, Quantity, constant, largest, sigmoid, tanh
from ..engine.layout import Page


def forward(page: Page, layer: Layer, x_array: np.ndarray) -> dict[str, Quantity]:
    curve = _curve(layer)
    x, y = Quantity("x", x_array), Quantity.unknown("y", x_array.shape)
    page.formula(*equations(curve.kind, "y"))
    for index in page.choice.all("y"):
        y[index] = page.equation(y.letters(index) + curve.side_of_x(x[index]), curve.value(x[index]))
    return {"y": y}


def backward(page: Page, layer: Layer, x_array: np.ndarray, dy_array: np.ndarray) -> dict[str, Quantity]:
    curve = _curve(layer)
    x, dy = Quantity("x", x_array), Quantity("dy", dy_array)
    y, dx = Quantity.unknown("y", x.shape), Quantity.unknown("dx", x.shape)
    page.formula(*equations(curve.kind, "dx"))
    for index in page.choice.all("dx"):
        y[index] = curve.value(x[index])
        slope = curve.gradient(dy[index], x[index], y[index])
        dx[index] = page.equation(dx.letters(index) + curve.side(x[index]), slope)
    return {"dx": dx}


def _curve(layer):
    return next(curve for curve in _CURVES if isinstance(layer, curve.kind))(layer)


class _Curve:
    """A function of one number: its value, and dy times its derivative. `kind` is the layer that computes it."""

    kind: type[Layer]

    def __init__(self, layer: Any) -> None:
        self.layer = layer

    def value(self, x: Expression) -> Expression:
        """y."""
        raise NotImplementedError

    def gradient(self, dy: Expression, x: Expression, y: Expression) -> Expression:
        """dx."""
        raise NotImplementedError

    def side_of_x(self, x: Expression) -> str:
        """The side of the kink that x is on, as the formula says it; empty without a kink."""
        return ""

    def side(self, x: Expression) -> str:
        """The same for the gradient's formula."""
        return ""


class _Tanh(_Curve):
    kind = Tanh

    def value(self, x: Expression) -> Expression:
        return tanh(x)

    def gradient(self, dy: Expression, x: Expression, y: Expression) -> Expression:
        return dy * (1 - y.squared())


class _Sigmoid(_Curve):
    kind = Sigmoid

    def value(self, x: Expression) -> Expression:
        return sigmoid(x)

    def gradient(self, dy: Expression, x: Expression, y: Expression) -> Expression:
        return dy * y * (1 - y)


class _ReLU(_Curve):
    kind = ReLU

    def value(self, x: Expression) -> Expression:
        return largest([x, constant("0", 0)])

    def gradient(self, dy: Expression, x: Expression, y: Expression) -> Expression:
        return dy if y.value > 0 else constant("0", 0)

    def side(self, x: Expression) -> str:
        return " where y > 0" if x.value > 0 else " else"


class _LeakyReLU(_Curve):
    kind = LeakyReLU

    def value(self, x: Expression) -> Expression:
        return x if x.value >= 0 else self._slope() * x

    def side_of_x(self, x: Expression) -> str:
        return " where x >= 0" if x.value >= 0 else " else"

    def gradient(self, dy: Expression, x: Expression, y: Expression) -> Expression:
        return dy if x.value > 0 else self._slope() * dy

    def side(self, x: Expression) -> str:
        return " where x > 0" if x.value > 0 else " else"

    def _slope(self):
        return constant("a", self.layer.negative_slope, rounded=True)


_CURVES = _Tanh, _Sigmoid, _ReLU, _LeakyReLU
