"""Vocabularies of models: of a class from a higher floor, `nnlite.text`, which hands it down."""

from collections.abc import Callable
from typing import Any

_get_class: Callable[[], Any]


def are_made_by(get_class: Callable[[], Any]) -> None:
    """Tell where the class comes from, on first use."""
    global _get_class
    _get_class = get_class


def require(value: Any) -> None:
    """Refuse what is no vocabulary."""
    if not isinstance(value, _get_class()):
        raise TypeError(f"vocabulary: expected a nnlite.text.Vocabulary, or None, got {type(value).__name__}")


def made(config: dict[str, Any]) -> Any:
    """The vocabulary that a file describes.

    Raises:
        TypeError, ValueError: it describes none, or one of characters that cannot be printed.
    """
    vocabulary = _get_class().from_config(config)
    vocabulary.characters.encode()  # a surrogate, which no text has
    return vocabulary
