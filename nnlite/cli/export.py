"""nnlite export: a trained model as an ONNX file."""

from pathlib import Path
from typing import Annotated

import typer

from nnlite.experiment import Digits, ExperimentError, find_runs, kind_of
from nnlite.interop import to_onnx

from .runs import WRITERS, command, console


def export(
    run: Annotated[
        Path | None, typer.Argument(help="Run folder; by default the last one under runs/.", metavar="RUN")
    ] = None,
    file: Annotated[
        Path | None, typer.Argument(help="Where to write; by default model.onnx in the run folder.", metavar="FILE")
    ] = None,
) -> None:
    """Write a trained model to an ONNX file, which onnxruntime and many other programs run.

    A model that writes text has its states as inputs and outputs, so that it can write character by character; its
    characters, in the order of their ids, are in the file's metadata, under `vocabulary`. Needs the package onnx.

    Examples:

        nnlite export
        nnlite export runs/digits digits.onnx
    """
    kinds = {**WRITERS, Digits.kind: Digits}
    if run is None:
        run = next((folder for folder in reversed(find_runs()) if kind_of(folder) in kinds), None)
    if run is None:
        raise ExperimentError(f"there is no run under runs/ yet: {command('train')} makes one")
    trained = kinds.get(kind_of(run) or "", Digits).open(run)
    vocabulary = getattr(trained, "vocabulary", None)
    metadata = {} if vocabulary is None else {"vocabulary": vocabulary.characters}
    file = run / "model.onnx" if file is None else file
    to_onnx(trained.saved_model(), file, states=True if metadata else None, metadata=metadata)
    console.print(f"Written to {file}.")
