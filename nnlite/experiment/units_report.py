"""Report on a unit: two poems, one with the unit held, and a text coloured by its values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlite import Sequential
from nnlite.inspect import concepts
from nnlite.inspect.hold import held_stepper
from nnlite.inspect.reading import read
from nnlite.report import Poem, Poems, Report, Section, Table
from nnlite.text import Vocabulary, generate

READ = 16_000  # characters, to know the mean of a unit
SHOWN = 2_400  # characters of the text that is shown, about four sonnets
FARTHEST = 2  # standard deviations from the mean that have the darkest colour


@dataclass(frozen=True)
class HeldUnits:
    """Units of one state of a model, and what the model writes with them free and held.

    Attributes:
        state, units: such as "lstm.c" and (105,).
        values: where they are held.
        start: the text that both poems begin with.
        free, held: the poems, without it.
    """

    state: str
    units: Sequence[int]
    values: Sequence[float]
    start: str
    free: str
    held: str

    @property
    def name(self) -> str:
        """Such as "lstm.c 105"."""
        return f"{self.state} {', '.join(map(str, self.units))}"

    @property
    def held_at(self) -> str:
        """Where they are held, in words."""
        return f"held at {', '.join(f'{value:.2f}' for value in self.values)}"


def hold_units(
    model: Sequential,
    vocabulary: Vocabulary,
    state: str,
    units: Sequence[int],
    text: str,
    start: str,
    value: float | None = None,
    **how: Any,
) -> HeldUnits:
    """Let a model write two poems with the same random numbers: as it is, and with units held.

    Args:
        state, units: which.
        text: what the model reads to know the means of the units.
        start: what it reads before it writes.
        value: where the units are held; by default each at its mean.
        how: other arguments of `nnlite.text.generate`; an int as rng.

    Raises:
        ValueError: the model has no such state or unit.
    """
    held_stepper(model, {state: dict.fromkeys(units, 0.0)}, 1)  # refuses what the model does not have
    if value is None:
        rows = read(model, vocabulary, text[:READ], [state], {}).states[state]
        values = [float(rows[unit].mean()) for unit in units]
    else:
        values = [value] * len(units)
    hold = {state: dict(zip(units, values, strict=True))}
    free, held = (generate(model, vocabulary, start, hold=h, **how) for h in (None, hold))
    return HeldUnits(state, tuple(units), tuple(values), start, free, held)


def units_report(model: Sequential, vocabulary: Vocabulary, found: HeldUnits, text: str, source: str) -> Report:
    """The `Report` on units that were held.

    Args:
        found: the units and the poems.
        text: what the model reads; its beginning is shown in the colours of each unit.
        source: what this text is, such as "the held-out text".
    """
    poem, text = found.start + found.free, text[:SHOWN]
    poem_values, values = (
        read(model, vocabulary, part, [found.state], {}).states[found.state] for part in (poem, text)
    )
    middle, spread = values.mean(axis=1), values.std(axis=1)

    def shades(of, unit):
        apart = (of[unit] - middle[unit]) / (FARTHEST * spread[unit] or 1)
        return tuple(np.clip(apart, -1, 1).tolist())

    what = f"units of {found.state}" if len(found.units) > 1 else f"unit {found.units[0]} of {found.state}"
    free = Poem("as it is", poem, given=found.start, shades=shades(poem_values, found.units[0]))
    held = Poem(found.held_at, found.start + found.held, given=found.start)
    return Report(
        title=found.name,
        kicker="nnlite · units",
        lead=f"What a model writes with {what} as learned, and {found.held_at}. All else is the same, also the random "
        f"numbers.",
        sections=[
            Section("Two poems", [Poems([free, held]), _counts(found)]),
            Section(
                "What it follows",
                [
                    f"The beginning of {source}, in the colours of each unit after it has read the character: blue "
                    f"below its mean, orange above. The first poem has those of unit {found.units[0]}.",
                    Poems([Poem(f"{found.state} {unit}", text, shades=shades(values, unit)) for unit in found.units]),
                ],
            ),
        ],
    )


def _counts(found):
    """What is counted in both poems."""
    counted = {}
    for concept in concepts().values():
        if concept.count is not None and concept.counted not in counted:
            counts = [concept.counts(text) for text in (found.free, found.held)]
            if any(counts) and not np.isnan(counts).any():
                counted[concept.counted] = [f"{count:.3g}" for count in counts]
    return Table([(name, *counts) for name, counts in counted.items()], ("counted", "as it is", "held"))
