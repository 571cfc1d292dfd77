"""The losses: values, gradients by finite differences and by PyTorch, extremes, bad input."""

import math

import numpy as np
import pytest
from chain import backends, float_types, import_torch, threads
from kinds import Frame, floats_of
from numeric import assert_close, assert_same_bits, central_differences

import nnlite
from nnlite import losses
from nnlite.losses import MeanSquaredError, SparseCategoricalCrossentropy

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
    value, dy_pred = run(MeanSquaredError(), np.zeros((0, 3), dtype), np.zeros((0, 3), dtype))
    assert value == 0
    assert dy_pred.shape == (0, 3)


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
def test_nothing_handed_out_changes_later(from_logits):
    y_true, y_pred = draw((6, 38), from_logits)
    loss = SparseCategoricalCrossentropy(from_logits)
    loss.forward(y_true, y_pred)
    first = loss.backward()
    kept = first.copy()
    first *= 2
    second = loss.backward()
    assert_same_bits(second, kept)
    loss.forward((y_true + 1) % 38, y_pred)
    loss.backward()
    assert_same_bits(second, kept)


@FROM_LOGITS
@pytest.mark.parametrize(("label", "where"), [(5, (1, 2)), (-1, (0, 1)), (2**40, (1, 0))])
def test_labels_out_of_range_are_named(from_logits, label, where):
    labels = np.zeros((2, 3), int)
    labels[where] = label
    with pytest.raises(IndexError) as error:
        SparseCategoricalCrossentropy(from_logits).forward(labels, np.zeros((2, 3, 5)))
    assert str(error.value) == f"y_true: expected labels in 0 .. 4, got {label} at {where}"


y, p = np.zeros((2, 3), int), np.zeros((2, 3, 5), "float32")


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
    ],
)
def test_bad_input_to_cross_entropy(from_logits, y_true, y_pred, error, message):
    with pytest.raises(error, match=message):
        SparseCategoricalCrossentropy(from_logits).forward(y_true, y_pred)


@pytest.mark.parametrize(
    ("y_true", "y_pred", "error", "message"),
    [
        (p, p[:1], ValueError, r"y_true: expected shape of y_pred = \(1, 3, 5\), got \(2, 3, 5\)"),
        ([1.0], p, ValueError, r"y_true: expected shape of y_pred, got \(1,\) with 1 axes"),
        (
            y,
            p,
            ValueError,
            r"y_true: .* got \(2, 3\): labels are for Sparse.* use np\.eye\(5\)\[y_true\]",
        ),
        (y / 1, p, ValueError, r"y_true: expected shape of y_pred, got \(2, 3\) with 2 axes"),
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
    ],
)
def test_bad_input_to_squares(y_true, y_pred, error, message):
    with pytest.raises(error, match=message):
        MeanSquaredError().forward(y_true, y_pred)


@FROM_LOGITS
def test_labels_of_any_kind(from_logits):
    loss, rng = SparseCategoricalCrossentropy(from_logits), np.random.default_rng(0)
    labels, scores = rng.integers(2, size=(2, 3)), rng.uniform(0.1, 1, (2, 3, 5)).astype("float32")
    expected, gradient = loss.forward(labels, scores), loss.backward()
    kinds = [labels.astype(kind) for kind in ("bool", "int8", "uint8", "uint64", ">i4")]
    for given in (*kinds, labels.tolist(), labels[..., None], labels[..., None].tolist(), Frame(labels)):
        assert loss.forward(given, scores) == expected
        assert_same_bits(loss.backward(), gradient)


@pytest.mark.parametrize("make", [SparseCategoricalCrossentropy, MeanSquaredError])
def test_predictions_of_any_kind(make):
    """In float32 where that holds them exactly, else in float64."""
    loss, x = make(), np.random.default_rng(0).uniform(0.1, 1, (2, 3, 5)).astype("float32")
    y_true = np.zeros((2, 3), int) if make is SparseCategoricalCrossentropy else x[::-1]
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
    with pytest.raises(ValueError, match=r"y_true: expected shape of y_pred = \(3,\), got \(3, 1\)|with 2 axes"):
        loss.forward(y_pred, y_true)


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


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        ("cross", ValueError, "loss: expected a loss or one of .*'mse'.*, got 'cross'"),
        (MeanSquaredError, TypeError, r"use an instance, MeanSquaredError\(\)"),
        (3, TypeError, "loss: expected a name or an object with forward and backward, got 3"),
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
