"""nnlite.tape: gradients of NumPy programs, against central differences and against the references' backward passes."""

import sys

import numpy as np
import pytest
from numeric import assert_close, central_differences

from nnlite.reference import activation, gru, gru_reset_before, lstm, norm, rnn, softmax
from nnlite.tape import Tape
from nnlite.tape.rules import COMPOSED, JOINS, MOVES, RULES

T, N, F, H = 4, 3, 5, 2
LENGTHS = [None, np.array([4, 2, 0])]


def drawn(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


def taped(function, *arrays, dy=None):
    """The result of a function of arrays, and its gradients."""
    tape = Tape()
    noted = [tape.array(array) for array in arrays]
    y = tape.call(function, *noted)
    tape.backward(y, np.ones(y.shape) if dy is None else dy)
    return y.value, [tape.gradient(array) for array in noted]


# Every rule.

x, other, positive = drawn((3, 4), (3, 4), (3, 4))
positive = np.abs(positive) + 0.5
mask = x > other
PROGRAMS = {
    np.add: lambda a, b: a + b[0],
    np.subtract: lambda a, b: 2 - a - b[:, :1],
    np.multiply: lambda a, b: a * b[0] * 3,
    np.true_divide: lambda a, b: a / (b * b + 1) + 1 / (a * a + 2),
    np.power: lambda a, b: a**3 + (b * b + 1) ** a,
    np.matmul: lambda a, b: a @ b.T + (a @ b[0])[:, None] + a[0] @ b.T + a[0] @ b[0],
    np.logaddexp: lambda a, b: np.logaddexp(a, b),
    np.maximum: lambda a, b: np.maximum(a, b) + np.maximum(a, 0),
    np.minimum: lambda a, b: np.minimum(a, b),
    np.where: lambda a, b: np.where(mask, a * a, b),
    np.negative: lambda a, b: -a * b,
    np.absolute: lambda a, b: abs(a) * b,
    np.square: lambda a, b: np.square(a) * b,
    np.sqrt: lambda a, b: np.sqrt(a * a + 1) * b,
    np.exp: lambda a, b: np.exp(a * b),
    np.log: lambda a, b: np.log(a * a + b * b),
    np.tanh: lambda a, b: np.tanh(a * b),
    np.reshape: lambda a, b: a.reshape(4, 3) @ b + np.reshape(a, (2, -1))[0, 0],
    np.ravel: lambda a, b: a.ravel() * np.ravel(b)[::-1],
    np.transpose: lambda a, b: a.T @ b + np.transpose(a) @ b,
    np.swapaxes: lambda a, b: a.swapaxes(0, 1) @ b,
    np.moveaxis: lambda a, b: np.moveaxis(a, 0, 1) @ b,
    np.expand_dims: lambda a, b: np.expand_dims(a, 1) * b[:, :, None],
    np.squeeze: lambda a, b: np.squeeze(a[:, :1]) * b[:, 0],
    np.broadcast_to: lambda a, b: np.broadcast_to(a, (2, 3, 4)) * b,
    np.split: lambda a, b: np.split(a, 2, axis=1)[0] * np.split(b, [1, 3], axis=1)[1],
    np.take: lambda a, b: np.take(a, [1, 1, 2], axis=1) * b[:, :3],
    np.repeat: lambda a, b: np.repeat(a, 2, axis=0) * np.repeat(b, 2, axis=0) ** 2,
    np.flip: lambda a, b: np.flip(a) * b,
    np.pad: lambda a, b: np.pad(a, 1) * np.pad(b, 1, mode="edge"),
    np.copy: lambda a, b: a.copy() * np.copy(b),
    np.concatenate: lambda a, b: np.concatenate([a, 1 + 0 * x, b * a]) ** 2,
    np.stack: lambda a, b: np.stack([a, b]) ** 2,
    np.hstack: lambda a, b: np.hstack([a, b]) ** 2,
    np.vstack: lambda a, b: np.vstack([a, b]) ** 2,
    np.lib.stride_tricks.sliding_window_view: lambda a, b: (
        np.lib.stride_tricks.sliding_window_view(a, 2, axis=1) * b[:, :3, None]
    ),
    np.sum: lambda a, b: a.sum() * b + np.sum(a, axis=0) * b.sum(axis=(0, 1), keepdims=True),
    np.mean: lambda a, b: (a * b).mean(axis=1, keepdims=True) * a + np.mean(b),
    np.max: lambda a, b: a.max(axis=1) * np.max(b) * a.max(axis=(0, 1), keepdims=True).reshape(1),
    np.var: lambda a, b: a.var(axis=0) * np.var(b, axis=1, keepdims=True),
    np.clip: lambda a, b: np.clip(a, -0.5, 0.5) * b,
    np.dot: lambda a, b: np.dot(a, b.T),
    np.zeros_like: lambda a, b: np.zeros_like(a) + a * b,
    np.empty_like: lambda a, b: _written(np.empty_like(a), a * b),
}


def _written(memory, values):
    memory[1:] = values[:2]
    memory[0] = values[2] * 2
    memory[0, :2] *= 3
    return memory


def test_every_function_that_the_tape_knows_is_tried():
    assert PROGRAMS.keys() == {*RULES, *MOVES, *JOINS, *COMPOSED}


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_functions_against_central_differences(function):
    program = PROGRAMS[function]
    a, b = x.copy(), other.copy()
    expected = program(a, b)
    (dy,) = drawn(expected.shape, seed=1)
    y, gradients = taped(program, a, b, dy=dy)
    np.testing.assert_allclose(y, expected, rtol=1e-14, atol=1e-14)
    for array, gradient in zip((a, b), gradients, strict=True):
        numeric = central_differences(lambda: (program(a, b) * dy).sum(), array)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-8)


# The references.


def gradients_of(tape, arrays):
    return [tape.gradient(array) for array in arrays]


RECURRENT = {
    "rnn": (rnn, 1, 1, [], (False,)),
    "rnn of relu": (rnn, 1, 1, [], (True,)),
    "lstm": (lstm, 4, 2, [4], ()),
    "gru": (gru, 3, 1, [4], ()),
    "gru_reset_before": (gru_reset_before, 3, 1, [4], ()),
}


@pytest.mark.parametrize("lengths", LENGTHS, ids=["full", "lengths"])
@pytest.mark.parametrize("S", [1, T], ids=["last", "all"])
@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_references(name, S, lengths):
    kernel, G, states, kept, options = RECURRENT[name]
    x, Wx, Wh, b = drawn((T, N, F), (F, G * H), (H, G * H), (2, G * H) if name == "gru" else (G * H,))
    memory = [np.zeros((T + 1, N, H)) for _ in range(states)] + [np.zeros((T, N, k * H)) for k in kept]
    for state, start in zip(memory[:states], drawn(*[(N, H)] * states, seed=1), strict=True):
        state[0] = start
    dy, *dstates = drawn((N, S, H), *[(N, H)] * states, seed=2)

    tape = Tape()
    noted = [tape.array(array) for array in (x, Wx, Wh, b, *memory, np.zeros((N, S, H)))]
    tape.call(kernel.forward, noted[0], lengths, noted[1:4], *noted[4:], None, *options)
    ends = [(state[T], dstate) for state, dstate in zip(noted[4 : 4 + states], dstates, strict=True)]
    tape.backward(noted[-1], dy, *(part for pair in ends for part in pair))

    kernel.forward(x, lengths, (Wx, Wh, b), *memory, np.zeros((N, S, H)), None, *options)
    dx, gradients = np.zeros_like(x), [np.zeros_like(w) for w in (Wx, Wh, b)]
    dz = np.zeros((T, N, (4 if G > 1 else 1) * H))
    kernel.backward(x, lengths, (Wx, Wh, b), *memory, dy, *dstates, dx, gradients, dz, None, *options)
    for ours, gradient in zip(gradients_of(tape, noted[:4]), (dx, *gradients), strict=True):
        assert_close(ours, gradient, 1e-12)
    for state, dstate in zip(noted[4:], dstates, strict=False):  # which now holds the gradient of the first state
        assert_close(tape.gradient(state)[0], dstate, 1e-12)


@pytest.mark.parametrize("is_of_layers", [True, False], ids=["layer", "batch"])
def test_norm_references(is_of_layers):
    x, gamma, beta, dy = drawn((5, 4), (4,), (4,), (5, 4))
    tape, epsilon = Tape(), 1e-3
    noted = [tape.array(array) for array in (x, gamma, beta, np.zeros_like(x), np.zeros(4), np.zeros(4))]
    dx, dgamma, dbeta = np.zeros_like(x), np.zeros(4), np.zeros(4)
    if is_of_layers:
        tape.call(norm.layer_forward, *noted[:4], epsilon)
        norm.layer_backward(x, gamma, dy, dx, dgamma, dbeta, None, epsilon)
    else:
        tape.call(norm.batch_statistics, noted[0], *noted[4:], None)
        tape.call(norm.batch_forward, noted[0], *noted[4:], *noted[1:4], None, epsilon)
        norm.batch_backward(x, dy, x.mean(0), x.var(0), gamma, dx, dgamma, dbeta, None, epsilon, True)
    tape.backward(noted[3], dy)
    for ours, gradient in zip(gradients_of(tape, noted[:3]), (dx, dgamma, dbeta), strict=True):
        assert_close(ours, gradient, 1e-12)


def test_softmax_and_tanh_references():
    x, dy = drawn((3, 4), (3, 4))
    for forward, backward in (softmax.forward, softmax.backward), (activation.tanh_forward, activation.tanh_backward):
        tape, y, dx = Tape(), np.zeros_like(x), np.zeros_like(x)
        noted = tape.array(x), tape.array(y)
        tape.call(forward, *noted)
        tape.backward(noted[1], dy)
        forward(x, y)
        backward(y, dy, dx)
        assert_close(tape.gradient(noted[0]), dx, 1e-12)


# Names.


def steps(x, W):
    h = np.zeros_like(x[0])
    kept = np.zeros_like(x)
    for t in range(len(x)):
        z = x[t] + h @ W
        h = np.tanh(z)
        kept[t] = h
    return kept


def test_local_variables_name_the_results():
    x, W, dy = drawn((3, 2, 2), (2, 2), (3, 2, 2))
    tape = Tape()
    y = tape.call(steps, tape.array(x), tape.array(W))
    tape.backward(y, dy)
    dh, dz = np.zeros((2, 2)), np.zeros_like(x)
    for t in reversed(range(3)):
        dh = dh + dy[t]
        np.testing.assert_allclose(tape.gradient("h")[t + 1], dh)  # h[0] is the zeros
        np.testing.assert_allclose(tape.gradient("kept")[t], dy[t])  # of the numbers written there, not of all uses
        dz[t] = dh * (1 - y.value[t] ** 2)
        dh = dz[t] @ W.T
    np.testing.assert_allclose(tape.gradient("z"), dz)
    np.testing.assert_allclose(tape.gradient("x"), dz)


def test_functions_of_the_same_file_give_names_too():
    def forward(a):
        return inner(a) * 2

    def inner(a):
        deep = a * a
        return deep

    tape = Tape()
    tape.backward(tape.call(forward, tape.array(3.0)))
    assert tape.gradient("deep") == 2
    assert tape.gradient("a") == 12


def test_what_was_traced_before_is_traced_after():
    def trace(*_):
        return None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with pytest.raises(ZeroDivisionError):
            Tape().call(lambda: 1 / 0)
        assert sys.gettrace() is trace
    finally:
        sys.settrace(before)


def test_an_unknown_name_is_told_the_known_ones():
    tape = Tape()
    tape.backward(tape.call(lambda a: a * 2, tape.array(1.0)))
    with pytest.raises(KeyError, match="'z': expected a local variable of forward, one of a"):
        tape.gradient("z")


def test_what_does_not_matter_has_gradient_0():
    tape = Tape()
    a, b = tape.array([1.0, 2.0]), tape.array(3.0)
    tape.backward(tape.call(lambda a, b: a * 2, a, b), [1, 1])
    assert tape.gradient(b) == 0


# What would be wrong is refused.


def _read_after_a_write(a, part, use):
    seen = part(a)
    a[0] = 0
    return use(seen)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (lambda a: np.sort(a), "expected a function that it can differentiate, got np.sort: it knows"),
        (lambda a: np.arctan(a), "got np.arctan: it knows"),
        (lambda a: np.asarray(a), "would become an ordinary one"),
        (lambda a: np.zeros((3, 4)).__setitem__(0, a[0]), "would become an ordinary one"),
        (lambda a: a[0].__setitem__(0, 1), "expected to write into an array itself, got a part of one: write a"),
        (lambda a: a.T.__setitem__(0, 1), "got a part of one"),
        (lambda a: np.add(a, 1, where=a > 0), "expected a plain call of np.add"),
        (lambda a: np.add.reduce(a), "expected a plain call of np.add, got reduce"),
        (lambda a: a + Tape().array(1.0), "expected arrays of one tape"),
        (lambda a: _read_after_a_write(a, lambda a: a[0], lambda v: v * 2), "got a part of one that was written into"),
        (
            lambda a: _read_after_a_write(a, lambda a: a[0], lambda v: v.sum()),
            "got a part of one that was written into",
        ),
        (
            lambda a: _read_after_a_write(a, lambda a: a[0], lambda v: v.max()),
            "got a part of one that was written into",
        ),
        (lambda a: _read_after_a_write(a, lambda a: a[0][1:], lambda v: v * 1), "got a part of one that was written"),
        (lambda a: _read_after_a_write(a, lambda a: a.T[0], lambda v: v * 1), "of one that was written into since"),
        (lambda a: np.dot(a[None], a.T), "np.dot: expected matrices and vectors, got more axes"),
        (lambda a: np.pad(a, 1, mode="mean"), "expected a function that moves numbers, got one that makes new ones"),
        (lambda a: np.pad(a, 1, constant_values=7), "expected a function that moves numbers"),
        (lambda a: np.ones((3, 4)).__iadd__(a), "would become an ordinary one"),
        (lambda a: a.cumsum(), "expected one of the methods clip, copy, dot"),
        (lambda a: np.zeros_like(a, shape=(2,)), "unexpected keyword argument 'shape'"),
    ],
)
def test_refused(program, message):
    with pytest.raises((TypeError, AttributeError), match=message):
        Tape().call(program, Tape().array(x))


def test_truth_and_whole_numbers_are_ordinary():
    a = Tape().array([1.5])
    assert not Tape().array(0.0)
    assert (a > 1).all()
    assert a.astype(int).tolist() == [1]


def test_writing_into_a_slice_writes_into_the_array():
    def forward(a):
        z = a * 1
        v = z[0]
        v += a[1]
        v *= 2
        z[1] += 3 * a[2]
        return z

    y, (gradient,) = taped(forward, x)
    np.testing.assert_allclose(y, forward(x))
    np.testing.assert_allclose(gradient, [[2] * 4, [3] * 4, [4] * 4])


def test_numbers_at_the_edge_of_a_rule():
    np.testing.assert_array_equal(taped(lambda a: (a - 1) ** 0, np.ones(2))[1][0], 0)
    y, (gradient,) = taped(lambda a: np.max(-a, initial=0.0), np.ones(2))
    assert y == 0
    np.testing.assert_array_equal(gradient, 0)
    np.testing.assert_array_equal(taped(lambda a: np.max(a, initial=0.0), np.array([1.0, 2.0]))[1][0], [0, 1])


@pytest.mark.parametrize("function", [np.maximum, np.minimum])
def test_of_two_equal_numbers_the_first_has_the_gradient(function):
    _, gradients = taped(lambda a, b: function(a, b), np.ones(2), np.ones(2))
    np.testing.assert_array_equal(gradients, [[1, 1], [0, 0]])


def test_the_largest_numbers_share_the_gradient():
    np.testing.assert_array_equal(taped(lambda a: np.max(a), np.array([3.0, 1.0, 3.0, 2.0]))[1][0], [0.5, 0, 0.5, 0])


def test_the_exponent_of_a_negative_number_has_no_gradient():
    np.testing.assert_array_equal(
        taped(lambda a, b: a**b, np.array([-2.0, 2.0]), np.full(2, 2.0))[1][1], [0, 4 * np.log(2)]
    )


def test_what_was_not_written_is_nan():
    assert np.isnan(taped(lambda a: np.empty_like(a), np.ones(2))[0]).all()


def test_memory_that_is_written_twice_has_the_gradient_of_the_last_value():
    def forward(a):
        h = np.zeros_like(a)
        h[0] = a[0]
        before = h[0] * 2
        h[0] = a[1]
        return before + h[0] * 3

    tape = Tape()
    tape.backward(tape.call(forward, tape.array(np.ones(2))))
    assert tape.gradient("h").tolist() == [3, 0]


def test_a_decorated_function_gives_names_too():
    @np.errstate(all="ignore")
    def forward(a):
        z = a * 2
        return z * 3

    tape = Tape()
    tape.backward(tape.call(forward, tape.array(np.ones(2))), np.ones(2))
    assert tape.gradient("z").tolist() == [3, 3]


def test_two_names_of_one_array_have_one_gradient():
    def forward(a):
        z = a * 2
        b = z
        return b.sum()

    tape = Tape()
    tape.backward(tape.call(forward, tape.array(1.0)))
    assert tape.gradient("b") == tape.gradient("z") == 1
