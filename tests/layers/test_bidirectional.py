"""Bidirectional, link by link, for every recurrent layer and way of merging, with states in and out, and lengths."""

import numpy as np
import pytest
from chain import Case, ChainOfTrust, of_the_kernels, randomized
from numeric import assert_close, assert_same_bits
from sequences import torch_sequences

import nnlite
from nnlite import GRU, LSTM, RNN, Bidirectional, Dense, Sequential, TimeDistributed, gradcheck


def case(
    name,
    *sizes,
    kind=LSTM,
    merge_mode="concat",
    return_sequences=True,
    ids=False,
    lengths=False,
    from_zeros=False,
    **options,
):
    N, T, F, H = sizes

    def make(**kw):
        return Bidirectional(kind(H, return_sequences=return_sequences, input_dim=F), merge_mode, **kw)

    def draw(rng):
        inputs = {"x": rng.integers(F, size=(N, T)) if ids else rng.standard_normal((N, T, F))}
        inputs |= {f"state{i}": rng.standard_normal((N, H)) * (not from_zeros) for i in range(2 * len(kind.states))}
        return inputs | ({"lengths": rng.permutation(np.arange(N) * 3 % (T + 1))} if lengths else {})

    return Case(name, make, (N, T) if ids else (N, T, F), ids=F if ids else None, inputs=draw, **options)


class TestBidirectional(ChainOfTrust):
    cases = (
        case("one of everything", 1, 1, 1, 1),
        case("odd", 3, 4, 5, 7),
        case("the last step of each alone", 3, 4, 5, 7, return_sequences=False),
        case("ids", 3, 4, 5, 7, ids=True),
        case("sum", 3, 4, 5, 3, merge_mode="sum"),
        case("mul", 3, 4, 5, 3, merge_mode="mul"),
        case("mul of the last steps", 3, 4, 5, 3, merge_mode="mul", return_sequences=False),
        case("ave", 3, 4, 5, 3, merge_mode="ave"),
        case("lengths", 6, 4, 3, 5, lengths=True),
        case("lengths, the last step of each alone", 6, 4, 3, 5, return_sequences=False, lengths=True),
        case("lengths of ids, mul", 6, 4, 3, 5, merge_mode="mul", ids=True, lengths=True),
        case("RNN", 6, 4, 3, 5, kind=RNN, lengths=True),
        case("RNN, the last step of each alone", 6, 4, 3, 5, kind=RNN, return_sequences=False, lengths=True),
        case("GRU", 6, 4, 3, 5, kind=GRU, lengths=True),
        case("GRU, the last step of each alone", 6, 4, 3, 5, kind=GRU, return_sequences=False, lengths=True),
        *(
            case(f"{kind.__name__}, chunks from zeros", 65, 7, 3, 5, kind=kind, from_zeros=True, large=True)
            for kind in (RNN, LSTM, GRU)
        ),
        case("shared by threads", 33, 9, 38, 67, large=True),
        case("lengths shared by threads", 33, 9, 38, 67, return_sequences=False, lengths=True, large=True),
    )

    def forward(self, layer, inputs, training):
        state = tuple(array for name, array in inputs.items() if name.startswith("state"))
        y = layer.forward(inputs["x"], training=training, initial_state=state, lengths=inputs.get("lengths"))
        return {"y": y} | {f"final{i}": array for i, array in enumerate(layer.state)}

    def backward(self, layer, doutputs):
        dx = layer.backward(doutputs["y"], dstate=tuple(d for name, d in doutputs.items() if name != "y"))
        return {"x": dx} | {f"state{i}": array for i, array in enumerate(layer.dinitial_state)}

    def witness(self, torch, layer, x, lengths=None, **tensors):
        inner, F = layer.forward_layer, len(layer.params["forward_Wx"])
        if x.dtype == torch.int64:
            x = torch.nn.functional.one_hot(x, F).double()
        kind = getattr(torch.nn, type(inner).__name__)
        module = kind(F, inner.units, batch_first=True, bidirectional=True, dtype=torch.float64)
        weights = {}
        for direction, suffix in (("forward", ""), ("backward", "_reverse")):
            Wx, Wh, b = (tensors[f"{direction}_{name}"] for name in ("Wx", "Wh", "b"))
            b, bh = b if b.ndim == 2 else (b, torch.zeros_like(b))
            for name, tensor in (("weight_ih", Wx.T), ("weight_hh", Wh.T), ("bias_ih", b), ("bias_hh", bh)):
                weights[f"{name}_l0{suffix}"] = as_torch_orders(torch, inner, tensor)
        k = len(inner.states)
        states = [torch.stack([tensors[f"state{i}"], tensors[f"state{i + k}"]]) for i in range(k)]
        y, final = torch_sequences(torch, module, weights, x, states[0] if k == 1 else tuple(states), lengths)
        final = [final] if k == 1 else list(final)
        a, b = y.chunk(2, dim=-1) if layer.return_sequences else final[0]
        merges = {"concat": lambda: torch.cat([a, b], dim=-1), "sum": lambda: a + b, "mul": lambda: a * b}
        outputs = {"y": merges.get(layer.merge_mode, lambda: (a + b) / 2)()}
        return outputs | {f"final{i + k * d}": final[i][d] for d in (0, 1) for i in range(k)}


def as_torch_orders(torch, inner, tensor):
    """A GRU's gates are z, r, h here, and r, z, h in PyTorch."""
    if not isinstance(inner, GRU):
        return tensor
    z, r, h = tensor.chunk(3, dim=0)
    return torch.cat([r, z, h])


def made(layer, merge_mode="concat"):
    """Both directions of a layer, with random parameters, for x of shape (any, 6, 3)."""
    layer = Bidirectional(layer, merge_mode, seed=0)
    layer.build((6, 3))
    return randomized(layer)


KINDS = (RNN, LSTM, GRU)
kinds = pytest.mark.parametrize("kind", KINDS)
X = np.random.default_rng(0).standard_normal((4, 6, 3))
LENGTHS = np.array([4, 6, 0, 1])


@of_the_kernels
@kinds
@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_it_is_two_layers_of_which_one_reads_backwards(kind, lengths):
    layer = made(kind(5, return_sequences=True, dtype="float64"))
    y = layer.forward(X, lengths=lengths)
    for n, length in enumerate([6] * 4 if lengths is None else lengths):
        for d, direction in enumerate(("forward", "backward")):
            alone = kind(5, return_sequences=True, dtype="float64")
            alone.build((6, 3))
            alone.params = {name: layer.params[f"{direction}_{name}"] for name in alone.params}
            x = X[n, :length] if direction == "forward" else X[n, :length][::-1]
            if length:
                expected = alone.forward(np.ascontiguousarray(x)[None])[0]
                expected = expected if direction == "forward" else expected[::-1]
                assert_same_bits(y[n, :length, 5 * d : 5 * d + 5].copy(), expected.copy())
        assert not y[n, length:].any()


@kinds
def test_the_last_step_of_each_is_at_the_two_ends(kind):
    whole = made(kind(5, return_sequences=True, dtype="float64"))
    last = made(kind(5, dtype="float64"))
    y, ends = whole.forward(X, lengths=LENGTHS), last.forward(X, lengths=LENGTHS)
    for n, length in enumerate(LENGTHS):
        expected = np.concatenate([y[n, length - 1, :5], y[n, 0, 5:]]) if length else np.zeros(10)
        assert_same_bits(ends[n], expected)


def test_padding_never_matters():
    x = X.copy()
    x[np.arange(6) >= LENGTHS[:, None]] = np.nan
    layer = made(LSTM(5, return_sequences=True, dtype="float64"), "mul")
    y = layer.forward(X, lengths=LENGTHS)
    dx = layer.backward(y)
    grads = {k: grad.copy() for k, grad in layer.grads.items()}
    assert_same_bits(layer.forward(x, lengths=LENGTHS), y)
    dy = np.where((np.arange(6) >= LENGTHS[:, None])[..., None], np.nan, y)
    assert_same_bits(layer.backward(dy), dx)
    for k, grad in layer.grads.items():
        assert_same_bits(grad, grads[k], k)


def tagger(**options):
    layers = [
        Bidirectional(LSTM(5, return_sequences=True, input_dim=7)),
        Bidirectional(RNN(4, return_sequences=True), "ave"),
        Bidirectional(GRU(3, return_sequences=True), "mul"),
        Dense(7),
    ]
    model = Sequential(layers, seed=0, **options)
    model.compile("adam", nnlite.SparseCategoricalCrossentropy(from_logits=True))
    return model


IDS = np.random.default_rng(0).integers(7, size=(4, 6))


def test_padding_may_be_no_id():
    layer, ids = Bidirectional(LSTM(3, input_dim=7), seed=0), np.where(np.arange(6) < LENGTHS[:, None], IDS, -1)
    assert_same_bits(layer.forward(ids, lengths=LENGTHS), layer.forward(IDS, lengths=LENGTHS))


def test_stacked_trained_saved_and_loaded(tmp_path):
    model = tagger(dtype="float64")
    before = model.evaluate(IDS, IDS, lengths=LENGTHS)
    model.fit(IDS, IDS, batch_size=2, epochs=5, verbose=0, lengths=LENGTHS)
    assert model.evaluate(IDS, IDS, lengths=LENGTHS) < before
    assert len({name.partition(".")[0] for name in model.params}) == 4
    model.save(tmp_path / "model.safetensors")
    loaded = nnlite.load_model(tmp_path / "model.safetensors")
    assert repr(loaded) == repr(model)
    assert_same_bits(loaded.predict(IDS, lengths=LENGTHS), model.predict(IDS, lengths=LENGTHS))
    for m in (loaded, model):
        m.fit(IDS, IDS, batch_size=2, epochs=2, verbose=0, lengths=LENGTHS)
    assert_same_bits(loaded.predict(IDS), model.predict(IDS))


def test_a_model_gives_both_its_dtype_and_its_random_numbers():
    models = [tagger(input_shape=(6,), dtype="float64") for _ in range(2)]
    for name, param in models[0].params.items():
        assert param.dtype == np.float64
        assert_same_bits(param, models[1].params[name], name)
    first, second = (models[0].params[f"bidirectional.{d}_Wx"] for d in ("forward", "backward"))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    "layers",
    [
        lambda: [Bidirectional(LSTM(3), seed=5)],
        lambda: [Bidirectional(LSTM(3, seed=5))],
        lambda: [TimeDistributed(Dense(3), seed=5)],
        lambda: [TimeDistributed(Dense(3, seed=5))],
    ],
    ids=["of Bidirectional", "within Bidirectional", "of TimeDistributed", "within TimeDistributed"],
)
def test_a_seed_of_its_own_stays_in_a_model(layers):
    one, other = (Sequential(layers(), input_shape=(6, 5), seed=seed).get_weights() for seed in (1, 2))
    assert_same_bits(one[0], other[0])


@kinds
@pytest.mark.parametrize("merge_mode", ["concat", "mul"])
def test_gradcheck(kind, merge_mode):
    layer = Bidirectional(kind(3, return_sequences=True, dtype="float64"), merge_mode, seed=0)
    report = gradcheck(layer, X)
    assert "parameter backward_Wh" in [row.name for row in report.rows]
    model = Sequential([layer, Bidirectional(kind(2), merge_mode), Dense(2)], dtype="float64", seed=0)
    gradcheck(model, X)


def test_the_layer_that_is_given_stays_as_it_is():
    inner = LSTM(4, return_sequences=True, name="reader", seed=0)
    layer = Bidirectional(inner)
    layer.forward(X.astype("float32"))
    assert not inner.built
    assert inner.state is None
    assert repr(layer) == "Bidirectional(LSTM(units=4, return_sequences=True))"
    assert repr(Bidirectional(inner, "sum")) == "Bidirectional(LSTM(units=4, return_sequences=True), merge_mode='sum')"
    assert layer.get_config()["layer"]["config"]["name"] == "reader"


def test_a_class_of_one_s_own_comes_back_by_its_name():
    class Reader(LSTM):
        def __init__(self, units, f=None, **kwargs):
            super().__init__(units, **kwargs)

    class Other(nnlite.Layer):
        pass

    layer = Bidirectional(Reader(3))
    again = Bidirectional.from_config(layer.get_config())
    assert type(again.forward_layer) is Reader
    with pytest.raises(TypeError, match=r"Reader: f: expected an attribute self\.f or a value that JSON can write"):
        Bidirectional(Reader(3, f=abs))
    for name in ("Nothing", "Other", "Dense"):
        config = layer.get_config() | {"layer": {"class": name, "config": {}}}
        with pytest.raises(ValueError, match=f"recurrent layer class '{name}' is not known: if it is your own"):
            Bidirectional.from_config(config)


def test_initial_states_of_both():
    layer = made(LSTM(5, dtype="float64"))
    layer.forward(X)
    first = layer.state
    layer.forward(X)
    for once, twice in zip(first, layer.state, strict=True):
        assert_same_bits(once, twice)
    assert_close(layer.forward(X, initial_state=tuple(np.zeros((4, 5)) for _ in range(4))), layer.forward(X), 1e-12)
    for wrong in (first[:2], (*first, first[0])):
        with pytest.raises(ValueError, match=r"initial_state: expected \(h, c, h, c\), each of shape \(N, H\)"):
            layer.forward(X, initial_state=wrong)
    with pytest.raises(ValueError, match=r"initial_state c: expected shape \(N, H\) = \(4, 5\), got \(3, 5\)"):
        layer.forward(X, initial_state=(*first[:3], first[3][:3]))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Bidirectional(Dense(3)), TypeError, r"expected a recurrent layer, such as LSTM\(32\), got Dense"),
        (lambda: Bidirectional(LSTM), TypeError, r"expected a recurrent layer, .* make one, LSTM\(\.\.\.\)"),
        (lambda: Bidirectional(Bidirectional(LSTM(3))), TypeError, "expected a recurrent layer"),
        (lambda: Bidirectional(Sequential([LSTM(3)])), TypeError, "wrap each of the model's recurrent layers in a Bid"),
        (lambda: Bidirectional(LSTM(3, stateful=True)), ValueError, "stateful goes on where the batch before ended"),
        (
            lambda: Bidirectional(LSTM(3), "max"),
            ValueError,
            "expected one of concat, sum, mul, ave, got 'max'",
        ),
        (
            lambda: Bidirectional(LSTM(3), None),
            ValueError,
            "expected one of concat, sum, mul, ave, got None",
        ),
    ],
)
def test_what_cannot_be_read_both_ways(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_layer_with_weights_is_refused():
    layer = LSTM(3)
    layer.build((2, 2))
    with pytest.raises(ValueError, match="has its weights already, and would not share them"):
        Bidirectional(layer)


def test_it_has_no_single_steps():
    model = Sequential([Bidirectional(LSTM(3, return_sequences=True)), Dense(2)], input_shape=(6, 3), seed=0)
    for step in (model.step, model.stepper(4)):
        with pytest.raises(RuntimeError, match=r"bidirectional \(Bidirectional\) has no single steps: .* LSTM alone"):
            step(X[:, 0].astype("float32"))


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.zeros((2, 3), "float32"), ValueError, r"x: expected shape \(N, T, F\), or ids \(N, T\), got float32 of"),
        (np.zeros((2, 3, 6), "float32"), ValueError, r"x: expected shape \(N, T, F\) = \(any, any, 5\), got"),
        (np.zeros((2, 0, 5), "float32"), ValueError, "at least one time step, got T = 0"),
        (np.zeros((2, 3, 5), complex), TypeError, "x: expected numbers, got an array of complex128"),
        (np.array([[0, 5]]), IndexError, r"x: expected ids in 0 \.\. 4, got 5 at \(0, 1\)"),
        ([[0, 5]], IndexError, r"x: expected ids in 0 \.\. 4, got 5 at \(0, 1\)"),
    ],
)
@pytest.mark.parametrize("is_built", [False, True])
def test_bad_input_is_refused(x, error, message, is_built):
    layer = Bidirectional(LSTM(4, input_dim=5))
    if is_built:
        layer.build((3, 5))
    elif isinstance(x, np.ndarray) and x.shape == (2, 3, 6):
        error, message = ValueError, "LSTM: input_dim is 5, but the input has 6 features"
    with pytest.raises(error, match=message):
        layer.forward(x)
    with pytest.raises(RuntimeError, match="Bidirectional: backward needs a forward before it"):
        layer.backward(np.zeros((2, 8), "float32"))


def test_its_layers_have_the_flag_trainable(tmp_path, capsys):
    x, y = np.random.default_rng(0).standard_normal((8, 3, 4)).astype("float32"), np.arange(8) % 2
    later = Bidirectional(LSTM(4))
    later.forward_layer.trainable = later.backward_layer.trainable = False
    for layer in (Bidirectional(LSTM(4, trainable=False)), Bidirectional(LSTM(4), trainable=False), later):
        model = Sequential([layer, Dense(2)], input_shape=(3, 4), seed=0)
        model.compile("adam", nnlite.SparseCategoricalCrossentropy(from_logits=True))
        before = layer.get_weights()
        model.fit(x, y, verbose=0)
        model.save(tmp_path / "m.safetensors")
        for same in (layer, nnlite.load_model(tmp_path / "m.safetensors").layers[0]):
            assert not same.trainable
            assert not same.backward_layer.trainable
            for array, old in zip(same.get_weights(), before, strict=True):
                assert_same_bits(array, old)
        model.summary()
        assert " frozen" in capsys.readouterr().out
    later.forward_layer.trainable = True
    model.predict(x)
    with pytest.raises(ValueError, match="trainable: expected the same of forward_layer and backward_layer, got True"):
        model.fit(x, y, verbose=0)
    later.trainable = True
    model.fit(x, y, verbose=0)
    assert all((array != old).any() for array, old in zip(later.get_weights(), before, strict=True))
