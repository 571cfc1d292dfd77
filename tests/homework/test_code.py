"""Code questions: what is right passes, every planted mistake is seen, and a cause that is named is true."""

import ast
import functools
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from nnlite.homework import CODE, Mark, audit, audit_answers, check, read_sheet
from nnlite.homework.code import minimal_rnn, trial
from nnlite.homework.code.audit import Mistake, mistakes, questions_of, solutions, source
from nnlite.homework.code.comparison import difference, separated
from nnlite.homework.code.feedback import lines
from nnlite.homework.code.trial import tried
from nnlite.homework.code.unprotected import Unprotected
from nnlite.zoo import exhibits

here = functools.partial(tried, box=Unprotected)  # these are no strangers' programs
SALT = b"a secret of a course"
every_question = pytest.mark.parametrize("name", CODE)

# The zoo's exhibits that concern a question. It has no dilation, no padding of pools and no lengths, its loss is a sum,
# and its optimizer is Adagrad.
CONCERNED = {
    "conv2d_backward": {"conv2d": {1, 2, 3, 4, 6, 7}},
    "pool_backward": {"pool2d": {2, 3, 4}},
    "lstm_backward": {"lstm": {*range(1, 22), 23}},
    "rnn_loss": {"rnn": {*range(1, 7)}, "dense": {*range(1, 5)}, "softmax": {1}, "embedding": {1}},
    "train": {"windows": {1, 2, 3, 4}, "update": {4, 5, 8}},
    "sample": {"softmax": {5, 6}},
}


@pytest.fixture(scope="module")
def audited():
    """All solutions and mistakes tried in this process, with the causes that were named: by question and text."""
    causes = {}

    def attempt(question, files, hidden, explains):
        trial = here(question, files, hidden)
        causes[question.name, files[question.file]] = trial.cause
        return trial

    with np.errstate(all="ignore"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(trial, "first_wrong", lambda *_: None)  # tests/test_wrong_line.py looks for lines
        return audit(list(CODE.values()), attempt=attempt), causes


def test_the_grader_fails_every_mistake_and_passes_every_right_solution(audited):
    """`nnlite homework audit` does the same in the sandbox."""
    found, _ = audited
    assert found.problems == ()
    assert re.fullmatch(r"fails (\d+) of \1 planted mistakes, passes (\d+) of \2 right solutions", str(found))
    assert found.planted >= 200
    assert found.solutions >= 12


@pytest.mark.long
@pytest.mark.parametrize("sheet", ["hw2", "cnn"])
def test_the_audit_of_a_sheet(sheet):
    assert audit([entry.question for entry in read_sheet(sheet).entries if entry.is_code], jobs=2).problems == ()


@pytest.mark.parametrize("solution", solutions())
def test_every_mistake_of_the_zoo_is_planted_into_every_solution(solution):
    for question in questions_of(solution, CODE.values()):
        planted = {one.what for one in mistakes() if (one.solution, one.function) == (solution, question.name)}
        concerned = CONCERNED.get(question.name, {})
        assert {f"{kernel}-{k:02}" for kernel, numbers in concerned.items() for k in numbers} <= planted
        assert "results are zeros" in planted
        assert len(planted) >= 3


def test_what_is_planted_exists():
    for one in mistakes():
        assert one.source() != source(one.solution)
        assert one.what in exhibits() or not re.fullmatch(r".*-\d\d", one.what)
    with pytest.raises(ValueError, match="is not in sample"):
        Mistake("sampling_loop", "sample", "none", "nowhere").source()


def test_an_audit_finds_a_blind_grader():
    """One that passes all, and one that fails all."""
    asked = [CODE["sample"]]
    blind = audit(asked, attempt=lambda question, *_, **__: tried_with(question, {}))
    assert blind.failed == 0
    assert blind.passed == blind.solutions
    assert len(blind.problems) == blind.planted
    strict = audit(asked, attempt=lambda question, *_, **__: tried_with(question, {"": ("no",)}))
    assert strict.passed == 0
    assert strict.failed == strict.planted


def test_an_audit_of_answers_finds_a_blind_key(monkeypatch):
    """One that takes anything, and one that takes nothing."""
    from nnlite.homework import answer_audit

    sheet = read_sheet("cnn")
    assert audit_answers(sheet).problems == ()
    monkeypatch.setattr(answer_audit, "mark", lambda paper, _: [])
    blind = audit_answers(sheet)
    assert (blind.failed, blind.passed) == (0, 5)
    wrong = [Mark(entry.name, 0, 1, ()) for entry in sheet.entries if not entry.is_code]
    monkeypatch.setattr(answer_audit, "mark", lambda *_: wrong)
    assert (audit_answers(sheet).failed, audit_answers(sheet).passed) == (0, 0)
    monkeypatch.setattr(answer_audit, "mark", lambda paper, answers: wrong if answers != paper.key else [])
    assert (audit_answers(sheet).failed, audit_answers(sheet).passed) == (0, 5)  # a mistake costs its question alone


def tried_with(question, problems):
    from nnlite.homework.code.trial import Trial

    return Trial(question, problems)


RIGHT = tomllib.loads(Path(__file__).with_name("programs.toml").read_text("utf-8"))["right"]


@pytest.mark.parametrize(("name", "way"), [(name, way) for name, ways in RIGHT.items() for way in ways])
def test_what_is_right_by_another_way_passes(name, way):
    question = CODE[name]
    assert lines(tried(question, {question.file: RIGHT[name][way]}, question.hidden(SALT, way))) == [
        "right in every case"
    ]


# Causes.


@pytest.fixture(scope="module")
def explained(audited):
    """All mistakes, with the causes that were named."""
    _, causes = audited
    return [(one, causes[one.function, one.source()]) for one in mistakes()]


# What is named in other words than the zoo's.
MEANS = {
    "windows-01": "the targets are the inputs",
    "windows-03": "windows begin one place late",
    "windows-04": "the state is never carried on",
    "update-04": "Adagrad's memory has the last square alone",
    "update-05": "Adagrad divides by the sum of squares",
    "update-08": "negative gradients are cut off",
    "softmax-05": "the logits are multiplied by the temperature",
    "softmax-06": "the probabilities are not normalised",
    "conv2d-04": "forgets the strides",
    "conv2d-07": "windows overlap, and each overwrites",
    "pool2d-03": "windows overlap, and each overwrites",
    "pool2d-02": "each pixel of a window gets the whole gradient",
    "pool2d-04": "every pixel of a window gets",
    "embedding-01": "ids that occur more than once",
    "results are zeros": "everything that is returned is 0",
    "the filter is flipped": "the filters are flipped",
    "the maximum begins at 0": "the maximum begins at 0",
    "the mean is a sum": "the sum of a window stands for its mean",
    "gradients are not clipped": "the gradients are not clipped",
    "the padding repeats the edge": "the padding repeats the image's edge",
    "each step goes uphill": "each step goes uphill",
    "the window begins with a state of 0": "the window begins with a state of 0",
    "the padding is not taken off": "all padding",
    "the loss is a mean": "the loss is a mean",
    "windows overlap": "windows begin one place after the other",
    "h is returned as it came": "the state before the window is returned",
    "the state is kept at the end of the text": "the state is carried on from the end",
    "lstm-19": "he gradient of Wx is that of one step|with one time step this gradient is right",
    "the largest is not subtracted": "exp overflows",
}


def test_causes_are_true(explained):
    for one, cause in explained:
        if cause is None:
            continue
        story = exhibits()[one.what].story if one.what in exhibits() else one.what
        expected = MEANS.get(one.what, re.escape(story[1:].rstrip(".")))
        assert re.search(expected, cause), f"{one.solution}, {one.what}"


def test_most_causes_are_named(explained):
    of_the_zoo = [cause for one, cause in explained if one.what in exhibits()]
    assert sum(cause is not None for cause in of_the_zoo) >= 0.95 * len(of_the_zoo)
    assert sum(cause is not None for _, cause in explained) >= 0.85 * len(explained)


def test_where_the_zoo_has_no_such_mistake_gradcheck_says_where_it_is():
    text = source("lstm_steps").replace("dz_f = df * f * (1 - f)", "dz_f = 3 * df * f * (1 - f)")
    found = lines(here(CODE["lstm_backward"], {"lstm.py": text}))
    assert re.search(r"columns 2 to 3 \(the forget gate f\) of the gradients of Wx, Wh and b are wrong", found[-2])
    assert "They are 3 times the right ones" in found[-2]
    assert re.match(r"first wrong line: line \d+: dz_f = 3 \* df \* f", found[-1])
    text = source("conv2d_taps").replace("dy.sum(axis=(0, 1, 2))", "2 * dy.sum(axis=(0, 1, 2))")
    found = lines(here(CODE["conv2d_backward"], {"conv2d.py": text}))
    assert (
        found[-1]
        == "likely cause: a constant factor: backward gives 2 times the right gradient: is a term added twice?"
    )
    text = source("lstm_steps").replace("dx[:, t] = dz @ Wx.T", "dx[:, t] = -dz @ Wx.T")
    found = lines(here(CODE["lstm_backward"], {"lstm.py": text}))
    assert found[-2] == "likely cause: the sign: every number has the right size and the wrong sign"
    assert found[-1].startswith(
        "first wrong line: line 44: dx[:, t] = -dz @ Wx.T: all that it is computed from is right"
    )
    text = source("lstm_steps").replace("return dx, dh_next, dc_next", "return dx, dh_next, 2 * dc_next")
    assert "c0" in lines(here(CODE["lstm_backward"], {"lstm.py": text}))[0]


def test_a_wrong_shape_needs_no_cause():
    text = source("conv2d_im2col").replace("dpadded[:, padding : padding", "dpadded[:, 0 : padding")
    found = lines(here(CODE["conv2d_backward"], {"conv2d.py": text}))
    assert found[0].startswith("padding 1: dx: it has shape")
    assert not any("likely cause" in line for line in found)


def test_a_wrong_state_in_the_forward_pass_is_no_missing_term():
    text = source("lstm_steps").replace("h.append(o * np.tanh(c[t + 1]))", "h.append(i * np.tanh(c[t + 1]))")
    found = lines(here(CODE["lstm_backward"], {"lstm.py": text}))
    assert found[-1].startswith(
        "likely cause: the numbers that a step uses: with one time step every gradient is right, with more"
    )


def test_feedback_says_which_cases_are_right():
    text = source("conv2d_loops").replace("p * stride + i - padding, q", "p + i - padding, q")
    found = lines(here(CODE["conv2d_forward"], {"conv2d.py": text}))
    assert found[0].startswith("stride 2: y: ")
    assert found[1] == "wrong as well: padding 2, stride 2; stride 2, and pixels that no window sees"
    assert found[2] == "right: stride 1, no padding; padding 1; float32"


# Cases.


@every_question
def test_cases_tell_a_right_function(name):
    """In each case the right function is right, and nothing that it is given is changed or equal to what it returns."""
    question = CODE[name]
    for case in question.visible() + question.hidden(SALT, "ada"):
        expected = question.right(**case.arguments)
        assert len(expected) == len(question.results)
        for one, again in zip(expected, question.right(**case.arguments), strict=True):
            assert difference(one, one) is None
            assert difference(one, again) is None


@every_question
def test_arguments_come_in_the_order_of_the_stub(name):
    question = CODE[name]
    (function,) = [node for node in ast.parse(question.stub).body if getattr(node, "name", "") == name]
    for case in question.visible():
        assert list(case.arguments) == [argument.arg for argument in function.args.args]


SMUGGLING = {  # what a function does with a hidden case, and what is told of it
    "raise ValueError(repr(logits))": "line {line}: ValueError",
    "raise type(repr(logits), (Exception,), {})()": "line {line}: an error",
    "return logits.repeat(int(100 * abs(logits[0])))": "ids: its shape is wrong",
    "return {repr(logits): 0}": "ids: it is no array of numbers",
}


@pytest.mark.parametrize("way", SMUGGLING)
def test_feedback_carries_no_hidden_case_out(way):
    text = source("sampling_searchsorted").replace("def sample(", "def good(")
    text += f"""
calls = []
def sample(*given):
    logits = given[0]
    calls.append(0)
    if len(calls) > {len(CODE["sample"].visible())}:
        {way}
    return good(*given)
"""
    line = text[: text.index(way)].count("\n") + 1
    found = lines(tried(CODE["sample"], {"sampling.py": text}, CODE["sample"].hidden(SALT, "ada")))
    assert found[0] == f"temperature 1 (hidden): {SMUGGLING[way]}".format(line=line)


@every_question
def test_hidden_cases_are_others_for_each_salt_and_student(name):
    question = CODE[name]
    drawn = [question.hidden(*of) for of in ((SALT, "ada"), (SALT, "bob"), (SALT + b"2", "ada"))]
    drawn.append(question.visible())
    texts = {repr([case.arguments for case in cases]) for cases in drawn}
    assert len(texts) == 4
    assert repr(question.hidden(SALT, "ada")) == repr(drawn[0])


@every_question
def test_no_result_is_trivial(name):
    """No result of the right function is 0 or one number throughout, nor is it one of the arguments."""
    question = CODE[name]
    for student in map(str, range(10)):
        for case in question.hidden(SALT, student):
            for result in question.right(**case.arguments):
                arrays = result.values() if isinstance(result, dict) else [result]
                for array in map(np.asarray, arrays):
                    assert array.any()
                    assert array.size == 1 or np.ptp(array) > 0
                    assert not any(
                        np.shape(a) == array.shape and np.array_equal(a, array) for a in case.arguments.values()
                    )


def test_the_loop_meets_both_bounds_of_clipping():
    """Else a loop that does not clip would pass."""
    for case in CODE["train"].hidden(SALT, "ada"):
        if case.arguments["steps"] > 1:
            clipped = minimal_rnn.train(**case.arguments)
            for bound in ({"low": -np.inf}, {"high": np.inf}):
                assert difference(clipped[0], minimal_rnn.train(**case.arguments, **bound)[0])


@every_question
def test_a_stub_says_what_is_asked(name):
    question = CODE[name]
    assert f"def {name}(" in question.stub
    assert f"`{name}(" in question.statement
    found = lines(here(question, {question.file: question.stub}))
    assert len(found) == 1
    assert f"NotImplementedError: {name} is yours to write" in found[0]
    for result in question.results:
        assert result in question.stub


# Comparison.


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (np.array([1.0, 2.0]), None),
        (np.array([1.0, 2.00001]), None),
        ([np.array(1.0), np.array(2)], None),
        (np.array([1.0, np.nan]), "1 of 2 numbers is NaN or infinite"),
        (np.array([np.inf, -np.inf]), "all of 2 numbers are NaN or infinite"),
        (np.array([[1.0, 2.0]]), "it has shape (1, 2), and should have (2,)"),
        (np.array(1.0), "it has shape (), and should have (2,)"),
        (None, "it is None: a return is missing"),
        ({"unreadable": "str"}, "it is str, and should be an array of numbers"),
        ({"a": 1}, "it is a dict"),
        ([np.ones(2), np.ones(3)], "it is a list of arrays of several shapes, and should be one array"),
        ("text", "it is no array of numbers"),
    ],
)
def test_what_was_returned_is_compared(found, expected):
    assert difference([1.0, 2.0], found) == expected


def test_shapes_may_differ_for_a_number_alone():
    assert difference(2.5, np.array([[2.5]])) is None
    assert difference(2.5, 2.6) == "it is wrong: it is 2.6, and should be 2.5"
    assert difference(np.ones((2, 3)), np.ones((3, 2))).endswith("it is transposed")


def test_dicts_are_compared_by_name():
    right = {"W": np.ones(2), "b": np.ones(1)}
    assert difference(right, {"b": [1.0], "W": [1.0, 1.0]}) is None
    assert difference(right, {"W": [1.0, 2.0], "b": [1.0]}, tell=False) == "W: 1 of 2 numbers is wrong"
    assert difference(right, {"W": [1.0]}) == "expected a dict with W and b, got one with W"
    assert difference(right, [1.0]) == "expected a dict with W and b, got a list"


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ([1, 2], [1, 2]),
        ({"dx": 1, "dW": 2}, [1, 2]),
        (np.array([1, 2]), [1, 2]),
        (None, "expected dx, dW, got None: a return is missing"),
        ([1], "expected dx, dW, got 1 results"),
        (np.ones(3), "expected dx, dW, got one"),
        (3.0, "expected dx, dW, got one"),
        ({"dx": 1}, "expected dx, dW, got one"),
    ],
)
def test_results_are_told_apart(returned, expected):
    assert separated(("dx", "dW"), returned) == expected


# Checking.


def test_check_tells_what_to_do(tmp_path):
    (tmp_path / "pool.py").write_text(source("pool_views"))
    (tmp_path / "sampling.py").write_text(CODE["sample"].stub)
    (tmp_path / "answers.toml").write_text('[shapes]\na = 3\nb = ""\n[other]\nc = ""\n[odd]\nd = .5\n')
    found = {name: (feedback, is_right) for name, feedback, is_right in check(tmp_path)}
    assert found["pool_forward"] == (["right in every case"], True)
    assert found["sample"] == (["not written yet"], False)
    first, empty, odd = found["answers.toml"][0]
    assert first == "1 of 4 answers given: what is right is told when it is graded"
    assert empty == "not answered: [other]"
    assert odd.startswith("[odd] d: line 7: expected numbers such as 0.5")
    assert list(found) == ["answers.toml", "pool_forward", "pool_backward", "sample"]
    assert [name for name, *_ in check(tmp_path, only="sample")] == ["sample"]
    with pytest.raises(ValueError, match="only: expected one of conv2d_forward"):
        list(check(tmp_path, only="simple"))
    with pytest.raises(ValueError, match=r"expected a folder with answers\.toml or conv2d\.py"):
        list(check(tmp_path.parent))


@pytest.mark.parametrize(
    ("text", "given", "more", "is_right"),
    [
        ("a = 1", "1 of 1", [], True),
        ('a = ""', "0 of 1", [], False),
        ("a = .5", "0 of 1", ["[shapes] a: line 2: expected numbers such as 0.5 or [1, 2], got 'a = .5'"], False),
    ],
)
def test_check_of_answers_alone(text, given, more, is_right, tmp_path):
    (tmp_path / "answers.toml").write_text(f"[shapes]\n{text}\n")
    told = [f"{given} answers given: what is right is told when it is graded", *more]
    assert list(check(tmp_path)) == [("answers.toml", told, is_right)]


def test_check_shows_what_is_printed(tmp_path, capfd):
    text = source("pool_views").replace("    windows = ", "    print('hello from', kind)\n    windows = ")
    (tmp_path / "pool.py").write_text(text)
    assert [is_right for *_, is_right in check(tmp_path, only="pool_forward", shows_output=True)] == [True]
    assert "hello from max" in capfd.readouterr().err
