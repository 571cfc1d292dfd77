"""Weights and models of Keras 3: .weights.h5 and .keras files, without Keras."""

import contextlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

import nnlite
from nnlite import layers
from nnlite.saving import atomic_file, training_state

from . import keras_layers, keras_places, settings, stores
from .keras_layers import UnmappedError
from .weights import LONGEST_NAME, Store, WeightsError, listed, load, require_built, short, written

CONFIG, WEIGHTS = "config.json", "model.weights.h5"


def from_keras(source: Any, model: nnlite.Sequential | None = None) -> nnlite.Sequential:
    """Weights that Keras saved, in a model of ours; or the model itself.

    Args:
        source: path of a file that `model.save("model.keras")` or `model.save_weights("model.weights.h5")` of Keras 3
            wrote; or a model of Keras. Keras is not needed to read a file, only h5py (extra `keras`).
        model: a built model whose layers with weights are those of Keras in the same order. It gets the weights. By
            default one is made, with Keras' names, which takes what says how: a .keras file, or a model of Keras.

    Returns:
        The model. It is not compiled, and of dtype float64 if Keras' is.

    Raises:
        WeightsError: it is no such file, or damaged; the layers, shapes or settings, such as epsilon, differ: both
            sides are listed; or a layer has no counterpart here: each is listed with the reason. `model` is as it was.
        OSError: the file cannot be opened.
        ImportError: h5py is not installed.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> from nnlite import Dense, Sequential
        >>> from nnlite.interop import from_keras, to_keras
        >>> model = Sequential([Dense(3, activation="relu"), Dense(2)], input_shape=(4,), seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.keras")
        ...     to_keras(model, path)  # keras.saving.load_model(path) reads it, too
        ...     same = from_keras(path)
        >>> same
        Sequential([Dense(units=3, activation='relu'), Dense(units=2)])
        >>> x = np.ones((1, 4))
        >>> (same(x) == model(x)).all()
        np.True_
    """
    what = "from_keras"
    if model is not None:
        require_built(what, model)
    with _their_file(what, source) as (config, store):
        is_given = model is not None
        if model is None:
            if config is None:
                raise WeightsError(
                    "a file of weights alone does not say which layers they are of: give a model for them, "
                    "from_keras(path, model), or a file of model.save('model.keras')"
                )
            model = _made(config, store)
        places = keras_places.of_model(model, store) if config is None else keras_places.of_config(config)
        links, tables = keras_places.paired(places, model, store)
        if config is not None and is_given:
            _compare_settings(what, config, model, store)
        others = {f"{place.path}/vars/0" for place in tables}
        load(what, links, store, model, lambda name: name in others or _is_other(name))
    return model


def to_keras(model: nnlite.Sequential, target: Any = None, like: Any = None) -> None:
    """Write a model, or its weights, for Keras 3.

    Args:
        model: a built model.
        target: path of a file, whose ending says which: ".keras" for a model that `keras.saving.load_model` makes, or
            ".weights.h5" for weights that a model of the same layers loads by `load_weights`. Or a model of Keras,
            which gets the weights. Keras is not needed to write a file, only h5py (extra `keras`). In a .keras file a
            "." in a name becomes "_": on PyTorch Keras refuses it.
        like: a file or a model of Keras with the layers that are written for, where they are other classes with the
            same weights: a DepthwiseConv2D or a SeparableConv2D, or a model inside a model. By default a layer is what
            bears its name, or Keras' name for it.

    Raises:
        WeightsError: Keras has no counterpart of a layer: each is listed with the reason; the layers or shapes of
            `like` are others; or the file cannot be written.
        ValueError: the model is not built, or the path has another ending.
        ImportError: h5py is not installed.

    Example:
        >>> import os, tempfile
        >>> from nnlite import LSTM, Dense, Sequential
        >>> from nnlite.interop import from_keras, to_keras
        >>> model = Sequential([LSTM(3), Dense(2)], input_shape=(None, 4), seed=0)
        >>> other = Sequential([LSTM(3), Dense(2)], input_shape=(None, 4), seed=1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.weights.h5")
        ...     to_keras(model, path)
        ...     from_keras(path, other)
        Sequential([LSTM(units=3), Dense(units=2)])
        >>> (other.params["lstm.Wx"] == model.params["lstm.Wx"]).all()
        np.True_
    """
    what = "to_keras"
    require_built(what, model)
    if not (isinstance(target, str | os.PathLike) or hasattr(target, "load_weights")):
        got = "none" if target is None else type(target).__name__
        raise TypeError(
            f"{what}: target: expected the path of a file to write, or a model of Keras, got {got}: write "
            f"to_keras(model, 'model.keras'), which keras.saving.load_model reads"
        )
    if hasattr(target, "load_weights"):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, WEIGHTS)
            to_keras(model, path, target if like is None else like)
            target.load_weights(path)
        return
    name = os.fsdecode(target)
    if not name.endswith((".keras", ".weights.h5")):
        raise ValueError(
            f"{what}: target: expected a name that ends in .keras, for the model, or in .weights.h5, for its weights, "
            f"got {name!r}"
        )
    stores.require_h5py(what)
    if like is None:
        config = _config(model) if name.endswith(".keras") else None
        weights = _weights(model, config, None)
    else:
        with _their_file(f"{what}: like", like) as (config, store):
            if config is None and name.endswith(".keras"):
                raise WeightsError("a file of weights alone says too little for a .keras file: give one, or none")
            weights = _weights(model, config, store)
    atomic_file.write(target, _archive(model, config, weights) if name.endswith(".keras") else weights)


# Reading.


@contextlib.contextmanager
def _their_file(what: str, source: Any) -> Iterator[tuple[dict[str, Any] | None, Store]]:
    """The configuration, if there is one, and the weights of a file or of a model of Keras."""
    with contextlib.ExitStack() as stack:
        if hasattr(source, "get_config") and hasattr(source, "save") and not isinstance(source, nnlite.Sequential):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            path = os.path.join(folder, "model.keras")
            source.save(path)
            source = path
        if not isinstance(source, str | os.PathLike):
            raise TypeError(f"{what}: expected the path of a file, or a model of Keras, got {type(source).__name__}")
        file, size = stack.enter_context(stores.opened(what, source))
        is_archive = file.read(2) == b"PK"
        file.seek(0)
        if is_archive:
            archive = stack.enter_context(stores.members(file))
            config = _layers_of(stores.json_member(archive, CONFIG, size))
            weights = stores.member(archive, WEIGHTS, size)
            file, size = io.BytesIO(weights), len(weights)
        else:
            config = None
        yield config, stack.enter_context(stores.hdf5(what, file, size, skipped=("optimizer",)))


def _compare_settings(what, config, model, store, is_read=True):
    pairs, _ = keras_places.matched(keras_places.of_config(config), model, store, is_read)
    try:
        _require_row(config)
        is_row = True
    except (UnmappedError, LookupError, TypeError, AttributeError):
        is_row = False
    settings.compare_keras(what, config, model, pairs, is_row)


def _layers_of(config):
    """The configuration of a model, with its list of layers; that of a graph, if it is a row of layers."""
    is_model = isinstance(config, dict) and isinstance(config.get("config"), dict)
    items = config["config"].get("layers") if is_model else None
    if not isinstance(items, list):
        kind = short(str(config.get("class_name"))) if is_model else "none"
        raise WeightsError(f"{CONFIG}: expected a Sequential, or a model that is one, got {kind}: give its weights")
    for item in _all_items(items):
        if not isinstance(item.get("class_name"), str) or not isinstance(item.get("config"), dict):
            raise WeightsError(f"{CONFIG}: expected class_name and config of each layer")
    return {**config["config"], "build_config": config.get("build_config")}


def _all_items(items):
    """The entries of all layers, also those inside others."""
    for item in items:
        if not isinstance(item, dict):
            raise WeightsError(f"{CONFIG}: expected entries for layers, got {short(repr(item)[:100])}")
        yield item
        config = item.get("config")
        if isinstance(config, dict):
            if isinstance(config.get("layers"), list):
                yield from _all_items(config["layers"])
            yield from _all_items([config[key] for key in ("layer", "backward_layer") if config.get(key) is not None])


def _is_other(name):
    """Whether an array in a file is none of a layer's weights: states of random generators, and of metrics."""
    return not name.startswith("layers/") or "seed_generator" in name


def _made(config: Mapping[str, Any], store: Store) -> nnlite.Sequential:
    """The model of a configuration, built: from the arrays in the file, so that none is larger than those."""
    problems: list[str] = []
    parts = _parts(config, store, "", problems)
    if problems:
        raise WeightsError(f"{len(problems)} of the layers have no counterpart here:{listed(problems)}")
    _require_one_dtype(config)
    model = nnlite.Sequential(parts, name=config.get("name"))
    links, _ = keras_places.paired(keras_places.of_config(config), model, store)
    if missing := [name for link in links for name in link.theirs if name not in store.arrays]:
        raise WeightsError(f"it has no weights for some layers:{listed(map(short, missing))}")
    for name in (name for link in links for name in link.theirs):
        if store.arrays[name].dtype.kind not in "biuf":
            raise WeightsError(f"{short(name)}: expected numbers, got {store.arrays[name].dtype}")
    arrays = {link.ours: link.to_ours(*map(store.read, link.theirs)) for link in links}
    try:
        training_state.build_from(model, {"params": arrays, "model": {"input_shape": _input_shape(config)}})
    except (TypeError, ValueError) as error:
        raise WeightsError(f"the layers do not fit each other, or the weights: {error}") from None
    return model


def _parts(config, store, path, problems):
    """The layers of a configuration; what has no counterpart is added to the problems."""
    groups, parts = keras_places.Groups(path), list[Any]()
    try:
        _require_row(config)
    except (UnmappedError, LookupError, TypeError, AttributeError) as error:
        problems.append(f"{short(str(config.get('name')))}: {_reason(error)}")
    for item in config["layers"]:
        kind, inner = keras_layers.described(item)
        group = groups.next(keras_places.snake_case(kind))
        try:
            _require_name(inner.get("name"))
            if kind in ("Sequential", "Functional", "Model"):
                made = _parts(inner, store, f"{group}/", problems)
                parts.append(nnlite.Sequential(made, name=inner.get("name")))
                continue
            place = next(keras_places.of_layer(kind, inner, group))
            W: Any = store.arrays.get(f"{place.path}/vars/0")
            if keras_places.is_identity(place, store) and not parts and not path:
                parts.append(layers.OneHot(W.shape[0], name=inner.get("name"), dtype=keras_layers.dtype_of(inner)))
                continue
            parts += keras_layers.ours(kind, inner, W.shape[2] if W is not None and len(W.shape) == 4 else None)
        except (UnmappedError, LookupError, TypeError, ValueError, AttributeError) as error:
            problems.append(f"{short(kind)} {short(str(inner.get('name')))}: {_reason(error)}")
    return parts


def _require_one_dtype(config):
    """Refuse layers of different precision, between which Keras converts."""
    around = "InputLayer", "Sequential", "Functional", "Model", "Bidirectional", "TimeDistributed"
    own = [item["config"] for item in _all_items(config["layers"]) if item["class_name"] not in around]
    found = {keras_layers.dtype_of(inner): short(str(inner.get("name"))) for inner in own}
    if len(found) > 1:
        shown = " and ".join(f"{dtype} in {name}" for dtype, name in found.items())
        raise WeightsError(
            f"expected layers of one dtype, as a model computes in one here, got {shown}: give them the same in Keras, "
            f"or a model that is to have the weights, from_keras(path, model)"
        )


def _require_name(name):
    if name is not None and not (isinstance(name, str) and name.isprintable() and len(name) <= LONGEST_NAME):
        raise UnmappedError(f"name: expected a text of up to {LONGEST_NAME} characters, got {short(repr(name))}")


def _reason(error):
    if isinstance(error, UnmappedError):
        return short(str(error), 3 * LONGEST_NAME)  # with what to do instead
    return short(f"{type(error).__name__}: {error}")


def _require_row(config):
    """Refuse a graph of layers that is no row: each layer has the one before it as its only input."""
    before = None
    for item in config["layers"]:
        nodes = item.get("inbound_nodes")
        if nodes is None:  # of a Sequential
            return
        if before is not None:
            tensors = [tensor for node in nodes for tensor in _tensors(node)]
            if [tensor[:1] for tensor in tensors] != [[before]]:
                raise UnmappedError(f"{short(str(item.get('name')))} has other inputs than the layer before it")
        before = item.get("name")
    ends = config.get("output_layers")
    if before is not None and ends not in ([before, 0, 0], [[before, 0, 0]]):
        raise UnmappedError(f"its outputs are {short(repr(ends))}, expected that of its last layer, {short(before)}")


def _tensors(node):
    """Which layers' outputs go into a node, as [layer, number, number]."""
    if isinstance(node, dict):
        if node.get("class_name") == "__keras_tensor__":
            yield node["config"]["keras_history"]
        else:
            for value in node.values():
                yield from _tensors(value)
    elif isinstance(node, list):
        for value in node:
            yield from _tensors(value)


def _input_shape(config):
    """The shape of a model's input, without the batch axis."""
    first: Any = config["layers"][0] if config["layers"] else {"class_name": "", "config": {}}
    inner = first["config"]
    if first["class_name"] in ("Sequential", "Functional", "Model"):
        return _input_shape(inner)
    shape = inner.get("batch_shape") or inner.get("batch_input_shape")
    shape = shape or (first.get("build_config") or {}).get("input_shape")
    if not isinstance(shape, list):
        raise WeightsError("the shape of its input is not in the file: build the model in Keras, and save it again")
    return shape[1:]


# Writing.


def _config(model):
    """A model as Keras describes one."""
    problems: list[str] = []
    entries = _entries(model, model.input_shape, problems)
    if problems:
        raise WeightsError(f"to_keras: {len(problems)} of the layers have no counterpart in Keras:{listed(problems)}")
    _rename(entries)
    takes_ids = model.ids_below(np.zeros((1,) * (1 + len(model.input_shape)), int)) is not None
    given = {"batch_shape": [None, *model.input_shape], "dtype": "int32" if takes_ids else model.dtype.name}
    first = keras_layers.entry("InputLayer", {**given, "name": "input"})
    name = model.name.replace(".", "_")  # see _rename
    return {"name": name, "trainable": True, "dtype": model.dtype.name, "layers": [first, *entries]}


def _entries(model, input_shape, problems):
    entries = []
    for layer, shape in zip(model.layers, model.shapes(input_shape), strict=False):
        try:
            if isinstance(layer, nnlite.Sequential):
                inner = {"name": layer.name, "trainable": True, "dtype": model.dtype.name}
                inner["layers"] = _entries(layer, shape, problems)
                entries.append(keras_layers.entry("Sequential", inner))
            else:
                entries += [keras_layers.entry(*made) for made in keras_layers.theirs(layer, shape)]
        except UnmappedError as error:
            problems.append(f"{layer!r} {layer.name}: {error}")
    return entries


def _rename(entries):
    """Write "_" for "." in the names of layers, which Keras on PyTorch refuses; no two become the same."""
    inner = [item["config"] for item in _all_items(entries)]
    taken = {each["name"] for each in inner}
    for each in inner:
        if "." in each["name"]:
            name = each["name"].replace(".", "_")
            while name in taken:
                name += "_"
            taken.add(name)
            each["name"] = name


def _weights(model, config, store):
    """The bytes of an HDF5 file with a model's weights."""
    import h5py

    places = keras_places.of_model(model, store) if config is None else [*keras_places.of_config(config)]
    links, tables = keras_places.paired(places, model, store, is_read=False)
    if config is not None and store is not None:
        _compare_settings("to_keras: like", config, model, store, is_read=False)
    arrays = written(links, model)
    for name in [f"{place.path}/vars/0" for place in tables] or ["layers/embedding/vars/0"]:
        ids = keras_layers.ids_of(model.layers[0], model.input_shape) if model.layers else None
        if ids:  # one-hot vectors, which Keras makes by a table
            arrays.setdefault(name, np.eye(ids, dtype=model.dtype))
    if store is not None:
        _require_shapes(arrays, store)
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        for name, array in arrays.items():
            file[name] = array
            *above, _, _ = name.split("/")
            for depth in range(len(above) + 1):  # older versions of Keras ask for the variables of all that is there
                if above[depth - 1 : depth] != ["layers"]:
                    file.require_group("/".join([*above[:depth], "vars"]))
    return memory.getvalue()


def _require_shapes(arrays, store):
    """Refuse weights that the layers they are written for would not take."""
    problems = [
        f"{name}: expected {store.arrays[name].shape if name in store.arrays else 'none'}, got {array.shape}"
        for name, array in arrays.items()
        if getattr(store.arrays.get(name), "shape", None) != array.shape and name != "layers/embedding/vars/0"
    ]
    if problems:
        raise WeightsError(f"the weights do not fit the model in like:{listed(problems)}")


def _archive(model, config, weights):
    """The bytes of a .keras file; the same for the same model."""
    whole = keras_layers.entry("Sequential", {key: value for key, value in config.items() if key != "build_config"})
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name, data in (
            ("metadata.json", json.dumps({"keras_version": "3.0.0", "nnlite_version": nnlite.__version__})),
            (CONFIG, json.dumps(whole)),
            (WEIGHTS, weights),
        ):
            archive.writestr(zipfile.ZipInfo(name), data)
    return memory.getvalue()
