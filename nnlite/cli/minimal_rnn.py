"""nnlite train --recipe minimal-rnn, and nnlite reproduce minimal-rnn."""

import dataclasses
import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from nnlite.experiment import Corpus, MinimalRNN, minimal_rnn, plain_rnn, reproduce

from .options import Seed, Threads, number, option, use_threads
from .runs import begin, command, console, list_files, stoppable

Recipe = StrEnum("Recipe", {"minimal_rnn": MinimalRNN.kind})
SETTINGS = [field.name for field in dataclasses.fields(MinimalRNN.Settings)]
TOLERANCE = 1e-9


def train_minimal_rnn(context, out, resume, force, text):
    """What `nnlite train` does for this recipe. Of the command's options it takes those that the recipe has."""
    given = {name for name in context.params if context.get_parameter_source(name).name == "COMMANDLINE"}
    if foreign := sorted(given - {*SETTINGS, "recipe", "out", "resume", "force", "threads", "text"}):
        raise typer.BadParameter(
            f"the recipe {MinimalRNN.kind} has no such option: it has {', '.join(map(_flag, SETTINGS))}",
            param_hint=_flag(foreign[0]),
        )
    defaults = dataclasses.asdict(MinimalRNN.Settings())
    values = {name: context.params[name] if name in given else defaults[name] for name in SETTINGS}
    values["optimizer"] = str(values["optimizer"])  # not a choice among those of the other model
    corpus = Corpus.from_file(text) if text else None
    run = begin(MinimalRNN, values, context, out, resume, force, corpus)
    with stoppable(run, context):
        introduce(run)
        run.draw(run.fit(show=show).history)
    conclude(run)


def introduce(run):
    """Print what will be learned from, and by which model."""
    s, (x, _) = run.settings, run.data()
    console.print(
        f"{run.corpus.title}: {len(run.corpus.text):,} characters to learn from, in {len(x):,} windows of {s.length}, "
        f"one at a time."
    )
    run.model().summary()


def show(sample):
    """Print a sample under its place in the training."""
    iteration, smoothed, text = sample
    console.print(Rule(f"iteration {iteration:,}: {smoothed:.3f} nats per character", align="left", style="dim"))
    console.print(Text(text), end="\n\n")


def conclude(run):
    """Print what was reached, and where everything is."""
    iterations, losses = run.curve()
    loss, best, guessing = losses[-1], min(losses), run.landmarks.uniform
    meaning = f"as unsure as between {math.exp(loss):.1f} characters"
    if loss > guessing:
        meaning = f"worse than guessing, {guessing:.3f}: a smaller --learning-rate may help"
    elif loss > best + 0.1:
        meaning += (
            f", after {best:.3f} at iteration {iterations[losses.index(best)]:,}: a smaller --learning-rate may help"
        )
    console.print(f"Smoothed loss after {iterations[-1]:,} iterations: {loss:.3f} nats per character, {meaning}.\n")
    list_files(run)
    console.out(f"\nMore of its writing:  {command('sample', run.folder, '--temperature', 0.5)}", highlight=False)


def reproduce_recipe(
    recipe: Annotated[Recipe, typer.Argument(help=f"What to reproduce: {MinimalRNN.kind}.", metavar="RECIPE")],
    iterations: Annotated[int, number("Recipe", "How many windows to read.")] = 1000,
    units: Annotated[int, number("Recipe", "Hidden size.")] = minimal_rnn.Settings.units,
    seed: Seed = 0,
    program: Annotated[
        bool, option("Recipe", "Print the plain program instead, as a file that runs by itself.", "--program")
    ] = False,
    threads: Threads = None,
):
    """Run a recipe as a plain NumPy program beside nnlite, and compare the numbers.

    Both in float64, each iteration from the same weights: the losses, the gradients and the weights after the update
    agree to 12 digits. The last column shows the plain program left alone from the first iteration on: rounding errors
    grow, and after some tens of iterations it learns just as well, but other weights.

    Examples:

        nnlite reproduce minimal-rnn
        nnlite reproduce minimal-rnn --program > minimal_rnn.py
    """
    if program:
        print(Path(plain_rnn.__file__).read_text(encoding="utf-8"), end="")
        return
    use_threads(threads)
    pairs = []
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
    """Print the largest differences, and what an iteration takes.

    Raises:
        ValueError: the two do not agree.
    """
    losses, gradients, weights = (
        max(getattr(pair, name) for pair in pairs) for name in ("difference", "gradients", "weights")
    )
    console.print(
        f"\nLargest difference in {len(pairs):,} iterations: {losses:.1e} between two losses, {gradients:.1e} between "
        f"two gradients, {weights:.1e} between two weights after an update."
    )
    plain, ours = (sorted(times)[len(pairs) // 2] for times in zip(*(pair[-2:] for pair in pairs), strict=True))
    console.print(
        f"An iteration takes {1e3 * plain:.2f} ms in plain NumPy and {1e3 * ours:.2f} ms in nnlite, both float64."
    )
    if not losses <= TOLERANCE:  # NaN is no agreement either
        raise ValueError(
            f"the losses differ by {losses:.1e}, which is more than {TOLERANCE:g}: one of the two is wrong"
        )


def _flag(name):
    return f"--{name.replace('_', '-')}"
