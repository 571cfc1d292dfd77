"""Explain an unknown keyword argument of a constructor, and suggest the one that was meant."""

import difflib
import functools
import inspect
from typing import Any, TypeVar

Class = TypeVar("Class", bound=type)


class ChecksArguments:
    """Base of classes whose constructors, and those of subclasses, explain an unknown keyword argument.

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

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_arguments(cls)


def check_arguments(cls: Class) -> Class:
    """Decorate one class so that its own `__init__` explains an unknown argument: for dataclasses."""
    init = vars(cls).get("__init__")
    known = _names(init)
    if init is None or None in known:  # **kwargs go to a base, which checks them
        return cls

    @functools.wraps(init)
    def checked(self, /, *args, **kwargs):
        for name in kwargs:
            if name not in known:
                raise TypeError(_message(type(self), cls, name))
        init(self, *args, **kwargs)

    cls.__init__ = checked  # type: ignore[misc]  # mypy reports every assignment to __init__
    return cls


def _names(init):
    """The names of a constructor's arguments, with None for **kwargs."""
    parameters = [*inspect.signature(init).parameters.values()][1:] if init else []
    return [None if p.kind is p.VAR_KEYWORD else p.name for p in parameters if p.kind is not p.VAR_POSITIONAL]


def _message(cls, base, name):
    """The message for an argument of cls that `base`, cls itself or the class that its **kwargs reach, lacks."""
    mro = cls.__mro__[: cls.__mro__.index(base) + 1]
    names = list(dict.fromkeys(n for c in mro for n in _names(vars(c).get("__init__")) if n))
    near = difflib.get_close_matches(name, names, n=1)
    return f"{cls.__name__}: unknown argument {name!r}: " + (f"did you mean {near[0]!r}?" if near else f"use {names}")
