"""What runs, and what is said, where no compiled kernel does; and which sources changed since they were compiled."""

import os
import platform
import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import nnlite
from nnlite import machine

PROGRAM = """
import sys; sys.path.insert(0, sys.argv[1])
import nnlite.machine, numpy
print(nnlite.get_backend(), nnlite.get_num_threads(), nnlite.LSTM(5)(numpy.ones((2, 3, 4))).shape)
nnlite.set_num_threads(2)
print(nnlite.get_num_threads(), nnlite.machine.describe()["kernels"], nnlite.machine.stale_kernels())
"""
ON_NUMPY = "reference 1 (2, 5)"


@pytest.fixture
def package(tmp_path):
    """A copy of nnlite without its kernels, as the wheel for any machine has it."""
    ignored = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__", "data")
    shutil.copytree(Path(nnlite.__file__).parent, tmp_path / "nnlite", ignore=ignored)
    return tmp_path


def python(folder, program=PROGRAM, backend=""):
    """What a fresh Python prints that imports nnlite from there, and what it says on standard error."""
    environment = {**os.environ, "NNLITE_BACKEND": backend}
    command = [sys.executable, "-c", program, folder]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    return result.stdout, result.stderr


def test_the_wheel_for_any_machine_runs_on_numpy_and_says_so_once(package):
    program = f"{PROGRAM}\nimport subprocess; subprocess.run([sys.executable, '-c', {PROGRAM!r}, sys.argv[1]])"
    printed, said = python(package, program)
    assert printed.count(ON_NUMPY) == 2
    assert "1 none: NumPy does their work, as it was installed without compiled kernels []" in printed
    assert said.startswith("nnlite runs on NumPy, 3 to 7 times slower: it was installed without compiled kernels. ")
    assert said.endswith("run: pip install . (or, where make has built it: make clean build)\n")
    assert said.count("\n") == 1


def test_a_cpu_that_is_older_than_the_wheel_runs_on_numpy(package):
    host = "def missing_feature(): return 'avx2'\ndef architecture(): return 'x86-64-v3'\n"
    (package / "nnlite" / "kernels" / "host.py").write_text(host)
    printed, said = python(package)
    assert printed.startswith(ON_NUMPY)
    assert "its kernels need avx2 (NNLITE_ARCH=x86-64-v3), which this CPU lacks. Kernels for this CPU need a C " in said
    assert said.count("\n") == 1
    assert python(package, backend="reference")[1] == ""
    _, said = python(package, backend="compiled")
    assert "ImportError: NNLITE_BACKEND=compiled was set, and nnlite cannot run so: its kernels need avx2" in said


def test_a_checkout_that_is_not_built_says_so(package):
    (package / "csrc").mkdir()
    _, said = python(package)
    assert "ImportError: nnlite's kernel 'host' is not compiled for Python 3." in said
    assert f": run `make build` in {package}. NNLITE_BACKEND=reference runs on NumPy instead" in said
    printed, said = python(package, backend="reference")
    assert printed.startswith(ON_NUMPY)
    assert said == ""


def test_kernels_of_another_python_are_no_reason_to_be_slow(package):
    (package / "nnlite" / "kernels" / "host.cpython-27-x86_64-linux-gnu.so").touch()
    _, said = python(package)
    assert "ImportError: nnlite's kernel 'host' is not compiled for Python 3." in said
    assert "install nnlite-learn again" in said


def test_no_other_backend_is_there(package):
    assert "NNLITE_BACKEND: expected 'compiled' or 'reference', got 'numpy'" in python(package, backend="numpy")[1]
    with_compiled = "with nnlite.use_backend('compiled'): pass"
    _, said = python(package, f"import sys; sys.path.insert(0, sys.argv[1]); import nnlite\n{with_compiled}")
    assert "ImportError: use_backend: 'compiled' is not there, as nnlite runs on NumPy: it was installed" in said


def test_a_new_kernel(monkeypatch):
    """In a checkout that was updated and not built since."""
    with pytest.raises(
        ImportError, match=r"kernel 'warp' is not compiled .*: run `make build` in|install nnlite-learn"
    ):
        nnlite.kernels.backend().warp  # noqa: B018


def test_sources_that_are_newer_than_their_kernels(tmp_path, monkeypatch):
    sources, kernels = tmp_path / "csrc", tmp_path / "nnlite" / "kernels"
    for folder in (sources, kernels):
        folder.mkdir(parents=True)
    times = {
        sources / "lstm.pyx": 3,
        sources / "gru.pyx": 5,
        sources / "dense.pyx": 1,
        sources / "tile.h": 2,
        sources / "row.h": 4,  # as old as they are
        sources / "notes.md": 9,
        kernels / f"lstm{EXTENSION_SUFFIXES[0]}": 4,
        kernels / f"gru{EXTENSION_SUFFIXES[0]}": 4,
    }
    for file, seconds in times.items():
        file.touch()
        os.utime(file, (seconds, seconds))
    monkeypatch.setattr(machine, "__file__", str(tmp_path / "nnlite" / "machine.py"))
    monkeypatch.setattr(machine, "host", SimpleNamespace(__file__=str(kernels / "host.so")))
    assert machine.stale_kernels() == ["dense.pyx", "gru.pyx", "row.h", "tile.h"]  # dense is not compiled at all
    (sources / "dense.pyx").unlink()
    assert machine.stale_kernels() == ["gru.pyx"]
    os.utime(sources / "tile.h", (9, 9))
    assert machine.stale_kernels() == ["gru.pyx", "tile.h"]


# What a bug report says


class Host:
    """Stands for the compiled module."""

    def __init__(self, **said):
        for name, value in (
            {"available_threads": 3, "caches": (49152, 2 << 20), "architecture": "x86-64-v3"} | said
        ).items():
            setattr(self, name, lambda value=value: value)


@pytest.mark.parametrize("features", [(), ("avx2", "fma")])
@pytest.mark.parametrize("has_openmp", [True, False])
@pytest.mark.parametrize("why", ["", "there was a storm"])
def test_facts_for_a_bug_report(features, has_openmp, why, monkeypatch):
    replaced = {"why_reference": why, "cpu_model": lambda: "a Zen", "get_num_threads": lambda: 2}
    for name, value in (replaced | {"host": Host(features=features, has_openmp=has_openmp)}).items():
        monkeypatch.setattr(machine, name, value)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(platform, "uname", lambda: platform.uname_result("Linux", "node", "6.1", "#1", "x86_64"))
    facts = machine.describe()
    assert facts.pop("nnlite") == nnlite.__version__
    assert facts.pop("NumPy") == np.__version__
    assert facts.pop("Python") == f"{platform.python_version()} ({platform.python_implementation()})"
    same = {"system": "Linux 6.1, x86_64", "CPU": "a Zen", "cores": "8, of which this process may use 3"}
    if why:
        assert facts == {**same, "kernels": "none: NumPy does their work, as there was a storm"}
        return
    assert facts == {
        **same,
        "kernels": 'compiled with NNLITE_ARCH=x86-64-v3, NNLITE_CACHES="48K 2048K"',
        "instructions": "avx2 fma" if features else "those of x86-64-v3",
        "OpenMP": "yes" if has_openmp else "no: the kernels run on one thread",
        "threads": "2; NNLITE_NUM_THREADS or nnlite.set_num_threads(n) set another number",
    }


@pytest.mark.parametrize(
    ("text", "name"),
    [("processor : 0\nmodel name : A: B \nmodel name : C\n", "A: B"), ("processor : 0\n", "p"), (None, "p")],
)
def test_the_name_of_a_cpu_is_what_linux_tells(text, name, monkeypatch, tmp_path):
    file = tmp_path / "cpuinfo"
    if text:
        file.write_text(text)
    monkeypatch.setattr(machine, "Path", lambda path: {"/proc/cpuinfo": file}[path])
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "processor", lambda: "p")
    assert machine.cpu_model() == name


def test_the_name_of_a_cpu_is_what_macos_tells(monkeypatch):
    def run(command, **options):
        assert command == ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.CompletedProcess(command, 0, "Apple M9\n")

    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(subprocess, "run", run)
    assert machine.cpu_model() == "Apple M9"


@pytest.mark.parametrize(("processor", "kind", "name"), [("p", "m", "p"), ("", "m", "m"), ("", "", "unknown")])
def test_the_name_of_a_cpu_that_nothing_tells(processor, kind, name, monkeypatch):
    def fail(command, check=False, **options):
        assert check  # and so an error of the command is one here
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(subprocess, "run", fail)
    monkeypatch.setattr(platform, "processor", lambda: processor)
    monkeypatch.setattr(platform, "machine", lambda: kind)
    assert machine.cpu_model() == name
