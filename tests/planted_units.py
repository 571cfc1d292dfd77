"""Recurrent layers with units planted by hand, and texts for them: lines of about 40 random letters."""

import numpy as np

from nnlite import GRU, LSTM, RNN, Dense, Sequential
from nnlite.text import Vocabulary

VOCABULARY = Vocabulary("\n abcdefghij")
BREAK, VOWELS = VOCABULARY.encode("\n")[0], VOCABULARY.encode("aei")
LENGTH = 40  # of a line
COUNTER, VOWEL = 3, 5  # the units
H, V = 8, len(VOCABULARY)
LARGE = 100.0  # a sigmoid of it is 1

LAYERS = {
    "lstm": lambda: LSTM(H, return_sequences=True, input_dim=V, name="layer"),
    "gru": lambda: GRU(H, return_sequences=True, input_dim=V, name="layer"),
    "rnn": lambda: RNN(H, activation="relu", return_sequences=True, input_dim=V, name="layer"),
}


def poems(number, lines=20, seed=0):
    """Poems of random letters, which a model can learn nothing of but the length of a line."""
    rng = np.random.default_rng(seed)
    lengths = rng.normal(LENGTH, 3, (number, lines)).astype(int)
    return ["".join("".join(rng.choice(list(VOCABULARY.characters[1:]), n)) + "\n" for n in row) for row in lengths]


def planted(kind, seed=0):
    """A model of which unit `COUNTER` counts the line, and unit `VOWEL` says whether it reads a vowel, to no end."""
    rng = np.random.default_rng(seed)
    model = Sequential([LAYERS[kind](), Dense(V)], (None,), seed=seed)
    model.vocabulary = VOCABULARY
    for array in model.params.values():
        array *= 0.5
    p = {name.removeprefix("layer."): array for name, array in model.params.items()}
    for unit in COUNTER, VOWEL:  # nothing else leads to them
        for name in ("Wx", "Wh"):
            p[name][:, unit::H] = 0
        p["b"][..., unit::H] = 0
    after = {"lstm": _lstm, "gru": _gru, "rnn": _rnn}[kind](p)  # n characters
    W, b = p["dense.W"], p["dense.b"]
    W[:] = rng.normal(0, 0.3, W.shape)
    W[VOWEL] = p["Wh"][VOWEL] = 0
    # The odds of a line break grow by a factor of 6 with each character about there.
    W[COUNTER] = 0
    W[COUNTER, BREAK] = np.log(6) / (after(LENGTH) - after(LENGTH - 1))
    b[BREAK] -= W[COUNTER, BREAK] * after(LENGTH) - np.log(V)
    return model


def _lstm(p):
    """c grows by 0.02 with each character, and is 0 at a line break. A vowel's unit forgets at once."""
    i, f, g, o = (slice(block * H, (block + 1) * H) for block in range(4))
    for gate in i, o:
        p["b"][gate][[COUNTER, VOWEL]] = LARGE
    p["b"][f][[COUNTER, VOWEL]] = LARGE, -LARGE
    p["b"][g][COUNTER] = np.arctanh(0.02)
    p["Wx"][BREAK, f][COUNTER] = -2 * LARGE
    p["Wx"][BREAK, g][COUNTER] = -np.arctanh(0.02)
    p["Wx"][VOWELS, 2 * H + VOWEL] = 1
    return lambda n: np.tanh(0.02 * n)


def _gru(p):
    """h goes a thirtieth of the way to 1 with each character, and is 0 at a line break."""
    z, _, g = (slice(block * H, (block + 1) * H) for block in range(3))
    p["b"][0, z][[COUNTER, VOWEL]] = np.log(29), -LARGE
    p["b"][0, g][COUNTER] = LARGE
    p["Wx"][BREAK, z][COUNTER] = -LARGE
    p["Wx"][BREAK, g][COUNTER] = -LARGE
    p["Wx"][VOWELS, 2 * H + VOWEL] = 1
    return lambda n: 1 - (29 / 30) ** n


def _rnn(p):
    """h grows by 0.02 with each character, and is 0 at a line break."""
    p["Wh"][COUNTER, COUNTER] = 1
    p["b"][COUNTER] = 0.02
    p["Wx"][BREAK, COUNTER] = -LARGE
    p["Wx"][VOWELS, VOWEL] = 1
    return lambda n: 0.02 * n
