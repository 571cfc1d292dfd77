"""What this machine can do: its CPU, the arithmetic of a core, and the bandwidth of each level of memory."""

import contextlib
import os
import subprocess
import tempfile
import textwrap
from importlib import metadata
from pathlib import Path

from work import PACKAGES

HERE = Path(__file__).parent
LARGEST = 1 << 30  # bytes to measure memory with, where the last cache is huge


def cache_sizes(folder="/sys/devices/system/cpu/cpu0/cache"):
    """Bytes by level, of caches of data; empty where Linux does not say so."""
    sizes = {}
    for file in Path(folder).glob("index*/size"):
        kind, level, size = ((file.parent / name).read_text().strip() for name in ("type", "level", "size"))
        if kind != "Instruction":
            sizes[f"L{level}"] = int(size.removesuffix("K")) << 10
    return dict(sorted(sizes.items()))


def measure():
    """Facts by name. Without a C compiler, what `peak.c` measures is left out.

    "peak" is by dtype, in operations per second of a core; a float64 is as wide as two float32. "bandwidth" is by
    level, in GB/s: of arrays that fill half of a cache, or four times the last one.
    """
    from nnlite import machine
    from nnlite.kernels import host

    caches = cache_sizes()
    sizes = {level: size // 2 for level, size in caches.items()}
    if caches:
        sizes["memory"] = min(LARGEST, 4 * max(caches.values()))
    packages = {package for needed in PACKAGES.values() for package in needed}
    facts = {**machine.describe(), "versions": {}, "caches": caches, "peak": {}, "bandwidth": {}, "vector": None}
    for package in sorted(packages - {"nnlite"}):
        with contextlib.suppress(metadata.PackageNotFoundError):
            facts["versions"][package] = metadata.version(package)
    compiler = [os.environ.get("CC", "cc"), "-O3", f"-march={host.architecture()}", f"-I{HERE.parent / 'csrc'}"]
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(OSError, subprocess.CalledProcessError):
        program = str(Path(folder, "peak"))
        subprocess.run([*compiler, str(HERE / "peak.c"), "-o", program], check=True)
        command = [program, *map(str, sizes.values())]
        vector, peak, *bandwidths = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        facts["vector"], facts["peak"] = int(vector), {"float32": 1e9 * float(peak), "float64": 5e8 * float(peak)}
        facts["bandwidth"] = dict(zip(sizes, map(float, bandwidths), strict=True))
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
