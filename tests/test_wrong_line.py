"""nnlite.gradcheck.first_wrong_line: over the zoo and the homework it names the changed line, or none, and no other."""

import functools
import importlib.util
import inspect
import textwrap

import numpy as np
import pytest

from nnlite import WrongLine, first_wrong_line, zoo
from nnlite.gradcheck.wrong_line.watch import Watch
from nnlite.homework import CODE
from nnlite.homework.code.audit import ZEROS, mistakes, questions_of, solutions, source
from nnlite.homework.code.lines import first_wrong
from nnlite.homework.code.trial import tried
from nnlite.homework.code.unprotected import Unprotected
from nnlite.homework.sandbox import DEFAULT, Limits
from nnlite.zoo.exhibit import alone, right_module
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
        right = alone(inspect.getsource(right_module(one.kernel)))
        assert [found.line] == changed(right, one.source())
        assert found.text == one.source().splitlines()[found.line - 1].split("#")[0].strip()


def test_the_same_is_said_each_time():
    source = zoo.exhibit("lstm-01").source()
    assert zoo.first_wrong("lstm", source) == zoo.first_wrong("lstm", source)


def test_a_program_that_ends():
    """As `nnlite zoo hint` may meet one."""
    assert zoo.first_wrong("lstm", zoo.exhibit("lstm-13").source() + "\nraise SystemExit\n") is None


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
    files = {"lstm.py": f'{text}\nif __name__ == "__main__":\n    print(LSTM)'}
    found = tried(CODE["lstm_backward"], files, limits=Limits(seconds=60))
    line = text.splitlines().index("        dz_f = 3 * df * f * (1 - f)") + 1
    assert found.line.startswith(f"line {line}: dz_f = 3 * df * f * (1 - f): all that it is computed from is right")


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


def with_a_default(x, W, b, dy=None):
    h = np.tanh(x @ W + b)
    dz = dy * 2 * h * (1 + h**2)
    return dz @ W.T, x.T @ dz, dz.sum(axis=0)


def recursive(x, W, b, dy):
    h = np.tanh(x @ W + b)
    dz = doubled(dy * h, 2) * (1 - h**2)
    return dz @ W.T, x.T @ dz, dz.sum(axis=0)


def doubled(array, times):
    return doubled(2 * array, times - 1) if times else array


def overflows(x, W, b, dy):
    h = np.tanh(x @ W + b)
    dz = dy * 2 * h * (1 - h**2) * np.inf
    return dz @ W.T, x.T @ dz, dz.sum(axis=0)


def returns_nothing(x, W, b, dy):
    dz = dy * 2
    return None, x.T @ dz, dz.sum(axis=0)


x, W, b = np.random.default_rng(0).normal(size=(2, 3)), np.ones((3, 4)) / 3, np.full(4, 0.5)


@pytest.mark.parametrize(
    ("backward", "text"),
    [
        (wrong_slope, "dz = dh * (1 - h)"),
        (wrong_at_the_end, "db = 2 * grads['b']"),
        (wrong_in_another, "return dh * (1 + h**2)"),
        (wrong_factor, None),  # of the line of dz it cannot be told from that of slope
        (right, None),
        (with_a_default, "dz = dy * 2 * h * (1 + h**2)"),
        (recursive, None),  # each call of a function is another run of its lines
        (overflows, "dz = dy * 2 * h * (1 - h**2) * np.inf"),
        (returns_nothing, None),
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
    def backward(x, W):
        return x, W

    with pytest.raises(TypeError, match="backward: expected a parameter for the gradient of each of the 1 arrays"):
        first_wrong_line(forward, backward, x=x, W=W, b=b)


# As students write them.


def returns_two(x, W, b, dy):
    return x, W


def returns_others(x, W, b, dy):
    return {"dx": x, "dW": W}


def crashes(x, W, b, dy):
    raise ValueError("yours")


class Layer:
    def backward(self, x, W, b, dy):
        return x, W, b


@pytest.mark.parametrize(
    ("backward", "error", "says"),
    [
        (returns_two, TypeError, "backward: expected the gradients of x, W, b, .* in this order, got 2"),
        (returns_others, TypeError, "backward: expected a dict with db, got dx, dW"),
        (crashes, ValueError, "yours"),
        (Layer().backward, TypeError, "backward: expected a function written with def, .*, got the method Layer.backw"),
        (lambda x, W, b, dy: x, TypeError, "backward: expected a function written with def, .*, got a lambda"),
    ],
)
def test_what_is_no_backward_pass(backward, error, says):
    with pytest.raises(error, match=says):
        first_wrong_line(forward, backward, x=x, W=W, b=b)


def test_no_array_to_differentiate():
    with pytest.raises(TypeError, match=r"arguments: expected arrays of real numbers, got x, W, b: make them with np"):
        first_wrong_line(forward, right, x=[[1.0]], W=[[1.0]], b=[1.0])


def in_another_file(function):
    """A decorator that knows nothing of this file."""
    text = "def inner(*args, **kwargs):\n    return function(*args, **kwargs)"
    space = {"function": function}
    exec(text, space)
    return functools.wraps(function)(space["inner"])


def test_the_line_below_a_decorator():
    assert first_wrong_line(forward, decorated, x=x, W=W, b=b).text == "return dh * (1 + h**2)"


@in_another_file
def decorated(x, W, b, dy):
    return wrong_in_another(x, W, b, dy)


def with_an_option(x, W, b, dy, verbose=True):
    if verbose:
        print("backward")
    h = np.tanh(x @ W + b)
    dz = dy * 2 * h * (1 - h)
    return dz @ W.T, x.T @ dz, dz.sum(axis=0)


def test_an_option_of_backward_and_what_it_prints(capsys):
    assert first_wrong_line(forward, with_an_option, x=x, W=W, b=b).text == "dz = dy * 2 * h * (1 - h)"
    assert capsys.readouterr().out == "backward\n"


def test_a_search_ends():
    def endless(x, W, b, dy):
        first = np.tanh(x @ W + b)
        sure = first + 0.0
        while not np.array_equal(first, sure):
            sure = sure + 0.0
        dz = dy * 2 * sure * (1 - sure)
        return dz @ W.T, x.T @ dz, dz.sum(axis=0)

    assert first_wrong_line(forward, endless, seconds=0.3, x=x, W=W, b=b) is None


def test_what_backward_is_given():
    """Numbers in float64, and gradients that a seed draws."""
    given = []

    def backward(x, W, b, dy):
        given.append((x.dtype.name, dy[0, 0]))
        return right(x, W, b, dy)

    for seed in (1, 1, 2):
        first_wrong_line(forward, backward, seed=seed, x=x.astype("float32"), W=W, b=b)
    (one, again, other), kinds = [given[k][1] for k in (0, 2, 4)], {kind for kind, _ in given}
    assert (one == again != other, kinds, len(given)) == (True, {"float64"}, 6)


def test_what_a_watch_keeps_and_replaces():
    a, watch = np.zeros(2, "float32"), Watch({0: np.ones((1, 2)), 1: np.ones(1)}, in_place={1})
    replaced = watch(0, a + 2, {"a": a})
    a += 1
    assert (replaced.tolist(), replaced.dtype.name) == ([1, 1], "float32")
    assert watch.read[0]["a"].tolist() == [0, 0]  # as it was
    assert watch(1, np.float64(3), {}) == 1  # of a number that += has changed
    watch(2, np.zeros(2), {})
    watch(2, np.zeros(3), {})
    assert watch.log[2] is None


def vanishes(x, W):
    u = x @ W - 1
    return u * 0 + x @ W


def does_not_vanish(x, W, dy):
    du = dy * 1
    return (du + dy) @ W.T, x.T @ (du + dy)


def test_of_nothing_any_number_is_infinitely_far():
    found = first_wrong_line(vanishes, does_not_vanish, x=x, W=W)
    assert (found.text, found.difference) == ("du = dy * 1", np.inf)


def test_what_is_found_too_late_is_not_said(monkeypatch):
    """Runs that the end has cut short look like runs that fail."""
    monkeypatch.setitem(first_wrong_line.__globals__, "found", lambda *_: WrongLine(1, "dz = dh", "dz", 1.0))
    assert first_wrong_line(forward, right, seconds=-1, x=x, W=W, b=b) is None


def taken(x, k, places, W):
    return (x * k)[places] @ W


def changes_its_arguments(x, k, places, W, dy):
    dW = (x * k)[places].T @ dy
    dx = np.zeros_like(x)
    dx[places] = dy @ W.T
    places[:] = 0
    return dx, dW


def test_arguments_stay():
    places = np.array([1, 0])
    first_wrong_line(taken, changes_its_arguments, x=x, k=3, places=places, W=W)
    assert places.tolist() == [1, 0]


TRIED = {
    # name: forward, backward, and mistakes of which no other line is named, or the line itself
    "lists": (
        """
        def forward(xs, h0, U, V):
            h, out = h0, []
            for x in xs:
                h = np.tanh(x @ U + h * V)
                out.append(h)
            return out[-1]
        """,
        """
        def backward(xs, h0, U, V, dlast):
            h, cache = h0, []
            for t, x in enumerate(xs):
                prev = h
                h = np.tanh(x @ U + h * V)
                cache.append((x, prev, h))
            dU = dV = 0
            dxs = []
            dh = dlast
            for kept in cache[::-1]:
                x, prev, h = kept
                dz = (1 - h * h) * dh
                dU = dU + x.T @ dz
                dV = dV + prev * dz
                dxs.insert(0, dz @ U.T)
                dh = dz * V
            return np.array(dxs), dh, dU, dV
        """,
        [("dxs.insert(0, dz", "dxs.insert(0, h"), ("append((x, prev, h", "append((x, h, h"), ("dU + x.T", "dU - x.T"),
         ("append((x, prev, h", "append((x, prev, t + 0 * h"), ("append((x, prev, h", "append((x, t, h")],
    ),
    "steps": (
        """
        def forward(x, W, V):
            h = np.maximum(x @ W, 0)
            return h @ V
        """,
        """
        def backward(x, W, V, dy):
            n = len(dy)
            h = x @ W
            h[h < 0] = 0
            dh = dy @ V.T * 2 / n
            if len(x) == 2:
                dz = dh * (h > 0)
            else:
                dz = dh
            dx = dz @ W.T
            dx += 0 * dx
            return dx, x.T @ dz, h.T @ dy
        """,
        [("h[h < 0] = 0", "h[h < 0] = -1"), ("n = len(dy)", "n = 3"), ("len(x) == 2", "len(x) == 3"),
         ("dz = dh * (h > 0)", "dz = dh * (h < 0)")],
    ),
    "parts": (
        """
        def forward(x, W, V, scale):
            q = x @ W * scale
            k = x @ V
            y = q * k
            return y * x
        """,
        """
        def backward(x, W, V, dout, scale):
            q = x @ W * scale
            k = x @ V
            dy = dout * x
            dq = dy * k
            dk = dy * q
            dx = dout * q * k
            dx += dq @ W.T * scale
            dx += dk @ V.T
            return {"dx": dx, "dW": x.T @ dq * scale, "dV": x.T @ dk}
        """,
        [("dx += dq", "dx = dq"), ("dq = dy * k", "dq = dy * q"), ("x.T @ dk", "q.T @ dk"),
         ("q = x @ W * scale", "q = scale")],
    ),
    "greek": (
        """
        def forward(x, W, b):
            φ = np.tanh(x @ W + b)
            return φ * x
        """,
        """
        def backward(x, W, b, δy):
            φ = np.tanh(x @ W + b)
            δφ = δy * x
            δz = δφ * (1 - φ ** 2)
            δx = δz @ W.T + δy * φ
            return δx, x.T @ δz, δz.sum(axis=0)
        """,
        [("δφ = δy * x", "δφ = δy * φ")],
    ),
    "numbers": (
        """
        def forward(x, W, scale):
            z = x @ W * scale
            return z ** 3
        """,
        """
        def backward(x, W, scale, dy):
            z = x @ W * scale
            dz = 3 * dy * z ** 2
            return dz @ W.T * scale, x.T @ dz * scale
        """,
        [("z = x @ W * scale", "z = scale"), ("z ** 2", "z")],
    ),
    "helpers": (
        """
        def forward(x, W, b):
            return np.tanh(np.tanh(x @ W + b) @ W.T + x)
        """,
        """
        def backward(x, W, b, dy):
            h = np.tanh(x @ W + b)
            y = np.tanh(h @ W.T + x)
            dz = dy * (1 - y * y)
            dh, dWt = of_product(dz, h, W.T)
            da = dh * (1 - h * h)
            dx, dW = of_product(da, x, W)
            return dx + dz, dW + dWt.T, da.sum(axis=0)
        def of_product(dy, x, W):
            dx = dy @ W.T
            dW = x.T @ dy
            return dx, dW
        """,
        [("    return dx, dW", "    return dx, W"), ("dx = dy @ W.T", "dx = -dy @ W.T"),
         ("da = dh * (", "da = dz @ W * (")],
    ),
}  # fmt: skip


NUMBERS = np.random.default_rng(1).normal(size=(6, 2, 2))
GIVEN = {"xs": NUMBERS[:2], "h0": NUMBERS[2], "U": NUMBERS[3], "x": NUMBERS[2], "W": NUMBERS[3], "V": NUMBERS[4],
         "b": NUMBERS[5, 0], "scale": 3}  # fmt: skip


def module_of(path, text):
    path.write_text(text)
    module = importlib.util.module_from_spec(importlib.util.spec_from_file_location(path.stem, path))
    module.__spec__.loader.exec_module(module)
    return module


def first_of(path, text):
    module = module_of(path, text)
    asked = inspect.signature(module.forward).parameters
    return first_wrong_line(module.forward, module.backward, **{name: GIVEN[name] for name in asked})


def test_a_function_of_another_file_is_not_searched(tmp_path):
    text = "def with_slope(h, dh):\n    return dh * (1 + h**2)\n"
    with_slope = module_of(tmp_path / "other.py", text).with_slope

    def backward(x, W, b, dy):
        h = np.tanh(x @ W + b)
        dz = with_slope(h, dy * 2 * h)
        return dz @ W.T, x.T @ dz, dz.sum(axis=0)

    assert first_wrong_line(forward, backward, x=x, W=W, b=b).text == "dz = with_slope(h, dy * 2 * h)"


@pytest.mark.parametrize("name", TRIED)
def test_the_line_or_none(name, tmp_path):
    *texts, mistakes = TRIED[name]
    right = "import numpy as np\n" + "\n".join(map(textwrap.dedent, texts))
    assert first_of(tmp_path / "right.py", right) is None
    for k, (one, other) in enumerate(mistakes):
        wrong = other.join(right.rsplit(one, 1))
        found = first_of(tmp_path / f"wrong_{k}.py", wrong)
        assert wrong != right
        assert found is None or [found.line] == changed(right, wrong), (other, found)


def test_nothing_is_said_of_a_very_long_file():
    """The search runs outside of the sandbox: a file made to be long must not keep the grader."""
    lines = "\n        ".join(f"q = df * {k}.5" for k in range(1000))
    text = source("lstm_steps").replace("dz_f = df * f", f"{lines}\n        dz_f = 3 * df * f")
    question = CODE["lstm_backward"]
    assert first_wrong(question, {question.file: text}, question.visible()[1], DEFAULT, None) is None
