"""Check a mended exhibit: call by call against the right kernel, and by central differences for the cause."""

import copy
import functools
import inspect
import traceback
import types
from typing import Any, NamedTuple

import numpy as np

from nnlite import gradcheck, use_backend
from nnlite.gradcheck import GradientCheckError

from .exhibit import right_module
from .scenarios import PROGRAMS, scenarios
from .windows import truncated, windows

PARTS = {"weights": ("Wx", "Wh", "b"), "gradients": ("dWx", "dWh", "db")}  # of arguments that are tuples
TOLERANCE = 1e-9  # relative to the largest number of an array


class Problem(NamedTuple):
    """Something that is not right.

    Attributes:
        scenario: the layer and its options, such as "padding".
        message: the function, the array and the numbers, or the error.
    """

    scenario: str
    message: str


def problems(kernel: str, module: types.ModuleType) -> list[Problem]:
    """All that a module does otherwise than the kernel that it stands in for.

    Example:
        >>> from nnlite.zoo import exhibit
        >>> from nnlite.zoo.comparison import problems
        >>> problems("dense", exhibit("dense-04").module())[0].message
        'backward: dx is wrong: at index (1, 1) it is 1.63, and should be -1.63'
    """
    if kernel == "windows":
        return _of_windows(module)
    found = list[Problem]()
    tried = {scenario.name: scenario.run for scenario in scenarios(kernel)} | PROGRAMS.get(kernel, {})
    for name, run in tried.items():
        watched = Watched(kernel, module)
        with use_backend("reference", **{kernel: watched.module}), np.errstate(all="ignore"):
            run()
        found += [Problem(name, message) for message in watched.problems]
    return found


def cause(kernel: str, module: types.ModuleType) -> str | None:
    """The likely mistake, as `gradcheck` names it; None if it finds none.

    Example:
        >>> from nnlite.zoo import exhibit
        >>> from nnlite.zoo.comparison import cause
        >>> cause("dense", exhibit("dense-04").module())
        'the sign: every number has the right size and the wrong sign'
    """
    if kernel == "windows":  # which is no layer's
        return None
    with use_backend("reference", **{kernel: module}), np.errstate(all="ignore"):
        for scenario in scenarios(kernel):
            try:
                gradcheck(scenario.make(), scenario.x, training=scenario.forward.get("training", False))
            except GradientCheckError as error:
                return error.cause
            except Exception:  # what it is not made for: `problems` tells
                continue
    return None


class Watched:
    """A module whose functions are compared with the right ones at every call. The calls go on with right results."""

    def __init__(self, kernel: str, module: types.ModuleType) -> None:
        self.problems: list[str] = []
        right = {name: f for name, f in vars(right_module(kernel)).items() if inspect.isfunction(f) and name[0] != "_"}
        self.module = types.SimpleNamespace(
            **{name: self._both(name, f, getattr(module, name, None)) for name, f in right.items()}
        )

    def _both(self, name, right, own):
        def call(*args):
            mine = copy.deepcopy(args)
            result = right(*args)
            if own is None:
                self._note(f"{name}: expected a function of this name, got none")
                return result
            try:
                got = own(*mine)
            except (Exception, SystemExit) as error:  # a student's program may do anything
                line = traceback.extract_tb(error.__traceback__)[-1].lineno
                self._note(f"{name}: line {line} raises {type(error).__name__}: {error}")
                return result
            names = [*inspect.signature(right).parameters, "its result"]
            for argument, expected, found in zip(names, (*args, result), (*mine, got), strict=True):
                self._compare(f"{name}: {argument}", expected, found)
            return result

        return call

    def _compare(self, what, expected, found):
        if isinstance(expected, tuple | list):
            names = PARTS.get(what.partition(": ")[2], range(len(expected)))
            for name, pair in zip(names, zip(expected, found, strict=True), strict=True):
                self._compare(f"{what}: {name}", *pair)
        elif message := difference(expected, found):
            self._note(f"{what} is wrong: {message}")

    def _note(self, problem):
        if problem.split(" is wrong")[0] not in [known.split(" is wrong")[0] for known in self.problems]:
            self.problems.append(problem)


def difference(expected: Any, found: Any) -> str | None:
    """Where two arrays differ most; None if they are alike.

    Example:
        >>> from nnlite.zoo.comparison import difference
        >>> difference([1.0, 2.0], [1.0, 2.5])
        'at index (1,) it is 2.5, and should be 2'
    """
    if expected is None or isinstance(expected, str):
        return None if found is expected else f"it is {found!r}, and should be {expected!r}"
    try:
        expected, found = np.asarray(expected, np.float64), np.asarray(found, np.float64)
    except (TypeError, ValueError):
        return f"it is {found!r}, and should be numbers"
    if expected.shape != found.shape:
        return f"it has shape {found.shape}, and should have {expected.shape}"
    apart = np.array(np.abs(found - expected))
    apart[np.isnan(expected) & np.isnan(found)] = 0  # memory that nobody has written to
    apart[np.isnan(apart)] = np.inf
    if not apart.size or apart.max() <= TOLERANCE * max(1.0, float(np.nanmax(np.abs(expected), initial=0.0))):
        return None
    index = tuple(map(int, np.unravel_index(apart.argmax(), apart.shape)))
    return f"at index {index} it is {found[index]:.3g}, and should be {expected[index]:.3g}"


def _step(calls, x, y, state):
    calls.append((int(x), int(y), state))
    return int(x + y)


def _of_windows(module):
    found = []
    for L, T in ((7, 3), (20, 4), (23, 5)):
        try:
            both = zip(windows(np.arange(L), T), module.windows(np.arange(L), T), strict=True)
            said = {name: difference(right, own) for name, (right, own) in zip(("x", "y"), both, strict=True)}
            messages = [f"{name} is wrong: {text}" for name, text in said.items() if text]
        except Exception as error:
            messages = [f"it raises {type(error).__name__}: {error}"]
        found += [Problem(f"windows of {T} from {L} ids", f"windows: {message}") for message in messages]
    calls: dict[str, list] = {"right": [], "own": []}
    for name, function in (("right", truncated), ("own", getattr(module, "truncated", print))):
        try:
            step = functools.partial(_step, calls[name])
            function(step, np.array([1, 2, 3]), np.array([4, 5, 6]))
        except Exception as error:
            calls[name].append(error)
    if calls["own"] != calls["right"]:
        found.append(
            Problem("three windows", f"truncated: it calls step with {calls['own']}, and should with {calls['right']}")
        )
    return found
