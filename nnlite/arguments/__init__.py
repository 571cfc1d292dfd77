"""What a constructor's arguments are good for: unknown ones are explained, and known ones written down.

What Keras and PyTorch call them is in `translations`.
"""

import functools
import inspect
from collections.abc import Iterable, Set
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

import numpy as np

from . import kinds
from .classes import class_name
from .classes import is_ours as is_ours
from .translations import arguments, calls, methods

Class = TypeVar("Class", bound=type)


class ChecksArguments:
    """Base of classes whose constructors, and those of subclasses, explain an unknown argument, and one too many.

    Attributes:
        also_called: dict from other names of arguments to ours, such as Keras': they are taken, too.

    Raises:
        TypeError: an unknown argument; the message says what Keras' or PyTorch's is called here, suggests the nearest
            name, or lists all of them. Too many arguments without a name; or one twice, without a name and by name.
        AttributeError: an attribute that Keras or PyTorch has; the message says what to do.

    Example:
        >>> from nnlite.arguments import ChecksArguments
        >>> class Pen(ChecksArguments):
        ...     def __init__(self, width=1.0, color="black"):
        ...         self.width, self.color = width, color
        >>> Pen(colour="red")
        Traceback (most recent call last):
        TypeError: Pen: unknown argument 'colour': did you mean 'color'?
    """

    also_called: dict[str, str] = {}  # noqa: RUF012  replaced, never changed

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _refuse_call(cls)
        if not is_ours(cls):
            methods.refuse_unused(cls)
        check_arguments(cls)
        methods.explain_missing(cls)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if methods.remedy(type(self), name) is None or hasattr(self, name)]

    if TYPE_CHECKING:  # what a mixin's `self` has is in another class

        def __getattr__(self, name: str) -> Any: ...

    def _constructed(self, by_place: int) -> None:
        """Called at the end of a constructor that was given so many arguments without a name."""


def _refuse_call(cls):
    """Refuse Keras' `call` in a class derived from a ready one, whose forward would be used instead, in silence."""
    base = next((base for base in cls.__mro__ if "forward" in vars(base)), cls)
    if "call" in vars(cls) and base is not cls and base.__name__ not in ("Layer", "Loss"):  # which say so themselves
        raise TypeError(
            f"{cls.__name__}.call would never be used, as {base.__name__}.forward stands for Keras' call: name it "
            f"forward, and write the backward that goes with it"
        )


def check_arguments(cls: Class) -> Class:
    """Decorate one class so that its own `__init__` explains a wrong argument: for dataclasses."""
    init = vars(cls).get("__init__")
    if init is None:
        return cls
    parameters = [*inspect.signature(init).parameters.values()][1:]  # once: import nnlite comes here for every class
    known = _names(parameters)
    hands_on = None in known  # **kwargs go to a base, which checks them, and whose arguments are shown
    by_place = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    most = None if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(by_place)
    of_ours = {p.name: p for p in parameters} if is_ours(cls) else {}
    remembers = not is_ours(cls) and issubclass(cls, Configured)

    # A function for each class, as several may be made with the same __init__.
    @functools.wraps(init)
    def checked(self, /, *args, **kwargs):
        for other, ours in getattr(self, "also_called", {}).items():
            if other in kwargs and ours in known and other not in known and ours not in kwargs:
                kwargs[ours] = kwargs.pop(other)
        for name in kwargs:
            # What **kwargs hand on is checked by the base; but what other frameworks have, nobody takes.
            if name not in known and (name == "self" or not hands_on or _is_foreign(type(self), name)):
                raise TypeError(_message(type(self), cls, name))
            if name in by_place[: len(args)]:
                raise TypeError(calls.twice(type(self).__name__, by_place, name, args, kwargs[name]))
        if most is not None and len(args) > most:
            raise TypeError(_too_many(type(self), by_place, args, _all_names(type(self).__mro__)))
        for name, value in [*zip(by_place, args, strict=False), *kwargs.items()]:
            if isinstance(value, np.ndarray) and name in of_ours:
                kinds.refuse_array(name, value, of_ours[name].annotation)
        try:
            init(self, *args, **kwargs)
        except AttributeError as error:
            if error.obj is self and error.name:  # such as params, before super().__init__()
                error.args = methods.missing(self, error.name).args
            raise
        if isinstance(self, ChecksArguments) and type(self).__init__ is checked:
            _require_base(self)
            self._constructed(len(args))
            if remembers:
                self._remember(dict(zip(by_place, args, strict=False)) | kwargs)

    cls.__init__ = checked  # type: ignore[misc]  # mypy reports every assignment to __init__
    if hands_on:
        checked.__signature__ = _full_signature(cls)  # type: ignore[attr-defined]
    return cls


def _require_base(one):
    """Refuse an object of a user's class that lacks what the constructor of its base, one of nnlite's, gives it."""
    base = nearest_of_ours(type(one))
    if base is type(one) or base.__name__ == "Loss" or hasattr(base, "output_shape"):  # layers say so themselves
        return
    names = _names_of_ours(type(one))
    given = [name for name in names if not hasattr(base, name)]  # without those that the class itself has a default of
    if given and not any(hasattr(one, name) for name in given):  # not each: some are kept under another name
        raise TypeError(
            f"{type(one).__name__}: its __init__ does not call that of {base.__name__}, and so it has no {names[0]}: "
            f"add super().__init__(...) as its first line, with the arguments of {base.__name__}"
        )


def _is_foreign(cls, name):
    if name in getattr(cls, "also_called", ()) or arguments.remedy(cls, name) is None:
        return False
    return name not in _all_names(cls.__mro__)  # last, as it takes long


def _names(parameters):
    """The names of a constructor's arguments, with None for **kwargs."""
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
    inits = [init for cls in mro if (init := vars(cls).get("__init__"))]
    parameters = [p for init in inits for p in [*inspect.signature(init).parameters.values()][1:]]
    return list(dict.fromkeys(name for name in _names(parameters) if name))


def _names_of_ours(cls):
    """The names that constructors of nnlite's classes among the bases take."""
    return _all_names([base for base in cls.__mro__ if is_ours(base)])


def _message(cls, base, name):
    """The message for an argument of cls that `base`, cls itself or the class that its **kwargs reach, lacks."""
    names = _all_names(cls.__mro__[: cls.__mro__.index(base) + 1])
    if name in names:
        return (
            f"{cls.__name__}: its __init__ hands {name} on, and {base.__name__} takes no {name}: keep it, such as by "
            f"self.{name} = {name}, and leave it out of super().__init__()"
        )
    return calls.unknown(cls.__name__, name, names, arguments.remedy(cls, name))


def _too_many(cls, by_place, args, names):
    """The message for arguments without a name that have to have one."""
    most = f"at most {len(by_place)} positional argument{'s' * (len(by_place) != 1)} ({', '.join(by_place)})"
    got = ", ".join(map(repr, args))
    hint = arguments.orders(cls, names, by_place, args)
    if not hint:
        first = next((name for name in names if name not in by_place), None)
        hint = f"Give the others by name, such as {first}=..." if first else "Leave the others out"
    return f"{cls.__name__}: expected {most if by_place else 'no positional argument'}, got {len(args)} ({got}). {hint}"


class Configured(ChecksArguments):
    """Base of classes that keep their constructor's arguments in attributes of the same names.

    Of a class of a user's own, what was given and no such attribute keeps is remembered, if JSON can write it.

    Attributes:
        added: the arguments that configurations in older files do not have: written only where they are not at their
            defaults, so that older trainings can still be gone on with.
        is_value: whether configurations of other objects hold this one, as {"class": ..., "config": ...}.

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

    added: tuple[str, ...] = ()
    is_value = False
    _given: dict[str, Any] = {}  # noqa: RUF012  replaced, never changed: what `_remember` keeps
    _settable: Set[str] = frozenset()  # the arguments that may be set later, and are checked then

    def __setattr__(self, name: str, value: Any) -> None:
        """An argument of the constructor may be set later, too, and is checked as there."""
        if name in self._settable and value is not getattr(self, name, self):
            value = self._checked_setting(name, value)
        super().__setattr__(name, value)

    def _checked_setting(self, name, value):
        """What the constructor makes of a new value; of a user's class that of the class of nnlite's it extends."""
        return getattr(self._as_ours({name: value}), name, value)  # which may be kept by the user's class alone

    def _as_ours(self, changes):
        """An object of the nearest class of nnlite's, with this one's arguments, but for some new values."""
        kind, given = nearest_of_ours(type(self)), self.full_config() | changes
        return kind.from_config({known: given[known] for known in _full_signature(kind).parameters if known in given})

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can write them. Left out: functions, defaults without an attribute."""
        parameters = _full_signature(type(self)).parameters
        late = {name for name in self.added if name in parameters and _is_at_default(self, parameters[name])}
        kept = self._kept_arguments([name for name in parameters if name not in late])
        if not self._given or not is_ours(type(self).get_config):  # which knows what it wants
            return kept
        return kept | {name: _as_json(value) for name, value in self._remembered() if _is_json(value)}

    def full_config(self) -> dict[str, Any]:
        """`get_config`, and the arguments of all bases: also those that this class gives to them by itself."""
        names = [name for name in _all_names(type(self).__mro__) if name not in self.added]
        return self._kept_arguments(names) | self.get_config()

    def check_saving(self) -> None:
        """Refuse what `from_config` could not make again; of nnlite's own classes all can be.

        Raises:
            TypeError: the constructor was given what JSON cannot write and no attribute keeps, or it does not take what
                `get_config` gives.
        """
        if is_ours(type(self)) or not is_ours(type(self).get_config):
            return
        for name, value in self._remembered():
            if not _is_json(value):
                raise TypeError(
                    f"{type(self).__name__}: {name}: expected an attribute self.{name} or a value that JSON can write, "
                    f"got {value.text}: keep it as self.{name}, or write get_config"
                )
        self.check_config(self.get_config())

    @classmethod
    def check_config(cls, config: dict[str, Any]) -> None:
        """Refuse arguments that a user's own constructor does not take; see `check_saving`."""
        parameters = _full_signature(cls).parameters
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        if takes_any or is_ours(cls) or not is_ours(cls.from_config):
            return
        wrong = [name for name in config if name not in parameters and name in _names_of_ours(cls)]
        if wrong:
            own = [name for name in wrong if name not in ("dtype", "name") and config[name] is not None]
            mend = ["add **kwargs", *(f"set its own {name} by kwargs.setdefault({name!r}, ...)" for name in own)]
            raise TypeError(
                f"{cls.__name__}: its constructor does not take {', '.join(wrong)}: {', '.join(mend)} and hand them "
                f"to super().__init__()"
            )

    def _remember(self, given):
        """Keep what the constructor was given, where no attribute does."""
        parameters = _full_signature(type(self)).parameters
        ours = _names_of_ours(type(self))
        for other, value in given.items():
            name = self.also_called.get(other, other)
            default = parameters[name].default if name in parameters else inspect.Parameter.empty
            if name not in ours and not _has(self, name) and not _is_same(value, default):
                kept = _as_json(value) if _is_json(value) else _NoJson(type(value).__name__)
                self._given = {**self._given, name: kept}

    def _remembered(self):
        return [(name, value) for name, value in self._given.items() if not _has(self, name)]

    @classmethod
    @kinds.takes_config()
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A new object, as `get_config` describes it."""
        return cls(**config)

    def __repr__(self) -> str:
        """As one would write it: without what is at its default."""
        config, defaults = self._shown_config(), _full_signature(type(self)).parameters
        names = [name for name in dict.fromkeys([*defaults, *config]) if name in config]
        given = [name for name in names if name not in defaults or config[name] != defaults[name].default]
        shown = {
            name: getattr(self, name, config[name]) if isinstance(config[name], dict) else config[name]
            for name in given
        }
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def _shown_config(self):
        return self.get_config()

    def _kept_arguments(self, names):
        return kept_arguments(self, names)


def nearest_of_ours(cls: type) -> Any:
    """The class itself, or of a user's the nearest of its bases that is nnlite's."""
    return next(base for base in cls.__mro__ if is_ours(base))


def kept_arguments(one: Any, names: Iterable[str]) -> dict[str, Any]:
    """The attributes of these names that an object has, and JSON can write."""
    kept = {name: getattr(one, name) for name in names if hasattr(one, name)}
    return {name: _as_json(value) for name, value in kept.items() if _is_json(value)}


class _NoJson(NamedTuple):
    """Stands for a value that JSON cannot write."""

    text: str


def _has(one, name):
    """Whether an attribute of that name, and no method, is there."""
    return name in vars(one) or (hasattr(one, name) and not inspect.isroutine(getattr(one, name)))


def _is_same(value, default):
    return value is default or (_is_json(value) and _is_json(default) and bool(_as_json(value) == _as_json(default)))


def _is_at_default(one, parameter):
    return getattr(one, parameter.name, parameter.default) == parameter.default


def _is_json(value):
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_json(v) for k, v in value.items())
    if isinstance(value, list | tuple) and not isinstance(value, _NoJson):
        return all(map(_is_json, value))
    if isinstance(value, Configured):
        return value.is_value
    return value is None or isinstance(value, str | bool | int | float | np.bool_ | np.integer | np.floating)


def _as_json(value):
    if isinstance(value, dict):
        return {k: _as_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(v) for v in value]
    if isinstance(value, Configured):  # such as an initializer
        return {"class": class_name(value), "config": value.get_config()}
    return value.item() if isinstance(value, np.generic) else value
