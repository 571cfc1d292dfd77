"""Text: from the sonnets to the arrays that a model is trained on, and from a model to a poem.

Example:
    >>> from nnlite.text import Vocabulary, clean_sonnets, split_poems, windows
    >>> vocabulary = Vocabulary.from_text(clean_sonnets())
    >>> training, validation = split_poems()
    >>> x, y = windows(vocabulary.encode(training), length=40, step=20)
    >>> x.shape, vocabulary.decode(x[0]), vocabulary.decode(y[0])
    ((4224, 40), 'from fairest creatures we desire increas', 'rom fairest creatures we desire increase')
"""

from .corpus import clean_sonnets, load_sonnets, poems, split_poems
from .generate import generate
from .landmarks import Landmarks, landmarks
from .vocabulary import Vocabulary
from .windows import windows

__all__ = [
    "Landmarks",
    "Vocabulary",
    "clean_sonnets",
    "generate",
    "landmarks",
    "load_sonnets",
    "poems",
    "split_poems",
    "windows",
]
