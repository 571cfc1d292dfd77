"""The minimal character-level RNN: its size, its first loss, and its first two updates."""

import math
from dataclasses import dataclass

import numpy as np

from .question import Question
from .writing import arrays, code, short

LENGTH, RATE, CLIP, ITERATIONS, EPSILON = 40, 0.1, 5, 30_000, 1e-8


@dataclass(frozen=True)
class MinimalRecipe(Question):
    """The minimal recipe: parameters, first loss, passes over the text, clipped steps of Adagrad and SGD."""

    kind = "minimal_recipe"
    title = "The minimal recipe"

    def draw(self, draws):
        return {
            "units": draws.choice((100, 150, 200)),
            "characters": draws.integer(30, 70),
            "length": 100 * draws.integer(700, 1300),
            "w": draws.decimals((), -0.9, 0.9),
            "gradients": [draws.choice((-1, 1)) * draws.integer(60, 150) / 10, draws.decimals((), -4.5, 4.5)],
        }

    def is_degenerate(self, numbers):
        """A second gradient, or a weight, that is nearly 0."""
        key = self.key(numbers)
        return min(map(abs, [numbers["gradients"][1], *key["adagrad"], *key["sgd"]])) < 0.05

    def statement(self, numbers):
        return f"""\
The minimal character-level RNN has {numbers["units"]} hidden units and reads {numbers["characters"]} different
characters as one-hot vectors: `h_t = tanh(Wxh x_t + Whh h_{{t−1}} + bh)`, `y_t = Why h_t + by`. A window has {LENGTH}
characters, and the loss is the sum of −ln p over a window. It is trained for {ITERATIONS:,} iterations, a window each,
on a text of {numbers["length"]:,} characters, with the state carried from window to window.

How many `parameters` has it? What is the `first_loss`, when all characters are still equally probable? How many
`passes` over the text are {ITERATIONS:,} iterations?

One of its weights is `w`, and its gradients in the first two iterations are

{arrays(w=numbers["w"], gradients=numbers["gradients"])}

Gradients are clipped to ±{CLIP} each, and the learning rate is {RATE}. What is the weight after each of the two
iterations with Adagrad (`w ← w − {RATE} g / √(m + 1e-8)`, where m is the sum of all g² up to this one, and starts
at 0), and what with plain SGD? Give two numbers each, `adagrad` and `sgd`."""

    def key(self, numbers):
        hidden, characters = numbers["units"], numbers["characters"]
        gradients = np.clip(numbers["gradients"], -CLIP, CLIP)
        return {
            "parameters": hidden * characters + hidden**2 + characters * hidden + hidden + characters,
            "first_loss": LENGTH * math.log(characters),
            "passes": ITERATIONS * LENGTH / numbers["length"],
            "adagrad": _adagrad(numbers["w"], gradients),
            "sgd": _sgd(numbers["w"], gradients),
        }

    def worked(self, numbers):
        hidden, characters, w = numbers["units"], numbers["characters"], numbers["w"]
        key = self.key(numbers)
        g, second = np.clip(numbers["gradients"], -CLIP, CLIP).tolist()
        memory = [g * g, g * g + second * second]
        sizes = f"{hidden}*{characters}", f"{hidden}*{hidden}", f"{characters}*{hidden}", f"{hidden}", f"{characters}"
        text = f"""\
parameters = Wxh, Whh, Why, bh, by
           = {" + ".join(sizes)} = {key["parameters"]}
first_loss = {LENGTH} * ln {characters} = {short(key["first_loss"])}
passes     = {ITERATIONS} * {LENGTH} / {numbers["length"]} = {short(key["passes"])}

clipped: g = {short(g)}, then {short(second)}
Adagrad: m = {short(memory[0])}, w = {w} - {RATE} * ({short(g)}) / √{short(memory[0])} = {short(key["adagrad"][0])}
         m = {short(memory[1])}, w = {short(key["adagrad"][0])} - {RATE} * ({short(second)}) / √{short(memory[1])} = \
{short(key["adagrad"][1])}
SGD:     w = {w} - {RATE} * ({short(g)}) = {short(key["sgd"][0])}
         w = {short(key["sgd"][0])} - {RATE} * ({short(second)}) = {short(key["sgd"][1])}"""
        return code(text)

    def operations(self, numbers):
        return 7 + 2 + 2 + 2 * (1 + 6 + 2)

    def mistakes(self, numbers):
        hidden, characters, w = numbers["units"], numbers["characters"], numbers["w"]
        key = self.key(numbers)
        clipped = np.clip(numbers["gradients"], -CLIP, CLIP)
        forgets = [_adagrad(w, clipped[:1])[0], key["adagrad"][0] - RATE * math.copysign(1, clipped[1])]
        return {
            "the biases are left out": {"parameters": hidden * characters + hidden**2 + characters * hidden},
            "Whh is left out": {"parameters": key["parameters"] - hidden**2},
            "the loss is that of one character": {"first_loss": math.log(characters)},
            "the logarithm is that of base 2": {"first_loss": LENGTH * math.log2(characters)},
            "an iteration reads one character": {"passes": ITERATIONS / numbers["length"]},
            "the gradients are not clipped": {
                "adagrad": _adagrad(w, numbers["gradients"]),
                "sgd": _sgd(w, numbers["gradients"]),
            },
            "Adagrad forgets the first gradient": {"adagrad": forgets},
            "the gradient is added": {"sgd": _sgd(w, -clipped), "adagrad": _adagrad(w, -clipped)},
        }


def _adagrad(w, gradients):
    found, memory = [], 0.0
    for g in gradients:
        memory += g * g
        w -= RATE * g / math.sqrt(memory + EPSILON)
        found.append(float(w))
    return found


def _sgd(w, gradients):
    return [float(number) for number in w - RATE * np.cumsum(gradients)]
