"""Characters as readers see them, and words where there are spaces."""

import math
import sys

import pytest
from extras import import_extra

from nnlite import plot, text
from nnlite.text import (
    character_frequencies,
    expected_total_variation,
    line_lengths,
    split_graphemes,
    text_statistics,
    words,
)

NFD = "cafe\u0301 de\u0301ja\u0300 vu\n"
HINDI = "हिन्दी में लिखा हुआ एक छोटा सा पाठ"
TANG = "春眠不觉晓，处处闻啼鸟。\n夜来风雨声，花落知多少。\n"


class TestWords:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (NFD, ["cafe\u0301", "de\u0301ja\u0300", "vu"]),
            (HINDI, HINDI.split()),
            ("می\u200cخواهم بروم", ["می\u200cخواهم", "بروم"]),
            ("שָׁלוֹם עוֹלָם", ["שָׁלוֹם", "עוֹלָם"]),
            ("안녕 세상", ["안녕", "세상"]),
            ("Und 2_000 o'er-l\u2019eau", ["und", "o'er", "l\u2019eau"]),
            ("\u0301a \u0301", ["a"]),
        ],
    )
    def test_letters_keep_their_marks(self, text, expected):
        assert words(text) == expected

    @pytest.mark.parametrize(
        "text", [TANG, "古池や蛙飛び込む", "カタカナ", "ｶﾀｶﾅ", "สวัสดีชาวโลก", "ສະບາຍດີ", "សួស្តី", "မင်္ဂလာပါ", "𠀀𠀁"]
    )
    def test_none_where_there_are_no_spaces(self, text):
        assert words(text) == []
        assert words(f"{text} love {text}") == ["love"]
        assert words(f"{text}love{text}") == ["love"]

    def test_statistics_without_words(self):
        statistics = text_statistics(TANG, TANG)
        assert statistics.words == 0
        assert math.isnan(statistics.known_words)
        assert (statistics.characters, statistics.lines, statistics.line_lengths) == (26, 2, {12: 2})


class TestGraphemes:
    @pytest.fixture(autouse=True)
    def _needs_regex(self):
        import_extra("regex", "graphemes")

    @pytest.mark.parametrize(
        ("text", "count"),
        [("", 0), ("abc", 3), (NFD, 13), ("👩‍🚀🇫🇷👍🏽", 3), ("각", 1), ("नि", 1), (TANG, len(TANG))],
    )
    def test_counts(self, text, count):
        graphemes = list(split_graphemes(text))
        assert len(graphemes) == count
        assert "".join(graphemes) == text

    def test_statistics(self):
        statistics = text_statistics(NFD * 3, NFD, graphemes=True)
        assert statistics.characters == 39
        assert statistics.line_lengths == {12: 3}
        assert statistics.frequencies["e\u0301"] == pytest.approx(100 * 2 / 13)
        assert "e" not in statistics.frequencies
        assert statistics.distance == pytest.approx(0)
        assert sum(statistics.frequencies.values()) == pytest.approx(100)
        assert character_frequencies(NFD)["e"] == pytest.approx(100 * 2 / 16)
        assert line_lengths(NFD) == [15]

    def test_distances(self):
        statistics = text_statistics("e\u0301e\u0301", "e\u0301e", graphemes=True)
        assert statistics.distance == 1 / 2
        assert statistics.expected_distance == expected_total_variation("ab", 2)

    def test_command(self, tmp_path, nnlite_command, blank_pictures):
        (tmp_path / "nfd.txt").write_text(NFD)
        code, output, _ = nnlite_command(
            "stats", tmp_path / "nfd.txt", "--graphemes", "--characters", "--out", tmp_path / "p"
        )
        assert code == 0
        assert "graphemes             94,192       13\n" in output
        assert "  graphemes, mean       42.7     12.0\n" in output
        assert "e\u0301 " in output


def test_without_regex(tmp_path, monkeypatch, nnlite_command):
    monkeypatch.setitem(sys.modules, "regex", None)
    (tmp_path / "a.txt").write_text(NFD)
    code, _, error = nnlite_command("stats", tmp_path / "a.txt", "--graphemes")
    assert code == 1
    assert 'pip install "nnlite-learn[graphemes]"' in error
    assert error.count("\n") == 1


def test_names_of_graphemes():
    assert plot.character_name("e\u0301") == "e\u0301"
    assert plot.character_name("\u0301") == "U+0301"
    assert plot.character_name("\u200d\u0301") == "U+200D U+0301"


def test_the_command_says_that_there_are_no_words(tmp_path, nnlite_command, blank_pictures):
    (tmp_path / "tang.txt").write_text(TANG, encoding="utf-8")
    code, output, _ = nnlite_command("stats", tmp_path / "tang.txt", "--out", tmp_path / "pictures")
    assert code == 0
    assert "tang.txt is written without spaces between words: no words are counted." in output
    rows = {line[:20].rstrip(): line[20:].split() for line in output.splitlines()}
    assert rows["words"] == ["17,601", "-"]
    assert rows["  in the corpus"] == ["-"]
    assert text.words(TANG) == []
