"""The command `nnlite`, which is also `python -m nnlite`."""

import os
import re
import signal
import sys

from . import extras


def main() -> None:
    """Run the command. Its own errors are lines in `nnlite.cli`; this is for what must be there before."""
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:  # else Ctrl-C is ignored: so it stays
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # nothing is begun yet, and imports print tracebacks
    try:
        extras.require("cli")
    except ImportError as error:
        sys.exit(f"nnlite: {error}")
    forget_wrong_sizes()
    from . import cli

    signal.signal(signal.SIGINT, interrupt)
    cli.main()


def forget_wrong_sizes() -> None:
    """Let a terminal's size be as if unset where it is none: Rich would print nothing, without end or a traceback."""
    for name in ("COLUMNS", "LINES", "TERMINAL_WIDTH"):
        if not re.fullmatch("0*[1-9][0-9]{0,3}", os.environ.get(name, "1")):
            del os.environ[name]


if __name__ == "__main__":  # not in the processes that a sweep's backend spawns
    main()
