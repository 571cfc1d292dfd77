"""The page of a model that reads drawings: digits, or any other classes."""

from collections.abc import Sequence

import nnlite

from .digits_model import packed, steps
from .network import PlayError
from .page import html_page

PARTS = "kernel", "drawing", "paint", "written", "pad", "layers", "grids", "window", "pooling"


def digits_page(
    model: nnlite.Sequential,
    labels: Sequence[str] | None = None,
    *,
    title: str = "",
    kicker: str = "nnlite play",
    about: str = "",
) -> str:
    """The page of a model of images, as HTML: draw a digit, and watch every layer read it.

    One file that runs the model, without a server and without a network.

    Args:
        model: reads images of one size, and gives a number for each class. Its layers are convolutions, pools, Dense,
            activations, norms and what else an image passes. One of several channels gets the drawing in each.
        labels: the names of the classes, by default their numbers.
        title, kicker: the heading, and a few words above it.
        about: the last line: where the model is from.

    Raises:
        PlayError: the page cannot run the model, or there are not as many labels as classes; the message says why.

    Example:
        >>> from nnlite import Conv2D, Dense, Flatten, Sequential
        >>> from nnlite.play import digits_page
        >>> layers = [Conv2D(4, 3, activation="relu"), Flatten(), Dense(10)]
        >>> page = digits_page(Sequential(layers, input_shape=(8, 8, 1), seed=0), title="Four filters")
        >>> page.startswith("<!DOCTYPE html>"), "<h1>Four filters</h1>" in page
        (True, True)
    """
    image, found = steps(model)
    classes = found[-1]["output"][0]
    names = [*map(str, range(classes) if labels is None else labels)]
    if len(names) != classes:
        raise PlayError(f"labels: expected {classes}, one for each class, got {len(names)}")
    written, numbers = packed(found)
    return html_page(
        title or "Draw a digit",
        kicker=kicker,
        lead=(
            f"A model of {model.parameter_count:,} numbers reads what you draw, anew with every movement of the pen. "
            f"It runs in this page: nothing is sent anywhere."
        ),
        body="digits.html",
        styles=["digits.css"],
        scripts=["dom.js", *(f"digits_{part}.js" for part in PARTS), "digits.js"],
        data={"image": image, "labels": names, "steps": written, "numbers": numbers, "about": about},
    )
