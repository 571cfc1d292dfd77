"""Unknown arguments of constructors are explained: of ours, and of subclasses in a user's own file."""

import copy
import functools
import importlib
import inspect
import json
import pickle
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

import nnlite
from nnlite.arguments import ChecksArguments, check_arguments, classes, kinds
from nnlite.arguments.kinds import KINDS, types_of
from nnlite.arguments.translations import arguments
from nnlite.losses import Loss, MeanSquaredError, SparseCategoricalCrossentropy
from nnlite.optimizers import SGD, Adam, AdamW, Optimizer

LIMITS = ["weight_decay", "clipnorm", "clipvalue", "global_clipnorm"]


class Scaled(Optimizer):
    """Passes on what it does not know."""

    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor


class Halved(Adam):
    """Takes an argument out of **kwargs, which no signature shows."""

    def __init__(self, **kwargs):
        self.half = kwargs.pop("half", True)
        super().__init__(**kwargs)


class Fixed(Adam):
    """Passes on a wrong name of its own."""

    def __init__(self, size):
        super().__init__(learning_rte=size)


class Plain(Loss):
    """Has no constructor of its own."""


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Adam(learning_rte=0.1), "Adam: unknown argument 'learning_rte': did you mean 'learning_rate'?"),
        (lambda: Adam(0.1, clip_norm=1.0), "Adam: unknown argument 'clip_norm': did you mean 'clipnorm'?"),
        (lambda: AdamW(weight_deacy=0), "AdamW: unknown argument 'weight_deacy': did you mean 'weight_decay'?"),
        (lambda: AdamW(clipvalu=1.0), "AdamW: unknown argument 'clipvalu': did you mean 'clipvalue'?"),
        (
            lambda: SGD(device=1),
            "SGD: unknown argument 'device': "
            "use ['learning_rate', 'momentum', 'nesterov', 'weight_decay', 'clipnorm', 'clipvalue', 'global_clipnorm']",
        ),
        (lambda: MeanSquaredError(reducton="sum"), "MeanSquaredError: unknown argument 'reducton': did you mean"),
        (
            lambda: SparseCategoricalCrossentropy(from_logit=True),
            "SparseCategoricalCrossentropy: unknown argument 'from_logit': did you mean 'from_logits'?",
        ),
        (lambda: Plain(reducton="sum"), "Plain: unknown argument 'reducton': did you mean 'reduction'?"),
        (lambda: Scaled(learning_rte=1), "Scaled: unknown argument 'learning_rte': did you mean 'learning_rate'?"),
        (lambda: Scaled(learning_rate=1, factr=1), "Scaled: unknown argument 'factr': did you mean 'factor'?"),
        (lambda: Halved(halv=1, beta_3=1), "Halved: unknown argument 'halv': use ["),
        (lambda: Fixed(1.0), "Fixed: unknown argument 'learning_rte': did you mean 'learning_rate'?"),
        (lambda: SGD(self=1), "SGD: unknown argument 'self': use ['learning_rate',"),
        (lambda: nnlite.Dense(3, self=1), "Dense: unknown argument 'self': use ['units',"),
        (lambda: Adam.from_config({"lerning_rate": 1}), "Adam: unknown argument 'lerning_rate': did you mean"),
        (lambda: Adam(lr=0.1), "Adam: unknown argument 'lr': use learning_rate"),
        (lambda: AdamW(betas=(0.9, 0.99)), "AdamW: unknown argument 'betas': use beta_1 and beta_2"),
        (lambda: Halved(lr=1), "Halved: unknown argument 'lr': use learning_rate"),
        (lambda: nnlite.RMSprop(alpha=0.9), "RMSprop: unknown argument 'alpha': use rho"),
        (lambda: SGD(decay=1e-6), "SGD: unknown argument 'decay': "),
        (
            lambda: nnlite.CosineDecay(0.1, 9, warmup_steps=3),
            "CosineDecay: unknown argument 'warmup_steps': use WarmUp",
        ),
        (lambda: nnlite.StepDecay(0.1, decay_step=5), "StepDecay: unknown argument 'decay_step': did you mean"),
        (lambda: nnlite.WarmUp(warmup_step=1), "WarmUp: unknown argument 'warmup_step': did you mean 'warmup_steps'?"),
    ],
    ids=lambda value: value.split(":")[0] if isinstance(value, str) else "",
)
def test_an_unknown_argument_is_explained(make, message):
    with pytest.raises(TypeError) as raised:
        make()
    assert str(raised.value).startswith(message)


def test_arguments_reach_their_constructor():
    optimizer = Scaled(3.0, learning_rate=0.5, clipnorm=1.0)
    assert (optimizer.factor, optimizer.learning_rate, optimizer.get_config()["clipnorm"]) == (3.0, 0.5, 1.0)
    assert Halved(half=False, beta_1=0.5).half is False
    assert Plain("sum").reduction == "sum"


def test_other_mistakes_keep_the_message_of_python():
    with pytest.raises(TypeError, match="positional argument"):
        SGD(0.1, 0.9, True, 1.0)  # limits go by name
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'learning_rate'"):
        Optimizer()


@pytest.mark.parametrize("name", ["SGD", "Adagrad", "RMSprop", "Adam", "AdamW", "Optimizer"])
def test_a_signature_names_all_arguments(name):
    parameters = inspect.signature(getattr(nnlite, name)).parameters
    first = 1 if name == "AdamW" else 0  # whose weight_decay is its second argument, as in Keras
    assert [p.name for p in parameters.values() if p.kind is p.KEYWORD_ONLY] == LIMITS[first:]
    assert all(p.kind is not p.VAR_KEYWORD for p in parameters.values())
    assert all(parameters[limit].default is None for limit in LIMITS[first:])


def test_every_argument_of_a_configuration_is_one_of_the_signature():
    for name in ["SGD", "Adagrad", "RMSprop", "Adam", "AdamW"]:
        optimizer = getattr(nnlite, name)
        assert optimizer().get_config().keys() == inspect.signature(optimizer).parameters.keys()


def test_copies_keep_their_arguments():
    optimizer = SGD(0.5, clipvalue=2.0)
    for copied in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert copied.get_config() == optimizer.get_config()


def test_other_bases_can_stand_beside_it():
    class Abstract(Loss, ABC):
        @abstractmethod
        def name(self): ...

    class Real(Abstract):
        def name(self):
            return "real"

    assert Real(reduction="sum").name() == "real"
    with pytest.raises(TypeError, match="Real: unknown argument 'reducton'"):
        Real(reducton="sum")


def test_a_chain_of_constructors_is_checked_where_it_ends():
    class A(ChecksArguments):
        def __init__(self, a, *, name=None):
            self.a, self.name = a, name

    class B(A):
        def __init__(self, b, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.b = b

    class C(B):
        def __init__(self, c, **kwargs):
            super().__init__(c, **kwargs)

    made = C(1, a=2, name="c")
    assert (made.b, made.a, made.name) == (1, 2, "c")
    with pytest.raises(TypeError) as raised:
        C(1, a=2, nmae="c")
    assert str(raised.value) == "C: unknown argument 'nmae': did you mean 'name'?"
    with pytest.raises(TypeError) as raised:
        C(1, a=2, xyz="c")
    assert str(raised.value) == "C: unknown argument 'xyz': use ['c', 'b', 'a', 'name']"


def test_a_dataclass_takes_the_decorator():
    @check_arguments
    @dataclass(frozen=True)
    class Point:
        x: int
        y: int = 0

    assert Point(1, y=2) == Point(1, 2)
    assert str(inspect.signature(Point)) == "(x: int, y: int = 0) -> None"
    with pytest.raises(TypeError, match="Point: unknown argument 'z'"):
        Point(1, z=2)


def test_a_layer_of_your_own_is_written_down_and_made_again():
    class Scale(nnlite.Layer):
        def __init__(self, factor, shape=(1, 2), function=None, **kwargs):
            super().__init__(**kwargs)
            self.factor, self.shape, self.function = factor, shape, function

    layer = Scale(np.float64(3.0), function=abs, dtype="float64", name="mine", seed=1)
    config = {"factor": 3.0, "shape": [1, 2], "dtype": "float64", "name": "mine"}
    assert layer.get_config() == config
    assert json.loads(json.dumps(config)) == config
    assert repr(Scale.from_config(config)) == "Scale(factor=3.0, shape=[1, 2])"


def test_arguments_that_a_base_is_given_are_not_those_of_the_class():
    class Small(nnlite.LSTM):
        def __init__(self, name=None):
            super().__init__(5, name=name)

    assert Small().get_config() == {"dtype": "float32", "name": "small"}


class PlainMixin:
    """Knows nothing of nnlite."""

    def __init__(self, *args, noise=0.5, **kwargs):
        super().__init__(*args, **kwargs)
        self.noise = noise


class LayerMixin(nnlite.Layer):
    """A layer, too: alone it takes fewer arguments than in front of another."""

    def __init__(self, noise=0.5, **kwargs):
        super().__init__(**kwargs)
        self.noise = noise


@pytest.mark.parametrize("mixin", [PlainMixin, LayerMixin])
def test_a_mixin_hands_on_to_what_stands_beside_it(mixin):
    class Noisy(mixin, nnlite.Dense):
        pass

    layer = Noisy(units=3, noise=0.25)
    assert layer.get_config()["units"] == 3
    again = Noisy.from_config(json.loads(json.dumps(layer.get_config())))
    assert (again.units, again.noise) == (3, 0.25)
    assert repr(again) == "Noisy(noise=0.25, units=3)"


def test_a_mixin_is_told_of_the_classes_made_with_it():
    seen = {}

    class Registers:
        def __init_subclass__(cls, tag="none", **kwargs):
            super().__init_subclass__(**kwargs)
            seen[cls.__name__] = tag

    class One(nnlite.Layer, Registers, tag="first"):
        pass

    class Other(One):
        pass

    assert seen == {"One": "first", "Other": "none"}
    with pytest.raises(TypeError, match="takes no keyword arguments"):
        type("Wrong", (nnlite.Layer,), {}, tag="nobody takes it")


def test_classes_can_be_made_with_the_same_constructor():
    def init(self, scale=2.0, **kwargs):
        super(type(self), self).__init__(**kwargs)
        self.scale = scale

    reader, dense = (type("Scaled", (base,), {"__init__": init}) for base in (nnlite.RNN, nnlite.Dense))
    assert reader(units=3, activation="relu").get_config()["activation"] == "relu"
    assert dense(units=3, kernel_initializer="zeros").get_config()["kernel_initializer"] == "zeros"
    assert "return_sequences" in inspect.signature(reader).parameters
    assert "return_sequences" not in inspect.signature(dense).parameters
    assert "__signature__" not in vars(init)


def test_a_resumed_training_has_what_a_class_gives_to_its_base_in_common(tmp_path):
    class Steady(SGD):
        def __init__(self, rate, pull=0.9):
            super().__init__(rate, momentum=pull)

    class Stop(nnlite.Callback):
        def on_train_batch_end(self, batch, logs):
            if batch:
                raise KeyboardInterrupt

    def fit(optimizer, *callbacks):
        model = nnlite.Sequential([nnlite.Dense(2)], input_shape=(3,), seed=0)
        model.compile(optimizer, "mse")
        backup = nnlite.BackupAndRestore(tmp_path / "run", save_freq=1)
        model.fit(np.ones((8, 3), "float32"), np.ones((8, 2), "float32"), 4, verbose=0, callbacks=[backup, *callbacks])
        return model.optimizer

    with pytest.raises(KeyboardInterrupt):
        fit(Steady(0.25), Stop())
    for other, message in ((Steady(0.5), "learning_rate is 0.25 in the file and 0.5"), (Steady(0.25, 0.0), "momentum")):
        with pytest.raises(nnlite.CheckpointError, match=message):
            fit(other)
    assert fit(Steady(0.25)).iterations == 2


def test_an_array_of_a_subclass_does_not_take_the_place_of_one_that_is_left_out():
    class Own(nnlite.Conv2D):
        pass

    layer, x = Own(2, 3, use_bias=False), np.zeros((1, 5, 5, 1), "float32")
    y = layer.forward(x)
    layer.params["b"] = np.ones(1, "float32")  # of no size that the kernels expect
    np.testing.assert_array_equal(layer.forward(x), y)


OF_PLOTS = [
    (plot, name)
    for plot in nnlite.plot.__all__
    for name, parameter in inspect.signature(getattr(nnlite.plot, plot)).parameters.items()
    if types_of(parameter.annotation) and types_of(parameter.annotation).keys() <= KINDS.keys()
]


@pytest.mark.parametrize("value", [object(), np.ones((2, 2, 2)), b"ab"], ids=["object", "array", "bytes"])
@pytest.mark.parametrize(("plot", "name"), OF_PLOTS)
def test_a_plot_refuses_another_kind_of_argument_before_anything_is_drawn(plot, name, value):
    function = getattr(nnlite.plot, plot)
    if {"Sequence", "Iterable"} & types_of(inspect.signature(function).parameters[name].annotation).keys():
        value = 5  # such as labels and characters, which may be any row
    with pytest.raises(TypeError, match=f"^{name}: expected .*, got "):
        function(**{name: value})


WORDS = nnlite.text.Vocabulary("ab")
LOSSES = {"loss": [1.0, 0.5]}


def built():
    return nnlite.Sequential([nnlite.Dense(2)], input_shape=(3,))


X = np.ones((3, 4), "float32")
OTHER_KINDS = {
    "history: expected the History that fit returns, a dict, a text or a path, got list": (
        lambda: nnlite.plot.loss_curves([nnlite.History()])
    ),
    'curves: expected a dict, got list .*: use {"a name": ...}': lambda: nnlite.plot.learning_curves([[0], [1.0]]),
    "curves: 'a': expected a pair .*, got list": lambda: nnlite.plot.learning_curves({"a": [3.6, 3.1, 2.5]}),
    "flows: 'a': expected a result of .*, got int": lambda: nnlite.plot.gradient_flow({"a": 1}),
    "limits: expected two numbers or None, got tuple": (
        lambda: nnlite.plot.activation_text(np.ones(2), "ab", limits=(0, 1, 2))
    ),
    "copy: expected True or False, got 'no'": lambda: nnlite.text.columns(np.arange(40), 4, 2, copy="no"),
    "graphemes: expected True or False, got array": lambda: nnlite.text.line_lengths("a", np.array(1)),
    "smallest: expected a whole number, got 'a'": lambda: nnlite.text.split_text("a" * 99, smallest="a"),
    "vocabulary: expected a Vocabulary, got None": lambda: nnlite.text.lines("ab", None),
    "unknown: expected 'error' or 'skip', got array": lambda: WORDS.encode("ab", np.array(["skip", "error"])),
    "model: expected a model, .*, got Dense": lambda: nnlite.text.generate(nnlite.Dense(2), WORDS, "a", 3),
    "pixels: expected a list of numbers, got 'ab'": (
        lambda: nnlite.images.shifted(np.ones((1, 8, 8, 1)), np.ones(1, int), "ab")
    ),
    "names: expected a dict or None, got list": lambda: nnlite.interop.to_torch(nnlite.Sequential(), names=["a"]),
    "tolerance: expected a number, got '1e-6'": (
        lambda: nnlite.gradcheck(nnlite.Dense(2), np.ones((2, 2)), tolerance="1e-6")
    ),
    "fresh_state: expected True or False, got 2": (
        lambda: nnlite.inspect.trace(nnlite.LSTM(2), np.ones((1, 2, 2)), fresh_state=2)
    ),
    "vocabulary: expected a .*Vocabulary, got b'ab'": (
        lambda: nnlite.inspect.trace(nnlite.LSTM(2), "ab", vocabulary=b"ab")
    ),
    "model: expected a model, got None": lambda: nnlite.save_model(None, "m.safetensors"),
    "set_weights: expected a list of 2 arrays, .* got ndarray": lambda: built().set_weights(np.array(1.0)),
    "set_weights: expected a list of 2 arrays, .* got 1099511627776 arrays": (
        lambda: built().set_weights(np.broadcast_to(np.float32(1), (2**40, 4)))
    ),
    "params: dense.W: expected lists of one length": lambda: built().params.update({"dense.W": [[1, 2], [3]]}),
    "logits: expected lists of one length": lambda: nnlite.sampling_probabilities([[1, 2], [3]], 1.0),
    "sequences: expected a list of arrays, got a single number": lambda: nnlite.text.pad_sequences(np.array(1)),
    r"sequences\[0\]: expected lists of one length": lambda: nnlite.text.pad_sequences([[[1, 2], [3]]]),
    "value: expected a number, got range": lambda: nnlite.text.pad_sequences([[1, 2]], range(3)),
    "value: expected one that fits the sequences' int64, got 9": lambda: nnlite.text.pad_sequences([[1, 2]], 2**63),
    "without: expected a list of texts, got None": lambda: nnlite.testing.check_optimizer("sgd", without=None),
    "without: expected a list of texts, got array": (
        lambda: nnlite.testing.check_optimizer("sgd", without=np.ones((2, 2)))
    ),
    "draw: expected a function, got 5": lambda: nnlite.plot.png(5, {"loss": [1.0]}),
    "dpi: expected a finite number above 0, got -1": lambda: nnlite.plot.png(nnlite.plot.loss_curves, LOSSES, dpi=-1),
    "dpi: expected a finite number above 0, got nan": (
        lambda: nnlite.plot.png(nnlite.plot.loss_curves, LOSSES, dpi=float("nan"))
    ),
    "size: expected a finite number above 0, got 0": (
        lambda: nnlite.plot.svg(nnlite.plot.loss_curves, LOSSES, size=(2, 0))
    ),
    "size: expected from 1 to 65,535 pixels on each side, got 7e[+]30 x 4.5e[+]30": (
        lambda: nnlite.plot.png(nnlite.plot.loss_curves, LOSSES, dpi=10**30)
    ),
    "history: loss: expected a list, got 0.5": lambda: nnlite.plot.loss_curves({"loss": 0.5}),
    "history: val_mae: expected numbers, got an array of texts": (
        lambda: nnlite.plot.metric_curves({"mae": [1.0], "val_mae": ["a"]}, "mae")
    ),
    "history: loss: expected a list of numbers, got shape .1, 2.": (
        lambda: nnlite.plot.loss_curves({"loss": [[1.0, 2.0]]})
    ),
    "landmarks: 'a': expected a number, got list": lambda: nnlite.plot.loss_curves(LOSSES, landmarks={"a": [0.5]}),
    "curves: 'a': losses: expected a list, got 5": lambda: nnlite.plot.learning_curves({"a": ([1], 5)}),
    "x: expected numbers, got an array of texts": lambda: nnlite.plot.images([[["a"]]]),
    "layers.0.: expected at most 50 models in each other, got 51": (
        lambda: functools.reduce(lambda inner, _: nnlite.Sequential([inner]), range(51), nnlite.Sequential())
    ),
}


ROOM = {
    "rows in another order": ("ascontiguousarray", lambda model: model.layers[0].forward(X[::-1])),
    "integers": ("ascontiguousarray", lambda model: model.layers[0].forward(X.astype(int))),
    "all answers": ("empty", lambda model: model.predict(X, batch_size=1)),
}


@pytest.mark.parametrize("kind", ROOM)
def test_an_array_without_room_is_named(kind, monkeypatch):
    name, run = ROOM[kind]
    model, real = nnlite.Sequential([nnlite.Dense(4)], input_shape=(4,)), getattr(np, name)

    def full(first, *args, **kwargs):
        if first == (3, 4) if isinstance(first, tuple) else np.shape(first) == (3, 4):
            raise MemoryError
        return real(first, *args, **kwargs)

    monkeypatch.setattr(np, name, full)
    with pytest.raises(MemoryError, match=r"[xy]: shape \(3, 4\) of float32 would take 48 bytes, and this machine"):
        run(model)


CONFIGURED = {
    nnlite.Dense: "a dict from names of arguments",
    nnlite.Adam: "a dict from names of arguments",
    nnlite.CosineDecay: "a dict from names of arguments",
    nnlite.TimeDistributed: "a dict with 'layer'",
    nnlite.Bidirectional: "a dict with 'layer'",
    nnlite.text.Vocabulary: "a dict with 'characters'",
    nnlite.Sequential: "a dict with 'name', 'input_shape', 'layers'",
}


@pytest.mark.parametrize("kind", CONFIGURED)
def test_what_is_no_configuration_is_refused_in_words(kind):
    what = f"^{kind.__name__}.from_config: config: expected "
    for config in (None, [1]):
        with pytest.raises(TypeError, match=f"{what}a dict, got {type(config).__name__}: use what get_config"):
            kind.from_config(config)
    with pytest.raises(ValueError, match=rf"{what}{CONFIGURED[kind]}, got one with \[1\]: use what get_config"):
        kind.from_config({1: 2})


@pytest.mark.parametrize("message", OTHER_KINDS)
def test_what_is_no_argument_is_refused_in_words(message):
    with pytest.raises((TypeError, ValueError), match=message):
        OTHER_KINDS[message]()


def parts_of(thing):
    return {where for where, _ in classes.held(thing, lambda part: isinstance(part, nnlite.Layer))}


def test_parts_are_found_in_attributes_and_in_what_is_short_enough_to_be_no_data():
    one, thing = nnlite.ReLU(), SimpleNamespace()
    thing.a, thing.b, thing.c, thing.d = one, [3, one], (one,), {"key": one, "other": 3}
    assert parts_of(thing) == {"a", "b[1]", "c[0]", "d['key']"}
    thing = SimpleNamespace(few=[one] * 999, data=[one] * 1000)
    assert len(parts_of(thing)) == 999
    for where, _ in classes.held(thing, lambda part: True):
        setattr(thing, where.partition("[")[0] + "_", 1)  # while they are looked for


def test_names_of_ones_own_classes_in_files():
    one, other = object(), object()
    assert classes.told_apart(None, {"class": "A"}) == {}
    assert classes.told_apart({"A": one}, {"class": "A"}, ["B"]) == {"A": one}
    expected = {"own>A": one, "own>B": other}
    for trees in ([{"class": "own>A"}, {}], [{}, [{"a": ["own>A"]}]]):
        assert classes.told_apart({"A": one, "own>B": other}, *trees) == expected
    assert classes.known("own>A", {"A": one}, {"A": other}) is one
    assert classes.known("own>A", {"A": one, "own>A": other}, {}) is other
    assert classes.known("own>A", None, {"A": one}) is None
    assert classes.known("A", {"A": one}, {"A": other}) is one
    assert classes.known("A", None, {"A": other}) is other
    assert not classes.is_ours(SimpleNamespace(__module__="nnlite_of_a_friend.layers"))


def test_which_class_a_configuration_names():
    class Base:
        pass

    def made(name, module, *bases):
        return type(name, bases or (Base,), {"__module__": module})

    ours, own, newer = made("A", "nnlite.a"), made("A", "mine"), made("A", "mine")
    others = [made("B", "mine"), made("B", "mine")]
    both = made("Both", "mine", ours, own)
    assert classes.all_classes(Base) == [Base, ours, own, newer, *others, both]
    assert classes.defined("A", Base, "layer") is ours
    assert classes.defined("own>A", Base, "layer") is newer
    assert classes.defined("B", Base, "layer") is others[1]
    with classes.custom_classes({"A": own, "B": 3, "Both": int}):
        assert classes.defined("A", Base, "layer") is own
        assert classes.defined("B", Base, "layer") is others[1]
        assert classes.defined("Both", Base, "layer") is both
    assert classes.defined("A", Base, "layer") is ours
    with pytest.raises(ValueError, match="layer class 'C' is not known: if it is your own, define it first"):
        classes.defined("own>C", Base, "layer")


@pytest.mark.parametrize(
    ("annotation", "taken", "refused"),
    [
        ("int", [1, np.int64(1)], [True, 1.0, np.bool_(1)]),
        ("float", [1, 1.0, np.float32(1), np.int32(1)], [True, "1"]),
        ("bool", [True, np.bool_(0)], [1, np.int64(1)]),
        ("Sequence[int]", [[], (1, 2), np.arange(2), (n for n in "ab")], [{1: 2}, b"a", np.array(1), [1, "a"], [1.0]]),
        ("Iterable[float]", [[1, 2.0], np.ones(2)], ["ab", [True]]),
        ("tuple[float, float]", [(1, 2.0), np.ones(2)], [(1,), (1, 2, 3), (n for n in "ab"), (1, "a")]),
        ("Sequence", [[1], "ab"], [(n for n in "ab"), 3, b"a"]),
        ("Iterable", [[1], (n for n in "ab")], [3, {}, np.array(1)]),
        ("int | np.ndarray", ["what is not known is left to the function"], []),
        ("Mapping | None", [{}, None], [[], 0]),
    ],
)
def test_what_an_annotation_takes(annotation, taken, refused):
    for value in taken:
        kinds.require("x", value, annotation)
    for value in refused:
        with pytest.raises(TypeError, match=r"^x: expected "):
            kinds.require("x", value, annotation)


@pytest.mark.parametrize(
    ("value", "annotation", "message"),
    [
        (3, "Sequential | Model | Layer | None", "x: expected a model, a layer or None, got 3"),
        ([1], "Mapping", 'x: expected a dict, got list [1]: use {"a name": ...}'),
        ([1], "Mapping | None", "x: expected a dict or None, got list [1]"),
        ("a" * 99, "int", f"x: expected a whole number, got '{'a' * 59}"),
        (np.eye(2), "str", "x: expected a text, got array([[1., 0.], [0., 1.]])"),
    ],
)
def test_what_was_expected_is_said_once_and_in_one_line(value, annotation, message):
    with pytest.raises(TypeError) as raised:
        kinds.require("x", value, annotation)
    assert str(raised.value) == message


def test_arrays_are_refused_where_only_single_values_are_taken():
    kinds.refuse_array("x", np.ones(2), "int | Sequence[int]")
    with pytest.raises(TypeError, match="x: expected a whole number or None, got array"):
        kinds.refuse_array("x", np.ones(2), "int | None")


def test_a_default_is_taken_of_whatever_kind_it_is():
    @kinds.kinds_of("n", "name")
    def function(n: int = None, free: int = 0, *, name: str = 0):  # noqa: RUF013
        return n, free, name

    assert function(None, "any", name=0) == (None, "any", 0)
    for wrong in (lambda: function("1"), lambda: function(n="1"), lambda: function(name=1)):
        with pytest.raises(TypeError, match=r"^n(ame)?: expected a (whole number|text), got '?1"):
            wrong()
    with pytest.raises(TypeError, match="takes from 0 to 2 positional arguments but 3 were given"):
        function(None, 1, 3)


class Keeps(nnlite.Layer):
    """Keeps only one of its arguments."""

    def __init__(self, kept=1, gone=2, third=None, **kwargs):
        super().__init__(**kwargs)
        self.kept = kept


def test_what_no_attribute_keeps_is_remembered_for_each_object():
    one, other, plain = Keeps(5, 6, third=(np.bool_(True), np.int32(3))), Keeps(gone=7), Keeps(1, 2)
    assert one.get_config() == {"kept": 5, "gone": 6, "third": [True, 3], "dtype": "float32", "name": "keeps"}
    assert json.loads(json.dumps(one.get_config())) == one.get_config()
    assert (other.get_config()["gone"], "third" in other.get_config()) == (7, False)
    assert "gone" not in plain.get_config()
    one.gone = 8
    assert one.get_config()["gone"] == 8
    for third, got in ((abs, "builtin_function_or_method"), ({1: 2}, "dict"), ([SGD()], "list")):
        layer = Keeps(third=third)
        assert "third" not in layer.get_config()
        with pytest.raises(TypeError, match=f"Keeps: third: expected an attribute self.third or .*, got {got}: keep"):
            layer.check_saving()


def test_of_two_shapes_that_are_asked_for_as_attributes_each_is_itself():
    one, other = nnlite.Dense(2), nnlite.Dense(2)
    assert one.output_shape == one.output_shape
    assert hash(one.output_shape) == hash(one.output_shape)
    assert one.output_shape != other.output_shape
    assert one.output_shape != one.build
    assert hash(one.output_shape) != hash(other.output_shape)
    assert inspect.isfunction(nnlite.Dense.output_shape)
    for shape in ((2,), [2]):
        with pytest.raises(TypeError, match="call it"):
            one.output_shape == shape  # noqa: B015


@pytest.mark.parametrize("arguments", [(1, 6, 2), (1, 7, 3)])
def test_pytorchs_order_is_refused_from_6_pixels_on(arguments):
    with pytest.raises(ValueError, match="PyTorch's"):
        nnlite.Sequential([nnlite.Conv2D(*arguments)], input_shape=(28, 28, 1))
    for fine in ((1, 8, 1), (1, 8, (3, 1)), (1, (8, 4), 3), (2, 8, 3)):
        nnlite.Sequential([nnlite.Conv2D(*fine)], input_shape=(28, 28, 1))
    nnlite.Sequential([nnlite.Conv2D(1, 8, strides=3)], input_shape=(28, 28, 1))


class Pen(ChecksArguments):
    also_called = {"colour": "color"}  # noqa: RUF012

    def __init__(self, width=1, color="black"):
        self.width, self.color = width, color


def test_another_name_is_taken_where_the_argument_has_none_of_its_own():
    class Both(Pen):
        def __init__(self, color="red", colour="blue"):
            super().__init__(color=color)
            self.colour = colour

    class Inner(Pen):
        def __init__(self, **kwargs):
            self.inner = kwargs.pop("colour", None)
            super().__init__(**kwargs)

    assert Pen(colour="red").color == "red"
    with pytest.raises(TypeError, match="Pen: unknown argument 'colour'"):
        Pen(color="red", colour="blue")
    with pytest.raises(TypeError, match="Pen: color: expected it once, got 'red' without a name and color='blue'"):
        Pen(1, "red", colour="blue")
    both = Both(colour="green")
    assert (both.color, both.colour) == ("red", "green")
    inner = Inner(colour="green")
    assert (inner.color, inner.inner) == ("black", "green")


def test_an_attribute_that_another_object_lacks_is_that_objects():
    class Clumsy(nnlite.Layer):
        def __init__(self, other):
            super().__init__()
            self.size = other.size_that_is_not_there

    class Early(nnlite.Layer):
        def __init__(self):
            self.params["W"] = 1

    with pytest.raises(AttributeError) as raised:
        Clumsy(SimpleNamespace())
    assert str(raised.value) == "'types.SimpleNamespace' object has no attribute 'size_that_is_not_there'"
    with pytest.raises(AttributeError, match=r"Early. object has no attribute .params.: call super"):
        Early()


def test_only_the_arguments_of_the_class_itself_are_offered():
    class Fixed(Pen):
        def __init__(self, size):
            super().__init__(width=size)

    with pytest.raises(TypeError) as raised:
        Fixed(width=1)
    assert str(raised.value) == "Fixed: unknown argument 'width': use ['size']"


def test_an_attribute_error_without_a_name_says_what_it_said():
    class Raises(Pen):
        def __init__(self):
            raise AttributeError("its own words", obj=self)

    with pytest.raises(AttributeError, match=r"^its own words$"):
        Raises()


def test_an_optimizer_of_ones_own_is_checked_with_what_it_gives_to_its_base():
    class Own(Adam):
        def __init__(self, rate):
            super().__init__(rate, clipnorm=1.0)

    optimizer = Own(0.1)
    optimizer.beta_1 = 0.5
    assert optimizer.beta_1 == 0.5
    for name, value in (("beta_1", 1.5), ("clipvalue", 1.0)):  # of both limits only one
        with pytest.raises(ValueError, match=r"beta_1: expected|clip"):
            setattr(optimizer, name, value)


class Half(Keeps):
    """Has a property and a method of its arguments' names."""

    gone = property(lambda self: 5)

    def third(self):
        return 6


def test_a_property_keeps_an_argument_and_a_method_does_not():
    config = Half(gone=7, third=8).get_config()
    assert (config["gone"], config["third"]) == (5, 8)


def test_another_name_is_remembered_as_the_argument_that_it_is():
    class Own(nnlite.Embedding):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)

    ((other, ours), *_) = nnlite.Embedding.also_called.items()
    given = {"vocabulary_size": 3, "units": 2}
    value = given.pop(ours)
    assert Own(**given, **{other: value}).get_config() == Own(**given, **{ours: value}).get_config()


def test_a_configuration_is_the_callers():
    third = [1, {"a": [2]}]
    layer = Keeps(third=third)
    third.append(4)
    config = layer.get_config()
    config["third"][1]["a"].append(3)
    assert layer.get_config()["third"] == [1, {"a": [2]}]


class Writes(Keeps):
    """Knows what it writes."""

    def __init__(self, kept=1, gone=2):
        super().__init__(kept, gone)

    def get_config(self):
        return super().get_config() | {"gone": 9}

    @classmethod
    def from_config(cls, config):
        return cls(config["kept"], config["gone"])


class WithoutOthers(nnlite.Layer):
    def __init__(self, size):
        super().__init__()
        self.size = size


def test_what_a_class_writes_and_reads_itself_is_not_checked():
    assert Writes(3, 4).get_config() == {"kept": 3, "gone": 9, "dtype": "float32", "name": "writes"}
    Writes(3, gone=abs).check_saving()
    Keeps(3).check_saving()
    with pytest.raises(
        TypeError, match=r"^WithoutOthers: its constructor does not take dtype, name: add \*\*kwargs and"
    ):
        WithoutOthers(3).check_saving()
    config = {"size": 3, "dtype": "float32", "name": "a", "seed": None, "trainable": False, "of nobody": 1}
    with pytest.raises(TypeError) as raised:
        WithoutOthers.check_config(config)
    assert str(raised.value) == (
        "WithoutOthers: its constructor does not take dtype, name, seed, trainable: add **kwargs, set its own "
        "trainable by kwargs.setdefault('trainable', ...) and hand them to super().__init__()"
    )
    for kind in (Keeps, Writes, nnlite.ReLU):
        kind.check_config(config)


def test_a_layer_may_have_methods_that_keras_has_as_well():
    class Own(nnlite.Layer):
        def forward(self, x, training=False):
            return self.call(x)

        def call(self, x):
            return x

        def zero_grad(self):
            pass

    assert Own().forward(3) == 3
    assert "zero_grad" in dir(Own())
    assert "zero_grad" not in dir(nnlite.Dense(2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nnlite.Dense(3, use_bias=np.ones(2)), "use_bias: expected True or False, got array"),
        (lambda: nnlite.Dense(np.ones(2)), "units: expected a whole number, got array"),
        (
            lambda: Pen(1, "red", 3),
            r"Pen: expected at most 2 positional .* \(width, color\), got 3 \(1, 'red', 3\)\. Leave the others out$",
        ),
    ],
)
def test_what_is_too_much_is_refused(make, message):
    with pytest.raises(TypeError, match=f"^{message}"):
        make()


@pytest.mark.parametrize(
    ("kind", "values", "frameworks"),
    [
        (nnlite.Softmax, (1,), ["Keras", "PyTorch"]),
        (nnlite.Softmax, (1, 2), []),
        (nnlite.LSTM, (3, True), ["Keras"]),
        (nnlite.LSTM, (3, 4), ["PyTorch"]),
        (nnlite.LSTM, (3, 4.5), ["PyTorch"]),
        (nnlite.LSTM, ("3", "relu"), ["Keras"]),
        (nnlite.Dense, (3, 4, True), ["PyTorch"]),
        (nnlite.Dense, (3, 4, 1), []),
    ],
)
def test_whose_order_values_may_have(kind, values, frameworks):
    hint = arguments.orders(kind, ["units"], ["units"], values)
    assert re.findall(r"In (Keras|PyTorch)", hint) == frameworks


def test_a_second_size_is_perhaps_that_of_the_output():
    assert arguments.size_first("Dense", 3).endswith("as in PyTorch, write Dense(3)")
    assert [arguments.size_first("Dense", value) for value in (True, 3.0, "3")] == ["", "", ""]


def test_an_unknown_argument_of_a_method_names_the_method():
    model = nnlite.Sequential([nnlite.Dense(2)], input_shape=(3,))
    with pytest.raises(TypeError, match=r"^predict: unknown argument 'nothing_like_it'"):
        model.predict(np.ones((1, 3)), nothing_like_it=1)
    with pytest.raises(TypeError, match=r"^Sequential: unknown argument 'nothing_like_it'"):
        model(np.ones((1, 3)), nothing_like_it=1)


def test_arguments_of_a_method_that_are_too_many_or_come_twice():
    model, x = nnlite.Sequential([nnlite.Dense(2)], input_shape=(3,)), np.ones((1, 3))
    places = [p for p in inspect.signature(model.predict).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    n = len(places)
    with pytest.raises(TypeError, match=rf"^predict: expected at most {n} arguments? without a name .*, got {n + 1}: "):
        model.predict(*[x] * (n + 1))
    with pytest.raises(TypeError, match=r"^predict: x: expected it once, got array.* without a name and x=array"):
        model.predict(x, x=x)
    with pytest.raises(TypeError, match=r"^Conv2D: filters: expected it once, got 3 .* filters=4: leave one out$"):
        nnlite.Conv2D(3, filters=4)


def test_names_of_ones_own_are_left_alone():
    class Model(nnlite.Sequential):
        def zero_grad(self):
            return 1

    assert Model().zero_grad() == 1
    with pytest.raises(AttributeError, match=r"^module 'nnlite' has no attribute '_dense'$"):
        nnlite._dense  # noqa: B018
    with pytest.raises(ModuleNotFoundError) as raised:
        importlib.import_module("nnlite.preprocessing")
    assert raised.value.name == "nnlite.preprocessing"
