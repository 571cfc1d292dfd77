"""What a line should compute: by the name of its variable, or as anything that the tape knows."""

import numpy as np

from .program import Program, Site
from .witness import Known, Witness, gradients, labels, same, values

PARTS = (2, 3, 4)  # gates side by side
BEFORE, AFTER = ("d", "d_", "grad_", "g_", "δ", "δ_", "delta_"), ("", "_t", "t")  # the gradient of z: dz, dz_t


class Knowledge:
    """Values and gradients of forward, to look up what the sites of a backward pass compute.

    Args:
        program: the backward pass.
        witness: has recorded forward, and differentiated it.
    """

    def __init__(self, program: Program, witness: Witness) -> None:
        self.sites, self.functions = program.sites, {site.function for site in program.sites}
        self.labels = labels(witness)
        named = [pair for versions in self.labels.values() for pair in versions]
        self.values = Known([*values(witness), *(value for value, _ in named)])
        self.gradients = Known([*gradients(witness), *(gradient for _, gradient in named)])

    def is_value(self, site: Site) -> bool:
        """Whether a variable is called as one of forward, and so is no gradient."""
        return (site.returns or site.name) in self.labels

    def meant(self, site, running):
        """The series that the name of a variable allows. If forward and backward assign it as often, the last version
        in forward is the first in backward: `running` has the sites in their order."""
        name = site.returns or site.name
        if name in self.labels:
            return [value for value, _ in self.labels[name]]
        ends = [(b, a) for b in BEFORE for a in AFTER if name.startswith(b) and name.endswith(a)]
        versions = (self.labels.get(name[len(b) : len(name) - len(a)], []) for b, a in ends)
        found = [gradient for _, gradient in next(filter(None, versions), [])]
        alike = (other for other in (self.sites[k] for k in running) if other.name == site.name)
        lines = list(dict.fromkeys(other.line for other in alike if not self.takes_over(other)))
        return [found[::-1][lines.index(site.line)]] if len(lines) == len(found) and site.line in lines else found

    def takes_over(self, site: Site) -> bool:
        """Whether arrays come from another function of the program as they are."""
        return site.is_parameter or site.name == "return" or self.calls(site)

    def calls(self, site: Site) -> bool:
        return bool(site.reads & self.functions)

    def has(self, series):
        """Whether a series is known; zeros before a loop are, too, and gates side by side."""
        if not series.size or (len(series) == 1 and not series.any()):
            return True
        return self.has_as_one(series) or any(self._gates(series))

    def has_as_one(self, series):
        return self.gradients.has(series) or self.values.has(series)

    def others(self, series):
        """What else is known of this shape; of gates side by side, with another in the place of one."""
        for known in (self.values, self.gradients):
            yield from (one for one in known.like(series) if not same(one, series))
        for gates in self._gates(series):
            for place, gate in enumerate(gates):
                for one in self.gradients.like(gate):
                    yield np.concatenate([*gates[:place], one, *gates[place + 1 :]], axis=-1)

    def _gates(self, series):
        if series.ndim > 1 and not self.values.has(series):
            cut = (np.split(series, parts, axis=-1) for parts in PARTS if series.shape[-1] % parts == 0)
            yield from (gates for gates in cut if all(map(self.has_as_one, gates)))

    def is_part(self, series, wholes):
        """Whether what a gradient lacks is known, too: of this step, or of the one before, to which it is passed on."""
        alike = [whole for whole in wholes if whole.shape == series.shape]
        return any(
            self.gradients.has(whole - series)
            or any(same(whole[1:] - series[:-1], other[1:]) for other in self.gradients.like(series))
            for whole in alike
        )
