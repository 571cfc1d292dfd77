"""What a wheel and an sdist hold: `make test-package` asks an nnlite that was installed, away from the checkout.

`make test` does not, as this file is no test_*.py.
"""

import subprocess
import sys
import tarfile
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import nnlite

ROOT = Path(__file__).parent.parent
FILES = [Path(file) for file in metadata.files("nnlite-learn") if ".." not in file.parts]


def test_this_is_not_the_checkout():
    assert not Path(nnlite.__file__).is_relative_to(ROOT)


def test_a_wheel_is_the_package_and_nothing_else():
    assert {file.parts[0] for file in FILES} == {"nnlite", f"nnlite_learn-{nnlite.__version__}.dist-info"}


def test_a_wheel_holds_every_file_of_the_package():
    def written(files):
        return {f for f in files if f.suffix not in {".so", ".pyd", ".pyc"} and not f.name.startswith(".")}

    checkout = {path.relative_to(ROOT) for path in (ROOT / "nnlite").rglob("*") if path.is_file()}
    assert written(file for file in FILES if file.parts[0] == "nnlite") == written(checkout)


def test_a_wheel_holds_every_kernel():
    sources = {path.stem for path in (ROOT / "csrc").glob("*.pyx")}
    kernels = {file.name.partition(".")[0] for file in FILES if file.name.endswith(tuple(EXTENSION_SUFFIXES))}
    assert kernels == sources | {"_memoryviews"}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="only a checkout knows what belongs to it")
def test_an_sdist_holds_the_checkout():
    (sdist,) = (ROOT / "dist").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()}
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    expected = {name for name in listing.splitlines() if not any(part.startswith(".") for part in Path(name).parts)}
    assert expected - found == set()


def test_the_command_is_there():
    command = Path(sys.executable).with_name("nnlite")
    result = subprocess.run([command, "info"], capture_output=True, text=True, check=True, timeout=60)
    assert nnlite.__version__ in result.stdout
