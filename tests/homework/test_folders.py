"""The folders of a course: what is in them, what is not, and how they are made."""

import datetime
import json
import os
import re
import stat
import sys
import tomllib

import numpy as np
import pytest
from extras import import_extra

from nnlite.homework import mark, new, read_answers, read_paper, read_roster, read_salt, read_sheet, read_stored_sheet
from nnlite.saving import atomic_file

ROSTER = "id,name\nada,Ada Lovelace\nalan.turing@x.org,Alan Turing\ns_12-3,Someone\n"
STUDENTS = ["ada", "alan.turing@x.org", "s_12-3"]
DEADLINE = datetime.datetime.fromisoformat("2026-12-01T23:59:00+01:00")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    (folder / "roster.csv").write_text(ROSTER, "utf-8")
    return new(read_sheet("hw2"), read_roster(folder / "roster.csv"), folder / "hw2", DEADLINE)


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_each_student_has_a_folder(course):
    assert sorted(os.listdir(course / "students")) == STUDENTS
    handed_out = {"sheet.md", "sheet.ipynb", "answers.toml"}
    stubs = {"conv2d.py", "pool.py", "lstm.py", "minimal_rnn.py", "sampling.py"}
    for student in STUDENTS:
        assert set(os.listdir(course / "students" / student)) == handed_out | stubs


def test_sheet_and_notebook_say_the_same(course):
    for student in STUDENTS:
        folder = course / "students" / student
        cells = json.loads((folder / "sheet.ipynb").read_text("utf-8"))["cells"]
        text = "\n\n".join(cell["source"] for cell in cells if cell["cell_type"] == "markdown")
        assert text + "\n" == (folder / "sheet.md").read_text("utf-8")


def test_the_notebook_has_the_numbers(course):
    nbformat = import_extra("nbformat", "docs")
    notebook = nbformat.read(course / "students" / "ada" / "sheet.ipynb", as_version=4)
    nbformat.validate(notebook)
    names: dict = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            exec(cell.source, names)
    numbers = read_paper(course / "instructor", "ada").numbers["temperature"]
    np.testing.assert_array_equal(names["z"], numbers["z"])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_instructors_folder_is_private(course):
    assert stat.S_IMODE((course / "instructor").stat().st_mode) == 0o700
    assert stat.S_IMODE((course / "instructor" / "salt").stat().st_mode) == 0o600


def test_no_student_has_a_key_or_the_salt(course):
    salt = read_salt(course / "instructor")
    for student in STUDENTS:
        paper = read_paper(course / "instructor", student)
        key = [n for fields in paper.key.values() for value in fields.values() for n in np.ravel(value).tolist()]
        secret = [str(number) for number in key if len(str(number)) > 6]  # short ones are in any text
        assert len(secret) > 30
        for data in files(course / "students").values():
            assert salt not in data
            assert salt.hex().encode() not in data
            text = data.decode("utf-8")
            assert not [number for number in secret if number in text]


def test_others_numbers_are_in_no_folder(course):
    """A sheet has the numbers of its student alone."""
    raw = {student: read_paper(course / "instructor", student).numbers["lstm_step"]["Wx"] for student in STUDENTS}
    for student in STUDENTS:
        text = (course / "students" / student / "sheet.ipynb").read_text("utf-8")
        assert [other for other, numbers in raw.items() if str(numbers) in text] == [student]


def test_stored_draws_make_the_same_paper(course):
    instructor = course / "instructor"
    sheet = read_stored_sheet(instructor)
    assert (sheet.name, sheet.deadline) == ("hw2", DEADLINE)
    paper = sheet.paper(read_salt(instructor), "ada")
    assert paper.numbers == read_paper(instructor, "ada").numbers
    assert paper.markdown() == (course / "students" / "ada" / "sheet.md").read_text("utf-8")


def test_the_worked_key_is_there_and_its_short_form_is_right(course):
    for student in STUDENTS:
        answers = read_answers((course / "instructor" / "keys" / f"{student}.toml").read_bytes())
        assert all(one.points == one.of for one in mark(read_paper(course / "instructor", student), answers))
        assert "The layer computes the same." in (course / "instructor" / "keys" / f"{student}.md").read_text("utf-8")


def test_students_who_join_are_added(course):
    before = files(course)
    (course.parent / "longer.csv").write_text(ROSTER + "bob,Bob\n", "utf-8")
    new(read_sheet("hw2"), read_roster(course.parent / "longer.csv"), course)
    after = files(course)
    assert {name for name in after if before.get(name) != after[name]} - {"instructor/roster.csv"} == {
        name for name in after if re.search(r"\bbob\b", name)
    }
    assert "01 December 2026" in (course / "students" / "bob" / "sheet.md").read_text("utf-8")
    assert len(read_roster(course / "instructor" / "roster.csv")) == 4


def test_a_roster_of_those_who_join_alone_forgets_nobody(tmp_path):
    folder = new(read_sheet("cnn"), [{"id": "ada", "name": "Ada"}, {"id": "bob", "name": "Bob"}], tmp_path / "cnn")
    new(read_sheet("cnn"), [{"id": "eve", "email": "eve@x.edu"}, {"id": "bob", "email": "bob@x.edu"}], folder)
    assert read_roster(folder / "instructor" / "roster.csv") == [
        {"id": "ada", "name": "Ada", "email": ""},
        {"id": "eve", "name": "", "email": "eve@x.edu"},
        {"id": "bob", "name": "", "email": "bob@x.edu"},
    ]
    with pytest.raises(ValueError, match="roster: id: expected 'ada', as it was, got 'Ada'"):
        new(read_sheet("cnn"), [{"id": "Ada"}], folder)
    assert "Ada" not in os.listdir(folder / "students")


@pytest.mark.parametrize("text", ["", "secret", "ab" * 16])
def test_a_salt_that_was_changed_grades_nobody(text, tmp_path):
    folder = new(read_sheet("cnn"), [{"id": "ada"}], tmp_path / "cnn") / "instructor"
    (folder / "salt").write_text(text)
    with pytest.raises(ValueError, match=r"expected 64 hexadecimal digits, .* take the file from a backup"):
        read_salt(folder)


DRAWS = {
    "deep": "[" * 100_000, "empty": "", "no question": "{}", "a list": "[]", "null": "null", "digits": "9" * 5000,
    "no numbers": '{"temperature": 3}', "not finite": None,
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWS)
def test_numbers_that_were_changed_grade_nobody(name, tmp_path):
    folder = new(read_sheet("hw2"), [{"id": "ada"}], tmp_path / "hw2") / "instructor"
    path, text = folder / "draws" / "ada.json", DRAWS[name]
    if text is None:
        numbers = json.loads(path.read_text("utf-8"))
        numbers["temperature"]["z"][0] = float("nan")
        text = json.dumps(numbers)
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"ada\.json: expected the numbers that `new` has written, .* from a backup"):
        read_paper(folder, "ada")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize("name", ["salt", "draws/ada.json"])
def test_a_pipe_grades_nobody(name, tmp_path):
    folder = new(read_sheet("cnn"), [{"id": "ada"}], tmp_path / "cnn") / "instructor"
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(OSError, match="not a file but a device or a pipe"):
        read_salt(folder) and read_paper(folder, "ada")


def test_an_interrupted_student_is_written_again(tmp_path, monkeypatch):
    sheet, roster = read_sheet("cnn"), [{"id": "ada"}, {"id": "bob"}]

    def interrupt(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("nnlite.homework.paper.Paper.worked", interrupt)
        with pytest.raises(KeyboardInterrupt):
            new(sheet, roster, tmp_path / "cnn")
    assert not os.listdir(tmp_path / "cnn" / "instructor" / "draws")
    new(sheet, roster, tmp_path / "cnn")
    assert len(os.listdir(tmp_path / "cnn" / "instructor" / "keys")) == 4


@pytest.mark.parametrize("written", [0, 1, 2, 3, 4])
def test_an_interrupted_start_is_begun_anew(written, tmp_path, monkeypatch):
    """After so many files of the instructor's; each is whole."""
    begun, write = [], atomic_file.write

    def interrupted(path, data):
        if len(begun) == written:
            raise KeyboardInterrupt
        begun.append(path)
        write(path, data)

    sheet, roster = read_sheet("cnn"), [{"id": "ada"}, {"id": "bob"}]
    with monkeypatch.context() as patched:
        patched.setattr(atomic_file, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            new(sheet, roster, tmp_path / "cnn")
    new(sheet, roster, tmp_path / "cnn")
    assert sorted(os.listdir(tmp_path / "cnn")) == ["instructor", "students"]
    assert sorted(os.listdir(tmp_path / "cnn" / "students")) == ["ada", "bob"]
    assert read_roster(tmp_path / "cnn" / "instructor" / "roster.csv") == roster


def test_ids_that_a_second_submission_would_mix_up_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"roster: id: .* got 'rs' and 'rs_2', the name of a second submission of rs"):
        new(read_sheet("cnn"), [{"id": "rs_2"}, {"id": "rs"}], tmp_path / "cnn")
    folder = new(read_sheet("cnn"), [{"id": "rs-12"}, {"id": "rs_2"}], tmp_path / "cnn")
    with pytest.raises(ValueError, match="'rs' and 'rs-12'"):
        new(read_sheet("cnn"), [{"id": "RS"}], folder)
    (tmp_path / "roster.csv").write_text("id\nrs\nRS-2\n")
    with pytest.raises(ValueError, match=r"roster.csv: id: .* got 'rs' and 'rs-2'"):
        read_roster(tmp_path / "roster.csv")


def test_another_folder_stays_as_it_is(tmp_path, course):
    (tmp_path / "work.txt").touch()
    with pytest.raises(FileExistsError, match=r"expected a new folder, or one of `new`.*by --to"):
        new(read_sheet("hw2"), [{"id": "ada"}], tmp_path)
    with pytest.raises(FileExistsError, match="expected the sheet that its students have"):
        new(read_sheet("cnn"), [{"id": "ada"}], course)


def test_another_salt_for_each_course(tmp_path):
    sheet = read_sheet("cnn")
    numbers = [
        read_paper(new(sheet, [{"id": "ada"}], tmp_path / name) / "instructor", "ada").numbers for name in ("a", "b")
    ]
    assert numbers[0] != numbers[1]


def test_a_later_deadline(tmp_path):
    folder, later = tmp_path / "cnn", DEADLINE + datetime.timedelta(days=7)
    for deadline in (DEADLINE, later, None):
        new(read_sheet("cnn"), [{"id": "ada"}], folder, deadline)
    assert read_stored_sheet(folder / "instructor").deadline == later
    assert "deadline" in tomllib.loads((folder / "instructor" / "sheet.toml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name\nAda\n", "expected a column id in its first line, got 'name': begin with id,name"),
        (
            "id\n../../etc\n",
            "roster.csv, line 2: id: expected letters .* got '../../etc': it becomes the name of a folder",
        ),
        ("id\nada\n\n.hidden\n", "line 4: id: expected letters"),
        (f"id\n{'a' * 64}\n{'b' * 65}\n", "line 3: id: expected letters"),
        ("id\nada\nADA\n", "line 3: id: expected each student once, got 'ADA' again"),
        ("id,name\n,Ada\n", "line 2: id: expected letters .* got ''"),
        ("id\n", "expected a student in each line after the first, got none"),
        ("", "expected a column id"),
        (
            f"id\nada\n{'b' * 300_000}\n",
            "roster.csv, line 3: expected a line of a CSV, .*: field larger",
        ),
        ("ab" * 5000, r"expected a column id in its first line, got '(ab){99}a: begin"),
    ],
)
def test_what_is_wrong_with_a_roster(text, message, tmp_path):
    (tmp_path / "roster.csv").write_text(text, "utf-8")
    with pytest.raises(ValueError, match=message):
        read_roster(tmp_path / "roster.csv")


def test_a_roster_in_another_encoding(tmp_path):
    (tmp_path / "roster.csv").write_bytes("id,name\nada,Zoë\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"roster.csv: expected a text in UTF-8, got another encoding: save it"):
        read_roster(tmp_path / "roster.csv")


@pytest.mark.parametrize(
    "text",
    ["ID;Name\nada;Ada\n", "\ufeffid\tname\r\nada\tAda\r\n", "name, Id\nAda, ada \n", 'id, name\nada, "Ada"\n'],
)
def test_rosters_of_other_programs(text, tmp_path):
    (tmp_path / "roster.csv").write_text(text, "utf-8", newline="")
    (row,) = read_roster(tmp_path / "roster.csv")
    assert row["id"] == "ada"
    assert sorted(row.values()) == ["Ada", "ada"]


def test_ids_are_checked_in_python_too(tmp_path):
    with pytest.raises(ValueError, match="roster: id: expected letters"):
        new(read_sheet("cnn"), [{"id": "../up"}], tmp_path / "cnn")
    assert not os.listdir(tmp_path)


class TestCommand:
    def test_makes_the_folders(self, tmp_path, monkeypatch, nnlite_command):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "roster.csv").write_text(ROSTER, "utf-8")
        arguments = "cnn", "--roster", "roster.csv", "--deadline", DEADLINE.isoformat()
        code, output, _ = nnlite_command("homework", "new", *arguments)
        assert code == 0
        assert "cnn/students    3 folders, one for each student: hand them out" in output
        assert "homework grade SUBMISSIONS --instructor cnn/instructor" in output
        assert sorted(os.listdir(tmp_path / "cnn")) == ["instructor", "students"]

    @pytest.mark.parametrize("when", ["tomorrow", "2026-12-01T23:59:00"])
    def test_a_deadline_that_is_none(self, when, tmp_path, monkeypatch, nnlite_command):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "roster.csv").write_text(ROSTER, "utf-8")
        code, _, error = nnlite_command("homework", "new", "cnn", "--roster", "roster.csv", "--deadline", when)
        assert code == 1
        assert re.match("nnlite: .*deadline: expected a time.* such as 2026-12-01T23:59:00.01:00, got", error)
        assert not (tmp_path / "cnn").exists()
