"""Every planted mistake of the zoo is caught, and no cause is named that is not the true one."""

import importlib
import re
import types
from pathlib import Path

import numpy as np
import pytest

import nnlite
from nnlite import zoo
from nnlite.gradcheck import GradientCheckError

BACKWARD = [name for name, one in zoo.exhibits().items() if "backward" in one.function or "gradient" in one.function]
WITHOUT_GRADCHECK = {"lstm-22", "gru-11", "softmax-01", "softmax-02"}  # seen with lengths, or with a loss, alone
UNEXPLAINED = "none of the usual ones"
DC = r"\(the input gate i\).*\(the forget gate f\).*\(the candidate g\).*or what they have in common: "

CAUSES = {
    "lstm-01": r"columns 3 to 5 \(the forget gate f\) of the gradients of Wx, Wh and b are.* the wrong sign",
    "lstm-02": r"columns 3 to 5 \(the forget gate f\) of",
    "lstm-03": r"columns 0 to 2 \(the input gate i\) and columns 6 to 8 \(the candidate g\) of",
    "lstm-04": r"columns 9 to 11 \(the output gate o\) of",
    "lstm-05": DC + r"all gradients are right for a loss of final state 1 \(c\)",
    "lstm-06": DC + r"all gradients are right for a loss of final state 1 \(c\)",
    "lstm-07": DC + r".*wrong for one of final state 1 \(c\): look",
    "lstm-08": r"columns 3 to 5 \(the forget gate f\) of",
    "lstm-09": r"columns 3 to 5 \(the forget gate f\) of",
    "lstm-10": r"columns 6 to 8 \(the candidate g\) of",
    "lstm-11": r"columns 9 to 11 \(the output gate o\) of",
    "lstm-12": r"columns 3 to 5 \(the forget gate f\) and columns 6 to 8 \(the candidate g\) of",
    "lstm-13": r"only the gradient of initial state 1 \(c\) is wrong",
    "lstm-14": r"only the gradient of initial state 1 \(c\) is wrong",
    "lstm-15": r"only the gradient of initial state 0 \(h\) is wrong",
    "lstm-16": r"wrong for one of final state 0 \(h\): look",
    "lstm-17": "wrong for one of the output: look",
    "lstm-18": "only the gradient of parameter Wh is wrong",
    "lstm-19": "the sum over the time steps",
    "lstm-20": "1/3 times the right gradient, and 3 is the batch size N: the mean",
    "lstm-21": "2 times the right gradient: is a term added twice",
    "lstm-23": "only the gradient of parameter Wh is wrong",
    "gru-01": r"columns 0 to 2 \(the update gate z\) of .* They have the wrong sign",
    "gru-02": r"only the gradient of initial state 0 \(h\) is wrong",
    "gru-03": r"columns 3 to 5 \(the reset gate r\) and columns 6 to 8 \(the candidate h\)",
    "gru-04": r"columns 6 to 8 \(the candidate h\) of the gradients of Wh and b",
    "gru-05": r"columns 3 to 5 \(the reset gate r\)",
    "gru-06": r"only the gradient of parameter b is wrong, in columns 6 to 8 \(the candidate h\)",
    "gru-07": r"columns 0 to 2 \(the update gate z\)",
    "gru-08": r"columns 3 to 5 \(the reset gate r\) and columns 6 to 8 \(the candidate h\)",
    "gru-09": r"columns 6 to 8 \(the candidate h\) of the gradients of Wh and b",
    "gru-10": r"only the gradient of initial state 0 \(h\) is wrong",
    "gru-reset-before-01": r"only the gradient of initial state 0 \(h\) is wrong",
    "gru-reset-before-02": r"columns 3 to 5 \(the reset gate r\)",
    "rnn-01": "wrong in all columns, so the mistake comes before them",
    "rnn-02": r"only the gradient of initial state 0 \(h\) is wrong",
    "rnn-03": "a transposed weight: backward multiplies by parameter Wh instead of its transpose",
    "rnn-04": "wrong in all columns, so the mistake comes before them",
    "rnn-05": "the sum over the time steps",
    "rnn-06": "wrong for one of the output: look",
    "dense-01": "1/4 times the right gradient, and 4 is the batch size N: the mean",
    "dense-02": "1/4 times the right gradient, and 4 is the batch size N: the mean",
    "dense-03": "the sum over the batch",
    "dense-04": "the sign: every number",
    "conv2d-01": "the sum over the batch",
    "conv2d-02": "6 times the right gradient$",
    "conv2d-03": "with padding='valid' every gradient is right",
    "conv2d-04": "with strides=1 every gradient is right",
    "conv2d-05": "with dilation_rate=1 every gradient is right",
    "conv2d-06": "a flipped kernel",
    "conv2d-07": UNEXPLAINED,
    "pool2d-01": "with padding='valid' every gradient is right",
    "pool2d-02": "4 times the right gradient$",
    "pool2d-03": "with strides=None every gradient is right",
    "pool2d-04": UNEXPLAINED,
    "embedding-01": "ids that occur more than once",
    "softmax-03": UNEXPLAINED,
    "softmax-04": "the examples of a batch are mixed up",
    "activation-01": UNEXPLAINED,
    "activation-02": UNEXPLAINED,
    "activation-03": UNEXPLAINED,
    "activation-04": UNEXPLAINED,
    "norm-01": "the mean over axis 0 of x: what dx lacks is a constant",
    "norm-02": "the variance over axis 0 of x: what dx lacks is a multiple of x - mean",
    "norm-03": "the mean and variance over axis 0 of x",
    "norm-04": "gamma is left out",
    "norm-05": UNEXPLAINED,
    "norm-06": "the mean over axis 1 of x",
    "norm-07": "the variance over axis 1 of x",
    "norm-08": "the examples of a batch are mixed up",
}


@pytest.mark.parametrize("name", BACKWARD)
def test_a_planted_mistake_is_caught_and_called_by_its_name(name):
    one = zoo.exhibit(name)
    cause = zoo.cause(one.kernel, one.module())
    if name in WITHOUT_GRADCHECK:
        assert cause is None
    else:
        assert re.search(CAUSES[name], cause), cause


def test_most_have_a_name():
    assert sum(cause == UNEXPLAINED for cause in CAUSES.values()) <= 0.2 * len(CAUSES)


def mutant(kernel, old, new):
    """The reference of a kernel with the last `old` in it replaced."""
    source = Path(importlib.import_module(f"nnlite.reference.{kernel}").__file__).read_text()
    before, found, after = source.rpartition(old)
    assert found
    module = types.ModuleType("nnlite.reference.mutant")
    module.__package__ = "nnlite.reference"  # for its relative imports
    exec(before + new + after, vars(module))
    return module


PUT_TOGETHER, USED = "how the gradients of the time steps are put together", "the numbers that a step uses"


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("dz @ Wx.T", "dz[::-1] @ Wx.T", PUT_TOGETHER),
        ("dz @ Wx.T", "np.roll(dz, 1, axis=0) @ Wx.T", PUT_TOGETHER),
        ("summed_products(x, dz)", "summed_products(x[::-1], dz)", "the sum over the time steps"),
        ("dh + dh_of_y[t]", "dh + dh_of_y[len(x) - 1 - t]", USED),
        ("dh + dh_of_y[t]", "dh + dh_of_y[t] / len(x)", USED),
        ("h[t + 1], dh_t", "h[-1], dh_t", USED),
        ("dz[t] @ Wh.T)", "dz[t] @ Wh.T * (t != 1))", "a missing term from the next time step"),
    ],
)
def test_steps_that_are_mixed_up_are_no_missing_term(old, new, cause):
    layer, x = nnlite.RNN(3, return_sequences=True, dtype="float64"), np.random.default_rng(0).normal(size=(3, 4, 2))
    with (
        nnlite.use_backend("reference", rnn=mutant("rnn", old, new)),
        pytest.raises(GradientCheckError, match=re.escape(cause)),
    ):
        nnlite.gradcheck(layer, x)


def test_a_clipped_dy_is_used():
    class Clipped(nnlite.Dense):
        def backward(self, dy):
            return super().backward(np.clip(dy, -0.01, 0.01))

    with pytest.raises(GradientCheckError) as error:
        nnlite.gradcheck(Clipped(3, dtype="float64"), np.random.default_rng(0).normal(size=(4, 2)))
    assert "dy is not used" not in error.value.cause


def test_what_one_example_hides_is_not_between_examples():
    class Mask(nnlite.Layer):
        """A ReLU whose backward lets some negative numbers through; the first example has none of them."""

        def forward(self, x, training=False):
            self.x = x
            return np.maximum(x, 0)

        def backward(self, dy):
            return dy * (self.x > -1)

    x = np.array([[0.3, 1.2, -1.4], [-0.5, 0.7, 0.2], [0.4, -0.2, -2.0], [1.1, -1.6, -0.8]])
    with pytest.raises(GradientCheckError) as error:
        nnlite.gradcheck(Mask(), x)
    assert error.value.cause.startswith(UNEXPLAINED)
    with pytest.raises(GradientCheckError) as error:
        nnlite.gradcheck(nnlite.Sequential([Mask()], input_shape=(4, 3)), x[None].repeat(2, axis=0))
    assert error.value.cause.startswith(UNEXPLAINED)
