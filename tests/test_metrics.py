"""Metrics: what they count, and how compile, fit, evaluate and checkpoints use them."""

import functools
import json

import numpy as np
import pytest

from nnlite import metrics
from nnlite.callbacks import BackupAndRestore, Callback, EarlyStopping, JSONLogger, ModelCheckpoint
from nnlite.layers import LSTM, Dense, Sigmoid
from nnlite.losses import BinaryCrossentropy, SparseCategoricalCrossentropy
from nnlite.metrics import accuracy, confusion_matrix
from nnlite.models import judging
from nnlite.models.loading import load_model
from nnlite.models.sequential import Sequential
from nnlite.optimizers import SGD, Adam
from nnlite.saving.checkpoint import CheckpointError
from nnlite.saving.training_state import save_model

rng = np.random.default_rng(0)
X = rng.normal(size=(50, 4)).astype("float32")
LABELS = X[:, :3].argmax(axis=1)


def classifier(names=("accuracy",)):
    model = Sequential([Dense(3)], input_shape=(4,), seed=0)
    model.compile(SGD(0.1), SparseCategoricalCrossentropy(from_logits=True), names)
    return model


def misses(y_true, y_pred):
    """A metric of one's own."""
    return 1 - accuracy(y_true, y_pred)


class TestAccuracy:
    @pytest.mark.parametrize("shape", [(7,), (3, 5), (2, 3, 4)])
    def test_counts_labels_with_the_highest_score(self, shape):
        scores = rng.normal(size=(*shape, 6))
        labels = rng.integers(6, size=shape)
        right = sum(int(scores[at].argmax() == labels[at]) for at in np.ndindex(shape))
        assert accuracy(labels, scores) == right / labels.size

    def test_takes_lists_and_columns(self):
        assert accuracy([0, 2], [[1, 0, 0], [0, 3, 2]]) == 0.5
        assert accuracy(np.array([[0], [1]]), [[1, 0, 0], [0, 3, 2]]) == 1

    def test_ends_of_the_scale(self):
        scores = np.eye(3, dtype="float32")
        assert accuracy(np.array([0, 1, 2], "uint8"), scores) == 1
        assert accuracy(np.array([1, 2, 0], "int16"), scores) == 0
        assert accuracy(np.zeros(0, int), np.zeros((0, 3))) == 0

    @pytest.mark.parametrize(
        ("labels", "scores", "error", "message"),
        [
            (
                ["a"],
                np.ones((1, 3)),
                TypeError,
                r"y_true: expected numbers, got an array of texts: .*np\.unique\(y_true",
            ),
            (np.array([0]), [["1", "2"]], TypeError, "y_pred: expected numbers, got an array of texts"),
            (np.array([0]), 1.0, ValueError, "y_pred: expected an array of samples, got a single number"),
            (["a"], np.ones((1, 3)), TypeError, "accuracy: y_true: expected numbers"),
            (np.array([0]), [["a", "b"]], TypeError, "accuracy: y_pred: expected numbers"),
            (np.array([0.0]), np.ones((1, 3)), TypeError, "y_true: expected integers, got float64"),
            (
                np.array([0, 1]),
                np.ones((1, 3)),
                ValueError,
                r"one label for each position.*got \(2,\)",
            ),
            (np.array([0]), [[3.0]], ValueError, r"y_pred: .* got 3 at \(0, 0\): .*BinaryAccuracy\(threshold=0\)"),
            (np.array([2]), [[0.5]], ValueError, r"y_true: expected answers from 0 to 1, got 2 at \(0, 0\)"),
            (np.zeros((1, 2)), [[0.5]], ValueError, r"an answer for each of y_pred, shape \(1, 1\), got \(1, 2\)"),
            ([[1, 1, 0]], np.ones((1, 3)), ValueError, r"one with the sum 2 at \(0,\): use binary_accuracy"),
            (np.array([0, 3]), np.ones((2, 3)), IndexError, r"labels in 0 .. 2, got 3 at \(1,\)"),
            (np.array([0, -1]), np.ones((2, 3)), IndexError, r"labels in 0 .. 2, got -1 at \(1,\)"),
        ],
    )
    def test_refuses(self, labels, scores, error, message):
        with pytest.raises(error, match=message):
            accuracy(labels, scores)


class TestConfusionMatrix:
    def test_counts(self):
        labels, predicted = rng.integers(4, size=(2, 3, 50))
        matrix = confusion_matrix(labels, predicted, classes=5)
        for i, j in np.ndindex(5, 5):
            assert matrix[i, j] == ((labels == i) & (predicted == j)).sum()
        assert matrix.dtype == np.int64

    def test_as_large_as_the_largest_label(self):
        assert confusion_matrix(np.array([0, 2], "uint8"), np.array([0, 3], "int8")).shape == (4, 4)
        assert confusion_matrix(np.zeros(0, int), np.zeros(0, int)).shape == (0, 0)

    @pytest.mark.parametrize(
        ("labels", "predicted", "classes", "error", "message"),
        [
            (
                np.array([0, 1]),
                np.array([0]),
                None,
                ValueError,
                r"one label for each .*\(2,\), got \(1,\)",
            ),
            (np.array([0]), np.array([0.5]), None, TypeError, "y_pred: expected integers, got float64"),
            (
                np.array([1]),
                np.array([[0.1, 0.9]]),
                None,
                TypeError,
                r"y_pred: expected labels, got scores \(1, 2\): use y_pred.argmax\(axis=-1\)",
            ),
            (np.array([1, 0]), np.array([[0.1], [0.9]]), None, TypeError, "y_pred: expected integers, got float64"),
            (np.array([-1]), np.array([0]), None, IndexError, "y_true: expected labels in .*, got -1"),
            (np.array([0]), np.array([3]), 3, IndexError, "y_pred: expected labels in 0 .. 2, got 3"),
            (np.array([0]), np.array([0]), 0, ValueError, "classes: expected a whole number"),
            (np.array([2**40]), np.array([0]), None, ValueError, "bytes"),
        ],
    )
    def test_refuses(self, labels, predicted, classes, error, message):
        with pytest.raises(error, match=message):
            confusion_matrix(labels, predicted, classes)


LABELS_4, SCORES_4 = rng.integers(4, size=(3, 5)), rng.normal(size=(3, 5, 4))
ONE_HOT_4 = np.eye(4)[LABELS_4]


class TestByShape:
    """ "accuracy" is what the shapes make of it, as in Keras."""

    def test_labels_and_one_hot(self):
        right = accuracy(LABELS_4, SCORES_4)
        assert accuracy(ONE_HOT_4, SCORES_4) == metrics.categorical_accuracy(ONE_HOT_4, SCORES_4) == right
        assert metrics.sparse_categorical_accuracy(LABELS_4[..., None], SCORES_4) == right
        assert accuracy(ONE_HOT_4.astype(int).tolist(), SCORES_4.tolist()) == right

    @pytest.mark.parametrize("total", [0.9992, 1.0005])
    def test_probabilities_that_were_rounded_are_taken(self, total):
        assert metrics.categorical_accuracy(np.array([[0.25, total - 0.25]]), np.array([[0.1, 0.9]])) == 1

    @pytest.mark.parametrize("total", [0, 0.5, 0.998, 1.002, 2])
    def test_other_sums_than_1_are_no_classes(self, total):
        y_true = np.array([[0, 1], [0, total], [3, 0]])
        with pytest.raises(ValueError, match=rf"one with the sum {total} at \(1,\)"):
            metrics.categorical_accuracy(y_true, np.ones((3, 2)))

    @pytest.mark.parametrize("shape", [(4,), (4, 1)])
    def test_one_column(self, shape):
        y_pred = np.array([0.9, 0.8, 0.5, 0.2]).reshape(shape)
        for y_true in ([1, 0, 0, 0], [[1], [0], [0], [0]], np.array([True, False, False, False])):
            assert accuracy(y_true, y_pred) == metrics.binary_accuracy(y_true, y_pred) == 0.75  # 0.5 is not above 0.5

    @pytest.mark.parametrize("name", ["accuracy", "binary_accuracy", "sparse_categorical_accuracy"])
    def test_the_order_is_told_where_shapes_tell_it(self, name):
        for labels in (LABELS_4[0], LABELS_4[0][:, None]):
            with pytest.raises(ValueError, match=rf"the order is {name}\(y_true, y_pred\)"):
                getattr(metrics, name)(SCORES_4[0], labels)

    @pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
    def test_answers_may_stand_for_probabilities(self, dtype):
        y_true, y_pred = np.array([1, 0, 1], dtype), np.array([1, 0, 0], dtype)
        assert accuracy(y_true, y_pred) == metrics.binary_accuracy(y_true, y_pred[:, None]) == pytest.approx(2 / 3)

    def test_several_answers(self):
        y_true, y_pred = np.array([[1, 1, 0], [0, 0, 1]]), np.array([[0.9, 0.4, 0.2], [0.1, 0.2, 0.9]])
        assert metrics.binary_accuracy(y_true, y_pred) == pytest.approx(5 / 6)
        assert metrics.BinaryAccuracy(threshold=0.3)(y_true, y_pred) == 1
        assert metrics.BinaryAccuracy()(y_true, [[0.51, 0.5, 0], [0.5, 0, 0.51]]) == pytest.approx(5 / 6)

    def test_logits_have_another_threshold(self):
        y_true, logits = np.array([1, 0, 1]), np.array([[2.0], [0.3], [-1.0]])
        with pytest.raises(ValueError, match=r"binary_accuracy: y_pred: expected probabilities .*threshold=0\)"):
            metrics.binary_accuracy(y_true, logits)
        assert metrics.BinaryAccuracy(threshold=0)(y_true, logits) == pytest.approx(1 / 3)
        assert metrics.BinaryAccuracy(threshold=1)(y_true, logits) == pytest.approx(2 / 3)


class TestTopK:
    @pytest.mark.parametrize("k", [1, 2, 3, 4])
    def test_among_the_k_highest(self, k):
        top = np.argsort(-SCORES_4, axis=-1)[..., :k]
        expected = (top == LABELS_4[..., None]).any(axis=-1).mean()
        assert metrics.sparse_top_k_categorical_accuracy(LABELS_4, SCORES_4, k) == expected
        assert metrics.top_k_categorical_accuracy(ONE_HOT_4, SCORES_4, k) == expected
        assert metrics.TopKCategoricalAccuracy(k)(ONE_HOT_4, SCORES_4) == expected
        assert metrics.SparseTopKCategoricalAccuracy(k)(LABELS_4, SCORES_4) == expected

    def test_equal_scores_count_and_nan_does_not(self):
        scores = np.array([[0.5, 0.5, 0.0], [np.nan, 0.1, 0.0], [0.3, np.nan, 0.2]])
        assert metrics.sparse_top_k_categorical_accuracy([1, 0, 0], scores, 1) == pytest.approx(1 / 3)

    def test_more_than_there_are(self):
        with pytest.raises(ValueError, match="k: expected at most the 4 classes of y_pred, got 5"):
            metrics.sparse_top_k_categorical_accuracy(LABELS_4, SCORES_4)
        with pytest.raises(ValueError, match="k: expected at most the 4 classes of y_pred, got 5"):
            metrics.top_k_categorical_accuracy(ONE_HOT_4, SCORES_4)
        assert metrics.TopKCategoricalAccuracy().k == metrics.SparseTopKCategoricalAccuracy().k == 5
        with pytest.raises(ValueError, match="k: expected a whole number"):
            metrics.SparseTopKCategoricalAccuracy(k=0)
        with pytest.raises(ValueError, match="use sparse_top_k_categorical_accuracy for labels"):
            metrics.top_k_categorical_accuracy(LABELS_4, SCORES_4)


def test_errors():
    y_true, y_pred = rng.normal(size=(2, 7, 1))
    assert metrics.mean_absolute_error(y_true, y_pred) == pytest.approx(np.abs(y_true - y_pred).mean())
    assert metrics.mean_squared_error(y_true[:, 0], y_pred) == pytest.approx(np.square(y_true - y_pred).mean())
    assert metrics.MeanAbsoluteError()(y_true.tolist(), y_pred) == metrics.mean_absolute_error(y_true, y_pred)
    with pytest.raises(ValueError, match=r"y_true: expected shape of y_pred = \(7, 1\), got \(6, 1\)"):
        metrics.mean_squared_error(y_true[1:], y_pred)
    assert metrics.mean_squared_error(np.zeros((0, 2)), np.zeros((0, 2))) == 0


def test_errors_of_float32_have_the_range_of_float64():
    large = np.full((1, 2), 2.0**127, "float32")
    assert metrics.mean_squared_error(np.zeros_like(large), large) == 2.0**254
    assert metrics.mean_absolute_error(np.zeros_like(large), large) == 2.0**127


@pytest.mark.parametrize("name", ["mae", "mse", "MSE", "mean_absolute_error"])
def test_names_of_errors_are_those_that_were_given(name, tmp_path):
    model = Sequential([Dense(1)], seed=0)
    model.compile("sgd", "mse", metrics=[name])
    history = model.fit(X, X[:, 0], validation_data=(X, X[:, 0]), verbose=0).history
    assert list(history) == ["loss", name, "val_loss", f"val_{name}"]
    save_model(model, tmp_path / "m")
    assert list(load_model(tmp_path / "m").metrics) == [name]


def test_a_function_may_have_a_name_of_its_own():
    def own(y_true, y_pred):
        return 0.0

    own.name = "value"  # which only begins as "val_loss" does
    assert metrics.get([own]) == {"value": own}


def test_binary_programs():
    y = (X[:, 0] > 0).astype("float32")
    for loss, last, kinds in (
        ("binary_crossentropy", [Sigmoid()], ["acc", "binary_accuracy"]),
        (BinaryCrossentropy(from_logits=True), [], [metrics.BinaryAccuracy("acc", threshold=0)]),
    ):
        model = Sequential([Dense(1), *last], seed=0)
        model.compile(Adam(0.1), loss, metrics=kinds)
        history = model.fit(X, y, epochs=60, verbose=0).history
        assert history["acc"][-1] > 0.9
        assert history["loss"][-1] < history["loss"][0]


def test_a_metric_with_arguments_is_saved_with_them(tmp_path):
    class Twice(metrics.NamedMetric):
        def __init__(self, factor=2.0, name="twice"):
            super().__init__(name)
            self.factor = factor

        def __call__(self, y_true, y_pred):
            return self.factor

    model = Sequential([Dense(1)], input_shape=(4,), seed=0)
    model.compile("sgd", "mse", metrics=["mae", metrics.BinaryAccuracy("right", threshold=-0.25), Twice(3.0)])
    save_model(model, tmp_path / "m")
    with pytest.raises(CheckpointError, match="no namedmetric 'Twice'"):
        load_model(tmp_path / "m")
    again = load_model(tmp_path / "m", {"Twice": Twice})
    assert list(again.metrics) == ["mae", "right", "twice"]
    assert (again.metrics["right"].threshold, again.metrics["twice"].factor) == (-0.25, 3)


def test_what_keras_metrics_also_have_is_explained():
    with pytest.raises(AttributeError, match=r"nnlite.metrics has no Precision: count with confusion_matrix"):
        metrics.Precision  # noqa: B018
    with pytest.raises(ValueError, match="got 'auc': count with confusion_matrix"):
        metrics.get(["auc"])
    for name in ("update_state", "result", "reset_state", "update", "compute", "reset"):
        with pytest.raises(AttributeError, match=rf"'BinaryAccuracy' .* '{name}': .*metric\(y_true, y_pred\)"):
            getattr(metrics.BinaryAccuracy(), name)
    with pytest.raises(TypeError, match="unknown argument 'treshold': did you mean 'threshold'"):
        metrics.BinaryAccuracy(treshold=1)
    for name in (0.5, "two words", ""):
        with pytest.raises(ValueError, match="name: expected a name such as 'accuracy', got"):
            metrics.BinaryAccuracy(name)


class TestTraining:
    def test_history(self):
        model = classifier(["accuracy", misses])
        history = model.fit(X, LABELS, epochs=3, validation_data=(X[:9], LABELS[:9]), verbose=0).history
        names = ["loss", "accuracy", "misses"]
        assert list(history)[:6] == [*names, *(f"val_{name}" for name in names)]
        assert history["val_accuracy"][-1] == accuracy(LABELS[:9], model.predict(X[:9]))
        for right, wrong in zip(history["accuracy"], history["misses"], strict=True):
            assert right + wrong == pytest.approx(1)

    def test_an_epoch_averages_over_samples(self):
        model, by_hand = classifier(), classifier()
        history = model.fit(X, LABELS, batch_size=20, shuffle=False, verbose=0).history
        rows = [slice(0, 20), slice(20, 40), slice(40, 50)]  # the last batch is a smaller one
        parts = [by_hand.train_on_batch(X[r], LABELS[r], return_dict=True)["accuracy"] for r in rows]
        assert history["accuracy"] == [pytest.approx((20 * parts[0] + 20 * parts[1] + 10 * parts[2]) / 50)]

    def test_metrics_change_nothing(self):
        with_metrics, without = classifier(), classifier(None)
        for model in (with_metrics, without):
            model.fit(X, LABELS, epochs=2, verbose=0)
        assert (with_metrics.params["dense.W"] == without.params["dense.W"]).all()

    def test_what_evaluate_returns(self):
        model = classifier()
        loss, right = model.evaluate(X, LABELS, batch_size=7)
        assert right == pytest.approx(accuracy(LABELS, model.predict(X)))
        assert model.evaluate(X, LABELS, batch_size=7, return_dict=True) == {"loss": loss, "accuracy": right}
        assert classifier(None).evaluate(X, LABELS, batch_size=7) == loss
        assert classifier(None).evaluate(X, LABELS, batch_size=7, return_dict=True) == {"loss": loss}

    def test_what_train_on_batch_returns(self):
        loss, right = classifier().train_on_batch(X, LABELS)
        assert classifier(None).train_on_batch(X, LABELS) == loss == classifier(None).evaluate(X, LABELS, 50)
        assert 0 <= right <= 1

    def test_labels_at_every_step(self):
        ids = rng.integers(3, size=(8, 6))
        model = Sequential([LSTM(5, return_sequences=True, input_dim=3), Dense(3)], seed=0)
        model.compile(Adam(0.05), SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
        assert model.fit(ids, ids, epochs=80, verbose=0).history["accuracy"][-1] > 0.9

    def test_batches_see_the_mean_so_far(self):
        class Spy(Callback):
            def on_train_batch_end(self, batch, logs):
                seen.append(logs["accuracy"])

        seen = []
        history = classifier().fit(X, LABELS, batch_size=10, callbacks=[Spy()], verbose=0).history
        assert len(seen) == 5
        assert history["accuracy"] == seen[-1:]

    def test_compiled_again(self):
        model = classifier()
        model.compile("adam", "mse")
        assert model.metrics == {}

    @pytest.mark.parametrize(
        ("names", "error", "message"),
        [
            (
                "accuracy",
                TypeError,
                r"metrics: expected a list such as \['accuracy'\], got 'accuracy': use \['accuracy'\]",
            ),
            (["acuracy"], ValueError, "metrics: expected a function, or one of .*, got 'acuracy': use 'accuracy'"),
            ([3], TypeError, "metrics: expected names, or functions"),
            ([lambda y_true, y_pred: 0.0], TypeError, "define it with `def`"),
            ([metrics.BinaryAccuracy], TypeError, r"got the class BinaryAccuracy: use BinaryAccuracy\(\)"),
            ([functools.partial(accuracy)], TypeError, "give it a name for the logs, an attribute such as metric.name"),
            ([Dense(2)], TypeError, r"got Dense.*: write a function of them with `def`"),
            (["accuracy", accuracy], ValueError, "expected different names, got 'accuracy' twice"),
            (
                [metrics.BinaryAccuracy("val_accuracy")],
                ValueError,
                "expected a name of its own, got 'val_accuracy', under which",
            ),
            ([metrics.BinaryAccuracy("perplexity")], ValueError, "expected different names, got 'perplexity' twice"),
            *(
                ([metrics.BinaryAccuracy(name)], ValueError, f"expected a name of its own, got '{name}', under which")
                for name in ("batch", "epoch", "learning_rate", "step")
            ),
        ],
    )
    def test_compile_refuses(self, names, error, message):
        with pytest.raises(error, match=message):
            classifier(names)

    def test_accuracy_needs_labels(self):
        model = Sequential([Dense(2)], seed=0)
        model.compile("sgd", "mse", metrics=["accuracy"])
        with pytest.raises(ValueError, match=r"accuracy: y_true: expected one-hot .* mean_absolute_error for num"):
            model.fit(X, X[:, :2], verbose=0)


class TestCallbacks:
    def test_early_stopping_and_the_best_model(self, tmp_path):
        model = classifier()
        stop = EarlyStopping("val_accuracy", patience=3, restore_best_weights=True)
        keep = ModelCheckpoint(tmp_path / "best.safetensors", "val_accuracy", save_best_only=True)
        data = X[:20], LABELS[:20]
        history = model.fit(X, LABELS, epochs=60, validation_data=data, callbacks=[stop, keep], verbose=0).history
        best = max(history["val_accuracy"])
        assert stop.best == keep.best == best == history["val_accuracy"][stop.best_epoch]
        assert len(history["loss"]) == stop.best_epoch + 4
        for best_model in (model, load_model(tmp_path / "best.safetensors")):
            assert best_model.evaluate(*data, return_dict=True)["accuracy"] == best

    def test_log(self, tmp_path):
        classifier().fit(X, LABELS, callbacks=[JSONLogger(tmp_path / "log.jsonl")], verbose=0)
        assert json.loads((tmp_path / "log.jsonl").read_text())["accuracy"] > 0

    def test_a_resumed_epoch_counts_on(self, tmp_path):
        class Crash(Callback):
            def on_train_batch_end(self, batch, logs):
                if self.loop.epoch == 1 and batch == 2:
                    raise ZeroDivisionError

        arguments = {"batch_size": 10, "epochs": 3, "verbose": 0}
        backup = BackupAndRestore(tmp_path / "backup.safetensors", save_freq=1)
        with pytest.raises(ZeroDivisionError):
            classifier().fit(X, LABELS, callbacks=[backup, Crash()], **arguments)
        resumed = classifier().fit(X, LABELS, callbacks=[backup], **arguments)
        assert resumed.history == classifier().fit(X, LABELS, **arguments).history

    def test_other_metrics_are_another_training(self, tmp_path):
        def backup():
            return BackupAndRestore(tmp_path / "backup.safetensors", delete_checkpoint=False)

        classifier().fit(X, LABELS, callbacks=[backup()], verbose=0)
        with pytest.raises(CheckpointError, match=r"metrics is \['accuracy'\] in the file and \[\] in this program"):
            classifier(None).fit(X, LABELS, epochs=2, callbacks=[backup()], verbose=0)


def test_a_saved_model_knows_its_metrics(tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(classifier(["accuracy", misses]), path)
    with pytest.raises(CheckpointError, match=r"no metric 'misses'.*custom_objects={'misses': misses}"):
        load_model(path)
    model = load_model(path, custom_objects={"misses": misses})
    assert list(model.metrics) == ["accuracy", "misses"]
    save_model(classifier(), path)
    assert len(load_model(path).evaluate(X, LABELS)) == 2


class OwnLoss:
    """As a user writes it: it trusts the shapes, and broadcasts where they differ."""

    def forward(self, y_true, y_pred):
        self.difference = y_pred - y_true
        return float((self.difference**2).mean())

    def backward(self):
        return 2 * self.difference / self.difference.size


class Broadcasting(OwnLoss):
    def backward(self):
        return super().backward() + np.zeros(len(self.difference))


def own_error(y_true, y_pred):
    return float(np.abs(y_true - y_pred).mean())


def own_accuracy(y_true, y_pred):
    return float((y_true == y_pred.argmax(axis=-1)).mean())


@pytest.mark.parametrize("y", [X[:, 0], X[:, :1]])
def test_losses_and_metrics_of_ones_own_get_y_in_the_shape_of_predictions(y):
    numbers = []
    for loss, metric in (("mse", "mae"), (OwnLoss(), own_error)):
        model = Sequential([Dense(1)], input_shape=(4,), seed=0)
        model.compile(SGD(0.1), loss, [metric])
        history = model.fit(X, y, epochs=2, verbose=0)
        numbers.append([*history.history.values(), model.evaluate(X, y)])
    for ours, own in zip(*numbers, strict=True):
        assert own == pytest.approx(ours, rel=1e-5)


def test_metrics_of_ones_own_get_labels_without_a_last_axis():
    model = classifier([own_accuracy, "accuracy"])
    for labels in (LABELS, LABELS[:, None]):
        _, own, ours = model.evaluate(X, labels)
        assert own == ours


@pytest.mark.parametrize(
    ("y", "y_pred", "shape"),
    [
        (np.zeros((5, 1), "uint8"), (5, 3), (5,)),
        (np.zeros((5, 4, 1), int), (5, 4, 3), (5, 4)),
        (np.zeros((5, 1)), (5, 3), (5, 1)),  # no labels
        (np.zeros((5, 1), int), (5, 1), (5, 1)),
        (np.zeros((5, 1)), (5,), (5,)),
        (np.zeros(5), (5, 1), (5, 1)),
    ],
)
def test_what_ones_own_get_for_y(y, y_pred, shape):
    assert judging.fitted(own_error, y, np.zeros(y_pred)).shape == shape


def test_a_loss_whose_gradient_has_another_shape_is_named():
    model = Sequential([Dense(1)], input_shape=(4,), seed=0)
    model.compile(SGD(0.1), Broadcasting())
    with pytest.raises(
        ValueError,
        match=r"^epoch 1, batch 1: Broadcasting.backward returned \(50, 50\) for y_pred \(50, 1\): return dL",
    ):
        model.fit(X, X[:, 0], batch_size=50, verbose=0)


@pytest.mark.parametrize(
    "kind",
    [
        metrics.BinaryAccuracy,
        metrics.TopKCategoricalAccuracy,
        metrics.SparseTopKCategoricalAccuracy,
    ],
)
def test_a_metric_has_the_name_that_it_is_given(kind):
    assert kind(name="own").name == "own"
    assert kind.from_config(kind(name="own").get_config()).name == "own"


@pytest.mark.parametrize(
    "kind", [kind for kind in metrics.named.NamedMetric.__subclasses__() if kind.__module__ == "nnlite.metrics.named"]
)
def test_a_class_takes_targets_and_predictions_in_the_order_of_its_function(kind):
    """It shows where they are wrong, also where the value is the same either way."""
    scores = np.full((3, 4), 0.25)
    with pytest.raises((TypeError, ValueError), match=r": y_true: "):
        kind()(np.array(["a", "b", "c"]), scores)


@pytest.mark.parametrize(
    ("y_true", "y_pred"),
    [([0, 1, 1], [0, 2, 1]), ([[0], [1], [1]], [0, 2, 1]), ([2, 0], [1, 2]), ([[0, 2], [1, 0]], [[0, 2], [1, 1]])],
)
@pytest.mark.parametrize("metric", [accuracy, metrics.sparse_categorical_accuracy, metrics.binary_accuracy])
def test_labels_are_refused_in_the_place_of_scores(metric, y_true, y_pred):
    with pytest.raises(ValueError, match=r"y_pred: expected scores, \(N, ..., V\), got labels, .*: use np.mean"):
        metric(np.array(y_true), np.array(y_pred))


def test_whole_numbers_may_be_scores_of_one_hot_answers():
    assert accuracy(np.array([[1, 0, 0], [0, 1, 0]]), np.array([[3, 2, 1], [5, 0, 1]])) == 0.5


def test_the_order_is_no_remedy_where_both_have_as_many_numbers():
    with pytest.raises(ValueError, match=r"shape \(2, 3\), got \(3, 2\)$"):
        metrics.binary_accuracy(np.ones((3, 2)), np.ones((2, 3)))


def test_what_is_not_near_is_not_suggested():
    with pytest.raises(ValueError, match=r"got 'categorical_hinge'$"):
        metrics.get(["categorical_hinge"])


@pytest.mark.parametrize("metric", [metrics.sparse_categorical_accuracy, accuracy])
def test_two_classes_are_the_least_along_the_last_axis_alone(metric):
    assert metric(np.array([[2], [0]]), np.eye(4)[[2, 1]][:, None]) == 0.5  # one step in each row
    with pytest.raises(ValueError, match="y_pred: expected scores for at least two labels"):
        metrics.sparse_categorical_accuracy(np.zeros((3, 2), int), np.ones((3, 2, 1)))
