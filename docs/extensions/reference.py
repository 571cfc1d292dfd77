"""The reference: every public name with its docstring, from `nnlite` as it is when the pages are built.

    ```{eval-rst}
    .. reference:: losses metrics
    ```

lists the public names that these rooms define, and then describes each. `.. reference:: *` takes the names of `nnlite`
that no other page of this folder takes. A name that is added appears by itself.

Autodoc and napoleon do the work. Here docstrings become what they read: plain text in which `code`, doctests and
indented equations are special, and nothing else is.
"""

import importlib
import inspect
import re
from pathlib import Path
from typing import ClassVar, is_typeddict

from docstrings import signature
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

import nnlite

ROOT = Path(__file__).resolve().parent.parent.parent
REFERENCE = ROOT / "docs" / "reference"


def rooms(page: str) -> list[str]:
    """The rooms that the text of a page lists."""
    return " ".join(re.findall(r"^\.\. reference:: (.+)", page, re.MULTILINE)).split()


def public(room: str) -> list[str]:
    """The public classes and functions of a room, such as "nnlite.Adam": of two names the shorter one."""
    if room == "*":
        taken = {room for page in pages() for room in rooms(page)}
        rest = [f"nnlite.{name}" for name in nnlite.__all__ if _room(getattr(nnlite, name)) not in taken]
        rest += [name for package in nnlite._PACKAGES if package not in taken for name in public(package)]
        return list(dict.fromkeys(rest))
    module = importlib.import_module(f"nnlite.{room}")
    names = [name for name in nnlite.__all__ if _room(getattr(nnlite, name)) == room]
    names += [name for name in getattr(module, "__all__", vars(module)) if not name.startswith("_")]
    found = []
    for name in dict.fromkeys(names):
        value = getattr(module, name) if hasattr(module, name) else getattr(nnlite, name)
        if _room(value) == room and value.__name__ == name:  # and not Keras' name for it
            found.append(f"nnlite.{name}" if getattr(nnlite, name, None) is value else f"nnlite.{room}.{name}")
    return found


def pages() -> list[str]:
    """The text of each page of the reference."""
    return [path.read_text(encoding="utf-8") for path in sorted(REFERENCE.glob("*.md"))]


def _room(value):
    """Where a class or a function is from: "losses"; None for anything else, and of other packages."""
    if not (inspect.isclass(value) or inspect.isfunction(value)) or is_typeddict(value):
        return None
    package, _, rest = value.__module__.partition(".")
    return rest.partition(".")[0] if package == "nnlite" else None


def find(name: str) -> object:
    """The object under a dotted name, such as "nnlite.text.generate" or "nnlite.Adam.step"."""
    value = nnlite
    for part in name.split(".")[1:]:
        value = getattr(value, part)
    return value


def described(name: str) -> str:
    """What autodoc is told: of a class the methods too, with those of bases that are not in `nnlite` themselves."""
    value = find(name)
    if not inspect.isclass(value):
        return f".. autofunction:: {name}"
    return f".. autoclass:: {name}\n   :members: {', '.join(members(value))}"


def members(cls: type) -> list[str]:
    """The public methods and properties with a docstring that no base in `nnlite` describes."""
    exported = [getattr(nnlite, name) for name in nnlite.__all__]
    elsewhere = {above for base in cls.__mro__[1:] if base in exported for above in base.__mro__}
    bases = [base for base in cls.__mro__ if base not in elsewhere and _room(base)]
    names = dict.fromkeys(name for base in bases for name in vars(base) if not name.startswith("_"))
    return [name for name in names if any(inspect.getdoc(vars(b)[name]) for b in bases if _is_code(b, name))]


def _is_code(cls, name):
    value = vars(cls).get(name)
    return inspect.isfunction(value) or isinstance(value, property | classmethod | staticmethod)


class Reference(SphinxDirective):
    required_arguments = 1
    optional_arguments = 9
    option_spec: ClassVar = {"without": directives.unchanged}  # bases that a class on the page shows in full

    def run(self):
        self.env.note_reread()  # the page depends on all of the package
        without = self.options.get("without", "").split()
        names = [name for room in self.arguments for name in public(room) if name not in without]
        table = "\n   ".join([".. autosummary::", ":nosignatures:", "", *(f"~{name}" for name in names)])
        text = "\n\n".join([table, *map(described, names)])
        found = nodes.container()
        self.state.nested_parse(StringList(text.splitlines(), self.env.docname), 0, found)
        return found.children


def as_rst(lines: list[str]) -> list[str]:
    """A docstring in reStructuredText that shows what the docstring says."""
    found, base, block, example, after_blank = [], 0, False, False, False
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            found.append("")
            after_blank = True
            continue
        block = block and indent > base
        prompt = line.lstrip().startswith((">>>", "..."))
        if after_blank and indent > base and not block and not prompt:
            found += [" " * base + ".. code-block:: text", ""]
            block = True
        if not block:
            base = indent
        example = prompt or (example and not after_blank)
        found.append(line if block or example else " " * indent + prose(line.strip()))
        after_blank = False
    return found


def prose(text: str) -> str:
    """A line of a docstring: `code` is code, a `name` links to its description, and everything else is text."""
    label, text = re.fullmatch(r"((?:Letters|Parameters|Statistics|Source): )?(.*)", text).groups()
    parts = re.split(r"`([^`]+)`", text)
    # Signs that mark something, and the dot of "H.", which would begin a numbered list.
    parts[::2] = [re.sub(r"([\\*|`]|_(?!\w)|(?<!\w\w)(?<=\w)[.)](?!\S))", r"\\\1", part) for part in parts[::2]]
    parts[1::2] = [f":py:obj:`{part}`" if re.fullmatch(r"[\w.]+", part) else f"``{part}``" for part in parts[1::2]]
    for i in range(2, len(parts), 2):
        parts[i] = re.sub(r"^(?=\w)", r"\\ ", parts[i])
    return (f"**{label[:-1]}** " if label else "") + "".join(parts)


def process_docstring(app, what, name, value, options, lines):
    lines[:] = ["Arguments:" if line == "Args:" else line for line in as_rst(lines)]


def process_signature(app, what, name, value, options, arguments, returns):
    if inspect.isclass(value) and not issubclass(value, Exception):
        arguments = signature(value).removeprefix(value.__name__)
    return arguments, None


def source(domain: str, info: dict[str, str]) -> str | None:
    """Where the code of a name is, for sphinx.ext.linkcode: a line on the page of its file."""
    value = find(f"{info['module']}.{info['fullname']}")
    value = inspect.unwrap(value.fget if isinstance(value, property) else value)
    if not (inspect.isclass(value) or inspect.isfunction(value)):
        return None
    path, (_, line) = Path(inspect.getsourcefile(value)), inspect.getsourcelines(value)
    return f"../source/{path.relative_to(ROOT).as_posix()}.html#line-{line}"


def setup(app):
    app.add_directive("reference", Reference)
    app.connect("autodoc-process-docstring", process_docstring, priority=400)  # before napoleon
    app.connect("autodoc-process-signature", process_signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
