"""The command `nnlite`, which is also `python -m nnlite`."""

import os
import re
import sys

from . import extras, start


def main() -> None:
    """Run the command. Its own errors are lines in `nnlite.cli`; this is for what must be there before."""
    start.begin()
    try:
        extras.require("cli")
    except ImportError as error:
        sys.exit(f"nnlite: {error}")
    forget_wrong_sizes()
    from . import cli

    start.end()
    cli.main()


def forget_wrong_sizes() -> None:
    """Let a terminal's size be as if unset where it is none: Rich would print nothing, without end or a traceback.

    Of fewer than 40 columns a table would show no words.
    """
    for name, least in (("COLUMNS", 40), ("LINES", 1), ("TERMINAL_WIDTH", 40)):
        size = os.environ.get(name, "80")
        if not re.fullmatch("0*[1-9][0-9]{0,3}", size) or int(size) < least:
            del os.environ[name]


if __name__ == "__main__":  # not in the processes that a sweep's backend spawns
    main()
