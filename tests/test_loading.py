"""Loading takes what the file holds, and no more: no memory for what it claims, and no random weights."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest
from numeric import assert_same_bits

import nnlite
from nnlite import initializers
from nnlite.saving import checkpoint, training_state
from nnlite.text import Vocabulary

# A layer, the shape of its input, and what the file claims of it: from the layer's configuration, or of the input.
CLAIMS = {
    "RNN": (nnlite.RNN(2), (4, 3), "units"),
    "GRU": (nnlite.GRU(2), (4, 3), "units"),
    "LSTM": (nnlite.LSTM(2), (4, 3), "units"),
    "Bidirectional": (nnlite.Bidirectional(nnlite.LSTM(2)), (4, 3), "layer"),
    "Dense": (nnlite.Dense(2), (3,), "units"),
    "Conv2D": (nnlite.Conv2D(2, 1), (4, 4, 3), "filters"),
    "Embedding": (nnlite.Embedding(5, 2), (4,), "vocabulary_size"),
    "BatchNorm": (nnlite.BatchNorm(), (3,), None),
    "LayerNorm": (nnlite.LayerNorm(), (3,), None),
}
MANY = 10**8


def claiming(name):
    """The tree of a small model that claims to be huge."""
    layer, input_shape, setting = CLAIMS[name]
    layer = type(layer).from_config(layer.get_config())
    tree = training_state.model_tree(nnlite.Sequential([layer], input_shape=input_shape))
    config = tree["model"]["layers"][0]["config"]
    if setting == "layer":
        config["layer"]["config"]["units"] = MANY
    elif setting:
        config[setting] = MANY
    else:
        tree["model"]["input_shape"] = [MANY]
    return tree


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_is_compared_with_the_file_before_it_takes_memory(tmp_path, name):
    checkpoint.write(tmp_path / "a", claiming(name))
    tracemalloc.start()
    try:
        with pytest.raises(nnlite.CheckpointError, match=r"in the file and \(.*00000000.*\) in the model"):
            nnlite.load_model(tmp_path / "a")
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


def test_a_layer_without_its_arrays(tmp_path):
    tree = claiming("Dense")
    tree["params"] = {"dense.W": tree["params"]["dense.W"]}
    tree["model"]["layers"][0]["config"]["units"] = 2
    checkpoint.write(tmp_path / "a", tree)
    with pytest.raises(nnlite.CheckpointError, match=r"dense.b is missing in the file and \(2,\) in the model"):
        nnlite.load_model(tmp_path / "a")


@pytest.mark.parametrize("name", CLAIMS)
def test_loading_draws_no_weights(tmp_path, monkeypatch, name):
    layer, input_shape, _ = CLAIMS[name]
    model = nnlite.Sequential([type(layer).from_config(layer.get_config())], input_shape=input_shape, seed=0)
    for array in [*model.params.values(), *model.statistics.values()]:
        array[...] = np.random.default_rng(1).standard_normal(array.shape)
    model.save(tmp_path / "a")
    monkeypatch.setattr(initializers, "get", None)
    loaded = nnlite.load_model(tmp_path / "a")
    monkeypatch.undo()
    for kind in ("params", "statistics"):
        for key, array in getattr(model, kind).items():
            assert_same_bits(getattr(loaded, kind)[key], array, key)
    assert all(layer._saved is None for layer in loaded.layers)
    assert loaded.rng.bit_generator.state == model.rng.bit_generator.state


class Mul(nnlite.Layer):
    """Keeps its argument under another name."""

    def __init__(self, k=1, **kwargs):
        super().__init__(**kwargs)
        self.factor = k

    def forward(self, x, training=False):
        return x * self.factor(2) if callable(self.factor) else x * self.factor

    def backward(self, dy):
        return dy * self.factor


class MulInConfig(Mul):
    def get_config(self):
        return {**super().get_config(), "k": self.factor}


class MulByName(Mul):
    """Its configuration has a function's name, from which its constructor makes the function again."""

    def __init__(self, k, **kwargs):
        super().__init__(getattr(np, k) if isinstance(k, str) else k, **kwargs)

    def get_config(self):
        return {**super().get_config(), "k": self.factor.__name__}


class PlainMul(Mul):
    """Takes no name and no dtype."""

    def __init__(self, k):
        super().__init__(k)


class ReluDense(nnlite.Dense):
    def __init__(self, units):
        super().__init__(units, activation="relu")


class AnyReluDense(nnlite.Dense):
    def __init__(self, units, **kwargs):
        super().__init__(units, activation="relu", **kwargs)


class MendedReluDense(nnlite.Dense):
    def __init__(self, units, **kwargs):
        kwargs.setdefault("activation", "relu")
        super().__init__(units, **kwargs)


class ShownLSTM(nnlite.LSTM):
    def __init__(self, units, show=None, **kwargs):
        super().__init__(units, **kwargs)
        self.s = show


class HalfLoss(nnlite.losses.MeanSquaredError):
    def __init__(self, part=0.5):
        super().__init__()
        self.p = part


class SlowAdam(nnlite.Adam):
    def __init__(self, slower=1.0, **kwargs):
        super().__init__(**kwargs)
        self.s = slower


class Rise(nnlite.schedules.Schedule):
    def __init__(self, by):
        self.b = by

    def __call__(self, step):
        return self.b * (step + 1)


class Pull(nnlite.regularizers.Regularizer):
    def __init__(self, strength=0.5):
        self.s = strength

    def loss(self, w):
        return self.s * float((w * w).sum())

    def gradient(self, w):
        return 2 * self.s * w


OWN = {kind.__name__: kind for kind in (Mul, MulInConfig, PlainMul, ReluDense, AnyReluDense, HalfLoss, SlowAdam, Rise)}


def compiled(*layers, optimizer="adam", loss="mse", metrics=None):
    model = nnlite.Sequential(list(layers), input_shape=(3,), seed=0)
    model.compile(optimizer, loss, metrics)
    return model


def loaded(model, tmp_path, custom=OWN):
    model.save(tmp_path / "a")
    return nnlite.load_model(tmp_path / "a", custom)


@pytest.mark.parametrize("make", [lambda: Mul(3), lambda: Mul(k=3.0), lambda: MulInConfig(3)])
def test_an_argument_that_no_attribute_keeps_comes_back(tmp_path, make):
    model, x = compiled(make()), np.ones((2, 3), "float32")
    for same in (loaded(model, tmp_path), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(same.predict(x), 3 * x)
        assert same.layers[0].get_config()["k"] == 3
        np.testing.assert_array_equal(loaded(same, tmp_path).predict(x), 3 * x)
    assert repr(make()) in ("Mul(k=3)", "Mul(k=3.0)", "MulInConfig(k=3)")


def test_so_it_does_for_optimizers_losses_schedules_and_regularizers(tmp_path):
    model = compiled(nnlite.Dense(3), optimizer=SlowAdam(2.0, learning_rate=Rise(0.25)), loss=HalfLoss(0.125))
    same = loaded(model, tmp_path)
    assert (same.optimizer.s, same.optimizer.schedule.b, same.loss.p) == (2.0, 0.25, 0.125)
    assert Pull.from_config(Pull(2.0).get_config()).s == 2.0


def test_nothing_is_remembered_that_an_attribute_keeps():
    class Kept(nnlite.Dense):
        def __init__(self, units, extra=1, **kwargs):
            super().__init__(units, **kwargs)
            self.extra = extra

    for one in (Kept(3, extra=2, seed=1, name="a", trainable=False), Mul(1), Mul(), nnlite.Dense(3), nnlite.Adam(0.5)):
        assert "_given" not in vars(one)
    changed = Mul(3)
    changed.k = 4  # an attribute knows better
    assert changed.get_config()["k"] == 4


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            lambda: compiled(Mul(np.sqrt)),
            "Mul: k: expected an attribute self.k or a value that JSON can write, got ufunc: keep it as self.k, or "
            "write get_config",
        ),
        (
            lambda: compiled(nnlite.Dense(3), loss=HalfLoss(np.ones(2))),
            "HalfLoss: part: expected an attribute self.part",
        ),
        (
            lambda: compiled(nnlite.Dense(3), optimizer=nnlite.Adam(Rise(np.ones(())))),
            "Rise: by: expected an attribute self.by",
        ),
        (
            lambda: compiled(ReluDense(3)),
            "ReluDense: its constructor does not take dtype, name, activation: add **kwargs, set its own activation by "
            "kwargs.setdefault('activation', ...) and hand them to super().__init__()",
        ),
        (
            lambda: compiled(nnlite.Sequential([PlainMul(3)])),
            "PlainMul: its constructor does not take dtype, name: add",
        ),
        (lambda: compiled(nnlite.Dense(3, kernel_regularizer=Pull(np.ones(())))), "Pull: strength: expected an attr"),
    ],
)
def test_save_refuses_what_could_not_be_made_again(tmp_path, model, message):
    with pytest.raises(TypeError) as raised:
        model().save(tmp_path / "a")
    assert str(raised.value).startswith(message)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nnlite.Bidirectional(ShownLSTM(2, print)), "ShownLSTM: show: expected an attribute self.show"),
        (lambda: nnlite.Dense(3, activation=Mul(np.sqrt)), "Mul: k: expected an attribute self.k"),
    ],
)
def test_a_layer_that_is_copied_loses_no_argument(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_a_get_config_of_ones_own_may_write_what_json_cannot(tmp_path):
    assert loaded(compiled(MulByName(np.sqrt)), tmp_path, {"MulByName": MulByName}).layers[0].factor is np.sqrt


def test_load_says_what_a_constructor_lacks(tmp_path):
    model = compiled(ReluDense(3))
    checkpoint.write(tmp_path / "a", training_state.model_tree(model))  # as an older nnlite did
    with pytest.raises(nnlite.CheckpointError, match=r"ReluDense: its constructor does not take dtype, name, act"):
        nnlite.load_model(tmp_path / "a", OWN)
    mended = nnlite.load_model(tmp_path / "a", {"ReluDense": MendedReluDense})  # the message's advice
    assert mended.layers[0].activation.name == model.layers[0].activation.name
    model, message = compiled(AnyReluDense(3)), r"activation.*: write kwargs\.setdefault\('activation', \.\.\.\)"
    with pytest.raises(TypeError, match=message):
        model.save(tmp_path / "a")
    checkpoint.write(tmp_path / "a", training_state.model_tree(model))
    with pytest.raises(nnlite.CheckpointError, match=message):
        nnlite.load_model(tmp_path / "a", OWN)


def mymae(y_true, y_pred):
    return float(np.abs(y_true - y_pred).mean())


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ({"metrics": [mymae]}, "mymae"),
        ({"loss": HalfLoss()}, "HalfLoss"),
        ({"optimizer": SlowAdam()}, "SlowAdam"),
    ],
)
def test_load_says_how_to_give_what_is_ones_own(tmp_path, part, name):
    model = compiled(nnlite.Dense(2), **part)
    with pytest.raises(nnlite.CheckpointError, match=rf"custom_objects={{'{name}': {name}}}"):
        loaded(model, tmp_path, None)
    same = loaded(model, tmp_path, {name: globals()[name]})
    assert type(same.loss) is type(model.loss)
    assert same.metrics == model.metrics


def resaved(path, change):
    """The file of a small model, after a change of its tree."""
    nnlite.Sequential([nnlite.Dense(2)], input_shape=(3,), seed=0).save(path)
    tree = checkpoint.read(path)
    change(tree)
    checkpoint.write(path, tree)
    return path


def test_a_model_of_an_unknown_class(tmp_path):
    path = resaved(tmp_path / "a", lambda tree: tree.update({"class": "Own"}))
    with pytest.raises(checkpoint.CheckpointError, match="the model is a Own: if that is your own class, give it in"):
        nnlite.load_model(path)


def test_a_random_generator_that_numpy_does_not_have(tmp_path):
    path = resaved(tmp_path / "a", lambda tree: tree["rng"].update(bit_generator="Generator"))
    with pytest.raises(checkpoint.CheckpointError, match="its random generator is 'Generator', expected one of PCG64"):
        nnlite.load_model(path)


class TestAVocabulary:
    def model(self):
        model = nnlite.Sequential([nnlite.Embedding(3, 2)], input_shape=(4,))
        model.vocabulary = Vocabulary("abc")
        return model

    def test_is_saved_with_its_model(self, tmp_path):
        model, path = self.model(), tmp_path / "a.safetensors"
        for kept in (model, copy.deepcopy(model), copy.copy(model), pickle.loads(pickle.dumps(model))):
            kept.save(path)
            assert nnlite.load_model(path).vocabulary == Vocabulary("abc")
        model.vocabulary = None
        model.save(path)
        assert nnlite.load_model(path).vocabulary is None
        assert "vocabulary" not in checkpoint.read(path)  # so that such files are what they were

    def test_is_one(self):
        with pytest.raises(TypeError, match=r"expected a nnlite\.text\.Vocabulary, or None, got str"):
            self.model().vocabulary = "abc"

    @pytest.mark.parametrize(
        "forged",
        [3, [], {}, {"characters": "aa"}, {"characters": 3}, {"characters": "\ud800"}, {"c": "a"}, {"characters": ""}],
    )
    def test_of_a_stranger_is_checked(self, forged, tmp_path):
        path = tmp_path / "a.safetensors"
        checkpoint.write(path, {**training_state.model_tree(self.model()), "vocabulary": forged})
        with pytest.raises(nnlite.CheckpointError, match="cannot load the model"):
            nnlite.load_model(path)


# ------------------------------------------------------------------------------- what has changed since the last step


class Heavy(nnlite.Optimizer):
    """Sets its slot, where nnlite's change the array."""

    slots = {"v": 0.0}  # noqa: RUF012

    def update(self, grad, param, slots, scale, clip):
        slots["v"] = 0.9 * slots["v"] + scale * grad
        param -= self.learning_rate * slots["v"]


X = np.random.default_rng(0).standard_normal((8, 4)).astype("float32")
OPTIMIZERS = {
    "SGD": lambda: nnlite.SGD(0.1),
    "momentum": lambda: nnlite.SGD(0.1, momentum=0.9),
    "RMSprop": lambda: nnlite.RMSprop(0.01),
    "Adagrad": lambda: nnlite.Adagrad(0.1),
    "Adam": lambda: nnlite.Adam(0.1),
    "Heavy": lambda: Heavy(0.1),
}


def trained(model):
    model.fit(X, np.zeros((8, 2)), batch_size=4, shuffle=False, verbose=0)
    return model


def made(optimizer):
    inner = nnlite.Sequential([nnlite.Dense(3)], name="inner")
    model = nnlite.Sequential([inner, nnlite.Dense(2), nnlite.Dense(2)], seed=0)
    model.compile(OPTIMIZERS[optimizer](), "mse")
    return trained(model)


def replace(model):
    model.pop()
    model.add(nnlite.Dense(3))  # under the name of the other, with other shapes
    model.add(nnlite.Dense(2))


def exchange_names(model):
    model.layers[1].name, model.layers[2].name = "dense_1", "dense"


def set_optimizer(*settings):
    def change(model):
        for name, value in settings:
            if hasattr(model.optimizer, name):
                setattr(model.optimizer, name, value)

    return change


CHANGES = {
    "a layer is gone": lambda model: model.pop(),
    "a layer is new": lambda model: model.add(nnlite.Dense(2)),
    "a layer has another one's place": replace,
    "a layer has another name": lambda model: setattr(model.layers[1], "name", "other"),
    "an inner model has another name": lambda model: setattr(model.layers[0], "name", "other"),
    "two layers have exchanged their names": exchange_names,
    "all are frozen": lambda model: setattr(model, "trainable", False),
    "a layer is frozen": lambda model: setattr(model.layers[1], "trainable", False),
    "momentum is off": set_optimizer(("momentum", 0.0)),
    "momentum is off for an epoch": lambda model: set_optimizer(("momentum", 0.0))(model) or trained(model),
    "momentum is on": set_optimizer(("momentum", 0.9), ("centered", True)),
    "a layer is frozen, and momentum is on": lambda model: (
        setattr(model.layers[1], "trainable", False) or set_optimizer(("momentum", 0.9))(model)
    ),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("change", CHANGES)
def test_what_save_writes_is_read_and_goes_on_as_the_original(tmp_path, change, optimizer):
    model = made(optimizer)
    CHANGES[change](model)
    model.save(tmp_path / "a.safetensors")
    loaded = nnlite.load_model(tmp_path / "a.safetensors", {"Heavy": Heavy})
    others = [loaded, copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    expected = model.predict(X), trained(model).params
    for other in others:
        assert_same_bits(other.predict(X), expected[0])
        for name, param in trained(other).params.items():
            assert_same_bits(param, expected[1][name], name)


def test_a_model_that_learned_nothing_has_no_moments_to_read(tmp_path):
    frozen, new = (nnlite.Sequential([nnlite.Dense(2, trainable=t)], input_shape=(4,)) for t in (False, True))
    for model, steps in ((frozen, 2), (new, 0)):
        model.compile(nnlite.Adam(), "mse")
        (trained(model) if steps else model).save(tmp_path / "a.safetensors")
        loaded = nnlite.load_model(tmp_path / "a.safetensors")
        assert (loaded.optimizer.iterations, loaded.optimizer.state) == (steps, {})


def test_saving_changes_nothing(tmp_path):
    models = made("Adam"), made("Adam")
    for model in models:
        last = model.pop()
        if model is models[0]:
            model.save(tmp_path / "a.safetensors")
        model.add(last)  # with its moments
        trained(model)
    for name, param in models[0].params.items():
        assert_same_bits(param, models[1].params[name], name)


@pytest.mark.parametrize("optimizer", ["momentum", "Adam"])
def test_a_renamed_layer_keeps_its_moments(optimizer):
    model, same = made(optimizer), made(optimizer)
    for names in (("other", "inside"), ("another", "within")):
        model.layers[1].name, model.layers[0].name = names
        for one, other in zip(trained(model).get_weights(), trained(same).get_weights(), strict=True):
            assert_same_bits(one, other)


def test_an_optimizer_of_ones_own_may_set_its_slots():
    class InPlace(Heavy):
        def update(self, grad, param, slots, scale, clip):
            slots["v"] *= 0.9
            slots["v"] += scale * grad
            param -= self.learning_rate * slots["v"]

    optimizers = Heavy(0.1), InPlace(0.1)
    for optimizer in optimizers:
        params = {"W": np.ones(3)}
        for _ in range(3):
            optimizer.apply({"W": np.arange(3.0)}, params)
    assert_same_bits(optimizers[0].state["v/W"], optimizers[1].state["v/W"])
    assert optimizers[0].state["v/W"].any()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("m", 1.0, "Wrong.update: expected the slots v, got v, m: name m in the class"),
        ("v", 1.0, r"slots\['v'\] of W: expected shape of param, got \(\)"),
        ("v", np.ones(2), r"slots\['v'\] of W: expected shape of param = \(3,\), got \(2,\)"),
    ],
)
def test_what_no_slot_takes_is_refused(name, value, message):
    class Wrong(Heavy):
        def update(self, grad, param, slots, scale, clip):
            slots[name] = value

    with pytest.raises(ValueError, match=message):
        Wrong(0.1).apply({"W": np.ones(3)}, {"W": np.ones(3)})


def test_what_a_users_optimizer_keeps_beside_its_slots_is_not_saved(tmp_path):
    model = made("Heavy")
    model.optimizer.state["steps"] = np.zeros(1)
    model.layers[1].name = "other"
    assert "steps" in trained(model).optimizer.state  # but it stays in the program
    with pytest.raises(ValueError, match="Heavy: expected arrays of its slots in state, got steps: name them"):
        model.save(tmp_path / "a.safetensors")


# ------------------------------------------------------------------------------- one's own classes with nnlite's names


def own(base, **methods):
    return type(base.__name__, (base,), {"__module__": __name__, **methods})


def mean(y_true, y_pred):
    return float(np.mean(y_pred))


mean.__name__ = "accuracy"
NAMESAKES = [
    own(nnlite.Dense, forward=lambda self, x, training=False: 2 * nnlite.Dense.forward(self, x, training)),
    own(nnlite.Sequential, forward=lambda self, x, training=False: 2 * nnlite.Sequential.forward(self, x, training)),
    own(nnlite.MeanSquaredError),
    own(nnlite.Adam),
    own(nnlite.CosineDecay),
    mean,
]


def with_namesake(kind):
    """A model with one of one's own, and where that is in its tree."""
    own = {kind.__name__: kind}
    rate = own.get("CosineDecay", nnlite.CosineDecay)(0.1, 10)
    layers = [nnlite.Sequential([own.get("Dense", nnlite.Dense)(3)], name="inner"), nnlite.Dense(2)]
    model = own.get("Sequential", nnlite.Sequential)(layers, input_shape=(4,), seed=0)
    metrics = [own.get("accuracy", "accuracy")]
    model.compile(own.get("Adam", nnlite.Adam)(rate), own.get("MeanSquaredError", nnlite.MeanSquaredError)(), metrics)
    return model, own


def kinds_in(model):
    found = [model, model.layers[0].layers[0], model.optimizer, model.optimizer.schedule, model.loss]
    return [*map(type, found), *model.metrics.values()]


@pytest.mark.parametrize("kind", NAMESAKES, ids=lambda kind: kind.__name__)
def test_ones_own_is_not_taken_for_nnlites_of_the_same_name(tmp_path, kind):
    model, own = with_namesake(kind)
    model.save(tmp_path / "a.safetensors")
    with pytest.raises(nnlite.CheckpointError, match=f"{kind.__name__}.*custom_objects"):
        nnlite.load_model(tmp_path / "a.safetensors")
    loaded = nnlite.load_model(tmp_path / "a.safetensors", own)
    assert kinds_in(loaded) == kinds_in(model)
    assert_same_bits(loaded.predict(X), model.predict(X))


def unmarked(node):
    """A tree as older versions wrote it."""
    if isinstance(node, dict):
        return {key: unmarked(value) for key, value in node.items()}
    if isinstance(node, list):
        return [unmarked(value) for value in node]
    return node.removeprefix("own>") if isinstance(node, str) else node


@pytest.mark.parametrize("kind", NAMESAKES, ids=lambda kind: kind.__name__)
def test_an_older_file_has_no_mark_of_ones_own(tmp_path, kind):
    model, own = with_namesake(kind)
    tree = training_state.model_tree(model)
    assert "own>" in str(tree)
    checkpoint.write(tmp_path / "a", unmarked(tree))
    assert kinds_in(nnlite.load_model(tmp_path / "a", own)) == kinds_in(model)


@pytest.mark.parametrize(
    ("layer", "found"),
    [
        (lambda: nnlite.Dense(3, activation=own(nnlite.Tanh)()), lambda layer: layer.activation),
        (lambda: nnlite.TimeDistributed(own(nnlite.Dense)(3)), lambda layer: layer.layer),
        (lambda: nnlite.Bidirectional(own(nnlite.LSTM)(3)), lambda layer: layer.backward_layer),
        (
            lambda: nnlite.Dense(3, kernel_regularizer=own(nnlite.regularizers.L2)()),
            lambda layer: layer.kernel_regularizer,
        ),
        (
            lambda: nnlite.Dense(3, kernel_initializer=own(initializers.Constant)(2.0)),
            lambda layer: layer.kernel_initializer,
        ),
    ],
)
def test_ones_own_within_a_layer(tmp_path, layer, found):
    model = nnlite.Sequential([layer()], input_shape=(5, 4))
    model.save(tmp_path / "a.safetensors")
    loaded = nnlite.load_model(tmp_path / "a.safetensors")  # as it is defined
    assert type(found(loaded.layers[0])).__module__ == __name__
