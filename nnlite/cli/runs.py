"""Runs: how a command begins one or goes on with one, and what it says in the end."""

import contextlib
import dataclasses
import shlex
import shutil
import sys
from pathlib import Path

import typer
from rich.console import Console

from nnlite.experiment import ExperimentError, MinimalRNN, Sonnets, find_runs, kind_of, new_folder

# What is in brackets, or between colons, may be part of a folder's name.
console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)

WRITERS = {kind.kind: kind for kind in (Sonnets, MinimalRNN)}  # the experiments whose models write


def begin(kind, values, context, out, resume, force, corpus=None):
    """The run that a command is to work on: a new one, or with --resume the one that is there.

    Args:
        kind: of experiment, such as Sonnets.
        values: the command's options, among them all fields of kind.Settings.
        corpus: a text of the user's own to learn from, if any.
    """
    settings = kind.Settings(**{field.name: values[field.name] for field in dataclasses.fields(kind.Settings)})
    run = resumed(kind, out, settings, corpus, context) if resume else None
    return run or started(kind, out, settings, corpus, force)


def resumed(kind, folder, settings, corpus, context):
    """The run to go on with; None where there is none. Options may be repeated, but they may not contradict it."""
    runs = [folder] if folder else find_runs(kind=kind.kind)[-1:]
    if not runs or not kind(runs[0]).exists:
        return None
    run = kind.open(runs[0])
    if corpus and corpus.sha256 != run.corpus.sha256:
        changed = " as it was then" if corpus.file == run.corpus.file else ""
        raise typer.BadParameter(
            f"{run.folder} learns from {run.corpus.title}{changed}, and this is another text: leave the option out, "
            f"name another run by --out, or leave out --resume to start one",
            param_hint="--text",
        )
    for field in dataclasses.fields(kind.Settings):
        theirs, ours, name = getattr(run.settings, field.name), getattr(settings, field.name), option_name(field.name)
        if theirs != ours and context.get_parameter_source(name).name == "COMMANDLINE":
            raise typer.BadParameter(
                f"{run.folder} was started with {plain(theirs)}, got {plain(ours)}: leave the option out, or leave out "
                f"--resume to start another run",
                param_hint=f"--{name.replace('_', '-')}",
            )
    console.print(f"Going on with {run.folder}.")
    return run


def started(kind, folder, settings, corpus, force):
    folder_or_new = folder or new_folder(corpus.name if corpus else kind.kind)
    run = kind(folder_or_new, settings, corpus) if corpus else kind(folder_or_new, settings)
    if folder and run.exists and not force:
        raise typer.BadParameter(
            f"{folder} holds a run already: go on with it by --resume, overwrite it by --force, or name another",
            param_hint="--out",
        )
    run.create(overwrite=force)
    return run


def open_writer(folder=None):
    """A run whose model writes, with its `vocabulary`, `corpus` and `seed_text`; by default the last one.

    Raises:
        ExperimentError: there is none, or it cannot be read.
    """
    if folder is None:
        folder = next((run for run in reversed(find_runs()) if kind_of(run) in WRITERS), None)
    if folder is None:
        raise ExperimentError(f"there is no run under runs/ yet: {command('train')} makes one")
    return WRITERS.get(kind_of(folder), Sonnets).open(folder)


@contextlib.contextmanager
def stoppable(run, context, kept="what was learned until the last complete epoch"):
    """Where Ctrl-C ends what is done inside, say what was kept, and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        console.print(f"\nStopped. {run.folder} keeps {kept}. To go on:\n")
        console.out(f"  {command(context.info_name, '--resume', '--out', run.folder)}", highlight=False)
        raise typer.Exit(130) from None


def list_files(run):
    """Print where everything is."""
    console.print(f"Written to {run.folder}:")
    for name, content in run.FILES.items():
        if (run.folder / name).exists():
            console.print(f"  {name:24} {content}")


def option_name(field):
    """The option, as a parameter of a command, that gives this field of the settings."""
    return "temperature" if field == "temperatures" else field


def plain(value):
    return ", ".join(f"{v:g}" for v in value) if isinstance(value, tuple) else value


def command(*arguments):
    """A command of this program to paste into a shell: as the user calls it, by its path where it is not on the PATH.

    A folder among the arguments may have spaces in its name, and begin with a hyphen.
    """
    called = Path(sys.argv[0])
    as_module = called.name == "__main__.py"
    program = [_callable(Path(sys.executable)), "-m", "nnlite"] if as_module else [_callable(called)]
    words = [f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word) for word in arguments]
    return shlex.join([*program, *words])


def _callable(path):
    """The name of a program, or its path where the name would not find it."""
    found = shutil.which(path.name)
    return path.name if found and Path(found).absolute() == path.absolute() else str(path)
