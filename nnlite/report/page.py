"""The parts of a report, and how they become a page. How it looks is in page.html and page.css beside this file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import NamedTuple

# Of the pictures, and what they are called in page.css.
COLORS = {
    "#000000": "currentColor",
    "#ffffff": "var(--paper)",
    "#0072b2": "var(--blue)",
    "#d55e00": "var(--vermilion)",
    "#767676": "var(--quiet)",
    "#b0b0b0": "var(--grid)",
}

__all__ = ["Figure", "Picture", "Poem", "Poems", "Report", "Section", "Table", "html"]


class Figure(NamedTuple):
    """A number that is worth large letters, and what it says.

    Example:
        >>> from nnlite.report import Figure
        >>> Figure("1.702", "nats per character").value
        '1.702'
    """

    value: str
    meaning: str


class Picture(NamedTuple):
    """A picture as `nnlite.plot.svg` gives it, with a caption.

    Attributes:
        svg: black becomes the colour of the page's letters, and white that of its paper.
        title: what it shows, for those who cannot see it.
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
        heading, text, remark: these.
        given: the beginning of the text, which the model was given: set apart.

    Example:
        >>> from nnlite.report import Poem
        >>> Poem("temperature 0.5", "shall i\\ncompare", given="shall i\\n").text
        'shall i\\ncompare'
    """

    heading: str
    text: str
    remark: str = ""
    given: str = ""


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
    """Rows of texts; the first of each row says what it is about.

    Attributes:
        rows: each as long as the header.
        header: above the columns, if any.
        folded: shown on request only; then this is what to click on.

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
    """A part of the page under a heading.

    Attributes:
        title: the heading.
        parts: in their order: paragraphs, as str; `Picture`, `Poems`, `Table`.

    Example:
        >>> from nnlite.report import Section, Table
        >>> Section("Machine", ["It ran on this:", Table([("cores", "2")])]).title
        'Machine'
    """

    title: str
    parts: Sequence[str | Picture | Poems | Table]


@dataclass(frozen=True)
class Report:
    """All that is on the page.

    Attributes:
        title: the heading of the page.
        kicker: a few words above it.
        lead: the most important thing, in a sentence or two.
        figures: beside it, large.
        sections: the rest.
        language: of the page, as HTML writes it. What a model wrote may be in any.

    Example:
        >>> from nnlite.report import Report, Section
        >>> Report("Sonnets", sections=[Section("Poems", ["None yet."])]).sections[0].title
        'Poems'
    """

    title: str
    kicker: str = ""
    lead: str = ""
    figures: Sequence[Figure] = ()
    sections: Sequence[Section] = field(default_factory=tuple)
    language: str = "en"


def html(report: Report) -> str:
    """The report as a web page.

    Whatever stands in it is shown as it is: a model may write `<script>`, and then one reads `<script>`.

    Example:
        >>> from nnlite.report import Report, Section, html
        >>> page = html(Report("Sonnets", sections=[Section("A poem", ["my love is <b>old</b>"])]))
        >>> "my love is &lt;b&gt;old&lt;/b&gt;" in page
        True
    """
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
    """The lines of a poem: pairs of what was given and what was written. Only one line can have both."""
    given = poem.given if poem.text.startswith(poem.given) else ""
    start = 0
    for line in poem.text.removesuffix("\n").split("\n"):
        here = max(0, min(len(line), len(given) - start))
        yield line[:here], line[here:]
        start += len(line) + 1


def _inline(svg, name):
    """An SVG file as a part of a page.

    Its own head goes, and its styles, which would hold for the whole page; its colours become those of the page, which
    are others in the dark; and its ids get a name in front, as those of two pictures on a page must differ. It shrinks
    with the page until its letters would be too small; then it can be pushed sideways.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    least = 0.8 * float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"', rf'\1 style="min-width: {least:.0f}px"', svg, count=1)
    svg = svg.replace('fill="#ffffff"', 'style="fill: #ffffff"')  # variables are for styles only
    for color, name_on_page in COLORS.items():
        svg = svg.replace(color, name_on_page)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    return re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", svg)
