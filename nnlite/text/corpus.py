"""The corpus: Shakespeare's sonnets as they are printed, and as a character model reads them.

The raw text is laid out as courses hand it out: a line with the poem's number, the lines of verse, the closing couplet
indented by two spaces, two blank lines. Any text laid out so, or merely with blank lines between its poems, goes
through the same functions. `data/README.md` says where ours comes from.
"""

from importlib.resources import files

__all__ = ["clean_sonnets", "load_sonnets", "poems", "split_poems"]


def load_sonnets() -> str:
    """The raw text of the 154 sonnets, number lines and blank lines included.

    The text is part of the package: nothing is downloaded.

    Example:
        >>> from nnlite.text import load_sonnets
        >>> print("\\n".join(load_sonnets().splitlines()[:3]))
                           1
        From fairest creatures we desire increase,
        That thereby beauty's rose might never die,
    """
    return (files(__package__) / "data" / "sonnets.txt").read_text(encoding="utf-8")


def poems(text: str | None = None) -> list[str]:
    """The poems of a raw text, cleaned.

    A poem is a run of lines of verse; a blank line or a line that holds only a number ends it. Cleaning drops those two
    kinds of line, puts the rest in lower case and removes spaces at the *end* of lines. Spaces at the beginning stay:
    the couplets' indent is something that a model can learn.

    Args:
        text: the raw text; by default the sonnets.

    Returns:
        A string for each poem, in the order of the text. Every line, the last one too, ends with `"\\n"`.

    Raises:
        TypeError: text is not a str.

    Example:
        >>> from nnlite.text import poems
        >>> print(poems()[0].splitlines()[-1])
          to eat the world's due, by the grave and thee.
        >>> poems("1\\nA poem.\\n\\n2\\nAnother\\n  poem.")
        ['a poem.\\n', 'another\\n  poem.\\n']
    """
    if text is None:
        text = load_sonnets()
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, got {type(text).__name__}")
    found, verse = [], []
    # The blank line at the end closes the last poem.
    for line in [*text.lower().splitlines(), ""]:
        content = line.strip()
        if content and not content.isdecimal():
            verse.append(line.rstrip() + "\n")
        elif verse:
            found.append("".join(verse))
            verse = []
    return found


def clean_sonnets(text: str | None = None) -> str:
    """A raw text as one string to train on: its `poems`, one after the other.

    The number lines and the blank lines are gone, all letters are in lower case, and the couplets' indent is still
    there. Cleaning a cleaned text changes nothing.

    Args:
        text: the raw text; by default the sonnets.

    Raises:
        TypeError: text is not a str.

    Example:
        >>> from nnlite.text import clean_sonnets
        >>> text = clean_sonnets()
        >>> len(text), len(set(text)), text.count("\\n")
        (94192, 38, 2155)
    """
    return "".join(poems(text))


def split_poems(text: str | None = None, held_out: int = 16) -> tuple[str, str]:
    """Split a raw text between two of its poems.

    A model is then judged on poems of which it has not seen a line. Were single windows held out instead, it would be
    judged on verses that it was trained on, as windows overlap.

    Args:
        text: the raw text; by default the sonnets.
        held_out: how many poems, the last ones, are the validation text: 0 or more, and fewer than there are.

    Returns:
        (training, validation), both cleaned.

    Raises:
        TypeError: text is not a str, or held_out not an int.
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
    if isinstance(held_out, bool) or not isinstance(held_out, int):
        raise TypeError(f"held_out must be an int, got {held_out!r}")
    if held_out < 0:
        raise ValueError(f"held_out must not be negative, got {held_out}")
    if held_out >= len(found):
        raise ValueError(
            f"cannot hold out {held_out} of {len(found)} poem(s): one at least must be left to train on. Poems are "
            f"told apart by blank lines and number lines: give the raw text, not a cleaned one"
        )
    cut = len(found) - held_out
    return "".join(found[:cut]), "".join(found[cut:])
