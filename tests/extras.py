"""What only some tests need: packages, and a C compiler."""

import importlib
import os

import pytest

from nnlite.roofline import CompilerError, compiler


def import_extra(module, extra):
    """The module of an optional extra. Without it a test is skipped; on a build server (CI is set) it fails instead."""
    if os.environ.get("CI"):
        return importlib.import_module(module)
    return pytest.importorskip(module, reason=f"the optional extra `{extra}` is not installed")


def _has_compiler():
    try:
        return bool(compiler.compiler())
    except CompilerError:
        return False


needs_compiler = pytest.mark.skipif(not _has_compiler(), reason="there is no C compiler")
