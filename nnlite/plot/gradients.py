"""How gradients fare on their way back through time."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from .canvas import GREY, LOOKS, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["gradient_flow"]

ROOM = 10.0  # above the largest and below the smallest: what stays as it is, is flat


def gradient_flow(
    flows: Mapping[str, object], title: str = "Gradients on their way back", ax: Axes | None = None
) -> Axes:
    """Draw how large the loss' gradients are, step by step back in time.

    A straight line that falls is a gradient that vanishes: each step back takes the same part of it, and what lies
    further back learns nothing of the loss. One that rises explodes. A flat one arrives as it left.

    Args:
        flows: from names to what `nnlite.inspect.gradient_flow` gives: the norms of dL/dh_t, (T + 1,), as its `dh`, and
            of dL/dc_t as its `dc`, None where there is no cell state. t runs from 0, the initial state, to T, the state
            after the last step.
        title: of the picture.
        ax: where to draw; by default into a new figure.

    A norm of 0 has no place on a logarithmic axis: a triangle at the lower edge says so, and one at the upper edge that
    a norm is infinite, or NaN.

    Raises:
        TypeError: flows is no dict.
        ValueError: there is no flow, or one holds negative norms, or not one for each step.

    Example:
        >>> from types import SimpleNamespace
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> from nnlite.plot import gradient_flow
        >>> ax = Figure().add_subplot()  # without it: a new figure of pyplot
        >>> flow = SimpleNamespace(dh=0.5 ** np.arange(20, -1, -1), dc=None)
        >>> gradient_flow({"RNN": flow}, ax=ax).get_xlabel()
        'steps back in time (0: the state after the last step)'
    """
    if not isinstance(flows, Mapping):
        raise TypeError(f'flows: expected a dict from names to flows, got {type(flows).__name__}: use {{"LSTM": flow}}')
    curves = {(name, quantity): norms for name, flow in flows.items() for quantity, norms in _norms(name, flow)}
    if not curves:
        raise ValueError("flows: expected at least one, got none")
    ax = new_axes() if ax is None else ax
    seen = np.concatenate([norms[(norms > 0) & (norms < np.inf)] for norms in curves.values()])
    low, high = (seen.min() / ROOM, seen.max() * ROOM) if seen.size else (1 / ROOM, ROOM)
    ax.set_yscale("log")
    ax.set_ylim(low, high)
    looks = dict(zip(flows, itertools.cycle(LOOKS)))
    for number, ((name, quantity), norms) in enumerate(curves.items()):
        look = _look(*looks[name], quantity) | {"markevery": _places(len(norms), number, len(curves))}
        inside = np.where((norms > 0) & (norms < np.inf), norms, np.nan)
        ax.plot(inside, label=f"{name}: dL/{quantity}{_factor(norms)}", **look)
    zero = {curve: norms == 0 for curve, norms in curves.items()}
    beyond = {curve: ~(norms < np.inf) for curve, norms in curves.items()}
    _draw_triangles(ax, zero, low, "v", looks, "0")
    _draw_triangles(ax, beyond, high, "^", looks, "infinite, or NaN")
    ax.set_title(title)
    ax.set_xlabel("steps back in time (0: the state after the last step)")
    ax.set_ylabel("norm of the gradient (log scale)")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.grid(True, linewidth=0.5)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(framealpha=0.7, edgecolor="none", handlelength=4)
    return ax


def _draw_triangles(ax, where, edge, marker, looks, word):
    """At an edge of the picture, for the norms of each curve that lie beyond it, and one that says why."""
    for (name, _), there in where.items():
        if there.any():
            ax.plot(
                np.flatnonzero(there), [edge] * there.sum(), marker, color=looks[name][0], markersize=5, clip_on=False
            )
    if any(there.any() for there in where.values()):
        ax.plot([], [], marker, color=GREY, label=word)


def _norms(name, flow):
    """Pairs of a quantity and its norms, from the last state back to the first."""
    for quantity in ("dh", "dc"):
        norms = getattr(flow, quantity)
        if norms is None:
            continue
        norms = np.asarray(norms, np.float64)
        if norms.ndim != 1 or not norms.size or (norms < 0).any():
            raise ValueError(
                f"flows: {quantity} of {name!r}: expected the norms of T + 1 states, none of them negative, got shape "
                f"{norms.shape}" + (f" with {norms.min()}" if norms.size else "")
            )
        # Further out matplotlib finds no ticks. 0, infinity and NaN stay what they are.
        yield quantity, np.where((norms > 0) & (norms < np.inf), norms.clip(1e-200, 1e200), norms)[::-1]


def _look(colour, dashes, quantity):
    marker = {"dh": {"marker": "o", "fillstyle": "none"}, "dc": {"marker": "s"}}[quantity]
    return marker | {"color": colour, "linestyle": dashes, "linewidth": 1.8, "markersize": 5}


def _places(points, number, curves):
    """Where a curve has its markers: beside those of the others, so that curves that coincide are all seen."""
    every = -(-points // 12)
    return number * every // curves, every


def _factor(norms):
    """What became of it, in words; nothing, where that is no number."""
    if norms[0] > 0 and np.isfinite(norms[[0, -1]]).all():
        return f", arrives × {norms[-1] / norms[0]:.2g}"
    return ""
