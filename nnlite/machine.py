"""Facts about the machine and the compiled kernels."""

import os
import platform
import subprocess
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import numpy as np

from .kernels import get_num_threads, host, why_reference


def describe() -> dict[str, str]:
    """Versions, CPU and kernels, as text by name, for a bug report; without compiled kernels it ends there.

    Example:
        >>> from nnlite import machine
        >>> list(machine.describe())
        ['nnlite', 'Python', 'NumPy', 'system', 'CPU', 'cores', 'kernels', 'instructions', 'OpenMP', 'threads']
    """
    from . import __version__

    facts = {
        "nnlite": __version__,
        "Python": f"{platform.python_version()} ({platform.python_implementation()})",
        "NumPy": np.__version__,
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "CPU": cpu_model(),
        "cores": f"{os.cpu_count()}, of which this process may use {host.available_threads()}",
    }
    if why_reference:
        return {**facts, "kernels": f"none: NumPy does their work, as {why_reference}"}
    caches = '"' + " ".join(f"{size // 1024}K" for size in host.caches()) + '"'
    return {
        **facts,
        "kernels": f"compiled with NNLITE_ARCH={host.architecture()}, NNLITE_CACHES={caches}",
        "instructions": " ".join(host.features()) or f"those of {host.architecture()}",
        "OpenMP": "yes" if host.has_openmp() else "no: the kernels run on one thread",
        "threads": f"{get_num_threads()}; NNLITE_NUM_THREADS or nnlite.set_num_threads(n) set another number",
    }


def cpu_model() -> str:
    """The model name of the CPU, such as "Intel(R) Xeon(R) Processor @ 2.60GHz"."""
    try:
        if platform.system() == "Darwin":
            command = ["sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, subprocess.CalledProcessError, StopIteration):
        return platform.processor() or platform.machine() or "unknown"


def stale_kernels() -> list[str]:
    """Sources in csrc/ that are newer than their kernels; empty if nnlite is not a checkout, or runs on NumPy.

    An editable install does not compile after an edit: `make build` does.
    """
    if why_reference:
        return []
    sources, kernels = Path(__file__).parent.parent / "csrc", Path(host.__file__).parent
    shared = [*sources.glob("*.h"), *sources.glob("*.pxd")]
    stale = set()
    for source in sources.glob("*.pyx"):
        files = [kernels / f"{source.stem}{suffix}" for suffix in EXTENSION_SUFFIXES]
        built = max((file.stat().st_mtime for file in files if file.exists()), default=0.0)
        stale |= {file.name for file in [source, *shared] if file.stat().st_mtime > built}
    return sorted(stale)
