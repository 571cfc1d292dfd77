"""Numbers in Markdown."""

import json
import re
import textwrap
from typing import Any

import numpy as np

WIDTH = 100


def code(text: str, language: str = "") -> str:
    """A block of code."""
    return f"```{language}\n{text}\n```"


def arrays(**given: Any) -> str:
    """Numbers as Python code, in a block: a line for each row of an array, in columns."""
    return code("\n".join(assigned(name, value) for name, value in given.items()), "python")


def assigned(name: str, value: Any) -> str:
    """Such as "x = [[1, 2],\\n     [3, 4]]"."""
    if not isinstance(value, list) or not isinstance(value[0], list):
        return f"{name} = {json.dumps(value)}"
    widths = max(len(json.dumps(number)) for number in np.ravel(value).tolist())
    lines = _rows(value, widths)
    indent = " " * (len(name) + 3)
    return f"{name} = " + f"\n{indent}".join(lines)


def _rows(value, width):
    """The lines of a nested list."""
    if not isinstance(value[0], list):
        return [f"[{', '.join(json.dumps(number).rjust(width) for number in value)}]"]
    parts = [_rows(part, width) for part in value]
    lines = [f" {line}" for part in parts for line in [*part[:-1], f"{part[-1]},"]]
    return [f"[{lines[0][1:]}", *lines[1:-1], f"{lines[-1][:-1]}]"]


def padded(padding: int) -> str:
    """Such as "padded with 2 zeros on each side"."""
    return f"padded with {padding} zero{'s' * (padding > 1)} on each side" if padding else "without padding"


def short(number: float) -> str:
    """A number with six digits that count."""
    return f"{number:.6g}"


def shorts(numbers: Any) -> str:
    """Numbers with six digits each, between commas."""
    return ", ".join(map(short, np.ravel(numbers).tolist()))


def filled(text: str) -> str:
    """Markdown whose paragraphs have lines of equal width. Code and lists stay as they are."""
    parts = re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if part.startswith("```") else _filled(part) for part in parts)


def _filled(text):
    paragraphs = re.split(r"(\n\n+)", text)
    return "".join(p if not p.strip() or p.startswith((" ", "#", "1.", "- ")) else _wrapped(p) for p in paragraphs)


def _wrapped(paragraph):
    lines = textwrap.fill(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False)
    return re.sub(r"\n(?=[-+*#>] |\d+[.)] )", " ", lines)  # which would begin a list
