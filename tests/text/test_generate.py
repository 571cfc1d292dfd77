"""Generation reads and writes as documented, draws from the softmax, and leaves no trace.

The models here are stand-ins of a few lines whose every step is known.
"""

import functools
import tracemalloc

import numpy as np
import pytest
from chain import backends, randomized
from hypothesis import given
from hypothesis import strategies as st

import nnlite
from nnlite.text import Vocabulary, generate
from nnlite.text.arguments import drawn

ABC = Vocabulary("abc")
LAST_DRAW = 1 - 2.0**-53  # the largest number that Generator.random returns


class TableModel:
    """Row i of a table is the output after reading id i. Keeps a list of what it has read."""

    def __init__(self, table):
        self.table = np.asarray(table, "float32")
        self.layers = [object()]
        self.read = []

    def reset_state(self):
        self.read.append("reset")

    def stepper(self, N):
        return self.step

    def step(self, ids):
        assert ids.shape == (1,)
        assert ids.dtype == np.int64
        self.read.extend(ids.tolist())
        return self.table[ids]


class Memory:
    """A recurrent layer: its state, of shape (N, 1), counts steps; its output picks count mod V."""

    def __init__(self, in_place, size=3):
        self.state, self.in_place, self.size = None, in_place, size

    def stepper(self, N):
        return self.step

    def step(self, ids):
        if self.state is None:
            self.state = (np.zeros((len(ids), 1)),)
        (count,) = self.state
        output = np.where(np.arange(self.size) == count % self.size, 0.0, -np.inf)
        if self.in_place:
            count += 1
        else:
            self.state = (count + 1,)
        return output


class MemoryModel:
    def __init__(self, in_place=False):
        self.memory = Memory(in_place)
        self.layers = [self.memory, object()]

    def reset_state(self):
        if self.memory.in_place and self.memory.state is not None:
            self.memory.state[0].fill(0)
        else:
            self.memory.state = None

    def stepper(self, N):
        return self.step

    def step(self, ids):
        return self.memory.step(ids)


def cycle():
    """After a comes b, after b comes c, after c comes a: for certain."""
    return TableModel(np.where(np.roll(np.eye(3), 1, axis=1), 0, -np.inf))


def constant(logits):
    """The same logits after every character."""
    return TableModel([logits] * len(logits))


# Reading and writing


def test_writes_what_the_model_says_and_does_not_repeat_the_seed():
    assert generate(cycle(), ABC, "b", 7) == "cabcabc"


def test_reads_the_seed_then_its_own_characters_each_once():
    model = cycle()
    generate(model, ABC, "acb", 3)
    assert model.read == ["reset", 0, 2, 1, 2, 0]


def test_the_state_is_carried_from_step_to_step():
    assert generate(MemoryModel(), ABC, "aaaa", 7) == "abcabca"


def test_empty_seed_is_a_line_break():
    model = constant([0.0, 0.0, 0.0])
    generate(model, Vocabulary("a\nb"), "", 1)
    assert model.read == ["reset", 1]


def test_empty_seed_without_a_line_break_draws_the_first_character():
    """Each as likely as any other: nothing was read that could say more."""
    model = cycle()
    u = np.random.default_rng(5).random()
    assert generate(model, ABC, "", 4, rng=5) == ("abcabc"[int(3 * u) :])[:4]
    assert model.read == ["reset", *(i % 3 for i in range(int(3 * u), int(3 * u) + 3))]
    assert generate(cycle(), ABC, "", 4, temperature=0) == "abca"
    softmax = TableModel(np.roll(np.eye(3), 1, axis=1))
    softmax.layers = [nnlite.Softmax()]
    assert generate(softmax, ABC, "", 4, rng=5) == generate(cycle(), ABC, "", 4, rng=5)


@pytest.mark.parametrize(("seed", "read"), [("aXb", [0, 1]), ("XaX", [0]), ("a", [0])])
def test_unknown_characters_are_left_out_on_request(seed, read):
    model = cycle()
    generate(model, ABC, seed, 1, unknown="skip")
    assert model.read == ["reset", *read]


def test_a_seed_of_nothing_but_unknown_characters_is_an_empty_one():
    model = constant([0.0, 0.0, 0.0])
    generate(model, Vocabulary("a\nb"), "XYZ", 1, unknown="skip")
    assert model.read == ["reset", 1]


def test_length_zero():
    assert generate(cycle(), ABC, "a", 0) == ""


# Randomness


def test_same_seed_same_text():
    model = constant([0.3, 0.1, 0.2])
    text = generate(model, ABC, "a", 50, rng=7)
    assert generate(model, ABC, "a", 50, rng=7) == text
    assert generate(model, ABC, "a", 50, rng=np.random.default_rng(7)) == text
    assert generate(model, ABC, "a", 50, rng=8) != text


def test_without_a_generator_no_two_texts_are_alike():
    model = constant([0.3, 0.1, 0.2])
    assert generate(model, ABC, "a", 200) != generate(model, ABC, "a", 200)


@pytest.mark.parametrize("temperature", [0, 1])
def test_takes_as_many_numbers_from_the_generator_as_it_writes(temperature):
    used, other = np.random.default_rng(3), np.random.default_rng(3)
    generate(constant([0.3, 0.1, 0.2]), ABC, "abc", 11, temperature, rng=used)
    other.random(11)
    assert used.bit_generator.state == other.bit_generator.state


def test_a_short_text_is_the_beginning_of_a_long_one():
    model = constant([0.3, 0.1, 0.2])
    assert generate(model, ABC, "a", 90, rng=1).startswith(generate(model, ABC, "a", 30, rng=1))


def test_the_draws_are_those_of_the_generator_in_order():
    logits = np.log([0.2, 0.3, 0.5])
    draws = np.random.default_rng(5).random(100).tolist()
    expected = "".join("abc"[(u >= 0.2) + (u >= 0.5)] for u in draws)
    assert generate(constant(logits), ABC, "a", 100, rng=5) == expected


def test_the_draws_of_a_long_text_take_eight_bytes_each():
    tracemalloc.start()
    try:
        drawn(0, 10**6)
        assert tracemalloc.get_traced_memory()[1] < 9 * 10**6
    finally:
        tracemalloc.stop()


# Temperature


@pytest.mark.parametrize("temperature", [1.5, 1.0, 0.75, 0.25])
def test_frequencies_are_those_of_the_softmax(temperature):
    logits = np.array([1.0, 0.0, -0.5])
    p = np.exp(logits / temperature)
    p /= p.sum()
    n = 20_000
    text = generate(constant(logits), ABC, "a", n, temperature, rng=0)
    found = np.array([text.count(c) for c in "abc"]) / n
    np.testing.assert_allclose(found, p, rtol=0, atol=4 * np.sqrt(0.25 / n))


def test_temperature_zero_takes_the_likeliest_and_the_first_of_equals():
    assert generate(constant([0.1, 0.3, 0.2]), ABC, "a", 20, temperature=0) == "b" * 20
    assert generate(constant([0.1, 0.3, 0.3]), ABC, "a", 20, temperature=0) == "b" * 20


logit_rows = st.lists(st.floats(-1e4, 1e4, width=32) | st.just(-np.inf), min_size=1, max_size=40)
draws = st.floats(0, LAST_DRAW) | st.sampled_from([0.0, LAST_DRAW])


@given(logit_rows, st.floats(1e-3, 1e3), draws)
def test_sample_inverts_the_distribution_function(row, temperature, u):
    logits = np.array(row, "float64")
    if np.isneginf(logits).all():
        return
    k = nnlite.sample(logits, temperature, u)
    p = np.exp((logits - logits.max()) / temperature)
    assert p[k] > 0
    below, upto = p[:k].sum() / p.sum(), p[: k + 1].sum() / p.sum()
    assert below - 1e-12 <= u <= upto + 1e-12


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("temperature", [1e-300, 1e-3, 1.0, 1e300])
@pytest.mark.parametrize("u", [0.0, 0.5, LAST_DRAW])
def test_sample_of_extreme_logits(dtype, temperature, u):
    one = nnlite.sample(np.array([-1e4, 1e4, -np.inf, -1e4], dtype), temperature, u)
    if temperature <= 1:
        assert one == 1
    else:  # all but the impossible are equally likely
        assert one == {0.0: 0, 0.5: 1, LAST_DRAW: 3}[u]


# The likeliest alone


def test_top_k_and_top_p_leave_the_unlikely_out():
    model = constant(np.log([0.2, 0.3, 0.5]))
    assert set(generate(model, ABC, "a", 200, rng=0)) == set("abc")
    assert set(generate(model, ABC, "a", 200, rng=0, top_k=2)) == set("bc")
    assert set(generate(model, ABC, "a", 200, rng=0, top_p=0.7)) == set("bc")
    assert set(generate(model, ABC, "a", 200, temperature=0.1, rng=0, top_p=0.7)) == set("c")
    assert generate(model, ABC, "a", 50, temperature=1.5, rng=0, top_k=1) == "c" * 50


def test_top_k_and_top_p_of_everything_change_nothing():
    model = constant([0.3, 0.1, 0.2])
    assert generate(model, ABC, "a", 200, rng=0, top_k=3, top_p=1) == generate(model, ABC, "a", 200, rng=0)


# A Softmax at the end


def test_probabilities_of_a_softmax_are_sampled_as_such():
    table = np.array([[0.2, 0.3, 0.5], [0.0, 0.9, 0.1], [0.6, 0.4, 0.0]])
    with np.errstate(divide="ignore"):
        logits = TableModel(np.log(table))
    probabilities = TableModel(table)
    probabilities.layers = [object(), nnlite.Softmax()]
    for temperature in (0, 0.5, 1, 2):
        expected = generate(logits, ABC, "a", 200, temperature, rng=2)
        assert generate(probabilities, ABC, "a", 200, temperature, rng=2) == expected


def test_a_softmax_may_be_the_activation_of_the_last_layer():
    """Then its probabilities are no logits, either."""
    lstm = nnlite.LSTM(5, return_sequences=True, input_dim=3)
    one = nnlite.Sequential([lstm, nnlite.Dense(3, "softmax")], input_shape=(None,), seed=0)
    two = nnlite.Sequential([*one.layers[:-1], nnlite.Dense(3), nnlite.Softmax()], input_shape=(None,), seed=0)
    one.params["dense.W"] *= 20
    two.set_weights(one.get_weights())
    assert generate(one, ABC, "a", 50, rng=1) == generate(two, ABC, "a", 50, rng=1)


# No trace


@pytest.mark.parametrize(
    ("in_place", "carried"),
    [(True, np.array([[5.0]])), (False, np.array([[5.0], [7.0]]))],  # a batch of one, of two
)
def test_the_models_state_is_put_back(in_place, carried):
    model = MemoryModel(in_place)
    model.memory.state = (carried.copy(),)
    assert generate(model, ABC, "a", 4) == "abca"
    (state,) = model.memory.state
    assert state.tolist() == carried.tolist()


@pytest.mark.parametrize("in_place", [False, True])
def test_a_model_without_a_state_has_none_afterwards(in_place):
    model = MemoryModel(in_place)
    assert generate(model, ABC, "a", 4) == generate(model, ABC, "a", 4)
    assert model.memory.state is None


def test_the_state_is_put_back_after_an_error():
    model = MemoryModel()
    model.memory.size = 2
    model.memory.state = (np.array([[5.0]]),)
    with pytest.raises(ValueError, match="shape"):
        generate(model, ABC, "a", 4)
    assert model.memory.state[0].tolist() == [[5.0]]


# The real thing


LETTERS = Vocabulary("abcdefgh\n")
V = len(LETTERS)
RECURRENT = {
    "RNN": nnlite.RNN,
    "RNN of ReLU": functools.partial(nnlite.RNN, activation="relu"),
    "LSTM": nnlite.LSTM,
    "GRU": nnlite.GRU,
}


def stack(first, second, embedded):
    """A model of two recurrent layers, its parameters random and so large that it is sure of what it says."""
    layers = [nnlite.Embedding(V, 6), first(7, return_sequences=True)]
    layers = layers if embedded else [first(7, return_sequences=True, input_dim=V)]
    layers += [second(5, return_sequences=True), nnlite.Dense(V)]
    return randomized(nnlite.Sequential(layers, input_shape=(3,), seed=0))


@pytest.mark.parametrize("embedded", [False, True])
@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize("kind", RECURRENT)
@backends
def test_writes_what_forward_over_the_whole_text_says(kind, temperature, embedded, backend_name):
    """Each character is the one that its draw takes from the probabilities, so a little in them changes the text."""
    model = stack(RECURRENT[kind], nnlite.GRU if kind == "LSTM" else nnlite.LSTM, embedded)
    model.params["dense.W"][...] *= 4  # away from equal probabilities
    seed, n = "head\n", 200
    with nnlite.use_backend(backend_name):
        text = generate(model, LETTERS, seed, n, temperature, rng=3)
        logits = model.forward(LETTERS.encode(seed + text)[np.newaxis, :-1])[0, len(seed) - 1 :]
    draws = np.random.default_rng(3).random(n)
    said = [nnlite.sample(row, temperature, u) for row, u in zip(logits, draws, strict=True)]
    assert LETTERS.decode(said) == text
    assert temperature == 0 or len(set(text)) > V // 2


# Errors


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"seed": "aXb"}, ValueError, "text: expected characters of the vocabulary, got 'X'.*position 1"),
        ({"seed": None}, TypeError, "seed: expected a str, got NoneType"),
        ({"length": -1}, ValueError, "length: expected at least 0, got -1"),
        ({"length": 2.5}, TypeError, "length: expected an integer, got 2.5"),
        ({"length": True}, TypeError, "length: expected an integer, got True"),
        (
            {"length": 2**63 - 1},
            MemoryError,
            "length: expected at most .*, got 9,223,372,036,854,775,807",
        ),
        ({"length": 10**30}, MemoryError, "length: expected at most as many characters as memory has"),
        ({"temperature": -0.5}, ValueError, r"temperature: expected a number in \[0, inf\), got -0.5"),
        ({"temperature": np.nan}, ValueError, "temperature: expected a number.*got nan"),
        ({"temperature": np.inf}, ValueError, "temperature: expected a number.*got inf"),
        ({"top_k": 0}, ValueError, "top_k: expected a whole number of at least 1, got 0"),
        ({"top_k": 1.5}, ValueError, "top_k: expected a whole number of at least 1, got 1.5"),
        ({"top_p": 0}, ValueError, r"top_p: expected a number in \(0, 1\], got 0"),
        ({"top_p": 1.1}, ValueError, r"top_p: expected a number in \[0, 1\], got 1.1"),
        ({"top_p": np.nan}, ValueError, "top_p: expected a number"),
        ({"top_p": "most"}, TypeError, "top_p: expected a number, got 'most'"),
        ({"unknown": "ignore"}, ValueError, "unknown: expected 'error' or 'skip', got 'ignore'"),
        ({"temperature": "hot"}, TypeError, "temperature: expected a number, got 'hot'"),
        ({"model": constant([0.0, np.nan, 0.0])}, ValueError, "expected finite numbers"),
        ({"model": constant([0.0, np.inf, 0.0])}, ValueError, "expected finite numbers"),
        ({"model": constant([-np.inf] * 3)}, ValueError, "expected finite numbers"),
        ({"model": None}, TypeError, "model: expected a model, such as .*, got NoneType"),
        ({"model": ABC, "vocabulary": cycle()}, TypeError, "vocabulary: expected a Vocabulary, .*, got "),
        ({"vocabulary": b"abc"}, TypeError, "vocabulary: expected a Vocabulary, .*, got bytes"),
        ({"vocabulary": bytearray(b"abc")}, TypeError, "vocabulary: expected a Vocabulary, .*, got bytearray"),
        ({"rng": "1"}, TypeError, "rng: expected a whole number of at least 0, .*, got '1'"),
        ({"rng": -1}, ValueError, "rng: expected a whole number of at least 0, .*, got -1"),
        ({"model": constant([0.0] * 4)}, ValueError, r"3 characters, shape \(1, 3\).*\(1, 4\)"),
        ({"model": constant([0.0] * 4), "seed": ""}, ValueError, r"3 characters, shape \(1, 3\).*\(1, 4\)"),
    ],
)
@pytest.mark.parametrize("greedy", [False, True])
def test_bad_input(arguments, error, message, greedy):
    good = {"model": cycle(), "vocabulary": ABC, "seed": "a", "length": 5}
    if greedy:
        good["temperature"] = 0
    with pytest.raises(error, match=message):
        generate(**(good | arguments))


@pytest.mark.parametrize("temperature", [1, np.float32(0.5), np.int64(2)])
def test_temperature_may_be_any_number(temperature):
    assert generate(cycle(), ABC, "a", 3, temperature) == "bca"
