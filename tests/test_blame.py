"""An error inside a model says which layer, what it was given and by whom; a loss is compared with the last layer."""

import numpy as np
import pytest

from nnlite import (
    LSTM,
    RNN,
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAvgPool2D,
    GlobalMaxPool2D,
    Layer,
    MaxPool2D,
    MeanSquaredError,
    ReLU,
    RepeatVector,
    Reshape,
    Sequential,
    Sigmoid,
    Softmax,
    SparseCategoricalCrossentropy,
    Tanh,
    TimeDistributed,
    ZeroPadding2D,
    inspect,
    load_model,
)
from nnlite.models import agreement, blame
from nnlite.models.batch import Batch

rng = np.random.default_rng(0)
X = rng.normal(size=(12, 4)).astype("float32")
LABELS = rng.integers(3, size=12)
SEQUENCES = rng.normal(size=(6, 5, 4)).astype("float32")


def fitted(layers, loss="sparse_categorical_crossentropy", x=X, y=LABELS):
    model = Sequential(layers)
    model.compile("sgd", loss)
    return model.fit(x, y, verbose=0)


# Which layer


@pytest.mark.parametrize(
    ("layers", "x", "error", "message"),
    [
        (
            [Dense(3), Tanh(), LSTM(2)],
            X,
            ValueError,
            r"^lstm, which got float32 \(12, 3\) from tanh: x: expected shape",
        ),
        (
            [Dense(3), Dense(3)],
            X.astype(object),
            TypeError,
            r"^x: expected numbers, got an array of objects: use np\.asarray\(x, float\)",
        ),
        ([Conv2D(3, 3)], X, ValueError, r"^conv2d \(Conv2D\), which got|^conv2d, which got float32 \(12, 4\) as the"),
        (
            [Embedding(5, 2)],
            LABELS + 3,
            IndexError,
            r"^embedding, which got int64 \(12,\) as the model's input: x: expe",
        ),
        ([Dense(3), Reshape((2, 2))], X, ValueError, r"^reshape, which got float32 \(12, 3\) from dense: "),
        ([Dense(3), Dense(2, name="head"), LSTM(2)], X, ValueError, r"from head \(Dense\): "),
    ],
)
def test_an_error_names_the_layer_what_it_got_and_from_whom(layers, x, error, message):
    with pytest.raises(error, match=message):
        Sequential(layers).forward(x)


def test_an_error_in_building_names_the_layer():
    with pytest.raises(ValueError, match=r"^lstm, which got \(N, 3\) from dense: LSTM: integer ids need"):
        Sequential([Dense(3), LSTM(2)], input_shape=(4,))
    with pytest.raises(ValueError, match=r"^lstm, which got \(N, 3\) from dense: "):
        Sequential([Dense(3), LSTM(2)]).explain((4,))


def test_a_batch_axis_too_few_or_too_many_is_named():
    model = Sequential([Dense(3)], input_shape=(4,))
    with pytest.raises(ValueError, match=r"expected shape .* use x\[None\], a batch of one"):
        model.predict(X[0])
    for layer, shape in ((LSTM(3), (None, 5, 4)), (Conv2D(3, 2), (None, 8, 8, 1))):
        with pytest.raises(ValueError, match="Is the None the batch axis\\? It is not part of input_shape"):
            Sequential([layer]).build(shape)
    model = Sequential([Dense(3)])
    model.build((None, 4))
    model.predict(X)
    assert model.input_shape == (4,)


def test_an_error_in_a_nested_model_names_the_whole_way():
    model = Sequential([Tanh(), Sequential([Dense(3)], input_shape=(5,), name="inner")])
    with pytest.raises(
        ValueError, match=r"inner \(Sequential\), which got float32 \(12, 4\) from tanh: dense, which got .* as the mod"
    ):
        model.predict(X)


def test_an_error_in_backward_names_the_layer():
    model = Sequential([Dense(3), Tanh()])
    model.forward(X)
    with pytest.raises(ValueError, match=r"tanh, whose backward got float32 \(12, 2\) as the model's dy: dy: expected"):
        model.backward(X[:, :2])


class Odd(Exception):
    """An error whose text is not its argument."""

    def __str__(self):
        return "odd"


def test_the_error_stays_the_same_object():
    errors = [ValueError("a"), KeyError("b"), ZeroDivisionError(), OSError(2, "c"), Odd("d")]
    numbers = [ValueError("a", "b"), ValueError(3)]  # in a note, as somebody may read what they hold

    class Raising(Layer):
        def forward(self, x, training=False):
            raise self.error

    for error in errors + numbers:
        layer, held = Raising(), error.args
        layer.error = error
        with pytest.raises(type(error)) as caught:
            Sequential([layer]).forward(X)
        assert caught.value is error
        assert error.args == held or error not in numbers
        text = "\n".join([str(error), *getattr(error, "__notes__", ())])
        assert "raising, which got float32 (12, 4) as the model's input" in text


@pytest.mark.parametrize("between", [(), (Dropout(0.5),), (Tanh(), BatchNorm())])
@pytest.mark.parametrize("reader", [LSTM, RNN])
def test_a_recurrent_layer_needs_the_steps_of_the_one_before(between, reader):
    name = reader.__name__.lower()
    message = rf"{name}\w* expects \(N, T, F\) but first gives \(N, H\): use return_sequences=True in first"
    with pytest.raises(ValueError, match=message):
        Sequential([LSTM(4, name="first"), *between, reader(4)]).forward(SEQUENCES)
    with pytest.raises(ValueError, match=message):
        Sequential([LSTM(4, name="first"), *between, reader(4)], input_shape=(5, 4))
    with pytest.raises(ValueError, match="first gives"):
        Sequential([LSTM(4, name="first"), Sequential([reader(4)])], input_shape=(5, 4))


def test_a_model_that_reads_no_sequences_is_not_told_to():
    inner = Sequential([Dense(3)], input_shape=(7,), name="inner")
    with pytest.raises(ValueError, match=r"inner \(Sequential\), which got .* from lstm: dense"):
        Sequential([LSTM(4), inner]).forward(SEQUENCES)


@pytest.mark.parametrize("method", ["fit", "train_on_batch", "evaluate"])
def test_targets_of_every_step_need_every_step(method):
    steps = rng.integers(3, size=(6, 5))
    for sequences, y, message in (
        (False, steps, "its last step alone.*=True"),
        (True, LABELS[:6], "every step.*=False"),
    ):
        model = Sequential([LSTM(4, return_sequences=sequences), Dense(3), Softmax()])
        model.compile("sgd", "sparse_categorical_crossentropy")
        with pytest.raises(ValueError, match=f"lstm gives {message}"):
            getattr(model, method)(SEQUENCES, y)


class Refuses(Layer):
    def forward(self, x, training=False):
        return x

    def backward(self, dy):
        raise ValueError("no")


def test_a_dy_is_from_the_last_layer_where_that_comes_next():
    model = Sequential([Refuses(), Dense(3)])
    model.forward(X)
    with pytest.raises(ValueError, match=r"^refuses, whose backward got float32 \(12, 4\) from dense: no"):
        model.backward(X[:, :3])


def test_what_is_no_single_sample_is_not_taken_for_one():
    with pytest.raises(ValueError, match=r"got \(12, 3\)") as caught:
        Sequential([Dense(3)], input_shape=(4,)).predict(X[:, :3])
    assert "single" not in str(caught.value)


TWO = Batch(X[:2], LABELS[:2], rows=range(5, 7))


@pytest.mark.parametrize(
    ("epoch", "batch", "data", "message", "expected"),
    [
        (2, 3, TWO, "x: got 9 at (1, 0)", "epoch 2, batch 3: x: got 9 at (1, 0) (row 1 of the batch is sample 6 of x)"),
        (2, 3, TWO, "x: got 9 at (2, 0)", "epoch 2, batch 3: x: got 9 at (2, 0)"),  # of what is not its samples
        (2, 3, TWO, "x: got 9", "epoch 2, batch 3: x: got 9"),
        (2, 3, None, "y: got 9 at (1,)", "epoch 2, batch 3: y: got 9 at (1,)"),
        (2, 3, Batch(X[:2]), "y: got 9 at (1,)", "epoch 2, batch 3: y: got 9 at (1,)"),
        (2, 3, Batch(X[:2], lengths=[4, 4], rows=range(2)), "y: got 9 at (1,)", "epoch 2, batch 3: y: got 9 at (1,)"),
        (2, "validation_data", None, "no", "epoch 2, validation_data: no"),
        (2, None, None, "no", "epoch 2: no"),
    ],
)
def test_an_error_in_training_has_its_place_and_the_sample_where_it_is_known(epoch, batch, data, message, expected):
    error = ValueError(message)
    blame.training(error, epoch, batch, data)
    assert str(error) == expected


@pytest.mark.parametrize(
    ("layers", "error", "true", "predicted", "hint"),
    [
        ([LSTM(3, return_sequences=True)], ValueError, (6,), (6, 5, 3), "every step"),
        ([LSTM(3, return_sequences=True)], ValueError, (6, 5), (6, 5, 3), ""),
        ([LSTM(3, return_sequences=True)], ValueError, (6, 5, 4), (6, 5, 3), ""),
        ([LSTM(3, return_sequences=True)], TypeError, (6,), (6, 5, 3), ""),
        ([LSTM(3)], ValueError, (6, 5), (6, 3), "its last step alone"),
        ([LSTM(3)], ValueError, (7,), (6, 3), ""),
        ([LSTM(3)], TypeError, (6, 5), (6, 3), ""),
        ([Tanh()], ValueError, (6, 5), (6, 3), ""),
        ([Conv2D(2, 3), Dense(3)], ValueError, (6, 1), (6, 5, 5, 3), "on each pixel"),
        ([Conv2D(2, 3), Dense(3)], ValueError, (6, 4, 5), (6, 5, 5, 3), ""),
    ],
)
def test_a_layer_is_blamed_for_shapes_that_it_can_change(layers, error, true, predicted, hint):
    raised = error("y: no")
    blame.loss(raised, Sequential(layers), true, predicted)
    assert hint in str(raised)
    assert bool(hint) == (str(raised) != "y: no")


# Layers of one's own


class Square(Layer):
    """As a student writes it first."""

    def forward(self, x):
        self.x = x
        return x * x

    def backward(self, dy):
        return 2 * self.x * dy


class Scale(Layer):
    """With a build that tells nobody that it has built, and is called by nobody."""

    def build(self, input_shape):
        self.params["s"], self.grads["s"] = np.ones(input_shape, self.dtype), np.zeros(input_shape, self.dtype)

    def forward(self, x, training=False):
        self.x = x
        return x * self.params["s"]

    def backward(self, dy):
        self.grads["s"][...] = (dy * self.x).sum(axis=0)
        return dy * self.params["s"]


@pytest.mark.parametrize("input_shape", [None, (4,)])
def test_own_layers_may_leave_out_what_can_be_left_out(input_shape):
    model = Sequential([Dense(3), Square(), Scale(), Dense(3), Softmax()], input_shape, seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    first = model.fit(X, LABELS, epochs=2, verbose=0).history["loss"]
    scale = model.params["scale.s"].copy()
    assert (scale != 1).any()
    model.predict(X)
    np.testing.assert_array_equal(model.params["scale.s"], scale)
    assert first[1] < first[0]
    assert model.parameter_count == 15 + 3 + 12


class NoDx(Square):
    def backward(self, dy):
        2 * self.x * dy


class OtherDx(Square):
    def backward(self, dy):
        return dy[:, :1]


class Double(Square):
    def forward(self, x):
        return super().forward(x).astype("float64")


class Nothing(Square):
    def forward(self, x):
        super().forward(x)


class Narrow(Square):
    def forward(self, x):
        return x[:, :2]


class Summed(Square):
    def forward(self, x):
        return x.sum(axis=0, keepdims=True)


class Bare(Square):
    def __init__(self):
        self.scale = 2


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        (
            NoDx,
            TypeError,
            r"no_dx \(NoDx\), whose backward got float32 \(12, 3\) from dense_1.* NoneType: add `return dx` at its end",
        ),
        (OtherDx, ValueError, r"with the shape of x, \(12, 3\), got \(12, 1\)"),
        (Double, TypeError, r"float32, the layer's dtype, got float64.*add `return y.astype\(self.dtype\)`"),
        (Nothing, TypeError, "forward: expected it to return an array, got NoneType: add `return y` at its end"),
        (Narrow, ValueError, r"got \(12, 2\): add `def output_shape\(self, input_shape\): return \(2,\)`"),
        (Summed, ValueError, r"return \(12, 3\), .* got \(1, 3\): the first axis is that of the samples"),
        (
            Bare,
            TypeError,
            r"Bare.* add super\(\).__init__\(\) as (the|its) first line",
        ),
        (Layer, NotImplementedError, r"has no forward\(x, training=False\)"),
    ],
)
def test_own_layers_are_told_the_line_to_add(kind, error, message):
    with pytest.raises(error, match=message):
        fitted([Dense(3), kind(), Dense(3), Softmax()])


def test_a_class_that_is_no_layer_is_told_what_to_derive_from():
    class Plain:
        def forward(self, x):
            return x

    with pytest.raises(TypeError, match=r"layers\[0\]: expected a layer, .*: derive .* class Plain\(nnlite.Layer\)"):
        Sequential([Plain()])


def test_own_first_layers_need_no_dx():
    fitted([NoDx(), Dense(3), Softmax()])


# The loss and the last layer

LOGITS = SparseCategoricalCrossentropy(from_logits=True)
ADD_SOFTMAX = (
    r"loss: {} gives any numbers, SparseCategoricalCrossentropy\(\) expects probabilities: add Softmax\(\) as the last "
    r"layer, or use SparseCategoricalCrossentropy\(from_logits=True\)"
)


@pytest.mark.parametrize(
    ("layers", "loss", "message"),
    [
        (lambda: [Dense(3)], SparseCategoricalCrossentropy(), ADD_SOFTMAX.format("Dense")),
        (lambda: [Dense(16), ReLU(), Dense(3)], SparseCategoricalCrossentropy(), ADD_SOFTMAX.format("Dense")),
        (lambda: [Dense(3), ReLU()], SparseCategoricalCrossentropy(), ADD_SOFTMAX.format("ReLU")),
        (lambda: [Dense(3), Dropout(0.1), Flatten()], SparseCategoricalCrossentropy(), ADD_SOFTMAX.format("Dense")),
        (lambda: [Sequential([Dense(3)])], SparseCategoricalCrossentropy(), ADD_SOFTMAX.format("Dense")),
        (lambda: [Dense(3), Softmax()], LOGITS, "Softmax gives probabilities, .*remove Softmax, or use Sparse"),
        (lambda: [Dense(3), Sigmoid()], LOGITS, "Sigmoid gives probabilities, .*remove Sigmoid, or use Sparse"),
        (lambda: [Dense(3), Sigmoid()], SparseCategoricalCrossentropy(), "do not add up to 1.*use Softmax"),
        (lambda: [Dense(1), Softmax()], SparseCategoricalCrossentropy(), "of a single number is always 1: use Sigmoid"),
        (lambda: [Dense(3), Dense(1, "softmax")], SparseCategoricalCrossentropy(), "of a single number is always 1"),
        (lambda: [Dense(1, "relu"), Dropout(0.1), Softmax()], SparseCategoricalCrossentropy(), "of a single number"),
    ],
)
@pytest.mark.parametrize("method", ["compile", "fit", "train_on_batch", "evaluate"])
def test_a_loss_that_expects_something_else_is_refused(layers, loss, message, method):
    model = Sequential(layers(), input_shape=(4,) if method == "compile" else None)
    arguments = ("sgd", loss) if method == "compile" else (X, LABELS)
    if method != "compile":
        model.compile("sgd", loss)
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(*arguments)
    assert method != "compile" or model.loss is None


def test_a_loss_of_trace_is_compared_too():
    model = Sequential([LSTM(4), Dense(3)])
    with pytest.raises(ValueError, match="add Softmax"):
        inspect.trace(model, SEQUENCES, LABELS[:6], loss="sparse_categorical_crossentropy")
    inspect.trace(model, SEQUENCES, LABELS[:6])
    inspect.trace(Sequential([LSTM(4), Dense(3), Sequential([Softmax()])]), SEQUENCES, LABELS[:6])


@pytest.mark.parametrize(
    ("layers", "loss"),
    [
        (lambda: [Dense(3), Softmax()], SparseCategoricalCrossentropy()),
        (lambda: [Dense(3), Sequential([Softmax()]), Flatten()], SparseCategoricalCrossentropy()),
        (lambda: [Dense(3)], LOGITS),
        (lambda: [Dense(3), ReLU()], LOGITS),
        (lambda: [Dense(3), Square()], LOGITS),
        (lambda: [Dense(1), Dense(3), Softmax()], SparseCategoricalCrossentropy()),
        (lambda: [Dense(1), Dense(3, "softmax"), Flatten()], SparseCategoricalCrossentropy()),
    ],
)
def test_a_loss_that_fits_is_taken(layers, loss):
    fitted(layers(), loss)


def test_own_layers_and_losses_may_be_right():
    class Probabilities(Softmax):
        pass

    class Own(MeanSquaredError):
        from_logits = None

    class Bare:  # with the flag, and of no base
        from_logits = False

        def forward(self, y_true, y_pred):
            self.dy = np.zeros_like(y_pred)
            return 1.0

        def backward(self):
            return self.dy

    fitted([Dense(3), Probabilities()])
    fitted([Dense(3, activation=Probabilities())])
    fitted([Dense(4)], Own(), X, X)
    fitted([Dense(4)], Bare(), X, X)
    fitted([Dense(4)], "mse", X, X)


def test_activations_inside_a_layer_count():
    class Active(Dense):
        __module__ = "nnlite.layers.active"

        def _steps(self):
            return [self, Softmax()]

    model = Sequential([Active(3)])
    assert agreement.last_step(model) == "Softmax"
    assert agreement.gives_probabilities(model)
    agreement.check(model, SparseCategoricalCrossentropy())
    with pytest.raises(ValueError, match="remove Softmax"):
        agreement.check(model, LOGITS)


@pytest.mark.parametrize(
    "layer",
    [
        *(Flatten(), Reshape((3, 1)), Dropout(0.1), ZeroPadding2D(), RepeatVector(2)),
        *(MaxPool2D(), AvgPool2D(), GlobalMaxPool2D(), GlobalAvgPool2D(), TimeDistributed(Flatten())),
    ],
    ids=lambda layer: layer.name,
)
def test_a_layer_that_moves_numbers_gives_those_of_the_one_before(layer):
    assert agreement.last_step(Sequential([Softmax(), layer])) == "Softmax"
    assert agreement.last_step(Sequential([layer])) is None


def test_layers_of_ones_own_under_the_names_of_nnlites_are_not_known():
    flatten, softmax = (type(name, (kind,), {}) for name, kind in (("Flatten", Square), ("Softmax", Tanh)))
    for last in (flatten(), softmax(), Dense(3, softmax()), type("Own", (Dense,), {})(3, "softmax")):
        assert agreement.last_step(Sequential([Softmax(), last])) is None


def test_a_model_and_its_loss_are_compared_once_and_again_when_one_has_changed(monkeypatch):
    model, compared, check = Sequential([Dense(3), Softmax()]), [], agreement.check
    monkeypatch.setattr(agreement, "check", lambda *args: (compared.append(args), check(*args)))
    model.compile("sgd", SparseCategoricalCrossentropy())
    for _ in range(2):
        model.train_on_batch(X, LABELS)
    assert len(compared) == 1
    model.loss.from_logits = True
    with pytest.raises(ValueError, match="remove Softmax"):
        model.train_on_batch(X, LABELS)


def test_a_file_with_a_loss_for_something_else_can_be_loaded(tmp_path):
    model = Sequential([Dense(3)], input_shape=(4,))
    model.compile("sgd", LOGITS)
    model.loss = SparseCategoricalCrossentropy()  # as older versions took it
    model.save(tmp_path / "m.safetensors")
    twin = load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    with pytest.raises(ValueError, match="add Softmax"):
        twin.fit(X, LABELS)
