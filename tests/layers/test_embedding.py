"""Embedding and OneHot: layers that read ids."""

import numpy as np
import pytest
from chain import Case, ChainOfTrust, backends

import nnlite
from nnlite import Dense, Embedding, OneHot


def embedding(vocabulary_size, units):
    return lambda **kwargs: Embedding(vocabulary_size, units, **kwargs)


def one_hot(vocabulary_size):
    return lambda **kwargs: OneHot(vocabulary_size, **kwargs)


class TestEmbedding(ChainOfTrust):
    cases = (
        Case("one id", embedding(1, 1), (1,), ids=1),
        Case("a batch of ids", embedding(11, 17), (7,), ids=11),
        Case("repeated ids", embedding(5, 9), (4, 13), ids=5),
        Case("three axes", embedding(7, 3), (2, 3, 5), ids=7),
        Case("large", embedding(97, 601), (50, 41), ids=97, large=True),
    )

    def witness(self, torch, layer, x, W):
        return {"y": torch.nn.functional.embedding(x, W)}


class TestOneHot(ChainOfTrust):
    cases = (
        Case("one id", one_hot(1), (1,), ids=1),
        Case("a batch of ids", one_hot(38), (7,), ids=38),
        Case("windows", one_hot(19), (3, 5), ids=19),
    )

    def witness(self, torch, layer, x):
        return {"y": torch.nn.functional.one_hot(x, layer.vocabulary_size).double()}


LAYERS = pytest.mark.parametrize("layer", [Embedding(5, 3), OneHot(5)], ids=["Embedding", "OneHot"])


@LAYERS
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_any_integers_are_ids(layer, dtype):
    ids = np.array([[0, 4, 2]])
    assert (layer.forward(ids.astype(dtype)) == layer.forward(ids)).all()


@LAYERS
@backends
@pytest.mark.parametrize(("ids", "message"), [([[0, 5]], "5 at (0, 1)"), ([[0, 1], [-1, 0]], "-1 at (1, 0)")])
def test_ids_out_of_range_are_refused(layer, backend_name, ids, message):
    with nnlite.use_backend(backend_name), pytest.raises(IndexError) as error:
        layer.forward(np.array(ids))
    assert str(error.value) == f"x: expected ids in 0 .. 4, got {message}"


@LAYERS
def test_what_are_no_ids_is_refused(layer):
    with pytest.raises(TypeError, match=r"x: expected integers, got float32: use np\.asarray\(x, int\)"):
        layer.forward(np.zeros((1, 2), "float32"))
    with pytest.raises(TypeError, match=r"x: expected integers, got float64: use np\.asarray\(x, int\)"):
        layer.forward([[0.0, 1.0]])
    with pytest.raises(ValueError, match="x: expected an array of ids, got a single number"):
        layer.forward(np.array(3))


@LAYERS
def test_step_takes_one_id_of_each_sequence(layer):
    ids = np.array([[0, 1, 2], [3, 4, 0]])
    assert (layer.step(ids[:, 1]) == layer.forward(ids)[:, 1]).all()


@pytest.mark.parametrize("shape", [(1, 1), (2, 3)])
def test_ids_may_change_between_forward_and_backward(shape):
    layer, ids = Embedding(4, 2), np.zeros(shape, np.intp)
    layer.forward(ids)
    ids[...] = 3
    layer.backward(np.ones((*shape, 2)))
    assert layer.grads["W"].any(axis=1).tolist() == [True, False, False, False]


@pytest.mark.parametrize("size", [0, -1, 2.5, True, None])
def test_sizes_are_whole_numbers(size):
    for make in (lambda: Embedding(size, 3), lambda: Embedding(3, size), lambda: OneHot(size)):
        with pytest.raises(ValueError, match="expected a whole number of at least 1"):
            make()


def test_embedding_is_one_hot_times_a_matrix():
    ids = np.random.default_rng(0).integers(38, size=(3, 40))
    dense = Dense(16, dtype="float64", seed=0)
    product = dense.forward(OneHot(38, dtype="float64").forward(ids))
    layer = Embedding(38, 16, dtype="float64")
    layer.build((40,))
    layer.params["W"][...] = dense.params["W"]
    assert (layer.forward(ids) == product).all()
    dense.backward(product)
    assert layer.backward(product) is None
    np.testing.assert_allclose(layer.grads["W"], dense.grads["W"], rtol=1e-12, atol=1e-12)


def test_initial_values():
    layer = Embedding(1000, 50, seed=0)
    layer.build(())
    W = layer.params["W"]
    assert W.dtype == np.float32
    assert 0.0499 < W.max() <= 0.05
    assert -0.05 <= W.min() < -0.0499
    assert abs(W.mean()) < 0.001


def test_a_result_that_is_too_large_is_refused_before_there_are_parameters():
    layer = Embedding(1, 2**22)
    with pytest.raises(ValueError, match=r"Embedding: y: shape .* would take"):
        layer.forward(np.broadcast_to(np.uint8(0), (2**23,)))
    assert not layer.built
