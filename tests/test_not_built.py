"""What is said where no kernel is compiled, and which sources have changed since they were."""

import os
import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import SimpleNamespace

import pytest

import nnlite
from nnlite import machine


def imported_in(folder):
    result = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); import nnlite"],
        cwd=folder, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return result.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(("csrc", "remedy"), [(True, "run `make build` in"), (False, "install nnlite-learn again")])
def test_says_what_to_do(csrc, remedy, tmp_path):
    shutil.copytree(Path(nnlite.__file__).parent, tmp_path / "nnlite", ignore=shutil.ignore_patterns("*.so", "*.pyd"))
    if csrc:
        (tmp_path / "csrc").mkdir()
    error = imported_in(tmp_path)
    assert error.startswith("ImportError: nnlite's kernel 'host' is not compiled for Python 3.")
    assert remedy in error
    if csrc:
        assert error.endswith(str(tmp_path))


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
        sources / "notes.md": 9,
        kernels / f"lstm{EXTENSION_SUFFIXES[0]}": 4,
        kernels / f"gru{EXTENSION_SUFFIXES[0]}": 4,
    }
    for file, seconds in times.items():
        file.touch()
        os.utime(file, (seconds, seconds))
    monkeypatch.setattr(machine, "__file__", str(tmp_path / "nnlite" / "machine.py"))
    monkeypatch.setattr(machine, "host", SimpleNamespace(__file__=str(kernels / "host.so")))
    assert machine.stale_kernels() == ["dense.pyx", "gru.pyx", "tile.h"]  # dense is not compiled at all
    (sources / "dense.pyx").unlink()
    assert machine.stale_kernels() == ["gru.pyx"]
    os.utime(sources / "tile.h", (9, 9))
    assert machine.stale_kernels() == ["gru.pyx", "tile.h"]
