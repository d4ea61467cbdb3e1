"""Readers by ear, by keyboard, or with weak sight: axe's verdict, and the way of the Tab key."""

import pytest

from tests.test_book import HTML, PAGES
from tools import notebooks

pytestmark = pytest.mark.rendered
AXE = notebooks.ROOT / ".venv" / "npm" / "axe.min.js"
# index.html only leads on to intro.html.
READ = [page for page in PAGES if page.name != "index.html"]
# What a theme can change; the other rules are asked once.
COLOURS = ["color-contrast", "link-in-text-block"]
FAULTS = """async (rules) => {
    const options = {resultTypes: ["violations"], ...(rules && {runOnly: rules})};
    const {violations} = await axe.run(document, options);
    return violations
        .filter(({impact}) => ["serious", "critical"].includes(impact))
        .flatMap(({id, nodes}) => nodes.map((node) => `${id} ${node.target}: ${node.html}`));
}"""
# The keyboard can scroll every code block that is too wide, also in a fold just opened.
REACHED = """() => [...document.querySelectorAll("pre")].every(
    (block) => block.tabIndex === 0 || block.scrollWidth <= block.clientWidth
)"""
# What moves just after the folds were closed, shown so, and opened again.
MOVING = """() => {
    const folds = document.querySelectorAll("details");
    const open = (yes) => folds.forEach((fold) => { fold.open = yes; });
    open(false);
    document.body.getBoundingClientRect();
    open(true);
    return document.getAnimations().length;
}"""
CHAPTER = HTML / "chapters" / "02_first_training.html"
STYLES = "13_comparing_style_methods"
# What the Tab key must come to, by selector.
PLACES = [
    ".search-button-field",
    ".bd-docs-nav a",
    ".theme-switch-button",
    ".launch",
    ".copybtn",
    "details.option > summary",
    "details.admonition > summary",
    ".sd-dropdown > summary",
    ".toggle-button",
    ".next-page, .right-next",
]
# Where the keyboard is, or null beyond the last stop.
STOP = """(places) => {
    const here = document.activeElement;
    if (here === document.body) return null;
    const {outlineStyle, outlineWidth, boxShadow} = getComputedStyle(here);
    return {
        what: here.outerHTML.slice(0, 200),
        places: places.filter((place) => here.matches(place)),
        shown: (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none",
    };
}"""


def open_page(tab, page):
    """Open a page with all its folds, without transitions, and with axe."""
    if not AXE.exists():
        pytest.fail(f"{AXE} is missing: `make book` fetches axe-core")
    tab.emulate_media(reduced_motion="reduce")
    tab.goto(page.as_uri())
    tab.evaluate("() => window.MathJax?.startup?.promise.then(() => undefined)")
    tab.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    tab.evaluate(
        "document.querySelectorAll('.toggle-hidden .toggle-button').forEach((b) => b.click())"
    )
    tab.wait_for_function(REACHED, timeout=10_000)
    tab.evaluate(AXE.read_text(encoding="utf-8"))


def set_theme(tab, theme):
    """Show the page as the theme's button would."""
    tab.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)


@pytest.mark.parametrize("page", READ, ids=lambda page: str(page.relative_to(HTML)))
def test_no_serious_fault_in_both_themes(tab, page):
    open_page(tab, page)
    assert tab.evaluate(FAULTS) == []
    set_theme(tab, "dark")
    assert tab.evaluate(FAULTS, COLOURS) == []


def test_nothing_moves_for_who_asks_for_less_motion(tab):
    open_page(tab, CHAPTER)
    assert tab.evaluate(MOVING) == 0


def test_axe_is_heard(tab):
    """A page with faults is not passed."""
    open_page(tab, HTML / "faq.html")
    tab.evaluate(
        "document.querySelector('.bd-article h1').insertAdjacentHTML('afterend', "
        "'<button></button><p style=\"color: #999; background: #fff\">pale</p>')"
    )
    faults = "\n".join(tab.evaluate(FAULTS))
    assert "button-name" in faults
    assert "color-contrast" in faults


@pytest.mark.parametrize("name", ["intro", "laboratory", "faq", "status", CHAPTER.stem, STYLES])
def test_no_serious_fault_on_a_telephone(tab, name):
    """One page of each kind, and the chapter with the widest pictures."""
    (page,) = (page for page in READ if page.stem == name)
    tab.set_viewport_size({"width": 360, "height": 740})
    open_page(tab, page)
    assert tab.evaluate(FAULTS) == []


def test_the_keyboard_reaches_everything_and_shows_where_it_is(tab):
    tab.goto(CHAPTER.as_uri())
    tab.evaluate("() => window.MathJax.startup.promise.then(() => undefined)")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent.trim()") == "Skip to main content"
    seen = []
    while (stop := tab.evaluate(STOP, PLACES)) is not None and len(seen) < 600:
        seen.append(stop)
        tab.keyboard.press("Tab")
    assert {place for stop in seen for place in stop["places"]} == set(PLACES)
    assert [stop["what"] for stop in seen if not stop["shown"]] == []


@pytest.mark.parametrize("key", ["Enter", "Space"])
@pytest.mark.parametrize("place", ["details.option > summary", ".sd-dropdown > summary"])
def test_a_key_opens_a_fold_and_closes_it(tab, key, place):
    tab.goto(CHAPTER.as_uri())
    fold = tab.locator(place).first
    fold.focus()
    opened = []
    for _ in range(2):
        tab.keyboard.press(key)
        opened.append(fold.evaluate("(summary) => summary.parentElement.open"))
    assert opened == [True, False]


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_a_key_shows_a_solution(tab, key):
    tab.goto(CHAPTER.as_uri())
    button = tab.locator(".solution .toggle-button").first
    content = tab.locator(".solution section").first
    assert not content.is_visible()
    button.focus()
    tab.keyboard.press(key)
    assert content.is_visible()
    assert button.get_attribute("aria-expanded") == "true"
