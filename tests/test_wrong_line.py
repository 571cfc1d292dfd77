"""nnlite.gradcheck.first_wrong_line: over the zoo and the homework it names the changed line, or none, and no other."""

import inspect

import numpy as np
import pytest

from nnlite import WrongLine, first_wrong_line, zoo
from nnlite.homework import CODE
from nnlite.homework.code.audit import ZEROS, mistakes, questions_of, solutions, source
from nnlite.homework.code.lines import first_wrong
from nnlite.homework.code.trial import tried
from nnlite.homework.code.unprotected import Unprotected
from nnlite.homework.sandbox import DEFAULT, Limits
from nnlite.zoo.exhibit import right_module
from nnlite.zoo.lines import PASSES, RECURRENT

BACKWARD = [
    name for name, one in zoo.exhibits().items()
    if one.kernel in {*PASSES, *RECURRENT} and ("backward" in one.function or "gradient" in one.function)
]  # fmt: skip
# What a line of these should compute is nothing that the tape knows, or only sequences of several lengths show it.
NOTHING_IS_SAID_OF = {f"norm-{k:02}" for k in (1, 2, 3, 4, 6, 7, 8)} | {"lstm-22", "gru-11"}
NOTHING_IS_SAID_OF |= {"pool2d-02", "pool2d-03", "pool2d-04"}


def changed(right, wrong):
    """The numbers of the lines that differ."""
    pairs = zip(right.splitlines(), wrong.splitlines(), strict=False)
    return [number for number, (one, other) in enumerate(pairs, 1) if one != other]


@pytest.mark.parametrize("name", BACKWARD)
def test_an_exhibits_line(name):
    one = zoo.exhibit(name)
    found = zoo.first_wrong(one.kernel, one.source())
    if name in NOTHING_IS_SAID_OF:
        assert found is None
    else:
        right = inspect.getsource(right_module(one.kernel)).replace("from ._", "from nnlite.reference._")
        assert [found.line] == changed(right, one.source())
        assert found.text == one.source().splitlines()[found.line - 1].split("#")[0].strip()


def test_most_have_a_line():
    of_the_zoo = [name for name in BACKWARD if zoo.exhibit(name).kernel != "pool2d"]
    assert len(NOTHING_IS_SAID_OF & set(of_the_zoo)) <= 0.2 * len(of_the_zoo)


@pytest.mark.parametrize("kernel", [*PASSES, *RECURRENT])
def test_no_line_of_a_reference(kernel):
    assert zoo.first_wrong(kernel, right_module(kernel)) is None


ASKED = [(name, question) for name in solutions() for question in questions_of(name, CODE.values()) if question.forward]


@pytest.mark.parametrize(("name", "question"), ASKED, ids=lambda of: getattr(of, "name", of))
def test_no_line_of_a_right_solution(name, question):
    for case in question.visible()[:3]:
        assert first_wrong(question, {question.file: source(name)}, case, DEFAULT, Unprotected) is None


PLANTED = [one for one in mistakes() if CODE[one.function].forward and one.what != ZEROS]


@pytest.fixture(scope="module")
def found_in_solutions():
    """Every mistake with the line that is found, by a case with several steps."""
    with np.errstate(all="ignore"):
        return [
            (one, first_wrong(question, {question.file: one.source()}, question.visible()[1], DEFAULT, Unprotected))
            for one in PLANTED
            for question in [CODE[one.function]]
        ]


@pytest.mark.long
def test_the_line_of_a_solution(found_in_solutions):
    for one, found in found_in_solutions:
        if found:
            assert found.line in changed(source(one.solution), one.source()), one


@pytest.mark.long
def test_many_lines_of_usual_solutions_are_named(found_in_solutions):
    for solution, share in (("lstm_steps", 0.7), ("minimal_rnn_loops", 0.4), ("minimal_rnn_whole", 0.4)):
        found = [line is not None for one, line in found_in_solutions if one.solution == solution]
        assert sum(found) >= share * len(found)


def test_feedback_names_the_line(monkeypatch):
    """By the sandbox, as a student sees it."""
    monkeypatch.setattr("nnlite.homework.code.lines.SECONDS", 60.0)  # of a busy machine
    text = source("lstm_steps").replace("dz_f = df * f * (1 - f)", "dz_f = 3 * df * f * (1 - f)")
    found = tried(CODE["lstm_backward"], {"lstm.py": text}, limits=Limits(seconds=60))
    line = text.splitlines().index("        dz_f = 3 * df * f * (1 - f)") + 1
    assert found.line.startswith(f"line {line}: dz_f = 3 * df * f * (1 - f) all that it is computed from is right")


# Any function.


def forward(x, W, b):
    z = x @ W + b
    h = np.tanh(z)
    return h**2


def wrong_slope(x, W, b, dy):
    h = np.tanh(x @ W + b)
    dh = dy * 2 * h
    dz = dh * (1 - h)
    return dz @ W.T, x.T @ dz, dz.sum(axis=0)


def right(x, W, b, dy):
    """In other steps than forward, with other names."""
    out = np.tanh(x @ W + b)
    grad = dy * 2
    grad = grad * (out - out**3)
    return {"W": x.T @ grad, "dx": grad @ W.T, "b": grad.sum(axis=0)}


def wrong_at_the_end(x, W, b, dy):
    grads = right(x, W, b, dy)
    db = 2 * grads["b"]
    return grads["dx"], grads["W"], db


def wrong_in_another(x, W, b, dy):
    h = np.tanh(x @ W + b)
    dz = through_tanh(h, dy * 2 * h)
    return dz @ W.T, x.T @ dz, dz.sum(axis=0)


def through_tanh(h, dh):
    return dh * (1 + h**2)


def wrong_factor(x, W, b, dy):
    h = np.tanh(x @ W + b)
    slope = 1 - h
    dz = dy * 2 * h * slope
    return dz @ W.T, x.T @ dz, dz.sum(axis=0)


def overflows(x, W, b, dy):
    h = np.tanh(x @ W + b)
    dz = dy * 2 * h * (1 - h**2) * np.inf
    return dz @ W.T, x.T @ dz, dz.sum(axis=0)


def returns_nothing(x, W, b, dy):
    dz = dy * 2
    return None, x.T @ dz, dz.sum(axis=0)


def crashes(x, W, b, dy):
    raise ValueError


x, W, b = np.random.default_rng(0).normal(size=(2, 3)), np.ones((3, 4)) / 3, np.full(4, 0.5)


@pytest.mark.parametrize(
    ("backward", "text"),
    [
        (wrong_slope, "dz = dh * (1 - h)"),
        (wrong_at_the_end, "db = 2 * grads['b']"),
        (wrong_in_another, "return dh * (1 + h**2)"),
        (wrong_factor, None),  # of the line of dz it cannot be told from that of slope
        (right, None),
        (overflows, "dz = dy * 2 * h * (1 - h**2) * np.inf"),
        (returns_nothing, None),
        (crashes, None),
    ],
)
def test_the_line_of_any_function(backward, text):
    found = first_wrong_line(forward, backward, x=x, W=W, b=b)
    assert (found and found.text) == (text and text.replace("'", '"'))
    if found:
        lines, first = inspect.getsourcelines(through_tanh if backward is wrong_in_another else backward)
        assert lines[found.line - first].strip() == found.text


def test_what_it_says():
    assert str(WrongLine(7, "dz = dh", "dz", 0.51, 2)) == (
        "line 7: dz = dh\n  all that it is computed from is right, and dz is wrong: relative difference 0.5, first at "
        "time step 2"
    )


def test_a_function_without_text():
    space = {}
    exec("def backward(x, W, b, dy):\n    return x, W, b", space)
    with pytest.raises(OSError, match="backward: expected a function whose text is in a file"):
        first_wrong_line(forward, space["backward"], x=x, W=W, b=b)


def test_a_parameter_for_each_result():
    with pytest.raises(TypeError, match="backward: expected a parameter for the gradient of each of the 1 arrays"):
        first_wrong_line(forward, lambda x, W: None, x=x, W=W, b=b)
