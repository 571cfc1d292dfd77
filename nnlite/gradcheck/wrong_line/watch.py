"""Watch a program while it runs. Of NumPy alone: a sandbox is given the text of this file."""

from functools import cached_property

import numpy as np


class Watch:
    """Keep what each site computes, and what it was computed from; at some sites, put other numbers in its place.

    Args:
        new: the numbers, by the site.
        in_place: sites that change an array which others may see, too.
        tick: called at every site; it may raise an error to end the program.

    Attributes:
        log: of each site the arrays (K, ...) of its K runs; None if their shapes differ.
        read: of each site in `new` the arrays among the local variables at its first run.
    """

    def __init__(self, new, in_place, tick=lambda: None):
        self.new, self.in_place, self.tick, self.runs, self.read = new, in_place, tick, {}, {}

    def __call__(self, site, value, variables):
        self.tick()
        if site in self.new and isinstance(value, int):  # of a count or a condition there is one
            return type(value)(self.new[site].flat[0])
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
