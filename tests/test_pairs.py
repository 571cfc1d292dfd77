"""Where two things meet: a table of pairs. Each is right, or refused with a sentence that says what to do.

    @right("a schedule", "two optimizers")        the function asserts what is right
    @refused("an optimizer", "a second model", ValueError, "...")        it raises this error

What one thing promises by itself is in tests/testing.
"""

import copy
import io
import pickle
import re
import threading
from array import array as numbers_in_a_row
from pathlib import Path

import joblib
import numpy as np
import pytest
import rich.console
from matplotlib import figure
from numeric import assert_close, assert_same_bits

import nnlite
from nnlite import (
    GRU,
    LSTM,
    RNN,
    SGD,
    Adam,
    AvgPool2D,
    BackupAndRestore,
    BatchNorm,
    Bidirectional,
    Callback,
    Conv2D,
    CosineDecay,
    CSVLogger,
    Dense,
    Dropout,
    EarlyStopping,
    Embedding,
    Flatten,
    JSONLogger,
    LambdaCallback,
    Layer,
    LayerNorm,
    LeakyReLU,
    LearningRateScheduler,
    MaxPool2D,
    MeanSquaredError,
    ModelCheckpoint,
    ProgressBar,
    Reshape,
    Sequential,
    Softmax,
    Tanh,
    TimeDistributed,
    ZeroPadding2D,
    gradcheck,
)  # fmt: skip
from nnlite.turns import computing

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((12, 4)).astype("float32"), RNG.standard_normal((12, 2)).astype("float32")
LABELS = RNG.integers(2, size=12)
IMAGES = RNG.standard_normal((3, 6, 6, 2)).astype("float32")
SEQUENCES = RNG.standard_normal((4, 5, 4)).astype("float32")
LENGTHS = np.array([3, 5, 0, 2])

PAIRS = []


def right(first, second):
    """Of a function that asserts what is right where the two meet."""

    def add(function):
        PAIRS.append((f"{first} x {second}", function, None, None))
        return function

    return add


def refused(first, second, error, message):
    """Of a function that raises this error where the two meet."""

    def add(function):
        PAIRS.append((f"{first} x {second}", function, error, message))
        return function

    return add


def model(*layers, optimizer="sgd", loss="mse", metrics=None, seed=0):
    made = Sequential(list(layers) or [Dense(3), Dense(2)], seed=seed)
    made.compile(optimizer, loss, metrics)
    return made


def compiled(made, optimizer="sgd", loss="mse"):
    made.compile(optimizer, loss)
    return made


def trained(made=None, callbacks=(), x=X, y=Y, **options):
    """A model after a short training, whose History it has."""
    made = model() if made is None else made
    options = {"batch_size": 4, "verbose": 0, "callbacks": list(callbacks)} | options
    made.fit(x, y, **options)
    return made


def assert_same_weights(one, other):
    assert one.params.keys() == other.params.keys()
    for name, param in other.params.items():
        assert_same_bits(one.params[name], param, name)


class At(Callback):
    """Calls a function with the model in the middle of a training, and at the end of the epoch."""

    def __init__(self, function, hooks=("batch", "epoch")):
        self.function, self.hooks = function, hooks

    def on_train_batch_end(self, batch, logs):
        if "batch" in self.hooks and batch == 1:
            self.function(self.model)

    def on_epoch_end(self, epoch, logs):
        if "epoch" in self.hooks:
            self.function(self.model)


# A layer, and models.


@right("a layer", "two models, trained in turns, each with its optimizer")
def _():
    shared = Dense(4)
    first, second = model(shared, Dense(2), optimizer=Adam(0.01)), model(shared, Dense(2), optimizer=Adam(0.01), seed=1)
    for _ in range(2):
        before = shared.params["W"].copy() if shared.built else None
        trained(first)
        trained(second)
        assert before is None or (shared.params["W"] != before).any()
    assert first.params["dense.W"] is second.params["dense.W"]


@right("a layer", "two models of which one trains in another thread")
def _():
    shared = Dense(4)
    first, second = model(shared, Dense(2)), model(shared, Dense(2))
    alone = copy.deepcopy(trained(first))
    thread = threading.Thread(target=lambda: trained(first, epochs=20))
    thread.start()
    for _ in range(30):
        assert np.isfinite(second.predict(X)).all()
    thread.join()
    assert_same_weights(trained(alone, epochs=20), first)


for what in ("get_weights", "set_weights"):

    @right(what, "a step in another thread, which comes to its end first")
    def _(what=what):
        made, done = trained(), threading.Event()
        arguments = [made.get_weights()] if what == "set_weights" else []
        thread = threading.Thread(target=lambda: (getattr(made, what)(*arguments), done.set()))
        with computing:
            thread.start()
            assert not done.wait(0.1)
        thread.join()
        assert done.is_set()


@right("a layer's name", "a second model, which gives the new layer another one")
def _():
    shared = Dense(4)
    first = Sequential([shared, Dense(4)], input_shape=(4,))
    second = Sequential([Dense(4), shared], input_shape=(4,))
    assert list(first.params) == ["dense.W", "dense.b", "dense_1.W", "dense_1.b"]
    assert [layer.name for layer in second.layers] == ["dense_1", "dense"]


@refused(
    "a layer's name", "another layer of its model", ValueError, "two of its layers are named 'dense_1': another mo"
)
def _():
    made = Sequential([Dense(4), Dense(4)], input_shape=(4,))
    made.layers[0].name = "dense_1"
    made.get_weights()


@right("a layer's name that changes in a training", "EarlyStopping, which gives back the best weights")
def _():
    stop = EarlyStopping("loss", mode="max", patience=9, restore_best_weights=True)  # the first epoch is the best
    best = At(lambda made: weights.append(made.get_weights()), ("epoch",))
    weights, made = [], model()
    trained(made, [stop, best, At(lambda made: setattr(made.layers[0], "name", "other"), ("epoch",))], epochs=2)
    for array, expected in zip(made.get_weights(), weights[0], strict=True):
        assert_same_bits(array, expected)


SETTINGS = [
    ("rate=1.5", lambda made: Dropout(0.5), ValueError, "rate: expected a number in"),
    ("rate='x'", lambda made: Dropout(0.5), TypeError, "rate: expected a number, got 'x'"),
    ("epsilon=-5.0", lambda made: BatchNorm(), ValueError, "epsilon: expected a finite number above 0"),
    ("momentum=None", lambda made: BatchNorm(), TypeError, "momentum: expected a number, got None"),
    ("dropout=3", lambda made: LSTM(2), ValueError, "dropout: expected a number in"),
    (
        "dtype='float64'",
        lambda made: made.layers[0],
        ValueError,
        "dtype: expected dtype\\('float32'\\), as the weights",
    ),
    ("use_bias=False", lambda made: made.layers[0], ValueError, "use_bias: expected True, as the weights of dense are"),
    ("layer=LSTM(7)", lambda made: Bidirectional(LSTM(2)), ValueError, "layer: expected to be given when the layer is"),
    ("strides=2", lambda made: type("Mine", (Conv2D,), {})(2, 3), ValueError, "strides: expected to be given when the"),
    ("rng=5", lambda made: made.layers[0], TypeError, "rng: expected a numpy.random.Generator, got 5: use np.random"),
    ("strides=2", lambda made: Conv2D(2, 3), ValueError, r"when the layer is made, got 2 .* Conv2D\(..., strides=2\)"),
    ("kernel_size=2", lambda made: Conv2D(2, 3), ValueError, "kernel_size: expected to be given when the layer"),
    ("padding='same'", lambda made: AvgPool2D(), ValueError, "padding: expected to be given when the layer is made"),
    ("recurrent_dropout=0.5", lambda made: LSTM(2), ValueError, "recurrent_dropout: expected to be given when"),
    ("seed=None", lambda made: Dropout(0.5), ValueError, "seed: expected to be given when the layer is made, got None"),
    ("name='a/b'", lambda made: made.layers[0], ValueError, "a layer's name cannot have a '/', got 'a/b'"),
    ("name=''", lambda made: made.layers[0], ValueError, "a layer's name cannot be empty"),
    ("name=None", lambda made: made.layers[0], TypeError, "a layer's name: expected a text, got None"),
    ("name='a/b'", lambda made: made, ValueError, "a layer's name cannot have a '/', got 'a/b'"),
    ("rng=5", lambda made: made, TypeError, "rng: expected a numpy.random.Generator, got 5"),
    ("dtype='float64'", lambda made: made, ValueError, "dtype: expected float32, as that of dense, got float64: give"),
    ("optimizer=None", lambda made: made, ValueError, "optimizer: expected an optimizer or one of"),
    ("loss=3", lambda made: made, TypeError, "loss: expected a name or an object with forward and backward, got 3"),
    ("metrics='mae'", lambda made: made, TypeError, r"metrics: expected a list such as \['accuracy'\], got 'mae'"),
    ("metrics={'a': 3}", lambda made: made, TypeError, "metrics: expected a list such as"),
    ("metrics={3: 'mae'}", lambda made: made, TypeError, "metrics: expected a list such as"),
]
for number, (setting, whose, error, message) in enumerate(SETTINGS):

    @refused(f"{setting}, set later", f"what was made with others, {number}", error, message)
    def _(setting=setting, whose=whose):
        name, value = setting.split("=")
        setattr(whose(trained()), name, eval(value))


@right("attributes of one's own", "a class that extends Conv2D, which keeps its strides under their name")
def _():
    class Own(Conv2D):
        def __init__(self, filters, strides=1, **options):
            super().__init__(filters, 3, strides, **options)
            self.strides = strides

    layer = Own(2, 2)
    layer.strides = layer.padding = 3
    assert (layer.strides, layer.padding, layer.window.strides) == (3, 3, (2, 2))


@right("attributes that are set later", "what they are set on")
def _():
    layer, made = Dropout(0.5), trained()
    layer.rate, made.loss, made.optimizer, made.metrics = 0.25, "mae", "adam", ["mse"]
    assert (layer.rate, type(made.loss).__name__, made.metrics_names) == (0.25, "MeanAbsoluteError", ["loss", "mse"])
    assert isinstance(trained(made).optimizer, Adam)
    made.metrics = {"error": "mae"}
    assert [*made.evaluate(X, Y, return_dict=True)] == ["loss", "error"]


@refused("metrics that are set", "a running training", RuntimeError, "setting metrics: sequential is being trained by")
def _():
    trained(callbacks=[At(lambda made: setattr(made, "metrics", {}))])


@refused(
    "a layer's new name", "a model whose parts are named so", ValueError, "cannot begin with that of the model 'in'"
)
def _():
    made = Sequential([Sequential([Dense(2)], name="in"), Dense(2)], input_shape=(4,))
    made.layers[1].name = "in.x"
    made.save("a.safetensors")


for name in (5, b"dense"):

    @refused(f"a layer's name {name!r}", "a model", TypeError, f"a layer's name: expected a text, got {name!r}")
    def _(name=name):
        Sequential([Dense(4, name=name)])


@right("a model that cannot be made", "a layer of another model, which stays as it was")
def _():
    shared, other = Dense(4), Dense(3, dtype="float64")
    first = Sequential([shared], seed=0)
    before = shared.name, shared.rng, shared.dtype
    with pytest.raises(ValueError, match="dense has dtype float64, the model float32"):
        Sequential([Dense(2), shared, other])
    assert (shared.name, shared.rng, shared.dtype) == before
    assert first.rng is shared.rng


@refused(
    "a layer", "a second model of another dtype", ValueError, "dense has dtype float32, the model float64: give the"
)
def _():
    shared = Dense(4)
    Sequential([shared], input_shape=(4,))
    Sequential([shared], dtype="float64")


@refused(
    "a layer without weights yet", "a second model of another dtype", ValueError, "float32, and is in another model"
)
def _():
    shared = Dense(4)
    Sequential([shared, Dense(2)])
    Sequential([shared], dtype="float64")


@right("a copy of a layer without weights yet", "a second model of another dtype")
def _():
    layer = Dense(4)
    Sequential([layer, Dense(2)])
    for copied in (copy.copy(layer), copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert Sequential([copied], dtype="float64").dtype == copied.dtype == np.float64


@refused("a layer", "a second model with other features", ValueError, r"expected shape \(N, ..., F\) = \(..., 4\), got")
def _():
    shared = Dense(4)
    Sequential([shared], input_shape=(4,))
    Sequential([Dense(7), shared]).predict(X)


@refused("a layer", "the same model again", ValueError, r"layers\[1\]: this Dense is in the list already: make another")
def _():
    shared = Dense(4)
    Sequential([shared, shared])


@refused(
    "a layer", "a model inside its model", ValueError, r"layers\[1\]: this Dense is in the list already: make anoth"
)
def _():
    shared = Dense(4)
    Sequential([shared, Sequential([shared])])


@refused(
    "a layer", "a TimeDistributed of it in the same model", ValueError, r"layers\[1\]: this Dense is in the list al"
)
def _():
    shared = Dense(4)
    Sequential([TimeDistributed(shared), shared])


@refused(
    "a layer", "two TimeDistributed of it", ValueError, r"layers\[1\]: this Dense is in the list already: make ano"
)
def _():
    shared = Dense(4)
    Sequential([TimeDistributed(shared), TimeDistributed(shared)])


@refused("a layer", "a model inside its model, to which it is added later", ValueError, "expected an array of its own")
def _():
    shared, inner = Dense(4), Sequential([Dense(4)])
    made = model(shared, inner)
    inner.add(shared)
    made.fit(X, X, verbose=0)


@right("a recurrent layer", "the Bidirectional that it is the template of")
def _():
    template = LSTM(4, return_sequences=True)
    made = Sequential([template, Bidirectional(template)], input_shape=(5, 4))
    assert len(made.params) == 9


@right("a layer as activation", "two layers")
def _():
    shared = Tanh()
    made = Sequential([Dense(3, shared), Dense(3, shared), shared], seed=0, dtype="float64")
    assert gradcheck(made, X[:3].astype("float64")).max_error < 1e-6


@right("gradcheck", "predict in another thread, which waits until the weights are the model's own again")
def _():
    x, y = X.astype("float64"), Y.astype("float64")
    made, waits = Sequential([Dense(2)], dtype="float64", seed=0), []
    thread = threading.Thread(target=lambda: assert_same_bits(made.predict(x), expected))
    expected = made.predict(x)

    class Squares(Own):
        def forward(self, y_true, y_pred):
            self.difference = y_pred - y_true
            if not waits:
                thread.start()
                thread.join(0.1)
                waits.append(thread.is_alive())
            return float(np.square(self.difference).sum())

        def backward(self):
            return 2 * self.difference

    gradcheck(made, x, y=y, loss=Squares())
    thread.join()
    assert waits == [True]


@right("gradcheck", "an object of one's own that computes in threads")
def _():
    halves = Dense(2, dtype="float64"), Dense(2, dtype="float64")

    class InThreads:
        def run(self, *calls):
            results = [None] * len(calls)
            threads = [
                threading.Thread(target=lambda n=n, call=call: results.__setitem__(n, call()))
                for n, call in enumerate(calls)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(10)
            return results

        def forward(self, x):
            return np.concatenate(self.run(*(lambda half=half: half.forward(x) for half in halves)), 1)

        def backward(self, dy):
            for half in halves:
                half.forward(self.x)
            return sum(half.backward(part.copy()) for half, part in zip(halves, np.split(dy, 2, 1), strict=True))

    checked = InThreads()
    checked.x = X[:3].astype("float64")
    assert gradcheck(checked, checked.x, fast=True).max_error < 1e-6


@right("a deep copy of a layer", "the original's model")
def _():
    layer = Dense(4)
    made = Sequential([layer], input_shape=(4,), seed=0)
    made.add(copy.deepcopy(layer))
    assert list(made.params) == ["dense.W", "dense.b", "dense_1.W", "dense_1.b"]


@refused(
    "a shallow copy of a layer", "the original's model", ValueError, "parameter dense_1.W: expected an array of its"
)
def _():
    layer = Dense(4)
    made = model(layer)
    made.predict(X)
    made.add(copy.copy(layer))
    made.fit(X, X, verbose=0)


for kind in (Dense, lambda units: Bidirectional(LSTM(units))):

    @right("a shallow copy of a layer without weights", f"another model than that of {kind(4)!r}")
    def _(kind=kind):
        layer = kind(4)
        first, second = model(layer, Dense(2)), model(copy.copy(layer), Dense(2), seed=1)
        x, y = (X, Y) if kind is Dense else (SEQUENCES, ONE_TAG)
        before = trained(first, x=x, y=y).get_weights()
        trained(second, x=x, y=y)
        for array, expected in zip(first.get_weights(), before, strict=True):
            assert_same_bits(array, expected)


@right("a model", "two models that it is a part of, and training by itself")
def _():
    inner = Sequential([Dense(4)], seed=0)
    first, second = model(inner, Dense(2), optimizer=Adam()), model(inner, Dense(2), optimizer=Adam())
    inner.compile(Adam(), "mse")
    for made in (first, second, first):
        trained(made)
    inner.fit(X, X, verbose=0)
    trained(second)
    assert first.params["sequential.dense.W"] is inner.params["dense.W"]


@refused("a model", "itself", ValueError, "is in the list already: make another one")
def _():
    made = Sequential([Dense(4)])
    made.add(made)


@refused("forward of one model", "backward of another with the same layer", ValueError, "dy: expected shape of y = ")
def _():
    shared = Dense(4)
    first, second = Sequential([shared]), Sequential([shared])
    first.forward(X)
    second.forward(X[:2])
    first.backward(np.ones((12, 4), "float32"))


@right("a random generator", "two models, which both draw from it")
def _():
    def both():
        rng = np.random.default_rng(0)
        return [trained(model(Dense(3), Dropout(0.5), Dense(2), seed=rng)) for _ in range(2)]

    (first, second), (first_again, second_again) = both(), both()
    assert_same_weights(first, first_again)
    assert_same_weights(second, second_again)
    assert (first.params["dense.W"] != second.params["dense.W"]).any()


@right("an initializer and a regularizer", "two layers")
def _():
    W = np.ones((4, 4), "float32")
    price = nnlite.regularizers.L2(0.1)

    def all_ones(shape, rng):
        return W

    made = model(*(Dense(4, kernel_initializer=all_ones, kernel_regularizer=price) for _ in range(2)))
    made.fit(X, X, verbose=0)
    assert (W == 1).all(), "an initializer's array is its own"
    assert (made.params["dense.W"] != made.params["dense_1.W"]).any()
    assert nnlite.regularizers.penalty(made.layers) > 0


@refused(
    "one array", "two parameters", ValueError, "parameter dense_1.W: expected an array of its own, got that of the p"
)
def _():
    first, second = Dense(4), Dense(4)
    made = model(first, second)
    made.predict(X)
    second.params["W"] = first.params["W"]
    made.fit(X, X, verbose=0)


@refused(
    "one array", "two gradients", ValueError, "gradient of dense_1.W: expected an array of its own, got that of the "
)
def _():
    first, second = Dense(4), Dense(4)
    made = model(first, second)
    made.predict(X)
    second.grads["W"] = first.grads["W"]
    made.fit(X, X, verbose=0)


for start in (0, 2):

    @refused(
        "one array",
        f"a parameter, and another that begins at its number {start}",
        ValueError,
        "parameter b: expected an array of its own, got that of the parameter a, so that one step would write it twice",
    )
    def _(start=start):
        W = np.ones(12)
        params = {"a": W[:10].reshape(2, 5), "b": W[start : start + 10].reshape(2, 5)}
        SGD().apply({name: np.ones((2, 5)) for name in params}, params)


@right("one array", "two parameters that lie side by side")
def _():
    W = np.ones(10)
    SGD(0.5).apply({name: np.ones(5) for name in "ab"}, {"a": W[:5], "b": W[5:]})
    assert (W == 0.5).all()


@refused("one array", "a parameter and its gradient", ValueError, "gradient of W: expected an array of its own")
def _():
    W = np.ones(3)
    SGD().apply({"W": W}, {"W": W})


@right("a layer of one's own", "a loss, under the name of nnlite's TimeDistributed")
def _():
    class TimeDistributed(nnlite.Layer):
        def forward(self, x, training=False):
            return x

        def backward(self, dy):
            return dy

    assert_same_weights(trained(model(Dense(2), TimeDistributed())), trained(model(Dense(2))))


@right("a layer of one's own", "another process, to which its class is sent, too")
def _():
    class Twice(nnlite.Layer):
        def forward(self, x, training=False):
            return 2 * x

        def backward(self, dy):
            return 2 * dy

    made = model(Dense(3), Twice())
    y = made.predict(X)
    for got in joblib.Parallel(n_jobs=2)(joblib.delayed(lambda sent: sent.predict(X))(made) for _ in range(2)):
        assert_same_bits(got, y)


class Scale(Layer):
    """x * g, with g that is trained."""

    def build(self, input_shape):
        self.params["g"], self.grads["g"] = np.ones(input_shape[-1], "float32"), np.zeros(input_shape[-1], "float32")

    def forward(self, x, training=False):
        self.x = x
        return x * self.params["g"]

    def backward(self, dy):
        self.grads["g"][...] = (dy * self.x).reshape(-1, dy.shape[-1]).sum(0)
        return dy * self.params["g"]


class Powers(Layer):
    """x * 2 for each of its layers: a number, or a list of some."""

    def __init__(self, layers, **options):
        super().__init__(**options)
        self.layers = layers

    def forward(self, x, training=False):
        self.factor = 2 ** (self.layers if isinstance(self.layers, int) else len(self.layers))
        return self.factor * x

    def backward(self, dy):
        return self.factor * dy


for layers in (3, [Tanh()]):

    @right(f"an attribute `layers` of a layer of one's own, {layers!r}", "all that looks into models")
    def _(layers=layers):
        made = trained(model(Powers(layers, name="powers"), Sequential([Dense(3)]), Dense(2)))
        made.summary()
        assert made.get_layer("powers").layers is layers
        if layers == 3:
            made.save("model.safetensors")
            again = nnlite.load_model("model.safetensors", {"Powers": Powers})
            assert_same_bits(again.predict(X), made.predict(X))


class Early(Scale):
    """The same, with its weights from the beginning."""

    def __init__(self, **options):
        super().__init__(**options)
        self.build((4,))


class Counted(Layer):
    """Keeps a statistic."""

    def build(self, input_shape):
        self.statistics["seen"] = np.zeros(1)

    def forward(self, x, training=False):
        return x

    def backward(self, dy):
        return dy


class Within(Counted):
    """Keeps its weights in a layer inside."""

    def build(self, input_shape):
        self.inner = Dense(input_shape[-1])
        self.inner.build(input_shape)


class Trained(Counted):
    """Another function in training."""

    build = Layer.build

    def forward(self, x, training=False):
        return x * 0 if training else x


for kind, message in (
    (Scale, "dense: activation: expected a layer without weights and statistics, got Scale with g, .* behind dense"),
    (Early, "Dense: activation: expected a layer without weights and statistics, got Early with g"),
    (Counted, "dense: activation: expected a layer without weights and statistics, got Counted with seen"),
    (Within, "Within: expected all weights in params, got a layer in self.inner"),
):

    @refused(f"{kind.__name__}, a layer of one's own with arrays", "the activation of Dense", ValueError, message)
    def _(kind=kind):
        trained(model(Dense(4, activation=kind()), Dense(2)))


@refused("a layer of one's own with weights", "the activation of Conv2D", ValueError, "conv2d: activation: ex")
def _():
    model(Conv2D(2, 3, activation=Scale())).predict(IMAGES)


@right("a layer of one's own that differs in training", "the activation of Dense and of Conv2D")
def _():
    for layer, x in ((Dense(4, activation=Trained()), X), (Conv2D(2, 3, activation=Trained()), IMAGES)):
        assert layer.forward(x).any()
        assert not layer.forward(x, training=True).any()


def kinds_of_one_name(factor):
    """Classes of one's own: those of another factor have the same names."""

    class Times(Layer):
        def forward(self, x, training=False):
            return np.float32(factor) * x

        def backward(self, dy):
            return np.float32(factor) * dy

    class Memory(LSTM):
        def build(self, input_shape):
            super().build(input_shape)
            self.factor = factor

    class Tax(nnlite.regularizers.Regularizer):
        def penalty(self, W):
            return factor * float(np.square(W).sum())

        def gradient(self, W):
            return 2 * factor * W

    class Full(nnlite.initializers.Initializer):
        def __call__(self, shape, rng):
            return np.full(shape, factor)

    return {kind.__name__: kind for kind in (Times, Memory, Tax, Full)}


INSIDE = {
    "TimeDistributed": (
        lambda Times, **_: TimeDistributed(Times()),
        lambda layer: layer.forward(SEQUENCES)[0, 0, 0] / SEQUENCES[0, 0, 0],
    ),
    "Bidirectional": (lambda Memory, **_: Bidirectional(Memory(3)), lambda layer: layer.backward_layer.factor),
    "an activation": (
        lambda Times, **_: Dense(3, activation=Times()),
        lambda layer: layer.activation.forward(np.ones(1, "float32"))[0],
    ),
    "a regularizer": (
        lambda Tax, **_: Dense(3, kernel_regularizer=Tax()),
        lambda layer: layer.kernel_regularizer(np.ones(1)),
    ),
    "an initializer": (
        lambda Full, **_: Dense(3, kernel_initializer=Full()),
        lambda layer: layer.kernel_initializer((1,), None)[0],
    ),
    "a layer in a model in the model": (
        lambda Times, **_: Sequential([TimeDistributed(Times())]),
        lambda layer: layer.layers[0].layer.forward(np.ones((1, 1), "float32"))[0, 0],
    ),
}

for where, (make, factor_of) in INSIDE.items():

    @right("custom_objects", f"two classes of one name, one of them in {where}")
    def _(make=make, factor_of=factor_of):
        first, second = kinds_of_one_name(2), kinds_of_one_name(3)
        made = Sequential([make(**first)], input_shape=(5, 4))
        made.save("model.safetensors")
        for custom, factor in ((first, 2), (second, 3), (first, 2)):
            assert factor_of(nnlite.load_model("model.safetensors", custom_objects=custom).layers[0]) == factor
            again = Sequential.from_config(made.get_config(), custom_objects=custom)
            again.predict(SEQUENCES)
            assert factor_of(again.layers[0]) == factor


WRAPPED = {
    "layer": lambda: TimeDistributed(Dense(3)),
    "forward_layer": lambda: Bidirectional(LSTM(3)),
    "backward_layer": lambda: Bidirectional(LSTM(3)),
}

for name, make in WRAPPED.items():
    for is_built in (False, True):

        @refused(
            "a layer inside of another one",
            f"one that is set later, as {name} of a layer that is {'built' if is_built else 'new'}",
            ValueError,
            f"{name}: expected the layer that this [A-Z].* was made with, .*: make a new one, [A-Z].*",
        )
        def _(name=name, make=make, is_built=is_built):
            made = make()
            if is_built:
                made.forward(SEQUENCES)
            setattr(made, name, getattr(made, name))  # which changes nothing
            setattr(made, name, type(getattr(made, name))(5))


# A loss or a metric, and what it returns.


class Own:
    """A loss that returns what it is told to."""

    def __init__(self, value=1.0, gradient=np.ones_like):
        self.value, self.gradient = value, gradient

    def forward(self, y_true, y_pred):
        self.y_pred = y_pred
        return self.value

    def backward(self):
        return self.gradient(self.y_pred)


def metric(value):
    def own(y_true, y_pred):
        return value

    return own


NUMBERS = [True, 2, np.float32(0.5), np.int64(3), np.array(0.25)]
NO_NUMBERS = [
    (None, "None: add `return` at its end"),
    (np.ones(12), r"an array \(12,\): return float\(...\) of a sum or a mean"),
    (np.ones(1), r"an array \(1,\): return float"),
    ([1.0], r"an array \(1,\): return float"),
    ("0.5", "'0.5': return float"),
    (1j, "1j: return float"),
    (np.complex64(1), ".*: return float"),
    (np.array("1"), r"an array \(\): return float"),
]
for number in NUMBERS:

    @right(f"a loss and a metric that return {number!r}", "fit")
    def _(number=number):
        history = trained(model(loss=Own(number), metrics=[metric(number)])).history.history
        assert history == {"loss": [float(number)], "own": [float(number)]}


for value, text in NO_NUMBERS:

    @refused(
        f"a loss that returns {value!r}",
        "fit",
        TypeError,
        f"loss: Own.forward: expected it to return one number, got {text}",
    )
    def _(value=value):
        trained(model(loss=Own(value)))

    @refused(
        f"a metric that returns {value!r}",
        "fit",
        TypeError,
        f"metrics: own: expected it to return one number, got {text}",
    )
    def _(value=value):
        trained(model(metrics=[metric(value)]))


@right("a metric that returns NaN", "fit, which writes it down")
def _():
    assert np.isnan(trained(model(metrics=[metric(float("nan"))])).history.history["own"]).all()


for number in (float("nan"), float("inf"), float("-inf")):

    @right(f"a metric that returns {number}", "a backup, from which the training goes on")
    def _(number=number):
        for epochs in (1, 2):
            callbacks = [
                ModelCheckpoint("best.safetensors", "own", save_best_only=True, mode="max"),
                BackupAndRestore("backup.safetensors", save_freq=1, delete_checkpoint=False),
            ]
            made = trained(model(metrics=[metric(number)]), callbacks, epochs=epochs)
        assert_same_weights(made, trained(epochs=2))
        np.testing.assert_equal(made.history.history["own"], [number] * 2)
        assert {type(value) for value in made.history.history["own"]} == {float}
        np.testing.assert_equal(callbacks[0].best, None if np.isnan(number) else number)


for value in ("nan", "inf", "-inf"):

    @refused(f"a loss that returns {value}", "fit", nnlite.NonFiniteLossError, f"epoch 1, batch 1: the loss is {value}")
    def _(value=value):
        trained(model(loss=Own(float(value))))


@refused("a layer as loss", "fit", TypeError, r"loss: Dense.forward: expected it to return one number, got an array")
def _():
    trained(model(loss=Dense(2)))


@refused(
    "a loss as metric", "compile", TypeError, r"metrics: expected names, or functions of \(y_true, y_pred\), got Mean"
)
def _():
    model(metrics=[nnlite.MeanSquaredError()])


for kind, gradient in {"float64": lambda y: np.ones(y.shape), "integers": lambda y: np.ones(y.shape, int)}.items():

    @right(f"a gradient of a loss in {kind}", "layers of float32")
    def _(gradient=gradient):
        assert_same_weights(trained(model(loss=Own(1.0, gradient))), trained(model(loss=Own())))


for gradient, text in [
    (lambda y: None, "no array, NoneType,"),
    (lambda y: 1.0, "no array, float,"),
    (lambda y: np.ones_like(y).tolist(), "no array, list,"),
    (lambda y: np.ones(len(y)), r"\(4,\)"),
]:

    @refused(
        f"a gradient that is {text}", "backward", ValueError, rf"Own.backward returned {text} for y_pred \(4, 2\): retu"
    )
    def _(gradient=gradient):
        trained(model(loss=Own(1.0, gradient)))


@right("a loss", "two models that train in turns")
def _():
    loss = nnlite.MeanSquaredError()
    first, second = model(loss=loss), model(loss=loss)
    for made in (first, second, first, second):
        trained(made)
    alone = trained(trained(model()))
    assert_same_weights(first, alone)
    assert_same_weights(second, alone)


@refused("a copy of a loss", "backward without a forward", RuntimeError, "backward needs a forward before it")
def _():
    loss = nnlite.MeanSquaredError()
    loss.forward(Y, Y)
    pickle.loads(pickle.dumps(loss)).backward()


class Spoils(Own):
    def __init__(self, name):
        self.name = name

    def forward(self, y_true, y_pred):
        spoil(self.name, y_true, y_pred)
        return super().forward(y_true, y_pred) or 1.0

    value, gradient = 1.0, staticmethod(np.ones_like)


def spoil(name, y_true, y_pred):
    {"y_true": y_true, "y_pred": y_pred}[name][...] = 0


for name in ("y_true", "y_pred"):
    for method in ("fit", "evaluate"):

        @refused(f"a loss that writes into {name}", method, ValueError, f"loss: .*expected {name} to stay as")
        def _(name=name, method=method):
            y = Y.copy()
            try:
                getattr(model(Dense(2), Softmax(), loss=Spoils(name)), method)(X, y, verbose=0)
            finally:
                assert_same_bits(y, Y)

        @refused(
            f"a metric that writes into {name}", method, ValueError, f"metrics: own: expected {name} to stay as it is"
        )
        def _(name=name, method=method):
            def own(y_true, y_pred):
                spoil(name, y_true, y_pred)
                return 0.0

            y = Y.copy()
            try:
                getattr(model(Dense(2), Softmax(), metrics=[own]), method)(X, y, verbose=0)
            finally:
                assert_same_bits(y, Y)


@refused(
    "a metric that writes into y_pred later", "compile, after which it is watched again", ValueError, "y_pred to st"
)
def _():
    def own(y_true, y_pred):
        if late:
            spoil("y_pred", y_true, y_pred)
        return 0.0

    late = []
    made = trained(model(metrics=[own]))
    made.compile("sgd", "mse", [own])
    late.append(True)
    trained(made)


# What runs the model, or its loss, between the forward and the backward of a batch.

RUNS = {
    "calls the model": lambda made: made(X),
    "has the model predict": lambda made: made.predict(X),
    "calls a model of its layers": lambda made: Sequential(made[:1])(X),
}


def runs_it(run):
    """A model whose metric does so at its second batch of training."""
    calls = []

    def own(y_true, y_pred):
        calls.append(len(y_true))
        if len(calls) == 2:
            run(made)
        return 0.0

    made = model(metrics=[own])
    return made


for what, run in RUNS.items():

    @refused(f"a metric that {what}", "fit", RuntimeError, "batch 2: metrics: own: expected no forward of dense before")
    def _(run=run):
        trained(runs_it(run))

    @right(f"a metric that {what}", "evaluate, which has no backward")
    def _(run=run):
        assert runs_it(run).evaluate(X, Y, batch_size=4)[1] == 0


@refused("a metric that calls the loss", "fit", RuntimeError, "own: expected no forward of MeanSquaredError before")
def _():
    loss = MeanSquaredError()

    def own(y_true, y_pred):
        return loss.forward(y_true, y_pred / 2)

    trained(model(loss=loss, metrics=[own]))


@refused("a loss that calls the model", "fit", RuntimeError, "loss: Calls.forward: expected no forward of dense before")
def _():
    class Calls(Own):
        def forward(self, y_true, y_pred):
            made(X)
            return super().forward(y_true, y_pred) or 1.0

    made = model(loss=Calls())
    trained(made)


class Weighted(Own):
    def forward(self, y_true, y_pred, sample_weight=None):
        self.y_pred, self.seen = y_pred, sample_weight
        return 1.0


@right("sample_weight", "a loss of one's own that takes it")
def _():
    loss = Weighted()
    trained(model(loss=loss), sample_weight=np.arange(12), shuffle=False)
    assert loss.seen.tolist() == [8, 9, 10, 11]


TAKES_NONE = r"sample_weight: Own.forward does not take it: write forward\(self, y_true, y_pred, sample_weight=None\)"


@refused("sample_weight", "a loss of one's own that does not take it", TypeError, f"fit: {TAKES_NONE}")
def _():
    trained(model(loss=Own()), sample_weight=np.ones(12))


@refused("class_weight", "a loss of one's own that does not take it", TypeError, f"fit: {TAKES_NONE}")
def _():
    model(loss=Own()).fit(X, LABELS, class_weight={0: 1.0}, verbose=0)


@refused("sample_weight", "evaluate with such a loss", TypeError, f"evaluate: {TAKES_NONE}")
def _():
    model(loss=Own()).evaluate(X, Y, sample_weight=np.ones(12))


for name in ("loss", "perplexity", "val_loss", "val_accuracy", "learning_rate", "epoch", "step", "batch"):

    @refused(
        f"a metric named {name}", "the logs", ValueError, f"metrics: expected .* name.*, got '{name}'.*another name"
    )
    def _(name=name):
        own = metric(1.0)
        own.__name__ = name
        model(metrics=[own])


for value, text in [
    (None, "a dict with loss, mae, got None"),
    (0.5, "a dict with loss, mae, got 0.5"),
    ({"loss": 0.5}, "a dict with loss, mae, got {'loss': 0.5}"),
    ({"loss": 0.5, "mae": 1, "more": 1}, "a dict with loss, mae, got"),
    ({"loss": 0.5, "mae": None}, "one number, got None: add"),
    ({"loss": np.ones(3), "mae": 1}, "one number, got an array"),
]:

    @refused(f"a train_step that returns {value!r}", "fit", TypeError, f"train_step: .*expected it to return {text}")
    def _(value=value):
        made = type("Own", (Sequential,), {"train_step": lambda made, batch: value})([Dense(2)])
        made.compile("sgd", "mse", ["mae"])
        trained(made)


@right("a train_step of one's own", "fit, which takes any kind of number")
def _():
    made = type("Own", (Sequential,), {"train_step": lambda made, batch: {"loss": np.float32(0.5)}})([Dense(2)])
    made.compile("sgd", "mse")
    made.build((4,))
    assert trained(made).history.history == {"loss": [0.5]}


@right("a test_step of one's own", "evaluate, and the validation of fit")
def _():
    class Own(Sequential):
        def test_step(self, batch):
            return {"loss": np.float32(len(batch)), "mae": 0.5}

    made = Own([Dense(2)])
    made.compile("sgd", "mse", ["mae"])
    assert made.evaluate(X, Y, batch_size=6) == [6.0, 0.5]
    assert trained(made, validation_data=(X, Y)).history.history["val_loss"] == [4.0]


@refused(
    "a test_step that returns a number", "evaluate", TypeError, "test_step: expected it to return a dict with loss, "
)
def _():
    made = type("Own", (Sequential,), {"test_step": lambda made, batch: 0.5})([Dense(2)])
    made.compile("sgd", "mse")
    made.evaluate(X, Y)


UNUSED = {
    "predict_step": (Sequential, "write forward and backward"),
    "compute_loss": (Sequential, "give compile a loss"),
    "compute_metrics": (Sequential, "give compile functions"),
    "compute_output_shape": (Layer, "name it output_shape"),
    "update_step": (Adam, "write update"),
    "apply_gradients": (SGD, "write update"),
    "__call__": (nnlite.regularizers.L2, "name it penalty"),
    "update_state": (nnlite.metrics.MeanAbsoluteError, "a metric keeps nothing: write __call__"),
    "result": (nnlite.metrics.NamedMetric, "a metric keeps nothing: write __call__"),
}
for name, (base, how) in UNUSED.items():

    @refused(
        f"Keras' {name}", f"a class that extends {base.__name__}", TypeError, f"Own.{name} would never be used: {how}"
    )
    def _(name=name, base=base):
        type("Own", (base,), {name: lambda *_: pytest.fail("called")})


@right("Keras' compute_loss", "a train_step of one's own, which calls it")
def _():
    class Own(Sequential):
        def train_step(self, batch):
            return {"loss": self.compute_loss()}

        def compute_loss(self):
            return 0.5

    made = Own([Dense(2)], input_shape=(4,))
    made.compile("sgd", "mse")
    assert trained(made).history.history == {"loss": [0.5]}


for custom in (5, "Dense", [Dense]):

    @refused(f"custom_objects={custom!r}", "load_model", TypeError, "custom_objects: expected a dict from names to cl")
    def _(custom=custom):
        trained().save("model.safetensors")
        nnlite.load_model("model.safetensors", custom)


class Price(nnlite.regularizers.Regularizer):
    def __init__(self, price, gradient):
        self.price, self.dW = price, gradient

    def penalty(self, W):
        return self.price

    def gradient(self, W):
        return self.dW(W)


@refused(
    "a regularizer whose price is an array", "fit", TypeError, r"Price.penalty: expected it .*, got an array \(2,\)"
)
def _():
    trained(model(Dense(2, kernel_regularizer=Price(np.ones(2), np.ones_like))))


for shape in ((), (2,), (2, 4)):

    @refused(
        f"a gradient {shape} of a regularizer", "fit", ValueError, r"Price.gradient: expected it .* of W = \(4, 2\), go"
    )
    def _(shape=shape):
        trained(model(Dense(2, kernel_regularizer=Price(1.0, lambda W: np.ones(shape)))))


LABELLED = nnlite.SparseCategoricalCrossentropy


for ignored, metrics in ((-1, ["accuracy"]), (5, [nnlite.metrics.SparseTopKCategoricalAccuracy(1)])):

    @refused(
        f"a loss that ignores {ignored}",
        "an accuracy, which counts every label",
        IndexError,
        f"got {ignored} at .*the loss ignores {ignored}, metrics count every position: use lengths",
    )
    def _(ignored=ignored, metrics=metrics):
        made = model(loss=LABELLED(from_logits=True, ignore_class=ignored), metrics=metrics)
        made.fit(X, np.append(LABELS[1:], ignored), verbose=0)


for size in (0, -1, "4", 1.5):

    @refused(f"validation_batch_size={size!r}", "fit", ValueError, "validation_batch_size: expected a whole number of")
    def _(size=size):
        trained(validation_data=(X, Y), validation_batch_size=size)


for x in (range(12), numbers_in_a_row("f", range(12))):

    @refused(f"{type(x).__name__} without targets", "fit, which takes it for no generator", TypeError, "fit: y: expec")
    def _(x=x):
        model().fit(x, verbose=0)


@right("integers", "layers that take no ids")
def _():
    whole = (10 * X).astype("int8")
    assert_same_weights(trained(x=whole), trained(x=whole.astype("float32")))


@refused("numbers that are no integers", "a layer that takes ids", TypeError, "expected integers, got float")
def _():
    model(Embedding(3, 4), Flatten(), Dense(2)).fit(np.full((12, 2), 7.5), Y, verbose=0)


for layer, x in ((Dense(4), X), (LSTM(4), SEQUENCES), (Conv2D(4, 3), IMAGES)):

    @refused(
        f"features that {type(layer).__name__} was not built for",
        "validation_data, before an epoch is spent",
        ValueError,
        "^fit: validation_data: x: expected .*, as the model's input, got .*: give it the features of the x to train",
    )
    def _(layer=layer, x=x):
        made = model(layer, Flatten(), Dense(2))
        made.predict(x)
        made.fit(x, Y[: len(x)], validation_data=(x[..., 1:], Y[: len(x)]), verbose=0)


@right("images to validate with", "a first layer without weights")
def _():
    made = model(Flatten(), Dense(2))
    made.predict(IMAGES)
    made.fit(IMAGES, Y[:3], validation_data=(IMAGES, Y[:3]), verbose=0)


@right("ids of another length to validate with", "a model for as many steps as there are ids")
def _():
    made = Sequential([Embedding(5, 2), LSTM(2)], input_shape=(5,))
    made.compile("sgd", "mse")
    made.fit(np.ones((4, 5), int), Y[:4], validation_data=(np.ones((4, 3), int), Y[:4]), verbose=0)


class Writes(Callback):
    def __init__(self, value):
        self.value = value

    def on_epoch_end(self, epoch, logs):
        logs["loss"] = self.value


for value in (np.array(0.5), np.float32(0.5), np.True_, 2):

    @right(f"{value!r} in the logs", "a callback that watches it")
    def _(value=value):
        stop = EarlyStopping("loss")
        trained(callbacks=[Writes(value), stop])
        assert stop.best == float(value)


for value in (None, "0.5", np.ones(3)):

    @refused(f"{value!r} in the logs", "a callback that watches it", TypeError, "'loss': expected a number in the logs")
    def _(value=value):
        trained(callbacks=[Writes(value), EarlyStopping("loss")])


class Scores(Callback):
    """Measures on data of its own."""

    def on_epoch_end(self, epoch, logs):
        logs["val_f1"] = 1.0 - epoch


class SaysItScores(Scores):
    adds = {"val_f1": float}  # noqa: RUF012


@refused("SaysItScores", "a callback before it that watches val_f1, before the first step", ValueError, "is not among")
def _():
    spent = LambdaCallback(on_train_batch_begin=lambda batch, logs: pytest.fail("a step is spent"))
    trained(callbacks=[spent, EarlyStopping("val_f1", mode="max"), SaysItScores()], validation_data=(X, Y))


for kind in (Scores, SaysItScores):

    @right(f"{kind.__name__}, a callback that adds val_f1", "callbacks that watch it, without validation_data")
    def _(kind=kind):
        watchers = [EarlyStopping("val_f1", mode="max"), ModelCheckpoint("m.safetensors", "val_f1", mode="max")]
        assert trained(callbacks=[kind(), *watchers], epochs=5).history.epoch == [0, 1]


class GetsState(Callback):
    def get_state(self):
        return {"n": 1}


@refused("a callback with get_state alone", "a backup", TypeError, "GetsState: expected a set_state that goes with its")
def _():
    trained(callbacks=[GetsState()])  # which needs none
    trained(callbacks=[GetsState(), BackupAndRestore("backup.safetensors")])


@refused(
    "a price of one's own without its gradient", "a layer", TypeError, "Cube: expected a gradient that goes with i"
)
def _():
    class Cube(nnlite.regularizers.L2):
        def penalty(self, W):
            return self.l2 * float(np.abs(W**3).sum())

    Dense(2, kernel_regularizer=Cube())


# An optimizer and a schedule.


@refused(
    "an update that returns the new array", "fit", TypeError, "Functional.update: expected it to change param in plac"
)
def _():
    class Functional(nnlite.Optimizer):
        def update(self, grad, param, slots, scale, clip):
            return param - self.learning_rate * grad

    trained(model(optimizer=Functional(0.1)))


@refused("an optimizer", "a second model", ValueError, "an optimizer belongs to one model: use a new one, Adam")
def _():
    optimizer = Adam()
    trained(model(optimizer=optimizer))
    trained(model(optimizer=optimizer))


@refused(
    "an optimizer of a loop of one's own", "a model", ValueError, "an optimizer belongs to one model: use a new one"
)
def _():
    optimizer = Adam()
    optimizer.apply({"W": np.ones(2)}, {"W": np.ones(2)})
    trained(model(optimizer=optimizer))


@right("a schedule", "two optimizers")
def _():
    schedule = CosineDecay(0.1, 10)
    first, second = (trained(model(optimizer=Adam(schedule)), epochs=3) for _ in range(2))
    assert_same_weights(first, second)


@refused("a schedule without end", "an optimizer", ValueError, r"ExponentialDecay\(.*\) at step 2: expected .* got inf")
def _():
    trained(model(optimizer=SGD(nnlite.ExponentialDecay(1e-300, 1, 1e200))))


@refused("a schedule", "a LearningRateScheduler", TypeError, "learning_rate: expected to be left to its schedule")
def _():
    trained(model(optimizer=SGD(CosineDecay(0.1, 10))), [LearningRateScheduler(lambda epoch: 0.1)])


@right("an optimizer", "parameters of two dtypes")
def _():
    params = {"a": np.ones(3), "b": np.ones(3, "float32")}
    Adam().apply({"a": np.ones(3), "b": np.ones(3)}, params)
    assert (params["a"].dtype, params["b"].dtype) == (np.float64, np.float32)


@right("an optimizer", "a layer that is added after some steps")
def _():
    made = trained(model(optimizer=Adam()))
    made.add(Dense(2))
    trained(made)
    assert "m/dense_2.W" in made.optimizer.state or any("dense_2.W" in key for key in made.optimizer.state)


@right("a momentum that is set", "the steps after it")
def _():
    first, second = trained(), trained()
    first.optimizer.momentum = 0.9
    second.compile(SGD(momentum=0.9), "mse")
    assert_same_weights(trained(first), trained(second))


class OwnSGD(SGD):
    pass


class OwnDropout(Dropout):
    pass


class OwnDense(Dense):
    pass


class Heavy(nnlite.Optimizer):
    """Its memory is its own; how gradients are limited is not."""

    slots = {"v": 0.0}  # noqa: RUF012

    def update(self, grad, param, slots, scale, clip):
        slots["v"] += np.clip(grad, -clip, clip)
        param -= np.float32(self.learning_rate) * slots["v"]


@right("a momentum that is set", "the steps after it, of an optimizer of one's own that extends SGD")
def _():
    first, second = trained(model(optimizer=OwnSGD(CosineDecay(0.1, 9)))), model(optimizer=SGD(CosineDecay(0.1, 9)))
    trained(second)
    for made in (first, second):
        made.optimizer.momentum = 0.9
    assert_same_weights(trained(first), trained(second))


for base in (SGD, lambda rate: SGD(rate, momentum=0.9), nnlite.Adagrad, nnlite.RMSprop, Adam):

    @right("slots of one's own", f"an optimizer that extends {base(0.1)!r}, which has its own, too")
    def _(base=base):
        def counted(optimizer):
            class Counts(type(optimizer)):
                slots = {**type(optimizer).slots, "steps": 0.0}  # noqa: RUF012

                def update(self, grad, param, slots, scale, clip):
                    slots["steps"] += 1
                    super().update(grad, param, slots, scale, clip)

            return Counts(**optimizer.get_config())

        own = trained(model(optimizer=counted(base(0.1))))
        assert_same_weights(own, trained(model(optimizer=base(0.1))))
        assert (own.optimizer.state["steps/dense.W"] == 3).all()


def own_step(self, grad, param, slots, scale, clip):
    param -= np.float32(self.learning_rate) * grad


def adams_step(self, grad, param, slots, scale, clip):
    Adam.update(self, grad, param, slots, scale, clip)


for base in (SGD, Adam, nnlite.AdamW, type("Derived", (Adam,), {})):
    for update in (own_step,) if base is SGD else (own_step, adams_step):
        for mixed in (False, True):
            mixin = type("Mixin", (), {"update": update})
            kind = type("Own", (mixin, base), {}) if mixed else type("Own", (base,), {"update": update})

            @right(f"weight_decay of {base.__name__}", f"an {update.__name__} of one's own{', in a mixin' * mixed}")
            def _(kind=kind, update=update):
                found, expected = ({"W": np.array([1.0, -2.0], "float32")} for _ in range(2))
                for _ in range(2):
                    kind(0.5, weight_decay=0.1).apply({"W": np.ones(2, "float32")}, found)
                    expected["W"] *= np.float32(0.95)
                    plain = SGD(0.5) if update is own_step else Adam(0.5)
                    plain.apply({"W": np.ones(2, "float32")}, expected)
                assert_close(found["W"], expected["W"], 1e-6)


@right("a limit of gradients that is set", "an optimizer of one's own, which keeps its slots")
def _():
    first, second = trained(model(optimizer=Heavy(0.01))), model(optimizer=Heavy(0.01, clipvalue=1e-3))
    second.build((4,))
    second.set_weights(first.get_weights())
    second.rng, second.optimizer.state = copy.deepcopy(first.rng), copy.deepcopy(first.optimizer.state)
    first.optimizer.clipvalue = 1e-3
    assert_same_weights(trained(first), trained(second))


for kind, name, value, text in (
    (OwnSGD, "momentum", 7, r"expected a number in \[0, 1\], got 7"),
    (Heavy, "clipvalue", -1, "expected a finite number above 0, got -1"),
    (OwnDropout, "rate", 1.5, r"expected a number in \[0, 1\), got 1.5"),
    (OwnDense, "use_bias", False, "expected True, as the weights of own_dense are made for it"),
):

    @refused(f"{name}={value}, set later", f"{kind.__name__}, a class of one's own", ValueError, f"{name}: {text}")
    def _(kind=kind, name=name, value=value):
        made = kind(0.5) if kind is not OwnDense else kind(3)
        if kind is OwnDense:
            made.forward(X)
        setattr(made, name, value)


@right("a limit of gradients that is set in the middle of fit", "the steps after it")
def _():
    first = trained(callbacks=[At(lambda made: setattr(made.optimizer, "clipvalue", 1e-3), ["epoch"])], epochs=2)
    second = trained()
    second.compile(SGD(clipvalue=1e-3), "mse")
    assert_same_weights(first, trained(second))


for name, value, text in [
    ("clipnorm", -1, "a finite number above 0, got -1"),
    ("beta_1", 2, r"a number in \[0, 1\), got 2"),
    ("weight_decay", "0.1", "a number, got '0.1'"),
    ("iterations", -5, "a whole number of at least 0, got -5"),
]:

    @refused(f"{name} = {value!r}", "an optimizer in training", (TypeError, ValueError), f"{name}: expected {text}")
    def _(name=name, value=value):
        trained(model(optimizer=Adam()), [At(lambda made: setattr(made.optimizer, name, value))])


# A callback.


@right("a callback", "a second fit")
def _():
    stop = EarlyStopping("loss", patience=1)
    assert trained(callbacks=[stop], epochs=3).history.epoch == trained(callbacks=[stop], epochs=3).history.epoch


@refused(
    "a callback", "the same list again", ValueError, r"fit: callbacks\[1\]: this EarlyStopping is in the list alread"
)
def _():
    stop = EarlyStopping("loss")
    trained(callbacks=[stop, stop])


USED = "fit: callbacks: expected one EarlyStopping for each training, got one that a fit of sequential is using now"


@refused("a callback", "a fit inside of a fit", RuntimeError, f"{USED}: make another one, or use copy.deepcopy")
def _():
    stop = EarlyStopping("loss")
    trained(callbacks=[stop, At(lambda _: trained(callbacks=[stop]))])


@refused("a callback", "a fit in another thread", RuntimeError, USED)
def _():
    stop, errors = EarlyStopping("loss"), []

    def other():
        try:
            trained(callbacks=[stop])
        except RuntimeError as error:
            errors.append(error)

    def start(_):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    trained(callbacks=[stop, At(start, hooks=["batch"])])
    raise errors[0]


@right("a callback", "a fit after one that ended by an error, or did not begin")
def _():
    stop = EarlyStopping("loss")
    for error, callbacks in ((ZeroDivisionError, [At(lambda _: 1 / 0)]), (ValueError, [EarlyStopping("val_loss")])):
        with pytest.raises(error):
            trained(callbacks=[stop, *callbacks])
        trained(callbacks=[stop])


@right("a copy of a callback", "the fit of its original")
def _():
    stop = EarlyStopping("loss")
    trained(callbacks=[stop, At(lambda _: trained(callbacks=[copy.deepcopy(stop)]))])


for what, second in {"log": CSVLogger, "checkpoint": ModelCheckpoint}.items():

    @refused(
        f"two callbacks, the second a {what}", "one file", ValueError, "fit: callbacks: expected a file for each, got "
    )
    def _(second=second):
        trained(callbacks=[BackupAndRestore("one.safetensors"), second("./one.safetensors")])


for pattern, name in {"{epoch}": "2", "{epoch:02d}-{loss:.2f}": "02-1.23", "{{{epoch}}}": "{2}"}.items():

    @refused(
        f"a checkpoint as {pattern}",
        f"one as {name}",
        ValueError,
        f"a file for each, got {re.escape(name)}.* for ModelCheckpoint",
    )
    def _(pattern=pattern, name=name):
        trained(callbacks=[ModelCheckpoint(f"{pattern}.safetensors"), BackupAndRestore(f"{name}.safetensors")])


@right("a checkpoint with names to fill in", "files that it will never write")
def _():
    names = "{epoch}", "best", "{{epoch}}", "a{epoch}", "2-{loss:.2f}"
    trained(callbacks=[*(ModelCheckpoint(f"{name}.safetensors") for name in names), BackupAndRestore("1.log")])
    assert {path.name for path in Path().iterdir()} > {"1.safetensors", "best.safetensors", "{epoch}.safetensors"}


TABLE = "epoch,loss\n0,1.25"
for what, logger, before, after in [
    ("a table without a last end of line", CSVLogger, TABLE, f"{TABLE}\n"),
    ("a table with half a row", CSVLogger, "epoch,loss\n0,1.25\n1", f"{TABLE}\n"),
    ("lines of JSON without a last end of line", JSONLogger, '{"epoch": 1}', '{"epoch": 1}\n'),
    ("a last line that is no JSON", JSONLogger, '{"epoch": 1}\n# end', '{"epoch": 1}\n# end\n'),
]:

    @right(f"a {logger.__name__} that appends", what)
    def _(logger=logger, before=before, after=after):
        Path("log").write_text(before)
        for _ in range(2):
            trained(callbacks=[logger("log", append=True)])
        assert Path("log").read_text().startswith(after)
        assert len(Path("log").read_text().splitlines()) == len(after.splitlines()) + 2


@right("a CSVLogger that appends", "a table with its columns in another order, and with one more")
def _():
    Path("log").write_text("epoch,mae,lr,loss\n")
    loss, mae = trained(model(metrics=["mae"]), [CSVLogger("log", append=True)]).history.history.values()
    assert Path("log").read_text().splitlines()[1] == f"0,{mae[0]},NA,{loss[0]}"


for what, table, text in [
    ("of other metrics", TABLE, "the columns of log, loss, got also mae: use another file, or append=False"),
    (
        "with other separators",
        "epoch;loss;mae\n",
        "separator=',', which begins with epoch, got .epoch;loss;mae. as first",
    ),
    ("that is none", "# mine\n", "got .# mine. as first row of log: use another file"),
]:

    @refused("a CSVLogger that appends", f"a table {what}", ValueError, f"CSVLogger: append: expected .*{text}")
    def _(table=table):
        Path("log").write_text(table)
        try:
            trained(model(metrics=["mae"]), [At(lambda _: pytest.fail("too late")), CSVLogger("log", append=True)])
        finally:
            assert Path("log").read_text() == table


for kind, make in {
    "CSVLogger": lambda: CSVLogger("log"),
    "JSONLogger": lambda: JSONLogger("log"),
    "ProgressBar": lambda: ProgressBar(look="bar", console=rich.console.Console(file=io.StringIO())),
}.items():

    @right(f"a deep copy of a {kind} in the middle of fit", "a fit inside of it")
    def _(make=make):
        given, copies = make(), []
        end = LambdaCallback(on_epoch_end=lambda epoch, logs: copies.append(copy.deepcopy(given)))
        trained(callbacks=[end, given], epochs=2, verbose=1)
        trained(callbacks=[copies[1]], verbose=1)


@right("a callback that takes all out of the logs", "a progress bar")
def _():
    def clear(number, logs):
        logs.clear()

    bar = ProgressBar({"chance": 1.0}, None, "bar", rich.console.Console(file=io.StringIO()))
    bar.order = 9
    trained(callbacks=[LambdaCallback(on_train_batch_end=clear, on_epoch_end=clear), bar], verbose=1)


class Unsaved(Dense):
    """A layer whose argument a file cannot hold."""

    def __init__(self, units, chosen):
        super().__init__(units)


for when, shape in {"before": (4,), "in the first batch of": None}.items():

    @refused(
        f"a checkpoint of a model that is built {when} fit",
        "a layer that cannot be saved",
        TypeError,
        "Unsaved: chosen: expected",
    )
    def _(shape=shape):
        made = Sequential([Unsaved(2, print)], input_shape=shape)
        made.compile("sgd", "mse")
        try:
            trained(made, [ModelCheckpoint("model.safetensors")])
        finally:
            assert made.optimizer.iterations == (shape is None)


for stop in (np.array([1, 0]), np.array([1, 1])):

    @refused("stop_training", f"{stop}", TypeError, r"stop_training: expected True or False, got array.*: use any")
    def _(stop=stop):
        trained(callbacks=[At(lambda made: setattr(made, "stop_training", stop))])


for logger in (CSVLogger, JSONLogger):

    @right(f"a {logger.__name__} whose training has ended", "get_state, which cuts nothing of its file")
    def _(logger=logger):
        log = logger("log")
        trained(callbacks=[log], epochs=2)
        before = Path("log").read_bytes()
        assert log.get_state()["bytes"] == len(before)
        log.close()
        assert Path("log").read_bytes() == before


@right("two backups", "two files")
def _():
    trained(callbacks=[BackupAndRestore(f"{name}.safetensors") for name in "ab"])


# A model in training.


@refused("fit", "the same model's fit", RuntimeError, "fit: sequential is being trained by another call of fit")
def _():
    trained(callbacks=[At(trained)])


for hooks in (["batch"], ["epoch"]):

    @refused(
        f"fit, at an {hooks}",
        "compile",
        RuntimeError,
        "compile: sequential is being trained by fit, which goes on with",
    )
    def _(hooks=hooks):
        trained(callbacks=[At(lambda made: made.compile("adam", "mae", ["mse"]), hooks)])

    @refused(
        f"fit, at an {hooks}", "add", RuntimeError, "add: sequential is being trained by fit, which goes on with what"
    )
    def _(hooks=hooks):
        trained(callbacks=[At(lambda made: made.add(Dense(2)), hooks)])

    @refused(
        f"fit, at an {hooks}", "pop", RuntimeError, "pop: sequential is being trained by fit, .*: call pop before or"
    )
    def _(hooks=hooks):
        trained(callbacks=[At(lambda made: made.pop(), hooks)])


@refused("fit", "add to a model inside of the model", RuntimeError, "add: sequential is being trained by fit")
def _():
    inner = Sequential([Dense(4)])
    outer = model(inner, Dense(2))
    trained(outer)
    inner.pop()
    inner.add(Dense(4))  # before and after it, it is free
    trained(outer, [At(lambda _: inner.add(Dense(4)))])


@refused("fit of two models, one of which has ended", "add to a model inside of both", RuntimeError, "add: sequential")
def _():
    inner = Sequential([Dense(4)])
    first, second = model(inner, Dense(2)), model(inner, Dense(2))
    trained(first, [At(lambda _: (trained(second), inner.add(Dense(4))))])


@right("fit that ended by an error", "add to the model, and to a model inside of it")
def _():
    inner = Sequential([Dense(4)])
    made = model(inner, Dense(2))
    with pytest.raises(ZeroDivisionError):
        trained(made, [At(lambda _: 1 / 0)])
    inner.add(Dense(4))
    made.add(Dense(4))


@right("fit", "predict, evaluate and set_weights in the middle of it")
def _():
    def ask(made):
        made.predict(X)
        made.evaluate(X, Y)
        made.set_weights(made.get_weights())

    assert_same_weights(trained(model(optimizer=Adam()), [At(ask)]), trained(model(optimizer=Adam())))


@right("fit", "a generator that asks the model")
def _():
    made = model()

    def batches():
        for i in range(0, 12, 4):
            made.predict(X)
            made.evaluate(X, Y)
            yield X[i : i + 4], Y[i : i + 4]

    made.fit(batches(), steps_per_epoch=3, verbose=0)
    assert_same_weights(made, trained(shuffle=False))


@refused(
    "a generator", "a second fit, after its end", ValueError, "the generator ended after 0 batches: let it go on for"
)
def _():
    batches = iter([(X, Y)])
    for _ in range(2):
        model().fit(batches, steps_per_epoch=1, verbose=0)


for how, copied in {
    "copy.deepcopy": copy.deepcopy,
    "pickle": lambda made: pickle.loads(pickle.dumps(made)),
}.items():

    @right(f"fit, in the middle of it {how}", "training of the copy, during and after it")
    def _(copied=copied):
        copies = []

        def take(made):
            copies.append(copied(made))
            trained(copied(made))

        original = trained(model(optimizer=Adam()), [At(take)])
        assert_same_weights(copies[1], original)
        trained(copies[0])
        assert_same_weights(trained(copies[1]), trained(original))


@right("a shallow copy", "the layers of the original, which it shares, and its list, which it does not")
def _():
    original = trained()
    short = copy.copy(original)
    short.pop()
    short.add(Dense(5))
    assert [len(original), original.predict(X).shape[-1], short.predict(X).shape[-1]] == [2, 2, 5]
    assert short.layers[0] is original.layers[0]


@refused("a shallow copy", "training of both with one optimizer", ValueError, "an optimizer belongs to one model")
def _():
    original = trained()
    trained(copy.copy(original))


PARTS = {
    "a layer": lambda made: made.layers[0],
    "an optimizer": lambda made: made.optimizer,
    "a loss": lambda made: made.loss,
    "a schedule": lambda made: made.optimizer.schedule,
    "a History": lambda made: made.history,
    "a metric": lambda made: made.metrics["bias"],
}


class Bias(nnlite.metrics.NamedMetric):
    def __call__(self, y_true, y_pred):
        return float(np.mean(y_pred - y_true))


def everything():
    return model(optimizer=Adam(CosineDecay(0.01, 20)), metrics=[Bias("bias")])


for part, find in PARTS.items():

    @right(f"{part} that is copied", "fit, in the middle of it and after it")
    def _(find=find):
        def copies(made):
            for one in (copy.deepcopy(find(made)), pickle.loads(pickle.dumps(find(made)))):
                assert type(one) is type(find(made))
                for array in getattr(one, "params", getattr(one, "state", {})).values():
                    array[...] = 7  # it is its own

        made = trained(everything(), [At(copies)], epochs=2)
        copies(made)
        assert_same_weights(trained(made), trained(trained(everything(), epochs=2)))


@refused("a copy of an optimizer after some steps", "another model", ValueError, "an optimizer belongs to one model")
def _():
    trained(model(optimizer=copy.deepcopy(trained().optimizer)))


@right("a metric", "two models")
def _():
    bias = Bias("bias")
    first, second = (trained(model(metrics=[bias])).history.history for _ in range(2))
    assert first == second


@right("trainable of a layer", "all models that it is in")
def _():
    shared = Dense(4)
    first, second = model(shared, Dense(2)), model(shared, Dense(2))
    trained(first)
    shared.trainable = False
    before = shared.params["W"].copy()
    trained(first)
    trained(second)
    assert_same_bits(shared.params["W"], before)


@right("a stateful layer", "predict of another model, which leaves its state")
def _():
    shared = LSTM(3, stateful=True)
    first, second = Sequential([shared, Dense(2)]), Sequential([shared])
    first.forward(SEQUENCES)
    before = shared.state[0].copy()
    second.predict(SEQUENCES)
    assert_same_bits(shared.state[0], before)


@right("a layer in two models", "save and load of one, which then has its own")
def _():
    shared = Dense(4)
    first, second = model(shared, Dense(2)), model(shared, Dense(2))
    trained(first)
    first.save("first.safetensors")
    again = nnlite.load_model("first.safetensors")
    before = again.predict(X)
    trained(second)
    assert_same_bits(again.predict(X), before)


@right("a layer of one's own", "two models")
def _():
    class Scale(Layer):
        def build(self, input_shape):
            self.params["s"], self.grads["s"] = (
                np.ones(input_shape[-1], "float32"),
                np.zeros(input_shape[-1], "float32"),
            )

        def forward(self, x, training=False):
            self.x = x
            return x * self.params["s"]

        def backward(self, dy):
            self.grads["s"][...] = (dy * self.x).sum(axis=0)
            return dy * self.params["s"]

    shared = Scale()
    first, second = model(shared, Dense(2)), model(shared, Dense(2))
    for made in (first, second, first):
        trained(made)
    assert first.params["scale.s"] is second.params["scale.s"]


class Holds(Callback):
    """Hands out what it is told to."""

    def __init__(self, value):
        self.value = value

    def get_state(self):
        return {"value": self.value}

    def set_state(self, state):
        self.found = state["value"]


for value in (None, True, 3, 0.5, "a", [1, [2]], {"a": 1}, np.array(np.inf), np.ones((2, 2), "float32")):

    @right(f"a callback that hands out {value!r}", "a backup")
    def _(value=value):
        trained(callbacks=[Holds(value), BackupAndRestore("backup.safetensors", delete_checkpoint=False)])
        holds = Holds(None)
        trained(callbacks=[holds, BackupAndRestore("backup.safetensors")], epochs=2)
        np.testing.assert_equal(holds.found, value)


for value, text in [
    (float("inf"), r"a finite number, got inf: use None, or np.array\(inf\) in its place"),
    ([float("nan")], "a finite number, got nan: use None"),
    (np.float32(0.5), r"numbers, texts, lists, dicts and arrays of numbers, got float32 np.float32\(0.5\): use .item"),
    ({1, 2}, "numbers, texts, lists, dicts and arrays of numbers, got set {1, 2}: use these"),
    (b"a", "numbers, texts, lists, dicts and arrays of numbers, got bytes b'a': use these"),
    (np.array(["a"]), "an array of numbers, got <U1: use lists of texts or numbers"),
]:

    @refused(
        f"a callback that hands out {value!r}", "a backup", (TypeError, ValueError), f"Holds/value.*: expected {text}"
    )
    def _(value=value):
        trained(callbacks=[Holds(value), BackupAndRestore("backup.safetensors")])


# A backup, and another program. The checkpoint has to be of this model.

CHANGES = {
    "another optimizer": (lambda: model(optimizer="adam"), "optimizer class is 'SGD' in the file and 'Adam' in this"),
    "another rate": (lambda: model(optimizer=SGD(0.5)), "learning_rate is 0.01 in the file and 0.5 in this program"),
    "another loss": (lambda: model(loss="mae"), "loss class is 'MeanSquaredError' in the file and 'MeanAbsoluteError'"),
    "another metric": (lambda: model(metrics=["mae"]), r"metrics is \[\] in the file and \['mae'\] in this program"),
    "another size": (lambda: model(Dense(4), Dense(2)), "units is 3 in the file and 4 in this program"),
    "another activation": (lambda: model(Dense(3, "tanh"), Dense(2)), "activation is None in the file and 'tanh'"),
    "a layer more": (lambda: model(Dense(3), Dense(3), Dense(2)), "layers has 2 entries|in this program"),
    "a frozen layer": (lambda: model(Dense(3, trainable=False), Dense(2)), "trainable is None in the file and False"),
    "a regularizer": (
        lambda: model(Dense(3, kernel_regularizer="l2"), Dense(2)),
        "kernel_regularizer is None in the f",
    ),
}
for change, (make, text) in CHANGES.items():

    @refused("resume", change, nnlite.CheckpointError, f"cannot resume from .*{text}")
    def _(make=make):
        trained(callbacks=[BackupAndRestore("backup.safetensors", delete_checkpoint=False)])
        trained(make(), [BackupAndRestore("backup.safetensors")], epochs=2)


for options in ({"batch_size": 3}, {"shuffle": False}):

    @refused(
        "resume", f"{options}", nnlite.CheckpointError, "it is from a run with samples=12, batch_size=4, shuffle=True"
    )
    def _(options=options):
        trained(callbacks=[BackupAndRestore("backup.safetensors", delete_checkpoint=False)])
        trained(callbacks=[BackupAndRestore("backup.safetensors")], epochs=2, **options)


for what, x, options in (("x", X + 1, {}), ("weights", X, {"sample_weight": np.ones(12)})):

    @refused("resume", f"other {what}", nnlite.CheckpointError, "checksum=.*: x, y, lengths or weights hold other numb")
    def _(x=x, options=options):
        trained(callbacks=[BackupAndRestore("backup.safetensors", delete_checkpoint=False)])
        trained(callbacks=[BackupAndRestore("backup.safetensors")], epochs=2, x=x, **options)


@right("resume", "a table that was removed, which has its names again")
def _():
    for epochs in (1, 3):
        Path("log.csv").unlink(missing_ok=True)
        backup = BackupAndRestore("backup.safetensors", delete_checkpoint=False)
        trained(callbacks=[CSVLogger("log.csv"), backup], epochs=epochs)
    assert [row.split(",")[0] for row in Path("log.csv").read_text().splitlines()] == ["epoch", "1", "2"]


@right("resume", "two tables that have changed places")
def _():
    """The first goes on with the table of a training before, and so has more bytes."""
    backup = BackupAndRestore("backup.safetensors", delete_checkpoint=False)
    trained(callbacks=[CSVLogger("first.csv")])
    trained(callbacks=[CSVLogger("first.csv", append=True), CSVLogger("second.csv"), backup])
    trained(callbacks=[CSVLogger("second.csv"), CSVLogger("first.csv", append=True), backup], epochs=3)
    for name, before in (("first", ["0"]), ("second", [])):
        rows = Path(f"{name}.csv").read_text().splitlines()
        assert [row.split(",")[0] for row in rows] == ["epoch", *before, "0", "1", "2"], name


@right("resume", "two tables of one name, and the longer one first")
def _():
    Path("more").mkdir()
    backup = BackupAndRestore("backup.safetensors", delete_checkpoint=False)
    trained(callbacks=[CSVLogger("more/log.csv")])
    for epochs in (1, 3):
        trained(callbacks=[CSVLogger("more/log.csv", append=True), CSVLogger("log.csv"), backup], epochs=epochs)
    for path, before in (("more/log.csv", ["0"]), ("log.csv", [])):
        rows = Path(path).read_text().splitlines()
        assert [row.split(",")[0] for row in rows] == ["epoch", *before, "0", "1", "2"], path


@right("resume", "a layer that is in another model, too")
def _():
    def run(epochs, *callbacks):
        shared = Dense(3)
        made, _ = model(shared, Dense(2)), model(shared, Dense(2))
        return trained(made, callbacks, epochs=epochs)

    run(1, BackupAndRestore("backup.safetensors", delete_checkpoint=False))
    assert_same_weights(run(2, BackupAndRestore("backup.safetensors")), run(2))


class Die(Callback):
    """Ends the training after a step, as if the program had been killed."""

    order = 2

    def __init__(self, step):
        self.step = step

    def on_train_batch_end(self, batch, logs):
        if self.model.optimizer.iterations == self.step:
            raise KeyboardInterrupt


def killed_and_resumed(fit, at, backups=None):
    """The results of `fit(callbacks)`: straight on, and killed after a step and called again."""

    def made():
        given = {"backup": 1} if backups is None else backups
        return [BackupAndRestore(name, save_freq=freq, delete_checkpoint=False) for name, freq in given.items()]

    with pytest.raises(KeyboardInterrupt):
        fit([*made(), Die(at)])
    return fit([]), fit(made())


def random_batches():
    rng = np.random.default_rng(5)
    while True:
        rows = rng.integers(12, size=4)
        yield X[rows], Y[rows]


for backups in ({"one": 1, "two": 1}, {"older": "epoch", "newer": 1}, {"newer": 1, "older": "epoch"}):

    @right(f"resume from the backups {backups}", "a generator")
    def _(backups=backups):
        def run(callbacks):
            made, x = model(), random_batches()
            return trained(made, callbacks, x, y=None, batch_size=None, steps_per_epoch=5, epochs=2)

        assert_same_weights(*killed_and_resumed(run, 8, backups))


class WithHead(Sequential):
    """Keeps a layer as Keras' models do."""

    def __init__(self, layers=None, trainable=True, **options):
        super().__init__(layers or [Dense(3)], **options)
        self.heads = [Dense(3, trainable=trainable, kernel_initializer="ones")]

    def forward(self, x, training=False, lengths=None):
        return self.heads[0].forward(super().forward(x, training, lengths), training)

    def backward(self, dy, needs_dx=True):
        return super().backward(self.heads[0].backward(dy), needs_dx)


OUTSIDE = r"WithHead: expected all that learns among its layers, got a layer in self.heads\[0\] whose parameters nobody"
for inside in (False, True):
    for batch_size in (4, 12):

        @refused(
            f"a layer in a model's attribute{', in a model' * inside}",
            f"fit, {batch_size} at once",
            ValueError,
            OUTSIDE,
        )
        def _(inside=inside, batch_size=batch_size):
            trained(model(WithHead()) if inside else compiled(WithHead()), y=X[:, :3], batch_size=batch_size)

    @refused(f"a layer in a model's attribute{', in a model' * inside}", "save", ValueError, OUTSIDE)
    def _(inside=inside):
        made = model(WithHead()) if inside else WithHead()
        made.predict(X)
        made.save("m.safetensors")


@right("a frozen layer in a model's attribute", "fit and save")
def _():
    made = compiled(WithHead(trainable=False))
    trained(made, y=X[:, :3]).save("m.safetensors")
    again = nnlite.load_model("m.safetensors", custom_objects={"WithHead": WithHead})
    assert_same_bits(again.predict(X), made.predict(X))


class Gan(Sequential):
    """Trains a second model, too."""

    def train_step(self, batch):
        self.critics[0].train_on_batch(self(batch.x), batch.y)
        return super().train_step(batch)


def gan(critics=1):
    made = Gan([Dense(3), Dense(2)], seed=0)
    made.compile("sgd", "mse")
    made.build((4,))
    made.critics = [model(Dense(3), Dropout(0.5), Dense(2), optimizer=Adam(0.01), seed=1) for _ in range(critics)]
    return made


@right("resume", "a model in a model's attribute, which its train_step trains, too")
def _():
    made = killed_and_resumed(lambda callbacks: trained(gan(), callbacks, epochs=3), 5)
    for one, other in (made, [each.critics[0] for each in made]):
        assert_same_weights(one, other)


@right("resume", "models in a dict in a model's attribute")
def _():
    def by_name():
        made = gan()
        made.critics = dict(enumerate(made.critics))
        made.critics["a/b"] = model(Dense(2), seed=2)
        return made

    made = killed_and_resumed(lambda callbacks: trained(by_name(), callbacks, epochs=3), 5)
    for one, other in (made, [each.critics[0] for each in made]):
        assert_same_weights(one, other)


@refused(
    "resume", "a program without this model", nnlite.CheckpointError, r"has a model in self.critics\[0\], and this"
)
def _():
    for critics in (1, 0):
        trained(gan(critics), [BackupAndRestore("backup.safetensors", delete_checkpoint=False)], epochs=2 - critics)


def with_dropout():
    return model(Dense(3), Dropout(0.1), Dense(2))


BEGAN = "where fit began and"
for what, (change, text) in {
    "a frozen layer": (lambda m: setattr(m.layers[0], "trainable", False), f"trainable is None {BEGAN} False now"),
    "a clipvalue": (lambda m: setattr(m.optimizer, "clipvalue", 1e-4), f"clipvalue is None {BEGAN} 0.0001 now"),
    "a rate of dropout": (lambda m: setattr(m.layers[1], "rate", 0.9), f"layers 1 config rate is 0.1 {BEGAN} 0.9 now"),
    "a loss": (lambda m: setattr(m, "loss", nnlite.MeanAbsoluteError()), "loss class is 'MeanSquaredError' where"),
    "an optimizer": (lambda m: setattr(m, "optimizer", Adam()), f"optimizer class is 'SGD' {BEGAN} 'Adam' now"),
    "a schedule": (
        lambda m: setattr(m.optimizer, "learning_rate", CosineDecay(0.1, 9)),
        f"optimizer config learning_rate is 0.01 {BEGAN} {{'class': 'CosineDecay'",
    ),
}.items():

    @refused(f"{what} set in the middle of fit", "a backup", nnlite.CheckpointError, f"{text}.*: change it between two")
    def _(change=change):
        trained(with_dropout(), [At(change, ["epoch"]), BackupAndRestore("backup.safetensors")])


@right("a learning rate set in the middle of fit", "a backup, from which the training goes on")
def _():
    def run(callbacks):
        halve = At(lambda made: setattr(made.optimizer, "learning_rate", made.optimizer.learning_rate / 2))
        return trained(callbacks=[halve, *callbacks], epochs=3)

    assert_same_weights(*killed_and_resumed(run, 7))


@right("resume", "a layer that draws from a newer model's generator")
def _():
    def run(callbacks):
        made = with_dropout()
        made.newer = Sequential(made[:2], seed=1)
        return trained(made, callbacks, epochs=3)

    assert_same_weights(*killed_and_resumed(run, 4))


@right("resume", "validation that is new, and is gone again")
def _():
    for epochs, options in ((2, {}), (3, {"validation_data": (X, Y)}), (4, {})):
        backup = BackupAndRestore("backup.safetensors", delete_checkpoint=False)
        history = trained(callbacks=[backup], epochs=epochs, **options).history
    values = history.history["val_loss"]
    assert [value is None for value in values] == [True, True, False, True]
    assert [len(row.split()) for row in str(history).splitlines()] == [3, 2, 2, 3, 2]
    axes = nnlite.plot.loss_curves(history, ax=figure.Figure().add_subplot())
    np.testing.assert_array_equal(axes.lines[1].get_xydata()[2], [3, values[2]])
    assert "best" in axes.texts[0].get_text()
    assert history.html()


@right("a callback that logs in some epochs", "the history, where each number is in its epoch's row")
def _():
    def log(epoch, logs):
        if epoch % 2:
            logs["odd"] = float(epoch)

    history = trained(callbacks=[LambdaCallback(on_epoch_end=log)], epochs=5).history
    assert history.history["odd"] == [None, 1.0, None, 3.0, None]
    axes = nnlite.plot.metric_curves(history, "odd", ax=figure.Figure().add_subplot())
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [np.nan, 1, np.nan, 3, np.nan])


@right("a callback that adds to the logs", "the history, which the next callback sees with it")
def _():
    def look(epoch, logs):
        seen.append(made.history.history["mine"][:])

    seen, made = [], model()
    adds = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(mine=float(epoch)))
    trained(made, [adds, LambdaCallback(on_epoch_end=look)], epochs=2)
    assert seen == [[0.0], [0.0, 1.0]]


@refused(
    "resume", "two callbacks of one class in another order", nnlite.CheckpointError, "monitor: expected 'val_loss', got"
)
def _():
    for names in (("loss", "val_loss"), ("val_loss", "loss")):
        backup = BackupAndRestore("backup.safetensors", delete_checkpoint=False)
        trained(callbacks=[*map(EarlyStopping, names), backup], validation_data=(X, Y))


@right("resume", "a model in the model that was built before, or is built by the first batch")
def _():
    for epochs in (1, 2):
        made = model(Sequential([Dense(3)], input_shape=(4,) if epochs == 2 else None), Dense(2))
        trained(made, [BackupAndRestore("backup.safetensors", delete_checkpoint=False)], epochs=epochs)
    assert len(made.history.epoch) == 2


class Noise(Layer):
    def forward(self, x, training=False):
        return x + self.rng.standard_normal(x.shape, x.dtype) if training else x

    def backward(self, dy):
        return dy


class Block(Layer):
    """A layer of others, whose weights it hands on."""

    def __init__(self, **options):
        super().__init__(**options)
        self.parts = [Dense(4), Noise()]

    def build(self, input_shape):
        self.parts[0].build(input_shape)
        self.params |= self.parts[0].params
        self.grads |= self.parts[0].grads

    def forward(self, x, training=False):
        for part in self.parts:
            x = part.forward(x, training)
        return x

    def backward(self, dy):
        return self.parts[0].backward(self.parts[1].backward(dy))


DRAWING = {
    "a layer in a layer of one's own": Block,
    "a layer in a layer of one's own with a seed": lambda: Block(seed=1),
    "an activation of one's own": lambda: Dense(4, activation=Noise()),
}

for what, make in DRAWING.items():

    @right(f"{what}, which draws", "the seed of its model, a resumed training, and a model that is loaded")
    def _(make=make):
        def run(callbacks=(), epochs=3):
            return trained(model(make(), Dense(2)), callbacks, epochs=epochs)

        straight, resumed = killed_and_resumed(lambda callbacks: run(callbacks), 5)
        assert_same_weights(straight, resumed)
        first = run(epochs=2)
        first.save("m.safetensors")
        again = nnlite.load_model("m.safetensors", custom_objects={"Block": Block, "Noise": Noise})
        assert_same_weights(trained(first), trained(again))


@right("a layer in a layer of one's own", "a model of float64")
def _():
    assert Sequential([Block(), Dense(2)], dtype="float64").predict(X).dtype == np.float64


@right("a generator that is set", "all that draws from the model's")
def _():
    def made():
        block = Block()
        made = trained(model(Sequential([Dense(4), Dropout(0.5)]), block, Dropout(0.5, seed=7), Dense(2)))
        made.rng = np.random.default_rng(5)
        assert [part.rng is made.rng for part in (made.layers[0].layers[1], block.parts[1], made.layers[2])] == [
            1,
            1,
            0,
        ]
        return trained(made)

    assert_same_weights(made(), made())


# Forward, something that is switched, and backward.

LAYERS = {
    "RNN": (lambda: RNN(5, return_sequences=True), SEQUENCES),
    "GRU": (lambda: GRU(5), SEQUENCES),
    "GRU, reset before": (lambda: GRU(5, reset_after=False), SEQUENCES),
    "LSTM": (lambda: LSTM(5), SEQUENCES),
    "LSTM with dropout": (lambda: LSTM(5, dropout=0.5), SEQUENCES),
    "Bidirectional": (lambda: Bidirectional(LSTM(5)), SEQUENCES),
    "Conv2D": (lambda: Conv2D(5, 3, activation="relu"), IMAGES),
    "MaxPool2D": (MaxPool2D, IMAGES),
    "AvgPool2D": (AvgPool2D, IMAGES),
    "GlobalMaxPool2D": (nnlite.GlobalMaxPool2D, IMAGES),
    "Dense": (lambda: Dense(5), X),
    "Dropout": (lambda: Dropout(0.5), X),
    "Embedding": (lambda: Embedding(2, 5), LABELS[:, None]),
    "Softmax": (Softmax, X),
    "LayerNorm": (LayerNorm, X),
    "BatchNorm": (BatchNorm, X),
    "GELU": (nnlite.GELU, X),
}


def both_passes(make, x, between=lambda: None):
    layer = make()
    layer.rng = np.random.default_rng(0)
    y = layer.forward(x, training=True)
    between()
    dx = layer.backward(np.ones_like(y))
    return [*layer.grads.values(), *([] if dx is None else [dx])]


for name, (make, x) in LAYERS.items():

    @right(f"forward of {name} in one backend", "backward in the other")
    def _(make=make, x=x):
        expected = both_passes(make, x)
        for first, second in (("compiled", "reference"), ("reference", "compiled")):
            with nnlite.use_backend(first):
                layer = make()
                layer.rng = np.random.default_rng(0)
                y = layer.forward(x, training=True)
            with nnlite.use_backend(second):
                dx = layer.backward(np.ones_like(y))
            for found, other in zip([*layer.grads.values(), *([] if dx is None else [dx])], expected, strict=True):
                # A sum of sixteen such numbers, each right to 2^-24, beside one that is nearly 0.
                assert_close(found + 1, other + 1, 1e-5, f"{first}, then {second}")

    @right(f"forward of {name} with one number of threads", "backward with another")
    def _(make=make, x=x):
        before = nnlite.get_num_threads()
        results = []
        try:
            for first, second in ((1, 1), (1, 3), (3, 1)):
                nnlite.set_num_threads(first)
                between = lambda second=second: nnlite.set_num_threads(second)  # noqa: E731
                results.append(both_passes(make, np.repeat(x, 20, axis=0), between))
        finally:
            nnlite.set_num_threads(before)
        for other in results[1:]:
            for found, expected in zip(other, results[0], strict=True):
                assert_same_bits(found, expected)


# Dtypes.


@right("a gradient of float64", "a layer of float32")
def _():
    layer = Dense(3)
    assert layer.backward(np.ones(layer.forward(X).shape)).dtype == np.float32


@right("states of float64", "a layer of float32")
def _():
    layer = LSTM(3)
    layer.forward(SEQUENCES, initial_state=(np.ones((4, 3)), np.ones((4, 3))))
    assert layer.state[0].dtype == np.float32


@refused(
    "a layer of float64", "a model of float32", ValueError, "dense_1 has dtype float64, the model float32|dense has "
)
def _():
    Sequential([Dense(2), Dense(3, dtype="float64")])


@refused("a built model of float64", "a model of float32", ValueError, "has dtype .*: give the model one")
def _():
    Sequential([Dense(2), Sequential([Dense(3)], dtype="float64", input_shape=(2,))])


@refused(
    "labels as floats", "a loss of labels", TypeError, r"y: expected integers, got float64: use np.asarray\(y, int\)"
)
def _():
    loss = nnlite.SparseCategoricalCrossentropy(from_logits=True)
    model(Dense(2), loss=loss).fit(X, LABELS.astype(float), verbose=0)


# Lengths, and each kind of layer behind others, whose answers at the padding are not 0.


def with_lengths(layer, shape, before=None):
    """y of a model that ends with the layer, whatever stands in the padding; and for each row alone."""
    made = Sequential([*([before] if before else []), layer], seed=0)
    x = np.random.default_rng(5).standard_normal((4, *shape)).astype("float32")
    other = x.copy()
    other[np.arange(shape[0]) >= LENGTHS[:, None]] = np.nan
    y, other_y = made.forward(x, lengths=LENGTHS), made.forward(other, lengths=LENGTHS)
    for n, length in enumerate(LENGTHS):
        assert_same_bits(other_y[n, :length], y[n, :length])
        if length and not isinstance(layer, Reshape):  # which says how many steps there are
            assert_close(made.forward(x[n : n + 1, :length])[0], y[n, :length], 1e-6)


def biased():
    """A layer that makes other numbers of zeros."""
    return Dense(4, bias_initializer="ones")


for name, (layer, shape) in {
    "Dense": (lambda: Dense(3), (5, 4)),
    "Dropout": (lambda: Dropout(0.5), (5, 4)),
    "LayerNorm": (LayerNorm, (5, 4)),
    "Softmax": (Softmax, (5, 4)),
    "RNN": (lambda: RNN(3, return_sequences=True), (5, 4)),
    "GRU backwards": (lambda: GRU(3, return_sequences=True, go_backwards=True), (5, 4)),
    "Bidirectional": (lambda: Bidirectional(LSTM(3, return_sequences=True)), (5, 4)),
    "TimeDistributed": (lambda: TimeDistributed(Conv2D(2, 2)), (5, 3, 3, 4)),
    "Conv2D over the other axis": (lambda: Conv2D(3, (1, 3)), (5, 4, 4)),
    "MaxPool2D over the other axis": (lambda: MaxPool2D((1, 2)), (5, 4, 4)),
    "ZeroPadding2D of the other axis": (lambda: ZeroPadding2D(((0, 0), (1, 1))), (5, 4, 4)),
    "Reshape of the other axes": (lambda: Reshape((5, 2, 2)), (5, 4)),
    "a model": (lambda: Sequential([Dense(3), LSTM(3, return_sequences=True)]), (5, 4)),
}.items():

    @right("lengths", name)
    def _(layer=layer, shape=shape):
        with_lengths(layer(), shape, biased())


DEPENDS = "mixes steps with padding, as its y at real steps depends on what stands in the padding: let a"
MAKES = "mixes steps with padding, as it makes"


class Centered(Layer):
    """Subtracts the mean over all steps."""

    def forward(self, x, training=False):
        return x - x.mean(axis=1, keepdims=True)


for name, (layer, shape, text) in {
    "BatchNorm": (BatchNorm, (5, 4), "takes its statistics over all steps, and would count padding: use LayerNorm"),
    "TimeDistributed(BatchNorm)": (lambda: TimeDistributed(BatchNorm()), (5, 4), "takes its statistics over all steps"),
    "a model with BatchNorm": (lambda: Sequential([BatchNorm()]), (5, 4), "takes its statistics over all steps"),
    "Conv2D over steps": (lambda: Conv2D(3, 3, padding="same"), (5, 4, 4), DEPENDS),
    "MaxPool2D over steps": (lambda: MaxPool2D(3, strides=1, padding="same"), (5, 4, 4), DEPENDS),
    "AvgPool2D over steps": (lambda: AvgPool2D(3, strides=1, padding="same"), (5, 4, 4), DEPENDS),
    "a layer of one's own over steps": (Centered, (5, 4), DEPENDS),
    "Conv2D, valid": (lambda: Conv2D(3, 3), (5, 4, 4), MAKES),
    "MaxPool2D": (MaxPool2D, (5, 4, 4), MAKES),
    "GlobalMaxPool2D": (nnlite.GlobalMaxPool2D, (5, 4, 4), MAKES),
    "Flatten": (Flatten, (5, 4), MAKES),
    "Reshape": (lambda: Reshape((4, 5)), (5, 4), MAKES),
    "ZeroPadding2D": (lambda: ZeroPadding2D(1), (5, 4, 4), MAKES),
}.items():

    @refused("lengths", name, ValueError, f"lengths: .*{text}")
    def _(layer=layer, shape=shape):
        with_lengths(layer(), shape, biased())


for name, layer in {"Dense": lambda: Dense(5), "Softmax": Softmax, "LayerNorm": LayerNorm}.items():

    @refused("lengths of a vector's elements", name, ValueError, f"lengths: .*{DEPENDS}")
    def _(layer=layer):
        with_lengths(layer(), (5,), LeakyReLU(0.5))


class Squares:
    """A loss of one's own, whose mean of nothing is NaN."""

    def forward(self, y_true, y_pred):
        self.e = y_pred - y_true
        self.seen = y_true.shape
        return float(np.square(self.e).mean())

    def backward(self):
        return 2 * self.e / self.e.size


def off(y_true, y_pred):
    return float(np.abs(y_pred - y_true).mean())


def tagger(loss, metrics=None):
    return model(LSTM(3, return_sequences=True), Dense(2), loss=loss, metrics=metrics)


TAGS = RNG.standard_normal((4, 5, 2)).astype("float32")


@right("lengths", "a loss of one's own, which sees real steps alone")
def _():
    loss = Squares()
    own, ours = tagger(loss), tagger("mse")
    for made in (own, ours):
        made.fit(SEQUENCES, TAGS, lengths=LENGTHS, verbose=0)
    assert loss.seen == (10, 2)
    for name, param in ours.params.items():
        assert_close(own.params[name], param, 1e-5, name)


@right("lengths of 0 for all of a batch", "a loss and a metric of one's own, which are not asked")
def _():
    own, ours = tagger(Squares(), [off]), tagger("mse", ["mae"])
    histories = [
        list(made.fit(SEQUENCES, TAGS, batch_size=1, lengths=LENGTHS, verbose=0).history.values())
        for made in (own, ours)
    ]
    np.testing.assert_allclose(*histories, rtol=1e-5)
    for name, param in ours.params.items():
        assert_close(own.params[name], param, 1e-5, name)
    numbers = own.evaluate(SEQUENCES, TAGS, batch_size=1, lengths=LENGTHS)
    np.testing.assert_allclose(numbers, own.evaluate(SEQUENCES, TAGS, lengths=LENGTHS), rtol=1e-5)


@right("lengths of 0 for all of a batch", "a regularizer, whose price is the loss")
def _():
    made = model(LSTM(3, return_sequences=True), Dense(2, kernel_regularizer="l2"))
    made.build((5, 4))
    price = nnlite.regularizers.penalty(made.layers)
    assert made.train_on_batch(SEQUENCES, TAGS, lengths=[0] * 4) == price > 0


def labelled(in_padding, in_steps):
    """A fit with a loss that ignores -1, with these labels among others."""
    labels = np.where(np.arange(5) < LENGTHS[:, None], 1, in_padding)
    labels[0, :2] = -1, in_steps
    tagger(LABELLED(from_logits=True, ignore_class=-1)).fit(SEQUENCES, labels, lengths=LENGTHS, verbose=0)


@right("lengths", "a loss that ignores a label, and labels of any kind in the padding")
def _():
    labelled(99, 0)


@refused("lengths", "a label out of range before the padding", IndexError, r"y: .* in 0 .. 1, got 99 at \(0, 1\)")
def _():
    labelled(99, 99)


@right("lengths", "weights of samples for a loss of one's own")
def _():
    loss = Weighted()
    tagger(loss).fit(SEQUENCES, TAGS, lengths=LENGTHS, sample_weight=np.arange(4), shuffle=False, verbose=0)
    assert loss.seen.tolist() == [0] * 3 + [1] * 5 + [3] * 2


@right("lengths", "stateful layers, which start anew where a row has ended")
def _():
    made = model(LSTM(3, return_sequences=True, stateful=True), Dense(2))
    made.fit(SEQUENCES, TAGS, lengths=LENGTHS, shuffle=False, verbose=0)
    made.reset_state()
    made.forward(SEQUENCES, lengths=LENGTHS)
    kept = made.layers[0].state[0][3].copy()
    made.reset_state()
    made.forward(SEQUENCES[3:, :2])
    assert_close(kept, made.layers[0].state[0][0], 1e-6)


for lengths, part in (([0, 0, 0, 3], "to train on"), ([3, 5, 2, 0], "to validate with")):

    @refused("lengths", f"a split, which leaves no step {part}", ValueError, f"samples {part}: lengths: every length")
    def _(lengths=lengths):
        tagger("mse").fit(SEQUENCES, TAGS, lengths=lengths, validation_split=0.25, verbose=0)


@right("lengths of 0 for all of the first batch", "a progress bar of evaluate, and a resumed training")
def _():
    data = {"x": SEQUENCES, "y": TAGS, "batch_size": 2, "lengths": [0, 0, 2, 3]}
    assert tagger("mse").evaluate(**data, verbose=1) == tagger("mse").evaluate(**data)

    def run(*callbacks):
        return tagger("mse").fit(**data, shuffle=False, epochs=2, callbacks=callbacks, verbose=0).history

    def die(model):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(BackupAndRestore("backup.safetensors", save_freq=1), At(die, ["batch"]))
    assert run(BackupAndRestore("backup.safetensors")) == run()


@right("lengths of 0 for all of the first batch", "a callback that ends the training there")
def _():
    def stop(model):
        model.stop_training = True

    made, data = tagger("mse"), {"lengths": [0, 0, 2, 3], "batch_size": 1, "shuffle": False}
    assert made.fit(SEQUENCES, TAGS, **data, callbacks=[At(stop, ["batch"])], verbose=0).epoch == [0]


def with_setting(name, value, *layers):
    """A model of a Bidirectional, with this set on its layers of these names."""
    made = model(Bidirectional(LSTM(3, return_sequences=True)), Dense(2))
    for layer in layers:
        setattr(getattr(made.layers[0], layer), name, value)
    return made


RUNS = {
    "predict": lambda made: made.predict(SEQUENCES),
    "build": lambda made: made.build((5, 4)),
    "get_config": lambda made: made.get_config(),
}

for name, value in (("dropout", 0.5), ("units", 5), ("return_sequences", False), ("return_state", True)):
    for run, call in RUNS.items():

        @refused(
            f"{name} of forward_layer",
            f"another one of backward_layer, at {run}",
            ValueError,
            f"{name}: expected the same of forward_layer and backward_layer of bidirectional, got .*: set it on both",
        )
        def _(name=name, value=value, call=call):
            call(with_setting(name, value, "backward_layer"))


for name in ("stateful", "go_backwards"):
    for which in (["forward_layer"], ["backward_layer"], ["forward_layer", "backward_layer"]):

        @refused(
            f"{name}, set later", f"{' and '.join(which)} of Bidirectional", ValueError, rf"al: LSTM\(.*{name}=True\):"
        )
        def _(name=name, which=which):
            with_setting(name, True, *which).fit(SEQUENCES, TAGS, verbose=0)


@refused(
    "a setting of one layer of Bidirectional", "a model that is built", ValueError, "dropout: expected the same of"
)
def _():
    made = with_setting("dropout", 0.5)
    made.predict(SEQUENCES)
    made.layers[0].forward_layer.dropout = 0.5
    made.save("model.safetensors")


THAT_IS = {
    "built": lambda layer: None,
    "run": lambda layer: layer(SEQUENCES),
    "copied": copy.deepcopy,
    "pickled": lambda layer: pickle.loads(pickle.dumps(layer)),
}
for direction in ("forward", "backward"):
    for what, how in THAT_IS.items():

        @refused(
            f"an array that is set in {direction}_layer",
            f"a Bidirectional that is {what}, which computes with its own",
            ValueError,
            rf"got Wx for its {direction}_layer: use bidirectional.params\['{direction}_Wx'\] = ...",
        )
        def _(direction=direction, how=how):
            layer = Bidirectional(LSTM(3))
            layer.build((5, 4))
            copied = how(layer)
            params = getattr(copied if isinstance(copied, Bidirectional) else layer, f"{direction}_layer").params
            params["Wx"] = np.ones((4, 12), "float32")


@refused(
    "a new name in forward_layer", "a Bidirectional that is built", KeyError, "params: expected one of Wx, Wh, b, got"
)
def _():
    layer = Bidirectional(LSTM(3))
    layer.build((5, 4))
    layer.forward_layer.params["W"] = np.ones((4, 12), "float32")


@right("params *= 2 in forward_layer", "Bidirectional, which computes with the same array")
def _():
    layer = Bidirectional(LSTM(3))
    layer.build((5, 4))
    before = layer.params["forward_Wx"].copy()
    layer.forward_layer.params["Wx"] *= 2
    assert_same_bits(layer.params["forward_Wx"], 2 * before)


class Halves(LSTM):
    def forward(self, x, training=False, initial_state=None, lengths=None):
        self._ensure_built(x)
        self.params["Wh"] = self.params["Wh"] / 2
        return super().forward(x, training, initial_state, lengths)


class PlainDicts(RNN):
    def build(self, input_shape):
        super().build(input_shape)
        self.params, self.grads = dict(self.params), dict(self.grads)


for kind in (Halves, PlainDicts):

    @right(f"{kind.__name__}, a recurrent layer of one's own that sets its arrays", "Bidirectional")
    def _(kind=kind):
        assert Bidirectional(kind(3)).forward(SEQUENCES).shape == (4, 6)


@right("a setting of both layers of Bidirectional, set later", "a saved model")
def _():
    made = with_setting("units", 5, "forward_layer", "backward_layer")
    layer = made.layers[0]
    layer.forward_layer.dropout = layer.backward_layer.dropout = 0.5
    layer.return_sequences, layer.return_state = False, True
    y, *_ = layer(SEQUENCES)
    assert y.shape == (4, 10)
    layer.return_state = False
    expected = made.predict(SEQUENCES)
    made.save("model.safetensors")
    again = nnlite.load_model("model.safetensors")
    assert_same_bits(again.predict(SEQUENCES), expected)
    assert again.layers[0].backward_layer.dropout == 0.5


def softmax_added(made):
    made.layers[-1].add(Softmax())


def softmax_set(made):
    made.layers[-1].activation = "softmax"


def softmax_set_in_time(made):
    made.layers[-1].layer.activation = "softmax"


for kind, last, change in (
    ("a Softmax that is added to the model in it", lambda: Sequential([Dense(2)]), softmax_added),
    ("an activation that is set later", lambda: Dense(2), softmax_set),
    ("an activation that is set in a TimeDistributed later", lambda: TimeDistributed(Dense(2)), softmax_set_in_time),
):
    for method in ("fit", "evaluate", "train_on_batch"):

        @refused(f"a loss of logits in {method}", kind, ValueError, "loss: Softmax gives probabilities")
        def _(last=last, change=change, method=method):
            made = model(Dense(4), last(), loss=LABELLED(from_logits=True))
            x, y = (SEQUENCES, TAGS.argmax(-1)) if "Time" in repr(made) else (X, LABELS)
            getattr(made, method)(x, y)
            change(made)
            getattr(made, method)(x, y)


for layer, methods in (
    (LSTM(3, return_sequences=True), ("predict", "evaluate", "fit")),
    (GRU(3, return_sequences=True), ("predict", "evaluate", "fit")),
    (LSTM(3, return_sequences=True, stateful=True), ("predict", "evaluate")),
):
    for method in methods:

        @right(f"steps of {layer!r}", f"{method} of other samples in between")
        def _(layer=layer, method=method):
            made = model(copy.deepcopy(layer), Dense(2), optimizer=SGD(0.0))
            y, steps = made.predict(SEQUENCES[:2]), []
            data = (SEQUENCES[2:],) if method == "predict" else (SEQUENCES[2:], TAGS[2:])
            for t in range(5):
                steps.append(made.step(SEQUENCES[:2, t]).copy())
                if t == 2:
                    getattr(made, method)(*data, verbose=0)
            assert_close(np.stack(steps, 1), y, 1e-6)


class Halved(nnlite.SparseCategoricalCrossentropy):
    def forward(self, y_true, y_pred, sample_weight=None):
        return super().forward(y_true, y_pred, sample_weight) / 2

    def backward(self):
        return super().backward() / 2


for what, loss, has_one in (
    ("all labels", LABELLED(from_logits=True), True),
    ("a label that the loss ignores", LABELLED(from_logits=True, ignore_class=-1), False),
    ("a cross-entropy of one's own", Halved(from_logits=True), False),
):

    @right("a perplexity, which is there where it is e^loss", what)
    def _(loss=loss, has_one=has_one):
        y = np.where(np.arange(12) < 8, -1, LABELS) if loss.ignore_class else LABELS
        found = trained(model(loss=loss), y=y, validation_data=(X, y)).history.history
        assert ("perplexity" in found, "val_perplexity" in found) == (has_one, has_one)


for method in ("train_step", "test_step"):

    @right(f"a {method} of one's own", "a cross-entropy, which is no perplexity there")
    def _(method=method):
        own = {method: lambda made, batch: {"loss": 3.0}}
        made = compiled(type("Own", (Sequential,), own)([Dense(2)], input_shape=(4,)), loss=LABELLED(from_logits=True))
        found = trained(made, y=LABELS, validation_data=(X, LABELS)).history.history
        assert found.keys() == {"loss", "val_loss"}


def without_super(base):
    """A class whose __init__ forgets that of its base."""
    return type("Own", (base,), {"__init__": lambda own, k=2: setattr(own, "k", k)})


for base, name in (
    (MeanSquaredError, "reduction"),
    (Adam, "learning_rate"),
    (CosineDecay, "initial_learning_rate"),
    (EarlyStopping, "monitor"),
    (nnlite.metrics.MeanAbsoluteError, "name"),
):

    @refused(
        f"an __init__ without super() of {base.__name__}",
        "its constructor",
        TypeError,
        f"Own: its __init__ does not call that of {base.__name__}, and so it has no {name}: add super",
    )
    def _(base=base):
        without_super(base)()


@right("an on_train_begin without super()", "a callback that extends LearningRateScheduler, which does nothing there")
def _():
    kind = type("Own", (LearningRateScheduler,), {"on_train_begin": lambda own, logs: None})
    assert trained(callbacks=[kind(lambda epoch: 0.5)]).history.history["learning_rate"][0] == 0.5


@right("an __init__ with super()", "a CSVLogger, which keeps its filename under another name")
def _():
    class Own(CSVLogger):
        def __init__(self):
            super().__init__("own.csv")

    trained(callbacks=[Own()])
    assert Path("own.csv").read_text().startswith("epoch,loss")


for hook in ("set_model", "set_params"):

    @refused(f"Keras' {hook}", "a callback", TypeError, f"Own: fit would never call {hook}: use on_train_begin, where")
    def _(hook=hook):
        trained(callbacks=[type("Own", (Callback,), {hook: lambda *_: None})()])


class OfUnits(Sequential):
    def __init__(self, n, seed=None):
        super().__init__([Dense(n)], seed=seed)
        self.n = n


class HandingOn(Sequential):
    def __init__(self, n, **options):
        super().__init__([Dense(n), Dense(2)], **options)


class SaysHow(OfUnits):
    def get_config(self):
        return super().get_config() | {"n": self.n}

    @classmethod
    def from_config(cls, config, custom_objects=None, seed=None):
        return cls(config["n"], seed=seed)


def by_checkpoint(made):
    if made.optimizer is None:
        made.compile("sgd", "mse")
    made.fit(X, Y, callbacks=[At(lambda model: pytest.fail("an epoch is lost")), ModelCheckpoint("m.safetensors")])


for way, save in (("save", lambda made: made.save("m.safetensors")), ("a ModelCheckpoint", by_checkpoint)):
    for kind in (OfUnits, HandingOn):
        for place in ("", " in a Sequential"):

            @refused(way, f"{kind.__name__}, made of units{place}", TypeError, f"{kind.__name__}: loading makes")
            def _(kind=kind, save=save, place=place):
                made = Sequential([Dense(3), kind(2)]) if place else kind(2)
                made.build((4,))
                save(made)


@right("save", "a model of one's own that says how it is made again")
def _():
    for made in (SaysHow(3, seed=0), Sequential([Dense(3), SaysHow(2)], seed=0)):
        y = made.predict(X)
        made.save("m.safetensors")
        assert_same_bits(nnlite.load_model("m.safetensors", custom_objects={"SaysHow": SaysHow}).predict(X), y)


class Times(Own):
    """A loss that derives from nothing of nnlite, and has an argument."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, y_true, y_pred):
        self.y_pred = y_pred
        return self.factor * float(np.square(y_pred - y_true).mean())


class TimesHidden(Times):
    def __init__(self, factor):
        super().__init__(factor)
        self._factor = vars(self).pop("factor")


class TwiceTheRate(SGD):
    def __init__(self, rate, **options):
        super().__init__(2 * rate, **options)


@right("save", "a loss of one's own with an argument, which is kept")
def _():
    made = trained(model(loss=Times(5.0)))
    made.save("m.safetensors")
    again = nnlite.load_model("m.safetensors", custom_objects={"Times": Times})
    assert again.evaluate(X, Y) == made.evaluate(X, Y)


@refused(
    "resume", "a loss of one's own with another argument", nnlite.CheckpointError, "factor is 5.0 in the file and 1"
)
def _():
    for factor in (5.0, 1.0):
        trained(model(loss=Times(factor)), [BackupAndRestore("backup.safetensors", delete_checkpoint=False)])


for name, made, text in (
    ("a loss", lambda: model(loss=TimesHidden(5.0)), r"TimesHidden\(\): .*missing 1 required .* keep each argument"),
    ("an optimizer", lambda: model(optimizer=TwiceTheRate(0.1)), r"TwiceTheRate\(.*rate=0.2.* or write get_config"),
):

    @refused("a ModelCheckpoint", f"{name} of one's own that could not be made again", TypeError, text)
    def _(made=made):
        made = made()
        made.build((4,))
        by_checkpoint(made)


class Ones(Sequential):
    def build(self, input_shape):
        self.add(Dense(input_shape[-1], kernel_initializer="ones"))
        super().build(input_shape)


for is_inside in (False, True):

    @right("a build of one's own", f"the first input of a model{' in a model' * is_inside}")
    def _(is_inside=is_inside):
        made = Sequential([Ones()]) if is_inside else Ones()
        for _ in range(2):
            assert_close(made.predict(X), np.repeat(X.sum(axis=1, keepdims=True), 4, axis=1), 1e-5)


class Center(Layer):
    def forward(self, x, training=False):
        return x - x.mean(axis=1, keepdims=True)


class Summed(Layer):
    def forward(self, x, training=False):
        return x.cumsum(axis=1)


class OfFiveSteps(Layer):
    def forward(self, x, training=False):
        return x + np.arange(5, dtype=x.dtype)[:, None]


class Doubled(Layer):
    def forward(self, x, training=False):
        return 2 * x


class Running(Summed):
    def step(self, x):
        self.sum = x + getattr(self, "sum", 0)
        return self.sum


def by_stepper(made, steps):
    step = made.stepper(len(steps[0]))
    return [step(x).copy() for x in steps]


def by_step(made, steps):
    return [made.step(x).copy() for x in steps]


def stepped(layer, way, width=3):
    """A model after whole sequences, and after their steps, which give the same."""
    made = Sequential([LSTM(width, return_sequences=True), layer, Dense(2)], seed=0)
    y = made.predict(SEQUENCES)
    assert_close(np.stack(way(made, SEQUENCES.swapaxes(0, 1).copy()), 1), y, 1e-6)


for way in (by_step, by_stepper):
    for kind, width, how in (
        (Center, 3, "mixes time steps"),
        (Summed, 1, "mixes time steps"),
        (OfFiveSteps, 3, "cannot take one step"),
    ):

        @refused(
            way.__name__, f"a layer of one's own, {kind.__name__}", ValueError, rf"step: .* \({kind.__name__}\) {how}"
        )
        def _(kind=kind, way=way, width=width):
            stepped(kind(), way, width)

    for kind in (Doubled, Running):

        @right(way.__name__, f"a layer of one's own, {kind.__name__}")
        def _(kind=kind, way=way):
            stepped(kind(), way)

    for inside in (False, True):

        @right(way.__name__, f"Center behind the last step alone{', in a model' * inside}")
        def _(inside=inside, way=way):
            made = Sequential([LSTM(3), Sequential([Center()]) if inside else Center(), Dense(2)], seed=0)
            y = made.predict(SEQUENCES)
            assert_close(way(made, SEQUENCES.swapaxes(0, 1).copy())[-1], y, 1e-6)


@right("a stepper", "reset_state, and another stepper: each goes on by itself")
def _():
    made = Sequential([LSTM(3, return_sequences=True), Dense(2)], seed=0)
    y, first = made.predict(SEQUENCES), made.stepper(4)
    for t, x in enumerate(SEQUENCES.swapaxes(0, 1).copy()):
        assert_close(first(x), y[:, t], 1e-6)
        made.reset_state()
        assert_close(made.stepper(4)(x), made.predict(SEQUENCES[:, t : t + 1])[:, 0], 1e-6)


class DenseTwice(Dense):
    def forward(self, x, training=False):
        return 2 * super().forward(x, training)


class LSTMTwice(LSTM):
    def forward(self, x, training=False, initial_state=None, lengths=None):
        return 2 * super().forward(x, training, initial_state, lengths)


class Residual(Sequential):
    def forward(self, x, training=False, lengths=None):
        return super().forward(x, training, lengths) + x


class LSTMTwiceBySteps(LSTMTwice):
    def step(self, x):
        return 2 * super().step(x)


class ResidualBySteps(Residual):
    def step(self, x):
        return super().step(x) + x


def residual(kind, is_inside):
    made = kind([LSTM(4, return_sequences=True)], seed=0)
    return Sequential([made, Dense(2)], seed=0) if is_inside else made


OWN_FORWARD = {
    "LSTM": lambda by_steps: Sequential([[LSTMTwice, LSTMTwiceBySteps][by_steps](4, return_sequences=True)], seed=0),
    "model": lambda by_steps: residual([Residual, ResidualBySteps][by_steps], is_inside=False),
    "model in a model": lambda by_steps: residual([Residual, ResidualBySteps][by_steps], is_inside=True),
}

for way in (by_step, by_stepper):
    for name, make in OWN_FORWARD.items():

        @refused(way.__name__, f"a forward of one's own, of a {name}", ValueError, "forward of its own, which single")
        def _(make=make, way=way):
            made = make(False)
            made.predict(SEQUENCES)
            way(made, SEQUENCES.swapaxes(0, 1).copy())

        @right(way.__name__, f"a forward and a step of one's own, of a {name}")
        def _(make=make, way=way):
            made = make(True)
            y = made.predict(SEQUENCES)
            assert_close(np.stack(way(made, SEQUENCES.swapaxes(0, 1).copy()), 1), y, 1e-6)

    @right(way.__name__, "a forward of one's own, of a Dense")
    def _(way=way):
        stepped(DenseTwice(3), way)


class SigmoidTwice(nnlite.Sigmoid):
    def forward(self, x, training=False):
        return 2 * super().forward(x, training)


class SquaresTwice(MeanSquaredError):
    def forward(self, y_true, y_pred, sample_weight=None):
        return 2 * super().forward(y_true, y_pred, sample_weight)


FORWARD_ALONE = {
    "a layer": (lambda: model(DenseTwice(2)), X, "DenseTwice: .*that of Dense: write backward"),
    "a layer in a model": (lambda: model(Sequential([DenseTwice(2)])), X, "DenseTwice: .*that of Dense"),
    "a layer in a TimeDistributed": (
        lambda: model(TimeDistributed(DenseTwice(2))),
        SEQUENCES,
        "DenseTwice: .*of Dense",
    ),
    "a layer in a Bidirectional": (lambda: model(Bidirectional(LSTMTwice(2))), SEQUENCES, "LSTMTwice: .*that of LSTM"),
    "an activation": (lambda: model(Dense(2, activation=SigmoidTwice())), X, "SigmoidTwice: .*that of Sigmoid"),
    "a model": (lambda: compiled(Residual([Dense(4)])), X, "Residual: .*that of Sequential"),
    "a loss": (lambda: model(loss=SquaresTwice()), X, "SquaresTwice: .*that of MeanSquaredError"),
}
for what, (make, x, text) in FORWARD_ALONE.items():
    for method in ("fit", "train_on_batch"):

        @refused(f"a forward of one's own without its backward, of {what}", method, TypeError, text)
        def _(make=make, x=x, method=method):
            made = make()
            y = made.predict(x)
            made.evaluate(x, y)  # which needs none
            getattr(made, method)(x, y)


@right("a forward of one's own", "fit, with the backward that is said to be right")
def _():
    class Scaled(Sequential):
        backward = Sequential.backward

        def forward(self, x, training=False, lengths=None):
            return super().forward(x / 2, training, lengths)

    assert_same_weights(trained(compiled(Scaled([Dense(3), Dense(2)], seed=0))), trained(x=X / 2))


def doubly(*layers):
    return [LSTM(3, return_sequences=True), *layers, Dense(2)]


ONE_TAG = TAGS[:, 0]
for what, layers, loss, data, validation, message in (
    ("y of another shape", lambda: [Dense(2)], "mse", (X, Y), (X, Y[:, :1]), "y_true: expected shape"),
    (
        "other lengths of x",
        lambda: doubly(Flatten()),
        "mse",
        (SEQUENCES, ONE_TAG),
        (SEQUENCES[:, :3], ONE_TAG),
        "dense",
    ),
    ("lengths", lambda: doubly(BatchNorm()), "mse", (SEQUENCES, TAGS), (SEQUENCES, TAGS, LENGTHS), "over all steps"),
    ("y above 1", lambda: [Dense(2, "sigmoid")], "binary_crossentropy", (X, abs(Y) / 9), (X, Y + 9), "from 0 to 1"),
):
    for is_built in (False, True):

        @refused("fit", f"validation data with {what}, {'a' if is_built else 'no'} built model", ValueError, message)
        def _(layers=layers, loss=loss, data=data, validation=validation, is_built=is_built):
            made = model(*layers(), loss=loss)
            if is_built:
                made.build(data[0].shape[1:])
            try:
                made.fit(*data, batch_size=2, validation_data=validation, verbose=0)
            finally:
                assert made.optimizer.iterations == (not is_built)  # the first batch builds it


@right("fit", "validation data with weights that are whole numbers or bools")
def _():
    cases = [(x, y, w > 1) for x, y, w in ((X, Y, np.arange(12) % 3), (SEQUENCES, TAGS, LENGTHS))]
    cases += [(X, Y, np.arange(12) % 3), (SEQUENCES, TAGS, np.ones(SEQUENCES.shape[:2], int))]  # of steps
    for x, y, weights in cases:
        made = trained(model(Dense(2)), x=x, y=y, validation_data=(x, y, weights))
        expected = made.evaluate(x, y, sample_weight=weights.astype(float))
        np.testing.assert_allclose(made.history.history["val_loss"], expected, rtol=1e-6)


@right("a first look at validation data", "dropout, states and the order of samples, which stay the same")
def _():
    def run(**validation):
        made = model(LSTM(3, return_sequences=True, stateful=True), Dropout(0.5), Dense(2), optimizer=Adam(0.01))
        return trained(made, x=SEQUENCES, y=TAGS, batch_size=2, shuffle=False, epochs=2, **validation)

    assert_same_weights(run(), run(validation_data=(SEQUENCES[:2], TAGS[:2])))
    assert_same_weights(trained(epochs=2), trained(epochs=2, validation_data=(X, Y)))


# What an object of nnlite is given where another one belongs.


for name, make in {
    "CosineDecay": lambda inner: CosineDecay(inner, decay_steps=3),
    "StepDecay": lambda inner: nnlite.StepDecay(0.1, 3, inner),
    "Constant": nnlite.Constant,
}.items():

    @refused("a schedule", f"a number of {name}", TypeError, "expected a number, got Constant")
    def _(make=make):
        make(nnlite.Constant(0.1))


@right("a schedule", "WarmUp of a WarmUp of it")
def _():
    rates = nnlite.WarmUp(nnlite.WarmUp(nnlite.Constant(0.6), 2), 3)
    assert_close(np.array([rates(step) for step in range(6)]), np.array([0.1, 0.2, 0.3, 0.3, 0.6, 0.6]), 1e-12)


@refused("a schedule", "a LearningRateScheduler, whose function returns it", TypeError, "return a number, got Constant")
def _():
    trained(callbacks=[LearningRateScheduler(lambda epoch: nnlite.Constant(0.1))])


@refused("a model", "fit, which is given it for x", TypeError, "x: expected an array or a generator, got Sequential")
def _():
    trained(x=model())


@refused("the spectral radius", "an RNN that has diverged", ValueError, "finite weights, got NaN or infinity in Wh")
def _():
    layer = RNN(3)
    layer.build((None, 2))
    layer.params["Wh"][0, 1] = np.nan
    nnlite.inspect.set_spectral_radius(layer, 0.5)


# What a program sets around it.


LARGE = np.array([[800.0, -800.0, 0.0]])
UNDER = {
    "BinaryCrossentropy of large logits": lambda: passes_of(nnlite.BinaryCrossentropy, (LARGE > 0).astype(float)),
    "CategoricalCrossentropy of large logits": lambda: passes_of(nnlite.CategoricalCrossentropy, np.eye(3)[:1]),
    "sampling_probabilities": lambda: (nnlite.sampling_probabilities(LARGE[0], 0.5),),
    "sampling_probabilities of near ones": lambda: (nnlite.sampling_probabilities(np.array([0, -744.5]), 1.0),),
    "sample with top_p": lambda: (nnlite.sample(LARGE[0], 0.5, 0.5, top_p=0.9),),
}


def passes_of(kind, y):
    loss = kind(from_logits=True)
    return loss.forward(y, LARGE), loss.backward()


for name, run in UNDER.items():

    @right("NumPy's errors, all raised", name)
    def _(run=run):
        expected = run()
        with np.errstate(all="raise"):
            for found, other in zip(run(), expected, strict=True):
                assert_same_bits(np.asarray(found), np.asarray(other))


for verbose in (1, 2):

    @right("a clock that stands still", f"fit and evaluate with verbose={verbose}")
    def _(verbose=verbose):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("time.perf_counter", lambda: 5.0)
            made = trained(verbose=verbose, epochs=2)
            made.evaluate(X, Y, verbose=verbose)
        assert made.history.epoch == [0, 1]


IDS = [f"{name} is {'right' if error is None else 'refused'}" for name, _, error, _ in PAIRS]


@pytest.mark.parametrize(("meet", "error", "message"), [pair[1:] for pair in PAIRS], ids=IDS)
def test_each_pair_is_right_or_refused(meet, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if error is None:
        meet()
    else:
        with pytest.raises(error, match=f"(?s){message}"):
            meet()


def test_each_pair_is_in_the_table_once():
    assert len(set(IDS)) == len(IDS)
