"""Numbers in Markdown."""

import json
from typing import Any

import numpy as np


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


def short(number: float) -> str:
    """A number with six digits that count."""
    return f"{number:.6g}"


def shorts(numbers: Any) -> str:
    """Numbers with six digits each, between commas."""
    return ", ".join(map(short, np.ravel(numbers).tolist()))
