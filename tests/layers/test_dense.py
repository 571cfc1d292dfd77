"""Dense, link by link."""

import numpy as np
import pytest
from chain import Case, ChainOfTrust, of_the_kernels, randomized
from numeric import assert_same_bits

import nnlite
from nnlite import Dense


class TestDense(ChainOfTrust):
    cases = (
        Case("one of everything", lambda **kw: Dense(1, **kw), (1, 1)),
        Case("odd", lambda **kw: Dense(19, **kw), (3, 17)),
        Case("a single row", lambda **kw: Dense(35, **kw), (1, 33)),
        Case("sequences", lambda **kw: Dense(5, **kw), (2, 3, 4)),
        Case("deeper than a panel", lambda **kw: Dense(71, **kw), (37, 521), large=True),
        Case("shared by threads", lambda **kw: Dense(131, **kw), (301, 203), large=True),
    )

    def witness(self, torch, layer, x, W, b):
        return {"y": torch.nn.functional.linear(x, W.T, b)}


@pytest.mark.parametrize("N", [1, 2, 9, 10, 11, 64])
def test_integers_differ_in_no_bit(N):
    rng = np.random.default_rng(N)
    layer = Dense(67, seed=0)
    x = rng.integers(-8, 9, (N, 301)).astype("float32")
    layer.build((301,))
    layer.params["W"][...] = rng.integers(-8, 9, (301, 67))
    layer.params["b"][...] = rng.integers(-8, 9, 67)
    dy = rng.integers(-8, 9, (N, 67)).astype("float32")
    results = []
    for name in ("compiled", "reference"):
        with nnlite.use_backend(name):
            y, dx = layer.forward(x), layer.backward(dy)
            results.append((y, dx, layer.grads["W"].copy(), layer.grads["b"].copy()))
    for compiled, reference in zip(*results, strict=True):
        assert_same_bits(compiled, reference)


@of_the_kernels
def test_how_rows_are_cut_into_batches_changes_no_bit():
    layer = Dense(67)
    layer.build((301,))
    randomized(layer)
    x = np.random.default_rng(0).standard_normal((23, 301)).astype("float32")
    whole = layer.forward(x)
    for rows in (1, 2, 5, 10, 11):
        parts = [layer.forward(x[i : i + rows]) for i in range(0, 23, rows)]
        assert_same_bits(np.concatenate(parts), whole, f"batches of {rows}")


def test_a_stepper_checks_what_is_not_the_array_of_the_step_before():
    layer = Dense(4)
    layer.build((5,))
    randomized(layer)
    x = np.random.default_rng(0).standard_normal((3, 5)).astype("float32")
    step, y = layer.stepper(3), layer.forward(x)
    assert_same_bits(step(x), y)
    x *= 2  # in its place
    assert_same_bits(step(x), layer.forward(x))
    assert_same_bits(step(np.asfortranarray(x)), layer.forward(x))
    assert_same_bits(step(x[:2]), layer.forward(x[:2]))
    assert_same_bits(step(x.astype("float64")), layer.forward(x))
    assert_same_bits(step(x.tolist()), layer.forward(x))
    with pytest.raises(TypeError, match="x: expected numbers, got an array of complex64"):
        step(x.astype("complex64"))
    with pytest.raises(ValueError, match=r"x: expected shape \(N, \.\.\., F\) = \(\.\.\., 5\), got \(3, 4\)"):
        step(np.ascontiguousarray(x[:, :4]))
    assert_same_bits(step(x), layer.forward(x))
    x.shape = (5, 3)
    with pytest.raises(ValueError, match=r"x: expected shape"):
        step(x)


def test_a_huge_shape_is_refused():
    with pytest.raises(ValueError, match=r"Dense: parameter W: shape \(\d+, \d+\) of float32 would take"):
        Dense(2**40).build((2**40,))


def test_input_of_another_width_is_refused():
    layer = Dense(2)
    layer.build((3,))
    with pytest.raises(ValueError, match=r"x: expected shape \(N, \.\.\., F\) = \(\.\.\., 3\), got \(5, 4\)"):
        layer.forward(np.zeros((5, 4), "float32"))
