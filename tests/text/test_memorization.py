"""What is copied is found: beside a search that tries everything, and fast."""

import time

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nnlite.text import Copy, clean_sonnets, copied_share, longest_copy, split_poems

few_letters = st.text("ab\n", max_size=25)


def by_trying(text, source):
    """The longest run of the text that stands in the source, every one tried, the longest first."""
    for length in range(min(len(text), len(source)), 0, -1):
        for start in range(len(text) - length + 1):
            if (run := text[start : start + length]) in source:
                return Copy(run, start, source.index(run))
    return Copy("", 0, 0)


@given(few_letters, few_letters)
@example("", "")
@example("a", "")
@example("", "a")
@example("aaaaaaaa", "aaaaaaaaaaa")
@example("abababab", "babab")
def test_the_longest_run_is_the_one_found_by_trying(text, source):
    assert longest_copy(text, source) == by_trying(text, source)


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_any_characters(before, run, after):
    found = longest_copy(before + run + after, "\u2603" + run)
    assert len(found.text) >= len(run)
    assert found.text in before + run + after
    assert found.text in "\u2603" + run


@given(few_letters, few_letters, st.integers(1, 12))
@example("aaaa", "aaa", 3)
def test_the_share_is_that_of_windows_tried_one_by_one(text, source, length):
    windows = [text[i : i + length] for i in range(len(text) - length + 1)]
    expected = np.mean([window in source for window in windows]) if windows else np.nan
    np.testing.assert_equal(copied_share(text, source, length), expected)


@given(few_letters, few_letters)
def test_the_longest_run_is_the_longest_window_with_a_share(text, source):
    length = len(longest_copy(text, source).text)
    if length:
        assert copied_share(text, source, length) > 0
    assert not copied_share(text, source, length + 1) > 0


def test_the_held_out_sonnets_copy_nothing_long():
    training, held_out = split_poems()
    assert longest_copy(held_out, training) == Copy(" straight, though th", 1211, 74006)
    assert copied_share(held_out, training) == 0


def test_half_a_poem_copied():
    training, _ = split_poems()
    copied = training[1000:1300]
    text = copied + "~" * 329  # 600 windows, of which 271 are copied
    assert longest_copy(text, training) == Copy(copied, 0, 1000)
    assert copied_share(text, training) == 271 / 600


@pytest.mark.parametrize("kind", ["random", "itself", "one letter", "nothing in common"])
def test_a_hundred_thousand_characters_take_seconds_at_most(kind):
    corpus = clean_sonnets()
    shuffled = "".join(np.random.default_rng(0).permutation(list(corpus)))
    text, source = {
        "random": (shuffled, corpus),
        "itself": (corpus, corpus),
        "one letter": ("a" * 100_000, "a" * 99_999),
        "nothing in common": (corpus, corpus.upper().replace("\n", "_").replace(" ", "_")),
    }[kind]
    start = time.perf_counter()
    run = longest_copy(text, source).text
    copied_share(text, source)
    assert time.perf_counter() - start < 10  # a few tenths, on a machine that does nothing else
    if kind == "itself":
        assert run == corpus
    if kind == "one letter":
        assert run == source


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((None, "a"), TypeError, "text: expected a str, got NoneType"),
        (("a", b"a"), TypeError, "source: expected a str, got bytes"),
    ],
)
def test_refuses_what_is_no_text(arguments, error, message):
    for function in (longest_copy, copied_share):
        with pytest.raises(error, match=message):
            function(*arguments)


@pytest.mark.parametrize(
    ("length", "error", "message"),
    [(0, ValueError, "length: expected at least 1, got 0"), (1.5, TypeError, "length: expected an integer")],
)
def test_refuses_windows_of_no_length(length, error, message):
    with pytest.raises(error, match=message):
        copied_share("abc", "abc", length)
