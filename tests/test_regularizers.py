"""Regularizers: in the loss that is shown, in the gradient, and in gradcheck."""

import numpy as np
import pytest
from chain import import_torch
from numeric import assert_same_bits

import nnlite
from nnlite import SGD, Conv2D, Dense, Embedding, Flatten, GradientCheckError, Sequential, TimeDistributed, gradcheck
from nnlite.regularizers import L1, L1L2, L2, Regularizer

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((6, 4, 4, 1)), np.array([0, 1, 2, 0, 1, 2])


def model(dtype="float64", **options):
    layers = [Conv2D(2, 3, activation="tanh", **options), Flatten(), Dense(3, **options)]
    made = Sequential(layers, input_shape=(4, 4, 1), dtype=dtype, seed=0)
    made.compile(SGD(0.1), nnlite.SparseCategoricalCrossentropy(from_logits=True))
    return made


@pytest.mark.parametrize(("l1", "l2"), [(0.3, 0.0), (0.0, 0.2), (0.3, 0.2)])
def test_the_loss_and_the_step_are_pytorchs(l1, l2):
    torch = import_torch()
    one = model(kernel_regularizer=L1L2(l1, l2), bias_regularizer=L2(0.4))
    for array in one.params.values():
        array[...] = RNG.standard_normal(array.shape)
    tensors = {k: torch.tensor(v.copy(), requires_grad=True) for k, v in one.params.items()}
    z = torch.nn.functional.conv2d(torch.tensor(X).movedim(-1, 1), tensors["conv2d.W"].permute(3, 2, 0, 1))
    y = torch.tanh(z + tensors["conv2d.b"][:, None, None]).movedim(1, -1).reshape(6, -1)
    loss = torch.nn.functional.cross_entropy(y @ tensors["dense.W"] + tensors["dense.b"], torch.tensor(Y))
    for name, tensor in tensors.items():
        loss = loss + (l1 * tensor.abs() + l2 * tensor**2 if name.endswith("W") else 0.4 * tensor**2).sum()
    loss.backward()
    assert one.evaluate(X, Y) == pytest.approx(loss.item(), rel=1e-12)
    assert one.train_on_batch(X, Y) == pytest.approx(loss.item(), rel=1e-12)
    for name, tensor in tensors.items():
        expected = (tensor - 0.1 * tensor.grad).detach().numpy()
        np.testing.assert_allclose(one.params[name], expected, rtol=1e-10, atol=1e-12)


def test_fit_and_validation_show_the_price():
    plain, priced = model(), model(kernel_regularizer="l2")
    price = sum(0.01 * (priced.params[f"{name}.W"] ** 2).sum() for name in ("conv2d", "dense"))
    assert priced.evaluate(X, Y) == pytest.approx(plain.evaluate(X, Y) + price, rel=1e-12)
    history = priced.fit(X, Y, batch_size=6, validation_data=(X, Y), verbose=0).history
    assert history["loss"][0] == pytest.approx(plain.evaluate(X, Y) + price, rel=1e-12)
    assert history["val_loss"][0] == pytest.approx(priced.evaluate(X, Y), rel=1e-12)


@pytest.mark.parametrize("fast", [False, True])
def test_gradcheck_checks_it_with_the_loss(fast):
    one = model(kernel_regularizer=L1L2(0.1, 0.2))
    report = gradcheck(one, X[:2], y=Y[:2], loss=one.loss, fast=fast)
    assert report.max_error < 1e-6


def test_gradcheck_finds_a_wrong_gradient():
    class Wrong(L2):
        def gradient(self, W):
            return self.l2 * W

    one = model(kernel_regularizer=Wrong(0.5))
    with pytest.raises(GradientCheckError, match=r"gradient\(W\) of a regularizer has to be the derivative"):
        gradcheck(one, X[:2], y=Y[:2], loss=one.loss)


def test_without_a_loss_gradcheck_leaves_it_out():
    assert gradcheck(Dense(2, kernel_regularizer="l1", dtype="float64"), X[:, 0, :, 0]).max_error < 1e-6


def test_it_is_saved_and_goes_on_as_it_was(tmp_path):
    one = model("float32", kernel_regularizer=L1(0.02), bias_regularizer="l1_l2")
    one.fit(X, Y, verbose=0)
    one.save(tmp_path / "m.safetensors")
    same = nnlite.load_model(tmp_path / "m.safetensors")
    assert repr(same) == repr(one)
    assert "kernel_regularizer=L1(l1=0.02)" in repr(one)
    for each in (one, same):
        each.fit(X, Y, verbose=0)
    assert_same_bits(same.predict(X), one.predict(X))


def test_inside_other_layers_and_of_embeddings():
    ids = np.array([[0, 1], [2, 3]])
    made = Sequential(
        [Embedding(4, 3, embeddings_regularizer=L2(0.5)), TimeDistributed(Dense(2, kernel_regularizer="l2"))]
    )
    y = made.forward(ids)
    made.compile("sgd", "mse")
    price = 0.5 * (made.params["embedding.W"].astype(float) ** 2).sum()
    price += 0.01 * (made.params["time_distributed.W"].astype(float) ** 2).sum()
    assert made.evaluate(ids, y) == pytest.approx(price, rel=1e-6)


def test_a_frozen_layer_pays_nothing():
    one = model(kernel_regularizer="l2")
    for layer in one.layers:
        layer.trainable = False
    assert one.evaluate(X, Y) == pytest.approx(model().evaluate(X, Y), rel=1e-12)


@pytest.mark.parametrize(("regularizer", "price"), [(L1(1.0), 4.5e38), (L2(1e-30), 6.75e46)])
def test_prices_beyond_float32(regularizer, price):
    assert regularizer(np.full(3, 1.5e38, "float32")) == pytest.approx(price)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(2, kernel_regularizer="l3"), "regularizer: expected a Regularizer, such as .*got 'l3'"),
        (lambda: Dense(2, kernel_regularizer=0.01), "regularizer: expected a Regularizer, .*got 0.01"),
        (lambda: Dense(2, kernel_regularizer=L2), r"got <class .*L2'>: make one, L2\(0.01\)"),
        (lambda: L2(-1), "l2: expected a number"),
        (lambda: L2("much"), "l2: expected a number, got 'much'"),
        (lambda: Dense(2, activity_regularizer="l2"), "Dense: unknown argument 'activity_regularizer': .*kernel_reg"),
    ],
)
def test_others_are_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_your_own_is_found_again():
    class Tight(Regularizer):
        def penalty(self, W):
            return float(np.square(W).sum())

        def gradient(self, W):
            return 2 * W

    layer = Dense(2, kernel_regularizer=Tight())
    assert isinstance(Dense.from_config(layer.get_config()).kernel_regularizer, Tight)


def test_a_class_that_is_not_there_cannot_be_found_again():
    config = {"class": "Nowhere", "config": {}}
    with pytest.raises(ValueError, match="regularizer class 'Nowhere' is not known: if it is your own, define it"):
        nnlite.regularizers.get(config)


@pytest.mark.parametrize(
    ("layer", "name", "param"),
    [
        (lambda: nnlite.Dense(2), "kernel_regularizer", "W"),
        (lambda: nnlite.Conv2D(2, 1), "bias_regularizer", "b"),
        (lambda: nnlite.Embedding(3, 2), "embeddings_regularizer", "W"),
    ],
)
def test_a_regularizer_can_be_set_after_build(layer, name, param):
    layer = layer()
    layer.build((2, 2, 1))
    layer.params[param] += 1
    for price, expected in (("l2", 0.01), (L2(5.0), 5.0), (None, 0.0)):
        setattr(layer, name, price)
        assert nnlite.regularizers.penalty([layer]) == pytest.approx(
            expected * float(np.square(layer.params[param]).sum())
        )
        assert layer.get_config().get(name) == (price and {"class": "L2", "config": {"l2": expected}})
    with pytest.raises(TypeError, match=f"{name}: expected a Regularizer"):
        setattr(layer, name, 3)


@pytest.mark.parametrize("method", ["penalty", "gradient"])
def test_a_regularizer_that_changes_the_weights_is_refused(method):
    class Wrong(Regularizer):
        def penalty(self, W):
            if method == "penalty":
                W *= 0.5
            return 0.0

        def gradient(self, W):
            W *= 0.5
            return W

    model = nnlite.Sequential([nnlite.Dense(1, kernel_regularizer=Wrong())], input_shape=(2,), seed=0)
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.raises(ValueError, match=f"Wrong.{method}: expected W to stay as it is, got a change in place: comp"):
        model.train_on_batch(np.ones((3, 2)), np.ones((3, 1)))
    assert (model.get_weights()[0] == before[0]).all()


@pytest.mark.parametrize(
    ("name", "kind", "config"),
    [("l1", L1, {"l1": 0.01}), ("l2", L2, {"l2": 0.01}), ("l1_l2", L1L2, {"l1": 0.0, "l2": 0.0})],
)
def test_names_and_defaults_are_those_of_keras(name, kind, config):
    assert getattr(nnlite.regularizers, name) is kind
    for found in (nnlite.regularizers.get(name), nnlite.regularizers.get(kind.__name__), kind()):
        assert (type(found), found.get_config()) == (kind, config)


def own_squares(penalty=None):
    class Squares(Regularizer):
        def penalty(self, W):
            return float(0.01 * np.square(W, dtype=np.float64).sum())

        def gradient(self, W):
            return 2 * 0.01 * W

    if penalty is not None:
        Squares.penalty = penalty
    return Squares()


def test_one_of_ones_own_trains_as_the_ready_one():
    one, other = (model(kernel_regularizer=price) for price in (own_squares(), "l2"))
    for each in (one, other):
        each.fit(X, Y, epochs=2, verbose=0)
    for name, param in one.params.items():
        assert_same_bits(param, other.params[name], name)


def test_an_error_of_ones_own_penalty_is_its_own():
    def penalty(self, W):
        raise ValueError("no price for these")

    with pytest.raises(ValueError, match=r"^no price for these"):
        model(kernel_regularizer=own_squares(penalty)).evaluate(X, Y)
