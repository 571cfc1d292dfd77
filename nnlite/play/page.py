"""One HTML file out of a body, styles, scripts and data: it loads nothing, and runs nothing but its own script."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any


def html_page(
    title: str,
    *,
    scripts: Sequence[str],
    data: Mapping[str, Any],
    body: str | None = None,
    styles: Sequence[str] = (),
    kicker: str = "",
    lead: str = "",
) -> str:
    """Put a page together. The files are those of this package.

    The script finds the data by `JSON.parse(document.getElementById("data").textContent)`. Whatever is in them, such as
    `</script>` among a model's characters, stays text. The page's Content-Security-Policy allows one script and one
    style by their hashes, and nothing else: no network, no other script.

    Args:
        scripts: names of .js files, in order; they become one.
        data: JSON values.
        body: name of the HTML file between the heading and the end.
        styles: names of .css files after page.css; they become one.
        title, kicker, lead: the heading, a few words above it, and a sentence or two below.
    """
    parts = {
        "title": escape(title),
        "kicker": escape(kicker),
        "lead": escape(lead),
        "body": _read(body) if body else "",
        "style": "\n" + "".join(map(_read, ["page.css", *styles])),
        "script": '\n"use strict";\n' + "".join(map(_read, scripts)),
        "data": json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
    }
    parts |= {f"{name}_hash": _hash(parts[name]) for name in ("style", "script")}
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _read("page.html"))


def _read(name):
    return (files(__package__) / name).read_text(encoding="utf-8")


def _hash(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
