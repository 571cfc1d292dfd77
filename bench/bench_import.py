"""Import time: a fresh Python importing nnlite, against one importing only NumPy (pytorch: its own import)."""

import subprocess
import sys

from work import Work, time_work


def importing(module):
    return lambda: lambda: subprocess.run([sys.executable, "-c", f"import {module}"], check=True)


WORKS = [
    Work(
        "import nnlite, against import numpy",
        {"nnlite": importing("nnlite"), "numpy": importing("numpy"), "pytorch": importing("torch")},
        target=0.5,
        threads=(1,),
        peers=("numpy",),
    )
]


def test_import(benchmark, work, threads):
    time_work(benchmark, work, threads)
