"""Grading: what is handed in in all shapes, hostile ones among them, and what becomes of it."""

import csv
import dataclasses
import datetime
import io
import json
import os
import re
import stat
import struct
import time
import tomllib
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from extras import import_extra
from files import write_over
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nnlite.homework import (
    Grade,
    Limits,
    Mark,
    Submission,
    as_gradescope,
    grade,
    grade_one,
    new,
    read_paper,
    read_salt,
    read_sheet,
    read_submissions,
    read_times,
    write_autograder,
    write_grades,
)
from nnlite.homework.code.audit import source
from nnlite.homework.grades import as_csv, as_markdown
from nnlite.homework.gradescope import main as run_autograder
from nnlite.homework.gradescope import results
from nnlite.homework.grading import days_late
from nnlite.homework.parallel import CORES, in_threads
from nnlite.homework.submissions import read_folder

SHEET = """
title = "Small"
deadline = 2026-12-01T12:00:00+01:00
late_percent = 10

[[question]]
kind = "temperature"
points = 4

[[question]]
kind = "code"
name = "pool_forward"
points = 3

[[question]]
kind = "code"
name = "pool_backward"
points = 5

[[question]]
kind = "code"
name = "sample"
points = 8
"""
DEADLINE = datetime.datetime(2026, 12, 1, 11, tzinfo=datetime.UTC)
QUICK, AT_ONCE = Limits(seconds=8), Limits(seconds=0.8)
POOL = source("pool_views")
SAMPLE = source("sampling_searchsorted")


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    (folder / "small.toml").write_text(SHEET)
    students = [{"id": name, "email": f"{name}@x.edu"} for name in ("ada", "bob", "eve", "s_2")]
    return new(read_sheet(folder / "small.toml"), students, folder / "small")


@pytest.fixture
def instructor(course):
    return course / "instructor"


def right(course, student="ada"):
    """The files of a submission without mistakes."""
    answers = (course / "instructor" / "keys" / f"{student}.toml").read_bytes()
    return {"answers.toml": answers, "pool.py": POOL.encode(), "sampling.py": SAMPLE.encode()}


def write(folder, files, time=None):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
        if time:
            os.utime(folder / name, (time.timestamp(),) * 2)


def zipped(path, files, time=None):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    if time:
        os.utime(path, (time.timestamp(),) * 2)


def points(one):
    return {mark.question: mark.points for mark in one.marks}


FULL = {"temperature": 4, "pool_forward": 3, "pool_backward": 5, "sample": 8}


def graded(course, files, time=DEADLINE, only=tuple(FULL), limits=QUICK):
    paper = read_paper(course / "instructor", "ada")
    entries = tuple(entry for entry in paper.sheet.entries if entry.name in only)
    paper = dataclasses.replace(paper, sheet=dataclasses.replace(paper.sheet, entries=entries))
    return grade_one(paper, Submission("ada", time, 1, files), read_salt(course / "instructor"), limits)


def test_a_right_submission_gets_all_points(course):
    found = graded(course, right(course))
    assert points(found) == FULL
    assert found.points == found.of == 20
    assert found.notes == ()


def test_what_is_handed_out_gets_none(course):
    files = {path.name: path.read_bytes() for path in (course / "students" / "ada").iterdir()}
    found = graded(course, files)
    assert found.points == 0
    assert found.marks[0].feedback == ("not answered",)
    assert "NotImplementedError" in found.marks[1].feedback[0]


def test_an_empty_submission_gets_none(course):
    found = graded(course, {})
    assert found.points == 0
    assert found.marks[1].feedback == ("pool.py is missing",)


# Files in the place of sampling.py.
PROGRAMS = {
    kind: {name: text.replace("{SAMPLE}", SAMPLE) for name, text in programs.items()}
    for kind, programs in tomllib.loads(Path(__file__).with_name("programs.toml").read_text("utf-8")).items()
    if kind != "right"  # see test_code.py
}
HOSTILE = PROGRAMS["hostile"] | {"a null": "x = '\0'\n", "not Python": "%PDF-1.7\xff\xfe"}
UNUSUAL = PROGRAMS["unusual"] | {"a byte order mark": "\ufeff" + SAMPLE, "Windows": SAMPLE.replace("\n", "\r\n")}


ENDLESS = "loop", "sleep", "patched wire"


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_function_costs_its_question_alone(course, kind):
    files = right(course) | {"sampling.py": HOSTILE[kind].encode("latin-1")}
    limits = AT_ONCE if kind in ENDLESS else QUICK
    found = graded(course, files, only=("temperature", "sample"), limits=limits)
    assert points(found) == {"temperature": 4, "sample": 0}
    assert found.notes == ()
    assert ("positional argument" in found.marks[1].feedback[0]) == (kind == "other arguments")
    for line in found.marks[1].feedback:
        assert 0 < len(line) < 600
        assert line.isprintable()


def test_a_hostile_function_costs_not_its_neighbour(course):
    """pool_forward and pool_backward share a file: each is called in a process of its own."""
    for lines in ("import os\n    os._exit(0)", "globals().clear()\n    return 0", "raise SystemExit"):
        text = POOL.replace("    windows = ", f"    {lines}\n    windows = ")
        files = right(course) | {"pool.py": text.encode()}
        found = graded(course, files, only=("pool_forward", "pool_backward"))
        assert points(found) == {"pool_forward": 0, "pool_backward": 5}


def test_what_is_right_in_unusual_ways_gets_all_points(course):
    for kind, text in UNUSUAL.items():
        files = right(course) | {"sampling.py": text.encode()}
        assert graded(course, files, only=("sample",)).points == 8, kind


def test_helpers_in_other_files_are_taken_along(course):
    files = right(course) | {"sampling.py": b"from mine import sample", "mine.py": SAMPLE.encode()}
    assert graded(course, files, only=("sample",)).points == 8


@pytest.mark.parametrize(
    "answers", [b"\xff\xfe\x00", b"[temperature", b"[" * 10000, b"x" * 10**6, b"[temperature]\np = 1e999"]
)
def test_answers_that_cannot_be_read_cost_themselves_alone(course, answers):
    files = right(course) | {"answers.toml": answers}
    assert points(graded(course, files, only=("temperature", "sample"))) == {"temperature": 0, "sample": 8}


# Times.


def test_each_day_begun_costs_a_part(course):
    on_time = graded(course, right(course))
    assert "late" not in as_markdown(on_time)
    paper = read_paper(course / "instructor", "ada")
    for late, expected in ((-1, 20), (0, 20), (1, 18), (86400, 18), (86401, 16), (864000, 0), (10**8, 0)):
        submission = Submission("ada", DEADLINE + datetime.timedelta(seconds=late))
        found = dataclasses.replace(on_time, days_late=days_late(paper, submission))
        assert found.points == expected
        assert ("late, and costs" in as_markdown(found)) == (late > 0)
        assert ("costs 100 % of the points" in as_markdown(found)) == (expected == 0)


def test_the_last_submission_counts_or_the_last_one_in_time(course, instructor, tmp_path):
    good, bad = right(course), {"answers.toml": b""}
    before, after, later = (DEADLINE + datetime.timedelta(hours=hours) for hours in (-2, 3, 30))
    write(tmp_path / "ada", good, before)  # superseded in time by a worse one
    zipped(tmp_path / "ada_2.zip", bad, before + datetime.timedelta(hours=1))
    zipped(tmp_path / "ada_3.zip", bad, after)  # late and as bad: the last one
    write(tmp_path / "bob", right(course, "bob"), before)
    zipped(tmp_path / "bob_2.zip", bad, after)  # late and worse
    zipped(tmp_path / "bob (3).zip", bad, later)
    write(tmp_path / "eve", bad, before)
    zipped(tmp_path / "eve-2.zip", right(course, "eve"), after)  # late and better
    write(tmp_path / "stranger", good)
    (tmp_path / ".DS_Store").write_text("")
    grades, unknown = grade(tmp_path, instructor, limits=QUICK)
    found = {one.student: (one.points, one.submission and one.submission.name, one.days_late) for one in grades}
    assert found == {
        "ada": (0, "ada_3.zip", 1), "bob": (20, "bob", 0), "eve": (18, "eve-2.zip", 1), "s_2": (0, None, 0),
    }  # fmt: skip
    assert unknown == ["stranger"]
    folder = write_grades(grades, tmp_path / "grades")
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO((folder / "grades.csv").read_text()))}
    assert rows["eve"] == {
        "id": "eve", "points": "18", "of": "20", "temperature": "4", "pool_forward": "3", "pool_backward": "5",
        "sample": "8", "days_late": "1", "submission": "eve-2.zip", "notes": "",
    }  # fmt: skip
    assert rows["s_2"]["notes"] == "nothing was handed in"
    assert sorted(path.name for path in (folder / "feedback").iterdir()) == ["ada.md", "bob.md", "eve.md", "s_2.md"]
    assert "That is a day late, and costs 10 % of the points." in (folder / "feedback" / "eve.md").read_text()


def test_an_error_ends_those_that_wait():
    begun = []

    def late(number):
        begun.append(number)
        time.sleep(0.01)
        raise ValueError(f"number {number}")

    with pytest.raises(ValueError, match="number 0"):
        in_threads(late, range(100), jobs=2)
    assert len(begun) < 100


def test_there_are_no_more_at_once_than_cores():
    running, most = [], []

    def one(number):
        running.append(number)
        most.append(len(running))
        time.sleep(0.005)
        running.remove(number)

    in_threads(one, range(20 * CORES), jobs=20 * CORES)
    assert 1 <= max(most) <= CORES


def test_times_can_be_given(tmp_path):
    (tmp_path / "times.csv").write_text(
        "submission,time\nada.zip,2026-12-02T12:00:00+01:00\nada_2.zip,2026-11-02T12:00:00Z\n"
    )
    times = read_times(tmp_path / "times.csv")
    zipped(tmp_path / "ada.zip", {"pool.py": b"1"})
    zipped(tmp_path / "ada_2.zip", {"pool.py": b"2"})
    found, _ = read_submissions(tmp_path, ["ada"], times)
    assert [one.name for one in found["ada"]] == ["ada_2.zip", "ada.zip"]  # by time
    assert found["ada"][1].time == datetime.datetime(2026, 12, 2, 11, tzinfo=datetime.UTC)
    with pytest.raises(ValueError, match=r"times: expected names of what is in .*, got ada_2: correct their lines"):
        read_submissions(tmp_path, ["ada"], {"ada_2": DEADLINE})
    for text in (
        "a,b\n",
        "submission,time\nada,yesterday\n",
        "submission,time\nada,2026-12-02T12:00:00\n",
        "submission,time\nada\n",
    ):
        (tmp_path / "times.csv").write_text(text)
        with pytest.raises(ValueError, match=r"times\.csv"):
            read_times(tmp_path / "times.csv")


def test_an_id_that_looks_like_a_resubmission_is_itself(tmp_path):
    for name in ("s_2.zip", "s_2_2.zip", "s.zip", "S_3.ZIP"):
        zipped(tmp_path / name, {"pool.py": name.encode()})
    found, unknown = read_submissions(tmp_path, ["s", "s_2"])
    assert [one.name for one in found["s"]] == ["s.zip", "S_3.ZIP"]
    assert [one.name for one in found["s_2"]] == ["s_2.zip", "s_2_2.zip"]
    assert unknown == []


# What a submission can be.


def read_one(folder):
    return read_submissions(folder, ["ada"])[0]["ada"][0]


def test_files_are_found_in_the_folder_inside(tmp_path):
    zipped(
        tmp_path / "ada.zip",
        {"hw/ada/pool.py": b"1", "hw/ada/answers.toml": b"2", "__MACOSX/hw/ada/pool.py": b"3", "hw/pool.py": b"4"},
    )
    assert read_one(tmp_path).files == {"pool.py": b"1", "answers.toml": b"2"}
    zipped(tmp_path / "ada.zip", {"hw/pool.py": b"1", "__MACOSX/hw/answers.toml": b"2"})
    assert read_one(tmp_path).files == {"pool.py": b"1"}
    (tmp_path / "ada.zip").unlink()
    write(tmp_path / "ada" / "hw2", {"pool.py": b"1", "notes.txt": b"2", "my file.py": b"3"})
    assert read_one(tmp_path).files == {"pool.py": b"1"}
    (tmp_path / "ada" / "hw2" / "pool.py").unlink()
    zipped(tmp_path / "ada" / "hw2" / "work.zip", {"pool.py": b"5"})
    assert read_one(tmp_path).files == {"pool.py": b"5"}


def test_files_are_found_below_a_note(tmp_path):
    write(tmp_path / "ada", {"README.md": b"hello"})
    write(tmp_path / "ada" / "hw2" / "mine", {"pool.py": b"1", "answers.toml": b"2"})
    write(tmp_path / "ada" / "old", {"pool.py": b"3"})
    assert read_one(tmp_path).files == {"pool.py": b"1", "answers.toml": b"2"}
    write(tmp_path / "ada", {"pool.py": b"4", "answers.toml": b"5"})
    assert read_one(tmp_path).files == {"pool.py": b"4", "answers.toml": b"5"}


def test_a_folder_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    write(tmp_path / "ada", {"pool.py": b""})

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refuse)
    monkeypatch.setattr(os, "scandir", refuse)  # of os.walk
    assert read_folder(tmp_path / "ada").problems == ("it cannot be read: Permission denied",)


@pytest.mark.parametrize("way", ["folder", "zip", "folder below", "zip of a folder"])
def test_names_that_are_nearly_right_are_told(tmp_path, way):
    names = ["Answers.toml", "answers.toml.txt", "pool (1).py", "lstm.py.txt", "sheet.md", "sheet.ipynb"]
    if "zip" in way:
        zipped(tmp_path / "ada.zip", {("ada/" if "folder" in way else "") + name: b"" for name in names})
    else:
        write(tmp_path / "ada" / ("hw2" if "below" in way else ""), dict.fromkeys(names, b""))
    one = read_one(tmp_path)
    assert one.files == {}
    assert sorted(problem.partition(" is not read")[0] for problem in one.problems[:4]) == sorted(names[:4])
    assert "no answers.toml and no Python file in it: of a notebook nothing is read" in one.problems[4]


def test_names_and_times_that_nothing_can_hold_end_no_grading(course, instructor, tmp_path, monkeypatch):
    write(tmp_path / "in" / "ada", right(course))
    (tmp_path / "in" / "ada" / os.fsdecode(b"my \xff.py")).touch()
    zipped(tmp_path / "in" / "bob.zip", {"my \x1b[2J.py": b"", "../a \x07.py": b""})
    stat_of = os.fstat
    monkeypatch.setattr(os, "fstat", lambda file: SimpleNamespace(st_mode=stat_of(file).st_mode, st_mtime=1e18))
    found, _ = read_submissions(tmp_path / "in", ["ada", "bob"])
    monkeypatch.undo()
    assert found["ada"][0].time.year == 9999
    grades, _ = grade(tmp_path / "in", instructor, limits=QUICK)
    write_grades(grades, tmp_path / "out")
    notes = (tmp_path / "out" / "grades.csv").read_text("utf-8")
    assert r"'my \udcff.py' is not read" in notes
    assert r"'my \x1b[2J.py' is not read" in notes


def test_code_in_utf_16_is_read(tmp_path):
    write(tmp_path / "ada", {"pool.py": "x = 'é'\r\n".encode("utf-16")})
    assert read_one(tmp_path).code == {"pool.py": "x = 'é'\r\n"}


def test_a_fault_of_the_grader_costs_one_question_and_is_told(course, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("x" * 300)

    monkeypatch.setattr("nnlite.homework.grading.tried", broken)
    found = graded(course, right(course), only=("temperature", "sample"))
    assert points(found) == {"temperature": 4, "sample": 0}
    assert found.marks[1].feedback == ("it could not be graded",)
    assert found.notes == (f"sample could not be graded: RuntimeError: {'x' * 100}",)


def test_answers_that_are_missing_are_told(course):
    files = right(course)
    del files["answers.toml"]
    one = graded(course, files)
    assert points(one) == FULL | {"temperature": 0}
    assert one.marks[0].feedback == ("answers.toml is missing",)


def test_a_zip_cannot_lead_out(tmp_path):
    inside = tmp_path / "in"
    inside.mkdir()
    names = [
        "../pool.py",
        "/etc/pool.py",
        "..\\..\\lstm.py",
        "C:\\conv2d.py",
        "a/../../sampling.py",
        "ok/minimal_rnn.py",
    ]
    zipped(inside / "ada.zip", dict.fromkeys(names, b"1"))
    one = read_one(inside)
    assert one.files == {"minimal_rnn.py": b"1"}
    assert len(one.problems) == 5
    assert all("leads out of the zip" in problem for problem in one.problems)
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "ada.zip"]


def test_links_are_not_followed(tmp_path, instructor):
    key = instructor / "keys" / "ada.toml"
    submissions = tmp_path / "submissions"
    write(submissions / "ada", {"pool.py": b"1"})
    (submissions / "ada" / "answers.toml").symlink_to(key)
    (submissions / "ada" / "sampling.py").symlink_to("/dev/zero")
    os.mkfifo(submissions / "ada" / "lstm.py")
    os.mkfifo(submissions / "ada" / "all.zip")
    one = read_one(submissions)
    assert one.files == {"pool.py": b"1"}
    assert len(one.problems) == 3
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "ada").symlink_to(instructor / "keys")
    assert "expected a folder or a zip" in read_one(tmp_path / "linked").problems[0]
    (tmp_path / "inner" / "ada").mkdir(parents=True)
    (tmp_path / "inner" / "ada" / "x").symlink_to(instructor / "keys")
    assert read_one(tmp_path / "inner").files == {}
    (tmp_path / "pipes" / "ada").mkdir(parents=True)
    os.mkfifo(tmp_path / "pipes" / "ada" / "x.zip")
    assert read_one(tmp_path / "pipes").files == {}
    info = zipfile.ZipInfo("answers.toml")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    (tmp_path / "zips").mkdir()
    with zipfile.ZipFile(tmp_path / "zips" / "ada.zip", "w") as archive:
        archive.writestr(info, str(key))
    one = read_one(tmp_path / "zips")
    assert one.files == {}
    assert "is a link" in one.problems[0]


def test_a_bomb_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "ada.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pool.py", bytes(10**8))
        archive.writestr("answers.toml", "# mine")
    one = read_one(tmp_path)
    assert one.files == {"answers.toml": b"# mine"}
    assert "more than 200,000 bytes" in one.problems[0]
    # One that lies about its size.
    data = bytearray((tmp_path / "ada.zip").read_bytes())
    place = data.index(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<I", 10)
    (tmp_path / "ada.zip").write_bytes(data)
    assert "pool.py" not in read_one(tmp_path).files


def test_not_every_problem_of_thousands_is_told(tmp_path):
    zipped(
        tmp_path / "ada.zip", {f"{start}{number}.py": b"" for number in range(400) for start in ("my ", "my", "../")}
    )
    assert len(read_one(tmp_path).problems) == 10
    write(tmp_path / "ada", {f"my {number}.py": b"" for number in range(99)})
    assert len(read_folder(tmp_path / "ada").problems) == 10


def test_a_zip_of_many_files_is_refused(tmp_path):
    zipped(tmp_path / "ada.zip", {f"a{k}.py": b"" for k in range(60)})
    one = read_one(tmp_path)
    assert len(one.files) == 20
    zipped(tmp_path / "ada.zip", {f"a{k}": b"" for k in range(5001)})
    assert "more than 5,000 files" in read_one(tmp_path).problems[0]


@pytest.mark.parametrize("damage", ["empty", "text", "cut off", "encrypted", "compression", "checksum"])
def test_a_damaged_zip_is_told(tmp_path, damage):
    path = tmp_path / "ada.zip"
    zipped(path, {"pool.py": b"1" * 1000})
    data = bytearray(path.read_bytes())
    if damage == "empty":
        data = b""
    elif damage == "text":
        data = b"my homework"
    elif damage == "cut off":
        data = data[:-30]
    elif damage == "encrypted":
        data[6] |= 1
        data[data.index(b"PK\x01\x02") + 8] |= 1
    elif damage == "compression":
        data[8] = 99
        data[data.index(b"PK\x01\x02") + 10] = 99
    else:
        data[60] ^= 1
    path.write_bytes(data)
    one = read_one(tmp_path)
    assert one.files == {}
    assert "the zip cannot be read" in one.problems[0]


@given(
    places=st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=6),
    kind=st.sampled_from((0, 8, 12, 14)),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@pytest.mark.filterwarnings("ignore")
def test_any_zip_is_read_or_told(tmp_path, places, kind):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", kind) as archive:
        archive.writestr("ada/pool.py", "x = 1\n" * 40)
        archive.writestr("ada/answers.toml", "[a]\nb = 1\n")
    data = bytearray(memory.getvalue())
    for place, value in places:
        data[place % len(data)] = value
    write_over(tmp_path / "ada.zip", data)
    one = read_one(tmp_path)
    assert set(one.files) <= {"pool.py", "answers.toml"} or places
    assert one.problems or one.files or places


def test_other_things_are_told(tmp_path):
    (tmp_path / "ada.zip").mkdir()
    (tmp_path / "ada_2").write_text("my homework")
    (tmp_path / "ada.tar.gz").write_text("")
    found, unknown = read_submissions(tmp_path, ["ada"])
    assert [one.problems for one in found["ada"]] == [
        ("there is no answers.toml and no Python file in it",),
        ("expected a folder or a zip, got something else",),
    ]
    assert unknown == ["ada.tar.gz"]


# Files of grades.


GRADES = [
    Grade(
        "ada",
        (Mark("shapes", 1.5, 2, ("height: differs", "width: right")), Mark("sample", 4, 4, ())),
        Submission("ada-2", datetime.datetime(2026, 11, 30, 23, 5, tzinfo=datetime.UTC), problems=("a zip in a zip",)),
        days_late=3,
        late_percent=10,
        notes=("sample.py: two", "and\rmore"),
    ),
    Grade("bob", (Mark("shapes", 0, 2, ("not handed in",)), Mark("sample", 0, 4, ("not handed in",)))),
]


def test_a_table_of_grades():
    """Three days late cost 30 of 100: of 5.5 points 3.85 are left."""
    assert as_csv(GRADES) == (
        "id,points,of,shapes,sample,days_late,submission,notes\n"
        "ada,3.85,6,1.5,4,3,ada-2,sample.py: two; and more\n"
        "bob,0,6,0,0,0,,\n"
    )
    assert as_csv([]) == "id,points,of,days_late,submission,notes\n"


def test_a_page_for_a_student():
    assert as_markdown(GRADES[0]).split("\n") == [
        "# ada: 3.85 of 6 points",
        "",
        "Graded: `ada-2`, handed in 2026-11-30 23:05 UTC.",
        "That is 3 days late, and costs 30 % of the points.",
        "",
        "    a zip in a zip",
        "",
        "## shapes: 1.5 of 2",
        "",
        "    height: differs",
        "    width: right",
        "",
        "## sample: 4 of 4",
        "",
        "",
    ]
    assert as_markdown(GRADES[1]).startswith("# bob: 0 of 6 points\n\n## shapes: 0 of 2\n\n    not handed in\n")
    late = [dataclasses.replace(GRADES[0], days_late=days) for days in (1, 10, 11)]
    told = [re.search("That is .*", as_markdown(one))[0] for one in late]
    assert told == [
        f"That is {days} late, and costs {n} % of the points."
        for days, n in (("a day", 10), ("10 days", 100), ("11 days", 100))
    ]


def test_what_gradescope_shows():
    found = as_gradescope(GRADES[0])
    assert found.pop("tests")[0] == {
        "name": "shapes",
        "score": 1.5,
        "max_score": 2,
        "status": "failed",
        "output": "height: differs\nwidth: right",
        "output_format": "text",
        "visibility": "visible",
    }
    assert found == {"score": 3.85, "output": "3 days late\nsample.py: two\nand more", "output_format": "text"}
    assert as_gradescope(GRADES[1])["output"] == ""


def test_a_spreadsheet_runs_nothing(course):
    found = graded(course, {})
    found = dataclasses.replace(found, submission=Submission("=cmd()", DEADLINE), notes=("+1", "x"))
    row = list(csv.reader(io.StringIO(as_csv([found]))))[1]
    assert row[-2:] == ["'=cmd()", "'+1; x"]
    for note, cell in (("-1", "'-1"), ("@1", "'@1"), ("\t=1", "' =1"), ("\r+1", "' +1"), ("a\rb", "a b")):
        found = dataclasses.replace(found, notes=(note,))
        assert list(csv.reader(io.StringIO(as_csv([found]))))[1][-1] == cell


def test_feedback_is_no_html_and_no_markdown(course):
    files = right(course) | {"sampling.py": b"def sample(*_):\n    raise ValueError('<b>**x** \\x1b[31m `|\\n# h')"}
    text = as_markdown(graded(course, files, only=("sample",)))
    line = next(line for line in text.splitlines() if "<b>" in line)
    assert line.startswith("    ")
    assert "\x1b" not in text
    assert "\n# h" not in text


def test_feedback_is_no_longer_than_anyone_reads():
    text = as_markdown(Grade("ada", (Mark("q", 0, 1, ("x" * 3000,)),), Submission("a`b", DEADLINE)))
    assert max(map(len, text.splitlines())) == len("    ") + 1000
    assert "Graded: `ab`" in text


def test_feedback_tells_no_hidden_numbers_and_no_keys(course, instructor):
    files = right(course) | {
        "sampling.py": SAMPLE.replace("/ temperature", "* temperature").encode(),
        "answers.toml": b"[temperature]\np = [1, 2]",
    }
    found = graded(course, files, only=("temperature", "sample"))
    salt = read_salt(instructor)
    (question,) = [entry.question for entry in read_paper(instructor, "ada").sheet.entries if entry.name == "sample"]
    text = as_markdown(found)
    for case in question.hidden(salt, "ada"):
        assert not any(f"{number:.6g}" in text for number in case.arguments["u"])
    assert salt.hex() not in text


def test_no_secret_is_in_a_students_folder(course, instructor):
    salt, key = read_salt(instructor), (instructor / "keys" / "ada.toml").read_text()
    for path in (course / "students").rglob("*"):
        if path.is_file():
            assert salt.hex() not in path.read_text()
            assert salt not in path.read_bytes()
    values = [line.split(" = ")[1] for line in key.splitlines() if " = " in line and "." in line]
    for path in (course / "students" / "ada").iterdir():
        assert not any(value in path.read_text() for value in values)
    if os.name == "posix":
        assert stat.S_IMODE(instructor.stat().st_mode) == 0o700


# Other graders.


def test_gradescope_gets_its_format(course, tmp_path):
    found = as_gradescope(graded(course, right(course) | {"sampling.py": b""}))
    assert found["score"] == 12
    assert [test["name"] for test in found["tests"]] == list(FULL)
    assert found["tests"][3]["status"] == "failed"
    assert found["tests"][3]["max_score"] == 8
    part = as_gradescope(Grade("ada", (Mark("a", 2, 4, ()), Mark("b", 4, 4, ()))))
    assert [test["status"] for test in part["tests"]] == ["failed", "passed"]
    path = write_autograder(course / "instructor", tmp_path / "autograder.zip", None)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "autograder" / "source")
        assert archive.getinfo("run_autograder").external_attr >> 16 == 0o755
    root = tmp_path / "autograder"
    assert not (root / "source" / "instructor" / "keys").exists()
    write(root / "submission", right(course, "bob"))
    for users, created, expected in (
        ([{"email": "BOB@x.edu"}], "2026-12-01T12:00:00.5+01:00", 18),
        ([{"email": "bob@other.edu"}], "2026-11-01T12:00:00Z", 0),
        ([], "2026-11-01T12:00:00Z", 0),
    ):
        (root / "submission_metadata.json").write_text(json.dumps({"users": users, "created_at": created}))
        run_autograder(root)
        found = json.loads((root / "results" / "results.json").read_text())
        assert found["score"] == expected


def test_an_autograder_is_whole_or_as_it_was(course, tmp_path):
    """It holds the salt: nobody else may read it."""
    path, wheel = tmp_path / "autograder.zip", tmp_path / "nnlite learn.whl"
    path.write_bytes(b"an older one")
    for wrong, error in ((wheel, FileNotFoundError), (tmp_path, ValueError), (path, ValueError)):
        with pytest.raises(error, match=r"No such file|wheel: expected the path of a wheel, .*, got "):
            write_autograder(course / "instructor", path, wrong)
        assert path.read_bytes() == b"an older one"
    wheel.write_bytes(b"a wheel")
    inside = course / "instructor" / "autograder.zip"
    for to in (path, inside, inside):
        write_autograder(course / "instructor", to, wheel)
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert inside.read_bytes() == path.read_bytes()
    inside.unlink()
    with zipfile.ZipFile(path) as archive:
        assert archive.read(wheel.name) == b"a wheel"
        assert b"'./nnlite learn.whl'" in archive.read("setup.sh")


def test_gradescope_tells_the_instructor_alone_what_its_system_cannot_forbid(course, tmp_path, monkeypatch):
    write(tmp_path / "submission", {"pool.py": b""})
    for said in ("", "This system cannot shut graded code off from files"):
        monkeypatch.setattr("nnlite.homework.gradescope.weakness", lambda text=said: text)
        tests = results(tmp_path / "submission", course / "instructor", {"users": [{"email": "ada@x.edu"}]})["tests"]
        hidden = [(test["output"], test["visibility"]) for test in tests if test["name"] == "protection"]
        assert hidden == ([(said, "hidden")] if said else [])


def test_nbgrader_gets_an_assignment(tmp_path):
    import_extra("jupytext", "homework")
    from nnlite.homework import notebook

    text = notebook(read_sheet("hw2"), salt="a salt")
    cells = json.loads(text)["cells"]
    kinds = {cell["metadata"]["nbgrader"]["grade_id"]: cell for cell in cells}
    assert len(kinds) == len(cells)
    sources = {name: "".join(cell["source"]) for name, cell in kinds.items()}
    assert "### BEGIN SOLUTION" in sources["lstm_backward"]
    assert kinds["lstm_backward-tests"]["metadata"]["nbgrader"]["points"] == 12
    assert "### BEGIN HIDDEN TESTS" in sources["lstm_backward-tests"]
    # With right functions all graded cells run.
    names = {}
    for name, lines in sources.items():
        if kinds[name]["cell_type"] != "code":
            continue
        solution = {
            "lstm_backward": "lstm_steps",
            "train": "minimal_rnn_loops",
            "rnn_loss": "minimal_rnn_loops",
            "sample": "sampling_loop",
        }
        stem = solution.get(name, "conv2d_taps" if "conv2d" in name else "pool_views")
        exec(source(stem) if kinds[name]["metadata"]["nbgrader"]["solution"] else lines, names)
    exec(sources["sample"], names)
    with pytest.raises(AssertionError, match="yours to write"):
        exec(sources["sample-tests"], names)
