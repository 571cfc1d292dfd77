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
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, NoReturn

import typer

from nnlite import CheckpointError, NonFiniteLossError, __version__, machine
from nnlite.distributed import mpi
from nnlite.experiment import ExperimentError
from nnlite.roofline import CompilerError
from nnlite.saving.checkpoint import without_control

from . import homework
from .bench import bench
from .digits import digits
from .export import export
from .info import info
from .ladder import ladder
from .minimal_rnn import reproduce_recipe, train_minimal_rnn
from .play import play
from .runs import command as command_line
from .sample import next_character, sample
from .sonnets import train
from .standard_output import StandardOutput, discard
from .stats import stats
from .sweep import sweep
from .units import units
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
for command in (
    *(train, sample, next_character, play, stats, train_minimal_rnn, sweep, reproduce_recipe, digits),
    *(export, units, zoo, ladder, bench, info),
):
    app.command(COMMANDS.get(command), help=help_of(command))(command)

kit = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
app.add_typer(kit, name="homework", help=help_of(homework.homework))
for step in homework.COMMANDS:
    kit.command(help=help_of(step))(step)

# What options of earlier versions and of other programs are called here.
MOVED = {"--recipe": f"a recipe is a command of its own: {command_line('minimal-rnn')}"}


USER_ERRORS = (
    *(
        CheckpointError,
        CompilerError,
        ExperimentError,
        ImportError,
        MemoryError,
        NonFiniteLossError,
        OSError,
        ValueError,
    ),
)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command; every error that a user can cause is printed as one line, and so is a warning, once.

    Of several ranks the first prints, and another one only what the first does not know.
    """
    open_standard_streams()
    os.environ["MPLBACKEND"] = "agg"  # pictures are files here, whatever a notebook or a profile has set
    ranks: Any = None
    unsaid: list[str] = []

    @functools.cache
    def told(message):
        unsaid.append(message) if ranks and ranks.rank else print_line(message)

    try:
        ranks = mpi.world()
        if ranks:
            mpi.divide_cores(ranks)
        out = open(os.devnull, "w") if ranks and ranks.rank else sys.stdout  # noqa: SIM115  until the program ends
        with interruptions(), warnings.catch_warnings(), contextlib.redirect_stdout(out and StandardOutput(out, told)):
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
            told(f"No such option: {option}: {MOVED[option]}")
        else:  # without a message help was printed
            end = "" if message.endswith("?") else "."
            if message:
                told(f"{message}{end} Help: {where} --help")
        code = 2
    except USER_ERRORS as error:
        if os.environ.get("NNLITE_TRACEBACK"):
            mpi.abort_at_exit()
            raise
        message = message_of(error)
        told(" ".join([message, *getattr(error, "__notes__", ())]))
        code = 1
    except BaseException:
        mpi.abort_at_exit()
        raise
    if ranks:
        code = mpi.leave(code, lambda: print_line(f"rank {ranks.rank}: {'; '.join(unsaid)}"))
    sys.exit(code)


def open_standard_streams() -> None:
    """Open a stream that is closed, as by >&-, with nothing in it, or to go nowhere: other packages expect one."""
    for name in ("stdin", "stdout", "stderr"):  # as their numbers are
        if getattr(sys, name) is None:
            nowhere = open(os.devnull, "r" if name == "stdin" else "w")  # noqa: SIM115  until the program ends
            os.set_inheritable(nowhere.fileno(), nowhere.fileno() <= 2)  # a sweep's processes have it as theirs
            setattr(sys, name, nowhere)


def message_of(error: BaseException) -> str:
    """What an error says, and what the system's leave out."""
    if isinstance(error, FileNotFoundError) and not os.path.isabs(str(error.filename)):
        try:
            os.getcwd()
        except FileNotFoundError:
            return "the folder that this terminal is in was removed: change to another one"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, MemoryError) and not str(error):
        return "not enough memory: ask for less, or end other programs"
    return str(error) or type(error).__name__


@contextlib.contextmanager
def interruptions() -> Iterator[None]:
    """Raise a KeyboardInterrupt as such where Python wraps it: one that comes while a class is being made."""
    try:
        yield
    except Exception as error:
        cause = error.__cause__
        while cause is not None:
            if isinstance(cause, KeyboardInterrupt):
                raise cause from None
            cause = cause.__cause__
        raise


LINE_BREAK = r"\s*\n\s*"  # other spaces may be part of a file's name
UsageError: Any = typer.BadParameter.__base__  # of click, or of typer's own copy of it


def print_line(message: str) -> None:
    """Print a message as one line on stderr. In a terminal a long one is broken between words."""
    line = f"nnlite: {re.sub(LINE_BREAK, ' ', message.strip())}"
    line = without_control(line)
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
