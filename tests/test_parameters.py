"""Parameters of layers and models lose nothing that is set."""

import copy
import pickle

import numpy as np
import pytest

import nnlite


def model():
    layers = [nnlite.Dense(3), nnlite.BatchNorm(), nnlite.Dense(2, name="dense.W")]
    return nnlite.Sequential(layers, input_shape=(4,), seed=0)


def test_what_is_set_in_a_model_is_copied_into_its_layer():
    network, W = model(), np.arange(12.0).reshape(4, 3)
    array = network.layers[0].params["W"]
    network.params["dense.W"] = W  # float64, which is what NumPy makes
    assert network.layers[0].params["W"] is array
    np.testing.assert_array_equal(array, W)
    assert array.dtype == np.float32
    network.params["dense.W.W"] = np.zeros((3, 2))
    assert not network.layers[2].params["W"].any()
    np.testing.assert_array_equal(array, W)
    network.params.update({"dense.b": [7, 7, 7]})
    assert network.layers[0].params["b"].tolist() == [7, 7, 7]
    network.statistics["batch_norm.moving_mean"] = np.full(3, 5.0)
    assert network.layers[1].statistics["moving_mean"].tolist() == [5, 5, 5]
    network.params["dense.b"] *= 2
    assert network.layers[0].params["b"].tolist() == [14, 14, 14]
    array[...] = 0
    assert W.any(), "the user's own array is the user's"


def test_a_model_that_got_the_weights_of_another_goes_its_own_way():
    first, second, x = model(), model(), np.ones((8, 4), "float32")
    for key, param in first.params.items():
        second.params[key] = param
    before = first.predict(x)
    second.compile("sgd", "mse")
    second.fit(x, np.ones((8, 2), "float32"), verbose=0)
    np.testing.assert_array_equal(first.predict(x), before)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.zeros((3, 4)), ValueError, r"params: dense.W: expected shape \(4, 3\), got \(3, 4\)"),
        (0, ValueError, r"params: dense.W: expected shape \(4, 3\), got \(\)"),
        ("a", TypeError, "params: dense.W: expected numbers, got str"),
        (np.zeros((4, 3), complex), TypeError, "params: dense.W: expected numbers, got an array of complex"),
        (None, TypeError, "params: dense.W: expected numbers, got NoneType"),
        (np.ma.masked_array(np.zeros((4, 3))), TypeError, "params: dense.W: expected numbers, got a masked array"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_set(value, error, message):
    network = model()
    before = {key: param.copy() for key, param in network.params.items()}
    with pytest.raises(error, match=message):
        network.params.update({"dense.b": np.ones(3), "dense.W": value})
    for key, param in network.params.items():
        np.testing.assert_array_equal(param, before[key])


def test_two_parameters_can_be_exchanged():
    network = model()
    network.params.update({"batch_norm.gamma": [1, 2, 3], "dense.b": [4, 5, 6]})
    params = network.params
    params.update({"batch_norm.gamma": params["dense.b"], "dense.b": params["batch_norm.gamma"]})
    assert params["dense.b"].tolist() == [1, 2, 3]
    assert params["batch_norm.gamma"].tolist() == [4, 5, 6]


def test_all_at_once():
    network = model()
    network.params |= {"dense.b": np.full(3, 7, "float32")}
    assert network.layers[0].params["b"].tolist() == [7, 7, 7]
    with pytest.raises(AttributeError, match="params: expected arrays to be set by name"):
        network.params = {"dense.b": np.zeros(3)}


def test_a_name_is_that_of_a_layer_and_not_of_one_within_a_model_before_it():
    network = nnlite.Sequential([nnlite.Sequential([nnlite.Dense(3)]), nnlite.Dense(3)], input_shape=(3,))
    network.params["dense.b"] = [7, 7, 7]
    assert network.layers[1].params["b"].tolist() == [7, 7, 7]
    assert not network.params["sequential.dense.b"].any()


def test_many_layers_of_one_name_are_numbered_quickly():
    layers = [nnlite.ReLU() for _ in range(20_000)]
    names = [layer.name for layer in nnlite.Sequential([*layers, nnlite.ReLU(name="relu_7")]).layers]
    assert names[:3] == ["relu", "relu_1", "relu_2"]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("kind", ["params", "grads"])
@pytest.mark.parametrize(
    "lose",
    [
        lambda arrays: arrays.__setitem__("dense.w", 1),
        lambda arrays: arrays.update({"dense.w": 1}),
        lambda arrays: arrays.setdefault("dense.w", 1),
        lambda arrays: arrays.__ior__({"dense.w": 1}),
    ],
)
def test_a_misspelt_name_is_an_error_that_lists_those_that_there_are(kind, lose):
    arrays = getattr(model(), kind)
    with pytest.raises(KeyError, match=rf"{kind}: expected one of dense.W, dense.b, .*, got 'dense.w'"):
        lose(arrays)


@pytest.mark.parametrize(
    "lose",
    [
        lambda arrays: arrays.pop("dense.W"),
        lambda arrays: arrays.popitem(),
        lambda arrays: arrays.clear(),
        lambda arrays: arrays.__delitem__("dense.W"),
    ],
)
def test_nothing_is_removed_from_a_model_in_silence(lose):
    with pytest.raises(TypeError, match="params: expected new values, not a removal"):
        lose(model().params)


def test_gradients_are_0_before_the_first_backward():
    assert not any(gradient.any() for gradient in model().grads.values())


def test_a_misspelt_name_of_a_layer():
    layer = nnlite.Dense(2)
    with pytest.raises(KeyError, match=r"expected a layer that is built, by build\(input_shape\)"):
        layer.params["W"] = np.ones((1, 2))
    layer.build((1,))
    with pytest.raises(KeyError, match="params: expected one of W, b, got 'kernel'"):
        layer.params["kernel"] = np.ones((1, 2))


def test_a_layer_of_ones_own_names_its_parameters():
    class Scaled(nnlite.Dense):
        def build(self, input_shape):
            super().build(input_shape)
            self.params["scale"], self.grads["scale"] = np.ones(1, "float32"), np.zeros(1, "float32")

    network = nnlite.Sequential([Scaled(2)], input_shape=(1,))
    network.params["scaled.scale"] = np.full(1, 3, "float32")
    assert network.layers[0].params["scale"].tolist() == [3]


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda a: pickle.loads(pickle.dumps(a))])
def test_copies(copied):
    layer = copied(model().layers[0])
    with pytest.raises(KeyError, match="expected one of W, b, got 'w'"):
        layer.params["w"] = 1
    params = copied(model().params)
    assert list(params) == list(model().params)
