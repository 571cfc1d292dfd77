"""Play: a model as one web page that runs it, in plain JavaScript: no server, no network.

    characters_page(model)      type a line: gates, cells and the next character's probabilities; write, hold, go back
    digits_page(model)          draw a digit: the maps of each layer, one window's arithmetic, what a pool hides

page.py builds the file; characters.py and network.py, digits.py and digits_model.py say what is in it. network.js and
digits_kernel.js are the models; the other .js files are what one sees of them.
"""

from .characters import characters_page
from .digits import digits_page
from .network import PlayError

__all__ = ["PlayError", "characters_page", "digits_page"]
