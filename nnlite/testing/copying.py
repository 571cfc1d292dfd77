"""Copies of an object, by all the ways that Python has."""

import copy
import functools
import inspect
import pickle
import sys
from typing import Any


def copies_of(thing: Any) -> tuple[dict[str, Any], str | None]:
    """Copies, by the way in which they were made; and why not by pickle, where that is not the object's fault."""
    copied = {"copy.deepcopy": copy.deepcopy(thing)}
    kind = thing if inspect.isfunction(thing) else type(thing)
    for one in (kind, *vars(thing).values()):
        if (inspect.isfunction(one) or inspect.isclass(one)) and not _has_its_name(one):
            return copied, f"without pickle, which does not find {one.__qualname__} in the module {one.__module__}"
    copied["pickle"] = pickle.loads(pickle.dumps(thing))
    return copied, None


def _has_its_name(one):
    """Whether a function or class is what its module has under its name, as pickle needs it."""
    try:
        return functools.reduce(getattr, one.__qualname__.split("."), sys.modules[one.__module__]) is one
    except (AttributeError, KeyError):
        return False
