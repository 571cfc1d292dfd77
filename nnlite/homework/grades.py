"""Grades as files: a CSV for the instructor, a page of Markdown for each student, results.json for Gradescope."""

import csv
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nnlite.saving import atomic_file

from .grading import Grade


def write_grades(grades: Sequence[Grade], folder: str | os.PathLike) -> Path:
    """Write grades.csv, and feedback/ID.md for each student.

    Returns:
        The folder.

    Raises:
        OSError: from the system.
    """
    folder = Path(folder)
    (folder / "feedback").mkdir(parents=True, exist_ok=True)
    atomic_file.write(folder / "grades.csv", as_csv(grades).encode())
    for one in grades:
        atomic_file.write(folder / "feedback" / f"{one.student}.md", as_markdown(one).encode())
    return folder


def as_csv(grades: Sequence[Grade]) -> str:
    """A line for each student: id, points, the points of each question, lateness, what was graded, and notes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [one.question for one in grades[0].marks] if grades else []
    writer.writerow(["id", "points", "of", *names, "days_late", "submission", "notes"])
    for one in grades:
        submission = one.submission.name if one.submission else ""
        points = [f"{mark.points:g}" for mark in one.marks]
        row = [one.student, f"{one.points:g}", f"{one.of:g}", *points, one.days_late, submission, "; ".join(one.notes)]
        writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def _cell(value: Any) -> Any:
    """A spreadsheet would run a text that begins like a formula, and a carriage return in it may end a line."""
    if not isinstance(value, str):
        return value
    text = _printable(value)
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@")) else text


def as_markdown(grade: Grade) -> str:
    """What a student reads."""
    return "\n".join(_lines(grade)) + "\n"


def _lines(grade: Grade) -> Iterator[str]:
    yield f"# {grade.student}: {grade.points:g} of {grade.of:g} points"
    if grade.submission:
        name, time = grade.submission.name.replace("`", ""), grade.submission.time
        yield f"\nGraded: `{name}`, handed in {time:%Y-%m-%d %H:%M %Z}."
    if grade.days_late:
        days = "a day" if grade.days_late == 1 else f"{grade.days_late} days"
        yield f"That is {days} late, and costs {min(100.0, grade.days_late * grade.late_percent):g} % of the points."
    yield from (f"\n    {_plain(problem)}" for problem in grade.submission.problems) if grade.submission else ()
    for one in grade.marks:
        yield f"\n## {one.question}: {one.points:g} of {one.of:g}\n"
        yield from (f"    {_plain(line)}" for line in one.feedback)  # indented, it is no Markdown and no HTML


def _plain(line):
    """One line, and no longer than anyone reads: some of it may come from a student's program."""
    return _printable(line[:1000])


def _printable(text):
    return "".join(sign if sign.isprintable() else " " for sign in text)


def as_gradescope(grade: Grade) -> dict[str, Any]:
    """The content of the results.json that Gradescope reads: a test for each question.

    Example:
        >>> from nnlite.homework import Grade, Mark
        >>> from nnlite.homework.grades import as_gradescope
        >>> as_gradescope(Grade("ada", (Mark("shapes", 2, 4, ("height: differs",)),)))["tests"][0]["output"]
        'height: differs'
    """
    tests = [
        {
            "name": one.question,
            "score": one.points,
            "max_score": one.of,
            "status": "passed" if one.points == one.of else "failed",
            "output": "\n".join(map(_plain, one.feedback)),
            "output_format": "text",
            "visibility": "visible",
        }
        for one in grade.marks
    ]
    late = f"{grade.days_late} days late" if grade.days_late else ""
    output = "\n".join(filter(None, [late, *map(_plain, grade.notes)]))
    return {"score": grade.points, "output": output, "output_format": "text", "tests": tests}
