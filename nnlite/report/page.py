"""Parts of a report, and rendering to HTML with page.html and page.css."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import NamedTuple

from nnlite import extras
from nnlite.notebook import inline_svg

# The pictures' colours, and their names in page.css.
COLORS = {
    "#000000": "currentColor",
    "#ffffff": "var(--paper)",
    "#0072b2": "var(--blue)",
    "#d55e00": "var(--vermilion)",
    "#767676": "var(--quiet)",
    "#b0b0b0": "var(--grid)",
}

# A shaded character has the colour in so many steps, and at most so many percent of it: the text stays readable.
SHADES = 10
DARKEST = 50


class Figure(NamedTuple):
    """A key figure, shown in large type, and its meaning.

    Example:
        >>> from nnlite.report import Figure
        >>> Figure("1.702", "nats per character").value
        '1.702'
    """

    value: str
    meaning: str


class Picture(NamedTuple):
    """A picture with a caption.

    Attributes:
        svg: from `nnlite.plot.svg`. Black becomes the page's text colour, and white its background.
        title: a description for screen readers.
        caption: what to look for.

    Example:
        >>> from nnlite.plot import loss_curves, svg
        >>> from nnlite.report import Picture
        >>> Picture(svg(loss_curves, {"loss": [2.9, 2.2]}), "a falling curve").title
        'a falling curve'
    """

    svg: str
    title: str
    caption: str = ""


class Poem(NamedTuple):
    """A text, with a heading above it and a remark below.

    Attributes:
        heading, text, remark: the three parts.
        given: the start of the text if it was the model's seed; shown in another style.
        shades: a number from -1 to 1 for each character, which colours it blue or orange; none by default.

    Example:
        >>> from nnlite.report import Poem
        >>> Poem("temperature 0.5", "shall i\\ncompare", given="shall i\\n").text
        'shall i\\ncompare'
        >>> Poem("a cell", "oh", shades=(-1, 0.5)).shades
        (-1, 0.5)
    """

    heading: str
    text: str
    remark: str = ""
    given: str = ""
    shades: Sequence[float] = ()


class Poems(NamedTuple):
    """Texts side by side.

    Example:
        >>> from nnlite.report import Poem, Poems
        >>> len(Poems([Poem("one", "my love"), Poem("two", "is as a fever")]).poems)
        2
    """

    poems: Sequence[Poem]


@dataclass(frozen=True)
class Table:
    """A table of texts. The first cell of each row is its heading.

    Attributes:
        rows: each as long as the header.
        header: the column headings, if any.
        folded: if given, the table is collapsed behind this label.

    Example:
        >>> from nnlite.report import Table
        >>> Table([("units", "200")], folded="settings").folded
        'settings'
    """

    rows: Sequence[Sequence[str]]
    header: Sequence[str] = ()
    folded: str = ""


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        title: the heading.
        parts: paragraphs (str), `Picture`, `Poems` and `Table`, in order.

    Example:
        >>> from nnlite.report import Section, Table
        >>> Section("Machine", ["It ran on this:", Table([("cores", "2")])]).title
        'Machine'
    """

    title: str
    parts: Sequence[str | Picture | Poems | Table]


@dataclass(frozen=True)
class Report:
    """The content of the page.

    Attributes:
        title: the heading of the page.
        kicker: a few words above the title.
        lead: the main result in a sentence or two.
        figures: key figures beside the lead.
        sections: the rest.
        language: the HTML language code of the page.

    Example:
        >>> from nnlite.report import Report, Section
        >>> Report("Sonnets", sections=[Section("Poems", ["None yet."])]).sections[0].title
        'Poems'
    """

    title: str
    kicker: str = ""
    lead: str = ""
    figures: Sequence[Figure] = ()
    sections: Sequence[Section] = ()
    language: str = "en"


def html(report: Report) -> str:
    """Render a report as HTML.

    All text is escaped: if a model generates `<script>`, the page shows `<script>`.

    Example:
        >>> from nnlite.report import Report, Section, html
        >>> page = html(Report("Sonnets", sections=[Section("A poem", ["my love is <b>old</b>"])]))
        >>> "my love is &lt;b&gt;old&lt;/b&gt;" in page
        True
    """
    extras.require("report")
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    here = files(__package__)
    count = iter(range(1, 10**6))
    environment.filters["inline"] = lambda picture: _inline(picture.svg, f"picture-{next(count)}")
    environment.filters["lines"] = _lines
    environment.tests["of_kind"] = lambda part, kind: type(part).__name__ == kind
    page = environment.from_string((here / "page.html").read_text(encoding="utf-8"))
    return page.render(report=report, style=(here / "page.css").read_text(encoding="utf-8"))


def _lines(poem):
    """The lines of a poem, each as pairs (attributes of a span, text), without attributes for plain text."""
    given = poem.given if poem.text.startswith(poem.given) else ""
    looks = [(place < len(given), 0) for place in range(len(poem.text))]
    if poem.shades:
        looks = [(is_given, round(SHADES * shade)) for (is_given, _), shade in zip(looks, poem.shades, strict=True)]
    start = 0
    for line in poem.text.removesuffix("\n").split("\n"):
        places = range(start, start + len(line))
        runs = itertools.groupby(places, looks.__getitem__)
        yield [(_attributes(*look), "".join(poem.text[place] for place in run)) for look, run in runs]
        start += len(line) + 1


def _attributes(is_given, shade):
    classes = " ".join(["given"] * is_given + ["low" if shade < 0 else "high"] * bool(shade))
    strength = f' style="--shade: {DARKEST * abs(shade) // SHADES}%"' if shade else ""
    return f'class="{classes}"{strength}' if classes else ""


def _inline(svg, name):
    """An SVG file as a part of the page. It shrinks with it until its text would be too small; then it scrolls."""
    view_box = re.search(r'viewBox="0 0 ([\d.]+)', svg)
    least = 0.8 * float(view_box[1]) if view_box else 0
    return inline_svg(svg, name, COLORS).replace("<svg", f'<svg style="min-width: {least:.0f}px"', 1)
