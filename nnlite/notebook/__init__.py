"""How results show themselves: as text where they are printed, and as HTML in a notebook.

shown.py    the base of results, texts, tables and pictures
markup.py   HTML for them, which follows the theme of the page it is on
display.py  whether there is a notebook, and a place in its output
"""

from .display import Place, in_notebook
from .markup import inline_svg, side_by_side
from .shown import Drawing, Shown, Table, Text, draws_with, plots, shows_itself

__all__ = ["Drawing", "Place", "Shown", "Table", "Text", "draws_with", "in_notebook", "inline_svg", "plots"]
__all__ += ["shows_itself", "side_by_side"]
