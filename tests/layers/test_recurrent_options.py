"""What every recurrent layer can be told besides its units: return_state, go_backwards, dropout, initial_state."""

import copy
import json
import threading

import numpy as np
import pytest
from chain import backends, float_types, randomized, threads
from numeric import assert_same_bits
from recurrent import dropout_mask

import nnlite
from nnlite import GRU, LSTM, RNN, Bidirectional, Dense, Sequential, gradcheck
from nnlite.inspect import gradient_flow, trace
from nnlite.sequence_lengths import reversed_steps

KINDS = {
    "RNN": RNN,
    "LSTM": LSTM,
    "GRU": GRU,
    "GRU, reset before": lambda *args, **kw: GRU(*args, reset_after=False, **kw),
}
kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
N, T, F, H = 4, 6, 5, 3
X = np.random.default_rng(0).standard_normal((N, T, F))
IDS = np.random.default_rng(0).integers(F, size=(N, T))
LENGTHS = np.array([4, 6, 0, 1])
ALL = {"return_sequences": True, "return_state": True, "go_backwards": True, "dropout": 0.25}


def made(kind, **options):
    layer = kind(H, dtype="float64", seed=0, input_dim=F, **options)
    layer.build((T, F))
    return randomized(layer)


def model_of(layer):
    model = Sequential([layer, Dense(F)], seed=0)
    model.compile("adam", nnlite.SparseCategoricalCrossentropy(from_logits=True))
    return model


class TestReturnState:
    @kinds
    @pytest.mark.parametrize("return_sequences", [False, True])
    def test_a_call_returns_y_and_the_states(self, kind, return_sequences):
        layer = made(kind, return_state=True, return_sequences=return_sequences)
        y, *state = layer(X)
        assert_same_bits(y, made(kind, return_sequences=return_sequences).forward(X))
        assert [array.shape for array in state] == [(N, H)] * len(layer.states)
        assert_same_bits(state[0], y[:, -1].copy() if return_sequences else y)
        assert all(a is b for a, b in zip(state, layer.state, strict=True))

    @kinds
    def test_an_encoder_hands_its_states_to_a_decoder(self, kind):
        """As Keras' users write it, with which two layers read what one reads in one go."""
        encoder, decoder = made(kind, return_state=True), made(kind, return_sequences=True)
        _, *state = encoder(X[:, :2])
        assert_same_bits(decoder(X[:, 2:], initial_state=state), made(kind, return_sequences=True)(X)[:, 2:].copy())

    @kinds
    def test_forward_returns_y_alone_and_backward_undoes_it(self, kind):
        layer = made(kind, return_state=True)
        assert layer.forward(X).shape == (N, H)
        assert gradcheck(layer, X).max_error < 1e-6

    @kinds
    def test_lengths_and_training_reach_it_by_a_call(self, kind):
        layer = made(kind, return_state=True, dropout=0.5)
        y, *_ = layer(X, training=True, lengths=LENGTHS)
        assert not y[2].any()
        assert np.abs(y - layer(X, lengths=LENGTHS)[0]).max() > 0.01

    def test_the_states_are_not_those_of_another_thread(self):
        layer = made(RNN, return_state=True)
        forward = layer.forward

        def forward_and_let_another_thread_in(x, *arguments):
            y = forward(x, *arguments)
            other.start()
            other.join(timeout=0.2)
            return y

        other = threading.Thread(target=forward, args=[2 * X])
        layer.forward = forward_and_let_another_thread_in
        y, h = layer(X)
        assert_same_bits(h, y)
        other.join()

    def test_a_bidirectional_returns_the_states_of_both(self):
        layer = Bidirectional(LSTM(H, return_state=True, dtype="float64"), seed=0)
        y, h, c, h_back, c_back = layer(X)
        assert_same_bits(y, np.concatenate([h, h_back], axis=1))
        assert c.shape == c_back.shape == (N, H)
        again = Bidirectional.from_config(layer.get_config())
        assert again.return_state
        assert repr(again) == "Bidirectional(LSTM(units=3, return_state=True))"

    @pytest.mark.parametrize("wrapped", [lambda layer: layer, Bidirectional])
    def test_a_model_refuses_it(self, wrapped):
        message = r"layers\[1\]: .*return_state=True.*: a model hands one array on .*: leave return_state out, and read"
        with pytest.raises(ValueError, match=message):
            Sequential([Dense(3), wrapped(GRU(4, return_state=True))])


class TestInitialState:
    @pytest.mark.parametrize("kind", [RNN, GRU])
    def test_one_state_may_stand_alone(self, kind):
        h = np.random.default_rng(1).standard_normal((N, H))
        y = made(kind)(X, initial_state=(h,))
        for state in (h, [h], h.astype(np.float32).astype(np.float64)):
            assert made(kind)(X, initial_state=state).shape == y.shape
        assert_same_bits(made(kind)(X, initial_state=h), y)
        assert_same_bits(made(kind)(X, initial_state=[h]), y)

    def test_an_lstm_takes_a_list_of_two_and_says_so(self):
        h, c = np.random.default_rng(1).standard_normal((2, N, H))
        assert_same_bits(made(LSTM)(X, initial_state=[h, c]), made(LSTM)(X, initial_state=(h, c)))
        for wrong, got in ((h, "ndarray of 4"), ([h], "list of 1"), ([h, c, c], "list of 3"), (3, "3")):
            message = rf"^initial_state: expected \(h, c\), each of shape \(N, H\), got {got}$"
            with pytest.raises(ValueError, match=message):
                made(LSTM)(X, initial_state=wrong)

    @kinds
    def test_states_where_keras_takes_them_are_not_taken_for_training(self, kind):
        h = np.zeros((N, H))
        for state in (h, [h], (h, h)):
            with pytest.raises(TypeError, match=r"training: expected True or False, got .*: use initial_state=\.\.\."):
                made(kind)(X, state)


@pytest.mark.parametrize("lengths", [None, np.array([2, 3])], ids=str)
def test_reversed_steps_are_contiguous(lengths):
    assert reversed_steps(np.ones((2, 3, 4)), lengths).flags.c_contiguous


class TestGoBackwards:
    @kinds
    @pytest.mark.parametrize("lengths", [None, LENGTHS])
    @pytest.mark.parametrize("x", [X, IDS], ids=["floats", "ids"])
    def test_it_reads_as_a_layer_that_is_given_the_reverse(self, kind, lengths, x):
        layer, forward = made(kind, go_backwards=True, return_sequences=True), made(kind, return_sequences=True)
        y = layer.forward(x, lengths=lengths)
        assert_same_bits(y, forward.forward(reversed_steps(x, lengths), lengths=lengths))
        dx, dx_reversed = layer.backward(y), forward.backward(y)
        if x is IDS:
            assert dx is dx_reversed is None
        else:
            assert_same_bits(dx, reversed_steps(dx_reversed, lengths))
        for name, grad in layer.grads.items():
            assert_same_bits(grad, forward.grads[name], name)

    @kinds
    def test_its_steps_are_refused(self, kind):
        layer = made(kind, go_backwards=True)
        for step in (layer.step, lambda x: layer.stepper(2)(x)):
            with pytest.raises(RuntimeError, match=r"no single steps: with go_backwards=True .*: use forward on whole"):
                step(X[:2, 0])

    def test_a_bidirectional_refuses_it(self):
        with pytest.raises(ValueError, match="reads from the end in any case: leave go_backwards out"):
            Bidirectional(LSTM(3, go_backwards=True))

    @kinds
    def test_a_trace_has_the_order_of_x(self, kind):
        layer = made(kind, go_backwards=True)
        seen = trace(layer, X, lengths=LENGTHS)[layer.name]
        y = layer.forward(X, lengths=LENGTHS)
        for n in (0, 1, 3):
            assert_same_bits(seen["h"][n, 0], y[n])  # the first step of x is read last

    @kinds
    @pytest.mark.parametrize("stateful", [True, "training"])
    def test_it_does_not_go_on_from_the_batch_before(self, kind, stateful):
        with pytest.raises(ValueError, match=r"comes from the batch that follows: use stateful=False, or go_backwards"):
            kind(3, stateful=stateful, go_backwards=True)

    def test_derive_refuses_it(self):
        layer = made(RNN, go_backwards=True)
        for function in (
            lambda: nnlite.derive.forward(layer, X),
            lambda: nnlite.derive.backward(layer, X, X[:, 0, :H]),
        ):
            with pytest.raises(
                ValueError, match=r"reads from the start of x, got RNN\(.*: take go_backwards=False and"
            ):
                function()


class TestDropout:
    @kinds
    @backends
    def test_the_same_features_of_a_row_are_missing_at_all_its_steps(self, kind, backend_name):
        layer, plain = made(kind, dropout=0.4, return_sequences=True), made(kind, return_sequences=True)
        key = int(copy.deepcopy(layer.rng).integers(2**64, dtype=np.uint64))
        mask = dropout_mask(N, F, key, 0.4)
        assert set(np.unique(mask)) == {0, 1 / 0.6}
        with nnlite.use_backend(backend_name):
            y = layer.forward(X, training=True)
            assert_same_bits(y, plain.forward(X * mask[:, None]))
            dx = layer.backward(y)
            assert_same_bits(dx, plain.backward(y) * mask[:, None])
        assert not dx[np.repeat(mask[:, None] == 0, T, axis=1)].any()

    @kinds
    @float_types
    def test_ids_are_dropped_as_the_one_hot_vectors_that_they_are(self, kind, dtype):
        layers = [kind(H, dtype=dtype, seed=3, input_dim=F, dropout=0.4, return_sequences=True) for _ in range(2)]
        ids, one_hot = layers
        y = ids.forward(IDS, training=True)
        assert_same_bits(y, one_hot.forward(np.eye(F, dtype=dtype)[IDS], training=True))
        assert ids.backward(y) is None
        assert one_hot.backward(y).shape == X.shape
        for name, grad in ids.grads.items():
            assert_same_bits(grad, one_hot.grads[name], name)

    def test_a_dropped_id_adds_nothing(self):
        """All its occurrences in a row read alike, as no input; in another row they are there."""
        layer = RNN(1, dtype="float64", seed=0, input_dim=2, dropout=0.5, return_sequences=True)
        layer.build((1,))
        layer.params["Wx"][...], layer.params["Wh"][...] = [[0.25], [0.5]], 0
        y = layer.forward(np.tile([0, 1, 0, 1], (200, 1)), training=True)[:, :, 0]
        assert_same_bits(y[:, :2].copy(), y[:, 2:].copy())
        for id, w in ((0, 0.25), (1, 0.5)):
            assert set(np.unique(y[:, id])) == {0, np.tanh(w / 0.5)}
            assert 60 < (y[:, id] == 0).sum() < 140

    @kinds
    def test_nothing_is_dropped_outside_training(self, kind):
        layer, plain = made(kind, dropout=0.4), made(kind)
        before = layer.rng.bit_generator.state
        layer.forward(X, training=True)
        assert layer.rng.bit_generator.state != before
        before = layer.rng.bit_generator.state
        for x in (X, IDS):
            assert_same_bits(layer.forward(x), plain.forward(x))
        assert_same_bits(layer.step(X[:, 0]), plain.step(X[:, 0]))
        assert layer.rng.bit_generator.state == before
        layer.forward(X)
        assert_same_bits(layer.backward(np.ones((N, H))), [plain.forward(X), plain.backward(np.ones((N, H)))][1])

    @kinds
    def test_without_dropout_nothing_is_drawn(self, kind):
        layer = made(kind)
        before = layer.rng.bit_generator.state
        layer.forward(X, training=True)
        assert layer.rng.bit_generator.state == before

    @kinds
    @pytest.mark.parametrize("x", [X, IDS], ids=["floats", "ids"])
    def test_gradcheck(self, kind, x):
        layer = kind(H, dtype="float64", seed=0, input_dim=F, **ALL)
        report = gradcheck(layer, x, training=True)
        assert report.max_error < 1e-6
        assert ("input x" in [row.name for row in report.rows]) == (x is X)

    @kinds
    def test_gradcheck_in_both_directions(self, kind):
        layer = Bidirectional(kind(H, dtype="float64", dropout=0.4, return_sequences=True), seed=0)
        assert gradcheck(layer, X, training=True).max_error < 1e-6
        a, b = (layer.forward_layer._mask, layer.backward_layer._mask)
        assert not np.array_equal(a, b)

    def test_a_row_of_a_batch_keeps_its_mask_however_many_threads(self):
        x, results = np.tile(X, (10, 3, 4)).astype("float32"), []
        for n in (1, 2):
            with threads(n):
                results.append(LSTM(40, seed=0, dropout=0.5).forward(x, training=True))
        assert_same_bits(*results)

    @pytest.mark.parametrize("rate", [1, -0.1, 1.5])
    def test_other_rates_are_refused(self, rate):
        with pytest.raises(ValueError, match=r"dropout: expected a number in \[0, 1\)"):
            LSTM(4, dropout=rate)

    @kinds
    def test_states_are_never_dropped(self, kind):
        assert "recurrent_dropout" not in kind(4, recurrent_dropout=0.0).get_config()
        with pytest.raises(ValueError, match=r"recurrent_dropout: expected 0, got 0\.2: .*: use dropout="):
            kind(4, recurrent_dropout=0.2)


@kinds
@pytest.mark.parametrize("option", ["return_sequences", "return_state", "go_backwards"])
def test_booleans_are_booleans(kind, option):
    for wrong in ("no", "False", 1, None):
        with pytest.raises(TypeError, match=f"{option}: expected True or False, got {wrong!r}"):
            kind(4, **{option: wrong})


@pytest.mark.parametrize("wrong", [1, "always", None])
def test_stateful_is_one_of_three(wrong):
    with pytest.raises(ValueError, match="stateful: expected True, False or 'training', got"):
        LSTM(4, stateful=wrong)
    assert LSTM(4, stateful=np.True_).stateful is True


@kinds
def test_new_weights_of_the_input_are_as_small_as_glorot_says(kind):
    layer = kind(20, seed=0)
    layer.build((3, 30))
    W = layer.params["Wx"]
    assert 0.99 < np.abs(W).max() / np.sqrt(6 / sum(W.shape)) <= 1


def test_reset_after_is_a_boolean():
    with pytest.raises(TypeError, match="reset_after: expected True or False, got 'no'"):
        GRU(4, reset_after="no")


@kinds
def test_all_options_are_written_down_and_shown(kind):
    layer = kind(H, input_dim=F, **ALL)
    config = json.loads(json.dumps(layer.get_config()))
    again = type(layer).from_config(config)
    assert again.get_config() == config
    assert all(getattr(again, name) == value for name, value in ALL.items())
    options = "return_sequences=True, return_state=True, go_backwards=True, dropout=0.25"
    assert options in repr(layer)
    text = layer.explain((T, F))
    assert "T = 6 steps of units = 3, from the end of x to its start; in training" in text
    assert "each feature of a row of x is 0 with probability 0.25, else times 1.33333" in text
    assert "from both ends, side by side" in Bidirectional(kind(H, dropout=0.25)).explain((T, F))


@kinds
@pytest.mark.parametrize("bidirectional", [False, True])
def test_trained_saved_loaded_and_trained_on(kind, bidirectional, tmp_path):
    options = {"return_sequences": True, "dropout": 0.25, "input_dim": F}
    layer = Bidirectional(kind(H, **options)) if bidirectional else kind(H, **options, go_backwards=True)
    model = model_of(layer)
    model.fit(IDS, IDS, batch_size=2, epochs=2, verbose=0)
    model.save(tmp_path / "model.safetensors")
    loaded = nnlite.load_model(tmp_path / "model.safetensors")
    assert repr(loaded) == repr(model)
    assert_same_bits(loaded.predict(IDS), model.predict(IDS))
    for m in (model, loaded):
        m.fit(IDS, IDS, batch_size=2, epochs=1, verbose=0)
    assert_same_bits(loaded.predict(IDS), model.predict(IDS))


@kinds
def test_a_copy_reads_as_its_original(kind):
    layer = made(kind, **ALL)
    other = copy.deepcopy(layer)
    assert_same_bits(*(each.forward(X, training=True) for each in (layer, other)))


def test_what_a_gru_that_resets_before_shows():
    layer = made(lambda *args, **kw: GRU(*args, reset_after=False, **kw), name="gru")
    seen = trace(layer, X)["gru"]
    h_before = np.concatenate([np.zeros((N, 1, H)), seen["h"][:, :-1]], axis=1)
    np.testing.assert_allclose(seen["v"], seen["r"] * h_before, atol=1e-12)
    assert "what the candidate sees of the previous state" in str(seen)
    flow = gradient_flow(layer, 5)
    assert flow.dh.shape == (6,)
    assert (flow.dh > 0).all()


def test_a_trace_of_a_layer_that_returns_its_states():
    layer = made(LSTM, return_state=True)
    assert_same_bits(trace(layer, X)["lstm"]["h"][:, -1].copy(), layer.forward(X))
    assert layer.return_state
