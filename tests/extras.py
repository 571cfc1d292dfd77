"""Packages that only some tests need."""

import importlib
import os

import pytest


def import_extra(module, extra):
    """The module of an optional extra. Without it a test is skipped; on a build server (CI is set) it fails instead."""
    if os.environ.get("CI"):
        return importlib.import_module(module)
    return pytest.importorskip(module, reason=f"the optional extra `{extra}` is not installed")
