"""The file of an exhibit that a student mends, and what is known of the attempts: beside it, in a small JSON file."""

import importlib.util
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from nnlite.saving import atomic_file
from nnlite.saving.regular_file import open_regular, read_json

from .comparison import Problem, cause, problems
from .exhibit import Exhibit, exhibit, module_of
from .lines import first_wrong

POINTS = 5  # of an exhibit; each hint costs one
LINE = 2  # hints before the one that names the line

HEAD = '''"""Exhibit {name}: somewhere below is one mistake, in {function_hint}.

Trained with it for 150 steps, the loss is {loss} (over seeds); without it, {right}.
Read, compare with the formulas, mend it, and try:

    nnlite zoo check {file}        is it right now? It counts your attempts
    nnlite zoo hint {file}         a hint, for one of {points} points
"""

'''


@dataclass
class Attempts:
    """What has been tried on a file: how often it was checked, the hints that were given, whether it is mended."""

    checks: int = 0
    hints: int = 0
    mended: bool = False

    @property
    def points(self) -> int:
        return max(0, POINTS - self.hints)


def write(one: Exhibit, folder: Path) -> Path:
    """Write an exhibit as a Python file.

    Raises:
        FileExistsError: the file is there: someone may have worked on it.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from nnlite.zoo import exhibit
        >>> from nnlite.zoo.file import write
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write(exhibit("rnn-01"), Path(folder)).name
        'rnn_01.py'
    """
    path = folder / one.file_name
    if path.exists():
        raise FileExistsError(f"{path} is there already, and may be your work: delete it to begin anew")
    head = HEAD.format(
        name=one.name, function_hint=f"nnlite's NumPy version of {one.kernel}", loss=between(one.loss),
        right=between(one.right), file=one.file_name, points=POINTS,
    )  # fmt: skip
    atomic_file.write(path, (head + one.source()).encode())
    return path


def between(numbers: tuple[float, float] | None) -> str:
    """Such as "2.16 to 2.19"."""
    if numbers is None:
        return "unknown"
    low, high = (f"{number:.2f}" for number in numbers)
    return low if low == high else f"{low} to {high}"


def exhibit_of(path: Path) -> Exhibit:
    """Which exhibit a file is, by its first line, else by its name.

    Raises:
        ValueError: neither is that of an exhibit.
    """
    first = _text(path).partition("\n")[0]
    named = first.partition("Exhibit ")[2].partition(":")[0]
    return exhibit(named or path.name)


def _text(path):
    """The program in a file, in UTF-8 or in the encoding that its first lines name."""
    with open_regular(path) as file:
        data = file.read()
    try:
        return importlib.util.decode_source(data)
    except (SyntaxError, UnicodeDecodeError):
        raise ValueError(f"{path.name}: expected a Python program, got something else: save it in UTF-8") from None


def attempts_on(path: Path) -> Attempts:
    """What is known of a file; nothing, if nothing was kept, or if it cannot be read."""
    try:
        found = Attempts(**read_json(_memory(path)))
    except (OSError, TypeError, ValueError):
        return Attempts()
    is_sound = all(type(n) is int and 0 <= n < 10**6 for n in (found.checks, found.hints))
    return found if is_sound and type(found.mended) is bool else Attempts()


def check(path: Path) -> tuple[list[Problem], Attempts]:
    """What is wrong with a file, and the attempts with this one.

    Raises:
        ValueError: it is no Python program, or is none of an exhibit.
        Exception: whatever running it raises.
    """
    one, attempts = exhibit_of(path), attempts_on(path)
    found = problems(one.kernel, _module(path))
    attempts.checks += 1
    attempts.mended = not found
    _keep(path, attempts)
    return found, attempts


def _module(path):
    try:
        return module_of(_text(path), str(path))
    except SyntaxError as error:
        raise ValueError(f"{path.name}, line {error.lineno}: expected Python, got {error.msg}") from error
    except SystemExit as error:
        raise ValueError(f"{path.name}: expected functions, got a program that ends") from error


def hint(path: Path) -> tuple[str, Attempts]:
    """The next hint: what gradcheck says, or the function; then the mistake in a sentence; then the first wrong line,
    if one is found; then what it should read."""
    one, attempts = exhibit_of(path), attempts_on(path)
    if attempts.mended:
        return "It is mended already.", attempts
    likely = None if attempts.hints else cause(one.kernel, one.module())
    where = f"The mistake is in the function {one.function}."
    line = _first_wrong(one, path) if attempts.hints >= LINE else None
    hints = [
        f"{where} gradcheck says: {likely}." if likely and "none of the usual" not in likely else where,
        one.story,
        *([f"The first wrong line: {line}."] if line else []),
        f"It reads {one.new.strip() or '(nothing)'!r}, and should read {one.old.strip()!r}.",
    ]
    text = hints[min(attempts.hints, len(hints) - 1)]
    attempts.hints = min(attempts.hints + 1, len(hints))
    _keep(path, attempts)
    return text, attempts


def _first_wrong(one, path):
    """Of the file as it is now."""
    try:
        return first_wrong(one.kernel, _text(path))
    except Exception:  # a student's program may do anything: `check` tells
        return None


def _memory(path):
    return path.with_suffix(".attempts.json")


def _keep(path, attempts):
    atomic_file.write(_memory(path), (json.dumps(asdict(attempts)) + "\n").encode())
