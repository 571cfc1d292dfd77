"""The page on Keras and PyTorch: what it shows of their side runs, and what it says of ours is so."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from chain import import_torch
from extras import import_extra

from nnlite import LSTM, Conv2D, Dense, Sequential
from nnlite.interop import from_keras, from_torch, to_keras, to_torch

os.environ.setdefault("KERAS_BACKEND", "torch")
torch = import_torch()
keras = import_extra("keras", "peers")
PAGE = Path(__file__).parents[2] / "docs" / "guides" / "keras_and_pytorch.md"

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of Keras with NumPy 2
    pytest.mark.skipif(not PAGE.exists(), reason="an installed nnlite has no docs/"),
]


def test_what_it_shows_of_their_side(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown: dict = {}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        exec(block, shown)
    exact, rng = {"rtol": 1e-4, "atol": 1e-5}, np.random.default_rng(3)

    x = rng.standard_normal((2, 6, 5)).astype("float32")
    ours = from_keras("theirs.keras")
    np.testing.assert_allclose(ours.predict(x), shown["theirs"](x).detach().numpy(), **exact)
    to_keras(ours, "ours.keras")
    again = keras.saving.load_model("ours.keras")
    np.testing.assert_allclose(ours.predict(x), again(x).detach().numpy(), **exact)

    conv = Sequential([Conv2D(2, 3, groups=2)], input_shape=(8, 8, 2), seed=1)
    images = rng.standard_normal((2, 8, 8, 2)).astype("float32")
    to_keras(conv, "conv.weights.h5", like="depthwise.keras")
    depthwise = shown["depthwise"]
    for give in (lambda: depthwise.load_weights("conv.weights.h5"), lambda: to_keras(conv, depthwise)):
        depthwise.set_weights([0 * w for w in depthwise.get_weights()])
        give()
        np.testing.assert_allclose(conv.predict(images), depthwise(images).detach().numpy(), **exact)

    net, layers = shown["net"], [LSTM(8, return_sequences=True), LSTM(8), Dense(3)]
    model = Sequential(layers, input_shape=(None, 5))
    for source in (net, net.state_dict()):
        from_torch(source, model)
        np.testing.assert_allclose(model.predict(x), net(torch.tensor(x)).detach().numpy(), **exact)
    net.load_state_dict(to_torch(model, like=net))
    np.testing.assert_allclose(model.predict(x), net(torch.tensor(x)).detach().numpy(), **exact)
