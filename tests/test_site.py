"""The site as a whole: search, menu, weights, launch links, and the printed book."""

import gzip
import re
from urllib.parse import unquote

import pypdf
import pytest

from tests.test_book import HTML, Elements
from tests.test_laboratory import served
from tools import notebooks, set_repository

pytestmark = pytest.mark.rendered
STEMS = [path.stem for path in notebooks.chapters()]
LARGEST = 1_500_000  # bytes of a page over the wire
SHOTS = notebooks.ROOT / "_build" / "screenshots"


def title(stem):
    return notebooks.title(notebooks.CHAPTERS / f"{stem}.ipynb")


@pytest.fixture(scope="module")
def site():
    """The pages over HTTP: the search shows a summary of what it found, which it fetches."""
    with served() as address:
        yield address


def found(tab, site, words):
    """The pages that the search finds, best first."""
    tab.goto(f"{site}/search.html?q={words}")
    tab.wait_for_function(
        "/finished|did not match/i.test(document.getElementById('search-results').innerText)"
    )
    links = tab.locator("#search-results ul.search a")
    return [link.get_attribute("href") or "" for link in links.all()]


@pytest.mark.parametrize("stem", STEMS)
def test_the_search_finds_each_chapter(tab, site, stem):
    links = found(tab, site, title(stem)[3:])  # without its number
    assert any(f"chapters/{stem}.html" in link for link in links[:8])
    assert [p for p in tab.problems if not p.startswith(site)] == []


@pytest.mark.parametrize("words", ["梯度惩罚", "惩罚", "判别器"])
def test_the_search_finds_chinese_within_longer_terms(tab, site, words):
    links = found(tab, site, words)
    assert any("glossary.html" in link for link in links)
    assert any("chapters/" in link for link in links)


def test_the_menu_opens_on_a_telephone(tab):
    tab.set_viewport_size({"width": 360, "height": 740})
    tab.goto((HTML / "index.html").as_uri())
    link = tab.locator(".bd-sidebar-primary a", has_text=title(STEMS[1])).first
    assert not link.is_visible()
    tab.locator("button.primary-toggle:visible, label.sidebar-toggle:visible").first.click()
    link.click()
    tab.wait_for_url(f"**/{STEMS[1]}.html")
    assert tab.problems == []


@pytest.mark.parametrize("name", ["intro", *(f"chapters/{stem}" for stem in STEMS)])
def test_a_page_is_light(name):
    """With everything it shows; text as a server compresses it. Live models load on demand."""
    page = HTML / f"{name}.html"
    total = len(gzip.compress(page.read_bytes()))
    sources = {
        attributes.get(key, "").split("?")[0]
        for tag, attributes in Elements(page).found
        for key in {"script": ["src"], "img": ["src"], "link": ["href"]}.get(tag, [])
        if tag != "link" or attributes.get("rel") in ("stylesheet", "preload")
    }
    for source in sources:
        if not source or source.startswith("data:"):
            continue
        path = page.parent / source
        if not source.startswith("data:") and path.is_file():
            whole = path.read_bytes()
            total += len(gzip.compress(whole)) if path.suffix in {".css", ".js"} else len(whole)
    print(f"{name}: {total / 1e6:.2f} MB")
    assert total <= LARGEST


@pytest.mark.parametrize("stem", STEMS)
def test_a_chapter_opens_in_colab_kaggle_and_binder_and_downloads(stem):
    page = Elements(HTML / "chapters" / f"{stem}.html")
    links = [
        a.get("href", "") for tag, a in page.found if tag == "a" and a.get("class") == "launch"
    ]
    assert len(links) == 4
    repository = set_repository.parse(set_repository.current())
    for link in links[:3]:
        assert repository in link
        path = re.search(r"chapters/[^/]+\.ipynb$", unquote(link))
        assert path is not None
        assert (notebooks.ROOT / path[0]).is_file()
    assert (HTML / "chapters" / links[3]).is_file()


def test_the_printed_book_is_whole():
    pdf = HTML / "gpat-course.pdf"
    assert pdf.is_file(), "run `make pdf` first"
    reader = pypdf.PdfReader(pdf)
    text = " ".join(page.extract_text() for page in reader.pages)
    flat = re.sub(r"\s+", "", text)
    for stem in STEMS:
        assert re.sub(r"\s+", "", title(stem)) in flat
    entries = [entry.title for entry in reader.outline if not isinstance(entry, list)]
    assert len(entries) >= len(STEMS)
    assert "\\lambda" not in text, "an equation was printed as its source"
    assert 'class="pdf-offer"' in (HTML / "intro.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "page", "width", "scheme"),
    [
        ("front", "intro", 1280, "light"),
        ("chapter-light", "chapters/04_gradient_penalties", 1280, "light"),
        ("chapter-dark", "chapters/04_gradient_penalties", 1280, "dark"),
        ("chapter-phone", "chapters/04_gradient_penalties", 360, "light"),
        ("laboratory", "laboratory", 1280, "light"),
        ("status", "status", 1280, "light"),
    ],
)
def test_screenshots_are_kept(browser, name, page, width, scheme):
    tab = browser.new_page(viewport={"width": width, "height": 1100}, color_scheme=scheme)
    tab.goto((HTML / f"{page}.html").as_uri())
    SHOTS.mkdir(exist_ok=True)
    path = SHOTS / f"{name}.png"
    tab.screenshot(path=path)
    tab.close()
    assert path.stat().st_size > 10_000
