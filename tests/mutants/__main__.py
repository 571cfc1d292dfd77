"""Change the code in one place at a time, and demand that a test notices: `make mutants`.

    python tests/mutants [--number 300] [--seed SEED] [--workers 2] [--only WORD ...] [--since COMMIT]

The places are drawn at random, as many from each room; with --since, from the lines that have changed since a commit. A
mutant that no test notices is printed with the line before and after. It is either a gap in the tests, to be closed
where a reader looks for such a test, or it changes nothing that can be seen; then it goes into equivalent.toml, with
the reason. Exit code 1 if all tests were tried, and there is any that is not in there.
"""

import argparse
import collections
import contextlib
import json
import math
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import likely
from drawn import changed_lines, key, sample, survivors_of, tried
from suite import patched, runs_at_import
from trial import ROOT, Tree

COMPILER = "the compiler"


def attempt(task):
    """(mutant, what was compiled, the test of this stage that has noticed or None, seconds)."""
    mutant, stage = task
    began, old = time.monotonic(), (TREE.folder / mutant.path).read_bytes()
    with TREE.changed(mutant.path, mutant.apply(old)):
        if mutant.path.endswith(".py"):
            kernel, noticed = None, of_python(mutant, old, stage)
        else:
            kernel, noticed = of_kernel(mutant, stage)
    return mutant, kernel, noticed, round(time.monotonic() - began, 1)


def of_python(mutant, old, stage):
    file, tests = str(TREE.folder / mutant.path), likely.stages(mutant.path)[stage]
    texts = {"old": old.decode(), "new": mutant.apply(old).decode()}
    codes = patched(file, **texts)
    failed = TREE.failing(tests, {"file": file, **texts}) if codes else []
    if not failed and (not codes or (stage == 0 and runs_at_import(codes))):
        failed = TREE.failing(tests)
    return failed[0] if failed else None


def of_kernel(mutant, stage):
    kernel = None
    for kernel in likely.kernels_with(mutant.path):
        library = TREE.library(kernel)
        with TREE.changed(library, (TREE.folder / library).read_bytes()):
            if not TREE.compile(kernel):
                return kernel, COMPILER
            if failed := TREE.failing(likely.stages(mutant.path, kernel)[stage]):
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


def start(folder, numbers, seconds):
    """Of each worker: its copy of the checkout."""
    global TREE
    multiprocessing.current_process().daemon = False  # else joblib's tests would find that they may start no process
    TREE = Tree(folder / f"tree{numbers.get()}", seconds)


def before(results, end):
    """What comes before this time; the last is None if that is not all."""
    with contextlib.suppress(StopIteration):
        while True:
            try:
                yield results.next(end - time.monotonic())
            except multiprocessing.TimeoutError:
                yield None
                return


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--number", type=int, default=300, help="how many mutants")
    parser.add_argument("--seed", type=int, help="which; by default those of the commit")
    parser.add_argument(
        "--only", nargs="*", default=(), metavar="WORD", help="files with one of these words in their path"
    )
    parser.add_argument("--since", metavar="COMMIT", help="only lines that have changed since; their tests come first")
    parser.add_argument("--again", action="store_true", help="only those of this seed that survived last time")
    parser.add_argument("--resume", action="store_true", help="go on with a run of this seed that did not end")
    parser.add_argument("--stages", type=int, default=3, help="1: the likeliest tests, 2: more of them (default: all)")
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
    lines = changed_lines(given.since) if given.since else None
    likely.FIRST.update(lines or ())
    mutants = survivors_of(path) if given.again else sample(given.number, given.seed, given.only, lines)
    print(f"{len(mutants)} mutants, drawn by --seed {given.seed}", flush=True)
    if not mutants:
        return
    began, killers, refused, is_over = time.monotonic(), collections.defaultdict(list), 0, False
    known = tried(path) if given.resume else {}
    pending, stages = [], {}
    for mutant in mutants:
        line = known.get((*key(mutant), mutant.line), {"stage": -1, "by": None})
        stages[mutant] = line["stage"]
        if line["by"] is None:
            pending.append(mutant)
        elif line["by"] == COMPILER:
            refused += 1
        else:
            killers[line["kernel"]].append(line["by"])
    context = multiprocessing.get_context("fork")
    numbers = context.SimpleQueue()
    for number in range(given.workers):
        numbers.put(number)
    with (
        path.open("a" if given.resume else "w") as log,
        context.Pool(given.workers, start, (given.folder, numbers, given.seconds)) as pool,
    ):
        for stage in range(given.stages):
            tasks = [(mutant, stage) for mutant in pending if stages[mutant] < stage]
            for result in before(pool.imap_unordered(attempt, tasks), began + 60 * given.minutes):
                if result is None:
                    is_over = True
                    break
                mutant, kernel, noticed, seconds = result
                line = dict(zip(("file", "before", "after"), key(mutant), strict=True), line=mutant.line, by=noticed)
                print(json.dumps(line | {"kernel": kernel, "stage": stage, "seconds": seconds}), file=log, flush=True)
                if noticed == COMPILER:
                    refused += 1
                elif noticed:
                    killers[kernel].append(noticed)
                if noticed:
                    pending = [other for other in pending if other != mutant]
            if is_over:
                break
            print(f"{len(pending)} left after stage {stage + 1}", flush=True)
        broken = [] if is_over else [test for tests in pool.starmap(failing_anyway, killers.items()) for test in tests]
    for mutant in pending:
        file, old, new = key(mutant)
        print(f"{file}:{mutant.line} {'may survive' if is_over else 'survives'}\n  - {old}\n  + {new}")
    minutes, noticed = (time.monotonic() - began) / 60, sum(map(len, killers.values()))
    print(f"{noticed} noticed, {refused} do not compile, {len(pending)} left: {minutes:.1f} minutes")
    if broken:
        print("These tests fail without a mutant, too, so what they have noticed says nothing:", *broken, sep="\n  ")
    sys.exit(bool((pending and not is_over) or broken))


if __name__ == "__main__":
    main()
