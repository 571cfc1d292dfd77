"""Texts at several temperatures, their entropy, and the probabilities of the next character.

The models here are tables: what comes after a character depends on it alone.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nnlite
from nnlite.text import Vocabulary, compare_temperatures, generate, next_characters

ABCD = Vocabulary("abcd")


def table_model(logits):
    """Row i of a table (V, V) is what the model says after reading id i."""
    V = len(logits)
    model = nnlite.Sequential([nnlite.Embedding(V, V)], input_shape=(5,), dtype="float64", seed=0)
    model.params["embedding.W"][:] = logits
    return model


def constant(*probabilities):
    with np.errstate(divide="ignore"):
        return table_model(np.tile(np.log(probabilities), (len(probabilities), 1)))


class TestCompareTemperatures:
    def test_writes_what_generate_writes_from_the_same_draws(self):
        model = table_model(np.random.default_rng(0).normal(size=(4, 4)))
        samples = compare_temperatures(model, ABCD, "ad", 50, (1.5, 0.75, 0.0), rng=3)
        assert [sample.temperature for sample in samples] == [1.5, 0.75, 0.0]
        for sample in samples:
            assert sample.text == generate(model, ABCD, "ad", 50, sample.temperature, rng=3)

    def test_takes_as_many_numbers_from_a_generator_as_one_text_needs(self):
        used, other = np.random.default_rng(3), np.random.default_rng(3)
        compare_temperatures(constant(0.5, 0.5, 0, 0), ABCD, "a", 11, rng=used)
        other.random(11)
        assert used.bit_generator.state == other.bit_generator.state

    def test_the_homeworks_temperatures_are_the_default(self):
        samples = compare_temperatures(constant(0.7, 0.1, 0.1, 0.1), ABCD, "a", 20, rng=0)
        assert [sample.temperature for sample in samples] == [1.5, 0.75, 0.25]
        assert samples[0].entropy > samples[1].entropy > samples[2].entropy > 0

    @pytest.mark.parametrize(
        ("probabilities", "temperature", "arguments", "nats"),
        [
            ((0.25, 0.25, 0.25, 0.25), 0.3, {}, math.log(4)),
            ((0.5, 0.25, 0.25, 0.0), 1, {}, 1.5 * math.log(2)),
            ((0.8, 0.2, 0.0, 0.0), 0.5, {}, -(16 * math.log(16 / 17) + math.log(1 / 17)) / 17),
            ((0.5, 0.25, 0.25, 0.0), 0, {}, 0),
            ((0.5, 0.25, 0.25, 0.0), 1, {"top_k": 1}, 0),
            ((0.25, 0.25, 0.25, 0.25), 1, {"top_k": 2}, math.log(2)),
            ((0.4, 0.4, 0.1, 0.1), 1, {"top_p": 0.7}, math.log(2)),
        ],
    )
    def test_entropy_of_known_distributions(self, probabilities, temperature, arguments, nats):
        (sample,) = compare_temperatures(constant(*probabilities), ABCD, "a", 7, (temperature,), rng=0, **arguments)
        assert sample.entropy == pytest.approx(nats, abs=1e-12)
        assert math.copysign(1, sample.entropy) == 1

    def test_entropy_is_the_mean_over_the_characters(self):
        """After a anything may come, after anything else an a. Of 600 characters, more than are looked at together."""
        logits = np.full((4, 4), -np.inf)
        logits[0], logits[1:, 0] = 0, 0
        (sample,) = compare_temperatures(table_model(logits), ABCD, "a", 600, (1,), rng=0)
        after_a = ("a" + sample.text)[:600].count("a")
        assert sample.entropy == pytest.approx(after_a / 600 * math.log(4))

    def test_entropy_is_that_of_the_next_character_after_all_before_it(self):
        model = nnlite.Sequential([nnlite.LSTM(3, return_sequences=True, input_dim=4), nnlite.Dense(4)], seed=0)
        model.build((9,))
        (sample,) = compare_temperatures(model, ABCD, "ad", 9, (0.1,), rng=0)
        texts = ["ad" + sample.text[:i] for i in range(9)]
        columns = [np.array([p for _, (p,) in next_characters(model, ABCD, text, (0.1,))]) for text in texts]
        entropies = [-(p * np.log(p)).sum() for p in columns]
        assert np.ptp(entropies) > 0.1
        assert sample.entropy == pytest.approx(np.mean(entropies))

    def test_nothing_written(self):
        (sample,) = compare_temperatures(constant(0.5, 0.5, 0, 0), ABCD, "a", 0, (1,))
        assert sample.text == ""
        assert math.isnan(sample.entropy)

    def test_no_temperatures(self):
        assert compare_temperatures(constant(0.5, 0.5, 0, 0), ABCD, "a", 5, ()) == []

    def test_any_seed(self):
        model = constant(0.5, 0.5, 0, 0)
        for seed, arguments in (("", {}), ("a" * 100, {}), ("Xa", {"unknown": "skip"}), ("X", {"unknown": "skip"})):
            assert len(compare_temperatures(model, ABCD, seed, 5, (1,), **arguments)[0].text) == 5


class TestNextCharacters:
    def test_known_probabilities(self):
        rows = next_characters(constant(0.1, 0.2, 0.0, 0.7), ABCD, "a", (1.0, 0.5, 0))
        assert [row.character for row in rows] == list("dbac")
        expected = np.array([0.7, 0.2, 0.1, 0.0])
        squared = expected**2 / (expected**2).sum()
        np.testing.assert_allclose([row.probabilities for row in rows], np.stack([expected, squared, [1, 0, 0, 0]], 1))

    def test_of_the_position_after_the_text(self):
        model = table_model(np.where(np.roll(np.eye(4), 1, axis=1), 0, -np.inf))
        for text, following in (("a", "b"), ("dcba", "b"), ("abc", "d")):
            assert next_characters(model, ABCD, text, (1,), top=1) == [(following, (1.0,))]

    def test_top_is_how_many(self):
        model = constant(0.1, 0.2, 0.3, 0.4)
        assert [len(next_characters(model, ABCD, "a", top=top)) for top in (0, 1, 3, 10)] == [0, 1, 3, 4]

    def test_the_first_of_equals_comes_first(self):
        assert [row.character for row in next_characters(constant(0.2, 0.3, 0.2, 0.3), ABCD, "a")] == list("bdac")

    def test_so_it_does_in_a_large_vocabulary(self):
        """Small ones NumPy sorts without exchanging equals, whatever it is asked for."""
        vocabulary = Vocabulary("".join(chr(0x4E00 + i) for i in range(500)))
        characters = vocabulary.characters
        read = table_model(np.tile(np.log(np.tile([1.0, 2.0], 250)), (500, 1)))
        rows = next_characters(read, vocabulary, characters[0], top=300)
        assert [row.character for row in rows] == [*characters[1::2], *characters[:100:2]]

    @pytest.mark.parametrize("arguments", [{"top_k": 2}, {"top_p": 0.6}], ids=str)
    def test_what_top_k_and_top_p_leave(self, arguments):
        rows = next_characters(constant(0.1, 0.2, 0.3, 0.4), ABCD, "a", (1,), **arguments)
        np.testing.assert_allclose([p for _, (p,) in rows], [4 / 7, 3 / 7, 0, 0])

    def test_after_nothing_all_are_alike(self):
        rows = next_characters(constant(0.7, 0.1, 0.1, 0.1), ABCD, "", (1.5, 0.25))
        assert rows == [(c, (0.25, 0.25)) for c in "abcd"]

    @given(st.lists(st.floats(-20, 20), min_size=4, max_size=4), st.floats(0.05, 20), st.text("abcd", max_size=8))
    def test_the_likelier_never_come_later(self, logits, temperature, text):
        rows = next_characters(table_model(np.tile(logits, (4, 1))), ABCD, text, (temperature,))
        column = [p for _, (p,) in rows]
        assert column == sorted(column, reverse=True)
        assert sum(column) == pytest.approx(1)

    def test_the_models_state_is_put_back(self):
        model = nnlite.Sequential(
            [nnlite.LSTM(3, return_sequences=True, stateful=True, input_dim=4), nnlite.Dense(4)], seed=0
        )
        model.forward(np.array([[0, 1, 2]]))
        before = [array.copy() for array in model.layers[0].state]
        next_characters(model, ABCD, "abc")
        compare_temperatures(model, ABCD, "abc", 5)
        for now, then in zip(model.layers[0].state, before, strict=True):
            assert (now == then).all()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"temperatures": (1, -0.5)}, ValueError, r"temperature: expected a number in \[0, inf\), got -0.5"),
        ({"temperatures": (np.nan,)}, ValueError, "temperature: expected a number"),
        ({"top_k": 0}, ValueError, "top_k: expected a whole number of at least 1, got 0"),
        ({"top_p": 2}, ValueError, "top_p: expected a number"),
        ({"unknown": "drop"}, ValueError, "unknown: expected 'error' or 'skip'"),
        ({"vocabulary": Vocabulary("ab")}, ValueError, "a logit for each of the vocabulary's 2 characters"),
        (
            {"vocabulary": Vocabulary("bcde")},
            ValueError,
            "text: expected characters of the vocabulary, got 'a' .* at position 0",
        ),
    ],
)
def test_bad_input(arguments, error, message):
    good = {"model": constant(0.1, 0.2, 0.3, 0.4), "vocabulary": ABCD}
    with pytest.raises(error, match=message):
        compare_temperatures(**good | {"seed": "a", "length": 5} | arguments)
    with pytest.raises(error, match=message):
        next_characters(**good | {"text": "a"} | arguments)


def test_bad_lengths():
    model = constant(0.1, 0.2, 0.3, 0.4)
    with pytest.raises(ValueError, match="length: expected at least 0, got -1"):
        compare_temperatures(model, ABCD, "a", -1)
    with pytest.raises(ValueError, match="top: expected at least 0, got -1"):
        next_characters(model, ABCD, "a", top=-1)
    with pytest.raises(TypeError, match="top: expected an integer, got"):
        next_characters(model, ABCD, "a", top=2.5)


def test_temperatures_can_be_an_iterator():
    vocabulary = Vocabulary("abc")
    model = nnlite.Sequential([nnlite.Embedding(3, 3)], input_shape=(4,), seed=0)
    temperatures = (1.0, 0.5)
    for function, arguments in ((compare_temperatures, {"length": 4, "rng": 0}), (next_characters, {})):
        listed = function(model, vocabulary, "a", temperatures=temperatures, **arguments)
        assert function(model, vocabulary, "a", temperatures=iter(temperatures), **arguments) == listed
