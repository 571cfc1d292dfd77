"""Pictures: what is drawn can be asked for."""

import json
import subprocess
import sys

import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from nnlite.callbacks import History
from nnlite.plot import loss_curves, png
from nnlite.text import Landmarks

CURVES = {"loss": [2.4, 1.9, 1.7, 1.5], "val_loss": [2.1, 1.8, 1.75, 1.8]}
LANDMARKS = Landmarks(3.638, 2.99, 2.364)


@pytest.fixture
def ax():
    return Figure().add_subplot()


def drawn(ax):
    """The curves by their labels."""
    return {line.get_label(): line for line in ax.get_lines() if not line.get_label().startswith("_")}


def texts(ax):
    return [text.get_text() for text in ax.texts]


class TestLossCurves:
    def test_draws_the_numbers(self, ax):
        assert loss_curves(CURVES, ax=ax) is ax
        lines = drawn(ax)
        assert list(lines) == ["training", "validation"]
        for name, line in zip(("loss", "val_loss"), lines.values(), strict=True):
            assert list(line.get_xdata()) == [1, 2, 3, 4]
            assert list(line.get_ydata()) == CURVES[name]

    def test_points_out_the_best_epoch(self, ax):
        loss_curves(CURVES, ax=ax)
        assert texts(ax) == ["best: 1.750, epoch 3"]

    def test_says_what_is_on_the_axes(self, ax):
        loss_curves(CURVES, ax=ax, landmarks=LANDMARKS)
        assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == (
            "Loss while training",
            "epoch",
            "loss (nats per character)",
        )
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation"]

    def test_a_loss_that_is_no_cross_entropy_has_no_nats(self, ax):
        assert loss_curves(CURVES, ax=ax).get_ylabel() == "loss"

    def test_cross_entropy_is_in_nats(self, ax):
        assert loss_curves(CURVES | {"perplexity": [9, 8, 7, 6]}, ax=ax).get_ylabel() == "loss (nats)"

    @pytest.mark.parametrize("landmarks", [LANDMARKS, LANDMARKS._asdict()])
    def test_landmarks_are_lines_with_names(self, landmarks, ax):
        loss_curves({"loss": [2.4]}, ax=ax, landmarks=landmarks)
        assert texts(ax) == ["uniform 3.638", "unigram 2.990", "bigram 2.364"]
        assert [line.get_ydata()[0] for line in ax.get_lines()[1:]] == list(LANDMARKS)

    def test_lines_differ_without_colour(self, ax):
        loss_curves(CURVES, ax=ax)
        training, validation = drawn(ax).values()
        assert training.get_linestyle() != validation.get_linestyle()
        assert training.get_marker() != validation.get_marker()

    def test_nothing_is_too_pale_to_read(self, ax):
        loss_curves(CURVES, ax=ax, landmarks=LANDMARKS)
        colours = [line.get_color() for line in ax.get_lines()] + [text.get_color() for text in ax.texts]
        for colour in colours:
            assert contrast_to_white(colour) >= 3.5

    def test_takes_a_history_and_a_log(self, ax, tmp_path):
        history = History()
        for epoch in range(4):
            history.on_epoch_end(epoch, {name: values[epoch] for name, values in CURVES.items()})
        log = tmp_path / "log.jsonl"
        records = [{"epoch": 1, "batch": 3, "loss": 3.0}]  # a line from the middle of an epoch
        records += [{"epoch": e + 1, **{name: values[e] for name, values in CURVES.items()}} for e in range(4)]
        log.write_text("".join(json.dumps(record) + "\n" for record in records))
        for source in (history, log, str(log)):
            ax.clear()
            loss_curves(source, ax=ax)
            assert [list(line.get_ydata()) for line in drawn(ax).values()] == list(CURVES.values())

    def test_gaps_where_a_loss_was_no_number(self, ax, tmp_path):
        log = tmp_path / "log.jsonl"
        log.write_text('{"epoch": 1, "loss": 2.5, "val_loss": null}\n{"epoch": 2, "loss": 2.0, "val_loss": 2.2}\n')
        loss_curves(log, ax=ax)
        assert texts(ax) == ["best: 2.200, epoch 2"]

    @pytest.mark.parametrize("history", [{}, {"loss": []}])
    def test_refuses_nothing(self, history, ax):
        with pytest.raises(ValueError, match="at least one epoch"):
            loss_curves(history, ax=ax)

    def test_epochs_are_whole_numbers(self, ax):
        loss_curves({"loss": [2.4, 1.9]}, ax=ax)
        assert all(tick == round(tick) for tick in ax.get_xticks())


def contrast_to_white(colour):
    """As defined in WCAG 2.2; 3 is enough for lines and large text, 4.5 for small text."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 1.05 / (0.05 + sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True)))


def test_png_is_a_picture_and_always_the_same():
    picture = png(loss_curves, CURVES, landmarks=LANDMARKS, size=(6, 4), dpi=50)
    assert picture.startswith(b"\x89PNG")
    assert [int.from_bytes(picture[at : at + 4]) for at in (16, 20)] == [300, 200]
    assert picture == png(loss_curves, CURVES, landmarks=LANDMARKS, size=(6, 4), dpi=50)


def test_no_display_is_needed_and_no_backend_switched():
    program = """
import sys
from nnlite.plot import loss_curves, png
png(loss_curves, {"loss": [1.0]})
assert "matplotlib.pyplot" not in sys.modules
ax = loss_curves({"loss": [1.0]})
from matplotlib import pyplot
assert ax.figure.number in pyplot.get_fignums()  # so that pyplot.show() shows it
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, env={"PYTHONPATH": ":".join(sys.path)})
