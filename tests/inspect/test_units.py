"""`units` finds what was planted and says what it does, finds nothing in shifted labels, and tests on other texts."""

import dataclasses
import tracemalloc

import numpy as np
import pytest
from planted_units import COUNTER, LAYERS, LENGTH, VOCABULARY, VOWEL, planted, poems

from nnlite import LSTM, Dense, Dropout, Sequential, Softmax
from nnlite.experiment import Sonnets
from nnlite.inspect import Concept, Unit, chance, trace, units
from nnlite.inspect.concepts import CONCEPTS
from nnlite.inspect.reading import PIECE, read
from nnlite.inspect.units import LEAST, _halves, _measured
from nnlite.text import Vocabulary, clean_sonnets, generate
from nnlite.text import poems as sonnets

POEMS = poems(10)
every_layer = pytest.mark.parametrize("kind", LAYERS)
STATES = {"lstm": "layer.c", "gru": "layer.h", "rnn": "layer.h"}


@every_layer
@pytest.mark.parametrize("seed", [0, 1])
def test_a_planted_counter_is_found_and_needed(kind, seed):
    found = units(planted(kind, seed), poems(10, seed=seed), ["place in the line", "line break comes next"])
    counter = found["place in the line"]
    assert (counter.state, counter.unit, counter.found, counter.yes_no) == (STATES[kind], COUNTER, True, False)
    assert counter.tells > 0.97
    assert counter.chance < 0.5
    assert counter.free == pytest.approx(800 / (LENGTH + 1), rel=0.1)
    assert counter.held == 0
    assert len(counter.others) == 7  # all that there are
    assert counter.others == pytest.approx(counter.free, rel=0.2)
    assert counter.deviations < -5
    assert counter.needed
    assert found["line break comes next"].unit == COUNTER


@every_layer
def test_held_at_the_end_of_a_line_it_breaks_lines_at_once(kind):
    """The effect is that of the value: what a hold at the mean loses, one at another value brings."""
    model = planted(kind)
    counter = units(model, POEMS, ["place in the line"], others=0, writings=2)["place in the line"]
    late = {counter.state: {counter.unit: 3 * counter.value}}  # the mean is that of half a line
    texts = [generate(model, VOCABULARY, "", 400, rng=0, hold=hold) for hold in (None, counter.hold, late)]
    free, held, held_late = (text.count("\n") for text in texts)
    assert held == 0 < free < held_late / 5


@every_layer
def test_a_planted_unit_that_nothing_reads_is_found_and_not_needed(kind):
    vowels = Concept(lambda text: [c in "aei" for c in text], lambda text: sum(map(text.count, "aei")), "a, e and i")
    vowel = units(planted(kind), POEMS, {"vowel": vowels})["vowel"]
    assert (vowel.state, vowel.unit, vowel.found, vowel.yes_no) == (STATES[kind], VOWEL, True, True)
    assert vowel.tells == 1
    assert vowel.held == vowel.free
    assert not vowel.needed


def test_a_unit_that_is_low_at_a_yes_tells_as_well():
    model = planted("lstm")
    for name in ("Wx", "Wh", "b"):  # candidate and cell with the other sign
        model.params[f"layer.{name}"][..., 2 * 8 + COUNTER] *= -1
    model.params["dense.W"][COUNTER] *= -1
    found = units(model, POEMS, ["place in the line", "line break comes next"], others=2, writings=2)
    assert found["place in the line"].tells < -0.97
    assert found["line break comes next"].tells > 0.9
    assert all(unit.found and unit.unit == COUNTER for unit in found.values())


@pytest.mark.parametrize("outlier", [0.0, 375.0])
def test_another_unit_that_is_needed_does_not_hide_one(outlier):
    """Such as the unit that hands line breaks to a counter in the next layer: without it there are no others."""
    others = np.array([14.6, 15.0, 15.0, 15.1, 15.4, outlier])
    counter = Unit("place", "lstm.c", 17, False, 0.9, 0.2, 0.4, "line breaks", True, 15, 0, error=0.3, others=others)
    assert counter.deviations < -40
    assert counter.needed
    assert not dataclasses.replace(counter, held=14.2).needed


def test_what_is_written_once_in_all_texts_is_no_effect():
    """No text had any without it, nor with most other units held: there the standard error is 0."""
    unit = Unit("in brackets", "lstm.c", 2, True, 0.9, 0.6, 0.1, "brackets", True)
    free, once = {"in brackets": (0.0, 0.0)}, {"in brackets": (1 / 16, 1 / 16)}
    measured = _measured(unit, free, {("lstm.c", 2): once}, [free] * 23 + [once])
    assert measured.deviations == pytest.approx(1)
    assert not measured.needed
    assert _measured(unit, free, {("lstm.c", 2): {"in brackets": (9.0, 0.5)}}, [free] * 24).needed


@pytest.mark.parametrize("errors", [(0.5, 0.2), (0.2, 0.5), (np.nan, 0.5), (0.5, np.nan)])
def test_the_error_is_the_larger_one_of_those_that_are_known(errors):
    unit = Unit("vowel", "lstm.c", 2, True, 0.9, 0.6, 0.1, "vowels", True)
    free, held = ({"vowel": (9.0, error)} for error in errors)
    assert _measured(unit, free, {("lstm.c", 2): held}, []).error == 0.5


@pytest.mark.parametrize(("held", "deviations"), [(9.0, 0), (8.0, -np.inf), (10.0, np.inf)])
def test_without_others_any_other_count_is_far_off(held, deviations):
    unit = Unit("vowel", "lstm.c", 2, True, 0.9, 0.6, 0.1, "vowels", True, 9.0, held, others=np.array([]))
    assert unit.deviations == deviations
    assert np.signbit(unit.deviations) == (deviations < 0)


def test_what_does_not_occur_is_left_blank_or_out():
    model = planted("lstm")
    named = units(model, POEMS, ["capital letter", "vowel"], others=2, writings=2)
    assert not named["capital letter"].found
    assert "capital letter  " in str(named)
    assert "not in the text" in str(named)
    assert "capital letter" not in units(model, POEMS, others=0, writings=1, length=50)


def test_nothing_is_found_where_nothing_can_be_known():
    """Random letters: no unit can tell the next one."""
    concepts = {letter: lambda text, letter=letter: [c == letter for c in [*text[1:], " "]] for letter in "abcdefghij"}
    found = units(planted("lstm"), POEMS, concepts, others=2)
    assert not any(unit.found for unit in found.values())
    assert np.isnan([unit.held for unit in found.values()]).all()
    assert str(found).count("none found") == 10


# Finding and testing.


def test_units_are_found_and_tested_in_different_poems():
    seen = []
    concept = {"spy": lambda text: seen.append(text) or [c == "a" for c in text]}
    units(planted("lstm"), POEMS, concept, others=0, writings=1, length=10)
    assert seen[:2] == ["".join(POEMS[:5]), "".join(POEMS[5:])]
    units(planted("lstm"), POEMS[:2], concept, test=POEMS[4:6], others=0, writings=1, length=10)
    assert [text for text in seen if len(text) > 10][2:] == ["".join(POEMS[:2]), "".join(POEMS[4:6])]


def test_a_text_is_cut_between_poems_if_blank_lines_say_where_and_else_between_lines():
    seen = []
    concept = {"spy": lambda text: seen.append(text) or [c == "a" for c in text]}
    for text in ("\n".join(POEMS[:3]), "".join(POEMS[:3]), "ab" * 200):
        units(planted("lstm"), text, concept, others=0, writings=1, length=10)
    parts = [text for text in seen if len(text) > 10]
    assert parts[0] in ("\n".join(POEMS[:1]) + "\n", "\n".join(POEMS[:2]) + "\n")
    assert parts[0] + parts[1] == "\n".join(POEMS[:3])
    assert parts[2].endswith("\n")
    assert abs(len(parts[2]) - len(parts[3])) < 3 * LENGTH
    assert [len(part) for part in parts[4:]] == [200, 200]
    units(planted("lstm"), ["ab" * 200], concept, others=0, writings=1, length=10)  # a list of one poem is halved, too
    assert [len(part) for part in seen if len(part) > 10][6:] == [200, 200]


@pytest.mark.parametrize(("left", "right"), [(LEAST, LEAST + 50), (LEAST + 50, LEAST)])
def test_a_part_of_the_least_length_is_enough(left, right):
    assert [*map(len, _halves("a" * (left - 2) + "\n\n" + "b" * right))] == [left, right]


@pytest.mark.parametrize("factors", [(1, 2), (2, 1)])
def test_labels_are_a_yes_or_no_only_if_they_are_in_both_texts(factors):
    seen = []
    vowels = {"vowel": lambda text: seen.append(text) or [(c in "aei") * factors[len(seen) > 1] for c in text]}
    unit = units(planted("lstm"), POEMS, vowels, others=0, writings=1, length=10)["vowel"]
    assert not unit.yes_no
    assert unit.tells == pytest.approx(1)  # a correlation


def test_a_unit_that_tells_something_else_in_the_test_is_not_found():
    """It follows the concept in the first text, and the opposite in the second."""
    seen = []
    turned = {"turned": lambda text: seen.append(text) or [(c in "aei") == (len(seen) == 1) for c in text]}
    unit = units(planted("lstm"), POEMS, turned)["turned"]
    assert unit.tells == pytest.approx(0)
    assert not unit.found


def test_no_more_of_a_long_text_is_read_than_is_enough():
    lengths = []
    concept = {"spy": lambda text: lengths.append(len(text)) or [c == "a" for c in text]}
    units(planted("lstm"), POEMS * 10, concept, others=0, writings=1, length=10)
    assert lengths[:2] == [16_000, 16_000]


@pytest.mark.parametrize(("concepts", "most"), [([], 30e6), (["how unsure the model is"], 80e6)])
def test_a_large_vocabulary_takes_the_memory_of_its_probabilities_once(concepts, most):
    """32 MB here, and 16 GB of 60,000 characters: they are kept where a concept needs them alone."""
    vocabulary = Vocabulary("".join(map(chr, range(0x4E00, 0x4E00 + 500))))
    layers = [LSTM(2, return_sequences=True, input_dim=500), Dense(500)]
    model = Sequential(layers, input_shape=(None,), seed=0)
    tracemalloc.start()
    try:
        read(model, vocabulary, vocabulary.characters * 32, ["lstm.c"], {name: CONCEPTS[name] for name in concepts})
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


def found_with_shifted_labels(model, vocabulary, parts, concepts, tries=200):
    """In how many tries any unit is found for any concept, with the labels of both texts shifted."""
    texts = [read(model, vocabulary, part, ["lstm.c"], concepts).of(name) for name in concepts for part in parts]
    pairs = []
    for one, two in zip(texts[::2], texts[1::2], strict=True):
        yes_no = chance.is_yes_no(one[1])
        pairs.append((yes_no, *((chance.comparable(x, yes_no), labels) for x, labels in (one, two))))
    shifts = [0, *np.random.default_rng(0).uniform(0.05, 0.95, tries)]
    found = [any(best.agrees > best.limit for best in bests(pairs, shift)) for shift in shifts]
    assert found[0]
    return sum(found[1:])


def bests(pairs, shift):
    for yes_no, *texts in pairs:
        shifted = [(x, np.roll(labels, round(shift * len(labels)))) for x, labels in texts]
        yield chance.best(*shifted, yes_no, len(pairs))


def test_shifted_labels_find_a_unit_in_one_percent_of_200_tries_at_most():
    """200 units of an LSTM that has learned nothing, with labels that change slowly and fast."""
    text = clean_sonnets()[:4000]
    vocabulary = Vocabulary.from_text(clean_sonnets())
    model = Sequential([LSTM(200, return_sequences=True, input_dim=len(vocabulary)), Dense(38)], (None,), seed=0)
    concepts = {name: CONCEPTS[name] for name in ("place in the line", "vowel")}
    assert found_with_shifted_labels(model, vocabulary, (text[:2000], text[2000:]), concepts) <= 2


# Reading and writing.


def test_a_text_is_read_in_one_go():
    """Piece by piece, each from the state of the last; with dropout off."""
    text = "".join(POEMS)[: 2 * PIECE + 300]
    model = Sequential([LSTM(6, return_sequences=True, input_dim=12), Dropout(0.5), Dense(12)], (None,), seed=0)
    model.layers[0].state = "the model's own"
    p = []
    concept = Concept(lambda text, probabilities: p.append(probabilities) or np.zeros(len(text)))
    states = read(model, VOCABULARY, text, ["lstm.c", "lstm.h"], {"": concept}).states
    assert model.layers[0].state == "the model's own"
    model.reset_state()
    logits = model.predict(VOCABULARY.encode(text)[None])[0]
    seen = trace(model, text, vocabulary=VOCABULARY)["lstm"]
    np.testing.assert_array_equal(states["lstm.c"], seen["c"][0].T)
    np.testing.assert_array_equal(states["lstm.h"], seen["h"][0].T)
    np.testing.assert_allclose(p[0], np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), rtol=1e-5)


def test_the_same_texts_are_written_whether_the_last_layer_is_a_softmax():
    logits = planted("gru")
    softmax = Sequential([*planted("gru").layers, Softmax()], (None,))
    softmax.vocabulary = VOCABULARY
    line = ["place in the line"]
    one, two = (units(model, POEMS, line, others=2)["place in the line"] for model in (logits, softmax))
    assert one.free == pytest.approx(two.free, abs=0.2)
    assert one.tells == two.tells


def test_the_same_seed_gives_the_same_numbers():
    few = {"writings": 2, "length": 100, "others": 2}
    one, two, other = (str(units(planted("rnn"), POEMS, seed=seed, **few)) for seed in (0, 0, 1))
    assert one == two != other


def test_all_recurrent_layers_are_looked_at():
    layers = [LSTM(4, return_sequences=True, input_dim=12), *planted("gru").layers[:0], Dense(12)]
    model = Sequential([*layers[:-1], LSTM(5, return_sequences=True), Dense(12)], (None,), seed=0)
    model.vocabulary = VOCABULARY
    found = units(model, POEMS, ["vowel", "place in the line"], writings=1, length=20, others=100)
    assert len(found["vowel"].others) in (7, 8)  # of nine, all but the one or two that were found
    assert {unit.state for unit in found.values()} <= {"lstm.c", "lstm_1.c"}


# What is refused.


def last_step_alone():
    model = Sequential([LSTM(4, input_dim=12), Dense(12)], (None,))
    model.vocabulary = VOCABULARY
    return model


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"model": Sequential([Dense(3)], (2,))}, TypeError, "vocabulary: expected a nnlite.text.Vocabulary, got None"),
        ({"model": Sequential([Dense(3)])}, ValueError, "which is not built"),
        ({"model": LSTM(3)}, TypeError, "model: expected a Sequential"),
        ({"model": Sequential([Dense(3)], (2,)), "vocabulary": VOCABULARY}, ValueError, "expected an LSTM, GRU or RNN"),
        (
            {"model": last_step_alone()},
            ValueError,
            r"expected a logit for each of 12 characters at each step, shape \(1,",
        ),
        (
            {"vocabulary": Vocabulary("\n abcdefghijk")},
            ValueError,
            r"each of 13 characters .* got shape \(1, \d+, 12\)",
        ),
        ({"text": "too short"}, ValueError, "text: expected at least 100 characters"),
        ({"test": []}, ValueError, "test: expected at least 100 characters"),
        ({"text": None}, TypeError, "text: expected a str, or a list of str, got None"),
        ({"test": [POEMS[0], 3]}, TypeError, "test: expected a str, or a list of str, got"),
        ({"text": ["XYZ" * 200, POEMS[0]]}, ValueError, "'X'"),
        ({"concepts": ["vowels"]}, ValueError, "concepts: expected one of place in the line, .* got 'vowels'"),
        ({"concepts": {"mine": 3}}, ValueError, "concepts: expected one of"),
        ({"concepts": "vowel"}, TypeError, "concepts: expected a list of names"),
        ({"concepts": []}, ValueError, "concepts: expected at least one"),
        ({"concepts": {"mine": lambda text: [1]}}, ValueError, "expected a label for each of"),
        ({"writings": 0}, ValueError, "writings: expected a whole number of at least 1"),
        ({"others": -1}, ValueError, "others: expected a whole number of at least 0"),
    ],
)
def test_what_cannot_be_tested_is_refused(change, error, message):
    arguments = {"model": planted("lstm"), "text": POEMS, "concepts": ["vowel"]} | change
    with pytest.raises(error, match=message):
        units(**arguments)


# What a training makes.


@pytest.mark.long
def test_trained_models_have_a_counter_and_need_it_and_no_other_unit(tmp_path, one_thread):
    """Three trainings of four seconds: the counter's effect is over five deviations from all the others'."""
    poems = sonnets()
    for seed in range(3):
        run = Sonnets(tmp_path / f"{seed}", Sonnets.Settings(units=100, seed=seed, dropout=0.2))
        run.create()
        run.fit(verbose=0)
        found = units(run.saved_model(), poems[:-16], test=poems[-16:], others=99)
        counter = found["place in the line"]
        assert counter.found
        assert counter.deviations < -5
        assert counter.held < 0.5 * counter.free
        assert len(counter.others) > 80
        assert not found["line break comes next"].needed
        assert not found["indent comes next"].found
    parts = "".join(poems[:16]), "".join(poems[-16:])
    concepts = {name: CONCEPTS[name] for name in found}
    assert found_with_shifted_labels(run.saved_model(), run.vocabulary, parts, concepts) <= 2
