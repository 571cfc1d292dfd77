"""check_loss: whether a loss keeps what `fit` expects of one."""

import copy
import inspect
import json
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import SGD, Dense, Sequential, Sigmoid, Softmax, gradcheck, load_model, losses, use_backend
from .comparison import Arrays, close, layouts, same_bits
from .contract import Contract, ContractReport, LeftOut, expect, on_compiled_kernels
from .copying import copies_of
from .pairs import DrawPair, Pairs
from .threads import at_once, many, threads_of_kernels

LOSS = Contract()


class LossCase(Pairs):
    """A loss to check, and targets and predictions for it."""

    def __init__(self, loss: Any, output_shape: Sequence[int], draw: DrawPair | None) -> None:
        self.loss = losses.get(loss)
        super().__init__(self.loss, output_shape, draw)
        self.is_loss = isinstance(self.loss, losses.Loss)

    def run(self, y_true: np.ndarray, y_pred: np.ndarray, loss: Any = None, **weights: Any) -> Arrays:
        """The loss and its gradient, from a copy or from this loss."""
        loss = copy.deepcopy(self.loss) if loss is None else loss
        return {"loss": np.float64(loss.forward(y_true, y_pred, **weights)), "gradient": loss.backward()}


@LOSS
def number(case: LossCase) -> None:
    """`fit` prints the loss, takes means of it, and stops where it is not finite: it has to be one number."""
    value = case.loss.forward(*case.pair())
    is_number = isinstance(value, float | np.floating) and np.isfinite(value)
    got = f"{type(value).__name__} {np.shape(value)}" if np.shape(value) else f"{value!r}"
    remedy = "return float(...) of a mean over all positions" if value is not None else "add `return` at its end"
    expect(is_number, "forward", "a finite float", got, remedy)


@LOSS
def gradient_shape(case: LossCase) -> None:
    """The last layer takes the gradient as its dy: an array with a number for each of y_pred, in its dtype."""
    for kind in ("float32", "float64"):
        y_true, y_pred = case.pair(dtype=kind)
        gradient = case.run(y_true, y_pred)["gradient"]
        is_right = isinstance(gradient, np.ndarray) and (gradient.shape, gradient.dtype) == (y_pred.shape, y_pred.dtype)
        got = f"{getattr(gradient, 'dtype', type(gradient).__name__)} {np.shape(gradient)}"
        remedy = "return dL/dy_pred, with .astype(y_pred.dtype) where it is another one"
        expect(is_right, "backward", f"an array {kind} {y_pred.shape}, as y_pred", got, remedy)


@LOSS
def inputs_stay(case: LossCase) -> None:
    """y_true is the user's data, and y_pred what the last layer needs in its backward."""
    case.require_unchanged(case.run, "after forward and backward")


@LOSS
def results_stay(case: LossCase) -> None:
    """Who keeps a gradient must not find the numbers of a later batch in it."""
    loss = copy.deepcopy(case.loss)
    results = case.run(*case.pair(), loss)
    before = {name: np.copy(array) for name, array in results.items()}
    case.run(*case.pair(seed=5), loss)
    same_bits(results, before, "after the next batch", "return a new array each time")


@LOSS
def repeatable(case: LossCase) -> None:
    """The same predictions cost the same: a loss that carries something over cannot be resumed or compared."""
    loss, pair = copy.deepcopy(case.loss), case.pair()
    expected = case.run(*pair)
    case.run(*case.pair(seed=5), loss)
    same_bits(
        case.run(*pair, loss),
        expected,
        "after another batch",
        "draw no random numbers, and carry nothing over to the next",
    )


@LOSS
def gradients(case: LossCase) -> None:
    """Training follows the gradient and not the loss: finite differences tell whether it is the loss's."""
    y_true, y_pred = case.pair(rows=3, dtype="float64")
    gradcheck(_Identity(), y_pred, loss=copy.deepcopy(case.loss), y=y_true)


class _Identity:
    """A layer that hands its input on, so that the gradient of a loss is that of this input."""

    def forward(self, x):
        return x

    def backward(self, dy):
        return dy


@LOSS
def backward_twice(case: LossCase) -> None:
    """backward may be called more than once, as where two optimizers learn from one loss."""
    loss, (y_true, y_pred) = copy.deepcopy(case.loss), case.pair()
    first = case.run(y_true, y_pred, loss)["gradient"]
    once = first.copy()
    first.fill(np.nan)  # it is the caller's now
    remedy = "leave what forward kept as it is, and compute in a new array"
    same_bits({"gradient": loss.backward()}, {"gradient": once}, "from a second backward", remedy)


@LOSS
def batch_of_one(case: LossCase) -> None:
    """The last batch of an epoch may have one row."""
    y_true, y_pred = case.pair(rows=1)
    results = case.run(y_true, y_pred)
    for name, array in results.items():
        remedy = "divide by no number of rows minus 1, and use no squeeze()"
        expect(np.isfinite(array).all(), name, "finite numbers", "NaN or infinity", remedy)
    expect(
        results["gradient"].shape == y_pred.shape,
        "gradient",
        f"shape {y_pred.shape}",
        results["gradient"].shape,
        remedy,
    )


@LOSS
def memory_layout(case: LossCase) -> None:
    """Slices, transposes and memory maps hold the same numbers as their copies."""
    y_true, y_pred = case.pair()
    expected = case.run(y_true, y_pred)
    remedy = "use what keeps to shapes, and not what looks at memory, such as ravel('K')"
    for i, name in enumerate(("y_true", "y_pred")):
        for kind, other in layouts((y_true, y_pred)[i]).items():
            found = case.run(*((other, y_pred) if i == 0 else (y_true, other)))
            compare = same_bits if case.is_ours or kind == "read-only" else _nearly
            compare(found, expected, f"with {name} {kind}", remedy)


def _nearly(found, expected, when, remedy):
    close(found, expected, expected["gradient"].dtype, when, remedy)


@LOSS
def float32(case: LossCase) -> None:
    """float32 is what models train in: it has to be float64 but for rounding."""
    y_true, y_pred = case.pair(dtype="float32")
    wide = y_true.astype(np.float64) if y_true.dtype.kind == "f" else y_true
    remedy = "sum in float64, and subtract what is large before you exponentiate or square"
    close(case.run(y_true, y_pred), case.run(wide, y_pred.astype(np.float64)), "float32", "as in float64", remedy)


@LOSS
def reduction(case: LossCase) -> str | None:
    """`fit` weighs the losses of batches by their sizes, which is right for means: of one batch or of its halves."""
    y_true, y_pred = case.pair(rows=6, dtype="float64")
    whole = case.loss.forward(y_true, y_pred)
    parts = [float(copy.deepcopy(case.loss).forward(y_true[i : i + 2], y_pred[i : i + 2])) for i in (0, 2, 4)]
    kind = getattr(case.loss, "reduction", None)
    is_mean, is_sum = (np.isclose(whole, value, rtol=1e-9) for value in (np.mean(parts), np.sum(parts)))
    if kind is None and not is_mean:
        return (
            f"it is {'a sum' if is_sum else 'neither a mean nor a sum'} over the rows: its numbers depend on batch_size"
        )
    remedy = "divide the sum over all positions by their number, or leave that out where reduction is 'sum'"
    name = "sum" if kind == "sum" else "mean"
    expect(is_sum if kind == "sum" else is_mean, "forward", f"the {name} over the rows", whole, remedy)
    return None


@LOSS
def sample_weight(case: LossCase) -> None:
    """A weight multiplies the loss of its row and its gradient: 1 changes nothing, and 0 takes the row out."""
    if "sample_weight" not in inspect.signature(case.loss.forward).parameters:
        raise LeftOut("its forward has no argument sample_weight, so fit refuses weights")
    y_true, y_pred = case.pair()
    plain, ones = case.run(y_true, y_pred), np.ones(len(y_pred))
    remedy = "multiply the loss of each row by its weight before the sum, and divide by the number of rows"
    for factor in (1.0, 2.0):
        found = case.run(y_true, y_pred, sample_weight=factor * ones)
        expected = {name: factor * array for name, array in plain.items()}
        close(found, expected, y_pred.dtype, f"with all weights {factor:g}", remedy)
    ones[0] = 0
    gradient = case.run(y_true, y_pred, sample_weight=ones)["gradient"]
    expect(not gradient[0].any(), "the gradient of a row of weight 0", "0", gradient[0].reshape(-1)[:3], remedy)
    close({"rest": gradient[1:]}, {"rest": plain["gradient"][1:]}, y_pred.dtype, "beside a row of weight 0", remedy)


@LOSS
def config(case: LossCase) -> None:
    """A file describes a loss by `get_config`: what is missing there comes back with its default."""
    if not case.is_loss:
        raise LeftOut("its class does not derive from nnlite.losses.Loss, which has get_config")
    remedy = "keep each argument of __init__ in an attribute of the same name: a number, a text, or a list of these"
    described = json.loads(json.dumps(case.loss.get_config()))
    again = type(case.loss).from_config(described)
    expect(again.get_config() == described, "the configuration of a copy", described, again.get_config(), remedy)
    pair = case.pair()
    same_bits(case.run(*pair, again), case.run(*pair), "of the loss that from_config(get_config()) makes", remedy)


@LOSS
def copies(case: LossCase) -> str | None:
    """A copied model has a copy of its loss, which judges as the original and by itself."""
    loss, pair = copy.deepcopy(case.loss), case.pair()
    expected = case.run(*pair, loss)
    copied, note = copies_of(loss)
    remedy = "keep what belongs to a batch in attributes of self and not of the class"
    for how, one in copied.items():
        same_bits(case.run(*pair, one), expected, f"after {how}", remedy)
        case.run(*case.pair(seed=5), one)
        found = {"gradient": loss.backward()}
        same_bits(found, {"gradient": expected["gradient"]}, f"while its copy by {how} is at work", remedy)
    return note


@LOSS
def backends(case: LossCase) -> None:
    """The reference in NumPy is what can be read: the compiled kernel has to compute the same."""
    _require_ours(case)
    for kind in ("float32", "float64"):
        pair = case.pair(dtype=kind)
        with on_compiled_kernels():
            compiled = case.run(*pair)
        with use_backend("reference"):
            reference = case.run(*pair)
        close(compiled, reference, kind, f"as in the reference, {kind}", "compare csrc/ with nnlite/reference/")


@LOSS
def threads(case: LossCase) -> None:
    """A loss that depends on the number of cores cannot be repeated on another machine."""
    _require_ours(case)
    pair = case.pair(rows=many(case.output_shape))
    with threads_of_kernels(1):
        expected = case.run(*pair)
    for n in (2, 3):
        with threads_of_kernels(n):
            found = case.run(*pair)
        same_bits(found, expected, f"with {n} threads", "cut sums into parts that do not depend on the threads")


@LOSS
def python_threads(case: LossCase) -> None:
    """Two models in two threads may have one loss: each gets the loss that it would have got alone."""
    if not case.is_loss:
        raise LeftOut("its class does not derive from nnlite.losses.Loss, whose passes take turns")
    loss, pairs = copy.deepcopy(case.loss), [case.pair(seed=seed) for seed in (2, 3)]
    expected = [{"loss": np.float64(loss.forward(*pair))} for pair in pairs]
    calls = [lambda pair=pair: {"loss": np.float64(loss.forward(*pair))} for pair in pairs]
    for found in at_once(calls, times=60):
        for results, alone in zip(found, expected, strict=True):
            same_bits(results, alone, "beside another Python thread", "do not take forward's own lock off")


@LOSS
def in_a_model(case: LossCase) -> None:
    """A model is compiled with the loss, trains, and is saved and loaded with it."""
    y_true, y_pred = case.pair()
    if case.draws:
        raise LeftOut("draw makes predictions that a model may not give")
    width = case.output_shape[-1]
    last = [Softmax() if width > 1 else Sigmoid()] if case.wants_probabilities else []
    model = Sequential([Dense(width), *last], input_shape=case.output_shape, seed=0)
    model.compile(SGD(0.05), copy.deepcopy(case.loss))
    x = np.random.default_rng(6).standard_normal(y_pred.shape).astype("float32")
    before: Any = model.evaluate(x, y_true)
    for _ in range(50):
        model.train_on_batch(x, y_true)
    after: Any = model.evaluate(x, y_true)
    expect(
        after < before, "loss after 50 steps", f"below {before:.4g}", f"{after:.4g}", "check the sign of the gradient"
    )
    if case.is_loss:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.safetensors"
            model.save(path)
            own = {} if case.is_ours else {type(case.loss).__name__: type(case.loss)}
            again = load_model(path, custom_objects=own)
        same = {"loss": np.asarray(again.evaluate(x, y_true))}
        same_bits(same, {"loss": np.asarray(after)}, "of the model that was loaded", "see the check config")


def _require_ours(case):
    if not case.is_ours:
        raise LeftOut("it is NumPy alone: it has no compiled kernel")


def check_loss(
    loss: Any, output_shape: Sequence[int], *, draw: DrawPair | None = None, without: Collection[str] = ()
) -> ContractReport:
    """Check a loss, nnlite's or your own, against everything that `fit` expects of one.

    Args:
        loss: an object with `forward(y_true, y_pred)` and `backward()`, or a name.
        output_shape: of y_pred without the batch axis, such as (V,), small.
        draw: makes (y_true, y_pred) from a random generator and the shape of y_pred, with the batch axis. By default
            y_pred holds standard normal numbers, or probabilities where the loss has from_logits=False; y_true such
            numbers, too, or labels where it has takes_labels.
        without: names of checks to leave out, where a loss is meant to be different.

    Returns:
        A report that prints as a table: each check with its reason, and which were left out, and why.

    Raises:
        ContractError: a check failed. The message says which, what came, what was expected, and what to do.
        TypeError, ValueError: this is no loss, or no shape.

    Example:
        >>> from nnlite import MeanSquaredError
        >>> from nnlite.testing import check_loss
        >>> check_loss(MeanSquaredError(), (3,)).failed
        []
    """
    case = LossCase(loss, output_shape, draw)
    return LOSS.hold(type(case.loss).__name__, case, without)
