"""nnlite minimal-rnn and nnlite reproduce: the minimal recipe."""

import math
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from nnlite.experiment import MinimalRNN, minimal_rnn, plain_rnn, reproduce
from nnlite.experiment.reproduce import Pair

from .options import Encoding, Force, Resume, Seed, TextFile, Threads, choice, number, one_of, option, out
from .runs import begin, command, console, list_files, show, stoppable

Settings = MinimalRNN.Settings
RECIPES = [MinimalRNN.kind]  # of `nnlite reproduce`
TOLERANCE = 1e-9


def train_minimal_rnn(
    context: typer.Context,
    units: Annotated[int, number("Model", "Hidden size of the RNN.")] = Settings.units,
    text: TextFile = None,
    encoding: Encoding = "utf-8",
    length: Annotated[int, number("Data", "Characters in a window: the weights change after each.")] = Settings.length,
    iterations: Annotated[int, number("Learning", "How many windows to read, one at a time.")] = Settings.iterations,
    optimizer: Annotated[
        str, choice("Learning", "How a gradient becomes a step.", minimal_rnn.OPTIMIZERS)
    ] = Settings.optimizer,
    learning_rate: Annotated[float, number("Learning", "Size of the steps.", min=0)] = Settings.learning_rate,
    seed: Seed = Settings.seed,
    out: Annotated[Path | None, out("minimal-rnn")] = None,
    resume: Resume = False,
    force: Force = False,
    threads: Threads = None,
) -> None:
    """Train the minimal character-level RNN, as it was published in 2015 (min-char-rnn).

    The text is read from beginning to end, over and over, window by window; nothing is held out. The loss is smoothed
    over about 1,000 windows, in nats per character; guessing has a loss of 3.638 on the sonnets. Every 1,000 iterations
    the model writes a sample.

    Examples:

        nnlite minimal-rnn
        nnlite minimal-rnn --units 150 --optimizer sgd --learning-rate 0.01
        nnlite minimal-rnn --text faust.txt
        nnlite minimal-rnn --resume
    """
    run = begin(MinimalRNN, context, "plot")
    with stoppable(run, context):
        model, (x, _) = run.start
        windows = f"{len(x):,} windows of {run.settings.length}"
        console.print(f"{run.corpus.title}: {len(run.corpus.text):,} characters in {windows}, read one at a time.")
        model.summary()
        history = run.fit(show=lambda sample: show(minimal_rnn.heading(sample), sample[-1]), console=console).history
        run.draw(history)
    conclude(run)


def conclude(run: MinimalRNN) -> None:
    """Print the smoothed loss and the list of files."""
    iterations, losses = run.curve()
    loss, best, guessing = losses[-1], min(losses), run.landmarks.uniform
    if loss > guessing:  # perhaps by so much that no float holds its exponential
        meaning = f"worse than guessing ({guessing:.3f}). A smaller --learning-rate may help"
    else:
        meaning = f"as uncertain as a choice between {math.exp(loss):.1f} characters"
        if loss > best + 0.1:
            meaning += f". It was {best:.3f} at iteration {iterations[losses.index(best)]:,}: "
            meaning += "a smaller --learning-rate may help"
    console.print(f"Smoothed loss after {iterations[-1]:,} iterations: {loss:.3f} nats per character, {meaning}.\n")
    list_files(run)
    console.out(f"\nMore text:  {command('sample', run.folder, '--temperature', 0.5)}", highlight=False)


def reproduce_recipe(
    recipe: Annotated[
        str, typer.Argument(help=f"One of {', '.join(RECIPES)}.", metavar="RECIPE", callback=one_of(RECIPES))
    ],
    iterations: Annotated[int, number("Recipe", "How many windows to read.")] = 1000,
    units: Annotated[int, number("Recipe", "Hidden size.")] = minimal_rnn.Settings.units,
    seed: Seed = 0,
    program: Annotated[
        bool, option("Recipe", "Only print the plain program, as a file that runs by itself.", "--program")
    ] = False,
    threads: Threads = None,
) -> None:
    """Run a recipe both as a plain NumPy program and in nnlite, and compare the numbers.

    Both run in float64, and each iteration starts from the same weights: losses, gradients and updated weights agree to
    12 digits. The last column shows the plain program left alone from the first iteration: rounding errors grow, and
    after some tens of iterations it has learned other weights, which are just as good.

    Examples:

        nnlite reproduce minimal-rnn
        nnlite reproduce minimal-rnn --program > minimal_rnn.py
    """
    if program:
        print(Path(plain_rnn.__file__).read_text(encoding="utf-8"), end="")
        return
    pairs: list[Pair] = []
    table = Table("iteration", "plain NumPy", "nnlite", "difference", "left alone", box=None, padding=(0, 2, 0, 0))
    for column in table.columns:
        column.justify = "right"
    shown = {0, 9, 99, *range(199, iterations, max(100, iterations // 1000 * 100)), iterations - 1}
    for pair in reproduce(iterations, units, seed):
        pairs.append(pair)
        if pair.iteration in shown:
            table.add_row(
                f"{pair.iteration + 1:,}", f"{pair.plain_loss:.12f}", f"{pair.loss:.12f}", f"{pair.difference:.1e}",
                f"{pair.alone:.6f}",
            )  # fmt: skip
    console.print("Loss of a window, summed over its characters, in float64:\n")
    console.print(table)
    _judge(pairs)


def _judge(pairs):
    """Print the largest differences, and the time of an iteration; refuse losses that differ by over `TOLERANCE`."""
    # NumPy's largest number is NaN where one of them is; that of Python's max depends on their order.
    losses, gradients, weights = np.max([(pair.difference, pair.gradients, pair.weights) for pair in pairs], axis=0)
    console.print(
        f"\nLargest difference in {len(pairs):,} iterations: {losses:.1e} between two losses, {gradients:.1e} between "
        f"two gradients, {weights:.1e} between two weights after an update."
    )
    plain, ours = (sorted(times)[len(pairs) // 2] for times in zip(*(pair[-2:] for pair in pairs), strict=True))
    console.print(
        f"An iteration takes {1e3 * plain:.2f} ms in plain NumPy and {1e3 * ours:.2f} ms in nnlite, both float64."
    )
    if not losses <= TOLERANCE:  # so that NaN is refused, too
        raise ValueError(
            f"losses: expected a difference of at most {TOLERANCE:g}, got {losses:.1e}: one of the programs is wrong"
        )
