"""What the experiments share in which a model learns to write like a corpus."""

from nnlite.text import Vocabulary

from .corpus import COPY, Corpus
from .folder import Experiment


class Writer(Experiment):
    """Base of such experiments: the corpus, its vocabulary and its landmarks, and what the run folder keeps of them.

    Args:
        folder: where everything is kept; made by `create`.
        settings: by default those of the class; `length` is that of the windows.
        corpus: what to learn from; by default the sonnets.
    """

    def __init__(self, folder, settings=None, corpus=None):
        super().__init__(folder, settings)
        self._learn_from(corpus or Corpus())

    def _learn_from(self, corpus):
        self.corpus, self.vocabulary = corpus, Vocabulary.from_text(corpus.text)

    @property
    def landmarks(self):
        """What simple models lose on the corpus: a scale for losses."""
        return self.corpus.landmarks

    @property
    def seed_text(self):
        """What a model reads before it writes."""
        return self.corpus.seed_text(self.settings.length)

    def copies(self):
        return self.corpus.copies()

    def kept(self, config):
        # Beside a run on the sonnets a text of that name is the user's.
        return [name for name in super().kept(config) if name != COPY or "text" in config]

    def is_own(self, path, config):
        return Corpus.is_copy(path, config) if path.name == COPY else super().is_own(path, config)

    def facts(self):
        return {"vocabulary": self.vocabulary.get_config(), **self.corpus.facts()}

    def restore(self, facts):
        self._learn_from(Corpus.restore(self.folder, facts))
        self.vocabulary = Vocabulary.from_config(facts["vocabulary"])
