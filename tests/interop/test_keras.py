"""Weights and models of Keras, there and back: random ones compute the same, and learn the same in a step of training.

Keras 3 computes on PyTorch here, in float64.
"""

import copy
import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from chain import import_torch
from drawn_models import keras_model
from extras import import_extra
from keras_float64 import keras_in_float64  # noqa: F401  a fixture of all tests here

import nnlite
from nnlite import LSTM, SGD, Bidirectional, Conv2D, Dense, Sequential, layers
from nnlite.interop import WeightsError, from_keras, to_keras

os.environ.setdefault("KERAS_BACKEND", "torch")
torch = import_torch()
keras = import_extra("keras", "peers")
h5py = import_extra("h5py", "keras")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of Keras with NumPy 2
    pytest.mark.filterwarnings("ignore:Exception encountered when calling"),  # of a softmax of one number
]


def close(ours, theirs, what=""):
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-10, err_msg=what)


def new(model, seed=9):
    """The same model with other weights."""
    return Sequential.from_config(model.get_config(), seed=seed)


def numbers(theirs, x):
    return theirs(x).detach().numpy()


def learns_alike(theirs):
    """Whether both have the same parameters: what Keras leaves out is there in ours, and learns."""
    for layer in theirs.layers:
        config = layer.get_config()
        inner = config.get("layer") or {"config": config}
        is_recurrent = "return_sequences" in inner["config"]
        if (is_recurrent and not inner["config"]["use_bias"]) or {config.get("center"), config.get("scale")} & {False}:
            return False
    return True


SEEDS = [*range(12), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(12, 300))]


@pytest.mark.filterwarnings("ignore:(?s).*softmax over axis -1 .* has size 1")
@pytest.mark.parametrize("seed", SEEDS)
def test_random_models(seed, tmp_path):
    rng = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    theirs, x = keras_model(keras, rng)
    y = numbers(theirs, x)
    archive, weights = tmp_path / "a.keras", tmp_path / "a.weights.h5"
    theirs.save(archive)
    theirs.save_weights(weights)

    ours = from_keras(archive)
    close(ours.predict(x), y, "a model from a .keras file")
    close(from_keras(theirs, new(ours)).predict(x), y, "weights of a live model")
    try:
        close(from_keras(weights, new(ours)).predict(x), y, "weights alone")
    except WeightsError as error:  # which some of the drawn models raise
        if not ("cannot be told from the shapes" in str(error) or "does not say" in str(error)):
            raise

    ours.compile(SGD(0.125), "mse")
    theirs.compile(keras.optimizers.SGD(0.125), "mse")
    target = rng.standard_normal(y.shape)
    try:
        loss = theirs.train_on_batch(x, target)
    except RuntimeError:  # PyTorch has no gradient of some convolutions that Keras makes of one pixel
        return
    close(ours.train_on_batch(x, target), float(loss))
    if learns_alike(theirs):
        stepped = from_keras(theirs)
        for name, array in {**stepped.params, **stepped.statistics}.items():
            close({**ours.params, **ours.statistics}[name], array, f"{name} after a step")
        y, other = ours.predict(x), keras.Sequential.from_config(theirs.get_config())
        other(x)
        to_keras(ours, tmp_path / "b.weights.h5", like=archive)
        other.load_weights(tmp_path / "b.weights.h5")
        close(y, numbers(other, x), "weights for layers of Keras' own classes")

    y = ours.predict(x)
    to_keras(ours, tmp_path / "c.keras")
    other = keras.saving.load_model(tmp_path / "c.keras")
    close(y, numbers(other, x), "a model to Keras")
    other.set_weights([0 * w for w in other.get_weights()])
    to_keras(ours, tmp_path / "c.weights.h5")
    other.load_weights(tmp_path / "c.weights.h5")
    close(y, numbers(other, x), "weights to Keras")
    close(y, from_keras(tmp_path / "c.keras").predict(x), "there and back")


OURS = {
    "a text model": ([LSTM(3, return_sequences=True, input_dim=5), Dense(5)], (4,)),
    "one-hot vectors": ([layers.OneHot(5), layers.GRU(3), Dense(5)], (4,)),
    "both directions of ids": ([layers.Bidirectional(LSTM(3, input_dim=5), "ave"), Dense(2)], (4,)),
    "paddings": (
        [Conv2D(3, 2, padding=((1, 0), (2, 1))), layers.AvgPool2D(2, padding=1, count_include_pad=True)],
        (4, 5, 2),
    ),
    "activations": (
        [Dense(3, activation=layers.LeakyReLU(0.1)), Dense(3, "gelu"), layers.LeakyReLU(0.3), layers.Sigmoid()],
        (4,),
    ),
    "regularizers": ([Dense(3, kernel_regularizer="l2", bias_regularizer=nnlite.regularizers.L1(0.5))], (4,)),
    "frozen": ([Dense(3, trainable=False), layers.BatchNorm(), layers.Dropout(0.5)], (4,)),
    "models in models": ([Sequential([Dense(3), Sequential([Dense(2), layers.Tanh()])]), Dense(2)], (4,)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OURS)
def test_our_models(name, dtype, tmp_path):
    parts, shape = copy.deepcopy(OURS[name])
    model = Sequential(parts, shape, dtype, seed=3)
    is_ids = model.ids_below(np.zeros((1,) * (len(shape) + 1), int)) is not None
    rng = np.random.default_rng(3)
    x = rng.integers(5, size=(3, *shape)) if is_ids else rng.standard_normal((3, *shape))
    to_keras(model, tmp_path / "a.keras")
    theirs = keras.saving.load_model(tmp_path / "a.keras")
    exact = {"rtol": 1e-9, "atol": 1e-10} if dtype == "float64" else {"rtol": 1e-5, "atol": 1e-6}
    np.testing.assert_allclose(model.predict(x), numbers(theirs, x), **exact)
    assert {str(w.dtype) for w in theirs.weights} <= {dtype}
    assert [w.trainable for w in theirs.weights if not w.trainable] or name not in ("frozen", "a text model")
    again = from_keras(tmp_path / "a.keras")
    assert again.dtype == dtype
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    theirs.set_weights([0 * w for w in theirs.get_weights()])
    to_keras(model, theirs)
    np.testing.assert_allclose(model.predict(x), numbers(theirs, x), **exact)
    if name == "regularizers":
        assert [again.layers[0].kernel_regularizer.l2, again.layers[0].bias_regularizer.l1] == [0.01, 0.5]
    if name == "frozen":
        assert not again.layers[0].trainable


def test_names_that_a_backend_refuses_are_changed(tmp_path):
    """Keras' backend PyTorch takes no "." in a name. Models from ONNX files have such names."""
    inner = Sequential([Dense(2, name="c.d")], name="in.ner")
    parts = [Dense(3, name="a.b"), Dense(2, name="a_b"), inner, layers.TimeDistributed(Dense(2), name="e.f")]
    model = Sequential(parts, (3, 4), name="model.onnx")
    to_keras(model, tmp_path / "a.keras")
    theirs = keras.saving.load_model(tmp_path / "a.keras")
    assert [layer.name for layer in theirs.layers] == ["a_b_", "a_b", "in_ner", "e_f"]
    x = np.random.default_rng(3).standard_normal((2, 3, 4)).astype(np.float32)
    np.testing.assert_allclose(model.predict(x), numbers(theirs, x), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(from_keras(tmp_path / "a.keras").predict(x), model.predict(x))


def test_a_name_may_end_in_an_underscore(tmp_path):
    """A Bidirectional's arrays are named so: bidirectional.forward_Wx."""
    model = Sequential([layers.Bidirectional(LSTM(2), name="both_"), Dense(2, name="dense_")], (3, 4))
    for name in ("a.keras", "a.weights.h5"):
        to_keras(model, tmp_path / name)
        other = new(model)
        from_keras(tmp_path / name, other)
        np.testing.assert_array_equal(other.params["dense_.W"], model.params["dense_.W"])


def test_equal_models_give_equal_files(tmp_path):
    for name in ("a.keras", "b.keras", "a.weights.h5", "b.weights.h5"):
        to_keras(Sequential([LSTM(3), Dense(2)], (4, 2), seed=1), tmp_path / name)
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()
    assert (tmp_path / "a.weights.h5").read_bytes() == (tmp_path / "b.weights.h5").read_bytes()


def test_a_graph_that_is_a_row(tmp_path):
    x = keras.Input((5,))
    theirs = keras.Model(x, keras.layers.Dense(2)(keras.layers.Dense(3, activation="relu")(x)))
    theirs.save(tmp_path / "a.keras")
    inputs = np.random.default_rng(3).standard_normal((3, 5))
    close(from_keras(tmp_path / "a.keras").predict(inputs), numbers(theirs, inputs))


def saved(tmp_path, *parts, shape=(4,)):
    keras.Sequential([keras.Input(shape), *parts]).save(tmp_path / "a.keras")
    return tmp_path / "a.keras"


def test_layers_of_several_dtypes_are_named(tmp_path):
    """They are no damage: Keras converts between them."""
    L = keras.layers
    path = saved(
        tmp_path, L.Dense(3, name="a"), L.Bidirectional(L.LSTM(2)), L.Dense(2, dtype="float32", name="b"), shape=(4, 1)
    )
    with pytest.raises(
        WeightsError, match=r"a.keras: expected layers of one dtype, .*, got float64 in .* and float32 in b: "
    ):
        from_keras(path)
    assert from_keras(path, Sequential([Dense(3), layers.Bidirectional(LSTM(2)), Dense(2)], (4, 1))).dtype == "float32"


def test_what_has_no_counterpart_is_listed(tmp_path):
    L = keras.layers
    path = saved(
        tmp_path,
        L.Conv1D(3, 2, name="slide"),
        L.LSTM(3, activation="relu", return_sequences=True),
        L.GRU(3, recurrent_dropout=0.5, return_sequences=True),
        L.Dense(3, activation="elu", name="curved"),
        L.Bidirectional(L.LSTM(2, return_sequences=True), merge_mode="sum"),
        L.LayerNormalization(axis=1),
        L.Dense(2, kernel_constraint="non_neg"),
        shape=(6, 4),
    )
    with pytest.raises(WeightsError) as caught:
        from_keras(path)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"from_keras: {path}: 6 of the layers have no counterpart here:"
    assert lines[1].startswith("  Conv1D slide: nnlite has no Conv1D: there is no 1-D layer here: make x (N, T, 1, C)")
    assert lines[1].endswith("use Conv2D(filters, (size, 1))")  # the whole advice
    assert lines[2].endswith("activation='relu': nnlite's LSTM has 'tanh'")
    assert "recurrent_dropout=0.5: nnlite has no such argument" in lines[3]
    assert lines[4] == "  Dense curved: activation='elu': nnlite has no such activation: use LeakyReLU() or GELU()"
    assert lines[5].endswith("axis=1: nnlite's LayerNorm has -1") or "axis=[1]" in lines[5]
    assert "kernel_constraint=NonNeg: nnlite has no such argument" in lines[6]
    path = saved(tmp_path, L.Rescaling(1 / 255), L.Dense(2), shape=(4,))
    with pytest.raises(WeightsError, match=r"nnlite has no Rescaling: divide x before it is given"):
        from_keras(path)
    path = saved(tmp_path, L.Embedding(5, 2, mask_zero=True), L.LSTM(2), shape=(4,))
    with pytest.raises(
        WeightsError, match=r"mask_zero=True: nnlite has no such argument: give fit lengths=... instead"
    ):
        from_keras(path)


def test_a_graph_with_branches_is_refused(tmp_path):
    x = keras.Input((4,))
    y = keras.layers.Dense(4)(x)
    keras.Model(x, keras.layers.Add()([x, y])).save(tmp_path / "a.keras")
    with pytest.raises(WeightsError, match=r"has other inputs than the layer before it(.|\n)*nnlite has no Add"):
        from_keras(tmp_path / "a.keras")
    keras.Model(x, [y, keras.layers.Dense(2)(y)]).save(tmp_path / "a.keras")
    with pytest.raises(WeightsError, match="its outputs are"):
        from_keras(tmp_path / "a.keras")


class TestNothingIsHalfLoaded:
    def refused(self, path, model, *words):
        before = {name: array.copy() for name, array in {**model.params, **model.statistics}.items()}
        with pytest.raises(WeightsError) as caught:
            from_keras(path, model)
        for word in words:
            assert word in str(caught.value)
        for name, array in {**model.params, **model.statistics}.items():
            np.testing.assert_array_equal(array, before[name])

    def test_other_shapes(self, tmp_path):
        path = saved(tmp_path, keras.layers.Dense(3), keras.layers.Dense(2, name="last"))
        model = Sequential([Dense(3), Dense(5)], input_shape=(4,))
        line = "layers/dense_1/vars/0: expected (3, 5), as dense_1.W of Dense(units=5) is (3, 5), got (3, 2)"
        self.refused(path, model, str(path), line, "layers/dense_1/vars/1: expected (5,)")

    def test_other_layers(self, tmp_path):
        path = saved(tmp_path, keras.layers.Dense(3), keras.layers.Dense(2, name="last"))
        model = Sequential([Dense(3), layers.LayerNorm(), Dense(2)], input_shape=(4,))
        self.refused(path, model, "the layers with weights are not the same", "Dense last", "LayerNorm() layer_norm")

    def test_weights_alone(self, tmp_path):
        theirs = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)])
        theirs.save_weights(tmp_path / "a.weights.h5")
        model = Sequential([Dense(3), layers.BatchNorm(), Dense(3), Dense(2)], input_shape=(4,))
        words = "layers/batch_normalization/vars/0: expected (3,), for batch_norm.gamma", "got none"
        self.refused(tmp_path / "a.weights.h5", model, *words)
        model = Sequential([Dense(3)], input_shape=(4,))
        self.refused(tmp_path / "a.weights.h5", model, "layers/dense_1/vars/0 (3, 2): no weight of the model takes it")
        with pytest.raises(WeightsError, match=r"does not say which layers they are of: give a model"):
            from_keras(tmp_path / "a.weights.h5")

    def test_numbers_that_are_too_large(self, tmp_path):
        theirs = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        theirs.set_weights([np.full((1, 1), 1e300), np.zeros(1)])
        theirs.save(tmp_path / "a.keras")
        self.refused(tmp_path / "a.keras", Sequential([Dense(1)], (1,)), "give the model dtype='float64'")


def test_what_is_no_target(tmp_path):
    model = Sequential([Dense(2)], input_shape=(3,))
    with pytest.raises(ValueError, match=r"ends in \.keras, for the model, or in \.weights\.h5"):
        to_keras(model, tmp_path / "a.h5")
    with pytest.raises(ValueError, match="not built"):
        to_keras(Sequential([Dense(2)]), tmp_path / "a.keras")
    with pytest.raises(TypeError, match="expected a Sequential, got Dense"):
        to_keras(Dense(2), tmp_path / "a.keras")
    with pytest.raises(TypeError, match="the path of a file, or a model of Keras, got int"):
        from_keras(3)
    with pytest.raises(FileNotFoundError):
        from_keras(tmp_path / "nothing.keras")


class Own(nnlite.Layer):
    def forward(self, x, training=False):
        return x

    def backward(self, dy):
        return dy


def test_our_layers_without_counterpart_are_listed(tmp_path):
    parts = [Own(), layers.MaxPool2D(2, padding=1), layers.GELU(approximate=True), layers.Flatten(), Dense(2)]
    model = Sequential(parts, input_shape=(4, 4, 1))
    with pytest.raises(WeightsError, match=r"3 of the layers(.|\n)*your own(.|\n)*padding=1(.|\n)*approximate=True"):
        to_keras(model, tmp_path / "a.keras")
    assert not [*tmp_path.iterdir()]
    to_keras(model, tmp_path / "a.weights.h5")  # where they have none
    assert [*h5py.File(tmp_path / "a.weights.h5")["layers"]] == ["dense"]


def test_convolutions_of_weights_alone_may_be_told(tmp_path):
    L, rng = keras.layers, np.random.default_rng(3)
    theirs = keras.Sequential([keras.Input((6, 6, 2)), L.DepthwiseConv2D(2), L.SeparableConv2D(4, 3), L.Conv2D(2, 1)])
    parts = [Conv2D(2, 2, groups=2), Conv2D(2, 3, groups=2, use_bias=False), Conv2D(4, 1), Conv2D(2, 1)]
    model = Sequential(parts, input_shape=(6, 6, 2), dtype="float64")
    theirs.save_weights(tmp_path / "a.weights.h5")
    x = rng.standard_normal((2, 6, 6, 2))
    close(from_keras(tmp_path / "a.weights.h5", model).predict(x), numbers(theirs, x))
    both = keras.Sequential([keras.Input((6, 6, 2)), L.DepthwiseConv2D(2), L.Conv2D(2, 2, groups=2)])
    both.save_weights(tmp_path / "b.weights.h5")
    model = Sequential([Conv2D(2, 2, groups=2), Conv2D(2, 2, groups=2)], input_shape=(6, 6, 2))
    # which of the two comes first
    with pytest.raises(WeightsError, match="cannot be told from the shapes: save the model by"):
        from_keras(tmp_path / "b.weights.h5", model)


def test_the_older_format_is_named(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["layer_names"] = ["dense"]
    with pytest.raises(WeightsError, match="older HDF5 format"):
        from_keras(tmp_path / "a.h5", Sequential([Dense(2)], input_shape=(3,)))


def test_h5py_alone_is_needed(tmp_path):
    """A process that has neither Keras nor PyTorch."""
    saved(tmp_path, keras.layers.LSTM(3), shape=(5, 2))
    program = f"""
import sys
sys.modules["keras"] = sys.modules["torch"] = sys.modules["tensorflow"] = None
from nnlite.interop import from_keras, to_keras
model = from_keras({str(tmp_path / "a.keras")!r})
to_keras(model, {str(tmp_path / "b.keras")!r})
print(model)
sys.modules["h5py"] = None
try:
    to_keras(model, {str(tmp_path / "b.keras")!r})
except ImportError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == [
        "Sequential([LSTM(units=3)])",
        "to_keras: files of Keras need the package h5py: pip install 'nnlite-learn[keras]'",
    ]
    assert json.loads(zipfile.ZipFile(tmp_path / "b.keras").read("metadata.json"))["keras_version"]
    keras.saving.load_model(tmp_path / "b.keras")


def test_settings_are_compared(tmp_path):
    L = keras.layers
    for theirs, ours, shape, words in (
        (L.BatchNormalization(epsilon=1e-5), layers.BatchNorm(), (3,), "epsilon is 0.001 here and 1e-05 in"),
        (L.LayerNormalization(epsilon=1e-5), layers.LayerNorm(), (3,), "layer_norm: epsilon is 0.001 here and 1e-05"),
        (L.Conv2D(2, 3, strides=2), Conv2D(2, 3), (6, 6, 1), "strides is (1, 1) here and (2, 2) in"),
        (L.Conv2D(2, 3, dilation_rate=2), Conv2D(2, 3), (6, 6, 1), "dilation_rate is (1, 1) here and (2, 2) in"),
        (L.Conv2D(2, 3, strides=2, padding="same"), Conv2D(2, 3, strides=2, padding=1), (6, 6, 1), "((0, 1), (0, 1))"),
        (L.Dense(3, activation="elu"), Dense(3, "relu"), (3,), "dense: activation is relu here and elu in"),
        (L.Dense(3, activation="relu"), Dense(3), (3,), "activation is none here and relu in"),
        (L.SimpleRNN(3, activation="relu"), layers.RNN(3), (4, 3), "activation is tanh here and relu in"),
        (L.LSTM(3, activation="relu"), LSTM(3), (4, 3), "lstm: activation is tanh here and relu in"),
        (L.LSTM(3, go_backwards=True), LSTM(3), (4, 3), "go_backwards is False here and True in"),
    ):
        net = keras.Sequential([keras.Input(shape), theirs])
        model = Sequential([ours], input_shape=shape, seed=0)
        before = {name: array.copy() for name, array in model.params.items()}
        net.save(tmp_path / "a.keras")
        for call in (
            lambda model=model, net=net: from_keras(net, model),
            lambda model=model: from_keras(tmp_path / "a.keras", model),
            lambda model=model, net=net: to_keras(model, net),
        ):
            with pytest.raises(WeightsError) as caught:
                call()
            assert words in str(caught.value)
        assert all((model.params[name] == array).all() for name, array in before.items())
    net = keras.Sequential([keras.Input((3,)), L.Dense(3, activation="relu"), L.LeakyReLU(0.1), L.Dense(2, "softmax")])
    model = Sequential([Dense(3, "relu"), layers.LeakyReLU(0.3), Dense(2)], input_shape=(3,))
    with pytest.raises(WeightsError, match=r"is relu, LeakyReLU\(0.3\) here and relu, LeakyReLU\(0.1\) in"):
        from_keras(net, model)


def test_a_target_is_given():
    model = Sequential([Dense(2)], input_shape=(3,))
    for given, words in (((), "none"), ((3,), "int")):
        with pytest.raises(TypeError, match=rf"to_keras: target: expected .*, got {words}: write to_keras\(model, 'mo"):
            to_keras(model, *given)


def test_both_layers_of_bidirectional_are_written(tmp_path):
    """Keras would make the second one by itself, and can mix it up with that of another Bidirectional."""
    to_keras(Sequential([Bidirectional(LSTM(2))], (3, 4)), tmp_path / "a.keras")
    with zipfile.ZipFile(tmp_path / "a.keras") as archive:
        config = json.loads(archive.read("config.json"))
    inside = config["config"]["layers"][-1]["config"]
    assert [inside[key]["config"]["go_backwards"] for key in ("layer", "backward_layer")] == [False, True]
