"""Initializers: Keras' names and numbers."""

import json
import math

import numpy as np
import pytest

from nnlite import Conv2D, Dense, Embedding, initializers
from nnlite.initializers import Constant, RandomNormal, RandomUniform, TruncatedNormal, VarianceScaling

SHAPES = {"matrix": ((300, 500), 300, 500), "window": ((3, 5, 20, 30), 300, 450), "bias": ((4000,), 4000, 4000)}
STDDEVS = {  # the variance times the number of connections
    "glorot_uniform": lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out)),
    "glorot_normal": lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out)),
    "he_uniform": lambda fan_in, fan_out: math.sqrt(2 / fan_in),
    "he_normal": lambda fan_in, fan_out: math.sqrt(2 / fan_in),
    "lecun_uniform": lambda fan_in, fan_out: math.sqrt(1 / fan_in),
    "lecun_normal": lambda fan_in, fan_out: math.sqrt(1 / fan_in),
    "random_normal": lambda fan_in, fan_out: 0.05,
    "normal": lambda fan_in, fan_out: 0.05,
    "truncated_normal": lambda fan_in, fan_out: 0.05 * 0.87962566103423978,
    "random_uniform": lambda fan_in, fan_out: 0.05 / math.sqrt(3),
    "uniform": lambda fan_in, fan_out: 0.05 / math.sqrt(3),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", STDDEVS)
def test_mean_and_spread(name, shape):
    shape, fan_in, fan_out = SHAPES[shape]
    values = initializers.get(name)(shape, np.random.default_rng(0))
    expected = STDDEVS[name](fan_in, fan_out)
    assert values.shape == shape
    assert values.dtype == np.float64
    assert abs(values.mean()) < 5 * expected / math.sqrt(values.size)
    assert values.std() == pytest.approx(expected, rel=5 / math.sqrt(values.size))
    largest = np.abs(values).max() / expected
    if "uniform" in name:
        assert largest <= math.sqrt(3) + 1e-9
    elif name in ("truncated_normal", "glorot_normal", "he_normal", "lecun_normal"):
        assert 1.9 / 0.8797 < largest <= 2 / 0.87962566103423978 + 1e-9
    else:
        assert largest > 2.5


def test_glorot_uniform_draws_what_it_always_drew():
    expected = np.random.default_rng(3).uniform(-math.sqrt(6 / 9), math.sqrt(6 / 9), (4, 5))
    np.testing.assert_array_equal(initializers.get("glorot_uniform")((4, 5), np.random.default_rng(3)), expected)


def test_a_truncated_normal_draws_what_the_normal_one_draws():
    drawn = RandomNormal(1.0, 2.0)((100,), np.random.default_rng(3))
    kept = np.abs(drawn - 1) <= 4
    truncated = TruncatedNormal(1.0, 2.0)((100,), np.random.default_rng(3))
    np.testing.assert_array_equal(truncated[kept], drawn[kept])


@pytest.mark.parametrize(
    "initializer",
    [RandomNormal(stddev=0.01), TruncatedNormal(1.0, 2.0), RandomUniform(-1, 2), Constant(3.5), initializers.he_normal],
)
def test_objects_are_saved_with_a_layer(initializer):
    for make in (
        lambda i: Dense(3, kernel_initializer=i, bias_initializer=i),
        lambda i: Conv2D(3, 1, kernel_initializer=i, bias_initializer=i),
        lambda i: Embedding(4, 3, embeddings_initializer=i),
    ):
        layer = make(initializer)
        again = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
        assert again.get_config() == layer.get_config()
        assert repr(again) == repr(layer)


@pytest.mark.parametrize("name", ["he_normal", "HeNormal", "random_normal"])
def test_a_name_stays_a_name(name):
    assert Dense(3, kernel_initializer=name).get_config()["kernel_initializer"] == name


def test_the_bias_has_its_own():
    layer = Dense(3, bias_initializer=Constant(2.0))
    layer.build((4,))
    assert layer.params["b"].tolist() == [2, 2, 2]
    layer = Conv2D(3, 1, bias_initializer="ones")
    layer.build((4, 4, 1))
    assert layer.params["b"].tolist() == [1, 1, 1]


def test_keras_spellings_of_the_same():
    for name, function in {"HeNormal": initializers.he_normal, "GlorotUniform": initializers.glorot_uniform}.items():
        assert getattr(initializers, name)() is function
        assert initializers.get(name) is function
    assert initializers.get(RandomNormal).stddev == 0.05
    assert initializers.random_normal(stddev=0.2).stddev == 0.2
    for kind in (RandomNormal, RandomUniform, TruncatedNormal, Constant):
        assert getattr(initializers, initializers._in_lower_case(kind.__name__)) is kind


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(3, kernel_initializer="he"), "kernel_initializer: expected a function of .* or one of .*'he'"),
        (lambda: Dense(3, bias_initializer=0), "bias_initializer: expected .* got 0"),
        (lambda: initializers.Foo, "has no attribute 'Foo': expected one of"),
        (lambda: RandomNormal(std=1), "RandomNormal: unknown argument 'std': use stddev"),
        (lambda: RandomNormal(seed=1), "RandomNormal: unknown argument 'seed': give the layer or the model a seed"),
        (lambda: RandomNormal(stddev=-1), "stddev: expected a number"),
        (lambda: RandomNormal(mean=math.inf), "mean: expected a finite number, got inf"),
        (lambda: VarianceScaling(mode="in"), "mode: expected one of fan_in, fan_out, fan_avg, got 'in'"),
        (lambda: VarianceScaling(distribution="normal"), "distribution: expected one of truncated_.*, got 'normal'"),
    ],
)
def test_what_is_none_is_refused_when_the_layer_is_made(make, message):
    with pytest.raises((TypeError, ValueError, AttributeError), match=message):
        make()


def test_variance_scaling_begins_with_keras_defaults():
    assert VarianceScaling().get_config() == {"scale": 1.0, "mode": "fan_in", "distribution": "truncated_normal"}


def test_normals_of_any_width():
    values = initializers.normal(0.25)((300, 500), np.random.default_rng(0))
    np.testing.assert_array_equal(values, np.random.default_rng(0).normal(0.0, 0.25, (300, 500)))
    scaled = VarianceScaling(3.0, mode="fan_in", distribution="untruncated_normal")
    normal = scaled((300, 500), np.random.default_rng(0))
    np.testing.assert_allclose(normal, np.random.default_rng(0).normal(0.0, math.sqrt(3 / 300), (300, 500)), rtol=1e-15)


@pytest.mark.parametrize(("mode", "n"), [("fan_in", 1), ("fan_out", 6), ("fan_avg", 3.5)])
def test_uniform_numbers_have_the_variance_of_their_connections(mode, n):
    values = VarianceScaling(2.0, mode, "uniform")((1, 6), np.random.default_rng(0))
    limit = math.sqrt(3 * 2 / n)
    np.testing.assert_array_equal(values, np.random.default_rng(0).uniform(-limit, limit, (1, 6)))


@pytest.mark.parametrize("name", STDDEVS)
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (0, 0)])
def test_no_connections_draw_no_numbers(name, shape):
    assert initializers.get(name)(shape, np.random.default_rng(0)).shape == shape


def test_uniform_numbers_lie_between_any_two():
    values = RandomUniform(-1, 3)((100,), np.random.default_rng(0))
    np.testing.assert_array_equal(values, np.random.default_rng(0).uniform(-1, 3, 100))


@pytest.mark.parametrize(
    ("values", "got"),
    [(lambda shape, rng: np.ones(shape) * 1j, "complex128"), (lambda s, rng: np.ma.ones(s), "a masked")],
)
def test_an_initializer_that_gives_no_real_numbers(values, got):
    with pytest.raises(TypeError, match=f"Dense: parameter W: expected real numbers from its initializer, got {got}"):
        Dense(2, kernel_initializer=values).build((3,))
