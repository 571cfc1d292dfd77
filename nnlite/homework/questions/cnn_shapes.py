"""The shapes and the parameters of a small CNN, layer by layer."""

from dataclasses import dataclass

from nnlite import Conv2D, Dense, Flatten, MaxPool2D, Sequential

from .question import Question
from .writing import code, padded


@dataclass(frozen=True)
class CNNShapes(Question):
    """A CNN of two convolutions, two pools and a dense layer: the shapes between them, and their parameters."""

    kind = "cnn_shapes"
    title = "Shapes and parameters of a CNN"

    def draw(self, draws):
        return {
            "height": draws.integer(26, 60),
            "width": draws.integer(26, 60),
            "channels": draws.integer(2, 5),
            "filters": [draws.integer(4, 16), draws.integer(17, 40)],
            "kernels": [draws.choice((3, 5)), draws.choice((3, 5))],
            "padding": draws.integer(1, 2),
            "classes": draws.integer(5, 20),
        }

    def is_degenerate(self, numbers):
        """A pool cuts a row or a column off, so that rounding matters."""
        first = [n + 2 * numbers["padding"] - numbers["kernels"][0] + 1 for n in _size(numbers)]
        second = [n // 2 - numbers["kernels"][1] + 1 for n in first]
        return numbers["height"] == numbers["width"] or not any(n % 2 for n in second)

    def statement(self, numbers):
        first, second = numbers["filters"]
        K, L = numbers["kernels"]
        return f"""\
Images of {numbers["height"]} × {numbers["width"]} × {numbers["channels"]} (height, width, channels) go through

1. a convolution of {first} filters of {K} × {K}, stride 1, {padded(numbers["padding"])},
2. max pooling, 2 × 2 with stride 2; what does not fill a window is left out,
3. a convolution of {second} filters of {L} × {L}, stride 1, without padding,
4. max pooling as before,
5. a dense layer of {numbers["classes"]} units, which reads all numbers of an image as one row.

All filters and units have a bias. Give the shape behind each of the first four layers (`after_1` to `after_4`: height,
width, channels), the `parameters` of all five layers, and of how many numbers the last one reads (`row`)."""

    def key(self, numbers):
        model = _model(numbers)
        conv1, pool1, conv2, pool2, flatten, dense = model.layers
        shape, shapes = (*_size(numbers), numbers["channels"]), []
        for layer in (conv1, pool1, conv2, pool2, flatten):
            shape = layer.output_shape(shape)
            shapes.append(list(shape))
        parameters = [layer.count_params() for layer in (conv1, pool1, conv2, pool2, dense)]
        named = {f"after_{number}": found for number, found in enumerate(shapes[:4], 1)}
        return named | {"parameters": parameters, "row": shapes[4][0]}

    def worked(self, numbers):
        return code(_model(numbers).explain((*_size(numbers), numbers["channels"])))

    def operations(self, numbers):
        return 2 * (2 * 5) + 2 * 2 + 2 * 5 + 2 + 2

    def mistakes(self, numbers):
        key = self.key(numbers)
        conv1, _, conv2, _, dense = key["parameters"]
        first, second = numbers["filters"]
        K, L = numbers["kernels"]
        one = [first * K**2 + first, 0, second * L**2 + second, 0, dense]
        no_bias = [conv1 - first, 0, conv2 - second, 0, dense - numbers["classes"]]
        height, width, channels = key["after_4"]
        up = [-(-key["after_3"][axis] // 2) for axis in (0, 1)]
        return {
            "a filter has one channel": {"parameters": one},
            "the biases are left out": {"parameters": no_bias},
            "the channels are left out": {"row": height * width},
            "the size is rounded up": {"after_4": [*up, channels]},
        }


def _size(numbers):
    return numbers["height"], numbers["width"]


def _model(numbers):
    (first, second), (K, L) = numbers["filters"], numbers["kernels"]
    layers = [
        Conv2D(first, K, padding=numbers["padding"]),
        MaxPool2D(2),
        Conv2D(second, L),
        MaxPool2D(2),
        Flatten(),
        Dense(numbers["classes"]),
    ]
    return Sequential(layers, input_shape=(*_size(numbers), numbers["channels"]), seed=0)
