"""The ladder: every rung computes the same, is short, and is much faster than one far below it."""

import ast
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from extras import import_extra, needs_compiler

import nnlite
from nnlite import ladder
from nnlite.cli.ladder import ladder as command
from nnlite.cli.ladder import line, notes
from nnlite.ladder.climbing import on_threads
from nnlite.ladder.problems import PROBLEMS
from nnlite.roofline import CompilerError, compiler

import_extra("threadpoolctl", "ladder")

BATCH = {"conv2d": 2, "lstm": 6}
RUNGS = [(name, rung) for name in PROBLEMS for rung in ladder.rungs(name)]
every_rung = pytest.mark.parametrize(("name", "rung"), RUNGS, ids=[f"{n}-{r.path.stem}" for n, r in RUNGS])


@pytest.fixture(scope="module", autouse=True)
def small():
    """Sizes at which loops in Python do not take seconds."""
    with pytest.MonkeyPatch.context() as patch:
        for name, sizes in {"conv2d": {"C": 32, "F": 32}, "lstm": {"T": 10, "F": 32, "H": 64}}.items():
            for letter, size in sizes.items():
                patch.setattr(PROBLEMS[name], letter, size)
        yield


@pytest.fixture(scope="module")
def climbed(small):
    """Both ladders, once: steps by the stem of the file, without its number."""
    return {name: climb(name) for name in PROBLEMS}


def climb(name):
    steps = ladder.climb(name, BATCH[name], threads=1, peak=1e11, seconds=0.05)
    return {step.rung.path.stem.split("_", 2)[2]: step for step in steps}


def code(rung):
    """The lines of its code: without comments, imports, and lines that only close a brace."""
    if not rung.is_python:
        text = re.sub(r'/\*.*?\*/|""".*?"""', "", rung.source, flags=re.DOTALL)
        lines = [line.strip() for line in text.splitlines()]
        return [line for line in lines if not re.fullmatch(r"[{}]?|#(include| ).*|(from .* )?c?import .*", line)]
    tree = ast.parse(rung.source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    return [line for line in ast.unparse(tree).splitlines() if line and not re.match(r"import|from", line)]


@every_rung
def test_a_rung_is_short_and_says_what_is_new(name, rung):
    assert 0 < len(code(rung)) <= 20
    assert len(rung.title) <= 44, "the table has no room for more"
    assert rung.explanation.endswith(".")


@needs_compiler
@pytest.mark.parametrize("name", PROBLEMS)
def test_every_rung_is_the_result_in_float64_to_1e_5(name, climbed):
    steps = climbed[name].values()
    assert {step.missing for step in steps if not step.rung.is_own} == {""}
    for step in steps:
        if not step.missing:
            assert step.error <= 1e-5, step.rung.title
            assert step.difference is None or step.difference <= 2e-5


def test_the_exact_result_is_not_a_rungs():
    """One pixel by the definition. (The LSTM's is the reference, which other tests hold against PyTorch.)"""
    problem = PROBLEMS["conv2d"](1)
    x, W, b = problem.inputs()
    one = b[5] + sum(float(x[0, 7 + i, 2 + j] @ W[i, j, :, 5].astype(float)) for i in range(3) for j in range(3))
    assert problem.exact()[0, 7, 2, 5] == pytest.approx(one, rel=1e-5)
    assert problem.exact().dtype == np.float64


# Faster at least so many times, where it is ten times as much or more. (No absolute times: they are of one machine.)
ORDER = {
    "conv2d": [
        ("python_loops", "numpy_windows", 3),
        ("numpy_windows", "im2col_blas", 20),
        ("naive_cython", "im2col_blas", 3),
        ("naive_cython", "register_tile", 5),
        ("python_loops", "own_kernel", 10),
    ],
    "lstm": [
        ("python_loops", "numpy_sums", 2),
        ("numpy_sums", "gates_as_one_product", 10),
        ("naive_cython", "exp_in_vectors", 5),
        ("python_loops", "own_kernel", 10),
    ],
}


@needs_compiler
@pytest.mark.parametrize(("name", "slow", "fast", "times"), [(n, *row) for n, rows in ORDER.items() for row in rows])
def test_rungs_that_are_far_apart_are_in_order(name, slow, fast, times, climbed):
    steps = climbed[name]
    if steps[fast].missing:
        pytest.skip(steps[fast].missing)
    if steps[slow].seconds <= times * steps[fast].seconds:  # another program interrupted it: once more
        steps = climb(name)
    assert steps[slow].seconds > times * steps[fast].seconds


@needs_compiler
def test_a_step_says_how_it_was_measured(climbed):
    loops, product = climbed["conv2d"]["python_loops"], climbed["conv2d"]["im2col_blas"]
    assert loops.measured == "1 of 2 images, times 2"
    assert loops.difference is None
    assert product.share == pytest.approx(PROBLEMS["conv2d"](2).operations / product.seconds / 1e11)
    (threads,) = ladder.climb("conv2d", 2, threads=2, peak=1e11, seconds=0, only=[10])
    assert (threads.threads, product.threads) == (2, 1)
    assert threads.share == pytest.approx(PROBLEMS["conv2d"](2).operations / threads.seconds / 2e11)


@needs_compiler
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_threads_of_a_rung_change_no_bit(name):
    rung = next(rung for rung in ladder.rungs(name) if "threads" in rung.path.stem)
    problem = PROBLEMS[name](18)
    results = [rung.prepare(problem, threads)(*problem.inputs()) for threads in (1, 2, 3, 7)]
    assert all(np.array_equal(results[0], other) for other in results[1:])
    assert np.abs(results[0] - problem.exact()).max() < 1e-5


PORTABLE = [("gcc", "x86-64-v3"), ("clang", "x86-64-v2"), ("clang", "native")]


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize(("cc", "arch"), PORTABLE)
def test_rungs_are_right_in_vectors_of_other_cpus(name, cc, arch, monkeypatch):
    monkeypatch.setenv("CC", cc)
    monkeypatch.setenv("NNLITE_ARCH", arch)
    try:
        macros = compiler.compiler().macros
    except CompilerError as error:
        pytest.skip(str(error))
    if arch.startswith("x86") and "__x86_64__" not in macros:
        pytest.skip("another family of CPUs")
    in_c = [place for place, rung in enumerate(ladder.rungs(name), 1) if rung.path.suffix == ".c"]
    for step in ladder.climb(name, BATCH[name], threads=1, seconds=0, only=in_c):
        if "omp" in step.missing:
            continue  # Clang's OpenMP is a package of its own
        assert not step.missing
        assert step.error <= 1e-5, step.rung.title


def test_what_a_linker_lacks_is_said():
    lines = "ld: cannot find -lomp: No such file or directory", "clang: error: linker command failed with exit code 1"
    program = f"import sys; sys.exit({chr(10).join(lines)!r})"
    with pytest.raises(CompilerError, match="refuses it: ld: cannot find -lomp"):
        compiler._run([sys.executable, "-c", program])


def test_without_a_compiler_the_others_run(monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    steps = [*ladder.climb("conv2d", 1, seconds=0, only=range(3, 12))]
    assert [step.missing[:22] for step in steps] == ["", "", *["there is no C compiler"] * 6, ""]
    assert steps[-1].difference < 1e-5, "it is compared with the last that ran"


def test_without_kernels_of_its_own_nnlite_has_no_rung():
    with nnlite.use_backend("reference"):
        (step,) = ladder.climb("lstm", 6, only=[12])
    assert step.seconds is None
    assert "runs on NumPy" in step.missing


def test_blas_has_one_thread_and_gets_the_others_back():
    import threadpoolctl

    def threads():
        return [pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]

    before, ours = threads(), nnlite.get_num_threads()
    with on_threads(1):
        assert set(threads()) <= {1}
        assert nnlite.get_num_threads() == 1
    assert (threads(), nnlite.get_num_threads()) == (before, ours)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gru",), "ladder: expected one of conv2d, lstm, got 'gru'"),
        (("lstm", 7), "batch: expected a multiple of 6, the rows of a tile, got 7"),
        (("conv2d", 0), "batch: expected at least 1, got 0"),
        (("conv2d", 1, 1, None, 0, [12]), r"only: expected rungs from 1 to 11, got \[12\]"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        next(ladder.climb(*arguments))


def nnlite_ladder(*arguments, **environment):
    command = [sys.executable, "-m", "nnlite", "ladder", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=120)
    return done.returncode, done.stdout, done.stderr


@needs_compiler
def test_the_command_prints_a_table():
    code, text, errors = nnlite_ladder("conv2d", "--batch", "2", "--threads", "1", "--start", "4")
    assert (code, errors) == (0, "")
    rows = [line for line in text.splitlines() if re.match(r" ?\d+  ", line)]
    assert [row[:4].strip() for row in rows] == [*map(str, range(4, 12))]
    assert [row[4:48].rstrip() for row in rows] == [rung.title for rung in ladder.rungs("conv2d")[3:]]
    assert all("%" in row for row in rows)
    assert re.search(r"a core's peak: \d+ GFLOP/s", text)
    assert max(map(len, rows)) <= 80


def test_the_command_says_what_is_missing():
    code, text, errors = nnlite_ladder("conv2d", "--batch", "1", "--start", "3", CC="no-such-compiler")
    assert (code, errors) == (0, "")
    assert (
        "- rungs 5, 6, 7, 8, 9, 10: there is no C compiler 'no-such-compiler', which CC names: install one (Debian"
        in text
    )
    assert "%" not in text


def test_the_command_shows_a_rung():
    code, text, _ = nnlite_ladder("conv2d", "8")
    assert code == 0
    assert "Copied into a panel" in text
    for wrong in ({"rung": 12}, {"start": 12}):
        with pytest.raises(ValueError, match="ladder: expected a rung from 1 to 11, got 12"):
            command("conv2d", **wrong)


def test_marks_of_a_row_are_explained(monkeypatch):
    monkeypatch.delenv("NNLITE_ARCH", raising=False)
    rung = SimpleNamespace(title="A rung")
    steps = [
        ladder.Step(rung, 12.5, 0.0004, None, 1e-6, 1, "1 of 32 images, times 32"),
        ladder.Step(rung, 0.5, 0.01, 1e-6, 1e-6, 1, "one run"),
        ladder.Step(rung, 0.0005, 1.5, 1e-6, 1e-6, 2, "best of several"),
        ladder.Step(rung, missing="there is no C compiler"),
    ]
    rows = [line(place, step).split() for place, step in enumerate(steps, 1)]
    assert rows[0] == ["1", "A", "rung", "12,500", "*", "0.0", "%"]
    assert rows[1] == ["2", "A", "rung", "500", "'", "1.0", "%", "1.0e-06"]
    assert rows[2] == ["3", "A", "rung,", "2", "threads", "0.50", "150", "%", "1.0e-06"]
    assert rows[3] == ["4", "A", "rung", "-"]
    assert notes(steps)[1:] == [
        "* scaled: measured on 1 of 32 images, times 32",
        "' one run; all other times are the best of several runs",
        "- rung 4: there is no C compiler",
    ]
    monkeypatch.setenv("NNLITE_ARCH", "x86-64-v2")
    assert notes(steps)[3].startswith("NNLITE_ARCH=x86-64-v2: the peak and the rungs in Cython and C keep to it; BLAS")
