"""Plain arrays by names, there and back."""

import numpy as np
import pytest

from nnlite import LSTM, BatchNorm, Dense, Sequential
from nnlite.interop import WeightsError, from_npz, to_npz


def made(seed, dtype="float32"):
    return Sequential([LSTM(3), BatchNorm(), Dense(2)], input_shape=(4, 2), seed=seed, dtype=dtype)


def test_there_and_back(tmp_path):
    model, x = made(1), np.random.default_rng(3).standard_normal((5, 4, 2))
    model.forward(x, training=True)  # moves the statistics
    to_npz(model, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as arrays:
        assert set(arrays) == {*model.params, *model.statistics}
        np.testing.assert_array_equal(arrays["batch_norm.moving_mean"], model.statistics["batch_norm.moving_mean"])
        np.savez_compressed(tmp_path / "b.npz", **arrays)
        as_dict = dict(arrays)
    for source in (tmp_path / "a.npz", tmp_path / "b.npz", as_dict):
        np.testing.assert_array_equal(from_npz(source, made(2)).predict(x), model.predict(x))
    assert from_npz(as_dict, made(2, "float64")).dtype == "float64"


def test_all_or_nothing():
    model, other = made(1), made(2)
    before = {name: array.copy() for name, array in model.params.items()}
    arrays = {**other.params, **other.statistics}
    with pytest.raises(WeightsError, match=r"lstm.Wx: expected \(2, 12\), as lstm.Wx of LSTM\(units=3\) is"):
        from_npz({**arrays, "lstm.Wx": np.zeros((2, 11))}, model)
    with pytest.raises(WeightsError, match=r"dense.b: expected \(2,\), for .*, got none: nearest is dense.B \(2,\)"):
        from_npz({("dense.B" if name == "dense.b" else name): array for name, array in arrays.items()}, model)
    with pytest.raises(WeightsError, match=r"lstm.Wx: expected numbers, for lstm.Wx .*, got object"):
        from_npz({**arrays, "lstm.Wx": np.full((2, 12), None)}, model)
    for name, array in model.params.items():
        np.testing.assert_array_equal(array, before[name])
    with pytest.raises(TypeError, match="expected a path or a dict of arrays, got list"):
        from_npz([1], model)


def test_objects_are_never_loaded(tmp_path):
    class Bomb:
        def __reduce__(self):
            return pytest.fail, ("it was loaded",)

    model = Sequential([Dense(1)], input_shape=(1,))
    np.savez(tmp_path / "a.npz", **{"dense.W": np.array([[Bomb()]]), "dense.b": np.zeros(1)})
    with pytest.raises(WeightsError, match=r"a\.npz: (.|\n)*dense.W: expected numbers, .*, got object"):
        from_npz(tmp_path / "a.npz", model)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800"])
def test_a_name_that_no_zip_can_have_is_refused(tmp_path, name):
    model = Sequential([Dense(2, name=name)], input_shape=(3,))
    with pytest.raises(ValueError, match="to_npz: expected names that a zip can have, got 'a"):
        to_npz(model, tmp_path / "a.npz")
    assert not [*tmp_path.iterdir()]


def test_no_other_file_is_lost(tmp_path):
    (tmp_path / "precious.txt").write_text("precious")
    with pytest.raises(ValueError, match=r"to_npz: path: expected a name that ends in .npz, .*precious.npz'"):
        to_npz(made(1), tmp_path / "precious.txt")
    assert (tmp_path / "precious.txt").read_text() == "precious"
