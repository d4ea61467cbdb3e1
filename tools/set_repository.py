"""Change the public repository's address everywhere.

The address is one value in _config.yml; links, badges and set-up cells repeat it. Only GitHub
addresses are accepted, since Colab's launch buttons open notebooks from there.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from tools import tracked

ROOT = tracked.ROOT
OWNER = r"[A-Za-z0-9](?:-?[A-Za-z0-9])*"
NAME = r"[\w.-]*\w"
VALID = re.compile(rf"https://github\.com/({OWNER})/({NAME})")
# The forms in which a page can name a repository: group 1 is the owner, group 2 the name.
FORMS = [
    re.compile(rf"(?<![\w.-])(?:www\.)?github\.com[/:]({OWNER})/({NAME})"),
    re.compile(rf"raw\.githubusercontent\.com/({OWNER})/({NAME})"),
    re.compile(rf"colab\.research\.google\.com/github/({OWNER})/({NAME})"),
    re.compile(rf"mybinder\.org/v2/gh/({OWNER})/({NAME})"),
    re.compile(rf"(?<![\w.-])({OWNER})\.github\.io/({NAME})"),
]


def parse(url: str) -> str:
    """Return OWNER/NAME of a repository's address, or raise ValueError."""
    match = VALID.fullmatch(url.rstrip("/").removesuffix(".git"))
    if match is None:
        raise ValueError(f"URL: expected https://github.com/OWNER/NAME, got {url!r}")
    return f"{match[1]}/{match[2]}"


def current(root: Path = ROOT) -> str:
    """Return the address in _config.yml."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    return config["repository"]["url"]


def text_files(root: Path = ROOT) -> dict[Path, str]:
    """Return the text of every file that git tracks or would track."""
    texts = {}
    for name in tracked.files(root):
        try:
            texts[root / name] = (root / name).read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            continue  # a picture or a checkpoint
    return texts


def repositories(text: str) -> set[str]:
    """Return every OWNER/NAME that a text names."""
    return {
        f"{match[1]}/{match[2].removesuffix('.git')}"
        for form in FORMS
        for match in form.finditer(text)
    }


def replaced(text: str, old: str, new: str) -> str:
    """Return the text with the repository `old` (OWNER/NAME) changed to `new` in every form."""
    old_parts, new_parts = old.split("/"), new.split("/")

    def change(match: re.Match[str]) -> str:
        suffix = ".git" if match[2].endswith(".git") else ""
        if [match[1], match[2].removesuffix(".git")] != old_parts:
            return match[0]
        start = match.start()
        return (
            match[0][: match.start(1) - start]
            + new_parts[0]
            + match[0][match.end(1) - start : match.start(2) - start]
            + new_parts[1]
            + suffix
        )

    step: Callable[[re.Match[str]], str] = change
    for form in FORMS:
        text = form.sub(step, text)
    return text


def main(arguments: list[str]) -> int:
    """Change the address; print the files that changed."""
    try:
        new = parse(arguments[0] if arguments else "")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    old = parse(current())
    for path, text in text_files().items():
        changed = replaced(text, old, new)
        if changed != text:
            path.write_bytes(changed.encode("utf-8"))
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
