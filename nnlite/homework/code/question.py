"""What every code question has."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nnlite.gradcheck.wrong_line import Witness

STUBS = Path(__file__).parent / "stubs"
Arguments = dict[str, Any]
Results = tuple[Any, ...]


class Case(NamedTuple):
    """Arguments to try a function with, and the right results. `name` says what is special, such as "stride 2"."""

    name: str
    arguments: Arguments
    expected: Results = ()


@dataclass(frozen=True)
class CodeQuestion:
    """A function to write.

    Attributes:
        name: of the function, and of the question in a sheet.
        title: its heading.
        statement: the question in Markdown.
        file: the file that has the stub, and is handed in.
        results: the names of what the function returns.
        right: the right function, made of nnlite's layers.
        draw: cases, from a random generator.
        mistakes: what students do instead, in a sentence each, with the function that they wrote then.
        kernels: of which the zoo's exhibits are such mistakes, too, where `right` runs on them.
        layer: for a backward pass: of a function and a case a layer for `nnlite.gradcheck` whose backward is that
            function, and the layer's input.
        changes: arguments that the function may change.
        forward: for a backward pass: of a tape, on which it records and differentiates the forward pass, and of
            arguments the right results.

    Example:
        >>> from nnlite.homework.code import CODE
        >>> question = CODE["conv2d_backward"]
        >>> question.file, question.results
        ('conv2d.py', ('dx', 'dW', 'db'))
    """

    name: str
    title: str
    statement: str
    file: str
    results: tuple[str, ...]
    right: Callable[..., Results]
    draw: Callable[[np.random.Generator], list[Case]]
    mistakes: tuple[tuple[str, Callable[..., Results]], ...] = ()
    kernels: tuple[str, ...] = ()
    layer: Callable[[Callable[..., Results], Case], tuple[Any, np.ndarray]] | None = None
    changes: tuple[str, ...] = ()
    forward: Callable[[Witness, Arguments], list[Any]] | None = None

    @property
    def stub(self) -> str:
        """The text of the file that is handed out."""
        return (STUBS / self.file).read_text("utf-8")

    def visible(self) -> list[Case]:
        """The cases that students check their code with: the same for all."""
        return _cases(self, 0)

    def hidden(self, salt: bytes, student: str) -> list[Case]:
        """Other numbers and sizes, which the salt decides: what is graded, beside the visible cases.

        Example:
            >>> from nnlite.homework.code import CODE
            >>> cases = CODE["sample"].hidden(b"a secret of a course", "ada")
            >>> [case.name for case in cases] == [case.name for case in CODE["sample"].visible()]
            True
        """
        bits = hmac.digest(salt, f"code {self.name} of {student}".encode(), "sha256")
        return _cases(self, int.from_bytes(bits, "big"))


@lru_cache(maxsize=64)
def _cases(question, seed):
    drawn = question.draw(np.random.default_rng(seed))
    return [case._replace(expected=question.right(**case.arguments)) for case in drawn]
