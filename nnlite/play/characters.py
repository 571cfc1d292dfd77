"""The page of a model that writes character by character."""

from collections.abc import Mapping
from typing import Any

import numpy as np

import nnlite
from nnlite import inspect
from nnlite.text import Vocabulary, generate

from .network import RECURRENT, PlayError, network, require_sequential
from .page import html_page

WRITTEN = 2000  # characters that the model writes, to know what is usual for its units


def characters_page(
    model: nnlite.Sequential,
    vocabulary: Vocabulary | None = None,
    *,
    title: str = "",
    kicker: str = "nnlite play",
    text: str = "\n",
    film: Mapping[str, Any] | None = None,
    about: str = "",
) -> str:
    """The page of a model of characters, as HTML: one file that runs it, without a server and without a network.

    Args:
        model: maps ids to logits. Its layers are Dropout, and those of which the page has an implementation of its own:
            OneHot, Embedding, LSTM, GRU, RNN, Dense, LayerNorm, Tanh, Sigmoid, ReLU, LeakyReLU, and Softmax at the end.
        vocabulary: by default the model's own.
        title, kicker: the heading, by default the model's name, and a few words above it.
        text: what the model reads at first.
        film: the content of a run's film.json, see `nnlite train --film`.
        about: the last line: where the model is from.

    Raises:
        PlayError: the page cannot run the model, or the model has no vocabulary; the message says why.

    Example:
        >>> from nnlite.play import characters_page
        >>> from nnlite.text import pretrained_model
        >>> page = characters_page(pretrained_model(), text="shall i compare thee")
        >>> page.startswith("<!DOCTYPE html>")
        True
    """
    require_sequential(model)
    vocabulary = vocabulary or model.vocabulary
    if vocabulary is None:
        raise PlayError("model: expected one with a vocabulary, got none: set model.vocabulary, or give vocabulary=...")
    described = network(model, len(vocabulary))
    data = {
        "network": described,
        "characters": vocabulary.characters,
        "text": text,
        **_usual(model, vocabulary, [layer["name"] for layer in described["layers"]]),
        "film": film,
        "about": about,
    }
    return html_page(
        title or model.name,
        kicker=kicker,
        lead=_lead(model, vocabulary),
        body="characters.html",
        styles=["characters.css"],
        scripts=[f"{name}.js" for name in SCRIPTS],
        data=data,
    )


SCRIPTS = "network", "sampling", "dom", "characters", "cells", "written", "backward", "reach", "film", "start"


def _lead(model, vocabulary):
    layers = [layer for layer in model.all_layers.values() if isinstance(layer, RECURRENT)]
    kinds = " and ".join(f"{type(layer).__name__} of {layer.units} units" for layer in layers)
    article = "An" if kinds[0] in "LR" else "A"
    return (
        f"{article} {kinds}, {len(vocabulary)} characters, {model.parameter_count:,} numbers: this page runs the model "
        f"itself. Nothing leaves it, and nothing is loaded."
    )


def _usual(model, vocabulary, names):
    """What is usual for each unit in a text that the model writes, and which follows the place in the line best."""
    text = ("\n" if "\n" in vocabulary else "") + generate(model, vocabulary, "", WRITTEN, temperature=0.75, rng=0)
    seen = inspect.trace(model, text, vocabulary=vocabulary)
    places = inspect.concepts()["place in the line"].of(text) if "\n" in text[1:] else np.zeros(len(text))
    usual: list[dict[str, Any] | None] = []
    suggested = {"layer": -1, "unit": 0, "r": 0.0}
    for n, name in enumerate(names):
        layer = model.all_layers.get(name)  # None of an activation
        if not isinstance(layer, RECURRENT):
            usual.append(None)
            continue
        values = seen[name]["c" if isinstance(layer, nnlite.LSTM) else "h"][0].astype(np.float64)  # (T, H)
        r = _correlation(values, places)
        unit = int(np.abs(r).argmax())
        if suggested["layer"] < 0 or abs(r[unit]) > abs(suggested["r"]):
            suggested = {"layer": n, "unit": unit, "r": round(float(r[unit]), 4)}
        parts = {"mean": values.mean(axis=0), "low": values.min(axis=0), "high": values.max(axis=0)}
        usual.append({key: array.round(4).tolist() for key, array in parts.items()} | {"radius": _radius(layer)})
    return {"usual": usual, "suggested": suggested}


def _correlation(values, places):
    """Of each column of values (T, H) with places (T,); 0 where one of the two does not change."""
    a, b = values - values.mean(axis=0), places - places.mean()
    scale = np.sqrt((a**2).sum(axis=0) * (b**2).sum())
    return np.divide(b @ a, scale, out=np.zeros(len(scale)), where=scale > 0)


def _radius(layer):
    """The spectral radius of the recurrent weights: of an LSTM or a GRU, those of the candidate, the third block."""
    Wh = layer.params["Wh"].astype(np.float64)
    block = Wh if isinstance(layer, nnlite.RNN) else Wh[:, 2 * layer.units : 3 * layer.units]
    return float(np.abs(np.linalg.eigvals(block)).max())
