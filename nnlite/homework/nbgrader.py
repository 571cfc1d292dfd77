"""nbgrader: the code questions of a sheet as an assignment's notebook."""

import ast
import json
import secrets
from collections.abc import Callable
from typing import Any

from .code import CODE
from .code.feedback import lines
from .code.trial import tried
from .code.unprotected import Unprotected
from .sheet import Sheet


def notebook(sheet: Sheet, salt: str | None = None) -> str:
    """An assignment for nbgrader, as the text of an .ipynb: for each code question a cell to fill, and a graded one.

    `nbgrader generate_assignment` takes the hidden tests out of what students get. Questions with numbers of each
    student's own are left out: nbgrader gives all students the same.

    Args:
        sheet: the sheet.
        salt: decides the hidden cases; by default a new one, which the hidden tests contain.

    Raises:
        ImportError: jupytext is not installed.
        ValueError: the sheet has no code questions.
    """
    try:
        import jupytext
    except ImportError as error:
        raise ImportError(
            "notebooks for nbgrader need the package jupytext: pip install 'nnlite-learn[homework]'"
        ) from error
    entries = [entry for entry in sheet.entries if entry.is_code]
    if not entries:
        raise ValueError(f"{sheet.name}: expected a sheet with code questions, got none: nbgrader gets those alone")
    text = "\n\n".join(_cells(sheet, entries, salt or secrets.token_hex(16)))
    return jupytext.writes(jupytext.reads(text, fmt="py:percent"), fmt="ipynb")


def _cells(sheet, entries, salt):
    """The notebook as a Python program with marks between its cells."""
    yield _markdown("title", f"# {sheet.title}")
    yield _code("start", "import numpy as np\n\nfrom nnlite.homework import require_right", locked=True)
    given = set[str]()
    for entry in entries:
        question = entry.question
        yield _markdown(f"{entry.name}-text", f"## {question.title} ({entry.points:g} points)\n\n{question.statement}")
        for name, source in _helpers(question):
            if name not in given:
                given.add(name)
                yield _code(f"{entry.name}-{name}", source, locked=True)
        yield _code(entry.name, _stub(question), solution=True)
        tests = (
            f"require_right({entry.name})\n### BEGIN HIDDEN TESTS\nrequire_right({entry.name}, salt={salt!r})\n"
            f"### END HIDDEN TESTS"
        )
        yield _code(f"{entry.name}-tests", tests, grade=True, locked=True, points=entry.points)


def _code(name, text, **options):
    return f"# %% nbgrader={_metadata(name, **options)}\n{text}"


def _markdown(name, text):
    lines = "\n".join(f"# {line}".rstrip() for line in text.splitlines())
    return f"# %% [markdown] nbgrader={_metadata(name, locked=True)}\n{lines}"


def _metadata(name, *, grade=False, solution=False, locked=False, points=None):
    """What nbgrader keeps of a cell."""
    found: dict[str, Any] = {
        "schema_version": 3, "grade_id": name, "grade": grade, "solution": solution, "locked": locked, "task": False,
    }  # fmt: skip
    return json.dumps(found | ({"points": points} if points is not None else {}))


def _functions(question):
    """The functions of a stub, by name, with their source."""
    return {
        node.name: ast.get_source_segment(question.stub, node)
        for node in ast.parse(question.stub).body
        if isinstance(node, ast.FunctionDef)
    }


def _helpers(question):
    """What is given with a stub."""
    return [(name, source) for name, source in _functions(question).items() if name not in CODE]


def _stub(question):
    """The function to write, with nbgrader's marks around its only line."""
    source = _functions(question)[question.name]
    start = source.index("    raise NotImplementedError")
    return f"{source[:start]}    ### BEGIN SOLUTION\n{source[start:]}\n    ### END SOLUTION"


def require_right(function: Callable[..., Any], salt: str | None = None) -> None:
    """Try a function of a code question, in this process, as a cell of a notebook does.

    Args:
        function: the student's; its name is that of the question.
        salt: for hidden cases; without it the visible ones are tried.

    Raises:
        AssertionError: it is wrong; the message is the feedback.

    Example:
        >>> from nnlite.homework import require_right
        >>> def sample(logits, temperature, u):
        ...     return [logits.argmax()] * len(u)
        >>> require_right(sample)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        AssertionError: temperature 1: ids: 43 of 59 numbers are wrong...
    """
    question = CODE[function.__name__]
    hidden = question.hidden(salt.encode(), "notebook") if salt else ()
    box = Unprotected.of(function)
    trial = tried(question, {question.file: ""}, hidden, box=box)
    if not trial.is_right:
        raise AssertionError("\n".join(lines(trial)))
