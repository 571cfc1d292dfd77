"""nnlite stats: compare a text, or the text that a model writes, with its corpus."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.table import Table
from rich.text import Text

from nnlite import extras, plot
from nnlite.experiment import Corpus, ExperimentError, MinimalRNN, Sonnets, own_folder, own_place
from nnlite.plot.canvas import plain
from nnlite.saving import atomic_file
from nnlite.text import TextStatistics, clean_sonnets, compare_temperatures, read_text, text_statistics
from nnlite.text.files import file_name

from .options import ENCODING, TEMPERATURES, Threads, number, option
from .runs import command, console, open_writer


class Column(NamedTuple):
    """A text of the table."""

    name: str
    text: str
    statistics: TextStatistics
    entropy: float | None = None  # mean entropy of the choices, if a model wrote it


def stats(
    what: Annotated[
        list[Path] | None,
        typer.Argument(help="Run folder, text files, or both; by default the last under runs/.", metavar="RUN|FILE"),
    ] = None,
    temperature: Annotated[
        list[float], number("Run", "Temperature of a text that the model writes. Repeat it for more.", min=0)
    ] = TEMPERATURES,
    length: Annotated[int, number("Run", "Characters to write at each temperature.")] = 10_000,
    seed: Annotated[int, number("Run", "Random seed: the same seed gives the same texts.", min=0)] = 0,
    encoding: Annotated[str, option("Files", ENCODING, "--encoding", metavar="NAME")] = "utf-8",
    clean: Annotated[
        bool,
        option("Files", "Clean the files as the sonnets were: lower case, no blank lines, no number lines.", "--clean"),
    ] = False,
    graphemes: Annotated[
        bool,
        option(
            "Output",
            "Count characters as a reader sees them, such as a letter with its accents, instead of code points.",
            "--graphemes",
        ),
    ] = False,
    characters: Annotated[bool, option("Output", "Show the frequency of every character.", "--characters")] = False,
    out: Annotated[
        Path | None,
        option("Output", "Folder of the pictures; by default stats/ in the run folder or here.", metavar="FOLDER"),
    ] = None,
    threads: Threads = None,
) -> None:
    """Compare texts, or what a run's model writes, with the sonnets or the corpus of the run.

    The distance to the corpus is the fraction of characters that differ, 0 to 1, whatever their order. "By chance" is
    that of as many characters drawn at random from the corpus; real text has a slightly larger one. A model can hardly
    come closer than the held-out text does. A copied run is a passage that also occurs, character for character, in the
    training text.

    Examples:

        nnlite stats
        nnlite stats poem.txt --clean
        nnlite stats runs/sonnets poem.txt --characters
    """
    extras.require("plot", *(["graphemes"] if graphemes else []))
    folders, files = [p for p in what or () if p.is_dir()], [p for p in what or () if not p.is_dir()]
    if len(folders) > 1:
        raise typer.BadParameter(f"one run at a time, got {folders[0]} and {folders[1]}", param_hint="RUN")
    taken = {"corpus", *(["held-out", *(f"temperature-{t:g}" for t in temperature)] if folders or not files else [])}
    for path in files:
        name = stem(file_name(path))
        if name in taken:
            raise typer.BadParameter(
                f"two files have the same name, {name}, or it is that of another text, and so would their pictures: "
                f"rename {path}",
                param_hint="FILE",
            )
        taken.add(name)
        if path.suffix == ".safetensors" and path.is_file():
            raise ExperimentError(
                f"{path} is a model alone: to judge what it writes needs the text that it learned from: give its run "
                f"folder, or save a text of {command('sample', path)} to a file, and give that"
            )
    # Read before the model writes, so that errors show at once.
    texts = {file_name(path): read_text(path, encoding) for path in files}
    texts = {name: clean_sonnets(text) for name, text in texts.items()} if clean else texts
    run = open_writer(*folders) if folders or not files else None
    corpus = run.corpus if run else Corpus()
    columns = [Column("corpus", corpus.text, text_statistics(corpus.text, corpus.text, graphemes=graphemes))]
    columns += written(run, temperature, length, seed, graphemes) if run else []
    columns += [
        Column(name, text, text_statistics(text, corpus.text, graphemes=graphemes)) for name, text in texts.items()
    ]
    console.print(f"corpus: {corpus.title}", end="\n\n")
    console.print(table_of(columns, "graphemes" if graphemes else "characters"), soft_wrap=False)
    if characters:
        console.print()
        console.print(table_of_characters(columns), soft_wrap=False)
    console.print()
    for column in columns[1:]:
        console.print(Text(f"longest copied run, {column.name}: {column.statistics.copied.text!r}"))
    for column in columns:
        if not column.statistics.words and any(map(str.isalpha, column.text)):
            console.print(Text(f"\n{column.name} is written without spaces between words: no words are counted."))
    for column in columns[1:]:
        if corpus.text.islower() and any(map(str.isupper, column.text)):
            console.print(Text(f"\n{column.name} has capital letters, the corpus has none: try --clean."))
    draw(columns, out or (own_folder(run.folder / "stats") if run else Path("stats")))


def written(
    run: Sonnets | MinimalRNN, temperatures: Sequence[float], length: int, seed: int, graphemes: bool
) -> Iterator[Column]:
    """The held-out text, if any, and a text by the run's model at each temperature."""
    corpus, source = run.corpus.text, run.corpus.text
    if isinstance(run, Sonnets):  # the minimal recipe holds nothing out
        source, held_out = run.parts
        yield Column("held out", held_out, text_statistics(held_out, source, graphemes=graphemes))
    samples = compare_temperatures(run.saved_model(), run.vocabulary, run.seed_text, length, temperatures, seed)
    for temperature, text, entropy in samples:
        statistics = text_statistics(text, corpus, source, graphemes)
        yield Column(f"temperature {temperature:g}", text, statistics, entropy)


ROWS = {
    "characters": lambda s: f"{s.characters:,}",
    "distance to corpus": lambda s: f"{s.distance:.3f}",
    "  by chance": lambda s: f"{s.expected_distance:.3f}",
    "words": lambda s: f"{s.words:,}" if s.words else "-",
    "  in the corpus": lambda s: percent(s.known_words),
    "lines": lambda s: f"{s.lines:,}",
    "  characters, mean": lambda s: decimal(s.line_length_mean),
    "  deviation": lambda s: decimal(s.line_length_deviation),
    "  indented": lambda s: percent(s.indented_lines),
    "blank lines": lambda s: f"{s.blank_lines:,}",
    "longest copied run": lambda s: f"{len(s.copied.text):,}",
    "copied windows of 30": lambda s: percent(s.copied_windows),
}
OF_OTHERS = {"distance to corpus", "  by chance", "  in the corpus", "longest copied run", "copied windows of 30"}


def table_of(columns: Sequence[Column], unit: str = "characters") -> Table:
    """A table of the statistics, with a column for each text; the first is the corpus. `unit` is what was counted."""
    table = empty_table(columns)
    for name, show in ROWS.items():
        corpus, *others = (show(column.statistics) for column in columns)
        table.add_row(name.replace("characters", unit), "" if name in OF_OTHERS else corpus, *others)
    if any(column.entropy is not None for column in columns):
        entropies = ("" if column.entropy is None else f"{column.entropy:.2f}" for column in columns)
        table.add_row("entropy (nats/char.)", *entropies)
    return table


def table_of_characters(columns: Sequence[Column]) -> Table:
    """A table of character frequencies in percent, in the order of the corpus."""
    table = empty_table(columns)
    for character in dict.fromkeys(c for column in columns for c in column.statistics.frequencies):
        shares = (column.statistics.frequencies.get(character, 0) for column in columns)
        table.add_row(Text(plot.character_name(character)), *(f"{share:.2f} %" for share in shares))
    return table


def empty_table(columns: Sequence[Column]) -> Table:
    """A table with the names of the texts as its header."""
    table = Table(box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    for column in columns:
        table.add_column(Text(column.name), justify="right")
    return table


def stem(name: str) -> str:
    """What the pictures of a file are called."""
    return Path(name).stem.replace(" ", "-")


def draw(columns: Sequence[Column], folder: Path) -> None:
    """Draw the corpus, and each text beside it, into NAME-characters.png and NAME-lines.png."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus, *others = columns
    for drawn in ([corpus], *([column, corpus] for column in others)):
        name = drawn[0].name
        path = folder / (stem(name) if drawn[0].entropy is None else name.replace(" ", "-"))
        labels = [plain(column.name) for column in drawn]
        frequencies = [column.statistics.frequencies for column in drawn]
        picture = plot.png(plot.character_frequencies, *frequencies, labels=labels, size=(10, 4.5))
        atomic_file.write(own_place(f"{path}-characters.png"), picture)
        lines = [column.statistics.line_lengths for column in drawn]
        if all(lines):  # a text of spaces has none
            atomic_file.write(own_place(f"{path}-lines.png"), plot.png(plot.line_lengths, *lines, labels=labels))
    console.print(Text(f"\nPictures written to {folder}."))


def percent(share: float) -> str:
    """A fraction in percent."""
    return "-" if math.isnan(share) else f"{100 * share:.1f} %"


def decimal(number: float) -> str:
    """A number with one decimal."""
    return "-" if math.isnan(number) else f"{number:.1f}"
