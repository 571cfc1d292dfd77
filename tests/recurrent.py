"""What the tests of the recurrent layers share: cases, with states in and out, and more tests."""

import numpy as np
import pytest
from chain import Case, ChainOfTrust, float_types
from numeric import assert_same_bits

import nnlite


def case(layer, name, N, T, F, H, ids=False, lengths=False, large=False, **options):
    """A case of a layer class: x, an initial state, and, if asked for, lengths, among them 0 and T."""

    def draw(rng):
        inputs = {"x": rng.integers(F, size=(N, T)) if ids else rng.standard_normal((N, T, F))}
        inputs |= {f"{state}0": rng.standard_normal((N, H)) for state in layer.states}
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
        make("lengths of one step, and that alone", 4, 1, 2, 3, return_sequences=False, lengths=True),
        make("one row", 1, 9, 38, 100, ids=True, large=True),
        make("across vectors", 11, 6, 19, 35, large=True),
        make("shared by threads", 33, 9, 38, 67, large=True),
        make("ids shared by threads", 33, 9, 38, 67, return_sequences=False, ids=True, large=True),
        make("lengths shared by threads", 33, 9, 38, 67, lengths=True, large=True),
        make("more steps than backward holds", 130, 5, 9, 19, lengths=True, large=True),
    )


def carried_on(torch, layer, y, h0, lengths):
    """The outputs of a layer whose state is its output, from those of all steps, computed without lengths."""
    if lengths is None:
        return {"y": y if layer.return_sequences else y[:, -1], "h": y[:, -1]}
    h = torch.cat([h0[:, None], y], dim=1)[torch.arange(len(y)), lengths]
    real = torch.arange(y.shape[1]) < lengths[:, None]
    return {"y": torch.where(real[..., None], y, torch.zeros(())) if layer.return_sequences else h, "h": h}


class RecurrentChain(ChainOfTrust):
    """The chain of trust of a recurrent layer: set `layer`, its class, and `cases`; define `witness`."""

    def forward(self, layer, inputs, training):
        state = tuple(inputs[f"{name}0"] for name in layer.states)
        y = layer.forward(inputs["x"], training=training, initial_state=state, lengths=inputs.get("lengths"))
        return {"y": y} | dict(zip(layer.states, layer.state, strict=True))

    def backward(self, layer, doutputs):
        dx = layer.backward(doutputs["y"], dstate=tuple(doutputs[name] for name in layer.states))
        names = [f"{name}0" for name in layer.states]
        return {"x": dx} | dict(zip(names, layer.dinitial_state, strict=True))

    @float_types
    def test_an_id_is_a_one_hot_vector_written_short(self, dtype):
        ids = np.random.default_rng(0).integers(11, size=(5, 6))
        layer = self.layer(9, return_sequences=True, dtype=dtype, seed=0, input_dim=11)
        y, dy = layer.forward(ids), np.ones((5, 6, 9), dtype)
        layer.backward(dy)
        grads = {k: v.copy() for k, v in layer.grads.items()}
        one_hot = np.eye(11, dtype=dtype)[ids]
        assert_same_bits(layer.forward(one_hot), y)
        layer.backward(dy)
        for name, grad in layer.grads.items():
            np.testing.assert_allclose(grad, grads[name], rtol=1e-4 if dtype == "float32" else 1e-10, atol=1e-6)

    @pytest.mark.parametrize("ids", [False, True])
    @pytest.mark.parametrize("N", [1, 3, 23])
    @float_types
    def test_steps_are_forward_bit_for_bit(self, dtype, N, ids):
        rng = np.random.default_rng(0)
        x = rng.integers(5, size=(N, 7)) if ids else rng.standard_normal((N, 7, 5)).astype(dtype)
        layer = self.layer(33, return_sequences=True, dtype=dtype, seed=0, input_dim=5)
        y = layer.forward(x)
        final = layer.state
        layer.reset_state()
        for t in range(7):
            assert_same_bits(layer.step(np.ascontiguousarray(x[:, t])), y[:, t], f"step {t}")
        for stepped, state in zip(layer.state, final, strict=True):
            assert_same_bits(stepped, state)

    @pytest.mark.parametrize("ids", [False, True])
    def test_a_stepper_steps_as_step_does(self, ids):
        rng = np.random.default_rng(0)
        x = rng.integers(5, size=(3, 6)) if ids else rng.standard_normal((3, 6, 5)).astype("float32")
        layers = [self.layer(7, return_sequences=True, input_dim=5), nnlite.Dense(4)]
        model = nnlite.Sequential(layers, seed=0)
        assert model.stepper(3)(np.ascontiguousarray(x[:, 0])).shape == (3, 4)  # not built yet
        model.reset_state()
        y = model.forward(x)
        model.reset_state()
        step = model.stepper(3)
        for t in range(6):
            assert_same_bits(step(x[:, t] if t % 2 else np.ascontiguousarray(x[:, t])), y[:, t], f"step {t}")
        with pytest.raises(ValueError, match="x: expected a batch of 3, as in the steps before, got 2"):
            step(np.ascontiguousarray(x[:2, 0]))
        if ids:
            with pytest.raises(IndexError, match=r"x: id 5 at \(2,\) is not in 0 \.\. 4"):
                step(np.array([0, 1, 5]))
        else:
            with pytest.raises(TypeError, match="x: expected float32, got float64"):
                step(x[:, 0].astype("float64"))

    def test_stateful_goes_on_where_the_last_batch_ended(self):
        x = np.random.default_rng(0).standard_normal((2, 6, 3)).astype("float32")
        whole = self.layer(4, return_sequences=True, seed=0).forward(x)
        layer = self.layer(4, return_sequences=True, stateful=True, seed=0)
        parts = [layer.forward(x[:, :2]), layer.forward(x[:, 2:])]
        assert_same_bits(np.concatenate(parts, axis=1), whole)
        assert not np.array_equal(layer.forward(x[:, :2]), parts[0])
        layer.reset_state()
        assert_same_bits(layer.forward(x[:, :2]), parts[0])

    def test_stateful_in_training_alone(self):
        x = np.random.default_rng(0).standard_normal((2, 6, 3)).astype("float32")
        whole = self.layer(4, return_sequences=True, seed=0).forward(x)
        layer = self.layer(4, return_sequences=True, stateful="training", seed=0)
        layer.forward(x[:, :2], training=True)
        assert_same_bits(layer.forward(x[:, 2:], training=True), whole[:, 2:])
        assert_same_bits(layer.forward(x), whole)
        assert type(layer).from_config(layer.get_config()).stateful == "training"
        with pytest.raises(ValueError, match="stateful: expected True, False or 'training', got 'always'"):
            self.layer(4, stateful="always")

    def test_without_stateful_every_batch_starts_from_zeros(self):
        x = np.random.default_rng(0).standard_normal((2, 6, 3)).astype("float32")
        layer = self.layer(4, seed=0)
        assert_same_bits(layer.forward(x), layer.forward(x))

    @float_types
    def test_how_rows_are_cut_into_batches_changes_no_bit(self, dtype):
        x = np.random.default_rng(0).standard_normal((23, 5, 7)).astype(dtype)
        layer = self.layer(33, seed=0, dtype=dtype)
        whole = layer.forward(x)
        for rows in (1, 2, 7, 10, 11):
            parts = [layer.forward(x[i : i + rows]) for i in range(0, 23, rows)]
            assert_same_bits(np.concatenate(parts), whole, f"batches of {rows}")

    def test_nan_shows(self):
        layer = self.layer(17, seed=0)
        assert np.isnan(layer.forward(np.full((2, 3, 4), np.nan, "float32"))).all()

    def test_the_reference_is_what_use_backend_says(self):
        x = np.random.default_rng(0).standard_normal((2, 3, 4)).astype("float32")
        layer = self.layer(5, seed=0)
        with nnlite.use_backend("reference"):
            reference = layer.forward(x)
        np.testing.assert_allclose(layer.forward(x), reference, rtol=1e-5, atol=1e-6)
