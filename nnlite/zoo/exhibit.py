"""Exhibits: the catalogue, and the source of each."""

import importlib
import inspect
import tomllib
import types
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Exhibit:
    """A kernel's NumPy reference with one mistake in it.

    Attributes:
        name: such as "lstm-07".
        kernel: the module of nnlite/reference that it changes, such as "lstm".
        difficulty: 1 to 3: seen at once, with the formulas beside it, with thought.
        story: the mistake, in a sentence.
        function: in which the mistake is.
        task: what is trained with it: see `nnlite.zoo.tasks`.
    """

    name: str
    kernel: str
    difficulty: int
    story: str
    function: str
    old: str
    new: str
    task: str
    loss: tuple[float, float] | None = None  # smallest and largest over seeds
    right: tuple[float, float] | None = None  # the same without the mistake

    @property
    def file_name(self) -> str:
        return f"{self.name.replace('-', '_')}.py"

    def source(self) -> str:
        """The text of the module, with the mistake.

        Example:
            >>> from nnlite.zoo import exhibit
            >>> "def backward" in exhibit("lstm-01").source()
            True
        """
        right = inspect.getsource(right_module(self.kernel))
        start = right.index(f"def {self.function}(")
        head, tail = right[:start], right[start:]
        if self.old not in tail:
            raise ValueError(
                f"{self.name}: {self.old!r} is not in {self.function} of nnlite/reference/{self.kernel}.py"
            )
        return alone(head + tail.replace(self.old, self.new, 1))

    def module(self) -> types.ModuleType:
        """The module, to stand in for the kernel: `use_backend(lstm=exhibit("lstm-01").module())`."""
        return module_of(self.source(), self.file_name)


def right_module(kernel: str) -> types.ModuleType:
    """What an exhibit of this kernel changes."""
    return importlib.import_module(f"nnlite.{'zoo' if kernel == 'windows' else 'reference'}.{kernel}")


def alone(source: str) -> str:
    """The text of a reference, to stand in any folder."""
    return source.replace("from ._", "from nnlite.reference._")


def module_of(source: str, name: str) -> types.ModuleType:
    """A module from its text.

    Raises:
        SyntaxError: it is no Python program.
    """
    module = types.ModuleType(Path(name).stem)
    module.__file__ = str(name)
    exec(compile(source, str(name), "exec"), module.__dict__)
    return module


def exhibits() -> dict[str, Exhibit]:
    """All exhibits, by name.

    Example:
        >>> from nnlite.zoo import exhibits
        >>> len(exhibits()) >= 60
        True
    """
    return dict(_catalogue())


@cache
def _catalogue():
    rooms = tomllib.loads((FOLDER / "exhibits.toml").read_text("utf-8"))
    losses = tomllib.loads((FOLDER / "losses.toml").read_text("utf-8"))
    found = {}
    for kernel, entries in rooms.items():
        for number, entry in enumerate(entries, 1):
            name = f"{kernel.replace('_', '-')}-{number:02}"
            task = entry.pop("task", TASKS.get(kernel, "text"))
            ranges = {"loss": losses["exhibits"].get(name), "right": losses["right"].get(right_name(kernel, task))}
            ranges = {key: value and tuple(value) for key, value in ranges.items()}
            found[name] = Exhibit(name=name, kernel=kernel, task=task, **entry, **ranges)
    return found


TASKS = dict.fromkeys(("activation", "conv2d", "dense", "dropout", "norm", "pool2d"), "images")


def right_name(kernel: str, task: str) -> str:
    """The name of a training without a mistake: the recurrent layer is that of the kernel."""
    recurrent = kernel in ("rnn", "lstm", "gru_reset_before", "embedding", "windows")
    return f"{task} with {kernel}" if recurrent else task


def exhibit(name: str) -> Exhibit:
    """The exhibit of this name, such as "lstm-07"; also "lstm_07" or "lstm_07.py".

    Raises:
        ValueError: there is none.
    """
    plain = name.removesuffix(".py").replace("_", "-")
    if plain not in exhibits():
        rooms = sorted({one.rpartition("-")[0] for one in exhibits()})
        raise ValueError(
            f"zoo: expected the name of an exhibit, such as 'lstm-07', got {name!r}: nnlite zoo lists them "
            f"({', '.join(rooms)})"
        )
    return exhibits()[plain]
