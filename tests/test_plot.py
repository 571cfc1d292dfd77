"""Pictures: what is drawn can be asked for."""

import itertools
import json
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from nnlite.callbacks import History
from nnlite.plot import (
    activation_text,
    character_frequencies,
    confusion_matrix,
    feature_maps,
    filters,
    gradient_flow,
    images,
    learning_curves,
    line_lengths,
    loss_curves,
    metric_curves,
    png,
)
from nnlite.plot.names import names_beside
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


EPOCHS = np.arange(12)


class TestLossCurves:
    def test_draws_the_numbers(self, ax):
        assert loss_curves(CURVES, ax=ax) is ax
        lines = drawn(ax)
        assert list(lines) == ["training", "validation"]
        for name, line in zip(("loss", "val_loss"), lines.values(), strict=True):
            assert list(line.get_xdata()) == [1, 2, 3, 4]
            assert list(line.get_ydata()) == CURVES[name]

    @pytest.mark.parametrize("last", [1.8, 1.75])
    def test_points_out_the_best_epoch(self, last, ax):
        """Of equal ones the first, which ModelCheckpoint keeps."""
        loss_curves(CURVES | {"val_loss": [2.1, 1.8, 1.75, last]}, ax=ax)
        assert texts(ax) == ["best: 1.750, epoch 3"]

    @pytest.mark.parametrize(("curves", "losses"), [(CURVES, "val_loss"), ({"loss": CURVES["loss"]}, "loss")])
    def test_rings_the_model_that_is_kept(self, curves, losses, ax):
        loss_curves(curves, ax=ax, kept=4)
        assert texts(ax) == [f"kept: {CURVES[losses][3]:.3f}, epoch 4"]
        (ring,) = (line for line in ax.get_lines() if line.get_fillstyle() == "none")
        assert ring.get_color() == drawn(ax)["validation" if losses == "val_loss" else "training"].get_color()
        assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (4, CURVES[losses][3])

    @pytest.mark.parametrize(
        ("loss", "val_loss", "kept"),
        [
            (3.2 - 0.2 * EPOCHS, 3.0 - 0.35 * EPOCHS + 0.025 * EPOCHS**2, None),
            (0.9 * np.exp(-EPOCHS / 3) + 0.12, 0.8 * np.exp(-EPOCHS / 3) + 0.03, 12),
            (2.0 * np.exp(-EPOCHS / 4), 1.2 * np.exp(-EPOCHS / 8) + 0.05, 5),
            (1.0 + 0 * EPOCHS, 1.02 + 0 * EPOCHS, 1),
        ],
    )
    def test_no_curve_crosses_the_label_of_the_ring(self, loss, val_loss, kept, ax):
        loss_curves({"loss": [*loss], "val_loss": [*val_loss]}, ax=ax, kept=kept)
        ax.figure.canvas.draw()
        (label,) = ax.texts
        box = label.get_window_extent()
        assert ax.bbox.contains(box.x0, box.y0)
        assert ax.bbox.contains(box.x1, box.y1)
        for values in (loss, val_loss):
            x = np.linspace(0, 11, 2000)
            points = ax.transData.transform(np.stack([x + 1, np.interp(x, EPOCHS, values)], axis=1))
            assert not any(box.contains(*point) for point in points)

    def test_a_validation_without_epochs_is_none(self, ax):
        loss_curves({"loss": [2.0, 1.0], "val_loss": []}, ax=ax, kept=2)
        assert texts(ax) == ["kept: 1.000, epoch 2"]

    @pytest.mark.parametrize("draw", [loss_curves, learning_curves])
    @pytest.mark.parametrize("loss", [np.inf, np.nan, 10**400], ids=["infinite", "nan", "huge"])
    def test_a_landmark_is_finite(self, draw, loss, ax):
        with pytest.raises(ValueError, match=rf"landmarks: 'x': expected a finite number, got {str(loss)[:3]}"):
            draw({"loss": [2.0]} if draw is loss_curves else {"a": ([0], [2.0])}, ax=ax, landmarks={"x": loss})

    @pytest.mark.parametrize("kept", [0, 5])
    def test_only_a_model_of_an_epoch_is_kept(self, kept, ax):
        with pytest.raises(ValueError, match=f"kept: expected an epoch from 1 to 4, got {kept}"):
            loss_curves(CURVES, ax=ax, kept=kept)

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

    @pytest.mark.parametrize("size", [(4, 3), (5, 4), (7, 5)])
    @pytest.mark.parametrize(("draw", "curves"), [(loss_curves, CURVES), (learning_curves, {"": ([0, 9], [3, 2.5])})])
    def test_names_of_landmarks_stay_in_the_plot(self, draw, curves, size):
        ax = Figure(size).add_subplot()
        draw(curves, ax=ax, landmarks=LANDMARKS)
        names = [text for text in ax.texts if text.get_text() in ("uniform 3.638", "unigram 2.990", "bigram 2.364")]
        assert len(names) == 3
        assert all(text.get_window_extent().y1 < ax.bbox.y1 for text in names)
        assert names[1].get_va() == "bottom"

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

    def test_counts_on_from_an_initial_epoch(self, ax, tmp_path):
        history, log = History(), tmp_path / "log.jsonl"
        for epoch in range(4, 8):
            history.on_epoch_end(epoch, {name: values[epoch - 4] for name, values in CURVES.items()})
        records = [{"epoch": e + 5, **{name: values[e] for name, values in CURVES.items()}} for e in range(4)]
        log.write_text("".join(json.dumps(record) + "\n" for record in records))
        for source in (history, log):
            ax.clear()
            loss_curves(source, ax=ax, kept=6)
            assert [list(line.get_xdata()) for line in drawn(ax).values()] == 2 * [[5, 6, 7, 8]]
            assert texts(ax) == [f"kept: {CURVES['val_loss'][1]:.3f}, epoch 6"]
        with pytest.raises(ValueError, match="kept: expected an epoch from 5 to 8, got 4"):
            loss_curves(history, ax=ax, kept=4)
        ax.clear()
        metric_curves(history, "loss", ax=ax)
        assert [list(line.get_xdata()) for line in drawn(ax).values()] == 2 * [[5, 6, 7, 8]]
        log.write_text(log.read_text() * 2)  # of two trainings, one after the other
        ax.clear()
        loss_curves(log, ax=ax)
        assert [*drawn(ax)["training"].get_xdata()] == [*range(1, 9)]

    @pytest.mark.parametrize("epochs", [(0, 1), (2, 2), (3, 2), (1.5, 2), (True, 2), (None, 2), (2, 2**31)])
    def test_numbers_that_count_no_epochs_are_left_out(self, epochs, ax, tmp_path):
        log = tmp_path / "log.jsonl"
        log.write_text("".join(json.dumps({"epoch": epoch, "loss": 2.0}) + "\n" for epoch in epochs))
        assert [*loss_curves(log, ax=ax).lines[0].get_xdata()] == [1, 2]

    def test_gaps_where_a_loss_was_no_number(self, ax, tmp_path):
        log = tmp_path / "log.jsonl"
        log.write_text('{"epoch": 1, "loss": 2.5, "val_loss": null}\n{"epoch": 2, "loss": 2.0, "val_loss": 2.2}\n')
        loss_curves(log, ax=ax)
        assert texts(ax) == ["best: 2.200, epoch 2"]

    def test_a_validation_that_never_was_a_number_has_no_best_epoch(self, ax):
        loss_curves({"loss": [2.5, 2.0], "val_loss": [np.nan, np.nan]}, ax=ax)
        assert texts(ax) == []

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


@pytest.mark.parametrize(
    ("draw", "numbers"),
    [
        (loss_curves, CURVES),
        (metric_curves, {"accuracy": [0.5, 0.7]}),
        (learning_curves, {"a": ([0, 1], [3.0, 2.0])}),
        (confusion_matrix, np.eye(3, dtype=int)),
        (filters, np.ones((3, 3, 1, 4))),
        (character_frequencies, {"a": 50.0, " ": 50.0}),
        (line_lengths, [39, 40, 41]),
        (images, np.ones((2, 4, 4))),
    ],
)
def test_png_is_a_picture_and_always_the_same(draw, numbers):
    picture = png(draw, numbers, size=(6, 4), dpi=50)
    assert picture.startswith(b"\x89PNG")
    assert [int.from_bytes(picture[at : at + 4]) for at in (16, 20)] == [300, 200]
    assert b"nnlite" in picture[:200]  # by which `nnlite zoo` knows its own
    assert picture == png(draw, numbers, size=(6, 4), dpi=50)


def test_a_picture_has_the_size_of_a_column_of_a_page():
    picture = png(metric_curves, {"accuracy": [0.5]})  # and the metric that most have
    assert [int.from_bytes(picture[at : at + 4]) for at in (16, 20)] == [1050, 675]


@pytest.mark.parametrize(
    ("draw", "given"),
    [
        (images, (np.ones((1, 4, 4)), ["a\ud800"], "b\ud800")),
        (confusion_matrix, (np.eye(2, dtype=int), ["a\ud800", "b"])),
        (activation_text, (np.ones(2), "ab", "a\ud800", "b\ud800")),
        (feature_maps, (np.ones((2, 2, 2)), "a\ud800", "b\ud800")),
        (learning_curves, ({"a\ud800": ([0], [1.0])},)),
        (partial(learning_curves, title="b\ud800"), ({"a": ([0], [1.0])},)),
        (metric_curves, ({"a\ud800": [1.0]}, "a\ud800")),
        (gradient_flow, ({"a\ud800": SimpleNamespace(dh=np.ones(2), dc=None)}, "b\ud800")),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_half_a_character_is_drawn_as_what_stands_for_any(draw, given):
    figure = Figure()
    draw(*given, ax=figure.add_subplot())
    found = "".join(text.get_text() for text in figure.findobj(Text))
    assert "�" in found
    assert "\ud800" not in found


@pytest.mark.parametrize(
    ("draw", "given", "named"),
    [
        (learning_curves, [{"_a": ([0], [1.0])}], {}),
        (gradient_flow, [{"_a": SimpleNamespace(dh=np.ones(2), dc=None)}], {}),
        (character_frequencies, [{"a": 100.0}, {"b": 100.0}], {"labels": ["_a", "b"]}),
        (line_lengths, [[1], [2]], {"labels": ["_a", "b"]}),
    ],
)
def test_a_legend_has_names_that_begin_with_an_underscore(draw, given, named, ax):
    assert draw(*given, **named, ax=ax).get_legend().get_texts()[0].get_text().startswith(" _a")


def test_curves_are_of_whatever_holds_numbers():
    """As a list of PyTorch's losses, which are tensors without axes."""
    without_axes, loss, learning = [np.array(3.0), np.array(2.0)], Figure().add_subplot(), Figure().add_subplot()
    loss_curves({"loss": without_axes, "val_loss": np.array([4.0, None]), "note": 5}, ax=loss)
    assert [[*line.get_ydata()] for line in loss.lines[:2]] == [[3, 2], [4, pytest.approx(np.nan, nan_ok=True)]]
    learning_curves({"a": (np.array([0, 10]), without_axes)}, ax=learning)
    assert [*learning.lines[0].get_ydata()] == [3, 2]


def test_no_display_is_needed_and_no_backend_switched():
    program = """
import sys
from nnlite.plot import activation_text, gates, loss_curves, png
png(loss_curves, {"loss": [1.0]})
assert "matplotlib.pyplot" not in sys.modules
ax = loss_curves({"loss": [1.0]})
from matplotlib import pyplot
assert ax.figure.number in pyplot.get_fignums()  # so that pyplot.show() shows it
assert "Constrained" in type(ax.figure.get_layout_engine()).__name__
assert [*gates({"h": [[1.0]]}).figure.get_size_inches()] == [10, 6.5]
assert [*activation_text([1.0] * 4, "abc\\n").figure.get_size_inches()] == [8, 1.8 + 14 / 4]
assert [*activation_text([1.0] * 4, "\\n\\n\\n\\n").figure.get_size_inches()] == [8, 12]
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, env={"PYTHONPATH": ":".join(sys.path)})


class TestMetricCurves:
    def test_draws_training_and_validation_by_epochs(self, ax):
        assert metric_curves({"mae": [3, 2, 1], "val_mae": [3, 3, 2], "loss": [1, 1, 1]}, "mae", ax=ax) is ax
        assert [line.get_label() for line in ax.get_lines()] == ["training", "validation"]
        np.testing.assert_array_equal(ax.get_lines()[1].get_xydata(), [[1, 3], [2, 3], [3, 2]])
        ax.set_xlim(1, 2)
        assert all(tick == round(tick) for tick in ax.get_xticks())

    def test_a_name_is_no_formula(self, ax):
        metric_curves({"$x^$": [1.0]}, "$x^$", ax=ax)
        ax.figure.canvas.draw()
        assert (ax.get_title(), ax.get_ylabel()) == (r"\$x^\$ while training", r"\$x^\$")

    def test_lists_the_metrics(self, ax):
        with pytest.raises(ValueError, match=r"metric: expected one of loss, mae, got 'accuracy'"):
            metric_curves({"loss": [1.0], "mae": [2.0]}, ax=ax)
        with pytest.raises(ValueError, match=r"metric: expected an epoch with it, got none"):
            metric_curves({}, ax=ax)


class TestConfusionMatrix:
    MATRIX = np.array([[3, 1, 0], [0, 0, 0], [0, 2, 14]])

    def test_draws_the_counts(self, ax):
        assert confusion_matrix(self.MATRIX, ax=ax) is ax
        assert {(t.get_position()[1], t.get_position()[0]): t.get_text() for t in ax.texts} == {
            (0, 0): "3", (0, 1): "1", (2, 1): "2", (2, 2): "14"
        }  # fmt: skip
        np.testing.assert_allclose(ax.images[0].get_array(), [[0.75, 0.25, 0], [0, 0, 0], [0, 0.125, 0.875]])
        assert ax.images[0].get_clim() == (0, 1)

    def test_says_what_it_shows(self, ax):
        confusion_matrix(self.MATRIX, ["cat", "dog", "elk"], ax=ax)
        assert ax.get_title() == "Confusion matrix: 17 of 20 are right (85.0 %)"
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("taken for", "label")
        for labels in (ax.get_xticklabels(), ax.get_yticklabels()):
            assert [label.get_text() for label in labels] == ["cat", "dog", "elk"]

    def test_mistakes_are_framed(self, ax):
        confusion_matrix(self.MATRIX, ax=ax)
        assert [(p.get_y() + 0.46, p.get_x() + 0.46) for p in ax.patches] == [(0, 1), (2, 1)]
        assert all(contrast_to_white(p.get_edgecolor()[:3]) >= 3.5 for p in ax.patches)

    def test_numbers_stand_out_in_grey(self, ax):
        matrix = np.diag([1, 1]) + np.array([[0, 1], [0, 0]])
        confusion_matrix(matrix, ax=ax)
        image = ax.images[0]
        for text in ax.texts:
            column, row = text.get_position()
            ground, ink = (contrast_to_white(c) for c in (image.cmap(image.get_array()[row, column]), text.get_color()))
            assert max(ground, ink) / min(ground, ink) >= 4.5

    @pytest.mark.parametrize(("wrong", "said"), [(0, "0 of 0 are right"), (3, "0 of 6 are right (0.0 %)")])
    def test_nothing_right(self, wrong, said, ax):
        assert confusion_matrix(wrong * (1 - np.eye(2, dtype=int)), ax=ax).get_title() == f"Confusion matrix: {said}"

    @pytest.mark.parametrize(
        ("matrix", "labels", "message"),
        [
            (np.ones((2, 3), int), None, r"as many rows as columns, shape \(V, V\), got \(2, 3\)"),
            (np.ones(4, int), None, "as many rows as columns"),
            (np.ones((0, 0), int), None, "as many rows as columns"),
            (np.ones((2, 2)), None, "expected counts.*got float64"),
            (np.ones((2, 2), bool), None, "expected counts.*got bool"),
            (-np.ones((2, 2), int), None, "expected counts, whole numbers of at least 0, got -1"),
            (np.ones((2, 2), int), "abc", "labels: expected 2, one for each row of the matrix, got 3"),
        ],
    )
    def test_refuses(self, matrix, labels, message, ax):
        with pytest.raises(ValueError, match=message):
            confusion_matrix(matrix, labels, ax=ax)


class TestFilters:
    def test_one_channel_fills_a_square(self, ax):
        W = np.random.default_rng(0).normal(size=(3, 5, 1, 7))
        assert filters(W, ax=ax) is ax
        assert len(ax.images) == 7
        for f, image in enumerate(ax.images):
            assert (image.get_array() == W[:, :, 0, f]).all()
        lefts, tops = zip(*(image.get_extent()[::3] for image in ax.images), strict=True)
        assert (len(set(lefts)), len(set(tops))) == (3, 3)
        assert texts(ax) == [*"0123456"]
        assert ax.get_title() == "7 filters of 3 x 5 weights"
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("each 5 weights wide", "each 3 weights high")

    def test_rows_of_filters_and_columns_of_channels(self, ax):
        W = np.random.default_rng(0).normal(size=(2, 2, 3, 4))
        filters(W, ax=ax)
        lefts, tops = zip(*(image.get_extent()[::3] for image in ax.images), strict=True)
        assert (len(set(lefts)), len(set(tops))) == (3, 4)
        assert (ax.images[3 * 2 + 1].get_array() == W[:, :, 1, 2]).all()
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("channel", "filter")
        assert ax.get_title() == "4 filters of 2 x 2 x 3 weights"

    def test_numbers_stand_beside_the_middles(self, ax):
        filters(np.random.default_rng(0).normal(size=(2, 5, 2, 5)), ax=ax)
        boxes = [image.get_extent() for image in ax.images]
        np.testing.assert_allclose(ax.get_yticks(), [(box[2] + box[3]) / 2 for box in boxes[::2]])
        np.testing.assert_allclose(ax.get_xticks(), [(box[0] + box[1]) / 2 for box in boxes[:2]])

    def test_grey_is_zero_and_the_bar_says_so(self, ax):
        filters(np.array([-3.0, 1.0]).reshape(1, 2, 1, 1), ax=ax)
        assert ax.images[0].get_clim() == (-3, 3)
        assert ax.figure.axes[1].get_ylabel() == "weight"
        brightness = [sum(ax.images[0].cmap(part)[:3]) for part in (0.0, 0.25, 0.5, 0.75, 1.0)]
        assert brightness == sorted(brightness)

    def test_all_zero(self, ax):
        assert filters(np.zeros((3, 3, 1, 2)), ax=ax).images[0].get_clim() == (-1, 1)

    @pytest.mark.parametrize(
        ("W", "message"),
        [
            (np.ones((3, 3)), r"shape \(kh, kw, C, filters\), got \(3, 3\)"),
            (np.ones((3, 3, 0, 2)), "shape"),
            (np.full((1, 1, 1, 1), np.nan), "finite"),
        ],
    )
    def test_refuses(self, W, message, ax):
        with pytest.raises(ValueError, match=message):
            filters(W, ax=ax)


class TestImages:
    def test_draws_them_with_their_captions(self, ax):
        x = np.random.default_rng(0).random((5, 4, 6, 1))
        assert images(x, [f"{n} taken for 8" for n in range(5)], "Misread", ax=ax) is ax
        for image, drawn in zip(x, ax.images, strict=True):
            assert (drawn.get_array() == image[..., 0]).all()
        assert texts(ax) == [f"{n} taken for 8" for n in range(5)]
        assert ax.get_title() == "Misread"

    def test_ink_is_dark_and_the_scale_is_common(self, ax):
        images(np.array([0.0, 0.5, 0.25, 1.0]).reshape(2, 2, 1), ax=ax)
        assert {image.get_clim() for image in ax.images} == {(0, 1)}
        assert ax.images[0].cmap(0.0)[:3] == (1, 1, 1)
        assert (texts(ax), ax.get_title()) == ([], "")

    def test_none(self, ax):
        assert not images(np.zeros((0, 8, 8, 1)), [], "No mistake", ax=ax).images
        assert [text.get_text() for text in ax.texts] == ["none"]
        assert not ax.get_xlabel()

    @pytest.mark.parametrize(
        ("x", "captions", "message"),
        [
            (np.ones((8, 8)), None, "expected images"),
            (np.ones((2, 8, 8, 3)), None, "expected images"),
            (np.ones((2, 0, 8)), None, "expected images"),
            (np.ones((2, 8, 8)), ["one"], "captions: expected 2, one for each image, got 1"),
        ],
    )
    def test_refuses(self, x, captions, message, ax):
        with pytest.raises(ValueError, match=message):
            images(x, captions, ax=ax)


class TestCharacterFrequencies:
    TEXT, CORPUS = {"a": 60.0, "z": 40.0}, {"a": 50.0, "\n": 30.0, " ": 20.0}

    def test_draws_the_numbers(self, ax):
        assert character_frequencies(self.TEXT, ax=ax) is ax
        assert [bar.get_height() for bar in ax.patches] == [60, 40]
        assert ax.get_legend() is None

    def test_pairs_stand_in_the_order_of_the_corpus(self, ax):
        character_frequencies(self.TEXT, self.CORPUS, ax=ax, labels=("poem", "sonnets"))
        assert [bar.get_height() for bar in ax.patches] == [60, 0, 0, 40, 50, 30, 20, 0]
        assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "new line", "space", "z"]
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["poem", "sonnets"]
        middles = [bar.get_x() + bar.get_width() / 2 for bar in ax.patches]
        np.testing.assert_allclose(
            [(x + y) / 2 for x, y in zip(middles[:4], middles[4:], strict=True)], ax.get_xticks()
        )

    def test_says_what_it_shows(self, ax):
        character_frequencies(self.TEXT, self.CORPUS, ax=ax)
        assert ax.get_title() == "Character frequencies: text and corpus"
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("character", "share of all characters (%)")

    def test_bars_differ_without_colour(self, ax):
        character_frequencies(self.TEXT, self.CORPUS, ax=ax)
        text, corpus = ax.containers
        assert text[0].get_hatch() != corpus[0].get_hatch()
        assert contrast_to_white(text[0].get_facecolor()[:3]) >= 3.5
        assert contrast_to_white(corpus[0].get_edgecolor()[:3]) >= 3.5

    def test_many_characters_share_a_bar(self, ax):
        many = {chr(0x4E00 + n): 100 / 200 for n in range(200)}
        character_frequencies(many, ax=ax)
        assert len(ax.patches) == 45
        assert ax.get_xticklabels()[-1].get_text() == "156 others"
        assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(100)

    def test_as_many_as_have_room_have_bars_of_their_own(self, ax):
        character_frequencies({chr(0x4E00 + n): 1.0 for n in range(45)}, ax=ax)
        assert len(ax.patches) == 45
        assert ax.get_xticklabels()[-1].get_text() == chr(0x4E00 + 44)

    def test_of_equal_ones_the_text_decides_and_then_the_alphabet(self, ax):
        character_frequencies({"d": 20.0, "c": 50.0, "b": 30.0}, {"b": 25.0, "c": 25.0, "f": 25.0, "e": 25.0}, ax=ax)
        labels = ax.get_xticklabels()
        assert [label.get_text() for label in labels] == [*"cbefd"]
        assert {label.get_rotation() for label in labels} == {0}

    @pytest.mark.filterwarnings("ignore:Glyph")  # a computer without the font draws boxes
    def test_any_character_has_a_label(self):
        odd = "$_^\\\t\x00\u0301\u200b%"
        assert png(character_frequencies, dict.fromkeys(odd, 100 / len(odd))).startswith(b"\x89PNG")

    @pytest.mark.parametrize(("text", "corpus", "name"), [({}, None, "frequencies"), ({"a": 100.0}, {}, "corpus")])
    def test_refuses_nothing(self, text, corpus, name, ax):
        with pytest.raises(ValueError, match=f"{name}: expected the frequency of at least one character"):
            character_frequencies(text, corpus, ax=ax)


class TestLineLengths:
    def test_draws_shares(self, ax):
        assert line_lengths([40, 40, 42, 41], ax=ax) is ax
        assert [bar.get_height() for bar in ax.patches] == [50, 25, 25]
        assert [bar.get_x() + 0.5 for bar in ax.patches] == [40, 41, 42]

    def test_lengths_may_be_counted_already(self, ax):
        line_lengths({40: 2, 42: 1, 41: 1}, ax=ax)
        assert [bar.get_height() for bar in ax.patches] == [50, 25, 25]

    def test_the_corpus_is_an_outline(self, ax):
        line_lengths([40, 41], [40, 42], ax=ax, labels=("poem", "sonnets"))
        *bars, outline = ax.patches
        assert [bar.get_height() for bar in bars] == [50, 50, 0]
        assert set(outline.get_xy()[:, 1]) == {0, 50}
        assert not outline.get_fill()
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["poem", "sonnets"]
        assert ax.get_title() == "Line lengths: poem and sonnets"
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("length of a line (characters)", "share of all lines (%)")

    @pytest.mark.parametrize(("longest", "bars"), [(80, 80), (81, 41)])
    def test_lengths_share_bars_where_they_span_more_than_80_characters(self, longest, bars, ax):
        assert len(line_lengths([1, longest], ax=ax).patches) == bars

    @pytest.mark.parametrize("longest", [1, 80, 81, 1000, 100_000])
    def test_every_line_is_in_a_bar(self, longest, ax):
        line_lengths([1, 3, longest, longest], ax=ax)
        assert len(ax.patches) <= 81
        assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(100)

    @pytest.mark.parametrize(
        ("text", "corpus", "name"), [([], None, "lengths"), ({40: 0}, None, "lengths"), ([40], {}, "corpus")]
    )
    def test_refuses_nothing(self, text, corpus, name, ax):
        with pytest.raises(ValueError, match=f"{name}: expected the length of at least one line"):
            line_lengths(text, corpus, ax=ax)


class TestLearningCurves:
    CURVES = {  # noqa: RUF012
        "calm": ([0, 100, 200], [3.6, 2.9, 2.4]),
        "late": ([0, 100, 200], [3.6, 2.2, 3.1]),
        "wild": ([0, 100, 200], [3.6, 4.0, 9.0]),
        "lost": ([0, 100], [3.6, float("nan")]),
    }

    def test_names_are_drawn_as_they_are(self, ax):
        curves = dict.fromkeys((r"$\foo$", "_a", " _a"), self.CURVES["calm"])
        learning_curves(curves, ax=ax, landmarks={"$x^$": 3.0})
        labels = [text.get_text() for text in ax.get_legend().get_texts()]
        assert (labels, texts(ax)) == ([r"\$\foo\$", " _a", " _a"], [r"\$x^\$ 3.000"])
        ax.figure.canvas.draw()  # else matplotlib would complain of a formula here

    def test_draws_the_numbers(self, ax):
        assert learning_curves(self.CURVES, ax=ax) is ax
        lines = drawn(ax)
        assert list(lines) == list(self.CURVES)
        for name in ("calm", "late"):
            assert (list(lines[name].get_xdata()), list(lines[name].get_ydata())) == self.CURVES[name]

    def test_what_blows_up_leaves_with_a_word(self, ax):
        learning_curves(self.CURVES, ax=ax)
        assert texts(ax) == ["wild diverges", "lost diverges"]
        assert ax.get_ylim()[1] < 4.0
        assert list(drawn(ax)["wild"].get_ydata()) == [3.6]

    def test_one_without_a_name_leaves_with_a_word_alone(self, ax):
        learning_curves({"": ([0, 12_000], [3.6, 99.0])}, ax=ax)
        assert texts(ax) == ["diverges"]
        assert ax.xaxis.get_major_formatter()(12_000, 0) == "12,000"

    @pytest.mark.parametrize("losses", [(3.638, 3.675, 3.495), (5.94, 6.0, 6.135), (3.6, 3.0, 2.4)])
    def test_the_label_of_a_ring_stays_in_the_plot_and_off_the_landmarks(self, losses, ax):
        learning_curves(
            {"": ([0, 100, 200], losses)}, ax=ax, ring=True, landmarks={"uniform": losses[0], "bigram": 2.3}
        )
        *names, label = (text.get_window_extent() for text in ax.texts)
        assert ax.bbox.contains(label.x0, label.y0)
        assert ax.bbox.contains(label.x1, label.y1)
        assert max(name.y1 for name in names) <= ax.bbox.y1
        assert not any(label.overlaps(name) for name in names)

    def test_rings_the_ends_if_asked_to(self, ax):
        learning_curves(self.CURVES, ax=ax, ring=True)
        assert texts(ax) == [
            "wild diverges", "lost diverges", "kept: 2.400, iteration 200", "kept: 3.100, iteration 200",
        ]  # fmt: skip

    def test_labels_of_rings_do_not_cover_each_other(self, ax):
        learning_curves({name: ([0, 100, 200], [3.6, 2.9, 2.4]) for name in "abc"}, ax=ax, ring=True)
        boxes = [text.get_window_extent() for text in ax.texts]
        assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))

    def test_one_loss_alone_is_below_the_top(self, ax):
        learning_curves({"": ([0], [2.0])}, ax=ax)
        assert 2.0 < ax.get_ylim()[1] < 2.1

    def test_what_comes_back_has_not_blown_up(self, ax):
        learning_curves({"a": ([0, 1, 2], [3.6, 4.5, 2.0]), "b": ([0, 1, 2], [3.6, 50.0, 2.0])}, ax=ax)
        assert texts(ax) == []
        assert 4.5 < ax.get_ylim()[1] < 6

    def test_says_what_is_on_the_axes(self, ax):
        learning_curves({"": self.CURVES["calm"]}, ax=ax, landmarks=LANDMARKS, title="One")
        assert (ax.get_title(), ax.get_xlabel()) == ("One", "iteration")
        assert ax.get_ylabel() == "smoothed loss (nats per character)"
        assert texts(ax) == ["uniform 3.638", "unigram 2.990", "bigram 2.364"]
        assert ax.get_legend() is None

    def test_lines_differ_without_colour_and_can_be_read(self, ax):
        learning_curves({f"{n}": ([0, 1], [3.0, 2.0 + n / 10]) for n in range(6)}, ax=ax)
        lines = drawn(ax).values()
        # A line's dashes in full: of all that are no plain line get_linestyle() says the same.
        assert len({str(line._dash_pattern) for line in lines}) == 6
        assert all(contrast_to_white(line.get_color()) >= 3.5 for line in lines)
        ax.clear()
        first, *_, seventh = learning_curves({f"{n}": ([0], [3.0]) for n in range(7)}, ax=ax).get_lines()
        assert first.get_color() == seventh.get_color()  # there are six looks

    @pytest.mark.parametrize(
        ("curves", "message"),
        [
            ({}, "at least one, got none"),
            ({"a": ([], [])}, "'a': expected as many losses as iterations.*got 0 iterations and 0 losses"),
            ({"a": ([1], [2.0, 3.0])}, "'a': expected as many losses as iterations.*got 1 iterations and 2 losses"),
            (
                {"a": ([1], [float("inf")])},
                "finite, got 1 iterations and 1 losses, the first of them inf",
            ),
        ],
    )
    def test_refuses(self, curves, message, ax):
        with pytest.raises(ValueError, match=message):
            learning_curves(curves, ax=ax)

    @pytest.mark.parametrize("curve", [3.0, [1, 2, 3]])
    def test_a_curve_is_a_pair(self, curve, ax):
        with pytest.raises(TypeError, match=r"curves: 'a': expected a pair \(iterations, losses\), got (float|list)"):
            learning_curves({"a": curve}, ax=ax)

    def test_a_name_may_be_a_number(self, ax):
        learning_curves({0: self.CURVES["calm"]}, ax=ax)
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0"]


class TestNamesBeside:
    """What the roofline has beside its points."""

    def written(self, points, legend=None):
        """The axes, and where each name is."""
        ax = Figure((6, 4)).add_subplot(xlim=(0, 1), ylim=(0, 1))
        for x, y in points:
            ax.plot(x, y, "o", label="a point" if legend else "_")
        if legend:
            ax.legend(loc=legend)
        names_beside(ax, [(f"name {number}", *point) for number, point in enumerate(points)])
        return ax, [text.get_window_extent() for text in ax.texts]

    def test_one_alone_is_close_and_has_no_line(self):
        ax, (box,) = self.written([(0.5, 0.5)])
        assert len(ax.lines) == 1
        x, y = ax.transData.transform((0.5, 0.5))
        assert max(box.x0 - x, x - box.x1, box.y0 - y, y - box.y1) < 12 * ax.figure.dpi / 72

    @pytest.mark.parametrize("corner", [(0, 0), (0, 1), (1, 0), (1, 1)])
    def test_none_leaves_the_plot(self, corner):
        ax, (box,) = self.written([corner])
        assert ax.bbox.contains(box.x0, box.y0)
        assert ax.bbox.contains(box.x1, box.y1)

    def test_none_covers_another_or_the_legend_and_far_ones_have_a_line(self):
        points = [(0.8 + n / 1000, 0.8) for n in range(9)]
        ax, boxes = self.written(points, legend="upper right")
        assert len(ax.lines) > len(points)
        for one, other in itertools.combinations([*boxes, ax.get_legend().get_window_extent()], 2):
            assert not one.overlaps(other)

    def test_crowded_points_choose_first_which_keeps_all_names_close(self):
        points = [(0.3, 0.5), (0.5, 0.5), (0.51, 0.5), (0.52, 0.5), (0.53, 0.5)]
        ax, _ = self.written(points)
        assert len(ax.lines) == len(points)
