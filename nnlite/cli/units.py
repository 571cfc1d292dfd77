"""nnlite units: find the unit that follows a concept, and see what the model writes without it."""

from pathlib import Path
from typing import Annotated

from rich.table import Table
from rich.text import Text

from nnlite import extras
from nnlite.experiment import Sonnets, own_folder
from nnlite.experiment.units_report import READ, HeldUnits, hold_units, units_report
from nnlite.inspect import Units
from nnlite.inspect import units as find_units
from nnlite.inspect.hold import holdable
from nnlite.report import html
from nnlite.saving import atomic_file
from nnlite.text import clean_sonnets, read_text
from nnlite.text.files import file_name

from .options import ENCODING, Threads, number, option
from .play import own_page
from .runs import console
from .sample import Opened, Run, SeedText, Unknown, opened, show_all

POEMS, TABLE = 0.75, 1.0  # temperatures
NARROW = 37  # width of a poem: two have room in a terminal of 80 columns

Held = Annotated[
    list[int] | None,
    number("Hold", "Write two poems, one with this unit held. Repeat it for several at once.", "--hold", min=0),
]
State = Annotated[
    str | None, option("Hold", "Whose units: by default the cells of the first layer, such as lstm.c.", metavar="NAME")
]


def units(
    run: Run = None,
    hold: Held = None,
    state: State = None,
    at: Annotated[float | None, option("Hold", "Where it is held; by default at its mean.", metavar="X")] = None,
    out: Annotated[
        Path | None,
        option("Hold", "The page; by default in units/ of the run folder, or here.", metavar="FILE"),
    ] = None,
    text: Annotated[
        Path | None,
        option("Text", "What it reads; by default the text of its run, or the sonnets.", "--text", metavar="FILE"),
    ] = None,
    encoding: Annotated[str, option("Text", ENCODING, "--encoding", metavar="NAME")] = "utf-8",
    length: Annotated[int, number("Writing", "Characters that the model writes each time.")] = 800,
    temperature: Annotated[
        float | None,
        number("Writing", "How freely it chooses; by default 0.75 for poems, and 1 for the table.", min=0),
    ] = None,
    seed_text: SeedText = None,
    unknown: Unknown = "error",
    seed: Annotated[int, number("Writing", "Random seed: the same seed writes the same.", min=0)] = 0,
    threads: Threads = None,
) -> None:
    """Find the units that follow a concept, such as the place in the line, and test whether the model needs them.

    For each concept the unit is found that tells it best on one half of the text, or on what a run was trained on. How
    well it tells is measured on the other half, or on what was held out. Then it is held at its mean while the model
    writes, and so are others in its place. A unit may know what it is not needed for.

    With --hold it writes two poems with the same random numbers, and a page with the text in the colours of the unit.

    Examples:

        nnlite units
        nnlite units runs/sonnets --hold 105
        nnlite units friend.safetensors --text poems.txt
    """
    with_hold = {"--state": state, "--at": at, "--out": out, "--seed-text": seed_text}
    if not hold and (alone := [name for name, value in with_hold.items() if value is not None]):
        raise ValueError(f"{alone[0]}: expected --hold N with it, got none: the table tests units of its own choice")
    model = opened(run, seed_text, unknown)
    finding, testing = _texts(model, read_text(text, encoding) if text else None)
    if not hold:
        found = find_units(
            model.model,
            finding,
            test=testing,
            vocabulary=model.vocabulary,
            length=length,
            temperature=TABLE if temperature is None else temperature,
            seed=seed,
        )
        _print(found)
        return
    extras.require("report")
    states = [*holdable(model.model)]
    if not states:
        raise ValueError("--hold: expected a model with an LSTM, GRU or RNN, got none in it: its units have no states")
    held = hold_units(
        model.model,
        model.vocabulary,
        state or states[0],
        list(dict.fromkeys(hold)),
        finding,
        model.start,
        value=at,
        length=length,
        temperature=POEMS if temperature is None else temperature,
        rng=seed,
    )
    poems = {"as it is": held.free, held.held_at: held.held}
    show_all({f"{held.name}, {how}": held.start + poem for how, poem in poems.items()}, NARROW)
    if text:
        shown, source = finding, file_name(text)
    else:
        shown, source = testing or finding, "the held-out text" if testing else "the text"
    page = html(units_report(model.model, model.vocabulary, held, shown, source)).encode(errors="replace")
    path = out or _place(model, held)
    if out is None:
        path.parent.mkdir(exist_ok=True)
    atomic_file.write(own_page(path, "nnlite"), page)
    console.print(Text(f"\nThe text in its colours: {path.absolute().as_uri()}"), soft_wrap=True)


def _texts(model: Opened, text: str | None) -> tuple[str, str | None]:
    """What units are found in, and what they are tested on; None for the other half of the first."""
    if text is not None:
        return text, None
    if model.run is None:
        sonnets = clean_sonnets()
        if not set(sonnets) <= set(model.vocabulary.characters):
            raise ValueError("--text: expected a text, got none, and the model does not know the sonnets: --text FILE")
        return sonnets, None
    if isinstance(model.run, Sonnets):
        training, held_out = model.run.parts
        return training[:READ], held_out
    return model.run.corpus.text, None  # the minimal recipe holds nothing out


def _print(found: Units) -> None:
    """Print the table, in a narrow terminal in two parts; elsewhere in whole lines, for other programs."""
    text = str(found)
    if not console.is_terminal or console.width >= max(map(len, text.split("\n"))):
        console.print(Text(text))
        return
    for part in (slice(1, 6), slice(6, 10)):
        header, *rows = ((row[0], *row[part]) for row in found.rows)
        table = Table(*header, box=None, pad_edge=False)
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(table, soft_wrap=False)
        console.print()
    console.print(Text("\n".join(found.notes)))


def _place(model: Opened, held: HeldUnits) -> Path:
    name = f"{held.state}-{'-'.join(map(str, held.units))}.html"
    return own_folder(model.run.folder / "units") / name if model.run else Path(name)
