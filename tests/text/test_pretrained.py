"""The model in the box: it is small, it is what its README says, and the command there makes it again."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

import nnlite
from nnlite.experiment import Sonnets
from nnlite.text import pretrained, pretrained_model

README = Path(pretrained.PATH).with_name("README.md").read_text(encoding="utf-8")


def loss(model):
    run = Sonnets("unused", Sonnets.Settings(units=192, seed=1))
    model.compile(nnlite.Adam(), nnlite.SparseCategoricalCrossentropy(from_logits=True))
    return model.evaluate(*run.data()[1])


def test_it_is_small_and_float16_loses_nothing():
    assert os.path.getsize(pretrained.PATH) < 400_000
    model = pretrained_model()
    assert f"{model.parameter_count:,} numbers" in README
    for array in model.params.values():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, array.astype(np.float16))


def test_its_loss_is_that_of_the_readme():
    assert round(loss(pretrained_model()), 3) == float(re.search(r"a loss of (\d\.\d+) nats", README)[1])


def test_each_call_makes_a_model_of_its_own():
    model = pretrained_model()
    model.params["dense.b"][...] = 0
    assert pretrained_model().params["dense.b"].any()


@pytest.mark.long
def test_the_command_in_the_readme_makes_it_again(tmp_path, nnlite_command):
    command = re.search(r"^    nnlite (train .*) --out", README, re.MULTILINE)[1].split()
    assert nnlite_command(*command, "--out", tmp_path / "run")[0] == 0
    made = Sonnets.open(tmp_path / "run").saved_model()
    pretrained.save(made, pretrained.film(), tmp_path / "again.safetensors")
    model = pretrained_model()
    is_same = all((model.params[name] == array.astype(np.float16)).all() for name, array in made.params.items())
    assert is_same or loss(made) == pytest.approx(loss(model), abs=0.03)  # another CPU rounds otherwise
