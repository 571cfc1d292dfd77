"""A student's answers against the key."""

import codecs
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

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
        answers: as `read_answers` returns them: by question and by name. A text instead of a question's answers says
            why they cannot be read.

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
    return [_marked(paper, entry, answers.get(entry.name, missing)) for entry in asked]


def _marked(paper, entry, answers):
    if isinstance(answers, str):
        return Mark(entry.name, 0, entry.points, (answers,))
    if not isinstance(answers, Mapping) or all(answer == "" for answer in answers.values()):
        return Mark(entry.name, 0, entry.points, ("not answered",))
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
    if isinstance(answer, str) and answer == "":
        return "not answered"
    expected = np.asarray(right)
    try:
        got = np.asarray(answer, np.float64)
    except (OverflowError, TypeError, ValueError):
        return f"expected {shape_text(expected)}, got something else"
    if got.shape != expected.shape:
        return f"expected {shape_text(expected)}, got {shape_text(got)}"
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


def read_answers(data: bytes) -> dict[str, Any]:
    """The answers in the bytes of an answers.toml, as `mark` takes them. What cannot be read costs its question alone.

    Example:
        >>> from nnlite.homework.marking import read_answers
        >>> read_answers(b"[shapes]\\nparameters = 608\\n[pooling]\\nmax = .5\\n")
        {'shapes': {'parameters': 608}, 'pooling': "line 4: expected numbers such as 0.5 or [1, 2], got 'max = .5'"}
    """
    if len(data) > MOST_BYTES:
        raise ValueError(
            f"answers.toml: expected at most {MOST_BYTES:,} bytes, got {len(data):,}: leave out what is not asked"
        )
    encoding = "utf-16" if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    lines = data.decode(encoding, "replace").splitlines()
    answers: dict[str, Any] = {}
    for name, start, end in _tables(lines):
        is_new = name not in answers
        answers[name] = (
            _table("\n".join(lines[start:end]), start) if is_new else f"line {start}: [{name}] is there twice"
        )
    return answers


def _tables(lines: list[str]) -> Iterator[tuple[str, int, int]]:
    """The tables of a TOML file: the name of each, its first line after the heading, and the end."""
    headings = [(found[1], number) for number, line in enumerate(lines) if (found := HEADING.match(line))]
    ends = [number for _, number in headings[1:]] + [len(lines)]
    return ((name, number + 1, end) for (name, number), end in zip(headings, ends, strict=True))


HEADING = re.compile(r"\s*\[\s*([A-Za-z0-9_]+)\s*\]\s*(?:#.*)?$")


def _table(text, start):
    try:
        return tomllib.loads(text)
    except RecursionError:
        return f"line {start + 1}: expected numbers, got too many brackets"
    except ValueError as error:
        place = re.search(r"at line (\d+)", str(error))
        line = int(place[1]) if place else 1
        return f"line {start + line}: expected numbers such as 0.5 or [1, 2], got {text.splitlines()[line - 1][:80]!r}"
