"""The tool behind `make mutants`: which mutants there are, and how one is tried."""

import json
import os
import subprocess
import tomllib
from collections import defaultdict

import pytest

pytest.importorskip("Cython", reason="an installed nnlite has no kernels to compile")

from drawn import changed_lines, sample, tried
from likely import kernels_with
from mutation import mutants_of
from suite import patched
from trial import ROOT, Running

EQUIVALENT = tomllib.loads((ROOT / "tests/mutants/equivalent.toml").read_text(encoding="utf-8"))["equivalent"]

PYTHON = '''"""A docstring: 1 + 1."""

def clip(x: int | None = 3, *, low=True):
    """Another one: x < 2."""
    if not x:
        raise ValueError(f"x: expected {1 + 1}, got {x}")
    a, b = b, a
    file.flush()  # x < 2
    assert x < 7
    z = x.reshape(-1, 2)  # any negative number says the same
    return sorted(f(x, y), key=len) if x >= -1 else "1 + 1"
'''
OF_PYTHON = [
    "def clip(x: int | None = 4, *, low=True):",
    "def clip(x: int | None = 3, *, low=False):",
    "if x:",
    "pass",
    "b, a = b, a",
    "a, b = a, b",
    "pass # x < 2",
    "z = x.reshape(1, 2) # any negative number says the same",
    "z = x.reshape(-1, 3) # any negative number says the same",
    "z = x.reshape(2, -1) # any negative number says the same",
    'return sorted(f(x, y)) if x >= -1 else "1 + 1"',
    'return sorted(f(y, x), key=len) if x >= -1 else "1 + 1"',
    'return sorted(f(x, y), key=len) if x > -1 else "1 + 1"',
    'return sorted(f(x, y), key=len) if x >= 1 else "1 + 1"',
    'return sorted(f(x, y), key=len) if x >= -2 else "1 + 1"',
]

CYTHON = '''"""A docstring: a + b."""
from tile cimport a, b

cdef extern from "row.h" nogil:
    void add(int n, void *x, int i, j)

cdef int rows(const floating[:, ::1] x, Py_ssize_t n) noexcept nogil:  # n - 1
    cdef Py_ssize_t i, j, k
    prefetch(&x[0, 0],
             n - 1)
    for i in range(n, m):
        y[i] += max(n, m) * scale(y, x[i, 1])
'''
OF_CYTHON = [
    "for i in range(m, n):",
    "y[i] -= max(n, m) * scale(y, x[i, 1])",
    "y[i] += max(n, m) + scale(y, x[i, 1])",
    "y[i] += min(n, m) * scale(y, x[i, 1])",
    "y[i] += max(n, m) * scale(y, x[i, 2])",
]


@pytest.mark.parametrize(
    ("name", "source", "expected"), [("a.py", PYTHON, OF_PYTHON), ("a.pyx", CYTHON, OF_CYTHON)], ids=["py", "pyx"]
)
def test_what_there_is_to_change(name, source, expected, tmp_path):
    (tmp_path / name).write_text(source)
    found = [mutant.lines_of(source.encode())[1] for mutant in mutants_of(tmp_path, name)]
    assert sorted(found) == sorted(expected)


def test_the_equivalent_ones_are_still_there():
    """A line that has changed since needs another look."""
    for entry in EQUIVALENT:
        text = (ROOT / entry["file"]).read_bytes()
        lines = [mutant.lines_of(text) for mutant in mutants_of(ROOT, entry["file"])]
        found = (entry["before"], entry["after"]) in lines if "after" in entry else entry["before"] in dict(lines)
        assert found, f"{entry['file']}: {entry['before']}"
        assert entry["because"].endswith("."), entry


def test_which_lines_have_changed_since_a_commit(tmp_path):
    def git(*words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=b", *words], cwd=tmp_path, check=True)

    lines = [f"a{i} = {i}" for i in range(20)]
    for name in ("same.py", "with a blank.py", "gone.py"):
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "one")
    (tmp_path / "with a blank.py").write_text(
        "\n".join([*lines[:3], "b = 1", "c = 2", *lines[3:9], "d", *lines[10:-1]])
    )
    (tmp_path / "gone.py").unlink()
    (tmp_path / "new.py").write_text("a\nb\n")
    git("add", ".")
    found = {name: numbers for name, numbers in changed_lines("HEAD", tmp_path).items() if numbers}
    assert found == {"with a blank.py": {4, 5, 12, 21}, "new.py": {1, 2}}
    with pytest.raises(SystemExit, match="--since: expected a commit, got 'nowhere': fatal: bad revision"):
        changed_lines("nowhere", tmp_path)


def test_a_sample_is_of_these_lines_alone():
    path = "nnlite/utils.py"
    all_lines = {mutant.line for mutant in mutants_of(ROOT, path)}
    wanted = sorted(all_lines)[:3]
    assert {m.line for m in sample(10**4, seed=1, lines=defaultdict(set, {path: {*wanted}}))} <= {*wanted}
    assert sample(10**4, seed=1, lines=defaultdict(set)) == []
    assert [m.path for m in sample(10, seed=1, only=["nnlite/utils.py"])] == [path] * 10


def test_every_source_of_a_kernel_is_compiled_with_its_mutants():
    """One that no kernel was known to include left all of its mutants alive: nothing was compiled."""
    sources = [file for file in (ROOT / "csrc").iterdir() if file.suffix in (".h", ".pxd", ".pyx")]
    assert [file.name for file in sources if not kernels_with(f"csrc/{file.name}")] == []
    assert kernels_with("csrc/team.h") == ["rnn", "lstm", "gru", "gru_reset_before", "conv2d"]


def test_what_a_log_says_last_of_a_mutant(tmp_path):
    first = {"file": "a.py", "before": "x", "after": "y", "line": 3, "by": None, "kernel": None, "stage": 0}
    lines = [first, first | {"line": 4, "by": "test_a"}, first | {"by": "test_b", "stage": 1}]
    log = tmp_path / "seed1.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = tried(log)
    assert {key: (line["by"], line["stage"]) for key, line in found.items()} == {
        ("a.py", "x", "y", 3): ("test_b", 1),
        ("a.py", "x", "y", 4): ("test_a", 0),
    }


def test_a_functions_code_is_replaced_and_no_more():
    old = "LIMIT = 1\ndef f(x, y=2):\n    def g():\n        return x + 1\n    return g\n"
    assert patched("a.py", old, old.replace("LIMIT = 1", "LIMIT = 2")) is None
    assert patched("a.py", old, old.replace("y=2", "y=3")) is None
    codes = patched("a.py", old, old.replace("x + 1", "x - 1"))
    assert [code.co_name for code, new in codes.items() if code != new] == ["<module>", "f", "g"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the tests of a mutant run in a forked process")
def test_a_mutant_is_noticed_in_a_process_that_is_there(tmp_path):
    path, tests = ROOT / "nnlite" / "utils.py", "tests/test_utils.py"
    old = path.read_text(encoding="utf-8")
    running, request = Running(ROOT, [tests], tmp_path), {"tests": [tests], "at_most": 1}
    try:
        assert running.ask(request) == []
        new = old.replace("return ", "return 0 and ")
        (noticed,) = running.ask(request | {"file": str(path), "old": old, "new": new})
        assert noticed.startswith(tests)
        assert running.ask(request) == []
    finally:
        running.end()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the tests of a mutant run in a forked process")
def test_a_mutant_that_stops_even_the_fixtures_from_being_imported_is_noticed(tmp_path):
    (tmp_path / "conftest.py").write_text("import a_module_that_is_not_there")
    (tmp_path / "test_one.py").write_text("def test(): pass")
    running = Running(tmp_path, ["test_one.py"], tmp_path)
    try:
        assert running.ask({"tests": ["test_one.py"], "at_most": 1}) == ["the import of tests/conftest.py"]
    finally:
        running.end()
