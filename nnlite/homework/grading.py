"""Grade a submission: answers against the student's key, code in the sandbox with hidden cases."""

import datetime
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .code.feedback import lines
from .code.trial import tried
from .folders import read_paper, read_roster, read_salt
from .marking import Mark, mark, read_answers
from .paper import Paper
from .parallel import in_threads
from .sandbox import DEFAULT, Limits
from .submissions import ANSWERS, Submission, read_submissions

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Grade:
    """What a student's submission earned.

    Attributes:
        student: the id.
        marks: of each question, in the order of the sheet.
        submission: what was graded; None if nothing was handed in.
        days_late: days begun after the deadline.
        late_percent: of the points that each of them costs.
        notes: what the instructor should know.
    """

    student: str
    marks: tuple[Mark, ...]
    submission: Submission | None = None
    days_late: int = 0
    late_percent: float = 0
    notes: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        """The sum of the points, less what lateness costs."""
        share = max(0.0, 1 - self.days_late * self.late_percent / 100)
        return round(share * sum(one.points for one in self.marks), 2)

    @property
    def of(self) -> float:
        """The points of a sheet without mistakes."""
        return sum(one.of for one in self.marks)


def grade(
    submissions: str | os.PathLike,
    instructor: str | os.PathLike,
    *,
    times: Mapping[str, datetime.datetime] | None = None,
    jobs: int = 1,
    limits: Limits = DEFAULT,
) -> tuple[list[Grade], list[str]]:
    """Grade a folder of submissions.

    Of several submissions of a student the last one counts. If it is late, the last one before the deadline is graded,
    too, and the better one counts.

    Args:
        submissions: a folder with a folder or zip for each submission.
        instructor: the instructor's folder, made by `new`.
        times: when each was handed in, by its name; by default the times of the files.
        jobs: how many submissions at once.
        limits: of each code question.

    Returns:
        A grade for each student of the roster, and the names of what is no student's.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    instructor = Path(instructor)
    students = [row["id"] for row in read_roster(instructor / "roster.csv")]
    salt = read_salt(instructor)
    found, unknown = read_submissions(submissions, students, times)

    def graded(student: str) -> Grade:
        return _best(read_paper(instructor, student), found[student], salt, limits)

    return in_threads(graded, students, jobs), unknown


def _best(paper: Paper, submissions: Sequence[Submission], salt: bytes, limits: Limits) -> Grade:
    if not submissions:
        marks = tuple(Mark(one.name, 0, one.points, ("not handed in",)) for one in paper.sheet.entries)
        return Grade(paper.student, marks, notes=("nothing was handed in",))
    in_time = [one for one in submissions if not days_late(paper, one)]
    candidates = list(dict.fromkeys([*map(id, submissions[-1:]), *map(id, in_time[-1:])]))
    graded = [grade_one(paper, one, salt, limits) for one in submissions if id(one) in candidates]
    return max(reversed(graded), key=lambda one: one.points)


def days_late(paper: Paper, submission: Submission) -> int:
    """The days begun between the deadline and the submission."""
    deadline = paper.sheet.deadline
    return max(0, math.ceil((submission.time - deadline) / DAY)) if deadline else 0


def grade_one(paper: Paper, submission: Submission, salt: bytes, limits: Limits = DEFAULT) -> Grade:
    """Grade a submission. A fault of this program costs one question, too, and is told in the notes."""
    notes = list(submission.problems)
    found = {one.question: one for one in _answers(paper, submission)}
    for entry in paper.sheet.entries:
        if not entry.is_code:
            continue
        try:
            found[entry.name] = _code(entry, submission, salt, paper.student, limits)
        except Exception as error:
            found[entry.name] = Mark(entry.name, 0, entry.points, ("it could not be graded",))
            notes.append(f"{entry.name} could not be graded: {type(error).__name__}: {str(error)[:100]}")
    marks = tuple(found[entry.name] for entry in paper.sheet.entries)
    late = days_late(paper, submission)
    return Grade(paper.student, marks, submission, late, paper.sheet.late_percent, tuple(notes))


def _answers(paper, submission) -> Iterator[Mark]:
    try:
        if ANSWERS not in submission.files:
            raise ValueError(f"{ANSWERS} is missing")
        yield from mark(paper, read_answers(submission.files[ANSWERS]))
    except ValueError as error:
        asked = [entry for entry in paper.sheet.entries if not entry.is_code]
        yield from (Mark(entry.name, 0, entry.points, (str(error),)) for entry in asked)


def _code(entry, submission, salt, student, limits):
    question = entry.question
    trial = tried(question, submission.code, question.hidden(salt, student), limits=limits)
    return Mark(entry.name, entry.points if trial.is_right else 0, entry.points, tuple(lines(trial)))
