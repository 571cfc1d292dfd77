"""units: find the unit that follows a concept, then test whether the model needs it."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import checks, seeds
from ..models.sequential import Sequential
from . import chance
from .concepts import CONCEPTS, Concept
from .hold import Hold, held_stepper, holdable
from .reading import Reading, read, write
from .unit import Unit, Units

LEAST = 100  # characters to find units, and to test them
ENOUGH = 16_000  # more take longer and say the same

Texts = str | Sequence[str]


def units(
    model: Sequential,
    text: Texts,
    concepts: Mapping[str, Concept | Callable] | Iterable[str] | None = None,
    *,
    test: Texts | None = None,
    vocabulary: Any = None,
    writings: int = 16,
    length: int = 800,
    others: int = 24,
    temperature: float = 1.0,
    seed: int = 0,
) -> Units:
    """Find the unit that follows each concept best, then hold it while the model writes: is it needed?

    1. The model reads a text, and for each concept the unit is found that tells it best: by the area under the ROC
       curve (AUC) if the concept is a yes or no, by the correlation r if it is a number.
    2. It reads another text, and there it is measured how well the unit tells. By chance the best of 200 units always
       tells something. So the labels are shifted round this text by every distance from a twentieth of it on, and each
       time the best of all units counts. What they reach in 1 % of the shifts, divided by the number of concepts, is
       the limit. (Shuffled labels would set it too low: neighbours in a text are alike.)
    3. The model writes, from a line break on: as it is, with the unit held at its mean, and with some other units held
       instead, one at a time. The uniform numbers are the same each time. To tell is not to do: many units that tell
       most are not needed.

    Units are the cells c of an LSTM, and the states h of a GRU or RNN, of all these layers.

    Args:
        model: reads ids, and gives V logits or probabilities at each step.
        text: to find the units in. Poems, a list of str, are read one after the other. Without `test` the first half is
            for finding, and the second for the test; of each the first 16,000 characters are read.
        concepts: names of `concepts()`; or a dict from names to `Concept`s or functions, which return for a text a
            label, number or bool, for each character. By default those of `concepts()` that occur in the texts.
        test: to test the units on, such as poems that were held out of the training.
        vocabulary: by default `model.vocabulary`.
        writings, length, temperature: how many texts the model writes each time, their characters, and how freely.
        others: how many other units are held.
        seed: for the draws.

    Returns:
        `Units`: a dict from concepts' names to `Unit`s, which prints as a table.

    Raises:
        TypeError, ValueError: the model has no such layer, or no vocabulary, or is not built, or gives no V numbers for
            each step; a text is too short, or has characters that the vocabulary lacks; a concept is not known, or does
            not have a label for each character.

    Source: Karpathy, Johnson and Fei-Fei, Visualizing and understanding recurrent networks, 2015, which shows such
    cells in pictures.

    Example:
        >>> from nnlite import LSTM, Dense, Sequential
        >>> from nnlite.inspect import units
        >>> from nnlite.text import Vocabulary, clean_sonnets, poems
        >>> vocabulary = Vocabulary.from_text(clean_sonnets())
        >>> lstm = LSTM(20, return_sequences=True, input_dim=len(vocabulary))
        >>> model = Sequential([lstm, Dense(len(vocabulary))], input_shape=(None,), seed=0)  # it has learned nothing
        >>> model.vocabulary = vocabulary
        >>> found = units(model, poems()[:20], ["vowel", "indent comes next"], writings=2, length=50, others=3)
        >>> found["vowel"].found, found["indent comes next"].found  # which letter it reads shows in any units
        (True, False)
    """
    vocabulary = _vocabulary(model, vocabulary)
    named = _named(concepts)
    size = checks.positive("length", length), checks.positive("writings", writings)
    draws = seeds.generator(seed).random(size)
    others = checks.positive("others", others, least=0)
    states = [name for name, (layer, number) in holdable(model).items() if number == len(layer.states) - 1]
    found, tested = (read(model, vocabulary, part, states, named) for part in _parts(text, test))
    best = [_best(name, concept, found, tested, len(named)) for name, concept in named.items()]
    if concepts is None:
        best = [unit for unit in best if not np.isnan(unit.tells)]

    keeps_p = any(named[unit.concept].count is None and named[unit.concept].takes_p for unit in best if unit.found)

    def counts(hold: Hold) -> dict[str, tuple[float, float]]:
        """By concept: the mean count in what the model writes, and its standard error."""
        texts = write(model, held_stepper(model, hold, writings), vocabulary, draws, temperature, keeps_p)
        return {unit.concept: _mean([named[unit.concept].counts(*one) for one in texts]) for unit in best if unit.found}

    held = {(unit.state, unit.unit): counts(unit.hold) for unit in best if unit.found}
    free, compared = {}, []
    if held:
        free = counts({})
        means = {(state, unit): x.mean() for state, rows in found.states.items() for unit, x in enumerate(rows)}
        rest = [place for place in means if place not in held]
        drawn = np.random.default_rng(seed).permutation(len(rest))[:others]
        compared = [counts({state: {unit: float(means[state, unit])}}) for state, unit in (rest[i] for i in drawn)]
    return Units([_measured(unit, free, held, compared) for unit in best], writings, length)


def _best(name: str, concept: Concept, found: Reading, tested: Reading, concepts: int) -> Unit:
    """The unit with the best score in the one text, and its score in the other."""
    (x, labels), (test_x, test_labels) = found.of(name), tested.of(name)
    yes_no = chance.is_yes_no(labels) and chance.is_yes_no(test_labels)
    if min(map(len, map(np.unique, (labels, test_labels)))) < 2:
        return Unit(name, "", -1, yes_no, np.nan, np.nan, np.nan, concept.counted)
    pairs = ((chance.comparable(x, yes_no), labels), (chance.comparable(test_x, yes_no), test_labels))
    best = chance.best(*pairs, yes_no, concepts)
    state, unit = [(state, unit) for state, rows in found.states.items() for unit in range(len(rows))][best.unit]
    told, limit = (min(0.5 + best.agrees, 1.0), 0.5 + best.limit) if yes_no else (best.score, best.limit)
    value, is_found = float(found.states[state][unit].mean()), best.agrees > best.limit
    return Unit(name, state, unit, yes_no, float(told), limit, value, concept.counted, bool(is_found))


def _measured(unit, free, held, compared):
    """The unit, with what happens when it is held, and when others are."""
    if not unit.found:
        return unit
    mean, error = free[unit.concept]
    others = np.array([counts[unit.concept][0] for counts in compared])
    own, own_error = held[unit.state, unit.unit][unit.concept]
    return dataclasses.replace(unit, free=mean, held=own, error=float(np.fmax(error, own_error)), others=others)


def _mean(counts):
    """The mean and its standard error, of those that are numbers: a text may have nothing to count."""
    numbers = [count for count in counts if not np.isnan(count)]
    error = np.std(numbers, ddof=1) / len(numbers) ** 0.5 if len(numbers) > 1 else np.nan
    return float(np.mean(numbers)) if numbers else np.nan, float(error)


# What is given.


def _vocabulary(model, vocabulary):
    """The vocabulary, for a model that writes."""
    if not isinstance(model, Sequential):
        raise TypeError(f"model: expected a Sequential, got {model!r}: put the layers into one")
    if not model.built:
        raise ValueError(f"model: expected a trained model, got {model!r}, which is not built: train it, or call build")
    vocabulary = model.vocabulary if vocabulary is None else vocabulary
    if not hasattr(vocabulary, "decode"):
        raise TypeError(
            f"vocabulary: expected a nnlite.text.Vocabulary, got {vocabulary!r}: give that of the model's training, "
            f"vocabulary=..., or set model.vocabulary"
        )
    if not holdable(model):
        raise ValueError(f"model: expected an LSTM, GRU or RNN in it, got {model!r}: there are no states to look at")
    return vocabulary


def _named(concepts):
    """Concepts by their names."""
    if concepts is None:
        return CONCEPTS
    if isinstance(concepts, str) or not isinstance(concepts, Iterable):
        raise TypeError(f"concepts: expected a list of names, or a dict, got {concepts!r}: put it into one")
    pairs = concepts.items() if isinstance(concepts, Mapping) else ((name, CONCEPTS.get(name)) for name in concepts)
    named = {name: Concept(one) if callable(one) else one for name, one in pairs}
    for name, one in named.items():
        if not isinstance(one, Concept):
            raise ValueError(
                f"concepts: expected one of {', '.join(CONCEPTS)}, got {name!r}: for one of your own give a dict, "
                f"{{{name!r}: function}}"
            )
    if not named:
        raise ValueError("concepts: expected at least one, got none: leave the argument out for all")
    return named


def _parts(text, test):
    """The text to find units in, and the one to test them on."""
    text = _poems("text", text)
    if test is None:
        text, test = _halves(text[0]) if len(text) == 1 else (text[: len(text) // 2], text[len(text) // 2 :])
    parts = ["".join(_poems(name, part)) for name, part in (("text", text), ("test", test))]
    for name, part in zip(("text", "test"), parts, strict=True):
        if len(part) < LEAST:
            raise ValueError(
                f"{name}: expected at least {LEAST} characters to find units, and as many others to test them, got "
                f"{len(part)}: give a longer text"
            )
    return [part[:ENOUGH] for part in parts]


def _poems(name, text):
    """A text as a list of its poems."""
    poems = [text] if isinstance(text, str) else text
    if not isinstance(poems, Sequence) or not all(isinstance(poem, str) for poem in poems):
        raise TypeError(f"{name}: expected a str, or a list of str, got {text!r:.60}: give what the model is to read")
    return poems


def _halves(text):
    """A text, cut at the blank line, or else the line break, that is nearest to its middle."""
    middle = len(text) // 2
    for end in "\n\n", "\n":
        cuts = [text.rfind(end, 0, middle) + len(end), text.find(end, middle) + len(end)]  # where there is none, near 0
        cut = min(cuts, key=lambda cut: abs(cut - middle))
        if LEAST <= cut <= len(text) - LEAST:
            return text[:cut], text[cut:]
    return text[:middle], text[middle:]
