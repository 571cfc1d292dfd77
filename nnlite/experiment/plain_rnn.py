"""The minimal character-level RNN, whole, in NumPy alone.

    python minimal_rnn.py FILE [ITERATIONS]

reads a text over and over, window by window, learns to predict the next character, and prints a sample
every 1,000 windows. It is the recipe of A. Karpathy, The Unreasonable Effectiveness of Recurrent Neural
Networks, 2015 (min-char-rnn), rewritten: whatever does not depend on the previous time step is computed
for all steps at once.

Letters: T characters in a window, H hidden units, V different characters. x and y are ids (T,): the
characters read, and the next ones. h is (H,), the state; hs is (T, H), the state after each step.
"""

import sys

import numpy as np

H, T = 100, 40
LEARNING_RATE, CLIP, EPSILON = 0.1, 5.0, 1e-8


def first_weights(V, H, rng):
    """Small random matrices, and biases of zero."""
    return {
        "Wx": 0.01 * rng.standard_normal((V, H)),  # from the character to the state
        "Wh": 0.01 * rng.standard_normal((H, H)),  # from the state to the next state
        "b": np.zeros(H),
        "Wy": 0.01 * rng.standard_normal((H, V)),  # from the state to a score for each character
        "by": np.zeros(V),
    }


def softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def forward(weights, x, y, h):
    """Read a window, from state h. Return the loss, summed over it, and what backward needs."""
    hs = weights["Wx"][x] + weights["b"]  # a character is a row of Wx
    for t in range(len(x)):
        h = hs[t] = np.tanh(hs[t] + h @ weights["Wh"])
    p = softmax(hs @ weights["Wy"] + weights["by"])
    return -np.log(p[np.arange(len(y)), y]).sum(), hs, p


def backward(weights, x, y, h, hs, p):
    """The gradient of forward's loss with respect to each weight; h is the state before the window."""
    dscores = p.copy()
    dscores[np.arange(len(y)), y] -= 1
    dhs = dscores @ weights["Wy"].T
    dz = np.empty_like(hs)
    dh = np.zeros_like(h)  # no gradient comes from beyond the window
    for t in reversed(range(len(x))):
        dz[t] = (dhs[t] + dh) * (1 - hs[t] ** 2)
        dh = weights["Wh"] @ dz[t]
    dWx = np.zeros_like(weights["Wx"])
    np.add.at(dWx, x, dz)  # a character that occurs twice gets both gradients
    before = np.vstack([h, hs[:-1]])
    return {"Wx": dWx, "Wh": before.T @ dz, "b": dz.sum(0), "Wy": hs.T @ dscores, "by": dscores.sum(0)}


def adagrad(weights, gradients, memory):
    """Update the weights in place. The larger a weight's gradients were so far, the smaller its step."""
    for name, gradient in gradients.items():
        g = np.clip(gradient, -CLIP, CLIP)
        memory[name] += g * g
        weights[name] -= LEARNING_RATE * g / np.sqrt(memory[name] + EPSILON)


def train(ids, weights, T=T):
    """Learn from ids, forever. Before each update yield a window's loss, first id and first state."""
    memory = {name: np.zeros_like(array) for name, array in weights.items()}
    position, h = 0, np.zeros(len(weights["Wh"]))
    while True:
        if position + T + 1 >= len(ids):
            position, h = 0, np.zeros_like(h)
        x, y = ids[position : position + T], ids[position + 1 : position + T + 1]
        loss, hs, p = forward(weights, x, y, h)
        yield loss, x[0], h
        adagrad(weights, backward(weights, x, y, h, hs, p), memory)
        position, h = position + T, hs[-1].copy()


def write(weights, first, h, length, rng):
    """Ids that the model samples, one after the other, after it has read the first."""
    ids = [first]
    for _ in range(length):
        h = np.tanh(weights["Wx"][ids[-1]] + h @ weights["Wh"] + weights["b"])
        ids.append(rng.choice(len(weights["by"]), p=softmax(h @ weights["Wy"] + weights["by"])))
    return ids[1:]


def main(path, iterations="30000"):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    characters = sorted(set(text))
    ids = np.array([characters.index(character) for character in text])
    rng = np.random.default_rng(0)
    V = len(characters)
    weights = first_weights(V, H, rng)
    smooth = np.log(V)  # the loss per character of guessing
    for iteration, (loss, first, h) in zip(range(int(iterations)), train(ids, weights), strict=False):
        smooth = 0.999 * smooth + 0.001 * loss / T
        if iteration % 1000 == 0:
            print(f"---- iteration {iteration:,}: {smooth:.3f} nats per character")
            print("".join(characters[i] for i in write(weights, first, h, 200, rng)))
    print(f"---- the end: {smooth:.3f} nats per character")


if __name__ == "__main__":
    main(*sys.argv[1:])
