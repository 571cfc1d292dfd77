"""Tries one mutant after another in a copy of the checkout: changes a file, compiles what depends on it, runs tests.

Cython and the tests run in processes that are forked from this one, where what they import is there already. Most
mutants of Python need not even import nnlite again: see suite.py.
"""

import contextlib
import importlib
import json
import math
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import traceback
from pathlib import Path

import pytest
from Cython.Build import cythonize
from setuptools import Extension
from suite import HANGS, MEMORY, Suite

ROOT = Path(__file__).parents[2]
NOT_COPIED = ".git", ".venv*", "build", "_build", "runs", "dist", "__pycache__", ".*cache", ".hypothesis"
PRELOADED = "numpy", "matplotlib.pyplot", "torch"

# What a mutant is compiled with instead of -O3. The bits are the same: it multiplies and adds in one rounding, too.
QUICK = ["-O1", "-fexpensive-optimizations"]

# Prints the commands by which setup.py would compile each kernel, and the options of Cython, without compiling any.
COMMANDS = """
import json, runpy, sys
import Cython.Build
from setuptools.command.build_ext import build_ext

found = {}

def cythonize(extensions, **options):
    found["options"] = options
    for extension in extensions:
        extension.sources = ["build/cython/" + source.replace(".pyx", ".c") for source in extension.sources]
    return extensions

def build_extension(self, extension):
    commands = found[extension.name.rpartition(".")[2]] = []
    self.force = True
    self.compiler.call = self.compiler.spawn = commands.append  # the newer and the older name
    build(self, extension)

Cython.Build.cythonize, build = cythonize, build_ext.build_extension
build_ext.build_extension, build_ext.copy_extensions_to_source = build_extension, lambda self: None
sys.argv = ["setup.py", "--quiet", "build_ext", "--inplace", "--parallel", "1"]
runpy.run_path("setup.py", run_name="__main__")
print("\\n" + json.dumps(found, default=str))
"""

KILLED = str(-signal.SIGXCPU), str(-signal.SIGKILL)  # for the time that it took


class Tree:
    """A copy of the checkout, in which one file at a time is changed."""

    def __init__(self, folder: Path, seconds: float = math.inf) -> None:
        self.folder, self.scratch, self.seconds = folder, folder.with_name(f"{folder.name}-scratch"), seconds
        self.scratch.mkdir(exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
        self.commands: dict = {}
        for name in PRELOADED:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        self.all = Running(self.folder, [], self.scratch)  # before anything changes
        if self.all.failed:
            raise RuntimeError(f"these tests cannot even be collected: {self.all.failed}: see {self.scratch}/log")

    @contextlib.contextmanager
    def changed(self, path, text: bytes):
        """For a `with` the file is this. Its old time comes back with it: by that Python knows what it has compiled."""
        file = self.folder / path
        old, times = file.read_bytes(), file.stat()
        file.unlink()  # a kernel that a process still runs stays as it is there
        file.write_bytes(text)
        try:
            yield
        finally:
            file.unlink(missing_ok=True)
            file.write_bytes(old)
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    # The kernels.

    def library(self, kernel: str) -> str:
        return f"nnlite/kernels/{kernel}{sysconfig.get_config_var('EXT_SUFFIX')}"

    def compile(self, kernel: str) -> bool:
        """Compile one kernel as it stands; returns whether the compilers take it."""
        if not self.commands:
            found = subprocess.run([sys.executable, "-c", COMMANDS], cwd=self.folder, capture_output=True, check=True)
            self.commands = json.loads(found.stdout.splitlines()[-1])
        (self.folder / self.library(kernel)).unlink()
        process = os.fork()
        if not process:
            with in_child(self.folder, self.scratch):
                source = Extension(f"nnlite.kernels.{kernel}", [f"csrc/{kernel}.pyx"])
                cythonize([source], force=True, quiet=True, **self.commands["options"])
        if os.waitpid(process, 0)[1]:
            return False
        for command in self.commands[kernel]:
            words = [word for old in command for word in (QUICK if old == "-O3" else [old])]
            at = words.index("-o") + 1
            words[at] = self.library(kernel) if "-shared" in words else words[at]
            (self.folder / words[at]).parent.mkdir(parents=True, exist_ok=True)
            if subprocess.run(words, cwd=self.folder, capture_output=True, check=False).returncode:
                return False
        return True

    # The tests.

    def failing(self, tests: list[str], change: dict | None = None, at_most: int = 1) -> list[str]:
        """Which of these tests fail, hang or crash: in a new process, or, after a change, in one that is there."""
        request = {"tests": tests, "at_most": at_most, "seconds": self.seconds}
        if change is None:
            running = Running(self.folder, sorted({test.partition("::")[0] for test in tests}), self.scratch)
            try:
                return running.ask(request)
            finally:
                running.end()
        return self.all.ask(request | change)


class Running:
    """A process with these files of tests collected, or with all."""

    def __init__(self, folder: Path, files: list[str], scratch: Path) -> None:
        requests, self.requests = os.pipe()
        self.answers, answers = os.pipe()
        self.process = os.fork()
        if not self.process:
            with in_child(folder, scratch):
                os.close(self.requests)
                os.close(self.answers)
                without = [f"-pno:{plugin}" for plugin in ("cacheprovider", "xdist", "benchmark")]
                options = ["--quiet", f"--basetemp={scratch}/tests", *without]
                pytest.main([*options, *files], plugins=[Suite(requests, answers)])
        os.close(requests)
        os.close(answers)
        self.lines = b""
        self.failed: list[str] = []
        self.begun, self.child = "the import", 0
        if not self.listen("ready") and not self.failed:
            self.failed = [f"{self.begun} of tests/conftest.py"]

    def listen(self, last: str) -> str:
        """Read lines until one begins so; returns it, or "" where the process has ended or says nothing for long."""
        latest = time.monotonic()
        while time.monotonic() - latest < 5 * HANGS:
            line, found, rest = self.lines.partition(b"\n")
            if found:
                self.lines, words = rest, line.decode()
                kind, _, what = words.partition(" ")
                if kind == "fails":
                    self.failed.append(what)
                elif kind == "begins":
                    self.begun = what
                elif kind == "process":
                    self.child = int(what)
                if kind == last:
                    return words
            elif select.select([self.answers], [], [], 1)[0]:
                got, latest = os.read(self.answers, 1 << 16), time.monotonic()
                if not got:
                    return ""
                self.lines += got
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child or self.process, signal.SIGKILL)
        return self.listen(last) if self.child else ""

    def ask(self, request: dict) -> list[str]:
        self.begun, self.child = "the import", 0
        request = request | {"worker": os.getpid()}
        if not self.failed:
            with open(self.requests, "w", closefd=False) as pipe:
                print(json.dumps(request), file=pipe)
            code = self.listen("ends").partition(" ")[2]
            if code != "0" and not self.failed:
                how = "hangs" if code in KILLED else "crashes"
                self.failed = [f"{self.begun} ({how})"]
        failed, self.failed = self.failed, []
        return failed

    def end(self) -> None:
        os.close(self.requests)
        os.close(self.answers)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)


@contextlib.contextmanager
def in_child(folder: Path, scratch: Path):
    """What a forked process does inside: in the copy, in a group of its own, and then it ends. It says it to a log."""
    code = 1
    try:
        os.setsid()
        os.chdir(folder)
        log = os.open(scratch / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.stdout, sys.stderr = (open(n, "w", buffering=1, closefd=False) for n in (1, 2))  # noqa: SIM115
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.environ |= {"PYTHONPATH": str(folder), "CI": "1", "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "agg"}
        sys.dont_write_bytecode = True
        sys.path.insert(0, str(folder))
        yield
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
