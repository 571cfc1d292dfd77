"""What this machine can do: the arithmetic of a core, and the bandwidth of each level of memory."""

import ctypes
from dataclasses import dataclass
from pathlib import Path

from . import compiler

LARGEST = 1 << 30  # bytes to measure memory with, where the last cache is huge
UNKNOWN = {"L1": 32 << 10, "memory": 256 << 20}  # to measure with, where the system does not tell its caches


@dataclass(frozen=True)
class Machine:
    """What one core was measured to do, in float32.

    Attributes:
        peak: operations per second, a multiply-add counting as two.
        vector: bits of the vectors that reach it.
        bandwidth: bytes per second by level, the nearest first: "L1", "L2", "L3", "memory".
        caches: bytes by level, as far as the system tells.

    Example:
        >>> from nnlite.roofline import Machine
        >>> machine = Machine(peak=2e11, vector=512, bandwidth={"L1": 6e11, "memory": 3e10}, caches={"L1": 49152})
        >>> machine.roof(1.0, "memory") / 1e9  # an operation for each byte: limited by memory
        30.0
        >>> machine.roof(100.0, "memory") / 1e9
        200.0
    """

    peak: float
    vector: int
    bandwidth: dict[str, float]
    caches: dict[str, int]

    def roof(self, intensity: float, level: str) -> float:
        """The most operations per second at so many operations for each byte of this level."""
        return min(self.peak, intensity * self.bandwidth[level])

    def level(self, size: float) -> str:
        """The nearest level of memory that holds so many bytes."""
        return next((level for level, cache in self.caches.items() if size <= cache), [*self.bandwidth][-1])


def measure() -> Machine:
    """Measure one core. It takes a second or two, and a C compiler.

    The bandwidth is that of a = b + s c, two numbers read for one that is written, on arrays that fill half of a cache,
    or four times the last one.

    Raises:
        ImportError: the extra `ladder` is not installed.
        RuntimeError: there is no C compiler.

    Example:
        >>> from nnlite import roofline
        >>> try:
        ...     peak = roofline.measure().peak
        ... except RuntimeError as error:
        ...     print(error)  # what to install
    """
    program, caches = compiler.library(Path(__file__).with_name("peak.c")), cache_sizes()
    program.peak.restype = program.bandwidth.restype = ctypes.c_double
    program.bandwidth.argtypes = [ctypes.c_size_t]
    sizes = {level: size // 2 for level, size in caches.items()}
    if caches:
        sizes["memory"] = min(LARGEST, 4 * max(caches.values()))
    bandwidth = {level: program.bandwidth(size) for level, size in (sizes or UNKNOWN).items()}
    return Machine(program.peak(), program.vector_bits(), bandwidth, caches)


def cache_sizes(folder: str | Path = "/sys/devices/system/cpu/cpu0/cache") -> dict[str, int]:
    """Bytes by level, of caches of data; empty where Linux does not say so.

    Example:
        >>> from nnlite import roofline
        >>> list(roofline.cache_sizes("/no/such/folder"))
        []
    """
    sizes = {}
    for file in Path(folder).glob("index*/size"):
        kind, level, size = ((file.parent / name).read_text().strip() for name in ("type", "level", "size"))
        if kind != "Instruction":
            sizes[f"L{level}"] = int(size.removesuffix("K")) << 10
    return dict(sorted(sizes.items()))
