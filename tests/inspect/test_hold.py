"""A held unit has its value at every step, for all that reads it; and nothing else changes."""

import numpy as np
import pytest
from chain import backends

import nnlite
from nnlite import GRU, LSTM, RNN, Bidirectional, Dense, Sequential
from nnlite.inspect.hold import held_stepper, holdable
from nnlite.text import Vocabulary, generate

V, H = 7, 5
VOCABULARY = Vocabulary("\nabcdef")
IDS = np.random.default_rng(3).integers(V, size=(300, 3))

LAYERS = {
    "lstm": lambda **options: LSTM(H, name="layer", **options),
    "gru": lambda **options: GRU(H, name="layer", **options),
    "gru, reset before": lambda **options: GRU(H, reset_after=False, name="layer", **options),
    "rnn": lambda **options: RNN(H, name="layer", **options),
    "relu": lambda **options: RNN(H, activation="relu", name="layer", **options),
}
every_layer = pytest.mark.parametrize("kind", LAYERS)


def alone(kind, dtype="float64"):
    return Sequential([LAYERS[kind](return_sequences=True, input_dim=V)], (None,), dtype, seed=1)


def writer(kind="lstm"):
    layers = [LAYERS[kind](return_sequences=True, input_dim=V), LSTM(H, return_sequences=True, name="top"), Dense(V)]
    model = Sequential(layers, (None,), seed=1)
    for array in model.params.values():
        array *= 1 if kind == "relu" else 3  # so that the states move, and texts differ
    return model


def stepped(step):
    return np.stack([step(ids).copy() for ids in IDS])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@backends
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_held_cell_is_seen_by_this_steps_output_and_by_the_next_step(backend_name, dtype):
    """The equations, with one line more."""
    model, value = alone("lstm", dtype), 1.75  # which no sum of products in (-1, 1) gives at once
    with nnlite.use_backend(backend_name):
        found = stepped(held_stepper(model, {"layer.c": {2: value}}, 3))
    Wx, Wh, b = (model.params[f"layer.{name}"].astype(np.float64) for name in ("Wx", "Wh", "b"))
    h, c = np.zeros((2, 3, H))
    for ids, y in zip(IDS, found, strict=True):
        zi, zf, zg, zo = np.split(Wx[ids] + b + h @ Wh, 4, axis=1)
        c = sigmoid(zf) * c + sigmoid(zi) * np.tanh(zg)
        c[:, 2] = value
        h = sigmoid(zo) * np.tanh(c)
        np.testing.assert_allclose(y, h, rtol=0, atol=1e-5 if dtype == "float32" else 1e-12)


@every_layer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_held_state_is_seen_by_the_next_layer_and_by_the_next_step(kind, dtype):
    """As a loop over `step` that writes it there says."""
    model = alone(kind, dtype)
    found = stepped(held_stepper(model, {"layer.h": {0: 0.3, 3: -0.5}}, 3))
    model.reset_state()
    layer = model.layers[0]
    layer.state = tuple(np.zeros((len(layer.states), 3, H), dtype))
    layer.state[0][:, [0, 3]] = 0.3, -0.5
    for ids, y in zip(IDS, found, strict=True):
        layer.step(ids)
        state = tuple(map(np.copy, layer.state))
        state[0][:, [0, 3]] = 0.3, -0.5
        layer.state = state
        np.testing.assert_array_equal(y, state[0])


@every_layer
@pytest.mark.parametrize("hold", [{}, {"layer.h": {}}, {"top.c": {}}])
def test_holding_nothing_gives_the_same_bits(kind, hold):
    model = writer(kind)
    step, held_step = model.stepper(3), held_stepper(model, hold, 3)
    assert np.array_equal(stepped(step), stepped(held_step))
    assert generate(model, VOCABULARY, "abc", 300, rng=0) == generate(model, VOCABULARY, "abc", 300, rng=0, hold=hold)


def test_holding_nothing_takes_no_other_way(monkeypatch):
    monkeypatch.setattr("nnlite.inspect.hold.held_stepper", None)
    assert len(generate(writer(), VOCABULARY, "abc", 5, rng=0)) == 5


def test_all_values_of_a_state_that_are_held_at_what_they_are_give_the_same_text():
    """A held zero state is what a layer of zeros has."""
    model = writer()
    zero = writer()
    for name, array in zero.params.items():
        array *= not name.startswith("top.")
    text = generate(zero, VOCABULARY, "abc", 100, rng=0)
    for state in "ch":
        hold = {f"top.{state}": dict.fromkeys(range(H), 0.0)}
        assert generate(model, VOCABULARY, "abc", 100, rng=0, hold=hold) == text


def test_the_seed_is_read_and_the_text_written_with_what_is_held():
    model = writer()
    free = generate(model, VOCABULARY, "abc", 200, rng=0)
    held = generate(model, VOCABULARY, "abc", 200, rng=0, hold={"layer.c": {1: 3.0}})
    both = generate(model, VOCABULARY, "abc", 200, rng=0, hold={"layer.c": {1: 3.0}, "top.h": {2: -0.9}})
    assert len({free, held, both}) == 3


def test_the_model_stays_as_it_is():
    model = writer()
    before = {name: array.copy() for name, array in model.params.items()}
    model.layers[0].state = state = (np.ones((1, H), "float32"), np.ones((1, H), "float32"))
    generate(model, VOCABULARY, "abc", 20, rng=0, hold={"layer.c": {1: 3.0}})
    assert all(np.array_equal(before[name], array) for name, array in model.params.items())
    assert all(map(np.array_equal, model.layers[0].state, state))
    assert "stepper" not in vars(model.layers[0])


def test_the_largest_number_of_float32_is_a_value():
    held_stepper(alone("lstm"), {"layer.h": {0: float(np.finfo("float32").max)}}, 1)


def test_it_starts_from_zeros_whatever_the_model_has_read():
    model = alone("lstm")
    expected = stepped(held_stepper(model, {"layer.h": {0: 0.5}}, 3))
    model.layers[0].state = tuple(np.ones((2, 3, H)))
    np.testing.assert_array_equal(stepped(held_stepper(model, {"layer.h": {0: 0.5}}, 3)), expected)


def test_a_layer_that_reads_from_the_end_takes_no_steps_and_is_not_held():
    layers = [LSTM(H, return_sequences=True, input_dim=V), GRU(H, return_sequences=True, go_backwards=True)]
    assert [*holdable(Sequential(layers, (None,)))] == ["lstm.c", "lstm.h"]


def test_a_layer_of_a_model_in_the_model_has_its_full_name():
    inner = Sequential([LSTM(H, return_sequences=True, input_dim=V)], (None,), name="inner")
    model = Sequential([inner, Dense(V)], (None,), seed=0)
    step = held_stepper(model, {"inner.lstm.c": {0: 2.0}}, 1)
    assert not np.array_equal(step(np.array([1])), model.step(np.array([1])))


@pytest.mark.parametrize(
    ("hold", "error", "message"),
    [
        ({"layer.f": {0: 1.0}}, ValueError, r"expected one of layer\.c, layer\.h, top\.c, top\.h, got 'layer\.f'"),
        ({"layer.c": {5: 1.0}}, ValueError, r"hold\['layer\.c'\]: expected units from 0 to 4, got 5"),
        ({"layer.c": {-1: 1.0}}, ValueError, r"unit: expected a whole number of at least 0, got -1"),
        ({"layer.c": {0: np.inf}}, ValueError, r"hold\['layer\.c'\]\[0\]: expected a finite number, got inf"),
        ({"layer.c": {0: "high"}}, TypeError, r"hold\['layer\.c'\]\[0\]: expected a number, got 'high'"),
        ({"layer.c": {0: -1e300}}, ValueError, r"expected a finite number, got -1e\+300"),  # in float32
        ([{0: 1.0}], TypeError, r"hold: expected values by unit by state, such as {'lstm\.c': {105: 0\.0}}, got \[{"),
        ({"layer.c": 0}, TypeError, r"hold: expected values by unit by state, such as {'lstm\.c': {105: 0\.0}}, got"),
    ],
)
def test_what_cannot_be_held_is_refused(hold, error, message):
    with pytest.raises(error, match=message):
        generate(writer(), VOCABULARY, "abc", 5, hold=hold)


def test_a_model_without_such_a_state_is_refused():
    both = Bidirectional(LSTM(H, return_sequences=True), name="both")
    model = Sequential([LSTM(H, return_sequences=True, input_dim=V), both, Dense(V)], (None,))
    with pytest.raises(ValueError, match=r"hold: expected one of lstm\.c, lstm\.h, got 'both\.c'"):
        held_stepper(model, {"both.c": {0: 0.0}}, 1)
    with pytest.raises(ValueError, match="hold: expected a model with an LSTM, GRU or RNN, got 'c' for one without"):
        held_stepper(Sequential([Dense(3)], (2,)), {"c": {0: 0.0}}, 1)
