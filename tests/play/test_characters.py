"""The page of a character model in a browser: what a reader can do there, with a mouse, a finger and the keyboard."""

import browser
import numpy as np
import pytest
from extras import import_extra

import nnlite
from nnlite.play import characters_page
from nnlite.text import Vocabulary, generate, pretrained, pretrained_model

LINE = "shall i compare thee to a summer's day?\n"
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
STATE = "() => characters.length && state.ids.map((id) => characters[id]).join('')"


def small(layer, V=38, seed=0):
    """An untrained model with the sonnets' vocabulary, or the beginning of it."""
    model = nnlite.Sequential([*layer, nnlite.Dense(V)], input_shape=(None,), seed=seed)
    model.vocabulary = Vocabulary(pretrained_model().vocabulary.characters[:V])
    return model


@pytest.fixture(scope="module")
def sonnets():
    """The page of the model in the box."""
    return characters_page(pretrained_model(), title="Sonnets", text=LINE, film=pretrained.film(), about="Made here.")


@pytest.fixture(scope="module")
def text():
    """The page of a model that is drawn sooner."""
    layers = [nnlite.LSTM(40, return_sequences=True, input_dim=38)]
    return characters_page(small(layers), text=LINE, film=pretrained.film())


@pytest.fixture(scope="module")
def tab(chromium):
    return browser.new_tab(chromium)


@pytest.fixture
def show(tab, tmp_path):
    """A function that opens a page; at the end of the test it has not complained, nor asked for anything."""

    def show_page(text, viewport=DESKTOP, color_scheme="light", reduced_motion="reduce"):
        tab.set_viewport_size(viewport)
        tab.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion)
        browser.load(tab, text, tmp_path)
        settled(tab)
        return tab

    yield show_page
    assert tab.complaints == []


def settled(page):
    """Wait until everything is drawn."""
    page.wait_for_selector("#main[aria-busy=false]")


def value(page, name):
    return page.locator(f"#{name}-value").inner_text()


def bars(page):
    return page.evaluate("() => [...document.querySelectorAll('.bar i')].map((bar) => parseFloat(bar.style.height))")


def test_it_writes_what_python_writes(show, sonnets):
    page = show(sonnets)
    page.click("#write-1")
    page.click("#write-200")
    model = pretrained_model()
    assert page.evaluate(STATE) == LINE + generate(model, model.vocabulary, LINE, 201, temperature=0.75, rng=0)
    page.fill("#seed", "5")
    page.evaluate("() => goTo(state.typed)")
    page.locator("#temperature").fill("1.2")
    page.locator("#top-k").fill("9")
    page.click("#write-200")
    expected = generate(model, model.vocabulary, LINE, 200, temperature=1.2, rng=5, top_k=9)
    assert page.evaluate(STATE) == LINE + expected
    settled(page)
    assert page.locator("#paper").inner_text().replace("↵\n", "\n") == LINE + expected


def test_with_motion_it_writes_the_same_a_character_at_a_frame(show, sonnets):
    page = show(sonnets, reduced_motion="no-preference")
    page.click("#write-200")
    page.wait_for_function("() => state.ids.length > 45")
    assert page.locator("#write-200").inner_text() == "Stop"
    page.click("#write-200")
    written = page.evaluate(STATE)[len(LINE) :]
    model = pretrained_model()
    assert generate(model, model.vocabulary, LINE, 300, temperature=0.75, rng=0).startswith(written)
    assert len(written) < 200


def test_each_character_that_is_typed_moves_everything(show, text):
    page = show(text)

    def seen():
        settled(page)
        strip = "() => [...document.querySelectorAll('.strip output')].map((one) => one.textContent).join()"
        cells = "() => [...document.querySelectorAll('.grid div')].map((one) => one.style.backgroundColor).join()"
        return page.evaluate(strip), page.evaluate(cells), bars(page), page.locator("#map").inner_html()

    before = seen()
    page.locator("#typed").press_sequentially("t")
    after = seen()
    assert all(a != b for a, b in zip(before, after, strict=True))
    page.click("#back")
    assert seen()[:3] == before[:3]  # where it was


def test_characters_that_it_does_not_know_are_left_out_and_named(show, text):
    page = show(text)
    page.fill("#typed", "Thé ☃ old")
    settled(page)
    assert page.evaluate(STATE) == "th  old"
    assert page.locator("#unknown").inner_text() == "Left out, as the model does not know it: “é”, “☃”"
    page.fill("#typed", "")
    settled(page)
    assert page.evaluate(STATE) == "\n"
    assert page.locator("#loss-is").inner_text().startswith("The first character has no loss")


def test_sliders_reshape_the_bars_and_the_entropy(show, text):
    page = show(text)
    logits = np.array(page.evaluate("() => [...logitsOf(network, steps(state.at - 1))]"))
    for name, shown, settings in [
        ("temperature", "0.3", {"temperature": 0.3}),
        ("top-k", "3", {"temperature": 0.3, "top_k": 3}),
        ("temperature", "2", {"temperature": 2.0, "top_k": 3}),
        ("top-p", "0.5", {"temperature": 2.0, "top_k": 3, "top_p": 0.5}),
        ("temperature", "0", {"temperature": 0.0}),
    ]:
        page.locator(f"#{name}").fill(shown)
        settled(page)
        p = nnlite.sampling_probabilities(logits, **settings)
        top = max(p.max(), nnlite.sampling_probabilities(logits, 1.0).max())
        np.testing.assert_allclose(bars(page), 100 * p / top, atol=0.01)
        entropy = -(p[p > 0] * np.log(p[p > 0])).sum()
        assert page.locator("#entropy").inner_text() == f"{entropy:.2f} nats".replace("-0.00", "0.00")
    assert value(page, "temperature") == "0: always the most likely"


def test_a_held_cell_takes_the_lines_from_the_poem(show, sonnets):
    """The cell that the page proposes follows the place in the line: held at its mean, no lines are left."""
    page = show(sonnets)
    assert page.locator("#poems").is_hidden()
    page.click("#hold-mean")
    settled(page)
    page.wait_for_selector("#poems:visible")
    free, held = (int(page.locator(f"#counts-{name} dd").first.inner_text()) for name in ("free", "held"))
    assert free >= 6 > 2 >= held
    assert "Held, on the whole page: " in page.locator("#held").inner_text()
    page.click("#release")
    settled(page)
    assert page.locator("#held").inner_text() == "Nothing is held."
    assert page.locator("#poems").is_hidden()


def test_cells_are_chosen_and_held_by_mouse_and_by_keyboard(show, text):
    page = show(text)
    page.click("#cell-3")
    settled(page)
    assert page.locator("#unit-head").inner_text() == "Cell 3, on your text"
    page.focus("#grid")
    columns = page.evaluate("() => getComputedStyle(byId('grid')).gridTemplateColumns.split(' ').length")
    for key, unit in [("ArrowRight", 4), ("ArrowDown", 4 + columns), ("ArrowLeft", 3 + columns), ("ArrowUp", 3),
                      ("End", 39), ("Home", 0)]:  # fmt: skip
        page.keyboard.press(key)
        settled(page)
        assert page.locator("#grid").get_attribute("aria-activedescendant") == f"cell-{unit}"
    page.keyboard.press("Enter")
    settled(page)
    assert page.evaluate("() => [...state.held[state.layer].keys()]") == [0]
    assert page.locator("#cell-0").get_attribute("aria-label").endswith(", held")
    held = page.evaluate("() => state.steps.map((now) => now[state.layer].c[0])")
    assert set(held) == {page.evaluate("() => Number(byId('hold-at').value)")}
    page.locator("#hold-at").fill("0.6")  # a cell can be set, too
    settled(page)
    assert page.evaluate("() => state.steps[5][state.layer].c[0]") == pytest.approx(0.6, abs=0.03)
    page.focus("#grid")
    page.keyboard.press(" ")
    settled(page)
    assert page.locator("#held").inner_text() == "Nothing is held."


def test_backward_shows_steps_and_writes_a_unit_out(show, text):
    page = show(text)
    assert page.locator("#map b").all_inner_texts()[:6] == ["δh", "δc", "δo", "δi", "δf", "δg"]
    assert page.locator("#written p").count() == 11
    assert page.locator("#written-head").inner_text().endswith("after “?”")
    page.locator("#map span", has_text="m").first.click()
    assert page.locator("#written-head").inner_text().endswith("after “m”")
    page.select_option("#loss-of", "all")
    page.select_option("#norm", "all")
    settled(page)
    assert page.locator("#loss-is").inner_text().startswith(f"All {len(LINE) - 1} characters: a loss of ")
    page.fill("#unit", "7")
    settled(page)
    assert page.locator("#written b").first.inner_text() == "dh_t[7]"


def test_gates_change_how_far_the_gradient_reaches(show, sonnets):
    page = show(sonnets)

    def factors():
        return [float(key.split("times ")[1].split()[0]) for key in page.locator("#flow-legend .key").all_inner_texts()]

    cell, own, rnn = factors()
    assert rnn < own < 1
    page.locator("#move-f").fill("8")
    page.locator("#move-i").fill("-8")
    page.locator("#move-o").fill("-8")
    assert factors()[0] == pytest.approx(1, abs=0.02)
    assert value(page, "move-f").endswith(": 1.00 on average")
    page.locator("#radius").fill("2")
    assert factors()[2] > rnn
    page.click("#gates-reset")
    settled(page)
    assert factors() == [cell, own, rnn]


def test_the_film_shows_each_line_that_was_kept(show, text):
    page, frames = show(text), pretrained.film()["frames"]
    assert page.locator("#frames tbody td").all_text_contents() == [line for _, line in frames]
    page.locator("#frame-at").fill("0")
    assert value(page, "frame-at") == "after 0 steps of training"
    assert page.locator("#frames .now td").text_content() == frames[0][1]


def test_without_a_film_there_is_none(show):
    page = show(characters_page(small([nnlite.LSTM(5, return_sequences=True, input_dim=38)])))
    assert page.locator("#film").is_hidden()
    assert page.locator("#film-link").is_hidden()


@pytest.mark.parametrize(
    "layers",
    [
        lambda: [nnlite.RNN(6, return_sequences=True, input_dim=38)],
        lambda: [nnlite.GRU(6, return_sequences=True, input_dim=38)],
        lambda: [nnlite.Embedding(38, 4), nnlite.LSTM(5, return_sequences=True), nnlite.GRU(4, reset_after=False)],
    ],
    ids=["RNN", "GRU", "stack"],
)
def test_every_kind_of_cell_has_its_page(show, layers):
    page = show(characters_page(small(layers()), text=LINE + LINE))
    for layer in page.locator("#layer option").all():
        page.evaluate("(layer) => choose(1, Number(layer))", layer.get_attribute("value"))
        settled(page)
        assert page.locator("#map i").count() >= 80
        assert page.locator("#written p").count() >= 2
        page.click("#hold")
        settled(page)
        assert "NaN" not in page.locator("main").inner_text()
        assert page.locator("#flow path").count() == 2 + (page.locator("#move-f").count() > 0)
    assert page.locator("#layer").is_visible() == (page.locator("#layer option").count() > 1)


def test_the_slope_is_that_of_the_rnns_activation(show):
    page = show(characters_page(small([nnlite.RNN(5, activation="relu", return_sequences=True, input_dim=38)])))
    assert "by the slope of relu. Where" in page.locator("#reach-lead").inner_text()


def test_a_large_vocabulary_has_bars_for_its_likeliest(show):
    vocabulary = Vocabulary("\n" + "".join(chr(0x4E00 + i) for i in range(199)))
    model = nnlite.Sequential(
        [nnlite.Embedding(200, 3), nnlite.GRU(4, return_sequences=True), nnlite.Dense(200)], input_shape=(None,), seed=0
    )
    model.params["dense.b"][150] = 3
    page = show(characters_page(model, vocabulary, text="丁丂七"))
    assert len(bars(page)) == 60
    assert max(bars(page)) == 100
    assert page.locator(".bar b").nth(int(np.argmax(bars(page)))).inner_text() == vocabulary.decode([150])
    assert value(page, "top-k") == "all"
    page.locator("#top-k").fill("2")
    settled(page)
    assert sum(height > 0 for height in bars(page)) == 2


def test_a_models_texts_stay_texts(show):
    """Characters, title, film and the rest come from a file that anyone may have written."""
    nasty = "<script>complaints</script><!--"
    vocabulary = Vocabulary("".join(sorted(set("</script><!-- &\"'"))) + "xyz😀")
    model = small([nnlite.LSTM(4, return_sequences=True, input_dim=len(vocabulary))], V=len(vocabulary))
    model.vocabulary = vocabulary
    film = {"frames": [[0, nasty]], "losses": [[1, 2.0]]}
    text = "<!--</script><script>😀&"
    page = show(characters_page(model, title=nasty, kicker=nasty, text=text, film=film, about=nasty))
    assert page.evaluate(STATE) == text
    for place in ("h1", ".kicker", "#about", "#frames tbody td"):
        assert page.locator(place).text_content() == nasty
    page.click("#write-200")
    assert page.locator("script").count() == 2


def test_the_page_may_load_and_run_nothing_else(show, text):
    page = show(text)
    tried = """async (script) => {
      const added = document.createElement("script");
      added.textContent = "window.hasRun = true";
      document.body.append(added);
      const loaded = await fetch("data:text/plain,x").then(() => true, () => false);
      return [Boolean(window.hasRun), loaded];
    }"""
    assert page.evaluate(tried) == [False, False]
    assert any("Content Security Policy" in complaint for complaint in page.complaints)
    page.complaints.clear()


NAME_CONTROLS = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, [tabindex='0']")]
  .filter((one) => one.checkVisibility() && !one.disabled)
  .map((one, n) => one.id || (one.id = `control-${n}`))"""


def test_every_control_is_reached_and_used_by_keyboard(show, text):
    page = show(text)
    page.click("#write-1")
    page.click("#hold")
    page.click("#back")
    settled(page)
    controls, reached = page.evaluate(NAME_CONTROLS), []
    for _ in range(len(controls) + 1):  # and once out of the page
        page.keyboard.press("Tab")
        reached.append(page.evaluate("() => document.activeElement.id"))
        ring = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
        assert ring != "none" or not reached[-1], f"{reached[-1]}: where is the focus?"
    assert set(controls) <= set(reached)
    for one in page.locator("input[type=range]:visible").all():
        before = one.input_value()
        one.focus()
        page.keyboard.press("Home" if before != one.get_attribute("min") else "End")
        assert one.input_value() != before, one.get_attribute("id")
        if one.get_attribute("id") == "at":  # without a loss there are no steps
            page.keyboard.press("End")
            settled(page)
    for button, effect in [
        ("write-1", "() => state.ids.length"),
        ("back", "() => state.at"),
        ("forward", "() => state.at"),
        ("hold", "() => byId('held').textContent"),
        ("hold-mean", "() => byId('held').textContent"),
        ("release", "() => byId('held').textContent"),
        ("write-200", "() => state.ids.length"),
        ("roll", "() => byId('roll').textContent"),
    ]:
        settled(page)
        before = page.evaluate(effect)
        page.focus(f"#{button}")
        page.keyboard.press("Enter")
        settled(page)
        assert page.evaluate(effect) != before, button


@pytest.mark.parametrize(
    ("viewport", "scheme"),
    [
        pytest.param(DESKTOP, "light", id="desktop, light"),
        pytest.param(PHONE, "dark", id="phone, dark"),
        pytest.param(DESKTOP, "dark", id="desktop, dark", marks=pytest.mark.long),
        pytest.param(PHONE, "light", id="phone, light", marks=pytest.mark.long),
    ],
)
def test_axe_finds_nothing_serious_and_nothing_sticks_out(show, viewport, scheme):
    layers = [nnlite.LSTM(10, return_sequences=True, input_dim=38), nnlite.LSTM(9, return_sequences=True)]
    page = show(characters_page(small(layers), text=LINE, film=pretrained.film()), viewport, color_scheme=scheme)
    page.evaluate("() => { for (let k = 0; k < 20; k++) write(1); goTo(50); }")
    page.click("#hold-mean")
    page.wait_for_selector("#poems:visible")
    settled(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") == viewport["width"]
    axe = import_extra("axe_playwright_python.sync_playwright", "browser").Axe()
    found = axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"], one["nodes"][0]["failureSummary"]) for one in serious] == []
