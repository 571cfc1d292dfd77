"""The vocabulary: characters to integers and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["Vocabulary"]


class Vocabulary:
    """A one-to-one map between V characters and the integers 0 ... V-1.

    `characters` is a str of V different characters; the place of each one is its id.
    `Vocabulary.from_text` collects them from a text. A vocabulary never changes: a model is
    trained for one and means nothing without it, so the two are saved together (`get_config`,
    `from_config`).

    >>> vocabulary = Vocabulary.from_text("to be, or not to be")
    >>> len(vocabulary), "b" in vocabulary
    (8, True)
    >>> vocabulary.encode("be to")
    array([2, 3, 0, 7, 5])
    >>> vocabulary.decode([2, 3, 0, 7, 5])
    'be to'
    """

    __slots__ = ("_characters", "_ids")

    def __init__(self, characters: str) -> None:
        _require_str("characters", characters)
        if not characters:
            raise ValueError("characters is empty: a vocabulary needs at least one")
        self._characters = characters
        self._ids = {character: i for i, character in enumerate(characters)}
        for i, character in enumerate(characters):
            if self._ids[character] != i:
                raise ValueError(f"characters must differ, but {character!r} comes twice")

    @classmethod
    def from_text(cls, text: str) -> Vocabulary:
        """Return the vocabulary of a text: every character in it, sorted by code point."""
        _require_str("text", text)
        if not text:
            raise ValueError("text is empty: there is no character to make a vocabulary of")
        return cls("".join(sorted(set(text))))

    @property
    def characters(self) -> str:
        """All characters; the one with id `i` is `characters[i]`."""
        return self._characters

    def encode(self, text: str) -> np.ndarray:
        """Return the ids of a text: int64, shape `(len(text),)`.

        ValueError at the first character that the vocabulary does not have.
        """
        _require_str("text", text)
        try:
            return np.fromiter(map(self._ids.__getitem__, text), np.int64, len(text))
        except KeyError:
            raise ValueError(self._explain_unknown(text)) from None

    def decode(self, ids: np.ndarray | Sequence[int]) -> str:
        """Return the text of ids: integers of any dtype, shape `(L,)`, or a sequence of ints.

        IndexError at the first id outside 0 ... V-1; TypeError where ids are not integers.
        """
        ids = np.asarray(ids)
        if ids.ndim != 1:
            raise ValueError(f"ids must have one dimension, got shape {ids.shape}")
        if not ids.size:  # an empty list becomes an array of floats
            return ""
        if ids.dtype.kind not in "iu":
            raise TypeError(f"ids must be integers, got dtype {ids.dtype}")
        # Without this a negative id would be counted from the end.
        outside = (ids < 0) | (ids >= len(self))
        if outside.any():
            position = int(outside.argmax())
            raise IndexError(
                f"id {ids[position]} at position {position} is outside this vocabulary of "
                f"{len(self)} characters (ids 0 to {len(self) - 1})"
            )
        return "".join(map(self._characters.__getitem__, ids.tolist()))

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to make this vocabulary again, in JSON's types."""
        return {"characters": self._characters}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Vocabulary:
        """Return the vocabulary that `get_config` described."""
        return cls(**config)

    def __len__(self) -> int:
        return len(self._characters)

    def __contains__(self, character: object) -> bool:
        return character in self._ids

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return self._characters == other._characters

    def __hash__(self) -> int:
        return hash((Vocabulary, self._characters))

    def __repr__(self) -> str:
        return f"Vocabulary({self._characters!r})"

    def _explain_unknown(self, text: str) -> str:
        position, character = next((i, c) for i, c in enumerate(text) if c not in self._ids)
        line = text.count("\n", 0, position) + 1
        around = text[max(0, position - 10) : position + 11]
        if character.lower() in self._ids:
            remedy = "put the text in lower case first, as clean_sonnets does"
        else:
            remedy = "replace it, or make the vocabulary from a text that has it"
        return (
            f"unknown character {character!r} (U+{ord(character):04X}) at position {position} "
            f"(line {line}, in {around!r}): {remedy}. "
            f"This vocabulary has {len(self)} characters: {self._characters!r}"
        )


def _require_str(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, got {type(value).__name__}")
