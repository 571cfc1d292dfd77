"""nnlite play: a model as a web page."""

from pathlib import Path
from typing import Annotated

from nnlite.play import characters_page

from .options import option
from .runs import console
from .sample import Run, SeedText, Unknown, opened


def play(
    run: Run = None,
    seed_text: SeedText = None,
    unknown: Unknown = "error",
    out: Annotated[
        Path | None, option("Page", "The file to write; by default play.html in the run folder.", metavar="FILE")
    ] = None,
) -> None:
    """Write a web page that runs a trained model: one file, which needs no server and no network.

    Examples:

        nnlite play
        nnlite play runs/sonnets
        nnlite play friend.safetensors --out friend.html
    """
    model, vocabulary, start = opened(run, seed_text, unknown)
    page = characters_page(model, vocabulary, text=start)
    path = out or (run if run and run.is_dir() else Path()) / "play.html"
    path.write_text(page, encoding="utf-8")
    console.print(f"Page:  {path.resolve().as_uri()}", soft_wrap=True)
