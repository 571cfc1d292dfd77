"""The minimal recipe: as it was published, beside a plain NumPy program, killed and resumed, blown up, and swept."""

import ast
import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import joblib
import matplotlib
import numpy as np
import pytest
from commands import COMMAND, children, contents, resume, start
from extras import import_extra

import nnlite
from nnlite.cli.sweep import table
from nnlite.experiment import Corpus, ExperimentError, MinimalRNN, Sweep, plain_rnn, reproduce
from nnlite.experiment.sweep import Result, measure
from nnlite.text import clean_sonnets

SHORT = ["minimal-rnn", "--units", "8", "--iterations", "5000"]
FILES = {
    "checkpoint.safetensors", "config.json", "log.jsonl", "loss.png", "model.safetensors", "samples.txt",
}  # fmt: skip


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """A finished run of two readings and a bit; tests read it."""
    folder = tmp_path_factory.mktemp("short") / "run"
    result = subprocess.run([*COMMAND, *SHORT, "--out", folder], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return folder, result.stdout


class TestRecipe:
    def test_is_the_published_one(self):
        s, run = MinimalRNN.Settings(), MinimalRNN("unused")
        assert (s.units, s.length, s.optimizer, s.learning_rate, s.iterations) == (100, 40, "adagrad", 0.1, 30_000)
        model = run.model()
        for param in model.params.values():
            if param.ndim == 1:
                assert not param.any()
            else:
                assert abs(param.mean()) < 1e-3
                assert param.std() == pytest.approx(0.01, rel=0.05)
        optimizer = model.optimizer.get_config()
        assert (optimizer["clipvalue"], optimizer["epsilon"], optimizer["initial_accumulator_value"]) == (5, 1e-8, 0)
        assert model.loss.reduction == "sum"
        assert run.vocabulary.characters == "".join(sorted(set(clean_sonnets())))

    @pytest.mark.parametrize("length", [85, 121, 122, 123])
    def test_starts_anew_where_a_window_would_reach_the_end(self, length):
        """The plain program's rule, position + T + 1 >= length, in the words of windows."""
        text = "".join(np.random.default_rng(0).choice(list("abc"), length))
        x, y = MinimalRNN("unused", corpus=Corpus(text, file="random.txt")).data()
        ids = np.array(["abc".index(c) for c in text])
        weights = plain_rnn.first_weights(3, 4, np.random.default_rng(0))
        first = [first for (_, first, h), _ in zip(plain_rnn.train(ids, weights), range(10), strict=False)]
        assert first == [x[i % len(x), 0] for i in range(10)]
        assert (x[:, 1:] == y[:, :-1]).all()

    def test_smooths_the_loss(self, tmp_path):
        run = MinimalRNN(tmp_path / "run", MinimalRNN.Settings(units=4, iterations=150))
        run.create()
        run.fit(verbose=0)
        smoothed, weights = np.log(38), None
        model, (x, y) = run.model(), run.data()
        for i in range(150):
            smoothed = 0.999 * smoothed + 0.001 * model.train_on_batch(x[i : i + 1], y[i : i + 1]) / 40
            if i == 99:
                weights = smoothed
        assert run.curve() == ([0, 100, 150], pytest.approx([np.log(38), weights, smoothed], rel=1e-12))
        for name, param in run.saved_model().params.items():
            np.testing.assert_array_equal(param, model.params[name])

    def test_samples(self, short):
        folder, output = short
        samples = (folder / "samples.txt").read_text().split("---- iteration ")[1:]
        assert [sample.partition(":")[0] for sample in samples] == ["0", *(f"{n},000" for n in range(1, 6))]
        for sample in samples:
            text = sample.partition("\n")[2][:-1].rstrip("\n")
            assert 195 <= len(text) <= 200
            assert text.strip() in output

    def test_the_curve_rings_the_model_that_is_kept(self, short, monkeypatch):
        pictures, run = [], MinimalRNN.open(short[0])
        monkeypatch.setattr(nnlite.plot, "png", lambda draw, *arguments, **o: pictures.append(draw(*arguments, **o)))
        monkeypatch.setattr(run, "write", lambda *_: None)
        with matplotlib.rc_context({"backend": "agg"}):
            run.draw({})
        assert any(text.get_text().startswith("kept: ") for text in pictures[0].texts)
        assert any(text.get_text().endswith("iteration 5,000") for text in pictures[0].texts)

    def test_settings_are_checked(self):
        with pytest.raises(ValueError, match="optimizer: expected one of adagrad, sgd, got 'adam'"):
            MinimalRNN.Settings(optimizer="adam")

    def test_a_text_of_one_character(self, tmp_path):
        run = MinimalRNN(tmp_path / "run", corpus=Corpus("a" * 900, file="a.txt"))
        with pytest.raises(ValueError, match=r"a\.txt: all characters of the text are 'a': there is nothing to learn"):
            run.create()
        assert not run.folder.exists()

    def test_a_text_of_ones_own(self, tmp_path):
        corpus = Corpus("über allen gipfeln ist ruh. " * 20, file="goethe.txt")
        run = MinimalRNN(tmp_path / "run", MinimalRNN.Settings(units=4, length=10, iterations=30), corpus)
        run.create()
        run.fit(verbose=0)
        again = MinimalRNN.open(tmp_path / "run")
        assert again.corpus == corpus
        assert again.seed_text

    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_blows_up_in_words(self, seed, tmp_path):
        run = MinimalRNN(tmp_path / "run", MinimalRNN.Settings(optimizer="sgd", seed=seed))
        run.create()
        with pytest.raises(
            nnlite.NonFiniteLossError, match=r"blown up: .*that of guessing 3\.638.*or Adagrad"
        ) as error:
            run.fit(verbose=0)
        assert error.value.batch % 100 == 0
        assert run.curve()[1][-1] > 2 * np.log(38)


class TestCommand:
    def test_writes_a_run_folder(self, short):
        folder, output = short
        assert {path.name for path in folder.iterdir()} == FILES
        for text in ("2,354 windows of 40", "smoothed_loss", "below ", "Smoothed loss after 5,000 iterations", *FILES):
            assert text in output
        assert json.loads((folder / "config.json").read_text())["experiment"] == "minimal-rnn"
        assert (folder / "loss.png").read_bytes().startswith(b"\x89PNG")
        steps = [json.loads(line)["step"] for line in (folder / "log.jsonl").read_text().splitlines()]
        assert set(range(100, 5001, 100)) <= set(steps)

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
    def test_killed_and_resumed(self, short, tmp_path):
        folder = tmp_path / "run"
        folder.mkdir()
        for moment in ("config.json", "samples.txt", "model.safetensors", "checkpoint.safetensors"):
            process = start(*SHORT, *resume(folder), "--out", folder)
            while not (folder / moment).exists() and process.poll() is None:
                time.sleep(0.001)
            process.kill()
            process.communicate(timeout=60)
            assert process.returncode in (-signal.SIGKILL, 0)
        done = subprocess.run([*COMMAND, "minimal-rnn", "--resume", "--out", folder], capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert contents(folder) == contents(short[0])

    @pytest.mark.parametrize(
        ("line", "code", "message"),
        [
            ("minimal-rnn --layers 2", 2, "No such option: --layers"),
            ("minimal-rnn --optimizer adam", 2, "'--optimizer': expected one of adagrad, sgd, got 'adam'"),
            ("minimal-rnn --optimizer SGD", 2, "'--optimizer': expected one of adagrad, sgd, got 'SGD'"),
            ("train --recipe minimal-rnn", 2, "No such option: --recipe"),
            ("train --iterations 100", 2, "No such option: --iterations"),
            ("minimal-rnn --out RUN", 2, "holds a run already"),
            ("minimal-rnn --resume --out RUN --units 9", 2, "was started with 8, got 9"),
            ("minimal-rnn --length 100000", 1, "ids: expected at least 100001 for a window of length 100000"),
            ("train --resume --out RUN", 1, "holds a run on minimal-rnn, not on sonnets: resume it with "),
            ("reproduce everything", 2, "everything"),
            ("sweep --units 0", 2, "--units"),
            ("sweep --sgd nan", 2, "--sgd"),
            ("sweep --backend nix", 1, "backend: expected one of joblib's, dask, loky"),
            ("sweep --out RUN --force", 1, "holds a run on minimal-rnn"),
        ],
    )
    def test_mistakes_get_one_clear_line(self, line, code, message, short, tmp_path, monkeypatch, nnlite_command):
        monkeypatch.chdir(tmp_path)
        result = nnlite_command(*line.replace("RUN", str(short[0])).split())
        assert (result[0], result[1]) == (code, "")
        assert message in result[2]
        assert result[2].count("\n") == 1
        assert list(tmp_path.iterdir()) == []

    def test_a_loss_that_is_too_high_to_be_a_number_of_characters_is_told(self, tmp_path, nnlite_command):
        line = "minimal-rnn", "--units=4", "--iterations=100", "--learning-rate=1e4", "--out", tmp_path / "run"
        for resumed in ([], ["--resume"]):
            code, output, error = nnlite_command(*line, *resumed)
            assert (code, error) == (0, "")
            loss = re.search(r"100 iterations: (\S+) nats per character, worse than guessing \(3.638\)", output)
            assert float(loss[1]) > 710

    def test_a_blow_up_is_one_clear_line(self, tmp_path, nnlite_command):
        arguments = "--optimizer", "sgd", "--units", 20, "--out", tmp_path / "run"
        code, _, error = nnlite_command("minimal-rnn", *arguments)
        assert code == 1
        assert "the model has blown up" in error
        assert error.count("\n") == 1

    def test_sample_writes_with_it(self, short, nnlite_command):
        code, poem, _ = nnlite_command("sample", short[0], "--length", 50, "--seed", 1)
        assert code == 0
        assert poem.startswith("shall i compare thee")


class TestReproduce:
    def test_the_two_agree(self):
        pairs = list(reproduce(150, units=20))
        assert max(pair.difference for pair in pairs) < 1e-9
        assert max(pair.gradients for pair in pairs) < 1e-9
        assert max(pair.weights for pair in pairs) < 1e-9
        assert [pair.alone for pair in pairs[:5]] == pytest.approx([pair.loss for pair in pairs[:5]], rel=1e-9)

    def test_over_the_end_of_the_text(self):
        corpus = Corpus(clean_sonnets()[:500], file="short.txt")
        assert max(pair.difference for pair in reproduce(40, units=6, corpus=corpus)) < 1e-9

    def test_a_wrong_program_is_noticed(self, monkeypatch):
        monkeypatch.setattr(plain_rnn, "CLIP", 0.5)
        pairs = list(reproduce(30, units=8))
        assert max(pair.weights for pair in pairs) > 1e-3

    def test_left_alone_the_plain_program_parts_from_itself(self):
        """A change of the 15th digit grows: it is the recipe's way, and no error of either program."""
        ids = MinimalRNN("unused").vocabulary.encode(clean_sonnets())
        weights = plain_rnn.first_weights(38, 100, np.random.default_rng(0))
        nudged = {name: array * (1 + 1e-15) for name, array in weights.items()}
        losses = zip(plain_rnn.train(ids, weights), plain_rnn.train(ids, nudged), range(150), strict=False)
        differences = [abs(a[0] - b[0]) for a, b, _ in losses]
        assert max(differences[:3]) < 1e-9
        assert max(differences[-20:]) > 1e-6

    def test_command(self, nnlite_command):
        code, output, _ = nnlite_command("reproduce", "minimal-rnn", "--iterations", 120, "--units", 10)
        assert code == 0
        for text in ("plain NumPy", "difference", "Largest difference in 120 iterations"):
            assert text in output

    def test_the_plain_program_runs_alone(self, tmp_path, nnlite_command):
        code, program, _ = nnlite_command("reproduce", "minimal-rnn", "--program")
        assert code == 0
        imported = [node for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Import | ast.ImportFrom)]
        assert {alias.name for node in imported for alias in node.names} == {"sys", "numpy"}
        (tmp_path / "minimal_rnn.py").write_text(program)
        (tmp_path / "text.txt").write_text(clean_sonnets()[:2000])
        result = subprocess.run(
            [sys.executable, "minimal_rnn.py", "text.txt", "30"],
            cwd=tmp_path, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        assert result.stdout.startswith("---- iteration 0: 3.")
        assert "---- the end: 3." in result.stdout

    def test_its_gradients_are_those_of_finite_differences(self):
        rng = np.random.default_rng(0)
        weights, h = plain_rnn.first_weights(5, 4, rng), rng.standard_normal(4)
        weights = {name: 30 * array for name, array in weights.items()}
        x, y = rng.integers(5, size=(2, 6))
        _, hs, p = plain_rnn.forward(weights, x, y, h)
        gradients = plain_rnn.backward(weights, x, y, h, hs, p)
        for name, array in weights.items():
            for place in np.ndindex(array.shape):
                kept, losses = array[place], []
                for step in (1e-6, -1e-6):
                    array[place] = kept + step
                    losses.append(plain_rnn.forward(weights, x, y, h)[0])
                array[place] = kept
                assert gradients[name][place] == pytest.approx((losses[0] - losses[1]) / 2e-6, abs=1e-7)


SMALL = Sweep.Settings(units=(6, 8), sgd=(0.01, 0.1), iterations=300)


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    sweep = Sweep(tmp_path_factory.mktemp("sweep") / "sweep", Sweep.Settings(units=(6, 40), iterations=400))
    sweep.create()
    return sweep, list(sweep.fit(jobs=2))


@pytest.mark.parametrize(("exists", "state"), [(False, "waiting"), (True, "running")])
def test_a_result_is_read_from_the_log(exists, state):
    curve = [0, 100, 200, 300], [3.6, 2.5, 2.0, 2.2]
    settings = MinimalRNN.Settings(units=4, learning_rate=0.2)
    run = SimpleNamespace(settings=settings, folder=Path("runs/one"), exists=exists, curve=lambda: curve)
    found = measure(run)
    assert found == Result("one", 4, "adagrad", 0.2, 300, 2.2, 200, 2.0, state)
    assert not found.is_final


@pytest.mark.parametrize("ongoing", ["running", "stopped"])
def test_a_table_of_a_sweep_says_how_far_each_is(ongoing):
    one = Result("one", 4, "sgd", 0.2, 300, 2.2, 200, 2.0, "waiting")
    results = one, replace(one, state="running"), replace(one, state="done", seconds=1.25)
    run = SimpleNamespace(results=lambda: results)
    *_, seconds, state = (list(column.cells) for column in table(run, ongoing).columns)
    assert seconds == ["", "", "1.2"]
    assert state == ["waiting", ongoing, "done"]


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class TestSweep:
    def test_changes_one_thing_at_a_time(self):
        sweep = Sweep("unused", Sweep.Settings((100, 50), adagrad=(0.1, 0.05), sgd=(0.01,)))
        tried = [(r.settings.units, r.settings.optimizer, r.settings.learning_rate) for r in sweep.runs]
        assert tried == [(100, "adagrad", 0.1), (50, "adagrad", 0.1), (100, "adagrad", 0.05), (100, "sgd", 0.01)]
        with pytest.raises(ValueError, match="units: expected at least one, got none"):
            Sweep.Settings(units=())

    def test_results(self, swept):
        sweep, results = swept
        assert sorted(r.name for r in results) == sorted(r.name for r in sweep.results())
        assert [r.name for r in sweep.results()] == ["6-adagrad-0.1", "40-adagrad-0.1", "6-sgd-0.01", "6-sgd-0.1"]
        for result, run in zip(sweep.results(), sweep.runs, strict=True):
            assert result.is_final
            assert result.loss == run.curve()[1][-1]
            assert result.seconds > 0
        assert [r.state for r in sweep.results()][:3] == ["done"] * 3

    def test_the_same_as_one_training_alone(self, swept, tmp_path):
        alone = MinimalRNN(tmp_path / "run", swept[0].runs[1].settings)
        alone.create()
        alone.fit(verbose=0)
        assert alone.curve() == swept[0].runs[1].curve()

    def test_writes_a_table_and_a_picture(self, swept):
        sweep, _ = swept
        sweep.draw()
        with open(sweep.folder / "sweep.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["name"] for row in rows] == [r.name for r in sweep.results()]
        assert float(rows[0]["loss"]) == sweep.results()[0].loss
        assert (sweep.folder / "curves.png").read_bytes().startswith(b"\x89PNG")

    def test_one_that_fails_is_a_row(self, tmp_path):
        sweep = Sweep(tmp_path / "sweep", Sweep.Settings(units=(20,), sgd=(1e38,), iterations=100))
        sweep.create()  # with a rate of 0.1 it depends on the kernels' rounding
        states = {result.name: (result.state, result.problem) for result in sweep.fit(jobs=2)}
        assert states["20-adagrad-0.1"] == ("done", None)
        assert states["20-sgd-1e+38"][0] == "blew up"
        assert "too large" in states["20-sgd-1e+38"][1]

    def test_rates_that_begin_alike_have_folders_of_their_own(self):
        rates = 0.1, 0.1234567, 0.1234568, 1e-7
        names = [run.folder.name for run in Sweep("unused", Sweep.Settings((4,), adagrad=rates, sgd=())).runs]
        assert names == ["4-adagrad-0.1", "4-adagrad-0.1234567", "4-adagrad-0.1234568", "4-adagrad-1e-07"]

    def test_what_failed_is_told_and_tried_again(self, tmp_path, nnlite_command, monkeypatch, blank_pictures):
        def full(*_, **__):
            raise OSError(28, "No space left on device")

        folder = tmp_path / "sweep"
        with monkeypatch.context() as patch:
            patch.setattr(MinimalRNN, "draw", full)
            line = "sweep", "--units=4", "--adagrad=0.1", "--sgd=0.01", "--iterations=100", "--jobs=1", "--out", folder
            code, output, error = nnlite_command(*line)
        assert (code, error.count("\n")) == (1, 1)
        assert "4-sgd-0.01: failed: OSError: [Errno 28] No space left on device" in output
        assert "2 of 2 trainings failed (4-adagrad-0.1, 4-sgd-0.01): try again: " in error
        code, output, error = nnlite_command("sweep", "--resume", "--jobs=1", "--out", folder)
        assert (code, error) == (0, "")
        assert [result.state for result in Sweep.open(folder).results()] == ["done"] * 2

    def test_goes_on_where_it_was_stopped(self, tmp_path):
        sweep = Sweep(tmp_path / "sweep", SMALL)
        sweep.create()
        finished = sweep.fit(jobs=1)
        first = next(finished)
        finished.close()
        again = Sweep.open(tmp_path / "sweep")
        assert [r.is_final for r in again.results()].count(True) >= 1
        rest = [result.name for result in again.fit(jobs=1)]
        assert first.name not in rest
        assert all(r.is_final for r in again.results())
        assert list(again.fit()) == []

    def test_damaged_table(self, tmp_path):
        sweep = Sweep(tmp_path / "sweep", SMALL)
        sweep.create()
        (sweep.folder / "sweep.json").write_text("[3]")
        with pytest.raises(ExperimentError, match=r"cannot read .*sweep\.json"):
            sweep.results()

    def test_force_removes_the_old_runs(self, tmp_path):
        sweep = Sweep(tmp_path / "sweep", SMALL)
        sweep.create()
        sweep.runs[0].create()
        (sweep.runs[0].folder / "notes.txt").write_text("mine")
        Sweep(tmp_path / "sweep", Sweep.Settings(units=(3,))).create(overwrite=True)
        assert [path.name for path in sweep.runs[0].folder.iterdir()] == ["notes.txt"]

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
    def test_interrupted(self, tmp_path):
        folder = tmp_path / "sweep"
        arguments = ["--units", "6", "--units", "400", "--sgd", "0.01", "--iterations", "4000", "--jobs", "2"]
        process = start("sweep", *arguments, "--out", folder, start_new_session=True)
        while not (folder / "sweep.csv").exists() and process.poll() is None:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: all processes of the terminal get it
        output, error = process.communicate(timeout=60)
        assert (process.returncode, error) == (130, ""), output
        assert "Stopped." in output
        assert "keeps the finished trainings" in output
        assert "running" not in output
        assert f"sweep --resume --out {folder}" in output
        assert "done" in output
        assert any(result.is_final for result in Sweep.open(folder).results())

    def test_it_ends_with_its_processes(self, tmp_path):
        arguments = ["--units", "4", "--units", "5", "--iterations", "100", "--jobs", "2"]
        with start("sweep", *arguments, "--out", tmp_path / "sweep") as process:
            try:
                assert process.wait(240) == 0
            finally:
                process.kill()

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
    def test_no_process_outlives_a_killed_one(self, tmp_path):
        arguments = ["--units", "6", "--units", "8", "--iterations", "1000000", "--jobs", "2"]
        process = start("sweep", *arguments, "--out", tmp_path / "sweep")
        while not list(tmp_path.glob("sweep/*/log.jsonl")) and process.poll() is None:
            time.sleep(0.01)
        below = children(process.pid)
        assert len(below) >= 2
        process.kill()
        process.communicate(timeout=60)  # which ends when nobody can write there any more
        end = time.monotonic() + 30
        while (left := [pid for pid in below if is_running(pid)]) and time.monotonic() < end:
            time.sleep(0.05)
        assert not left

    def test_on_a_cluster(self, tmp_path, swept, monkeypatch):
        """Where the processes see no folder of this one: what they make is the same, and comes back as it is."""
        import_extra("distributed", "dask")
        sweep = Sweep(tmp_path / "sweep", swept[0].settings)
        sweep.create()
        begun = sweep.runs[0]
        begun.create()
        with monkeypatch.context() as patch:  # one was stopped here, and goes on there
            patch.setattr("nnlite.experiment.folder.SAVE_SECONDS", 0.0)
            patch.setattr("nnlite.callbacks.backup_and_restore.time.monotonic", lambda: 0.0)
            stop = nnlite.LambdaCallback(on_train_batch_end=lambda batch, logs: batch == 250 and signal.raise_signal(2))
            with pytest.raises(KeyboardInterrupt):
                begun.fit([stop], verbose=0)
        assert begun.progress.steps == 250
        found = {result.name: result for result in sweep.fit(jobs=2, backend="dask")}
        for run, other in zip(sweep.runs, swept[0].runs, strict=True):
            theirs, ours = contents(other.folder), contents(run.folder)
            assert theirs.keys() == ours.keys()
            assert [name for name in ours if ours[name] != theirs[name]] == []
            assert found[run.folder.name].loss == run.curve()[1][-1]
        assert sweep.is_finished

    def test_a_backend_that_is_not_there(self, tmp_path, monkeypatch):
        sweep = Sweep(tmp_path / "sweep", SMALL)
        sweep.create()
        for name in ("nix", "multiprocessing"):
            with pytest.raises(ValueError, match=f"backend: expected one of joblib's, dask, loky, .* got '{name}'"):
                next(sweep.fit(backend=name))
        monkeypatch.setitem(sys.modules, "dask", None)
        with pytest.raises(ImportError, match=r"backend='dask' needs it: pip install 'nnlite-learn\[dask\]'"):
            next(sweep.fit(backend="dask"))

    def test_what_parallel_config_names(self, tmp_path):
        sweep = Sweep(tmp_path / "sweep", Sweep.Settings(units=(4,), sgd=(), iterations=20))
        sweep.create()
        with joblib.parallel_config("threading", n_jobs=2):
            assert [result.state for result in sweep.fit()] == ["done"]

    def test_command(self, tmp_path, nnlite_command):
        arguments = "--units", 4, "--sgd", 0.01, "--iterations", 100, "--out", tmp_path / "sweep"
        code, output, _ = nnlite_command("sweep", *arguments)
        assert code == 0
        for text in ("4-adagrad-0.1: ", "smoothed loss", "curves.png", "done"):
            assert text in output.replace("\n", " ") or text == "smoothed loss"
        assert {p.name for p in Path(tmp_path / "sweep").iterdir()} == {
            "4-adagrad-0.1", "4-sgd-0.01", "config.json", "curves.png", "sweep.csv", "sweep.json",
        }  # fmt: skip
