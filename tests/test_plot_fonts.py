"""Characters that matplotlib's font lacks are drawn in a font that has them, or named in one warning."""

import io
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure
from PIL import Image

from nnlite import plot, text
from nnlite.plot import canvas, fonts

HAN, NOWHERE = "古池", "\U0003134a\U00031349"  # of the second there is no font, except where somebody collects them
FAMILY = "Two Han"


@pytest.fixture
def han(tmp_path, monkeypatch):
    """A font with two Chinese characters, on a machine that has no other with them."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 800), (800, 800), (800, 0)):
        pen.lineTo(corner)
    pen.closePath()
    block, empty = pen.glyph(), TTGlyphPen(None).glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "block"])
    builder.setupCharacterMap({ord(c): "block" for c in HAN})
    builder.setupGlyf({".notdef": empty, "block": block})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "block": (1000, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": FAMILY, "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, usWinAscent=800, usWinDescent=200)
    builder.setupPost()
    builder.save(tmp_path / "han.ttf")
    own = [font for font in font_manager.fontManager.ttflist if font.name.startswith(("DejaVu", "STIX", "cm", "Last"))]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    font_manager.fontManager.addfont(tmp_path / "han.ttf")
    forget()
    yield
    forget()


def forget():
    fonts._families.cache_clear()
    fonts._found_in_file.cache_clear()


def frequencies(characters):
    return text.character_frequencies(characters)


DRAWN = [
    (plot.character_frequencies, lambda characters: [frequencies(f"ab{characters}")]),
    (plot.activation_text, lambda characters: [np.arange(4.0), f"ab{characters}"]),
    (plot.gates, lambda characters: [{"h": np.ones((4, 2))}, None, None, f"ab{characters}"]),
]


@pytest.mark.parametrize(("draw", "arguments"), DRAWN)
class TestEveryPlotOfCharacters:
    def test_borrows_a_font(self, draw, arguments, han):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert plot.png(draw, *arguments(HAN)).startswith(b"\x89PNG")
            figure = Figure()
            draw(*arguments(HAN), ax=figure.add_subplot())  # in a figure of one's own, too
            figure.savefig(io.BytesIO())

    def test_one_warning_names_all_that_no_font_has(self, draw, arguments, han):
        with pytest.warns(UserWarning) as caught:  # noqa: PT030  it is read below
            plot.png(draw, *arguments(NOWHERE))
        assert len(caught) == 1
        message = str(caught[0].message)
        assert message.startswith("no font on this machine has 2 of the characters in the picture, and boxes stand")
        assert "\U00031349 \U0003134a. Install a font that has them, such as Noto Sans CJK" in message


def test_the_characters_are_seen(han):
    """In a title: two black blocks, where there were boxes."""

    def titled(title):
        def draw(ax):
            ax.set_title(title, fontsize=30)
            ax.axis("off")
            return ax

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(Image.open(io.BytesIO(plot.png(draw, size=(3, 1)))).convert("L"))

    side = 0.8 * 30 * 150 / 72  # pixels of a block: 0.8 of 30 points, of 150 pixels an inch
    assert (titled(HAN) < 128).sum() == pytest.approx(2 * side**2, rel=0.1)
    assert (titled(NOWHERE) < 128).sum() != pytest.approx(2 * side**2, rel=0.1)


@pytest.mark.parametrize(("count", "end"), [(20, r"\S"), (64, r" \.\.\.")])
def test_many_are_not_all_named(count, end, han):
    many = "".join(map(chr, range(0x31300, 0x31300 + count)))
    with pytest.warns(UserWarning, match=rf"has {count} of the characters .*(?<!\.\.){end}\. Install") as caught:
        plot.png(plot.activation_text, np.ones(count), many)
    assert caught[0].filename == __file__  # the line of who has asked for the picture


def test_a_text_keeps_its_own_font_and_what_is_not_seen_needs_none(han):
    """Such as a tag of languages, for which no font has anything to draw."""
    figure = Figure()
    title = figure.suptitle(f"a{HAN}\U000e0001")
    own = title.get_fontfamily()
    assert fonts.lend_fonts(figure) == set()
    assert title.get_fontfamily() == [*own, FAMILY]


def test_a_family_that_is_not_there_is_passed_over(han):
    assert fonts._found_in(("No Such Font", FAMILY), frozenset(f"a{HAN}")) == set(HAN)


def test_the_upright_font_of_a_family_is_asked_and_no_more_families_than_are_needed(monkeypatch):
    named = [("A", "slanted", "italic"), ("A", "upright", "normal"), ("B", "other", "normal")]
    found = [SimpleNamespace(name=name, fname=file, style=style) for name, file, style in named]
    asked = []
    monkeypatch.setattr(font_manager.fontManager, "ttflist", found)
    monkeypatch.setattr(fonts, "_found_in_file", lambda file, characters: asked.append(file) or characters)
    assert fonts._families.__wrapped__(frozenset("x")) == (["A"], set())
    assert asked == ["upright"]


def test_a_letter_that_matplotlibs_own_font_has_needs_no_other(han):
    figure = Figure()
    title = figure.suptitle("é")
    own = title.get_fontfamily()
    fonts.lend_fonts(figure)
    assert title.get_fontfamily() == own


@pytest.mark.parametrize("content", [None, b"", b"no font"])
def test_a_damaged_font_has_no_characters(content, tmp_path):
    if content is not None:
        (tmp_path / "font.ttf").write_bytes(content)
    assert fonts._found_in_file(str(tmp_path / "font.ttf"), frozenset("a")) == set()


def test_other_warnings_are_heard(monkeypatch):
    def draw(ax):
        for _ in range(3):
            warnings.warn("listen", DeprecationWarning, stacklevel=1)
        return ax

    with pytest.warns(DeprecationWarning, match="listen") as caught:
        plot.png(draw)
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_svg_leaves_it_to_the_reader(han):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = plot.svg(plot.character_frequencies, frequencies(f"ab{HAN}{NOWHERE}"))
    assert all(c in picture for c in HAN + NOWHERE)


def test_plain_text_costs_nothing(monkeypatch):
    monkeypatch.setattr(fonts, "_found_in", None)  # is not asked
    canvas.png(plot.character_frequencies, frequencies("thou art\n"))
    canvas.png(plot.loss_curves, {"loss": [2.0, 1.0]})


def test_the_command_warns_in_one_line(han, tmp_path, monkeypatch, nnlite_command):
    monkeypatch.setattr("warnings.filters", [("default", None, Warning, None, 0)])  # as a user's Python has it
    files = [tmp_path / "odd.txt", tmp_path / "again.txt"]
    for file in files:
        file.write_text(f"ab{NOWHERE}\n" * 9, encoding="utf-8")
    code, _, error = nnlite_command("stats", *files, "--out", tmp_path / "pictures")
    assert code == 0
    assert error.startswith("nnlite: no font on this machine has 2 of the characters in the picture")
    assert error.count("\n") == 1
