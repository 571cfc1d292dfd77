"""nnlite export, as it is typed."""

import numpy as np
import pytest
from extras import import_extra

from nnlite import Sequential, save_model
from nnlite.experiment import Sonnets, Sweep
from nnlite.interop import from_onnx
from nnlite.text import Vocabulary

onnx = import_extra("onnx", "onnx")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run folder with a model that has not been trained."""
    monkeypatch.chdir(tmp_path)
    run = Sonnets(tmp_path / "runs" / "sonnets", Sonnets.Settings(units=6))
    run.create()
    save_model(run.model(), run.folder / "model.safetensors")
    return run


def test_a_run_is_exported_with_its_characters_and_states(run, nnlite_command):
    code, output, _ = nnlite_command("export")
    assert (code, output) == (0, "Written to runs/sonnets/model.onnx.\n")
    proto = onnx.load(run.folder / "model.onnx")
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    assert Vocabulary(metadata["vocabulary"]) == run.vocabulary
    assert [output.name for output in proto.graph.output] == ["y", "lstm.final_h", "lstm.final_c"]
    ids = run.vocabulary.encode("shall i compare")[None]
    np.testing.assert_array_equal(from_onnx(proto).predict(ids), run.saved_model().predict(ids))


def test_a_file_and_a_run_are_named(run, nnlite_command, tmp_path):
    code, output, _ = nnlite_command("export", run.folder, "poems.onnx")
    assert (code, output) == (0, "Written to poems.onnx.\n")
    assert isinstance(from_onnx(tmp_path / "poems.onnx"), Sequential)
    code, _, errors = nnlite_command("export", run.folder, "no/such/folder/poems.onnx")
    assert (code, errors) == (1, "nnlite: to_onnx: cannot write no/such/folder/poems.onnx: No such file or directory\n")


def test_a_models_file_is_exported_beside_it(run, nnlite_command, tmp_path):
    model = run.saved_model()
    model.vocabulary = run.vocabulary
    model.save(tmp_path / "gift.safetensors")
    assert nnlite_command("export", "gift.safetensors") == (0, "Written to gift.onnx.\n", "")
    proto = onnx.load(tmp_path / "gift.onnx")
    assert [output.name for output in proto.graph.output] == ["y", "lstm.final_h", "lstm.final_c"]
    assert [entry.value for entry in proto.metadata_props if entry.key == "vocabulary"] == [run.vocabulary.characters]
    model.vocabulary = None
    model.save(tmp_path / "plain.safetensors")
    assert nnlite_command("export", "plain.safetensors", "own.onnx") == (0, "Written to own.onnx.\n", "")
    assert [output.name for output in onnx.load(tmp_path / "own.onnx").graph.output] == ["y"]
    code, _, error = nnlite_command("export", "none.safetensors")
    assert (code, "there is no such file" in error) == (1, True)


def test_no_other_file_is_lost(run, nnlite_command):
    for name in ("config.json", "model.safetensors"):
        before = (run.folder / name).read_bytes()
        code, _, errors = nnlite_command("export", run.folder, run.folder / name)
        assert code == 1
        assert errors.startswith("nnlite: to_onnx: path: expected a name that ends in .onnx, as that is what is")
        assert (run.folder / name).read_bytes() == before


def test_where_the_user_names_no_file_only_its_own_is_replaced(run, nnlite_command, tmp_path):
    (tmp_path / "gift.safetensors").write_bytes((run.folder / "model.safetensors").read_bytes())
    precious = tmp_path / "precious.txt"
    for source, usual in ((run.folder, run.folder / "model.onnx"), ("gift.safetensors", tmp_path / "gift.onnx")):
        precious.write_text("precious")
        usual.symlink_to(precious)
        code, _, error = nnlite_command("export", source)
        assert (code, "is a symbolic link" in error) == (1, True)
        assert precious.read_text() == "precious"
        usual.unlink()
        usual.write_text("precious")
        code, _, error = nnlite_command("export", source)
        assert (code, "is not a file of nnlite export, which would overwrite it" in error) == (1, True)
        assert usual.read_text() == "precious"
        assert nnlite_command("export", source, usual)[0] == 0
        assert nnlite_command("export", source)[0] == 0


def test_of_a_sweep_a_run_is_to_be_named(tmp_path, monkeypatch, nnlite_command):
    monkeypatch.chdir(tmp_path)
    Sweep("runs/sweep", Sweep.Settings(units=(4,), sgd=(0.01,))).create()
    for line in ("export", "sample", "play"):
        code, _, error = nnlite_command(line, "runs/sweep")
        named = "runs/sweep/4-adagrad-0.1, runs/sweep/4-sgd-0.01"
        assert (code, error) == (
            1,
            f"nnlite: runs/sweep holds a sweep, in which each training is a run: name one of {named}\n",
        )


def test_without_a_run(tmp_path, monkeypatch, nnlite_command):
    monkeypatch.chdir(tmp_path)
    code, _, errors = nnlite_command("export")
    assert code == 1
    assert "there is no run under runs/ yet" in errors
