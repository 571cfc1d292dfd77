"""Play: a model as one web page that runs it, in plain JavaScript: no server, no network.

    characters_page(model)      type a line: gates, cells and the next character's probabilities; write, hold, go back

page.py builds the file; characters.py and network.py say what is in it. network.js is the model, forward and backward;
the other .js files are what one sees of it.
"""

from .characters import characters_page
from .network import PlayError

__all__ = ["PlayError", "characters_page"]
