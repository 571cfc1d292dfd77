"""`import nnlite` where no kernel is compiled says what to do."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nnlite


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
