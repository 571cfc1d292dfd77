"""Run folders on the command line: start or resume a run, and list its files."""

import contextlib
import dataclasses
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.rule import Rule
from rich.text import Text

import nnlite
from nnlite import extras
from nnlite.distributed import DataParallel, mpi
from nnlite.experiment import Corpus, Digits, Experiment, MinimalRNN, Sonnets, Sweep
from nnlite.experiment.folder import (
    SAVE_SECONDS,
    ExperimentError,
    InUseError,
    Progress,
    find_runs,
    kind_of,
    new_folder,
    plain,
)
from nnlite.experiment.writer import Writer
from nnlite.saving import training_state
from nnlite.saving.checkpoint import without_control
from nnlite.saving.regular_file import open_regular

from .standard_output import make_optional


class Output(Console):
    """Breaks long lines between words in a terminal, and not at all elsewhere: other programs read whole lines."""

    def print(self, *objects: Any, soft_wrap: bool | None = None, **options: Any) -> None:
        super().print(*objects, soft_wrap=not self.is_terminal if soft_wrap is None else soft_wrap, **options)


# No markup and no emoji: folder names may have brackets and colons.
console = Output(highlight=False, markup=False, emoji=False)

WRITERS: dict[str, type[Sonnets | MinimalRNN]] = {kind.kind: kind for kind in (Sonnets, MinimalRNN)}
DIVIDED = Sonnets, Digits  # their batches can be shared by several ranks
TRAINED_BY = {Sonnets.kind: "train", MinimalRNN.kind: "minimal-rnn", Sweep.kind: "sweep", Digits.kind: "digits"}

Kind = TypeVar("Kind", bound=Experiment)


def begin(kind: type[Kind], context: typer.Context, *needed: str) -> Kind:
    """The run of a command, whose result is in the folder: a new one, or with --resume an existing one.

    Where `mpiexec` has started several ranks they train it together. Rank 0 alone has the folder, and the others one in
    which nothing is kept.

    Args:
        kind: the experiment, such as Sonnets.
        context: of the command. Its options are those of a run folder, all fields of kind.Settings, perhaps --text.
        needed: extras of nnlite-learn that it will need in the end: better said now.
    """
    extras.require(*needed)
    ranks = mpi.world()
    if not ranks:
        return own_run(kind, context)
    if kind not in DIVIDED:
        raise ExperimentError(
            f"nnlite {context.info_name} cannot divide its work among ranks: start it without mpiexec"
        )
    run: Any = None
    kept = None
    try:
        if ranks.rank == 0:
            run = own_run(kind, context)
            kept = {name: value for name, value in vars(run).items() if name not in ("start", "_is_alone")}
    finally:
        kept = ranks.bcast(kept)
    if kept is None:  # rank 0 says why
        raise typer.Exit(1)
    if ranks.rank:
        run = kind.__new__(kind)
        vars(run).update(kept, _is_alone=False)
        run.folder = Path(context.with_resource(tempfile.TemporaryDirectory(prefix="nnlite-")), "run")
        run.create()
    DataParallel(run.start.model.optimizer)
    each = nnlite.get_num_threads()
    console.print(f"{ranks.size} ranks share each batch, with {each} {'thread' if each == 1 else 'threads'} each.")
    return run


def own_run(kind: type[Kind], context: typer.Context) -> Kind:
    """The run of a command that is alone."""
    make_optional()
    options = context.params
    folder, text = (Path(p) if (p := options.get(name)) is not None else None for name in ("out", "text"))
    encoding = options.get("encoding", "utf-8")
    if encoding != "utf-8" and not text:
        raise typer.BadParameter("it is of the file in --text: name that, too", param_hint="--encoding")
    corpus = Corpus.from_file(text, encoding) if text else None
    values = {field.name: options[field.name] for field in dataclasses.fields(kind.Settings)}
    settings = kind.Settings(**{name: tuple(v) if isinstance(v, list | tuple) else v for name, v in values.items()})
    if options["force"] and not folder:
        raise typer.BadParameter(
            f"it overwrites the run in a folder that is named: add --out FOLDER, such as --out runs/{kind.kind}. "
            f"Without --force the new run gets a new folder",
            param_hint="--force",
        )
    if options["resume"]:
        return resumed(kind, folder, settings, corpus, context)
    if folder and kind_of(folder) and not options["force"]:
        with kind(folder).alone():  # InUseError, if it is in training: then it cannot be resumed
            pass
        raise typer.BadParameter(
            f"{folder} holds a run already: resume it with --resume, overwrite it with --force, or name another folder",
            param_hint="--out",
        )
    run = None
    while not run:
        free = folder or new_folder(corpus.name if corpus else kind.kind)
        run = kind(free, settings, *([corpus] if corpus else []))
        run.start  # noqa: B018  wrong settings fail before a folder is made
        try:
            context.with_resource(run.alone())
        except InUseError:  # by a training that began in this moment: without --out there are other names
            if folder:
                raise
            run = None
    run.create(overwrite=options["force"])
    return run


def resumed(
    kind: type[Kind], folder: Path | None, settings: Any, corpus: Corpus | None, context: typer.Context
) -> Kind:
    """The run to resume. Options may be repeated if they agree with its settings."""
    runs = [folder] if folder else find_runs(kind=kind.kind)[-1:]
    if not runs or not kind(runs[0]).exists:
        what = f"{folder} does not exist" if folder and not folder.exists() else f"{folder or 'runs/'} holds no run"
        raise typer.BadParameter(
            f"{what}{'' if folder else f' on {kind.kind}'}: name the folder of the run to resume by --out, or leave "
            f"out --resume to start a new one",
            param_hint="--resume",
        )
    found = kind_of(runs[0])
    if found != kind.kind and found in TRAINED_BY:
        raise ExperimentError(
            f"{runs[0]} holds a run on {found}, not on {kind.kind}: resume it with "
            f"{command(TRAINED_BY[found], '--resume', '--out', runs[0])}"
        )
    run = kind.open(runs[0])
    context.with_resource(run.alone())
    if corpus and isinstance(run, Writer) and corpus.sha256 != run.corpus.sha256:
        changed = " as it was then" if corpus.file == run.corpus.file else ""
        raise typer.BadParameter(
            f"{run.folder} learns from {run.corpus.title}{changed}, and this is another text: leave the option out, "
            f"name another run by --out, or leave out --resume to start a new run",
            param_hint="--text",
        )
    is_extended = False
    for option in context.command.params:
        theirs, ours = (getattr(s, option.name or "", None) for s in (run.settings, settings))
        if theirs != ours and getattr(context.get_parameter_source(option.name or ""), "name", None) == "COMMANDLINE":
            if option.name == run.goal:
                is_extended = True
                continue
            raise typer.BadParameter(
                f"{run.folder} was started with {plain(theirs)}, got {plain(ours)}: leave the option out, or leave out "
                f"--resume to start a new run",
                param_hint=option.opts[0],
            )
    run.check_folder()
    before = run.settings
    if is_extended:
        run.extend(getattr(settings, run.goal))
    try:
        run.start  # noqa: B018  wrong settings, of which its own message does not say where they are
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ExperimentError(
            f"cannot train with the settings in {run.folder / 'config.json'}: {training_state.explain(error)}"
        ) from error
    if is_extended:
        say_how_extended(run, getattr(before, run.goal))
    elif run.is_finished:
        console.print(f"{run.folder} is finished: nothing is left to train. Its results are shown again.")
        if goal := getattr(run.settings, run.goal, None):
            options = "--resume", "--out", run.folder, f"--{run.goal}", 2 * goal
            more = command(context.info_name or "", *options)
            console.print(f"To train on, give it more {run.goal}:  {more}", soft_wrap=True)
    else:
        console.print(f"Resuming {run.folder}.")
    return run


def say_how_extended(run: Experiment, before: int) -> None:
    """Say from what number of epochs or iterations, and whether it ends as one that was started with the new one."""
    goal = getattr(run.settings, run.goal)
    console.print(f"Resuming {run.folder}, with {goal} {run.goal} instead of {before}.")
    if run.progress and not run.has_constant_rate:
        console.print(
            f"The learning rate falls over the whole training: so far as for {before} epochs, from here on as for "
            f"{goal}. A run that is started with --epochs {goal} ends with somewhat different weights."
        )


def open_writer(folder: Path | None = None) -> Sonnets | MinimalRNN:
    """Open a run whose model writes text; by default the last one, whose name is then written to standard error.

    Raises:
        ExperimentError: there is no such run, or it cannot be read.
    """
    if folder is None:
        folder = last_writer()
        if folder is None:
            raise ExperimentError(f"there is no run under runs/ yet: {command('train')} makes one")
        remark(f"The run is {folder}.")
    kind = kind_of_one(folder) or Sonnets.kind
    if kind not in WRITERS:
        raise ExperimentError(f"{folder} holds a run on {kind}, not on a text")
    return WRITERS[kind].open(folder)


def kind_of_one(folder: Path) -> str | None:
    """What the run in a folder is on, as `kind_of` says it; a sweep is many runs, of which one has to be named."""
    kind = kind_of(folder)
    if kind == Sweep.kind:
        own = ", ".join(str(run.folder) for run in Sweep.open(folder).runs)
        raise ExperimentError(f"{folder} holds a sweep, in which each training is a run: name one of {own}")
    return kind


def last_writer() -> Path | None:
    """The last run under runs/ whose model writes text."""
    return next((run for run in reversed(find_runs()) if kind_of(run) in WRITERS), None)


def remark(text: str) -> None:
    """Say something beside the result: on standard error."""
    Console(stderr=True, highlight=False, markup=False, emoji=False).print(text, soft_wrap=True)


def is_model_file(path: Path) -> bool:
    """Whether a model's file is meant, and not a run folder."""
    return not path.is_dir() and (path.exists() or path.suffix == ".safetensors")


@contextlib.contextmanager
def stoppable(run: Experiment, context: typer.Context, kept: str | None = None) -> Iterator[None]:
    """On Ctrl-C, print what was kept and how to resume."""
    try:
        yield
    except KeyboardInterrupt:
        runs = getattr(run, "runs", [run])  # a sweep's folder holds those of its trainings
        if not any(each.checkpoint_path.exists() for each in runs):
            kept = f"only the settings: it is saved every {SAVE_SECONDS:g} seconds, and after each epoch"
        kept = kept or place(run.progress)
        console.print(f"\nStopped. {run.folder} keeps {kept}. To resume:\n")
        ranks = f"mpiexec -n {world.size} " if (world := mpi.world()) else ""
        console.out(f"  {ranks}{command(context.info_name or '', '--resume', '--out', run.folder)}", highlight=False)
        raise typer.Exit(130) from None


def place(progress: Progress | None) -> str:
    """How far a training is, in words."""
    if progress is None or not progress.batch:
        return "the last complete epoch"
    return f"what was learned up to batch {progress.batch:,} of epoch {progress.epoch + 1}"


def list_files(run: Experiment) -> None:
    """Print the files of a run."""
    console.print(f"Written to {run.folder}:")
    for name, content in run.FILES.items():
        if (run.folder / name).exists():
            console.print(f"  {name:24} {content}")


def show(heading: str, text: str) -> None:
    """Print a text that a model wrote."""
    console.print(Rule(heading, align="left", style="dim"))
    console.print(Text(without_control(text)), end="\n\n")


def require_mark(path: Path, mark: bytes, head: int, what: str, remedy: str) -> None:
    """Refuse to overwrite a file without this mark in its first `head` bytes: another program, or a person, made it.

    Raises:
        ExperimentError: it is such a file; the message says what it is not, and the remedy.
    """
    if path.exists():
        with open_regular(path) as file:
            if mark not in file.read(head):
                raise ExperimentError(f"{path} is not {what}, which would overwrite it: {remedy}")


def command(*arguments: object) -> str:
    """A command line of this program to paste into a shell, with its path if it is not on the PATH.

    Folder names among the arguments may contain spaces or start with a hyphen.
    """
    called = Path(sys.argv[0])
    as_module = called.name in ("__main__.py", "-c")  # -c: a program that calls main()
    program = [_callable(Path(sys.executable)), "-m", "nnlite"] if as_module else [_callable(called)]
    words = [f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word) for word in arguments]
    return shlex.join([*program, *words])


def _callable(path):
    """The name of a program, or its path if it is not on the PATH."""
    found = shutil.which(path.name)
    try:
        here = Path.cwd()
    except FileNotFoundError:  # it was removed
        return str(path)
    if found and Path(found).absolute() == path.absolute():
        return path.name
    if path.absolute().parent == here:  # a shell looks there only if it is told
        return f"./{path.name}"
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
