"""Why a function is wrong: a mistake that gives exactly its results, else what gradcheck finds."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnlite import gradcheck
from nnlite.gradcheck import GradientCheckError

from ..sandbox import SandboxError
from .comparison import difference
from .question import Case, CodeQuestion

NO_CAUSE = "none of the usual ones"  # how gradcheck begins if it knows none
TOLERANCE = 1e-4


def cause(
    question: CodeQuestion, wrong: Sequence[tuple[Case, list[Any]]], function: Callable[..., tuple[Any, ...]]
) -> str | None:
    """A mistake that explains all wrong cases; None if none is known.

    Args:
        question: which function.
        wrong: the cases in which it is wrong, with its results.
        function: the student's.
    """
    for story, mistaken in question.mistakes.items():
        if all(_equals(question, mistaken, case, results) for case, results in wrong):
            return story
    if question.layer is None:
        return None
    case = max((case for case, _ in wrong), key=lambda case: sum(np.size(array) for array in case.arguments.values()))
    try:
        with np.errstate(all="ignore"):
            gradcheck(*question.layer(function, case), tolerance=TOLERANCE)
    except GradientCheckError as error:
        return None if error.cause.startswith(NO_CAUSE) else _in_words_of_the_stub(error.cause)
    except (SandboxError, TypeError, ValueError):  # it fails with other numbers
        return None
    return None


def _in_words_of_the_stub(text):
    text = re.sub(r"initial state \d \((\w)\)", r"\g<1>0", text)
    return re.sub(r"\b(?:parameter|input) (\w+)", r"\1", text)


def _equals(question, mistaken, case, results):
    """Whether a mistake gives these results."""
    try:
        with np.errstate(all="ignore"):
            expected = mistaken(**case.arguments)
    except (IndexError, ValueError):  # no window fits
        return False
    return all(difference(one, found) is None for one, found in zip(expected, results, strict=True))
