"""What the nodes of ONNX are in nnlite: functions of numbers, and nodes with weights."""

from typing import Any

import numpy as np

from nnlite import (
    GELU,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Layer,
    LayerNorm,
    LeakyReLU,
    OneHot,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)

from .onnx_axes_nodes import one_direction
from .onnx_walk import Handler, Node, Refused, Value, Walk, floats

# Numbers by themselves.


def activation(w: Walk, node: Node, x: Value, kind: type[Layer], **options: Any) -> Value:
    """A layer, or what Dense and Conv2D have as their activation: to_onnx names such a node "dense/relu"."""
    last = w.drafts[-1] if w.drafts else None
    is_inside = last is not None and node.name == f"{last.node}/{kind.__name__.lower()}"
    if last and is_inside and last.kind in (Dense, Conv2D) and "activation" not in last.options:
        last.options["activation"] = kind(**options, dtype=w.dtype)
        return x
    return w.append(node, floats(x), kind, **options)


def leaky_relu(w: Walk, node: Node, x: Value) -> Value:
    slope = node.number("alpha", 0.01)
    if slope < 0:
        raise Refused(f"expected a slope alpha of at least 0, got {slope}")
    return activation(w, node, x, LeakyReLU, negative_slope=slope)


def gelu(w: Walk, node: Node, x: Value) -> Value:
    return activation(w, node, x, GELU, approximate=node.choice("approximate", "none", "tanh") == "tanh")


def softmax(w: Walk, node: Node, x: Value) -> Value:
    rank = len(x.axes)
    axis = node.axis(rank, default=-1 if node.opset >= 13 else 1)
    if node.opset < 13 and axis != rank - 1:
        raise Refused("before opset 13 it flattens all axes from `axis` on: expected the last one")
    x = w.channels_second(x) if axis == 1 and rank > 2 else w.features_last(x) if axis == rank - 1 else x
    if x.axes[axis] != rank - 1 or axis == 0:
        raise Refused(f"expected the axis of the features, got axis={axis}")
    return activation(w, node, x, Softmax)


def same(w: Walk, node: Node, x: Value) -> Value:
    """Identity; Cast to what it is."""
    if node.op == "Cast":
        to = node.attribute("to")
        if not (to in (6, 7) if x.is_ids else to == {4: 1, 8: 11}[w.dtype.itemsize]):
            raise Refused("it changes the type of numbers: a model has one dtype")
    return x


def dropout(w: Walk, node: Node, x: Value) -> Value:
    training = node.constant(2, "training_mode")
    if training is not None and training.any():
        raise Refused("expected training_mode=False: its masks differ from run to run")
    given = node.constant(1, "ratio")
    rate = node.number("ratio", 0.5) if given is None else float(str(np.float32(given.item())))
    return w.append(node, floats(x), Dropout, rate=rate)


# Weights.


def gemm(w: Walk, node: Node, x: Value) -> Value:
    if node.given[0] is not x:
        raise Refused("expected its first input to come from the layers")
    node.only(transA=0)
    W = node.weights(1, "B")
    W = (W.T if node.flag("transB") else W) * W.dtype.type(node.attribute("alpha", 1.0))
    b = node.constant(2, "C")
    if b is not None:
        if b.size not in (1, W.shape[1]) or (b.ndim and b.shape[-1] != b.size):
            raise Refused(f"its C has the shape {b.shape}: expected one number for each of {W.shape[1]} units")
        b = np.broadcast_to(b.ravel(), W.shape[1]) * b.dtype.type(node.attribute("beta", 1.0))
    return _dense(w, node, x, W, b)


def matmul(w: Walk, node: Node, x: Value) -> Value:
    if node.given[0] is not x:
        raise Refused("expected its first input to come from the layers")
    W = node.weights(1, "B")
    if W.ndim != 2:
        raise Refused(f"its B has the shape {W.shape}: expected (F, U)")
    return _dense(w, node, x, W, None)


def _dense(w, node, x, W, b):
    x = w.features_last(floats(x))
    if len(x.axes) < 2:
        raise Refused("its input has one axis alone")
    F, U = W.shape
    if x.order is not None:  # rows of W in the order of nnlite's features
        if len(x.order) != F:
            raise Refused(f"its input has {len(x.order)} features, and B the shape {W.shape}")
        rows = np.empty_like(W)
        rows[x.order] = W
        x, W = x._replace(order=None), rows
    elif isinstance(x.dims[-1], int) and x.dims[-1] != F:
        raise Refused(f"its input has {x.dims[-1]} features, and B the shape {W.shape}")
    weights = {"W": W} if b is None else {"W": W, "b": b}
    return w.append(node, x, Dense, weights=weights, shape=(F,), units=U, use_bias=b is not None)


def add(w: Walk, node: Node, x: Value) -> Value:
    """The bias of the layer before, if that has none."""
    b = node.weights(1 if node.given[0] is x else 0, "B")
    last = w.drafts[-1] if w.drafts else None
    if last is None or last.kind not in (Dense, Conv2D) or last.options["use_bias"] or "activation" in last.options:
        raise Refused("expected to add a bias to what MatMul or Conv gives")
    place = x.axes.index(len(x.axes) - 1)
    count = last.weights["W"].shape[-1]
    wide = (1,) * (len(x.axes) - b.ndim) + b.shape
    if len(wide) != len(x.axes) or any(size != (count if i == place else 1) for i, size in enumerate(wide)):
        raise Refused(f"it adds numbers of the shape {b.shape}: expected one for each of {count} features")
    last.options["use_bias"], last.weights["b"] = True, b.reshape(-1)
    return x


def batch_normalization(w: Walk, node: Node, x: Value) -> Value:
    node.only(training_mode=0)
    x = w.channels_second(floats(x))
    names = ("gamma", "scale"), ("beta", "B"), ("moving_mean", "mean"), ("moving_variance", "var")
    weights = {ours: node.weights(i, theirs) for i, (ours, theirs) in enumerate(names, 1)}
    options: dict[str, Any] = {"epsilon": node.number("epsilon", 1e-5), "momentum": node.number("momentum", 0.9)}
    return w.append(node, x, BatchNorm, weights=_ordered(x, weights), shape=weights["gamma"].shape, **options)


def layer_normalization(w: Walk, node: Node, x: Value) -> Value:
    axis = node.attribute("axis", -1)
    if axis not in (-1, len(x.axes) - 1):
        raise Refused(f"expected axis=-1, got {axis}: LayerNorm is over one axis")
    x = w.features_last(floats(x))
    gamma, beta = node.weights(1, "Scale"), node.constant(2, "B")
    gamma = np.broadcast_to(gamma, (x.dims[-1],)) if isinstance(x.dims[-1], int) else gamma
    weights = {"gamma": gamma, "beta": np.zeros_like(gamma) if beta is None else np.broadcast_to(beta, gamma.shape)}
    options: dict[str, Any] = {"epsilon": node.number("epsilon", 1e-5)}
    return w.append(node, x, LayerNorm, weights=_ordered(x, weights), shape=gamma.shape, **options)


def _ordered(x, weights):
    """Weights of features that come in another order than nnlite's, in nnlite's."""
    if x.order is None:
        return weights
    back = np.argsort(x.order)
    return {name: array[back] for name, array in weights.items()}


def gather(w: Walk, node: Node, x: Value) -> Value:
    if node.given[1] is x:
        W, axis = node.weights(0, "data"), node.attribute("axis", 0)
        if W.ndim != 2 or axis not in (0, -2) or not x.is_ids:
            raise Refused(f"expected rows of a table (V, U) for integers, got data {W.shape} and axis={axis}")
        options = {"vocabulary_size": W.shape[0], "units": W.shape[1]}
        return w.append(node, x, Embedding, weights={"W": W}, shape=(), axes=(*x.axes, len(x.axes)), **options)
    index, axis = node.weights(1, "indices"), node.axis(len(x.axes))
    last = w.drafts[-1] if w.drafts else None
    if index.shape == () and x.axes[axis] == "D" and index in (0, -1):
        return one_direction(w, x)
    if index.shape == () and x.axes[axis] == "L" and index == -1:
        return x._replace(axes=x.axes[1:])
    is_last = index.shape == () and index == -1 and x.axes[axis] == 1  # the last step, of what reads forward
    if is_last and last and last.options.get("return_sequences") and not last.backwards:
        last.options["return_sequences"] = False
        axes = tuple(axis and axis - 1 for axis in x.axes if axis != 1)
        return x._replace(axes=axes, dims=(x.dims[0], *x.dims[2:]))
    raise Refused("expected rows of a table for integers, or the last step of a recurrent layer")


def one_hot(w: Walk, node: Node, x: Value) -> Value:
    depth, values = node.weights(1, "depth"), node.weights(2, "values")
    if node.attribute("axis", -1) not in (-1, len(x.axes)) or values.ravel().tolist() != [0, 1] or not x.is_ids:
        raise Refused("expected integers, values 0 and 1, and axis=-1")
    return w.append(node, x, OneHot, axes=(*x.axes, len(x.axes)), vocabulary_size=int(depth.item()))


NODES: dict[str, Handler] = {
    "Identity": same,
    "Cast": same,
    "Dropout": dropout,
    "Gemm": gemm,
    "MatMul": matmul,
    "Add": add,
    "BatchNormalization": batch_normalization,
    "LayerNormalization": layer_normalization,
    "Gather": gather,
    "OneHot": one_hot,
    "LeakyRelu": leaky_relu,
    "Gelu": gelu,
    "Softmax": softmax,
    "Relu": lambda w, node, x: activation(w, node, x, ReLU),
    "Sigmoid": lambda w, node, x: activation(w, node, x, Sigmoid),
    "Tanh": lambda w, node, x: activation(w, node, x, Tanh),
}
