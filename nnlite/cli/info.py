"""nnlite info: facts for a bug report."""

from rich.table import Table
from rich.text import Text

from nnlite import machine

from .options import Threads
from .runs import console


def info(threads: Threads = None) -> None:
    """Show CPU, kernels, threads and versions, for a bug report.

    The kernels are compiled for one CPU's instructions; threads are the cores that they use.
    """
    table = Table.grid(padding=(0, 2))
    for name, value in machine.describe().items():
        table.add_row(Text(name, style="bold"), Text(value))
    console.print(table)
    if stale := machine.stale_kernels():
        console.print(f"\nSources newer than their kernels: {', '.join(stale)}. Compile them: make build")
