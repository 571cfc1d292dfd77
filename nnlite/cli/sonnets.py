"""nnlite train: learn the sonnets."""

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.rule import Rule
from rich.text import Text

from nnlite.experiment import Corpus, MinimalRNN, Sonnets, kind_of, sonnets

from .minimal_rnn import Recipe, train_minimal_rnn
from .options import Force, Resume, Seed, Threads, choice, number, option, out, use_threads
from .runs import begin, command, console, list_files, stoppable

Dtype = StrEnum("Dtype", {name: name for name in ("float32", "float64")})
Optimizer = StrEnum("Optimizer", {name: name for name in sonnets.OPTIMIZERS})
Schedule = StrEnum("Schedule", {name: name for name in sonnets.SCHEDULES})
Settings = Sonnets.Settings


def train(
    context: typer.Context,
    recipe: Annotated[
        Recipe | None,
        option(
            "Model",
            "Train by a published recipe instead: minimal-rnn, a vanilla RNN of 100 units. It has --units, --length, "
            "--optimizer, --learning-rate, --iterations and --seed, with defaults of its own, and --text.",
            metavar="NAME",
        ),
    ] = None,
    units: Annotated[int, number("Model", "How many numbers each LSTM remembers.")] = Settings.units,
    layers: Annotated[int, number("Model", "LSTMs above one another.")] = Settings.layers,
    dropout: Annotated[
        float, number("Model", "Part of an LSTM's outputs to drop, 0 to 1: against learning by heart.", min=0)
    ] = Settings.dropout,
    dtype: Annotated[Dtype, choice("Model", "Precision: float32, float64.")] = Settings.dtype,
    text: Annotated[
        Path | None,
        option("Data", "A text of your own to learn from, in UTF-8; by default the sonnets.", metavar="FILE"),
    ] = None,
    length: Annotated[int, number("Data", "Characters in a window, the piece that it learns from.")] = Settings.length,
    step: Annotated[int, number("Data", "Characters from one window's start to the next's.")] = Settings.step,
    carry: Annotated[
        int,
        number(
            "Data",
            "How many windows in a row an LSTM reads without forgetting, so that it learns what is longer than a "
            "window, such as how long a line is; then its state starts from zeros. 1: it does in every window.",
        ),
    ] = Settings.carry,
    batch_size: Annotated[int, number("Data", "Windows in one step of learning.")] = Settings.batch_size,
    epochs: Annotated[int, number("Learning", "How often to read all windows.")] = Settings.epochs,
    optimizer: Annotated[
        Optimizer, choice("Learning", "How a gradient becomes a step: adam, adamw, rmsprop, adagrad, sgd.")
    ] = Settings.optimizer,
    learning_rate: Annotated[float, number("Learning", "Size of the steps; of the largest.", min=0)] = (
        Settings.learning_rate
    ),
    iterations: Annotated[
        int | None, number("Learning", "With --recipe: how many windows to read, one at a time; by default 30,000.")
    ] = None,
    schedule: Annotated[
        Schedule,
        choice(
            "Learning",
            "The learning rate over time. cosine: down to 0 along half a wave; warm-up: first up, then so; step: "
            "halved four times; constant.",
        ),
    ] = Settings.schedule,
    clipnorm: Annotated[float, number("Learning", "Cut longer gradients to this length; 0: never.", min=0)] = (
        Settings.clipnorm
    ),
    seed: Seed = Settings.seed,
    temperature: Annotated[
        list[float],
        number("Poems", "How bold a poem is: 0.25 repeats itself, 1.5 stammers. Repeat it for more poems.", min=0),
    ] = Settings.temperatures,
    out: out("sonnets") = None,
    resume: Resume = False,
    force: Force = False,
    threads: Threads = None,
):
    """Learn Shakespeare's sonnets, or a text of your own, character by character, then write poems.

    The last 16 sonnets are held out, or about the last tenth of your own text: the model does not learn from them. Its
    loss on them, val_loss, tells how well it predicts what it has never seen, in nats per character, in windows that
    each start from a state of zeros: of the sonnets, 3.638 is guessing. The model with the best one is kept.

    Examples:

        nnlite train
        nnlite train --units 100 --epochs 5 --out runs/small
        nnlite train --text faust.txt
        nnlite train --carry 1
        nnlite train --recipe minimal-rnn --units 150
        nnlite train --resume
    """
    use_threads(threads)
    if recipe or (resume and out and kind_of(out) == MinimalRNN.kind):
        train_minimal_rnn(context, out, resume, force, text)
        return
    if iterations is not None:
        raise typer.BadParameter("only a --recipe has it: use --epochs", param_hint="--iterations")
    corpus = Corpus.from_file(text) if text else None
    run = begin(Sonnets, {**context.params, "temperatures": tuple(temperature)}, context, out, resume, force, corpus)
    with stoppable(run, context):
        introduce(run)
        history = run.fit().history
        run.draw(history)
        show(run.write_poems())
        run.write_report(history)
    conclude(run, history)


def introduce(run):
    """Print what will be learned from, and by which model."""
    s, ((x, _), _) = run.settings, run.data()
    carried = f", and the state is carried through {s.carry} of them" if s.carry > 1 else ""
    console.print(
        f"{run.corpus.title}: {run.corpus.describe(s.length)}. {len(x):,} windows of {s.length} characters "
        f"each{carried}."
    )
    run.model().summary()


def show(temperatures_and_poems):
    """Print poems, each under its temperature."""
    for temperature, poem in temperatures_and_poems:
        console.print(Rule(f"temperature {temperature:g}", align="left", style="dim"))
        console.print(Text(poem), end="\n\n")


def conclude(run, history):
    """Print what was reached, and where everything is."""
    best = min(history["val_loss"])
    epoch, guessing = history["val_loss"].index(best) + 1, run.landmarks.uniform
    if best < guessing:
        loss, meaning = f"{best:.3f}", f"to be as unsure as between {math.exp(best):.1f} characters. "
        meaning += f"Read in one go, not in windows that start from nothing, it is {run.loss_in_one_go():.3f}."
    else:
        loss, meaning = f"{best:.3g}", f"no better than guessing, {guessing:.3f}. A smaller --learning-rate may help."
    console.print(f"Best after epoch {epoch}: a validation loss of {loss} nats per character, which is {meaning}\n")
    list_files(run)
    report = (run.folder / "report.html").resolve().as_uri()
    console.print(f"\nTo look at:  {report}")
    console.out(f"More poems:  {command('sample', run.folder, '--temperature', 0.5)}", highlight=False)
