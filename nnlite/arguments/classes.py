"""How files and configurations name classes and functions: those of one's own apart from nnlite's of the same name."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

OWN = "own>"  # begins the name of what a user wrote; older files do not have it

_CUSTOM: ContextVar[Mapping[str, Any]] = ContextVar("custom objects", default={})  # noqa: B039  never changed


def is_ours(thing: Any) -> bool:
    """Whether a class or a function is one of nnlite's."""
    return (getattr(thing, "__module__", None) or "").startswith("nnlite.")


def held(thing: Any, is_part: Callable[[Any], bool]) -> Iterator[tuple[str, Any]]:
    """The parts in an object's attributes, also in a list, tuple or dict, with names such as "fc" and "blocks[0]"."""
    for name, value in vars(thing).copy().items():
        found = [(name, value)]
        if isinstance(value, list | tuple | dict) and len(value) < 1000:  # more are data
            items = value.items() if isinstance(value, dict) else enumerate(value)
            found = [(f"{name}[{key!r}]", item) for key, item in items]
        yield from ((where, part) for where, part in found if is_part(part))


def is_model(thing: Any) -> bool:
    """Whether it is a model, and no layer of one's own that has an attribute `layers`, too."""
    return hasattr(type(thing), "all_layers")


def marked(name: str, thing: Any) -> str:
    """The name of a class, or function, as a file has it."""
    return name if is_ours(thing) else f"{OWN}{name}"


def refuse_half(kind: type, first: str, second: str, way: str) -> None:
    """Refuse a class of one's own with the first of two methods that go together, and nnlite's second one.

    Args:
        way: how the second one is written, such as "backward(self, dy)".
    """
    own, other = [next((base for base in kind.__mro__ if name in vars(base)), kind) for name in (first, second)]
    if is_ours(other) and not is_ours(own) and other.__name__ not in ("Layer", "Loss", "Model", "Regularizer"):
        raise TypeError(  # of these, the second one is not there
            f"{kind.__name__}: expected a {second} that goes with its own {first}, got that of {other.__name__}: write "
            f"{way}, too; or {second} = {other.__name__}.{second}, where that is right"
        )


def class_name(thing: Any) -> str:
    """The name of an object's class, as a file has it.

    Example:
        >>> from nnlite import Dense
        >>> from nnlite.arguments.classes import class_name
        >>> class_name(Dense(3)), class_name(3)
        ('Dense', 'own>int')
    """
    return marked(type(thing).__name__, type(thing))


def bare(name: str) -> str:
    """The name of a class without the mark that it is one's own."""
    return name.removeprefix(OWN)


def told_apart(custom: Mapping[str, Any] | None, *trees: Any) -> Mapping[str, Any]:
    """Custom objects by their names in trees: where these mark one's own, a name without a mark is nnlite's."""
    if not any(map(_has_mark, trees)):
        return custom or {}
    return {name if name.startswith(OWN) else f"{OWN}{name}": thing for name, thing in (custom or {}).items()}


def _has_mark(node):
    if isinstance(node, dict | list):
        return any(map(_has_mark, node.values() if isinstance(node, dict) else node))
    return isinstance(node, str) and node.startswith(OWN)


def known(name: str, custom: Mapping[str, Any] | None, ours: Mapping[str, Any]) -> Any:
    """What a file's name stands for: the custom object of that name, else nnlite's own, if it is one. Or None."""
    if name.startswith(OWN):
        return (custom or {}).get(name, (custom or {}).get(bare(name)))
    return {**ours, **(custom or {})}.get(name)


def all_classes(base: Any) -> list[Any]:
    """The class and all below it."""
    kinds = [base]
    for kind in kinds:
        kinds += [below for below in kind.__subclasses__() if below not in kinds]
    return kinds


@contextlib.contextmanager
def custom_classes(custom: Mapping[str, Any]) -> Iterator[None]:
    """While this runs, these custom objects decide what `defined` finds: for what is inside of layers."""
    token = _CUSTOM.set(custom)
    try:
        yield
    finally:
        _CUSTOM.reset(token)


def defined(name: str, base: Any, what: str) -> Any:
    """The class below `base` that a configuration names: a custom one, else of two nnlite's, else the newer one.

    Raises:
        ValueError: there is none.
    """
    custom = known(name, _CUSTOM.get(), {})
    if isinstance(custom, type) and issubclass(custom, base):
        return custom
    found = [kind for kind in all_classes(base) if kind.__name__ == bare(name)]
    if name.startswith(OWN):
        found = [kind for kind in found if not is_ours(kind)]
    if not found:
        raise ValueError(f"{what} class {bare(name)!r} is not known: if it is your own, define it first")
    return max(reversed(found), key=is_ours)
