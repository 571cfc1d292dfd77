"""Models as ONNX graphs, run by onnxruntime; and back."""

import itertools
import os

import numpy as np
import pytest
from extras import import_extra
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx_models import Draw

from nnlite import (
    GRU,
    LSTM,
    RNN,
    AvgPool2D,
    BatchNorm,
    Bidirectional,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    Layer,
    LayerNorm,
    MaxPool2D,
    RepeatVector,
    Reshape,
    Sequential,
    TimeDistributed,
)
from nnlite.interop import OnnxError, from_onnx, to_onnx

onnx = import_extra("onnx", "onnx")
onnxruntime = import_extra("onnxruntime", "test")
ReferenceEvaluator = import_extra("onnx.reference", "onnx").ReferenceEvaluator

DRAWN = settings().max_examples // 4  # of `make test`; 25 times as many in test-long


def session(proto):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the tests share the cores
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])


def close(y, expected, tolerance=1e-5):
    assert y.shape == expected.shape
    assert np.abs(y - expected).max(initial=0) <= tolerance * max(1, np.abs(expected).max(initial=0))


def ops(proto):
    return [node.op_type for node in proto.graph.node]


def dims(value):
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


# Random models of all layers and options.


def drawn(seed, dtype="float32"):
    draw = Draw(seed)
    model, shape, V = draw.model(dtype)
    draw.fill(model)
    proto = to_onnx(model)  # which has onnx.checker check it
    inputs = []
    for N in (1, 3):
        T = shape[0] + N - 1 if dims(proto.graph.input[0])[1:2] == ["T"] else shape[0]
        inputs.append(draw.inputs(N, (T, *shape[1:]), V, dtype))
    return model, proto, inputs


@settings(max_examples=DRAWN)
@given(st.integers(0, 2**32))
def test_any_model_is_run_by_onnxruntime(seed):
    model, proto, inputs = drawn(seed)
    run = session(proto)
    for x in inputs:
        model.reset_state()
        y = model.forward(x)
        close(run.run(["y"], {"x": x})[0], y)
        known = {"N": x.shape[0], "T": x.shape[1] if x.ndim > 1 else None}
        for said, size in zip(dims(proto.graph.output[0]), y.shape, strict=True):
            assert known.get(said, said) in (size, 0)  # 0 is a size that is not said


@settings(max_examples=DRAWN)
@given(st.integers(0, 2**32))
def test_any_model_comes_back_bit_for_bit(seed):
    model, proto, inputs = drawn(seed)
    again = from_onnx(proto.SerializeToString())
    for x in inputs:
        model.reset_state()
        np.testing.assert_array_equal(again.forward(x), model.forward(x))


def test_a_pool_padded_by_its_windows_fixes_the_number_of_images():
    """Where it varies, how much of the padding a window meets does, too, and runtimes refuse as much as a window."""
    model = Sequential([TimeDistributed(Dense(3)), MaxPool2D(2, (2, 3), [(0, 2), 1])], (9, 7, 2), seed=0)
    proto = to_onnx(model)
    assert dims(proto.graph.input[0])[1:] == [9, 7, 2]
    x = np.random.default_rng(0).normal(size=(2, 9, 7, 2)).astype("float32")
    close(session(proto).run(["y"], {"x": x})[0], model.forward(x))


@settings(max_examples=DRAWN // 2)
@given(st.integers(0, 2**32))
def test_any_model_in_float64(seed):
    """Where onnxruntime has the operators in float64; `test_images_in_float64` asks ONNX's own evaluator."""
    model, proto, inputs = drawn(seed, "float64")
    model.reset_state()
    y = model.forward(inputs[0])
    assert proto.graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.DOUBLE
    np.testing.assert_array_equal(from_onnx(proto).forward(inputs[0]), y)
    if not {*ops(proto)} & {"Conv", "AveragePool", "LeakyRelu", "Gelu", "RNN", "LSTM", "GRU"}:
        close(session(proto).run(["y"], {"x": inputs[0]})[0], y, 1e-7)  # attributes, such as epsilon, are float32


@pytest.mark.parametrize("layer", [Conv2D(3, 2, padding="same"), AvgPool2D(2, padding=1)], ids=["conv", "pool"])
def test_images_in_float64(layer):
    x = np.random.default_rng(0).normal(size=(2, 5, 4, 3))
    model = Sequential([layer, Flatten(), Dense(2)], (5, 4, 3), "float64", seed=0)
    close(ReferenceEvaluator(to_onnx(model)).run(["y"], {"x": x})[0], model.forward(x), 1e-12)


# Recurrent layers: states and lengths.


def recurrent(kind, **options):
    if kind in ("tanh", "relu"):
        return RNN(5, activation=kind, **options)
    return LSTM(5, **options) if kind == "lstm" else GRU(5, reset_after=kind == "gru", **options)


def every_recurrent():
    for kind, sequences, ids in itertools.product(("tanh", "relu", "lstm", "gru", "gru_paper"), (0, 1), (0, 1)):
        options = {"return_sequences": bool(sequences)} | ({"input_dim": 7} if ids else {})
        yield recurrent(kind, **options)
        yield recurrent(kind, go_backwards=True, **options)
        for mode in ("concat", "sum", "mul", "ave"):
            yield Bidirectional(recurrent(kind, **options), mode)


def state_names(layer):
    if isinstance(layer, Bidirectional):
        return [f"{way}_{state}" for way in ("forward", "backward") for state in layer.forward_layer.states]
    return list(layer.states)


@pytest.mark.parametrize("layer", [*every_recurrent()], ids=repr)
@pytest.mark.parametrize(("with_states", "with_lengths"), [*itertools.product((False, True), repeat=2)])
def test_recurrent_layers_with_states_and_lengths(layer, with_states, with_lengths):
    rng, ids = np.random.default_rng(0), getattr(layer, "forward_layer", layer).input_dim is not None
    shape = (None,) if ids else (None, 7)
    layer = type(layer).from_config(layer.get_config())
    layer.build(shape)
    for array in layer.params.values():
        array += rng.normal(size=array.shape) * 0.2
    proto = to_onnx(layer, input_shape=shape, states=with_states, lengths=with_lengths)
    run, again, names = session(proto), from_onnx(proto).layers[0], state_names(layer)
    for N, T, is_given in ((1, 1, True), (4, 6, True), (3, 5, False)):
        x = rng.integers(0, 7, (N, T)) if ids else rng.normal(size=(N, T, 7)).astype("float32")
        feeds, call = {"x": x}, {}
        if with_lengths and is_given:
            feeds["lengths"] = call["lengths"] = rng.integers(0, T + 1, N)  # 0, too
        if with_states and is_given:
            call["initial_state"] = [rng.normal(size=(N, 5)).astype("float32") for _ in names]
            feeds |= {f"{layer.name}.initial_{name}": a for name, a in zip(names, call["initial_state"], strict=True)}
        y, *states = run.run(None, feeds)
        close(y, layer.forward(x, **call))
        assert len(states) == (len(names) if with_states else 0)
        for state, expected in zip(states, layer.state, strict=False):
            close(state, expected)
        np.testing.assert_array_equal(again.forward(x, **call), layer.forward(x, **call))
    assert [o.name for o in proto.graph.output[1:]] == [f"{layer.name}.final_{name}" for name in names if with_states]


def test_a_stateful_layer_is_fed_its_state():
    model = Sequential([LSTM(4, stateful=True, return_sequences=True), Dense(2)], (None, 3), seed=0)
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
    run, states = session(to_onnx(model)), {}
    for part in (x[:, :2], x[:, 2:]):
        y, h, c = run.run(["y", "lstm.final_h", "lstm.final_c"], {"x": part, **states})
        close(y, model.forward(part))
        states = {"lstm.initial_h": h, "lstm.initial_c": c}
    assert to_onnx(Sequential([LSTM(4, stateful="training")], (None, 3))).graph.output[1:] == []
    alone = to_onnx(GRU(4, return_state=True), input_shape=(None, 3))
    assert [output.name for output in alone.graph.output] == ["y", "gru.final_h"]


def test_lengths_go_through_a_model():
    layers = [Dense(4), LSTM(5, return_sequences=True), LayerNorm(), Bidirectional(GRU(3)), Dense(2)]
    model = Sequential([Sequential(layers[:2], name="inner"), *layers[2:]], (None, 3), seed=0)
    x, lengths = np.random.default_rng(0).normal(size=(3, 5, 3)).astype("float32"), np.array([5, 1, 3])
    run = session(to_onnx(model, lengths=True))
    close(run.run(["y"], {"x": x, "lengths": lengths})[0], model.forward(x, lengths=lengths))
    close(run.run(["y"], {"x": x})[0], model.forward(x))


# The graph.


def test_the_nodes_have_the_names_of_the_layers():
    inner = Sequential([Dense(4, "relu", name="first"), Dense(3, use_bias=False)], name="inner")
    proto = to_onnx(Sequential([inner, TimeDistributed(Dense(2))], (None, 5), name="net"))
    assert proto.graph.name == "net"
    names = ["inner.first", "inner.first/bias", "inner.first/relu", "inner.dense", "time_distributed"]
    assert [node.name for node in proto.graph.node] == [*names, "time_distributed/bias"]
    assert {"inner.first.W", "inner.first.b", "inner.dense.W"} <= {array.name for array in proto.graph.initializer}


@pytest.mark.parametrize("name", ["x", "y", "lengths", "N"])
def test_layers_may_have_the_names_of_inputs_and_outputs(name):
    model = Sequential([Dense(3), LSTM(4, return_sequences=True, name=name)], (None, 2), seed=0)
    x = np.random.default_rng(0).normal(size=(2, 3, 2)).astype("float32")
    close(session(to_onnx(model, states=True, lengths=True)).run(["y"], {"x": x})[0], model.forward(x))


def test_opset_and_axes_are_stated():
    proto = to_onnx(Sequential([LSTM(4, return_sequences=True), Dense(2)], (7, 3)))
    assert [(o.domain, o.version) for o in proto.opset_import] == [("", 20)]
    assert (proto.ir_version, proto.producer_name) == (9, "nnlite")
    assert dims(proto.graph.input[0]) == ["N", "T", 3]
    assert dims(proto.graph.output[0]) == ["N", "T", 2]


@pytest.mark.parametrize(
    ("layers", "shape", "expected"),
    [
        ([LSTM(4), RepeatVector(3)], (7, 3), ["N", "T", 3]),
        ([LSTM(4, return_sequences=True), Flatten(), Dense(2)], (7, 3), ["N", 7, 3]),
        ([LSTM(4, return_sequences=True), Reshape((2, -1))], (8, 3), ["N", 8, 3]),
        ([Embedding(9, 4), GRU(3)], (7,), ["N", "T"]),
        ([Embedding(9, 4), Flatten(), Dense(3)], (7,), ["N", 7]),
        ([Dense(4)], (7,), ["N", 7]),
        ([Conv2D(4, 3)], (7, 7, 3), ["N", 7, 7, 3]),
        ([Conv2D(4, 3)], (None, None, 3), ["N", "H", "W", 3]),
        ([TimeDistributed(Conv2D(4, 3)), TimeDistributed(Flatten()), LSTM(3)], (5, 7, 7, 3), ["N", "T", 7, 7, 3]),
    ],
)
def test_time_is_open_unless_a_layer_needs_it_fixed(layers, shape, expected):
    layers = [type(layer).from_config(layer.get_config()) for layer in layers]
    proto = to_onnx(Sequential(layers, shape))
    assert dims(proto.graph.input[0]) == expected
    fixed = to_onnx(Sequential([type(layer).from_config(layer.get_config()) for layer in layers]), input_shape=shape)
    assert dims(fixed.graph.input[0])[1:] == [size or "HW"[i] for i, size in enumerate(shape)]


@pytest.mark.parametrize(
    ("layers", "shape", "count"),
    [
        ([Conv2D(4, 3, activation="relu"), BatchNorm(), MaxPool2D(), Conv2D(4, 1), Flatten(), Dense(2)], (9, 9, 1), 2),
        ([LSTM(4, return_sequences=True), LayerNorm(), GRU(3, return_sequences=True), Dense(2)], (None, 3), 2),
        ([LSTM(4), RepeatVector(5), LSTM(3, return_sequences=True), Dense(2, "softmax")], (None, 3), 2),
        ([Dense(4), Dense(2)], (None, 3), 0),
    ],
)
def test_neighbours_share_their_axes(layers, shape, count):
    assert ops(to_onnx(Sequential(layers, shape))).count("Transpose") == count


@pytest.mark.parametrize("size", [(8, 8), (9, 5)])
@pytest.mark.parametrize("strides", [1, 2])
def test_images_of_any_size(size, strides):
    layers = [Conv2D(3, 3, strides, "same"), MaxPool2D(3, 2, "same"), AvgPool2D(2, 1, "same"), Conv2D(2, 3, 1, 2)]
    model = Sequential(layers, (None, None, 2), seed=0)
    proto, x = to_onnx(model), np.random.default_rng(0).normal(size=(2, *size, 2)).astype("float32")
    close(session(proto).run(["y"], {"x": x})[0], model.forward(x))
    np.testing.assert_array_equal(from_onnx(proto).forward(x), model.forward(x))


def test_metadata_and_file(tmp_path):
    model, path = Sequential([Dense(2)], (3,), seed=0), tmp_path / "model.onnx"
    to_onnx(model, path, metadata={"vocabulary": "abc"})
    assert os.listdir(tmp_path) == ["model.onnx"]
    proto = onnx.load(path)
    assert [(p.key, p.value) for p in proto.metadata_props] == [("vocabulary", "abc")]
    x = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(from_onnx(path).forward(x), model.forward(x))
    np.testing.assert_array_equal(from_onnx(str(path)).forward(x), model.forward(x))


def test_no_other_file_is_lost(tmp_path):
    model = Sequential([Dense(2)], (3,), seed=0)
    for name in ("precious.txt", "model.safetensors"):
        (tmp_path / name).write_text("precious")
        with pytest.raises(ValueError, match=r"to_onnx: path: expected a name that ends in .onnx, .*: use "):
            to_onnx(model, tmp_path / name)
        assert (tmp_path / name).read_text() == "precious"


def test_calls_that_are_not_meant_so():
    model = Sequential([Dense(2)], (3,))
    with pytest.raises(TypeError, match=r"path: expected the path .*, got ndarray: an example of x is not needed"):
        to_onnx(model, np.ones((1, 3)))
    with pytest.raises(TypeError, match=r"to_onnx: expected at most 2 arguments without a name \(model, path\), got 3"):
        to_onnx(model, np.ones((1, 3)), "e.onnx")
    with pytest.raises(TypeError, match=r"model: .*, got the path 'a.onnx': the model comes first, to_onnx\(model"):
        to_onnx("a.onnx", model)
    for name, words in {"opset_version": "of opset 20", "input_names": "the input is 'x'", "f": "use path"}.items():
        with pytest.raises(TypeError, match=f"to_onnx: unknown argument '{name}': .*{words}"):
            to_onnx(model, **{name: 17})


# What has no form in ONNX.


class Square(Layer):
    def forward(self, x, training=False):
        return x * x

    def backward(self, dy):
        return dy


class MyDense(Dense):
    pass


class MyLSTM(LSTM):
    pass


class Twice(Sequential):
    def forward(self, x, training=False, lengths=None):
        return 2 * super().forward(x, training, lengths)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (Sequential([Square(), Dense(2, Square), MyDense(2)], (3,)), {}, r"square .*, dense \(Square\), my_dense"),
        (Sequential([Twice([Dense(2)])], (3,)), {}, r"sequential \(Twice\)"),
        (Sequential([TimeDistributed(Square())], (4, 3)), {}, r"time_distributed \(Square\)"),
        (Sequential([Bidirectional(MyLSTM(2))], (4, 3)), {}, r"bidirectional \(MyLSTM\)"),
        (Sequential([Dense(2)]), {}, "sequential has no shape of its inputs yet: give input_shape"),
        (Sequential([]), {"input_shape": (3,)}, "sequential has no layers"),
        (Sequential([Dense(2)], (3,)), {"lengths": True}, "lengths: expected False, as no layer is recurrent"),
        (
            Sequential([Dense(2)], (3,)),
            {"path": "no/such/folder/a.onnx"},
            "cannot write no/such/folder/a",
        ),
        (
            Sequential([Conv2D(2, 2, 2, "same", dilation_rate=2)], (None, None, 1)),
            {},
            "conv2d: expected images of known height and width, as padding='same'",
        ),
        (
            Sequential([MaxPool2D(2, (2, 3), [(0, 2), 1])], (None, 7, 1)),
            {},
            "max_pool2d: expected images of known height and width, as the padding is as large as a window",
        ),
    ],
)
def test_what_cannot_be_exported_is_named(model, options, message):
    with pytest.raises(OnnxError, match=message):
        to_onnx(model, **options)


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match="model: expected a Sequential or a layer, got list"):
        to_onnx([Dense(2)])
    with pytest.raises(TypeError, match=r"source: expected a path, bytes or .*, got int"):
        from_onnx(3)


def test_without_onnx_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    for call in (lambda: to_onnx(Sequential([Dense(2)], (3,))), lambda: from_onnx("a.onnx")):
        with pytest.raises(ImportError, match=r"pip install 'nnlite-learn\[onnx\]'"):
            call()
