"""Why a function is wrong: a mistake that gives exactly its results, else what gradcheck finds."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from nnlite import gradcheck, use_backend
from nnlite.gradcheck import GradientCheckError
from nnlite.zoo import exhibits

from .comparison import as_array, difference
from .question import Case, CodeQuestion, Results

NO_CAUSE = "none of the usual ones"  # how gradcheck begins if it knows none
TOLERANCE = 1e-4
Tried = Sequence[tuple[Case, list[Any]]]


def cause(question: CodeQuestion, found: Tried, function: Callable[..., Results]) -> str | None:
    """A mistake that explains all results, right and wrong; None if none is known.

    Args:
        question: which function.
        found: all cases, with the results of the student's function.
        function: the student's.
    """
    if not any(np.any(as_array(result) != 0) for _, results in found for result in results):
        return "everything that is returned is 0"
    for story, mistaken in _mistakes(question):
        if all(_gives(mistaken, case, results) for case, results in found):
            return story
    return _of_gradcheck(question, found, function) if question.layer else None


def _mistakes(question) -> Iterator[tuple[str, Callable[..., Results]]]:
    """What students do, and the zoo's exhibits."""
    yield from question.mistakes
    for kernel in question.kernels:
        for story, module in _exhibits(kernel):
            yield story, _with(question, kernel, module)


@cache
def _exhibits(kernel):
    """The stories and modules of a kernel's exhibits."""
    return [
        (one.story[0].lower() + one.story[1:].rstrip("."), one.module())
        for one in exhibits().values()
        if one.kernel == kernel
    ]


def _with(question, kernel, module):
    """The right function on a kernel with a mistake."""

    def mistaken(**arguments):
        with use_backend("reference", **{kernel: module}):
            return question.right(**arguments)

    return mistaken


def _gives(mistaken, case, results):
    """Whether a mistake gives exactly these results, right ones and wrong ones."""
    try:
        with np.errstate(all="ignore"):
            expected = mistaken(**case.arguments)
    except Exception:  # such as a window that does not fit any more
        return False
    return all(difference(one, found) is None for one, found in zip(expected, results, strict=True))


def _wrong(case, results):
    """The places of the results that are wrong."""
    return [place for place, one in enumerate(case.expected) if difference(one, results[place], tell=False)]


def _of_gradcheck(question, found, function):
    """What the smallest case says in which a gradient is wrong."""
    if not all(_fit(case, results) for case, results in found):  # which is told already
        return None
    wrong = [case for case, results in found if _wrong(case, results)]
    case = min(wrong, key=lambda case: sum(np.size(array) for array in case.arguments.values()))
    try:
        with np.errstate(all="ignore"):
            gradcheck(*question.layer(function, case), fast=True, tolerance=TOLERANCE)
    except GradientCheckError as error:
        return None if error.cause.startswith(NO_CAUSE) else _in_words_of_the_stub(error.cause)
    except Exception:  # a guess must not hide the finding
        return None
    return None


def _fit(case, results):
    """Whether all shapes are right."""
    return all(
        np.shape(as_array(one)) == np.shape(expected) for one, expected in zip(results, case.expected, strict=True)
    )


# What gradcheck makes of an experiment with one time step, and what that says of a program whose forward may be wrong.
SEVERAL_STEPS = {
    "a missing term from the next time step": "with one time step every gradient is right, with more they are not: "
    "look at what goes from step t + 1 back to step t, at what each step adds to the sums, and at the states that it "
    "uses",
    "the sum over the time steps": "with one time step this gradient is right, with more it is not: look at "
    "what each step adds to it, and at the state that it uses",
}


def _in_words_of_the_stub(text):
    for start, evidence in SEVERAL_STEPS.items():
        if text.startswith(start):
            return evidence
    text = re.sub(r"initial state \d \((\w)\)", r"\g<1>0", text)
    return re.sub(r"\b(?:parameter (\w+)|input (x))\b", r"\1\2", text)
