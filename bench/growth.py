"""How time and memory grow with the sizes of the work: exponents, fitted to measurements.

    python -m bench.growth [T N H pixels channels] [--threads 1]

Each measurement is a process of its own. Memory is what the work adds, at its peak, to what the process held after a
run of something tiny: arrays of the model and of the passes (Linux only). Beside each exponent stands what the largest
size takes. "Sums" is the exponent of multiplications.
"""

import argparse
import gc
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from bench_conv2d import Sizes, conv2d
from cells import training_step
from work import BOTH, as_contestant, is_installed, start


def step(H=200, N=32, T=40):
    return training_step("LSTM", H, N, T=T)


def conv(C, filters, image):
    return conv2d(Sizes(C, filters, 3, image, padding=1, batch=16), BOTH)


# What grows: sizes, the exponent of multiplications, and from a size to the work.
ROWS = {
    "T": ((10, 20, 40, 80, 160), 1, lambda T: step(T=T)),
    "N": ((16, 32, 64, 128, 256), 1, lambda N: step(N=N)),
    "H": ((64, 128, 256, 512, 1024), 2, lambda H: step(H)),
    "pixels": ((16**2, 32**2, 64**2, 128**2), 1, lambda pixels: conv(16, 32, round(pixels**0.5))),
    "channels": ((16, 32, 64, 128, 256), 2, lambda C: conv(C, C, 28)),
}
TINY = step(8, 2, 2), conv(2, 2, 8)
RUNS = 7


def memory(name):
    """A line of /proc/self/status in bytes; None where there is none."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))


def measure(letter, size, name, threads, pipe):
    """Sends the seconds of the best of some runs, and how many bytes the work takes."""
    with as_contestant(name, threads):
        for tiny in TINY:
            tiny.contestants[name]()()
        gc.collect()
        before = memory("VmRSS")
        if before:
            Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        run, times = ROWS[letter][-1](size).contestants[name](), []
        run()
        for _ in range(RUNS):
            began = time.perf_counter()
            run()
            times.append(time.perf_counter() - began)
        pipe.send((min(times), before and memory("VmHWM") - before))


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
    parser.add_argument("letters", nargs="*", metavar="LETTER", help=f"some of {', '.join(ROWS)}")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    names = [*filter(is_installed, ("nnlite", "PyTorch"))]
    table = Table("grows", "work", "sums", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in [f"{what},\n{name}" for what in ("time (ms)", "memory (MB)") for name in names]:
        table.add_column(column)
    for letter in options.letters or ROWS:
        sizes, sums, work_of = ROWS[letter]
        measured = [[start(measure, letter, size, name, options.threads).recv() for size in sizes] for name in names]
        print(letter, sizes, measured, file=sys.stderr)
        times, memories = zip(*(zip(*results, strict=True) for results in measured), strict=True)
        cells = [growth(sizes, of_one, 1e-3) for of_one in times] + [growth(sizes, of_one, 1e6) for of_one in memories]
        text = work_of(sizes[-1]).name.removesuffix(f": {BOTH}")
        table.add_row(f"{letter}, from {sizes[0]}", text, str(sums), *cells)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
