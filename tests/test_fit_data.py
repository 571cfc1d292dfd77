"""What fit, evaluate and predict read: parts of the samples, weights, and batches from generators."""

import itertools
import math
import re
from functools import partial

import numpy as np
import pytest
from extras import import_extra
from numeric import assert_same_bits

from nnlite import (
    LSTM,
    SGD,
    Adam,
    BackupAndRestore,
    BinaryCrossentropy,
    Callback,
    CategoricalCrossentropy,
    Dense,
    Embedding,
    Flatten,
    MeanSquaredError,
    NonFiniteLossError,
    Reshape,
    Sequential,
    Sigmoid,
    Softmax,
    SparseCategoricalCrossentropy,
    Tanh,
    TimeDistributed,
)
from nnlite.callbacks import bars
from nnlite.models import ranges
from nnlite.models.batch import Batch
from nnlite.models.data import weighted
from nnlite.models.fit_arguments import predictions_of
from nnlite.models.stream import Stream
from nnlite.regularizers import L2

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 4))
LABELS = rng.integers(3, size=20)
Y = rng.normal(size=(20, 2))
WEIGHTS = rng.uniform(0.1, 3, size=20)
STEPS = rng.normal(size=(6, 5, 4))
STEP_LABELS = rng.integers(3, size=(6, 5))
LENGTHS = np.array([5, 1, 3, 2, 4, 5])


class Squared:
    """A mean squared error that takes weights, as Keras has them: over how many there are, not over their sum."""

    def forward(self, y_true, y_pred, sample_weight=None):
        self.weights = 1.0 if sample_weight is None else np.asarray(sample_weight)
        while np.ndim(self.weights) and np.ndim(self.weights) < y_pred.ndim:
            self.weights = self.weights[..., None]
        self.difference = y_pred - y_true
        return float((self.weights * self.difference**2).mean())

    def backward(self):
        return 2 * self.weights * self.difference / self.difference.size


def regressor(loss=None, seed=0, **options):
    model = Sequential([Dense(3), Tanh(), Dense(2)], input_shape=(4,), dtype="float64", seed=seed, **options)
    model.compile(SGD(0.1), loss or Squared())
    return model


def classifier(layers=None, seed=0):
    model = Sequential(layers or [Dense(3), Softmax()], dtype="float64", seed=seed)
    model.compile(Adam(0.01), SparseCategoricalCrossentropy(), metrics=["accuracy"])
    return model


def same(first, second):
    return all((a == b).all() for a, b in zip(first.get_weights(), second.get_weights(), strict=True))


# Parts


@pytest.mark.parametrize(("split", "first"), [(0.2, 16), (0.33, 13), (0.5, 10), (0.01, 19)])
def test_validation_split_takes_the_last_samples_before_they_are_shuffled(split, first):
    model, by_hand = regressor(), regressor()
    seen = model.fit(X, Y, batch_size=3, epochs=3, validation_split=split, verbose=0).history
    parts = (X[:first], Y[:first]), (X[first:], Y[first:])
    assert seen == by_hand.fit(*parts[0], batch_size=3, epochs=3, validation_data=parts[1], verbose=0).history
    assert same(model, by_hand)


def test_no_validation_split_is_none():
    assert [*regressor().fit(X, Y, validation_split=None, verbose=0).history] == ["loss"]


def test_validation_split_splits_weights_too():
    model, by_hand = regressor(), regressor()
    model.fit(X, Y, validation_split=0.5, sample_weight=WEIGHTS, verbose=0)
    by_hand.fit(X[:10], Y[:10], sample_weight=WEIGHTS[:10], validation_data=(X[10:], Y[10:], WEIGHTS[10:]), verbose=0)
    assert model.history.history == by_hand.history.history


def test_class_weights_count_in_training_alone():
    """As in Keras."""
    model, by_hand = classifier(), classifier()
    options = {"class_weight": {0: 30.0, 1: 10.0, 2: 20.0}, "shuffle": False, "verbose": 0}
    history = model.fit(X, LABELS, validation_split=0.25, **options).history
    assert history["val_loss"] == [model.evaluate(X[15:], LABELS[15:])[0]]
    parts = (X[:15], LABELS[:15]), (X[15:], LABELS[15:])
    assert history == by_hand.fit(*parts[0], validation_data=parts[1], **options).history


def test_initial_epoch_goes_on_counting():
    model, longer = regressor(), regressor()
    model.fit(X, Y, epochs=2, verbose=0)
    history = model.fit(X, Y, epochs=5, initial_epoch=2, verbose=0)
    assert history.epoch == [2, 3, 4]
    longer.fit(X, Y, epochs=5, verbose=0)
    assert same(model, longer)


def test_validation_batch_size_is_that_of_the_validation():
    sizes = []

    class Spy(Sequential):
        backward = Sequential.backward

        def forward(self, x, training=False, lengths=None):
            sizes.append((training, len(x)))
            return super().forward(x, training, lengths)

    model = Spy([Dense(2)], seed=0)
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=10, validation_data=(X, Y), validation_batch_size=20, verbose=0)
    first_look = [(False, 20)]  # as soon as the model is built
    assert sizes == [(True, 10), *first_look, (True, 10), (False, 20)]


# Weights


def test_the_weighted_loss_and_its_gradients_are_keras():
    model = regressor()
    losses = ((model.predict(X) - Y) ** 2).mean(axis=1)
    assert model.evaluate(X, Y, sample_weight=WEIGHTS, batch_size=20) == pytest.approx((WEIGHTS * losses).mean())
    assert model.evaluate(X, Y, sample_weight=WEIGHTS, batch_size=7) == pytest.approx((WEIGHTS * losses).mean())
    model.train_on_batch(X, Y, sample_weight=WEIGHTS)
    gradients = {name: grad.copy() for name, grad in model.grads.items()}
    start = regressor()
    for name, param in start.params.items():
        for index in np.ndindex(param.shape):
            numbers, own = [], param[index]
            for step in (1e-6, -1e-6):
                param[index] = own + step
                numbers.append(start.evaluate(X, Y, sample_weight=WEIGHTS))
            param[index] = own
            assert gradients[name][index] == pytest.approx((numbers[0] - numbers[1]) / 2e-6, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("of_steps", [False, True])
@pytest.mark.parametrize(("loss", "classes"), [("mse", 0), ("sparse_categorical_crossentropy", 3)])
def test_nnlites_losses_weigh(loss, classes, of_steps):
    model = Sequential([LSTM(3, return_sequences=of_steps), Dense(3), Softmax()], dtype="float64", seed=0)
    model.compile("sgd", loss)
    y = STEP_LABELS if classes else rng.normal(size=(6, 5, 3))
    y = y if of_steps else y[:, 0]
    weights = rng.uniform(0.1, 3, size=(6, 5) if of_steps else 6)
    alone = [model.evaluate(STEPS[n : n + 1], y[n : n + 1], sample_weight=weights[n : n + 1]) for n in range(6)]
    if not of_steps:
        plain = [model.evaluate(STEPS[n : n + 1], y[n : n + 1]) for n in range(6)]
        np.testing.assert_allclose(alone, weights * plain, rtol=1e-12)
    assert model.evaluate(STEPS, y, sample_weight=weights) == pytest.approx(np.mean(alone), rel=1e-12)
    model.optimizer.learning_rate = 0.0
    model.train_on_batch(STEPS, y, sample_weight=weights)
    for name, param in model.params.items():
        index = tuple(0 for _ in param.shape)
        numbers, own = [], param[index]
        for step in (1e-5, -1e-5):
            param[index] = own + step
            numbers.append(model.evaluate(STEPS, y, sample_weight=weights))
        param[index] = own
        assert model.grads[name][index] == pytest.approx((numbers[0] - numbers[1]) / 2e-5, rel=1e-5, abs=1e-9)


def test_a_weight_of_two_is_a_sample_twice():
    weighted, twice = regressor(), regressor()
    weighted.fit(X[:4], Y[:4], sample_weight=[2, 2, 0, 0], verbose=0)
    rows = [0, 1, 0, 1]
    twice.fit(X[rows], Y[rows], shuffle=False, verbose=0)
    for a, b in zip(weighted.get_weights(), twice.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("loss", ["mse", "mae", "binary_crossentropy"])
@pytest.mark.parametrize("method", ["fit", "evaluate", "fit: validation_data"])
def test_weights_of_single_numbers_are_refused_before_the_first_batch(method, loss):
    def forward(x, training=False, lengths=None):
        raise AssertionError("it has computed")

    model = Sequential([Dense(2), Sigmoid()], input_shape=(4,), seed=0)
    model.compile("sgd", loss)
    model.layers[0].forward = forward
    data, options = (X, abs(Y) % 1), {"sample_weight": np.ones((20, 2))}
    if "validation" in method:
        options = {"validation_data": (*data, np.ones((20, 2)))}
    with pytest.raises(
        ValueError,
        match=rf"^{method}: sample_weight: expected shape \(20,\), got \(20, 2\): \w+ takes one weight for all numbers",
    ):
        (model.evaluate if method == "evaluate" else model.fit)(*data, verbose=0, **options)


def test_weights_may_have_a_last_axis_of_one():
    expected = regressor().evaluate(X, Y, sample_weight=WEIGHTS)
    assert regressor().evaluate(X, Y, sample_weight=WEIGHTS[:, None]) == expected


def test_weights_go_with_their_samples_through_shuffling():
    model = regressor()
    seen = []

    class Spy(Squared):
        def forward(self, y_true, y_pred, sample_weight=None):
            seen.extend(zip(y_true[:, 0], sample_weight, strict=True))
            return super().forward(y_true, y_pred, sample_weight)

    model.loss = Spy()
    model.fit(X, Y, batch_size=3, sample_weight=WEIGHTS, verbose=0)
    assert sorted(seen) == sorted(zip(Y[:, 0], WEIGHTS, strict=True))


def recorded(model):
    """The weights that its loss is given."""
    seen = []

    class Spy(type(model.loss)):
        backward = type(model.loss).backward

        def forward(self, y_true, y_pred, sample_weight=None):
            seen.append(sample_weight)
            return super().forward(y_true, y_pred)

    model.loss = Spy()
    return seen


@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None]])
def test_class_weights_are_the_weights_of_their_samples(labels):
    model = classifier()
    seen = recorded(model)
    model.fit(X, labels, class_weight={0: 2.0, 2: 0.5}, batch_size=20, shuffle=False, verbose=0)
    model.train_on_batch(X, labels, class_weight={0: 2.0, 2: 0.5})
    for weights in seen:
        np.testing.assert_array_equal(weights, np.array([2.0, 1.0, 0.5])[LABELS])


def test_class_weights_of_one_hot_labels():
    model = regressor()
    seen = recorded(model)
    model.fit(X, np.eye(2)[LABELS % 2], class_weight={1: 3}, batch_size=20, shuffle=False, verbose=0)
    np.testing.assert_array_equal(seen[0], np.array([1, 3])[LABELS % 2])


@pytest.mark.parametrize("weights", [WEIGHTS[:6], rng.uniform(size=(6, 5))])
def test_weights_of_sequences_reach_their_real_steps(weights):
    lengths = np.array([5, 1, 3, 2, 4, 5])
    model = classifier([LSTM(3, return_sequences=True), Dense(3), Softmax()])
    seen = recorded(model)
    model.evaluate(STEPS, STEP_LABELS, lengths=lengths, sample_weight=weights)
    whole = np.broadcast_to(weights.reshape(6, -1), (6, 5))
    np.testing.assert_array_equal(seen[0], np.concatenate([whole[n, :t] for n, t in enumerate(lengths)]))


def test_class_weights_of_labels_at_every_step():
    model = classifier([LSTM(3, return_sequences=True), Dense(3), Softmax()])
    seen = recorded(model)
    model.fit(STEPS, STEP_LABELS, class_weight={1: 4}, shuffle=False, verbose=0)
    np.testing.assert_array_equal(seen[0], np.array([1, 4, 1])[STEP_LABELS])


def test_validation_takes_keras_triple_and_lengths():
    model = regressor()
    model.fit(X, Y, validation_data=(X, Y, WEIGHTS), verbose=0)
    assert model.history.history["val_loss"] == [pytest.approx(model.evaluate(X, Y, sample_weight=WEIGHTS))]
    tagger = classifier([LSTM(3, return_sequences=True), Dense(3), Softmax()])
    lengths = np.array([5, 1, 3, 2, 4, 5])
    tagger.fit(STEPS, STEP_LABELS, validation_data=(STEPS, STEP_LABELS, lengths), verbose=0)
    loss, _ = tagger.evaluate(STEPS, STEP_LABELS, lengths=lengths)
    assert tagger.history.history["val_loss"] == [loss]


@pytest.mark.parametrize("inside", [False, True])
def test_a_regularized_loss_has_no_perplexity(inside):
    """As the penalty is no part of any probability."""

    def numbers(**regularizer):
        dense = Dense(3, **regularizer)
        model = Sequential([Sequential([dense]) if inside else dense], seed=0)
        model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True))
        return model.fit(X, LABELS, validation_data=(X, LABELS), verbose=0).history

    assert list(numbers()) == ["loss", "val_loss", "perplexity", "val_perplexity"]
    for name in ("kernel_regularizer", "bias_regularizer"):
        assert list(numbers(**{name: "l2"})) == ["loss", "val_loss"]
    assert "perplexity" in numbers(kernel_regularizer="l2", trainable=False)


def test_a_regularized_table_and_a_regularizer_of_a_layer_of_ones_own_have_none_either():
    class Priced(Dense):
        def build(self, input_shape):
            super().build(input_shape)
            self.regularizers = {"W": L2(0.1)}

    for layer, x in ((Embedding(5, 2, embeddings_regularizer="l2"), LABELS), (Priced(2), X)):
        model = Sequential([layer, Dense(3)], seed=0)
        model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True))
        model.build(x.shape[1:])
        assert [*model.fit(x, LABELS, verbose=0).history] == ["loss"]


def test_a_weighted_loss_has_no_perplexity():
    model = classifier()
    assert [*model.fit(X, LABELS, class_weight={0: 2}, verbose=0).history] == ["loss", "accuracy"]
    assert "perplexity" in model.fit(X, LABELS, verbose=0).history


def weighing(first):
    """Batches of which one of two has weights: the first, or the second."""
    for number in itertools.count():
        yield (X, LABELS, WEIGHTS) if (number % 2 == 0) == first else (X, LABELS)


@pytest.mark.parametrize("validates", [False, True])
def test_later_batches_weigh_as_the_first_says_where_there_is_a_perplexity(validates):
    def trained(first, loss):
        model = Sequential([Dense(3)], seed=0)
        model.compile("sgd", loss)
        data = (X, LABELS) if validates else (weighing(first),)
        steps = {"validation_data": weighing(first), "validation_steps": 2} if validates else {"steps_per_epoch": 2}
        return model.fit(*data, **steps, verbose=0).history

    loss = SparseCategoricalCrossentropy(from_logits=True)
    assert not any("perplexity" in name for name in trained(True, loss))
    with pytest.raises(ValueError, match=r"batch 2 of the generator: sample_weight: expected none, as in the first"):
        trained(False, loss)
    trained(False, SparseCategoricalCrossentropy(from_logits=True, reduction="sum"))  # which has no perplexity


def test_metrics_count_every_sample_alike():
    model = classifier()
    model.loss = type("Own", (SparseCategoricalCrossentropy,), {"forward": weightless})()
    assert model.evaluate(X, LABELS, sample_weight=WEIGHTS)[1] == model.evaluate(X, LABELS)[1]


def weightless(self, y_true, y_pred, sample_weight=None):
    return SparseCategoricalCrossentropy.forward(self, y_true, y_pred)


# Generators


def batches(size=5, times=1000, weights=False):
    for number in range(times):
        rows = np.arange(number * size, (number + 1) * size) % len(X)
        yield (X[rows], Y[rows], WEIGHTS[rows]) if weights else (X[rows], Y[rows])


class Loader:
    """Such as PyTorch's DataLoader: it has a length, and can be read again."""

    def __len__(self):
        return 4

    def __iter__(self):
        return batches(times=4)


class Numbered:
    """Such as Keras' PyDataset: it has a length, and batches by number."""

    def __len__(self):
        return 4

    def __getitem__(self, number):
        return X[5 * number : 5 * number + 5], Y[5 * number : 5 * number + 5]


@pytest.mark.parametrize(
    ("source", "steps"), [(batches, 4), (Loader, None), (Loader, 4), (Numbered, None), (lambda: iter(Loader()), 4)]
)
def test_a_generator_of_batches_trains_as_arrays_do(source, steps):
    epochs = 1 if source not in (batches, Loader, Numbered) else 3
    model, by_hand = regressor(), regressor()
    history = model.fit(source(), steps_per_epoch=steps, epochs=epochs, verbose=0).history
    expected = by_hand.fit(X, Y, batch_size=5, epochs=epochs, shuffle=False, verbose=0).history
    assert same(model, by_hand)
    assert history == expected
    assert model.evaluate(source(), steps=steps) == pytest.approx(model.evaluate(X, Y, batch_size=5), rel=1e-14)


def test_pytorchs_loader_is_read_epoch_by_epoch():
    torch = import_extra("torch", "peers")
    data = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    loader = torch.utils.data.DataLoader(data, batch_size=5)
    model, by_hand = regressor(), regressor()
    history = model.fit(loader, epochs=3, validation_data=loader, verbose=0).history
    options = {"batch_size": 5, "epochs": 3, "shuffle": False, "validation_data": (X, Y), "verbose": 0}
    assert history == by_hand.fit(X, Y, **options).history
    assert same(model, by_hand)


def test_a_generator_may_validate_and_weigh():
    model, by_hand = regressor(), regressor()
    weighed = batches(weights=True)
    history = model.fit(weighed, steps_per_epoch=4, validation_data=batches(), validation_steps=4, verbose=0).history
    data = {"sample_weight": WEIGHTS, "validation_data": (X, Y)}
    assert history == by_hand.fit(X, Y, batch_size=5, shuffle=False, **data, verbose=0).history


def test_class_weights_of_a_generator():
    model, by_hand = classifier(), classifier()
    options = {"class_weight": {0: 30.0, 2: 20.0}, "verbose": 0}
    pairs = ((X[rows], LABELS[rows]) for rows in np.arange(20).reshape(4, 5))
    model.fit(pairs, steps_per_epoch=4, **options)
    by_hand.fit(X, LABELS, batch_size=5, shuffle=False, **options)
    assert same(model, by_hand)


def test_predict_reads_a_generator_of_inputs():
    model = regressor()
    for source in ((x for x, _ in Loader()), iter(Loader())):
        assert_same_bits(model.predict(source, steps=4), model.predict(X, batch_size=5))


@pytest.mark.parametrize(("method", "source"), [("evaluate", batches), ("predict", lambda: iter([X]))])
def test_a_size_of_a_generators_batches_is_refused(method, source):
    with pytest.raises(
        ValueError, match=f"^{method}: batch_size: a generator makes batches of a size of its own: leave"
    ):
        getattr(regressor(), method)(source(), steps=1, batch_size=5)


def test_what_has_a_length_and_no_batches_is_no_generator():
    model = regressor()
    assert_same_bits(model.predict(memoryview(X)), model.predict(X))
    for x in (b"abc", {1, 2}, frozenset({1})):
        with pytest.raises(TypeError, match=f"predict: x: expected numbers, got {type(x).__name__}"):
            model.predict(x)


class Alone:
    """An iterator with its __next__ alone."""

    def __init__(self):
        self.items = batches()

    def __next__(self):
        return next(self.items)


def test_an_iterator_needs_no_iter():
    model, by_hand = regressor(), regressor()
    model.fit(Alone(), steps_per_epoch=4, epochs=2, verbose=0)
    by_hand.fit(batches(), steps_per_epoch=4, epochs=2, verbose=0)
    assert same(model, by_hand)
    assert model.evaluate(Alone(), steps=4) == model.evaluate(batches(), steps=4)


def resting():
    """A model that learns nothing."""
    model = regressor()
    model.optimizer.learning_rate = 0.0
    return model


class Rewinds(Alone):
    """An iterator that iter() takes to its beginning."""

    def __iter__(self):
        self.items = batches()
        return self


@pytest.mark.parametrize("source", [Loader, Numbered, Rewinds])
def test_each_validation_reads_its_source_from_the_beginning(source):
    model = resting()
    history = model.fit(X, Y, epochs=3, validation_data=source(), validation_steps=3, verbose=0).history
    assert history["val_loss"] == [model.evaluate(source(), steps=3)] * 3


@pytest.mark.parametrize("source", [Alone, batches])
def test_a_validation_goes_on_in_a_generator(source):
    model = resting()
    history = model.fit(X, Y, epochs=3, validation_data=source(), validation_steps=1, verbose=0).history
    assert history["val_loss"] == [model.evaluate(X[i : i + 5], Y[i : i + 5]) for i in (0, 5, 10)]


@pytest.mark.parametrize(
    "wrap", [list, lambda x: x, lambda x: (x,), lambda x: (x, Y), lambda x: (x.tolist(), Y, WEIGHTS), np.ndarray.tolist]
)
def test_predict_takes_a_list_for_x_and_a_tuple_for_x_and_more(wrap):
    model = regressor()
    assert_same_bits(model.predict(iter([wrap(X)]), steps=1), model.predict(X))


@pytest.mark.parametrize("sizes", [(0,), (0, 3), (3, 0)])
def test_predict_of_batches_without_samples(sizes):
    assert_same_bits(
        regressor().predict((X[:n] for n in sizes), steps=len(sizes)), regressor().predict(X[: sum(sizes)])
    )


def test_batches_that_become_larger_are_all_there():
    parts = X[:2], X[2:7], X[7:]
    assert_same_bits(regressor().predict(iter(parts), steps=3), regressor().predict(X))


def test_one_batch_has_no_number_in_a_message():
    with pytest.raises(ValueError, match=r"^dense, which got float64 \(20, 3\) as the model's input"):
        regressor().predict(X[:, :3])


def test_layers_that_are_stateful_in_training_alone_train_in_whole_batches():
    model = Sequential([LSTM(2, stateful="training"), Dense(3)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"^fit: stateful layers \(lstm\) carry a state .* 6 samples leave 2"):
        model.fit(STEPS, Y[:6, :1], batch_size=4, shuffle=False, verbose=0)


def test_the_third_of_validation_data_of_ids_may_be_lengths():
    model = classifier([Embedding(3, 2), LSTM(3, return_sequences=True), Dense(3), Softmax()])
    model.fit(STEP_LABELS, STEP_LABELS, validation_data=(STEP_LABELS, STEP_LABELS, LENGTHS), verbose=0)
    assert model.history.history["val_loss"] == [model.evaluate(STEP_LABELS, STEP_LABELS, lengths=LENGTHS)[0]]
    with pytest.raises(ValueError, match=r"^fit: validation_data: lengths: every length is 0: there is not one step"):
        model.fit(STEP_LABELS, STEP_LABELS, validation_data=(STEP_LABELS, STEP_LABELS, 0 * LENGTHS), verbose=0)


def test_a_list_of_many_arrays_is_x():
    assert_same_bits(regressor().predict(iter([[*X[:4]]]), steps=1), regressor().predict(X[:4]))
    assert_same_bits(regressor().predict(iter([[X[0], X[1].tolist()]]), steps=1), regressor().predict(X[:2]))


@pytest.mark.parametrize(
    ("item", "got"), [((X,), "1 items"), ((X, Y, WEIGHTS, 1), "4 items"), (X, "ndarray"), ("xy", "str")]
)
def test_fit_reads_pairs_from_a_generator(item, got):
    message = rf"^fit: batch 1 of the generator: expected \(x, y\), or \(x, y, sample_weight\), got {got}$"
    with pytest.raises(ValueError, match=message):
        regressor().fit(iter([item]), steps_per_epoch=1, verbose=0)


@pytest.mark.parametrize("method", ["__len__", "__iter__", "__getitem__"])
def test_what_is_no_source_of_batches_is_no_array_either(method):
    """It takes a length, and batches in a row or by number."""
    kind = type("Half", (), {method: lambda self, *number: iter([X]) if method == "__iter__" else 1})
    with pytest.raises(TypeError, match="predict: x: expected numbers, got Half: use an array"):
        regressor().predict(kind())


def test_the_checksum_of_a_stream_is_that_of_its_first_batch():
    stream = Stream("fit", MeanSquaredError(), iter([(X, Y, WEIGHTS), (X + 1, Y, WEIGHTS)]), 2)
    assert stream.checksum == Batch(X, Y, weights=WEIGHTS).checksum
    assert stream.checksum != Batch(X, Y).checksum


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_list_of_few_arrays_may_be_a_pair_in_a_loader_alone(size):
    model = regressor()
    item = [X, Y, WEIGHTS][:size]

    class Lists:
        def __len__(self):
            return 1

        def __iter__(self):
            return iter([item])

    assert_same_bits(model.predict(Lists()), model.predict(X))
    message = rf"^predict: batch 1 of the generator: expected x, .* a list of {size} arrays, .* use np.stack\(batch\)"
    with pytest.raises(TypeError, match=message):
        model.predict(iter([item]), steps=1)


def test_predict_of_a_pytorch_loader_takes_x():
    torch = import_extra("torch", "peers")
    data = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    loader = torch.utils.data.DataLoader(data, batch_size=20)
    for source in (loader, iter(loader)):
        assert_same_bits(regressor().predict(source, steps=1), regressor().predict(X))


@pytest.mark.parametrize("item", [(), (X, Y, WEIGHTS, X)])
def test_predict_refuses_other_tuples(item):
    with pytest.raises(ValueError, match=rf"expected x, or a tuple such as \(x,\) or \(x, y\), got {len(item)} items"):
        regressor().predict(iter([item]), steps=1)


def test_batches_of_several_lengths_give_no_one_array():
    model = Sequential([LSTM(2, return_sequences=True)])
    message = r"^predict: batch 2: expected to give y \(N, 5, 2\), as the batches before, got \(6, 3, 2\): .* pad"
    with pytest.raises(ValueError, match=message):
        model.predict(iter([STEPS, STEPS[:, :3]]), steps=2)


class Sparse:
    """Such as csr_array of SciPy, whose length is an error."""

    shape = X.shape

    def __len__(self):
        raise TypeError("sparse array length is ambiguous")

    def __iter__(self):
        return iter(X)

    def toarray(self):
        return X


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_a_sparse_array_is_no_generator(method):
    with pytest.raises(TypeError, match=rf"^{method}: x: expected numbers, got Sparse: use x.toarray\(\)$"):
        getattr(regressor(), method)(Sparse())


def test_a_generator_is_read_no_further_than_it_has_to_be():
    source = batches()
    regressor().fit(source, steps_per_epoch=3, epochs=2, verbose=0)
    assert (next(source)[0] == X[10:15]).all()  # the seventh


def test_callbacks_see_how_many_batches_a_generator_has():
    class Spy(Callback):
        def on_train_begin(self, logs):
            seen.append((self.loop.batches, self.loop.batch_size))

    seen = []
    regressor().fit(batches(), steps_per_epoch=3, callbacks=[Spy()], verbose=0)
    assert seen == [(3, 5)]


def test_a_generator_of_nan_is_found():
    bad = iter([(X, np.full_like(Y, np.nan))] * 2)
    with pytest.raises(NonFiniteLossError, match="epoch 1, batch 1: the loss is nan, because y holds nan"):
        regressor().fit(bad, steps_per_epoch=2, verbose=0)
    with pytest.raises(NonFiniteLossError, match=r"epoch 1, validation: .*because y holds nan"):
        regressor().fit(X, Y, validation_data=bad, validation_steps=1, verbose=0)


# Where it is wrong


def test_nan_is_found_in_the_users_own_arrays():
    for split in (0.0, 0.25):
        x = X.copy()
        x[13, 2] = math.nan
        with pytest.raises(NonFiniteLossError, match=r"epoch 1, batch \d: .* x holds nan at \(13, 2\)"):
            regressor().fit(x, Y, batch_size=3, validation_split=split, verbose=0)
    y = Y.copy()
    y[18, 1] = math.inf
    with pytest.raises(NonFiniteLossError, match=r"epoch 1, validation: .* y holds inf at \(18, 1\)"):
        regressor().fit(X, y, validation_split=0.25, verbose=0)


@pytest.mark.parametrize("shape", [(20,), (20, 1)])
@pytest.mark.parametrize("wrong", [3, -1])
def test_labels_are_checked_before_the_first_epoch(wrong, shape):
    labels = LABELS.copy().reshape(shape)
    labels[17] = wrong
    place = re.escape("(17,)" if shape == (20,) else "(17, 0)")
    model = classifier()
    for call in (
        lambda: model.fit(X, labels, verbose=0),
        lambda: model.fit(X, LABELS, validation_data=(X, labels), verbose=0),
        lambda: model.fit(X, labels, validation_split=0.5, verbose=0),
    ):
        with pytest.raises(IndexError, match=f"y: expected labels in 0 .. 2, got {wrong} at {place}"):
            call()
    assert not model.built


def test_labels_in_the_padding_may_be_anything():
    model, lengths = classifier([LSTM(3, return_sequences=True), Dense(3), Softmax()]), np.array([5, 1, 3, 2, 4, 5])
    labels = STEP_LABELS.copy()
    labels[1, 1:] = -1
    model.fit(STEPS, labels, lengths=lengths, verbose=0)


@pytest.mark.parametrize("in_time", [False, True])
def test_ids_are_checked_before_the_first_epoch(in_time):
    ids = rng.integers(5, size=(20, 3))
    ids[11, 2] = 5
    layers, place = [Embedding(5, 2)], r"\(11, 2\)"
    if in_time:
        ids, layers, place = ids[:, :, None], [TimeDistributed(*layers), TimeDistributed(Flatten())], r"\(11, 2, 0\)"
    model = classifier([*layers, LSTM(3), Dense(3), Softmax()])
    with pytest.raises(IndexError, match=rf"fit: x: expected ids in 0 .. 4, got 5 at {place}"):
        model.fit(ids, LABELS, verbose=0)
    with pytest.raises(IndexError, match=rf"^predict: x: expected ids in 0 .. 4, got 5 at {place}"):
        model.predict(ids)


class Unweighted:
    def forward(self, y_true, y_pred):
        return 0.0

    def backward(self):
        return 0.0


WRONG = {
    "split and data": ({"validation_split": 0.5, "validation_data": (X, Y)}, ValueError, "give one of the two"),
    "split of nothing": ({"validation_split": 0.999}, ValueError, "leaves samples on both sides, got 0.999 of 20"),
    "split of less than one": ({"validation_split": 1e-17}, ValueError, "on both sides, got 1e-17 of 20 samples"),
    "a bool as label": ({"class_weight": {True: 2}}, TypeError, "expected whole numbers as labels, got True"),
    "infinite class": ({"class_weight": {0: math.inf}}, ValueError, r"expected a number in \[0, inf\)"),
    "split in percent": ({"validation_split": 20}, ValueError, r"validation_split: expected a number in \[0, 1\)"),
    "no epochs left": ({"initial_epoch": 3, "epochs": 3}, ValueError, "expected less than epochs=3.*use epochs=6"),
    "initial epoch": ({"initial_epoch": -1}, ValueError, "initial_epoch: expected a whole number of at least 0"),
    "weights of others": ({"sample_weight": WEIGHTS[:3]}, ValueError, "sample_weight: expected a weight for each"),
    "weights that are none": ({"sample_weight": WEIGHTS * np.nan}, ValueError, r"finite numbers, got nan at \(0"),
    "negative weights": ({"sample_weight": WEIGHTS - 2.5}, ValueError, "expected numbers of at least 0, got -"),
    "both weights": ({"sample_weight": WEIGHTS, "class_weight": {0: 1}}, ValueError, "multiply them into one"),
    "class weights": ({"class_weight": [1, 2]}, TypeError, r"a dict such as \{0: 1.0, 1: 5.0\}, got \[1, 2\]"),
    "balanced": ({"class_weight": "balanced"}, TypeError, "a dict such as"),
    "names of classes": ({"class_weight": {"cat": 2}}, TypeError, "expected whole numbers as labels, got 'cat'"),
    "negative class": ({"class_weight": {0: -2}}, ValueError, r"class_weight\[0\]: expected a number in \[0, inf\)"),
    "classes of no labels": ({"class_weight": {0: 2}}, ValueError, r"is for labels, and y holds .*\(0, 0\)"),
    "steps of arrays": ({"steps_per_epoch": 2}, ValueError, "steps_per_epoch is for generators"),
    "no steps of the validation": (
        {"validation_data": batches()},
        ValueError,
        "fit: validation_data: validation_steps: a generator does not say .*: use validation_steps=100",
    ),
    "no steps": ({"x": batches(), "y": None}, ValueError, "steps_per_epoch: a generator does not say.*=100"),
    "size of batches": ({"x": Loader(), "y": None, "batch_size": 5}, ValueError, "fit: batch_size: a generator makes"),
    "size of the validation's": (
        {"validation_data": Loader(), "validation_batch_size": 5},
        ValueError,
        "fit: validation_batch_size: a generator makes batches of a size of its own: leave it out",
    ),
    "a function": ({"x": batches, "y": None}, TypeError, "got the function batches: call it"),
    "steps of 0": (
        {"x": Loader(), "y": None, "steps_per_epoch": 0},
        ValueError,
        "steps_per_epoch: expected a whole number of at least 1, got 0",
    ),
    "weights beside": ({"x": Loader(), "y": None, "sample_weight": WEIGHTS}, ValueError, "itself: leave it out"),
    "split of a generator": ({"x": Loader(), "y": None, "validation_split": 0.5}, ValueError, "cannot be split"),
    "an end": ({"x": batches(times=3), "y": None, "steps_per_epoch": 4}, ValueError, "ended after 3 batches: let"),
    "no pairs": ({"x": iter([X]), "y": None, "steps_per_epoch": 1}, ValueError, r"batch 1 of the generator: exp.* \(x"),
    "verbose by place as a text": ({"validation_data": "auto"}, ValueError, "give verbose by its name"),
    "verbose by place": ({"validation_data": 1}, ValueError, "give verbose by its name"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_fit_refuses(name):
    changed, error, message = WRONG[name]
    model, before = regressor(), regressor()
    with pytest.raises(error, match=message):
        model.fit(**{"x": X, "y": Y, "verbose": 0, **changed})
    assert name == "an end" or same(model, before)


@pytest.mark.parametrize("pair", [(X, Y), [X, Y], [X, LABELS], (X[:, 0], LABELS)])
def test_x_that_holds_a_pair_is_refused(pair):
    with pytest.raises(TypeError, match=r"^fit: x holds a pair \(x, y\): use fit\(x, y\)$"):
        regressor().fit(pair, verbose=0)
    with pytest.raises(TypeError, match=r"^evaluate: x holds a pair \(x, y\): use evaluate\(x, y\)$"):
        regressor().evaluate(pair)


def test_arrays_of_unequal_length_are_no_pair():
    for x in ([X[:, 0], Y[:3, 0]], [(X, Y[:3])]):
        with pytest.raises(ValueError, match="fit: x: expected lists of one length"):
            regressor().fit(x, verbose=0)


@pytest.mark.parametrize("items", [[(X, Y)], [(X, Y), (X, Y)], [[X, Y, WEIGHTS]] * 3])
def test_a_list_of_batches_is_refused_and_a_generator_of_them_is_taken(items):
    hint = (
        rf"a list of batches \(x, y\): give a generator, such as itertools.cycle\(batches\), and steps.*={len(items)}"
    )
    with pytest.raises(TypeError, match=f"^fit: x: .*{hint}"):
        regressor().fit(items, verbose=0)
    with pytest.raises(TypeError, match=f"^evaluate: x: .*{hint}"):
        regressor().evaluate(items)
    history = regressor().fit(itertools.cycle(items), steps_per_epoch=len(items), verbose=0)
    assert history.epoch == [0]


def test_a_missing_y_is_no_pair():
    numbers = [np.float64(1), np.float64(2)]
    for x in (X, [[1.0, 2.0], [3.0, 4.0]], [X[0], X[1], X[2]], [], [X], numbers):
        with pytest.raises(TypeError, match="fit: y: "):
            regressor().fit(x, verbose=0)


def test_a_loss_without_weights_is_told_so():
    model = regressor(Unweighted())
    for given in ({"sample_weight": WEIGHTS}, {"class_weight": {0: 1}}, {"validation_data": (X, Y, WEIGHTS)}):
        with pytest.raises(TypeError, match=r"Unweighted.forward does not take it: write forward\(self, y_true"):
            model.fit(X, Y, verbose=0, **given)
    with pytest.raises(TypeError, match=r"^train_on_batch: sample_weight: Unweighted.forward does not take it"):
        model.train_on_batch(X, Y, sample_weight=WEIGHTS)


@pytest.mark.parametrize("loss", ["mse", "mae", MeanSquaredError()])
def test_class_weights_are_refused_with_a_loss_that_takes_no_labels(loss):
    model, before = regressor(loss), regressor(loss)
    with pytest.raises(
        ValueError, match=r"^fit: class_weight is for labels, and Mean\w+ takes none: use sample_weight$"
    ):
        model.fit(X, np.eye(2)[LABELS % 2], class_weight={1: 3}, verbose=0)
    with pytest.raises(ValueError, match=r"^train_on_batch: class_weight is for labels"):
        model.train_on_batch(X, np.eye(2)[LABELS % 2], class_weight={1: 3})
    assert same(model, before)


def test_class_weights_of_soft_labels_are_those_of_the_likeliest():
    batch = Batch(X, np.eye(2)[LABELS % 2] * 0.8 + 0.1)
    weights = weighted(batch, {1: 3}, CategoricalCrossentropy(), "fit").weights
    np.testing.assert_array_equal(weights, np.array([1, 3])[LABELS % 2])


def test_class_weights_look_at_real_steps_alone():
    y, lengths = STEP_LABELS.astype("float64"), np.array([5, 1, 3, 2, 4, 5])
    y[1, 1:] = np.nan
    batch = Batch(STEPS, y, lengths)
    assert weighted(batch, {1: 3}, SparseCategoricalCrossentropy(), "fit").weights[1, 0] == [1, 3, 1][STEP_LABELS[1, 0]]


def test_one_unit_is_too_few_for_labels():
    model = Sequential([Dense(1)])
    model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(ValueError, match=r"gives one number for each label.* Sigmoid\(\) and BinaryCrossentropy\(\)"):
        model.fit(X, LABELS, verbose=0)


def test_batches_know_their_rows():
    data = Batch.checked("fit", X, Y)
    batch = data[10:][np.array([3, 1])][1:]
    assert batch.place((0, 2)) == (11, 2)
    assert (batch.x == X[[11]]).all()
    assert data.place((7,)) == (7,)


# What is printed


def test_lengths_of_a_generator_are_not_silently_left_out():
    model = Sequential([LSTM(2)])
    with pytest.raises(ValueError, match="predict: lengths: a generator gives x alone"):
        model.predict((STEPS for _ in range(2)), steps=2, lengths=[1] * 6)


@pytest.mark.parametrize("verbose", [0, 1, 2, "auto"])
def test_verbose_of_evaluate_and_predict(capsys, verbose):
    model = classifier()
    loss = model.evaluate(X, LABELS, verbose=verbose)[0]
    printed = capsys.readouterr().out.splitlines()[-1:]
    assert not printed if verbose == 0 else printed[0].startswith(f"evaluate  loss {loss:.3f}  accuracy ")
    model.predict(X, verbose=verbose)
    printed = capsys.readouterr().out.splitlines()[-1:]
    assert not printed if verbose == 0 else re.fullmatch(r"predict  [\d,]+ samples/s", printed[0])
    for method in (lambda verbose: model.evaluate(X, LABELS, verbose=verbose), partial(model.predict, X)):
        with pytest.raises(ValueError, match="verbose: expected 'auto', 0, 1 or 2, got 3"):
            method(verbose=3)


@pytest.mark.parametrize("method", ["evaluate", "predict"])
def test_evaluate_and_predict_draw_a_bar_with_every_batch_and_take_it_away(monkeypatch, method):
    drawn = []

    class Bar:
        def draw(self, place, done, total, speed, numbers):
            drawn.append((place, done, total, numbers))

        def stop(self):
            drawn.append("stop")

    monkeypatch.setattr(bars, "INTERVAL", -1)
    monkeypatch.setattr(bars, "bar_for", lambda look, console: Bar() if look == "bar" else None)
    model = classifier()
    arguments = (X[:20], LABELS[:20]) if method == "evaluate" else (X[:20],)
    getattr(model, method)(*arguments, batch_size=8, verbose=1)
    assert [place[:3] for place in drawn[:-1]] == [(method, done, 3) for done in (1, 2, 3)]
    assert drawn.pop() == "stop"
    assert all(("loss" in numbers) == (method == "evaluate") for *_, numbers in drawn)
    drawn.clear()
    getattr(model, method)(*arguments, verbose=2)
    assert not drawn
    with pytest.raises(ValueError, match=r"expected shape \(N, \.\.\., F\)") as raised:
        getattr(model, method)(X[:20, :1], *arguments[1:], verbose=1)
    assert drawn == ["stop"], raised


def test_weights_of_steps_may_have_an_axis_of_one():
    """As targets (N, T, 1) have it."""
    model = classifier([LSTM(3, return_sequences=True), Dense(3), Softmax()])
    weights = rng.uniform(0.1, 3, size=(6, 5))
    flat = model.evaluate(STEPS, STEP_LABELS, sample_weight=weights)
    assert model.evaluate(STEPS, STEP_LABELS, sample_weight=weights[..., None]) == flat


@pytest.mark.parametrize("first", [slice(None), slice(1, None, 2), np.array([3, 1, 2, 0])], ids=str)
@pytest.mark.parametrize("second", [slice(None), slice(1, None, 2), np.array([1, 0])], ids=str)
def test_samples_that_are_chosen_twice_know_their_places(first, second):
    x = np.arange(8.0)
    batch = Batch(x)[first][second]
    assert [x[batch.place((i,))] for i in range(len(batch))] == batch.x.tolist()


def test_the_checksum_is_that_of_all_numbers_whatever_their_dtype():
    given = {"x": np.arange(6).reshape(2, 3), "y": np.arange(2), "lengths": np.array([3, 2]), "weights": np.ones(2)}
    checksum = Batch(**given).checksum
    for name, array in given.items():
        assert Batch(**given | {name: array + 1}).checksum != checksum, name
    assert Batch(**given | {"x": given["x"].astype("int32"), "y": given["y"].astype("uint8")}).checksum == checksum


def test_layers_that_are_stateful_in_training_alone_predict_any_number_of_samples():
    model = Sequential([LSTM(2, stateful="training")], input_shape=(3, 2))
    assert model.predict(np.zeros((7, 3, 2)), batch_size=4).shape == (7, 2)


def test_fewer_samples_than_a_batch_are_one_for_stateful_layers():
    model = Sequential([LSTM(2, stateful=True)], input_shape=(3, 2))
    assert model.predict(np.zeros((3, 3, 2)), batch_size=4).shape == (3, 2)


def test_batches_of_a_generator_that_get_smaller_are_predicted_as_they_are():
    model = Sequential([Dense(2)], input_shape=(3,))
    assert model.predict((np.zeros((n, 3)) for n in (4, 2)), steps=2).shape == (6, 2)


@pytest.mark.parametrize(
    ("y", "loss", "lengths", "expected"),
    [
        (np.zeros((2, 4), int), SparseCategoricalCrossentropy(), None, (4, True)),
        (np.zeros((2, 4), int), SparseCategoricalCrossentropy(), np.array([4, 2]), (3, True)),
        (np.zeros((2, 1), int), SparseCategoricalCrossentropy(), None, (1, False)),  # a column of labels
        (np.zeros((2, 1, 3)), MeanSquaredError(), None, (1, True)),  # one step
        (np.zeros((2, 3)), MeanSquaredError(), None, (1, False)),
    ],
)
def test_how_many_predictions_a_sample_holds(y, loss, lengths, expected):
    assert predictions_of(Batch(np.zeros((2, 4)), y, lengths), loss) == expected


def test_a_loss_that_ignores_a_class_has_no_perplexity():
    model = Sequential([Dense(3)], input_shape=(2,))
    model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True, ignore_class=0))
    history = model.fit(np.zeros((4, 2)), np.arange(4) % 3, verbose=0).history
    assert [*history] == ["loss"]


def test_a_loader_goes_on_in_the_next_epoch_where_the_one_before_stopped():
    class Loader:
        def __len__(self):
            return 4

        def __iter__(self):
            for i in range(4):
                read.append(i)
                yield np.zeros((2, 3)), np.zeros((2, 1))

    read, model = [], Sequential([Dense(1)], input_shape=(3,))
    model.compile("sgd", "mse")
    model.fit(Loader(), steps_per_epoch=3, epochs=2, verbose=0)
    assert read == [0, 1, 2, 3, 0, 1]


def test_one_sample_may_have_the_weight_of_its_class():
    model = Sequential([Dense(2)], input_shape=(3,), seed=0)
    model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True))
    x, y = np.ones((1, 3)), np.array([1])
    expected = 3 * model.evaluate(x, y)
    assert model.train_on_batch(x, y, class_weight={1: 3.0}) == pytest.approx(expected)


@pytest.mark.parametrize("wrong", [lambda y: y + 9, lambda y: np.stack([y, y], 1), lambda y: y + 0.5])
def test_a_wrong_batch_is_named_in_a_validation_too(wrong):
    x, y = np.ones((4, 3)), np.zeros(4, int)
    model, batches = classifier(), [(x, y), (x, y), (x, wrong(y))]
    with pytest.raises((IndexError, TypeError, ValueError), match=r"^epoch 1, validation_data: batch 3: y_true: expec"):
        model.fit(x, y, validation_data=itertools.cycle(batches), validation_steps=3, verbose=0)
    with pytest.raises((IndexError, TypeError, ValueError), match=r"^batch 3: y_true: expected "):
        model.evaluate(iter(batches), steps=3)
    with pytest.raises(ValueError, match=r"^batch 2: dense, which got float64 \(4, 2\)"):
        model.predict(iter([x, x[:, :2]]), steps=2)


def test_an_error_in_a_generator_is_of_no_batch_before():
    def broken():
        yield np.ones((4, 3)), np.zeros(4, int)
        raise OSError("no such file")

    with pytest.raises(OSError, match=r"^no such file$"):
        classifier().evaluate(broken(), steps=2)


class Shuffled:
    """Four batches by number, others in each epoch; it knows what it was asked."""

    def __init__(self):
        self.asked, self.epoch = [], 0

    def __len__(self):
        return 4

    def on_epoch_begin(self):
        self.asked.append("begin")

    def on_epoch_end(self):
        self.asked.append("end")
        self.epoch += 1

    def __getitem__(self, number):
        self.asked.append(number)
        return (np.full((2, 3), 10 * self.epoch + number),) * 2


class ShuffledLoader(Shuffled):
    def __iter__(self):
        return map(self.__getitem__, range(4))


@pytest.mark.parametrize("kind", [Shuffled, ShuffledLoader])
@pytest.mark.parametrize("steps", [4, 3])
@pytest.mark.parametrize(("epochs", "batches"), [(0, 0), (0, 1), (0, 3), (1, 0), (2, 2), (-1, 0)])
def test_a_stream_goes_on_where_another_training_was(kind, steps, epochs, batches):
    """The source hears of the same epochs; of what has numbers, nothing is read that was read before."""

    def read(stream, epochs, first=0):
        firsts = [first] + [0] * (epochs - 1)
        return [int(batch.x[0, 0]) for first in firsts for batch in stream.split(2, first=first)]

    streams = whole, resumed = [Stream("fit", None, kind(), steps) for _ in range(2)]
    began = max(0, epochs)
    expected = read(whole, began + 2)[began * steps + batches :]
    resumed.skip(epochs, batches)
    assert read(resumed, 2, batches) == expected
    told, told_again = ([what for what in stream._source.asked if isinstance(what, str)] for stream in streams)
    assert told_again == told == ["begin", "end"] * (began + 2)
    if kind is Shuffled:
        numbers = [what for what in resumed._source.asked if isinstance(what, int)]
        assert len(numbers) == len(expected) + ((epochs, batches) > (0, 0))


def reader(*layers, input_shape=(4,), loss=None):
    """A model of layers in a row that gives logits of three labels."""
    model = Sequential([*layers, Dense(3)], input_shape=input_shape, seed=0)
    model.compile("sgd", loss or SparseCategoricalCrossentropy(from_logits=True))
    return model


IDS = np.arange(8).reshape(2, 4) % 5
STEPS_OF_IDS = partial(reader, Embedding(5, 3), LSTM(2, return_sequences=True))
IGNORING = SparseCategoricalCrossentropy(from_logits=True, ignore_class=7)


@pytest.mark.parametrize(
    ("make", "data", "message"),
    [
        (partial(reader, Embedding(5, 3), LSTM(2)), {"x": IDS}, None),
        (partial(reader, Embedding(5, 3), LSTM(2)), {"x": IDS + 2}, r"fit: x: expected .* got 5 at \(0, 3\)"),
        (partial(reader, Embedding(5, 3), LSTM(2)), {"x": IDS + 1, "lengths": np.array([3, 4])}, r"got 5 at \(1, 0\)"),
        (
            partial(reader, Embedding(5, 3), LSTM(2)),
            {"x": IDS + 5 * np.eye(2, 4, 3, int), "lengths": np.array([3, 4])},
            None,
        ),
        (partial(reader, Tanh()), {"x": IDS * 9}, None),
        (partial(reader, Tanh()), {"x": X[:2], "y": np.array([0, 2])}, None),
        (partial(reader, Tanh()), {"x": X[:2], "y": np.array([[0], [2]])}, None),
        (partial(reader, Tanh()), {"x": X[:2], "y": np.array([0, 3])}, r"fit: y: expected .* got 3 at \(1,\)"),
        (
            partial(reader, Tanh()),
            {"x": X[:2], "y": np.array([[0, 2]] * 2)},
            r"fit: y: expected .*\(2,\).*got .*\(2, 2\)",
        ),
        (partial(reader, Tanh()), {"x": X[:2], "y": np.zeros(2)}, "fit: y: expected integers, got float64"),
        (STEPS_OF_IDS, {"x": IDS, "y": IDS % 3}, None),
        (STEPS_OF_IDS, {"x": IDS, "y": IDS % 3 + np.eye(2, 4, 3, int) * 5}, r"fit: y: expected .* at \(0, 3\)"),
        (STEPS_OF_IDS, {"x": IDS, "y": IDS % 3 + np.eye(2, 4, 3, int) * 5, "lengths": np.array([3, 4])}, None),
        (partial(STEPS_OF_IDS, loss=IGNORING), {"x": IDS, "y": np.where(IDS, 7, 1)}, None),
        (partial(STEPS_OF_IDS, loss=IGNORING), {"x": IDS, "y": np.where(IDS, 7, 6)}, r"got 6 at \(0, 0\)"),
        (
            partial(STEPS_OF_IDS, loss=IGNORING),
            {"x": IDS, "y": np.full((2, 4), 7) + 2 * np.eye(2, 4, 3, int), "lengths": np.array([3, 4])},
            None,
        ),
        (
            partial(reader, LSTM(2), input_shape=(5, 4)),
            {"x": STEPS, "y": STEP_LABELS},
            "lstm gives its last step alone",
        ),
        (partial(reader, Tanh(), loss=Squared()), {"x": X[:2], "y": np.full((2, 3), 9)}, None),
        (partial(reader, Dense(3), Dense(1)), {"x": X[:2], "y": np.array([0, 2])}, None),
    ],
)
def test_what_is_out_of_range_is_found_before_the_first_batch(make, data, message):
    model = make()
    if message is None:
        ranges.require_ranges(model, "fit", Batch(**data))
    else:
        with pytest.raises((ValueError, IndexError, TypeError), match=message):
            ranges.require_ranges(model, "fit", Batch(**data))


@pytest.mark.parametrize(
    ("layer", "input_shape", "shape", "is_right"),
    [
        (Dense(2), (4,), (5, 4), True),
        (Dense(2), (4,), (4, 5), False),
        (LSTM(2), (6, 4), (5, 6, 4), True),
        (LSTM(2), (6, 4), (5, 7, 4), True),
        (LSTM(2), (6, 4), (5, 4, 6), False),
        (LSTM(2), (6, 4), (5, 3), True),  # which forward says better
        (Tanh(), (4,), (5, 4), True),
        (Embedding(7, 2), (4,), (5, 3), True),
        (type("FirstFour", (Dense,), {})(2), (4,), (5, 6), True),  # it may choose some
    ],
)
def test_the_features_of_validation_data_are_those_of_the_first_layer(layer, input_shape, shape, is_right):
    model, data = reader(layer, input_shape=input_shape), Batch(np.zeros(shape))
    ranges.require_ranges(model, "fit", data)  # of other data the first layer says it
    if is_right:
        ranges.require_ranges(model, "fit: validation_data", data)
    else:
        with pytest.raises(ValueError, match=r"fit: validation_data: x: expected .*, as the model's input, got"):
            ranges.require_ranges(model, "fit: validation_data", data)


def test_a_label_needs_a_number_for_each_that_there_may_be():
    model = Sequential([Dense(1)], input_shape=(4,))
    model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(ValueError, match=r"fit: y: the model gives one number for each label, and Sparse.*Binary"):
        ranges.require_ranges(model, "fit", Batch(X, LABELS))


@pytest.mark.parametrize(("shape", "is_right"), [((6,), True), ((6, 5), True), ((6, 4), False), ((6, 5, 3), False)])
def test_weights_that_a_loss_cannot_take_are_found_before_the_first_batch(shape, is_right):
    model = reader(LSTM(2, return_sequences=True), input_shape=(5, 4), loss=MeanSquaredError())
    data = Batch(STEPS, np.zeros((6, 5, 3)), weights=np.ones(shape))
    if is_right:
        ranges.require_ranges(model, "fit", data)
    else:
        with pytest.raises(
            ValueError, match=r"fit: .*: MeanSquaredError takes one weight for all numbers of an answer"
        ):
            ranges.require_ranges(model, "fit", data)


def test_weights_for_a_loss_of_ones_own_and_for_numbers_without_an_axis():
    assert regressor().evaluate(X, Y, sample_weight=np.full((20, 2), 2)) == 2 * regressor().evaluate(X, Y)
    model = Sequential([Dense(1), Reshape(())], input_shape=(4,), seed=0)
    model.compile("sgd", "mse")
    assert model.evaluate(X, Y[:, 0], sample_weight=np.full(20, 2)) == 2 * model.evaluate(X, Y[:, 0])


def test_nobody_asks_a_layer_of_ones_own_for_its_shape_before_it_is_built():
    class Unknown(Tanh):
        def output_shape(self, input_shape):
            raise NotImplementedError

    ranges.require_ranges(reader(Unknown(), input_shape=None), "fit", Batch(X, LABELS))


@pytest.mark.parametrize("method", ["evaluate", "predict"])
def test_steps_are_for_generators(method):
    with pytest.raises(ValueError, match=f"^{method}: steps is for generators, and x is an array: use batch_size"):
        getattr(regressor(), method)(X, *[Y][: method == "evaluate"], steps=2)


def test_an_array_may_be_called_too():
    x = X.view(type("Called", (np.ndarray,), {"__call__": lambda self: self}))
    assert regressor().evaluate(x, Y) == regressor().evaluate(X, Y)


def test_a_model_without_layers_is_said_to_have_none():
    model = Sequential()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"sequential has no layers: add some, sequential.add\(Dense\(3\)\)"):
        model.fit(X, Y, validation_data=(X, Y), verbose=0)


def test_what_a_generator_makes_is_checked_when_it_comes():
    model = reader(Tanh())
    ranges.require_ranges(model, "fit", Stream("fit", model.loss, iter([(X, LABELS + 9)]), 1))


def test_what_goes_where_in_a_forward_of_ones_own_is_its_own_affair():
    class Shifted(Sequential):
        def forward(self, x, training=False, lengths=None):
            return super().forward(x - 5, training, lengths)

    ranges.require_ranges(Shifted([Embedding(5, 3)], input_shape=(4,)), "predict", Batch(IDS + 5))
    ranges.require_ranges(Sequential(), "predict", Batch(IDS))


@pytest.mark.parametrize("first", [0, 2])
def test_a_training_on_generators_goes_on_where_it_was(first, tmp_path):
    """Both of them, whatever epoch was the first, and wherever it ended: with the bits of one that did not end."""

    def endless(seed):
        drawn = np.random.default_rng(seed)
        while True:
            yield drawn.normal(size=(5, 4)), drawn.normal(size=(5, 2))

    def fit(model, path, *callbacks):
        options = {"initial_epoch": first, "epochs": first + 4, "steps_per_epoch": 3, "validation_steps": 2}
        backup = BackupAndRestore(tmp_path / path, save_freq=1)
        return model.fit(endless(1), **options, validation_data=endless(2), callbacks=[backup, *callbacks], verbose=0)

    class Dies(Callback):
        order = 9

        def on_train_batch_end(self, batch, logs):
            if self.model.optimizer.iterations == 8:
                raise KeyboardInterrupt

    whole, resumed = regressor(), regressor(seed=1)
    history = fit(whole, "whole").history
    with pytest.raises(KeyboardInterrupt):
        fit(regressor(), "backup", Dies())
    assert fit(resumed, "backup").history == history
    assert same(whole, resumed)


def test_parts_of_a_batch_know_which_samples_of_the_user_they_are():
    whole = Batch(np.arange(10)[:, None], np.arange(10), rows=range(100, 120, 2))
    for first in (0, 1, 2):
        parts = [*whole.split(4, first=first)]
        assert [part.y.tolist() for part in parts] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]][first:]
        assert [[*part.rows] for part in parts] == [[100, 102, 104, 106], [108, 110, 112, 114], [116, 118]][first:]
    order = np.arange(10)[::-1]
    parts = [*whole.split(4, order, first=1)]
    assert [part.y.tolist() for part in parts] == [[5, 4, 3, 2], [1, 0]]
    assert [part.rows.tolist() for part in parts] == [[110, 108, 106, 104], [102, 100]]
    assert parts[0][1:3].rows.tolist() == [108, 106]
    assert whole[2:5].place((1, 3)) == (106, 3)
    assert parts[1].place((1,)) == (100,)
    assert Batch(whole.x).place((1, 2)) == (1, 2)
    assert [*Batch(whole.x)[3:5].rows] == [3, 4]


@pytest.mark.parametrize("size", [1, 3])
def test_no_samples_are_one_batch_without_any(size):
    assert [len(part) for part in Batch(np.zeros((0, 4))).split(size)] == [0]


def test_a_checksum_is_that_of_all_numbers_however_many_are_taken_together(monkeypatch):
    batch = {"x": np.arange(60.0).reshape(10, 6), "y": np.arange(10, dtype="int32"), "lengths": np.arange(10)}
    checksum = Batch(**batch).checksum
    for checked in (1, 6, 7, 13, 10**6):
        monkeypatch.setattr("nnlite.models.batch.CHECKED", checked)
        assert Batch(**batch).checksum == checksum
        for row in (0, 5, 9):
            other = batch["x"].copy()
            other[row, row % 6] += 1
            assert Batch(**batch | {"x": other}).checksum != checksum


def test_how_much_a_batch_counts():
    batch = Batch(np.zeros((3, 4)), lengths=np.array([4, 1, 2]))
    assert (batch.weight(True), batch.weight(False), Batch(batch.x).weight(True)) == (7, 3, 3)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X, Y[:-1], "y: expected one label for each of the 20 samples of x, got 19"),
        (X[:-1], Y, "y: expected one label for each of the 19 samples of x, got 20"),
        (X[:0], Y[:0], "x: expected at least one sample, got none"),
    ],
)
def test_there_is_a_target_for_each_sample_and_at_least_one(x, y, message):
    with pytest.raises(ValueError, match=f"^fit: {message}$"):
        Batch.checked("fit", x, y)


@pytest.mark.parametrize(
    ("shape", "y", "expected"), [((20,), Y, (20,)), ((20, 1, 1), Y, (20,)), ((20, 1), LABELS[:, None], (20, 1))]
)
def test_weights_are_float64_with_the_axes_of_y(shape, y, expected):
    weights = Batch.checked("fit", X, y, weights=np.ones(shape, bool)).weights
    assert (weights.dtype, weights.shape) == (np.float64, expected)


def test_what_has_no_padding_or_other_weights_is_the_same_batch_otherwise():
    batch = Batch(STEPS, STEP_LABELS + 1, LENGTHS, np.ones(6), range(6))
    for keeps_steps in (True, False):
        found = batch.without_padding(keeps_steps)
        assert found.lengths is LENGTHS
        assert (found.weights is batch.weights, found.rows is batch.rows) == (True, True)
        assert (found.x[1, 1:].any(), found.y[1, 1:].any()) == (False, not keeps_steps)
    assert Batch(STEPS, None, LENGTHS).without_padding(True).y is None
    unweighted = Batch(STEPS, STEP_LABELS, LENGTHS, rows=batch.rows)
    found = weighted(unweighted, {np.int64(1): 3}, SparseCategoricalCrossentropy(), "fit")
    assert (found.lengths is LENGTHS, found.rows is batch.rows) == (True, True)


def test_what_has_been_read_of_a_file_is_given_back(monkeypatch):
    """Of every array, after each batch."""
    given, lengths = [], np.ones(20, int)
    monkeypatch.setattr("nnlite.checks.give_back", lambda *arrays: given.append([*map(id, arrays)]))
    batch = Batch(X, Y, lengths, WEIGHTS)
    assert len([*batch.split(10)]) == 2
    assert given == [[id(X), id(Y), id(WEIGHTS)]] * 2
    given.clear()
    assert batch.checksum
    assert given == [[id(X)], [id(Y)], [id(lengths)], [id(WEIGHTS)]]


@pytest.mark.parametrize(
    ("batch", "loss", "labels"),
    [
        (Batch(STEPS, np.eye(3)[STEP_LABELS]), CategoricalCrossentropy(), STEP_LABELS),
        (Batch(STEPS, LABELS[:6].astype(float), LENGTHS), SparseCategoricalCrossentropy(), LABELS[:6]),
        (Batch(X, LABELS % 2), BinaryCrossentropy(), LABELS % 2),
        (Batch(X, (LABELS % 2)[:, None]), BinaryCrossentropy(), LABELS % 2),
    ],
)
def test_class_weights_of_vectors_and_of_single_labels(batch, loss, labels):
    np.testing.assert_array_equal(weighted(batch, {1: 3}, loss, "fit").weights, np.array([1, 3, 1])[labels])
