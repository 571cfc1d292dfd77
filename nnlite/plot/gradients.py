"""Plot gradient norms against time steps."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from nnlite.utils import of_its_kinds

from .canvas import GREY, LOOKS, Axes, new_axes, plain, whole, whole_ticks

MARKERS: dict[str, dict[str, Any]] = {"dh": {"marker": "o", "fillstyle": "none"}, "dc": {"marker": "s"}}
ROOM = 10.0  # factor above the largest and below the smallest norm, so that constant norms look flat


@of_its_kinds
def gradient_flow(
    flows: Mapping[str, object], title: str = "Gradient norms back through time", ax: Axes | None = None
) -> Axes:
    """Draw the norms of the loss' gradients, step by step back in time.

    A falling straight line is a vanishing gradient: each step back multiplies it by the same factor below 1, so early
    steps learn nothing from the loss. A rising line is an exploding gradient. A flat line keeps its size. A triangle at
    the lower edge marks a norm of 0, which a log axis cannot show; one at the upper edge, a norm that is infinite or
    NaN.

    Args:
        flows: from names to results of `nnlite.inspect.gradient_flow`: the norms of dL/dh_t as `dh`, (T + 1,), and of
            dL/dc_t as `dc`, None without a cell state. t runs from 0, the initial state, to T, the state after the last
            step.
        title: of the plot.
        ax: where to draw; by default into a new figure.

    Raises:
        TypeError: flows is not a dict.
        ValueError: there is no flow, a norm is negative, or a flow does not have one norm for each step.

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
    curves = {(name, quantity): norms for name, flow in flows.items() for quantity, norms in _norms(name, flow)}
    if not curves:
        raise ValueError("flows: expected at least one, got none")
    ax = new_axes() if ax is None else ax
    seen = np.concatenate([norms[_inside(norms)] for norms in curves.values()])
    low, high = (seen.min() / ROOM, seen.max() * ROOM) if seen.size else (1 / ROOM, ROOM)
    ax.set(yscale="log", ylim=(low, high))
    looks = dict(zip(flows, itertools.cycle(LOOKS)))
    for number, ((name, quantity), norms) in enumerate(curves.items()):
        every = -(-len(norms) // 12)  # markers of different curves are offset: curves that coincide stay visible
        ax.plot(
            np.where(_inside(norms), norms, np.nan), color=looks[name][0], linestyle=looks[name][1], linewidth=1.8,
            markersize=5, markevery=(number * every // len(curves), every), **MARKERS[quantity],
            label=f"{plain(name)}: dL/{quantity}{_factor(norms)}",
        )  # fmt: skip
    for marker, edge, word, is_beyond in (
        ("v", low, "0", lambda norms: norms == 0),
        ("^", high, "infinite, or NaN", lambda norms: ~(norms < np.inf)),
    ):
        beyond = {curve: np.flatnonzero(is_beyond(norms)) for curve, norms in curves.items()}
        for (name, _), steps in beyond.items():
            if steps.size:
                ax.plot(steps, [edge] * steps.size, marker, color=looks[name][0], markersize=5, clip_on=False)
        if any(steps.size for steps in beyond.values()):  # one in the legend
            ax.plot([], [], marker, color=GREY, label=word)
    ax.set(title=whole(title), xlabel="steps back in time (0: the state after the last step)")
    ax.set_ylabel("norm of the gradient (log scale)")
    whole_ticks(ax.xaxis)
    ax.grid(True, linewidth=0.5)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(framealpha=0.7, edgecolor="none", handlelength=4)
    return ax


def _norms(name, flow):
    """Pairs of a quantity and its norms, from the last state to the first."""
    if not (hasattr(flow, "dh") and hasattr(flow, "dc")):
        raise TypeError(
            f"flows: {name!r}: expected a result of nnlite.inspect.gradient_flow, got {type(flow).__name__}"
        )
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
        # Beyond this range matplotlib finds no ticks. Keep 0, infinity and NaN.
        yield quantity, np.where(_inside(norms), norms.clip(1e-200, 1e200), norms)[::-1]


def _inside(norms):
    """Where a log axis can show them."""
    return (norms > 0) & (norms < np.inf)


def _factor(norms):
    """The total factor for the legend, or nothing if it is not finite."""
    if norms[0] > 0 and np.isfinite(norms[[0, -1]]).all():
        return f", in total × {norms[-1] / norms[0]:.2g}"
    return ""
