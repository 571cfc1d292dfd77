"""An excerpt is the slice of the text, and takes no memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlite.text import Excerpt, copied_share, longest_copy, text_statistics, total_variation

TEXT = st.text("ab \n", max_size=20)
PLACE = st.integers(0, 25)


@given(TEXT, PLACE, st.none() | PLACE, st.slices(25), st.text("ab", max_size=3), PLACE)
def test_it_is_the_slice(text, start, end, rows, what, after):
    excerpt, part = Excerpt(text, start, end), text[start:end]
    assert excerpt[:] == "".join(excerpt) == part
    assert len(excerpt) == len(part)
    assert (what in excerpt) is (what in part)
    assert excerpt[rows] == part[rows]
    assert [excerpt[i] for i in range(-len(part), len(part))] == [*part, *part]
    if after <= len(part):
        assert excerpt.find(what, after) == part.find(what, after)


@given(TEXT.filter(bool), TEXT, st.integers(0, 20))
def test_statistics_compare_with_it_as_with_the_slice(text, corpus, end):
    excerpt, part = Excerpt(corpus, end=end), corpus[:end]
    assert longest_copy(text, excerpt) == longest_copy(text, part)
    assert str(copied_share(text, excerpt, 3)) == str(copied_share(text, part, 3))
    if part:
        assert str(text_statistics(text, excerpt)) == str(text_statistics(text, part))
        assert str(text_statistics(text, corpus, excerpt)) == str(text_statistics(text, corpus, part))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((b"a",), TypeError, "text: expected a str, got bytes"),
        (("a", -1), ValueError, "start: expected at least 0, got -1"),
        (("a", 0, 0.5), TypeError, "end: expected an integer, got 0.5"),
    ],
)
def test_refuses_what_is_no_excerpt(arguments, error, message):
    with pytest.raises(error, match=message):
        Excerpt(*arguments)


def test_an_empty_one_is_refused_as_a_text():
    with pytest.raises(ValueError, match="corpus: expected 1 or more characters, got 0"):
        total_variation("a", Excerpt("abc", 1, 1))
