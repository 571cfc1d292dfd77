"""Conv2D: few channels and many, few pixels and many, windows of one to seven, in groups, and of a single image."""

from typing import NamedTuple

from work import BOTH, FORWARD, in_onnx_runtime, layer_work


class Sizes(NamedTuple):
    C: int
    filters: int
    kernel: int
    image: int
    padding: int = 0
    batch: int = 64
    strides: int = 1
    groups: int = 1

    @property
    def out(self):
        return (self.image + 2 * self.padding - self.kernel) // self.strides + 1


SIZES = [
    Sizes(1, 8, 5, 28, 2),
    Sizes(3, 8, 5, 32),
    Sizes(3, 64, 3, 32),
    Sizes(8, 16, 5, 14),
    Sizes(16, 32, 3, 32),
    Sizes(32, 64, 3, 16),
    Sizes(64, 64, 3, 16),
    Sizes(64, 64, 1, 32),
    Sizes(64, 64, 3, 28, 1, batch=16),
    Sizes(128, 128, 3, 14, 1, batch=16),
    Sizes(256, 256, 3, 7, 1, batch=16),
    Sizes(16, 16, 5, 28, 2, batch=16),
    Sizes(32, 32, 5, 28, 2, batch=16),
    Sizes(64, 64, 5, 14, 2, batch=16),
    Sizes(64, 256, 1, 28, batch=16),
    Sizes(256, 64, 1, 28, batch=16),
    Sizes(64, 128, 3, 28, 1, batch=16, strides=2),
    Sizes(3, 64, 7, 64, 3, batch=16, strides=2),
    Sizes(64, 64, 3, 28, 1, batch=16, groups=64),
    Sizes(256, 256, 3, 14, 1, batch=16, groups=256),
    Sizes(128, 128, 3, 14, 1, batch=16, groups=64),
    Sizes(128, 128, 3, 14, 1, batch=16, groups=32),
    Sizes(128, 128, 3, 14, 1, batch=16, groups=16),
    Sizes(64, 64, 3, 28, 1, batch=16, groups=4),
    Sizes(64, 64, 3, 28, 1, batch=1),
    Sizes(256, 256, 3, 14, 1, batch=1),
]
DOUBLE = [Sizes(16, 32, 3, 32), Sizes(64, 64, 3, 16)]
WITH_ONNX_RUNTIME = [s for s in SIZES if s.groups == s.C or s.C == 256]


def operations(s, passes, dtype):
    """One product for y, one for dx and one for the weights' gradient, without rows of windows that lie in the padding.

    With windows of 3 x 3, Winograd's way takes 16 multiplications instead of 36, where it pays (`takes_winograd` in
    csrc/winograd.pxd, on vectors of 512 bits).
    """
    channels, filters, lanes = s.C // s.groups, s.filters // s.groups, 16 if dtype == "float32" else 8
    rows = [row * s.strides + tap - s.padding for row in range(s.out) for tap in range(s.kernel)]
    by_definition = 2 * s.batch * sum(0 <= row < s.image for row in rows) * s.out * s.kernel * s.filters * channels

    def share(of_x, of_y):
        possible = s.kernel == 3 and s.strides == 1 and s.out > 3 and of_y >= lanes and of_x * of_y >= 3 * lanes
        return 16 / 36 if possible and (of_x * of_y <= 16384 or s.out**2 >= 48) else 1

    return by_definition * (share(channels, filters) + (passes == BOTH) * (share(filters, channels) + 1))


def name(s):
    padded, strides = ", padded" * (s.padding > 0), f", strides {s.strides}" * (s.strides > 1)
    groups = f", {s.groups} groups" * (s.groups > 1)
    batch = f", batch {s.batch}" * (s.batch != 64)
    return (
        f"Conv2D {s.C} -> {s.filters}, {s.kernel} x {s.kernel} on {s.image} x {s.image}{padded}{strides}{groups}{batch}"
    )


def conv2d(s, passes, dtype="float32"):
    x, weights = (s.batch, s.C, s.image, s.image), (s.filters, s.C // s.groups, s.kernel, s.kernel)
    geometry = {"strides": [s.strides] * 2, "pads": [s.padding] * 4, "group": s.groups}
    return layer_work(
        name(s),
        lambda nnlite: nnlite.Conv2D(
            s.filters, s.kernel, strides=s.strides, padding=s.padding, groups=s.groups, seed=0, dtype=dtype
        ),
        lambda torch: torch.nn.Conv2d(s.C, s.filters, s.kernel, s.strides, s.padding, groups=s.groups),
        (s.batch, s.image, s.image, s.C),
        passes=passes,
        images=True,
        peers=passes == FORWARD
        and s in WITH_ONNX_RUNTIME
        and in_onnx_runtime("Conv", x, [weights, weights[:1]], **geometry),
        operations=operations(s, passes, dtype),
        dtype=dtype,
    )


WORKS = [conv2d(s, passes) for passes in (FORWARD, BOTH) for s in SIZES]
WORKS += [conv2d(s, passes, "float64") for passes in (FORWARD, BOTH) for s in DOUBLE]
