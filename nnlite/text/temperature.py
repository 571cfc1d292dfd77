"""The effect of temperature on a text and on the next character."""

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

import nnlite
from nnlite.notebook import Shown, Table
from nnlite.utils import kinds_of

from .arguments import drawn, require_whole
from .generate import ids_to_read, write
from .vocabulary import Vocabulary

TEMPERATURES = (1.5, 0.75, 0.25)
BLOCK = 256  # characters whose distributions are computed together


class TemperatureSample(NamedTuple):
    """A text generated at one temperature, returned by `compare_temperatures`.

    Attributes:
        temperature, text: what was generated, and at which temperature.
        entropy: the mean entropy, in nats, of the distributions that the characters were drawn from. An entropy of H
            nats corresponds to a choice between exp(H) equally likely characters. NaN for an empty text.

    Example:
        >>> from nnlite.text import TemperatureSample
        >>> TemperatureSample(temperature=0.25, text="the the the", entropy=0.1).entropy
        0.1
    """

    temperature: float
    text: str
    entropy: float


class NextCharacter(NamedTuple):
    """A possible next character, returned by `next_characters`.

    Attributes:
        character: the character.
        probabilities: its probability at each temperature, 0 to 1.

    Example:
        >>> from nnlite.text import NextCharacter
        >>> NextCharacter("e", probabilities=(0.3, 0.8)).probabilities[0]
        0.3
    """

    character: str
    probabilities: tuple[float, ...]


class TemperatureSamples(Shown, list[TemperatureSample]):
    """The list that `compare_temperatures` returns.

    Example:
        >>> from nnlite.text import TemperatureSample, TemperatureSamples
        >>> TemperatureSamples([TemperatureSample(0.25, "the the the", 0.1), TemperatureSample(1.5, "thy\\nwhe", 1.9)])
        temperature 0.25, entropy 0.10 nats per character
        the the the
        <BLANKLINE>
        temperature 1.5, entropy 1.90 nats per character
        thy
        whe
    """

    def __str__(self) -> str:
        heads = (f"temperature {t:g}, entropy {entropy:.2f} nats per character\n{text}" for t, text, entropy in self)
        return "\n\n".join(heads) or "no temperatures"

    def html(self) -> str:
        if not self:
            return super().html()
        heads = [f"temperature {sample.temperature:g}" for sample in self]
        entropies = [f"entropy {sample.entropy:.2f} nats per character" for sample in self]
        return Table([[sample.text for sample in self]], heads, entropies).html()


class NextCharacters(Shown, list[NextCharacter]):
    """The list that `next_characters` returns.

    Args:
        temperatures: of the probabilities.

    Example:
        >>> from nnlite.text import NextCharacter, NextCharacters
        >>> NextCharacters([NextCharacter("e", (0.3, 0.8)), NextCharacter(" ", (0.2, 0.1))], (1.5, 0.25))
        character  temperature 1.5  temperature 0.25
        'e'                 30.0 %            80.0 %
        ' '                 20.0 %            10.0 %
    """

    def __init__(self, characters: Iterable[NextCharacter] = (), temperatures: Sequence[float] = ()) -> None:
        super().__init__(characters)
        self.temperatures = tuple(temperatures)

    def _table(self):
        rows = [(repr(character), *(f"{100 * p:.1f} %" for p in shares)) for character, shares in self]
        header = ["character", *(f"temperature {temperature:g}" for temperature in self.temperatures)]
        return Table(rows, header, align="l" + "r" * len(self.temperatures))


@kinds_of("temperatures")
def compare_temperatures(
    model: nnlite.Sequential,
    vocabulary: Vocabulary,
    seed: str,
    length: int,
    temperatures: Sequence[float] = TEMPERATURES,
    rng: np.random.Generator | int | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    unknown: str = "error",
) -> TemperatureSamples:
    """Let a model continue a text at several temperatures: one `TemperatureSample` each, with its choices' entropy.

    Each text is the output of `generate` with the same draws, so differences come only from the temperature. The
    entropy of a distribution p is H = -sum_v p_v ln p_v: 0 if the next character is certain, ln V if all are equally
    likely, and 0 at temperature 0. The other arguments, and the errors, are those of `generate`. The list prints as
    the texts, one below the other; a notebook shows them side by side.

    Example:
        >>> import nnlite
        >>> from nnlite.text import Vocabulary, compare_temperatures
        >>> vocabulary = Vocabulary("abcdefgh")
        >>> model = nnlite.Sequential([nnlite.Embedding(8, 8)], input_shape=(40,), seed=1)
        >>> model.params["embedding.W"] *= 40  # as if it were trained
        >>> for sample in compare_temperatures(model, vocabulary, "head", 30, temperatures=(1.5, 0.25), rng=0):
        ...     print(f"{sample.temperature:4} {sample.text} {sample.entropy:.2f} nats per character")
         1.5 fbaagfeddgfagafbgdbdabfedbhhed 1.87 nats per character
        0.25 fbcedfedfhcedadadfbfbchchbhhch 0.76 nats per character
    """
    length = require_whole("length", length, least=0)
    samplers = [(temperature, nnlite.sampler(temperature, top_k, top_p)) for temperature in temperatures]
    read = ids_to_read(vocabulary, seed, unknown)
    draws = drawn(rng, length)
    samples = TemperatureSamples()
    for temperature, sampler in samplers:
        ids, entropies = [], []
        written = write(model, vocabulary, read, draws, sampler)
        # One by one, the distributions would take three times as long as generating.
        while block := [(logits.copy(), i) for logits, i in itertools.islice(written, BLOCK)]:
            rows, chosen = zip(*block, strict=True)
            ids += chosen
            entropies += _entropies(nnlite.sampling_probabilities(np.array(rows), temperature, top_k, top_p)).tolist()
        entropy = math.fsum(entropies) / length if length else math.nan
        samples.append(TemperatureSample(float(temperature), vocabulary.decode(ids), entropy))
    return samples


@kinds_of("temperatures")
def next_characters(
    model: nnlite.Sequential,
    vocabulary: Vocabulary,
    text: str,
    temperatures: Sequence[float] = TEMPERATURES,
    top: int = 10,
    top_k: int | None = None,
    top_p: float | None = None,
    unknown: str = "error",
) -> NextCharacters:
    """The most likely next characters after a text, with their probabilities at each temperature.

    Temperature changes how far the probabilities are apart, not their order. They sum to less than 1 if other
    characters are possible. The list prints as a table.

    Args:
        text: the text that the model reads, starting from a zero state, like the seed of `generate`. The other
            arguments, and the errors, are the same, too.
        temperatures: one probability for each.
        top: the largest number of characters, at least 0; most likely first, equals in the order of the vocabulary.

    Example:
        >>> import nnlite
        >>> from nnlite.text import Vocabulary, next_characters
        >>> vocabulary = Vocabulary("abcdefgh")
        >>> model = nnlite.Sequential([nnlite.Embedding(8, 8)], input_shape=(40,), seed=1)
        >>> model.params["embedding.W"] *= 40  # as if it were trained
        >>> for character, probabilities in next_characters(model, vocabulary, "bad", (1.5, 0.25), top=3):
        ...     print(character, *(f"{100 * p:5.1f} %" for p in probabilities))
        f  28.6 %  52.7 %
        a  28.0 %  46.2 %
        b  14.9 %   1.0 %
    """
    top, temperatures = require_whole("top", top, least=0), tuple(temperatures)
    for temperature in temperatures:
        nnlite.sampler(temperature, top_k, top_p)  # checks them before the model reads anything
    read = ids_to_read(vocabulary, text, unknown)
    (logits,) = [logits.copy() for logits, _ in write(model, vocabulary, read, [0.0], nnlite.sampler(1.0))]
    columns = [nnlite.sampling_probabilities(logits, t, top_k, top_p).tolist() for t in temperatures]
    likeliest = np.argsort(-logits, kind="stable")[:top].tolist()
    found = (NextCharacter(vocabulary.characters[i], tuple(column[i] for column in columns)) for i in likeliest)
    return NextCharacters(found, temperatures)


def _entropies(p: np.ndarray) -> np.ndarray:
    """The entropies (L,) of distributions p (L, V), in nats."""
    logarithms = np.log(np.where(p > 0, p, 1))  # the limit of p ln p is 0 there
    return -(p * logarithms).sum(axis=-1)
