"""Statistics of texts: counted by hand, and where there is a formula, beside what it stands for."""

import dataclasses
import math
from itertools import product

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nnlite.text import (
    character_frequencies,
    clean_sonnets,
    expected_total_variation,
    line_lengths,
    split_poems,
    text_statistics,
    total_variation,
    words,
)

SMALL = "shall i compare thee\n  to a day?\n\nthou art\n"
texts = st.text("abc \n", min_size=1, max_size=30)


class TestCharacterFrequencies:
    def test_the_most_frequent_first_then_by_code_point(self):
        frequencies = character_frequencies("cabbac\n ")
        assert list(frequencies.items()) == [("a", 25), ("b", 25), ("c", 25), ("\n", 12.5), (" ", 12.5)]

    def test_of_nothing(self):
        assert character_frequencies("") == {}

    def test_of_the_sonnets(self):
        frequencies = character_frequencies(clean_sonnets())
        assert len(frequencies) == 38
        assert list(frequencies)[:4] == [" ", "e", "t", "o"]
        assert sum(frequencies.values()) == pytest.approx(100)

    def test_refuses_what_is_no_text(self):
        with pytest.raises(TypeError, match="text: expected a str, got bytes"):
            character_frequencies(b"a")


class TestTotalVariation:
    @pytest.mark.parametrize(
        ("text", "corpus", "distance"),
        [("abab", "ba", 0), ("aa", "bb", 1), ("aabb", "aaab", 0.25), ("ab", "abcd", 0.5), ("a", "b" * 9 + "a", 0.9)],
    )
    def test_by_hand(self, text, corpus, distance):
        assert total_variation(text, corpus) == pytest.approx(distance)

    @given(texts, texts, texts)
    def test_is_a_distance(self, a, b, c):
        assert total_variation(a, a) == 0
        assert total_variation(a, b) == total_variation(b, a)
        assert total_variation(a, c) <= total_variation(a, b) + total_variation(b, c) + 1e-12
        assert 0 <= total_variation(a, b) <= 1 + 1e-12

    @pytest.mark.parametrize(("text", "corpus", "name"), [("", "a", "text"), ("a", "", "corpus")])
    def test_refuses_the_empty(self, text, corpus, name):
        with pytest.raises(ValueError, match=f"{name}: expected 1 or more characters"):
            total_variation(text, corpus)


class TestExpectedTotalVariation:
    @pytest.mark.parametrize("corpus", ["ab", "aab", "abc", "aaaabc", "aaaaaaaaab"])
    @pytest.mark.parametrize("n", [1, 2, 3, 5])
    def test_is_the_mean_over_all_texts(self, corpus, n):
        """Every text of n characters, each drawn from the corpus, equally likely as all others."""
        mean = np.mean([total_variation("".join(text), corpus) for text in product(corpus, repeat=min(n, 3))])
        if n <= 3:
            assert expected_total_variation(corpus, n) == pytest.approx(mean, rel=1e-12)
        else:  # too many to list: fewer characters must lie further off
            assert expected_total_variation(corpus, n) < mean

    @pytest.mark.parametrize("n", [600, 10_000])
    def test_is_the_mean_of_drawn_texts(self, n):
        corpus = clean_sonnets()
        p = np.array([corpus.count(c) for c in sorted(set(corpus))]) / len(corpus)
        draws = np.random.default_rng(0).multinomial(n, p, 2000) / n
        distances = np.abs(draws - p).sum(axis=1) / 2
        error = 4 * distances.std() / math.sqrt(2000)
        assert expected_total_variation(corpus, n) == pytest.approx(distances.mean(), abs=error)

    def test_falls_as_one_over_the_root_of_the_length(self):
        corpus = clean_sonnets()
        for n in (10**5, 10**7, 10**9):
            ratio = expected_total_variation(corpus, n) / expected_total_variation(corpus, 100 * n)
            assert ratio == pytest.approx(10, rel=0.02)

    def test_of_a_corpus_of_one_character(self):
        assert expected_total_variation("aaaa", 10) == 0

    @given(texts, st.integers(1, 1000))
    @example("ab", 2**53)
    def test_is_a_distance(self, corpus, n):
        assert 0 <= expected_total_variation(corpus, n) < 1

    def test_real_text_lies_a_little_above(self):
        """The docstring says: pieces of 10,000 characters have 0.024 to the rest of the sonnets, drawn ones 0.019."""
        corpus, n = clean_sonnets(), 10_000
        starts = range(0, len(corpus) - n + 1, n // 2)
        distances = [total_variation(corpus[i : i + n], corpus[:i] + corpus[i + n :]) for i in starts]
        assert expected_total_variation(corpus, n) == pytest.approx(0.0195, abs=1e-4)
        assert np.mean(distances) == pytest.approx(0.0236, abs=1e-4)
        assert max(distances) == pytest.approx(0.034, abs=5e-4)

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            (("", 10), ValueError, "corpus: expected 1 or more characters"),
            (("ab", 0), ValueError, "length: expected at least 1, got 0"),
            (("ab", 2.5), TypeError, "length: expected an integer"),
            ((b"ab", 2), TypeError, "corpus: expected a str, got bytes"),
        ],
    )
    def test_refuses(self, arguments, error, message):
        with pytest.raises(error, match=message):
            expected_total_variation(*arguments)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("12 -- ?!", []),
        ("'Tis o'er, Summer's self-love.", ["tis", "o'er", "summer's", "self", "love"]),
        ("the lads' 'x'", ["the", "lads", "x"]),
        ("l\u2019été à Zürich_2", ["l\u2019été", "à", "zürich"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),  # with vowel signs that take a space of their own
    ],
)
def test_words(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "lengths"),
    [("", []), ("\n \n", []), ("a", [1]), ("a\n", [1]), ("ab\n\n  c\nd", [2, 3, 1]), ("a\fb\u2028c\n", [5])],
)
def test_line_lengths(text, lengths):
    assert line_lengths(text) == lengths


class TestTextStatistics:
    def test_by_hand(self):
        s = text_statistics(SMALL, "compare thee to thou shall\n")
        assert s.characters == len(SMALL)
        assert s.frequencies == character_frequencies(SMALL)
        assert s.distance == total_variation(SMALL, "compare thee to thou shall\n")
        assert s.expected_distance == expected_total_variation("compare thee to thou shall\n", len(SMALL))
        assert (s.words, s.known_words) == (9, 5 / 9)
        assert (s.lines, s.blank_lines, s.indented_lines) == (3, 1, 1 / 3)
        assert s.line_lengths == {8: 1, 11: 1, 20: 1}
        assert list(s.line_lengths) == [8, 11, 20]
        assert s.line_length_mean == 13
        assert s.line_length_deviation == pytest.approx(math.sqrt((25 + 4 + 49) / 3))
        assert s.copied.text == " compare thee"[1:]
        assert s.copied_windows == 0

    def test_a_line_is_indented_by_spaces_or_tabs(self):
        assert text_statistics("\ta\n b\nc\n\t\nd e\n", "a b c d e\n").indented_lines == 1 / 2

    def test_copying_is_looked_for_in_the_source(self):
        training, held_out = split_poems()
        corpus = training + held_out
        assert text_statistics(held_out, corpus).copied_windows == 1
        assert text_statistics(held_out, corpus, training).copied_windows == 0

    def test_the_sonnets_beside_themselves(self):
        s = text_statistics(clean_sonnets(), clean_sonnets())
        assert (s.distance, s.known_words, s.blank_lines, s.copied_windows) == (0, 1, 0, 1)
        assert s.lines == 2155
        assert s.indented_lines == 2 * 154 / 2155
        assert s.line_length_mean == pytest.approx(42.7, abs=0.05)

    @pytest.mark.parametrize("text", ["a", " ", "\n", "\n\n  \n", "7"])
    def test_tiny_texts(self, text):
        s = text_statistics(text, "a b\n")
        no_words, no_lines = text != "a", not text.strip()
        assert math.isnan(s.known_words) == no_words
        assert math.isnan(s.line_length_mean) == math.isnan(s.indented_lines) == no_lines
        assert math.isnan(s.line_length_deviation) == no_lines
        assert math.isnan(s.copied_windows)

    @given(texts, texts)
    def test_shares_are_shares(self, text, corpus):
        s = text_statistics(text, corpus)
        for name in ("distance", "expected_distance", "known_words", "indented_lines", "copied_windows"):
            assert math.isnan(value := getattr(s, name)) or 0 <= value <= 1 + 1e-12
        assert sum(s.frequencies.values()) == pytest.approx(100)
        assert sum(s.line_lengths.values()) == s.lines == len(line_lengths(text))
        assert s.lines + s.blank_lines == len(text.split("\n")) - text.endswith("\n")
        assert s.copied.text in text
        assert s.copied.text in corpus

    @pytest.mark.parametrize(("text", "corpus", "name"), [("", "a", "text"), ("a", "", "corpus")])
    def test_refuses_the_empty(self, text, corpus, name):
        with pytest.raises(ValueError, match=f"{name}: expected 1 or more characters"):
            text_statistics(text, corpus)

    def test_does_not_change(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            text_statistics("a", "a").words = 2
