"""Trainings that are killed at random moments, some of them on a disk that is full: `python tests/killed.py 100 SEED`.

Each is started again until it ends. Then all that it leaves has the bits of one that was left alone, and no process has
lost what was there when it began. tests/test_killed.py runs it.
"""

import collections
import contextlib
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from commands import resume

from nnlite.saving import checkpoint

RESUMABLE = [sys.executable, Path(__file__).with_name("resumable.py")]
NNLITE = [sys.executable, "-m", "nnlite"]
SIGNALS = signal.SIGKILL, signal.SIGTERM, signal.SIGINT
DISK = 3 << 20  # bytes

# How each is called with a folder, and what it prints when its training begins.
TRAININGS = {
    "shuffled": (lambda folder: [*RESUMABLE, folder, "shuffled", "slow 0"], "started"),
    "stateful": (lambda folder: [*RESUMABLE, folder, "stateful", "slow 0"], "started"),
    "carried": (lambda folder: [*RESUMABLE, folder, "carried", "slow 0"], "started"),
    "train": (
        lambda folder: [
            *NNLITE, "train", "--units=6", "--step=100", "--batch-size=16", "--epochs=6", "--temperature=1",
            "--threads=1", *resume(folder), "--out", folder,
        ],
        "landmarks",
    ),
    "minimal-rnn": (
        lambda folder: [
            *NNLITE, "minimal-rnn", "--units=8", "--iterations=3000", "--threads=1", *resume(folder), "--out", folder,
        ],
        "landmarks",
    ),
}  # fmt: skip


class Tmpfs:
    """A small file system in memory. It takes root to mount one."""

    def __init__(self, place):
        self.path, self.limit = place, None
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", place], check=True, capture_output=True)

    def fill(self, left):
        free = os.statvfs(self.path)
        with open(self.path / "ballast", "wb") as file, contextlib.suppress(OSError):
            file.write(bytes(max(0, free.f_bavail * free.f_frsize - left)))

    def free(self):
        (self.path / "ballast").unlink(missing_ok=True)

    def close(self):
        subprocess.run(["umount", self.path], check=True)


class LimitedSize:
    """Where nothing can be mounted: no disk is full, but no file may grow beyond a number of bytes."""

    def __init__(self, place):
        self.path, self.limit = place, None

    def fill(self, left):
        self.limit = left // 4  # of all files together, and this is of each

    def free(self):
        self.limit = None

    def close(self):
        pass


def small_disk(place):
    try:
        return Tmpfs(place)
    except (OSError, subprocess.CalledProcessError):
        return LimitedSize(place)


def start(kind, folder, limit=None):
    """The process, when its training has begun or it has ended."""
    command, mark = TRAININGS[kind]

    def limited():
        import resource  # which Windows lacks

        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = subprocess.Popen(
        [*map(str, command(folder))], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=limited if limit else None,
    )  # fmt: skip
    next((line for line in process.stdout if mark in line), None)
    return process


def made(place):
    """A folder for a training, in which there is a file of the user's."""
    folder = place / "run"
    folder.mkdir(parents=True)
    (folder / ".notes.txt").write_text("mine")
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def straight(kind, place):
    """What a training leaves that is left alone, and how many seconds it takes from its beginning."""
    folder = made(place / kind)
    process, began = start(kind, folder), time.perf_counter()
    error = process.communicate(timeout=120)[1]
    assert process.returncode == 0, error
    return contents(folder), time.perf_counter() - began


def steps(folder):
    """How many steps of training there are in each checkpoint and model; all of them can be read."""
    return {path.name: checkpoint.read(path)["optimizer"]["iterations"] for path in folder.glob("*.safetensors")}


def kill(kind, folder, disk, seconds, rng, left=None):
    """Start a training, and kill it within so many seconds. Returns how it ended, or "" if it came to its end.

    Args:
        left: bytes that the training can write before the disk is full; by default there are enough.
    """
    before, full = steps(folder), left is not None
    if full:
        disk.fill(left)
    process, number = start(kind, folder, disk.limit), rng.choice(SIGNALS)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(rng.random() * seconds)
    process.send_signal(number)
    error = process.communicate(timeout=120)[1]
    disk.free()
    after = steps(folder)
    assert all(after.get(name, -1) >= count for name, count in before.items()), (before, after)
    assert (folder / ".notes.txt").read_text() == "mine"
    if process.returncode == 0:
        return ""
    if process.returncode in (-number, 128 + number):
        how = number.name
    else:
        how = "no space"
        assert process.returncode == 1, error
        assert full, error
        assert f"{folder}" in error.splitlines()[-1], error
        assert any(text in error for text in ("No space left on device", "File too large")), error
    within = any(path.suffix == ".tmp" for path in folder.iterdir())
    return f"{how}{', disk full' if full else ''}{', while a file was written' if within else ''}"


def main(number, seed, kinds=tuple(TRAININGS), disk=small_disk):
    """Kill so many times, in a fifth of them on a full disk. Returns how often in each way, and the kind of disk."""
    rng, counts, known, finished = random.Random(seed), collections.Counter(), {}, collections.Counter()
    fulls = {*rng.sample(range(number), number // 5)}
    with tempfile.TemporaryDirectory() as alone, tempfile.TemporaryDirectory() as place:
        disk = disk(Path(place))
        try:
            for trial, kind in enumerate(itertools.cycle(kinds)):
                if kind not in known:
                    known[kind] = straight(kind, Path(alone))
                expected, seconds = known[kind]
                folder = made(disk.path / f"{trial}")
                for _ in range(number):
                    if counts.total() == number:
                        break
                    if counts.total() in fulls:
                        how = kill(
                            kind, folder, disk, 2 * seconds, rng, rng.randrange(sum(map(len, expected.values())))
                        )
                    else:
                        how = kill(kind, folder, disk, seconds / 2, rng)
                    counts.update([how] if how else [])
                    if not how:
                        break
                process = start(kind, folder)
                error = process.communicate(timeout=120)[1]
                assert process.returncode == 0, error
                found = contents(folder)
                assert found.keys() == expected.keys(), kind  # nothing is left over
                assert [name for name in expected if found[name] != expected[name]] == [], kind
                finished[kind] += 1
                shutil.rmtree(folder.parent)
                if counts.total() == number:
                    return counts, finished, type(disk).__name__
        finally:
            disk.close()


if __name__ == "__main__":
    counts, finished, disk = main(int(sys.argv[1]), int(sys.argv[2]))
    for how, count in sorted(counts.items()):
        print(f"{count:4} {how}")
    print(f"All {finished.total()} trainings ended bit for bit as those left alone: {dict(finished)}. Disk: {disk}")
