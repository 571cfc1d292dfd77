"""What is known of a text after each character, and what is counted in one."""

import numpy as np
import pytest

from nnlite.inspect.concepts import CONCEPTS, Concept, concepts

N = np.nan
TEXT = "it's (a)\n  BÉ!\n"
#       i t ' s   ( a ) n     B É ! n

LABELS = {
    "place in the line": [1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 0],
    "line break comes next": [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0],
    "place in the word": [1, 2, 3, 4, 0, 0, 1, 0, 0, 0, 0, 1, 2, 0, 0],
    "end of the word": [0, 0, 0, 1, N, N, 1, N, N, N, N, 0, 1, N, N],
    "vowel": [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0],
    "after an apostrophe": [0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    "punctuation comes next": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0],
    "punctuation in this line": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0],
    "capital letter": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0],
    "inside brackets": [0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    "inside quotation marks": [0] * 15,
    "inside a couplet": [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1],
    "indent comes next": [N, N, N, N, N, N, N, N, 1, N, N, N, N, N, 0],
}
COUNTS = {
    "place in the line": 2,
    "line break comes next": 2,
    "place in the word": (4 + 3 + 2) / 3,  # brackets are part of what stands between spaces
    "end of the word": (4 + 3 + 2) / 3,
    "vowel": 3,
    "after an apostrophe": 1,
    "punctuation comes next": 1,
    "punctuation in this line": 1,
    "capital letter": 2,
    "inside brackets": 2,
    "inside quotation marks": 0,
    "inside a couplet": 1,
    "indent comes next": 1,
}

# With the other signs, and one of them as the first character: nothing comes after the last.
OTHER = '!u’2{["i",o?]}\n\te:;.'
#        ! u ’ 2 { [ " i " , o ? ] } n t e : ; .
OTHER_LABELS = {
    "place in the line": [*range(1, 15), 0, 1, 2, 3, 4, 5],
    "line break comes next": [0] * 13 + [1] + [0] * 6,
    "place in the word": [0, 1, 2, 3, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0],
    "end of the word": [N, 0, 0, 1, N, N, N, 1, N, N, 1, N, N, N, N, N, 1, N, N, N],
    "vowel": [0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0],
    "after an apostrophe": [0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    "punctuation comes next": [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1, 0],
    "punctuation in this line": [1] * 14 + [0, 0, 0, 1, 1, 1],
    "capital letter": [0] * 20,
    "inside brackets": [0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
    "inside quotation marks": [0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    "inside a couplet": [0] * 15 + [1] * 5,
    "indent comes next": [N] * 14 + [1] + [N] * 5,
}
OTHER_COUNTS = dict(zip(COUNTS, (1, 1, 7, 7, 4, 1, 6, 6, 0, 4, 2, 1, 1), strict=True))


@pytest.mark.parametrize("name", LABELS)
def test_labels_and_counts(name):
    for text, labels, counts in ((TEXT, LABELS, COUNTS), (OTHER, OTHER_LABELS, OTHER_COUNTS)):
        np.testing.assert_array_equal(CONCEPTS[name].of(text), labels[name])
        assert CONCEPTS[name].counts(text) == counts[name]


def test_each_concept_has_its_labels_here():
    assert {*LABELS, "how unsure the model is"} == {*CONCEPTS}


@pytest.mark.parametrize("name", [name for name in CONCEPTS if name != "how unsure the model is"])
@pytest.mark.parametrize("text", ["\n", "a", " ", "\n\n", "'", "(", "--"])
def test_the_shortest_texts_have_labels_and_counts(name, text):
    assert CONCEPTS[name].of(text).shape == (len(text),)
    assert CONCEPTS[name].counts(text) >= 0 or np.isnan(CONCEPTS[name].counts(text))


def test_how_unsure_is_the_entropy_of_the_next_character():
    p = np.array([[0.5, 0.5, 0, 0], [0.25] * 4])
    concept = CONCEPTS["how unsure the model is"]
    np.testing.assert_allclose(concept.of("ab", p), [np.log(2), np.log(4)])
    assert concept.counts("ab", p) == pytest.approx(np.log(8) / 2)


def test_the_mean_of_the_labels_is_counted_where_nothing_else_is():
    assert Concept(lambda text: [np.nan if c == " " else c == "a" for c in text]).counts("a b") == 0.5
    assert np.isnan(Concept(lambda text: [np.nan] * len(text)).counts("abc"))
    assert type(Concept(len, len).counts("abc")) is float


def test_labels_are_one_for_each_character():
    for labels, got in (
        ([1, 2], r"shape \(2,\)"),
        ([[1], [2], [0]], r"shape \(3, 1\)"),
        ([1, np.inf, 0], "infinity"),
        (list("abc"), r"\['a', 'b', 'c'\]"),
        ({}, "{}"),
    ):
        message = rf"a label for each of 3 characters, a number, got {got} from <lambda>: give NaN"
        with pytest.raises(ValueError, match=message):
            Concept(lambda text, labels=labels: labels).of("abc")
    assert np.isnan(Concept(lambda text: [None, 1, True]).of("abc")[0])


def test_a_bracket_that_closes_nothing_opens_none():
    assert not CONCEPTS["inside brackets"].of("a) b, 1] c").any()


def test_to_add_a_concept_of_ones_own_changes_no_other_call():
    concepts()["mine"] = CONCEPTS["vowel"]
    assert "mine" not in concepts()
