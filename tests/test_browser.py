"""Every page in a real browser without internet: no errors, equations drawn, both themes."""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

from tests.test_book import HTML, PAGES

pytestmark = pytest.mark.rendered
NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
# No other host can be resolved, and the browser does not try to reach its maker's by itself.
FLAGS = [
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-sandbox",  # needed as root, as in containers; the pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def executable():
    """Return a Chromium's path: $CHROMIUM, or the first one installed."""
    for name in [os.environ.get("CHROMIUM", ""), *NAMES]:
        if path := shutil.which(name):
            return path
    missing = "no Chromium: install it (Debian: apt install chromium), or set CHROMIUM to its path"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="module")
def browser():
    path = executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(browser):
    """A tab whose errors and requests to other places are collected in `problems`."""
    tab = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    tab.problems = []
    tab.on("console", lambda m: tab.problems.append(m.text) if m.type == "error" else None)
    tab.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("file:", "data:", "blob:"))
            else tab.problems.append(request.url)
        ),
    )
    yield tab
    tab.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HTML)))
def test_a_page_works_without_internet(tab, page):
    tab.goto(page.as_uri())
    equations = tab.locator(".math").count()
    if equations:
        tab.wait_for_function("document.querySelectorAll('mjx-container').length > 0")
        tab.evaluate("MathJax.startup.promise")
        assert tab.locator("mjx-container").count() >= equations
        assert tab.locator("mjx-merror").count() == 0
    assert tab.problems == []
    # On a telephone the page itself never scrolls sideways.
    tab.set_viewport_size({"width": 360, "height": 740})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_theme_switches(tab):
    tab.goto((HTML / "index.html").as_uri())
    background = "getComputedStyle(document.body).backgroundColor"
    seen = {}
    for _ in range(3):  # auto, light, dark, in the button's order
        tab.locator(".theme-switch-button:visible").first.click()
        seen[tab.evaluate("document.documentElement.dataset.mode")] = tab.evaluate(background)
    assert seen.keys() == {"auto", "light", "dark"}
    assert seen["light"] != seen["dark"]
    assert tab.problems == []
