"""A homework that is handed out and graded: a sheet with its own numbers for each student, worked keys, marks.

sheet.py      a sheet: questions, points, deadline, from a TOML file
sheets/       the sheets that ship
questions/    the catalogue: a file for each kind of question
draws.py      a student's numbers, from a keyed hash
paper.py      one student's sheet: numbers, text, key, worked key
marking.py    a student's answers against the key
folders.py    the folders of a course: students and instructor
"""

from .draws import Draws
from .folders import new, read_paper, read_roster, read_salt, read_stored_sheet
from .marking import Mark, mark, read_answers
from .paper import Paper
from .sheet import Entry, Sheet, read_sheet

__all__ = [
    "Draws",
    "Entry",
    "Mark",
    "Paper",
    "Sheet",
    "mark",
    "new",
    "read_answers",
    "read_paper",
    "read_roster",
    "read_salt",
    "read_sheet",
    "read_stored_sheet",
]
