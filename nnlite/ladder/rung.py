"""The rungs as files: titles, explanations, and what to call."""

from __future__ import annotations

import ctypes
import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import nnlite
from nnlite.roofline import compiler

from .problems import PROBLEMS, Problem

LINE = 16  # numbers in a cache line
COMMENT = re.compile(r'"""(.+?)"""|/\*(.+?)\*/', re.DOTALL)  # the first says what the rung is about


@dataclass(frozen=True)
class Rung:
    """One way to compute the same.

    Attributes:
        path: its file, in Python, Cython or C.

    Example:
        >>> from nnlite import ladder
        >>> rung = ladder.rungs("conv2d")[3]
        >>> rung.title, rung.path.name
        ('im2col and BLAS', 'rung_04_im2col_blas.py')
    """

    path: Path

    @property
    def title(self) -> str:
        """The first line of its comment."""
        return self._comment[0].rstrip(".")

    @property
    def explanation(self) -> str:
        """The rest of its comment: what is new, and what it brings."""
        return " ".join(self._comment[1:])

    @property
    def source(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def _comment(self) -> list[str]:
        found = COMMENT.search(self.source)
        assert found, self.path
        return [line for line in (line.strip(" *") for line in (found[1] or found[2]).splitlines()) if line]

    @property
    def is_python(self) -> bool:
        return self.path.suffix == ".py"

    @property
    def is_own(self) -> bool:
        """Whether it is nnlite's own kernel."""
        return "own_kernel" in self.path.stem

    @property
    def uses_threads(self) -> bool:
        return self.is_own or compiler.OPENMP in self.source

    def prepare(self, problem: Problem, threads: int = 1) -> Callable[..., np.ndarray]:
        """A function from the problem's inputs to its result; compiled first, if it has to be.

        Raises:
            RuntimeError: there is no C compiler, or it refuses the file; or nnlite has no kernels of its own here.
        """
        if self.is_own and nnlite.get_backend() == "reference":
            raise RuntimeError("nnlite runs on NumPy here, without kernels of its own")
        if self.is_python:
            return importlib.import_module(f"{__package__}.{problem.name}.{self.path.stem}").forward
        if self.path.suffix == ".pyx":
            return _into_new_memory(compiler.extension(self.path).forward, problem)
        forward, sizes = compiler.library(self.path).forward, problem.sizes(threads)
        work = _aligned(problem.work)

        def call(*arrays):
            forward(sizes, *(ctypes.c_void_p(array.ctypes.data) for array in (*arrays, work)))

        return _into_new_memory(call, problem)


def _aligned(n):
    """Memory for n numbers that begins with a cache line: a vector that lies in two is read twice."""
    around = np.empty(n + LINE, np.float32)
    start = -around.ctypes.data % (4 * LINE) // 4
    return around[start : start + n]


def _into_new_memory(fill, problem):
    """A compiled rung writes into memory that it is given."""

    def forward(*inputs):
        y = np.empty(problem.result_shape, np.float32)
        fill(*inputs, y)
        return y

    return forward


def rungs(name: str) -> list[Rung]:
    """The rungs of a ladder, from the lowest to the highest.

    Args:
        name: "conv2d" or "lstm".

    Raises:
        ValueError: there is no such ladder.

    Example:
        >>> from nnlite import ladder
        >>> print(*(rung.title for rung in ladder.rungs("lstm")[:3]), sep="; ")
        Python loops; NumPy, a sum for each unit and gate; BLAS, a product for each gate and step
    """
    if name not in PROBLEMS:
        raise ValueError(f"ladder: expected one of {', '.join(PROBLEMS)}, got {name!r}")
    return [Rung(path) for path in sorted(Path(__file__).with_name(name).glob("rung_*"))]
