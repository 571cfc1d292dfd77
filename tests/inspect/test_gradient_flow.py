"""gradient_flow agrees with theory: gradients vanish, explode, or pass through unchanged."""

import numpy as np
import pytest
from numeric import assert_close

from nnlite import GRU, LSTM, RNN, Bidirectional, Dense, Sequential
from nnlite.inspect import GradientFlow, gradient_flow, saturate_gates, set_spectral_radius, spectral_radius, trace

H, F, T = 20, 3, 200
LAYERS = {"RNN": RNN, "LSTM": LSTM, "GRU": GRU}


def built(kind, dtype="float32", **options):
    layer = LAYERS[kind](H, dtype=dtype, seed=0, **options)
    layer.build((None, F))
    return layer


def noise(N=4, steps=T, scale=1.0):
    return scale * np.random.default_rng(0).standard_normal((N, steps, F))


# The argument: what a gradient is multiplied by at each step back.


@pytest.mark.parametrize("scale", [0, 1, 100])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_with_its_gates_held_the_cell_hands_the_gradient_on_unchanged(dtype, scale):
    """f = 1, i = o = 0: flat over 200 steps, whatever comes in."""
    layer = built("LSTM", dtype)
    saturate_gates(layer)
    flow = gradient_flow(layer, T, noise(scale=scale).astype(dtype))
    assert flow.dc.shape == flow.dh.shape == (T + 1,)
    assert flow.dc[T] == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(flow.dc / flow.dc[T], 1, atol=1e-4)
    assert flow.dc_factor == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("forget", [0.5, 0.9, 0.99])
def test_the_slope_of_the_cell_is_its_forget_gate(forget):
    layer = built("LSTM", "float64")
    saturate_gates(layer, forget=forget)
    flow = gradient_flow(layer, 50, noise(steps=50))
    np.testing.assert_allclose(flow.dc[:-1] / flow.dc[1:], forget, rtol=1e-5)
    assert flow.dc_factor == pytest.approx(forget, rel=1e-5)


@pytest.mark.parametrize("radius", [0.5, 1.0, 1.5])
def test_the_slope_of_an_rnn_is_its_spectral_radius(radius):
    """Exactly, as long as it is linear and Wh a multiple of an orthogonal matrix: so it vanishes, and explodes."""
    layer = built("RNN")
    set_spectral_radius(layer, radius)
    flow = gradient_flow(layer, T)
    np.testing.assert_allclose(flow.dh[:-1] / flow.dh[1:], radius, rtol=1e-6)
    assert flow.dh_factor == pytest.approx(radius, rel=1e-6)
    assert flow.dc is None
    assert flow.dc_factor is None


@pytest.mark.parametrize("radius", [0.5, 1.5])
def test_of_any_recurrent_weights_it_is_that_in_the_long_run(radius):
    layer = built("RNN", "float64")
    layer.params["Wh"][...] = np.random.default_rng(1).standard_normal((H, H))
    set_spectral_radius(layer, radius)
    flow = gradient_flow(layer, 400)
    assert (flow.dh[0] / flow.dh[200]) ** (1 / 200) == pytest.approx(radius, rel=0.01)


def test_where_tanh_bends_an_rnn_forgets_faster():
    layer = built("RNN")
    set_spectral_radius(layer, 1)
    assert gradient_flow(layer, T, noise()).dh_factor < 0.9


# What the norms are.


@pytest.mark.parametrize("kind", LAYERS)
def test_norms_are_those_of_the_total_gradients(kind):
    """Of one row, and one step that looks back on one: as `trace` and the layer's own backward see it."""
    layer = built(kind, "float64", return_sequences=True)
    for param in layer.params.values():
        param[...] = np.random.default_rng(2).standard_normal(param.shape) / 3
    x = noise(1, 5)
    flow = gradient_flow(layer, 5, x, seed=7)
    rng = np.random.default_rng(7)
    directions = [rng.standard_normal((1, H)) for _ in layer.states]
    final = tuple(r / np.linalg.norm(r) for r in directions)
    layer.forward(x)
    layer.backward(np.zeros((1, 5, H)), dstate=final)
    assert flow.dh[0] == pytest.approx(np.linalg.norm(layer.dinitial_state[0]), rel=1e-12)
    assert flow.dh[5] == pytest.approx(1, rel=1e-12)
    if kind == "LSTM":
        assert flow.dc[0] == pytest.approx(np.linalg.norm(layer.dinitial_state[1]), rel=1e-12)
        seen = {name: array[:, -1] for name, array in trace(layer, x)["lstm"].items()}
        expected = final[1] + final[0] * seen["o"] * (1 - np.tanh(seen["c"]) ** 2)
        assert flow.dc[5] == pytest.approx(np.linalg.norm(expected), rel=1e-12)


def test_rows_are_averaged():
    layer, x = built("GRU"), noise(3, 6)
    flow = gradient_flow(layer, 6, np.repeat(x[:1], 3, axis=0), seed=1)
    rng = np.random.default_rng(1)
    r = rng.standard_normal((3, H))
    norms = []
    layer = LAYERS["GRU"].from_config(layer.get_config() | {"dtype": "float64"})
    layer.build((6, F))
    for name, param in built("GRU").params.items():
        layer.params[name][...] = param
    for direction in r:
        layer.forward(x[:1])
        layer.backward(np.zeros((1, H)), dstate=(direction[None] / np.linalg.norm(direction),))
        norms.append(np.linalg.norm(layer.dinitial_state[0]))
    assert flow.dh[0] == pytest.approx(np.mean(norms), rel=1e-10)


def test_the_same_seed_draws_the_same_directions():
    layer = built("LSTM")
    one, same, other = (gradient_flow(layer, 9, noise(2, 9), seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.dh, same.dh)
    assert (one.dh[:-1] != other.dh[:-1]).any()
    np.testing.assert_array_equal(gradient_flow(layer, 9).dh, gradient_flow(layer, 9, N=16, seed=0).dh)


@pytest.mark.parametrize("kind", LAYERS)
def test_float32_is_followed_in_float64(kind):
    """Down to where float32 has no numbers any more, and where their squares are none of float64."""
    layer = built(kind)
    for name in ("Wx", "Wh"):
        layer.params[name] *= 0.25
    assert 0 < gradient_flow(layer, 400).dh[0] < 1e-45
    if kind == "RNN":
        assert gradient_flow(layer, 400).dh[0] == pytest.approx(0.25**400, rel=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", LAYERS)
def test_the_layer_stays_as_it_was(kind, dtype):
    layer = built(kind, dtype, stateful=True)
    y = layer.forward(noise(2, 3).astype(dtype))
    before = {name: param.copy() for name, param in layer.params.items()}
    state = [array.copy() for array in layer.state]
    flow = gradient_flow(layer, 4)
    assert layer.dtype == dtype
    for array, kept in zip([*layer.params.values(), *layer.state], [*before.values(), *state], strict=True):
        assert array.dtype == dtype
        np.testing.assert_array_equal(array, kept)
    layer.backward(np.ones_like(y))
    assert_close(gradient_flow(layer, 4).dh, flow.dh, 0)


def test_layers_that_are_not_built_and_ids():
    assert gradient_flow(RNN(4, seed=0), 3, N=2).dh == pytest.approx(1)  # orthogonal, and nothing comes in
    layer = LSTM(4, input_dim=5, seed=0)
    x = np.random.default_rng(0).integers(5, size=(2, 3))
    flow = gradient_flow(layer, 3, x)
    assert not layer.built
    layer.build((3,))
    np.testing.assert_allclose(gradient_flow(layer, 3, x).dh, flow.dh, rtol=1e-6)  # but for float32's rounding


@pytest.mark.parametrize(("options", "features"), [({}, 1), ({"input_dim": 5}, 5)])
def test_without_x_a_layer_that_is_not_built_reads_as_many_features_as_it_says_or_one(options, features):
    layer = GRU(4, seed=0, **options)
    flow = gradient_flow(layer, 3)
    layer.build((None, features))
    np.testing.assert_allclose(gradient_flow(layer, 3).dh, flow.dh, rtol=1e-6)


def test_it_prints_the_factors():
    layer = built("LSTM")
    saturate_gates(layer, forget=0.5)
    lines = str(gradient_flow(layer, 10)).splitlines()
    assert lines[0] == "LSTM(units=20): the gradient's norm, 10 steps back"
    assert lines[1].startswith("  dh  from 1 to ")
    assert lines[2] == "  dc  from 1 to 0.000977: times 0.5 at each step"
    assert len(str(gradient_flow(built("GRU"), 10)).splitlines()) == 2


def test_a_gradient_beyond_all_numbers_is_none():
    layer = built("RNN")
    set_spectral_radius(layer, 3)
    flow = gradient_flow(layer, 800)
    assert not np.isfinite(flow.dh[0])
    assert not np.isfinite(flow.dh_factor)
    np.testing.assert_allclose(flow.dh[200:-1] / flow.dh[201:], 3, rtol=1e-6)


def test_a_factor_may_lie_between_norms_whose_quotient_is_no_number():
    flow = GradientFlow("an exploding layer", np.array([1e300, 1e150, 1e-20]))
    assert flow.dh_factor == pytest.approx(1e160)


def test_a_gradient_that_is_gone_has_no_factor():
    layer = built("RNN")
    layer.params["Wh"][...] = 0
    assert gradient_flow(layer, 2).dh_factor == 0


WRONG = {
    "one axis": (lambda: gradient_flow(built("RNN"), 3, np.zeros(3)), ValueError, "x: expected shape|ids need"),
    "a layer without a past": (
        lambda: gradient_flow(Dense(3), 3),
        TypeError,
        r"gradient_flow: expected an RNN, LSTM or GRU, got Dense\(units=3\)",
    ),
    "a model": (
        lambda: gradient_flow(Sequential([RNN(2)]), 3),
        TypeError,
        r"got Sequential\(.*: give one of its layers, such as model\.layers\[0\]",
    ),
    "both ways": (
        lambda: gradient_flow(Bidirectional(RNN(2)), 3),
        TypeError,
        "has two layers: give one of them, its for",
    ),
    "a class": (lambda: gradient_flow(RNN, 3), TypeError, "expected an RNN, LSTM or GRU, got <class"),
    "no steps": (lambda: gradient_flow(RNN(2), 0), ValueError, "T: expected a whole number of at least 1, got 0"),
    "half a step": (lambda: gradient_flow(RNN(2), 1.5), ValueError, "T: expected a whole number"),
    "more steps than fit": (lambda: gradient_flow(RNN(2), 10**30), ValueError, "x: shape .* would take .* bytes"),
    "no rows": (lambda: gradient_flow(RNN(2), 3, N=0), ValueError, "N: expected a whole number"),
    "an empty x": (
        lambda: gradient_flow(RNN(2), 3, noise(0, 3)),
        ValueError,
        r"x: expected T = 3 steps, .* N > 0, got shape \(0, 3, 3\)",
    ),
    "other steps": (
        lambda: gradient_flow(RNN(2), 3, noise(2, 4)),
        ValueError,
        r"T = 3 steps, \(N, 3, F\) or ids \(N, 3\), N > 0, got shape \(2, 4, 3\)",
    ),
    "other features": (lambda: gradient_flow(built("RNN"), 3, noise(2, 3)[..., :2]), ValueError, "x: expected shape"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_said(name):
    run, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        run()


def test_spectral_radius_is_the_largest_eigenvalue():
    layer = built("RNN", "float64")
    layer.params["Wh"][...] = np.diag(np.linspace(-0.75, 0.5, H))
    layer.params["Wh"][0, 1:] = 100  # moves no eigenvalue of a triangle
    assert spectral_radius(layer) == pytest.approx(0.75)
    single = built("RNN")
    Wh = single.params["Wh"].astype("float64")
    assert spectral_radius(single) == np.abs(np.linalg.eigvals(Wh)).max()
    single.params["Wh"][1, 1] = np.inf
    with pytest.raises(ValueError, match="expected finite weights, got NaN or infinity in Wh of rnn"):
        spectral_radius(single)
    before = layer.params["Wh"].copy()
    set_spectral_radius(layer, 1.5)
    assert_close(layer.params["Wh"], 2 * before, 1e-12)
    set_spectral_radius(layer, 0)
    assert not layer.params["Wh"].any()
    with pytest.raises(ValueError, match=r"expected a spectral radius above 0, got 0 for rnn, .*: set another Wh"):
        set_spectral_radius(layer, 1)


@pytest.mark.parametrize("radius", [-1, np.inf, np.nan])
def test_a_radius_out_of_range_is_refused(radius):
    with pytest.raises(ValueError, match=r"radius: expected a number in \[0, inf\)"):
        set_spectral_radius(built("RNN"), radius)


def test_a_radius_is_for_an_rnn():
    with pytest.raises(TypeError, match="has four blocks in Wh, and gates: "):
        spectral_radius(built("LSTM"))
    with pytest.raises(TypeError, match="has three blocks in Wh"):
        set_spectral_radius(built("GRU"), 1)
    with pytest.raises(ValueError, match=r"which is not built: call layer.build\(\(None, F\)\)"):
        spectral_radius(RNN(3))


@pytest.mark.parametrize("norms", [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
def test_where_a_gradient_is_0_there_is_no_factor_but_0(norms):
    assert GradientFlow("LSTM(2)", np.array(norms)).dh_factor == 0
