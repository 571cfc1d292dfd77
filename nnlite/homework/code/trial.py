"""A student's function, tried with cases."""

import builtins
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..sandbox import DEFAULT, Limits, Sandbox, SandboxError
from .causes import cause
from .comparison import difference, separated
from .lines import first_wrong
from .question import Case, CodeQuestion

HIDDEN = " (hidden)"  # ends the name of a case of which no numbers are told


@dataclass(frozen=True)
class Trial:
    """What came of a function.

    Attributes:
        question: the question.
        problems: what is wrong, by the name of the case; of hidden cases without numbers.
        right: the names of the cases in which all is right.
        cause: a likely mistake, in words, or None.
        line: of a backward pass the first wrong line, in words, or None.
    """

    question: CodeQuestion
    problems: Mapping[str, tuple[str, ...]]
    right: tuple[str, ...] = ()
    cause: str | None = None
    line: str | None = None

    @property
    def is_right(self) -> bool:
        return not self.problems


@dataclass
class _Tried:
    """A case, what is wrong, and what came out."""

    case: Case
    problems: list[str] = field(default_factory=list)
    results: list[Any] | None = None
    is_hidden: bool = False


def tried(
    question: CodeQuestion,
    files: Mapping[str, str],
    hidden: Sequence[Case] = (),
    *,
    limits: Limits = DEFAULT,
    shows_output: bool = False,
    explains: bool = True,
    box: Callable[..., Any] = Sandbox,
) -> Trial:
    """Try a student's function, with the visible cases and with hidden ones.

    Args:
        question: which function.
        files: the text of each of the student's files, by name.
        hidden: cases of which nothing but success is told.
        limits: of time and memory, for all cases together.
        shows_output: whether what the function prints is shown.
        explains: whether to look for a likely cause.
        box: makes what the function is called in.

    Example:
        >>> from nnlite.homework.code import CODE
        >>> from nnlite.homework.code.trial import tried
        >>> question = CODE["conv2d_forward"]
        >>> print(tried(question, {"conv2d.py": question.stub}).problems["stride 2"][0])
        line 23: NotImplementedError: conv2d_forward is yours to write
    """
    if question.file not in files:
        return Trial(question, {"": (f"{question.file} is missing",)})
    try:
        sandbox = box(files, question.file, limits, shows_output=shows_output)
    except SandboxError as error:
        return Trial(question, {"": (said(error),)})
    with sandbox:
        found = [_tried(sandbox, question, case, False) for case in question.visible()]
        found += [_tried(sandbox, question, case, True) for case in hidden]
        wrong = [one for one in found if one.problems]
        likely = _cause(sandbox, question, found) if wrong and explains else None
    line = _line(question, files, wrong, limits, box) if wrong and explains else None
    problems = {_label(one): tuple(one.problems) for one in wrong}
    right = tuple(_label(one) for one in found if not one.problems)
    return Trial(question, problems, right, likely, line)


def _label(one):
    return one.case.name + HIDDEN * one.is_hidden


def said(error: SandboxError) -> str:
    """An error of a sandbox, with its line."""
    return f"line {error.line}: {error}" if error.line else str(error)


def _said_of_hidden(error):
    """The kind of an error alone: its text might tell a hidden case."""
    kind = str(error).partition(":")[0]
    if not error.is_of_program:
        return said(error)
    return said(SandboxError(kind if hasattr(builtins, kind) else "an error", error.line))


def _tried(sandbox, question, case, is_hidden):
    one = _Tried(case, is_hidden=is_hidden)
    try:
        returned, changed = sandbox.call(question.name, case.arguments)
    except SandboxError as error:
        one.problems.append(_said_of_hidden(error) if is_hidden else said(error))
        return one
    results = separated(question.results, returned)
    if isinstance(results, str):
        one.problems.append(f"expected {', '.join(question.results)}, got something else" if is_hidden else results)
        return one
    one.results = results
    for name, expected, found in zip(question.results, case.expected, results, strict=True):
        text = difference(expected, found, tell=not is_hidden)
        if text:
            one.problems.append(f"{name}: {text}")
    one.problems += [
        f"the argument {name} is changed: work on a copy" for name in changed if name not in question.changes
    ]
    return one


def _cause(sandbox, question, found):
    if any(one.results is None for one in found):  # an error says more
        return None

    def function(**arguments: Any) -> tuple[np.ndarray, ...]:
        results = separated(question.results, sandbox.call(question.name, arguments)[0])
        return tuple(np.asarray(result, np.float64) for result in results)

    return cause(question, [(one.case, one.results) for one in found], function)


def _line(question, files, wrong, limits, box):
    """The first wrong line, by the largest case that may be told."""
    cases = [one.case for one in wrong if one.results is not None and not one.is_hidden]
    if not cases or not question.forward:
        return None
    case = max(cases, key=lambda case: sum(np.size(value) for value in case.arguments.values()))
    try:
        line = first_wrong(question, files, case, limits, box)
    except Exception:  # a search must not hide the finding
        return None
    return line and str(line).replace("\n  ", ": ")
