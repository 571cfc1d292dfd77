"""The folders of a course: one for each student, and the instructor's with salt, draws and keys."""

import csv
import datetime
import io
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from nnlite.saving import atomic_file
from nnlite.saving.regular_file import open_regular, read_json

from .paper import Paper
from .sheet import Sheet, csv_errors, read_sheet, read_text
from .submissions import AGAIN

STUDENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?")
ID = "expected letters of A to Z and digits, and . _ @ - between them"
SALT_BYTES = 32
IGNORE = "# The salt and the keys are no part of a repository.\n*\n"


def read_roster(path: str | os.PathLike) -> list[dict[str, str]]:
    """The students of a course, from a CSV with a column `id`; other columns are kept.

    Raises:
        OSError: from the system.
        ValueError: there is no column `id`, or an id is missing, cannot name a folder, is there twice, or would name a
            second submission of another student, as ada_2 does of ada.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from nnlite.homework import read_roster
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "roster.csv")
        ...     _ = path.write_text("id,name\\nada,Ada Lovelace\\n")
        ...     read_roster(path)
        [{'id': 'ada', 'name': 'Ada Lovelace'}]
    """
    path = Path(path)
    text = read_text(path)
    head = text.partition("\n")[0]
    reader = csv.DictReader(text.splitlines(), delimiter=max(",;\t", key=head.count), skipinitialspace=True)
    with csv_errors(path.name, reader):
        return _students(path.name, head, reader)


def _students(file, head, reader):
    columns = [str(name).strip() for name in reader.fieldnames or ()]
    reader.fieldnames = ["id" if name.lower() == "id" else name for name in columns]
    if "id" not in reader.fieldnames:
        raise ValueError(f"{file}: expected a column id in its first line, got {head!r:.200}: begin with id,name")
    students: dict[str, dict[str, str]] = {}
    for row in reader:
        where = f"{file}, line {reader.line_num}"
        student = (row["id"] or "").strip()
        if not STUDENT.fullmatch(student):
            raise ValueError(f"{where}: id: {ID}, got {student!r}: it becomes the name of a folder")
        if student.lower() in students:
            raise ValueError(f"{where}: id: expected each student once, got {student!r} again")
        students[student.lower()] = {name: (row[name] or "").strip() for name in reader.fieldnames} | {"id": student}
    if not students:
        raise ValueError(f"{file}: expected a student in each line after the first, got none")
    _require_apart(file, students)
    return list(students.values())


def _require_apart(where, ids):
    """Refuse an id that a second submission of another student would have for its name."""
    for student in ids:
        again = AGAIN.fullmatch(student)
        if again and again[1] in ids:
            raise ValueError(
                f"{where}: id: expected ids that cannot be mixed up, got {again[1]!r} and {student!r}, the name of a "
                f"second submission of {again[1]}: change one of them"
            )


def new(
    sheet: Sheet,
    roster: Iterable[Mapping[str, str]],
    to: str | os.PathLike | None = None,
    deadline: datetime.datetime | None = None,
) -> Path:
    """Make the folders of a sheet: `students`, one for each of them, and `instructor`, which only you can read.

    Where the folders exist, students who have joined are added, with the same salt; the others' stay as they are, even
    if the roster has them no longer.

    Args:
        sheet: the sheet.
        roster: the students, as `read_roster` returns them.
        to: the folder; by default one with the sheet's name, here.
        deadline: instead of the sheet's, with its time zone.

    Returns:
        The folder.

    Raises:
        FileExistsError: the folder holds something else, or another version of the sheet.
        OSError: from the system.
        ValueError: the deadline has no time zone, or an id cannot name a folder.

    Example:
        >>> import os, tempfile
        >>> from pathlib import Path
        >>> from nnlite.homework import new, read_sheet
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     made = new(read_sheet("cnn"), [{"id": "ada"}], Path(folder, "cnn"))
        ...     sorted(os.listdir(made)), "answers.toml" in os.listdir(made / "students" / "ada")
        (['instructor', 'students'], True)
    """
    roster = list(roster)
    for row in roster:
        if not STUDENT.fullmatch(row["id"]):
            raise ValueError(f"roster: id: {ID}, got {row['id']!r}: it becomes the name of a folder")
    sheet = sheet.due(deadline) if deadline else sheet
    folder = Path(sheet.name if to is None else to)
    instructor = folder / "instructor"
    salt, sheet = _begun(folder, instructor, sheet, deadline)
    joined = _joined(instructor / "roster.csv", roster)
    _require_apart("roster", [row["id"].lower() for row in joined])
    _write(instructor / "roster.csv", _csv(joined))
    for row in roster:
        draws = instructor / "draws" / f"{row['id']}.json"
        if not draws.exists():  # written last: what an interruption left is written again
            paper = sheet.paper(salt, row["id"])
            _hand_out(paper, folder / "students" / row["id"])
            _write(instructor / "keys" / f"{row['id']}.md", paper.worked())
            _write(instructor / "keys" / f"{row['id']}.toml", paper.answers())
            _write(draws, json.dumps(paper.numbers, indent=1) + "\n")
    return folder


def _begun(folder, instructor, sheet, deadline):
    """The salt and the sheet of a folder, which is made if it does not exist."""
    stored = instructor / "sheet.toml"
    if stored.exists():
        kept = read_sheet(stored)
        if _without_deadline(kept) != _without_deadline(sheet.named()):
            raise FileExistsError(
                f"{folder}: expected the sheet that its students have, {stored}, got another: choose another folder "
                f"by --to"
            )
        sheet = kept.due(deadline) if deadline else kept
        _write(stored, sheet.text)
    elif folder.exists() and {entry.name for entry in folder.iterdir()} - {"instructor.part"}:
        raise FileExistsError(f"{folder}: expected a new folder, or one of `new`, got another: choose one by --to")
    else:
        sheet = sheet.named()
        part = instructor.with_suffix(".part")  # gets its name when it is whole
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700, parents=True)
        for name in ("draws", "keys"):
            (part / name).mkdir()
        _write(part / ".gitignore", IGNORE)
        with open(os.open(part / "salt", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(SALT_BYTES))
        _write(part / "sheet.toml", sheet.text)
        part.rename(instructor)
    (folder / "students").mkdir(exist_ok=True)
    return read_salt(instructor), sheet


def _without_deadline(sheet):
    return re.sub(r"(?m)^deadline\s*=.*\n", "", sheet.text)


def _hand_out(paper, folder):
    folder.mkdir(exist_ok=True)
    _write(folder / "sheet.md", paper.markdown())
    _write(folder / "sheet.ipynb", paper.notebook())
    _write(folder / "answers.toml", paper.form())
    for entry in paper.sheet.entries:
        if entry.is_code:
            _write(folder / entry.question.file, entry.question.stub)


def _write(path, text):
    atomic_file.write(path, text.encode())


def _joined(path, roster):
    """The roster, and who was in the one before: they have a sheet, and are graded."""
    before = read_roster(path) if path.exists() else []
    known = {row["id"].lower(): row["id"] for row in before}
    for row in roster:
        if known.get(row["id"].lower(), row["id"]) != row["id"]:
            other = known[row["id"].lower()]
            raise ValueError(f"roster: id: expected {other!r}, as it was, got {row['id']!r}: write it so")
    now = {row["id"] for row in roster}
    return [*(row for row in before if row["id"] not in now), *roster]


def _csv(rows):
    memory = io.StringIO()
    writer = csv.DictWriter(memory, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return memory.getvalue()


def read_salt(instructor: str | os.PathLike) -> bytes:
    """The secret of an instructor's folder.

    Raises:
        FileNotFoundError: there is none.
        ValueError: the file was changed.

    Example:
        >>> import tempfile
        >>> from nnlite.homework import new, read_salt, read_sheet
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     made = new(read_sheet("cnn"), [{"id": "ada"}], folder)
        ...     len(read_salt(made / "instructor"))
        32
    """
    path = Path(instructor) / "salt"
    with open_regular(path) as file:
        text = file.read(4 * SALT_BYTES).decode("utf-8", "replace").strip()
    if not re.fullmatch(f"[0-9a-f]{{{2 * SALT_BYTES}}}", text):
        raise ValueError(
            f"{path}: expected {2 * SALT_BYTES} hexadecimal digits, as `new` has written them, got something else: "
            f"take the file from a backup"
        )
    return bytes.fromhex(text)


def read_paper(instructor: str | os.PathLike, student: str) -> Paper:
    """A student's paper from the instructor's folder, with the numbers that were stored.

    Raises:
        FileNotFoundError: there is no such folder, or no such student.
        ValueError: the numbers were changed, so that their answers cannot be computed.

    Example:
        >>> import tempfile
        >>> from nnlite.homework import new, read_paper, read_sheet
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     made = new(read_sheet("cnn"), [{"id": "ada"}], folder)
        ...     paper = read_paper(made / "instructor", "ada")
        >>> list(paper.key["cross_entropy"])
        ['p', 'loss', 'dlogits']
    """
    instructor = Path(instructor)
    path = instructor / "draws" / f"{student}.json"
    sheet = read_stored_sheet(instructor)
    try:
        paper = Paper(sheet, student, read_json(path))
        with np.errstate(all="ignore"):
            answers = [np.asarray(answer) for key in paper.key.values() for answer in key.values()]
        usable = all(np.isfinite(answer).all() for answer in answers if answer.dtype.kind == "f")
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        usable = False
    if not usable:
        raise ValueError(
            f"{path}: expected the numbers that `new` has written, got others: take the file from a backup"
        )
    return paper


def read_stored_sheet(instructor: str | os.PathLike) -> Sheet:
    """The sheet of an instructor's folder.

    Raises:
        FileNotFoundError: there is none.

    Example:
        >>> import tempfile
        >>> from nnlite.homework import new, read_sheet, read_stored_sheet
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     made = new(read_sheet("cnn"), [{"id": "ada"}], folder)
        ...     read_stored_sheet(made / "instructor").name
        'cnn'
    """
    return read_sheet(Path(instructor) / "sheet.toml")
