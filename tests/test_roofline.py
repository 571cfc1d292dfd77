"""The roofline: limits and kernels measured, what is compiled for it, and the picture."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from extras import import_extra, needs_compiler
from matplotlib.figure import Figure

import nnlite
from nnlite import plot, roofline
from nnlite.cli.bench import cells, described
from nnlite.roofline import CompilerError, Machine, Placed, compiler
from nnlite.roofline.kernels import best_of

import_extra("platformdirs", "ladder")

MACHINE = Machine(2e11, 512, {"L1": 6e11, "L2": 2e11, "memory": 3e10}, {"L1": 49152, "L2": 1 << 20})


@pytest.fixture(scope="module")
def placed():
    return roofline.place(seconds=0)


@needs_compiler
def test_the_limits_are_limits():
    """Nearer memory is faster, and a product does not beat the peak. No absolute numbers: they are of one machine."""
    limits = roofline.measure()
    assert limits.peak > 0
    assert limits.vector in (128, 256, 512)
    assert limits.bandwidth["L1"] > limits.bandwidth["memory"] > 0
    x, layer, before = np.ones((256, 256), "float32"), nnlite.Dense(256), nnlite.get_num_threads()
    nnlite.set_num_threads(1)
    seconds = best_of(lambda: layer.forward(x), 0.1)
    nnlite.set_num_threads(before)
    assert 2 * 256**3 / seconds < 1.2 * limits.peak


@pytest.mark.parametrize(
    ("caches", "sizes"),
    [
        ({"L1": 32 << 10, "L2": 1 << 20}, [16 << 10, 1 << 19, 4 << 20]),
        ({"L1": 32 << 10, "L3": 512 << 20}, [16 << 10, 256 << 20, 1 << 30]),
        ({}, [32 << 10, 256 << 20]),
    ],
)
def test_levels_are_measured_with_arrays_that_fill_half_of_them(caches, sizes, monkeypatch):
    """Memory with four times the last cache, or a gigabyte where that is huge."""
    measured = []

    class Function:
        def __init__(self, result):
            self.result = result

        def __call__(self, *size):
            measured.extend(size)
            return self.result

    program = SimpleNamespace(peak=Function(7.0), bandwidth=Function(3.0), vector_bits=Function(256))
    monkeypatch.setattr(compiler, "library", lambda path: program)
    monkeypatch.setattr("nnlite.roofline.machine.cache_sizes", lambda: caches)
    levels = [*caches, "memory"] if caches else ["L1", "memory"]
    assert roofline.measure() == Machine(7.0, 256, dict.fromkeys(levels, 3.0), caches)
    assert measured == sizes


def test_caches_are_those_of_data_that_linux_tells(tmp_path):
    for index, (kind, level, size) in enumerate(
        (("Unified", 2, "2048K"), ("Instruction", 1, "64K"), ("Data", 1, "48K"))
    ):
        folder = tmp_path / f"index{index}"
        folder.mkdir()
        for name, text in (("type", kind), ("level", level), ("size", size)):
            (folder / name).write_text(f"{text}\n")
    assert [*roofline.cache_sizes(tmp_path).items()] == [("L1", 48 << 10), ("L2", 2 << 20)]


def test_a_roof_is_the_lower_of_both_limits():
    assert MACHINE.roof(1, "L2") == 2e11
    assert MACHINE.roof(0.5, "L2") == 1e11
    assert MACHINE.roof(0.5, "memory") == 1.5e10
    assert [MACHINE.level(size) for size in (49152, 49153, 2 << 20)] == ["L1", "L2", "memory"]


def test_every_kernel_is_placed(placed):
    """Those of the reference, which has a module for each."""
    modules = {path.stem for path in Path(nnlite.__file__).with_name("reference").glob("[a-z]*.py")}
    assert {one.kernel for one in placed} == modules - {"host"}
    assert len({one.name for one in placed}) == len(placed)
    for one in placed:
        assert one.rate * one.seconds == pytest.approx(one.operations)
        assert 0.05 < one.intensity < 1000


def test_operations_and_bytes_are_those_of_the_shapes(placed):
    dense = next(one for one in placed if one.name == "Dense, 1 row")
    assert dense.operations == 2 * 512 * 512
    assert dense.bytes == 4 * (512 * 512 + 3 * 512)  # weights, x, bias and y
    conv = next(one for one in placed if one.name == "Conv2D 3 x 3")
    assert conv.operations == 2 * 16 * 14 * 14 * 9 * 64 * 64
    assert conv.bytes == 4 * (16 * 16 * 16 * 64 + 16 * 14 * 14 * 64 + 9 * 64 * 64 + 64)
    lstm = next(one for one in placed if one.name == "LSTM")
    assert lstm.operations == 32 * 40 * (2 * (64 + 200) * 800 + 5 * 20 * 200)  # four gates, and the tanh of c
    assert lstm.bytes == 4 * (32 * 40 * 64 + 32 * 40 * 200 + (64 + 200 + 1) * 800)
    assert lstm.sizes == "32 x 40 x 64 to 200"


def test_placing_uses_one_thread_and_gives_the_others_back():
    before = nnlite.get_num_threads()
    roofline.place(seconds=0)
    assert nnlite.get_num_threads() == before


# What is compiled at run time.

LOAD = "import sys; from pathlib import Path; from nnlite.roofline import compiler; compiler.library(Path(sys.argv[1]))"


@pytest.fixture
def counted(tmp_path):
    """Start a process that loads a C file, with a compiler that is slow and takes down when it links."""
    source, log, cc = tmp_path / "answer.c", tmp_path / "log", tmp_path / "cc"
    source.write_text("int answer(void) { return 42; }\n")
    log.touch()
    real = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    cc.write_text(f'#!/bin/sh\ncase "$*" in *-shared*) echo linked >> {log}; sleep 0.3;; esac\nexec {real} "$@"\n')
    cc.chmod(0o755)
    environment = {**os.environ, "CC": str(cc), "XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path)}

    def start(**more):
        command = [sys.executable, "-c", LOAD, str(source)]
        return subprocess.Popen(command, env=environment | more)

    start.source, start.links, start.cache = source, lambda: len(log.read_text().split()), tmp_path / "cache" / "nnlite"
    return start


linux = pytest.mark.skipif(sys.platform != "linux", reason="the folder of a cache is another one there")


@needs_compiler
@linux
def test_what_was_compiled_is_kept_until_something_changes(counted):
    assert counted().wait() == counted().wait() == 0
    assert counted.links() == 1
    counted.source.write_text("int answer(void) { return 43; }\n")
    assert counted().wait() == 0
    assert counted.links() == 2
    (counted.source.parent / "new.h").write_text("#define ANSWER 44\n")  # which it may include
    assert counted().wait() == 0
    assert counted.links() == len([*counted.cache.iterdir()]) == 3


@needs_compiler
@linux
def test_another_cpu_gets_a_library_of_its_own(counted):
    flags = compiler.compiler().macros
    if "__x86_64__" not in flags:
        pytest.skip("levels of x86-64 are tried")
    for level in ("x86-64", "x86-64-v2"):
        assert counted(NNLITE_ARCH=level).wait() == 0
    assert counted.links() == 2


@needs_compiler
@linux
def test_two_processes_at_once_and_one_that_is_killed_leave_no_half_file(counted):
    killed = counted()
    while not counted.links():
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    assert not [path for path in counted.cache.glob("*") if path.suffix == ".so"]
    both = [counted(), counted()]
    assert [process.wait() for process in both] == [0, 0]
    assert [path.name.split("-")[0] for path in counted.cache.iterdir()] == ["answer"]
    assert counted().wait() == 0
    assert counted.links() in (2, 3)  # on a machine with much to do the second of both finds what the first has made


@needs_compiler
@linux
def test_where_no_cache_can_be_kept_it_still_works(counted, tmp_path):
    (tmp_path / "file").touch()
    assert counted(XDG_CACHE_HOME=str(tmp_path / "file")).wait() == 0


@needs_compiler
def test_a_program_that_is_wrong_is_an_error_that_quotes_the_compiler(tmp_path):
    (tmp_path / "wrong.c").write_text("int answer(void) { return unheard_of; }\n")
    with pytest.raises(CompilerError, match=r"refuses it: .*unheard_of"):
        compiler.library(tmp_path / "wrong.c")


@needs_compiler
def test_a_blank_name_of_a_compiler_is_none(monkeypatch):
    monkeypatch.setenv("CC", " ")
    assert compiler.compiler().version


def test_without_a_compiler_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(RuntimeError, match=r"there is no C compiler .*: install one .*apt install gcc"):
        roofline.measure()


@needs_compiler
def test_an_unknown_cpu_is_named(monkeypatch):
    monkeypatch.setenv("NNLITE_ARCH", "abacus")
    with pytest.raises(CompilerError, match=r"does not take NNLITE_ARCH=abacus: set one that it knows"):
        compiler.compiler()


def test_a_compiler_that_takes_nothing_is_named(monkeypatch):
    monkeypatch.setenv("CC", "false")
    with pytest.raises(CompilerError, match="does not take an empty program: false"):
        roofline.measure()


# The picture.


@pytest.mark.parametrize("size", [(9.5, 6.5), (7, 5)])
def test_names_cover_neither_each_other_nor_a_point_nor_the_legend(size, placed):
    ax = plot.roofline(MACHINE, placed, ax=Figure(size, layout="constrained").add_subplot())
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    points = [
        tuple(line.get_transform().transform(line.get_xydata())[0]) for line in ax.lines if line.get_marker() == "o"
    ]
    assert len(boxes) == len(points) == len(placed)
    assert {text.get_text() for text in ax.texts} == {one.name for one in placed}
    legend = ax.get_legend().get_window_extent()
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:number])
        assert not any(box.contains(*point) for point in points)
        assert not box.overlaps(legend)
        assert ax.bbox.contains(box.x0, box.y0)
        assert ax.bbox.contains(box.x1, box.y1)


def test_a_kernel_above_all_roofs_is_a_ring():
    kernels = [Placed(name, "", "conv2d", rate, rate / 100, 1.0) for name, rate in (("one", 1e11), ("two", 3e11))]
    ax = plot.roofline(MACHINE, kernels, ax=Figure().add_subplot())
    styles = [line.get_fillstyle() for line in ax.lines if line.get_marker() == "o"]
    assert styles == ["full", "none"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        *("peak: 200 GFLOP/s", "L1: 600 GB/s", "L2: 200 GB/s", "memory: 30 GB/s")
    ]


@pytest.mark.parametrize("kernels", [[], [Placed("none", "", "dense", 0.0, 1.0, 1.0)]])
def test_nothing_to_draw_is_an_error(kernels):
    with pytest.raises(ValueError, match="expected at least one kernel"):
        plot.roofline(MACHINE, kernels)


@needs_compiler
def test_the_command_prints_a_table_and_writes_a_page(tmp_path):
    command = [sys.executable, "-m", "nnlite", "bench", "--roofline", "--out", "limits.html"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "COLUMNS": "100"})
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"one core reaches \d+ GFLOP/s with vectors of \d+ bits, and \d+ GB/s from L1", done.stdout)
    assert re.search(r"^LSTM +32 x 40 x 64 to 200 +\d", done.stdout, re.MULTILINE)
    page = (tmp_path / "limits.html").read_text()
    assert ">cross-entropy</text>" in page
    assert "prefers-color-scheme: dark" in page
    assert "https://" not in page.replace("http://www.w3.org", "")


def test_a_row_of_the_commands_table():
    small = Placed("Dense", "8 x 8 to 8", "dense", operations=1.5e6, bytes=4e4, seconds=1.5e-5)
    large = dataclasses.replace(small, bytes=1e7)
    assert cells(small, MACHINE) == ("Dense", "8 x 8 to 8", "0.015", "100", "37.50", "50 %")
    assert cells(large, MACHINE)[-2:] == ("0.15", "2222 %")  # beyond what memory gives, as it is in no cache
    assert described(MACHINE) == (
        "one core reaches 200 GFLOP/s with vectors of 512 bits, and 600 GB/s from L1, 200 GB/s from L2, 30 GB/s from "
        "memory."
    )


def test_the_command_says_that_there_is_no_compiler():
    command = [sys.executable, "-m", "nnlite", "bench"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "CC": "no-such-compiler"})
    assert done.returncode == 1
    assert done.stderr.startswith("nnlite: there is no C compiler 'no-such-compiler', which CC names: install one")


def test_the_picture_overwrites_no_other_file(tmp_path, nnlite_command):
    (tmp_path / "mine.html").write_text("<p>mine</p>")
    code, output, error = nnlite_command("bench", "--roofline", "--out", tmp_path / "mine.html")
    assert (code, output) == (1, "")
    assert "mine.html is not a page of nnlite, which would overwrite it: name another by --out" in error
    assert (tmp_path / "mine.html").read_text() == "<p>mine</p>"
