"""The losses: values, gradients by finite differences and by PyTorch, extremes, bad input."""

import inspect
import math
from types import SimpleNamespace

import numpy as np
import pytest
from chain import backends, float_types, import_torch, threads
from kinds import Frame, floats_of
from numeric import assert_close, assert_same_bits, central_differences

import nnlite
from nnlite import losses
from nnlite.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)

SHAPES = pytest.mark.parametrize("shape", [(1, 1), (3, 2), (5, 17), (2, 7, 38)], ids=str)
FROM_LOGITS = pytest.mark.parametrize("from_logits", [True, False], ids=["logits", "probabilities"])


def draw(shape, from_logits=True, dtype="float64"):
    """Labels, and logits or probabilities."""
    rng = np.random.default_rng(sum(shape))
    y_pred = rng.standard_normal(shape)
    if not from_logits:
        y_pred = np.exp(y_pred / 2) / np.exp(y_pred / 2).sum(axis=-1, keepdims=True)
    return rng.integers(shape[-1], size=shape[:-1]), y_pred.astype(dtype)


def run(loss, y_true, y_pred, backend_name="compiled"):
    with nnlite.use_backend(backend_name):
        value = loss.forward(y_true, y_pred)
        dy_pred = loss.backward()
    assert type(value) is float
    assert dy_pred.dtype == y_pred.dtype
    return value, dy_pred


@SHAPES
@FROM_LOGITS
@backends
def test_cross_entropy_has_the_gradient_of_finite_differences(shape, from_logits, backend_name):
    y_true, y_pred = draw(shape, from_logits)
    loss = SparseCategoricalCrossentropy(from_logits)
    _, dy_pred = run(loss, y_true, y_pred, backend_name)
    with nnlite.use_backend(backend_name):
        differences = central_differences(lambda: loss.forward(y_true, y_pred), y_pred, step=1e-6)
    assert_close(dy_pred, differences, 1e-7)


@SHAPES
@FROM_LOGITS
@float_types
def test_cross_entropy_compiled_is_the_reference(shape, from_logits, dtype):
    y_true, y_pred = draw(shape, from_logits, dtype)
    loss = SparseCategoricalCrossentropy(from_logits)
    value, dy_pred = run(loss, y_true, y_pred)
    expected, dy_expected = run(loss, y_true, y_pred, "reference")
    assert value == pytest.approx(expected, rel=1e-5 if dtype == "float32" else 1e-10)
    assert_close(dy_pred, dy_expected, 1e-4 if dtype == "float32" else 1e-10)


@SHAPES
@FROM_LOGITS
def test_pytorch_agrees_on_cross_entropy(shape, from_logits):
    torch = import_torch()
    y_true, y_pred = draw(shape, from_logits)
    tensor = torch.tensor(y_pred, requires_grad=True)
    scores = torch.log_softmax(tensor, -1) if from_logits else torch.log(tensor)
    expected = torch.nn.functional.nll_loss(scores.reshape(-1, shape[-1]), torch.tensor(y_true).reshape(-1))
    expected.backward()
    value, dy_pred = run(SparseCategoricalCrossentropy(from_logits), y_true, y_pred)
    assert value == pytest.approx(expected.item(), rel=1e-12)
    assert_close(dy_pred, tensor.grad.numpy(), 1e-12)


def test_pytorch_agrees_on_squares():
    torch = import_torch()
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.standard_normal((2, 3, 5, 7))
    tensor = torch.tensor(y_pred, requires_grad=True)
    expected = torch.nn.functional.mse_loss(tensor, torch.tensor(y_true))
    expected.backward()
    value, dy_pred = run(MeanSquaredError(), y_true, y_pred)
    assert value == pytest.approx(expected.item(), rel=1e-12)
    assert_close(dy_pred, tensor.grad.numpy(), 1e-12)


def test_squares_have_the_gradient_of_finite_differences():
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.standard_normal((2, 3, 5))
    loss = MeanSquaredError()
    _, dy_pred = run(loss, y_true, y_pred)
    assert_close(dy_pred, central_differences(lambda: loss.forward(y_true, y_pred), y_pred), 1e-8)


@float_types
@backends
def test_huge_logits(dtype, backend_name):
    loss = SparseCategoricalCrossentropy(from_logits=True)
    logits = np.array([[1e4, -1e4]], dtype)
    value, dy_pred = run(loss, np.array([1]), logits, backend_name)
    assert value == 20000
    assert dy_pred.tolist() == [[1, -1]]
    value, dy_pred = run(loss, np.array([0]), logits, backend_name)
    assert value == 0
    assert dy_pred.tolist() == [[0, 0]]


@float_types
@backends
def test_a_probability_of_0_is_bad_but_finite(dtype, backend_name):
    loss = SparseCategoricalCrossentropy()
    y_pred = np.array([[1.0, 0.0], [1.0, 1e-30]], dtype)
    value, dy_pred = run(loss, np.array([1, 1]), y_pred, backend_name)
    assert value == pytest.approx((37 + 30) * math.log(10) / 2)
    np.testing.assert_allclose(dy_pred, [[0, -0.5e37], [0, -0.5e30]], rtol=1e-5)


@FROM_LOGITS
@backends
def test_nan_is_not_hidden(from_logits, backend_name):
    y_pred = np.full((2, 3), np.nan)
    y_pred[0] = 0.3
    value, _ = run(SparseCategoricalCrossentropy(from_logits), np.array([0, 1]), y_pred, backend_name)
    assert math.isnan(value)


@FROM_LOGITS
def test_knowing_nothing_costs_log_v(from_logits):
    y_pred = np.zeros((4, 38)) if from_logits else np.full((4, 38), 1 / 38)
    loss = SparseCategoricalCrossentropy(from_logits)
    assert loss(np.arange(4), y_pred) == pytest.approx(math.log(38), rel=1e-14)


@FROM_LOGITS
@float_types
def test_threads_do_not_matter(from_logits, dtype):
    y_true, y_pred = draw((30, 41, 97), from_logits, dtype)
    results = []
    for n in (1, 2, 3):
        with threads(n):
            results.append(run(SparseCategoricalCrossentropy(from_logits), y_true, y_pred))
    for value, dy_pred in results[1:]:
        assert value == results[0][0]
        assert_same_bits(dy_pred, results[0][1])


@FROM_LOGITS
@float_types
@backends
def test_no_positions(from_logits, dtype, backend_name):
    loss = SparseCategoricalCrossentropy(from_logits)
    for shape in ((0, 38), (0, 40, 38), (3, 0, 38)):
        value, dy_pred = run(loss, np.zeros(shape[:-1], int), np.zeros(shape, dtype), backend_name)
        assert value == 0
        assert dy_pred.shape == shape
    for shape in ((0, 3), (3, 0)):  # or no features
        value, dy_pred = run(MeanSquaredError(), np.zeros(shape, dtype), np.zeros(shape, dtype))
        assert value == 0
        assert dy_pred.shape == shape


@FROM_LOGITS
def test_memory_layout_and_integer_dtype_do_not_matter(from_logits):
    y_true, y_pred = draw((6, 10, 38), from_logits)
    expected, dy_expected = run(SparseCategoricalCrossentropy(from_logits), y_true, y_pred)
    y_pred.flags.writeable = False
    for labels in (y_true.astype("uint8"), y_true.astype("int32"), np.asfortranarray(y_true)):
        for predictions in (y_pred, np.asfortranarray(y_pred), np.repeat(y_pred, 2, axis=0)[::2]):
            value, dy_pred = run(SparseCategoricalCrossentropy(from_logits), labels, predictions)
            assert value == expected
            assert_same_bits(dy_pred, dy_expected)


@FROM_LOGITS
@pytest.mark.parametrize(("label", "where"), [(5, (1, 2)), (-1, (0, 1)), (2**40, (1, 0))])
def test_labels_out_of_range_are_named(from_logits, label, where):
    labels = np.zeros((2, 3), int)
    labels[where] = label
    with pytest.raises(IndexError) as error:
        SparseCategoricalCrossentropy(from_logits).forward(labels, np.zeros((2, 3, 5)))
    assert str(error.value) == f"y_true: expected labels in 0 .. 4, got {label} at {where}"


y, p = np.zeros((2, 3), int), np.zeros((2, 3, 5), "float32")
ORDER = r"the order is loss\(y_true, y_pred\)"


@FROM_LOGITS
@pytest.mark.parametrize(
    ("y_true", "y_pred", "error", "message"),
    [
        (
            y,
            p.astype(complex),
            TypeError,
            r"y_pred: expected numbers, got an array of complex128: use np\.real\(y_pred\)",
        ),
        (y, None, TypeError, "y_pred: expected numbers, got NoneType"),
        (y, p[0, 0], ValueError, r"y_pred: expected shape \(N, ..., V\), got \(5,\)"),
        (np.full(y.shape, "cat"), p, TypeError, r"y_true: .* texts: .*np\.unique\(y_true, return_inverse=True\)"),
        (y.astype(float).tolist(), p, TypeError, r"expected integers, got float64: use np\.asarray\(y_true, int"),
        (np.ma.masked_array(y), p, TypeError, r"y_true: expected numbers, got a masked array: use y_true\.filled\(0\)"),
        (y.astype(float), p, TypeError, "y_true: expected integers, got float64"),
        (y[0], p, ValueError, r"y_true: .* y_pred \(2, 3, 5\), shape \(2, 3\), got \(3,\)"),
        (y[..., None, None], p, ValueError, r"y_true: .* shape \(2, 3\), got \(2, 3, 1, 1\)"),
        (np.eye(5)[y], p, ValueError, r"got \(2, 3, 5\): of one-hot vectors, use np\.argmax\(y_true, axis=-1\)"),
        (np.eye(5, dtype=int)[y], p, ValueError, r"of one-hot vectors, use np\.argmax\(y_true, axis=-1\)"),
        (np.eye(5)[y].tolist(), p, ValueError, r"of one-hot vectors, use np\.argmax\(y_true, axis=-1\)"),
        (np.array(0), p[0, :1], ValueError, "y_true: expected an array of labels, got a single number"),
        (y, p[0, 0], ValueError, r"y_pred: expected shape \(N, ..., V\), got \(5,\).* and y_true with 2: " + ORDER),
        (y, np.array("text"), TypeError, "y_pred: expected numbers"),
        (p, y, TypeError, f"y_pred: expected predictions, which are floats, got int64, .*{ORDER}"),
        (p[0], y[0][:, None], TypeError, ORDER),
    ],
)
def test_bad_input_to_cross_entropy(from_logits, y_true, y_pred, error, message):
    with pytest.raises(error, match=message):
        SparseCategoricalCrossentropy(from_logits).forward(y_true, y_pred)


def test_one_column_of_scores_is_told_what_to_use():
    with pytest.raises(IndexError, match=r"labels in 0 .. 0, got 1: .* use BinaryCrossentropy"):
        SparseCategoricalCrossentropy().forward([0, 1], [[0.5], [0.5]])


@pytest.mark.parametrize("loss", [MeanSquaredError, MeanAbsoluteError, BinaryCrossentropy])
@pytest.mark.parametrize(
    ("y_true", "y_pred", "error", "message"),
    [
        (p, p[:1], ValueError, r"y_true: expected shape of y_pred = \(1, 3, 5\), got \(2, 3, 5\)"),
        ([1.0], p, ValueError, r"y_true: expected shape of y_pred = \(2, 3, 5\), got \(1,\)$"),
        (
            y,
            p,
            ValueError,
            r"y_true: .* got \(2, 3\): labels are for Sparse.* use np\.eye\(5\)\[y_true\]",
        ),
        (y.astype("uint8"), p, ValueError, r"got \(2, 3\): labels are for Sparse"),
        (
            y / 1,
            p,
            ValueError,
            r"y_true: expected shape of y_pred = \(2, 3, 5\), got \(2, 3\): end the model with Dense\(1\)$",
        ),
        (p, 1.0, ValueError, r"y_pred: expected shape \(N, \.\.\.\), got \(\) with 0 axes"),
        (
            p.astype(str),
            p,
            TypeError,
            r"y_true: expected numbers, got an array of texts: use np\.asarray\(y_true, float\)",
        ),
        (
            p,
            p.astype(object),
            TypeError,
            r"y_pred: expected numbers, got an array of objects: use np\.asarray\(y_pred, int",
        ),
        (p[0], y, TypeError, f"y_pred: expected predictions, which are floats, got int64.*{ORDER}"),
        (p, y > 0, TypeError, f"y_pred: expected predictions, which are floats, got bool.*{ORDER}"),
        (p, 1.0, ValueError, r"y_pred: expected shape \(N, ...\), got \(\) .*" + ORDER),
        (["a"], p, TypeError, "y_true: expected numbers"),
    ],
)
def test_bad_input_to_losses_of_elements(loss, y_true, y_pred, error, message):
    with pytest.raises(error, match=message):
        loss().forward(y_true, y_pred)


@pytest.mark.parametrize(
    ("loss", "y_true", "y_pred", "message"),
    [
        (
            SparseCategoricalCrossentropy,
            [0, 1],
            [[0.5, 0.5], [-48.6, 3]],
            r"y_pred: expected probabilities from 0 to 1, got -48.6 at \(1, 0\): end the model with "
            r"Softmax\(\), or use SparseCategoricalCrossentropy\(from_logits=True\)",
        ),
        (
            CategoricalCrossentropy,
            np.eye(2),
            np.eye(2) * 1.5,
            r"1.5 at \(0, 0\): .*Softmax\(\), or use Categorical",
        ),
        (
            BinaryCrossentropy,
            [0, 1],
            [[0.5], [1.01]],
            r"1.01 at \(1, 0\): .* Sigmoid\(\), or use Binary",
        ),
        (
            BinaryCrossentropy,
            np.ones((5, 1)),
            [[-1e-4], [1.0001], [0.0], [1.0], [-0.01]],  # rounding leaves the first two
            r"-0.01 at \(4, 0\): ",
        ),
    ],
)
def test_what_are_no_probabilities_is_told_the_remedy(loss, y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        loss().forward(y_true, np.array(y_pred))
    assert loss(from_logits=True).forward(y_true, np.array(y_pred)) > 0


@pytest.mark.parametrize(
    ("loss", "y_true", "y_pred", "message"),
    [
        (
            BinaryCrossentropy,
            [0, 2],
            [[0.5], [0.5]],
            r"y_true: expected answers .* got 2 at \(1, 0\): .*Sparse",
        ),
        (BinaryCrossentropy, [-1.0, 1.0], [[0.5], [0.5]], f"got -1 at .*{ORDER}"),
        (
            BinaryCrossentropy,
            [0, 1],
            np.full((2, 3), 0.5),
            r"got \(2,\): labels are for Sparse.* end the model with Dense\(1\)$",
        ),
        (
            CategoricalCrossentropy,
            [0, 1],
            np.full((2, 3), 0.5),
            r"one-hot vectors \(2, 3\), got labels \(2,\)",
        ),
        (
            CategoricalCrossentropy,
            [[0], [1]],
            np.full((2, 3), 0.5),
            r"use SparseCategorical.*, or np.eye\(3\)",
        ),
        (CategoricalCrossentropy, [[0, 3.0]], [[0.5, 0.5]], f"probabilities of classes .*{ORDER}"),
    ],
)
def test_targets_of_another_loss_are_told_so(loss, y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        loss().forward(y_true, y_pred)


# The other losses. Each is a case: the loss, and how its targets and predictions are drawn.


def one_hot(shape):
    labels, y_pred = draw(shape)
    return np.eye(shape[-1])[labels], y_pred


def one_hot_probabilities(shape):
    labels, y_pred = draw(shape, from_logits=False)
    return np.eye(shape[-1])[labels], y_pred


def answers(shape):
    y_true = np.random.default_rng(1).integers(2, size=shape).astype("float64")
    return y_true, draw(shape)[1]


def answers_with_probabilities(shape):
    y_true, y_pred = answers(shape)
    return y_true, 1 / (1 + np.exp(-y_pred))


def numbers(shape):
    return np.random.default_rng(1).standard_normal(shape), draw(shape)[1]


CASES = {
    "squares": (MeanSquaredError(), numbers),
    "absolute": (MeanAbsoluteError(), numbers),
    "binary": (BinaryCrossentropy(), answers_with_probabilities),
    "binary, logits": (BinaryCrossentropy(from_logits=True), answers),
    "binary, smoothed": (BinaryCrossentropy(label_smoothing=0.2), answers_with_probabilities),
    "binary, logits, smoothed": (BinaryCrossentropy(True, 0.2), answers),
    "categorical": (CategoricalCrossentropy(), one_hot_probabilities),
    "categorical, logits": (CategoricalCrossentropy(from_logits=True), one_hot),
    "categorical, logits, of any sum": (CategoricalCrossentropy(from_logits=True), answers),
    "categorical, smoothed": (CategoricalCrossentropy(label_smoothing=0.2), one_hot_probabilities),
    "categorical, logits, smoothed": (CategoricalCrossentropy(True, 0.2), one_hot),
    "sparse": (SparseCategoricalCrossentropy(), lambda shape: draw(shape, False)),
    "sparse, logits": (SparseCategoricalCrossentropy(True), draw),
    "sparse, ignoring": (SparseCategoricalCrossentropy(False, 0), lambda shape: draw(shape, False)),
    "sparse, logits, ignoring": (SparseCategoricalCrossentropy(True, 0), draw),
}
EACH = pytest.mark.parametrize("which", CASES)


def again(loss, **changes):
    """The same loss with other arguments."""
    return type(loss).from_config(loss.get_config() | changes)


def weights_for(y_true, y_pred, each, loss):
    """Weights for the samples or for each position, and these written out for each position."""
    positions = y_pred.shape[:-1]
    weights = np.random.default_rng(2).uniform(0.5, 2, positions if each else positions[:1])
    return weights, np.broadcast_to(weights.reshape(weights.shape + (1,) * (len(positions) - weights.ndim)), positions)


@EACH
@SHAPES
@pytest.mark.parametrize("weights", [None, "samples", "positions"])
@pytest.mark.parametrize("reduction", losses.REDUCTIONS)
@backends
def test_every_loss_has_the_gradient_of_finite_differences(which, shape, weights, reduction, backend_name):
    loss, make = CASES[which]
    loss, (y_true, y_pred) = again(loss, reduction=reduction), make(shape)
    w = None if weights is None else weights_for(y_true, y_pred, weights == "positions", loss)[0]
    with nnlite.use_backend(backend_name):
        loss.forward(y_true, y_pred, w)
        dy_pred = loss.backward()
        differences = central_differences(lambda: loss.forward(y_true, y_pred, w), y_pred, step=1e-6)
    assert dy_pred.shape == y_pred.shape
    assert_close(dy_pred, differences, 1e-6)


@EACH
@pytest.mark.parametrize("each", [True, False], ids=["positions", "samples"])
@pytest.mark.parametrize("shape", [(6, 3), (2, 7, 4)])
def test_weights_multiply_the_losses_and_not_the_divisor(which, shape, each):
    """As Keras' sum_over_batch_size: sum(weight * loss) / positions."""
    loss, make = CASES[which]
    y_true, y_pred = make(shape)
    weights, spread = weights_for(y_true, y_pred, each, loss)
    alone = [again(loss, reduction="sum")(y_true[at][None], y_pred[at][None]) for at in np.ndindex(shape[:-1])]
    counted = int((y_true != 0).sum()) if "ignoring" in which else spread.size
    expected = (spread.reshape(-1) * alone).sum() / counted
    assert loss(y_true, y_pred, weights) == pytest.approx(expected, rel=1e-12)
    for columns in (weights[..., None], weights[..., None, None]):
        assert loss(y_true, y_pred, columns) == loss(y_true, y_pred, weights)
    assert loss(y_true, y_pred, np.ones(shape[:1], int)) == pytest.approx(loss(y_true, y_pred), rel=1e-14)
    loss(y_true, y_pred, np.zeros(shape[:1]))
    assert (loss.backward() == 0).all()


@EACH
def test_wrong_weights_are_refused(which):
    loss, make = CASES[which]
    with pytest.raises(ValueError, match=r"sample_weight: expected shape \(4,\), got \(3,\)"):
        loss.forward(*make((4, 3)), np.ones(3))
    with pytest.raises(ValueError, match=r"shape \(2,\), one for each sample, or \(2, 4\), got \(4,\)"):
        loss.forward(*make((2, 4, 3)), np.ones(4))
    with pytest.raises(ValueError, match=r"sample_weight: expected shape .* got \(\)"):
        loss.forward(*make((2, 4, 3)), 2.0)


@EACH
def test_the_caller_may_give_his_arrays_another_shape_before_backward(which):
    loss, make = CASES[which]
    y_true, y_pred = make((4, 3))
    weights = np.ones(4)
    loss.forward(y_true, y_pred, weights)
    expected = loss.backward()
    for array in (y_true, y_pred, weights):
        array.shape = (2, array.size // 2)
    assert_same_bits(loss.backward(), expected)


@EACH
@pytest.mark.parametrize("shape", [(0, 3), (0, 4, 3), (3, 0, 4)])
def test_no_positions_cost_nothing(which, shape):
    loss, make = CASES[which]
    y_true, y_pred = make(shape)
    assert run(loss, y_true, y_pred)[0] == 0
    assert loss.backward().shape == shape


TORCH = {
    "absolute": lambda f, y, z: f.l1_loss(z, y),
    "binary": lambda f, y, z: f.binary_cross_entropy(z, y),
    "binary, logits": lambda f, y, z: f.binary_cross_entropy_with_logits(z, y),
    "categorical, logits": lambda f, y, z: f.cross_entropy(z.flatten(0, -2), y.flatten(0, -2)),
    "categorical, logits, smoothed": lambda f, y, z: f.cross_entropy(
        z.flatten(0, -2), y.flatten(0, -2), label_smoothing=0.2
    ),
    "sparse, logits, ignoring": lambda f, y, z: f.cross_entropy(z.flatten(0, -2), y.flatten(), ignore_index=0),
}


@pytest.mark.parametrize("which", TORCH)
@pytest.mark.parametrize("shape", [(5, 17), (2, 7, 38)])
def test_pytorch_agrees(which, shape):
    torch = import_torch()
    loss, make = CASES[which]
    y_true, y_pred = make(shape)
    tensor = torch.tensor(y_pred, requires_grad=True)
    expected = TORCH[which](torch.nn.functional, torch.tensor(y_true), tensor)
    expected.backward()
    value, dy_pred = run(loss, y_true, y_pred)
    assert value == pytest.approx(expected.item(), rel=1e-12)
    assert_close(dy_pred, tensor.grad.numpy(), 1e-12)


def test_numbers_of_keras_own_formulas():
    """Written out from Keras 3's backend/numpy and losses: label smoothing, and its means."""
    y, z = answers((6, 4))
    p, s = 1 / (1 + np.exp(-z)), y * 0.8 + 0.1
    expected = np.mean(-np.mean(s * np.log(p) + (1 - s) * np.log(1 - p), axis=-1))
    assert BinaryCrossentropy(label_smoothing=0.2)(y, p) == pytest.approx(expected, rel=1e-12)
    assert BinaryCrossentropy(True, 0.2)(y, z) == pytest.approx(expected, rel=1e-12)
    y, p = one_hot_probabilities((6, 4))
    expected = np.mean(-np.sum((y * 0.8 + 0.2 / 4) * np.log(p), axis=-1))
    assert CategoricalCrossentropy(label_smoothing=0.2)(y, p) == pytest.approx(expected, rel=1e-12)
    assert CategoricalCrossentropy(reduction="sum")(y, p) == pytest.approx(-np.sum(y * np.log(p)), rel=1e-12)


@pytest.mark.parametrize("from_logits", [True, False])
def test_one_hot_and_labels_are_the_same_loss(from_logits):
    labels, y_pred = draw((2, 7, 5), from_logits)
    expected, dy_expected = run(SparseCategoricalCrossentropy(from_logits), labels, y_pred)
    value, dy_pred = run(CategoricalCrossentropy(from_logits), np.eye(5, dtype=int)[labels], y_pred)
    assert value == pytest.approx(expected, rel=1e-12)
    assert_close(dy_pred, dy_expected, 1e-12)


@pytest.mark.parametrize("ignored", [-1, -100, 3, 255])
@FROM_LOGITS
def test_an_ignored_class_counts_nothing(ignored, from_logits):
    labels, y_pred = draw((4, 6, 9), from_logits)
    labels[labels == ignored] = 0
    labels[1, 2:] = labels[3] = ignored
    loss = SparseCategoricalCrossentropy(from_logits, ignore_class=ignored)
    value, dy_pred = run(loss, labels, y_pred)
    kept = labels != ignored
    expected, dy_expected = run(SparseCategoricalCrossentropy(from_logits), labels[kept], y_pred[kept])
    assert value == pytest.approx(expected, rel=1e-14)
    assert_close(dy_pred[kept], dy_expected, 1e-14)
    assert (dy_pred[~kept] == 0).all()
    assert loss(labels[..., None], y_pred) == value
    assert run(loss, np.full((4, 6), ignored), y_pred)[0] == 0


@FROM_LOGITS
def test_an_ignored_class_is_any_whole_number_and_one_of_a_single_class(from_logits):
    labels, y_pred = draw((4, 3), from_logits)
    expected = SparseCategoricalCrossentropy(from_logits, ignore_class=2)(labels, y_pred)
    assert SparseCategoricalCrossentropy(from_logits, ignore_class=np.int64(2))(labels, y_pred) == expected
    assert SparseCategoricalCrossentropy(from_logits, ignore_class=1)([0, 1], np.ones((2, 1))) == 0


def test_huge_logits_of_binary_answers():
    loss = BinaryCrossentropy(from_logits=True)
    value, dy_pred = run(loss, np.array([[1.0], [0.0]]), np.array([[-1e4], [-1e4]], "float32"))
    assert (value, dy_pred.tolist()) == (5000, [[-0.5], [0]])
    value, dy_pred = run(CategoricalCrossentropy(True), np.array([[0, 1]]), np.array([[1e4, -1e4]]))
    assert (value, dy_pred.tolist()) == (20000, [[1, -1]])


def test_an_answer_that_is_almost_right_costs_almost_nothing():
    loss = BinaryCrossentropy(from_logits=True)
    assert loss.forward([1], [[50.0]]) == pytest.approx(np.exp(-50), rel=1e-12, abs=0)  # 1 + e^-50 is 1


@pytest.mark.parametrize(("answer", "sign"), [(1, -1), (0, 1)])
def test_an_answer_that_is_almost_right_has_a_gradient_in_float32(answer, sign):
    loss = BinaryCrossentropy(from_logits=True)
    loss.forward([answer], np.array([[-20.0 * sign]], "float32"))
    assert loss.backward() == pytest.approx(np.array([[sign * np.exp(-20)]]), rel=1e-6, abs=0)  # 1 + e^-20 is 1 there


@pytest.mark.parametrize("answer", [0, 1])
def test_a_wrong_answer_that_is_certain_is_bad_but_finite(answer):
    loss = BinaryCrossentropy()
    assert loss.forward([answer], [[1.0 - answer]]) == pytest.approx(37 * np.log(10), rel=1e-12)
    assert loss.backward() == pytest.approx(np.array([[1e37 * (1 - 2 * answer)]]), rel=1e-12)


def test_logits_may_all_be_far_below_0():
    loss = CategoricalCrossentropy(from_logits=True)
    assert loss.forward([[0, 1]], [[-2000.0, -2001.0]]) == pytest.approx(np.log(1 + np.e))


@pytest.mark.parametrize("from_logits", [False, True])
def test_no_classes_cost_nothing(from_logits):
    loss = CategoricalCrossentropy(from_logits, label_smoothing=0.1)
    assert loss.forward(np.zeros((2, 0)), np.zeros((2, 0))) == 0
    assert loss.backward().shape == (2, 0)


def test_of_one_class_nothing_is_smoothed():
    loss = CategoricalCrossentropy(label_smoothing=0.5)
    loss.forward([[1.0]], [[1.0]])
    assert loss.backward().tolist() == [[-1]]


@pytest.mark.parametrize("answer", [0, 1])
def test_probabilities_in_float32_lose_no_digits_in_their_logarithm(answer):
    p = np.array([[1e-9], [0.3], [1 - 2.0**-24]], "float32")
    chances = p if answer else 1 - p.astype(float)
    value = BinaryCrossentropy().forward(np.full((3, 1), answer), p)
    assert value == pytest.approx(-np.log(chances, dtype=float).mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "y_true", "y_pred", "expected"),
    [
        (CategoricalCrossentropy(), [[1, 0]], [[0.25, 0.75]], np.log(4)),
        (CategoricalCrossentropy(True), [[1, 0]], [[0, 1]], np.log(1 + np.e)),
        (SparseCategoricalCrossentropy(), [0], [[0.25, 0.75]], np.log(4)),
        (BinaryCrossentropy(True), [[1]], [[-1]], np.log(1 + np.e)),
        (MeanSquaredError(), [[0]], [[2.0**100]], 2.0**200),
        (MeanAbsoluteError(), [[0, 0]], [[2.0**127, 2.0**127]], 2.0**127),
    ],
    ids=str,
)
def test_the_loss_of_float32_has_the_digits_and_the_range_of_float64(loss, y_true, y_pred, expected):
    assert loss.forward(y_true, np.array(y_pred, "float32")) == pytest.approx(expected, rel=1e-14, abs=0)


@pytest.mark.parametrize("which", ["squares", "absolute", "binary", "binary, logits"])
def test_a_column_and_a_row_of_targets_fit(which):
    loss, make = CASES[which]
    y_true, y_pred = make((7, 1))
    expected, dy_expected = run(loss, y_true, y_pred)
    for target in (y_true[:, 0], y_true[:, 0].tolist(), y_true):
        value, dy_pred = run(loss, target, y_pred)
        assert value == expected
        assert_same_bits(dy_pred, dy_expected)
    value, dy_pred = run(loss, y_true, y_pred[:, 0])
    assert value == pytest.approx(expected, rel=1e-14)
    assert_close(dy_pred, dy_expected[:, 0], 1e-14)


@EACH
def test_lists_and_other_numbers_are_welcome(which):
    loss, make = CASES[which]
    y_true, y_pred = make((5, 3))
    y_pred = y_pred.astype("float16")
    whole = y_true if "sparse" in which else np.round(np.abs(y_true)).clip(0, 1)
    expected = loss(whole, y_pred.astype("float32"))
    for target in (whole.astype("uint8"), whole.astype(int).tolist()):
        for prediction in (y_pred, y_pred.tolist()):
            assert loss(target, prediction) == pytest.approx(expected, rel=1e-6)


def test_flags_are_true_or_false():
    for kind in (BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy):
        with pytest.raises(TypeError, match="from_logits: expected True or False, got 'no'"):
            kind(from_logits="no")
    for wrong in ("sum", True):
        with pytest.raises(TypeError, match=f"ignore_class: expected a label, a whole number, or None, got {wrong!r}"):
            SparseCategoricalCrossentropy(True, wrong)
    with pytest.raises(ValueError, match="label_smoothing"):
        BinaryCrossentropy(label_smoothing=2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SparseCategoricalCrossentropy(label_smoothing=0.1), "label_smoothing': use CategoricalCrossentropy"),
        (lambda: SparseCategoricalCrossentropy(ignore_index=0), "use SparseCategoricalCrossentropy\\(ignore_class="),
        (lambda: CategoricalCrossentropy(axis=1), "on the last axis"),
        (lambda: MeanSquaredError(weight=[1, 2]), "use sample_weight of fit, or of forward"),
    ],
)
def test_names_of_elsewhere_are_explained(make, message):
    with pytest.raises(TypeError, match=message):
        make()


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "MSELoss", "BCEWithLogitsLoss", "mean_squared_error", "mse"])
def test_losses_of_elsewhere_are_explained(name):
    with pytest.raises(AttributeError, match=rf"no attribute '{name}': use [A-Za-z]+\(.*\), called as loss\("):
        getattr(losses, name)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("MAE", MeanAbsoluteError),
        ("mean_absolute_error", MeanAbsoluteError),
        ("MSE", MeanSquaredError),
        ("MeanSquaredError", MeanSquaredError),
        ("bce", BinaryCrossentropy),
        ("binary_crossentropy", BinaryCrossentropy),
        ("categorical_crossentropy", CategoricalCrossentropy),
    ],
)
def test_names_of_keras(name, kind):
    assert type(losses.get(name)) is kind


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("sparse_crossentropy", "sparse_categorical_crossentropy"),
        ("Sparse_Crossentopy", "sparse_categorical_crossentropy"),
        ("categorical_cross_entropy", "categorical_crossentropy"),
        ("binry_crossentropy", "binary_crossentropy"),
        ("mean_square_error", "mean_squared_error"),
    ],
)
def test_the_name_that_was_meant_begins_with_the_same_word(name, near):
    with pytest.raises(ValueError, match=f"got '{name}': use {near}$"):
        losses.get(name)


def test_arguments_have_the_order_and_the_defaults_of_keras():
    """Those of Keras 3, written out by hand; its axis, name and dtype are left out."""
    mean = {"reduction": "sum_over_batch_size"}
    for kind, arguments in {
        BinaryCrossentropy: {"from_logits": False, "label_smoothing": 0.0, **mean},
        CategoricalCrossentropy: {"from_logits": False, "label_smoothing": 0.0, **mean},
        SparseCategoricalCrossentropy: {"from_logits": False, "ignore_class": None, **mean},
        MeanSquaredError: mean,
        MeanAbsoluteError: mean,
    }.items():
        parameters = inspect.signature(kind).parameters
        assert [(name, p.default) for name, p in parameters.items()] == list(arguments.items())


@pytest.mark.parametrize("which", ["binary", "binary, logits", "categorical", "categorical, logits", "absolute"])
def test_a_layer_and_a_loss_pass_gradcheck(which):
    loss, make = CASES[which]
    last = [nnlite.Sigmoid()] if which == "binary" else [nnlite.Softmax()] if which == "categorical" else []
    y_true, x = make((5, 3))
    model = nnlite.Sequential([nnlite.Dense(3), *last], dtype="float64", seed=0)
    nnlite.gradcheck(model, x, loss=loss, y=y_true)


@FROM_LOGITS
def test_labels_of_any_kind(from_logits):
    loss, rng = SparseCategoricalCrossentropy(from_logits), np.random.default_rng(0)
    labels, scores = rng.integers(2, size=(2, 3)), rng.uniform(0.1, 1, (2, 3, 5)).astype("float32")
    expected, gradient = loss.forward(labels, scores), loss.backward()
    kinds = [labels.astype(kind) for kind in ("bool", "int8", "uint8", "uint64", ">i4")]
    for given in (*kinds, labels.tolist(), labels[..., None], labels[..., None].tolist(), Frame(labels)):
        assert loss.forward(given, scores) == expected
        assert_same_bits(loss.backward(), gradient)


@pytest.mark.parametrize(
    ("loss", "y_true"),
    [
        (SparseCategoricalCrossentropy(from_logits=True), np.zeros((2, 3), int)),
        (MeanSquaredError(), np.arange(30).reshape(2, 3, 5)),
    ],
)
def test_predictions_of_any_kind(loss, y_true):
    """In float32 where that holds them exactly, else in float64."""
    x = np.random.default_rng(0).uniform(0.1, 1, (2, 3, 5)).astype("float32")
    for kind, given, array in floats_of(x):
        is_small = np.asarray(given).dtype.name in ("bool", "uint8", "float16", "float32")
        found = loss.forward(y_true, given), loss.backward()
        assert found[1].dtype == ("float32" if is_small else "float64"), kind
        assert found[0] == loss.forward(y_true, array.astype(found[1].dtype)), kind
        assert_same_bits(found[1], loss.backward(), kind)


def test_squares_are_computed_in_the_dtype_of_the_predictions():
    loss, x = MeanSquaredError(), np.random.default_rng(0).uniform(0.1, 1, (2, 3)).astype("float32")
    for kind, y_true, array in floats_of(x):
        for dtype in ("float32", "float64"):
            found = loss.forward(y_true, x.astype(dtype)), loss.backward()
            assert found[1].dtype == dtype
            assert found[0] == loss.forward(array.astype(dtype), x.astype(dtype)), kind
            assert_same_bits(found[1], loss.backward(), kind)


def test_squares_of_one_number_for_each_sample():
    """Where Dense(1) predicts, y is (N,) to most people: never the (N, N) differences that NumPy would make of it."""
    loss, y_true, y_pred = MeanSquaredError(), np.array([1.0, 2.0, 4.0]), np.array([[0.5], [2.0], [7.0]])
    assert loss.forward(y_true, y_pred) == loss.forward(y_true[:, None], y_pred) == (0.25 + 0 + 9) / 3
    assert loss.backward().shape == (3, 1)
    assert loss.forward(y_true[:, None], y_pred[:, 0]) == 9.25 / 3
    assert loss.backward().shape == (3,)


@pytest.mark.parametrize("name", ["mse", "mean_squared_error", "sparse_categorical_crossentropy"])
def test_get_by_name(name):
    assert isinstance(losses.get(name), losses.Loss)


def test_get_passes_on_what_has_forward_and_backward():
    class Own:
        def forward(self, y_true, y_pred):
            return 0.0

        def backward(self):
            return None

    own = Own()
    assert losses.get(own) is own


def test_a_loss_of_ones_own_is_called_as_keras_losses_are():
    class Own(losses.Loss):
        def forward(self, y_true, y_pred):
            return float(np.abs(y_pred - y_true).mean())

    assert Own()(np.array([1.0, 2.0]), np.array([1.5, 1.0])) == 0.75  # without the weights that it does not take


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        ("CrossEntropyLoss", ValueError, r"use SparseCategoricalCrossentropy\(from_logits=True\)"),
        ("mean_square_error", ValueError, "use mean_squared_error"),
        (lambda y_true, y_pred: 0, TypeError, "got the function <lambda>: write a class with both, as in help"),
        ("cross", ValueError, "loss: expected a loss or one of .*'mse'.*, got 'cross'"),
        (MeanSquaredError, TypeError, r"use an instance, MeanSquaredError\(\)"),
        (3, TypeError, "loss: expected a name or an object with forward and backward, got 3"),
        (SimpleNamespace(forward=abs), TypeError, "forward and backward, got namespace.*: write a class with both"),
        (SimpleNamespace(backward=abs), TypeError, "with forward and backward, got namespace"),
    ],
)
def test_get_refuses(loss, error, message):
    with pytest.raises(error, match=message):
        losses.get(loss)


@pytest.mark.parametrize("loss", [MeanSquaredError, SparseCategoricalCrossentropy])
@backends
def test_a_sum_is_as_many_means_as_there_are_positions(loss, backend_name):
    """As in Keras: of squares, a position's loss is the mean over its last axis."""
    y_true, y_pred = draw((5, 7, 3), from_logits=False)
    y_true = y_true if loss is SparseCategoricalCrossentropy else y_pred[::-1].copy()
    mean, dy_mean = run(loss(), y_true, y_pred, backend_name)
    total, dy_total = run(loss(reduction="sum"), y_true, y_pred, backend_name)
    assert total == pytest.approx(35 * mean, rel=1e-14)
    assert_close(dy_total, 35 * dy_mean, 1e-14)


@float_types
@backends
def test_the_gradient_of_a_sum_is_what_is_too_much(dtype, backend_name):
    y_true, y_pred = draw((2, 7, 38), dtype=dtype)
    value, dy_pred = run(SparseCategoricalCrossentropy(from_logits=True, reduction="sum"), y_true, y_pred, backend_name)
    p = np.exp(y_pred.astype("float64"))
    p /= p.sum(axis=-1, keepdims=True)
    assert value == pytest.approx(-np.log(np.take_along_axis(p, y_true[..., None], axis=-1)).sum(), rel=1e-6)
    assert_close(dy_pred, p - np.eye(38)[y_true], 1e-6)


@pytest.mark.parametrize("loss", [MeanSquaredError, SparseCategoricalCrossentropy])
def test_reductions_have_names(loss):
    with pytest.raises(ValueError, match="reduction: expected one of sum_over_batch_size, sum, got 'total'"):
        loss(reduction="total")


def test_config_makes_the_loss_again():
    losses = [MeanSquaredError(), SparseCategoricalCrossentropy(), SparseCategoricalCrossentropy(from_logits=True)]
    for loss in [*losses, MeanSquaredError("sum"), SparseCategoricalCrossentropy(reduction="sum")]:
        assert repr(type(loss).from_config(loss.get_config())) == repr(loss)
    assert repr(losses[2]) == "SparseCategoricalCrossentropy(from_logits=True)"
    assert repr(MeanSquaredError("sum")) == "MeanSquaredError(reduction='sum')"
    with pytest.raises(TypeError, match="from_logits: expected True or False, got 'yes'"):
        SparseCategoricalCrossentropy("yes")


def test_predictions_with_too_few_axes_are_not_told_to_swap():
    """Where y_true has no more axes, the order is not what is wrong."""
    with pytest.raises(ValueError, match=r"^y_pred: expected") as raised:
        SparseCategoricalCrossentropy().forward(np.array(0), np.array(0.5))
    assert "the order is" not in str(raised.value)


@pytest.mark.parametrize("loss", [MeanSquaredError(), MeanAbsoluteError()], ids=repr)
def test_one_number_for_each_sample_may_have_a_weight(loss):
    y_true, y_pred, weights = np.zeros(3), np.array([1.0, -2.0, 4.0]), np.array([1.0, 0.5, 0.25])
    power = 2 if isinstance(loss, MeanSquaredError) else 1
    value = loss.forward(y_true, y_pred, sample_weight=weights)
    assert value == pytest.approx((weights * np.abs(y_pred) ** power).mean(), rel=1e-15)
    slope = 2 * y_pred if power == 2 else np.sign(y_pred)
    np.testing.assert_allclose(loss.backward(), weights * slope / 3, rtol=1e-15)
