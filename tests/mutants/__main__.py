"""Change the code in one place at a time, and demand that a test notices: `make mutants`.

    python tests/mutants [--number 300] [--seed SEED] [--workers 2] [--only WORD ...]

The places are drawn at random, as many from each room. A mutant that no test notices is printed with the line before
and after. It is either a gap in the tests, to be closed where a reader looks for such a test, or it changes nothing
that can be seen; then it goes into equivalent.toml, with the reason. Exit code 1 if there is any that is not in there.
"""

import argparse
import collections
import json
import math
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import likely
from mutation import mutants_of
from suite import patched, runs_at_import
from trial import ROOT, Tree

COMPILER = "the compiler"
ROOMS = {
    **{suffix: f"csrc/*{suffix}" for suffix in (".pyx", ".pxd", ".h")},
    **{
        name: f"nnlite/{name}/**/*.py"
        for name in (
            *("reference", "layers", "optimizers", "losses", "callbacks", "saving", "text", "gradcheck", "models"),
            *("metrics", "arguments"),
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


def sample(number, seed, only=()):
    """Mutants in turn from each room, in random order."""
    draw, equivalent, rooms = random.Random(seed), known_equivalents(), []
    for pattern in ROOMS.values():
        paths = [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob(pattern))]
        found = [m for path in paths for m in mutants_of(ROOT, path) if not only or any(word in path for word in only)]
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


def survivors_of(log):
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    wanted = {(line["file"], line["before"], line["after"]) for line in lines if line["by"] is None}
    found = (mutant for path in sorted({path for path, _, _ in wanted}) for mutant in mutants_of(ROOT, path))
    return [mutant for mutant in found if key(mutant) in wanted and is_program(mutant)]


def is_program(mutant):
    try:
        return not mutant.path.endswith(".py") or compile(mutant.apply((ROOT / mutant.path).read_bytes()), "", "exec")
    except SyntaxError:
        return False


def attempt(mutant):
    """(mutant, what was compiled, the test that has noticed or None, seconds)."""
    began, old = time.monotonic(), (TREE.folder / mutant.path).read_bytes()
    with TREE.changed(mutant.path, mutant.apply(old)):
        if mutant.path.endswith(".py"):
            kernel, noticed = None, of_python(mutant, old)
        else:
            kernel, noticed = of_kernel(mutant)
    return mutant, kernel, noticed, round(time.monotonic() - began, 1)


def of_python(mutant, old):
    file, stages = str(TREE.folder / mutant.path), likely.stages(mutant.path)[:STAGES]
    texts = {"old": old.decode(), "new": mutant.apply(old).decode()}
    codes = patched(file, **texts)
    if codes:
        for tests in stages:
            if failed := TREE.failing(tests, {"file": file, **texts}):
                return failed[0]
        stages = stages[: runs_at_import(codes)]
    return next((failed[0] for tests in stages if (failed := TREE.failing(tests))), None)


def of_kernel(mutant):
    kernel = None
    for kernel in likely.kernels_with(mutant.path):
        library = TREE.library(kernel)
        with TREE.changed(library, (TREE.folder / library).read_bytes()):
            if not TREE.compile(kernel):
                return kernel, COMPILER
            for tests in likely.stages(mutant.path, kernel)[:STAGES]:
                if failed := TREE.failing(tests):
                    return kernel, failed[0]
    return kernel, None


def failing_anyway(kernel, tests):
    """Which of these tests fail without a mutant, with the kernel compiled as mutants are."""
    tests = sorted({test.removesuffix(" (hangs)").removesuffix(" (crashes)") for test in tests})
    if kernel is None:
        return TREE.failing(tests, {}, at_most=len(tests))
    library = TREE.library(kernel)
    with TREE.changed(library, (TREE.folder / library).read_bytes()):
        return TREE.failing(tests, at_most=len(tests)) if TREE.compile(kernel) else [COMPILER]


def start(folder, numbers, stages, seconds):
    """Of each worker: its copy of the checkout."""
    global TREE, STAGES
    TREE, STAGES = Tree(folder / f"tree{numbers.get()}", seconds), stages


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--number", type=int, default=300, help="how many mutants")
    parser.add_argument("--seed", type=int, help="which; by default those of the commit")
    parser.add_argument(
        "--only", nargs="*", default=(), metavar="WORD", help="files with one of these words in their path"
    )
    parser.add_argument("--again", action="store_true", help="only those of this seed that survived last time")
    parser.add_argument("--stages", type=int, help="1: only the likeliest tests, 2: more of them (default: all)")
    parser.add_argument("--seconds", type=float, default=math.inf, help="what each stage may take (default: any time)")
    parser.add_argument("--minutes", type=float, default=10**6, help="when to stop (default: at the end)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "mutants")
    given = parser.parse_args()
    if given.seed is None:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
        given.seed = int(commit.stdout[:8] or "0", 16)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and so ends what was started
    given.folder.mkdir(parents=True, exist_ok=True)
    path = given.folder / f"seed{given.seed}.jsonl"
    mutants = survivors_of(path) if given.again else sample(given.number, given.seed, given.only)
    print(f"{len(mutants)} mutants, drawn by --seed {given.seed}", flush=True)
    began, killers, survivors, refused = time.monotonic(), collections.defaultdict(list), 0, 0
    context = multiprocessing.get_context("fork")
    numbers = context.SimpleQueue()
    for number in range(given.workers):
        numbers.put(number)
    with (
        path.open("w") as log,
        context.Pool(given.workers, start, (given.folder, numbers, given.stages, given.seconds)) as pool,
    ):
        results, untried = pool.imap_unordered(attempt, mutants), len(mutants)
        while untried:
            try:
                mutant, kernel, noticed, seconds = results.next(began + 60 * given.minutes - time.monotonic())
            except multiprocessing.TimeoutError:
                break
            untried -= 1
            file, before, after = key(mutant)
            line = {"file": file, "line": mutant.line, "before": before, "after": after, "by": noticed, "s": seconds}
            print(json.dumps(line), file=log, flush=True)
            if noticed is None:
                survivors += 1
                print(f"{file}:{mutant.line} survives\n  - {before}\n  + {after}", flush=True)
            elif noticed == COMPILER:
                refused += 1
            else:
                killers[kernel].append(noticed)
        broken = [] if untried else [test for tests in pool.starmap(failing_anyway, killers.items()) for test in tests]
    minutes = (time.monotonic() - began) / 60
    noticed = sum(map(len, killers.values()))
    print(f"{noticed} noticed, {refused} do not compile, {survivors} survive: {minutes:.1f} minutes")
    if untried:
        print(f"{untried} are left: whether these survive takes more time, which repeating it without --minutes gives")
    if broken:
        print("These tests fail without a mutant, too, so what they have noticed says nothing:", *broken, sep="\n  ")
    sys.exit(bool(survivors or broken))


if __name__ == "__main__":
    main()
