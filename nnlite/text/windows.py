"""Cut a long text into windows of equal length, to train recurrent networks."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from nnlite.utils import kinds_of, numbers

from .arguments import PIECE, require_whole


def windows(ids: np.ndarray, length: int, step: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Cut ids into windows x and targets y: at *every* step, the target is the next id.

        x[n] = ids[n step : n step + T]
        y[n] = ids[n step + 1 : n step + T + 1]         n = 0 .. N - 1, with N = (L - T - 1) // step + 1

    L ids, N windows (as many as fit), T time. ids is (L,); x and y are (N, T), with the dtype of ids. They are views of
    ids, which take no memory, and read-only, as windows overlap: `x.copy()` is an array to write to.

    A window may span two poems. To keep training and validation separate, split first (`split_poems`), then cut each
    part.

    Args:
        ids: integers, such as from `Vocabulary.encode`.
        length: T.
        step: the distance between the starts of consecutive windows. Below `length`, windows overlap. At `length`, each
            starts where the previous one ends, so a state can be carried over, one window at a time. For batches of
            several windows, see `columns`.

    Raises:
        TypeError: ids are not integers.
        ValueError: ids do not have one axis, length or step is below 1, or no window fits.

    Example:
        >>> import numpy as np
        >>> from nnlite.text import windows
        >>> x, y = windows(np.arange(7), length=3, step=2)
        >>> x
        array([[0, 1, 2],
               [2, 3, 4]])
        >>> y
        array([[1, 2, 3],
               [3, 4, 5]])
    """
    ids, length, step = _require_fitting(ids, length, step)
    both = sliding_window_view(ids, length + 1)[::step]  # windows one id longer contain x and y
    return both[:, :-1], both[:, 1:]


@kinds_of("copy")
def columns(
    ids: np.ndarray, length: int, batch_size: int, step: int | None = None, copy: bool = True
) -> tuple[Any, Any]:
    """Cut ids into windows for `stateful` layers: row n of a batch continues row n of the previous batch.

        x[k N + n] = ids[s : s + T]
        y[k N + n] = ids[s + 1 : s + T + 1]         s = n S + k T;  k = 0 .. K - 1;  n = 0 .. N - 1

    L ids, N rows of a batch, K batches, T time. ids is (L,); x and y are (K N, T), for `fit` with the same batch_size
    and shuffle=False. Both are new C-contiguous arrays with the dtype of ids.

    The text is split into N columns of S characters, and a batch contains one window of each. With step = T, each row
    reads its own column once. With a smaller step it continues into the next column (after the last, the first) until
    every character has been read T / step times; S is chosen so that each pass shifts the windows by `step` characters.
    With a larger step, each row reads only the beginning of its column.

    Args:
        ids: integers, such as from `Vocabulary.encode`.
        length: T.
        batch_size: N.
        step: gives as many windows as `windows` does with this step, less a few to fill whole batches; by default T.
        copy: False for a large text: x and y then take no memory. `fit` cuts each batch out of ids when it reads it,
            and so does x[rows]; np.asarray(x) is the array.

    Raises:
        TypeError: ids are not integers.
        ValueError: ids do not have one axis, length, batch_size or step is below 1, or there are too few ids.

    Example:
        >>> import numpy as np
        >>> from nnlite.text import columns
        >>> x, y = columns(np.arange(13), length=3, batch_size=2)
        >>> x.reshape(2, 2, 3)  # two batches: row 0 starts at 0, row 1 at 6
        array([[[ 0,  1,  2],
                [ 6,  7,  8]],
        <BLANKLINE>
               [[ 3,  4,  5],
                [ 9, 10, 11]]])
        >>> from nnlite import LSTM, Dense, Sequential, SparseCategoricalCrossentropy
        >>> model = Sequential([LSTM(8, return_sequences=True, stateful=True, input_dim=13), Dense(13)], seed=0)
        >>> model.compile("adam", SparseCategoricalCrossentropy(from_logits=True))
        >>> history = model.fit(x, y, batch_size=2, shuffle=False, verbose=0)
    """
    ids, length, step = _require_fitting(ids, length, length if step is None else step)
    N = require_whole("batch_size", batch_size)
    ring = len(ids) - 1  # all ids but the last, which has no next one and is only in y
    if ring < N * step:
        raise ValueError(
            f"ids: expected at least {N * step + 1} for a batch of {N} rows at step {step}, got {len(ids)}: use a "
            f"smaller batch_size or step"
        )
    S = ring // N
    S -= (S - step) % length  # so that windows start `step` after those of the previous column
    K = ring // (N * step)
    x, y = (Columns(ids[ahead : ring + ahead], (K * N, length), N, S) for ahead in (0, 1))
    return (np.asarray(x), np.asarray(y)) if copy else (x, y)


class Columns:
    """The x or y of `columns`, of which rows are made when they are asked for.

    Args:
        ring: the ids that rows are cut out of; after the last comes the first.
        shape: (K N, T).
        N, S: rows of a batch, and from the start of one to the start of the next.
    """

    reads_rows, ndim = True, 2  # what fit wants to know: see checks.samples

    def __init__(self, ring: np.ndarray, shape: tuple[int, int], N: int, S: int) -> None:
        self.shape, self.size, self.dtype = shape, shape[0] * shape[1], ring.dtype
        self._ring, self._N, self._S, self.min, self.max = ring, N, S, ring.min, ring.max

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: int | slice | np.ndarray) -> np.ndarray:
        """As of an array. The numbers of rows may be small integers, or negative ones, which one cannot count on."""
        numbers = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else np.arange(len(self))[rows]
        k, n = np.divmod(numbers, self._N)
        starts = n * self._S + k * self.shape[1]
        return self._ring[(starts[..., None] + np.arange(self.shape[1])) % len(self._ring)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = np.empty(self.shape, self.dtype if dtype is None else dtype)
        rows = max(1, PIECE // self.shape[1])  # the places of all would take 16 times the memory of the array
        for start in range(0, len(self), rows):
            array[start : start + rows] = self[start : start + rows]
        return array


def _require_fitting(ids: np.ndarray, length: int, step: int) -> tuple[np.ndarray, int, int]:
    """ids, length and step, checked: at least one window fits."""
    if isinstance(ids, str):
        raise TypeError("ids: expected integers, got a str: use vocabulary.encode(text), see Vocabulary.from_text")
    ids = numbers("ids", ids)
    length = require_whole("length", length)
    step = require_whole("step", step)
    if ids.ndim != 1:
        raise ValueError(f"ids: expected shape (L,), got {ids.shape}")
    if len(ids) <= length:
        raise ValueError(
            f"ids: expected at least {length + 1} for a window of length {length} and the next id to predict, got "
            f"{len(ids)}: use a smaller length"
        )
    if ids.dtype.kind not in "iu":
        raise TypeError(f"ids: expected integers, got {ids.dtype}: use Vocabulary.encode")
    return ids, length, step
