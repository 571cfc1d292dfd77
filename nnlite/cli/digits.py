"""nnlite digits: learn to read handwriting."""

import math
from collections import Counter
from typing import Annotated

import typer

from nnlite.experiment import Digits

from .options import Force, Resume, Seed, Threads, number, out, use_threads
from .runs import begin, console, list_files, stoppable

DEFAULT = Digits.Settings


def digits(
    context: typer.Context,
    filters: Annotated[int, number("Model", "Of the first convolution; the others have twice as many.")] = (
        DEFAULT.filters
    ),
    dropout: Annotated[
        float, number("Model", "Part of what the last layer reads to drop, 0 to 1: against learning by heart.", min=0)
    ] = DEFAULT.dropout,
    epochs: Annotated[int, number("Learning", "How often to see all images.")] = DEFAULT.epochs,
    batch_size: Annotated[int, number("Learning", "Images in one step of learning.")] = DEFAULT.batch_size,
    learning_rate: Annotated[float, number("Learning", "Size of the steps; of the largest.", min=0)] = (
        DEFAULT.learning_rate
    ),
    seed: Seed = DEFAULT.seed,
    out: out("digits") = None,
    resume: Resume = False,
    force: Force = False,
    threads: Threads = None,
):
    """Learn to read handwritten digits, then draw what was learned.

    Every fifth image of each digit is held out: the model does not learn from them, and nothing is chosen by them.
    accuracy is the part of the digits that it reads correctly while it learns, val_accuracy of those held out.

    Examples:

        nnlite digits
        nnlite digits --filters 8 --epochs 2 --out runs/small
        nnlite digits --resume
    """
    use_threads(threads)
    run = begin(Digits, context.params, context, out, resume, force)
    with stoppable(run, context):
        introduce(run)
        history = run.fit().history
        run.draw(history)
    conclude(run)


def introduce(run):
    """Print what will be learned from, and by which model."""
    (x, _), (held_out, _) = run.data()
    size = " x ".join(map(str, x.shape[1:3]))
    console.print(
        f"Handwritten digits, {size} pixels: {len(x):,} to learn from, each in 9 places, and "
        f"{len(held_out)} to judge by."
    )
    run.model().summary()


def conclude(run):
    """Print what was reached, and where everything is."""
    labels, predicted = run.read()
    right = int((labels == predicted).sum())
    # Rounded down: what is printed was reached.
    percent = math.floor(1000 * right / len(labels)) / 10
    console.print(f"{right} of the {len(labels)} held-out digits are read correctly: {percent} %")
    wrong = Counter((int(a), int(b)) for a, b in zip(labels, predicted, strict=True) if a != b)
    if wrong:
        most = [f"{a} as {b}" + (f" ({n} times)" if n > 1 else "") for (a, b), n in wrong.most_common(8)]
        console.print(f"Misread: {', '.join(most)}{' ...' if len(wrong) > len(most) else ''}")
    console.print()
    list_files(run)
