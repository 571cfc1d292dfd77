"""The command `nnlite`, which is also `python -m nnlite`."""

import sys

from . import extras


def main() -> None:
    """Run the command. Its own errors are lines in `nnlite.cli`; this is for what must be there before."""
    try:
        extras.require("cli")
    except ImportError as error:
        sys.exit(f"nnlite: {error}")
    from . import cli

    cli.main()


if __name__ == "__main__":  # not in the processes that a sweep's backend spawns
    main()
