"""What the tests of the recurrent layers share: cases, with states in and out, and more tests."""

import numpy as np
import pytest
from chain import FLOAT32_FORWARD, FLOAT64, Case, ChainOfTrust, backends, float_types, of_the_kernels, randomized
from numeric import assert_close, assert_same_bits

import nnlite
from nnlite.kernels import backend
from nnlite.reference import dropout


def case(layer, name, N, T, F, H, ids=False, lengths=False, zeros=0, large=False, training=False, **options):
    """A case of a layer class: x, an initial state, and, if asked for, lengths, among them 0 and T.

    The first `zeros` numbers of h0 are 0 (of -1, all but the last): where all are, the kernels leave h0 Wh out.
    """

    def draw(rng):
        inputs = {"x": rng.integers(F, size=(N, T)) if ids else rng.standard_normal((N, T, F))}
        inputs |= {f"{state}0": rng.standard_normal((N, H)) for state in layer.states}
        inputs["h0"].reshape(-1)[:zeros] = 0
        if lengths:
            inputs["lengths"] = rng.permutation(np.arange(N) * 3 % (T + 1))
        return inputs

    return Case(
        name,
        lambda **kw: layer(H, input_dim=F, **options, **kw),
        (N, T) if ids else (N, T, F),
        ids=F if ids else None,
        inputs=draw,
        large=large,
        training=training,
    )


def usual_cases(layer):
    def make(*arguments, return_sequences=True, **options):
        return case(layer, *arguments, return_sequences=return_sequences, **options)

    return (
        make("one of everything", 1, 1, 1, 1),
        make("odd", 3, 4, 5, 7),
        make("the last step alone", 3, 4, 5, 7, return_sequences=False),
        make("ids", 3, 4, 5, 7, ids=True),
        make("ids, the last step alone", 4, 3, 5, 3, return_sequences=False, ids=True),
        make("more rows than a tile", 13, 2, 2, 3),
        make("lengths", 6, 4, 3, 5, lengths=True),
        make("lengths, the last step alone", 6, 4, 3, 5, return_sequences=False, lengths=True),
        make("lengths of ids", 6, 4, 3, 5, ids=True, lengths=True),
        make("lengths of one step", 4, 1, 2, 3, lengths=True),
        make("lengths of two steps", 4, 2, 2, 3, lengths=True),
        make("lengths of one step, and that alone", 4, 1, 2, 3, return_sequences=False, lengths=True),
        make("one row", 1, 9, 38, 100, ids=True, large=True),
        make("one row of floats", 1, 5, 19, 33, large=True),
        make("from zeros", 3, 4, 5, 7, zeros=None),
        make("from zeros but for one number", 3, 4, 5, 7, zeros=-1),
        make("across vectors", 11, 6, 19, 35, large=True),
        make("shared by threads", 33, 9, 38, 67, large=True),
        make("ids shared by threads", 33, 9, 38, 67, return_sequences=False, ids=True, large=True),
        make("lengths shared by threads", 33, 9, 38, 67, lengths=True, large=True),
        *chunked_cases(make),
    )


def chunked_cases(make):
    """More steps than backward holds at a time, for so many rows: it goes in three chunks, of which the last is short.

    The chunk that holds the first step is another one where h0 is 0, as h0 adds nothing to dWh.
    """
    return (
        make("chunks", 65, 7, 3, 5, large=True),
        make("chunks of lengths", 65, 7, 9, 19, lengths=True, large=True),
        make("chunks from zeros", 65, 7, 3, 5, zeros=None, large=True),
        make("chunks from zeros but for one number", 65, 7, 3, 5, zeros=-1, ids=True, large=True),
        make("chunks of lengths from zeros", 65, 7, 3, 5, lengths=True, zeros=None, ids=True, large=True),
        make("chunks from zeros, the last step alone", 65, 7, 3, 5, return_sequences=False, zeros=None, large=True),
    )


def dropped_and_reversed_cases(layer):
    def make(*arguments, dropout=0.4, **options):
        return case(layer, *arguments, dropout=dropout, training=True, return_sequences=True, **options)

    return (
        make("dropped", 3, 4, 5, 7),
        make("dropped ids", 3, 4, 5, 7, ids=True),
        make("reversed", 3, 4, 5, 7, dropout=0, go_backwards=True),
        make("reversed ids, dropped", 3, 4, 5, 7, ids=True, go_backwards=True),
        make("lengths, dropped", 6, 4, 3, 5, lengths=True),
        make("lengths, reversed, dropped", 6, 4, 3, 5, lengths=True, go_backwards=True),
        make("lengths of ids, reversed, dropped", 6, 4, 3, 5, ids=True, lengths=True, go_backwards=True),
        make("shared by threads, dropped", 33, 9, 38, 67, lengths=True, go_backwards=True, large=True),
    )


def carried_on(torch, layer, y, h0, lengths):
    """The outputs of a layer whose state is its output, from those of all steps, computed without lengths."""
    if lengths is None:
        return {"y": y if layer.return_sequences else y[:, -1], "h": y[:, -1]}
    h = torch.cat([h0[:, None], y], dim=1)[torch.arange(len(y)), lengths]
    real = torch.arange(y.shape[1]) < lengths[:, None]
    return {"y": torch.where(real[..., None], y, torch.zeros(())) if layer.return_sequences else h, "h": h}


class RecurrentChain(ChainOfTrust):
    """The chain of trust of a recurrent layer: set `layer`, its class, and `cases`; define `witness`.

    `variants` are options that make it another layer, such as its activation.
    """

    variants = ({},)

    def made(self, units, input_shape=(6, 5), seed=0, **options):
        """A layer with random parameters."""
        layer = self.layer(units, input_dim=input_shape[-1], seed=seed, **options)
        layer.build(input_shape)
        return randomized(layer, seed)

    def forward(self, layer, inputs, training):
        state = tuple(inputs[f"{name}0"] for name in layer.states)
        y = layer.forward(inputs["x"], training=training, initial_state=state, lengths=inputs.get("lengths"))
        return {"y": y} | dict(zip(layer.states, layer.state, strict=True))

    def backward(self, layer, doutputs):
        dx = layer.backward(doutputs["y"], dstate=tuple(doutputs[name] for name in layer.states))
        names = [f"{name}0" for name in layer.states]
        return {"x": dx} | dict(zip(names, layer.dinitial_state, strict=True))

    @of_the_kernels
    def test_cases_go_backward_in_chunks(self):
        """In three at least, from zeros and from other states, of which a change of the kernels could make one."""
        kernel = getattr(backend(), self.layer.kernel)
        chunked = [case for case in self.cases if case.shape[1] > 2 * kernel.backward_steps(*case.shape[:2])]
        from_zeros = [not case.draw()["h0"].any() for case in chunked]
        assert True in from_zeros
        assert False in from_zeros

    def test_both_backends_keep_the_same(self, case):
        """States and gates, which `inspect` reads: in padding the state stays as it is, and gates are 0."""
        found = []
        for name in ("compiled", "reference"):
            layer = case.layer()
            with nnlite.use_backend(name):
                self.forward(layer, case.draw(), case.training)
            *_, kept = layer.kept
            found.append(kept)
        for i, (compiled, reference) in enumerate(zip(*found, strict=True)):
            assert_close(compiled, reference, FLOAT64, f"array {i} that is kept")

    @float_types
    @backends
    def test_an_id_is_a_one_hot_vector_written_short(self, dtype, backend_name):
        ids = np.random.default_rng(0).integers(11, size=(5, 6))
        layer = self.made(9, (6, 11), return_sequences=True, dtype=dtype)
        one_hot, dy = np.eye(11, dtype=dtype)[ids], np.ones((5, 6, 9), dtype)
        with nnlite.use_backend(backend_name):
            y = layer.forward(ids)
            layer.backward(dy)
            grads = {k: v.copy() for k, v in layer.grads.items()}
            assert_same_bits(layer.forward(one_hot), y)
            layer.backward(dy)
        for name, grad in layer.grads.items():
            np.testing.assert_allclose(grad, grads[name], rtol=1e-4 if dtype == "float32" else 1e-10, atol=1e-6)

    @float_types
    def test_steps_are_forward(self, case, dtype):
        """From any state; the compiled ones bit for bit, and the reference's are theirs."""
        inputs, layer = case.draw(dtype), case.layer(dtype)
        inputs.pop("lengths", None)  # a step has none
        tolerance = FLOAT64 if dtype == "float64" else FLOAT32_FORWARD
        found = {}
        for name in ("compiled", "reference"):
            with nnlite.use_backend(name):
                outputs = self.forward(layer, inputs, training=False)
                steps = self.stepped(layer, inputs)
            y = steps["y"] if layer.return_sequences else np.ascontiguousarray(steps["y"][:, -1])
            found[name] = steps
            for key, value in (steps | {"y": y}).items():
                if name == "compiled":
                    assert_same_bits(value, outputs[key], f"{key} of compiled steps")
                else:
                    assert_close(value, outputs[key], tolerance, f"{key} of the reference's steps")
        for key, value in found["compiled"].items():
            assert_close(value, found["reference"][key], tolerance, f"{key} of both backends' steps")

    def stepped(self, layer, inputs):
        """What `forward` gives, from `step` on one time step after the other."""
        layer.state = tuple(inputs[f"{name}0"] for name in layer.states)
        steps = [layer.step(np.ascontiguousarray(x_t)) for x_t in inputs["x"].swapaxes(0, 1)]
        return {"y": np.stack(steps, axis=1)} | dict(zip(layer.states, layer.state, strict=True))

    def test_what_a_step_returns_is_the_caller_s(self):
        layer, x = self.made(7), np.ones((3, 5), "float32")
        y = layer.step(x)
        kept = y.copy()
        y.fill(np.nan)
        assert_same_bits(layer.state[0], kept)
        y = layer.step(x)
        kept = y.copy()
        layer.step(x)
        assert_same_bits(y, kept)

    @backends
    @pytest.mark.parametrize("ids", [False, True])
    @pytest.mark.parametrize("N", [1, 3])
    def test_a_stepper_steps_as_step_does(self, N, ids, backend_name):
        rng = np.random.default_rng(0)
        x = rng.integers(5, size=(N, 6)) if ids else rng.standard_normal((N, 6, 5)).astype("float32")
        for options in self.variants:
            layers = [self.layer(7, return_sequences=True, input_dim=5, **options), nnlite.Dense(4)]
            model = nnlite.Sequential(layers, seed=0)
            with nnlite.use_backend(backend_name):
                assert model.stepper(N)(np.ascontiguousarray(x[:, 0])).shape == (N, 4)  # not built yet
                randomized(model)
                model.reset_state()
                y = model.forward(x)
                model.reset_state()
                step = model.stepper(N)
                for t in range(6):
                    y_t = step(x[:, t] if t % 2 else np.ascontiguousarray(x[:, t]))
                    if backend_name == "compiled":
                        assert_same_bits(y_t, y[:, t], f"step {t}")
                    else:
                        assert_close(y_t, y[:, t], FLOAT32_FORWARD, f"step {t}")

    @pytest.mark.parametrize("ids", [False, True])
    def test_a_stepper_refuses_what_it_was_not_made_for(self, ids):
        layer = self.made(7)
        x = np.zeros(3, int) if ids else np.zeros((3, 5), "float32")
        step = layer.stepper(3)
        with pytest.raises(ValueError, match="x: expected a batch of 3, as in the steps before, got 2"):
            step(x[:2])
        if ids:
            with pytest.raises(IndexError, match=r"x: expected ids in 0 \.\. 4, got 5 at \(2,\)"):
                step(np.array([0, 1, 5]))
        else:
            with pytest.raises(TypeError, match="x: expected numbers, got an array of complex64"):
                step(x.astype("complex64"))

    @pytest.mark.parametrize("ids", [False, True])
    def test_a_stepper_takes_numbers_of_any_kind(self, ids):
        rng = np.random.default_rng(0)
        x = rng.integers(5, size=3) if ids else rng.standard_normal((3, 5)).astype("float32")
        layer, found = self.made(7), []
        for given in (x, x.tolist(), x.astype(x.dtype.newbyteorder()), x.astype("uint8" if ids else "float64")):
            layer.reset_state()
            found.append(layer.stepper(3)(given).copy())
            layer.reset_state()
            assert_same_bits(layer.step(given), found[0])
        for y in found:
            assert_same_bits(y, found[0])

    def test_stateful_goes_on_where_the_last_batch_ended(self):
        x = np.random.default_rng(0).standard_normal((2, 6, 3)).astype("float32")
        whole = self.made(4, (6, 3), return_sequences=True).forward(x)
        layer = self.made(4, (6, 3), return_sequences=True, stateful=True)
        parts = [layer.forward(x[:, :2]), layer.forward(x[:, 2:])]
        assert_same_bits(np.concatenate(parts, axis=1), whole)
        assert not np.array_equal(layer.forward(x[:, :2]), parts[0])
        layer.reset_state()
        assert_same_bits(layer.forward(x[:, :2]), parts[0])

    def test_stateful_in_training_alone(self):
        x = np.random.default_rng(0).standard_normal((2, 6, 3)).astype("float32")
        whole = self.made(4, (6, 3), return_sequences=True).forward(x)
        layer = self.made(4, (6, 3), return_sequences=True, stateful="training")
        layer.forward(x[:, :2], training=True)
        assert_same_bits(layer.forward(x[:, 2:], training=True), whole[:, 2:])
        assert_same_bits(layer.forward(x), whole)
        assert type(layer).from_config(layer.get_config()).stateful == "training"
        with pytest.raises(ValueError, match="stateful: expected True, False or 'training', got 'always'"):
            self.layer(4, stateful="always")

    def test_without_stateful_every_batch_starts_from_zeros(self):
        x = np.random.default_rng(0).standard_normal((2, 6, 3)).astype("float32")
        layer = self.made(4, (6, 3))
        zeros = tuple(np.zeros((2, 4), "float32") for _ in layer.states)
        y = layer.forward(x)
        assert_same_bits(layer.forward(x), y)
        assert_same_bits(layer.forward(x, initial_state=zeros), y)

    @of_the_kernels
    @float_types
    def test_how_rows_are_cut_into_batches_changes_no_bit(self, dtype):
        x = np.random.default_rng(0).standard_normal((23, 5, 7)).astype(dtype)
        layer = self.made(33, (5, 7), dtype=dtype)
        whole = layer.forward(x)
        for rows in (1, 2, 7, 10, 11):
            parts = [layer.forward(x[i : i + rows]) for i in range(0, 23, rows)]
            assert_same_bits(np.concatenate(parts), whole, f"batches of {rows}")

    @backends
    @float_types
    def test_nan_shows(self, dtype, backend_name):
        """From the step on where it comes in, in all units of its row and in no other row; in a state of zeros, too."""
        x = np.random.default_rng(0).standard_normal((13, 4, 5)).astype(dtype)
        with_nan = x.copy()
        with_nan[1, 2, 3] = np.nan
        for options in self.variants:
            layer = self.made(17, (4, 5), return_sequences=True, dtype=dtype, **options)
            state = {f"{name}0": np.zeros((13, 17), dtype) for name in layer.states}
            state_with_nan = {name: array.copy() for name, array in state.items()}
            state_with_nan["h0"][1, 5] = np.nan
            for inputs, start in ((state | {"x": with_nan}, 2), (state_with_nan | {"x": x}, 0)):
                expected = np.zeros((13, 4, 17), bool)
                expected[1, start:] = True
                with nnlite.use_backend(backend_name), np.errstate(invalid="ignore"):
                    for outputs in (self.forward(layer, inputs, False), self.stepped(layer, inputs)):
                        np.testing.assert_array_equal(np.isnan(outputs["y"]), expected)
                        np.testing.assert_array_equal(np.isnan(outputs["h"]), expected[:, -1])

    def test_the_reference_is_what_use_backend_says(self):
        x = np.random.default_rng(0).standard_normal((2, 3, 4)).astype("float32")
        layer = self.made(5, (3, 4))
        with nnlite.use_backend("reference"):
            reference = layer.forward(x)
        np.testing.assert_allclose(layer.forward(x), reference, rtol=1e-5, atol=1e-6)


class DropsAndReverses:
    """Before a `RecurrentChain`: x is dropped from and reversed first, and then it is that chain's layer that runs."""

    test_cases_go_backward_in_chunks = None

    def witness(self, torch, layer, x, lengths=None, **parameters):
        N, T = x.shape[:2]
        F = len(parameters["Wx"])
        if x.dtype == torch.int64:
            x = torch.nn.functional.one_hot(x, F).double()
        if layer.dropout:
            key = int(layer.rng.integers(2**64, dtype=np.uint64))
            x = x * torch.tensor(dropout_mask(N, F, key, layer.dropout))[:, None]
        if layer.go_backwards:
            t = torch.arange(T) + torch.zeros((N, 1), dtype=int)
            n = torch.full((N, 1), T) if lengths is None else lengths[:, None]
            x = x[torch.arange(N)[:, None], torch.where(t < n, n - 1 - t, t)]
        return super().witness(torch, layer, x, lengths=lengths, **parameters)

    @float_types
    def test_steps_are_forward(self, case, dtype):
        """Which drop nothing; and a reversed sequence has none."""
        layer = case.layer()
        if not layer.go_backwards:
            return super().test_steps_are_forward(case, dtype)
        for step in (layer.step, lambda x: layer.stepper(len(x))):
            with pytest.raises(RuntimeError, match=r"has no single steps: with go_backwards=True it starts at the end"):
                step(case.draw()["x"][:, 0])
        return None


def dropout_mask(N, F, key, rate):
    """(N, F): 0, or 1 / (1 - rate)."""
    mask = np.empty(N * F)
    dropout.apply(np.ones(N * F), mask, key, rate)
    return mask.reshape(N, F)
