"""Weights of PyTorch, there and back: random models compute the same, and learn the same in a step of training."""

import copy
import re
import subprocess
import sys

import numpy as np
import pytest
from chain import import_torch
from drawn_models import torch_model

import nnlite
from nnlite import GRU, LSTM, SGD, BatchNorm, Conv2D, Dense, Embedding, LayerNorm, Sequential
from nnlite.interop import WeightsError, from_torch, to_torch

torch = import_torch()
nn = torch.nn
SEEDS = [*range(40), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(40, 1000))]


def close(ours, theirs, what=""):
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-9, err_msg=what)


def new(model, seed=9):
    """The same model with other weights."""
    return Sequential.from_config(model.get_config(), seed=seed)


def numbers(theirs, x):
    theirs.eval()
    return theirs(torch.tensor(x)).detach().numpy()


def emptied(theirs):
    theirs = copy.deepcopy(theirs)
    with torch.no_grad():
        for param in theirs.parameters():
            param.zero_()
    return theirs


def save_file(state, path):
    from safetensors.torch import save_file

    save_file(state, path)
    return path


def step(theirs, x, target):
    """One step of SGD, in which the second of two biases that are added stays: both would move, and their sum twice."""
    for module in theirs.modules():
        if isinstance(module, nn.LSTM | nn.RNN):
            for name, param in module.named_parameters():
                param.requires_grad_("bias_hh" not in name)
    theirs.train()
    optimizer = torch.optim.SGD([p for p in theirs.parameters() if p.requires_grad], 0.125)
    loss = ((theirs(torch.tensor(x)) - torch.tensor(target)) ** 2).mean()
    loss.backward()
    optimizer.step()
    return loss.item()


@pytest.mark.parametrize("seed", SEEDS)
def test_random_models(seed, tmp_path):
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    theirs, ours, x = torch_model(torch, nnlite, rng)
    y = numbers(theirs, x)
    close(from_torch(theirs.state_dict(), ours).predict(x), y, "a state dict")
    path = save_file(theirs.state_dict(), tmp_path / "a.safetensors")
    is_told = True
    try:
        close(from_torch(path, new(ours)).predict(x), y, "a file")
    except WeightsError as error:  # modules of the same shape, under names without numbers
        if "cannot be told. A file has no order" not in str(error):
            raise
        is_told = False

    target = rng.standard_normal(y.shape)
    loss = step(theirs, x, target)
    ours.compile(SGD(0.125), "mse")
    close(ours.train_on_batch(x, target), loss)
    if not any(getattr(module, "bias", True) is False for module in theirs.modules()):  # which ours has, and learns
        stepped = from_torch(theirs, new(ours))
        for name, array in {**stepped.params, **stepped.statistics}.items():
            if "variance" not in name:  # PyTorch's is another
                close({**ours.params, **ours.statistics}[name], array, f"{name} after a step")
        y, other = ours.predict(x), emptied(theirs)
        other.load_state_dict(to_torch(ours, like=theirs))
        close(y, numbers(other, x), "to its module")
        if is_told:
            other = emptied(theirs)
            to_torch(ours, tmp_path / "b.safetensors", like=path)
            from safetensors.torch import load_file

            other.load_state_dict(load_file(tmp_path / "b.safetensors"))
            close(y, numbers(other, x), "to a file like one of PyTorch's")

    y = ours.predict(x)
    state = to_torch(ours, tmp_path / "c.safetensors")
    for source in (state, tmp_path / "c.safetensors", dict(sorted(state.items()))):
        close(y, from_torch(source, new(ours)).predict(x), "there and back")


def test_two_biases_are_added_and_come_back_as_one():
    theirs, model = nn.LSTM(2, 3, batch_first=True), Sequential([LSTM(3)], input_shape=(4, 2))
    from_torch(theirs, model)
    both = theirs.bias_ih_l0.detach() + theirs.bias_hh_l0.detach()
    np.testing.assert_array_equal(model.params["lstm.b"], both.numpy())
    state = to_torch(model)
    np.testing.assert_array_equal(state["lstm.bias_ih_l0"], both.numpy())
    assert not state["lstm.bias_hh_l0"].any()


def test_cells_are_layers_too():
    theirs, model = nn.GRUCell(2, 3).double(), Sequential([GRU(3)], input_shape=(1, 2), dtype="float64")
    x = np.random.default_rng(3).standard_normal((4, 2))
    from_torch(theirs, model)
    close(model.predict(x[:, None]), theirs(torch.tensor(x)).detach().numpy())


def test_without_order_numbers_tell_and_names_say(tmp_path):
    square = {f"{name}.weight": torch.randn(3, 3) for name in ("blocks.2", "blocks.10", "blocks.1")}
    path = save_file(square, tmp_path / "a.safetensors")
    model = Sequential([Dense(3, use_bias=False) for _ in range(3)], input_shape=(3,))
    from_torch(path, model)
    for name, theirs in (("dense", "blocks.1"), ("dense_1", "blocks.2"), ("dense_2", "blocks.10")):
        np.testing.assert_array_equal(model.params[f"{name}.W"], square[f"{theirs}.weight"].numpy().T)

    renamed = {"key.weight": square["blocks.2.weight"], "query.weight": square["blocks.10.weight"]}
    path = save_file(renamed, tmp_path / "b.safetensors")
    model = Sequential([Dense(3, use_bias=False) for _ in range(2)], input_shape=(3,))
    with pytest.raises(WeightsError) as caught:
        from_torch(path, model)
    assert "cannot be told. A file has no order but that of numbers in names. Say which is which by names={" in str(
        caught.value
    )
    assert "dense ('Linear', (3, 3), False)" in str(caught.value)
    assert "query ('Linear', (3, 3), False)" in str(caught.value)
    from_torch(path, model, names={"dense": "query", "dense_1": "key"})
    np.testing.assert_array_equal(model.params["dense.W"], renamed["query.weight"].numpy().T)
    from_torch(path, model, names={"dense": "key"})
    np.testing.assert_array_equal(model.params["dense_1.W"], renamed["query.weight"].numpy().T)
    with pytest.raises(WeightsError, match=r"names\['dense'\]: there is no module 'quer': did you mean 'query'"):
        from_torch(path, model, names={"dense": "quer"})
    with pytest.raises(WeightsError, match=r"names: there is no layer with weights 'dens': did you mean 'dense'"):
        from_torch(path, model, names={"dens": "query"})


class TestNothingIsHalfLoaded:
    def refused(self, state, model, *words):
        before = {name: array.copy() for name, array in model.params.items()}
        with pytest.raises(WeightsError) as caught:
            from_torch(state, model)
        for word in words:
            assert word in str(caught.value)
        for name, array in model.params.items():
            np.testing.assert_array_equal(array, before[name])

    def test_other_shapes(self):
        theirs = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
        line = "2.weight: expected (5, 3), as dense_1.W of Dense(units=5) is (3, 5), got (2, 3)"
        self.refused(theirs.state_dict(), Sequential([Dense(3), Dense(5)], input_shape=(4,)), line)

    def test_other_modules(self):
        theirs = nn.Sequential(nn.Linear(4, 3), nn.Conv1d(3, 3, 2), nn.LayerNorm(3))
        model = Sequential([Dense(3), LSTM(3, return_sequences=True)], input_shape=(6, 4))
        self.refused(theirs.state_dict(), model, "lstm ('LSTM', (3, 3), False)", "2 ('LayerNorm', (3,))")

    def test_left_over(self):
        theirs = nn.Sequential(nn.Linear(4, 3), nn.Conv1d(3, 3, 2), nn.Linear(3, 2))
        model = Sequential([Dense(3), Dense(2)], input_shape=(4,))
        self.refused(theirs.state_dict(), model, "from_torch: ", "1.weight (3, 3, 2): no weight of the model takes it")
        state = {**theirs.state_dict(), "0.scale": torch.ones(3)}
        self.refused(state, model, "0.scale (3,), of no layer here")

    def test_missing_with_the_nearest(self):
        state = {"lstm.weight_ih_l0": np.zeros((8, 3)), "lstm.weight_hh_l0": np.zeros((8, 2))}
        state |= {"lstm.bias_ih_l0": np.zeros(8), "lstm.bias_hh": np.zeros(8)}
        model = Sequential([LSTM(2)], input_shape=(4, 3))
        self.refused(state, model, "lstm.bias_hh_l0: expected (8,), for lstm.b of LSTM(units=2), got none: nearest is")

    def test_a_gru_of_the_paper(self):
        model = Sequential([GRU(2, reset_after=False)], input_shape=(4, 3))
        self.refused(nn.GRU(3, 2).state_dict(), model, "use GRU(..., reset_after=True)")
        with pytest.raises(WeightsError, match="reset_after=True"):
            to_torch(model)

    def test_no_state_dict(self):
        model = Sequential([Dense(3)], input_shape=(4,))
        with pytest.raises(TypeError, match="got a dict under 'model': give that dict"):
            from_torch({"model": nn.Linear(4, 3).state_dict(), "epoch": 3}, model)
        with pytest.raises(TypeError, match="a state dict, a module, or the path of a safetensors file, got list"):
            from_torch([1], model)
        with pytest.raises(WeightsError, match=r"0.weight \(\), of no layer here"):
            from_torch({"0.weight": "x", "0.bias": np.zeros(3)}, model)


def test_to_torch_of_other_kinds(tmp_path):
    theirs = nn.Sequential(nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3)).bfloat16()
    model = Sequential([Conv2D(2, 2), BatchNorm(epsilon=1e-5), nnlite.Flatten(), Dense(3)], (3, 3, 1))
    from_torch(theirs, model)
    state = to_torch(model, like=theirs)
    assert {value.dtype for value in state.values()} == {torch.bfloat16, torch.int64}
    theirs.load_state_dict(state)
    state = to_torch(model, tensors=True)
    assert state["batch_norm.num_batches_tracked"].dtype == torch.int64
    assert state["dense.weight"].dtype == torch.float32
    with pytest.raises(WeightsError, match=r"conv2d.weight: expected \(2, 1, 3, 3\), as in like, got \(2, 1, 2, 2\)"):
        to_torch(model, like={**state, "conv2d.weight": np.zeros((2, 1, 3, 3))})
    save_file(theirs.state_dict(), tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match=r"0\.weight: expected numbers, for conv2d\.W .*, got BF16"):
        from_torch(tmp_path / "a.safetensors", model)


def test_what_is_written_shares_no_memory_with_the_model():
    model = Sequential([Dense(3), BatchNorm()], input_shape=(2,))
    own = [*model.params.values(), *model.statistics.values()]
    for name, array in to_torch(model).items():
        assert not any(np.shares_memory(array, other) for other in own), name


def test_layer_norm_without_numbers_of_its_own():
    theirs = nn.Sequential(nn.Embedding(5, 4), nn.LayerNorm(4, bias=False), nn.Linear(4, 2)).double()
    parts = [Embedding(5, 4), LayerNorm(epsilon=1e-5), Dense(2)]
    model, ids = Sequential(parts, input_shape=(3,), dtype="float64"), np.arange(3)[None]
    model.params["layer_norm.beta"] = np.full(4, 7.0)
    close(from_torch(theirs, model).predict(ids), numbers(theirs, ids))
    model.params["layer_norm.beta"] = np.ones(4)
    with pytest.raises(WeightsError, match=r"layer_norm\.beta: expected 0 everywhere, as the other side has no such"):
        to_torch(model, like=theirs)


def test_pytorch_is_not_needed(tmp_path):
    path = save_file(nn.Linear(3, 2).state_dict(), tmp_path / "a.safetensors")
    program = f"""
import sys
sys.modules["torch"] = None
from nnlite import Dense, Sequential
from nnlite.interop import from_torch, to_torch
model = from_torch({str(path)!r}, Sequential([Dense(2)], input_shape=(3,)))
print(type(to_torch(model, {str(path)!r}, like={str(path)!r})["weight"]).__name__)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "ndarray\n"


def test_pickles_are_never_read(tmp_path):
    model = Sequential([Dense(3)], input_shape=(4,))
    for is_zip in (True, False):
        torch.save(nn.Linear(4, 3).state_dict(), tmp_path / "a.pt", _use_new_zipfile_serialization=is_zip)
        with pytest.raises(WeightsError, match=r"it is pickled.*never reads.*save_file\(module\.state_dict"):
            from_torch(tmp_path / "a.pt", model)


def test_no_other_file_is_lost(tmp_path):
    model = Sequential([Dense(2)], input_shape=(3,), seed=0)
    for name in ("precious.txt", "config.json", "model.onnx", "none"):
        (tmp_path / name).write_text("precious")
        with pytest.raises(ValueError, match=r"to_torch: path: expected a name that ends in .safetensors, .*: use "):
            to_torch(model, tmp_path / name)
        assert (tmp_path / name).read_text() == "precious"
    with pytest.raises(ValueError, match=r"or, .* torch.save\(to_torch\(model, tensors=True\), 'a.pt'\)"):
        to_torch(model, "a.pt")
    path = tmp_path / "model.safetensors"
    model.save(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"model.safetensors': that is a model of nnlite, which would be lost"):
        to_torch(model, path)
    assert path.read_bytes() == before
    for _ in range(2):  # its own file may be written again
        to_torch(model, tmp_path / "B.SafeTensors")


def refused(theirs, ours, shape):
    """What both ways say of settings that differ, with nothing copied."""
    model = Sequential(ours, input_shape=shape, seed=0)
    before = {name: array.copy() for name, array in model.params.items()}
    messages = []
    for call in (lambda: from_torch(theirs, model), lambda: to_torch(model, like=theirs)):
        with pytest.raises(WeightsError) as caught:
            call()
        messages.append(str(caught.value).partition("\n")[2] or str(caught.value))
    assert all((model.params[name] == array).all() for name, array in before.items())
    assert messages[0].removeprefix("from_torch: ") == messages[1].removeprefix("to_torch: like: ")
    from_torch(theirs.state_dict(), model)  # which says nothing of them
    return messages[0]


def test_settings_are_compared():
    theirs = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.LayerNorm(2))
    assert refused(theirs, [Conv2D(2, 3), BatchNorm(), LayerNorm()], (6, 4, 1)).split("\n") == [
        "  batch_norm: epsilon is 0.001 here and 1e-05 in 1: BatchNorm(epsilon=1e-05)",
        "  layer_norm: epsilon is 0.001 here and 1e-05 in 2: LayerNorm(epsilon=1e-05)",
    ]
    conv = {
        "stride": ({"stride": 2}, {}, r"strides is \(1, 1\) here and \(2, 2\) in 0: Conv2D\(strides=\(2, 2\)\)"),
        "dilation": ({"dilation": 2}, {}, r"dilation_rate is \(1, 1\) here and \(2, 2\) in 0: Conv2D"),
        "padding": (
            {"padding": 1},
            {},
            r"padding is \(\(0, 0\), \(0, 0\)\) here and \(\(1, 1\), \(1, 1\)\) in 0: Conv2D",
        ),
        "same": (
            {"stride": 2, "padding": 1},
            {"strides": 2, "padding": "same"},
            r"padding is \(\(0, 1\), \(0, 1\)\) here",
        ),
        "mode": ({"padding": 1, "padding_mode": "circular"}, {"padding": 1}, r"here and circular \(1, 1\) in 0$"),
    }
    for theirs, ours, words in conv.values():
        message = refused(nn.Sequential(nn.Conv2d(1, 2, 3, **theirs)), [Conv2D(2, 3, **ours)], (6, 6, 1))
        assert re.search(words, message), message
    for padding in (1, "same"):
        ours = Sequential([Conv2D(2, 3, padding=padding)], input_shape=(None, None, 1))
        for there in (1, "same"):
            from_torch(nn.Conv2d(1, 2, 3, padding=there), ours)
    ours = Sequential([Conv2D(2, 3, strides=2, padding="same")], input_shape=(7, 7, 1))
    from_torch(nn.Conv2d(1, 2, 3, stride=2, padding=1), ours)  # the same padding for an odd size
    framed = Sequential([nnlite.ZeroPadding2D(1), Conv2D(2, 3)], input_shape=(7, 7, 1))
    from_torch(nn.Conv2d(1, 2, 3, padding=1), framed)
    assert "is a transposed convolution" in refused(
        nn.Sequential(nn.ConvTranspose2d(2, 2, 3)), [Conv2D(2, 3)], (6, 6, 2)
    )
    assert "is no LayerNorm" in refused(nn.Sequential(nn.GroupNorm(1, 4)), [LayerNorm()], (4,))


def test_activations_are_compared():
    linear = nn.Linear(3, 3)
    for theirs, ours, words in (
        (nn.ReLU(), Dense(3, "tanh"), "dense: activation is tanh here and relu in 0: Dense(activation='relu')"),
        (nn.LeakyReLU(), Dense(3, "leaky_relu"), "LeakyReLU(0.2) here and LeakyReLU(0.01) in 0: Dense(activation=Le"),
        (nn.ELU(), Dense(3, "relu"), "dense: activation is relu here and elu in 0"),
        (
            nn.GELU("tanh"),
            Dense(3, "gelu"),
            "in 0: Dense(activation=GELU(approximate=True))",
        ),
        (nn.Identity(), Dense(3, "relu"), "dense: activation is relu here and none in 0"),
    ):
        message = refused(nn.Sequential(linear, theirs, nn.Linear(3, 2)), [ours, Dense(2)], (3,))
        assert words in message
    message = refused(nn.Sequential(nn.LayerNorm(3), nn.ReLU(), linear), [LayerNorm(epsilon=1e-5), Dense(3)], (3,))
    assert message.endswith("layer_norm: activation is none here and relu in 0")
    model = Sequential([Dense(3), nnlite.ReLU(), Dense(3, "softmax")], input_shape=(3,))
    from_torch(nn.Sequential(linear, nn.ReLU(), nn.Linear(3, 3)), model)  # whose loss has the softmax
    rnn = nn.RNN(3, 2, nonlinearity="relu", batch_first=True)
    assert "rnn: activation is tanh here and relu in it: RNN(activation='relu')" in refused(
        rnn, [nnlite.RNN(2)], (4, 3)
    )

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.leaky, self.two = linear, nn.LeakyReLU(), nn.Linear(3, 2)

    assert "negative_slope is 0.2 here and 0.01 there" in refused(Net(), [Dense(3, "leaky_relu"), Dense(2)], (3,))


def test_calls_that_are_not_meant_so():
    net, model = nn.Linear(3, 2), Sequential([Dense(2)], input_shape=(3,))
    with pytest.raises(TypeError, match=r"from_torch: model: expected a built model .*, got none: .* Sequential\(\["):
        from_torch(net)
    with pytest.raises(TypeError, match=r"to_torch: path: expected the path .*, got Linear: .*\(model, like=net"):
        to_torch(model, net)
    with pytest.raises(TypeError, match="to_torch: path: expected the path of a file to write, got int"):
        to_torch(model, 5)
