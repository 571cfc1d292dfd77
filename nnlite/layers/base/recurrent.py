"""Base of the recurrent layers: input checks, states between batches, single steps."""

from collections.abc import Callable
from typing import Any, Literal, Unpack

import numpy as np

from ... import checks, sequence_lengths
from ...kernels import backend, empty, of_dtype
from .has_states import HasStates
from .layer import Options, Shape
from .weighted import size

Stateful = bool | Literal["training"]


class RecurrentOptions(Options, total=False):
    """What every recurrent layer's constructor takes: see `LSTM`."""

    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: Stateful
    dropout: float
    recurrent_dropout: float
    input_dim: int | None


class Recurrent(HasStates):
    """Base of the recurrent layers: see `LSTM`.

    A subclass names its `kernel`, how many `gates` its weights hold side by side, and its `states`.
    """

    fixed = ("input_dim",)
    kernel: str  # its module's name
    states: tuple[str, ...]  # such as ("h", "c")
    gates: int  # blocks of H columns in the weights
    weights = ("Wx", "Wh", "b")  # in the order in which the kernels take them
    biases = 1  # rows of b
    blocks = 4  # of H numbers, that the kernels hold for a step of a row: of gates, and of gradients
    keeps_gates = True  # for backward; else the states are all that it needs

    def __init__(
        self,
        units: int,
        *,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: Stateful = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        input_dim: int | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**options)
        self.units = units
        self.return_sequences = checks.boolean("return_sequences", return_sequences)
        self.return_state = checks.boolean("return_state", return_state)
        self.go_backwards = checks.boolean("go_backwards", go_backwards)
        self.dropout = checks.between("dropout", dropout, 0, 1, closed=False)
        if checks.between("recurrent_dropout", recurrent_dropout, 0, 1):
            raise ValueError(
                f"recurrent_dropout: expected 0, got {recurrent_dropout!r}: the state is never dropped here: use "
                f"dropout=..., which drops inputs, or a Dropout layer behind this one"
            )
        if not isinstance(stateful, bool | np.bool_) and stateful != "training":
            raise ValueError(f"stateful: expected True, False or 'training', got {stateful!r}")
        self.stateful: Stateful = "training" if stateful == "training" else bool(stateful)
        if self.stateful and self.go_backwards:
            raise ValueError(
                f"{type(self).__name__}: stateful goes on where the batch before ended, but what is read from its end "
                f"comes from the batch that follows: use stateful=False, or go_backwards=False"
            )
        self.input_dim = None if input_dim is None else checks.positive("input_dim", input_dim)
        self.state = self.dinitial_state = None
        self._mask: np.ndarray | None = None  # of the last forward: what `dropout` left of each row's features

    units = size("units", "H. It cannot be set any more when the layer is built.")

    def build(self, input_shape: Shape) -> None:
        F, H, G = self._features(input_shape), self.units, self.gates
        self._add_param("Wx", (F, G * H), "glorot_uniform")
        self._add_param("Wh", (H, G * H), "orthogonal")
        self._add_param("b", (G * H,) if self.biases == 1 else (self.biases, G * H), "zeros")
        self.built = True

    def ids_below(self, x: np.ndarray) -> int | None:
        F = self._shapes["Wx"][0] if self.built else self.input_dim
        return F if x.dtype.kind in "biu" and x.ndim == 2 else None

    def output_shape(self, input_shape: Shape) -> tuple:
        self._features(input_shape)
        return (input_shape[0], self.units) if self.return_sequences else (self.units,)

    def _features(self, input_shape):
        """F, from (T, F), or for ids, (T,), from input_dim."""
        name = type(self).__name__
        if len(input_shape) == 1 and self.input_dim is None:
            raise ValueError(f"{name}: integer ids need {name}(..., input_dim=F), how many different ids there are")
        if len(input_shape) not in (1, 2):
            raise ValueError(f"{name}: expected input_shape (T, F), or (T,) for ids, got {tuple(input_shape)}")
        F = input_shape[1] if len(input_shape) == 2 else None
        F = self.input_dim if F is None else F
        if self.input_dim not in (None, F):
            raise ValueError(f"{name}: input_dim is {self.input_dim}, but the input has {F} features")
        return F

    def _shape_rule(self, input_shape):
        steps = "the last of T steps, "
        if self.return_sequences:
            steps = "any number T of steps of " if input_shape[0] is None else f"T = {input_shape[0]} steps of "
        rule = f"{steps}units = {self.units}"
        if self.go_backwards:
            rule += ", from the end of x to its start"
        if self.dropout:
            kept = f"else times {1 / (1 - self.dropout):.6g}"
            rule += f"; in training each feature of a row of x is 0 with probability {self.dropout:g}, {kept}"
        return rule

    def _parameter_rule(self, input_shape):
        F, H, G, B = self._features(input_shape), self.units, self.gates, self.biases

        def gate(F, H):
            return f"{F} * {H} + {H} * {H} + {H if B == 1 else f'{B} * {H}'}"

        words, numbers = gate("F", "H"), gate("F" if F is None else F, H)
        if G > 1:
            words, numbers = f"{G} gates * ({words})", f"{G} * ({numbers})"
        if F is None:
            return f"{words} = {numbers}, with F of the first input"
        return f"{words} = {numbers} = {G * H * (F + H + B)}"

    def step(self, x: np.ndarray) -> np.ndarray:
        x = self._step_input(x)
        return self.stepper(len(x))(x).copy()

    def stepper(self, N: int) -> Callable[[np.ndarray], np.ndarray]:
        if self.go_backwards:
            raise RuntimeError(
                f"{self.name} ({type(self).__name__}) has no single steps: with go_backwards=True it starts at the end "
                f"of x, which has to be known: use forward on whole sequences"
            )
        if not self.built:
            return self.step
        weights = self._arrays("params", *self.weights)
        state = self.state = self._copied("state", self.state, N)
        arguments = weights, *state, self._empty("z", self.blocks * self._units), *self._options()
        step = of_dtype(getattr(backend(), self.kernel).step, self.dtype)
        shape, h = (N, len(weights[0])), state[0]

        def checked_step(x):
            if (N != 1 or not checks.is_id(x, shape[1])) and not checks.fits(x, self.dtype, shape):
                x = self._step_input(x, N)
            step(x, *arguments)
            return h

        return checked_step

    # What forward, backward and step have in common.

    def _time_major(self, x, lengths=None, training=False):
        """x checked, (T, N, F) or ids (T, N): a step's rows side by side, as the kernels want them; and the lengths.

        In the order of reading, and with `dropout` as the floats (T, N, F) that are left of it. Padding becomes 0
        beforehand: kernels multiply it by gradients that are 0 there, and 0 * NaN is NaN.
        """
        if isinstance(training, tuple | list | np.ndarray):  # where Keras takes the states
            raise TypeError(f"training: expected True or False, got {type(training).__name__}: use initial_state=...")
        if lengths is not None:
            x, lengths = sequence_lengths.cleared(x, lengths)
        x = self._checked(x, steps=True)
        if self.go_backwards:
            x = sequence_lengths.reversed_steps(x, lengths)
        self._has_dx, self._mask = x.ndim == 3, None
        x = np.ascontiguousarray(x.swapaxes(0, 1))
        return self._dropped(x) if training and self.dropout else x, lengths

    def _dropped(self, x):
        """x (T, N, F), or ids as one-hot vectors, times a mask (N, F): the same features are 0 at all of a row's steps.

        So of a text some characters are missing throughout: an id that is dropped adds nothing to the sums.
        """
        shape = x.shape[1], self._shapes["Wx"][0]
        self._mask, ones = empty(shape, self.dtype), np.ones(shape, self.dtype)
        key = int(self.rng.integers(2**64, dtype=np.uint64))
        backend().dropout.apply(ones.reshape(-1), self._mask.reshape(-1), key, self.dropout)
        if x.ndim == 3:
            return x * self._mask
        dropped = np.zeros((*x.shape, shape[1]), self.dtype)
        np.put_along_axis(dropped, x[:, :, None], np.take_along_axis(self._mask, x.T, axis=1).T[:, :, None], axis=2)
        return dropped

    def _step_input(self, x, N=None):
        """One step's x checked, (N, F) or ids (N,), for a batch of N, if that is known."""
        x = self._checked(x, steps=False)
        if N is not None and len(x) != N:
            raise ValueError(f"x: expected a batch of {N}, as in the steps before, got {len(x)}")
        return x

    def _checked(self, x, steps):
        letters = "N, T" if steps else "N"
        x = checks.numbers("x", x)
        ids = x.dtype.kind in "biu" and x.ndim == 1 + steps
        if not self.built and x.ndim == 2 + steps - ids:
            self.build(x.shape[1:] if steps else (1, *x.shape[1:]))
        F: Any = self._shapes["Wx"][0] if self.built else None
        if ids:
            x = checks.integers("x", x, F)
        elif x.ndim == 1 + steps:
            raise ValueError(
                f"x: expected shape ({letters}, F), or ids ({letters}), got {x.dtype.name} of shape "
                f"{checks.shape_text(x.shape)}: use np.expand_dims(x, -1) for F = 1, or np.asarray(x, int) for ids"
            )
        else:
            x = checks.floats("x", x, self.dtype, (None,) * (1 + steps) + (F,), f"({letters}, F)")
        if steps and x.shape[1] == 0:
            raise ValueError("x: a sequence needs at least one time step, got T = 0")
        return x

    def _zeros(self, N):
        return tuple(np.zeros((len(self.states), N, self._units), self.dtype))

    def _states(self, T, N, initial_state, training):
        """For each state an array (T + 1, N, H) that starts with the initial one."""
        what = "initial_state"
        if initial_state is None and (self.stateful if training else self.stateful is True):
            what, initial_state = "state", self.state
        arrays = []
        for name, start in zip(self.states, self._state_arrays(what, initial_state, N), strict=True):
            array = self._buffer(f"{name}_all", T + 1, N, self._units)
            array[0] = start
            arrays.append(array)
        return tuple(arrays)

    def _copied(self, name, state, N):
        """The states, or their gradients, in arrays to write to: who holds the given ones keeps them as they are."""
        return self._zeros(N) if state is None else tuple([a.copy() for a in self._state_arrays(name, state, N)])

    def _state_arrays(self, name, state, N):
        if state is None:
            return self._zeros(N)
        if len(self.states) == 1 and getattr(state, "ndim", 0) == 2:  # the array alone, as in Keras
            state = (state,)
        if not isinstance(state, tuple | list) or len(state) != len(self.states):
            got = f"{type(state).__name__} of {len(state)}" if hasattr(state, "__len__") else repr(state)
            raise ValueError(f"{name}: expected ({', '.join(self.states)}), each of shape (N, H), got {got}")
        shape = (N, self._units)
        if all(checks.fits(array, self.dtype, shape) for array in state):
            return tuple(state)
        if name == "state" and np.ndim(state[0]) == 2 and len(state[0]) != N:
            raise ValueError(
                f"state: {self.name} would go on from the {len(state[0])} rows that it has seen, but x has {N}: let it "
                f"start from zeros, with reset_state()"
            )
        return tuple(
            checks.floats(f"{name} {s}", a, self.dtype, shape, "(N, H)")
            for s, a in zip(self.states, state, strict=True)
        )

    def _room_for_y(self, N, T):
        """For the kernels: every step, or the last one alone (N, S, H)."""
        return empty((N, T if self.return_sequences else 1, self._units), self.dtype)

    def _work(self, kernel):
        """Scratch memory of a kernel."""
        return self._buffer("work", kernel.work_size(self._units))

    def _y(self, y, lengths):
        """What `forward` returns of the steps that the kernels wrote, (N, S, H)."""
        if not self.return_sequences:
            return y[:, 0]
        if lengths is not None and y.shape[1] == 1:  # one step is the final state to the kernels, whatever its length
            y[lengths == 0] = 0
        return y

    def _dy(self, dy, N, T, lengths=None):
        """dy checked, as the kernels want it: (N, S, H)."""
        shape = (N, T, self._units) if self.return_sequences else (N, self._units)
        dy = checks.floats("dy", dy, self.dtype, shape, "of y")
        if not self.return_sequences:
            return dy[:, None]
        if lengths is not None and T == 1:  # undoes _y
            dy = np.where(lengths[:, None, None] == 0, self.dtype.type(0), dy)
        return dy

    def _room_for_dx(self, x, needs_dx):
        """For the kernels: (T, N, F), or None where nobody needs it, as of ids, which have no gradient."""
        return empty(x.shape, x.dtype) if needs_dx and self._has_dx else None

    def _batch_first(self, dx, lengths):
        """dx (T, N, F) as `backward` returns it: undoes _time_major."""
        if dx is None:
            return None
        if self._mask is not None:
            dx *= self._mask
        dx = np.ascontiguousarray(dx.swapaxes(0, 1))
        return sequence_lengths.reversed_steps(dx, lengths) if self.go_backwards else dx

    def _options(self):
        """What the kernels take last."""
        return ()
