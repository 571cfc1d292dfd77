"""Text in a trace: ids for characters, and characters for ids."""

from typing import Any

import numpy as np

from .. import checks


def encoded(name: str, text: Any, vocabulary: Any) -> tuple[Any, list[str] | None]:
    """The ids (N, T) of one text or of several, and the texts as a list. What is not text is returned with None."""
    if vocabulary is not None and not (hasattr(vocabulary, "decode") and hasattr(vocabulary, "encode")):
        raise TypeError(f"vocabulary: expected a nnlite.text.Vocabulary, got {vocabulary!r}: use the model's")
    is_text = isinstance(text, str) or (isinstance(text, list | tuple) and any(isinstance(line, str) for line in text))
    if not is_text:
        return text, None
    if vocabulary is None:
        raise ValueError(f"{name}: expected ids, got text: give the vocabulary of the model's training, vocabulary=...")
    lines = [text] if isinstance(text, str) else list(text)
    rows = []
    for n, line in enumerate(lines):
        if not isinstance(line, str):
            raise TypeError(f"{name}: expected a str or a list of str, got {type(line).__name__} at {n}: use str(...)")
        if len(line) != len(lines[0]):
            raise ValueError(
                f"{name}: expected texts of one length, got {len(lines[0])} characters at 0 and {len(line)} at {n}: "
                f"cut them, or give ids from nnlite.text.pad_sequences, with lengths"
            )
        try:
            rows.append(vocabulary.encode(line))
        except ValueError as error:
            where = name if len(lines) == 1 else f"{name}[{n}]"
            raise ValueError(f"{where}: {error}") from error
    if not lines[0]:
        raise ValueError(f"{name}: expected at least one character, got an empty text: give a longer one")
    return np.stack(rows), lines


def characters(x: np.ndarray, vocabulary: Any, lengths: np.ndarray | None = None) -> list[str]:
    """The N texts of T characters for ids (N, T), with blanks for padding."""
    if x.dtype.kind not in "iu" or x.ndim != 2:
        got = f"{x.dtype.name} of shape {checks.shape_text(x.shape)}"
        raise ValueError(f"vocabulary: expected x to hold integer ids (N, T), got {got}: leave the vocabulary out")
    N, T = x.shape
    ends = [T] * N if lengths is None else lengths
    return [vocabulary.decode(row[:end]).ljust(T) for row, end in zip(x, ends, strict=True)]
