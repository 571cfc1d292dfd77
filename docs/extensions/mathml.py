"""Formulas as MathML, which browsers draw themselves: they need no script, no font and no network.

latex2mathml translates the LaTeX between dollars when the pages are built. What it does not know it copies silently;
here that is a warning, and so an error of `make docs`.
"""

import re
from xml.etree import ElementTree

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

logger = logging.getLogger(__name__)


def mathml(latex: str, display: str) -> str:
    """The formula as a <math> element; `display` is "inline" or "block".

    Raises:
        ValueError: latex2mathml does not know something in it.
    """
    # An `aligned` by itself is the same as an `align*`, and latex2mathml knows only the second.
    latex = re.sub(r"\\(begin|end)\{aligned\}", r"\\\1{align*}", latex)
    # Browsers show a single letter in italics, even in \mathrm{d}, but not text.
    latex = re.sub(r"\\mathrm\{(\w)\}", r"\\text{\1}", latex)
    try:
        found = convert(latex, display=display)
        words = "".join(ElementTree.fromstring(found).itertext())
    except Exception as error:  # latex2mathml raises a dozen types without a common base or a message
        raise ValueError(f"cannot be written in MathML: {type(error).__name__} {error}") from error
    unknown = re.search(r"\\\w*", words)
    if unknown:
        raise ValueError(f"what is {unknown[0]}?")
    return found


def visit_inline(translator, node):
    _write(translator, node, "inline", "{}")


def visit_block(translator, node):
    _write(translator, node, "block", '<div class="math">{}</div>\n')


def _write(translator, node, display, frame):
    try:
        translator.body.append(frame.format(mathml(node.astext(), display)))
    except ValueError as error:
        logger.warning("formula: %s\n%s", error, node.astext(), location=node)
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
