"""Every page in a real browser without internet: no errors, equations drawn, both themes."""

import pytest

from tests.test_book import HTML, PAGES

pytestmark = pytest.mark.rendered


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
