"""Whatever a path leads to, and whatever is in a file: it is read, or refused by one kind of error, soon and cheap."""

import contextlib
import functools
import gzip
import io
import itertools
import json
import os
import signal
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path
from shutil import copytree, rmtree

import numpy as np
import pytest
from commands import COMMAND, contents
from files import write_over
from PIL import Image
from safetensors.numpy import save_file

import nnlite
from nnlite import CheckpointError, load_model
from nnlite.callbacks import CSVLogger, JSONLogger
from nnlite.cli.standard_output import StandardOutput
from nnlite.experiment import ExperimentError, MinimalRNN, Sonnets, Sweep, find_runs
from nnlite.experiment.folder import InUseError
from nnlite.experiment.sweep import train
from nnlite.images import IDXError, load_digit, load_idx
from nnlite.plot import loss_curves
from nnlite.saving import atomic_file, checkpoint, regular_file, training_state
from nnlite.saving.regular_file import LONGEST_JSON, read_json, read_json_lines
from nnlite.text import read_text

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes with names, and locks no folders")
TINY = Sonnets.Settings(units=4, step=400, epochs=1, temperatures=(1.0,))
OPTIONS = ["--units=4", "--step=400", "--epochs=1", "--temperature=1"]


@contextlib.contextmanager
def within(seconds):
    """A test that would wait for ever fails instead."""

    def late(*_):
        raise TimeoutError(f"it took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def at_most(size):
    """Memory that Python takes."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()


def small_model():
    model = nnlite.Sequential([nnlite.Dense(2)], input_shape=(1,), seed=0)
    model.compile("sgd", "mse")
    return model


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    run = Sonnets(tmp_path_factory.mktemp("runs") / "sonnets", TINY)
    run.create()
    run.fit(verbose=0)
    return run.folder


@pytest.fixture
def run(finished, tmp_path):
    return copytree(finished, tmp_path / "run")


# What a path may lead to.

READERS = {
    "text": (read_text, OSError),
    "IDX": (load_idx, OSError),
    "picture": (load_digit, OSError),
    "model": (load_model, CheckpointError),
    "log": (lambda path: [*read_json_lines(path)], OSError),
    "curves": (loss_curves, OSError),
}


@posix
class TestSpecialFiles:
    @pytest.fixture(params=["a pipe", "a device", "a folder", "a link to nothing", "a link to itself", "nothing"])
    def place(self, request, tmp_path):
        path = tmp_path / "place"
        if request.param == "a pipe":
            os.mkfifo(path)
        elif request.param == "a device":
            path.symlink_to("/dev/zero")
        elif request.param == "a folder":
            path.mkdir()
        elif request.param != "nothing":
            path.symlink_to("place" if "itself" in request.param else "nowhere")
        return path

    @pytest.mark.parametrize("name", READERS)
    def test_are_refused_by_every_reader(self, name, place):
        read, kind = READERS[name]
        words = r"a device or a pipe|it is a folder|[Nn]o such file|Too many levels"
        with within(20), pytest.raises(kind, match=words) as caught:
            read(place)
        assert str(place) in str(caught.value)

    @pytest.mark.parametrize("line", ["train --text PLACE", "stats PLACE", "minimal-rnn --text PLACE", "sample PLACE"])
    def test_are_refused_by_the_command(self, line, place, tmp_path, monkeypatch, nnlite_command):
        monkeypatch.chdir(tmp_path)
        if line.startswith("stats") and place.is_dir():
            pytest.skip("a run folder, which is tested elsewhere")
        with within(60):
            code, output, error = nnlite_command(*line.replace("PLACE", str(place)).split())
        assert (code, output, error.count("\n")) == (1, "", 1)
        assert str(place) in error
        assert [path.name for path in tmp_path.iterdir()] in ([], ["place"])

    @pytest.mark.parametrize("write", [atomic_file.write, checkpoint.write])
    def test_are_not_replaced(self, write, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "loop").symlink_to("loop")
        for name in ("pipe", "loop"):
            with pytest.raises((OSError, CheckpointError), match=r"a device or a pipe|Too many levels") as caught:
                write(tmp_path / name, {} if write is checkpoint.write else b"x")
            assert str(tmp_path / name) in str(caught.value)
        assert (tmp_path / "pipe").is_fifo()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["loop", "pipe"]

    @pytest.mark.parametrize("logger", [CSVLogger, JSONLogger])
    def test_no_log_is_written_there_and_no_epoch_trained(self, logger, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        model, x = small_model(), np.ones((4, 1))
        for path in (tmp_path / "pipe", tmp_path):
            with within(20), pytest.raises(OSError, match=r"a device or a pipe|it is a folder"):
                model.fit(x, x, epochs=1, callbacks=[logger(path)], verbose=0)
        assert model.optimizer.iterations == 0


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file of Linux that cannot be read at its start")
@pytest.mark.parametrize("read", [read_text, load_idx])
def test_a_disk_that_cannot_be_read_names_the_file(read):
    with pytest.raises((OSError, ValueError), match="/proc/self/mem"):
        read("/proc/self/mem")


def test_a_full_disk_names_the_file(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_file.os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*picture\.png'"):
        atomic_file.write(tmp_path / "picture.png", b"x")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is full")
def test_a_log_on_a_full_disk(tmp_path):
    logger = JSONLogger(tmp_path / "log.jsonl")
    with open("/dev/full", "r+b", buffering=0) as logger._file:
        with pytest.raises(OSError, match=r"No space left on device: '.*log\.jsonl'"):
            logger._write("line")
        logger.close()  # which writes no more


# Runs that are looked for while others train.


def test_what_vanishes_disturbs_no_search(tmp_path, monkeypatch):
    """A temporary file of a run in training, or a whole run, is listed and then gone."""
    runs = [Sonnets(tmp_path / name, TINY) for name in ("a", "b", "c")]
    for run in runs:
        run.create()

    class Listing(list):
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    def listing(real):
        def list_and_remove(path="."):
            if isinstance(path, int):  # of the removal itself
                return real(path)
            (runs[0].folder / ".a.tmp").touch()
            entries = real(path)
            found = Listing(entries)
            (runs[0].folder / ".a.tmp").unlink()
            if Path(path) == tmp_path:
                rmtree(runs[2].folder, ignore_errors=True)
            return found

        return list_and_remove

    with monkeypatch.context() as patch:
        for name in ("listdir", "scandir"):
            patch.setattr(os, name, listing(getattr(os, name)))
        assert find_runs(tmp_path) == [run.folder for run in runs[:2]]


# Settings.


def deep(levels):
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda text: text.replace('"units": 4', f'"units": {deep(900)}'),
            "units: expected a whole number of at least 1",
        ),
        (lambda text: text.replace('"units": 4', f'"units": {deep(90_000)}'), "nested too deeply"),
        (lambda text: text.replace('"units"', f'"{"u" * 10**6}"'), "settings: there is no 'uuu"),
        (lambda text: text.replace('"units": 4', '"units": NaN'), "at least 1, got nan"),
        (lambda text: text.replace('"units": 4', f'"units": {"9" * 5000}'), "digits"),
        (lambda text: text.replace('"layers": 1', f'"layers": {10**9}'), "layers: expected at most 100"),
        (lambda text: text.replace('"dropout": 0.5', '"dropout": 1e999'), "dropout: expected a finite number"),
        (lambda text: text.replace('"dropout": 0.5', f'"dropout": {10**400}'), "dropout: expected a finite number"),
        (lambda text: text.replace('"sonnets"', f'"{"s" * 10**6}"'), "another program wrote it"),
        (lambda text: text.replace('"sonnets"', '"\\u001b[2J"'), "another program wrote it"),
        (lambda text: text.replace('"vocabulary": {', '"text": [], "vocabulary": {'), "text: expected entries"),
        (lambda text: text.replace('"vocabulary": {', '"text": {"file": 3}, "vocabulary": {'), "file: expected a text"),
        (lambda text: text.replace('"characters": "', '"characters": "aa'), "distinct characters"),
        (lambda text: text.replace('"characters"', '"c"'), "expected a dict with 'characters', got one with"),
        (lambda text: text.replace('"characters": "', '"characters": "\\ud800'), "surrogates not allowed"),
        (lambda text: text + " " * LONGEST_JSON, "expected at most 16,777,216 bytes, got more"),
    ],
)
def test_hostile_settings(change, message, run, nnlite_command):
    before = (run / "config.json").read_text()
    (run / "config.json").write_text(change(before))
    assert (run / "config.json").read_text() != before
    files = contents(run)
    for line in (["sample", run], ["train", "--resume", "--out", run], ["train", *OPTIONS, "--out", run]):
        with within(60):
            code, output, error = nnlite_command(*line)
        assert code in (1, 2)
        assert (output, error.count("\n")) == ("", 1)
        assert len(error) < 1000
        assert "\x1b" not in error
    with pytest.raises(ExperimentError, match=message):
        Sonnets.open(run)
    assert contents(run) == files


@pytest.mark.parametrize(
    ("entry", "value", "file"),
    [
        ("vocabulary", {"characters": "ab"}, "config.json"), ("length", 10**30, "config.json"),
        ("learning_rate", -1.0, "config.json"), ("units", 7, "checkpoint.safetensors"),
        ("length", 39, "checkpoint.safetensors"), ("optimizer", "sgd", "checkpoint.safetensors"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_resumed_stay(entry, value, file, run, nnlite_command):
    config = json.loads((run / "config.json").read_bytes())
    (config if entry in config else config["settings"])[entry] = value
    (run / "config.json").write_text(json.dumps(config))
    files = contents(run)
    for more in ([], ["--epochs", 9]):
        code, _, error = nnlite_command("train", "--resume", *more, "--out", run)
        assert (code, error.count("\n")) == (1, 1)
        assert str(run / file) in error
        assert contents(run) == files


def test_too_many_trainings():
    Sweep.Settings(units=tuple(range(1, 998)))  # with the three other values 1000
    with pytest.raises(ValueError, match="units, adagrad and sgd: expected at most 1000 values together, got 1003"):
        Sweep.Settings(units=tuple(range(1, 1001)))


@pytest.mark.parametrize(
    "line",
    ["{", "[]", "3", "{}", '{"step": -1, "smoothed_loss": 1}', '{"step": 1, "smoothed_loss": "x"}', deep(90_000)],
)
def test_a_hostile_log(line, tmp_path):
    run = MinimalRNN(tmp_path / "run", MinimalRNN.Settings(units=4, iterations=100))
    run.create()
    (run.folder / "log.jsonl").write_text(f"{line}\n")
    with pytest.raises(ExperimentError, match=r"cannot read the log in .*log\.jsonl: "):
        run.curve()
    (run.folder / "log.jsonl").write_text('{"step": 100, "smoothed_loss": 3.5}\n{"step": 200, "smoo')
    assert run.curve()[0] == [0, 100]  # whose last line is not written yet


@pytest.mark.parametrize(
    "lines",
    ["[]", '{"loss": "x"}', '{"loss": 1}\n{"loss": [2]}', '{"loss": 1, "val_loss": {}}', f'{{"loss": {10**400}}}'],
)
def test_a_hostile_log_is_not_drawn(lines, tmp_path):
    (tmp_path / "log.jsonl").write_text(f"{lines}\n")
    with pytest.raises(ValueError, match=r"log\.jsonl: (loss: |val_loss: |line 1: )expected"):
        loss_curves(tmp_path / "log.jsonl")
    (tmp_path / "log.jsonl").write_text('{"loss": null}\n{"loss": 2}\n')
    assert len(loss_curves(tmp_path / "log.jsonl").lines[0].get_ydata()) == 2


def test_how_long_json_and_a_line_of_it_may_be(tmp_path, monkeypatch):
    monkeypatch.setattr(regular_file, "LONGEST_JSON", 10)
    path = tmp_path / "a"
    path.write_text('"23456789"')
    assert read_json(path) == "23456789"
    path.write_text('"23456789a"')
    with pytest.raises(ValueError, match=r"^expected at most 10 bytes, got more$"):
        read_json(path)
    path.write_text('{"a": 1}\n{"a": "890')  # not written yet
    assert [*read_json_lines(path)] == [{"a": 1}]
    path.write_text('{"a": 1}\n{"a": "8901')
    with pytest.raises(ValueError, match=r"a: line 2: expected at most 10 bytes, got more$"):
        [*read_json_lines(path)]


def test_json_is_utf_8(tmp_path):
    (tmp_path / "a").write_text("{}", encoding="utf-16")
    with pytest.raises(UnicodeDecodeError):
        read_json(tmp_path / "a")


@pytest.mark.parametrize("records", ["{}", "[1]", '[{"name": "x"}]', '[{"name": []}]', deep(90_000), "["])
def test_hostile_results_of_a_sweep(records, tmp_path):
    sweep = Sweep(tmp_path / "sweep", Sweep.Settings(units=(4,), sgd=(), iterations=100))
    sweep.create()
    (sweep.folder / "sweep.json").write_text(records)
    with pytest.raises(ExperimentError, match=r"cannot read .*sweep\.json: .*Remove it to train again"):
        sweep.results()


# Standard output.


def spoken(*arguments, stdout, **environment):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=120,
        env={**os.environ, **environment},
    )  # fmt: skip


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is full")
class TestAFullOutput:
    def test_ends_no_training(self, finished, tmp_path):
        with open("/dev/full", "w") as full:
            done = spoken("train", *OPTIONS, "--out", tmp_path / "sonnets", stdout=full)
        said = "nnlite: standard output: No space left on device: what is printed from here on is lost\n"
        assert (done.returncode, done.stderr) == (0, said)
        for name, content in contents(finished).items():
            assert (tmp_path / "sonnets" / name).read_bytes() == content, name
        assert (tmp_path / "sonnets" / "report.html").exists()

    @pytest.mark.parametrize("line", ["sample RUN", "--version"])
    def test_is_an_error_where_the_output_is_the_result(self, line, finished):
        with open("/dev/full", "w") as full:
            done = spoken(*line.replace("RUN", str(finished)).split(), stdout=full)
        assert (done.returncode, done.stderr) == (1, "nnlite: standard output: No space left on device\n")


@posix
def test_a_closed_output(finished):
    line = f"exec {' '.join(COMMAND)} sample {finished} --length 5 >&-"
    assert subprocess.run(line, shell=True, capture_output=True, timeout=60).returncode == 0


def test_what_a_terminal_cannot_show(tmp_path):
    """All of it is trained, written and printed: the training's result is no error."""
    (tmp_path / "haiku.txt").write_text("古池や蛙飛び込む水の音\n" * 60, encoding="utf-8")
    arguments = "train", *OPTIONS, "--carry=1", "--text", tmp_path / "haiku.txt", "--out", tmp_path / "run"
    done = spoken(*arguments, stdout=subprocess.PIPE, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert r"\u53e4\u6c60\u3084" in done.stdout
    assert "古池や" in (tmp_path / "run" / "poems.txt").read_text(encoding="utf-8")
    assert (tmp_path / "run" / "report.html").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any bytes for a file's name")
def test_names_that_are_no_text(tmp_path, monkeypatch, nnlite_command):
    """They were no error in the training, and then in its report."""
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"\xff.txt")
    Path(name).write_text("to be, or not to be\n" * 60)
    code, output, error = nnlite_command(
        "train", *OPTIONS, "--carry=1", "--text", name, "--out", os.fsdecode(b"run\xff")
    )
    assert (code, error) == (0, "")
    assert "\ufffd.txt: " in output
    assert "run?" in Path(os.fsdecode(b"run\xff"), "report.html").read_text(encoding="utf-8")
    assert nnlite_command("stats", name, "--out", "pictures")[0] == 0
    assert len([*Path("pictures").iterdir()]) == 4


class TestStandardOutput:
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    def test_names_itself(self):
        output = StandardOutput(self.Full(), pytest.fail)
        with pytest.raises(OSError, match="standard output") as caught:
            output.write("a")
        assert caught.value.filename == "standard output"

    def test_warns_where_it_is_not_the_result(self):
        said = []
        output = StandardOutput(self.Full(), said.append)
        output.is_optional = True
        assert output.write("abc") == 3
        assert said == ["standard output: No space left on device: what is printed from here on is lost"]

    def test_a_reader_that_leaves_ends_the_command(self):
        class Left(io.StringIO):
            def flush(self):
                raise BrokenPipeError

        output = StandardOutput(Left(), pytest.fail)
        output.is_optional = True
        with pytest.raises(BrokenPipeError):
            output.flush()


def test_a_name_tells_a_terminal_nothing(tmp_path, monkeypatch, nnlite_command):
    monkeypatch.chdir(tmp_path)
    assert nnlite_command("sample", "\x1b[2J\x9b")[2].startswith(r"nnlite: \x1b[2J\x9b holds no run")


# Two trainings in one run folder.


@posix
class TestInUse:
    def test_another_process_is_refused_and_reads(self, run, nnlite_command):
        files = contents(run)
        with Sonnets.open(run).alone():
            for options in (OPTIONS, ["--resume"], ["--resume", "--epochs=2"], [*OPTIONS, "--force"]):
                code, output, error = nnlite_command("train", "--out", run, *options)
                assert (code, output) == (1, "")
                assert f"the run in {run} is running, another process trains there: wait until it has ended" in error
            assert nnlite_command("sample", run, "--length", 5)[0] == 0
            assert contents(run) == files
        assert nnlite_command("train", "--out", run, "--resume", "--epochs=2")[0] == 0

    def test_so_is_another_experiment(self, run):
        one, other = Sonnets.open(run), Sonnets.open(run)
        for change in (other.fit, lambda: other.extend(3), lambda: other.create(overwrite=True)):
            with one.alone(), one.alone(), pytest.raises(InUseError):
                change()
        other.fit(verbose=0)

    def test_none_is_made_where_there_is_no_run(self, tmp_path):
        run = Sonnets(tmp_path / "none", TINY)
        for change in (run.fit, lambda: run.extend(3)):
            with pytest.raises(ExperimentError, match="holds no run yet"):
                change()
        assert [*tmp_path.iterdir()] == []

    def test_it_is_so_during_a_training(self, run):
        class Look(nnlite.Callback):
            def on_train_begin(self, logs):
                with pytest.raises(InUseError):
                    Sonnets.open(run).fit(verbose=0)

        Sonnets.open(run).fit([Look()], verbose=0)
        Sonnets.open(run).fit(verbose=0)

    def test_not_after_a_process_was_killed(self, run):
        program = f"""
import os, signal
from nnlite.experiment import Sonnets
with Sonnets.open({str(run)!r}).alone():
    os.kill(os.getpid(), signal.SIGKILL)
"""
        assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == -signal.SIGKILL
        Sonnets.open(run).fit(verbose=0)

    def test_two_that_begin_together_have_two_folders(self, tmp_path, monkeypatch, nnlite_command, blank_pictures):
        monkeypatch.chdir(tmp_path)
        names = [Path("runs/sonnets"), Path("runs/sonnets-2")]
        monkeypatch.setattr("nnlite.cli.runs.new_folder", lambda name: names.pop(0))
        with Sonnets("runs/sonnets", TINY).alone():
            assert nnlite_command("train", *OPTIONS)[0] == 0
        assert [path.name for path in find_runs()] == ["sonnets-2"]

    def test_no_training_of_a_sweep_has_failed_by_it(self, tmp_path):
        settings = MinimalRNN.Settings(units=4, iterations=100)
        with MinimalRNN(tmp_path / "run", settings).alone(), pytest.raises(InUseError):
            train(tmp_path / "run", settings, os.getpid())

    def test_where_no_folder_can_be_locked(self, run, monkeypatch):
        from nnlite.experiment import lock

        def flock(*_):
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr(lock.fcntl, "flock", flock)
        with Sonnets.open(run).alone():
            Sonnets.open(run).fit(verbose=0)
        monkeypatch.setattr(lock, "fcntl", None)
        Sonnets.open(run).fit(verbose=0)


# Every cut and every changed byte.

IDX = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 51, 102, 255])
LOG = b'{"epoch": 1, "step": 100, "smoothed_loss": 3.5}\n{"step": 200, "smoothed_loss": 2.5e0}\n'


def picture():
    pixels = np.full((24, 24), 255, np.uint8)
    pixels[4:20, 10:14] = 0
    memory = io.BytesIO()
    Image.fromarray(pixels).save(memory, "png")
    return memory.getvalue()


def in_folder(kind):
    """Settings are read as any command reads them, and nothing appears anywhere."""

    def read(path):
        write_over(path.parent / "run" / "config.json", path.read_bytes())
        path.unlink()
        find_runs(path.parent)
        run = kind.open(path.parent / "run")
        assert all(each.folder.parent == run.folder for each in getattr(run, "runs", ()))
        assert [name.name for name in path.parent.iterdir()] == ["run"]
        return run.settings

    return read


recipe = functools.cache(MinimalRNN)


def curve(path):
    write_over(path.parent / "run" / "log.jsonl", path.read_bytes())
    return recipe(path.parent / "run").curve()


def settings_of(kind, **options):
    def make(folder):
        run = kind(folder / "made", kind.Settings(**options))
        run.create()
        return (run.folder / "config.json").read_bytes()

    return make


# A reader, the error by which it refuses, and the file.
LOADERS = {
    "checkpoint": (load_model, CheckpointError, lambda _: checkpoint.encode(training_state.model_tree(small_model()))),
    "IDX": (load_idx, IDXError, lambda _: IDX),
    "IDX, gzipped": (load_idx, IDXError, lambda _: gzip.compress(IDX, mtime=0)),
    "text": (read_text, ValueError, lambda _: "\ufeffDer Fluß,\r\n古池や\n".encode()),
    "settings": (in_folder(MinimalRNN), ExperimentError, settings_of(MinimalRNN)),
    "settings of a sweep": (in_folder(Sweep), ExperimentError, settings_of(Sweep, units=(4,), sgd=(0.1,))),
    "log": (curve, ExperimentError, lambda _: LOG),
    "picture": (load_digit, ValueError, lambda _: picture()),
}


# Files with a checksum: what is read of a damaged one is what was written.
EXACT = {
    "checkpoint": lambda model: checkpoint.encode(training_state.model_tree(model)),
    "IDX, gzipped": np.ndarray.tobytes,
}


def damage(name, folder, flips):
    """Read every cut of a file, and the changed ones. Returns how many were refused, and how many read."""
    read, kind, make = LOADERS[name]
    data = make(folder.parent)
    (folder / "run").mkdir()
    path, refused, passed, exact = folder / "file", [], 0, EXACT.get(name, lambda _: None)
    path.write_bytes(data)
    good = exact(read(path))
    changed = (data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :] for at, flip in flips(len(data)))
    for bad in itertools.chain((data[:size] for size in range(len(data))), changed):
        write_over(path, bad)
        try:
            found = read(path)
        except kind as error:
            refused.append(len(str(error)))
        else:
            passed += 1
            assert exact(found) == good
    assert max(refused) < 1000
    return len(refused), passed


@pytest.mark.filterwarnings("ignore::UserWarning")  # of Pillow, on damaged pictures
@pytest.mark.parametrize("name", LOADERS)
class TestDamage:
    def test_a_sample(self, name, tmp_path):
        def flips(size):
            return [(at, 1 << at % 8) for at in range(0, size, 1 + size // 100)]

        (tmp_path / "a").mkdir()
        with at_most(2**26 if name == "picture" else 2**23):
            refused, passed = damage(name, tmp_path / "a", flips)
        assert refused > passed or name in ("text", "log")

    @pytest.mark.long
    def test_every_cut_and_every_flip(self, name, tmp_path):
        """Every value of every byte; of settings, whose reading takes longer, every bit."""

        def flips(size):
            every = [1 << bit for bit in range(8)] if "settings" in name else range(1, 256)
            return [(at, flip) for at in range(size) for flip in every]

        import resource  # which Windows lacks

        (tmp_path / "a").mkdir()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        refused, passed = damage(name, tmp_path / "a", flips)
        more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(f"{name}: {refused} refused, {passed} read, {more} KiB of memory more")
        assert more < 2**18  # that of a picture of 2^25 pixels
        assert refused > passed or name in ("text", "log")


LONG = "x" * 10**6


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(version=LONG),
        lambda content: content["tree"]["params"].update({LONG: {"tensor": LONG}}),
        lambda content: content["tree"].update({"class": LONG}),
        lambda content: content["tree"]["model"]["layers"][0].update({"class": LONG}),
        lambda content: content["tree"]["model"]["layers"][0]["config"].update({LONG: LONG}),
        lambda content: content["tree"]["optimizer"].update({"class": LONG}),
        lambda content: content["tree"].update(metrics=[LONG]),
    ],
)
def test_long_names_in_a_model_are_cut(change, tmp_path):
    tensors = {}
    tree = checkpoint._without_arrays(training_state.model_tree(small_model()), "", tensors)
    content = {"version": checkpoint.VERSION, "tree": tree}
    change(content)
    text = json.dumps(content)
    save_file(tensors, tmp_path / "a", {"nnlite": text, "sha256": checkpoint._checksum(tensors, text)})
    with pytest.raises(CheckpointError) as caught:
        load_model(tmp_path / "a")
    assert len(str(caught.value)) < 3000


# Small files that unpack to large ones.


def png_bomb(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(bytes((width // 8 + 1) * height), 9)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def npz_bomb():
    memory = io.BytesIO()
    np.savez_compressed(memory, W=np.zeros(2**23))
    return memory.getvalue()


BOMBS = {
    "PNG": (lambda: png_bomb(9000, 9000), load_digit, ValueError, "9,000 x 9,000 pixels, more than"),
    "PNG of which Pillow warns": (
        lambda: png_bomb(12000, 12000), load_digit, ValueError, "12,000 x 12,000 pixels, more than"
    ),
    "gzip": (lambda: gzip.compress(IDX + bytes(2**26)), load_idx, IDXError, "continues after them"),
    "gzip, promised": (
        lambda: gzip.compress(IDX[:4] + struct.pack(">II", 2**20, 2**20)), load_idx, IDXError, "max_bytes"
    ),
    "npz as a model": (npz_bomb, load_model, CheckpointError, "a zip archive"),
    "npz as a text": (npz_bomb, read_text, ValueError, "expected plain text"),
    "npz as an IDX file": (npz_bomb, load_idx, IDXError, "expected an IDX file"),
    "npz as a picture": (npz_bomb, load_digit, ValueError, "expected a picture"),
    "a header": (lambda: struct.pack("<Q", 10**8) + b"{", load_model, CheckpointError, "cut short in its header"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name, tmp_path):
    make, read, kind, message = BOMBS[name]
    (tmp_path / "bomb").write_bytes(make())
    assert (tmp_path / "bomb").stat().st_size < 2**17
    with within(20), at_most(2**21), pytest.raises(kind, match=message):
        read(tmp_path / "bomb")


def test_a_program_is_no_picture(tmp_path):
    """Pillow would hand an EPS to Ghostscript, which runs it."""
    Image.new("L", (9, 9)).save(tmp_path / "a.png", "eps")
    with pytest.raises(ValueError, match="expected a picture, such as a PNG or a JPEG, got another file"):
        load_digit(tmp_path / "a.png")
