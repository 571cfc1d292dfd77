"""Search for the first wrong line: the one that makes everything right if the tape's gradient stands in for its result.

A line before it may be able to do so, too, and a line after it is. So three things are looked at while the right
numbers stand there. What the line itself computes must differ from them. Whatever it is computed from must be known to
the tape: after the mistake that is not so. And where what it computes is known to the tape, as another gradient or as a
part of one, the name of its variable must tell that it is not the one that is meant. If anything is left open, nothing
is said.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .knowledge import Knowledge
from .program import Program
from .witness import Series, Witness, same


class Run(NamedTuple):
    """A run of backward: its results, and the `Watch` that has seen it, or what stands for one."""

    results: Sequence[Any]
    watch: Any


@dataclass(frozen=True)
class Repair:
    """A site, the series that makes everything right there, and what the sites compute meanwhile.

    Attributes:
        kind: what the site itself computes: "right" by its name, "wrong" by it, "unknown" to the tape, or "open".
    """

    site: int
    series: Series
    watch: Any
    kind: str

    @property
    def own(self) -> Series:
        return self.watch.log[self.site]


class Search:
    """The sites of a backward pass against what the tape knows of its forward pass.

    Args:
        program: what `run` runs.
        witness: has recorded forward, and differentiated it.
        run: runs backward with series in the place of what some sites compute; None if it fails.
        expected: the right results.
        entry: the function that is called.
    """

    def __init__(
        self,
        program: Program,
        witness: Witness,
        run: Callable[[dict[int, Series]], Run | None],
        expected: Sequence[Any],
        entry: str,
    ) -> None:
        self.program, self.sites, self.run, self.expected = program, program.sites, run, expected
        self.known = Knowledge(program, witness)
        self.given = {k for k, site in enumerate(self.sites) if site.is_parameter and site.function == entry}

    def first_wrong(self) -> Repair | None:
        """The repair of the first wrong line; None if all is right, or nothing can be said."""
        first = self.run({})
        if first is None or self._is_right(first):
            return None
        self.results, self.log = first.results, first.watch.log
        self.meant = {k: self.known.meant(self.sites[k], self.log) for k in range(len(self.sites))}
        repairs = [repair for repair in self._repairs() if repair.kind != "right"]
        from_right = [repair for repair in repairs if self._is_from_known(repair)]
        return self._first(from_right or list(self._of_lines()), repairs)

    def _first(self, repairs, not_all_from_right):
        """The first of these, if nothing speaks against it."""
        is_one_line = len({self.sites[repair.site].line for repair in not_all_from_right}) == 1
        sure = [repair for repair in repairs if repair.kind != "open"]
        if not sure and is_one_line:
            sure = repairs
        if not sure:
            return None
        first, site = sure[0], self.sites[sure[0].site]
        if self.known.calls(site) and not site.is_parameter:  # it takes over what that function returns
            returned = (r for r in repairs if self.sites[r.site].name == "return")
            first = next((r for r in returned if self.sites[r.site].function in site.reads), None)
        if first is None or self.sites[first.site].is_copy or self._has_open_source(first):
            return None
        if self._takes_from_a_list(first) or self._may_be_another_step(first, repairs):
            return None
        if any(self._may_change_nothing(first, other) for other in not_all_from_right):
            return None
        others = [r for r in sure if self.sites[r.site].line != self.sites[first.site].line]
        is_alone = all(self.known.takes_over(self.sites[other.site]) for other in others)
        return first if is_alone or first.kind == "wrong" else None

    def _may_change_nothing(self, first, other):
        """Whether a line after an unknown result changes nothing: the mistake may be there."""
        site = self.sites[other.site]
        follows = first.site in self.program.sources(other.site) and same(other.series, first.series)
        is_copy = self.known.takes_over(site) or self.sites[first.site].name in site.moves
        return first.kind == "unknown" and follows and not is_copy

    def _takes_from_a_list(self, first):
        """Whether a line only takes out what another line has put in: there is no saying which is wrong."""
        site = self.sites[first.site]
        if site.is_loop or (site.is_kept and site.takes):
            return True
        of = [k for k, other in enumerate(self.sites) if (other.function, other.name) == (site.function, site.takes)]
        return bool(site.takes) and not any(k in self.log and not self.sites[k].is_kept for k in of)

    def _may_be_another_step(self, first, repairs):
        """Whether another line that makes the same variable may be wrong instead: it is made in steps."""
        site = self.sites[first.site]
        of = [k for k in self.program.sources(first.site) if self.sites[k].name == site.name in site.reads]
        later = [r for r in repairs if self.sites[r.site].in_place and self.sites[r.site].name == site.name]
        others = [r for r in repairs if r.site in of or (r in later and first.site in self.program.sources(r.site))]
        return any(self.sites[other.site].line != site.line for other in others)

    # Repairs.

    def _repairs(self):
        """All sites at which a series makes everything right: those of their names are tried first."""
        asked = [k for k in self.log if self._may_be_wrong(k)]
        found = {k: self._repair(k, self.meant[k]) for k in asked}
        right: Any = next((repair.watch.log for repair in found.values() if repair and repair.kind != "right"), {})
        for k in asked:
            is_right = k in right and any(same(right[k], one) for one in self.meant[k])
            if not found[k] and not is_right and not self.known.is_value(self.sites[k]):
                found[k] = self._repair(k, self.known.gradients.like(self.log[k]))
        return [repair for repair in found.values() if repair]

    def _may_be_wrong(self, k):
        """Whether every wrong result depends on a site: other numbers there change it."""
        own = self.log[k]
        if k in self.given or own is None or not own.size or (len(own) == 1 and not own.any()):
            return False
        other = self.run({k: own + np.random.default_rng(0).normal(size=own.shape)})
        return other is not None and not any(
            _alike(before, after)
            for right, before, after in zip(self.expected, self.results, other.results, strict=True)
            if not _alike(right, before)
        )

    def _repair(self, k, tried):
        found = (self._tried(k, series) for series in tried if series.shape == self.log[k].shape)
        return next(filter(None, found), None)

    def _tried(self, k, series):
        run = self.run({k: series})
        if run is None or not self._is_right(run) or same(run.watch.log[k], series):
            return None
        return Repair(k, series, run.watch, self._kind(k, run.watch.log[k], series))

    def _kind(self, k, own, series):
        if not self.known.has_as_one(own):
            return "unknown"
        if any(same(own, one) for one in self.meant[k]):
            return "right"
        is_named = any(same(series, one) for one in self.meant[k]) and not self.sites[k].returns
        return "wrong" if is_named else "open"

    def _of_lines(self):
        """Repairs of lines with several wrong results, by their names."""
        for line in {self.sites[k].line: 0 for k in self.log}:
            of_line = [k for k in self.log if self.sites[k].line == line]
            asked = (k for k in of_line if len(self.meant[k]) == 1 and not self.sites[k].returns)
            meant = {k: self.meant[k][0] for k in asked if np.shape(self.log[k]) == self.meant[k][0].shape}
            run = self.run(meant) if len(meant) > 1 else None
            if run and self._is_right(run):
                wrong = [k for k in meant if not same(run.watch.log[k], meant[k])]
                repairs = [Repair(k, meant[k], run.watch, "wrong") for k in wrong]
                yield from (repair for repair in repairs if len(wrong) > 1 and self._is_from_known(repair))

    def _is_right(self, run):
        return run is not None and all(map(_alike, self.expected, run.results))

    # What a line is computed from.

    def _is_from_known(self, repair):
        """Whether the tape knows all that a line is computed from."""
        log, of_lines, of_names = repair.watch.log, defaultdict(list), defaultdict(list)
        for k in self.program.sources(repair.site):
            site = self.sites[k]
            of_lines[site.function, site.line, site.name, site.is_kept and k].append(self._is_known(k, log))
            if k in log and site.name != self.sites[repair.site].name:
                of_names[site.function, site.name].append(log[k] is not None and len(log[k]) == 1 and not log[k].any())
        is_never_changed = len(repair.own) > 1 and any(map(all, of_names.values()))  # zeros from before the loop
        known = all(map(any, of_lines.values()))  # of dz[t] and dz, one
        return known and not is_never_changed and all(self.known.has(array[None]) for array in self._read(repair))

    def _is_known(self, k, log):
        site = self.sites[k]
        is_given = any((self.sites[j].function, self.sites[j].name) == (site.function, site.takes) for j in self.given)
        if site.is_loop or (is_given and k in log):  # what is in a list was looked at when it came there
            return True
        if k not in log and site.takes and any(j in log for j in self._beside(k)):
            return False  # of what a list keeps the others are arrays
        if k not in log:  # it did not run, or gave no array
            of = site.function, site.name
            alike = (j for j, other in enumerate(self.sites) if (other.function, other.name) == of)
            return k in self.given or not self.meant[k] or (not site.is_parameter and any(j in log for j in alike))
        return k in self.given or (log[k] is not None and self.known.has(log[k]))

    def _beside(self, k):
        """The sites of a line that takes several parts."""
        of = self.sites[k].function, self.sites[k].line, self.sites[k].takes
        return [j for j, other in enumerate(self.sites) if (other.function, other.line, other.takes) == of]

    def _read(self, repair):
        """The arrays that a line reads which is run once: as they are then, whoever wrote into them."""
        site = self.sites[repair.site]
        if len(repair.own) > 1 or site.is_parameter:
            return []
        own = {other.name for other in self.sites if other.function == site.function and not other.is_parameter}
        read = repair.watch.read[repair.site]
        return [read[name] for name in site.reads & own & read.keys() if name != site.name]

    def _has_open_source(self, repair):
        """Whether something that a line is computed from may be known and still not what it should be."""
        log = repair.watch.log | {repair.site: repair.series}
        for k in self.program.sources(repair.site):
            series, site, meant = log.get(k), self.sites[k], self.meant[k]
            is_count = series is None and not site.is_parameter and not site.is_loop
            if is_count and any(self._is_right(self.run({k: np.array(n)})) for n in self._counts()):
                return True
            if series is None or k in self.given or any(same(series, one) for one in meant):
                continue
            before = [log[j] for j in self.program.sources(k) if log.get(j) is not None]
            is_moved = self.known.takes_over(site) or site.in_place or site.is_kept or site.is_loop
            if any(same(series, one) for one in before) and not is_moved:
                return True  # it changes nothing: should it?
            is_gradient = self.known.gradients.has(series)
            is_own = site.name == self.sites[repair.site].name or self.known.takes_over(site)
            is_other = is_own and self.known.values.has(series) and not self.known.is_value(site)
            is_part = is_gradient and self.known.is_part(series, meant)
            if (is_gradient or is_other) and meant and not is_part:
                return True
            if not is_gradient and any(self._is_right(self.run({k: one})) for one in self.known.others(series)):
                return True
        return False

    def _counts(self):
        """What a count, or a condition, may be."""
        shapes = [array.shape[1:] for array in self.log.values() if array is not None]
        return sorted({0, 1, *(n for shape in shapes for n in (*shape, int(np.prod(shape))))})


def line_of(program: Program, k: int) -> int | None:
    """The line of a site: of what a function was given, the one that calls it."""
    site = program.sites[k]
    lines = (
        {other.line for other in program.sites if site.function in other.reads} if site.is_parameter else {site.line}
    )
    return lines.pop() if len(lines) == 1 else None


def _alike(right, own):
    try:
        own = np.asarray(own, np.float64)
    except (TypeError, ValueError):  # None, or arrays of several shapes
        return False
    return np.shape(right) == own.shape and bool(np.isfinite(own).all()) and same(own, np.asarray(right, np.float64))
