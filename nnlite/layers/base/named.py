"""Find a layer class by its name, as configurations have it."""

from typing import Any

from ...arguments import is_ours
from .layer import Layer


def all_classes(base: Any) -> list[Any]:
    """The class and all below it."""
    kinds = [base]
    for kind in kinds:
        kinds += [below for below in kind.__subclasses__() if below not in kinds]
    return kinds


def layer_class(name: str, base: Any = Layer, what: str = "layer") -> Any:
    """The layer class of that name, your own too. Of two, nnlite's is taken, and else the newer one.

    Raises:
        ValueError: there is none.
    """
    found = [kind for kind in all_classes(base) if kind.__name__ == name]
    if not found:
        raise ValueError(f"{what} class {name!r} is not known: if it is your own, define it first")
    return max(reversed(found), key=is_ours)
