"""The base of results, texts, tables and pictures: the same text wherever they are printed, and HTML in a notebook."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec

from . import markup

P = ParamSpec("P")


class Shown:
    """Base of results that print as a text: a cell or a console that ends on one shows that text, too.

    A class says with `html` how it is shown in a notebook; by default as its text. One that is shown as a `Table` needs
    only `_table`, which makes it. It comes before others in a class' list of bases, and a dataclass needs repr=False.

    Example:
        >>> from nnlite.notebook import Shown
        >>> class Answer(Shown):
        ...     def __str__(self):
        ...         return "6 < 7"
        >>> Answer()
        6 < 7
        >>> "<pre>\\n6 &lt; 7</pre>" in Answer()._repr_html_()
        True
    """

    def _table(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __str__ and no _table")

    def __str__(self) -> str:
        return str(self._table())

    def __repr__(self) -> str:
        return str(self)

    def html(self) -> str:
        """What a notebook shows, as HTML without a page around it."""
        is_table = type(self).__str__ is Shown.__str__
        return self._table().html() if is_table else markup.preformatted(str(self))

    def _repr_html_(self) -> str:
        """For IPython."""
        return markup.page(self.html())


class Text(Shown, str):
    """A str that shows its lines, and not its characters in quotes.

    Example:
        >>> from nnlite.notebook import Text
        >>> Text("two\\nlines")
        two
        lines
    """

    __str__ = str.__str__


def shows_itself(function: Callable[P, str]) -> Callable[P, Text]:
    """Decorate a function that returns a text of several lines: a cell that ends on it shows them."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Text:
        return Text(function(*args, **kwargs))

    return wrapped


@dataclass(frozen=True, repr=False)
class Table(Shown):
    """A table of texts.

    Attributes:
        rows, header, footer: the cells; header and footer may be empty.
        align: a letter for each column, "l" or "r"; those left out are to the left.
        title: a line above it.
        notes: lines below it.
        indent: before each line of the table, where it is printed.
        folded: if given, a notebook shows the table when this label is clicked.

    Example:
        >>> from nnlite.notebook import Table
        >>> Table([("W", "6"), ("gamma", "12")], ("name", "size"), align="lr", title="Parameters")
        Parameters
        name   size
        W         6
        gamma    12
    """

    rows: Sequence[Sequence[str]]
    header: Sequence[str] = ()
    footer: Sequence[str] = ()
    align: str = ""
    title: str = ""
    notes: Sequence[str] = ()
    indent: str = ""
    folded: str = ""

    def __str__(self) -> str:
        lines = [line for line in (self.header, *self.rows, self.footer) if line]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        sides = [">" if letter == "r" else "<" for letter in self.align.ljust(len(widths), "l")]
        printed = (
            self.indent
            + "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(line, sides, widths, strict=True))
            for line in lines
        )
        return "\n".join([*[self.title] * bool(self.title), *map(str.rstrip, printed), *self.notes])

    def html(self) -> str:
        table = markup.table(self.rows, self.header, self.footer, self.align, self.title, self.notes)
        return markup.folded(self.folded, table) if self.folded else table


class Drawing(Shown):
    """A picture in a notebook, and a text elsewhere.

    Args:
        text: what it prints as, and what is read to who does not see the picture.
        svg: of `nnlite.plot.svg`.
    """

    def __init__(self, text: str, svg: str) -> None:
        self.text, self.svg = text, svg

    def __str__(self) -> str:
        return self.text

    def html(self) -> str:
        return markup.picture(self.svg, self.text)


def plots() -> Any:
    """nnlite's package `plot`, which stands floors above what is drawn with it here: `nnlite` hands it down."""
    return _plots()


def draws_with(get_plots: Callable[[], Any]) -> None:
    """Tell `plots` where they come from, on first use: matplotlib takes its time to be imported."""
    global _plots
    _plots = get_plots


_plots: Callable[[], Any]
