"""What a constructor's arguments are good for: unknown ones are explained, and known ones written down."""

import difflib
import functools
import inspect
from collections.abc import Mapping
from typing import Any, Self, TypeVar

import numpy as np

Class = TypeVar("Class", bound=type)


class ChecksArguments:
    """Base of classes whose constructors, and those of subclasses, explain an unknown keyword argument.

    Attributes:
        hints: dict from names that other libraries use, such as "lr", to what to write here; subclasses have them, too.

    Raises:
        TypeError: an unknown keyword argument; the message suggests the nearest name, or lists all of them.

    Example:
        >>> from nnlite.arguments import ChecksArguments
        >>> class Pen(ChecksArguments):
        ...     def __init__(self, width=1.0, color="black"):
        ...         self.width, self.color = width, color
        >>> Pen(colour="red")
        Traceback (most recent call last):
        TypeError: Pen: unknown argument 'colour': did you mean 'color'?
    """

    hints: Mapping[str, str] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_arguments(cls)


def check_arguments(cls: Class) -> Class:
    """Decorate one class so that its own `__init__` explains an unknown argument: for dataclasses."""
    init = vars(cls).get("__init__")
    known = _names(init)
    if init is None:
        return cls
    hands_on = None in known  # **kwargs go to a base, which checks them, and whose arguments are shown

    # A function for each class, as several may be made with the same __init__.
    @functools.wraps(init)
    def checked(self, /, *args, **kwargs):
        for name in kwargs:
            if name not in known and (name == "self" or not hands_on):
                raise TypeError(_message(type(self), cls, name))
        init(self, *args, **kwargs)

    cls.__init__ = checked  # type: ignore[misc]  # mypy reports every assignment to __init__
    if hands_on:
        checked.__signature__ = _full_signature(cls)  # type: ignore[attr-defined]
    return cls


def _names(init):
    """The names of a constructor's arguments, with None for **kwargs."""
    parameters = [*inspect.signature(init).parameters.values()][1:] if init else []
    return [None if p.kind is p.VAR_KEYWORD else p.name for p in parameters if p.kind is not p.VAR_POSITIONAL]


def _full_signature(cls):
    """A constructor's signature with the arguments that its **kwargs hand on: to the next class in its order of bases.

    That need not be a base of the class that has the **kwargs: a mixin hands on to what stands beside it.
    """
    inits = [init for base in cls.__mro__ if (init := vars(base).get("__init__"))]
    first, others = _raw_signature(inits[0]), inits[1:]
    named = {name: p for name, p in first.parameters.items() if p.kind is not p.VAR_KEYWORD}
    rest = [p for p in first.parameters.values() if p.kind is p.VAR_KEYWORD]
    while rest and others:
        parameters = [*_raw_signature(others.pop(0)).parameters.values()][1:]
        rest = [p for p in parameters if p.kind is p.VAR_KEYWORD]
        for p in parameters:
            if p.name not in named and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
                named[p.name] = p.replace(kind=p.KEYWORD_ONLY)
    return first.replace(parameters=[*named.values(), *rest])


def _raw_signature(init):
    """A constructor's signature as its author wrote it, with **kwargs."""
    return inspect.signature(getattr(init, "__wrapped__", init))


def _all_names(mro):
    return list(dict.fromkeys(name for cls in mro for name in _names(vars(cls).get("__init__")) if name))


def _message(cls, base, name):
    """The message for an argument of cls that `base`, cls itself or the class that its **kwargs reach, lacks."""
    names = _all_names(cls.__mro__[: cls.__mro__.index(base) + 1])
    hint = next((vars(c)["hints"][name] for c in cls.__mro__ if name in vars(c).get("hints", ())), None)
    if hint:
        return f"{cls.__name__}: unknown argument {name!r}: {hint}"
    near = difflib.get_close_matches(name, names, n=1)
    return f"{cls.__name__}: unknown argument {name!r}: " + (f"did you mean {near[0]!r}?" if near else f"use {names}")


class Configured(ChecksArguments):
    """Base of classes that keep their constructor's arguments in attributes of the same names.

    Example:
        >>> from nnlite.arguments import Configured
        >>> class Pen(Configured):
        ...     def __init__(self, width=1.0, color="black"):
        ...         self.width, self.color = width, color
        >>> Pen(color="red")
        Pen(color='red')
        >>> Pen.from_config(Pen(color="red").get_config()).color
        'red'
    """

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can write them. Left out: functions, and what no attribute keeps."""
        return self._kept_arguments(_full_signature(type(self)).parameters)

    def full_config(self) -> dict[str, Any]:
        """`get_config`, and the arguments of all bases: also those that this class gives to them by itself."""
        return self._kept_arguments(_all_names(type(self).__mro__)) | self.get_config()

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A new object, as `get_config` describes it."""
        return cls(**config)

    def __repr__(self) -> str:
        """As one would write it: without what is at its default."""
        config, defaults = self._shown_config(), _full_signature(type(self)).parameters
        names = [name for name in dict.fromkeys([*defaults, *config]) if name in config]
        given = [name for name in names if name not in defaults or config[name] != defaults[name].default]
        return f"{type(self).__name__}({', '.join(f'{name}={config[name]!r}' for name in given)})"

    def _shown_config(self):
        return self.get_config()

    def _kept_arguments(self, names):
        kept = {name: getattr(self, name) for name in names if hasattr(self, name)}
        return {name: _as_json(value) for name, value in kept.items() if _is_json(value)}


def _is_json(value):
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_json(v) for k, v in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_json, value))
    return value is None or isinstance(value, str | bool | int | float | np.bool_ | np.integer | np.floating)


def _as_json(value):
    if isinstance(value, dict):
        return {k: _as_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value
