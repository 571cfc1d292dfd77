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
    """Let a terminal's size be as if unset where it is none: Rich would print nothing, without end or a traceback."""
    for name in ("COLUMNS", "LINES", "TERMINAL_WIDTH"):
        if not re.fullmatch("0*[1-9][0-9]{0,3}", os.environ.get(name, "1")):
            del os.environ[name]


if __name__ == "__main__":  # not in the processes that a sweep's backend spawns
    main()
