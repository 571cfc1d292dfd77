"""The first moments of the command `nnlite`, in which it imports: an error is a line, and Ctrl-C ends it in silence."""

import gc
import os
import signal
import sys
from types import TracebackType


def is_command() -> bool:
    """Whether this process is `nnlite` or `python -m nnlite`. What it starts, such as a sweep's workers, is not."""
    arguments = getattr(sys, "argv", [])
    program = sys.orig_argv[-len(arguments) :][:1] if arguments else []  # behind Python and its options
    names = {os.path.splitext(os.path.basename(path))[0] for path in program}
    return bool(names & {"nnlite", "-mnnlite"})


def begin() -> None:
    """Keep tracebacks away until `end`: nothing is begun yet that could be lost. And look for no garbage."""
    gc.disable()  # what is imported stays: to search it again and again took a fifth of a command's start
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else Ctrl-C is ignored: so it stays
        signal.signal(signal.SIGINT, _leave)
    if not os.environ.get("NNLITE_TRACEBACK"):
        sys.excepthook = _print_line


def end() -> None:
    """From here on `nnlite.cli` says what is wrong."""
    gc.freeze()
    gc.enable()
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.excepthook is _print_line:
        sys.excepthook = sys.__excepthook__


def _leave(*_):
    os._exit(130)


def _print_line(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if not issubclass(kind, ImportError):
        sys.__excepthook__(kind, error, traceback)
    elif sys.stderr is not None:  # closed, as by 2>&-
        print(f"nnlite: {error}", file=sys.stderr)


if is_command():
    begin()
