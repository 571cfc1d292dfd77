"""Generate text, character by character."""

import numpy as np

import nnlite

from .arguments import require_whole
from .stepping import ids_to_read, write
from .vocabulary import Vocabulary


def generate(
    model: nnlite.Sequential,
    vocabulary: Vocabulary,
    seed: str,
    length: int,
    temperature: float = 1.0,
    rng: np.random.Generator | int | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    unknown: str = "error",
) -> str:
    """Let a model continue a text.

    Starting from a zero state, the model reads the seed, character by character. Then it repeatedly computes the
    probabilities of the next character,

        p = softmax(logits / temperature),

    draws one, outputs it, and reads it. The recurrent state carries what was read, so nothing is read twice and every
    character costs the same.

    The model's own state is restored afterwards, even after an error, so a callback may sample during the training of
    a `stateful` model.

    Args:
        model: maps ids to V logits. If its last layer is a Softmax, the logs of its outputs are the logits.
        vocabulary: the vocabulary that the model was trained with, V characters.
        seed: the text that the model reads first, of any length, even longer than the training windows. An empty seed
            means a line break, so that the text starts a new line. If the vocabulary has no line break, the first
            character is drawn uniformly.
        length: the number of characters to generate.
        temperature: 1 uses the model's own probabilities. Lower values favour likely characters and repeat common
            words; higher values favour rare ones. 0 always gives the most likely character.
        rng: a Generator, an int to seed a new one, or None for random draws. `length` uniform numbers are drawn before
            the first character.
        top_k, top_p: draw only from the most likely characters, see `nnlite.sample`; None for all.
        unknown: how to treat characters of the seed that are not in the vocabulary: "error", or "skip".

    Returns:
        The generated characters, without the seed.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: a character of the seed is not in the vocabulary; the temperature is negative, infinite or NaN;
            the length is negative; top_k or top_p is out of range; the model does not return V logits, or returns NaN.

    Example:
        >>> import nnlite
        >>> from nnlite.text import Vocabulary, clean_sonnets, generate
        >>> vocabulary = Vocabulary.from_text(clean_sonnets())
        >>> lstm = nnlite.LSTM(8, return_sequences=True, input_dim=len(vocabulary))
        >>> model = nnlite.Sequential([lstm, nnlite.Dense(len(vocabulary))], input_shape=(40,), seed=1)
        >>> len(generate(model, vocabulary, "shall i compare thee", 100, temperature=0.75, rng=1))
        100
    """
    length = require_whole("length", length, least=0)
    sampler = nnlite.sampler(temperature, top_k, top_p)
    read = ids_to_read(vocabulary, seed, unknown)
    draws = np.random.default_rng(rng).random(length).tolist()
    return vocabulary.decode([i for _, i in write(model, vocabulary, read, draws, sampler)])
