"""Graphs of ONNX that others wrote, as models: compared with onnxruntime, and with ONNX's own tests of operators."""

import contextlib
import itertools
import os
import re
import warnings

import numpy as np
import pytest
from extras import import_extra
from hypothesis import given, settings
from hypothesis import strategies as st
from test_hostile_files import within

from nnlite import LSTM, Dense, Sequential
from nnlite.interop import OnnxError, from_onnx, to_onnx

onnx = import_extra("onnx", "onnx")
onnxruntime = import_extra("onnxruntime", "test")
helper, numpy_helper, TensorProto = onnx.helper, onnx.numpy_helper, onnx.TensorProto
RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def graph(nodes, x, arrays, outputs=("y",), others=(), opset=20, **options):
    """A model of these nodes: tuples (operator, inputs, outputs, attributes), with texts of names apart by spaces."""
    made = []
    for op, inputs, results, *rest in nodes:
        attributes = {"name": f"{op.lower()}{len(made)}"} | (rest[0] if rest else {})
        made.append(helper.make_node(op, inputs.split(","), results.split(","), **attributes))
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x)]
    inputs += [helper.make_tensor_value_info(n, t, s) for n, t, s in others]
    outputs = [onnx.ValueInfoProto(name=name) for name in outputs]
    for output in outputs:
        output.type.tensor_type.elem_type = TensorProto.FLOAT
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()]
    proto = helper.make_graph(made, "net", inputs, outputs, tensors)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", opset)], ir_version=9, **options)
    return model


def run(proto, **feeds):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, feeds)


def compare(proto, x, ours=None, back=None, tolerance=1e-5):
    """onnxruntime's y of x, and nnlite's of x with its axes in the order `ours`, and back."""
    expected = run(proto, x=x)[0]
    model = from_onnx(proto)
    y = model.forward(x if ours is None else x.transpose(ours))
    y = y if back is None else y.transpose(back)
    assert y.shape == expected.shape
    np.testing.assert_allclose(y, expected, atol=tolerance, rtol=tolerance)
    return model


# Recurrent nodes.

KINDS = {
    "RNN": [{}, {"activations": ["Relu"]}, {"activations": ["Tanh"]}],
    "GRU": [{}, {"linear_before_reset": 1}],
    "LSTM": [{}, {"activations": ["Sigmoid", "Tanh", "Tanh"]}],
}
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def recurrent_cases():
    """Every operator with each of its options, directions, and what it may be given."""
    for op, kinds in KINDS.items():
        for options, direction in itertools.product(kinds, ("forward", "reverse", "bidirectional")):
            for used, parts in itertools.product(("Y", "Y_h", "both"), itertools.product((False, True), repeat=3)):
                yield op, options, direction, used, parts


@pytest.mark.parametrize(("op", "options", "direction", "used", "has"), [*recurrent_cases()])
def test_recurrent_nodes(op, options, direction, used, has):
    has_bias, has_lengths, has_states = has
    N, T, F, H, D, G = 3, 5, 4, 6, 1 + (direction == "bidirectional"), GATES[op]
    arrays = {"W": normal(D, G * H, F) * 0.4, "R": normal(D, G * H, H) * 0.4}
    feeds, others, call = {"x": normal(T, N, F)}, [], {}
    inputs = ["x", "W", "R", "B" if has_bias else ""]
    if has_bias:
        arrays["B"] = normal(D, 2 * G * H) * 0.4
    inputs.append("lengths" if has_lengths else "")
    if has_lengths:
        feeds["lengths"] = np.array([5, 2, 3], "int32")
        call["lengths"] = feeds["lengths"].astype(int)
        others.append(("lengths", TensorProto.INT32, ["N"]))
    states = ["h", "c"] if op == "LSTM" else ["h"]
    if has_states:
        feeds |= {state: normal(D, N, H) for state in states}
        others += [(state, TensorProto.FLOAT, [D, "N", H]) for state in states]
        inputs += states
        call["initial_state"] = [feeds[state][d] for d in range(D) for state in states]
    outputs = ["Y" if used != "Y_h" else "", "Y_h" if used != "Y" else ""]
    attributes = {"hidden_size": H, "direction": direction, "name": "cell"} | options
    if "activations" in options:
        attributes["activations"] = options["activations"] * D
    nodes = [(op, ",".join(inputs), ",".join(outputs).rstrip(","), attributes)]
    proto = graph(nodes, ["T", "N", F], arrays, [o for o in outputs if o], others)
    expected = dict(zip([o for o in outputs if o], run(proto, **feeds), strict=True))
    if direction == "reverse" and used != "Y_h":
        with pytest.raises(OnnxError, match=r"cell \(\w+\): with direction=reverse ONNX has Y in the order of time"):
            from_onnx(proto)
        return
    layer = from_onnx(proto).layers[0]
    y = layer.forward(feeds["x"].transpose(1, 0, 2), **call)
    if used == "Y_h":
        np.testing.assert_allclose(y.reshape(N, D, H).transpose(1, 0, 2), expected["Y_h"], atol=1e-5)
    else:
        np.testing.assert_allclose(y.reshape(N, T, D, H).transpose(1, 2, 0, 3), expected["Y"], atol=1e-5)
    if used == "both":
        np.testing.assert_allclose(np.stack(layer.state[:: len(states)]), expected["Y_h"], atol=1e-5)


@pytest.mark.parametrize(
    ("op", "attributes", "arrays", "message"),
    [
        ("LSTM", {"clip": 1.0}, {}, "expected no clip"),
        ("LSTM", {"input_forget": 1}, {}, "expected input_forget=0, got 1"),
        ("LSTM", {"activations": ["Relu", "Tanh", "Tanh"]}, {}, "expected activations sigmoid, tanh, tanh, got relu"),
        ("GRU", {"activations": ["HardSigmoid", "Tanh"]}, {}, "expected activations sigmoid, tanh, got hardsigmoid"),
        ("RNN", {"activations": ["Affine"]}, {}, "expected activations tanh, got affine"),
        ("LSTM", {"hidden_size": 7}, {}, "do not fit each other and forward"),
        ("LSTM", {}, {"P": np.ones((1, 18), "float32")}, "its input P, peepholes"),
        ("LSTM", {}, {"h": np.ones((1, 2, 6), "float32")}, r"its input initial_h .* with a call, initial_state="),
        ("LSTM", {}, {"lengths": np.ones(2, "int32")}, r"its input sequence_lens .* with a call, lengths="),
    ],
)
def test_what_a_recurrent_node_may_not_have(op, attributes, arrays, message):
    G = GATES[op]
    arrays = {"W": normal(1, G * 6, 4), "R": normal(1, G * 6, 6)} | arrays
    inputs = ["x", "W", "R", "", *(name if name in arrays else "" for name in ("lengths", "h", "c", "P"))]
    attributes = {"hidden_size": 6, "name": "cell"} | attributes
    proto = graph([(op, ",".join(inputs).rstrip(","), "y", attributes)], [3, 2, 4], arrays)
    with pytest.raises(OnnxError, match=rf"cell \({op}\): .*{message}"):
        from_onnx(proto)


def test_zeros_as_initial_states_and_all_steps_as_lengths_say_nothing():
    arrays = {"W": normal(1, 24, 4), "R": normal(1, 24, 6), "h": np.zeros((1, 2, 6), "float32")}
    arrays["lengths"] = np.array([3, 3], "int32")
    nodes = [("LSTM", "x,W,R,,lengths,h,h", "Y", {"hidden_size": 6}), ("Squeeze", "Y,one", "y")]
    compare(graph(nodes, [3, 2, 4], arrays | {"one": [1]}), normal(3, 2, 4), (1, 0, 2), (1, 0, 2))


def test_batch_first_nodes():
    """layout=1, which onnxruntime does not have: the same as layout=0 with other axes."""
    arrays = {"W": normal(1, 18, 4), "R": normal(1, 18, 6)}
    x = normal(2, 5, 4)
    first = from_onnx(graph([("GRU", "x,W,R", "y", {"hidden_size": 6, "layout": 1})], ["N", "T", 4], arrays))
    second = from_onnx(graph([("GRU", "x,W,R", "y", {"hidden_size": 6})], ["T", "N", 4], arrays))
    assert first.input_shape == second.input_shape == (None, 4)
    np.testing.assert_array_equal(first(x), second(x))


def test_the_last_step_and_zeros_of_a_size_known_later():
    """As PyTorch writes an LSTM without initial states, and y[:, -1] of it."""
    arrays = {"W": normal(1, 24, 4), "R": normal(1, 24, 6), "zero": 0, "one": [1], "H": [6], "axis": [0], "last": -1}
    nodes = [
        ("Transpose", "x", "xt", {"perm": [1, 0, 2]}),
        ("Shape", "x", "shape"),
        ("Gather", "shape,zero", "N"),
        ("Unsqueeze", "N,axis", "N1"),
        ("Concat", "one,N1,H", "size", {"axis": 0}),
        ("ConstantOfShape", "size", "h"),
        ("LSTM", "xt,W,R,,,h,h", "Y,Y_h,Y_c", {"hidden_size": 6}),
        ("Squeeze", "Y,one", "steps"),
        ("Transpose", "steps", "batch", {"perm": [1, 0, 2]}),
        ("Gather", "batch,last", "y", {"axis": 1}),
    ]
    model = compare(graph(nodes, ["N", "T", 4], arrays), normal(2, 5, 4))
    assert repr(model) == "Sequential([LSTM(units=6)])"


@pytest.mark.parametrize(("direction", "D"), [("forward", 1), ("bidirectional", 2)])
def test_a_shape_that_is_a_product_of_sizes(direction, D):
    """As PyTorch's newer exporter makes one axis of the directions and the units, where the batch is open."""
    arrays = {"W": normal(D, 18, 4), "R": normal(D, 18, 6), "all": [-1]} | {f"n{i}": [i] for i in range(5)}
    nodes = [("GRU", "x,W,R", "Y", {"hidden_size": 6, "direction": direction})]
    nodes += [("Transpose", "Y", "yt", {"perm": [0, 2, 1, 3]}), ("Shape", "yt", "s", {"start": 0})]
    nodes += [("Slice", f"s,n{i},n{i + 1}", f"s{i}") for i in range(4)]
    nodes += [("Mul", "s2,s3", "p"), ("Reshape", "p,all", "p1"), ("Concat", "s0,s1,p1", "size", {"axis": 0})]
    nodes += [("Reshape", "yt,size", "y")]
    compare(graph(nodes, ["T", "N", 4], arrays), normal(5, 2, 4), (1, 0, 2), (1, 0, 2))
    arrays["n3"] = [2]  # then s2 has no size, and s3 has two
    with pytest.raises(OnnxError, match="reshape"):
        from_onnx(graph(nodes, ["T", "N", 4], arrays))


@pytest.mark.parametrize(
    ("given", "index", "direction"),
    [("h0,h1", 0, "forward"), ("h1,h0", -1, "forward"), ("h0,h1,zeros", -1, "forward"), ("h0,h1", -1, "bidirectional")],
)
def test_of_stacked_states_the_last_alone_is_read(given, index, direction):
    """h[-1] in PyTorch; its own test of what it exports has that one."""
    D = 2 if direction == "bidirectional" else 1
    arrays = {f"W{i}": normal(D, 6, F) for i, F in enumerate((4, 6 * D))} | {"R": normal(D, 6, 6), "index": index}
    options = {"hidden_size": 6, "direction": direction}
    nodes = [("RNN", "x,W0,R", "Y,h0", options), ("Transpose", "Y", "yt", {"perm": [0, 2, 1, 3]})]
    nodes += [("Reshape", "yt,shape", "y1"), ("RNN", "y1,W1,R", ",h1", options)]
    nodes += [("Concat", given, "h", {"axis": 0}), ("Gather", "h,index", "y", {"axis": 0})]
    arrays |= {"shape": [0, 0, -1], "zeros": np.zeros((1, 2, 6), "float32")}
    with pytest.raises(OnnxError, match=r"concat|gather"):
        from_onnx(graph(nodes, [5, 2, 4], arrays))


@pytest.mark.parametrize("order", ["x,e h", "e,h x", "x,h e", "h,x e"])
@pytest.mark.parametrize("inner", [("Div", np.sqrt(2)), ("Mul", np.sqrt(0.5))])
def test_gelu_in_five_nodes(order, inner):
    arrays = {"c": np.float32(inner[1]), "one": np.float32(1), "half": np.float32(0.5)}
    first, last = order.split()
    names = {"x": "x", "e": "plus", "h": "half"}
    nodes = [
        (inner[0], "x,c", "d"),
        ("Erf", "d", "erf"),
        ("Add", "erf,one", "plus"),
        ("Mul", ",".join(names[letter] for letter in first.split(",")), "m"),
        ("Mul", f"m,{names[last]}", "y"),
    ]
    assert repr(compare(graph(nodes, ["N", 3], arrays), normal(4, 3))) == "Sequential([GELU()])"
    arrays["half"] = np.float32(0.4)
    with pytest.raises(OnnxError, match=r"erf1 \(Erf\): nnlite has no layer"):
        from_onnx(graph(nodes, ["N", 3], arrays))


# Images.


def test_a_network_with_channels_first():
    """The weights of Dense are turned, as nnlite flattens other axes."""
    arrays = {"W": normal(4, 2, 3, 3), "b": normal(4), "D": normal(48, 5), "d": normal(5)}
    arrays |= {"scale": normal(4), "mean": normal(4), "var": np.abs(normal(4))}
    nodes = [
        ("Conv", "x,W,b", "c", {"pads": [1, 1, 1, 1], "name": "/first/Conv"}),
        ("BatchNormalization", "c,scale,b,mean,var", "n", {"name": "/norm/BatchNormalization"}),
        ("MaxPool", "n", "p", {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Relu", "p", "r"),
        ("Flatten", "r", "f"),
        ("Gemm", "f,D,d", "y", {"name": "dense"}),
    ]
    model = compare(graph(nodes, ["N", 2, 8, 6], arrays), normal(3, 2, 8, 6), (0, 2, 3, 1))
    assert model.input_shape == (8, 6, 2)
    assert [layer.name for layer in model] == [
        "first.Conv",
        "norm.BatchNormalization",
        "maxpool2",
        "relu3",
        "flatten4",
        "dense",
    ]


@pytest.mark.parametrize("between", [[], ["Relu"], ["LayerNormalization"], ["BatchNormalization", "Softmax"]])
def test_what_is_between_flatten_and_dense_is_turned_too(between):
    arrays = {"W": normal(3, 2, 1, 1), "D": normal(5, 18), "s": normal(18), "b": normal(18), "v": np.abs(normal(18))}
    nodes, last = [("Conv", "x,W", "c"), ("Reshape", "c,shape", "f")], "f"
    for i, op in enumerate(between):
        more = {"LayerNormalization": ",s,b", "BatchNormalization": ",s,b,s,v"}.get(op, "")
        nodes.append((op, last + more, f"z{i}"))
        last = f"z{i}"
    nodes.append(("Gemm", f"{last},D", "y", {"transB": 1, "alpha": 0.5}))
    compare(graph(nodes, ["N", 2, 2, 3], arrays | {"shape": [0, -1]}), normal(4, 2, 2, 3), (0, 2, 3, 1), tolerance=1e-4)


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize(
    "options", [{"ceil_mode": 1}, {"auto_pad": "SAME_UPPER"}, {"auto_pad": "SAME_LOWER"}, {"pads": [1, 0, 0, 1]}]
)
@pytest.mark.parametrize(("kernel", "strides"), [((2, 3), (2, 2)), ((3, 3), (2, 1)), ((2, 2), (3, 3))])
def test_pools(op, options, kernel, strides):
    if "auto_pad" in options and kernel < strides:
        pytest.skip("onnxruntime takes no such padding")
    nodes = [(op, "x", "y", {"kernel_shape": kernel, "strides": strides} | options)]
    for size in ((7, 8), (8, 6), (5, 9)):
        compare(graph(nodes, ["N", 2, *size], {}), normal(2, 2, *size), (0, 2, 3, 1), (0, 3, 1, 2))


def test_an_image_whose_channels_are_last_already():
    arrays = {"W": normal(3, 2, 2, 2)}
    nodes = [
        ("Transpose", "x", "t", {"perm": [0, 3, 1, 2]}),
        ("Conv", "t,W", "c"),
        ("Transpose", "c", "y", {"perm": [0, 2, 3, 1]}),
    ]
    model = compare(graph(nodes, ["N", 5, 4, 2], arrays), normal(2, 5, 4, 2))
    assert model.input_shape == (5, 4, 2)
    with pytest.raises(
        OnnxError, match=r"transpose0 \(Transpose\): its axes are in an order that nnlite's layers do not give"
    ):
        from_onnx(graph([nodes[0], ("Conv", "t,W", "y")], ["N", 5, 4, 2], arrays))


# ONNX's own tests of its operators.

MATCHED = {
    "AveragePool", "BatchNormalization", "Conv", "Dropout", "Flatten", "GRU", "Gather", "Gelu", "Gemm",
    "GlobalAveragePool", "GlobalMaxPool", "LSTM", "LayerNormalization", "LeakyRelu", "MatMul", "MaxPool", "OneHot",
    "Pad", "RNN", "ReduceMax", "ReduceMean", "Relu", "Reshape", "Sigmoid", "Softmax", "Squeeze", "Tanh", "Transpose",
    "Unsqueeze",
}  # fmt: skip
# Those of which ONNX has no test that a layer of nnlite can pass, such as Gather of a table in two axes.
REFUSED = {"Gather", "OneHot", "Pad", "ReduceMax", "ReduceMean", "Transpose"}


def node_tests():
    from onnx.backend.test.case.node import collect_testcases

    for case in collect_testcases(None):
        if case.model and len(case.model.graph.node) == 1 and case.model.graph.node[0].op_type in MATCHED:
            yield case


def test_onnx_own_tests_of_operators():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = [*node_tests()]
    passed, said = set(), {}
    for case in cases:
        op = case.model.graph.node[0].op_type
        inputs, outputs = case.data_sets[0]
        proto, place = onnx.ModelProto(), int(op == "Gather")  # which input is x; the others become weights
        proto.CopyFrom(case.model)
        for info, array in zip(case.model.graph.input, inputs, strict=False):
            if info.name != case.model.graph.input[place].name:
                proto.graph.initializer.append(numpy_helper.from_array(np.asarray(array), info.name))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of further outputs that are left out
                model = from_onnx(proto)
        except OnnxError as error:
            said[case.name] = str(error)
            continue
        x, y = np.asarray(inputs[place]), np.asarray(outputs[0])
        first, last = layouts(op, case.model.graph.node[0], x.ndim, y.ndim)
        ours = model.forward(x.transpose(first))
        if op in ("RNN", "GRU", "LSTM"):
            ours = ours.reshape(*ours.shape[:-1], y.size // ours[..., 0].size // y.shape[-1], y.shape[-1])
        np.testing.assert_allclose(ours.transpose(last), y, rtol=1e-3, atol=1e-4, err_msg=case.name)
        passed.add(op)
    assert passed == MATCHED - REFUSED
    for name, message in said.items():
        assert re.search(
            r"nnlite has no counterpart for its node: .+ \(\w+\): .+|its input \w+ is \w+: expected FLOAT", message
        ), name


def layouts(op, node, rank, y_rank):
    """The axes of x as nnlite has them, and those of nnlite's y as ONNX has them."""
    layout = next((a.i for a in node.attribute if a.name == "layout"), 0)
    if op in ("RNN", "GRU", "LSTM"):
        if layout:
            return (0, 1, 2), (0, 1, 2) if y_rank == 3 else (0, 1, 2, 3)
        return (1, 0, 2), (1, 0, 2) if y_rank == 3 else (1, 2, 0, 3)
    axis = next((a.i for a in node.attribute if a.name == "axis"), -1)
    images = {"Conv", "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool", "BatchNormalization"}
    if rank > 2 and (op in images or (op == "Softmax" and axis == 1)):
        return (0, *range(2, rank), 1), (0, rank - 1, *range(1, rank - 1))
    return tuple(range(rank)), tuple(range(y_rank))


# What is refused.


def test_all_nodes_that_are_no_layers_are_listed():
    nodes = [("Elu", "x", "a", {"name": "first"}), ("Relu", "a", "b"), ("Softplus", "b", "c"), ("Relu", "c", "y")]
    with pytest.raises(OnnxError) as error:
        from_onnx(graph(nodes, ["N", 3], {}))
    reason = "nnlite has no layer for this operator"
    nodes = f"first (Elu): {reason}; softplus2 (Softplus): {reason}"
    assert str(error.value) == f"from_onnx: the model: nnlite has no counterpart for 2 of 4 nodes: {nodes}"


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([("Relu", "x", "a"), ("Add", "a,x", "y")], r"add1 \(Add\): it joins two branches: a Sequential is a chain"),
        ([("Relu", "x", "a"), ("Tanh", "x", "y")], None),
        ([("Relu", "x", "a"), ("Tanh", "x", "b"), ("Mul", "a,b", "y")], r"tanh1 \(Tanh\): it reads what another layer"),
        ([("Add", "x,W", "y")], r"add0 \(Add\): expected to add a bias"),
        ([("Relu", "x", "a"), ("Flatten", "a", "y", {"axis": 2})], r"flatten1 \(Flatten\): expected axis=1, got 2"),
        ([("Identity", "x", "y")], r"identity0 \(Identity\): it leaves the input as it is"),
        (
            [("Relu", "x", "y", {"domain": "ai.other"})],
            r"relu0 \(Relu\): nnlite has no layer for this operator of ai.other",
        ),
    ],
)
def test_chains_alone_are_read(nodes, message):
    proto = graph(nodes, ["N", 3, 4], {"W": normal(4)})
    if any(node.domain for node in proto.graph.node):
        proto.opset_import.append(helper.make_opsetid("ai.other", 1))
    if message is None:
        assert repr(from_onnx(proto)) == "Sequential([Tanh()])"
        return
    with pytest.raises(OnnxError, match=message):
        from_onnx(proto)


def test_what_else_a_node_tells_is_left_out_with_a_warning():
    proto = graph([("Dropout", "x", "y,mask")], ["N", 3], {}, ["y", "mask"])
    proto.graph.output[1].type.tensor_type.elem_type = TensorProto.BOOL
    with pytest.warns(UserWarning, match="from_onnx: the model: a model gives one array: left out mask"):
        assert repr(from_onnx(proto)) == "Sequential([Dropout(rate=0.5)])"


def test_a_graph_needs_inputs_and_floats():
    proto = graph([("Relu", "W", "y")], ["N", 3], {"W": normal(2, 3)})
    with pytest.raises(OnnxError, match=r"the output: no layer gives it|second output"):
        from_onnx(proto)
    proto = graph([("Relu", "x", "y")], ["N", 3], {})
    proto.graph.input[0].type.tensor_type.elem_type = proto.graph.output[0].type.tensor_type.elem_type = (
        TensorProto.FLOAT16
    )
    with pytest.raises(OnnxError, match="its input x is FLOAT16: expected FLOAT or DOUBLE"):
        from_onnx(proto)
    with pytest.raises(OnnxError, match="expected opset 7 or newer, got 6: export it anew"):
        from_onnx(graph([("Relu", "x", "y")], ["N", 3], {}, opset=6))


# Files from anyone.


def test_a_file_cut_anywhere_is_refused_or_whole(tmp_path):
    data, path = to_onnx(Sequential([LSTM(3), Dense(2)], (None, 2), seed=0)).SerializeToString(), tmp_path / "cut.onnx"
    for length in range(0, len(data), 3):
        path.write_bytes(data[:length])
        with pytest.raises(OnnxError, match=re.escape(f"from_onnx: {path}")):
            from_onnx(path)


@settings(max_examples=settings().max_examples // 2)
@given(st.data())
def test_any_other_bytes_are_a_model_or_an_error(data):
    good = bytearray(to_onnx(Sequential([Dense(2, "relu"), Dense(1)], (3,), seed=0)).SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(good) - 1))
        good[start : start + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    with contextlib.suppress(OnnxError):
        from_onnx(bytes(good))


def test_what_is_no_onnx_file(tmp_path):
    for name, content in {"a.png": b"\x89PNG\r\n\x1a\n", "b.txt": b"shall i compare thee", "c.onnx": b""}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(OnnxError, match=rf"{name} is no (valid )?ONNX model, or a damaged one"):
            from_onnx(tmp_path / name)
    with pytest.raises(OnnxError, match=r"cannot read .*: it is a folder"):
        from_onnx(tmp_path)
    with pytest.raises(OnnxError, match=r"cannot read /dev/zero: it is not a file but a device"):
        from_onnx("/dev/zero")


def test_weights_in_another_file_are_read_from_the_same_folder_only(tmp_path):
    (tmp_path / "inside").mkdir()
    model, path = Sequential([Dense(2)], (3,), seed=0), tmp_path / "inside" / "model.onnx"
    proto = to_onnx(model)
    onnx.save(proto, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    x = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(from_onnx(path)(x), model(x))
    for location in ("../weights.bin", "/etc/passwd", "missing.bin"):
        (tmp_path / "weights.bin").write_bytes(bytes(1000))
        proto = onnx.load(path, load_external_data=False)
        for entry in proto.graph.initializer[0].external_data:
            entry.value = location if entry.key == "location" else entry.value
        (tmp_path / "inside" / "other.onnx").write_bytes(proto.SerializeToString())
        with pytest.raises(OnnxError):
            from_onnx(tmp_path / "inside" / "other.onnx")
    with pytest.raises(OnnxError):
        from_onnx(proto.SerializeToString())


def test_missing_weights_in_another_file(tmp_path):
    path = tmp_path / "model.onnx"
    model = to_onnx(Sequential([Dense(2)], (3,), seed=0))
    onnx.save(model, path, save_as_external_data=True, location="model.onnx.data", size_threshold=0)
    os.remove(tmp_path / "model.onnx.data")
    with pytest.raises(
        OnnxError, match=r"not there: bring model.onnx.data into .*, or export with external_data=False"
    ):
        from_onnx(path)
    with pytest.raises(OnnxError, match=r"the model has its weights in another file, model.onnx.data: give the path"):
        from_onnx(path.read_bytes())


def test_a_few_bytes_that_ask_for_much_memory_are_refused():
    nodes = [("ConstantOfShape", "size", "W"), ("MatMul", "x,W", "y")]
    with pytest.raises(OnnxError, match=r"constantofshape0 .*: its output would have \d+ numbers"):
        from_onnx(graph(nodes, ["N", 2**20], {"size": [2**20, 2**20]}))
    nodes = [("Concat", "a,a", "a0", {"axis": 0})]
    nodes += [("Concat", f"a{i},a{i}", f"a{i + 1}", {"axis": 0}) for i in range(40)] + [("MatMul", "x,a40", "y")]
    with pytest.raises(OnnxError, match=r"concat\d+ .*: its output would have \d+ numbers"):
        from_onnx(graph(nodes, ["N", 3], {"a": normal(3, 1)}))
    nodes = [("Equal", "a,b", "c"), ("Cast", "c", "W", {"to": TensorProto.FLOAT}), ("MatMul", "x,W", "y")]
    with pytest.raises(OnnxError, match=r"equal0 .*: its output would have 100000000 numbers"):
        from_onnx(graph(nodes, ["N", 3], {"a": np.zeros((10_000, 1)), "b": np.zeros((1, 10_000))}))


def test_names_that_are_there_thousands_of_times():
    """They took the third power of their number: hours for a file of 100 kB."""
    nodes = [("Relu", f"v{i}" if i else "x", f"v{i + 1}", {"name": "a"}) for i in range(3000)]
    nodes += [("Relu", "v3000", "v3001", {"name": "a_7"}), ("Relu", "v3001", "y", {"name": "a"})]
    with within(20):
        names = [layer.name for layer in from_onnx(graph(nodes, ["N", 3], {})).layers]
    assert names == ["a", *(f"a_{i}" for i in range(1, 3000)), "a_7_1", "a_3000"]


# Networks that PyTorch exports.


def networks(nn):
    """Modules, with the shape of x and what of it varies."""

    class Last(nn.Module):
        def __init__(self, layer, batch_first, state):
            super().__init__()
            self.layer, self.batch_first, self.state, self.out = layer, batch_first, state, nn.Linear(7, 3)

        def forward(self, x):
            y, state = self.layer(x)
            if self.state:
                return self.out((state[0] if isinstance(state, tuple) else state)[-1])
            return self.out(y[:, -1]) if self.batch_first else self.out(y)

    class Both(nn.Module):
        def __init__(self, layer):
            super().__init__()
            self.layer, self.out = layer, nn.Linear(14, 3)

        def forward(self, x):
            return self.out(self.layer(x)[0])

    convolved = [nn.Conv2d(2, 6, 3, padding=1), nn.BatchNorm2d(6), nn.GELU(), nn.MaxPool2d(2)]
    yield (
        nn.Sequential(*convolved, nn.Conv2d(6, 4, 3, 2, groups=2), nn.ReLU(), nn.Flatten(), nn.Linear(36, 5)),
        (2, 16, 16),
    )
    yield nn.Sequential(*convolved, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5), nn.Softmax(-1)), (2, 8, 8)
    dense = [nn.Linear(4, 6), nn.LayerNorm(6), nn.LeakyReLU(0.2), nn.Dropout(), nn.Linear(6, 2, bias=False), nn.Tanh()]
    yield nn.Sequential(*dense), (4,)
    for kind in (nn.RNN, nn.GRU, nn.LSTM):
        yield Last(kind(4, 7, batch_first=True, num_layers=2), True, False), ("T", 4)
        yield Last(kind(4, 7, batch_first=True), True, True), ("T", 4)
        yield Last(kind(4, 7, batch_first=True, num_layers=3), True, True), ("T", 4)
        yield Both(kind(4, 7, batch_first=True, bidirectional=True)), ("T", 4)


def test_what_pytorch_exports(tmp_path):
    torch = import_extra("torch", "peers")
    torch.manual_seed(0)
    for number, (module, shape) in enumerate(networks(torch.nn)):
        path, sizes = tmp_path / f"{number}.onnx", tuple(5 if size == "T" else size for size in shape)
        x = torch.randn(3, *sizes)
        varies = {0: "N"} | ({1: "T"} if "T" in shape else {})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            options = {"input_names": ["x"], "dynamic_axes": {"x": varies}, "opset_version": 17, "dynamo": False}
            torch.onnx.export(module.eval(), (x,), path, **options)
        model = from_onnx(path)
        ours = x.numpy().transpose(0, 2, 3, 1) if x.ndim == 4 else x.numpy()
        np.testing.assert_allclose(model.predict(ours), module(x).detach().numpy(), atol=1e-5, err_msg=repr(model))
