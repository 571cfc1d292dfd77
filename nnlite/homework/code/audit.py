"""Does the grader see what it should? Right solutions in many styles, and each with mistakes planted into it."""

import ast
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..parallel import in_threads
from .question import CodeQuestion
from .trial import Trial, tried

SOLUTIONS = Path(__file__).parent / "solutions"
SALT = b"an audit is the same each time"
ZEROS = "results are zeros"

# Planted at the end of a file: the function of this name then returns zeros of the right shapes.
ZERO_RESULTS = """

import numpy as np


def zeros(result):
    if isinstance(result, dict):
        return {{name: zeros(value) for name, value in result.items()}}
    if isinstance(result, (list, tuple)) and not np.isscalar(result[0]):
        return [zeros(value) for value in result]
    return 0 * np.array(result)


right = {function}


def {function}(*args, **options):
    return zeros(right(*args, **options))
"""


@dataclass(frozen=True)
class Mistake:
    """A mistake in a right solution: in `function`, the first `old` becomes `new`.

    Attributes:
        solution: the name of its file.
        function: in which it is, and which has to lose its points: alone.
        what: an exhibit of the zoo, or the mistake in words.
    """

    solution: str
    function: str
    what: str
    old: str = ""
    new: str = ""

    def source(self) -> str:
        """The text of the solution with the mistake.

        Raises:
            ValueError: the solution lacks the text.
        """
        right = source(self.solution)
        if self.what == ZEROS:
            return right + ZERO_RESULTS.format(function=self.function)
        start = right.index(f"def {self.function}(")
        if self.old not in right[start:]:
            raise ValueError(f"{self.solution}: {self.old!r} is not in {self.function}")
        return right[:start] + right[start:].replace(self.old, self.new, 1)


@dataclass(frozen=True)
class Audit:
    """What came of an audit.

    Attributes:
        planted, failed: mistakes, and how many of them lost exactly their question.
        solutions, passed: right solutions, and how many of them got all points.
        problems: the others, in words.
    """

    planted: int
    failed: int
    solutions: int
    passed: int
    problems: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"fails {self.failed} of {self.planted} planted mistakes, "
            f"passes {self.passed} of {self.solutions} right solutions"
        )


def solutions() -> list[str]:
    """The names of the right solutions, such as "conv2d_im2col".

    Example:
        >>> from nnlite.homework.code.audit import solutions
        >>> len(solutions()) >= 12
        True
    """
    return sorted(path.stem for path in SOLUTIONS.glob("*.py"))


@cache
def source(solution: str) -> str:
    """The text of a right solution."""
    return (SOLUTIONS / f"{solution}.py").read_text("utf-8")


def questions_of(solution: str, asked: Iterable[CodeQuestion]) -> list[CodeQuestion]:
    """Those of the questions that a solution answers."""
    return [question for question in asked if question.name in _defined(solution) and question.file in _files(solution)]


@cache  # once, and so before threads begin: in Python 3.11 two that parse at once can fail with a SystemError
def _defined(solution):
    return {node.name for node in ast.parse(source(solution)).body if isinstance(node, ast.FunctionDef)}


def _files(solution):
    """Such as "minimal_rnn.py", of minimal_rnn_loops."""
    return {f"{solution.rpartition('_')[0]}.py"}


def mistakes() -> list[Mistake]:
    """All mistakes, with one for each function of each solution that returns zeros."""
    from . import CODE

    listed = tomllib.loads((SOLUTIONS / "mistakes.toml").read_text("utf-8"))
    found = [Mistake(solution, **entry) for solution, entries in listed.items() for entry in entries]
    zeros = [Mistake(name, one.name, ZEROS) for name in solutions() for one in questions_of(name, CODE.values())]
    return found + zeros


def audit(
    asked: Sequence[CodeQuestion],
    jobs: int = 1,
    attempt: Callable[..., Trial] = tried,
) -> Audit:
    """Grade all right solutions of these questions, and each with each of its mistakes.

    Args:
        asked: the code questions.
        jobs: how many at once.
        attempt: tries a function, as `tried` does.
    """
    names = {question.name for question in asked}
    right = [name for name in solutions() if questions_of(name, asked)]
    planted = [mistake for mistake in mistakes() if mistake.function in names]
    texts = [(name, source(name), None) for name in right] + [(one.solution, one.source(), one) for one in planted]
    lost = in_threads(lambda one: _lost(one[1], questions_of(one[0], asked), attempt), texts, jobs)
    problems = list(_problems(zip(texts, lost, strict=True)))
    passed = sum(not one for one in lost[: len(right)])
    return Audit(len(planted), len(planted) - len(problems) + len(right) - passed, len(right), passed, tuple(problems))


def _lost(text, questions, attempt):
    """The names of the questions that a file loses."""
    found = set()
    for question in questions:
        hidden = question.hidden(SALT, "audit")
        if not attempt(question, {question.file: text}, hidden, explains=False).is_right:
            found.add(question.name)
    return found


def _problems(tried_texts) -> Iterator[str]:
    for (solution, _, mistake), lost in tried_texts:
        if lost == ({mistake.function} if mistake else set()):
            continue
        what = f"{solution}, {mistake.function}, {mistake.what}" if mistake else solution
        yield f"{what}: loses {' and '.join(sorted(lost)) or 'nothing'}"
