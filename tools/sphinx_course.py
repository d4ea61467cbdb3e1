"""What the course adds to the book's rendering: figures from results, headers, light pages.

A Sphinx extension, listed in _config.yml. It reads stored files only, and needs no TensorFlow.
"""

import html
import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import imagesize
import sphinx.search
from PIL import Image
from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
sys.setrecursionlimit(4000)  # astroid, which reads the library for its reference
from tools import readme  # noqa: E402

CHINESE = re.compile(r"[\u3400-\u9fff]{2,}")
ICON = re.compile(  # "name":[width, height, [other names], "code", "path" or two paths],
    r'"?([a-z0-9-]+)"?:\[\d+,\d+,\[[^\]]*\],"[0-9a-f]+",(?:"[^"]*"|\[[^\]]*\])\],?'
)
FIGURE = re.compile(r'(<figure class="align-default"[^>]*>\s*)(<img [^>]*src="([^"]+)"[^>]*>)')
PRINTED = re.compile(
    r'(<div class="output) (stream[^>]*>\s*<div class="highlight"><pre>)(.*?)(?=</pre>)', re.S
)
WIDE = 80  # columns that a printed line may have on a wide screen
LOSSLESS = 80_000  # bytes of a picture without loss
LONGEST = 6  # characters of a Chinese word that the search finds within a longer run
# For those who read by ear or by keyboard, where the themes' HTML falls short: what, and instead.
MENDED = [
    # A button is called by the text it shows: whoever speaks to the browser says that text.
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    (r'(<button class="btn search-button-field[^>]*) aria-label="Search"', r"\1"),
    # The icons' titles would be text of the button, which is called "Color mode".
    (r'(<i class="theme-switch [^>]*) title="[^"]*"', r"\1"),
    # DPUB-ARIA 1.1 took this role back: an entry is an item of the list around it.
    (r'role="doc-biblioentry"', 'role="listitem"'),
    # Every exercise repeats these, and an id belongs to one element.
    (r'<section id="(?:exercise|solution)-content">', "<section>"),
]


class Bilingual(SearchEnglish):
    """English, and Chinese by every piece of a run: there are no spaces to split at."""

    def split(self, input: str) -> list[str]:
        """Words of a text."""
        words = super().split(input)
        for run in CHINESE.findall(input):
            words += [
                run[start : start + length]
                for length in range(2, LONGEST + 1)
                for start in range(len(run) - length + 1)
            ]
        return words


def results() -> dict[str, Any]:
    """The files of data/results by name, as pages write them: {{ results.NAME.figures... }}."""
    folder = ROOT / "data" / "results"
    return {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in folder.glob("*.json")}


def status() -> str:
    """The table of the chapters' stored runs."""
    rows = ["| chapter | last run | tier | seconds | with |", "| --- | --- | --- | ---: | --- |"]
    for stem, run in sorted(readme.recorded_runs().items()):
        date = run["date"].replace("-", "\N{NON-BREAKING HYPHEN}")
        rows.append(
            f"| {{doc}}`chapters/{stem}` | {date} | {run['tier']} | {run['seconds']:.0f} | Python "
            f"{run['python']}, TensorFlow {run['tensorflow']}, Keras {run['keras']}, NumPy "
            f"{run['numpy']}, {run['cpu_threads']} threads |"
        )
    return "\n".join(rows)


def substitute(app: Sphinx, config: Any) -> None:
    """Give pages the figures of the stored results."""
    config.myst_substitutions = {"results": results(), "status": status()}


def add_header(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Write under a chapter's title how long it runs and where it opens."""
    name = page.removeprefix("chapters/")
    runs = readme.recorded_runs()
    if name == page or name not in runs:
        return
    links = [f'<a class="launch" href="{url}">{title}</a>' for title, url in readme.launch(name)]
    links.append(f'<a class="launch" href="{name}.ipynb" download>Download</a>')
    seconds = f"{runs[name]['seconds']:.0f} s on two CPU cores"
    bar = f'<p class="chapter-bar"><span>{seconds}</span> {" ".join(links)}</p>'
    context["body"] = context["body"].replace("</h1>", "</h1>\n" + bar, 1)


def leave_out(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out of the library's reference what stands elsewhere in it, and bare values."""
    bare = getattr(obj, "type", "") in ("data", "attribute") and not obj.docstring
    return True if bare or getattr(obj, "imported", False) else None


def shrink(picture: Path) -> Path:
    """Write a PNG anew as WebP: without loss while that is small, else with a loss nobody sees."""
    path = picture.with_suffix(".webp")
    if not path.exists() or path.stat().st_mtime < picture.stat().st_mtime:
        with Image.open(picture) as image:
            whole = image.convert("RGBA" if "A" in image.getbands() or image.mode == "P" else "RGB")
        whole.save(path, lossless=True, method=3)
        if path.stat().st_size > LOSSLESS:
            whole.save(path, quality=90, method=4)
    return path


def is_message(text: str) -> bool:
    """Whether something printed is wide prose, such as an error's message: no table, no code."""
    lines = [line.strip() for line in text.splitlines()]
    set_out = any("  " in line or line.startswith(("def ", "class ", "@")) for line in lines)
    return max(map(len, lines), default=0) > WIDE and not set_out


def retouch(page: Path, smaller: dict[str, str]) -> None:
    """Give a page's pictures their sizes, load them when seen, and mend what MENDED lists."""

    def sized(match: re.Match[str]) -> str:
        tag = match[0]
        source = re.search(r'src="([^"]+)"', tag)
        if "loading=" in tag or source is None or source[1].startswith("data:"):
            return tag
        added = ' loading="lazy" decoding="async"'
        path = page.parent / source[1].split("?")[0]
        if path.is_file() and " width=" not in tag and "style=" not in tag:
            width, height = imagesize.get(path)
            if width > 0:
                added += f' width="{width}" height="{height}"'
        return tag.replace("<img", f"<img{added}", 1)

    def marked(match: re.Match[str]) -> str:
        start, rest, printed = match.groups()
        wraps = is_message(html.unescape(re.sub("<[^>]*>", "", printed)))
        return f"{start} message {rest}{printed}" if wraps else match[0]

    text = page.read_text(encoding="utf-8")
    text = re.sub(r"_images/([^\"?]+)", lambda m: f"_images/{smaller.get(m[1], m[1])}", text)
    text = re.sub(r"<img\b[^>]*>", sized, text)
    text = PRINTED.sub(marked, text)
    # A figure leads to its file: on a telephone its words are small.
    text = FIGURE.sub(r'\1<a href="\3">\2</a>', text)
    for pattern, instead in MENDED:
        text = re.sub(pattern, instead, text)
    page.write_text(text, encoding="utf-8")


def slim_icons(out: Path) -> None:
    """Leave in Font Awesome the icons that pages use; all of them weigh half a megabyte."""
    script = out / "_static" / "scripts" / "fontawesome.js"
    places = [*out.rglob("*.html"), out / "_static" / "scripts" / "pydata-sphinx-theme.js"]
    used = {name for p in places for name in re.findall(r"fa-([a-z0-9-]+)", p.read_text("utf-8"))}
    text = ICON.sub(lambda m: m[0] if m[1] in used else "", script.read_text(encoding="utf-8"))
    script.write_text(text, encoding="utf-8")


def finish(app: Sphinx, error: Exception | None) -> None:
    """Once the pages are written: notebooks to download beside them, and lighter pictures."""
    if error is not None or app.builder.name != "html":
        return
    out = Path(app.outdir)
    for path in (ROOT / "chapters").glob("*.ipynb"):
        (out / "chapters" / path.name).write_bytes(path.read_bytes())
    with ThreadPoolExecutor() as pool:
        pictures = list((out / "_images").glob("*.png"))
        smaller = {
            p.name: path.name for p, path in zip(pictures, pool.map(shrink, pictures), strict=True)
        }
    for page in out.rglob("*.html"):
        if "_static" not in page.parts:
            retouch(page, smaller)
    slim_icons(out)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register."""
    sphinx.search.languages["en"] = Bilingual
    app.connect("config-inited", substitute, priority=1)
    app.connect("autodoc-skip-member", leave_out)
    app.connect("html-page-context", add_header)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
