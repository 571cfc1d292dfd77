"""HTML that follows the theme of the page it is on, light or dark: it is drawn in the page's own text colour.

A page tells in a way of its own that it is dark: Jupyter, VS Code, Colab and Sphinx' themes differ. What they share is
`currentColor`. So lines and pale text are that colour with some transparency, and the pictures' colours are mixed with
it: darker on a light page, lighter on a dark one. Everything else is escaped, and no script is used.
"""

import html
import re
import zlib
from collections.abc import Mapping, Sequence

# The pictures' colours on the page. What hides what is behind it takes the page's own colour, where that is known.
PAPER = "var(--jp-layout-color0, var(--vscode-editor-background, var(--color-background-primary, transparent)))"
COLOURS = {
    "#000000": "currentColor",
    "#ffffff": PAPER,
    "#0072b2": "color-mix(in srgb, #0072b2 75%, currentColor)",
    "#d55e00": "color-mix(in srgb, #d55e00 85%, currentColor)",
    "#007354": "color-mix(in srgb, #009e73 75%, currentColor)",
    "#9e4a78": "color-mix(in srgb, #cc79a7 75%, currentColor)",
    "#767676": "color-mix(in srgb, currentColor 65%, transparent)",
    "#b0b0b0": "color-mix(in srgb, currentColor 25%, transparent)",
}

# Notebooks have rules of their own for tables, which these have to outdo.
STYLE = """
div.nnlite { overflow-x: auto; color: inherit; }
div.nnlite table { display: table; width: auto; margin: 0 0 0.5em; border: 0; border-collapse: collapse; color: inherit;
  font-size: 0.9em; font-variant-numeric: tabular-nums; }
div.nnlite table tr, div.nnlite table th, div.nnlite table td { background: none; border: 0; }
div.nnlite table th, div.nnlite table td { padding: 0.25em 0.9em; text-align: left; vertical-align: baseline;
  white-space: nowrap; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
div.nnlite table th { font-weight: 600; }
div.nnlite table .right { text-align: right; }
div.nnlite table caption { padding: 0.25em 0.9em; font-size: inherit; font-weight: 600; text-align: left;
  caption-side: top; color: inherit; white-space: nowrap; }
div.nnlite .row { display: flex; flex-wrap: wrap; gap: 0.5em; }
div.nnlite .row > div { flex: 1 1 26rem; min-width: 0; max-width: 42rem; overflow-x: auto; }
div.nnlite > div { margin-top: 0.5em; }
div.nnlite p { margin: 0.25em 0.9em; font-size: 0.9em; color: inherit; }
div.nnlite pre { margin: 0; padding: 0; border: 0; background: none; color: inherit; line-height: 1.35;
  white-space: pre; overflow: visible; }
div.nnlite table .spaces { white-space: pre; }
div.nnlite table pre { max-width: 36em; font-size: inherit; white-space: pre-wrap; overflow-wrap: anywhere; }
div.nnlite svg { display: block; width: 100%; min-width: 26rem; max-width: 42rem; height: auto; color: inherit; }
div.nnlite svg * { stroke-linejoin: round; stroke-linecap: butt; }
div.nnlite summary { cursor: pointer; padding: 0.25em 0.9em; font-size: 0.9em; }
div.nnlite .done { color: color-mix(in srgb, #0072b2 75%, currentColor); }
div.nnlite .left { opacity: 0.3; }
"""


def page(content: str) -> str:
    """What a notebook puts into a cell's output. Its formulas in dollars stay text."""
    return f'<div class="nnlite tex2jax_ignore mathjax_ignore"><style>{STYLE}</style>\n{content}\n</div>'


def preformatted(text: str) -> str:
    """A text as it is printed."""
    return f"<pre>\n{html.escape(text)}</pre>"


def table(
    rows: Sequence[Sequence[str]],
    header: Sequence[str] = (),
    footer: Sequence[str] = (),
    align: str = "",
    title: str = "",
    notes: Sequence[str] = (),
) -> str:
    """A table of texts, whose line breaks and runs of spaces are kept.

    Args:
        align: a letter for each column, "l" or "r"; those left out are to the left.
        title: above it, if any.
        notes: paragraphs below it.
    """
    parts = ["<table>", f"<caption>{html.escape(title)}</caption>" if title else ""]
    for part, lines, tag in (("thead", [header], "th"), ("tbody", rows, "td"), ("tfoot", [footer], "th")):
        if any(lines):
            parts += [f"<{part}>", *(_row(cells, tag, align) for cells in lines), f"</{part}>"]
    parts += ["</table>", *(f"<p>{html.escape(note)}</p>" for note in notes)]
    return "\n".join(filter(None, parts))


def _row(cells, tag, align):
    marked = (
        f"<{tag}{' class=right' if letter == 'r' else ''}>{_cell(cell)}</{tag}>"
        for cell, letter in zip(cells, align.ljust(len(cells), "l"), strict=False)
    )
    return f"<tr>{''.join(marked)}</tr>"


def _cell(text):
    """A table's cell. HTML folds line breaks and spaces, which are kept where there are such."""
    escaped = html.escape(text)
    if "\n" in text:
        return f"<pre>\n{escaped}</pre>"
    return f'<span class="spaces">{escaped}</span>' if re.search("  |^ ", text) else escaped


def folded(label: str, content: str) -> str:
    """Some HTML behind a label that opens it."""
    return f"<details><summary>{html.escape(label)}</summary>\n{content}\n</details>"


def side_by_side(contents: Sequence[str]) -> str:
    """Pieces of HTML beside each other, or where that is too wide below each other."""
    return f'<div class="row">{"".join(f"<div>{content}</div>" for content in contents)}</div>'


def picture(svg: str, title: str) -> str:
    """A picture of `nnlite.plot.svg`, with a title for who does not see it."""
    inline = inline_svg(svg, f"nnlite-{zlib.crc32(svg.encode()):08x}", COLOURS)
    return f'<div role="img" aria-label="{html.escape(title)}">{inline}</div>'


def inline_svg(svg: str, name: str, colours: Mapping[str, str]) -> str:
    """An SVG file of `nnlite.plot.svg` as a part of a page.

    Removes its header and its styles, which would apply to the whole page. Replaces its colours by those of the page,
    which differ in dark mode. Prefixes its ids, since two pictures on a page may use the same. Its size is the page's
    to say.

    Args:
        name: of the picture, which no other on the page has.
        colours: from those of the file, such as "#ffffff", to those of the page.

    Example:
        >>> from nnlite.notebook import inline_svg
        >>> svg = '<?xml?><svg width="9pt" height="9pt"><path id="b" fill="#ffffff"/></svg>'
        >>> inline_svg(svg, "a", {"#ffffff": "red"})
        '<svg fill="currentColor"><path id="a-b" style="fill: red"/></svg>'
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"', r'\1 fill="currentColor"', svg, count=1)
    svg = svg.replace('fill="#ffffff"', 'style="fill: #ffffff"')  # variables of CSS work only in styles
    for colour, on_page in colours.items():
        svg = svg.replace(colour, on_page)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    return re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", svg)
