"""The first wrong line of a backward pass that is written in NumPy: found by the tape, not by hand.

program.py    the text of backward, with a call after each assignment
watch.py      what these calls keep, and replace
witness.py    a tape that knows where it was noted: the values and gradients of forward, run by run
knowledge.py  what a line should compute
search.py     which line is wrong
"""

import contextlib
import copy
import inspect
import io
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .program import WATCH, Program
from .search import Repair, Run, Search, line_of
from .watch import Watch
from .witness import TOLERANCE, Witness

__all__ = ["WrongLine", "first_wrong_line"]


class WrongLine(NamedTuple):
    """A line of a backward pass whose result is wrong, although all that it is computed from is right.

    Attributes:
        line: its number.
        text: the line.
        name: the variable that it assigns, or "return".
        difference: of its numbers from the right ones, relative to the largest of these.
        step: of a line in a loop over time, the step at which that is first so, which is the last one in time.
    """

    line: int
    text: str
    name: str
    difference: float
    step: int | None = None

    def __str__(self) -> str:
        what = "what it returns" if self.name == "return" else self.name
        step = "" if self.step is None else f", first at time step {self.step}"
        return (
            f"line {self.line}: {self.text}\n  all that it is computed from is right, and {what} is wrong: "
            f"relative difference {self.difference:.1g}{step}"
        )


def first_wrong_line(
    forward: Callable[..., Any], backward: Callable[..., Any], *, seed: int = 0, seconds: float = 30, **arguments: Any
) -> WrongLine | None:
    """Find the line of a backward pass that makes its gradients wrong.

    `nnlite.tape` differentiates forward. Then backward runs again and again, with the tape's gradients in the place of
    what one of its lines computes. The wrong line is the one with which that makes everything right, while what it is
    computed from is right already. Names help: dz, or dz_t, is taken for the gradient of forward's z.

    Backward may run hundreds of times, each time with copies of the arguments, in float64. So give it small arrays, and
    let it write no files. What it prints is seen once.

    Args:
        forward: in NumPy, as `nnlite.tape.Tape` takes it; returns an array, or several.
        backward: takes arguments of forward by their names, and one more for each array that forward returns: its
            gradient. Returns the gradients of forward's arguments that are arrays of real numbers, in their order, or a
            dict with names such as "dW". Functions in its file that it calls are searched, too.
        seed: of the random gradients of what forward returns.
        seconds: after which the search is given up.
        arguments: forward's.

    Returns:
        None if all gradients are right, or if there is no saying which line is wrong, or not in time.

    Raises:
        TypeError: backward is no function written with def; it has not one parameter for each array that forward
            returns, or returns another number of gradients; no argument is an array of real numbers; or forward does
            what the tape has no rule for.
        OSError: the text of backward cannot be found.
        Exception: whatever backward raises.

    Example:
        >>> import numpy as np
        >>> from nnlite import first_wrong_line
        >>> def forward(x, W):
        ...     z = x @ W
        ...     h = np.tanh(z)
        ...     return h ** 2
        >>> def backward(x, W, dy):
        ...     h = np.tanh(x @ W)
        ...     dh = dy * 2 * h
        ...     dz = dh * (1 - h)
        ...     return dz @ W.T, x.T @ dz
        >>> x, W = np.random.default_rng(0).normal(size=(2, 3, 3))
        >>> first_wrong_line(forward, backward, x=x, W=W).text
        'dz = dh * (1 - h)'
    """
    if not inspect.isfunction(backward) or backward.__name__ == "<lambda>":
        raise TypeError(
            f"backward: expected a function written with def, which is given all arrays that it needs, got "
            f"{_what(backward)}: write its lines into such a function"
        )
    witness = Witness()
    noted = {name: witness.array(array) if _is_real(array) else array for name, array in arguments.items()}
    asked = [name for name, array in noted.items() if _is_real(array)]
    if not asked:
        raise TypeError(
            f"arguments: expected arrays of real numbers, got {', '.join(arguments) or 'none'}: make them with "
            f"np.array([1.0, 2.0])"
        )
    returned = witness.call(forward, **noted)
    results = list(returned) if isinstance(returned, tuple | list) else [returned]
    others = _others(backward, arguments, len(results))
    drawn = np.random.default_rng(seed)
    dresults = [drawn.normal(size=np.shape(result)) for result in results]
    witness.backward(*(part for pair in zip(results, dresults, strict=True) for part in pair))
    own = {name: arguments[name] for name in inspect.signature(backward).parameters if name in arguments}
    own = {name: np.array(value, np.float64) if _is_real(value) else value for name, value in own.items()}
    own |= dict(zip(others, dresults, strict=True))

    def call(function: Callable[..., Any]) -> list[Any]:
        return _gradients(function(**copy.deepcopy(own)), asked)

    with np.errstate(all="ignore"):
        call(backward)  # what it raises is for the reader
    expected = [witness.gradient(noted[name]) for name in asked]
    inner = inspect.unwrap(backward)  # below its decorators
    names = {**inner.__globals__, **inspect.getclosurevars(inner).nonlocals}
    return wrong_line(list(_texts(inner)), witness, call, expected, inner.__name__, names, seconds)


def _what(backward):
    if inspect.ismethod(backward):
        return f"the method {backward.__qualname__}"
    return "a lambda" if inspect.isfunction(backward) else f"a {type(backward).__name__}"


def _others(backward, arguments, results):
    """The parameters of backward for the gradients of what forward returns: without a default, if they are too many."""
    parameters = inspect.signature(backward).parameters
    others = [name for name in parameters if name not in arguments]
    if len(others) > results:
        others = [name for name in others if parameters[name].default is inspect.Parameter.empty]
    if len(others) != results:
        raise TypeError(
            f"backward: expected a parameter for the gradient of each of the {results} arrays that forward "
            f"returns, beside {', '.join(arguments)}, got {', '.join(others) or 'none'}: a loss has one, too, which "
            f"multiplies its gradient"
        )
    return others


def _gradients(found, asked):
    """What backward has returned, in the order of the arguments."""
    if isinstance(found, Mapping):
        keys = [name if name in found else f"d{name}" for name in asked]
        if missing := [key for key in keys if key not in found]:
            raise TypeError(f"backward: expected a dict with {', '.join(missing)}, got {', '.join(map(str, found))}")
        return [found[key] for key in keys]
    gradients = list(found) if isinstance(found, tuple | list) else [found]
    if len(gradients) != len(asked):
        raise TypeError(
            f"backward: expected the gradients of {', '.join(asked)}, which are the arrays of real numbers, in this "
            f"order, got {len(gradients)}: return those alone, or a dict by their names"
        )
    return gradients


def wrong_line(
    texts: Sequence[tuple[str, int]],
    witness: Witness,
    call: Callable[[Callable[..., Any]], Sequence[Any]],
    expected: Sequence[np.ndarray],
    entry: str,
    names: Mapping[str, Any] | None = None,
    seconds: float = 30,
) -> WrongLine | None:
    """The same for texts of functions.

    Args:
        texts: of the program, each with the number of its first line.
        witness: has recorded forward, and differentiated it.
        call: calls a function with ordinary arrays, and returns its results.
        expected: the right results.
        entry: the name of the function.
        names: what the program knows beside its own functions.
        seconds: for the search.
    """
    program, text = Program.of(texts)
    code = compile(text, "<backward>", "exec")
    in_place = {k for k, site in enumerate(program.sites) if site.in_place}
    end = time.monotonic() + seconds

    def tick() -> None:  # with other numbers, backward may loop for ever
        if time.monotonic() > end:
            raise TimeoutError

    def run(new: dict[int, np.ndarray]) -> Run | None:
        watch = Watch(new, in_place, tick)
        space = {**(names or {}), WATCH: watch}
        try:
            tick()
            with np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
                exec(code, space)
                return Run(call(space[entry]), watch)
        except (Exception, SystemExit):  # other numbers may not fit
            return None

    line = found(Search(program, witness, run, expected, entry), texts)
    return line if time.monotonic() <= end else None


def found(search: Search, texts: Sequence[tuple[str, int]]) -> WrongLine | None:
    """What a search finds, with the text of the line."""
    with np.errstate(all="ignore"):  # wrong numbers may be infinite
        repair = search.first_wrong()
    line = None if repair is None else line_of(search.program, repair.site)
    if repair is None or line is None:
        return None
    lines = {first + k: text for source, first in texts for k, text in enumerate(source.splitlines())}
    return WrongLine(
        line, lines[line].split("#")[0].strip(), search.program.sites[repair.site].name, *_difference(repair)
    )


@np.errstate(divide="ignore")  # where the right numbers are all 0
def _difference(repair: Repair) -> tuple[float, int | None]:
    """Where a series first differs from the right one, in the order of backward."""
    apart = np.abs(repair.own - repair.series).reshape(len(repair.own), -1).max(axis=1)
    first = int(np.argmax(apart > TOLERANCE * np.abs(repair.series).max()))
    return float(apart.max() / np.abs(repair.series).max()), len(apart) - 1 - first if len(apart) > 1 else None


def _texts(backward) -> Iterator[tuple[str, int]]:
    """A function, and those of its file that it calls, with their first lines."""
    todo, seen = [backward], set()
    while todo:
        function = todo.pop()
        try:
            lines, first = inspect.getsourcelines(function)
        except OSError as error:
            raise OSError(
                f"{function.__name__}: expected a function whose text is in a file or in a notebook's cell, got one "
                f"without: write it into a file, and import it"
            ) from error
        yield textwrap.dedent("".join(lines)), first
        seen.add(function)
        known = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
        called = [known.get(name) for name in (*function.__code__.co_names, *function.__code__.co_freevars)]
        todo += [
            one for one in called
            if inspect.isfunction(one) and one not in seen and one.__code__.co_filename == function.__code__.co_filename
        ]  # fmt: skip


def _is_real(array):
    return hasattr(array, "dtype") and array.dtype.kind == "f"
