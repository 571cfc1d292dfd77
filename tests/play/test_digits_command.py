"""nnlite play, of a model of images."""

import os
import sys

import pytest

import nnlite
from nnlite.experiment import Digits, Sonnets, find_runs


@pytest.fixture
def run(trained_digits, tmp_path):
    """A run folder with a trained model in it."""
    digits = Digits(tmp_path / "runs/digits")
    digits.create()
    nnlite.save_model(trained_digits, digits.folder / "model.safetensors")
    return digits.folder


def test_of_a_run_folder(run, nnlite_command):
    code, output, error = nnlite_command("play", run)
    assert (code, error) == (0, "")
    assert (run / "play.html").as_uri() in output
    page = (run / "play.html").read_text(encoding="utf-8")
    assert "nnlite play · digits" in page
    assert f"The model is that of {run}." in page


def test_of_the_last_run_and_again(run, nnlite_command, monkeypatch):
    monkeypatch.chdir(run.parent.parent)
    for _ in range(2):
        assert nnlite_command("play")[0] == 0
    assert (run / "play.html").exists()


def test_of_the_last_run_of_any_kind(run, nnlite_command, monkeypatch):
    """And a page does not make its run the last one."""
    monkeypatch.chdir(run.parent.parent)
    poems = Sonnets(run.parent / "sonnets", Sonnets.Settings(units=4, step=5000, epochs=1, temperatures=()))
    poems.create()
    poems.fit(verbose=0)
    for seconds, folder in ((100, run), (200, poems.folder)):
        for file in folder.iterdir():
            os.utime(file, (seconds, seconds))
    assert nnlite_command("play", run)[0] == 0
    assert [folder.name for folder in find_runs()] == ["digits", "sonnets"]
    assert nnlite_command("play")[0] == 0
    assert (poems.folder / "play.html").exists()
    os.utime(run / "model.safetensors", (300, 300))
    assert nnlite_command("play", "--seed-text", "abc")[0] == 1  # it reads digits


def test_of_a_friends_file(run, nnlite_command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert nnlite_command("play", run / "model.safetensors")[0] == 0
    assert "nnlite play · model.safetensors" in (tmp_path / "play.html").read_text(encoding="utf-8")


def test_of_a_file_without_layers(tmp_path, nnlite_command):
    nnlite.Sequential([], input_shape=(3,)).save(tmp_path / "empty.safetensors")
    code, _, error = nnlite_command("play", tmp_path / "empty.safetensors")
    assert (code, error.count("\n"), "expected one that reads images" in error) == (1, 1, True)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any bytes for a file's name")
def test_in_a_folder_whose_name_is_no_text(run, nnlite_command):
    run = run.rename(run.with_name(os.fsdecode(b"\xff")))
    assert nnlite_command("play", run)[::2] == (0, "")
    assert "nnlite play · ?" in (run / "play.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("input_shape", [(64,), (8, 8)])
def test_of_a_file_with_a_model_of_rows_of_pixels(input_shape, tmp_path, nnlite_command):
    layers = [nnlite.Reshape((64,)), nnlite.Dense(9, "relu"), nnlite.Dense(10)]
    nnlite.save_model(nnlite.Sequential(layers, input_shape=input_shape), tmp_path / "rows.safetensors")
    code, _, error = nnlite_command("play", tmp_path / "rows.safetensors", "--out", tmp_path / "rows.html")
    assert (code, error) == (0, "")


def test_of_a_file_with_a_model_of_texts_without_its_vocabulary(tmp_path, nnlite_command):
    layers = [nnlite.LSTM(3, return_sequences=True, input_dim=5), nnlite.Dense(5)]
    nnlite.save_model(nnlite.Sequential(layers, input_shape=(None,)), tmp_path / "text.safetensors")
    code, _, error = nnlite_command("play", tmp_path / "text.safetensors")
    assert code == 1
    assert "has no vocabulary" in error


def test_it_reads_no_text(run, nnlite_command):
    code, _, error = nnlite_command("play", run, "--seed-text", "shall i")
    assert code == 1
    assert "--seed-text: expected none" in error


def test_what_the_page_cannot_run_is_one_line(tmp_path, nnlite_command):
    layers = [nnlite.Conv2D(2, 3), nnlite.Reshape((6, 12)), nnlite.LSTM(3)]
    nnlite.save_model(nnlite.Sequential(layers, input_shape=(8, 8, 1)), tmp_path / "odd.safetensors")
    code, _, error = nnlite_command("play", tmp_path / "odd.safetensors", "--out", tmp_path / "odd.html")
    assert code == 1
    assert "lstm: expected a layer of images" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "odd.html").exists()
