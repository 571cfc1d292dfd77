"""A student's answers against the key."""

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from . import toml

if TYPE_CHECKING:
    from .paper import Paper

MOST_BYTES = 200_000  # of answers.toml
MOST_NAMED = 8  # entries that a line of feedback names


@dataclass(frozen=True)
class Mark:
    """What a question earned.

    Attributes:
        question: its name.
        points: earned: each answer of a question has an equal part of its points.
        of: the points for a right answer.
        feedback: a line for each answer. It names entries that differ, and never the right number.
    """

    question: str
    points: float
    of: float
    feedback: tuple[str, ...]


def mark(paper: "Paper", answers: Mapping[str, Any]) -> list[Mark]:
    """Marks for a student's answers, in the order of the sheet. Code questions are left out.

    Args:
        paper: the student's.
        answers: as `read_answers` returns them: by question and by name.

    Example:
        >>> from nnlite.homework import mark, read_sheet
        >>> paper = read_sheet("hw2").paper(b"a secret of a course", "ada")
        >>> all(one.points == one.of for one in mark(paper, paper.key))
        True
        >>> mark(paper, {})[0].feedback
        ('not answered',)
    """
    asked = [entry for entry in paper.sheet.entries if not entry.is_code]
    unknown = [f"[{name}]" for name in answers if name not in paper.key]
    missing = f"not answered ({', '.join(unknown)}: no question is called so)" if unknown else "not answered"
    return [_marked(paper, entry, answers.get(entry.name, {}), missing) for entry in asked]


def _marked(paper, entry, answers, missing):
    if not isinstance(answers, Mapping) or all(answer == "" for answer in answers.values()):
        return Mark(entry.name, 0, entry.points, (missing,))
    key, tolerance = paper.key[entry.name], paper.sheet.tolerance
    problems = {name: problem(right, answers.get(name, ""), tolerance) for name, right in key.items()}
    lines = [f"{name}: {found or 'right'}" for name, found in problems.items()]
    wrong = {name for name, found in problems.items() if found}
    lines += _causes(entry.question.mistakes(paper.numbers[entry.name]), answers, wrong, tolerance)
    lines += [f"{name}: no such answer is asked for" for name in answers if name not in key]
    return Mark(entry.name, round(entry.points * (1 - len(wrong) / len(key)), 2), entry.points, tuple(lines))


def _causes(mistakes, answers, wrong, tolerance):
    """Mistakes that explain wrong answers."""
    for story, leads_to in mistakes.items():
        explained = [
            name for name in leads_to if name in wrong and not problem(leads_to[name], answers.get(name, ""), tolerance)
        ]
        if explained:
            yield f"{', '.join(explained)}: this comes out if {story}"


def problem(right: Any, answer: Any, tolerance: float) -> str:
    """What is wrong with an answer, without the right one; "" if nothing is.

    Whole numbers have to be equal. Other numbers may differ by `tolerance` of the right one plus a tenth of
    it of the largest in the same array.
    """
    if isinstance(answer, Unread):
        return str(answer)
    if isinstance(answer, str) and answer == "":
        return "not answered"
    expected = np.asarray(right)
    try:
        got = np.asarray(answer, np.float64)
    except (OverflowError, TypeError, ValueError):
        return f"expected {shape_text(expected)}, got something else"
    if got.squeeze().shape != expected.squeeze().shape:  # [3] is as right as 3, and a row as [[1, 2]]
        return f"expected {shape_text(expected)}, got {shape_text(got)}"
    got = got.reshape(expected.shape)
    differ = ~(np.abs(got - expected) <= allowed(expected, tolerance))  # NaN differs
    where = [_place(index) for index in np.argwhere(differ)]
    if not where:
        return ""
    if not expected.ndim:
        return "differs"
    more = ", ..." if len(where) > MOST_NAMED else ""
    return f"{len(where)} of {expected.size} differ: {', '.join(where[:MOST_NAMED])}{more}"


def allowed(expected: np.ndarray, tolerance: float) -> np.ndarray | float:
    """By how much an answer may differ from each number."""
    if expected.dtype.kind != "f":
        return 0.0
    return tolerance * (np.abs(expected) + np.abs(expected).max() / 10)


def shape_text(array: np.ndarray) -> str:
    """Such as "4 x 4 numbers"."""
    return f"{' x '.join(map(str, array.shape))} numbers" if array.ndim else "a number"


def _place(index):
    return "".join(f"[{i}]" for i in index)


class Unread(str):
    """An answer that cannot be read: why."""


def read_answers(data: bytes) -> dict[str, dict[str, Any]]:
    """The answers in an answers.toml, by question and by name. What cannot be read costs that answer alone.

    Raises:
        ValueError: there are too many bytes.

    Example:
        >>> from nnlite.homework import read_answers
        >>> read_answers(b"[shapes]\\nparameters = 608\\nwidth = .5\\n")
        {'shapes': {'parameters': 608, 'width': "line 3: expected numbers such as 0.5 or [1, 2], got 'width = .5'"}}
    """
    if len(data) > MOST_BYTES:
        raise ValueError(
            f"answers.toml: expected at most {MOST_BYTES:,} bytes, got {len(data):,}: leave out what is not asked"
        )
    answers: dict[str, dict[str, Any]] = {}
    for question, name, number, text in _assignments(decoded(data).splitlines()):
        fields = answers.setdefault(question, {})
        fields[name] = Unread(f"line {number}: {name} is there twice") if name in fields else _value(name, number, text)
    return answers


def decoded(data: bytes) -> str:
    """The text of a file from any editor, in UTF-8 or UTF-16."""
    encoding = "utf-16" if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    return data.decode(encoding, "replace")


HEADING = re.compile(r"\s*\[\s*([A-Za-z_]\w*)\s*\]\s*(?:#.*)?")
ASSIGNMENT = re.compile(r'\s*"?(\w+)"?\s*=')


def _assignments(lines: list[str]) -> Iterator[tuple[str, str, int, str]]:
    """Question, name, number of the first line, and text of each answer."""
    question, starts = "", []
    for number, line in enumerate(lines):
        if found := HEADING.fullmatch(line):
            question = found[1]
            starts.append((question, "", number))
        elif found := ASSIGNMENT.match(line):
            starts.append((question, found[1], number))
    starts.append(("", "", len(lines)))
    for (question, name, start), (*_, end) in pairwise(starts):
        if name:
            yield question, name, start + 1, "\n".join(lines[start:end])


def _value(name, number, text):
    try:
        return toml.loads(text)[name]
    except (KeyError, ValueError):
        line = text.partition("\n")[0][:80]
        return Unread(f"line {number}: expected numbers such as 0.5 or [1, 2], got {line!r}")
