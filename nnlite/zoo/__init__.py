"""A zoo of planted bugs: nnlite's NumPy kernels, each with one mistake that students make.

Many of them train, some to a loss below the right one: "it trains" proves nothing. Read an exhibit, find the mistake,
mend it: `nnlite zoo`.

    exhibits.toml   the catalogue: which text becomes which, and the story
    exhibit.py      an exhibit's source
    tasks.py        short trainings with an exhibit in the place of its kernel
    losses.toml     what came out, measured by measure.py
    scenarios.py    what each kernel is tried on
    comparison.py   is it mended?
    lines.py        which line is the first that is wrong?
    file.py         the file that a student works on, attempts and hints
    windows.py      cutting and reading a text, which exhibits change, too
"""

from .comparison import Problem, cause, problems
from .exhibit import Exhibit, exhibit, exhibits
from .file import Attempts, check, hint, write
from .lines import first_wrong
from .tasks import losses

__all__ = [
    "Attempts",
    "Exhibit",
    "Problem",
    "cause",
    "check",
    "exhibit",
    "exhibits",
    "first_wrong",
    "hint",
    "losses",
    "problems",
    "write",
]
