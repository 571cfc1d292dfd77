"""What all pictures are drawn on, and with."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BLUE", "GREY", "LOOKS", "VERMILION", "fitting_size", "new_axes", "png", "svg"]

# Okabe and Ito, Color universal design, 2008.
BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#767676"

# Each curve differs from the others in colour, in brightness and in its dashes. The green and the purple of Okabe and
# Ito are darkened: as thin lines on white they would be pale.
LOOKS = [
    (BLUE, "-"), (VERMILION, "--"), ("black", ":"), ("#007354", "-."), ("#9E4A78", (0, (5, 1, 1, 1, 1, 1))),
    (GREY, (0, (8, 3))),
]  # fmt: skip


def new_axes(size: tuple[float, float] | None = None) -> Axes:
    """Axes in a new figure of pyplot, of that width and height in inches; by default as large as pyplot's are."""
    from matplotlib import pyplot

    return pyplot.subplots(figsize=size, layout="constrained")[1]


def fitting_size(ax: Axes, rows: float, columns: float) -> float:
    """The font size, in points, at which a letter fits a cell, where so many cut the picture as it now stands."""
    ax.figure.figure.draw_without_rendering()  # it has its place only when the layout of the figure is done
    box, points = ax.get_window_extent(), 72 / ax.figure.dpi
    return points * min(0.8 * box.height / rows, 1.5 * box.width / columns)  # a letter is about 0.6 wide


def png(draw, *args, size=(7.0, 4.5), dpi=150, **kwargs) -> bytes:
    """Let one of the functions above draw a picture off screen; return it as the bytes of a PNG file.

    No window is opened and no display is needed. The same numbers give the same bytes.

    Args:
        draw: such as `loss_curves`; called with the other arguments and `ax`.
        size, dpi: width and height in inches, and pixels an inch.

    Example:
        >>> from nnlite.plot import loss_curves, png
        >>> png(loss_curves, {"loss": [2.9, 2.2]})[1:4]
        b'PNG'
    """
    return _draw(draw, args, kwargs, size, format="png", dpi=dpi)


def svg(draw, *args, size=(7.0, 4.5), **kwargs) -> str:
    """Let one of the functions above draw a picture; return it as SVG, for web pages, sharp at any size.

    Words stay words: they can be searched, and are drawn with the fonts of whoever looks at them, in any alphabet. The
    same numbers give the same text.

    Args:
        draw: such as `loss_curves`; called with the other arguments and `ax`.
        size: width and height in inches.

    Example:
        >>> from nnlite.plot import loss_curves, svg
        >>> ">Loss while training</text>" in svg(loss_curves, {"loss": [2.9, 2.2]})
        True
    """
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "nnlite"}), warnings.catch_warnings():
        # The font that letters are measured with need not have them: they are drawn by the reader's.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        return _draw(draw, args, kwargs, size, format="svg", metadata={"Date": None}).decode()


def _draw(draw, args, kwargs, size, **how):
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    draw(*args, ax=figure.add_subplot(), **kwargs)
    picture = io.BytesIO()
    figure.savefig(picture, **how)
    return picture.getvalue()
