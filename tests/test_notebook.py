"""What a notebook's cell ends on shows itself: as HTML that is whole and escaped, and as the text that is printed."""

import copy
import io
import pickle
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from extras import import_extra
from rich.console import Console
from test_report import Page

import nnlite
from nnlite import (
    LSTM,
    BatchNorm,
    Dense,
    History,
    LiveCurve,
    MaxPool2D,
    ReLU,
    Sequential,
    derive,
    gradcheck,
    inspect,
    notebook,
    text,
)
from nnlite.callbacks import bars, live_curve
from nnlite.models.summary import Summary
from nnlite.text import NextCharacter, NextCharacters, TemperatureSample, TemperatureSamples

NASTY = "<b>&\"'$x$"
X = np.random.default_rng(0).normal(size=(8, 3))


def model(name="layer", built=True):
    layers = [Dense(4, name=name), BatchNorm(), ReLU(), Dense(2, kernel_initializer="zeros")]
    return Sequential(layers, input_shape=(3,) if built else None, dtype="float64", seed=0, name=name)


def trained(epochs=3, **options):
    learner = model()
    learner.compile("sgd", "mse")
    return learner.fit(X, X[:, :2], epochs=epochs, verbose=0, **options)


def history_of_anything():
    history = trained(30, validation_data=(X, X[:, :2]))
    history.history |= {NASTY: [NASTY] * 30, "late": [1e-9, float("nan"), float("inf"), np.float32(2), 3]}
    return history


def traced():
    vocabulary = text.Vocabulary("ab")
    layers = [LSTM(3, return_sequences=True, input_dim=2, name=NASTY), Dense(2)]
    return inspect.trace(Sequential(layers, seed=0), "abba", "bbaa", vocabulary=vocabulary)


# Every result, with something nasty in it where a user can put it there.
RESULTS = {
    "model": lambda: model(NASTY),
    "model before it is built": lambda: model(NASTY, built=False),
    "summary": lambda: Summary(model(NASTY)),
    "layer": lambda: model().layers[0],
    "layer before it is built": lambda: Dense(3),
    "layer without parameters": lambda: MaxPool2D(),
    "explain": lambda: model(NASTY).explain(),
    "explain of a layer": lambda: Dense(3).explain((2,)),
    "derive": lambda: derive.forward(Dense(1, seed=0), X[:1].astype("float32")),
    "derive backward": lambda: derive.backward(ReLU(dtype="float64"), X[:1], X[:1]),
    "derive loss": lambda: derive.loss("mse", X[:1], X[1:2]),
    "gradcheck": lambda: gradcheck(model(NASTY), X),
    "trace": traced,
    "trace of a layer": lambda: traced()[NASTY],
    "gradient_flow": lambda: inspect.gradient_flow(LSTM(3, seed=0), 9),
    "history": trained,
    "history of anything": history_of_anything,
    "history of nothing": History,
    "statistics": lambda: text.text_statistics(f"{NASTY}\n  a line", f"{NASTY} line\n"),
    "statistics of nothing": lambda: text.text_statistics("\n", "\n"),
    "temperatures": lambda: TemperatureSamples([TemperatureSample(0.5, f"{NASTY}\n  verse", 0.1)] * 2),
    "no temperatures": TemperatureSamples,
    "next characters": lambda: NextCharacters([NextCharacter(c, (0.5, 0.25)) for c in NASTY], (1.5, 0.25)),
}
every_result = pytest.mark.parametrize("make", RESULTS.values(), ids=RESULTS)


@every_result
def test_the_html_is_whole_and_fetches_nothing(make):
    page = Page(make()._repr_html_())
    assert page.fetched == []
    assert len(page.ids) == len(set(page.ids))
    assert not {"b", "script", "img"} & set(page.tags)


@every_result
def test_a_console_shows_what_print_shows(make, capsys):
    result = make()
    print(result)
    assert capsys.readouterr().out == f"{result!r}\n"
    assert "object at 0x" not in repr(result)


@pytest.mark.parametrize("name", [name for name in RESULTS if "nothing" not in name and "layer" not in name])
def test_the_html_says_what_the_text_says(name):
    result = RESULTS[name]()
    if name.startswith("model"):
        result = Summary(result)
    words = set(" ".join(Page(result._repr_html_()).words[1:]).split())  # without the style
    missing = [word for word in str(result).split() if word not in words and any(map(str.isalnum, word))]
    if name.startswith("temperatures"):  # the two words go elsewhere in a table
        missing = [word for word in missing if word.strip(",") not in words]
    assert missing == []


@every_result
def test_results_can_be_copied(make):
    result = make()
    if isinstance(result, Summary):
        return
    assert repr(copy.deepcopy(result)) == repr(result)
    if not isinstance(result, History):
        assert repr(pickle.loads(pickle.dumps(result))) == repr(result)


def test_names_are_shown_as_they_are():
    for make in (lambda: model(NASTY), lambda: model(NASTY).explain(), traced, lambda: gradcheck(model(NASTY), X)):
        assert NASTY in "".join(Page(make()._repr_html_()).words)
    assert "[red]" in str(Summary(model("[red]")))  # which is no markup


def test_a_page_shows_two_pictures_with_different_ids():
    first, second = (inspect.gradient_flow(LSTM(3, seed=seed), 9)._repr_html_() for seed in (0, 1))
    assert not {*Page(first).ids} & {*Page(second).ids}


def test_pictures_take_the_colours_of_the_page():
    html = trained()._repr_html_()
    assert "currentColor" in html
    assert "#000000" not in html
    assert "#ffffff" not in html


def test_a_history_keeps_its_numbers_folded_away():
    html = trained()._repr_html_()
    assert "<summary>numbers</summary>" in html
    assert "<details open" not in html


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0123456, "0.0123"), (0.01, "0.0100"), (0.00987654, "0.009877"), (9999.9, "9999.9000"), (10000.1, "1e+04")],
)
def test_a_history_shows_four_decimals_where_they_say_something(value, text):
    history = History()
    history.epoch, history.history = [0], {"loss": [value]}
    assert f">{text}<" in history._repr_html_()


def test_a_history_draws_its_metrics():
    history = trained()
    history.history |= {
        "accuracy": [0.1, 0.2, 0.3],
        "val_accuracy": [0.1] * 3,
        "perplexity": [1] * 3,
        "note": ["a"] * 3,
    }
    page = Page(history._repr_html_())
    assert page.tags.count("svg") == 2
    assert "accuracy while training" in page.words
    assert "val_accuracy" in page.words


def test_a_long_history_shows_its_ends():
    lines = str(trained(200)).splitlines()
    assert len(lines) == 22
    assert lines[10].split()[0] == "10"
    assert lines[11].split()[0] == "..."
    assert lines[-1].split()[0] == "200"


def test_explain_is_a_str():
    explained = Dense(3).explain((2,))
    assert isinstance(explained, str)
    assert explained == str(explained) == f"{explained}"


def test_tables():
    table = notebook.Table([("a", "10"), ("bcd", "2")], ("", "n"), ("all", "12"), "lr", "T", ["note"], indent=" ")
    assert str(table) == "T\n       n\n a    10\n bcd   2\n all  12\nnote"


def test_summary_prints_what_a_summary_shows(capsys):
    learner = model("[blue]<i>")
    assert learner.summary() is None
    assert capsys.readouterr().out == f"{Summary(learner)}\n"


# Without a notebook.


def test_there_is_no_notebook_here():
    assert not notebook.in_notebook()


def test_ipython_in_a_terminal_is_no_notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace()))
    assert not notebook.in_notebook()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert not notebook.in_notebook()


def test_live_curve_says_that_there_is_no_notebook(capsys):
    trained(callbacks=[LiveCurve()])
    said = "LiveCurve draws in notebooks only: after the training there is nnlite.plot.loss_curves(history)\n"
    assert capsys.readouterr().out == said


def test_live_curve_checks_its_argument():
    with pytest.raises(ValueError, match="seconds: expected a number in"):
        LiveCurve(-1)


# In one. `Place.show` is listened to, since of what was shown in a place only the last remains.

CELLS = {
    "start": """
        import sys, numpy as np, nnlite
        from nnlite import Dense, LiveCurve, Sequential
        from nnlite.callbacks import progress_bar
        from nnlite.notebook import Place

        progress_bar.INTERVAL = 0
        shown, show = [], Place.show
        Place.show = lambda place, result: (shown.append(result), show(place, result))[-1]
        x = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
        model = Sequential([Dense(2, name="<b>")], seed=0)
        model.compile("sgd", "mse")
    """,
    "bar": "model.fit(x, x[:, :2], epochs=3, batch_size=10)",
    "bars": "assert len(shown) == 12; print(shown[5]); print(shown[5]._repr_html_())",
    "model": "model",
    "summary": "model.summary()",
    "lines": "model.fit(x, x[:, :2], epochs=1, verbose=2);",
    "curve": """
        shown.clear()
        model.fit(x, x[:, :2], epochs=800, batch_size=10, verbose=0, validation_data=(x, x[:, :2]),
                  callbacks=[LiveCurve(seconds=0)]);
    """,
    "curves": "assert len(shown) > 2, len(shown)  # it was drawn again and again",
    "stopped": """
        class Stop(nnlite.Callback):
            def on_epoch_end(self, epoch, logs):
                raise KeyboardInterrupt
        model.compile("sgd", "mse")
        try:
            model.fit(x, x[:, :2], epochs=3, verbose=0, callbacks=[LiveCurve(), Stop()])
        except KeyboardInterrupt:
            print("stopped")
    """,
    "diverging": """
        from nnlite.optimizers import SGD
        model.compile(SGD(1e20), "mse")
        try:
            model.fit(x, x[:, :2], epochs=3, callbacks=[LiveCurve()])
        except nnlite.NonFiniteLossError as error:
            print("stopped")
    """,
    "modules": "assert 'ipywidgets' not in sys.modules",
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """The outputs of each cell, from a kernel of its own."""
    nbformat, nbclient = import_extra("nbformat", "docs"), import_extra("nbclient", "docs")
    folder = tmp_path_factory.mktemp("notebook")
    cells = [nbformat.v4.new_code_cell(textwrap.dedent(source)) for source in CELLS.values()]
    book = nbformat.v4.new_notebook(cells=cells)
    patch = pytest.MonkeyPatch()
    with patch.context() as environment:
        environment.setenv("IPYTHONDIR", str(folder))
        environment.setenv("PYTHONPATH", str(Path(nnlite.__file__).parents[1]))
        nbclient.NotebookClient(book, timeout=60, resources={"metadata": {"path": str(folder)}}).execute()
    return {name: cell.outputs for name, cell in zip(CELLS, book.cells, strict=True)}


def printed(outputs):
    return "".join(output.text for output in outputs if output.output_type == "stream")


def shown_in(outputs):
    return [output.data for output in outputs if output.output_type != "stream"]


def test_fit_draws_a_bar_and_takes_it_away(outputs):
    lines = printed(outputs["bar"]).splitlines()
    assert [line.split()[1] for line in lines] == ["1/3", "2/3", "3/3"]
    bar, history = shown_in(outputs["bar"])
    assert bar == {"text/plain": "", "text/html": ""}
    assert history["text/plain"].split()[:2] == ["epoch", "loss"]
    assert "<svg" in history["text/html"]


def test_the_bar_shows_how_far_it_is(outputs):
    text, html = printed(outputs["bars"]).split("<div", 1)
    assert text.split()[:3] == ["epoch", "2/3", "━" * 20]
    assert "2/4" in text
    assert "left" in text
    assert "loss" in text
    assert "━" * 20 + "</span>" in html
    Page(f"<div{html}")


def test_a_model_shows_its_summary(outputs):
    (ended_on,), (summary,) = shown_in(outputs["model"]), shown_in(outputs["summary"])
    assert ended_on["text/plain"] == "Sequential([Dense(units=2)])"
    assert ended_on["text/html"] == summary["text/html"]
    assert "&lt;b&gt;" in summary["text/html"]
    assert summary["text/plain"] == str(Summary(Sequential([Dense(2, name="<b>")], input_shape=(3,))))


def test_lines_need_no_bar(outputs):
    assert shown_in(outputs["lines"]) == []
    assert printed(outputs["lines"]).startswith("epoch 1/1  loss")


def test_the_live_curve_stays(outputs):
    (curve,) = shown_in(outputs["curve"])
    assert "<svg" in curve["text/html"]
    assert "validation</text>" in curve["text/html"]
    assert curve["text/plain"].startswith("Loss while training, epoch 800 of 800: ")
    assert curve["text/plain"].endswith("after 3,200 batches")


def test_the_live_curve_is_drawn_when_the_cell_is_stopped(outputs):
    (curve,) = shown_in(outputs["stopped"])
    assert curve["text/plain"].endswith("after 2 batches")


def test_an_error_takes_the_bar_away(outputs):
    assert printed(outputs["diverging"]).endswith("stopped\n")
    assert all(not data["text/html"] or "<svg" in data["text/html"] for data in shown_in(outputs["diverging"]))


class Place:
    """A place in a cell's output that remembers what it has shown."""

    def __init__(self):
        self.shown, self.is_cleared = [], False

    def show(self, shown):
        self.shown.append(shown)

    def clear(self):
        self.is_cleared = True


def test_which_bar_there_is(monkeypatch):
    console = Console(file=io.StringIO(), force_terminal=True)
    for is_notebook, look, given, kind in (
        (True, "auto", None, bars.NotebookBar),
        (True, "bar", None, bars.NotebookBar),
        (True, "lines", None, type(None)),
        (True, "bar", console, bars.TerminalBar),
        (False, "lines", console, type(None)),
        (False, "auto", console, bars.TerminalBar),
        (False, "auto", Console(file=io.StringIO()), type(None)),
    ):
        monkeypatch.setattr(bars, "in_notebook", lambda is_notebook=is_notebook: is_notebook)
        bar = bars.bar_for(look, given)
        assert type(bar) is kind, (is_notebook, look, given)
        if kind is bars.TerminalBar:
            bar.stop()


def test_the_bar_of_a_notebook(monkeypatch):
    monkeypatch.setattr(bars, "Place", Place)
    bar = bars.NotebookBar()
    bar.draw("epoch 1/3", 3, 12, "7 samples/s", "loss <b>")
    (shown,) = bar._place.shown
    quarter = bars.WIDTH // 4
    assert str(shown) == f"epoch 1/3  {'━' * quarter}{' ' * (bars.WIDTH - quarter)}  3/12  7 samples/s\nloss <b>"
    html = shown.html()
    assert f'<span class="done">{"━" * quarter}</span><span class="left">{"━" * (bars.WIDTH - quarter)}</span>' in html
    assert "loss &lt;b&gt;" in html
    bar.stop()
    assert bar._place.is_cleared


def test_a_live_curve_draws_as_often_as_it_is_told(monkeypatch):
    """A clock that runs a second a batch; a picture takes none of its time, and in the second part ten."""
    now, drawing = [0.0], [0.0]
    monkeypatch.setattr(live_curve, "in_notebook", lambda: True)
    monkeypatch.setattr(live_curve, "Place", Place)
    monkeypatch.setattr(live_curve.time, "perf_counter", lambda: now[0])

    def svg(draw, columns, title):
        now[0] += drawing[0]
        drawn.append((batches[0], columns))
        return "<svg></svg>"

    monkeypatch.setattr(live_curve, "plots", lambda: SimpleNamespace(svg=svg, learning_curves=None))
    curve, drawn, batches = LiveCurve(seconds=3), [], [0]
    curve.loop = SimpleNamespace(latest={"loss": 1.0}, epoch=0, epochs=2)
    curve.on_train_begin({})

    def train(n):
        for _ in range(n):
            now[0] += 1
            batches[0] += 1
            curve.loop.latest = {"loss": float(batches[0] % 2)}
            curve.on_train_batch_end(0, {})

    train(12)
    assert [batch for batch, _ in drawn] == [4, 8, 12]
    drawing[0] = 10.0  # a tenth of the time: the next one comes after a hundred more
    train(4)
    drawn.clear()
    train(101)
    assert [batch for batch, _ in drawn] == [117]
    curve.on_epoch_end(0, {"val_loss": 0.5})
    curve.close()
    _, columns = drawn[-1]
    assert columns["validation"] == ((117,), (0.5,))
    iterations, losses = columns["training"]
    assert iterations == tuple(range(1, 118))
    assert losses[:3] == (1.0, 0.5, pytest.approx(2 / 3))
    assert losses[-1] == pytest.approx(losses[-2] + (1 - losses[-2]) / 50)


def test_a_live_curve_halves_its_points(monkeypatch):
    monkeypatch.setattr(live_curve, "in_notebook", lambda: True)
    monkeypatch.setattr(live_curve, "Place", Place)
    curve = LiveCurve(seconds=1e6)
    curve.loop = SimpleNamespace(latest={"loss": 1.0}, epoch=0, epochs=1)
    curve.on_train_begin({})
    for _ in range(live_curve.POINTS + 2):
        curve.on_train_batch_end(0, {})
    iterations = [iteration for iteration, _ in curve._losses]
    assert iterations == list(range(2, live_curve.POINTS + 3, 2))
