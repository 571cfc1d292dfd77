"""Numbers are welcome at every door of a model, and what is none is refused there with what to do.

What a layer, a loss or gradcheck makes of them alone, their own tests ask: see `floats_of` and `ids_of`.
"""

import gc
import re
import sys

import numpy as np
import pytest
from chain import backends, import_torch
from kinds import Frame, floats_of, ids_of, no_numbers
from numeric import assert_same_bits

import nnlite
from nnlite import (
    GRU,
    LSTM,
    SGD,
    Conv2D,
    Dense,
    Embedding,
    OneHot,
    Sequential,
    Softmax,
    SparseCategoricalCrossentropy,
    Tanh,
    checks,
    derive,
    load_model,
)
from nnlite.inspect import gradient_flow, trace
from nnlite.metrics import accuracy, confusion_matrix

V = 5
rng = np.random.default_rng(0)
X = rng.standard_normal((12, 4)).astype("float32")
Y = rng.standard_normal((12, 2)).astype("float32")
IDS, LABELS = rng.integers(V, size=(2, 12, 3))


def regressor(dtype="float32"):
    model = Sequential([Dense(3), Tanh(), Dense(2)], input_shape=(4,), dtype=dtype, seed=0)
    model.compile(SGD(0.1), "mse")
    return model


def reader():
    model = Sequential([Embedding(V, 4), LSTM(3, return_sequences=True), Dense(V)], input_shape=(None,), seed=0)
    model.compile(SGD(0.1), SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def classifier(last=3):
    model = Sequential([Dense(last)], input_shape=(4,), seed=0)
    model.compile(SGD(0.1), SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def results(model, x, y):
    """Everything that a model computes from x and y, by the method."""
    found = {"predict": model.predict(x), "call": model(x), "forward": model.forward(x)}
    found["evaluate"] = model.evaluate(x, y, batch_size=5, return_dict=True)
    found["fit"] = model.fit(x, y, batch_size=5, epochs=2, validation_data=(x, y), verbose=0).history
    found["train_on_batch"] = model.train_on_batch(x, y, return_dict=True)
    return found | {f"params {name}": param.copy() for name, param in model.params.items()}


def assert_same_results(found, expected, kind):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, np.ndarray):
            assert_same_bits(found[name], value, f"{name} from {kind}")
        else:
            assert found[name] == value, f"{name} from {kind}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@backends
def test_a_model_takes_samples_and_targets_of_any_kind(dtype, backend_name):
    with nnlite.use_backend(backend_name):
        for (kind, x, x_plain), (_, y, y_plain) in zip(floats_of(X), floats_of(Y), strict=True):
            expected = results(regressor(dtype), x_plain.astype(dtype), y_plain.astype(dtype))
            assert_same_results(results(regressor(dtype), x, y), expected, kind)


@backends
def test_a_model_takes_ids_and_labels_of_any_kind(backend_name):
    with nnlite.use_backend(backend_name):
        for (kind, x, x_plain), (_, y, y_plain) in zip(ids_of(IDS), ids_of(LABELS), strict=True):
            expected = results(reader(), x_plain, y_plain)
            assert_same_results(results(reader(), x, y), expected, kind)
            assert_same_results(results(reader(), x, np.asarray(y)[..., None]), expected, f"{kind}, (N, T, 1)")


def test_a_loaded_model_takes_them_too(tmp_path):
    regressor().save(tmp_path / "model.safetensors")
    for (kind, x, x_plain), (_, y, y_plain) in zip(floats_of(X), floats_of(Y), strict=True):
        expected = results(load_model(tmp_path / "model.safetensors"), x_plain.astype("f4"), y_plain.astype("f4"))
        assert_same_results(results(load_model(tmp_path / "model.safetensors"), x, y), expected, kind)


@pytest.mark.parametrize("labels", [rng.integers(3, size=12)])
def test_labels_in_a_column_are_labels(labels):
    expected = results(classifier(), X, labels)
    for y in (labels[:, None], labels[:, None].tolist(), labels.astype("uint8")[:, None], Frame(labels[:, None])):
        assert_same_results(results(classifier(), X, y), expected, "a column")


def test_one_number_for_each_sample_is_a_column():
    """For Dense(1), y is (N,) to most people."""
    found = []
    for y in (Y[:, 0], Y[:, :1], Y[:, 0].tolist()):
        model = Sequential([Dense(1)], input_shape=(4,), seed=0)
        model.compile(SGD(0.1), "mse")
        found.append(results(model, X, y))
    for other in found[1:]:
        assert_same_results(other, found[0], "a column")


def test_the_bar_counts_samples_where_labels_or_targets_are_of_whole_samples(capsys):
    labels, mse = rng.integers(3, size=12), regressor()
    for model, y in ((classifier(), labels), (classifier(), labels[:, None]), (mse, np.rint(Y).astype(int))):
        model.fit(X, y, verbose=1)
        assert "positions" not in capsys.readouterr().out
    reader().fit(IDS, LABELS[..., None], verbose=1)
    assert "positions/s" in capsys.readouterr().out


def test_a_model_of_ones_own_layers_gets_floats_in_its_dtype_and_integers_as_they_are():
    seen = []

    class Looks(nnlite.Layer):
        def forward(self, x, training=False):
            seen.append((type(x), x.dtype.name))
            return x

        def backward(self, dy):
            return dy

    for run in (Looks(), Sequential([Looks()]).forward, Sequential([Looks()])):
        for x in (X.tolist(), X.astype("float64"), X.astype("float16"), Frame(X), X):
            run(x)
            assert seen.pop() == (np.ndarray, "float32")
        run(IDS.tolist())
        assert seen.pop() == (np.ndarray, "int64")
        with pytest.raises(TypeError, match="x: expected numbers, got an array of texts"):
            run([["a"]])


LAYERS = {
    "Dense": (lambda: Dense(2), X[:2]),
    "Conv2D": (lambda: Conv2D(1, 2), X[:2].reshape(1, 2, 2, 2)),
    "LSTM": (lambda: LSTM(2), X[:2].reshape(1, 2, 4)),
    "GRU on ids": (lambda: GRU(2, input_dim=V), IDS[:1]),
    "Embedding": (lambda: Embedding(V, 2), IDS[:1]),
    "OneHot": (lambda: OneHot(V), IDS[:1]),
    "Softmax": (Softmax, X[:2]),
    "Tanh": (Tanh, X[:2]),
}


@pytest.mark.parametrize("name", LAYERS)
def test_derive_takes_numbers_of_any_kind(name):
    make, x = LAYERS[name]
    kinds = floats_of(x) if x.dtype.kind == "f" else ids_of(x)
    dys = floats_of(make().forward(x) / 3)
    for (kind, given, plain), (_, dy, dy_plain) in zip(kinds, dys, strict=False):
        own = plain.astype("float32") if x.dtype.kind == "f" else plain
        layers = [make(), make()]
        for layer in layers:
            layer.rng = np.random.default_rng(0)
        assert str(derive.forward(layers[0], given).check()) == str(derive.forward(layers[1], own)), kind
        found = derive.backward(layers[0], given, dy, max_lines=1000).check()
        assert str(found) == str(derive.backward(layers[1], own, dy_plain.astype("float32"), max_lines=1000)), kind


def test_derive_takes_states_and_losses_of_any_kind():
    layer, x = LSTM(2, seed=0), X[:2].reshape(1, 2, 4)
    layer.build((2, 4))
    state = [[[0.5, 1.0]], [[2, -1]]]
    plain = tuple(np.array(s, "float32") for s in state)
    for given in (state, tuple(np.array(s) for s in state), [Frame(np.array(s)) for s in state]):
        assert str(derive.forward(layer, x, initial_state=given)) == str(derive.forward(layer, x, initial_state=plain))
    text = str(derive.loss("mse", np.array([[1.0, 2]]), np.array([[2.0, 0]])).check())
    assert str(derive.loss("mse", [[1, 2]], [[2, 0]]).check()) == text
    assert derive.loss("mse", [1, 2], [[2], [0]]).check().values["loss"] == 2.5
    scores = SparseCategoricalCrossentropy(from_logits=True)
    text = str(derive.loss(scores, np.array([1]), np.array([[0.0, 1]])).check())
    for labels in ([1], [[1]], np.array([1], "uint8"), np.array([True])):
        assert str(derive.loss(scores, labels, [[0, 1]]).check()) == text


def test_trace_takes_numbers_of_any_kind():
    expected = trace(reader(), IDS, LABELS)
    for (kind, x, plain), (_, y, _) in zip(ids_of(IDS), ids_of(LABELS), strict=True):
        if kind == "bool":
            continue
        for targets in (y, np.asarray(y)[..., None]):
            seen = trace(reader(), x, targets)
            assert str(seen) == str(expected), kind
            assert_same_bits(seen.x.astype(int), plain, kind)
            for name, array in expected["lstm"].items():
                assert_same_bits(seen["lstm"][name], array, f"{name} from {kind}")
    model, x = Sequential([GRU(3, return_sequences=True)], input_shape=(3, 4), seed=0), X.reshape(4, 3, 4)
    for kind, given, plain in floats_of(x):
        found, expected = (trace(model, a, np.zeros((4, 3, 3)), loss="mse") for a in (given, plain.astype("f4")))
        for name, array in expected["gru"].items():
            assert_same_bits(found["gru"][name], array, f"{name} from {kind}")


def test_gradient_flow_takes_numbers_of_any_kind():
    layer = GRU(3, seed=0)
    layer.build((3, 4))
    for kind, given, plain in floats_of(X.reshape(4, 3, 4)):
        found, expected = (gradient_flow(layer, 3, a) for a in (given, plain.astype("float64")))
        assert_same_bits(found.dh, expected.dh, kind)


DOORS = {
    "predict: x": lambda x: regressor().predict(x),
    "evaluate: x": lambda x: regressor().evaluate(x, Y),
    "evaluate: y": lambda y: regressor().evaluate(X, y),
    "fit: x": lambda x: regressor().fit(x, Y, verbose=0),
    "fit: y": lambda y: regressor().fit(X, y, verbose=0),
    "fit: validation_data: x": lambda x: regressor().fit(X, Y, validation_data=(x, Y), verbose=0),
    "fit: validation_data: y": lambda y: regressor().fit(X, Y, validation_data=(X, y), verbose=0),
    "train_on_batch: x": lambda x: regressor().train_on_batch(x, Y),
    "train_on_batch: y": lambda y: regressor().train_on_batch(X, y),
    "x": lambda x: regressor()(x),
    "targets": lambda y: trace(GRU(2), X.reshape(4, 3, 4), y),
    "y_true": lambda y: derive.loss("mse", y, X),
    "y_pred": lambda y: derive.loss("mse", X, y),
    "dy": lambda dy: derive.backward(Tanh(), X, dy),
    "accuracy: y_true": lambda y: accuracy(y, X),
    "accuracy: y_pred": lambda y: accuracy(LABELS[:, 0], y),
    "confusion_matrix: y_true": lambda y: confusion_matrix(y, LABELS[:, 0]),
}
DOORS |= {
    f"{name.__name__} x": lambda x, name=name: name(x)
    for name in (
        lambda x: regressor().forward(x),
        lambda x: Dense(2)(x),
        lambda x: Dense(2).step(x),
        lambda x: derive.forward(Tanh(), x),
        lambda x: trace(GRU(2), x),
        lambda x: gradient_flow(GRU(2), 3, x),
        lambda x: nnlite.gradcheck(Dense(2), x),
    )
}


@pytest.mark.parametrize("door", DOORS)
def test_what_is_no_number_is_refused_at_every_door(door):
    variable = door.split()[-1]
    for kind, given, remedy in no_numbers(Y if variable == "y" and "accuracy" not in door else X):
        if given is None and variable == "targets":
            continue
        with pytest.raises(TypeError) as raised:
            DOORS[door](given)
        where = variable if "<lambda>" in door else door
        assert re.match(f"{where}: expected numbers, got ", str(raised.value)), kind
        assert re.search(remedy.replace(r"\w+", variable), str(raised.value)), kind


class Sparse:
    def toarray(self):
        raise NotImplementedError


class Table(Frame):
    def select_dtypes(self, kind):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("x", "remedy"),
    [
        (Sparse(), "got Sparse: use x.toarray()"),
        (Table(np.array([["cat", 1.0]], object)), "use the columns that hold numbers, x.select_dtypes('number')"),
        ({1, 2}, "got set: use an array or a list of numbers"),
        ((i for i in range(3)), "got generator: use an array or a list of numbers"),
        ([["1", "2"]], "got an array of texts: use np.asarray(x, int)"),
        ([["1", "2.5"]], "got an array of texts: use np.asarray(x, float)"),
        ([["1.0", "nan"]], "got an array of texts: use np.asarray(x, float)"),
        (np.array([[1, 2]], object), "got an array of objects: use np.asarray(x, int)"),
        (np.array([[1, 2.5]], object), "got an array of objects: use np.asarray(x, float)"),
        (["cat", "dog"], "got an array of texts: number them with names, x = np.unique(x, return_inverse=True)"),
        ([b"cat", b"dog"], "got an array of bytes: number them with names, x = np.unique(x, return_inverse=True)"),
        (np.array(["cat", "dog"], object), "number them with names, x = np.unique(x, return_inverse=True)"),
        ([10**400], "got an array of objects: use an array or a list of numbers"),
        ([10**40], "got an array of objects: use np.asarray(x, float)"),
        ([1, None], "got an array of objects: use np.asarray(x, float)"),
    ],
)
def test_the_remedy_fits_what_is_given(x, remedy):
    with pytest.raises(TypeError, match=re.escape(remedy)):
        Dense(2).forward(x)


def test_the_remedies_work():
    texts = np.array([["1", "2.5"]])
    whole = np.asarray([["1", "2"]], int), np.asarray(np.array([[1, 2]], object), int)
    for x in whole:
        assert_same_bits(Dense(1, seed=0)(x), Dense(1, seed=0)([[1, 2]]))
    assert_same_bits(Dense(1, seed=0)(np.asarray(texts, float)), Dense(1, seed=0)([[1, 2.5]]))
    words = [["cat"], ["dog"], ["cat"]]
    _, y = np.unique(words, return_inverse=True)
    model = classifier()
    model.fit(X[:3], y, verbose=0)
    with pytest.raises(ValueError, match=r"use np\.argmax\(y, axis=-1\)"):
        model.fit(X[:3], np.eye(3)[y.ravel()], verbose=0)
    model.fit(X[:3], np.argmax(np.eye(3)[y.ravel()].tolist(), axis=-1), verbose=0)


def test_numbers_too_large_for_float32_are_not_made_infinite():
    x = X.astype("float64")
    x[3, 1] = -1e300
    message = r"x: expected numbers up to 3\.4e\+38, got 1e\+300: scale them, or build the layers with dtype='float64'"
    for run in (lambda: Dense(2)(x), lambda: regressor().predict(x), lambda: Tanh().forward(x)):
        with pytest.raises(ValueError, match=message):
            run()
    x[3, 1] = np.inf
    assert Dense(2)(x).dtype == np.float32
    x[3, 1] = 1e-300  # what is too small becomes 0
    with np.errstate(all="raise"):
        assert Tanh()(x)[3, 1] == 0


def test_numbers_in_padding_may_be_too_large():
    model = Sequential([GRU(3, return_sequences=True), Dense(2)], seed=0)
    model.compile(SGD(0.1), "mse")
    x, y, lengths = rng.standard_normal((6, 4, 3)), rng.standard_normal((6, 4, 2)), [2] * 6
    expected = model.predict(x, lengths=lengths)
    for array in (x, y):
        array[:, 2:] = 1e300
    assert_same_bits(model.predict(x, lengths=lengths)[:, :2], expected[:, :2])
    assert np.isfinite(model.evaluate(x, y, lengths=lengths))
    assert np.isfinite(model.fit(x, y, lengths=lengths, verbose=0).history["loss"]).all()
    with pytest.raises(ValueError, match=r"x: expected numbers up to 3\.4e\+38, got 1e\+300"):
        model.predict(x)


def test_pytorch_tensors():
    torch = import_torch()
    expected = results(regressor(), X, Y)
    assert_same_results(results(regressor(), torch.tensor(X), torch.tensor(Y)), expected, "tensors")
    doubles = torch.tensor(X, dtype=torch.float64), torch.tensor(Y, dtype=torch.float64)
    assert_same_results(results(regressor(), *doubles), expected, "tensors of doubles")
    tensors = torch.tensor(IDS), torch.tensor(LABELS)
    assert_same_results(results(reader(), *tensors), results(reader(), IDS, LABELS), "tensors of ids")
    assert nnlite.gradcheck(Dense(2, seed=0), torch.tensor(X)).max_error < 1e-6
    with pytest.raises(TypeError, match=r"x: expected numbers, got Tensor, .*: use x\.float\(\)"):
        Dense(2)(torch.tensor(X).to(torch.bfloat16))
    needy = torch.tensor(X, requires_grad=True)
    for run in (Dense(2), regressor().predict, lambda x: nnlite.gradcheck(Dense(2), x)):
        with pytest.raises(TypeError, match=r"x: expected numbers, got Tensor, .*detach\(\)"):
            run(needy)


def test_pandas_frames_and_series():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed: Frame stands for it elsewhere")
    expected = results(regressor(), X, Y)
    assert_same_results(results(regressor(), pandas.DataFrame(X), pandas.DataFrame(Y)), expected, "frames")
    labels = LABELS[:, 0] % 3
    for y in (pandas.Series(labels), pandas.Series(labels, dtype="Int64"), pandas.DataFrame({"label": labels})):
        assert_same_results(results(classifier(), pandas.DataFrame(X), y), results(classifier(), X, labels), "series")
    with pytest.raises(TypeError, match=r"x\.select_dtypes\('number'\)"):
        regressor().predict(pandas.DataFrame({"a": ["cat", "dog"], "b": [1.0, 2.0]}))
    with pytest.raises(TypeError, match=r"names, y = np\.unique\(y, return_inverse=True\)"):
        classifier().fit(X, pandas.Series(["cat", "dog"] * 6), verbose=0)
    _, y = np.unique(pandas.Series(["cat", "dog"] * 6), return_inverse=True)
    classifier().fit(X, y, verbose=0)


def test_float32_pays_nothing():
    """No clock: a step of a small LSTM makes as many Python calls as it did before other numbers were taken.

    And seven more: of ranks that may share the batch, two that look for very many rows of ids, and four where a layer
    sets an attribute, as one of its arguments would be checked.
    """
    model = Sequential([LSTM(20, return_sequences=True, input_dim=38), Dense(38)], input_shape=(40,), seed=0)
    model.compile(nnlite.Adam(0.01), SparseCategoricalCrossentropy(from_logits=True))
    x, y = rng.integers(38, size=(2, 4, 40))
    calls = []

    def count(frame, event, argument):
        if event == "call":
            calls.append(frame.f_code.co_name)

    model.train_on_batch(x, y)
    sys.setprofile(count)
    try:
        model.train_on_batch(x, y)
    finally:
        sys.setprofile(None)
    assert "train_step" in calls
    assert len(calls) <= 97
    x = X.copy()
    assert checks.floats("x", x, x.dtype, (..., 4), "(N, ..., F)") is x
    assert checks.numbers("x", x) is checks.given("x", x, x.dtype) is checks.as_floats("x", x) is x


@pytest.mark.parametrize("layer", [LSTM(2), Dense(2, "relu"), Conv2D(2, 3)], ids=repr)
def test_attributes_of_layers_are_found_the_fast_way(layer):
    """No clock: an object that was asked for its dict keeps one for good, and its methods are then looked up slowly."""
    assert not any(isinstance(held, dict) and "_buffers" in held for held in gc.get_referents(layer))
    vars(layer)
    assert any(isinstance(held, dict) and "_buffers" in held for held in gc.get_referents(layer))
