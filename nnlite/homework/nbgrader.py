"""nbgrader: the code questions of a sheet as an assignment's notebook."""

import ast
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
    import jupytext
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    entries = [entry for entry in sheet.entries if entry.is_code]
    if not entries:
        raise ValueError(f"{sheet.name}: expected a sheet with code questions, got none: nbgrader gets those alone")
    salt = salt or secrets.token_hex(16)
    cells = [
        new_markdown_cell(f"# {sheet.title}", metadata=_cell("title", locked=True)),
        new_code_cell(
            "import numpy as np\n\nfrom nnlite.homework import require_right", metadata=_cell("start", locked=True)
        ),
    ]
    given = set[str]()
    for entry in entries:
        question = entry.question
        text = f"## {question.title} ({entry.points:g} points)\n\n{question.statement}"
        cells.append(new_markdown_cell(text, metadata=_cell(f"{entry.name}-text", locked=True)))
        for name, source in _helpers(question):
            if name not in given:
                given.add(name)
                cells.append(new_code_cell(source, metadata=_cell(f"{entry.name}-{name}", locked=True)))
        cells.append(new_code_cell(_stub(question), metadata=_cell(entry.name, solution=True)))
        tests = (
            f"require_right({entry.name})\n### BEGIN HIDDEN TESTS\nrequire_right({entry.name}, salt={salt!r})\n"
            f"### END HIDDEN TESTS"
        )
        graded = _cell(f"{entry.name}-tests", grade=True, locked=True, points=entry.points)
        cells.append(new_code_cell(tests, metadata=graded))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return jupytext.writes(new_notebook(cells=cells, metadata=kernel), fmt="ipynb")


def _cell(name: str, *, grade: bool = False, solution: bool = False, locked: bool = False, points: float | None = None):
    """What nbgrader keeps of a cell."""
    found: dict[str, Any] = {
        "schema_version": 3, "grade_id": name, "grade": grade, "solution": solution, "locked": locked, "task": False,
    }  # fmt: skip
    return {"nbgrader": found | ({"points": points} if points is not None else {})}


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
        AssertionError: temperature 1: ids: 40 of 60 numbers are wrong...
    """
    question = CODE[function.__name__]
    hidden = question.hidden(salt.encode(), "notebook") if salt else ()
    box = Unprotected.of(function)
    trial = tried(question, {question.file: ""}, hidden, box=box)
    if not trial.is_right:
        raise AssertionError("\n".join(lines(trial)))
