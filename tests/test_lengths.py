"""Padded sequences through a whole model: it learns from a batch of lines what it would learn from each line alone."""

import contextlib

import numpy as np
import pytest
from numeric import assert_close, assert_same_bits

import nnlite
from nnlite import GELU, LSTM, BatchNorm, Dense, Dropout, Embedding, Flatten, LayerNorm, Sequential
from nnlite.text import pad_sequences

V, T = 7, 6
LENGTHS = np.array([3, 6, 1, 5, 2, 0, 4, 6])
N = len(LENGTHS)
RNG = np.random.default_rng(0)
IDS, LABELS = RNG.integers(V, size=(2, N, T))
PADDING = np.arange(T) >= LENGTHS[:, None]


def tagger(**options):
    """Says something at every step."""
    layers = [
        *(Embedding(V, 5), LSTM(8, return_sequences=True), Dense(6), GELU(), LayerNorm()),
        *(LSTM(9, return_sequences=True), Dropout(0), Dense(V)),
    ]
    return compiled(Sequential(layers, dtype="float64", seed=0, **options))


def classifier():
    """Says something at the end."""
    layers = [LSTM(8, return_sequences=True, input_dim=V), Dropout(0), LSTM(9), Dense(V)]
    return compiled(Sequential(layers, dtype="float64", seed=0))


def compiled(model):
    model.compile("sgd", nnlite.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def gradients(model, x, y, lengths=None):
    """The loss, and the gradients of one step."""
    loss = model.train_on_batch(x, y, return_dict=True, **({} if lengths is None else {"lengths": lengths}))["loss"]
    return loss, {k: grad.copy() for k, grad in model.grads.items()}


@pytest.mark.parametrize(("make", "labels"), [(tagger, LABELS), (classifier, LABELS[:, 0])])
def test_a_batch_of_lines_teaches_what_its_lines_do(make, labels):
    loss, grads = gradients(make(), IDS, labels, LENGTHS)
    rows = [n for n in range(N) if LENGTHS[n] or make is classifier]
    weights = LENGTHS if make is tagger else np.ones(N)
    losses, sums = 0, {k: np.zeros_like(grad) for k, grad in grads.items()}
    for n in rows:
        length = max(1, LENGTHS[n])
        y = labels[n : n + 1, :length] if make is tagger else labels[n : n + 1]
        own = {"lengths": LENGTHS[n : n + 1]} if LENGTHS[n] == 0 else {}
        own_loss, own_grads = gradients(make(), IDS[n : n + 1, :length], y, **own)
        losses += own_loss * weights[n] / weights.sum()
        for k, grad in own_grads.items():
            sums[k] += grad * weights[n] / weights.sum()
    assert loss == pytest.approx(losses, rel=1e-12)
    for k, grad in grads.items():
        assert_close(grad, sums[k], 1e-10, k)


def garbage(ids, lengths):
    return np.where(np.arange(ids.shape[1]) >= lengths[:, None], -(10**6), ids)


def trained(model, x, y, lengths, validation, **options):
    history = model.fit(x, y, batch_size=3, epochs=2, validation_data=validation, verbose=0, lengths=lengths, **options)
    return history.history, model.evaluate(x, y, lengths=lengths), model.params


def test_padding_never_matters_in_a_training():
    """Neither what stands in x and y there, nor how much of it there is."""
    results = []
    for fill, width in [(garbage, T), (lambda ids, lengths: ids, T), (lambda ids, lengths: ids, T + 3)]:
        x, y = (np.pad(fill(ids, LENGTHS), ((0, 0), (0, width - T))) for ids in (IDS, LABELS))
        results.append(trained(tagger(), x, y, LENGTHS, (x[:5], y[:5], LENGTHS[:5])))
    history, numbers, params = results[0]
    for other_history, other_numbers, other_params in results[1:]:
        assert other_numbers == pytest.approx(numbers, rel=1e-12)
        for name, values in history.items():
            assert other_history[name] == pytest.approx(values, rel=1e-12)
        for name, param in params.items():
            assert_close(other_params[name], param, 1e-12, name)


def test_nan_beyond_the_end_of_floats_never_matters():
    x, y = (np.random.default_rng(1).standard_normal((N, T, 3)) for _ in range(2))
    params = []
    for fill in (0, np.nan):
        x[PADDING] = y[PADDING] = fill
        model = Sequential([Dense(4), LSTM(5, return_sequences=True), Dense(3)], dtype="float64", seed=0)
        model.compile("adam", "mse")
        trained(model, x, y, LENGTHS, (x, y, LENGTHS))
        params.append({k: param.copy() for k, param in model.params.items()})
    for name, param in params[0].items():
        assert_same_bits(param, params[1][name], name)


def test_a_loss_that_is_not_finite_is_not_blamed_on_padding():
    x = np.zeros((2, 3, 1))
    x[0, 2], x[1, 1] = np.nan, np.inf
    model = Sequential([Dense(1)], dtype="float64", seed=0)
    model.compile("sgd", "mse")
    for train in (model.train_on_batch, model.fit):
        with pytest.raises(nnlite.NonFiniteLossError, match=r"because x holds inf at \(1, 1, 0\)"):
            train(x, np.zeros((2, 3, 1)), lengths=np.array([2, 3]))


def test_numbers_are_means_over_real_steps():
    model = tagger()
    scores = model.forward(IDS, lengths=LENGTHS)
    right = scores.argmax(axis=-1) == LABELS
    _, accuracy = model.evaluate(IDS, LABELS, batch_size=3, lengths=LENGTHS)
    assert accuracy == pytest.approx(right[~PADDING].mean())
    history = model.fit(IDS, LABELS, batch_size=3, verbose=0, shuffle=False, lengths=LENGTHS).history
    by_hand = tagger()
    parts = [by_hand.train_on_batch(IDS[i : i + 3], LABELS[i : i + 3], lengths=LENGTHS[i : i + 3]) for i in (0, 3, 6)]
    weights = [LENGTHS[i : i + 3].sum() for i in (0, 3, 6)]
    assert history["loss"] == [pytest.approx(np.average([loss for loss, _ in parts], weights=weights))]


def test_the_sum_of_a_loss_counts_real_steps():
    model = tagger()
    mean, _ = model.evaluate(IDS, LABELS, lengths=LENGTHS)
    model.compile("sgd", nnlite.SparseCategoricalCrossentropy(from_logits=True, reduction="sum"))
    assert model.train_on_batch(IDS, LABELS, lengths=LENGTHS) == pytest.approx(mean * LENGTHS.sum())


def test_losses_and_metrics_of_one_s_own_need_not_know():
    seen = []

    class Loss:
        def forward(self, y_true, y_pred):
            self.shape = y_pred.shape
            seen.append(y_true)
            return 1.0

        def backward(self):
            return np.ones(self.shape)

    def shown(y_true, y_pred):
        return float(len(y_pred))

    model = tagger()
    model.compile("sgd", Loss(), metrics=[shown])
    assert model.train_on_batch(IDS, LABELS, lengths=LENGTHS) == [1, LENGTHS.sum()]
    assert_same_bits(seen[0], LABELS[~PADDING])


def test_lengths_are_shuffled_with_their_rows():
    """Each row says its own length: were they mixed up, the model would read other steps."""
    x = np.where(PADDING, 0, LENGTHS[:, None])
    lengths_seen = []

    class Looking(LSTM):
        backward = LSTM.backward

        def forward(self, x, training=False, initial_state=None, lengths=None):
            lengths_seen.extend(lengths[lengths > 0])
            assert (x[lengths > 0, 0] == lengths[lengths > 0]).all()
            return super().forward(x, training, initial_state, lengths)

    model = compiled(Sequential([Looking(3, return_sequences=True, input_dim=V), Dense(V)], dtype="float64", seed=0))
    model.fit(x, x, batch_size=3, verbose=0, lengths=LENGTHS)
    assert sorted(lengths_seen) == sorted(LENGTHS[LENGTHS > 0])
    assert lengths_seen != list(LENGTHS[LENGTHS > 0])


def test_predict_in_batches():
    for model in (tagger(), classifier()):
        whole = model.forward(garbage(IDS, LENGTHS), lengths=LENGTHS)
        assert_same_bits(model.predict(garbage(IDS, LENGTHS), batch_size=3, lengths=LENGTHS), whole)
        assert_same_bits(model(IDS, lengths=LENGTHS), whole)


def test_a_resumed_training_reads_the_same_lengths(tmp_path):
    def train(epochs, lengths):
        model = tagger()
        backup = nnlite.BackupAndRestore(tmp_path / "backup.safetensors", delete_checkpoint=False)
        model.fit(IDS, LABELS, batch_size=3, epochs=epochs, callbacks=[backup], verbose=0, lengths=lengths)

    train(1, LENGTHS)
    train(2, LENGTHS)
    with pytest.raises(nnlite.CheckpointError, match="checksum"):
        train(3, LENGTHS[::-1].copy())


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            BatchNorm(),
            r"batch_norm \(BatchNorm\) takes its statistics over all steps, and would count padding",
        ),
        (
            Flatten(),
            r"flatten \(Flatten\) mixes steps with padding, as it makes \(8, 24\) of x \(8, 6, 4\)",
        ),
    ],
)
def test_layers_that_would_mix_steps_with_padding(layer, message):
    model = Sequential([LSTM(4, return_sequences=True, input_dim=V), layer, Dense(3)], seed=0)
    with pytest.raises(ValueError, match=f"lengths: {message}"):
        model.forward(IDS, lengths=LENGTHS)
    model = Sequential([LSTM(4, input_dim=V), BatchNorm(), Flatten(), Dense(3)], seed=0)
    assert model.forward(IDS, lengths=LENGTHS).shape == (8, 3)


BAD_LENGTHS = [
    ([str(length) for length in LENGTHS], TypeError, "lengths: expected numbers, got an array of texts"),
    (LENGTHS[1:], ValueError, r"lengths: expected one length for each of the 8 rows, shape \(8,\), got \(7,\)"),
    (LENGTHS + 1, IndexError, r"lengths: expected lengths in 0 \.\. 6, got 7 at \(1,\)"),
    (LENGTHS / 1, TypeError, "lengths: expected integers, got float64"),
]


@pytest.mark.parametrize(("lengths", "error", "message"), BAD_LENGTHS)
def test_lengths_that_cannot_be(lengths, error, message):
    model = tagger()
    calls = {
        "fit: ": lambda: model.fit(IDS, LABELS, verbose=0, lengths=lengths),
        "fit: validation_data: ": lambda: model.fit(IDS, LABELS, verbose=0, validation_data=(IDS, LABELS, lengths)),
        "evaluate: ": lambda: model.evaluate(IDS, LABELS, lengths=lengths),
        "predict: ": lambda: model.predict(IDS, lengths=lengths),
        "train_on_batch: ": lambda: model.train_on_batch(IDS, LABELS, lengths=lengths),
    }
    if np.asarray(lengths).dtype.kind == "f":  # which are sample weights there
        del calls["fit: validation_data: "]
    for where, call in calls.items():
        with pytest.raises(error, match=f"^{where}{message}"):
            call()


def test_not_one_real_step():
    model, nothing = tagger(), np.zeros(N, int)
    with pytest.raises(ValueError, match="fit: lengths: every length is 0: there is not one step"):
        model.fit(IDS, LABELS, verbose=0, lengths=nothing)
    with pytest.raises(ValueError, match="evaluate: lengths: every length is 0"):
        model.evaluate(IDS, LABELS, lengths=nothing)


def test_labels_must_have_the_steps_of_x():
    with pytest.raises(ValueError, match=r"y: expected something for each step of x, shape \(8, 6\), got \(8, 5\)"):
        tagger().train_on_batch(IDS, LABELS[:, :5], lengths=LENGTHS)
    with pytest.raises(ValueError, match="lengths: expected x to be an array of sequences"):
        tagger().fit(IDS[:, 0], LABELS, verbose=0, lengths=LENGTHS)


def test_lines_are_padded_and_learnt():
    rng = np.random.default_rng(0)
    sequences = [np.arange(start, start + length) % V for start, length in rng.integers(2, 6, size=(60, 2))]
    x, lengths = pad_sequences([s[:-1] for s in sequences], value=3)
    y, _ = pad_sequences([s[1:] for s in sequences])
    model = compiled(Sequential([LSTM(16, return_sequences=True, input_dim=V), Dense(V)], seed=0))
    model.compile(nnlite.Adam(0.01), model.loss, metrics=["accuracy"])
    model.fit(x, y, batch_size=8, epochs=30, verbose=0, lengths=lengths)
    assert model.evaluate(x, y, lengths=lengths)[1] == 1


def test_a_padded_batch_that_is_too_large_for_a_copy():
    x = np.broadcast_to(np.float32(0), (2**3, 2**45, 4))
    with pytest.raises(ValueError, match=r"x: shape .* of float32 would take [\d,]+ bytes"):
        nnlite.sequence_lengths.cleared(x, np.ones(8, int))


def test_without_a_real_step_the_loss_is_the_penalty():
    layers = LSTM(2, return_sequences=True), Dense(1, kernel_regularizer=nnlite.regularizers.L2(0.1))
    model = Sequential(layers, (3, 2), seed=0)
    model.compile("sgd", "mse")
    penalty = 0.1 * np.square(model.params["dense.W"], dtype=float).sum()
    assert model.train_on_batch(np.zeros((2, 3, 2)), np.ones((2, 3, 1)), lengths=[0, 0]) == pytest.approx(penalty)


def test_a_training_resumes_after_a_batch_without_a_real_step(tmp_path):
    class Die(nnlite.Callback):
        order = 2

        def on_train_batch_end(self, batch, logs):
            if not self.loop.resumed:
                raise KeyboardInterrupt

    model = Sequential([LSTM(2, return_sequences=True), Dense(1)], (3, 2), seed=0)
    model.compile("sgd", "mse")
    given = np.zeros((4, 3, 2)), np.ones((4, 3, 1))
    options = {"batch_size": 2, "shuffle": False, "lengths": [0, 0, 3, 2], "verbose": 0}
    for error in (KeyboardInterrupt, None):
        callbacks = [nnlite.BackupAndRestore(tmp_path / "b.safetensors", save_freq=1), Die()]
        with pytest.raises(error) if error else contextlib.nullcontext():
            model.fit(*given, callbacks=callbacks, **options)
    assert model.optimizer.iterations == 2
