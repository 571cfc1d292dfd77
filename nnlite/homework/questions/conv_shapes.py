"""A convolution's parameters and the size of its output."""

from dataclasses import dataclass

from nnlite import Conv2D

from .question import Question
from .writing import code, padded


@dataclass(frozen=True)
class ConvShapes(Question):
    """How many parameters a convolution has, and how large its output is."""

    kind = "conv_shapes"
    title = "Shapes and parameters of a convolution"

    def draw(self, draws):
        return {
            "height": draws.integer(24, 48),
            "width": draws.integer(24, 48),
            "channels": draws.integer(2, 6),
            "filters": draws.integer(6, 32),
            "kernel": draws.choice((3, 5, 7)),
            "stride": draws.choice((2, 3)),
            "padding": draws.choice((1, 2)),
        }

    def is_degenerate(self, numbers):
        """One of two divisions has a remainder, so that rounding matters."""
        stride, spare = numbers["stride"], 2 * numbers["padding"] - numbers["kernel"]
        sizes = numbers["height"], numbers["width"]
        return sizes[0] == sizes[1] or all((size + spare) % stride == 0 for size in sizes)

    def statement(self, numbers):
        return f"""\
A convolution has {numbers["filters"]} filters of {numbers["kernel"]} × {numbers["kernel"]} × {numbers["channels"]},
with a bias each. It reads an image of {numbers["height"]} × {numbers["width"]} × {numbers["channels"]} (height, width,
channels), {padded(numbers["padding"])}, with stride {numbers["stride"]}.

How many `parameters` has it? What are the height, the width and the channels of its `output`? How many
`multiplications` of a weight and a number of the padded image does one image take?"""

    def key(self, numbers):
        height, width, filters = _sizes(numbers)
        taps = numbers["kernel"] ** 2 * numbers["channels"]
        return {
            "parameters": numbers["filters"] * taps + numbers["filters"],
            "output": [height, width, filters],
            "multiplications": height * width * filters * taps,
        }

    def worked(self, numbers):
        layer = Conv2D(numbers["filters"], numbers["kernel"], strides=numbers["stride"], padding=numbers["padding"])
        height, width, filters = _sizes(numbers)
        per_output = f"{numbers['kernel']} * {numbers['kernel']} * {numbers['channels']}"
        count = self.key(numbers)["multiplications"]
        text = layer.explain((numbers["height"], numbers["width"], numbers["channels"])).replace("; ", ";\n           ")
        return code(
            f"{text}\n  multiplications   {height} * {width} * {filters} outputs of {per_output} each = {count}"
        )

    def operations(self, numbers):
        return 4 + 2 * 5 + 5

    def mistakes(self, numbers):
        filters, kernel, channels = numbers["filters"], numbers["kernel"], numbers["channels"]
        sizes = numbers["height"], numbers["width"]
        once = [(size + numbers["padding"] - kernel) // numbers["stride"] + 1 for size in sizes]
        up = [-((kernel - 2 * numbers["padding"] - size) // numbers["stride"]) + 1 for size in sizes]
        height, width, _ = _sizes(numbers)
        return {
            "the biases are left out": {"parameters": filters * kernel**2 * channels},
            "a filter has one channel": {"parameters": filters * kernel**2 + filters},
            "there is one bias for all filters": {"parameters": filters * kernel**2 * channels + 1},
            "zeros are added on one side alone": {"output": [*once, filters]},
            "the division is rounded up": {"output": [*up, filters]},
            "the + 1 is left out": {"output": [height - 1, width - 1, filters]},
            "the channels of the image are kept": {"output": [height, width, channels]},
        }


def _sizes(numbers):
    """Height, width and channels of the output."""
    spare = 2 * numbers["padding"] - numbers["kernel"]
    return *((numbers[side] + spare) // numbers["stride"] + 1 for side in ("height", "width")), numbers["filters"]
