"""One student's sheet: the numbers, and what is written with them."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .draws import Draws
from .marking import allowed, shape_text
from .questions.question import Key, Numbers, Question
from .questions.writing import filled

if TYPE_CHECKING:
    from .sheet import Entry, Sheet

MOST_DRAWS = 1000
APART = 3  # a mistake's answer differs by so many times what is allowed


@dataclass(frozen=True)
class Paper:
    """The sheet of one student.

    Attributes:
        sheet: the sheet.
        student: the student's id.
        numbers: what was drawn, by question. Code questions have none.
    """

    sheet: "Sheet"
    student: str
    numbers: dict[str, Numbers]

    @cached_property
    def key(self) -> dict[str, Key]:
        """The right answers, by question."""
        asked = (entry for entry in self.sheet.entries if not entry.is_code)
        return {entry.name: entry.question.key(self.numbers[entry.name]) for entry in asked}

    def markdown(self) -> str:
        """The sheet in Markdown, as it is handed out."""
        return "\n\n".join(text for text, _ in self._cells()) + "\n"

    def notebook(self) -> str:
        """The sheet as a notebook: the same text, and under each question a cell with its numbers."""
        cells = []
        for text, code in self._cells():
            cells.append({"cell_type": "markdown", "metadata": {}, "source": text})
            if code:
                cells.append(
                    {"cell_type": "code", "metadata": {}, "source": code, "execution_count": None, "outputs": []}
                )
        cells = [cell | {"id": f"cell-{number}"} for number, cell in enumerate(cells)]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"

    def _cells(self):
        """The parts of the sheet: Markdown, and the code that has its numbers."""
        sheet = self.sheet
        yield filled(f"# {sheet.title}\n\n{_intro(self)}"), "import numpy as np"
        for number, entry in enumerate(sheet.entries, 1):
            question = entry.question
            numbers = self.numbers.get(entry.name)
            heading = f"## {number}. {question.title} ({_points(entry.points)})"
            if entry.is_code:
                yield filled(f"{heading}\n\n{question.statement}\n\nFill in `{question.file}`."), ""
            else:
                answer = f"Answer under `[{entry.name}]`: {', '.join(f'`{name}`' for name in self.key[entry.name])}."
                yield filled(f"{heading}\n\n{question.statement(numbers)}\n\n{answer}"), _assigned(numbers)

    def worked(self) -> str:
        """The key, with every step in numbers, in Markdown."""
        parts = [f"# {self.sheet.title}: key of {self.student}"]
        for number, entry in enumerate(self.sheet.entries, 1):
            if not entry.is_code:
                heading = f"## {number}. {entry.question.title} (`{entry.name}`)"
                parts.append(f"{heading}\n\n{entry.question.worked(self.numbers[entry.name])}")
        return "\n\n".join(parts) + "\n"

    def form(self) -> str:
        """An answers.toml to fill in."""
        lines = [FORM]
        for name, key in self.key.items():
            lines += ["", f"[{name}]", *(f'{field} = ""  # {asked_for(right)}' for field, right in key.items())]
        return "\n".join(lines) + "\n"

    def answers(self) -> str:
        """The key as an answers.toml, which earns all points."""
        lines = []
        for name, key in self.key.items():
            lines += [f"[{name}]", *(f"{field} = {json.dumps(right)}" for field, right in key.items()), ""]
        return "\n".join(lines)


FORM = """\
# Your answers. Write numbers such as 0.0125 or 1e-3 (not .5), and arrays such as [[1, 2], [3, 4]].
# Do not round before the end, and give at least four digits. Leave "" where you have no answer."""


def asked_for(right: Any) -> str:
    """What an answer looks like, such as "2 x 2 numbers"."""
    array = np.asarray(right)
    return shape_text(array) if array.dtype.kind == "f" else shape_text(array).replace("number", "whole number")


def _intro(paper):
    sheet = paper.sheet
    lines = [f"Sheet of **{paper.student}**, {_points(sheet.points)}. The numbers are yours alone."]
    if sheet.deadline:
        each_day = f"Each day begun after that costs {sheet.late_percent:g} % of the points"
        late = "Nothing counts after that" if sheet.late_percent == 100 else each_day
        lines.append(f"Hand it in by **{sheet.deadline:%A, %d %B %Y, %H:%M %Z}**. {late}.")
    code = " and your code into the files beside it," if any(entry.is_code for entry in sheet.entries) else ""
    lines.append(
        f"Write your answers into `answers.toml`,{code} and hand in the whole folder. A number is right within "
        f"{100 * sheet.tolerance:g} %: do not round before the end. What is *to think about* has no points."
    )
    return "\n\n".join(lines)


def _points(points):
    return f"{points:g} point{'s' * (points != 1)}"


def _assigned(numbers):
    """Python code that has the numbers of a question."""
    return "\n".join(
        f"{name} = np.array({value})"
        if isinstance(value, list) and not isinstance(value[0], str)
        else f"{name} = {value!r}"
        for name, value in numbers.items()
    )


def drawn(sheet: "Sheet", entry: "Entry", salt: bytes, student: str) -> Numbers:
    """A student's numbers for a question: the first that are not degenerate, and with which mistakes show.

    Raises:
        ValueError: there are none.
    """
    draws = Draws(salt, sheet.name, student, entry.name)
    for _ in range(MOST_DRAWS):
        numbers = entry.question.draw(draws)
        if not entry.question.is_degenerate(numbers) and mistakes_show(entry.question, numbers, sheet.tolerance):
            return numbers
    raise ValueError(
        f"{entry.name}: expected numbers with which mistakes show, and drew {MOST_DRAWS} times without finding any: "
        f"make the sheet's tolerance smaller than {sheet.tolerance}"
    )


def mistakes_show(question: Question, numbers: Numbers, tolerance: float) -> bool:
    """Whether each mistake changes each answer that it concerns by much more than the tolerance."""
    key = question.key(numbers)
    return all(
        _is_apart(key[field], value, tolerance)
        for leads_to in question.mistakes(numbers).values()
        for field, value in leads_to.items()
    )


def _is_apart(right, wrong, tolerance):
    expected, other = np.asarray(right), np.asarray(wrong)
    if expected.shape != other.shape:
        return True
    return bool((np.abs(other - expected) > APART * allowed(expected, tolerance)).any())
