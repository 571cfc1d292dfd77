"""`nnlite train --text FILE`: a text of the user's own."""

import contextlib
import hashlib
import io
import json
import math
import re
import subprocess
import sys
from shutil import copytree
from types import SimpleNamespace

import numpy as np
import pytest
from commands import COMMAND, contents

from nnlite import LSTM, Bidirectional, Dense, Embedding, Sequential, load_model
from nnlite.cli import runs
from nnlite.experiment import Corpus, ExperimentError, Sonnets, find_runs
from nnlite.experiment.folder import Progress
from nnlite.experiment.reproduce import Pair
from nnlite.text import TemperatureSample, Vocabulary, expected_total_variation, text_statistics, total_variation

TINY = ["--units=6", "--length=20", "--epochs=2", "--temperature=1"]
GREEK = "".join(
    f"ἄνδρα μοι ἔννεπε μοῦσα\r\nπολύτροπον ὃς {word} 🎉\r\n\r\n" for word in ("μάλα", "πολλὰ", "πλάγχθη", "ἐπεὶ") * 5
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with a text file in it, and a finished run on that."""
    here = tmp_path_factory.mktemp("finished")
    (here / "odyssey.txt").write_bytes(b"\xef\xbb\xbf" + GREEK.encode())
    line = [*COMMAND, "train", "--text", "odyssey.txt", *TINY]
    result = subprocess.run(line, cwd=here, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    assert "odyssey.txt: " in result.stdout
    return here


@pytest.fixture
def greek(finished, tmp_path, monkeypatch):
    """The text file, in the working directory."""
    copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "odyssey.txt"


@pytest.fixture
def run(greek):
    """The run, with which a test may do what it likes."""
    return find_runs()[0]


def test_the_run_folder_keeps_the_text(run):
    assert run.name == "odyssey"
    text = GREEK.replace("\r\n", "\n")
    assert (run / "text.txt").read_bytes() == text.encode()
    config = json.loads((run / "config.json").read_text())
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert config["text"] == {"file": "odyssey.txt", "characters": len(text), "sha256": digest}
    assert config["vocabulary"]["characters"] == "".join(sorted(set(text)))


def test_poems_begin_with_what_was_held_out(run):
    _, validation = Sonnets.open(run).corpus.split(20)
    poem = (run / "poems.txt").read_text().partition("\n\n")[2]
    assert poem.startswith(validation.partition("\n")[0][:20])
    assert set(poem) <= set(GREEK)


def test_sample_needs_the_run_alone(run, greek, nnlite_command):
    greek.unlink()
    code, output, _ = nnlite_command("sample", "--length", 30, "--seed", 1)
    assert code == 0
    assert set(output) <= set(GREEK)
    code, _, error = nnlite_command("sample", "--seed-text", "shall")
    assert code == 1
    assert "expected characters of the vocabulary, got 's'" in error


def test_one_file_can_be_handed_to_a_friend(run, tmp_path, monkeypatch, nnlite_command):
    """Each of the two files alone, in an empty folder: what is written is what the run writes."""
    arguments = "--length", 30, "--seed", 1, "--seed-text", GREEK[:5]
    _, poem, _ = nnlite_command("sample", run, *arguments)
    folder = tmp_path / "friend"
    folder.mkdir()
    for name in ("model.safetensors", "checkpoint.safetensors"):
        (folder / "friend.safetensors").write_bytes((run / name).read_bytes())
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            assert nnlite_command("sample", "friend.safetensors", *arguments) == (0, poem, "")
            code, output, _ = nnlite_command("sample", "friend.safetensors", "--length", 30)
            assert (code, len(output)) == (0, 31)
            assert set(output) <= set(GREEK) | {"\n"}
            code, output, _ = nnlite_command("next", "friend.safetensors", "--top", 2)  # of all but "\r"
            assert (code, f"{len(set(GREEK)) - 3} others" in output) == (0, True)
    code, _, error = nnlite_command("sample", folder / "friend.safetensors", "--seed-text", "shall")
    assert (code, "expected characters of the vocabulary, got 's'" in error) == (1, True)
    code, _, error = nnlite_command("sample", folder / "other.safetensors")
    assert (code, "there is no such file" in error) == (1, True)
    code, _, error = nnlite_command("stats", folder / "friend.safetensors")
    assert (code, "needs the text that it learned from: give its run folder" in error) == (1, True)


def test_a_file_without_a_vocabulary(run, tmp_path, nnlite_command):
    """As older ones are: the run's folder still has it."""
    model = load_model(run / "model.safetensors")
    assert set(model.vocabulary.characters) == set((run / "text.txt").read_text(encoding="utf-8"))
    model.vocabulary = None
    model.save(run / "model.safetensors")
    assert nnlite_command("sample", run, "--length", 5)[0] == 0
    code, _, error = nnlite_command("sample", run / "model.safetensors")
    assert (code, "has no vocabulary" in error, "give the run folder" in error) == (1, True, True)


@pytest.mark.parametrize("line", ["sample", "next", "play", "units", "stats"])
@pytest.mark.parametrize("layers", ["in both directions", "of fewer ids"])
def test_a_model_that_cannot_write(layers, line, run, nnlite_command):
    """As a friend's file, and in a run folder."""
    vocabulary = load_model(run / "model.safetensors").vocabulary
    V, lstm = len(vocabulary), LSTM(2, return_sequences=True, input_dim=1)
    both = [Embedding(V, 3), Bidirectional(LSTM(2, return_sequences=True))]
    model = Sequential([*(both if layers == "in both directions" else [lstm]), Dense(V)], input_shape=(None,))
    model.vocabulary = vocabulary
    model.save(run / "model.safetensors")
    message = "has no single steps" if layers == "in both directions" else f"expected ids in 0 .. 0, got {V - 1}"
    for place in (run, run / "model.safetensors")[: 1 if line == "stats" else 2]:
        code, output, error = nnlite_command(line, place)
        assert (code, output, error.count("\n"), message in error) == (1, "", 1, True)
        assert f"{place}: its model cannot write a character at a time: " in error


def test_resume(run, greek, nnlite_command):
    before = contents(run)
    for line in (["train", "--resume"], ["train", "--resume", "--text", greek], ["train", "--resume", "--out", run]):
        assert nnlite_command(*line)[0] == 0
    assert contents(run) == before


def test_resume_refuses_a_changed_file(run, greek, nnlite_command, blank_pictures):
    greek.write_text("and so on " * 100)
    code, _, error = nnlite_command("train", "--resume", "--text", greek)
    assert code == 2
    assert "runs/odyssey learns from odyssey.txt as it was then, and this is another text" in error.replace("\\", "/")
    assert nnlite_command("train", "--resume")[0] == 0  # the folder has what it needs


@pytest.mark.parametrize(("change", "message"), [("and so on", "was changed"), (None, "is gone")])
def test_a_damaged_copy(change, message, run, nnlite_command):
    (run / "text.txt").write_text(change) if change else (run / "text.txt").unlink()
    for command in ("train --resume", "sample runs/odyssey"):
        code, _, error = nnlite_command(*command.split())
        assert code == 1
        assert message in error
        assert error.count("\n") == 1


def test_killed_before_the_settings_were_written(run, nnlite_command, blank_pictures):
    for path in run.iterdir():
        if path.name != "text.txt":
            path.unlink()
    line = ["train", "--text", "odyssey.txt", *TINY, "--out", run]
    (run / "text.txt").write_text("somebody else's")
    assert "no run folder" in nnlite_command(*line)[2]
    (run / "text.txt").write_bytes(GREEK.replace("\r\n", "\n").encode())
    assert nnlite_command(*line)[0] == 0


def test_the_next_run_has_another_name(run, greek, nnlite_command, blank_pictures):
    assert nnlite_command("train", "--text", greek, *TINY)[0] == 0
    assert [path.name for path in find_runs()] == ["odyssey", "odyssey-2"]


def test_force_with_the_sonnets_leaves_no_text(run, nnlite_command, blank_pictures):
    assert nnlite_command("train", *TINY, "--step", 400, "--out", run, "--force")[0] == 0
    assert not (run / "text.txt").exists()
    assert Sonnets.open(run).corpus == Corpus()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\0" * 900, "expected plain text, got a zero byte"),
        (b"\xe9" * 900, "expected a text in UTF-8, got the invalid byte 0xe9"),
        (b"ab" * 200, "text: expected at least 410 characters, got 400"),
        (b"a" * 900, "all characters of the text are 'a'"),
        ("folder", "it is a folder"),
        ("nothing", "No such file"),
    ],
)
def test_mistakes(data, message, tmp_path, monkeypatch, nnlite_command):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.txt"
    if data == "folder":
        path.mkdir()
    elif data != "nothing":
        path.write_bytes(data)
    code, output, error = nnlite_command("train", "--text", "mine.txt")
    assert (code, output) == (1, "")
    assert error.startswith("nnlite: mine.txt")
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("file", "name"),
    [("faust.txt", "faust"), ("a.b.txt", "a.b"), ("README", "README"), (".txt", "txt"), ("..", "text")],
)
def test_names_of_run_folders(file, name):
    assert Corpus("to be or not", file).name == name


class TestEncoding:
    TEXT = "über allen gipfeln ist ruh, größe\n" * 40

    @pytest.mark.parametrize("line", ["train --epochs=1 --length=20 --temperature=1", "minimal-rnn --iterations=40"])
    def test_of_the_text(self, line, tmp_path, nnlite_command, blank_pictures):
        path = tmp_path / "old.txt"
        path.write_bytes(self.TEXT.encode("cp1252"))
        line = [*line.split(), "--units=4", "--text", path, "--out", tmp_path / "run"]
        code, _, error = nnlite_command(*line)
        assert code == 1
        assert "old.txt: expected a text in UTF-8" in error
        assert "--encoding cp1252" in error
        assert nnlite_command(*line, "--encoding", "cp1252")[0] == 0
        assert (tmp_path / "run" / "text.txt").read_bytes().decode() == self.TEXT  # the copy is in UTF-8

    def test_of_stats(self, tmp_path, nnlite_command, blank_pictures):
        (tmp_path / "old.txt").write_bytes(self.TEXT.encode("utf-16"))
        line = ["stats", tmp_path / "old.txt", "--out", tmp_path / "pictures", "--encoding"]
        assert nnlite_command(*line, "utf-16")[0] == 0
        code, _, error = nnlite_command(*line, "utf-61")
        assert code == 1
        assert "encoding: expected the name of an encoding that Python knows, got 'utf-61'" in error

    def test_of_no_text(self, tmp_path, monkeypatch, nnlite_command):
        monkeypatch.chdir(tmp_path)
        code, _, error = nnlite_command("train", "--encoding", "cp1252")
        assert code == 2
        assert "it is of the file in --text: name that, too" in error
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["春眠不觉晓，处处闻啼鸟。\n夜来风雨声，花落知多少。\n", "to be, or not to be\n"])
def test_the_report_speaks_of_words_where_there_are_any(text, tmp_path, nnlite_command, blank_pictures):
    (tmp_path / "mine.txt").write_text(text * 40, encoding="utf-8")
    line = "train", "--text", tmp_path / "mine.txt", "--length=20", "--epochs=2", "--temperature=0.5"
    assert nnlite_command(*line, "--out", tmp_path / "run")[0] == 0
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert page.count("occur in the corpus") == (3 if "to be" in text else 0)
    assert ">none<" not in page


def test_a_strangers_model_does_not_command_the_terminal(tmp_path, nnlite_command):
    model = Sequential([LSTM(5, input_dim=3, return_sequences=True), Dense(3)], input_shape=(None,))
    model.vocabulary = Vocabulary("a\x1b\x9b")
    model.save(tmp_path / "model.safetensors")
    code, output, error = nnlite_command("sample", tmp_path / "model.safetensors", "--seed-text", "a")
    assert code == 0, error
    assert "\\x1b" in output
    assert not {"\x1b", "\x9b"} & set(output)


# What the commands print, without a run


stats, sample = (sys.modules[f"nnlite.cli.{name}"] for name in ("stats", "sample"))  # there the names are the commands'


def cells(table):
    """The rows of a table, by their first cell."""
    return {str(first): [str(cell) for cell in others] for first, *others in zip(*(c.cells for c in table.columns))}  # noqa: B905


def test_the_table_of_stats():
    corpus, text = "to be or\n  not to be\n", "to bee\n\n or\n"
    columns = [
        stats.Column("corpus", corpus, text_statistics(corpus, corpus)),
        stats.Column("a.txt", text, text_statistics(text, corpus)),
        stats.Column("free", "?!", text_statistics("?!", corpus), entropy=1.234),
    ]
    table = stats.table_of(columns)
    assert [str(column.header) for column in table.columns] == ["", "corpus", "a.txt", "free"]
    chance = [f"{expected_total_variation(corpus, n):.3f}" for n in (12, 2)]
    assert cells(table) == {
        "characters": ["21", "12", "2"],
        "distance to corpus": ["", f"{total_variation(text, corpus):.3f}", "1.000"],
        "  by chance": ["", *chance],
        "words": ["6", "3", "-"],
        "  in the corpus": ["", "66.7 %", "-"],
        "lines": ["2", "2", "1"],
        "  characters, mean": ["9.5", "4.5", "2.0"],
        "  deviation": ["1.5", "1.5", "0.0"],
        "  indented": ["50.0 %", "50.0 %", "0.0 %"],
        "blank lines": ["0", "1", "0"],
        "longest copied run": ["", "5", "0"],
        "copied windows of 30": ["", "-", "-"],
        "entropy (nats/char.)": ["", "", "1.23"],
    }
    assert "entropy (nats/char.)" not in cells(stats.table_of(columns[:2]))
    assert {*cells(stats.table_of(columns[:2], "graphemes"))} >= {"graphemes", "  graphemes, mean"}
    file = io.StringIO()
    runs.Output(file=file, width=30).print(table, soft_wrap=False)
    for name in cells(table):  # in a narrow terminal the names stay whole
        assert f"\n{name}" in file.getvalue()
    shares = cells(stats.table_of_characters(columns))
    assert [*shares][:3] == ["space", "o", "t"]
    assert shares["o"] == ["19.05 %", "16.67 %", "0.00 %"]
    assert shares["?"] == ["0.00 %", "0.00 %", "50.00 %"]


@pytest.mark.parametrize(("width", "is_beside"), [(86, True), (85, False)])
def test_poems_are_side_by_side_from_a_width_on(width, is_beside, monkeypatch):
    file = io.StringIO()
    for name in ("sample", "runs"):
        monkeypatch.setattr(sys.modules[f"nnlite.cli.{name}"], "console", runs.Output(file=file, width=width))
    sample.show_all({"hot, wild": "my love\nis", "cold": "thy eyes\nare"})
    words = [line.split() for line in file.getvalue().splitlines()]
    assert (["my", "love", "thy", "eyes"] in words) == is_beside
    assert (["my", "love"] in words) != is_beside
    sample.show_all({"hot": "\x1b[2J", "cold": "\x9b"})
    assert not {"\x1b", "\x9b"} & set(file.getvalue())


def test_a_title_has_its_numbers():
    assert sample.heading(TemperatureSample(0.75, "abc", 1.234)) == (
        "temperature 0.75, entropy 1.23 nats per character"
    )
    assert sample.heading(TemperatureSample(1.0, "", math.nan)) == "temperature 1"  # nothing was chosen


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (None, "the last complete epoch"),
        (Progress(3, 0, False, 30), "the last complete epoch"),
        (Progress(2, 1234, False, 9), "what was learned up to batch 1,234 of epoch 3"),
    ],
)
def test_how_far_a_training_is(progress, words):
    assert runs.place(progress) == words


@pytest.mark.parametrize(
    ("name", "is_file"),
    [("folder", False), ("file", True), ("none", False), ("none.safetensors", True), ("a.safetensors", False)],
)
def test_what_is_a_models_file(name, is_file, tmp_path):
    for folder in ("folder", "a.safetensors"):
        (tmp_path / folder).mkdir()
    (tmp_path / "file").touch()
    assert runs.is_model_file(tmp_path / name) == is_file


@pytest.mark.parametrize(("content", "is_own"), [(b"1234mark", True), (b"12345mark", False), (b"1234mar", False)])
def test_a_mark_stands_near_the_beginning_of_a_file(content, is_own, tmp_path):
    file = tmp_path / "file"
    runs.require_mark(file, b"mark", 8, "a file of ours", "move it")  # nothing is there
    file.write_bytes(content)
    if is_own:
        runs.require_mark(file, b"mark", 8, "a file of ours", "move it")
    else:
        with pytest.raises(ExperimentError, match="file is not a file of ours, which would overwrite it: move it"):
            runs.require_mark(file, b"mark", 8, "a file of ours", "move it")


@pytest.fixture
def printed(monkeypatch):
    """What the commands print, as they end."""
    file = io.StringIO()
    for name in ("runs", "sonnets", "minimal_rnn", "digits", "zoo"):
        monkeypatch.setattr(sys.modules[f"nnlite.cli.{name}"], "console", runs.Output(file=file))
    return file


def test_what_a_model_writes_does_not_command_the_terminal(printed):
    runs.show("temperature 1", "a\x1b[2Jb")
    assert printed.getvalue().endswith("\na\\x1b[2Jb\n\n")


@pytest.mark.parametrize(
    ("progress", "has_constant_rate", "is_told"),
    [(Progress(1, 0, False, 9), False, True), (Progress(1, 0, False, 9), True, False), (None, False, False)],
    ids=["begun", "begun, at a constant rate", "not begun"],
)
def test_a_run_that_has_begun_ends_with_other_weights_after_it_was_extended(
    progress, has_constant_rate, is_told, tmp_path, printed
):
    parts = {"goal": "epochs", "settings": SimpleNamespace(epochs=4), "progress": progress}
    runs.say_how_extended(a_run(tmp_path, has_constant_rate=has_constant_rate, **parts), 2)
    assert printed.getvalue().startswith(f"Resuming {tmp_path}, with 4 epochs instead of 2.\n")
    assert ("somewhat different weights" in printed.getvalue()) == is_told


def a_run(tmp_path, **parts):
    (tmp_path / "there.txt").touch()
    landmarks = SimpleNamespace(uniform=3.638)
    return SimpleNamespace(
        folder=tmp_path, FILES={"there.txt": "a text", "no.txt": "none"}, landmarks=landmarks, **parts
    )


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (
            2.0,
            "a validation loss of 2.000 nats per character, as uncertain as a choice between 7.4 characters. Without ",
        ),
        (3.638, "a validation loss of 3.64 nats per character, no better than guessing (3.638). A smaller --learning-"),
    ],
)
def test_how_a_training_on_the_sonnets_ends(loss, words, tmp_path, printed):
    outcome = SimpleNamespace(best_epoch=7, best_loss=loss, loss_in_one_go=1.5)
    sys.modules["nnlite.cli.sonnets"].conclude(a_run(tmp_path), outcome)
    said = printed.getvalue()
    assert f"The best epoch was 7: {words}" in said
    assert ("before each window, it is 1.500." in said) == (loss < 3)
    assert "there.txt                a text\n" in said
    assert "no.txt" not in said
    assert said.count(str(tmp_path)) == 4


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ([3.7, 2.0], "2.000 nats per character, as uncertain as a choice between 7.4 characters.\n"),
        ([3.7, 1.9, 2.0], "2.000 nats per character, as uncertain as a choice between 7.4 characters.\n"),
        ([3.7, 1.875, 2.0], "7.4 characters. It was 1.875 at iteration 1,000: a smaller --learning-rate may help.\n"),
        ([3.7, 3.638], "3.638 nats per character, as uncertain as a choice between 38.0 characters.\n"),
        ([3.7, 3.7], "3.700 nats per character, worse than guessing (3.638). A smaller --learning-rate may help.\n"),
    ],
)
def test_how_a_training_of_the_minimal_recipe_ends(losses, words, tmp_path, printed):
    run = a_run(tmp_path, curve=lambda: ([0, 1000, 2000][: len(losses)], losses))
    sys.modules["nnlite.cli.minimal_rnn"].conclude(run)
    assert f"Smoothed loss after {1000 * (len(losses) - 1):,} iterations: " in printed.getvalue()
    assert words in printed.getvalue()


def test_how_a_training_on_digits_ends(tmp_path, printed):
    labels = np.repeat(np.arange(10), 30)
    predicted = labels.copy()
    run = a_run(tmp_path, read=lambda: (labels, predicted))
    conclude = sys.modules["nnlite.cli.digits"].conclude
    conclude(run)
    assert "300 of the 300 held-out digits are read correctly: 100.0 %\n" in printed.getvalue()
    assert "Misread" not in printed.getvalue()
    predicted[[0, 1, 30]] = 8, 8, 7
    labels, predicted = labels[1:], predicted[1:]  # 297 of 299 are 99.33 %
    conclude(run)
    assert "297 of the 299 held-out digits are read correctly: 99.3 %\n" in printed.getvalue()
    assert "Misread: 0 as 8, 1 as 7\n" in printed.getvalue()
    predicted[5:25] = [8, 8, *range(1, 8), 9, *range(1, 8), 9, 8, 8]
    conclude(run)
    assert "279 of the 299 held-out digits are read correctly: 92.9" not in printed.getvalue()
    most = r"Misread: 0 as 8 \(5 times\)(, 0 as [1-9]( \(2 times\))?){7} \.\.\.\n"
    assert re.search(most, printed.getvalue())


def test_a_curve_of_the_zoo_is_smoothed_until_it_diverges():
    smoothed = sys.modules["nnlite.cli.zoo"]._smoothed
    steps, means = smoothed([*range(12), float("nan"), 1.0])
    assert (list(steps), means) == ([*range(1, 13)], [n / 2 for n in range(10)] + [5.5, 6.5])
    assert smoothed([float("inf")])[1] == []
    assert smoothed([1.0])[1] == [1.0]


@pytest.mark.parametrize(
    ("difference", "refused"), [(1e-9, None), (1.1e-9, "got 1.1e-09"), (float("nan"), "got nan: one of the programs")]
)
def test_programs_that_differ_are_refused(difference, refused, printed):
    differences = [(3, 0.0), (1, difference), (2, 0.0)]
    pairs = [Pair(n, 0.0, found, 0.0, 2e-12, 3e-12, 1e-3 * n, 2e-3 * n) for n, found in differences]
    with pytest.raises(ValueError, match=refused) if refused else contextlib.nullcontext():
        sys.modules["nnlite.cli.minimal_rnn"]._judge(pairs)
    assert "takes 2.00 ms in plain NumPy and 4.00 ms in nnlite" in printed.getvalue()
