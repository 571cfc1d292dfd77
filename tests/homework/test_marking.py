"""Answers and their marks: right ones, wrong ones, and what cannot be read."""

import copy
import datetime
import tomllib
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlite.homework import mark, read_answers, read_sheet
from nnlite.homework.marking import problem
from nnlite.homework.paper import mistakes_show

SALT = b"the salt of a course, for tests only"
PAPER = read_sheet("hw2").paper(SALT, "ada")


def marks(answers):
    return {one.question: one for one in mark(PAPER, answers)}


def lost(answers):
    return {name for name, one in marks(answers).items() if one.points < one.of}


@pytest.fixture
def answers():
    return copy.deepcopy(PAPER.key)


def test_the_key_earns_all_points():
    found = mark(PAPER, read_answers(PAPER.answers().encode()))
    assert sum(one.points for one in found) == sum(entry.points for entry in PAPER.sheet.entries if not entry.is_code)
    assert {line.split(": ")[1] for one in found for line in one.feedback} == {"right"}


def test_four_digits_are_enough(answers):
    rounded = {
        question: {name: np.vectorize(lambda n: float(f"{n:.4g}"))(value).tolist() for name, value in key.items()}
        for question, key in answers.items()
    }
    whole = {"conv_shapes", "minimal_recipe"}  # a number of parameters has five
    assert lost(rounded) <= whole


@pytest.mark.parametrize("question", PAPER.key)
def test_a_wrong_answer_costs_its_part_of_its_question(question, answers):
    for name in answers[question]:
        wrong = copy.deepcopy(answers)
        value = np.array(wrong[question][name], float)
        value.flat[-1] = 1.1 * value.flat[-1] + 1
        wrong[question][name] = value.tolist()
        found = marks(wrong)[question]
        assert lost(wrong) == {question}
        assert found.points == round(found.of * (1 - 1 / len(answers[question])), 2)
        said = next(line for line in found.feedback if line.startswith(f"{name}: "))
        last = "".join(f"[{size - 1}]" for size in value.shape)
        assert said == (f"{name}: 1 of {value.size} differ: {last}" if value.shape else f"{name}: differs")


def test_feedback_never_says_the_right_number(answers):
    for question, key in answers.items():
        for name, value in key.items():
            answers[question][name] = (np.array(value, float) * 3 + 7).tolist()
    text = " ".join(line for one in mark(PAPER, answers) for line in one.feedback)
    for key in PAPER.key.values():
        for value in key.values():
            for number in np.ravel(value).tolist():
                assert number == int(number) or f"{number:.4g}" not in text


def test_a_mistake_of_students_is_named(answers):
    question = next(e.question for e in PAPER.sheet.entries if e.name == "convolution")
    flipped = question.mistakes(PAPER.numbers["convolution"])["the kernel is flipped, by 180 degrees"]
    answers["convolution"]["y"] = flipped["y"]
    assert marks(answers)["convolution"].feedback[-1] == "y: this comes out if the kernel is flipped, by 180 degrees"


def test_shapes_are_said(answers):
    answers["lstm_step"]["dc"] = 2 * [answers["lstm_step"]["dc"]]
    answers["lstm_step"]["df"] = "half"
    answers["lstm_step"]["dh"] = ""
    said = marks(answers)["lstm_step"].feedback
    assert "dc: expected 2 numbers, got 2 x 2 numbers" in said
    assert "df: expected 2 numbers, got something else" in said
    assert "dh: not answered" in said


def test_one_number_may_be_an_array_and_a_row_a_matrix(answers):
    answers["convolution"]["db"] = [answers["convolution"]["db"]]
    for name in ("i", "dc"):
        answers["lstm_step"][name] = [answers["lstm_step"][name]]
    assert lost(answers) == set()
    answers["lstm_step"]["i"] = [answers["lstm_step"]["i"][0] * 2]
    assert lost(answers) == {"lstm_step"}


def test_how_far_an_answer_may_be_off():
    """A hundredth of the right number, and a thousandth of the largest one beside it; whole numbers are equal."""
    assert problem([1.0, 10.0], [1.0199, 10.1099], 0.01) == ""
    assert problem([1.0, 10.0], [1.0201, 10.1101], 0.01) == "2 of 2 differ: [0], [1]"
    assert problem([1, 10], [1.001, 10], 0.01) == "1 of 2 differ: [0]"


@pytest.mark.parametrize(("count", "more"), [(8, ""), (9, ", ...")])
def test_eight_wrong_entries_are_named(count, more):
    named = ", ".join(f"[{i}]" for i in range(8))
    assert problem([1.0] * count, [2.0] * count, 0.01) == f"{count} of {count} differ: {named}{more}"


@pytest.mark.parametrize(
    ("right", "wrong", "shows"),
    [(3, 3, False), (3, 4, True), (3, [3], True), (1.0, 1.03, False), (1.0, 1.04, True), ([1.0, 2], [1.0, 3], True)],
)
def test_a_mistake_shows_where_it_is_off_by_more_than_three_times_the_tolerance(right, wrong, shows):
    question = SimpleNamespace(key=lambda _: {"a": right}, mistakes=lambda _: {"it was guessed": {"a": wrong}})
    assert mistakes_show(question, {}, 0.01) == shows


def test_what_is_not_asked_is_said(answers):
    answers["temperature"]["entropie"] = 1
    assert marks(answers)["temperature"].feedback[-1] == "entropie: no such answer is asked for"
    answers["temprature"] = answers.pop("temperature")
    (said,) = marks(answers)["temperature"].feedback
    assert said == "not answered ([temprature]: no question is called so)"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, [[1], [2, 3]], [], True, {"a": 1}, "nan", None])
def test_strange_values_are_wrong(value, answers):
    answers["gradient_flow"]["dc_last"] = value
    assert lost(answers) == {"gradient_flow"}


def test_an_empty_form_earns_nothing():
    form = PAPER.form()
    assert {name: set(table.values()) for name, table in tomllib.loads(form).items()} == {
        name: {""} for name in PAPER.key
    }
    for one in mark(PAPER, read_answers(form.encode())):
        assert (one.points, one.feedback) == (0, ("not answered",))


def test_a_line_that_cannot_be_read_costs_that_answer_alone():
    text = PAPER.answers().replace("dc_last = ", "dc_last = .5 # ").replace("p = [[", "p = [[[")
    line = text[: text.index("dc_last")].count("\n") + 1
    found = marks(read_answers(text.encode()))
    assert found["gradient_flow"].points == round(found["gradient_flow"].of * 5 / 6, 2)
    said = next(line for line in found["gradient_flow"].feedback if line.startswith("dc_last"))
    assert said.startswith(f"dc_last: line {line}: expected numbers such as 0.5 or [1, 2], got 'dc_last = .5 #")
    assert [name for name, one in found.items() if one.points < one.of] == ["gradient_flow", "temperature"]


def test_an_array_may_have_several_lines():
    text = "[lstm_step]\ni = [\n  1,  # one\n  2,\n]\n\nf = [\n[5]\n]\n"
    assert read_answers(text.encode()) == {"lstm_step": {"i": [1, 2], "f": [[5]]}}


def test_an_answer_that_is_there_twice():
    text = PAPER.answers() + "[temperature]\ndrawn = 1\n"
    line = text.count("\n")
    assert f"drawn: line {line}: drawn is there twice" in marks(read_answers(text.encode()))["temperature"].feedback


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_editors_write_other_encodings_and_line_ends(encoding):
    text = "\ufeff" + PAPER.answers().replace("\n", "\r\n")
    assert lost(read_answers(text.encode(encoding))) == set()


def test_a_file_may_not_be_huge():
    assert read_answers(b"#" * 200_000) == {}
    with pytest.raises(ValueError, match="expected at most 200,000 bytes, got 200,001"):
        read_answers(b"#" * 200_001)
    parts = b"[temperature]\np = 1\n" + b"a." * 90_000 + b"b = 1"  # which tomllib would need minutes for
    assert read_answers(parts)["temperature"]["p"].startswith("line 2: expected numbers")
    deep = b"[temperature]\np = " + b"[" * 100_000
    assert lost(read_answers(PAPER.answers().split("[temperature]")[0].encode() + deep)) == {"temperature"}


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.datetimes() | st.just(datetime.time()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
TABLES = st.dictionaries(st.sampled_from([name for key in PAPER.key.values() for name in key]), VALUES, max_size=4)


@settings(max_examples=settings.default.max_examples // 2)
@given(st.dictionaries(st.sampled_from([*PAPER.key, "other"]), TABLES | st.text(), max_size=4))
def test_any_answers_are_marked(answers):
    for one in mark(PAPER, answers):
        assert 0 <= one.points <= one.of
        assert one.feedback


@given(st.binary(max_size=300) | st.text(alphabet='[]=".,0159eé#\n{}ip_ ', max_size=200).map(str.encode))
def test_any_bytes_are_read(data):
    for start in (b"", b"[temperature]\n"):
        assert len(mark(PAPER, read_answers(start + data))) == len(PAPER.key)


def test_a_file_without_answers():
    assert read_answers(b"") == read_answers(b"# mine\n") == {}
