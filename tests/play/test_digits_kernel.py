"""The page of digits computes what the kernels compute, writes out how, and prepares a drawing as load_digit does."""

import json
import math
import re

import browser
import numpy as np
import pytest
from drawn_digits import STROKES, drawn
from extras import import_extra
from hypothesis import given, settings
from hypothesis import strategies as st

import nnlite
from nnlite import layers as L
from nnlite.play import digits_page
from nnlite.play.digits_model import packed, steps

NEAR = 2e-5  # of the kernels' logits

MODELS = {
    "digits": (
        [L.Conv2D(5, 3, padding="same", activation="relu"), L.MaxPool2D(2), L.Flatten(), L.Dense(10)],
        (8, 8, 1),
    ),
    "windows": (
        [
            L.Conv2D(6, (3, 2), strides=(2, 1), padding=((1, 0), (2, 1)), activation="gelu"),
            L.AvgPool2D((2, 3), strides=(1, 2), padding=1),
            L.Conv2D(6, 2, groups=3, dilation_rate=2, use_bias=False),
            *(L.BatchNorm(), L.Tanh(), L.Flatten(), L.Dense(7, activation="softmax")),
        ],
        (13, 11, 2),
    ),
    "norms and means": (
        [
            *(L.ZeroPadding2D(((1, 2), (0, 3))), L.Conv2D(8, 3, padding="same", strides=3), L.LeakyReLU(0.1)),
            *(L.LayerNorm(), L.GlobalAvgPool2D(), L.Dense(4, activation=L.GELU(True)), L.Dropout(0.5), L.Dense(3)),
        ],
        (20, 20, 3),
    ),
    "maxima": (
        [
            *(L.Conv2D(8, 5, padding=3), L.Sigmoid(), L.AvgPool2D(3, padding="same", count_include_pad=True)),
            *(L.GlobalMaxPool2D(keepdims=True), L.Reshape((8,)), L.Softmax()),
        ],
        (9, 9, 1),
    ),
    "no convolution": ([L.Flatten(), L.Dense(20, activation="tanh"), L.Dropout(0.5), L.Dense(10)], (8, 8)),
    "rows": (
        [
            *(L.Dense(20, activation="sigmoid"), L.Reshape((4, 5, 1)), L.Conv2D(3, (2, 3), dilation_rate=(3, 1))),
            *(L.Flatten(), L.Dense(10, activation="leaky_relu")),
        ],
        (64,),
    ),
    "far padding": (
        [
            *(nnlite.Sequential([L.Conv2D(4, 3), L.ReLU()]), L.MaxPool2D((3, 2), strides=(1, 2), padding="same")),
            *(L.Conv2D(4, 7, padding=40, dilation_rate=9), L.Flatten(), L.Dense(10)),
        ],
        (8, 8, 1),
    ),
}


def made(layers, input_shape, dtype="float32"):
    """A model of such layers whose weights and statistics are no first ones: biases are not 0, variances not 1."""
    layers = [type(layer).from_config({**layer.get_config(), "dtype": dtype}) for layer in layers]
    model = nnlite.Sequential(layers, input_shape=input_shape, dtype=dtype, seed=1)
    rng = np.random.default_rng(0)
    for array in model.params.values():
        array += 0.2 * rng.standard_normal(array.shape).astype(array.dtype)
    for array in model.statistics.values():
        array[...] = np.abs(array + 0.3 * rng.standard_normal(array.shape))
    return model


def images(model, count=5):
    return np.random.default_rng(2).uniform(0, 1, (count, *model.input_shape)).astype(model.dtype)


@pytest.fixture(scope="module")
def tab(chromium, tmp_path_factory):
    """A page, whose functions are called with what a test gives them."""
    return browser.opened(chromium, digits_page(made(*MODELS["digits"])), tmp_path_factory.mktemp("digits"))


RUN = "([data, xs]) => { const steps = unpacked(data); return xs.map((x) => [...forward(steps, x).at(-1)]); }"


def given_to_page(model):
    written, numbers = packed(steps(model)[1])
    return json.loads(json.dumps({"steps": written, "numbers": numbers}))


def assert_near(tab, model, x):
    """What the page computes from images is what the model does. Return it."""
    y = model.predict(x)
    ours = np.array(tab.evaluate(RUN, [given_to_page(model), x.reshape(len(x), -1).tolist()])).reshape(y.shape)
    np.testing.assert_allclose(ours, y, rtol=0, atol=NEAR)
    return ours


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MODELS)
def test_logits_are_those_of_the_kernels(name, dtype, tab):
    model = made(*MODELS[name], dtype)
    assert_near(tab, model, images(model))


def test_a_trained_model_reads_the_same(tab, trained_digits):
    import_extra("sklearn", "digits")
    _, (x, _) = nnlite.images.hold_out(*nnlite.images.load_digits())
    last = assert_near(tab, trained_digits, x)
    assert (last.argmax(axis=-1) == trained_digits.predict(x).argmax(axis=-1)).all()


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
paddings = st.sampled_from(["valid", "same"]) | st.tuples(*2 * [st.tuples(st.integers(0, 2), st.integers(0, 2))])


@given(st.data())
@settings(max_examples=60)
def test_any_window(tab, data):
    draw = data.draw
    size, strides, padding, groups = draw(pairs), draw(pairs), draw(paddings), draw(st.integers(1, 3))
    shape = draw(st.integers(5, 9)), draw(st.integers(5, 9)), groups * draw(st.integers(1, 2))
    filters, dilation = groups * draw(st.integers(1, 2)), draw(st.sampled_from([1, 2, (1, 2)]))
    kind = draw(st.sampled_from(["conv", "max", "mean"]))
    if kind == "conv":
        first = L.Conv2D(filters, size, strides, padding, dilation_rate=dilation, groups=groups)
    elif kind == "max":
        first = L.MaxPool2D(size, strides, padding)
    else:
        first = L.AvgPool2D(size, strides, padding, count_include_pad=draw(st.booleans()))
    try:
        model = made([first, L.Flatten(), L.Dense(2)], shape)
    except ValueError:
        return  # a window that is larger than the image, or lies in the padding
    assert_near(tab, model, images(model, 2))


# How a number was computed, as a row of the page's table.

WRITTEN = """([data, x]) => {
  const steps = unpacked(data), arrays = forward(steps, x);
  return steps.map((step, k) => Array.from(arrays[k + 1], (_, n) => written(step, arrays[k], arrays[k + 1], n)));
}"""


def phi(x):
    return 0.5 * math.erfc(-x / math.sqrt(2))


def value_of(text):
    """What a row's arithmetic gives."""
    for sign, python in {"·": "*", "−": "-", "√": "sqrt", "Φ": "phi", "\u00a0": " "}.items():
        text = text.replace(sign, python)
    text = re.sub(r"e\^(-?\(?-?[\d.]+\)?)", r"exp(\1)", text)
    text = re.sub(r"tanh (\(?-?[\d.]+\)?)", r"tanh(\1)", text)
    return eval(text, {"max": lambda *a: max(a), "sqrt": math.sqrt, "exp": math.exp, "tanh": math.tanh, "phi": phi})


@pytest.mark.parametrize("name", ["digits", "windows", "norms and means", "maxima"])
def test_the_arithmetic_gives_the_number(name, tab):
    model = made(*MODELS[name])
    seen, shown = tab.evaluate(WRITTEN, [given_to_page(model), images(model, 1).ravel().tolist()]), set()
    for rows_of_numbers, step in zip(seen, steps(model)[1], strict=True):
        for number in rows_of_numbers:
            *parts, total = number["rows"]
            if step["kind"] in ("conv2d", "dense"):
                for terms in (parts, number["all"] or parts):
                    assert sum(row["value"] for row in terms) == pytest.approx(total["value"], abs=1e-5)
            for row in number["rows"] + number["all"]:
                text = row["text"]
                if text and "…" not in text:
                    assert value_of(text) == pytest.approx(row["value"], rel=2e-3, abs=2e-3), (step["kind"], text)
                    shown.add(step["kind"])
    assert len(shown) >= 3


# The drawing.


def strokes(digit):
    return [[[x / 100, y / 100] for x, y in stroke] for stroke in STROKES[digit]]


def prepared(tab, drawings, fit="fill", side=8):
    code = "([drawings, size, fit]) => drawings.map((strokes) => [...prepared(strokes, size, fit)])"
    x = tab.evaluate(code, [drawings, {"height": side, "width": side}, fit])
    return np.array(x, np.float32).reshape(-1, side, side, 1)


def test_a_drawing_becomes_what_load_digit_makes_of_its_picture(tab, tmp_path):
    import_extra("PIL", "images")
    ours = prepared(tab, [strokes(digit) for digit in range(10)])
    for digit in range(10):
        drawn(digit).save(tmp_path / "digit.png")
        theirs = nnlite.images.load_digit(tmp_path / "digit.png")
        assert np.abs(ours[digit] - theirs).mean() < 0.06, digit  # pixels at the edge of a stroke differ a little


def test_drawings_are_read(tab, trained_digits):
    """Ten digits by a steady hand, and each twenty times small and large, slanted, stretched and shaken."""
    assert trained_digits.predict(prepared(tab, [strokes(d) for d in range(10)])).argmax(-1).tolist() == list(range(10))
    rng, drawings = np.random.default_rng(0), []
    for digit in range(10):
        for _ in range(20):
            angle, slant, wide, high = (
                rng.normal(0, 0.12),
                rng.normal(0, 0.1),
                rng.uniform(0.6, 1.1),
                rng.uniform(0.6, 1),
            )
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            move = rng.uniform(0.4, 1) * turn @ [[wide, slant], [0, high]]
            drawings.append(
                [
                    [(move @ (np.array(p) - 0.5) + 0.5 + rng.normal(0, 0.006, 2)).tolist() for p in s]
                    for s in strokes(digit)
                ]
            )
    read = trained_digits.predict(prepared(tab, drawings)).argmax(axis=-1)
    assert np.mean(read == np.repeat(range(10), 20)) >= 0.9


def test_the_examples_are_read(tab, trained_digits):
    examples = tab.evaluate("[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(exampleStrokes)")
    assert trained_digits.predict(prepared(tab, examples)).argmax(axis=-1).tolist() == list(range(10))


def test_where_and_how_large_it_is_drawn_does_not_matter(tab):
    small = [[[0.1 + 0.3 * x, 0.6 + 0.3 * y] for x, y in stroke] for stroke in strokes(5)]
    np.testing.assert_allclose(*prepared(tab, [small, strokes(5)]), atol=0.02)
    as_drawn = prepared(tab, [small], "drawn")[0, :, :, 0]
    assert as_drawn[:4].sum() == as_drawn[:, 4:].sum() == 0 < as_drawn.sum()


def test_in_a_margin_the_ink_has_its_mean_in_the_middle(tab):
    for image in prepared(tab, [strokes(digit) for digit in range(10)], "margin", 28)[..., 0]:
        rows, columns = np.indices(image.shape) + 0.5
        assert [(image * rows).sum() / image.sum(), (image * columns).sum() / image.sum()] == pytest.approx(
            [14, 14], abs=0.2
        )
        high = np.flatnonzero(image.any(axis=1))
        assert np.ptp(high) + 1 <= 21


def test_little_ink_stays_little(tab):
    nothing, dot = prepared(tab, [[], [[[0.5, 0.5]]]])
    assert nothing.sum() == 0
    assert 0 < dot.sum() < 4
    dash = prepared(tab, [[[[0.2, 0.5], [0.8, 0.5]]]])[0, :, :, 0]
    assert dash[:3].sum() == dash[5:].sum() == 0


def test_a_shift_by_whole_pixels(tab):
    image = np.arange(1.0, 21).reshape(4, 5)
    code = "([x, right, down]) => [...moved(Float32Array.from(x), { height: 4, width: 5 }, right, down)]"
    for right, down in [(0, 0), (1, 0), (-2, 1), (0, -3)]:
        expected = np.pad(image, 3)[3 - down : 7 - down, 3 - right : 8 - right]
        assert tab.evaluate(code, [image.ravel().tolist(), right, down]) == expected.ravel().tolist()
