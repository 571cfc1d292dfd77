"""The command `nnlite`: a thin skin over `nnlite.experiment`, `nnlite.text` and `nnlite.machine`."""

import dataclasses
import math
import os
import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

import nnlite
from nnlite import CheckpointError, NonFiniteLossError, experiment, machine
from nnlite.experiment import Experiment, ExperimentError, Settings
from nnlite.text import generate, poems

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown"
)
console = Console(highlight=False, soft_wrap=True)

Dtype = StrEnum("Dtype", {name: name for name in ("float32", "float64")})
Optimizer = StrEnum("Optimizer", {name: name for name in experiment.OPTIMIZERS})
Schedule = StrEnum("Schedule", {name: name for name in experiment.SCHEDULES})


def option(panel, help, *flags, **kwargs):
    return typer.Option(*flags, help=help, rich_help_panel=panel, **kwargs)


def number(panel, help, **kwargs):
    return option(panel, help, **{"metavar": "N", "min": 1} | kwargs)


def choice(panel, help):
    return option(panel, help, metavar="NAME")


Threads = Annotated[
    int | None,
    number(
        "Machine", "CPU cores to use; by default all. The result is the same, bit for bit, for any number.", max=1024
    ),
]


@app.callback()
def nnlite_command():
    """Train a small network to write like Shakespeare, and read what it writes.

    Start with `nnlite train`: half a minute of learning, then poems.
    """


@app.command()
def train(
    context: typer.Context,
    units: Annotated[int, number("Model", "How many numbers each LSTM remembers.")] = Settings.units,
    layers: Annotated[int, number("Model", "LSTMs above one another.")] = Settings.layers,
    dropout: Annotated[
        float, number("Model", "Part of an LSTM's outputs to drop, 0 to 1: against learning by heart.", min=0)
    ] = Settings.dropout,
    dtype: Annotated[Dtype, choice("Model", "Precision: float32, float64.")] = Settings.dtype,
    length: Annotated[int, number("Data", "Characters in a window, the piece that it learns from.")] = Settings.length,
    step: Annotated[int, number("Data", "Characters from one window's start to the next's.")] = Settings.step,
    batch_size: Annotated[int, number("Data", "Windows in one step of learning.")] = Settings.batch_size,
    epochs: Annotated[int, number("Learning", "How often to read all windows.")] = Settings.epochs,
    optimizer: Annotated[
        Optimizer, choice("Learning", "How a gradient becomes a step: adam, adamw, rmsprop, adagrad, sgd.")
    ] = Settings.optimizer,
    learning_rate: Annotated[float, number("Learning", "Size of the steps; of the largest.", min=0)] = (
        Settings.learning_rate
    ),
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
    seed: Annotated[int, number("Learning", "Start of all randomness: same seed, same result.", min=0)] = Settings.seed,
    temperature: Annotated[
        list[float],
        number("Poems", "How bold a poem is: 0.25 repeats itself, 1.5 stammers. Repeat it for more poems.", min=0),
    ] = Settings.temperatures,
    out: Annotated[
        Path | None,
        option(
            "Run folder", "Where to write; by default runs/sonnets or the next free name like it.", metavar="FOLDER"
        ),
    ] = None,
    resume: Annotated[
        bool,
        option("Run folder", "Go on with the run in --out, by default the last, where it was stopped.", "--resume"),
    ] = False,
    force: Annotated[bool, option("Run folder", "Overwrite the run in --out.", "--force")] = False,
    threads: Threads = None,
):
    """Learn Shakespeare's sonnets character by character, then write poems.

    The last 16 sonnets are held out: the model does not learn from them. Its loss on them, val_loss, tells how well it
    predicts what it has never seen, in nats per character: 3.638 is guessing. The model with the best one is kept.

    Examples:

        nnlite train
        nnlite train --units 100 --epochs 5 --out runs/small
        nnlite train --resume
    """
    use_threads(threads)
    values = {**context.params, "temperatures": tuple(temperature)}
    settings = Settings(**{field.name: values[field.name] for field in dataclasses.fields(Settings)})
    run = (resumed(out, settings, context) if resume else None) or started(out, settings, force)
    try:
        introduce(run)
        history = run.fit().history
        run.draw(history)
        show(run.write_poems())
    except KeyboardInterrupt:
        console.print(f"\nStopped. {run.folder} keeps what was learned until the last complete epoch. To go on:\n")
        console.print(f"  {command()} train --resume --out {run.folder}", markup=False)
        raise typer.Exit(130) from None
    conclude(run, history)


def resumed(folder, settings, context):
    """The run to go on with; None where there is none. Options may be repeated, but they may not contradict it."""
    runs = [folder] if folder else experiment.find_runs()[-1:]
    if not runs or not Experiment(runs[0]).exists:
        return None
    run = Experiment.open(runs[0])
    for field in dataclasses.fields(Settings):
        theirs, ours, name = getattr(run.settings, field.name), getattr(settings, field.name), option_name(field.name)
        if theirs != ours and context.get_parameter_source(name).name == "COMMANDLINE":
            raise typer.BadParameter(
                f"{run.folder} was started with {plain(theirs)}, got {plain(ours)}: leave the option out, or leave out "
                f"--resume to start another run",
                param_hint=f"--{name.replace('_', '-')}",
            )
    console.print(f"Going on with {run.folder}.")
    return run


def started(folder, settings, force):
    run = Experiment(folder or experiment.new_folder(), settings)
    if folder and run.exists and not force:
        raise typer.BadParameter(
            f"{folder} holds a run already: go on with it by --resume, overwrite it by --force, or name another",
            param_hint="--out",
        )
    run.create(overwrite=force)
    return run


def introduce(run):
    """Print what will be learned from, and by which model."""
    s, ((x, _), _) = run.settings, run.data()
    learned = len(poems()) - experiment.HELD_OUT
    console.print(
        f"Shakespeare's sonnets: {learned} to learn from, in {len(x):,} windows of {s.length} characters, and "
        f"{experiment.HELD_OUT} to judge by."
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
        loss, meaning = f"{best:.3f}", f"to be as unsure as between {math.exp(best):.1f} characters."
    else:
        loss, meaning = f"{best:.3g}", f"no better than guessing, {guessing:.3f}. A smaller --learning-rate may help."
    console.print(f"Best after epoch {epoch}: a validation loss of {loss} nats per character, which is {meaning}\n")
    console.print(f"Written to {run.folder}:", markup=False)
    for name, content in Experiment.FILES.items():
        console.print(f"  {name:24} {content}", markup=False)
    console.print(f"\nMore poems:  {command()} sample {run.folder} --temperature 0.5", markup=False)


@app.command()
def sample(
    run: Annotated[
        Path | None, typer.Argument(help="Run folder; by default the last one under runs/.", metavar="RUN")
    ] = None,
    seed_text: Annotated[
        str,
        option(
            "Poem",
            r"What the model reads first; write \n for a line break.",
            show_default="shall i compare ...",
            metavar="TEXT",
        ),
    ] = experiment.SEED_TEXT,
    length: Annotated[int, number("Poem", "Characters to write; a sonnet has about 600.", min=0)] = 600,
    temperature: Annotated[
        list[float],
        number("Poem", "How bold a poem is: 0.25 repeats itself, 1.5 stammers. Repeat it for more poems.", min=0),
    ] = (0.75,),
    seed: Annotated[int | None, number("Poem", "Write the same poem again; by default each one is new.", min=0)] = None,
    threads: Threads = None,
):
    """Let a trained model write a poem.

    Low temperatures give common words, over and over; at 1 the model writes as it reads; high ones dare rare letters.

    Examples:

        nnlite sample
        nnlite sample runs/sonnets --temperature 0.25 --temperature 1.5 --seed 1
        nnlite sample --seed-text "my love is" --length 200
    """
    use_threads(threads)
    folder = run or next(reversed(experiment.find_runs()), None)
    if folder is None:
        raise ExperimentError(f"there is no run under runs/ yet: {command()} train makes one")
    trained, start = Experiment.open(folder), seed_text.replace("\\n", "\n")
    model = trained.best_model()
    for t in temperature:
        poem = start + generate(model, trained.vocabulary, start, length, t, seed)
        show([(t, poem)]) if len(temperature) > 1 else console.print(Text(poem))


@app.command()
def info(threads: Threads = None):
    """Show CPU, kernels, threads and versions: what a bug report should hold.

    The kernels are compiled for the instructions of one CPU; threads are the cores that they use.
    """
    use_threads(threads)
    table = Table.grid(padding=(0, 2))
    for name, value in machine.describe().items():
        table.add_row(Text(name, style="bold"), Text(value))
    console.print(table)
    if stale := machine.stale_kernels():
        console.print(f"\nEdited after the kernels were compiled: {', '.join(stale)}. Compile them: make build")


def use_threads(n):
    if n is not None:
        nnlite.set_num_threads(n)


def option_name(field):
    """The option, as a parameter of train, that gives this field of Settings."""
    return "temperature" if field == "temperatures" else field


def plain(value):
    return ", ".join(f"{v:g}" for v in value) if isinstance(value, tuple) else value


def command():
    """How the user calls this program: "nnlite", or its path where that is not on the PATH."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{Path(sys.executable).name} -m nnlite"
    found = shutil.which(called.name)
    return called.name if found and Path(found).resolve() == called.resolve() else str(called)


def main(arguments=None):
    """Run the command; every error that a user can cause becomes one line."""
    try:
        code = app(arguments, prog_name="nnlite", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except BrokenPipeError:  # as in `nnlite sample | head -1`: nobody reads on, and nothing can be said
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except UsageError as error:
        message, where = error.format_message().rstrip("."), error.ctx.command_path if error.ctx else "nnlite"
        code = fail(f"{message}. Help: {where} --help", 2) if message else 2  # without a message: help was printed
    except (CheckpointError, ExperimentError, NonFiniteLossError, MemoryError, OSError, ValueError) as error:
        if os.environ.get("NNLITE_TRACEBACK"):
            raise
        system = isinstance(error, OSError) and error.strerror
        code = fail(f"{error.filename}: {error.strerror}" if system else str(error), 1)
    sys.exit(code)


UsageError = typer.BadParameter.__base__  # of click, or of typer's own copy of it


def fail(message, code):
    """Say what is wrong in one line on stderr."""
    print(f"nnlite: {' '.join(message.split())}", file=sys.stderr)
    return code
