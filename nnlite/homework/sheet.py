"""A sheet: questions, points, deadline and tolerance, from a TOML file."""

import contextlib
import csv
import dataclasses
import datetime
import difflib
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from nnlite.saving.regular_file import open_regular

from . import toml
from .paper import Paper, drawn
from .questions import KINDS, Question

SHEETS = Path(__file__).parent / "sheets"
CODE_KIND = "code"
NAME = re.compile(r"[a-z][a-z0-9_]*")
FOLDER = re.compile(r"\w(?:[\w .-]{0,98}[\w-])?")
MOST_POINTS = 1_000_000


@dataclass(frozen=True)
class Entry:
    """A question of a sheet.

    Attributes:
        name: of the question, unique in its sheet; its table in answers.toml.
        points: for a right answer.
        question: of the catalogue, or a code question.
    """

    name: str
    points: float
    question: Any

    @property
    def is_code(self) -> bool:
        """Whether a file is handed in for it, not an answer."""
        return not isinstance(self.question, Question)


@dataclass(frozen=True)
class Sheet:
    """A sheet, the same for all students but for their numbers.

    Attributes:
        name: such as "hw2": that of its file.
        title: its heading.
        entries: the questions, in order.
        tolerance: an answer is right within this part of the right one, plus a tenth of it of the largest right number
            in the same array.
        deadline: with its time zone, or None.
        late_percent: of the points that are lost for each day begun after the deadline; 100: nothing counts after it.
        text: the file, as it was read.
    """

    name: str
    title: str
    entries: tuple[Entry, ...]
    tolerance: float
    deadline: datetime.datetime | None
    late_percent: float
    text: str

    @property
    def points(self) -> float:
        """The largest number of points."""
        return sum(entry.points for entry in self.entries)

    def due(self, deadline: datetime.datetime) -> "Sheet":
        """The sheet with another deadline.

        Raises:
            ValueError: it has no time zone.

        Example:
            >>> import datetime
            >>> from nnlite.homework import read_sheet
            >>> deadline = datetime.datetime(2026, 12, 1, 12, tzinfo=datetime.UTC)
            >>> read_sheet("hw2").due(deadline).text.splitlines()[0]
            'deadline = 2026-12-01T12:00:00+00:00'
        """
        return self._changed("deadline", deadline.isoformat())

    def named(self) -> "Sheet":
        """The sheet with its name in its text, whatever its file is called."""
        return self._changed("name", json.dumps(self.name))

    def _changed(self, field, value):
        head, mark, questions = self.text.partition("[[")
        head = re.sub(rf"(?m)^{field}\s*=.*\n", "", head)
        return parse_sheet(self.name, f"{field} = {value}\n{head}{mark}{questions}", self.name)

    def paper(self, salt: bytes, student: str) -> Paper:
        """The sheet of one student, with the numbers that the salt draws.

        Raises:
            ValueError: the salt is too short, or a question draws degenerate numbers only.

        Example:
            >>> from nnlite.homework import read_sheet
            >>> paper = read_sheet("hw2").paper(b"a secret of a course", "ada")
            >>> sorted(paper.numbers["temperature"])
            ['u', 'z']
        """
        asked = [entry for entry in self.entries if not entry.is_code]
        return Paper(self, student, {entry.name: drawn(self, entry, salt, student) for entry in asked})


def read_sheet(name: str | Path) -> Sheet:
    """A sheet that ships, by its name, or one's own, from its file.

    Raises:
        FileNotFoundError: there is no such sheet.
        ValueError: the file is no sheet; the message says where, and what to write.

    Example:
        >>> from nnlite.homework import read_sheet
        >>> sheet = read_sheet("hw2")
        >>> sheet.title
        'Convolutions, LSTMs and poems'
    """
    path = SHEETS / f"{name}.toml" if str(name) in shipped() else Path(name)
    if not path.is_file():
        raise FileNotFoundError(
            f"sheet: expected one of {', '.join(shipped())}, or a file, got {str(name)!r}: write one, "
            f"beginning with a copy of {SHEETS / 'hw2.toml'}"
        )
    return parse_sheet(path.stem, read_text(path), path.name)


def read_text(path: Path) -> str:
    """The text of a file, in UTF-8.

    Raises:
        OSError: from the system.
        ValueError: it is in another encoding.
    """
    try:
        with open_regular(path) as file, io.TextIOWrapper(file, "utf-8-sig") as text:
            return text.read()
    except UnicodeDecodeError:
        raise ValueError(f"{path.name}: expected a text in UTF-8, got another encoding: save it as UTF-8") from None


@contextlib.contextmanager
def csv_errors(name: str, reader: csv.DictReader) -> Iterator[None]:
    """Say of an error in a CSV, which is no ValueError, in which file and line it is."""
    try:
        yield
    except csv.Error as error:
        line = reader.reader.line_num
        raise ValueError(f"{name}, line {line}: expected a line of a CSV, got one that is none: {error}") from None


def shipped() -> list[str]:
    """The names of the sheets that ship.

    Example:
        >>> from nnlite.homework.sheet import shipped
        >>> shipped()
        ['cnn', 'hw2']
    """
    return sorted(path.stem for path in SHEETS.glob("*.toml"))


def parse_sheet(name: str, text: str, where: str) -> Sheet:
    """The sheet in a text. `where` names the text in messages."""
    try:
        given = toml.loads(text)
    except ValueError as error:
        raise ValueError(f"{where}: expected TOML, got what its reader calls: {error}") from None
    entries = given.pop("question", None)
    lines = [number for number, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[\s*question", line)]
    if not isinstance(entries, list) or len(entries) != len(lines):
        raise ValueError(f"{where}: expected questions, each beginning with the line [[question]]")
    _require_known(where, given, HEAD)
    for field, (kind, example) in HEAD.items():
        if field in given and not isinstance(given[field], kind):
            raise ValueError(f"{where}: {field}: expected {example}, got {given[field]!r}")
    deadline = given.get("deadline")
    if deadline and deadline.tzinfo is None:
        raise ValueError(f"{where}: deadline: expected a time with its zone, {HEAD['deadline'][1]}, got {deadline}")
    tolerance, late = given.get("tolerance", 0.01), given.get("late_percent", 100)
    if not 0 < tolerance <= 0.1:
        raise ValueError(
            f"{where}: tolerance: expected {HEAD['tolerance'][1]}, above 0 and at most 0.1, got {tolerance}"
        )
    if not 0 <= late <= 100:
        raise ValueError(f"{where}: late_percent: expected 0 to 100, got {late}")
    found: dict[str, Entry] = {}
    for entry, line in zip(entries, lines, strict=True):
        one = _entry(f"{where}, line {line}", dict(entry), found)
        found[one.name] = one
    name = given.get("name", name)
    if not FOLDER.fullmatch(name):
        raise ValueError(
            f"{where}: name: expected letters, digits, spaces, '.', '_' and '-', as it becomes the name of a folder, "
            f"such as 'hw2', got {name!r:.80}: write name = \"hw2\" above the questions"
        )
    return Sheet(name, given.get("title", name), tuple(found.values()), tolerance, deadline, late, text)


HEAD: dict[str, tuple[Any, str]] = {
    "name": (str, "a text, such as 'hw2'"),
    "title": (str, "a text, such as 'Homework 2'"),
    "deadline": (datetime.datetime, "such as 2026-12-01T23:59:00+01:00"),
    "late_percent": ((int, float), "a number, such as 10"),
    "tolerance": ((int, float), "a number, such as 0.01"),
}


def _entry(where, given, before):
    """A question of a sheet from its table; `before` has those above it."""
    if "kind" not in given:
        raise ValueError(f"{where}: expected a kind, such as kind = 'temperature': {_kinds()}")
    kind, points = given.pop("kind"), given.pop("points", 1)
    name = given.pop("name", kind)
    if isinstance(points, bool) or not isinstance(points, int | float) or not 0 < points <= MOST_POINTS:
        raise ValueError(f"{where}: points: expected a number above 0 and at most {MOST_POINTS:,}, got {points!r:.80}")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(f"{where}: name: expected small letters, digits and _, such as 'pooling_2', got {name!r}")
    if name in before:
        raise ValueError(
            f"{where}: name: expected a name of its own, as there is {name!r} above: write name = '{name}_2'"
        )
    if kind == CODE_KIND:
        from .code import CODE

        if name not in CODE:
            raise ValueError(f"{where}: name: expected {_nearest(name, CODE)}, got {name!r}")
        _require_known(where, given, ())
        return Entry(name, points, CODE[name])
    if kind not in KINDS:
        raise ValueError(f"{where}: kind: expected {_nearest(str(kind), [*KINDS, CODE_KIND])}, got {kind!r}")
    _require_known(where, given, [field.name for field in dataclasses.fields(KINDS[kind])])
    try:
        return Entry(name, points, KINDS[kind](**given))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from None


def _require_known(where, given, known):
    for field in given:
        if field not in known:
            raise ValueError(f"{where}: expected {_nearest(field, known) if known else 'no settings'}, got {field!r}")


def _nearest(word: str, known: Iterable[str]) -> str:
    known = list(known)
    close = difflib.get_close_matches(word, known, n=1)
    others = f"one of {', '.join(known)}"
    return f"{close[0]!r}, or another {others}" if close else others


@cache
def _kinds():
    return f"there are {', '.join([*KINDS, CODE_KIND])}"
