"""Layers that a user writes: what is forgiven works, and every mistake is named, with the line to add."""

import numpy as np
import pytest

import nnlite
from nnlite import Dense, Layer, Sequential, gradcheck

X = np.random.default_rng(0).standard_normal((6, 4)).astype("float32")
Y = np.arange(6) % 2


class Double(Layer):
    """Without `training`."""

    def forward(self, x):
        return 2 * x

    def backward(self, dy):
        return 2 * dy


class Scale(Layer):
    """With parameters, and neither `self.built = True` nor a call of `build`."""

    def build(self, input_shape):
        self.params["s"] = np.full(input_shape[-1], 2.0, self.dtype)
        self.grads["s"] = np.zeros_like(self.params["s"])

    def forward(self, x, training=False):
        self.x = x
        return x * self.params["s"]

    def backward(self, dy):
        self.grads["s"][...] = (dy * self.x).sum(axis=0)
        return dy * self.params["s"]


class OnlyByName(Double):
    def forward(self, x, *, training=False):
        self.was = training
        return 2 * x


class OtherName(Double):
    def forward(self, x, train=False):
        self.was = train
        return 2 * x


class TakesAnything(Double):
    def forward(self, x, **options):
        self.was = options.get("training")
        return 2 * x


def trained(layers):
    model = Sequential(layers, seed=0)
    model.compile("adam", nnlite.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(X, Y, verbose=0)
    return model


@pytest.mark.parametrize("kind", [Double, Scale, OnlyByName, OtherName, TakesAnything])
def test_these_forms_train_and_are_checked(kind, tmp_path):
    model = trained([Dense(3), kind(), Dense(2)])
    assert model.predict(X).shape == (6, 2)
    model.save(tmp_path / "m.safetensors")
    same = nnlite.load_model(tmp_path / "m.safetensors", custom_objects={kind.__name__: kind})
    np.testing.assert_array_equal(same.predict(X), model.predict(X))
    assert gradcheck(kind(dtype="float64"), X.astype("float64")).max_error < 1e-6
    np.testing.assert_array_equal(kind()(X), 2 * X)


@pytest.mark.parametrize("kind", [OnlyByName, OtherName, TakesAnything])
def test_training_is_told_however_it_is_taken(kind):
    layer = kind()
    layer.forward(X, True)
    assert layer.was is True
    layer.forward(X)
    assert not layer.was


def test_a_build_of_its_own_is_called_by_the_first_input():
    layer = Scale()
    with pytest.raises(ValueError, match="scale: its parameters are not known before it is built"):
        layer.count_params()
    layer.forward(X)
    assert layer.built
    assert layer.count_params() == 4
    assert Sequential([Scale(), Dense(2)], input_shape=(4,)).params["scale.s"].tolist() == [2, 2, 2, 2]


def test_without_the_constructor_of_layer():
    class Forgetful(Layer):
        def __init__(self, factor):
            self.factor = factor

    with pytest.raises(
        TypeError, match=r"Forgetful: its __init__ does not call that of Layer: add super\(\).__init__\(\)"
    ):
        Forgetful(2)

    class Early(Layer):
        def __init__(self):
            self.params = {"W": np.ones(3)}
            super().__init__()

    with pytest.raises(TypeError, match=r"Early: params is set before super\(\).__init__\(\)"):
        Early()

    class Uses(Layer):
        def __init__(self):
            self.params["W"] = np.ones(3)
            super().__init__()

    with pytest.raises(AttributeError, match=r"no attribute 'params': call super\(\).__init__\(\*\*kwargs\) first"):
        Uses()


def test_the_base_may_be_called_late_or_by_a_class_between():
    class Late(Layer):
        def __init__(self, factor):
            self.factor = factor
            Layer.__init__(self)

    class Between(Late):
        def __init__(self):
            super().__init__(3)

    class Silent(Between):
        pass

    assert [kind.factor for kind in (Late(3), Between(), Silent())] == [3, 3, 3]


def test_weights_outside_of_params_are_told():
    class Hidden(Double):
        def __init__(self):
            super().__init__()
            self.W = np.ones((4, 4))

    class HiddenByBuild(Double):
        def build(self, input_shape):
            self.W = np.ones(input_shape)

    with pytest.warns(
        UserWarning, match=r"Hidden: its array W is not in params: .*self.params\['W'\] = self.W"
    ) as caught:
        Hidden()
    assert caught[0].filename == __file__, "it points to the line that makes the layer"
    with pytest.warns(UserWarning, match="HiddenByBuild: its array W is not in params"):
        HiddenByBuild().build((4,))


def test_constants_ids_and_arrays_in_params_are_not():
    class Fine(Double):
        def __init__(self):
            super().__init__()
            self._table, self.ids = np.ones(3), np.arange(3)
            self.mean = self.statistics["mean"] = np.zeros(3)

    class FineWithParams(Fine):
        def build(self, input_shape):
            self.W = self.params["W"] = np.ones(3)
            self.grads["W"] = np.zeros(3)

    Fine()  # warnings are errors here
    FineWithParams().build((3,))


def test_a_layer_that_changes_its_input_is_named():
    class Twice(Double):
        def forward(self, x, training=False):
            x *= 2
            return x

    x = X.copy()
    for layers in ([Twice(), Dense(2)], [Dense(4), Twice(), Dense(2)]):
        model = Sequential(layers)
        model.compile("sgd", "mse")
        with pytest.raises(ValueError, match=r"twice, which got .*forward: expected x to stay as it is.*x = x \* 2"):
            model.fit(x, Y, shuffle=False, verbose=0)
        for read in (model, model.predict):
            with pytest.raises(ValueError, match=r"twice, which got .*forward: expected x to stay as it is"):
                read(x)
    np.testing.assert_array_equal(x, X)

    class Late(Double):  # after a batch in which it did not
        def forward(self, x, training=False):
            if training:
                x += 1
            return x

    model = Sequential([Late(), Dense(2)])
    model.compile("sgd", "mse")
    model.predict(x)
    with pytest.raises(ValueError, match="expected x to stay as it is"):
        model.fit(x, Y, verbose=0)

    class Same(Double):  # and NaN is as it was
        def forward(self, x, training=False):
            return x

    model = Sequential([Same(), Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(nnlite.NonFiniteLossError):
        model.fit(np.full_like(X, np.nan), Y, verbose=0)


@pytest.mark.parametrize("x", [np.arange(12).reshape(4, 3), np.arange(12).reshape(4, 3) > 5])
def test_integers_reach_an_own_layer_as_they_are(x):
    class Looks(Layer):
        def forward(self, x):
            self.seen = x.dtype
            return x * 0.5

    looks = Looks()
    with pytest.raises(TypeError, match=rf"got float64: its x are {x.dtype}: if they are no ids, begin with `x = x.as"):
        Sequential([looks, Dense(2)]).forward(x)
    assert looks.seen == x.dtype
    Sequential([looks]).forward(np.float64(x))
    assert looks.seen == "float32"


class Holds(Layer):
    def __init__(self, parts, **kwargs):
        super().__init__(**kwargs)
        self.parts = parts

    def forward(self, x, training=False):
        for part in self.parts:
            x = part.forward(x, training)
        return x

    def backward(self, dy):
        for part in reversed(self.parts):
            dy = part.backward(dy)
        return dy


class HandsOn(Holds):
    def __init__(self, **kwargs):
        super().__init__([Dense(4), Dense(4, "tanh")], **kwargs)

    def build(self, input_shape):
        for i, part in enumerate(self.parts):
            part.build(input_shape)
            for name in part.params:
                self.params[f"parts[{i}]_{name}"] = part.params[name]
                self.grads[f"parts[{i}]_{name}"] = part.grads[name]


@pytest.mark.parametrize(
    "parts", [lambda: [Dense(4)], lambda: (nnlite.ReLU(), Dense(4)), lambda: [Sequential([Dense(4)])]]
)
def test_parts_whose_weights_nobody_trains_are_refused(parts):
    message = r"Holds: expected all weights in params, got a layer in self.parts\[\d\] whose parameters nobody trains.*"
    with pytest.raises(ValueError, match=message + r"self.params\['parts\[\d\]_.*W'\] = self.parts\[\d\].params\["):
        trained([Holds(parts()), Dense(2)])

    class One(Double):
        def __init__(self):
            super().__init__()
            self.fc = Dense(4)

        def forward(self, x):
            return self.fc.forward(x)

    with pytest.raises(ValueError, match=r"One: expected .* got a layer in self.fc whose parameters nobody trains"):
        trained([Dense(4), One(), Dense(2)])
    assert One().forward(X).shape == (6, 4)  # by hand, one may train it as one likes


def test_parts_whose_weights_nobody_saves_are_refused_where_the_model_is_only_saved(tmp_path):
    model = Sequential([Holds([Dense(4)]), Dense(2)])
    model.predict(X)
    with pytest.raises(
        ValueError, match=r"Holds: expected all weights in params, got a layer in self.parts\[0\] whose"
    ):
        model.save(tmp_path / "m.safetensors")
    assert not [*tmp_path.iterdir()]


def test_parts_that_are_handed_on_have_none_or_stand_in_the_model_are_not(tmp_path):
    shared, layer, none = Dense(4), HandsOn(), Holds([nnlite.ReLU(), nnlite.Dropout(0.1)])
    none.other = shared
    model = trained([shared, layer, none, Dense(2)])
    before = layer.parts[1].params["W"].copy()
    model.fit(X, Y, verbose=0)
    assert (layer.parts[1].params["W"] != before).any()

    model = trained([HandsOn(), Dense(2)])
    model.save(tmp_path / "m.safetensors")
    same = nnlite.load_model(tmp_path / "m.safetensors", custom_objects={"HandsOn": HandsOn})
    np.testing.assert_array_equal(same.predict(X), model.predict(X))


class MakesOne(nnlite.Layer):
    """Makes the layer inside in its build."""

    def __init__(self, make, builds=True, **kwargs):
        super().__init__(**kwargs)
        self.make, self.builds = make, builds

    def build(self, input_shape):
        self.inner = self.make()
        if self.builds:
            self.inner.build(input_shape)

    def forward(self, x):
        return self.inner.forward(x)


@pytest.mark.parametrize("make", [lambda: Dense(4), lambda: Sequential([Dense(4)]), lambda: MakesOne(lambda: Dense(4))])
@pytest.mark.parametrize("builds", [True, False])
def test_layers_that_a_build_makes_draw_from_the_models_seed(make, builds):
    first, same, other = (Sequential([MakesOne(make, builds)], seed=seed).forward(X) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()
    alone, again = (MakesOne(make, builds, seed=1).forward(X) for _ in range(2))
    np.testing.assert_array_equal(alone, again)
    seeded = MakesOne(lambda: Dense(4, seed=7), seed=1).forward(X)
    np.testing.assert_array_equal(seeded, Dense(4, seed=7).forward(X))
    assert Dense(4).rng is not Dense(4).rng  # outside of a build
    with pytest.raises(ZeroDivisionError):
        MakesOne(lambda: 1 / 0).forward(X)
    assert Dense(4).rng is not Dense(4).rng  # nor after one that fails


@pytest.mark.parametrize(
    "layer",
    [
        lambda seed: Sequential([Holds([Dense(4)])], seed=seed),
        lambda seed: Sequential([Holds([Holds([Dense(4)])])], seed=seed),
        lambda seed: HandsOn(seed=seed),
    ],
    ids=["of a model", "of a layer of a model", "of a layer alone"],
)
def test_layers_that_were_made_before_draw_from_the_seed(layer):
    first, same, other = (layer(seed).forward(X) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


def test_a_part_that_is_built_keeps_its_dtype():
    part = Dense(4, dtype="float64")
    part.build((4,))
    model = Sequential([Holds([part])], input_shape=(4,))
    assert part.rng is model.rng
    assert part.dtype == "float64"


def test_layers_that_a_build_makes_draw_from_the_models_seed_before_that_of_the_program():
    expected = Sequential([MakesOne(lambda: Dense(4))], seed=1).forward(X)
    try:
        nnlite.seeds.set_start(7)
        np.testing.assert_array_equal(Sequential([MakesOne(lambda: Dense(4))], seed=1).forward(X), expected)
    finally:
        nnlite.seeds.set_start(None)


@pytest.mark.parametrize("make", [lambda: Dense(4), lambda: Sequential([Dense(4)])])
def test_layers_that_a_build_makes_get_the_models_dtype(make):
    assert Sequential([MakesOne(make, builds=False)], dtype="float64").forward(X).dtype == "float64"

    class Makes(Holds):
        def __init__(self):
            super().__init__([make()])

    model = Sequential([Makes()], dtype="float64", seed=1)
    assert model.layers[0].parts[0].dtype == "float64"


def test_the_forms_of_the_exercises_of_the_docs_run():
    class Blur:
        params, grads = {}, {}

        def forward(self, x):
            return (x[:, :-1] + x[:, 1:]) / 2

        def backward(self, dy):
            dx = np.zeros((len(dy), dy.shape[1] + 1))
            dx[:, :-1] += dy / 2
            dx[:, 1:] += dy / 2
            return dx

    class Cell:
        def __init__(self, f):
            self.params, self.grads = {"f": np.array([f])}, {"f": np.zeros(1)}

        def forward(self, x):
            self.c = [np.zeros(len(x))]
            for x_t in x.T:
                self.c.append(self.params["f"] * self.c[-1] + x_t)
            return self.c[-1]

        def backward(self, dy):
            dc, dx = dy, []
            self.grads["f"][:] = 0
            for c_before in reversed(self.c[:-1]):
                dx.append(dc)
                self.grads["f"] += (dc * c_before).sum()
                dc = dc * self.params["f"]
            return np.stack(dx[::-1], axis=1)

    class BlurLayer(Blur, Layer):
        params, grads = {}, {}

        def output_shape(self, input_shape):
            return (input_shape[0] - 1,)

        def backward(self, dy):
            return super().backward(dy).astype(self.dtype)

    x = X.astype("float64")
    assert gradcheck(Blur(), x).max_error < 1e-6
    assert gradcheck(Cell(0.9), x).max_error < 1e-6
    assert trained([BlurLayer(), Dense(2)]).predict(X).shape == (6, 2)


def test_an_error_inside_of_a_property_is_the_one_that_is_seen():
    class Broken(Double):
        @property
        def size(self):
            return self.nothing_of_this_name

    with pytest.raises(AttributeError, match="'Broken' object has no attribute 'nothing_of_this_name'"):
        Broken().size  # noqa: B018


def test_a_layer_may_freeze_itself():
    class Frozen(Scale):
        def __init__(self, **kwargs):
            self.trainable = False
            super().__init__(**kwargs)

    assert Frozen().trainable is False


class Foreign:
    params, grads = {}, {}

    def forward(self, x):
        return x

    def backward(self, dy):
        return dy


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (
            Foreign(),
            r"layers\[1\]: expected a layer, got <.*>: derive its class from Layer, class Foreign\(nnlite.Layer\)",
        ),
        (Dense, r"layers\[1\]: expected a layer, got <class .*>: make one, Dense\(\.\.\.\)"),
        ("relu", r"got 'relu': use Activation\('relu'\), or the argument activation='relu' of the layer before"),
        (np.tanh, "a function has no backward pass: derive a class from nnlite.Layer"),
        (3, r"expected a layer, got 3$"),
    ],
)
def test_what_is_no_layer(thing, message):
    with pytest.raises(TypeError, match=message):
        Sequential([Dense(2), thing])
