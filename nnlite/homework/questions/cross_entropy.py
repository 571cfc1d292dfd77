"""Softmax and cross-entropy of two images."""

from dataclasses import dataclass

import numpy as np

from nnlite import SparseCategoricalCrossentropy, derive

from .question import Question
from .writing import arrays, code

IMAGES, CLASSES = 2, 3


@dataclass(frozen=True)
class CrossEntropy(Question):
    """Probabilities, loss and the gradient of the logits, for a batch of two images."""

    kind = "cross_entropy"
    title = "Softmax and cross-entropy"

    def draw(self, draws):
        return {
            "logits": draws.decimals((IMAGES, CLASSES), -2.5, 2.5),
            "labels": draws.integers((IMAGES,), 1, CLASSES),
        }

    def is_degenerate(self, numbers):
        return any(np.diff(np.sort(row)).min() < 0.2 for row in numbers["logits"]) or len(set(numbers["labels"])) == 1

    def statement(self, numbers):
        return f"""\
A classifier of {CLASSES} classes has computed these logits for a batch of {IMAGES} images, one row each. The
classes are 1 to {CLASSES}, and `labels` are the right ones:

{arrays(**numbers)}

Give the probabilities `p` = softmax(logits), the `loss`, the mean of −ln p[label] over the batch, and `dlogits`, the
loss's gradient with respect to the logits."""

    def key(self, numbers):
        logits, labels = _arrays(numbers)
        loss = SparseCategoricalCrossentropy(from_logits=True)
        mean, gradient = loss.forward(labels, logits), loss.backward()
        p = IMAGES * gradient + np.eye(CLASSES)[labels]
        return {"p": p.tolist(), "loss": float(mean), "dlogits": gradient.tolist()}

    def worked(self, numbers):
        logits, labels = _arrays(numbers)
        loss = SparseCategoricalCrossentropy(from_logits=True)
        return f"The labels are written from 0 here.\n\n{code(str(derive.loss(loss, labels, logits)))}"

    def operations(self, numbers):
        return IMAGES * (CLASSES + 2 + CLASSES + 2 + 2 * CLASSES) + 2

    def mistakes(self, numbers):
        key = self.key(numbers)
        _, labels = _arrays(numbers)
        p, gradient = np.array(key["p"]), np.array(key["dlogits"])
        bits = key["loss"] / np.log(2)
        moved = p[np.arange(IMAGES), (labels + 1) % CLASSES]
        return {
            "it is the sum over the batch": {"loss": IMAGES * key["loss"], "dlogits": (IMAGES * gradient).tolist()},
            "the logarithm is that of base 2": {"loss": float(bits)},
            "the classes are counted from 0": {"loss": float(-np.log(moved).mean())},
            "the sign is reversed": {"loss": -key["loss"], "dlogits": (-gradient).tolist()},
            "the 1 of the label is not subtracted": {"dlogits": (p / IMAGES).tolist()},
        }


def _arrays(numbers):
    return np.array(numbers["logits"]), np.array(numbers["labels"]) - 1
