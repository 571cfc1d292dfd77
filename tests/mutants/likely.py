"""Which files of tests can notice a mutant, first those that are named after its file, then those that speak of it."""

import ast
import collections
import functools
import re
from pathlib import Path

from trial import ROOT

# What a header of C is declared in, where the .pxd has another name; "tile" is in all kernels.
DECLARED_IN = {"block": "tile", "planes": "slide", "host": "tile", "typed": "tile", "loops": "tile"}
FIRST: set[str] = set()  # these before all others
STAGES = 3, 10, None  # files of tests that are tried first, those that come then, and all


def stages(path: str, kernel: str | None = None) -> list[list[str]]:
    """Lists of files of tests: each to be run only if nothing in those before has noticed."""
    files = likely_files(path, kernel)
    return [files[start:end] for start, end in zip((0, *STAGES), STAGES, strict=False)]


@functools.cache
def likely_files(path, kernel):
    words = words_of_tests()
    if kernel:
        callers = [caller for caller in (ROOT / "nnlite").rglob("*.py") if _calls(caller, kernel)]
        names, first, second = {kernel}, {kernel}, {name for file in callers for name in (file.stem, file.parent.name)}
    else:
        tree = ast.parse((ROOT / path).read_bytes())
        defined = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        names = {
            Path(path).stem,
            *(node.name for node in defined if node in tree.body or not node.name.startswith("_")),
        }
        first, second = {Path(path).stem}, {Path(path).parent.name, *Path(path).stem.split("_")}
    weight = {name: max(1, sum(name in found for found in words.values())) ** -2 for name in names}
    score = {file: sum(weight[name] * found[name] for name in names) for file, found in words.items()}

    def order(file):
        name = Path(file).stem.removeprefix("test_")
        return file not in FIRST, name not in first, name not in second, -score[file]

    return sorted(words, key=order)


@functools.cache
def words_of_tests():
    files = sorted(ROOT.glob("tests/**/test_*.py"))
    counts = (collections.Counter(re.findall(r"\w+", file.read_text("utf-8"))) for file in files)
    return dict(zip((file.relative_to(ROOT).as_posix() for file in files), counts, strict=True))


def _calls(file, kernel):
    return file.parent.name in ("layers", "optimizers", "losses") and re.search(
        rf'backend\(\)\.{kernel}\b|"{kernel}"', file.read_text("utf-8")
    )


@functools.cache
def kernels_with(path: str) -> list[str]:
    """The kernels that are compiled from a file of csrc/, the quickest to compile first."""
    stem, suffix = Path(path).stem, Path(path).suffix
    if suffix == ".pyx":
        return [stem]
    wanted = {stem, DECLARED_IN.get(stem)} if suffix == ".h" else {stem}
    kernels = sorted((ROOT / "csrc").glob("*.pyx"), key=lambda file: file.stat().st_size)
    return [file.stem for file in kernels if wanted & _included(file) and file.stem != "host"]


def _included(file):
    """The headers, of Cython and of C, that a file of Cython is compiled with."""
    text = file.read_text("utf-8")
    found = set(re.findall(r'^cdef extern from "(\w+)\.h"', text, flags=re.MULTILINE))
    for name in re.findall(r"^(?:from|cimport) (\w+)", text, flags=re.MULTILINE):
        header = ROOT / "csrc" / f"{name}.pxd"
        if header.exists():
            found |= {name} | _included(header)
    return found
