"""Search what is published for solutions, hidden tests and rubrics.

What to look for is taken from the assignments themselves: passages of solutions, probes, judges,
trial solutions and rubrics, without white space. A passage is a line, with the next ones while it
is short: two lines of code stand in many programs, four are somebody's. What a student's version or
the library says too is no secret. Every file with text is searched: all of a notebook, metadata and
outputs too; pages also without their tags; members of archives.
"""

import argparse
import functools
import html
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools import notebooks
from tools.grading import submissions
from tools.grading.tasks import Assignment, assignments

CODE, PROSE, WHOLE = 100, 48, 40  # least characters of a passage, and of a whole short solution
FILES = ("probe.py", "judge.py", "solutions.py", "rubric.md")


def squeezed(text: str) -> str:
    """A text without white space and without what Markdown or HTML may change."""
    return re.sub(r"[\s*`\\|$]+", "", text)


def passages(text: str, least: int) -> Iterator[str]:
    """Each line, squeezed, with the next ones until it is long enough; else the whole text."""
    lines = [line for line in map(squeezed, text.splitlines()) if len(line) > 3]
    for start in range(len(lines)):
        passage = ""
        for line in lines[start:]:
            passage += line
            if len(passage) >= least:
                yield passage
                break
        else:
            if start == 0 and len(passage) >= WHOLE:
                yield passage


def secret(assignment: Assignment) -> Iterator[tuple[str, str, int]]:
    """What of an assignment must not be seen: (where it stands, text, least length)."""
    for cell in assignment.master.cells:
        if not submissions.solves(cell):
            continue
        name = submissions.grade_id(cell)
        if cell.cell_type == "markdown":
            yield f"the answer of {name}", cell.source, PROSE
        for match in submissions.SOLUTION.finditer(cell.source):
            yield f"the solution of {name}", "\n".join(match[0].splitlines()[1:-1]), CODE
    for file in FILES:
        least = PROSE if file.endswith(".md") else CODE
        yield file, (assignment.folder / file).read_text(encoding="utf-8"), least


def needles(known: Sequence[Assignment]) -> dict[str, str]:
    """All passages that must not be published, and where each comes from."""
    public = [squeezed(path.read_text(encoding="utf-8")) for path in library()]
    for assignment in known:
        empty = submissions.emptied(assignment.master)
        public.append(squeezed("\n".join(cell.source for cell in empty.cells)))
    open_text = "\n".join(public)
    return {
        passage: f"{assignment.name}: {place}"
        for assignment in known
        for place, text, least in secret(assignment)
        for passage in passages(text, least)
        if passage not in open_text
    }


def library() -> list[Path]:
    """The library's sources."""
    return sorted((notebooks.ROOT / "gpat_lib").glob("*.py"))


def texts(content: bytes, name: str) -> Iterator[tuple[str, str]]:
    """All texts of a file, each with where it stands."""
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from texts(archive.read(member), f"{name}/{member}")
        return
    if b"\0" in content:  # a picture, or weights
        return
    text = content.decode("utf-8", errors="ignore")
    if name.endswith((".ipynb", ".json")):
        try:
            yield name, "\n".join(strings(json.loads(text)))
            return
        except (ValueError, RecursionError):
            pass
    yield name, text
    if name.endswith((".html", ".js", ".svg", ".xml")):
        yield name, html.unescape(re.sub(r"<[^>]*>", "", text))


def strings(value: Any) -> Iterator[str]:
    """All texts within JSON; the lines of a cell are one text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            if not key.startswith("image/") or key == "image/svg+xml":
                yield from strings(inner)
    elif isinstance(value, list):
        if all(isinstance(inner, str) for inner in value):
            yield "".join(value)
        else:
            for inner in value:
                yield from strings(inner)


@functools.lru_cache(maxsize=2)
def _starts(keys: frozenset[str]) -> dict[str, list[str]]:
    """Needles by their first characters, so that a text is read once."""
    starts: dict[str, list[str]] = {}
    for key in keys:
        starts.setdefault(key[:12], []).append(key)
    return starts


def found_in(content: bytes, name: str, wanted: Mapping[str, str]) -> list[str]:
    """What a file gives away, one line for each place that it comes from."""
    starts = _starts(frozenset(wanted))
    found: dict[tuple[str, str], str] = {}
    for place, text in texts(content, name):
        body = squeezed(text)
        for position in range(len(body)):
            for key in starts.get(body[position : position + 12], ()):
                if body.startswith(key, position):
                    found.setdefault((place, wanted[key]), key)
    return [f"{place} gives away {of}: {key[:60]}" for (place, of), key in found.items()]


def check(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """Everything that a folder of published files gives away."""
    problems = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and ".git" not in path.relative_to(folder).parts:
            name = str(path.relative_to(folder))
            if path.name in (*FILES, "master.ipynb"):
                problems.append(f"{name} is a file of the instructors")
            problems += found_in(path.read_bytes(), name, wanted)
    return problems


def main(arguments: list[str] | None = None) -> int:
    """Check folders; 1 if anything is found."""
    parser = argparse.ArgumentParser(prog="tools.grading.leaks")
    parser.add_argument("folder", type=Path, nargs="+")
    wanted = needles(assignments())
    folders = parser.parse_args(arguments).folder
    problems = [problem for folder in folders for problem in check(folder, wanted)]
    print(*problems, sep="\n", end="\n" if problems else "")
    print(f"{len(wanted)} passages looked for, {len(problems)} found")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
