"""From numbers to colours, and from a colour to the ink that can be read on it.

Lighter is more, always, so that what is printed in grey keeps its order. Numbers on both sides of 0 go from dark blue
over grey, at 0, to yellow: cividis, made for people who see colours differently. Parts of one, such as those that gates
let through, go from black to white.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["PARTS", "Scale", "around_zero", "ends_of_bar", "ink_on"]


class Scale(NamedTuple):
    """What matplotlib calls cmap, vmin and vmax."""

    cmap: str
    vmin: float
    vmax: float


PARTS = Scale("gray", 0.0, 1.0)


def around_zero(limit: float) -> Scale:
    """From -limit to limit; of numbers that are all 0, limit may be 0, too."""
    return Scale("cividis", -(limit or 1.0), limit or 1.0)


def ends_of_bar(scale: Scale, values: np.ndarray) -> str:
    """Which ends of a colour bar are arrows: those that values lie beyond."""
    below, above = values.min() < scale.vmin, values.max() > scale.vmax
    return {(False, False): "neither", (True, False): "min", (False, True): "max"}.get((below, above), "both")


def ink_on(colours: np.ndarray) -> np.ndarray:
    """ "black" or "white" for each colour (..., 3 or 4), whichever has the higher contrast: it is 4.5 : 1 at least.

    Source: contrast is defined in WCAG 2.2, relative luminance.
    """
    colours = np.asarray(colours)[..., :3]
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    luminance = linear @ (0.2126, 0.7152, 0.0722)
    return np.where((luminance + 0.05) ** 2 > 1.05 * 0.05, "black", "white")
