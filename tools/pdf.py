"""The whole book as one PDF, printed by an installed Chromium from the rendered pages.

The pages' articles are put into one document, so that page numbers go through, links between
chapters work on paper too, and equations are those of the pages.
"""

import os
import re
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import bs4
import pikepdf
import yaml
from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"
BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
LARGE = 20_000  # bytes of a picture
FOOTER = (
    '<div style="width:100%;text-align:center;font:8px sans-serif">'
    '<span class="pageNumber"></span></div>'
)
STYLE = """
  body { max-width: none; margin: 0; }
  article.bd-article { break-before: page; padding: 0 !important; }
  article.bd-article:first-of-type { break-before: auto; }
  img { max-height: 21cm; object-fit: contain; }
  div.cell_input pre, div.cell_output pre { font-size: 8pt !important; }
  mjx-container { break-inside: avoid; }
  .toggle-button, .toggle-details__summary-text, summary::after { display: none !important; }
"""
# Not on paper: long lists to look things up in, and what is of use only on a screen.
ONLINE = {"api", "status"}
LEFT_OUT = (
    ".headerlink, .chapter-bar, .tag_setup, .tag_tier, .tag_check, .pdf-offer, "
    "button, script, input"
)


def browser() -> str | None:
    """Return a Chromium's path: $CHROMIUM, or the first one installed; None if there is none."""
    named = map(shutil.which, filter(None, [os.environ.get("CHROMIUM"), *BROWSERS]))
    return next(filter(None, named), None)


def names() -> list[str]:
    """Return the pages in the order of the table of contents."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = [toc["root"], *(c["file"] for part in toc["parts"] for c in part["chapters"])]
    return [name for name in listed if name not in ONLINE]


def slug(name: str) -> str:
    """Return a page's anchor."""
    return re.sub(r"\W", "-", name)


def printable(path: Path) -> Path:
    """Return a picture as JPEG if that is smaller: Chromium stores others without loss."""
    copy = HTML / "_print" / f"{path.stem}.jpg"
    if path.suffix != ".webp" or path.stat().st_size < LARGE:
        return path
    if not copy.exists():
        copy.parent.mkdir(exist_ok=True)
        with Image.open(path) as image:
            white = Image.new("RGBA", image.size, "white")
            white.alpha_composite(image.convert("RGBA"))
            white.convert("RGB").save(copy, quality=88)
    return copy


def article(name: str, known: list[str]) -> bs4.Tag:
    """Return a page's article with anchors, links and pictures as one document needs them."""
    page = HTML / f"{name}.html"
    soup = bs4.BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    found = soup.select_one("article.bd-article")
    assert found is not None, f"{page} has no article"
    for tag in found.select(LEFT_OUT):
        tag.decompose()
    for tag in found.select("[id]"):
        tag["id"] = f"{slug(name)}--{tag['id']}"
    found["id"] = slug(name)
    for tag in found.select("img[src]"):
        del tag["loading"]
        if not str(tag["src"]).startswith("data:"):
            path = (page.parent / str(tag["src"]).split("?")[0]).resolve()
            tag["src"] = str(printable(path).relative_to(HTML))
    for tag in found.select("details"):
        tag["open"] = ""  # on paper nothing can be opened
    for tag in found.select("a[href]"):
        link = urlsplit(str(tag["href"]))
        if link.scheme or link.netloc:
            continue
        target = (page.parent / unquote(link.path)).resolve() if link.path else page
        other = str(target.relative_to(HTML).with_suffix("")) if HTML in target.parents else ""
        if other in known and target.suffix == ".html":
            tag["href"] = "#" + slug(other) + (f"--{link.fragment}" if link.fragment else "")
        else:
            tag.unwrap()
    return found


def document() -> Path:
    """Write the one document beside the pages, whose styles and scripts it uses."""
    known = names()
    soup = bs4.BeautifulSoup((HTML / f"{known[0]}.html").read_text("utf-8"), "html.parser")
    assert soup.head is not None
    assert soup.body is not None
    style = soup.new_tag("style")
    style.string = STYLE
    soup.head.append(style)
    soup.body.clear()
    for name in known:
        soup.body.append(article(name, known))
    path = HTML / "print.html"
    path.write_text(str(soup), encoding="utf-8")
    return path


def pack(pdf: Path) -> None:
    """Write a PDF anew by a third smaller, since Chromium does not compress objects; name it."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    with pikepdf.open(pdf, allow_overwriting_input=True) as printed:
        printed.docinfo["/Title"], printed.docinfo["/Author"] = config["title"], config["author"]
        printed.save(object_stream_mode=pikepdf.ObjectStreamMode.generate, recompress_flate=True)


def main() -> int:
    """Print, and offer the file on the front page."""
    if not (HTML / "index.html").exists():
        raise SystemExit("make pdf: the book is not rendered; make book renders it")
    chromium = browser()
    if chromium is None:
        raise SystemExit("make pdf: no Chromium (Debian: apt install chromium; or set CHROMIUM)")
    path = document()
    pdf = HTML / "gpat-course.pdf"
    try:
        with sync_playwright() as playwright:
            flags = ["--no-sandbox", "--disable-gpu"]
            started = playwright.chromium.launch(executable_path=chromium, args=flags)
            tab = started.new_page(color_scheme="light")
            tab.goto(path.as_uri())
            tab.evaluate("document.documentElement.dataset.theme = 'light'")
            tab.wait_for_function("window.MathJax && MathJax.startup && MathJax.startup.promise")
            tab.evaluate("MathJax.startup.promise")
            side = "18mm"
            tab.pdf(
                path=pdf,
                format="A4",
                scale=0.82,
                margin={"top": side, "bottom": side, "left": side, "right": side},
                print_background=True,
                display_header_footer=True,
                header_template="<span></span>",
                footer_template=FOOTER,
                outline=True,
                tagged=True,
            )
            started.close()
    finally:
        path.unlink()
        shutil.rmtree(HTML / "_print", ignore_errors=True)
    pack(pdf)
    front = HTML / "intro.html"
    text = front.read_text(encoding="utf-8")
    front.write_text(text.replace('class="pdf-offer" hidden', 'class="pdf-offer"'), "utf-8")
    print(f"{pdf.relative_to(ROOT)}: {pdf.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
