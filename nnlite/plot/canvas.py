"""Axes, colours and file formats shared by all plots."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnlite import extras
from nnlite.utils import numbers, of_its_kinds, require

from .fonts import lend_fonts, warn_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
else:
    Axes = Any  # matplotlib is imported by the first plot

# Okabe and Ito, Color universal design, 2008.
BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#767676"

# Curves differ in colour, brightness and dashes. The green and the purple of Okabe and Ito are darkened, since thin
# lines on white would be pale.
LOOKS = [
    (BLUE, "-"), (VERMILION, "--"), ("black", ":"), ("#007354", "-."), ("#9E4A78", (0, (5, 1, 1, 1, 1, 1))),
    (GREY, (0, (8, 3))),
]  # fmt: skip


class Scale(NamedTuple):
    """A colour scale: matplotlib's cmap, vmin and vmax.

    Lighter always means larger, so the order survives greyscale printing. Signed numbers use cividis, designed for
    colour blindness: dark blue, grey at 0, yellow. Numbers from 0 to 1, such as gates, go from black to white.
    """

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


def whole(text: Any) -> str:
    """A title or a name as text that can be drawn: halves of characters of UTF-16, which no font has, become "�"."""
    return f"{text}".encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def plain(name: Any) -> str:
    """A name that is drawn as it is: a dollar sign would begin a formula, and a first "_" hide it from the legend."""
    text = re.sub(r"(?<!\\)\$", r"\\$", whole(name))
    return f" {text}" if text.startswith("_") else text


def new_axes(size: tuple[float, float] | None = None) -> Axes:
    """Axes in a new pyplot figure of this width and height in inches; by default pyplot's size."""
    extras.require("plot")
    from matplotlib import pyplot

    return pyplot.subplots(figsize=size, layout="constrained")[1]


def whole_ticks(axis: Axis) -> None:
    """Put ticks only at whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))  # else as AutoLocator


def without_gaps(curves: Any, metric: str) -> dict[str, Any]:
    """Curves, of which a metric's, and its validation's, are lists with a number for each epoch.

    It is NaN where an epoch has none: the curve is interrupted there.
    """
    drawn = {name: in_a_row(f"history: {name}", curves[name]) for name in {metric, f"val_{metric}"} & curves.keys()}
    return {**curves, **drawn}


def in_a_row(what: str, values: Any) -> list[float]:
    """Numbers as a list: of an array, a tensor, a list of either's numbers, ...; None becomes NaN."""
    require(what, values, "Iterable")
    row = numbers(what, [float("nan") if value is None else value for value in values])
    if row.ndim != 1:
        raise ValueError(f"{what}: expected a list of numbers, got shape {row.shape}")
    return row.tolist()


def numbers_of(epochs: Any, count: int) -> list[int]:
    """The numbers of as many epochs: these, as of a `fit` with initial_epoch; from 1, where they do not count up."""
    epochs = [*epochs]
    counts_up = all(type(epoch) is int and 1 <= epoch < 2**31 for epoch in epochs) and epochs == sorted({*epochs})
    return epochs if counts_up and len(epochs) == count else [*range(1, count + 1)]


def draw_epochs(ax: Axes, curves: Mapping[str, Any], metric: str, epochs: Any) -> None:
    """Draw a metric in training and, if there, in validation, at the numbers of its epochs."""
    looks = (metric, BLUE, "--o", "training"), (f"val_{metric}", VERMILION, "-s", "validation")
    for name, colour, dashes, label in looks:
        if curves.get(name):
            x = numbers_of(epochs, len(curves[name]))
            ax.plot(x, curves[name], dashes, color=colour, markersize=4, label=label)


def frame(ax: Axes, left: float, top: float, width: float, height: float, **style: Any) -> None:
    """Draw the outline of a rectangle: thin and grey, unless the style says otherwise."""
    from matplotlib.patches import Rectangle

    thin: dict[str, Any] = {"fill": False, "edgecolor": GREY, "linewidth": 0.8}
    ax.add_patch(Rectangle((left, top), width, height, **thin | style))


def fitting_size(ax: Axes, rows: float, columns: float) -> float:
    """The font size, in points, that fits a letter into each cell of the axes, divided into rows and columns."""
    ax.figure.figure.draw_without_rendering()  # the layout sets the axes' size
    box, points = ax.get_window_extent(), 72 / ax.figure.dpi
    return points * min(0.8 * box.height / rows, 1.5 * box.width / columns)  # a letter is about 0.6 wide


@of_its_kinds
def png(
    draw: Callable[..., Axes], *args: Any, size: tuple[float, float] = (7.0, 4.5), dpi: float = 150, **kwargs: Any
) -> bytes:
    """Draw a plot off screen and return it as PNG bytes.

    Needs no window and no display. The same data give the same bytes.

    Args:
        draw: a plot function such as `loss_curves`, called with the other arguments and `ax`.
        size, dpi: width and height in inches, and pixels per inch.

    Example:
        >>> from nnlite.plot import loss_curves, png
        >>> png(loss_curves, {"loss": [2.9, 2.2]})[1:4]
        b'PNG'
    """
    return _draw(draw, args, kwargs, size, format="png", dpi=dpi, metadata={"Software": "nnlite, Matplotlib"})


@of_its_kinds
def svg(draw: Callable[..., Axes], *args: Any, size: tuple[float, float] = (7.0, 4.5), **kwargs: Any) -> str:
    """Draw a plot and return it as SVG, for web pages.

    Text stays text: it is searchable, and drawn with the reader's fonts in any alphabet. The same data give the same
    SVG.

    Args:
        draw: a plot function such as `loss_curves`, called with the other arguments and `ax`.
        size: width and height in inches.

    Example:
        >>> from nnlite.plot import loss_curves, svg
        >>> ">Loss while training</text>" in svg(loss_curves, {"loss": [2.9, 2.2]})
        True
    """
    extras.require("plot")
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "nnlite"}):
        return _draw(draw, args, kwargs, size, format="svg", metadata={"Date": None}).decode()


def _draw(draw, args, kwargs, size, **how):
    extras.require("plot")
    from matplotlib.figure import Figure

    width, height = size
    dpi = how.get("dpi", 100)
    for name, value in (("size", width), ("size", height), ("dpi", dpi)):
        if not 0 < value < math.inf:
            raise ValueError(f"{name}: expected a finite number above 0, got {value}")
    if max(size) * dpi >= 2**16 or min(size) * dpi < 1:
        pixels = f"{width * dpi:.4g} x {height * dpi:.4g}"
        raise ValueError(f"size: expected from 1 to 65,535 pixels on each side, got {pixels}: use another size, or dpi")
    figure, picture = Figure(figsize=size, layout="constrained"), io.BytesIO()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        draw(*args, ax=figure.add_subplot(), **kwargs)
        nowhere = lend_fonts(figure)
        figure.savefig(picture, **how)
    # One warning names all characters that no font has, where matplotlib warns of each, and again at each layout. In an
    # SVG the font is for measuring only: the reader's draws them.
    if nowhere and how["format"] != "svg":
        warn_of(nowhere)
    messages = {str(warning.message): warning for warning in caught}
    for message, warning in messages.items():
        if not message.startswith("Glyph "):
            warnings.warn(message, warning.category, stacklevel=4)  # through `of_its_kinds`, too
    return picture.getvalue()
