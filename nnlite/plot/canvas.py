"""What all pictures are drawn on, and with."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BLUE", "GREY", "VERMILION", "new_axes", "png", "svg"]

# Okabe and Ito, Color universal design, 2008.
BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#767676"


def new_axes() -> Axes:
    """Axes in a new figure of pyplot."""
    from matplotlib import pyplot

    return pyplot.subplots(layout="constrained")[1]


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
