"""Feeds a reader of files with bytes that find new branches in it: `python tests/fuzzed.py NAME [SECONDS]`.

It takes atheris (pip install atheris), whose libFuzzer keeps an input that reaches code which no other has reached, and
changes that one further. The readers are Python, and so is what it sees of them; hypothesis, which the other tests use,
draws without such a memory. A reader may refuse its input by the errors that it names, and by no other, within 10
seconds and 1 GiB.
"""

import contextlib
import gzip
import json
import re
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["nnlite", "PIL", "gzip", "json", "zipfile"]):
    import numpy as np
    from PIL import Image
    from safetensors.numpy import save

    import nnlite
    from nnlite import CheckpointError, load_model
    from nnlite.experiment import ExperimentError, MinimalRNN, Sonnets, Sweep, find_runs
    from nnlite.images import IDXError, load_digit, load_idx
    from nnlite.interop import (
        OnnxError,
        WeightsError,
        from_keras,
        from_npz,
        from_onnx,
        from_torch,
        to_keras,
        to_npz,
        to_onnx,
        to_torch,
    )
    from nnlite.saving import checkpoint
    from nnlite.saving.regular_file import read_json_lines
    from nnlite.text import Vocabulary, read_text

warnings.simplefilter("ignore")
FOLDER = Path(tempfile.mkdtemp())
FILE = FOLDER / "file"
KINDS = Sonnets, MinimalRNN, Sweep


def small():
    return nnlite.Sequential([nnlite.LSTM(2, input_dim=3), nnlite.BatchNorm(), nnlite.Dense(2)], (4,), seed=0)


def tiny():
    """A small model, trained for a step, in a file."""
    model = small()
    model.compile("adam", nnlite.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.fit(np.zeros((2, 4), int), np.zeros(2, int), verbose=0)
    model.vocabulary = Vocabulary("abc")
    model.save(FILE)
    return FILE.read_bytes()


TINY, TENSORS = tiny(), {}
ONNX = to_onnx(load_model(FILE)).SerializeToString()
TREE = checkpoint._without_arrays(checkpoint.read(FILE), "", TENSORS)


def written(write, name):
    """What one of the writers for other programs writes of a small model."""
    write(small(), FOLDER / name)
    return (FOLDER / name).read_bytes()


def forged(data):
    """A checkpoint with this text in it, and a checksum that fits: no accident makes it, but a stranger can."""
    text = data.decode("utf-8", "replace")
    FILE.write_bytes(save(TENSORS, {"nnlite": text, "sha256": checkpoint._checksum(TENSORS, text)}))
    load_model(FILE)


def repacked(data):
    """A .keras file with this configuration, whole as an archive, and with weights that fit the small model."""
    with zipfile.ZipFile(FOLDER / "a.keras") as old, zipfile.ZipFile(FILE, "w") as new:
        new.writestr("config.json", data)
        new.writestr("model.weights.h5", old.read("model.weights.h5"))
    from_keras(FILE)


def config_of(kind):
    run = kind(FOLDER / kind.kind)
    run.create()
    return (run.folder / "config.json").read_bytes()


CONFIGS = [config_of(kind) for kind in KINDS]
RUN = FOLDER / MinimalRNN.kind
RECIPE, SWEEP = MinimalRNN(RUN), Sweep(FOLDER / Sweep.kind, Sweep.Settings(units=(4,), sgd=()))


def read_config(data):
    (RUN / "config.json").write_bytes(data)
    assert len(find_runs(FOLDER)) >= len(KINDS) - 1
    for kind in KINDS:
        with contextlib.suppress(ExperimentError):
            kind.open(RUN).progress  # noqa: B018
    names = {path.name for path in FOLDER.iterdir() if not path.name.startswith("a.")}
    assert names == {"file", *(kind.kind for kind in KINDS)}


def read_log(data):
    (RUN / "log.jsonl").write_bytes(data)
    RECIPE.curve()


def read_sweep(data):
    (FOLDER / Sweep.kind / "sweep.json").write_bytes(data)
    SWEEP.results()


def pictures():
    for name in ("PNG", "GIF", "BMP", "TIFF", "PPM", "JPEG", "WEBP"):
        Image.new("L", (9, 9), 255).save(FILE, name)
        yield FILE.read_bytes()


def from_file(read):
    def read_bytes(data):
        FILE.write_bytes(data)
        read(FILE)

    return read_bytes


WORDS = b"null", b"true", b"-1", b"0.5", b"1e999", b"NaN", b"1" + 400 * b"0", b"[]", b"{}", b'""', b"[[[[", b":", b","
IDX = b"\0\0\x08\1\0\0\0\2ab"

# Each reader, the errors by which it may refuse, and what it starts from.
READERS = {
    "checkpoint": (from_file(load_model), CheckpointError, [TINY]),
    "forged": (forged, CheckpointError, [json.dumps({"version": 1, "tree": TREE}).encode()]),
    "onnx": (from_onnx, OnnxError, [ONNX]),
    "idx": (from_file(lambda path: load_idx(path, max_bytes=2**20)), IDXError, [IDX, gzip.compress(IDX)]),
    "text": (from_file(read_text), ValueError, ["a\r\n\ufeffü".encode()]),
    "config": (read_config, ExperimentError, CONFIGS),
    "log": (read_log, ExperimentError, [b'{"step": 100, "smoothed_loss": 3.5}\n{"step": null}\n']),
    "lines": (from_file(lambda path: [*read_json_lines(path)]), ValueError, [b'{"loss": 1.0}\n']),
    "sweep": (read_sweep, ExperimentError, [b'[{"name": "x", "units": 1}]']),
    "picture": (from_file(load_digit), ValueError, [*pictures()]),
    "keras": (from_file(from_keras), WeightsError, [written(to_keras, "a.keras")]),
    "repacked": (repacked, WeightsError, [zipfile.ZipFile(FOLDER / "a.keras").read("config.json")]),
    "hdf5": (from_file(lambda path: from_keras(path, small())), WeightsError, [written(to_keras, "a.weights.h5")]),
    "torch": (from_file(lambda path: from_torch(path, small())), WeightsError, [written(to_torch, "a.safetensors")]),
    "npz": (from_file(lambda path: from_npz(path, small())), WeightsError, [written(to_npz, "a.npz")]),
}


def main(name, seconds="600"):
    read, refusal, seeds = READERS[name]

    def try_one(data):
        with contextlib.suppress(refusal):
            read(data)

    corpus = FOLDER.with_name(f"{FOLDER.name}-corpus")
    corpus.mkdir()
    for number, seed in enumerate(seeds):
        (corpus / str(number)).write_bytes(seed)
    words = {word for seed in seeds for word in re.findall(rb'"\w+"', seed)} | {*WORDS}
    dictionary = FOLDER.with_name(f"{FOLDER.name}-words")
    dictionary.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in words))
    longest = max(2**14, 2 * max(map(len, seeds)))  # of a shorter one it would take a part of a seed
    limits = f"-max_total_time={seconds} -timeout=10 -rss_limit_mb=1024 -max_len={longest} -print_final_stats=1".split()
    files = f"-dict={dictionary}", f"-artifact_prefix={corpus}-", str(corpus)
    atheris.Setup([sys.argv[0], *limits, *files], try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
