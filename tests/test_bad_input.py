"""Bad input is refused before a kernel runs: the kernels trust the sizes that they are given.

What one layer or function alone is asked, its own test file asks. Here are, first, the ways around the checks: arrays
that were exchanged or changed after they had been checked; without the checks, most of these read or write memory that
belongs to somebody else. Then, what a whole model says to what a user may give it.
"""

import re
import warnings

import numpy as np
import pytest
from numeric import assert_same_bits

import nnlite
from nnlite import (
    GELU,
    GRU,
    LSTM,
    RNN,
    SGD,
    AvgPool2D,
    BatchNorm,
    Bidirectional,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAvgPool2D,
    GlobalMaxPool2D,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    OneHot,
    ReLU,
    RepeatVector,
    Reshape,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
    ZeroPadding2D,
)
from nnlite.callbacks import BackupAndRestore, ModelCheckpoint, ProgressBar

FLOATS = np.ones((2, 3, 4), "float32")
SLOPE = np.arange(24, dtype="float32").reshape(2, 3, 4)
IDS = np.array([[0, 1, 2], [3, 3, 0]])
IMAGES = np.ones((2, 4, 5, 4), "float32")

# Name -> a maker, and what the layer reads.
LAYERS = {
    "Bidirectional": (lambda **kw: Bidirectional(LSTM(5, return_sequences=True), **kw), FLOATS),
    "Bidirectional on ids": (lambda **kw: Bidirectional(RNN(5, input_dim=4), "sum", **kw), IDS),
    "Conv2D": (lambda **kw: Conv2D(6, 2, groups=2, **kw), IMAGES),
    "Dense": (lambda **kw: Dense(5, **kw), FLOATS),
    "Embedding": (lambda **kw: Embedding(4, 5, **kw), IDS),
    "LSTM": (lambda **kw: LSTM(5, return_sequences=True, **kw), FLOATS),
    "RNN": (lambda **kw: RNN(5, return_sequences=True, **kw), FLOATS),
    "RNN on ids": (lambda **kw: RNN(5, input_dim=4, **kw), IDS),
    "GRU": (lambda **kw: GRU(5, return_sequences=True, **kw), FLOATS),
    "GRU on ids": (lambda **kw: GRU(5, input_dim=4, **kw), IDS),
    "LSTM on ids": (lambda **kw: LSTM(5, input_dim=4, **kw), IDS),
    "OneHot": (lambda **kw: OneHot(4, **kw), IDS),
    "Dropout": (lambda **kw: Dropout(0.5, **kw), FLOATS),
    "ReLU": (ReLU, FLOATS),
    "Sigmoid": (Sigmoid, FLOATS),
    "Softmax": (Softmax, FLOATS),
    "Tanh": (Tanh, FLOATS),
    "BatchNorm": (BatchNorm, FLOATS),
    "LayerNorm": (LayerNorm, SLOPE),
    "LeakyReLU": (LeakyReLU, FLOATS),
    "GELU": (GELU, FLOATS),
    "Flatten": (Flatten, FLOATS),
    "Reshape": (lambda **kw: Reshape((12,), **kw), FLOATS),
    "MaxPool2D": (MaxPool2D, IMAGES),
    "AvgPool2D": (AvgPool2D, IMAGES),
    "GlobalMaxPool2D": (GlobalMaxPool2D, IMAGES),
    "GlobalAvgPool2D": (GlobalAvgPool2D, IMAGES),
    "ZeroPadding2D": (ZeroPadding2D, FLOATS[..., None]),
}
BOTH = [f"{direction}_{name}" for direction in ("forward", "backward") for name in ("Wx", "Wh", "b")]
PARAMS = [("Dense", "W"), ("Dense", "b"), ("Embedding", "W")]
PARAMS += [(name, n) for name in ("Bidirectional", "Bidirectional on ids") for n in BOTH]
PARAMS += [(name, n) for name in ("BatchNorm", "LayerNorm") for n in ("gamma", "beta")]
RECURRENT = ["RNN", "GRU", "LSTM"]
PARAMS += [(name + on, n) for name in RECURRENT for on in ("", " on ids") for n in ("Wx", "Wh", "b")]
PARAMS += [("Conv2D", n) for n in ("W", "b")]

# Name -> what is put in the place of an array, and the error.
EXCHANGES = {
    "longer": (lambda a: np.concatenate([a, a], axis=-1), ValueError, "expected shape as built"),
    "shorter": (lambda a: a[..., :-1].copy(), ValueError, "expected shape as built"),
    "more rows": (lambda a: np.concatenate([a, a]), ValueError, "expected shape as built"),
    "another dtype": (lambda a: a.astype("float64"), TypeError, "array of float32, got <f8: use np.ascontiguousarray"),
    "integers": (lambda a: a.astype(int), TypeError, "array of float32, got <i8: use np.ascontiguousarray"),
    "another byte order": (lambda a: a.astype(">f4"), TypeError, "array of float32, got >f4: use np.ascontiguousarray"),
    "strided": (
        lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
        ValueError,
        r"expected a C-contiguous array of float32, got another layout: use np\.ascontiguousarray\(\.\.\., 'float32'\)",
    ),
    "list": (lambda a: a.tolist(), TypeError, "array of float32, got list: use np.ascontiguousarray"),
    "masked": (np.ma.masked_array, TypeError, r"expected numbers, got a masked array: use \S+\.filled\(0\)"),
    "nothing": (lambda a: None, TypeError, "expected numbers, got NoneType"),
}

layers = pytest.mark.parametrize("name", LAYERS)
params = pytest.mark.parametrize(("name", "param"), PARAMS)
recurrent = pytest.mark.parametrize("name", RECURRENT)
exchanges = pytest.mark.parametrize("exchange", EXCHANGES)


def made(name):
    """A layer that has seen its input, the input, and the output."""
    make, x = LAYERS[name]
    layer = make(seed=0)
    return layer, x, layer.forward(x)


@exchanges
@params
def test_parameters_of_other_sizes(name, param, exchange):
    layer, x, y = made(name)
    change, error, message = EXCHANGES[exchange]
    layer.params[param] = change(layer.params[param])
    message = rf"\w+\.params\['{param}'\]: .*{message}"
    with pytest.raises(error, match=message):
        layer.forward(x)
    if name != "Embedding" and param != "beta":  # which backward does not read
        with pytest.raises(error, match=message):
            layer.backward(y)
    if name.split()[0] in RECURRENT:
        with pytest.raises(error, match=message):
            layer.step(x[:, 0])


@exchanges
@params
def test_gradients_of_other_sizes(name, param, exchange):
    layer, _, y = made(name)
    change, error, message = EXCHANGES[exchange]
    layer.grads[param] = change(layer.grads[param])
    with pytest.raises(error, match=rf"\w+\.grads\['{param}'\]: .*{message}"):
        layer.backward(y)


@params
def test_parameters_of_the_same_size_are_taken(name, param):
    layer, x, y = made(name)
    layer.params[param] = layer.params[param] + 1
    assert not np.array_equal(layer.forward(x), y)


@pytest.mark.parametrize("value", [1, 1000])
@pytest.mark.parametrize(
    "attribute",
    [
        *("Conv2D.filters", "Conv2D.groups", "Dense.units", "Embedding.units", "Embedding.vocabulary_size"),
        *("LSTM.units", "GRU.units", "RNN.units"),
    ],
)
def test_sizes_that_cannot_change_after_building(attribute, value):
    name, attribute = attribute.split(".")
    layer, x, y = made(name)
    with pytest.raises(
        ValueError,
        match=rf"{attribute}: (expected \d+, as the weights of .* made for it, got {value}|1000 does not div)",
    ):
        setattr(layer, attribute, value)
    assert_same_bits(layer.forward(x), y)


def test_units_of_a_recurrent_layer_can_change_until_it_is_built():
    layer = LSTM(5, seed=0)
    with pytest.raises(ValueError, match="units: expected a whole number of at least 1, got 'a'"):
        layer.units = "a"
    layer.units = 6
    x = np.ones((2, 3, 4), "float32")
    assert_same_bits(layer.forward(x), LSTM(6, seed=0).forward(x))


@pytest.mark.parametrize("attribute", ["size", "strides", "dilation"])
@pytest.mark.parametrize("name", ["Conv2D", "MaxPool2D", "AvgPool2D"])
def test_the_window_of_a_layer_cannot_change(name, attribute):
    with pytest.raises(AttributeError, match=attribute):
        setattr(made(name)[0].window, attribute, (9, 9))


@pytest.mark.parametrize("make", [lambda s: np.ones((1, 1)), lambda s: np.ones(s).T, lambda s: 0.0])
def test_initializers_that_make_another_shape(make):
    with pytest.raises(ValueError, match=r"Dense: parameter W: expected shape \(4, 5\) from its initializer, got"):
        Dense(5, kernel_initializer=lambda shape, rng: make(shape)).forward(FLOATS)


@pytest.mark.parametrize("state", [np.zeros((1, 5), "f4"), np.zeros((2, 4), "f4"), np.zeros((2, 5), complex), None])
def test_a_step_checks_the_state(state):
    layer, x, _ = made("LSTM")
    layer.state = (np.zeros((2, 5), "float32"), state)
    with pytest.raises((TypeError, ValueError), match="state c: expected"):
        layer.step(x[:, 0])


@recurrent
def test_a_step_of_another_batch_size(name):
    layer, x, _ = made(name)
    layer.step(x[:, 0])
    message = r"would go on from the 2 rows that it has seen, but x has 1: .* with reset_state\(\)"
    with pytest.raises(ValueError, match=message):
        layer.step(x[:1, 0])
    layer.stateful = True
    with pytest.raises(ValueError, match=message):
        layer.forward(x[:1])
    layer.state = tuple(array[0] for array in layer.state)
    with pytest.raises(ValueError, match=r"state h: expected shape \(N, H\), got \(5,\) with 1 axes"):
        layer.forward(x)


@recurrent
def test_a_step_leaves_the_states_of_earlier_steps(name):
    layer, x, _ = made(name)
    layer.reset_state()
    seen = []
    for _ in range(3):
        layer.step(x[:, 0])
        seen.append((layer.state, [array.copy() for array in layer.state]))
    for state, copies in seen:
        for array, copy in zip(state, copies, strict=True):
            assert_same_bits(array, copy)


def test_a_parameter_that_gets_another_shape():
    layer = Dense(4)
    layer.forward(np.ones((2, 3), "float32"))
    layer.params["W"].shape = (2, 6)
    with pytest.raises(ValueError, match=r"dense\.params\['W'\]: expected shape as built = \(3, 4\), got \(2, 6\)"):
        layer.forward(np.ones((2, 3), "float32"))


@pytest.mark.parametrize("name", ["Embedding", *(f"{name} on ids" for name in RECURRENT)])
@pytest.mark.parametrize("shape", [(2, 3), (1, 3), (2, 1)])
def test_ids_that_change_before_backward(name, shape):
    layer = LAYERS[name][0](seed=0)
    x = IDS[: shape[0], : shape[1]].copy()
    y = layer.forward(x)
    layer.backward(y)
    expected = {k: grad.copy() for k, grad in layer.grads.items()}
    layer.forward(x)
    x[:] = 10**12
    layer.backward(y)
    for key, grad in layer.grads.items():
        assert_same_bits(grad, expected[key], key)


@pytest.mark.parametrize("from_logits", [False, True])
def test_labels_that_change_before_backward(from_logits):
    loss, labels = nnlite.SparseCategoricalCrossentropy(from_logits), np.array([0, 2])
    loss.forward(labels, np.full((2, 3), 0.3))
    expected = loss.backward()
    labels[:] = 10**12
    assert_same_bits(loss.backward(), expected)


@layers
def test_backward_before_forward(name):
    layer = LAYERS[name][0]()
    with pytest.raises(RuntimeError, match=f"{type(layer).__name__}: backward needs a forward before it"):
        layer.backward(FLOATS)


@pytest.mark.parametrize("loss", [nnlite.MeanSquaredError(), nnlite.SparseCategoricalCrossentropy()])
def test_the_gradient_of_a_loss_before_forward(loss):
    with pytest.raises(RuntimeError, match=f"{type(loss).__name__}: backward needs a forward before it"):
        loss.backward()


@pytest.mark.parametrize(
    ("layer", "input_shape", "message"),
    [
        (Dense(3), (), r"Dense: expected input_shape \(\.\.\., F\), got \(\)"),
        (Dense(3), (None,), r"Dense: parameter W would have shape \(\?, 3\): the number of features cannot be left"),
        (Dense(3), (0,), "input_shape: expected a whole number of at least 1, got 0"),
        (LSTM(3), (4, None), r"LSTM: parameter Wx would have shape \(\?, 12\): the number of features cannot be"),
        (LSTM(3), (4,), r"integer ids need LSTM\(\.\.\., input_dim=F\)"),
        (LSTM(3, input_dim=5), (4, 6), "input_dim is 5, but the input has 6 features"),
    ],
)
def test_shapes_that_a_model_cannot_be_built_for(layer, input_shape, message):
    with pytest.raises(ValueError, match=message):
        Sequential([layer], input_shape=input_shape)


def test_a_layer_that_adds_a_parameter_to_another():
    class Scaled(Dense):
        def build(self, input_shape):
            super().build(input_shape)
            self._add_param("gain", (1,), "zeros")

    layer = Scaled(5, seed=0)
    assert_same_bits(layer.forward(FLOATS), Dense(5, seed=0).forward(FLOATS))


# Arrays that are more than their numbers


def matrix(a):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        return np.matrix(a)


@pytest.mark.parametrize("name", ["Dense", "Softmax", "Tanh", "LSTM on ids", "Embedding"])
def test_masked_arrays_are_refused_and_matrices_are_arrays(name):
    layer, x, _ = made(name)
    x = x.reshape(-1, 1, x.shape[-1]) if name == "LSTM" else x.reshape(-1, x.shape[-1])
    with pytest.raises(
        TypeError, match=r"x: expected numbers, got a masked array: use x\.filled\(0\), or another number"
    ):
        layer.forward(np.ma.masked_array(x, mask=x > 0))
    if name != "LSTM on ids":
        x = x.reshape(-1, x.shape[-1])
    assert_same_bits(layer.forward(matrix(x)), layer.forward(x))


def test_masked_samples_labels_states_and_parameters_are_refused():
    model, (x, y) = regressor(), (X, Y)
    for arguments in ((np.ma.masked_array(x), y), (x, np.ma.masked_array(y))):
        with pytest.raises(TypeError, match=r"fit: [xy]: expected numbers, got a masked array: use [xy]\.filled"):
            model.fit(*arguments, verbose=0)
    lstm, sequence, _ = made("LSTM")
    with pytest.raises(TypeError, match="initial_state h: expected numbers, got a masked array"):
        lstm.forward(sequence, initial_state=[np.ma.masked_array(state) for state in lstm.state])
    model.layers[0].params["W"] = np.ma.masked_array(model.params["dense.W"])
    with pytest.raises(TypeError, match=r"dense.params\['W'\]: expected numbers, got a masked array"):
        model.forward(x)


def test_memory_maps_are_arrays(tmp_path):
    maps = []
    for name, array in (("x", X), ("y", Y)):
        np.save(tmp_path / f"{name}.npy", array)
        maps.append(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
    model, twin = regressor(), regressor()
    assert model.fit(*maps, verbose=0).history == twin.fit(X, Y, verbose=0).history
    assert_same_bits(model.predict(maps[0]), twin.predict(X))
    frozen = np.memmap(tmp_path / "W", "float32", "w+", shape=(4, 2))
    frozen[...] = twin.params["dense.W"]
    model.layers[0].params.update(W=frozen, b=twin.params["dense.b"])
    assert_same_bits(model.predict(X), twin.predict(X))


# A whole model

rng = np.random.default_rng(0)
X = rng.normal(size=(12, 4)).astype("float32")
Y = rng.normal(size=(12, 2)).astype("float32")
TEXT = rng.integers(5, size=(12, 3))
NAN = X.copy()
NAN[7, 1] = np.nan


def regressor():
    model = Sequential([Dense(2)], input_shape=(4,), seed=0)
    model.compile(SGD(0.1), "mse")
    return model


def reader(stateful=False):
    """Reads ids, and gives scores for each step."""
    lstm = LSTM(3, return_sequences=True, stateful=stateful)
    model = Sequential([Embedding(5, 4), lstm, Dense(5)], input_shape=(None,), seed=0)
    model.compile(SGD(0.1), nnlite.SparseCategoricalCrossentropy(from_logits=True))
    return model


class Broken:
    def __array__(self, dtype=None, copy=None):
        raise KeyError("x")


# Maker of a model, x, y, the error, and what it says.
REFUSED = {
    "complex samples": (regressor, X.astype(complex), Y, TypeError, r"x: .* an array of complex128: use np\.real\(x\)"),
    "objects": (regressor, X.astype(object), Y, TypeError, r"x: .* an array of objects: use np\.asarray\(x, float\)"),
    "numbers as texts": (
        regressor,
        X.astype(str),
        Y,
        TypeError,
        r"x: .* an array of texts: use np\.asarray\(x, float\)",
    ),
    "words": (regressor, np.full((12, 4), "cat"), Y, TypeError, r"x = np\.unique\(x, return_inverse=True\)"),
    "objects and words": (
        regressor,
        np.array([["cat", 1.0, 2, None]] * 12, object),
        Y,
        TypeError,
        "x: expected numbers, got an array of objects: use an array or a list of numbers",
    ),
    "dates": (regressor, np.zeros((12, 4), "M8[s]"), Y, TypeError, r"x: .* an array of datetime64\[s\]: use an array"),
    "words for labels": (
        reader,
        TEXT,
        np.full((12, 3), "a"),
        TypeError,
        r"names, y = np\.unique\(y, return_inverse=True",
    ),
    "complex targets": (regressor, X, Y.astype(complex), TypeError, r"fit: y: expected numbers, .*: use np\.real\(y\)"),
    "too large for float32": (regressor, 1e39 * X.astype("f8"), Y, ValueError, r"x: expected numbers up to 3\.4e\+38"),
    "floats for ids": (
        reader,
        TEXT.astype("f4"),
        TEXT,
        TypeError,
        r"x: expected integers, .*: use np\.asarray\(x, int\)",
    ),
    "float labels": (reader, TEXT, TEXT.astype("f4"), TypeError, "fit: y: expected integers, got float32"),
    "rows of unequal length": (reader, [[1, 2], [3]] * 6, TEXT, ValueError, "fit: x: expected lists of one length"),
    "one-hot labels": (
        reader,
        TEXT,
        np.eye(5)[TEXT],
        ValueError,
        r"of one-hot vectors, use np\.argmax\(y, axis=-1\)",
    ),
    "fewer labels": (
        regressor,
        X,
        Y[:-1],
        ValueError,
        "fit: y: expected one label for each of the 12 samples of x, got 11",
    ),
    "no samples": (regressor, X[:0], Y[:0], ValueError, "fit: x: expected at least one sample, got none"),
    "narrow samples": (
        regressor,
        X[:, :3],
        Y,
        ValueError,
        r"x: expected shape \(N, ..., F\) = \(\.\.\., 4\), got \(12, 3\)",
    ),
    "narrow targets": (
        regressor,
        X,
        Y[:, :1],
        ValueError,
        r"y_true: expected shape of y_pred = \(12, 2\), got \(12, 1\)",
    ),
    "flat targets": (regressor, X, Y[:, 0], ValueError, r"y_true: expected shape of y_pred = \(12, 2\), got \(12,\)"),
    "labels of one step": (reader, TEXT, TEXT[:, 0], ValueError, "fit: y: expected one label for each position"),
    "ids that are too large": (reader, TEXT + 1, TEXT, IndexError, "fit: x: expected ids in 0 .. 4, got 5 at"),
    "negative ids": (reader, TEXT - 1, TEXT, IndexError, "fit: x: expected ids in 0 .. 4, got -1 at"),
    "labels that are too large": (reader, TEXT, TEXT + 1, IndexError, "fit: y: expected labels in 0 .. 4, got 5 at"),
    "negative labels": (reader, TEXT, TEXT - 1, IndexError, "fit: y: expected labels in 0 .. 4, got -1 at"),
    "ids of another axis": (reader, TEXT[..., None], TEXT, ValueError, "x: expected shape"),
    "no time steps": (
        reader,
        TEXT[:, :0],
        TEXT[:, :0],
        ValueError,
        "a sequence needs at least one time step, got T = 0",
    ),
    "a broken array": (regressor, Broken(), Y, TypeError, "x: expected numbers, got Broken, which gives no array: 'x'"),
    "NaN": (regressor, NAN, Y, nnlite.NonFiniteLossError, r"epoch 1, batch 1: the loss is nan, because x holds nan at"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_model_refuses(name):
    """In fit, before anything has changed."""
    make, x, y, error, message = REFUSED[name]
    model = make()
    with pytest.raises(error, match=message):
        model.fit(x, y, verbose=0)
    assert model.optimizer.iterations == 0
    for name, param in make().params.items():
        assert_same_bits(model.params[name], param, name)


LAYOUTS = {
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "reversed": lambda a: a[::-1].copy()[::-1],
    "Fortran order": np.asfortranarray,
    "read-only": lambda a: np.broadcast_to(a, a.shape),
    "unaligned": lambda a: np.frombuffer(b"\0" + a.tobytes(), a.dtype, offset=1).reshape(a.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("make", [regressor, reader])
def test_a_model_takes_any_memory_layout(make, layout):
    x, y = (X, Y) if make is regressor else (TEXT, TEXT)
    model, twin = make(), make()
    change = LAYOUTS[layout]
    assert model.fit(change(x), change(y), batch_size=5, verbose=0).history == twin.fit(x, y, 5, verbose=0).history
    for name, param in twin.params.items():
        assert_same_bits(model.params[name], param, name)


@pytest.mark.parametrize("stateful", [False, True])
def test_an_empty_batch(stateful):
    model = reader(stateful)
    y = model.forward(TEXT[:0], training=True)
    assert y.shape == (0, 3, 5)
    assert model.loss.forward(TEXT[:0], y) == 0.0
    model.backward(model.loss.backward())
    assert not any(grad.any() for grad in model.grads.values())


def test_nan_in_fit_leaves_the_last_good_checkpoints(tmp_path):
    model, paths = regressor(), [tmp_path / "model.safetensors", tmp_path / "backup.safetensors"]
    x, good = X.copy(), {}

    class Poison(nnlite.Callback):
        def on_epoch_begin(self, epoch, logs):
            if epoch == 2:
                good.update((path, path.read_bytes()) for path in paths)
                x[7, 1] = np.nan

    callbacks = [ModelCheckpoint(paths[0], monitor="loss"), BackupAndRestore(paths[1]), Poison()]
    message = r"epoch 3, batch 2: the loss is nan, because x holds nan at \(7, 1\)"
    with pytest.raises(nnlite.NonFiniteLossError, match=message):
        model.fit(x, Y, batch_size=5, epochs=4, callbacks=callbacks, shuffle=False, verbose=0)
    twin = regressor()
    twin.fit(X, Y, batch_size=5, epochs=2, shuffle=False, verbose=0)
    for path in paths:
        assert path.read_bytes() == good[path]
        for name, param in nnlite.load_model(path).params.items():
            assert_same_bits(param, twin.params[name], name)
    assert sorted(tmp_path.iterdir()) == sorted(paths)


# What no machine can address: a layer says so itself, before memory is asked for.

ROWS = np.zeros((2**24, 1), "float32")  # never touched, so never there
WIDE = {
    "Dense": (lambda: Sequential([Dense(2**28)]), ROWS),
    "Embedding": (lambda: Sequential([Embedding(1, 2**28)]), ROWS.view("int32")),
    "OneHot": (lambda: Sequential([OneHot(2**28)]), ROWS.view("int32")),
    "RepeatVector": (lambda: Sequential([RepeatVector(2**28)]), ROWS),
}


@pytest.mark.parametrize("name", WIDE)
def test_an_output_that_is_too_large(name):
    make, x = WIDE[name]
    with pytest.raises(ValueError, match=rf"{name}: y: shape \(16777216, .*268435456.*\) of float32 would take"):
        make().forward(x)


def test_scratch_memory_that_is_too_large(monkeypatch):
    layer, asked = LSTM(2**10), []
    with pytest.raises(ValueError, match=r"LSTM: gates: shape \(131072, 65536, 4096\) of float32 would take"):
        layer._buffer("gates", 2**17, 2**16, 2**12)
    buffer = layer._buffer
    monkeypatch.setattr(layer, "_buffer", lambda name, *shape: asked.append(name) or buffer(name, *shape))
    layer.forward(np.ones((1, 2, 3), "float32"))
    assert asked[0] == "gates", "the largest is to be refused before others are made"


@pytest.mark.parametrize("shape", [(2**29, 2**29, 4), (2**45, 4)])
def test_samples_that_are_too_large(shape):
    model = Sequential([Dense(2)], input_shape=shape[1:], seed=0)
    with pytest.raises(ValueError, match=r"x: shape .* of float32 would take [\d,]+ bytes"):
        model.forward(np.broadcast_to(np.float32(0), shape))


def test_a_parameter_that_is_too_large():
    with pytest.raises(
        ValueError, match=r"Dense: parameter W: shape \(1099511627776, 268435456\) of float32 would take"
    ):
        Sequential([Dense(2**28)], input_shape=(2**40,))


# What a layer keeps between its passes


def arrays_of(value):
    if isinstance(value, tuple):
        return [array for item in value for array in arrays_of(item)]
    return [value] if isinstance(value, np.ndarray) else []


@layers
@pytest.mark.parametrize("whose", ["x", "y"])
def test_the_caller_may_give_an_array_another_shape_before_backward(name, whose):
    make, x = LAYERS[name]
    layer, x = make(seed=0), x.copy()
    y = layer.forward(x)
    expected, dy = layer.backward(y.copy()), y.copy()
    y = layer.forward(x)
    array = {"x": x, "y": y}[whose]
    if array.flags.c_contiguous:
        array.shape = (array.size,)
    dx = layer.backward(dy)
    if expected is None:
        assert dx is None
    else:
        assert_same_bits(dx, expected)


@layers
def test_what_is_kept_is_there_to_look_at_alone(name):
    make, x = LAYERS[name]
    layer = make(seed=0)
    assert layer.kept is None
    y = layer.forward(x)
    shapes = [array.shape for array in arrays_of(layer.kept)]
    for array in arrays_of(layer.kept):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
        array.shape = (array.size,)
    with pytest.raises(AttributeError, match="kept"):
        layer.kept = None
    assert [array.shape for array in arrays_of(layer.kept)] == shapes
    layer.backward(y)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(3, dytpe="float64"), "Dense: unknown argument 'dytpe': did you mean 'dtype'?"),
        (lambda: LSTM(3, retrun_sequences=True), "LSTM: unknown argument 'retrun_sequences': did you mean"),
        (lambda: Sequential([Dense(1)], sed=1), "Sequential: unknown argument 'sed': did you mean 'seed'?"),
    ],
)
def test_an_unknown_argument_is_explained(make, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        make()


ARRAYS = {
    "name": lambda a: Dense(3, name=a),
    "(model's )?name": lambda a: Sequential([Dense(3)], name=a),
    "activation": lambda a: Dense(3, activation=a),
    "target_shape": lambda a: Reshape(a),
    "Input: shape": lambda a: nnlite.Input(a),
    "input_shape": lambda a: Sequential([Dense(3)], input_shape=a),
    "look": lambda a: ProgressBar(look=a),
    "landmarks": lambda a: ProgressBar(landmarks=a),
    "save_freq": lambda a: BackupAndRestore("backup.safetensors", save_freq=a),
    "stateful": lambda a: LSTM(3, stateful=a),
    "recurrent_dropout": lambda a: GRU(3, recurrent_dropout=a),
    "approximate": lambda a: nnlite.GELU(approximate=a),
    "reduction": lambda a: nnlite.MeanSquaredError(reduction=a),
    "from_logits": lambda a: nnlite.BinaryCrossentropy(a),
    "mode": lambda a: nnlite.EarlyStopping(mode=a),
    "verbose": lambda a: nnlite.ReduceLROnPlateau(verbose=a),
    "unit": lambda a: ProgressBar(unit=a),
    "fit: verbose": lambda a: regressor().fit(X, Y, verbose=a),
    "fit: validation_split": lambda a: regressor().fit(X, Y, validation_split=a),
    "evaluate: verbose": lambda a: regressor().evaluate(X, Y, verbose=a),
    "predict: verbose": lambda a: regressor().predict(X, verbose=a),
}


@pytest.mark.parametrize("array", [np.array(3), np.ones((2, 2))], ids=["a number", "2 x 2"])
@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_that_is_no_argument_is_refused_in_words(name, array):
    with pytest.raises((TypeError, ValueError), match=f"{name}.*: expected .*, got array"):
        ARRAYS[name](array)


def test_a_large_array_is_shown_in_part():
    for give in (
        lambda a: nnlite.Adam(a),
        lambda a: regressor().fit(X, Y, a),
        lambda a: regressor().fit(X, Y, shuffle=a),
    ):
        with pytest.raises((TypeError, ValueError)) as caught:
            give(np.linspace(0, 1, 999).tolist())
        assert len(str(caught.value)) < 400


def test_huge_weights_are_refused_by_their_shape():
    with pytest.raises(
        ValueError, match=r"sample_weight: expected a weight for each sample, .* got \(1099511627776,\)"
    ):
        regressor().fit(X, Y, sample_weight=np.broadcast_to(1.0, 2**40))


def test_a_name_is_a_text():
    for name in (5, "", "a/b"):
        with pytest.raises((TypeError, ValueError), match=f"a layer's name.* got {name!r}"):
            Dense(3, name=name)
    assert (Dense(3, name=None).name, Dense(3, name="a").name) == ("dense", "a")
    with pytest.raises(TypeError, match=r"landmarks: expected losses by name, .*, got {3: 4.0}"):
        ProgressBar(landmarks={3: 4.0})
