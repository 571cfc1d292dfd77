"""Options that several commands have, and how all of them are written."""

from pathlib import Path
from typing import Annotated

import typer

import nnlite


def option(panel, help, *flags, **kwargs):
    return typer.Option(*flags, help=help, rich_help_panel=panel, **kwargs)


def number(panel, help, **kwargs):
    return option(panel, help, **{"metavar": "N", "min": 1} | kwargs)


def choice(panel, help):
    return option(panel, help, metavar="NAME")


def out(name):
    """The option of a command whose folders are runs/name, runs/name-2 and so on."""
    help = f"Where to write; by default runs/{name} or the next free name like it."
    return Annotated[Path | None, option("Run folder", help, metavar="FOLDER")]


Resume = Annotated[
    bool,
    option("Run folder", "Go on with the run in --out, by default the last, where it was stopped.", "--resume"),
]
Force = Annotated[bool, option("Run folder", "Overwrite the run in --out.", "--force")]
Seed = Annotated[int, number("Learning", "Start of all randomness: same seed, same result.", min=0)]
Threads = Annotated[
    int | None,
    number(
        "Machine", "CPU cores to use; by default all. The result is the same, bit for bit, for any number.", max=1024
    ),
]


def use_threads(n):
    if n is not None:
        nnlite.set_num_threads(n)
