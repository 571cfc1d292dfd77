"""All sonnets are there, say what their source says, and are cleaned and split as documented."""

import hashlib
import re
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlite.text import clean_sonnets, load_sonnets, poems, split_poems

DATA = files("nnlite.text") / "data"
OTHER_EDITION = Path(__file__).parents[2] / "../shared/data/shakespeare.txt"


def recorded_sha256(name):
    """The digest that the provenance file states for the file `name`."""
    (digest,) = re.findall(rf"^\| `{re.escape(name)}`.*?`([0-9a-f]{{64}})`", provenance(), re.M)
    return digest


def provenance():
    return (DATA / "README.md").read_text(encoding="utf-8")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# The file


def test_file_is_the_recorded_one():
    assert sha256((DATA / "sonnets.txt").read_bytes()) == recorded_sha256("sonnets.txt")


def test_undoing_the_layout_gives_the_source_to_the_byte():
    text = (DATA / "sonnets.txt").read_bytes().decode("ascii")
    text = re.sub(r"^ {19}\d+\n", "", text, flags=re.M)
    text = re.sub(r"^  ", "", text, flags=re.M)
    text = text.replace("\n\n\n", "\n\n").replace("--", "\N{EM DASH}")
    text = text.replace("From fairest", "FROM fairest").removesuffix("\n")
    assert sha256(text.encode("utf-8")) == recorded_sha256("en.shakespeare.txt")


def test_layout_is_the_classic_one():
    text = load_sonnets()
    assert (DATA / "sonnets.txt").read_bytes() == text.encode("ascii"), "not ASCII with line feeds"
    assert text.endswith("\n")
    blocks = text.removesuffix("\n").split("\n\n\n")
    for number, block in enumerate(blocks, 1):
        heading, *verse, a, b = block.split("\n")
        assert heading == " " * 19 + str(number)
        assert all(re.fullmatch(r"  \S.*\S", line) for line in (a, b)), f"couplet of {number}"
        assert all(re.fullmatch(r"\S.*\S", line) for line in verse), f"verse of {number}"
        assert "  " not in "".join(verse)


def test_154_poems_of_2155_lines():
    lengths = {number: poem.count("\n") for number, poem in enumerate(poems(), 1)}
    assert len(lengths) == 154
    assert sum(lengths.values()) == 2155
    assert {n: length for n, length in lengths.items() if length != 14} == {99: 15, 126: 12}


def test_words_agree_with_another_edition():
    if not OTHER_EDITION.exists():
        pytest.skip("no second edition of the sonnets beside the repository to compare with")
    theirs = poems(OTHER_EDITION.read_text(encoding="utf-8"))
    ours = poems()
    assert [p.count("\n") for p in ours] == [p.count("\n") for p in theirs]
    pairs = list(zip("".join(ours).splitlines(), "".join(theirs).splitlines(), strict=True))
    assert [a.startswith("  ") for a, _ in pairs] == [b.startswith("  ") for _, b in pairs]
    # "o'er-worn", "oerworn" and "o'er worn" are one word in three spellings: letters are compared.
    letters = [(re.sub("[^a-z]", "", a), re.sub("[^a-z]", "", b)) for a, b in pairs]
    different = [(a, b) for a, b in letters if a != b]
    assert len(different) == 276
    # They differ in spelling. One line differs in words: where the first printing of sonnet 146 is
    # corrupt, editors choose.
    far = [(a, b) for a, b in different if edit_distance(a, b) > 8]
    assert far == [("theserebelpowersthattheearray", "mysinfulearththeserebelpowersarray")]


def edit_distance(a, b):
    """How many letters must be put in, taken out or replaced to make b of a."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above_left, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            cost = above_left + (x != y)
            above_left, row[j] = row[j], min(cost, row[j] + 1, row[j - 1] + 1)
    return row[-1]


# Cleaning


def test_clean_sonnets_drops_numbers_and_blank_lines_and_lowers_the_rest():
    kept = [s for s in load_sonnets().split("\n") if re.search("[A-Za-z]", s)]
    assert clean_sonnets() == "\n".join(kept).lower() + "\n"


def test_clean_sonnets_keeps_the_indent_of_couplets():
    assert clean_sonnets().count("\n  ") == 2 * 154


def test_characters_of_the_clean_sonnets():
    letters = "abcdefghijklmnopqrstuvwxyz"
    assert set(clean_sonnets()) == set(letters + "\n !',-.:;?[]")


def test_the_homework_seed_has_40_characters():
    seed = "shall i compare thee to a summer's day?\n"
    assert len(seed) == 40
    assert clean_sonnets().count(seed) == 1


def test_cleaning_twice_changes_nothing():
    once = clean_sonnets()
    assert clean_sonnets(once) == once


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("", []),
        ("\n \n\t\n", []),
        ("7\n", []),
        ("One line", ["one line\n"]),
        ("  1\r\nFirst, \r\n  Indent\r\n\r\n2\r\nSecond\r\n", ["first,\n  indent\n", "second\n"]),
        ("1\nA\n2\nB\n", ["a\n", "b\n"]),
        ("A\n\n\n\nB", ["a\n", "b\n"]),
        ("1\n\nA\n\n2\n\nB\n", ["a\n", "b\n"]),
        ("1\n7 swans\n1609 was the year\n", ["7 swans\n1609 was the year\n"]),
        ("1\na\n²\nb\n", ["a\n²\nb\n"]),
    ],
)
def test_poems_of_other_layouts(raw, expected):
    assert poems(raw) == expected
    assert clean_sonnets(raw) == "".join(expected)


verse_lines = st.sampled_from(["O", "Of hand", "  of Foot,", "    of lip", "1 eye", "of brow 2"])


@given(st.lists(st.lists(verse_lines, min_size=1, max_size=5), min_size=1, max_size=5))
def test_poems_undoes_any_numbered_layout(verses):
    blocks = ["\n".join([f"{n:20}", *lines]) for n, lines in enumerate(verses, 1)]
    expected = ["".join(line.lower() + "\n" for line in lines) for lines in verses]
    assert poems("\n\n\n".join(blocks)) == expected


# Splitting


def test_split_holds_out_the_last_16_poems():
    training, validation = split_poems()
    every = poems()
    assert training == "".join(every[:138])
    assert validation == "".join(every[138:])
    assert training + validation == clean_sonnets()


def test_no_poem_is_in_both_parts():
    training, validation = split_poems()
    assert not [p for p in poems()[:138] if p in validation]
    assert not [p for p in poems()[138:] if p in training]


def test_split_of_another_text():
    assert split_poems("A\n\nB\n\nC\n", held_out=2) == ("a\n", "b\nc\n")
    assert split_poems("A\n\nB\n\nC\n", held_out=0) == ("a\nb\nc\n", "")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"held_out": 154}, ValueError, "held_out: expected fewer than the 154 poem.*got 154"),
        ({"held_out": -1}, ValueError, "held_out: expected at least 0, got -1"),
        ({"held_out": 0.1}, TypeError, "held_out: expected an integer, got 0.1"),
        ({"held_out": True}, TypeError, "held_out: expected an integer, got True"),
        ({"text": "a\nb\n", "held_out": 1}, ValueError, "fewer than the 1 poem.*got 1: use the raw text"),
        ({"text": b"a"}, TypeError, "text: expected a str, got bytes"),
    ],
)
def test_split_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        split_poems(**arguments)
