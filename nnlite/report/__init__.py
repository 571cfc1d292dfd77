"""A report: what came of an experiment, on one web page that needs nothing but itself.

Pictures and style are part of the page; no script runs and nothing is loaded from anywhere, so it can be read without a
network, sent by mail, and printed. It follows the reader's choice of light or dark.
"""

from .page import Figure, Picture, Poem, Poems, Report, Section, Table, html

__all__ = ["Figure", "Picture", "Poem", "Poems", "Report", "Section", "Table", "html"]
