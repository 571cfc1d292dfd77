"""`--resume`, `--force` and Ctrl-C on the command line: what is said, and what is kept."""

import json
import os
from pathlib import Path
from shutil import copytree

import pytest
from commands import contents

import nnlite
from nnlite.experiment import Digits, MinimalRNN, Sonnets, folder
from nnlite.experiment.sonnets import FreshStarts

TINY = ["--units=6", "--step=100", "--batch-size=16", "--temperature=1", "--schedule=constant"]
RESULTS = "model.safetensors", "checkpoint.safetensors", "log.jsonl", "poems.txt", "loss.png"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A finished run of two epochs; tests read it."""
    run = Sonnets(
        tmp_path_factory.mktemp("tiny") / "sonnets",
        Sonnets.Settings(units=6, step=100, batch_size=16, epochs=2, temperatures=(1.0,), schedule="constant"),
    )
    run.create()
    history = run.fit(verbose=0).history
    run.draw(history)
    run.write_poems(run.outcome(history).model)
    return run.folder


class TestNothingToResume:
    @pytest.mark.parametrize("command", ["train", "minimal-rnn", "digits", "sweep"])
    def test_an_empty_folder(self, command, tmp_path, nnlite_command):
        (tmp_path / "run").mkdir()
        code, output, error = nnlite_command(command, "--resume", "--out", tmp_path / "run")
        assert (code, output) == (2, "")
        assert "run holds no run: name the folder of the run to resume by --out, or leave out --resume" in error
        assert not [*(tmp_path / "run").iterdir()]

    def test_a_folder_that_does_not_exist(self, tmp_path, nnlite_command):
        code, output, error = nnlite_command("train", *TINY, "--resume", "--out", tmp_path / "sonets")
        assert (code, output) == (2, "")
        error = " ".join(error.split())
        assert "sonets does not exist: name the folder of the run to resume by --out, or leave out --resume" in error
        assert not (tmp_path / "sonets").exists()

    def test_no_run_at_all(self, tmp_path, monkeypatch, nnlite_command):
        monkeypatch.chdir(tmp_path)
        code, output, error = nnlite_command("train", *TINY, "--resume")
        assert (code, output) == (2, "")
        assert "runs/ holds no run on sonnets: name the folder of the run to resume by --out" in " ".join(error.split())
        assert not [*tmp_path.iterdir()]


class TestFinished:
    def test_says_so(self, tiny, tmp_path, nnlite_command, blank_pictures):
        run = copytree(tiny, tmp_path / "run")
        code, output, _ = nnlite_command("train", "--resume", "--out", run)
        assert code == 0
        assert output.startswith(f"{run} is finished: nothing is left to train.")
        assert f"train --resume --out {run} --epochs 4" in output

    @pytest.mark.parametrize(
        ("of", "units", "metrics"), [(Sonnets, 7, []), (Sonnets, 6, ["accuracy"]), (Digits, None, [])]
    )
    def test_with_the_model_of_another_run(self, of, units, metrics, tiny, tmp_path, nnlite_command):
        run = copytree(tiny, tmp_path / "run")
        other = of(run, of.Settings(units=units) if units else None).model()
        other.compile(other.optimizer, other.loss, metrics)
        other.save(run / "model.safetensors")
        code, _, error = nnlite_command("train", "--resume", "--out", run)
        assert (code, error.count("\n")) == (1, 1)
        assert error.startswith(f"nnlite: {run / 'model.safetensors'}: expected the model of this run, Sequential([")

    def test_without_a_name_it_is_the_run_that_was_trained_last(self, tiny, tmp_path, monkeypatch, nnlite_command):
        monkeypatch.chdir(tmp_path)
        for name, when in (("a", 1), ("b", 3), ("c", 2)):
            for file in copytree(tiny, Path("runs", name)).iterdir():
                os.utime(file, (when, when))
        assert nnlite_command("train", "--resume")[1].startswith("runs/b is finished: nothing is left to train.")

    def test_the_minimal_recipe(self, tmp_path, nnlite_command, blank_pictures):
        arguments = "minimal-rnn", "--out", tmp_path / "run"
        assert "is finished" not in nnlite_command(*arguments, "--units=4", "--iterations=120")[1]
        output = nnlite_command(*arguments, "--resume")[1]
        assert "run is finished: nothing is left to train." in output
        assert f"minimal-rnn --resume --out {tmp_path / 'run'} --iterations 240" in output

    def test_a_sweep(self, tmp_path, nnlite_command, blank_pictures):
        arguments = "sweep", "--units=4", "--sgd=0.01", "--iterations=100", "--out", tmp_path / "run"
        assert "is finished" not in nnlite_command(*arguments)[1]
        assert "run is finished: nothing is left to train." in nnlite_command(*arguments, "--resume")[1]


class TestMoreEpochs:
    def test_ends_as_one_that_was_started_with_them(self, tiny, tmp_path, nnlite_command):
        run = copytree(tiny, tmp_path / "run")
        code, output, _ = nnlite_command("train", "--resume", "--epochs", 4, "--out", run)
        assert code == 0
        assert output.startswith(f"Resuming {run}, with 4 epochs instead of 2.\n")
        assert "different weights" not in output
        assert nnlite_command("train", *TINY, "--epochs=4", "--out", tmp_path / "straight")[0] == 0
        extended, straight = contents(run), contents(tmp_path / "straight")
        for name in RESULTS:
            assert extended[name] == straight[name], name
        assert json.loads(extended["config.json"])["settings"] == json.loads(straight["config.json"])["settings"]
        assert nnlite_command("train", "--resume", "--out", run)[1].startswith(f"{run} is finished")

    @pytest.mark.parametrize(("first", "then"), [(50, 130), (64, 130), (1000, 1001)])
    def test_of_the_minimal_recipe(self, first, then, tmp_path, nnlite_command, blank_pictures):
        """Within the first pass through the text, from one pass to another, and from a sample on."""
        text = tmp_path / "text.txt"
        text.write_text("to be, or not to be: that is the question. " * 12, encoding="utf-8")
        line = "minimal-rnn", "--units=4", "--length=8", "--text", text, "--out"
        run, straight = tmp_path / "run", tmp_path / "straight"
        assert nnlite_command(*line, run, "--iterations", first)[0] == 0
        assert len(MinimalRNN.open(run).data()[0]) == 64
        done = contents(run)
        assert nnlite_command("minimal-rnn", "--resume", "--out", run)[0] == 0
        assert contents(run) == done
        code, output, _ = nnlite_command("minimal-rnn", "--resume", "--iterations", then, "--out", run)
        assert code == 0
        assert output.startswith(f"Resuming {run}, with {then} iterations instead of {first}.\n")
        assert "different weights" not in output
        assert nnlite_command(*line, straight, "--iterations", then)[0] == 0
        for name, content in contents(straight).items():
            if name != "config.json":
                assert contents(run)[name] == content, name
        code, _, error = nnlite_command("minimal-rnn", "--resume", "--iterations", first, "--out", run)
        assert code == 1
        assert f"has trained {then} iterations already: expected at least as many, got {first}" in error

    def test_a_schedule_of_the_whole_training_goes_on_anew(self, tmp_path, nnlite_command, blank_pictures):
        """And it says that the result is another."""
        line = "digits", "--filters=2", "--out", tmp_path / "run"
        assert nnlite_command(*line, "--epochs=1")[0] == 0
        code, output, _ = nnlite_command(*line, "--resume", "--epochs=2")
        assert code == 0
        assert "so far as for 1 epochs, from here on as for 2." in output
        assert "A run that is started with --epochs 2 ends with somewhat different weights." in output
        log = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
        assert [record["epoch"] for record in log] == [1, 2]
        steps = log[-1]["step"]
        assert log[-1]["learning_rate"] == nnlite.CosineDecay(0.005, steps)(steps - 1)
        run = Digits.open(tmp_path / "run")
        assert (run.settings.epochs, run.earlier_epochs) == (2, [1])

    def test_not_fewer_than_are_trained(self, tiny, tmp_path, nnlite_command):
        run = copytree(tiny, tmp_path / "run")
        before = contents(run)
        code, _, error = nnlite_command("train", "--resume", "--epochs", 1, "--out", run)
        assert code == 1
        assert "has trained 2 epochs already: expected at least as many, got 1" in error
        assert contents(run) == before

    def test_without_extending_another_schedule_is_refused(self, tiny, tmp_path):
        run = copytree(tiny, tmp_path / "run")
        settings = Sonnets.open(run).settings
        other = Sonnets(run, Sonnets.Settings(**{**vars(settings), "schedule": "cosine", "epochs": 4}))
        with pytest.raises(nnlite.CheckpointError, match=r"schedule|learning_rate"):
            other.fit(verbose=0)

    @pytest.mark.parametrize("earlier", ['["2"]', "[-1]", "3"])
    def test_damaged_settings(self, earlier, tiny, tmp_path, nnlite_command):
        run = copytree(tiny, tmp_path / "run")
        config = (run / "config.json").read_text()
        (run / "config.json").write_text(config.replace('{\n  "nnlite"', f'{{"earlier_epochs": {earlier}, "nnlite"', 1))
        code, _, error = nnlite_command("train", "--resume", "--out", run)
        assert code == 1
        assert "cannot read the settings" in error
        assert "earlier_epochs" in error


class TestCtrlC:
    def stop(self, monkeypatch, at):
        """As if Ctrl-C were pressed at a batch of the first epoch."""
        usual = FreshStarts.on_train_batch_begin

        def on_train_batch_begin(self, batch, logs):
            if batch == at:
                raise KeyboardInterrupt
            usual(self, batch, logs)

        monkeypatch.setattr(FreshStarts, "on_train_batch_begin", on_train_batch_begin)

    def test_in_the_first_epoch(self, tiny, tmp_path, monkeypatch, nnlite_command):
        run = tmp_path / "run"
        with monkeypatch.context() as patch:
            patch.setattr(folder, "SAVE_SECONDS", 0.0)
            patch.setattr("nnlite.callbacks.backup_and_restore.time.monotonic", lambda: 0.0)  # saving takes no time
            self.stop(patch, at=21)
            code, output, _ = nnlite_command("train", *TINY, "--epochs=2", "--out", run)
        assert code == 130
        assert "keeps what was learned up to batch 21 of epoch 1. To resume:" in output
        assert not (run / "model.safetensors").exists()
        code, poem, _ = nnlite_command("sample", run, "--length", 20)  # what was learned can be used
        assert code == 0
        assert poem.startswith("shall i compare")
        code, output, _ = nnlite_command("train", "--resume", "--out", run)
        assert code == 0
        assert "resumed in epoch 1 after 21 of 52 batches" in output
        for name in RESULTS:
            assert (run / name).read_bytes() == (tiny / name).read_bytes(), name

    def test_before_anything_is_kept(self, tmp_path, monkeypatch, nnlite_command):
        self.stop(monkeypatch, at=0)
        code, output, _ = nnlite_command("train", *TINY, "--out", tmp_path / "run")
        assert code == 130
        assert "keeps only the settings: it is saved every 2 seconds, and after each epoch. To resume:" in output

    def test_while_a_class_is_made(self, tmp_path, monkeypatch, nnlite_command):
        class Interrupted:
            def __set_name__(self, owner, name):
                raise KeyboardInterrupt

        # Python raises a RuntimeError from it, or hands it on, from 3.12 on.
        monkeypatch.setattr(FreshStarts, "on_train_batch_begin", lambda *_: type("Made", (), {"name": Interrupted()}))
        assert nnlite_command("train", *TINY, "--out", tmp_path / "run")[::2] == (130, "")


def test_force_needs_a_folder(tmp_path, monkeypatch, nnlite_command):
    monkeypatch.chdir(tmp_path)
    for line in ("train", "digits", "minimal-rnn", "sweep"):
        code, _, error = nnlite_command(line, "--force")
        assert code == 2
        assert "it overwrites the run in a folder that is named: add --out FOLDER, such as --out runs/" in error
    assert list(tmp_path.iterdir()) == []
