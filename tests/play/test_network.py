"""network.js computes what the kernels compute: logits over 2,000 steps, gradients, draws, and what derive writes."""

import json
from inspect import signature

import browser
import numpy as np
import pytest

import nnlite
from nnlite import GRU, LSTM, RNN, Dense, Dropout, Embedding, LayerNorm, OneHot, Sequential, derive, inspect
from nnlite.play.network import network
from nnlite.play.page import html_page
from nnlite.text import Vocabulary, generate, pretrained_model

CHARACTERS = "".join(sorted("abcdefghijklmnopqrstuvwxyz ,.;:!?'-\nèß"))
V, T = len(CHARACTERS), 2000

# Scripts: functions of a network and of what else is given. `read` returns the records of all layers after each id.
READ = """(network, ids) => {
  const steps = [];
  for (const id of ids) steps.push(stepOf(network, steps.length ? steps[steps.length - 1] : startOf(network), id));
  return steps;
}"""
RUN = "(network, ids) => read(network, ids).map((now) => [...logitsOf(network, now)])"
BACK = """(network, [ids, layer]) => {
  const steps = read(network, ids.slice(0, -1));
  const found = backward(network, steps, steps.map((now, t) => lossBack(logitsOf(network, now), ids[t + 1])));
  const isArray = ([, value]) => value instanceof Float64Array;
  const plain = (record) => Object.entries(record).filter(isArray).map(([name, array]) => [name, [...array]]);
  return steps.map((now, t) => Object.fromEntries([...plain(now[layer]), ...plain(found[t][layer])]));
}"""
WRITTEN = """(network, [ids, t, u]) => {
  const steps = read(network, ids.slice(0, -1));
  const found = backward(network, steps, steps.map((now, t) => lossBack(logitsOf(network, now), ids[t + 1])));
  return written(network[0], steps[t][0], found[t][0], found[t + 1][0].before, u);
}"""
WRITE = """(network, [start, choice, held = []]) => {
  const next = uniformsOf(3), ids = [], options = network.map((_, n) => ({ hold: new Map(held[n]) }));
  let now = startOf(network, options);
  for (const id of start) now = stepOf(network, now, id, options);
  for (let k = 0; k < 500; k++) {
    if (k) now = stepOf(network, now, ids[k - 1], options);
    ids.push(draw(logitsOf(network, now), choice, next()));
  }
  return ids;
}"""
MOVED = """(network, [ids, options]) => {
  let now = startOf(network);
  return ids.map((id) => [...logitsOf(network, (now = stepOf(network, now, id, [options])))]);
}"""
HELD = """([layer]) => {
  const one = KINDS[layer.kind], hold = new Map([[2, 0.25]]), steps = [];
  for (let t = 0; t < 5; t++) steps.push(one.step(layer, t, t ? steps[t - 1] : one.start(layer), { hold }));
  const { before } = one.back(layer, steps[4], Float64Array.from(steps[4].h, () => 1), one.start(layer));
  const rest = (now) => now.h[2] - (now.o ? now.o[2] * Math.tanh(0.25) : 0.25);
  return { held: steps.map((now) => now[one.state][2]), free: steps.map((now) => now[one.state][3]),
    rest: steps.map(rest), before: [...before[one.state]] };
}"""

SEQUENCES = {"return_sequences": True}
LAYERS = {
    "LSTM": lambda: [LSTM(30, input_dim=V, **SEQUENCES), Dropout(0.5)],
    "GRU": lambda: [GRU(30, input_dim=V, **SEQUENCES)],
    "GRU, reset before": lambda: [GRU(30, input_dim=V, reset_after=False, **SEQUENCES)],
    "RNN": lambda: [RNN(40, input_dim=V, **SEQUENCES)],
    "RNN with ReLU": lambda: [RNN(20, input_dim=V, activation="relu", **SEQUENCES), Dense(30, "tanh", use_bias=False)],
    "stack": lambda: [
        *(Embedding(V, 16), LSTM(30, **SEQUENCES), LayerNorm(), GRU(20, **SEQUENCES), Dropout(0.2), nnlite.Tanh()),
        *(Dense(20, nnlite.LeakyReLU(0.1)), RNN(20, **SEQUENCES), nnlite.Sigmoid()),
    ],
    "one-hot vectors": lambda: [OneHot(V), LSTM(15, **SEQUENCES), LSTM(15, **SEQUENCES), nnlite.ReLU()],
}
every_kind = pytest.mark.parametrize("kind", LAYERS)
every_cell = pytest.mark.parametrize("kind", ["LSTM", "GRU", "GRU, reset before", "RNN"])


def made(kind, last=("linear",), dtype="float32"):
    """A model whose weights are no first weights: biases are not 0. Float32 holds them, whatever its dtype.

    Larger ones would make an RNN chaotic: then the last bit of a sum decides what it computes 100 steps later.
    """
    model = Sequential([*LAYERS[kind](), Dense(V, *last)], input_shape=(None,), dtype=dtype, seed=0)
    rng = np.random.default_rng(1)
    for array in model.params.values():
        noise = (0.02 if array.ndim > 1 else 0.1) * rng.standard_normal(array.shape)
        array[...] = (array + noise).astype(np.float32)
    model.vocabulary = Vocabulary(CHARACTERS)
    return model


def drawn_ids(n):
    return np.random.default_rng(0).integers(V, size=n)


@pytest.fixture(scope="module")
def page(chromium, tmp_path_factory):
    """A page with the scripts, and no model."""
    text = html_page("network", scripts=[f"{name}.js" for name in ("network", "sampling", "dom", "written")], data={})
    opened = browser.opened(chromium, text, tmp_path_factory.mktemp("network"))
    opened.evaluate(f"() => {{ read = {READ}; }}")
    yield opened
    assert opened.complaints == []


@pytest.fixture
def run(page):
    """A function that runs a script with a model. As JSON what it returns takes a tenth of the time."""

    def run_script(script, model, argument=None):
        data = json.dumps(network(model, len(model.vocabulary)))
        call = f"([data, argument]) => JSON.stringify(({script})(readNetwork(JSON.parse(data)), argument))"
        return json.loads(page.evaluate(call, [data, argument]))

    return run_script


@every_kind
def test_logits_of_2000_steps_are_the_kernels(run, kind):
    model, ids = made(kind), drawn_ids(T)
    expected = model.forward(ids[None])[0]
    assert np.abs(expected).max() > 0.2
    np.testing.assert_allclose(run(RUN, model, ids.tolist()), expected, rtol=0, atol=2e-5)


def test_a_trained_model_reads_2000_characters_alike(run):
    model = pretrained_model()
    text = generate(model, model.vocabulary, "", T, rng=0)
    ids = model.vocabulary.encode(text, dtype="int64")
    np.testing.assert_allclose(run(RUN, model, ids.tolist()), model.forward(ids[None])[0], rtol=0, atol=2e-5)


def test_a_model_in_float64_is_rounded(run):
    model, ids = made("GRU", dtype="float64"), drawn_ids(T)
    for array in model.params.values():
        array *= 1 + 1e-9
    np.testing.assert_allclose(run(RUN, model, ids.tolist()), model.forward(ids[None])[0], rtol=0, atol=2e-5)


def test_of_a_softmax_they_are_the_logarithms(run):
    ids, model = drawn_ids(50), made("RNN", ["softmax"])
    two_layers = Sequential([*model.layers[:-1], Dense(V), nnlite.Softmax()], input_shape=(None,))
    two_layers.set_weights(model.get_weights())
    two_layers.vocabulary = model.vocabulary
    for one in (model, two_layers):
        expected = np.log(one.forward(ids[None])[0])
        np.testing.assert_allclose(run(RUN, one, ids.tolist()), expected, rtol=0, atol=2e-5)


def test_float16_is_taken_only_where_it_loses_nothing():
    model = made("LSTM")
    assert network(model, V)["format"] == "float32"
    for array in model.params.values():
        array[...] = array.astype(np.float16)
    assert network(model, V)["format"] == "float16"
    model.params["lstm.b"][0] = 1e-6  # a subnormal float16 has few digits
    assert network(model, V)["format"] == "float32"


@pytest.mark.parametrize("number", [0.0, -0.0, 1.0, -65504.0, 6e-8, 2.0**-14, 0.333251953125])
def test_float16_is_read_as_it_is_written(run, number):
    model = made("RNN")
    for array in model.params.values():
        array[...] = np.float16(number)
    assert run("(network) => network[0].arrays.Wh.numbers[3]", model) == np.float16(number)


@every_kind
def test_gradients_are_those_of_trace(run, kind):
    """In float64, with the same weights: nothing but the order of sums differs."""
    model, ids = made(kind, dtype="float64"), drawn_ids(40)
    loss = nnlite.SparseCategoricalCrossentropy(from_logits=True)
    seen = inspect.trace(model, ids[None, :-1], ids[None, 1:], loss=loss)
    compared = set()
    for n, layer in enumerate(network(model, V)["layers"]):
        if layer["name"] not in seen:
            continue
        steps = run(BACK, model, [ids.tolist(), n])
        names = {"LSTM": "ifgoch", "GRU": "zrgh", "RNN": "h"}[layer["kind"]]
        for name in (*names, *(f"d{name}" for name in names), *(["dz"] if layer["kind"] == "RNN" else [])):
            scale = len(steps) if name.startswith("d") else 1  # of the mean of the losses; here they are added
            got, expected = [step[name] for step in steps], scale * seen[layer["name"]][name][0]
            np.testing.assert_allclose(got, expected, rtol=1e-7, atol=1e-10, err_msg=f"{layer['name']} {name}")
            compared.add(name)
    assert "dh" in compared


@every_cell
def test_what_is_written_out_is_what_derive_writes(run, kind, monkeypatch):
    for one in (LSTM, GRU, RNN):  # the derivation of 30 units is long
        monkeypatch.setitem(LAYERS, one.__name__, lambda one=one: [one(4, input_dim=V, **SEQUENCES)])
    monkeypatch.setitem(LAYERS, "GRU, reset before", lambda: [GRU(4, input_dim=V, reset_after=False, **SEQUENCES)])
    model, ids, t, u = made(kind, dtype="float64"), drawn_ids(6), 2, 1
    layer, dense = model.layers
    y = layer.forward(ids[None, :-1])
    loss = nnlite.SparseCategoricalCrossentropy(from_logits=True)
    loss.forward(ids[None, 1:], dense.forward(y))
    dy = dense.backward(loss.backward() * (len(ids) - 1))
    lines = " ".join(str(derive.backward(layer, ids[None, :-1], dy, at={"step": (0, t, u)}, max_lines=10_000)).split())
    rows = run(WRITTEN, model, [ids.tolist(), t, u])
    assert len(rows) == {"LSTM": 11, "GRU": 8, "GRU, reset before": 7, "RNN": 2}[kind]
    for name, letters, numbers, value in rows:
        assert f"{name} = {letters} = {numbers} = {value}" in lines


SETTINGS = [
    {"temperature": 1.0},
    {"temperature": 0.5},
    {"temperature": 0.0},
    {"temperature": 1.3, "top_k": 5},
    {"temperature": 0.9, "top_p": 0.8},
    {"temperature": 1.1, "top_k": 12, "top_p": 0.9},
]


def choice(temperature, top_k=V, top_p=1):
    """The settings as the page has them."""
    return {"temperature": temperature, "topK": top_k, "topP": top_p}


@pytest.mark.parametrize("settings", SETTINGS, ids=json.dumps)
def test_the_same_numbers_draw_the_same_500_characters(run, settings):
    model, start = pretrained_model(), "my love\n"
    if settings["temperature"] != 1:  # once for all
        model = made("LSTM")
        model.params["dense.W"] *= 10
    expected = generate(model, model.vocabulary, start, 500, rng=3, **settings)
    ids = run(WRITE, model, [model.vocabulary.encode(start).tolist(), choice(**settings)])
    assert model.vocabulary.decode(ids) == expected


def test_probabilities_and_entropy_are_those_of_python(page):
    logits = 3 * np.random.default_rng(0).standard_normal(30)
    logits[7] = logits[3]  # of equals the first are kept
    for settings in SETTINGS:
        p = np.array(page.evaluate("([a, b]) => probabilities(a, b)", [logits.tolist(), choice(**settings)]))
        np.testing.assert_allclose(p, nnlite.sampling_probabilities(logits, **settings), rtol=1e-12, atol=1e-15)
        expected = -(p[p > 0] * np.log(p[p > 0])).sum()
        assert page.evaluate("p => entropy(p)", p.tolist()) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", [0, 1, 7, 2**32 - 1, 2**32, 2**53 - 1])
def test_random_numbers_are_numpys(page, seed):
    found = page.evaluate("seed => { const next = uniformsOf(seed); return Array.from({length: 50}, next); }", seed)
    assert found == np.random.default_rng(seed).random(50).tolist()


def test_a_number_is_written_with_four_digits(page):
    some = [
        0,
        -0.0,
        3,
        -2,
        0.1,
        1 / 3,
        -1234.56,
        12345.6,
        1e-4,
        0.00012345,
        1.5e-5,
        -2.5e-10,
        99999.9,
        999999,
        1e6,
        3e20,
    ]
    for number in some:
        expected = str(int(number)) if float(number).is_integer() and abs(number) < 1e6 else f"{number:.4g}"
        assert page.evaluate("x => digits(x)", number) == expected


@every_cell
def test_a_held_cell_stays_and_hands_no_gradient_on(run, kind):
    found = run(HELD, made(kind))
    assert found["held"] == [0.25] * 5
    assert len(set(found["free"])) == 5
    assert found["rest"] == [0] * 5
    if kind == "LSTM":  # elsewhere other units' sums hand something on
        assert found["before"][2] == 0 != found["before"][3]


@pytest.mark.parametrize(
    ("kind", "gate", "block"), [("LSTM", "f", 1), ("LSTM", "o", 3), ("GRU", "z", 0), ("GRU", "r", 1)]
)
def test_a_gate_is_moved_as_by_its_bias(run, kind, gate, block):
    model, ids = made(kind), drawn_ids(30)
    got = run(MOVED, model, [ids.tolist(), {"shift": {gate: 1.5}}])
    b = model.layers[0].params["b"]
    H = model.layers[0].units
    b.reshape(-1, b.shape[-1])[0, block * H : (block + 1) * H] += 1.5
    np.testing.assert_allclose(got, model.forward(ids[None])[0], rtol=0, atol=2e-5)


def test_a_radius_is_set_by_a_factor(run):
    model, ids = made("RNN"), drawn_ids(30)
    got = run(MOVED, model, [ids.tolist(), {"scale": 0.5}])
    inspect.set_spectral_radius(model.layers[0], 0.5 * inspect.spectral_radius(model.layers[0]))
    np.testing.assert_allclose(got, model.forward(ids[None])[0], rtol=0, atol=2e-5)


@pytest.mark.skipif("hold" not in signature(generate).parameters, reason="this nnlite holds no units")
@pytest.mark.parametrize(("kind", "state"), [("LSTM", "lstm.c"), ("GRU", "gru.h"), ("RNN", "rnn.h")])
def test_what_is_held_is_held_as_in_generate(run, kind, state):
    model, held = made(kind), {1: 2.0, 3: -1.5}
    model.params["dense.W"] *= 10  # so that the poem depends on it
    expected = generate(model, model.vocabulary, "love", 500, rng=3, hold={state: held})
    assert expected != generate(model, model.vocabulary, "love", 500, rng=3)
    start = model.vocabulary.encode("love").tolist()
    ids = run(WRITE, model, [start, choice(temperature=1), [[[unit, value] for unit, value in held.items()]]])
    assert model.vocabulary.decode(ids) == expected
