"""The command `nnlite`: a thin layer over `nnlite.experiment`, `nnlite.text` and `nnlite.machine`."""

import contextlib
import functools
import inspect
import os
import re
import shutil
import sys
import textwrap
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NoReturn

import typer

from nnlite import CheckpointError, NonFiniteLossError, __version__, machine
from nnlite.experiment import ExperimentError

from .digits import digits
from .info import info
from .minimal_rnn import reproduce_recipe, train_minimal_rnn
from .runs import command as command_line
from .sample import next_character, sample
from .sonnets import train
from .standard_output import StandardOutput, discard
from .stats import stats
from .sweep import sweep
from .zoo import zoo

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown"
)


def show_version(asked: bool) -> None:
    """Print the version, and what it runs on, and do nothing else."""
    if asked:
        print(f"nnlite {__version__}, kernels {machine.describe()['kernels']}")
        raise typer.Exit


def nnlite_command(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=show_version, is_eager=True)
    ] = False,
) -> None:
    """Train small networks: one to write like Shakespeare, one to read handwritten digits.

    Start with `nnlite train`: half a minute of learning, then poems. Or `nnlite digits`: seconds, then pictures.
    """


# Commands whose names cannot be those of their Python functions.
COMMANDS = {next_character: "next", reproduce_recipe: "reproduce", train_minimal_rnn: "minimal-rnn"}


def help_of(command: Callable) -> str:
    """A command's docstring, with its examples as they are typed where the program is not on the PATH."""
    return re.sub(r"(\n    |`)nnlite ", lambda found: f"{found[1]}{command_line()} ", inspect.getdoc(command) or "")


app.callback(help=help_of(nnlite_command))(nnlite_command)
for command in (train, sample, next_character, stats, train_minimal_rnn, sweep, reproduce_recipe, digits, zoo, info):
    app.command(COMMANDS.get(command), help=help_of(command))(command)

# What options of earlier versions and of other programs are called here.
MOVED = {"--recipe": f"a recipe is a command of its own: {command_line('minimal-rnn')}"}


USER_ERRORS = (CheckpointError, ExperimentError, ImportError, MemoryError, NonFiniteLossError, OSError, ValueError)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command; every error that a user can cause is printed as one line, and so is a warning, once."""
    told = functools.cache(print_line)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stdout and StandardOutput(sys.stdout, told)):
            warnings.showwarning = lambda message, *_: told(str(message))
            code = app(arguments, prog_name=command_line(), standalone_mode=False)
            print(end="", flush=True)
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except BrokenPipeError:  # as in `nnlite sample | head -1`
        discard(sys.stdout)
        code = 1
    except UsageError as error:
        message, where = error.format_message().rstrip("."), error.ctx.command_path if error.ctx else command_line()
        option = getattr(error, "option_name", "")
        if option in MOVED:
            code = fail(f"No such option: {option}: {MOVED[option]}", 2)
        else:  # without a message help was printed
            end = "" if message.endswith("?") else "."
            code = fail(f"{message}{end} Help: {where} --help", 2) if message else 2
    except USER_ERRORS as error:
        if os.environ.get("NNLITE_TRACEBACK"):
            raise
        message = str(error)
        if isinstance(error, OSError) and error.filename is not None:
            message = f"{error.filename}: {error.strerror}"
        code = fail(message, 1)
    sys.exit(code)


LINE_BREAK = r"\s*\n\s*"  # other spaces may be part of a file's name
CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"  # what a stranger's file could tell a terminal to do
UsageError: Any = typer.BadParameter.__base__  # of click, or of typer's own copy of it


def fail(message: str, code: int) -> int:
    """Print an error as one line on stderr, and return the exit code."""
    print_line(message)
    return code


def print_line(message: str) -> None:
    """Print a message as one line on stderr. In a terminal a long one is broken between words."""
    line = f"nnlite: {re.sub(LINE_BREAK, ' ', message.strip())}"
    line = re.sub(CONTROL, lambda found: found[0].encode("unicode_escape").decode(), line)
    if sys.stderr is None:  # closed, as by 2>&-
        return
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        # Only at spaces, each of which stays: paths are to be copied.
        line = textwrap.fill(
            line, width, break_long_words=False, break_on_hyphens=False, replace_whitespace=False, expand_tabs=False
        )
    with contextlib.suppress(OSError):  # a full disk: there is nowhere to say it
        print(line, file=sys.stderr)
