"""Pages that run a model, beside the pages about them: live/sonnets.html, as `nnlite play` writes it."""

from pathlib import Path

import nnlite
from nnlite.play import characters_page
from nnlite.text import pretrained, pretrained_model


def sonnets() -> str:
    """The page of the model that ships with nnlite."""
    return characters_page(
        pretrained_model(),
        title="Shakespeare's sonnets",
        text="shall i compare thee to a summer's day?\n",
        film=pretrained.film(),
        about=f"Written by nnlite {nnlite.__version__}. The model ships with it, under its BSD 3-Clause licence.",
    )


PAGES = {"sonnets": sonnets}


def write(app, error):
    """Write each page, when all others are built."""
    if error is None and app.builder.format == "html":
        folder = Path(app.outdir, "live")
        folder.mkdir(exist_ok=True)
        for name, page in PAGES.items():
            (folder / f"{name}.html").write_text(page(), encoding="utf-8")


def setup(app):
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
