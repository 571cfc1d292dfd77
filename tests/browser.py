"""A headless Chromium for the tests of pages, without a network."""

import contextlib
import resource
import shutil

import pytest
from extras import import_extra

NAMES = "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"


@contextlib.contextmanager
def chromium():
    """A browser of Playwright's, or the test is skipped: none is downloaded."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"there is no {NAMES[0]} on this machine: apt install chromium")
    playwright = import_extra("playwright.sync_api", "browser")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))  # it sets aside terabytes of addresses: see tests/mutants
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        try:
            yield browser
        finally:
            browser.close()


def opened(browser, html, folder, **options):
    """A new tab that shows a page, saved as a file.

    Args:
        html: the text of the page.
        folder: where it is saved.
        options: of the tab, such as color_scheme and viewport.
    """
    return load(new_tab(browser, **options), html, folder)


def new_tab(browser, **options):
    """A tab without a network. Chromium opens a window for it, which takes a second: rather load into an old one."""
    page = browser.new_context(offline=True, **options).new_page()
    page.address, page.complaints = "", []
    page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("request", lambda request: page.complaints.append(request.url) if request.url != page.address else None)
    return page


def load(page, html, folder):
    """Show a page in a tab. What it complains of, and all that it asks for, is in page.complaints."""
    path = folder / "page.html"
    path.write_text(html, encoding="utf-8")
    page.address, page.complaints[:] = path.as_uri(), []
    page.goto(page.address)
    return page
