"""Checkpoints: what is written comes back bit for bit, and what is not a checkpoint is refused in one way."""

import io
import json
import math
import os
import pickle
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from nnlite.layers import GRU, LSTM, RNN, BatchNorm, Dense, Dropout, Softmax, Tanh
from nnlite.layers.base.layer import Layer
from nnlite.losses import SparseCategoricalCrossentropy
from nnlite.models.loading import load_model
from nnlite.models.sequential import Sequential
from nnlite.optimizers import SGD, Adam, Optimizer
from nnlite.saving import atomic_file, checkpoint, training_state
from nnlite.saving.checkpoint import CheckpointError
from nnlite.turns import computing

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 4)).astype("float32")
LABELS = X[:, :3].argmax(axis=1)


def trained_model(**kwargs):
    layers = [Dense(5), BatchNorm(), Tanh(), Dropout(0.5), Dense(3)]
    model = Sequential(layers, input_shape=(4,), seed=0, **kwargs)
    model.compile(Adam(0.01, global_clipnorm=5.0), SparseCategoricalCrossentropy(from_logits=True))
    model.fit(X, LABELS, batch_size=8, epochs=2, verbose=0)
    return model


def assert_same(first, second):
    """Two trees of dicts, lists, arrays and the rest, equal to the last bit and type."""
    assert type(first) is type(second)
    if isinstance(first, dict):
        assert list(first) == list(second)
        for key in first:
            assert_same(first[key], second[key])
    elif isinstance(first, list):
        assert len(first) == len(second)
        for pair in zip(first, second, strict=True):
            assert_same(*pair)
    elif isinstance(first, np.ndarray):
        assert (first.dtype, first.shape, first.tobytes()) == (second.dtype, second.shape, second.tobytes())
    else:
        assert first == second


def decoded(data):
    return checkpoint.decode(io.BytesIO(data), "a file")


def decoded_or_none(data):
    try:
        return decoded(data)
    except CheckpointError:
        return None


# Files


SCALARS = [
    None,
    True,
    0,
    -(2**200),
    0.1,
    -0.0,
    5e-324,
    1.7976931348623157e308,
    "",
    'a\n"\u2028\N{PILE OF POO}',
    "tensor",
]
ARRAYS = [
    np.zeros(()),
    np.zeros((0, 3), "float32"),
    np.array([[np.nan, -0.0], [np.inf, 1e-45]], "float32"),
    np.arange(6).reshape(2, 3),
    np.array([True, False]),
]
keys = st.sampled_from(["a", "b", "é c"])
trees = st.recursive(
    st.sampled_from([*SCALARS, *ARRAYS]) | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner),
    max_leaves=8,
)


@given(tree=st.dictionaries(keys, trees))
def test_decode_undoes_encode(tree):
    assert_same(decoded(checkpoint.encode(tree)), tree)


def test_arrays_that_are_not_contiguous_are_written_as_they_read(tmp_path):
    base = np.arange(24, dtype="float32").reshape(4, 6)
    views = {"T": base.T, "column": base[:, 1], "back": base[::-1], "wide": np.broadcast_to(base[0], (3, 6))}
    big_endian = {"big": base.astype(">f4")}
    checkpoint.write(tmp_path / "a", {"params": views | big_endian})
    found = checkpoint.read(tmp_path / "a")["params"]
    for name, view in (views | big_endian).items():
        np.testing.assert_array_equal(found[name], view)
        assert found[name].flags.c_contiguous
        assert found[name].flags.writeable
        assert found[name].dtype.isnative


def test_other_programs_find_the_weights_under_their_names(tmp_path):
    model = trained_model()
    model.save(tmp_path / "a")
    found = load_file(tmp_path / "a")
    for name, param in model.params.items():
        np.testing.assert_array_equal(found[name], param)
    assert "optimizer/state/momentum/dense.W" in found


def test_before_the_first_step_a_file_has_the_weights_alone(tmp_path):
    model = Sequential([Dense(2)], input_shape=(3,))
    model.compile(Adam(), "mse")
    model.save(tmp_path / "a")
    assert sorted(load_file(tmp_path / "a")) == ["dense.W", "dense.b"]


def test_only_the_outermost_params_have_no_prefix(tmp_path):
    tree = {"params": {"W": np.ones(2)}, "before": {"params": {"W": np.zeros(2)}}}
    checkpoint.write(tmp_path / "a", tree)
    assert_same(checkpoint.read(tmp_path / "a"), tree)
    assert sorted(load_file(tmp_path / "a")) == ["W", "before/params/W"]


def test_the_arrays_begin_at_a_multiple_of_8():
    for n in range(8):
        data = checkpoint.encode({"name": "a" * n, "params": {"W": np.ones(2)}})
        assert int.from_bytes(data[:8], "little") % 8 == 0


def test_what_a_terminal_would_obey_is_written_out():
    message = str(CheckpointError("".join(map(chr, range(0xA0)))))
    assert [character for character in message if not character.isprintable()] == ["\t", "\n"]


def test_same_tree_same_file(tmp_path):
    program = """
import numpy
from nnlite.saving import checkpoint
checkpoint.write({!r}, {{"params": {{"a": numpy.ones(3)}}}})
"""
    for i in range(3):  # safetensors orders its metadata by a hash that differs from process to process
        subprocess.run([sys.executable, "-c", program.format(str(tmp_path / str(i)))], check=True)
    assert len({(tmp_path / str(i)).read_bytes() for i in range(3)}) == 1


@pytest.mark.parametrize(
    ("tree", "error", "message"),
    [
        ({"a": math.nan}, ValueError, "a: expected a finite number, got nan: use None"),
        ({"a": object()}, TypeError, "a: expected numbers, texts, lists, dicts and arrays"),
        ({"a": {1: 2}}, TypeError, "a: keys must be strings"),
        ({"a": {"tensor": 1}}, TypeError, "'tensor' is taken"),
        ({"params": {"a/b": np.ones(1)}, "a": {"b": np.ones(1)}}, ValueError, "a/b: two arrays"),
    ],
)
def test_what_cannot_be_written(tmp_path, tree, error, message):
    with pytest.raises(error, match=message):
        checkpoint.write(tmp_path / "a", tree)
    assert not list(tmp_path.iterdir())


def small_file():
    model = Sequential([Dense(2)], input_shape=(1,), seed=0)
    model.compile("sgd", "mse")
    return checkpoint.encode(training_state.model_tree(model))


def test_every_flipped_byte_is_noticed():
    good = small_file()
    tree = decoded(good)
    silent = 0
    for i in range(len(good)):
        for mask in (1 << (i % 8), 0x20, 0xFF):
            found = decoded_or_none(good[:i] + bytes([good[i] ^ mask]) + good[i + 1 :])
            if found is not None:
                assert_same(found, tree)
                silent += 1
    assert silent < 10  # what is not part of the content, such as the case of a hexadecimal digit


def test_every_cut_is_noticed():
    good = small_file()
    for size in range(len(good)):
        with pytest.raises(CheckpointError, match=r"a file: .*(empty|cut short|not a checkpoint)"):
            decoded(good[:size])
    with pytest.raises(CheckpointError, match="cut short or damaged"):
        decoded(good + b"\0")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"dense.b":{"dtype":"F32"', b'"dense.b":{"dtype":"I32"'),
        (b'"dense.W":{"dtype":"F32","shape":[1,2]', b'"dense.W":{"dtype":"F32","shape":[2,1]'),
        (b'"dense.b":', b'"dense.c":'),
    ],
)
def test_a_changed_label_on_unchanged_bytes_is_noticed(old, new):
    data = small_file()
    assert data.count(old) == 1
    with pytest.raises(CheckpointError, match="its checksum is wrong"):
        decoded(data.replace(old, new))


def zipped():
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("model.json", "{}")
    return memory.getvalue()


def edited(path, change):
    """The file with its JSON changed and a checksum that fits: what no accident does."""
    tensors, content = {"W": np.ones(2)}, {"version": checkpoint.VERSION, "tree": {"params": {"W": {"tensor": "W"}}}}
    change(content)
    text = json.dumps(content)
    save_file(tensors, path, {"nnlite": text, "sha256": checkpoint._checksum(tensors, text)})


FOREIGN = [
    (b"", "the file is empty"),
    (b"abc", "not a checkpoint"),
    (rng.bytes(5000), "not a checkpoint"),
    (b"\0" * 1000, "not a checkpoint"),
    (pickle.dumps({"W": [1.0]}), "Python pickle, which nnlite never reads"),
    (b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG"),
    (zipped(), "zip archive"),
    (b'{"epoch": 1, "loss": 2.5}', "a text"),
    ((2**63).to_bytes(8, "little") + b"{" * 100, "not a checkpoint"),
    ((30).to_bytes(8, "little") + b'{"__metadata__":{"nnlite":""}}', "configuration is damaged"),
    ((2000).to_bytes(8, "little") + b"{" * 2000, "header is damaged"),
    ((200_000).to_bytes(8, "little") + b'{"a":' + b"[" * 199_995, "header is damaged"),
    ((4).to_bytes(8, "little") + b"[[]]", "not a checkpoint"),
    ((20).to_bytes(8, "little") + b'{"__metadata__":[3]}', "header is damaged|another program"),
]


@pytest.mark.parametrize(("data", "message"), FOREIGN, ids=range(len(FOREIGN)))
def test_foreign_files(tmp_path, data, message):
    path = tmp_path / "foreign.safetensors"
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=message) as caught:
        load_model(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_longest_header(tmp_path, monkeypatch):
    checkpoint.write(tmp_path / "a", {"n": 1})
    size = int.from_bytes((tmp_path / "a").read_bytes()[:8], "little")
    monkeypatch.setattr(checkpoint, "_LONGEST_HEADER", size)
    assert checkpoint.read(tmp_path / "a") == {"n": 1}
    monkeypatch.setattr(checkpoint, "_LONGEST_HEADER", size - 1)
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        checkpoint.read(tmp_path / "a")


@pytest.mark.parametrize(("dtype", "size"), [("BF16", 2), ("F8_E4M3", 1), ("F8_E5M2", 1)])
def test_dtypes_that_numpy_lacks(dtype, size):
    entries = {"__metadata__": {"nnlite": ""}, "W": {"dtype": dtype, "shape": [1], "data_offsets": [0, size]}}
    header = json.dumps(entries).encode()
    with pytest.raises(CheckpointError, match="the file is cut short or damaged"):
        decoded(len(header).to_bytes(8, "little") + header + bytes(size))


def test_safetensors_of_another_program(tmp_path):
    save_file({"W": np.ones(3)}, tmp_path / "other")
    with pytest.raises(CheckpointError, match="safetensors file of another program"):
        load_model(tmp_path / "other")


def test_a_newer_format(tmp_path):
    edited(tmp_path / "new", lambda content: content.update(version=2))
    with pytest.raises(CheckpointError, match=r"it has format 2, and this nnlite reads format 1.*upgrade nnlite"):
        load_model(tmp_path / "new")


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["tree"]["params"].update(V={"tensor": "V"}),
        lambda content: content.update(tree={"tensor": ["W"]}),
        lambda content: content.pop("tree"),
        lambda content: content.update(tree=[1, 2]),
        lambda content: None,
    ],
)
def test_a_forged_configuration_is_refused_in_the_same_way(tmp_path, change):
    edited(tmp_path / "forged", change)
    with pytest.raises(CheckpointError):
        load_model(tmp_path / "forged")


def test_no_file(tmp_path):
    with pytest.raises(CheckpointError, match="there is no such file"):
        load_model(tmp_path / "none.safetensors")
    with pytest.raises(CheckpointError, match="it is a folder"):
        load_model(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(CheckpointError, match="a device or a pipe"):
            load_model(tmp_path / "pipe")


# Writing


def full(descriptor):
    raise OSError(28, "No space left on device")


def lowest_free_descriptor():
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.close(descriptor)
    return descriptor


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a"
    checkpoint.write(path, {"n": 1})
    monkeypatch.setattr(atomic_file.os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"cannot write the checkpoint .*No space left"):
        checkpoint.write(path, {"n": 2})
    assert [file.name for file in tmp_path.iterdir()] == ["a"]
    assert checkpoint.read(path) == {"n": 1}


def test_ctrl_c_leaves_no_temporary_file(tmp_path, monkeypatch):
    def interrupted(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic_file.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        atomic_file.write(tmp_path / "a", b"x")
    assert not list(tmp_path.iterdir())


def test_no_folder(tmp_path):
    with pytest.raises(CheckpointError, match=r"cannot write .*make its folder first"):
        checkpoint.write(tmp_path / "none" / "a", {})


@pytest.mark.parametrize("path", ["link", "file/a"])
def test_an_error_has_the_path_as_given(tmp_path, path):
    (tmp_path / "link").symlink_to(tmp_path / "none" / "target")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises((FileNotFoundError, NotADirectoryError)) as caught:
        atomic_file.write(tmp_path / path, b"x")
    assert caught.value.filename == str(tmp_path / path)


def test_the_order_of_a_durable_write(tmp_path, monkeypatch):
    calls, replace = [], os.replace

    def synced(file):
        calls.append("folder" if os.path.samestat(os.fstat(file), tmp_path.stat()) else "bytes")

    monkeypatch.setattr(atomic_file.os, "fsync", synced)
    monkeypatch.setattr(atomic_file.os, "replace", lambda *args: (calls.append("name"), replace(*args)))
    atomic_file.write(tmp_path / "a", b"x")
    assert calls == ["bytes", "name", "folder"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_a_private_file_is_private_from_its_first_byte(tmp_path):
    def data():
        (file,) = tmp_path.iterdir()
        assert file.stat().st_mode & 0o777 == 0o600
        yield b"x"

    atomic_file.write(tmp_path / "a", data(), mode=0o600)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_all_bytes_are_in_the_file_before_it_is_synced(tmp_path, monkeypatch):
    sizes, real = [], os.fsync
    monkeypatch.setattr(atomic_file.os, "fsync", lambda file: (sizes.append(os.fstat(file).st_size), real(file)))
    atomic_file.write(tmp_path / "a", b"12345")
    assert sizes[0] == 5


def test_no_file_stays_open(tmp_path):
    before = lowest_free_descriptor()
    for _ in range(3):
        atomic_file.write(tmp_path / "a", b"x")
    assert lowest_free_descriptor() == before


def test_nor_a_folder_that_cannot_be_synced(tmp_path, monkeypatch):
    before = lowest_free_descriptor()
    monkeypatch.setattr(atomic_file.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        atomic_file._sync_folder(tmp_path)
    assert lowest_free_descriptor() == before


def test_leftovers_of_killed_writers_are_removed(tmp_path):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    names = {
        f".a.{int(dead.stdout)}-0123abcd-0.tmp": False,
        f".a.{os.getpid()}-0123abcd-0.tmp": False,  # of an earlier process with our number, as in a container
        f".a.{os.getpid()}-{atomic_file._run}-9999.tmp": True,  # of another thread of ours
        f".a.{10**20}-0123abcd-0.tmp": False,  # of no process that there can be
        f".a.{os.getppid()}-0123abcd-0.tmp": True,
        f".ab.{int(dead.stdout)}-0123abcd-0.tmp": True,  # of another file
        f"-a.{int(dead.stdout)}-0123abcd-0.tmp": True,  # of another program
        f".a.{int(dead.stdout)}-0123abcd-0.tmp.backup": True,  # one that a user has kept
        "a.tmp": True,
    }
    for name in names:
        (tmp_path / name).write_bytes(b"")
    atomic_file.write(tmp_path / "a", b"x")
    assert {name: (tmp_path / name).exists() for name in names} == names


def test_leftovers_of_other_users_processes_stay(tmp_path, monkeypatch):
    def not_ours(process, signal):
        raise PermissionError

    monkeypatch.setattr(atomic_file.os, "kill", not_ours)
    (tmp_path / ".a.1234567-0123abcd-0.tmp").write_bytes(b"")
    atomic_file.write(tmp_path / "a", b"x")
    assert sorted(file.name for file in tmp_path.iterdir()) == [".a.1234567-0123abcd-0.tmp", "a"]


def test_another_writer_may_be_quicker_to_remove_a_leftover(tmp_path, monkeypatch):
    leftover = tmp_path / ".a.1234567-0123abcd-0.tmp"
    leftover.write_bytes(b"")
    monkeypatch.setattr(atomic_file, "_is_running", lambda process: bool(leftover.unlink()))
    atomic_file.write(tmp_path / "a", b"x")
    assert (tmp_path / "a").read_bytes() == b"x"


def test_a_link_in_the_place_of_the_temporary_file_is_not_followed(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic_file, "_count", iter([7]))
    (tmp_path / "other").write_bytes(b"old")
    (tmp_path / f".a.{os.getpid()}-{atomic_file._run}-7.tmp").symlink_to(tmp_path / "other")
    with pytest.raises(FileExistsError):
        atomic_file.write(tmp_path / "a", b"x")
    assert (tmp_path / "other").read_bytes() == b"old"


def test_a_file_has_the_usual_permissions_and_links_stay(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    atomic_file.write(tmp_path / "link", b"x")
    assert (tmp_path / "target").read_bytes() == b"x"
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_long_message_keeps_both_of_its_ends():
    text = "a" * 800 + "b" * 800
    assert training_state.explain(ValueError(text)) == text
    assert training_state.explain(ValueError(f"{text[:800]}c{text[800:]}")) == f"{'a' * 800} ... {'b' * 800}"


def test_an_error_without_a_message_has_its_name():
    assert training_state.explain(MemoryError()) == "MemoryError"


@pytest.mark.parametrize("name", ["a.h5", "a.H5", "a.keras", "a.Pt"])
def test_a_name_of_another_program_is_refused(tmp_path, name):
    with pytest.raises(
        ValueError, match=r"path: expected a name that ends in \.safetensors, .*: use '.*a\.safetensors'"
    ):
        Sequential([Dense(2)], input_shape=(3,)).save(tmp_path / name)


# Models


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_loaded_model_trains_on_as_the_saved_one_would_have(tmp_path, dtype):
    model = trained_model() if dtype == "float32" else Sequential([Dense(3), Softmax()], (4,), "float64", seed=1)
    x = X.astype(dtype)
    if dtype == "float64":
        model.compile("rmsprop", "sparse_categorical_crossentropy")
    model.save(tmp_path / "a")
    loaded = load_model(tmp_path / "a")
    assert loaded.get_config() == model.get_config()
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    if dtype == "float32":
        histories = [m.fit(x, LABELS, epochs=3, verbose=0).history for m in (model, loaded)]
        assert histories[0] == histories[1]
    for name, array in (model.params | model.statistics).items():
        np.testing.assert_array_equal((loaded.params | loaded.statistics)[name], array)
    assert loaded.rng.random() == model.rng.random()


def test_what_is_written_is_a_copy(tmp_path, monkeypatch):
    model, real = trained_model(), checkpoint.write
    before = model.params["dense.W"].copy()

    def late(path, tree):  # when another thread has made a step
        model.params["dense.W"] *= 2
        real(path, tree)

    monkeypatch.setattr(training_state.checkpoint, "write", late)
    model.save(tmp_path / "a")
    np.testing.assert_array_equal(load_model(tmp_path / "a").params["dense.W"], before)


def test_a_model_is_saved_between_two_steps(tmp_path):
    saving = threading.Thread(target=trained_model().save, args=(tmp_path / "a",))
    with computing:  # as a step does
        saving.start()
        saving.join(0.3)
        assert saving.is_alive()
    saving.join()
    assert (tmp_path / "a").exists()


def test_layers_of_a_model_in_the_model_share_their_generator_also_when_loaded(tmp_path):
    inner = Sequential([Dropout(0.5), Dropout(0.5)], seed=3)
    model = Sequential([inner], input_shape=(4,), seed=0)
    model.save(tmp_path / "a")
    loaded = load_model(tmp_path / "a")
    np.testing.assert_array_equal(loaded.forward(X, training=True), model.forward(X, training=True))


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_the_state_of_stateful_layers_is_saved(tmp_path, kind):
    model = Sequential([kind(3, stateful=True, input_dim=4), Dense(2)], input_shape=(5,), seed=0)
    model.save(tmp_path / "fresh")
    assert load_model(tmp_path / "fresh").layers[0].state is None
    ids = np.array([[1, 2, 3, 0, 1]])
    model.forward(ids)
    model.save(tmp_path / "a")
    np.testing.assert_array_equal(load_model(tmp_path / "a").forward(ids), model.forward(ids))


@pytest.mark.parametrize("name", ["PCG64DXSM", "Philox", "SFC64", "MT19937"])
def test_any_generator(tmp_path, name):
    generator = np.random.Generator(getattr(np.random, name)(3))
    generator.integers(10, size=3, dtype="uint32")  # leaves half of a 64-bit number for later
    model = Sequential([Dense(2)], input_shape=(3,), seed=generator)
    model.save(tmp_path / "a")
    assert (load_model(tmp_path / "a").rng.integers(99, size=9) == model.rng.integers(99, size=9)).all()


class Double(Layer):
    def forward(self, x, training=False):
        return 2 * x

    def backward(self, dy):
        return 2 * dy


class Centred(Layer):
    """Takes off the mean of all that it has seen in training: a statistic."""

    def build(self, input_shape):
        self._add_statistic("mean", input_shape, 0.0)
        super().build(input_shape)

    def forward(self, x, training=False):
        self._ensure_built(x)
        (mean,) = self._arrays("statistics", "mean")
        if training:
            mean += 0.1 * (x.mean(axis=0) - mean)
        return (x - mean).astype(x.dtype)

    def backward(self, dy):
        return dy


class SignDescent(Optimizer):
    def update(self, grad, param, slots, scale, clip):
        param -= self.learning_rate * np.sign(grad)


class AbsoluteError:  # a loss needs no base
    def forward(self, y_true, y_pred):
        self.difference = y_pred - y_true
        return float(np.abs(self.difference).mean())

    def backward(self):
        return np.sign(self.difference) / self.difference.dtype.type(self.difference.size)


def test_classes_of_ones_own(tmp_path):
    model = Sequential([Double(), Dense(2)], input_shape=(4,), seed=0)
    model.compile(SignDescent(0.1), AbsoluteError())
    model.train_on_batch(X, X[:, :2].copy())
    model.save(tmp_path / "a")
    with pytest.raises(CheckpointError, match=r"a: layer class 'Double' is not in nnlite.layers.*custom_objects"):
        load_model(tmp_path / "a")
    with pytest.raises(CheckpointError, match="no optimizer 'SignDescent': if it is your own"):
        load_model(tmp_path / "a", {"Double": Double})
    loaded = load_model(tmp_path / "a", {c.__name__: c for c in (Double, SignDescent, AbsoluteError)})
    np.testing.assert_array_equal(loaded.forward(X), model.forward(X))
    assert loaded.train_on_batch(X, X[:, :2].copy()) == model.train_on_batch(X, X[:, :2].copy())


def centred_model(seed=0):
    model = Sequential([Centred(), Dense(2)], input_shape=(4,), seed=seed)
    model.compile("sgd", "mse")
    model.train_on_batch(X + seed, X[:, :2].copy())
    return model


def test_statistics_are_saved(tmp_path):
    model = centred_model()
    assert list(model.statistics) == ["centred.mean"]
    assert model.statistics["centred.mean"] is model.layers[0].statistics["mean"]
    assert model.statistics["centred.mean"].any()
    model.save(tmp_path / "a")
    loaded = load_model(tmp_path / "a", {"Centred": Centred})
    np.testing.assert_array_equal(loaded.statistics["centred.mean"], model.statistics["centred.mean"])
    np.testing.assert_array_equal(loaded.forward(X), model.forward(X))
    np.testing.assert_array_equal(
        load_file(tmp_path / "a")["statistics/centred.mean"], model.statistics["centred.mean"]
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda found: found.clear(), r"the statistics are \[\] in the file and \['centred.mean'\] in the model"),
        (
            lambda found: found.update({"other": np.zeros(4)}),
            r"the statistics are \['centred.mean', 'other'\] in the file",
        ),
        (lambda found: found.update({"centred.mean": np.zeros(5)}), r"centred.mean is float64 \(5,\) in the file, and"),
        (lambda found: found.update({"centred.mean": np.zeros(4, "f4")}), "centred.mean is float32"),
    ],
)
def test_statistics_that_do_not_fit_are_found_before_anything_changes(change, message):
    model, tree = centred_model(), training_state.model_tree(centred_model(seed=1))
    before = checkpoint.encode(training_state.model_tree(model))
    change(tree["statistics"])
    with pytest.raises(ValueError, match=message):
        training_state.restore_model(model, tree)
    assert checkpoint.encode(training_state.model_tree(model)) == before


def test_a_file_from_before_there_were_statistics(tmp_path):
    model = Sequential([Dense(2)], input_shape=(4,), seed=0)
    tree = training_state.model_tree(model)
    assert tree.pop("statistics") == {}
    checkpoint.write(tmp_path / "a", tree)
    np.testing.assert_array_equal(load_model(tmp_path / "a").forward(X), model.forward(X))


@pytest.mark.parametrize(
    ("exchange", "error", "message"),
    [
        (
            lambda a: a.astype("f4"),
            TypeError,
            r"centred.statistics\['mean'\]: expected a C-contiguous array of float64, got <f4: use np.ascontig",
        ),
        (lambda a: a[:3], ValueError, r"centred.statistics\['mean'\]: expected shape as built = \(4,\), got \(3,\)"),
        (lambda a: None, TypeError, r"centred.statistics\['mean'\]: expected numbers, got NoneType"),
    ],
)
def test_statistics_that_were_exchanged_are_checked(exchange, error, message):
    layer = centred_model().layers[0]
    layer.statistics["mean"] = exchange(layer.statistics["mean"])
    with pytest.raises(error, match=message):
        layer.forward(X)


def test_a_model_that_was_not_compiled(tmp_path):
    model = Sequential([Tanh()], input_shape=(4,))
    model.save(tmp_path / "a")
    loaded = load_model(tmp_path / "a")
    assert loaded.optimizer is None
    np.testing.assert_array_equal(loaded.forward(X), model.forward(X))


def test_a_model_without_weights(tmp_path):
    with pytest.raises(ValueError, match="has no weights to save yet: give it an input_shape"):
        Sequential([Dense(3)]).save(tmp_path / "a")


def test_the_optimizer_keeps_its_memory(tmp_path):
    model = Sequential([Dense(2)], input_shape=(4,), seed=0)
    model.compile(SGD(0.1, momentum=0.9), "mse")
    model.train_on_batch(X, X[:, :2].copy())
    model.optimizer.learning_rate = 0.05
    model.save(tmp_path / "a")
    optimizer = load_model(tmp_path / "a").optimizer
    assert optimizer.iterations == 1
    assert optimizer.learning_rate == 0.05
    np.testing.assert_array_equal(optimizer.state["momentum/dense.W"], model.optimizer.state["momentum/dense.W"])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda tree: tree["params"].pop("dense.b"), "the parameters are"),
        (lambda tree: tree["params"].update({"dense.b": np.zeros(3, "float32")}), r"dense.b is float32 \(3,\) in the"),
        (lambda tree: tree.pop("states"), "states"),
        (lambda tree: tree["states"].pop("lstm"), "lstm"),
        (lambda tree: tree["states"].update(lstm=[1, 2]), "the state of lstm is no list of float32 arrays"),
        (lambda tree: tree["states"].update(lstm=[np.zeros((1, 3))] * 2), "the state of lstm is no list of float32"),
        (lambda tree: tree["states"].update(lstm=[]), r"the state of lstm has the shapes \[\] in the file"),
        (lambda tree: tree["states"].update(lstm=[np.float32(1)] * 2), r"lstm has the shapes \[\(\), \(\)\] in"),
        (lambda tree: tree["states"].update(lstm=[np.zeros((1, 9), "f4")] * 2), r"the state of lstm has the shapes"),
        (lambda tree: tree.pop("optimizer"), "optimizer"),
        (lambda tree: tree.update(optimizer=None), "the file has no optimizer, and the model has one"),
        (lambda tree: tree["optimizer"].pop("state"), "state"),
        (
            lambda tree: tree["optimizer"].update(iterations=-1),
            "optimizer: iterations: expected a whole number of at least",
        ),
        (lambda tree: tree["optimizer"]["config"].pop("learning_rate"), "learning_rate"),
        (lambda tree: tree["optimizer"]["config"].update(learning_rate=-1), "learning_rate: expected a number in"),
        (
            lambda tree: tree["optimizer"]["state"].update({"velocity/dense.b": np.zeros(3)}),
            "velocity/dense.b is float64",
        ),
        (lambda tree: tree.pop("rng"), "rng"),
        (lambda tree: tree.update(rng={"bit_generator": "MT19937"}), "PCG64"),
    ],
)
def test_what_does_not_fit_is_found_before_anything_changes(damage, message):
    def make(seed):
        model = Sequential([LSTM(3, stateful=True, input_dim=4), Dense(2)], input_shape=(5,), seed=seed)
        model.compile(Adam(0.1 * (seed + 1)), "mse")
        model.train_on_batch(np.full((1, 5), seed), np.ones((1, 2), "float32"))
        return model

    model, other = make(0), make(1)
    before, tree = (
        checkpoint.encode(training_state.model_tree(model)),
        decoded(checkpoint.encode(training_state.model_tree(other))),
    )
    damage(tree)
    with pytest.raises((LookupError, TypeError, ValueError), match=message):
        training_state.restore_model(model, tree)
    assert checkpoint.encode(training_state.model_tree(model)) == before
    whole = checkpoint.encode(training_state.model_tree(other))
    training_state.restore_model(model, decoded(whole))
    assert checkpoint.encode(training_state.model_tree(model)) == whole


def test_nothing_in_the_package_can_read_a_pickle():
    package = Path(checkpoint.__file__).parent
    for source in package.rglob("*.py"):
        text = source.read_text(encoding="utf-8")
        assert "import pickle" not in text, source
        assert "allow_pickle=True" not in text, source
