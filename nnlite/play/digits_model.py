"""A model of images, as the page of `digits` reads it: its steps, and its numbers as base64."""

import base64
import math
from typing import Any

import numpy as np

from nnlite import Sequential, layers

from .network import PlayError, require_finite, require_sequential

POINTWISE = {layers.ReLU: "relu", layers.Sigmoid: "sigmoid", layers.Tanh: "tanh", layers.Softmax: "softmax"}
SAME = layers.Dropout, layers.Flatten, layers.Reshape
WINDOWS = {
    layers.Conv2D: "conv2d", layers.MaxPool2D: "max_pool2d", layers.AvgPool2D: "avg_pool2d",
    layers.GlobalMaxPool2D: "max_pool2d", layers.GlobalAvgPool2D: "avg_pool2d",
}  # fmt: skip
KINDS = {
    **WINDOWS, **POINTWISE, **dict.fromkeys(SAME, "same"), layers.Dense: "dense", layers.LeakyReLU: "leaky_relu",
    layers.GELU: "gelu", layers.ZeroPadding2D: "zero_padding2d", layers.BatchNorm: "batch_norm",
    layers.LayerNorm: "layer_norm",
}  # fmt: skip
MOST_PIXELS = 128 * 128  # the page computes all of a model at each movement of the pen
MOST_NUMBERS = 4_000_000  # a page of 20 MB


def steps(model: Sequential) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """The size of the image that a model reads, and its layers, one after the other.

    An image may be (H, W, C), (H, W) or a row of H H numbers. A layer with an activation makes two steps.

    Raises:
        PlayError: the model reads something else than images, has a layer that no model of images has, or gives
            something else than a number for each class; or a weight is not finite.
    """
    require_sequential(model)
    shape = model.input_shape
    if shape is None:
        raise PlayError("model: expected one that is built, got one whose input_shape is not known: call it once")
    if model.parameter_count > MOST_NUMBERS:
        raise PlayError(
            f"model: expected at most {MOST_NUMBERS:,} numbers, got {model.parameter_count:,}: the page would be too "
            f"large to open"
        )
    require_finite(*model.params.values(), *model.statistics.values())
    image = _image(shape)
    found: list[dict[str, Any]] = []
    for layer in _flat(model):
        output = layer.output_shape(shape)
        found.append(_step(layer, shape, output))
        shape = output
    if len(shape) != 1 or shape[0] < 2:
        raise PlayError(
            f"model: expected one that ends in a number for each of its classes, got an output of {shape}: the page "
            f"of a model of images shows which class it takes a drawing for"
        )
    return image, found


def _image(shape):
    """Height, width and channels."""
    if len(shape) in (2, 3) and None not in shape:
        H, W, C = (*shape, 1)[:3]
    elif len(shape) == 1 and shape[0] and math.isqrt(shape[0]) ** 2 == shape[0]:
        H = W = math.isqrt(shape[0])
        C = 1
    else:
        raise PlayError(
            f"model: expected one that reads images of one size, (H, W, C), got input_shape {shape}: give it to "
            f"Sequential(..., input_shape=(H, W, C))"
        )
    if H * W > MOST_PIXELS:
        raise PlayError(f"model: expected images of at most {MOST_PIXELS:,} pixels, got {H} x {W}: it would be slow")
    return {"height": H, "width": W, "channels": C}


def _flat(model):
    """The layers, also those of models inside of it, and each activation after its layer."""
    for layer in model.layers:
        if type(layer) is Sequential:
            yield from _flat(layer)
            continue
        yield _known(layer)
        if getattr(layer, "activation", None) is not None:
            yield _known(layer.activation)


def _known(layer):
    if type(layer) not in KINDS:
        raise PlayError(
            f"{layer.name}: expected a layer of images, such as Conv2D, MaxPool2D or Dense, got "
            f"{type(layer).__name__}: the page cannot compute it"
        )
    return layer


def _step(layer, shape, output):
    """What digits_kernel.js needs to know of a layer, and its arrays."""
    kind, arrays = KINDS[type(layer)], {**layer.params, **layer.statistics}
    step = {"kind": kind, "name": layer.name, "text": layer.explain(shape), "input": shape, "output": output}
    if kind in WINDOWS.values():
        step |= _window(layer, shape, output)
    elif kind == "zero_padding2d":
        (top, _), (left, _) = layer.padding
        step["pads"] = [top, left]
    elif kind in ("batch_norm", "layer_norm"):
        step["epsilon"] = layer.epsilon
    elif kind == "leaky_relu":
        step["slope"] = layer.negative_slope
    elif kind == "gelu" and layer.approximate:
        step["kind"] = "gelu_tanh"
    if kind in ("conv2d", "dense"):
        arrays = {"b": np.zeros(output[-1]), **arrays}  # where it has none
    names = {"moving_mean": "mean", "moving_variance": "variance"}
    return {**step, "arrays": {names.get(name, name): array for name, array in arrays.items()}}


def _window(layer, shape, output):
    H, W, _ = shape
    if layer.window is None:  # the window is the image
        return {"size": [H, W], "strides": [1, 1], "dilation": [1, 1], "pads": [0, 0], "windows": [1, 1]}
    top, _, left, _ = layer.window.pads(H, W)
    window = layer.window
    step = {"size": window.size, "strides": window.strides, "dilation": window.dilation, "pads": [top, left]}
    return step | {
        "windows": output[:2],
        "groups": getattr(layer, "groups", 1),
        "include": getattr(layer, "count_include_pad", False),
    }


def packed(found: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """The steps, with [where it begins, how many numbers] for each array, and all numbers as base64 of float32."""
    numbers, begin, written = [], 0, []
    for step in found:
        places = {}
        for name, array in step["arrays"].items():
            places[name] = [begin, array.size]
            numbers.append(np.asarray(array, "<f4").ravel())
            begin += array.size
        written.append({**step, "arrays": places})
    joined = np.concatenate([np.zeros(0, "<f4"), *numbers])
    return written, base64.b64encode(joined.tobytes()).decode()
