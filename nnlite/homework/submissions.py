"""What students hand in: folders and zips, read without running or unpacking anything.

A submission is named by its student: `ada/`, `ada.zip`; another one `ada_2.zip`, `ada (2).zip`. Only an answers.toml
and Python files are taken, by their names alone: paths in a zip, links, and all else are left where they are.
"""

import csv
import datetime
import io
import itertools
import os
import re
import stat
import zipfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath
from typing import TypeVar

from nnlite.saving.regular_file import open_regular

from .marking import decoded
from .sheet import csv_errors, read_text

ANSWERS = "answers.toml"
MOST_BYTES, MOST_FILES = 200_000, 20  # of a file, and of files
MOST_PROBLEMS = 10  # that are told of a submission
MOST_OF_A_ZIP, MOST_ENTRIES = 50_000_000, 5_000
DEEPEST = 3  # folder in a folder
NEARLY = re.compile(r"answers.*toml|.*\.(py(\.txt)?|ipynb)$", re.IGNORECASE)
AGAIN = re.compile(r"(.+?)\s?[_\-(](\d{1,3})\)?")

Folder = TypeVar("Folder", bound=PurePath)


@dataclass(frozen=True)
class Submission:
    """What one student handed in at one time.

    Attributes:
        name: of the folder or zip.
        time: when: the newest time of its files, or that of the zip.
        number: 1, or that in the name of a resubmission.
        files: the bytes of answers.toml and of each Python file, by name.
        problems: what could not be read, in words.
    """

    name: str
    time: datetime.datetime
    number: int = 1
    files: Mapping[str, bytes] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def code(self) -> dict[str, str]:
        """The text of each Python file."""
        return {name: decoded(data) for name, data in self.files.items() if name.endswith(".py")}


def read_submissions(
    folder: str | os.PathLike, students: Collection[str], times: Mapping[str, datetime.datetime] | None = None
) -> tuple[dict[str, list[Submission]], list[str]]:
    """All submissions in a folder, by student, the newest last; and the names that are no student's.

    Args:
        folder: has a folder or a zip for each submission.
        students: their ids.
        times: when each was handed in, by its name, where that is known better than by the files.

    Raises:
        OSError: the folder cannot be read.
        ValueError: `times` names what is not in the folder.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from nnlite.homework import read_submissions
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("ada", "ada_2", "eve"):
        ...         Path(folder, name).mkdir()
        ...         _ = Path(folder, name, "pool.py").write_text("# mine")
        ...     found, unknown = read_submissions(folder, ["ada", "bob"])
        >>> [one.name for one in found["ada"]], found["bob"], unknown
        (['ada', 'ada_2'], [], ['eve'])
    """
    known = {student.lower(): student for student in students}
    found: dict[str, list[Submission]] = {student: [] for student in students}
    unknown, entries = [], sorted(Path(folder).iterdir())
    if missing := set(times or ()) - {entry.name for entry in entries}:
        raise ValueError(
            f"times: expected names of what is in {folder}, such as ada.zip, got {', '.join(sorted(missing)[:5])}: "
            f"correct their lines, or leave them out"
        )
    for entry in entries:
        if entry.name.startswith((".", "__")):
            continue
        stem = entry.name.removesuffix(".zip").removesuffix(".ZIP")
        again = AGAIN.fullmatch(stem)
        if stem.lower() in known:
            student, number = known[stem.lower()], 1
        elif again and again[1].lower() in known:
            student, number = known[again[1].lower()], int(again[2])
        else:
            unknown.append(entry.name)
            continue
        one = _read(entry, number)
        found[student].append(one if not times or one.name not in times else _at(one, times[one.name]))
    for student, submissions in found.items():
        key = (lambda one: one.time) if times else (lambda one: (one.number, one.time))
        found[student] = sorted(submissions, key=key)
    return found, unknown


def _at(one, time):
    return Submission(one.name, time, one.number, one.files, one.problems)


def read_times(path: str | os.PathLike) -> dict[str, datetime.datetime]:
    """When submissions were handed in, from a CSV with the columns `submission`, their names, and `time`.

    Raises:
        OSError: from the system.
        ValueError: a column is missing, or a time is none, or has no time zone.
    """
    path = Path(path)
    found = {}
    reader = csv.DictReader(io.StringIO(read_text(path)), skipinitialspace=True)
    with csv_errors(path.name, reader):
        if not {"submission", "time"} <= set(reader.fieldnames or ()):
            raise ValueError(f"{path.name}: expected columns submission,time, got {','.join(reader.fieldnames or ())}")
        for row in reader:
            try:
                time = datetime.datetime.fromisoformat(row["time"].strip())
            except (AttributeError, ValueError):
                time = None
            if time is None or time.tzinfo is None:
                raise ValueError(
                    f"{path.name}, line {reader.line_num}: expected a time with its zone, such as "
                    f"2026-12-01T23:59:00+01:00, got {row['time']!r}"
                )
            found[row["submission"].strip()] = time
    return found


def _read(path, number):
    """A submission, whatever is at this path."""
    try:
        mode = os.lstat(path)
        time = _time(mode.st_mtime)
        if stat.S_ISDIR(mode.st_mode):
            return _of_folder(path, number, time)
        if stat.S_ISREG(mode.st_mode) and path.name.lower().endswith(".zip"):
            return Submission(path.name, time, number, *_of_zip(path))
        return Submission(path.name, time, number, problems=("expected a folder or a zip, got something else",))
    except OSError as error:
        return Submission(path.name, _time(0), number, problems=(f"it cannot be read: {error.strerror}",))


def _time(seconds):
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    except (OSError, OverflowError, ValueError):  # some file systems hold any number
        return datetime.datetime.max.replace(tzinfo=datetime.UTC)


# Folders.


def read_folder(folder: str | os.PathLike) -> Submission:
    """A folder that is to be handed in, as the grader will read it."""
    return _read(Path(folder), 1)


def _of_folder(path, number, time):
    files, problems, times = dict[str, bytes](), list[str](), [time]
    folders, zips = _inside(path)
    if not any(map(_is_wanted, itertools.chain(*folders.values()))) and len(zips) == 1:
        return Submission(path.name, _time(zips[0].stat().st_mtime), number, *_of_zip(zips[0]))
    place = _place(folders)
    for name in _wanted_names(folders[place], problems):
        try:
            data, written = _regular(place / name)
        except OSError:
            problems.append(f"{name} is no file: it is left out")
            continue
        times.append(written)
        _take(name, data, files, problems)
    return Submission(path.name, max(times[1:], default=time), number, files, tuple(problems[:MOST_PROBLEMS]))


def _inside(path):
    """The names of what is in a folder and in those below, and the zips among it."""
    os.listdir(path)  # an error, where os.walk finds nothing
    folders, zips = dict[Path, list[str]](), list[Path]()
    for folder, below, names in os.walk(path):
        place = Path(folder)
        deep = len(place.parts) - len(path.parts) >= DEEPEST
        below[:] = [] if deep else sorted(name for name in below if not name.startswith((".", "__")))
        folders[place] = [*names, *filter(_is_wanted, below)]
        zips += [place / name for name in names if name.lower().endswith(".zip") and _is_regular(place / name)]
    return folders, zips


def _is_regular(path):
    """Whether it is a file, and no link to one, no pipe and no device."""
    return stat.S_ISREG(os.lstat(path).st_mode)


def _place(folders: Mapping[Folder, Collection[str]]) -> Folder:
    """The folder that has most of the wanted files."""

    def rank(folder):
        wanted, nearly = filter(_is_wanted, folders[folder]), filter(NEARLY.match, folders[folder])
        return ANSWERS not in folders[folder], -len(list(wanted)), -len(list(nearly)), len(folder.parts)

    return min(folders, key=rank)


def _shown(name):
    """A name that can be printed, and written to a file."""
    return name if name.isprintable() else ascii(name)


def _wanted_names(names, problems):
    """The wanted ones, in order; problems are told of those that are called nearly so."""
    for name in sorted(names):
        if NEARLY.match(name) and not _is_wanted(name) and not name.endswith(".ipynb"):  # the sheet is one
            problems.append(f"{_shown(name)} is not read: expected {ANSWERS}, or letters, digits and _ before .py")
    wanted = sorted(filter(_is_wanted, names))
    if not wanted:
        is_notebook = any(name.endswith(".ipynb") for name in names)
        problems.append(
            f"there is no {ANSWERS} and no Python file in it"
            f"{': of a notebook nothing is read, write its answers into answers.toml' if is_notebook else ''}"
        )
    return wanted


def _regular(path):
    """The first bytes of a file, and when it was written; never of a link, a pipe or a device."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("not a file")
        return file.read(MOST_BYTES + 1), _time(status.st_mtime)


def _is_wanted(name):
    return name == ANSWERS or (name.endswith(".py") and name[:-3].isidentifier())


def _take(name, data, files, problems):
    if len(data) > MOST_BYTES:
        problems.append(f"{name} has more than {MOST_BYTES:,} bytes: it is left out")
    elif len(files) == MOST_FILES:
        problems.append(f"{name} is one file too many: it is left out")
    else:
        files[name] = data


# Zips.


def _of_zip(path):
    """The wanted files of a zip, and problems. Nothing is unpacked to the disk, and nothing read that is too large."""
    files, problems = dict[str, bytes](), list[str]()
    if path.stat().st_size > MOST_OF_A_ZIP:
        return files, (f"the zip has more than {MOST_OF_A_ZIP:,} bytes",)
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_ENTRIES:
                return files, (f"the zip has more than {MOST_ENTRIES:,} files",)
            for name, entry in _wanted(entries, problems):
                if entry.file_size > MOST_BYTES:
                    problems.append(f"{name} has more than {MOST_BYTES:,} bytes: it is left out")
                    continue
                with archive.open(entry) as member:
                    _take(name, member.read(MOST_BYTES + 1), files, problems)
    except Exception as error:  # a damaged zip raises errors of many kinds
        problems.append(f"the zip cannot be read: {str(error)[:100] or type(error).__name__}")
    return files, tuple(problems[:MOST_PROBLEMS])


def _wanted(entries, problems) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """The wanted files in the folder of a zip that has most of them."""
    folders: dict[PurePosixPath, dict[str, zipfile.ZipInfo]] = {PurePosixPath(): {}}
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        is_inside = not path.is_absolute() and ".." not in path.parts and not re.match(r"\w:", entry.filename)
        if not NEARLY.match(path.name) or path.parts[0] == "__MACOSX" or entry.is_dir():
            continue
        if not is_inside or stat.S_ISLNK(entry.external_attr >> 16):
            problems.append(f"{_shown(path.name)} is a link, or leads out of the zip: it is left out")
        else:
            folders.setdefault(path.parent, {})[path.name] = entry
    place = folders[_place(folders)]
    yield from ((name, place[name]) for name in _wanted_names(place, problems))
