"""What Dense and Conv2D take beside their sizes: an activation at the end, no bias, initializers, regularizers."""

import json

import numpy as np
import pytest
from chain import Case, ChainOfTrust, import_torch
from numeric import assert_same_bits

import nnlite
from nnlite import GELU, Conv2D, Dense, Dropout, LeakyReLU, ReLU, Sequential, Softmax, derive, gradcheck
from nnlite.inspect import trace
from nnlite.layers import Activation

NAMES = "gelu", "leaky_relu", "relu", "sigmoid", "softmax", "tanh"
X = np.random.default_rng(0).standard_normal((5, 3)).astype("float32")
IMAGES = np.random.default_rng(0).standard_normal((2, 5, 5, 1)).astype("float32")


def applied(torch, layer, z):
    """f(z), as PyTorch computes it."""
    functional = torch.nn.functional
    functions = {
        "leaky_relu": lambda z: functional.leaky_relu(z, 0.2),  # the slope that Keras gives the name
        "softmax": lambda z: torch.softmax(z, -1),
    }
    f = layer.activation
    return z if f is None else functions.get(f.name, getattr(functional, f.name, None))(z)


class TestDense(ChainOfTrust):
    cases = (
        *(Case(f"{f}", lambda f=f, **kw: Dense(7, f, **kw), (3, 5)) for f in NAMES),
        Case("no bias", lambda **kw: Dense(19, use_bias=False, **kw), (3, 17)),
        Case("no bias, one row", lambda **kw: Dense(19, use_bias=False, **kw), (1, 17)),
        Case("no bias, with activation", lambda **kw: Dense(5, "tanh", False, **kw), (2, 3, 4)),
        Case("no bias, large", lambda **kw: Dense(131, use_bias=False, **kw), (301, 203), large=True),
    )

    def witness(self, torch, layer, x, **params):
        z = x @ params["W"]
        return {"y": applied(torch, layer, z + params["b"] if layer.use_bias else z)}


class TestConv2D(ChainOfTrust):
    cases = (
        *(Case(f"{f}", lambda f=f, **kw: Conv2D(3, 2, activation=f, **kw), (2, 4, 3, 2)) for f in NAMES),
        Case("no bias", lambda **kw: Conv2D(3, 2, activation="tanh", use_bias=False, **kw), (2, 4, 3, 2)),
    )

    def witness(self, torch, layer, x, **params):
        z = torch.nn.functional.conv2d(x.movedim(-1, 1), params["W"].permute(3, 2, 0, 1), params.get("b"))
        return {"y": applied(torch, layer, z.movedim(1, -1))}


def test_the_same_as_two_layers_bit_for_bit():
    x = np.random.default_rng(0).standard_normal((8, 6, 6, 2)).astype("float32")
    y = np.arange(8) % 3
    one = [Conv2D(4, 3, activation="relu"), nnlite.Flatten(), Dense(3, activation="softmax")]
    two = [Conv2D(4, 3), ReLU(), nnlite.Flatten(), Dense(3), Softmax()]
    results = []
    for layers in (one, two):
        model = Sequential(layers, input_shape=(6, 6, 2), seed=0)
        model.compile("adam", "sparse_categorical_crossentropy")
        history = model.fit(x, y, batch_size=3, epochs=3, verbose=0).history
        results.append((history["loss"], list(model.params.values()), model.predict(x)))
    (losses, params, predictions), (losses_2, params_2, predictions_2) = results
    assert losses == losses_2
    assert_same_bits(predictions, predictions_2)
    for array, other in zip(params, params_2, strict=True):
        assert_same_bits(array, other)


@pytest.mark.parametrize("f", [*NAMES, LeakyReLU(0.1), GELU(approximate=True), ReLU, Softmax()])
def test_saved_and_loaded_with_its_activation(f, tmp_path):
    model = Sequential([Dense(4, activation=f), Conv2D(2, 1, activation=f)][:1], input_shape=(3,), seed=0)
    layer = model.layers[0]
    again = Dense.from_config(json.loads(json.dumps(layer.get_config())))
    assert repr(again) == repr(layer)
    x = np.random.default_rng(0).standard_normal((5, 3))
    model.save(tmp_path / "m.safetensors")
    assert_same_bits(nnlite.load_model(tmp_path / "m.safetensors").predict(x), model.predict(x))


def test_older_configurations_and_new_ones_agree():
    assert Dense(3).get_config() == {
        "units": 3,
        "kernel_initializer": "glorot_uniform",
        "dtype": "float32",
        "name": "dense",
    }
    assert "use_bias" in Conv2D(2, 3, use_bias=False).get_config()


def test_the_numbers_of_a_name_are_those_of_keras():
    assert Dense(2, "leaky_relu").activation.negative_slope == 0.2
    assert LeakyReLU().negative_slope == 0.3
    assert Dense(2, "gelu").activation.approximate is False
    assert Dense(2, "linear").activation is None


def test_a_given_layer_is_not_shared():
    f = LeakyReLU(0.1)
    assert Dense(2, activation=f).activation is not f


def test_the_dtype_of_a_model_reaches_the_activation():
    model = Sequential([Dense(3, activation="tanh")], input_shape=(2,), dtype="float64")
    assert model.predict(np.ones((1, 2))).dtype == np.float64


@pytest.mark.parametrize(
    ("activation", "message"),
    [
        (
            "swish",
            "activation: expected one of gelu, leaky_relu, relu, sigmoid, softmax, tanh, or a layer, .*got 'swish'",
        ),
        (np.tanh, "got <ufunc 'tanh'>: a function has no backward pass"),
        (10, r"if 10 is the size of the output, after that of the input, as in PyTorch, write Dense\(10\)"),
        (Dropout(0.5), r"activation: expected one of .*got Dropout\(rate=0.5\)"),
    ],
)
def test_other_activations_are_refused(activation, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Dense(2, activation)


def test_an_activation_of_ones_own_draws_from_the_layers_numbers_and_is_told_of_a_training():
    class Noisy(nnlite.Layer):
        def forward(self, x, training=False):
            return x + self.rng.standard_normal(x.shape).astype(x.dtype) * training

    for make, x in ((lambda: Dense(2, Noisy(), seed=1), X), (lambda: Conv2D(2, 3, activation=Noisy(), seed=1), IMAGES)):
        one, other = make(), make()
        assert_same_bits(one.forward(x, training=True), other.forward(x, training=True))
        assert (one.forward(x, training=True) != one.forward(x)).any()


def test_an_activation_of_ones_own_whose_copy_would_lack_an_argument_is_refused():
    class Applies(nnlite.Layer):
        def __init__(self, f=None, **kwargs):
            super().__init__(**kwargs)

    with pytest.raises(TypeError, match=r"Applies: f: expected an attribute self\.f or a value that JSON can write"):
        Dense(2, Applies(abs))


def test_an_activation_of_ones_own_that_makes_weights_is_refused():
    class Scale(nnlite.Layer):
        def build(self, input_shape):
            self.params["s"], self.grads["s"] = np.ones(1, self.dtype), np.zeros(1, self.dtype)

        def forward(self, x):
            return x * self.params["s"]

    with pytest.raises(ValueError, match=r"dense: activation: expected a layer without weights .* got Scale with s"):
        Dense(2, Scale()).forward(X)


def test_a_step_of_its_own_in_every_text(capsys):
    model = Sequential([Conv2D(2, 3, activation="relu"), nnlite.Flatten(), Dense(3, "softmax")], input_shape=(4, 4, 1))
    model.summary()
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines() if "│" in line][:5] == [
        "conv2d", "relu", "flatten", "dense", "softmax",
    ]  # fmt: skip
    assert "  activation   ReLU(): the shape of the input" in model.explain()
    seen = trace(model, np.random.default_rng(0).standard_normal((2, 4, 4, 1)).astype("float32"), np.array([0, 1]))
    before, after = seen["conv2d"], seen["conv2d.relu"]
    assert (before["y"] < 0).any()
    assert_same_bits(after["y"], np.maximum(before["y"], 0))
    assert_same_bits(before["dy"], np.where(before["y"] > 0, after["dy"], 0))
    assert seen.loss is not None  # from probabilities, as the last step is a Softmax


@pytest.mark.parametrize("f", ["relu", "softmax", "gelu"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_derived_in_two_steps(f, use_bias):
    layer = Dense(3, f, use_bias=use_bias, seed=0)
    x, dy = (
        np.random.default_rng(0).standard_normal((2, 2, 4)).astype("float32")[..., :3],
        np.ones((2, 2, 3), "float32"),
    )
    dy[0] = 2
    dy[:, :, 0] = -1
    forward, backward = derive.forward(layer, x), derive.backward(layer, x, dy)
    assert list(forward.values) == ["z", "y"]
    assert list(backward.values) == ["dz", "dx", "dW", "db"][: 3 + use_bias]
    for derived in (forward, backward):
        assert derived.check().text.count("The layer computes the same.") == 2
        assert derived.text.index("Step 1") < derived.text.index("Step 2")
    np.testing.assert_allclose(forward.y, layer.forward(x), rtol=1e-5)
    np.testing.assert_allclose(backward.dx, layer.backward(dy), rtol=1e-4, atol=1e-6)
    assert derive.forward(layer, x, at=(0, 1, 2)).agrees
    assert list(derive.backward(layer, x, dy, at={"dz": (0, 0)}).values) == ["dz"]
    assert list(derive.backward(layer, x, dy, at={"dW": (0, 0)}).values) == ["dW"]


def test_both_steps_are_derived_in_the_layers_dtype():
    layer = Dense(2, "tanh", dtype="float64")
    layer.build((3,))
    assert "Tanh(), forward, float64" in derive.forward(layer, X.astype("float64")).text


def test_a_convolution_with_activation_is_derived():
    layer = Conv2D(1, 2, activation="tanh", seed=0)
    x = np.random.default_rng(0).standard_normal((1, 3, 3, 1)).astype("float32")
    assert derive.forward(layer, x).agrees
    assert derive.backward(layer, x, np.ones((1, 2, 2, 1), "float32")).agrees


def test_activation_makes_the_layer_of_a_name():
    assert repr(Activation("relu")) == "ReLU()"
    assert repr(Activation("leaky_relu", name="a")) == "LeakyReLU(negative_slope=0.2)"
    assert Activation("leaky_relu", name="a").name == "a"
    with pytest.raises(ValueError, match="activation: expected a name, got 'linear': leave the layer out"):
        Activation("linear")


def test_a_step_of_generated_text_goes_through_the_activation():
    layer = Dense(4, "softmax", use_bias=False, seed=0)
    x = np.random.default_rng(0).standard_normal((3, 5)).astype("float32")
    layer.build((5,))
    assert_same_bits(layer.stepper(3)(x), layer.forward(x))


def test_gradcheck_goes_through_the_activation():
    x = np.random.default_rng(0).standard_normal((3, 4))
    rows = gradcheck(Dense(2, "tanh", dtype="float64"), x).rows
    assert [row.name for row in rows] == ["input x", "parameter W", "parameter b"]


def test_pytorchs_spellings_of_gelu():
    torch = import_torch()
    x = np.linspace(-3, 3, 31)[None]
    for spelling in ("none", "tanh"):
        expected = torch.nn.GELU(spelling)(torch.tensor(x)).numpy()
        np.testing.assert_allclose(GELU(spelling, dtype="float64")(x), expected, rtol=1e-12, atol=1e-15)
    with pytest.raises(TypeError, match="approximate: expected True or False, got 'no'"):
        GELU("no")


def test_an_activation_can_be_set_at_any_time():
    x = np.random.default_rng(0).standard_normal((5, 3)).astype("float32")
    model = Sequential([Dense(4), Dense(2, "relu")], input_shape=(3,), seed=0)
    z = model.layers[0].forward(x)
    model.layers[0].activation = "tanh"
    assert_same_bits(model.layers[0].forward(x), nnlite.Tanh().forward(z))
    assert model.layers[0].get_config()["activation"] == "tanh"
    model.layers[1].activation = None
    model.compile("adam", nnlite.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, np.arange(5) % 2, verbose=0)
    assert isinstance(model.layers[0].activation, nnlite.Tanh)
    with pytest.raises(ValueError, match=r"activation: expected one of gelu, .*got 'swish'"):
        model.layers[1].activation = "swish"
    assert model.layers[1].activation is None


@pytest.mark.parametrize(("layer", "name", "shape"), [(Dense(4), "units", (3,)), (Conv2D(4, 3), "filters", (5, 5, 1))])
def test_a_size_is_settled_when_the_weights_are_made(layer, name, shape):
    setattr(layer, name, 6)
    layer.build(shape)
    assert layer.params["W"].shape[-1] == getattr(layer, name) == layer.get_config()[name] == 6
    setattr(layer, name, 6)  # which it is
    with pytest.raises(ValueError, match=rf"{name}: expected 6, as the weights of .* got 16: make a new layer, .*\(16"):
        setattr(layer, name, 16)
    assert getattr(layer, name) == 6


def test_what_the_weights_are_made_for_can_be_set_to_what_it_is():
    layer = Dense(2)
    layer.dtype = "float64"
    layer.build((3,))
    layer.dtype, layer.use_bias = "float64", True
    assert (layer.dtype.name, layer.use_bias) == ("float64", True)
