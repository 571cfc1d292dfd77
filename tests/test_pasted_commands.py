"""What the command prints for its user to paste into a shell can be pasted, whatever the folder is called."""

import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest
from commands import COMMAND, start

OPTIONS = ["--units=4", "--step=400", "--epochs=1", "--temperature=1"]
ODD = ["my runs/it's a {test} [bold] & more :smile:", "-x", "two  spaces/$HOME"]
TRAIN = ["train", *OPTIONS]
RECIPE = ["minimal-rnn", "--units=4", "--iterations=50"]


def pasted(line, here):
    """What a shell says of a line of the output."""
    return subprocess.run(["sh", "-c", line], cwd=here, capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(os.name == "nt", reason="Windows has another shell")
class TestPasted:
    @pytest.mark.parametrize(
        ("name", "train"),
        [
            (ODD[0], TRAIN),
            (ODD[1], RECIPE),
            *(pytest.param(name, train, marks=pytest.mark.long) for name in ODD for train in (TRAIN, RECIPE)),
        ],
    )
    def test_sample(self, name, train, tmp_path):
        line = [*COMMAND, *train, "--out", name]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        (command,) = (line.partition(":  ")[2] for line in done.stdout.splitlines() if line.startswith("More "))
        result = pasted(f"{command} --length 5 --seed 0", tmp_path)
        assert result.returncode == 0, result.stderr
        assert result.stdout.startswith("shall i compare")

    @pytest.mark.parametrize("name", [ODD[0], *(pytest.param(name, marks=pytest.mark.long) for name in ODD[1:])])
    def test_resume(self, name, tmp_path):
        process = start("train", "--units=4", "--step=100", "--epochs=500", "--out", name, cwd=tmp_path)
        while not (tmp_path / name / "checkpoint.safetensors").exists() and process.poll() is None:
            time.sleep(0.0005)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 130
        command = output.rstrip("\n").splitlines()[-1].strip()
        words = shlex.split(command)
        assert words[-3:-1] == ["--resume", "--out"]
        assert Path(tmp_path, words[-1]) == tmp_path / name
        # With an option that it contradicts: the run is found, and nothing has to be trained.
        result = pasted(f"{command} --units 5", tmp_path)
        assert result.returncode == 2
        assert "was started with 4, got 5" in result.stderr

    def test_where_python_is_not_on_the_path(self, tmp_path):
        result = subprocess.run(
            [*COMMAND, "sample"], cwd=tmp_path, env={**os.environ, "PATH": ""}, capture_output=True, text=True
        )
        command = result.stderr.partition("ships with. ")[2].removesuffix(" trains your own.\n")
        assert command
        assert pasted(f"{command} --help", tmp_path).returncode == 0

    def test_errors_keep_the_spaces_of_a_name(self, tmp_path, nnlite_command):
        folder = tmp_path / "two  spaces"
        folder.mkdir()
        (folder / "a").touch()
        assert str(folder) in nnlite_command("train", "--out", folder)[2]
