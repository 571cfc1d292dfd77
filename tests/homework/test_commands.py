"""The commands of `nnlite homework`, from roster to CSV."""

import csv
import json
import os
import re
import shutil
import zipfile
from types import SimpleNamespace

import pytest
from extras import import_extra

from nnlite.cli import homework
from nnlite.homework import sandbox
from nnlite.homework.code.audit import source

QUIZ = """
title = "Quiz"
[[question]]
kind = "temperature"
points = 4
[[question]]
kind = "code"
name = "sample"
points = 6
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quiz.toml").write_text(QUIZ)
    (tmp_path / "roster.csv").write_text("id,name\nada,Ada\nbob,Bob\n")
    return tmp_path


def test_from_roster_to_csv(here, nnlite_command):
    assert nnlite_command("homework", "new", "quiz.toml", "--roster", "roster.csv")[0] == 0
    student = here / "quiz/students/ada"
    code, out, _ = nnlite_command("homework", "check", str(student))
    assert code == 1
    assert "--  sample: not written yet" in out
    shutil.copy("quiz/instructor/keys/ada.toml", student / "answers.toml")
    (student / "sampling.py").write_text(source("sampling_loop").replace("/ temperature", "* temperature"))
    code, out, _ = nnlite_command("homework", "check", str(student), "--only", "sample")
    assert code == 1
    assert "      likely cause: the logits are multiplied by the temperature: divide\n" in out
    (student / "sampling.py").write_text(source("sampling_loop"))
    code, out, _ = nnlite_command("homework", "check", str(student))
    assert (code, "All of this is right." in out) == (0, True)
    (here / "submissions").mkdir()
    shutil.make_archive("submissions/ada", "zip", student)
    (here / "submissions" / "\x1b[31mmallory").mkdir()
    code, out, _ = nnlite_command("homework", "grade", "submissions", "--instructor", "quiz/instructor")
    assert code == 0
    assert "2 students, 1 of whom handed in" in out
    assert "Points: 10 to 10, median 10 of 10" in out
    assert "no student is called so: '\\x1b[31mmallory'" in out
    with open("grades/grades.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["points"], row["sample"]) for row in rows] == [("ada", "10", "6"), ("bob", "0", "0")]
    assert "right in every case" in (here / "grades/feedback/ada.md").read_text()


def test_check_shows_what_one_function_prints(nnlite_command, monkeypatch):
    asked = []
    monkeypatch.setattr(homework, "check_folder", lambda *_, **how: asked.append(how) or [("sample", ["right"], True)])
    assert nnlite_command("homework", "check", "--only", "sample")[0] == 0
    assert asked == [{"only": "sample", "shows_output": True}]


def test_times_are_compared_with_the_deadline(here, nnlite_command):
    course = "--roster", "roster.csv", "--to", "mine", "--deadline", "2020-01-01T00:00:00+00:00"
    assert nnlite_command("homework", "new", "quiz.toml", *course)[0] == 0
    shutil.copytree("mine/students/ada", "submissions/ada")
    (here / "times.csv").write_text("submission,time\nada,2020-01-02T12:00:00+00:00\n")
    code, out, _ = nnlite_command(
        *("homework", "grade", "submissions", "--instructor", "mine", "--times", "times.csv", "--to", "late")
    )
    assert (code, "bob: " in out) == (0, False)  # who handed in nothing is counted, and not spoken of
    with open("late/grades.csv", newline="") as file:
        assert [row["days_late"] for row in csv.DictReader(file)] == ["2", "0"]


def test_grade_says_what_this_system_cannot_forbid(here, nnlite_command, monkeypatch):
    nnlite_command("homework", "new", "quiz.toml", "--roster", "roster.csv")
    (here / "submissions").mkdir()

    class Leaky:
        missing = ("files", "processes and network")
        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda *_: None  # noqa: E731

    monkeypatch.setattr(sandbox, "Sandbox", lambda *_: Leaky())
    assert sandbox.weakness().startswith(
        "This system cannot shut graded code off from files, and processes and network"
    )
    monkeypatch.setattr(homework, "weakness", lambda: "it cannot")
    with pytest.warns(UserWarning, match="it cannot"):
        homework.grade(here / "submissions", here / "quiz", jobs=1)


def test_an_audit_prints_what_it_found(here, nnlite_command):
    (here / "one.toml").write_text(QUIZ)
    code, out, _ = nnlite_command("homework", "audit", "one.toml")
    assert code == 0
    code_line, answers_line = out.splitlines()
    assert code_line == "fails 14 of 14 planted mistakes, passes 3 of 3 right solutions"
    assert re.fullmatch(r"of answers: fails (\d+) of \1 planted mistakes, passes 5 of 5 right sheets", answers_line)


@pytest.mark.parametrize("of", ["code", "answers"])
def test_an_audit_that_finds_a_problem_fails(of, here, nnlite_command, monkeypatch):
    for name in ("code", "answers"):
        found = SimpleNamespace(problems=["a mistake is not noticed"] if name == of else [])
        monkeypatch.setattr(homework, f"audit_{name}", lambda *_, found=found: found)
    code, out, _ = nnlite_command("homework", "audit", "quiz.toml")
    assert (code, out.splitlines()[-1]) == (1, "  a mistake is not noticed")


def test_export_writes_what_other_graders_take(here, nnlite_command):
    nnlite_command("homework", "new", "quiz.toml", "--roster", "roster.csv")
    code, out, _ = nnlite_command("homework", "export", "gradescope", "quiz")  # the instructor's folder is found in it
    assert (code, "autograder.zip" in out) == (0, True)
    with zipfile.ZipFile("autograder.zip") as archive:
        assert {"setup.sh", "run_autograder", "instructor/salt", "instructor/draws/ada.json"} <= set(archive.namelist())
    assert nnlite_command("homework", "export", "gradescope", "quiz")[0] == 0  # over the older one
    code, _, error = nnlite_command("homework", "export", "gradescope", "quiz", "--to", "roster.csv")
    assert (code, error) == (
        1,
        "nnlite: roster.csv is not an autograder of nnlite, which would overwrite it: name another by --to\n",
    )
    import_extra("jupytext", "homework")
    assert nnlite_command("homework", "export", "nbgrader", "quiz.toml")[0] == 0
    code, _, error = nnlite_command("homework", "export", "nbgrader", "quiz.toml")
    assert (code, error.split(":")[1]) == (1, " quiz.ipynb is there already, and may be your work")
    assert json.loads((here / "quiz.ipynb").read_text())["nbformat"] == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "nowhere"], "got it cannot be read: No such file"),
        (["check", "."], "expected a folder with answers.toml or conv2d.py"),
        (["check", "--only", "simple"], "only: expected one of conv2d_forward"),
        (["grade", "nowhere", "--instructor", "quiz/instructor"], "nowhere: No such file or directory"),
        (["grade", ".", "--instructor", "nowhere"], "No such file or directory"),
        (["grade", ".", "--instructor", "quiz/instructor", "--to", "roster.csv"], "roster.csv: File exists"),
        (["export", "moodle", "hw2"], "export: expected one of gradescope, nbgrader, got 'moodle'"),
        (["export", "gradescope", "nowhere"], "No such file or directory"),
        (["audit", "hw3"], "sheet: expected one of"),
        (["export", "gradescope", "quiz", "--wheel", "roster.csv"], "wheel: expected the path of a wheel"),
        (["new", "quiz.toml", "--roster", "roster.csv", "--deadline", "soon"], "deadline: expected a time such as"),
        *(
            (["grade", ".", "--instructor", "quiz/instructor", f"--seconds={n}"], "seconds: expected a finite number")
            for n in (0, -1, "nan", "inf", 1e18)
        ),
        (["grade", ".", "--instructor", "quiz/instructor", "--times", "pipe"], "pipe: it is not a file but a device"),
        (["grade", ".", "--instructor", "quiz/instructor", "--times", "long.csv"], "long.csv, line 2: expected a line"),
        (["new", "quiz.toml", "--roster", "pipe"], "pipe: it is not a file but a device or a pipe"),
    ],
)
def test_mistakes_are_told(here, nnlite_command, arguments, message):
    nnlite_command("homework", "new", "quiz.toml", "--roster", "roster.csv")
    (here / "long.csv").write_text(f"submission,time\n{'a' * 300_000},\n")
    if "pipe" in arguments:
        if not hasattr(os, "mkfifo"):
            pytest.skip("this system has no pipes among its files")
        os.mkfifo(here / "pipe")
    code, _, err = nnlite_command("homework", *arguments)
    assert code == 1
    assert message in err
    assert err.count("\n") == 1
