"""Shakespeare's sonnets, raw and cleaned.

The raw text has the layout used in courses: a line with the poem's number, the lines of verse, the closing couplet
indented by two spaces, two blank lines. The functions accept any text in this layout, or with just blank lines between
poems. `data/README.md` gives the source of the sonnets.
"""

import itertools
from pathlib import Path

from .arguments import require_text, require_whole


def load_sonnets() -> str:
    """The raw text of the 154 sonnets, with number lines and blank lines. It ships with the package.

    Example:
        >>> from nnlite.text import load_sonnets
        >>> print("\\n".join(load_sonnets().splitlines()[:3]))
                           1
        From fairest creatures we desire increase,
        That thereby beauty's rose might never die,
    """
    return (Path(__file__).parent / "data" / "sonnets.txt").read_text(encoding="utf-8")


def poems(text: str | None = None) -> list[str]:
    """The cleaned poems of a raw text, one string each, in order.

    A poem ends at a blank line or a line that contains only a number. Cleaning removes both kinds of line, converts
    the rest to lower case and strips spaces at the *end* of lines. Leading spaces stay, so a model can learn the
    couplets' indent. Every line, including the last, ends with `"\\n"`.

    Args:
        text: the raw text; by default the sonnets.

    Example:
        >>> from nnlite.text import poems
        >>> print(poems()[0].splitlines()[-1])
          to eat the world's due, by the grave and thee.
        >>> poems("1\\nA poem.\\n\\n2\\nAnother\\n  poem.")
        ['a poem.\\n', 'another\\n  poem.\\n']
    """
    text = load_sonnets() if text is None else require_text("text", text)
    lines = [line.rstrip() for line in text.lower().splitlines()]
    runs = itertools.groupby(lines, lambda line: line != "" and not line.strip().isdecimal())
    return ["".join(f"{line}\n" for line in run) for is_poem, run in runs if is_poem]


def clean_sonnets(text: str | None = None) -> str:
    """A raw text as one string for training: its `poems`, concatenated. By default the sonnets.

    Cleaning a cleaned text changes nothing.

    Example:
        >>> from nnlite.text import clean_sonnets
        >>> text = clean_sonnets()
        >>> len(text), len(set(text)), text.count("\\n")
        (94192, 38, 2155)
    """
    return "".join(poems(text))


def split_poems(text: str | None = None, held_out: int = 16) -> tuple[str, str]:
    """Split a raw text between two poems into (training, validation), both cleaned.

    Validation then uses poems that the model has never seen. Holding out single windows instead would validate on
    training verses, since windows overlap.

    Args:
        text: the raw text; by default the sonnets.
        held_out: the number of poems, taken from the end, to validate on: at least 0, and fewer than all.

    Raises:
        ValueError: held_out is negative, or leaves no poem to train on.

    Example:
        >>> from nnlite.text import split_poems
        >>> training, validation = split_poems()
        >>> training.count("\\n"), validation.count("\\n")
        (1931, 224)
        >>> print(validation.splitlines()[0])
        o, call not me to justify the wrong
    """
    found = poems(text)
    held_out = require_whole("held_out", held_out, least=0)
    if held_out >= len(found):
        raise ValueError(
            f"held_out: expected fewer than the {len(found)} poem(s) of the text, got {held_out}: use the raw text: "
            f"its blank lines and number lines separate poems"
        )
    cut = len(found) - held_out
    return "".join(found[:cut]), "".join(found[cut:])
