"""Files of weights from anyone: read, or refused by one kind of error, with little memory, and no code in them run."""

import io
import json
import os
import random
import struct
import zipfile

import numpy as np
import pytest
from extras import import_extra
from files import write_over
from test_hostile_files import at_most, deep, within

import nnlite
from nnlite import LSTM, BatchNorm, Dense, Sequential
from nnlite.interop import WeightsError, from_keras, from_npz, from_torch, to_keras, to_npz, to_torch

h5py = import_extra("h5py", "keras")


def made(seed=1):
    return Sequential([LSTM(2), BatchNorm(), Dense(1)], input_shape=(4, 2), seed=seed)


READERS = {
    "weights.h5": (lambda path: from_keras(path, made()), lambda path: to_keras(made(2), path)),
    "keras": (from_keras, lambda path: to_keras(made(2), path)),
    "keras, for a model": (lambda path: from_keras(path, made()), lambda path: to_keras(made(2), path)),
    "safetensors": (lambda path: from_torch(path, made()), lambda path: to_torch(made(2), path)),
    "npz": (lambda path: from_npz(path, made()), lambda path: to_npz(made(2), path)),
}
every_reader = pytest.mark.parametrize("name", READERS)


def file_of(name, folder):
    path = folder / f"model.{name.partition(',')[0]}"
    READERS[name][1](path)
    return path


def damage(name, folder, changed):
    """Read changed files, and count those that are refused and read."""
    read, path = READERS[name][0], file_of(name, folder)
    messages, passed = [], 0
    for data in changed(path.read_bytes()):
        write_over(path, data)
        try:
            read(path)
            passed += 1
        except WeightsError as error:
            messages.append(str(error))
    assert all(str(path) in message for message in messages)
    assert max(map(len, messages)) < 5000
    return len(messages), passed


@every_reader
class TestDamage:
    def test_a_sample(self, name, tmp_path):
        def changed(data):
            rng = random.Random(3)
            yield from (data[: rng.randrange(len(data))] for _ in range(60))
            for _ in range(200):
                bad = bytearray(data)
                bad[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
                yield bytes(bad)

        with at_most(2**23), within(200):
            refused, _ = damage(name, tmp_path, changed)
        assert refused >= 60

    @pytest.mark.long
    def test_many(self, name, tmp_path):
        def changed(data):
            yield from (data[:size] for size in range(len(data)))
            for seed in range(20_000):
                rng = random.Random(seed)
                bad = bytearray(data)
                for _ in range(rng.choice([1, 1, 2, 4])):
                    bad[rng.randrange(len(data))] = rng.randrange(256)
                yield bytes(bad)

        print(name, damage(name, tmp_path, changed))

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes with names")
    def test_special_files(self, name, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "zero").symlink_to("/dev/zero")
        for place, words in (
            ("pipe", "a device or a pipe"),
            ("zero", "a device"),
            ("", "it is a folder"),
            ("no", "No"),
        ):
            with within(20), pytest.raises(OSError, match=words):
                READERS[name][0](tmp_path / place)

    def test_another_program(self, name, tmp_path):
        for data in (b"", b"x", b"\x89PNG\r\n\x1a\n", b"\x80\x04K\x03.", b"{}", bytes(100)):
            (tmp_path / "a").write_bytes(data)
            with pytest.raises(WeightsError, match=r"expected|never reads"):
                READERS[name][0](tmp_path / "a")


# What promises more than it holds.


def packed(**files):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return memory.getvalue()


def hdf5(fill):
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        fill(file)
    return memory.getvalue()


def config(**first):
    return {
        "config": {"layers": [{"class_name": "Dense", "config": {"units": 1, **first}}]},
        "class_name": "Sequential",
    }


def npy(shape):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


def chunked(file):
    file.create_dataset("layers/dense/vars/0", (10**9, 100), "f4", chunks=(10**4, 10), compression="gzip")


BOMBS = {
    "HDF5 without its numbers": (lambda: hdf5(chunked), "promises 400,000,000,000 bytes"),
    "an archive": (
        lambda: packed(config_json=json.dumps(config()), model_weights_h5=bytes(2**26)),
        "unpacks to 67,108,864 bytes",
    ),
    "a configuration": (lambda: packed(config_json=" " * 2**26), "unpacks to 67,108,864 bytes"),
    "depth": (lambda: packed(config_json=deep(50_000)), "expected JSON|unpacks"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name, tmp_path):
    make, words = BOMBS[name]
    (tmp_path / "bomb").write_bytes(make())
    assert (tmp_path / "bomb").stat().st_size < 2**17
    for model in (None, Sequential([Dense(1)], input_shape=(1,)))["HDF5" in name :]:
        with within(20), at_most(2**22), pytest.raises(WeightsError, match=words) as caught:
            from_keras(tmp_path / "bomb", model)
        assert len(str(caught.value)) < 3000


@pytest.mark.parametrize(
    "shape", ["(1000000000,)", f"({'1, ' * 40})", "(-1,)", "(1, 1)", "1", "x", "((", "1}\n if 1:\n   2\n  3"]
)
def test_npz_headers(shape, tmp_path):
    (tmp_path / "a.npz").write_bytes(packed(**{"dense.W.npy": npy(shape), "dense.b.npy": npy("(1,)")}))
    with within(20), at_most(2**21), pytest.raises(WeightsError):
        from_npz(tmp_path / "a.npz", Sequential([Dense(1)], input_shape=(1,)))


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_archives(kind, tmp_path):
    """As np.savez_compressed writes them; damaged, or as nobody writes them, they are refused."""
    model, path = Sequential([Dense(1)], input_shape=(1,)), tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, array in model.params.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.save(file, array)
    if kind == zipfile.ZIP_DEFLATED:
        from_npz(path, model)
        data = bytearray(path.read_bytes())
        start = 30 + len("dense.W.npy")
        data[start : start + 40] = bytes([255] * 40)
        path.write_bytes(data)
    with pytest.raises(
        WeightsError, match=r"a.npz: (the file is damaged|dense.W.npy: expected it as it is or deflated)"
    ):
        from_npz(path, model)


def test_a_huge_model_is_not_made(tmp_path):
    """What a configuration claims is compared with the file's arrays before memory is taken."""
    layers = [
        {"class_name": "InputLayer", "config": {"batch_shape": [None, 10**5]}},
        {"class_name": "Dense", "config": {"units": 10**5}},
    ]
    text = json.dumps({"class_name": "Sequential", "config": {"layers": layers}})
    weights = hdf5(lambda file: file.update({"layers/dense/vars/0": np.ones((1, 1)), "layers/dense/vars/1": [1.0]}))
    (tmp_path / "a.keras").write_bytes(packed(config_json=text, model_weights_h5=weights))
    with at_most(2**22), pytest.raises(WeightsError, match=r"dense.W is \(1, 1\) in the file and \(100000, 100000\)"):
        from_keras(tmp_path / "a.keras")


# What leads out of the file.


@pytest.mark.parametrize("kind", ["a soft link", "another file", "raw bytes", "a virtual array", "a circle"])
def test_nothing_outside_of_the_file_is_read(kind, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["secret"] = np.ones((1, 1))
    (tmp_path / "raw").write_bytes(np.ones(1).tobytes())
    with h5py.File(tmp_path / "a.weights.h5", "w") as file:
        place = file.create_group("layers/dense/vars")
        place["1"] = np.ones(1)
        if kind == "a soft link":
            file["other"] = np.ones((1, 1))
            place["0"] = h5py.SoftLink("/other")
        elif kind == "another file":
            place["0"] = h5py.ExternalLink("secret.h5", "/secret")
        elif kind == "raw bytes":
            place.create_dataset("0", (1, 1), "f8", external=[(str(tmp_path / "raw"), 0, 8)])
        elif kind == "a virtual array":
            layout = h5py.VirtualLayout((1, 1), "f8")
            layout[...] = h5py.VirtualSource(tmp_path / "secret.h5", "secret", (1, 1))
            place.create_virtual_dataset("0", layout)
        else:
            place["0"] = file["layers"]
    model = Sequential([Dense(1)], input_shape=(1,), seed=0)
    before = model.get_weights()
    with within(20), pytest.raises(WeightsError, match=r"got none|got one of other files"):
        from_keras(tmp_path / "a.weights.h5", model)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


@pytest.mark.parametrize(
    "first",
    [
        {"units": -1},
        {"units": "x"},
        {"units": None},
        {"units": {"class_name": "x"}},
        {"activation": {"class_name": "function", "config": "__import__('os').system"}},
        {"activation": {"class_name": "Lambda", "config": {"function": "x"}}},
        {"activation": {"class_name": ["x"], "config": 3}},
        {"dtype": "object"},
        {"dtype": {"config": 3}},
        {"name": 3},
        {"name": "a/b"},
        {"name": "\x1b[2J" * 100},
        {"kernel_regularizer": 3},
        {"kernel_regularizer": {"class_name": "L2", "config": {"l2": "x"}}},
        {"trainable": "x"},
        {"x" * 10**5: "y" * 10**5},
    ],
)
def test_hostile_arguments(first, tmp_path):
    data = {**config(**first)}
    data["config"]["layers"].insert(0, {"class_name": "InputLayer", "config": {"batch_shape": [None, 1]}})
    weights = hdf5(lambda file: file.update({"layers/dense/vars/0": np.ones((1, 1)), "layers/dense/vars/1": [1.0]}))
    (tmp_path / "a.keras").write_bytes(packed(config_json=json.dumps(data), model_weights_h5=weights))
    with pytest.raises(WeightsError) as caught:
        from_keras(tmp_path / "a.keras")
    assert len(str(caught.value)) < 1000
    assert "\x1b" not in str(caught.value)


LAYERS = {
    "none": [],
    "no list": 3,
    "no entries": [3],
    "no arguments": [{"class_name": "Dense"}],
    "nothing inside": [{"class_name": "Bidirectional", "config": {}}],
    "a number inside": [{"class_name": "TimeDistributed", "config": {"layer": 1}}],
    "no shape": [{"class_name": "InputLayer", "config": {"batch_shape": 3}}],
    "a list of a class": [{"class_name": ["Dense"], "config": {}}],
    "deep": [{"class_name": "Sequential", "config": {"layers": [{"class_name": "Sequential", "config": {}}]}}],
}
TEXTS = "3", "[]", "null", '{"class_name": "Sequential"}', '{"class_name": "Sequential", "config": 3}', '"x"'
TEXTS += tuple(json.dumps({"class_name": "Sequential", "config": {"layers": value}}) for value in LAYERS.values())


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_hostile_configurations(text, tmp_path):
    weights = hdf5(lambda file: file.update({"layers/dense/vars/0": np.ones((1, 1)), "layers/dense/vars/1": [1.0]}))
    (tmp_path / "a.keras").write_bytes(packed(config_json=text, model_weights_h5=weights))
    for model in (None, Sequential([Dense(1)], input_shape=(1,))):
        with pytest.raises(WeightsError):
            from_keras(tmp_path / "a.keras", model)


def test_a_checkpoint_of_ours_says_so(tmp_path):
    model = made()
    model.save(tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match=r"nnlite\.load_model"):
        from_torch(tmp_path / "a.safetensors", model)
    assert nnlite.load_model(tmp_path / "a.safetensors")
