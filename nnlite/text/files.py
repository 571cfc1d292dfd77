"""A text of your own: read from a file, and split where nobody has numbered the poems."""

from __future__ import annotations

import os
import re
from pathlib import Path

__all__ = ["read_text", "split_text"]

BLANK_LINES, END_OF_LINE = re.compile(r"\n(?:[ \t]*\n)+"), re.compile(r"\n")


def read_text(path: str | os.PathLike) -> str:
    """A text file of any language, as a model reads it: characters as they stand there, in UTF-8.

    Two things are not text and differ between computers, so they are made equal: line ends (`"\\r\\n"` of Windows and
    `"\\r"` become `"\\n"`), and a byte order mark, which some editors put first, is left out. Nothing else is changed:
    capitals, accents, blank lines and spaces are for the model to learn. A character is a code point of Unicode, so an
    emoji made of several, as flags are, counts as several.

    Args:
        path: of the file.

    Raises:
        OSError: there is no such file, it is a folder, or it may not be read.
        ValueError: the file is empty, is not UTF-8, or holds the byte 0, as files that are no text do.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from nnlite.text import read_text
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "haiku.txt")
        ...     _ = path.write_bytes("\\ufeff古池や\\r\\n蛙飛び込む\\r\\n水の音".encode())
        ...     read_text(path)
        '古池や\\n蛙飛び込む\\n水の音'
    """
    data = Path(path).read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ValueError(f"{path} is in UTF-16, as the mark at its beginning says: save it as UTF-8")
    if (zero := data.find(b"\0")) >= 0:
        raise ValueError(f"{path} is no text: byte {zero} of it is 0. Give a file of plain text, in UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path} is not in UTF-8: byte {error.start} of it, in line {line}, is 0x{data[error.start]:02x}, and does "
            f"not begin a character there. If it is a text, save it as UTF-8; if it is none, give one"
        ) from None
    if not text:
        raise ValueError(f"{path} is empty: there is nothing to learn from")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def split_text(text: str, smallest: int = 1) -> tuple[str, str]:
    """Hold out the end of a text, about a tenth, to judge a model by.

    The cut is made where something ends: after the blank line that is nearest to nine tenths, if there is one between
    eight tenths and nineteen twentieths; else after the nearest end of a line there; else at nine tenths exactly. So
    where poems or paragraphs have blank lines between them, the model is judged by some that it has read no line of.

    Args:
        text: to split. Nothing is removed: the two parts together are the text.
        smallest: how many characters either part must have, such as those of a window and the one that follows.

    Returns:
        (training, validation).

    Raises:
        TypeError: text is not a str.
        ValueError: a tenth of the text has fewer than `smallest` characters.

    Example:
        >>> from nnlite.text import split_text
        >>> training, validation = split_text("so long lives this,\\n" * 9 + "and this gives life to thee.\\n")
        >>> validation
        'and this gives life to thee.\\n'
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, got {type(text).__name__}")
    needed = 10 * smallest
    if len(text) < needed:
        raise ValueError(
            f"the text is too short: it has {len(text):,} characters, and {needed:,} are needed. The last tenth is "
            f"held out to judge by, and needs {smallest:,}: a window, and the character that comes after it"
        )
    wish = len(text) * 9 // 10
    first, last = len(text) * 8 // 10, min(len(text) * 19 // 20, len(text) - smallest)
    for end in (BLANK_LINES, END_OF_LINE):
        if cuts := [match.end() for match in end.finditer(text, first, last)]:
            cut = min(cuts, key=lambda cut: abs(cut - wish))
            break
    else:
        cut = wish
    return text[:cut], text[cut:]
