"""Find a layer class by its name, as configurations have it."""

from typing import Any

from ...arguments.classes import defined
from .layer import Layer


def layer_class(name: str, base: Any = Layer, what: str = "layer") -> Any:
    """The layer class of that name, your own too; see `defined`."""
    return defined(name, base, what)
