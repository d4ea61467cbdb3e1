"""README's table of chapters, written from the chapters and from the record of their runs."""

import json
import sys
from typing import Any

from tools import notebooks, set_repository

README = notebooks.ROOT / "README.md"
RECORD = notebooks.ROOT / "data" / "results" / "chapters.json"
BEGIN, END = "<!-- chapters: written by make execute -->\n", "<!-- end of chapters -->\n"


def recorded_runs() -> dict[str, dict[str, Any]]:
    """Return data/results/chapters.json: chapter -> how its stored outputs were made."""
    return json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}


def launch(name: str) -> list[tuple[str, str]]:
    """Where a chapter can be opened, by what to call it."""
    repository = set_repository.parse(set_repository.current())
    file = f"chapters/{name}.ipynb"
    return [
        ("Colab", f"https://colab.research.google.com/github/{repository}/blob/main/{file}"),
        (
            "Kaggle",
            f"https://kaggle.com/kernels/welcome?src=https://github.com/{repository}/blob/main/{file}",
        ),
        ("Binder", f"https://mybinder.org/v2/gh/{repository}/main?labpath=chapters%2F{name}.ipynb"),
    ]


def table() -> str:
    """Return the table: title, Colab badge and stored run time of every chapter."""
    runs = recorded_runs()
    badge = "https://colab.research.google.com/assets/colab-badge.svg"
    lines = ["| chapter | open in Colab | on two CPU cores |", "| --- | --- | --- |"]
    for path in notebooks.chapters():
        (_, colab), *_ = launch(path.stem)
        seconds = f"{runs[path.stem]['seconds']:.0f} s" if path.stem in runs else ""
        lines.append(
            f"| [{notebooks.title(path)}](chapters/{path.name}) "
            f"| [![Open in Colab]({badge})]({colab}) | {seconds} |"
        )
    return "\n".join(lines) + "\n"


def updated(text: str) -> str:
    """Return README's text with the table of today."""
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"README.md must hold the lines {BEGIN!r} and {END!r}; it does not")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> int:
    """Write the table into README.md."""
    README.write_text(updated(README.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
