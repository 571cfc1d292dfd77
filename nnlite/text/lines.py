"""Lines of verse as sequences of different lengths, each starting from a zero state."""

from collections.abc import Sequence

import numpy as np

from nnlite.utils import kinds_of, numbers, require

from .arguments import require_text
from .vocabulary import Vocabulary


@kinds_of("vocabulary")
def lines(text: str, vocabulary: Vocabulary) -> list[np.ndarray]:
    """The lines of a text as ids, each including the line breaks before and after it: int64, (2 + characters,).

    The first break teaches a model how lines begin. Of a line's ids, x is all but the last and y all but the first.
    The model learns single lines: if `generate` continues after a line break, it does so from a state that never
    occurred in training. Use `windows` to train on whole texts.

    Args:
        text: such as `clean_sonnets()`. Blank lines are skipped.
        vocabulary: must contain the text's characters and the line break.

    Raises:
        ValueError: a character is not in the vocabulary; the message names it.

    Example:
        >>> from nnlite import LSTM, Adam, Dense, Sequential, SparseCategoricalCrossentropy
        >>> from nnlite.text import Vocabulary, clean_sonnets, lines, pad_sequences
        >>> text = clean_sonnets()
        >>> vocabulary = Vocabulary.from_text(text)
        >>> verses = lines(text, vocabulary)
        >>> len(verses), vocabulary.decode(verses[0])
        (2155, '\\nfrom fairest creatures we desire increase,\\n')
        >>> x, lengths = pad_sequences([verse[:-1] for verse in verses])
        >>> y, _ = pad_sequences([verse[1:] for verse in verses])
        >>> x.shape, lengths[:3]
        ((2155, 62), array([43, 44, 41]))
        >>> V = len(vocabulary)
        >>> model = Sequential([LSTM(32, return_sequences=True, input_dim=V), Dense(V)], seed=0)
        >>> model.compile(Adam(0.01), SparseCategoricalCrossentropy(from_logits=True))
        >>> history = model.fit(x[:256], y[:256], lengths=lengths[:256], epochs=3, verbose=0).history
        >>> history["loss"][-1] < 3 < history["loss"][0]
        True
    """
    return [vocabulary.encode(f"\n{line}\n") for line in require_text("text", text).splitlines() if line.strip()]


def pad_sequences(sequences: Sequence[np.ndarray], value: float = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pad sequences of different lengths at their ends into one array, and return their lengths.

        x[n, t] = sequences[n][t] for t < lengths[n], and value for t = lengths[n] .. T - 1, with T the largest length

    N sequences, T time. A sequence is (T_n,), such as ids, or (T_n, F). x is (N, T) or (N, T, F), of the sequences'
    common dtype, or for ids one that holds value, too; lengths is (N,) of int64.

    Given `lengths`, models ignore the padding, so no padding id is needed. (Keras has the same function, but pads at
    the start by default and returns only x.)

    Args:
        sequences: N arrays or lists that may differ only in their first size. They may be empty.
        value: the padding value.

    Raises:
        TypeError: sequences is not a list of arrays of numbers, or value does not fit their dtype.
        ValueError: no sequences, only empty ones, or shapes that do not match.

    Example:
        >>> from nnlite.text import pad_sequences
        >>> x, lengths = pad_sequences([[3, 1, 2], [7], [5, 5]])
        >>> x
        array([[3, 1, 2],
               [7, 0, 0],
               [5, 5, 0]])
        >>> lengths
        array([3, 1, 2])
    """
    if isinstance(sequences, str) or not isinstance(sequences, Sequence | np.ndarray):
        raise TypeError(f"sequences: expected a list of arrays, got {type(sequences).__name__}")
    require("value", value, "float")
    if getattr(sequences, "ndim", 1) == 0:
        raise TypeError("sequences: expected a list of arrays, got a single number")
    arrays = [_sequence(n, sequence) for n, sequence in enumerate(sequences)]
    full = [(n, array) for n, array in enumerate(arrays) if len(array)]
    if not full:
        raise ValueError("sequences: expected at least one with a step, got none")
    first, features = full[0][0], full[0][1].shape[1:]
    for n, array in full:
        if array.shape[1:] != features:
            raise ValueError(
                f"sequences: expected shapes that differ only in their first size, got {full[0][1].shape} at "
                f"sequences[{first}] and {array.shape} at sequences[{n}]"
            )
    # An empty list becomes a float array, which must not turn ids into floats.
    dtype, of_value = np.result_type(*{array.dtype for _, array in full}), np.min_scalar_type(value)
    wider = np.result_type(dtype, of_value)
    dtype = wider if wider.kind in "iu" else dtype  # of small ids and -1, one that holds both
    is_too_large = dtype.kind in "iu" and not isinstance(value, float) and value > np.iinfo(dtype).max
    if not np.can_cast(of_value, dtype, "same_kind") or is_too_large:
        raise TypeError(f"value: expected one that fits the sequences' {dtype.name}, got {value!r}")
    lengths = np.array([len(array) for array in arrays])
    x = np.full((len(arrays), lengths.max(), *features), value, dtype)
    for n, array in full:
        x[n, : len(array)] = array
    return x, lengths


def _sequence(n: int, sequence: np.ndarray | Sequence) -> np.ndarray:
    array = numbers(f"sequences[{n}]", sequence)
    if array.dtype.kind not in "iuf" or array.ndim == 0:
        what = "a single number" if array.ndim == 0 else f"dtype {array.dtype}"
        raise TypeError(f"sequences[{n}]: expected an array of numbers, (T,) or (T, F), got {what}")
    return array
