"""The command `nnlite`, as it is typed: what it writes, what it says, and what it says when it cannot."""

import dataclasses
import html
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from commands import COMMAND, contents, resume, start

import nnlite
from nnlite.cli.runs import console
from nnlite.experiment import Sonnets, find_runs
from nnlite.experiment.corpus import SEED_TEXT
from nnlite.experiment.sonnets import Settings
from nnlite.text import TemperatureSample, clean_sonnets, landmarks, load_sonnets, split_poems, text_statistics

TINY = ["--units=6", "--step=100", "--batch-size=16", "--epochs=3", "--temperature=0.5", "--temperature=1"]
FILES = {
    "checkpoint.safetensors", "config.json", "log.jsonl", "loss.png", "model.safetensors", "poems.txt", "report.html",
}  # fmt: skip


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A finished run, the first in a folder; tests read it."""
    here = tmp_path_factory.mktemp("tiny")
    result = subprocess.run([*COMMAND, "train", *TINY], cwd=here, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return here / "runs/sonnets", result.stdout


class TestTrain:
    def test_writes_a_run_folder(self, tiny):
        folder, _ = tiny
        assert {path.name for path in folder.iterdir()} == FILES
        config = json.loads((folder / "config.json").read_text())
        assert config["nnlite"] == nnlite.__version__
        tiny = {"units": 6, "step": 100, "batch_size": 16, "epochs": 3, "temperatures": [0.5, 1.0]}
        assert config["settings"] == dataclasses.asdict(Settings()) | tiny
        log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        assert [record["epoch"] for record in log] == [1, 2, 3]
        assert (folder / "loss.png").read_bytes().startswith(b"\x89PNG")

    def test_keeps_the_best_model(self, tiny):
        run = Sonnets.open(tiny[0])
        _, (x, y) = run.data()
        log = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
        assert run.saved_model().evaluate(x, y, batch_size=16) == min(record["val_loss"] for record in log)

    def test_prints_the_poems_and_where_things_are(self, tiny):
        folder, output = tiny
        for text in ("landmarks: uniform 3.638", "epoch 3/3", "temperature 0.5", "Written to runs/sonnets:", *FILES):
            assert text in output
        poems = [
            poem.partition("\n\n")[2] for poem in ("\n" + (folder / "poems.txt").read_text()).split("\ntemperature")
        ]
        for poem in poems[1:]:
            assert poem.startswith(SEED_TEXT)
            assert poem.strip() in output

    def test_the_report_shows_the_poems(self, tiny):
        folder, output = tiny
        page = (folder / "report.html").read_text()
        assert (folder / "report.html").resolve().as_uri() in output
        assert "Shakespeare&#39;s sonnets" in page
        assert "carried through 16 windows of 40 characters" in page
        assert page.count("<svg") == 4  # curves, characters at two temperatures, lines
        for line in (folder / "poems.txt").read_text().splitlines()[3:6]:
            assert html.escape(line, quote=False).replace("'", "&#39;") in page

    def test_never_overwrites_by_itself(self, tiny, tmp_path, monkeypatch, nnlite_command):
        monkeypatch.chdir(tmp_path)
        copytree(tiny[0], Path("runs/sonnets"))
        code, output, _ = nnlite_command("train", *TINY)
        assert code == 0
        assert "Written to runs/sonnets-2:" in output
        assert [path.name for path in find_runs()] == ["sonnets", "sonnets-2"]
        first, second = contents(Path("runs/sonnets")), contents(Path("runs/sonnets-2"))
        second["report.html"] = second["report.html"].replace(b"sonnets-2", b"sonnets")
        assert sorted(first) == sorted(second)
        assert [name for name in first if first[name] != second[name]] == []
        before = contents(Path("runs/sonnets"))
        code, _, error = nnlite_command("train", "--out", "runs/sonnets")
        assert code == 2
        assert "runs/sonnets holds a run already" in error
        assert "--resume" in error
        assert "--force" in error
        assert contents(Path("runs/sonnets")) == before

    def test_force_starts_afresh(self, tmp_path, nnlite_command, blank_pictures):
        folder = tmp_path / "run"
        models = set()
        for seed in (1, 2):
            assert nnlite_command("train", *TINY, "--epochs", 1, "--seed", seed, "--out", folder, "--force")[0] == 0
            models.add((folder / "model.safetensors").read_bytes())
        assert len(models) == 2  # it did not go on with what the first had learned
        assert Sonnets.open(folder).settings.seed == 2
        assert len((folder / "log.jsonl").read_text().splitlines()) == 1

    def test_force_spares_what_is_no_run(self, tmp_path, nnlite_command):
        (tmp_path / "thesis.txt").write_text("years of work")
        code, _, error = nnlite_command("train", *TINY, "--out", tmp_path, "--force")
        assert code == 1
        assert "no run folder" in error
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]

    def test_every_setting_is_an_option(self, nnlite_command, monkeypatch):
        monkeypatch.setenv("COLUMNS", "200")
        code, text, _ = nnlite_command("train", "--help")
        assert code == 0
        for field in dataclasses.fields(Settings):
            name = "temperature" if field.name == "temperatures" else field.name
            assert f"--{name.replace('_', '-')}" in text
        for default in ("200", "0.5", "16", "0.01", "cosine", "adam", "0.25, 0.75, 1.5"):
            assert f"[default: {default}]" in text

    @pytest.mark.parametrize("schedule", ["constant", "step", "warm-up"])
    def test_schedules(self, schedule, tmp_path, nnlite_command, blank_pictures):
        arguments = "--schedule", schedule, "--optimizer", "adamw", "--dropout", 0, "--layers", 2, "--clipnorm", 0
        arguments = *arguments, "--carry", 1, "--dtype", "float64"
        code, output, _ = nnlite_command("train", *TINY, *arguments, "--out", tmp_path / "run")
        assert (code, "carried" in output) == (0, False)
        log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
        rates = [record["learning_rate"] for record in log]
        assert rates[-1] <= rates[0] <= 0.01
        assert log[-1]["val_loss"] < log[0]["val_loss"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
class TestResume:
    # A state of the run folder, and so a moment. One process after the other is killed at these.
    MOMENTS = (
        "nothing yet", "config.json", "log.jsonl", "model.safetensors", "checkpoint.safetensors", "second epoch",
        "loss.png", "poems.txt", "report.html",
    )  # fmt: skip

    def reached(self, moment, folder):
        if moment == "nothing yet":
            return True
        if moment == "second epoch":
            log = folder / "log.jsonl"
            return log.exists() and log.read_bytes().count(b"\n") >= 2
        return (folder / moment).exists()

    def start(self, folder, *arguments):
        return start("train", *arguments, "--out", folder)

    def wait_for(self, moment, folder, process):
        while not self.reached(moment, folder) and process.poll() is None:
            time.sleep(0.0005)

    @pytest.mark.parametrize("moments", [MOMENTS[::3], pytest.param(MOMENTS, marks=pytest.mark.long)])
    def test_killed_at_any_moment(self, tiny, tmp_path, moments):
        folder = tmp_path / "sonnets"  # as that of the other: the report names it
        folder.mkdir()
        for moment in moments:
            process = self.start(folder, *TINY, *resume(folder), "--threads", "1")
            self.wait_for(moment, folder, process)
            process.kill()
            process.communicate(timeout=60)
            assert process.returncode in (-signal.SIGKILL, 0)
        process = self.start(folder, *(resume(folder) or TINY))
        _, error = process.communicate(timeout=60)
        assert process.returncode == 0, error
        assert contents(folder) == contents(tiny[0])

    def test_interrupted(self, tiny, tmp_path, nnlite_command):
        folder = tmp_path / "sonnets"
        process = self.start(folder, *TINY)
        self.wait_for("checkpoint.safetensors", folder, process)
        process.send_signal(signal.SIGINT)
        output, error = process.communicate(timeout=60)
        assert process.returncode == 130
        assert f"train --resume --out {folder}" in output
        assert error == ""
        _, output, _ = nnlite_command("train", "--resume", "--out", folder)
        assert "resumed in epoch" in output
        assert contents(folder) == contents(tiny[0])

    def test_a_finished_run_stays_as_it_is(self, tiny, nnlite_command):
        before = contents(tiny[0])
        code, output, _ = nnlite_command("train", "--resume", "--out", tiny[0])
        assert code == 0
        assert "temperature 0.5" in output
        assert contents(tiny[0]) == before

    def test_options_may_not_contradict_the_run(self, tiny, nnlite_command):
        code, _, error = nnlite_command("train", "--resume", "--out", tiny[0], "--learning-rate", 0.5)
        assert code == 2
        assert "--learning-rate" in error
        assert "was started with 0.01, got 0.5" in error

    def test_damaged_checkpoint(self, tiny, tmp_path, nnlite_command):
        damaged = copytree(tiny[0], tmp_path / "run")
        with open(damaged / "checkpoint.safetensors", "r+b") as file:
            file.seek(-5, os.SEEK_END)
            file.write(b"\x55")
        code, _, error = nnlite_command("train", "--resume", "--out", damaged)
        assert code == 1
        assert "checksum" in error
        assert error.count("\n") == 1


class TestSample:
    def test_same_seed_same_poem(self, tiny, nnlite_command):
        arguments = "sample", tiny[0], "--length", 80, "--seed-text", r"my love\n", "--seed"
        code, poem, _ = nnlite_command(*arguments, 3)
        assert code == 0
        assert poem.startswith("my love\n")
        assert len(poem) == len("my love\n") + 80 + 1
        assert nnlite_command(*arguments, 3)[1] == poem
        assert nnlite_command(*arguments, 4)[1] != poem

    def test_what_is_left_out_is_as_the_help_says(self, tiny, nnlite_command):
        explicit = "--length", 600, "--temperature", 0.75, "--seed-text", SEED_TEXT
        assert nnlite_command("sample", tiny[0], "--seed", 3) == nnlite_command(
            "sample", tiny[0], "--seed", 3, *explicit
        )

    def test_repeats_the_poems_of_the_run(self, tiny, nnlite_command):
        code, output, _ = nnlite_command("sample", tiny[0], "--seed", 0, "--temperature", 0.5, "--temperature", 1)
        assert code == 0
        for poem in (tiny[0] / "poems.txt").read_text().split("temperature")[1:]:
            assert poem.partition("\n\n")[2].strip() in output

    def test_takes_the_last_run(self, tiny, tmp_path, monkeypatch, nnlite_command):
        monkeypatch.chdir(tmp_path)
        code, poem, error = nnlite_command("sample", "--length", 5)
        assert code == 0
        assert poem.startswith(SEED_TEXT)
        assert "There is no run under runs/ yet: this is the small model that nnlite ships with." in error
        copytree(tiny[0], Path("runs/mine"))
        assert nnlite_command("sample", "--length", 5)[::2] == (0, "The run is runs/mine.\n")
        assert nnlite_command("sample", "runs/mine", "--length", 5)[::2] == (0, "")  # no need to say

    def test_brackets_are_no_markup(self, tiny, nnlite_command):
        code, output, _ = nnlite_command("sample", tiny[0], "--seed-text", "[bold]my love", "--length", 0)
        assert (code, output) == (0, "[bold]my love\n")

    def test_several_poems_have_their_entropy(self, tiny, nnlite_command):
        arguments = "sample", tiny[0], "--seed", 0, "--length", 100, "--temperature", 1.5, "--temperature", 0
        code, output, _ = nnlite_command(*arguments)
        assert code == 0
        warm, cold = re.findall(r"temperature (\S+), entropy (\S+) nats per character", output)
        assert (warm[0], cold) == ("1.5", ("0", "0.00"))
        assert 0 < float(warm[1]) <= landmarks(clean_sonnets()).uniform + 0.005

    def test_stand_side_by_side_where_there_is_room(self, tiny, nnlite_command, monkeypatch):
        arguments = "sample", tiny[0], "--seed", 0, "--length", 100, "--temperature", 1.5, "--temperature", 0.25
        _, below, _ = nnlite_command(*arguments)
        assert not re.search("temperature 1.5.*temperature 0.25", below)
        monkeypatch.setattr(console, "width", 120)
        code, beside, _ = nnlite_command(*arguments)
        assert code == 0
        assert re.search("temperature 1.5  .*temperature 0.25", beside)
        assert re.search(r"entropy \S+ nats per character  .*entropy \S+ nats per character", beside)
        assert re.search(f"^{SEED_TEXT[:-1]}  .*{SEED_TEXT[:-1]}".replace("?", r"\?"), beside, re.M)
        assert max(map(len, beside.splitlines())) <= 120

    def test_the_likeliest_alone(self, tiny, nnlite_command):
        arguments = "sample", tiny[0], "--seed", 0, "--length", 50, "--temperature"
        greedy = nnlite_command(*arguments, 0)
        assert nnlite_command(*arguments, 1.5, "--top-k", 1) == greedy
        assert nnlite_command(*arguments, 1.5, "--top-p", 0.0001) == greedy
        assert nnlite_command(*arguments, 1.5, "--top-k", 38, "--top-p", 1) == nnlite_command(*arguments, 1.5)
        _, both, _ = nnlite_command(*arguments, 1.5, "--temperature", 0)
        for alone in (["--top-k", 1], ["--top-p", 0.0001]):
            _, output, _ = nnlite_command(*arguments, 1.5, "--temperature", 1, *alone)
            assert output.count(greedy[1].strip()) == 2
        assert both.count(greedy[1].strip()) == 1

    def test_any_seed_text(self, tiny, nnlite_command):
        code, poem, _ = nnlite_command("sample", tiny[0], "--seed-text", "", "--length", 5)
        assert (code, len(poem)) == (0, 6)
        code, poem, _ = nnlite_command("sample", tiny[0], "--seed-text", "My Lóve", "--unknown", "skip", "--length", 5)
        assert code == 0
        assert poem.startswith("y ve")

    def test_reader_that_leaves(self, tiny):
        sample = subprocess.Popen(
            [*COMMAND, "sample", tiny[0], "--length", "100"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        sample.stdout.close()
        with sample.stderr:
            assert sample.stderr.read() == b""
        assert sample.wait(timeout=60) == 1


class TestNext:
    def test_shows_probabilities(self, tiny, nnlite_command):
        code, output, _ = nnlite_command("next", tiny[0], "--seed-text", "my love", "--top", 4)
        assert code == 0
        text, _, heading, *rows = output.splitlines()
        assert text == "'my love'"
        assert heading.split("  ") == ["after this text", "temperature 1.5", "temperature 0.75", "temperature 0.25"]
        numbers = np.array([[float(number) for number in re.findall(r"(\S+) %", row)] for row in rows])
        assert numbers.shape == (5, 3)
        assert rows[-1].startswith("34 others")
        np.testing.assert_allclose(numbers.sum(axis=0), 100, atol=0.03)
        assert (np.diff(numbers[:4], axis=0) <= 0).all()
        assert (np.diff(numbers[0]) > 0).all()

    def test_what_is_left_out_is_as_the_help_says(self, tiny, nnlite_command):
        temperatures = [word for t in (1.5, 0.75, 0.25) for word in ("--temperature", t)]
        explicit = nnlite_command("next", tiny[0], "--seed-text", SEED_TEXT, "--top", 10, *temperatures)
        assert nnlite_command("next", tiny[0]) == explicit

    @pytest.mark.parametrize("alone", [["--top-k", 1], ["--top-p", 0.0001]])
    def test_the_likeliest_alone(self, alone, tiny, nnlite_command):
        text = "a" * 9 + "b" * 60
        _, output, _ = nnlite_command("next", tiny[0], "--seed-text", text, "--temperature", 1, "--top", 2, *alone)
        shown, _, _, first, second, others = output.splitlines()
        assert shown == repr("b" * 60)  # its end
        assert [row.split()[-2] for row in (first, second, others)] == ["100.00", "0.00", "0.00"]

    def test_all_of_them(self, tiny, nnlite_command):
        _, output, _ = nnlite_command("next", tiny[0], "--top", 50, "--temperature", 1)
        assert "others" not in output
        assert len(output.splitlines()) == 3 + 38
        for name in ("space", "new line"):
            assert f"\n{name} " in output


class TestStats:
    def pictures(self, folder):
        assert all(path.read_bytes().startswith(b"\x89PNG") for path in folder.iterdir())
        return {path.name for path in folder.iterdir()}

    def row(self, output, name):
        (line,) = (line for line in output.splitlines() if line.startswith(name))
        return line.removeprefix(name).split()

    def test_of_a_run(self, tiny, tmp_path, nnlite_command):
        run = copytree(tiny[0], tmp_path / "run")
        code, output, _ = nnlite_command("stats", run, "--length", 500, "--temperature", 1, "--temperature", 0.5)
        assert code == 0
        assert output.startswith("corpus: Shakespeare's sonnets\n")
        training, held_out = split_poems()
        statistics = text_statistics(held_out, training)
        assert self.row(output, "characters  ")[:4] == ["94,192", f"{len(held_out):,}", "500", "500"]
        assert self.row(output, "distance to corpus")[0] == f"{statistics.distance:.3f}"
        assert self.row(output, "longest copied run  ")[0] == str(len(statistics.copied.text))
        assert len(self.row(output, "entropy (nats/char.)")) == 2
        names = ("corpus", "held-out", "temperature-1", "temperature-0.5")
        expected = {f"{name}-{what}.png" for name in names for what in ("characters", "lines")}
        assert self.pictures(run / "stats") - expected == set()
        assert {f"{name}-characters.png" for name in names} <= self.pictures(run / "stats")
        assert f"Pictures written to {run / 'stats'}." in output

    def test_of_a_text(self, tmp_path, monkeypatch, nnlite_command):
        monkeypatch.chdir(tmp_path)
        Path("poem.txt").write_text("Shall I compare thee to a summer's day?\n\nthou art zzz\n")
        code, output, _ = nnlite_command("stats", "poem.txt", "--characters")
        assert code == 0
        assert self.row(output, "words") == ["17,601", "11"]
        assert self.row(output, "  in the corpus") == [f"{100 * 10 / 11:.1f}", "%"]
        assert self.row(output, "blank lines") == ["0", "1"]
        assert self.row(output, "z  ")[2:] == [f"{100 * 3 / 54:.2f}", "%"]
        assert "poem.txt has capital letters" in output
        assert r"longest copied run, poem.txt: " in output
        pictures = {"corpus-characters.png", "corpus-lines.png", "poem-characters.png", "poem-lines.png"}
        assert self.pictures(tmp_path / "stats") == pictures

    def test_names_are_drawn_as_they_are(self, tmp_path, nnlite_command, monkeypatch):
        """A pair of dollar signs is no formula, and no name is left out of a legend."""
        labels = []
        monkeypatch.setattr(
            "matplotlib.axes.Axes.legend", lambda ax, **_: labels.extend(ax.get_legend_handles_labels()[1])
        )
        for name in ("$x^$.txt", "_poem.txt"):
            (tmp_path / name).write_text("to be or not to be\n" * 9)
        code, _, error = nnlite_command("stats", *sorted(tmp_path.iterdir()), "--out", tmp_path / "pictures")
        assert (code, error) == (0, "")
        assert labels == [r"\$x^\$.txt", "corpus"] * 2 + [" _poem.txt", "corpus"] * 2

    @pytest.mark.parametrize("names", [["corpus.txt"], ["a b.txt", "a-b.txt"]])
    def test_no_picture_is_another_ones(self, names, tmp_path, nnlite_command):
        for name in names:
            (tmp_path / name).write_text("to be or not to be\n" * 9)
        code, _, error = nnlite_command("stats", *(tmp_path / name for name in names), "--out", tmp_path / "pictures")
        assert (code, f"rename {tmp_path}" in error, (tmp_path / "pictures").exists()) == (2, True, False)

    def test_cleaned_as_the_sonnets_were(self, tmp_path, nnlite_command, blank_pictures):
        (tmp_path / "raw.txt").write_text(load_sonnets())
        code, output, _ = nnlite_command("stats", tmp_path / "raw.txt", "--clean", "--out", tmp_path / "pictures")
        assert code == 0
        assert "capital letters" not in output
        assert self.row(output, "distance to corpus") == ["0.000"]
        assert self.row(output, "copied windows of 30") == ["100.0", "%"]

    def test_of_a_run_and_a_text(self, tiny, tmp_path, nnlite_command):
        (tmp_path / "poem.txt").write_text(" \n")
        arguments = "--length", 100, "--temperature", 1, "--out", tmp_path / "pictures"
        code, output, _ = nnlite_command("stats", tiny[0], tmp_path / "poem.txt", *arguments)
        assert code == 0
        assert self.row(output, "characters  ") == ["94,192", "9,688", "100", "2"]
        assert self.row(output, "  characters, mean")[-1] == "-"  # no line
        assert "poem-characters.png" in self.pictures(tmp_path / "pictures")
        assert "poem-lines.png" not in self.pictures(tmp_path / "pictures")

    def test_of_a_run_on_a_text_of_ones_own(self, tmp_path, nnlite_command, blank_pictures):
        """It is compared with that text, not with the sonnets."""
        (tmp_path / "own.txt").write_text("Ein Männlein steht im Walde,\nganz still und stumm.\n" * 60)
        run = tmp_path / "run"
        assert nnlite_command("train", *TINY, "--text", tmp_path / "own.txt", "--out", run)[0] == 0
        code, output, _ = nnlite_command("stats", run, tmp_path / "own.txt", "--length", 50, "--temperature", 0.5)
        assert code == 0
        assert output.startswith("corpus: own.txt\n")
        assert self.row(output, "distance to corpus")[-1] == "0.000"

    def test_what_a_model_writes_is_that_of_the_seed(self, tiny, tmp_path, nnlite_command, blank_pictures):
        arguments = "stats", tiny[0], "--temperature", 1, "--out", tmp_path / "pictures"
        output = nnlite_command(*arguments)[1]
        assert self.row(output, "characters  ")[-1] == "10,000"
        assert nnlite_command(*arguments, "--seed", 0)[1] == output
        assert nnlite_command(*arguments, "--seed", 1)[1] != output

    def test_what_was_held_out_is_copied_from_nowhere(self, tiny, monkeypatch):
        """A copy is one of the training text, and the distance of what a model writes is that to all of the corpus."""
        stats, run = sys.modules["nnlite.cli.stats"], Sonnets.open(tiny[0])
        training, text = run.parts
        sample = TemperatureSample(1.0, text, 0.5)
        monkeypatch.setattr(stats, "compare_temperatures", lambda *_: [sample])
        held_out, written = (column.statistics for column in stats.written(run, [1.0], 9, 0, False))
        assert held_out.copied == written.copied == text_statistics(text, training).copied
        assert (held_out.distance, written.distance) == (
            text_statistics(text, training).distance, text_statistics(text, run.corpus.text).distance
        )  # fmt: skip

    def test_the_last_run_is_the_default(self, tiny, tmp_path, monkeypatch, nnlite_command, blank_pictures):
        monkeypatch.chdir(tmp_path)
        code, _, error = nnlite_command("stats")
        assert code == 1
        assert "there is no run under runs/ yet" in error
        copytree(tiny[0], Path("runs/mine"))
        code, output, _ = nnlite_command("stats", "--length", 50, "--temperature", 1)
        assert code == 0
        assert "Pictures written to runs/mine/stats." in output


def test_info(nnlite_command):
    code, output, _ = nnlite_command("info")
    assert code == 0
    assert nnlite.__version__ in output
    assert np.__version__ in output
    for name in ("CPU", "instructions", "threads", "OpenMP"):
        assert name in output


def test_info_names_sources_that_are_not_compiled_yet(monkeypatch, nnlite_command):
    monkeypatch.setattr("nnlite.machine.stale_kernels", lambda: ["lstm.pyx", "gru.pyx"])
    assert "Sources newer than their kernels: lstm.pyx, gru.pyx. Compile them: make build" in nnlite_command("info")[1]


MISTAKES = [
    ("train --unit 3", 2, "No such option"),
    ("train --units 0", 2, "--units"),
    ("train --units many", 2, "--units"),
    ("train --optimizer lbfgs", 2, "--optimizer"),
    ("train --dropout 1", 1, "dropout: expected a number from 0 to below 1, got 1.0"),
    ("train --carry 0", 2, "--carry"),
    ("train --batch-size 5000", 1, "for a batch of 5000 rows at step"),
    ("train --length 20000", 1, "for a window of length 20000"),
    ("train --temperature nan", 2, "--temperature"),
    ("train --out RUN", 2, "holds a run already"),
    ("train --out RUN/config.json", 1, "no run folder"),
    ("train --out RUN/config.json/x", 1, "Not a directory"),
    ("train --units 1000000000000", 1, "bytes"),
    ("train --threads 0", 2, "--threads"),
    ("sample nowhere", 1, "nowhere holds no run"),
    ("sample RUN --seed-text Love", 1, "expected characters of the vocabulary, got 'L'"),
    ("sample RUN --temperature -1", 2, "--temperature"),
    ("sample RUN --length -1", 2, "--length"),
    ("sample RUN --top-k 0", 2, "--top-k"),
    ("sample RUN --top-p 0", 1, "top_p: expected a number in (0, 1], got 0"),
    ("sample RUN --top-p 1.5", 2, "--top-p"),
    ("sample RUN --unknown drop", 2, "--unknown"),
    ("next nowhere", 1, "nowhere holds no run"),
    ("stats nowhere", 1, "nowhere: No such file or directory"),
    ("stats RUN RUN", 2, "one run at a time"),
    ("stats RUN/poems.txt RUN/poems.txt", 2, "two files have the same name, poems, or it is that of another text"),
    ("stats RUN held-out.txt", 2, "it is that of another text"),
    ("stats RUN temperature-0.25.txt", 2, "it is that of another text"),
    ("stats RUN/model.safetensors", 1, "model.safetensors is a model alone: to judge what it writes needs the text"),
    ("stats RUN --temperature -1", 2, "--temperature"),
    ("stats RUN --length 0", 2, "--length"),
    ("next RUN --temperature -1", 2, "--temperature"),
    ("next RUN --seed-text Love", 1, "expected characters of the vocabulary, got 'L'"),
    ("smaple", 2, "No such command"),
]


@pytest.mark.parametrize(("line", "code", "message"), MISTAKES, ids=[line for line, _, _ in MISTAKES])
def test_mistakes_get_one_clear_line(line, code, message, tiny, tmp_path, monkeypatch, nnlite_command):
    monkeypatch.chdir(tmp_path)
    before = contents(tiny[0])
    result = nnlite_command(*line.replace("RUN", str(tiny[0])).split())
    assert result[:2] == (code, "")
    assert result[2].startswith("nnlite: ")
    assert message in result[2]
    assert result[2].count("\n") == 1
    assert list(tmp_path.iterdir()) == []  # nothing was begun
    assert contents(tiny[0]) == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot read the settings"),
        ("[]", "cannot read the settings"),
        ('{"settings": {"units": 6}, "vocabulary": {}}', "another program wrote it"),
        ('{"nnlite": "0.1.0", "settings": {"units": 6, "hats": 2, "temperatures": []}, "vocabulary": {}}', "hats"),
        ("[" * 100_000, "cannot read the settings"),
        (b"\xff\xfe", "cannot read the settings"),
    ],
)
def test_damaged_settings(text, message, tiny, tmp_path, nnlite_command):
    run = copytree(tiny[0], tmp_path / "run")
    (run / "config.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    code, _, error = nnlite_command("sample", run)
    assert code == 1
    assert message in error
    assert error.count("\n") == 1


class Enough(nnlite.Callback):
    """Ends the training when the main job's figure is reached: the rest of its epochs would only improve on it."""

    def on_epoch_end(self, epoch, logs):
        self.model.stop_training = logs["val_loss"] <= 1.75


def test_the_main_job(tmp_path, one_thread):
    """The defaults: one-hot characters, LSTM(200), windows of 40, the last 16 poems held out; 1.75 nats or better."""
    assert (Settings.units, Settings.layers, Settings.length) == (200, 1, 40)
    run = Sonnets(tmp_path / "run")
    run.create()
    history = run.fit(callbacks=[Enough()], verbose=0).history
    assert min(history["val_loss"]) <= 1.75


def test_landmarks_are_those_of_the_corpus():
    assert Sonnets("unused").landmarks == landmarks("".join(nnlite.text.poems(load_sonnets())))
