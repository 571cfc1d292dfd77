"""Read a text file, and split a text into training and validation parts."""

import codecs
import os
import re

from nnlite.saving.regular_file import open_regular
from nnlite.utils import kinds_of

from .arguments import require_text

BLANK_LINES, END_OF_LINE = re.compile(r"\n(?:[ \t]*\n)+"), re.compile(r"\n")
HALF_OF_A_PAIR = re.compile("[\ud800-\udfff]")
LONGEST_NAME = 60  # of an encoding, in messages


def read_text(path: str | os.PathLike, encoding: str = "utf-8") -> str:
    """Read a text file in any language.

    Two things that differ between computers are normalized: line ends (`"\\r\\n"` and `"\\r"` become `"\\n"`), and a
    byte order mark at the start is removed. Everything else stays: the model learns capitals, accents, blank lines and
    spaces. A character is a Unicode code point, so an emoji of several code points, such as a flag, counts as several.

    Args:
        encoding: how the file stores its characters: "utf-8" almost everywhere; "cp1252" or "latin-1" in older western
            texts, "utf-16" where a Windows program calls it Unicode, "gb18030" or "big5" in Chinese ones, "shift_jis"
            or "euc_jp" in Japanese ones, "koi8_r" or "cp1251" in Russian ones.

    Raises:
        OSError: no such file, a folder, a pipe or a device, or no permission.
        ValueError: the file is empty, is in another encoding, or contains a zero byte or half of a pair of UTF-16, so
            is not text; or Python knows no such encoding.

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
    with open_regular(path) as file:
        data = file.read()
    is_utf_8 = _is_utf_8(encoding)
    name = "UTF-8" if is_utf_8 else encoding[:LONGEST_NAME]
    if is_utf_8 and data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ValueError(f"{path}: expected a text in UTF-8, got UTF-16, by its byte order mark: {_name_it('utf-16')}")
    if is_utf_8 and (zero := data.find(b"\0")) >= 0:
        raise ValueError(f"{path}: expected plain text, got a zero byte at offset {zero}: use a text file in UTF-8")
    try:
        text = data.decode("utf-8-sig" if is_utf_8 else encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}: expected a text in {name}, got the invalid byte 0x{data[error.start]:02x} at offset "
            f"{error.start}, in line {line}: {_name_it('cp1252')}"
        ) from None
    except UnicodeError as error:  # of "punycode", which tells of no place
        raise ValueError(f"{path}: expected a text in {name}: {error}") from None
    if "\0" in text:
        raise ValueError(f"{path}: expected plain text, got a zero character in {name}: name another encoding")
    if not is_utf_8 and (half := HALF_OF_A_PAIR.search(text)):  # it could be neither saved nor printed
        raise ValueError(
            f"{path}: expected plain text, got half of a pair of UTF-16, U+{ord(half[0]):04X}, at character "
            f"{half.start()} in {name}: name another encoding, or remove it from the text"
        )
    del data  # before there are two texts
    text = text.removeprefix("\ufeff")
    if not text:
        raise ValueError(f"{path}: expected a text, got an empty file")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def file_name(path: str | os.PathLike) -> str:
    """A file's name, as it can be written and drawn: what is no UTF-8 in it becomes "\N{REPLACEMENT CHARACTER}".

    Example:
        >>> from nnlite.text.files import file_name
        >>> file_name("poems/haiku.txt"), file_name("poems/\\udcff.txt")
        ('haiku.txt', '\N{REPLACEMENT CHARACTER}.txt')
    """
    return HALF_OF_A_PAIR.sub("\N{REPLACEMENT CHARACTER}", os.path.basename(os.fspath(path)))


def _is_utf_8(encoding):
    """Whether a name of an encoding, of which Python knows several for each, means UTF-8."""
    try:
        known = codecs.lookup(encoding)
        "a".encode(encoding)  # a LookupError for what Python calls a codec, and is no encoding, such as "base64"
    except (LookupError, TypeError, ValueError):
        raise ValueError(
            f"encoding: expected the name of an encoding that Python knows, got "
            f"{encoding!r:.{LONGEST_NAME}}: such as 'utf-8', 'utf-16', 'cp1252' or 'shift_jis'"
        ) from None
    return known.name in ("utf-8", "utf-8-sig", "ascii")


def _name_it(encoding):
    """What to do about a file that is not in UTF-8."""
    return f"save it as UTF-8, or name its encoding, such as encoding={encoding!r} (--encoding {encoding})"


@kinds_of("smallest")
def split_text(text: str, smallest: int = 1) -> tuple[str, str]:
    """Split a text into (training, validation), holding out about the last tenth.

    The cut is after the blank line nearest to 90 %, if there is one between 80 % and 95 %; else after the nearest end
    of a line in that range; else at exactly 90 %. If blank lines separate poems or paragraphs, validation thus uses
    whole ones that the model has never read.

    Args:
        text: the text to split; the two parts concatenated are the text.
        smallest: the fewest characters of each part, such as a window and the character after it.

    Raises:
        ValueError: a tenth of the text has fewer than `smallest` characters.

    Example:
        >>> from nnlite.text import split_text
        >>> training, validation = split_text("so long lives this,\\n" * 9 + "and this gives life to thee.\\n")
        >>> validation
        'and this gives life to thee.\\n'
    """
    cut = place_to_split(text, smallest)
    return text[:cut], text[cut:]


def place_to_split(text: str, smallest: int = 1) -> int:
    """Where `split_text` cuts: both parts take as much memory as a large text."""
    needed = 10 * smallest
    if len(require_text("text", text)) < needed:
        raise ValueError(
            f"text: expected at least {needed:,} characters, got {len(text):,}: use a longer text: its last tenth is "
            f"held out and needs {smallest:,}, a window and the character after it"
        )
    target = len(text) * 9 // 10
    first, last = len(text) * 8 // 10, min(len(text) * 19 // 20, len(text) - smallest)
    for end in (BLANK_LINES, END_OF_LINE):
        if cuts := [match.end() for match in end.finditer(text, first, last)]:
            return min(cuts, key=lambda cut: abs(cut - target))
    return target
