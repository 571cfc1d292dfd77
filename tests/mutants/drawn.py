"""Which mutants are tried: any, or those of lines that have changed, but none of which it is known that it is equal."""

import collections
import json
import random
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from mutation import mutants_of
from trial import ROOT

ROOMS = {
    **{suffix: f"csrc/*{suffix}" for suffix in (".pyx", ".pxd", ".h")},
    **{
        name: f"nnlite/{name}/**/*.py"
        for name in (
            *("reference", "layers", "optimizers", "losses", "callbacks", "saving", "text", "gradcheck", "models"),
            *("metrics", "arguments", "inspect", "derive", "testing"),
        )
    },
    "schedules": "nnlite/schedules.py",
    "modules": "nnlite/*.py",
}


def known_equivalents():
    """(file, line before, line after) of the mutants that change nothing; without the last, of all of a line."""
    entries = tomllib.loads(Path(__file__).with_name("equivalent.toml").read_text("utf-8"))["equivalent"]
    return {(entry["file"], entry["before"], *([entry["after"]] if "after" in entry else [])) for entry in entries}


def key(mutant):
    return mutant.path, *mutant.lines_of((ROOT / mutant.path).read_bytes())


def sample(number, seed, only=(), lines=None):
    """Mutants in turn from each room, in random order; of some lines in any room, if they are given by file."""
    draw, equivalent, rooms = random.Random(seed), known_equivalents(), []
    for pattern in ROOMS.values() if lines is None else ["csrc/*.[ph]*", "nnlite/**/*.py"]:
        paths = [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob(pattern))]
        paths = [path for path in paths if not only or any(word in path for word in only)]
        found = [m for path in paths for m in mutants_of(ROOT, path) if lines is None or m.line in lines[path]]
        draw.shuffle(found)
        rooms.append(found)
    taken = []
    while len(taken) < number and any(rooms):
        for room in rooms:
            while room:
                mutant = room.pop()
                if not {key(mutant), key(mutant)[:2]} & equivalent and is_program(mutant):
                    taken.append(mutant)
                    break
    draw.shuffle(taken)
    return taken[:number]


def changed_lines(commit, root=ROOT):
    """The numbers of the lines that are new since a commit, by file; also of what is not committed yet."""
    command = ["git", "diff", "--unified=0", "--no-prefix", "--no-renames", "--no-ext-diff", "--no-color", commit]
    diff = subprocess.run([*command, "--"], cwd=root, capture_output=True, text=True, check=False)
    if diff.returncode:
        sys.exit(f"--since: expected a commit, got {commit!r}: {diff.stderr.strip()}")
    lines, path = collections.defaultdict(set), ""
    for line in diff.stdout.splitlines():
        if line.startswith("+++ "):
            path = line[4:].rstrip("\t")
        elif found := re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line):
            first, count = int(found[1]), int(found[2] or 1)
            lines[path].update(range(first, first + count))
    return lines


def survivors_of(log):
    wanted = {place for place, line in tried(log).items() if line["by"] is None}
    found = (mutant for path in sorted({path for path, *_ in wanted}) for mutant in mutants_of(ROOT, path))
    return [mutant for mutant in found if (*key(mutant), mutant.line) in wanted and is_program(mutant)]


def tried(log):
    """What the log of a run says last of each mutant, by its key and line."""
    lines = map(json.loads, log.read_text("utf-8").splitlines())
    return {(line["file"], line["before"], line["after"], line["line"]): line for line in lines}


def is_program(mutant):
    try:
        return not mutant.path.endswith(".py") or compile(mutant.apply((ROOT / mutant.path).read_bytes()), "", "exec")
    except SyntaxError:
        return False
