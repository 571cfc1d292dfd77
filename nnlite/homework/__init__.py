"""A homework that is handed out and graded: a sheet with its own numbers for each student, worked keys, marks.

sheet.py      a sheet: questions, points, deadline, from a TOML file
sheets/       the sheets that ship
questions/    the catalogue: a file for each kind of question
draws.py      a student's numbers, from a keyed hash
paper.py      one student's sheet: numbers, text, key, worked key
marking.py    a student's answers against the key
folders.py    the folders of a course: students and instructor

code/           functions to write: stubs, cases, causes of mistakes, and what audits all that
sandbox/        where students' code runs
checking.py     what students check before they hand in
submissions.py  what they hand in: folders and zips
grading.py      grades
answer_audit.py does the grader see wrong answers?
grades.py       grades as files
gradescope.py   an autograder for Gradescope
nbgrader.py     an assignment for nbgrader
"""

from .answer_audit import audit_answers
from .checking import check
from .code import CODE as CODE
from .code import CodeQuestion
from .code.audit import Audit, audit
from .draws import Draws
from .folders import new, read_paper, read_roster, read_salt, read_stored_sheet
from .grades import as_gradescope, write_grades
from .gradescope import write_autograder
from .grading import Grade, grade, grade_one
from .marking import Mark, mark, read_answers
from .nbgrader import notebook, require_right
from .paper import Paper
from .questions import KINDS as KINDS
from .sandbox import Limits
from .sheet import Entry, Sheet, read_sheet
from .submissions import Submission, read_submissions, read_times

__all__ = [
    "Audit",
    "CodeQuestion",
    "Draws",
    "Entry",
    "Grade",
    "Limits",
    "Mark",
    "Paper",
    "Sheet",
    "Submission",
    "as_gradescope",
    "audit",
    "audit_answers",
    "check",
    "grade",
    "grade_one",
    "mark",
    "new",
    "notebook",
    "read_answers",
    "read_paper",
    "read_roster",
    "read_salt",
    "read_sheet",
    "read_stored_sheet",
    "read_submissions",
    "read_times",
    "require_right",
    "write_autograder",
    "write_grades",
]
