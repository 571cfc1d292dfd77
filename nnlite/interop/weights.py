"""Weights of another program paired with those of a model, checked, and then copied. Nothing is half loaded."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

import nnlite

SHOWN = 20  # lines of a list in a message
LONGEST_NAME = 100  # characters of a name that may come from a file


class WeightsError(ValueError):
    """Weights of another program cannot be read, or do not fit. The message names both sides' layers and shapes.

    The model is as it was.

    Example:
        >>> import numpy as np
        >>> from nnlite import Dense, Sequential
        >>> from nnlite.interop import WeightsError, from_npz
        >>> model = Sequential([Dense(2)], input_shape=(3,))
        >>> try:
        ...     from_npz({"dense.W": np.ones((3, 3)), "dense.c": np.ones(2)}, model)
        ... except WeightsError as error:
        ...     print(error)
        from_npz: the weights do not fit the model:
          dense.W: expected (3, 2), as dense.W of Dense(units=2) is (3, 2), got (3, 3)
          dense.b: expected (2,), for dense.b of Dense(units=2), got none: nearest is dense.c (2,)
          dense.c (2,): no weight of the model takes it
    """


class Array(Protocol):
    """What is known of an array before it is read."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> Any: ...


class Store(Protocol):
    """Arrays by names, of a file or in memory: `arrays` says what there is, and `read` gives one."""

    arrays: Mapping[str, Array]

    def read(self, name: str) -> np.ndarray: ...


def unchanged(array: np.ndarray) -> np.ndarray:
    """The array of the other side, where it is laid out alike."""
    return array


@dataclass(frozen=True)
class Link:
    """One array of a model, and where its numbers are on the other side.

    Args:
        ours: its name in the model, such as "lstm.b".
        theirs: names of arrays of the other side: of several where ours is made of them, and of none where the other
            side has it not.
        to_ours: from theirs to ours.
        to_theirs: from ours to a tuple of theirs.
    """

    ours: str
    theirs: tuple[str, ...]
    to_ours: Callable[..., np.ndarray] = unchanged
    to_theirs: Callable[[np.ndarray], tuple[np.ndarray, ...]] = lambda array: (array,)


def constant(ours: str, value: float, shape: tuple[int, ...] = ()) -> Link:
    """The link of an array that the other side has not, as if it had this number everywhere.

    Args:
        shape: of ours, if the model is not built.
    """

    def to_theirs(array: np.ndarray) -> tuple:
        if (array != value).any():
            raise WeightsError(
                f"{ours}: expected {value:g} everywhere, as the other side has no such weight, got other numbers: "
                f"write them to a model that has one"
            )
        return ()

    return Link(ours, (), lambda: np.full(shape, value), to_theirs)


def arrays_of(model: Any) -> dict[str, np.ndarray]:
    """All parameters and statistics of a model that is built, by their names; its own arrays."""
    return {**model.params, **model.statistics}


def require_built(what: str, model: Any) -> None:
    """Refuse a model without weights, and what is no model."""
    if not isinstance(model, nnlite.Sequential):
        raise TypeError(f"{what}: model: expected a Sequential, got {type(model).__name__}")
    if not model.built:
        raise ValueError(
            f"{what}: model: expected a model with weights, got one that is not built: give it an input_shape, as in "
            f"Sequential(layers, input_shape=(F,)), or call it once"
        )


def load(what: str, links: Iterable[Link], store: Store, model: Any, ignored: Callable[[str], bool]) -> None:
    """Copy weights into a model, if all of them fit.

    Args:
        what: begins the message, such as "from_torch".
        ignored: which names of the other side that no link takes are no error.

    Raises:
        WeightsError: a weight is missing, left over, of another shape, or no array of numbers.
    """
    links, arrays, owners = list(links), arrays_of(model), _owners(model)
    problems, taken = [], {name for link in links for name in link.theirs}
    spare = [name for name in store.arrays if name not in taken and not ignored(name)]
    for name in arrays.keys() - {link.ours for link in links}:
        problems.append(f"{name} {arrays[name].shape} of {owners[name]}: the other side has no weight for it")
    for link in links:
        blank = np.broadcast_to(np.zeros((), np.int8), arrays[link.ours].shape)  # which takes no memory
        shapes = [array.shape for array in link.to_theirs(blank)] if link.theirs else []
        for name, shape in zip(link.theirs, shapes, strict=True):
            problems += _problem(name, shape, link.ours, arrays, owners, store, spare)
    problems += [f"{short(name)} {store.arrays[name].shape}: no weight of the model takes it" for name in spare]
    if problems:
        raise WeightsError(f"{what}: the weights do not fit the model:{listed(problems)}")
    new = {link.ours: _converted(what, link, store, arrays[link.ours]) for link in links}
    model.params.update({name: array for name, array in new.items() if name in model.params})
    model.statistics.update({name: array for name, array in new.items() if name in model.statistics})


def written(links: Iterable[Link], model: Any) -> dict[str, np.ndarray]:
    """The other side's arrays, new ones, from those of a model."""
    found, arrays = {}, arrays_of(model)
    for link in links:
        for name, array in zip(link.theirs, link.to_theirs(arrays[link.ours]), strict=True):
            dtype = model.dtype if array.dtype.kind == "f" else array.dtype
            found[name] = np.array(array, dtype, order="C")
    return found


def listed(lines: Iterable[str]) -> str:
    """Lines of a message below its first one."""
    lines = list(lines)
    more = [f"... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "".join(f"\n  {line}" for line in lines[:SHOWN] + more)


def short(name: str, most: int = LONGEST_NAME) -> str:
    """A name that may come from a file, for a message."""
    name = name if name.isprintable() else repr(name)
    return name if len(name) <= most else f"{name[:most]}..."


def _owners(model):
    """For each array the layer that has it."""
    return {
        f"{full}.{name}": repr(layer)
        for full, layer in model.all_layers.items()
        for name in (*layer.params, *layer.statistics)
    }


def _problem(name, shape, ours, arrays, owners, store, spare):
    """What is wrong with one array of the other side; empty if nothing is."""
    owner = f"{ours} of {owners[ours]}"
    if name not in store.arrays:
        near = difflib.get_close_matches(name, spare, n=1, cutoff=0.3)
        alike = [other for other in spare if store.arrays[other].shape == shape]
        near = near or alike[:1]
        hint = f": nearest is {short(near[0])} {store.arrays[near[0]].shape}" if near else ""
        return [f"{name}: expected {shape}, for {owner}, got none{hint}"]
    got = store.arrays[name]
    if got.shape != shape:
        return [f"{short(name)}: expected {shape}, as {owner} is {arrays[ours].shape}, got {got.shape}"]
    if getattr(got.dtype, "kind", "") not in tuple("biuf"):
        return [f"{short(name)}: expected numbers, for {owner}, got {got.dtype}"]
    return []


def _converted(what, link, store, ours):
    """The new numbers of an array of ours."""
    array = link.to_ours(*(store.read(name) for name in link.theirs))
    try:
        with np.errstate(over="raise"):
            return np.broadcast_to(np.asarray(array, ours.dtype), ours.shape)
    except FloatingPointError:
        raise WeightsError(
            f"{what}: {link.ours}: expected numbers that {ours.dtype.name} can hold, got larger ones: give the model "
            f"dtype='float64'"
        ) from None
