"""nnlite homework: hand out and grade a homework."""

import datetime
import statistics
import warnings
from pathlib import Path
from typing import Annotated

import typer

from nnlite.homework import (
    Limits,
    audit_answers,
    notebook,
    read_roster,
    read_sheet,
    read_times,
    write_autograder,
    write_grades,
)
from nnlite.homework import audit as audit_code
from nnlite.homework import check as check_folder
from nnlite.homework import grade as grade_all
from nnlite.homework import new as make
from nnlite.homework.parallel import CORES
from nnlite.homework.sandbox import weakness
from nnlite.saving import atomic_file
from nnlite.saving.checkpoint import without_control

from .runs import command, console, require_mark

Jobs = Annotated[int, typer.Option(help="How many at once: at most, and by default, one for each core.", min=1)]


def homework() -> None:
    """Hand out a homework with numbers of each student's own, and grade what comes back."""


def new(
    sheet: Annotated[str, typer.Argument(help="A sheet, hw2 or cnn, or the file of your own.", metavar="SHEET")],
    roster: Annotated[Path, typer.Option(help="The students: a CSV with a column id.")],
    to: Annotated[Path | None, typer.Option(help="The folder to make; by default the sheet's name.")] = None,
    deadline: Annotated[
        str | None, typer.Option(help="Instead of the sheet's, such as 2026-12-01T23:59:00+01:00.")
    ] = None,
) -> None:
    """Make a folder for each student, and one with the keys for yourself.

    Again with a longer roster it adds those who have joined.

    Examples:

        nnlite homework new hw2 --roster roster.csv --deadline 2026-12-01T23:59:00+01:00
    """
    students = read_roster(roster)
    folder = make(read_sheet(sheet), students, to, _time(deadline))
    console.print(f"{folder / 'students'}    {len(students)} folders, one for each student: hand them out")
    console.print(f"{folder / 'instructor'}  salt, draws and worked keys: keep them to yourself")
    grade = command("homework", "grade", "SUBMISSIONS", "--instructor", folder / "instructor")
    console.print(f"\nGrade what comes back:  {grade}")


def _time(text):
    try:
        return text and datetime.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"deadline: expected a time such as 2026-12-01T23:59:00+01:00, got {text!r}") from None


def check(
    folder: Annotated[Path, typer.Argument(help="Your folder, with answers.toml and the Python files.")] = Path("."),
    only: Annotated[str | None, typer.Option(help="One function, such as lstm_backward.")] = None,
) -> None:
    """Check a folder before handing it in: what is wrong with your code, where, and often why.

    Your functions run as they will when they are graded, with other numbers. What they print is shown.

    Examples:

        nnlite homework check
        nnlite homework check --only lstm_backward
    """
    done = []
    for name, found, is_right in check_folder(folder, only=only, shows_output=True):
        first, *others = found
        console.print(f"{'ok' if is_right else '--'}  {name}: {first}" if len(found) == 1 else f"--  {name}:")
        for line in found if others else ():
            console.print(f"      {line}")
        done.append(is_right)
    if not all(done):
        raise typer.Exit(1)
    console.print("\nAll of this is right. It is graded with other numbers and sizes as well.")


def grade(
    submissions: Annotated[Path, typer.Argument(help="A folder with a folder or a zip for each submission.")],
    instructor: Annotated[Path, typer.Option(help="Your folder, which `new` has made.")],
    to: Annotated[Path, typer.Option(help="The folder to write.")] = Path("grades"),
    times: Annotated[
        Path | None, typer.Option(help="When each was handed in: a CSV with the columns submission and time.")
    ] = None,
    jobs: Jobs = CORES,
    seconds: Annotated[float, typer.Option(help="The time that each function has, for all cases together.")] = 10.0,
) -> None:
    """Grade submissions: a CSV, and a page of feedback for each student.

    A submission is called by its student's id: ada, ada.zip; a later one ada_2.zip. The last one counts.

    Examples:

        nnlite homework grade submissions --instructor hw2/instructor
    """
    limits = Limits(seconds=seconds)
    if text := weakness():
        warnings.warn(text, stacklevel=1)
    handed_in_at = read_times(times) if times else None
    to.mkdir(parents=True, exist_ok=True)  # before all of it is graded
    grades, unknown = grade_all(submissions, _of_instructor(instructor), times=handed_in_at, jobs=jobs, limits=limits)
    write_grades(grades, to)
    handed_in = [one for one in grades if one.submission]
    points = [one.points for one in handed_in]
    console.print(f"{to / 'grades.csv'}  {len(grades)} students, {len(handed_in)} of whom handed in")
    console.print(f"{to / 'feedback'}    a page for each")
    if points:
        console.print(
            f"\nPoints: {min(points):g} to {max(points):g}, median {statistics.median(points):g} of {grades[0].of:g}"
        )
    for name in unknown:
        console.print(without_control(f"Not graded, as no student is called so: {name!a}"))
    for one in grades:
        if one.submission and one.notes:
            console.print(without_control(f"{one.student}: {'; '.join(one.notes)}"))


def _of_instructor(folder):
    """The instructor's folder, also if that of the course is given."""
    inside = folder / "instructor"
    return inside if (inside / "salt").exists() else folder


def audit(
    sheet: Annotated[str, typer.Argument(help="A sheet, hw2 or cnn, or the file of your own.", metavar="SHEET")],
    jobs: Jobs = CORES,
) -> None:
    """Measure the grader: plant mistakes into right solutions and right answers, and grade all of them.

    Each mistake has to lose exactly its question, and what is right has to lose none.

    Examples:

        nnlite homework audit hw2
    """
    one = read_sheet(sheet)
    code = audit_code([entry.question for entry in one.entries if entry.is_code], jobs)
    answers = audit_answers(one)
    console.print(str(code))
    console.print(f"of answers: {answers}".replace("solutions", "sheets"))
    for problem in code.problems + answers.problems:
        console.print(f"  {problem}")
    if code.problems or answers.problems:
        raise typer.Exit(1)


FORMATS = ("gradescope", "nbgrader")


def export(
    form: Annotated[str, typer.Argument(help="gradescope or nbgrader.", metavar="gradescope|nbgrader")],
    source: Annotated[str, typer.Argument(help="For Gradescope the instructor's folder, for nbgrader a sheet.")],
    to: Annotated[Path | None, typer.Option(help="The file to write.")] = None,
    wheel: Annotated[Path | None, typer.Option(help="For Gradescope: a wheel of nnlite to take along.")] = None,
) -> None:
    """Export a homework to another grader: an autograder for Gradescope, or an assignment for nbgrader.

    Gradescope's autograder grades all of a sheet, and holds the keys. nbgrader gets the questions to program.

    Examples:

        nnlite homework export gradescope hw2/instructor
        nnlite homework export nbgrader hw2
    """
    if form == "gradescope":
        path = to or Path("autograder.zip")
        require_mark(path, b"nnlite.homework", 2000, "an autograder of nnlite", "name another by --to")
        write_autograder(_of_instructor(Path(source)), path, wheel)
        console.print(f"{path}  upload it as the autograder; it holds the salt and the draws")
    elif form == "nbgrader":
        one = read_sheet(source)
        path = to or Path(f"{one.name}.ipynb")
        if path.exists():
            raise FileExistsError(f"{path} is there already, and may be your work: delete it, or name another by --to")
        atomic_file.write(path, notebook(one).encode())
        console.print(f"{path}  for nbgrader's source folder; it holds the hidden tests")
    else:
        raise ValueError(f"export: expected one of {', '.join(FORMATS)}, got {form!r}")


COMMANDS = (new, check, grade, audit, export)
