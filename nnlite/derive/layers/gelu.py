"""Derivation of GELU: x times the normal distribution function Phi(x), or its approximation with tanh."""

import math

import numpy as np

from ...layers import GELU
from ..engine import Page, Quantity, apply, constant, equations, tanh

TANH_FORMULA = "y = x (1 + tanh u) / 2      u = k (x + q x^3) with k = sqrt(2/pi) and q = 0.044715"
TANH_GRADIENT = "dx = dy ((1 + tanh u) / 2 + x (1 - tanh(u)^2) u' / 2)      u' = k (1 + 3 q x^2)"
K, Q = constant("k", math.sqrt(2 / math.pi), rounded=True), constant("q", 0.044715, rounded=True)


def forward(page: Page, layer: GELU, x_array: np.ndarray) -> dict[str, Quantity]:
    x, y = Quantity("x", x_array), Quantity.unknown("y", x_array.shape)
    page.formula(*([TANH_FORMULA] if layer.approximate else equations(GELU, "y")))
    for index in page.choice.all("y"):
        p = (1 + tanh(_tanh_argument(page, x[index]))) / 2 if layer.approximate else _normal_cdf(x[index])
        y[index] = page.equation(y.letters(index), x[index] * p)
    return {"y": y}


def backward(page: Page, layer: GELU, x_array: np.ndarray, dy_array: np.ndarray) -> dict[str, Quantity]:
    x, dy, dx = Quantity("x", x_array), Quantity("dy", dy_array), Quantity.unknown("dx", x_array.shape)
    page.formula(*([TANH_FORMULA, TANH_GRADIENT] if layer.approximate else equations(GELU)))
    for index in page.choice.all("dx"):
        gradient = _tanh_gradient(page, x[index]) if layer.approximate else _gradient(x[index])
        dx[index] = page.equation(dx.letters(index), dy[index] * gradient)
    return {"dx": dx}


def _normal_cdf(x):
    # With erfc a small Phi keeps its digits; 1 + erf would lose them. Both round x^2, the exponent of e.
    return apply("Phi", lambda v: math.erfc(-v / math.sqrt(2)) / 2, _density(x.value), x, 12 + x.value**2)


def _gradient(x):
    return _normal_cdf(x) + x * apply("phi", _density, x.value * _density(x.value), x, 12 + x.value**2)


def _density(x):
    return math.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def _tanh_argument(page, x):
    return page.equation("u", K * (x + Q * x * x * x))


def _tanh_gradient(page, x):
    u = _tanh_argument(page, x)
    slope = page.equation("u'", K * (1 + 3 * Q * x.squared()))
    return (1 + tanh(u)) / 2 + x * (1 - tanh(u).squared()) * slope / 2
