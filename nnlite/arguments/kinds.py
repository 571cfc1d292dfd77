"""What kind of thing an argument is to be, as its annotation says: refused before anything is computed with it."""

import functools
import inspect
import itertools
import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, Union, get_args, get_origin

import numpy as np

Function = TypeVar("Function", bound=Callable)


def _is_row(value):
    is_number = getattr(value, "ndim", 1) == 0  # an array without axes says that it could be iterated
    return isinstance(value, Iterable) and not isinstance(value, Mapping | bytes) and not is_number


def _is_int(value):
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_number(value):
    return _is_int(value) or isinstance(value, float | np.floating)


def _row_of(is_one, size=None):
    """A row of such items; those of a generator are not looked at, as it could not be read again."""

    def is_row(value):
        if not hasattr(value, "__len__"):
            return _is_row(value) and size is None
        return _is_row(value) and size in (None, len(value)) and all(map(is_one, value))

    return is_row


def _is_text(value):
    return isinstance(value, str)


def _of_class(name):
    """Of a class with this name, or one derived from it: this module imports none of them."""
    return lambda value: any(base.__name__ == name for base in type(value).__mro__)


# The last word of a type in an annotation -> what it is called in a message, and whether a value is one.
KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "bool": ("True or False", lambda value: isinstance(value, bool | np.bool_)),
    "int": ("a whole number", _is_int),
    "float": ("a number", _is_number),
    "str": ("a text", _is_text),
    "PathLike": ("a path", lambda value: isinstance(value, os.PathLike)),
    "None": ("None", lambda value: value is None),
    "Mapping": ("a dict", lambda value: isinstance(value, Mapping)),
    "Callable": ("a function", callable),
    "Sequence": ("a list", lambda value: _is_row(value) and hasattr(value, "__len__")),
    "Iterable": ("a list", _is_row),
    "row of int": ("a list of whole numbers", _row_of(_is_int)),
    "row of float": ("a list of numbers", _row_of(_is_number)),
    "row of str": ("a list of texts", _row_of(_is_text)),
    "two of float": ("two numbers", _row_of(_is_number, 2)),
    "Axes": ("Axes of matplotlib", lambda value: hasattr(value, "transData")),
    "History": ("the History that fit returns", _of_class("History")),
    "LayerTrace": ("the trace of a layer", _of_class("LayerTrace")),
    "Landmarks": ("landmarks", lambda value: hasattr(value, "_asdict")),
    "Vocabulary": ("a Vocabulary", lambda value: hasattr(value, "encode") and hasattr(value, "decode")),
    "Model": ("a model", _of_class("Model")),
    "Sequential": ("a model", _of_class("Sequential")),
    "Layer": ("a layer", _of_class("Layer")),
}
SINGLE = {"bool", "int", "float", "str", "None"}


def of_its_kinds(function: Function) -> Function:
    """Decorate a function so that it refuses an argument of another kind than its annotation says.

    Annotations with a type that is not in `KINDS`, such as np.ndarray, are left to the function.

    Example:
        >>> from nnlite.arguments.kinds import of_its_kinds
        >>> @of_its_kinds
        ... def repeat(text: str, times: int = 2) -> str:
        ...     return text * times
        >>> repeat("na", times="2")
        Traceback (most recent call last):
        TypeError: times: expected a whole number, got '2'
    """
    return kinds_of(*inspect.signature(function).parameters)(function)


def kinds_of(*names: str) -> Callable[[Function], Function]:
    """The same for some of a function's arguments alone: it looks at the others itself."""

    def decorate(function):
        parameters = inspect.signature(function).parameters
        by_place = [name for name, _ in itertools.takewhile(_has_a_place, parameters.items())]

        @functools.wraps(function)
        def checked(*args, **kwargs):
            for name, value in [*zip(by_place, args, strict=False), *kwargs.items()]:
                if name in names and value is not parameters[name].default:
                    require(name, value, parameters[name].annotation)
            return function(*args, **kwargs)

        return checked

    return decorate


def takes_config(*keys: str) -> Callable[[Function], Function]:
    """Decorate a `from_config`, below @classmethod, so that it refuses what no `get_config` gives.

    Args:
        keys: that it reads itself; what the others lack, the constructor says.
    """

    def decorate(function):
        @functools.wraps(function)
        def checked(cls, config, *args, **kwargs):
            what = f"{cls.__name__}.from_config: config"
            as_given = "use what get_config() gives"
            if not isinstance(config, Mapping):
                raise TypeError(f"{what}: expected a dict, got {type(config).__name__}: {as_given}")
            if not all(isinstance(key, str) for key in config) or not config.keys() >= {*keys}:
                wanted = f"a dict with {', '.join(map(repr, keys))}" if keys else "a dict from names of arguments"
                raise ValueError(f"{what}: expected {wanted}, got one with {[*config]!r:.200}: {as_given}")
            return function(cls, config, *args, **kwargs)

        return checked

    return decorate


def _has_a_place(item):
    return item[1].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD


def require(name: str, value: Any, annotation: Any) -> None:
    """Refuse a value that is none of the types of an annotation, if `KINDS` has all of them."""
    kinds = types_of(annotation)
    if not kinds or not kinds.keys() <= KINDS.keys() or any(KINDS[kind][1](value) for kind in kinds):
        return
    *others, last = dict.fromkeys(KINDS[kind][0] for kind in kinds)
    is_plain = isinstance(value, str | bytes | bool | int | float | np.generic | np.ndarray | None)
    got = f"{'' if is_plain else type(value).__name__ + ' '}{' '.join(repr(value).split()):.60}"
    hint = ': use {"a name": ...}' if [*kinds] == ["Mapping"] else ""
    raise TypeError(f"{name}: expected {', '.join(others)}{' or ' if others else ''}{last}, got {got}{hint}")


def refuse_array(name: str, array: np.ndarray, annotation: Any) -> None:
    """Refuse an array where all types of an annotation are single values: `==` and `if` would fail on its numbers."""
    if types_of(annotation).keys() <= SINGLE:
        require(name, array, annotation)


def types_of(annotation: Any) -> dict[str, None]:
    """The last words of an annotation's types, in its order: such as str and PathLike.

    Example:
        >>> from nnlite.arguments.kinds import types_of
        >>> [*types_of("History | Mapping[str, list[float]] | os.PathLike | None")]
        ['History', 'Mapping', 'PathLike', 'None']
    """
    parts = get_args(annotation) if get_origin(annotation) is Union else (annotation,)
    text = " | ".join(part if isinstance(part, str) else inspect.formatannotation(part) for part in parts)
    text = text.replace("NoneType", "None")
    text = re.sub(r"\bLiteral\[('[^']*'(, )?)+\]", "str", text)
    text = re.sub(r"\b(?:Sequence|Iterable)\[(int|float|str)\]", r"row of \1", text)
    text = re.sub(r"\btuple\[float, float\]", "two of float", text)
    while "[" in text:
        text, before = re.sub(r"\[[^\[\]]*\]", "", text), text
        if text == before:
            return {}
    return dict.fromkeys(part.strip().split(".")[-1] for part in text.split("|") if part.strip())
