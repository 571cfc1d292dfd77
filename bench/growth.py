"""How time and memory grow with the sizes of the work: exponents, fitted to measurements.

    python -m bench.growth [WORD ...] [--threads 1]

Each measurement is a process of its own. Memory is what the work adds, at its peak, to what the process held after a
run of something tiny: arrays of the model and of the passes (Linux only). Beside each exponent stands what the largest
size takes. "Sums" is the exponent of multiplications. With words, only rows that contain one of them.
"""

import argparse
import gc
import multiprocessing
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from bench_conv2d import Sizes, conv2d
from cells import training_step
from work import BOTH, as_contestant, is_installed

# What grows, in which work, from the size to the work; sizes; the exponent of multiplications.
ROWS = [
    (
        "T",
        "training step, LSTM(200), batch 32",
        lambda T: training_step("LSTM", 200, 32, T=T),
        (10, 20, 40, 80, 160),
        1,
    ),
    ("N", "training step, LSTM(200), T 40", lambda N: training_step("LSTM", 200, N), (16, 32, 64, 128, 256), 1),
    ("H", "training step, LSTM, T 40, batch 32", lambda H: training_step("LSTM", H, 32), (64, 128, 256, 512, 1024), 2),
    (
        "pixels",
        "Conv2D 16 -> 32, 3 x 3, batch 16",
        lambda pixels: conv2d(Sizes(16, 32, 3, round(pixels**0.5), 1, batch=16), BOTH),
        (16**2, 32**2, 64**2, 128**2),
        1,
    ),
    (
        "channels",
        "Conv2D, as many filters, 3 x 3 on 28 x 28, batch 8",
        lambda C: conv2d(Sizes(C, C, 3, 28, 1, batch=8), BOTH),
        (16, 32, 64, 128, 256),
        2,
    ),
]
RUNS = 7


def memory(name):
    """A line of /proc/self/status in bytes; None where there is none."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))


def measure(index, size, name, threads, pipe):
    """Sends the seconds of a run, and how many bytes the work takes."""
    _, _, work_of, sizes, _ = ROWS[index]
    with as_contestant(name, threads):
        work_of(sizes[0] // 4).contestants[name]()()
        gc.collect()
        before = memory("VmRSS")
        if before:
            Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        run, times = work_of(size).contestants[name](), []
        run()
        for _ in range(RUNS):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        pipe.send((statistics.median(times), before and memory("VmHWM") - before))


def measured(*arguments):
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=measure, args=(*arguments, theirs))
    process.start()
    result = ours.recv()
    process.join()
    return result


def growth(sizes, values, unit):
    """The exponent, and the last value in this unit."""
    if not all(values):
        return ""
    return f"{np.polyfit(np.log(sizes), np.log(values), 1)[0]:.2f} ({values[-1] / unit:.0f})"


def main():
    from rich import box
    from rich.console import Console
    from rich.table import Table

    parser = argparse.ArgumentParser("python -m bench.growth", description="Fit how time and memory grow")
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    names = [*filter(is_installed, ("nnlite", "PyTorch"))]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in (
        "grows",
        "work",
        "sums",
        *(f"{what},\n{name}" for what in ("time (ms)", "memory (MB)") for name in names),
    ):
        table.add_column(column)
    for index, (letter, text, _, sizes, sums) in enumerate(ROWS):
        if options.words and not any(word.lower() in f"{letter}: {text}".lower() for word in options.words):
            continue
        times, bytes_ = {}, {}
        for name in names:
            results = [measured(index, size, name, options.threads) for size in sizes]
            times[name], bytes_[name] = zip(*results, strict=True)
            print(letter, name, results, file=sys.stderr)
        cells = [growth(sizes, times[name], 1e-3) for name in names] + [
            growth(sizes, bytes_[name], 1e6) for name in names
        ]
        table.add_row(f"{letter}, {sizes[0]} to {sizes[-1]}", text, str(sums), *cells)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
