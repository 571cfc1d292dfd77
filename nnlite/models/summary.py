"""The table that `model.summary()` prints."""

import io

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .. import checks, notebook
from ..arguments.classes import is_model
from .agreement import activations


def print_summary(model, console=None):
    """Print a model's table, or show it in a notebook."""
    if console is None and notebook.in_notebook():
        notebook.Place().show(Summary(model))
    else:
        (console or Console()).print(summary_table(model), markup=False)


class Summary(notebook.Shown):
    """The table of a model: prints as `model.summary()` does."""

    def __init__(self, model):
        self.table = summary_table(model)

    def __str__(self):
        screen = io.StringIO()
        Console(file=screen, force_jupyter=False, force_terminal=False, color_system=None).print(
            self.table, markup=False
        )
        return screen.getvalue().rstrip("\n")

    def html(self):
        table, columns = self.table, self.table.columns
        header, footer = [c.header for c in columns], [c.footer for c in columns]
        rows = list(zip(*(column.cells for column in columns), strict=True))
        align = "".join("r" if column.justify == "right" else "l" for column in columns)
        notes = [table.caption] if table.caption else []
        return notebook.Table(rows, header, footer, align, str(table.title), notes).html()


def summary_table(model):
    """A table of a model's layers: name and class, shape of the output, number of parameters.

    Layers of a model inside it, and the activation that is part of a layer, are indented under it.
    """
    table = Table(title=Text(model.name, "table.title"), show_footer=True)
    table.add_column("layer", "total")
    table.add_column("class")
    table.add_column("output shape", _size(model))
    table.add_column("parameters", f"{model.parameter_count:,}" if model.built else "?", justify="right")
    for row in _rows(model, model.input_shape, model.built):
        table.add_row(*row)
    captions = []
    if model.statistics:
        count = sum(array.size for array in model.statistics.values())
        captions.append(f"Not counted: {count:,} statistics, saved with the parameters and not learnt by gradients.")
    if not model.built:
        captions.append("The model is built by its first input, or by input_shape=...")
    table.caption = " ".join(captions) or None
    return table


def _rows(model, input_shape, built, indent=""):
    shapes = model.shapes(input_shape) if built else [None] * (len(model) + 1)
    for layer, given, made in zip(model.layers, shapes, shapes[1:], strict=False):
        shape = "?" if made is None else checks.shape_text(("N", *made), "any")
        count = f"{sum(array.size for array in layer.params.values()):,}" if built else "?"
        frozen = "" if getattr(layer, "trainable", True) else " frozen"
        yield f"{indent}{layer.name}", type(layer).__name__, shape, f"{count}{frozen}"
        for step in activations(layer):
            yield f"{indent}  {step.name}", type(step).__name__, shape, "0"
        if is_model(layer):
            yield from _rows(layer, given, built, f"{indent}  ")


def _size(model):
    if not model.built:
        return ""
    size = model.parameter_count * model.dtype.itemsize
    units = ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("bytes", 1)
    # In three digits 999,500 bytes are 1 MB, and no 1e+03 kB.
    unit, factor = next((u, f) for u, f in units if size >= 0.9995 * f or f == 1)
    return f"{size / factor:.3g} {unit} of {model.dtype.name}"
