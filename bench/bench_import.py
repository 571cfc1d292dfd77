"""Import time: a fresh Python importing nnlite, against one importing only NumPy.

Modules are compiled to bytecode by their first import, the one that warms up; where PYTHONDONTWRITEBYTECODE is set,
every import would compile them anew, and take 60 ms more.
"""

import os
import subprocess
import sys

from work import Work


def importing(module):
    program = [sys.executable, "-c", f"import {module}"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return lambda: lambda: subprocess.run(program, check=True, env=environment)


CONTESTANTS = {"nnlite": importing("nnlite"), "NumPy": importing("numpy")}
WORKS = [Work("import nnlite, against import numpy", CONTESTANTS, threads=(1,))]
