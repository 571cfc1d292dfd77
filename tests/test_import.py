"""`import nnlite` is quick: what only some need is loaded when they do."""

import inspect
import json
import subprocess
import sys

import pytest

import nnlite
from nnlite import arguments

HEAVY = [
    "IPython",
    "matplotlib",
    "rich",
    "typer",
    "safetensors",
    "torch",
    "sklearn",
    "Cython",
    "setuptools",
    "importlib.metadata",
    "subprocess",
    *("PIL", "asyncio", "concurrent", "email", "http", "logging", "multiprocessing", "tempfile", "unittest", "xml"),
]


def loaded_by(program):
    """The modules that a fresh Python has loaded after a program."""
    program += "; import json, sys; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(result.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "program",
    [
        "import nnlite",
        "from nnlite import LSTM; from nnlite.text import generate",
        "from nnlite.images import load_idx",
        "import nnlite, numpy; nnlite.Dense(2).forward(numpy.ones((1, 3), 'float32'))",
    ],
)
def test_loads_nothing_heavy(program):
    assert not set(HEAVY) & (loaded_by(program) - loaded_by("import numpy"))


def test_packages_are_loaded_on_use():
    program = "import nnlite; nnlite.{}"
    assert "nnlite.inspect" not in loaded_by("import nnlite")
    for name in ("derive", "experiment", "images", "inspect", "plot", "report", "testing", "text"):
        assert f"nnlite.{name}" in loaded_by(program.format(name))
        assert name in dir(nnlite)
    with pytest.raises(AttributeError, match="module 'nnlite' has no attribute 'LTSM'"):
        nnlite.LTSM  # noqa: B018
    with pytest.raises(AttributeError, match=r"^module 'nnlite' has no attribute 'Denxx'$"):
        nnlite.Denxx  # noqa: B018  # too unlike Dense to be a slip of a finger


def test_reference_is_loaded_on_use():
    assert "nnlite.reference.dense" not in loaded_by("import nnlite; nnlite.Dense(2)")


def test_constructors_are_looked_at_once(monkeypatch):
    """No clock: `inspect.signature` takes most of the time of making a class."""
    asked, signature = [], inspect.signature
    monkeypatch.setattr(inspect, "signature", lambda function: asked.append(function) or signature(function))

    class Pen(arguments.ChecksArguments):
        def __init__(self, width=1.0):
            self.width = width

    assert len(asked) == 1
    with pytest.raises(TypeError, match=r"Pen: unknown argument 'with': did you mean 'width'\?"):
        Pen(**{"with": 2.0})


def test_subnormal_numbers_survive():
    """Some compiler flags flush them to zero in the whole process."""
    program = "import nnlite, numpy; print(float(numpy.float32(1e-40) * numpy.float32(1)) != 0)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout == "True\n"
