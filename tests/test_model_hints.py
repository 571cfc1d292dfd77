"""What Keras' and PyTorch's users type at a model works, or says what to type."""

import re

import numpy as np
import pytest

import nnlite
from nnlite import Adam, Dense, MeanSquaredError, Sequential, Softmax, SparseCategoricalCrossentropy
from nnlite.arguments.translations import methods
from nnlite.models.agreement import check_order

rng = np.random.default_rng(0)
X = rng.normal(size=(12, 4))
Y = rng.integers(3, size=12)


def model():
    made = Sequential([Dense(3), Softmax()], input_shape=(4,), seed=0)
    made.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made


METHODS = methods.METHODS["Model"]


@pytest.mark.parametrize("name", METHODS)
def test_methods_that_are_not_here_say_what_is(name):
    with pytest.raises(AttributeError, match=f"^'Sequential' object has no attribute '{name}': ."):
        getattr(model(), name)
    assert not hasattr(model(), name)


def test_what_the_hints_name_is_there():
    """What is told to be used is of a model or of nnlite."""
    made = model()
    for remedy in METHODS.values():
        for name in re.findall(r"(?:use (?!model|nnlite)|\bmodel\.|nnlite\.)(\w+)", remedy):
            assert name in ("json", "layer", "kernel_initializer") or hasattr(made, name) or hasattr(nnlite, name), (
                remedy
            )


@pytest.mark.parametrize(("name", "near"), [("sumary", "summary"), ("predicts", "predict"), ("param", "params")])
def test_a_misspelt_method_names_the_nearest(name, near):
    with pytest.raises(AttributeError, match=f"did you mean '{near}'"):
        getattr(model(), name)


def test_attributes_that_are_nothing_are_plain_errors():
    with pytest.raises(AttributeError, match=r"'Sequential' object has no attribute 'xyzzy'$"):
        model().xyzzy  # noqa: B018
    assert not hasattr(model(), "__array__")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.fit(X, Y, epoch=2), "fit: unknown argument 'epoch': did you mean 'epochs'"),
        (lambda m: m.fit(X, Y, sample_weights=Y), "did you mean 'sample_weight'"),
        (lambda m: m.fit(X, Y, lr=0.1), r"it is the optimizer's: compile\(Adam\(learning_rate=...\), loss\)"),
        (lambda m: m.fit(X, Y, workers=4), "one after the other: leave it out"),
        (lambda m: m.fit(X, Y, nb_epoch=4), "use epochs"),
        (lambda m: m.fit(X, targets=Y), "use y"),
        (lambda m: m.fit(X, Y, quickly=True), r"unknown argument 'quickly': use \['x', 'y', 'batch_size'"),
        (lambda m: m.compile("adam", "mse", run_eagerly=True), "compile: unknown argument 'run_eagerly': there is no"),
        (lambda m: m.compile("adam", "mse", metric="acc"), r"use metrics=\[...\]|did you mean 'metrics'"),
        (lambda m: m.evaluate(X, Y, callbacks=[]), r"evaluate: unknown argument 'callbacks'"),
        (lambda m: m.predict(X, batchsize=3), "predict: unknown argument 'batchsize': did you mean 'batch_size'"),
        (lambda m: m.train_on_batch(X, Y, reset_metrics=True), "train_on_batch: unknown argument 'reset_metrics'"),
        (
            lambda m: m.predict(X, 32, None, 1),
            r"predict: expected at most 3 arguments without a name \(x, batch_size, lengths\), got 4: give the others "
            r"by name, such as steps=...$",
        ),
        (
            lambda m: m.save("a", "b"),
            r"save: expected at most 1 argument without a name \(path\), got 2: leave the others out$",
        ),
        (
            lambda m: m.predict(X, 32, batch_size=3),
            "predict: batch_size: expected it once, got 32 .* batch_size=3: lea",
        ),
        (lambda m: m.compile(Adam, "mse"), r"got the class Adam: use an instance, Adam\(\)"),
        (lambda m: m.compile("adam", MeanSquaredError), r"got the class MeanSquaredError: use an instance, MeanSquar"),
        (lambda m: m.compile("adam"), "loss: expected a name such as .mse., got None: give it to compile"),
        (lambda m: m.evaluate(X, Y, 32, 1), "evaluate: return_dict: expected True or False, got 1: give verbose"),
        (lambda m: m.train_on_batch(X, Y, Y), "train_on_batch: return_dict: .*give verbose and sample_weight by"),
        (lambda m: m.predict(X, 32, 1), "predict: lengths: expected an array, got 1: give verbose by its name"),
        (
            lambda m: m.fit(X, Y, 32, 1, None, None, 0.2),
            "shuffle: expected True or False, got 0.2: give validation_spl",
        ),
    ],
)
def test_arguments_that_are_not_here_are_explained(call, message):
    with pytest.raises(TypeError, match=message):
        call(model())


@pytest.mark.parametrize("name", ["Adam", "adam", "ADAM", "RMSprop", "AdamW", "SGD"])
def test_optimizers_are_found_by_their_classes_names(name):
    made = model()
    made.compile(name, "mse")
    assert type(made.optimizer).__name__.lower() == name.lower()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("MeanSquaredError", MeanSquaredError),
        ("MSE", MeanSquaredError),
        ("mean_squared_error", MeanSquaredError),
        ("SparseCategoricalCrossentropy", SparseCategoricalCrossentropy),
    ],
)
def test_losses_are_found_by_their_classes_names(name, kind):
    made = model()
    made.compile("adam", name)
    assert type(made.loss) is kind


class Reversed:
    def forward(self, y_pred, y_true):
        return 0.0

    def backward(self):
        return 0.0


def reversed_metric(y_pred, y_true):
    return 0.0


def test_losses_and_metrics_in_pytorchs_order_are_refused():
    made = model()
    with pytest.raises(
        TypeError, match=r"loss: expected arguments in the order \(y_true, y_pred\), got \(y_pred, y_true"
    ):
        made.compile("adam", Reversed())
    with pytest.raises(TypeError, match="loss: expected arguments in the order"):
        made.loss = Reversed()
    with pytest.raises(TypeError, match="reversed_metric: expected arguments in the order"):
        made.compile("adam", "mse", metrics=[reversed_metric])
    assert isinstance(made.loss, SparseCategoricalCrossentropy)
    with pytest.raises(TypeError, match=r"got \(y_pred, y_true\): change"):
        check_order("loss", lambda y_pred, y_true, sample_weight=None: 0.0)


@pytest.mark.parametrize("function", [max, 3, lambda y_pred: 0.0, lambda y_pred, weights: 0.0, lambda a, y_true: 0.0])
def test_what_has_no_such_arguments_is_in_no_wrong_order(function):
    check_order("loss", function)


@pytest.mark.parametrize("predicted", ["output", "outputs", "input", "inputs", "out", "predictions", "p"])
@pytest.mark.parametrize("true", ["target", "targets", "t", "y"])
def test_pytorchs_order_is_known_by_its_names(predicted, true):
    space = {}
    exec(f"def wrong({predicted}, {true}): return 0.0\ndef right({true}, {predicted}): return 0.0", space)
    loss = type("Wrong", (), {"forward": staticmethod(space["wrong"]), "backward": lambda self: 0.0})()
    made, names = model(), re.escape(f"got ({predicted}, {true}): change")
    with pytest.raises(TypeError, match=f"^wrong: expected arguments in the order .*{names}"):
        made.compile("adam", "mse", metrics=[space["wrong"]])
    with pytest.raises(TypeError, match=f"^loss: .*{names}"):
        made.compile("adam", loss)
    made.compile("adam", "mse", metrics=[space["right"]])


def test_metrics_names_are_those_of_evaluate():
    made = model()
    assert made.metrics_names == ["loss", "accuracy"]
    assert [*made.evaluate(X, Y, return_dict=True)] == made.metrics_names


def test_a_subclass_may_have_what_is_not_here():
    class Eager(Sequential):
        def train(self):
            return "trained"

    assert Eager([Dense(1)]).train() == "trained"


def test_keras_default_optimizer():
    made = model()
    made.compile(loss="mse")
    assert isinstance(made.optimizer, nnlite.RMSprop)


def test_lists_of_numbers_are_inputs():
    assert Sequential([Dense(3)])([[1, 2], [3, 4]]).shape == (2, 3)


def test_other_programs_are_read_in_interop(tmp_path):
    made = model()
    for name, words in {
        "load_state_dict": r"from_torch\(state_dict, model\)",
        "load_weights": r"from_keras\(path, model\)",
        "to_onnx": "interop.to_onnx",
        "export": "interop.to_onnx",
    }.items():
        with pytest.raises(AttributeError, match=words):
            getattr(made, name)
    for name in ("from_torch", "to_torch", "from_keras", "to_keras", "from_onnx", "to_onnx", "from_npz", "to_npz"):
        with pytest.raises(AttributeError, match=rf"use nnlite\.interop\.{name}$"):
            getattr(nnlite, name)
    with pytest.raises(AttributeError, match=r"use nnlite\.distributed\.DataParallel: model\.compile"):
        nnlite.DataParallel  # noqa: B018
    for ending, words in ((".keras", "from_keras"), (".h5", "from_keras"), (".onnx", "from_onnx")):
        path = tmp_path / f"a{ending}"
        with pytest.raises(nnlite.CheckpointError, match="there is no such file"):
            nnlite.load_model(path)
        path.write_bytes(b"PK" + bytes(50))
        with pytest.raises(nnlite.CheckpointError, match=rf"got a {ending} file of another program: use .*{words}"):
            nnlite.load_model(path)


def test_a_model_is_no_optimizer_of_several_ranks():
    from nnlite.distributed import DataParallel

    for given in (model(), Sequential([Dense(3)])):
        with pytest.raises(TypeError, match=r"DataParallel: optimizer: expected .*, got a Sequential: .*\(DataPar"):
            DataParallel(given)
