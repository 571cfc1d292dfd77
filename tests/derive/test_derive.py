"""derive finds wrong kernels, refuses what it cannot derive, and does not change the layer."""

import numpy as np
import pytest
from numeric import assert_same_bits

import nnlite
from nnlite import LSTM, RNN, BatchNorm, Conv2D, Dense, Embedding, MaxPool2D, Sequential, Tanh, derive
from nnlite.derive import DerivationError, Quantity

RNG = np.random.default_rng(0)
IMAGE = RNG.normal(size=(1, 3, 3, 1)).astype("float32")
ROWS = RNG.normal(size=(2, 3)).astype("float32")
SEQUENCE = RNG.normal(size=(1, 2, 3)).astype("float32")


def spoil(monkeypatch, kernel, function, how):
    """Let a compiled kernel do what it does, and then `how` to its arguments."""
    module = getattr(nnlite.kernels.backend(), kernel)
    right = getattr(module, function)

    def wrong(*arguments):
        right(*arguments)
        how(*arguments)

    monkeypatch.setattr(module, function, wrong)


# --------------------------------------------------------------------------------------------- wrong kernels


def test_a_wrong_output_is_found_and_told(monkeypatch):
    def shift(x, W, b, y, *rest):
        y[0, 1, 0, 0] += 1e-3

    layer = Conv2D(1, 2, seed=0)
    assert derive.forward(layer, IMAGE).agrees
    spoil(monkeypatch, "conv2d", "forward", shift)
    derivation = derive.forward(layer, IMAGE)
    assert not derivation.agrees
    *_, said, _, row = derivation.text.splitlines()
    assert said == "The layer computes SOMETHING ELSE."
    assert "  0.001  " in row
    assert "[0,1,0,0]" in row
    assert f"{derivation.y[0, 1, 0, 0]:.9g}  {layer(IMAGE)[0, 1, 0, 0]:.9g}  <- differs" in row.replace("   ", "  ")
    with pytest.raises(DerivationError, match=r"(?s)SOMETHING ELSE.*\[0,1,0,0\].*differs"):
        derivation.check()


def test_a_flipped_filter_is_found(monkeypatch):
    conv2d = nnlite.kernels.backend().conv2d
    right = conv2d.forward
    monkeypatch.setattr(conv2d, "forward", lambda x, W, *rest: right(x, np.ascontiguousarray(W[::-1, ::-1]), *rest))
    assert not derive.forward(Conv2D(1, 2, seed=0), IMAGE).agrees


def test_exchanged_gates_are_found(monkeypatch):
    layer = LSTM(2, seed=0)
    layer(SEQUENCE)
    lstm = nnlite.kernels.backend().lstm
    right = lstm.forward

    def exchanged(x, lengths, weights, *rest):
        order = [0, 1, 2, 3, 6, 7, 4, 5]  # i, f, o, g
        right(x, lengths, [np.ascontiguousarray(array[..., order]) for array in weights], *rest)

    monkeypatch.setattr(lstm, "forward", exchanged)
    assert not derive.forward(layer, SEQUENCE).agrees


GRADIENTS = {
    "dx": (Dense(2, seed=0), ROWS, "dense", 3),
    "dW": (Dense(2, seed=0), ROWS, "dense", 4),
    "db": (Dense(2, seed=0), ROWS, "dense", 5),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_a_wrong_gradient_is_named(name, monkeypatch):
    layer, x, kernel, position = GRADIENTS[name]

    def double(*arguments):
        arguments[position][...] *= 2

    spoil(monkeypatch, kernel, "backward", double)
    derivation = derive.backward(layer, x, np.ones((2, 2), "float32"))
    assert [c.name for c in derivation.comparisons if not c.agrees] == [name]
    assert [line.split()[0] for line in derivation.text.splitlines() if line.endswith("<- differs")] == [name]


def test_a_forgotten_step_is_found(monkeypatch):
    """dWh lacks what the last step adds: a mistake that leaves the forward pass and the other gradients right."""
    layer = LSTM(2, seed=0)
    layer(SEQUENCE)

    def forget(x, lengths, weights, h, c, gates, dy, dh, dc, dx, gradients, dz, work):
        _, dWh, _ = gradients
        dWh[...] -= np.einsum("nh,nz->hz", h[1], dz[1])

    spoil(monkeypatch, "lstm", "backward", forget)
    derivation = derive.backward(layer, SEQUENCE, np.ones((1, 2), "float32"))
    assert [c.name for c in derivation.comparisons if not c.agrees] == ["dWh"]


def test_the_gradient_at_the_wrong_one_of_equal_numbers_is_found(monkeypatch):
    def last(x, y, index, *rest):
        index[...] = 3

    spoil(monkeypatch, "pool2d", "max_forward", last)
    layer, x = MaxPool2D(2), np.ones((1, 2, 2, 1), "float32")
    assert derive.forward(layer, x).agrees
    assert not derive.backward(layer, x, np.ones((1, 1, 1, 1), "float32")).agrees


def spoil_one_number(monkeypatch, kernel, function, dtype, position, relative):
    """Let a kernel of this dtype get one number wrong, the median of an argument; the list gets its index."""
    found = []

    def how(*arguments):
        array = arguments[position]
        if array.dtype == dtype:
            found.append(np.unravel_index(np.argsort(abs(array), axis=None)[array.size // 2], array.shape))
            array[found[0]] *= 1 + relative

    spoil(monkeypatch, kernel, function, how)
    return found


@pytest.mark.parametrize(("dtype", "relative"), [("float32", 1e-3), ("float64", 1e-3), ("float64", 1e-8)])
@pytest.mark.parametrize(
    ("layer", "kernel", "position"), [(Dense(3, seed=0), "dense", 3), (Conv2D(3, 2, seed=0), "conv2d", 3)]
)
def test_one_number_that_is_wrong_in_one_dtype_alone_is_found(layer, kernel, position, dtype, relative, monkeypatch):
    """A float32 layer is compared in float64, too: there rounding hides nothing."""
    x = ROWS if kernel == "dense" else IMAGE
    assert derive.forward(layer, x).agrees
    found = spoil_one_number(monkeypatch, kernel, "forward", np.dtype(dtype), 3, relative)
    derivation = derive.forward(layer, x)
    assert [c.worst for c in derivation.comparisons if not c.agrees] == [found[0]]
    row = derivation.text.splitlines()[-1]
    assert row.startswith("y in float64  " if dtype == "float64" else "y  ")
    assert row.endswith("<- differs")
    with pytest.raises(DerivationError, match="SOMETHING ELSE"):
        derivation.check()


def test_a_loss_that_is_wrong_in_float64_alone_is_found():
    class Wrong(nnlite.MeanSquaredError):
        def backward(self):
            dy = super().backward()
            return dy * 1.001 if dy.dtype == np.float64 else dy

    derivation = derive.loss(Wrong(), np.zeros((2, 3), "float32"), ROWS)
    assert [c.name for c in derivation.comparisons if not c.agrees] == ["dy_pred"]
    assert "dy_pred in float64  " in derivation.text


def test_what_cancels_may_be_all_rounding():
    """3 * 0.1 - 0.3 is 1e-8 for the float32 next to 0.1 and 0.3, and float32 rounds 0.3 that far."""
    layer = Dense(1)
    layer.build((2,))
    layer.params["W"][...] = [[0.1], [-0.3]]
    derivation = derive.forward(layer, np.array([[3, 1]], "float32")).check()
    assert 0 < abs(derivation.y[0, 0]) < 1e-7


def test_a_layer_that_always_computes_in_float32_is_compared_there():
    class Single(Tanh):
        def forward(self, x, training=False):
            return np.tanh(x.astype("float32"))

    assert derive.forward(Single(), ROWS).agrees


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_is_no_agreement(value, monkeypatch):
    def spoiled(x, W, b, y):
        y[0, 0] = value

    spoil(monkeypatch, "dense", "forward", spoiled)
    derivation = derive.forward(Dense(2, seed=0), ROWS)
    assert [c.worst for c in derivation.comparisons if not c.agrees] == [(0, 0)]


def test_zero_has_no_sign():
    derivation = derive.forward(Dense(1, seed=0), np.zeros((1, 3), "float32"))
    assert derivation.text.splitlines()[-1].split()[-2:] == ["0", "0"]
    derivation = derive.backward(Tanh(), ROWS[:1, :1], np.full((1, 1), -0.0, "float32"))
    assert derivation.text.splitlines()[-1].split()[-2:] == ["0", "0"]


def test_one_unit_in_the_last_place_counts_where_nothing_is_rounded(monkeypatch):
    def nudge(x, y, index, *rest):
        y[...] = np.nextafter(y, np.float32(9))

    layer, x = MaxPool2D(2), IMAGE[:, :2, :2]
    assert derive.forward(layer, x).agrees
    spoil(monkeypatch, "pool2d", "max_forward", nudge)
    assert not derive.forward(layer, x).agrees


# ------------------------------------------------------------------------------------------ what it leaves


def test_the_layer_is_left_as_it_is():
    layer = RNN(2, stateful=True, seed=0)
    layer(SEQUENCE)
    layer.backward(np.ones((1, 2), "float32"))
    kept, state = layer._kept(), layer.state[0].copy()
    grads = {name: grad.copy() for name, grad in layer.grads.items()}
    derive.forward(layer, 2 * SEQUENCE)
    derive.backward(layer, 2 * SEQUENCE, np.full((1, 2), 3, "float32"))
    assert layer._kept() is kept
    assert_same_bits(layer.state[0], state)
    for name, grad in grads.items():
        assert_same_bits(layer.grads[name], grad)
    layer.backward(np.ones((1, 2), "float32"))
    for name, grad in grads.items():
        assert_same_bits(layer.grads[name], grad)


def test_a_layer_with_an_activation_and_at_are_left_as_they_are():
    layer, at = Dense(2, "tanh", seed=0), {"dz": (0, 1), "dW": (0,)}
    layer(ROWS)
    weights, dx = layer.params["W"].copy(), layer.backward(ROWS[:, :2])
    derive.forward(layer, 2 * ROWS)
    derived = derive.backward(layer, 2 * ROWS, ROWS[:, :2], at=at)
    assert np.isnan(derived.values["dz"]).tolist() == [[True, False], [True, True]]
    assert np.isnan(derived.values["dW"]).tolist() == [[False, False], [True, True], [True, True]]
    assert at == {"dz": (0, 1), "dW": (0,)}
    assert_same_bits(layer.params["W"], weights)
    assert_same_bits(layer.backward(ROWS[:, :2]), dx)


def test_a_frozen_layer_has_its_gradients_derived_and_stays_frozen():
    layer = Dense(2, trainable=False, seed=0)
    assert derive.backward(layer, ROWS, np.ones((2, 2), "float32")).check().grads["W"].all()
    assert not layer.trainable


def test_a_loss_is_left_as_it_is():
    loss = nnlite.MeanSquaredError()
    loss(ROWS, 2 * ROWS)
    expected = loss.backward()
    assert "The loss computes the same." in derive.loss(loss, ROWS, 0 * ROWS).text
    assert_same_bits(loss.backward(), expected)


@pytest.mark.parametrize("x", [SEQUENCE, np.array([[1, 2]])], ids=["floats", "ids"])
def test_a_layer_that_is_not_built_is_built_as_it_would_have_been(x):
    layer, other = (LSTM(2, input_dim=3, seed=4) for _ in range(2))
    derivation, y = derive.forward(layer, x).check(), other(x)
    assert_same_bits(layer.params["Wx"], other.params["Wx"])
    np.testing.assert_allclose(derivation.y, y, rtol=1e-5)


# -------------------------------------------------------------------------------------------------- choice


def test_at_chooses_what_is_written_and_derived():
    layer = Conv2D(2, 2, seed=0)
    derivation = derive.forward(layer, IMAGE, at=(0, None, 1, 1)).check()
    known = ~np.isnan(derivation.y)
    assert np.argwhere(known).tolist() == [[0, 0, 1, 1], [0, 1, 1, 1]]
    np.testing.assert_allclose(derivation.y[known], layer(IMAGE)[known], rtol=1e-5)
    assert "y[0,0,1,1]" in derivation.text
    assert "y[0,0,0,0]" not in derivation.text


def test_at_chooses_among_gradients():
    derivation = derive.backward(Dense(2, seed=0), ROWS, np.ones((2, 2), "float32"), at={"dW": (1,), "db": ()}).check()
    assert derivation.values.keys() == {"dW", "db"}
    assert derivation.grads.keys() == {"W", "b"}
    assert np.isnan(derivation.grads["W"]).tolist() == [[True, True], [False, False], [True, True]]
    assert "dx[0,0] =" not in derivation.text


@pytest.mark.parametrize("loss", [nnlite.SparseCategoricalCrossentropy(from_logits=True), "mse"], ids=str)
def test_a_part_of_a_losss_gradient_is_chosen(loss):
    y_true = np.array([2, 0]) if loss != "mse" else np.zeros((2, 3), "float32")
    whole, part = (derive.loss(loss, y_true, ROWS, at=at).check() for at in (None, {"dy_pred": (1, 2)}))
    assert part.values.keys() == {"dy_pred"}
    assert_same_bits(part.values["dy_pred"][1, 2], whole.values["dy_pred"][1, 2])
    assert np.isnan(part.values["dy_pred"]).sum() == 5
    assert "y_pred[0,0]" in whole.text
    assert "y_pred[0,0]" not in part.text
    assert derive.loss(loss, y_true, ROWS, at={"loss": ()}).values["loss"] == whole.values["loss"]


def test_a_step_is_chosen_and_all_of_it_compared():
    layer = LSTM(2, return_sequences=True, seed=0)
    whole, part = (derive.backward(layer, SEQUENCE, np.ones((1, 2, 2), "float32"), at=at, max_lines=999).check()
                   for at in (None, {"step": (0, 1, 0)}))  # fmt: skip
    assert "dz_i[0]" in part.text
    assert "dc_t[1]" not in part.text
    assert "step t = 0" not in part.text
    assert "dx[0,0,0] =" not in part.text
    for name, values in whole.values.items():
        assert_same_bits(part.values[name], values)


REFUSED = {
    "a number": (3, TypeError, r"at: expected an index into y \(2, 2\) such as at=\(0, 0\), got 3"),
    "a slice": ((0, slice(1)), TypeError, r"at: expected whole numbers, or None for all, as index into y"),
    "a float": ((0.5,), TypeError, r"at: expected whole numbers, or None for all, as index into y, got \(0.5,\)"),
    "too many axes": (
        (0, 0, 0),
        ValueError,
        r"at: expected an index into y of shape \(2, 2\), got \(0, 0, 0\), which has more axes",
    ),
    "beyond": ((0, 2), IndexError, r"at: expected an index into y of shape \(2, 2\), got \(0, 2\)"),
    "below": ((-1,), IndexError, r"at: expected an index into y of .*, got \(-1,\)"),
    "a wrong name": ({"z": (0,)}, ValueError, r"at: expected an index into y .* got the name 'z'"),
    "nothing": ({}, ValueError, r"got an empty dict"),
    "a list in a dict": ({"y": [0]}, TypeError, r"at: expected a tuple as index into y, such as \(0, 0\), got \[0\]"),
}


@pytest.mark.parametrize("given", REFUSED)
def test_a_choice_that_is_none(given):
    at, error, message = REFUSED[given]
    with pytest.raises(error, match=message):
        derive.forward(Dense(2, seed=0), ROWS, at=at)


def test_backward_asks_for_a_dict():
    with pytest.raises(TypeError, match=r"a dict such as at=\{'dx': \(0, 0\)\}, .* dW \(3, 2\), db \(2,\), got \(0,\)"):
        derive.backward(Dense(2, seed=0), ROWS, np.ones((2, 2), "float32"), at=(0,))


# -------------------------------------------------------------------------------------------------- limits


def test_a_text_that_would_be_too_long_is_refused_at_once():
    layer, x = Conv2D(8, 5, seed=0), np.zeros((1, 32, 32, 3), "float32")
    with pytest.raises(
        ValueError, match=r"at most 300 lines, got a longer one.*at=, an index into y \(1, 28, 28, 8\).*max_lines=1500"
    ):
        derive.forward(layer, x)
    with pytest.raises(ValueError, match=r"at=\{'dx': \(0, 0, 0, 0\)\}, with indices into dx .* dW \(5, 5, 3, 8\)"):
        derive.backward(layer, x, np.zeros((1, 28, 28, 8), "float32"))


def test_the_limit_can_be_chosen():
    lines = str(derive.forward(Dense(2, seed=0), ROWS)).count("\n") + 1
    assert derive.forward(Dense(2, seed=0), ROWS, max_lines=lines).agrees
    with pytest.raises(ValueError, match=f"at most {lines - 1} lines"):
        derive.forward(Dense(2, seed=0), ROWS, max_lines=lines - 1)


@pytest.mark.parametrize("name", ["precision", "max_lines"])
@pytest.mark.parametrize("value", [0, 2.5, True])
def test_precision_and_limit_are_whole_numbers(name, value):
    with pytest.raises(ValueError, match=rf"{name}: expected a whole number of at least 1, got {value}"):
        derive.forward(Dense(2, seed=0), ROWS, **{name: value})


@pytest.mark.parametrize("function", ["forward", "backward"])
def test_both_steps_of_a_layer_with_an_activation_are_written_as_it_is_chosen(function):
    def derived(**settings):
        given = (ROWS, ROWS[:, :2]) if function == "backward" else (ROWS,)
        return getattr(derive, function)(Dense(2, "tanh", seed=0), *given, **settings).text

    assert derived(precision=2).count("printed with 2 digits") == derived().count("printed with 4 digits") == 2
    with pytest.raises(ValueError, match="at most 5 lines"):
        derived(max_lines=5)
    if function == "backward":
        with pytest.raises(ValueError, match="got an empty dict"):
            derived(at={})


@pytest.mark.parametrize(("activation", "columns"), [("softmax", [0, 1, 2]), ("tanh", [1])])
def test_the_softmax_of_one_number_needs_its_whole_row(activation, columns):
    z = derive.forward(Dense(3, activation, seed=0), ROWS, at=(1, 1)).check().values["z"]
    assert np.argwhere(~np.isnan(z)).tolist() == [[1, column] for column in columns]


def test_a_long_title_goes_on_in_another_line():
    layer = Conv2D(
        2, 1, (1, 2), ((0, 1), (0, 1)), dilation_rate=(2, 3), use_bias=False, kernel_initializer="he_normal", seed=0
    )
    lines = derive.forward(layer, IMAGE, at=(0, 0, 0, 0)).text.splitlines()
    assert lines[0].startswith("Conv2D(filters=2, ")
    assert lines[1].startswith("  ")
    assert lines[1].endswith("forward, float32")


def test_what_is_not_finite_is_refused():
    x = ROWS.copy()
    x[1, 2] = np.nan
    with pytest.raises(ValueError, match=r"^x: expected finite numbers, got nan at \[1, 2\]"):
        derive.forward(Dense(2, seed=0), x)
    with pytest.raises(ValueError, match=r"^dy: expected finite numbers, got inf at \[0, 0\]"):
        derive.backward(Tanh(), ROWS, np.full((2, 3), np.inf, "float32"))
    states = [np.zeros((1, 2), "float32"), np.full((1, 2), np.nan, "float32")]
    with pytest.raises(ValueError, match=r"initial_state\[1\]: .* got nan at \[0, 0\]"):
        derive.forward(LSTM(2), SEQUENCE, initial_state=states)
    with pytest.raises(ValueError, match=r"dstate\[1\]: .* got nan at \[0, 0\]"):
        derive.backward(LSTM(2), SEQUENCE, np.zeros((1, 2), "float32"), dstate=states)

    layer = Dense(2, seed=0)
    layer.build((3,))
    layer.params["W"][2, 1] = np.nan
    with pytest.raises(ValueError, match=r"^W: expected finite numbers, got nan at \[2, 1\]"):
        derive.forward(layer, ROWS)
    with pytest.raises(ValueError, match=r"^y_true: expected finite numbers, got nan at \[1, 2\]"):
        derive.loss("mse", x, ROWS)


def test_what_is_empty_is_refused():
    for layer, shape in ((Dense(2), (0, 3)), (LSTM(2), (0, 2, 3)), (Conv2D(1, 2), (0, 3, 3, 1))):
        with pytest.raises(ValueError, match=r"^x: expected at least one number, got an array of shape \(0, "):
            derive.forward(layer, np.zeros(shape, "float32"))
    with pytest.raises(ValueError, match=r"^y_pred: expected at least one number, got an array of shape \(0, 3\)"):
        derive.loss(nnlite.SparseCategoricalCrossentropy(), np.zeros(0, int), np.zeros((0, 3)))


def test_states_are_for_layers_that_have_some():
    with pytest.raises(
        TypeError, match=r"^initial_state: .* got Dense\(units=2\), which has no state: leave initial_state out"
    ):
        derive.forward(Dense(2), ROWS, initial_state=[ROWS])
    with pytest.raises(TypeError, match="which has no state: leave dstate out"):
        derive.backward(Dense(2), ROWS, ROWS[:, :2], dstate=[ROWS])


def test_states_that_are_no_pair_are_refused_before_the_layer_is_built():
    layer = LSTM(2, seed=0)
    with pytest.raises(ValueError, match=r"initial_state: expected \(h, c\)"):
        derive.forward(layer, SEQUENCE, initial_state=np.zeros((2, 1, 2)))
    assert not layer.built


def test_numbers_come_in_lists_and_in_other_dtypes():
    zeros, layer = ([[0.0, 0.0]], [[0.0, 0.0]]), LSTM(2, seed=0)
    wide = SEQUENCE + np.float64(1e-12)  # rounded to the layer's dtype before anything is computed
    expected = derive.backward(layer, SEQUENCE, np.ones((1, 2), "float32"))
    found = derive.backward(layer, wide, [[1, 1]], initial_state=zeros, dstate=zeros).check()
    assert found.text.splitlines()[0] == expected.text.splitlines()[0]
    for name, values in expected.values.items():
        assert_same_bits(found.values[name], values)


def test_whole_numbers_are_numbers_where_the_layer_takes_such():
    layer, ones = RNN(2, stateful=True, seed=0), [np.ones((2, 2), "float32")]
    layer(SEQUENCE)  # of one row, while x has two
    state, x = layer.state[0].copy(), np.arange(12).reshape(2, 2, 3)
    x[0, 0, 0] = 2**24 + 1  # which float32 rounds
    texts = [
        derive.backward(layer, x.astype(kind), np.ones((2, 2)), initial_state=ones, dstate=ones, precision=9).text
        for kind in ("int64", "float32")
    ]
    assert texts[0] == texts[1]
    assert_same_bits(layer.state[0], state)


@pytest.mark.parametrize("layer", [Embedding(2, 2, seed=0), LSTM(1, input_dim=2, seed=0)], ids=repr)
@pytest.mark.parametrize("kind", ["bool", "uint8"])
def test_truths_are_ids_like_others(kind, layer):
    x = np.array([[1, 0, 1]])
    assert derive.forward(layer, x.astype(kind)).check().text == derive.forward(layer, x).text


def test_beyond_all_numbers_both_are_infinite():
    """And what float64 alone can hold is printed without a warning."""
    layer = Dense(1, dtype="float64")
    layer.build((2,))
    layer.params["W"][...] = [[1], [1]]
    derivation = derive.forward(layer, np.full((1, 2), 1e308)).check()
    assert derivation.y == np.inf
    assert "1e+308*1 + 1e+308*1" in derivation.text


def test_the_layers_own_checks_come_first():
    layer = Dense(2)
    with pytest.raises(TypeError, match="x: expected numbers, got an array of complex128"):
        derive.forward(layer, ROWS.astype(complex))
    assert not layer.built
    with pytest.raises(ValueError, match="dy: expected shape of y"):
        derive.backward(Dense(2), ROWS, ROWS)
    with pytest.raises(IndexError, match=r"x: expected ids in 0 .. 3, got 9"):
        derive.forward(Embedding(4, 2), np.array([9]))


# ------------------------------------------------------------------------------------------------ own layers


def test_a_layer_without_a_derivation_is_told_what_there_is():
    message = r"expected one of AvgPool2D, Conv2D, .*Tanh, got BatchNorm, .*: add one with derive\.register\(BatchNorm"
    with pytest.raises(TypeError, match=message):
        derive.forward(BatchNorm(), ROWS)

    class AbsoluteError:
        def forward(self, y_true, y_pred):
            return float(np.abs(y_pred - y_true).mean())

        def backward(self):
            raise NotImplementedError

    message = r"derive\.loss: expected one of MeanSquaredError, Sparse.* got AbsoluteError, which has no derivation"
    with pytest.raises(TypeError, match=message):
        derive.loss(AbsoluteError(), ROWS, ROWS)
    with pytest.raises(TypeError, match=r"expected a layer, got Sequential.*give derive\.forward one of its layers"):
        derive.forward(Sequential([Dense(2)]), ROWS)


class Half(nnlite.Layer):
    def forward(self, x, training=False):
        return x / 2

    def backward(self, dy):
        return dy / 2


class HalfDerivation:
    @staticmethod
    def forward(page, layer, x):
        x, y = Quantity("x", x), Quantity.unknown("y", x.shape)
        for index in page.choice.all("y"):
            y[index] = page.equation(y.letters(index), x[index] / 2)
        return {"y": y}

    @staticmethod
    def backward(page, layer, x, dy):
        return {}


@pytest.fixture
def half(monkeypatch):
    monkeypatch.setattr("nnlite.derive.registry._KNOWN", {})
    derive.register(Half, HalfDerivation)
    return Half()


def test_a_layer_of_ones_own(half):
    derivation = derive.forward(half, ROWS[:1, :1]).check()
    assert "y[0,0] = x[0,0] / 2" in derivation.text
    assert derivation.y == ROWS[0, 0] / 2

    class Derived(Half):
        def forward(self, x, training=False):
            return x / 4

    assert not derive.forward(Derived(), ROWS).agrees


def test_a_derivation_that_leaves_something_out_is_told(half):
    with pytest.raises(ValueError, match="expected dx from the derivation of Half, got nothing"):
        derive.backward(half, ROWS, ROWS)

    class OneNumber(HalfDerivation):
        @staticmethod
        def forward(page, layer, x):
            y = Quantity.unknown("y", x.shape)
            y[0, 0] = Quantity("x", x)[0, 0] / 2
            return {"y": y}

    derive.register(Half, OneNumber)
    with pytest.raises(ValueError, match="expected every number of y from the derivation of Half, got all but 5"):
        derive.forward(half, ROWS)


def test_what_is_registered_is_a_class(half):
    with pytest.raises(TypeError, match="kind: expected a class, got "):
        derive.register(half, HalfDerivation)


def test_a_class_without_one_of_the_passes_has_that_of_its_base(half):
    class Derived(Half):
        pass

    class Forward:
        @staticmethod
        def forward(page, layer, x):
            return {}

    derive.register(Derived, Forward)
    with pytest.raises(ValueError, match="expected y from the derivation of Derived, got nothing"):
        derive.forward(Derived(), ROWS)
    with pytest.raises(ValueError, match="expected dx from the derivation of Derived, got nothing"):
        derive.backward(Derived(), ROWS, ROWS)
    with pytest.raises(TypeError, match=r"derive\.backward: expected one of Half, got Tanh"):
        derive.backward(Tanh(), ROWS, ROWS)


def test_ids_that_index_an_array_of_ones_own(half):
    table = np.array([[1.0, 2.0], [3.0, 4.0]], "float32")

    class Table(nnlite.Layer):
        def forward(self, x, training=False):
            return table.astype(self.dtype)[x]

    class TableDerivation:
        @staticmethod
        def forward(page, layer, x):
            y = Quantity.unknown("y", (*x.shape, 2))
            for index in page.choice.all("y"):
                y[index] = Quantity("W", table)[x[index[0]], index[1]]
            return {"y": y}

    derive.register(Table, TableDerivation)
    assert derive.forward(Table(), np.array([1, 0])).check().y.tolist() == table[::-1].tolist()
