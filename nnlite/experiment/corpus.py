"""What a model learns to write like: the sonnets, or a text of the user's own."""

import functools
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from nnlite.text import clean_sonnets, landmarks, poems, read_text, split_poems, split_text

from .folder import ExperimentError

HELD_OUT = 16  # sonnets at the end, to judge by
SEED_TEXT = "shall i compare thee to a summer's day?\n"
COPY = "text.txt"  # of the user's own text, in the run folder


@dataclass(frozen=True)
class Corpus:
    """A text, and how it is used. The sonnets are `Corpus()`, a text in a file is `Corpus.from_file`.

    Args:
        text: all of it, as the model reads it.
        file: the name of the file that it came from; None for the sonnets.

    Example:
        >>> from nnlite.experiment import Corpus
        >>> corpus = Corpus()
        >>> corpus.title, [len(part) for part in corpus.split(length=40)]
        ("Shakespeare's sonnets", [84504, 9688])
        >>> Corpus("to be, or not to be. " * 30, file="hamlet.txt").seed_text(length=40)
        'to be, or not to be. to be, or not to be'
    """

    text: str = field(default_factory=clean_sonnets, repr=False)
    file: str | None = None

    @classmethod
    def from_file(cls, path):
        """A text in a file of any name, in UTF-8; see `nnlite.text.read_text`, also for what it raises."""
        return cls(read_text(path), Path(path).name)

    @property
    def title(self):
        return self.file or "Shakespeare's sonnets"

    @property
    def name(self):
        """What a run folder is called after."""
        return "sonnets" if self.file is None else Path(self.file.lstrip(".")).stem or "text"

    @functools.cached_property
    def landmarks(self):
        """What simple models lose on it."""
        return landmarks(self.text)

    @property
    def sha256(self):
        """Of the text as `restore` finds it in the run folder: `sha256sum text.txt` gives the same."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def split(self, length):
        """Return (training, validation), where either holds at least one window of `length` characters.

        Raises:
            ValueError: the text is too short for that, or has no two different characters.
        """
        if self.file is None:
            return split_poems(held_out=HELD_OUT)
        try:
            parts = split_text(self.text, smallest=length + 1)
        except ValueError as error:
            raise ValueError(f"{self.file}: {error}") from None
        if len(set(self.text)) < 2:
            raise ValueError(f"{self.file}: all characters of the text are {self.text[0]!r}: there is nothing to learn")
        return parts

    def seed_text(self, length):
        """What a model reads before it writes a poem: of a text of the user's own, the first line that is held out."""
        if self.file is None:
            return SEED_TEXT
        _, validation = self.split(length)
        line, end, _ = validation.lstrip("\n").partition("\n")
        return (line + end)[:length]

    def describe(self, length):
        """How much there is to learn from, in words."""
        training, validation = self.split(length)
        if self.file is None:
            return f"{len(poems()) - HELD_OUT} to learn from, and {HELD_OUT} to judge by"
        return f"{len(training):,} characters to learn from, and {len(validation):,} to judge by"

    # In the run folder.

    def copies(self):
        """The files that the run folder keeps of it: name and bytes of each."""
        return {} if self.file is None else {COPY: self.text.encode()}

    def facts(self):
        """What config.json says of it."""
        if self.file is None:
            return {}
        return {"text": {"file": self.file, "characters": len(self.text), "sha256": self.sha256}}

    @classmethod
    def restore(cls, folder, facts):
        """The corpus of a run.

        Raises:
            ExperimentError: the copy of the text is gone, or is not what was learned from.
        """
        if "text" not in facts:
            return cls()
        path = Path(folder, COPY)
        if not cls.is_copy(path, facts):
            what = "was changed" if path.exists() else "is gone"
            raise ExperimentError(
                f"{path}, the text that this run learns from, {what}: put back the file with the SHA-256 "
                f"{facts['text']['sha256']}, or start another run"
            )
        return cls(path.read_bytes().decode(), str(facts["text"]["file"]))

    @staticmethod
    def is_copy(path, facts):
        """Whether a file is the copy that a run with these facts keeps of its text."""
        text = facts.get("text")
        if not isinstance(text, dict) or not path.is_file():  # a pipe would be waited for
            return False
        return hashlib.sha256(path.read_bytes()).hexdigest() == text.get("sha256")
