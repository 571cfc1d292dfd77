"""Options shared by several commands, and helpers to declare options."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any

import typer

import nnlite


def option(panel: str, help: str, *flags: str, **kwargs: Any) -> Any:
    """An option, in a panel of the help."""
    return typer.Option(*flags, help=help, rich_help_panel=panel, **kwargs)


def number(panel: str, help: str, *flags: str, **kwargs: Any) -> Any:
    """A number of at least 1, unless `min` says otherwise."""
    return option(panel, help, *flags, **{"metavar": "N", "min": 1} | kwargs)


def one_of(names: Collection[str]) -> Callable[[str], str]:
    """A check that a value is one of several names."""

    def check(value: str) -> str:
        if value not in names:
            raise typer.BadParameter(f"expected one of {', '.join(names)}, got {value!r}")
        return value

    return check


def choice(panel: str, help: str, names: Collection[str]) -> Any:
    """One of several names."""
    return option(panel, f"{help} One of {', '.join(names)}.", metavar="NAME", callback=one_of(names))


def out(name: str) -> Any:
    """The --out of a command whose run folders are runs/name, runs/name-2 and so on."""
    help = f"Where to write; by default runs/{name} or the next free name like it."
    return option("Run folder", help, metavar="FOLDER")


TEMPERATURES = [1.5, 0.75, 0.25]  # of `nnlite next` and `nnlite stats`
BOLD = "How freely the model chooses: at 0.25 it repeats itself, at 1.5 it stammers. Repeat it for more poems."

TextFile = Annotated[
    Path | None, option("Data", "A text of your own to learn from; by default the sonnets.", "--text", metavar="FILE")
]
ENCODING = "How the file stores its characters, such as cp1252, utf-16 or shift_jis."
Encoding = Annotated[str, option("Data", ENCODING, "--encoding", metavar="NAME")]
RESUME = "Resume the run in --out, by default the last one, where it was stopped."
Resume = Annotated[bool, option("Run folder", RESUME, "--resume")]
ResumeOrExtend = Annotated[
    bool, option("Run folder", f"{RESUME} With more --epochs a finished run is trained on.", "--resume")
]
Force = Annotated[bool, option("Run folder", "Overwrite the run in --out.", "--force")]
Seed = Annotated[int, number("Learning", "Random seed: the same seed gives the same result.", min=0)]


def use_threads(n: int | None) -> int | None:
    """Set the number of threads if the option was given."""
    if n is not None:
        nnlite.set_num_threads(n)
    return n


CORES = "CPU cores to use; by default all. The result is the same bits for any number."
Threads = Annotated[int | None, number("Machine", CORES, max=1024, callback=use_threads)]
