"""Training texts: the sonnets, or a text of the user's own."""

import functools
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from nnlite.saving import states
from nnlite.saving.regular_file import open_regular
from nnlite.text import Landmarks, clean_sonnets, landmarks, poems, read_text, split_poems
from nnlite.text.files import file_name, place_to_split

from .folder import ExperimentError

HELD_OUT = 16  # the last sonnets, for validation
SEED_TEXT = "shall i compare thee to a summer's day?\n"
COPY = "text.txt"  # copy of the user's own text in the run folder
PIECE = 2**18  # characters of it that are encoded together


class Parts(NamedTuple):
    """A text cut in two: one part to train on, the other for validation."""

    training: str
    held_out: str


@dataclass(frozen=True)
class Corpus:
    """A text to learn from: `Corpus()` for the sonnets, `Corpus.from_file(path)` for a file.

    Args:
        text: the whole text, as the model reads it.
        file: name of its file; None for the sonnets.

    Example:
        >>> from nnlite.experiment import Corpus
        >>> corpus = Corpus()
        >>> corpus.title, [len(part) for part in corpus.split(length=40)]
        ("Shakespeare's sonnets", [84504, 9688])
        >>> corpus = Corpus("to be, or not to be. " * 30, file="hamlet.txt")
        >>> corpus.seed_text(corpus.split(length=40).held_out, length=40)
        'to be, or not to be. to be, or not to be'
    """

    text: str = field(default_factory=clean_sonnets, repr=False)
    file: str | None = None

    @classmethod
    def from_file(cls, path: str | os.PathLike, encoding: str = "utf-8") -> Self:
        """Read a text file; arguments and errors are those of `nnlite.text.read_text`."""
        return cls(read_text(path, encoding), file_name(path))

    @property
    def title(self) -> str:
        """The file's name, or that of the sonnets."""
        return self.file or "Shakespeare's sonnets"

    @property
    def name(self) -> str:
        """Default name of a run folder."""
        return "sonnets" if self.file is None else Path(self.file.lstrip(".")).stem or "text"

    @functools.cached_property
    def landmarks(self) -> Landmarks:
        """Losses of simple models on the text."""
        return landmarks(self.text)

    @property
    def sha256(self) -> str:
        """SHA-256 of the copy in the run folder, as `sha256sum text.txt` prints it."""
        digest = hashlib.sha256()
        for part in self._encoded():
            digest.update(part)
        return digest.hexdigest()

    def _encoded(self):
        """The bytes of the copy, part by part: all of them would take as much memory as the text."""
        return (self.text[start : start + PIECE].encode() for start in range(0, len(self.text), PIECE))

    def split(self, length: int) -> Parts:
        """The text in two parts, each with at least one window of `length` characters: copies, as large as the text."""
        cut = self.cut(length)
        return Parts(self.text[:cut], self.text[cut:])

    def cut(self, length: int) -> int:
        """Where the text is cut into these parts.

        Raises:
            ValueError: the text is too short, or repeats a single character.
        """
        if self.file is None:
            return len(split_poems(held_out=HELD_OUT)[0])
        try:
            cut = place_to_split(self.text, smallest=length + 1)
        except ValueError as error:
            raise ValueError(f"{self.file}: {error}") from None
        self.require_two_characters()
        return cut

    def require_two_characters(self) -> None:
        """Refuse a text that repeats a single character."""
        if len(set(self.text)) < 2:
            raise ValueError(f"{self.file}: all characters of the text are {self.text[0]!r}: there is nothing to learn")

    def seed_text(self, held_out: str, length: int) -> str:
        """The text that a model reads before it writes: in a text of the user's own, the first held-out line."""
        if self.file is None:
            return SEED_TEXT
        line, end, _ = held_out.lstrip("\n").partition("\n")
        return (line + end)[:length]

    def describe(self, cut: int) -> str:
        """The size of both parts, the first of so many characters, in words."""
        if self.file is None:
            return f"{len(poems()) - HELD_OUT} poems for training and {HELD_OUT} for validation"
        return f"{cut:,} characters for training and {len(self.text) - cut:,} for validation"

    # In the run folder.

    def copies(self) -> dict[str, Iterable[bytes]]:
        """Files for the run folder: contents by file name."""
        return {} if self.file is None else {COPY: self._encoded()}

    def facts(self) -> dict[str, Any]:
        """Entries for config.json."""
        if self.file is None:
            return {}
        return {"text": {"file": self.file, "characters": len(self.text), "sha256": self.sha256}}

    @classmethod
    def restore(cls, folder: str | os.PathLike, facts: dict[str, Any]) -> Self:
        """The corpus of a run, given its folder and config.json.

        Raises:
            ExperimentError: the copy of the text is missing or was changed.
        """
        if "text" not in facts:
            return cls()
        path, text = Path(folder, COPY), facts["text"]
        states.mapping("text", text)
        for name in ("file", "sha256"):
            states.text(f"text: {name}", text.get(name))
        if not cls.is_copy(path, facts):
            what = "was changed" if path.exists() else "is gone"
            raise ExperimentError(
                f"{path}, the training text of this run, {what}: put back the file with the SHA-256 "
                f"{states.shown(text['sha256'])}, or start another run"
            )
        return cls(path.read_bytes().decode(), file_name(text["file"]))

    @staticmethod
    def is_copy(path: Path, facts: dict[str, Any]) -> bool:
        """Whether a file is the copy of the text that a config.json describes."""
        text = facts.get("text")
        if not isinstance(text, dict) or not path.is_file():  # reading a pipe would block
            return False
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == text.get("sha256")
