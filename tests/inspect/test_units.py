"""`units` finds what was planted and says what it does, finds nothing in shifted labels, and tests on other texts."""

import dataclasses
import inspect
import sys
import tracemalloc

import numpy as np
import pytest
from planted_units import COUNTER, LAYERS, LENGTH, VOCABULARY, VOWEL, planted, poems

from nnlite import LSTM, Dense, Dropout, Sequential, Softmax
from nnlite.experiment import Sonnets
from nnlite.inspect import Concept, Unit, Units, chance, trace, units
from nnlite.inspect.concepts import CONCEPTS
from nnlite.inspect.reading import PIECE, Written, read, write
from nnlite.inspect.units import LEAST, _halves, _mean, _measured, _parts
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


@pytest.mark.parametrize(("held", "needed"), [(5.0, True), (5.1, False), (14.9, False), (15.0, True)])
def test_five_deviations_are_needed(held, needed):
    unit = Unit("vowel", "lstm.c", 2, True, 0.9, 0.6, 0.1, "vowels", True, 10.0, held, error=1.0)
    assert unit.needed == needed
    others = np.array([0.0, 1, 2, np.nan, 3, 4])
    assert dataclasses.replace(unit, error=np.nan, others=others).deviations == pytest.approx((held - 2) * 1.349 / 2)


def test_the_table_says_what_was_found():
    unit = Unit("vowel", "gru.h", 3, True, 0.9, 0.6, 0.25, "vowels", True, 290, 120, 4, np.array([280, 300, np.nan]))
    alone = dataclasses.replace(unit, concept="place", yes_no=False, held=289, others=np.array([]))
    unknown, missing = Unit("x", "gru.h", 1, False, -0.3, 0.4, 0, "x"), Unit("y", "", -1, True, *[np.nan] * 3, "y")
    found = Units([unit, alone, unknown, missing], writings=3, length=8000)
    assert found.rows[1:] == [
        ("vowel", "gru.h 3", "AUC 0.90", "0.60", "yes", "-22.9", "vowels", "290", "120", "280 to 300"),
        ("place", "gru.h 3", "r +0.90", "0.60", "no", "-0.2", "vowels", "290", "289", ""),
        ("x", "none found", "r -0.30", "0.40", *[""] * 6),
        ("y", "", "not in the text", *[""] * 7),
    ]
    assert found.notes[-1] == "free: the count in 8,000 characters that the model writes, a mean of 3 texts"
    header, first, *_ = str(found).splitlines()
    assert [first.index(text) for text in ("vowel ", "gru", "AUC", "yes")] == [
        header.index(title) for title in ("concept", "unit", "tells", "needed")
    ]
    for text, title in ((" -22.9", " apart"), (" 290", "free"), (" 120", "held"), (" 300", "others held")):
        assert first.index(text) + len(text) == header.index(title) + len(title)  # numbers end where their title ends


def test_a_mean_has_a_standard_error_where_there_are_two_numbers():
    assert _mean([1.0, np.nan, 3.0]) == (2.0, pytest.approx(1.0))
    assert _mean([1.0, 2.0, 3.0]) == (2.0, pytest.approx(3**-0.5))
    np.testing.assert_equal([_mean([5.0, np.nan]), _mean([np.nan])], [(5.0, np.nan), (np.nan, np.nan)])


def test_what_is_held_and_written(monkeypatch):
    """The unit at its mean in the first text, then nothing, then so many others at theirs; all with the same draws."""
    holds, calls = [], []

    def spy(model, step, vocabulary, draws, temperature, keeps_p):
        calls.append((draws, temperature, keeps_p))
        return [Written("ab", np.ones((2, 12)))] * draws.shape[1]

    module = sys.modules["nnlite.inspect.units"]  # nnlite.inspect.units is the function
    monkeypatch.setattr(module, "held_stepper", lambda model, hold, N: holds.append((hold, N)))
    monkeypatch.setattr(module, "write", spy)
    vowel, options = {"vowel": CONCEPTS["vowel"]}, {"length": 7, "writings": 2, "others": 3, "temperature": 0.5}
    found = units(planted("lstm"), POEMS, vowel, **options, seed=5)
    states = read(planted("lstm"), VOCABULARY, "".join(POEMS[:5]), ["layer.c"], vowel).states["layer.c"]
    unit, others = found["vowel"], [place for place in range(8) if place != found["vowel"].unit]
    drawn = [others[i] for i in np.random.default_rng(5).permutation(7)[:3]]
    expected = [{unit.unit: states[unit.unit].mean()}, {}, *({place: states[place].mean()} for place in drawn)]
    assert [(hold.get("layer.c", {}), N) for hold, N in holds] == [(pytest.approx(values), 2) for values in expected]
    assert (found.writings, found.length, unit.chance > 0.5) == (2, 7, True)
    for draws, temperature, keeps_p in calls:
        np.testing.assert_array_equal(draws, np.random.default_rng(5).random((7, 2)))
        assert (temperature, keeps_p) == (0.5, False)
    more = vowel | {"spy": Concept(lambda text, p: [c in "aei" for c in text])}  # which counts what p says
    assert units(planted("lstm"), POEMS, more, **options)["vowel"].chance > unit.chance
    assert calls[-1][2]


def test_the_defaults():
    defaults = {name: one.default for name, one in inspect.signature(units).parameters.items()}
    expected = {"writings": 16, "length": 800, "others": 24, "temperature": 1.0, "seed": 0}
    assert defaults == defaults | expected


@pytest.mark.parametrize("where", [0, 1])
def test_what_occurs_in_one_text_alone_is_in_neither(where):
    seen = []
    some = {"some": lambda text: seen.append(text) or [len(seen) == where + 1 and c == "a" for c in text]}
    assert np.isnan(units(planted("lstm"), POEMS, some, others=0, writings=1, length=5)["some"].tells)


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


@pytest.mark.parametrize(("sizes", "left"), [((120, 40, 60, 100, 100), 226), ((120, 90, 120, 60), 214)])
def test_a_text_is_cut_at_the_blank_line_that_is_nearest_to_its_middle(sizes, left):
    assert len(_halves("\n\n".join("a" * size for size in sizes))[0]) == left


def test_a_hundred_characters_are_the_least():
    assert _parts("a" * 100, "b" * 100) == ["a" * 100, "b" * 100]
    with pytest.raises(ValueError, match=r"^test: expected at least 100 characters .* got 99"):
        _parts("a" * 100, "b" * 99)


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


def test_probabilities_are_kept_where_one_of_many_concepts_needs_them():
    named = {name: CONCEPTS[name] for name in ("vowel", "how unsure the model is")}
    labels = read(planted("lstm"), VOCABULARY, POEMS[0], ["layer.c"], named).labels
    assert (labels["how unsure the model is"] >= 0).all()


def test_texts_are_drawn_from_the_probabilities_of_each():
    vocabulary, asked = Vocabulary("ab\n"), []

    def step(ids):
        asked.append(ids.tolist())
        return np.log([[2.0, 1, 1], [1, 1, 2]])

    one, other = write(Sequential([Dense(3)]), step, vocabulary, np.array([[0.6, 0.6]] * 2), 0.5, keeps_p=True)
    assert (one.text, other.text) == ("aa", "\n\n")  # the squares: with a temperature of 1 the first would be "bb"
    assert asked == [[2, 2], [0, 2], [0, 2]]
    np.testing.assert_allclose(one.p, [np.array([4, 1, 1]) / 6] * 2, rtol=1e-6)
    np.testing.assert_allclose(other.p, [np.array([1, 1, 4]) / 6] * 2, rtol=1e-6)
    write(Sequential([Dense(3)]), step, Vocabulary("abc"), np.array([[0.5, 0.5]]), 1.0, keeps_p=False)
    assert asked[3] == [0, 0]  # without a line break it begins with the first character


@pytest.mark.parametrize(("draw", "p"), [(0.0, [0.0, 0.5, 0.5]), (np.nextafter(1, 0), [1 / 12] * 12)])
def test_the_least_and_the_largest_number_draw_what_may_come(draw, p):
    """None whose probability is 0, and the last where the sum of all is a little below 1."""
    vocabulary = Vocabulary("\nabcdefghijklm"[: len(p)])
    (one,) = write(Sequential([Softmax()]), lambda ids: np.array([p], "f4"), vocabulary, np.array([[draw]]), 1.0, False)
    assert one.text == ("a" if draw == 0 else vocabulary.characters[-1])


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
        ({"vocabulary": "abc"}, TypeError, "vocabulary: expected a nnlite.text.Vocabulary, got 'abc'"),
        ({"concepts": 3}, TypeError, "concepts: expected a list of names, or a dict, got 3"),
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
