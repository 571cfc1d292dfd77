"""The page of a model that writes character by character."""

from typing import Any

import nnlite
from nnlite.text import Vocabulary

from .network import PlayError, network
from .page import html_page


def characters_page(
    model: nnlite.Sequential, vocabulary: Vocabulary | None = None, *, title: str = "", text: str = ""
) -> str:
    """The page of a model of characters, as HTML.

    Args:
        model: maps ids to logits; its layers are those of `network.KINDS`, and Dropout.
        vocabulary: by default the model's own.
        title: the heading; by default the model's name.
        text: what is typed in at first.

    Raises:
        PlayError: the page cannot run the model, or the model has no vocabulary.
    """
    vocabulary = vocabulary or model.vocabulary
    if vocabulary is None:
        raise PlayError("model: expected one with a vocabulary, got none: set model.vocabulary, or give vocabulary=...")
    data: dict[str, Any] = {"network": network(model), "characters": vocabulary.characters, "text": text}
    return html_page(
        title or model.name,
        body="characters.html",
        styles=["characters.css"],
        scripts=["network.js", "characters.js"],
        data=data,
    )
