"""Compare nnlite with its peers: `make bench-compare`.

Every contestant runs in its own process, so that idle threads of one never take a core from another. They take turns of
a few runs each, many times, so that drifts of the machine's speed affect all alike. The table shows medians, and the
median of the ratios turn by turn. nnlite is compared with the fastest peer.

For work that is mostly products, "limit" is the ratio if the multiplications and additions alone ran at this CPU's peak
(`peak.c`, measured first).

    python -m bench.compare [WORD ...] [--rounds 15] [--threads 1 2] [--json FILE]

With words, only work whose name contains one of them; with threads, only measurements with these numbers of threads.
"""

import argparse
import contextlib
import importlib
import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
TURN = 0.1  # seconds per turn, approximately
REST = 0.15  # seconds between turns, until idle threads sleep: BLAS threads take about 20 ms


def find_works():
    """All work, by (module, index)."""
    sys.path.insert(0, str(HERE))
    modules = sorted(path.stem for path in HERE.glob("bench_*.py"))
    return {(m, i): work for m in modules for i, work in enumerate(importlib.import_module(m).WORKS)}


def contestant(name, pipe):
    """A contestant's process: prepares the requested work, and times a turn on each request."""
    works = find_works()
    import work as helpers

    while True:
        key, threads = pipe.recv()
        if key is None:
            return
        prepared = works[key].contestants[name]()
        helpers.set_threads(threads)
        prepared()
        start = time.perf_counter()
        prepared()
        runs = max(1, min(1000, round(TURN / (time.perf_counter() - start))))
        pipe.send(runs)
        while pipe.recv():
            start = time.perf_counter()
            for _ in range(runs):
                prepared()
            pipe.send((time.perf_counter() - start) / runs)


def peak():
    """The peak float32 operations per second of one core; None without a compiler."""
    source, arch = HERE / "peak.c", os.environ.get("NNLITE_ARCH", "native")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "peak")
        compiler = [os.environ.get("CC", "cc"), "-O3", f"-march={arch}", f"-I{HERE.parent / 'csrc'}"]
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            subprocess.run([*compiler, str(source), "-o", str(program)], check=True)
            run = subprocess.run([str(program)], check=True, capture_output=True, text=True)
            return 1e9 * float(run.stdout)
    return None


class Contestants:
    """The processes, each started on first use."""

    def __init__(self):
        self.pipes = {}
        self.context = multiprocessing.get_context("spawn")

    def __getitem__(self, name):
        if name not in self.pipes:
            ours, theirs = self.context.Pipe()
            self.context.Process(target=contestant, args=(name, theirs), daemon=True).start()
            self.pipes[name] = ours
        return self.pipes[name]

    def measure(self, key, work, threads, rounds):
        """Seconds by contestant: a list with one entry per round."""
        names = [name for name in work.contestants if self.runs(name)]
        for name in names:
            self[name].send((key, threads))
            self[name].recv()
        times = {name: [] for name in names}
        for _ in range(rounds):
            for name in names:
                time.sleep(REST)
                self[name].send(True)
                times[name].append(self[name].recv())
        for name in names:
            self[name].send(False)
        return times

    def close(self):
        for pipe in self.pipes.values():
            pipe.send((None, None))

    @staticmethod
    def runs(name):
        return not name.startswith("pytorch") or importlib.util.find_spec("torch") is not None


def table(rows):
    from rich.console import Console
    from rich.table import Table

    table = Table(title="milliseconds (median), and speed relative to the peer", title_justify="left")
    for column in ("work", "threads", "nnlite", "peer", "reference", "ratio", "target", "limit", "fastest peer"):
        table.add_column(column, justify="left" if column in ("work", "fastest peer") else "right")
    for row in rows:
        ms = {name: f"{1e3 * seconds:.2f}" for name, seconds in row["seconds"].items()}
        table.add_row(
            row["work"],
            str(row["threads"]),
            ms["nnlite"],
            ms.get(row["peer"], "-"),
            ms.get("reference", "-"),
            f"{row['ratio']:.2f}" if row["ratio"] else "-",
            str(row["target"] or ""),
            f"{row['limit']:.2f}" if row["limit"] else "",
            row["peer"] or "-",
        )
    Console(width=160).print(table)


def main():
    parser = argparse.ArgumentParser(description="Compare nnlite with its peers")
    parser.add_argument("words", nargs="*")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, nargs="+")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    contestants, rows, best = Contestants(), [], peak()
    for key, work in find_works().items():
        if options.words and not any(word.lower() in work.name.lower() for word in options.words):
            continue
        for threads in work.threads:
            if options.threads and threads not in options.threads:
                continue
            times = contestants.measure(key, work, threads, options.rounds)
            seconds = {name: statistics.median(t) for name, t in times.items()}
            peer = min((name for name in work.peers if name in seconds), key=seconds.get, default=None)
            ratio = None
            if peer:
                ratio = statistics.median(b / a for a, b in zip(times["nnlite"], times[peer], strict=True))
            limit = None
            if peer and best and work.operations:
                limit = seconds[peer] * threads * best / work.operations
            rows.append(
                {
                    "work": work.name,
                    "threads": threads,
                    "peer": peer,
                    "seconds": seconds,
                    "ratio": ratio,
                    "target": work.target,
                    "limit": limit,
                }
            )
            print(f"{work.name}, {threads}: ratio {ratio and round(ratio, 2)}", file=sys.stderr)
    contestants.close()
    table(rows)
    print(
        f"Peak of one core: {best / 1e9:.1f} GFLOP/s in float32."
        if best
        else "No C compiler: the peak of a core is unknown."
    )
    if options.json:
        options.json.write_text(
            json.dumps({"machine": platform.processor() or platform.machine(), "peak": best, "rows": rows}, indent=1)
        )


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
