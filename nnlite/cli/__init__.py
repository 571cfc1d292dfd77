"""The command `nnlite`: a thin layer over `nnlite.experiment`, `nnlite.text` and `nnlite.machine`."""

import os
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import typer

from nnlite import CheckpointError, NonFiniteLossError
from nnlite.experiment import ExperimentError

from .digits import digits
from .info import info
from .minimal_rnn import reproduce_recipe, train_minimal_rnn
from .sample import next_character, sample
from .sonnets import train
from .stats import stats
from .sweep import sweep

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown"
)


@app.callback()
def nnlite_command() -> None:
    """Train small networks: one to write like Shakespeare, one to read handwritten digits.

    Start with `nnlite train`: half a minute of learning, then poems. Or `nnlite digits`: seconds, then pictures.
    """


# Commands whose names cannot be those of their Python functions.
COMMANDS = {next_character: "next", reproduce_recipe: "reproduce", train_minimal_rnn: "minimal-rnn"}
for command in (train, sample, next_character, stats, train_minimal_rnn, sweep, reproduce_recipe, digits, info):
    app.command(COMMANDS.get(command))(command)


USER_ERRORS = (CheckpointError, ExperimentError, ImportError, MemoryError, NonFiniteLossError, OSError, ValueError)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command; every error that a user can cause is printed as one line."""
    try:
        code = app(arguments, prog_name="nnlite", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except BrokenPipeError:  # as in `nnlite sample | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except UsageError as error:
        message, where = error.format_message().rstrip("."), error.ctx.command_path if error.ctx else "nnlite"
        code = fail(f"{message}. Help: {where} --help", 2) if message else 2  # no message: help was printed
    except USER_ERRORS as error:
        if os.environ.get("NNLITE_TRACEBACK"):
            raise
        message = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.strerror else str(error)
        code = fail(message, 1)
    sys.exit(code)


LINE_BREAK = r"\s*\n\s*"  # other spaces may be part of a file's name
UsageError: Any = typer.BadParameter.__base__  # of click, or of typer's own copy of it


def fail(message: str, code: int) -> int:
    """Print an error as one line on stderr, and return the exit code."""
    print(f"nnlite: {re.sub(LINE_BREAK, ' ', message.strip())}", file=sys.stderr)
    return code
