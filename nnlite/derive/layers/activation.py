"""Tanh, Sigmoid, ReLU and LeakyReLU, derived: one number after the other."""

from ...layers import LeakyReLU, ReLU, Sigmoid, Tanh
from ..engine.docstring_equations import equations
from ..engine.expression import Quantity, constant, largest, sigmoid, tanh


def forward(page, layer, x):
    curve = _curve(layer)
    x, y = Quantity("x", x), Quantity.unknown("y", x.shape)
    page.formula(*equations(curve.kind, "y"))
    for index in page.choice.all("y"):
        y[index] = page.equation(y.letters(index) + curve.side_of_x(x[index]), curve.value(x[index]))
    return {"y": y}


def backward(page, layer, x, dy):
    curve = _curve(layer)
    x, dy = Quantity("x", x), Quantity("dy", dy)
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

    def __init__(self, layer):
        self.layer = layer

    def side_of_x(self, x):
        """On which side of a corner x lies, in the formula's words; nothing where there is no corner."""
        return ""

    def side(self, x):
        """The same in the gradient's formula."""
        return ""


class _Tanh(_Curve):
    kind = Tanh

    def value(self, x):
        return tanh(x)

    def gradient(self, dy, x, y):
        return dy * (1 - y.squared())


class _Sigmoid(_Curve):
    kind = Sigmoid

    def value(self, x):
        return sigmoid(x)

    def gradient(self, dy, x, y):
        return dy * y * (1 - y)


class _ReLU(_Curve):
    kind = ReLU

    def value(self, x):
        return largest([x, constant("0", 0)])

    def gradient(self, dy, x, y):
        return dy if y.value > 0 else constant("0", 0)

    def side(self, x):
        return " where y > 0" if x.value > 0 else " else"


class _LeakyReLU(_Curve):
    kind = LeakyReLU

    def value(self, x):
        return x if x.value >= 0 else self._slope() * x

    def side_of_x(self, x):
        return " where x >= 0" if x.value >= 0 else " else"

    def gradient(self, dy, x, y):
        return dy if x.value > 0 else self._slope() * dy

    def side(self, x):
        return " where x > 0" if x.value > 0 else " else"

    def _slope(self):
        return constant("a", self.layer.negative_slope, rounded=True)


_CURVES = _Tanh, _Sigmoid, _ReLU, _LeakyReLU
