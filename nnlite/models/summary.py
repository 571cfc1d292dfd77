"""The table that `model.summary()` prints."""

from rich.console import Console
from rich.table import Table

from .. import checks
from .agreement import activations


def print_summary(model, console=None):
    """Print a table of a model's layers: name and class, shape of the output, number of parameters.

    Layers of a model inside it, and the activation that is part of a layer, are indented under it.
    """
    table = Table(title=model.name, show_footer=True)
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
    (console or Console()).print(table)


def _rows(model, input_shape, built, indent=""):
    shapes = model.shapes(input_shape) if built else [None] * (len(model) + 1)
    for layer, given, made in zip(model.layers, shapes, shapes[1:], strict=False):
        shape = "?" if made is None else checks.shape_text(("N", *made), "any")
        count = f"{sum(array.size for array in layer.params.values()):,}" if built else "?"
        frozen = "" if getattr(layer, "trainable", True) else " frozen"
        yield f"{indent}{layer.name}", type(layer).__name__, shape, f"{count}{frozen}"
        for step in activations(layer):
            yield f"{indent}  {step.name}", type(step).__name__, shape, "0"
        if hasattr(layer, "layers"):
            yield from _rows(layer, given, built, f"{indent}  ")


def _size(model):
    if not model.built:
        return ""
    size = model.parameter_count * model.dtype.itemsize
    unit, factor = next((u, f) for u, f in (("MB", 1e6), ("kB", 1e3), ("bytes", 1)) if size >= f or f == 1)
    return f"{size / factor:.3g} {unit} of {model.dtype.name}"
