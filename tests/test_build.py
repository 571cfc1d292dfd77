"""What a build says when there is no compiler to build with, and what everybody is told to install."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parent.parent
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")

NEEDS_PYTHON_H = """
for argument; do
  if [ "${argument%.c}" != "$argument" ] && grep -q Python.h "$argument"; then
    echo "fatal error: Python.h: No such file or directory" >&2; exit 1
  fi
done
"""
KNOWS_NO_ARCH = """
for argument; do
  case "$argument" in -march=* | -mcpu=*) echo "error: unrecognized option" >&2; exit 1 ;; esac
done
"""
# Apple's, up to the first kernel: it takes -fopenmp for its preprocessor alone.
APPLE_CLANG = """
before=
for argument; do
  case "$before $argument" in
    "-Xpreprocessor -fopenmp") ;;
    *" -fopenmp") echo "error: unsupported option '-fopenmp'" >&2; exit 1 ;;
    *build/cython/*.c) echo "error: here the kernels begin" >&2; exit 1 ;;
  esac
  before=$argument
done
"""
# And has omp.h nowhere but in $include.
NEEDS_OMP_H = """
for argument; do
  case "$argument" in *.c) grep -q omp.h "$argument" && case "$*" in *" $include"*) ;; *)
    echo "fatal error: omp.h: No such file or directory" >&2; exit 1 ;; esac ;; esac
done
"""


@pytest.fixture
def build(tmp_path):
    """Builds the kernels, away from those that are in use; returns what it says when it fails."""
    pytest.importorskip("Cython")

    def run(**environment):
        folders = ["--build-lib", str(tmp_path / "lib"), "--build-temp", str(tmp_path / "temp")]
        command = [sys.executable, "setup.py", "--quiet", "build_ext", *folders]
        environment = os.environ | {"CFLAGS": ""} | environment
        result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
        assert result.returncode != 0
        return result.stderr

    return run


@pytest.fixture
def compiler(tmp_path):
    """A compiler that does what a few lines of shell say, and then what a compiler does."""
    if os.name != "posix" or COMPILER is None:
        pytest.skip("there is no compiler to put them before")

    def write(lines):
        path = tmp_path / "compiler"
        path.write_text(f'#!/bin/sh\n{lines}\nexec {COMPILER} "$@"\n')
        path.chmod(0o755)
        return str(path)

    return write


def test_without_a_compiler_it_tells_how_to_get_one(build, tmp_path):
    missing = str(tmp_path / "missing-cc")
    said = build(CC=missing).splitlines()[-1]  # where pip's own words begin
    assert f"there is no C compiler: '{missing}' was tried" in said
    for system in ("Debian, Ubuntu: apt install gcc", "Fedora: dnf install gcc", "macOS: xcode-select", "Windows: wsl"):
        assert system in said
    assert "march" not in said


def test_a_compiler_that_fails_is_quoted(build, compiler):
    said = build(CC=compiler("echo 'error: out of order' >&2; exit 1"))
    assert "the C compiler does not take an empty program" in said
    assert "error: out of order" in said


def test_flags_that_the_compiler_does_not_take_are_named(build, compiler):
    said = build(CC=compiler(""), CFLAGS="-fno-such-flag")
    assert "the C compiler does not take an empty program" in said
    assert "-fno-such-flag" in said


def test_without_the_headers_of_python_it_tells_how_to_get_them(build, compiler):
    said = build(CC=compiler(NEEDS_PYTHON_H))
    assert "apt install python3-dev" in said
    assert "Python.h: No such file or directory" in said


def test_an_architecture_that_the_compiler_does_not_know(build, compiler):
    assert "the compiler knows no -march=native: set NNLITE_ARCH" in build(CC=compiler(KNOWS_NO_ARCH))


def test_openmp_is_found_where_ldflags_point(build, compiler, tmp_path):
    source = tmp_path / "omp.c"
    source.write_text("int omp_get_max_threads(void) { return 1; }\n")
    subprocess.run([COMPILER, "-shared", "-fPIC", str(source), "-o", str(tmp_path / "libomp.so")], check=True)
    said = build(CC=compiler(APPLE_CLANG), LDFLAGS=f"-L{tmp_path}")
    assert "here the kernels begin" in said
    assert "without OpenMP" not in said


def test_openmp_is_found_where_homebrew_keeps_it(build, compiler, tmp_path):
    prefix, brew = tmp_path / "libomp", tmp_path / "bin" / "brew"
    for folder in (prefix / "lib", brew.parent):
        folder.mkdir(parents=True)
    source = tmp_path / "omp.c"
    source.write_text("int omp_get_max_threads(void) { return 1; }\n")
    subprocess.run([COMPILER, "-shared", "-fPIC", str(source), "-o", str(prefix / "lib" / "libomp.so")], check=True)
    brew.write_text(f'#!/bin/sh\n[ "$*" = "--prefix libomp" ] && echo {prefix}\n')
    brew.chmod(0o755)
    environment = {"PATH": f"{brew.parent}{os.pathsep}{os.environ['PATH']}"}
    environment["CC"] = compiler(f"include=-I{prefix}/include\n{APPLE_CLANG}{NEEDS_OMP_H}")
    said = build(**environment)
    assert "here the kernels begin" in said
    assert "without OpenMP" not in said
    (prefix / "lib" / "libomp.so").unlink()
    said = build(**environment)
    assert "nnlite: without OpenMP the kernels run on one thread" in said
    assert "macOS: brew install libomp" in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("self.compiler.compiler_type = 'msvc'", ["not for MSVC", "clang-cl", "wsl --install"]),
        ("sys.maxsize = 2**31 - 1", ["32-bit little-endian"]),
        ("sys.byteorder = 'big'", ["64-bit big-endian"]),
    ],
)
def test_what_the_kernels_are_not_written_for(change, words, tmp_path):
    """As on Windows: such a compiler takes no flag of those that would be tried."""
    pytest.importorskip("Cython")
    source = (ROOT / "setup.py").read_text()
    place = '"""Name what is missing'
    assert source.count(place) == 1
    source = source.replace(place, f"{change}\n        {place}")
    command = [sys.executable, "-c", source, "--quiet", "build_ext", "--build-lib", str(tmp_path), "--build-temp"]
    result = subprocess.run([*command, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120)
    last = result.stderr.splitlines()[-1]
    for word in (*words, "error: nnlite's kernels are written for", "pip install --only-binary :all: nnlite-learn"):
        assert word in last


@pytest.mark.parametrize("sizes", ["48K", "48 2"])
def test_sizes_of_caches_that_are_none_stop_the_build(build, sizes):
    said = build(NNLITE_CACHES=sizes)
    assert f'NNLITE_CACHES: expected two sizes such as "48K 2M", got {sizes!r}' in said


@pytest.mark.parametrize(
    ("file", "found"), [("setup.py", [("L1_BYTES", "(48 * 1024)")]), ("nnlite/roofline/machine.py", {"L1": 48 * 1024})]
)
def test_a_cache_of_unknown_size_is_passed_over(file, found, tmp_path):
    """As on boards with ARM processors: Linux names level and type of such a cache, and has no file `size`."""
    for index, facts in enumerate([{"level": "1", "type": "Data", "size": "48K"}, {"level": "2", "type": "Unified"}]):
        (tmp_path / f"index{index}").mkdir()
        for name, value in facts.items():
            (tmp_path / f"index{index}" / name).write_text(f"{value}\n")
    module = ast.parse((ROOT / file).read_text())
    module.body = [node for node in module.body if getattr(node, "name", "") == "cache_sizes"]
    names = {"os": SimpleNamespace(environ={}), "sys": SimpleNamespace(platform="linux"), "re": re, "Path": Path}
    exec(compile(module, file, "exec"), names)
    assert names["cache_sizes"](tmp_path) == found


def test_the_page_on_pypi_points_to_no_file():
    module = ast.parse((ROOT / "setup.py").read_text())
    module.body = [node for node in module.body if getattr(node, "name", "") == "description"]
    readme = "![Two\nlines](docs/loss.png) and [`a file`](nnlite/a.py), [a page](https://a.org/b), ![far](https://a.org/c.png)"
    names = {"re": re, "Path": lambda name: SimpleNamespace(read_text=lambda encoding: readme)}
    exec(compile(module, "setup.py", "exec"), names)
    expected = "(Picture: Two\nlines.) and `a file`, [a page](https://a.org/b), ![far](https://a.org/c.png)"
    assert names["description"]() == expected
    names["Path"] = lambda name: ROOT / name
    assert not re.search(r"\]\((?!https?://)", names["description"]())


def test_only_host_h_asks_which_compiler_it_is():
    """A pragma of one compiler is passed over by the other in silence, and costs it three quarters of its speed.

    And GCC 11, Ubuntu 22.04's, has no __builtin_shufflevector.
    """
    for path in (ROOT / "csrc").iterdir():
        if path.name != "host.h":
            assert not re.search(r"GCC unroll|clang loop|__clang__|__builtin_shuffle", path.read_text()), path.name


def test_what_gcc_11_compiles_in_place_of_it(compiler, tmp_path):
    source = tmp_path / "loops.c"
    source.write_text("void *PyEval_SaveThread(void); void PyEval_RestoreThread(void *);\n"
                      "typedef void PyThreadState;\n#include \"typed.h\"\n")  # fmt: skip
    flags = [] if "clang" in os.path.realpath(COMPILER) else ["-U__GNUC__", "-D__GNUC__=11"]
    command = [compiler(""), "-fsyntax-only", "-Werror", "-Wall", f"-I{ROOT / 'csrc'}", *flags, str(source)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_no_text_tells_to_install_the_foreign_nnlite():
    """On PyPI that name is another project's."""
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
    assert ours == "nnlite-learn"
    texts = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "setup.py", "Makefile")]
    for folder in ("nnlite", "docs"):
        texts += [
            path
            for suffix in ("*.py", "*.md", "*.html")
            for path in (ROOT / folder).rglob(suffix)
            if "_build" not in path.parts
        ]
    for path in texts:
        text = re.sub(r'"\s*\n\s*f?"', "", path.read_text(encoding="utf-8"))  # a message in two lines of source
        for command in re.findall(r"(?:pip|uv) install[^`\n]*", text):
            assert not re.search(r"(?<![-/.\w])nnlite(?![-/.\w])", command), f"{path.name}: {command}"
