"""A text with one unit's activation as the background of each character."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nnlite.utils import numbers, of_its_kinds

from .canvas import UNIT_RANGE, Axes, around_zero, ends_of_bar, fitting_size, frame, ink_on, new_axes, whole
from .characters import character_sign, signs_explained
from .fonts import lend_fonts


@of_its_kinds
def activation_text(
    values: np.ndarray,
    characters: Sequence[str],
    label: str = "activation (no unit)",
    title: str = "Activation of one unit at each character",
    limits: tuple[float, float] | None = None,
    width: int = 80,
    ax: Axes | None = None,
) -> Axes:
    """Draw a text line by line, each character on the colour of a unit's activation after reading it.

    This makes some units interpretable: they count the characters of a line, or detect the end of a word.

    Args:
        values: (T,), such as `layer_trace["c"][0, :, unit]`, see `nnlite.inspect.trace`.
        characters: the T characters. The "\\n" at the end of a line is drawn as well, since the model reads it.
        label: the quantity and its unit, for the colour bar.
        title: of the plot.
        limits: the values of the darkest and the lightest colour. By default symmetric around 0, which is grey; (0, 1)
            shows a closed gate in black and an open one in white.
        width: longer lines wrap.
        ax: where to draw; by default into a new figure.

    Raises:
        ValueError: not one finite value for each character, no characters, limits not increasing, or width below 1.

    Example:
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> from nnlite.plot import activation_text
        >>> ax = Figure().add_subplot()  # without it: a new figure of pyplot
        >>> verse = "so long lives this,\\nand this gives life to thee.\\n"
        >>> activation_text(np.sin(np.arange(len(verse))), verse, ax=ax).get_ylabel()
        'line'
    """
    values = numbers("values", values)
    if values.ndim != 1 or len(values) != len(characters) or not values.size:
        raise ValueError(
            f"values: expected one for each of {len(characters)} characters, shape (T,), got {values.shape}: for a "
            f"trace use [row, :, unit]"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"values: expected finite numbers, got {values[~np.isfinite(values)][0]}")
    if width < 1:
        raise ValueError(f"width: expected at least 1 character, got {width}")
    if limits is not None and not limits[0] < limits[1]:
        raise ValueError(f"limits: expected a lower and a higher value, got {limits}")
    rows, columns, lines = _places(characters, width)
    grid = np.full((max(rows) + 1, max(columns) + 1), np.nan)
    grid[rows, columns] = values
    ax = new_axes((8, min(12, 1.8 + 14 * grid.shape[0] / grid.shape[1]))) if ax is None else ax
    scale = around_zero(float(np.abs(values).max()))
    if limits is not None:
        scale = (UNIT_RANGE if limits[0] >= 0 else scale)._replace(vmin=limits[0], vmax=limits[1])
    # A monospace character is about half as wide as a line is high.
    shown = ax.imshow(np.ma.masked_invalid(grid), aspect=2, interpolation="nearest", **scale._asdict())
    bar = ax.figure.colorbar(
        shown, ax=ax, label=whole(label), extend=ends_of_bar(scale, values), location="bottom", shrink=0.5, aspect=40
    )
    bar.ax.tick_params(labelsize="small")
    bar.ax.locator_params(nbins=5)
    for row, end in enumerate(np.isfinite(grid).sum(axis=1)):  # frame white cells, too
        frame(ax, -0.5, row - 0.5, end, 1, clip_on=False)
    ax.set(title=whole(title), xlabel=f"column{signs_explained(set(characters) - {' '})}", ylabel="line")
    ax.set_xticks(range(9, grid.shape[1], 10), [str(column) for column in range(10, grid.shape[1] + 1, 10)])
    ticks = range(1, len(lines) + 1) if len(lines) <= 20 else range(5, len(lines) + 1, 5)
    ax.set_yticks([lines[number - 1] for number in ticks], [str(number) for number in ticks])
    ax.spines[:].set_visible(False)
    size = fitting_size(ax, *grid.shape)
    for row, column, character, ink in zip(rows, columns, characters, ink_on(shown.to_rgba(values)), strict=True):
        if character != " ":  # its colour shows it
            ax.text(
                column, row, character_sign(character), color=ink, family="monospace", size=size, ha="center",
                va="center_baseline",
            )  # fmt: skip
    lend_fonts(ax.figure)
    return ax


def _places(characters, width):
    """The row and column of each character, and the first row of each line."""
    rows, columns, lines = [], [], [0]
    row = column = 0
    for before, character in zip([None, *characters], characters, strict=False):
        if before == "\n" or (column >= width and character != "\n"):
            row, column = row + 1, 0
        if before == "\n":
            lines.append(row)
        rows.append(row)
        columns.append(column)
        column += 1
    return rows, columns, lines
