"""The command `nnlite` in a process of its own, and the folder that it leaves."""

import subprocess
import sys

COMMAND = [sys.executable, "-m", "nnlite"]


def start(*arguments, **options):
    """The running process, with its output and its errors to be read as text."""
    return subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}
