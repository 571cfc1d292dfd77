"""Reports: the results of an experiment as one self-contained web page.

Pictures and styles are embedded; the page runs no scripts and loads nothing, so it can be read offline, mailed and
printed. It supports light and dark mode.
"""

from .page import Figure, Picture, Poem, Poems, Report, Section, Table, html

__all__ = ["Figure", "Picture", "Poem", "Poems", "Report", "Section", "Table", "html"]
