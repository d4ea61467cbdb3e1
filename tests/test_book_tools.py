"""What comes from npm is checked; the search splits Chinese; pages get lighter."""

import html
import re
import sys

import pytest
from PIL import Image

from tools import notebooks, vendor_npm

sys.path.insert(0, str(notebooks.ROOT / "tools"))
import sphinx_course


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """A stand-in for npm that packs what it is told to, or fails."""

    def make(script):
        path = tmp_path / "npm"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr(vendor_npm, "npm", lambda: str(path))

    return make


def test_an_archive_with_another_sum_is_refused(npm, tmp_path):
    npm("echo something else > axe-core-4.14.1.tgz")
    (tmp_path / "place").mkdir()
    with pytest.raises(SystemExit, match=r"axe-core@4\.14\.1: SHA-512 is .*, expected FHfa"):
        vendor_npm.fetch("axe-core@4.14.1", tmp_path / "place")


def test_a_failing_npm_is_quoted(npm, tmp_path):
    npm("echo no route to host >&2; exit 1")
    with pytest.raises(SystemExit, match=r"could not fetch axe-core@4\.14\.1: no route to host"):
        vendor_npm.fetch("axe-core@4.14.1", tmp_path)


def test_the_search_knows_pieces_of_chinese_words():
    words = sphinx_course.Bilingual({}).split("The gradient penalty 梯度惩罚 holds it.")
    assert {"梯度惩罚", "惩罚", "度惩", "gradient"} <= set(words)
    assert "罚" not in words


def test_a_picture_is_shrunk_and_its_tag_sized(tmp_path):
    (tmp_path / "_images").mkdir()
    picture = tmp_path / "_images" / "a.png"
    Image.effect_noise((400, 300), 60).convert("RGB").save(picture)
    small = sphinx_course.shrink(picture)
    assert small.stat().st_size < picture.stat().st_size / 2
    page = tmp_path / "page.html"
    page.write_text('<img alt="noise" src="_images/a.png"><img src="data:image/png;base64,AA">')
    for _ in range(2):  # a page may be written anew or be there from before
        sphinx_course.retouch(page, {"a.png": small.name})
    first, second = re.findall("<img[^>]*>", page.read_text())
    for part in ('src="_images/a.webp"', 'width="400"', 'height="300"', 'loading="lazy"'):
        assert first.count(part) == 1
    assert second == '<img src="data:image/png;base64,AA">'


@pytest.mark.parametrize(
    ("printed", "wraps"),
    [
        ("latent_dim must be what the generator takes: " + "got 200, expected 100; " * 3, True),
        ("short: True", False),
        (f"{'style':<30}seeds{'share':>30}{'edges':>30}", False),
        (
            "def penalty(self, real: tf.Tensor, fake: tf.Tensor, given: Any, at: int) -> Any:",
            False,
        ),
    ],
)
def test_wide_messages_wrap_and_tables_and_code_do_not(tmp_path, printed, wraps):
    page = tmp_path / "page.html"
    page.write_text(
        '<div class="output stream highlight-myst-ansi notranslate"><div class="highlight"><pre>'
        f"<span></span>{html.escape(printed)}\n</pre></div></div>"
    )
    sphinx_course.retouch(page, {})
    assert ("output message stream" in page.read_text()) == wraps


def test_every_figure_on_a_page_is_in_the_results():
    """The questions' page names files of data/results; a misspelt name stops the book."""
    results = sphinx_course.results()
    assert results["stability"]["table"][0]["runs"] >= 20
    assert sphinx_course.status().count("{doc}`chapters/") >= 15
