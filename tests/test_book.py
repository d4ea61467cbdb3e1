"""The rendered pages load nothing from other hosts and describe every picture."""

import functools
import html
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tools import notebooks, set_repository

pytestmark = pytest.mark.rendered
HTML = notebooks.ROOT / "_build" / "html"
PAGES = sorted(page for page in HTML.rglob("*.html") if "_static" not in page.parts)
# What a browser fetches by itself. Links, <a href>, may lead anywhere.
FETCHED = {
    "script": ["src"],
    "img": ["src", "srcset"],
    "source": ["src", "srcset"],
    "iframe": ["src"],
    "video": ["src", "poster"],
    "audio": ["src"],
    "embed": ["src"],
    "object": ["data"],
    "link": ["href"],
}
# <link> elements that only name another page.
NAMING = {"canonical", "next", "prev", "index", "search", "author", "license"}


class Elements(HTMLParser):
    """Collects the start tags of a page."""

    def __init__(self, page: Path):
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, {name: value or "" for name, value in attributes}))


@functools.cache
def anchors(page: Path) -> set[str]:
    """Return the places in a page that a link can lead to."""
    return {attributes["id"] for _, attributes in Elements(page).found if "id" in attributes}


@pytest.fixture(params=PAGES, ids=lambda page: str(page.relative_to(HTML)))
def page(request):
    return request.param


def test_the_book_is_built():
    assert (HTML / "index.html").exists(), "run `make book` first"
    for chapter in notebooks.chapters():
        assert (HTML / "chapters" / f"{chapter.stem}.html").exists()


def test_a_page_loads_nothing_from_other_hosts(page):
    fetched = [
        attributes[name]
        for tag, attributes in Elements(page).found
        for name in FETCHED.get(tag, [])
        if name in attributes
        and not (tag == "link" and set(attributes.get("rel", "").split()) & NAMING)
    ]
    assert [url for url in fetched if re.match(r"(?:https?:)?//", url)] == []


def test_styles_load_nothing_from_other_hosts():
    for style in HTML.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        found = re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)\"']+", text)
        assert found == [], style


def test_every_picture_is_there_and_described(page):
    for tag, attributes in Elements(page).found:
        if tag != "img":
            continue
        assert attributes.get("alt", "").strip(), attributes
        if not attributes["src"].startswith("data:"):
            assert (page.parent / attributes["src"].split("?")[0]).exists(), attributes


def test_every_link_within_the_book_leads_somewhere(page):
    broken = []
    for tag, attributes in Elements(page).found:
        link = urlsplit(attributes.get("href", ""))
        if tag != "a" or link.scheme or link.netloc:
            continue
        target = (page.parent / unquote(link.path)).resolve() if link.path else page
        anchor = unquote(link.fragment)
        if not target.is_file():
            broken.append(link.geturl())
        elif target.suffix == ".html" and anchor and anchor not in anchors(target):
            broken.append(link.geturl())
    assert broken == []


def test_notebook_pictures_carry_their_cells_texts():
    for path in notebooks.chapters():
        page = Elements(HTML / "chapters" / f"{path.stem}.html")
        alts = {attributes.get("alt") for tag, attributes in page.found if tag == "img"}
        text = html.unescape((HTML / "chapters" / f"{path.stem}.html").read_text(encoding="utf-8"))
        captions = re.findall(r'<span class="caption-text">(.*?)</span>', text.replace("’", "'"))
        for cell in notebooks.code_cells(notebooks.read(path)):
            if any("image/png" in output.get("data", {}) for output in cell.outputs):
                assert cell.metadata.mystnb.image.alt in alts
                assert cell.metadata.mystnb.figure.caption in captions


def test_chapters_open_in_colab():
    name = set_repository.parse(set_repository.current())
    for path in notebooks.chapters():
        page = Elements(HTML / "chapters" / f"{path.stem}.html")
        links = {attributes.get("href", "") for tag, attributes in page.found if tag == "a"}
        expected = f"https://colab.research.google.com/github/{name}/blob/main/chapters/{path.name}"
        assert expected in links


def test_sources_are_not_copied():
    """They would show hidden solutions."""
    assert not (HTML / "_sources").exists()
