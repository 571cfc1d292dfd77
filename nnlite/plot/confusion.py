"""Plot a confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nnlite.utils import numbers, of_its_kinds

from .canvas import VERMILION, Axes, frame, new_axes, whole


@of_its_kinds
def confusion_matrix(matrix: np.ndarray, labels: Sequence | None = None, ax: Axes | None = None) -> Axes:
    """Draw how often each label was predicted as each label.

    Rows are labels, columns predictions; the diagonal is correct. A darker cell is a larger share of its row. Errors
    are framed, since one among hundreds would be too pale to see. Cells without a number are 0.

    Args:
        matrix: (V, V) counts, as `nnlite.metrics.confusion_matrix` gives them.
        labels: names of the V labels; by default 0 to V - 1.
        ax: where to draw; by default into a new figure.

    Raises:
        ValueError: the matrix is not square, has negative or non-integer counts, or not one row for each label.

    Example:
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> from nnlite.metrics import confusion_matrix as count
        >>> from nnlite.plot import confusion_matrix
        >>> ax = Figure().add_subplot()  # without it: a new figure of pyplot
        >>> matrix = count(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
        >>> confusion_matrix(matrix, ["cat", "dog"], ax=ax).get_title()
        'Confusion matrix: 3 of 4 are right (75.0 %)'
    """
    matrix = numbers("matrix", matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise ValueError(f"matrix: expected as many rows as columns, shape (V, V), got {matrix.shape}")
    if matrix.dtype.kind not in "iu" or matrix.min() < 0:
        got = matrix.min() if matrix.dtype.kind in "iu" else matrix.dtype.name
        raise ValueError(f"matrix: expected counts, whole numbers of at least 0, got {got}")
    labels = [whole(label) for label in (range(len(matrix)) if labels is None else labels)]
    if len(labels) != len(matrix):
        raise ValueError(f"labels: expected {len(matrix)}, one for each row of the matrix, got {len(labels)}")
    ax = new_axes() if ax is None else ax
    parts = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    ax.imshow(parts, cmap="Blues", vmin=0, vmax=1)
    for (i, j), count in np.ndenumerate(matrix):
        if count:
            ax.text(j, i, f"{count}", ha="center", va="center", color="white" if parts[i, j] > 0.5 else "black")
        if count and i != j:
            frame(ax, j - 0.46, i - 0.46, 0.92, 0.92, edgecolor=VERMILION, linewidth=1.5)
    right, total = int(matrix.trace()), int(matrix.sum())
    share = f" ({100 * right / total:.1f} %)" if total else ""
    ax.set(title=f"Confusion matrix: {right:,} of {total:,} are right{share}", xlabel="taken for", ylabel="label")
    ax.set_xticks(range(len(matrix)), labels)
    ax.set_yticks(range(len(matrix)), labels)
    return ax
