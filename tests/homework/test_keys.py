"""The numbers and keys of many students: right, different, never degenerate, of equal length."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from extras import import_extra

from nnlite.homework import read_sheet
from nnlite.homework.marking import problem
from nnlite.homework.questions import KINDS

SALT = b"the salt of a course, for tests only"
SHEETS = "hw2", "cnn"
STUDENTS = [f"student{number}" for number in range(10_000)]
SOME = slice(0, 25)
MANY = [slice(start, start + 500) for start in range(0, len(STUDENTS), 500)]


@pytest.fixture(scope="module")
def papers():
    """Some papers of each sheet."""
    return {name: [read_sheet(name).paper(SALT, student) for student in STUDENTS[SOME]] for name in SHEETS}


def asked(paper):
    """(kind, question, numbers, key) of each question that is answered."""
    for entry in paper.sheet.entries:
        if not entry.is_code:
            yield entry.question.kind, entry.question, paper.numbers[entry.name], paper.key[entry.name]


def check_against_torch(papers):
    outside = import_extra("homework_in_torch", "peers")
    for paper in papers:
        for kind, question, numbers, key in asked(paper):
            expected = outside.answers(kind, question, numbers)
            assert list(expected) == list(key)
            for name, value in expected.items():
                where = f"{paper.student}: {kind}: {name}"
                np.testing.assert_allclose(
                    np.asarray(key[name]), outside.as_array(value), rtol=1e-9, atol=1e-9, err_msg=where
                )


@pytest.mark.parametrize("name", SHEETS)
def test_keys_equal_pytorch(name, papers):
    check_against_torch(papers[name])


@pytest.mark.long
@pytest.mark.parametrize("name", SHEETS)
@pytest.mark.parametrize("some", MANY, ids=str)
def test_the_keys_of_ten_thousand_equal_pytorch(name, some):
    papers = [read_sheet(name).paper(SALT, student) for student in STUDENTS[some]]
    check_against_torch(papers)
    check_none_is_degenerate(papers)


@pytest.mark.long
@pytest.mark.parametrize("name", SHEETS)
def test_no_two_of_ten_thousand_sheets_are_alike(name):
    sheet = read_sheet(name)
    assert len({json.dumps(sheet.paper(SALT, student).numbers) for student in STUDENTS}) == len(STUDENTS)


def test_the_numbers_of_the_original_homework():
    shapes = {"height": 32, "width": 32, "channels": 3, "filters": 8, "kernel": 5, "stride": 1, "padding": 0}
    key = KINDS["conv_shapes"]().key(shapes)
    assert (key["parameters"], key["output"]) == (608, [28, 28, 8])
    corners = ["top left", "top right", "bottom right", "bottom left"]
    key = KINDS["pooled_corners"]().key({"block": 1, "rest": 0, "corners": corners})
    assert key["maximum"] == [[[1, 1], [1, 1]]] * 4
    assert key["average"] == [
        [[1, 0.5], [0.5, 0.25]],
        [[0.5, 1], [0.25, 0.5]],
        [[0.25, 0.5], [0.5, 1]],
        [[0.5, 0.25], [1, 0.5]],
    ]


@pytest.mark.parametrize("name", SHEETS)
def test_no_two_sheets_are_alike(name, papers):
    assert len({json.dumps(paper.numbers) for paper in papers[name]}) == len(papers[name])


@pytest.mark.parametrize("name", SHEETS)
def test_none_is_degenerate(name, papers):
    check_none_is_degenerate(papers[name])


def check_none_is_degenerate(papers):
    for paper in papers:
        for kind, _, numbers, key in asked(paper):
            assert IS_SOUND[kind](numbers, key), (paper.student, kind, numbers)


# What would make a question pointless, said without the catalogue's code.


def has_no_ties(rows):
    windows = np.array(rows).reshape(2, 2, 2, 2).swapaxes(1, 2).reshape(4, 4)
    return all(len(set(window)) == 4 for window in windows.tolist())


def is_away_from_0(key, *names):
    return all(np.abs(key[name]).min() > 1e-3 for name in names)


IS_SOUND = {
    "conv_shapes": lambda n, _: n["height"] != n["width"],
    "pooled_corners": lambda n, _: n["block"] > n["rest"] != 0,
    "convolution": lambda n, key: (
        is_away_from_0(key, "y", "dW", "db") and not np.array_equal(n["W"], np.flip(n["W"])) and np.all(n["dy"])
    ),
    "lstm_step": lambda n, key: (
        is_away_from_0(key, "g", "c", "h", "dh", "dc", "do", "di", "df")
        and all(np.abs(np.array(key[gate]) - 0.5).min() > 1e-3 for gate in "ifo")
    ),
    "gradient_flow": lambda n, key: n["w_small"] < 1 < n["w_large"] and is_away_from_0(key, "dc_last") and n["c"] != 0,
    "cleaning": lambda n, key: key["count"] > 0 and n["letter"].upper() in n["raw"] and -1 not in key["ids"],
    "minimal_recipe": lambda n, key: (
        abs(n["gradients"][0]) > 5 > abs(n["gradients"][1]) > 0 and is_away_from_0(key, "adagrad", "sgd")
    ),
    "temperature": lambda n, key: len(set(n["z"])) == 4 and len(set(key["drawn"])) > 1,
    "cnn_shapes": lambda n, key: any(size % 2 for size in key["after_3"][:2]),
    "pool_gradient": lambda n, key: has_no_ties(n["x"]) and len(set(np.ravel(n["dy"]).tolist())) == 4,
    "cross_entropy": lambda n, key: all(len(set(row)) == 3 for row in n["logits"]),
}


def test_every_kind_is_in_a_sheet_and_known_here():
    assert {kind for name in SHEETS for kind, *_ in asked(read_sheet(name).paper(SALT, "ada"))} == set(KINDS)
    assert set(IS_SOUND) == set(KINDS)


@pytest.mark.parametrize("name", SHEETS)
def test_a_question_takes_all_students_about_as_long(name, papers):
    counts: dict[str, list[int]] = {}
    for paper in papers[name]:
        for kind, question, numbers, _ in asked(paper):
            counts.setdefault(kind, []).append(question.operations(numbers))
    for kind, found in counts.items():
        assert max(found) <= 1.2 * min(found), kind


@pytest.mark.parametrize("kind", KINDS)
def test_a_mistake_changes_what_it_says_it_changes(kind):
    question = KINDS[kind]()
    sheet = next(read_sheet(name) for name in SHEETS if kind in {e.name for e in read_sheet(name).entries})
    paper = sheet.paper(SALT, "ada")
    key, mistakes = paper.key[kind], question.mistakes(paper.numbers[kind])
    assert len(mistakes) >= 2
    for story, leads_to in mistakes.items():
        for name, wrong in leads_to.items():
            assert np.shape(wrong) == np.shape(key[name]), story
            assert problem(key[name], wrong, sheet.tolerance), story


@pytest.mark.parametrize("name", SHEETS)
def test_threads_find_the_same_keys(name, papers):
    """Submissions are graded in several threads."""
    questions = [(question, numbers, key) for paper in papers[name] for _, question, numbers, key in asked(paper)]
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(lambda one: one[0].key(one[1]), 4 * questions)
        assert list(found) == [key for *_, key in 4 * questions]


@pytest.mark.parametrize("name", SHEETS)
def test_worked_keys_end_in_the_key(name, papers):
    """What derive writes agrees with the layers, and the numbers of the key are in the text."""
    for paper in papers[name][:3]:
        text = paper.worked()
        assert "<- differs" not in text
        shown = np.array(re.findall(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?", text), float)
        for kind, _, _, key in asked(paper):
            for field, value in key.items():
                for number in np.ravel(value).tolist():
                    assert np.isclose(shown, number, rtol=1e-3, atol=1e-9).any(), (kind, field, number)
