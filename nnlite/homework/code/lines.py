"""The first wrong line of a student's backward pass: gradcheck's search, with every run in the sandbox."""

import inspect
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnlite.gradcheck.wrong_line import Program, Run, Search, Witness, WrongLine, found, watch

from ..sandbox import Limits, SandboxError
from .comparison import separated
from .question import Case, CodeQuestion

SECONDS = 3.0  # for the search, at most
MOST_SITES = 1000  # of a longer file nothing is said: the search is outside of the sandbox
DOOR = """

def _watched(new, in_place, *arguments):
    global _watch
    _watch = Watch({{int(k): series for k, series in new.items()}}, set(in_place))
    results = {function}(*arguments)
    texts = [{{str(k): value for k, value in of.items()}} for of in (_watch.log, _watch.read)]
    results = list(results) if isinstance(results, tuple) else results
    return {{"results": results, "log": texts[0], "read": texts[1]}}
"""


def sigmoid(z: Any) -> Any:
    """For forward passes on a tape, which takes nothing inside of another file's function for a line of theirs."""
    return 1 / (1 + np.exp(-z))


def first_wrong(
    question: CodeQuestion, files: Mapping[str, str], case: Case, limits: Limits, box: Callable[..., Any]
) -> WrongLine | None:
    """The line that makes a student's results wrong; None if there is no saying which.

    Args:
        question: which function, of which the forward pass is known.
        files: the text of each of the student's files.
        case: in which the results are wrong, and of which numbers may be told.
        limits: of the sandbox.
        box: makes what the function is called in.
    """
    assert question.forward is not None
    text = files[question.file]
    arguments = {name: np.asarray(value, np.float64) if np.asarray(value).dtype.kind == "f" else value
                 for name, value in case.arguments.items()}  # fmt: skip
    witness = Witness()
    expected = question.forward(witness, arguments)
    program, watched = Program.of([(text, 1)])
    if len(program.sites) > MOST_SITES:
        return None
    in_place = [k for k, site in enumerate(program.sites) if site.in_place]
    watched += "\n" + inspect.getsource(watch) + DOOR.format(function=question.name)
    short = Limits(min(SECONDS, limits.seconds), limits.memory, limits.returned)
    with box({**files, question.file: watched}, question.file, short) as sandbox:

        def run(new: dict[int, np.ndarray]) -> Run | None:
            own = {"new": {str(k): series for k, series in new.items()}, "in_place": in_place, **arguments}
            try:
                returned = sandbox.call("_watched", own)[0]
            except SandboxError:
                return None
            results = separated(question.results, returned["results"])
            log, read = ({int(k): value for k, value in returned[name].items()} for name in ("log", "read"))
            return None if isinstance(results, str) else Run(results, SimpleNamespace(log=log, read=read))

        line = found(Search(program, witness, run, expected, question.name), [(text, 1)])
        return line if line and run({}) else None  # else the time was over before the end
