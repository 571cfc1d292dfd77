"""Small pictures side by side: the filters of a layer, what they make of an image, and images with their captions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .canvas import GREY, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["feature_maps", "filters", "images"]

GAP = 0.12  # between two tiles, where a tile is 1 wide
CAPTION = 0.3  # above a tile, for its words


def filters(W: np.ndarray, ax: Axes | None = None) -> Axes:
    """Draw the weights of a Conv2D layer: what each of its filters looks for.

    Black is negative, white positive, and grey 0: a filter answers most where what lies under its white weights is
    large, and what lies under its black ones small. A dark stripe beside a bright one finds edges.

    Args:
        W: (kh, kw, C, filters), such as `model.params["conv2d.W"]`. With one channel the filters fill a square; with
            more there is a row for each filter and a column for each channel.
        ax: where to draw; by default into a new figure.

    Raises:
        ValueError: W has not four axes, or holds nothing, or what is no number.

    Example:
        >>> from matplotlib.figure import Figure
        >>> from nnlite import Conv2D
        >>> from nnlite.plot import filters
        >>> layer = Conv2D(8, 3, seed=0)
        >>> layer.build((28, 28, 1))
        >>> ax = Figure().add_subplot()  # without it: a new figure of pyplot
        >>> filters(layer.params["W"], ax=ax).get_title()
        '8 filters of 3 x 3 weights'
    """
    W = np.asarray(W)
    if W.ndim != 4 or not W.size:
        raise ValueError(f"W: expected weights of a Conv2D, shape (kh, kw, C, filters), got {W.shape}")
    if not np.isfinite(W).all():
        raise ValueError("W: expected finite numbers: there are NaN or infinity")
    ax = new_axes() if ax is None else ax
    kh, kw, C, F = W.shape
    tiles = W.transpose(3, 2, 0, 1).reshape(F * C, kh, kw)
    columns = C if C > 1 else math.ceil(math.sqrt(F))
    limit = float(abs(W).max()) or 1.0
    shown = _draw_tiles(ax, tiles, columns, None if C > 1 else range(F), vmin=-limit, vmax=limit)
    ax.figure.colorbar(shown, ax=ax, label="weight", shrink=0.8)
    channels = f" x {C}" if C > 1 else ""
    ax.set_title(f"{F} filters of {kh} x {kw}{channels} weights")
    if C > 1:
        ax.set_xlabel("channel")
        ax.set_ylabel("filter")
        ax.set_xticks([(1 + GAP) * c + 0.5 for c in range(C)], range(C))
        ax.set_yticks([(kh / kw + GAP) * f + kh / kw / 2 for f in range(F)], range(F))
    else:
        _measure(ax, kh, kw, "weights")
    return ax


def feature_maps(
    maps: np.ndarray, label: str = "activation (no unit)", title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw what each filter of a Conv2D layer makes of an image, with the filter's number above.

    The lighter, the more of what it looks for a filter has found there. Maps that know negative numbers have 0 in grey,
    as `filters` has; others, such as those behind a ReLU, have it in black. All share one scale: a map that is dark all
    over has found little.

    Args:
        maps: (H, W, filters), such as `nnlite.inspect.trace(model, x)["conv2d"]["y"][0]`, or a layer's output for one
            image, `layer.forward(x)[0]`.
        label: what the numbers are, with their unit.
        title: of the picture; by default it says how many maps there are.
        ax: where to draw; by default into a new figure.

    Raises:
        ValueError: maps has not three axes, or holds nothing, or what is no number.

    Example:
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> from nnlite import Conv2D
        >>> from nnlite.plot import feature_maps
        >>> image = np.eye(28, dtype="float32").reshape(1, 28, 28, 1)
        >>> ax = Figure().add_subplot()  # without it: a new figure of pyplot
        >>> feature_maps(Conv2D(8, 5, seed=0).forward(image)[0], ax=ax).get_title()
        '8 feature maps of 24 x 24'
    """
    maps = np.asarray(maps)
    if maps.ndim != 3 or not maps.size:
        hint = ": of a batch take one image, maps[0]" if maps.ndim == 4 else ""
        raise ValueError(f"maps: expected those of one image, shape (H, W, filters), got {maps.shape}{hint}")
    if not np.isfinite(maps).all():
        raise ValueError("maps: expected finite numbers: there are NaN or infinity")
    ax = new_axes() if ax is None else ax
    H, W, F = maps.shape
    limit = float(abs(maps).max()) or 1.0
    tiles, columns = maps.transpose(2, 0, 1), math.ceil(math.sqrt(F))
    shown = _draw_tiles(ax, tiles, columns, range(F), vmin=-limit if maps.min() < 0 else 0, vmax=limit)
    ax.figure.colorbar(shown, ax=ax, label=label, shrink=0.8)
    ax.set_title(f"{F} feature maps of {H} x {W}" if title is None else title)
    _measure(ax, H, W, "pixels")
    return ax


def images(x: np.ndarray, captions: Sequence | None = None, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw images side by side, each with its caption.

    0 is white and the largest number black, as on paper.

    Args:
        x: (N, H, W) or (N, H, W, 1); with N = 0 the picture says that there are none.
        captions: what to write above each of the N images.
        title: of the whole picture.
        ax: where to draw; by default into a new figure.

    Raises:
        ValueError: x has another shape, or there is not one caption for each image.

    Example:
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> from nnlite.plot import images
        >>> ax = Figure().add_subplot()  # without it: a new figure of pyplot
        >>> images(np.eye(8).reshape(1, 8, 8), ["a line"], "One image", ax=ax).get_title()
        'One image'
    """
    x = np.asarray(x)
    shape = x.shape
    if shape[3:] == (1,):
        x = x[..., 0]
    if x.ndim != 3 or 0 in x.shape[1:]:
        raise ValueError(f"x: expected images, shape (N, H, W) or (N, H, W, 1), got {shape}")
    if captions is not None and len(captions) != len(x):
        raise ValueError(f"captions: expected {len(x)}, one for each image, got {len(captions)}")
    ax = new_axes() if ax is None else ax
    columns = max(1, math.ceil(math.sqrt(len(x))))
    _draw_tiles(ax, x, columns, captions, cmap="gray_r", vmin=0, vmax=x.max(initial=0) or 1)
    ax.set_title(title)
    if len(x):
        _measure(ax, *x.shape[1:], "pixels")
    else:
        ax.text(0.5, 0.5, "none", ha="center", va="center", color=GREY, transform=ax.transAxes)
    return ax


def _measure(ax, height, width, unit):
    """Say how large a tile is."""
    ax.set_xlabel(f"each {width} {unit} wide")
    ax.set_ylabel(f"each {height} {unit} high")


def _draw_tiles(ax, tiles, columns, captions, cmap="gray", **kwargs):
    """Draw tiles (n, h, w) row by row; a tile is 1 wide. Return what a colour bar needs."""
    from matplotlib.patches import Rectangle

    n, h, w = tiles.shape
    rows, height = -(-n // columns), h / w
    caption = 0 if captions is None else CAPTION
    shown = None
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        left, top = (1 + GAP) * column, (height + GAP + caption) * row
        extent = left, left + 1, top + height, top
        shown = ax.imshow(tile, cmap=cmap, interpolation="nearest", extent=extent, **kwargs)
        ax.add_patch(Rectangle((left, top), 1, height, fill=False, edgecolor=GREY, linewidth=0.8))
        if captions is not None:
            ax.text(left + 0.5, top - 0.05, f"{captions[number]}", ha="center", va="bottom", fontsize="small")
    ax.set_xlim(-GAP, (1 + GAP) * columns)
    ax.set_ylim((height + GAP + caption) * rows - caption, -GAP - caption)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_frame_on(False)
    return shown
