"""Colour scales, and readable text colours on them.

Lighter always means larger, so the order survives greyscale printing. Signed numbers use cividis, designed for colour
blindness: dark blue, grey at 0, yellow. Numbers from 0 to 1, such as gates, go from black to white.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Scale(NamedTuple):
    """matplotlib's cmap, vmin and vmax."""

    cmap: str
    vmin: float
    vmax: float


UNIT_RANGE = Scale("gray", 0.0, 1.0)


def around_zero(limit: float) -> Scale:
    """From -limit to limit; a limit of 0 counts as 1."""
    return Scale("cividis", -(limit or 1.0), limit or 1.0)


def ends_of_bar(scale: Scale, values: np.ndarray) -> str:
    """Which ends of a colour bar get arrows: those with values beyond them."""
    below, above = values.min() < scale.vmin, values.max() > scale.vmax
    return {(False, False): "neither", (True, False): "min", (False, True): "max"}.get((below, above), "both")


def ink_on(colours: np.ndarray) -> np.ndarray:
    """ "black" or "white" for each colour (..., 3 or 4), whichever has more contrast: at least 4.5 : 1.

    Source: WCAG 2.2 defines contrast and relative luminance.
    """
    colours = np.asarray(colours)[..., :3]
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    luminance = linear @ (0.2126, 0.7152, 0.0722)
    return np.where((luminance + 0.05) ** 2 > 1.05 * 0.05, "black", "white")
