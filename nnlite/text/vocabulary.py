"""The vocabulary: maps characters to integer ids and back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from nnlite.utils import numbers, takes_config

from .arguments import index_table, indices, require_text

SHOWN = 100  # characters of a vocabulary that a message shows


@dataclass(frozen=True, repr=False)
class Vocabulary:
    """A one-to-one map between V characters and the integers 0 .. V - 1.

    A vocabulary is immutable. A model is useless without the vocabulary it was trained with: with
    `model.vocabulary = vocabulary` one file holds both.

    Args:
        characters: V distinct characters; the id of each is its index. `from_text` collects them from a text.

    Raises:
        ValueError: characters is empty, or contains one twice.

    Example:
        >>> from nnlite.text import Vocabulary
        >>> vocabulary = Vocabulary.from_text("to be, or not to be")
        >>> len(vocabulary), "b" in vocabulary
        (8, True)
        >>> vocabulary.encode("be to")
        array([2, 3, 0, 7, 5], dtype=uint8)
        >>> vocabulary.decode([2, 3, 0, 7, 5])
        'be to'
    """

    characters: str

    def __post_init__(self) -> None:
        require_text("characters", self.characters, least=1)
        for i, character in enumerate(self.characters):
            if self._ids[character] != i:
                raise ValueError(
                    f"characters: expected distinct characters, got {character!r} twice: for the characters of a text, "
                    f"use Vocabulary.from_text(text)"
                )

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The vocabulary of a text: every character in it, sorted by code point. ValueError if it is empty."""
        return cls("".join(sorted(set(require_text("text", text, least=1)))))

    @cached_property
    def _ids(self):
        return {character: i for i, character in enumerate(self.characters)}

    @cached_property
    def _table(self):
        return index_table(self.characters)

    @property
    def smallest_dtype(self) -> np.dtype:
        """The smallest dtype that holds the ids: uint8 up to 256 characters, then uint16, then uint32."""
        return np.min_scalar_type(len(self) - 1)

    def encode(self, text: str, unknown: str = "error", dtype: DTypeLike | None = None) -> np.ndarray:
        """The ids of a text: (L,) for L characters.

        Models take them in any dtype, and in the smallest a text of up to 256 different characters takes a byte for
        each. Do not calculate with such ids: in uint8, 200 + 100 is 44. For that use dtype="int64".

        Args:
            text: any length, including 0.
            unknown: how to treat characters that are not in the vocabulary: "error" or "skip".
            dtype: of the ids, integers that can hold V - 1; by default `smallest_dtype`.

        Raises:
            ValueError: a character is not in the vocabulary; the message names the first and its position. Or dtype is
                too small.
        """
        require_text("text", text)
        if not isinstance(unknown, str) or unknown not in ("error", "skip"):
            raise ValueError(f"unknown: expected 'error' or 'skip', got {unknown!r}")
        try:
            dtype = np.dtype(self.smallest_dtype if dtype is None else dtype)
        except (TypeError, ValueError):  # NumPy's message names no argument
            raise TypeError(f"dtype: expected a dtype of integers, such as 'int64', got {dtype!r:.200}") from None
        if dtype.kind not in "iu" or np.iinfo(dtype).max < len(self) - 1:
            raise ValueError(
                f"dtype: expected integers that can hold {len(self) - 1}, got {dtype}: use smallest_dtype, or int64"
            )
        ids, end = np.empty(len(text), dtype), 0
        for found in indices(text, self._table):
            known = found < len(self)
            if unknown == "error" and not known.all():
                raise ValueError(self._unknown_message(text))
            start, end = end, end + int(np.count_nonzero(known))
            ids[start:end] = found[known]
        return ids[:end]

    def decode(self, ids: np.ndarray | Sequence[int]) -> str:
        """The text of ids, an (L,) array of integers or a sequence of ints.

        Raises:
            TypeError: ids are not integers.
            ValueError: ids do not have one axis.
            IndexError: an id is not in 0 .. V - 1; the message names the first and its position.
        """
        ids = numbers("ids", ids)
        if ids.ndim != 1:
            raise ValueError(f"ids: expected shape (L,), got {ids.shape}")
        if not ids.size:  # an empty list becomes a float array
            return ""
        if ids.dtype.kind not in "iu":
            raise TypeError(f"ids: expected integers, got {ids.dtype}")
        # Otherwise a negative id would count from the end.
        outside = (ids < 0) | (ids >= len(self))
        if outside.any():
            position = int(outside.argmax())
            raise IndexError(f"ids: expected ids in 0 .. {len(self) - 1}, got {ids[position]} at position {position}")
        return "".join(map(self.characters.__getitem__, ids.tolist()))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON values: a list, where JSON would make one character of two halves."""
        has_pairs = re.search("[\ud800-\udbff][\udc00-\udfff]", self.characters)
        return {"characters": list(self.characters) if has_pairs else self.characters}

    @classmethod
    @takes_config("characters")
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The vocabulary that `get_config` describes."""
        characters = config.get("characters")
        if isinstance(characters, list) and all(isinstance(one, str) for one in characters):
            config = {**config, "characters": "".join(characters)}
        return cls(**config)

    def __len__(self) -> int:
        return len(self.characters)

    def __contains__(self, character: object) -> bool:
        return character in self._ids

    def __repr__(self) -> str:
        return f"Vocabulary({self.characters!r})"

    def _unknown_message(self, text: str) -> str:
        position, character = next((i, c) for i, c in enumerate(text) if c not in self._ids)
        line = text.count("\n", 0, position) + 1
        around = text[max(0, position - 10) : position + 11]
        if character.lower() in self._ids:
            remedy = "convert the text to lower case first, as clean_sonnets does"
        else:
            remedy = "replace it, skip it (unknown='skip'), or build the vocabulary from a text that contains it"
        shown = repr(self.characters[:SHOWN]) + " ..." * (len(self) > SHOWN)
        return (
            f"text: expected characters of the vocabulary, got {character!r} (U+{ord(character):04X}) at position "
            f"{position} (line {line}, in {around!r}): {remedy}. The vocabulary's {len(self)} characters are {shown}"
        )
