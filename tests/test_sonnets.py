"""The sonnets experiment: what it learns from, and how far a state is carried while it learns."""

import json

import numpy as np
import pytest

import nnlite
from nnlite import Callback
from nnlite.experiment import Corpus, MinimalRNN, Sonnets, corpus, folder, sonnets
from nnlite.text import Vocabulary, columns, windows

TINY = {"units": 6, "step": 400, "epochs": 1}


def made(folder, **settings):
    run = Sonnets(folder, Sonnets.Settings(**TINY | settings))
    run.create()
    return run


def pairs_are_equal(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_it_learns_from_columns_and_is_judged_by_windows_from_zeros():
    run = Sonnets("unused")
    ids, held_out = (run.vocabulary.encode(text) for text in run.corpus.split(40))
    learned, judged = run.data()
    assert pairs_are_equal(learned, columns(ids, 40, 16, 20))
    assert pairs_are_equal(judged, windows(held_out, 40, 40))
    assert [layer.stateful for layer in run.model().stateful_layers] == ["training"]


def test_carried_through_one_window_is_not_carried():
    run = Sonnets("unused", Sonnets.Settings(carry=1, layers=2))
    ids = run.vocabulary.encode(run.corpus.split(40)[0])
    assert pairs_are_equal(run.data()[0], windows(ids, 40, 20))
    assert run.model().stateful_layers == []


class Look(Callback):
    def on_train_end(self, logs):
        self.seen = self.loop.shuffle, self.model.optimizer.iterations


@pytest.mark.parametrize("carry", [1, 16])
def test_windows_are_shuffled_where_no_state_is_carried_and_the_rate_falls_to_the_last_step(carry, tmp_path):
    look = Look()
    rates = made(tmp_path / "run", carry=carry).fit([look], verbose=0).history["learning_rate"]
    shuffle, steps = look.seen
    assert shuffle == (carry == 1)
    assert rates == [nnlite.CosineDecay(0.01, steps)(steps - 1)]


def test_schedules_of_103_steps():
    rates = {name: [make(0.16, 103)(step) for step in range(103)] for name, make in sonnets.SCHEDULES.items()}
    assert [rates["step"][step] for step in (0, 20, 21, 84, 102)] == [0.16, 0.16, 0.08, 0.01, 0.01]
    warm = rates["warm-up"]
    assert [warm.index(max(warm)), max(warm)] == [4, 0.16]
    assert warm[:5] == pytest.approx([0.032, 0.064, 0.096, 0.128, 0.16])
    assert warm[-1] == nnlite.CosineDecay(0.16, 98)(97)
    assert {*rates["constant"]} == {0.16}
    assert sonnets.SCHEDULES["warm-up"](0.16, 1)(0) == 0.16


@pytest.mark.parametrize(("clipnorm", "limit"), [(2.0, 2.0), (0.0, None)])
def test_gradients_are_clipped_to_the_norm_of_the_settings(clipnorm, limit):
    assert Sonnets("unused", Sonnets.Settings(clipnorm=clipnorm)).model().optimizer.global_clipnorm == limit


@pytest.mark.parametrize(
    ("file", "name"),
    [(None, "sonnets"), ("hamlet.txt", "hamlet"), (".hidden.txt", "hidden"), (".txt", "txt"), ("...", "text")],
)
def test_a_run_is_called_as_its_text(file, name):
    assert Corpus("to be", file).name == name


class Zeros(Callback):
    """Writes down which rows start from zeros, in each layer and batch."""

    def __init__(self):
        self.rows = []

    def on_train_batch_begin(self, batch, logs):
        for layer in self.model.stateful_layers:
            h, c = layer.state or np.zeros((2, 16, 6))
            assert ((h == 0) == (c == 0)).all()
            self.rows.append((batch, set(np.flatnonzero((h == 0).all(axis=1)).tolist())))


@pytest.mark.parametrize("carry", [3, 16, 20])
def test_rows_take_turns_to_start_from_zeros(carry, tmp_path):
    zeros = Zeros()
    made(tmp_path / "run", carry=carry, layers=2, step=200, epochs=2).fit([zeros], verbose=0)
    assert len(zeros.rows) == 2 * 2 * 26
    for batch, rows in zeros.rows:
        fresh = set(range(16)) if batch == 0 else {n for n in range(16) if (batch - n) % carry == 0}
        assert rows == fresh


def test_fresh_starts_leave_the_states_of_others_alone():
    layer = nnlite.LSTM(2, stateful=True, input_dim=3, seed=0)
    layer.forward(np.array([[1], [2]]))
    before = layer.state[0].copy(), layer.state
    starts = sonnets.FreshStarts(2)
    starts.model = nnlite.Sequential([layer])
    starts.on_train_batch_begin(0, {})
    assert not layer.state[0][0].any()
    assert (before[1][0] == before[0]).all()


def test_any_number_of_threads_gives_the_same_bits(tmp_path):
    threads = nnlite.get_num_threads()
    try:
        models = []
        for n in (1, 2, 3):
            nnlite.set_num_threads(n)
            run = made(tmp_path / f"{n}", units=64)
            run.fit(verbose=0)
            models.append((run.folder / "checkpoint.safetensors").read_bytes())
    finally:
        nnlite.set_num_threads(threads)
    assert models[0] == models[1] == models[2]


def test_runs_from_before_states_were_carried(tmp_path):
    run = made(tmp_path / "run", carry=1)
    run.fit(verbose=0)
    before = (run.folder / "checkpoint.safetensors").read_bytes()
    config = json.loads((run.folder / "config.json").read_text())
    assert config["settings"].pop("carry") == 1
    (run.folder / "config.json").write_text(json.dumps(config))
    old = Sonnets.open(run.folder)
    assert old.settings == run.settings
    old.fit(verbose=0)  # goes on, that is, has nothing to do
    assert (run.folder / "checkpoint.safetensors").read_bytes() == before


def test_the_loss_in_one_go(tmp_path, monkeypatch):
    run = made(tmp_path / "run")
    run.fit(verbose=0)
    held_out = run.vocabulary.encode(run.corpus.split(40)[1])
    whole = run.saved_model().evaluate(held_out[None, :-1], held_out[None, 1:])
    for piece in (sonnets.PIECE, 500, len(held_out) - 1, 10**4):  # a long text is read in pieces, and none is forgotten
        monkeypatch.setattr(sonnets, "PIECE", piece)
        outcome = run.outcome({"val_loss": [3.0, 1.0, 2.0]})
        assert outcome.loss_in_one_go == pytest.approx(whole, rel=1e-6)
    assert (outcome.best_epoch, outcome.best_loss) == (2, 1.0)
    assert [layer.stateful for layer in outcome.model.stateful_layers] == ["training"]  # it was a copy that read


def counted(monkeypatch, owner, name, counts=lambda *args, **kwargs: True):
    """A list that grows with each call of a function for which `counts` holds."""
    calls, function = [], getattr(owner, name)

    def call(*args, **kwargs):
        if counts(*args, **kwargs):
            calls.append(args)
        return function(*args, **kwargs)

    monkeypatch.setattr(owner, name, call)
    return calls


@pytest.mark.parametrize("own_text", [False, True])
@pytest.mark.parametrize("command", ["train", "minimal-rnn"])
def test_a_command_makes_one_trip(command, own_text, monkeypatch, tmp_path, nnlite_command, blank_pictures):
    text = tmp_path / "own.txt"
    text.write_text("so long as men can breathe, or eyes can see,\n" * 100)
    kind, length = (Sonnets, ["--epochs=1"]) if command == "train" else (MinimalRNN, ["--iterations=50"])
    made = counted(monkeypatch, kind, "model")
    cuts = [counted(monkeypatch, corpus, name) for name in ("place_to_split", "split_poems")]
    encoded = counted(monkeypatch, Vocabulary, "encode", lambda *args, **_: len(args[1]) > 250)  # not a seed text
    loaded = counted(monkeypatch, folder, "load_model")
    read = counted(monkeypatch, nnlite.Sequential, "evaluate", lambda *args, batch_size=32, **kwargs: batch_size == 1)
    own = ["--text", text] if own_text else []
    code, _, error = nnlite_command(command, "--units=4", *length, *own, "--out", tmp_path / "run")
    assert (code, error) == (0, "")
    assert len(made) == 1
    assert len({args[1] for args in encoded}) == len(encoded) == (2 if command == "train" else 1)
    assert [sum(map(len, cuts)), len(loaded), len(read)] == ([1, 1, 1] if command == "train" else [0, 0, 0])


def test_a_second_fit_starts_from_a_new_model(tmp_path):
    run = made(tmp_path / "run")
    first = run.start.model
    history = run.fit(verbose=0).history
    assert run.start.model is not first
    before = (run.folder / "model.safetensors").read_bytes()
    assert run.fit(verbose=0).history == history  # resumed: nothing is left to do
    assert (run.folder / "model.safetensors").read_bytes() == before
    run.create(overwrite=True)
    assert run.fit(verbose=0).history == history
    assert (run.folder / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"carry": 0}, "carry: expected a number of windows, at least 1, got 0"),
        ({"batch_size": 5000}, "ids: expected at least 100001 for a batch of 5000 rows at step 20, got 84504"),
    ],
)
def test_settings_that_do_not_work(settings, message):
    with pytest.raises(ValueError, match=message):
        Sonnets("unused", Sonnets.Settings(**settings)).data()


@pytest.mark.parametrize(
    ("most", "more"),
    [
        ({"layers": 100}, {"layers": 101}),
        ({"temperatures": (0.0,)}, {"temperatures": (1.0, -0.1)}),
        ({"temperatures": (1e9,)}, {"temperatures": (float("inf"),)}),
        ({"dropout": 0.0}, {"dropout": -0.1}),
    ],
)
def test_how_far_settings_may_go(most, more):
    Sonnets.Settings(**most)
    with pytest.raises(ValueError, match=f"{next(iter(more))}: expected "):
        Sonnets.Settings(**more)


def test_the_smallest_text_is_enough_for_the_default_batch(tmp_path):
    text = ("so long as men can breathe, or eyes can see,\n" * 10)[:410]
    run = Sonnets(tmp_path / "run", Sonnets.Settings(units=6, epochs=1), Corpus(text, file="short.txt"))
    run.create()
    assert len(run.fit(verbose=0).history["val_loss"]) == 1
