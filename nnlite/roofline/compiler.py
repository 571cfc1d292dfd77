"""Compile C and Cython when they are first needed, for this CPU, and keep the result in the user's cache folder."""

import ctypes
import functools
import hashlib
import importlib.machinery
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from nnlite import extras
from nnlite.saving import atomic_file

HEADERS = Path(__file__).parent
OPENMP = "#pragma omp"  # in a source that is compiled with OpenMP
VIEWS = "nnlite_memoryviews"  # what Cython adds to each module for its memoryviews: once, for all of them
HEADERS_OF_PYTHON = "its headers (Debian, Ubuntu: apt install python3-dev; Fedora: dnf install python3-devel)"
GET = "Debian, Ubuntu: apt install gcc; Fedora: dnf install gcc; macOS: xcode-select --install"


class CompilerError(RuntimeError):
    """There is no C compiler, or it refuses what it is given; the message says what to do.

    Example:
        >>> from nnlite.roofline.compiler import CompilerError, find
        >>> try:
        ...     find("no-such-compiler", "native")
        ... except CompilerError as error:
        ...     print(str(error).partition(",")[0])
        there is no C compiler 'no-such-compiler'
    """


class Compiler(NamedTuple):
    """A C compiler.

    Attributes:
        command: with the flags of this CPU.
        version: in words, such as "gcc 12.2.0".
        macros: what it predefines under these flags: its version, the CPU, and the instructions that it has.
    """

    command: list[str]
    version: str
    macros: str


@functools.cache
def find(named: str, arch: str) -> Compiler:
    """The compiler that the environment variable CC names, or Python's own, or what is called cc, gcc or clang.

    Args:
        named: CC, or "".
        arch: NNLITE_ARCH: what -march is told.
    """
    names = [named] if named else [sysconfig.get_config_var("CC") or "cc", "cc", "gcc", "clang"]
    program = next((shlex.split(name) for name in names if shutil.which(shlex.split(name)[0])), None)
    if program is None:
        called = f" {named!r}, which CC names" if named else ""
        raise CompilerError(f"there is no C compiler{called}: install one ({GET}), or name yours: CC=clang")
    command = [*program, "-O3"]
    for alternatives in ([f"-march={arch}", f"-mcpu={arch}"], ["-mprefer-vector-width=512"]):
        command += next(([flag] for flag in alternatives if _macros([*command, flag])), [])
    macros = _macros(command)
    if not macros or (arch != "native" and not any(arch in argument for argument in command)):
        refused = "an empty program" if not macros else f"NNLITE_ARCH={arch}: set one that it knows"
        raise CompilerError(f"the C compiler does not take {refused}: {shlex.join(command)}")
    known = dict(line.split(" ", 2)[1:] for line in macros.splitlines() if line.count(" ") > 1)
    name, levels = ("clang", ("major", "minor")) if "__clang__" in known else ("gcc", ("", "_MINOR", "_PATCHLEVEL"))
    prefix = "__clang_" if name == "clang" else "__GNUC"
    version = ".".join(known.get(f"{prefix}{level}__", "") for level in levels)
    return Compiler(command, f"{name} {version}", macros)


def compiler() -> Compiler:
    """The C compiler of this machine, for this CPU, or the one that NNLITE_ARCH names.

    Raises:
        CompilerError: there is none.
    """
    return find(os.environ.get("CC", "").strip(), os.environ.get("NNLITE_ARCH", "native"))


def library(source: Path) -> ctypes.CDLL:
    """A C file as a loaded library. With OpenMP, if it says `#pragma omp`.

    Raises:
        CompilerError: there is no compiler, or it refuses the file.
        ImportError: the extra `ladder` is not installed.
    """
    headers = sorted([*source.parent.glob("*.h"), *HEADERS.glob("*.h")])
    flags = [f"-I{folder}" for folder in (source.parent, HEADERS)]
    flags += ["-fopenmp"] if OPENMP in source.read_text(encoding="utf-8") else []
    return ctypes.CDLL(str(_built(source.stem, [source, *headers], lambda made: _compile([str(source), *flags], made))))


def extension(source: Path) -> ModuleType:
    """A Cython file as an imported module.

    Raises:
        CompilerError: there is no compiler, or Cython or the compiler refuse the file.
        ImportError: the extra `ladder` is not installed.
    """
    if VIEWS not in sys.modules:
        sys.modules[VIEWS] = _cython(VIEWS, [], ["--generate-shared={}"])
    return _cython(source.stem, [source], ["-3", f"--shared={VIEWS}", str(source), "-o", "{}"])


def _built(name, sources, build):
    """The library that `build` makes from these files: from the cache, if it was made there before."""
    extras.require("ladder")
    key = hashlib.sha256(compiler().macros.encode())
    for fact in (*compiler().command, sysconfig.get_config_var("SOABI"), metadata.version("cython")):
        key.update(f"{fact}\0".encode())
    for source in (Path(__file__), *sources):
        key.update(source.read_bytes())
    path = cache_folder() / f"{name}-{key.hexdigest()[:32]}{sysconfig.get_config_var('SHLIB_SUFFIX') or '.so'}"
    if not path.exists():
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder, f"{name}{path.suffix}")
            build(made)
            atomic_file.write(path, made.read_bytes())  # never half of it, also where two processes write
    return path


@functools.cache
def cache_folder() -> Path:
    """The folder that keeps what was compiled: the user's, or one for this process where that cannot be written."""
    import platformdirs

    try:
        folder = platformdirs.user_cache_path("nnlite", appauthor=False)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(_for_this_process().name)


@functools.cache
def _for_this_process():
    return tempfile.TemporaryDirectory(prefix="nnlite-")


def _compile(arguments: Sequence[str], made: Path) -> None:
    undefined = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    _run([*compiler().command, "-shared", "-fPIC", *undefined, *arguments, "-lm", "-o", str(made)])


def _cython(name, sources, arguments):
    """The module that Cython makes with these arguments, where {} stands for the C file that it is to write."""

    def build(made):
        c = made.with_suffix(".c")
        _run([sys.executable, "-m", "cython", *(argument.format(c) for argument in arguments)])
        _compile([str(c), f"-I{sysconfig.get_path('include')}"], made)

    path = _built(name, sources, build)
    loader = importlib.machinery.ExtensionFileLoader(name, str(path))
    module = importlib.util.module_from_spec(importlib.machinery.ModuleSpec(name, loader, origin=str(path)))
    loader.exec_module(module)
    return module


def _run(command):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        # What a linker lacks stands before the compiler's own "error: linker command failed".
        telling = (line for line in done.stderr.splitlines() if re.search("error|cannot find|not found", line))
        said = next(telling, done.stderr.strip())
        said += f": install {HEADERS_OF_PYTHON}" if "Python.h" in said else ""
        raise CompilerError(f"{shlex.join(command[:2])} refuses it: {said}")


def _macros(command):
    """What the compiler predefines with these flags; "" where it does not know them."""
    done = subprocess.run([*command, "-Werror", "-dM", "-E", "-x", "c", os.devnull], capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else ""
