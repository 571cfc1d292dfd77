"""The training film: the same for a training that was stopped, and none where nobody asked."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import nnlite
from nnlite.experiment import ExperimentError, Sonnets
from nnlite.experiment.film import FRAMES, LINE, POINTS, TEMPERATURE, Film, read_film
from nnlite.text import generate

TINY = {"units": 5, "step": 200, "epochs": 3, "temperatures": ()}


def made(folder, **settings):
    run = Sonnets(folder, Sonnets.Settings(**TINY, **settings))
    run.create()
    return run


class StopAt(nnlite.Callback):
    """Ends the process, so to speak, at a step."""

    def __init__(self, step):
        self.step = step

    def on_train_batch_end(self, batch, logs):
        if self.model.optimizer.iterations == self.step:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    run = made(tmp_path_factory.mktemp("film") / "run", film=True)
    run.fit(verbose=0)
    return run


def test_it_has_about_20_frames_from_the_first_weights_to_the_last(filmed):
    film = read_film(filmed)
    steps = [step for step, _ in film["frames"]]
    assert 15 <= len(steps) <= FRAMES
    assert steps[0] == 0
    assert steps[-1] == filmed.progress.steps
    assert all(0 <= len(line) <= LINE and "\n" not in line for _, line in film["frames"])
    assert len({line for _, line in film["frames"]}) > 5
    assert [step for step, _ in film["losses"]] == list(range(1, steps[-1] + 1))
    assert film["losses"][0][1] > film["losses"][-1][1]
    assert (filmed.folder / "film.json").stat().st_size < 10_000


def test_its_first_line_is_that_of_the_first_weights(filmed):
    run = Sonnets.open(filmed.folder)
    text = generate(run.model(), run.vocabulary, run.seed_text, LINE, TEMPERATURE, rng=run.settings.seed)
    assert read_film(run)["frames"][0] == [0, text.lstrip("\n").split("\n")[0]]


def test_the_training_is_the_same_without_it(filmed, tmp_path):
    run = made(tmp_path / "run")
    run.fit(verbose=0)
    assert not (run.folder / "film.json").exists()
    assert read_film(run) is None
    for name, array in run.saved_model().params.items():
        np.testing.assert_array_equal(array, filmed.saved_model().params[name])


@pytest.mark.parametrize("step", [2, 30, 41])
def test_a_resumed_training_has_the_same_film(filmed, tmp_path, step):
    run = made(tmp_path / "run", film=True)
    with pytest.raises(KeyboardInterrupt):
        run.fit([StopAt(step)], verbose=0)
    assert read_film(run)["frames"][-1][0] <= step
    Sonnets.open(run.folder).fit(verbose=0)
    assert (run.folder / "film.json").read_bytes() == (filmed.folder / "film.json").read_bytes()


def test_points_stay_means_when_a_training_goes_on_for_more_epochs(tmp_path):
    """Then they are fewer: the first one after it covers batches from before."""
    run, step = made(tmp_path / "run"), 0
    state = None
    for epochs, batches in ((2, 5), (3, 4)):
        film = Film(run, epochs * POINTS)
        film.at, film.loop = (), SimpleNamespace(latest={"loss": 1.5})
        film.on_train_begin({})
        if state:
            film.set_state(state)
        for _ in range(batches):
            step += 1
            film.model = SimpleNamespace(optimizer=SimpleNamespace(iterations=step))
            film.on_train_batch_end(0, {})
        state = film.get_state()
    assert film.losses == [[2, 1.5], [4, 1.5], [6, 1.5], [9, 1.5]]


@pytest.mark.parametrize(
    "content", ["", "[]", '{"frames": []}', '{"frames": [], "losses": []}', '{"frames": [[0, 1]], "losses": []}',
                '{"frames": [[-1, "a"]], "losses": []}', '{"frames": [[0, "a"]], "losses": [[1, NaN]]}'],
)  # fmt: skip
def test_a_damaged_film_is_refused(tmp_path, content):
    run = made(tmp_path / "run", film=True)
    assert read_film(run) is None
    (run.folder / "film.json").write_text(content)
    with pytest.raises(ExperimentError, match=r"cannot read the film in .*film\.json"):
        read_film(run)


def test_an_older_run_has_none(tmp_path):
    run = made(tmp_path / "run")
    config = json.loads((run.folder / "config.json").read_text())
    del config["settings"]["film"]
    (run.folder / "config.json").write_text(json.dumps(config))
    assert Sonnets.open(run.folder).settings.film is False
    config["settings"]["film"] = 1
    (run.folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ExperimentError, match="film: expected true or false, got 1"):
        Sonnets.open(run.folder)
