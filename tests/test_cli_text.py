"""`nnlite train --text FILE`: a text of the user's own."""

import hashlib
import json
import subprocess
from shutil import copytree

import pytest
from commands import COMMAND, contents

from nnlite import LSTM, Bidirectional, Dense, Embedding, Sequential, load_model
from nnlite.experiment import Corpus, Sonnets, find_runs
from nnlite.text import Vocabulary

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
