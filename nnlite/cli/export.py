"""nnlite export: a trained model as an ONNX file."""

from pathlib import Path
from typing import Annotated

import typer

from nnlite import load_model
from nnlite.experiment import Digits, ExperimentError, find_runs, kind_of
from nnlite.interop import to_onnx

from .runs import WRITERS, command, console, is_model_file, kind_of_one, require_mark

MARK = b"\x12\x06nnlite"  # the producer's name, near the beginning of the file
HEAD = 100  # bytes


def export(
    run: Annotated[
        Path | None,
        typer.Argument(help="Run folder, or a model's file; by default the last run under runs/.", metavar="RUN"),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Argument(
            help="Where to write; by default model.onnx in the run folder, or beside the model's file.", metavar="FILE"
        ),
    ] = None,
) -> None:
    """Write a trained model to an ONNX file, which onnxruntime and many other programs run.

    A model that writes text has its states as inputs and outputs, so that it can write character by character; its
    characters, in the order of their ids, are in the file's metadata, under `vocabulary`. Needs the package onnx.

    Examples:

        nnlite export
        nnlite export runs/digits digits.onnx
        nnlite export friend.safetensors
    """
    kinds = {**WRITERS, Digits.kind: Digits}
    if run is None:
        run = next((folder for folder in reversed(find_runs()) if kind_of(folder) in kinds), None)
    if run is None:
        raise ExperimentError(f"there is no run under runs/ yet: {command('train')} makes one")
    if is_model_file(run):
        model, usual = load_model(run), run.with_suffix(".onnx")
        vocabulary = model.vocabulary
    else:
        trained = kinds.get(kind_of_one(run) or "", Digits).open(run)
        model, usual = trained.saved_model(), run / "model.onnx"
        vocabulary = getattr(trained, "vocabulary", None)
    metadata = {} if vocabulary is None else {"vocabulary": vocabulary.characters}
    file = own_onnx(usual) if file is None else file
    to_onnx(model, file, states=True if metadata else None, metadata=metadata)
    console.print(f"Written to {file}.")


def own_onnx(path: Path) -> Path:
    """The path, if nothing is there but an older file of nnlite export: the user has not named it.

    Raises:
        ExperimentError: it is another file, or a link, which in a stranger's run folder may point anywhere.
    """
    if path.is_symlink():
        raise ExperimentError(f"{path} is a symbolic link, through which nnlite export does not write: remove the link")
    require_mark(path, MARK, HEAD, "a file of nnlite export", "name another after the run")
    return path
