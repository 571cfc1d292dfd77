"""nnlite train: learn the sonnets."""

import math
from pathlib import Path
from typing import Annotated

import typer

from nnlite.distributed import mpi
from nnlite.experiment import Sonnets, sonnets
from nnlite.experiment.sonnets import Outcome

from .options import BOLD, Encoding, Force, ResumeOrExtend, Seed, TextFile, Threads, choice, number, option, out
from .runs import begin, command, console, list_files, show, stoppable

Settings = Sonnets.Settings
TEMPERATURES = list(Settings.temperatures)


def train(
    context: typer.Context,
    units: Annotated[int, number("Model", "Units of each LSTM.")] = Settings.units,
    layers: Annotated[int, number("Model", "Number of stacked LSTMs.")] = Settings.layers,
    dropout: Annotated[
        float, number("Model", "Fraction of an LSTM's outputs set to 0 in training, against overfitting.", min=0)
    ] = Settings.dropout,
    dtype: Annotated[str, choice("Model", "Precision.", ("float32", "float64"))] = Settings.dtype,
    text: TextFile = None,
    encoding: Encoding = "utf-8",
    length: Annotated[int, number("Data", "Characters in a window.")] = Settings.length,
    step: Annotated[int, number("Data", "Characters from one window's start to the next's.")] = Settings.step,
    carry: Annotated[
        int,
        number(
            "Data",
            "Reset an LSTM's state to zeros after this number of windows in a row. With more than 1 it can learn what "
            "is longer than a window, such as the length of a line.",
        ),
    ] = Settings.carry,
    batch_size: Annotated[int, number("Data", "Windows in a batch.")] = Settings.batch_size,
    epochs: Annotated[int, number("Learning", "Passes over all windows.")] = Settings.epochs,
    optimizer: Annotated[
        str, choice("Learning", "How a gradient becomes a step.", sonnets.OPTIMIZERS)
    ] = Settings.optimizer,
    learning_rate: Annotated[float, number("Learning", "The largest learning rate.", min=0)] = Settings.learning_rate,
    schedule: Annotated[
        str,
        choice(
            "Learning",
            "The learning rate over time. cosine: decays to 0 along half a cosine wave; warm-up: rises first, then "
            "decays likewise; step: is halved four times; constant: does not change.",
            sonnets.SCHEDULES,
        ),
    ] = Settings.schedule,
    clipnorm: Annotated[float, number("Learning", "Largest norm of the gradients; 0: no limit.", min=0)] = (
        Settings.clipnorm
    ),
    seed: Seed = Settings.seed,
    temperatures: Annotated[list[float], number("Poems", BOLD, "--temperature", min=0)] = TEMPERATURES,
    film: Annotated[
        bool,
        option(
            "Poems", "Keep what the model makes of a line at 19 moments of its training, for `nnlite play`.", "--film"
        ),
    ] = Settings.film,
    out: Annotated[Path | None, out("sonnets")] = None,
    resume: ResumeOrExtend = False,
    force: Force = False,
    threads: Threads = None,
) -> None:
    """Learn Shakespeare's sonnets, or a text of your own, character by character, then write poems.

    The last 16 sonnets, or about the last tenth of your own text, are held out for validation. val_loss is the loss on
    them, in nats per character, in windows that each start from a state of zeros; guessing has a loss of 3.638 on the
    sonnets. The model with the lowest val_loss is kept.

    Several processes train one model with `mpiexec -n 2 python -m mpi4py -m nnlite train`.

    Examples:

        nnlite train
        nnlite train --units 100 --epochs 5 --out runs/small
        nnlite train --text faust.txt
        nnlite train --carry 1
        nnlite train --resume
        nnlite train --resume --epochs 12
    """
    run = begin(Sonnets, context, "plot", "report")
    with stoppable(run, context):
        s = run.settings
        windows = f"{len(run.start.data[0][0]):,} training windows of {s.length} characters"
        carried = f"; the state is carried through {s.carry} of them" if s.carry > 1 else ""
        console.print(f"{run.corpus.title}: {run.description}. {windows}{carried}.")
        run.start.model.summary()
        history = run.fit().history
        if mpi.rank():  # rank 0 has the run folder
            return
        run.draw(history)
        outcome = run.outcome(history)
        for temperature, poem in run.write_poems(outcome.model):
            show(f"temperature {temperature:g}", poem)
        run.write_report(outcome)
    conclude(run, outcome)


def conclude(run: Sonnets, outcome: Outcome) -> None:
    """Print the best loss and the list of files."""
    best, guessing = outcome.best_loss, run.landmarks.uniform
    if best < guessing:
        loss, meaning = f"{best:.3f}", f"as uncertain as a choice between {math.exp(best):.1f} characters. "
        meaning += f"Without resetting the state before each window, it is {outcome.loss_in_one_go:.3f}."
    else:
        loss, meaning = f"{best:.3g}", f"no better than guessing ({guessing:.3f}). A smaller --learning-rate may help."
    console.print(
        f"The best epoch was {outcome.best_epoch}: a validation loss of {loss} nats per character, {meaning}\n"
    )
    list_files(run)
    console.print(f"\nReport:      {(run.folder / 'report.html').resolve().as_uri()}")
    console.out(f"More poems:  {command('sample', run.folder, '--temperature', 0.5)}", highlight=False)
    console.out(f"Live page:   {command('play', run.folder)}", highlight=False)
