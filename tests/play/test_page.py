"""What a page consists of, which models it takes, and what the command writes; without a browser."""

import base64
import hashlib
import json
import re
from importlib.resources import files

import numpy as np
import pytest

import nnlite
from nnlite.experiment import Sonnets
from nnlite.play import PlayError, characters_page
from nnlite.play.characters import SCRIPTS
from nnlite.text import Vocabulary, pretrained_model

SEQUENCES = {"return_sequences": True, "input_dim": 4}


def made(*layers, V=4, **options):
    model = nnlite.Sequential(list(layers), input_shape=(None,), seed=0, **options)
    model.vocabulary = Vocabulary("abcdefgh"[:V])
    return model


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page)[1])


def test_its_policy_allows_its_own_script_and_style_and_nothing_else():
    page = characters_page(made(nnlite.RNN(3, **SEQUENCES), nnlite.Dense(4)))
    policy = re.search('http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules.pop("default-src") == "'none'"
    for name, tag in (("script-src", "script"), ("style-src", "style")):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules.pop(name) == f"'sha256-{digest}'"
    assert rules == {"base-uri": "'none'", "form-action": "'none'"}
    assert not re.search(r"\s(src|style|on\w+)=", page)
    assert set(re.findall(r"https?://[\w./]+", page)) == {"http://www.w3.org/2000/svg"}  # a name, not an address


def test_the_sonnets_model_takes_at_most_a_megabyte_and_a_half():
    model = Sonnets("unused").model()
    page = characters_page(model)
    assert 1.0e6 < len(page.encode()) < 1.5e6
    assert len(characters_page(pretrained_model()).encode()) < 0.6e6


def test_each_script_can_be_read():
    for name in SCRIPTS:
        text = (files("nnlite.play") / f"{name}.js").read_text(encoding="utf-8")
        assert "</script" not in text
        assert text.count("\n") < 300


def test_dropout_is_left_out_and_an_activation_is_a_layer():
    layers = nnlite.LSTM(3, **SEQUENCES), nnlite.Dropout(0.5), nnlite.Dense(4, "softmax")
    kinds = [layer["kind"] for layer in data_of(characters_page(made(*layers)))["network"]["layers"]]
    assert kinds == ["LSTM", "Dense", "Softmax"]


def test_what_it_says_of_units_is_right():
    """The unit that follows the place in the line is planted: it counts the characters since the last line break."""
    vocabulary = Vocabulary("\nab")
    lstm = nnlite.LSTM(3, return_sequences=True, input_dim=3)
    model = nnlite.Sequential([lstm, nnlite.Dense(3)], input_shape=(None,), seed=0)
    for array in model.params.values():
        array[...] = 0
    Wx, b, Wy = (model.params[name] for name in ("lstm.Wx", "lstm.b", "dense.W"))
    b[[1, 4, 7, 10]] = 9, 9, 0.02, 9  # unit 1: i, f and o are open, and g is small
    Wx[0, 4] = -20  # but a line break lets it forget
    Wy[1] = 1, 0, 0
    (found,) = [one for one in data_of(characters_page(model, vocabulary))["usual"] if one]
    suggested = data_of(characters_page(model, vocabulary))["suggested"]
    assert (suggested["layer"], suggested["unit"]) == (0, 1)
    assert suggested["r"] > 0.999
    assert found["low"][1] == pytest.approx(0.02, abs=0.001)
    assert found["low"][1] < found["mean"][1] < found["high"][1]
    assert found["low"][0] == found["mean"][0] == found["high"][0] == found["radius"] == 0


REFUSED = [
    ([nnlite.Bidirectional(nnlite.LSTM(3, **SEQUENCES)), nnlite.Dense(4)], r"got Bidirectional \(bidirectional\)"),
    ([nnlite.LSTM(3, go_backwards=True, **SEQUENCES), nnlite.Dense(4)], "a text that is being written has no end"),
    ([nnlite.LSTM(3, **SEQUENCES), nnlite.GELU(), nnlite.Dense(4)], r"got GELU \(gelu\): use one of these"),
    ([nnlite.LSTM(3, **SEQUENCES), nnlite.Dense(4, "gelu")], r"got GELU \(dense.activation\)"),
    ([nnlite.Embedding(4, 3), nnlite.Dense(4)], "an LSTM, GRU or RNN among the layers, got none in sequential"),
    (
        [nnlite.LSTM(3, **SEQUENCES), nnlite.Softmax(), nnlite.Dense(4)],
        r"Softmax as the last layer, got Dense \(dense\)",
    ),
    ([nnlite.LSTM(3, **SEQUENCES), nnlite.Dense(5)], "scores the vocabulary's 4 characters, got one for 5"),
    ([nnlite.LSTM(3, return_sequences=True, input_dim=6), nnlite.Dense(4)], "reads the vocabulary's 4 characters"),
    ([nnlite.Embedding(6, 3), nnlite.RNN(3, return_sequences=True), nnlite.Dense(4)], "got one for 6"),
]


@pytest.mark.parametrize(("layers", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_it_cannot_run_is_refused_with_a_sentence(layers, said):
    with pytest.raises(PlayError, match=said):
        characters_page(made(*layers))


def test_a_model_of_other_things_is_refused():
    images = nnlite.Sequential([nnlite.Flatten(), nnlite.Dense(4)], input_shape=(2, 2, 1))
    with pytest.raises(PlayError, match="expected one with a vocabulary, got none"):
        characters_page(images)
    with pytest.raises(PlayError, match=r"expected layers that the page runs .*, got Flatten"):
        characters_page(images, Vocabulary("abcd"))
    with pytest.raises(PlayError, match=r"a first layer that reads characters .*, got Dense"):
        characters_page(nnlite.Sequential([nnlite.Dense(4)], input_shape=(4,)), Vocabulary("abcd"))
    unbuilt = nnlite.Sequential([nnlite.RNN(3, **SEQUENCES), nnlite.Dense(4)], name="new")
    with pytest.raises(PlayError, match="expected one with weights, got new, which is not built: train it first"):
        characters_page(unbuilt, Vocabulary("abcd"))
    with pytest.raises(PlayError, match=r"model: expected a Sequential, got 'model\.safetensors'"):
        characters_page("model.safetensors", Vocabulary("abcd"))
    diverged = made(nnlite.RNN(3, **SEQUENCES), nnlite.Dense(4))
    diverged.params["rnn.b"][0] = np.nan
    with pytest.raises(PlayError, match="expected finite weights"):
        characters_page(diverged)


class TestCommand:
    @pytest.fixture
    def here(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        return tmp_path

    def test_before_anything_is_trained_it_takes_the_model_in_the_box(self, here, nnlite_command):
        code, output, error = nnlite_command("play")
        assert code == 0
        assert "this is the small model that nnlite ships with" in error
        assert (here / "play.html").resolve().as_uri() in output
        page = (here / "play.html").read_text(encoding="utf-8")
        assert "BSD 3-Clause" in data_of(page)["about"]
        assert data_of(page)["about"].endswith(" Your own: nnlite train --film")  # and no path of this machine
        assert len(data_of(page)["film"]["frames"]) == 19
        assert nnlite_command("play")[0] == 0  # its own page it writes again

    def test_a_runs_page_is_in_its_folder(self, here, nnlite_command):
        run = Sonnets(here / "runs/own", Sonnets.Settings(units=4, step=400, epochs=1, temperatures=(), film=True))
        run.create()
        run.fit(verbose=0)
        code, output, error = nnlite_command("play", "--seed-text", r"my love\n")
        assert (code, error) == (0, "The run is runs/own.\n")
        assert (run.folder / "play.html").resolve().as_uri() in output
        data = data_of((run.folder / "play.html").read_text(encoding="utf-8"))
        assert data["text"] == "my love\n"
        assert nnlite_command("play", "--seed-text", "My love", "--unknown", "skip")[0] == 0
        assert data["film"] == json.loads((run.folder / "film.json").read_text())
        assert nnlite_command("play", run.folder, "--out", "page.html")[0] == 0
        assert nnlite_command("play", run.folder / "model.safetensors")[0] == 0
        assert data_of((here / "play.html").read_text(encoding="utf-8"))["film"] is None

    def test_it_overwrites_nothing_but_its_own_pages(self, here, nnlite_command):
        (here / "play.html").write_text("<p>mine</p>")
        code, _, error = nnlite_command("play")
        assert code == 1
        assert "play.html is not a page of nnlite play, which would overwrite it: name another by --out" in error
        (here / "link.html").symlink_to(here / "elsewhere.html")
        assert "it is a link, or no file" in nnlite_command("play", "--out", "link.html")[2]
        assert "it is a link, or no file" in nnlite_command("play", "--out", ".")[2]
        assert "there is no folder none" in nnlite_command("play", "--out", "none/play.html")[2]
        assert (here / "play.html").read_text() == "<p>mine</p>"
        assert sorted(path.name for path in here.iterdir()) == ["link.html", "play.html"]

    def test_it_says_what_it_cannot_run(self, here, nnlite_command):
        made(nnlite.LSTM(3, **SEQUENCES), nnlite.TimeDistributed(nnlite.Dense(4))).save("other.safetensors")
        code, _, error = nnlite_command("play", "other.safetensors")
        assert code == 1
        assert error.startswith("nnlite: model: expected layers that the page runs (OneHot, ")
        assert error.count("\n") == 1
