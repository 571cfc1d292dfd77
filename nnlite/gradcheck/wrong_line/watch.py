"""Watch a program while it runs. Of NumPy alone: a sandbox is given the text of this file."""

from functools import cached_property

import numpy as np


class Watch:
    """Keep what each site computes, and what it was computed from; at some sites, put other numbers in its place.

    Attributes:
        log: of each site the arrays (K, ...) of its K runs; None if their shapes differ.
        read: of each site in `new` the arrays among the local variables at its first run.
    """

    def __init__(self, new, in_place):
        self.new, self.in_place, self.runs, self.read = new, in_place, {}, {}

    def __call__(self, site, value, variables):
        kind = getattr(value, "dtype", np.dtype(type(value)) if isinstance(value, float) else None)
        if isinstance(value, tuple | list) or getattr(kind, "kind", "") != "f":
            return value
        runs = self.runs.setdefault(site, [])
        if not runs and site in self.new:
            self.read[site] = {
                name: array.copy()
                for name, array in variables.items()
                if isinstance(array, np.ndarray) and array.dtype.kind == "f"
            }
        runs.append(np.array(value, np.float64))
        if site not in self.new:
            return value
        other = self.new[site][len(runs) - 1]  # IndexError: it runs more often than it did
        if site in self.in_place and isinstance(value, np.ndarray):
            value[...] = other
            return value
        return np.array(other, kind)

    @cached_property
    def log(self):
        return {
            site: np.stack(runs) if len({run.shape for run in runs}) == 1 else None for site, runs in self.runs.items()
        }
