"""Search for the first wrong line: the one that makes everything right if the tape's gradient stands in for its result.

A line before it may be able to do so, too, and a line after it is. So three things are looked at while the right numbers
stand there. What the line itself computes must differ from them. Whatever it is computed from must be known to the tape:
after the mistake that is not so. And where what it computes is known to the tape, as another gradient or as a part of
one, the name of its variable must tell that it is not the one that is meant. If anything is left open, nothing is said.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .program import Program
from .witness import TOLERANCE, Known, Series, Witness, gradients, labels, same, values

PARTS = (2, 3, 4)  # of a row that holds gates
BEFORE, AFTER = ("d", "d_", "grad_", "g_"), ("", "_t", "t")  # the gradient of z: dz, dz_t


class Run(NamedTuple):
    """A run of backward: its results, and what `Watch` has seen."""

    results: Sequence[Any]
    watch: Any

    @property
    def log(self) -> dict[int, Series | None]:
        return self.watch.log


@dataclass(frozen=True)
class Repair:
    """A site, the series that makes everything right there, and what the sites compute meanwhile."""

    site: int
    series: Series
    run: Run
    kind: str  # "right" by its name, "wrong" by it, "unknown" to the tape, or "open"

    @property
    def own(self) -> Series:
        return self.run.log[self.site]


class Search:
    """The sites of a backward pass against what the tape knows of its forward pass.

    Args:
        program: what `run` runs.
        run: runs backward with series in the place of what some sites compute.
        expected: the right results.
        entry: the function that is called.
    """

    def __init__(
        self, program: Program, witness: Witness, run: Callable[[dict[int, Series]], Run], expected: Sequence[np.ndarray], entry: str
    ) -> None:
        self.program, self.sites, self.run, self.expected, self.entry = program, program.sites, run, expected, entry
        self.labels = labels(witness)
        of_names = [pair for versions in self.labels.values() for pair in versions]
        self.values = Known([*values(witness), *(value for value, _ in of_names)])
        self.gradients = Known([*gradients(witness), *(gradient for _, gradient in of_names)])

    def first_wrong(self) -> Repair | None:
        """The repair of the first wrong line; None if all is right, or nothing can be said."""
        first = self.run({})
        if first is None or self._is_right(first):
            return None
        self.first, self.functions = first, {site.function for site in self.sites}
        self.order = {k: place for place, k in enumerate(first.log)}
        repairs = [repair for repair in self._repairs(first.log) if repair.kind != "right"]
        from_right = list(filter(self._is_computed_from_right, repairs)) or list(self._of_whole_lines(first.log))
        return self._first(from_right, repairs)

    def _first(self, repairs, all_repairs):
        sure = [repair for repair in repairs if repair.kind != "open"]
        if not sure and len({self.sites[repair.site].line for repair in all_repairs}) == 1:
            sure = repairs
        if not sure:
            return None
        first = sure[0]
        called = self.sites[first.site].reads & self.functions  # their results are only taken over: which of them is wrong?
        first = next((r for r in repairs if self.sites[r.site].name == "return" and self.sites[r.site].function in called), first)
        if first is sure[0] and called and not self.sites[first.site].is_parameter:
            return None
        if self.sites[first.site].is_copy or self._has_open_source(first) or any(self._may_lack_all(first, other) for other in all_repairs):
            return None
        others = [r for r in sure if self.sites[r.site].line != self.sites[first.site].line and not self._is_taken_over(r.site)]
        return None if others and first.kind != "wrong" else first

    def _may_lack_all(self, first, other):
        """Whether a line after it changes nothing, which may be its mistake."""
        site, name = self.sites[other.site], self.sites[first.site].name
        return (
            first.kind == "unknown" and first.site in self.program.sources(other.site) and same(other.series, first.series)
            and not self._is_taken_over(other.site) and name not in site.moves
        )  # fmt: skip

    def _is_taken_over(self, k):
        """Whether a site's arrays come from another function as they are."""
        site = self.sites[k]
        return site.is_parameter or site.name == "return" or bool(site.reads & self.functions)

    def _is_right(self, run):
        return run is not None and all(map(_alike, self.expected, run.results))

    def _repairs(self, log):
        """All sites at which a series makes everything right: by their names first, which is faster."""
        asked = {k: own for k, own in log.items() if self._may_be_wrong(k, own)}
        meant = {k: self._meant(k) for k in asked}
        found = {k: self._repair(k, meant[k], meant[k]) for k in asked}
        right = next((repair.run.log for repair in found.values() if repair and repair.kind != "right"), {})
        for k, own in asked.items():
            is_right = k in right and any(same(right[k], one) for one in meant[k])
            if not found[k] and not is_right and self.sites[k].name not in self.labels:
                found[k] = self._repair(k, self.gradients.like(own), meant[k])
        return [repair for repair in found.values() if repair]

    def _may_be_wrong(self, k, own):
        if own is None or not own.size or (len(own) == 1 and not own.any()) or self._is_given(k):
            return False
        return self._decides(k, own)

    def _is_given(self, k):
        return self.sites[k].is_parameter and self.sites[k].function == self.entry

    def _repair(self, k, tried, meant):
        shape = self.first.log[k].shape
        found = (self._tried(k, series, meant) for series in tried if series.shape == shape)
        return next(filter(None, found), None)

    def _of_whole_lines(self, log):
        """Repairs of lines with several results."""
        for line in {self.sites[k].line: 0 for k in log}:
            meant = {k: self._meant(k)[0] for k in log if self.sites[k].line == line and len(self._meant(k)) == 1}
            run = self.run(meant) if len(meant) > 1 else None
            wrong = [k for k in meant if self._is_right(run) and not same(run.log[k], meant[k])]
            repair = Repair(wrong[0], meant[wrong[0]], run, "wrong") if len(wrong) > 1 else None
            if repair and self._is_computed_from_right(repair):
                yield repair

    def _decides(self, k, own):
        """Whether every wrong result depends on a site: other numbers there change it."""
        other = self.run({k: own + np.random.default_rng(0).normal(size=own.shape)})
        return other is not None and not any(
            _alike(before, after)
            for right, before, after in zip(self.expected, self.first.results, other.results, strict=True)
            if not _alike(right, before)
        )

    def _tried(self, k, series, meant):
        run = self.run({k: series})
        if not self._is_right(run) or same(run.log[k], series):
            return None
        own = run.log[k]
        kind = "open"
        if not (self.gradients.has(own) or self.values.has(own)):
            kind = "unknown"
        elif any(same(own, one) for one in meant):
            kind = "right"
        elif any(same(series, one) for one in meant):
            kind = "wrong"
        return Repair(k, series, run, kind)

    def _meant(self, k) -> list[Series]:
        """What a site should compute, by the name of its variable. If forward and backward assign a variable as often,
        the last in forward is the first in backward."""
        site = self.sites[k]
        name = site.returns or site.name
        if name in self.labels:
            return [value for value, _ in self.labels[name]]
        names = (name[len(b) : len(name) - len(a)] for b in BEFORE for a in AFTER if name.startswith(b) and name.endswith(a))
        versions = next(([gradient for _, gradient in self.labels[one]] for one in names if one in self.labels), [])
        lines = list(dict.fromkeys(
            self.sites[j].line for j in self.order
            if self.sites[j].name == site.name and not self.sites[j].is_parameter and not self.sites[j].reads & self.functions
        ))  # fmt: skip
        if len(lines) == len(versions) and site.line in lines:
            return [versions[::-1][lines.index(site.line)]]
        return versions

    def _is_computed_from_right(self, repair):
        assigned, starts = defaultdict(list), defaultdict(list)
        for source in self.program.sources(repair.site):
            site, series = self.sites[source], repair.run.log.get(source)
            assigned[site.function, site.line, site.name].append(self._is_known(repair, source))
            if source in repair.run.log and site.name != self.sites[repair.site].name:
                starts[site.function, site.name].append(series is not None and len(series) == 1 and not series.any())
        return (
            all(map(any, assigned.values()))  # of dz[t] and dz, one is known
            and (len(repair.own) == 1 or not any(map(all, starts.values())))  # zeros that nothing is added to in the loop
            and all(self._is_series_known(array[None]) for array in self._read_once(repair))
        )

    def _read_once(self, repair):
        """The arrays that a line reads which is run once: as they are then, whoever wrote into them."""
        site = self.sites[repair.site]
        if len(repair.own) > 1 or site.is_parameter:
            return []
        own = {s.name for s in self.sites if s.function == site.function and not s.is_parameter}
        read = repair.run.watch.read[repair.site]
        return [read[name] for name in site.reads & own & read.keys() if name != site.name]

    def _is_known(self, repair, k):
        site = self.sites[k]
        if self._is_given(k):
            return True
        if k not in repair.run.log:  # it did not run, or gave no array
            return not (site.is_parameter and self._meant(k))
        series = repair.run.log[k]
        return series is not None and self._is_series_known(series)

    def _is_series_known(self, series):
        if not series.size or (len(series) == 1 and not series.any()):
            return True
        return self.gradients.has(series) or self.values.has(series) or any(self._known_blocks(series))

    def _has_open_source(self, repair):
        """Whether what a line is computed from may be another of forward's values than it should be, or was not changed where
        it should be."""
        log = repair.run.log
        for k in self.program.sources(repair.site):
            series, site = log.get(k), self.sites[k]
            meant = self._meant(k)
            if series is None or any(same(series, one) for one in meant) or self._is_given(k):
                continue
            if not self._is_taken_over(k) and not site.in_place and any(log.get(j) is not None and same(series, log[j]) for j in self.program.sources(k)):
                return True
            if self.gradients.has(series) and meant and not self._is_part(series, meant):
                return True
            if not self.gradients.has(series) and any(self._is_right(self.run({k: one})) for one in self._others(series)):
                return True
        return False

    def _others(self, series):
        """What else the tape knows of this shape; of gates side by side, with another in the place of one."""
        yield from (one for known in (self.values, self.gradients) for one in known.like(series) if not same(one, series))
        for block in self._known_blocks(series):
            for place in range(len(block)):
                for one in self.gradients.like(block[place]):
                    yield np.concatenate([*block[:place], one, *block[place + 1 :]], axis=-1)

    def _known_blocks(self, series):
        """A series cut into gates that the tape knows."""
        if series.ndim > 1 and not self.values.has(series):
            blocks = (np.split(series, parts, axis=-1) for parts in PARTS if series.shape[-1] % parts == 0)
            yield from (block for block in blocks if all(self.gradients.has(b) or self.values.has(b) for b in block))

    def _is_part(self, series, meant):
        """Whether what a gradient lacks is known, too: of this step, or of the step before, to which it is passed on."""
        alike = [one for one in meant if one.shape == series.shape]
        others = self.gradients.like(series)
        return any(
            self.gradients.has(one - series) or any(same(one[1:] - series[:-1], other[1:]) for other in others) for one in alike
        )


def line_of(program: Program, k: int) -> int | None:
    """The line of a site: of what a function was given, the one that calls it."""
    site = program.sites[k]
    lines = {other.line for other in program.sites if site.function in other.reads} if site.is_parameter else {site.line}
    return lines.pop() if len(lines) == 1 else None


def _alike(right, own):
    own = np.asarray(own, np.float64)
    return np.shape(right) == own.shape and bool(np.isfinite(own).all()) and same(own, np.asarray(right, np.float64))
