"""Optimizers: the formulas' own numbers, PyTorch as the witness, clipping, memory, and bad input."""

import contextlib
import copy
import importlib
import math
import os
import pickle
import signal
import threading

import numpy as np
import pytest
from chain import import_torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kinds import floats_of
from numeric import assert_same_bits

import nnlite
from nnlite import optimizers
from nnlite.kernels import why_reference
from nnlite.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from nnlite.reference import host as reference_host

ALL = [SGD(0.1), SGD(0.1, 0.9), SGD(0.1, 0.9, True), Adagrad(0.1), RMSprop(0.1), RMSprop(0.1, momentum=0.9)]
ALL += [RMSprop(0.1, centered=True), RMSprop(0.1, 0.95, 0.9, centered=True), Adam(0.1), AdamW(0.1)]


def fresh(optimizer, **changes):
    return type(optimizer).from_config(optimizer.get_config() | changes)


def model(dtype="float64", seed=0):
    """Parameters of odd sizes, and one of no size at all."""
    rng = np.random.default_rng(seed)
    shapes = {"lstm.Wx": (5, 12), "lstm.b": (12,), "scalar": (), "empty": (0, 3)}
    return {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}


def steps(optimizer, numbers, start=1.0):
    """One parameter's value after each of these gradients, in float64."""
    params, path = {"p": np.array([start])}, []
    for number in numbers:
        optimizer.apply({"p": np.array([number])}, params)
        path.append(float(params["p"][0]))
    return path


# ------------------------------------------------------------------------------- the formulas, worked by hand


@pytest.mark.parametrize("backend", ["compiled", "reference"])
def test_sgd_numbers(backend):
    with nnlite.use_backend(backend):
        assert steps(SGD(0.1), [1.0, 2.0]) == pytest.approx([0.9, 0.7], rel=1e-15)
        # v = -0.1; v = 0.9 * -0.1 - 0.2 = -0.29
        assert steps(SGD(0.1, momentum=0.9), [1.0, 2.0]) == pytest.approx([0.9, 0.61], rel=1e-15)
        # 0.9 * -0.1 - 0.1 = -0.19; 0.9 * -0.29 - 0.2 = -0.461
        assert steps(SGD(0.1, 0.9, nesterov=True), [1.0, 2.0]) == pytest.approx([0.81, 0.349], rel=1e-15)


@pytest.mark.parametrize("backend", ["compiled", "reference"])
def test_adagrad_numbers(backend):
    with nnlite.use_backend(backend):
        # a = 0.75 + 0.25 = 1; a = 1 + 3 = 4 (to the epsilon)
        got = steps(Adagrad(0.1, initial_accumulator_value=0.75, epsilon=1e-15), [0.5, math.sqrt(3)])
        assert got == pytest.approx([0.95, 0.95 - 0.1 * math.sqrt(3) / 2], rel=1e-14)


@pytest.mark.parametrize("backend", ["compiled", "reference"])
def test_adagrad_has_its_epsilon_inside_the_root(backend):
    """The recipe of the minimal character-level RNN: mem += d * d; p += -lr * d / sqrt(mem + 1e-8)."""
    recipe = Adagrad(0.1, initial_accumulator_value=0.0, epsilon=1e-8, clipvalue=5.0)
    with nnlite.use_backend(backend):
        got = steps(recipe, [1e-4, 0.0, 100.0], start=0.0)
    # mem = 1e-8, so the root is sqrt(2e-8); outside the root epsilon would leave the step at 0.09999
    first = -0.1 * 1e-4 / math.sqrt(2e-8)
    assert got == pytest.approx([first, first, first - 0.1 * 5 / math.sqrt(25 + 2e-8)], rel=1e-14)


@pytest.mark.parametrize("backend", ["compiled", "reference"])
def test_rmsprop_numbers(backend):
    with nnlite.use_backend(backend):
        # v = 0.1 * 100 = 10, step 0.1 * 10 / sqrt(10)
        assert steps(RMSprop(0.1), [10.0], start=10.0) == pytest.approx([9.683772], rel=1e-7)
        # epsilon = 3 inside the root: v = 0.5 * 2 = 1, root of 4
        assert steps(RMSprop(0.1, rho=0.5, epsilon=3.0), [math.sqrt(2)]) == pytest.approx([1 - 0.05 * math.sqrt(2)])
        # centered: v = 0.5 * 4 = 2, mean = 1, root of 2 - 1 + 3; momentum: m = 0.1, then 0.5 * 0.1 + a step of 0
        centered = RMSprop(0.1, rho=0.5, epsilon=3.0, centered=True, momentum=0.5)
        assert steps(centered, [2.0, 0.0]) == pytest.approx([0.9, 0.85], rel=1e-14)


@pytest.mark.parametrize("backend", ["compiled", "reference"])
def test_adam_is_algorithm_1_of_the_paper(backend):
    alpha, beta_1, beta_2, epsilon_hat = 0.1, 0.9, 0.99, 1e-3
    numbers, theta, m, v, expected = [0.5, -0.25, 2.0, 0.0, 1e-3], 1.0, 0.0, 0.0, []
    for t, g in enumerate(numbers, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
        theta -= alpha * m_hat / (math.sqrt(v_hat) + epsilon_hat / math.sqrt(1 - beta_2**t))
        expected.append(theta)
    with nnlite.use_backend(backend):
        assert steps(Adam(alpha, beta_1, beta_2, epsilon_hat), numbers) == pytest.approx(expected, rel=1e-13)
    # The first step is the learning rate, whatever the gradient's size.
    assert steps(Adam(0.1, epsilon=1e-30), [1e-6]) == pytest.approx([0.9], rel=1e-12)


@pytest.mark.parametrize("backend", ["compiled", "reference"])
def test_adamw_decays_beside_the_gradient(backend):
    with nnlite.use_backend(backend):
        decayed = steps(AdamW(0.1, weight_decay=0.5, epsilon=1e-30), [1.0, 0.0])
        assert decayed[0] == pytest.approx(1 - 0.1 * 0.5 - 0.1, rel=1e-14)
        assert steps(AdamW(0.1, weight_decay=0.5), [0.0, 0.0]) == pytest.approx([0.95, 0.95**2], rel=1e-14)
        assert steps(AdamW(weight_decay=0.0), [1.0, 2.0]) == steps(Adam(), [1.0, 2.0])


# -------------------------------------------------------------------------------------------- PyTorch, the witness


def _torch_pairs():
    """Ours, PyTorch's, and whether PyTorch's epsilon has to follow ours at each step."""
    torch = import_torch()
    optim = torch.optim
    return {
        "sgd": (SGD(0.05), lambda p: optim.SGD(p, lr=0.05)),
        "momentum": (SGD(0.05, 0.9), lambda p: optim.SGD(p, lr=0.05, momentum=0.9)),
        "nesterov": (SGD(0.05, 0.9, True), lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True)),
        # PyTorch has its epsilon outside the root, in Adagrad and in RMSprop: compared where neither counts.
        "adagrad": (
            Adagrad(0.05, 0.2, 1e-30),
            lambda p: optim.Adagrad(p, lr=0.05, initial_accumulator_value=0.2, eps=1e-30),
        ),
        "rmsprop": (RMSprop(0.01, 0.95, epsilon=1e-30), lambda p: optim.RMSprop(p, lr=0.01, alpha=0.95, eps=1e-30)),
        "rmsprop momentum": (
            RMSprop(0.01, 0.95, 0.9, epsilon=1e-30),
            lambda p: optim.RMSprop(p, lr=0.01, alpha=0.95, eps=1e-30, momentum=0.9),
        ),
        "rmsprop centered": (
            RMSprop(0.01, 0.95, 0.9, epsilon=1e-30, centered=True),
            lambda p: optim.RMSprop(p, lr=0.01, alpha=0.95, eps=1e-30, momentum=0.9, centered=True),
        ),
        "adam": (Adam(0.01, 0.8, 0.99, 1e-3), lambda p: optim.Adam(p, lr=0.01, betas=(0.8, 0.99), eps=1e-3)),
        "adamw": (
            AdamW(0.01, 0.1, 0.8, 0.99, 1e-3),
            lambda p: optim.AdamW(p, lr=0.01, betas=(0.8, 0.99), eps=1e-3, weight_decay=0.1),
        ),
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "name",
    ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "rmsprop_momentum", "rmsprop_centered", "adam", "adamw"],
)
def test_fifty_steps_as_in_pytorch(name, dtype):
    torch = import_torch()
    ours, make = _torch_pairs()[name.replace("_", " ")]
    params = model(dtype)
    tensors = {key: torch.tensor(param, requires_grad=True) for key, param in params.items()}
    theirs = make(list(tensors.values()))
    rng = np.random.default_rng(1)
    for t in range(1, 51):
        grads = {key: rng.standard_normal(param.shape).astype(dtype) for key, param in params.items()}
        for key, tensor in tensors.items():
            tensor.grad = torch.tensor(grads[key])
        if name.startswith("adam"):  # its epsilon is that of the paper's algorithm 1, ours is "epsilon hat"
            theirs.param_groups[0]["eps"] = 1e-3 / math.sqrt(1 - 0.99**t)
        theirs.step()
        ours.apply(grads, params)
    tolerance = {"float32": 2e-5, "float64": 1e-11}[dtype]
    for key, tensor in tensors.items():
        np.testing.assert_allclose(params[key], tensor.detach().numpy(), rtol=tolerance, atol=tolerance)


# ------------------------------------------------------------------------------------- backends, dtypes, memory


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", ALL, ids=repr)
@pytest.mark.parametrize("limit", [{}, {"clipnorm": 0.7}, {"clipvalue": 0.3}, {"global_clipnorm": 0.7}], ids=str)
def test_backends_agree(optimizer, limit, dtype):
    results = []
    for backend in ("compiled", "reference"):
        ours, params, rng = fresh(optimizer, **limit), model(dtype), np.random.default_rng(1)
        with nnlite.use_backend(backend):
            for _ in range(5):
                ours.apply({name: rng.standard_normal(p.shape).astype(dtype) for name, p in params.items()}, params)
        results.append(params | ours.state)
    tolerance = {"float32": 1e-5, "float64": 1e-10}[dtype]
    for name, value in results[0].items():
        assert value.dtype == results[1][name].dtype == np.dtype(dtype)
        np.testing.assert_allclose(value, results[1][name], rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_it_goes_downhill(optimizer):
    ours, params = fresh(optimizer, learning_rate=0.03), {"p": np.array([3.0, -2.0])}
    for _ in range(600):
        ours.apply({"p": 2 * params["p"]}, params)
    reached = float(np.square(params["p"]).sum())
    assert reached < (13.0 if isinstance(ours, Adagrad) else 0.1)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("writeable", [False, True])
def test_a_state_that_is_read_only_or_strided_is_taken_over(order, writeable):
    whole, params = Adam(), {"p": np.ones((2, 3))}
    for _ in range(2):
        whole.apply({"p": np.ones((2, 3))}, params)
    first, other = Adam(), {"p": np.ones((2, 3))}
    first.apply({"p": np.ones((2, 3))}, other)
    second, second.iterations = Adam(), 1
    second.state = {name: np.array(array, order=order) for name, array in first.state.items()}
    for array in second.state.values():
        array.flags.writeable = writeable
    second.apply({"p": np.ones((2, 3))}, other)
    assert (other["p"] == params["p"]).all()
    assert (second.state["momentum/p"] == whole.state["momentum/p"]).all()


@pytest.mark.parametrize("moments", [np.zeros(3, "float32"), np.zeros((1, 3))], ids=["dtype", "shape"])
def test_moments_of_another_shape_or_dtype_are_refused(moments):
    optimizer, params = SGD(0.1, momentum=0.9), {"W": np.ones(3)}
    optimizer.state = {"momentum/W": moments}
    with pytest.raises(ValueError, match=r"parameter W: expected .*, as the optimizer's momentum for it, got \(3,\)"):
        optimizer.apply({"W": np.ones(3)}, params)
    assert (params["W"] == 1).all()


def test_a_parameter_without_numbers_may_lie_anywhere():
    W = np.ones(4)
    SGD(0.5).apply({"W": np.ones(4), "none": np.ones(0)}, {"W": W, "none": W[2:3][:0]})
    assert (W == 0.5).all()


def test_state_is_named_slot_and_parameter():
    optimizer, params = Adam(), model("float32")
    optimizer.apply(params, {name: p.copy() for name, p in params.items()})
    assert set(optimizer.state) == {f"{slot}/{name}" for slot in ("momentum", "velocity") for name in params}
    assert optimizer.state["velocity/lstm.Wx"].shape == (5, 12)
    assert optimizer.state["velocity/lstm.Wx"].dtype == np.float32
    adagrad = Adagrad()
    adagrad.apply({"p": np.zeros(2)}, {"p": np.ones(2)})
    assert adagrad.state["accumulator/p"].tolist() == [0.1, 0.1]


@pytest.mark.parametrize(
    ("optimizer", "slots"),
    [
        (SGD(), ()),
        (SGD(momentum=0.9), ("momentum",)),
        (RMSprop(), ("velocity",)),
        (RMSprop(centered=True), ("average_gradient", "velocity")),
        (RMSprop(momentum=0.9), ("momentum", "velocity")),
    ],
    ids=str,
)
def test_nothing_is_kept_that_is_not_needed(optimizer, slots):
    optimizer.apply({"p": np.ones(2)}, {"p": np.ones(2)})
    assert optimizer.state.keys() == {f"{slot}/p" for slot in slots}


def test_gradients_stay_as_they_are_and_may_be_read_only_or_strided():
    grad = np.full((3, 4), 7.0).T
    grad.flags.writeable = False
    params = {"p": np.zeros((4, 3))}
    SGD(1.0, clipvalue=2.0).apply({"p": grad}, params)
    assert (params["p"] == -2).all()
    assert (grad == 7).all()


# A step remembers what the one before it has looked up. Whatever is exchanged in between is seen.
EXCHANGES = {
    "a gradient": lambda o, grads, params: grads.update({"lstm.b": grads["lstm.b"] + 1}),
    "a parameter": lambda o, grads, params: params.update({"lstm.b": params["lstm.b"] + 1}),
    "the numbers in them": lambda o, grads, params: (grads["lstm.b"].fill(3), params["lstm.Wx"].fill(2)),
    "a memory": lambda o, grads, params: o.state.update({k: a + 1 for k, a in o.state.items() if k.endswith("Wx")}),
    "the state": lambda o, grads, params: setattr(o, "state", {}),
    "the dicts": lambda o, grads, params: None,
    "less": lambda o, grads, params: (grads.pop("lstm.b"), params.pop("lstm.b")),
}


@pytest.mark.parametrize("names", ["b", "ab"])
def test_a_parameter_that_has_become_read_only_is_refused_before_any_changes(names):
    optimizer, params, grads = SGD(0.1), *({name: np.ones(2) for name in names} for _ in range(2))
    optimizer.apply(grads, params)
    params["b"].flags.writeable = False
    before = {name: param.copy() for name, param in params.items()}
    with pytest.raises(ValueError, match="b: expected"):
        optimizer.apply(grads, params)
    assert all((params[name] == before[name]).all() for name in names)
    assert optimizer.iterations == 1


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_what_is_exchanged_between_steps_is_seen(optimizer, exchange):
    results = []
    for renew in (False, True):  # an optimizer that has just been restored remembers nothing
        optimizer, grads, params = fresh(optimizer), model(seed=1), model()
        optimizer.apply(grads, params)
        EXCHANGES[exchange](optimizer, grads, params)
        if renew:
            optimizer, old = fresh(optimizer), optimizer
            optimizer.state, optimizer.iterations = old.state, old.iterations
            grads, params = dict(grads), dict(params)
        optimizer.apply(grads, params)
        results.append(params | optimizer.state)
    for name, array in results[1].items():
        np.testing.assert_array_equal(results[0][name], array, strict=True)


def test_a_parameter_that_became_read_only_is_refused():
    optimizer, grads, params = Adam(0.1), model(seed=1), model()
    optimizer.apply(grads, params)
    before = {name: param.copy() for name, param in params.items()}
    params["empty"].flags.writeable = False
    with pytest.raises(ValueError, match=r"parameter empty: .* got a read-only one"):
        optimizer.apply(grads, params)
    for name, param in params.items():
        np.testing.assert_array_equal(param, before[name])


@pytest.mark.parametrize("optimizer", [SGD, Adagrad, RMSprop, Adam, AdamW])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backend", ["compiled", "reference"])
def test_weight_decay_shrinks_before_the_step(optimizer, dtype, backend):
    """As in Keras: p -= learning_rate * weight_decay * p, and the step is that of the optimizer without it."""
    with nnlite.use_backend(backend):
        decayed, plain = (
            optimizer(0.1, weight_decay=0.5),
            optimizer(0.1, **({"weight_decay": 0.0} if optimizer is AdamW else {})),
        )
        params, grads = model(dtype=dtype), model(seed=1, dtype=dtype)
        expected = {name: param.copy() for name, param in params.items()}
        for _ in range(3):
            decayed.apply(grads, params)
            for param in expected.values():
                param *= 1 - 0.1 * 0.5
            plain.apply(grads, expected)
    for name, param in params.items():
        np.testing.assert_allclose(param, expected[name], rtol=1e-5 if dtype == "float32" else 1e-12, atol=1e-6)


@pytest.mark.parametrize("weight_decay", [None, 0.0, 0])
def test_no_weight_decay_changes_no_bit(weight_decay):
    results = []
    for options in ({}, {"weight_decay": weight_decay}):
        params = model()
        SGD(0.1, **options).apply(model(seed=1), params)
        results.append(params)
    for name, param in results[0].items():
        np.testing.assert_array_equal(param, results[1][name])


def test_an_optimizer_of_ones_own_decays_as_well():
    class Sign(Optimizer):
        def update(self, grad, param, slots, scale, clip):
            param -= self.learning_rate * np.sign(grad)

    params = {"p": np.full(2, 10.0)}
    Sign(0.1, weight_decay=0.5).apply({"p": np.array([1.0, -1.0])}, params)
    np.testing.assert_allclose(params["p"], [9.4, 9.6])


# Learning rates by the step.


class Harmonic(nnlite.schedules.Schedule):
    """A schedule of one's own."""

    def __init__(self, rate, inner=None):
        self.rate, self.inner = rate, inner

    def __call__(self, step):
        return self.rate / (step + 1)


SCHEDULES = [
    nnlite.CosineDecay(0.5, 4, alpha=0.1),
    nnlite.StepDecay(0.5, 2),
    nnlite.ExponentialDecay(0.5, 2, 0.3),
    nnlite.ExponentialDecay(0.5, 2, 0.3, staircase=True),
    nnlite.WarmUp(nnlite.CosineDecay(0.5, 4), 2),
    nnlite.Constant(0.25),
    Harmonic(0.5),
    nnlite.WarmUp(Harmonic(0.5, nnlite.Constant(1)), 2),
    Harmonic(0.5, {"class": "third"}),  # no description of a schedule
    Harmonic(0.5, {"class": "third", "config": {}, "more": 1}),
]
CUSTOM = {"Harmonic": Harmonic}


@pytest.mark.parametrize(
    "make",
    [
        lambda kind: nnlite.StepDecay(0.5, kind(100)),
        lambda kind: nnlite.ExponentialDecay(0.5, kind(100), 0.5, staircase=True),
        lambda kind: nnlite.WarmUp(nnlite.Constant(0.5), kind(100)),
    ],
)
def test_small_integers_of_numpy_are_whole_numbers(make):
    for step in (90, 127, 128, 1000, 10**6):
        assert make(np.int8)(step) == make(int)(step)


@pytest.mark.parametrize("rate", [10**30, 1e30, np.float64(1e30)])
def test_growth_beyond_every_float_is_refused_by_the_step(rate):
    for schedule in (nnlite.StepDecay(0.1, 1, rate), nnlite.ExponentialDecay(0.1, 1, rate)):
        assert schedule(10**6) == math.inf


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_each_step_has_the_learning_rate_of_its_number(schedule):
    optimizer, params = SGD(schedule), {"p": np.zeros(1)}
    assert optimizer.learning_rate == schedule(0)
    for step in range(6):
        before = params["p"].copy()
        optimizer.apply({"p": np.ones(1)}, params)
        assert before - params["p"] == pytest.approx(schedule(step), rel=1e-12)
        assert optimizer.learning_rate == schedule(step)  # that of the latest step


@pytest.mark.parametrize("optimizer", [SGD, Adagrad, RMSprop, Adam, AdamW])
def test_a_schedule_has_the_bits_of_rates_set_by_hand(optimizer):
    schedule, results = nnlite.CosineDecay(0.1, 5), []
    for scheduled in (True, False):
        made, params, grads = optimizer(schedule if scheduled else 1.0, weight_decay=0.1), model(), model(seed=1)
        for step in range(4):
            if not scheduled:
                made.learning_rate = schedule(step)
            made.apply(grads, params)
        results.append({**params, **made.state})
    for name, array in results[0].items():
        np.testing.assert_array_equal(array, results[1][name], strict=True)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_a_schedule_is_saved_and_goes_on(schedule, tmp_path):
    network = regressor()
    network.compile(Adam(schedule, weight_decay=0.01), "mse")
    for _ in range(3):
        network.train_on_batch(X, Y)
    network.save(tmp_path / "m")
    twins = [nnlite.load_model(tmp_path / "m", CUSTOM), copy.deepcopy(network), pickle.loads(pickle.dumps(network))]
    for twin in twins:
        assert repr(twin.optimizer) == repr(network.optimizer)
        assert twin.optimizer.learning_rate == network.optimizer.learning_rate == schedule(2)
    network.train_on_batch(X, Y)
    for twin in twins:
        twin.train_on_batch(X, Y)
        for key, param in network.params.items():
            np.testing.assert_array_equal(param, twin.params[key])


def test_a_schedule_of_ones_own_is_asked_for(tmp_path):
    network = regressor()
    network.compile(Adam(Harmonic(0.1)), "mse")
    network.save(tmp_path / "m")
    with pytest.raises(nnlite.CheckpointError, match="there is no schedule 'Harmonic': if it is your own, give it in"):
        nnlite.load_model(tmp_path / "m")


def test_a_scheduled_rate_is_not_set_by_hand():
    optimizer = Adam(nnlite.CosineDecay(0.1, 5))
    with pytest.raises(
        TypeError, match=r"expected to be left to its schedule, CosineDecay\(.*, got 0.5: .*Adam\(0.1\)"
    ):
        optimizer.learning_rate = 0.5
    optimizer.learning_rate = nnlite.Constant(0.5)  # another schedule may be
    assert (optimizer.learning_rate, repr(optimizer.schedule)) == (0.5, "Constant(learning_rate=0.5)")
    assert repr(optimizer).startswith("Adam(learning_rate=Constant(learning_rate=0.5), beta_1=0.9")


class Sinking(nnlite.schedules.Schedule):
    def __call__(self, step):
        return 0.1 - step


class Exploding(nnlite.schedules.Schedule):
    def __call__(self, step):
        return 0.1 * 1e300 ** (2 * step)  # which raises OverflowError


@pytest.mark.parametrize(("kind", "rate"), [(Sinking, "-0.9"), (Exploding, "inf")])
def test_a_schedule_that_gives_no_rate_changes_nothing(kind, rate):
    optimizer, params = SGD(kind()), {"p": np.zeros(1)}
    optimizer.apply({"p": np.ones(1)}, params)
    with pytest.raises(
        ValueError, match=rf"{kind.__name__}\(\) at step 1: expected a number in \[0, inf\), got {rate}"
    ):
        optimizer.apply({"p": np.ones(1)}, params)
    assert (optimizer.iterations, params["p"][0]) == (1, -0.1)


def test_a_schedule_is_asked_for_the_rate_of_the_next_step_when_it_is_set():
    optimizer = SGD(0.1)
    optimizer.iterations = 1
    with pytest.raises(ValueError, match=r"Sinking\(\) at step 1: expected a number in \[0, inf\), got -0.9"):
        optimizer.learning_rate = Sinking()


def test_an_argument_is_set_beside_a_schedule_of_ones_own():
    optimizer, expected = (SGD(Harmonic(0.5), momentum=momentum) for momentum in (0.0, 0.9))
    optimizer.momentum = 0.9
    paths = [(steps(one, [1.0, 2.0]), one.state["momentum/p"].tolist()) for one in (optimizer, expected)]
    assert paths[0] == paths[1]


def test_schedules_have_the_place_that_they_have_in_keras():
    from nnlite.optimizers.schedules import CosineDecay, LearningRateSchedule

    assert CosineDecay is nnlite.optimizers.schedules.CosineDecay is nnlite.CosineDecay
    assert issubclass(CosineDecay, LearningRateSchedule)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda o: o.step(), "step': .*apply"),
        (lambda o: o.zero_grad(), "zero_grad': backward writes .* leave it out"),
        (lambda o: o.apply_gradients(zip([], [], strict=True)), "apply_gradients': .*apply"),
        (lambda o: o.lr, "lr': use learning_rate"),
        (lambda o: setattr(o, "lr", 0.1), "lr': use learning_rate"),
        (lambda o: o.state_dict(), r"state_dict': model.save\(path\) saves the optimizer"),
        (lambda o: o.nothing, "nothing'$"),
    ],
)
def test_methods_of_elsewhere_are_explained(use, message):
    with pytest.raises(AttributeError, match=f"^'Adam' object has no attribute '{message}"):
        use(Adam())


def test_learning_rate_can_be_set_between_steps():
    optimizer = SGD(0.5)
    params = {"p": np.zeros(1)}
    optimizer.apply({"p": np.ones(1)}, params)
    optimizer.learning_rate = 0.25
    optimizer.apply({"p": np.ones(1)}, params)
    assert params["p"].tolist() == [-0.75]
    assert optimizer.get_config()["learning_rate"] == 0.25
    with pytest.raises(ValueError, match="learning_rate"):
        optimizer.learning_rate = math.nan
    assert optimizer.learning_rate == 0.25


def test_a_momentum_that_is_set_counts_from_the_next_step_on():
    optimizer, params, grads = SGD(0.5), {"p": np.zeros(1)}, {"p": np.ones(1)}
    optimizer.apply(grads, params)
    optimizer.momentum = 0.5
    for _ in range(2):  # with the same arrays as before
        optimizer.apply(grads, params)
    assert params["p"] == -0.5 - 0.5 - 0.75


def test_what_an_update_of_ones_own_puts_into_its_slots_is_kept():
    class Last(Optimizer):
        slots = {"last": 0.0}  # noqa: RUF012

        def update(self, grad, param, slots, scale, clip):
            param -= slots["last"]
            slots["last"] = slots["last"] + grad  # another array

    optimizer, params = Last(1.0), {"p": np.zeros(2)}
    for _ in range(2):
        optimizer.apply({"p": np.ones(2)}, params)
    assert (params["p"] == -1).all()
    assert (optimizer.state["last/p"] == 2).all()


def test_an_optimizer_of_ones_own():
    class Heavy(Optimizer):
        slots = {"last": 0.0}  # noqa: RUF012

        def update(self, grad, param, slots, scale, clip):
            grad = np.clip(scale * grad, -clip, clip)
            param -= self.learning_rate * (grad + slots["last"])
            slots["last"][:] = grad

    optimizer, params = Heavy(1.0, clipvalue=1.0), {"p": np.zeros((2, 2), "float32")}
    for _ in range(2):
        optimizer.apply({"p": np.full((2, 2), 3, "float32")}, params)
    assert (params["p"] == -3).all()
    assert (optimizer.state["last/p"] == 1).all()
    with pytest.raises(NotImplementedError, match="has no update"):
        Optimizer(1.0).apply({"p": np.zeros(1)}, {"p": np.zeros(1)})


def test_an_update_that_returns_a_value_is_told_to_change_the_parameter():
    class Returning(Optimizer):
        def update(self, grad, param, slots, scale, clip):
            return param - self.learning_rate * grad

    with pytest.raises(TypeError, match=r"Returning.update: expected it to change param in place and return nothing"):
        Returning(0.1).apply({"p": np.ones(1)}, {"p": np.ones(1)})


# ------------------------------------------------------------------------------------------------- clipping


@pytest.mark.parametrize("backend", ["compiled", "reference"])
def test_clipping_numbers(backend):
    def step(**limit):
        params = {"a": np.zeros(2), "b": np.zeros(1)}
        SGD(1.0, **limit).apply({"a": np.array([3.0, 0.0]), "b": np.array([-4.0])}, params)
        return [*(-params["a"]), *(-params["b"])]

    with nnlite.use_backend(backend):
        assert step() == [3, 0, -4]
        assert step(clipvalue=2.0) == [2, 0, -2]
        assert step(global_clipnorm=1.0) == pytest.approx([0.6, 0, -0.8], rel=1e-15)
        assert step(global_clipnorm=5.0) == [3, 0, -4]
        assert step(clipnorm=1.0) == pytest.approx([1, 0, -1], rel=1e-15)
        assert step(clipnorm=3.5) == pytest.approx([3, 0, -3.5], rel=1e-15)


@pytest.mark.parametrize("backend", ["compiled", "reference"])
@pytest.mark.parametrize("limit", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_clipping_begins_right_above_the_limit(limit, backend):
    with nnlite.use_backend(backend):
        for dtype, above in (("float32", 1 + 2**-20), ("float64", 1 + 2**-40)):
            for norm, expected in ((1 / above, 1 / above), (1.0, 1.0), (above, 1.0)):
                params = {"p": np.zeros(2, dtype)}
                SGD(1.0, **{limit: 1.0}).apply({"p": np.array([0, -norm], dtype)}, params)
                assert params["p"].tolist() == [0, pytest.approx(expected, rel=float(np.finfo(dtype).eps))]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=50),
    st.floats(1e-3, 1e3),
)
def test_a_clipped_gradient_keeps_its_direction(numbers, limit):
    grad = np.array(numbers)
    params = {"p": np.zeros(grad.size)}
    SGD(1.0, global_clipnorm=limit).apply({"p": grad}, params)
    norm = np.linalg.norm(grad)
    # A product below the smallest normal number is 0 in a kernel (docs/decisions.md).
    tiny = np.finfo(np.float64).tiny
    np.testing.assert_allclose(-params["p"], grad * min(1.0, limit / max(norm, 1e-300)), rtol=1e-12, atol=tiny)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_step_has_the_same_bits_for_one_and_two_threads(dtype):
    results, before = [], nnlite.get_num_threads()
    rng = np.random.default_rng(0)
    grads = {"W": rng.standard_normal((800, 701)).astype(dtype), "b": rng.standard_normal(701).astype(dtype)}
    for threads in (1, 2):
        nnlite.set_num_threads(threads)
        params, optimizer = {name: np.ones_like(grad) for name, grad in grads.items()}, AdamW(global_clipnorm=1.0)
        for _ in range(2):
            optimizer.apply(grads, params)
        results.append({name: array.tobytes() for name, array in (params | optimizer.state).items()})
    nnlite.set_num_threads(before)
    assert results[0] == results[1]


def test_norms_whose_squares_have_no_sum_are_clipped():
    params = {"a": np.zeros(1), "b": np.zeros(1)}
    SGD(1.0, global_clipnorm=1.0).apply({name: np.array([1.2e154]) for name in params}, params)
    assert [*params.values()] == pytest.approx([-math.sqrt(0.5)] * 2, rel=1e-14)


@pytest.mark.parametrize("limit", ["clipnorm", "global_clipnorm"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_norm_that_is_not_finite_is_an_error_and_changes_nothing(limit, bad):
    optimizer, params = Adam(**{limit: 1.0}), {"a": np.zeros(2, "float32"), "b": np.zeros(2, "float32")}
    with pytest.raises(FloatingPointError, match="gradient of b: expected a finite norm to clip"):
        optimizer.apply({"a": np.ones(2, "float32"), "b": np.array([1, bad], "float32")}, params)
    assert all((param == 0).all() for param in params.values())
    assert optimizer.iterations == 0
    assert optimizer.state == {}


# ------------------------------------------------------------------------------------------------- bad input

GOOD = np.zeros((2, 3), "float32")
READ_ONLY = GOOD.copy()
READ_ONLY.flags.writeable = False


@pytest.mark.parametrize(
    ("grads", "params", "error", "message"),
    [
        ({"a": GOOD}, {"b": GOOD}, ValueError, "same names.*a, b"),
        ({}, {"b": GOOD}, ValueError, "same names.*b"),
        ({"a": GOOD, "b": GOOD}, {"b": GOOD, "c": GOOD}, ValueError, "same names, got a, c in only one of them"),
        ({"a": GOOD[0]}, {"a": GOOD}, ValueError, r"gradient of a: expected shape.*\(3,\)"),
        ({"a": GOOD.T}, {"a": GOOD}, ValueError, r"gradient of a: expected shape.*\(2, 3\), got \(3, 2\)"),
        ({"a": GOOD.astype(complex)}, {"a": GOOD}, TypeError, "gradient of a: expected numbers, got .*complex128"),
        (
            {"a": np.ma.masked_array(GOOD)},
            {"a": GOOD},
            TypeError,
            "gradient of a: expected numbers, got a masked array",
        ),
        ({"a": [["x"] * 3] * 2}, {"a": GOOD}, TypeError, "gradient of a: expected numbers"),
        ({"a": None}, {"a": GOOD}, TypeError, "gradient of a: expected numbers, got NoneType"),
        ({"a": GOOD}, {"a": GOOD.tolist()}, TypeError, "parameter a: .* got list"),
        ({"a": GOOD}, {"a": GOOD.astype(int)}, TypeError, "parameter a: .* got <i8"),
        ({"a": GOOD}, {"a": GOOD.astype(GOOD.dtype.newbyteorder())}, TypeError, "parameter a: .* got >f4"),
        ({"a": GOOD}, {"a": READ_ONLY}, ValueError, "parameter a: .* got a read-only one"),
        ({"a": GOOD}, {"a": np.zeros((3, 2), "float32").T}, ValueError, "parameter a: .* got a non-contiguous one"),
    ],
)
def test_bad_arrays(grads, params, error, message):
    optimizer = Adam()
    with pytest.raises(error, match=message):
        optimizer.apply(grads, params)
    assert optimizer.iterations == 0
    assert optimizer.state == {}


def test_gradients_of_any_kind():
    for kind, grad, array in floats_of(np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)):
        params = [np.ones((2, 3), "float32") for _ in range(2)]
        for param, values in zip(params, (grad, array.astype("float32")), strict=True):
            optimizer = Adam(0.1)
            for _ in range(2):
                optimizer.apply({"a": values}, {"a": param})
        assert_same_bits(*params, kind)


def test_a_parameter_of_another_shape_does_not_fit_to_the_memory():
    optimizer, V = Adam(), GOOD.copy()
    optimizer.apply({"W": GOOD, "V": GOOD}, {"W": GOOD.copy(), "V": V})
    with pytest.raises(
        ValueError, match=r"parameter W: expected \(2, 3\) float32.*momentum for it, got \(3, 2\) float32"
    ):
        optimizer.apply({"W": GOOD.reshape(3, 2), "V": GOOD}, {"W": GOOD.reshape(3, 2).copy(), "V": V})


def regressor(name="dense", seed=0):
    return nnlite.Sequential([nnlite.Dense(3, name=name)], input_shape=(2,), seed=seed)


X, Y = np.ones((4, 2), "float32"), np.ones((4, 3), "float32")


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
@pytest.mark.parametrize("name", ["dense", "other"])
def test_an_optimizer_belongs_to_one_model(optimizer, name):
    optimizer, first, second = fresh(optimizer), regressor(), regressor(name, seed=1)
    for network in (first, second):
        network.compile(optimizer, "mse")
    first.fit(X, Y, verbose=0)
    before = {key: param.copy() for key, param in second.params.items()}
    with pytest.raises(ValueError, match=r"params: expected the model of the 1 steps before, got another model"):
        second.fit(X, Y, verbose=0)
    for key, param in second.params.items():
        np.testing.assert_array_equal(param, before[key])
    first.compile(optimizer, "mse")  # again, in the same model: it goes on
    first.fit(X, Y, verbose=0)
    assert optimizer.iterations == 2


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copied_optimizer_belongs_to_the_copied_model(copied):
    first = regressor()
    first.compile(Adam(0.1), "mse")
    first.fit(X, Y, verbose=0)
    twin, third = copied(first), regressor(seed=2)
    twin.fit(X, Y, verbose=0)
    assert twin.optimizer.iterations == 2
    for optimizer in (twin.optimizer, copied(first.optimizer)):
        third.compile(optimizer, "mse")
        with pytest.raises(ValueError, match="an optimizer belongs to one model"):
            third.fit(X, Y, verbose=0)


def test_a_new_layer_of_an_old_name_begins_anew():
    network = regressor()
    network.compile(Adam(0.1), "mse")
    network.fit(X, Y, verbose=0)
    network.pop()
    network.add(nnlite.Dense(3, name="dense", seed=1))
    network.fit(X, Y, verbose=0)
    momentum = network.optimizer.state["momentum/dense.W"]
    np.testing.assert_allclose(momentum, 0.1 * network.layers[0].grads["W"], rtol=1e-6)


def test_weights_may_be_set_between_steps():
    network = regressor()
    network.compile(Adam(0.1), "mse")
    network.fit(X, Y, verbose=0)
    for key, param in network.params.items():
        network.params[key] = np.zeros_like(param)
    network.fit(X, Y, verbose=0)
    assert network.optimizer.iterations == 2


class Interrupted(Optimizer):
    """Ctrl-C comes after the first parameter of a step has changed."""

    def update(self, grad, param, slots, scale, clip):
        param -= self.learning_rate * grad
        signal.raise_signal(signal.SIGINT)
        for _ in range(1000):  # Python looks for signals now and then
            pass


@pytest.fixture(params=["nnlite.kernels", "nnlite.reference"])
def each_host(request, monkeypatch):
    """Steps that Ctrl-C waits for, in C and where there are no compiled kernels."""
    if request.param == "nnlite.kernels" and why_reference:
        pytest.skip("there are no compiled kernels")
    module = importlib.import_module(f"{request.param}.host")
    monkeypatch.setattr("nnlite.optimizers.base.uninterrupted", module.uninterrupted)
    return module


def test_a_step_is_made_as_a_whole_or_not_at_all(each_host):
    optimizer, params = Interrupted(0.5), {"a": np.ones(2), "b": np.ones(3), "c": np.ones(4)}
    with pytest.raises(KeyboardInterrupt):
        optimizer.apply({name: np.ones_like(param) for name, param in params.items()}, params)
    assert [param[0] for param in params.values()] == [0.5, 0.5, 0.5]
    assert optimizer.iterations == 1


def test_ctrl_c_is_python_s_again_after_a_step(each_host):
    handler = signal.getsignal(signal.SIGINT)
    optimizer, seen = Adam(0.1), []
    optimizer.apply({"a": np.ones(2)}, {"a": np.ones(2)})
    signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    try:
        signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert seen == [1]


def enter(host):
    with host.uninterrupted:
        pass


def interrupt_within(host):
    with host.uninterrupted:
        try:
            signal.raise_signal(signal.SIGINT)
            for _ in range(1000):  # Python looks for signals now and then
                pass
        except KeyboardInterrupt:
            raise AssertionError("it came at once") from None


def test_ctrl_c_waits_for_the_end_of_the_outer_of_two_blocks(each_host):
    ended = []

    def run():
        with each_host.uninterrupted:
            interrupt_within(each_host)
            for _ in range(1000):  # Python looks for signals now and then
                pass
            ended.append("the inner one")

    with pytest.raises(KeyboardInterrupt):
        run()
    assert ended == ["the inner one"]


def test_a_block_of_another_thread_leaves_ctrl_c_alone(each_host):
    """Only the main thread may set a handler, and its blocks are counted by themselves."""
    handler, errors = signal.getsignal(signal.SIGINT), []

    def run():
        try:
            enter(each_host)
        except BaseException as error:
            errors.append(error)

    for block in (contextlib.nullcontext(), each_host.uninterrupted):
        with block:
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()
    assert not errors
    with pytest.raises(KeyboardInterrupt):
        interrupt_within(each_host)
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_fork_outside_of_a_block_leaves_the_handler_alone(each_host):
    handler = signal.getsignal(signal.SIGINT)
    enter(each_host)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        each_host.after_fork()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, handler)


@pytest.mark.parametrize("is_forked", [False, True])
def test_a_handler_that_is_not_python_s_becomes_the_system_s(is_forked, monkeypatch):
    """Python cannot name one that a library in C has set, and so cannot set it again."""
    handler, block = signal.getsignal(signal.SIGINT), reference_host.Uninterrupted()
    monkeypatch.setattr(reference_host, "uninterrupted", block)
    try:
        block.__enter__()
        block.before = None
        reference_host.after_fork() if is_forked else block.__exit__()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, handler)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked on this system")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize(
    ("came", "do", "ending"),
    [
        (False, lambda host: signal.raise_signal(signal.SIGINT), 1),
        (True, enter, 0),  # it is for the parent
        (False, interrupt_within, 1),  # at the end of the block
    ],
    ids=["that comes then", "that came before", "that comes in a block of the child"],
)
def test_ctrl_c_and_a_child_that_another_thread_forks_within_a_block(each_host, came, do, ending):
    endings = []

    def fork():
        child = os.fork()
        if not child:
            try:
                each_host.after_fork()
                do(each_host)
                for _ in range(1000):  # Python looks for signals now and then
                    pass
            except KeyboardInterrupt:
                os._exit(1)
            except BaseException:
                os._exit(2)
            os._exit(0)
        endings.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    with pytest.raises(KeyboardInterrupt) if came else contextlib.nullcontext(), each_host.uninterrupted:
        if came:
            signal.raise_signal(signal.SIGINT)
        thread = threading.Thread(target=fork)
        thread.start()
        thread.join()
    assert endings == [ending]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: SGD(-1), ValueError, "learning_rate"),
        (lambda: SGD("fast"), TypeError, "learning_rate"),
        (
            lambda: SGD({"W": np.ones(2)}),
            TypeError,
            "learning_rate: .* got dict: an optimizer gets the parameters from",
        ),
        (lambda: Adam(lambda step: 0.1), TypeError, "use a schedule such as CosineDecay, .* LearningRateScheduler"),
        (lambda: SGD(0.1, 0.9, nesterov="no"), TypeError, "nesterov: expected True or False, got 'no'"),
        (lambda: RMSprop(centered=1), TypeError, "centered: expected True or False, got 1"),
        (lambda: SGD(weight_decay=-1.0), ValueError, "weight_decay"),
        (lambda: SGD(math.inf), ValueError, "learning_rate"),
        (lambda: SGD(0.1, 1.5), ValueError, "momentum"),
        (lambda: Adagrad(initial_accumulator_value=-1), ValueError, "initial_accumulator_value"),
        (lambda: Adagrad(initial_accumulator_value=math.inf), ValueError, "initial_accumulator_value"),
        (lambda: Adagrad(epsilon=0.0), ValueError, "epsilon: expected a finite number above 0, got 0.0"),
        (lambda: RMSprop(rho=1.0), ValueError, "rho"),
        (lambda: Adam(beta_1=1.0), ValueError, "beta_1"),
        (lambda: Adam(beta_2=-0.1), ValueError, "beta_2"),
        (lambda: Adam(epsilon=1e-60), ValueError, "epsilon"),
        (lambda: AdamW(weight_decay=-1.0), ValueError, "weight_decay"),
        (lambda: Adam(clipvalue=0.0), ValueError, "clipvalue: expected a finite number above 0"),
        (lambda: Adam(global_clipnorm=math.nan), ValueError, "global_clipnorm"),
        (
            lambda: Adam(clipvalue=1.0, global_clipnorm=1.0),
            ValueError,
            "clipvalue and global_clipnorm: expected at most one",
        ),
        (lambda: Adam(clip=1.0), TypeError, "clip"),
        (lambda: optimizers.get("adams"), ValueError, "expected an optimizer or one of .*'adam'.* got 'adams'"),
        (lambda: optimizers.get(None), ValueError, "got None"),
        (lambda: optimizers.get(Adam), TypeError, r"use an instance, Adam\(\)"),
        (lambda: optimizers.get("adm"), ValueError, "got 'adm': use 'adam'"),
        (lambda: optimizers.schedules.PolynomialDecay, AttributeError, "write it as a class derived from"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_get():
    for name, kind in {"sgd": SGD, "Adagrad": Adagrad, "RMSprop": RMSprop, "ADAM": Adam, "adamw": AdamW}.items():
        assert type(optimizers.get(name)) is kind
    mine = Adam(0.2)
    assert optimizers.get(mine) is mine


def test_defaults_are_those_of_keras():
    limits = {"clipnorm": None, "clipvalue": None, "global_clipnorm": None}
    none = {"weight_decay": None, **limits}
    assert SGD().get_config() == {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False, **none}
    assert Adagrad().get_config() == {
        "learning_rate": 0.001, "initial_accumulator_value": 0.1, "epsilon": 1e-7, **none,
    }  # fmt: skip
    assert RMSprop().get_config() == {
        "learning_rate": 0.001, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "centered": False, **none,
    }  # fmt: skip
    adam = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, **none}
    assert Adam().get_config() == adam
    assert AdamW().get_config() == {**adam, "weight_decay": 0.004}


def test_the_norm_has_the_same_bits_for_any_order_of_the_gradients():
    grads = {"large": np.array([1e8]), **{f"small {i}": np.ones(1) for i in range(100)}}
    steps = []
    for names in (grads, [*grads][::-1]):
        params = {name: np.zeros(1) for name in names}
        SGD(1.0, global_clipnorm=1.0).apply({name: grads[name] for name in names}, params)
        steps.append(params["large"])
    assert_same_bits(*steps)


def test_where_all_is_frozen_there_is_nothing_to_clip():
    model = nnlite.Sequential([nnlite.Dense(2, trainable=False)], input_shape=(3,), seed=0)
    model.compile(SGD(0.1, global_clipnorm=1.0), "mse")
    before = model.params["dense.W"].copy()
    model.train_on_batch(np.ones((4, 3)), np.ones((4, 2)))
    assert (model.params["dense.W"] == before).all()
    SGD(0.1, clipnorm=1.0).apply({}, {})


@pytest.mark.parametrize("frozen", [100.0, math.nan])
def test_the_gradient_of_a_frozen_layer_counts_nothing_in_the_norm(frozen):
    model = nnlite.Sequential([nnlite.Dense(2, trainable=False), nnlite.Dense(1)], input_shape=(1,), dtype="float64")
    before = model.params["dense_1.W"].copy()
    for name, grad in model.grads.items():  # as in a loop of one's own, which hands in all of them
        grad[...] = frozen if name.startswith("dense.") else 0
    model.grads["dense_1.W"][...] = [[3.0], [4.0]]
    SGD(1.0, global_clipnorm=1.0).apply(model.grads, model.params)
    np.testing.assert_allclose(before - model.params["dense_1.W"], [[0.6], [0.8]], rtol=1e-14)
