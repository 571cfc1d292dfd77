"""Several ranks train what one process trains, and end together. The programs that they run are in rank_programs.py."""

import copy
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rank_programs as ranks
from commands import children, contents
from extras import import_extra

import nnlite
from nnlite.distributed import DataParallel, mpi
from nnlite.kernels import host

import_extra("mpi4py", "mpi")
BESIDE = Path(sys.executable).with_name("mpiexec")
MPIEXEC = str(BESIDE) if BESIDE.exists() else shutil.which("mpiexec")
pytestmark = pytest.mark.skipif(MPIEXEC is None, reason="there is no mpiexec")
# One thread each, as ranks are tried, and not threads; and the package that is tested, wherever it is.
ENVIRONMENT = os.environ | {"NNLITE_NUM_THREADS": "1", "PYTHONPATH": str(Path(nnlite.__file__).parents[1])}


def start(count, *arguments, env=ENVIRONMENT):
    """A program on so many ranks, with mpiexec as the first of their group."""
    command = [MPIEXEC, "-n", str(count), sys.executable, *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **pipes, env=env, start_new_session=True)


def ended(process):
    """Its exit code, output and errors."""
    try:
        output, error = process.communicate(timeout=100)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return process.returncode, output, error


def run(count, *arguments, **options):
    return ended(start(count, *arguments, **options))


def results(count, program, folder, **options):
    """What each rank has found."""
    code, output, error = run(count, "-m", "mpi4py", ranks.__file__, program, folder, **options)
    assert code == 0, output + error
    return [pickle.loads(Path(folder, f"{rank}.pickle").read_bytes()) for rank in range(count)], output


def assert_same_bits(one, other):
    history, arrays = one
    assert history == other[0]
    assert arrays.keys() == other[1].keys()
    for name, array in arrays.items():
        assert array.tobytes() == other[1][name].tobytes(), name


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    return results(4, "equal", tmp_path_factory.mktemp("four"))[0]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return results(2, "errors", tmp_path_factory.mktemp("errors"))


class TestEqual:
    """To one process with the same batch_size; float64, so that only rounding is left between them."""

    @pytest.mark.parametrize("name", ranks.CASES)
    def test_to_one_process(self, name, four):
        history, arrays = ranks.trained(name, lambda optimizer: optimizer)
        found_history, found = four[0][name]
        assert found_history.keys() == history.keys()
        for key, values in history.items():
            np.testing.assert_allclose(found_history[key], values, rtol=1e-9, err_msg=key)
        for key, array in arrays.items():
            np.testing.assert_allclose(found[key], array, rtol=1e-6, atol=1e-9, err_msg=key)

    def test_a_hundred_steps(self):
        data = ranks.CASES["whole batches"]()[-1]
        assert len(data["x"]) * data["epochs"] // data["batch_size"] == 100

    def test_a_generator_that_is_resumed_to_itself(self, four):
        assert_same_bits(four[0]["resumed"], four[0]["a generator"])

    @pytest.mark.parametrize("name", [*ranks.CASES, "random", "resumed"])
    def test_all_ranks_to_each_other(self, name, four):
        for other in four[1:]:
            assert_same_bits(four[0][name], other[name])

    def test_the_same_bits_again(self, four, tmp_path):
        again = results(4, "equal", tmp_path)[0]
        for name in four[0]:
            assert_same_bits(four[0][name], again[0][name])


def test_sums_have_the_same_bits(tmp_path):
    """On every rank, every time, whatever the size, and whoever is late."""
    found = results(3, "sums", tmp_path)[0]
    for (size, dtype, again), bits in found[0].items():
        assert all(other[size, dtype, again] == bits for other in found)
        assert found[0][size, dtype, 0] == bits


def test_a_loop_of_ones_own(tmp_path):
    (params, losses, stepped), other = results(2, "loop", tmp_path)[0]
    model, loss, optimizer = ranks.dense(input_shape=(10,)), ranks.crossentropy(), nnlite.SGD(0.1)
    for _ in range(3):
        loss.forward(ranks.LABELS, model.forward(ranks.NUMBERS, training=True))
        model.backward(loss.backward())
        optimizer.apply(model.grads, model.params)
    for name, param in model.params.items():
        np.testing.assert_allclose(params[name], param, rtol=1e-9, atol=1e-12)
        assert params[name].tobytes() == other[0][name].tobytes()
    model = ranks.dense(seed=0)
    model.compile(nnlite.SGD(0.1), ranks.crossentropy())
    np.testing.assert_allclose(losses, [model.train_on_batch(ranks.NUMBERS, ranks.LABELS) for _ in range(3)], rtol=1e-9)
    for name, param in model.params.items():
        np.testing.assert_allclose(stepped[name], param, rtol=1e-9, atol=1e-12)
        assert stepped[name].tobytes() == other[2][name].tobytes()


class TestErrors:
    """They end a training on all ranks, where a program may go on."""

    @pytest.mark.parametrize(
        ("name", "kind", "rank", "message"),
        [
            ("layer", "ArithmeticError", 1, "epoch 1, batch 2: fails, which got float64 (16, 5) from dense_1 (Dense)"),
            ("callback", "LookupError", 1, "epoch 1, batch 3: of the callback"),
            ("the first rank's", "LookupError", 0, "epoch 1, batch 3: of the callback"),
            ("other data", "ValueError", 1, "let all ranks run the same program on the same data"),
            ("at the beginning", "CheckpointError", 0, "it is damaged"),
            ("at the end", "OSError", 0, "the disk is full"),
        ],
    )
    def test_of_one_rank(self, name, kind, rank, message, found):
        for number, each in enumerate(found[0]):
            assert each[name][0] == kind
            assert message in each[name][1]
            assert each[name][1].count("epoch") == message.count("epoch") or name == "other data"
            assert (f"This was on rank {rank} of 2." in each[name][1]) == (number != rank)

    @pytest.mark.parametrize(
        ("name", "kind", "message"),
        [
            ("nan", "NonFiniteLossError", "epoch 1, batch 2: the loss is nan, because x holds nan at (100, 0)"),
            ("interrupted", "KeyboardInterrupt", ""),
            ("a state", "TypeError", "the state of counts cannot be divided among ranks: expected a tuple of arrays"),
            ("other weights", "RuntimeError", "the weights of rank 1 differ from those of rank 0 after epoch 1"),
            ("other batches", "ValueError", "rank {}: expected the batch of the other ranks, got another one"),
        ],
    )
    def test_of_all_ranks(self, name, kind, message, found):
        for number, each in enumerate(found[0]):
            assert each[name][0] == kind
            assert message.format(number) in each[name][1]

    def test_terminate_on_nan_ends_all(self, found):
        assert [each["ended"] for each in found[0]] == [None, None]

    def test_one_rank_ends_all_at_the_end_of_an_epoch(self, found):
        assert [each["stopped by one"] for each in found[0]] == [None, None]

    def test_batches_of_other_lengths_are_other_batches(self, found):
        assert all("expected the batch of the other ranks" in each["shorter batches"][1] for each in found[0])

    def test_a_step_of_ones_own_is_refused(self, found):
        assert all("OwnStep has a train_step of its own" in each["own step"] for each in found[0])

    def test_rank_0_alone_prints(self, found):
        assert found[1].count("training ended: epoch 1, batch 2") == 1
        lines = [line for line in found[1].splitlines() if line.startswith("epoch 2/2")]
        assert len(lines) == 1, found[1]  # of the training that fails at its very end


def test_ranks_share_the_cores(tmp_path):
    environment = {name: value for name, value in ENVIRONMENT.items() if not name.endswith("NUM_THREADS")}
    threads = {each["threads"] for each in results(2, "errors", tmp_path, env=environment)[0]}
    assert threads == {max(1, host.available_threads() // 2)}


class TestCommand:
    LINE = "-m", "mpi4py", "-m", "nnlite", "train", "--units=6", "--step=40", "--epochs=3", "--temperature=1", "--out"

    def wait_for(self, process, condition):
        while process.poll() is None and not condition():
            time.sleep(0.02)
        assert process.poll() is None, process.communicate()

    def test_killed_and_interrupted_it_ends_with_the_same_bits(self, tmp_path):
        whole, cut = tmp_path / "whole", tmp_path / "cut"
        code, output, error = run(2, *self.LINE, whole)
        assert (code, error) == (0, "")
        assert output.count("2 ranks share each batch, with 1 thread each.") == 1
        assert output.count("epoch 3/3") == 1
        log = cut / "log.jsonl"

        # Ctrl-C, which a terminal sends to all of them.
        process = start(2, *self.LINE, cut)
        self.wait_for(process, (cut / "checkpoint.safetensors").exists)
        time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        code, output, error = ended(process)
        assert code == 130, output + error
        assert output.count("Stopped.") == 1
        assert f"train --resume --out {cut}" in output
        assert "mpiexec -n 2 " in output
        assert "Traceback" not in output + error

        # One rank is killed.
        process = start(2, *self.LINE, cut, "--resume")
        done = log.stat().st_size
        self.wait_for(process, lambda: log.stat().st_size > done)
        os.kill(children(process.pid)[1], signal.SIGKILL)
        assert ended(process)[0]
        code, output, error = run(2, *self.LINE, cut, "--resume")
        assert code == 0, output + error
        found, expected = contents(cut), contents(whole)
        for name in ("model.safetensors", "checkpoint.safetensors", "log.jsonl", "poems.txt", "loss.png"):
            assert found[name] == expected[name], name

        # An error is said once, by rank 0.
        code, output, error = run(2, *self.LINE, whole)
        assert (code, output) == (2, "")
        assert error.count("holds a run already") == 1
        assert "Abort" not in error

    def test_what_cannot_be_divided(self, tmp_path):
        code, output, error = run(2, "-m", "mpi4py", "-m", "nnlite", "sweep", "--out", tmp_path / "sweep")
        assert (code, output) == (1, "")
        assert error.strip() == "nnlite: nnlite sweep cannot divide its work among ranks: start it without mpiexec"
        assert not (tmp_path / "sweep").exists()

    @pytest.mark.parametrize(("mode", "words"), [("r", "rank 1: /: Is a directory"), ("?", "ValueError: invalid mode")])
    def test_a_rank_that_fails_alone_speaks(self, mode, words, tmp_path):
        """Also where Python was started without -m mpi4py."""
        program = "import tempfile, nnlite.cli; from nnlite.distributed.mpi import world\n"
        program += f"if world().rank: tempfile.TemporaryDirectory = lambda **_: open('/', {mode!r})\n"
        program += f"nnlite.cli.main(['train', '--units=4', '--step=400', '--out', {str(tmp_path / 'run')!r}])"
        if mode == "?":
            program = f"import os; os.environ['NNLITE_TRACEBACK'] = '1'; {program}"
        code, _, error = run(2, "-c", program)
        assert code
        assert words in error


def failing():
    raise ImportError("it needs mpi4py")


class TestAlone:
    """In this process, which mpiexec has not started."""

    def test_nothing_changes(self):
        wrapped = [ranks.trained("early stopping", wrap) for wrap in (DataParallel, lambda optimizer: optimizer)]
        assert_same_bits(*wrapped)

    def test_rows(self):
        parallel = DataParallel("sgd")
        parallel.size = 4
        starts = []
        for parallel.rank in range(4):
            rows = parallel.rows(10)
            starts.append((rows.start, rows.stop))
        assert starts == [(0, 3), (3, 6), (6, 8), (8, 10)]

    def test_a_copy_is_alone(self):
        optimizer = nnlite.Adam()
        optimizer.parallel = object()
        assert copy.deepcopy(optimizer).parallel is None

    def test_without_mpi4py(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "mpi4py", None)
        with pytest.raises(ImportError, match=r"needs mpi4py and an MPI: pip install 'nnlite-learn\[mpi\]'"):
            DataParallel("sgd")

    def test_mpiexec_without_mpi4py(self, monkeypatch, nnlite_command):
        monkeypatch.setitem(sys.modules, "mpi4py", None)
        monkeypatch.delitem(sys.modules, "mpi4py")
        monkeypatch.setattr(mpi, "module", failing)
        monkeypatch.setenv("PMI_SIZE", "2")
        mpi.world.cache_clear()
        code, _, error = nnlite_command("info")
        mpi.world.cache_clear()
        assert (code, error) == (1, "nnlite: it needs mpi4py\n")

    def test_no_optimizer(self):
        with pytest.raises(ValueError, match="optimizer: expected an optimizer or one of"):
            DataParallel("adma")
