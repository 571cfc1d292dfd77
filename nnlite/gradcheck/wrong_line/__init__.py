"""The first wrong line of a backward pass that is written in NumPy: found by the tape, not by hand.

program.py    the text of backward, with a call after each assignment
watch.py      what these calls keep, and replace
witness.py    a tape that knows where it was noted: the values and gradients of forward, run by run
knowledge.py  what a line should compute
search.py     which line is wrong
"""

import inspect
import textwrap
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
    forward: Callable[..., Any], backward: Callable[..., Any], *, seed: int = 0, **arguments: Any
) -> WrongLine | None:
    """Find the line of a backward pass that makes its gradients wrong.

    `nnlite.tape` differentiates forward. Then backward runs again and again, with the tape's gradients in the place of
    what one of its lines computes. The wrong line is the one with which that makes everything right, while what it is
    computed from is right already. Names help: dz, or dz_t, is taken for the gradient of forward's z.

    Args:
        forward: in NumPy, as `nnlite.tape.Tape` takes it; returns an array, or several.
        backward: takes arguments of forward by their names, and one more for each array that forward returns: its
            gradient. Returns the gradients of forward's arguments, in their order, or a dict with names such as "dW".
            Functions in its file that it calls are searched, too.
        seed: of the random gradients of what forward returns.
        arguments: forward's.

    Returns:
        None if all gradients are right, or if there is no saying which line is wrong.

    Raises:
        TypeError: backward has not one parameter for each array that forward returns; or forward does what the tape
            has no rule for.
        OSError: the text of backward cannot be found.

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
    witness = Witness()
    noted = {name: witness.array(array) if _is_real(array) else array for name, array in arguments.items()}
    returned = witness.call(forward, **noted)
    results = list(returned) if isinstance(returned, tuple | list) else [returned]
    others = [name for name in inspect.signature(backward).parameters if name not in arguments]
    if len(others) != len(results):
        raise TypeError(
            f"backward: expected a parameter for the gradient of each of the {len(results)} arrays that forward "
            f"returns, beside {', '.join(arguments)}, got {', '.join(others) or 'none'}"
        )
    drawn = np.random.default_rng(seed)
    dresults = [drawn.normal(size=np.shape(result)) for result in results]
    witness.backward(*(part for pair in zip(results, dresults, strict=True) for part in pair))
    own = {name: arguments[name] for name in inspect.signature(backward).parameters if name in arguments}
    asked = [name for name, array in noted.items() if _is_real(array)]
    expected = [witness.gradient(noted[name]) for name in asked]

    def call(function: Callable[..., Any]) -> list[Any]:
        copies = {name: np.array(value) if _is_real(value) else value for name, value in own.items()}
        found = function(**copies, **{name: dy.copy() for name, dy in zip(others, dresults, strict=True)})
        if isinstance(found, Mapping):
            return [found[name] if name in found else found[f"d{name}"] for name in asked]
        return list(found) if isinstance(found, tuple | list) else [found]

    names = {**backward.__globals__, **inspect.getclosurevars(backward).nonlocals}
    return wrong_line(list(_texts(backward)), witness, call, expected, backward.__name__, names)


def wrong_line(
    texts: Sequence[tuple[str, int]],
    witness: Witness,
    call: Callable[[Callable[..., Any]], Sequence[Any]],
    expected: Sequence[np.ndarray],
    entry: str,
    names: Mapping[str, Any] | None = None,
) -> WrongLine | None:
    """The same for texts of functions.

    Args:
        texts: of the program, each with the number of its first line.
        witness: has recorded forward, and differentiated it.
        call: calls a function with ordinary arrays, and returns its results.
        expected: the right results.
        entry: the name of the function.
        names: what the program knows beside its own functions.
    """
    program, text = Program.of(texts)
    code = compile(text, "<backward>", "exec")
    in_place = {k for k, site in enumerate(program.sites) if site.in_place}

    def run(new: dict[int, np.ndarray]) -> Run | None:
        watch = Watch(new, in_place)
        space = {**(names or {}), WATCH: watch}
        try:
            with np.errstate(all="ignore"):
                exec(code, space)
                return Run(call(space[entry]), watch)
        except Exception:  # other numbers may not fit
            return None

    return found(Search(program, witness, run, expected, entry), texts)


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
        yield textwrap.dedent("".join(lines)), max(1, first)
        seen.add(function)
        known = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
        called = [known.get(name) for name in (*function.__code__.co_names, *function.__code__.co_freevars)]
        todo += [
            one for one in called
            if inspect.isfunction(one) and one not in seen and one.__code__.co_filename == function.__code__.co_filename
        ]  # fmt: skip


def _is_real(array):
    return hasattr(array, "dtype") and array.dtype.kind == "f"
