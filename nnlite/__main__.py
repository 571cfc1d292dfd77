"""`python -m nnlite` is the command `nnlite`."""

from .cli import main

main()
