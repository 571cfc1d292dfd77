"""LSTM, link by link: with an initial state in, and gradients from the final state, in every case."""

import numpy as np
import pytest
from chain import Case, ChainOfTrust, float_types
from numeric import assert_same_bits
from sequences import torch_sequences, unequal

import nnlite
from nnlite import LSTM


def with_states(shape, units, ids=None):
    """Draws x, and the initial state."""

    def draw(rng):
        x = rng.integers(ids, size=shape) if ids else rng.standard_normal(shape)
        h, c = rng.standard_normal((2, shape[0], units))
        return {"x": x, "h0": h, "c0": c}

    return draw


def case(name, N, T, F, H, return_sequences=True, ids=False, **options):
    shape = (N, T) if ids else (N, T, F)
    return Case(
        name,
        lambda **kw: LSTM(H, return_sequences=return_sequences, input_dim=F, **kw),
        shape,
        ids=F if ids else None,
        inputs=with_states(shape, H, F if ids else None),
        **options,
    )


class TestLSTM(ChainOfTrust):
    cases = (
        case("one of everything", 1, 1, 1, 1),
        case("odd", 3, 4, 5, 7),
        case("the last step alone", 3, 4, 5, 7, return_sequences=False),
        case("ids", 3, 4, 5, 7, ids=True),
        case("ids, the last step alone", 4, 3, 5, 3, return_sequences=False, ids=True),
        case("more rows than a tile", 13, 2, 2, 3),
        case("across vectors", 11, 6, 19, 35, large=True),
        case("shared by threads", 33, 9, 38, 67, large=True),
        case("ids shared by threads", 33, 9, 38, 67, return_sequences=False, ids=True, large=True),
    )

    def lengths(self, x):
        """None: all rows have T steps."""

    def forward(self, layer, inputs, training):
        x, state = inputs["x"], (inputs["h0"], inputs["c0"])
        y = layer.forward(x, training=training, initial_state=state, lengths=self.lengths(x))
        return {"y": y, "h": layer.state[0], "c": layer.state[1]}

    def backward(self, layer, doutputs):
        dx = layer.backward(doutputs["y"], dstate=(doutputs["h"], doutputs["c"]))
        dh, dc = layer.dinitial_state
        return {"x": dx, "h0": dh, "c0": dc}

    def witness(self, torch, layer, x, h0, c0, Wx, Wh, b):
        lstm = torch.nn.LSTM(len(Wx), layer.units, batch_first=True, dtype=torch.float64)
        if x.dtype == torch.int64:
            x = torch.nn.functional.one_hot(x, len(Wx)).double()
        names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
        weights = dict(zip(names, [Wx.T, Wh.T, b, torch.zeros_like(b)], strict=True))
        y, (h, c) = torch_sequences(torch, lstm, weights, x, (h0[None], c0[None]), self.lengths(x))
        return {"y": y if layer.return_sequences else h[0], "h": h[0], "c": c[0]}


class TestLSTMOnRowsOfUnequalLength(TestLSTM):
    def lengths(self, x):
        return unequal(*x.shape[:2])


@float_types
def test_an_id_is_a_one_hot_vector_written_short(dtype):
    ids = np.random.default_rng(0).integers(11, size=(5, 6))
    layer = LSTM(9, return_sequences=True, dtype=dtype, seed=0, input_dim=11)
    y, dy = layer.forward(ids), np.ones((5, 6, 9), dtype)
    layer.backward(dy)
    grads = {k: v.copy() for k, v in layer.grads.items()}
    one_hot = np.eye(11, dtype=dtype)[ids]
    assert_same_bits(layer.forward(one_hot), y)
    layer.backward(dy)
    for name, grad in layer.grads.items():
        np.testing.assert_allclose(grad, grads[name], rtol=1e-4 if dtype == "float32" else 1e-10, atol=1e-6)


@pytest.mark.parametrize("ids", [False, True])
@float_types
def test_steps_are_forward_bit_for_bit(dtype, ids):
    rng = np.random.default_rng(0)
    x = rng.integers(5, size=(3, 7)) if ids else rng.standard_normal((3, 7, 5)).astype(dtype)
    layer = LSTM(33, return_sequences=True, dtype=dtype, seed=0, input_dim=5)
    y = layer.forward(x)
    final = layer.state
    layer.reset_state()
    for t in range(7):
        assert_same_bits(layer.step(np.ascontiguousarray(x[:, t])), y[:, t], f"step {t}")
    assert_same_bits(layer.state[0], final[0])
    assert_same_bits(layer.state[1], final[1])


@pytest.mark.parametrize("ids", [False, True])
def test_a_stepper_steps_as_step_does(ids):
    rng = np.random.default_rng(0)
    x = rng.integers(5, size=(3, 6)) if ids else rng.standard_normal((3, 6, 5)).astype("float32")
    model = nnlite.Sequential([LSTM(7, return_sequences=True, input_dim=5), nnlite.Dense(4)], seed=0)
    assert model.stepper(3)(np.ascontiguousarray(x[:, 0])).shape == (3, 4)  # not built yet
    model.reset_state()
    y = model.forward(x)
    model.reset_state()
    step = model.stepper(3)
    for t in range(6):
        assert_same_bits(step(x[:, t] if t % 2 else np.ascontiguousarray(x[:, t])), y[:, t], f"step {t}")
    with pytest.raises(ValueError, match="x: expected a batch of 3, as in the steps before, got 2"):
        step(np.ascontiguousarray(x[:2, 0]))
    if ids:
        with pytest.raises(IndexError, match=r"x: id 5 at \(2,\) is not in 0 \.\. 4"):
            step(np.array([0, 1, 5]))
    else:
        with pytest.raises(TypeError, match="x: expected float32, got float64"):
            step(x[:, 0].astype("float64"))


def test_stateful_goes_on_where_the_last_batch_ended():
    x = np.random.default_rng(0).standard_normal((2, 6, 3)).astype("float32")
    whole = LSTM(4, return_sequences=True, seed=0).forward(x)
    layer = LSTM(4, return_sequences=True, stateful=True, seed=0)
    parts = [layer.forward(x[:, :2]), layer.forward(x[:, 2:])]
    assert_same_bits(np.concatenate(parts, axis=1), whole)
    assert not np.array_equal(layer.forward(x[:, :2]), parts[0])
    layer.reset_state()
    assert_same_bits(layer.forward(x[:, :2]), parts[0])


def test_without_stateful_every_batch_starts_from_zeros():
    x = np.random.default_rng(0).standard_normal((2, 6, 3)).astype("float32")
    layer = LSTM(4, seed=0)
    assert_same_bits(layer.forward(x), layer.forward(x))


def test_a_new_lstm_remembers():
    layer = LSTM(3, seed=0)
    layer.build((5, 2))
    assert layer.params["b"].tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(layer.params["Wh"] @ layer.params["Wh"].T, np.eye(3), atol=1e-6)
    assert layer.parameter_count == 4 * (2 * 3 + 3 * 3 + 3)


def test_how_rows_are_cut_into_batches_changes_no_bit():
    x = np.random.default_rng(0).standard_normal((23, 5, 7)).astype("float32")
    layer = LSTM(33, seed=0)
    whole = layer.forward(x)
    for rows in (1, 2, 7, 10, 11):
        parts = [layer.forward(x[i : i + rows]) for i in range(0, 23, rows)]
        assert_same_bits(np.concatenate(parts), whole, f"batches of {rows}")


def test_huge_numbers_saturate_and_nan_shows():
    layer = LSTM(17, seed=0)
    assert np.isfinite(layer.forward(np.full((2, 3, 4), 1e30, "float32"))).all()
    assert np.isnan(layer.forward(np.full((2, 3, 4), np.nan, "float32"))).all()


STATE = np.zeros((2, 4), "float32")


@pytest.mark.parametrize(
    ("x", "state", "error", "message"),
    [
        (np.zeros((2, 3), "float32"), None, ValueError, r"x: expected shape \(N, T, F\), got \(2, 3\) with 2 axes"),
        (np.zeros((2, 3, 6), "float32"), None, ValueError, r"x: expected shape \(N, T, F\) = \(any, any, 5\), got"),
        (np.zeros((2, 0, 5), "float32"), None, ValueError, "at least one time step, got T = 0"),
        (np.zeros((2, 0), int), None, ValueError, "at least one time step, got T = 0"),
        (np.zeros((2, 3, 5)), None, TypeError, "x: expected float32, got float64"),
        (np.zeros((2, 3, 5), "complex64"), None, TypeError, "x: expected float32, got complex64"),
        (np.zeros((2, 3, 5), ">f4"), None, TypeError, "bytes are in the other order"),
        (np.zeros((2, 3, 5), bool), None, TypeError, "x: expected float32, got bool"),
        (np.zeros((2, 3, 5), int), None, ValueError, r"x: expected ids of shape \(N, T\), got \(2, 3, 5\)"),
        (np.array([[0, 5]]), None, IndexError, r"x: id 5 at \(0, 1\) is not in 0 \.\. 4"),
        (np.array([[0, -1]]), None, IndexError, r"x: id -1 at \(0, 1\) is not in 0 \.\. 4"),
        (np.array([[0, 2**64 - 1]], "uint64"), None, IndexError, r"x: id 18446744073709551615 at \(0, 1\)"),
        ([[0, 1]], None, TypeError, "x: expected a NumPy array, got list"),
        (np.zeros((2, 3, 5), "float32"), STATE, ValueError, r"initial_state: expected \(h, c\)"),
        (np.zeros((2, 3, 5), "float32"), (STATE, STATE[:1]), ValueError, r"initial_state c: expected shape \(N, H\)"),
        (np.zeros((2, 3, 5), "float32"), (STATE, STATE * 1.0j), TypeError, "initial_state c: expected float32"),
        (np.broadcast_to(np.float32(0), (2**30, 2**20, 5)), None, ValueError, "would take"),
    ],
)
def test_bad_input_is_refused_before_a_kernel_runs(x, state, error, message):
    layer = LSTM(4, input_dim=5)
    layer.build((3, 5))
    with pytest.raises(error, match=message):
        layer.forward(x, initial_state=state)


def test_ids_without_input_dim_say_what_is_missing():
    with pytest.raises(ValueError, match=r"integer ids need LSTM\(\.\.\., input_dim=F\)"):
        LSTM(4).forward(np.zeros((2, 3), int))


def test_backward_before_forward_says_so():
    with pytest.raises(RuntimeError, match="LSTM: backward needs a forward before it"):
        LSTM(4).backward(np.zeros((2, 4), "float32"))


@pytest.mark.parametrize("units", [0, -1, 1.5, True, "4", None])
def test_units_must_count_something(units):
    with pytest.raises(ValueError, match="units: expected a whole number of at least 1"):
        LSTM(units)


def test_the_reference_is_what_use_backend_says():
    x = np.random.default_rng(0).standard_normal((2, 3, 4)).astype("float32")
    layer = LSTM(5, seed=0)
    with nnlite.use_backend("reference"):
        reference = layer.forward(x)
    np.testing.assert_allclose(layer.forward(x), reference, rtol=1e-5, atol=1e-6)
