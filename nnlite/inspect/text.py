"""Text for a model: its characters' ids, and the characters for what the model makes of them."""

import numpy as np

from .. import checks


def encoded(name, text, vocabulary):
    """The ids of a text, or of several of one length, (N, T), and the list of them; anything else as it is, and None.

    Args:
        name: of the argument, with which messages begin.

    Raises:
        TypeError: not all of them are text, or the vocabulary is none.
        ValueError: text without a vocabulary, of no or of different lengths, or with a character it does not have.
    """
    if vocabulary is not None and not hasattr(vocabulary, "decode"):
        raise TypeError(f"vocabulary: expected a nnlite.text.Vocabulary, got {vocabulary!r}")
    is_text = isinstance(text, str) or (isinstance(text, list | tuple) and any(isinstance(line, str) for line in text))
    if not is_text:
        return text, None
    if vocabulary is None:
        raise ValueError(f"{name} is text: give the vocabulary that the model was trained with, vocabulary=...")
    lines = [text] if isinstance(text, str) else list(text)
    for n, line in enumerate(lines):
        if not isinstance(line, str):
            raise TypeError(f"{name}: expected a str or a list of str, got {type(line).__name__} at {n}")
        if len(line) != len(lines[0]):
            raise ValueError(
                f"{name}: expected texts of one length, got {len(lines[0])} characters at 0 and {len(line)} at {n}: "
                f"cut them, or give ids of nnlite.text.pad_sequences, with lengths"
            )
    if not lines[0]:
        raise ValueError(f"{name}: the text is empty: there is no step to look at")
    where = [name] if len(lines) == 1 else [f"{name}[{n}]" for n in range(len(lines))]
    return np.stack([_ids(*pair, vocabulary) for pair in zip(where, lines, strict=True)]), lines


def _ids(where, line, vocabulary):
    try:
        return vocabulary.encode(line)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def characters(x, vocabulary, lengths=None):
    """The N texts of T characters that ids (N, T) stand for, with blanks for padding.

    Raises:
        ValueError: x are no ids.
        IndexError: an id that the vocabulary does not have.
    """
    if not isinstance(x, np.ndarray) or x.dtype.kind not in "iu" or x.ndim != 2:
        got = f"{x.dtype.name} of shape {checks.shape_text(x.shape)}" if isinstance(x, np.ndarray) else type(x).__name__
        raise ValueError(f"vocabulary: it names integer ids (N, T), and x is {got}: leave it out")
    N, T = x.shape
    ends = [T] * N if lengths is None else lengths
    return [vocabulary.decode(row[:end]).ljust(T) for row, end in zip(x, ends, strict=True)]
