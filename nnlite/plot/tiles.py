"""Plot filters, feature maps and images as tiles."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nnlite.utils import numbers, of_its_kinds

from .canvas import GREY, Axes, frame, new_axes, whole

GAP = 0.12  # between tiles, in tile widths
CAPTION = 0.3  # space for the caption above a tile


@of_its_kinds
def filters(W: np.ndarray, ax: Axes | None = None) -> Axes:
    """Draw the weights of a Conv2D layer: the pattern that each filter detects.

    Black is negative, white positive, grey 0: a filter responds most where inputs under white weights are large and
    inputs under black weights small. A dark stripe beside a bright one detects edges.

    Args:
        W: (kh, kw, C, filters), such as `model.params["conv2d.W"]`. With one channel the filters fill a square; with
            more, each filter has a row and each channel a column.
        ax: where to draw; by default into a new figure.

    Raises:
        ValueError: W does not have four axes, is empty, or contains NaN or infinity.

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
    W = numbers("W", W)
    if W.ndim != 4 or not W.size:
        raise ValueError(f"W: expected weights of a Conv2D, shape (kh, kw, C, filters), got {W.shape}")
    if not np.isfinite(W).all():
        raise ValueError("W: expected finite numbers, got NaN or infinity")
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
        ax.set(xlabel="channel", ylabel="filter")
        ax.set_xticks([(1 + GAP) * c + 0.5 for c in range(C)], [str(c) for c in range(C)])
        ax.set_yticks([(kh / kw + GAP) * f + kh / kw / 2 for f in range(F)], [str(f) for f in range(F)])
    else:
        _label_size(ax, kh, kw, "weights")
    return ax


@of_its_kinds
def feature_maps(
    maps: np.ndarray, label: str = "activation (no unit)", title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the output of each filter of a Conv2D layer for an image, with the filter's number above.

    Lighter means a better match of the filter's pattern. If there are negative numbers, 0 is grey, as in `filters`;
    otherwise, such as after a ReLU, 0 is black. All maps share one scale: a dark map found few matches.

    Args:
        maps: (H, W, filters), such as `nnlite.inspect.trace(model, x)["conv2d"]["y"][0]`, or a layer's output for one
            image, `layer.forward(x)[0]`.
        label: the quantity and its unit, for the colour bar.
        title: of the plot; by default the number and size of the maps.
        ax: where to draw; by default into a new figure.

    Raises:
        ValueError: maps does not have three axes, is empty, or contains NaN or infinity.

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
    maps = numbers("maps", maps)
    if maps.ndim != 3 or not maps.size:
        hint = ": for a batch use one image, maps[0]" if maps.ndim == 4 else ""
        raise ValueError(f"maps: expected the maps of one image, shape (H, W, filters), got {maps.shape}{hint}")
    if not np.isfinite(maps).all():
        raise ValueError("maps: expected finite numbers, got NaN or infinity")
    ax = new_axes() if ax is None else ax
    H, W, F = maps.shape
    limit = float(abs(maps).max()) or 1.0
    tiles, columns = maps.transpose(2, 0, 1), math.ceil(math.sqrt(F))
    shown = _draw_tiles(ax, tiles, columns, range(F), vmin=-limit if maps.min() < 0 else 0, vmax=limit)
    ax.figure.colorbar(shown, ax=ax, label=whole(label), shrink=0.8)
    ax.set_title(f"{F} feature maps of {H} x {W}" if title is None else whole(title))
    _label_size(ax, H, W, "pixels")
    return ax


@of_its_kinds
def images(x: np.ndarray, captions: Sequence | None = None, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw images side by side, with captions.

    0 is white and the largest number black, like ink on paper.

    Args:
        x: (N, H, W) or (N, H, W, 1); with N = 0 the plot says "none".
        captions: one for each of the N images, drawn above it.
        title: of the plot.
        ax: where to draw; by default into a new figure.

    Raises:
        ValueError: x has another shape, or there is not one caption per image.

    Example:
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> from nnlite.plot import images
        >>> ax = Figure().add_subplot()  # without it: a new figure of pyplot
        >>> images(np.eye(8).reshape(1, 8, 8), ["a line"], "One image", ax=ax).get_title()
        'One image'
    """
    x = numbers("x", x)
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
    ax.set_title(whole(title))
    if len(x):
        _, height, width = x.shape
        _label_size(ax, height, width, "pixels")
    else:
        ax.text(0.5, 0.5, "none", ha="center", va="center", color=GREY, transform=ax.transAxes)
    return ax


def _label_size(ax, height, width, unit):
    """Label the axes with the size of a tile."""
    ax.set(xlabel=f"each {width} {unit} wide", ylabel=f"each {height} {unit} high")


def _draw_tiles(ax, tiles, columns, captions, cmap="gray", **kwargs):
    """Draw tiles (n, h, w) row by row, each of width 1. Return the last image, for a colour bar."""
    n, h, w = tiles.shape
    rows, height = -(-n // columns), h / w
    caption = 0 if captions is None else CAPTION
    shown = None
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        left, top = (1 + GAP) * column, (height + GAP + caption) * row
        extent = left, left + 1, top + height, top
        shown = ax.imshow(tile, cmap=cmap, interpolation="nearest", extent=extent, **kwargs)
        frame(ax, left, top, 1, height)
        if captions is not None:
            ax.text(left + 0.5, top - 0.05, whole(captions[number]), ha="center", va="bottom", fontsize="small")
    ax.set(xlim=(-GAP, (1 + GAP) * columns), ylim=((height + GAP + caption) * rows - caption, -GAP - caption))
    ax.set(xticks=[], yticks=[], frame_on=False)
    return shown
