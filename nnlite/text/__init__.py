"""Text: corpus, vocabulary, training windows, generation and text statistics.

All functions raise a TypeError for an argument of another type, such as a text that is not a str.

Example:
    >>> from nnlite.text import Vocabulary, clean_sonnets, split_poems, windows
    >>> vocabulary = Vocabulary.from_text(clean_sonnets())
    >>> training, validation = split_poems()
    >>> x, y = windows(vocabulary.encode(training), length=40, step=20)
    >>> x.shape, vocabulary.decode(x[0]), vocabulary.decode(y[0])
    ((4224, 40), 'from fairest creatures we desire increas', 'rom fairest creatures we desire increase')
"""

from nnlite.utils import getter

from .baselines import Landmarks, landmarks
from .corpus import clean_sonnets, load_sonnets, poems, split_poems
from .excerpt import Excerpt
from .files import read_text, split_text
from .generate import generate
from .graphemes import split_graphemes
from .lines import lines, pad_sequences
from .memorization import Copy, copied_share, longest_copy
from .pretrained import pretrained_model
from .statistics import (
    TextStatistics,
    character_frequencies,
    expected_total_variation,
    line_lengths,
    text_statistics,
    total_variation,
    words,
)
from .temperature import (
    NextCharacter,
    NextCharacters,
    TemperatureSample,
    TemperatureSamples,
    compare_temperatures,
    next_characters,
)
from .vocabulary import Vocabulary
from .windows import columns, windows

__all__ = ["Copy", "Excerpt", "Landmarks", "NextCharacter", "NextCharacters", "TemperatureSample", "TemperatureSamples"]
__all__ += ["TextStatistics", "Vocabulary", "character_frequencies", "clean_sonnets", "columns", "compare_temperatures"]
__all__ += ["copied_share", "expected_total_variation", "generate", "landmarks", "line_lengths", "lines"]
__all__ += ["load_sonnets", "longest_copy", "next_characters", "pad_sequences", "poems", "pretrained_model"]
__all__ += [
    "read_text",
    "split_graphemes",
    "split_poems",
    "split_text",
    "text_statistics",
    "total_variation",
    "windows",
    "words",
]

__getattr__ = getter(__name__, __all__)
