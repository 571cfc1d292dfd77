"""Loading takes what the file holds, and no more: no memory for what it claims, and no random weights."""

import tracemalloc

import numpy as np
import pytest
from numeric import assert_same_bits

import nnlite
from nnlite import initializers
from nnlite.saving import checkpoint, training_state

# A layer, the shape of its input, and what the file claims of it: from the layer's configuration, or of the input.
CLAIMS = {
    "RNN": (nnlite.RNN(2), (4, 3), "units"),
    "GRU": (nnlite.GRU(2), (4, 3), "units"),
    "LSTM": (nnlite.LSTM(2), (4, 3), "units"),
    "Bidirectional": (nnlite.Bidirectional(nnlite.LSTM(2)), (4, 3), "layer"),
    "Dense": (nnlite.Dense(2), (3,), "units"),
    "Conv2D": (nnlite.Conv2D(2, 1), (4, 4, 3), "filters"),
    "Embedding": (nnlite.Embedding(5, 2), (4,), "vocabulary_size"),
    "BatchNorm": (nnlite.BatchNorm(), (3,), None),
    "LayerNorm": (nnlite.LayerNorm(), (3,), None),
}
MANY = 10**8


def claiming(name):
    """The tree of a small model that claims to be huge."""
    layer, input_shape, setting = CLAIMS[name]
    layer = type(layer).from_config(layer.get_config())
    tree = training_state.model_tree(nnlite.Sequential([layer], input_shape=input_shape))
    config = tree["model"]["layers"][0]["config"]
    if setting == "layer":
        config["layer"]["config"]["units"] = MANY
    elif setting:
        config[setting] = MANY
    else:
        tree["model"]["input_shape"] = [MANY]
    return tree


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_is_compared_with_the_file_before_it_takes_memory(tmp_path, name):
    checkpoint.write(tmp_path / "a", claiming(name))
    tracemalloc.start()
    try:
        with pytest.raises(nnlite.CheckpointError, match=r"in the file and \(.*00000000.*\) in the model"):
            nnlite.load_model(tmp_path / "a")
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


def test_a_layer_without_its_arrays(tmp_path):
    tree = claiming("Dense")
    tree["params"] = {"dense.W": tree["params"]["dense.W"]}
    tree["model"]["layers"][0]["config"]["units"] = 2
    checkpoint.write(tmp_path / "a", tree)
    with pytest.raises(nnlite.CheckpointError, match=r"dense.b is missing in the file and \(2,\) in the model"):
        nnlite.load_model(tmp_path / "a")


@pytest.mark.parametrize("name", CLAIMS)
def test_loading_draws_no_weights(tmp_path, monkeypatch, name):
    layer, input_shape, _ = CLAIMS[name]
    model = nnlite.Sequential([type(layer).from_config(layer.get_config())], input_shape=input_shape, seed=0)
    for array in [*model.params.values(), *model.statistics.values()]:
        array[...] = np.random.default_rng(1).standard_normal(array.shape)
    model.save(tmp_path / "a")
    monkeypatch.setattr(initializers, "get", None)
    loaded = nnlite.load_model(tmp_path / "a")
    monkeypatch.undo()
    for kind in ("params", "statistics"):
        for key, array in getattr(model, kind).items():
            assert_same_bits(getattr(loaded, kind)[key], array, key)
    assert all(layer._saved is None for layer in loaded.layers)
    assert loaded.rng.bit_generator.state == model.rng.bit_generator.state
