"""Rules for saved states: expected keys, and types of their values.

A checkpoint may come from anyone, so its data are checked before they are used:

    fields("state", state, {"best": optional(number), "wait": count})

A rule, such as `number`, is a function of a name and a value that raises ValueError if the value is wrong. The message
names the place of the value, as in "EarlyStopping: wait: expected a whole number of at least 0, got -1".
"""

import json
import math
import reprlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import checks

Rule = Callable[[str, Any], None]


def fields(name: str, state: Any, rules: Mapping[str, Rule]) -> None:
    """Check that a state is a dict with exactly these keys, and that each value passes the rule of its key.

    Raises:
        ValueError: with the key, and what is wrong.

    Example:
        >>> from nnlite.saving.states import count, fields, number
        >>> fields("counter", {"steps": 3, "best": 0.5}, {"steps": count, "best": number})
        >>> fields("counter", {"steps": 3, "path": "x"}, {"steps": count})
        Traceback (most recent call last):
        ValueError: counter: expected steps and nothing else, but there is an unknown entry 'path'
    """
    mapping(name, state)
    expected = f"{name}: expected {', '.join(rules) or 'no entries'}"
    if unknown := [key for key in state if key not in rules]:
        raise ValueError(f"{expected} and nothing else, but there is an unknown entry {shown(unknown[0])}")
    if missing := [key for key in rules if key not in state]:
        raise ValueError(f"{expected}, but {missing[0]} is missing")
    for key, rule in rules.items():
        rule(f"{name}: {key}", state[key])


def anything(name: str, value: Any) -> None:
    """Any value: it is checked elsewhere."""


def _rule(expected: str, is_right: Callable[[Any], bool]) -> Rule:
    """The rule for values of one kind."""

    def check(name: str, value: Any) -> None:
        if not is_right(value):
            _refuse(name, expected, value)

    return check


def _is_whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(value):
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer too large for a float
        return False


def in_a_file(value: Any) -> Any:
    """A value of a state as a checkpoint can hold it: JSON has neither NaN nor infinity, arrays have."""
    return np.array(value) if isinstance(value, float) and not math.isfinite(value) else value


def from_a_file(value: Any) -> Any:
    """What `in_a_file` was given."""
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


number = _rule("a finite number", lambda value: (_is_whole(value) or isinstance(value, float)) and _is_finite(value))
any_number = _rule(
    "a number", lambda value: (_is_whole(value) and _is_finite(value)) or isinstance(from_a_file(value), float)
)
_at_least_0 = _rule("a whole number of at least 0", lambda value: _is_whole(value) and value >= 0)
_of_63_bits = _rule("a whole number below 2^63", lambda value: value < 2**63)
positive = _rule("a whole number of at least 1", lambda value: _is_whole(value) and value >= 1)
boolean = _rule("true or false", lambda value: isinstance(value, bool))
text = _rule("a text", lambda value: isinstance(value, str))
mapping = _rule(
    "entries with names", lambda value: isinstance(value, dict) and all(isinstance(key, str) for key in value)
)


def count(name: str, value: Any) -> None:
    """A whole number of at least 0, which nothing counts beyond 63 bits."""
    _at_least_0(name, value)
    _of_63_bits(name, value)


def optional(rule: Rule) -> Rule:
    """None, or a value that passes the rule."""

    def check(name: str, value: Any) -> None:
        if value is not None:
            rule(name, value)

    return check


def list_of(rule: Rule) -> Rule:
    """A list of any length whose items pass the rule."""

    def check(name: str, value: Any) -> None:
        if not isinstance(value, list):
            _refuse(name, "a list", value)
        for i, item in enumerate(value):
            rule(f"{name}[{i}]", item)

    return check


def mapping_of(rule: Rule) -> Rule:
    """A dict with any keys whose values pass the rule."""

    def check(name: str, value: Any) -> None:
        mapping(name, value)
        for key, item in value.items():
            rule(f"{name}[{shown(key)}]", item)

    return check


def row(*rules: Rule) -> Rule:
    """A list with one item for each rule.

    Example:
        >>> from nnlite.saving.states import count, row, text
        >>> row(count, text)("sample", [100, "my love"])
    """

    def check(name: str, value: Any) -> None:
        if not isinstance(value, list) or len(value) != len(rules):
            _refuse(name, f"a list of {len(rules)}", value)
        for i, (rule, item) in enumerate(zip(rules, value, strict=True)):
            rule(f"{name}[{i}]", item)

    return check


def arrays_like(arrays: Mapping[str, np.ndarray]) -> Rule:
    """A dict of arrays with the same names, shapes and dtypes as the model's.

    Example:
        >>> import numpy as np
        >>> from nnlite.saving.states import arrays_like
        >>> arrays_like({"dense.b": np.zeros(3)})("weights", {"dense.b": np.zeros(2)})
        Traceback (most recent call last):
        ValueError: weights: dense.b is float64 (2,) in the file, and float64 (3,) in the model
    """

    def check(name: str, value: Any) -> None:
        mapping(name, value)
        if arrays.keys() != value.keys():
            raise ValueError(f"the {name} are {sorted(value)} in the file and {sorted(arrays)} in the model")
        for key, array in arrays.items():
            found = value[key]
            if not isinstance(found, np.ndarray) or (found.shape, found.dtype) != (array.shape, array.dtype):
                raise ValueError(f"{name}: {key} is {shown(found)} in the file, and {shown(array)} in the model")

    return check


def generator(kind: type[np.random.BitGenerator]) -> Rule:
    """The state of a bit generator, such as `np.random.PCG64`.

    Example:
        >>> import numpy as np
        >>> from nnlite.saving.states import generator
        >>> generator(np.random.PCG64)("rng", np.random.PCG64(0).state)
    """

    def check(name: str, value: Any) -> None:
        mapping(name, value)
        if value.get("bit_generator") != kind.__name__:
            _refuse(name, f"the state of a {kind.__name__}", value.get("bit_generator"))
        trial = kind()
        try:
            trial.state = value
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ValueError(f"{name}: this is no state of a {kind.__name__}: {error!r}") from error
        if _as_text(trial.state) != _as_text(value):
            raise ValueError(f"{name}: a {kind.__name__} in this state would be in another one")
        # NumPy does not check the position in its buffer, and would read out of bounds.
        for place, end in ((value["state"].get("pos"), 624), (value.get("buffer_pos"), 4)):
            if place is not None and not 0 <= place <= end:
                raise ValueError(f"{name}: expected a position from 0 to {end}, got {place}")

    return check


def _as_text(state):
    """A state of a bit generator as text, to compare it with types and all."""
    return json.dumps(state, sort_keys=True, default=lambda array: [array.dtype.str, array.tolist()])


def shown(value: Any) -> str:
    """A value for a message, shortened, as a file can hold values of any length."""
    return f"{value.dtype} {checks.shape_text(value.shape)}" if isinstance(value, np.ndarray) else reprlib.repr(value)


def _refuse(name, expected, value):
    raise ValueError(f"{name}: expected {expected}, got {shown(value)}")
