"""What a wheel and an sdist hold: `make test-package` asks an nnlite that was installed, away from the checkout.

`make test` does not, as this file is no test_*.py.
"""

import re
import subprocess
import sys
import tarfile
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import nnlite

ROOT = Path(__file__).parent.parent
DIST_INFO = f"nnlite_learn-{nnlite.__version__}.dist-info"
LIBRARIES = "nnlite_learn.libs"  # what auditwheel adds to a wheel for other Linuxes
FILES = [Path(file) for file in metadata.files("nnlite-learn") if ".." not in file.parts]


def test_this_is_not_the_checkout():
    assert not Path(nnlite.__file__).is_relative_to(ROOT)


def test_a_wheel_is_the_package_and_nothing_else():
    assert {file.parts[0] for file in FILES} - {LIBRARIES} == {"nnlite", DIST_INFO}


def test_licences_of_libraries_come_with_them():
    libraries = [file.name for file in FILES if file.parts[0] == LIBRARIES]
    assert all(name.startswith("libgomp-") for name in libraries)
    licenses = {file.name for file in FILES if file.parts[:2] == (DIST_INFO, "licenses")}
    theirs = {"GPL-3.0.txt", "GCC-exception-3.1.txt", "NOTICE.txt"}
    assert licenses == {"LICENSE"} | (theirs if libraries else set())
    expected = "BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1" if libraries else "BSD-3-Clause"
    assert metadata.metadata("nnlite-learn")["License-Expression"] == expected


def test_the_page_on_pypi_points_to_no_file():
    page = metadata.metadata("nnlite-learn").get_payload()
    assert "# nnlite\n" in page
    assert not re.search(r"\]\((?!https?://)", page)


@pytest.mark.skipif(not list((ROOT / "dist").glob("*manylinux*.whl")), reason="only on Linux there is one for Linux")
@pytest.mark.parametrize(
    ("platform", "kind"), [(None, "manylinux"), ("win_amd64", "any"), ("musllinux_1_2_x86_64", "any")]
)
def test_pip_takes_the_right_wheel(platform, kind, tmp_path):
    command = [sys.executable, "-m", "pip", "--isolated", "download", "--quiet", "--no-index", "--no-deps"]
    command += ["--find-links", ROOT / "dist", "--only-binary", ":all:", "--dest", tmp_path]
    command += ["--platform", platform] if platform else []
    subprocess.run([*command, "nnlite-learn"], check=True, timeout=120)
    (taken,) = tmp_path.iterdir()
    assert kind in taken.name.rpartition("-")[2]


def test_a_wheel_holds_every_file_of_the_package():
    def written(files):
        return {f for f in files if f.suffix not in {".so", ".pyd", ".pyc"} and not f.name.startswith(".")}

    checkout = {path.relative_to(ROOT) for path in (ROOT / "nnlite").rglob("*") if path.is_file()}
    assert written(file for file in FILES if file.parts[0] == "nnlite") == written(checkout)


def test_a_wheel_holds_every_kernel_or_none():
    sources = {path.stem for path in (ROOT / "csrc").glob("*.pyx")} | {"_memoryviews"}
    kernels = {file.name.partition(".")[0] for file in FILES if file.name.endswith(tuple(EXTENSION_SUFFIXES))}
    assert kernels == (sources if nnlite.get_backend() == "compiled" else set())


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
