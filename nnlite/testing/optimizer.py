"""check_optimizer: whether an optimizer keeps what `fit` expects of one."""

import copy
import json
import math
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import Constant, Dense, Optimizer, Sequential, load_model, optimizers, use_backend
from .comparison import Arrays, close, same_bits
from .contract import Contract, ContractReport, LeftOut, expect, on_compiled_kernels
from .copying import copies_of
from .threads import threads_of_kernels

OPTIMIZER = Contract()
SHAPES: dict[str, tuple[int, ...]] = {"W": (5, 7), "b": (1,), "deep": (3, 2, 2), "scalar": (), "empty": (0, 3)}
STEPS = 6


class OptimizerCase:
    """An optimizer to check, with parameters and gradients for it."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizers.get(optimizer)
        if self.optimizer.iterations:
            raise ValueError(f"optimizer: expected a new one, got {optimizer!r} after {optimizer.iterations} steps")
        self.is_ours = type(self.optimizer).__module__.startswith("nnlite.")

    def new(self, **attributes: Any) -> Optimizer:
        """A copy, with other values of some attributes."""
        made = copy.deepcopy(self.optimizer)
        for name, value in sorted(attributes.items(), key=lambda item: item[1] is not None):  # only one limit at a time
            setattr(made, name, value)
        return made

    def arrays(
        self, seed: int = 0, dtype: Any = "float32", scale: float = 1.0, shapes: Mapping[str, tuple] = SHAPES
    ) -> dict[str, np.ndarray]:
        """Random parameters or gradients."""
        rng = np.random.default_rng(seed)
        return {name: np.array(scale * rng.standard_normal(shape), dtype) for name, shape in shapes.items()}

    def run(self, optimizer: Any = None, steps: int = STEPS, *, first: int = 1, **options: Any) -> Arrays:
        """Parameters after so many steps along random gradients, those with the numbers `first` and so on."""
        params = options.pop("params", None) or self.arrays(**options)
        optimizer = self.new() if optimizer is None else optimizer
        for step in range(first, first + steps):
            optimizer.apply(self.arrays(step, **options), params)
        return params

    def require_rate(self) -> None:
        """Refuse a check of an optimizer that makes no steps."""
        if self.optimizer.learning_rate == 0:
            raise LeftOut("its learning rate is 0")


@OPTIMIZER
def in_place(case: OptimizerCase) -> None:
    """Layer, model and optimizer share the parameters' arrays: `param = ...` would only give an array another name."""
    case.require_rate()
    params = case.arrays()
    given, before = dict(params), {name: param.copy() for name, param in params.items()}
    case.run(params=params, steps=3)  # of which equal ones to and fro cannot cancel
    for name, param in params.items():
        remedy = "write into the array, param -= ... or param[...] = ..."
        expect(param is given[name], f"params[{name!r}]", "the same array", "another", remedy)
        moves = param.size == 0 or (param != before[name]).any()
        expect(moves, f"params[{name!r}]", "other numbers after three steps", "the same", remedy)


@OPTIMIZER
def memory(case: OptimizerCase) -> None:
    """What an optimizer remembers stands in its slots, to be saved: `m = ...` would only name another array m."""
    optimizer, params = case.new(), case.arrays()
    case.run(optimizer, params=params, steps=1)
    before = {name: array.copy() for name, array in optimizer.state.items()}
    case.run(optimizer, params=params, first=2)
    for slot in {name.partition("/")[0] for name in before}:
        arrays = [name for name in before if name.partition("/")[0] == slot]
        moves = any(not np.array_equal(before[name], optimizer.state[name]) for name in arrays)
        remedy = f"write into the array, {slot}[...] = ... or {slot} *= ..., with {slot} = slots[{slot!r}]"
        expect(moves, f"the slot {slot!r}", "other numbers after further steps", "the same", remedy)


@OPTIMIZER
def repeatable(case: OptimizerCase) -> None:
    """The same gradients lead to the same parameters: otherwise no training can be repeated or resumed."""
    remedy = "draw no random numbers, and keep nothing in an attribute of the class"
    same_bits(case.run(), case.run(), "from an equal optimizer", remedy)


@OPTIMIZER
def downhill(case: OptimizerCase) -> None:
    """The loss has to fall: here that of a bowl, (p^2).sum() / 2, whose gradient is p."""
    case.require_rate()
    for kind in ("float32", "float64"):
        optimizer, params = case.new(), case.arrays(dtype=kind)
        before = sum(float(np.square(param).sum()) for param in params.values())
        for _ in range(30):
            optimizer.apply({name: param.copy() for name, param in params.items()}, params)
        after = sum(float(np.square(param).sum()) for param in params.values())
        remedy = "go against the gradient, param -= self.learning_rate * ..., with a rate that is not too large"
        expect(after < before, f"the loss after 30 steps in {kind}", f"below {before:.6g}", f"{after:.6g}", remedy)


@OPTIMIZER
def gradients_stay(case: OptimizerCase) -> None:
    """Callbacks and `grads` show the gradients after the step: an optimizer works on its own copies."""
    grads = case.arrays(1, scale=5)
    before = {name: grad.copy() for name, grad in grads.items()}
    for limits in ({}, {"clipnorm": 0.5, "global_clipnorm": None, "clipvalue": None}):
        case.new(**limits).apply(grads, case.arrays())
        same_bits(grads, before, "after a step", "compute in a new array, such as g = scale * grad")


@OPTIMIZER
def learning_rate(case: OptimizerCase) -> None:
    """Schedules and callbacks set `learning_rate`: a rate of 0 has to mean that nothing moves."""
    none = {"clipnorm": None, "clipvalue": None, "global_clipnorm": None}
    before = case.arrays()
    optimizer = case.new(**none)
    optimizer.schedule = None
    optimizer.learning_rate = 0.0
    remedy = "read self.learning_rate in update, and keep no rate under another name"
    same_bits(case.run(optimizer), before, "with learning_rate = 0", remedy)
    by_hand, scheduled = case.new(**none), case.new(**none)
    by_hand.schedule = scheduled.schedule = None
    by_hand.learning_rate, scheduled.learning_rate = 0.01, Constant(0.01)
    same_bits(case.run(scheduled), case.run(by_hand), "with a schedule as with a number", remedy)


@OPTIMIZER
def clipping(case: OptimizerCase) -> None:
    """`clipnorm`, `clipvalue` and `global_clipnorm` promise smaller gradients, which only `update` can see to."""
    none = {"clipnorm": None, "clipvalue": None, "global_clipnorm": None}
    grads = case.arrays(1, "float64", scale=3)
    norm = math.sqrt(sum(float(np.square(grad).sum()) for grad in grads.values()))
    clipped = {
        "clipnorm": {name: grad / np.linalg.norm(grad) * min(1, np.linalg.norm(grad)) for name, grad in grads.items()},
        "clipvalue": {name: np.clip(grad, -1, 1) for name, grad in grads.items()},
        "global_clipnorm": {name: grad / norm for name, grad in grads.items()},
    }
    for limit, smaller in clipped.items():
        results = []
        for attributes, given in (({**none, limit: 1.0}, grads), (none, smaller)):
            params = case.arrays(dtype="float64")
            case.new(**attributes).apply(given, params)
            results.append(params)
        remedy = "in update, begin with g = np.clip(scale * grad, -clip, clip), and use g for grad"
        close(results[0], results[1], "float64", f"with {limit}=1 as from gradients that were clipped by hand", remedy)


@OPTIMIZER
def zero_gradient(case: OptimizerCase) -> None:
    """A parameter that the loss does not depend on stays where it is."""
    if case.optimizer.weight_decay:
        raise LeftOut("its weight_decay moves every parameter")
    params = case.arrays()
    before = {name: param.copy() for name, param in params.items()}
    case.new().apply({name: np.zeros_like(param) for name, param in params.items()}, params)
    remedy = "add nothing to the gradient, and divide 0 by nothing that is 0: use epsilon"
    same_bits(params, before, "after a first step along gradients of 0", remedy)


@OPTIMIZER
def each_by_itself(case: OptimizerCase) -> None:
    """How far one parameter moves must not depend on which others there are, or in which order."""
    optimizer = case.new(global_clipnorm=None)
    expected = case.run(optimizer)
    for names in (["b"], [*reversed(SHAPES)]):
        optimizer, start = case.new(global_clipnorm=None), case.arrays()
        params = {name: start[name] for name in names}
        for step in range(1, STEPS + 1):
            grads = case.arrays(step)
            optimizer.apply({name: grads[name] for name in names}, params)
        remedy = "keep what belongs to a parameter in slots, and count steps by self.iterations"
        same_bits(params, {name: expected[name] for name in names}, "beside other parameters", remedy)


@OPTIMIZER
def frozen(case: OptimizerCase) -> None:
    """`trainable = False` keeps a layer as it is, also from weight decay and momentum."""
    model = Sequential([Dense(4, trainable=False), Dense(2)], input_shape=(3,), seed=0)
    optimizer = case.new(weight_decay=0.1)
    before = {name: param.copy() for name, param in model.params.items() if name.startswith("dense.")}
    for _ in range(3):
        model.backward(model.forward(np.ones((4, 3), "float32"), training=True))
        optimizer.apply(model.grads, model.params)  # as in a loop of one's own: fit leaves frozen ones out itself
    after = {name: model.params[name] for name in before}
    same_bits(after, before, "in a layer that is frozen", "change parameters in update alone, and leave apply as it is")


@OPTIMIZER
def resume(case: OptimizerCase) -> None:
    """A training that was stopped goes on from `state`, `iterations` and the configuration, bit for bit."""
    expected = case.run(steps=2 * STEPS)
    first = case.new()
    params = case.run(first)
    described = json.loads(json.dumps(first.get_config()))
    second = type(first).from_config(described)
    same = second.get_config() == first.get_config()
    expect(same, "the configuration of a copy", f"{first.get_config()}", second.get_config(), "keep each argument")
    second.iterations = first.iterations
    second.state.update({name: array.copy() for name, array in first.state.items()})
    found = case.run(second, params=params, first=STEPS + 1)
    remedy = "keep arrays in slots, count steps by self.iterations, and arguments in attributes of the same names"
    same_bits(found, expected, "after a resume", remedy)


@OPTIMIZER
def saving(case: OptimizerCase) -> None:
    """A model that is loaded goes on training as the one that was saved."""
    rng, own = np.random.default_rng(0), {} if case.is_ours else {type(case.optimizer).__name__: type(case.optimizer)}
    x, y = rng.standard_normal((8, 3)).astype("float32"), rng.standard_normal((8, 2)).astype("float32")
    model = Sequential([Dense(2)], input_shape=(3,), seed=0)
    model.compile(case.new(), "mse")
    model.train_on_batch(x, y)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        model.save(path)
        again = load_model(path, custom_objects=own)
    for one in (model, again):
        for _ in range(3):
            one.train_on_batch(x, y)
    same_bits(dict(again.params), dict(model.params), "of the model that was loaded", "see the check resume")


@OPTIMIZER
def copies(case: OptimizerCase) -> str | None:
    """A copy goes on as its original, and by itself."""
    original = case.new()
    params = case.run(original)
    copied, note = copies_of(original)
    start = {name: param.copy() for name, param in params.items()}
    expected = case.run(original, params=params, first=STEPS + 1)
    for how, one in copied.items():
        found = case.run(one, params={name: array.copy() for name, array in start.items()}, first=STEPS + 1)
        remedy = "keep arrays in slots, and nothing that changes in an attribute of the class"
        same_bits(found, expected, f"after {how}", remedy)
    return note


@OPTIMIZER
def float32(case: OptimizerCase) -> None:
    """float32 is what models train in: it has to be float64 but for rounding."""
    params = case.arrays()
    wide = {name: param.astype(np.float64) for name, param in params.items()}
    one, other = case.new(), case.new()
    for step in range(1, STEPS + 1):
        grads = case.arrays(step)
        one.apply(grads, params)
        other.apply({name: grad.astype(np.float64) for name, grad in grads.items()}, wide)
    close(params, wide, "float32", "as in float64", "keep an epsilon above 1e-8, and no difference of large numbers")


@OPTIMIZER
def backends(case: OptimizerCase) -> None:
    """The reference in NumPy is what can be read: the compiled kernel has to compute the same."""
    _require_ours(case)
    for kind in ("float32", "float64"):
        with on_compiled_kernels():
            compiled = case.run(dtype=kind)
        with use_backend("reference"):
            reference = case.run(dtype=kind)
        close(compiled, reference, kind, f"as in the reference, {kind}", "compare csrc/ with nnlite/reference/")


@OPTIMIZER
def threads(case: OptimizerCase) -> None:
    """A step that depends on the number of cores cannot be repeated on another machine."""
    _require_ours(case)
    large = {"W": (400, 300), "b": (40_000,)}  # threads share no less
    with threads_of_kernels(1):
        expected = case.run(steps=2, shapes=large)
    for n in (2, 3):
        with threads_of_kernels(n):
            found = case.run(steps=2, shapes=large)
        same_bits(found, expected, f"with {n} threads", "cut sums into parts that do not depend on the threads")


@OPTIMIZER
def one_model(case: OptimizerCase) -> None:
    """What is remembered of one model says nothing of another: a second one is refused."""
    models = [Sequential([Dense(1)], input_shape=(2,), seed=seed) for seed in (0, 1)]
    optimizer, x = case.new(), np.ones((3, 2), "float32")
    models[0].compile(optimizer, "mse")
    models[0].train_on_batch(x, x[:, :1])
    models[1].compile(optimizer, "mse")
    try:
        models[1].train_on_batch(x, x[:, :1])
    except ValueError:
        return
    remedy = "leave apply as Optimizer has it, and write update"
    expect(False, "a step of a second model", "a ValueError", "a step", remedy)


def _require_ours(case):
    if not case.is_ours:
        raise LeftOut("it is NumPy alone: it has no compiled kernel")


def check_optimizer(optimizer: Any, *, without: Collection[str] = ()) -> ContractReport:
    """Check an optimizer, nnlite's or your own, against everything that `fit` expects of one.

    Args:
        optimizer: a new one, of a class derived from `Optimizer`, or a name.
        without: names of checks to leave out, where an optimizer is meant to be different.

    Returns:
        A report that prints as a table: each check with its reason, and which were left out, and why.

    Raises:
        ContractError: a check failed. The message says which, what came, what was expected, and what to do.
        TypeError, ValueError: this is no optimizer, or not a new one.

    Example:
        >>> from nnlite import Adam
        >>> from nnlite.testing import check_optimizer
        >>> check_optimizer(Adam(0.01)).failed
        []
    """
    case = OptimizerCase(optimizer)
    return OPTIMIZER.hold(type(case.optimizer).__name__, case, without)
