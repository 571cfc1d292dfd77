"""Plot the gates and states of a recurrent layer over a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from nnlite.utils import of_its_kinds

from .canvas import UNIT_RANGE, Axes, around_zero, ends_of_bar, fitting_size, frame, new_axes
from .characters import character_sign, signs_explained
from .fonts import lend_fonts

if TYPE_CHECKING:
    from nnlite.inspect import LayerTrace

SHOWN = 6  # units by default
HEADING = 0.42  # space above a band, in units of its height
SATURATED = 3.0  # beyond this only the sign of c matters: tanh(3) = 0.995


@of_its_kinds
def gates(
    trace: LayerTrace | Mapping[str, np.ndarray],
    units: Sequence[int] | None = None,
    quantities: Sequence[str] | None = None,
    characters: Sequence[str] | None = None,
    row: int = 0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the quantities of a recurrent layer at each character: one band per quantity, one row per unit.

    All bands show the units in the same order. Read an LSTM downwards at one character: where f is dark, the unit
    forgets its cell state; where i is light, it adds g; where o is light, it outputs the state.

    Args:
        trace: of one layer, such as `nnlite.inspect.trace(model, text, vocabulary=vocabulary)["lstm"]`: from names to
            arrays (N, T, H) or (T, H).
        units: which of the H units to draw, from top to bottom; by default the six whose f varies most (z of a GRU, h
            of an RNN).
        quantities: which quantities to draw; by default all but gradients, which need names: ["dc", "dh"].
        characters: the T characters read; by default those in the trace. Without any, steps are numbered.
        row: which of the N sequences.
        ax: where to draw; by default into a new figure. 60 readable characters need a width of 10 inches.

    Raises:
        ValueError: a quantity is missing, not finite, or has another shape; or there is not one character per step.
        IndexError: no such unit or row.

    Example:
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> from nnlite.plot import gates
        >>> ax = Figure().add_subplot()  # without it: a new figure of pyplot
        >>> f, h = np.random.default_rng(0).random((2, 1, 11, 20))
        >>> gates({"f": f, "h": h}, characters="thou art\\n  ", ax=ax).get_xlabel()
        'character read (␣ space, ↵ new line)'
    """
    if quantities is None:
        quantities = [name for name in trace if not name.startswith("d")]
    arrays = {name: _steps(trace, name, row) for name in quantities}
    if len({array.shape for array in arrays.values()}) != 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "none"
        raise ValueError(f"quantities: expected at least one, all with the same shape (T, H), got {shapes}")
    T, H = arrays[quantities[0]].shape
    if characters is None and (read := getattr(trace, "characters", None)) is not None:
        characters = read[row]
    if characters is not None and len(characters) != T:
        raise ValueError(f"characters: expected {T}, one for each step, got {len(characters)}")
    units = _varying_units(trace, quantities, row) if units is None else list(units)
    if not units or not all(0 <= unit < H for unit in units):
        raise IndexError(f"units: expected at least one, of 0 to {H - 1}, got {units}")

    ax = new_axes((10, 6.5)) if ax is None else ax
    height = (1 + HEADING) * len(arrays)
    tops = {name: (1 + HEADING) * number + HEADING for number, name in enumerate(arrays)}
    for name, top in tops.items():
        _draw_band(ax, arrays[name][:, units], top, height, _scale(trace, name, arrays[name][:, units]))
        ax.text(-0.5, top - 0.06, f"{name}   {getattr(trace, 'meanings', {}).get(name, '')}", va="bottom")
    ends = [top + 1 for top in tops.values()]
    for place, character in enumerate(characters or ()):
        if character == "\n":
            for colour, width in (("white", 3), ("black", 1)):  # visible on light and dark
                ax.vlines([place + 0.5] * len(tops), [*tops.values()], ends, colour, linewidth=width)
    ax.set(xlim=(-0.5, T - 0.5), ylim=(height, 0), ylabel="unit")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0, labeltop=characters is not None)
    of_layer = f" of {name}" if (name := getattr(trace, "name", "")) else ""
    ax.set_title(f"Step by step through {len(units)} of the {H} units{of_layer}")
    ax.set_xlabel("time step" if characters is None else f"character read{signs_explained(characters)}")
    rows = [top + (number + 0.5) / len(units) for top in tops.values() for number in range(len(units))]
    size = min(9, fitting_size(ax, height * len(units), 1))
    ax.set_yticks(rows, [str(unit) for unit in units] * len(tops), fontsize=size)
    if characters is not None:
        signs = [character_sign(character) for character in characters]
        ax.set_xticks(range(T), signs, family="monospace", fontsize=min(11, fitting_size(ax, 1, T)))
        lend_fonts(ax.figure)
    return ax


def _steps(trace, name, row):
    """The quantity with this name, (T, H)."""
    if name not in trace:
        hint = ": for gradients give the trace targets" if name.startswith("d") else ""
        raise ValueError(f"quantities: expected some of {', '.join(trace)}, got {name!r}{hint}")
    if isinstance(trace[name], Mapping):
        raise ValueError(f"trace: expected the trace of one layer, got that of a model: use trace[{name!r}]")
    array = np.asarray(trace[name])
    if array.ndim not in (2, 3) or not array.size:
        raise ValueError(f"trace: {name}: expected shape (N, T, H) or (T, H), got {array.shape}")
    if array.ndim == 3:
        if not 0 <= row < len(array):
            raise IndexError(f"row: expected one of 0 to {len(array) - 1}, got {row}")
        array = array[row]
    if not np.isfinite(array).all():
        bad = int(np.argmin(np.isfinite(array).all(axis=1)))
        raise ValueError(
            f"trace: {name}: expected finite numbers, got NaN or infinity at step {bad}: draw the steps before it"
        )
    return array


def _varying_units(trace, quantities, row):
    """The units whose memory varies most over the text."""
    names = ("f", "z", "h") if "r" in trace else ("f", "h")  # only a GRU has r; z of an RNN is a pre-activation
    memory = next((name for name in names if name in trace), quantities[0])
    return np.argsort(-_steps(trace, memory, row).std(axis=0), kind="stable")[:SHOWN].tolist()


def _scale(trace, name, array):
    if name in {"i", "f", "o", "r"} or (name == "z" and "r" in trace):  # sigmoids
        return UNIT_RANGE
    largest = float(np.abs(array).max())
    if name in {"g", "h"}:  # bounded by tanh; h of a ReLU is not bounded
        return around_zero(max(1.0, largest))
    return around_zero(min(largest, SATURATED) if name == "c" else largest)


def _draw_band(ax, array, top, height, scale):
    """A heat map of (T, units) from top to top + 1, with its colour bar beside it."""
    extent = -0.5, len(array) - 0.5, top + 1, top
    shown = ax.imshow(array.T, extent=extent, aspect="auto", interpolation="nearest", **scale._asdict())
    frame(ax, -0.5, top, len(array), 1, clip_on=False)
    beside = ax.inset_axes((1.01, 1 - (top + 1) / height, 0.012, 1 / height))
    ticks = sorted({scale.vmin, 0.0, scale.vmax})
    ax.figure.colorbar(shown, cax=beside, ticks=ticks, format="%.3g", extend=ends_of_bar(scale, array))
    beside.tick_params(labelsize="x-small", length=2)
