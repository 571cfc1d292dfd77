"""The results of a gradient check: a report if every gradient is right, else an error."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..notebook import Shown, Table
from .target import Kind, Target

NAMED = 4  # names in a line


class GradientCheckError(AssertionError):
    """A gradient differs from central differences.

    Attributes:
        layer: the class of the layer, in a model with its name.
        name: what the gradient is for, such as "parameter Wh" or "input x".
        index: of the number in it, a tuple; None for the whole array.
        time_step: for an input, the time step of the number; for a parameter, the first time step of the output whose
            loss alone gives a wrong gradient. None without time steps.
        analytic, numeric: the gradient from backward, and from central differences.
        cause: a likely mistake, in words.
        moved: the names of arrays that were changed for the check; both numbers are those with the changed values.
    """

    def __init__(
        self,
        layer: str,
        what: Target | str,
        cause: str,
        *,
        problem: str | None = None,
        index: tuple[int, ...] | None = None,
        time_step: int | None = None,
        analytic: float | None = None,
        numeric: float | None = None,
        extent: str | None = None,
        moved: Sequence[str] = (),
    ) -> None:
        self.layer, self.name, self.cause, self.moved = layer, str(what), cause, list(moved)
        self.index, self.time_step, self.analytic, self.numeric = index, time_step, analytic, numeric
        lines = [f"{layer}: {problem or f'the gradient of {what} is wrong'}"]
        if analytic is not None:
            where = "in total along a random direction" if index is None else f"at index {index}"
            lines.append(f"  {where} backward gives {analytic:.10g}, central differences give {numeric:.10g}")
        if time_step is not None and isinstance(what, Target) and what.kind is Kind.INPUT:
            lines.append(f"  at time step {time_step}")
        elif time_step is not None:
            lines.append(
                f"  first at time step {time_step}: a loss of this step of the output alone has a wrong gradient"
            )
        if extent:
            lines.append(f"  {extent}")
        if moved:
            lines.append(f"  {_moved_line(moved)}")
        lines.append(f"  likely cause: {cause}")
        super().__init__("\n".join(lines))


@dataclass
class Row:
    """One array of the check."""

    name: str  # such as "parameter Wh"
    size: int  # number of entries
    checked: int  # number of entries compared one by one; 0 in fast mode
    directions: int  # number of random directions compared; 0 unless in fast mode
    largest: float  # the largest absolute value of the gradient
    error: float  # the largest relative difference
    kinks: list[tuple[int, ...] | None] = field(default_factory=list)  # indices of the entries at kinks


@dataclass(repr=False)
class GradientReport(Shown):
    """What was checked, and how well it agrees. Prints as a table.

    Attributes:
        title: the layer's class.
        rows: a `Row` for each array.
        tolerance: an upper bound of all errors.
        moved: the names of parameters and statistics that were changed for the check because they hide mistakes.
        constant: the names of given arrays that hold one number throughout, which hides mistakes, too.
    """

    title: str
    rows: list[Row]
    tolerance: float
    moved: list[str] = field(default_factory=list)
    constant: list[str] = field(default_factory=list)

    @property
    def max_error(self) -> float:
        """The largest relative difference of all."""
        return max(row.error for row in self.rows)

    @property
    def kinks(self) -> list[tuple[str, tuple[int, ...] | None]]:
        """(name, index) of every entry at a kink."""
        return [(row.name, index) for row in self.rows for index in row.kinks]

    def _table(self):
        rows = []
        for row in self.rows:
            how = f"{row.directions} directions" if row.directions else f"{row.checked} of {row.size}"
            rows.append((row.name, how, f"{row.largest:.3g}", f"{row.error:.1e}", str(len(row.kinks) or "")))
        notes = [_moved_line(self.moved)] if self.moved else []
        notes += [f"warning: {name} is constant, which hides mistakes: use random numbers" for name in self.constant]
        header = ("", "checked", "largest gradient", "largest relative error", "on kinks")
        title = f"{self.title}: every gradient agrees with central differences"
        return Table(rows, header, align="lrrrr", title=title, notes=notes)


def _moved_line(names):
    named = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    return f"changed a little for the check, because values such as 0 and 1 hide mistakes: {named}"
