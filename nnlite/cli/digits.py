"""nnlite digits: learn to read handwriting."""

import math
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from nnlite import extras
from nnlite.distributed import mpi
from nnlite.experiment import Digits, ExperimentError, find_runs

from .options import Force, ResumeOrExtend, Seed, Threads, number, option, out
from .runs import begin, command, console, list_files, stoppable

Settings = Digits.Settings


def digits(
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(help="More pictures of your own, after --images.", metavar="FILE")
    ] = None,
    images: Annotated[
        list[Path] | None,
        option(
            "Your own pictures",
            "Do not train: read a picture of one handwritten digit (PNG, JPEG, ...) with the trained model of --out, "
            "by default the last one. More files may follow.",
            metavar="FILE",
        ),
    ] = None,
    filters: Annotated[int, number("Model", "Filters of the first convolution; the others have twice as many.")] = (
        Settings.filters
    ),
    dropout: Annotated[
        float, number("Model", "Fraction of the last layer's inputs set to 0 in training, against overfitting.", min=0)
    ] = Settings.dropout,
    epochs: Annotated[int, number("Learning", "Passes over all images.")] = Settings.epochs,
    batch_size: Annotated[int, number("Learning", "Images in a batch.")] = Settings.batch_size,
    learning_rate: Annotated[float, number("Learning", "The largest learning rate.", min=0)] = Settings.learning_rate,
    seed: Seed = Settings.seed,
    out: Annotated[Path | None, out("digits")] = None,
    resume: ResumeOrExtend = False,
    force: Force = False,
    threads: Threads = None,
) -> None:
    """Learn to read handwritten digits, then draw what was learned.

    Every fifth image of each digit is held out for validation: val_accuracy is the fraction of these images that the
    model reads correctly, accuracy the same for the training images.

    Examples:

        nnlite digits
        nnlite digits --filters 8 --epochs 2 --out runs/small
        nnlite digits --resume
        nnlite digits --images three.png seven.jpg
    """
    if images or files:
        extras.require("images", "plot")
        show_own([*(images or ()), *(files or ())], out)
        return
    run = begin(Digits, context, "digits", "plot")
    with stoppable(run, context):
        model, ((x, _), (held_out, _)) = run.start
        size = " x ".join(map(str, x.shape[1:3]))
        parts = f"{len(x):,} for training, each in 9 positions, and {len(held_out)} for validation"
        console.print(f"Handwritten digits, {size} pixels: {parts}.")
        model.summary()
        history = run.fit().history
        if mpi.rank():  # rank 0 has the run folder
            return
        run.draw(history)
    conclude(run)


SHADES = " ░▒▓█"
TOP = 3  # guesses


def show_own(paths: list[Path], folder: Path | None) -> None:
    """Read pictures of the user's own; print what the model sees, and its likeliest guesses."""
    folder = folder or next(reversed(find_runs(kind=Digits.kind)), None)
    if folder is None:
        raise ExperimentError(f"there is no run on digits under runs/ yet: {command('digits')} trains one in seconds")
    run = Digits.open(folder)
    x, p = run.recognize(paths)
    for path, pixels, probabilities in zip(paths, x[..., 0], p, strict=True):
        order = probabilities.argsort()[::-1][:TOP]
        guesses = ", ".join(f"{digit} ({100 * probabilities[digit]:.1f} %)" for digit in order.tolist())
        console.print(Text(f"{path}: {guesses}\n", style="bold"))
        for row in pixels:
            console.print(Text("  " + "".join(2 * SHADES[round(4 * float(ink))] for ink in row).rstrip()))
        console.print()
    console.print(f"What the model sees: {run.folder / 'own.png'}")


def conclude(run: Digits) -> None:
    """Print the accuracy, the misread digits and the list of files."""
    labels, predicted = run.read()
    right = int((labels == predicted).sum())
    percent = math.floor(1000 * right / len(labels)) / 10  # rounded down, never up to an accuracy not reached
    console.print(f"{right} of the {len(labels)} held-out digits are read correctly: {percent} %")
    wrong = Counter((int(a), int(b)) for a, b in zip(labels, predicted, strict=True) if a != b)
    if wrong:
        most = [f"{a} as {b}" + (f" ({n} times)" if n > 1 else "") for (a, b), n in wrong.most_common(8)]
        console.print(f"Misread: {', '.join(most)}{' ...' if len(wrong) > len(most) else ''}")
    console.print()
    list_files(run)
    console.print(f"Draw a digit yourself: {command('play', run.folder)} writes a page that reads it.", soft_wrap=True)
