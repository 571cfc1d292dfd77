"""README's promise: the file that bears a layer's name shows both of its passes, short enough to read in a minute."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import nnlite
from nnlite.models import fit_loop, sequential, trainer

LAYERS = [*dict.fromkeys(getattr(nnlite.layers, name) for name in nnlite.layers.__all__)]


def file_of(layer):
    return Path(inspect.getsourcefile(layer))


def length(thing):
    """Of its whole file, in lines."""
    return len(file_of(thing).read_text(encoding="utf-8").splitlines())


def lines_of_code(function):
    """Without comments, docstring and empty lines."""
    source = inspect.cleandoc("\n" + inspect.getsource(inspect.unwrap(function)))
    tree = ast.parse(source).body[0]
    if ast.get_docstring(tree) is not None:
        tree.body = tree.body[1:]
    return len(ast.unparse(tree).splitlines())


def test_all_layers_are_looked_at():
    assert len(LAYERS) >= 24


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.__name__)
def test_a_layers_file_shows_both_of_its_passes(layer):
    stem = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", layer.__name__).lower()
    assert file_of(layer).stem == stem
    passes = [vars(layer)[name] for name in ("forward", "backward")]
    for function in passes:
        assert Path(inspect.getsourcefile(inspect.unwrap(function))) == file_of(layer)
    first, second = (inspect.getsourcelines(inspect.unwrap(function))[1] for function in passes)
    assert first < second, "forward stands above backward"
    assert sum(map(lines_of_code, passes)) <= 40
    assert length(layer) < 150


def test_what_a_student_reads_first_is_short():
    assert length(nnlite.Layer) < 120
    assert lines_of_code(trainer.Trainer.fit) + lines_of_code(trainer.Trainer.train_step) < 60
    assert length(trainer) < 320
    # What Keras' users type besides is beside these files: in base/weighted, models/contents and models/fit_arguments.
    assert length(nnlite.Dense) <= 111
    assert length(nnlite.Conv2D) <= 129
    assert length(sequential) <= 152
    assert length(fit_loop) <= 196
    container = [vars(nnlite.Sequential)[name] for name in ("__init__", "_arrange", "build")]
    assert sum(map(lines_of_code, container)) < 40
