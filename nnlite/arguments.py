"""What a constructor's arguments are good for: unknown ones are explained, and known ones written down."""

import difflib
import functools
import inspect
from typing import Any, Self, TypeVar

import numpy as np

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
    if init is None:
        return cls
    if None in known:  # **kwargs go to a base, which checks them, and whose arguments are shown
        base: Any = super(cls, cls)
        init.__signature__ = _full_signature(init, base.__init__)
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


def _full_signature(init, base_init):
    """A constructor's signature with the arguments that its **kwargs hand on to a base."""
    own, base = (inspect.signature(method) for method in (init, base_init))
    named = {name: p for name, p in own.parameters.items() if p.kind is not p.VAR_KEYWORD}
    handed_on = [
        p for name, p in [*base.parameters.items()][1:] if name not in named and p.kind is not p.VAR_POSITIONAL
    ]
    handed_on = [p if p.kind is p.VAR_KEYWORD else p.replace(kind=p.KEYWORD_ONLY) for p in handed_on]
    return own.replace(parameters=[*named.values(), *handed_on])


def _all_names(mro):
    return list(dict.fromkeys(name for cls in mro for name in _names(vars(cls).get("__init__")) if name))


def _message(cls, base, name):
    """The message for an argument of cls that `base`, cls itself or the class that its **kwargs reach, lacks."""
    names = _all_names(cls.__mro__[: cls.__mro__.index(base) + 1])
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
        kept = {name: getattr(self, name) for name in inspect.signature(type(self)).parameters if hasattr(self, name)}
        return {name: _as_json(value) for name, value in kept.items() if _is_json(value)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A new object, as `get_config` describes it."""
        return cls(**config)

    def __repr__(self) -> str:
        """As one would write it: without what is at its default."""
        config, defaults = self._shown_config(), inspect.signature(type(self)).parameters
        names = [name for name in dict.fromkeys([*defaults, *config]) if name in config]
        given = [name for name in names if name not in defaults or config[name] != defaults[name].default]
        return f"{type(self).__name__}({', '.join(f'{name}={config[name]!r}' for name in given)})"

    def _shown_config(self):
        return self.get_config()


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
