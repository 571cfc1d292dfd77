"""The vocabulary: characters to integers and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["Vocabulary"]


class Vocabulary:
    """A one-to-one map between V characters and the integers 0 .. V - 1.

    A vocabulary never changes: a model is trained for one and means nothing without it, so the two are saved together
    (`get_config`, `from_config`).

    Args:
        characters: V different characters; the place of each one is its id. `from_text` collects them from a text.

    Raises:
        TypeError: characters is not a str.
        ValueError: characters is empty, or has one of them twice.

    Example:
        >>> from nnlite.text import Vocabulary
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
        """The vocabulary of a text: every character in it, sorted by code point.

        Raises:
            TypeError: text is not a str.
            ValueError: text is empty.
        """
        _require_str("text", text)
        if not text:
            raise ValueError("text is empty: there is no character to make a vocabulary of")
        return cls("".join(sorted(set(text))))

    @property
    def characters(self) -> str:
        """All characters; the one with id `i` is `characters[i]`."""
        return self._characters

    def encode(self, text: str, unknown: str = "error") -> np.ndarray:
        """The ids of a text: int64, of shape (L,) for L characters.

        Args:
            text: of any length, also empty.
            unknown: what to do with characters that the vocabulary does not have: "error", or "skip" to leave them out.

        Raises:
            TypeError: text is not a str.
            ValueError: the vocabulary does not have a character; the message names the first, and where it stands.
        """
        _require_str("text", text)
        if unknown not in ("error", "skip"):
            raise ValueError(f"unknown must be 'error' or 'skip', got {unknown!r}")
        if unknown == "skip":
            text = "".join(filter(self._ids.__contains__, text))
        try:
            return np.fromiter(map(self._ids.__getitem__, text), np.int64, len(text))
        except KeyError:
            raise ValueError(self._explain_unknown(text)) from None

    def decode(self, ids: np.ndarray | Sequence[int]) -> str:
        """The text of ids: integers of any dtype, of shape (L,), or a sequence of ints.

        Raises:
            TypeError: ids are not integers.
            ValueError: ids have not one dimension.
            IndexError: an id is not in 0 .. V - 1; the message names the first, and where it stands.
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
                f"id {ids[position]} at position {position} is outside this vocabulary of {len(self)} characters "
                f"(ids 0 to {len(self) - 1})"
            )
        return "".join(map(self._characters.__getitem__, ids.tolist()))

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make this vocabulary again, as JSON can write it."""
        return {"characters": self._characters}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Vocabulary:
        """The vocabulary that `get_config` describes."""
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
            remedy = "replace it, leave it out (unknown='skip'), or make the vocabulary from a text that has it"
        return (
            f"unknown character {character!r} (U+{ord(character):04X}) at position {position} (line {line}, in "
            f"{around!r}): {remedy}. This vocabulary has {len(self)} characters: {self._characters!r}"
        )


def _require_str(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, got {type(value).__name__}")
