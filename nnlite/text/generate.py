"""Generation: a model writes, character by character."""

from __future__ import annotations

import numpy as np

import nnlite

from .stepping import check_count, check_sampling, ids_to_read, write
from .vocabulary import Vocabulary

__all__ = ["generate"]


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

    From a fresh state the model reads the seed, character by character. Then, time after time, it gives a probability
    to every character of the vocabulary,

        p = softmax(logits / temperature),

    one is drawn, written, and read by the model in turn. What was read lives on in the recurrent state: nothing is read
    twice, and a character costs the same anywhere in the text.

    The model's own state is put back afterwards, also after an error: a callback may sample while a `stateful` model is
    being trained.

    Args:
        model: maps ids to V logits. Where its last layer is a Softmax, the logarithms of what comes out are the logits.
        vocabulary: the one that the model was trained with, V characters.
        seed: what the model reads first, of any length: shorter or longer than the windows that it was trained on. An
            empty seed stands for a line break, so that the text begins with a new line. Where the vocabulary has none,
            the first character is drawn, each as likely as any other.
        length: how many characters to write.
        temperature: at 1 the model's own probabilities. Below 1 the likely becomes likelier: common words, over and
            over. Above 1 rare things happen more often. At 0 the likeliest character, always.
        rng: where the draws come from: a Generator, an int to seed a new one with, or None for draws that nobody can
            repeat. `length` uniform numbers are drawn before the first character.
        top_k, top_p: draw from the likeliest characters alone, as `nnlite.sample` describes; None for all of them.
        unknown: what to do with characters of the seed that the vocabulary lacks: "error", or "skip" to leave them out.

    Returns:
        The characters that the model writes after the seed, without it.

    Raises:
        TypeError: an argument is of the wrong kind.
        ValueError: the seed has a character that the vocabulary lacks; the temperature is negative, infinite or NaN;
            the length is negative; top_k or top_p is out of range; the model does not give V logits, or gives NaN.

    Example:
        >>> import nnlite
        >>> from nnlite.text import Vocabulary, clean_sonnets, generate
        >>> vocabulary = Vocabulary.from_text(clean_sonnets())
        >>> lstm = nnlite.LSTM(8, return_sequences=True, input_dim=len(vocabulary))
        >>> model = nnlite.Sequential([lstm, nnlite.Dense(len(vocabulary))], input_shape=(40,), seed=1)
        >>> len(generate(model, vocabulary, "shall i compare thee", 100, temperature=0.75, rng=1))
        100
    """
    length = check_count("length", length)
    check_sampling(temperature, top_k, top_p)
    read = ids_to_read(vocabulary, seed, unknown)
    draws = np.random.default_rng(rng).random(length).tolist()
    return vocabulary.decode([i for _, i in write(model, vocabulary, read, draws, temperature, top_k, top_p)])
