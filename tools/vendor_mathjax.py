"""Copy the parts of MathJax that the book uses into _vendor/, so that pages need no other host.

MathJax comes from PyPI (sphinx-mathjax-offline), since a machine that builds the book may have no
Node and a reader may have no internet.
"""

import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "_vendor" / "mathjax"
# The script itself, its fonts, and what its context menu loads on demand.
PARTS = [
    "tex-mml-chtml.js",
    "output/chtml/fonts/woff-v2",
    "input",
    "a11y",
    "ui",
]


def main() -> int:
    """Replace _vendor/mathjax by a fresh copy."""
    try:
        package = distribution("sphinx-mathjax-offline")
    except PackageNotFoundError:
        print("sphinx-mathjax-offline is not installed; `make book` installs it", file=sys.stderr)
        return 1
    source = Path(str(package.locate_file("sphinx-mathjax-offline/static/mathjax")))
    shutil.rmtree(TARGET, ignore_errors=True)
    for part in PARTS:
        (TARGET / part).parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, TARGET / part)
        else:
            shutil.copy2(source / part, TARGET / part)
    return 0


if __name__ == "__main__":
    sys.exit(main())
