"""Compare nnlite with its peers: `make bench-compare`. How to read the table: README.md in this folder.

Every contestant runs in its own process, so that idle threads of one never take a core from another. They take turns of
a few runs each, many times, so that drifts of the machine's speed affect all alike. The table shows medians, and the
median of the ratios turn by turn. nnlite is compared with the fastest peer.

    python -m bench.compare [WORD ...] [--quick] [--rounds 11] [--threads 1 2] [--reference] [--json FILE]

With words, only work whose name or family contains one of them.
"""

import argparse
import contextlib
import signal
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import machine
import report
from work import PACKAGES, all_works, as_contestant, is_installed, start

TURN = 0.05  # seconds per turn, approximately
REST = 0.05  # seconds between turns on several threads, until idle ones sleep: BLAS threads take about 20 ms
WAKE = 0.03  # seconds of such a turn that do not count: two threads may wake up on one core, and stay there for so long
PATIENCE = 8  # seconds of turns for a row: with slow work there are fewer rounds, but at least FEWEST
FEWEST = 5


def contestant(name, threads, pipe):
    """A contestant's process. It is sent a key of the work to prepare, or None for a turn of it; answers seconds."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    works = all_works()
    with as_contestant(name, threads), contextlib.suppress(EOFError):  # which is the end
        while True:
            key = pipe.recv()
            if key:
                run = None  # frees the memory of the last one first
                run, runs = works[key].contestants["nnlite" if name == "reference" else name](), 1
                run()
            awake = time.perf_counter() + WAKE * (threads > 1)
            while time.perf_counter() < awake:
                run()
            began = time.perf_counter()
            for _ in range(runs):
                run()
            seconds = (time.perf_counter() - began) / runs
            if key:
                runs = max(1, min(1000, round(TURN / seconds)))
            pipe.send(seconds)


class Contestants:
    """The processes, each started on first use; they end with this one."""

    def __init__(self):
        self.pipes = {}

    def ask(self, name, threads, key=None):
        if (name, threads) not in self.pipes:
            self.pipes[name, threads] = start(contestant, name, threads)
        pipe = self.pipes[name, threads]
        pipe.send(key)
        return pipe.recv()

    def measure(self, key, names, threads, rounds):
        """Seconds by contestant: a list with one entry per round."""
        once = sum(max(TURN, self.ask(name, threads, key)) for name in names)
        times = {name: [] for name in names}
        for turn in range(min(rounds, max(FEWEST, int(PATIENCE / once)))):
            for name in names[:: -1 if turn % 2 else 1]:
                time.sleep(REST * (threads > 1))
                times[name].append(self.ask(name, threads))
        return times


def row_of(family, work, threads, times, peak):
    """What is known of one piece of work: medians, the ratio to the fastest peer, and how it stands to the peak."""
    seconds = {name: statistics.median(several) for name, several in times.items()}
    peer = min(seconds.keys() - {"nnlite", "reference"}, key=seconds.get, default=None)
    ratio = peer and statistics.median(b / a for a, b in zip(times["nnlite"], times[peer], strict=True))
    share = peak and work.operations and work.operations / (seconds["nnlite"] * threads * peak)
    framework = peer not in (None, "NumPy", "normal numbers")
    return {
        "family": family,
        "work": work.name,
        "dtype": work.dtype,
        "threads": threads,
        "operations": work.operations,
        "seconds": seconds,
        "peer": peer,
        "ratio": ratio,
        "share": share,
        "limit": ratio and share and ratio / share,
        "counts": framework,
        "loses": framework and ratio < (0.9 if work.dtype == "float64" else 1.0),
    }


def main():
    parser = argparse.ArgumentParser("python -m bench.compare", description="Compare nnlite with its peers")
    parser.add_argument("words", nargs="*", metavar="WORD", help="only work whose name or family has one of these")
    parser.add_argument("--quick", action="store_true", help="three rounds on one thread")
    parser.add_argument("--rounds", type=int, help="turns of each contestant: 11, or 3 with --quick")
    parser.add_argument("--threads", type=int, nargs="+", help="only with these numbers of threads: 1 with --quick")
    parser.add_argument("--reference", action="store_true", help="measure the NumPy reference, too: slow")
    parser.add_argument("--json", type=Path, default=Path(".benchmarks/compare.json"), help="beside it is the picture")
    options = parser.parse_args()
    rounds = options.rounds or (3 if options.quick else 11)
    chosen = options.threads or ([1] if options.quick else None)
    facts, contestants, rows = machine.measure(), Contestants(), []
    if absent := [name for name in PACKAGES if not is_installed(name)]:
        print(f"Not installed, and so left out: {', '.join(absent)}")
    try:
        for (family, name), work in all_works().items():
            if options.words and not any(word.lower() in f"{family}: {name}".lower() for word in options.words):
                continue
            names = [*filter(is_installed, work.contestants), *(["reference"] if options.reference else [])]
            for threads in [n for n in work.threads if not chosen or n in chosen]:
                times = contestants.measure((family, name), names, threads, rounds)
                rows.append(row_of(family, work, threads, times, facts["peak"].get(work.dtype)))
                print(f"{name}, {threads}: {report.rounded(rows[-1]['ratio'])}", file=sys.stderr)
    finally:  # what was measured before an error or Ctrl-C
        if rows:
            report.show(rows)
            saved = report.save(options.json, facts, rows)
            print(machine.lines(facts), report.summary(rows), f"Saved: {saved}", sep="\n")
        else:
            print("Nothing was measured: no name or family has one of the words, or none of its rows so many threads")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
