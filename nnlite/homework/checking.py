"""What a student can check before handing in: code with the visible cases, and whether the answers can be read."""

import os
from collections.abc import Iterator
from pathlib import Path

from .code import CODE
from .code.feedback import lines
from .code.trial import tried
from .marking import Unread, read_answers
from .sandbox import DEFAULT, Limits
from .submissions import ANSWERS, Submission, read_folder

UNWRITTEN = "not written yet"


def check(
    folder: str | os.PathLike, *, only: str | None = None, limits: Limits = DEFAULT, shows_output: bool = False
) -> Iterator[tuple[str, list[str], bool]]:
    """Check a student's folder as the grader would, with the visible cases alone.

    Args:
        folder: with answers.toml and the Python files.
        only: the name of one function.
        limits: of each function.
        shows_output: whether what the code prints is shown.

    Yields:
        What was checked, such as "lstm_backward"; lines of feedback; and whether all is right.

    Raises:
        ValueError: there is nothing to check in the folder, or no function of that name.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from nnlite.homework import check
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "sampling.py").write_text("def sample(logits, temperature, u):\\n    return logits")
        ...     for name, feedback, is_right in check(folder):
        ...         print(name, feedback[0], is_right)
        sample temperature 1: ids: it has shape (9,), and should have (59,) False
    """
    if only is not None and only not in CODE:
        raise ValueError(f"only: expected one of {', '.join(CODE)}, got {only!r}")
    files = sorted({question.file for question in CODE.values()})
    if not any(Path(folder, name).exists() for name in (ANSWERS, *files)):  # in one below may be another's
        got = "none of them" if os.path.isdir(folder) else "; ".join(read_folder(folder).problems)
        raise ValueError(f"{folder}: expected a folder with {ANSWERS} or {', '.join(files)}, got {got}")
    submission = read_folder(folder)
    questions = [question for question in CODE.values() if question.file in submission.files]
    if only is not None:
        questions = [CODE[only]]
    elif submission.problems:
        yield "files", list(submission.problems), False
    if ANSWERS in submission.files and only is None:
        yield ANSWERS, *_answers(submission)
    for question in questions:
        trial = tried(question, submission.code, limits=limits, shows_output=shows_output)
        found = lines(trial)
        if "NotImplementedError" in found[0]:
            found = [UNWRITTEN]
        yield question.name, found, trial.is_right


def _answers(submission: Submission) -> tuple[list[str], bool]:
    """What can be said of answers without a key."""
    try:
        answers = read_answers(submission.files[ANSWERS])
    except ValueError as error:
        return [str(error)], False
    unread = [
        f"[{name}] {field}: {one}"
        for name, fields in answers.items()
        for field, one in fields.items()
        if isinstance(one, Unread)
    ]
    given = {name: [value != "" for value in fields.values()] for name, fields in answers.items()}
    count, of = sum(map(sum, given.values())), sum(map(len, given.values()))
    found = [f"{count - len(unread)} of {of} answers given: what is right is told when it is graded"]
    empty = [f"[{name}]" for name, values in given.items() if not any(values)]
    if empty and count:
        found.append(f"not answered: {', '.join(empty)}")
    return found + unread, count == of and not unread
