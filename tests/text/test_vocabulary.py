"""Characters to integers and back, and errors that show what was wrong."""

import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nnlite.text import Vocabulary, clean_sonnets

# Everything that a str can hold: line breaks, emoji, even lone surrogates.
texts = st.text(st.characters(), min_size=1)


@given(texts)
def test_decode_undoes_encode(text):
    vocabulary = Vocabulary.from_text(text)
    ids = vocabulary.encode(text)
    assert ids.dtype == vocabulary.smallest_dtype
    assert ids.shape == (len(text),)
    assert vocabulary.decode(ids) == text


@given(texts)
def test_ids_are_places_in_the_sorted_characters(text):
    vocabulary = Vocabulary.from_text(text)
    assert list(vocabulary.characters) == sorted(set(text))
    assert [vocabulary.characters[i] for i in vocabulary.encode(text)] == list(text)
    assert len(vocabulary) == len(set(text))


@given(texts)
@example("\ud800\udc00")  # in JSON, these two halves would become one character
def test_from_config_undoes_get_config_through_json(text):
    vocabulary = Vocabulary.from_text(text)
    config = json.loads(json.dumps(vocabulary.get_config()))
    assert Vocabulary.from_config(config) == vocabulary


def test_the_order_of_characters_is_kept():
    vocabulary = Vocabulary("zay")
    assert vocabulary.encode("yaz").tolist() == [2, 1, 0]
    assert vocabulary.characters == "zay"


def test_sonnets():
    text = clean_sonnets()
    vocabulary = Vocabulary.from_text(text)
    assert len(vocabulary) == 38
    assert vocabulary.decode(vocabulary.encode(text)) == text


def test_contains():
    vocabulary = Vocabulary("abc")
    assert "a" in vocabulary
    assert "d" not in vocabulary
    assert "ab" not in vocabulary
    assert 0 not in vocabulary


def test_equality_is_that_of_characters_and_their_order():
    assert Vocabulary("ab") == Vocabulary.from_text("bab")
    assert Vocabulary("ab") != Vocabulary("ba")
    assert Vocabulary("ab") != "ab"
    assert len({Vocabulary("ab"), Vocabulary("ab"), Vocabulary("abc")}) == 2


def test_repr_makes_the_same_vocabulary():
    vocabulary = Vocabulary("a'\n")
    assert eval(repr(vocabulary)) == vocabulary


def test_empty_text_is_encoded_and_decoded():
    vocabulary = Vocabulary("ab")
    assert vocabulary.encode("").shape == (0,)
    assert vocabulary.encode("").dtype == np.uint8
    assert vocabulary.decode([]) == ""


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", ">i4", "uint64"])
def test_decode_takes_any_integers(dtype):
    assert Vocabulary("abc").decode(np.array([2, 0, 1], dtype)) == "cab"


def test_unknown_character_is_shown_with_its_place():
    with pytest.raises(ValueError, match="expected characters of the vocabulary") as caught:
        Vocabulary.from_text("abc \n").encode("abc\nab☃c")
    message = str(caught.value)
    assert "'☃' (U+2603) at position 6 (line 2, in 'abc\\nab☃c')" in message
    assert "replace it, skip it (unknown='skip'), or build the vocabulary from a text that contains it" in message
    assert r"5 characters are '\n abc'" in message


def test_a_message_shows_the_start_of_a_large_vocabulary():
    with pytest.raises(ValueError, match=r"The vocabulary's 3000 characters are '一.*' \.\.\.$") as caught:
        Vocabulary("".join(map(chr, range(0x4E00, 0x4E00 + 3000)))).encode("☃")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(("size", "end"), [(100, "c'"), (101, "c' ...")])
def test_it_says_where_more_is_left_out(size, end):
    with pytest.raises(ValueError, match="expected characters of the vocabulary") as caught:
        Vocabulary("".join(map(chr, range(ord("c") - 99, ord("c") - 99 + size)))).encode("☃")
    assert str(caught.value).endswith(end)


def test_unknown_capital_comes_with_the_remedy():
    with pytest.raises(ValueError, match=r"'B'.*position 1.*convert the text to lower case first"):
        Vocabulary("abc").encode("aB")


@given(texts, texts)
def test_unknown_character_is_the_first_one(known, text):
    vocabulary = Vocabulary.from_text(known)
    unknown = [i for i, character in enumerate(text) if character not in known]
    if unknown:
        with pytest.raises(ValueError, match=f"at position {unknown[0]} "):
            vocabulary.encode(text)
    else:
        assert vocabulary.decode(vocabulary.encode(text)) == text


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Vocabulary(""), ValueError, "characters: expected 1 or more characters, got 0"),
        (lambda: Vocabulary("abca"), ValueError, "characters: expected distinct characters, got 'a' twice"),
        (lambda: Vocabulary(["a"]), TypeError, "characters: expected a str, got list"),
        (lambda: Vocabulary.from_text(""), ValueError, "text: expected 1 or more characters"),
        (lambda: Vocabulary.from_text(b"ab"), TypeError, "text: expected a str, got bytes"),
        (lambda: Vocabulary("ab").encode(["a"]), TypeError, "text: expected a str, got list"),
        (lambda: Vocabulary("ab").decode([0, 2]), IndexError, "ids in 0 .. 1, got 2 at position 1"),
        (lambda: Vocabulary("ab").decode([-1]), IndexError, "ids in 0 .. 1, got -1 at position 0"),
        (lambda: Vocabulary("ab").decode([0.0]), TypeError, "ids: expected integers, got float64"),
        (lambda: Vocabulary("ab").decode([True]), TypeError, "ids: expected integers, got bool"),
        (lambda: Vocabulary("ab").decode([[0]]), ValueError, r"ids: expected shape \(L,\), got \(1, 1\)"),
        (lambda: Vocabulary("ab").decode([[0], [0, 1]]), ValueError, "ids: expected lists of one length"),
        (
            lambda: Vocabulary("ab").encode("a", dtype="no"),
            TypeError,
            "dtype: expected a dtype of integers, .* got 'no'",
        ),
        (lambda: Vocabulary("ab").encode("a", dtype=3), TypeError, "dtype: expected a dtype of integers, .* got 3"),
        (lambda: Vocabulary("ab").decode(0), ValueError, r"ids: expected shape \(L,\), got \(\)"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_unknown_characters_are_left_out_on_request():
    vocabulary = Vocabulary("abc")
    assert vocabulary.encode("aXbYcZ", unknown="skip").tolist() == [0, 1, 2]
    empty = vocabulary.encode("XYZ", unknown="skip")
    assert (empty.shape, empty.dtype) == ((0,), np.uint8)
    with pytest.raises(ValueError, match="unknown: expected 'error' or 'skip', got 'drop'"):
        vocabulary.encode("a", unknown="drop")


class TestDtypes:
    @pytest.mark.parametrize(("size", "dtype"), [(2, "uint8"), (256, "uint8"), (257, "uint16"), (70_000, "uint32")])
    def test_the_smallest(self, size, dtype):
        vocabulary = Vocabulary("".join(map(chr, range(0x10000, 0x10000 + size))))
        assert vocabulary.smallest_dtype == dtype
        text = vocabulary.characters[-1] + vocabulary.characters[0]
        ids = vocabulary.encode(text)
        assert (ids.dtype, ids.tolist()) == (dtype, [size - 1, 0])
        assert vocabulary.decode(ids) == text
        assert vocabulary.encode(text, dtype="int64").dtype == np.int64

    @pytest.mark.parametrize("dtype", ["float32", "bool", "uint8", "int8"])
    def test_one_that_does_not_fit(self, dtype):
        vocabulary = Vocabulary("".join(map(chr, range(300))))
        with pytest.raises(ValueError, match=rf"dtype: expected integers that can hold 299, got {dtype}"):
            vocabulary.encode("a", dtype=dtype)

    def test_long_texts_are_encoded_piece_by_piece(self, monkeypatch):
        monkeypatch.setattr("nnlite.text.arguments.PIECE", 3)
        vocabulary = Vocabulary.from_text("abcdefgh\U0001f600")
        assert vocabulary.encode("abcdefgh\U0001f600").tolist() == list(range(9))
        with pytest.raises(ValueError, match=r"got 'z' \(U\+007A\) at position 7"):
            vocabulary.encode("abcdefgz")
        with pytest.raises(ValueError, match=r"got '\\U0001f601'|got '😁'"):
            vocabulary.encode("abcdefg😁")
