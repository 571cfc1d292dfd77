"""nnlite info: what a bug report should hold."""

from rich.table import Table
from rich.text import Text

from nnlite import machine

from .options import Threads, use_threads
from .runs import console


def info(threads: Threads = None):
    """Show CPU, kernels, threads and versions: what a bug report should hold.

    The kernels are compiled for the instructions of one CPU; threads are the cores that they use.
    """
    use_threads(threads)
    table = Table.grid(padding=(0, 2))
    for name, value in machine.describe().items():
        table.add_row(Text(name, style="bold"), Text(value))
    console.print(table)
    if stale := machine.stale_kernels():
        console.print(f"\nEdited after the kernels were compiled: {', '.join(stale)}. Compile them: make build")
