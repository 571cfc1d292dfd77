"""nnlite play: a model as a web page."""

from pathlib import Path
from typing import Annotated

from nnlite import Sequential, __version__, load_model
from nnlite.experiment import Digits, ExperimentError, find_runs, kind_of
from nnlite.experiment.film import read_film
from nnlite.play import characters_page, digits_page
from nnlite.play.network import FIRST
from nnlite.saving import atomic_file
from nnlite.text import pretrained

from .options import option
from .runs import WRITERS, console, is_model_file, open_writer, remark, require_mark
from .sample import Run, SeedText, Unknown, opened

PAGE = "play.html"
HEAD = 2000  # bytes


def play(
    run: Run = None,
    seed_text: SeedText = None,
    unknown: Unknown = "error",
    out: Annotated[
        Path | None,
        option("Page", f"Where to write; by default {PAGE} in the run folder, or in this folder.", metavar="FILE"),
    ] = None,
) -> None:
    """Write a web page that runs a trained model: one file, without a server and without a network.

    Type a line, and see gates, cells and the probabilities of the next character move with each letter. Let the model
    write on, hold a cell and see what the poem loses, follow the gradients backward through the line. A training with
    --film also shows how it learned.

    Of a model of images: draw a digit, and see the maps of every layer, how each number of them is computed, and what
    a pool keeps of a shift.

    Examples:

        nnlite play
        nnlite play runs/sonnets
        nnlite play runs/digits
        nnlite play friend.safetensors --out friend.html
    """
    about = f"Written by nnlite {__version__}."
    if run is None:
        run = next((last for last in reversed(find_runs()) if kind_of(last) in (Digits.kind, *WRITERS)), None)
        if run:
            remark(f"The run is {run}.")
    images = run and model_of_images(run)
    if run and images:
        if seed_text is not None:
            raise ExperimentError(f"--seed-text: expected none, as the model of {run} reads images")
        about += f" The model is that of {run}."
        page = digits_page(images, kicker=f"nnlite play · {run.name}", about=about)
        write(page, out or (run if run.is_dir() else Path()) / PAGE)
        return
    model, vocabulary, start, *_ = opened(run, seed_text, unknown)
    folder, title, kicker, film = Path(), model.name, "nnlite play", None
    if run is None:  # in the box
        title, film = "Shakespeare's sonnets", pretrained.film()
        about += " The model ships with nnlite, under its BSD 3-Clause licence. Your own: nnlite train --film"
    elif is_model_file(run):
        kicker = f"nnlite play · {run.name}"
    else:
        folder, trained = run, open_writer(run)
        title, kicker, film = trained.corpus.title, f"nnlite play · {folder.name}", read_film(trained)
        about += f" The model is that of {folder}."
    page = characters_page(model, vocabulary, title=title, kicker=kicker, text=start, film=film, about=about)
    write(page, out or folder / PAGE)


def model_of_images(run: Path) -> Sequential | None:
    """The model of a run on digits, or of a file with a model of images; None where it is one of texts."""
    if kind_of(run) == Digits.kind:
        return Digits.open(run).saved_model()
    if not is_model_file(run):
        return None
    model = load_model(run)
    return None if model.vocabulary or isinstance(next(iter(model.layers), None), FIRST) else model


def write(page: str, path: Path) -> None:
    """Write the page, and say where it is."""
    path, data = own_page(path), page.encode(errors="replace")  # a folder's name may be no text
    atomic_file.write(path, data)
    console.print(f"{len(data) / 1e6:.2f} MB, which need no network:  {path.resolve().as_uri()}", soft_wrap=True)


def own_page(path: Path, by: str = "nnlite play") -> Path:
    """The path, if nothing is there but an older page by the same: nnlite play, or nnlite, which writes all reports.

    Raises:
        ExperimentError: it is another file, a link, or no file.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise ExperimentError(f"--out: expected the name of a file, got {path}: it is a link, or no file")
    mark = f'<meta name="generator" content="{by}">'.encode()
    require_mark(path, mark, HEAD, f"a page of {by}", "name another by --out")
    if not path.parent.is_dir():
        raise ExperimentError(f"--out: there is no folder {path.parent}: make it first")
    return path
