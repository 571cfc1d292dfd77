"""nnlite homework: hand out and grade a homework."""

import datetime
from pathlib import Path
from typing import Annotated

import typer

from nnlite.homework import new as make
from nnlite.homework import read_roster, read_sheet

from .runs import command, console


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


COMMANDS = (new,)
