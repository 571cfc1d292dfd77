"""nnlite.zoo: every exhibit is wrong, is found to be, and is right again without its mistake."""

import json
import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from nnlite import plot, zoo
from nnlite.zoo.exhibit import right_module
from nnlite.zoo.file import attempts_on, between

EXHIBITS = zoo.exhibits()
KERNELS = sorted({one.kernel for one in EXHIBITS.values()})


def test_there_are_enough():
    assert len(EXHIBITS) >= 60
    rooms = {"dense", "conv2d", "pool2d", "activation", "softmax", "rnn", "lstm", "gru", "embedding", "norm", "dropout"}
    assert rooms | {"update", "windows", "gru_reset_before"} == set(KERNELS)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_right_kernel_passes(kernel):
    assert zoo.problems(kernel, right_module(kernel)) == []


@pytest.mark.parametrize("name", EXHIBITS)
def test_an_exhibit_is_wrong(name):
    """None is equivalent to the right code."""
    one = EXHIBITS[name]
    assert zoo.problems(one.kernel, one.module())
    assert one.difficulty in (1, 2, 3)
    assert re.fullmatch(r"[A-Z].*\.", one.story)


@pytest.mark.parametrize("name", EXHIBITS)
def test_losses_are_measured(name):
    one = EXHIBITS[name]
    assert one.loss is not None and one.right is not None  # noqa: PT018
    assert 0 < one.right[0] <= one.right[1] < 3.5


def test_a_file_is_written_checked_and_mended(tmp_path):
    one = zoo.exhibit("rnn_04.py")
    path = zoo.write(one, tmp_path)
    assert path.name == "rnn_04.py"
    with pytest.raises(FileExistsError, match="may be your work: delete it"):
        zoo.write(one, tmp_path)
    found, attempts = zoo.check(path)
    assert found[0].message.startswith("backward: ")
    assert attempts == zoo.Attempts(checks=1)
    assert zoo.hint(path)[0].startswith(
        "The mistake is in the function sum_gradient. gradcheck says: with one time step"
    )
    assert zoo.hint(path)[0] == one.story
    assert zoo.hint(path)[0].startswith("The first wrong line: line 51: return np.where(h <= 0, 0, dh) if relu else dh")
    assert zoo.hint(path)[0] == "It reads 'dh', and should read 'dh * (1 - h**2)'."
    path.rename(tmp_path / "mine.py")  # it still knows which exhibit it is
    (tmp_path / "rnn_04.attempts.json").rename(tmp_path / "mine.attempts.json")
    path = tmp_path / "mine.py"
    path.write_text(path.read_text().replace("else dh  #", "else dh * (1 - h * h)  #"))  # written otherwise
    found, attempts = zoo.check(path)
    assert found == []
    assert attempts == attempts_on(path) == zoo.Attempts(checks=2, hints=4, mended=True)
    assert attempts.points == 1
    assert zoo.hint(path) == ("It is mended already.", attempts)


@pytest.mark.parametrize(
    "name", [*[*EXHIBITS][::9], *(pytest.param(name, marks=pytest.mark.long) for name in EXHIBITS)]
)
def test_every_exhibit_has_hints(name, tmp_path):
    path = zoo.write(zoo.exhibit(name), tmp_path)
    assert zoo.check(path)[0]
    hints = [zoo.hint(path)[0] for _ in range(2)]
    assert zoo.exhibit(name).function in hints[0]
    assert hints[1] == zoo.exhibit(name).story


def test_a_program_that_ends_is_refused(tmp_path):
    path = zoo.write(zoo.exhibit("dense-01"), tmp_path)
    path.write_text(path.read_text() + "\nraise SystemExit\n")
    with pytest.raises(ValueError, match="expected functions, got a program that ends"):
        zoo.check(path)


def test_what_is_no_program_is_named_by_its_line(tmp_path):
    path = zoo.write(zoo.exhibit("dense-01"), tmp_path)
    path.write_text(path.read_text() + "\ny = (\n")
    with pytest.raises(ValueError, match=r"dense_01.py, line \d+: expected Python, got '\(' was never closed"):
        zoo.check(path)


def test_a_program_may_name_another_encoding(tmp_path):
    path = zoo.write(zoo.exhibit("dense-01"), tmp_path)
    path.write_bytes(b"# -*- coding: latin-1 -*-\n# \xe9\n" + path.read_bytes())
    assert zoo.check(path)[1].checks == 1


@pytest.mark.parametrize("memory", ["", "[]", '{"checks": 1, "other": 2}', "\x00", '{"checks": "x"}', '{"hints": -3}'])
def test_what_cannot_be_read_of_the_attempts_is_begun_anew(tmp_path, memory):
    path = zoo.write(zoo.exhibit("dense-01"), tmp_path)
    path.with_suffix(".attempts.json").write_text(memory)
    assert zoo.check(path)[1].checks == 1
    assert json.loads(path.with_suffix(".attempts.json").read_text())["checks"] == 1


@pytest.mark.parametrize(
    ("kernel", "functions", "message"),
    [
        (
            "dense",
            {"backward": lambda *arguments: 1 / 0},
            "backward: line .* raises ZeroDivisionError: division by zero",
        ),
        ("dense", {"backward": lambda x, W, dy, dx, dW, db: None}, "backward: dx is wrong: at index"),
        ("dense", {"forward": lambda x, W, b: None}, "forward: line .* raises TypeError"),
        ("dense", {"backward": lambda *arguments: sys.exit(0)}, "backward: line .* raises SystemExit: 0"),
        ("dense", {"forward": None}, "forward: expected a function of this name, got none"),
        ("softmax", {"sample": lambda x, temperature, u: "x"}, "its result is wrong: it is 'x', and should be numbers"),
        ("windows", {"windows": lambda ids, T: None}, "windows: it raises TypeError"),
        ("windows", {"truncated": lambda step, x, y: None}, r"truncated: it calls step with \[\], and should with"),
    ],
)
def test_what_crashes_or_does_nothing_is_a_problem(kernel, functions, message):
    module = types.SimpleNamespace(**{**vars(right_module(kernel)), **functions})
    assert any(re.search(message, problem.message) for problem in zoo.problems(kernel, module))


@pytest.mark.parametrize("task", ["text", "images", "adagrad", "momentum", "rmsprop"])
def test_tasks_learn(task):
    kernel = {"text": "rnn", "images": "conv2d"}.get(task, "update")
    losses = zoo.losses(task, kernel)
    assert np.mean(losses[-20:]) < 0.85 * losses[0]


def test_targets_that_are_the_inputs_give_a_splendid_loss():
    losses = zoo.losses("text", "windows", zoo.exhibit("windows-01").module())
    assert np.mean(losses[-20:]) < 0.7 * zoo.exhibit("windows-01").right[0]


@pytest.mark.parametrize("name", ["lstm-99", "lstn-01", ""])
def test_an_unknown_exhibit(name):
    with pytest.raises(ValueError, match=f"expected the name of an exhibit, such as 'lstm-07', got {name!r}"):
        zoo.exhibit(name)


def test_the_command(tmp_path, monkeypatch, nnlite_command):
    monkeypatch.chdir(tmp_path)
    code, output, _ = nnlite_command("zoo")
    assert code == 0
    assert all(name in output for name in EXHIBITS)
    one = next(one for one in EXHIBITS.values() if between(one.loss) != between(one.right))
    (row,) = (line for line in output.splitlines() if line.startswith(f"{one.name} "))
    assert re.search(f"{between(one.loss)} +{between(one.right)} *$", row)
    (tmp_path / "dense_04.png").write_bytes(b"of a user")
    code, _, error = nnlite_command("zoo", "dense-04")
    assert (code, "dense_04.png is not a picture of nnlite zoo, which would overwrite it: move" in error) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["dense_04.png"]
    (tmp_path / "dense_04.png").write_bytes(plot.png(plot.loss_curves, {"loss": [1.0]}))
    assert nnlite_command("zoo", "dense-04")[0] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dense_04.png", "dense_04.py"]
    code, output, _ = nnlite_command("zoo", "check", "dense_04.py")
    assert code == 1
    assert "backward: dx is wrong" in output
    assert "the sign" not in output  # a hint's
    assert "wrong sign: all that is below unlearns" not in output
    hint = " ".join(nnlite_command("zoo", "hint", "dense_04.py")[1].split())
    assert "The mistake is in the function backward. gradcheck says: the sign: every number" in hint
    path = tmp_path / "dense_04.py"
    path.write_text(path.read_text().replace("-(dy @ W.T)", "dy @ W.T"))
    code, output, _ = nnlite_command("zoo", "check", "dense_04.py")
    assert code == 0
    assert "Mended, after 2 attempts: 4 of 5 points." in output


def test_of_what_is_wrong_the_first_is_told_in_full(monkeypatch, nnlite_command):
    problems = [
        types.SimpleNamespace(scenario=scenario, message=f"of {scenario}") for scenario in ("one", "two", "one")
    ]
    monkeypatch.setattr(sys.modules["nnlite.cli.zoo"], "check", lambda _: (problems, types.SimpleNamespace(checks=1)))
    code, output, _ = nnlite_command("zoo", "check", "lstm_07.py")
    assert (code, output.splitlines()[:4]) == (1, ["one:", "  of one", "  of one", "Wrong, too: two"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check"], "zoo check: expected a file"),
        (["lstm-07", "lstm_07.py"], "expected check or hint before a file, got 'lstm-07'"),
        (["check", "none.py"], "none.py: No such file or directory"),
        (["lstm-77"], "expected the name of an exhibit"),
        (["check", "/dev/zero"], "/dev/zero: it is not a file but a device or a pipe"),
        (["hint", "/dev/zero"], "/dev/zero: it is not a file but a device or a pipe"),
        (["check", "loss.png"], "loss.png: expected a Python program, got something else: save it in UTF-8"),
    ],
)
def test_the_command_says_what_to_type(arguments, message, tmp_path, monkeypatch, nnlite_command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loss.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    if "/dev/zero" in arguments and not Path("/dev/zero").exists():
        pytest.skip("this system has no such device")
    code, _, error = nnlite_command("zoo", *arguments)
    assert code == 1
    assert message in " ".join(error.split())
