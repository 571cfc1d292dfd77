"""The result of `trace`: arrays by layer and name, with characters and meanings."""

from typing import NoReturn

import numpy as np

from .. import checks
from ..notebook import Shown, Table


class LayerTrace(Shown, dict[str, np.ndarray]):
    """The values of one layer: a dict from names, such as "f", to arrays. Prints as a table of names and shapes.

    Attributes:
        name: the layer's name in its model, such as "lstm".
        layer: the name of its class, such as "LSTM".
        characters: for text, the layer's input: N strings, whose character t belongs to step t; else None.
        initial: for a recurrent layer, the states before the first step by name, (N, H) each, and with targets their
            gradients, "dh" and "dc". Empty for other layers.
        meanings: what each array is, by name.
    """

    def __init__(
        self,
        name: str,
        layer: str,
        arrays: dict[str, np.ndarray],
        meanings: dict[str, str],
        initial: dict[str, np.ndarray] | None = None,
        characters: list[str] | None = None,
    ) -> None:
        super().__init__(arrays)
        self.name, self.layer, self.characters = name, layer, characters
        self.initial, self.meanings = initial or {}, meanings

    def __missing__(self, key: str) -> NoReturn:
        hint = "" if any(name.startswith("d") for name in self) else ": give targets for gradients"
        raise KeyError(f"{self.name} ({self.layer}): expected one of {', '.join(self)}, got {key!r}{hint}")

    def _table(self):
        rows = [(name, checks.shape_text(array.shape), self.meanings[name]) for name, array in self.items()]
        return Table(rows, title=f"{self.name}: {self.layer}", indent="  ")


class Trace(Shown, dict[str, LayerTrace]):
    """The values of a model: a dict from its layers' names to `LayerTrace`s. Prints as a table of names and shapes.

    Attributes:
        x, y: the input, for text its ids, and the output.
        targets: the targets, for text their ids; None without.
        loss: the loss of y, a number; None without targets.
        characters: for text, N strings of T characters; else None.
    """

    def __init__(
        self,
        layers: dict[str, LayerTrace],
        x: np.ndarray,
        y: np.ndarray,
        targets: np.ndarray | None = None,
        loss: float | None = None,
        characters: list[str] | None = None,
    ) -> None:
        super().__init__(layers)
        self.x, self.y, self.targets, self.loss, self.characters = x, y, targets, loss, characters

    def __missing__(self, key: str) -> NoReturn:
        raise KeyError(f"layer: expected one of {', '.join(self)}, got {key!r}")

    def __str__(self) -> str:
        return "\n".join([self._head(), *map(str, self.values())])

    def html(self) -> str:
        return "\n".join([Table([], title=self._head()).html(), *(layer.html() for layer in self.values())])

    def _head(self):
        loss = "" if self.loss is None else f", loss {self.loss:.4f}"
        return f"x {checks.shape_text(self.x.shape)} -> y {checks.shape_text(self.y.shape)}{loss}"
