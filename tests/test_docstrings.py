"""The examples in the docstrings run, and print what they say."""

import doctest
import importlib
import inspect
import pkgutil

import pytest
from extras import import_extra

import nnlite


def modules():
    """All modules of the package, except the compiled ones, which have no examples, and programs."""
    yield "nnlite"
    for module in pkgutil.walk_packages(nnlite.__path__, "nnlite."):
        if not module.name.startswith("nnlite.kernels.") and not module.name.endswith(("__main__", "sandbox.child")):
            yield module.name


# Modules whose examples need an optional extra.
EXTRAS = dict.fromkeys(("nnlite.images", "nnlite.images.digits", "nnlite.experiment.digits"), ("sklearn", "digits"))
EXTRAS |= dict.fromkeys(
    ("nnlite.ladder.climbing", "nnlite.roofline.compiler", "nnlite.roofline.machine"), ("platformdirs", "ladder")
)
EXTRAS |= {"nnlite.distributed.data_parallel": ("mpi4py", "mpi"), "nnlite.interop.keras": ("h5py", "keras")}
ONNX = "nnlite.interop.onnx"  # and all that begins so


@pytest.mark.parametrize("name", list(modules()))
def test_examples(name, tmp_path, monkeypatch):
    if name in EXTRAS or name.startswith(ONNX):
        import_extra(*EXTRAS.get(name, ("onnx", "onnx")))
    monkeypatch.chdir(tmp_path)  # examples may write files
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert not failed


PUBLIC = [getattr(nnlite, name) for name in nnlite.__all__]
BASES = nnlite.Layer | nnlite.losses.Loss | nnlite.Optimizer | nnlite.Callback | nnlite.schedules.Schedule
TAUGHT = [p for p in PUBLIC if inspect.isclass(p) and issubclass(p, BASES)]


@pytest.mark.parametrize("taught", TAUGHT, ids=lambda taught: taught.__name__)
def test_every_class_to_build_with_has_an_example(taught):
    assert ">>> " in inspect.getdoc(taught), f"{taught.__name__} has no example"
