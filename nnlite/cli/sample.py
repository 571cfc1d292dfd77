"""nnlite sample: write poems. nnlite next: show the probabilities of the next character."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.table import Table
from rich.text import Text

from nnlite import CheckpointError, Sequential, load_model
from nnlite.experiment.corpus import SEED_TEXT
from nnlite.experiment.writer import Writer, require_writing
from nnlite.plot import character_name
from nnlite.saving.checkpoint import without_control
from nnlite.text import (
    TemperatureSample,
    Vocabulary,
    compare_temperatures,
    generate,
    next_characters,
    pretrained_model,
)

from .options import BOLD, TEMPERATURES, Threads, choice, number, option
from .runs import command, console, is_model_file, last_writer, open_writer, remark, show

COLUMN = 40  # width of a poem beside others: about that of a sonnet's lines


Run = Annotated[
    Path | None,
    typer.Argument(help="Run folder, or a model's file; by default the last run under runs/.", metavar="RUN"),
]
SeedText = Annotated[
    str | None,
    option(
        "Poem",
        r"What the model reads first; write \n for a line break. May be empty.",
        show_default="shall i compare ..., a line of your text, or a line break",
        metavar="TEXT",
    ),
]
TopK = Annotated[int | None, number("Choice", "Choose only from the N most likely characters.")]
TopP = Annotated[
    float | None,
    number("Choice", "Choose only from the most likely characters with this total probability.", min=0, max=1),
]
Unknown = Annotated[str, choice("Poem", "What to do with characters the model does not know.", ("error", "skip"))]


def sample(
    run: Run = None,
    seed_text: SeedText = None,
    unknown: Unknown = "error",
    length: Annotated[int, number("Poem", "Characters to write; a sonnet has about 600.", min=0)] = 600,
    temperature: Annotated[list[float], number("Choice", BOLD, min=0)] = [0.75],  # noqa: B006
    top_k: TopK = None,
    top_p: TopP = None,
    seed: Annotated[
        int | None, number("Poem", "Random seed, to write the same poem again; by default each one is new.", min=0)
    ] = None,
    threads: Threads = None,
) -> None:
    """Let a trained model write a poem, or one at each of several temperatures.

    Low temperatures repeat common words; 0 always takes the most likely character; 1 samples from the model's own
    probabilities; high temperatures choose rare letters. Several poems are printed side by side if the terminal is wide
    enough, each with the mean entropy of its choices: H nats are a choice between exp(H) equally likely characters.

    Examples:

        nnlite sample
        nnlite sample runs/sonnets --temperature 1.5 --temperature 0.75 --temperature 0.25 --seed 1
        nnlite sample --seed-text "my love is" --length 200 --top-k 5
        nnlite sample friend.safetensors
    """
    model, vocabulary, start, _ = opened(run, seed_text, unknown)
    if len(temperature) == 1:  # the poem alone, for other programs to read
        text = start + generate(model, vocabulary, start, length, temperature[0], seed, top_k, top_p)
        console.print(Text(without_control(text)))
        return
    poems = compare_temperatures(model, vocabulary, start, length, temperature, seed, top_k, top_p)
    show_all({heading(poem): start + poem.text for poem in poems})


def show_all(poems: Mapping[str, str], column: int = COLUMN) -> None:
    """Print poems by their headings: side by side if there is room for such columns, else one below the other."""
    if console.width < (column + 3) * len(poems):
        for head, text in poems.items():
            show(head, text)
        return
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for head in poems:
        table.add_column(head.replace(", ", "\n"), ratio=1, overflow="fold")
    table.add_row(*(Text(without_control(text)) for text in poems.values()))
    console.print(table, soft_wrap=False)


def next_character(
    run: Run = None,
    seed_text: SeedText = None,
    unknown: Unknown = "error",
    temperature: Annotated[
        list[float], number("Choice", "Temperature of a column. Repeat it for more.", min=0)
    ] = TEMPERATURES,
    top: Annotated[int, number("Choice", "How many characters to show.")] = 10,
    top_k: TopK = None,
    top_p: TopP = None,
    threads: Threads = None,
) -> None:
    """Show the most likely next characters, and their probability at each temperature.

    A temperature changes how far the probabilities lie apart, but not their order.

    Examples:

        nnlite next
        nnlite next runs/sonnets --seed-text "shall i compare th" --top 5
    """
    model, vocabulary, start, _ = opened(run, seed_text, unknown)
    rows = next_characters(model, vocabulary, start, temperature, top, top_k=top_k, top_p=top_p)
    table = Table("after this text", box=None, pad_edge=False)
    for t in temperature:
        table.add_column(f"temperature {t:g}", justify="right")
    for character, probabilities in rows:
        table.add_row(Text(character_name(character)), *(f"{100 * p:.2f} %" for p in probabilities))
    if rows and len(rows) < len(vocabulary):
        others = [max(0.0, 1 - sum(column)) for column in zip(*(row.probabilities for row in rows), strict=True)]
        table.add_row(f"{len(vocabulary) - len(rows)} others", *(f"{100 * p:.2f} %" for p in others), style="dim")
    console.print(Text(f"{start[-60:]!r}"), end="\n\n")
    console.print(table, soft_wrap=False)


class Opened(NamedTuple):
    """What writes: the model, its vocabulary, the text that it reads first, and its run; None for a model's file."""

    model: Sequential
    vocabulary: Vocabulary
    start: str
    run: Writer | None


def opened(run: Path | None, seed_text: str | None, unknown: str) -> Opened:
    """Open a run, or a model's file, which holds all that is needed: the model, its vocabulary, and the seed text.

    Without a run, and where there is none, it is the model that ships with nnlite. From the seed text unknown
    characters are removed if they are skipped.
    """
    read: Callable[[], Sequential]
    vocabulary: Vocabulary | None
    trained = None
    if run is not None and is_model_file(run):
        model, usual = load_model(run), ""
        read, vocabulary = lambda: model, model.vocabulary
        if vocabulary is None:
            raise CheckpointError(
                f"{run} has no vocabulary: it is no model of texts, or an older nnlite wrote it: give the run folder "
                f"that it is from"
            )
        require_writing(run, model, vocabulary)
    elif is_in_the_box(run):
        shipped, usual = pretrained_model(), SEED_TEXT
        read, vocabulary = lambda: shipped, shipped.vocabulary
        remark(
            f"There is no run under runs/ yet: this is the small model that nnlite ships with. {command('train')} "
            f"trains your own."
        )
    else:
        trained = open_writer(run)
        read, vocabulary, usual = trained.saved_model, trained.vocabulary, trained.seed_text
    start = usual if seed_text is None else seed_text.replace("\\n", "\n")
    start = vocabulary.decode(vocabulary.encode(start, unknown))  # before the model is read
    return Opened(read(), vocabulary, start, trained)


def is_in_the_box(run: Path | None) -> bool:
    """Whether the model that ships with nnlite is meant, as there is no other."""
    return run is None and last_writer() is None


def heading(poem: TemperatureSample) -> str:
    """The heading of a poem: temperature, and the entropy of its choices, if there were any."""
    entropy = "" if math.isnan(poem.entropy) else f", entropy {poem.entropy:.2f} nats per character"
    return f"temperature {poem.temperature:g}{entropy}"
