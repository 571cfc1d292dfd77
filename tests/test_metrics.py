"""Metrics: what they count, and how compile, fit, evaluate and checkpoints use them."""

import json

import numpy as np
import pytest

from nnlite.callbacks import BackupAndRestore, Callback, EarlyStopping, JSONLogger, ModelCheckpoint
from nnlite.layers import LSTM, Dense
from nnlite.losses import SparseCategoricalCrossentropy
from nnlite.metrics import accuracy, confusion_matrix
from nnlite.models.loading import load_model
from nnlite.models.sequential import Sequential
from nnlite.optimizers import SGD, Adam
from nnlite.saving.checkpoint import CheckpointError
from nnlite.saving.training_state import save_model

rng = np.random.default_rng(0)
X = rng.normal(size=(50, 4)).astype("float32")
LABELS = X[:, :3].argmax(axis=1)


def classifier(metrics=("accuracy",)):
    model = Sequential([Dense(3)], input_shape=(4,), seed=0)
    model.compile(SGD(0.1), SparseCategoricalCrossentropy(from_logits=True), metrics)
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
            (np.eye(3), np.ones((3, 3)), ValueError, r"of one-hot vectors, use np\.argmax\(y_true, axis=-1\)"),
            (np.array([0.0]), np.ones((1, 3)), TypeError, "y_true: expected integers, got float64"),
            (
                np.array([0, 1]),
                np.ones((1, 3)),
                ValueError,
                r"one label for each position.*got \(2,\)",
            ),
            (np.array([0]), np.ones((1, 1)), ValueError, r"scores for at least two labels.*got \(1, 1\)"),
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
            (np.array([-1]), np.array([0]), None, IndexError, "y_true: expected labels in .*, got -1"),
            (np.array([0]), np.array([3]), 3, IndexError, "y_pred: expected labels in 0 .. 2, got 3"),
            (np.array([0]), np.array([0]), 0, ValueError, "classes: expected a whole number"),
            (np.array([2**40]), np.array([0]), None, ValueError, "bytes"),
        ],
    )
    def test_refuses(self, labels, predicted, classes, error, message):
        with pytest.raises(error, match=message):
            confusion_matrix(labels, predicted, classes)


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
        ("metrics", "error", "message"),
        [
            ("accuracy", TypeError, r"metrics: expected a list such as \['accuracy'\], got 'accuracy'"),
            (["acuracy"], ValueError, r"metrics: expected a function, or one of \['accuracy'\], got 'acuracy'"),
            ([3], TypeError, "metrics: expected names, or functions"),
            ([lambda y_true, y_pred: 0.0], TypeError, "define it with `def`"),
            ([SparseCategoricalCrossentropy], TypeError, "metrics: expected names, or functions"),
            (["accuracy", accuracy], ValueError, "expected different names, got 'accuracy' twice"),
        ],
    )
    def test_compile_refuses(self, metrics, error, message):
        with pytest.raises(error, match=message):
            classifier(metrics)

    def test_accuracy_needs_labels(self):
        model = Sequential([Dense(2)], seed=0)
        model.compile("sgd", "mse", metrics=["accuracy"])
        with pytest.raises(TypeError, match="accuracy: y_true: expected integers, got float32"):
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
    with pytest.raises(CheckpointError, match=r"metrics: expected a function.*'misses'"):
        load_model(path)
    model = load_model(path, custom_objects={"misses": misses})
    assert list(model.metrics) == ["accuracy", "misses"]
    save_model(classifier(), path)
    assert len(load_model(path).evaluate(X, LABELS)) == 2
