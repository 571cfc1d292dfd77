"""Window2D: where a window stands on an image, and how often it fits. What convolution, pooling and padding share.

    column        -1  0  1  2  3  4  5         W = 5 columns, and P = 1 more on each side
                   .  x  x  x  x  x  .
    windows       [=======]                   F = 3, and S = 2 from one window to the next:
                        [=======]
                              [=======]       W_out = (W - F + 2P)/S + 1 = (5 - 3 + 2*1)/2 + 1 = 3

Letters: H, W height and width of the image, F of the window, S stride, P padding on a side, D dilation, the distance
between the window's rows or columns: with it the window spans D (F - 1) + 1 pixels, in the place of F.
"""

from typing import Any, NamedTuple

import numpy as np

from ... import checks

PADDING = '"valid", "same", a whole number, (height, width) or ((top, bottom), (left, right))'
NEAR = 64  # rows or columns of padding, besides as many as the image has, that a kernel may go through


def pair(name: str, value: Any) -> tuple[int, int]:
    """A whole number of at least 1, for both axes, or two of them, as (height, width).

    Raises:
        ValueError: for anything else; the message begins with the name.

    Example:
        >>> pair("strides", 2), pair("strides", (2, 1))
        ((2, 2), (2, 1))
    """
    both = _both(value)
    if not all(_is_whole(v, 1) for v in both):
        raise ValueError(f"{name}: expected a whole number of at least 1, or two as (height, width), got {value!r}")
    _refuse_huge(name, value, both)
    return int(both[0]), int(both[1])


def sides(name: str, value: Any, expected: str = PADDING) -> tuple[tuple[int, int], tuple[int, int]]:
    """Padding as ((top, bottom), (left, right)), from a whole number, (height, width), or four numbers as returned.

    Args:
        expected: what the message of an error asks for.

    Raises:
        ValueError: for anything else, and for numbers below 0.

    Example:
        >>> sides("padding", 1), sides("padding", (1, 2))
        (((1, 1), (1, 1)), ((1, 1), (2, 2)))
    """
    axes = [tuple(_both(v)) for v in _both(value)]
    if not all(_is_whole(v, 0) for axis in axes for v in axis):
        raise ValueError(f"{name}: expected {expected}, with numbers of at least 0, got {value!r}")
    _refuse_huge(name, value, axes[0] + axes[1])
    (top, bottom), (left, right) = axes
    return (int(top), int(bottom)), (int(left), int(right))


def image_shape(owner: str, input_shape: Any) -> tuple[int | None, int | None, int | None]:
    """The shape of an image, without the batch axis, as (H, W, C). The owner begins the message where it is none."""
    if len(input_shape) != 3:
        raise ValueError(
            f"{owner}: expected input_shape (H, W, C), got {checks.shape_text(input_shape, 'any')}: the batch axis is "
            f"not part of it, and the channels come last"
        )
    return tuple(input_shape)


def _channels_first(H, W, C):
    """What to do where an image looks like (C, H, W), as PyTorch has it; else empty."""
    if H not in (1, 3) or W is None or C is None or min(W, C) <= H:
        return ""
    return f"The channels come last: is it ({W}, {C}, {H})? np.moveaxis(x, 1, -1) makes it so"


def short(value: Any) -> Any:
    """A pair, or a padding, as one would type it and as JSON can write it: 2 for (2, 2), [2, 1] for (2, 1)."""
    if not isinstance(value, tuple):
        return value
    first, second = short(value[0]), short(value[1])
    return first if first == second and isinstance(first, int) else [first, second]


def _both(value):
    """The two members of a pair; of anything else, twice the same."""
    return value if isinstance(value, tuple | list) and len(value) == 2 else (value, value)


def _is_whole(value, least):
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= least


def _refuse_huge(name, value, numbers):
    """The kernels multiply such numbers with each other, in 64 bits."""
    if max(numbers) >= 2**31:
        raise ValueError(f"{name}: expected numbers below 2**31, got {value!r}")


class _Axis(NamedTuple):
    """The window along one axis of n pixels; P is (before, after), or None for "same"."""

    letter: str  # "H" or "W"
    names: tuple[str, str]  # of the two sides
    F: int
    S: int
    D: int
    P: tuple[int, int] | None

    @property
    def span(self):
        return self.D * (self.F - 1) + 1

    def pads(self, n):
        if self.P is not None:
            return self.P
        total = max(0, (-(-n // self.S) - 1) * self.S + self.span - n)
        return total // 2, total - total // 2

    def count(self, n):
        """How many windows there are; below 1 where none fits."""
        return (n + sum(self.pads(n)) - self.span) // self.S + 1

    def places(self, n):
        """Which pixel each tap of each window sees, where they see few of the many that they reach over; else None."""
        count, (before, _) = self.count(n), self.pads(n)
        covered = max(before + n, (count - 1) * self.S + self.span)
        if covered <= 2 * n + NEAR or covered <= count * self.F:
            return None
        return (np.arange(count)[:, None] * self.S + np.arange(self.F) * self.D - before).ravel()

    def rule(self, n):
        """The count as arithmetic; n may be None, for a size that is not known."""
        letter, S, number = self.letter, self.S, self.letter if n is None else n
        if self.P is None:
            text = f"{letter}/S = {number}/{S}"
            if n is None:
                return f"{text}, rounded up" if S > 1 else text
            before, after = self.pads(n)
            text += f"{_rest(n, S, 'up', self.count(n))}, since 'same' pads "
            if before == after:
                return f"{text}{before} on each side"
            return f"{text}{before} at the {self.names[0]} and {after} at the {self.names[1]}"
        before, after = self.P
        window = "F" if self.D == 1 else "(D (F - 1) + 1)"
        span = f"{self.F}" if self.D == 1 else f"({self.D}*({self.F} - 1) + 1)"
        padding, pads = "2P", f"2*{before}"
        if before != after:
            padding, pads = f"P_{self.names[0]} + P_{self.names[1]}", f"{before} + {after}"
        text = f"({letter} - {window} + {padding})/S + 1 = ({number} - {span} + {pads})/{S} + 1"
        if n is None:
            return f"{text}, rounded down" if S > 1 else text
        return text + _rest(n + before + after - self.span + S, S, "down", self.count(n))


def _rest(numerator, S, direction, result):
    """The end of an equation whose value is numerator / S, rounded to the result."""
    if numerator % S == 0:
        return f" = {result}"
    return f" = {numerator / S:.6g}, rounded {direction} to {result}"


class Seen(NamedTuple):
    """Images as a kernel takes them, and what it needs to know of the windows.

    x (N, H, W, C) is what the layer was given. Where windows reach far over the edge of the image, it has in the place
    of an axis the `places` that they see there, one after the other, and zeros for those outside.
    """

    x: np.ndarray
    geometry: tuple[tuple[int, int], ...]  # strides, padding (top, left), dilation
    places: list[np.ndarray | None]
    shape: tuple[int, ...]  # of the images

    def spread(self, dx: np.ndarray | None) -> np.ndarray | None:
        """The gradient of the images, from that of x."""
        for axis, (places, n) in enumerate(zip(self.places, self.shape[1:3], strict=True), 1):
            if dx is not None and places is not None:
                spread = np.zeros((*dx.shape[:axis], n, *dx.shape[axis + 1 :]), dx.dtype)
                inside = (places >= 0) & (places < n)
                np.add.at(spread.swapaxes(0, axis), places[inside], dx.swapaxes(0, axis)[inside])
                dx = spread
        return dx


class Window2D:
    """A window that slides over an image, in steps.

    Args:
        owner: begins the messages, such as "Conv2D".
        size: F: a whole number, or (height, width).
        strides: S: the same.
        padding: "valid": none. "same": as much as gives ceil(H/S) rows and ceil(W/S) columns, an odd one at the bottom
            and the right, as Keras does. Else P: a whole number, (height, width), or ((top, bottom), (left, right)).
        dilation: D: a whole number, or (height, width).

    Attributes:
        size, strides, dilation: pairs (height, width).
        padding: as given, with tuples for lists.

    Raises:
        ValueError: for sizes and strides that are not whole numbers of at least 1, and paddings that are none of these.

    Example:
        >>> window = Window2D("Conv2D", size=5, strides=1, padding="valid")
        >>> window.output_size(32, 32)
        (28, 28)
        >>> print(window.rule(32, 32))
        H_out = W_out = (W - F + 2P)/S + 1 = (32 - 5 + 2*0)/1 + 1 = 28
        >>> Window2D("Conv2D", size=5, strides=1, padding="same").pads(32, 32)
        (2, 2, 2, 2)
    """

    def __init__(self, owner: str, size: Any, strides: Any, padding: Any, dilation: Any = 1) -> None:
        self.owner = owner
        size, strides, dilation = pair("size", size), pair("strides", strides), pair("dilation_rate", dilation)
        if isinstance(padding, str):
            if padding not in ("valid", "same"):
                raise ValueError(f"padding: expected {PADDING}, got {padding!r}")
            P = (None, None) if padding == "same" else sides("padding", 0)
        else:
            P = sides("padding", padding)
        self.padding = _tuples(padding)
        steps = zip(size, strides, dilation, P, strict=True)
        self._axes = [
            _Axis(letter, names, *step)
            for letter, names, step in zip("HW", (("top", "bottom"), ("left", "right")), steps, strict=True)
        ]

    # These cannot be set: kernels trust them to be what the size of the output was computed from.

    @property
    def size(self) -> tuple[int, int]:
        return self._axes[0].F, self._axes[1].F

    @property
    def strides(self) -> tuple[int, int]:
        return self._axes[0].S, self._axes[1].S

    @property
    def dilation(self) -> tuple[int, int]:
        return self._axes[0].D, self._axes[1].D

    def config(self, size: str) -> dict[str, Any]:
        """The arguments of a layer that slides this window, as JSON can write them; `size` is what it calls F."""
        values = {size: self.size, "strides": self.strides, "padding": self.padding, "dilation_rate": self.dilation}
        return {name: short(value) for name, value in values.items()}

    def pads(self, H: int, W: int) -> tuple[int, int, int, int]:
        """The padding as (top, bottom, left, right)."""
        vertical, horizontal = self._axes
        return *vertical.pads(H), *horizontal.pads(W)

    def seen(self, x: np.ndarray) -> Seen:
        """The images x, for a kernel."""
        shape, steps, places = x.shape, [], []
        for i, axis in enumerate(self._axes, 1):
            n, seen = shape[i], axis.places(shape[i])
            steps.append((axis.S, axis.pads(n)[0], axis.D) if seen is None else (axis.F, 0, 1))
            places.append(seen)
            if seen is not None:
                gathered = np.zeros((*x.shape[:i], len(seen), *x.shape[i + 1 :]), x.dtype)
                inside = (seen >= 0) & (seen < n)
                gathered.swapaxes(0, i)[inside] = x.swapaxes(0, i)[seen[inside]]
                x = gathered
        return Seen(x.view(), tuple(zip(*steps, strict=True)), places, shape)  # the caller may reshape x

    def output_size(self, H: int | None, W: int | None, C: int | None = None) -> tuple[int | None, int | None]:
        """How many windows fit, as (H_out, W_out). A size that is not known, None, stays None.

        Args:
            C: the number of channels, for the message: whether H looks like it instead.

        Raises:
            ValueError: none fits; the message has the arithmetic. An image without pixels.
        """
        counts = []
        for axis, n in zip(self._axes, (H, W), strict=True):
            if n is not None and n < 1:
                raise ValueError(f"{self.owner}: expected an image of at least 1 pixel, got H = {H}, W = {W}")
            count = None if n is None else axis.count(n)
            counts.append(count)
            if count is not None and count < 1:
                raise ValueError(
                    f"{self.owner}: the window is larger than the padded image: {axis.letter}_out = {axis.rule(n)}. "
                    f"{_channels_first(H, W, C) or 'Take a smaller window, more padding or a larger image'}"
                )
        return counts[0], counts[1]

    def refuse_padding_alone(self, H: int | None, W: int | None) -> None:
        """Refuse windows that lie wholly in the padding: for pooling, which has nothing to say of them. D is 1."""
        for axis, n in zip(self._axes, (H, W), strict=True):
            before, after = axis.P or (0, 0) if n is None else axis.pads(n)
            # The first window begins at the first pixel of the padding; the last ends up to S - 1 before its last.
            left_over = axis.S - 1 if n is None else (n + before + after - axis.span) % axis.S
            for name, padding, gap in zip(axis.names, (before, after), (0, left_over), strict=True):
                if axis.span + gap <= padding:
                    raise ValueError(
                        f"{self.owner}: a window at the {name} lies wholly in the padding: the window has a size of "
                        f"{axis.F}, and the padding of {padding}. Take a larger window, or less padding"
                    )

    def rule(self, H: int | None, W: int | None) -> str:
        """The arithmetic of the output's size, with its numbers."""
        vertical, horizontal = self._axes
        if H == W and H is not None and vertical[2:] == horizontal[2:] and len({*horizontal.pads(W)}) == 1:
            return f"H_out = W_out = {horizontal.rule(W)}"
        return f"H_out = {vertical.rule(H)}; W_out = {horizontal.rule(W)}"


def _tuples(value):
    return tuple(map(_tuples, value)) if isinstance(value, tuple | list) else value
