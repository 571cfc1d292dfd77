"""The landmarks are the losses of the models that they stand for."""

import math
import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlite.text import clean_sonnets, landmarks

texts = st.text(st.sampled_from("ab \né☃"), min_size=2, max_size=60)


def mean_loss(probabilities):
    return -math.fsum(map(math.log, probabilities)) / len(probabilities)


@given(texts)
def test_landmarks_are_mean_losses_of_counting_models(text):
    count = Counter(text)
    pairs = list(pairwise(text))
    pair_count, before = Counter(pairs), Counter(text[:-1])
    found = landmarks(text)
    assert found.uniform == pytest.approx(mean_loss([1 / len(count)] * len(text)))
    assert found.unigram == pytest.approx(mean_loss([count[c] / len(text) for c in text]))
    bigram = mean_loss([pair_count[pair] / before[pair[0]] for pair in pairs])
    assert found.bigram == pytest.approx(bigram, abs=1e-12)


@given(texts, st.integers(0, 2**32))
def test_no_model_of_the_kind_does_better(text, seed):
    draw = random.Random(seed)
    characters = sorted(set(text))

    def distribution():
        weights = [draw.random() + 1e-3 for _ in characters]
        return {c: w / sum(weights) for c, w in zip(characters, weights, strict=True)}

    one, table = distribution(), {c: distribution() for c in characters}
    found = landmarks(text)
    assert mean_loss([one[c] for c in text]) >= found.unigram - 1e-12
    assert mean_loss([table[a][b] for a, b in pairwise(text)]) >= found.bigram - 1e-12


def test_sonnets():
    assert landmarks(clean_sonnets()) == pytest.approx((math.log(38), 2.990, 2.364), abs=5e-4)


def test_texts_whose_landmarks_are_known():
    assert landmarks("aaaa") == (0, 0, 0)
    assert landmarks("abababab") == pytest.approx((math.log(2), math.log(2), 0))
    # Independent fair draws: a character tells nothing about the next one.
    fair = "".join(np.random.default_rng(0).choice(list("abcd"), 200_000))
    assert landmarks(fair) == pytest.approx([math.log(4)] * 3, abs=1e-3)


def test_pairs_of_more_characters_than_two_bytes_can_count():
    """Of 70,000, all once and then the last and the first in turns: V times the last one's index is beyond 2^32."""
    characters = "".join(map(chr, range(0x10000, 0x10000 + 70_000)))
    text = characters + (characters[-1] + characters[0]) * 1000
    surprises = math.log(1001), 1000 * math.log(1.001), math.log(1000), 999 * math.log(1000 / 999)
    assert landmarks(text).bigram == pytest.approx(sum(surprises) / (len(text) - 1))


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", ValueError, "text: expected 2 or more characters, got 0"),
        ("a", ValueError, "text: expected 2 or more characters, got 1"),
        (b"ab", TypeError, "text: expected a str, got bytes"),
    ],
)
def test_bad_input(text, error, message):
    with pytest.raises(error, match=message):
        landmarks(text)
