"""The page of digits, as it is used: with a mouse, a finger and the keyboard alone, on a phone and in the dark."""

import re

import browser
import numpy as np
import pytest
from drawn_digits import STROKES
from extras import import_extra

import nnlite
from nnlite import layers as L
from nnlite.play import digits_page

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "device_scale_factor": 2}


@pytest.fixture(scope="module")
def html(trained_digits):
    return digits_page(trained_digits, title="A model", about="Of a test.")


@pytest.fixture
def page(html, chromium, tmp_path):
    opened = browser.opened(chromium, html, tmp_path)
    yield opened
    assert opened.complaints == []
    opened.context.close()


def until(page, code):
    """Wait until code is true: Playwright's own waiting would need what the page's policy forbids."""
    for _ in range(100):
        if page.evaluate(code):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"not within 5 s: {code}")


def answer(page):
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.inner_text("#answer")


def points(page, digit):
    """The strokes of a digit on the pad, in pixels of the screen."""
    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad canvas").bounding_box()
    return [
        [(box["x"] + x / 100 * box["width"], box["y"] + y / 100 * box["height"]) for x, y in s] for s in STROKES[digit]
    ]


def test_one_small_file_that_loads_nothing(html):
    assert len(html.encode()) < 1.5e6
    policy = re.search(r'http-equiv="Content-Security-Policy" content="(.*?)"', html)[1]
    assert re.fullmatch(r"default-src 'none'; script-src 'sha256-\S+'; style-src 'sha256-\S+'; .*", policy)


def test_ten_digits_by_the_mouse(page):
    for digit in range(10):
        page.click("#clear")
        assert answer(page) == "Nothing is drawn yet."
        for start, *rest in points(page, digit):
            page.mouse.move(*start)
            page.mouse.down()
            for point in [*rest[::3], rest[-1]]:
                page.mouse.move(*point)
            page.mouse.up()
        assert answer(page).startswith(f"It reads {digit}, at "), digit


def test_a_stroke_of_ones_own_replaces_the_example(page):
    page.get_by_role("button", name="Draw 8").click()
    assert answer(page).startswith("It reads 8")
    (start, *_), *_ = points(page, 1)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0], start[1] + 200, steps=5)
    page.mouse.up()
    assert answer(page).startswith("It reads 1")


def test_by_a_finger(html, chromium, tmp_path):
    page = browser.opened(chromium, html, tmp_path, **PHONE)
    strokes = points(page, 3)
    touch = page.context.new_cdp_session(page)
    before = page.evaluate("scrollY")
    for stroke in strokes:
        for n, (x, y) in enumerate(stroke):
            kind = "touchMove" if n else "touchStart"
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert answer(page).startswith("It reads 3, at ")
    assert page.evaluate("[pad.strokes.length, scrollY]") == [2, before]  # the page stays where it is
    assert page.complaints == []
    page.context.close()


def keys(page, text):
    for key in text.split():
        page.keyboard.press(key)


def test_drawing_by_keyboard(page):
    page.focus("#pad")
    keys(page, "Delete ArrowUp ArrowUp ArrowUp ArrowUp ArrowUp Space " + 10 * "ArrowDown " + "Space")
    assert answer(page).startswith("It reads 1")
    keys(page, "ArrowRight Space ArrowRight ArrowRight Space")
    assert page.evaluate("pad.strokes.length") == 2
    keys(page, "Backspace")
    assert page.evaluate("pad.strokes.length") == 1
    keys(page, "Backspace")
    assert answer(page) == "Nothing is drawn yet."


FOCUSED = """(() => {
  const at = document.activeElement;
  return [at !== document.body && (at.id || at.textContent), getComputedStyle(at).outlineStyle];
})()"""


def test_every_control_is_reached_by_tab(page):
    every = "[...document.querySelectorAll('button, select, input, summary, #pad')]"
    controls = page.evaluate(f"{every}.filter((e) => e.checkVisibility()).map((e) => e.id || e.textContent)")
    assert len(controls) > 30
    reached = []
    while not reached or reached[-1]:  # after the last it is the body's turn
        page.keyboard.press("Tab")
        name, outline = page.evaluate(FOCUSED)
        reached.append(name)
        assert not name or outline != "none"
    assert set(controls) <= set(reached)


def test_the_controls_by_keyboard(page):
    page.focus("#w-layer")
    page.keyboard.press("ArrowDown")
    assert page.input_value("#w-layer") == "1"
    page.focus("#w-pixel")
    page.keyboard.press("Home")
    keys(page, "ArrowRight ArrowRight")
    assert page.inner_text("#w-place") == "row 0, column 2"
    for button, place in {"next": "column 3", "back": "column 2", "first": "column 0", "back ": "column 0"}.items():
        page.focus(f"#w-{button.strip()}")
        page.keyboard.press("Enter")
        assert page.inner_text("#w-place") == f"row 0, {place}"
    until(page, "byId('status').textContent.startsWith('row 0, column 0: ')")  # said, when it stays
    page.get_by_role("button", name="conv2d_1").focus()
    page.keyboard.press("Enter")
    assert page.input_value("#w-layer") == "2"
    page.focus("#w-map")
    page.keyboard.press("End")
    assert page.input_value("#w-map") == "31"
    page.focus("#w-channel")
    page.keyboard.press("Home")
    assert "channel 0" in page.inner_text("#w-rows")
    page.focus("summary")
    page.keyboard.press("Enter")
    until(page, "byId('w-all').children.length === 17")  # a bias, and 16 channels
    page.get_by_role("button", name="Down").focus()
    keys(page, "Enter Enter")
    assert page.evaluate("state.shift") == [1, 2]


def test_it_steps_to_the_end_by_itself(page):
    page.select_option("#w-layer", label="max_pool2d_1")
    page.click("#w-first")
    page.click("#w-play")
    assert page.inner_text("#w-play") == "Pause"
    until(page, "byId('w-place').textContent === 'row 1, column 1' && byId('w-play').textContent === 'Play'")
    page.click("#w-play")  # from the beginning
    assert page.inner_text("#w-place") == "row 0, column 0"
    page.click("#w-play")
    assert page.inner_text("#w-play") == "Play"


def test_a_click_on_a_map_or_a_number_chooses_it(page):
    maps = page.locator(".layer canvas").nth(3)  # the drawing, conv2d, relu, conv2d_1
    maps.click(position={"x": 40, "y": 80})
    assert (page.input_value("#w-layer"), page.input_value("#w-map")) == ("2", "7")
    assert page.locator(".layer-name[aria-pressed=true]").inner_text() == "conv2d_1"
    page.locator("#w-out").click(position={"x": 75, "y": 40})
    assert page.inner_text("#w-place") == "row 1, column 2"


def grid(page, label):
    """The numbers of a picture, as it is described."""
    text = page.locator(f'canvas[aria-label^="{label}:"]').get_attribute("aria-label").split(": ")[1]
    return [float(number.replace("−", "-")) for number in text.split()]


def test_the_four_corners_are_the_homeworks(page):
    images = np.zeros((4, 4, 4, 1), "float32")
    images[0, :3, :3] = images[1, :3, 1:] = images[2, 1:, 1:] = images[3, 1:, :3] = 1
    for n, corner in enumerate(["top left", "top right", "bottom right", "bottom left"]):
        for name, y in {"image": images, "average": L.AvgPool2D(2)(images), "maximum": L.MaxPool2D(2)(images)}.items():
            assert grid(page, f"{name}, block at the {corner}") == y[n].ravel().tolist()


def test_a_moved_drawing_under_both_pools(page, trained_digits):
    page.click("text=Back to the middle")
    page.get_by_role("button", name="Left").click()
    page.get_by_role("button", name="Down").click()
    x = np.array(page.evaluate("[...state.image]"), np.float32).reshape(1, 8, 8, 1)
    moved = np.zeros_like(x)
    moved[:, 1:, :-1] = x[:, :-1, 1:]
    words = page.inner_text("#moved-words")
    for name, noun, pool in (("average", "Averages", L.AvgPool2D(2)), ("maximum", "Maxima", L.MaxPool2D(2))):
        before, after = pool(x), pool(moved)
        assert grid(page, f"{name}, as drawn") == pytest.approx(before.ravel(), abs=0.006)
        assert grid(page, f"{name}, moved") == pytest.approx(after.ravel(), abs=0.006)
        assert grid(page, f"{name}, difference") == pytest.approx((after - before).ravel(), abs=0.006)
        assert f"{noun}: {int((before != after).sum())} of 16 change" in words
    p = nnlite.Softmax()(trained_digits.predict(moved))[0]
    assert words.endswith(f"moved, {p.argmax()} at {100 * p.max():.1f} %.")


def test_names_are_texts(chromium, tmp_path):
    evil = "</script><img src=x onerror=document.title='run'>"
    layers = [L.Conv2D(2, 3, name=evil.replace("/", "")), L.Flatten(), L.Dense(3)]
    model = nnlite.Sequential(layers, input_shape=(8, 8, 1), seed=0)
    page = browser.opened(chromium, digits_page(model, [evil, "b", "c"], title=evil, kicker=evil, about=evil), tmp_path)
    page.get_by_role("button", name="Draw 7").click()
    assert page.evaluate("document.images.length") == 0
    assert page.inner_text("h1") == page.inner_text("#about") == page.inner_text("#classes th") == evil
    assert page.complaints == []
    page.context.close()


@pytest.mark.parametrize(
    "options", [{"color_scheme": "light"}, {"color_scheme": "dark", **PHONE}], ids=["desktop", "phone"]
)
def test_nothing_serious_for_a_screen_reader(options, html, chromium, tmp_path):
    axe = import_extra("axe_playwright_python.sync_playwright", "browser").Axe()
    page = browser.opened(chromium, html, tmp_path, **options)
    found = axe.run(page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.complaints == []
    page.context.close()
