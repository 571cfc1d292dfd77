"""Import time: a fresh Python importing nnlite, against one importing only NumPy."""

import subprocess
import sys

from work import Work


def importing(module):
    return lambda: lambda: subprocess.run([sys.executable, "-c", f"import {module}"], check=True)


CONTESTANTS = {"nnlite": importing("nnlite"), "NumPy": importing("numpy")}
WORKS = [Work("import nnlite, against import numpy", CONTESTANTS, threads=(1,))]
