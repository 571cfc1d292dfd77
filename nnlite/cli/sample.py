"""nnlite sample: write a poem. nnlite next: look at the choice of one character."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from nnlite.plot import character_name
from nnlite.text import compare_temperatures, generate, next_characters

from .options import Threads, number, option, use_threads
from .runs import console, open_writer

COLUMN = (
    40  # characters that a poem needs, to stand beside others: most lines of a sonnet are a little longer or shorter
)

Unknown = StrEnum("Unknown", {name: name for name in ("error", "skip")})

Run = Annotated[Path | None, typer.Argument(help="Run folder; by default the last one under runs/.", metavar="RUN")]
SeedText = Annotated[
    str | None,
    option(
        "Poem",
        r"What the model reads first; write \n for a line break. May be empty.",
        show_default="shall i compare ..., or a line of your text",
        metavar="TEXT",
    ),
]
TopK = Annotated[int | None, number("Choice", "Choose from the N likeliest characters alone.")]
TopP = Annotated[
    float | None,
    number("Choice", "Choose from the likeliest characters alone that have this probability together.", min=0, max=1),
]
Skip = Annotated[
    Unknown,
    option("Poem", "What to do with characters that the model does not know: error, skip.", metavar="NAME"),
]


def sample(
    run: Run = None,
    seed_text: SeedText = None,
    unknown: Skip = Unknown.error,
    length: Annotated[int, number("Poem", "Characters to write; a sonnet has about 600.", min=0)] = 600,
    temperature: Annotated[
        list[float],
        number("Choice", "How bold a poem is: 0.25 repeats itself, 1.5 stammers. Repeat it for more poems.", min=0),
    ] = (0.75,),
    top_k: TopK = None,
    top_p: TopP = None,
    seed: Annotated[int | None, number("Poem", "Write the same poem again; by default each one is new.", min=0)] = None,
    threads: Threads = None,
):
    """Let a trained model write a poem, or one at each of several temperatures.

    Low temperatures give common words, over and over; at 0 the likeliest character, always; at 1 the model writes as it
    reads; high ones dare rare letters. Several poems stand side by side where the window is wide enough, each with its
    entropy: how open the choice of a character was. A choice of H nats is one between exp(H) equally likely characters.

    Examples:

        nnlite sample
        nnlite sample runs/sonnets --temperature 1.5 --temperature 0.75 --temperature 0.25 --seed 1
        nnlite sample --seed-text "my love is" --length 200 --top-k 5
    """
    use_threads(threads)
    trained, start = opened(run, seed_text, unknown)
    choice = {"top_k": top_k, "top_p": top_p}
    if len(temperature) == 1:  # the poem and nothing else, for others to read on
        poem = generate(trained.saved_model(), trained.vocabulary, start, length, temperature[0], seed, **choice)
        console.print(Text(start + poem))
        return
    poems = compare_temperatures(trained.saved_model(), trained.vocabulary, start, length, temperature, seed, **choice)
    show_beside(poems, start) if console.width >= (COLUMN + 3) * len(poems) else show_below(poems, start)


def next_character(
    run: Run = None,
    seed_text: SeedText = None,
    unknown: Skip = Unknown.error,
    temperature: Annotated[list[float], number("Choice", "At which to look. Repeat it for more.", min=0)] = (
        1.5,
        0.75,
        0.25,
    ),
    top: Annotated[int, number("Choice", "How many characters to show.")] = 10,
    top_k: TopK = None,
    top_p: TopP = None,
    threads: Threads = None,
):
    """Show what a trained model would write next, and with which probability at each temperature.

    The order of the characters is the model's; a temperature only says how far apart they are.

    Examples:

        nnlite next
        nnlite next runs/sonnets --seed-text "shall i compare th" --top 5
    """
    use_threads(threads)
    trained, start = opened(run, seed_text, unknown)
    model = trained.saved_model()
    rows = next_characters(model, trained.vocabulary, start, temperature, top, top_k=top_k, top_p=top_p)
    table = Table("after this text", box=None, pad_edge=False)
    for t in temperature:
        table.add_column(f"temperature {t:g}", justify="right")
    for character, probabilities in rows:
        table.add_row(Text(character_name(character)), *(f"{100 * p:.2f} %" for p in probabilities))
    if rows and len(rows) < len(trained.vocabulary):
        others = [max(0.0, 1 - sum(column)) for column in zip(*(row.probabilities for row in rows), strict=True)]
        table.add_row(
            f"{len(trained.vocabulary) - len(rows)} others", *(f"{100 * p:.2f} %" for p in others), style="dim"
        )
    console.print(Text(f"{start[-60:]!r}"), end="\n\n")
    console.print(table, soft_wrap=False)


def opened(run, seed_text, unknown):
    """A trained model's run, and what it is to read, without what it does not know where that is to be skipped."""
    trained = open_writer(run)
    start = trained.seed_text if seed_text is None else seed_text.replace("\\n", "\n")
    return trained, trained.vocabulary.decode(trained.vocabulary.encode(start, unknown))


def heading(poem):
    return f"temperature {poem.temperature:g}, entropy {poem.entropy:.2f} nats per character"


def show_below(poems, start):
    """Print poems one below the other."""
    for poem in poems:
        console.print(Rule(heading(poem), align="left", style="dim"))
        console.print(Text(start + poem.text), end="\n\n")


def show_beside(poems, start):
    """Print poems side by side."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for poem in poems:
        table.add_column(heading(poem).replace(", ", "\n"), ratio=1, overflow="fold")
    table.add_row(*(Text(start + poem.text) for poem in poems))
    console.print(table, soft_wrap=False)
