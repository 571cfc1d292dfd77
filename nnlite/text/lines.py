"""Lines of verse as sequences, each as long as it is: for a recurrent network that begins anew with every line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .vocabulary import Vocabulary

__all__ = ["lines", "pad_sequences"]


def lines(text: str, vocabulary: Vocabulary) -> list[np.ndarray]:
    """The lines of a text as ids, each from the line break before it to the one that ends it.

    A model that is to write lines learns from the break how a line begins, and from every character what comes next: of
    a line's ids, x is all but the last one, and y all but the first. It learns single lines: where `generate` goes on
    after a line break, the model carries over a state that it never practised with. `windows` teach whole texts.

    Args:
        text: such as `clean_sonnets()`. Blank lines are left out.
        vocabulary: has the text's characters, and the line break.

    Returns:
        An array for each line, int64, of shape (2 + number of characters,).

    Raises:
        TypeError: text is not a str.
        ValueError: the vocabulary lacks a character; the message names it.

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
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, got {type(text).__name__}")
    return [vocabulary.encode(f"\n{line}\n") for line in text.splitlines() if line.strip()]


def pad_sequences(sequences: Sequence[np.ndarray], value: float = 0) -> tuple[np.ndarray, np.ndarray]:
    """Put sequences of unequal length into one array, each filled up at its end, and say how long each one is.

        x[n, t] = sequences[n][t] for t < lengths[n], and value for t = lengths[n] .. T - 1, with T the greatest length

    Letters: N sequences, T time. A sequence is (T_n,), such as ids, or (T_n, F); x is (N, T) or (N, T, F).

    With `lengths`, nnlite's models never look at what was filled in, so there is no need for an id that stands for
    nothing. (Keras has the same function, but fills up at the beginning by default, and returns x alone.)

    Args:
        sequences: N arrays, or lists, that differ in their first size alone. Sequences without a step are allowed.
        value: what to fill up with.

    Returns:
        (x, lengths): x of the sequences' common dtype; lengths (N,) of int64.

    Raises:
        TypeError: sequences are not a list of such sequences, or a list of numbers, or value is not of their dtype.
        ValueError: no sequences, nothing but empty ones, or of shapes that do not fit together.

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
        raise TypeError(f"sequences must be a list of arrays, got {type(sequences).__name__}")
    arrays = [_sequence(n, sequence) for n, sequence in enumerate(sequences)]
    full = [(n, array) for n, array in enumerate(arrays) if len(array)]
    if not full:
        raise ValueError("sequences must hold one at least that has a step")
    first, features = full[0][0], full[0][1].shape[1:]
    for n, array in full:
        if array.shape[1:] != features:
            raise ValueError(
                f"sequences must differ in their first size alone, but sequences[{first}] has shape "
                f"{full[0][1].shape} and sequences[{n}] {array.shape}"
            )
    # An empty list becomes an array of floats, which is to turn no ids into floats.
    dtype = np.result_type(*{array.dtype for _, array in full})
    if not np.can_cast(np.min_scalar_type(value), dtype, "same_kind"):
        raise TypeError(f"value must be one of the sequences' {dtype.name}, got {value!r}")
    lengths = np.array([len(array) for array in arrays])
    x = np.full((len(arrays), lengths.max(), *features), value, dtype)
    for row, array in zip(x, arrays, strict=True):
        if len(array):
            row[: len(array)] = array
    return x, lengths


def _sequence(n: int, sequence: np.ndarray | Sequence) -> np.ndarray:
    array = np.asarray(sequence)
    if array.dtype.kind not in "iuf" or array.ndim == 0:
        what = "a single number" if array.ndim == 0 else f"dtype {array.dtype}"
        raise TypeError(f"sequences[{n}] must be an array of numbers, one or a row of them for each step, got {what}")
    return array
