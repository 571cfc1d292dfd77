"""Average and max pooling of four images with a block in a corner."""

from dataclasses import dataclass

import numpy as np

from nnlite import AvgPool2D, MaxPool2D

from .question import Question
from .writing import arrays, code

CORNERS = {"top left": (0, 0), "top right": (0, 1), "bottom right": (1, 1), "bottom left": (1, 0)}


@dataclass(frozen=True)
class PooledCorners(Question):
    """Four images of 4 × 4 with a block of 3 × 3 in one corner: what pooling hides, and what it shows."""

    kind = "pooled_corners"
    title = "Four pooled corners"

    def draw(self, draws):
        return {
            "block": draws.integer(2, 12),
            "rest": draws.decimals((), -9, 9, digits=0),
            "corners": draws.shuffled(list(CORNERS)),
        }

    def is_degenerate(self, numbers):
        """A block that is not the larger number would not be what max pooling sees."""
        return numbers["rest"] >= numbers["block"] or numbers["block"] + numbers["rest"] == 0

    def statement(self, numbers):
        first = _images(numbers)[0, ..., 0].astype(int).tolist()
        return f"""\
Four images of 4 × 4 are {numbers["rest"]} everywhere but in a block of 3 × 3 in one corner, which is
{numbers["block"]}. In this order, the corners are: {", ".join(numbers["corners"])}. The first image is

{arrays(first=first)}

Pool each with windows of 2 × 2 and stride 2, by the average and by the maximum. Give the four results, in this order,
as `average` and `maximum`.

To think about: which of the two shows where the block is?"""

    def key(self, numbers):
        images = _images(numbers)
        return {name: pool(2)(images)[..., 0].tolist() for name, pool in POOLS.items()}

    def worked(self, numbers):
        block, rest = numbers["block"], numbers["rest"]
        written = f"({rest})" if rest < 0 else rest
        lines = ["4, 2, 2 or 1 of the 4 numbers of a window are in the block:"]
        for count in (4, 2, 1):
            mean = (count * block + (4 - count) * rest) / 4
            lines.append(f"  ({count} * {block} + {4 - count} * {written}) / 4 = {mean:g}, and the maximum is {block}")
        for corner, average, largest in zip(numbers["corners"], *self.key(numbers).values(), strict=True):
            lines.append(f"{corner:14}average {average}, maximum {largest}")
        return (
            code("\n".join(lines)) + "\n\nThe average shows where the block is. The maximum is the same for all four."
        )

    def operations(self, numbers):
        return 4 * 4 * (4 + 3)  # a mean of four, three comparisons

    def mistakes(self, numbers):
        key = self.key(numbers)
        rotated = [*key["average"][1:], key["average"][0]]
        return {
            "the sum is not divided by 4": {"average": (4 * np.array(key["average"])).tolist()},
            "average and maximum are exchanged": {"average": key["maximum"], "maximum": key["average"]},
            "the images come in another order": {"average": rotated},
        }


POOLS = {"average": AvgPool2D, "maximum": MaxPool2D}


def _images(numbers):
    """(4, 4, 4, 1): the images."""
    images = np.full((4, 4, 4, 1), float(numbers["rest"]))
    for image, corner in zip(images, numbers["corners"], strict=True):
        row, column = CORNERS[corner]
        image[row : row + 3, column : column + 3] = numbers["block"]
    return images
