"""Base class of the experiments that learn to write like a corpus."""

import functools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nnlite import CheckpointError, Sequential
from nnlite.text import Excerpt, Landmarks, Vocabulary, generate

from .corpus import COPY, Corpus
from .folder import Experiment


class Writer(Experiment):
    """Base of experiments on text: the corpus, its vocabulary, and their copies in the run folder."""

    def __init__(self, folder: str | os.PathLike, settings: Any = None, corpus: Corpus | None = None) -> None:
        super().__init__(folder, settings)
        self._learn_from(corpus or Corpus())

    def _learn_from(self, corpus):
        self.corpus, self.vocabulary = corpus, Vocabulary.from_text(corpus.text)

    @property
    def landmarks(self) -> Landmarks:
        """Losses of simple models on the corpus: a scale for losses."""
        return self.corpus.landmarks

    @functools.cached_property
    def cut(self) -> int:
        """Where the corpus is cut in two: corpus and settings of a run stay the same."""
        return self.corpus.cut(self.settings.length)

    @property
    def parts(self) -> tuple[Excerpt, str]:
        """The corpus, cut in two: what to train on, of which no copy is made, and the held-out text."""
        return Excerpt(self.corpus.text, end=self.cut), self.corpus.text[self.cut :]

    @property
    def description(self) -> str:
        """The size of both parts, in words."""
        return self.corpus.describe(self.cut)

    @property
    def seed_text(self) -> str:
        """The text that the model reads before it writes."""
        return self.corpus.seed_text(self.corpus.text[self.cut :], self.settings.length)

    def saved_model(self) -> Sequential:
        model = super().saved_model()
        require_writing(self.folder, model, self.vocabulary)
        return model

    def copies(self) -> dict[str, Iterable[bytes]]:
        return self.corpus.copies()

    def kept(self, config: dict[str, Any]) -> list[str]:
        # In the folder of a run on the sonnets, text.txt is a file of the user's.
        return [name for name in super().kept(config) if name != COPY or "text" in config]

    def is_own(self, path: Path, config: dict[str, Any]) -> bool:
        return Corpus.is_copy(path, config) if path.name == COPY else super().is_own(path, config)

    def facts(self) -> dict[str, Any]:
        return {"vocabulary": self.vocabulary.get_config(), **self.corpus.facts()}

    def restore(self, facts: dict[str, Any]) -> None:
        self._learn_from(Corpus.restore(self.folder, facts))
        self.vocabulary = Vocabulary.from_config(facts["vocabulary"])
        self.vocabulary.characters.encode()  # a surrogate, which no text has, could not be printed


def require_writing(where: Path, model: Sequential, vocabulary: Vocabulary) -> None:
    """Let a model write a character: a file may come from anyone.

    Raises:
        CheckpointError: it cannot, such as one that does not read all ids, or whose layers take no single steps.
    """
    try:
        generate(model, vocabulary, vocabulary.characters[-1], 1)
    except (IndexError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{where}: its model cannot write a character at a time: {error}") from error
