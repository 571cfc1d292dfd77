"""Contract: checks of one kind of object, what they found, and the error where one failed."""

import contextlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from .. import use_backend
from ..notebook import Shown, Table
from ..utils import require

PASSED, FAILED, LEFT_OUT = "passed", "failed", "left out"


class LeftOut(Exception):
    """Raised by a check that cannot apply, with the reason."""


class Failed(AssertionError):
    """Raised by a check that failed: what was expected, what came, and what to do."""


@contextlib.contextmanager
def on_compiled_kernels() -> Iterator[None]:
    """Run what is inside the `with` on the compiled kernels. Without them a check does not apply."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(use_backend("compiled"))
        except ImportError:
            raise LeftOut("nnlite runs on NumPy here: there are no compiled kernels") from None
        yield


def expect(holds: Any, what: str, expected: str, got: Any, remedy: str) -> None:
    """Fail, unless it holds, with a message in the form of all messages."""
    if not holds:
        raise Failed(f"{what}: expected {expected}, got {got}: {remedy}")


@dataclass(frozen=True)
class Result:
    """What one check found.

    Attributes:
        check: its name.
        why: what would go wrong without it, a sentence.
        outcome: "passed", "failed" or "left out".
        text: the failure's message, why it was left out, or what else it found.
    """

    check: str
    why: str
    outcome: str
    text: str = ""


@dataclass(repr=False)
class ContractReport(Shown):
    """What the checks found. Prints as a table.

    Attributes:
        title: what was checked.
        results: a `Result` for each check, in their order.
    """

    title: str
    results: list[Result]

    @property
    def passed(self) -> list[str]:
        """The names of the checks that passed."""
        return self._named(PASSED)

    @property
    def failed(self) -> list[str]:
        """The names of the checks that failed."""
        return self._named(FAILED)

    @property
    def left_out(self) -> dict[str, str]:
        """The names of the checks that did not apply, and why."""
        return {result.check: result.text for result in self.results if result.outcome == LEFT_OUT}

    def __getitem__(self, check: str) -> Result:
        return next(result for result in self.results if result.check == check)

    def _named(self, outcome):
        return [result.check for result in self.results if result.outcome == outcome]

    def _table(self):
        rows = [(one.check, one.outcome, (one.text or one.why).partition("\n")[0]) for one in self.results]
        counts = [f"{len(self._named(outcome))} {outcome}" for outcome in (PASSED, FAILED, LEFT_OUT)]
        return Table(rows, ("check", "", "because"), title=f"{self.title}: {', '.join(counts)}")


class ContractError(AssertionError):
    """A check failed. The message is of the first one, and names the others.

    Attributes:
        report: all that was found, a `ContractReport`.
    """

    def __init__(self, report: ContractReport) -> None:
        self.report = report
        first, *others = report.failed
        result = report[first]
        lines = [f"{report.title}: check {first}: {result.text}", f"  why: {result.why}"]
        if others:
            lines.append(f"  failed, too: {', '.join(others)}")
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple:
        return ContractError, (self.report,)


class Contract:
    """The checks of one kind of object: functions of a case, in the order in which they are defined.

    A check returns None, or what else there is to say. It fails by any error, and by `LeftOut` does not apply. The
    first sentence of its docstring says why.
    """

    def __init__(self) -> None:
        self.checks: dict[str, Callable[[Any], str | None]] = {}

    def __call__(self, check: Callable[[Any], str | None]) -> Callable[[Any], str | None]:
        """Decorate a check."""
        self.checks[check.__name__] = check
        return check

    def hold(self, title: str, case: Any, without: Collection[str] = ()) -> ContractReport:
        """Run all checks but some, and raise a `ContractError` if one failed."""
        names = [without] if isinstance(without, str) else without
        require("without", names, "Iterable[str]")
        names = [*names]
        if unknown := [name for name in names if name not in self.checks]:
            known = ", ".join(self.checks)
            raise ValueError(f"without: expected names among {known}, got {unknown[0]!r}: a report shows them")
        results, first = [], None
        for name, check in self.checks.items():
            why = (check.__doc__ or "").partition("\n")[0]
            try:
                if name in names:
                    raise LeftOut("the caller left it out")
                results.append(Result(name, why, PASSED, check(case) or ""))
            except LeftOut as reason:
                results.append(Result(name, why, LEFT_OUT, str(reason)))
            except Exception as error:
                first = first or error
                results.append(Result(name, why, FAILED, _text(error, getattr(case, "hint", ""))))
        report = ContractReport(title, results)
        if first is not None:
            raise ContractError(report) from first
        return report


def _text(error, hint):
    """A failure in words; where it is an error of the object's own, with what may have led to it."""
    if isinstance(error, AssertionError):
        return str(error)
    return f"expected no error, got {type(error).__name__}: {error}{hint}"
