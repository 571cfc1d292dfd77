"""Every picture beside its baseline: an image in tests/baseline/ that somebody has looked at.

Where a picture was meant to change, draw the baselines again, all or some of them, and look at them:

    python tests/test_pictures.py
    python tests/test_pictures.py gates gradient_flow

Letters differ from one matplotlib to the next: 3.11 places and shapes them otherwise than 3.8 to 3.10. So pictures are
drawn with a margin that no letter moves, four times as large as they are kept, and compared through a soft lens. Then
3.8 and 3.11 differ by up to 2.3, of 255. Without its first curve, or tile, or bar, no picture is closer than 5.6.
"""

import contextlib
import io
import sys
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images
from PIL import Image, ImageFilter

from nnlite import plot

BASELINE = Path(__file__).parent / "baseline"
DPI, LARGER = 60, 4
LENS = ImageFilter.BoxBlur(2)
TOLERANCE = 3.0  # root of the mean square of what pixels differ by


def waves(*shape):
    """Numbers from -1 to 1 that look like chance, and are the same with every NumPy."""
    return np.sin(np.arange(1, 1 + np.prod(shape)) ** 2 / 7).reshape(shape)


VERSE = "so long lives this,\n  and this\n"
LOSSES = {"loss": [3.5, 2.5, 1.9, 1.7, 1.5, 1.4], "val_loss": [2.6, 2.1, 1.85, 1.8, 1.82, 1.9]}
SCORES = {"accuracy": [0.3, 0.6, 0.8, 0.9], "val_accuracy": [0.5, 0.7, 0.75, 0.72]}
LANDMARKS = {"uniform": 3.638, "bigram": 2.364}
CURVES = {"one": ([0, 5, 9], [3.6, 3.0, 2.5]), "two": ([0, 5, 9], [3.6, 3.2, 3.1]), "lost": ([0, 5, 9], [3.6, 3.7, 99])}
SHARES = {" ": 18, "e": 10, "t": 8, "\n": 2.5, "?": 0.5}, {" ": 17, "e": 9, "t": 9, "a": 6, "\n": 3}
LENGTHS = {38: 2, 40: 5, 41: 4, 43: 1}, {39: 1, 40: 6, 42: 3}
COUNTS = np.array([[30, 1, 0], [0, 28, 4], [2, 0, 35]])
RINGS = (np.hypot(*np.mgrid[-4:4, -4:4]) - np.arange(1, 6)[:, None, None]) ** 2 < 1
STEPS = len(VERSE), 9
TRACE = {
    "i": 0.5 + 0.5 * waves(*STEPS), "f": waves(*STEPS) ** 2, "g": waves(*STEPS) ** 3, "c": 4 * waves(*STEPS),
    "h": np.tanh(waves(*STEPS)),
}  # fmt: skip
BACK = np.arange(20, -1, -1)  # from state 0 to state T
FLOWS = {
    "RNN": SimpleNamespace(dh=np.where(BACK < 16, 0.1 * 0.65**BACK, 0), dc=None),
    "LSTM": SimpleNamespace(dh=np.where(BACK < 15, 0.02 * 1.4**BACK, np.nan), dc=np.full(21, 0.2)),
}
LIMITS = SimpleNamespace(peak=2e11, bandwidth={"L1": 6e11, "L2": 2e11, "memory": 3e10})
KERNELS = [
    SimpleNamespace(name=name, intensity=intensity, rate=rate)
    for name, intensity, rate in (("low", 0.2, 1e10), ("middle", 3, 7e10), ("high", 60, 1.7e11), ("above", 200, 4e11))
]

# Name: the function, its arguments, and the size in inches.
PICTURES = {
    "activation_text": (plot.activation_text, [waves(len(VERSE)), VERSE], {"label": "c of unit 3 (no unit)"}, (5, 4.5)),
    "activation_text_gate": (plot.activation_text, [waves(16) ** 2, "shut and\n o pen\n"], {"limits": (0, 1)}, (4, 3)),
    "character_frequencies": (plot.character_frequencies, SHARES, {}, (5, 4.5)),
    "confusion_matrix": (plot.confusion_matrix, [COUNTS], {}, (5, 4)),
    "feature_maps": (plot.feature_maps, [waves(6, 8, 5)], {}, (4, 3)),
    "feature_maps_relu": (plot.feature_maps, [np.maximum(waves(6, 6, 4), 0)], {}, (4, 3)),
    "filters": (plot.filters, [waves(5, 5, 1, 8)], {}, (4, 3)),
    "filters_colour": (plot.filters, [waves(3, 3, 3, 4)], {}, (4, 4)),
    "gates": (plot.gates, [TRACE], {"characters": VERSE}, (7, 5)),
    "gradient_flow": (plot.gradient_flow, [FLOWS], {}, (5, 4)),
    "images": (plot.images, [RINGS, [f"{n} for 8" for n in range(5)], "Misread"], {}, (4, 3)),
    "learning_curves": (plot.learning_curves, [CURVES], {"landmarks": LANDMARKS}, (5, 3)),
    "line_lengths": (plot.line_lengths, LENGTHS, {}, (5, 3)),
    "loss_curves": (plot.loss_curves, [LOSSES], {"landmarks": LANDMARKS}, (5, 3)),
    "metric_curves": (plot.metric_curves, [SCORES], {}, (5, 3)),
    "roofline": (plot.roofline, [LIMITS, KERNELS], {}, (6, 4)),
}


def draw(name):
    """Axes with one of the pictures, in the style of matplotlib itself, whatever the user's is."""
    function, arguments, options, size = PICTURES[name]
    figure = Figure(figsize=size)
    figure.subplots_adjust(left=0.15, right=0.9, bottom=0.2, top=0.85)
    ax = function(*arguments, ax=figure.add_subplot(), **options)
    if legend := ax.get_legend():
        legend.remove()  # its letters decide where it stands, and how high it is; other tests read it
    return ax


def save(ax, path):
    large = io.BytesIO()
    ax.figure.savefig(large, dpi=DPI * LARGER)
    Image.open(large).convert("RGB").reduce(LARGER).save(path, optimize=True)


@contextlib.contextmanager
def style():
    """matplotlib's own settings for a while, and letters that are not fitted to pixels."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams["text.hinting"] = "none"
        yield


@pytest.fixture(autouse=True)
def _style():
    with style():
        yield


def difference(name, ax, folder):
    """None, or what differs from the baseline, in words: with three images in the folder to look at."""
    save(ax, folder / f"{name}.png")
    for source, copy in ((BASELINE / f"{name}.png", "expected"), (folder / f"{name}.png", "drawn")):
        Image.open(source).filter(LENS).save(folder / f"{name}-{copy}.png")
    return compare_images(folder / f"{name}-expected.png", folder / f"{name}-drawn.png", TOLERANCE)


@pytest.mark.parametrize("name", PICTURES)
def test_looks_like_its_baseline(name, tmp_path):
    different = difference(name, draw(name), tmp_path)
    assert not different, f"{different}\nIf it is meant to: python tests/test_pictures.py {name}"


@pytest.mark.parametrize("name", PICTURES)
def test_what_is_missing_is_noticed(name, tmp_path):
    ax = draw(name)
    pieces = ax.get_lines() or ax.images or ax.patches
    pieces[0].remove()
    assert difference(name, ax, tmp_path)


@pytest.mark.parametrize("name", PICTURES)
def test_says_what_it_shows(name):
    ax = draw(name)
    assert all((ax.get_title(), ax.get_xlabel(), ax.get_ylabel()))


@pytest.mark.parametrize("name", PICTURES)
def test_needs_no_colour(name):
    ax = draw(name)
    for image in ax.images:
        grey = image.cmap(np.linspace(0, 1, 64))[:, :3] @ (0.299, 0.587, 0.114)
        assert (np.diff(grey) > 0).all() or (np.diff(grey) < 0).all()
    curves = [line for line in ax.get_lines() if not line.get_label().startswith("_")]
    looks = {(str(line._dash_pattern), line.get_marker(), line.get_fillstyle()) for line in curves}
    assert len(looks) == len(curves)


def test_no_picture_is_left_out():
    drawn = {function.__name__ for function, *_ in PICTURES.values()}
    assert drawn == {*plot.__all__} - {"character_name", "png", "svg"}
    assert {path.stem for path in BASELINE.iterdir()} == PICTURES.keys()


if __name__ == "__main__":
    with style():
        for name in sys.argv[1:] or PICTURES:
            save(draw(name), BASELINE / f"{name}.png")
