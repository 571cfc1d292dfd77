"""The command `nnlite` in a process of its own, and the folder that it leaves."""

import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "nnlite"]


def start(*arguments, **options):
    """The running process, with its output and its errors to be read as text."""
    return subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def resume(folder):
    """--resume, where there is a run already: a command may have been killed before it made one."""
    return ["--resume"] if Path(folder, "config.json").exists() else []
