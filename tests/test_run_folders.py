"""Run folders: only what nnlite has made is a run, and nothing outside it, or beside its files, is ever written."""

import json
import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from commands import contents
from safetensors.numpy import save_file

from nnlite.cli.runs import last_writer
from nnlite.experiment import (
    Corpus,
    ExperimentError,
    MinimalRNN,
    Sonnets,
    Sweep,
    find_runs,
    kind_of,
    new_folder,
    own_place,
)
from nnlite.experiment.folder import InUseError
from nnlite.saving import checkpoint

TINY = {"units": 4, "step": 400, "epochs": 1, "temperatures": (1.0,)}
OPTIONS = ["--units=4", "--step=400", "--epochs=1", "--temperature=1"]
FOREIGN = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": 50257}  # as hubs of models have it
SETTINGS = Sonnets.Settings(**TINY)
SHORT, OF_SHORT = Corpus("to be, or not to be\n" * 60, file="own.txt"), Sonnets.Settings(**TINY, carry=1)


def made(folder, fitted=False):
    run = Sonnets(folder, SETTINGS)
    run.create()
    if fitted:
        run.fit(verbose=0)
    return run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run that is trained; tests read it."""
    return made(tmp_path_factory.mktemp("runs") / "sonnets", fitted=True).folder


@pytest.fixture
def run(finished, tmp_path):
    return copytree(finished, tmp_path / "run")


@pytest.fixture
def hf(tmp_path):
    """A folder of another program, with names of files that ours have, too."""
    folder = tmp_path / "hf"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(FOREIGN))
    (folder / "text.txt").write_text("years of work")
    save_file({"W": np.ones(3)}, folder / "model.safetensors")
    return folder


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "thesis.txt"
    path.write_text("years of work")
    return path


# Whose folder it is.


class TestForeignFolder:
    @pytest.mark.parametrize("options", [[], ["--force"], ["--resume"], ["--resume", "--force"]])
    @pytest.mark.parametrize("command", [["train", *OPTIONS], ["minimal-rnn"], ["sweep"], ["digits"]])
    def test_no_command_touches_it(self, command, options, hf, nnlite_command):
        before = contents(hf)
        code, output, error = nnlite_command(*command, "--out", hf, *options)
        assert (code, output) == (1 + ("--resume" in options), "")
        assert ("holds no run" if "--resume" in options else "no run folder: choose another name") in error
        assert "--force" not in error
        assert contents(hf) == before

    @pytest.mark.parametrize("command", ["sample", "next", "stats"])
    def test_it_is_not_read_as_a_run(self, command, hf, nnlite_command):
        code, _, error = nnlite_command(command, hf)
        assert code == 1
        assert "another program wrote it" in error
        assert "holds no run" in error

    @pytest.mark.parametrize("command", ["sample", "next", "stats"])
    def test_it_is_not_the_last_run(self, command, hf, monkeypatch, nnlite_command):
        monkeypatch.chdir(hf.parent)
        copytree(hf, "runs/hf")
        assert find_runs() == find_runs(kind="sonnets") == []
        assert "here is no run under runs/ yet" in nnlite_command(command)[2]

    def test_resume_goes_past_it(self, hf, monkeypatch, nnlite_command, blank_pictures):
        monkeypatch.chdir(hf.parent)
        before = contents(copytree(hf, Path("runs/sonnets")))
        assert "runs/ holds no run on sonnets" in nnlite_command("train", *OPTIONS, "--resume")[2]
        assert nnlite_command("train", *OPTIONS)[0] == nnlite_command("train", *OPTIONS, "--resume")[0] == 0
        assert [path.name for path in find_runs()] == ["sonnets-2"]
        assert contents(Path("runs/sonnets")) == before

    def test_no_method_writes_into_it(self, hf):
        before = contents(hf)
        run = Sonnets(hf, SETTINGS)
        for write in (run.create, lambda: run.create(overwrite=True), run.fit, lambda: run.write("loss.png", b"")):
            with pytest.raises(ExperimentError):
                write()
        assert contents(hf) == before

    @pytest.mark.parametrize(
        "config",
        [
            {},
            [],
            FOREIGN,
            {"settings": {}, "experiment": "sonnets"},
            {"nnlite": "0.2.0", "experiment": "sonnets"},
            {"nnlite": "0.2.0", "experiment": "sonnets", "settings": []},
            {"nnlite": "0.2.0", "experiment": None, "settings": {}, "vocabulary": {}},
            {"nnlite": 2, "experiment": "sonnets", "settings": {}},
            {"nnlite": "0.1.0", "settings": {}},
        ],
    )
    def test_what_does_not_carry_our_mark_is_no_run(self, config, tmp_path):
        (tmp_path / "config.json").write_text(json.dumps(config))
        assert kind_of(tmp_path) is None
        assert not Sonnets(tmp_path).exists
        with pytest.raises(ExperimentError, match=r"holds no run|cannot read the settings"):
            Sonnets.open(tmp_path)
        with pytest.raises(ExperimentError, match="no run folder"):
            Sonnets(tmp_path, SETTINGS).create(overwrite=True)

    def test_a_run_whose_settings_are_damaged_is_left_alone(self, run, nnlite_command):
        (run / "config.json").write_bytes((run / "config.json").read_bytes()[:100])
        before = contents(run)
        assert "no run folder" in nnlite_command("train", *OPTIONS, "--out", run, "--force")[2]
        assert contents(run) == before


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("units", "6", "units: expected a whole number of at least 1, got '6'"),
        ("length", 1.5, "length: expected a whole number of at least 1, got 1.5"),
        ("epochs", True, "epochs: expected a whole number of at least 1, got True"),
        ("batch_size", 0, "batch_size: expected a whole number of at least 1, got 0"),
        ("seed", -1, "seed: expected a whole number of at least 0, got -1"),
        ("clipnorm", "a", "clipnorm: expected a finite number, got 'a'"),
        ("learning_rate", None, "learning_rate: expected a finite number, got None"),
        ("dtype", 32, "dtype: expected a text, got 32"),
        ("temperatures", [0.5, "a"], "temperatures[1]: expected a finite number, got 'a'"),
        ("temperatures", 1, "temperatures: expected a list, got 1"),
    ],
)
def test_settings_of_a_wrong_type(name, value, message, run, nnlite_command):
    config = json.loads((run / "config.json").read_text())
    config["settings"][name] = value
    (run / "config.json").write_text(json.dumps(config))
    for line in (["sample", run], ["train", "--resume", "--out", run]):
        code, _, error = nnlite_command(*line)
        assert code == 1
        assert f"cannot read the settings in {run / 'config.json'}: {message}" in error


def test_settings_that_the_text_is_too_short_for(run, nnlite_command):
    config = json.loads((run / "config.json").read_text())
    config["settings"]["length"] = 10**6
    (run / "config.json").write_text(json.dumps(config))
    code, output, error = nnlite_command("train", "--resume", "--out", run)
    assert (code, output) == (1, "")
    assert f"cannot train with the settings in {run / 'config.json'}: ids: expected at least 1000001" in error


def test_a_checkpoint_that_names_a_path_of_its_own(run, target, nnlite_command):
    """The attack of a stranger's run folder: the file there was overwritten by the next model."""
    tree = checkpoint.read(run / "checkpoint.safetensors")
    tree["run"]["callbacks"]["ModelCheckpoint"] |= {"path": str(target), "best": None}
    tree["run"]["epoch"] = 0
    checkpoint.write(run / "checkpoint.safetensors", tree)
    code, _, error = nnlite_command("train", "--resume", "--out", run)
    assert code == 1
    assert (
        "ModelCheckpoint: expected monitor, best, best_epoch and nothing else, but there is an unknown entry 'path'"
        in error
    )
    assert error.count("\n") == 1
    assert target.read_text() == "years of work"


def test_a_run_of_0_1_0_is_one(run, nnlite_command, blank_pictures):
    """It did not say which experiment it was, and had fewer settings."""
    config = json.loads((run / "config.json").read_text())
    old = {"nnlite": "0.1.0", "settings": config["settings"], "vocabulary": config["vocabulary"]}
    del old["settings"]["carry"]
    (run / "config.json").write_text(json.dumps(old))
    assert kind_of(run) == "sonnets"
    assert find_runs(run.parent, kind="sonnets") == [run]
    assert Sonnets.open(run).settings.units == 4
    assert nnlite_command("sample", run, "--length", 5)[0] == 0
    assert "holds a run already" in nnlite_command("train", *OPTIONS, "--out", run)[2]
    assert nnlite_command("train", *OPTIONS, "--out", run, "--force")[0] == 0
    assert kind_of(run) == "sonnets"


# What else is in a run folder.


def test_force_leaves_other_files_alone(run, nnlite_command, blank_pictures):
    (run / "notes.md").write_text("mine")
    (run / "text.txt").write_text("mine, too: this run learned the sonnets")
    (run / "old").mkdir()
    (run / "old" / "model.safetensors").write_text("mine")
    assert nnlite_command("train", *OPTIONS, "--out", run, "--force")[0] == 0
    assert nnlite_command("train", "--out", run, "--resume")[0] == 0
    assert (run / "notes.md").read_text() == (run / "old" / "model.safetensors").read_text() == "mine"
    assert (run / "text.txt").read_text().startswith("mine")


@pytest.mark.parametrize("name", ["model.safetensors", "checkpoint.safetensors"])
@pytest.mark.parametrize("options", [[*OPTIONS, "--force"], ["--resume"]])
def test_a_foreign_model_beside_our_settings(name, options, run, nnlite_command):
    save_file({"W": np.ones(3)}, run / name, {"format": "pt"})
    before = contents(run)
    code, _, error = nnlite_command("train", "--out", run, *options)
    assert code == 1
    assert f"{run / name} was not written by the run in this folder" in error
    assert contents(run) == before


def test_a_foreign_text_where_ours_would_go(run, tmp_path, nnlite_command):
    (tmp_path / "own.txt").write_text("to be, or not to be\n" * 60)
    (run / "text.txt").write_text("years of work")
    before = contents(run)
    error = nnlite_command("train", "--text", tmp_path / "own.txt", "--carry=1", "--out", run, "--force")[2]
    assert f"{run / 'text.txt'} was not written by the run in this folder" in error
    assert contents(run) == before


def test_a_text_of_ours_that_was_edited(tmp_path):
    Sonnets(tmp_path / "run", OF_SHORT, SHORT).create()
    (tmp_path / "run" / "text.txt").write_text("to be, and to be")
    with pytest.raises(ExperimentError, match=r"text\.txt was not written by the run"):
        Sonnets(tmp_path / "run", SETTINGS).create(overwrite=True)
    assert (tmp_path / "run" / "text.txt").read_text() == "to be, and to be"


def test_a_damaged_checkpoint_of_ours_may_be_overwritten(run):
    with open(run / "checkpoint.safetensors", "r+b") as file:
        file.truncate((run / "checkpoint.safetensors").stat().st_size - 50)
    Sonnets(run, SETTINGS).create(overwrite=True)
    assert os.listdir(run) == ["config.json"]


@pytest.mark.parametrize("name", ["config.json", "log.jsonl", "model.safetensors"])
def test_where_removing_a_run_was_interrupted_it_can_be_begun_again(name, run, monkeypatch):
    unlink = Path.unlink

    def interrupted(path, missing_ok=False):
        if path.name == name:
            raise KeyboardInterrupt
        unlink(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Sonnets(run, SETTINGS).create(overwrite=True)
    Sonnets(run, SETTINGS).create(overwrite=True)
    assert os.listdir(run) == ["config.json"]


def test_a_run_that_is_made_anew_was_never_extended(run):
    again = Sonnets.open(run)
    again.extend(3)
    assert again.earlier_epochs == [1]
    again.create(overwrite=True)
    assert again.earlier_epochs == Sonnets.open(run).earlier_epochs == []


def test_a_run_may_be_extended_to_what_it_has_trained_and_to_no_less(run):
    Sonnets.open(run).extend(1)
    with pytest.raises(ExperimentError, match="has trained 1 epochs already: expected at least as many, got 0"):
        Sonnets.open(run).extend(0)


@pytest.mark.parametrize("name", ["config.json", "log.jsonl", "checkpoint.safetensors", "model.safetensors"])
def test_the_last_run_is_the_one_that_has_written_last(name, run, tmp_path):
    other = copytree(run, tmp_path / "other")
    for file in (*run.iterdir(), *other.iterdir()):
        os.utime(file, (100, 100))
    for seconds, last in ((200, other), (300, run)):
        os.utime(last / name, (seconds, seconds))
        assert find_runs(tmp_path)[-1] == last


def test_without_a_folder_the_last_run_of_the_kind_is_resumed(finished, tmp_path, monkeypatch, nnlite_command):
    monkeypatch.chdir(tmp_path)
    for seconds, name in ((100, "runs/first"), (200, "runs/last")):
        for file in copytree(finished, Path(name)).iterdir():
            os.utime(file, (seconds, seconds))
    MinimalRNN(Path("runs/other")).create()
    with Sonnets.open("runs/last").alone():
        assert f"the run in {Path('runs/last')} is running" in nnlite_command("train", "--resume")[2]
    Sweep(Path("runs/sweep"), Sweep.Settings(units=(4,), sgd=())).create()
    assert last_writer() == Path("runs/other"), "the last whose model writes"


def test_a_run_is_one_when_its_text_is_there(tmp_path, monkeypatch):
    run = Sonnets(tmp_path / "run", OF_SHORT, SHORT)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "_put", killed)
    with pytest.raises(KeyboardInterrupt):
        run.create()
    monkeypatch.undo()
    put, names = run._put, []
    monkeypatch.setattr(run, "_put", lambda name, data: (names.append(name), put(name, data)))
    run.create()
    assert names == ["text.txt", "config.json"]  # one that is killed between the two can be begun again


def test_the_name_of_a_text_is_no_path(tmp_path):
    Sonnets(tmp_path / "run", OF_SHORT, SHORT).create()
    config = tmp_path / "run" / "config.json"
    config.write_text(config.read_text().replace('"own.txt"', '"../elsewhere/\\udcff.txt"'))
    assert Sonnets.open(tmp_path / "run").corpus.file == "\N{REPLACEMENT CHARACTER}.txt"


def test_a_folder_is_kept_from_others_each_time(tmp_path):
    run, other = (Sonnets(tmp_path / "run", SETTINGS) for _ in range(2))
    run.create()
    for _ in range(2):
        with run.alone(), pytest.raises(InUseError, match="another process trains there"):
            other.extend(2)
    other.extend(2)


@pytest.mark.parametrize("option", [[], ["--resume"], ["--force"]], ids=["anew", "resumed", "overwritten"])
def test_no_command_trains_where_another_does(option, run, nnlite_command):
    before = contents(run)
    with Sonnets.open(run).alone():
        code, output, error = nnlite_command("train", *option, "--out", run)
    assert (code, output) == (1, "")
    assert error.startswith(f"nnlite: the run in {run} is running, another process trains there: wait until")
    assert contents(run) == before


def test_a_free_name_that_another_training_has_just_taken_is_passed_over(tmp_path, monkeypatch, nnlite_command):
    def stop(*_, **__):
        raise KeyboardInterrupt

    text, names = tmp_path / "own.txt", iter([tmp_path / "taken", tmp_path / "free"])
    text.write_text(SHORT.text)
    monkeypatch.setattr("nnlite.cli.runs.new_folder", lambda name: next(names))
    monkeypatch.setattr(Sonnets, "fit", stop)
    with Sonnets(tmp_path / "taken", OF_SHORT, SHORT).alone():
        code, output, _ = nnlite_command("train", *OPTIONS, "--carry=1", "--text", text)
    assert code == 130
    assert f"Stopped. {tmp_path / 'free'} keeps only the settings" in output


def test_a_folder_with_the_name_of_the_text_is_left_alone(tmp_path):
    (tmp_path / "run" / "text.txt").mkdir(parents=True)
    with pytest.raises(ExperimentError, match="exists and is no run folder: choose another name"):
        Sonnets(tmp_path / "run", OF_SHORT, SHORT).create()
    assert os.listdir(tmp_path / "run") == ["text.txt"]


def test_the_mark_of_a_checkpoint(tmp_path, finished):
    assert checkpoint.is_ours(finished / "model.safetensors")
    save_file({"W": np.ones(3)}, tmp_path / "other")
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text('{"nnlite": ""}')
    for name in ("other", "empty", "text", "none", "."):
        assert not checkpoint.is_ours(tmp_path / name)


# Links, pipes and folders in the places of files.

NAMES = [*Sonnets.FILES]
posix = pytest.mark.skipif(os.name == "nt", reason="Windows makes links and pipes in another way")


@posix
class TestLinks:
    def refused(self, folder, message, nnlite_command, target):
        for options in ([*OPTIONS, "--force"], ["--resume"]):
            before = {path.name for path in folder.iterdir()}
            code, _, error = nnlite_command("train", "--out", folder, *options)
            assert code == 1
            assert message in error
            assert error.count("\n") == 1
            assert {path.name for path in folder.iterdir()} == before
        with pytest.raises(ExperimentError, match=message):
            Sonnets(folder, SETTINGS).fit(verbose=0)
        assert target.read_text() == "years of work"

    @pytest.mark.parametrize("name", [name for name in NAMES if name not in ("config.json", "text.txt")])
    def test_a_link_is_not_followed(self, name, run, target, nnlite_command):
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(target)
        self.refused(run, "is a symbolic link", nnlite_command, target)
        with pytest.raises(ExperimentError, match="is a symbolic link"):
            Sonnets.open(run).write(name, b"")
        assert target.read_text() == "years of work"

    @pytest.mark.parametrize("name", ["loss.png", "log.jsonl", "checkpoint.safetensors"])
    def test_nor_one_that_leads_nowhere_yet(self, name, run, target, nnlite_command):
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to(run.parent / "new.txt")
        self.refused(run, "is a symbolic link", nnlite_command, target)
        assert not (run.parent / "new.txt").exists()

    def test_nor_that_of_the_settings(self, run, target, nnlite_command):
        (run / "config.json").rename(run.parent / "settings.json")
        (run / "config.json").symlink_to(run.parent / "settings.json")
        before = (run.parent / "settings.json").read_bytes()
        self.refused(run, "is a symbolic link", nnlite_command, target)
        assert (run.parent / "settings.json").read_bytes() == before

    def test_nor_that_of_the_text(self, tmp_path, target):
        run = Sonnets(tmp_path / "run", OF_SHORT, SHORT)
        run.create()
        (run.folder / "text.txt").rename(tmp_path / "elsewhere")
        (run.folder / "text.txt").symlink_to(tmp_path / "elsewhere")
        for write in (run.fit, lambda: run.create(overwrite=True)):
            with pytest.raises(ExperimentError, match="is a symbolic link"):
                write()
        (run.folder / "config.json").unlink()  # as if it had been killed
        with pytest.raises(ExperimentError, match="is a symbolic link"):
            run.create()
        assert (tmp_path / "elsewhere").read_text() == SHORT.text

    def test_reading_follows_links(self, run, tmp_path, nnlite_command):
        (run / "model.safetensors").rename(tmp_path / "large-disk")
        (run / "model.safetensors").symlink_to(tmp_path / "large-disk")
        assert nnlite_command("sample", run, "--length", 5)[0] == 0

    def test_the_folder_itself_may_be_a_link(self, tmp_path, nnlite_command, blank_pictures):
        (tmp_path / "large-disk").mkdir()
        (tmp_path / "run").symlink_to(tmp_path / "large-disk")
        for options in ([], ["--resume"], ["--force"]):
            assert nnlite_command("train", *OPTIONS, "--out", tmp_path / "run", *options)[0] == 0
        assert kind_of(tmp_path / "large-disk") == "sonnets"
        assert (tmp_path / "run").is_symlink()

    @pytest.mark.parametrize("name", ["loss.png", "log.jsonl", "poems.txt", "report.html"])
    def test_a_pipe_is_not_waited_for(self, name, run, target, nnlite_command):
        (run / name).unlink(missing_ok=True)
        os.mkfifo(run / name)
        self.refused(run, "is a pipe or a device", nnlite_command, target)

    @pytest.mark.parametrize("name", ["loss.png", "log.jsonl", "model.safetensors"])
    def test_a_folder_is_not_removed(self, name, run, target, nnlite_command):
        (run / name).unlink(missing_ok=True)
        (run / name).mkdir()
        (run / name / "notes.txt").write_text("mine")
        self.refused(run, "is a folder", nnlite_command, target)
        assert (run / name / "notes.txt").read_text() == "mine"

    @pytest.mark.parametrize("place", ["config.json", "text.txt"])
    def test_pipes_where_a_run_is_looked_for(self, place, tmp_path):
        folder = tmp_path / "runs" / "run"
        Sonnets(folder, OF_SHORT, SHORT).create()
        (folder / place).unlink()
        os.mkfifo(folder / place)
        script = "from nnlite.experiment import *; find_runs(); Sonnets.open('runs/run')"
        result = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert "ExperimentError" in result.stderr
        with pytest.raises(ExperimentError):
            Sonnets(folder, OF_SHORT, SHORT).create()

    def test_a_link_that_leads_nowhere_disturbs_no_search(self, tmp_path):
        runs = [made(tmp_path / name).folder for name in ("a", "b")]
        (runs[1] / "notes").symlink_to("nowhere")
        (tmp_path / "sonnets").symlink_to("nowhere")
        assert sorted(find_runs(tmp_path)) == runs
        assert new_folder("sonnets", tmp_path).name == "sonnets-2"

    def test_pictures_of_stats(self, run, target, tmp_path, nnlite_command, blank_pictures):
        arguments = "stats", run, "--length", 50, "--temperature", 1
        (tmp_path / "pictures").mkdir()
        (run / "stats").symlink_to(tmp_path / "pictures")
        assert "is a symbolic link" in nnlite_command(*arguments)[2]
        assert os.listdir(tmp_path / "pictures") == []
        (run / "stats").unlink()
        for name in ("corpus-characters.png", "temperature-1-lines.png"):
            assert nnlite_command(*arguments)[0] == 0
            (run / "stats" / name).unlink(missing_ok=True)
            (run / "stats" / name).symlink_to(target)
            assert "is a symbolic link" in nnlite_command(*arguments)[2]
            assert target.read_text() == "years of work"
            (run / "stats" / name).unlink()

    @pytest.mark.parametrize("settings", [Sweep.Settings(units=(6,), sgd=(), iterations=100), None])
    def test_a_link_to_another_run_in_a_sweep(self, settings, tmp_path):
        settings = Sweep.Settings(units=(6,), sgd=(), iterations=100)
        mine = MinimalRNN(tmp_path / "mine", MinimalRNN.Settings(units=6, iterations=100))
        mine.create()
        before = contents(mine.folder)
        sweep = Sweep(tmp_path / "sweep", settings)
        sweep.create()
        sweep.runs[0].folder.symlink_to(mine.folder)
        for write in (lambda: list(sweep.fit(jobs=1)), lambda: sweep.create(overwrite=True)):
            with pytest.raises(ExperimentError, match="is a symbolic link"):
                write()
        (tmp_path / "sweep" / "another").symlink_to(mine.folder)
        sweep.runs[0].folder.unlink()
        sweep.create(overwrite=True)
        assert contents(mine.folder) == before


def test_force_removes_the_runs_of_the_sweep_alone(tmp_path):
    sweep = Sweep(tmp_path / "sweep", Sweep.Settings(units=(6,), sgd=(), iterations=100))
    sweep.create()
    mine = MinimalRNN(tmp_path / "sweep" / "mine", MinimalRNN.Settings(units=6, iterations=100))
    for run in (mine, sweep.runs[0]):
        run.create()
    sweep.create(overwrite=True)
    assert mine.exists
    assert not sweep.runs[0].folder.exists()


def test_a_free_place_is_ones_own(tmp_path):
    assert own_place(tmp_path / "a") == tmp_path / "a"


# Paths are paths.


@pytest.mark.parametrize(
    "name", ["e{epoch}", "{loss}/{0}", "a{", "}b {{c}}", "[bold] :smile:", "ünï %s $HOME 'x' \"y\""]
)
def test_any_name_of_a_folder(name, tmp_path, nnlite_command, blank_pictures):
    folder = tmp_path / name / "run"
    code, output, error = nnlite_command("train", *OPTIONS, "--out", folder)
    assert (code, error) == (0, "")
    assert f"Written to {folder}:" in output
    assert {"model.safetensors", "checkpoint.safetensors", "log.jsonl"} <= {path.name for path in folder.iterdir()}
    code, output, _ = nnlite_command("train", "--out", folder, "--resume")
    assert code == 0
    assert f"{folder} is finished: " in output
    run = MinimalRNN(tmp_path / name / "rnn", MinimalRNN.Settings(units=4, iterations=20))
    run.create()
    run.fit(verbose=0)
    assert run.saved_model()
