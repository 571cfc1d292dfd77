"""BatchNorm and LayerNorm."""

import functools

import numpy as np
import pytest
from chain import Case, ChainOfTrust, backends, float_types, import_torch, randomized
from numeric import assert_same_bits

import nnlite
from nnlite import BatchNorm, Dense, LayerNorm, Sequential


class Seen(BatchNorm):
    """A BatchNorm that has learnt something: statistics of 0 and 1 would hide mistakes."""

    def build(self, input_shape):
        super().build(input_shape)
        rng = np.random.default_rng(1)
        self.statistics["moving_mean"][...] = rng.standard_normal(input_shape[-1])
        self.statistics["moving_variance"][...] = rng.uniform(0.3, 3, input_shape[-1])


def cases(layer_type, training):
    """Channels fewer than, as many as and more than a vector holds; rows around lines and blocks of the kernels."""
    make = functools.partial(Case, training=training)
    return (
        make("one channel of few", layer_type, (3, 1)),
        make("rows", functools.partial(layer_type, epsilon=0.1), (7, 5)),
        make("sequences", layer_type, (2, 3, 17)),
        make("images", layer_type, (2, 3, 4, 3)),
        make("lines and some", layer_type, (131, 8), large=True),
        make("blocks and some", layer_type, (33, 33, 5, 16), large=True),
        make("one channel", layer_type, (40_001, 1), large=True),
        make("wide", layer_type, (100, 1001), large=True),
    )


class TestBatchNormInTraining(ChainOfTrust):
    cases = cases(Seen, training=True)

    def witness(self, torch, layer, x, gamma, beta):
        rows = x.reshape(-1, x.shape[-1])
        y = torch.nn.functional.batch_norm(rows, None, None, gamma, beta, training=True, eps=layer.epsilon)
        return {"y": y.reshape(x.shape)}


class TestBatchNormInUse(ChainOfTrust):
    cases = cases(Seen, training=False)

    def witness(self, torch, layer, x, gamma, beta):
        rows = x.reshape(-1, x.shape[-1])
        moving = [torch.tensor(layer.statistics[name]) for name in ("moving_mean", "moving_variance")]
        y = torch.nn.functional.batch_norm(rows, *moving, gamma, beta, training=False, eps=layer.epsilon)
        return {"y": y.reshape(x.shape)}


class TestLayerNorm(ChainOfTrust):
    cases = (
        Case("two channels", LayerNorm, (1, 2)),
        Case("rows", functools.partial(LayerNorm, epsilon=0.1), (7, 5)),
        Case("sequences", LayerNorm, (2, 3, 17)),
        Case("a vector and its half", LayerNorm, (5, 24)),
        Case("blocks of rows", LayerNorm, (130, 33), large=True),
        Case("large", LayerNorm, (5, 201, 300), large=True),
    )

    def witness(self, torch, layer, x, gamma, beta):
        return {"y": torch.nn.functional.layer_norm(x, x.shape[-1:], gamma, beta, layer.epsilon)}


def far_away(shape, dtype="float32"):
    """Numbers around 10000 with a deviation of 1, which leaves float32 three digits behind the point."""
    return (10_000 + np.random.default_rng(0).standard_normal(shape)).astype(dtype)


@backends
@pytest.mark.parametrize("shape", [(5000, 8), (70, 300), (64, 14, 14, 16)])
@pytest.mark.parametrize("layer_type", [BatchNorm, LayerNorm])
def test_a_large_mean_costs_no_digits(layer_type, shape, backend_name):
    """What rounding has done to x is done: the layer adds nothing to it that could be seen."""
    x = far_away(shape)
    dy = np.random.default_rng(1).standard_normal(shape).astype("float32")
    layer, exact = layer_type(), layer_type(dtype="float64")
    for each in (layer, exact):
        each.build(shape[1:])
        randomized(each)
    with nnlite.use_backend(backend_name):
        y, dx = layer.forward(x, training=True), layer.backward(dy)
    with nnlite.use_backend("reference"):
        y_exact = exact.forward(x.astype("float64"), training=True)
        dx_exact = exact.backward(dy.astype("float64"))
    np.testing.assert_allclose(y, y_exact, atol=3e-6)
    np.testing.assert_allclose(dx, dx_exact, atol=3e-6)
    for name, grad in layer.grads.items():
        np.testing.assert_allclose(grad, exact.grads[name], atol=1e-3)  # thousands of numbers, summed
    for name, array in layer.statistics.items():
        np.testing.assert_allclose(array, exact.statistics[name], rtol=1e-6)


@backends
def test_the_moving_mean_arrives_where_the_data_are(backend_name):
    """In float32 its steps would be rounded away while it is still 5 % of the deviation off."""
    layer, x = BatchNorm(), far_away((200, 3))
    layer.build((3,))
    randomized(layer)
    with nnlite.use_backend(backend_name):
        for _ in range(2500):
            layer.forward(x, training=True)
        y = layer.forward(x)
    np.testing.assert_allclose(layer.statistics["moving_mean"], x.mean(axis=0, dtype="float64"), rtol=1e-9)
    np.testing.assert_allclose(y.mean(axis=0), layer.params["beta"], atol=1e-3)  # in use, y is as exact as in training
    np.testing.assert_allclose(y, layer.forward(x, training=True), atol=1e-5)


@backends
@float_types
@pytest.mark.parametrize("layer_type", [BatchNorm, LayerNorm])
def test_equal_numbers(layer_type, backend_name, dtype):
    """Their variance is 0, and exactly so: y is beta, and no gradient gets through in infinite size."""
    layer = layer_type(dtype=dtype)
    layer.build((5,))
    randomized(layer)
    x = np.full((7, 5), 0.1, dtype) if layer_type is LayerNorm else np.tile(np.arange(5) / 3, (7, 1)).astype(dtype)
    with nnlite.use_backend(backend_name):
        y = layer.forward(x, training=True)
        dx = layer.backward(np.random.default_rng(0).standard_normal(x.shape).astype(dtype))
    np.testing.assert_allclose(
        y, np.broadcast_to(layer.params["beta"], y.shape), atol=1e-13 if dtype == "float64" else 1e-5
    )
    assert np.abs(dx).max() < 4 / np.sqrt(layer.epsilon)


@backends
def test_statistics_of_training(backend_name):
    rng = np.random.default_rng(0)
    layer, mean, variance = BatchNorm(momentum=0.9), np.zeros(3), np.ones(3)
    with nnlite.use_backend(backend_name):
        for _ in range(4):
            x = rng.normal(2, 3, (6, 5, 3)).astype("float32")
            layer.forward(x, training=True)
            mean = 0.9 * mean + 0.1 * x.mean(axis=(0, 1), dtype="float64")
            variance = 0.9 * variance + 0.1 * x.var(axis=(0, 1), dtype="float64")
            np.testing.assert_allclose(layer.statistics["moving_mean"], mean, rtol=1e-6)
            np.testing.assert_allclose(layer.statistics["moving_variance"], variance, rtol=1e-6)


def test_pytorch_has_the_same_statistics_but_for_what_is_documented():
    torch = import_torch()
    x = np.random.default_rng(0).normal(2, 3, (10, 4)).astype("float32")
    ours, theirs = BatchNorm(momentum=0.9), torch.nn.BatchNorm1d(4, momentum=0.1, eps=1e-3)
    ours.build((4,))
    randomized(ours)
    theirs.load_state_dict(
        {"weight": torch.tensor(ours.params["gamma"]), "bias": torch.tensor(ours.params["beta"])}, False
    )
    y = ours.forward(x, training=True)
    np.testing.assert_allclose(y, theirs(torch.tensor(x)).detach(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours.statistics["moving_mean"], theirs.running_mean, rtol=1e-5)
    unbiased = (ours.statistics["moving_variance"] - 0.9) * 10 / 9 + 0.9
    np.testing.assert_allclose(unbiased, theirs.running_var, rtol=1e-5)


@backends
def test_outside_of_training_rows_do_not_meet_and_statistics_stay(backend_name):
    layer, x = Seen(), np.random.default_rng(0).standard_normal((9, 5)).astype("float32")
    layer.build((5,))
    randomized(layer)
    with nnlite.use_backend(backend_name):
        y = layer.forward(x)
        before = {name: array.copy() for name, array in layer.statistics.items()}
        for n in range(9):
            assert_same_bits(layer.forward(x[n : n + 1])[0], y[n])
        layer.backward(x[:1])
    for name, array in layer.statistics.items():
        assert_same_bits(array, before[name])


@backends
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_batch_that_is_not_finite_spoils_no_statistics(backend_name, bad):
    layer, x = BatchNorm(), np.ones((4, 3), "float32")
    layer.forward(x, training=True)
    before = {name: array.copy() for name, array in layer.statistics.items()}
    x[2, 1] = bad
    with nnlite.use_backend(backend_name), np.errstate(invalid="ignore"):
        y = layer.forward(x, training=True)
    assert np.isnan(y[2, 1])  # it is not hidden either
    assert np.isfinite(y[:, [0, 2]]).all()
    for name, array in layer.statistics.items():
        assert_same_bits(array, before[name])


@backends
def test_no_rows_and_one_row(backend_name):
    layer = Seen(dtype="float64")
    layer.build((3,))
    randomized(layer)
    before = {name: array.copy() for name, array in layer.statistics.items()}
    with nnlite.use_backend(backend_name):
        assert layer.forward(np.zeros((0, 3)), training=True).shape == (0, 3)
        for name, array in layer.statistics.items():
            assert_same_bits(array, before[name])
        assert (layer.forward(np.array([[5.0, 1e30, -2.0]]), training=True) == layer.params["beta"]).all()
        assert not layer.backward(np.ones((1, 3))).any()


def test_backward_follows_the_forward_before_it():
    layer, x = Seen(dtype="float64"), np.random.default_rng(0).standard_normal((6, 4))
    layer.build((4,))
    randomized(layer)
    layer.forward(x, training=True)
    learning = layer.backward(x)
    layer.forward(x)
    using = layer.backward(x)
    np.testing.assert_allclose(learning.sum(axis=0), 0, atol=1e-12)  # a shift of a channel changes no y in training
    scale = layer.params["gamma"] / np.sqrt(layer.statistics["moving_variance"] + layer.epsilon)
    np.testing.assert_allclose(using, x * scale)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("built", [False, True])
def test_gradcheck_leaves_the_statistics_as_they_were(built, fast):
    model = Sequential([Dense(5), BatchNorm(), Dense(2), LayerNorm()], dtype="float64", seed=0)
    x = np.random.default_rng(0).standard_normal((6, 3))
    if built:
        model.forward(x, training=True)
    before = {name: array.copy() for name, array in model.statistics.items()}
    assert nnlite.gradcheck(model, x, training=True, fast=fast).max_error < 1e-6
    assert nnlite.gradcheck(model, x, fast=fast).max_error < 1e-6
    fresh = {"batch_norm.moving_mean": np.zeros(5), "batch_norm.moving_variance": np.ones(5)}
    for name, array in model.statistics.items():
        assert_same_bits(array, (before or fresh)[name])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: BatchNorm(momentum=1.5), ValueError, r"momentum: expected a number in \[0, 1\], got 1.5"),
        (lambda: BatchNorm(momentum="0.9"), TypeError, "momentum: expected a number"),
        (lambda: BatchNorm(epsilon=0), ValueError, "epsilon: expected a finite number above 0, got 0"),
        (lambda: LayerNorm(epsilon=-1e-3), ValueError, "epsilon: expected a finite number above 0"),
        (lambda: BatchNorm().build(()), ValueError, r"BatchNorm: expected input_shape \(..., C\), got \(\)"),
        (lambda: LayerNorm().build(()), ValueError, r"LayerNorm: expected input_shape \(..., C\), got \(\)"),
        (lambda: BatchNorm().build((4, None)), ValueError, "the number of features cannot be left open"),
    ],
)
def test_what_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_other_channels_are_refused():
    for layer in (BatchNorm(), LayerNorm()):
        layer.build((3,))
        with pytest.raises(ValueError, match=r"x: expected shape \(N, \.\.\., C\) = \(\.\.\., 3\), got \(5, 4\)"):
            layer.forward(np.zeros((5, 4), "float32"))


def test_sizes_that_vary():
    assert "2 * C, with C of the first input; and as many" in BatchNorm().explain((None,))
    assert "2 * C, with C of the first input" in LayerNorm().explain((None,))
    assert "each row of C numbers" in LayerNorm().explain((None,))


@pytest.mark.parametrize("x", [[-1e200, 1e200], [np.inf, 1.0]], ids=["variance", "mean"])
def test_numbers_that_are_not_finite_leave_the_running_statistics_alone(x):
    layer = BatchNorm(dtype="float64")
    with np.errstate(all="ignore"):
        layer.forward(np.array(x)[:, None], training=True)
    assert [statistic.item() for statistic in layer.statistics.values()] == [0, 1]
