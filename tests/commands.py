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


def children(pid):
    """The processes of Python below this one, by their numbers."""
    table = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in table.splitlines()]
    found, level = [], {str(pid)}
    while level:
        below = [row for row in rows if row[1] in level]
        found += [int(row[0]) for row in below if row[2].startswith(sys.executable)]
        level = {row[0] for row in below}
    return sorted(found)
