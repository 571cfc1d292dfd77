"""gradcheck accepts right gradients, and finds every kind of mistake and names its cause."""

import inspect
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
from kinds import floats_of
from numeric import assert_same_bits

import nnlite
from nnlite.gradcheck import GradientCheckError, gradcheck
from nnlite.gradcheck.checked_layer import CheckedLayer, signed
from nnlite.gradcheck.differences import Direction, central_differences
from nnlite.gradcheck.target import Kind, Target
from nnlite.layers import GRU, LSTM, RNN, Bidirectional, Dense, Dropout, Embedding, OneHot, ReLU, Sigmoid, Softmax, Tanh
from nnlite.models.float64_copy import in_float64, layers_inside
from nnlite.models.sequential import Sequential

both_modes = pytest.mark.parametrize("fast", [False, True], ids=["entry by entry", "fast"])


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def caught(layer, x, fast=False, **arguments):
    """The error that the check raises; its message must hold the numbers that its attributes hold."""
    with pytest.raises(GradientCheckError) as raised:
        gradcheck(layer, x, fast=fast, **arguments)
    error = raised.value
    assert error.layer in str(error)
    assert error.name in str(error)
    assert error.cause in str(error)
    if error.analytic is not None:
        assert f"{error.analytic:.10g}" in str(error)
        assert f"{error.numeric:.10g}" in str(error)
    return error


# --------------------------------------------------------------------------------------------- layers of one's own


class Plain:
    """Nothing but the protocol, not even a base class: y = x W + b."""

    def __init__(self, F, U):
        self.params = {"W": normal(F, U, seed=1), "b": normal(U, seed=2)}
        self.grads = {name: np.zeros_like(param) for name, param in self.params.items()}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dy):
        self.grads["W"][...] = self.x.T @ dy
        self.grads["b"][...] = dy.sum(axis=0)
        return dy @ self.params["W"].T


class Cell(nnlite.Layer):
    """The smallest recurrent layer: h_t = tanh(x_t Wx + h_{t-1} Wh + b). Each mistake is a name in `wrong`."""

    def __init__(self, H, wrong="", sequences=True, stateful=False):
        super().__init__(dtype="float64", seed=3)
        self.H, self.wrong, self.sequences, self.stateful, self.state = H, wrong, sequences, stateful, None

    def build(self, input_shape):
        for name, shape in {"Wx": (input_shape[-1], self.H), "Wh": (self.H, self.H), "b": (self.H,)}.items():
            self.params[name] = 0.7 * self.rng.standard_normal(shape)
            self.grads[name] = np.zeros(shape)
        self.built = True

    def reset_state(self):
        self.state = None

    def forward(self, x, training=False, initial_state=None):
        self._ensure_built(x)
        if initial_state is None and self.stateful:
            initial_state = self.state
        h = [np.zeros((len(x), self.H)) if initial_state is None else initial_state[0]]
        for t in range(x.shape[1]):
            h.append(np.tanh(x[:, t] @ self.params["Wx"] + h[-1] @ self.params["Wh"] + self.params["b"]))
        self.x, self.h = x, h
        self.state = (h[-1].copy(),)
        return np.stack(h[1:], axis=1) if self.sequences else h[-1].copy()

    def backward(self, dy, dstate=None):
        T, Wx, Wh = self.x.shape[1], self.params["Wx"], self.params["Wh"]
        dx = np.zeros_like(self.x)
        sums = {name: np.zeros_like(param) for name, param in self.params.items()}
        dh = np.zeros_like(self.h[0]) if dstate is None or self.wrong == "final state" else dstate[0].copy()
        for t in reversed(range(T)):
            dh = dh + (dy[:, t] if self.sequences else dy * (t == T - 1))
            dz = dh * (1 - self.h[t + 1] ** 2)
            previous = self.h[t + 1] if self.wrong == "h of the wrong step" else self.h[t]
            if self.wrong == "start from zeros" and t == 0:
                previous = np.zeros_like(previous)
            step = {"Wx": self.x[:, t].T @ dz, "Wh": previous.T @ dz, "b": dz.sum(axis=0)}
            for name, term in step.items():
                sums[name] = term if self.wrong == "first step only" else sums[name] + term
            dx[:, t] = dz @ Wx.T
            dh = dz @ (Wh if self.wrong == "Wh" else Wh.T)
            if self.wrong == "no next step":
                dh = np.zeros_like(dh)
        for name, total in sums.items():
            self.grads[name][...] = total
        self.dinitial_state = (2 * dh if self.wrong == "initial state" else dh,)
        return dx


class Noise(nnlite.Layer):
    """y = mask * x, with a new mask in each training step."""

    def forward(self, x, training=False):
        self.mask = self.rng.random(x.shape) < 0.5 if training else np.ones(x.shape)
        return x * self.mask

    def backward(self, dy):
        return dy * self.mask


# ------------------------------------------------------------------------------------------------ what is right passes


@both_modes
@pytest.mark.parametrize(
    ("make", "x"),
    [
        (lambda: Dense(3, dtype="float64", seed=0), normal(4, 5)),
        (lambda: Dense(3, dtype="float64", seed=0), normal(4, 2, 5)),
        (lambda: Tanh(dtype="float64"), normal(3, 5)),
        (lambda: Sigmoid(dtype="float64"), 30 * normal(3, 5)),
        (lambda: ReLU(dtype="float64"), normal(3, 5)),
        (lambda: Softmax(dtype="float64"), 100 * normal(3, 5)),
        (lambda: Embedding(5, 3, dtype="float64", seed=0), np.array([[0, 4, 4], [2, 1, 0]])),
        (lambda: LSTM(3, return_sequences=True, dtype="float64", seed=0), normal(2, 4, 3)),
        (lambda: LSTM(3, stateful=True, dtype="float64", seed=0), normal(2, 4, 3)),
        (lambda: GRU(3, return_sequences=True, dtype="float64", seed=0), normal(2, 4, 3)),
        (lambda: RNN(3, activation="relu", stateful=True, dtype="float64", seed=0), normal(2, 4, 3)),
        (lambda: LSTM(3, input_dim=5, dtype="float64", seed=0), np.array([[0, 4, 4], [2, 1, 0]], "uint8")),
        (lambda: Plain(3, 2), normal(4, 3)),
        (lambda: Cell(3), normal(2, 4, 2)),
        (lambda: Cell(3, sequences=False), normal(2, 4, 2)),
        (lambda: Cell(3, stateful=True), normal(1, 1, 1)),
    ],
)
def test_right_gradients_pass(make, x, fast):
    layer = make()
    report = gradcheck(layer, x, fast=fast)
    assert report.max_error < 1e-7
    assert report.kinks == []
    names = [row.name for row in report.rows]
    assert ("input x" in names) == (x.dtype.kind == "f")
    assert [f"parameter {name}" for name in layer.params] == [name for name in names if name.startswith("parameter")]
    states = [name for name in names if name.startswith("initial")]
    count = {"LSTM": 2, "RNN": 1, "GRU": 1, "Cell": 1}.get(report.title, 0)
    assert states == [f"initial state {i}" for i in range(count)]
    for row in report.rows:
        assert (row.checked, row.directions) == ((0, 3) if fast else (row.size, 0))


def test_every_number_is_compared_with_central_differences():
    """What the report says of a function whose derivative is known."""
    report = gradcheck(Plain(3, 2), normal(4, 3), seed=5)
    assert [(row.name, row.size) for row in report.rows] == [("input x", 12), ("parameter W", 6), ("parameter b", 2)]
    layer = Plain(2, 1)
    layer.params["W"][:, 0] = 3.0, 3.1
    found = gradcheck(layer, normal(1, 2), seed=5).rows[0]
    assert 1.55 <= found.largest <= 4.65  # 3.1 times a random weight between 0.5 and 1.5


def test_central_differences_are_those_of_a_known_function():
    """L = weights @ (x W + b): the slope along a direction v in W is weights @ (x v)."""
    layer, x = Plain(3, 2), normal(4, 3)
    checked = CheckedLayer(layer, x, rng=np.random.default_rng(0))
    W, gradient = Target(Kind.PARAMETER, "W"), np.zeros((3, 2))
    gradient[2, 1] = 5.0
    v = Direction.random(layer.params["W"], np.random.default_rng(1))
    one, all_of_them = (central_differences(checked, W, gradient, d) for d in (Direction.entry((2, 1)), v))
    r = checked.weights.reshape(4, 2)
    assert one.numeric == pytest.approx(x[:, 2] @ r[:, 1], rel=1e-8)
    assert one.analytic == pytest.approx(5.0, rel=1e-10)
    assert all_of_them.numeric == pytest.approx(((x.T @ r).reshape(-1) * v.amounts).sum(), rel=1e-8)
    assert layer.params["W"].tobytes() == normal(3, 2, seed=1).tobytes()


def test_a_number_that_moved_comes_back_after_an_error():
    layer = Plain(3, 2)
    checked, W = CheckedLayer(layer, normal(4, 3)), Target(Kind.PARAMETER, "W")

    def fails(x):
        raise ZeroDivisionError

    layer.forward = fails
    with pytest.raises(ZeroDivisionError):
        central_differences(checked, W, np.zeros((3, 2)), Direction.entry((2, 1)))
    assert_same_bits(layer.params["W"], normal(3, 2, seed=1))


def test_the_heart_of_the_check_is_short():
    assert len(inspect.getsource(central_differences).splitlines()) <= 60


def test_kinds_are_not_guessed_from_names():
    """A parameter may have any name, such as one that begins like another kind."""

    class Renamed(Plain):
        def __init__(self, F, U):
            super().__init__(F, U)
            self.params = {"initial W": self.params["W"], "input b": self.params["b"]}
            self.grads = {name: np.zeros_like(param) for name, param in self.params.items()}

        def forward(self, x):
            self.x = x
            return x @ self.params["initial W"] + self.params["input b"]

        def backward(self, dy):
            self.grads["initial W"][...] = self.x.T @ dy
            self.grads["input b"][...] = self.wrong * dy.sum(axis=0)
            return dy @ self.params["initial W"].T

        wrong = 1

    assert [row.name for row in gradcheck(Renamed(3, 2), normal(4, 3)).rows][1] == "parameter initial W"
    Renamed.wrong = 2
    assert caught(Renamed(3, 2), normal(4, 3)).name == "parameter input b"


def test_the_report_is_a_table():
    text = str(gradcheck(Plain(3, 2), normal(4, 3)))
    assert text.startswith("Plain: every gradient agrees with central differences\n")
    assert "12 of 12" in text
    assert "parameter b" in text
    assert "3 directions" in str(gradcheck(Plain(3, 2), normal(4, 3), fast=True))


def test_the_layer_is_left_as_it_was():
    layer, x = Noise(dtype="float64", seed=4), normal(3, 4)
    layer.forward(x, training=True)
    state, kept = layer.rng.bit_generator.state, x.copy()
    gradcheck(layer, x, training=True)
    assert layer.rng.bit_generator.state == state
    assert (x == kept).all()
    cell, x = Cell(3, stateful=True), normal(2, 4, 2)
    cell.forward(x)
    kept = {name: param.copy() for name, param in cell.params.items()}
    (state,) = cell.state
    numbers = state.copy()
    gradcheck(cell, x)
    assert all((cell.params[name] == param).all() for name, param in kept.items())
    assert cell.state[0] is state
    assert (state == numbers).all()


def test_the_random_numbers_go_on_after_those_of_the_weights():
    checked, built = (nnlite.Sequential([Dense(3)], dtype="float64", seed=4) for _ in range(2))
    gradcheck(checked, normal(3, 4))
    built.build((4,))
    assert checked.rng.bit_generator.state == built.rng.bit_generator.state


def test_a_state_may_be_read_only():
    layer = LSTM(3, stateful=True, dtype="float64")
    layer.build((2, 4))
    layer.state = (np.broadcast_to(0.5, (2, 3)),) * 2
    gradcheck(layer, normal(2, 2, 4))
    assert (layer.state[0] == 0.5).all()


def test_a_state_that_is_kept_in_place_comes_back():
    class Sum(nnlite.Layer):
        """Adds up what it has seen."""

        def reset_state(self):
            self.state[0][...] = 0

        def forward(self, x, training=False):
            self.state[0][...] += x.sum(axis=0)
            return x + self.state[0]

        def backward(self, dy):
            return dy + dy.sum(axis=0)

    layer = Sum(dtype="float64")
    layer.state = (np.full(3, 7.0),)
    gradcheck(layer, normal(4, 3))
    assert layer.state[0].tolist() == [7, 7, 7]


@both_modes
def test_layers_that_draw_random_numbers(fast):
    assert gradcheck(Noise(dtype="float64", seed=4), normal(3, 4), training=True, fast=fast).max_error < 1e-7

    class OldMask(Noise):
        def backward(self, dy):
            return dy

    error = caught(OldMask(dtype="float64", seed=4), normal(3, 4), fast, training=True)
    assert error.numeric == pytest.approx(0, abs=1e-8)
    assert error.cause.startswith("what forward does in training alone")
    assert gradcheck(OldMask(dtype="float64", seed=4), normal(3, 4), fast=fast).max_error < 1e-7


def test_initial_states_can_be_given():
    start = (0.3 * normal(2, 3),)
    assert gradcheck(Cell(3), normal(2, 4, 2), initial_state=start).rows[-1].name == "initial state 0"
    assert caught(Cell(3, "initial state"), normal(2, 4, 2), initial_state=start).name == "initial state 0"
    with pytest.raises(ValueError, match="takes no initial_state, got tuple: leave it out"):
        gradcheck(Plain(3, 2), normal(4, 3), initial_state=start)


# --------------------------------------------------------------------------------- what is wrong, and why, by name


def broken(base=Plain, forward=None, backward=None):
    """A class whose passes do something more."""

    class Broken(base):
        pass

    if forward:
        Broken.forward = lambda self, x: forward(self, super(Broken, self).forward, x)
    if backward:
        Broken.backward = lambda self, dy: backward(self, super(Broken, self).backward(dy), dy)
    return Broken


def grad(name, change):
    """A backward pass that changes one gradient."""

    def backward(layer, dx, dy):
        layer.grads[name] = change(layer, layer.grads[name], dy)
        return dx

    return broken(backward=backward)


def input_grad(change):
    return broken(backward=lambda layer, dx, dy: change(layer, dx, dy))


def accumulate(layer, dx, dy):
    layer.total = getattr(layer, "total", 0) + layer.grads["W"]
    layer.grads["W"] = layer.total
    return dx


class AddsToGrads(Plain):
    def backward(self, dy):
        self.grads["W"] += self.x.T @ dy
        self.grads["b"][...] = dy.sum(axis=0)
        return dy @ self.params["W"].T


class LeavesRows(Plain):
    def backward(self, dy):
        for row in (0, 2):
            self.grads["W"][row] = (self.x.T @ dy)[row]
        self.grads["b"][...] = dy.sum(axis=0)
        return dy @ self.params["W"].T


class NoGradOfB(Plain):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grads = {"W": self.grads["W"], "b": None}
        return dx

    def forward(self, x):
        self.grads.setdefault("b", np.zeros(2))
        self.grads = {"W": self.grads["W"], "b": np.zeros(2)}
        return super().forward(x)


class TwoHalves(nnlite.Layer):
    """y = (x A) * (x B) with W = [A, B]: a matrix of two square blocks, as the gates' are."""

    def __init__(self, F, U):
        super().__init__(dtype="float64")
        self.params, self.grads, self.built = {"W": normal(F, 2 * U)}, {"W": np.zeros((F, 2 * U))}, True

    def forward(self, x, training=False):
        self.x = x
        self.a, self.b = np.split(x @ self.params["W"], 2, axis=1)
        return self.a * self.b

    def backward(self, dy):
        A, B = np.split(self.params["W"], 2, axis=1)
        da, db = dy * self.b, dy * self.a
        self.grads["W"][...] = self.x.T @ np.concatenate([da, db], axis=1)
        return da @ A + db @ B  # A.T, B.T


MISTAKES = {
    "sign": (grad("W", lambda layer, g, dy: -g), "parameter W", "the sign"),
    "sign of dx": (input_grad(lambda layer, dx, dy: -dx), "input x", "the sign"),
    "mean": (
        grad("b", lambda layer, g, dy: dy.mean(axis=0)),
        "parameter b",
        r"1/5 times .* 5 is the batch size N: the mean",
    ),
    "times N": (grad("W", lambda layer, g, dy: len(dy) * g), "parameter W", "5 times .* the batch size N: the sum"),
    "twice": (grad("W", lambda layer, g, dy: 2 * g), "parameter W", "2 times the right .*: .*twice"),
    "factor": (grad("W", lambda layer, g, dy: 0.3 * g), "parameter W", "0.3 times the right gradient$"),
    "factor and sign": (grad("W", lambda layer, g, dy: -3 * g), "parameter W", "-3 times the right gradient$"),
    "zero": (grad("W", lambda layer, g, dy: 0 * g), "parameter W", "at 0: the term is missing"),
    "first example": (grad("b", lambda layer, g, dy: dy[0].copy()), "parameter b", "the sum over the batch"),
    "transposed gradient": (grad("W", lambda layer, g, dy: g.T.copy()), "parameter W", "W is transposed: .*swap"),
    "transposed weight": (input_grad(lambda layer, dx, dy: dy @ layer.params["W"]), "input x", "a transposed weight"),
    "transposed blocks": (TwoHalves, "input x", "a transposed weight: backward multiplies by parameter W"),
    "two entries": (grad("W", lambda layer, g, dy: g + 1e-4 * np.eye(3, k=-1)), "parameter W", "none of the usual"),
    "mixed batch": (input_grad(lambda layer, dx, dy: dx[::-1].copy()), "input x", "examples of a batch are mixed up"),
}


@both_modes
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_caught_and_named(mistake, fast):
    make, name, cause = MISTAKES[mistake]
    layer = make(3, 3)
    error = caught(layer, normal(5, 3), fast)
    assert error.name == name
    assert re.search(cause, error.cause), error.cause
    # The numbers are those at the index.
    gradients = {"input x": None, **{f"parameter {key}": g for key, g in layer.grads.items()}}
    assert len(error.index) == (1 if name == "parameter b" else 2)
    if gradients[name] is not None:
        assert abs(error.analytic - error.numeric) > 1e-5
    assert error.time_step is None
    assert "at time step" not in str(error)


class FlippedGradient(nnlite.Conv2D):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["W"][...] = self.grads["W"][::-1, ::-1].copy()
        return dx


class FlippedKernel(nnlite.Conv2D):
    def backward(self, dy):
        W, dW = self.params["W"], self.grads["W"]
        self.params["W"], self.grads["W"] = W[::-1, ::-1].copy(), dW.copy()
        dx = super().backward(dy)
        dW[...] = self.grads["W"]
        self.params["W"], self.grads["W"] = W, dW
        return dx


@both_modes
@pytest.mark.parametrize(
    ("layer", "name", "cause"),
    [
        (
            FlippedGradient,
            "parameter W",
            r"the gradient of parameter W is flipped: tap \(i, j\) is at the place of tap",
        ),
        (FlippedKernel, "input x", "a flipped kernel: backward reads the taps of parameter W from the other end"),
    ],
)
def test_a_flipped_kernel_is_named(layer, name, cause, fast):
    error = caught(layer(3, (2, 3), padding=1, dtype="float64", seed=0), normal(2, 4, 5, 2), fast)
    assert error.name == name
    assert re.match(cause, error.cause), error.cause


def test_a_single_number_is_no_constant_factor():
    """It is always some multiple of the right one: that says nothing."""
    error = caught(grad("b", lambda layer, g, dy: dy[0].copy())(3, 1), normal(5, 3))
    assert error.cause.startswith("the sum over the batch")
    error = caught(grad("b", lambda layer, g, dy: dy.mean(axis=0))(3, 1), normal(5, 3))
    assert "5 is the batch size N" in error.cause
    assert "2 is the batch size N" in caught(grad("b", lambda layer, g, dy: dy.mean(axis=0))(3, 2), normal(2, 3)).cause


class OverTime(Dense):
    """A Dense layer on sequences that takes something else for the sum over examples and steps, dy (2, 4, 3)."""

    def __init__(self, wrong):
        super().__init__(3, dtype="float64", seed=0)
        self.wrong = wrong

    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["b"][...] = self.wrong(dy)
        return dx


@pytest.mark.parametrize(
    ("wrong", "meaning"),
    [
        (lambda dy: dy.mean(axis=1).sum(axis=0), "1/4 times .*, and 4 is the number of time steps T: the mean, where"),
        (
            lambda dy: dy.shape[1] * dy.sum(axis=(0, 1)),
            "4 times .*, and 4 is the number of time steps T: the sum, where",
        ),
        (lambda dy: dy.mean(axis=(0, 1)), r"1/8 times .*, and 8 is N \* T, batch size times time steps: the mean"),
    ],
)
def test_a_factor_may_be_a_number_of_steps(wrong, meaning):
    assert re.search(meaning, cause := caught(OverTime(wrong), normal(2, 4, 5)).cause), cause


def test_the_index_and_the_numbers_are_those_of_the_wrong_entry():
    def spoil(layer, g, dy):
        g = g.copy()
        g[2, 1] += 0.25
        return g

    for fast in (False, True):
        error = caught(grad("W", spoil)(3, 2), normal(5, 3), fast)
        assert (error.name, error.index) == ("parameter W", (2, 1))
        assert error.analytic - error.numeric == pytest.approx(0.25, abs=1e-8)
        assert "1 of its 6 numbers" in str(error) or fast
    assert "1 of its 2 numbers are wrong" in str(caught(grad("b", lambda layer, g, dy: g * [1, 2])(3, 2), normal(5, 3)))


@both_modes
def test_of_two_wrong_entries_the_one_that_is_further_off_is_named(fast):
    def spoil(layer, g, dy):
        g = g.copy()
        g[0, 0] += 0.5  # of a gradient of a hundred
        g[2, 1] += 2
        return g

    error = caught(grad("W", spoil)(3, 2), normal(5, 3) * [100, 1, 1], fast)
    assert error.index == (2, 1)
    assert error.analytic - error.numeric == pytest.approx(2, abs=1e-6)


@pytest.mark.parametrize(("fast", "smallest"), [(False, 1e-5), (True, 1e-3)])
def test_how_small_an_error_it_sees(fast, smallest):
    """One entry of 3000, wrong by a relative 1e-5; in fast mode by a relative 1e-3."""

    def spoil(relative):
        def change(layer, g, dy):
            g = g.copy()
            g[17, 23] += relative * np.abs(g).mean()
            return g

        return change

    assert caught(grad("W", spoil(smallest))(60, 50), normal(3, 60), fast).index == (17, 23)
    gradcheck(grad("W", spoil(0.0))(60, 50), normal(3, 60), fast=fast)


def test_fast_needs_few_evaluations():
    class Counting(Plain):
        calls = 0

        def forward(self, x):
            self.calls += 1
            return super().forward(x)

    layer = Counting(300, 200)
    gradcheck(layer, normal(2, 300), fast=True)
    assert layer.calls < 40

    class Wrong(Counting):
        def backward(self, dy):
            dx = super().backward(dy)
            self.grads["W"][123, 45] += 1
            return dx

    layer = Wrong(300, 200)
    assert caught(layer, normal(2, 300), fast=True).index == (123, 45)
    assert layer.calls < 1500


# ------------------------------------------------------------------------------------------- how the layer behaves


@both_modes
@pytest.mark.parametrize(
    ("make", "name", "problem", "cause"),
    [
        (
            AddsToGrads,
            "parameter W",
            "changes with every call of backward",
            "accumulated instead of a written gradient",
        ),
        (broken(backward=accumulate), "parameter W", "changes with every call of backward", "accumulated instead"),
        (LeavesRows, "parameter W", r"writes no gradient .* at index \(1, 0\) \(2 of 6", "does not reach"),
        (input_grad(lambda layer, dx, dy: None), "input x", "gives no gradient of input x", "return it"),
        (input_grad(lambda layer, dx, dy: dx.T), "input x", r"shape \(3, 5\), and input x has", "it is transposed"),
        (input_grad(lambda layer, dx, dy: dx.astype("float32")), "input x", "is float32, not float64", "dtype"),
        (grad("b", lambda layer, g, dy: dy), "parameter b", r"has shape \(5, 2\)", "sum over the batch is missing"),
        (grad("b", lambda layer, g, dy: dy.sum(0).sum()), "parameter b", "is float64, not", "dtype"),
        (grad("b", lambda layer, g, dy: dy.sum(1)), "parameter b", r"has shape \(5,\)", "over the wrong axis"),
        (grad("b", lambda layer, g, dy: g * np.nan), "parameter b", r"is nan at index \(0,\)", "division by 0"),
        (NoGradOfB, "parameter b", "gives no gradient of parameter b", r"grads\['b'\]"),
    ],
)
def test_a_broken_contract(make, name, problem, cause, fast):
    error = caught(make(3, 2), normal(5, 3), fast)
    assert error.name == name
    assert re.search(problem, str(error)), str(error)
    assert re.search(cause, error.cause), error.cause


def test_an_accumulated_gradient_is_shown_as_the_double():
    error = caught(AddsToGrads(3, 2), normal(5, 3))
    assert error.analytic == pytest.approx(2 * error.numeric, rel=1e-6)
    assert "accumulated" in caught(AddsToGrads(3, 2), 1e4 * normal(5, 3)).cause, "however large the gradient is"


def test_what_must_not_change():
    def add(layer, dx, dy):
        layer.params["W"] += layer.grads["W"]
        return dx

    def scale(layer, forward, x):
        y = forward(x)
        x *= 0.5
        return y

    def double(layer, dx, dy):
        dy *= 2
        return dx

    layer = broken(backward=add)(3, 2)
    kept = layer.params["W"].copy()
    assert "backward changes parameter W" in str(caught(layer, normal(5, 3)))
    assert (layer.params["W"] == kept).all()
    assert "forward changes input x" in str(caught(broken(forward=scale)(3, 2), normal(5, 3)))
    assert "backward changes dy" in str(caught(broken(backward=double)(3, 2), normal(5, 3)))


def test_forward_must_repeat_itself():
    class Global(nnlite.Layer):
        def forward(self, x, training=False):
            self.factor = np.random.default_rng().random()
            return x * self.factor

    error = caught(Global(dtype="float64"), normal(2, 3))
    assert "returns two different outputs for the same input" in str(error)
    assert "self.rng" in error.cause
    assert "reset_state" in error.cause


def test_a_parameter_that_forward_does_not_read():
    class Copied(Plain):
        def __init__(self, F, U):
            super().__init__(F, U)
            self.W = self.params["W"].copy()

        def forward(self, x):
            self.x = x
            return x @ self.W + self.params["b"]

    error = caught(Copied(3, 2), normal(4, 3))
    assert error.name == "parameter W"
    assert error.numeric == 0
    assert "does not depend on parameter W: does it read another array" in error.cause


# ------------------------------------------------------------------------------------------------------ time


@both_modes
def test_a_missing_term_from_the_next_time_step(fast):
    error = caught(Cell(3, "no next step"), normal(2, 5, 2), fast)
    assert error.cause.startswith("with one time step, only the gradient of initial state 0 is wrong: look at the line")
    assert error.name == "input x"
    assert error.time_step == error.index[1] == 3  # step 4 is the last, and right
    ids_like = caught(Cell(3, "no next step", sequences=False), normal(2, 5, 2), fast)
    assert ids_like.cause == error.cause


def test_a_missing_term_from_the_next_time_step_of_an_lstm():
    """Cut off the gradient between two time steps of a right layer, by running backward on each step alone."""

    class Cut(LSTM):
        def backward(self, dy, dstate=None):
            x, dx, sums = self.whole, [], dict.fromkeys(self.grads, 0)
            T, state, states = x.shape[1], self.start, []
            for t in range(T):
                states.append(state)
                super().forward(x[:, t : t + 1], initial_state=state)
                state = self.state
            for t in reversed(range(T)):
                super().forward(x[:, t : t + 1], initial_state=states[t])
                dx.append(super().backward(dy[:, t : t + 1], dstate if t == T - 1 else None))
                sums = {name: sums[name] + g for name, g in self.grads.items()}
            for name, total in sums.items():
                self.grads[name][...] = total
            return np.concatenate(dx[::-1], axis=1)

        def forward(self, x, training=False, initial_state=None):
            self.whole, self.start = x, initial_state
            return super().forward(x, training, initial_state)

    error = caught(Cut(3, return_sequences=True, dtype="float64", seed=0), normal(2, 4, 2))
    assert error.cause.startswith("a missing term from the next time step")
    assert error.time_step == 2


@both_modes
def test_a_parameter_names_the_first_wrong_time_step(fast):
    class WithoutInput(Cell):
        """So that only parameters and states are there to be wrong, as with integer ids."""

        def forward(self, x, training=False, initial_state=None):
            return super().forward(np.eye(4)[x], training, initial_state)

        def backward(self, dy, dstate=None):
            super().backward(dy, dstate)

        def build(self, input_shape):
            super().build((4,))

    error = caught(WithoutInput(3, "no next step"), np.array([[0, 1, 3], [2, 2, 1]]), fast)
    assert error.name == "parameter Wx"
    assert error.time_step == 1  # a loss of step 0 alone needs no next step
    assert error.cause.startswith("with one time step, only the gradient of initial state 0 is wrong")


@both_modes
def test_steps_that_are_not_summed(fast):
    error = caught(Cell(3, "first step only"), normal(2, 5, 2), fast)
    assert error.name.startswith("parameter")
    assert error.cause.startswith("the sum over the time steps")
    assert error.time_step == 1


@both_modes
@pytest.mark.parametrize(
    ("wrong", "names", "cause"),
    [
        ("Wh", {"input x"}, "a transposed weight: backward multiplies by parameter Wh"),
        ("h of the wrong step", {"parameter Wh"}, "only the gradient of parameter Wh is wrong. The others come from"),
        ("start from zeros", {"parameter Wh"}, "only the gradient of parameter Wh is wrong. The others come from"),
        ("initial state", {"initial state 0"}, "backward gives 2 times the right gradient"),
        ("final state", {"input x", "parameter Wx"}, "the gradient of the final state: "),
    ],
)
def test_other_recurrent_mistakes(wrong, names, cause, fast):
    error = caught(Cell(3, wrong), normal(3, 5, 2), fast)
    assert error.name in names
    assert cause in error.cause


def test_where_a_state_is_wrong_too_it_is_not_one_parameter_alone():
    class Both(Cell):
        def backward(self, dy, dstate=None):
            dx = super().backward(dy, dstate)
            self.grads["b"] += np.arange(3)
            self.dinitial_state = (self.dinitial_state[0] + 0.3,)
            return dx

    assert "only the gradient" not in caught(Both(3), normal(3, 5, 2)).cause


# ------------------------------------------------------------------------------------------------ models and losses


class Row:
    """Layers one after the other, without a class of nnlite's."""

    def __init__(self, *layers, order=-1):
        self.layers, self.order = layers, order

    @property
    def params(self):
        return {f"{i}.{k}": v for i, layer in enumerate(self.layers) for k, v in layer.params.items()}

    @property
    def grads(self):
        return {f"{i}.{k}": v for i, layer in enumerate(self.layers) for k, v in layer.grads.items()}

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy):
        for layer in self.layers[:: self.order]:
            dy = layer.backward(dy)
        return dy


@both_modes
def test_models(fast):
    model = Row(Cell(4), Dense(3, dtype="float64"), Tanh(dtype="float64"), Dense(4, dtype="float64"))
    report = gradcheck(model, normal(2, 3, 2), fast=fast)
    assert [row.name for row in report.rows][:2] == ["input x", "parameter 0.Wx"]
    assert report.max_error < 1e-7


@both_modes
@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "mse", None])
def test_a_model_with_its_loss(loss, fast):
    recurrent = [LSTM(units, return_sequences=True) for units in (5, 4)]
    layers = [Embedding(7, 4), recurrent[0], Dropout(0.3), recurrent[1], Dense(7), Softmax()]
    model = Sequential(layers, dtype="float64", seed=0)
    rng = np.random.default_rng(1)
    x, labels = rng.integers(7, size=(2, 3, 5))
    y = {"mse": np.eye(7)[labels], None: None}.get(loss, labels)
    report = gradcheck(model, x, y=y, loss=loss, training=True, fast=fast)
    assert [row.name for row in report.rows] == [f"parameter {name}" for name in model.params]
    assert report.max_error < 1e-6
    assert all(row.largest > 0 for row in report.rows)


def test_a_model_of_nnlite_names_the_layer_that_is_wrong():
    class Forgets(LSTM):
        def backward(self, dy, dstate=None):
            dx = super().backward(dy, dstate)
            self.grads["b"][:5] = 0
            return dx

    model = Sequential([OneHot(7), Forgets(5, return_sequences=True), Dense(7)], dtype="float64", seed=0)
    error = caught(model, np.random.default_rng(1).integers(7, size=(3, 4)))
    assert error.layer == "Forgets 'forgets' of Sequential"
    assert (error.name, error.analytic) == ("parameter b", 0)
    assert error.index[0] < 5
    with pytest.raises(ValueError, match="OneHot has nothing to check"):
        gradcheck(OneHot(7, dtype="float64"), np.array([[1, 2]]))


@both_modes
def test_a_model_names_the_layer_that_is_wrong(fast):
    class Flipped(Tanh):
        def backward(self, dy):
            return -super().backward(dy)

    model = Row(Plain(2, 3), Flipped(dtype="float64", name="middle"), Dense(2, dtype="float64"))
    error = caught(model, normal(4, 2), fast)
    assert error.layer == "Flipped 'middle' of Row"
    assert error.name == "input x"
    assert "the sign" in error.cause
    model = Row(Flipped(dtype="float64", name="first"), Plain(3, 3), Flipped(dtype="float64", name="last"))
    assert caught(model, normal(4, 3), fast).layer == "Flipped 'last' of Row"


def test_a_layer_of_a_model_is_held_to_the_same_tolerance():
    class NearlyRight(Tanh):
        def backward(self, dy):
            return (1 + 5e-7) * super().backward(dy)

    model = Row(Plain(2, 3), NearlyRight(dtype="float64", name="near"), Dense(2, dtype="float64"))
    gradcheck(model, normal(4, 2))
    assert caught(model, normal(4, 2), tolerance=1e-7).layer == "NearlyRight 'near' of Row"


def test_a_model_that_joins_right_layers_wrongly():
    layers = [Plain(3, 3), Tanh(dtype="float64"), Plain(3, 3)]
    error = caught(Row(*layers, order=1), normal(4, 3))
    assert error.layer == "Row"
    assert "each layer is right by itself" in error.cause


class HalfSquare:
    """mean of (y - y_pred)^2, or with a wrong gradient."""

    def __init__(self, wrong=1.0):
        self.wrong = wrong

    def forward(self, y_true, y_pred):
        self.difference = y_pred - y_true
        return float(np.mean(self.difference**2))

    def backward(self):
        return self.wrong * 2 * self.difference / self.difference.size


@both_modes
def test_losses(fast):
    x, y = normal(4, 3), normal(4, 2, seed=9)
    assert gradcheck(Plain(3, 2), x, y=y, loss=HalfSquare(), fast=fast).max_error < 1e-7
    error = caught(Plain(3, 2), x, fast, y=y, loss=HalfSquare(0.5))
    assert (error.layer, error.name) == ("HalfSquare", "input y_pred")
    assert error.numeric == pytest.approx(2 * error.analytic, rel=1e-5)
    assert "1/2 times the right gradient: is the 2 of a square's derivative missing?" in error.cause
    error = caught(MISTAKES["sign"][0](3, 2), normal(5, 3), fast, y=normal(5, 2, seed=9), loss=HalfSquare())
    assert error.name == "parameter W"
    assert "the sign" in error.cause
    with pytest.raises(TypeError, match=r"got the class MeanSquaredError: use an instance"):
        gradcheck(Plain(3, 2), x, y=y, loss=nnlite.MeanSquaredError)
    with pytest.raises(ValueError, match="loss, y: expected both or neither"):
        gradcheck(Plain(3, 2), x, y=y)


# ------------------------------------------------------------------------------------ numbers that hide mistakes


def forgetful(base, name, *arguments):
    """A layer whose backward takes a parameter, or statistics, for what a new layer has."""

    class Forgetful(base):
        def build(self, input_shape):
            super().build(input_shape)
            self.new = self.forgotten().copy()

        def forgotten(self):
            return (self.params | self.statistics)[name]

        def forward(self, x, training=False):
            self.seen = x, training
            return super().forward(x, training)

        def backward(self, dy):
            kept = self.forgotten().copy()
            self.forgotten()[...] = self.new
            super().forward(*self.seen)
            dx = super().backward(dy)
            self.forgotten()[...] = kept
            return dx

    return Forgetful(*arguments, dtype="float64", seed=0)


class Square(Plain):
    """y = (x W + b)^2 with b = 0, and a backward that forgets b."""

    def __init__(self, F, U):
        super().__init__(F, U)
        self.params["b"][...] = 0

    def forward(self, x):
        super().forward(x)
        return (x @ self.params["W"] + self.params["b"]) ** 2

    def backward(self, dy):
        return super().backward(2 * (self.x @ self.params["W"]) * dy)


class Slope(nnlite.Layer):
    """y = x, or slope x where x < 0; the slope is one number, and stands in backward as such."""

    def __init__(self, shape, slope=0.25):
        super().__init__(dtype="float64")
        self.params, self.grads = {"slope": np.full(shape, slope)}, {"slope": np.zeros(shape)}
        self.written = slope

    def forward(self, x, training=False):
        self.x = x
        return np.where(x < 0, self.params["slope"] * x, x)

    def backward(self, dy):
        self.grads["slope"][...] = (dy * np.minimum(self.x, 0)).sum()
        return np.where(self.x < 0, self.written * dy, dy)


class Scale(nnlite.Layer):
    """y = scale x, with a backward that takes the scale for 1: a constant factor, whose cause is known better."""

    def __init__(self):
        super().__init__(dtype="float64")
        self.params, self.grads = {"scale": np.ones(1)}, {"scale": np.zeros(1)}

    def forward(self, x, training=False):
        self.x = x
        return self.params["scale"] * x

    def backward(self, dy):
        self.grads["scale"][...] = (dy * self.x).sum()
        return dy.copy()


FORGETFUL = {
    "the gamma of LayerNorm": (lambda: forgetful(nnlite.LayerNorm, "gamma"), False, "parameter gamma"),
    "the gamma of BatchNorm": (lambda: forgetful(nnlite.BatchNorm, "gamma"), True, "parameter gamma"),
    "the gamma of BatchNorm in use": (lambda: forgetful(nnlite.BatchNorm, "gamma"), False, "parameter gamma"),
    "the moving mean": (lambda: forgetful(nnlite.BatchNorm, "moving_mean"), False, "statistic moving_mean"),
    "the moving variance": (lambda: forgetful(nnlite.BatchNorm, "moving_variance"), False, "statistic moving_variance"),
    "the b of LSTM": (lambda: forgetful(LSTM, "b", 3), False, "parameter b"),
    "the b of GRU": (lambda: forgetful(GRU, "b", 3), False, "parameter b"),
    "the b of RNN": (lambda: forgetful(RNN, "b", 3), False, "parameter b"),
    "the b of a square": (lambda: Square(3, 2), False, "parameter b"),
    "a parameter of one number": (lambda: Slope((1,)), False, "parameter slope"),
    "a parameter without axes": (lambda: Slope(()), False, "parameter slope"),
    "a factor for all": (Scale, False, "parameter scale"),
}


@both_modes
@pytest.mark.parametrize("what", FORGETFUL)
def test_what_backward_forgets_shows_where_a_new_layer_would_hide_it(what, fast):
    make, training, name = FORGETFUL[what]
    layer, x = make(), normal(5, 4, 3) if isinstance(make(), LSTM | GRU | RNN) else normal(5, 3)
    error = caught(layer, x, fast, training=training)
    assert error.cause.startswith(f"{name} is left out, or its values are written into backward: while it ")
    assert name in error.moved
    assert "changed a little for the check" in str(error)
    arrays = getattr(layer, "statistics", {}) | layer.params
    number = {"gamma": 1, "moving_mean": 0, "moving_variance": 1, "slope": 0.25, "scale": 1}.get(name.split()[1])
    if number is not None:
        assert (arrays[name.split()[1]] == number).all(), "what was moved is not put back"


def test_what_a_layer_of_a_model_forgets():
    layer = forgetful(nnlite.LayerNorm, "gamma")
    model = Sequential([Dense(4), layer, Dense(2)], dtype="float64", seed=0)
    error = caught(model, normal(5, 3))
    assert error.layer == "Forgetful 'forgetful' of Sequential"
    assert error.cause.startswith("parameter gamma is left out")
    assert error.moved == ["parameter gamma", "parameter beta"]
    assert (layer.params["gamma"] == 1).all()
    assert not model.params["dense.b"].any()


def snapshot(layer):
    """The bits of everything that a layer holds."""
    arrays = [*layer.params.values(), *layer.statistics.values()]
    for part in getattr(layer, "layers", [layer]):
        arrays += [part.rng.bit_generator.state["state"]["state"], *(getattr(part, "state", None) or ())]
    return [array.tobytes() if isinstance(array, np.ndarray) else array for array in arrays]


@both_modes
@pytest.mark.parametrize("ending", ["right", "wrong", "refused", "interrupted"])
def test_a_model_is_left_as_it_was_however_the_check_ends(ending, fast):
    class Ends(Tanh):
        calls = 0

        def backward(self, dy):
            Ends.calls += 1
            if ending == "interrupted" and Ends.calls == 2:
                raise KeyboardInterrupt
            return (2 if ending == "wrong" else 1) * super().backward(dy)

    layers = [LSTM(4, return_sequences=True, stateful=True), Dropout(0.2), nnlite.BatchNorm(), Ends(), GRU(3), Dense(2)]
    model, x = Sequential(layers, dtype="float64", seed=0), normal(3, 4, 2)
    model.forward(x, training=True)
    before = snapshot(model)
    if ending == "refused":
        x = np.full_like(x, np.nan)
    error = {"wrong": GradientCheckError, "refused": ValueError, "interrupted": KeyboardInterrupt}.get(ending)
    if error is None:
        moved = gradcheck(model, x, training=True, fast=fast).moved
        names = ["lstm.b", "batch_norm.gamma", "batch_norm.beta", "gru.b", "dense.b"]
        assert moved == [f"parameter {name}" for name in names]
    else:
        with pytest.raises(error):
            gradcheck(model, x, training=True, fast=fast)
    assert snapshot(model) == before


def test_only_numbers_that_hide_mistakes_move():
    layer = Plain(3, 2)
    W = layer.params["W"]
    W[0, 0], W[2, 1], W[1, 0] = -2.0, -2.0, 0.0
    kept, seen = W.copy(), []
    forward, layer.forward = layer.forward, lambda x: (seen.append(W.copy()), forward(x))[1]
    report = gradcheck(layer, normal(5, 3), fast=True)
    assert report.moved == ["parameter W"]
    np.testing.assert_array_equal(W, kept)
    moved = np.median(seen, axis=0)  # all directions move it both ways from there
    assert ((np.abs(moved - kept) > 0.1) == (kept == -2.0)).all()
    assert (moved[kept == -2.0] < -1.3).all()
    assert moved[0, 0] != moved[2, 1]
    assert gradcheck(Plain(3, 2), normal(5, 3)).moved == []


def test_parameters_stay_where_they_are_if_forward_has_no_value_elsewhere():
    class Bounded(Slope):
        """y = f(p) x with f(p) = sqrt(0.001 - (p - 1)^2)"""

        def forward(self, x, training=False):
            self.x, self.f = x, np.sqrt(1e-3 - (self.params["slope"] - 1) ** 2)
            return self.f * x

        def backward(self, dy):
            self.grads["slope"][...] = (dy * self.x).sum(axis=0) * (1 - self.params["slope"]) / self.f
            return self.f * dy

    report = gradcheck(Bounded(3, 1.01), normal(4, 3))
    assert report.moved == []
    assert "changed" not in str(report)


@pytest.mark.parametrize("error", [ValueError, RuntimeError])
def test_parameters_stay_where_they_are_if_the_layer_refuses_others(error):
    class Strict(Slope):
        def forward(self, x, training=False):
            if abs(self.params["slope"] - 0.25).max() > 0.01:
                raise error("only a quarter will do")
            return super().forward(x)

    assert gradcheck(Strict((1,)), normal(4, 3)).moved == []


def test_a_parameter_under_two_names_moves_once_and_comes_back():
    class Tied(Plain):
        """y = x W + 2 b, where b has two names."""

        def __init__(self, F, U):
            super().__init__(F, U)
            self.params["b"][...] = 0.0
            self.params["c"], self.grads["c"] = self.params["b"], self.grads["b"]

        def forward(self, x):
            return super().forward(x) + self.params["c"]

        def backward(self, dy):
            dx = super().backward(dy)
            self.grads["b"] *= 2
            return dx

    layer = Tied(3, 2)
    assert gradcheck(layer, normal(4, 3)).moved == ["parameter b"]
    assert not layer.params["b"].any()


def test_statistics_that_a_training_does_not_read_stay_where_they_are():
    layer = nnlite.BatchNorm(dtype="float64")
    assert gradcheck(layer, normal(4, 3), training=True).moved == ["parameter gamma", "parameter beta"]
    assert "statistic moving_mean" in gradcheck(layer, normal(4, 3)).moved


def test_the_report_names_what_moved():
    report = gradcheck(Dense(2, dtype="float64"), normal(4, 3))
    assert report.moved == ["parameter b"]
    assert report.constant == []
    last = "changed a little for the check, because values such as 0 and 1 hide mistakes: parameter b"
    assert str(report).splitlines()[-1] == last
    layers = [Dense(2, name=f"d{i}") for i in range(6)]
    report = gradcheck(Sequential(layers, dtype="float64"), normal(4, 3))
    assert str(report).endswith("parameter d0.b, parameter d1.b, parameter d2.b, parameter d3.b and 2 more")


@pytest.mark.parametrize("x", [np.zeros((4, 3)), np.full((4, 3), 0.5), np.zeros((4, 3), int)])
def test_a_constant_input_is_checked_as_it_is_with_a_warning(x):
    """It is the point that was asked for; but it hides mistakes as constant parameters do."""
    layer = Embedding(5, 3) if x.dtype.kind == "i" else Dense(2)
    report = gradcheck(Sequential([layer], dtype="float64", seed=0), x)
    assert report.constant == ["input x"]
    assert str(report).splitlines()[-1] == ("warning: input x is constant, which hides mistakes: use random numbers")
    assert "warning" not in str(gradcheck(Dense(2, dtype="float64"), normal(1, 1)))


def test_a_constant_initial_state_gets_a_warning():
    report = gradcheck(Cell(3), normal(2, 4, 2), initial_state=(np.zeros((2, 3)),))
    assert report.constant == ["initial state 0"]
    assert gradcheck(Cell(3), normal(2, 4, 2)).constant == []


# ---------------------------------------------------------------------------------------------------- kinks


class Largest(nnlite.Layer):
    """y = the largest number of each row; its gradient goes to the first of equal ones."""

    def forward(self, x, training=False):
        self.x = x
        return x.max(axis=1)

    def backward(self, dy):
        dx = np.zeros_like(self.x)
        dx[np.arange(len(dx)), self.x.argmax(axis=1)] = dy
        return dx


def test_kinks_are_named_not_failed():
    x = normal(3, 4)
    x[0, 1] = x[2, 3] = 0.0
    report = gradcheck(ReLU(dtype="float64"), x)
    assert report.kinks == [("input x", (0, 1)), ("input x", (2, 3))]
    assert report.rows[0].checked == 12
    assert report.max_error < 1e-6  # at a kink there is none
    tied = np.array([[1.0, 3.0, 3.0], [0.5, 0.2, 0.1]])
    assert gradcheck(Largest(dtype="float64"), tied).kinks == [("input x", (0, 1)), ("input x", (0, 2))]


class Offset(nnlite.Layer):
    """y = x - offset, with dx too large by a factor."""

    def __init__(self, offset, factor=1.0):
        super().__init__(dtype="float64")
        self.offset, self.factor = offset, factor

    def forward(self, x):
        return x - self.offset

    def backward(self, dy):
        return self.factor * dy


def test_a_step_is_as_large_as_rounding_leaves_it():
    gradcheck(Offset(1e7), 1e7 + normal(2, 3))


def test_of_a_wrong_number_the_slope_of_the_largest_step_is_shown():
    """Smaller ones, which are tried for a kink's sake, have fewer digits."""
    error = caught(Offset(1e3, factor=2), normal(2, 3))
    assert error.analytic == pytest.approx(2 * error.numeric, rel=1e-7)


def test_a_difference_that_no_half_of_the_numbers_shows_has_no_index():
    assert caught(Offset(0, factor=1 + 1.1e-6), normal(20, 3), fast=True).index is None


def test_a_kink_beside_the_point_is_no_kink():
    x = np.array([[3e-6, -3e-6, 4e-7, 1.0]])
    report = gradcheck(ReLU(dtype="float64"), x)
    assert report.kinks == []
    assert report.max_error < 1e-6


@pytest.mark.parametrize("slope", [-0.1, 1.1])
def test_a_slope_at_a_kink_must_lie_between_its_sides(slope):
    class Leans(ReLU):
        def forward(self, x, training=False):
            self.at_zero = x == 0
            return super().forward(x)

        def backward(self, dy):
            return np.where(self.at_zero, slope * dy, super().backward(dy))

    error = caught(Leans(dtype="float64"), np.array([[1.0, 0.0, -2.0]]))
    assert error.index == (0, 1)


def test_a_wrong_gradient_is_not_excused_by_kinks_elsewhere():
    x = normal(3, 4)
    x[0] = 0.0

    class Wrong(ReLU):
        def backward(self, dy):
            return 1.01 * super().backward(dy)

    assert caught(Wrong(dtype="float64"), x).index[0] > 0


def test_a_sharp_bend_is_no_kink():
    """The slopes on both sides of 500 x^2 differ by 1000 step: that must not excuse a wrong one between them."""

    class Parabola(nnlite.Layer):
        wrong = 0.0

        def forward(self, x, training=False):
            self.x = x
            return 500 * x * x

        def backward(self, dy):
            return (1000 * self.x + self.wrong) * dy

    layer, x = Parabola(dtype="float64"), np.array([[0.01]])
    assert gradcheck(layer, x).kinks == []
    layer.wrong = 5e-5
    assert caught(layer, x).index == (0, 0)


@both_modes
def test_nothing_but_kinks_is_not_a_success(fast):
    with pytest.raises(ValueError, match=r"away from kinks, got input x with every number at one.*use random numbers"):
        gradcheck(ReLU(dtype="float64"), np.zeros((2, 3)), fast=fast)


# ------------------------------------------------------------------------------------------ numbers of any kind


def rows_of(report):
    return [(row.name, row.size, row.error) for row in report.rows]


@pytest.mark.parametrize(
    "make", [lambda: Plain(3, 2), lambda: Dense(2, seed=0), lambda: Dense(2, dtype="float64", seed=0)]
)
def test_x_of_any_kind_is_a_float64_copy(make):
    for kind, x, array in floats_of(normal(4, 3)):
        report = gradcheck(make(), x)
        assert rows_of(report) == rows_of(gradcheck(make(), array.astype("float64"))), kind
        assert report.rows[0].name == "input x", kind


@pytest.mark.parametrize(
    ("make", "x"),
    [
        (lambda: Dense(3, seed=0), normal(4, 5)),
        (lambda: LSTM(3, return_sequences=True, seed=0), normal(2, 4, 3)),
        (lambda: LSTM(3, input_dim=5, seed=0), np.array([[0, 4, 4], [2, 1, 0]])),
        (lambda: Bidirectional(GRU(3), seed=0), normal(2, 4, 3)),
        (lambda: nnlite.BatchNorm(seed=0), normal(4, 3)),
        (lambda: nnlite.Dropout(0.5, seed=0), normal(4, 3)),
        (lambda: Sequential([Embedding(5, 3), GRU(4), Dense(2)], seed=0), np.array([[0, 4, 4], [2, 1, 0]])),
    ],
)
@pytest.mark.parametrize("is_built", [False, True])
def test_of_a_float32_layer_a_copy_in_float64_is_checked(make, x, is_built):
    layer = make()
    if is_built:
        layer.forward(x if x.dtype.kind == "i" else x.astype("float32"))
    before = {f"{what} {k}": v.copy() for what in ("params", "grads") for k, v in getattr(layer, what).items()}
    was_built, rng = layer.built, layer.rng.bit_generator.state
    report = gradcheck(layer, x, training=True)
    assert report.max_error < 1e-7
    names = {row.name.removeprefix("parameter ") for row in report.rows if row.name.startswith("parameter")}
    exact = make()
    exact.forward(x)
    assert names == set(exact.params)
    assert layer.built == was_built
    assert layer.dtype == np.float32
    assert layer.rng.bit_generator.state == rng
    after = {f"{what} {k}": v for what in ("params", "grads") for k, v in getattr(layer, what).items()}
    assert after.keys() == before.keys()
    for name, array in after.items():
        assert_same_bits(array, before[name], name)


class Scaled(nnlite.Layer):
    """Holds its parameter in an attribute as well, and in a layer inside."""

    def __init__(self, wrong=1.0, **options):
        super().__init__(**options)
        self.wrong, self.inner = wrong, [Dense(2, seed=0)]
        self.gain = np.linspace(1, 2, 2, dtype="float32")

    def build(self, input_shape):
        self.inner[0].build(input_shape)
        self.params["gain"], self.grads["gain"] = self.gain, np.zeros_like(self.gain)
        for name in ("W", "b"):
            self.params[name], self.grads[name] = self.inner[0].params[name], self.inner[0].grads[name]
        self.built = True

    def forward(self, x, training=False):
        if not self.built:
            self.build(x.shape[1:])
        self.y = self.inner[0].forward(x)
        return self.gain * self.y

    def backward(self, dy):
        self.grads["gain"][...] = self.wrong * (dy * self.y).sum(axis=0)
        return self.inner[0].backward(dy * self.gain)


@pytest.mark.parametrize("is_built", [False, True])
def test_an_own_float32_layer_is_copied_with_all_that_it_holds(is_built):
    layers = Scaled(), Scaled(wrong=1.5)
    for layer in layers:
        if is_built:
            layer.forward(normal(4, 3).astype("float32"))
    names = [row.name for row in gradcheck(layers[0], normal(4, 3)).rows]
    assert names == ["input x", "parameter gain", "parameter W", "parameter b"]
    assert caught(layers[1], normal(4, 3)).name == "parameter gain"
    assert layers[0].gain.dtype == layers[0].inner[0].dtype == np.float32
    assert layers[0].built == is_built


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_whole_numbers_are_numbers_to_a_layer_that_takes_numbers(dtype):
    x = np.array([[1, 2, 5], [0, -3, 4]])
    for given in (x, x.astype("int8"), x.tolist()):
        assert [row.name for row in gradcheck(Dense(2, dtype=dtype, seed=0), given).rows] == [
            "input x",
            "parameter W",
            "parameter b",
        ]

    class Forgets(Dense):
        def backward(self, dy, needs_dx=True):
            super().backward(dy)

    assert "backward gives no gradient of input x" in str(caught(Forgets(2, dtype=dtype, seed=0), x))


def test_whole_numbers_are_ids_to_a_layer_that_takes_ids():
    class Rows(nnlite.Layer):
        def forward(self, x, training=False):
            if not self.built:
                self.params["W"], self.grads["W"] = self.rng.standard_normal((5, 2)), np.zeros((5, 2))
                self.built = True
            self.x = x
            return self.params["W"][x]

        def backward(self, dy):
            self.grads["W"].fill(0)
            np.add.at(self.grads["W"], self.x, dy)

    x = np.array([[0, 4, 4], [2, 1, 0]])
    layers = [Rows(dtype="float64"), Embedding(5, 2), LSTM(2, input_dim=5), Sequential([nnlite.OneHot(5), Dense(2)])]
    for layer in layers:
        for given in (x, x.tolist(), x.astype("uint8")):
            names = [row.name for row in gradcheck(layer, given).rows]
            assert "input x" not in names
            assert any(name.startswith("parameter") for name in names)


@pytest.mark.parametrize("state", [np.ones((2, 3), "float32"), np.ones((2, 3)).tolist(), np.ones((2, 3), int)])
def test_an_initial_state_of_any_kind(state):
    found = gradcheck(Cell(3), normal(2, 4, 2), initial_state=(state,))
    assert rows_of(found) == rows_of(gradcheck(Cell(3), normal(2, 4, 2), initial_state=(np.ones((2, 3)),)))


def test_targets_of_any_kind():
    model = Sequential([Dense(2, seed=0)])
    for y in ([[1, 2], [3, 4]], np.array([[1, 2], [3, 4]], "float32")):
        report = gradcheck(model, normal(2, 3), loss="mse", y=y)
        assert rows_of(report) == rows_of(gradcheck(model, normal(2, 3), loss="mse", y=np.array([[1.0, 2], [3, 4]])))


# ------------------------------------------------------------------------------------------------- bad input


def test_a_parameter_or_an_output_of_float32_is_refused_with_the_reason():
    message = r"expected float64, got float32: central differences subtract .*dtype='float64'.* nnlite\.Layer"
    layer = Plain(3, 2)
    layer.dtype = np.dtype("float32")
    with pytest.raises(TypeError, match=f"the layer: {message}"):
        gradcheck(layer, normal(2, 3))

    class Rounds(Dense):
        def forward(self, x, training=False):
            return super().forward(x, training).astype("float32")

    with pytest.raises(TypeError, match=r"expected an array of float64 from Rounds.forward .* got float32"):
        gradcheck(Rounds(2), normal(2, 3))


def test_a_float32_parameter_is_refused():
    layer = Plain(3, 2)
    layer.params["W"] = layer.params["W"].astype("float32")
    with pytest.raises(TypeError, match="parameter W: expected float64, got float32"):
        gradcheck(layer, normal(4, 3))


@pytest.mark.parametrize(
    ("layer", "x", "error", "message"),
    [
        (Plain(3, 2), [[1.0, 2.0], [3.0]], ValueError, "x: expected lists of one length"),
        (Plain(3, 2), np.ones((2, 3), complex), TypeError, r"got an array of complex128: use np\.real\(x\)"),
        (Plain(3, 2), np.ma.masked_array(normal(2, 3)), TypeError, r"x: expected numbers, got a masked array"),
        (Plain(3, 2), [["a", "b", "c"]], TypeError, "x: expected numbers, got an array of texts"),
        (ReLU(dtype="float64"), np.zeros((0, 3)), ValueError, "nothing to check"),
        (ReLU(dtype="float64"), np.full((1, 3), np.inf), ValueError, "NaN or infinity"),
        (
            broken(forward=lambda layer, forward, x: np.float32(forward(x)))(3, 2),
            normal(2, 3),
            TypeError,
            "got float32",
        ),
        (broken(forward=lambda layer, forward, x: None)(3, 2), normal(2, 3), TypeError, "got NoneType"),
        (object(), normal(2, 3), TypeError, "forward"),
    ],
)
def test_bad_input(layer, x, error, message):
    with pytest.raises(error, match=message):
        gradcheck(layer, x)


def test_it_is_an_assertion_error():
    """So a test of one's own that calls it fails, and does not break."""
    assert issubclass(GradientCheckError, AssertionError)
    assert math.isfinite(caught(MISTAKES["sign"][0](3, 2), normal(5, 3)).analytic)


def test_a_layer_that_refuses_x_is_not_asked_twice():
    class Shy(Plain):
        def forward(self, x):
            self.times = getattr(self, "times", 0) + 1
            if self.times == 1:
                raise ValueError("not yet")
            return super().forward(x)

    with pytest.raises(ValueError, match=r"^not yet$"):
        gradcheck(Shy(3, 2), normal(4, 3))


def test_a_parameter_that_is_no_array_is_refused():
    class Lists(Plain):
        def __init__(self):
            super().__init__(3, 2)
            self.params["b"] = [1.0, 2.0]

    with pytest.raises(TypeError, match=r"parameter b: expected a NumPy array, got list: use np\.asarray"):
        gradcheck(Lists(), normal(4, 3))


def test_a_layer_that_takes_no_single_example_says_nothing_about_one():
    class Pairs(Plain):
        def forward(self, x):
            if len(x) < 2:
                raise ValueError("pairs only")
            return super().forward(x)

        def backward(self, dy):
            dx = super().backward(dy)
            self.grads["b"][...] = dy[0]
            return dx

    error = caught(Pairs(3, 2), normal(4, 3))
    assert error.name == "parameter b"
    assert "with one example" not in error.cause


def test_of_one_example_that_has_no_gradient_nothing_is_right():
    class Centred(nnlite.Layer):
        def forward(self, x):
            return x - x.mean(axis=0)

        def backward(self, dy):
            dx = dy - dy.mean(axis=0)
            return dx * abs(dx)

    assert "with one example" not in caught(Centred(dtype="float64"), normal(4, 3)).cause


@pytest.mark.parametrize(
    ("N", "cause"),
    [(2, "2 times .* right gradient: is a term added twice"), (3, "3 times .* 3 is the batch size N: the sum")],
)
def test_a_factor_of_a_layer_that_takes_no_single_example(N, cause):
    """Whether a 2 is the batch size cannot be tried, and it is the usual factor of a term that is added twice."""

    class Together(grad("W", lambda layer, g, dy: len(dy) * g)):
        def forward(self, x):
            if len(x) < 2:
                raise ValueError("two or more")
            return super().forward(x)

    assert re.search(cause, caught(Together(3, 2), normal(N, 3)).cause)


def test_a_seed_chooses_the_sum_that_is_derived():
    """L = sum of r * y, with r drawn anew by each seed; r is dy."""

    class Seen(Plain):
        def backward(self, dy):
            seen.append(dy.copy())
            return super().backward(dy)

    found = []
    for seed in (1, 1, 2):
        seen = []
        gradcheck(Seen(3, 2), normal(4, 3), seed=seed)
        found.append(seen[0])
    assert_same_bits(found[0], found[1])
    assert (found[0] != found[2]).all()


def test_a_sum_over_the_batch_is_missed_for_a_single_feature_too():
    class FirstExample(Plain):
        def backward(self, dy):
            dx = super().backward(dy)
            self.grads["b"][...] = dy[0]
            return dx

    assert "with one example the gradient is right" in caught(FirstExample(1, 2), normal(4, 1)).cause


class WithoutDy(nnlite.Sigmoid):
    def backward(self, dy):
        y = self.kept_y
        return y * (1 - y)

    def forward(self, x, training=False):
        self.kept_y = super().forward(x, training)
        return self.kept_y


@both_modes
def test_a_backward_that_does_not_use_dy(fast):
    assert caught(WithoutDy(dtype="float64"), normal(3, 4), fast).cause.startswith("dy is not used")


class NeverWritten(Plain):
    def backward(self, dy):
        self.grads["W"][...] = self.x.T @ dy
        return dy @ self.params["W"].T


def test_a_gradient_that_is_never_written():
    error = caught(NeverWritten(3, 2), normal(4, 3))
    assert "backward writes no gradient of parameter b: the old value stays" in str(error)
    assert error.cause.startswith("a line is missing: self.grads['b'][...] = ")


def test_of_two_numbers_one_is_never_written():
    class OneOfTwo(Plain):
        def backward(self, dy):
            self.grads["W"][...], self.grads["b"][1] = self.x.T @ dy, dy[:, 1].sum()
            return dy @ self.params["W"].T

    problem = "writes no gradient of parameter b at index (0,) (1 of 2 numbers): the old value stays"
    assert problem in str(caught(OneOfTwo(3, 2), normal(4, 3)))


class Alone(Cell):
    """A cell that starts from zeros: `forward` takes no states."""

    def forward(self, x, training=False):
        return super().forward(x, training)

    def backward(self, dy):
        return super().backward(dy)


@both_modes
@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize(("wrong", "lacks"), [("no next step", "has none"), ("Wh", "has a wrong one")])
def test_a_cell_without_states_that_passes_nothing_back(wrong, lacks, sequences, fast):
    error = caught(Alone(3, wrong, sequences), normal(2, 4, 2), fast)
    if wrong == "Wh":  # known better
        assert error.cause.startswith("a transposed weight")
    else:
        assert error.cause.startswith("what goes from step t + 1 back to step t: of a loss of the last step")
        assert error.cause.endswith(f"every input before it {lacks}")


class RightForOneFeature(Plain):
    """Of each row dx is right for the last feature alone, as it would be for the last of some steps."""

    def backward(self, dy):
        dx = super().backward(dy)
        dx[:, :-1] += dx[:, 1:] ** 2
        return dx


def test_features_are_not_taken_for_steps():
    assert "step t" not in caught(RightForOneFeature(3, 2), normal(4, 3)).cause

    class MixesFeatures(Tanh):
        def backward(self, dy):
            dx = super().backward(dy)
            return 3 * dx - 2 * dx.mean(axis=1, keepdims=True)

    assert "with one time step" not in caught(MixesFeatures(dtype="float64"), normal(4, 3)).cause


class NotANumber(Plain):
    """Of a parameter's gradient, or of dx."""

    def __init__(self, F, U, wrong):
        super().__init__(F, U)
        self.wrong = wrong

    def backward(self, dy):
        dx = super().backward(dy)
        (dx if self.wrong == "x" else self.grads[self.wrong])[0] = np.nan
        return dx


def test_only_arrays_of_the_layer_can_hold_what_np_empty_left():
    left = "numbers from np.empty that backward did not overwrite"
    assert left in caught(NotANumber(3, 2, "W"), normal(4, 3)).cause
    assert left not in caught(NotANumber(3, 2, "x"), normal(4, 3)).cause


def test_random_directions_go_both_ways():
    numbers = signed(np.random.default_rng(0), 1000)
    assert 400 < (numbers > 0).sum() < 600
    assert (abs(numbers) >= 0.5).all()


@pytest.mark.parametrize(("layer", "lacks"), [(np.tanh, "forward"), (SimpleNamespace(forward=abs), "backward")])
def test_what_has_no_two_passes_is_refused(layer, lacks):
    with pytest.raises(TypeError, match=rf"expected an object with forward\(x\) and .* which has no {lacks}"):
        gradcheck(layer, np.ones((2, 3)))


def test_a_copy_in_float64_shares_what_its_original_shares():
    layer, inner = Dense(2, seed=0), Dense(3)
    layer.build((4,))
    W = layer.params["W"]
    layer.more, layer.inner, layer.counts = [W, (W, W)], {"one": [inner, Dense], "other": inner}, np.arange(3)
    copied = in_float64(layer)
    (one, pair), W64 = copied.more, copied.params["W"]
    assert (W.dtype, W64.dtype, copied.counts.dtype) == (np.float32, np.float64, layer.counts.dtype)
    assert (type(pair), {id(array) for array in (one, *pair)}) == (tuple, {id(W64)})
    assert in_float64(copied) is copied
    assert layers_inside(layer) == [layer, inner]
    assert copied.inner["other"].dtype == np.float64
    assert copied.inner["one"][0] is copied.inner["other"]


def test_a_layer_of_ones_own_may_have_a_number_of_layers():
    class Tripled(nnlite.Layer):
        layers = 3

        def forward(self, x, training=False):
            return 3 * x

        def backward(self, dy):
            return 2 * dy

    with pytest.raises(GradientCheckError, match=r"^Tripled: the gradient of input x is wrong"):
        gradcheck(Tripled(), normal(2, 3))


def test_the_error_of_a_report_is_that_of_its_worst_row():
    report = nnlite.gradcheck(nnlite.Dense(3), np.random.default_rng(0).normal(size=(2, 4)))
    errors = [row.error for row in report.rows]
    assert report.max_error == max(errors) > min(errors)
