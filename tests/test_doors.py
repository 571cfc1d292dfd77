"""Kernels called by hand: with NNLITE_DEBUG=1 a wrong argument is refused, and never a crash."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from door_tries import calls, names_of

from nnlite.kernels import _doors, backend, host

TRIES = Path(__file__).with_name("door_tries.py")
FUZZ = Path(__file__).with_name("door_fuzz.py")
SEEDS = range(int(os.environ.get("NNLITE_DOOR_SEEDS", "1")))  # of sizes; for each of them 17,000 wrong calls


def debugging(*arguments):
    """Run Python with checked doors."""
    environment = os.environ | {"NNLITE_DEBUG": "1"}
    command = [sys.executable, "-W", "error", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("name", [*_doors.DOORS])
def test_the_table_has_every_door_and_its_arguments(name):
    module = host if name == "host" else getattr(backend(), name)
    doors = {
        door: [*inspect.signature(function).parameters]
        for door, function in vars(module).items()
        if callable(function) and not door.startswith("_") and door.lower() != "uninterrupted"
    }
    table = {
        door: [argument.split()[0] for argument in _doors._split(takes.split(";")[0], ",") if argument]
        for door, takes in _doors.DOORS[name].items()
    }
    assert table == doors


def test_the_table_has_every_module():
    folder = Path(host.__file__).parent
    assert sorted(_doors.DOORS) == sorted(file.name.split(".")[0] for file in folder.glob("[!_]*.so"))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", [*_doors.DOORS])
def test_a_wrong_argument_is_refused(name, seed):
    result = debugging(TRIES, name, seed)
    last = result.stdout.splitlines()[-3:]
    assert result.returncode == 0, f"{name} ended by {result.returncode} at {last}\n{result.stderr}"
    assert re.fullmatch(r"\d+ tries", last[-1])
    assert not re.findall(r".*\nNOT REFUSED", result.stdout)


def test_random_sizes_are_taken_and_give_the_same_bits_on_any_number_of_threads():
    """For moments; `make test-sanitize` goes on for minutes."""
    result = debugging(FUZZ, 3)
    assert re.search(r"\d{2,} calls of \d+ doors: the same bits", result.stdout), result.stdout + result.stderr


@pytest.mark.parametrize("nothing", ["N", "T"])
@pytest.mark.parametrize("module", ["lstm", "gru", "gru_reset_before", "rnn"])
def test_the_gradients_of_no_step_are_0(module, nothing):
    takes, rng = _doors.DOORS[module]["backward"], np.random.default_rng(0)
    sizes = dict.fromkeys(names_of(takes), 3) | {nothing: 0}
    for values, _ in calls(module, takes, sizes, rng):
        for gradient in values["gradients"]:
            gradient.fill(np.nan)
        getattr(backend(), module).backward(*values.values())
        assert all((gradient == 0).all() for gradient in values["gradients"])


def test_the_message_says_what_the_door_takes():
    code = """
import numpy as np
from nnlite.kernels import dense
for W in (np.ones((3, 5), "f"), np.ones((3, 4)), None):
    try:
        dense.forward(np.ones((2, 3), "f"), W, None, np.ones((2, 4), "f"))
    except ValueError as error:
        print(error)
"""
    takes = "dense.forward takes x (N,F), W (F,U), b (U) or None, y (N,U)"
    assert debugging("-c", code).stdout.splitlines() == [
        f"y: expected (N,U) = (2, 5), got (2, 4) in float32: {takes}",
        f"W: expected (F,U) in float32, got (3, 4) in float64: {takes}",
        f"W: expected (F,U), got None: {takes}",
    ]


def test_layers_go_through_checked_doors():
    code = """
import numpy as np, nnlite
from nnlite.kernels import host, lstm
from nnlite.layers import LSTM
assert lstm.forward.__wrapped__
with nnlite.use_backend("compiled"):
    layer = LSTM(3, return_sequences=True)
    y = layer.forward(np.ones((2, 4, 5), "float32"))
print(layer.backward(y).shape)
"""
    result = debugging("-c", code)
    assert result.stdout == "(2, 4, 5)\n", result.stderr


@pytest.mark.skipif(host.checks_indices() or "NNLITE_DEBUG" in os.environ, reason="doors are checked: NNLITE_DEBUG=1")
def test_without_debugging_doors_are_the_kernels_own():
    assert not hasattr(backend().lstm.forward, "__wrapped__")
    with pytest.raises(TypeError, match="No matching signature"):
        backend().dense.forward(np.ones((2, 3), "f2"), None, None, None)
