"""What this machine can do: its CPU, the arithmetic of a core, and the bandwidth of each level of memory."""

import contextlib
import textwrap
from importlib import metadata

from work import PACKAGES


def measure():
    """Facts by name. Without a C compiler, what `nnlite.roofline` measures is left out.

    "peak" is by dtype, in operations per second of a core; a float64 is as wide as two float32. "bandwidth" is by
    level, in GB/s.
    """
    from nnlite import machine, roofline

    packages = {package for needed in PACKAGES.values() for package in needed}
    facts = {**machine.describe(), "versions": {}, "caches": roofline.cache_sizes(), "peak": {}, "bandwidth": {}}
    facts["vector"] = None
    for package in sorted(packages - {"nnlite"}):
        with contextlib.suppress(metadata.PackageNotFoundError):
            facts["versions"][package] = metadata.version(package)
    with contextlib.suppress(RuntimeError):
        found = roofline.measure()
        facts["vector"], facts["peak"] = found.vector, {"float32": found.peak, "float64": found.peak / 2}
        facts["bandwidth"] = {level: bandwidth / 1e9 for level, bandwidth in found.bandwidth.items()}
    return facts


def lines(facts):
    """The facts in a few lines."""
    text = f"{facts['CPU']}, {facts['cores'].split(',')[0]} cores; {facts['kernels']}"
    if facts["peak"]:
        text += f", vectors of {facts['vector']} bits; a core's peak: {facts['peak']['float32'] / 1e9:.0f} GFLOP/s"
    levels = {level: f" ({size >> 10} KiB)" for level, size in facts["caches"].items()}
    for level, gb in facts["bandwidth"].items():
        text += f", {gb:.0f} GB/s from {level}{levels.get(level, '')}"
    versions = ", ".join(f"{package} {version}" for package, version in facts["versions"].items())
    return f"{textwrap.fill(text, 120)}\n{versions}"
