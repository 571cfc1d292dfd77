"""Programs as they stand in Keras' guides, with nothing changed but their imports."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import callbacks, initializers, layers, losses, metrics, models, optimizers, regularizers, seeds, utils


@pytest.fixture(autouse=True)
def _seeded(monkeypatch):
    """The same numbers in every run, as how well a program learns is asked."""
    monkeypatch.setattr(seeds, "_sequence", np.random.SeedSequence(1))


@pytest.fixture
def table():
    """200 rows of 8 numbers in three classes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 8))
    return x, (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 60)
    x = rng.integers(0, 50, (60, 12, 12, 1))
    x[np.arange(60), y * 4, :, 0] = 255
    return x, y


@pytest.fixture
def sentences():
    rng = np.random.default_rng(0)
    x = rng.integers(1, 20, (80, 10))
    return x, (x == 7).any(axis=1).astype(int)


def test_a_classifier_of_rows(table):
    x, y = table
    model = keras.Sequential(
        [
            keras.Input(shape=(8,)),
            layers.Dense(32, activation="relu"),
            layers.Dropout(0.1),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.summary()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=16, epochs=30, validation_split=0.2, verbose=0)
    assert set(history.history) >= {"loss", "accuracy", "val_loss", "val_accuracy"}
    _, accuracy = model.evaluate(x, y, verbose=0)
    assert accuracy > 0.8
    assert model.predict(x[:5], verbose=0).shape == (5, 3)


def test_a_binary_classifier(table):
    x, y = table
    model = models.Sequential()
    model.add(layers.Dense(16, activation="relu", input_shape=(8,)))
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer=optimizers.RMSprop(learning_rate=0.01), metrics=["accuracy"])
    model.fit(x, y > 0, epochs=20, verbose=0)
    assert model.evaluate(x, y > 0, verbose=0)[1] > 0.85


def test_a_regression(table):
    x, _ = table
    y = x[:, 0] * 2 - x[:, 1]
    model = keras.Sequential([layers.Dense(16, activation="tanh"), layers.Dense(1)])
    model.compile(loss="mse", optimizer=optimizers.Adam(learning_rate=0.01), metrics=["mae"])
    history = model.fit(x, y, epochs=40, batch_size=20, verbose=0)
    assert history.history["mae"][-1] < history.history["mae"][0] / 3


def test_a_cnn(pictures):
    x, y = pictures
    x = x.astype("float32") / 255
    y = utils.to_categorical(y, 3)
    model = models.Sequential()
    model.add(layers.Conv2D(8, (3, 3), activation="relu", padding="same", input_shape=(12, 12, 1)))
    model.add(layers.MaxPooling2D((2, 2)))
    model.add(layers.Conv2D(8, kernel_size=3, activation="relu", kernel_initializer="he_normal"))
    model.add(layers.BatchNormalization())
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(3, activation="softmax"))
    model.compile(optimizer=optimizers.Adam(0.02), loss=losses.CategoricalCrossentropy(), metrics=["accuracy"])
    history = model.fit(x, y, epochs=30, batch_size=20, verbose=0)
    assert history.history["accuracy"][-1] > 0.9


def test_a_sentiment_classifier(sentences):
    x, y = sentences
    model = keras.Sequential()
    model.add(layers.Embedding(input_dim=20, output_dim=8))
    model.add(layers.Bidirectional(layers.LSTM(8)))
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    history = model.fit(x, y, epochs=3, batch_size=16, validation_data=(x, y), verbose=0)
    assert history.history["val_loss"][-1] < history.history["val_loss"][0]


def test_a_character_model(sentences):
    x, _ = sentences
    model = keras.Sequential(
        [
            layers.Embedding(20, 8),
            layers.GRU(16, return_sequences=True),
            layers.LSTM(16, return_sequences=True),
            layers.TimeDistributed(layers.Dense(20)),
        ]
    )
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=optimizers.Adam(0.01, clipnorm=1.0), loss=loss, metrics=["sparse_categorical_accuracy"])
    history = model.fit(x[:, :-1], x[:, 1:], epochs=3, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_a_time_series():
    t = np.arange(300)
    wave = np.sin(t / 5)
    x = np.stack([wave[i : i + 20] for i in range(270)])[..., None]
    y = wave[20:290]
    model = keras.Sequential([layers.SimpleRNN(12, input_shape=(None, 1)), layers.Dense(1)])
    model.compile(optimizer="adam", loss="mean_squared_error")
    history = model.fit(x, y, epochs=5, batch_size=30, shuffle=True, verbose=0)
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]


def test_callbacks(table, tmp_path):
    x, y = table
    model = keras.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["acc"])
    kept = [
        callbacks.EarlyStopping(monitor="val_loss", patience=2, restore_best_weights=True),
        callbacks.ModelCheckpoint(filepath=str(tmp_path / "best.safetensors"), monitor="val_acc", save_best_only=True),
        callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=1, min_lr=1e-4),
        callbacks.LearningRateScheduler(lambda epoch, lr: lr * 0.9),
        callbacks.CSVLogger(str(tmp_path / "log.csv")),
        callbacks.TerminateOnNaN(),
    ]
    model.fit(x, y, epochs=6, validation_data=(x, y), callbacks=kept, verbose=0)
    same = models.load_model(tmp_path / "best.safetensors")
    assert same.predict(x).shape == (200, 3)
    assert (tmp_path / "log.csv").read_text().startswith("epoch,")


def test_regularizers_and_weights(table):
    x, y = table
    utils.set_random_seed(1)
    model = keras.Sequential(
        [
            layers.Dense(
                16,
                activation="relu",
                use_bias=False,
                kernel_initializer=initializers.HeNormal() if hasattr(initializers, "HeNormal") else "he_normal",
                kernel_regularizer=regularizers.l2(1e-3),
            ),
            layers.LayerNormalization(),
            layers.Activation("relu"),
            layers.Dense(3),
        ]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.fit(x, y, epochs=3, class_weight={0: 1.0, 1: 2.0, 2: 1.0}, verbose=0)
    weights = model.get_weights()
    model.layers[0].trainable = False
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, epochs=1, sample_weight=np.ones(200), verbose=0)
    assert (model.get_weights()[0] == weights[0]).all()
    model.set_weights(weights)
    assert model.count_params() == sum(w.size for w in weights)


def test_batches_from_a_generator(table):
    x, y = table

    def batches():
        while True:
            for start in range(0, 200, 20):
                yield x[start : start + 20], y[start : start + 20]

    model = keras.Sequential([layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=[metrics.SparseCategoricalAccuracy()])
    history = model.fit(batches(), steps_per_epoch=10, epochs=3, verbose=0)
    assert len(history.history["loss"]) == 3
