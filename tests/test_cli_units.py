"""`nnlite units`: the table, two poems, and a page in the colours of a unit."""

import re
import sys

import pytest
from planted_units import COUNTER, VOCABULARY, planted, poems

from nnlite import save_model
from nnlite.cli.runs import Output
from nnlite.experiment import Sonnets
from nnlite.inspect import units
from nnlite.text import split_poems

UNIT = ["--hold", COUNTER]


@pytest.fixture
def model(tmp_path, monkeypatch):
    """The file of a model with a counter planted, and a text for it, in the working directory."""
    monkeypatch.chdir(tmp_path)
    save_model(planted("gru"), tmp_path / "planted.safetensors")
    (tmp_path / "text.txt").write_text("".join(poems(4)), encoding="utf-8")
    return ["units", "planted.safetensors", "--text", "text.txt"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder of a model that has learned next to nothing."""
    run = Sonnets(tmp_path_factory.mktemp("runs") / "tiny", Sonnets.Settings(units=6, step=2000, epochs=1))
    run.create()
    run.fit(verbose=0)
    return run


def test_the_table_is_that_of_units(model, nnlite_command):
    code, output, error = nnlite_command(*model, "--length", 100)
    assert (code, error) == (0, "")
    expected = units(planted("gru"), "".join(poems(4)), length=100)
    assert output == f"{expected}\n"
    assert re.search(rf"place in the line +layer.h {COUNTER} .* yes ", output)
    _, output, _ = nnlite_command(*model, "--length", 100, "--temperature", 0.5, "--seed", 3)
    assert output == f"{units(planted('gru'), ''.join(poems(4)), length=100, temperature=0.5, seed=3)}\n"


def test_a_run_is_tested_on_what_was_held_out(run, nnlite_command):
    code, output, _ = nnlite_command("units", run.folder, "--length", 20)
    training, held_out = split_poems()
    assert code == 0
    assert output == f"{units(run.saved_model(), training, test=held_out, length=20)}\n"


def test_two_poems_side_by_side_and_a_page(model, tmp_path, nnlite_command):
    code, output, error = nnlite_command(*model, *UNIT, "--length", 200, "--seed-text", "abc")
    assert (code, error) == (0, "")
    first, second, *lines = output.splitlines()
    assert first.split() == ["layer.h", "3", "layer.h", "3"]
    assert re.fullmatch(r"as it is +held at 0\.\d\d *", second)
    assert lines[0].startswith("abc")
    address = f"file://{tmp_path}/layer.h-3.html"
    assert output.endswith(f"The text in its colours: {address}\n")
    page = (tmp_path / "layer.h-3.html").read_text(encoding="utf-8")
    assert "What a model writes with unit 3 of layer.h as learned, and held at 0." in page
    assert "The beginning of text.txt" in page
    breaks = re.search(r"<th scope=\"row\">line breaks</th><td>(\d+)</td><td>(\d+)</td>", page)
    assert int(breaks[1]) > int(breaks[2]) == 0
    assert page.count('class="high"') > 20
    assert page.count('class="low"') > 20


def test_poems_are_those_of_the_seed_and_the_temperature(model, nnlite_command):
    def poems(*options):
        return nnlite_command(*model, *UNIT, *options)[1]

    assert poems() == poems("--length", 800, "--temperature", 0.75, "--seed", 0)
    assert poems("--length", 50, "--seed", 0) != poems("--length", 50, "--seed", 1)
    assert poems("--length", 50, "--temperature", 0) == poems("--length", 50, "--temperature", 0, "--seed", 1)


def test_the_page_of_a_run_is_in_its_folder(run, tmp_path, nnlite_command):
    options = ["--hold", 2, "--hold", 4, "--hold", 2, "--length", 50, "--state", "lstm.h", "--at", -0.5]
    assert nnlite_command("units", run.folder, *options)[0] == 0
    page = (run.folder / "units" / "lstm.h-2-4.html").read_text(encoding="utf-8")
    assert "units of lstm.h as learned, and held at -0.50, -0.50" in page
    assert "The beginning of the held-out text" in page
    assert nnlite_command("units", run.folder, *options, "--out", tmp_path / "mine.html")[0] == 0
    assert (tmp_path / "mine.html").read_text(encoding="utf-8") == page


def test_what_a_model_writes_is_escaped(tmp_path, monkeypatch, nnlite_command):
    monkeypatch.chdir(tmp_path)
    model = planted("rnn")
    model.vocabulary = type(VOCABULARY)("\n <>&\"'()ab\x1b")
    save_model(model, "planted.safetensors")
    (tmp_path / "text.txt").write_text("<b>a</b>\n".replace("/", "") * 200, encoding="utf-8")
    code, output, _ = nnlite_command("units", "planted.safetensors", "--text", "text.txt", *UNIT)
    assert code == 0
    assert "\x1b" not in output
    assert "<b>" not in (tmp_path / "layer.h-3.html").read_text(encoding="utf-8")


def test_it_overwrites_no_file_but_its_own_pages(model, tmp_path, nnlite_command):
    code, _, error = nnlite_command(*model, *UNIT, "--length", 20, "--out", "text.txt")
    assert code == 1
    assert "text.txt is not a page of nnlite, which would overwrite it: name another by --out" in error
    assert (tmp_path / "text.txt").read_text(encoding="utf-8") == "".join(poems(4))
    for _ in range(2):
        assert nnlite_command(*model, *UNIT, "--length", 20, "--out", "page.html")[0] == 0


@pytest.mark.parametrize("options", [(), UNIT])
def test_a_friends_model_of_another_text_asks_for_one(options, model, nnlite_command):
    code, _, error = nnlite_command(*model[:2], *options)
    assert code == 1
    assert "--text: expected a text, got none, and the model does not know the sonnets: --text FILE" in error


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--hold", 8], "hold['layer.h']: expected units from 0 to 7, got 8"),
        ([*UNIT, "--state", "layer.c"], "hold: expected one of layer.h, got 'layer.c'"),
        (["--encoding", "utf-16"], "U+6564"),
        ([*UNIT, "--seed-text", "xyz"], "'x'"),
        (["--at", 1], "--at: expected --hold N with it, got none"),
        (["--state", "layer.h"], "--state: expected --hold N with it, got none"),
        (["--seed-text", "abc"], "--seed-text: expected --hold N with it, got none"),
    ],
)
def test_mistakes(options, message, model, nnlite_command):
    code, output, error = nnlite_command(*model, *options)
    assert code == 1
    assert output == ""
    assert message in error


def test_a_narrow_terminal_has_the_table_in_two_parts(model, monkeypatch, nnlite_command):
    module = sys.modules["nnlite.cli.units"]  # whose name in nnlite.cli is that of the command
    monkeypatch.setattr(module, "console", Output(width=70, force_terminal=True, color_system=None))
    _, output, _ = nnlite_command(*model, "--length", 50)
    assert max(map(len, output.splitlines())) <= 70
    assert len(re.findall(r"^place in the line ", output, re.MULTILINE)) == 2
    assert "…" not in output
