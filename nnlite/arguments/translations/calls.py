"""Arguments of functions and calls that Keras' and PyTorch's have, and what to do here."""

import functools
import inspect
from collections.abc import Callable
from typing import TypeVar

Function = TypeVar("Function", bound=Callable)

_OVERWRITES = "the file is always overwritten, atomically: leave it out"
_MASK = "use lengths=... of a recurrent layer or a model, the real steps of each row, such as lengths=mask.sum(axis=1)"

# Function -> argument -> what to do.
CALLS: dict[str, dict[str, str]] = {
    "load_model": {
        "compile": "the model comes back compiled as it was saved, and predict needs none of it: leave it out",
        "safe_mode": "nothing in the file is run as code: leave it out",
        "map_location": "it computes on the CPU: leave it out",
        "weights_only": "nothing in the file is run as code: leave it out",
    },
    "save": {
        "overwrite": _OVERWRITES,
        "include_optimizer": "the optimizer is always saved, if there is one: leave it out",
        "save_format": "there is one format, safetensors: leave it out",
    },
    "__call__": {"mask": _MASK},
}
CALLS["save_model"] = CALLS["save"]


def translated(function: Function) -> Function:
    """Decorate a function so that other frameworks' arguments, which it does not have, are explained.

    Raises:
        TypeError: an unknown argument; or one twice: without a name and by name, as in Conv2D(3, 16, kernel_size=3).
    """
    table = CALLS.get(function.__name__, {})
    parameters = inspect.signature(function).parameters.values()
    by_place = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    names = {p.name for p in parameters} - {"self"}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)

    @functools.wraps(function)
    def checked(*args, **kwargs):
        for name in kwargs:
            if name in table or not (name in names or takes_any):
                owner = type(args[0]).__name__ if function.__name__ == "__call__" and args else function.__name__
                remedy = table.get(name) or f"expected one of {', '.join(sorted(names))}"
                raise TypeError(f"{owner}: unknown argument {name!r}: {remedy}")
            if name in by_place[: len(args)]:
                raise TypeError(_twice(function, by_place, name, args, kwargs[name]))
        return function(*args, **kwargs)

    return checked  # type: ignore[return-value]


def _twice(function, by_place, name, args, value):
    owner, place = function.__name__, by_place.index(name)
    text = f"{name}: expected it once, got {args[place]!r} without a name and {name}={value!r}"
    if owner == "__init__":
        owner = type(args[0]).__name__
        if owner == "Conv2D" and place == 2:
            rest = f"Conv2D({args[2]!r}, {value!r})"
            return (
                f"{owner}: {text}: PyTorch's order has in_channels first, which is found from the input: write {rest}"
            )
    return f"{owner}: {text}: leave one out"
