"""trace changes nothing, names its values, and refuses what does not fit."""

import io
import pickle

import numpy as np
import pytest
from numeric import assert_same_bits

import nnlite
from nnlite import (
    GRU,
    LSTM,
    RNN,
    BatchNorm,
    Bidirectional,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    MaxPool2D,
    ReLU,
    Reshape,
    Sequential,
    Softmax,
)
from nnlite.inspect import LayerTrace, Trace, trace
from nnlite.inspect.text import characters, encoded
from nnlite.text import Vocabulary

TEXT = "to be, or not to be"
VOCABULARY = Vocabulary.from_text(TEXT)
V = len(VOCABULARY)
LSTM_NAMES = ["i", "f", "g", "o", "c", "h"]


class Doubled(Layer):
    """A layer of one's own, which changes its input in place, counts, and draws random numbers."""

    calls = 0
    _leaves_x = _leaves_x_in_training = True  # it does not, but a model looks at it no more

    def forward(self, x, training=False):
        if self.calls == 13:
            raise ZeroDivisionError
        self.calls += 1
        self.rng.random()
        x *= 2
        return x

    def backward(self, dy):
        return 2 * dy


def writer(**options):
    layers = [
        *(Embedding(V, 3), LSTM(5, return_sequences=True, stateful=True), BatchNorm(), Doubled(), Dropout(0.5)),
        *(Bidirectional(GRU(4, return_sequences=True)), RNN(6, return_sequences=True), Dense(V)),
    ]
    return Sequential(layers, seed=0, **options)


def everything(model):
    """All that a model is, as bytes, but for its scratch memory."""
    layers = [inner for layer in model.layers for inner in (layer, *getattr(layer, "_both", dict)())]
    things = [
        {k: v for k, v in vars(part).items() if k not in ("_buffers", "_lock")}
        for part in layers
        if hasattr(part, "name")
    ]
    things += [{k: v for k, v in model.__getstate__().items() if k != "layers"}, model.rng.bit_generator.state]
    return pickle.dumps(things)


def ids(N=2, T=4):
    return np.random.default_rng(N + T).integers(V, size=(N, T))


@pytest.mark.parametrize("calls", [0, 13], ids=["without an error", "with an error"])
@pytest.mark.parametrize("state", ["not built", "built", "in the middle of a step"])
def test_the_model_stays_as_it_was(state, calls):
    model = writer(input_shape=None if state == "not built" else (None,))
    model.compile("adam", nnlite.SparseCategoricalCrossentropy(from_logits=True))
    if state == "in the middle of a step":
        model.train_on_batch(ids(), ids())
        model.forward(ids(2, 5), training=True)
    model.layers[3].calls = calls
    before = everything(model)
    if calls == 13:
        with pytest.raises(ZeroDivisionError):
            trace(model, ids(), ids())
    else:
        trace(model, ids(), ids())
    assert everything(model) == before


def test_backward_goes_on_as_if_nothing_had_been_traced():
    """Also what was kept for it in scratch memory is there, for a batch of the same shape."""
    grads = []
    for look in (False, True):
        model = writer()
        y = model.forward(ids(), training=True)
        if look:
            trace(model, ids()[::-1], ids())
        model.backward(np.ones_like(y))
        grads.append({name: grad.copy() for name, grad in model.grads.items()})
    for name, grad in grads[0].items():
        assert_same_bits(grads[1][name], grad, name)


def test_what_is_shown_of_a_model_that_is_not_built_is_what_it_will_do():
    model = Sequential([LSTM(5, return_sequences=True, input_dim=V), Dense(V)], seed=0)
    seen = trace(model, ids())
    assert not model.built
    assert_same_bits(seen.y, model.forward(ids()))
    for options in ({"seed": 1}, {}, {"return_state": True}):
        layer = GRU(5, input_dim=V, **options)
        seen = trace(layer, ids())
        layer.return_state = False
        assert_same_bits(seen["gru"]["h"][:, -1], layer.forward(ids()))


def test_nothing_that_was_returned_changes_later():
    model = writer()
    x, y = ids(), ids()
    seen = trace(model, x, y)
    arrays = {f"{layer} {name}": array for layer, there in seen.items() for name, array in there.items()}
    arrays |= {f"{layer} start {name}": array for layer, there in seen.items() for name, array in there.initial.items()}
    arrays |= {"x": seen.x, "y": seen.y, "targets": seen.targets}
    flat = trace(Sequential([RNN(2, return_sequences=True), Flatten()]), np.ones((2, 3, 1), "float32"))
    assert all(array.flags.owndata and array.flags.c_contiguous for array in (*arrays.values(), flat.y))
    before = {name: array.copy() for name, array in arrays.items()}
    x[...] = y[...] = 0
    trace(model, x, y)
    model.compile("sgd", nnlite.SparseCategoricalCrossentropy(from_logits=True))
    model.train_on_batch(x, y)
    for name, array in arrays.items():
        assert_same_bits(array, before[name], name)


class Remembering(Layer):
    """A layer of one's own with an attribute that a model has, too."""

    def __init__(self):
        super().__init__()
        self.history = []

    def forward(self, x, training=False):
        self.history.append(x.shape)
        return x


def test_a_layers_own_attributes_are_copied_whatever_their_names():
    layer = Remembering()
    assert list(trace(Sequential([layer, RNN(2)]), np.ones((2, 3, 1), "float32"))) == ["rnn"]
    assert layer.history == []


def test_a_trained_model_can_be_looked_into(tmp_path):
    """Its history knows the progress bar and open files, which cannot be copied."""
    model = Sequential([LSTM(5, return_sequences=True, input_dim=V), Dense(V)], seed=0)
    model.compile("adam", nnlite.SparseCategoricalCrossentropy(from_logits=True))

    class Look(nnlite.Callback):
        file = io.TextIOWrapper(io.BytesIO())

        def on_epoch_end(self, epoch, logs):
            self.seen = trace(model, ids())

    look = Look()
    look.screen = look.file
    model.fit(ids(), ids(), callbacks=[look, nnlite.JSONLogger(tmp_path / "log.jsonl")], verbose=0)
    assert_same_bits(trace(model, ids()).y, look.seen.y)


def test_dropout_drops_nothing_and_statistics_are_those_learnt():
    model = Sequential([Dropout(0.9), RNN(3, return_sequences=True), BatchNorm(), Dense(2)], seed=0)
    x = np.random.default_rng(0).standard_normal((2, 4, 3)).astype("float32")
    assert_same_bits(trace(model, x).y, model.forward(x))


def test_stateful_layers_start_from_zeros_or_go_on_from_where_they_are():
    model = Sequential([LSTM(5, return_sequences=True, stateful=True, input_dim=V)], seed=0)
    whole = trace(model, ids(2, 8))["lstm"]
    assert not whole.initial["c"].any()
    first, second = (np.ascontiguousarray(part) for part in np.split(ids(2, 8), [3], axis=1))
    model.forward(first)
    assert_same_bits(trace(model, ids(2, 8))["lstm"]["c"], whole["c"])
    rest = trace(model, second, fresh_state=False)["lstm"]
    assert_same_bits(rest["c"], np.ascontiguousarray(whole["c"][:, 3:]))
    assert_same_bits(rest.initial["h"], np.ascontiguousarray(whole["h"][:, 2]))
    assert trace(model, ids(3))["lstm"]["c"].shape == (3, 4, 5)  # as many rows as one likes
    with pytest.raises(ValueError, match=r"lstm would go on from the 2 rows that it has seen, but x has 3: .*reset_st"):
        trace(model, ids(3), fresh_state=False)


def test_padding_never_matters():
    model = Sequential([LSTM(5, return_sequences=True, input_dim=V), Dense(V)], seed=0)
    lengths, garbage = np.array([4, 2]), ids()
    garbage[1, 2:] = -7
    one, other = (trace(model, x, x, lengths=lengths, vocabulary=VOCABULARY) for x in (garbage, ids()))
    assert one.loss == other.loss
    for name, array in one["lstm"].items():
        assert_same_bits(array, other["lstm"][name], name)
    for name in ("i", "f", "g", "o", "di", "df", "dg", "do", "dc", "dh"):
        assert not one["lstm"][name][1, 2:].any(), name
        assert one["lstm"][name][1, 1].all(), name
    np.testing.assert_array_equal(one["lstm"]["c"][1, 3], one["lstm"]["c"][1, 1])
    assert one.characters[1] == VOCABULARY.decode(garbage[1, :2]) + "  "


def test_a_gradient_of_padding_is_ignored_as_the_layer_does():
    """Whatever a layer above says of it."""

    class Demanding(Layer):
        def forward(self, x, training=False):
            return x

        def backward(self, dy):
            dy = dy + 1
            dy[1, 2:] = np.nan
            return dy

    for make in (LSTM, GRU, RNN):
        model = Sequential([make(5, return_sequences=True, input_dim=V), Demanding(), Dense(V)], seed=0)
        seen = trace(model, ids(), ids(), lengths=np.array([4, 2]))[make.__name__.lower()]
        for name, array in seen.items():
            assert not (name.startswith("d") and array[1, 2:].any()), name
        assert (seen["dh"][0] > 0.5).any()


# Names and characters.


def test_names_follow_the_layers_and_the_text():
    seen = trace(writer(), ["to be", "or no"], ["o be,", "r not"], vocabulary=VOCABULARY)
    gradients = ["di", "df", "dg", "do", "dc", "dh"]
    assert {name: list(layer) for name, layer in seen.items()} == {
        "lstm": LSTM_NAMES + gradients,
        "bidirectional.forward": ["z", "r", "g", "u", "h", "dz", "dr", "dg", "du", "dh"],
        "bidirectional.backward": ["z", "r", "g", "u", "h", "dz", "dr", "dg", "du", "dh"],
        "rnn": ["z", "h", "dz", "dh"],
    }
    assert seen.characters == seen["rnn"].characters == ["to be", "or no"]
    assert (seen["lstm"].layer, seen["lstm"].name) == ("LSTM", "lstm")
    assert [*seen["lstm"].initial] == ["h", "c", "dh", "dc"]
    assert all(array.shape == (2, 5, 6) for array in seen["rnn"].values())
    np.testing.assert_array_equal(seen.targets[0], VOCABULARY.encode("o be,"))
    np.testing.assert_array_equal(seen.x[1], VOCABULARY.encode("or no"))
    assert seen.loss == pytest.approx(np.log(V), rel=0.5)
    without = trace(writer(), seen.x, vocabulary=VOCABULARY)
    assert without.characters == ["to be", "or no"]
    assert without.targets is None
    assert without.loss is None
    assert list(without["lstm"]) == LSTM_NAMES
    assert trace(writer(), seen.x).characters is None


def test_one_answer_for_each_text():
    model = Sequential([LSTM(5, input_dim=V), Dense(V)], seed=0)
    one = trace(model, ["to be", "or no"], ["o", "t"], vocabulary=VOCABULARY)
    other = trace(model, one.x, VOCABULARY.encode("ot"))
    assert one.loss == other.loss
    assert one.targets.shape == (2,)
    assert_same_bits(one["lstm"]["df"], other["lstm"]["df"])


def test_convolutions_show_their_feature_maps():
    """As the layers compute them, one after the other; and their gradients."""
    layers = [Conv2D(3, 3), BatchNorm(), ReLU(), MaxPool2D(), Dropout(0.5), Flatten(), Dense(4)]
    model = Sequential(layers, seed=0, dtype="float64")
    x, labels = np.random.default_rng(0).standard_normal((2, 8, 8, 1)), np.array([1, 3])
    seen = trace(model, x, labels)
    assert list(seen) == ["conv2d", "batch_norm", "relu", "max_pool2d"]
    y, maps = x, []
    for layer in layers:
        y = layer.forward(y)
        maps.append(y)
    p = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
    dy = (p - np.eye(4)[labels]) / 2
    for layer, values in zip(reversed(layers), reversed(maps), strict=True):
        if layer.name in seen:
            np.testing.assert_array_equal(seen[layer.name]["y"], values)
            np.testing.assert_allclose(seen[layer.name]["dy"], dy, rtol=1e-12, atol=1e-15)
        dy = layer.backward(dy)


def test_what_changes_numbers_in_place_changes_none_that_are_shown():
    model = Sequential([Conv2D(3, 3), Doubled(), ReLU()], seed=0)
    x = np.random.default_rng(0).standard_normal((2, 8, 8, 1)).astype("float32")
    seen = trace(model, x)
    assert list(seen) == ["conv2d", "relu"]
    np.testing.assert_array_equal(seen["relu"]["y"], np.maximum(2 * seen["conv2d"]["y"], 0))
    assert (seen["relu"].initial, [*seen["relu"]]) == ({}, ["y"])


def test_other_steps_than_those_of_the_text_get_no_characters():
    model = Sequential([Embedding(V, 6), Reshape((8, 3)), GRU(4)], seed=0)
    seen = trace(model, TEXT[:4], vocabulary=VOCABULARY)
    assert seen["gru"]["h"].shape == (1, 8, 4)
    assert seen["gru"].characters is None


def test_it_prints_what_there_is():
    seen = trace(writer(), TEXT[:-1], TEXT[1:], vocabulary=VOCABULARY)
    text = repr(seen)
    assert text.startswith(f"x (1, 18) -> y (1, 18, {V}), loss ")
    for name, layer in seen.items():
        assert repr(layer) in text
        assert f"{name}: {layer.layer}" in text
        for quantity, array in layer.items():
            assert any(
                line.split()[0] == quantity and str(array.shape) in line and layer.meanings[quantity] in line
                for line in repr(layer).splitlines()[1:]
            ), quantity


def test_a_loss_of_0_is_one_and_a_page_has_every_layer():
    seen = Trace(dict(trace(writer(), ids())), ids(), np.zeros((2, 4, V)), loss=0.0)
    assert str(seen).startswith(f"x (2, 4) -> y (2, 4, {V}), loss 0.0000\n")
    assert all(layer.html() in seen.html() for layer in seen.values())


def test_a_text_is_shown_as_it_was_given():
    texts = ["to be", "or no"]
    assert trace(model_of(), texts, vocabulary=VOCABULARY, lengths=[5, 2]).characters == texts


def test_texts_are_a_list_or_a_tuple_and_ids_integers_of_any_kind():
    assert encoded("x", ("to", "be"), VOCABULARY)[1] == ["to", "be"]
    assert characters(ids(1).astype("uint8"), VOCABULARY) == [VOCABULARY.decode(ids(1)[0])]
    for x in (np.ones((1, 3), "float32"), np.ones((1, 3, 2), int)):
        with pytest.raises(ValueError, match=r"expected x to hold integer ids \(N, T\), got"):
            characters(x, VOCABULARY)


def test_an_unknown_name_is_told_what_there_is():
    seen = trace(writer(), TEXT, vocabulary=VOCABULARY)
    assert isinstance(seen, Trace)
    assert isinstance(seen["lstm"], LayerTrace)
    with pytest.raises(KeyError, match=r"layer: expected one of lstm, bidirectional\.forward, .*, got 'gru'"):
        seen["gru"]
    with pytest.raises(KeyError, match=r"lstm \(LSTM\): expected one of i, f, g, o, c, h, got 'df': give targets"):
        seen["lstm"]["df"]
    assert "df" not in seen["lstm"]
    with pytest.raises(KeyError, match=r"expected one of y, dy, got 'x'\""):
        trace(Conv2D(1, 1), np.ones((1, 2, 2, 1), "float32"), np.zeros((1, 2, 2), int))["conv2d"]["x"]


def test_a_loss_of_ones_own_gets_targets_shaped_as_in_fit():
    class Squares:
        def forward(self, y_true, y_pred):
            self.difference = y_pred - y_true  # (N, N), where y_true is (N,) and y_pred (N, 1)
            return np.mean(self.difference**2)

        def backward(self):
            return 2 * self.difference / self.difference.size

    x, y = np.random.default_rng(0).normal(size=(2, 5, 3, 2)).astype("float32")
    model = Sequential([LSTM(4), Dense(1)], seed=0)
    model.compile("sgd", Squares())
    seen = trace(model, x, y[:, 0, 0])
    assert seen.loss == model.evaluate(x, y[:, 0, 0])
    expected = trace(model, x, y[:, 0, :1])
    for name, array in expected["lstm"].items():
        np.testing.assert_array_equal(seen["lstm"][name], array)


def test_a_layer_of_ones_own_kind_is_looked_into_as_what_it_is():
    class Peephole(LSTM):
        """Another name for it."""

    assert list(trace(Peephole(3, input_dim=V), ids())["peephole"]) == LSTM_NAMES


def test_a_softmax_at_the_end_gives_probabilities():
    layers = [GRU(5, return_sequences=True, input_dim=V), Dense(V)]
    logits = Sequential(layers, seed=0)
    expected = trace(logits, ids(), ids())
    seen = trace(Sequential([*layers, Softmax()], seed=0), ids(), ids())
    assert seen.loss == pytest.approx(expected.loss, rel=1e-6)
    np.testing.assert_allclose(seen["gru"]["dh"], expected["gru"]["dh"], rtol=1e-3, atol=1e-7)


def test_a_compiled_models_loss_is_the_default():
    x = np.ones((2, 3, 4), "float32")
    model = Sequential([RNN(2)], seed=0)
    model.compile("sgd", "mse")
    y = model.forward(x)
    assert trace(model, x, y + 1).loss == pytest.approx(1)
    own = nnlite.MeanSquaredError("sum")
    assert trace(model, x, y + 1, loss=own).loss == pytest.approx(2)
    assert own.kept is None


# What does not fit.


def model_of(*layers):
    return Sequential([LSTM(3, return_sequences=True, input_dim=V), *layers], seed=0)


class Locked(Layer):
    """Holds what cannot be copied."""

    def __init__(self):
        super().__init__()
        self.log = io.TextIOWrapper(io.BytesIO())


WRONG = {
    "not a model": (lambda: trace(LSTM, ids()), TypeError, r"expected a model or a layer, got .*: make one, LSTM\("),
    "nothing to see": (
        lambda: trace(Sequential([Dense(2), Dropout(0.1)]), np.ones((2, 3), "float32")),
        ValueError,
        r"expected an LSTM, GRU or RNN, or a layer that makes images, got none in ",
    ),
    "cannot be copied": (
        lambda: trace(Sequential([Locked(), RNN(2)]), np.ones((2, 3, 1), "float32")),
        TypeError,
        r"expected a model that can be copied, got .*: cannot pickle",
    ),
    "x in rows of unequal length": (
        lambda: trace(model_of(), [[1, 2], [1]]),
        ValueError,
        "^x: expected lists of one length",
    ),
    "no vocabulary": (lambda: trace(model_of(), "to be"), ValueError, "x: expected ids, got text: give the vocabulary"),
    "not a vocabulary": (
        lambda: trace(model_of(), "to be", vocabulary="abc"),
        TypeError,
        r"expected a nnlite.text.Vocabulary, got 'abc'",
    ),
    "no vocabulary for targets": (
        lambda: trace(model_of(), ids(1), "to b"),
        ValueError,
        "targets: expected ids, got text: give the",
    ),
    "unequal texts": (
        lambda: trace(model_of(), ["to be", "or"], vocabulary=VOCABULARY),
        ValueError,
        r"x: expected texts of one length, got 5 characters at 0 and 2 at 1: .*pad_sequences, with lengths",
    ),
    "a longer text after the first": (
        lambda: trace(model_of(), ["or", "to be"], vocabulary=VOCABULARY),
        ValueError,
        "x: expected texts of one length, got 2 characters at 0 and 5 at 1",
    ),
    "not all text": (
        lambda: trace(model_of(), ["to be", 3], vocabulary=VOCABULARY),
        TypeError,
        "x: expected a str or a list of str, got int at 1",
    ),
    "empty text": (
        lambda: trace(model_of(), "", vocabulary=VOCABULARY),
        ValueError,
        "x: expected at least one character, got an empty text",
    ),
    "unknown character": (
        lambda: trace(model_of(), "to bz", vocabulary=VOCABULARY),
        ValueError,
        "^x: text: expected characters of the vocabulary, got 'z'",
    ),
    "unknown character in one of them": (
        lambda: trace(model_of(Dense(V)), ["to", "be"], ["o ", "ez"], vocabulary=VOCABULARY),
        ValueError,
        r"^targets\[1\]: text: expected characters of the vocabulary, got 'z'",
    ),
    "a vocabulary of numbers": (
        lambda: trace(RNN(2), np.ones((1, 3, 2), "float32"), vocabulary=VOCABULARY),
        ValueError,
        r"expected x to hold integer ids \(N, T\), got float32 of shape \(1, 3, 2\): leave the vocabulary out",
    ),
    "more rows of targets": (
        lambda: trace(model_of(Dense(V)), ids(2), ids(3)),
        ValueError,
        r"targets: expected an array for 2 samples, as x has, got shape \(3, 4\)",
    ),
    "a single target": (
        lambda: trace(model_of(Dense(V)), ids(2), 3),
        ValueError,
        r"targets: expected an array for 2 samples, as x has, got shape \(\)",
    ),
    "targets that are no numbers": (
        lambda: trace(model_of(Dense(V)), ids(1), ids(1).astype(complex)),
        TypeError,
        r"targets: expected numbers, got an array of complex128: use np\.real\(targets\)",
    ),
    "targets in rows of unequal length": (
        lambda: trace(model_of(Dense(V)), ids(2), [[1, 2, 3, 4], [1]]),
        ValueError,
        "targets: expected lists of one length",
    ),
    "a longer text of targets": (
        lambda: trace(model_of(Dense(V)), "to b", "o be,", vocabulary=VOCABULARY),
        ValueError,
        r"expected texts of length 4, .* got 5: .* such as text\[1:\] for text\[:-1\]",
    ),
    "a text of targets for one answer": (
        lambda: trace(Sequential([GRU(V, input_dim=V)]), "to b", "o be", vocabulary=VOCABULARY),
        ValueError,
        "expected texts of length 1, .* got 4: .* one target for each text",
    ),
    "more steps of targets": (
        lambda: trace(model_of(Dense(V)), ids(2), ids(2, 5)),
        ValueError,
        r"targets: y_true: expected one label for each position of y_pred .* the default: give another one, loss=",
    ),
    "targets for another loss": (
        lambda: trace(RNN(2), np.ones((1, 3, 2), "float32"), np.ones((1, 2), "float32")),
        TypeError,
        r"targets: y_true: expected integers, got float32: use np\.asarray\(y_true, int\) \(by Sparse.*the default: "
        r"give another one, loss=",
    ),
    "a label out of range": (
        lambda: trace(model_of(), ids(), ids() + 3, loss=nnlite.SparseCategoricalCrossentropy(from_logits=True)),
        IndexError,
        r"targets: y_true: expected labels in 0 \.\. 2, got \d+ at .* "
        r"\(by SparseCategoricalCrossentropy\(from_logits=True\)\)",
    ),
    "a loss without targets": (
        lambda: trace(model_of(), ids(), loss="mse"),
        ValueError,
        "loss: expected targets with it, got none: give targets, too",
    ),
    "an unknown loss": (lambda: trace(model_of(), ids(), ids(), loss="mes"), ValueError, "expected a loss or one of"),
    "lengths of other rows": (
        lambda: trace(model_of(), ids(), lengths=np.array([1, 2, 3])),
        ValueError,
        "expected one length for each of the 2 rows",
    ),
    "x that does not fit": (
        lambda: trace(model_of(), np.full((1, 2), V)),
        IndexError,
        rf"x: expected ids in 0 \.\. {V - 1}, got {V} at \(0, 0\)",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_said(name):
    run, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        run()
