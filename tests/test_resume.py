"""Trainings that are killed, at any moment, end with the same bits as one that is not."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")

PROGRAM = Path(__file__).with_name("resumable.py")
RESULTS = ["best.safetensors", "final.safetensors", "history.json", "log.csv", "log.jsonl"]


def start(folder, kind, *kill):
    folder.mkdir(exist_ok=True)
    return subprocess.Popen([sys.executable, PROGRAM, folder, kind, *kill], stdout=subprocess.PIPE)


def finish(folder, kind):
    process = start(folder, kind)
    process.communicate(timeout=60)
    assert process.returncode == 0
    files = {file.name for file in folder.iterdir()}
    assert files == {*RESULTS, "backup.safetensors"}  # nothing is left over
    return {name: (folder / name).read_bytes() for name in RESULTS}


@pytest.mark.parametrize(
    ("kind", "kills"),
    [
        (
            "shuffled",
            [
                "half 3",  # in the middle of writing the first backups,
                "replace 2",  # between writing one and giving it its name,
                "replaced 3",  # and right after that;
                "forward 5",  # in the middle of a batch,
                "epoch 3",  # when an epoch's log is written and its backup is not,
                "epoch 2",  # once more in the last epoch, which is not the best,
                "end 1",  # and when only the best weights are yet to be restored
            ],
        ),
        ("stateful", ["forward 10", "half 2", "replaced 2", "epoch 1"]),
        ("carried", ["forward 5", "half 2", "replaced 2", "epoch 1"]),
    ],
)
def test_killed_at_chosen_moments(tmp_path, kind, kills):
    expected = finish(tmp_path / "straight", kind)
    assert len(json.loads(expected["history.json"])[0]["loss"]) < 9  # it was stopped early
    for kill in kills:
        process = start(tmp_path / "killed", kind, kill)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL, f"{kill!r} never came"
    assert finish(tmp_path / "killed", kind) == expected


def test_killed_at_random_moments(tmp_path):
    expected = finish(tmp_path / "straight", "shuffled")
    process = start(tmp_path / "timed", "shuffled")
    process.stdout.readline()
    began = time.perf_counter()
    process.communicate(timeout=60)
    duration = time.perf_counter() - began
    for _ in range(5):
        process = start(tmp_path / "killed", "shuffled")
        process.stdout.readline()
        time.sleep(random.random() * duration / 2)
        process.kill()
        process.communicate(timeout=60)
    assert finish(tmp_path / "killed", "shuffled") == expected
