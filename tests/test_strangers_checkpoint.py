"""A checkpoint may come from anybody: its content is data, checked before anything changes."""

from types import SimpleNamespace

import numpy as np
import pytest

from nnlite import callbacks
from nnlite.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    JSONLogger,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from nnlite.callbacks.base import says
from nnlite.callbacks.progress_bar import ProgressBar
from nnlite.experiment.minimal_rnn import Recipe
from nnlite.layers import LSTM, BatchNorm, Dense
from nnlite.losses import SparseCategoricalCrossentropy
from nnlite.models.batch import Batch
from nnlite.models.loading import load_model
from nnlite.models.sequential import Sequential
from nnlite.optimizers import Adam
from nnlite.saving import checkpoint, loop_state, states, training_state
from nnlite.saving.checkpoint import CheckpointError
from nnlite.schedules import Constant, CosineDecay, WarmUp

X = np.random.default_rng(0).integers(4, size=(6, 5))
Y = (X + 1) % 4


class Own(Callback):
    """A user's callback: it has a state, and no check of it."""

    def __init__(self):
        self.steps = 0

    def on_train_batch_end(self, batch, logs):
        self.steps += 1

    def get_state(self):
        return {"steps": self.steps}

    def set_state(self, state):
        self.steps = state["steps"] + 0


class OwnStopping(EarlyStopping):
    """A user's callback that adds to a state of ours."""

    extra = "none"

    def get_state(self):
        return {**super().get_state(), "extra": self.extra}

    def set_state(self, state):
        state = dict(state)
        self.extra = state.pop("extra")
        super().set_state(state)


class Crash(Callback):
    def __init__(self, step):
        self.step = step

    def on_train_batch_end(self, batch, logs):
        if self.model.optimizer.iterations == self.step:
            raise ZeroDivisionError


def make_model(built=True):
    layers = [LSTM(3, return_sequences=True, stateful=True, input_dim=4), BatchNorm(), Dense(4)]
    model = Sequential(layers, input_shape=(5,) if built else None, seed=0)
    model.compile(Adam(0.1), SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def ours(folder):
    """One of each callback of nnlite that has a state or a file."""
    return [
        LearningRateScheduler(lambda epoch: 0.1),
        ReduceLROnPlateau("loss", patience=9),
        CSVLogger(folder / "log.csv"),
        EarlyStopping("loss", patience=9, restore_best_weights=True),
        ModelCheckpoint(folder / "best.safetensors", "loss", save_best_only=True),
        JSONLogger(folder / "log.jsonl"),
        BackupAndRestore(folder / "backup.safetensors", save_freq=1),
    ]


def fit(model, *callbacks):
    return model.fit(X, Y, 2, 3, callbacks=[*callbacks], shuffle=False, verbose=0)


def stopped(folder, *more, step=5):
    """The backup of a training that was stopped: by default in the middle of the second epoch."""
    with pytest.raises(ZeroDivisionError):
        fit(make_model(), *ours(folder), *more, Crash(step))
    return folder / "backup.safetensors"


def forge(path, change):
    """Change what a checkpoint says, and make its checksum anew, as a stranger can."""
    tree = checkpoint.read(path)
    change(tree)
    checkpoint.write(path, tree)


def of(name, **entries):
    return lambda tree: tree["run"]["callbacks"][name].update(entries)


def without(name, key):
    return lambda tree: tree["run"]["callbacks"][name].pop(key)


def run(**entries):
    return lambda tree: tree["run"].update(entries)


def optimizer(**entries):
    return lambda tree: tree["optimizer"].update(entries)


def mt19937(position):
    state = np.random.MT19937(0).state
    state["state"]["pos"] = position
    return state


STRANGE = [
    # Where files are to be written is never a checkpoint's to say.
    (of("ModelCheckpoint", path="/tmp/elsewhere"), "ModelCheckpoint: .* unknown entry 'path'"),
    (of("EarlyStopping", path="/tmp/elsewhere"), "EarlyStopping: .* unknown entry 'path'"),
    (of("JSONLogger", path="/tmp/elsewhere"), "JSONLogger: .* unknown entry 'path'"),
    (of("History", path="/tmp/elsewhere"), "History: .* unknown entry 'path'"),
    (of("CSVLogger", path="/tmp/elsewhere"), "CSVLogger: .* unknown entry 'path'"),
    (
        lambda tree: tree["run"]["callbacks"].update(LearningRateScheduler={"path": "x"}),
        "LearningRateScheduler: .* unknown entry 'path'",
    ),
    (lambda tree: tree["run"]["callbacks"].update(BackupAndRestore={"path": "x"}), "unknown entry 'path'"),
    (of("ModelCheckpoint", on_epoch_end=1), "ModelCheckpoint: .* unknown entry 'on_epoch_end'"),
    (lambda tree: tree["run"]["callbacks"].update(EarlyStopping=[1]), "EarlyStopping: expected entries with names"),
    (of("EarlyStopping", best="good"), "EarlyStopping: best: expected a number, got 'good'"),
    (of("EarlyStopping", best=10**400), "EarlyStopping: best: expected a number"),
    (of("EarlyStopping", best=True), "EarlyStopping: best: expected a number, got True"),
    (of("EarlyStopping", best_epoch=-1), "EarlyStopping: best_epoch: expected a whole number of at least 0, got -1"),
    (of("EarlyStopping", wait=1.5), "EarlyStopping: wait: expected a whole number of at least 0, got 1.5"),
    (of("EarlyStopping", wait=None), "EarlyStopping: wait: expected a whole number"),
    (of("EarlyStopping", stopped_epoch="last"), "EarlyStopping: stopped_epoch"),
    (of("EarlyStopping", best_weights={}), "best_weights are \\[\\] in the file and"),
    (of("EarlyStopping", best_weights=[1]), "EarlyStopping: best_weights: expected entries with names"),
    (
        lambda tree: tree["run"]["callbacks"]["EarlyStopping"]["best_weights"].update({"dense.b": np.zeros(5, "f4")}),
        r"best_weights: dense.b is float32 \(5,\) in the file, and float32 \(4,\) in the model",
    ),
    (
        lambda tree: tree["run"]["callbacks"]["EarlyStopping"]["best_weights"].update({"dense.b": np.zeros(4)}),
        r"best_weights: dense.b is float64",
    ),
    (without("EarlyStopping", "wait"), "EarlyStopping: .* wait is missing"),
    (of("ModelCheckpoint", best=[]), "ModelCheckpoint: best: expected a number"),
    (of("ModelCheckpoint", best_epoch=0.0), "ModelCheckpoint: best_epoch"),
    (without("ModelCheckpoint", "best"), "ModelCheckpoint: .* best is missing"),
    (of("JSONLogger", bytes=-1), "JSONLogger: bytes: expected a whole number of at least 0, got -1"),
    (of("JSONLogger", bytes=1e3), "JSONLogger: bytes: expected a whole number"),
    (of("CSVLogger", bytes=-1), "CSVLogger: bytes: expected a whole number of at least 0, got -1"),
    (of("CSVLogger", names="loss"), "CSVLogger: names: expected a list, got 'loss'"),
    (of("CSVLogger", names=[1]), r"CSVLogger: names\[0\]: expected a text, got 1"),
    (without("CSVLogger", "names"), "CSVLogger: .* names is missing"),
    (of("ReduceLROnPlateau", best="low"), "ReduceLROnPlateau: best: expected a number, got 'low'"),
    (of("ReduceLROnPlateau", wait=-1), "ReduceLROnPlateau: wait: expected a whole number of at least 0, got -1"),
    (of("ReduceLROnPlateau", cooldown_counter=0.5), "ReduceLROnPlateau: cooldown_counter: expected a whole number"),
    (without("ReduceLROnPlateau", "wait"), "ReduceLROnPlateau: .* wait is missing"),
    (of("History", epoch=[-1]), r"History: epoch\[0\]: expected a whole number of at least 0, got -1"),
    (of("History", epoch=3), "History: epoch: expected a list, got 3"),
    (of("History", history={"loss": ["low"]}), r"History: history: loss\[0\]: expected a number, got 'low'"),
    (of("History", history={"accuracy": 1}), "History: history: accuracy: expected a list"),
    (of("History", history={"extra": 1}), "History: history: extra: expected a list"),
    (of("History", history=[]), "History: history: expected entries with names"),
    (lambda tree: tree["run"]["callbacks"].pop("History"), "there is no History"),
    (run(callbacks=[]), "run: callbacks: expected entries with names"),
    (run(epoch=-1), "run: epoch: expected a whole number of at least 0, got -1"),
    (run(epoch="1"), "run: epoch: expected a whole number"),
    (run(epoch=False), "run: epoch: expected a whole number"),
    (run(batch=-2), "run: batch: expected a whole number"),
    (run(batch=4), "run: batch: an epoch has 3 batches, got 4"),
    (run(batch=None), "run: batch: expected a whole number"),
    (run(totals={"loss": "1", "accuracy": 1.0}), r"run: totals\['loss'\]: expected a number"),
    (run(totals={"loss": 1.0}), r"totals of loss, accuracy; got .*totals of \['loss'\]"),
    (run(totals=1.0), "run: totals: expected entries with names"),
    (run(seen=-3), "run: seen: expected a whole number"),
    (run(seen=0), "run: after batch 1 expected seen above 0"),
    (run(seen=[]), "run: seen: expected a whole number"),
    (run(stop_training=1), "run: stop_training: expected true or false, got 1"),
    (run(order_rng=None), "got seen=2, order_rng=none"),
    (run(order_rng=7), "run: order_rng: expected entries with names"),
    (run(order_rng={"bit_generator": "PCG64"}), "run: order_rng: this is no state of a PCG64"),
    (run(order_rng=mt19937(0)), "run: order_rng: expected the state of a PCG64, got 'MT19937'"),
    (run(path="x"), "run: .* unknown entry 'path'"),
    (lambda tree: tree["run"].pop("seen"), "run: .* seen is missing"),
    (lambda tree: tree["run"].pop("data"), "run: data: expected entries with names, got None"),
    (lambda tree: tree.update(run=[1]), "run: expected entries with names"),
    (lambda tree: tree.pop("recipe"), "recipe"),
    (lambda tree: tree.update(recipe="x" * 10_000), "is 'xxxx.{0,40}x' in the file and"),
    (optimizer(iterations=-1), "optimizer: iterations: expected a whole number of at least 0, got -1"),
    (optimizer(iterations=True), "optimizer: iterations: expected a whole number"),
    (optimizer(iterations=2.0), "optimizer: iterations: expected a whole number"),
    (optimizer(beta=1), "optimizer: .* unknown entry 'beta'"),
    (lambda tree: tree["optimizer"].pop("state"), "optimizer: .* state is missing"),
    (optimizer(state=[]), "optimizer: state: expected entries with names"),
    (optimizer(state={}), "optimizer's arrays are \\[\\] in the file"),
    (lambda tree: tree["optimizer"]["state"].update({"hat/dense.b": np.zeros(4, "f4")}), "'hat/dense.b'.* in the file"),
    (optimizer(iterations=0, state={"hat/dense.b": np.zeros(4, "f4")}), "'hat/dense.b'.* in the file"),
    (lambda tree: tree["optimizer"]["state"].pop("velocity/dense.b"), "the optimizer's arrays are"),
    (
        lambda tree: tree["optimizer"]["state"].update({"velocity/dense.b": np.zeros((4, 1), "f4")}),
        r"velocity/dense.b is float32 \(4, 1\) in the file",
    ),
    (lambda tree: tree["optimizer"]["state"].update({"velocity/dense.b": 3}), "velocity/dense.b is 3 in the file"),
    (optimizer(config=None), "subscriptable"),
    (optimizer(config={"learning_rate": "fast"}), "learning_rate: expected a number, got 'fast'"),
    (lambda tree: tree.update(optimizer=[]), "optimizer: expected entries with names"),
    (lambda tree: tree.update(params=[]), "parameters: expected entries with names"),
    (lambda tree: tree["params"].update({"dense.b": 1.0}), "dense.b is 1.0 in the file"),
    (lambda tree: tree.update(statistics=None), "statistics: expected entries with names"),
    (lambda tree: tree.update(states=3), "states: expected entries with names"),
    (lambda tree: tree["states"].update(lstm=[np.zeros((3, 3), "f4")] * 2), "the state of lstm has the shapes"),
    (lambda tree: tree["states"].update(lstm=[np.zeros((2, 3), "f4")]), "the state of lstm has the shapes"),
    (lambda tree: tree["states"].update(lstm=[np.zeros((2, 9), "f4")] * 2), "the state of lstm has the shapes"),
    (lambda tree: tree["states"].update(lstm=[]), "the state of lstm has the shapes"),
    (lambda tree: tree.update(rng=None), "rng: expected entries with names"),
    (lambda tree: tree["rng"]["state"].update(state=-1), "rng: this is no state of a PCG64"),
    (lambda tree: tree["rng"].update(more=1), "rng: a PCG64 in this state would be in another one"),
]  # fmt: skip


def snapshot(model, callbacks):
    """All of the model, and of each callback what `fit` has not given it."""
    given = {"model", "run", "_recipe"}
    return checkpoint.encode(training_state.model_tree(model)), [
        {name: value for name, value in vars(callback).items() if name not in given} for callback in callbacks
    ]


class Look(Callback):
    """Takes a snapshot at the last moment before the backup is read."""

    def __init__(self, callbacks):
        self.callbacks = callbacks

    def on_train_begin(self, logs):
        self.before = snapshot(self.model, self.callbacks)


@pytest.mark.parametrize(("change", "message"), STRANGE)
def test_what_no_training_can_have_written_is_refused_before_anything_changes(tmp_path, change, message):
    forge(stopped(tmp_path), change)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    model, callbacks = make_model(), [*ours(tmp_path), Own()]
    look = Look(callbacks)
    with pytest.raises(CheckpointError, match=f"(?s)cannot resume from .*{message}") as caught:
        fit(model, *callbacks, look)
    assert len(str(caught.value)) < 2000
    assert snapshot(model, callbacks) == look.before
    assert model.stop_training is False
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_a_path_in_a_checkpoint_leads_nowhere(tmp_path):
    """The attack: a checkpoint that says where the next model is to be written."""
    target = tmp_path / "thesis.txt"
    target.write_text("years of work")
    for name in ("ModelCheckpoint", "EarlyStopping", "JSONLogger"):
        backup = stopped(tmp_path)
        forge(backup, of(name, path=str(target), _file=None))
        with pytest.raises(CheckpointError, match="unknown entry 'path'"):
            fit(make_model(), *ours(tmp_path))
        backup.unlink()
    assert target.read_text() == "years of work"


@pytest.mark.parametrize("built", [True, False])
@pytest.mark.parametrize("step", [2, 3, 4, 5, 7])
def test_an_honest_checkpoint_is_none_of_these(tmp_path, built, step):
    """What `fit` writes passes every check, at an epoch's end and in the middle of one."""
    (tmp_path / "straight").mkdir()
    straight, resumed = make_model(built), make_model(built)
    expected = fit(straight, *ours(tmp_path / "straight"), Own()).history
    stopped(tmp_path, Own(), step=step)
    own = Own()
    assert fit(resumed, *ours(tmp_path), own).history == expected
    assert own.steps == 9
    assert checkpoint.encode(training_state.model_tree(resumed)) == checkpoint.encode(
        training_state.model_tree(straight)
    )


def test_a_shape_in_the_file_makes_nothing(tmp_path):
    """A model that has no weights yet is built for its data, whatever the file says of their shape."""
    forge(stopped(tmp_path), lambda tree: tree["model"].update(input_shape=[10**12]))
    fit(make_model(built=False), *ours(tmp_path))


# Callbacks of one's own


def test_a_callback_of_ones_own_may_keep_what_it_likes(tmp_path):
    stop = OwnStopping("loss", patience=9)
    stop.extra = "kept"
    stopped(tmp_path, stop)
    resumed = OwnStopping("loss", patience=9)
    fit(make_model(), *ours(tmp_path), resumed)
    assert (resumed.extra, resumed.best_epoch) == ("kept", 2)


@pytest.mark.parametrize("state", [{"steps": "many"}, {}, [3], None, {"steps": None}])
def test_one_that_refuses_comes_before_anything_changes(tmp_path, state):
    forge(stopped(tmp_path, Own()), lambda tree: tree["run"]["callbacks"].update(Own=state))
    model, callbacks = make_model(), [*ours(tmp_path), Own()]
    look = Look(callbacks)
    with pytest.raises(CheckpointError, match=r"cannot resume from .*Own cannot go on from its state"):
        fit(model, *callbacks, look)
    assert snapshot(model, callbacks) == look.before


class Checked(Own):
    def check_state(self, state):
        states.fields("Checked", state, {"steps": states.count})


def test_one_may_say_what_its_state_is(tmp_path):
    forge(stopped(tmp_path, Checked()), of("Checked", steps=-1))
    with pytest.raises(CheckpointError, match="Checked: steps: expected a whole number of at least 0, got -1"):
        fit(make_model(), *ours(tmp_path), Checked())


class Silent(Callback):
    """Tells of itself, and takes nothing back, on purpose."""

    set_state = Callback.set_state

    def get_state(self):
        return {"mood": "good"}


def test_one_may_tell_and_not_listen(tmp_path):
    stopped(tmp_path, Silent())
    fit(make_model(), *ours(tmp_path), Silent())


@pytest.mark.parametrize("kind", [Callback, ProgressBar])
def test_what_keeps_no_state_takes_none(kind):
    kind().check_state({})
    with pytest.raises(ValueError, match=f"{kind.__name__}: expected no entries .* unknown entry 'path'"):
        kind().check_state({"path": "x"})


def test_all_callbacks_of_ours_say_what_their_state_is():
    kinds = [Callback]
    for kind in kinds:
        kinds += [k for k in kind.__subclasses__() if k.__module__.startswith("nnlite.")]
    assert {EarlyStopping, Recipe, callbacks.History} <= {*kinds}
    for kind in kinds:
        assert says(kind.__new__(kind), "check_state", "get_state", "set_state"), kind


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"smoothed": 1.0, "samples": [], "experiment": 1}, "unknown entry 'experiment'"),
        ({"smoothed": "1", "samples": []}, "smoothed: expected a finite number"),
        ({"smoothed": 1.0, "samples": [[1, 2.0]]}, r"samples\[0\]: expected a list of 3"),
        ({"smoothed": 1.0, "samples": [[1, 2.0, 3]]}, r"samples\[0\]\[2\]: expected a text, got 3"),
        ({"smoothed": 1.0, "samples": [[-1, 2.0, ""]]}, r"samples\[0\]\[0\]: expected a whole number"),
    ],
)
def test_the_minimal_recipe(state, message):
    recipe = Recipe.__new__(Recipe)
    recipe.check_state({"smoothed": 1.0, "samples": [[0, 3.6, "my love"]]})
    with pytest.raises(ValueError, match=message):
        recipe.check_state(state)


# Random generators: NumPy takes positions beyond the end of the numbers drawn, and then reads there.


@pytest.mark.parametrize("position", [-1, 625, 10**6, 2**31 - 1])
def test_a_position_of_mt19937(position):
    states.generator(np.random.MT19937)("rng", mt19937(624))
    with pytest.raises(ValueError, match=r"rng: expected a position from 0 to 624|no state of a MT19937"):
        states.generator(np.random.MT19937)("rng", mt19937(position))


@pytest.mark.parametrize("position", [-1, 5, 10**6])
def test_a_position_of_philox(position):
    with pytest.raises(ValueError, match=r"rng: expected a position from 0 to 4|no state of a Philox"):
        states.generator(np.random.Philox)("rng", np.random.Philox(0).state | {"buffer_pos": position})


@pytest.mark.parametrize("key", [np.zeros(3, "u4"), np.zeros(624), np.zeros(625, "u4"), [1] * 624, None])
def test_a_key_of_mt19937(key):
    state = mt19937(0)
    state["state"]["key"] = key
    with pytest.raises(ValueError, match="rng: "):
        states.generator(np.random.MT19937)("rng", state)


@pytest.mark.parametrize("levels", [100, 900, 5000, 50_000])
def test_no_depth_breaks_more_than_the_file(tmp_path, levels):
    def nest(tree):
        tree["run"]["callbacks"]["EarlyStopping"]["best"] = "DEEP"

    path = stopped(tmp_path)
    forge(path, nest)
    tree = checkpoint.read(path)
    tensors: dict = {}
    text = checkpoint.json.dumps({"version": 1, "tree": checkpoint._without_arrays(tree, "", tensors)})
    text = text.replace('"DEEP"', "[" * levels + "]" * levels)
    from safetensors.numpy import save_file

    save_file(tensors, path, {"nnlite": text, "sha256": checkpoint._checksum(tensors, text)})
    with pytest.raises(CheckpointError):
        fit(make_model(), *ours(tmp_path))


@pytest.mark.parametrize(
    ("rate", "message"),
    [
        ({"class": "Path", "config": {}}, "there is no schedule 'Path'"),
        ({"class": "Configured", "config": {}}, "there is no schedule 'Configured'"),
        ({"class": ["Constant"], "config": {}}, "cannot load the model"),
        ({"class": "Constant", "config": {"learning_rate": "fast"}}, "learning_rate: expected a number, got 'fast'"),
        ({"class": "Constant", "config": {"path": "x"}}, "Constant: unknown argument 'path'"),
        ({"class": "Constant", "config": 3}, "cannot load the model"),
        ({"class": "WarmUp", "config": {"schedule": {"class": "WarmUp"}, "warmup_steps": 1}}, "expected a schedule"),
        ({}, "there is no 'class'"),
    ],
)
def test_a_schedule_in_a_file_is_checked(tmp_path, rate, message):
    model = make_model()
    model.optimizer.learning_rate = WarmUp(Constant(0.1), 3)
    model.save(tmp_path / "m")
    forge(tmp_path / "m", lambda tree: tree["optimizer"]["config"].update(learning_rate=rate))
    with pytest.raises(CheckpointError, match=message):
        load_model(tmp_path / "m")


def test_a_count_that_no_training_reaches_is_refused(tmp_path):
    model = make_model()
    model.optimizer.learning_rate = CosineDecay(0.1, decay_steps=100)
    model.save(tmp_path / "m")
    forge(tmp_path / "m", lambda tree: tree["optimizer"].update(iterations=10**400))
    with pytest.raises(CheckpointError, match=r"in .*m: optimizer: iterations: expected a whole number below"):
        load_model(tmp_path / "m")


@pytest.mark.parametrize("part", ["model", "optimizer"])
def test_a_name_in_a_file_cannot_control_a_terminal(tmp_path, part):
    make_model().save(tmp_path / "m")
    named = {"class": "\x1b[2J\x9b", "config": {}}
    change = {"layers": [named]} if part == "model" else named
    forge(tmp_path / "m", lambda tree: tree[part].update(change))
    with pytest.raises(CheckpointError, match=r"custom_objects=\{.*: \\x1b\[2J\\x9b\}") as caught:
        load_model(tmp_path / "m")
    assert str(caught.value).isprintable()


def test_a_resumed_training_keeps_the_schedule_of_the_program(tmp_path):
    """The file's recipe is that of the program, and what its optimizer follows is another schedule."""

    def scheduled():
        model = make_model()
        model.optimizer.learning_rate = Constant(0.1)
        return model

    backup = BackupAndRestore(tmp_path / "b", save_freq=1)
    with pytest.raises(ZeroDivisionError):
        fit(scheduled(), backup, Crash(3))
    for rate in ({"class": "Constant", "config": {"learning_rate": 0.9}}, 0.9, None):
        forge(tmp_path / "b", lambda tree, rate=rate: tree["optimizer"]["config"].update(learning_rate=rate))
        model = scheduled()
        with pytest.raises(CheckpointError, match=r"the learning rate is .* in the file and Constant"):
            fit(model, backup)
        assert model.optimizer.iterations == 0


@pytest.mark.parametrize(("others", "is_told"), [({}, True), ({"batch_size": 3}, False)])
def test_that_numbers_are_others_is_told_where_all_else_is_the_same(others, is_told):
    loop = SimpleNamespace(data=Batch(np.zeros(4)), batch_size=2, shuffle=True)
    data = {"samples": 4, "batch_size": 2, "shuffle": True, "checksum": 1} | others
    with pytest.raises(ValueError, match="it is from a run with samples=4") as error:
        loop_state.check_data(loop, {"data": data})
    assert ("hold other numbers" in str(error.value)) == is_told
