"""What is not installed is named, with the extra that installs it, before any work is done for nothing."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from nnlite import extras, images, ladder, plot, report, roofline

ROOT = Path(__file__).parent.parent


@pytest.fixture
def without(monkeypatch):
    """Makes the modules of some extras ones that are not there."""

    def remove(*names):
        for name in names:
            monkeypatch.setitem(sys.modules, extras.MODULES[name], None)

    return remove


def test_pyproject_has_the_same_extras():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    parts = declared["optional-dependencies"]
    assert extras.MODULES.keys() <= parts.keys()
    (every,) = parts["all"]
    assert re.fullmatch(r"nnlite-learn\[(.*)\]", every)[1].split(",") == sorted(extras.MODULES)
    core = {re.match(r"[a-z]+", requirement)[0] for requirement in declared["dependencies"]}
    assert core == {"numpy", "safetensors", "rich"}


@pytest.mark.parametrize(
    ("extra", "call"),
    [
        ("plot", lambda: plot.loss_curves({"loss": [2.9, 2.2]})),
        ("plot", lambda: plot.svg(plot.loss_curves, {"loss": [2.9, 2.2]})),
        ("plot", lambda: plot.png(plot.images, np.zeros((1, 2, 2, 1)))),
        ("report", lambda: report.html(report.Report("Sonnets", sections=[]))),
        ("images", lambda: images.load_digit("seven.png")),
        ("digits", images.load_digits),
        ("ladder", roofline.measure),
        ("ladder", lambda: next(ladder.climb("conv2d"))),
    ],
)
def test_a_function_names_the_extra_that_it_lacks(extra, call, without):
    without(extra)
    with pytest.raises(
        ImportError, match=rf"{extras.MODULES[extra]}: expected .*\"nnlite-learn\[{extra}\]\", or every"
    ):
        call()


@pytest.mark.parametrize(
    ("line", "lacks"),
    [
        ("train", "plot"),
        ("train", "report"),
        ("train", "plot,report"),
        ("digits", "digits"),
        ("digits", "plot"),
        ("digits --images seven.png", "images"),
        ("digits --images seven.png", "plot"),
        ("ladder conv2d", "ladder"),
        ("bench", "ladder"),
        ("bench --roofline", "plot"),
        ("bench --roofline", "report"),
        ("minimal-rnn", "plot"),
        ("sweep", "sweep"),
        ("stats", "plot"),
        ("stats --graphemes", "graphemes"),
    ],
)
def test_a_command_names_the_extras_that_it_lacks_before_it_begins(
    line, lacks, without, nnlite_command, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    without(*lacks.split(","))
    code, output, error = nnlite_command(*line.split())
    assert (code, output) == (1, "")
    assert f'pip install "nnlite-learn[{lacks}]", or every part: pip install "nnlite-learn[all]"' in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_command_line_itself_is_an_extra():
    program = "import sys; sys.modules['typer'] = None; from nnlite.__main__ import main; main()"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert result.stderr.startswith('nnlite: typer: expected to be installed: pip install "nnlite-learn[cli]"')
    assert result.stderr.count("\n") == 1
