"""Data larger than memory: memory maps and generators train in bounded memory, and are resumed."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
from numeric import assert_same_bits

from nnlite import Adam, BackupAndRestore, Callback, Dense, MeanSquaredError, Sequential, checks
from nnlite.models import order
from nnlite.models.batch import Batch
from nnlite.saving.checkpoint import CheckpointError

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(20, 4)), rng.normal(size=(20, 2))


class TestOrder:
    @pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 65, 1000, 2**16 + 1])
    def test_each_number_comes_once(self, count):
        permutation = order.Permutation(count, np.random.default_rng(0))
        numbers = np.concatenate([permutation[start : start + 30] for start in range(0, count, 30)])
        assert numbers.shape == (count,)
        np.testing.assert_array_equal(np.sort(numbers), np.arange(count))

    @pytest.mark.parametrize(("count", "bytes_each"), [(200, 1), (300, 2), (70_000, 4)])
    def test_a_short_one_is_as_small_as_its_numbers_let_it(self, count, bytes_each):
        numbers = order.shuffled(count, np.random.default_rng(0))
        assert numbers.dtype.itemsize == bytes_each
        np.testing.assert_array_equal(np.sort(numbers), np.arange(count))

    def test_all_orders_are_as_likely(self):
        seed, found = np.random.default_rng(0), {}
        for _ in range(2400):
            key = tuple(order.Permutation(4, seed)[:4].tolist())
            found[key] = found.get(key, 0) + 1
        assert len(found) == 24
        assert max(found.values()) < 150  # 100 expected, with a deviation of 10
        assert min(found.values()) > 50

    def test_no_number_stays_near_its_place(self):
        count = 10**6
        moved = order.Permutation(count, np.random.default_rng(0))[:count].astype(int) - np.arange(count)
        assert abs(moved).mean() / count == pytest.approx(1 / 3, rel=0.01)
        assert abs(np.corrcoef(np.arange(count - 1), np.diff(moved))[0, 1]) < 0.01

    @pytest.mark.parametrize("block", [1, 16, 2**14])
    def test_blocks_change_nothing(self, block, monkeypatch):
        whole = order.Permutation(1000, np.random.default_rng(0))[:1000]
        monkeypatch.setattr(order, "BLOCK", block)
        permutation = order.Permutation(1000, np.random.default_rng(0))
        for start, size in ((0, 32), (32, 32), (960, 64), (5, 3)):
            np.testing.assert_array_equal(permutation[start : start + size], whole[start : start + size])

    def test_fewer_are_shuffled_as_ever(self):
        expected = np.arange(100, dtype=np.uint8)
        np.random.default_rng(3).shuffle(expected)
        np.testing.assert_array_equal(order.shuffled(100, np.random.default_rng(3)), expected)


def test_rows_are_numbered_without_an_array():
    batch = Batch(X, Y)
    assert batch[4:].rows == range(4, 20)
    np.testing.assert_array_equal(batch[4:][np.array([0, 5])].rows, [4, 9])
    np.testing.assert_array_equal(batch[4:][2:8][np.array([0, 5])].rows, [6, 11])
    np.testing.assert_array_equal(batch[np.array([3, 1, 2])][1:].rows, [1, 2])


# Resuming.


def endless():
    for number in itertools.count():
        rows = np.arange(number * 5, number * 5 + 5) % 19  # no batch comes again in the same place of an epoch
        yield X[rows], Y[rows]


class Loader:
    """Such as PyTorch's DataLoader: it has a length, and can be read again."""

    def __len__(self):
        return 3

    def __iter__(self):
        return itertools.islice(endless(), 3)


class Numbered:
    """Such as Keras' PyDataset: it has a length, and batches by number."""

    def __init__(self):
        self.asked = []

    def __len__(self):
        return 7

    def __getitem__(self, number):
        self.asked.append(number)
        return next(itertools.islice(endless(), number, None))


class Shuffled(Numbered):
    """Takes another order after each epoch."""

    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(0)
        self.on_epoch_end()

    def __getitem__(self, number):
        return super().__getitem__(self.order[number])

    def on_epoch_end(self):
        self.order = self.rng.permutation(len(self))


class ShuffledBefore(Shuffled):
    """Takes another order before each epoch."""

    def on_epoch_begin(self):
        self.order = self.rng.permutation(len(self))

    def on_epoch_end(self):
        self.order = None


class ShuffledLoader(Shuffled):
    def __iter__(self):
        return (self[number] for number in range(len(self)))


class Stop(Callback):
    def __init__(self, after):
        self.left = after

    def on_train_batch_end(self, batch, logs):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


SOURCES = {
    "a generator": endless,
    "a loader": Loader,
    "numbered": Numbered,
    "shuffled": Shuffled,
    "shuffled before": ShuffledBefore,
    "a shuffled loader": ShuffledLoader,
    "a memory map": None,
}


def trained(source, tmp_path, callbacks=(), initial_epoch=0):
    model = Sequential([Dense(3), Dense(2)], input_shape=(4,), dtype="float64", seed=0)
    model.compile(Adam(0.1), MeanSquaredError())
    if source is None:
        arrays = []
        for name, array in (("x", X), ("y", Y)):
            np.save(tmp_path / f"{name}.npy", array)
            arrays.append(np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
        data = {"x": arrays[0], "y": arrays[1], "validation_split": 0.2, "batch_size": 4}
    else:
        data = {"x": source(), "steps_per_epoch": 4, "validation_data": source(), "validation_steps": 2}
    backup = BackupAndRestore(tmp_path / "backup", save_freq=1, delete_checkpoint=False)
    epochs = {"epochs": initial_epoch + 3, "initial_epoch": initial_epoch}
    history = model.fit(**data, **epochs, callbacks=[backup, *callbacks], verbose=0).history
    return model, history


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("after", [1, 3, 4, 6, 11])
def test_resumed_to_the_same_bits(name, after, tmp_path):
    (tmp_path / "whole").mkdir()
    model, history = trained(SOURCES[name], tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        trained(SOURCES[name], tmp_path, [Stop(after)])
    resumed, again = trained(SOURCES[name], tmp_path)
    assert again == history
    for expected, got in zip(model.get_weights(), resumed.get_weights(), strict=True):
        assert_same_bits(got, expected)


def asked_in_three_epochs(make):
    """A source that a model has read, the model, and the generator of the orders in which it was asked."""
    source, validation = make(), make()
    model = Sequential([Dense(2)], input_shape=(4,), seed=0)
    model.compile("sgd", "mse")
    model.fit(source, epochs=3, validation_data=validation, verbose=0)
    orders = np.random.default_rng(0)
    asked = [number for _ in range(3) for number in orders.permutation(7)]
    assert source.asked == validation.asked == asked
    return source, model, orders


@pytest.mark.parametrize("make", [Shuffled, ShuffledLoader])
def test_a_source_is_told_of_the_end_of_each_epoch(make):
    source, model, orders = asked_in_three_epochs(make)
    assert (source.order == orders.permutation(7)).all()
    model.evaluate(source)
    assert (source.order == orders.permutation(7)).all()


def test_a_source_is_told_of_the_beginning_of_each_epoch():
    source, model, orders = asked_in_three_epochs(ShuffledBefore)
    model.evaluate(source)
    assert source.asked[21:] == [*orders.permutation(7)]
    assert source.order is None


def test_batches_of_an_earlier_fit_are_not_skipped(tmp_path):
    (tmp_path / "whole").mkdir()
    history = trained(endless, tmp_path / "whole", initial_epoch=2)[1]
    with pytest.raises(KeyboardInterrupt):
        trained(endless, tmp_path, [Stop(6)], initial_epoch=2)
    assert trained(endless, tmp_path, initial_epoch=2)[1] == history


def test_numbered_batches_are_not_made_to_be_skipped(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        trained(Numbered, tmp_path, [Stop(6)])
    source = Numbered()
    trained(lambda: source, tmp_path)  # as validation data, too
    assert source.asked[:6] == [0, 0, 5, 6, 0, 0]  # the first is looked at; twice, as they are validation data, too


def test_other_batches_are_another_training(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        trained(endless, tmp_path, [Stop(2)])
    with pytest.raises(CheckpointError, match=r"it is from a run with samples=20, .*checksum="):
        trained(lambda: ((x + 1, y) for x, y in endless()), tmp_path)


# Memory.

PROGRAM = """
import re, sys, tracemalloc
import numpy as np
from nnlite import *
from nnlite.text import windows

path, kind = sys.argv[1:]
shapes = {"images": ((2**18, 32, 32), "uint8"), "many": ((2**25, 8), "uint8"), "ids": ((2**28,), "uint8")}
shape, dtype = shapes[kind]
np.lib.format.open_memmap(f"{path}/x.npy", "w+", dtype, shape)  # a sparse file: zeros that no disk holds
x = np.load(f"{path}/x.npy", mmap_mode="r")
if kind == "ids":
    x, y = windows(x, 4, 8)
    layers, loss = [Embedding(3, 3), Dense(3)], SparseCategoricalCrossentropy(from_logits=True)
else:
    np.lib.format.open_memmap(f"{path}/y.npy", "w+", "uint8", shape[:1])
    y = np.load(f"{path}/y.npy", mmap_mode="r")
    layers, loss = [Flatten(), Dense(3)], SparseCategoricalCrossentropy(from_logits=True)

class Stop(Callback):
    def on_train_batch_end(self, batch, logs):
        self.model.stop_training = batch == 20  # the rest would be more of the same

model = Sequential(layers, input_shape=x.shape[1:], seed=0)
model.compile("sgd", loss, metrics=["accuracy"])
validation = x[:5000], y[:5000]
tracemalloc.start()
model.fit(x, y, 32, callbacks=[Stop(), ModelCheckpoint(f"{path}/model")], validation_data=validation, verbose=0)
model.fit(x, y, 32, callbacks=[Stop()], shuffle=False, verbose=0)
model.fit(x, y, 32, callbacks=[Stop()], validation_split=0.0001, verbose=0)
if kind == "images":
    backup = BackupAndRestore(f"{path}/backup", save_freq=10, delete_checkpoint=False)
    model.fit(x, y, 32, callbacks=[backup, Stop()], verbose=0)
    model.fit(x, y, 32, epochs=2, callbacks=[backup, Stop()], verbose=0)
    model.evaluate(x[:50_000], y[:50_000], 32)
    assert model.predict(x[:50_000], 32).shape == (50_000, 3)
status = open("/proc/self/status").read() if sys.platform == "linux" else "VmHWM: 0"
print(tracemalloc.get_traced_memory()[1], 1024 * int(re.search("VmHWM: *\\s*(\\d+)", status)[1]))
"""


@pytest.mark.parametrize("kind", ["images", "many", "ids"])
def test_files_are_read_in_bounded_memory(kind, tmp_path):
    """268 MB in a few: a training that copies the data, or numbers its samples, takes more than 100."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, tmp_path, kind], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    made, resident = map(int, done.stdout.split())
    assert made < 30_000_000
    assert resident < 220_000_000  # on Linux, with the pages of the file that are mapped


def test_changes_of_a_map_are_kept(tmp_path):
    """A map in mode "c" holds them in memory alone."""
    np.save(tmp_path / "x.npy", X)
    for mode, expected in (("c", X[0, 0]), ("r+", 7)):
        x = np.load(tmp_path / "x.npy", mmap_mode=mode)
        x[0, 0] = 7
        checks.give_back(x[5:], np.asarray(x), None, X)
        assert x[0, 0] == 7
        assert np.load(tmp_path / "x.npy")[0, 0] == expected
