"""Types: an editor, and a type checker, know what every public function takes and returns (py.typed promises it)."""

import inspect
import typing

import pytest

import nnlite

PUBLIC = {f"nnlite.{name}": getattr(nnlite, name) for name in nnlite.__all__}
for module in (nnlite.derive, nnlite.images, nnlite.inspect, nnlite.interop, nnlite.text):
    PUBLIC |= {f"{module.__name__}.{name}": getattr(module, name) for name in module.__all__}
SPECIAL = {"__init__", "__call__"}


def functions():
    """Every public function, and of every public class what it defines, or takes from a base of ours, by name."""
    for name, thing in PUBLIC.items():
        if not inspect.isclass(thing):
            yield name, thing
            continue
        for key in dir(thing):
            owner = next(base for base in thing.__mro__ if key in vars(base))
            if (key in SPECIAL or not key.startswith("_")) and owner.__module__.startswith("nnlite"):
                member = inspect.getattr_static(thing, key)
                member = member.fget if isinstance(member, property) else getattr(thing, key, None)
                if inspect.isroutine(member):
                    yield f"{name}.{key}", member


FUNCTIONS = dict(functions())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments_and_results_have_types(name):
    signature = inspect.signature(FUNCTIONS[name])
    bare = [p.name for p in signature.parameters.values() if p.annotation is p.empty and p.name != "self"]
    assert not bare, f"{name}: no types for {', '.join(bare)}"
    assert signature.return_annotation is not signature.empty, f"{name}: no type for the result"
    typing.get_type_hints(inspect.unwrap(FUNCTIONS[name]))  # the names in them exist


def test_the_walk_finds_what_there_is():
    found = {"nnlite.sample", "nnlite.LSTM.__init__", "nnlite.LSTM.forward", "nnlite.LSTM.get_config"}
    found |= {"nnlite.Sequential.fit", "nnlite.Sequential.params", "nnlite.Sequential.from_config", "nnlite.Adam.apply"}
    found |= {"nnlite.StepDecay.__call__", "nnlite.text.Vocabulary.encode", "nnlite.text.windows", "nnlite.gradcheck"}
    assert found <= FUNCTIONS.keys()
