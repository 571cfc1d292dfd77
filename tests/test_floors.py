"""The floors of the house: imports go down only. This test reads them, it runs nothing."""

import ast
import re
import sys
from pathlib import Path

import pytest

import nnlite

PACKAGE = Path(nnlite.__file__).parent
CSRC = PACKAGE.parent / "csrc"

# From the ground up. A module imports from lower floors only, and a folder's modules each other as well. A new module
# takes its place here: as low as it can stand. CONTRIBUTING.md draws the same floors.
FLOORS = [
    {"arguments", "checks", "extras", "kernels", "notebook", "reference", "seeds", "start", "tape", "turns"},
    {"divergence", "initializers", "regularizers", "saving", "schedules", "sequence_lengths", "utils"},
    {"callbacks", "layers", "losses", "metrics", "optimizers", "sampling"},
    {"models"},
    {"distributed"},
    {"derive", "gradcheck", "inspect"},
    {"images", "interop", "machine", "plot", "report", "roofline", "testing", "text"},
    {"experiment", "ladder", "play", "zoo"},
    {"homework"},
    {"cli"},
]
FLOOR_OF = {name: number for number, names in enumerate(FLOORS) for name in names}

# The doors: nnlite itself gives the names of the lower floors to those above, and hands on the roof's on first use.
ROOF = FLOORS[-4:]
USERS = {"__main__"}.union(*ROOF) - {"machine"}  # which asks the kernels
FLOOR_OF |= {"__init__": FLOOR_OF["images"] - 0.5, "__main__": len(FLOORS)}

# A layer is made of these, of what is in layers/base, and of no other layer.
FOUNDATION_OF_LAYERS = {
    "arguments", "checks", "initializers", "kernels", "notebook", "regularizers", "seeds", "sequence_lengths", "turns",
}  # fmt: skip

# The roof builds with what a user builds with: the names of nnlite.__all__, and of these modules.
PUBLIC_MODULES = {
    "callbacks", "derive", "distributed", "experiment", "extras", "gradcheck", "homework", "images", "initializers",
    "inspect", "interop", "ladder", "layers", "losses", "machine", "metrics", "notebook", "optimizers", "play",
    "plot", "regularizers", "report", "roofline", "saving", "schedules", "start", "tape", "testing", "text", "turns",
    "utils", "zoo",
}  # fmt: skip

# Other people's packages, and the only rooms that know them.
PACKAGES = {
    "IPython": {"notebook"},
    "PIL": {"images"},
    "dask": {"experiment"},
    "h5py": {"interop"},
    "joblib": {"experiment"},
    "jinja2": {"report"},
    "jupytext": {"homework"},
    "matplotlib": {"plot"},
    "mpi4py": {"distributed"},
    "onnx": {"interop"},
    "platformdirs": {"roofline"},
    "regex": {"text"},
    "rich": {"callbacks", "cli", "models"},
    "safetensors": {"interop", "saving"},
    "sklearn": {"images"},
    "threadpoolctl": {"ladder"},
    "torch": {"interop"},
    "typer": {"cli"},
}


def module_name(path):
    """Such as "layers.lstm", or "layers" for the folder's __init__."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(name):
    """What a module imports, also inside of functions: pairs (module, name), such as ("nnlite.layers.dense", "Dense").

    The name is None in `import module`. What comes from nnlite itself is ("nnlite", name).
    """
    path = MODULES[name]
    package = ["nnlite", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*start, *(node.module.split(".") if node.module else [])])
            yield from ((module, alias.name) for alias in node.names)


def own_imports(name):
    """The modules of nnlite among them, such as "layers.dense"; "__init__" for a name of nnlite itself."""
    for module, imported in imports(name):
        if module.split(".")[0] == "nnlite":
            inner = module.removeprefix("nnlite").lstrip(".")
            candidate = f"{inner}.{imported}".lstrip(".")
            yield candidate if candidate in MODULES else inner or "__init__"


def room(name):
    return name.split(".")[0]


def test_every_module_has_its_floor():
    rooms = {room(name) for name in MODULES}
    assert rooms <= FLOOR_OF.keys(), f"add to FLOORS: {sorted(rooms - FLOOR_OF.keys())}"


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_down(name):
    for other in own_imports(name):
        if name == "__init__" and FLOORS[FLOOR_OF[room(other)]] in ROOF:
            continue  # nnlite may hand on names of the roof, on first use
        assert room(other) == room(name) or FLOOR_OF[room(other)] < FLOOR_OF[room(name)], f"{name} imports {other}"


@pytest.mark.parametrize("name", [name for name in MODULES if room(name) == "layers" and "." in name])
def test_layers_know_no_other_layer(name):
    others = {getattr(nnlite.layers, layer).__module__.removeprefix("nnlite.") for layer in nnlite.layers.__all__}
    for other in own_imports(name):
        assert other not in others, f"{name} imports the layer {other}"
        assert room(other) in FOUNDATION_OF_LAYERS | {"layers"}, f"{name} imports {other}"


@pytest.mark.parametrize("name", [name for name in MODULES if room(name) == "reference"])
def test_the_reference_knows_numpy_alone(name):
    for module, _ in imports(name):
        allowed = module.startswith("nnlite.reference") or module.split(".")[0] in {"numpy", *sys.stdlib_module_names}
        assert allowed, f"{name} imports {module}"


@pytest.mark.parametrize("name", [name for name in MODULES if {room(name)} & USERS])
def test_the_roof_uses_public_names(name):
    for other, (module, imported) in zip(own_imports(name), ours(name), strict=True):
        if room(other) in {room(name), "cli"}:  # which __main__ calls
            continue
        if other == "__init__":
            assert imported in {None, "__version__", *nnlite.__all__}, f"{name} imports nnlite.{imported}"
        else:
            assert room(other) in PUBLIC_MODULES, f"{name} imports {module}"
            assert not (imported or "").startswith("_"), f"{name} imports {module}.{imported}"
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "nnlite":
            assert node.attr in {"__version__", *nnlite.__all__, *PUBLIC_MODULES}, f"{name} uses nnlite.{node.attr}"


def ours(name):
    return [pair for pair in imports(name) if pair[0].split(".")[0] == "nnlite"]


@pytest.mark.parametrize("name", MODULES)
def test_each_package_has_one_door(name):
    for module, _ in imports(name):
        package = module.split(".")[0]
        if package in PACKAGES:
            assert room(name) in PACKAGES[package], f"{name} imports {module}: only {PACKAGES[package]} may"


# The kernels.


def statements(path, pattern):
    """The first group of a pattern that matches whole lines, outside of docstrings."""
    text = re.sub(r'"""(?!.*\*/).*?"""', "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.findall(pattern, text, flags=re.MULTILINE)


CYTHON_FILES = sorted([*CSRC.glob("*.pyx"), *CSRC.glob("*.pxd")])
HEADERS = {path.stem for path in CSRC.glob("*.pxd")}
checkout = pytest.mark.skipif(not CSRC.is_dir(), reason="an installed nnlite has no csrc/")


@checkout
@pytest.mark.parametrize("path", CYTHON_FILES, ids=lambda path: path.name)
def test_kernels_share_headers_only(path):
    cimported = statements(path, r"^(?:from|cimport)\s+([\w.]+)(?:\s+cimport\b.*)?$")
    for module in cimported:
        is_shared = module in HEADERS or module == "nnlite.kernels.host"  # which has one number for all of them
        assert is_shared or module.split(".")[0] in ("cython", "libc"), f"{path.name} cimports {module}"
    imported = statements(path, r"^\s*(?:from\s+([\w.]+)\s+)?import\b.*$")
    assert not imported, f"{path.name} imports {imported}: a kernel needs no Python"


@checkout
def test_shared_pxds_are_headers():
    implemented = {path.stem for path in CSRC.glob("*.pyx")}
    assert not HEADERS & implemented, "cimporting what another .pyx implements fails at import time"


@checkout
@pytest.mark.parametrize("path", sorted(CSRC.glob("*.h")), ids=lambda path: path.name)
def test_headers_include_libc_and_each_other(path):
    included = statements(path, r'^\s*#\s*include\s+["<]([\w./]+)[">]')
    libc = {"math.h", "omp.h", "pthread.h", "sched.h", "stddef.h", "stdint.h", "stdlib.h", "string.h"}
    for header in included:
        assert header in libc or (CSRC / header).exists(), f"{path.name} includes {header}"
