"""The table that `model.summary()` prints."""

from rich.console import Console
from rich.table import Table

from .. import checks


def print_summary(model, console=None):
    """Print a table of a model's layers: name and class, shape of the output, number of parameters."""
    table = Table(title=model.name, show_footer=True)
    table.add_column("layer", "total")
    table.add_column("class")
    table.add_column("output shape", _size(model))
    table.add_column("parameters", f"{model.parameter_count:,}" if model.built else "?", justify="right")
    shapes = model.shapes()[1:] if model.built else [None] * len(model.layers)
    for layer, shape in zip(model.layers, shapes, strict=True):
        shown = "?" if shape is None else checks.shape_text(("N", *shape), "any")
        table.add_row(layer.name, type(layer).__name__, shown, f"{layer.parameter_count:,}" if model.built else "?")
    if model.statistics:
        count = sum(array.size for array in model.statistics.values())
        table.caption = f"Not counted: {count:,} statistics, saved with the parameters and not learnt by gradients."
    if not model.built:
        table.caption = "The model is built by its first input, or by input_shape=..."
    (console or Console()).print(table)


def _size(model):
    if not model.built:
        return ""
    size = model.parameter_count * model.dtype.itemsize
    unit, factor = next((u, f) for u, f in (("MB", 1e6), ("kB", 1e3), ("bytes", 1)) if size >= f or f == 1)
    return f"{size / factor:.3g} {unit} of {model.dtype.name}"
