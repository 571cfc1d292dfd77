"""The report: a page that holds all it needs, shows everything as it was written, and is one page."""

import re
from html.parser import HTMLParser
from types import SimpleNamespace

import browser
import pytest

from nnlite.experiment.sonnets_report import _likeness
from nnlite.plot import character_frequencies, loss_curves, svg
from nnlite.report import Figure, Picture, Poem, Poems, Report, Section, Table, html
from nnlite.text import text_statistics

VERSES = "shall i compare thee\nto a summer's day?\n"

VOID = {"meta", "br", "img", "link", "hr"}


class Page(HTMLParser):
    """What a browser makes of it: whether all tags are closed, the ids, the words, and whatever it would fetch."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.words, self.tags, self.fetched = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.open += [tag] if tag not in VOID else []
        for name, value in attributes:
            self.ids += [value] if name == "id" else []
            if name in ("src", "href", "xlink:href", "data") and not value.startswith("#"):
                self.fetched.append(value)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.open = self.open[: -1 if tag not in VOID else None]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


CURVES = {"loss": [2.9, 2.2, 1.9], "val_loss": [2.5, 2.1, 2.2]}
NASTY = "</div><script>alert(1)</script> & \"quoted\" {{ 7 * 7 }} <img src=x onerror='alert(2)'>"


def report(text):
    curves = svg(loss_curves, CURVES)
    bars = svg(character_frequencies, {"a": 60.0, "<": 40.0}, {"a": 100.0}, labels=(text, "corpus"))
    parts = [
        text,
        Poems([Poem(text, f"shall i\n{text}\n\n  indented", remark=text, given="shall i\n"), Poem("two", "")]),
        Picture(curves, text, text),
        Picture(bars, text),
        Table([(text, text)], (text, text)),
        Table([("folded", "away")], folded=text),
    ]
    return Report(text, text, text, [Figure(text, text)], [Section(text, parts), Section("empty", [])])


@pytest.fixture(scope="module")
def page():
    return html(report(NASTY))


def test_needs_nothing_from_anywhere(page):
    parsed = Page(page)
    assert parsed.fetched == []
    assert not {"script", "link", "iframe", "object", "embed", "img", "base"} & set(parsed.tags)
    assert "default-src 'none'" in page
    assert not re.search(r"url\((?!#)|@import|\son\w+=\"", page)


def test_shows_everything_as_it_was_written(page):
    words = "".join(Page(page).words)
    assert words.count(NASTY) >= 20  # every place where text can stand
    assert "<script" not in page
    assert "49" not in re.sub(r"<svg.*?</svg>|<style.*?</style>", "", page, flags=re.DOTALL)


def test_pictures_do_not_disturb_each_other(page):
    parsed = Page(page)
    assert len(parsed.ids) == len(set(parsed.ids)) > 10
    used = re.findall(r'(?:href="|url\()#([\w.-]+)', page)
    assert used
    assert set(used) <= set(parsed.ids)
    assert page.count("<style") == 1


def test_pictures_take_the_colours_of_the_page(page):
    drawings = "".join(re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL))
    assert not re.search(r"#[0-9a-f]{6}\b", drawings)
    assert "var(--paper)" in drawings
    for name in re.findall(r"var\((--\w+)\)", page):
        assert f"{name}:" in page


def test_lines_of_a_poem():
    poem = Poem("temperature 1", "my love\nis as  a fever\n\n  longing still", given="my love\nis")
    page = html(Report("x", sections=[Section("y", [Poems([poem])])]))
    lines = re.findall(r"<div>(.*?)</div>", page)
    given = '<span class="given">{}</span>'
    assert lines == [given.format("my love"), given.format("is") + " as  a fever", "", "  longing still"]


def test_any_alphabet():
    bars = svg(character_frequencies, {"ω": 50.0, "古": 30.0, "🎉": 20.0})
    page = html(Report("Ὀδύσσεια 🎉", sections=[Section("x", [Picture(bars, "bars")])]))
    for character in "ω古🎉":
        assert f">{character}</text>" in page


def test_a_model_that_writes_spaces_alone_has_a_report():
    real, spaces = (text_statistics(text, VERSES, VERSES) for text in (VERSES, " " * 99 + "\n"))
    sample = SimpleNamespace(temperature=1.0, entropy=0.5)
    for written, pictures in ((real, 1), (spaces, 0)):
        section = _likeness(real, [sample], [written], 0)
        assert sum(isinstance(part, Picture) for part in section.parts) == pictures
        assert "nan" not in str(section)


def test_same_report_same_page():
    assert html(report("again")) == html(report("again"))


def test_an_empty_report():
    page = html(Report("Sonnets"))
    assert "<h1>Sonnets</h1>" in page
    assert '<html lang="en">' in page
    assert "<title>Sonnets</title>" in page


def test_what_a_browser_and_a_screen_reader_say():
    picture = Picture("<svg></svg>", "a falling curve", "what to look for")
    table = Table([("units", "200")], ("what", "how many"))
    poems = Poems([Poem("one", "my love", remark="of 7 characters")])
    figures = [Figure("1.702", "nats per character")]
    page = html(Report("Sonette", "ein Lauf", "", figures, [Section("x", [picture, table, poems])], language="de"))
    assert '<html lang="de">' in page
    assert "<title>Sonette · ein Lauf</title>" in page
    assert 'role="img" aria-label="a falling curve"' in page
    assert "<figcaption>what to look for</figcaption>" in page
    assert "<dt>nats per character</dt><dd>1.702</dd>" in page
    assert '<th scope="col">what</th><th scope="col">how many</th>' in page
    assert '<th scope="row">units</th><td>200</td>' in page
    assert '<p class="remark">of 7 characters</p>' in page


def test_characters_are_shaded():
    poem = Poem("a cell", "ab<\nc d", given="ab", shades=(0.0, 1.0, 1.0, -1.0, -0.5, 0.01, 0.0))
    page = html(Report("x", sections=[Section("y", [Poems([poem])])]))
    first, second = re.findall(r"<div>(.*?)</div>", page)
    assert first == (
        '<span class="given">a</span><span class="given high" style="--shade: 50%">b</span>'
        '<span class="high" style="--shade: 50%">&lt;</span>'
    )
    assert second == '<span class="low" style="--shade: 25%">c</span> d'
    with pytest.raises(ValueError, match="shorter"):
        html(Report("x", sections=[Section("y", [Poems([Poem("", "ab", shades=(1,))])])]))


LINES = """() => [...document.querySelectorAll("td")].flatMap(({ firstChild: text }) =>
  [...text.data.matchAll(/\\S+/g)].map(({ 0: word, index }) => {
    const range = document.createRange();
    range.setStart(text, index);
    range.setEnd(text, index + word.length);
    return [word, range.getClientRects().length];
  }))"""


def test_no_number_of_a_table_is_broken_on_a_telephone(chromium, tmp_path):
    table = Table([("SGD", "1,048,576 weights", "float64", "115.66", "29", "148 %")], ("a", "b", "c", "d", "e", "f"))
    page = html(Report("wide", "", "", [], [Section("all", [table])]))
    tab = browser.opened(chromium, page, tmp_path, viewport={"width": 390, "height": 800})
    lines = dict(tab.evaluate(LINES))
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    assert {"1,048,576", "float64", "115.66"} < set(lines)
    assert set(lines.values()) == {1}


def lines_of(poem):
    """The lines of a poem on the page."""
    return re.findall(r"<div>(.*?)</div>", html(Report("x", sections=[Section("y", [Poems([poem])])])))


@pytest.mark.parametrize(
    ("poem", "lines"),
    [
        (Poem("", "my love\n"), ["my love"]),  # the break at its end begins no line
        (Poem("", "my love\n\n"), ["my love", ""]),
        (Poem("", "my love", given="thy"), ["my love"]),  # what it does not begin with was not given
        (Poem("", "my love", given="my love"), ['<span class="given">my love</span>']),
        (Poem("", "abc", shades=(0.04, 0.06, -0.96)), [
            'a<span class="high" style="--shade: 5%">b</span><span class="low" style="--shade: 50%">c</span>'
        ]),
    ],
)  # fmt: skip
def test_what_a_line_of_a_poem_is(poem, lines):
    assert lines_of(poem) == lines


@pytest.mark.parametrize(("view_box", "least"), [('viewBox="0 0 500 300"', 400), ("", 0)])
def test_a_picture_scrolls_where_it_would_be_less_than_four_fifths_of_its_size(view_box, least):
    picture = f'<svg {view_box} fill="#000000" stroke="#0072b2"><svg></svg></svg>'
    page = html(Report("x", sections=[Section("y", [Picture(picture, "a title")])]))
    assert page.count(f"min-width: {least}px") == 1
    assert f'<svg style="min-width: {least}px"' in page
    assert 'fill="currentColor" stroke="var(--blue)"' in page
