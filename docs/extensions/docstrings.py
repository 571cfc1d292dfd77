"""The arguments of a class on its page, taken from its docstring.

    ```{arguments} nnlite.LSTM
    ```

shows the signature, then the sections named below. The page itself has the prose and the equations.
"""

import importlib
import inspect
import re

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from nnlite import Layer

LISTS = "Args", "Attributes", "Raises"
SECTIONS = "Args", "Parameters", "Statistics", "Attributes", "Raises", "Source"
TITLES = {"Args": "Arguments"}


def signature(cls: type) -> str:
    """How to call the class, without types, but with the arguments that it passes on to `Layer`."""
    parameters = inspect.signature(cls).parameters
    if any(p.kind == p.VAR_KEYWORD for p in parameters.values()):
        parameters = {**parameters, **inspect.signature(Layer).parameters}
    plain = [p.replace(annotation=p.empty) for p in parameters.values() if p.kind != p.VAR_KEYWORD]
    return f"{cls.__name__}{inspect.Signature(plain)}"


def sections(docstring: str) -> dict[str, str]:
    """The named sections of a docstring that `inspect.getdoc` has returned, unchanged."""
    names = "|".join(SECTIONS)
    return dict(re.findall(rf"^({names}):\s(.*?)(?=\n\n|\n(?:{names}):|\Z)", docstring, re.MULTILINE | re.DOTALL))


def items(section: str) -> list[tuple[str, str]]:
    """The (names, text) pairs of a section that is a list; an indented line continues the one before."""
    whole = re.sub(r"\n +", " ", inspect.cleandoc("\n" + section))
    return [tuple(line.split(": ", 1)) for line in whole.splitlines()]


def words(text: str) -> list[nodes.Node]:
    """The nodes of a text with `code` in it."""
    parts = re.split(r"`([^`]+)`", " ".join(text.split()))
    return [nodes.literal("", p) if i % 2 else nodes.Text(p) for i, p in enumerate(parts) if p]


class Arguments(SphinxDirective):
    required_arguments = 1

    def run(self):
        module, _, name = self.arguments[0].rpartition(".")
        cls = getattr(importlib.import_module(module), name)
        call = nodes.literal_block(text=signature(cls), language="python", classes=["signature"])
        found = sections(inspect.getdoc(cls))
        fields = nodes.field_list(classes=["docstring"])
        for section in SECTIONS:
            if section in found:
                body = nodes.field_body("", *self._body(section, found[section]))
                fields += nodes.field("", nodes.field_name(text=TITLES.get(section, section)), body)
        return [call, fields]

    @staticmethod
    def _body(section, text):
        if section not in LISTS:
            return [nodes.paragraph("", "", *words(text))]
        lines = nodes.bullet_list()
        for names, meaning in items(text):
            line = nodes.literal("", names), nodes.Text(": "), *words(meaning)
            lines += nodes.list_item("", nodes.paragraph("", "", *line))
        return [lines]


def setup(app):
    app.add_directive("arguments", Arguments)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
