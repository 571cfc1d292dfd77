"""Keras and PyTorch as witnesses of nnlite's parts, and of whole trainings, in float64.

Keras 3 computes on PyTorch here, and gets the weights of ours as they lie: each layer, loss, optimizer and schedule.
Both train the same models from the same weights on the same batches. The loss of each of 100 steps is the same to ten
digits: forward, backward, optimizer and what they keep from one step to the next.
"""

import os

import numpy as np
import pytest
from chain import import_torch
from extras import import_extra
from keras_float64 import keras_in_float64  # noqa: F401  a fixture of all tests here

import nnlite
from nnlite import Sequential, layers, losses, optimizers, schedules

os.environ.setdefault("KERAS_BACKEND", "torch")
torch = import_torch()
keras = import_extra("keras", "peers")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras with NumPy 2


RATE = 2.0**-6  # Keras holds learning rates in float32: this one is exact in it


def as_keras(kind, config):
    """Our configuration as arguments of Keras' class of this name."""
    return getattr(keras.layers, kind)(**config, dtype="float64")


# ------------------------------------------------------------------------------------------------------------- layers

LAYERS = [
    ("Dense", {"units": 3}, (4, 5), False),
    ("Dense", {"units": 3, "activation": "relu", "use_bias": False}, (4, 2, 5), False),
    ("Dense", {"units": 3, "activation": "softmax"}, (4, 5), False),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "padding": "same", "activation": "tanh"}, (2, 6, 5, 2), False),
    ("Conv2D", {"filters": 4, "kernel_size": (3, 2), "strides": (2, 1)}, (2, 7, 5, 2), False),
    ("Conv2D", {"filters": 4, "kernel_size": 2, "dilation_rate": (2, 1), "groups": 2}, (2, 6, 5, 4), False),
    ("MaxPooling2D", {"pool_size": 2}, (2, 5, 6, 3), False),
    ("MaxPooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, (2, 5, 6, 3), False),
    ("AveragePooling2D", {"pool_size": (2, 3)}, (2, 5, 6, 3), False),
    # Keras on PyTorch repeats edges for "same", where Keras on TensorFlow, and we, leave the padding out of the mean.
    ("GlobalMaxPooling2D", {}, (2, 5, 6, 3), False),
    ("GlobalAveragePooling2D", {"keepdims": True}, (2, 5, 6, 3), False),
    ("ZeroPadding2D", {"padding": ((1, 2), (0, 1))}, (2, 3, 4, 2), False),
    ("LSTM", {"units": 3, "return_sequences": True}, (4, 5, 2), False),
    ("LSTM", {"units": 3, "go_backwards": True}, (4, 5, 2), False),
    ("GRU", {"units": 3, "return_sequences": True}, (4, 5, 2), False),
    ("GRU", {"units": 3, "reset_after": False}, (4, 5, 2), False),
    ("SimpleRNN", {"units": 3, "return_sequences": True}, (4, 5, 2), False),
    ("SimpleRNN", {"units": 3, "activation": "relu"}, (4, 5, 2), False),
    ("BatchNormalization", {}, (6, 3), True),
    ("BatchNormalization", {"momentum": 0.5, "epsilon": 0.01}, (3, 4, 2, 3), True),
    ("BatchNormalization", {}, (6, 3), False),
    ("LayerNormalization", {}, (6, 3), False),
    ("Softmax", {}, (4, 5), False),
    ("LeakyReLU", {"negative_slope": 0.1}, (4, 5), False),
    ("ReLU", {}, (4, 5), False),
    ("Flatten", {}, (4, 3, 2), False),
    ("Reshape", {"target_shape": (2, 3)}, (4, 6), False),
    ("RepeatVector", {"n": 3}, (4, 2), False),
    *[("Activation", {"activation": name}, (4, 5), False) for name in ("relu", "tanh", "sigmoid", "gelu", "softmax")],
]


def randomize(layer, rng):
    """Weights of any value; variances stay positive."""
    layer.set_weights([np.abs(w + 0.3 * rng.standard_normal(w.shape)) + 0.1 for w in layer.get_weights()])


@pytest.mark.parametrize(("kind", "config", "shape", "training"), LAYERS, ids=lambda v: v if isinstance(v, str) else "")
def test_a_layer_is_keras_layer(kind, config, shape, training):
    rng = np.random.default_rng(3)
    ours = getattr(layers, kind)(**config, dtype="float64")
    ours.build(shape[1:])
    randomize(ours, rng)
    theirs = as_keras(kind, config)
    theirs.build(shape)
    theirs.set_weights(ours.get_weights())

    x = rng.standard_normal(shape)
    tensor = torch.tensor(x, requires_grad=True)
    expected = theirs(tensor, training=training) if training else theirs(tensor)
    y = ours.forward(x, training=training)
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-10, atol=1e-12)

    dy = rng.standard_normal(y.shape)
    dx = ours.backward(dy)
    expected.backward(torch.tensor(dy))
    np.testing.assert_allclose(dx, tensor.grad.numpy(), rtol=1e-10, atol=1e-12)
    grads = list(ours.grads.values())
    assert len(grads) == len(theirs.trainable_weights)
    for grad, weight in zip(grads, theirs.trainable_weights, strict=True):
        np.testing.assert_allclose(grad, weight.value.grad.numpy(), rtol=1e-10, atol=1e-12)
    for own, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):  # running statistics moved alike
        np.testing.assert_allclose(own, other, rtol=1e-10)


def test_every_layer_of_keras_name_has_its_witness():
    others = {
        "Dropout",  # its masks are random: the chain of trust gives PyTorch the mask
        "Embedding",  # takes ids: below
        "Bidirectional",  # of two layers: below
        "TimeDistributed",  # of another layer: below
        *("Input", "InputLayer", "Layer"),  # compute nothing
    }
    named = {name for name in dir(layers) if isinstance(getattr(layers, name), type) and hasattr(keras.layers, name)}
    twins = {getattr(layers, kind) for kind, *_ in LAYERS}
    same = {name for name in named if getattr(layers, name) in twins}
    activations = {"Softmax", "ReLU", "LeakyReLU"}
    assert named - same - others - activations == set()


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_lengths_are_keras_mask(kind):
    """A mask that is True below each length, as Keras' layers take it: the last real step is the answer."""
    rng = np.random.default_rng(3)
    ours = getattr(layers, kind)(3, dtype="float64")
    theirs = as_keras(kind, {"units": 3})
    ours.build((5, 2))
    theirs.build((4, 5, 2))
    randomize(ours, rng)
    theirs.set_weights(ours.get_weights())
    x, lengths = rng.standard_normal((4, 5, 2)), np.array([5, 1, 3, 2])
    tensor = torch.tensor(x, requires_grad=True)
    expected = theirs(tensor, mask=torch.tensor(np.arange(5) < lengths[:, None]))
    np.testing.assert_allclose(ours.forward(x, lengths=lengths), expected.detach().numpy(), rtol=1e-10)
    dy = rng.standard_normal((4, 3))
    expected.backward(torch.tensor(dy))
    np.testing.assert_allclose(ours.backward(dy), tensor.grad.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "mul", "ave"])
def test_both_directions(merge_mode):
    rng = np.random.default_rng(3)
    ours = layers.Bidirectional(layers.LSTM(3, return_sequences=True, dtype="float64"), merge_mode, dtype="float64")
    lstm = keras.layers.LSTM(3, return_sequences=True, dtype="float64")
    theirs = keras.layers.Bidirectional(lstm, merge_mode=merge_mode, dtype="float64")
    ours.build((5, 2))
    theirs.build((4, 5, 2))
    randomize(ours, rng)
    theirs.set_weights(ours.get_weights())
    x = rng.standard_normal((4, 5, 2))
    tensor = torch.tensor(x, requires_grad=True)
    expected = theirs(tensor)
    np.testing.assert_allclose(ours.forward(x), expected.detach().numpy(), rtol=1e-10)
    dy = rng.standard_normal(expected.shape)
    expected.backward(torch.tensor(dy))
    np.testing.assert_allclose(ours.backward(dy), tensor.grad.numpy(), rtol=1e-10, atol=1e-12)


def test_a_layer_at_each_step():
    rng = np.random.default_rng(3)
    ours = layers.TimeDistributed(layers.Conv2D(2, 2, dtype="float64"), dtype="float64")
    theirs = keras.layers.TimeDistributed(keras.layers.Conv2D(2, 2, dtype="float64"), dtype="float64")
    ours.build((3, 4, 5, 1))
    theirs.build((2, 3, 4, 5, 1))
    theirs.set_weights(ours.get_weights())
    x = rng.standard_normal((2, 3, 4, 5, 1))
    np.testing.assert_allclose(ours.forward(x), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-10)


def test_embedding():
    ours = layers.Embedding(7, 3, dtype="float64")
    theirs = keras.layers.Embedding(7, 3, dtype="float64")
    ours.build((5,))
    theirs.build((4, 5))
    theirs.set_weights(ours.get_weights())
    ids = np.random.default_rng(3).integers(7, size=(4, 5))
    expected = theirs(torch.tensor(ids))
    np.testing.assert_array_equal(ours.forward(ids), expected.detach().numpy())
    dy = np.random.default_rng(4).standard_normal((4, 5, 3))
    expected.backward(torch.tensor(dy))
    ours.backward(dy)
    np.testing.assert_allclose(*ours.grads.values(), theirs.trainable_weights[0].value.grad.numpy(), rtol=1e-12)


# ------------------------------------------------------------------------------------------------------------- losses


def scores(shape, rng, logits):
    z = rng.standard_normal(shape)
    return z if logits else np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


LOSSES = {
    "MeanSquaredError": lambda rng, _: (rng.standard_normal((6, 3)), rng.standard_normal((6, 3))),
    "MeanAbsoluteError": lambda rng, _: (rng.standard_normal((6, 3)), rng.standard_normal((6, 3))),
    "BinaryCrossentropy": lambda rng, logits: (
        rng.integers(2, size=(6, 3)).astype(float),
        rng.standard_normal((6, 3)) if logits else rng.uniform(0.01, 0.99, (6, 3)),
    ),
    "CategoricalCrossentropy": lambda rng, logits: (np.eye(4)[rng.integers(4, size=6)], scores((6, 4), rng, logits)),
    "SparseCategoricalCrossentropy": lambda rng, logits: (rng.integers(4, size=6), scores((6, 4), rng, logits)),
}
LOSS_OPTIONS = [
    (kind, {k: v for k, v in {"from_logits": logits, "label_smoothing": smoothing}.items() if v})
    for kind in LOSSES
    for logits in ((False,) if kind.startswith("Mean") else (False, True))
    for smoothing in ((0.0, 0.2) if kind.startswith(("Binary", "Categorical")) else (0.0,))
]


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize(("kind", "options"), LOSS_OPTIONS, ids=lambda v: v if isinstance(v, str) else " ".join(v))
def test_a_loss_is_keras_loss(kind, options, weighted):
    rng = np.random.default_rng(3)
    y_true, y_pred = LOSSES[kind](rng, options.get("from_logits"))
    weights = rng.uniform(0, 2, 6) if weighted else None
    ours = getattr(losses, kind)(**options)
    theirs = getattr(keras.losses, kind)(**options, dtype="float64")
    tensor = torch.tensor(y_pred, requires_grad=True)
    expected = theirs(torch.tensor(y_true), tensor, sample_weight=None if weights is None else torch.tensor(weights))
    expected.backward()
    value = ours.forward(y_true, y_pred, weights) if weighted else ours.forward(y_true, y_pred)
    assert value == pytest.approx(float(expected.detach()), rel=1e-10)
    # Keras divides probabilities by their sum: our gradient is that of the formula, without the sum's part
    if kind.startswith(("Categorical", "Sparse")) and "from_logits" not in options:
        return
    np.testing.assert_allclose(ours.backward(), tensor.grad.numpy(), rtol=1e-9, atol=1e-12)


# ------------------------------------------------------------------------------------------------------- optimizers

OPTIMIZERS = {
    "sgd": ("SGD", {}),
    "momentum": ("SGD", {"momentum": 0.9}),
    "nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}),
    "adagrad": ("Adagrad", {}),
    "adagrad from 0.5": ("Adagrad", {"initial_accumulator_value": 0.5, "epsilon": 1e-3}),
    "rmsprop": ("RMSprop", {}),
    "rmsprop centered": ("RMSprop", {"rho": 0.8, "momentum": 0.9, "centered": True, "epsilon": 1e-3}),
    "adam": ("Adam", {}),
    "adam of other rates": ("Adam", {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-3}),
    "adamw": ("AdamW", {"weight_decay": 0.125}),
    "weight decay": ("SGD", {"momentum": 0.9, "weight_decay": 0.125}),
    "clipnorm": ("Adam", {"clipnorm": 0.5}),
    "clipvalue": ("RMSprop", {"clipvalue": 0.25}),
    "global clipnorm": ("SGD", {"global_clipnorm": 0.5}),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fifty_steps_are_those_of_keras(name):
    kind, options = OPTIMIZERS[name]
    rng = np.random.default_rng(3)
    params = {"W": rng.standard_normal((3, 4)), "b": rng.standard_normal(4)}
    variables = [keras.Variable(param, dtype="float64") for param in params.values()]
    ours = getattr(optimizers, kind)(RATE, **options)
    theirs = getattr(keras.optimizers, kind)(RATE, **options)
    for _ in range(50):
        grads = {key: rng.standard_normal(param.shape) for key, param in params.items()}
        ours.apply(grads, params)
        theirs.apply([torch.tensor(grad) for grad in grads.values()], variables)
    for param, variable in zip(params.values(), variables, strict=True):
        np.testing.assert_allclose(param, variable.numpy(), rtol=1e-10)


# --------------------------------------------------------------------------------------------------------- schedules


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("ExponentialDecay", (0.5, 10, 0.7)),
        ("ExponentialDecay", (0.5, 10, 0.7, True)),
        ("CosineDecay", (0.5, 40)),
        ("CosineDecay", (0.5, 40, 0.1)),
    ],
)
def test_a_schedule_is_keras_schedule(kind, arguments):
    ours = getattr(schedules, kind)(*arguments)
    theirs = getattr(keras.optimizers.schedules, kind)(*arguments)
    for step in range(60):
        assert ours(step) == pytest.approx(float(theirs(step)), rel=1e-5, abs=1e-7)  # theirs is in float32


def torch_rates(schedule, steps):
    """The rates that a scheduler of PyTorch sets, from 0.5 on."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.5)
    scheduler, rates = schedule(optimizer), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_schedules_are_those_of_pytorch():
    lr = torch.optim.lr_scheduler
    pairs = [
        (schedules.StepDecay(0.5, 7, 0.3), lambda o: lr.StepLR(o, 7, 0.3)),
        (schedules.ExponentialDecay(0.5, 1, 0.9), lambda o: lr.ExponentialLR(o, 0.9)),
        (schedules.CosineDecay(0.5, 40, 0.1), lambda o: lr.CosineAnnealingLR(o, 40, 0.05)),
        (schedules.Constant(0.5), lambda o: lr.ConstantLR(o, 1.0)),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose([ours(step) for step in range(40)], torch_rates(theirs, 40), rtol=1e-12)


# ---------------------------------------------------------------------------------------------- whole training runs


class Perceptron:
    """Dense, LayerNorm, Dense, from floats to classes."""

    optimizer = ("RMSprop", {"rho": 0.9, "global_clipnorm": 0.5})

    def layers(self, of):
        return [
            of.Dense(16, activation="tanh", dtype="float64"),
            of.LayerNormalization(dtype="float64"),
            of.Dense(4, dtype="float64"),
        ]

    def batch(self, rng):
        x = rng.standard_normal((32, 6))
        return x, (x[:, :4] ** 2).argmax(axis=1)

    def torch_forward(self, x, p):
        hidden = torch.tanh(x @ p[0] + p[1])
        hidden = torch.nn.functional.layer_norm(hidden, (16,), p[2], p[3], 1e-3)
        return hidden @ p[4] + p[5]


class Images:
    """Conv2D, BatchNorm, pooling, Dense."""

    optimizer = ("SGD", {"momentum": 0.9, "nesterov": True})

    def layers(self, of):
        return [
            of.Conv2D(4, 3, padding="same", dtype="float64"),
            of.BatchNormalization(dtype="float64"),
            of.ReLU(dtype="float64"),
            of.MaxPooling2D(2, dtype="float64"),
            of.Conv2D(5, 3, activation="tanh", dtype="float64"),
            of.AveragePooling2D(2, dtype="float64"),
            of.Flatten(dtype="float64"),
            of.Dense(3, dtype="float64"),
        ]

    def batch(self, rng):
        x, thirds = rng.standard_normal((8, 12, 12, 2)), rng.integers(3, size=8)
        for image, third in zip(x, thirds, strict=True):
            image[4 * third : 4 * third + 4] += 1.0
        return x, thirds

    def torch_forward(self, x, p):
        f = torch.nn.functional
        y = f.conv2d(x.permute(0, 3, 1, 2), p[0].permute(3, 2, 0, 1), p[1], padding=1)
        y = f.max_pool2d(torch.relu(f.batch_norm(y, None, None, p[2], p[3], training=True, eps=1e-3)), 2)
        y = torch.tanh(f.conv2d(y, p[4].permute(3, 2, 0, 1), p[5]))
        y = f.avg_pool2d(y, 2).permute(0, 2, 3, 1)
        return y.flatten(1) @ p[6] + p[7]


class Sequences:
    """Embedding, LSTM, Dense at each step: a model of characters."""

    optimizer = ("Adam", {})

    def layers(self, of):
        return [
            of.Embedding(9, 5, dtype="float64"),
            of.LSTM(8, return_sequences=True, dtype="float64"),
            of.Dense(9, dtype="float64"),
        ]

    def batch(self, rng):
        starts = rng.integers(9, size=(16, 1))
        ids = (starts + np.arange(8) ** 2) % 9
        return ids[:, :-1], ids[:, 1:]

    def torch_forward(self, x, p):
        embedded = p[0][x]
        h = c = torch.zeros(len(x), 8, dtype=torch.float64)
        hs = []
        for t in range(x.shape[1]):
            i, f, g, o = torch.chunk(embedded[:, t] @ p[1] + h @ p[2] + p[3], 4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            hs.append(h)
        return torch.stack(hs, dim=1) @ p[4] + p[5]


def torch_optimizer(kind, options, tensors):
    """PyTorch's optimizer, its epsilon where it counts as ours does: nowhere, or set at each step."""
    if kind == "SGD":
        return torch.optim.SGD(tensors, lr=RATE, **options)
    if kind == "RMSprop":
        return torch.optim.RMSprop(tensors, lr=RATE, alpha=options["rho"], eps=1e-30)
    return torch.optim.Adam(tensors, lr=RATE)


@pytest.fixture(params=[Perceptron, Images, Sequences], ids=lambda cls: cls.__name__)
def training(request):
    """An experiment, its model, compiled, and 100 batches."""
    experiment = request.param()
    kind, options = experiment.optimizer
    nnlite.utils.set_random_seed(5)
    model = Sequential(experiment.layers(layers))
    epsilon = {"epsilon": 1e-30} if kind == "RMSprop" else {}
    optimizer = getattr(optimizers, kind)(RATE, **options, **epsilon)
    model.compile(optimizer, losses.SparseCategoricalCrossentropy(from_logits=True))
    rng = np.random.default_rng(6)
    batches = [experiment.batch(rng) for _ in range(100)]
    model(batches[0][0])
    return experiment, model, batches


def learned(results):
    """The losses; a training that learns nothing would witness nothing."""
    assert np.mean(results[-10:]) < 0.8 * np.mean(results[:10])
    return results


def test_a_hundred_steps_have_the_losses_of_pytorch(training):
    experiment, model, batches = training
    kind, options = experiment.optimizer
    tensors = [torch.tensor(w, requires_grad=True) for layer in model.layers for w in layer.params.values()]
    theirs, expected = torch_optimizer(kind, options, tensors), []
    for t, (x, y) in enumerate(batches, 1):
        theirs.zero_grad()
        scores = experiment.torch_forward(torch.tensor(x), tensors)
        loss = torch.nn.functional.cross_entropy(scores.flatten(0, -2), torch.tensor(y).flatten())
        loss.backward()
        if "global_clipnorm" in options:
            norm = torch.sqrt(sum((tensor.grad**2).sum() for tensor in tensors))
            for tensor in tensors:
                tensor.grad *= min(1.0, float(options["global_clipnorm"] / norm))
        if kind == "Adam":  # its epsilon is that of the paper's algorithm 1, ours is "epsilon hat"
            theirs.param_groups[0]["eps"] = 1e-7 / np.sqrt(1 - 0.999**t)
        theirs.step()
        expected.append(float(loss.detach()))
    found = learned([model.train_on_batch(x, y) for x, y in batches])
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_a_hundred_steps_have_the_losses_of_keras(training):
    experiment, model, batches = training
    kind, options = experiment.optimizer
    theirs = keras.Sequential(experiment.layers(keras.layers))
    theirs(torch.tensor(batches[0][0]))
    theirs.set_weights(model.get_weights())
    epsilon = {"epsilon": 1e-30} if kind == "RMSprop" else {}
    optimizer = getattr(keras.optimizers, kind)(RATE, **options, **epsilon)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64")
    expected = []
    for x, y in batches:
        theirs.zero_grad()
        loss = loss_of(torch.tensor(y), theirs(torch.tensor(x), training=True))
        loss.backward()
        weights = theirs.trainable_weights
        with torch.no_grad():
            optimizer.apply([weight.value.grad for weight in weights], weights)
        expected.append(float(loss.detach()))
    found = learned([model.train_on_batch(x, y) for x, y in batches])
    np.testing.assert_allclose(found, expected, rtol=1e-10)
