"""check_optimizer: every exported one keeps the contract, and one with a mistake is caught by the check for it."""

import inspect

import numpy as np
import pytest
from contracts import alone, assert_caught

import nnlite
from nnlite import Optimizer, get_num_threads
from nnlite.kernels import backend
from nnlite.testing import ContractError, check_optimizer
from nnlite.testing.optimizer import OPTIMIZER

CASES = [
    "SGD()",
    "SGD(0.01, momentum=0.9)",
    "SGD(0.01, momentum=0.9, nesterov=True, clipvalue=0.5)",
    "Adagrad(0.01)",
    "Adam(0.01)",
    "Adam(0.01, global_clipnorm=1.0)",
    "Adam(CosineDecay(0.01, 20), weight_decay=0.01)",
    "AdamW(0.01, clipnorm=0.5)",
    "RMSprop()",
    "RMSprop(0.01, momentum=0.9)",
    "RMSprop(0.01, centered=True)",
    "RMSprop(0.01, momentum=0.5, centered=True)",
]


def made(code):
    return eval(code, {name: getattr(nnlite, name) for name in nnlite.__all__})


@pytest.mark.parametrize("code", CASES)
def test_every_exported_optimizer_keeps_the_contract(code):
    report = check_optimizer(made(code))
    assert set(report.left_out) <= {"zero_gradient"}


def test_no_exported_optimizer_is_left_out():
    kinds = {
        one for one in map(vars(nnlite).get, nnlite.__all__) if inspect.isclass(one) and issubclass(one, Optimizer)
    }
    assert {type(made(code)) for code in CASES} == kinds - {Optimizer}


class Right(Optimizer):
    """Momentum in plain NumPy, as a user writes it."""

    slots = {"velocity": 0.0}  # noqa: RUF012  as in help(Optimizer)

    def __init__(self, learning_rate=0.05, momentum=0.5, **limits):
        super().__init__(learning_rate, **limits)
        self.momentum = momentum

    def update(self, grad, param, slots, scale, clip):
        velocity = slots["velocity"]
        velocity[...] = self.momentum * velocity - self.learning_rate * np.clip(scale * grad, -clip, clip)
        param += velocity


class Downhill(Right):
    def update(self, grad, param, slots, scale, clip):
        super().update(-grad, param, slots, scale, clip)


class InPlace(Right):
    def update(self, grad, param, slots, scale, clip):
        param = param - self.learning_rate * grad  # another array


class Repeatable(Right):
    def update(self, grad, param, slots, scale, clip):
        super().update(grad, param, slots, scale * np.random.default_rng().uniform(0.9, 1.1), clip)


class GradientsStay(Right):
    def update(self, grad, param, slots, scale, clip):
        grad *= scale
        super().update(grad, param, slots, 1.0, clip)


class LearningRate(Right):
    def __init__(self, learning_rate=0.05, **limits):
        super().__init__(learning_rate, **limits)
        self.rate = learning_rate

    def update(self, grad, param, slots, scale, clip):
        param -= self.rate * np.clip(scale * grad, -clip, clip)


class Clipping(Right):
    def update(self, grad, param, slots, scale, clip):
        super().update(grad, param, slots, 1.0, np.inf)


class ZeroGradient(Right):
    def update(self, grad, param, slots, scale, clip):
        super().update(grad + 1e-3, param, slots, scale, clip)


class EachByItself(Right):
    count = 0

    def update(self, grad, param, slots, scale, clip):
        self.count += 1
        super().update(grad, param, slots, scale / self.count, clip)


class Frozen(Right):
    def apply(self, grads, params):
        for name, param in params.items():
            param -= self.learning_rate * (grads[name] + 0.1 * param)


class Resume(Right):
    steps = 0

    def update(self, grad, param, slots, scale, clip):
        self.steps += 1
        super().update(grad, param, slots, scale * 0.9**self.steps, clip)


class Saving(Right):
    def get_config(self):
        return super().get_config() | {"momentum": 0.1}


class Copies(Right):
    kept = {}  # noqa: RUF012  the mistake

    def update(self, grad, param, slots, scale, clip):
        old = self.kept.get(grad.size, 0.0)
        self.kept[grad.size] = grad.copy()
        super().update(grad + old, param, slots, scale, clip)


class Float32(Right):
    def update(self, grad, param, slots, scale, clip):
        one = grad.dtype.type(1e4)
        super().update((grad + one) - one, param, slots, scale, clip)


class Backends(nnlite.SGD):
    def update(self, grad, param, slots, scale, clip):
        factor = 1.01 if backend()._package == "nnlite.reference" else 1.0
        super().update(grad, param, slots, factor * scale, clip)


class Threads(nnlite.SGD):
    def update(self, grad, param, slots, scale, clip):
        super().update(grad, param, slots, scale / get_num_threads(), clip)


Backends.__module__ = Threads.__module__ = "nnlite.optimizers"  # which have kernels


class OneModel(Right):
    def _check_model(self, params):
        pass


class Memory(Right):
    def update(self, grad, param, slots, scale, clip):
        velocity = slots["velocity"]
        velocity = self.momentum * velocity - self.learning_rate * np.clip(scale * grad, -clip, clip)  # a new array
        param += velocity


BROKEN = {
    "downhill": (Downhill, "the loss after 30 steps in float32: expected below .*, got .*: go against the gradient"),
    "in_place": (
        InPlace,
        r"params\['W'\]: expected other numbers after three steps, got the same: write into the array",
    ),
    "memory": (
        Memory,
        "the slot 'velocity': expected other numbers after further steps, got the same: write into the array",
    ),
    "repeatable": (Repeatable, "W: expected the same bits from an equal optimizer, got .*: draw no random numbers"),
    "gradients_stay": (GradientsStay, "W: expected the same bits after a step, got .*: compute in a new array"),
    "learning_rate": (
        LearningRate,
        "W: expected the same bits with learning_rate = 0, got .*: read self.learning_rate",
    ),
    "clipping": (
        Clipping,
        "W: expected .* with clipnorm=1 as from gradients that were clipped by hand, got .*: in update",
    ),
    "zero_gradient": (ZeroGradient, "W: expected the same bits after a first step along gradients of 0, got .*: add"),
    "each_by_itself": (EachByItself, "b: expected the same bits beside other parameters, got .*: keep what belongs to"),
    "frozen": (
        Frozen,
        "dense.W: expected the same bits in a layer that is frozen, got .*: change parameters in update",
    ),
    "resume": (Resume, "W: expected the same bits after a resume, got .*: keep arrays in slots"),
    "saving": (Saving, "W: expected the same bits of the model that was loaded, got .*: see the check resume"),
    "copies": (Copies, "W: expected the same bits after copy.deepcopy, got .*: keep arrays in slots"),
    "float32": (Float32, ": expected .* as in float64, got .*: keep an epsilon"),
    "backends": (Backends, "W: expected .* as in the reference, float32, got .*: compare csrc/"),
    "threads": (Threads, "W: expected the same bits with 2 threads, got .*: cut sums into parts"),
    "one_model": (OneModel, "a step of a second model: expected a ValueError, got a step: leave apply"),
}


@pytest.mark.parametrize("check", OPTIMIZER.checks)
def test_each_check_catches_the_mistake_that_it_is_for(check):
    kind, message = BROKEN[check]
    assert_caught(check, message, lambda: check_optimizer(kind()))


# Mistakes that show in one place alone: each is caught by one of the things that a check looks at.


def updating(mistake):
    """The optimizer, whose factor a function of (optimizer, grad, param) changes."""

    class Own(Right):
        def update(self, grad, param, slots, scale, clip):
            super().update(grad, param, slots, scale * mistake(self, grad, param), clip)

    return Own


def with_kernels(is_wrong):
    """As nnlite's own, which have kernels."""

    class Own(nnlite.SGD):
        def update(self, grad, param, slots, scale, clip):
            super().update(grad, param, slots, scale * (1 + 0.01 * is_wrong(param)), clip)

    Own.__module__ = "nnlite.optimizers"
    return Own


def on_reference():
    return backend()._package == "nnlite.reference"


def limited(limit):
    """The optimizer, which forgets one of the limits."""

    class Own(Right):
        def update(self, grad, param, slots, scale, clip):
            forgets = getattr(self, limit) is not None
            super().update(grad, param, slots, 1.0 if forgets else scale, np.inf if forgets else clip)

    return Own


class Rebinds(Right):
    def apply(self, grads, params):
        super().apply(grads, params)
        params["W"] = params["W"].copy()


class SpoilsClipped(Right):
    def update(self, grad, param, slots, scale, clip):
        if self.clipnorm:
            grad *= scale
        super().update(grad, param, slots, scale, clip)


class KeepsRate(Right):
    def update(self, grad, param, slots, scale, clip):
        rate = self.learning_rate if self.schedule is None else 0.02
        param -= rate * np.clip(scale * grad, -clip, clip)


class Drifts(Right):
    def get_config(self):
        config = super().get_config()
        return config | {"momentum": config["momentum"] + 0.1}


class Pickled(Right):
    def __deepcopy__(self, memo):
        new = object.__new__(type(self))
        vars(new).update({name: dict(v) if name == "state" else v for name, v in vars(self).items()})
        new.state.update({name: array.copy() for name, array in self.state.items()})
        return new

    def __getstate__(self):
        return vars(self) | {"momentum": 0.9}


SUBTLE = [
    (
        "in_place",
        updating(lambda self, grad, p: p.size != 1),
        r"params\['b'\]: expected other numbers",
    ),
    ("in_place", Rebinds, r"params\['W'\]: expected the same array, got another"),
    ("downhill", updating(lambda self, grad, param: -1 if param.dtype == "float64" else 1), "30 steps in float64"),
    ("gradients_stay", SpoilsClipped, "W: expected the same bits after a step"),
    ("learning_rate", KeepsRate, "W: expected the same bits with a schedule as with a number"),
    ("clipping", limited("clipnorm"), "with clipnorm=1 as from"),
    ("clipping", limited("clipvalue"), "with clipvalue=1 as from"),
    ("clipping", limited("global_clipnorm"), "with global_clipnorm=1 as from"),
    ("resume", Drifts, "the configuration of a copy: expected .*: keep each argument"),
    ("copies", Pickled, "expected the same bits after pickle"),
    (
        "backends",
        with_kernels(lambda p: p.dtype == "float64" and on_reference()),
        "as in the reference, float64",
    ),
    (
        "backends",
        with_kernels(lambda p: p.dtype == "float32" and on_reference()),
        "as in the reference, float32",
    ),
    *(
        ("threads", with_kernels(lambda param, n=n: get_num_threads() == n), f"W: .* with {m} threads")
        for n, m in ((1, 2), (2, 2), (3, 3))
    ),
]


@pytest.mark.parametrize(("check", "kind", "message"), SUBTLE)
def test_a_mistake_in_one_place_is_caught(check, kind, message):
    assert_caught(check, message, lambda: check_optimizer(kind(), without=alone(OPTIMIZER, check)))


def test_a_frozen_layer_does_not_shrink_either():
    class Decays(Right):
        def apply(self, grads, params):
            for param in params.values():
                param -= self.learning_rate * (self.weight_decay or 0) * param
            super().apply(grads, params)

    assert_caught("frozen", "dense.W: .* in a layer that is frozen", lambda: check_optimizer(Decays()))


@pytest.mark.parametrize(
    ("kind", "headline"),
    [
        (InPlace, r"check in_place: params\['W'\]: .*: write into the array"),
        (Repeatable, "check repeatable: W: .*: draw no random numbers"),
    ],
)
def test_the_first_line_names_the_cause(kind, headline):
    with pytest.raises(ContractError, match=headline):
        check_optimizer(kind())


def test_an_optimizer_of_ones_own_that_is_right_passes():
    assert list(check_optimizer(Right(global_clipnorm=2.0)).left_out) == ["backends", "threads"]


def test_one_that_stands_still():
    report = check_optimizer(nnlite.SGD(0.0))
    assert report.left_out == dict.fromkeys(["downhill", "in_place"], "its learning rate is 0")


def test_what_cannot_be_checked_is_refused():
    with pytest.raises(TypeError, match="optimizer: expected an optimizer, got the class Adam: use an instance"):
        check_optimizer(nnlite.Adam)
    used = nnlite.Adam()
    used.apply({"W": np.ones(2)}, {"W": np.ones(2)})
    with pytest.raises(ValueError, match=r"optimizer: expected a new one, got Adam\(.*\) after 1 steps"):
        check_optimizer(used)
