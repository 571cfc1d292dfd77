"""Lines of verse as sequences, and sequences in one array."""

import numpy as np
import pytest
from numeric import assert_same_bits

from nnlite.text import Vocabulary, clean_sonnets, lines, pad_sequences

VOCABULARY = Vocabulary("\n abc")


def test_every_line_of_the_sonnets_from_break_to_break():
    text = clean_sonnets()
    vocabulary = Vocabulary.from_text(text)
    verses = lines(text, vocabulary)
    assert len(verses) == 2155
    assert "".join(vocabulary.decode(verse[1:]) for verse in verses) == text
    assert {vocabulary.decode(verse[:1]) for verse in verses} == {"\n"}


def test_a_line_ends_with_a_break_even_where_the_text_does_not():
    found = lines("ab\n\n  \n  c", VOCABULARY)
    assert [VOCABULARY.decode(line) for line in found] == ["\nab\n", "\n  c\n"]
    assert lines("", VOCABULARY) == []


def test_what_no_lines_can_be_made_of():
    with pytest.raises(TypeError, match="text: expected a str, got list"):
        lines(["ab"], VOCABULARY)
    with pytest.raises(ValueError, match="text: expected characters of the vocabulary, got 'd'"):
        lines("abd", VOCABULARY)
    with pytest.raises(ValueError, match=r"text: expected characters of the vocabulary, got '\\n'"):
        lines("ab", Vocabulary("ab"))


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "float64"])
def test_padding_keeps_what_there_is(dtype):
    rng = np.random.default_rng(0)
    sequences = [rng.integers(9, size=(n, 2)).astype(dtype) for n in (3, 0, 5)]
    x, lengths = pad_sequences(sequences, value=4)
    assert x.shape == (3, 5, 2)
    assert lengths.tolist() == [3, 0, 5]
    for row, sequence in zip(x, sequences, strict=True):
        assert_same_bits(row[: len(sequence)], sequence)
        assert (row[len(sequence) :] == 4).all()


def test_lists_and_empty_ones_are_sequences():
    x, lengths = pad_sequences([[1, 2], [], [3]], value=-1)
    assert x.tolist() == [[1, 2], [-1, -1], [3, -1]]
    assert x.dtype.kind == "i"
    assert lengths.tolist() == [2, 0, 1]
    x, _ = pad_sequences([np.array([200, 1], np.uint8), np.array([3], np.uint8)], value=-1)
    assert x.tolist() == [[200, 1], [3, -1]]
    whole, lengths = pad_sequences(np.arange(6).reshape(2, 3))
    assert whole.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert lengths.tolist() == [3, 3]


@pytest.mark.parametrize(
    ("sequences", "error", "message"),
    [
        ("ab", TypeError, "sequences: expected a list of arrays, got str"),
        (7, TypeError, "sequences: expected a list of arrays, got int"),
        ([1, 2], TypeError, r"sequences\[0\]: expected an array of numbers, .* got a single number"),
        ([[1], ["a"]], TypeError, r"sequences\[1\]: expected numbers, got an array of texts"),
        ([[True]], TypeError, r"sequences\[0\]: expected an array of numbers, .* got dtype bool"),
        ([], ValueError, "sequences: expected at least one with a step, got none"),
        ([[], []], ValueError, "sequences: expected at least one with a step, got none"),
        (
            [[], np.ones((2, 3)), np.ones((2, 4))],
            ValueError,
            r"got \(2, 3\) at sequences\[1\] and \(2, 4\) at sequences\[2\]",
        ),
    ],
)
def test_what_cannot_be_padded(sequences, error, message):
    with pytest.raises(error, match=message):
        pad_sequences(sequences)


@pytest.mark.parametrize("value", [0.5, np.nan, "a", None])
def test_ids_are_filled_up_with_ids(value):
    with pytest.raises(TypeError, match=r"value: expected (one that fits the sequences' int64|a number), got"):
        pad_sequences([[1, 2], [3]], value=value)
    if isinstance(value, float):
        assert np.array_equal(pad_sequences([[1.0, 2], [3]], value=value)[0][1, 1], value, equal_nan=True)
