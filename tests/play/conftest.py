"""One browser for all tests of pages."""

import browser
import pytest


@pytest.fixture(scope="session")
def chromium():
    with browser.chromium() as started:
        yield started
