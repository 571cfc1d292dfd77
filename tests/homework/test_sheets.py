"""Sheets: files of one's own, what is wrong with them, and how numbers are drawn."""

import hashlib
import hmac
import json
import re

import pytest

from nnlite.homework import Draws, read_sheet
from nnlite.homework.questions import KINDS
from nnlite.homework.sheet import shipped

SALT = b"the salt of a course, for tests only"

OWN = """\
title = "Quiz"
deadline = 2026-12-01T23:59:00+01:00
late_percent = 25
tolerance = 0.02

[[question]]
kind = "lstm_step"
points = 2.5
units = 1

[[question]]
kind = "lstm_step"
name = "lstm_step_2"
features = 3
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="quiz.toml"):
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return path

    return write


def test_a_sheet_of_ones_own(write):
    sheet = read_sheet(write(OWN))
    assert (sheet.name, sheet.title, sheet.points, sheet.late_percent) == ("quiz", "Quiz", 3.5, 25)
    assert sheet.deadline.isoformat() == "2026-12-01T23:59:00+01:00"
    paper = sheet.paper(SALT, "ada")
    assert len(paper.numbers["lstm_step"]["b"]) == 4
    assert len(paper.numbers["lstm_step_2"]["x"]) == 3
    text = " ".join(paper.markdown().split())
    assert "**Tuesday, 01 December 2026, 23:59 UTC+01:00**. Each day begun after that costs 25 % of the points" in text
    assert "2. One step of an LSTM, forward and backward (1 point)" in text
    assert "A number is right within 2 %" in text


def test_the_ends_of_what_a_sheet_may_set(write):
    text = re.sub("late_percent = .*", "late_percent = 0", re.sub("tolerance = .*", "tolerance = 0.1", OWN))
    sheet = read_sheet(write(text))
    assert (sheet.tolerance, sheet.late_percent) == (0.1, 0)
    assert read_sheet(write(re.sub("late_percent = .*", "", OWN))).late_percent == 100
    assert read_sheet(write(re.sub("tolerance = .*", "", OWN))).tolerance == 0.01
    assert read_sheet(write(OWN.replace("points = 2.5", "points = 1000000"))).points == 1_000_001


@pytest.mark.parametrize("name", shipped())
def test_sheets_that_ship(name):
    sheet = read_sheet(name)
    assert sheet.name == name
    assert any(entry.is_code for entry in sheet.entries)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"lstm_step"\np', '"lstm_stap"\np', r"quiz.toml, line 6: kind: expected 'lstm_step', or another one of conv_"),
        ("units = 1", "unit = 1", "line 6: expected 'units', or another one of units, features, got 'unit'"),
        ("units = 1", "units = 9", "line 6: units: expected a whole number from 1 to 4, got 9"),
        ("features = 3", "features = true", "line 11: features: expected a whole number from 1 to 4, got True"),
        ("points = 2.5", "points = 0", "line 6: points: expected a number above 0 and at most 1,000,000, got 0"),
        ('name = "lstm_step_2"\n', "", "line 11: name: expected a name of its own.*write name = 'lstm_step_2'"),
        ('name = "lstm_step_2"', 'name = "Zwei!"', "line 11: name: expected small letters, digits and _"),
        ('kind = "lstm_step"\npoints', "points", "line 6: expected a kind, such as .*there are conv_shapes, pooled_"),
        ("+01:00", "", "deadline: expected a time with its zone, such as 2026-12-01T23:59:00.01:00, got 2026-12-01 23"),
        ("0.02", "2", "tolerance: expected a number, such as 0.01, above 0 and at most 0.1, got 2"),
        ("0.02", "0", "tolerance: expected a number, such as 0.01, above 0 and at most 0.1, got 0"),
        ("25", "101", "late_percent: expected 0 to 100, got 101"),
        ("25", "'a'", "late_percent: expected a number, such as 10, got 'a'"),
        ("late_percent", "late_pct", "expected 'late_percent', or another one of name, title, .*got 'late_pct'"),
        ('"Quiz"', "Quiz", "expected TOML, got what its reader calls: Invalid value .at line 1"),
        (
            OWN[OWN.index("[[") :],
            "question = [{kind = 'temperature'}]",
            "expected questions, each beginning with the line",
        ),
        ("points = 2.5", "points = inf", "line 6: points: expected a number above 0 .*, got inf"),
        (
            "points = 2.5",
            f"points = 1{'0' * 400}",
            "line 6: points: expected a number above 0 .*, got 1",
        ),
        ("points = 2.5", f"points = 1{'0' * 5000}", "expected TOML, .*: a number has more digits than Python reads"),
        ("points = 2.5", f"points = {'[' * 5000}", "expected TOML, got what its reader calls: it is nested too deeply"),
        ("points = 2.5", f"{'a.' * 12000}b = 1", "expected TOML, .*: a key has more than 100 parts"),
        (
            '"Quiz"',
            '"Quiz"\nname = "../../evil"',
            "name: expected letters, digits, .*, got '../../evil'",
        ),
        ('"Quiz"', '"Quiz"\nname = "..\\\\evil"', "name: expected letters, digits, spaces"),
        ('"Quiz"', '"Quiz"\nname = "a\\u0000b"', "name: expected letters, digits, spaces"),
        ('"Quiz"', '"Quiz"\nname = ".."', "name: expected letters, digits, spaces"),
        ('"Quiz"', '"Quiz"\nname = ""', "name: expected letters, digits, spaces"),
        (OWN[OWN.index("[[") :], "", "expected questions, each beginning with the line"),
        (
            '"lstm_step"\np',
            '"code"\nname = "lstm_back"\np',
            "line 6: name: expected 'lstm_backward', or another one of",
        ),
        ('"lstm_step"\np', '"code"\nname = "sample"\np', "line 6: expected no settings, got 'units'"),
    ],
)
def test_what_is_wrong_with_a_sheet(old, new, message, write):
    assert old in OWN
    with pytest.raises(ValueError, match=message):
        read_sheet(write(OWN.replace(old, new, 1)))


def test_there_is_no_such_sheet():
    with pytest.raises(FileNotFoundError, match="expected one of cnn, hw2, or a file, got 'hw3': write one"):
        read_sheet("hw3")


class TestDraws:
    def test_bits_are_those_of_hmac_sha_256(self):
        message = json.dumps(["hw2", "ada", "convolution"]).encode()
        digest = hmac.new(SALT, message + b" 0", hashlib.sha256).digest()
        assert Draws(SALT, "hw2", "ada", "convolution").integer(0, 2**256 - 1) == int.from_bytes(digest, "big")

    def test_they_are_the_same_everywhere(self):
        """Numbers that were drawn once: a change here draws other sheets for courses that are under way."""
        draws = Draws(SALT, "hw2", "ada", "convolution")
        assert draws.integers((2, 3), -3, 3) == [[3, 3, 1], [2, -1, -2]]
        assert draws.decimals((4,), -0.9, 0.9) == [-0.5, -0.4, -0.3, -0.3]
        assert draws.shuffled("abcde") == ["c", "d", "b", "a", "e"]

    @pytest.mark.parametrize("change", [0, 1, 2, 3])
    def test_salt_sheet_student_and_question_change_them(self, change):
        names = [SALT, "hw2", "ada", "convolution"]
        other = list(names)
        other[change] = other[change] + (b"." if change == 0 else ".")
        assert Draws(*names).integers((9,), -9, 9) != Draws(*other).integers((9,), -9, 9)

    def test_names_are_kept_apart(self):
        assert Draws(SALT, "hw1", "23", "q").integer(0, 10**9) != Draws(SALT, "hw12", "3", "q").integer(0, 10**9)

    def test_every_number_is_as_likely_as_another(self):
        draws = Draws(SALT, "hw2", "ada", "many")
        counts = [0] * 7
        for _ in range(7000):
            counts[draws.integer(0, 6)] += 1
        assert sum((count - 1000) ** 2 / 1000 for count in counts) < 22.5  # chi squared, 6 degrees: 1 in 1000

    def test_a_short_salt_is_refused(self):
        Draws(SALT[:16], "hw2", "ada", "convolution")
        with pytest.raises(ValueError, match="salt: expected at least 16 bytes, got 15"):
            Draws(SALT[:15], "hw2", "ada", "convolution")

    def test_bits_that_would_make_a_number_likelier_are_drawn_again(self, monkeypatch):
        draws, bits = Draws(SALT, "hw2", "ada", "convolution"), iter([2**256 - 1, 7])
        monkeypatch.setattr(draws, "_bits", lambda: next(bits))
        assert draws.integer(0, 2) == 7 % 3  # 2**256 - 1 is divisible by 3


def test_a_sheet_without_the_salt_is_another():
    sheet = read_sheet("hw2")
    ours, other = sheet.paper(SALT, "ada"), sheet.paper(b"another salt of another course", "ada")
    assert all(ours.numbers[name] != other.numbers[name] for name in ours.numbers)
    assert all(ours.key[name] != other.key[name] for name in ours.key)


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_come_back_from_json(kind):
    question = KINDS[kind]()
    numbers = question.draw(Draws(SALT, "a", "b", kind))
    assert json.loads(json.dumps(numbers)) == numbers
    reordered = dict(sorted(numbers.items()))
    assert question.key(reordered) == question.key(numbers)
