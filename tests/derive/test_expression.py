"""The rounding error of an expression is bounded by its number of operations, and by no more."""

import pytest

from nnlite.derive import Quantity
from nnlite.derive.engine.expression import constant, exp, largest, log, sqrt, tanh, total

a, b, c = (Quantity("x", [3.0, -0.5, 8.0])[i] for i in range(3))

# How many times the value itself is rounded.
ROUNDINGS = {
    "an input": (a, 0),
    "another name": ((a * b).named("y"), 1),
    "a product": (a * b, 1),
    "a product of three": (a * b * c, 2),
    "a product of products": ((a * b) * (c @ b), 3),
    "a product with a constant": (2 * a, 1),
    "a constant that is rounded": (constant("k", 0.1, rounded=True) * a, 2),
    "a quotient": (a / b, 1),
    "a quotient of products": ((a * b) / (b * c), 3),
    "a square": (b.squared(), 1),
    "a square of a product": ((a * b).squared(), 3),
    "the largest": (largest([a, b]), 0),
    "a root": (sqrt(c), 1),
    "a root of a square": (sqrt(c.squared()), 1.5),
    "a power of e": (exp(b), 2),
    "a logarithm": (log(c), 2),
    "a tanh": (tanh(b), 3),
}


@pytest.mark.parametrize("name", ROUNDINGS)
def test_products_are_rounded_once_for_each_operation(name):
    written, count = ROUNDINGS[name]
    assert written.error == pytest.approx(count * abs(written.value), rel=1e-15)


def test_sums_are_rounded_in_any_order():
    """A sum of n terms at most n times, whatever their order; a difference once."""
    assert total([a, b, c]).error == 3 * (3 + 0.5 + 8)
    assert total([a * b, c]).error == 1.5 + 2 * (1.5 + 8)
    assert (a - c).error == 5
    assert (a * b - c).error == 1.5 + 9.5


def test_functions_hand_errors_on_by_their_slopes():
    product = a * b  # -1.5, rounded once
    assert exp(product).error == pytest.approx(exp(product).value * (1.5 + 2))
    assert log(product * product).error == pytest.approx(3 + 2 * log(product * product).value)
    assert tanh(product).error == pytest.approx((1 - tanh(product).value ** 2) * 1.5 - 3 * tanh(product).value)
